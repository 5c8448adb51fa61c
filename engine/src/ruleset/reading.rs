//! What the rules read of one session, sanitized; and places that several of them read.

use std::sync::Arc;

use crate::budget::Budget;
use crate::decision::Finding;
use crate::event::{Found, Session};
use crate::fate::Fates;
use crate::json::{Kind, Place, View};
use crate::pointer::{self, child};
use crate::rule::{Mode, Rule, is_empty};
use crate::sanitizer::{Clean, Untrusted};

/// What one rule reads.
pub(crate) struct Reading {
    pub(crate) untrusted: Untrusted,
    /// What may be merged: neither nothing nor an empty list or object.
    pub(crate) clean: Option<Clean>,
    pub(crate) fates: Fates,
    /// What is left of the rule's work for its merge.
    pub(crate) budget: Budget,
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
    fn of(rule: &Rule, session: &Session, budget: Budget) -> Self {
        match rule.found(session) {
            Found::Nothing => Self::Nothing,
            Found::Unreadable { steps } => Self::Unreadable(rule.unreadable(steps)),
            Found::Value(untrusted) => match rule.sanitize(&untrusted, &budget) {
                (clean, Some(fates)) => {
                    let clean = clean.filter(|clean| !is_empty(clean.json().view()));
                    Self::Value(Box::new(Reading { untrusted, clean, fates, budget }))
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

/// What each rule that `runs` reads, in the order of the rules. A place that one rule takes is not unknown to another one.
/// Each of them has a budget of its own.
pub(crate) fn read_all(
    rules: &[Rule],
    session: &Session,
    runs: &dyn Fn(&Rule) -> bool,
    budget: &dyn Fn() -> Budget,
) -> Vec<Read> {
    let read = |rule| if runs(rule) { Read::of(rule, session, budget()) } else { Read::Nothing };
    let mut all: Vec<Read> = rules.iter().map(read).collect();
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
enum Shared {
    Whole(u32),
    Part(u32, Vec<u32>),
}

impl Shared {
    fn mark(self, fates: &mut Fates) {
        match self {
            Self::Whole(at) => fates.elsewhere(at),
            Self::Part(at, children) => fates.open(at, children.into_iter()),
        }
    }
}

/// The places that the rule at `index` does not know and that rules beside it take.
fn taken_elsewhere(rules: &[Rule], all: &[Read], index: usize) -> Vec<Shared> {
    let Some((rule, reading)) = rules.get(index).zip(all.get(index).and_then(Read::reading)) else {
        return Vec::new();
    };
    let unknown = reading.fates.unknown();
    let Some(root) = reading.untrusted.0.view().place().filter(|_| !unknown.is_empty()) else { return Vec::new() };
    let others =
        rules.iter().zip(all).enumerate().filter(|(other, (one, _))| *other != index && one.mode == Mode::Apply);
    let beside: Vec<Beside<'_>> =
        others.filter_map(|(_, (one, read))| Beside::of(one, read.reading()?, rule, root)).collect();
    let mut shared = Vec::new();
    if !beside.is_empty() {
        for at in unknown {
            share(Place { document: root.document, at }, &beside, &mut shared);
        }
    }
    shared
}

/// Marks a place that a rule beside takes, or its children where it takes a part of it.
fn share(place: Place<'_>, beside: &[Beside<'_>], shared: &mut Vec<Shared>) {
    if beside.iter().any(|one| one.takes(place)) {
        return shared.push(Shared::Whole(place.at));
    }
    if !beside.iter().any(|one| one.begins_below(place)) {
        return;
    }
    let children: Vec<Place<'_>> = pointer::children(place).map(|(_, child)| child).collect();
    shared.push(Shared::Part(place.at, children.iter().map(|child| child.at).collect()));
    for child in children {
        share(child, beside, shared);
    }
}

/// A rule that takes something of what another rule reads.
struct Beside<'a> {
    /// Its value.
    root: Place<'a>,
    /// Whether both values stand in one text, so that a place is the same where it begins at the same byte.
    is_same_text: bool,
    /// Where its value begins in what the other rule reads, if it is below.
    begins: Option<Place<'a>>,
    /// The places that it does not take, with all below them, in order: nodes of its value.
    gone: Vec<(u32, u32)>,
}

impl<'a> Beside<'a> {
    fn of(own: &'a Rule, reading: &'a Reading, rule: &Rule, root: Place<'a>) -> Option<Self> {
        let own_root = reading.untrusted.0.view().place().filter(|_| reading.clean.is_some())?;
        let (above, below) = (rule.from.tokens(), own.from.tokens());
        let begins = below.strip_prefix(above).and_then(|rest| {
            let found = rest.iter().try_fold(View::Place(root), |view, token| child(view, token));
            found.and_then(View::place)
        });
        let is_same_text = same_text(own_root, root);
        // else it reads another place, or one inside of a text
        let is_beside = begins.is_some() || (is_same_text && above.starts_with(below));
        is_beside.then(|| Self { root: own_root, is_same_text, begins, gone: reading.fates.gone(own_root) })
    }

    /// Whether a place passes this rule, and all that it stands in.
    fn takes(&self, place: Place<'_>) -> bool {
        if !self.is_same_text {
            // a value that stood in a text of its own is taken with it
            return self.begins.is_some_and(|begins| begins.is(place));
        }
        let Some(at) = self.root.document.node_at(place.node().start) else { return false };
        let own = self.root.at..self.root.at + self.root.node().size;
        let before = self.gone.partition_point(|(first, _)| *first <= at);
        let is_gone = before.checked_sub(1).and_then(|last| self.gone.get(last)).is_some_and(|(_, end)| at < *end);
        own.contains(&at) && !is_gone
    }

    /// Whether its value begins inside of a place.
    fn begins_below(&self, place: Place<'_>) -> bool {
        let is_container = matches!(place.node().kind(), Kind::Array | Kind::Object);
        is_container && self.begins.is_some_and(|begins| begins.is_in(place) && !begins.is(place))
    }
}

/// Whether two values stand in one text, or in two that are equal.
fn same_text(a: Place<'_>, b: Place<'_>) -> bool {
    let (a, b) = (&a.document.text, &b.document.text);
    Arc::ptr_eq(a, b) || a == b
}
