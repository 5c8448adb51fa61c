//! Our own evaluator: whether a value holds under a schema object, and which of its children that evaluated.
//!
//! Each pair of an object or array and a schema object is asked once, so recursive unions cost no more than their nodes. The crate's
//! validator is another implementation; it is never asked here.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::check::Check;
use super::pattern::match_cost;
use super::schema::{Contains, NO_SCHEMA, Never, Object};
use super::sets::{Applied, Sets};
use super::trail::Value;
use crate::budget::{self, Budget};
use crate::fate::Keyword;
use crate::json::{Document, Kind, Text, View, compare, fingerprint};

/// Which children of a value are evaluated, in order; none: the value does not hold.
type Marks = Option<Rc<[bool]>>;

/// Members that a search passes for one unit of work.
const MEMBERS_PER_UNIT: usize = 16;

/// How schemas are asked.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mode {
    /// Only the schema counts, without what the sanitizer adds (`x-sensitive`): a keyword that asks whether something does
    /// not hold, or how often it does, must not be answered by an addition.
    plainly: bool,
    /// Whether too many bytes are a failure. They are not before a place is otherwise done (R19).
    pub(super) counts_bytes: bool,
    /// Whether numbers are those of validators that know 64-bit integers and floats only (R21).
    pub(super) rounds: bool,
}

/// A container by where its text begins and its version, a schema object, and how it is asked.
type Asked = ((u32, u32), Applied, Mode);

/// The answers of one run.
pub(super) struct Evaluator<'a> {
    pub(super) sets: Sets<'a>,
    document: &'a Arc<Document>,
    memo: BTreeMap<Asked, Marks>,
    pub(super) mode: Mode,
    /// The copy of a part of the output that is asked about.
    current: Option<Value>,
    /// Values and children that may still be looked at.
    left: usize,
    is_spent: bool,
    /// What the rule may still do.
    pub(super) budget: &'a Budget,
}

impl<'a> Evaluator<'a> {
    /// Looks at no more than `left` values and children.
    pub(super) fn new(sets: Sets<'a>, document: &'a Arc<Document>, left: usize, budget: &'a Budget) -> Self {
        let plainly = !sets.schema().has_additions;
        Self {
            sets,
            document,
            memo: BTreeMap::new(),
            mode: Mode { plainly, ..Mode::default() },
            current: None,
            left,
            is_spent: false,
            budget,
        }
    }

