//! The log: a JSON object a line on standard error, without any value of a person, and one decision line a request.
//!
//! Lines wait in a bounded queue for a thread that writes them, so that a reader which does not read holds up no login.
//! What finds the queue full is dropped and counted.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use handover_engine::decision::{Command, Decision, Finding, Notice, SkipReason};
use handover_engine::event::Event;
use handover_engine::script::{GuardFailure, Verdict};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::token::Reason;

/// Lines that wait to be written.
const WAITING_MAX: usize = 4_096;

static LINES: OnceLock<NonBlocking> = OnceLock::new();

/// Starts the log; what waits is written when the guard is dropped.
pub fn start() -> WorkerGuard {
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_MAX).thread_name("log");
    let (writer, guard) = queue.finish(std::io::stderr());
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_target(false);
    let lines = lines.with_writer(LINES.get_or_init(|| writer).clone()).finish();
    // what libraries say is not for whoever operates the server, and nobody has read it for values
    let own = filter_fn(|line| line.target().starts_with("handover"));
    // a second start in one process keeps the first
    drop(lines.with(own).try_init());
    // a panic's own text may hold a value: say only where it was
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        tracing::error!(panic.at = place, "panic");
    }));
    guard
}

/// Lines that were dropped since the process started.
#[must_use]
pub fn dropped() -> usize {
    LINES.get().map_or(0, |lines| lines.error_counter().dropped_lines())
}

/// Writes the line of a decision.
pub fn decided(event: &Event, decision: &Decision, refused: Option<Reason>, took: Duration) {
    if let Some(lines) = LINES.get() {
        let mut now = String::new();
        // writing to a string cannot fail, and a full queue counts what it drops
        let _ = SystemTime.format_time(&mut Writer::new(&mut now));
        let _ = lines.clone().write_all(&decision_line(&now, event, decision, refused, took));
    }
}

/// Writes the line of what a caller of an API may do. An operation that has no guard is not repeated, and no guard's reason.
pub fn authorized(guard: Option<&str>, verdict: &Verdict, took: Duration) {
    let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (outcome, failure) = (verdict.outcome, verdict.failure.as_ref());
    let at = failure.and_then(GuardFailure::stop).and_then(|stop| stop.at.as_ref());
    let at = at.map(|(file, line, column)| format!("{file}:{line}:{column}"));
    match failure {
        Some(GuardFailure::Script(_) | GuardFailure::Budget(_)) => {
            tracing::warn!(guard, outcome, reason = failure.map(GuardFailure::word), at, took.us = took, "authorize");
        }
        _ => tracing::info!(guard, outcome, reason = failure.map(GuardFailure::word), took.us = took, "authorize"),
    }
}

/// The line of a decision, as the subscriber would write it, for two thirds of what that costs.
fn decision_line(now: &str, event: &Event, decision: &Decision, refused: Option<Reason>, took: Duration) -> Vec<u8> {
    let sets = decision.commands.iter().filter(|command| matches!(command, Command::Set { .. })).count();
    let mut line = Line(Vec::with_capacity(512));
    line.0.push(b'{');
    line.text("timestamp", now);
    line.text("level", "INFO");
    line.text("message", "decision");
    line.text("request.id", &decision.id);
    line.text("request.trigger", event.trigger.word());
    line.text("decision.status", decision.status.word());
    line.some_text("decision.reason", decision.status.reason().map(SkipReason::word));
    line.some_text("token.refused", refused.map(Reason::word));
    line.number("decision.sets", sets);
    line.number("decision.operations", decision.operations);
    line.number("decision.findings", decision.findings.len() + decision.findings_omitted);
    line.some_text("decision.noticed", noticed(decision).as_deref());
    line.number("decision.failed", decision.findings.iter().filter(|finding| finding.keeps_session()).count());
    line.number("decision.observed", observed(decision, |_| true));
    line.number("decision.observed_differs", observed(decision, |differs| differs == Some(true)));
    line.text("policy.digest", &decision.digest);
    line.number("took.us", took.as_micros());
    line.0.extend_from_slice(b"}\n");
    line.0
}

