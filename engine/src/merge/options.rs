//! Reads strategies and their options: as they stand in `policy.json`, and as scripts write them.
//!
//! | written | where | means |
//! |---|---|---|
//! | `"max"` | a rule, a member | a strategy by name |
//! | `["max", 99]`, `["union", { … }]` | a member | a strategy with its option |
//! | `{ "qty": "max" }` | a member | an object, member by member |
//! | `{ "keyed_union": { … } }` | a rule | one function and its options |
//! | `{ "merge_fields": { … }, "default": "fill" }` | a rule | the same, with the default beside it |
//!
//! One reader serves both sides, so an option means the same in a script and in the policy.

use super::Strategy;
use super::fields::MergeFields;
use super::named::{Adds, Named};
use super::option_error::{OptionError, OptionProblem};
use super::takes::{self, OptionSpec, Takes};
use crate::json::{Kind, View};

pub(super) type Read<'a, T> = Result<T, OptionError<'a>>;

/// What is wrong with a name or a value.
pub(super) fn error<T>(view: View<'_>, problem: OptionProblem) -> Read<'_, T> {
    Err(OptionError { view, problem })
}

pub(super) fn value_error<'a, T>(view: View<'a>, expected: &str) -> Read<'a, T> {
    error(view, OptionProblem::Expected { what: expected.to_owned() })
}

pub(super) fn missing_option<'a, T>(view: View<'a>, owner: &'static str, option: &'static str) -> Read<'a, T> {
    error(view, OptionProblem::MissingOption { owner, option })
}

