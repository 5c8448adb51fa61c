//! The strategies by name: one value of the account's and one of the session's become one.

use std::cmp::Ordering;

use super::concat::Concat;
use super::each::Each;
use super::fields::MergeFields;
use super::key::Key;
use super::keyed_union::{KeyedUnion, Otherwise};
use super::latest::Latest;
use super::law::{Law, Laws};
use super::named::Named;
use super::ordinal::Ordinal;
use super::preset::Preset;
use super::recent::Recent;
use super::union::Union;
use super::{Made, Merging, Refusal, Work};
use super::{add, coalesce, concat, extreme, fill, latest, logical, ordinal, recent, union};
use crate::json::{Json, Kind, View};

/// How two values become one.
#[derive(Clone, Debug)]
pub enum Strategy {
    /// The account's, unless it has none.
    Account,
    /// The account's, even if it has none.
    Keep,
    /// The session's.
    Anonymous,
    /// The session's where the account's is blank.
    Fill,
    /// The larger number; the cap bounds what is added.
    Max(Option<Json>),
    /// The smaller number.
    Min,
    /// The sum; the cap bounds what is added.
    Sum(Option<Json>),
    /// The value that stands later, or earlier, in a list.
    Ordinal(Ordinal),
    /// Logical and.
    All,
    /// Logical or.
    Any,
    /// The earlier time.
    EarliestTime,
    /// The later time.
    LatestTime,
    /// A set.
    Union(Union),
    /// One list behind the other.
    Concat(Concat),
    /// A list as a map.
    KeyedUnion(Box<KeyedUnion>),
    /// The newest entries.
    Recent(Recent),
    /// An object, member by member.
    Fields(MergeFields),
    /// A map of open names.
    Each(Each),
    /// The one of two whole values whose time is later.
    Latest(Latest),
    /// A cart, as platforms do it.
    Preset(Preset),
}

