//! `max_of`, `min_of`: the larger or smaller number. As strategies: `"max"`, `"min"`, `["max", cap]`.
//!
//! Laws: L1, L2, L3–L5, L6–L9; `min` lowers the account's number, as its author asks.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""max""#, "2", "5"), "5");
//! assert_eq!(merged(r#"["max", 4]"#, "2", "5"), "4");
//! assert_eq!(merged(r#"["max", 4]"#, "9", "5"), "9");
//! assert_eq!(merged(r#""max""#, "2", r#""5""#), "2");
//! ```

use std::cmp::Ordering;

use super::Made;
use super::law::Laws;
use crate::json::{Json, View};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// The larger or smaller number; a cap bounds what is added and never lowers the account's.
///
/// Anything but a number is ignored on the anonymous side and kept on the account's.
pub(super) fn extreme(account: Option<View<'_>>, anonymous: View<'_>, cap: Option<&Json>, wins: Ordering) -> Made {
    let (Some(number), current) = (anonymous.as_number(), account.map(View::as_number)) else { return Made::Keep };
    let cap = cap.filter(|cap| cap.view().as_number().is_some_and(|cap| number.compare(cap).is_gt()));
    let (candidate, number) = cap.map_or((anonymous, number), |cap| {
        let view = cap.view();
        (view, view.as_number().unwrap_or(number))
    });
    match current {
        Some(Some(current)) if number.compare(current) != wins => Made::Keep,
        Some(None) => Made::Keep,
        _ => Made::Write(candidate.to_json()),
    }
}