impl Strategy {
    /// Reads the `merge` of a rule: a name, or an object with one function and its options.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read_rule(view: View<'_>) -> Result<Self, OptionError<'_>> {
        if view.kind() != Kind::Object {
            return Self::read(view);
        }
        let default = view.get("default");
        let mut functions =
            view.named_members().filter(|(name, _)| !name.as_text().is_some_and(|name| name.is("default")));
        let (Some((name, options)), None) = (functions.next(), functions.next()) else {
            let names = view.members().map(|(name, _)| name.decode().into_owned()).collect();
            return error(view, OptionProblem::NotOneFunction { names, known: with_options() });
        };
        let function = name.word();
        if default.is_some() && function != "merge_fields" {
            return error(view, OptionProblem::StrayDefault);
        }
        Self::read_function(name, &function, options, default)
    }

    pub(super) fn read_function<'a>(
        name: View<'a>,
        function: &str,
        options: View<'a>,
        default: Option<View<'a>>,
    ) -> Read<'a, Self> {
        match Named::by_name(function).and_then(|named| named.with) {
            Some(read) => read(options, default),
            None if is_strategy(function) => error(name, OptionProblem::NoOptions { name: function.to_owned() }),
            None => {
                let problem = OptionProblem::UnknownFunction { name: function.to_owned(), known: with_options() };
                error(name, problem)
            }
        }
    }

    /// Reads the strategy of a member: a name, `["name", option]`, or an object of member -> strategy.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(view: View<'_>) -> Result<Self, OptionError<'_>> {
        match view.kind() {
            Kind::String => Self::read_name(view),
            Kind::Array => Self::read_list(view),
            Kind::Object => MergeFields::read(view, None).map(Self::Fields).map_err(|wrong| as_a_list(view, wrong)),
            _ => value_error(view, "the name of a strategy"),
        }
    }

    /// Where the merge of a rule, as its author wrote it, names what adds again at every login: the first such word.
    #[must_use]
    pub fn adding(merge: View<'_>) -> Option<View<'_>> {
        if merge.kind() != Kind::Object {
            return adding_of_member(merge);
        }
        merge.named_members().find_map(|(name, options)| {
            let named = Named::by_name(&name.word())?;
            named.adds.map(|_| name).or_else(|| adding_in(named.takes?, options))
        })
    }

    fn read_name(view: View<'_>) -> Read<'_, Self> {
        let name = view.word();
        if let Some(strategy) = Self::by_name(&name) {
            return Ok(strategy);
        }
        let problem = match Named::by_name(&name) {
            Some(_) => OptionProblem::NeedsOptions { name, plain: plain() },
            None => OptionProblem::UnknownStrategy { name, known: strategy_names() },
        };
        error(view, problem)
    }

    fn read_list(view: View<'_>) -> Read<'_, Self> {
        let mut items = view.items();
        let (Some(name), Some(option), None) = (items.next(), items.next(), items.next()) else {
            return value_error(view, "a strategy and its option, such as `[\"max\", 99]`");
        };
        Self::read_function(name, &name.word(), option, None)
    }
}

/// What is wrong with the strategies of an object; where it is written as a rule is, with one function and its options, that
/// a member has them in a list.
fn as_a_list<'a>(view: View<'a>, wrong: OptionError<'a>) -> OptionError<'a> {
    let mut members = view.named_members().filter(|(name, _)| name.word() != "default");
    let (Some((name, _)), None) = (members.next(), members.next()) else { return wrong };
    let word = name.word();
    if !Named::by_name(&word).is_some_and(Named::takes_option) {
        return wrong;
    }
    OptionError { view: name, problem: OptionProblem::NotAList { name: word } }
}

/// The same of the strategy of a member.
fn adding_of_member(view: View<'_>) -> Option<View<'_>> {
    match view.kind() {
        Kind::Object => view.members().find_map(|(_, strategy)| adding_of_member(strategy)),
        Kind::Array => {
            let mut items = view.items();
            let (name, option) = (items.next()?, items.next());
            let takes = || Named::by_name(&name.word())?.takes;
            adding_of_member(name).or_else(|| adding_in(takes()?, option?))
        }
        _ => Some(view).filter(|view| adds(&view.word()).is_some()),
    }
}

/// The same of what a strategy or an option takes.
fn adding_in(takes: Takes, given: View<'_>) -> Option<View<'_>> {
    match takes {
        Takes::Strategy => adding_of_member(given),
        Takes::Strategies => given.members().find_map(|(_, strategy)| adding_of_member(strategy)),
        Takes::Options(options) => options.iter().find_map(|option| adding_in(option.takes, given.get(option.name)?)),
        _ => None,
    }
}

/// The names of all strategies.
#[must_use]
pub fn strategy_names() -> Vec<&'static str> {
    Named::ALL.iter().map(|named| named.name).collect()
}

fn plain() -> Vec<&'static str> {
    Named::ALL.iter().filter(|named| named.plain.is_some()).map(|named| named.name).collect()
}

fn with_options() -> Vec<&'static str> {
    Named::ALL.iter().filter(|named| named.takes_option()).map(|named| named.name).collect()
}

/// Whether a word names a strategy.
#[must_use]
pub fn is_strategy(name: &str) -> bool {
    Named::by_name(name).is_some()
}

/// What a word names that adds again at every login.
#[must_use]
pub fn adds(name: &str) -> Option<Adds> {
    Named::by_name(name).and_then(|named| named.adds)
}

/// Checks that `options` is an object of options that the function knows.
pub(super) fn known<'a>(options: View<'a>, function: &str, specs: &[OptionSpec]) -> Read<'a, ()> {
    if options.kind() != Kind::Object {
        return value_error(options, "an object of options");
    }
    for (name, _) in options.named_members() {
        let text = name.word();
        let known = takes::names(specs);
        if !known.contains(&text.as_str()) {
            let problem = OptionProblem::UnknownOption { function: function.to_owned(), option: text, known };
            return error(name, problem);
        }
    }
    Ok(())
}

pub(super) fn limit(options: View<'_>) -> Read<'_, Option<usize>> {
    let Some(view) = options.get("limit") else { return Ok(None) };
    let limit = view.as_size();
    limit.map_or_else(|| value_error(view, "a whole number, 0 or more"), |limit| Ok(Some(limit)))
}

pub(super) fn text(view: View<'_>) -> Read<'_, String> {
    if view.kind() == Kind::String { Ok(view.word()) } else { value_error(view, "a string") }
}

pub(super) fn strategies(view: View<'_>) -> Read<'_, Vec<(String, Strategy)>> {
    if view.kind() != Kind::Object {
        return value_error(view, "an object of member -> strategy");
    }
    view.named_members().map(|(name, strategy)| Ok((name.word(), Strategy::read(strategy)?))).collect()
}

/// An option that is `true` or `false`, and `false` where it is absent.
pub(super) fn flag<'a>(options: View<'a>, name: &str) -> Read<'a, bool> {
    let Some(view) = options.get(name) else { return Ok(false) };
    view.as_bool().map_or_else(|| value_error(view, "`true` or `false`"), Ok)
}
