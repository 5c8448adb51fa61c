//! Where the author's files declare how a rule merges.

use crate::diagnostic::Span;
use crate::json::{Document, Json, View};
use crate::policy::{Files, POLICY_FILE};
use crate::rule::{Merge, Rule};

/// Where a rule declares how it merges: its script's function, or its line in `policy.json`.
#[must_use]
pub fn at_merge(rule: &Rule, files: &Files) -> Span {
    if let Merge::Script(script) = &rule.merge {
        let file = script.file();
        let text = files.get(&file).unwrap_or_default();
        let at = merge_function(text);
        return Span::of(&file, text, at..at + "merge".len());
    }
    match declared_merge(rule, files) {
        Some(merge) => Span::at_view(POLICY_FILE, merge.view()),
        None => Span::whole(POLICY_FILE),
    }
}

/// The byte where the name of a script's `merge` begins; functions may be called `merge_lines`.
fn merge_function(source: &str) -> usize {
    const KEYWORD: &str = "fn ";
    let names = source.match_indices(KEYWORD).map(|(at, _)| at + KEYWORD.len());
    let mut own = names.filter(|at| {
        let rest = source.get(*at..).and_then(|rest| rest.strip_prefix("merge"));
        rest.is_some_and(|rest| rest.trim_start().starts_with('('))
    });
    own.next().unwrap_or(0)
}

/// What `policy.json` declares of how a rule merges, in its place.
pub(crate) fn declared_merge(rule: &Rule, files: &Files) -> Option<Json> {
    let document = Document::read(files.get(POLICY_FILE)?.as_bytes()).ok()?;
    let named = |one: &View<'_>| one.get("name").is_some_and(|name| name.word() == *rule.name);
    Some(document.root().get("rules")?.items().find(named)?.get("merge")?.to_json())
}
