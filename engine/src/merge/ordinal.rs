//! `highest`, `lowest`: the value that stands later or earlier in a declared list. As strategies: `["highest", order]`.
//!
//! Laws: L1, L2, L3–L5, L6–L9.
//!
//! ```
//! # use handover_engine::merge::merged;
//! let tiers = r#"["highest", ["silver", "gold", "platinum"]]"#;
//! assert_eq!(merged(tiers, r#""gold""#, r#""platinum""#), r#""platinum""#);
//! assert_eq!(merged(tiers, r#""gold""#, r#""diamond""#), r#""gold""#);
//! assert_eq!(merged(tiers, r#""diamond""#, r#""gold""#), r#""diamond""#);
//! ```

use std::cmp::Ordering;

use super::function::{Code, Function, Gives};
use super::law::Laws;
use super::named::Named;
use super::options::{Read, value_error};
use super::takes::Takes;
use super::{Made, Strategy};
use crate::json::{Json, Kind, View, same};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// `highest` by name.
pub(super) const HIGHEST_OF: Named = Named {
    name: "highest",
    alias: None,
    summary: "the value that is later in a declared list",
    plain: None,
    takes: Some(Takes::Order),
    with: Some(|order, _| Ok(Strategy::Ordinal(Ordinal::read(order, Ordering::Greater)?))),
    adds: None,
    mutant: Some("lowest"),
    example: [r#"["highest", ["silver", "gold"]]"#, r#""silver""#, r#""gold""#, r#""gold""#],
};

/// `lowest` by name.
pub(super) const LOWEST_OF: Named = Named {
    name: "lowest",
    alias: None,
    summary: "the value that is earlier in a declared list",
    plain: None,
    takes: Some(Takes::Order),
    with: Some(|order, _| Ok(Strategy::Ordinal(Ordinal::read(order, Ordering::Less)?))),
    adds: None,
    mutant: Some("highest"),
    example: [r#"["lowest", ["silver", "gold"]]"#, r#""gold""#, r#""silver""#, r#""silver""#],
};

/// `highest` for scripts.
pub(super) const HIGHEST: Function = Function {
    name: "highest",
    signature: "highest(order, account, anonymous)",
    summary: "the value that is later in a declared list",
    arguments: (3, 3),
    sides: Some([1, 2]),
    options: None,
    gives: Gives::Either,
    mutant: Some("lowest"),
    example: [r#"highest(["silver", "gold"], "silver", "gold")"#, r#""gold""#],
    code: Code::Strategy(|arguments| Ok(Strategy::Ordinal(Ordinal::read(arguments.at(0), Ordering::Greater)?))),
};

/// `lowest` for scripts.
pub(super) const LOWEST: Function = Function {
    name: "lowest",
    signature: "lowest(order, account, anonymous)",
    summary: "the value that is earlier in a declared list",
    arguments: (3, 3),
    sides: Some([1, 2]),
    options: None,
    gives: Gives::Either,
    mutant: Some("highest"),
    example: [r#"lowest(["silver", "gold"], "silver", "gold")"#, r#""silver""#],
    code: Code::Strategy(|arguments| Ok(Strategy::Ordinal(Ordinal::read(arguments.at(0), Ordering::Less)?))),
};

/// Values from the lowest to the highest.
#[derive(Clone, Debug)]
pub struct Ordinal {
    /// The declared values.
    pub order: Vec<Json>,
    /// Whether the later one wins, or the earlier.
    pub wins: Ordering,
}

impl Ordinal {
    /// Reads the declared list of `highest` and `lowest`.
    pub(super) fn read(options: View<'_>, wins: Ordering) -> Read<'_, Self> {
        if options.kind() != Kind::Array || options.is_empty() {
            return value_error(options, "a list of values, from the lowest to the highest");
        }
        Ok(Self { order: options.items().map(View::to_json).collect(), wins })
    }
}

impl Ordinal {
    /// Of two listed values the winning one; what is not listed is ignored on the anonymous side and kept on the account's.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>) -> Made {
        match (account.map(|value| self.rank(value)), self.rank(anonymous)) {
            (None, Some(_)) => Made::Write(anonymous.to_json()),
            (Some(Some(ours)), Some(theirs)) if theirs.cmp(&ours) == self.wins => Made::Write(anonymous.to_json()),
            _ => Made::Keep,
        }
    }

    fn rank(&self, value: View<'_>) -> Option<usize> {
        self.order.iter().position(|listed| same(listed.view(), value))
    }
}
