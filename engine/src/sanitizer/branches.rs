//! How many branches a union may have: what compares them all with each other, compares only so many.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::{Text, View};
use crate::pointer::Pointer;

/// Branches of a union that nothing tells apart.
const PLAIN_MAX: usize = 64;
/// Branches of a union that a member tells apart: each requires it and gives it a `const` or an `enum` of its own. Or the
/// branches themselves are such constants.
pub(super) const TAGGED_MAX: usize = 1_024;

/// The most branches that a union may have.
pub(super) fn most(union: View<'_>, root: View<'_>) -> usize {
    let branches: Vec<Tags> = union.items().map(|branch| tags(branch, root)).collect();
    let Some(first) = branches.first() else { return PLAIN_MAX };
    let tells_apart = |name: &String| {
        let mut seen = BTreeSet::new();
        let mut values = branches.iter().map(|tags| tags.get(name));
        values.all(|values| values.is_some_and(|values| values.iter().all(|value| seen.insert(value))))
    };
    if first.keys().any(tells_apart) { TAGGED_MAX } else { PLAIN_MAX }
}

/// By member, the values that a branch lists for it; the branch itself stands under the empty name.
type Tags = BTreeMap<String, Vec<String>>;

/// The members that a branch requires, and of which it lists the values.
fn tags(branch: View<'_>, root: View<'_>) -> Tags {
    let target = branch.get("$ref").and_then(View::as_text).map(Text::decode);
    let target = target.and_then(|target| Pointer::parse(target.strip_prefix('#')?)?.get(root));
    let branch = target.unwrap_or(branch);
    let required: BTreeSet<String> = branch.get("required").into_iter().flat_map(View::items).map(View::word).collect();
    let members = branch.get("properties").into_iter().flat_map(View::members);
    let named = members.map(|(name, schema)| (name.decode().into_owned(), schema));
    let own = [(String::new(), branch)].into_iter();
    let listed = named.filter(|(name, _)| required.contains(name)).chain(own);
    listed.filter_map(|(name, schema)| Some((name, values(schema)?))).collect()
}

/// The values that a schema lists.
fn values(schema: View<'_>) -> Option<Vec<String>> {
    let one = schema.get("const").map(|value| vec![value.to_text()]);
    one.or_else(|| Some(schema.get("enum")?.items().map(View::to_text).collect()))
}
