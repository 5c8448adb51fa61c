//! Where the author's files declare how a rule merges.

use crate::diagnostic::Span;
use crate::json::{Document, Json, View};
use crate::policy::{Files, POLICY_FILE};
use crate::rule::{Merge, Rule};
use crate::script::defined;

/// Where a rule declares how it merges: its script's function, or its line in `policy.json`.
#[must_use]
pub fn at_merge(rule: &Rule, files: &Files) -> Span {
    if let Merge::Script(script) = &rule.merge {
        let file = script.file();
        let text = files.get(&file).unwrap_or_default();
        return defined(text, "merge")
            .map_or_else(|| Span::whole(&file), |[start, end]| Span { file: file.to_string(), start, end });
    }
    match declared_merge(rule, files) {
        Some(merge) => Span::at_view(POLICY_FILE, merge.view()),
        None => Span::whole(POLICY_FILE),
    }
}

/// What `policy.json` declares of how a rule merges, in its place.
pub(crate) fn declared_merge(rule: &Rule, files: &Files) -> Option<Json> {
    let document = Document::read(files.get(POLICY_FILE)?.as_bytes()).ok()?;
    let named = |one: &View<'_>| one.get("name").is_some_and(|name| name.word() == *rule.name);
    Some(document.root().get("rules")?.items().find(named)?.get("merge")?.to_json())
}
