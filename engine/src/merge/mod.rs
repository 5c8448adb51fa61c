//! How the account's value and the session's become one: the strategies, native on the tree.
//!
//! The first operand is always the account's, the second the anonymous one; `null` is absent. Nothing here fails on
//! anonymous data, and an account's value of a shape that a strategy cannot use stays as it is.

mod context;
mod law;
mod group;
mod key;
mod coalesce;
mod fill;
mod anonymous;
mod extreme;
mod add;
mod ordinal;
mod logical;
mod latest;
mod union;
mod concat;
mod fields;
mod each;
mod keyed_union;
mod clamp_times;
mod recent;
mod preset;
mod strategy;
mod named;
mod fit;
mod three_way;
mod merge_patch;
mod drop_expired;
mod most_frequent;
mod pick;
mod times;
mod takes;
mod option_error;
mod options;
mod function;

pub use clamp_times::clamps;
pub use context::{Context, Losses, Work};
pub use fill::is_blank;
pub use fit::{Misfit, Why, misfits};
pub use function::{Called, Function, Gives, Refused, call, options};
pub use key::{Key, Part};
pub use keyed_union::{KeyedUnion, Otherwise};
pub use law::{Law, Laws};
pub use named::{Adds, Named, Plain};
pub use option_error::{OptionError, OptionErrorKind, OptionProblem};
pub use options::{adds, is_strategy, strategy_names};
pub use preset::{Cart, Preset};
pub use recent::Recent;
pub use strategy::Strategy;
pub use takes::{DEFAULT, OptionSpec, Takes, takes};

use crate::budget::{Budget, Overrun};
use crate::json::{Document, Json};

/// What a strategy made of two values.
#[derive(Clone, Debug)]
pub enum Made {
    /// The account's value stays.
    Keep,
    /// The new value.
    Write(Json),
}

impl Made {
    /// The value, where it goes on in a script.
    #[must_use]
    pub fn or(self, account: Option<Json>) -> Json {
        match self {
            Self::Keep => account.unwrap_or(Json::Null),
            Self::Write(value) => value,
        }
    }
}

/// Why a strategy made nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account's value is neither null nor of the shape that the strategy merges.
    AccountShape,
    /// The budget is spent.
    Overrun,
}

impl From<Overrun> for Refusal {
    fn from(_: Overrun) -> Self {
        Self::Overrun
    }
}

/// What every strategy returns.
pub type Merging = Result<Made, Refusal>;

/// What a strategy makes of two JSON texts, as text: for examples and tests. What cannot be read gives an empty text.
#[must_use]
pub fn merged(strategy: &str, account: &str, anonymous: &str) -> String {
    let read = |text: &str| Document::read(text.as_bytes()).ok();
    let (Some(strategy), Some(account), Some(anonymous)) = (read(strategy), read(account), read(anonymous)) else {
        return String::new();
    };
    let context = Context { now: i64::MAX / 2, session_created_at: 0 };
    let mut work = Work { context, budget: &Budget::unbounded(), losses: &mut Losses::default() };
    let made = Strategy::read(strategy.root()).map(|own| own.merge(Some(account.root()), anonymous.root(), &mut work));
    match made {
        Ok(Ok(made)) => made.or(Some(account.root().to_json())).view().to_text(),
        Ok(Err(Refusal::AccountShape)) => account.root().to_json().view().to_text(),
        _ => String::new(),
    }
}
