//! The author's files as (path, text) pairs, and what `policy.json` declares (contract §2).
//!
//! ```json
//! {
//!   "name": "storefront",
//!   "session": { "max_age": "30d", "clear": true },
//!   "rules": [
//!     { "name": "cart", "to": "app_metadata.cart", "merge": "cart.merge.rhai" },
//!     { "name": "theme", "from": "/preferences/theme", "to": "user_metadata.theme", "merge": "anonymous" }
//!   ]
//! }
//! ```
//!
//! Every mistake is reported in one pass, at the name or value that is wrong (codes P001–P056).

mod rules;
mod session;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Help, PolicyProblem, Severity, Span, nearest, suggestion};
use crate::event::{Parse, Sink, Trigger};
use crate::json::{Document, Kind, View};
use crate::limits::Limits;
use crate::merge::Strategy;
use crate::pointer::Pointer;
use crate::provider::Provider;
use crate::rule::Mode;
use crate::sanitizer::Unknown;
use crate::sensitive::{Detector, Detectors};
pub use session::differs_from_tenant;
pub use tokens::{CONTENT, ENCRYPT, SIGN, TokenPolicy};

/// All files of one policy, uncompiled: path below its folder, with `/`, to text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, String>);

impl Files {
    /// The text of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

/// The name of the file that declares a policy.
pub const POLICY_FILE: &str = "policy.json";

/// What a policy declares.
#[derive(Debug)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What holds for every session.
    pub session: SessionPolicy,
    /// What a token must be.
    pub verify: TokenPolicy,
    /// Detectors that every scalar is asked by.
    pub deny: Detectors,
    /// What can hold the results.
    pub provider: Provider,
    /// The bounds.
    pub limits: Limits,
    /// The rules, in order.
    pub rules: Vec<Declaration>,
    /// Whether nothing is wrong with it: else rules may lack.
    pub is_whole: bool,
}

/// What a policy declares of sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionPolicy {
    /// How long one may have lived, in milliseconds.
    pub max_age: Option<i64>,
    /// Whether a hand-over that the account's receipt names is skipped.
    pub once: bool,
    /// What a login needs of the session's token.
    pub token: TokenMode,
    /// Whether a decision says that the anonymous session is no longer needed.
    pub clear: bool,
    /// What a login gets while the ledger cannot be asked.
    pub ledger: LedgerPolicy,
}

/// What a login needs of the session's token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenMode {
    /// Nothing: it is not read.
    #[default]
    Ignored,
    /// That it verifies, if there is one.
    Optional,
    /// That it verifies.
    Required,
}

/// What a login gets while the ledger cannot be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LedgerPolicy {
    /// Nothing: the session stays for the next login.
    #[default]
    Closed,
    /// The decision, and the session stays.
    Open,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { max_age: None, once: false, token: TokenMode::Ignored, clear: true, ledger: LedgerPolicy::Closed }
    }
}

/// What a policy declares of one rule.
#[derive(Debug)]
pub struct Declaration {
    /// Its name, which its files carry.
    pub name: String,
    /// Where its value stands in the anonymous metadata.
    pub from: Pointer,
    /// The pointer as the author wrote it.
    pub from_text: String,
    /// The metadata object that it writes.
    pub sink: Sink,
    /// The root that it writes.
    pub root: String,
    /// How two values become one.
    pub merge: MergeDeclaration,
    /// Triggers that it runs on; none: all.
    pub on: Option<Vec<Trigger>>,
    /// Members that no schema names.
    pub unknown: Unknown,
    /// Whether text may be parsed.
    pub parse: Parse,
    /// Compact bytes of its sanitized value.
    pub max_bytes: Option<usize>,
    /// Laws that it need not keep, each with the reason.
    pub waivers: Vec<(String, String)>,
    /// Whether it writes, or only reports what it would write.
    pub mode: Mode,
    /// Whether its `max_bytes` could be read, if it has one.
    pub knows_bound: bool,
}

/// How a rule says that two values become one.
#[derive(Debug)]
pub enum MergeDeclaration {
    /// What is written there is wrong, and reported.
    Broken,
    /// A script file.
    Script(String),
    /// A strategy.
    Strategy(Strategy),
}

/// Rules of one policy.
const RULES_MAX: usize = 256;

/// Roots that a policy protects unless it says otherwise.
const PROTECTED: [&str; 4] = ["groups", "permissions", "plan", "roles"];

/// The receipt's root.
const RECEIPT: &str = "handover";

