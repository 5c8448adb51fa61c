//! The projection: one pass over the input, children before their container, that keeps the largest valid part (R3–R13).
//!
//! The output is a node vector over the input's own text. A value that passes appends its nodes; one that does not is
//! taken back by truncating the vector, and its fate says why. So the phases of a container run on what its children
//! became, in the order of the specification:
//!
//! 1. the type, and whether anything may stand here at all (R4);
//! 2. each member or item (R6, R8): a name that fails goes with its value, a child that fails goes alone;
//! 3. of an array `uniqueItems`, then `maxItems` (R10): first filter, then cut;
//! 4. of an object `dependentRequired` to a fixpoint, then `maxProperties` (R11, R13); what a cut member was needed for
//!    goes too;
//! 5. what no removal can repair: `required`, `minItems`, `minProperties`; then the container itself goes (R7);
//! 6. `x-max-bytes` (R20).
//!
//! In the monotone fragment each phase keeps the greatest valid part of what the phase before left, so one pass is
//! enough: sanitizing the result again changes nothing, which tests assert for every case and every fixture.

use std::sync::Arc;

use super::Options;
use super::check::Check;
use super::children::Children;
use super::pattern::match_cost;
use super::plan::{Known, MembersPlan, Plan, PlanId};
use super::schema::Id;
use crate::budget::Budget;
use crate::fate::{Fates, Keyword};
use crate::json::{Document, Kind, Node, Number, Place, Text, View};

/// What a place became.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixed {
    /// It passed as it is.
    Whole,
    /// It passed, smaller.
    Part,
    /// It goes.
    Gone(Keyword, Id),
}

use Fixed::{Gone, Part, Whole};

/// One run over one document.
pub(super) struct Pass<'a> {
    pub(super) plans: &'a [Plan],
    pub(super) options: &'a Options,
    pub(super) draft: u16,
    pub(super) document: &'a Arc<Document>,
    pub(super) out: Vec<Node>,
    pub(super) fates: &'a mut Fates,
    pub(super) budget: &'a Budget,
}

impl<'a> Pass<'a> {
    /// Repairs the node at `at` under a plan and appends what is left of it.
    pub(super) fn fix(&mut self, plan: PlanId, at: u32) -> Fixed {
        let plans = self.plans;
        let Some(plan) = plans.get(usize::from(plan)) else { return Gone(Keyword::Oracle, 0) };
        if let Some((keyword, by)) = plan.never {
            return Gone(keyword, by);
        }
        let node = self.document.node(at);
        let kind = node.kind();
        if !plan.types.allows(kind) {
            return Gone(Keyword::Type, plan.types_by);
        }
        match kind {
            Kind::Object => self.object(plan, at, node),
            Kind::Array => self.array(plan, at, node),
            _ => match self.scalar(plan, at, node, kind) {
                Some((keyword, by)) => Gone(keyword, by),
                None => {
                    self.out.push(node);
                    Whole
                }
            },
        }
    }

    /// The first keyword that a scalar fails (R5).
    fn scalar(&self, plan: &Plan, at: u32, node: Node, kind: Kind) -> Option<(Keyword, Id)> {
        let number = (kind == Kind::Number).then(|| self.number(node));
        let text = (kind == Kind::String).then(|| self.text(node));
        if number.is_some_and(|number| !plan.types.allows_number(number, self.draft)) {
            return Some((Keyword::Type, plan.types_by));
        }
        let value = View::Place(Place { document: self.document, at });
        if !plan.plain.has(number, text) {
            let cost = plan.checks.iter().map(|(_, check)| check.cost(value, text)).sum();
            if self.budget.charge(cost).is_err() {
                return Some((Keyword::Budget, plan.by));
            }
            let fails = |check: &Check| check.looks_at(kind) && !check.holds(value, number, text);
            if let Some((by, check)) = plan.checks.iter().find(|(_, check)| fails(check)) {
                return Some((check.keyword(), *by));
            }
        }
        let found = match (number, text) {
            (Some(number), _) if !self.options.holds_number(number) => {
                return Some((Keyword::NumberRange, plan.by));
            }
            (Some(number), _) => plan.detectors.find_in_number(number),
            (None, Some(text)) => plan.detectors.find_in_text(text),
            _ => None,
        };
        let denied = found.map(|detector| (detector.keyword(), plan.by));
        denied.or_else(|| {
            plan.bytes_max.filter(|(max, _)| value.compact_bytes() > *max).map(|(_, by)| (Keyword::MaxBytes, by))
        })
    }

