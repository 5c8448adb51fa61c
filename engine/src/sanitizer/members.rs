//! The phases of an object: its members one by one, then all of them together (R6, R11, R13).

use std::collections::BTreeSet;

use super::children::Children;
use super::choices::Decided;
use super::pattern::match_cost;
use super::plan::{Known, Plan, find};
use super::project::{Fixed, Pass};
use super::schema::{Dependent, Id};
use super::sets::SetId;
use crate::fate::Keyword;
use crate::json::{Node, Text};

use Fixed::{Fails, Gone, Part, Rejected, Whole};

impl<'a> Pass<'a> {
    pub(super) fn object(&mut self, plan: &Plan, at: u32, node: Node, decided: &[(u32, Decided)]) -> Fixed {
        let (start, end, mark) = (self.trail.len(), at + node.size, self.trail.mark());
        self.trail.push(node);
        self.charge_again(node);
        let (mut count, mut whole, mut required, mut triggers) = (0, true, 0, 0);
        let (mut fails, mut rejected): (Option<Id>, Option<(u32, Fixed)>) = (None, None);
        let mut name = at + 1;
        while name < end {
            let value = name + 1;
            let (length, cost) = (self.trail.len(), self.trail.cost());
            let (fixed, known) = self.member(plan, at, name, decided);
            if let Some((keyword, by)) = fixed.failure() {
                match fixed {
                    // whoever comes first in the order of names, whatever the order in the document
                    Rejected(..) => {
                        let first = rejected.is_none_or(|(own, _)| self.name(name).compare(self.name(own)).is_lt());
                        rejected = if first { Some((name, fixed)) } else { rejected };
                    }
                    Fails(.., holder) => fails = Some(fails.map_or(holder, |own| own.min(holder))),
                    _ => {}
                }
                self.trail.truncate(length);
                self.trail.drop(value, keyword, by, cost);
                whole = false;
            } else {
                whole &= fixed == Whole;
                count += 1;
                required += usize::from(known.is_some_and(|known| known.is_required));
                triggers += usize::from(known.is_some_and(|known| known.is_trigger));
            }
            name = value + self.document.node(value).size;
        }
        self.trail.close(start, count, whole);
        if let Some((_, fixed)) = rejected {
            return fixed;
        }
        if let Some(holder) = fails {
            return Gone(Keyword::OnInvalid, holder);
        }
        let members = &plan.members;
        let filled = required < members.required && !members.fills.is_empty() && self.fill(plan, at, start, mark);
        let mut lost = (triggers > 0 || filled) && self.without_triggers(plan, start);
        if members.bounds.max.is_some_and(|max| self.count(start) > max) {
            if !self.few_members(plan, start) {
                return Gone(Keyword::MaxProperties, members.bounds_by);
            }
            // what went may have been needed
            self.without_triggers(plan, start);
            lost = true;
        }
        let fixed = if whole && !filled && !lost { Whole } else { Part };
        let only = members.required_by.filter(|_| !filled && !lost && required < members.required);
        if let Some(by) = only {
            return Gone(Keyword::Required, by);
        }
        if (filled || lost || required < members.required)
            && let Some(by) = self.lacking(plan, start)
        {
            return Gone(Keyword::Required, by);
        }
        if let Some(by) = self.too_small(plan, start) {
            return Gone(Keyword::MinProperties, by);
        }
        self.listed(plan, at, start, fixed)
    }

    /// A container that is looked at again because a branch is tried.
    pub(super) fn charge_again(&mut self, node: Node) {
        if self.trying > 0 {
            // what is too much is seen where a computation is next counted
            let _ = self.eval.budget.charge(1 + node.count() as u64);
        }
    }

    pub(super) fn count(&self, start: usize) -> usize {
        self.trail.node(start).map_or(0, Node::count)
    }

