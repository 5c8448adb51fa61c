//! What a strategy takes beside the two values, and what its options take: for the checks of scripts, the mutants and the
//! author's reference.

use super::keyed_union::Otherwise;
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
    /// The path of a member.
    Path,
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
    /// Whether it must be given.
    pub is_required: bool,
    /// What it does, in a line.
    pub summary: &'static str,
}

impl Takes {
    /// The options, where it takes an object of them.
    #[must_use]
    pub fn options(self) -> &'static [OptionSpec] {
        match self {
            Self::Options(options) => options,
            Self::Key => &PARTS,
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
            Self::Path => "a member path".to_owned(),
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
        let of_strategies = Named::ALL.iter().flat_map(Named::options).chain(&PARTS).chain([&CONFLICT]);
        of_strategies.into_iter().find(|option| option.name == name).map(|option| option.takes)
    })
}

const fn option(name: &'static str, takes: Takes, summary: &'static str) -> OptionSpec {
    OptionSpec { name, takes, is_required: false, summary }
}

const fn required(option: OptionSpec) -> OptionSpec {
    OptionSpec { is_required: true, ..option }
}

/// The names of options.
pub(super) fn names(options: &[OptionSpec]) -> Vec<&'static str> {
    options.iter().map(|option| option.name).collect()
}

/// Whose new items come first.
pub(super) const FIRST: OptionSpec = option("first", Takes::Word(&["account", "anonymous"]), "whose items come first");
/// How long the result may be.
pub(super) const LIMIT: OptionSpec =
    option("limit", Takes::Count, "the most items of the result; the account's stay, and new ones are turned away");
/// How long the result of `recent` may be.
pub(super) const LIMIT_RECENT: OptionSpec =
    option("limit", Takes::Count, "the most entries of the result; the oldest are dropped, the account's too");
/// How many names the result may have.
pub(super) const LIMIT_NAMES: OptionSpec =
    option("limit", Takes::Count, "the most names of the result; the account's stay, and new ones are turned away");
/// What names an item.
pub(super) const KEY: OptionSpec = option("key", Takes::Key, "what names an item");
/// The same, where there is no union without it.
pub(super) const KEY_REQUIRED: OptionSpec = required(KEY);
/// How matching lines are merged.
pub(super) const ON_MATCH: OptionSpec =
    option("on_match", Takes::Strategies, "strategies of the members of an item that both sides have");
/// The path of a part of a key.
pub(super) const PATH: OptionSpec =
    required(option("path", Takes::Path, "in a part of a key: the member, `product.id` for one inside of another"));
/// How texts of a key are compared.
pub(super) const FOLD: OptionSpec =
    option("fold", Takes::Flag, "in a part of a key: case and outer white space do not count");
/// Whether a list of a key is compared as a set.
pub(super) const SET: OptionSpec = option("set", Takes::Flag, "in a part of a key: a list is compared as a set");
/// What a part of a key has.
pub(super) const PARTS: [OptionSpec; 3] = [FOLD, PATH, SET];
/// The strategy of each name.
pub(super) const OF: OptionSpec =
    required(option("of", Takes::Strategy, "the strategy of the two values of each name"));
/// Where an entry has its time.
pub(super) const AT: OptionSpec =
    option("at", Takes::Member, "the member that holds the time of an entry; without it, `at`");
/// Where a value has its time.
pub(super) const AT_REQUIRED: OptionSpec =
    required(option("at", Takes::Member, "the member that holds the time of the value"));
/// Whether times are forced into the session's.
pub(super) const CLAMP: OptionSpec = option(
    "clamp",
    Takes::Flag,
    "the visitor's times are moved into the session, and the visitor's entries without a readable time are dropped",
);
/// What becomes of the members that `on_match` does not name.
pub(super) const OTHERWISE: OptionSpec = option(
    "otherwise",
    Takes::Word(&Otherwise::WORDS),
    "members that `on_match` does not name: the account's stay, the visitor's item replaces the account's, absent members are added, or the visitor's members replace the account's",
);
/// Who wins where both changed.
pub(super) const CONFLICT: OptionSpec =
    option("conflict", Takes::Word(&["account", "anonymous"]), "who wins where both sides changed a member");
/// What becomes of the members that have no strategy.
pub const DEFAULT: OptionSpec = option(
    "default",
    Takes::Word(&["drop", "account", "fill", "anonymous"]),
    "members without a strategy: not copied, or by that strategy; beside `merge_fields` in a policy, the last argument in a script",
);
