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

use crate::decision::{Finding, Notice, SkipReason};
use crate::diagnostic::{Code, Diagnostic, FixtureProblem, Help, Problem, Span, nearest, suggestion};
use crate::event::{Event, Session};
use crate::fate::Action;
use crate::instant;
use crate::json::{Document, Json, Kind, View, same};
use crate::pointer::{self, Pointer};
use crate::rule::Rule;
use crate::ruleset::{Given, RuleSet, TokenVerdict};
use crate::sanitizer::Types;
use crate::script::Verdict;

/// A fixture, read and checked against the rules that it tests.
#[derive(Debug)]
pub struct Fixture {
    pub(super) file: String,
    pub(super) document: Arc<Document>,
    /// The webhook's body that the case stands for.
    pub body: Vec<u8>,
    /// What becomes of its session's token: claims are those of one that verified, text is one that does not, and where a case
    /// says nothing, the session counts as one whose token verified.
    pub given: Given,
    /// Why it does not run.
    pub skip: Option<String>,
}

/// The provider's clock of a case that names none.
const AT: &str = "2026-11-23T10:00:00Z";
const DAY_MILLIS: i64 = 86_400_000;

const MEMBERS: [&str; 14] = [
    "$schema",
    "account_id",
    "anonymous",
    "app_metadata",
    "at",
    "authorize",
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
            .map_err(|error| vec![Diagnostic::unreadable([Code::F001, Code::F002], file, text, error)])?;
        let mut reader = Reader { file, rules, errors: Vec::new() };
        reader.case(document.root());
        let errors = reader.errors;
        if !errors.is_empty() {
            return Err(errors);
        }
        let root = document.root();
        let (body, given, skip) = (body(root), given(root), root.get("skip").map(View::word));
        Ok(Self { file: file.to_owned(), document, body, given, skip })
    }

    /// The path of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What a guard is asked, where the case is a guard's.
    #[must_use]
    pub fn operation(&self) -> Option<(String, View<'_>)> {
        let asked = self.document.root().get("authorize")?;
        Some((asked.get("operation")?.word(), asked))
    }

    pub(super) fn expect(&self) -> View<'_> {
        self.document.root().get("expect").unwrap_or_else(|| self.document.root())
    }
}

