//! What became of each place of an event's anonymous metadata, and why: a view of the fates. Never a value.

use std::sync::Arc;

use crate::event::{Event, Found};
use crate::fate::{Fates, Keyword, What};
use crate::json::{Text, View};
use crate::pointer;
use crate::rule::{Merge, Rule};
use crate::ruleset::RuleSet;

/// What became of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The place, a JSON Pointer into the anonymous metadata.
    pub pointer: String,
    /// `kept`, `changed`, `dropped` or `unread`.
    pub fate: &'static str,
    /// The rule that read it.
    pub rule: Option<Arc<str>>,
    /// The keyword that says so, of what was not kept.
    pub keyword: Option<&'static str>,
    /// Where the schema says so: a pointer into the rule's schema file.
    pub schema: Option<String>,
    /// Where it goes on: the root that the rule writes.
    pub to: Option<String>,
    /// Whether a script decides what becomes of it.
    pub inferred: bool,
}

/// The fates in the order of the metadata: kept, changed, dropped, unread.
#[must_use]
pub fn explain(rules: &RuleSet, event: &Event) -> Vec<Told> {
    let Some(session) = event.session.as_ref() else { return Vec::new() };
    let Some(metadata) = session.metadata() else { return Vec::new() };
    let mut told = Vec::new();
    let mut read = Vec::new();
    for rule in rules.rules() {
        let Found::Value(untrusted) = rule.value(event, session) else { continue };
        let (_, Some(fates)) = rule.sanitize(&untrusted) else { continue };
        if read.contains(&rule.from_text) {
            continue;
        }
        read.push(rule.from_text.clone());
        let mut pointer = rule.from_text.clone();
        places(rule, untrusted.0.view(), &fates, None, &mut pointer, &mut told);
    }
    let shows = |name: &str| rules.rules().iter().any(|rule| rule.sanitizer.shows(name));
    unread(metadata, &read, &shows, &mut String::new(), &mut told);
    told.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    told
}

/// How many places met each fate, in the order kept, changed, dropped, unread.
#[must_use]
pub fn counts(told: &[Told]) -> [usize; 4] {
    ["kept", "changed", "dropped", "unread"].map(|fate| told.iter().filter(|one| one.fate == fate).count())
}

/// The places of one rule's value; what is below a dropped one is dropped with it.
fn places(
    rule: &Rule,
    view: View<'_>,
    fates: &Fates,
    above: Option<(&'static str, Keyword, u16)>,
    pointer: &mut String,
    told: &mut Vec<Told>,
) {
    let Some(place) = view.place() else { return };
    let (what, keyword, by) = fates.of_node(place.at);
    let own = match what {
        What::Kept => None,
        What::Truncated | What::Replaced => Some(("changed", keyword, by)),
        What::Dropped | What::Cut => Some(("dropped", keyword, by)),
    };
    let fate = above.or(own);
    let kept = fate.is_none_or(|(fate, ..)| fate == "changed");
    told.push(Told {
        pointer: pointer.clone(),
        fate: fate.map_or("kept", |(fate, ..)| fate),
        rule: Some(Arc::clone(&rule.name)),
        keyword: fate.map(|(_, keyword, _)| keyword.word()),
        schema: fate.map(|(_, keyword, by)| rule.sanitizer.schema_place(by, keyword)),
        to: kept.then(|| format!("{}.{}", rule.sink.word(), rule.root)),
        inferred: kept && matches!(rule.merge, Merge::Script(_)),
    });
    let below = match what {
        What::Dropped | What::Cut | What::Replaced => above.or(Some(("dropped", keyword, by))),
        What::Kept | What::Truncated => above,
    };
    each_child(view, &|name| rule.sanitizer.shows(name), pointer, &mut |child, pointer| {
        places(rule, child, fates, below, pointer, told);
    });
}

/// The places that no rule reads.
fn unread(view: View<'_>, read: &[String], shows: &dyn Fn(&str) -> bool, pointer: &mut String, told: &mut Vec<Told>) {
    if read.contains(pointer) {
        return;
    }
    told.push(Told {
        pointer: pointer.clone(),
        fate: "unread",
        rule: None,
        keyword: None,
        schema: None,
        to: None,
        inferred: false,
    });
    each_child(view, shows, pointer, &mut |child, pointer| unread(child, read, shows, pointer, told));
}

fn each_child(
    view: View<'_>,
    shows: &dyn Fn(&str) -> bool,
    pointer: &mut String,
    say: &mut dyn FnMut(View<'_>, &mut String),
) {
    let length = pointer.len();
    for (index, item) in view.items().enumerate() {
        pointer::push(pointer, &index.to_string());
        say(item, pointer);
        pointer.truncate(length);
    }
    for (name, member) in view.members() {
        let name = Text::decode(name);
        pointer::push(pointer, if shows(&name) { &name } else { "*" });
        say(member, pointer);
        pointer.truncate(length);
    }
}
