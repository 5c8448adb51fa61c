//! `fill`: the first that is not blank (null, `""`, `[]`, `{}`). As a strategy: `"fill"`.
//!
//! Laws: L1, L2, L6–L9.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""fill""#, r#""""#, r#""de""#), r#""de""#);
//! assert_eq!(merged(r#""fill""#, "false", "true"), "false");
//! ```

use super::function::{Called, Code, Function, Gives, SIDES};
use super::law::Laws;
use super::named::Named;
use super::{Made, Strategy};
use crate::json::{Json, Kind, View};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// `fill` by name.
pub(super) const STRATEGY: Named = Named {
    name: "fill",
    alias: None,
    summary: "the account's value, or the visitor's where it is blank (null, empty string, list or object)",
    plain: Some(|| Strategy::Fill),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("anonymous"),
    example: [r#""fill""#, r#""""#, r#""de""#, r#""de""#],
};

/// `fill` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "fill",
    signature: "fill(account, anonymous)",
    summary: "the first value that is not blank (null, empty string, list or object)",
    arguments: (2, 2),
    sides: Some(SIDES),
    options: None,
    gives: Gives::Either,
    mutant: Some("coalesce"),
    example: [r#"fill("", "de")"#, r#""de""#],
    code: Code::Strategy(|_| Ok(Strategy::Fill)),
};

/// `is_blank` for scripts.
pub(super) const IS_BLANK: Function = Function {
    name: "is_blank",
    signature: "is_blank(value)",
    summary: "whether a value is null, or an empty string, list or object",
    arguments: (1, 1),
    sides: None,
    options: None,
    gives: Gives::Boolean,
    mutant: None,
    example: ["is_blank([])", "true"],
    code: Code::Helper(|arguments| Ok(Called::Value(Json::Bool(is_blank(arguments.at(0)))))),
};

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
