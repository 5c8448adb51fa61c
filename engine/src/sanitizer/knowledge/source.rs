//! Where the schema objects of a schema stand: in its own file, or in another one of its policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Span;
use crate::json::{Document, Position, View};
use crate::pointer::{self, Pointer};
use crate::sanitizer::vocabulary::FILES;

/// The texts that a schema is read from.
pub(in crate::sanitizer) struct Source {
    file: String,
    documents: BTreeMap<String, Arc<Document>>,
}

impl Source {
    /// The text of a schema, and the other files that it refers to.
    pub(in crate::sanitizer) fn new<'a>(
        file: &str,
        text: &str,
        files: &BTreeMap<String, String>,
        others: impl Iterator<Item = &'a String>,
    ) -> Self {
        let others = others.filter_map(|name| Some((name.as_str(), files.get(name)?.as_str())));
        let all = others.chain([(file, text)]);
        let read = all.filter_map(|(name, text)| Some((name.to_owned(), Document::read(text.as_bytes()).ok()?)));
        Self { file: file.to_owned(), documents: read.collect() }
    }

    /// The file and the value that a schema object's pointer names.
    pub(super) fn find(&self, pointer: &str) -> Option<(&str, View<'_>)> {
        let pointer = Pointer::parse(pointer.strip_prefix('#')?)?;
        let (file, tokens) = match pointer.tokens() {
            [files, name, below @ ..] if files == FILES => (self.documents.get_key_value(name)?.0.as_str(), below),
            own => (self.file.as_str(), own),
        };
        let root = self.documents.get(file)?.root();
        let view = tokens.iter().try_fold(root, |view, token| pointer::child(view, token))?;
        Some((file, view))
    }

    /// The file and the place of the keyword that a pointer ends with, by its name; or of the schema object that it names.
    pub(in crate::sanitizer) fn place(&self, pointer: &str, keyword: &str) -> Option<(String, Position)> {
        let above = pointer.rsplit_once('/').filter(|(_, last)| *last == keyword).map_or(pointer, |(above, _)| above);
        let (file, view) = self.find(above)?;
        let named = view.named_members().find(|(name, _)| name.as_text().is_some_and(|text| text.is(keyword)));
        Some((file.to_owned(), named.map_or(view, |(name, _)| name).place()?.position()))
    }

    /// From where to where a schema object stands.
    pub(super) fn span(&self, pointer: &str) -> Option<(Position, Position)> {
        let (_, view) = self.find(pointer)?;
        let (place, text) = (view.place()?, view.place()?.document_text());
        let span = place.span();
        Some((Position::of(text.as_bytes(), span.start), Position::of(text.as_bytes(), span.end)))
    }

    /// A schema object.
    pub(in crate::sanitizer) fn at(&self, pointer: &str) -> Span {
        match self.find(pointer) {
            Some((file, view)) => Span::at_view(file, view),
            None => Span::whole(&self.file),
        }
    }

    /// The value of one of a schema object's keywords, or the object.
    pub(in crate::sanitizer) fn at_value(&self, pointer: &str, keyword: &str) -> Span {
        match self.find(pointer).and_then(|(file, view)| Some((file, view.get(keyword)?))) {
            Some((file, value)) => Span::at_view(file, value),
            None => self.at(pointer),
        }
    }

    /// The name of one of a schema object's keywords, or the object.
    pub(in crate::sanitizer) fn at_name(&self, pointer: &str, keyword: &str) -> Span {
        let found = self.find(pointer).and_then(|(file, view)| {
            let named = view.named_members().find(|(name, _)| name.as_text().is_some_and(|text| text.is(keyword)));
            Some((file, named?.0))
        });
        match found {
            Some((file, name)) => Span::at_view(file, name),
            None => self.at(pointer),
        }
    }

    /// A name in a list of names, or the object.
    pub(super) fn at_listed(&self, pointer: &str, name: &str) -> Span {
        let listed = self.find(pointer).and_then(|(file, view)| {
            let mut names = view.get("required")?.items();
            Some((file, names.find(|one| one.as_text().is_some_and(|text| text.is(name)))?))
        });
        match listed {
            Some((file, value)) => Span::at_view(file, value),
            None => self.at(pointer),
        }
    }
}
