//! What a guard decides: `allow()`, `deny(reason)` or `require(fields, reason)`. Each ends the guard where it stands, so that
//! no decision can be dropped.

use rhai::{Array, Engine, EvalAltResult, Map};

use super::convert::{Handle, failure};
use super::running::{Stop, end, in_guard};
use crate::decision::ScriptStop;

/// What an anonymous caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `allow`, `deny` or `require`.
    pub outcome: &'static str,
    /// Why, where it is not allowed as it is: the guard's own text, or [`GuardFailure::word`].
    pub reason: String,
    /// What the caller must give first: names of 1 to 64 letters, digits, `_`, `-`, `.` and `/`.
    pub fields: Vec<String>,
    /// Why no guard decided.
    pub failure: Option<GuardFailure>,
}

/// Why no guard decided: then the operation is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardFailure {
    /// The policy has none for the operation.
    NoGuard,
    /// It failed, or ended without a decision.
    Script(ScriptStop),
    /// It spent its budget.
    Budget(ScriptStop),
}

impl GuardFailure {
    /// The reason that the caller reads.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoGuard => "no_guard",
            Self::Script(_) => "script_failed",
            Self::Budget(_) => "budget_exceeded",
        }
    }

    /// Where its script stopped.
    #[must_use]
    pub fn stop(&self) -> Option<&ScriptStop> {
        match self {
            Self::NoGuard => None,
            Self::Script(stop) | Self::Budget(stop) => Some(stop),
        }
    }
}

impl Verdict {
    /// The words for what can come of it.
    pub const WORDS: [&'static str; 3] = ["allow", "deny", "require"];

    /// It may be done.
    #[must_use]
    pub fn allow() -> Self {
        Self { outcome: "allow", reason: String::new(), fields: Vec::new(), failure: None }
    }

    /// It may not, since no guard decided.
    #[must_use]
    pub fn failed(failure: GuardFailure) -> Self {
        let reason = failure.word().to_owned();
        Self { outcome: "deny", reason, fields: Vec::new(), failure: Some(failure) }
    }
}

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Characters of a reason.
const REASON_MAX: usize = 200;
/// Bytes of a field's name.
const FIELD_MAX: usize = 64;

/// Registers the verbs, and what a guard may not compare.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn("allow", || -> Fallible<()> { Err(ended(Verdict::allow())) })
        .register_fn("deny", |reason: &str| -> Fallible<()> { decide("deny", Vec::new(), reason) })
        .register_fn("require", |fields: Array, reason: &str| -> Fallible<()> {
            let names: Option<Vec<String>> = fields.into_iter().map(|field| field.into_string().ok()).collect();
            let names = names.filter(|names| !names.is_empty() && names.iter().all(|name| is_field(name)));
            let what = "`require` takes a list of names: 1 to 64 letters, digits, `_`, `-`, `.` and `/` each";
            decide("require", names.ok_or_else(|| failure(what))?, reason)
        });
    comparisons(engine);
}

fn decide(outcome: &'static str, fields: Vec<String>, reason: &str) -> Fallible<()> {
    if reason.chars().count() > REASON_MAX || reason.chars().any(char::is_control) {
        return Err(failure("a reason has at most 200 characters, none of them a control character"));
    }
    Err(ended(Verdict { outcome, reason: reason.to_owned(), fields, failure: None }))
}

fn ended(verdict: Verdict) -> Box<EvalAltResult> {
    if in_guard() { end(Stop::Decided(verdict)) } else { failure("a merge decides nothing") }
}

/// Whether a name can stand in a header's list.
fn is_field(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    (1..=FIELD_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

/// The comparisons that order.
const ORDERS: [&str; 4] = ["<", "<=", ">", ">="];

/// What a guard may not compare. rhai answers `"99" > 3` with `false`, and `1.0 / 0.0 > 3` too: a guard that denies what is too
/// much would let it pass. In a guard both are failures; in a merge they are what rhai says.
fn comparisons(engine: &mut Engine) {
    macro_rules! unlike {
        ($($left:ty: $($right:ty),+;)+) => {
            $($(for operator in ORDERS {
                engine.register_fn(operator, |_: $left, _: $right| unlike());
                engine.register_fn(operator, |_: $right, _: $left| unlike());
            })+)+
        };
    }
    unlike!(
        (): bool, i64, f64, char, &str, Array, Map, Handle;
        bool: i64, f64, char, &str, Array, Map, Handle;
        i64: char, &str, Array, Map, Handle;
        f64: char, &str, Array, Map, Handle;
        char: Array, Map, Handle;
        &str: Array, Map, Handle;
        Array: Map, Handle;
    );
    macro_rules! floats {
        ($($operator:literal, $holds:expr;)+) => {
            $(
                engine.register_fn($operator, |x: f64, y: f64| floats(x, y, $holds));
                #[expect(clippy::cast_precision_loss, reason = "as rhai compares them")]
                engine.register_fn($operator, |x: i64, y: f64| floats(x as f64, y, $holds));
                #[expect(clippy::cast_precision_loss, reason = "as rhai compares them")]
                engine.register_fn($operator, |x: f64, y: i64| floats(x, y as f64, $holds));
            )+
        };
    }
    floats!(
        "<", |difference: f64| -difference > f64::EPSILON;
        "<=", |difference: f64| -difference > -f64::EPSILON;
        ">", |difference: f64| difference > f64::EPSILON;
        ">=", |difference: f64| difference > -f64::EPSILON;
    );
}

fn unlike() -> Fallible<bool> {
    if in_guard() {
        Err(failure("a comparison of values of different types, or with one that is absent"))
    } else {
        Ok(false)
    }
}

/// Compares as rhai does: by the difference, as a part of the larger number.
fn floats(x: f64, y: f64, holds: fn(f64) -> bool) -> Fallible<bool> {
    if in_guard() && !(x.is_finite() && y.is_finite()) {
        return Err(failure("a comparison with a number that is not finite"));
    }
    let larger = if x * y == 0.0 { 1.0 } else { x.abs().max(y.abs()) };
    Ok(holds((x - y) / larger))
}
