//! `"all"`, `"any"`: logical and, logical or.
//!
//! Laws: L1, L2, L3–L5, L6–L9. With `"all"` a permissive anonymous value never lifts an opt-out.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""all""#, "false", "true"), "false");
//! assert_eq!(merged(r#""all""#, "true", "false"), "false");
//! assert_eq!(merged(r#""any""#, "false", "true"), "true");
//! assert_eq!(merged(r#""any""#, "null", "false"), "false");
//! ```

use super::law::Laws;
use super::named::Named;
use super::{Made, Strategy};
use crate::json::View;

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// `all` by name.
pub(super) const ALL: Named = Named {
    name: "all",
    alias: None,
    summary: "true where both are true; a visitor's `false` wins",
    plain: Some(|| Strategy::All),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("any"),
    example: [r#""all""#, "true", "false", "false"],
};

/// `any` by name.
pub(super) const ANY: Named = Named {
    name: "any",
    alias: None,
    summary: "true where one is true",
    plain: Some(|| Strategy::Any),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("all"),
    example: [r#""any""#, "false", "true", "true"],
};

/// Logical and (`decisive` false) or or (`decisive` true): the decisive value wins, from whichever side.
pub(super) fn logical(account: Option<View<'_>>, anonymous: View<'_>, decisive: bool) -> Made {
    match (account.map(View::as_bool), anonymous.as_bool()) {
        (None, Some(_)) => Made::Write(anonymous.to_json()),
        (Some(Some(current)), Some(value)) if value == decisive && current != decisive => {
            Made::Write(anonymous.to_json())
        }
        _ => Made::Keep,
    }
}
