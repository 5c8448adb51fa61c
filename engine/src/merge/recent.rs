//! `recent`: the newest entry of each id, newest first, bounded.
//!
//! Laws: L1, L2, L7–L9; L6 but for entries beyond the limit.

use std::cmp::{Ordering, Reverse};

use super::fields::changed;
use super::group::first_equal;
use super::union::lists;
use super::{Context, Made, Merging};
use crate::budget::Budget;
use crate::instant::{self, Millis, Rounding};
use crate::json::{Json, View, compare, fingerprint};

/// Options of `recent`.
#[derive(Clone, Debug)]
pub struct Recent {
    /// The member that names an entry; none: the entries are ids, the visitor's move to the front.
    pub key: Option<String>,
    /// The member that holds the time.
    pub at: String,
    /// Entries of the result.
    pub limit: Option<usize>,
    /// Whether the visitor's times are forced into [session created, now].
    pub clamp: bool,
}

/// An entry with its time; those without key or readable time sort last.
struct Entry {
    value: Json,
    time: Option<Millis>,
}

impl Recent {
    /// Merges two lists of entries.
    pub(super) fn merge(
        &self,
        account: Option<View<'_>>,
        anonymous: View<'_>,
        context: &Context,
        budget: &mut Budget,
    ) -> Merging {
        let (account, anonymous) = lists(account, anonymous)?;
        budget.charge((account.len() + anonymous.len()) as u64)?;
        if anonymous.is_empty() {
            return Ok(Made::Keep);
        }
        let Some(key) = &self.key else { return Ok(self.moved_to_front(&account, &anonymous)) };
        let mut entries: Vec<Entry> = account.iter().map(|entry| self.entry(*entry, key)).collect();
        entries.extend(anonymous.iter().filter_map(|entry| self.visitors(*entry, key, context)));
        let mut newest = newest_of_each(&entries, key);
        newest.sort_by_key(|&index| Reverse(entries.get(index).and_then(|entry| entry.time)));
        newest.truncate(self.limit.unwrap_or(usize::MAX));
        if newest.len() == account.len() && newest.iter().enumerate().all(|(place, &index)| place == index) {
            return Ok(Made::Keep);
        }
        let values = newest.into_iter().filter_map(|index| entries.get(index)).map(|entry| entry.value.clone());
        Ok(Made::Write(Json::list(values.collect())))
    }

    fn entry(&self, value: View<'_>, key: &str) -> Entry {
        let named = value.get(key).is_some_and(|key| !key.is_null());
        Entry { value: value.to_json(), time: value.get(&self.at).filter(|_| named).and_then(instant::read) }
    }

    /// A visitor's entry; with `clamp`, its time is forced into the session's, and dropped where it is unreadable.
    fn visitors(&self, value: View<'_>, key: &str, context: &Context) -> Option<Entry> {
        let mut entry = self.entry(value, key);
        if !self.clamp {
            return Some(entry);
        }
        let (time, at) = (entry.time?, value.get(&self.at)?);
        let bound = if time > context.now {
            instant::written_like(context.now, at, Rounding::Down)
        } else if time < context.session_created_at {
            instant::written_like(context.session_created_at, at, Rounding::Up)
        } else {
            return Some(entry);
        };
        entry.time = instant::read(bound.view());
        if let Made::Write(value) = changed(Some(value), vec![(Json::text(&self.at), bound)]) {
            entry.value = value;
        }
        Some(entry)
    }

    /// Ids without time: the visitor's, then the account's that are not among them.
    fn moved_to_front(&self, account: &[View<'_>], anonymous: &[View<'_>]) -> Made {
        let ids: Vec<_> = anonymous.iter().chain(account).copied().collect();
        let fingerprints: Vec<_> = ids.iter().map(|id| fingerprint(*id)).collect();
        let first = first_equal(&fingerprints, |i, j| match (ids.get(i), ids.get(j)) {
            (Some(a), Some(b)) => compare(*a, *b),
            _ => Ordering::Equal,
        });
        let distinct = ids.iter().zip(first).enumerate().filter(|(index, (_, first))| index == first);
        let limit = self.limit.unwrap_or(usize::MAX);
        Made::Write(Json::list(distinct.map(|(_, (id, _))| id.to_json()).take(limit).collect()))
    }
}

/// Of each id the entry with the latest time, the earliest in the list on ties; entries without id all stay.
fn newest_of_each(entries: &[Entry], key: &str) -> Vec<usize> {
    let ids: Vec<_> = entries.iter().map(|entry| entry.value.view().get(key).filter(|id| !id.is_null())).collect();
    let fingerprints: Vec<_> = ids.iter().map(|id| id.map_or(0, fingerprint)).collect();
    let first =
        first_equal(&fingerprints, |i, j| match (ids.get(i).copied().flatten(), ids.get(j).copied().flatten()) {
            (Some(a), Some(b)) => compare(a, b),
            _ => i.cmp(&j),
        });
    let mut newest: Vec<usize> = (0..entries.len()).collect();
    for (index, &leader) in first.iter().enumerate() {
        let time = |index: usize| entries.get(index).and_then(|entry| entry.time);
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
