//! `each`: an object as a map of open names, each name's two values joined by one strategy. As a strategy:
//! `["each", { "of": "max", "limit": 50 }]`.
//!
//! Laws: those of the strategy; the limit turns away new names only.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#"["each", { "of": "max" }]"#, r#"{"a":2,"z":9}"#, r#"{"a":5,"b":1}"#), r#"{"a":5,"z":9,"b":1}"#);
//! assert_eq!(merged(r#"["each", { "of": "max", "limit": 1 }]"#, r#"{"a":2}"#, r#"{"a":5,"b":1}"#), r#"{"a":5}"#);
//! ```

use super::fields::{Names, changed};
use super::function::{Code, Function, Gives, Options, SIDES};
use super::named::Named;
use super::options::{Read, known, limit, missing_option};
use super::takes::{self, OptionSpec, Takes};
use super::{Made, Merging, Refusal, Strategy, Work};
use crate::json::{Json, Kind, View};

/// `each` by name.
pub(super) const STRATEGY: Named = Named {
    name: "each",
    alias: None,
    summary: "an object whose names are open: each name's two values by one strategy",
    plain: None,
    takes: Some(Takes::Options(&OPTIONS)),
    with: Some(|options, _| Ok(Strategy::Each(Each::read(options)?))),
    adds: None,
    mutant: None,
    example: [r#"["each", { "of": "max" }]"#, r#"{"a":1}"#, r#"{"a":3,"b":2}"#, r#"{"a":3,"b":2}"#],
};

/// `each` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "each",
    signature: "each(account, anonymous, strategy)",
    summary: "an object whose names are open: the two values of each name by one strategy",
    arguments: (3, 3),
    sides: Some(SIDES),
    options: Some(Options {
        argument: 2,
        takes: Takes::Options(&OPTIONS),
        or_strategy: true,
        read: |given| either(given).map(drop),
    }),
    gives: Gives::Object,
    mutant: None,
    example: [r#"each(#{ a: 1 }, #{ a: 3, b: 2 }, "max")"#, r#"{"a":3,"b":2}"#],
    code: Code::Strategy(|arguments| Ok(Strategy::Each(either(arguments.at(2))?))),
};

/// Options, or a strategy alone.
fn either(given: View<'_>) -> Read<'_, Each> {
    let is_options = given.kind() == Kind::Object && (given.get("of").is_some() || given.get("limit").is_some());
    if is_options { Each::read(given) } else { Strategy::read(given).map(Each::of) }
}

/// Its options.
pub(super) const OPTIONS: [OptionSpec; 2] = [takes::LIMIT_NAMES, takes::OF];

/// Options of `each`.
#[derive(Clone, Debug)]
pub struct Each {
    /// How the two values of a name become one.
    pub of: Box<Strategy>,
    /// Names of the result; it turns away new ones only.
    pub limit: Option<usize>,
}

impl Each {
    /// Reads the options of `each`.
    pub(super) fn read(options: View<'_>) -> Read<'_, Self> {
        known(options, "each", &OPTIONS)?;
        let Some(of) = options.get("of") else {
            return missing_option(options, "`each`", "of");
        };
        Ok(Self { of: Box::new(Strategy::read(of)?), limit: limit(options)? })
    }
}

impl Each {
    /// Every name, by one strategy.
    pub(super) fn of(strategy: Strategy) -> Self {
        Self { of: Box::new(strategy), limit: None }
    }

    /// The account's names, then the visitor's new ones, each with the value that the strategy makes.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        if account.is_some_and(|object| object.kind() != Kind::Object) {
            return Err(Refusal::AccountShape);
        }
        work.budget.charge(account.map_or(0, View::weight) + anonymous.weight())?;
        let (known, mut room) = (Names::of(account), self.limit.unwrap_or(usize::MAX));
        room = room.saturating_sub(account.map_or(0, View::len));
        let mut changes: Vec<(Json, Json)> = Vec::new();
        for (name, value) in anonymous.named_members() {
            let Some(text) = name.as_text() else { continue };
            let current = known.get(text);
            let Made::Write(made) = self.of.merge_member(current, value, work)? else { continue };
            if current.is_none() && room == 0 {
                work.losses.beyond_limit.push(value.to_json());
                continue;
            }
            room -= usize::from(current.is_none());
            changes.push((name.to_json(), made));
        }
        Ok(changed(account, changes))
    }
}
