//! All rules, compiled: an event in, a decision out.
//!
//! [`RuleSet::compile`] reads every file and reports every mistake. [`RuleSet::evaluate`] is total: for each rule it finds
//! the anonymous value, sanitizes it, merges what is left into the account's value and adds a command, unless nothing
//! changed; whatever goes wrong becomes a finding of that rule, and the next one runs.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::budget::TimeIsUp;
use crate::decision::{Command, Decision, Finding, Merged, Notice, SkipReason, Status, sink_bytes};
use crate::diagnostic::Diagnostic;
use crate::event::{Event, Found, Session, Sink};
use crate::json::{Document, Json, Text, View};
use crate::limits::Limits;
use crate::merge::Context;
use crate::policy::{self, Declaration, Files, MergeDeclaration, POLICY_FILE, Policy, SessionPolicy};
use crate::receipt::{self, Receipt};
use crate::rule::{Merge, Outcome, Rule, Surroundings, is_empty};
use crate::sanitizer::{self, Clean, Options, Sanitizer, Unknown};
use crate::script::Sandbox;
use crate::sensitive::Detectors;

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
}

impl RuleSet {
    /// Compiles the files of a policy.
    ///
    /// # Errors
    /// Everything that is wrong, in all files, sorted by file and place.
    pub fn compile(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        let policy = policy::read(files).map_err(|found| errors.extend(found)).ok();
        let limits = policy.as_ref().map_or_else(Limits::default, |policy| policy.limits);
        let mut sandbox = Sandbox::new(&limits);
        if let Err(found) = sandbox.add_modules(&modules(files)) {
            errors.extend(found);
        }
        let rules = match &policy {
            Some(policy) => compile_rules(files, policy, &sandbox, &mut errors),
            None => {
                check_files(files, &sandbox, &mut errors);
                Vec::new()
            }
        };
        errors.sort_by(|a, b| (&a.file, a.start, a.code).cmp(&(&b.file, b.start, b.code)));
        // two schemas may refer to one broken file
        errors.dedup_by(|a, b| (&a.file, a.start, a.code, &a.message) == (&b.file, b.start, b.code, &b.message));
        match policy {
            Some(policy) if errors.is_empty() => Ok(Self {
                name: policy.name.into(),
                digest: digest(files).into(),
                policy: policy.session,
                limits,
                sandbox,
                rules,
            }),
            _ => Err(errors),
        }
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
        let now = Context { now: event.at, session_created_at: session.created_at.min(event.at) };
        let scripted = self.rules.iter().any(|rule| matches!(rule.merge, Merge::Script(_)));
        let context = if scripted { script_context(event, session, now) } else { Json::Null };
        let around = Surroundings {
            sandbox: &self.sandbox,
            context: &context,
            now,
            operations: self.limits.script_operations,
            time_is_up: given.time_is_up.as_ref(),
        };
        let mut run = Run {
            event,
            session,
            around,
            receipt_shown: !self.policy.once || event.is_visible(Sink::App, receipt::ROOT),
            writes: Writes::new(&self.limits, receipt),
            findings,
        };
        self.rules.iter().for_each(|rule| run.rule(rule));
        let Run { mut writes, mut findings, .. } = run;
        // what a failure left behind may still come: all rules of today stay right if the whole hand-over comes again
        if !findings.keep_session() {
            writes.add_receipt();
        }
        note_oversized(event, &writes, &mut findings);
        let status = if writes.commands.is_empty() { Status::Unchanged } else { Status::Transferred };
        self.decision(event, status, writes.commands, findings)
    }

