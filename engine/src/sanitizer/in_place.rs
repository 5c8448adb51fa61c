//! How schema objects lead to each other at one place. One that comes back to itself judges no value, and one that is
//! reached in very many ways is asked as many times.

use super::knowledge::Source;
use super::schema::{Id, Object, Schema};
use crate::diagnostic::{Diagnostic, SchemaProblem};

/// Each circle of references, at the first reference in it.
pub(super) fn circles(schema: &Schema, source: &Source) -> Vec<Diagnostic> {
    let mut walk = Walk { schema, state: vec![State::New; schema.objects.len()], path: Vec::new(), found: Vec::new() };
    (0..).zip(&schema.objects).for_each(|(id, _)| walk.visit(id));
    walk.found.iter().filter_map(|circle| diagnostic(schema, source, circle)).collect()
}

/// Ways in which schema objects may be reached at one place.
const WAYS_MAX: u64 = 4_096;

/// The innermost schema object from which others are reached in too many ways. There must be no circle.
pub(super) fn crowd(schema: &Schema, source: &Source) -> Option<Diagnostic> {
    let mut known = vec![None; schema.objects.len()];
    let counted = (0..).zip(&schema.objects).map(|(id, object)| (ways(schema, id, &mut known), object));
    let (_, object) = counted.filter(|(ways, _)| *ways > WAYS_MAX).min_by_key(|(ways, _)| *ways)?;
    Some(Diagnostic::new(source.at(&object.pointer), SchemaProblem::TooManyWays { ways_max: WAYS_MAX }))
}

/// In how many ways schema objects are reached from one, itself included.
fn ways(schema: &Schema, id: Id, known: &mut [Option<u64>]) -> u64 {
    if let Some(Some(ways)) = known.get(usize::from(id)) {
        return *ways;
    }
    let next = schema.object(id).map(Object::in_place).unwrap_or_default();
    let sum = next.into_iter().fold(1, |sum: u64, next| sum.saturating_add(ways(schema, next, known)));
    if let Some(slot) = known.get_mut(usize::from(id)) {
        *slot = Some(sum);
    }
    sum
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// On the path to the object at work.
    Open,
    Done,
}

struct Walk<'a> {
    schema: &'a Schema,
    state: Vec<State>,
    path: Vec<Id>,
    found: Vec<Vec<Id>>,
}

impl Walk<'_> {
    /// Follows what applies at the same place. Schemas are read to a depth at which this cannot overflow a stack.
    fn visit(&mut self, id: Id) {
        let Some(state) = self.state.get_mut(usize::from(id)) else { return };
        match state {
            State::Done => return,
            State::Open => {
                let circle = self.path.iter().skip_while(|own| **own != id).copied().collect();
                return self.found.push(circle);
            }
            State::New => *state = State::Open,
        }
        self.path.push(id);
        if let Some(object) = self.schema.object(id) {
            // a dynamic reference may lead to each of its anchors
            let anchors = object
                .dynamic
                .iter()
                .flat_map(|dynamic| self.schema.dynamic.iter().filter_map(|own| own.get(&dynamic.anchor).copied()));
            let next: Vec<Id> = object.in_place().into_iter().chain(anchors).collect();
            for next in next {
                self.visit(next);
            }
        }
        self.path.pop();
        if let Some(state) = self.state.get_mut(usize::from(id)) {
            *state = State::Done;
        }
    }
}

fn diagnostic(schema: &Schema, source: &Source, circle: &[Id]) -> Option<Diagnostic> {
    let objects: Vec<&Object> = circle.iter().filter_map(|id| schema.object(*id)).collect();
    // by references alone: a schema object inside of another one is no step of its own
    let targets: Vec<&str> = (0..objects.len())
        .filter(|&index| objects.get(index).is_some_and(|object| object.reference.or(nearest(object)).is_some()))
        .filter_map(|index| objects.get((index + 1) % objects.len()))
        .map(|target| target.pointer.as_str())
        .collect();
    let first = *targets.last()?;
    let names: Vec<_> = [first].iter().chain(&targets).map(|pointer| format!("`{pointer}`")).collect();
    let places = objects.iter().filter_map(|object| {
        let keyword = if object.reference.is_some() { "$ref" } else { "$dynamicRef" };
        let refers = object.reference.or(nearest(object)).is_some();
        refers.then(|| source.at_value(&object.pointer, keyword))
    });
    let first = places.min_by_key(|place| (place.start.line, place.start.column))?;
    Some(Diagnostic::new(first, SchemaProblem::Circle { pointers: names.join(" → ") }))
}

fn nearest(object: &Object) -> Option<Id> {
    object.dynamic.as_ref().map(|dynamic| dynamic.nearest)
}
