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
    unlike(engine);
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

/// rhai answers `"99" > 3` with `false`, and then a guard that denies what is too much lets it pass. In a guard that is a
/// failure; what is absent still compares as rhai says.
fn unlike(engine: &mut Engine) {
    macro_rules! pairs {
        ($(($left:ty, $right:ty)),* $(,)?) => {
            $(for operator in ["<", "<=", ">", ">="] {
                engine.register_fn(operator, |_: $left, _: $right| compared());
                engine.register_fn(operator, |_: $right, _: $left| compared());
            })*
        };
    }
    pairs!(
        (i64, &str),
        (i64, bool),
        (i64, Array),
        (i64, Map),
        (i64, Handle),
        (f64, &str),
        (f64, bool),
        (f64, Array),
        (f64, Map),
        (f64, Handle),
        (&str, bool),
        (&str, Array),
        (&str, Map),
        (&str, Handle),
    );
}

fn compared() -> Fallible<bool> {
    if in_guard() { Err(failure("a comparison of values of different types")) } else { Ok(false) }
}
