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

use super::Made;
use super::law::Laws;
use crate::json::{Json, View, same};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// Values from the lowest to the highest.
#[derive(Clone, Debug)]
pub struct Ordinal {
    /// The declared values.
    pub order: Vec<Json>,
    /// Whether the later one wins, or the earlier.
    pub wins: Ordering,
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
