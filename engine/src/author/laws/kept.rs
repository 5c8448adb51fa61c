//! Law L6: what of the account's must still be in the result, and what the merge may leave behind because its author says so.

use crate::instant;
use crate::json::{Kind, View, same};
use crate::merge::{KeyedUnion, Otherwise, Recent, Strategy, is_blank};
use crate::script::Calls;

/// What may be left behind.
#[derive(Clone, Copy)]
pub(super) enum Allowed<'a> {
    /// What the strategy of the place allows; none: nothing.
    By(Option<&'a Strategy>),
    /// Whatever it was.
    Any,
    /// What some function that the script calls allows, wherever it calls it.
    ByCalls(&'a Calls),
}

/// Whether the account's value is still in the result.
pub(super) fn is_kept_whole(account: View<'_>, made: View<'_>, allowed: Allowed<'_>) -> bool {
    allowed.chooses_scalar(account, made) || is_kept(account, made, allowed)
}

/// Whether a value of the account's is still in the result. A number may have grown; of two values that the author lets a
/// strategy choose from, the other one may go.
pub(super) fn is_kept(account: View<'_>, made: View<'_>, allowed: Allowed<'_>) -> bool {
    if is_blank(account) || same(account, made) || allowed.chooses() {
        return true;
    }
    match (account.kind(), made.kind()) {
        (Kind::Object, Kind::Object) => account.members().all(|(name, value)| {
            let name = name.decode();
            let below = allowed.below(&name);
            is_blank(value) || below.chooses() || made.get(&name).is_some_and(|made| is_kept(value, made, below))
        }),
        (Kind::Array, Kind::Array) => list_is_kept(account, made, allowed),
        (Kind::Number, Kind::Number) => {
            account.as_number().zip(made.as_number()).is_some_and(|(old, new)| new.compare(old).is_ge())
        }
        _ => false,
    }
}

/// Whether each item is there, in its order; of what `recent` made, in any order, but for entries beyond its limit.
fn list_is_kept(account: View<'_>, made: View<'_>, allowed: Allowed<'_>) -> bool {
    let mut rest = made.items();
    if account.items().all(|item| rest.any(|made| is_kept(item, made, allowed))) {
        return true;
    }
    let Allowed::ByCalls(calls) = allowed else { return false };
    account.items().all(|item| {
        let is_there = made.items().any(|made| is_kept(item, made, allowed));
        is_there || calls.strategies.iter().any(|call| may_leave(call, item, made))
    })
}

/// Whether a function that made a list may have left an item behind, or joined it with another one.
fn may_leave(call: &Strategy, item: View<'_>, made: View<'_>) -> bool {
    match call {
        Strategy::Recent(recent) => {
            let is_full = recent.limit.is_some_and(|limit| made.len() >= limit);
            let is_nameless = recent.key.as_ref().is_some_and(|key| !key.names(item));
            is_full || is_nameless || made.items().any(|made| is_same_entry(recent, item, made))
        }
        Strategy::KeyedUnion(keyed) if replaces(keyed) => made.items().any(|made| keyed.key.is_same(item, made)),
        _ => false,
    }
}

/// Whether a newer entry of the same key stands there.
fn is_same_entry(recent: &Recent, item: View<'_>, made: View<'_>) -> bool {
    let Some(key) = &recent.key else { return false };
    key.is_same(item, made) && instant_of(made, &recent.at) >= instant_of(item, &recent.at)
}

fn instant_of(item: View<'_>, at: &str) -> Option<i64> {
    item.get(at).and_then(instant::read)
}

/// Whether a matching line becomes the visitor's.
fn replaces(keyed: &KeyedUnion) -> bool {
    matches!(keyed.otherwise, Otherwise::Anonymous | Otherwise::Overwrite)
}

impl Allowed<'_> {
    /// Whether another value may stand in its place.
    fn chooses(self) -> bool {
        matches!(self, Self::Any) || matches!(self, Self::By(Some(strategy)) if strategy.chooses())
    }

    /// What is allowed at a member of this name.
    pub(super) fn below(self, name: &str) -> Self {
        match self {
            Self::Any => self,
            Self::By(strategy) => Self::By(strategy.and_then(|strategy| strategy.of_member(name))),
            Self::ByCalls(calls) => {
                let named = calls.strategies.iter().filter_map(|call| call.of_member(name)).find(|one| one.chooses());
                let is_chosen = calls.chosen.iter().any(|own| own == name);
                named.map_or(if is_chosen { Self::Any } else { self }, |strategy| Self::By(Some(strategy)))
            }
        }
    }

    /// Whether the whole value is a scalar that a function of the script chooses.
    fn chooses_scalar(self, account: View<'_>, made: View<'_>) -> bool {
        let is_scalar = |view: View<'_>| !matches!(view.kind(), Kind::Array | Kind::Object);
        let chooses = |calls: &Calls| calls.strategies.iter().any(Strategy::chooses_scalars);
        is_scalar(account) && is_scalar(made) && matches!(self, Self::ByCalls(calls) if chooses(calls))
    }
}
