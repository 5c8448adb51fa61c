//! Points in time, as epoch milliseconds: RFC 3339 text, or a number of seconds or milliseconds.

use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime};

use crate::json::{Json, Number, Text, View};

/// Epoch milliseconds.
pub type Millis = i64;

/// Numbers of this size and above are milliseconds, smaller ones seconds.
const SECONDS_BELOW: f64 = 1e11;

/// The time of RFC 3339 text, the midnight of a date, or the time of a number (below 10^11 seconds, else milliseconds); `None` if it is unreadable.
///
/// ```
/// # use handover_engine::{instant::read, json::Document};
/// for text in [r#""2026-11-23T11:00:00.5+01:00""#, "1795428000.5", "1795428000500"] {
///     assert_eq!(read(Document::read(text.as_bytes()).unwrap().root()), Some(1_795_428_000_500));
/// }
/// assert_eq!(read(Document::read(br#""yesterday""#).unwrap().root()), None);
/// ```
#[must_use]
pub fn read(view: View<'_>) -> Option<Millis> {
    match (view.as_number(), view.as_text()) {
        (Some(number), _) => of_number(number),
        (_, Some(text)) => of_text(text),
        _ => None,
    }
}

/// A time as providers send those of sessions: as [`read`], or a number as digits in a string.
///
/// ```
/// # use handover_engine::{instant::of_session, json::Document};
/// assert_eq!(of_session(Document::read(br#""1795428000""#).unwrap().root()), Some(1_795_428_000_000));
/// assert_eq!(of_session(Document::read(br#""tomorrow""#).unwrap().root()), None);
/// ```
#[must_use]
pub fn of_session(view: View<'_>) -> Option<Millis> {
    let digits = view.word();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok().and_then(|number| of_number(Number::Int(number))) } else { read(view) }
}

/// The time of RFC 3339 text.
#[must_use]
pub fn of_text(text: Text<'_>) -> Option<Millis> {
    let text = text.decode();
    if let Some(midnight) = of_date(&text) {
        return Some(midnight);
    }
    // the parser also takes a space where RFC 3339 §5.6 writes `T`
    let separated = text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'T'));
    let time = OffsetDateTime::parse(&text, &Rfc3339).ok().filter(|_| separated)?;
    Millis::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

/// The midnight in UTC of a date of RFC 3339 (`full-date`).
fn of_date(text: &str) -> Option<Millis> {
    let date = (text.len() == "2026-11-23".len()).then(|| Date::parse(text, &Iso8601::DATE).ok()).flatten()?;
    date.midnight().assume_utc().unix_timestamp().checked_mul(1_000)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the range is checked before")]
fn of_number(number: Number<'_>) -> Option<Millis> {
    if let Number::Int(value) = number {
        return if (value as f64).abs() < SECONDS_BELOW {
            value.checked_mul(1_000)
        } else {
            in_range(value as f64).then_some(value)
        };
    }
    let value = number.as_f64();
    let millis = if value.abs() < SECONDS_BELOW { (value * 1_000.0).floor() } else { value.floor() };
    in_range(millis).then_some(millis as Millis)
}

/// Years that RFC 3339 can write: up to 9999.
fn in_range(millis: f64) -> bool {
    (-62_167_219_200_000.0..253_402_300_800_000.0).contains(&millis)
}

/// A time in the form that `like` has: text, seconds or milliseconds; seconds are rounded towards `rounding`.
#[must_use]
pub fn written_like(millis: Millis, like: View<'_>, rounding: Rounding) -> Json {
    let seconds = match rounding {
        Rounding::Down => millis.div_euclid(1_000),
        Rounding::Up => -(-millis).div_euclid(1_000),
    };
    match like.as_number() {
        Some(number) if number.as_f64().abs() < SECONDS_BELOW => Json::Int(seconds),
        Some(_) => Json::Int(millis),
        None => OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .map_or(Json::Null, |text| Json::text(&text)),
    }
}

/// Where a time goes that its form cannot hold.
#[derive(Clone, Copy)]
pub enum Rounding {
    /// To the earlier second.
    Down,
    /// To the later second.
    Up,
}
