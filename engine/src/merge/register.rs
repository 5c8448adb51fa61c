//! Single values: which of two stays.
//!
//! Laws: L1 identity, L2 re-login, L6 inflationary (but `anonymous`), L7 no invention, L8 bounded, L9 total.

use std::cmp::Ordering;

use super::Made;
use crate::instant;
use crate::json::{Json, Kind, View};

/// The anonymous value, where the account has none.
pub(super) fn coalesce(account: Option<View<'_>>, anonymous: View<'_>) -> Made {
    if account.is_some() { Made::Keep } else { Made::Write(anonymous.to_json()) }
}

/// The anonymous value, where the account's is blank.
pub(super) fn fill(account: Option<View<'_>>, anonymous: View<'_>) -> Made {
    if account.is_some_and(|value| !is_blank(value)) || is_blank(anonymous) {
        Made::Keep
    } else {
        Made::Write(anonymous.to_json())
    }
}

/// Null, `""`, `[]` or `{}`.
pub(super) fn is_blank(value: View<'_>) -> bool {
    match value.kind() {
        Kind::Null => true,
        Kind::String => value.as_text().is_some_and(|text| text.is("")),
        Kind::Array | Kind::Object => value.is_empty(),
        _ => false,
    }
}

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

/// The later or earlier time; an unreadable one is ignored on the anonymous side and kept on the account's.
pub(super) fn time(account: Option<View<'_>>, anonymous: View<'_>, wins: Ordering) -> Made {
    match (account.map(instant::read), instant::read(anonymous)) {
        (None, Some(_)) => Made::Write(anonymous.to_json()),
        (Some(Some(current)), Some(value)) if value.cmp(&current) == wins => Made::Write(anonymous.to_json()),
        _ => Made::Keep,
    }
}
