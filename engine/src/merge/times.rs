//! `time_of`, `time_text`: a time as milliseconds, and as text.

use super::function::{Called, Code, Function, Gives};
use crate::instant::{self, Rounding};
use crate::json::{Json, Number, View};

/// `time_of` for scripts.
pub(super) const TIME_OF: Function = Function {
    name: "time_of",
    signature: "time_of(time)",
    summary: "the milliseconds since 1970 of a time (RFC 3339, a date, a number), or null",
    arguments: (1, 1),
    sides: None,
    options: None,
    gives: Gives::NumberOrNull,
    mutant: None,
    example: [r#"time_of("1970-01-02")"#, "86400000"],
    code: Code::Helper(|arguments| Ok(Called::Value(instant::read(arguments.at(0)).map_or(Json::Null, Json::Int)))),
};

/// `time_text` for scripts.
pub(super) const TIME_TEXT: Function = Function {
    name: "time_text",
    signature: "time_text(milliseconds)",
    summary: "a time as RFC 3339 text in UTC, or null",
    arguments: (1, 1),
    sides: None,
    options: None,
    gives: Gives::StringOrNull,
    mutant: None,
    example: ["time_text(86400000)", r#""1970-01-02T00:00:00Z""#],
    code: Code::Helper(|arguments| Ok(Called::Value(time_text(arguments.at(0))))),
};

/// A time as RFC 3339 writes it, in UTC; nothing of what is no time.
fn time_text(time: View<'_>) -> Json {
    let millis = time.as_number().and_then(Number::as_i64);
    millis.map_or(Json::Null, |millis| instant::written_like(millis, View::Built(&Json::Null), Rounding::Down))
}
