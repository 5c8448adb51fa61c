//! What comes after the choice points of a place: children that nobody evaluated, names that nobody knows, and bytes
//! (R19, R20).

use std::collections::BTreeSet;

use super::Unknown;
use super::children::below;
use super::choices::{Decided, Job, decided_of};
use super::plan::Plan;
use super::project::{Fixed, Pass};
use super::schema::{Never, Object};
use super::sets::Applied;
use super::trail::{Mark, Value};
use crate::fate::{Keyword, Said};
use crate::json::{Kind, View};

use Fixed::{Gone, Part};

impl Pass<'_> {
    /// What comes last at a place whose choice points are satisfied.
    pub(super) fn last(&mut self, at: u32, job: &Job, plan: &Plan, value: &Value, mark: Mark, fixed: Fixed) -> Fixed {
        let more = self.unevaluated(job, plan, value, mark);
        if !more.is_empty() {
            self.trail.cut(mark);
            return self.again(at, &job.decided(more));
        }
        let mut applicable = Vec::new();
        if self.asks_for_branches(value.view()) {
            for part in &plan.set.parts {
                self.eval.applicable(part.applied, value.view(), &mut applicable);
            }
            let unknown = self.unknown_members(plan, &applicable, value, mark);
            let fitting = self.within_own_bytes(&applicable, value);
            let next = if fitting.len() == applicable.len() {
                let next = self.described(job, plan, &applicable, unknown.is_empty());
                next.or_else(|| (!unknown.is_empty()).then(|| job.decided(unknown.iter().copied())))
            } else {
                // what a branch knows is known, be it too large for the branch
                let next = self.described(job, plan, &fitting, true).map(|next| Job { is_last: job.is_last, ..next });
                let next = next.unwrap_or_else(|| job.clone()).decided(unknown.iter().copied());
                (next != *job).then_some(next)
            };
            if let Some(next) = next {
                let next = next.decided(self.gone(at, mark));
                let saved = self.trail.saved(mark, fixed);
                self.trail.cut(mark);
                let known = self.again(at, &next);
                if known.failure().is_none() {
                    return known;
                }
                // a branch that held does not hold for what it would leave
                self.trail.cut(mark);
                if !unknown.is_empty() {
                    return self.again(at, &job.decided(unknown));
                }
                self.trail.replay(&saved);
                self.eval.turn_to(value);
            }
        }
        self.last_bytes(at, job, plan, value, mark, fixed)
    }

    /// The children that are gone, and why: a branch that holds without them is not the reason. What went because of a child of
    /// its own is repaired again, which finds that cause again.
    fn gone(&self, at: u32, mark: Mark) -> Vec<(u32, Decided)> {
        let children: Vec<u32> = below(self.place(at)).filter_map(View::place).map(|place| place.at).collect();
        let said = self.trail.said_since(mark).iter().filter_map(|said| match said {
            Said::Drop(child, keyword, by) if !keyword.cascades() => Some((*child, Decided::Drop(*keyword, *by))),
            _ => None,
        });
        said.filter(|(child, _)| children.binary_search(child).is_ok()).collect()
    }

    /// Whether it matters which branches hold.
    fn asks_for_branches(&self, view: View<'_>) -> bool {
        self.eval.sets.schema().has_additions || (self.options.unknown == Unknown::Drop && !view.is_empty())
    }

    /// The schema objects under which a value holds as large as it is.
    fn within_own_bytes(&mut self, applicable: &[Applied], value: &Value) -> Vec<Applied> {
        if !self.eval.sets.schema().has_bytes {
            return applicable.to_vec();
        }
        self.eval.mode.counts_bytes = true;
        let fitting = applicable.iter().copied().filter(|applied| self.eval.holds(*applied, value.view())).collect();
        self.eval.mode.counts_bytes = false;
        fitting
    }

    /// The same job with all branches that hold in the set; none, if that changes nothing.
    fn described(&mut self, job: &Job, plan: &Plan, applicable: &[Applied], all_known: bool) -> Option<Job> {
        let mut next = Job { is_last: true, ..job.clone() };
        for &applied in applicable {
            let says = self.eval.sets.object(applied).is_some_and(describes);
            let set = self.eval.sets.get(next.plan);
            if says && !plan.set.has(applied) && !set.has(applied) {
                next.plan = self.table.with(&mut self.eval.sets, next.plan, applied, Keyword::AllOf);
            }
        }
        (next.plan != job.plan || (!job.is_last && !all_known)).then_some(next)
    }

    /// The members that no schema object knows, where some names members (U1, U2).
    fn unknown_members(
        &mut self,
        plan: &Plan,
        applicable: &[Applied],
        value: &Value,
        mark: Mark,
    ) -> Vec<(u32, Decided)> {
        let view = value.view();
        if self.options.unknown != Unknown::Drop || view.kind() != Kind::Object || view.is_empty() {
            return Vec::new();
        }
        let objects: Vec<&Object> = applicable.iter().filter_map(|applied| self.eval.sets.object(*applied)).collect();
        if !objects.iter().any(|object| object.names_members) {
            return Vec::new();
        }
        let mut known = vec![false; view.len()];
        for part in &plan.set.parts {
            let marks = self.eval.marks(part.applied, view);
            known.iter_mut().zip(marks.iter().flat_map(|marks| marks.iter())).for_each(|(known, mark)| *known |= mark);
        }
        let names = view.members().map(|(name, _)| name.decode().into_owned());
        let is_known =
            known.into_iter().zip(names).map(|(known, name)| known || objects.iter().any(|object| object.lists(&name)));
        let children = self.trail.children(mark.nodes);
        let unknown = children.iter().zip(is_known).filter(|(_, known)| !known);
        unknown.filter_map(|(child, _)| Some((child.input?, Decided::Drop(Keyword::Unknown, plan.by)))).collect()
    }

    /// What is to become of the children that nobody evaluated.
    fn unevaluated(&mut self, job: &Job, plan: &Plan, value: &Value, mark: Mark) -> Vec<(u32, Decided)> {
        let mut decided: Vec<(u32, Decided)> = Vec::new();
        if !plan.has_rest {
            return decided;
        }
        let view = value.view();
        let children = self.trail.children(mark.nodes);
        let mut seen = BTreeSet::new();
        for part in &plan.set.parts {
            let Some(object) = self.eval.sets.object(part.applied) else { continue };
            let (schema, keyword) = match view.kind() {
                Kind::Object => (object.unevaluated_members, Keyword::UnevaluatedProperties),
                Kind::Array => (object.unevaluated_items, Keyword::UnevaluatedItems),
                _ => (None, Keyword::False),
            };
            let Some(id) = schema else { continue };
            let Some(marks) = self.eval.marks_before(part.applied, view) else { continue };
            let schema = self.eval.sets.below(part.applied, id);
            let never = self.eval.sets.object(schema).is_some_and(|object| matches!(object.never, Some(Never::False)));
            for ((child, own), mark) in below(view).zip(children.iter()).zip(marks) {
                let Some(input) = own.input.filter(|_| !mark) else { continue };
                let asked = decided_of(&job.children, input)
                    .iter()
                    .any(|(_, what)| matches!(what, Decided::Under(own, _) if *own == schema));
                let holds = self.eval.holds(schema, child);
                // what holds may still describe it: its own members, its bytes
                if holds && (asked || !self.is_described(child)) {
                    continue;
                }
                let what = if never || asked { Decided::Drop(keyword, id) } else { Decided::Under(schema, keyword) };
                if seen.insert(input) {
                    decided.push((input, what));
                }
            }
        }
        decided
    }

    /// Whether it matters which schema objects describe a value that they all let stand.
    fn is_described(&self, value: View<'_>) -> bool {
        let container = matches!(value.kind(), Kind::Array | Kind::Object);
        self.eval.sets.schema().has_additions || (container && self.options.unknown == Unknown::Drop)
    }

    /// The value, if its choice points are satisfied with the bytes that their branches allow; else it takes one of them.
    fn chosen_by_bytes(&mut self, at: u32, job: &Job, plan: &Plan, value: &Value, mark: Mark, fixed: Fixed) -> Fixed {
        let counts = self.eval.sets.schema().has_bytes && !plan.choices.is_empty();
        self.eval.turn_to(value);
        self.eval.mode.counts_bytes = counts;
        let broken = if counts { self.unsatisfied(plan, value) } else { None };
        self.eval.mode.counts_bytes = false;
        match broken {
            Some(choice) => {
                self.trail.cut(mark);
                self.resolve(at, job, plan, &choice, value)
            }
            None if plan.lists_containers && !self.all_parts_hold(plan, value) => {
                // a listed value that something else forbids
                Gone(Keyword::Enum, plan.by)
            }
            None => fixed,
        }
    }

    fn all_parts_hold(&mut self, plan: &Plan, value: &Value) -> bool {
        plan.set.parts.iter().all(|part| self.eval.holds(part.applied, value.view()))
    }

    /// `x-max-bytes`; where that breaks a choice, it is asked again (R20).
    fn last_bytes(&mut self, at: u32, job: &Job, plan: &Plan, value: &Value, mark: Mark, fixed: Fixed) -> Fixed {
        let view = value.view();
        let Some((max, by)) = self.bytes_max(plan, at).filter(|(max, _)| view.compact_bytes() > *max) else {
            return self.chosen_by_bytes(at, job, plan, value, mark, fixed);
        };
        let before = self.trail.children(mark.nodes);
        let shrunk = self.shrink(plan, at, mark.nodes, value, (max, by));
        if shrunk.failure().is_some() {
            return shrunk;
        }
        let smaller = self.value(at, mark.nodes, Part);
        if self.unsatisfied(plan, &smaller).is_none() && self.unevaluated(job, plan, &smaller, mark).is_empty() {
            return self.chosen_by_bytes(at, job, plan, &smaller, mark, shrunk);
        }
        let mut kept: Vec<_> = self.trail.children(mark.nodes).iter().filter_map(|child| child.input).collect();
        kept.sort_unstable();
        let is_list = view.kind() == Kind::Array;
        let what = if is_list { Decided::Cut } else { Decided::Drop(Keyword::MaxBytes, by) };
        let gone: Vec<u32> = if is_list {
            // what was cut before must not come in again
            self.place(at).items().filter_map(View::place).map(|place| place.at).collect()
        } else {
            before.iter().filter_map(|child| child.input).collect()
        };
        self.trail.cut(mark);
        let next =
            job.decided(gone.into_iter().filter(|input| kept.binary_search(input).is_err()).map(|input| (input, what)));
        self.again(at, &next)
    }
}

/// Whether a schema object says something of children, or of what may stand in them.
fn describes(object: &Object) -> bool {
    object.names_members
        || object.additional.is_some()
        || object.unevaluated_members.is_some()
        || object.unevaluated_items.is_some()
        || object.items.is_some()
        || !object.prefix.is_empty()
        || object.bytes_max.is_some()
        || !object.allowed.is_empty()
        || !object.required.is_empty()
        || !object.dependent.is_empty()
}