struct Reader<'a> {
    file: &'a str,
    rules: &'a RuleSet,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(&mut self, view: View<'_>, problem: FixtureProblem) {
        self.errors.push(Diagnostic::new(Span::at_view(self.file, view), problem));
    }

    fn members(&mut self, view: View<'_>, names: &[&str]) -> bool {
        if view.kind() != Kind::Object {
            self.error(view, FixtureProblem::Expected { what: "an object".to_owned() });
            return false;
        }
        for (name, _) in view.named_members() {
            let text = name.word();
            if !names.contains(&text.as_str()) {
                let help = Some(suggestion(&text, names));
                self.error(name, FixtureProblem::UnknownMember { name: text, help });
            }
        }
        true
    }

    /// Members that would say nothing here.
    fn only(&mut self, object: View<'_>, names: &[&str], place: &'static str) {
        for (name, _) in object.named_members() {
            let text = name.word();
            if !names.contains(&text.as_str())
                && (MEMBERS.contains(&text.as_str()) || EXPECT_MEMBERS.contains(&text.as_str()))
            {
                self.error(name, FixtureProblem::NoEffect { name: text, place });
            }
        }
    }

    /// A member that must be there, and whose name was not merely mistyped.
    fn missing(&mut self, object: View<'_>, name: &str) {
        let is_meant = |error: &Diagnostic| {
            let Problem::Fixture(FixtureProblem::UnknownMember { help: Some(help), .. }) = &error.problem else {
                return false;
            };
            help.replacement() == Some(name)
        };
        if !self.errors.iter().any(is_meant) {
            self.error(object, FixtureProblem::Missing { name: name.to_owned() });
        }
    }

    fn kind(&mut self, object: View<'_>, name: &str, kind: Kind) {
        if let Some(view) = object.get(name).filter(|view| view.kind() != kind && !view.is_null()) {
            let what = format!("{} {}", article(kind), kind.word());
            self.error(view, FixtureProblem::Takes { name: name.to_owned(), what });
        }
    }

    /// A guard's case: an operation, and what may come of it.
    fn guarded(&mut self, root: View<'_>, asked: View<'_>) {
        self.members(root, &["$schema", "authorize", "expect", "skip"]);
        if self.members(asked, &["body", "operation", "token"]) {
            match asked.get("operation") {
                None => self.missing(asked, "operation"),
                Some(_) => self.kind(asked, "operation", Kind::String),
            }
            self.claims(asked);
        }
        let Some(expect) = root.get("expect") else { return self.missing(root, "expect") };
        if !self.members(expect, &["fields", "outcome", "reason"]) {
            return;
        }
        match expect.get("outcome") {
            None => self.missing(expect, "outcome"),
            Some(outcome) => self.one_of(outcome, "outcome", &Verdict::WORDS),
        }
        self.kind(expect, "reason", Kind::String);
        self.kind(expect, "fields", Kind::Array);
    }

    /// A token's claims: every one that verifies has a subject.
    fn claims(&mut self, holder: View<'_>) {
        self.kind(holder, "token", Kind::Object);
        if let Some(token) = holder.get("token").filter(|token| token.kind() == Kind::Object) {
            match token.get("sub") {
                None => self.missing(token, "sub"),
                Some(sub) if sub.word().is_empty() || sub.kind() != Kind::String => {
                    let (name, what) = ("sub".to_owned(), "a string that is not empty".to_owned());
                    self.error(sub, FixtureProblem::Takes { name, what });
                }
                Some(_) => {}
            }
        }
    }

    fn case(&mut self, root: View<'_>) {
        if let Some(asked) = root.get("authorize") {
            self.skipped(root);
            return self.guarded(root, asked);
        }
        if !self.members(root, &MEMBERS) {
            return;
        }
        if root.get("request").is_some() {
            self.only(root, &["$schema", "expect", "request", "skip"], "beside a whole `request`");
        }
        self.skipped(root);
        self.inputs(root);
        if let Some(session) = root.get("session").filter(|session| session.kind() == Kind::Object) {
            self.members(session, &["created_at", "expires_at", "id", "session_id", "token"]);
            if session.get("token").is_some_and(|token| token.kind() != Kind::String) {
                self.claims(session);
            }
        }
        match root.get("expect") {
            None => self.missing(root, "expect"),
            Some(expect) => self.expect(root, expect),
        }
    }

    fn skipped(&mut self, root: View<'_>) {
        if let Some(skip) = root.get("skip").filter(|skip| skip.word().trim().is_empty()) {
            self.error(skip, FixtureProblem::SkipWithoutReason);
        }
    }

    /// What the event is made of, where a request with it would say nothing of the case.
    fn inputs(&mut self, root: View<'_>) {
        let is_refused =
            root.get("expect").and_then(|expect| expect.get("status")).is_some_and(|one| one.word() == "refused");
        if is_refused {
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
        if let Some(trigger) = root.get("trigger").filter(|trigger| trigger.kind() == Kind::String) {
            self.one_of(trigger, "trigger", &["login", "signup"]);
        }
        if let Some(anonymous) = root.get("anonymous")
            && let Some(name) = stray_matcher(anonymous)
        {
            self.error(name, FixtureProblem::StrayMatcher { name: name.word() });
        }
        for root in root.get("visible").into_iter().flat_map(View::items) {
            let text = root.word();
            let (object, name) = text.split_once('.').unwrap_or((&text, ""));
            let whole = ["app_metadata", "user_metadata"].map(|own| format!("{own}.{name}"));
            let whole = whole.each_ref().map(String::as_str);
            if !["app_metadata", "user_metadata"].contains(&object) {
                self.one_of_as(root, &text, &whole, "root of a metadata object");
            }
        }
    }

    /// A text that is one of these words.
    fn one_of(&mut self, view: View<'_>, name: &str, words: &[&str]) {
        self.one_of_as(view, &view.word(), words, name);
    }

    fn one_of_as(&mut self, view: View<'_>, word: &str, words: &[&str], what: &str) {
        if !words.contains(&word) {
            let (word, what, help) = (word.to_owned(), what.to_owned(), Some(suggestion(word, words)));
            self.error(view, FixtureProblem::UnknownWord { word, what, help });
        }
    }

    fn expect(&mut self, root: View<'_>, expect: View<'_>) {
        if !self.members(expect, &EXPECT_MEMBERS) {
            return;
        }
        match expect.get("status") {
            None => self.missing(expect, "status"),
            Some(status) => self.one_of(status, "status", &STATUSES),
        }
        self.matchers(expect);
        self.kind(expect, "code", Kind::String);
        if expect.get("reason").is_some_and(|reason| !reason.is_null()) {
            self.kind(expect, "reason", Kind::String);
            if let Some(reason) = expect.get("reason").filter(|reason| reason.kind() == Kind::String) {
                self.one_of(reason, "reason", &SkipReason::WORDS);
            }
        }
        if expect.get("status").is_some_and(|status| status.word() == "refused") {
            self.only(expect, &["code", "status"], "where the request is refused");
        } else if let Some(code) = expect.get("code") {
            self.error(code, FixtureProblem::CodeNeedsRefused);
        }
        let findings = expect.get("findings");
        if let Some(list) = findings.filter(|list| list.kind() != Kind::Array) {
            self.error(list, FixtureProblem::Expected { what: "a list of findings".to_owned() });
        }
        let list: Vec<_> = findings.into_iter().flat_map(View::items).collect();
        for (index, finding) in list.iter().enumerate() {
            if finding.word() != "…" {
                self.finding(root, *finding);
            } else if index + 1 < list.len() {
                self.error(*finding, FixtureProblem::EllipsisNotLast);
            }
        }
    }

    /// Whether a rule that reads an object declares a member that it lacks: then the default may stand there.
    fn may_fill(&self, session: &Session, place: &Pointer, pointer: &str) -> bool {
        let object = pointer.rsplit_once('/').and_then(|(object, _)| Pointer::parse(object));
        let declares =
            |rule: &Rule, name: &str| place.tokens().starts_with(rule.from.tokens()) && rule.sanitizer.declares(name);
        object.is_some_and(|object| session.has(&object))
            && place.tokens().last().is_some_and(|name| self.rules.rules().iter().any(|rule| declares(rule, name)))
    }

    /// `[rule: ]action pointer`, `[rule: ]keyword`, or `…` at the end.
    fn finding(&mut self, root: View<'_>, view: View<'_>) {
        let text = view.word();
        let expected = Expected::parse(&text);
        if let Some(rule) = expected.rule
            && !self.rules.rules().iter().any(|own| own.name.as_ref() == rule)
        {
            let names: Vec<&str> = self.rules.rules().iter().map(|own| own.name.as_ref()).collect();
            let (rule, help) = (rule.to_owned(), Some(suggestion(rule, &names)));
            self.error(view, FixtureProblem::NoSuchRule { rule, help });
        }
        match expected.place {
            None if Notice::WITHOUT_PLACE.contains(&expected.word) => {}
            Some(pointer) if Action::WORDS.contains(&expected.word) && pointer.starts_with('/') => {
                let metadata = Event::read(&body(root), self.rules.provider()).ok().and_then(|event| event.session);
                let place = Pointer::parse(pointer).filter(|_| !pointer.contains('*'));
                if let (Some(session), Some(place)) = (metadata, place)
                    && !session.has(&place)
                    && !(expected.word == "default" && self.may_fill(&session, &place, pointer))
                {
                    let near = session.metadata().and_then(|metadata| near_place(metadata, pointer));
                    let help = near.map(|near| Help::did_you_mean(&text.replacen(pointer, &near, 1)));
                    self.error(view, FixtureProblem::NoPlace { pointer: pointer.to_owned(), help });
                }
            }
            _ => {
                if let Some(place) = expected.place.filter(|_| Action::WORDS.contains(&expected.word)) {
                    let last = place.rsplit(' ').next().unwrap_or(place);
                    let pointer = format!("/{}", last.trim_start_matches('/').replace('.', "/"));
                    let help = Some(Help::from(format!("write the pointer as `{pointer}`")));
                    return self.error(view, FixtureProblem::NoFinding { text, help });
                }
                let valid: Vec<_> = Action::WORDS.iter().chain(&Notice::WITHOUT_PLACE).copied().collect();
                // an action is written with its place
                let help = match nearest(expected.word, &valid) {
                    Some(near) if expected.place.is_some() => {
                        Help::did_you_mean(&text.replacen(expected.word, near, 1))
                    }
                    Some(near) if near == expected.word => {
                        format!("write `{near} /…`, the place in the metadata").into()
                    }
                    _ => suggestion(expected.word, &valid),
                };
                self.error(view, FixtureProblem::NoFinding { text: text.clone(), help: Some(help) });
            }
        }
    }

    fn matchers(&mut self, view: View<'_>) {
        if let Some((name, value)) = matcher(view) {
            let good = match name.as_str() {
                "$any" => Types::by_word(&value.word()).is_some(),
                "$now" => value.as_bool() == Some(true),
                _ => false,
            };
            let at = view.named_members().next().map_or(view, |(name, _)| name);
            match name.as_str() {
                _ if good => {}
                "$any" => {
                    let word = value.word();
                    let help = Some(suggestion(&word, &Types::WORDS));
                    self.error(value, FixtureProblem::AnyTakesType { word, help });
                }
                "$now" => self.error(value, FixtureProblem::MatcherTakesTrue { name }),
                _ => self.error(at, FixtureProblem::UnknownMatcher { name }),
            }
            return;
        }
        view.items().chain(view.members().map(|(_, value)| value)).for_each(|child| self.matchers(child));
    }
}

