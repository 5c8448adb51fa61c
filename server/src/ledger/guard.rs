//! A ledger with its keys, a deadline and a breaker: what the webhook asks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, MissedTickBehavior};

use handover_engine::event::{Event, Session};

use super::keys::Keys;
use super::{Claim, Digest, Known, Ledger, Millis, Outcome, Owner, Unavailable};

/// How long a login waits for the ledger.
const CLAIM_TIME: Duration = Duration::from_millis(250);
/// Failures in a row after which nobody waits any more.
const FAILURES_MAX: u32 = 5;
/// Failures, about as many seconds, between two lines of the log.
const TOLD_EVERY: u32 = 60;
/// Between two probes while nobody waits.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How long a probe may take.
const PROBE_TIME: Duration = Duration::from_secs(2);
/// Between two removals of entries that ended.
const SWEEP_EVERY: Duration = Duration::from_mins(10);
/// How long a part of one may take.
const SWEEP_TIME: Duration = Duration::from_secs(10);
/// Between two parts.
const SWEEP_PAUSE: Duration = Duration::from_millis(50);
/// Parts of one.
const SWEEPS_MAX: usize = 2_000;
/// How long forgetting may take: it may read all entries.
const FORGET_TIME: Duration = Duration::from_mins(1);

/// An entry is kept for so long after its session's end.
const KEPT_AFTER: Millis = 90 * DAY;
/// The session's end counts from the login where the provider does not tell it.
const SESSION_TIME: Millis = 60 * DAY;
/// A ledger knows a key for so long after a server had it.
const MARKED: Millis = SESSION_TIME + KEPT_AFTER;
const DAY: Millis = 86_400_000;

const OTHER_KEYS: &str = "the ledger has entries under a key that is not given: set HANDOVER_LEDGER_KEY to all keys that \
    its servers have, and had since the oldest entry";
const STRANGE_KEYS: &str = "the ledger's entries are under another key: set HANDOVER_LEDGER_KEY to that key and the new \
    one (a ledger in a file has its own in `PATH.key`), or empty the ledger to forget all its entries";

/// A ledger that answers in time, or says that it cannot.
pub struct Guarded {
    ledger: Box<dyn Ledger>,
    keys: Keys,
    failures: AtomicU32,
    /// Of the last failure.
    cause: Mutex<String>,
}

impl Guarded {
    /// A ledger under these keys.
    #[must_use]
    pub fn new(ledger: Box<dyn Ledger>, keys: Keys) -> Self {
        Self { ledger, keys, failures: AtomicU32::new(0), cause: Mutex::default() }
    }

    /// What a login claims.
    #[must_use]
    pub fn claim_of(&self, event: &Event, session: &Session, now: Millis) -> Claim {
        // the login's time and its session's end are those of another clock
        let end = session.expires_at.unwrap_or(event.at.saturating_add(SESSION_TIME)).max(now);
        self.keys.claim(&session.hand_over(), &event.account_id, end.saturating_add(KEPT_AFTER))
    }

    /// Claims the hand-over of a login for its account.
    ///
    /// # Errors
    /// The ledger did not answer within a quarter of a second, or has failed so often that nobody asks it.
    pub async fn claim(&self, claim: Claim, now: Millis) -> Result<Owner, Unavailable> {
        if !self.is_available() {
            return Err(Unavailable("the ledger failed too often".to_owned()));
        }
        match within(CLAIM_TIME, self.ledger.claim(claim, now)).await {
            Ok(outcome) => {
                // what is merely read says nothing of whether the ledger can write
                if outcome == Outcome::Written {
                    self.note(None);
                }
                Ok(outcome.owner())
            }
            Err(failure) => {
                self.note(Some(&failure));
                Err(failure)
            }
        }
    }

