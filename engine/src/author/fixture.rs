//! One JSON test case: an event in short form, and what must come of it (contract §3).
//!
//! ```json
//! {
//!   "anonymous": { "preferences": { "theme": "dark", "role": "admin" } },
//!   "user_metadata": { "preferences": { "theme": "light" } },
//!   "expect": {
//!     "status": "transferred",
//!     "user_metadata": { "preferences": { "theme": "dark" } },
//!     "findings": ["drop /preferences/role"]
//!   }
//! }
//! ```
//!
//! What a case leaves out has a default: the trigger is a login, the session three days old. `request` holds a whole
//! request instead, or text that is none. Expected metadata is the account's complete state after the commands;
//! findings are complete unless the last one is `…`. A case that is wrong itself fails with its own code (F001–F011).

use std::sync::Arc;

use crate::decision::{Command, Decision, Finding, Notice, Status};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::event::{Event, Found, Refusal, Session, Sink};
use crate::fate::Action;
use crate::instant;
use crate::json::{Document, Json, Kind, Text, View, same};
use crate::pointer::{self, Pointer};
use crate::receipt;
use crate::ruleset::RuleSet;
use crate::sanitizer::Types;

/// A fixture, read and checked against the rules that it tests.
#[derive(Debug)]
pub struct Fixture {
    file: String,
    document: Arc<Document>,
    /// The webhook's body that the case stands for.
    pub body: Vec<u8>,
    /// Why it does not run.
    pub skip: Option<String>,
}

/// The provider's clock of a case that names none.
const AT: &str = "2026-11-23T10:00:00Z";
const DAY_MILLIS: i64 = 86_400_000;

const MEMBERS: [&str; 13] = [
    "$schema",
    "account_id",
    "anonymous",
    "app_metadata",
    "at",
    "context",
    "expect",
    "request",
    "session",
    "skip",
    "trigger",
    "user_metadata",
    "visible",
];
const EXPECT_MEMBERS: [&str; 7] = ["app_metadata", "code", "commands", "findings", "reason", "status", "user_metadata"];
const STATUSES: [&str; 4] = ["transferred", "unchanged", "skipped", "refused"];

impl Fixture {
    /// Reads a case.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(file: &str, text: &str, rules: &RuleSet) -> Result<Self, Vec<Diagnostic>> {
        let document = Document::read(text.as_bytes())
            .map_err(|error| vec![Diagnostic::unreadable(["F001", "F002"], file, text, error)])?;
        let mut reader = Reader { file, rules, errors: Vec::new() };
        reader.case(document.root());
        let errors = reader.errors;
        if !errors.is_empty() {
            return Err(errors);
        }
        let (body, skip) = (body(document.root()), document.root().get("skip").map(word));
        Ok(Self { file: file.to_owned(), document, body, skip })
    }

    /// The path of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn expect(&self) -> View<'_> {
        self.document.root().get("expect").unwrap_or_else(|| self.document.root())
    }

    /// Compares what came of the event with what the case expects.
    #[must_use]
    pub fn judge(&self, answer: &Result<(Event, Decision), Refusal>, rules: &RuleSet) -> Vec<Diagnostic> {
        let anonymous = self.document.root().get("anonymous").unwrap_or_else(|| self.document.root());
        let mut judge = Judge { file: &self.file, expect: self.expect(), anonymous, failures: Vec::new() };
        match answer {
            Err(refusal) => judge.refused(refusal),
            Ok((event, decision)) => judge.decided(event, decision, rules),
        }
        judge.failures
    }
}

pub(super) fn word(view: View<'_>) -> String {
    view.as_text().map(|text| text.decode().into_owned()).unwrap_or_default()
}

