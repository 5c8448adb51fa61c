//! What a container as a whole must be: one of listed values, and within a number of bytes (R12, R20).

use std::rc::Rc;
use std::sync::Arc;

use super::members::{dispensable, orphans};
use super::phases::{Container, Typed, failing_check};
use super::repair::{ADDED, Fixed, Left, Note, Repair, children_of, without};
use super::sets::Set;
use crate::fate::Keyword;
use crate::json::{Document, Json, Kind, Place, Text, View, same};

impl<'a> Repair<'a> {
    /// `enum` and `const` of containers: the largest listed value that is a part of this one (R12).
    pub(super) fn listed(&mut self, container: Container, objects: &[Typed<'a>], size: usize) -> Result<Fixed, Fixed> {
        let (fixed, json) = self.assemble(container);
        let view = json.view();
        let checks = objects.iter().flat_map(|(_, object)| &object.checks);
        // what is too much is seen at the end of the run
        let _ = self.eval.budget.charge(checks.map(|check| check.cost(view, None)).sum());
        let Some((keyword, by)) = failing_check(view, objects) else { return Ok(fixed) };
        let listed = objects.iter().flat_map(|(_, object)| &object.checks).flat_map(super::check::Check::listed);
        let parts = listed.filter(|one| is_part(one.view(), view) && failing_check(one.view(), objects).is_none());
        let mut parts: Vec<_> = parts.collect();
        parts.sort_by_key(|one| std::cmp::Reverse(one.view().nodes()));
        // the largest that all else allows; where none is, a choice point may still say why
        let all_hold = |one: &&&Json| objects.iter().all(|(applied, _)| self.eval.holds(*applied, one.view()));
        let Some(best) = parts.iter().find(all_hold).or(parts.first()) else {
            return Err(Fixed { notes: fixed.notes, below: fixed.below, ..Fixed::gone(keyword, by, size) });
        };
        let mut notes = fixed.notes;
        let mut cost = fixed.cost;
        let children = fixed.left.as_ref().map(children_of).unwrap_or_default();
        let (json, children) = restrict(self.document, view, best.view(), &children, &mut |at, removed| {
            cost += removed;
            notes.push(Note::Drop(at, keyword, by));
        });
        let left = Left { json, children: Some(children) };
        Ok(Fixed { left: Some(left), notes, cost, ..Fixed { notes: Vec::new(), ..fixed } })
    }

    /// `x-max-bytes`: arrays lose their end, objects the members of R13, until the rest fits and still holds (R20).
    pub(super) fn within_bytes(&mut self, at: u32, set: &Set, fixed: &Rc<Fixed>) -> Rc<Fixed> {
        let objects = self.objects(set);
        let own = objects.iter().filter_map(|(applied, object)| Some((object.bytes_max?, applied.id)));
        let root = self.options.bytes_max.filter(|_| at == self.top).map(|max| (max, 0));
        let Some((max, by)) = own.chain(root).min_by_key(|(max, _)| *max) else { return Rc::clone(fixed) };
        let Some(left) = &fixed.left else { return Rc::clone(fixed) };
        let view = left.json.view();
        if view.compact_bytes() <= max {
            return Rc::clone(fixed);
        }
        let array = view.kind() == Kind::Array;
        let names: Vec<_> = view.members().map(|(name, _)| name.decode().into_owned()).collect();
        let order: Vec<usize> = if array {
            let protected = self.protected(view, &objects);
            (0..view.len()).rev().filter(|index| !protected.contains(index)).collect()
        } else {
            dispensable(&names, &objects)
        };
        let goes = surplus(view, &order, max);
        let orphans = orphans(&names, &goes, &objects);
        let mut all: Vec<_> = goes.iter().copied().chain(orphans.iter().map(|(index, ..)| *index)).collect();
        all.sort_unstable();
        let smaller = without(left, &all);
        self.eval.keep(&smaller.json);
        let fits = !all.is_empty() && smaller.json.view().compact_bytes() <= max;
        if !fits || !self.all_hold(set, smaller.json.view()) {
            return Rc::new(Fixed::gone(Keyword::MaxBytes, by, self.nodes(at)));
        }
        let children = children_of(left);
        let place = |index: &usize| children.get(*index).copied().filter(|place| *place != ADDED);
        let values: Vec<_> = view.items().chain(view.members().map(|(_, value)| value)).collect();
        let lost: usize = all.iter().filter_map(|&index| values.get(index)).map(|value| value.nodes()).sum();
        let mut notes = fixed.notes.clone();
        let places = goes.iter().filter_map(place);
        if array {
            notes.extend(places.map(Note::Cut));
            notes.push(Note::Truncate(at, Keyword::MaxBytes, by));
        } else {
            notes.extend(places.map(|place| Note::Drop(place, Keyword::MaxBytes, by)));
        }
        let orphans = orphans.iter().filter_map(|(index, keyword, by)| Some((place(index)?, *keyword, *by)));
        notes.extend(orphans.map(|(place, keyword, by)| Note::Drop(place, keyword, by)));
        Rc::new(Fixed { left: Some(smaller), cost: fixed.cost + lost, notes, ..fixed.as_ref().clone() })
    }
}

/// The first children of `order` that must go for the rest to fit, sorted.
fn surplus(view: View<'_>, order: &[usize], max: usize) -> Vec<usize> {
    let values: Vec<_> = view.items().chain(view.members().map(|(_, value)| value)).collect();
    let names: Vec<_> = view.named_members().map(|(name, _)| name.compact_bytes() + 1).collect();
    let (mut bytes, mut count, mut goes) = (view.compact_bytes(), values.len(), Vec::new());
    for &index in order {
        if bytes <= max {
            break;
        }
        count -= 1;
        let own = values.get(index).map_or(0, |value| value.compact_bytes());
        bytes -= own + names.get(index).copied().unwrap_or(0) + usize::from(count > 0);
        goes.push(index);
    }
    goes.sort_unstable();
    goes
}

/// Whether `part` is what is left of `whole` when some of it is taken away (the shrink order).
fn is_part(part: View<'_>, whole: View<'_>) -> bool {
    match (part.kind(), whole.kind()) {
        (Kind::Object, Kind::Object) => {
            part.members().all(|(name, value)| whole.get(&name.decode()).is_some_and(|own| is_part(value, own)))
        }
        (Kind::Array, Kind::Array) => {
            let mut items = whole.items();
            part.items().all(|item| items.any(|own| is_part(item, own)))
        }
        _ => same(part, whole),
    }
}

/// Takes from `whole` what `part` lacks; says the input place and the nodes of each child that goes.
fn restrict(
    document: &Arc<Document>,
    whole: View<'_>,
    part: View<'_>,
    children: &[u32],
    say: &mut dyn FnMut(u32, usize),
) -> (Json, Vec<u32>) {
    let at = |index: usize| children.get(index).copied().unwrap_or(ADDED);
    let mut places = Vec::new();
    let mut keep = |index: usize, own: View<'_>, part: Option<View<'_>>, say: &mut dyn FnMut(u32, usize)| {
        let Some(part) = part else {
            if at(index) != ADDED {
                say(at(index), own.nodes());
            }
            return None;
        };
        places.push(at(index));
        let smaller = matches!(own.kind(), Kind::Array | Kind::Object) && !same(own, part);
        let below = || places_below(document, own, at(index));
        Some(if smaller { restrict(document, own, part, &below(), say).0 } else { own.to_json() })
    };
    let json = if whole.kind() == Kind::Array {
        let mut wanted = part.items().peekable();
        let mut items = Vec::new();
        for (index, own) in whole.items().enumerate() {
            let part = wanted.next_if(|wanted| is_part(*wanted, own));
            items.extend(keep(index, own, part, say));
        }
        Json::list(items)
    } else {
        let mut members = Vec::new();
        for (index, (name, own)) in whole.named_members().enumerate() {
            let text = name.as_text().map(Text::decode).unwrap_or_default();
            members.extend(keep(index, own, part.get(&text), say).map(|value| (name.to_json(), value)));
        }
        Json::object(members)
    };
    (json, places)
}

/// The input places of the children of a value that stood at a place: its own, or those of the same names there.
fn places_below(document: &Arc<Document>, view: View<'_>, at: u32) -> Vec<u32> {
    let own =
        |child: View<'_>| child.place().filter(|place| Arc::ptr_eq(place.document, document)).map(|place| place.at);
    let before = (at != ADDED).then_some(View::Place(Place { document, at }));
    let named = view.members().map(|(name, child)| {
        let there = before.and_then(|before| before.get(&name.decode())).and_then(View::place).map(|place| place.at);
        own(child).or(there).unwrap_or(ADDED)
    });
    view.items().map(|child| own(child).unwrap_or(ADDED)).chain(named).collect()
}
