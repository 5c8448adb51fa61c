//! What a merge that keeps a law would have made of a case that breaks it, as near as can be to what it made: a saved fixture
//! expects it.

use super::kept::{Allowed, is_kept};
use crate::json::{Json, Kind, View};

/// The result with what it lost of the account's (L6).
pub(super) fn restored(account: View<'_>, made: View<'_>, allowed: Allowed<'_>) -> Json {
    if is_kept(account, made, allowed) {
        return made.to_json();
    }
    match (account.kind(), made.kind()) {
        (Kind::Object, Kind::Object) => {
            let mut members: Vec<(Json, Json)> = Vec::new();
            for (name, value) in account.named_members() {
                let word = name.word();
                let below = allowed.below(&word);
                let value = made.get(&word).map_or_else(|| value.to_json(), |made| restored(value, made, below));
                members.push((name.to_json(), value));
            }
            let added = made.named_members().filter(|(name, _)| account.get(&name.word()).is_none());
            members.extend(added.map(|(name, value)| (name.to_json(), value.to_json())));
            Json::object(members)
        }
        (Kind::Array, Kind::Array) => {
            let own = account.items().map(|item| {
                let there = made.items().find(|made| is_kept(item, *made, allowed));
                there.map_or_else(|| item.to_json(), View::to_json)
            });
            let added = made.items().filter(|made| !account.items().any(|item| is_kept(item, *made, allowed)));
            Json::list(own.chain(added.map(View::to_json)).collect())
        }
        _ => account.to_json(),
    }
}

/// The result without the scalars that stand on neither side (L7): the account's stand there again, where it has some.
pub(super) fn without(
    made: View<'_>,
    account: Option<View<'_>>,
    is_invented: &dyn Fn(View<'_>) -> bool,
) -> Option<Json> {
    match made.kind() {
        Kind::Object => {
            let members = made.named_members().filter_map(|(name, value)| {
                let own = account.and_then(|account| account.get(&name.word()));
                Some((name.to_json(), without(value, own, is_invented)?))
            });
            Some(Json::object(members.collect()))
        }
        Kind::Array => Some(Json::list(made.items().filter_map(|item| without(item, None, is_invented)).collect())),
        _ if is_invented(made) => account.map(View::to_json),
        _ => Some(made.to_json()),
    }
}

/// The account's value, with the members that only the visitor has: what most merges make where nothing else is known.
pub(super) fn filled(account: Option<View<'_>>, anonymous: View<'_>) -> Json {
    let Some(account) = account else { return anonymous.to_json() };
    if (account.kind(), anonymous.kind()) != (Kind::Object, Kind::Object) {
        return account.to_json();
    }
    let own = account.named_members().map(|(name, value)| {
        let value = anonymous.get(&name.word()).map_or_else(|| value.to_json(), |new| filled(Some(value), new));
        (name.to_json(), value)
    });
    let mut members: Vec<(Json, Json)> = own.collect();
    let added = anonymous.named_members().filter(|(name, _)| account.get(&name.word()).is_none());
    members.extend(added.map(|(name, value)| (name.to_json(), value.to_json())));
    Json::object(members)
}
