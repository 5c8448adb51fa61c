//! What is wrong with a strategy or an option that an author wrote: the problem as data, and its words.

use crate::diagnostic::{Help, nearest, suggestion};
use crate::json::View;

/// A strategy or an option that cannot be read.
#[derive(Clone, Debug)]
pub struct OptionError<'a> {
    /// The wrong name or value.
    pub view: View<'a>,
    /// What is wrong with it.
    pub problem: OptionProblem,
}

/// What is wrong with a strategy or an option.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionProblem {
    /// No strategy has this name.
    UnknownStrategy {
        /// The name.
        name: String,
        /// The names of all strategies.
        known: Vec<&'static str>,
    },
    /// No strategy with options has this name.
    UnknownFunction {
        /// The name.
        name: String,
        /// The names of strategies with options.
        known: Vec<&'static str>,
    },
    /// A strategy that takes no option.
    NoOptions {
        /// Its name.
        name: String,
    },
    /// A strategy that means nothing without its options.
    NeedsOptions {
        /// Its name.
        name: String,
        /// The names of strategies that need none.
        plain: Vec<&'static str>,
    },
    /// The function has no such option.
    UnknownOption {
        /// The function.
        function: String,
        /// The name.
        option: String,
        /// The options of the function.
        known: Vec<&'static str>,
    },
    /// An option that must be there is not.
    MissingOption {
        /// What needs it, in words.
        owner: &'static str,
        /// Its name.
        option: &'static str,
    },
    /// A word that is none of those that are valid.
    WrongWord {
        /// The option.
        what: &'static str,
        /// The word.
        word: String,
        /// The valid words.
        known: &'static [&'static str],
    },
    /// A value of another kind.
    Expected {
        /// What is expected.
        what: String,
    },
    /// An object that does not hold exactly one function.
    NotOneFunction {
        /// The names in it.
        names: Vec<String>,
        /// The names of strategies with options.
        known: Vec<&'static str>,
    },
    /// A `default` beside a function that has none.
    StrayDefault,
    /// A member's strategy with options, written as a rule is.
    NotAList {
        /// The strategy.
        name: String,
    },
}

/// The kinds of mistake; a code stands for each.
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
            Self::Option => "an unknown option, or a missing one",
            Self::Value => "an option has an invalid value",
            Self::NotOneFunction => "an object must hold exactly one function",
        }
    }
}

impl OptionProblem {
    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> OptionErrorKind {
        match self {
            Self::UnknownStrategy { .. } | Self::UnknownFunction { .. } | Self::NeedsOptions { .. } => {
                OptionErrorKind::Strategy
            }
            Self::NoOptions { .. } | Self::UnknownOption { .. } | Self::MissingOption { .. } => OptionErrorKind::Option,
            Self::WrongWord { .. } | Self::Expected { .. } => OptionErrorKind::Value,
            Self::NotOneFunction { .. } | Self::StrayDefault | Self::NotAList { .. } => OptionErrorKind::NotOneFunction,
        }
    }

    /// The mistake in a sentence, with the name of the option or member, if that is known.
    #[must_use]
    pub fn sentence(&self, member: Option<&str>) -> String {
        match self {
            Self::UnknownStrategy { name, .. } => format!("unknown strategy `{name}`"),
            Self::UnknownFunction { name, .. } => format!("unknown function `{name}`"),
            Self::NoOptions { name } => format!("strategy `{name}` takes no option"),
            Self::NeedsOptions { name, .. } => format!("strategy `{name}` needs options"),
            Self::UnknownOption { function, option, .. } => format!("`{function}` has no option `{option}`"),
            Self::MissingOption { owner, option } => format!("{owner} needs the option `{option}`"),
            Self::WrongWord { what, known, .. } => {
                let words: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
                format!("`{what}` takes {}", words.join(", "))
            }
            Self::Expected { what } => match member {
                Some(name) => format!("`{name}` takes {what}"),
                None => format!("expected {what}"),
            },
            Self::NotOneFunction { names, .. } => {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                let found = if names.is_empty() { "none".to_owned() } else { names.join(" and ") };
                format!("expected one function with its options, found {found}")
            }
            Self::StrayDefault => "only `merge_fields` has a `default` beside it".to_owned(),
            Self::NotAList { name } => format!("a member has `{name}` with its options as a list"),
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> Option<Help> {
        Some(match self {
            Self::UnknownStrategy { name, known } | Self::UnknownFunction { name, known } => suggestion(name, known),
            Self::NeedsOptions { name, plain } => {
                let near = nearest(name, plain).map_or(String::new(), |near| format!(", or `\"{near}\"`"));
                format!("write `{{ \"{name}\": … }}`, for a member `[\"{name}\", …]`{near}").into()
            }
            Self::NoOptions { name } => format!("write `\"{name}\"` alone").into(),
            Self::UnknownOption { option, known, .. } => suggestion(option, known),
            Self::WrongWord { word, known, .. } => suggestion(word, known),
            Self::NotOneFunction { known, .. } => suggestion("", known),
            Self::NotAList { name } => format!("write `[\"{name}\", …]`").into(),
            Self::MissingOption { .. } | Self::Expected { .. } | Self::StrayDefault => return None,
        })
    }
}
