//! `merge_fields`: an object, member by member; only members with a rule travel. As a strategy: an object.
//!
//! Laws: those of the strategies it is made of.
//!
//! ```
//! # use handover_engine::merge::merged;
//! let rules = r#"{ "theme": "anonymous", "locale": "fill" }"#;
//! let (account, anonymous) = (r#"{"theme":"light","locale":"de"}"#, r#"{"theme":"dark","locale":"fr","role":"admin"}"#);
//! assert_eq!(merged(rules, account, anonymous), r#"{"theme":"dark","locale":"de"}"#);
//! ```

use std::cmp::Ordering;

use super::function::{Code, Function, Gives, Options, SIDES};
use super::law::Laws;
use super::named::Named;
use super::option_error::OptionProblem;
use super::options::{Read, error, strategies, value_error};
use super::takes::{DEFAULT, Takes};
use super::{Made, Merging, Refusal, Strategy, Work};
use crate::json::{Json, Kind, Text, View, compare, same};

/// `merge_fields` by name.
pub(super) const STRATEGY: Named = Named {
    name: "merge_fields",
    alias: None,
    summary: "an object, member by member; members without a rule are not copied",
    plain: None,
    takes: Some(Takes::Strategies),
    with: Some(|rules, default| Ok(Strategy::Fields(MergeFields::read(rules, default)?))),
    adds: None,
    mutant: None,
    example: [
        r#"{ "theme": "anonymous" }"#,
        r#"{"theme":"light"}"#,
        r#"{"theme":"dark","role":"admin"}"#,
        r#"{"theme":"dark"}"#,
    ],
};

/// `merge_fields` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "merge_fields",
    signature: "merge_fields(account, anonymous, rules, default)",
    summary: "an object, member by member; members without a rule are not copied",
    arguments: (3, 4),
    sides: Some(SIDES),
    options: Some(Options {
        argument: 2,
        takes: Takes::Strategies,
        or_strategy: false,
        read: |rules| MergeFields::read(rules, None).map(drop),
    }),
    gives: Gives::Object,
    mutant: None,
    example: [
        r#"merge_fields(#{ theme: "light" }, #{ theme: "dark", role: "admin" }, #{ theme: "anonymous" })"#,
        r#"{"theme":"dark"}"#,
    ],
    code: Code::Strategy(|arguments| {
        let default = Some(arguments.at(3)).filter(|default| !default.is_null());
        Ok(Strategy::Fields(MergeFields::read(arguments.at(2), default)?))
    }),
};

/// The strategies of an object's members.
#[derive(Clone, Debug, Default)]
pub struct MergeFields {
    /// By member name.
    pub rules: Vec<(String, Strategy)>,
    /// For members without a rule; none: they do not travel.
    pub default: Option<Box<Strategy>>,
}

impl MergeFields {
    /// Reads the rules of `merge_fields`, and its default.
    pub(super) fn read<'a>(rules: View<'a>, default: Option<View<'a>>) -> Read<'a, Self> {
        let default = match default {
            None => None,
            Some(view) => match view.word().as_str() {
                "drop" => None,
                "account" => Some(Box::new(Strategy::Account)),
                "fill" => Some(Box::new(Strategy::Fill)),
                "anonymous" => Some(Box::new(Strategy::Anonymous)),
                other => {
                    let Takes::Word(known) = DEFAULT.takes else { return value_error(view, "a default") };
                    return error(view, OptionProblem::WrongWord { what: "default", word: other.to_owned(), known });
                }
            },
        };
        Ok(Self { rules: strategies(rules)?, default })
    }
}

impl MergeFields {
    /// What its members' strategies keep, all of them.
    pub(super) fn laws(&self) -> Laws {
        of_members(&self.rules).and(self.default.as_ref().map_or(Laws::OF_A_CHOICE, |default| default.laws()))
    }

