//! The decision line: one structured log line a request, without any value of a person.

use std::collections::BTreeMap;
use std::time::Duration;

use handover_engine::decision::{Command, Decision, Finding, Notice, SkipReason};
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
        decision.operations = decision.operations,
        decision.findings = decision.findings.len() + decision.findings_omitted,
        decision.noticed = noticed(decision),
        decision.failed = decision.findings.iter().filter(|finding| finding.keeps_session()).count(),
        decision.observed = observed(decision, |_| true),
        decision.observed_differs = observed(decision, |differs| differs == Some(true)),
        policy.digest = decision.digest.as_ref(),
        took.us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "decision"
    );
}

/// Rules that observe, counted where what they would write `counts`: whether the account would differ from what another
/// rule makes of it, if there is one.
fn observed(decision: &Decision, counts: impl Fn(Option<bool>) -> bool) -> usize {
    let of = |finding: &&Finding| matches!(finding.notice, Notice::Observed(_, differs) if counts(differs));
    decision.findings.iter().filter(of).count()
}

/// What was noticed, without its places: `cart: drop required ×2, preferences: keep root_not_visible`.
fn noticed(decision: &Decision) -> Option<String> {
    let mut counts = BTreeMap::<_, usize>::new();
    for finding in &decision.findings {
        let kind = (finding.rule.as_deref().unwrap_or("event"), finding.action(), finding.notice.keyword());
        *counts.entry(kind).or_default() += 1;
    }
    let word = |((rule, action, keyword), count)| match count {
        1 => format!("{rule}: {action} {keyword}"),
        _ => format!("{rule}: {action} {keyword} ×{count}"),
    };
    let words: Vec<_> = counts.into_iter().map(word).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Writes the line of a request that got no decision; the pointer names a member of the contract, never one of a person's.
pub fn refused(status: u16, code: &str, pointer: Option<&str>, request_id: Option<&str>) {
    tracing::info!(
        http.status = status,
        problem.code = code,
        problem.pointer = pointer,
        request.id = request_id,
        "refused"
    );
}

/// Writes how far a caller's clock is from ours: positive, and it is behind.
pub fn skewed(request_id: &str, seconds: i64) {
    tracing::warn!(request.id = request_id, skew.s = seconds, "the clocks of caller and server differ");
}
