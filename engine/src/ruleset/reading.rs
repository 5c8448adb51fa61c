//! What the rules read of one session, sanitized; and places that several of them read.

use std::sync::Arc;

use crate::budget::{Budget, Overrun};
use crate::decision::Finding;
use crate::event::{Found, Session};
use crate::fate::{Fates, Keyword};
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

/// Bytes of the values that all rules of one event read together: what they read is held until the last of them is done.
const READ_BYTES_MAX: usize = 2 * 1_024 * 1_024;

impl Read {
    /// `room` is what the rules may still read.
    fn of(rule: &Rule, session: &Session, budget: Budget, room: &mut usize) -> Self {
        let untrusted = match rule.found(session) {
            Found::Nothing => return Self::Nothing,
            Found::Unreadable { steps } => return Self::Unreadable(rule.unreadable(steps)),
            Found::Value(untrusted) => untrusted,
        };
        let Some(place) = untrusted.0.view().place() else { return Self::Nothing };
        let left = room.checked_sub(place.span().len());
        *room = left.unwrap_or(*room);
        let (clean, fates) = if left.is_some() {
            rule.sanitize(&untrusted, &budget)
        } else {
            let mut fates = Fates::of(place);
            fates.drop(place.at, Keyword::Limit, 0);
            (None, Some(fates))
        };
        let Some(fates) = fates else { return Self::Nothing };
        let clean = clean.filter(|clean| !is_empty(clean.json().view()));
        Self::Value(Box::new(Reading { untrusted, clean, fates, budget }))
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
    let mut room = READ_BYTES_MAX;
    let mut read = |rule| if runs(rule) { Read::of(rule, session, budget(), &mut room) } else { Read::Nothing };
    let mut all: Vec<Read> = rules.iter().map(&mut read).collect();
    for (index, shared) in shared(rules, &all, &budget()) {
        if let Some(Read::Value(reading)) = all.get_mut(index) {
            for place in shared {
                place.mark(&mut reading.fates);
            }
        }
    }
    all
}

/// Of each rule, the places that it does not know and that rules beside it take. What the budget does not reach stays unknown.
fn shared(rules: &[Rule], all: &[Read], budget: &Budget) -> Vec<(usize, Vec<Shared>)> {
    let readings =
        || rules.iter().zip(all).enumerate().filter_map(|(index, (rule, read))| Some((index, rule, read.reading()?)));
    let unknown = readings().map(|(index, rule, reading)| (index, rule, reading, reading.fates.unknown()));
    let unknown: Vec<_> = unknown.filter(|(.., unknown)| !unknown.is_empty()).collect();
    if unknown.is_empty() {
        return Vec::new();
    }
    let takes = readings().filter(|(_, rule, reading)| rule.mode == Mode::Apply && reading.clean.is_some());
    let takes: Vec<Takes<'_>> = takes.filter_map(|(index, rule, reading)| Takes::of(index, rule, reading)).collect();
    let of_rule = |(index, rule, reading, unknown): (usize, &Rule, &Reading, Vec<u32>)| {
        let mut shared = Vec::new();
        // out of budget: what was found is right
        let _ = taken_elsewhere((index, rule, reading), &unknown, &takes, budget, &mut shared);
        (index, shared)
    };
    unknown.into_iter().map(of_rule).collect()
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

/// The places that a rule does not know and that rules beside it take.
fn taken_elsewhere(
    (index, rule, reading): (usize, &Rule, &Reading),
    unknown: &[u32],
    takes: &[Takes<'_>],
    budget: &Budget,
    shared: &mut Vec<Shared>,
) -> Result<(), Overrun> {
    let Some(root) = reading.untrusted.0.view().place() else { return Ok(()) };
    let mut beside: Vec<Beside<'_>> = Vec::new();
    for one in takes.iter().filter(|one| one.index != index) {
        budget.charge(1)?;
        beside.extend(Beside::of(one, rule, root, budget)?);
    }
    if beside.is_empty() {
        return Ok(());
    }
    for &at in unknown {
        share(Place { document: root.document, at }, &beside, budget, shared)?;
    }
    Ok(())
}

/// Marks a place that a rule beside takes, or its children where it takes a part of it.
fn share(place: Place<'_>, beside: &[Beside<'_>], budget: &Budget, shared: &mut Vec<Shared>) -> Result<(), Overrun> {
    budget.charge(beside.len() as u64)?;
    if beside.iter().any(|one| one.takes(place)) {
        shared.push(Shared::Whole(place.at));
        return Ok(());
    }
    if !beside.iter().any(|one| one.begins_below(place)) {
        return Ok(());
    }
    let children: Vec<Place<'_>> = pointer::children(place).map(|(_, child)| child).collect();
    shared.push(Shared::Part(place.at, children.iter().map(|child| child.at).collect()));
    children.into_iter().try_for_each(|child| share(child, beside, budget, shared))
}

/// What a rule takes.
struct Takes<'a> {
    /// Its position.
    index: usize,
    rule: &'a Rule,
    /// Its value.
    root: Place<'a>,
    /// The places that it does not take, with all below them, in order: nodes of its value.
    gone: Vec<(u32, u32)>,
}

impl<'a> Takes<'a> {
    fn of(index: usize, rule: &'a Rule, reading: &'a Reading) -> Option<Self> {
        let root = reading.untrusted.0.view().place()?;
        Some(Self { index, rule, root, gone: reading.fates.gone(root) })
    }
}

/// A rule that takes something of what another rule reads.
struct Beside<'a> {
    takes: &'a Takes<'a>,
    /// Whether both values stand in one text, so that a place is the same where it begins at the same byte.
    is_same_text: bool,
    /// Where its value begins in what the other rule reads, if it is below.
    begins: Option<Place<'a>>,
}

impl<'a> Beside<'a> {
    fn of(takes: &'a Takes<'a>, rule: &Rule, root: Place<'a>, budget: &Budget) -> Result<Option<Self>, Overrun> {
        let (above, below) = (rule.from.tokens(), takes.rule.from.tokens());
        let mut begins = None;
        if let Some(rest) = below.strip_prefix(above) {
            let mut found = Some(View::Place(root));
            for token in rest {
                budget.charge(found.map_or(0, |view| view.len() as u64))?;
                found = found.and_then(|view| child(view, token));
            }
            begins = found.and_then(View::place);
        }
        let is_same_text = same_text(takes.root, root);
        // else it reads another place, or one inside of a text
        let is_beside = begins.is_some() || (is_same_text && above.starts_with(below));
        Ok(is_beside.then_some(Self { takes, is_same_text, begins }))
    }

    /// Whether a place passes this rule, and all that it stands in.
    fn takes(&self, place: Place<'_>) -> bool {
        if !self.is_same_text {
            // a value that stood in a text of its own is taken with it
            return self.begins.is_some_and(|begins| begins.is(place));
        }
        let Takes { root, gone, .. } = self.takes;
        let Some(at) = root.document.node_at(place.node().start) else { return false };
        let own = root.at..root.at + root.node().size;
        let before = gone.partition_point(|(first, _)| *first <= at);
        let is_gone = before.checked_sub(1).and_then(|last| gone.get(last)).is_some_and(|(_, end)| at < *end);
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
