//! All rules, compiled: an event in, a decision out.
//!
//! [`RuleSet::compile`] reads every file and reports every mistake. [`RuleSet::evaluate`] is total: for each rule it finds
//! the anonymous value, sanitizes it, merges what is left into the account's value and adds a command, unless nothing
//! changed; whatever goes wrong becomes a finding of that rule, and the next one runs.

mod compile;

use std::cell::Cell;
use std::sync::Arc;

use crate::budget::{Budget, TimeIsUp};
use crate::decision::{Command, Decision, Finding, Merged, Notice, SkipReason, Status, sink_bytes};
use crate::diagnostic::Diagnostic;
use crate::event::{Event, Found, Session, Sink};
use crate::guard::{self, Guard, Operation};
use crate::json::{Document, Json, Text, View};
use crate::limits::Limits;
use crate::merge::Context;
use crate::policy::{Files, SessionPolicy};
use crate::receipt::{self, Receipt};
use crate::rule::{Merge, Outcome, Rule, Surroundings, is_empty};
use crate::sanitizer::{Clean, Untrusted};
use crate::script::{Sandbox, Trace, Verdict};

/// What the engine cannot know by itself.
#[derive(Clone, Default)]
pub struct Given {
    /// Says whether the time for scripts is up; none: scripts are bounded by their operations only.
    pub time_is_up: Option<TimeIsUp>,
}

/// All rules of one policy, immutable.
#[derive(Debug)]
pub struct RuleSet {
    name: Arc<str>,
    digest: Arc<str>,
    policy: SessionPolicy,
    limits: Limits,
    sandbox: Sandbox,
    rules: Vec<Rule>,
    guards: Vec<Guard>,
    diagnostics: Vec<Diagnostic>,
}

impl RuleSet {
    /// Compiles the files of a policy.
    ///
    /// # Errors
    /// Everything that is wrong, in all files, sorted by file and place; what only deserves a look is among it.
    pub fn compile(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        compile::compile(files, Sandbox::new, |_| false)
    }

    /// The same, and `trace` counts what runs of its scripts: for rule authors' tools, off the path of requests.
    ///
    /// # Errors
    /// As [`RuleSet::compile`].
    pub fn compile_traced(files: &Files, trace: &Trace) -> Result<Self, Vec<Diagnostic>> {
        compile::compile(files, |limits| Sandbox::traced(limits, trace), |_| false)
    }

    /// The same for rules that add again at every login, so that their laws can be asked.
    ///
    /// # Errors
    /// As [`RuleSet::compile`].
    pub fn compile_to_ask(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        compile::compile(files, Sandbox::new, |one| matches!(one.code, "P040" | "R040"))
    }

    /// Whether a hand-over comes only once.
    #[must_use]
    pub fn takes_once(&self) -> bool {
        self.policy.once
    }

    /// What deserves a look, and stops nothing: warnings and information, sorted by file and place.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Decides what the account takes over. Total and pure: the same event gives the same bytes.
    #[must_use]
    pub fn evaluate(&self, event: &Event, given: &Given) -> Decision {
        let mut findings = Findings { places_max: self.limits.report_entries, ..Findings::default() };
        let receipt = self.receipt(event, &mut findings);
        let session = match self.session(event, receipt.as_ref()) {
            Ok(session) => session,
            Err(reason) => return self.decision(event, Status::Skipped(reason), Vec::new(), Findings::default()),
        };
        let receipt = receipt.and_then(|receipt| receipt.with(&session.hand_over(), event.at, session.expires_at));
        let now = clock(event, session);
        let scripted = self.rules.iter().any(|rule| matches!(rule.merge, Merge::Script(_)));
        let context = if scripted { script_context(event, session, now) } else { Json::Null };
        let spent = Cell::new(0);
        let around = self.around(&context, now, given.time_is_up.as_ref(), &spent);
        let mut run = Run {
            event,
            session,
            around,
            receipt_shown: !self.policy.once || event.is_visible(Sink::App, receipt::ROOT),
            writes: Writes::new(&self.limits, receipt),
            findings,
            added: false,
        };
        self.rules.iter().for_each(|rule| run.rule(rule));
        let Run { mut writes, mut findings, added, .. } = run;
        // what a failure left behind may still come, unless something was added that must not be added again
        if added || !findings.keep_session() {
            writes.add_receipt();
        }
        note_oversized(event, &writes, &mut findings);
        let status = if writes.commands.is_empty() { Status::Unchanged } else { Status::Transferred };
        Decision { operations: spent.get(), ..self.decision(event, status, writes.commands, findings) }
    }

