//! The strategies by name, as `policy.json` and the options of functions write them: each is data beside its code.
//!
//! A new strategy is a file with its [`Named`], a variant of [`Strategy`] whose matches the compiler asks for, and a line in
//! [`Named::ALL`], which is in the order of the names. `tests/catalogue` has a rule for each name, and the schema of policies
//! lists it.

use super::law::Laws;
use super::options::Read;
use super::preset;
use super::takes::{OptionSpec, Takes};
use super::{
    Strategy, add, coalesce, concat, each, extreme, fields, fill, keyed_union, latest, logical, ordinal, recent,
};
use super::{anonymous, union};
use crate::json::{Document, View};

/// What a merge adds again at every login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adds {
    /// Numbers to numbers.
    Numbers,
    /// Items to lists.
    Items,
}

/// A strategy by its name.
#[derive(Clone, Copy)]
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// The name of the function that scripts call, where it is another one.
    pub alias: Option<&'static str>,
    /// What it makes of two values, in a line.
    pub summary: &'static str,
    /// The strategy without options, if it has a meaning.
    pub plain: Option<Plain>,
    /// What its option is, if it takes one.
    pub takes: Option<Takes>,
    /// The strategy with its option, and the `default` beside it.
    pub(super) with: Option<With>,
    /// What it adds again at every login, if it does.
    pub adds: Option<Adds>,
    /// The strategy that takes its place in a mutant of the rules.
    pub mutant: Option<&'static str>,
    /// As it is written for a member, the account's value, the visitor's, and what becomes of them.
    pub example: [&'static str; 4],
}

/// Makes a strategy without options.
pub type Plain = fn() -> Strategy;

/// Reads a strategy with its option.
pub(super) type With = for<'a> fn(View<'a>, Option<View<'a>>) -> Read<'a, Strategy>;

impl Named {
    /// All strategies by name.
    pub const ALL: &[Self] = &[
        coalesce::STRATEGY,
        logical::ALL,
        anonymous::STRATEGY,
        logical::ANY,
        preset::archive_existing::STRATEGY,
        concat::STRATEGY,
        each::STRATEGY,
        latest::EARLIEST_TIME,
        fill::STRATEGY,
        preset::higher_quantity::STRATEGY,
        ordinal::HIGHEST_OF,
        anonymous::KEEP,
        keyed_union::STRATEGY,
        latest::LATEST_VALUE,
        latest::LATEST_TIME,
        ordinal::LOWEST_OF,
        extreme::MAX,
        fields::STRATEGY,
        extreme::MIN,
        recent::STRATEGY,
        preset::saved_quantity::STRATEGY,
        add::STRATEGY,
        preset::sum_quantities::STRATEGY,
        union::STRATEGY,
        preset::use_existing::STRATEGY,
        preset::use_guest::STRATEGY,
        preset::use_guest_if_existing_empty::STRATEGY,
    ];

    /// The strategy of a name, or of the function that scripts call for it.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|own| own.name == name || own.alias == Some(name))
    }

    /// The laws that it keeps by construction, as its example is written.
    #[must_use]
    pub fn laws(&self) -> Laws {
        let written = Document::read(self.example[0].as_bytes());
        let read = written.ok().and_then(|written| Strategy::read(written.root()).ok().map(|own| own.laws()));
        read.unwrap_or(Laws::OF_EVERY_RULE)
    }

    /// Whether it takes an option.
    #[must_use]
    pub fn takes_option(&self) -> bool {
        self.with.is_some()
    }

    /// Its options, if it takes an object of them.
    #[must_use]
    pub fn options(&self) -> &'static [OptionSpec] {
        self.takes.map_or(&[], Takes::options)
    }
}

/// Shows its name.
impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
