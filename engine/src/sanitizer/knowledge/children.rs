//! What a way says of the children of its containers.

use crate::fate::Keyword;
use crate::sanitizer::evaluate::schemas_of_member;
use crate::sanitizer::knowledge::ways::Schemas;
use crate::sanitizer::schema::{NO_SCHEMA, Object};
use crate::sanitizer::sets::{Applied, Set, Sets};
use crate::sanitizer::{Options, Unknown};

/// The schema objects of a way.
pub(super) type Parts<'a> = Vec<(Applied, &'a Object)>;

pub(super) fn parts<'a>(sets: &Sets<'a>, set: &Set) -> Parts<'a> {
    set.parts.iter().filter_map(|part| Some((part.applied, sets.object(part.applied)?))).collect()
}

/// Items that a list may have.
pub(super) struct Listing {
    /// What holds each of the first positions.
    pub(super) positions: Vec<Schemas>,
    /// What holds every other item; empty: anything.
    pub(super) rest: Schemas,
    pub(super) max: Option<usize>,
}

pub(super) fn listing(sets: &mut Sets<'_>, parts: &Parts<'_>) -> Listing {
    let counts = parts.iter().all(|(_, object)| object.contains.is_none_or(|contains| contains.schema == NO_SCHEMA));
    let prefix = parts.iter().map(|(_, object)| object.prefix.len()).max().unwrap_or(0);
    let mut at = |index: usize| -> Schemas {
        let held = parts.iter().filter_map(|(applied, object)| {
            let own = object.prefix.get(index).map(|id| (*id, Keyword::PrefixItems)).or(object.items);
            // what `contains` counts is evaluated
            let left = object.unevaluated_items.filter(|_| counts).map(|id| (id, Keyword::UnevaluatedItems));
            own.or(left).map(|(id, keyword)| (*applied, id, keyword))
        });
        held.map(|(applied, id, keyword)| (sets.below(applied, id), keyword)).collect()
    };
    let positions = (0..prefix).map(&mut at).collect();
    let rest = at(usize::MAX);
    Listing { positions, rest, max: parts.iter().filter_map(|(_, object)| object.length.max).min() }
}

/// Members that an object may have.
pub(super) struct Membership {
    /// Declared names, and what holds them.
    pub(super) named: Vec<(String, Schemas)>,
    /// Names that are only listed in `required` or a dependency: nothing says what they hold.
    pub(super) listed: Vec<(Applied, String)>,
    /// Members of other names.
    pub(super) unnamed: Unnamed,
    pub(super) max: Option<usize>,
}

/// Members whose names no schema declares.
pub(super) enum Unnamed {
    /// None: unknown members are dropped, or refused.
    None,
    /// Each holds under one of these.
    Under(Vec<Schemas>),
    /// Anything: nothing is said of members at all.
    Anything,
    /// Anything, and the author says so.
    Asked,
}

pub(super) fn membership(sets: &mut Sets<'_>, parts: &Parts<'_>, options: &Options) -> Membership {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in parts.iter().flat_map(|(_, object)| &object.properties) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let declared = names.iter().map(|name| ((*name).clone(), member(sets, parts, name))).collect();
    let unnamed = unnamed(sets, parts, options);
    let mut listed: Vec<(Applied, String)> = Vec::new();
    if matches!(unnamed, Unnamed::None | Unnamed::Under(_)) {
        let needs = parts.iter().flat_map(|(applied, object)| {
            let dependent = object.dependent.iter().flat_map(|one| std::iter::once(&one.trigger).chain(&one.needs));
            object.required.iter().chain(dependent).map(|name| (*applied, name))
        });
        for (applied, name) in needs {
            if !listed.iter().any(|(_, own)| own == name) && member(sets, parts, name).is_empty() {
                listed.push((applied, name.clone()));
            }
        }
    }
    Membership {
        named: declared,
        listed,
        unnamed,
        max: parts.iter().filter_map(|(_, object)| object.members.max).min(),
    }
}

/// What holds a member of this name.
fn member(sets: &mut Sets<'_>, parts: &Parts<'_>, name: &str) -> Schemas {
    let mut schemas = Vec::new();
    for (applied, object) in parts {
        let ids = schemas_of_member(object, name);
        schemas.extend(ids.map(|id| (sets.below(*applied, id), Keyword::Properties)));
    }
    if schemas.is_empty() {
        let left = parts.iter().filter_map(|(applied, object)| Some((*applied, object.unevaluated_members?)));
        schemas.extend(left.map(|(applied, id)| (sets.below(applied, id), Keyword::UnevaluatedProperties)));
    }
    schemas
}

fn unnamed(sets: &mut Sets<'_>, parts: &Parts<'_>, options: &Options) -> Unnamed {
    let names_members = parts.iter().any(|(_, object)| object.names_members);
    let opens = |(applied, object): &(Applied, &Object)| {
        object.additional.or(object.unevaluated_members).map(|id| (*applied, id))
    };
    // whoever says least of the others decides nothing: the first that speaks of them does
    let open = parts.iter().find_map(opens);
    let mut under: Vec<Schemas> = Vec::new();
    for (applied, object) in parts {
        under.extend(
            object.patterns.iter().map(|(_, id)| vec![(sets.below(*applied, *id), Keyword::PatternProperties)]),
        );
    }
    match open {
        Some((applied, id)) => {
            let applied = sets.below(applied, id);
            if sets.object(applied).is_some_and(Object::is_anything) {
                return Unnamed::Asked;
            }
            under.push(vec![(applied, Keyword::AdditionalProperties)]);
        }
        None if options.unknown == Unknown::Keep => return Unnamed::Asked,
        None if !names_members => return Unnamed::Anything,
        None => {}
    }
    under.retain(|schemas| {
        let set = sets.intern(schemas);
        sets.get(set).never.is_none()
    });
    if under.is_empty() { Unnamed::None } else { Unnamed::Under(under) }
}
