//! How the account's value and the session's become one: the strategies, native on the tree.
//!
//! The first operand is always the account's, the second the anonymous one; `null` is absent. Nothing here fails on
//! anonymous data, and an account's value of a shape that a strategy cannot use stays as it is.

mod context;
mod group;
mod register;
mod union;
mod fields;
mod keyed_union;
mod recent;
mod strategy;
mod options;

pub use context::{Context, Work};
pub use options::{OptionError, OptionErrorKind, of_call};
pub use strategy::{Strategy, is_blank};

use crate::budget::Overrun;
use crate::json::Json;

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
