//! `latest`, `earliest`: of two values the one with the later or earlier time. As strategies of a time itself:
//! `"latest_time"`, `"earliest_time"`. Declared for a whole value: `{ "latest": { "at": "updated_at" } }`, the last writer wins.
//!
//! Laws: L1, L2, L7–L9; L6 as a strategy, by which an author asks for the later value; L3–L5 where no two times are equal.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""latest_time""#, "1795428000", r#""2026-11-23T11:00:00Z""#), r#""2026-11-23T11:00:00Z""#);
//! assert_eq!(merged(r#""earliest_time""#, "1795428000", r#""yesterday""#), "1795428000");
//! ```

use std::cmp::Ordering;

use super::function::{Called, Code, Function, Gives};
use super::law::{Law, Laws};
use super::named::Named;
use super::options::{Read, known, missing_option, text};
use super::takes::{self, OptionSpec, Takes};
use super::{Context, Made, Strategy};
use crate::instant;
use crate::json::View;

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// What the functions keep: of two objects, one is replaced as a whole.
const LAWS_OF_VALUES: Laws = LAWS.without(Law::Inflationary);

/// `earliest_time` by name.
pub(super) const EARLIEST_TIME: Named = Named {
    name: "earliest_time",
    alias: None,
    summary: "the earlier of two times",
    plain: Some(|| Strategy::EarliestTime),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("latest_time"),
    example: [r#""earliest_time""#, r#""2026-11-02""#, r#""2026-11-01""#, r#""2026-11-01""#],
};

/// `latest_time` by name.
pub(super) const LATEST_TIME: Named = Named {
    name: "latest_time",
    alias: None,
    summary: "the later of two times",
    plain: Some(|| Strategy::LatestTime),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("earliest_time"),
    example: [r#""latest_time""#, r#""2026-11-01""#, r#""2026-11-02""#, r#""2026-11-02""#],
};

/// `latest` by name.
pub(super) const LATEST_VALUE: Named = Named {
    name: "latest",
    alias: None,
    summary: "the value whose time, in the member `at`, is later",
    plain: None,
    takes: Some(Takes::Options(&OPTIONS)),
    with: Some(|options, _| Ok(Strategy::Latest(Latest::read(options)?))),
    adds: None,
    mutant: None,
    example: [r#"["latest", { "at": "at" }]"#, r#"{"v":1,"at":1}"#, r#"{"v":2,"at":2}"#, r#"{"v":2,"at":2}"#],
};

/// `latest` for scripts.
pub(super) const LATEST: Function = Function {
    name: "latest",
    signature: "latest(account, account_at, anonymous, anonymous_at)",
    summary: "the value with the later time; ties keep the account's",
    arguments: (4, 4),
    sides: Some([0, 2]),
    options: None,
    gives: Gives::Either,
    mutant: Some("earliest"),
    example: [r#"latest("a", 2, "b", 1)"#, r#""a""#],
    code: Code::Merge {
        laws: LAWS_OF_VALUES,
        like: Some(|| Strategy::LatestTime),
        call: |arguments, _| {
            let (account, anonymous) = ((arguments.at(0), arguments.at(1)), (arguments.at(2), arguments.at(3)));
            Ok(Called::Argument(if wins(account, anonymous, Ordering::Greater) { 2 } else { 0 }))
        },
    },
};

/// `earliest` for scripts.
pub(super) const EARLIEST: Function = Function {
    name: "earliest",
    signature: "earliest(account, account_at, anonymous, anonymous_at)",
    summary: "the value with the earlier time; ties keep the account's",
    arguments: (4, 4),
    sides: Some([0, 2]),
    options: None,
    gives: Gives::Either,
    mutant: Some("latest"),
    example: [r#"earliest("a", 2, "b", 1)"#, r#""b""#],
    code: Code::Merge {
        laws: LAWS_OF_VALUES,
        like: Some(|| Strategy::EarliestTime),
        call: |arguments, _| {
            let (account, anonymous) = ((arguments.at(0), arguments.at(1)), (arguments.at(2), arguments.at(3)));
            Ok(Called::Argument(if wins(account, anonymous, Ordering::Less) { 2 } else { 0 }))
        },
    },
};

/// The later or earlier time; an unreadable one is ignored on the anonymous side and kept on the account's.
pub(super) fn time(account: Option<View<'_>>, anonymous: View<'_>, wins: Ordering) -> Made {
    match (account.map(instant::read), instant::read(anonymous)) {
        (None, Some(_)) => Made::Write(anonymous.to_json()),
        (Some(Some(current)), Some(value)) if value.cmp(&current) == wins => Made::Write(anonymous.to_json()),
        _ => Made::Keep,
    }
}

/// Its options.
pub(super) const OPTIONS: [OptionSpec; 1] = [takes::AT_REQUIRED];

/// Options of `latest` for a whole value.
#[derive(Clone, Debug)]
pub struct Latest {
    /// The member that holds the time.
    pub at: String,
}

impl Latest {
    /// Reads the options of `latest`.
    pub(super) fn read(options: View<'_>) -> Read<'_, Self> {
        known(options, "latest", &OPTIONS)?;
        let Some(at) = options.get("at") else {
            return missing_option(options, "`latest`", "at");
        };
        Ok(Self { at: text(at)? })
    }
}

impl Latest {
    /// The value whose time is later. The visitor's time is forced into the session's for the comparison, and stored as it is.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, context: Context) -> Made {
        let Some(account) = account else { return Made::Write(anonymous.to_json()) };
        let time = |value: View<'_>| value.get(&self.at).and_then(instant::read);
        let clamped = |time: i64| time.min(context.now).max(context.session_created_at.min(context.now));
        match (time(account), time(anonymous).map(clamped)) {
            (ours, Some(theirs)) if ours.is_none_or(|ours| theirs > ours) => Made::Write(anonymous.to_json()),
            _ => Made::Keep,
        }
    }
}

/// A value and its time.
pub(super) type Timed<'a> = (View<'a>, View<'a>);

/// Whether the anonymous value wins: an absent value loses, an absent or unreadable time loses, ties keep the account's.
pub(super) fn wins(account: Timed<'_>, anonymous: Timed<'_>, wins: Ordering) -> bool {
    if account.0.is_null() || anonymous.0.is_null() {
        return account.0.is_null();
    }
    match (instant::read(account.1), instant::read(anonymous.1)) {
        (Some(ours), Some(theirs)) => theirs.cmp(&ours) == wins,
        (ours, theirs) => ours.is_none() && theirs.is_some(),
    }
}