    /// Whether logins ask the ledger, or it failed too often.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.failures.load(Ordering::Relaxed) < FAILURES_MAX
    }

    fn note(&self, failure: Option<&Unavailable>) {
        let Some(failure) = failure else {
            let failures = self.failures.swap(0, Ordering::Relaxed);
            if failures >= FAILURES_MAX {
                tracing::info!(failures, "the ledger answers again");
            }
            return;
        };
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        if failures == FAILURES_MAX || (failures > FAILURES_MAX && failures.is_multiple_of(TOLD_EVERY)) {
            tracing::error!(
                cause = failure.0,
                failures,
                "the ledger does not answer: no login waits for it, and it is probed once a second"
            );
        } else if failures < FAILURES_MAX || *cause != failure.0 {
            tracing::warn!(cause = failure.0, "the ledger failed");
        }
        cause.clone_from(&failure.0);
    }

    /// Asks the ledger whether it can write; one that cannot at the start counts as failed until [`Guarded::watch`] finds
    /// that it answers.
    ///
    /// # Errors
    /// It does not know the keys.
    pub async fn begin(&self, now: Millis) -> Result<()> {
        match self.probe(now, MARKED).await {
            Ok(Known::OthersOnly) => bail!(STRANGE_KEYS),
            Ok(Known::All | Known::OthersToo) => {}
            Err(_) => self.failures.store(FAILURES_MAX, Ordering::Relaxed),
        }
        Ok(())
    }

    /// Probes a ledger that failed once a second, until the server stops: failures count in a row as long as the probes fail
    /// too.
    pub async fn watch(&self, now: impl Fn() -> Millis) {
        let mut every = tokio::time::interval(PROBE_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if self.failures.load(Ordering::Relaxed) > 0 {
                self.check(now()).await;
            }
        }
    }

    /// Probes once, and notes what comes of it.
    pub async fn check(&self, now: Millis) {
        let failure = match self.probe(now, MARKED).await {
            Ok(Known::OthersOnly) => Some(Unavailable(STRANGE_KEYS.to_owned())),
            Ok(Known::All | Known::OthersToo) => None,
            Err(failure) => Some(failure),
        };
        self.note(failure.as_ref());
    }

    async fn probe(&self, now: Millis, marked: Millis) -> Result<Known, Unavailable> {
        within(PROBE_TIME, self.ledger.probe(self.keys.marks(now.saturating_add(marked)), now)).await
    }

    /// Removes entries that ended, until the server stops.
    pub async fn tidy(&self, now: impl Fn() -> Millis) {
        // a clock that is wrong when the machine starts may be right by then
        let mut every = tokio::time::interval_at(Instant::now() + SWEEP_EVERY, SWEEP_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // the marks of the keys live as long as the server
            self.check(now()).await;
            let mut removed = 0;
            // a part at a time, so that logins come between
            for _ in 0..SWEEPS_MAX {
                match within(SWEEP_TIME, self.ledger.sweep(now())).await {
                    Ok(0) => break,
                    Ok(part) => removed += part,
                    Err(failure) => {
                        tracing::warn!(
                            cause = failure.0,
                            "entries that had ended were not removed: again in 10 minutes"
                        );
                        break;
                    }
                }
                tokio::time::sleep(SWEEP_PAUSE).await;
            }
            if removed > 0 {
                tracing::info!(entries = removed, "entries that had ended were removed");
            }
        }
    }

    /// A short name of each key, which tells keys apart and tells nothing of them.
    #[must_use]
    pub fn key_names(&self) -> String {
        self.keys.names().join(" ")
    }

    /// Forgets what is known of an account.
    ///
    /// # Errors
    /// The ledger does not answer, or does not know the keys.
    pub async fn forget_account(&self, id: &str, now: Millis) -> Result<u64, Unavailable> {
        self.forget(self.keys.of_account(id), now).await
    }

    /// Forgets whose a hand-over is: the id of a draft, or of a session.
    ///
    /// # Errors
    /// As [`Guarded::forget_account`].
    pub async fn forget_hand_over(&self, id: &str, now: Millis) -> Result<u64, Unavailable> {
        self.forget(self.keys.of_hand_over(id), now).await
    }

    async fn forget(&self, digests: Vec<Digest>, now: Millis) -> Result<u64, Unavailable> {
        // a mark that has ended keeps no server out
        if self.probe(now, -1).await? != Known::All {
            return Err(Unavailable(OTHER_KEYS.to_owned()));
        }
        within(FORGET_TIME, self.ledger.forget(digests)).await
    }
}

async fn within<T>(time: Duration, answer: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
    let late = |_| Unavailable(format!("no answer within {} ms", time.as_millis()));
    tokio::time::timeout(time, answer).await.map_err(late)?
}
