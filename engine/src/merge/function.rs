//! The functions that scripts call by name: the same strategies, and helpers beside them.

use std::cmp::Ordering;

use super::clamp_times::{Span, clamp_times};
use super::drop_expired::drop_expired;
use super::each::Each;
use super::latest::wins;
use super::merge_patch::merge_patch;
use super::most_frequent::most_frequent;
use super::options::{OptionError, OptionErrorKind};
use super::ordinal::Ordinal;
use super::pick::pick;
use super::preset::Preset;
use super::three_way::ThreeWay;
use super::{Made, Merging, Refusal, Strategy, Work};
use crate::instant::{self, Rounding};
use crate::json::{Json, Kind, Number, View};

/// A function of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub signature: &'static str,
    /// The least arguments that it takes.
    pub least: usize,
    /// The most.
    pub most: usize,
}

const fn function(name: &'static str, signature: &'static str, least: usize, most: usize) -> Function {
    Function { name, signature, least, most }
}

impl Function {
    /// All functions, by name.
    pub const ALL: [Self; 30] = [
        function("archive_existing", "archive_existing(account, anonymous)", 2, 2),
        function("higher_quantity", "higher_quantity(account, anonymous)", 2, 2),
        function("saved_quantity", "saved_quantity(account, anonymous)", 2, 2),
        function("sum_quantities", "sum_quantities(account, anonymous)", 2, 2),
        function("use_existing", "use_existing(account, anonymous)", 2, 2),
        function("use_guest", "use_guest(account, anonymous)", 2, 2),
        function("use_guest_if_existing_empty", "use_guest_if_existing_empty(account, anonymous)", 2, 2),
        function("add", "add(account, anonymous, cap)", 2, 3),
        function("clamp_times", "clamp_times(list, member, context)", 3, 3),
        function("coalesce", "coalesce(account, anonymous)", 2, 2),
        function("concat", "concat(account, anonymous, options)", 2, 3),
        function("drop_expired", "drop_expired(list, member, now)", 3, 3),
        function("each", "each(account, anonymous, strategy)", 3, 3),
        function("earliest", "earliest(account, account_at, anonymous, anonymous_at)", 4, 4),
        function("fill", "fill(account, anonymous)", 2, 2),
        function("highest", "highest(order, account, anonymous)", 3, 3),
        function("keyed_union", "keyed_union(account, anonymous, options)", 3, 3),
        function("latest", "latest(account, account_at, anonymous, anonymous_at)", 4, 4),
        function("lowest", "lowest(order, account, anonymous)", 3, 3),
        function("max_of", "max_of(account, anonymous)", 2, 2),
        function("merge_fields", "merge_fields(account, anonymous, rules, default)", 3, 4),
        function("merge_patch", "merge_patch(target, patch)", 2, 2),
        function("min_of", "min_of(account, anonymous)", 2, 2),
        function("most_frequent", "most_frequent(list)", 1, 1),
        function("pick", "pick(object, names)", 2, 2),
        function("recent", "recent(account, anonymous, options)", 2, 3),
        function("three_way", "three_way(base, account, anonymous, options)", 3, 4),
        function("time_of", "time_of(time)", 1, 1),
        function("time_text", "time_text(milliseconds)", 1, 1),
        function("union", "union(account, anonymous, options)", 2, 3),
    ];

    /// The function of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name == name)
    }
}

/// What a function gives.
pub enum Called {
    /// One of its arguments as it is, by position.
    Argument(usize),
    /// A new value.
    Value(Json),
}

/// Why a function gives nothing.
pub enum Refused<'a> {
    /// An argument of the author's is wrong.
    Option(OptionError<'a>),
    /// The account's value has another shape; the function gives that argument back.
    AccountShape(usize),
    /// The budget is spent.
    Overrun,
}