impl Strategy {
    /// The strategy of a name, without options.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Named::by_name(name)?.plain.map(|plain| plain())
    }

    /// Merges the account's value (`None`: absent or null) and the session's.
    ///
    /// # Errors
    /// The account's value has a shape that the strategy cannot use, or the budget is spent.
    ///
    /// ```
    /// use handover_engine::{budget::Budget, json::Document, merge::{Context, Losses, Made, Strategy, Work}};
    /// let (account, anonymous) = (Document::read(b"2").unwrap(), Document::read(b"5").unwrap());
    /// let context = Context { now: 0, session_created_at: 0 };
    /// let max = Strategy::by_name("max").unwrap();
    /// let mut work = Work { context, budget: &Budget::new(100), losses: &mut Losses::default() };
    /// let made = max.merge(Some(account.root()), anonymous.root(), &mut work).unwrap();
    /// assert!(matches!(made, Made::Write(value) if value.view().to_text() == "5"));
    /// ```
    pub fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        let account = account.filter(|value| !value.is_null());
        if anonymous.is_null() {
            return Ok(Made::Keep);
        }
        Ok(match self {
            Self::Account => coalesce::coalesce(account, anonymous),
            Self::Keep => Made::Keep,
            Self::Anonymous => Made::Write(anonymous.to_json()),
            Self::Fill => fill::fill(account, anonymous),
            Self::Max(cap) => extreme::extreme(account, anonymous, cap.as_ref(), Ordering::Greater),
            Self::Min => extreme::extreme(account, anonymous, None, Ordering::Less),
            Self::Sum(cap) => add::add(account, anonymous, cap.as_ref()),
            Self::Ordinal(ordinal) => ordinal.merge(account, anonymous),
            Self::All => logical::logical(account, anonymous, false),
            Self::Any => logical::logical(account, anonymous, true),
            Self::EarliestTime => latest::time(account, anonymous, Ordering::Less),
            Self::LatestTime => latest::time(account, anonymous, Ordering::Greater),
            Self::Union(union) => union.merge(account, anonymous, work)?,
            Self::Concat(concat) => concat.merge(account, anonymous, work)?,
            Self::KeyedUnion(keyed) => keyed.merge(account, anonymous, work)?,
            Self::Recent(recent) => recent.merge(account, anonymous, work)?,
            Self::Fields(fields) => fields.merge(account, anonymous, work)?,
            Self::Each(each) => each.merge(account, anonymous, work)?,
            Self::Latest(latest) => latest.merge(account, anonymous, work.context),
            Self::Preset(preset) => preset.merge(account, anonymous, work)?,
        })
    }

    /// The laws that it keeps by construction, those of the strategies inside it among them.
    #[must_use]
    pub fn laws(&self) -> Laws {
        match self {
            Self::Account => coalesce::LAWS,
            Self::Keep | Self::Anonymous => Laws::OF_A_CHOICE,
            Self::Fill => fill::LAWS,
            Self::Max(_) | Self::Min => extreme::LAWS,
            Self::Sum(_) => add::LAWS,
            Self::Ordinal(_) => ordinal::LAWS,
            Self::All | Self::Any => logical::LAWS,
            Self::EarliestTime | Self::LatestTime | Self::Latest(_) => latest::LAWS,
            Self::Union(_) => union::LAWS,
            Self::Concat(_) => concat::LAWS,
            Self::KeyedUnion(keyed) => keyed.laws(),
            Self::Recent(_) => recent::LAWS,
            Self::Fields(fields) => fields.laws(),
            Self::Each(each) => each.of.laws(),
            Self::Preset(preset) => preset.laws(),
        }
    }

    /// Whether it adds again at every login, so that a hand-over may come only once (law L2).
    #[must_use]
    pub fn needs_once(&self) -> bool {
        !self.laws().has(Law::Relogin)
    }

    /// The types of the session's values that it merges; it ignores others.
    #[must_use]
    pub fn merges(&self) -> &'static [Kind] {
        match self {
            Self::Max(_) | Self::Min | Self::Sum(_) => &[Kind::Number],
            Self::All | Self::Any => &[Kind::Bool],
            Self::EarliestTime | Self::LatestTime => &[Kind::String, Kind::Number],
            Self::Union(_) | Self::Concat(_) | Self::KeyedUnion(_) | Self::Recent(_) => &[Kind::Array],
            Self::Fields(_) | Self::Each(_) | Self::Latest(_) => &[Kind::Object],
            Self::Preset(preset) => preset.merges(),
            Self::Account | Self::Keep | Self::Anonymous | Self::Fill | Self::Ordinal(_) => {
                &[Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object]
            }
        }
    }

    /// Whether it chooses one of two values, so that the other one may go; or bounds what it keeps.
    #[must_use]
    pub fn chooses(&self) -> bool {
        match self {
            Self::Anonymous
            | Self::Min
            | Self::All
            | Self::Any
            | Self::EarliestTime
            | Self::LatestTime
            | Self::Ordinal(_)
            | Self::Latest(_)
            | Self::Recent(_) => true,
            Self::KeyedUnion(keyed) => matches!(keyed.otherwise, Otherwise::Anonymous | Otherwise::Overwrite),
            Self::Preset(preset) => preset.chooses(),
            Self::Account
            | Self::Keep
            | Self::Fill
            | Self::Max(_)
            | Self::Sum(_)
            | Self::Union(_)
            | Self::Concat(_)
            | Self::Fields(_)
            | Self::Each(_) => false,
        }
    }

    /// Whether it forces times into the session's.
    #[must_use]
    pub fn clamps(&self) -> bool {
        match self {
            Self::Recent(recent) => recent.clamp,
            Self::Fields(fields) => fields.rules.iter().any(|(_, strategy)| strategy.clamps()),
            Self::Each(each) => each.of.clamps(),
            _ => false,
        }
    }

    /// Whether it chooses one of two scalars.
    #[must_use]
    pub fn chooses_scalars(&self) -> bool {
        self.chooses() && !matches!(self, Self::Recent(_) | Self::KeyedUnion(_) | Self::Preset(_))
    }

    /// The keys by which it tells items of lists apart.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Self::KeyedUnion(keyed) => vec![keyed.key.clone()],
            Self::Recent(recent) => recent.key.iter().cloned().collect(),
            Self::Fields(fields) => fields.rules.iter().flat_map(|(_, strategy)| strategy.keys()).collect(),
            Self::Each(each) => each.of.keys(),
            Self::Preset(preset) => vec![preset.lines.key.clone()],
            _ => Vec::new(),
        }
    }

    /// What joins a member of this name: of an object, or of the lines of a list.
    #[must_use]
    pub fn of_member(&self, name: &str) -> Option<&Self> {
        let rules = match self {
            Self::Each(each) => return Some(&each.of),
            Self::Fields(fields) => &fields.rules,
            Self::KeyedUnion(keyed) => &keyed.on_match,
            _ => return None,
        };
        let default = if let Self::Fields(fields) = self { fields.default.as_deref() } else { None };
        rules.iter().find(|(own, _)| own == name).map(|(_, strategy)| strategy).or(default)
    }

    /// Merges members below the rule's value: there, a wrong type keeps the account's member and is no finding.
    pub(super) fn merge_member(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        match self.merge(account, anonymous, work) {
            Err(Refusal::AccountShape) => Ok(Made::Keep),
            made => made,
        }
    }
}