/// Reads `policy.json`, and says all that is wrong with it: in the file, and in files that it names and nobody wrote.
///
/// What can be read of a policy with mistakes is read all the same, so that its other files are checked.
#[must_use]
pub fn read(files: &Files) -> (Option<Policy>, Vec<Diagnostic>) {
    let Some(text) = files.get(POLICY_FILE) else {
        return (None, vec![Diagnostic::new(Span::whole(POLICY_FILE), PolicyProblem::NoPolicy)]);
    };
    let document = match Document::read(text.as_bytes()) {
        Ok(document) => document,
        Err(error) => return (None, vec![Diagnostic::unreadable([Code::P001, Code::P002], POLICY_FILE, text, error)]),
    };
    let mut reader = Reader {
        file: POLICY_FILE,
        files,
        document: Arc::clone(&document),
        errors: Vec::new(),
        once: false,
        provider: Provider::default(),
    };
    let policy = reader.policy(document.root());
    (policy, reader.errors)
}

struct Reader<'a> {
    /// The file that is read.
    file: &'a str,
    files: &'a Files,
    document: Arc<Document>,
    errors: Vec<Diagnostic>,
    /// Whether a hand-over comes only once.
    once: bool,
    /// What can hold the results.
    provider: Provider,
}

impl Reader<'_> {
    fn error(&mut self, view: View<'_>, problem: PolicyProblem) {
        self.errors.push(Diagnostic::new(Span::at_view(self.file, view), problem));
    }

    /// An error at a value of which something else is expected.
    fn expected(&mut self, view: View<'_>, what: &str) {
        let what = what.to_owned();
        let problem = match self.member_of(view) {
            Some(name) => PolicyProblem::Takes { name, what },
            None => PolicyProblem::Expected { what },
        };
        self.error(view, problem);
    }

    /// The name of the member that a value is of.
    fn member_of(&self, view: View<'_>) -> Option<String> {
        view.place().and_then(|place| member_of(self.document.root(), place.at))
    }

    /// Checks that a value is an object of members that are known; says whether it is an object.
    fn members(&mut self, view: View<'_>, names: &[&str]) -> bool {
        if view.kind() != Kind::Object {
            self.expected(view, "an object");
            return false;
        }
        for (name, _) in view.named_members() {
            let text = name.word();
            if !names.contains(&text.as_str()) {
                let plural = format!("{text}s");
                let meant = synonym(&text).filter(|meant| names.contains(meant) && !names.contains(&plural.as_str()));
                let help = meant.map_or_else(|| suggestion(&text, names), Help::did_you_mean);
                self.error(name, PolicyProblem::UnknownMember { name: text, help: Some(help) });
            }
        }
        true
    }

    fn policy(&mut self, root: View<'_>) -> Option<Policy> {
        let names = ["$schema", "limits", "name", "protected", "provider", "rules", "sensitive", "session"];
        if !self.members(root, &names) {
            return None;
        }
        let name = self.required_text(root, "name");
        if let Some(schema) = root.get("$schema") {
            self.text(schema);
        }
        let provider = self.one_of(root, "provider", &Provider::WORDS);
        self.provider = provider.as_deref().and_then(Provider::by_word).unwrap_or_default();
        let session = root.get("session").map(|session| self.session(session)).unwrap_or_default();
        self.once = session.once;
        let verify = root.get("session").and_then(|session| session.get("verify"));
        let verify = verify.map(|verify| self.verify(verify)).unwrap_or_default();
        let deny = root.get("sensitive").map_or(Detectors::STANDARD, |sensitive| self.sensitive(sensitive));
        let limits = root.get("limits").map_or_else(Limits::default, |limits| self.limits(limits));
        let protected = root.get("protected").map_or_else(
            || PROTECTED.map(str::to_owned).to_vec(),
            |protected| self.strings(protected).into_iter().map(|(_, name)| name).collect(),
        );
        let rules = match root.get("rules") {
            None => {
                self.missing(root, "rules");
                Vec::new()
            }
            Some(rules) if rules.kind() != Kind::Array => {
                self.expected(rules, "a list of rules");
                Vec::new()
            }
            Some(rules) if rules.is_empty() => {
                self.error(rules, PolicyProblem::NoRules);
                Vec::new()
            }
            Some(rules) if rules.len() > RULES_MAX => {
                self.error(rules, PolicyProblem::TooManyRules { count: rules.len(), most: RULES_MAX });
                Vec::new()
            }
            Some(rules) => rules.items().filter_map(|rule| self.rule(rule, &protected)).collect(),
        };
        if let Some(list) = root.get("rules").filter(|list| list.len() <= RULES_MAX) {
            self.distinct(list);
        }
        let is_whole = self.errors.iter().all(|one| one.code == Code::P040 || one.severity != Severity::Error);
        let provider = self.provider;
        Some(Policy { name: name.unwrap_or_default(), session, verify, deny, provider, limits, rules, is_whole })
    }

    fn text(&mut self, view: View<'_>) -> Option<String> {
        if view.kind() != Kind::String {
            self.expected(view, "a string");
            return None;
        }
        Some(view.word())
    }

    /// A member that is not there, unless one is that was mistyped: that is said already.
    fn missing(&mut self, object: View<'_>, name: &str) {
        let mistyped = object
            .members()
            .any(|(own, _)| nearest(&own.decode(), &[name]).is_some() || synonym(&own.decode()) == Some(name));
        if !mistyped {
            self.error(object, PolicyProblem::Missing { name: name.to_owned() });
        }
    }

    fn required_text(&mut self, object: View<'_>, name: &str) -> Option<String> {
        match object.get(name) {
            Some(view) => self.text(view),
            None => {
                self.missing(object, name);
                None
            }
        }
    }

    fn one_of(&mut self, object: View<'_>, name: &str, words: &[&str]) -> Option<String> {
        let view = object.get(name)?;
        let text = self.text(view)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let (name, help) = (name.to_owned(), Some(suggestion(&text, words)));
        self.error(view, PolicyProblem::CannotBe { name, word: text, help });
        None
    }

    fn boolean(&mut self, object: View<'_>, name: &str) -> Option<bool> {
        let view = object.get(name)?;
        if view.as_bool().is_none() {
            self.expected(view, "`true` or `false`");
        }
        view.as_bool()
    }

    fn strings<'v>(&mut self, view: View<'v>) -> Vec<(View<'v>, String)> {
        if view.kind() != Kind::Array {
            self.expected(view, "a list of strings");
        }
        view.items().filter_map(|item| Some((item, self.text(item)?))).collect()
    }

    /// `[1-9][0-9]*(s|m|h|d)`, in milliseconds.
    fn duration(&mut self, object: View<'_>, name: &str) -> Option<i64> {
        let view = object.get(name)?;
        let text = self.text(view)?;
        let millis = duration(&text);
        if millis.is_none() {
            self.error(view, PolicyProblem::NoDuration { text });
        }
        millis
    }

    fn sensitive(&mut self, sensitive: View<'_>) -> Detectors {
        self.members(sensitive, &["deny"]);
        let Some(deny) = sensitive.get("deny") else { return Detectors::STANDARD };
        let mut detectors = Detectors::NONE;
        for (view, name) in self.strings(deny) {
            match Detector::by_name(&name) {
                Some(detector) => detectors.set(detector, true),
                None => {
                    let help = Some(suggestion(&name, &Detector::NAMES));
                    self.error(view, PolicyProblem::UnknownDetector { name, help });
                }
            }
        }
        detectors
    }

    fn limits(&mut self, view: View<'_>) -> Limits {
        let mut limits = Limits::default();
        if !self.members(view, &Limits::NAMES) {
            return limits;
        }
        for (name, value) in view.members() {
            let Some(limit) = limits.by_name(&name.decode()) else { continue };
            let most = Limits::most(&name.decode());
            match value.as_size() {
                Some(size) if (1..=most).contains(&(size as u64)) => limit.set(size as u64),
                Some(_) => {
                    let name = name.decode().into_owned();
                    self.error(value, PolicyProblem::OutOfRange { name, least: 1, most });
                }
                None => self.expected(value, "a whole number"),
            }
        }
        limits
    }
}