    /// What a caller may do.
    #[must_use]
    pub fn authorize(&self, operation: Operation<'_>) -> Verdict {
        guard::decide(&self.guards, &self.sandbox, operation, Budget::new(self.limits.script_operations, None))
    }

    /// The guards, in the order of their files.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// What one rule makes of two values, at a fixed hour: for authors' tools, off the path of requests.
    #[must_use]
    pub fn apply(&self, rule: &Rule, account: Option<View<'_>>, anonymous: &Json, now: Context) -> Applied {
        let document = anonymous.view().to_text();
        let Ok(document) = Document::read(document.as_bytes()) else { return Applied::Kept };
        let (clean, _) = rule.sanitize(&Untrusted(document.root().to_json()));
        let Some(clean) = clean.filter(|clean| !clean.json().view().is_null() && !is_empty(clean.json().view())) else {
            return Applied::Kept;
        };
        let context = context("login", "auth0|1", "anon@1", now, Json::empty_object());
        let spent = Cell::new(0);
        let around = self.around(&context, now, None, &spent);
        match rule.merge(account.filter(|account| !account.is_null()), &clean, around) {
            Outcome::Write(merged) => Applied::Wrote(merged.json().clone()),
            Outcome::Keep => Applied::Kept,
            Outcome::Failed(notice) => Applied::Failed(notice),
        }
    }

    /// What one rule makes of an event before anything is asked of it: for authors' tools, off the path of requests.
    #[must_use]
    pub fn made(&self, rule: &Rule, event: &Event, session: &Session, clean: &Clean) -> Option<Json> {
        let now = clock(event, session);
        let context = script_context(event, session, now);
        let account = event.account(rule.sink, &rule.root);
        rule.made(account, clean, self.around(&context, now, None, &Cell::new(0))).ok().flatten()
    }

    /// What rules run in.
    fn around<'a>(
        &'a self,
        context: &'a Json,
        now: Context,
        time_is_up: Option<&'a TimeIsUp>,
        spent: &'a Cell<u64>,
    ) -> Surroundings<'a> {
        let (sandbox, operations) = (&self.sandbox, self.limits.script_operations);
        Surroundings { sandbox, context, now, operations, time_is_up, spent }
    }

    /// The session to transfer, or why there is none.
    fn session<'a>(&self, event: &'a Event, receipt: Option<&Receipt>) -> Result<&'a Session, SkipReason> {
        let session = event.session.as_ref().ok_or(SkipReason::NoSession)?;
        // nobody verifies tokens yet, so none is good
        if self.policy.verifies && session.has_token {
            return Err(SkipReason::TokenInvalid);
        }
        if session.expires_at <= event.at {
            return Err(SkipReason::SessionExpired);
        }
        if self.policy.max_age.is_some_and(|max_age| event.at.saturating_sub(session.created_at) > max_age) {
            return Err(SkipReason::SessionTooOld);
        }
        if receipt.is_some_and(|receipt| receipt.names(&session.hand_over())) {
            return Err(SkipReason::AlreadyTransferred);
        }
        Ok(session)
    }

    /// The account's receipt, where the policy keeps one; a malformed one counts as absent.
    fn receipt(&self, event: &Event, findings: &mut Findings) -> Option<Receipt> {
        let read = |view| {
            Receipt::read(view).unwrap_or_else(|| {
                findings.of_event(Notice::ReceiptUnreadable);
                Receipt::default()
            })
        };
        self.policy.once.then(|| event.account(Sink::App, receipt::ROOT).map(read).unwrap_or_default())
    }

    fn decision(&self, event: &Event, status: Status, mut commands: Vec<Command>, findings: Findings) -> Decision {
        let is_spent = status.reason().is_none_or(|reason| reason == SkipReason::AlreadyTransferred);
        if self.policy.clear && is_spent && !findings.keep_session() {
            commands.push(Command::ClearAnonymousSession);
        }
        Decision {
            id: event.id.clone(),
            status,
            policy: Arc::clone(&self.name),
            digest: Arc::clone(&self.digest),
            commands,
            findings: findings.list,
            findings_omitted: findings.omitted,
            operations: 0,
        }
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of the policy's files, `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The compiled rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The bounds of the policy.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// One evaluation: what came so far.
struct Run<'a> {
    event: &'a Event,
    session: &'a Session,
    around: Surroundings<'a>,
    /// Whether the account's receipt, if the policy asks for one, could be read: else it could not be written either.
    receipt_shown: bool,
    writes: Writes<'a>,
    findings: Findings,
    /// Whether a rule wrote that must not run again for this hand-over.
    added: bool,
}