/// Calls a function; arguments that it has and that are left out are null.
///
/// # Errors
/// What is wrong with the author's arguments, the account's shape, or a spent budget.
pub fn call<'a>(function: Function, arguments: &'a [Json], work: &mut Work<'_>) -> Result<Called, Refused<'a>> {
    let at = |index: usize| arguments.get(index).map_or(NULL.view(), Json::view);
    let value = |value: Json| Ok(Called::Value(value));
    let named = Strategy::by_name(function.name).or_else(|| Preset::by_name(function.name).map(Strategy::Preset));
    let options = if at(2).is_null() { EMPTY.view() } else { at(2) };
    match function.name {
        "add" => made(Strategy::Sum(number(at(2))?).merge(Some(at(0)), at(1), work), 0),
        "highest" | "lowest" => {
            let wins = if function.name == "highest" { Ordering::Greater } else { Ordering::Less };
            let ordinal = Ordinal { order: list(at(0))?, wins };
            made(Strategy::Ordinal(ordinal).merge(Some(at(1)), at(2), work), 1)
        }
        "latest" => Ok(Called::Argument(if wins((at(0), at(1)), (at(2), at(3)), Ordering::Greater) { 2 } else { 0 })),
        "earliest" => Ok(Called::Argument(if wins((at(0), at(1)), (at(2), at(3)), Ordering::Less) { 2 } else { 0 })),
        "concat" | "keyed_union" | "merge_fields" | "recent" | "union" => {
            let default = Some(at(3)).filter(|default| !default.is_null());
            let strategy =
                Strategy::read_function(options, function.name, options, default).map_err(Refused::Option)?;
            made(strategy.merge(Some(at(0)), at(1), work), 0)
        }
        "three_way" => {
            let options = if at(3).is_null() { EMPTY.view() } else { at(3) };
            let strategy = ThreeWay::read(options).map_err(Refused::Option)?;
            made(strategy.merge(Some(at(0)), Some(at(1)), at(2), work), 1)
        }
        "merge_patch" => value(merge_patch(Some(at(0)), at(1))),
        "drop_expired" => match instant::read(at(2)) {
            Some(now) => value(drop_expired(at(0), &name(at(1))?, now)),
            None => Ok(Called::Argument(0)),
        },
        "clamp_times" => {
            let read = |value: Option<View<'_>>| value.and_then(instant::read);
            let from = read(at(2).get("session").and_then(|session| session.get("created_at")));
            value(clamp_times(at(0), &name(at(1))?, Span { from, to: read(at(2).get("now")) }))
        }
        "most_frequent" => value(most_frequent(at(0)).map_or(Json::Null, View::to_json)),
        "pick" => value(pick(at(0), at(1))),
        "time_of" => value(instant::read(at(0)).map_or(Json::Null, Json::Int)),
        "time_text" => value(time_text(at(0))),
        "each" => {
            // options, or a strategy alone
            let is_options = at(2).get("of").is_some();
            let each = if is_options { Each::read(at(2)) } else { Strategy::read(at(2)).map(Each::of) };
            made(Strategy::Each(each.map_err(Refused::Option)?).merge(Some(at(0)), at(1), work), 0)
        }
        _ => match named {
            Some(strategy) => made(strategy.merge(Some(at(0)), at(1), work), 0),
            None => Ok(Called::Argument(0)),
        },
    }
}

/// Reads the options of a function alone, as a call would.
///
/// # Errors
/// What is wrong with them.
pub fn options(function: Function, options: View<'_>) -> Result<(), OptionError<'_>> {
    match function.name {
        "concat" | "keyed_union" | "merge_fields" | "recent" | "union" => {
            Strategy::read_function(options, function.name, options, None).map(drop)
        }
        "three_way" => ThreeWay::read(options).map(drop),
        _ => Ok(()),
    }
}

/// A time as RFC 3339 writes it, in UTC; nothing of what is no time.
fn time_text(time: View<'_>) -> Json {
    let millis = time.as_number().and_then(Number::as_i64);
    millis.map_or(Json::Null, |millis| instant::written_like(millis, NULL.view(), Rounding::Down))
}

static NULL: Json = Json::Null;
static EMPTY: std::sync::LazyLock<Json> = std::sync::LazyLock::new(Json::empty_object);

fn made<'a>(made: Merging, account: usize) -> Result<Called, Refused<'a>> {
    match made {
        Ok(Made::Keep) => Ok(Called::Argument(account)),
        Ok(Made::Write(value)) => Ok(Called::Value(value)),
        Err(Refusal::AccountShape) => Err(Refused::AccountShape(account)),
        Err(Refusal::Overrun) => Err(Refused::Overrun),
    }
}

fn wrong<'a, T>(view: View<'a>, expected: &str) -> Result<T, Refused<'a>> {
    let message = format!("expected {expected}");
    Err(Refused::Option(OptionError { kind: OptionErrorKind::Value, view, message, help: None }))
}

fn number(view: View<'_>) -> Result<Option<Json>, Refused<'_>> {
    match view.kind() {
        Kind::Null => Ok(None),
        Kind::Number => Ok(Some(view.to_json())),
        _ => wrong(view, "a number"),
    }
}

fn list(view: View<'_>) -> Result<Vec<Json>, Refused<'_>> {
    if view.kind() == Kind::Array { Ok(view.items().map(View::to_json).collect()) } else { wrong(view, "a list") }
}

fn name(view: View<'_>) -> Result<String, Refused<'_>> {
    view.as_text().map_or_else(|| wrong(view, "the name of a member"), |name| Ok(name.decode().into_owned()))
}
