//! `recent`: the newest entry of each id, newest first, bounded. As a strategy: `["recent", options]`.
//!
//! Laws: L1, L2, L7–L9; L6 but for entries beyond the limit.
//!
//! ```
//! # use handover_engine::merge::merged;
//! let recent = r#"["recent", { "key": "id", "limit": 2 }]"#;
//! let (account, anonymous) = (r#"[{"id":"a","at":5},{"id":"b","at":3}]"#, r#"[{"id":"b","at":9},{"id":"c","at":4}]"#);
//! assert_eq!(merged(recent, account, anonymous), r#"[{"id":"b","at":9},{"id":"a","at":5}]"#);
//! assert_eq!(merged(r#""recent""#, "[1,2]", "[3,2]"), "[3,2,1]");
//! ```

use std::cmp::{Ordering, Reverse};

use super::clamp_times::{Span, clamped};
use super::function::{Code, Function, Gives, Options, SIDES};
use super::group::first_equal;
use super::key::{Key, KeyValue, compare_keys, fingerprint_of};
use super::law::Laws;
use super::named::Named;
use super::options::{Read, flag, known, limit, text};
use super::takes::{self, OptionSpec, Takes};
use super::union::lists;
use super::{Context, Made, Merging, Strategy, Work};
use crate::instant::{self, Millis};
use crate::json::{Json, View, compare, fingerprint};

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE;

/// `recent` by name.
pub(super) const STRATEGY: Named = Named {
    name: "recent",
    alias: None,
    summary: "the newest entry of each key, newest first; without a key, ids",
    plain: Some(|| Strategy::Recent(Recent::default())),
    takes: Some(Takes::Options(&OPTIONS)),
    with: Some(|options, _| Ok(Strategy::Recent(Recent::read(options)?))),
    adds: None,
    mutant: Some("union"),
    example: [
        r#"["recent", { "key": "id", "limit": 1 }]"#,
        r#"[{"id":"A","at":1}]"#,
        r#"[{"id":"B","at":2}]"#,
        r#"[{"id":"B","at":2}]"#,
    ],
};

/// `recent` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "recent",
    signature: "recent(account, anonymous, options)",
    summary: "the newest entry of each key, newest first",
    arguments: (2, 3),
    sides: Some(SIDES),
    options: Some(Options {
        argument: 2,
        takes: Takes::Options(&OPTIONS),
        or_strategy: false,
        read: |options| Recent::read(options).map(drop),
    }),
    gives: Gives::List,
    mutant: None,
    example: [
        r#"recent([#{ id: "A", at: 1 }], [#{ id: "B", at: 2 }], #{ key: "id", limit: 1 })"#,
        r#"[{"id":"B","at":2}]"#,
    ],
    code: Code::Strategy(|arguments| Ok(Strategy::Recent(Recent::read(arguments.options(2))?))),
};

/// Its options.
pub(super) const OPTIONS: [OptionSpec; 4] = [takes::AT, takes::CLAMP, takes::KEY, takes::LIMIT_RECENT];

/// Options of `recent`.
#[derive(Clone, Debug)]
pub struct Recent {
    /// What names an entry; none: the entries are ids, the visitor's move to the front.
    pub key: Option<Key>,
    /// The member that holds the time.
    pub at: String,
    /// Entries of the result.
    pub limit: Option<usize>,
    /// Whether the visitor's times are forced into [session created, now].
    pub clamp: bool,
}

impl Recent {
    /// Reads the options of `recent`.
    pub(super) fn read(options: View<'_>) -> Read<'_, Self> {
        known(options, "recent", &OPTIONS)?;
        Ok(Self {
            key: options.get("key").map(Key::read).transpose()?,
            at: options.get("at").map_or(Ok("at".to_owned()), text)?,
            limit: limit(options)?,
            clamp: flag(options, "clamp")?,
        })
    }
}

/// An entry; those without id or readable time sort last.
struct Entry<'a> {
    value: View<'a>,
    /// What its key holds; empty without any member of it.
    id: Vec<Option<KeyValue<'a>>>,
    time: Option<Millis>,
    /// The value with its time forced into the session's, where it had to be.
    clamped: Option<Json>,
}

/// Without a key: ids, unbounded.
impl Default for Recent {
    fn default() -> Self {
        Self { key: None, at: "at".to_owned(), limit: None, clamp: false }
    }
}

