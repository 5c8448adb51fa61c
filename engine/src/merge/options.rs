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

use std::cmp::Ordering;

use super::Strategy;
use super::concat::Concat;
use super::each::Each;
use super::fields::MergeFields;
use super::keyed_union::KeyedUnion;
use super::latest::Latest;
use super::ordinal::Ordinal;
use super::preset::{Cart, Preset};
use super::recent::Recent;
use super::union::Union;
use crate::diagnostic::{nearest, suggestion};
use crate::json::{Kind, View};

/// What is wrong with a strategy that an author wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionErrorKind {
    /// No strategy has this name.
    Strategy,
    /// The function has no such option, or lacks one.
    Option,
    /// The option has a value that it cannot have.
    Value,
    /// An object that does not hold exactly one function.
    NotOneFunction,
}

impl OptionErrorKind {
    /// The mistake without the word that is wrong, which may have come with the data.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Strategy => "no strategy has this name",
            Self::Option => "an option that it has not, or one that it lacks",
            Self::Value => "an option has a value that it cannot have",
            Self::NotOneFunction => "an object must hold exactly one function",
        }
    }
}

/// A strategy that cannot be read: where, what, and what to write instead.
#[derive(Clone, Debug)]
pub struct OptionError<'a> {
    /// What kind of mistake.
    pub kind: OptionErrorKind,
    /// The wrong name or value.
    pub view: View<'a>,
    /// One sentence.
    pub message: String,
    /// What is valid there.
    pub help: Option<String>,
}

pub(super) type Read<'a, T> = Result<T, OptionError<'a>>;

pub(super) fn error<T>(
    kind: OptionErrorKind,
    view: View<'_>,
    message: impl Into<String>,
    help: Option<String>,
) -> Read<'_, T> {
    Err(OptionError { kind, view, message: message.into(), help })
}

pub(super) fn value_error<'a, T>(view: View<'a>, expected: &str) -> Read<'a, T> {
    error(OptionErrorKind::Value, view, format!("expected {expected}"), None)
}

/// What adds again at every login.
const ADDING: [&str; 4] = ["add", "concat", "sum", "sum_quantities"];

/// Functions that take options.
const FUNCTIONS: [&str; 11] =
    ["concat", "each", "highest", "keyed_union", "latest", "lowest", "max", "merge_fields", "recent", "sum", "union"];

