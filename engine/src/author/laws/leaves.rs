//! The scalars of a value, and the items that share a key: what laws L7, L11 and L12 look at.

use std::collections::BTreeSet;

use crate::json::{Kind, View, same};
use crate::merge::{Key, Strategy};

/// Visits each scalar.
pub(super) fn leaves(value: View<'_>, visit: &mut dyn FnMut(View<'_>)) {
    if !matches!(value.kind(), Kind::Array | Kind::Object) {
        return visit(value);
    }
    for child in value.items().chain(value.members().map(|(_, value)| value)) {
        leaves(child, visit);
    }
}

/// A scalar as text, numbers by their value.
pub(super) fn plain(leaf: View<'_>) -> String {
    leaf.as_number().map_or_else(|| leaf.to_text(), |number| format!("{:?}", number.as_f64()))
}

/// The scalars of a value as texts.
pub(super) fn known(value: View<'_>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    leaves(value, &mut |leaf| {
        known.insert(plain(leaf));
    });
    known
}

/// Whether a list stands anywhere in a value.
pub(super) fn has_list(value: View<'_>) -> bool {
    value.kind() == Kind::Array || value.members().any(|(_, member)| has_list(member))
}

/// Whether two items of a list have one key. Without a declared key, an object is known by its strings.
pub(super) fn has_twins(value: View<'_>, keys: &[Key]) -> bool {
    let items: Vec<_> = value.items().collect();
    let twins = |(at, one): (usize, &View<'_>)| items.iter().skip(at + 1).any(|other| is_same_item(*one, *other, keys));
    let own = items.iter().enumerate().any(twins);
    own || value.items().chain(value.members().map(|(_, member)| member)).any(|child| has_twins(child, keys))
}

fn is_same_item(one: View<'_>, other: View<'_>, keys: &[Key]) -> bool {
    if one.kind() != Kind::Object || other.kind() != Kind::Object {
        return same(one, other);
    }
    if let Some(key) = keys.iter().find(|key| key.names(one)) {
        return key.is_same(one, other);
    }
    let texts = |item: View<'_>| -> Vec<(String, String)> {
        let texts = item.members().filter(|(_, value)| value.kind() == Kind::String);
        let mut texts: Vec<_> = texts.map(|(name, value)| (name.decode().into_owned(), value.word())).collect();
        texts.sort();
        texts
    };
    let (own, others) = (texts(one), texts(other));
    if own.is_empty() { same(one, other) } else { own == others }
}

/// The bounds of sums and maxima: a result may be one.
pub(super) fn caps(strategy: &Strategy) -> Vec<String> {
    let inner = |rules: &[(String, Strategy)]| rules.iter().flat_map(|(_, strategy)| caps(strategy)).collect();
    match strategy {
        Strategy::Max(Some(cap)) | Strategy::Sum(Some(cap)) => vec![plain(cap.view())],
        Strategy::Fields(fields) => inner(&fields.rules),
        Strategy::Each(each) => caps(&each.of),
        Strategy::KeyedUnion(keyed) => inner(&keyed.on_match),
        _ => Vec::new(),
    }
}
