//! `fill`: the first that is not blank (null, `""`, `[]`, `{}`). As a strategy: `"fill"`.
//!
//! Laws: L1, L2, L6–L9.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""fill""#, r#""""#, r#""de""#), r#""de""#);
//! assert_eq!(merged(r#""fill""#, "false", "true"), "false");
//! ```

use super::Made;
use super::law::Laws;
use crate::json::{Kind, View};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// The anonymous value, where the account's is blank.
pub(super) fn fill(account: Option<View<'_>>, anonymous: View<'_>) -> Made {
    if account.is_some_and(|value| !is_blank(value)) || is_blank(anonymous) {
        Made::Keep
    } else {
        Made::Write(anonymous.to_json())
    }
}

/// Whether a value is null, `""`, `[]` or `{}`.
#[must_use]
pub fn is_blank(value: View<'_>) -> bool {
    match value.kind() {
        Kind::Null => true,
        Kind::String => value.as_text().is_some_and(|text| text.is("")),
        Kind::Array | Kind::Object => value.is_empty(),
        _ => false,
    }
}