impl Strategy {
    /// Reads the `merge` of a rule: a name, or an object with one function and its options.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read_rule(view: View<'_>) -> Result<Self, OptionError<'_>> {
        if let Some(preset) = Preset::by_name(&view.word()) {
            return Ok(Self::Preset(preset));
        }
        if view.kind() != Kind::Object {
            return Self::read(view);
        }
        let default = view.get("default");
        let mut functions =
            view.named_members().filter(|(name, _)| !name.as_text().is_some_and(|name| name.is("default")));
        let (Some((name, options)), None) = (functions.next(), functions.next()) else {
            let names: Vec<_> = view.members().map(|(name, _)| format!("`{}`", name.decode())).collect();
            let message = format!("a merge is one function and its options, not {}", names.join(" and "));
            return error(OptionErrorKind::NotOneFunction, view, message, Some(suggestion("", &FUNCTIONS)));
        };
        let function = name.word();
        if default.is_some() && function != "merge_fields" {
            return error(OptionErrorKind::NotOneFunction, view, "only `merge_fields` has a `default` beside it", None);
        }
        Self::read_function(name, &function, options, default)
    }

    pub(super) fn read_function<'a>(
        name: View<'a>,
        function: &str,
        options: View<'a>,
        default: Option<View<'a>>,
    ) -> Read<'a, Self> {
        Ok(match function {
            "max" if options.as_number().is_some() => Self::Max(Some(options.to_json())),
            "sum" | "add" if options.as_number().is_some() => Self::Sum(Some(options.to_json())),
            "max" | "sum" | "add" => return value_error(options, "a number"),
            "highest" => Self::Ordinal(Ordinal::read(options, Ordering::Greater)?),
            "lowest" => Self::Ordinal(Ordinal::read(options, Ordering::Less)?),
            "concat" => Self::Concat(Concat(Union::read("concat", options)?)),
            "union" => Self::Union(Union::read("union", options)?),
            "keyed_union" => Self::KeyedUnion(Box::new(KeyedUnion::read(options)?)),
            "recent" => Self::Recent(Recent::read(options)?),
            "each" => Self::Each(Each::read(options)?),
            "latest" => Self::Latest(Latest::read(options)?),
            "merge_fields" => Self::Fields(MergeFields::read(options, default)?),
            unknown => {
                let message = format!("unknown function `{unknown}`");
                return error(OptionErrorKind::Strategy, name, message, Some(suggestion(unknown, &FUNCTIONS)));
            }
        })
    }

    /// Reads the strategy of a member: a name, `["name", option]`, or an object of member -> strategy.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(view: View<'_>) -> Result<Self, OptionError<'_>> {
        match view.kind() {
            Kind::String => Self::read_name(view),
            Kind::Array => Self::read_list(view),
            Kind::Object => Ok(Self::Fields(MergeFields::read(view, None)?)),
            _ => value_error(view, "the name of a strategy"),
        }
    }

    /// Where a merge, as an author wrote it, names what adds again at every login: the first such word.
    #[must_use]
    pub fn adding(view: View<'_>) -> Option<View<'_>> {
        let adds = |view: &View<'_>| ADDING.contains(&view.word().as_str());
        match view.kind() {
            Kind::Object => {
                let mut values = view.members().filter_map(|(_, value)| Self::adding(value));
                values.next().or_else(|| view.named_members().map(|(name, _)| name).find(adds))
            }
            Kind::Array => view.items().find_map(Self::adding),
            _ => Some(view).filter(adds),
        }
    }

    fn read_name(view: View<'_>) -> Read<'_, Self> {
        let name = view.word();
        Self::by_name(&name).or_else(|| Preset::by_name(&name).map(Self::Preset)).map_or_else(
            || {
                if FUNCTIONS.contains(&name.as_str()) {
                    let message = format!("strategy `{name}` needs options");
                    let near = nearest(&name, &Self::NAMES).map_or(String::new(), |near| format!(", or `\"{near}\"`"));
                    let help = format!("write `{{ \"{name}\": … }}`, for a member `[\"{name}\", …]`{near}");
                    return error(OptionErrorKind::Strategy, view, message, Some(help));
                }
                let message = format!("unknown strategy `{name}`");
                error(OptionErrorKind::Strategy, view, message, Some(suggestion(&name, &strategy_names())))
            },
            Ok,
        )
    }

    fn read_list(view: View<'_>) -> Read<'_, Self> {
        let mut items = view.items();
        let (Some(name), Some(option), None) = (items.next(), items.next(), items.next()) else {
            return value_error(view, "a strategy and its option, such as `[\"max\", 99]`");
        };
        Self::read_function(name, &name.word(), option, None)
    }
}

/// The names of all strategies.
#[must_use]
pub fn strategy_names() -> Vec<&'static str> {
    [&Strategy::NAMES[..], &FUNCTIONS[..], &Cart::NAMES[..]].concat()
}

/// Whether a word names a strategy.
#[must_use]
pub fn is_strategy(name: &str) -> bool {
    Strategy::by_name(name).is_some() || strategy_names().contains(&name)
}

/// Whether a word names what adds again at every login.
#[must_use]
pub fn adds(name: &str) -> bool {
    ADDING.contains(&name)
}

/// Checks that `options` is an object of options that the function knows.
pub(super) fn known<'a>(options: View<'a>, function: &str, names: &[&str]) -> Read<'a, ()> {
    if options.kind() != Kind::Object {
        return value_error(options, "an object of options");
    }
    for (name, _) in options.named_members() {
        let text = name.word();
        if !names.contains(&text.as_str()) {
            let message = format!("`{function}` has no option `{text}`");
            return error(OptionErrorKind::Option, name, message, Some(suggestion(&text, names)));
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
