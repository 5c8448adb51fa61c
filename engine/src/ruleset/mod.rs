//! All rules, compiled: an event in, a decision out.
//!
//! [`RuleSet::compile`] reads every file and reports every mistake. [`RuleSet::evaluate`] is total: for each rule it finds
//! the anonymous value, sanitizes it, merges what is left into the account's value and adds a command, unless nothing
//! changed; whatever goes wrong becomes a finding of that rule, and the next one runs. Where the account's receipt names the
//! hand-over, only rules that did not take it run; rules that observe run last, and change nothing but findings.

mod declared;
mod evidence;
mod fit;
mod compile;
mod reading;
mod history;
mod writes;
mod run;

use std::rc::Rc;
use std::sync::Arc;

use crate::budget::{Budget, Clock};
use crate::decision::{Command, Decision, SkipReason, Status, sink_bytes};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{Event, Session, Trigger};
use crate::guard::{self, Guard, Operation};
use crate::json::{Json, View};
use crate::limits::Limits;
use crate::merge::Context;
use crate::policy::{Files, LedgerPolicy, SessionPolicy, TokenMode, TokenPolicy};
use crate::provider::Provider;
use crate::receipt;
pub use crate::rule::Applied;
use crate::rule::{EvalContext, Merge, Mode, Rule, Tally, script_context};
use crate::sanitizer::Clean;
use crate::script::{Sandbox, Trace, Verdict};
pub use declared::at_merge;
pub(crate) use declared::declared_merge;
use history::History;
pub(crate) use reading::read_all;
use run::{Findings, PROFILE_BYTES, Run, note_oversized};
use writes::Writes;

/// What the engine cannot know by itself.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// What became of the session's token.
    pub token: TokenVerdict,
}

impl Given {
    /// As for rule authors' tools, which have no keys: every session counts as one whose token verified.
    #[must_use]
    pub fn assumed() -> Self {
        Self { token: TokenVerdict::Assumed }
    }
}

/// What became of a session's token.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum TokenVerdict {
    /// It was not verified.
    #[default]
    Unverified,
    /// It verified, for the session with this id.
    Verified(String),
    /// Nobody has keys: every session counts as one whose token verified.
    Assumed,
}

/// Shows no id.
impl std::fmt::Debug for TokenVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unverified => "Unverified",
            Self::Verified(_) => "Verified",
            Self::Assumed => "Assumed",
        })
    }
}

/// The clock was up before there was a decision: nothing may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late;

