//! Compares what came of a case with what it expects (contract §3).

use super::fixture::{Expected, Fixture, matcher};
use crate::decision::{Command, Decision, Finding, Notice, ScriptStop, SkipReason, Status};
use crate::diagnostic::{Code, Diagnostic, FixtureProblem, Help, Span, nearest, suggestion};
use crate::event::{Event, Found, Refusal, Session, Sink};
use crate::guard::Operation;
use crate::instant;
use crate::json::{Document, Json, Kind, Text, View, same};
use crate::merge::{Key, Part};
use crate::pointer::{self, Pointer};
use crate::receipt;
use crate::rule::Rule;
use crate::ruleset::RuleSet;
use crate::sanitizer::Types;
use crate::script::{GuardFailure, Verdict};

/// Compares what came of the event with what the case expects.
#[must_use]
pub fn judge(fixture: &Fixture, answer: &Result<(Event, Decision), Refusal>, rules: &RuleSet) -> Vec<Diagnostic> {
    let case = fixture.document.root();
    let anonymous = case.get("anonymous").unwrap_or(case);
    let keys = rules.rules().iter().flat_map(Rule::keys).collect();
    let mut judge = Judge {
        file: &fixture.file,
        case,
        expect: fixture.expect(),
        anonymous,
        keys,
        failures: Vec::new(),
        refusals: Vec::new(),
    };
    match answer {
        Err(refusal) => judge.refused(refusal),
        Ok((event, decision)) => judge.decided(event, decision, rules),
    }
    judge.failures
}

/// Asks the guard of a guard's case, and compares what it says with what the case expects; nothing, if the case is another.
#[must_use]
pub fn judge_guard(fixture: &Fixture, rules: &RuleSet) -> Option<Vec<Diagnostic>> {
    let verdict = authorize(fixture, rules)?;
    let expect = fixture.expect();
    let case = fixture.document.root();
    let mut judge = Judge {
        file: &fixture.file,
        case,
        expect,
        anonymous: expect,
        keys: Vec::new(),
        failures: Vec::new(),
        refusals: Vec::new(),
    };
    if let Some(failure) = &verdict.failure
        && expect.get("reason").is_none_or(|reason| reason.word() != failure.word())
    {
        let (operation, _) = fixture.operation()?;
        judge.undecided(failure, &operation, rules);
        return Some(judge.failures);
    }
    judge.word("outcome", Some(verdict.outcome));
    if !judge.failures.is_empty() {
        // why, and what is missing, follows from that
        return Some(judge.failures);
    }
    judge.word("reason", Some(&verdict.reason));
    if let Some(expected) = expect.get("fields") {
        let fields = Json::list(verdict.fields.iter().map(|field| Json::text(field)).collect());
        judge.state(expected, fields.view(), &mut "/fields".to_owned(), 0);
    }
    Some(judge.failures)
}

/// What a guard says of a guard's case; the caller is anonymous, unless the case has its token's claims.
#[must_use]
pub fn authorize(fixture: &Fixture, rules: &RuleSet) -> Option<Verdict> {
    let (name, asked) = fixture.operation()?;
    let anonymous = Json::object(vec![(Json::text("sub"), Json::text("anon|1"))]);
    let token = asked.get("token").filter(|token| !token.is_null()).unwrap_or_else(|| anonymous.view());
    Some(rules.authorize(Operation { name: &name, body: asked.get("body"), token }))
}

struct Judge<'a> {
    file: &'a str,
    case: View<'a>,
    expect: View<'a>,
    /// The case's metadata, or the whole case.
    anonymous: View<'a>,
    /// The keys by which rules tell items apart.
    keys: Vec<Key>,
    failures: Vec<Diagnostic>,
    /// Which of them are findings of rules that failed.
    refusals: Vec<usize>,
}

/// Whether a key tells the items of a list apart: each has some member of it, no matcher stands for one, and no two are alike.
fn tells_apart(key: &Key, list: View<'_>) -> bool {
    let items: Vec<_> = list.items().collect();
    let is_matched = |item: &View<'_>| {
        let part = |part: &Part| part.path.iter().try_fold(*item, |value, name| value.get(name));
        key.0.iter().filter_map(part).any(|part| matcher(part).is_some())
    };
    let is_alone = |(at, item): (usize, &View<'_>)| !items.iter().skip(at + 1).any(|other| key.is_same(*item, *other));
    items.iter().all(|item| key.names(*item) && !is_matched(item)) && items.iter().enumerate().all(is_alone)
}

