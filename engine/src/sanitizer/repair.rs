//! Repairs documents under schemas with choices: children first, then the phases of a place, then its choice points.
//!
//! One computation is a [`Job`] at a place: the set of schema objects, the choice points that are taken, and what was
//! decided of single children. Each is computed once (R22), its result is shared, and what was dropped is said only for the
//! computations that the result is made of.
//!
//! The phases of a place give a value (`phases.rs`); then the first choice point that it does not satisfy is resolved by
//! repairing the original value under more schema objects, or without one child; and so on, until none is left (R14–R18).
//! Last come unevaluated and unknown members (R19) and the bytes (R20). What an annotation says of a value that would be
//! dropped is asked only then (A4, `steps.rs`).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::evaluate::{Evaluator, schemas_of_member};
use super::schema::{Id, Never, Object};
use super::sets::{Applied, Set, SetId, Sets};
use super::{Options, Unknown};
use crate::budget::Budget;
use crate::fate::{Action, Fates, Keyword};
use crate::json::{Document, Json, Kind, Place, View};

/// Computations beyond the eight for each node of the input.
const STEPS: usize = 4_096;
/// Computations for each node of the input.
const STEPS_PER_NODE: usize = 8;
/// Values and children that the evaluator may look at for each computation.
const LOOKS_PER_STEP: usize = 32;

/// Units of work of a computation for each child of its place.
const UNITS_PER_CHILD: u64 = 4;

/// What is to be done at a place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Job {
    pub(super) set: SetId,
    /// Choice points that are decided: their branch is in the set.
    pub(super) taken: Vec<Choice>,
    /// What was decided of single children.
    pub(super) children: Vec<(u32, Decided)>,
}

/// What was decided of a child.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Decided {
    /// It goes.
    Drop(Keyword, Id),
    /// This schema object applies to it too.
    Under(Applied, Keyword),
}

/// A choice point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Choice {
    Dependent(Applied, usize),
    Condition(Applied),
    AnyOf(Applied),
    OneOf(Applied),
    Not(Applied),
}

impl Choice {
    /// The schema object that has it.
    pub(super) fn by(self) -> Id {
        match self {
            Self::Dependent(applied, _)
            | Self::Condition(applied)
            | Self::AnyOf(applied)
            | Self::OneOf(applied)
            | Self::Not(applied) => applied.id,
        }
    }
}

/// What is said of a place.
#[derive(Clone)]
pub(super) enum Note {
    Drop(u32, Keyword, Id),
    Cut(u32),
    Truncate(u32, Keyword, Id),
    Replace(u32, Action, Keyword, Id),
    Fill(u32, String, Id),
}

/// A value that is left, and the input places of its children; none: it is as it came.
#[derive(Clone)]
pub(super) struct Left {
    pub(super) json: Json,
    pub(super) children: Option<Vec<u32>>,
}

/// The result of a job at a place.
#[derive(Clone)]
pub(super) struct Fixed {
    pub(super) left: Option<Left>,
    /// Why nothing is left.
    pub(super) gone: (Keyword, Id),
    /// An annotation rejects the whole document.
    pub(super) rejected: bool,
    /// Nodes of the input that were removed or replaced.
    pub(super) cost: usize,
    pub(super) notes: Vec<Note>,
    pub(super) below: Vec<Rc<Fixed>>,
}

/// No child of the input stands there.
pub(super) const ADDED: u32 = u32::MAX;

impl Fixed {
    pub(super) fn gone(keyword: Keyword, by: Id, cost: usize) -> Self {
        Self { left: None, gone: (keyword, by), rejected: false, cost, notes: Vec::new(), below: Vec::new() }
    }

    /// Says in `fates` what this result is made of.
    pub(super) fn say(&self, fates: &mut Fates) {
        self.below.iter().for_each(|below| below.say(fates));
        for note in &self.notes {
            match note {
                Note::Drop(at, keyword, by) => fates.drop(*at, *keyword, *by),
                Note::Cut(at) => fates.cut(*at),
                Note::Truncate(at, keyword, by) => fates.truncate(*at, *keyword, *by),
                Note::Replace(at, action, keyword, by) => fates.replace(*at, *action, *keyword, *by),
                Note::Fill(at, name, by) => fates.fill(*at, name, *by),
            }
        }
    }
}

/// One run over one document.
pub(super) struct Repair<'a> {
    pub(super) eval: Evaluator<'a>,
    pub(super) options: &'a Options,
    pub(super) document: &'a Arc<Document>,
    /// The place of the whole value.
    pub(super) top: u32,
    steps_max: usize,
    steps: usize,
    phases: BTreeMap<(u32, Job), Rc<Fixed>>,
    memo: BTreeMap<(u32, Job), Rc<Fixed>>,
    fixed: BTreeMap<(u32, SetId), Rc<Fixed>>,
}

