//! From a body to a decision, for `handover transfer` and every fixture, and the clock that the webhook adds.

use std::rc::Rc;
use std::time::{Duration, Instant};

use handover_engine::budget::Clock;
use handover_engine::decision::Decision;
use handover_engine::event::{Event, Refusal};
use handover_engine::ruleset::{Given, RuleSet};
use rustix::time::{ClockId, clock_gettime};

/// The event of a body and what the rules decide.
///
/// # Errors
/// The body is no request of the contract.
pub fn decide(rules: &RuleSet, body: &[u8], given: &Given) -> Result<(Event, Decision), Refusal> {
    let event = Event::read(body, rules.provider())?;
    let decision = rules.evaluate(&event, given);
    Ok((event, decision))
}

/// A clock that is up when this thread has computed for longer than the policy's `event_ms`. What the thread waits, because
/// the machine is loaded, does not count.
#[must_use]
pub fn clock(rules: &RuleSet) -> Rc<Clock> {
    let time = Duration::from_millis(rules.limits().event_ms);
    let (start, used) = (Instant::now(), thread_time());
    // no thread computes for longer than has passed, and asking for that is cheap
    Clock::new(move || start.elapsed() >= time && thread_time().saturating_sub(used) >= time)
}

/// Time that this thread has computed.
fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