    fn name(&self, at: u32) -> Text<'a> {
        let node = self.document.node(at);
        Text::source(self.document.source(node), node.escaped())
    }

    /// One member: its name, then its value (R6).
    fn member<'p>(
        &mut self,
        plan: &'p Plan,
        object: u32,
        name: u32,
        decided: &[(u32, Decided)],
    ) -> (Fixed, Option<&'p Known>) {
        let members = &plan.members;
        let text = self.name(name);
        for &(by, names) in &members.names {
            if !self.eval.holds_plainly(names, self.place(name)) {
                return (Gone(Keyword::PropertyNames, by), None);
            }
        }
        let known = find(&members.known, text);
        let own = match known {
            Some(known) if known.is_storable => known.plan,
            Some(_) => return (Gone(Keyword::Name, plan.by), None),
            None => match self.unknown(plan, object, text) {
                Ok(own) => own,
                Err(keyword) => return (Gone(keyword, plan.by), None),
            },
        };
        self.trail.push(self.document.node(name));
        (self.child(own, name + 1, decided).0, known)
    }

    /// The plan of a name that the schema does not declare.
    fn unknown(&mut self, plan: &Plan, object: u32, name: Text<'_>) -> Result<SetId, Keyword> {
        let members = &plan.members;
        let mut own = members.rest.first().copied().unwrap_or(SetId(0));
        let mut matched = false;
        if !members.patterns.is_empty() {
            let name = name.decode();
            let positions = members.patterns.iter().map(super::pattern::Pattern::positions).sum();
            self.eval.budget.charge(match_cost(name.len(), positions)).map_err(|_| Keyword::Budget)?;
            let found: Vec<bool> = members.patterns.iter().map(|pattern| pattern.matches(&name)).collect();
            matched = found.contains(&true);
            if members.rest.len() > 1 {
                let bits = found.iter().rev().fold(0, |bits, found| bits << 1 | usize::from(*found));
                own = members.rest.get(bits).copied().unwrap_or(own);
            } else if matched {
                own = self.table.matching(&mut self.eval.sets, plan, &found);
            }
        }
        if !matched && members.closed {
            let text = name.decode();
            let knowers = members.knowers.as_ref().filter(|_| !self.is_last);
            let cost = knowers.map_or(0, |knowers| match_cost(text.len(), knowers.positions()));
            self.eval.budget.charge(cost).map_err(|_| Keyword::Budget)?;
            if !knowers.is_some_and(|knowers| knowers.know(&text)) {
                return Err(Keyword::Unknown);
            }
        }
        if !self.options.holds_name(&name.decode()) {
            return Err(Keyword::Name);
        }
        match self.detectors(plan, object).find_in_text(name) {
            Some(detector) => Err(detector.keyword()),
            None => Ok(own),
        }
    }

    /// `x-on-missing`: a required member that is absent gets its default (A6); whether one did.
    fn fill(&mut self, plan: &Plan, at: u32, start: usize, mark: super::trail::Mark) -> bool {
        let before = self.count(start);
        let present = self.present(&self.trail.children(start));
        for fill in &plan.members.fills {
            if present.contains(&*fill.name) || !self.options.holds_name(&fill.name) {
                continue;
            }
            let Some(default) = self.object_of(fill.by).and_then(|object| object.default.as_ref()) else { continue };
            let own = self.plan(fill.plan);
            let length = self.trail.len();
            let text = crate::json::Json::text(&fill.name).view().to_text();
            self.trail.add(&text, None);
            let dropped = self.place(at).get(&fill.name).and_then(crate::json::View::place).map(|place| place.at);
            let value = self.trail.len();
            self.trail.add(&default.view().to_text(), dropped);
            let name = self.trail.value(length);
            let names = &plan.members.names;
            let is_name = names.iter().all(|(_, names)| self.eval.holds_plainly(*names, name.view()));
            if !is_name || !self.takes(&own, value, at) {
                self.trail.truncate(length);
                continue;
            }
            match dropped {
                Some(dropped) => {
                    self.trail.undrop(mark, dropped);
                    self.trail.fill_dropped(dropped, Keyword::Required, fill.by);
                }
                None => self.trail.fill(at, &fill.name, fill.by),
            }
            let count = self.count(start) + 1;
            self.trail.close(start, count, false);
        }
        self.count(start) > before
    }

    /// The names that an object still has.
    fn present(&self, children: &Children) -> BTreeSet<String> {
        children.names(&self.trail).into_iter().map(|name| name.decode().into_owned()).collect()
    }

    fn dependents<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = (Id, &'a Dependent)> + use<'a, 'p> {
        let schema = self.eval.sets.schema();
        let own = move |id: Id, at: usize| schema.object(id).and_then(|object| object.dependent.get(at));
        plan.members.dependents.iter().filter_map(move |one| Some((one.by, own(one.by, one.at)?)))
    }

    /// `dependentRequired` and `dependencies`: a trigger without what it needs goes, until none is left (R11); whether one
    /// went.
    pub(super) fn without_triggers(&mut self, plan: &Plan, start: usize) -> bool {
        let children = self.trail.children(start);
        let mut present = if plan.members.dependents.is_empty() { BTreeSet::new() } else { self.present(&children) };
        let mut goes = Vec::new();
        loop {
            let failing = self.dependents(plan).find(|(_, one)| {
                present.contains(&one.trigger) && one.needs.iter().any(|name| !present.contains(name))
            });
            let Some((by, one)) = failing else { break };
            present.remove(&one.trigger);
            goes.push((one.trigger.as_str(), one.keyword, by));
        }
        let mut children = children;
        for &(name, keyword, by) in &goes {
            if let Some(index) = children.position(&self.trail, name) {
                self.drop_member(&mut children, index, (keyword, by));
            }
        }
        if !goes.is_empty() {
            self.trail.retain(start, &children);
        }
        !goes.is_empty()
    }

    fn drop_member(&mut self, children: &mut Children, index: usize, (keyword, by): (Keyword, Id)) {
        children.drop_at(index);
        if let Some(child) = children.get(index) {
            self.trail.drop_child(child, keyword, by);
        }
    }

    /// `maxProperties`: members go in the order of R13; whether enough could.
    fn few_members(&mut self, plan: &Plan, start: usize) -> bool {
        let (max, by) = (plan.members.bounds.max.unwrap_or(usize::MAX), plan.members.bounds_by);
        let surplus = self.count(start).saturating_sub(max);
        let mut children = self.trail.children(start);
        let order = self.dispensable(plan, &children);
        if order.len() < surplus {
            return false;
        }
        for &index in order.iter().take(surplus) {
            self.drop_member(&mut children, index, (Keyword::MaxProperties, by));
        }
        self.trail.retain(start, &children);
        true
    }

    /// The members that may go, those that go first in front (R13).
    pub(super) fn dispensable(&self, plan: &Plan, children: &Children) -> Vec<usize> {
        let mut order: Vec<_> = Vec::new();
        for (index, name) in children.names(&self.trail).into_iter().enumerate() {
            let known = find(&plan.members.known, name);
            if known.is_none_or(|known| !known.is_required) {
                order.push((known.and_then(|known| known.rank), name.decode(), index));
            }
        }
        // undeclared before declared; declared from the last; undeclared by name, greatest first
        order.sort_by(|(a, x, _), (b, y, _)| match (a, b) {
            (Some(a), Some(b)) => b.cmp(a),
            (None, None) => y.cmp(x),
            _ => a.is_some().cmp(&b.is_some()),
        });
        order.into_iter().map(|(_, _, index)| index).collect()
    }

    /// The first schema object that requires a member which is not there.
    pub(super) fn lacking(&self, plan: &Plan, start: usize) -> Option<Id> {
        if plan.members.required == 0 {
            return None;
        }
        let present = self.present(&self.trail.children(start));
        let ids = plan.set.parts.iter().map(|part| part.applied.id);
        let lacks = |id: &Id| {
            self.object_of(*id).is_some_and(|object| object.required.iter().any(|name| !present.contains(name)))
        };
        ids.into_iter().find(lacks)
    }

    pub(super) fn too_small(&self, plan: &Plan, start: usize) -> Option<Id> {
        let count = self.count(start);
        plan.members.bounds.min.filter(|min| count < *min)?;
        let ids = plan.set.parts.iter().map(|part| part.applied.id);
        let fails = |id: &Id| self.object_of(*id).and_then(|object| object.members.min).is_some_and(|min| count < min);
        ids.into_iter().find(fails)
    }
}
