//! What one keyword asks of a value as it stands: types, bounds, lists of values, patterns and formats.

use std::cmp::Ordering;
use std::sync::Arc;

use super::format::Format;
use super::pattern::{Pattern, match_cost};
use crate::fate::Keyword;
use crate::json::{Divisor, Json, Kind, Number, Text, View, compare, same, same_rounded};

/// A set of JSON Schema types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Types(u8);

const NULL: u8 = 1;
const BOOLEAN: u8 = 2;
const FRACTION: u8 = 4;
const INTEGER: u8 = 8;
const STRING: u8 = 16;
const ARRAY: u8 = 32;
const OBJECT: u8 = 64;

impl Types {
    /// No type.
    pub const NONE: Self = Self(0);
    /// Every type.
    pub const ALL: Self = Self(127);
    /// The words of JSON Schema.
    pub const WORDS: [&'static str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

    /// The type of a word.
    #[must_use]
    pub fn by_word(word: &str) -> Option<Self> {
        Some(Self(match word {
            "null" => NULL,
            "boolean" => BOOLEAN,
            "number" => FRACTION | INTEGER,
            "integer" => INTEGER,
            "string" => STRING,
            "array" => ARRAY,
            "object" => OBJECT,
            _ => return None,
        }))
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The types of the values of a kind.
    pub(super) fn of(kind: Kind) -> Self {
        Self(match kind {
            Kind::Null => NULL,
            Kind::Bool => BOOLEAN,
            Kind::Number => FRACTION | INTEGER,
            Kind::String => STRING,
            Kind::Array => ARRAY,
            Kind::Object => OBJECT,
        })
    }

    /// Whether some value of this kind has one of the types.
    #[must_use]
    pub fn allows(self, kind: Kind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }

    /// Whether all numbers of these types are integers.
    #[must_use]
    pub fn are_integers(self) -> bool {
        self.0 & (FRACTION | INTEGER) == INTEGER
    }

    /// Whether a number that is written as an integer is allowed.
    pub(super) fn allows_integers(self) -> bool {
        self.0 & INTEGER != 0
    }

    /// Whether a number is allowed. Before draft 6, `1.0` was no integer.
    pub(super) fn allows_number(self, number: Number<'_>, draft: u16) -> bool {
        match self.0 & (FRACTION | INTEGER) {
            INTEGER if draft == 4 => number.is_integer() && number.is_written_as_integer(),
            INTEGER => number.is_integer(),
            FRACTION => !number.is_integer(),
            both => both != 0,
        }
    }
}

/// The values of an `enum`, and their order.
pub(super) struct Listed {
    pub(super) values: Vec<Json>,
    /// Their positions, sorted by value; none where they are few.
    order: Vec<u32>,
}

/// So many values are looked through; more are looked up.
const LOOKED_THROUGH: usize = 8;

impl Listed {
    pub(super) fn new(values: Vec<Json>) -> Self {
        let mut order: Vec<u32> = Vec::new();
        if values.len() > LOOKED_THROUGH {
            let view = |at: u32| values.get(at as usize).map_or(View::Built(&Json::Null), Json::view);
            order = (0..).take(values.len()).collect();
            order.sort_by(|a, b| compare(view(*a), view(*b)));
        }
        Self { values, order }
    }

    fn has(&self, value: View<'_>) -> bool {
        if self.order.is_empty() {
            return self.values.iter().any(|one| same(one.view(), value));
        }
        let own = |at: &u32| self.values.get(*at as usize).map_or(Ordering::Less, |one| compare(one.view(), value));
        self.order.binary_search_by(own).is_ok()
    }
}

/// One keyword that looks at a scalar.
#[derive(Clone)]
pub(super) enum Check {
    Enum(Arc<Listed>),
    Const(Json),
    Minimum(Json),
    Maximum(Json),
    ExclusiveMinimum(Json),
    ExclusiveMaximum(Json),
    MultipleOf(Divisor),
    MinLength(usize),
    MaxLength(usize),
    Pattern(Pattern),
    Format(Format),
}

impl Check {
    pub(super) fn keyword(&self) -> Keyword {
        match self {
            Self::Enum(_) => Keyword::Enum,
            Self::Const(_) => Keyword::Const,
            Self::Minimum(_) => Keyword::Minimum,
            Self::Maximum(_) => Keyword::Maximum,
            Self::ExclusiveMinimum(_) => Keyword::ExclusiveMinimum,
            Self::ExclusiveMaximum(_) => Keyword::ExclusiveMaximum,
            Self::MultipleOf(_) => Keyword::MultipleOf,
            Self::MinLength(_) => Keyword::MinLength,
            Self::MaxLength(_) => Keyword::MaxLength,
            Self::Pattern(_) => Keyword::Pattern,
            Self::Format(_) => Keyword::Format,
        }
    }

    /// The values that it lists.
    pub(super) fn listed(&self) -> &[Json] {
        match self {
            Self::Enum(listed) => &listed.values,
            Self::Const(value) => std::slice::from_ref(value),
            _ => &[],
        }
    }

    /// Whether it holds for some object or list.
    pub(super) fn names_containers(&self) -> bool {
        let is_container = |value: &Json| matches!(value.view().kind(), Kind::Array | Kind::Object);
        match self {
            Self::Enum(listed) => listed.values.iter().any(is_container),
            Self::Const(value) => is_container(value),
            _ => false,
        }
    }

    /// Whether the keyword looks at values of this kind at all.
    pub(super) fn looks_at(&self, kind: Kind) -> bool {
        match self {
            Self::Enum(_) | Self::Const(_) => true,
            Self::MinLength(_) | Self::MaxLength(_) | Self::Pattern(_) | Self::Format(_) => kind == Kind::String,
            _ => kind == Kind::Number,
        }
    }

    /// Whether a scalar holds, its number or text already read; one that the keyword does not look at always does.
    pub(super) fn holds(&self, value: View<'_>, number: Option<Number<'_>>, text: Option<Text<'_>>) -> bool {
        match self {
            Self::Enum(listed) => listed.has(value),
            Self::Const(one) => same(one.view(), value),
            _ => match (number, text) {
                (Some(number), _) => self.holds_number(number),
                (_, Some(text)) => self.holds_text(text),
                _ => true,
            },
        }
    }

    /// Whether a value holds for validators that know 64-bit integers and floats only (R21).
    pub(super) fn holds_rounded(&self, value: View<'_>, number: Option<Number<'_>>, text: Option<Text<'_>>) -> bool {
        match (self, number) {
            (Self::Enum(listed), _) => listed.values.iter().any(|one| same_rounded(one.view(), value)),
            (Self::Const(one), _) => same_rounded(one.view(), value),
            (_, Some(number)) => {
                let own = number.rounded();
                let order = |bound: &Json| bound.view().as_number().map(|bound| own.compare(bound.rounded()));
                match self {
                    Self::Minimum(bound) => order(bound).is_none_or(Ordering::is_ge),
                    Self::Maximum(bound) => order(bound).is_none_or(Ordering::is_le),
                    Self::ExclusiveMinimum(bound) => order(bound).is_none_or(Ordering::is_gt),
                    Self::ExclusiveMaximum(bound) => order(bound).is_none_or(Ordering::is_lt),
                    Self::MultipleOf(divisor) => own.is_multiple_of(&value.to_text(), *divisor),
                    _ => true,
                }
            }
            _ => self.holds(value, number, text),
        }
    }

    /// Whether it names a number that a 64-bit float does not hold.
    pub(super) fn is_inexact(&self) -> bool {
        fn inexact(value: View<'_>) -> bool {
            value.as_number().is_some_and(Number::is_lost_in_floats)
                || value.items().chain(value.members().map(|(_, member)| member)).any(inexact)
        }
        match self {
            Self::Minimum(one) | Self::Maximum(one) | Self::ExclusiveMinimum(one) | Self::ExclusiveMaximum(one) => {
                inexact(one.view())
            }
            Self::MultipleOf(divisor) => !divisor.is_exact(),
            _ => self.listed().iter().any(|one| inexact(one.view())),
        }
    }

    /// Whether a number is what a 64-bit float makes of one that the keyword names.
    pub(super) fn rounds_to(&self, number: Number<'_>) -> bool {
        fn has(value: View<'_>, number: Number<'_>) -> bool {
            value.as_number().is_some_and(|own| own.rounded().compare(number.rounded()).is_eq())
                || value.items().chain(value.members().map(|(_, member)| member)).any(|one| has(one, number))
        }
        match self {
            Self::Minimum(one) | Self::Maximum(one) | Self::ExclusiveMinimum(one) | Self::ExclusiveMaximum(one) => {
                has(one.view(), number)
            }
            Self::MultipleOf(_) => true,
            _ => self.listed().iter().any(|one| has(one.view(), number)),
        }
    }

    /// Units of work that asking it of a value takes, beyond looking at the value.
    pub(super) fn cost(&self, value: View<'_>, text: Option<Text<'_>>) -> u64 {
        match self {
            Self::Enum(listed) => u64::from(listed.values.len().ilog2() + 1) * (1 + value.len() as u64) / 8,
            Self::Pattern(pattern) => text.map_or(0, |text| match_cost(text.source_bytes(), pattern.positions())),
            _ => 0,
        }
    }

    fn holds_number(&self, number: Number<'_>) -> bool {
        let order = |bound: &Json| bound.view().as_number().map_or(Ordering::Equal, |bound| number.compare(bound));
        match self {
            Self::Minimum(bound) => order(bound).is_ge(),
            Self::Maximum(bound) => order(bound).is_le(),
            Self::ExclusiveMinimum(bound) => order(bound).is_gt(),
            Self::ExclusiveMaximum(bound) => order(bound).is_lt(),
            Self::MultipleOf(divisor) => number.is_multiple_of(*divisor),
            _ => true,
        }
    }

    fn holds_text(&self, text: Text<'_>) -> bool {
        match self {
            // a code point takes one to four bytes, an escape more: most texts need no counting
            Self::MinLength(min) => {
                let bytes = text.source_bytes();
                bytes >= *min && (*min <= 1 || text.code_points() >= *min)
            }
            Self::MaxLength(max) => text.source_bytes() <= *max || text.code_points() <= *max,
            Self::Pattern(pattern) => pattern.matches(&text.decode()),
            Self::Format(format) => format.holds(&text.decode()),
            _ => true,
        }
    }
}
