//! The functions that scripts call by name: each is data beside its code, in a file of its own.
//!
//! A new function is one file with a `FUNCTION`, its `mod` line, and one line of [`Function::ALL`], which is in the order of
//! the names: the sandbox, the checks of scripts, the mutants and the author's reference read the rest from there. One that
//! merges by a new strategy needs that strategy ([`super::named`]).

use super::law::{Law, Laws};
use super::named::{Named, Plain};
use super::option_error::OptionError;
use super::options::{Read, value_error};
use super::preset;
use super::takes::Takes;
use super::{Made, Merging, Refusal, Strategy, Work};
use super::{
    add, clamp_times, coalesce, concat, drop_expired, each, extreme, fields, fill, keyed_union, latest, merge_patch,
    most_frequent, ordinal, pick, recent, three_way, times, union,
};
use crate::json::{Json, Kind, View};

/// A function of the library.
#[derive(Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub signature: &'static str,
    /// What it gives, in a line.
    pub summary: &'static str,
    /// The least and the most arguments.
    pub arguments: (usize, usize),
    /// Which arguments are the account's value and the visitor's, if it merges.
    pub sides: Option<[usize; 2]>,
    /// Its options, if it has some.
    pub options: Option<Options>,
    /// The type of what it gives.
    pub gives: Gives,
    /// A call, and the JSON of what it gives.
    pub example: [&'static str; 2],
    /// The function that takes its place in a mutant of the rules.
    pub mutant: Option<&'static str>,
    /// Its code.
    pub(super) code: Code,
}

/// The code of a function.
#[derive(Clone, Copy)]
pub(super) enum Code {
    /// It merges by a strategy, which its other arguments say.
    Strategy(for<'a> fn(Arguments<'a>) -> Read<'a, Strategy>),
    /// It merges by code of its own.
    Merge {
        /// What it keeps by construction.
        laws: Laws,
        /// The strategy that makes the same of two values, if one does.
        like: Option<Plain>,
        call: Call,
    },
    /// It merges nothing.
    Helper(for<'a> fn(Arguments<'a>) -> Result<Called, Refused<'a>>),
}

/// Code that merges.
type Call = for<'a> fn(Arguments<'a>, &mut Work<'_>) -> Result<Called, Refused<'a>>;

/// Which argument holds a function's options, and how they are read.
#[derive(Clone, Copy)]
pub struct Options {
    /// The argument.
    pub argument: usize,
    /// What it is.
    pub takes: Takes,
    /// Whether a strategy alone may take the place of options.
    pub or_strategy: bool,
    /// What is wrong with them.
    pub(super) read: for<'a> fn(View<'a>) -> Read<'a, ()>,
}

/// The type of what a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// `true` or `false`.
    Boolean,
    /// A number, or null where there is none.
    NumberOrNull,
    /// A string, or null.
    StringOrNull,
    /// A list.
    List,
    /// An object.
    Object,
    /// One of the values that it is given, or what is made of them.
    Either,
}

/// What a function is called with; what is left out is null.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a>(&'a [Json]);

impl<'a> Arguments<'a> {
    pub(super) fn at(self, index: usize) -> View<'a> {
        self.0.get(index).map_or(NULL.view(), Json::view)
    }

    /// Options that may be left out.
    pub(super) fn options(self, index: usize) -> View<'a> {
        let options = self.at(index);
        if options.is_null() { EMPTY.view() } else { options }
    }

    pub(super) fn number(self, index: usize) -> Read<'a, Option<Json>> {
        let view = self.at(index);
        match view.kind() {
            Kind::Null => Ok(None),
            Kind::Number => Ok(Some(view.to_json())),
            _ => value_error(view, "a number"),
        }
    }

    pub(super) fn name(self, index: usize) -> Read<'a, String> {
        let view = self.at(index);
        view.as_text().map_or_else(|| value_error(view, "the name of a member"), |name| Ok(name.decode().into_owned()))
    }
}

/// A function's two sides where the account's value comes first.
pub(super) const SIDES: [usize; 2] = [0, 1];