impl<'a> Repair<'a> {
    pub(super) fn new(
        sets: Sets<'a>,
        options: &'a Options,
        document: &'a Arc<Document>,
        nodes: usize,
        budget: &'a Budget,
    ) -> Self {
        let steps = nodes.saturating_mul(STEPS_PER_NODE).saturating_add(STEPS);
        let eval = Evaluator::new(sets, document, steps.saturating_mul(LOOKS_PER_STEP), budget);
        let (phases, memo, fixed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { eval, options, document, top: 0, steps_max: steps, steps, phases, memo, fixed }
    }

    /// Repairs the document; an exhausted budget gives nothing.
    pub(super) fn run(&mut self, at: u32) -> Rc<Fixed> {
        self.top = at;
        let root = self.eval.sets.root();
        let set = self.eval.sets.intern(&[(root, Keyword::False)]);
        let fixed = self.fix(at, set);
        // an evaluator that may look no further says no, and each no costs something
        if self.steps == 0 || self.eval.is_spent(self.document.node(at).size as usize) {
            Rc::new(Fixed::gone(Keyword::Budget, 0, self.nodes(at)))
        } else {
            fixed
        }
    }

    /// Computations so far.
    pub(super) fn taken(&self) -> usize {
        self.steps_max - self.steps
    }

    pub(super) fn place(&self, at: u32) -> View<'a> {
        View::Place(Place { document: self.document, at })
    }

    pub(super) fn whole(&self, at: u32) -> Json {
        Json::Place(Arc::clone(self.document), at)
    }

    pub(super) fn nodes(&self, at: u32) -> usize {
        self.place(at).nodes()
    }

