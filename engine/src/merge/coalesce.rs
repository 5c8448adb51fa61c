//! `coalesce`: the first that is not null. As a strategy: `"account"`.
//!
//! Laws: L1, L2, L6–L9.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""account""#, "1", "2"), "1");
//! assert_eq!(merged(r#""account""#, "null", "2"), "2");
//! ```

use super::function::{Code, Function, Gives, SIDES};
use super::law::Laws;
use super::named::Named;
use super::{Made, Strategy};
use crate::json::View;

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// `account` by name.
pub(super) const STRATEGY: Named = Named {
    name: "account",
    alias: Some("coalesce"),
    summary: "the account's value, or the visitor's where it has none",
    plain: Some(|| Strategy::Account),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("anonymous"),
    example: [r#""account""#, "1", "2", "1"],
};

/// `coalesce` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "coalesce",
    signature: "coalesce(account, anonymous)",
    summary: "the first value that is not null",
    arguments: (2, 2),
    sides: Some(SIDES),
    options: None,
    gives: Gives::Either,
    mutant: Some("fill"),
    example: ["coalesce((), 2)", "2"],
    code: Code::Strategy(|_| Ok(Strategy::Account)),
};

/// The anonymous value, where the account has none.
pub(super) fn coalesce(account: Option<View<'_>>, anonymous: View<'_>) -> Made {
    if account.is_some() { Made::Keep } else { Made::Write(anonymous.to_json()) }
}