struct Reader<'a> {
    file: &'a str,
    rules: &'a RuleSet,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, view: View<'_>, message: String) {
        self.errors.push(Diagnostic::at_view(code, self.file, view, message));
    }

    fn members(&mut self, view: View<'_>, names: &[&str]) -> bool {
        if view.kind() != Kind::Object {
            self.error("F005", view, "expected an object".to_owned());
            return false;
        }
        for (name, _) in view.named_members() {
            let text = word(name);
            if !names.contains(&text.as_str()) {
                let error = Diagnostic::at_view("F003", self.file, name, format!("unknown member `{text}`"));
                self.errors.push(error.help(suggestion(&text, names)));
            }
        }
        true
    }

    /// Members that would say nothing here.
    fn only(&mut self, object: View<'_>, names: &[&str], here: &str) {
        for (name, _) in object.named_members() {
            let text = word(name);
            if !names.contains(&text.as_str())
                && (MEMBERS.contains(&text.as_str()) || EXPECT_MEMBERS.contains(&text.as_str()))
            {
                self.error("F003", name, format!("`{text}` says nothing {here}"));
            }
        }
    }

    fn kind(&mut self, object: View<'_>, name: &str, kind: Kind) {
        if let Some(view) = object.get(name).filter(|view| view.kind() != kind) {
            self.error("F005", view, format!("expected {} {}", article(kind), kind.word()));
        }
    }

    fn case(&mut self, root: View<'_>) {
        if !self.members(root, &MEMBERS) {
            return;
        }
        for (name, kind) in [
            ("session", Kind::Object),
            ("context", Kind::Object),
            ("account_id", Kind::String),
            ("$schema", Kind::String),
        ] {
            self.kind(root, name, kind);
        }
        if root.get("request").is_some() {
            self.only(root, &["$schema", "expect", "request", "skip"], "beside a whole `request`");
        }
        if let Some(skip) = root.get("skip").filter(|skip| word(*skip).trim().is_empty()) {
            self.error("F010", skip, "a skipped case says why".to_owned());
        }
        if let Some(session) = root.get("session") {
            self.members(session, &["created_at", "expires_at", "id", "session_id", "token"]);
        }
        match root.get("expect") {
            None => self.error("F004", root, "the member `expect` is missing".to_owned()),
            Some(expect) => self.expect(root, expect),
        }
    }

    fn expect(&mut self, root: View<'_>, expect: View<'_>) {
        if !self.members(expect, &EXPECT_MEMBERS) {
            return;
        }
        match expect.get("status") {
            None => self.error("F004", expect, "the member `status` is missing".to_owned()),
            Some(status) if !STATUSES.contains(&word(status).as_str()) => {
                let message = format!("`{}` is no status", word(status));
                let error = Diagnostic::at_view("F011", self.file, status, message);
                self.errors.push(error.help(suggestion(&word(status), &STATUSES)));
            }
            Some(_) => {}
        }
        self.matchers(expect);
        self.kind(expect, "code", Kind::String);
        if expect.get("reason").is_some_and(|reason| !reason.is_null()) {
            self.kind(expect, "reason", Kind::String);
        }
        if expect.get("status").is_some_and(|status| word(status) == "refused") {
            self.only(expect, &["code", "status"], "where the request is refused");
        } else if let Some(code) = expect.get("code") {
            self.error("F003", code, "`code` goes with the status `refused`".to_owned());
        }
        let findings = expect.get("findings");
        if let Some(list) = findings.filter(|list| list.kind() != Kind::Array) {
            self.error("F005", list, "expected a list of findings".to_owned());
        }
        let list: Vec<_> = findings.into_iter().flat_map(View::items).collect();
        for (index, finding) in list.iter().enumerate() {
            if word(*finding) != "…" {
                self.finding(root, *finding);
            } else if index + 1 < list.len() {
                self.error("F007", *finding, "`…` is the last entry, or none".to_owned());
            }
        }
    }

    /// `[rule: ]action pointer`, `[rule: ]keyword`, or `…` at the end.
    fn finding(&mut self, root: View<'_>, view: View<'_>) {
        let text = word(view);
        let expected = Expected::parse(&text);
        if let Some(rule) = expected.rule
            && !self.rules.rules().iter().any(|own| own.name.as_ref() == rule)
        {
            let names: Vec<&str> = self.rules.rules().iter().map(|own| own.name.as_ref()).collect();
            let error = Diagnostic::at_view("F006", self.file, view, format!("no rule `{rule}`"));
            self.errors.push(error.help(suggestion(rule, &names)));
        }
        match expected.place {
            None if Notice::WITHOUT_PLACE.contains(&expected.word) => {}
            Some(pointer) if Action::WORDS.contains(&expected.word) && pointer.starts_with('/') => {
                let metadata = Event::read(&body(root)).ok().and_then(|event| event.session);
                let place = Pointer::parse(pointer).filter(|_| !pointer.contains('*'));
                if let (Some(session), Some(place)) = (metadata, place)
                    && !session.has(&place)
                {
                    self.error("F008", view, format!("the event has no place `{pointer}`"));
                }
            }
            _ => {
                let message = format!("`{text}` is neither an action with a pointer nor a finding's keyword");
                if let Some(place) = expected.place.filter(|_| Action::WORDS.contains(&expected.word)) {
                    let pointer = format!("/{}", place.trim_start_matches('/').replace('.', "/"));
                    let error = Diagnostic::at_view("F007", self.file, view, message);
                    self.errors.push(error.help(format!("write the pointer as `{pointer}`")));
                    return;
                }
                let valid: Vec<_> = Action::WORDS.iter().chain(&Notice::WITHOUT_PLACE).copied().collect();
                let error = Diagnostic::at_view("F007", self.file, view, message);
                self.errors.push(error.help(suggestion(expected.word, &valid)));
            }
        }
    }

    fn matchers(&mut self, view: View<'_>) {
        if let Some((name, value)) = matcher(view) {
            let good = match name.as_str() {
                "$any" => Types::by_word(&word(value)).is_some(),
                "$now" => value.as_bool() == Some(true),
                _ => false,
            };
            if !good {
                let at = view.named_members().next().map_or(view, |(name, _)| name);
                let message = format!("`{name}` is no matcher: `{{\"$any\": \"<type>\"}}` or `{{\"$now\": true}}`");
                self.error("F009", at, message);
            }
            return;
        }
        view.items().chain(view.members().map(|(_, value)| value)).for_each(|child| self.matchers(child));
    }
}

