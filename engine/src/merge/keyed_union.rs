//! `keyed_union`: a list as a map, lines joined by their key. As a strategy: `["keyed_union", options]`.
//!
//! Laws: L1, L2, L6–L9 with strategies that keep them; L3–L5 compared as sets where no limit is met.
//!
//! ```
//! # use handover_engine::merge::merged;
//! let cart = r#"["keyed_union", { "key": "sku", "on_match": { "qty": ["max", 99] } }]"#;
//! let (account, anonymous) = (r#"[{"sku":"A","qty":1}]"#, r#"[{"sku":"A","qty":3,"price":0},{"sku":"B","qty":2}]"#);
//! assert_eq!(merged(cart, account, anonymous), r#"[{"sku":"A","qty":3},{"sku":"B","qty":2}]"#);
//! ```

use super::fields::{Names, changed, of_members};
use super::function::{Code, Function, Gives, Options, SIDES};
use super::group::first_equal;
use super::key::{Key, compare_keys, fingerprint_of};
use super::law::Laws;
use super::named::Named;
use super::option_error::OptionProblem;
use super::options::{Read, error, known, missing_option, strategies};
use super::takes::{self, OptionSpec, Takes};
use super::union::{Changed, Union, lists};
use super::{Made, Merging, Strategy, Work};
use crate::json::{Json, View};

/// `keyed_union` by name.
pub(super) const STRATEGY: Named = Named {
    name: "keyed_union",
    alias: None,
    summary: "a list as a map: lines with the same key are merged, new lines are added",
    plain: None,
    takes: Some(Takes::Options(&OPTIONS)),
    with: Some(|options, _| Ok(Strategy::KeyedUnion(Box::new(KeyedUnion::read(options)?)))),
    adds: None,
    mutant: None,
    example: [
        r#"["keyed_union", { "key": "sku", "on_match": { "qty": "max" } }]"#,
        r#"[{"sku":"A","qty":1}]"#,
        r#"[{"sku":"A","qty":3}]"#,
        r#"[{"sku":"A","qty":3}]"#,
    ],
};

/// `keyed_union` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "keyed_union",
    signature: "keyed_union(account, anonymous, options)",
    summary: "a list as a map: lines with the same key are merged, new lines are added",
    arguments: (3, 3),
    sides: Some(SIDES),
    options: Some(Options {
        argument: 2,
        takes: Takes::Options(&OPTIONS),
        or_strategy: false,
        read: |options| KeyedUnion::read(options).map(drop),
    }),
    gives: Gives::List,
    mutant: None,
    example: [
        r#"keyed_union([#{ sku: "A", qty: 1 }], [#{ sku: "A", qty: 3 }], #{ key: "sku", on_match: #{ qty: "max" } })"#,
        r#"[{"sku":"A","qty":3}]"#,
    ],
    code: Code::Strategy(|arguments| Ok(Strategy::KeyedUnion(Box::new(KeyedUnion::read(arguments.options(2))?)))),
};

/// Its options.
pub(super) const OPTIONS: [OptionSpec; 5] =
    [takes::FIRST, takes::KEY_REQUIRED, takes::LIMIT, takes::ON_MATCH, takes::OTHERWISE];

/// Options of `keyed_union`.
#[derive(Clone, Debug)]
pub struct KeyedUnion {
    /// What names a line.
    pub key: Key,
    /// Strategies of the members of matching lines.
    pub on_match: Vec<(String, Strategy)>,
    /// What happens to the other members of a matching line.
    pub otherwise: Otherwise,
    /// Limit and order.
    pub list: Union,
}

impl KeyedUnion {
    /// Reads the options of `keyed_union`.
    pub(super) fn read(options: View<'_>) -> Read<'_, Self> {
        known(options, "keyed_union", &OPTIONS)?;
        let Some(key) = options.get("key") else {
            return missing_option(options, "`keyed_union`", "key");
        };
        let otherwise = match options.get("otherwise") {
            None => Otherwise::default(),
            Some(view) => match Otherwise::by_word(&view.word()) {
                Some(otherwise) => otherwise,
                None => {
                    let what = "otherwise";
                    let problem = OptionProblem::WrongWord { what, word: view.word(), known: &Otherwise::WORDS };
                    return error(view, problem);
                }
            },
        };
        Ok(Self {
            key: Key::read(key)?,
            on_match: options.get("on_match").map_or(Ok(Vec::new()), strategies)?,
            otherwise,
            list: Union::read_known(options)?,
        })
    }
}

/// What happens to the members of a matching line that `on_match` does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// The account's stay.
    #[default]
    Account,
    /// The line becomes the visitor's.
    Anonymous,
    /// Those that the account's line lacks are added.
    Fill,
    /// The visitor's are written over the account's.
    Overwrite,
}