    pub(super) fn object(&self, applied: Applied) -> Option<&'a Object> {
        self.eval.sets.object(applied)
    }

    /// Repairs a place under a set, annotations included.
    pub(super) fn fix(&mut self, at: u32, set: SetId) -> Rc<Fixed> {
        if let Some(fixed) = self.fixed.get(&(at, set)) {
            return Rc::clone(fixed);
        }
        let mut fixed = self.job(at, &Job { set, taken: Vec::new(), children: Vec::new() });
        if fixed.left.is_none() && !fixed.rejected {
            fixed = self.annotated(at, set, fixed);
        }
        self.fixed.insert((at, set), Rc::clone(&fixed));
        fixed
    }

    /// One computation, counted.
    fn counted(
        &mut self,
        at: u32,
        job: &Job,
        memo: impl Fn(&mut Self) -> &mut BTreeMap<(u32, Job), Rc<Fixed>>,
        compute: impl FnOnce(&mut Self) -> Rc<Fixed>,
    ) -> Rc<Fixed> {
        // what nobody decided anything of is remembered by its place and its set alone
        let key = (!job.taken.is_empty() || !job.children.is_empty()).then(|| (at, job.clone()));
        if let Some(fixed) = key.as_ref().and_then(|key| memo(self).get(key)) {
            return Rc::clone(fixed);
        }
        // a computation looks at each child, and keeps what became of it
        let work = 1 + UNITS_PER_CHILD * self.place(at).len() as u64;
        self.steps = if self.eval.budget.charge(work).is_ok() { self.steps.saturating_sub(1) } else { 0 };
        if self.steps == 0 {
            return Rc::new(Fixed::gone(Keyword::Budget, 0, 1));
        }
        let fixed = compute(self);
        if let Some(key) = key {
            memo(self).insert(key, Rc::clone(&fixed));
        }
        fixed
    }

    /// The phases of a place, its choice points not asked.
    pub(super) fn phases(&mut self, at: u32, job: &Job) -> Rc<Fixed> {
        self.counted(at, job, |own| &mut own.phases, |own| Rc::new(own.phases_of(at, job)))
    }

    /// The phases of a place, then its choice points, then what comes last.
    pub(super) fn job(&mut self, at: u32, job: &Job) -> Rc<Fixed> {
        self.counted(
            at,
            job,
            |own| &mut own.memo,
            |own| {
                let fixed = own.phases(at, job);
                let Some(left) = &fixed.left else { return fixed };
                own.eval.keep(&left.json);
                match own.unsatisfied(job, left.json.view()) {
                    Some(choice) => {
                        let resolved = own.resolve(at, job, &fixed, choice);
                        if let Some(left) = &resolved.left {
                            own.eval.keep(&left.json);
                        }
                        own.known_only(at, job, &resolved).unwrap_or(resolved)
                    }
                    None => own.last(at, job, &fixed),
                }
            },
        )
    }

    /// Whether all of a job's set holds; with a choice taken, whoever took it asks.
    pub(super) fn holds(&mut self, job: &Job, view: View<'_>) -> bool {
        let set = self.eval.sets.get(job.set);
        !job.taken.is_empty() || self.all_hold(&set, view)
    }

    /// The most positions that a set names.
    pub(super) fn prefix(&self, set: &Set) -> usize {
        let objects = set.parts.iter().filter_map(|part| self.object(part.applied));
        objects.map(|object| object.prefix.len()).max().unwrap_or(0)
    }

    pub(super) fn all_hold(&mut self, set: &Set, view: View<'_>) -> bool {
        set.never.is_none() && set.parts.iter().all(|part| self.eval.holds(part.applied, view))
    }

    /// Unevaluated and unknown children, then the bytes (R19, R20).
    fn last(&mut self, at: u32, job: &Job, fixed: &Rc<Fixed>) -> Rc<Fixed> {
        let Some(left) = &fixed.left else { return Rc::clone(fixed) };
        let set = self.eval.sets.get(job.set);
        if set.is_plain && job.taken.is_empty() {
            return self.within_bytes(at, &set, fixed);
        }
        let more = self.unevaluated(&set, left, job);
        if !more.is_empty() {
            return self.decided(at, job, more);
        }
        if let Some(known) = self.known_only(at, job, fixed) {
            return known;
        }
        let fixed = self.within_bytes(at, &set, fixed);
        let Some(left) = &fixed.left else { return fixed };
        if !self.holds(job, left.json.view()) {
            // a listed value that something else forbids
            let by = set.parts.first().map_or(0, |part| part.applied.id);
            return Rc::new(Fixed::gone(Keyword::Enum, by, self.nodes(at)));
        }
        self.known_only(at, job, &fixed).unwrap_or(fixed)
    }

    /// Whether it matters which schema objects describe a value that they all let stand.
    fn describes(&self, value: View<'_>) -> bool {
        let container = matches!(value.kind(), Kind::Array | Kind::Object);
        self.eval.sets.schema().has_additions || (container && self.options.unknown == Unknown::Drop)
    }

    /// What branches that hold say of children: nobody repaired those under them.
    fn described(&mut self, set: &Set, left: &Left, job: &Job) -> Vec<(u32, Decided)> {
        let view = left.json.view();
        let children = children_of(left);
        let values: Vec<_> = view.items().chain(view.members().map(|(_, value)| value)).collect();
        if !values.iter().any(|value| self.describes(*value)) {
            return Vec::new();
        }
        let names: Vec<_> = view.members().map(|(name, _)| name.decode().into_owned()).collect();
        let mut applicable = Vec::new();
        for part in &set.parts {
            self.eval.applicable(part.applied, view, &mut applicable);
        }
        applicable.retain(|applied| set.parts.iter().all(|part| part.applied != *applied));
        let mut decided = Vec::new();
        for applied in applicable {
            let Some(object) = self.object(applied) else { continue };
            let rest = match view.kind() {
                Kind::Object => object.unevaluated_members,
                _ => object.unevaluated_items,
            };
            let marks = rest.and_then(|_| self.eval.marks_before(applied, view)).unwrap_or_default();
            for (index, (value, child)) in values.iter().zip(&children).enumerate() {
                let mut ids: Vec<Id> = match names.get(index) {
                    Some(name) => schemas_of_member(object, name).collect(),
                    None => object.prefix.get(index).copied().or(object.items.map(|(id, _)| id)).into_iter().collect(),
                };
                ids.extend(rest.filter(|_| marks.get(index) == Some(&false)));
                for id in ids {
                    let schema = self.eval.sets.below(applied, id);
                    if *child != ADDED && self.describes(*value) && !is_decided(job, *child, schema) {
                        decided.push((*child, Decided::Under(schema, Keyword::AllOf)));
                    }
                }
            }
        }
        decided
    }

    /// The same job with more decided of single children.
    fn decided(&mut self, at: u32, job: &Job, more: Vec<(u32, Decided)>) -> Rc<Fixed> {
        let mut next = job.clone();
        next.children.extend(more);
        next.children.sort_unstable();
        self.job(at, &next)
    }

    /// The value without members that nobody knows; none, if all are known.
    ///
    /// A branch that was tried may no longer apply to what it left, so whoever tries branches does not ask.
    fn known_only(&mut self, at: u32, job: &Job, fixed: &Rc<Fixed>) -> Option<Rc<Fixed>> {
        let left = fixed.left.as_ref().filter(|_| job.taken.is_empty())?;
        let set = self.eval.sets.get(job.set);
        if set.is_plain {
            // the phases saw them
            return None;
        }
        let described = self.described(&set, left, job);
        if !described.is_empty() {
            return Some(self.decided(at, job, described));
        }
        let unknown = if self.options.unknown == Unknown::Drop { self.unknown(&set, left) } else { Vec::new() };
        (!unknown.is_empty()).then(|| self.decided(at, job, unknown))
    }

    /// What is to become of the children that nobody evaluated.
    fn unevaluated(&mut self, set: &Set, left: &Left, job: &Job) -> Vec<(u32, Decided)> {
        let view = left.json.view();
        let children = children_of(left);
        let mut decided = Vec::new();
        for part in &set.parts {
            let Some(object) = self.object(part.applied) else { continue };
            let (schema, keyword) = match view.kind() {
                Kind::Object => (object.unevaluated_members, Keyword::UnevaluatedProperties),
                Kind::Array => (object.unevaluated_items, Keyword::UnevaluatedItems),
                _ => (None, Keyword::False),
            };
            let Some(id) = schema else { continue };
            let Some(marks) = self.eval.marks_before(part.applied, view) else { continue };
            let schema = self.eval.sets.below(part.applied, id);
            let never = self.object(schema).is_some_and(|object| matches!(object.never, Some(Never::False)));
            let values: Vec<_> = view.items().chain(view.members().map(|(_, value)| value)).collect();
            for ((value, child), mark) in values.into_iter().zip(&children).zip(marks) {
                let asked = is_decided(job, *child, schema);
                let holds = mark || *child == ADDED || self.eval.holds(schema, value);
                // what holds may still describe it: its own members, its bytes
                if holds && (mark || *child == ADDED || asked || !self.describes(value)) {
                    continue;
                }
                let what = if never || asked { Decided::Drop(keyword, id) } else { Decided::Under(schema, keyword) };
                if decided.iter().all(|(own, _)| own != child) {
                    decided.push((*child, what));
                }
            }
        }
        decided
    }

    /// The members that no schema object knows, where some names members (U1, U2).
    fn unknown(&mut self, set: &Set, left: &Left) -> Vec<(u32, Decided)> {
        let view = left.json.view();
        if view.kind() != Kind::Object || view.is_empty() {
            return Vec::new();
        }
        let mut applicable = Vec::new();
        let mut known = vec![false; view.len()];
        for part in &set.parts {
            self.eval.applicable(part.applied, view, &mut applicable);
            let marks = self.eval.marks(part.applied, view);
            known.iter_mut().zip(marks.iter().flat_map(|marks| marks.iter())).for_each(|(known, mark)| *known |= mark);
        }
        let objects: Vec<_> = applicable.into_iter().filter_map(|applied| self.object(applied)).collect();
        if !objects.iter().any(|object| object.names_members) {
            return Vec::new();
        }
        let by = set.parts.first().map_or(0, |part| part.applied.id);
        let is_named = |name: &str| objects.iter().any(|object| object.lists(name));
        let members = view.members().zip(known).zip(children_of(left));
        let unknown = members.filter(|(((name, _), known), at)| !known && *at != ADDED && !is_named(&name.decode()));
        unknown.map(|(_, at)| (at, Decided::Drop(Keyword::Unknown, by))).collect()
    }
}

