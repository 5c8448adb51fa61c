//! The kinds of value that an expression of a script may have.

use crate::json::Kind;
use crate::sanitizer::{Shape, Types};

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::script) struct Kinds(u8);

impl Kinds {
    /// No kind.
    pub(in crate::script) const NONE: Self = Self(0);
    /// `()`, which is null and absent.
    pub(in crate::script) const UNIT: Self = Self(1);
    /// `true`, `false`.
    pub(in crate::script) const BOOL: Self = Self(2);
    /// Integers.
    pub(in crate::script) const INTEGER: Self = Self(4);
    /// Numbers with a fraction, also where it is zero.
    pub(in crate::script) const FRACTION: Self = Self(128);
    /// Both, which rhai compares and adds.
    pub(in crate::script) const NUMBER: Self = Self(4 | 128);
    /// Strings.
    pub(in crate::script) const STRING: Self = Self(8);
    /// Lists.
    pub(in crate::script) const LIST: Self = Self(16);
    /// Objects.
    pub(in crate::script) const MAP: Self = Self(32);
    /// Closures, characters, ranges: what JSON does not have.
    pub(in crate::script) const OTHER: Self = Self(64);
    /// Every kind: nothing is known.
    pub(in crate::script) const ANY: Self = Self(255);

    /// The kinds of a shape, and `()` where `null` may stand.
    pub(super) fn of(shape: &Shape) -> Self {
        if shape.alternatives.is_empty() {
            return Self::ANY;
        }
        let mut kinds = [
            (Kind::Null, Self::UNIT),
            (Kind::Bool, Self::BOOL),
            (Kind::Number, Self::NUMBER),
            (Kind::String, Self::STRING),
            (Kind::Array, Self::LIST),
            (Kind::Object, Self::MAP),
        ];
        let has = |kind| shape.alternatives.iter().any(|one| one.types.allows(kind));
        let are_integers = |types: Types| !types.allows(Kind::Number) || types.are_integers();
        if has(Kind::Number) && shape.alternatives.iter().all(|one| are_integers(one.types)) {
            kinds[2].1 = Self::INTEGER;
        }
        kinds.into_iter().filter(|(kind, _)| has(*kind)).fold(Self::NONE, |all, (_, own)| all.or(own))
    }

    pub(in crate::script) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether some kind is in both.
    pub(in crate::script) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of these are among its own, and there is one.
    pub(super) fn holds(self, others: Self) -> bool {
        others != Self::NONE && others.0 & !self.0 == 0
    }

    /// Whether something is known: some kinds and not all.
    pub(super) fn is_known(self) -> bool {
        self != Self::ANY && self != Self::NONE
    }

    /// Whether values of these kinds are known and none of them may take the place of one of `others`: a number may take
    /// that of any number.
    pub(super) fn excludes(self, others: Self) -> bool {
        let widened = if others.meets(Self::NUMBER) { others.or(Self::NUMBER) } else { others };
        self.lacks(widened)
    }

    /// Whether values of these kinds are known and none of them is one of `others`.
    pub(super) fn lacks(self, others: Self) -> bool {
        self.is_known() && !self.meets(others)
    }

    /// An empty value of one of the kinds, as a script writes it.
    pub(super) fn empty(self) -> &'static str {
        let empty = [
            (Self::LIST, "[]"),
            (Self::STRING, "\"\""),
            (Self::NUMBER, "0"),
            (Self::BOOL, "false"),
            (Self::MAP, "#{}"),
        ];
        let own = empty.iter().find(|(kind, _)| self != Self::ANY && self.meets(*kind));
        own.map_or("#{}", |(_, empty)| empty)
    }

    /// The kinds in words, such as ``a string or `()` ``.
    pub(super) fn words(self) -> String {
        let words = [
            (Self::BOOL, "a boolean"),
            (Self::STRING, "a string"),
            (Self::LIST, "a list"),
            (Self::MAP, "an object"),
            (Self::OTHER, "a closure"),
            (Self::UNIT, "`()`"),
        ];
        let number = match self.0 & Self::NUMBER.0 {
            own if own == Self::INTEGER.0 => Some("an integer"),
            own if own == Self::FRACTION.0 => Some("a fraction"),
            0 => None,
            _ => Some("a number"),
        };
        let own = |kinds: &[(Self, &'static str)]| -> Vec<&str> {
            kinds.iter().filter(|(kind, _)| self.meets(*kind)).map(|(_, word)| *word).collect()
        };
        let (before, after) = words.split_at(1);
        [own(before), number.into_iter().collect(), own(after)].concat().join(" or ")
    }
}
