//! Mutation testing of rules: each bound, keyword, strategy and operator is changed, one at a time, and somebody should
//! notice: `check`, a fixture, or a law. A mutant that nobody notices is shown with an event that tells it from the rule, as
//! a fixture; where no generated event does, it may be equivalent.

mod declared;
mod schema;
mod script;
mod trial;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::json::{Document, Json, Position, View};
use crate::policy::{Files, POLICY_FILE};
pub use trial::{Bench, Fate};

/// One change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The file below the folder of the policy.
    pub file: String,
    /// Where the change begins.
    pub at: Position,
    /// What is changed, such as `` `maximum` 99 → 100 ``.
    pub change: String,
    /// The rule whose file it is; none: several rules may use it.
    pub rule: Option<String>,
    span: Range<usize>,
    text: String,
}

/// The place of a change in a text, what comes there, and what that is in words.
struct Change {
    span: Range<usize>,
    text: String,
    words: String,
}

/// All mutants of a policy, by file and place.
#[must_use]
pub fn all(files: &Files) -> Vec<Mutant> {
    let mut found = Vec::new();
    let owners = owners(files);
    for (file, text) in &files.0 {
        let own = match owners.get(file).map(Vec::as_slice) {
            Some([rule]) => Some(rule.clone()),
            _ => None,
        };
        let changes: Vec<(Change, Option<String>)> = if file == POLICY_FILE {
            declared::changes(text)
        } else if file.ends_with(".schema.json") {
            schema::changes(text).into_iter().map(|change| (change, own.clone())).collect()
        } else if file.ends_with(".rhai") {
            script::changes(text).into_iter().map(|change| (change, own.clone())).collect()
        } else {
            Vec::new()
        };
        let mutants = changes.into_iter().map(|(Change { span, text: new, words }, rule)| Mutant {
            file: file.clone(),
            at: Position::of(text.as_bytes(), span.start),
            change: words,
            rule,
            span,
            text: new,
        });
        found.extend(mutants);
    }
    found
}

/// The rules that each file belongs to.
fn owners(files: &Files) -> BTreeMap<String, Vec<String>> {
    let document = files.get(POLICY_FILE).and_then(|text| Document::read(text.as_bytes()).ok());
    let rules = document.as_ref().and_then(|document| document.root().get("rules"));
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in rules.into_iter().flat_map(View::items) {
        let name = rule.get("name").map(View::word).unwrap_or_default();
        let declared = rule.get("merge").map(View::word).filter(|merge| merge.ends_with(".rhai"));
        let script = declared.unwrap_or_else(|| format!("{name}.merge.rhai"));
        for file in [format!("{name}.schema.json"), format!("{name}.result.schema.json"), script] {
            owners.entry(file).or_default().push(name.clone());
        }
    }
    owners
}

impl Mutant {
    /// The files with the change.
    fn applied(&self, files: &Files) -> Files {
        let mut all: BTreeMap<String, String> = files.0.clone();
        if let Some(text) = all.get_mut(&self.file) {
            text.replace_range(self.span.clone(), &self.text);
        }
        Files(all)
    }
}

/// The bytes of a value.
fn span(view: View<'_>) -> Range<usize> {
    view.place().map_or(0..0, crate::json::Place::span)
}

/// The bytes of a member or an item, with the comma that goes with it.
fn with_comma(text: &str, start: usize, end: usize) -> Range<usize> {
    let after = text.get(end..).unwrap_or_default();
    let blank = after.len() - after.trim_start().len();
    if after.trim_start().starts_with(',') {
        return start..end + blank + 1;
    }
    let before = text.get(..start).unwrap_or_default().trim_end();
    if before.ends_with(',') { before.len() - 1..end } else { start..end }
}

/// A value in few words.
fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 40 { line.chars().take(39).chain(['…']).collect() } else { line }
}

/// A change of a number by one, up and down.
fn by_one(view: View<'_>, name: &str) -> Vec<Change> {
    let Some(own) = view.as_number() else { return Vec::new() };
    let Some(number) = own.as_i64() else {
        let near = [own.as_f64() + 1.0, own.as_f64() - 1.0].map(|near| Json::Float(near).view().to_text());
        let words = |near: &str| format!("`{name}` {} → {near}", view.to_text());
        return near.map(|near| Change { span: span(view), words: words(&near), text: near }).into();
    };
    let near = [number.checked_add(1), number.checked_sub(1)].into_iter().flatten();
    let near = near.filter(|near| number < 0 || *near >= 0);
    near.map(|near| Change { span: span(view), text: near.to_string(), words: format!("`{name}` {number} → {near}") })
        .collect()
}
