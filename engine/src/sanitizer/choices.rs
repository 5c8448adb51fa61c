//! Choice points: what a value must satisfy in one of several ways (R14–R18, R22).
//!
//! The phases of a place give a value; then the first choice point that it does not satisfy is resolved by repairing the
//! original value again, under a branch or without one child; and so on, until none is left. Each computation is a [`Job`] at
//! a place, is counted, and is kept while a branch around it is tried: what it wrote is written again, not computed again.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::plan::{Choice, ChoiceKind, Plan};
use super::project::{Fixed, Pass};
use super::schema::{Choices, Id};
use super::sets::{Applied, SetId};
use super::trail::{Cost, Saved, Value};
use crate::fate::Keyword;
use crate::json::{Kind, View};

use Fixed::{Fails, Gone, Part, Rejected, Whole};

/// Units of work of a computation for each child of its place.
const UNITS_PER_CHILD: u64 = 4;

/// What is to be done at a place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Job {
    pub(super) plan: SetId,
    /// What was decided of single children, sorted.
    pub(super) children: Vec<(u32, Decided)>,
    /// All branches that hold are in the set.
    pub(super) is_last: bool,
}

/// What was decided of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Decided {
    /// It goes.
    Drop(Keyword, Id),
    /// It goes with the end of its list.
    Cut,
    /// This schema object applies to it too.
    Under(Applied, Keyword),
}

/// What was decided of one child.
pub(super) fn decided_of(all: &[(u32, Decided)], child: u32) -> &[(u32, Decided)] {
    let first = all.partition_point(|(own, _)| *own < child);
    let last = all.partition_point(|(own, _)| *own <= child);
    all.get(first..last).unwrap_or_default()
}

impl Job {
    pub(super) fn with(&self, plan: SetId) -> Self {
        Self { plan, ..self.clone() }
    }

    pub(super) fn decided(&self, more: impl IntoIterator<Item = (u32, Decided)>) -> Self {
        let mut next = self.clone();
        next.children.extend(more);
        next.children.sort_unstable();
        next.children.dedup();
        next
    }
}

/// What was computed, by place and job.
pub(super) type Memo = BTreeMap<(u32, Job), Rc<Saved>>;

impl<'a> Pass<'a> {
    /// Repairs a place that has choice points, or asks for what nobody evaluated.
    pub(super) fn choose(&mut self, plan: SetId, at: u32) -> Fixed {
        self.job(at, &Job { plan, children: Vec::new(), is_last: false })
    }

    /// One computation, counted.
    pub(super) fn job(&mut self, at: u32, job: &Job) -> Fixed {
        if self.trying == 0 {
            return self.counted(at, job);
        }
        let key = (at, job.clone());
        if let Some(saved) = self.memo.get(&key) {
            let saved = Rc::clone(saved);
            let _ = self.eval.budget.charge(saved.weight());
            return self.trail.replay(&saved);
        }
        let mark = self.trail.mark();
        let fixed = self.counted(at, job);
        if fixed.failure().is_some() {
            self.trail.truncate(mark.nodes);
        }
        let saved = self.trail.saved(mark, fixed);
        let _ = self.eval.budget.charge(saved.weight());
        self.memo.insert(key, Rc::new(saved));
        fixed
    }

    /// A job at a place that was repaired before: what is below is kept, for it may be asked many times.
    pub(super) fn again(&mut self, at: u32, job: &Job) -> Fixed {
        self.trying += 1;
        let fixed = self.job(at, job);
        self.trying -= 1;
        fixed
    }

    fn counted(&mut self, at: u32, job: &Job) -> Fixed {
        // a computation looks at each child, and keeps what became of it
        let work = 1 + UNITS_PER_CHILD * self.place(at).len() as u64;
        if self.steps == 0 || self.eval.budget.charge(work).is_err() {
            self.steps = 0;
            return Gone(Keyword::Budget, 0);
        }
        self.steps -= 1;
        let before = std::mem::replace(&mut self.is_last, job.is_last);
        let since = self.trail.mark();
        let fixed = self.compute(at, job);
        self.is_last = before;
        let plan = self.plan(job.plan);
        let fixed = self.whole_or_not(&plan, since, fixed);
        // what an evaluator that may look no further says means nothing
        let is_void = self.eval.is_spent() || (self.is_spent() && fixed.failure().is_some());
        if is_void { Gone(Keyword::Budget, plan.by) } else { fixed }
    }

