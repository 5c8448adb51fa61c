//! `coalesce`: the first that is not null. As a strategy: `"account"`.
//!
//! Laws: L1, L2, L6–L9.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""account""#, "1", "2"), "1");
//! assert_eq!(merged(r#""account""#, "null", "2"), "2");
//! ```

use super::Made;
use super::law::Laws;
use crate::json::View;

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// The anonymous value, where the account has none.
pub(super) fn coalesce(account: Option<View<'_>>, anonymous: View<'_>) -> Made {
    if account.is_some() { Made::Keep } else { Made::Write(anonymous.to_json()) }
}