fn article(kind: Kind) -> &'static str {
    if matches!(kind, Kind::Array | Kind::Object) { "an" } else { "a" }
}

/// Whether a value is what a matcher asks for.
pub(super) fn fits(name: &str, value: View<'_>, actual: View<'_>, now: i64) -> bool {
    match name {
        "$any" => Types::by_word(&word(value)).is_some_and(|types| types.allows(actual.kind())),
        _ => instant::read(actual).is_some_and(|time| time.div_euclid(1_000) == now.div_euclid(1_000)),
    }
}

/// An object whose one member begins with `$`.
pub(super) fn matcher(view: View<'_>) -> Option<(String, View<'_>)> {
    let (name, value) = view.members().next().filter(|_| view.len() == 1)?;
    let name = name.decode().into_owned();
    name.starts_with('$').then_some((name, value))
}

/// A finding as a case writes it.
pub(super) struct Expected<'a> {
    rule: Option<&'a str>,
    word: &'a str,
    place: Option<&'a str>,
}

impl<'a> Expected<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        // a rule's name has no space and no slash; a place may hold anything
        let named = text.split_once(": ").filter(|(rule, _)| !rule.contains([' ', '/']));
        let (rule, rest) = named.map_or((None, text), |(rule, rest)| (Some(rule), rest));
        let (word, place) = rest.split_once(' ').map_or((rest, None), |(word, place)| (word, Some(place)));
        Self { rule, word, place }
    }

    pub(super) fn fits(&self, finding: &Finding) -> bool {
        let rule = self.rule.is_none_or(|rule| finding.rule.as_deref() == Some(rule));
        rule && match (&finding.notice, self.place) {
            (Notice::Place(_, action), Some(place)) => action.word() == self.word && finding.pointer == place,
            (Notice::Place(..), None) | (_, Some(_)) => false,
            (notice, None) => notice.keyword() == self.word,
        }
    }
}