    /// The account's object with what the rules take from the anonymous one.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        if account.is_some_and(|object| object.kind() != Kind::Object) {
            return Err(Refusal::AccountShape);
        }
        work.budget.charge(account.map_or(0, View::weight) + anonymous.weight())?;
        let account_members = Names::of(account);
        let mut changes = Vec::new();
        for (name, value) in anonymous.named_members() {
            let Some(text) = name.as_text() else { continue };
            let own = self.rules.iter().find(|(rule, _)| text.is(rule)).map(|(_, strategy)| strategy);
            let Some(strategy) = own.or(self.default.as_deref()) else { continue };
            let current = account_members.get(text);
            if let Made::Write(value) = strategy.merge_member(current, value, work)? {
                changes.push((name.to_json(), value));
            }
        }
        Ok(changed(account, changes))
    }
}

/// What the strategies of members keep, all of them.
pub(super) fn of_members(rules: &[(String, Strategy)]) -> Laws {
    rules.iter().fold(Laws::OF_A_CHOICE, |laws, (_, strategy)| laws.and(strategy.laws()))
}

/// Objects of at most so many members are searched from their start, larger ones by a sorted index.
const SEARCHED_MAX: usize = 16;

/// The members of an object, to be asked by name.
pub(super) enum Names<'a> {
    /// A small object.
    Few(Option<View<'a>>),
    /// The members of a large one, by name.
    Sorted(Vec<(Text<'a>, View<'a>)>),
}

impl<'a> Names<'a> {
    pub(super) fn of(object: Option<View<'a>>) -> Self {
        match object {
            Some(object) if object.len() > SEARCHED_MAX => {
                let mut members: Vec<_> = object.members().collect();
                members.sort_by(|(a, _), (b, _)| a.compare(*b));
                Self::Sorted(members)
            }
            few => Self::Few(few),
        }
    }

    pub(super) fn get(&self, name: Text<'_>) -> Option<View<'a>> {
        match self {
            Self::Few(object) => object.and_then(|object| object.get(&name.decode())),
            Self::Sorted(members) => {
                let at = members.binary_search_by(|(own, _)| own.compare(name)).ok()?;
                members.get(at).map(|(_, value)| *value)
            }
        }
    }
}

/// The object with these members set: in place where it has them, else at its end. No name is changed twice.
pub(super) fn changed(object: Option<View<'_>>, changes: Vec<(Json, Json)>) -> Made {
    if changes.is_empty() {
        return Made::Keep;
    }
    let mut members = object.map(|object| object.to_json().into_members()).unwrap_or_default();
    let wide = members.len().min(changes.len()) > SEARCHED_MAX;
    let new = if wide { set_sorted(&mut members, changes) } else { set_searched(&mut members, changes) };
    members.extend(new);
    Made::Write(Json::object(members))
}

/// Sets members that are there, and returns the changes of those that are not.
fn set_searched(members: &mut [(Json, Json)], changes: Vec<(Json, Json)>) -> Vec<(Json, Json)> {
    let mut new = Vec::new();
    for (name, value) in changes {
        match members.iter_mut().find(|(own, _)| same(own.view(), name.view())) {
            Some((_, slot)) => *slot = value,
            None => new.push((name, value)),
        }
    }
    new
}

/// The same for wide objects: the changes are sorted once, and each member looks for its own.
fn set_sorted(members: &mut [(Json, Json)], changes: Vec<(Json, Json)>) -> Vec<(Json, Json)> {
    let mut order: Vec<usize> = (0..changes.len()).collect();
    let mut changes: Vec<Option<(Json, Json)>> = changes.into_iter().map(Some).collect();
    let names: Vec<Json> = changes.iter().flatten().map(|(name, _)| name.clone()).collect();
    let compare =
        |index: usize, name: &Json| names.get(index).map_or(Ordering::Less, |own| compare(own.view(), name.view()));
    order.sort_unstable_by(|&a, &b| names.get(b).map_or(Ordering::Less, |name| compare(a, name)));
    for (name, slot) in members {
        let found = order.binary_search_by(|&index| compare(index, name));
        let change = found.ok().and_then(|at| order.get(at)).and_then(|&index| changes.get_mut(index));
        if let Some((_, value)) = change.and_then(Option::take) {
            *slot = value;
        }
    }
    changes.into_iter().flatten().collect()
}
