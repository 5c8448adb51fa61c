//! `three_way`: what the session changed since a base that both sides knew.
//!
//! What the session did not change stays as the account has it, and what the account deleted stays deleted; the visitor
//! never deletes. A number under `"sum"` grows by the difference only. The caller has the base.
//!
//! Laws: L9; with the base that was recorded, L2.

use super::add::difference;
use super::fields::{Names, changed};
use super::function::{Code, Function, Gives, Options, made};
use super::key::Key;
use super::keyed_union::{KeyedUnion, Otherwise};
use super::law::{Law, Laws};
use super::options::{Read, known, limit, strategies, value_error};
use super::takes::{self, OptionSpec, Takes};
use super::union::{First, Union, lists};
use super::{Made, Merging, Strategy, Work};
use crate::json::{Json, Kind, View, same};

/// What it keeps whatever the base is and whatever merges its lines: what only the visitor changed replaces the account's,
/// and a number under `sum` grows.
const LAWS: Laws = Laws::OF_EVERY_RULE.with(Law::Total);

/// `three_way` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "three_way",
    signature: "three_way(base, account, anonymous, options)",
    summary: "what the visitor changed since `base`, merged into the account's value",
    arguments: (3, 4),
    sides: Some([1, 2]),
    options: Some(Options {
        argument: 3,
        takes: Takes::Options(&OPTIONS),
        or_strategy: false,
        read: |options| ThreeWay::read(options).map(drop),
    }),
    gives: Gives::Either,
    mutant: None,
    example: ["three_way(#{ a: 1 }, #{ a: 1, b: 2 }, #{ a: 5 })", r#"{"a":5,"b":2}"#],
    code: Code::Merge {
        laws: LAWS,
        like: None,
        call: |arguments, work| {
            let strategy = ThreeWay::read(arguments.options(3))?;
            made(strategy.merge(Some(arguments.at(0)), Some(arguments.at(1)), arguments.at(2), work), 1)
        },
    },
};

/// Its options.
pub(super) const OPTIONS: [OptionSpec; 4] = [takes::CONFLICT, takes::KEY, takes::LIMIT, takes::ON_MATCH];

/// Options of `three_way`.
#[derive(Clone, Debug)]
pub(super) struct ThreeWay {
    /// Lines, and what becomes of matching ones; without a key, values are compared as a whole, objects by member.
    pub(super) lines: KeyedUnion,
    /// Who wins where both sides changed a member that no strategy joins.
    pub(super) conflict: Conflict,
}

impl ThreeWay {
    /// Reads the options of `three_way`.
    pub(super) fn read(options: View<'_>) -> Read<'_, Self> {
        known(options, "three_way", &OPTIONS)?;
        let conflict = match options.get("conflict") {
            None => Conflict::Account,
            Some(view) => match view.word().as_str() {
                "account" => Conflict::Account,
                "anonymous" => Conflict::Anonymous,
                _ => return value_error(view, "`account` or `anonymous`"),
            },
        };
        let lines = KeyedUnion {
            key: options.get("key").map_or(Ok(Key::default()), Key::read)?,
            on_match: options.get("on_match").map_or(Ok(Vec::new()), strategies)?,
            otherwise: Otherwise::Account,
            list: Union { limit: limit(options)?, first: First::Account },
        };
        Ok(Self { lines, conflict })
    }
}

/// Who wins where both changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Conflict {
    /// The account.
    #[default]
    Account,
    /// The visitor.
    Anonymous,
}

/// The three values of one member or line.
#[derive(Clone, Copy)]
struct Sides<'a> {
    base: Option<View<'a>>,
    account: Option<View<'a>>,
    anonymous: View<'a>,
}

impl ThreeWay {
    /// Merges what `anonymous` changed since `base` into the account's value.
    pub(super) fn merge(
        &self,
        base: Option<View<'_>>,
        account: Option<View<'_>>,
        anonymous: View<'_>,
        work: &mut Work<'_>,
    ) -> Merging {
        let weight = [base, account].into_iter().flatten().map(View::weight).sum::<u64>();
        work.budget.charge(weight + anonymous.weight())?;
        let base = base.filter(|value| !value.is_null());
        let account = account.filter(|value| !value.is_null());
        if anonymous.is_null() {
            return Ok(Made::Keep);
        }
        if self.lines.key.0.is_empty() {
            return self.value(Sides { base, account, anonymous }, None, work);
        }
        self.list(base.filter(|base| base.kind() == Kind::Array), account, anonymous, work)
    }

