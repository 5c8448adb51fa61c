//! A choice point that no branch repairs: children go, until it is satisfied (R18).

use std::collections::BTreeSet;

use super::choices::{Decided, Job};
use super::plan::{Choice, ChoiceKind, Plan, find};
use super::project::{Fixed, Pass};
use super::schema::Object;
use super::sets::Applied;
use super::trail::Value;
use crate::fate::Keyword;
use crate::json::{Kind, View};

/// Nodes that may be looked at to find a child whose removal helps.
const LOOKS: usize = 65_536;
/// Children that are tried, at the least.
const TRIES_MIN: usize = 16;

/// What must not hold: schema objects that do together. `not` of a union is one for each branch.
type Conjunct = Vec<Applied>;

/// A child that may go.
#[derive(Clone, Copy)]
struct Candidate {
    /// The input node of its value.
    input: u32,
    /// Where it stands in the value, its name included, and how many nodes that is.
    first: u32,
    size: usize,
}

impl<'a> Pass<'a> {
    /// The value without the children that stand against a choice point.
    pub(super) fn without_one(
        &mut self,
        at: u32,
        job: &Job,
        plan: &Plan,
        choice: &Choice,
        value: &Value,
    ) -> Option<Fixed> {
        self.eval.turn_to(value);
        let is_other = choice.kind == ChoiceKind::Condition && !self.condition_holds(choice.by, value.view());
        let keyword = if is_other { Keyword::Else } else { choice.keyword() };
        let drop = Decided::Drop(keyword, choice.by.id);
        let conjuncts = self.conjuncts(choice);
        let standing: Vec<_> = conjuncts.into_iter().filter(|one| self.all_hold(one, value.view())).collect();
        let matches = standing.first().and_then(|one| self.surplus_matches(plan, one, value));
        let without_matches = matches.map(|all| job.decided(all.into_iter().map(|input| (input, drop))));
        if let Some(next) =
            without_matches.as_ref().filter(|_| standing.first().is_some_and(|one| self.is_contains(one)))
        {
            return self.attempt(at, next);
        }
        if standing.len() > 1
            && let Some(drops) = self.without_each(plan, &standing, value)
            && let Some(fixed) = self.attempt(at, &job.decided(drops.into_iter().map(|input| (input, drop))))
        {
            return Some(fixed);
        }
        let mut fewest: Option<(usize, Candidate)> = None;
        let mentioned = self.mentioned(vec![choice.by], true);
        for candidate in self.candidates(plan, mentioned.as_ref(), value) {
            let smaller = self.trail.without(value, candidate.first, candidate.size);
            self.eval.turn_to(&smaller);
            if self.eval.budget.charge(smaller.view().weight()).is_err() {
                return None;
            }
            let left = self.standing(plan, choice, &standing, smaller.view());
            if left.helps
                && let Some(fixed) = self.attempt(at, &job.decided([(candidate.input, drop)]))
            {
                return Some(fixed);
            }
            if fewest.is_none_or(|(count, _)| left.count < count) {
                fewest = Some((left.count, candidate));
            }
        }
        self.eval.turn_to(value);
        let before = self.standing(plan, choice, &standing, value.view()).count;
        let fewest = fewest.filter(|(count, _)| *count < before);
        let next = fewest.map(|(_, candidate)| job.decided([(candidate.input, drop)])).or(without_matches)?;
        self.attempt(at, &next)
    }

    /// The children without which no conjunct holds, one for each in turn; nothing, if one needs more.
    fn without_each(&mut self, plan: &Plan, conjuncts: &[Conjunct], value: &Value) -> Option<Vec<u32>> {
        let (mut value, mut gone) = (value.clone(), Vec::new());
        for conjunct in conjuncts {
            self.eval.turn_to(&value);
            if !self.all_hold(conjunct, value.view()) {
                continue;
            }
            let mentioned = self.mentioned(conjunct.last().copied().into_iter().collect(), false);
            let mut found = None;
            for candidate in self.candidates(plan, mentioned.as_ref(), &value) {
                let smaller = self.trail.without(&value, candidate.first, candidate.size);
                self.eval.budget.charge(smaller.view().weight()).ok()?;
                self.eval.turn_to(&smaller);
                if !self.all_hold(conjunct, smaller.view()) {
                    found = Some((candidate, smaller));
                    break;
                }
            }
            let (candidate, smaller) = found?;
            gone.push(candidate.input);
            value = smaller;
        }
        Some(gone)
    }