    /// Whether no more may be computed: a refusal may have come of that alone.
    fn is_spent(&self) -> bool {
        self.steps == 0 || self.eval.is_spent()
    }

    fn compute(&mut self, at: u32, job: &Job) -> Fixed {
        let plan = self.plan(job.plan);
        let mark = self.trail.mark();
        if let Some((choice, branch)) = self.tagged(&plan, at) {
            let next = branch.map(|branch| self.branch(job, branch, choice.keyword()));
            let fixed = next.map(|next| self.job(at, &next));
            return fixed.filter(|fixed| matches!(fixed, Whole | Part | Rejected(..))).unwrap_or_else(|| {
                self.trail.cut(mark);
                self.trying += 1;
                let before = self.phases(&plan, at, &job.children);
                self.trying -= 1;
                let gone = before.failure().is_none().then_some(Gone(choice.keyword(), choice.by.id));
                gone.unwrap_or(before)
            });
        }
        let fixed = self.phases(&plan, at, &job.children);
        if fixed.failure().is_some() {
            return fixed;
        }
        let value = self.value(at, mark.nodes, fixed);
        match self.unsatisfied(&plan, &value) {
            Some(choice) => {
                self.trail.cut(mark);
                self.resolve(at, job, &plan, &choice, &value)
            }
            None => self.last(at, job, &plan, &value, mark, fixed),
        }
    }

    /// The first union that a member's value decides, and the branch that it leaves.
    fn tagged(&self, plan: &Plan, at: u32) -> Option<(Choice, Option<Applied>)> {
        let view = self.place(at);
        if view.kind() != Kind::Object {
            return None;
        }
        plan.choices.iter().find_map(|choice| {
            let tags = choice.tags.as_ref()?;
            Some((choice.clone(), tags.branch(view)))
        })
    }

    /// The same job with one schema object more.
    pub(super) fn branch(&mut self, job: &Job, branch: Applied, keyword: Keyword) -> Job {
        job.with(self.table.with(&mut self.eval.sets, job.plan, branch, keyword))
    }

    /// The first choice point that a value does not satisfy (R14).
    pub(super) fn unsatisfied(&mut self, plan: &Plan, value: &Value) -> Option<Choice> {
        self.eval.turn_to(value);
        plan.choices.iter().find(|choice| !self.satisfies(plan, choice, value.view())).cloned()
    }

    /// Whether a value satisfies a choice point. A branch that is in the set is enforced, and need not hold yet.
    pub(super) fn satisfies(&mut self, plan: &Plan, choice: &Choice, view: View<'_>) -> bool {
        let Some(choices) = self.choices(choice.by) else { return true };
        let by = choice.by;
        match choice.kind {
            ChoiceKind::Dependent(at) => choices
                .dependent
                .get(at)
                .is_none_or(|(trigger, id, _)| view.get(trigger).is_none() || self.holds(plan, by, *id, view)),
            ChoiceKind::Condition => {
                let selected = if self.condition_holds(by, view) { choices.then } else { choices.otherwise };
                selected.is_none_or(|id| self.holds(plan, by, id, view))
            }
            ChoiceKind::AnyOf => choices.any_of.iter().any(|&id| self.holds(plan, by, id, view)),
            ChoiceKind::OneOf => {
                choices.one_of.iter().any(|&id| self.holds(plan, by, id, view))
                    && self.count_of(plan, by, &choices.one_of, view) == 1
            }
            ChoiceKind::Not => choices.not.is_none_or(|id| {
                let forbidden = self.eval.sets.below(by, id);
                !self.eval.holds_plainly(forbidden, view)
            }),
        }
    }

    /// How many branches hold, as any validator counts.
    pub(super) fn count_of(&mut self, plan: &Plan, by: Applied, ids: &[Id], view: View<'_>) -> usize {
        let holds = |id: &&Id| {
            let branch = self.eval.sets.below(by, **id);
            plan.set.has(branch) || self.eval.holds_plainly(branch, view)
        };
        ids.iter().filter(holds).count()
    }