    /// The session to transfer, or why there is none.
    fn session<'a>(&self, event: &'a Event, receipt: Option<&Receipt>) -> Result<&'a Session, SkipReason> {
        let session = event.session.as_ref().ok_or(SkipReason::NoSession)?;
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
            self.merge(rule, &clean);
        }
    }

    fn merge(&mut self, rule: &Rule, clean: &Clean) {
        match rule.merge(self.event.account(rule.sink, &rule.root), clean, self.around) {
            Outcome::Keep => {}
            Outcome::Failed(notice) => self.findings.of_rule(rule, notice),
            Outcome::Write(value) => {
                if let Err(notice) = self.writes.add(rule, value) {
                    self.findings.of_rule(rule, notice);
                }
            }
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

/// What scripts see as `context`.
fn script_context(event: &Event, session: &Session, now: Context) -> Json {
    let member = |name: &str, value: Json| (Json::text(name), value);
    let session = Json::object(vec![
        member("id", Json::text(&session.id)),
        member("created_at", Json::Int(now.session_created_at)),
    ]);
    Json::object(vec![
        member("trigger", Json::text(event.trigger.word())),
        member("now", Json::Int(now.now)),
        member("account_id", Json::text(&event.account_id)),
        member("session", session),
        member("request", event.context.clone()),
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

fn compile_rules(files: &Files, policy: &Policy, sandbox: &Sandbox, errors: &mut Vec<Diagnostic>) -> Vec<Rule> {
    let mut used = vec![POLICY_FILE.to_owned()];
    let mut rules = Vec::new();
    for declaration in &policy.rules {
        let schema_file = format!("{}.schema.json", declaration.name);
        let result_file = format!("{}.result.schema.json", declaration.name);
        let schema = compile_schema(files, &schema_file, options(policy, declaration), errors);
        if files.get(&schema_file).is_none() {
            let message = format!("the rule `{}` has no schema: there is no file `{schema_file}`", declaration.name);
            errors.push(at_rule("P021", files, declaration, message));
        }
        let result = compile_schema(files, &result_file, plain(&policy.limits), errors);
        let merge = compile_merge(files, declaration, sandbox, &mut used, errors);
        for text in [files.get(&schema_file), files.get(&result_file)].into_iter().flatten() {
            for other in sanitizer::references(text, &files.0) {
                if !used.contains(&other) {
                    compile_schema(files, &other, plain(&policy.limits), errors);
                    used.push(other);
                }
            }
        }
        used.extend([schema_file, result_file]);
        if let (Some(sanitizer), Some(merge)) = (schema, merge) {
            rules.push(rule(declaration, sanitizer, result, merge));
        }
    }
    unused(files, &used, errors);
    rules
}

fn rule(declaration: &Declaration, sanitizer: Sanitizer, result: Option<Sanitizer>, merge: Merge) -> Rule {
    Rule {
        name: declaration.name.as_str().into(),
        from: declaration.from.clone(),
        from_text: declaration.from_text.clone(),
        sink: declaration.sink,
        root: declaration.root.clone(),
        on: declaration.on.clone(),
        parse: declaration.parse,
        sanitizer,
        result,
        merge,
    }
}

fn options(policy: &Policy, declaration: &Declaration) -> Options {
    Options {
        unknown: declaration.unknown,
        deny: policy.deny,
        exact_numbers: matches!(declaration.merge, MergeDeclaration::Script(_)),
        storable_names: true,
        bytes_max: declaration.max_bytes,
        ..Options::of(&policy.limits)
    }
}

/// A schema by itself: a result schema asserts what is written there and nothing else.
fn plain(limits: &Limits) -> Options {
    Options { unknown: Unknown::Keep, deny: Detectors::NONE, ..Options::of(limits) }
}

fn compile_schema(files: &Files, file: &str, options: Options, errors: &mut Vec<Diagnostic>) -> Option<Sanitizer> {
    let text = files.get(file)?;
    Sanitizer::compile_among(file, text, &files.0, options).map_err(|found| errors.extend(found)).ok()
}

fn compile_merge(
    files: &Files,
    declaration: &Declaration,
    sandbox: &Sandbox,
    used: &mut Vec<String>,
    errors: &mut Vec<Diagnostic>,
) -> Option<Merge> {
    match &declaration.merge {
        MergeDeclaration::Strategy(strategy) => Some(Merge::Strategy(strategy.clone())),
        MergeDeclaration::Script(file) => {
            used.push(file.clone());
            let script = sandbox.compile(file, files.get(file)?).map_err(|found| errors.extend(found));
            script.ok().map(Merge::Script)
        }
    }
}

/// Without a readable policy, every other file is still checked by itself.
fn check_files(files: &Files, sandbox: &Sandbox, errors: &mut Vec<Diagnostic>) {
    for (file, text) in &files.0 {
        if file.ends_with(".schema.json") {
            compile_schema(files, file, plain(&Limits::default()), errors);
        } else if file.ends_with(".merge.rhai")
            && let Err(found) = sandbox.compile(file, text)
        {
            errors.extend(found);
        }
    }
}

/// Files that no rule reads are a typing error in a name; guards are not built.
fn unused(files: &Files, used: &[String], errors: &mut Vec<Diagnostic>) {
    for file in files.0.keys().filter(|file| !used.contains(file) && !file.starts_with("lib/")) {
        let message = if file.ends_with(".guard.rhai") {
            "guards are not built yet"
        } else if file.ends_with(".json") || file.ends_with(".rhai") {
            "no rule reads this file"
        } else {
            continue;
        };
        errors.push(Diagnostic::error("P023", file, "", 0..0, message.to_owned()));
    }
}

/// A diagnostic at the object of a rule in `policy.json`.
fn at_rule(code: &'static str, files: &Files, declaration: &Declaration, message: String) -> Diagnostic {
    let text = files.get(POLICY_FILE).unwrap_or_default();
    let document = Document::read(text.as_bytes()).ok();
    let rules = document.as_ref().and_then(|document| document.root().get("rules"));
    let named =
        |rule: &View<'_>| rule.get("name").and_then(View::as_text).is_some_and(|name| name.is(&declaration.name));
    match rules.and_then(|rules| rules.items().find(named)).and_then(View::place) {
        Some(place) => Diagnostic::at(code, POLICY_FILE, place, message),
        None => Diagnostic::error(code, POLICY_FILE, text, 0..0, message),
    }
}

/// The modules of `lib/`, by the name that scripts import.
fn modules(files: &Files) -> Vec<(String, String, String)> {
    let libraries = files.0.iter().filter_map(|(file, text)| {
        let name = file.strip_suffix(".rhai").filter(|name| name.starts_with("lib/"))?;
        Some((name.to_owned(), file.clone(), text.clone()))
    });
    libraries.collect()
}

/// SHA-256 over every file's path and text, each with its length before it, in the order of the paths.
fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    for part in files.0.iter().flat_map(|(path, text)| [path, text]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("sha256:{:x}", hash.finalize())
}
