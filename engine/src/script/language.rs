//! What scripts can say, for the author's reference: the values that they are handed, and the methods of values.

use super::lint::{CONTEXT, Fixed, Kinds, REQUEST, SESSION};
use super::natives::{self, VERBS, Verb};
use crate::merge::Function;

/// The values that scripts are handed and whose members are ours: `context` and its `session`, a guard's `request`.
#[must_use]
pub fn given() -> [Fixed; 3] {
    [CONTEXT, SESSION, REQUEST]
}

/// The functions that end a merge, then those that decide for a guard.
#[must_use]
pub fn verbs() -> &'static [Verb] {
    &VERBS
}

/// The methods of rhai's values in the sandbox, by the kind of value.
///
/// ```
/// let methods = handover_engine::script::methods();
/// assert!(methods.iter().any(|(kind, names)| *kind == "string" && names.contains(&"to_upper")));
/// ```
#[must_use]
pub fn methods() -> [(&'static str, Vec<&'static str>); 5] {
    let kinds = [
        ("string", Kinds::STRING),
        ("list", Kinds::LIST),
        ("object", Kinds::MAP),
        ("integer", Kinds::INTEGER),
        ("fraction", Kinds::FRACTION),
    ];
    kinds.map(|(word, kind)| {
        let has = |name: &&str| natives::native(name).is_some_and(|native| native.receivers.meets(kind));
        let is_ours =
            |name: &&str| Function::by_name(name).is_some() || natives::is_verb(name) || natives::is_interpreted(name);
        (word, natives::names().filter(|name| has(name) && !is_ours(name)).collect())
    })
}
