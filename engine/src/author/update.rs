//! What a case would expect if what came of it is right: the smallest edits of its text.
//!
//! Matchers that fit stay, and so does an open list of findings. A script that failed is never what a case should expect.

use std::ops::Range;

use super::fixture::{Expected, Fixture, matcher};
use super::judge::{compared, fits, short};
use crate::decision::{Decision, SkipReason};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{Event, Sink};
use crate::json::{Json, Kind, Place, View, same};

/// One edit of a fixture's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub span: Range<usize>,
    /// What comes in their place.
    pub text: String,
}

/// The edits that make a failed case expect what came; none if its failures are of another kind.
#[must_use]
pub fn edits(fixture: &Fixture, event: &Event, decision: &Decision, failures: &[Diagnostic]) -> Vec<Edit> {
    let is_expectation = |one: &Diagnostic| matches!(one.code, Code::F020 | Code::F021 | Code::F022);
    let expect = fixture.expect();
    if failures.is_empty() || !failures.iter().all(is_expectation) || expect.get("commands").is_some() {
        return Vec::new();
    }
    let mut update = Update { now: event.at, edits: Vec::new() };
    let texts = [("status", Some(decision.status.word())), ("reason", decision.status.reason().map(SkipReason::word))];
    for (name, actual) in texts {
        if let Some(view) = expect.get(name) {
            update.value(view, actual.map_or(Json::Null, Json::text).view());
        }
    }
    for sink in [Sink::App, Sink::User] {
        if let Some(view) = expect.get(sink.word()) {
            update.value(view, compared(view, event, decision, sink).view());
        }
    }
    if let Some(list) = expect.get("findings") {
        update.findings(list, decision);
    }
    update.edits.sort_by_key(|edit| edit.span.start);
    update.edits
}

/// A text after edits that do not meet.
#[must_use]
pub fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.clone(), &edit.text);
    }
    text
}

struct Update {
    now: i64,
    edits: Vec<Edit>,
}

impl Update {
    fn replace(&mut self, view: View<'_>, text: String) {
        self.edits.extend(view.place().map(|place| Edit { span: place.span(), text }));
    }

    /// Edits a value where it differs, as far below as its shape is the same.
    fn value(&mut self, expected: View<'_>, actual: View<'_>) {
        if self.holds(expected, actual) {
            return;
        }
        let names_same = |view: View<'_>, other: View<'_>| {
            view.len() == other.len() && view.members().all(|(name, _)| other.get(&name.decode()).is_some())
        };
        match (expected.kind(), actual.kind()) {
            (Kind::Object, Kind::Object) if matcher(expected).is_none() && names_same(expected, actual) => {
                for (name, value) in expected.members() {
                    actual.get(&name.decode()).into_iter().for_each(|actual| self.value(value, actual));
                }
            }
            (Kind::Array, Kind::Array) if expected.len() == actual.len() => {
                expected.items().zip(actual.items()).for_each(|(expected, actual)| self.value(expected, actual));
            }
            _ => {
                let text = self.renewed(Some(expected), actual);
                self.replace(expected, text);
            }
        }
    }

    fn holds(&self, expected: View<'_>, actual: View<'_>) -> bool {
        match matcher(expected) {
            Some((name, value)) => fits(&name, value, actual, self.now),
            None => same(expected, actual),
        }
    }

    /// What came, in the author's own text wherever that holds.
    fn renewed(&self, expected: Option<View<'_>>, actual: View<'_>) -> String {
        if let Some(expected) = expected.filter(|expected| self.holds(*expected, actual)) {
            return expected.place().map_or_else(|| expected.to_text(), written);
        }
        let below = expected.filter(|expected| matcher(*expected).is_none() && expected.kind() == actual.kind());
        match actual.kind() {
            Kind::Object if !actual.is_empty() => {
                let member = |(name, value): (View<'_>, View<'_>)| {
                    let expected = below.and_then(|below| below.get(&name.word()));
                    format!("{}: {}", name.to_text(), self.renewed(expected, value))
                };
                format!("{{ {} }}", actual.named_members().map(member).collect::<Vec<_>>().join(", "))
            }
            Kind::Array if !actual.is_empty() => {
                let item =
                    |(index, value): (usize, View<'_>)| self.renewed(below.and_then(|below| below.item(index)), value);
                format!("[{}]", actual.items().enumerate().map(item).collect::<Vec<_>>().join(", "))
            }
            _ => actual.to_text(),
        }
    }

    /// Keeps the findings that came, in the author's order and words, and adds the others.
    fn findings(&mut self, list: View<'_>, decision: &Decision) {
        let mut left: Vec<_> = decision.findings.iter().collect();
        let mut kept = Vec::new();
        let is_open = list.items().last().is_some_and(|last| last.word() == "…");
        for view in list.items() {
            let text = view.word();
            let expected = Expected::parse(&text);
            if let Some(index) = left.iter().position(|finding| expected.fits(finding)) {
                left.remove(index);
                kept.push(view.to_text());
            }
        }
        // a rule that observes is as if it were not there
        left.retain(|finding| !finding.is_observed);
        let is_complete = is_open || left.is_empty();
        if is_complete && kept.len() + usize::from(is_open) == list.len() {
            return;
        }
        if is_open {
            kept.push("\"…\"".to_owned());
        } else {
            kept.extend(left.into_iter().map(|finding| Json::text(&short(finding)).view().to_text()));
        }
        self.replace(list, format!("[{}]", kept.join(", ")));
    }
}

fn written(place: Place<'_>) -> String {
    place.document_text().get(place.span()).unwrap_or_default().to_owned()
}
