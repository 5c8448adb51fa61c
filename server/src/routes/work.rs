//! Work on the threads that evaluate: its deadline, its panics, and keys that it finds missing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use handover_engine::ruleset::RuleSet;
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::ledger;
use crate::pool::Pool;
use crate::state::State;
use crate::token::{self, Claims, KeySet, Reason};

/// From the whole body to the decision.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Of that, how long newer keys may be waited for.
const KEYS_TIME: Duration = Duration::from_millis(700);

/// The keys of a moment, and whether newer ones may be asked for.
pub(super) struct KeysAtHand {
    keys: Option<Arc<KeySet>>,
    may_lack: bool,
}

impl KeysAtHand {
    /// These, and no newer ones.
    #[cfg(test)]
    pub(super) fn of(keys: Option<Arc<KeySet>>) -> Self {
        Self { keys, may_lack: false }
    }

    /// The claims of a token at a time, in epoch seconds; none where a newer key may help.
    pub(super) fn claims(&self, token: &[u8], rules: &RuleSet, now: i64) -> Option<Result<Claims, Reason>> {
        let keys = self.keys.as_ref().ok_or(Reason::NoKeys);
        match keys.and_then(|keys| token::claims(token, keys, rules.token_policy(), now)) {
            Err(Reason::UnknownKey | Reason::NoKeys) if self.may_lack => None,
            judged => Some(judged),
        }
    }
}

/// Where work is done: these threads, and one of these places while it is.
#[derive(Clone, Copy)]
pub(super) struct On<'s> {
    pub(super) pool: &'s Pool,
    /// None where the request has its place already.
    pub(super) places: Option<&'s Semaphore>,
}

/// Evaluates on the pool. The deadline is answered although an evaluation may still run. Work that lacks a key gives nothing,
/// and is done once more with newer keys. While they are fetched, no thread that evaluates waits, and no place is taken.
pub(super) async fn evaluated<T: Send + 'static>(
    state: &State,
    on: On<'_>,
    start: Instant,
    work: impl Fn(&RuleSet, &KeysAtHand) -> Result<Option<T>, ApiError> + Send + Sync + 'static,
) -> Result<T, ApiError> {
    let (until, work) = (start + ANSWER_TIME, Arc::new(work));
    let Some(keys) = &state.keys else {
        return attempt(state, on, until, work, false).await?.ok_or_else(|| ApiError::new("internal"));
    };
    if let Some(done) = attempt(state, on, until, Arc::clone(&work), true).await? {
        return Ok(done);
    }
    keys.refresh((start + KEYS_TIME).into()).await;
    attempt(state, on, until, work, false).await?.ok_or_else(|| ApiError::new("internal"))
}

async fn attempt<T: Send + 'static>(
    state: &State,
    on: On<'_>,
    until: Instant,
    work: Arc<impl Fn(&RuleSet, &KeysAtHand) -> Result<Option<T>, ApiError> + Send + Sync + 'static>,
    may_lack: bool,
) -> Result<Option<T>, ApiError> {
    let _place = on.places.map(Semaphore::try_acquire).transpose().map_err(|_| ApiError::new("overloaded"))?;
    let rules = Arc::clone(&state.rules);
    let at_hand = KeysAtHand { keys: state.keys.as_ref().and_then(|keys| keys.current()), may_lack };
    // a panic is caught once, here: the thread that evaluates lives, and the others do not feel it
    let caught = move || {
        catch_unwind(AssertUnwindSafe(|| work(&rules, &at_hand))).unwrap_or_else(|_| Err(ApiError::new("internal")))
    };
    let answer = on.pool.queue(until, caught).map_err(|_| ApiError::new("overloaded"))?;
    let answer = tokio::time::timeout_at(until.into(), answer).await;
    let late = || ApiError::new("deadline_exceeded");
    answer.map_err(|_| late())?.map_err(|_| late())?
}

/// Epoch seconds.
pub(super) fn now() -> i64 {
    ledger::now().div_euclid(1_000)
}