impl Otherwise {
    /// The words of the option.
    pub const WORDS: [&'static str; 4] = ["account", "anonymous", "fill", "overwrite"];

    /// The meaning of a word.
    #[must_use]
    pub fn by_word(word: &str) -> Option<Self> {
        Some(match word {
            "account" => Self::Account,
            "anonymous" => Self::Anonymous,
            "fill" => Self::Fill,
            "overwrite" => Self::Overwrite,
            _ => return None,
        })
    }
}

impl KeyedUnion {
    /// What the strategies of its lines' members keep.
    pub(super) fn laws(&self) -> Laws {
        of_members(&self.on_match)
    }

    /// The account's lines, matching ones joined; then the visitor's new lines.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        work.budget.charge(account.map_or(0, View::weight) + anonymous.weight())?;
        let (account, anonymous) = lists(account, anonymous)?;
        let lines: Vec<_> = account.iter().chain(&anonymous).copied().collect();
        let leaders = self.leaders(&lines);
        // by line: what an account's line became, or a new line
        let mut joined: Vec<Option<Json>> = vec![None; lines.len()];
        for (line, leader) in lines.iter().zip(leaders).skip(account.len()) {
            let Some((leader, slot)) = leader.and_then(|leader| Some((leader, joined.get_mut(leader)?))) else {
                work.losses.unmergeable.push(line.to_json());
                continue;
            };
            match slot.as_ref().map(Json::view).or_else(|| account.get(leader).copied()) {
                Some(current) => {
                    if let Made::Write(line) = self.fold(current, *line, work)? {
                        *slot = Some(line);
                    }
                }
                // the limit is asked when all lines of one key are one
                None => *slot = Some(line.to_json()),
            }
        }
        let new: Vec<_> = joined.split_off(account.len()).into_iter().flatten().collect();
        let changed = if joined.iter().any(Option::is_some) { Changed::Yes } else { Changed::No };
        if changed == Changed::No && new.is_empty() {
            return Ok(Made::Keep);
        }
        let kept = account.iter().zip(joined).map(|(line, joined)| joined.unwrap_or_else(|| line.to_json())).collect();
        Ok(self.list.joined(kept, new, changed, work))
    }

    /// For each line the first one with its key; none for a line without any member of the key.
    pub(super) fn leaders(&self, lines: &[View<'_>]) -> Vec<Option<usize>> {
        let keys: Vec<_> = lines.iter().map(|line| self.key.of(*line)).collect();
        let key = |index: usize| keys.get(index).map_or(&[][..], Vec::as_slice);
        let fingerprints: Vec<_> = keys.iter().map(|key| fingerprint_of(key)).collect();
        let first = first_equal(&fingerprints, |i, j| compare_keys(key(i), key(j)));
        let named = |index: usize| key(index).iter().any(Option::is_some);
        first.into_iter().enumerate().map(|(index, leader)| named(index).then_some(leader)).collect()
    }

    /// One line made of the account's and the visitor's.
    fn fold(&self, account: View<'_>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        let account_members = Names::of(Some(account));
        let mut changes = Vec::new();
        for (name, value) in anonymous.named_members() {
            let Some(text) = name.as_text().filter(|_| !value.is_null()) else { continue };
            let current = account_members.get(text).filter(|value| !value.is_null());
            let made = match self.on_match.iter().find(|(member, _)| text.is(member)) {
                Some((_, strategy)) => strategy.merge_member(current, value, work)?,
                None => match (self.otherwise, current) {
                    (Otherwise::Fill, None) | (Otherwise::Overwrite, _) => Made::Write(value.to_json()),
                    _ => Made::Keep,
                },
            };
            if let Made::Write(value) = made {
                changes.push((name.to_json(), value));
            }
        }
        if self.otherwise == Otherwise::Anonymous {
            return Ok(self.replaced(account, anonymous, changes));
        }
        Ok(changed(Some(account), changes))
    }

    /// The visitor's line; the members of `on_match` are the account's, or what their strategies made.
    fn replaced(&self, account: View<'_>, anonymous: View<'_>, changes: Vec<(Json, Json)>) -> Made {
        let joined =
            |name: View<'_>| name.as_text().is_some_and(|name| self.on_match.iter().any(|(member, _)| name.is(member)));
        let visitors = anonymous.named_members().filter(|(name, value)| !joined(*name) && !value.is_null());
        let accounts = account.named_members().filter(|(name, _)| joined(*name));
        let members = visitors.chain(accounts).map(|(name, value)| (name.to_json(), value.to_json())).collect();
        let base = Json::object(members);
        match changed(Some(base.view()), changes) {
            Made::Keep => Made::Write(base),
            written @ Made::Write(_) => written,
        }
    }
}
