//! The one code path from a body to a decision: of the webhook, of `handover transfer` and of every fixture.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use handover_engine::decision::Decision;
use handover_engine::event::{Event, Refusal};
use handover_engine::ruleset::{Given, RuleSet};

/// The event of a body and what the rules decide.
///
/// # Errors
/// The body is no request of the contract.
pub fn decide(rules: &RuleSet, body: &[u8], given: &Given) -> Result<(Event, Decision), Refusal> {
    let event = Event::read(body, rules.provider())?;
    let decision = rules.evaluate(&event, given);
    Ok((event, decision))
}

/// A clock for scripts: it starts when the first of them does, and is up when the policy's `script_ms` have passed.
#[must_use]
pub fn clocked(rules: &RuleSet) -> Given {
    let time = Duration::from_millis(rules.limits().script_ms);
    let start = OnceLock::new();
    Given { time_is_up: Some(Arc::new(move || start.get_or_init(Instant::now).elapsed() >= time)) }
}
