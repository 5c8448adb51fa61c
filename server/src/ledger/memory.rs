//! A ledger that lives as long as the process: for tests and for trying things out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::claim::{Claim, Digest, Held, Known, Outcome, decide};
use super::{Ledger, Millis, Pending, Unavailable};

/// Entries that are remembered at most.
const ENTRIES_MAX: usize = 1_000_000;

/// Entries in memory.
#[derive(Default)]
pub struct MemoryLedger(Mutex<BTreeMap<Digest, Held>>);

fn room(entries: &BTreeMap<Digest, Held>) -> Result<(), Unavailable> {
    let full = || Unavailable(format!("{ENTRIES_MAX} entries are in memory: use `--ledger file:PATH`"));
    (entries.len() < ENTRIES_MAX).then_some(()).ok_or_else(full)
}

impl MemoryLedger {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<Digest, Held>> {
        // a thread that panicked left whole entries
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, goes: impl Fn(&Digest, &Held) -> bool) -> u64 {
        let mut entries = self.entries();
        let before = entries.len();
        entries.retain(|hand_over, held| !goes(hand_over, held));
        (before - entries.len()) as u64
    }
}

impl Ledger for MemoryLedger {
    fn claim(&self, claim: Claim, now: Millis) -> Pending<'_, Outcome> {
        Box::pin(async move {
            let mut entries = self.entries();
            let is_new = claim.entries().iter().any(|entry| !entries.contains_key(&entry.hand_over));
            if is_new {
                room(&entries)?;
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
        Box::pin(async { room(&self.entries()).map(|()| Known::All) })
    }
}
