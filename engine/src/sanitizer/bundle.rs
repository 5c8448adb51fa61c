//! References to other files of the same policy: what a schema refers to by name is read as if it stood inside it.
//!
//! The text of the schema itself keeps its places, since the others are added behind its last member. Each of them gets the
//! `$id` that a reference by its name resolves to, unless it names itself.

use std::collections::{BTreeMap, BTreeSet};

use super::identifiers::BASE;
use super::vocabulary::{FILES, id_keyword};
use crate::json::{Document, Kind, View};

/// A schema with the files that it refers to.
pub(super) struct Bundle {
    /// The text that we read.
    pub(super) text: String,
    /// The other files: their names, and their texts with an `$id`.
    pub(super) others: BTreeMap<String, String>,
}

/// Adds to a schema the files that it refers to, and those that they refer to.
pub(super) fn bundle(text: &str, draft: u16, files: &BTreeMap<String, String>) -> Bundle {
    let mut others = BTreeMap::new();
    let mut waiting = references(text);
    while let Some(reference) = waiting.pop_first() {
        let named =
            files.iter().find(|(name, text)| **name == reference || own_id(text, draft).as_ref() == Some(&reference));
        let Some((name, other)) = named.filter(|(name, other)| !others.contains_key(*name) && *other != text) else {
            continue;
        };
        if let Some(identified) = identified(name, other, draft) {
            waiting.extend(references(other));
            others.insert(name.clone(), identified);
        }
    }
    let Some((before, _)) = text.trim_end().rsplit_once('}').filter(|_| !others.is_empty()) else {
        return Bundle { text: text.to_owned(), others: BTreeMap::new() };
    };
    let members: Vec<_> = others.iter().map(|(name, text)| format!("{name:?}:{text}")).collect();
    Bundle { text: format!("{before},\"{FILES}\":{{{}}}}}", members.join(",")), others }
}

/// The files and URIs that a schema's `$ref`s name, without their fragments.
fn references(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Ok(document) = Document::read(text.as_bytes()) {
        collect(document.root(), &mut found);
    }
    found
}

fn collect(view: View<'_>, found: &mut BTreeSet<String>) {
    if let Some(reference) = view.get("$ref").and_then(View::as_text) {
        let reference = reference.decode();
        let uri = reference.split('#').next().unwrap_or_default();
        found.extend((!uri.is_empty()).then(|| uri.to_owned()));
    }
    for child in view.items().chain(view.members().map(|(_, value)| value)) {
        collect(child, found);
    }
}

fn own_id(text: &str, draft: u16) -> Option<String> {
    let document = Document::read(text.as_bytes()).ok()?;
    let id = document.root().get(id_keyword(draft))?.as_text()?.decode().into_owned();
    Some(id.trim_end_matches('#').to_owned())
}

/// The text of a file with an `$id`; none, if it is no object with members.
fn identified(name: &str, text: &str, draft: u16) -> Option<String> {
    let document = Document::read(text.as_bytes()).ok()?;
    let root = document.root();
    if root.kind() != Kind::Object || root.is_empty() {
        return None;
    }
    if root.get(id_keyword(draft)).is_some() {
        return Some(text.to_owned());
    }
    let members = text.trim_start().strip_prefix('{')?;
    Some(format!("{{\"{}\":\"{BASE}{name}\",{members}", id_keyword(draft)))
}