impl Run<'_> {
    /// One rule: find the value, sanitize it, merge what is left. Whatever goes wrong is a finding of this rule.
    fn rule(&mut self, rule: &Rule) {
        let untrusted = match rule.value(self.event, self.session) {
            Found::Value(untrusted) => untrusted,
            Found::Unreadable { steps } => return self.findings.of_place(rule.unreadable(steps)),
            Found::Nothing => return,
        };
        let (clean, fates) = rule.sanitize(&untrusted);
        let clean = clean.filter(|clean| !is_empty(clean.json().view()));
        if !self.receipt_shown || !self.event.is_visible(rule.sink, &rule.root) {
            // where nothing is left to merge, nothing was left behind
            return clean.map_or((), |_| self.findings.of_rule(rule, Notice::RootNotVisible));
        }
        if let Some(fates) = fates {
            let places = rule.findings(&untrusted, &fates, self.findings.room());
            self.findings.of_places(places);
        }
        if let Some(clean) = clean {
            // without a receipt nothing says that this hand-over was added
            if rule.needs_once() && self.writes.receipt.is_none() {
                return self.findings.of_rule(rule, Notice::ReceiptFull);
            }
            self.merge(rule, &clean);
        }
    }

    fn merge(&mut self, rule: &Rule, clean: &Clean) {
        match rule.merge(self.event.account(rule.sink, &rule.root), clean, self.around) {
            Outcome::Keep => {}
            Outcome::Failed(notice) => self.findings.of_rule(rule, notice),
            Outcome::Write(value) => match self.writes.add(rule, value) {
                Ok(()) => self.added |= rule.needs_once(),
                Err(notice) => self.findings.of_rule(rule, notice),
            },
        }
    }
}

/// Bytes of a metadata object that the provider recommends at most.
const PROFILE_BYTES: usize = 10_000;

/// A metadata object that is larger, after this decision, than the provider recommends.
fn note_oversized(event: &Event, writes: &Writes<'_>, findings: &mut Findings) {
    for sink in [Sink::App, Sink::User] {
        let before = event.metadata(sink).view();
        let written = writes.written(sink);
        // what is read cannot be smaller compact than as it stands in the text
        let most = before.place().map_or(2, |place| place.span().len()) + writes.bytes_of(sink);
        if most <= PROFILE_BYTES {
            continue;
        }
        // every member with a comma; the last one has none
        let is_written = |name: Text<'_>| written.iter().any(|key| name.is(key));
        let kept = before.members().filter(|(name, _)| !is_written(*name));
        let kept: usize = kept.map(|(name, value)| sink_bytes(&name.decode(), value.compact_bytes())).sum();
        if "{}".len() + (kept + writes.bytes_of(sink)).saturating_sub(1) > PROFILE_BYTES {
            findings.of_event(Notice::ProfileOversized(sink));
        }
    }
}

/// What one rule made of two values.
#[derive(Debug)]
pub enum Applied {
    /// A new value.
    Wrote(Json),
    /// The account's value stays.
    Kept,
    /// It stays, for this reason.
    Failed(Notice),
}

/// The clock of an event; a session does not begin after it.
fn clock(event: &Event, session: &Session) -> Context {
    Context { now: event.at, session_created_at: session.created_at.min(event.at) }
}