impl Judge<'_> {
    fn fail(&mut self, view: View<'_>, problem: FixtureProblem) {
        self.failures.push(Diagnostic::new(Span::at_view(self.file, view), problem));
    }

    /// No guard decided, and the case does not say that none does.
    fn undecided(&mut self, failure: &GuardFailure, operation: &str, rules: &RuleSet) {
        let at = self.expect.get("outcome").unwrap_or(self.expect);
        let (guard, finding) = (format!("{operation}.guard.rhai"), failure.word().to_owned());
        let cause = |stop: &ScriptStop| {
            let place = stop.at.as_ref().map_or_else(|| guard.clone(), |(file, line, _)| format!("{file}:{line}"));
            format!(" at {place}{}", cause(stop))
        };
        let problem = match failure {
            GuardFailure::NoGuard => {
                let names: Vec<&str> = rules.guards().iter().map(|guard| &*guard.operation).collect();
                let help = Some(suggestion(operation, &names));
                let asked_for = self.case.get("authorize").and_then(|asked| asked.get("operation"));
                return self
                    .fail(asked_for.unwrap_or(at), FixtureProblem::NoSuchGuard { name: operation.to_owned(), help });
            }
            GuardFailure::Script(stop) => FixtureProblem::GuardFailed { finding, cause: cause(stop) },
            GuardFailure::Budget(stop) => FixtureProblem::GuardOverran { finding, cause: cause(stop) },
        };
        self.fail(at, problem);
    }

    /// The state differs at `at`.
    fn differs(&mut self, at: &str, view: View<'_>, how: impl Into<String>) {
        let problem = FixtureProblem::StateDiffers { place: at.to_owned(), how: how.into() };
        let failure = Diagnostic::new(Span::at_view(self.file, view), problem);
        self.failures.push(Diagnostic { pointer: Some(at.to_owned()), ..failure });
    }

    /// Compares the status; where it differs, `help` says what was decided.
    fn status(&mut self, actual: &str, help: Option<Help>) -> bool {
        let status = self.expect.get("status").unwrap_or(self.expect);
        let holds = status.word() == actual;
        if !holds {
            let (actual, expected) = (actual.to_owned(), status.word());
            self.fail(status, FixtureProblem::StatusDiffers { actual, expected, help });
        }
        holds
    }

    fn word(&mut self, name: &str, actual: Option<&str>) {
        if let Some(view) = self.expect.get(name)
            && view.as_text().map(|text| text.decode().into_owned()).as_deref() != actual
        {
            let (name, actual) = (name.to_owned(), actual.unwrap_or("null").to_owned());
            self.fail(view, FixtureProblem::WordDiffers { name, actual, expected: view.word() });
        }
    }

    fn refused(&mut self, refusal: &Refusal) {
        if self.status("refused", None) {
            self.word("code", Some(refusal.code()));
            return;
        }
        // what no request may hold is the case's own mistake, where it was not meant
        self.failures.clear();
        match refusal {
            Refusal::Unreadable(error) => self.fail(self.case, FixtureProblem::NotJson { message: error.message() }),
            Refusal::Invalid { pointer, expected } => {
                let view = written(self.case, pointer).unwrap_or(self.case);
                let name = pointer.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned);
                let is_text = view.kind() == Kind::String;
                let not = if is_text { format!(", not `{}`", view.word()) } else { String::new() };
                let what = format!("{expected}{not}");
                let problem = match name {
                    Some(name) if pointer == "/trigger" && is_text => {
                        FixtureProblem::WrongWord { name, expected: (*expected).to_owned(), word: view.word() }
                    }
                    Some(name) => FixtureProblem::Takes { name, what },
                    None => FixtureProblem::Expected { what },
                };
                self.fail(view, problem);
            }
        }
    }

    fn decided(&mut self, event: &Event, decision: &Decision, rules: &RuleSet) {
        self.status(decision.status.word(), Some(commands(decision).into()));
        self.word("reason", decision.status.reason().map(SkipReason::word));
        let reads = event.session.as_ref().is_some_and(|session| {
            // one that does not run on this trigger reads it on another
            rules.rules().iter().any(|rule| !matches!(rule.found(session), Found::Nothing))
        });
        let metadata = event.session.as_ref().and_then(Session::metadata);
        if !reads && metadata.is_some_and(|metadata| !metadata.is_empty()) && decision.status == Status::Unchanged {
            let names =
                metadata.into_iter().flat_map(View::members).take(3).map(|(name, _)| format!("`/{}`", name.decode()));
            let names: Vec<_> = names.collect();
            let roots: Vec<&str> = rules.rules().iter().map(|rule| rule.from_text.as_str()).collect();
            let near = names.iter().find_map(|name| nearest(name.trim_matches('`'), &roots));
            let help = near.map(Help::did_you_mean);
            self.fail(self.anonymous, FixtureProblem::Unread { pointers: names.join(", "), help });
        }
        for sink in [Sink::App, Sink::User] {
            if let Some(expected) = self.expect.get(sink.word()) {
                let state = compared(expected, event, decision, sink);
                self.state(expected, state.view(), &mut format!("/{}", sink.word()), event.at);
            }
        }
        if let Some(expected) = self.expect.get("commands") {
            let answer = Document::read(&decision.to_bytes()).ok();
            let commands = answer.as_ref().and_then(|answer| answer.root().get("commands"));
            if let Some(commands) = commands {
                self.state(expected, commands, &mut "/commands".to_owned(), event.at);
            }
        }
        self.findings(decision);
        // what a rule did not write that failed, or that nobody asked, follows from that: one mistake, one failure
        for cause in [&[Code::F031][..], &[Code::F023, Code::F024], &[Code::F022]] {
            let refusals = self.refusals.clone();
            let is_cause = |index: usize, one: &Diagnostic| {
                cause.contains(&one.code) && (one.code != Code::F022 || refusals.contains(&index))
            };
            let causes: Vec<usize> = (0..)
                .zip(&self.failures)
                .filter(|(index, one)| is_cause(*index, one))
                .map(|(index, _)| index)
                .collect();
            if !causes.is_empty() {
                let mut index = 0..;
                self.failures.retain(|_| index.next().is_some_and(|index| causes.contains(&index)));
                return;
            }
        }
    }

    /// Compares a value with what is expected, and names the first place where they part.
    fn state(&mut self, expected: View<'_>, actual: View<'_>, at: &mut String, now: i64) {
        if let Some((name, value)) = matcher(expected) {
            if !fits(&name, value, actual, now) {
                self.differs(at, expected, "does not match");
            }
            return;
        }
        match (expected.kind(), actual.kind()) {
            (Kind::Object, Kind::Object) => self.members(expected, actual, at, now),
            (Kind::Array, Kind::Array) => self.items(expected, actual, at, now),
            _ if same(expected, actual) => {}
            _ => self.differs(at, expected, format!("is {}, not {}", actual.to_text(), expected.to_text())),
        }
    }

    fn members(&mut self, expected: View<'_>, actual: View<'_>, at: &mut String, now: i64) {
        let length = at.len();
        for (name, value) in expected.members() {
            pointer::push(at, &name.decode());
            match actual.get(&name.decode()) {
                Some(actual) => self.state(value, actual, at, now),
                None => self.differs(at, value, "is missing"),
            }
            at.truncate(length);
        }
        let known = |name: Text<'_>| expected.members().any(|(own, _)| own.same(name));
        let more: Vec<_> = actual.members().filter(|(name, _)| !known(*name)).collect();
        for (name, value) in more {
            pointer::push(at, &name.decode());
            self.differs(at, expected, format!("is {}, and not expected", value.to_text()));
            at.truncate(length);
        }
    }

    fn items(&mut self, expected: View<'_>, actual: View<'_>, at: &mut String, now: i64) {
        let key = self.keys.iter().find(|key| tells_apart(key, expected) && tells_apart(key, actual)).cloned();
        if let Some(key) = key.filter(|_| !expected.is_empty() && !actual.is_empty()) {
            return self.keyed_items(expected, actual, &key, at, now);
        }
        let length = at.len();
        for (index, (expected, actual)) in expected.items().zip(actual.items()).enumerate() {
            pointer::push(at, &index.to_string());
            self.state(expected, actual, at, now);
            at.truncate(length);
        }
        if expected.len() != actual.len() {
            self.differs(at, expected, format!("has {} items, not {}", actual.len(), expected.len()));
        }
    }

    /// Lists whose items have keys: each is compared with the one of the same key.
    fn keyed_items(&mut self, expected: View<'_>, actual: View<'_>, key: &Key, at: &mut String, now: i64) {
        let (length, before) = (at.len(), self.failures.len());
        let mut places = Vec::new();
        for (index, item) in expected.items().enumerate() {
            pointer::push(at, &index.to_string());
            let own = actual.items().enumerate().find(|(_, own)| key.is_same(item, *own));
            match own {
                Some((place, actual)) => {
                    places.push(place);
                    self.state(item, actual, at, now);
                }
                None => self.differs(at, item, "is missing"),
            }
            at.truncate(length);
        }
        for (index, item) in actual.items().enumerate().filter(|(index, _)| !places.contains(index)) {
            pointer::push(at, &index.to_string());
            self.differs(at, expected, format!("is {}, and not expected", item.to_text()));
            at.truncate(length);
        }
        if self.failures.len() == before && !places.is_sorted() {
            self.differs(at, expected, "has these items in another order");
        }
    }

    fn findings(&mut self, decision: &Decision) {
        let list = self.expect.get("findings");
        let expected: Vec<_> = list.into_iter().flat_map(View::items).map(|view| (view, view.word())).collect();
        let open = list.is_none() || expected.last().is_some_and(|(_, text)| text == "…");
        let mut left: Vec<_> = decision.findings.iter().collect();
        for (view, text) in expected.iter().filter(|(_, text)| text != "…") {
            let one = Expected::parse(text);
            match left.iter().position(|finding| one.fits(finding)) {
                Some(index) => drop(left.remove(index)),
                None => self.fail(*view, FixtureProblem::MissingFinding { text: text.clone() }),
            }
        }
        for finding in left {
            let rule = finding.rule.as_ref().map(|rule| format!("{rule}: ")).unwrap_or_default();
            let shown = format!("{rule}{}", short(finding));
            let problem = match &finding.notice {
                // a rule that observes is as if it were not there
                _ if finding.is_observed => continue,
                Notice::ScriptFailed(stop) => FixtureProblem::ScriptFailed { finding: shown, cause: cause(stop) },
                Notice::BudgetExceeded(stop) => FixtureProblem::BudgetExceeded { finding: shown, cause: cause(stop) },
                _ if open => continue,
                _ => FixtureProblem::UnexpectedFinding { finding: shown },
            };
            if finding.notice.is_a_failure_of_the_rule() {
                self.refusals.push(self.failures.len());
            }
            self.fail(list.unwrap_or(self.expect), problem);
        }
    }
}

