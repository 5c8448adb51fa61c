//! Choice points: what a value must satisfy in one of several ways (R14–R18).

use std::rc::Rc;

use super::repair::{ADDED, Choice, Decided, Fixed, Job, Left, Repair, children_of, without};
use super::schema::Id;
use super::sets::Applied;
use crate::fate::Keyword;
use crate::json::{Kind, View};

impl Repair<'_> {
    /// The first choice point that a value does not satisfy (R14).
    pub(super) fn unsatisfied(&mut self, job: &Job, view: View<'_>) -> Option<Choice> {
        let set = self.eval.sets.get(job.set);
        for part in &set.parts {
            let Some(object) = self.object(part.applied) else { continue };
            let (applied, choices) = (part.applied, &object.choices);
            if choices.is_empty() {
                continue;
            }
            let mut all: Vec<_> = (0..choices.dependent.len()).map(|index| Choice::Dependent(applied, index)).collect();
            all.extend(choices.condition.map(|_| Choice::Condition(applied)));
            all.extend((!choices.any_of.is_empty()).then_some(Choice::AnyOf(applied)));
            all.extend((!choices.one_of.is_empty()).then_some(Choice::OneOf(applied)));
            all.extend(choices.not.map(|_| Choice::Not(applied)));
            let open = all.into_iter().filter(|choice| !job.taken.contains(choice));
            let mut failing = open.filter(|choice| !self.satisfies(*choice, view)).collect::<Vec<_>>();
            if !failing.is_empty() {
                return Some(failing.swap_remove(0));
            }
        }
        None
    }

    /// Whether a value satisfies a choice point.
    fn satisfies(&mut self, choice: Choice, view: View<'_>) -> bool {
        let (applied, object) = match choice {
            Choice::Dependent(applied, _)
            | Choice::Condition(applied)
            | Choice::AnyOf(applied)
            | Choice::OneOf(applied)
            | Choice::Not(applied) => (applied, self.object(applied)),
        };
        let Some(choices) = object.map(|object| &object.choices) else { return true };
        let branch = |own: &mut Self, id: Id| own.eval.sets.below(applied, id);
        match choice {
            Choice::Dependent(_, index) => choices.dependent.get(index).is_none_or(|(trigger, id, _)| {
                let branch = branch(self, *id);
                view.get(trigger).is_none() || self.eval.holds(branch, view)
            }),
            Choice::Condition(_) => {
                let selected = if self.condition_holds(applied, view) { choices.then } else { choices.otherwise };
                selected.is_none_or(|id| {
                    let branch = branch(self, id);
                    self.eval.holds(branch, view)
                })
            }
            Choice::AnyOf(_) => choices.any_of.iter().any(|&id| {
                let branch = branch(self, id);
                self.eval.holds(branch, view)
            }),
            Choice::OneOf(_) => {
                let some = choices.one_of.iter().any(|&id| {
                    let branch = branch(self, id);
                    self.eval.holds(branch, view)
                });
                some && self.eval.is_only_one(applied, &choices.one_of, view)
            }
            Choice::Not(_) => choices.not.is_none_or(|id| {
                let forbidden = branch(self, id);
                !self.eval.holds_plainly(forbidden, view)
            }),
        }
    }

    fn condition_holds(&mut self, applied: Applied, view: View<'_>) -> bool {
        let condition = self.object(applied).and_then(|object| object.choices.condition);
        condition.is_some_and(|id| {
            let condition = self.eval.sets.below(applied, id);
            self.eval.holds_plainly(condition, view)
        })
    }

    pub(super) fn resolve(&mut self, at: u32, job: &Job, before: &Rc<Fixed>, choice: Choice) -> Rc<Fixed> {
        match choice {
            Choice::Dependent(applied, index) => self.dependent(at, job, choice, applied, index),
            Choice::Condition(applied) => self.condition(at, job, before, applied),
            Choice::AnyOf(applied) => self.any_of(at, job, applied),
            Choice::OneOf(applied) => self.one_of(at, job, applied),
            Choice::Not(applied) => self.not(at, job, before, applied),
        }
    }

    /// The same job with a choice taken and a branch in the set.
    fn branch(&mut self, job: &Job, choice: Choice, applied: Applied, id: Id, keyword: Keyword) -> Job {
        let branch = self.eval.sets.below(applied, id);
        let mut next = job.clone();
        next.set = self.eval.sets.with(job.set, branch, keyword);
        next.taken.push(choice);
        next.taken.sort_unstable();
        next
    }

    /// The branches of a union in the order in which they are tried: by score, then as they stand (R15).
    fn scored(&mut self, at: u32, job: &Job, choice: Choice, applied: Applied, keyword: Keyword) -> Vec<(usize, Job)> {
        let choices = self.object(applied).map(|object| &object.choices);
        let ids = choices.map_or(&[][..], |choices| match choice {
            Choice::AnyOf(_) => &choices.any_of,
            _ => &choices.one_of,
        });
        let mut scored = Vec::new();
        for (index, &id) in ids.iter().enumerate() {
            if self.is_hopeless(at, applied, id) {
                continue;
            }
            let next = self.branch(job, choice, applied, id, keyword);
            let fixed = self.phases(at, &next);
            if fixed.left.is_some() {
                scored.push((fixed.cost, index, next));
            }
        }
        scored.sort_by_key(|(cost, index, _)| (*cost, *index));
        scored.into_iter().map(|(_, index, next)| (index, next)).collect()
    }

    /// Whether no part of a value can hold under a branch, as a look at its members tells: a table of discriminators.
    fn is_hopeless(&mut self, at: u32, applied: Applied, id: Id) -> bool {
        let branch = self.eval.sets.below(applied, id);
        let (Some(object), view) = (self.object(branch), self.place(at)) else { return false };
        if self.eval.sets.schema().has_annotations {
            return false;
        }
        if object.never.is_some() || object.types.is_some_and(|types| !types.allows(view.kind())) {
            return true;
        }
        let lacks = |name: &String| {
            let member = object.properties.iter().find(|(own, _)| own == name);
            let schema = member.map(|(_, id)| self.eval.sets.below(branch, *id));
            let Some(schema) = schema.and_then(|schema| self.object(schema)) else { return view.get(name).is_none() };
            // a default or an annotation may still help
            let plain = schema.on_invalid.is_empty() && !schema.on_missing && schema.reference.is_none();
            plain
                && view.get(name).is_none_or(|value| {
                    let scalar = !matches!(value.kind(), Kind::Array | Kind::Object);
                    scalar
                        && schema
                            .checks
                            .iter()
                            .any(|check| !check.listed().is_empty() && !check.holds(value, None, None))
                })
        };
        view.kind() == Kind::Object && object.required.iter().any(lacks)
    }

    fn any_of(&mut self, at: u32, job: &Job, applied: Applied) -> Rc<Fixed> {
        for (_, next) in self.scored(at, job, Choice::AnyOf(applied), applied, Keyword::AnyOf) {
            let fixed = self.job(at, &next);
            if fixed.left.as_ref().is_some_and(|left| self.holds(job, left.json.view())) {
                return fixed;
            }
        }
        Rc::new(Fixed::gone(Keyword::AnyOf, applied.id, self.nodes(at)))
    }

    fn one_of(&mut self, at: u32, job: &Job, applied: Applied) -> Rc<Fixed> {
        let choice = Choice::OneOf(applied);
        let branches = self.scored(at, job, choice, applied, Keyword::OneOf);
        let mut overlapping = Vec::new();
        for (index, next) in branches {
            let fixed = self.job(at, &next);
            if let Some(left) = &fixed.left {
                self.eval.keep(&left.json);
                if self.satisfies(choice, left.json.view()) && self.holds(job, left.json.view()) {
                    return fixed;
                }
                overlapping.push((index, next, fixed));
            }
        }
        // the lowest final cost, then the first branch
        let mut best: Option<(usize, usize, Rc<Fixed>)> = None;
        for (index, next, fixed) in overlapping {
            if let Some(smaller) = self.without_one(at, &next, &fixed, choice, Keyword::OneOf)
                && best.as_ref().is_none_or(|(cost, own, _)| (smaller.cost, index) < (*cost, *own))
            {
                best = Some((smaller.cost, index, smaller));
            }
        }
        best.map_or_else(|| Rc::new(Fixed::gone(Keyword::OneOf, applied.id, self.nodes(at))), |(.., best)| best)
    }

    fn not(&mut self, at: u32, job: &Job, before: &Rc<Fixed>, applied: Applied) -> Rc<Fixed> {
        match self.without_one(at, job, before, Choice::Not(applied), Keyword::Not) {
            Some(smaller) => smaller,
            None => Rc::new(Fixed::gone(Keyword::Not, applied.id, self.nodes(at))),
        }
    }

    /// R16: the selected branch, and if that flips the condition, the other one.
    fn condition(&mut self, at: u32, job: &Job, before: &Rc<Fixed>, applied: Applied) -> Rc<Fixed> {
        let choice = Choice::Condition(applied);
        let Some(choices) = self.object(applied).map(|object| &object.choices) else { return Rc::clone(before) };
        let left = before.left.as_ref();
        let condition = left.is_some_and(|left| self.condition_holds(applied, left.json.view()));
        let (then, otherwise) = ((choices.then, Keyword::Then), (choices.otherwise, Keyword::Else));
        let (selected, other) = if condition { (then, otherwise) } else { (otherwise, then) };
        for (branch, keyword) in [selected, other] {
            let Some(id) = branch else { break };
            let next = self.branch(job, choice, applied, id, keyword);
            let fixed = self.job(at, &next);
            if fixed.rejected {
                return fixed;
            }
            let Some(left) = &fixed.left else { break };
            self.eval.keep(&left.json);
            if self.satisfies(choice, left.json.view()) && self.holds(job, left.json.view()) {
                return fixed;
            }
            if self.condition_holds(applied, left.json.view()) == condition {
                break;
            }
        }
        match self.without_one(at, job, before, choice, selected.1) {
            Some(smaller) => smaller,
            None => Rc::new(Fixed::gone(selected.1, applied.id, self.nodes(at))),
        }
    }

    /// R17: the value under the schema, or without the trigger, whichever costs less.
    fn dependent(&mut self, at: u32, job: &Job, choice: Choice, applied: Applied, index: usize) -> Rc<Fixed> {
        let dependent = self.object(applied).and_then(|object| object.choices.dependent.get(index));
        let Some((trigger, id, keyword)) = dependent else { return Rc::new(Fixed::gone(Keyword::Oracle, 0, 1)) };
        let next = self.branch(job, choice, applied, *id, *keyword);
        let under = self.job(at, &next);
        if under.rejected {
            return under;
        }
        let member = self.place(at).get(trigger).and_then(View::place).map(|place| place.at);
        let without = member.map(|member| {
            let mut next = job.clone();
            next.children.push((member, Decided::Drop(*keyword, applied.id)));
            next.children.sort_unstable();
            self.job(at, &next)
        });
        let under =
            Some(under).filter(|fixed| fixed.left.as_ref().is_some_and(|left| self.holds(job, left.json.view())));
        let without = without.filter(|fixed| fixed.left.is_some());
        match (under, without) {
            (Some(under), Some(without)) if without.cost < under.cost => without,
            (Some(one), _) | (None, Some(one)) => one,
            (None, None) => Rc::new(Fixed::gone(*keyword, applied.id, self.nodes(at))),
        }
    }

    /// R18: one direct child less, such that all of the set holds; fewest nodes first, then the greatest name or last index.
    ///
    /// The place is repaired once more without that child, for what comes last: unknown members, and bytes.
    fn without_one(
        &mut self,
        at: u32,
        job: &Job,
        fixed: &Rc<Fixed>,
        choice: Choice,
        keyword: Keyword,
    ) -> Option<Rc<Fixed>> {
        let left = fixed.left.as_ref()?;
        let set = self.eval.sets.get(job.set);
        let order = order_of_one(left, self.prefix(&set));
        // where there are many, not all can be asked
        let affordable = self.eval.left / 16 / (left.json.view().nodes() + 1);
        for strictly in [true, false] {
            for &(index, goes) in order.iter().take(affordable) {
                let smaller = without(left, &[index]);
                self.eval.keep(&smaller.json);
                let view = smaller.json.view();
                let helps = if strictly { self.all_hold(&set, view) } else { self.satisfies(choice, view) };
                if !helps {
                    continue;
                }
                let mut next = job.clone();
                next.children.push((goes, Decided::Drop(keyword, choice.by())));
                next.children.sort_unstable();
                let fixed = self.job(at, &next);
                let holds = fixed
                    .left
                    .as_ref()
                    .is_some_and(|left| self.satisfies(choice, left.json.view()) && self.holds(job, left.json.view()));
                if holds {
                    return Some(fixed);
                }
            }
        }
        None
    }
}

/// The children that may go alone, with their input places: fewest nodes first, then the greatest name or last index.
fn order_of_one(left: &Left, prefix: usize) -> Vec<(usize, u32)> {
    let children = children_of(left);
    let view = left.json.view();
    let sizes: Vec<_> = view.items().chain(view.members().map(|(_, value)| value)).map(View::nodes).collect();
    let names: Vec<_> = view.members().map(|(name, _)| name.decode().into_owned()).collect();
    let moves = |index: usize| names.is_empty() && index < prefix && index + 1 < children.len();
    let may = children.iter().copied().enumerate().filter(|(index, at)| *at != ADDED && !moves(*index));
    let mut order: Vec<_> = may.collect();
    order.sort_by(|&(a, _), &(b, _)| {
        let size = |index: usize| sizes.get(index).copied().unwrap_or(0);
        size(a).cmp(&size(b)).then_with(|| names.get(b).cmp(&names.get(a))).then(b.cmp(&a))
    });
    order
}
