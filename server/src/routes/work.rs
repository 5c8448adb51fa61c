//! Work on the threads that evaluate: its deadline, its panics, and keys that it finds missing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use handover_engine::ruleset::RuleSet;

use crate::error::ApiError;
use crate::ledger;
use crate::state::State;
use crate::token::KeySet;

/// From the whole body to the decision.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Of that, how long newer keys may be waited for.
const KEYS_TIME: Duration = Duration::from_millis(700);

/// The keys of a moment, and whether newer ones may be asked for.
pub(super) struct KeysAtHand {
    pub(super) keys: Option<KeySet>,
    pub(super) may_lack: bool,
}

/// Evaluates on the pool. The deadline is answered although an evaluation may still run. Work that lacks a key gives
/// nothing, and is done once more with newer ones; keys are never fetched on the threads that evaluate.
pub(super) async fn evaluated<T: Send + 'static>(
    state: &State,
    start: Instant,
    work: impl Fn(&RuleSet, &KeysAtHand) -> Result<Option<T>, ApiError> + Send + Sync + 'static,
) -> Result<T, ApiError> {
    let (until, work) = (start + ANSWER_TIME, Arc::new(work));
    if let Some(done) = attempt(state, until, Arc::clone(&work), true).await? {
        return Ok(done);
    }
    if let Some(keys) = &state.keys {
        keys.refresh((start + KEYS_TIME).into()).await;
    }
    attempt(state, until, work, false).await?.ok_or_else(|| ApiError::new("internal"))
}

async fn attempt<T: Send + 'static>(
    state: &State,
    until: Instant,
    work: Arc<impl Fn(&RuleSet, &KeysAtHand) -> Result<Option<T>, ApiError> + Send + Sync + 'static>,
    may_lack: bool,
) -> Result<Option<T>, ApiError> {
    let rules = Arc::clone(&state.rules);
    let at_hand = KeysAtHand { keys: state.keys.as_ref().and_then(|keys| keys.current()), may_lack };
    // a panic is caught once, here: the thread that evaluates lives, and the others do not feel it
    let caught = move || {
        catch_unwind(AssertUnwindSafe(|| work(&rules, &at_hand))).unwrap_or_else(|_| Err(ApiError::new("internal")))
    };
    let answer = state.pool.queue(until, caught).map_err(|_| ApiError::new("overloaded"))?;
    let answer = tokio::time::timeout_at(until.into(), answer).await;
    let late = || ApiError::new("deadline_exceeded");
    answer.map_err(|_| late())?.map_err(|_| late())?
}

/// Epoch seconds.
pub(super) fn now() -> i64 {
    ledger::now().div_euclid(1_000)
}
