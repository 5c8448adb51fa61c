//! `union`: a set by deep JSON equality. As a strategy: `"union"`, `["union", { "limit": 50 }]`.
//!
//! Laws: L1, L2, L6–L9; L3–L5 compared as sets where no limit is met.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""union""#, "[1,{\"a\":1,\"b\":2}]", "[1.0,{\"b\":2,\"a\":1},3]"), "[1,{\"a\":1,\"b\":2},3]");
//! assert_eq!(merged(r#"["union", { "limit": 2 }]"#, "[1]", "[2,3]"), "[1,2]");
//! ```

use std::cmp::Ordering;

use super::function::{Code, Function, Gives, Options, SIDES};
use super::group::first_equal;
use super::law::Laws;
use super::named::Named;
use super::options::{Read, known, limit, value_error};
use super::takes::{self, OptionSpec, Takes};
use super::{Made, Merging, Refusal, Strategy, Work};
use crate::json::{Json, Kind, View, compare, fingerprint};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// `union` by name.
pub(super) const STRATEGY: Named = Named {
    name: "union",
    alias: None,
    summary: "the items of both lists, equal ones once",
    plain: Some(|| Strategy::Union(Union::default())),
    takes: Some(Takes::Options(&OPTIONS)),
    with: Some(|options, _| Ok(Strategy::Union(Union::read("union", options)?))),
    adds: None,
    mutant: Some("concat"),
    example: [r#"["union", { "limit": 5 }]"#, "[1]", "[1,2]", "[1,2]"],
};

/// `union` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "union",
    signature: "union(account, anonymous, options)",
    summary: "the items of both lists, equal ones once",
    arguments: (2, 3),
    sides: Some(SIDES),
    options: Some(Options {
        argument: 2,
        takes: Takes::Options(&OPTIONS),
        or_strategy: false,
        read: |options| Union::read("union", options).map(drop),
    }),
    gives: Gives::List,
    mutant: None,
    example: ["union([1], [1, 2])", "[1,2]"],
    code: Code::Strategy(|arguments| Ok(Strategy::Union(Union::read("union", arguments.options(2))?))),
};

/// Its options.
pub(super) const OPTIONS: [OptionSpec; 2] = [takes::FIRST, takes::LIMIT];

/// Options of `union`, and those that every list strategy shares.
#[derive(Clone, Debug, Default)]
pub struct Union {
    /// Items of the result; it turns away new ones only.
    pub limit: Option<usize>,
    /// Whether new items stand in front.
    pub first: First,
}

impl Union {
    /// Reads the options of `union`.
    pub(super) fn read<'a>(function: &str, options: View<'a>) -> Read<'a, Self> {
        known(options, function, &OPTIONS)?;
        Self::read_known(options)
    }

    pub(super) fn read_known(options: View<'_>) -> Read<'_, Self> {
        let first = match options.get("first") {
            None => First::Account,
            Some(view) => match view.word().as_str() {
                "account" => First::Account,
                "anonymous" => First::Anonymous,
                _ => return value_error(view, "`account` or `anonymous`"),
            },
        };
        Ok(Self { limit: limit(options)?, first })
    }
}

/// Whose items stand in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum First {
    /// The account's.
    #[default]
    Account,
    /// The new ones.
    Anonymous,
}

impl Union {
    /// The account's items, then each anonymous item that equals none before it.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        work.budget.charge(account.map_or(0, View::weight) + anonymous.weight())?;
        let (account, anonymous) = lists(account, anonymous)?;
        let items: Vec<_> = account.iter().chain(&anonymous).copied().collect();
        let fingerprints: Vec<_> = items.iter().map(|item| fingerprint(*item)).collect();
        let compare = |i: usize, j: usize| match (items.get(i), items.get(j)) {
            (Some(a), Some(b)) => compare(*a, *b),
            _ => Ordering::Equal,
        };
        let first = first_equal(&fingerprints, compare);
        let fresh = first.iter().enumerate().skip(account.len()).filter(|(index, first)| index == *first);
        let new: Vec<Json> = fresh.filter_map(|(index, _)| items.get(index)).map(|item| item.to_json()).collect();
        let kept = account.iter().map(|item| item.to_json()).collect();
        Ok(self.joined(kept, new, Changed::No, work))
    }

    /// The account's items and as many new ones as the limit lets in.
    pub(super) fn joined(
        &self,
        mut account: Vec<Json>,
        mut new: Vec<Json>,
        changed: Changed,
        work: &mut Work<'_>,
    ) -> Made {
        let room = self.limit.unwrap_or(usize::MAX).saturating_sub(account.len());
        let beyond = new.split_off(new.len().min(room));
        work.losses.beyond_limit.extend(beyond);
        if new.is_empty() && changed == Changed::No {
            return Made::Keep;
        }
        match self.first {
            First::Account => account.append(&mut new),
            First::Anonymous => {
                new.append(&mut account);
                account = new;
            }
        }
        Made::Write(Json::list(account))
    }
}

/// Whether an item of the account's was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    No,
    Yes,
}

/// The items of both sides: an absent account's list is empty, a foreign anonymous value has no items.
pub(super) fn lists<'a>(
    account: Option<View<'a>>,
    anonymous: View<'a>,
) -> Result<(Vec<View<'a>>, Vec<View<'a>>), Refusal> {
    if account.is_some_and(|list| list.kind() != Kind::Array) {
        return Err(Refusal::AccountShape);
    }
    Ok((account.map(|list| list.items().collect()).unwrap_or_default(), anonymous.items().collect()))
}