/// A line in the making. Names are ours and need no escapes.
struct Line(Vec<u8>);

impl Line {
    fn name(&mut self, name: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // writing to memory cannot fail
        let _ = write!(self.0, "{comma}\"{name}\":");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    fn some_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn number(&mut self, name: &str, number: impl std::fmt::Display) {
        self.name(name);
        let _ = write!(self.0, "{number}");
    }
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
pub fn refused(status: u16, code: &str, pointer: Option<&str>, request_id: Option<&str>, token_refused: Option<&str>) {
    tracing::info!(
        http.status = status,
        problem.code = code,
        problem.pointer = pointer,
        request.id = request_id,
        token.refused = token_refused,
        "refused"
    );
}

/// Writes how far a caller's clock is from ours: positive, and it is behind.
pub fn skewed(request_id: &str, seconds: i64) {
    tracing::warn!(request.id = request_id, skew.s = seconds, "the clocks of caller and server differ");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use handover_engine::json::Document;
    use handover_engine::policy::Files;
    use handover_engine::ruleset::{Given, RuleSet};

    use super::*;

    /// The line of what a rule `l` that takes a list of two makes of a visitor's value.
    fn line(id: &str, metadata: &str) -> String {
        let policy = r#"{ "name": "test", "rules": [ { "name": "l", "to": "app_metadata.l", "merge": "fill" } ] }"#;
        let schema =
            r#"{ "type": "array", "maxItems": 2, "items": { "type": "integer", "maximum": 9, "minimum": 0 } }"#;
        let files = [("policy.json", policy), ("l.schema.json", schema)];
        let files = Files(BTreeMap::from(files.map(|(name, text)| (name.to_owned(), text.to_owned()))));
        let rules = RuleSet::compile(&files).unwrap();
        let body = format!(
            r#"{{ "id": {id}, "trigger": "login", "at": "2026-11-23T10:00:00Z", "account": {{ "id": "a" }},
                "anonymous_session": {{ "id": "anon@1", "metadata": {metadata} }} }}"#
        );
        let event = Event::read(body.as_bytes(), rules.provider()).unwrap();
        let decision = rules.evaluate(&event, &Given::default());
        let line = decision_line("2026-11-28T10:00:00.5Z", &event, &decision, None, Duration::from_micros(37));
        String::from_utf8(line).unwrap().replace(rules.digest(), "sha256:d")
    }

    #[test]
    fn a_decision_is_one_line_of_json() {
        let told = r#"{"timestamp":"2026-11-28T10:00:00.5Z","level":"INFO","message":"decision","request.id":"tx_1","request.trigger":"login","decision.status":"transferred","decision.sets":1,"decision.operations":N,"decision.findings":2,"decision.noticed":"l: drop maximum, l: truncate maxItems","decision.failed":0,"decision.observed":0,"decision.observed_differs":0,"policy.digest":"sha256:d","took.us":37}"#;
        let found = line(r#""tx_1""#, r#"{ "l": [1, 77, 2, 3] }"#);
        let (before, after) = found.split_once("operations\":").unwrap();
        let after = after.trim_start_matches(|one: char| one.is_ascii_digit());
        assert_eq!(format!("{before}operations\":N{after}"), format!("{told}\n"));
    }

    #[test]
    fn what_a_caller_chose_is_escaped() {
        let found = line(r#""a\"},{\\b""#, "{}");
        assert_eq!(found.lines().count(), 1);
        let read = Document::read(found.trim_end().as_bytes()).unwrap();
        assert_eq!(read.root().get("request.id").unwrap().word(), r#"a"},{\b"#);
        assert!(read.root().get("decision.reason").is_none());
    }
}
