//! The phases of a list: its items one by one, then all of them together (R8–R10).

use super::children::duplicates;
use super::choices::{Decided, decided_of};
use super::plan::Plan;
use super::project::{Fixed, Pass};
use super::schema::Id;
use super::sets::SetId;
use super::trail::Value;
use crate::fate::Keyword;
use crate::json::Node;

use Fixed::{Fails, Gone, Part, Rejected, Whole};

impl Pass<'_> {
    /// Repairs a child under what was decided of it; whether it is cut all the same.
    pub(super) fn child(&mut self, set: SetId, at: u32, decided: &[(u32, Decided)]) -> (Fixed, bool) {
        if decided.is_empty() {
            return (self.fix(set, at), false);
        }
        let (mut set, mut is_cut) = (set, false);
        for (_, what) in decided_of(decided, at) {
            match *what {
                Decided::Drop(keyword, by) => return (Gone(keyword, by), false),
                Decided::Under(applied, keyword) => set = self.table.with(&mut self.eval.sets, set, applied, keyword),
                Decided::Cut => is_cut = true,
            }
        }
        (self.fix(set, at), is_cut)
    }

    pub(super) fn array(&mut self, plan: &Plan, at: u32, node: Node, decided: &[(u32, Decided)]) -> Fixed {
        let (start, end) = (self.trail.len(), at + node.size);
        self.trail.push(node);
        self.charge_again(node);
        // what filters comes before `maxItems`: with it, nothing is cut before all items are known
        let filters = plan.unique.is_some() || !plan.contains.is_empty();
        let cut_at = if filters { usize::MAX } else { plan.length.max.unwrap_or(usize::MAX) };
        let (mut count, mut whole, mut is_cut, mut is_cut_for_bytes) = (0, true, false, false);
        let (mut item, mut index) = (at + 1, 0);
        let mut fails = None;
        while item < end {
            let (length, cost) = (self.trail.len(), self.trail.cost());
            let own = plan.prefix.get(index).copied().unwrap_or(plan.items);
            let (fixed, for_bytes) = self.child(own, item, decided);
            if let Some((keyword, by)) = fixed.failure() {
                match fixed {
                    Rejected(..) => return fixed,
                    Fails(.., holder) => fails = fails.or(Some(holder)),
                    _ => {}
                }
                self.trail.truncate(length);
                self.trail.drop(item, keyword, by, cost);
                whole = false;
                if index < plan.prefix.len() {
                    self.cut_rest(plan, at, item + self.document.node(item).size, end);
                    break;
                }
            } else if for_bytes || count == cut_at {
                let keyword = if for_bytes { Keyword::MaxBytes } else { Keyword::MaxItems };
                self.trail.truncate(length);
                self.trail.cut_item(item, keyword, cost);
                is_cut |= !for_bytes;
                is_cut_for_bytes |= for_bytes;
                whole = false;
            } else {
                whole &= fixed == Whole;
                count += 1;
            }
            item += self.document.node(item).size;
            index += 1;
        }
        if is_cut {
            self.trail.shorten(at, Keyword::MaxItems, plan.length_by);
        }
        if is_cut_for_bytes {
            self.trail.shorten(at, Keyword::MaxBytes, plan.bytes_max.map_or(plan.by, |(_, by)| by));
        }
        self.trail.close(start, count, whole);
        if let Some(holder) = fails {
            return Gone(Keyword::OnInvalid, holder);
        }
        if filters {
            whole &= self.filtered(plan, at, start, whole);
        }
        let count = self.trail.node(start).map_or(0, Node::count);
        if let Some((keyword, by)) = self.too_few(plan, count) {
            return Gone(keyword, by);
        }
        let fixed = if whole { Whole } else { Part };
        if let Some((keyword, by)) = self.unmatched(plan, at, start, fixed) {
            return Gone(keyword, by);
        }
        self.listed(plan, at, start, fixed)
    }

    /// The items behind a position that went: positions never shift (R9).
    fn cut_rest(&mut self, plan: &Plan, at: u32, first: u32, end: u32) {
        let mut item = first;
        while item < end {
            self.trail.cut_item(item, Keyword::PrefixItems, self.trail.cost());
            item += self.document.node(item).size;
        }
        if first < end {
            self.trail.shorten(at, Keyword::PrefixItems, plan.prefix_by);
        }
    }

    /// `uniqueItems`, `maxContains`, `maxItems`; whether all stayed.
    fn filtered(&mut self, plan: &Plan, at: u32, start: usize, whole: bool) -> bool {
        let mut all = true;
        if let Some(by) = plan.unique {
            let later = self.list(at, start, whole).1;
            all &= self.without_items(plan, at, start, &later, (Keyword::UniqueItems, by));
        }
        for (applied, contains) in &plan.contains {
            if let Some(max) = contains.max {
                let value = self.list_value(at, start, whole && all);
                let matches = self.eval.matches(*applied, *contains, value.view());
                let surplus: Vec<_> = matches.into_iter().skip(max).collect();
                all &= self.without_items(plan, at, start, &surplus, (Keyword::MaxContains, applied.id));
            }
        }
        let count = self.trail.node(start).map_or(0, Node::count);
        let surplus = plan.length.max.map_or(0, |max| count.saturating_sub(max));
        if surplus == 0 {
            return all;
        }
        let value = self.list_value(at, start, whole && all);
        let protected = self.protected(plan, &value);
        let mut goes: Vec<_> =
            (0..count).rev().filter(|index| protected.binary_search(index).is_err()).take(surplus).collect();
        let moves = |index: &usize| *index < plan.prefix.len() && protected.iter().any(|kept| kept > index);
        if goes.iter().any(moves) {
            // positions do not move, so nothing is protected: what is missing is said later
            goes = (count - surplus..count).collect();
        }
        self.cut(at, start, &goes, (Keyword::MaxItems, plan.length_by));
        false
    }

    fn list_value(&mut self, at: u32, start: usize, whole: bool) -> Value {
        self.value(at, start, if whole { Whole } else { Part })
    }

    fn list(&mut self, at: u32, start: usize, whole: bool) -> (Value, Vec<usize>) {
        let value = self.list_value(at, start, whole);
        let later = duplicates(&value);
        (value, later)
    }

    /// Takes items away; positions never shift, so there the list is cut. Whether all stayed.
    fn without_items(
        &mut self,
        plan: &Plan,
        at: u32,
        start: usize,
        goes: &[usize],
        (keyword, by): (Keyword, Id),
    ) -> bool {
        let Some(first) = goes.first().copied() else { return true };
        let mut children = self.trail.children(start);
        let mut lost = goes.to_vec();
        if first < plan.prefix.len() {
            let rest: Vec<_> = (first + 1..children.len()).collect();
            self.cut(at, start, &rest, (Keyword::PrefixItems, plan.prefix_by));
            children = self.trail.children(start);
            lost = vec![first];
        }
        for index in lost {
            children.drop_at(index);
            if let Some(child) = children.get(index) {
                self.trail.drop_child(child, keyword, by);
            }
        }
        self.trail.retain(start, &children);
        false
    }

    /// Cuts items: one entry at the list.
    pub(super) fn cut(&mut self, at: u32, start: usize, goes: &[usize], (keyword, by): (Keyword, Id)) {
        if goes.is_empty() {
            return;
        }
        let mut children = self.trail.children(start);
        for &index in goes {
            children.drop_at(index);
            if let Some(child) = children.get(index) {
                self.trail.cut_child(child, keyword);
            }
        }
        self.trail.retain(start, &children);
        self.trail.shorten(at, keyword, by);
    }

    /// The items that a `contains` needs, sorted: they are not cut.
    pub(super) fn protected(&mut self, plan: &Plan, value: &Value) -> Vec<usize> {
        let mut protected = Vec::new();
        for (applied, contains) in &plan.contains {
            let matches = self.eval.matches(*applied, *contains, value.view());
            protected.extend(matches.into_iter().take(contains.min.unwrap_or(1)));
        }
        protected.sort_unstable();
        protected
    }

    /// `minItems`, and a `maxItems` that protected items pass.
    fn too_few(&self, plan: &Plan, count: usize) -> Option<(Keyword, Id)> {
        let objects =
            || plan.set.parts.iter().filter_map(|part| Some((part.applied.id, self.object_of(part.applied.id)?)));
        if plan.length.min.is_some_and(|min| count < min) {
            let own = objects().find(|(_, object)| object.length.min.is_some_and(|min| count < min));
            return Some((Keyword::MinItems, own.map_or(plan.by, |(id, _)| id)));
        }
        plan.length.max.filter(|max| count > *max).map(|_| (Keyword::MaxItems, plan.length_by))
    }

    /// `contains`, `minContains`, and a `maxContains` that positions do not let hold.
    fn unmatched(&mut self, plan: &Plan, at: u32, start: usize, fixed: Fixed) -> Option<(Keyword, Id)> {
        if plan.contains.is_empty() {
            return None;
        }
        let value = self.value(at, start, fixed);
        for (applied, contains) in &plan.contains {
            let matches = self.eval.matches(*applied, *contains, value.view()).len();
            if matches < contains.min.unwrap_or(1) {
                let keyword = if contains.min.is_some() { Keyword::MinContains } else { Keyword::Contains };
                return Some((keyword, applied.id));
            }
            if contains.max.is_some_and(|max| matches > max) {
                return Some((Keyword::MaxContains, applied.id));
            }
        }
        None
    }
}