/// The webhook's body of a case: a whole request, or one made of the short form and its defaults.
fn body(root: View<'_>) -> Vec<u8> {
    if let Some(request) = root.get("request") {
        // text stands for a body that is no JSON
        return request.as_text().map_or_else(|| request.to_text(), |text| text.decode().into_owned()).into_bytes();
    }
    let or = |name: &str, default: Json| root.get(name).map_or(default, View::to_json);
    let member = |name: &str, value: Json| (Json::text(name), value);
    let at = or("at", Json::text(AT));
    let mut account = vec![
        member("id", or("account_id", Json::text("auth0|fixture"))),
        member("app_metadata", or("app_metadata", Json::Null)),
        member("user_metadata", or("user_metadata", Json::Null)),
    ];
    if let Some(visible) = root.get("visible") {
        account.push(member("visible", visible.to_json()));
    }
    let session = session(root, instant::read(at.view()).unwrap_or(0));
    let request = Json::object(vec![
        member("id", Json::text("tx_fixture")),
        member("trigger", or("trigger", Json::text("login"))),
        member("at", at),
        member("account", Json::object(account)),
        member("anonymous_session", session),
        member("context", or("context", Json::Null)),
    ]);
    request.view().to_text().into_bytes()
}

fn session(root: View<'_>, at: i64) -> Json {
    let session = root.get("session");
    if session.is_none() && root.get("anonymous").is_none() {
        return Json::Null;
    }
    let or = |name: &str, default: Json| {
        let value = session.and_then(|session| session.get(name)).map_or(default, View::to_json);
        (Json::text(name), value)
    };
    let created = at - 3 * DAY_MILLIS;
    Json::object(vec![
        or("id", Json::text("anon@fixture")),
        or("session_id", Json::Null),
        or("created_at", Json::Int(created)),
        or("expires_at", Json::Int(created + 30 * DAY_MILLIS)),
        or("token", Json::Null),
        (Json::text("metadata"), root.get("anonymous").map_or(Json::Null, View::to_json)),
    ])
}

struct Judge<'a> {
    file: &'a str,
    expect: View<'a>,
    /// The case's metadata, or the whole case.
    anonymous: View<'a>,
    failures: Vec<Diagnostic>,
}

