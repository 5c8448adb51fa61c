//! `add`: the sum of two numbers. As strategies: `"sum"`, `["sum", cap]`.
//!
//! Laws: L1, L4–L7, L9. Not L8 of many sums together, and not L2: a login that comes twice adds twice, so it needs `session.once`.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""sum""#, "1", "3"), "4");
//! assert_eq!(merged(r#"["sum", 3]"#, "1", "3"), "3");
//! assert_eq!(merged(r#"["sum", 3]"#, "9", "3"), "9");
//! assert_eq!(merged(r#""sum""#, "1", "-3"), "1");
//! assert_eq!(merged(r#""sum""#, "9223372036854775807", "1"), "9223372036854775807");
//! ```

use super::function::{Code, Function, Gives, SIDES};
use super::law::{Law, Laws};
use super::named::{Adds, Named};
use super::options::value_error;
use super::takes::Takes;
use super::{Made, Strategy};
use crate::json::{Document, Json, Number, View};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE.without(Law::Relogin).without(Law::Bounded);

/// `sum` by name.
pub(super) const STRATEGY: Named = Named {
    name: "sum",
    alias: Some("add"),
    summary: "the sum of two numbers; an option caps it; needs `session.once`",
    plain: Some(|| Strategy::Sum(None)),
    takes: Some(Takes::Cap),
    with: Some(|cap, _| match cap.as_number() {
        Some(_) => Ok(Strategy::Sum(Some(cap.to_json()))),
        None => value_error(cap, "a number"),
    }),
    adds: Some(Adds::Numbers),
    mutant: Some("max"),
    example: [r#"["sum", 99]"#, "1", "3", "4"],
};

/// `add` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "add",
    signature: "add(account, anonymous, cap)",
    summary: "the sum of two numbers, at most `cap`; needs `session.once`",
    arguments: (2, 3),
    sides: Some(SIDES),
    options: None,
    gives: Gives::Either,
    mutant: None,
    example: ["add(1, 3)", "4"],
    code: Code::Strategy(|arguments| Ok(Strategy::Sum(arguments.number(2)?))),
};

/// The saturating sum; the cap bounds what is added, negatives are ignored, the account's number is never lowered.
///
/// Anything but a number is ignored on the anonymous side and kept on the account's.
pub(super) fn add(account: Option<View<'_>>, anonymous: View<'_>, cap: Option<&Json>) -> Made {
    let positive = |number: &Number<'_>| number.compare(Number::Int(0)).is_gt();
    let Some(more) = anonymous.as_number().filter(positive) else { return Made::Keep };
    let current = match account.map(View::as_number) {
        Some(None) => return Made::Keep,
        Some(current) => current,
        None => None,
    };
    let sum = match current {
        None => Some(anonymous.to_json()),
        Some(current) => sum(current, more),
    };
    let Some(sum) = sum else { return Made::Keep };
    let over = |cap: &&Json| {
        let (sum, cap) = (sum.view().as_number(), cap.view().as_number());
        sum.zip(cap).is_some_and(|(sum, cap)| sum.compare(cap).is_gt())
    };
    let sum = cap.filter(over).unwrap_or(&sum).clone();
    let grows = |current: Number<'_>| sum.view().as_number().is_some_and(|sum| sum.compare(current).is_gt());
    if current.is_none_or(grows) { Made::Write(sum) } else { Made::Keep }
}

/// The sum of two numbers: exact between integers of 64 bits, with or without sign, else as floats; none if not finite.
fn sum(a: Number<'_>, b: Number<'_>) -> Option<Json> {
    if let Some((a, b)) = a.as_i64().zip(b.as_i64()) {
        return Some(Json::Int(a.saturating_add(b)));
    }
    if let Some((a, b)) = whole(a).zip(whole(b)) {
        let sum = (a + b).min(i128::from(u64::MAX));
        return i64::try_from(sum).map(Json::Int).ok().or_else(|| {
            let document = Document::read(sum.to_string().as_bytes()).ok()?;
            Some(document.root().to_json())
        });
    }
    let sum = a.as_f64() + b.as_f64();
    sum.is_finite().then_some(Json::Float(sum))
}

/// A number as an integer of 64 bits, if it is written as one.
fn whole(number: Number<'_>) -> Option<i128> {
    match number {
        Number::Int(value) => Some(i128::from(value)),
        Number::Decimal(text) => text.parse::<u64>().ok().map(i128::from),
        Number::Float(_) => None,
    }
}

/// What `anonymous` has more than `base`, where both are numbers; nothing if it has less.
pub(super) fn difference(base: View<'_>, anonymous: View<'_>) -> Option<Json> {
    let (base, anonymous) = (base.as_number()?, anonymous.as_number()?);
    if anonymous.compare(base).is_le() {
        return None;
    }
    if let Some((base, anonymous)) = base.as_i64().zip(anonymous.as_i64()) {
        return Some(Json::Int(anonymous.saturating_sub(base)));
    }
    let difference = anonymous.as_f64() - base.as_f64();
    difference.is_finite().then_some(Json::Float(difference))
}