    /// Lines by their key; duplicates of the visitor's fold as in `keyed_union`.
    fn list(
        &self,
        base: Option<View<'_>>,
        account: Option<View<'_>>,
        anonymous: View<'_>,
        work: &mut Work<'_>,
    ) -> Merging {
        let unlimited = KeyedUnion { list: Union::default(), ..self.lines.clone() };
        let base = base.map_or(Ok(Made::Keep), |base| unlimited.merge(None, base, work))?.or(None);
        let anonymous = unlimited.merge(None, anonymous, work)?.or(None);
        let (ours, theirs) = lists(account, anonymous.view())?;
        let bases: Vec<_> = base.view().items().collect();
        let (in_base, in_account) = (self.found(&bases, &theirs), self.found(&ours, &theirs));
        let mut kept: Vec<Json> = ours.iter().map(|line| line.to_json()).collect();
        let room = self.lines.list.limit.unwrap_or(usize::MAX).saturating_sub(ours.len());
        let (mut new, mut any) = (Vec::new(), false);
        for ((line, in_base), at) in theirs.iter().zip(in_base).zip(in_account) {
            let base = in_base.and_then(|index| bases.get(index)).copied();
            let current = at.and_then(|index| ours.get(index)).copied();
            match (base, current) {
                // the session did not change it, or the account deleted it
                (Some(base), _) if same(base, *line) => {}
                (Some(_), None) => {}
                (None, None) if new.len() < room => new.push(line.to_json()),
                (None, None) => work.losses.beyond_limit.push(line.to_json()),
                (base, account) => {
                    let made = self.members(Sides { base, account, anonymous: *line }, work)?;
                    if let (Made::Write(made), Some(slot)) = (made, at.and_then(|index| kept.get_mut(index))) {
                        *slot = made;
                        any = true;
                    }
                }
            }
        }
        if new.is_empty() && !any {
            return Ok(Made::Keep);
        }
        kept.append(&mut new);
        Ok(Made::Write(Json::list(kept)))
    }

    /// For each line of `theirs` the first line of a list that has its key.
    fn found(&self, list: &[View<'_>], theirs: &[View<'_>]) -> Vec<Option<usize>> {
        let lines: Vec<_> = list.iter().chain(theirs).copied().collect();
        let leaders = self.lines.leaders(&lines).into_iter().skip(list.len());
        leaders.map(|leader| leader.filter(|leader| *leader < list.len())).collect()
    }

    /// One line or object, member by member; nothing is removed.
    fn members(&self, sides: Sides<'_>, work: &mut Work<'_>) -> Merging {
        let (bases, ours) = (Names::of(sides.base), Names::of(sides.account));
        let mut changes = Vec::new();
        for (name, anonymous) in sides.anonymous.named_members() {
            let Some(text) = name.as_text().filter(|_| !anonymous.is_null()) else { continue };
            let account = ours.get(text).filter(|value| !value.is_null());
            let below = Sides { base: bases.get(text), account, anonymous };
            let strategy = self.lines.on_match.iter().find(|(member, _)| text.is(member)).map(|(_, strategy)| strategy);
            if let Made::Write(value) = self.value(below, strategy, work)? {
                changes.push((name.to_json(), value));
            }
        }
        Ok(changed(sides.account, changes))
    }

    /// One value: as the account has it, unless the session changed it.
    fn value(&self, sides: Sides<'_>, strategy: Option<&Strategy>, work: &mut Work<'_>) -> Merging {
        let Sides { base, account, anonymous } = sides;
        if base.is_some_and(|base| same(base, anonymous)) {
            return Ok(Made::Keep);
        }
        match (strategy, base, account) {
            (Some(Strategy::Sum(cap)), Some(base), _) if base.as_number().is_some() => {
                let grown = difference(base, anonymous);
                Ok(grown.map_or(Made::Keep, |grown| super::add::add(account, grown.view(), cap.as_ref())))
            }
            (Some(strategy), ..) => strategy.merge_member(account, anonymous, work),
            // the account deleted it
            (None, Some(_), None) => Ok(Made::Keep),
            (None, _, Some(account)) if account.kind() == Kind::Object && anonymous.kind() == Kind::Object => {
                self.members(Sides { base: base.filter(|base| base.kind() == Kind::Object), ..sides }, work)
            }
            (None, base, account) => {
                let untouched = match (base, account) {
                    (Some(base), Some(account)) => same(base, account),
                    (None, account) => account.is_none(),
                    (Some(_), None) => false,
                };
                let wins = untouched || self.conflict == Conflict::Anonymous;
                Ok(if wins { Made::Write(anonymous.to_json()) } else { Made::Keep })
            }
        }
    }
}
