//! How many branches a union may have: what compares them all with each other, compares only so many.

use std::collections::BTreeSet;

use crate::json::{Text, View};
use crate::pointer::Pointer;

/// Branches of a union that nothing tells apart.
const PLAIN_MAX: usize = 64;
/// Branches of a union that a member tells apart: each requires it and gives it a `const` or an `enum` of its own.
pub(super) const TAGGED_MAX: usize = 1_024;

/// The most branches that a union may have.
pub(super) fn most(union: View<'_>, root: View<'_>) -> usize {
    let mut branches = union.items().map(|branch| tags(branch, root));
    let Some(first) = branches.next() else { return PLAIN_MAX };
    let common = branches.fold(first, |common, tags| common.intersection(&tags).cloned().collect());
    if common.is_empty() { PLAIN_MAX } else { TAGGED_MAX }
}

/// The members that a branch requires, and of which it lists the values.
fn tags(branch: View<'_>, root: View<'_>) -> BTreeSet<String> {
    let target = branch.get("$ref").and_then(View::as_text).map(Text::decode);
    let target = target.and_then(|target| Pointer::parse(target.strip_prefix('#')?)?.get(root));
    let branch = target.unwrap_or(branch);
    let required: BTreeSet<String> = branch.get("required").into_iter().flat_map(View::items).map(View::word).collect();
    let members = branch.get("properties").into_iter().flat_map(View::members);
    let listed = members.filter(|(_, schema)| schema.get("const").or(schema.get("enum")).is_some());
    listed.map(|(name, _)| name.decode().into_owned()).filter(|name| required.contains(name)).collect()
}