impl Judge<'_> {
    fn fail(&mut self, code: &'static str, view: View<'_>, message: String) {
        self.failures.push(Diagnostic::at_view(code, self.file, view, message));
    }

    fn status(&mut self, actual: &str) -> bool {
        let status = self.expect.get("status").unwrap_or(self.expect);
        let holds = word(status) == actual;
        if !holds {
            let expected = word(status);
            self.fail("F021", status, format!("the status is `{actual}`, not `{expected}`"));
        }
        holds
    }

    fn word(&mut self, name: &str, actual: Option<&str>) {
        if let Some(view) = self.expect.get(name)
            && view.as_text().map(|text| text.decode().into_owned()).as_deref() != actual
        {
            self.fail("F021", view, format!("the {name} is `{}`", actual.unwrap_or("null")));
        }
    }

    fn refused(&mut self, refusal: &Refusal) {
        if self.status("refused") {
            self.word("code", Some(refusal.code()));
            return;
        }
        let why = match refusal {
            Refusal::Unreadable(error) => error.message().to_owned(),
            Refusal::Invalid { pointer, expected } => format!("expected {expected} at `{pointer}` of the request"),
        };
        self.fail("F021", self.expect, format!("`{}`: {why}", refusal.code()));
    }

    fn decided(&mut self, event: &Event, decision: &Decision, rules: &RuleSet) {
        self.status(decision.status.word());
        self.word("reason", decision.status.reason().map(crate::decision::SkipReason::word));
        let reads = event.session.as_ref().is_some_and(|session| {
            rules.rules().iter().any(|rule| !matches!(rule.value(event, session), Found::Nothing))
        });
        let metadata = event.session.as_ref().and_then(Session::metadata);
        if !reads && metadata.is_some_and(|metadata| !metadata.is_empty()) && decision.status == Status::Unchanged {
            let names =
                metadata.into_iter().flat_map(View::members).take(3).map(|(name, _)| format!("`/{}`", name.decode()));
            let message = format!("no rule reads {}", names.collect::<Vec<_>>().join(", "));
            self.fail("F031", self.anonymous, message);
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
        // what a failed rule did not write follows from that: one mistake, one failure
        let failed = |one: &Diagnostic| matches!(one.code, "F023" | "F024");
        if self.failures.iter().any(failed) {
            self.failures.retain(failed);
        }
    }

    /// Compares a value with what is expected, and names the first place where they part.
    fn state(&mut self, expected: View<'_>, actual: View<'_>, at: &mut String, now: i64) {
        if let Some((name, value)) = matcher(expected) {
            if !fits(&name, value, actual, now) {
                self.fail("F020", expected, format!("{at} does not match"));
            }
            return;
        }
        match (expected.kind(), actual.kind()) {
            (Kind::Object, Kind::Object) => self.members(expected, actual, at, now),
            (Kind::Array, Kind::Array) => self.items(expected, actual, at, now),
            _ if same(expected, actual) => {}
            _ => self.fail("F020", expected, format!("{at} is {}, not {}", actual.to_text(), expected.to_text())),
        }
    }

    fn members(&mut self, expected: View<'_>, actual: View<'_>, at: &mut String, now: i64) {
        let length = at.len();
        for (name, value) in expected.members() {
            pointer::push(at, &name.decode());
            match actual.get(&name.decode()) {
                Some(actual) => self.state(value, actual, at, now),
                None => self.fail("F020", value, format!("{at} is missing")),
            }
            at.truncate(length);
        }
        let known = |name: Text<'_>| expected.members().any(|(own, _)| own.same(name));
        let more: Vec<_> = actual.members().filter(|(name, _)| !known(*name)).collect();
        for (name, value) in more {
            pointer::push(at, &name.decode());
            self.fail("F020", expected, format!("{at} is {}, and not expected", value.to_text()));
            at.truncate(length);
        }
    }

    fn items(&mut self, expected: View<'_>, actual: View<'_>, at: &mut String, now: i64) {
        let length = at.len();
        for (index, (expected, actual)) in expected.items().zip(actual.items()).enumerate() {
            pointer::push(at, &index.to_string());
            self.state(expected, actual, at, now);
            at.truncate(length);
        }
        if expected.len() != actual.len() {
            self.fail("F020", expected, format!("{at} has {} items, not {}", actual.len(), expected.len()));
        }
    }

    fn findings(&mut self, decision: &Decision) {
        let list = self.expect.get("findings");
        let expected: Vec<_> = list.into_iter().flat_map(View::items).map(|view| (view, word(view))).collect();
        let open = list.is_none() || expected.last().is_some_and(|(_, text)| text == "…");
        let mut left: Vec<_> = decision.findings.iter().collect();
        for (view, text) in expected.iter().filter(|(_, text)| text != "…") {
            let one = Expected::parse(text);
            match left.iter().position(|finding| one.fits(finding)) {
                Some(index) => drop(left.remove(index)),
                None => self.fail("F022", *view, format!("there is no finding `{text}`")),
            }
        }
        for finding in left {
            let code = match finding.notice {
                Notice::ScriptFailed(_) => "F023",
                Notice::BudgetExceeded(_) => "F024",
                _ if open => continue,
                _ => "F022",
            };
            self.fail(code, list.unwrap_or(self.expect), format!("there is a finding `{}", shown(finding)));
        }
    }
}

/// A finding as a case would write it, its closing backtick, and what the author wants to know beside it.
fn shown(finding: &Finding) -> String {
    let rule = finding.rule.as_ref().map(|rule| format!("{rule}: ")).unwrap_or_default();
    match &finding.notice {
        Notice::ScriptFailed(stop) | Notice::BudgetExceeded(stop) => {
            let at = stop.at.as_ref().map(|(file, line, column)| format!(" at {file}:{line}:{column}"));
            let cause = stop.cause.as_ref().map(|cause| format!(": {cause}"));
            format!("{rule}{}`{}{}", finding.notice.keyword(), at.unwrap_or_default(), cause.unwrap_or_default())
        }
        _ => format!("{rule}{}`", short(finding)),
    }
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

/// Cases that are the same but for their names.
#[must_use]
pub fn duplicates(fixtures: &[Fixture]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for (index, fixture) in fixtures.iter().enumerate() {
        let twin = fixtures.iter().take(index).find(|other| same(other.document.root(), fixture.document.root()));
        if let Some(twin) = twin {
            errors.push(Diagnostic::error(
                "F032",
                &fixture.file,
                "",
                0..0,
                format!("the same case as `{}`", twin.file),
            ));
        }
    }
    errors
}