/// What another word for a member means.
fn synonym(name: &str) -> Option<&'static str> {
    Some(match name {
        "script_ms" => "event_ms",
        "script_operations" => "rule_work",
        "dest" | "destination" | "sink" | "target" => "to",
        "input" | "path" | "pointer" | "source" => "from",
        "script" | "strategy" => "merge",
        "id" | "rule" | "title" => "name",
        "trigger" | "triggers" | "when" => "on",
        _ => return None,
    })
}

/// The name of the member that holds the value at a place.
fn member_of(view: View<'_>, at: u32) -> Option<String> {
    let named = view.members().find_map(|(name, value)| {
        let own = value.place().is_some_and(|place| place.at == at).then(|| name.decode().into_owned());
        own.or_else(|| member_of(value, at))
    });
    named.or_else(|| view.items().find_map(|item| member_of(item, at))).or_else(|| {
        // an item goes by the name of its list
        let holds = |list: View<'_>| list.items().any(|item| item.place().is_some_and(|place| place.at == at));
        view.members().find(|(_, list)| holds(*list)).map(|(name, _)| name.decode().into_owned())
    })
}

/// `[1-9][0-9]*(s|m|h|d)`, in milliseconds.
fn duration(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse::<i64>().ok().filter(|_| plain)?.checked_mul(seconds * 1_000)
}
