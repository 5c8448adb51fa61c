//! Reads a schema with the files that it refers to, and what is known of it before any document comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Options;
use super::bundle::{self, Bundle};
use super::check::Types;
use super::reader;
use super::schema::{Id, Schema};
use super::sets::{Applied, Sets};
use super::steps::default_stands;
use super::table::Plans;
use crate::diagnostic::{Code, Diagnostic, SchemaProblem, Span};
use crate::fate::Keyword;
use crate::json::{Document, Position};
use crate::pointer::Pointer;

/// The other files of a policy that a schema refers to, and those that they refer to.
#[must_use]
pub fn references(text: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let draft = Document::read(text.as_bytes()).map_or(0, |document| reader::draft_of("", &document).0);
    bundle::bundle(text, draft, files).others.into_keys().collect()
}

/// A schema's document, the other files in it, and what they say.
pub(super) type Read = (Arc<Document>, BTreeMap<String, String>, Schema);

/// Reads a schema and the files that it refers to; what is wrong in those is said at their own places.
pub(super) fn read(file: &str, text: &str, files: &BTreeMap<String, String>) -> Result<Read, Vec<Diagnostic>> {
    let unreadable = |error| vec![Diagnostic::unreadable([Code::S001, Code::S002], file, text, error)];
    let alone = Document::read(text.as_bytes()).map_err(unreadable)?;
    let Bundle { text: bundled, others } = bundle::bundle(text, reader::draft_of(file, &alone).0, files);
    if others.is_empty() {
        let schema = reader::read(file, &alone)?;
        return Ok((alone, others, schema));
    }
    let document = Document::read(bundled.as_bytes()).map_err(unreadable)?;
    match reader::read(file, &document) {
        Ok(schema) => Ok((document, others, schema)),
        Err(found) => {
            // the other files stand behind the last brace
            let end = Position::of(text.as_bytes(), text.trim_end().len().saturating_sub(1));
            let mut errors: Vec<_> = found.into_iter().filter(|error| error.start < end).collect();
            for other in others.keys().filter(|other| *other != file) {
                let text = files.get(other).map(String::as_str).unwrap_or_default();
                let found = read(other, text, &BTreeMap::new()).err().into_iter().flatten();
                errors.extend(found.filter(|error| error.code != Code::S016));
            }
            Err(errors)
        }
    }
}

/// What the draft itself refuses: the place in the schema, and why.
pub(super) fn refused(file: &str, text: &str, (pointer, why): (String, String)) -> Diagnostic {
    let document = Document::read(text.as_bytes()).ok();
    let place = Pointer::parse(&pointer).filter(|pointer| !pointer.tokens().is_empty());
    let found = place.as_ref().zip(document.as_ref()).and_then(|(place, document)| place.get(document.root()));
    let keyword =
        place.as_ref().and_then(|place| place.tokens().iter().rev().find(|token| token.parse::<usize>().is_err()));
    match (found, keyword) {
        (Some(view), Some(keyword)) => {
            Diagnostic::new(Span::at_view(file, view), SchemaProblem::Invalid { keyword: keyword.clone(), why })
        }
        _ => Diagnostic::new(Span::whole(file), SchemaProblem::Refused { why }),
    }
}

/// The schema objects with a default that an annotation may put in place, and that does not pass there as it is.
pub(super) fn wrong_defaults(schema: &Schema, options: &Options) -> Vec<Id> {
    let mut asked =
        (0..).zip(&schema.objects).filter_map(|(id, object)| Some((id, object.asked_default()?))).peekable();
    if asked.peek().is_none() {
        return Vec::new();
    }
    let plans = Plans::compile(schema, options);
    asked.filter(|(id, default)| !default_stands(schema, &plans, options, *id, default)).map(|(id, _)| id).collect()
}

/// Takes away the defaults that do not pass where they would be put: no annotation puts them.
pub(super) fn without_wrong_defaults(schema: &mut Schema, options: &Options) {
    for id in wrong_defaults(schema, options) {
        if let Some(object) = schema.objects.get_mut(usize::from(id)) {
            object.default = None;
        }
    }
}

/// The kinds of value that the root of a schema allows.
pub(super) fn root_types(schema: &Schema) -> Types {
    let mut sets = Sets::new(schema);
    let root = sets.root();
    types_of(&mut sets, &[(root, Keyword::False)], UNIONS_MAX)
}

/// Unions in unions that are looked into for their types.
const UNIONS_MAX: usize = 8;

/// The kinds of value that schema objects allow together, in one of the branches of each of their unions.
fn types_of(sets: &mut Sets<'_>, schemas: &[(Applied, Keyword)], depth: usize) -> Types {
    let set = sets.set(schemas);
    let mut types = if set.never.is_some() { Types::NONE } else { Types::ALL };
    for part in &set.parts {
        let Some(object) = sets.object(part.applied) else { continue };
        types = types.and(object.types.unwrap_or(Types::ALL));
        for check in object.checks.iter().filter(|check| !check.listed().is_empty()) {
            let kinds = check.listed().iter().map(|value| Types::of(value.view().kind()));
            types = types.and(kinds.fold(Types::NONE, Types::or));
        }
        for branches in [&object.choices.any_of, &object.choices.one_of].into_iter().filter(|list| !list.is_empty()) {
            let kinds = branches.iter().map(|&id| {
                let branch = sets.below(part.applied, id);
                if depth == 0 { Types::ALL } else { types_of(sets, &[(branch, Keyword::False)], depth - 1) }
            });
            types = types.and(kinds.fold(Types::NONE, Types::or));
        }
    }
    types
}