/// The input places of the children of a value.
pub(super) fn children_of(left: &Left) -> Vec<u32> {
    let at = |view: View<'_>| view.place().map_or(ADDED, |place| place.at);
    left.children.clone().unwrap_or_else(|| {
        let view = left.json.view();
        view.items().chain(view.members().map(|(_, value)| value)).map(at).collect()
    })
}

/// A value without some of its children.
pub(super) fn without(left: &Left, gone: &[usize]) -> Left {
    let children = children_of(left);
    let stays = |index: &usize| !gone.contains(index);
    let kept = children.into_iter().enumerate().filter(|(index, _)| stays(index)).map(|(_, at)| at).collect();
    let view = left.json.view();
    let json = if view.kind() == Kind::Array {
        let items = view.items().enumerate().filter(|(index, _)| stays(index));
        Json::list(items.map(|(_, item)| item.to_json()).collect())
    } else {
        let members = view.named_members().enumerate().filter(|(index, _)| stays(index));
        Json::object(members.map(|(_, (name, value))| (name.to_json(), value.to_json())).collect())
    };
    Left { json, children: Some(kept) }
}

/// Whether a schema object was already applied to a child.
fn is_decided(job: &Job, child: u32, schema: Applied) -> bool {
    let first = job.children.partition_point(|(own, _)| *own < child);
    let own = job.children.iter().skip(first).take_while(|(own, _)| *own == child);
    own.into_iter().any(|(_, what)| matches!(what, Decided::Under(own, _) if *own == schema))
}
