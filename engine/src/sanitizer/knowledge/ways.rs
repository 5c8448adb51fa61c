//! The ways in which a place can hold: one branch taken of each of its choices.

use crate::fate::Keyword;
use crate::sanitizer::check::Types;
use crate::sanitizer::schema::Choices;
use crate::sanitizer::sets::{Applied, Set, SetId, Sets};

/// Ways that are looked at; more of them are a lint of their own (`S041`).
pub(super) const WAYS_MAX: usize = 64;

/// What leads to a place: schema objects, each with the keyword that holds it.
pub(super) type Schemas = Vec<(Applied, Keyword)>;

/// All ways of one place.
pub(super) struct Ways {
    pub(super) sets: Vec<SetId>,
    /// Whether a value may go several of them at once (`anyOf`).
    pub(super) overlap: bool,
}

/// The ways of a place; none where they are more than [`WAYS_MAX`].
pub(super) fn ways(sets: &mut Sets<'_>, schemas: &Schemas) -> Option<Ways> {
    let mut waiting = vec![(sets.intern(schemas), 0)];
    let mut ways = Ways { sets: Vec::new(), overlap: false };
    while let Some((id, from)) = waiting.pop() {
        let set = sets.get(id);
        let choosing = |applied: Applied| sets.object(applied).is_some_and(|object| !object.choices.is_empty());
        let next = set.parts.iter().enumerate().skip(from).find(|(_, part)| choosing(part.applied));
        let Some((index, part)) = next else {
            ways.sets.push(id);
            continue;
        };
        let object = sets.object(part.applied)?;
        ways.overlap |= object.choices.any_of.len() > 1;
        for chosen in alternatives(&object.choices)? {
            let more = chosen.into_iter().fold(id, |more, branch| {
                let branch = sets.below(part.applied, branch);
                sets.with(more, branch, Keyword::AnyOf)
            });
            waiting.push((more, index + 1));
        }
        if waiting.len() + ways.sets.len() > WAYS_MAX {
            return None;
        }
    }
    ways.sets.reverse();
    Some(ways)
}

/// The branches that one schema object's choices add, one list a way; `not` adds none.
fn alternatives(choices: &Choices) -> Option<Vec<Vec<u16>>> {
    let mut all = vec![Vec::new()];
    let one_each = |ids: &[u16]| ids.iter().rev().map(|&id| vec![id]).collect::<Vec<_>>();
    let condition = choices.condition.filter(|_| choices.then.or(choices.otherwise).is_some()).map(|condition| {
        vec![choices.otherwise.into_iter().collect(), std::iter::once(condition).chain(choices.then).collect()]
    });
    let dependent = choices.dependent.iter().map(|(_, id, _)| vec![vec![*id], Vec::new()]);
    for options in [one_each(&choices.any_of), one_each(&choices.one_of)].into_iter().chain(condition).chain(dependent)
    {
        if options.is_empty() {
            continue;
        }
        let product =
            all.iter().flat_map(|taken: &Vec<u16>| options.iter().map(move |more| [&taken[..], more].concat()));
        all = product.take(WAYS_MAX + 1).collect();
        if all.len() > WAYS_MAX {
            return None;
        }
    }
    Some(all)
}

/// The kinds of value that a way allows.
pub(super) fn kinds(sets: &Sets<'_>, set: &Set) -> Types {
    if set.never.is_some() {
        return Types::NONE;
    }
    let objects = set.parts.iter().filter_map(|part| sets.object(part.applied));
    objects.fold(Types::ALL, |types, object| {
        let types = types.and(object.types.unwrap_or(Types::ALL));
        object.checks.iter().filter(|check| !check.listed().is_empty()).fold(types, |types, check| {
            let listed = check.listed().iter().map(|value| Types::of(value.view().kind()));
            types.and(listed.fold(Types::NONE, Types::or))
        })
    })
}

/// Whether a way lists its values.
pub(super) fn lists(sets: &Sets<'_>, set: &Set) -> bool {
    let mut objects = set.parts.iter().filter_map(|part| sets.object(part.applied));
    objects.any(|object| object.checks.iter().any(|check| !check.listed().is_empty()))
}