fn article(kind: Kind) -> &'static str {
    if matches!(kind, Kind::Array | Kind::Object) { "an" } else { "a" }
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
    pub(super) place: Option<&'a str>,
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
pub(super) fn body(root: View<'_>) -> Vec<u8> {
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
    let token = session.and_then(|session| session.get("token"));
    // claims have no token here; whoever verifies one is not asked
    let token =
        token.map_or(
            Json::Null,
            |token| if token.kind() == Kind::Object { Json::text("verified") } else { token.to_json() },
        );
    Json::object(vec![
        or("id", Json::text("anon@fixture")),
        or("session_id", Json::Null),
        or("created_at", Json::Int(created)),
        or("expires_at", Json::Int(created + 30 * DAY_MILLIS)),
        (Json::text("token"), token),
        (Json::text("metadata"), root.get("anonymous").map_or(Json::Null, View::to_json)),
    ])
}

fn given(root: View<'_>) -> Given {
    let place = if root.get("request").is_some() { "/request/anonymous_session/token" } else { "/session/token" };
    let token = Pointer::parse(place).and_then(|place| place.get(root));
    let subject = token.and_then(|token| token.get("sub")).map(View::word);
    Given {
        token: match (token, subject) {
            (None, _) => TokenVerdict::Assumed,
            (Some(_), Some(subject)) => TokenVerdict::Verified(subject),
            (Some(_), None) => TokenVerdict::Unverified,
        },
    }
}