/// The commands of a decision, without their values.
fn commands(decision: &Decision) -> String {
    let written = decision.commands.iter().map(|command| match command {
        Command::Set { sink, key, .. } => format!("set {}.{key}", sink.word()),
        Command::SetReceipt(_) => format!("set {}.{}", Sink::App.word(), receipt::ROOT),
        Command::ClearAnonymousSession => "clear_anonymous_session".to_owned(),
    });
    let written: Vec<_> = written.collect();
    if written.is_empty() {
        "the decision has no command".to_owned()
    } else {
        format!("commands: {}", written.join(", "))
    }
}

/// Where a case writes what stands at a place of its request.
fn written<'a>(case: View<'a>, pointer: &str) -> Option<View<'a>> {
    if let Some(request) = case.get("request") {
        return Pointer::parse(pointer)?.get(request);
    }
    let own = match pointer.strip_prefix("/account/") {
        Some("id") => "/account_id".to_owned(),
        Some(rest) => format!("/{rest}"),
        None => pointer.replacen("/anonymous_session/metadata", "/anonymous", 1).replacen(
            "/anonymous_session",
            "/session",
            1,
        ),
    };
    Pointer::parse(&own)?.get(case)
}

/// Why a script stopped, behind the finding's name.
fn cause(stop: &ScriptStop) -> String {
    stop.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// A finding as a case writes it where one rule may have it.
pub(super) fn short(finding: &Finding) -> String {
    match &finding.notice {
        Notice::Place(_, action) => format!("{} {}", action.word(), finding.pointer),
        notice => notice.keyword().to_owned(),
    }
}

/// An object without one of its members.
#[must_use]
pub fn without(object: Json, name: &str) -> Json {
    let is_it = |own: &Json| own.view().as_text().is_some_and(|own| own.is(name));
    Json::object(object.into_members().into_iter().filter(|(own, _)| !is_it(own)).collect())
}

/// One of the account's metadata objects after the commands.
fn state(event: &Event, decision: &Decision, sink: Sink) -> Json {
    let mut members = event.metadata(sink).clone().into_members();
    for command in &decision.commands {
        let (key, value) = match command {
            Command::Set { sink: own, key, value } if *own == sink => (key.as_str(), value.json().clone()),
            Command::SetReceipt(receipt) if sink == Sink::App => (receipt::ROOT, receipt.to_json()),
            _ => continue,
        };
        let is_it = |name: &Json| name.view().as_text().is_some_and(|name| name.is(key));
        match members.iter_mut().find(|(name, _)| is_it(name)) {
            Some((_, slot)) => *slot = value,
            None => members.push((Json::text(key), value)),
        }
    }
    Json::object(members)
}

/// The same as a case compares it: the receipt is left out, unless the case names it.
pub(super) fn compared(expected: View<'_>, event: &Event, decision: &Decision, sink: Sink) -> Json {
    let state = state(event, decision, sink);
    let is_left_out = sink == Sink::App && expected.get(receipt::ROOT).is_none();
    if is_left_out { without(state, receipt::ROOT) } else { state }
}

/// The account after a decision: both metadata objects.
#[must_use]
pub fn after(event: &Event, decision: &Decision) -> [Json; 2] {
    [state(event, decision, Sink::App), state(event, decision, Sink::User)]
}

/// Whether a value is what a matcher asks for.
pub(super) fn fits(name: &str, value: View<'_>, actual: View<'_>, now: i64) -> bool {
    match name {
        "$any" => Types::by_word(&value.word()).is_some_and(|types| types.allows(actual.kind())),
        _ => instant::read(actual).is_some_and(|time| time.div_euclid(1_000) == now.div_euclid(1_000)),
    }
}
