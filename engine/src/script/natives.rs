//! The functions that scripts can call without defining them, as the sandbox has them: names, arguments, receivers.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::convert::Handle;
use super::lint::Kinds;
use super::sandbox;
use crate::limits::Limits;

/// What ends a merge without a result.
pub const MERGE_VERBS: [&str; 2] = [VERBS[0].name, VERBS[1].name];
/// Verbs that only a guard has.
pub const GUARD_VERBS: [&str; 3] = [VERBS[2].name, VERBS[3].name, VERBS[4].name];

/// A function that ends a merge, or decides for a guard.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub signature: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
}

const fn verb(name: &'static str, signature: &'static str, summary: &'static str) -> Verb {
    Verb { name, signature, summary }
}

/// The verbs of merges, then those of guards.
pub(super) const VERBS: [Verb; 5] = [
    verb("discard", "discard(reason)", "ends the merge and drops the visitor's value: the session is cleared"),
    verb("skip", "skip(reason)", "ends the merge and changes nothing: the session is kept, and the rule runs again"),
    verb("allow", "allow()", "ends a guard: the operation is allowed"),
    verb("deny", "deny(reason)", "ends a guard: the operation is denied, and the caller reads the reason"),
    verb("require", "require(fields, reason)", "ends a guard: the operation needs these fields first"),
];

/// Functions that rhai's interpreter answers itself, with how many arguments they take.
const INTERPRETED: [(&str, usize, usize); 5] =
    [("call", 1, 16), ("is_def_fn", 2, 2), ("is_def_var", 1, 1), ("is_shared", 1, 1), ("type_of", 1, 1)];

/// Methods that change the value they are called on and give `()`.
const IN_PLACE: [&str; 22] = [
    "append",
    "clear",
    "crop",
    "dedup",
    "fill_with",
    "for_each",
    "insert",
    "make_lower",
    "make_upper",
    "mixin",
    "pad",
    "push",
    "replace",
    "reverse",
    "set",
    "sort",
    "sort_by",
    "sort_desc",
    "splice",
    "trim",
    "truncate",
    "chop",
];

/// What methods give, where it is one type.
const RESULTS: [(Kinds, &[&str]); 4] = [
    (
        Kinds::STRING,
        &["sub_string", "to_binary", "to_debug", "to_hex", "to_json", "to_lower", "to_octal", "to_string", "to_upper"],
    ),
    (
        Kinds::NUMBER,
        &["ceiling", "floor", "index_of", "len", "parse_float", "parse_int", "round", "to_float", "to_int"],
    ),
    (
        Kinds::BOOL,
        &["all", "contains", "ends_with", "is_blank", "is_empty", "is_nan", "is_odd", "is_even", "some", "starts_with"],
    ),
    (Kinds::LIST, &["extract", "keys", "order", "order_by", "order_desc", "split", "split_rev", "values", "zip"]),
];

/// A function of the sandbox.
pub(super) struct Native {
    /// The least and the most arguments, the receiver among them.
    pub(super) arguments: (usize, usize),
    /// What its first argument may be.
    pub(super) receivers: Kinds,
}

static NATIVES: LazyLock<BTreeMap<String, Native>> = LazyLock::new(|| {
    let engine = sandbox::engine(&Limits::default());
    let mut natives: BTreeMap<String, Native> = BTreeMap::new();
    let all = engine.collect_fn_metadata(
        None,
        |info| {
            let first = info.metadata.param_types.first().map_or(Kinds::NONE, receiver);
            Some((info.metadata.name.to_string(), info.metadata.num_params, first))
        },
        true,
    );
    let interpreted = INTERPRETED
        .into_iter()
        .flat_map(|(name, least, most)| [least, most].map(|count| (name.to_owned(), count, Kinds::ANY)));
    for (name, count, first) in all.into_iter().chain(interpreted) {
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(is_word) {
            // operators, and what reads and writes members
            continue;
        }
        if sandbox::DISABLED.contains(&name.as_str()) {
            continue;
        }
        let native = natives.entry(name).or_insert(Native { arguments: (count, count), receivers: Kinds::NONE });
        native.arguments = (native.arguments.0.min(count), native.arguments.1.max(count));
        native.receivers = native.receivers.or(first);
    }
    natives
});

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn receiver(of: &TypeId) -> Kinds {
    let is = |others: &[TypeId]| others.contains(of);
    match () {
        () if is(&[TypeId::of::<Dynamic>()]) => Kinds::ANY,
        () if is(&[TypeId::of::<ImmutableString>(), TypeId::of::<&str>(), TypeId::of::<String>()]) => Kinds::STRING,
        () if is(&[TypeId::of::<Array>()]) => Kinds::LIST,
        () if is(&[TypeId::of::<Map>(), TypeId::of::<Handle>()]) => Kinds::MAP,
        () if is(&[TypeId::of::<i64>()]) => Kinds::INTEGER,
        () if is(&[TypeId::of::<f64>()]) => Kinds::FRACTION,
        () if is(&[TypeId::of::<bool>()]) => Kinds::BOOL,
        () if is(&[TypeId::of::<()>()]) => Kinds::UNIT,
        () => Kinds::OTHER,
    }
}

/// The function of a name.
pub(super) fn native(name: &str) -> Option<&'static Native> {
    NATIVES.get(name)
}

/// The names of all of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NATIVES.keys().map(String::as_str)
}

/// Whether rhai's interpreter answers a function itself, for every kind of value.
pub(super) fn is_interpreted(name: &str) -> bool {
    INTERPRETED.iter().any(|(own, ..)| *own == name)
}

/// Whether a function ends a merge, or decides for a guard.
pub(super) fn is_verb(name: &str) -> bool {
    MERGE_VERBS.contains(&name) || GUARD_VERBS.contains(&name)
}

/// Whether a method changes its receiver and gives `()`.
pub(super) fn is_in_place(name: &str) -> bool {
    IN_PLACE.contains(&name)
}

/// Whether a method changes its receiver, whatever it gives.
pub(super) fn changes(name: &str) -> bool {
    const GIVING: [&str; 5] = ["drain", "pop", "remove", "retain", "shift"];
    name != "for_each" && (is_in_place(name) || GIVING.contains(&name))
}

/// How many parameters a closure may have that a method calls, if it calls one.
pub(super) fn closure_parameters(method: &str) -> Option<(usize, usize)> {
    const BY_ITEM: [&str; 10] =
        ["all", "drain", "extract", "filter", "find", "find_map", "index_of", "map", "retain", "some"];
    match method {
        "for_each" => Some((0, 1)),
        "reduce" | "reduce_rev" => Some((0, 3)),
        "dedup" | "order" | "order_by" | "sort" | "sort_by" => Some((2, 2)),
        other => BY_ITEM.contains(&other).then_some((0, 2)),
    }
}

/// What a function gives.
pub(super) fn result(name: &str) -> Kinds {
    if is_in_place(name) {
        return Kinds::UNIT;
    }
    RESULTS.iter().find(|(_, names)| names.contains(&name)).map_or(Kinds::ANY, |(kinds, _)| *kinds)
}

#[cfg(test)]
mod tests {
    use super::{IN_PLACE, RESULTS, native};

    #[test]
    fn the_tables_name_functions_of_the_sandbox() {
        for name in IN_PLACE.iter().chain(RESULTS.iter().flat_map(|(_, names)| *names)) {
            assert!(native(name).is_some(), "{name}");
        }
    }
}
