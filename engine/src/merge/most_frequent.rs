//! `most_frequent`: the value that a list has most often, the first of several; null is no value.
//!
//! Laws: L7–L9.

use std::cmp::Ordering;

use super::function::{Called, Code, Function, Gives};
use super::group::first_equal;
use crate::json::{Json, View, compare, fingerprint};

/// `most_frequent` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "most_frequent",
    signature: "most_frequent(list)",
    summary: "the value that a list has most often",
    arguments: (1, 1),
    sides: None,
    options: None,
    gives: Gives::Either,
    mutant: None,
    example: [r#"most_frequent(["a", "b", "b"])"#, r#""b""#],
    code: Code::Helper(|arguments| Ok(Called::Value(most_frequent(arguments.at(0)).map_or(Json::Null, View::to_json)))),
};

/// The mode of a list by deep JSON equality; none, if it is empty or no list.
pub(super) fn most_frequent(list: View<'_>) -> Option<View<'_>> {
    let items: Vec<_> = list.items().filter(|item| !item.is_null()).collect();
    let fingerprints: Vec<_> = items.iter().map(|item| fingerprint(*item)).collect();
    let leaders = first_equal(&fingerprints, |i, j| match (items.get(i), items.get(j)) {
        (Some(a), Some(b)) => compare(*a, *b),
        _ => Ordering::Equal,
    });
    let mut counts = vec![0_usize; items.len()];
    for leader in leaders {
        if let Some(count) = counts.get_mut(leader) {
            *count += 1;
        }
    }
    let most = counts.iter().max()?;
    let first = counts.iter().position(|count| count == most)?;
    items.get(first).copied()
}