impl Function {
    /// All functions, by name.
    pub const ALL: &[Self] = &[
        add::FUNCTION,
        preset::archive_existing::FUNCTION,
        clamp_times::FUNCTION,
        coalesce::FUNCTION,
        concat::FUNCTION,
        drop_expired::FUNCTION,
        each::FUNCTION,
        latest::EARLIEST,
        fill::FUNCTION,
        preset::higher_quantity::FUNCTION,
        ordinal::HIGHEST,
        fill::IS_BLANK,
        keyed_union::FUNCTION,
        latest::LATEST,
        ordinal::LOWEST,
        extreme::MAX_OF,
        fields::FUNCTION,
        merge_patch::FUNCTION,
        extreme::MIN_OF,
        most_frequent::FUNCTION,
        pick::FUNCTION,
        recent::FUNCTION,
        preset::saved_quantity::FUNCTION,
        preset::sum_quantities::FUNCTION,
        three_way::FUNCTION,
        times::TIME_OF,
        times::TIME_TEXT,
        union::FUNCTION,
        preset::use_existing::FUNCTION,
        preset::use_guest::FUNCTION,
        preset::use_guest_if_existing_empty::FUNCTION,
    ];

    /// The function of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name == name)
    }

    /// Whether it merges nothing, so that a guard may call it too.
    #[must_use]
    pub fn is_helper(self) -> bool {
        matches!(self.code, Code::Helper(_))
    }

    /// The laws that it keeps by construction, if it merges.
    #[must_use]
    pub fn laws(self) -> Option<Laws> {
        match self.code {
            Code::Strategy(_) => {
                let laws = Named::by_name(self.name).map(Named::laws)?;
                // a declared rule says so; in a script, nobody asked for the account's cart to go
                let replaces = matches!(self.strategy(&[]), Some(Strategy::Preset(preset)) if preset.chooses());
                Some(if replaces { laws.without(Law::Inflationary) } else { laws })
            }
            Code::Merge { laws, .. } => Some(laws),
            Code::Helper(_) => None,
        }
    }

    /// The strategy that a call merges by, of its arguments beside the two values; the values may be null.
    #[must_use]
    pub fn strategy(self, arguments: &[Json]) -> Option<Strategy> {
        match self.code {
            Code::Strategy(read) => read(Arguments(arguments)).ok(),
            _ => self.like(),
        }
    }

    /// The strategy that makes the same of two values, whatever else a call gives.
    #[must_use]
    pub fn like(self) -> Option<Strategy> {
        match self.code {
            Code::Merge { like, .. } => like.map(|plain| plain()),
            Code::Strategy(_) | Code::Helper(_) => None,
        }
    }

    /// Whether an argument is one of the two values that it merges.
    #[must_use]
    pub fn is_side(self, argument: usize) -> bool {
        self.sides.is_some_and(|sides| sides.contains(&argument))
    }

    /// Whether it takes so many arguments.
    #[must_use]
    pub fn takes(self, count: usize) -> bool {
        let (least, most) = self.arguments;
        (least..=most).contains(&count)
    }
}

/// Shows its name.
impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a function gives.
pub enum Called {
    /// One of its arguments as it is, by position.
    Argument(usize),
    /// A new value.
    Value(Json),
}

/// Why a function gives nothing.
pub enum Refused<'a> {
    /// An argument of the author's is wrong.
    Option(OptionError<'a>),
    /// The account's value has another shape; the function gives that argument back.
    AccountShape(usize),
    /// The budget is spent.
    Overrun,
}

impl<'a> From<OptionError<'a>> for Refused<'a> {
    fn from(error: OptionError<'a>) -> Self {
        Self::Option(error)
    }
}

/// Calls a function; arguments that it has and that are left out are null.
///
/// # Errors
/// What is wrong with the author's arguments, the account's shape, or a spent budget.
pub fn call<'a>(function: Function, arguments: &'a [Json], work: &mut Work<'_>) -> Result<Called, Refused<'a>> {
    let given = Arguments(arguments);
    match function.code {
        Code::Strategy(read) => {
            let [account, anonymous] = function.sides.unwrap_or(SIDES);
            made(read(given)?.merge(Some(given.at(account)), given.at(anonymous), work), account)
        }
        Code::Merge { call, .. } => call(given, work),
        Code::Helper(call) => call(given),
    }
}

/// Reads the options of a function alone, as a call would.
///
/// # Errors
/// What is wrong with them.
pub fn options(function: Function, options: View<'_>) -> Result<(), OptionError<'_>> {
    function.options.map_or(Ok(()), |own| (own.read)(options))
}

static NULL: Json = Json::Null;
static EMPTY: std::sync::LazyLock<Json> = std::sync::LazyLock::new(Json::empty_object);

pub(super) fn made<'a>(made: Merging, account: usize) -> Result<Called, Refused<'a>> {
    match made {
        Ok(Made::Keep) => Ok(Called::Argument(account)),
        Ok(Made::Write(value)) => Ok(Called::Value(value)),
        Err(Refusal::AccountShape) => Err(Refused::AccountShape(account)),
        Err(Refusal::Overrun) => Err(Refused::Overrun),
    }
}