    fn number(&self, node: Node) -> Number<'a> {
        let text = self.document.source(node);
        if node.integer() { Number::from_digits(text) } else { Number::from_text(text) }
    }

    fn text(&self, node: Node) -> Text<'a> {
        Text::source(self.document.source(node), node.escaped())
    }

    fn array(&mut self, plan: &Plan, at: u32, node: Node) -> Fixed {
        let (start, end) = (self.out.len(), at + node.size);
        self.out.push(node);
        // `uniqueItems` comes before `maxItems`: with it, nothing is cut before all items are known
        let cut_at = if plan.unique.is_some() { usize::MAX } else { plan.length.max.unwrap_or(usize::MAX) };
        let (mut count, mut whole, mut cut) = (0, true, false);
        let mut item = at + 1;
        while item < end {
            let length = self.out.len();
            let fixed = self.fix(plan.items, item);
            match fixed {
                Gone(keyword, by) => {
                    self.out.truncate(length);
                    self.fates.drop(item, keyword, by);
                }
                Whole | Part if count == cut_at => {
                    self.out.truncate(length);
                    self.fates.cut(item);
                    cut = true;
                }
                Whole | Part => count += 1,
            }
            whole &= fixed == Whole && !cut;
            item += self.document.node(item).size;
        }
        if cut {
            self.fates.truncate(at, Keyword::MaxItems, plan.length_by);
        }
        self.close(start, count, whole);
        if let Some(by) = plan.unique {
            self.distinct_items(plan, by, at, start);
        }
        self.finish(plan, at, start)
    }

    fn close(&mut self, start: usize, count: usize, whole: bool) {
        let size = self.out.len() - start;
        if let Some(node) = self.out.get_mut(start) {
            let verbatim = whole && node.verbatim();
            node.close(size, count, verbatim);
        }
    }

    fn object(&mut self, plan: &Plan, at: u32, node: Node) -> Fixed {
        let (start, end) = (self.out.len(), at + node.size);
        self.out.push(node);
        let members = &plan.members;
        let (mut count, mut whole, mut present) = (0, true, 0_u128);
        let mut name = at + 1;
        while name < end {
            let value = name + 1;
            let length = self.out.len();
            match self.member(plan, name, value) {
                (Gone(keyword, by), _) => {
                    self.out.truncate(length);
                    self.fates.drop(value, keyword, by);
                    whole = false;
                }
                (fixed, bit) => {
                    whole &= fixed == Whole;
                    present |= bit;
                    count += 1;
                }
            }
            name = value + self.document.node(value).size;
        }
        self.close(start, count, whole);
        present = self.without_triggers(members, at, start, present);
        if self.few_members(plan, at, start) {
            // what went may have been needed
            present = self.present(members, at, start);
            present = self.without_triggers(members, at, start, present);
        }
        if self.is_over(start, members.bounds.max) {
            return Gone(Keyword::MaxProperties, members.bounds_by);
        }
        if present & members.required != members.required {
            return Gone(Keyword::Required, members.required_by);
        }
        let fixed = self.finish(plan, at, start);
        if fixed != Part || members.dependent.is_empty() {
            return fixed;
        }
        // bytes may have cost a member that another one needs
        present = self.present(members, at, start);
        present = self.without_triggers(members, at, start, present);
        let few = self.out.get(start).is_some_and(|node| members.bounds.min.is_some_and(|min| node.count() < min));
        if few || present & members.required != members.required {
            return Gone(Keyword::MaxBytes, plan.bytes_max.map_or(plan.by, |(_, by)| by));
        }
        Part
    }

    fn is_over(&self, start: usize, max: Option<usize>) -> bool {
        self.out.get(start).is_some_and(|node| max.is_some_and(|max| node.count() > max))
    }

    /// The bits of the tracked names that the object at `start` of the output still has.
    fn present(&self, members: &MembersPlan, at: u32, start: usize) -> u128 {
        let children = Children::of(self.document, at, &self.out, start);
        let bits = children.iter().map(|child| {
            find(&members.known, self.text(self.document.node(child.input - 1))).map_or(0, |known| known.bit)
        });
        bits.fold(0, |bits, bit| bits | bit)
    }

    /// One member: its name, then its value (R6); with the bit of its name, if it is tracked.
    fn member(&mut self, plan: &Plan, name: u32, value: u32) -> (Fixed, u128) {
        let members = &plan.members;
        let node = self.document.node(name);
        let text = self.text(node);
        for &names in &members.names {
            let length = self.out.len();
            let fixed = self.fix(names, name);
            self.out.truncate(length);
            if let Gone(_, by) = fixed {
                return (Gone(Keyword::PropertyNames, by), 0);
            }
        }
        let known = find(&members.known, text);
        let own = match known {
            Some(known) if known.storable => known.plan,
            Some(_) => return (Gone(Keyword::Name, members.by), 0),
            None => match self.unknown(plan, text) {
                Ok(own) => own,
                Err(keyword) => return (Gone(keyword, members.by), 0),
            },
        };
        self.out.push(node);
        (self.fix(own, value), known.map_or(0, |known| known.bit))
    }

    fn unknown(&self, plan: &Plan, name: Text<'_>) -> Result<PlanId, Keyword> {
        let members = &plan.members;
        let mut bits = 0;
        if !members.patterns.is_empty() {
            let name = name.decode();
            let cost = members.patterns.iter().map(|pattern| match_cost(name.len(), pattern.positions())).sum();
            self.budget.charge(cost).map_err(|_| Keyword::Budget)?;
            for (index, pattern) in members.patterns.iter().enumerate() {
                bits |= usize::from(pattern.matches(&name)) << index;
            }
        }
        if bits == 0 && members.closed {
            return Err(Keyword::Unknown);
        }
        if !self.options.holds_name(&name.decode()) {
            return Err(Keyword::Name);
        }
        if let Some(detector) = plan.detectors.find_in_text(name) {
            return Err(detector.keyword());
        }
        Ok(members.rest.get(bits).copied().unwrap_or(0))
    }

    /// `dependentRequired`: a trigger without what it needs goes, until none is left (R11).
    fn without_triggers(&mut self, members: &MembersPlan, at: u32, start: usize, mut present: u128) -> u128 {
        let failing = |present: u128| {
            members
                .dependent
                .iter()
                .find(move |(trigger, needs, ..)| present & trigger != 0 && present & needs != *needs)
        };
        while let Some(&(trigger, _, keyword, by)) = failing(present) {
            present &= !trigger;
            let mut children = Children::of(self.document, at, &self.out, start);
            children.drop_if(|child| {
                let known = find(&members.known, self.text(self.document.node(child.input - 1)));
                known.is_some_and(|known| known.bit == trigger)
            });
            self.retain(start, &children, |fates, input| fates.drop(input, keyword, by));
        }
        present
    }

    /// `maxProperties`: members go in the order of R13; says whether any had to.
    fn few_members(&mut self, plan: &Plan, at: u32, start: usize) -> bool {
        let (Some(max), Some(node)) = (plan.members.bounds.max, self.out.get(start)) else { return false };
        let surplus = node.count().saturating_sub(max);
        if surplus == 0 {
            return false;
        }
        let mut children = Children::of(self.document, at, &self.out, start);
        let order = self.dispensable(&plan.members, &children);
        for &index in order.iter().take(surplus) {
            children.drop_at(index);
        }
        let by = plan.members.bounds_by;
        self.retain(start, &children, |fates, input| fates.drop(input, Keyword::MaxProperties, by));
        true
    }

    /// The members that may go, those that go first in front (R13).
    fn dispensable(&self, members: &MembersPlan, children: &Children) -> Vec<usize> {
        let mut order: Vec<_> = Vec::new();
        for (index, child) in children.iter().enumerate() {
            let name = self.text(self.document.node(child.input - 1));
            let known = find(&members.known, name);
            if known.is_none_or(|known| known.bit & members.required == 0) {
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

    /// `uniqueItems`: later duplicates go, judged on the repaired items; then `maxItems` cuts (R10).
    fn distinct_items(&mut self, plan: &Plan, by: Id, at: u32, start: usize) {
        let mut children = Children::of(self.document, at, &self.out, start);
        for index in children.duplicates(self.document, &self.out) {
            children.drop_at(index);
        }
        self.retain(start, &children, |fates, input| fates.drop(input, Keyword::UniqueItems, by));
        if let Some(max) = plan.length.max {
            self.cut(at, start, max, Keyword::MaxItems, plan.length_by);
        }
    }

    /// Keeps the first `max` items.
    fn cut(&mut self, at: u32, start: usize, max: usize, keyword: Keyword, by: Id) {
        let mut children = Children::of(self.document, at, &self.out, start);
        if children.len() > max {
            children.drop_from(max);
            self.retain(start, &children, Fates::cut);
            self.fates.truncate(at, keyword, by);
        }
    }

    /// Removes the dropped children from the container at `start` of the output.
    fn retain(&mut self, start: usize, children: &Children, say: impl Fn(&mut Fates, u32)) {
        if children.all_kept() {
            return;
        }
        children.iter().filter(|child| child.dropped).for_each(|child| say(self.fates, child.input));
        let count = children.compact(&mut self.out, start);
        self.close(start, count, false);
    }

    /// What is asked of a container after its children: least sizes, then bytes (R7, R20).
    fn finish(&mut self, plan: &Plan, at: u32, start: usize) -> Fixed {
        let Some(node) = self.out.get(start).copied() else { return Gone(Keyword::Oracle, 0) };
        let array = node.kind() == Kind::Array;
        let (bounds, keyword, by) = if array {
            (plan.length, Keyword::MinItems, plan.length_by)
        } else {
            (plan.members.bounds, Keyword::MinProperties, plan.members.bounds_by)
        };
        if bounds.min.is_some_and(|min| node.count() < min) {
            return Gone(keyword, by);
        }
        // `enum` and `const` of scalars hold for no container
        if let Some((by, check)) = plan.checks.iter().find(|(_, check)| check.looks_at(node.kind())) {
            return Gone(check.keyword(), *by);
        }
        if let Some((max, by)) = plan.bytes_max
            && self.bytes(start) > max
        {
            return self.shrink(plan, at, start, max, by);
        }
        let unchanged = self.out.get(start).is_some_and(|node| node.size == self.document.node(at).size);
        if unchanged { Whole } else { Part }
    }

    /// Compact bytes of the container at `start` of the output.
    fn bytes(&self, start: usize) -> usize {
        let span = self.out.get(start).map_or(0, |node| (node.end - node.start) as usize);
        let limit_can_fail = self.plans.iter().filter_map(|plan| plan.bytes_max).any(|(max, _)| span > max);
        if limit_can_fail { Children::bytes_of(self.document, &self.out, start) } else { span }
    }

    /// `x-max-bytes`: arrays lose their end, objects the members of R13, until the rest fits (R20).
    fn shrink(&mut self, plan: &Plan, at: u32, start: usize, max: usize, by: Id) -> Fixed {
        let mut children = Children::of(self.document, at, &self.out, start);
        let sizes = children.sizes(self.document, &self.out);
        let array = self.document.node(at).kind() == Kind::Array;
        let order: Vec<usize> =
            if array { (0..children.len()).rev().collect() } else { self.dispensable(&plan.members, &children) };
        let mut bytes = Children::bytes_of(self.document, &self.out, start);
        let (mut left, least) = (children.len(), if array { plan.length.min } else { plan.members.bounds.min });
        for index in order {
            if bytes <= max {
                break;
            }
            children.drop_at(index);
            left -= 1;
            bytes -= sizes.get(index).copied().unwrap_or(0) + usize::from(left > 0);
        }
        if bytes > max || least.is_some_and(|least| left < least) {
            return Gone(Keyword::MaxBytes, by);
        }
        if array {
            self.retain(start, &children, Fates::cut);
            self.fates.truncate(at, Keyword::MaxBytes, by);
        } else {
            self.retain(start, &children, |fates, input| fates.drop(input, Keyword::MaxBytes, by));
        }
        Part
    }
}

/// The known member of a name.
fn find<'k>(known: &'k [Known], name: Text<'_>) -> Option<&'k Known> {
    if name.has_escapes() || known.len() > 8 {
        let name = name.decode();
        let at = known.binary_search_by(|known| known.name.as_ref().cmp(&name)).ok()?;
        return known.get(at);
    }
    known.iter().find(|known| known.name.as_ref() == name.raw())
}
