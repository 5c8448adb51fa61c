//! A ledger that lives as long as the process: for tests and for trying things out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::claim::{Claim, Digest, Entry, Held, Known, Outcome, Table, decide};
use super::{Ledger, Millis, Pending, Unavailable};

/// Entries that are remembered at most.
const ENTRIES_MAX: usize = 1_000_000;

/// Entries in memory.
#[derive(Default)]
pub struct MemoryLedger(Mutex<Entries>);

#[derive(Default)]
struct Entries(BTreeMap<Digest, Held>);

impl Table for Entries {
    type Error = Infallible;

    fn get(&self, hand_over: &Digest) -> Result<Option<Held>, Infallible> {
        Ok(self.0.get(hand_over).copied())
    }

    fn put(&mut self, entry: Entry) -> Result<(), Infallible> {
        let Entry { hand_over, account, expires_at } = entry;
        self.0.insert(hand_over, Held { account, expires_at });
        Ok(())
    }
}

impl Entries {
    fn room(&self) -> Result<(), Unavailable> {
        let full = || Unavailable(format!("{ENTRIES_MAX} entries are in memory: use `--ledger file:PATH`"));
        (self.0.len() < ENTRIES_MAX).then_some(()).ok_or_else(full)
    }
}

impl MemoryLedger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // a thread that panicked left whole entries
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, goes: impl Fn(&Digest, &Held) -> bool) -> u64 {
        let mut entries = self.entries();
        let before = entries.0.len();
        entries.0.retain(|hand_over, held| !goes(hand_over, held));
        (before - entries.0.len()) as u64
    }
}

impl Ledger for MemoryLedger {
    fn claim(&self, claim: Claim, now: Millis) -> Pending<'_, Outcome> {
        Box::pin(async move {
            let mut entries = self.entries();
            let is_new = claim.entries().iter().any(|entry| !entries.0.contains_key(&entry.hand_over));
            if is_new {
                entries.room()?;
            }
            let Ok(outcome) = decide(&claim, now, &mut *entries);
            Ok(outcome)
        })
    }

    fn forget(&self, digests: Vec<Digest>) -> Pending<'_, u64> {
        Box::pin(async move { Ok(self.remove(|own, held| digests.contains(own) || digests.contains(&held.account))) })
    }

    fn sweep(&self, now: Millis) -> Pending<'_, u64> {
        Box::pin(async move { Ok(self.remove(|_, held| held.expires_at < now)) })
    }

    fn probe(&self, _marks: Claim, _now: Millis) -> Pending<'_, Known> {
        // nobody else has it, and its keys end with it
        Box::pin(async { self.entries().room().map(|()| Known::All) })
    }
}