impl Recent {
    /// Merges two lists of entries.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        work.budget.charge(account.map_or(0, View::weight) + anonymous.weight())?;
        let (account, anonymous) = lists(account, anonymous)?;
        if anonymous.is_empty() {
            return Ok(Made::Keep);
        }
        let Some(key) = &self.key else { return Ok(self.moved_to_front(&account, &anonymous, work)) };
        let mut entries: Vec<Entry<'_>> = Vec::with_capacity(account.len() + anonymous.len());
        entries.extend(account.iter().map(|entry| self.entry(*entry, key)));
        for entry in &anonymous {
            match self.visitors(*entry, key, &work.context) {
                Some(entry) => entries.push(entry),
                None => work.losses.unmergeable.push(entry.to_json()),
            }
        }
        let mut newest = newest_of_each(&entries);
        newest.sort_by_key(|&index| Reverse(entries.get(index).and_then(|entry| entry.time)));
        let limit = self.limit.unwrap_or(usize::MAX);
        let beyond = newest.get(limit..).unwrap_or_default();
        let visitors = beyond.iter().filter(|&&index| index >= account.len()).filter_map(|&index| entries.get(index));
        work.losses.beyond_limit.extend(visitors.map(|entry| entry.value.to_json()));
        newest.truncate(limit);
        if newest.len() == account.len() && newest.iter().enumerate().all(|(place, &index)| place == index) {
            return Ok(Made::Keep);
        }
        let values = newest.into_iter().filter_map(|index| entries.get(index));
        let values = values.map(|entry| entry.clamped.clone().unwrap_or_else(|| entry.value.to_json()));
        Ok(Made::Write(Json::list(values.collect())))
    }

    fn entry<'a>(&self, value: View<'a>, key: &Key) -> Entry<'a> {
        let id = Some(key.of(value)).filter(|id| id.iter().any(Option::is_some)).unwrap_or_default();
        let time = value.get(&self.at).filter(|_| !id.is_empty()).and_then(instant::read);
        Entry { value, id, time, clamped: None }
    }

    /// A visitor's entry; with `clamp`, its time is forced into the session's, and dropped where it is unreadable.
    fn visitors<'a>(&self, value: View<'a>, key: &Key, context: &Context) -> Option<Entry<'a>> {
        let entry = self.entry(value, key);
        if !self.clamp {
            return Some(entry);
        }
        entry.time?;
        let span = Span { from: Some(context.session_created_at), to: Some(context.now) };
        let (time, clamped) = clamped(value, &self.at, span)?;
        Some(Entry { time: Some(time), clamped, ..entry })
    }

    /// Ids without time: the visitor's, then the account's that are not among them.
    fn moved_to_front(&self, account: &[View<'_>], anonymous: &[View<'_>], work: &mut Work<'_>) -> Made {
        let ids: Vec<_> = anonymous.iter().chain(account).copied().collect();
        let fingerprints: Vec<_> = ids.iter().map(|id| fingerprint(*id)).collect();
        let first = first_equal(&fingerprints, |i, j| match (ids.get(i), ids.get(j)) {
            (Some(a), Some(b)) => compare(*a, *b),
            _ => Ordering::Equal,
        });
        let distinct = ids.iter().zip(first).enumerate().filter(|(index, (_, first))| index == first);
        let mut distinct: Vec<_> = distinct.map(|(index, (id, _))| (index, id.to_json())).collect();
        let limit = self.limit.unwrap_or(usize::MAX);
        let beyond = distinct.split_off(distinct.len().min(limit));
        let visitors = beyond.into_iter().filter(|(index, _)| *index < anonymous.len());
        work.losses.beyond_limit.extend(visitors.map(|(_, id)| id));
        Made::Write(Json::list(distinct.into_iter().map(|(_, id)| id).collect()))
    }
}

/// Of each id the entry with the latest time, the earliest in the list on ties; an entry without id is its own id.
fn newest_of_each(entries: &[Entry<'_>]) -> Vec<usize> {
    let name =
        |entry: &Entry<'_>| if entry.id.is_empty() { fingerprint(entry.value) } else { fingerprint_of(&entry.id) };
    let fingerprints: Vec<_> = entries.iter().map(name).collect();
    let first = first_equal(&fingerprints, |i, j| match (entries.get(i), entries.get(j)) {
        (Some(a), Some(b)) => {
            let kinds = b.id.is_empty().cmp(&a.id.is_empty());
            kinds.then_with(|| if a.id.is_empty() { compare(a.value, b.value) } else { compare_keys(&a.id, &b.id) })
        }
        _ => i.cmp(&j),
    });
    let time = |index: usize| entries.get(index).and_then(|entry| entry.time);
    let mut newest: Vec<usize> = (0..entries.len()).collect();
    for (index, &leader) in first.iter().enumerate() {
        if let Some(slot) = newest.get_mut(leader)
            && time(index) > time(*slot)
        {
            *slot = index;
        }
    }
    let leaders = first.iter().enumerate().filter(|(index, leader)| index == *leader);
    let mut kept: Vec<_> = leaders.filter_map(|(_, &leader)| newest.get(leader).copied()).collect();
    kept.sort_unstable();
    kept
}