    /// Whether no more values may be looked at: an answer may have been no for that reason alone.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent || self.budget.left() == 0
    }

    /// Turns to a value: what is asked from now on stands in it, or in the input.
    pub(super) fn turn_to(&mut self, value: &Value) {
        self.current = Some(value.clone());
    }

    /// What only this container has: where its text begins, and which version of it this is. Scalars are asked again.
    fn key(&self, view: View<'_>) -> Option<(u32, u32)> {
        let place = view.place()?;
        let node = place.node();
        if !matches!(node.kind(), Kind::Array | Kind::Object) {
            return None;
        }
        if Arc::ptr_eq(place.document, self.document) {
            return Some((node.start, 0));
        }
        let current = self.current.as_ref().filter(|current| Arc::ptr_eq(place.document, &current.document))?;
        let version = current.versions.as_ref()?.get(place.at as usize)?;
        Some((node.start, *version))
    }

    /// Whether a value holds under the schema as any validator reads it.
    pub(super) fn holds_plainly(&mut self, applied: Applied, view: View<'_>) -> bool {
        let before = std::mem::replace(&mut self.mode.plainly, true);
        let holds = self.holds(applied, view);
        self.mode.plainly = before;
        holds
    }

    pub(super) fn holds(&mut self, applied: Applied, view: View<'_>) -> bool {
        self.marks(applied, view).is_some()
    }

    /// Which children are evaluated, if the value holds.
    pub(super) fn marks(&mut self, applied: Applied, view: View<'_>) -> Marks {
        let Some(key) = self.key(view) else { return self.ask(applied, view, true).map(Rc::from) };
        let key = (key, applied, self.mode);
        if let Some(marks) = self.memo.get(&key) {
            return marks.clone();
        }
        // a schema that refers to itself at the same place adds nothing
        self.memo.insert(key, Some(Rc::from([])));
        let marks: Marks = self.ask(applied, view, true).map(Rc::from);
        self.memo.insert(key, marks.clone());
        marks
    }

    /// Which children are evaluated before `unevaluated…` is asked, if the value holds so far.
    pub(super) fn marks_before(&mut self, applied: Applied, view: View<'_>) -> Option<Vec<bool>> {
        self.ask(applied, view, false)
    }

    fn ask(&mut self, applied: Applied, view: View<'_>, last: bool) -> Option<Vec<bool>> {
        let object = self.sets.object(applied)?;
        let looks = 1 + view.len();
        let Some(left) = self.left.checked_sub(looks) else {
            self.is_spent = true;
            return None;
        };
        self.left = left;
        let text = view.as_text();
        let checks: u64 = object.checks.iter().map(|check| check.cost(view, text)).sum();
        self.budget.charge(looks as u64 + text.map_or(0, |text| budget::text(text.source_bytes())) + checks).ok()?;
        let is_large = self.mode.counts_bytes
            && !self.mode.plainly
            && object.bytes_max.is_some_and(|max| view.compact_bytes() > max);
        if is_large || !self.holds_by_itself(object, view) {
            return None;
        }
        let mut marks = vec![false; view.len()];
        let holds = match view.kind() {
            Kind::Object => self.members(applied, object, view, &mut marks),
            Kind::Array => self.items(applied, object, view, &mut marks),
            _ => true,
        };
        let holds = holds && self.in_place(applied, object, view, &mut marks);
        (holds && (!last || self.unevaluated(applied, object, view, &mut marks))).then_some(marks)
    }

    /// What a schema object says of a value without looking at other schema objects.
    fn holds_by_itself(&self, object: &Object, view: View<'_>) -> bool {
        let never = match object.never {
            Some(Never::False) => true,
            Some(Never::Sensitive) => !self.mode.plainly,
            None => false,
        };
        if never {
            return false;
        }
        let (kind, number, text) = (view.kind(), view.as_number(), view.as_text());
        let draft = self.sets.schema().draft;
        let typed = object
            .types
            .is_none_or(|types| types.allows(kind) && number.is_none_or(|number| types.allows_number(number, draft)));
        let holds = |check: &Check| {
            // what holds exactly is looked up, and what may hold rounded is looked through
            let exactly = check.holds(view, number, text);
            if !self.mode.rounds || (exactly && !check.listed().is_empty()) {
                return exactly;
            }
            let looks = check.listed().len() as u64 / 8;
            self.budget.charge(looks).is_ok() && check.holds_rounded(view, number, text)
        };
        typed && object.checks.iter().all(|check| !check.looks_at(kind) || holds(check))
    }

    fn below(&mut self, from: Applied, id: u16, view: View<'_>) -> bool {
        let applied = self.sets.below(from, id);
        self.holds(applied, view)
    }

    fn members(&mut self, applied: Applied, object: &Object, view: View<'_>, marks: &mut [bool]) -> bool {
        let bounds = object.members;
        if bounds.min.is_some_and(|min| view.len() < min) || bounds.max.is_some_and(|max| view.len() > max) {
            return false;
        }
        let looks = object.required.len() * view.len() / MEMBERS_PER_UNIT;
        if self.budget.charge(looks as u64).is_err() {
            return false;
        }
        let lacks = |name: &String| view.get(name).is_none();
        if object.required.iter().any(lacks)
            || object.dependent.iter().any(|one| !lacks(&one.trigger) && one.needs.iter().any(lacks))
        {
            return false;
        }
        let positions = object.patterns.iter().map(|(pattern, _)| pattern.positions()).sum();
        for ((name, value), mark) in view.named_members().zip(marks) {
            let bytes = if object.patterns.is_empty() { 0 } else { name.as_text().map_or(0, Text::source_bytes) };
            if self.budget.charge(match_cost(bytes, positions)).is_err() {
                return false;
            }
            if let Some(names) = object.names.map(|names| self.sets.below(applied, names))
                && !self.holds_plainly(names, name)
            {
                return false;
            }
            let text = name.as_text().map(Text::decode).unwrap_or_default();
            for id in schemas_of_member(object, &text) {
                *mark = true;
                if !self.below(applied, id, value) {
                    return false;
                }
            }
        }
        true
    }

    fn items(&mut self, applied: Applied, object: &Object, view: View<'_>, marks: &mut [bool]) -> bool {
        let bounds = object.length;
        if bounds.min.is_some_and(|min| view.len() < min) || bounds.max.is_some_and(|max| view.len() > max) {
            return false;
        }
        for (index, (item, mark)) in view.items().zip(marks.iter_mut()).enumerate() {
            let id = object.prefix.get(index).copied().or(object.items.map(|(id, _)| id));
            if let Some(id) = id {
                *mark = true;
                if !self.below(applied, id, item) {
                    return false;
                }
            }
        }
        if object.unique && (self.budget.charge(view.weight()).is_err() || !are_distinct(view)) {
            return false;
        }
        object.contains.filter(|contains| contains.schema != NO_SCHEMA).is_none_or(|contains| {
            let matches = self.matches(applied, contains, view);
            if self.sets.schema().draft >= 2020 {
                for &index in &matches {
                    marks.get_mut(index).into_iter().for_each(|mark| *mark = true);
                }
            }
            matches.len() >= contains.min.unwrap_or(1) && contains.max.is_none_or(|max| matches.len() <= max)
        })
    }

    /// The items that `contains` looks for.
    pub(super) fn matches(&mut self, applied: Applied, contains: Contains, view: View<'_>) -> Vec<usize> {
        let schema = self.sets.below(applied, contains.schema);
        let found = view.items().enumerate().filter(|(_, item)| self.holds_plainly(schema, *item));
        found.map(|(index, _)| index).collect()
    }

    /// What applies at the same place.
    fn in_place(&mut self, applied: Applied, object: &Object, view: View<'_>, marks: &mut [bool]) -> bool {
        let choices = &object.choices;
        let reference = object.reference.map(|id| self.sets.below(applied, id));
        let mut all: Vec<_> = reference.into_iter().chain(self.sets.dynamic(applied)).collect();
        all.extend(object.all_of.iter().map(|&id| self.sets.below(applied, id)));
        let triggered = choices.dependent.iter().filter(|(trigger, ..)| view.get(trigger).is_some());
        // `dependencies` outlived its drafts: it still asserts, and evaluates nothing
        let asserts = self.sets.schema().draft >= 2019;
        for &(_, id, keyword) in triggered {
            if keyword == Keyword::Dependencies && asserts {
                if !self.below(applied, id, view) {
                    return false;
                }
            } else {
                all.push(self.sets.below(applied, id));
            }
        }
        if let Some(condition) = choices.condition {
            let condition = self.sets.below(applied, condition);
            let holds = self.holds_plainly(condition, view);
            if holds {
                self.mark(condition, view, marks);
            }
            let selected = if holds { choices.then } else { choices.otherwise };
            all.extend(selected.map(|id| self.sets.below(applied, id)));
        }
        if !all.into_iter().all(|part| self.mark(part, view, marks)) {
            return false;
        }
        let mut count = |ids: &[u16], marks: &mut [bool]| {
            ids.iter()
                .filter(|&&id| {
                    let branch = self.sets.below(applied, id);
                    self.mark(branch, view, marks)
                })
                .count()
        };
        (choices.any_of.is_empty() || count(&choices.any_of, marks) > 0)
            && (choices.one_of.is_empty() || count(&choices.one_of, marks) == 1)
            && self.is_only_one(applied, &choices.one_of, view)
            && choices.not.is_none_or(|id| {
                let forbidden = self.sets.below(applied, id);
                !self.holds_plainly(forbidden, view)
            })
    }

    /// Whether exactly one branch holds, as any validator counts.
    pub(super) fn is_only_one(&mut self, applied: Applied, ids: &[u16], view: View<'_>) -> bool {
        let holds = |id: &&u16| {
            let branch = self.sets.below(applied, **id);
            self.holds_plainly(branch, view)
        };
        ids.is_empty() || ids.iter().filter(holds).count() == 1
    }

    /// Whether a value holds; if it does, what that evaluated is added to `marks`.
    fn mark(&mut self, applied: Applied, view: View<'_>, marks: &mut [bool]) -> bool {
        let found = self.marks(applied, view);
        for (mark, own) in marks.iter_mut().zip(found.iter().flat_map(|found| found.iter())) {
            *mark |= own;
        }
        found.is_some()
    }

    fn unevaluated(&mut self, applied: Applied, object: &Object, view: View<'_>, marks: &mut [bool]) -> bool {
        let schema = match view.kind() {
            Kind::Object => object.unevaluated_members,
            Kind::Array => object.unevaluated_items,
            _ => None,
        };
        let Some(id) = schema else { return true };
        let children: Vec<_> = view.items().chain(view.members().map(|(_, value)| value)).collect();
        marks.iter_mut().zip(children).filter(|(mark, _)| !**mark).all(|(mark, child)| {
            *mark = true;
            self.below(applied, id, child)
        })
    }

    /// The schema objects that apply at the same place and hold, this one first.
    pub(super) fn applicable(&mut self, applied: Applied, view: View<'_>, found: &mut Vec<Applied>) {
        let Some(object) = self.sets.object(applied).filter(|_| !found.contains(&applied)) else { return };
        if !self.holds(applied, view) {
            return;
        }
        found.push(applied);
        let choices = &object.choices;
        let triggered =
            choices.dependent.iter().filter(|(trigger, ..)| view.get(trigger).is_some()).map(|(_, id, _)| id);
        let condition = choices.condition.map(|id| {
            let condition = self.sets.below(applied, id);
            self.holds_plainly(condition, view)
        });
        let selected = condition.and_then(|holds| if holds { choices.then } else { choices.otherwise });
        let ids: Vec<_> = object
            .reference
            .iter()
            .chain(&object.all_of)
            .chain(triggered)
            .chain(&choices.condition)
            .chain(&selected)
            .chain(&choices.any_of)
            .chain(&choices.one_of)
            .copied()
            .collect();
        let mut below: Vec<_> = ids.into_iter().map(|id| self.sets.below(applied, id)).collect();
        below.extend(self.sets.dynamic(applied));
        for part in below {
            self.applicable(part, view, found);
        }
    }
}

/// The schemas that one schema object applies to a member.
pub(super) fn schemas_of_member<'o>(object: &'o Object, name: &str) -> impl Iterator<Item = u16> + use<'o> {
    let mut found: Vec<u16> = object.property(name).into_iter().collect();
    found.extend(object.patterns.iter().filter(|(pattern, _)| pattern.matches(name)).map(|(_, id)| *id));
    if found.is_empty() {
        found.extend(object.additional);
    }
    found.into_iter()
}

/// Whether no two items are equal.
pub(super) fn are_distinct(view: View<'_>) -> bool {
    let mut items: Vec<_> = view.items().map(|item| (fingerprint(item), item)).collect();
    items.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| compare(*x, *y)));
    items.windows(2).all(|pair| !matches!(pair, [(a, x), (b, y)] if a == b && compare(*x, *y).is_eq()))
}