/// Cases that are the same but for their names.
#[must_use]
pub fn duplicates(fixtures: &[Fixture]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for (index, fixture) in fixtures.iter().enumerate() {
        let twin = fixtures.iter().take(index).find(|other| same(other.document.root(), fixture.document.root()));
        if let Some(twin) = twin {
            let problem = FixtureProblem::SameCase { other: twin.file.clone() };
            errors.push(Diagnostic::new(Span::whole(&fixture.file), problem));
        }
    }
    errors
}

/// The name of the first matcher in a value that holds data.
fn stray_matcher(view: View<'_>) -> Option<View<'_>> {
    if matcher(view).is_some_and(|(name, _)| matches!(name.as_str(), "$any" | "$now")) {
        return view.named_members().next().map(|(name, _)| name);
    }
    view.items().chain(view.members().map(|(_, value)| value)).find_map(stray_matcher)
}

/// The place of the metadata that a pointer to none may mean.
fn near_place(metadata: View<'_>, pointer: &str) -> Option<String> {
    let mut places = Vec::new();
    all_places(metadata, &mut String::new(), &mut places);
    let indexed = pointer.replace('[', "/").replace(']', "");
    let below = places.iter().find(|place| **place == indexed || place.ends_with(pointer)).cloned();
    let names: Vec<&str> = places.iter().map(String::as_str).collect();
    below.or_else(|| nearest(pointer, &names).map(str::to_owned))
}

/// Places of metadata that are looked at for a near one.
const PLACES_MAX: usize = 1_000;

fn all_places(view: View<'_>, pointer: &mut String, places: &mut Vec<String>) {
    if places.len() > PLACES_MAX {
        return;
    }
    places.push(pointer.clone());
    let length = pointer.len();
    let items = view.items().enumerate().map(|(index, item)| (index.to_string(), item));
    for (token, child) in items.chain(view.members().map(|(name, value)| (name.decode().into_owned(), value))) {
        pointer::push(pointer, &token);
        all_places(child, pointer, places);
        pointer.truncate(length);
    }
}