    fn all_hold(&mut self, conjunct: &[Applied], view: View<'_>) -> bool {
        conjunct.iter().all(|applied| self.eval.holds_plainly(*applied, view))
    }

    /// How much still stands against a choice point, and whether the first that stood is gone.
    fn standing(&mut self, plan: &Plan, choice: &Choice, conjuncts: &[Conjunct], view: View<'_>) -> Standing {
        match choice.kind {
            ChoiceKind::Not => {
                let held: Vec<bool> = conjuncts.iter().map(|one| self.all_hold(one, view)).collect();
                let count = held.iter().filter(|holds| **holds).count();
                Standing { count, helps: held.first().is_none_or(|holds| !holds) }
            }
            ChoiceKind::OneOf => {
                let ids = self.choices(choice.by).map(|choices| choices.one_of.as_slice()).unwrap_or_default();
                let count = self.count_of(plan, choice.by, ids, view);
                Standing { count: count.max(1), helps: self.satisfies(plan, choice, view) }
            }
            _ => {
                let helps = self.satisfies(plan, choice, view);
                Standing { count: usize::from(!helps), helps }
            }
        }
    }

    /// What must not hold, negation pushed inwards: through references, and over the branches of a union.
    fn conjuncts(&mut self, choice: &Choice) -> Vec<Conjunct> {
        let forbidden =
            self.choices(choice.by).and_then(|choices| choices.not).filter(|_| choice.kind == ChoiceKind::Not);
        let Some(id) = forbidden else { return Vec::new() };
        let forbidden = self.eval.sets.below(choice.by, id);
        let mut found = Vec::new();
        self.push_inwards(vec![forbidden], &mut found);
        found
    }

    fn push_inwards(&mut self, conjunct: Conjunct, found: &mut Vec<Conjunct>) {
        let Some(&last) = conjunct.last() else { return };
        let Some(object) = self.eval.sets.object(last) else { return };
        let ids = if object.choices.any_of.is_empty() {
            match (object.reference, object.all_of.as_slice()) {
                (Some(target), []) => vec![target],
                (None, [one]) => vec![*one],
                _ => Vec::new(),
            }
        } else {
            object.choices.any_of.clone()
        };
        if ids.is_empty() {
            found.push(conjunct);
            return;
        }
        for id in ids {
            let mut next = conjunct.clone();
            next.push(self.eval.sets.below(last, id));
            self.push_inwards(next, found);
        }
    }

    /// Whether what must not hold is `contains`, and no more.
    fn is_contains(&self, conjunct: &Conjunct) -> bool {
        let object = conjunct.last().and_then(|last| self.eval.sets.object(*last));
        object.is_some_and(|object| {
            object.prefix.is_empty()
                && object.items.is_none()
                && !object.unique
                && object.length.min.or(object.length.max).is_none()
        })
    }

    /// `not` of `contains`: the matches beyond those that are too few, last ones first; positions do not move.
    fn surplus_matches(&mut self, plan: &Plan, conjunct: &Conjunct, value: &Value) -> Option<Vec<u32>> {
        let last = *conjunct.last()?;
        let contains = self.eval.sets.object(last)?.contains.filter(|_| value.view().kind() == Kind::Array)?;
        let matches = self.eval.matches(last, contains, value.view());
        let surplus = (matches.len() + 1).saturating_sub(contains.min.unwrap_or(1));
        let goes: Vec<_> = matches.into_iter().rev().take(surplus).collect();
        let stays = |index: &usize| *index < plan.prefix.len() && index + 1 < value.view().len();
        if goes.is_empty() || goes.iter().any(stays) {
            return None;
        }
        let inputs = value.view().items().map(|item| value.input_of(self.document, item)).collect::<Vec<_>>();
        goes.into_iter().map(|index| inputs.get(index).copied().flatten()).collect()
    }

