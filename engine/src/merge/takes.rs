//! What a strategy takes beside the two values, and what its options take: for the checks of scripts, the mutants and the
//! author's reference.

use super::named::Named;

/// What a strategy or an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// An object of options.
    Options(&'static [OptionSpec]),
    /// A strategy for each member, by its name.
    Strategies,
    /// One strategy.
    Strategy,
    /// The member paths that name an item.
    Key,
    /// The name of a member.
    Member,
    /// A list of values, from the lowest to the highest.
    Order,
    /// A number that caps the result.
    Cap,
    /// A whole number, 0 or more.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of these words; the first is the default.
    Word(&'static [&'static str]),
}

/// An option of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it does, in a line.
    pub summary: &'static str,
}

impl Takes {
    /// The options, where it takes an object of them.
    #[must_use]
    pub fn options(self) -> &'static [OptionSpec] {
        match self {
            Self::Options(options) => options,
            _ => &[],
        }
    }

    /// What to write, in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Options(_) => "an object of options".to_owned(),
            Self::Strategies => "an object of member -> strategy".to_owned(),
            Self::Strategy => "a strategy".to_owned(),
            Self::Key => "a member path such as `\"sku\"` or `\"product.id\"`, a list of them, or `{ \"path\", \"fold\", \"set\" }`".to_owned(),
            Self::Member => "the name of a member".to_owned(),
            Self::Order => "a list of values, from the lowest to the highest".to_owned(),
            Self::Cap => "a number".to_owned(),
            Self::Count => "a whole number, 0 or more".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Word(words) => {
                let default = |index| if index == 0 { " (default)" } else { "" };
                let word = |(index, word): (usize, &&str)| format!("`\"{word}\"`{}", default(index));
                let words: Vec<_> = words.iter().enumerate().map(word).collect();
                words.join(", ")
            }
        }
    }
}

/// What the strategy or the option of a name takes; no two options of a name differ in it.
///
/// ```
/// use handover_engine::merge::{Takes, takes};
/// assert_eq!(takes("on_match"), Some(Takes::Strategies));
/// assert_eq!(takes("sku"), None);
/// ```
#[must_use]
pub fn takes(name: &str) -> Option<Takes> {
    let named = Named::by_name(name).and_then(|named| named.takes);
    named.or_else(|| {
        let options = Named::ALL.iter().flat_map(Named::options);
        options.into_iter().find(|option| option.name == name).map(|option| option.takes)
    })
}

const fn option(name: &'static str, takes: Takes, summary: &'static str) -> OptionSpec {
    OptionSpec { name, takes, summary }
}

/// The names of options.
pub(super) fn names(options: &[OptionSpec]) -> Vec<&'static str> {
    options.iter().map(|option| option.name).collect()
}

/// Whose new items stand in front.
pub(super) const FIRST: OptionSpec =
    option("first", Takes::Word(&["account", "anonymous"]), "whose items stand in front");
/// How long the result may be.
pub(super) const LIMIT: OptionSpec =
    option("limit", Takes::Count, "the most items of the result; it turns away new ones only");
/// What names a line.
pub(super) const KEY: OptionSpec = option("key", Takes::Key, "what names an item");
/// How matching lines are merged.
pub(super) const ON_MATCH: OptionSpec =
    option("on_match", Takes::Strategies, "strategies of the members of an item that both sides have");
/// What a list of parts of a key has.
pub(super) const PATH: OptionSpec = option("path", Takes::Member, "the path of the member");
/// How texts are compared.
pub(super) const FOLD: OptionSpec = option("fold", Takes::Flag, "case and outer white space do not count");
/// Whether a list is compared as a set.
pub(super) const SET: OptionSpec = option("set", Takes::Flag, "lists are compared as sets");
/// The strategy of each name.
pub(super) const OF: OptionSpec = option("of", Takes::Strategy, "the strategy of the two values of each name");
/// Where an entry has its time.
pub(super) const AT: OptionSpec = option("at", Takes::Member, "the member that holds the time");
/// Whether times are forced into the session's.
pub(super) const CLAMP: OptionSpec = option("clamp", Takes::Flag, "the visitor's times are moved into the session");
/// What becomes of the members that `on_match` does not name.
pub(super) const OTHERWISE: OptionSpec = option(
    "otherwise",
    Takes::Word(&["account", "anonymous", "fill", "overwrite"]),
    "members that `on_match` does not name: the account's stay, the visitor's item replaces it, absent ones are added, or the visitor's are written over",
);
/// Who wins where both changed.
pub(super) const CONFLICT: OptionSpec =
    option("conflict", Takes::Word(&["account", "anonymous"]), "who wins where both sides changed a member");