/// All rules of one policy, immutable.
#[derive(Debug)]
pub struct RuleSet {
    name: Arc<str>,
    digest: Arc<str>,
    policy: SessionPolicy,
    verify: TokenPolicy,
    provider: Provider,
    limits: Limits,
    sandbox: Sandbox,
    rules: Vec<Rule>,
    guards: Vec<Guard>,
    /// Bytes of the rules' names that a receipt may hold.
    left_bytes_max: usize,
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
        let rules = compile::compile(files, |limits| Sandbox::traced(limits, trace), |_| false);
        // what compiling tried is no case of the author's
        trace.forget();
        rules
    }

    /// The same for rules that add again at every login, so that their laws can be asked.
    ///
    /// # Errors
    /// As [`RuleSet::compile`].
    pub fn compile_to_ask(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        compile::compile(files, Sandbox::new, |one| matches!(one.code, Code::P040 | Code::R040))
    }

    /// Whether a hand-over comes only once.
    #[must_use]
    pub fn takes_once(&self) -> bool {
        self.policy.once
    }

    /// What a login needs of the session's token.
    #[must_use]
    pub fn token_mode(&self) -> TokenMode {
        self.policy.token
    }

    /// What a token must be.
    #[must_use]
    pub fn token_policy(&self) -> &TokenPolicy {
        &self.verify
    }

    /// What a login gets while the ledger cannot be asked.
    #[must_use]
    pub fn ledger(&self) -> LedgerPolicy {
        self.policy.ledger
    }

    /// What deserves a look, and stops nothing: warnings and information, sorted by file and place.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Decides what the account takes over. Total and pure: the same event gives the same bytes.
    #[must_use]
    pub fn evaluate(&self, event: &Event, given: &Given) -> Decision {
        self.decide(event, given, None)
    }

    /// The same, unless it takes too long. Whatever the clock says, a decision that there is has the same bytes.
    ///
    /// # Errors
    /// [`Late`]: the clock was up.
    pub fn evaluate_until(&self, event: &Event, given: &Given, clock: &Rc<Clock>) -> Result<Decision, Late> {
        let decision = self.decide(event, given, Some(clock));
        if clock.was_up() { Err(Late) } else { Ok(decision) }
    }

    fn decide(&self, event: &Event, given: &Given, clock: Option<&Rc<Clock>>) -> Decision {
        let session = match self.session(event, given) {
            Ok(session) => session,
            Err(reason) => return self.skipped(event, reason),
        };
        let history = self.history(event, session);
        if history.is_through(&self.rules) {
            return self.skipped(event, SkipReason::AlreadyTransferred);
        }
        let now = times(event, session);
        let scripted = self.rules.iter().any(|rule| matches!(rule.merge, Merge::Script(_)));
        let context = if scripted { context(event, session, now) } else { Json::Null };
        let tally = Tally::default();
        let mut run = Run {
            event,
            context: EvalContext::new(&self.sandbox, &context, now, &tally),
            writes: Writes::new(&self.limits, self.receipt_bytes_max(&history)),
            history,
            findings: Findings::new(self.limits.report_entries),
            left: Vec::new(),
        };
        self.run_all(&mut run, session, &|| Budget::until(self.limits.rule_work, clock));
        let Run { mut findings, writes, .. } = run;
        note_oversized(event, &writes, &mut findings);
        let status = if writes.commands.is_empty() { Status::Unchanged } else { Status::Transferred };
        Decision { operations: tally.operations(), ..self.decision(event, status, writes.commands, findings) }
    }

    /// Builds on this thread what scripts run in, so that its first evaluation need not wait for that.
    pub fn warm(&self) {
        let of_rules = self.rules.iter().filter_map(|rule| match &rule.merge {
            Merge::Script(script) => Some(script),
            Merge::Strategy(_) => None,
        });
        self.sandbox.warm(of_rules.chain(self.guards.iter().map(|guard| &guard.script)));
    }

    /// The rules in their order, the receipt, and those that only observe.
    fn run_all<'a>(&'a self, run: &mut Run<'a>, session: &Session, budget: &dyn Fn() -> Budget) {
        let runs = |rule: &Rule| rule.runs_on(run.event.trigger) || run.history.waits_for(rule);
        let all = read_all(&self.rules, session, &runs, budget);
        if session.has_unreadable_metadata() {
            run.unreadable();
        }
        let rules = || self.rules.iter().zip(&all);
        for (rule, read) in rules().filter(|(rule, _)| rule.mode == Mode::Apply) {
            run.rule(rule, read);
        }
        run.receipt(&self.rules);
        for (rule, read) in rules().filter(|(rule, _)| rule.mode == Mode::Observe) {
            let is_beside = |one: &Rule| one.mode == Mode::Apply && (one.sink, &one.root) == (rule.sink, &rule.root);
            run.observe(rule, read, self.rules.iter().any(is_beside));
        }
    }

    /// What this login knows of logins before it.
    fn history(&self, event: &Event, session: &Session) -> History {
        if !self.policy.once {
            return History::Untold;
        }
        // two braces around all
        History::of(event, session, self.limits.sink_bytes, self.left_bytes_max)
    }

    /// Bytes that the receipt of this login may take.
    fn receipt_bytes_max(&self, history: &History) -> usize {
        match history {
            History::Told(receipt, _, true) => sink_bytes(receipt::ROOT, receipt.bytes_max() + self.left_bytes_max),
            _ => 0,
        }
    }

    /// Its rules, by themselves: for authors' tools.
    pub(crate) fn into_rules(self) -> Vec<Rule> {
        self.rules
    }

    /// Puts a rule in the place of another one, which it gives back: for authors' tools.
    pub(crate) fn replace(&mut self, index: usize, rule: Rule) -> Option<Rule> {
        self.rules.get_mut(index).map(|own| std::mem::replace(own, rule))
    }

    /// What a caller may do.
    #[must_use]
    pub fn authorize(&self, operation: Operation<'_>) -> Verdict {
        guard::decide(&self.guards, &self.sandbox, operation, &self.budget())
    }

    /// The same, unless it takes too long.
    ///
    /// # Errors
    /// [`Late`]: the clock was up.
    pub fn authorize_until(&self, operation: Operation<'_>, clock: &Rc<Clock>) -> Result<Verdict, Late> {
        let budget = Budget::until(self.limits.rule_work, Some(clock));
        let verdict = guard::decide(&self.guards, &self.sandbox, operation, &budget);
        if clock.was_up() { Err(Late) } else { Ok(verdict) }
    }

    /// The guards, in the order of their files.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// What the sanitizer of a rule leaves of a value, if that is something to merge.
    #[must_use]
    pub fn clean(&self, rule: &Rule, anonymous: &Json) -> Option<Clean> {
        rule.clean(anonymous, &self.limits).0
    }

    /// What one rule makes of an account's value and a clean one: for authors' tools, off the path of requests.
    #[must_use]
    pub fn merge(&self, rule: &Rule, account: Option<View<'_>>, clean: &Clean, login: (Context, Trigger)) -> Applied {
        rule.apply(&self.sandbox, &self.limits, account, clean, login).0
    }

    /// What one rule makes of an event before anything is asked of it: for authors' tools, off the path of requests.
    #[must_use]
    pub fn made(&self, rule: &Rule, event: &Event, session: &Session, clean: &Clean) -> Option<Json> {
        let now = times(event, session);
        let (context, tally) = (context(event, session, now), Tally::default());
        let account = event.account(rule.sink, &rule.root);
        let context = EvalContext::new(&self.sandbox, &context, now, &tally);
        rule.made(account, clean, context, &self.budget()).ok().flatten()
    }

    /// What one rule may do for one event.
    #[must_use]
    pub fn budget(&self) -> Budget {
        Budget::new(self.limits.rule_work)
    }

    /// The session to transfer, or why there is none.
    fn session<'a>(&self, event: &'a Event, given: &Given) -> Result<&'a Session, SkipReason> {
        let session = event.session.as_ref().ok_or(SkipReason::NoSession)?;
        match (self.policy.token, &session.token, &given.token) {
            (TokenMode::Ignored, ..) | (TokenMode::Optional, None, _) | (_, _, TokenVerdict::Assumed) => {}
            (TokenMode::Required, None, _) => return Err(SkipReason::TokenMissing),
            (_, Some(_), TokenVerdict::Verified(id)) if *id == session.id => {}
            (_, Some(_), TokenVerdict::Verified(_)) => return Err(SkipReason::SessionMismatch),
            (_, Some(_), TokenVerdict::Unverified) => return Err(SkipReason::TokenInvalid),
        }
        if session.expires_at.is_some_and(|end| end <= event.at) {
            return Err(SkipReason::SessionExpired);
        }
        let age = session.created_at.map(|created_at| event.at.saturating_sub(created_at));
        if age.zip(self.policy.max_age).is_some_and(|(age, most)| age > most) {
            return Err(SkipReason::SessionTooOld);
        }
        Ok(session)
    }

    fn skipped(&self, event: &Event, reason: SkipReason) -> Decision {
        self.decision(event, Status::Skipped(reason), Vec::new(), Findings::default())
    }

    fn decision(&self, event: &Event, status: Status, mut commands: Vec<Command>, findings: Findings) -> Decision {
        let is_through = status.reason().is_none_or(|reason| reason == SkipReason::AlreadyTransferred);
        if self.policy.clear && is_through && !findings.keep_session() {
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

    /// What can hold the results.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Whether a decision says that the session is no longer needed.
    #[must_use]
    pub fn clears(&self) -> bool {
        self.policy.clear
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

/// The clock of an event. A session does not begin after it; where its beginning is unknown, any time is possible.
fn times(event: &Event, session: &Session) -> Context {
    Context { now: event.at, session_created_at: session.created_at.unwrap_or(0).min(event.at) }
}

fn context(event: &Event, session: &Session, now: Context) -> Json {
    script_context(event.trigger.word(), &event.account_id, &session.id, now, event.context.clone())
}
