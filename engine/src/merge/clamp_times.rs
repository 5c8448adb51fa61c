//! `clamp_times`: the times of a visitor's entries forced into [session created, now], entries without a readable one gone.
//!
//! A client's clock says what it likes: before `latest` or `recent` ask it, its times must be possible ones. `recent` does
//! the same with `clamp: true`.
//!
//! Laws: L8, L9; clamping again changes nothing.

use super::Made;
use super::fields::changed;
use super::function::{Called, Code, Function, Gives};
use crate::instant::{self, Millis, Rounding};
use crate::json::{Json, View};

/// `clamp_times` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "clamp_times",
    signature: "clamp_times(list, member, context)",
    summary: "the list with the times of its entries inside the session; entries without a readable time are dropped",
    arguments: (3, 3),
    sides: None,
    options: None,
    gives: Gives::List,
    mutant: None,
    example: [r#"clamp_times([#{ at: 5 }], "at", #{ now: 3, session: #{ created_at: 1 } })"#, r#"[{"at":3}]"#],
    code: Code::Helper(|arguments| {
        let read = |value: Option<View<'_>>| value.and_then(instant::read);
        let context = arguments.at(2);
        let from = read(context.get("session").and_then(|session| session.get("created_at")));
        let span = Span { from, to: read(context.get("now")) };
        Ok(Called::Value(clamp_times(arguments.at(0), &arguments.name(1)?, span)))
    }),
};

/// Whether a name is that of the function that moves times.
#[must_use]
pub fn clamps(name: &str) -> bool {
    name == FUNCTION.name
}

/// The times that a session's entries may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// When the session began; none: at any time.
    pub(super) from: Option<Millis>,
    /// The provider's clock; none: at any time.
    pub(super) to: Option<Millis>,
}

/// An entry's time as it may be, and the entry if it had to be rewritten; none where the time is unreadable.
pub(super) fn clamped(entry: View<'_>, member: &str, span: Span) -> Option<(Millis, Option<Json>)> {
    let at = entry.get(member)?;
    let time = instant::read(at)?;
    let bound = if let Some(to) = span.to.filter(|to| time > *to) {
        instant::written_like(to, at, Rounding::Down)
    } else if let Some(from) = span.from.filter(|from| time < *from) {
        instant::written_like(from, at, Rounding::Up)
    } else {
        return Some((time, None));
    };
    let time = instant::read(bound.view())?;
    match changed(Some(entry), vec![(Json::text(member), bound)]) {
        Made::Write(entry) => Some((time, Some(entry))),
        Made::Keep => Some((time, None)),
    }
}

/// The list with possible times only; what is no list stays as it is.
pub(super) fn clamp_times(list: View<'_>, member: &str, span: Span) -> Json {
    if list.kind() != crate::json::Kind::Array {
        return list.to_json();
    }
    let entries = list.items().filter_map(|entry| {
        let (_, rewritten) = clamped(entry, member, span)?;
        Some(rewritten.unwrap_or_else(|| entry.to_json()))
    });
    Json::list(entries.collect())
}
