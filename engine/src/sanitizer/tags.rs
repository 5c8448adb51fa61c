//! Unions that one member tells apart: each branch requires it, and lists values for it that no other branch lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::sets::{Applied, Set, Sets};
use crate::fate::Keyword;
use crate::json::{Kind, View};

/// The member, and which branch its value leaves.
pub(super) struct Tags {
    pub(super) name: String,
    branches: BTreeMap<String, Applied>,
}

impl Tags {
    /// The only branch that an object can hold under; none, if it can under none.
    pub(super) fn branch(&self, object: View<'_>) -> Option<Applied> {
        self.branches.get(&key(object.get(&self.name)?)?).copied()
    }
}

/// What tells the branches of unions apart, as far as it was asked.
pub(super) type Known = BTreeMap<(Applied, bool), Option<Arc<Tags>>>;

/// The member that tells the branches of a union apart at a place. An annotation could put another value there, so a member
/// that has one tells nothing.
pub(super) fn at(
    sets: &mut Sets<'_>,
    known: &mut Known,
    set: &Set,
    union: (Applied, bool),
    branches: &[Applied],
) -> Option<Arc<Tags>> {
    let tags = known.entry(union).or_insert_with(|| of(sets, branches).map(Arc::new)).clone()?;
    let annotated = set.parts.iter().any(|part| is_annotated(sets, part.applied, &tags.name));
    (!annotated).then_some(tags)
}

fn of(sets: &mut Sets<'_>, branches: &[Applied]) -> Option<Tags> {
    let own: Vec<BTreeMap<String, Vec<String>>> = branches.iter().map(|branch| tags(sets, *branch)).collect();
    let first = own.first().filter(|_| own.len() > 1)?;
    for name in first.keys() {
        let mut seen = BTreeSet::new();
        let mut values = own.iter().map(|tags| tags.get(name));
        let apart = values.all(|values| values.is_some_and(|values| values.iter().all(|value| seen.insert(value))));
        if apart && !branches.iter().any(|branch| is_annotated(sets, *branch, name)) {
            let values = branches.iter().zip(&own).flat_map(|(branch, tags)| {
                let values = tags.get(name).into_iter().flatten();
                values.map(|value| (value.clone(), *branch))
            });
            return Some(Tags { name: name.clone(), branches: values.collect() });
        }
    }
    None
}

/// The members that a branch requires and lists texts for.
fn tags(sets: &mut Sets<'_>, branch: Applied) -> BTreeMap<String, Vec<String>> {
    let set = sets.set(&[(branch, Keyword::AnyOf)]);
    let objects: Vec<_> = set.parts.iter().filter_map(|part| sets.object(part.applied)).collect();
    let required: BTreeSet<&str> = objects.iter().flat_map(|object| &object.required).map(String::as_str).collect();
    let mut found = BTreeMap::new();
    for (name, id) in objects.iter().flat_map(|object| &object.properties) {
        let checks = sets.schema().object(*id).map(|object| &object.checks).into_iter().flatten();
        let texts = checks.map(super::check::Check::listed).find(|listed| !listed.is_empty());
        let keys: Option<Vec<String>> = texts.and_then(|texts| texts.iter().map(|one| key(one.view())).collect());
        if let Some(keys) = keys.filter(|_| required.contains(name.as_str())) {
            found.insert(name.clone(), keys);
        }
    }
    found
}

/// What equal values have in common: texts, booleans, `null` and 64-bit integers; nothing for others.
fn key(value: View<'_>) -> Option<String> {
    match value.kind() {
        Kind::String => Some(format!("\"{}", value.word())),
        Kind::Number => value.as_number()?.as_i64().map(|number| number.to_string()),
        Kind::Bool | Kind::Null => Some(value.to_text()),
        Kind::Array | Kind::Object => None,
    }
}

/// Whether the value of a member may be replaced or filled in by what a schema object says.
fn is_annotated(sets: &mut Sets<'_>, applied: Applied, name: &str) -> bool {
    if !sets.schema().has_annotations {
        return false;
    }
    let Some(object) = sets.object(applied) else { return false };
    let named: Vec<_> = super::evaluate::schemas_of_member(object, name).collect();
    named.into_iter().any(|id| {
        let below = sets.below(applied, id);
        let set = sets.set(&[(below, Keyword::Properties)]);
        let mut objects = set.parts.iter().filter_map(|part| sets.object(part.applied));
        objects.any(|object| object.on_missing || !object.on_invalid.is_empty())
    })
}
