//! Keys: the members by which a merge tells the items of a list apart.
//!
//! Null, an absent member, `{}` and `[]` are one: missing; missing equals only missing. With `fold`, case and outer white
//! space do not count; with `set`, a list compares as a set.

use std::cmp::Ordering;

use super::options::{Read, flag, known, missing_option, text, value_error};
use super::takes;
use crate::json::{Json, Kind, View, compare, fingerprint};

/// Member paths that together name an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key(pub Vec<Part>);

impl Key {
    /// Reads a member path, `{ "path": …, "fold": true, "set": true }`, or a list of them.
    pub(super) fn read(view: View<'_>) -> Read<'_, Self> {
        match view.kind() {
            Kind::Array if !view.is_empty() => Ok(Self(view.items().map(Part::read).collect::<Result<_, _>>()?)),
            Kind::String | Kind::Object => Ok(Self(vec![Part::read(view)?])),
            _ => value_error(view, "a member path, or a list of them"),
        }
    }
}

/// One member path of a key, such as `["product", "id"]`, and how its values compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Names of members, the outermost first.
    pub path: Vec<String>,
    /// Whether case and outer white space of a text do not count.
    pub fold: bool,
    /// Whether a list compares as a set.
    pub set: bool,
}

impl Part {
    pub(super) fn read(view: View<'_>) -> Read<'_, Self> {
        let split = |view| text(view).map(|path| path.split('.').map(str::to_owned).collect());
        if view.kind() != Kind::Object {
            return Ok(Self::plain(split(view)?));
        }
        known(view, "key", &takes::PARTS)?;
        let Some(path) = view.get("path") else {
            return missing_option(view, "a part of a `key`", "path");
        };
        Ok(Self { path: split(path)?, fold: flag(view, "fold")?, set: flag(view, "set")? })
    }
}

impl Part {
    /// A path whose values compare as they are.
    #[must_use]
    pub fn plain(path: Vec<String>) -> Self {
        Self { path, fold: false, set: false }
    }

    fn of<'a>(&self, item: View<'a>) -> Option<KeyValue<'a>> {
        let value = self.path.iter().try_fold(item, |value, name| value.get(name)).filter(|one| !is_missing(*one))?;
        Some(match value.kind() {
            Kind::String if self.fold => KeyValue::Made(Json::text(&value.word().trim().to_lowercase())),
            Kind::Array if self.set => {
                let mut items: Vec<Json> = value.items().map(View::to_json).collect();
                items.sort_by(|a, b| compare(a.view(), b.view()));
                items.dedup_by(|a, b| compare(a.view(), b.view()).is_eq());
                KeyValue::Made(Json::list(items))
            }
            _ => KeyValue::AsItIs(value),
        })
    }
}

/// What a member path holds in an item.
pub(super) enum KeyValue<'a> {
    AsItIs(View<'a>),
    Made(Json),
}

impl KeyValue<'_> {
    fn view(&self) -> View<'_> {
        match self {
            Self::AsItIs(view) => *view,
            Self::Made(json) => json.view(),
        }
    }
}

impl Key {
    /// What each path holds in an item.
    pub(super) fn of<'a>(&self, item: View<'a>) -> Vec<Option<KeyValue<'a>>> {
        self.0.iter().map(|part| part.of(item)).collect()
    }

    /// Whether an item has some member of the key.
    #[must_use]
    pub fn names(&self, item: View<'_>) -> bool {
        self.of(item).iter().any(Option::is_some)
    }

    /// Whether two items have the same key, and some member of it.
    #[must_use]
    pub fn is_same(&self, one: View<'_>, other: View<'_>) -> bool {
        let (one, other) = (self.of(one), self.of(other));
        one.iter().any(Option::is_some) && compare_keys(&one, &other).is_eq()
    }
}

/// Null, `{}` and `[]` are as good as absent: four ways to have no option.
pub(super) fn is_missing(value: View<'_>) -> bool {
    value.is_null() || (matches!(value.kind(), Kind::Array | Kind::Object) && value.is_empty())
}

pub(super) fn fingerprint_of(key: &[Option<KeyValue<'_>>]) -> u64 {
    let part = |part: &Option<KeyValue<'_>>| part.as_ref().map_or(0, |part| fingerprint(part.view()));
    key.iter().fold(0, |hash: u64, own| hash.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(part(own)))
}

/// Missing equals only missing.
pub(super) fn compare_keys(a: &[Option<KeyValue<'_>>], b: &[Option<KeyValue<'_>>]) -> Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => compare(a.view(), b.view()),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    differing.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