    pub(super) fn choices(&self, by: Applied) -> Option<&'a Choices> {
        self.object_of(by.id).map(|object| &object.choices)
    }

    fn holds(&mut self, plan: &Plan, by: Applied, id: Id, view: View<'_>) -> bool {
        let branch = self.eval.sets.below(by, id);
        plan.set.has(branch) || self.eval.holds(branch, view)
    }

    pub(super) fn condition_holds(&mut self, by: Applied, view: View<'_>) -> bool {
        let condition = self.choices(by).and_then(|choices| choices.condition);
        condition.is_some_and(|id| {
            let condition = self.eval.sets.below(by, id);
            self.eval.holds_plainly(condition, view)
        })
    }

    pub(super) fn resolve(&mut self, at: u32, job: &Job, plan: &Plan, choice: &Choice, value: &Value) -> Fixed {
        let fixed = match choice.kind {
            ChoiceKind::Dependent(index) => self.dependent(at, job, choice, index),
            ChoiceKind::Condition => self.condition(at, job, plan, choice, value),
            ChoiceKind::AnyOf | ChoiceKind::OneOf => self.union(at, job, plan, choice, value),
            ChoiceKind::Not => self.without_one(at, job, plan, choice, value),
        };
        fixed.unwrap_or_else(|| {
            let keyword = match choice.kind {
                ChoiceKind::Condition if self.condition_holds(choice.by, value.view()) => Keyword::Then,
                ChoiceKind::Condition => Keyword::Else,
                ChoiceKind::Dependent(at) => {
                    let own = self.choices(choice.by).and_then(|choices| choices.dependent.get(at));
                    own.map_or(choice.keyword(), |(.., keyword)| *keyword)
                }
                _ => choice.keyword(),
            };
            Gone(keyword, choice.by.id)
        })
    }

    /// A job that is given up where it yields nothing.
    pub(super) fn attempt(&mut self, at: u32, job: &Job) -> Option<Fixed> {
        Some(self.attempt_or_say(at, job)).filter(|fixed| fixed.failure().is_none())
    }

    /// The same, with why it yields nothing.
    fn attempt_or_say(&mut self, at: u32, job: &Job) -> Fixed {
        let mark = self.trail.mark();
        let fixed = self.again(at, job);
        if fixed.failure().is_some() {
            self.trail.cut(mark);
        }
        fixed
    }

    /// What the result of a job costs, which is taken back.
    fn score(&mut self, at: u32, job: &Job) -> Option<Cost> {
        let mark = self.trail.mark();
        let cost = self.trail.cost();
        let fixed = self.attempt(at, job)?;
        debug_assert!(matches!(fixed, Whole | Part), "an attempt yields or is given up");
        let score = self.trail.cost().since(cost);
        self.trail.cut(mark);
        Some(score)
    }

    /// R15: the branch that costs least in the end, then the first.
    fn union(&mut self, at: u32, job: &Job, plan: &Plan, choice: &Choice, value: &Value) -> Option<Fixed> {
        let choices = self.choices(choice.by)?;
        let ids = if choice.kind == ChoiceKind::AnyOf { &choices.any_of } else { &choices.one_of };
        let branches: Vec<_> = ids.iter().map(|&id| self.eval.sets.below(choice.by, id)).collect();
        if branches.iter().any(|branch| plan.set.has(*branch)) {
            // a branch is taken, and others hold too
            return self.without_one(at, job, plan, choice, value);
        }
        let open: Vec<_> = branches.into_iter().filter(|branch| !self.is_hopeless(at, *branch)).collect();
        let jobs: Vec<_> = open.iter().map(|branch| self.branch(job, *branch, choice.keyword())).collect();
        let allowed = (jobs.len() + 2) * (self.place(at).nodes() + 32);
        let before = self.steps;
        let mut scores = Vec::new();
        for (index, next) in jobs.iter().enumerate() {
            scores.extend(self.score(at, next).map(|cost| (cost.removed, cost.for_bytes > 0, index)));
            if before - self.steps > allowed {
                scores = self.rough_scores(at, &jobs);
                break;
            }
        }
        scores.sort_unstable();
        let order = scores.into_iter().filter_map(|(.., index)| jobs.get(index));
        for next in order {
            if let Some(fixed) = self.attempt(at, next) {
                return Some(fixed);
            }
        }
        None
    }

    /// What branches cost where their own choice points are not asked.
    fn rough_scores(&mut self, at: u32, jobs: &[Job]) -> Vec<(usize, bool, usize)> {
        let mut scores = Vec::new();
        for (index, next) in jobs.iter().enumerate() {
            if self.is_spent() {
                break;
            }
            let (mark, cost) = (self.trail.mark(), self.trail.cost());
            let plan = self.plan(next.plan);
            self.trying += 1;
            self.steps = self.steps.saturating_sub(1);
            let fixed = self.phases(&plan, at, &next.children);
            self.trying -= 1;
            if fixed.failure().is_none() {
                scores.push((self.trail.cost().since(cost).removed, false, index));
            }
            self.trail.cut(mark);
        }
        scores
    }

    /// Whether no part of a value can hold under a branch, as a look at its members tells.
    fn is_hopeless(&mut self, at: u32, branch: Applied) -> bool {
        let (Some(object), view) = (self.eval.sets.object(branch), self.place(at)) else { return false };
        if self.eval.sets.schema().has_annotations {
            return false;
        }
        if object.never.is_some() || object.types.is_some_and(|types| !types.allows(view.kind())) {
            return true;
        }
        let lacks = |name: &String| {
            let schema = object.property(name).and_then(|id| self.object_of(id));
            let Some(schema) = schema else { return view.get(name).is_none() };
            view.get(name).is_none_or(|value| {
                let scalar = !matches!(value.kind(), Kind::Array | Kind::Object);
                let fails = |check: &super::check::Check| !check.listed().is_empty() && !check.holds(value, None, None);
                scalar && schema.checks.iter().any(fails)
            })
        };
        view.kind() == Kind::Object && object.required.iter().any(lacks)
    }

    /// R16: the selected branch, and if that flips the condition, the other one; else one child less.
    fn condition(&mut self, at: u32, job: &Job, plan: &Plan, choice: &Choice, value: &Value) -> Option<Fixed> {
        let choices = self.choices(choice.by)?;
        let both = [(choices.then, Keyword::Then), (choices.otherwise, Keyword::Else)];
        let both = both.map(|(id, keyword)| (id.map(|id| self.eval.sets.below(choice.by, id)), keyword));
        if both.iter().any(|(branch, _)| branch.is_some_and(|branch| plan.set.has(branch))) {
            // the branch that is taken flipped the condition
            return None;
        }
        let holds = self.condition_holds(choice.by, value.view());
        let order = if holds { both } else { [both[1], both[0]] };
        for (branch, keyword) in order {
            let Some(branch) = branch else { break };
            let next = self.branch(job, branch, keyword);
            let fixed = self.attempt_or_say(at, &next);
            match fixed {
                Whole | Part | Rejected(..) => return Some(fixed),
                Gone(Keyword::Then | Keyword::Else, by) if by == choice.by.id => {}
                Gone(..) | Fails(..) => break,
            }
        }
        self.eval.turn_to(value);
        self.without_one(at, job, plan, choice, value)
    }

    /// R17: the value under the schema, or without the trigger, whichever costs less.
    fn dependent(&mut self, at: u32, job: &Job, choice: &Choice, index: usize) -> Option<Fixed> {
        let &(ref trigger, id, keyword) = self.choices(choice.by)?.dependent.get(index)?;
        let branch = self.eval.sets.below(choice.by, id);
        let under = self.branch(job, branch, keyword);
        let member = self.place(at).get(trigger).and_then(View::place).map(|place| place.at);
        let without = member.map(|member| job.decided([(member, Decided::Drop(keyword, choice.by.id))]));
        let (mark, before) = (self.trail.mark(), self.trail.cost());
        let first = self.attempt_or_say(at, &under);
        if let Rejected(..) = first {
            return Some(first);
        }
        let cost = first.failure().is_none().then(|| self.trail.cost().since(before).all());
        self.trail.cut(mark);
        let less = without.as_ref().and_then(|without| self.score(at, without)).map(Cost::all);
        match (cost, less, without) {
            (Some(cost), less, _) if less.is_none_or(|less| cost <= less) => self.attempt(at, &under),
            (_, Some(_), Some(without)) => self.attempt(at, &without),
            _ => None,
        }
    }
}

impl Choice {
    /// The keyword that fails where it cannot be satisfied; of a condition, one of two.
    pub(super) fn keyword(&self) -> Keyword {
        match self.kind {
            ChoiceKind::Dependent(_) => Keyword::DependentSchemas,
            ChoiceKind::Condition => Keyword::Then,
            ChoiceKind::AnyOf => Keyword::AnyOf,
            ChoiceKind::OneOf => Keyword::OneOf,
            ChoiceKind::Not => Keyword::Not,
        }
    }
}
