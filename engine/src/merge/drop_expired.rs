//! `drop_expired`: a list without the entries whose time is not after `now`; entries without a readable time stay.
//!
//! Laws: L7–L9; dropping again changes nothing.

use super::function::{Called, Code, Function, Gives};
use crate::instant::{self, Millis};
use crate::json::{Json, View};

/// `drop_expired` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "drop_expired",
    signature: "drop_expired(list, member, now)",
    summary: "the list without the entries whose time is over",
    arguments: (3, 3),
    sides: None,
    options: None,
    gives: Gives::List,
    mutant: None,
    example: [r#"drop_expired([#{ ends: 1 }, #{ ends: 9 }], "ends", 5)"#, r#"[{"ends":9}]"#],
    code: Code::Helper(|arguments| match instant::read(arguments.at(2)) {
        Some(now) => Ok(Called::Value(drop_expired(arguments.at(0), &arguments.name(1)?, now))),
        None => Ok(Called::Argument(0)),
    }),
};

/// The entries whose member's time is later than `now`, or unreadable; what is no list stays as it is.
pub(super) fn drop_expired(list: View<'_>, member: &str, now: Millis) -> Json {
    let is_over = |entry: &View<'_>| entry.get(member).and_then(instant::read).is_some_and(|time| time <= now);
    if !list.items().any(|entry| is_over(&entry)) {
        return list.to_json();
    }
    Json::list(list.items().filter(|entry| !is_over(entry)).map(View::to_json).collect())
}