fn script_context(event: &Event, session: &Session, now: Context) -> Json {
    context(event.trigger.word(), &event.account_id, &session.id, now, event.context.clone())
}

/// What scripts see as `context`.
fn context(trigger: &str, account_id: &str, session_id: &str, now: Context, request: Json) -> Json {
    let member = |name: &str, value: Json| (Json::text(name), value);
    let created_at = Json::Int(now.session_created_at);
    Json::object(vec![
        member("trigger", Json::text(trigger)),
        member("now", Json::Int(now.now)),
        member("account_id", Json::text(account_id)),
        member("session", Json::object(vec![member("id", Json::text(session_id)), member("created_at", created_at)])),
        member("request", request),
    ])
}

/// The commands so far, and the bytes that they take in each sink.
struct Writes<'a> {
    limits: &'a Limits,
    commands: Vec<Command>,
    bytes: [usize; 2],
    /// What is written beside data, and the bytes that are kept for it.
    receipt: Option<(Receipt, usize)>,
}

impl<'a> Writes<'a> {
    fn new(limits: &'a Limits, receipt: Option<Receipt>) -> Self {
        let receipt = receipt.map(|receipt| {
            let bytes = sink_bytes(receipt::ROOT, receipt.to_json().view().compact_bytes());
            (receipt, bytes)
        });
        Self { limits, commands: Vec::new(), bytes: [0; 2], receipt }
    }

    fn bytes_of(&self, sink: Sink) -> usize {
        let [app, user] = self.bytes;
        if sink == Sink::App { app } else { user }
    }

    /// Adds a command, unless the sink has no room left for it.
    fn add(&mut self, rule: &Rule, value: Merged) -> Result<(), Notice> {
        let bytes = self.bytes_of(rule.sink) + sink_bytes(&rule.root, value.bytes());
        let kept = self.receipt.as_ref().filter(|_| rule.sink == Sink::App).map_or(0, |(_, bytes)| *bytes);
        // two braces around all, and no comma after the last member
        if bytes + kept >= self.limits.sink_bytes {
            return Err(Notice::ResultTooLarge);
        }
        let [app, user] = &mut self.bytes;
        *(if rule.sink == Sink::App { app } else { user }) = bytes;
        self.commands.push(Command::Set { sink: rule.sink, key: rule.root.clone(), value });
        Ok(())
    }

    /// Adds the receipt, where something is written.
    fn add_receipt(&mut self) {
        if let Some((receipt, bytes)) = self.receipt.take().filter(|_| !self.commands.is_empty()) {
            let [app, _] = &mut self.bytes;
            *app += bytes;
            self.commands.push(Command::SetReceipt(receipt));
        }
    }

    fn written(&self, sink: Sink) -> Vec<&str> {
        let set = self.commands.iter().filter_map(|command| match command {
            Command::Set { sink: own, key, .. } if *own == sink => Some(key.as_str()),
            Command::SetReceipt(_) if sink == Sink::App => Some(receipt::ROOT),
            _ => None,
        });
        set.collect()
    }
}

/// The findings so far.
#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
    places: usize,
    places_max: usize,
    omitted: usize,
}

impl Findings {
    fn of_rule(&mut self, rule: &Rule, notice: Notice) {
        self.list.push(Finding { rule: Some(Arc::clone(&rule.name)), pointer: String::new(), notice });
    }

    /// Whether something of the session was left behind by a failure.
    fn keep_session(&self) -> bool {
        self.list.iter().any(|finding| finding.notice.keeps_session())
    }

    fn of_event(&mut self, notice: Notice) {
        self.list.push(Finding { rule: None, pointer: String::new(), notice });
    }

    /// Places that may still be listed.
    fn room(&self) -> usize {
        self.places_max.saturating_sub(self.places)
    }

    fn of_place(&mut self, place: Finding) {
        let listed = self.room() > 0;
        self.of_places(if listed { (vec![place], 0) } else { (Vec::new(), 1) });
    }

    fn of_places(&mut self, (places, omitted): (Vec<Finding>, usize)) {
        self.places += places.len();
        self.omitted += omitted;
        self.list.extend(places);
    }
}