    /// The children that may go alone: fewest nodes first, then the greatest name or last index.
    fn candidates(&self, plan: &Plan, mentioned: Option<&BTreeSet<&'a str>>, value: &Value) -> Vec<Candidate> {
        let view = value.view();
        let (count, is_list) = (view.len(), view.kind() == Kind::Array);
        let min = if is_list { plan.length.min } else { plan.members.bounds.min };
        if min.is_some_and(|min| count <= min) {
            return Vec::new();
        }
        let mentioned = mentioned.filter(|_| !is_list);
        let mut order: Vec<(usize, String, usize, Candidate)> = Vec::new();
        for (index, item) in view.items().enumerate() {
            let moves = index < plan.prefix.len() && index + 1 < count;
            let place = item.place().filter(|_| !moves);
            if let Some((place, input)) = place.zip(value.input_of(self.document, item)) {
                let candidate = Candidate { input, first: place.at, size: place.node().size as usize };
                order.push((item.nodes(), String::new(), index, candidate));
            }
        }
        for (index, (name, member)) in view.named_members().enumerate() {
            let text = name.word();
            let known = find(&plan.members.known, crate::json::Text::plain(&text));
            let needed = plan.members.fills.is_empty() && known.is_some_and(|known| known.is_required);
            let speaks = mentioned.is_none_or(|mentioned| mentioned.contains(text.as_str()));
            let place = name.place().filter(|_| !needed && speaks);
            let input = value.input_of(self.document, name).map(|name| name + 1);
            if let Some(((place, input), own)) = place.zip(input).zip(member.place()) {
                let candidate = Candidate { input, first: place.at, size: 1 + own.node().size as usize };
                order.push((member.nodes(), text, index, candidate));
            }
        }
        order.sort_by(|(a, x, i, _), (b, y, j, _)| a.cmp(b).then_with(|| y.cmp(x)).then(j.cmp(i)));
        let tries = (LOOKS / view.nodes()).max(TRIES_MIN);
        order.into_iter().take(tries).map(|(.., candidate)| candidate).collect()
    }

    /// The member names that schema objects speak of; none if they may look at any. Of those that hold a choice point, only
    /// what it leads to counts.
    fn mentioned(&mut self, from: Vec<Applied>, holds_choice: bool) -> Option<BTreeSet<&'a str>> {
        let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let first = from.first().copied().filter(|_| holds_choice);
        let mut waiting = from;
        while let Some(applied) = waiting.pop() {
            let Some(object) = self.eval.sets.object(applied).filter(|_| seen.insert(applied)) else { continue };
            if first != Some(applied) && looks_at_all(object) {
                return None;
            }
            names.extend(object.properties.iter().map(|(name, _)| name.as_str()));
            names.extend(object.listed_names());
            names.extend(object.choices.dependent.iter().map(|(trigger, ..)| trigger.as_str()));
            let ids = object.in_place();
            waiting.extend(ids.into_iter().map(|id| self.eval.sets.below(applied, id)));
            waiting.extend(self.eval.sets.dynamic(applied));
        }
        Some(names)
    }
}

struct Standing {
    count: usize,
    helps: bool,
}

/// Whether what a schema object says may depend on a member of any name.
fn looks_at_all(object: &Object) -> bool {
    let bounds = object.members;
    !object.patterns.is_empty()
        || object.additional.is_some()
        || object.names.is_some()
        || object.unevaluated_members.is_some()
        || bounds.min.or(bounds.max).is_some()
        || object.checks.iter().any(|check| !check.listed().is_empty())
}
