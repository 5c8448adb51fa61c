//! The decision line: one structured log line a request, without any value of a person.

use std::time::Duration;

use handover_engine::decision::{Command, Decision, SkipReason};
use handover_engine::event::Event;

/// Sends log lines to standard error, one JSON object each.
pub fn start() {
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_target(false);
    // a second start in one process keeps the first
    drop(lines.with_writer(std::io::stderr).try_init());
    // a panic's own text may hold a value: say only where it was
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        tracing::error!(panic.at = place, "panic");
    }));
}

/// Writes the line of a decision.
pub fn decided(event: &Event, decision: &Decision, took: Duration) {
    let sets = decision.commands.iter().filter(|command| matches!(command, Command::Set { .. })).count();
    tracing::info!(
        request.id = decision.id,
        request.trigger = event.trigger.word(),
        decision.status = decision.status.word(),
        decision.reason = decision.status.reason().map(SkipReason::word),
        decision.sets = sets,
        decision.findings = decision.findings.len() + decision.findings_omitted,
        policy.digest = decision.digest.as_ref(),
        took.us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "decision"
    );
}

/// Writes the line of a request that got no decision.
pub fn refused(status: u16, code: &str, request_id: Option<&str>) {
    tracing::info!(http.status = status, problem.code = code, request.id = request_id, "refused");
}

/// Writes how far a caller's clock is from ours: positive, and it is behind.
pub fn skewed(request_id: &str, seconds: i64) {
    tracing::warn!(request.id = request_id, skew.s = seconds, "the clocks of caller and server differ");
}
