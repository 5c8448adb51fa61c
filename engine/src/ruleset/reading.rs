//! What the rules read of one session, sanitized; and places that several of them read.

use crate::decision::Finding;
use crate::event::{Event, Found, Session};
use crate::fate::Fates;
use crate::json::{Place, View};
use crate::pointer::{self, child};
use crate::rule::{Mode, Rule, is_empty};
use crate::sanitizer::{Clean, Untrusted};

/// What one rule reads.
pub(crate) struct Reading {
    pub(crate) untrusted: Untrusted,
    /// What may be merged: neither nothing nor an empty list or object.
    pub(crate) clean: Option<Clean>,
    pub(crate) fates: Fates,
}

/// What a rule finds where it reads.
pub(crate) enum Read {
    /// Nothing: the rule does not run.
    Nothing,
    /// Text that is not JSON stands on the way.
    Unreadable(Finding),
    /// A value.
    Value(Box<Reading>),
}

impl Read {
    fn of(rule: &Rule, event: &Event, session: &Session) -> Self {
        match rule.value(event, session) {
            Found::Nothing => Self::Nothing,
            Found::Unreadable { steps } => Self::Unreadable(rule.unreadable(steps)),
            Found::Value(untrusted) => match rule.sanitize(&untrusted) {
                (clean, Some(fates)) => {
                    let clean = clean.filter(|clean| !is_empty(clean.json().view()));
                    Self::Value(Box::new(Reading { untrusted, clean, fates }))
                }
                (_, None) => Self::Nothing,
            },
        }
    }

    /// What a rule reads, if there is a value.
    pub(crate) fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Value(reading) => Some(reading),
            _ => None,
        }
    }
}

/// What each rule reads, in the order of the rules. A place that one rule takes is not unknown to another one.
pub(crate) fn read_all(rules: &[Rule], event: &Event, session: &Session) -> Vec<Read> {
    let mut all: Vec<Read> = rules.iter().map(|rule| Read::of(rule, event, session)).collect();
    for index in 0..all.len() {
        let taken = taken_elsewhere(rules, &all, index);
        if let Some(Read::Value(reading)) = all.get_mut(index) {
            for place in taken {
                place.mark(&mut reading.fates);
            }
        }
    }
    all
}

/// An unknown place of a rule that others take: as a whole, or in part.
enum Taken {
    Whole(u32),
    Part(u32, Vec<u32>),
}

impl Taken {
    fn mark(self, fates: &mut Fates) {
        match self {
            Self::Whole(at) => fates.elsewhere(at),
            Self::Part(at, children) => fates.open(at, children.into_iter()),
        }
    }
}

/// The places that the rule at `index` does not know and that rules beside it take.
fn taken_elsewhere(rules: &[Rule], all: &[Read], index: usize) -> Vec<Taken> {
    let Some((rule, reading)) = rules.get(index).zip(all.get(index).and_then(Read::reading)) else {
        return Vec::new();
    };
    let unknown = reading.fates.unknown();
    if unknown.is_empty() {
        return Vec::new();
    }
    let beside = rules.iter().zip(all).enumerate().filter(|(other, (one, _))| {
        *other != index && one.mode == Mode::Apply && (rule.from.is_above(&one.from) || one.from.is_above(&rule.from))
    });
    let beside: Vec<_> = beside.filter_map(|(_, (rule, read))| Some((rule, read.reading()?))).collect();
    let Some(root) = reading.untrusted.0.view().place().filter(|_| !beside.is_empty()) else { return Vec::new() };
    let mut taken = Vec::new();
    for at in unknown {
        let place = Place { document: root.document, at };
        let mut path = rule.from.tokens().to_vec();
        path.extend(pointer::between(root, place));
        mark_taken(place, &mut path, &beside, &mut taken);
    }
    taken
}

/// Marks a place that somebody takes, or its children where somebody takes a part of it.
fn mark_taken(place: Place<'_>, path: &mut Vec<String>, beside: &[(&Rule, &Reading)], taken: &mut Vec<Taken>) {
    if beside.iter().any(|(rule, reading)| reading.takes(rule, path)) {
        return taken.push(Taken::Whole(place.at));
    }
    let is_below =
        |(rule, reading): &&(&Rule, &Reading)| reading.clean.is_some() && starts_with(rule.from.tokens(), path);
    if !beside.iter().any(|one| is_below(&one)) {
        return;
    }
    let children: Vec<(String, Place<'_>)> = pointer::children(place).collect();
    taken.push(Taken::Part(place.at, children.iter().map(|(_, child)| child.at).collect()));
    for (token, child) in children {
        path.push(token);
        mark_taken(child, path, beside, taken);
        path.pop();
    }
}

impl Reading {
    /// Whether the rule lets a place of the metadata pass, and everything that it stands in.
    fn takes(&self, rule: &Rule, path: &[String]) -> bool {
        if self.clean.is_none() || !starts_with(path, rule.from.tokens()) {
            return false;
        }
        let passed = |view: View<'_>| view.place().is_some_and(|place| self.fates.passed(place.at));
        let mut view = self.untrusted.0.view();
        for token in path.iter().skip(rule.from.tokens().len()) {
            let Some(below) = child(view, token).filter(|_| passed(view)) else { return false };
            view = below;
        }
        passed(view)
    }
}

fn starts_with(path: &[String], beginning: &[String]) -> bool {
    path.starts_with(beginning)
}
