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

use super::function::{Code, Function, Gives, SIDES};
use super::law::Laws;
use super::named::Named;
use super::options::value_error;
use super::takes::Takes;
use super::{Made, Strategy};
use crate::json::{Json, View};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// `max` by name.
pub(super) const MAX: Named = Named {
    name: "max",
    alias: Some("max_of"),
    summary: "the larger number; an option caps what is added",
    plain: Some(|| Strategy::Max(None)),
    takes: Some(Takes::Cap),
    with: Some(|cap, _| match cap.as_number() {
        Some(_) => Ok(Strategy::Max(Some(cap.to_json()))),
        None => value_error(cap, "a number"),
    }),
    adds: None,
    mutant: Some("min"),
    example: [r#"["max", 99]"#, "1", "3", "3"],
};

/// `min` by name.
pub(super) const MIN: Named = Named {
    name: "min",
    alias: Some("min_of"),
    summary: "the smaller number",
    plain: Some(|| Strategy::Min),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("max"),
    example: [r#""min""#, "3", "1", "1"],
};

/// `max_of` for scripts.
pub(super) const MAX_OF: Function = Function {
    name: "max_of",
    signature: "max_of(account, anonymous)",
    summary: "the larger of two numbers",
    arguments: (2, 2),
    sides: Some(SIDES),
    options: None,
    gives: Gives::Either,
    mutant: Some("min_of"),
    example: ["max_of(1, 3)", "3"],
    code: Code::Strategy(|_| Ok(Strategy::Max(None))),
};

/// `min_of` for scripts.
pub(super) const MIN_OF: Function = Function {
    name: "min_of",
    signature: "min_of(account, anonymous)",
    summary: "the smaller of two numbers",
    arguments: (2, 2),
    sides: Some(SIDES),
    options: None,
    gives: Gives::Either,
    mutant: Some("max_of"),
    example: ["min_of(1, 3)", "1"],
    code: Code::Strategy(|_| Ok(Strategy::Min)),
};

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
