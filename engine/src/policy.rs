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
//! Every mistake is reported in one pass, at the name or value that is wrong (codes P001–P040). A value that the
//! contract knows and this version does not build (tokens) is an error that says so.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, suggestion};
use crate::event::{Parse, Sink, Trigger};
use crate::json::{Document, Kind, View};
use crate::limits::Limits;
use crate::merge::{OptionError, OptionErrorKind, Strategy};
use crate::pointer::Pointer;
use crate::sanitizer::Unknown;
use crate::sensitive::{Detector, Detectors};

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
    /// Detectors that every scalar is asked by.
    pub deny: Detectors,
    /// The bounds.
    pub limits: Limits,
    /// The rules, in order.
    pub rules: Vec<Declaration>,
}

/// What a policy declares of sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionPolicy {
    /// How long one may have lived, in milliseconds.
    pub max_age: Option<i64>,
    /// Whether a hand-over that the account's receipt names is skipped.
    pub once: bool,
    /// Whether a decision says that the anonymous session is no longer needed.
    pub clear: bool,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { max_age: None, once: false, clear: true }
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
}

/// How a rule says that two values become one.
#[derive(Debug)]
pub enum MergeDeclaration {
    /// A script file.
    Script(String),
    /// A strategy.
    Strategy(Strategy),
}

/// Roots that a policy protects unless it says otherwise.
const PROTECTED: [&str; 4] = ["groups", "permissions", "plan", "roles"];

/// Roots of `app_metadata` that Auth0 keeps for itself.
const RESERVED: [&str; 18] = [
    "__tenant",
    "_id",
    "blocked",
    "clientID",
    "created_at",
    "email",
    "email_verified",
    "globalClientID",
    "global_client_id",
    "identities",
    "lastIP",
    "lastLogin",
    "loginsCount",
    "metadata",
    "multifactor",
    "multifactor_last_modified",
    "updated_at",
    "user_id",
];

/// The receipt's root.
const RECEIPT: &str = "handover";

/// Reads `policy.json`, and says all that is wrong with it: in the file, and in files that it names and nobody wrote.
///
/// A policy whose only mistake is a rule that adds again at every login is read all the same.
#[must_use]
pub fn read(files: &Files) -> (Option<Policy>, Vec<Diagnostic>) {
    let Some(text) = files.get(POLICY_FILE) else {
        let message = "there is no `policy.json` in the folder".to_owned();
        return (None, vec![Diagnostic::error("P020", POLICY_FILE, "", 0..0, message)]);
    };
    let document = match Document::read(text.as_bytes()) {
        Ok(document) => document,
        Err(error) => return (None, vec![Diagnostic::unreadable(["P001", "P002"], POLICY_FILE, text, error)]),
    };
    let mut reader = Reader { files, errors: Vec::new(), once: false };
    let policy = reader.policy(document.root());
    let usable = reader.errors.iter().all(|error| error.code == "P040");
    (policy.filter(|_| usable), reader.errors)
}

struct Reader<'a> {
    files: &'a Files,
    errors: Vec<Diagnostic>,
    /// Whether a hand-over comes only once.
    once: bool,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, view: View<'_>, message: impl Into<String>) {
        self.errors.push(Diagnostic::at_view(code, POLICY_FILE, view, message.into()));
    }

    fn error_help(&mut self, code: &'static str, view: View<'_>, message: String, help: String) {
        self.errors.push(Diagnostic::at_view(code, POLICY_FILE, view, message).help(help));
    }

    /// Checks that a value is an object of members that are known; says whether it is an object.
    fn members(&mut self, view: View<'_>, names: &[&str]) -> bool {
        if view.kind() != Kind::Object {
            self.error("P005", view, "expected an object");
            return false;
        }
        for (name, _) in view.named_members() {
            let text = word(name);
            if !names.contains(&text.as_str()) {
                self.error_help("P003", name, format!("unknown member `{text}`"), suggestion(&text, names));
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
        self.one_of(root, "provider", &["auth0"]);
        let session = root.get("session").map(|session| self.session(session)).unwrap_or_default();
        self.once = session.once;
        let deny = root.get("sensitive").map_or(Detectors::STANDARD, |sensitive| self.sensitive(sensitive));
        let limits = root.get("limits").map_or_else(Limits::default, |limits| self.limits(limits));
        let protected = root.get("protected").map_or_else(
            || PROTECTED.map(str::to_owned).to_vec(),
            |protected| self.strings(protected).into_iter().map(|(_, name)| name).collect(),
        );
        let rules = match root.get("rules") {
            None => {
                self.error("P004", root, "the member `rules` is missing");
                Vec::new()
            }
            Some(rules) if rules.kind() != Kind::Array => {
                self.error("P005", rules, "expected a list of rules");
                Vec::new()
            }
            Some(rules) => rules.items().filter_map(|rule| self.rule(rule, &protected)).collect(),
        };
        if let Some(list) = root.get("rules") {
            self.distinct(list);
        }
        Some(Policy { name: name?, session, deny, limits, rules })
    }

    fn text(&mut self, view: View<'_>) -> Option<String> {
        if view.kind() != Kind::String {
            self.error("P005", view, "expected a string");
            return None;
        }
        Some(word(view))
    }

    fn required_text(&mut self, object: View<'_>, name: &str) -> Option<String> {
        match object.get(name) {
            Some(view) => self.text(view),
            None => {
                self.error("P004", object, format!("the member `{name}` is missing"));
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
        self.error_help("P006", view, format!("`{name}` cannot be `{text}`"), suggestion(&text, words));
        None
    }

    fn boolean(&mut self, object: View<'_>, name: &str) -> Option<bool> {
        let view = object.get(name)?;
        if view.as_bool().is_none() {
            self.error("P005", view, "expected `true` or `false`");
        }
        view.as_bool()
    }

    fn strings<'v>(&mut self, view: View<'v>) -> Vec<(View<'v>, String)> {
        if view.kind() != Kind::Array {
            self.error("P005", view, "expected a list of strings");
        }
        view.items().filter_map(|item| Some((item, self.text(item)?))).collect()
    }

    fn session(&mut self, session: View<'_>) -> SessionPolicy {
        let names = ["clear", "format", "ledger", "lifetime", "max_age", "once", "token", "verify"];
        if !self.members(session, &names) {
            return SessionPolicy::default();
        }
        for value in ["required", "optional"] {
            if let Some(view) = session.get("token").filter(|view| word(*view) == value) {
                self.error("P006", view, format!("`session.token` `{value}` is not built yet"));
            }
        }
        if let Some(view) = session.get("verify") {
            self.error("P003", view, "`session.verify` is not built yet");
        }
        if session.get("token").is_none_or(|token| !["required", "optional"].contains(&word(token).as_str())) {
            self.one_of(session, "token", &["ignored", "optional", "required"]);
        }
        self.one_of(session, "ledger", &["closed", "open"]);
        self.one_of(session, "format", &["jwe", "jwt"]);
        self.duration(session, "lifetime");
        SessionPolicy {
            max_age: self.duration(session, "max_age"),
            once: self.boolean(session, "once").unwrap_or(false),
            clear: self.boolean(session, "clear").unwrap_or(true),
        }
    }

    /// `[1-9][0-9]*(s|m|h|d)`, in milliseconds.
    fn duration(&mut self, object: View<'_>, name: &str) -> Option<i64> {
        let view = object.get(name)?;
        let text = self.text(view)?;
        let millis = duration(&text);
        if millis.is_none() {
            self.error_help(
                "P015",
                view,
                format!("`{text}` is no duration"),
                "write `30d`, `12h`, `45m` or `90s`".into(),
            );
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
                    let help = suggestion(&name, &Detector::NAMES);
                    self.error_help("P006", view, format!("no detector `{name}`"), help);
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
            let size = value.as_size();
            match size {
                Some(size) if size > 0 => limit.set(size as u64),
                Some(_) => self.error("P007", value, "a limit is 1 or more"),
                None => self.error("P005", value, "expected a whole number"),
            }
        }
        limits
    }

    fn rule(&mut self, rule: View<'_>, protected: &[String]) -> Option<Declaration> {
        let names = ["from", "laws", "max_bytes", "merge", "name", "on", "parse", "to", "unknown"];
        if !self.members(rule, &names) {
            return None;
        }
        let name = self.required_text(rule, "name").filter(|name| self.is_rule_name(rule, name));
        let target = self.target(rule, protected);
        let from_text = match (rule.get("from"), &name) {
            (Some(view), _) => self.text(view),
            (None, name) => name.as_ref().map(|name| format!("/{name}")),
        };
        let from = from_text.as_deref().and_then(|text| self.pointer(rule, text));
        let on = rule.get("on").map(|on| self.triggers(on));
        let waivers = rule.get("laws").map(|laws| self.laws(laws)).unwrap_or_default();
        let unknown = match self.one_of(rule, "unknown", &["drop", "keep"]).as_deref() {
            Some("keep") => Unknown::Keep,
            _ => Unknown::Drop,
        };
        let parse = match self.one_of(rule, "parse", &["auto", "never"]).as_deref() {
            Some("never") => Parse::Never,
            _ => Parse::Auto,
        };
        let max_bytes = rule.get("max_bytes").and_then(|view| self.size(view));
        let merge = name.as_ref().and_then(|name| self.merge(rule, name));
        let (sink, root) = target?;
        Some(Declaration {
            name: name?,
            from: from?,
            from_text: from_text?,
            sink,
            root,
            merge: merge?,
            on,
            unknown,
            parse,
            max_bytes,
            waivers,
        })
    }

    /// A rule's name is the stem of its files.
    fn is_rule_name(&mut self, rule: View<'_>, name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let good = !name.is_empty() && name.bytes().all(plain);
        if !good && let Some(view) = rule.get("name") {
            self.error("P024", view, "a rule's name has letters, digits, `_` and `-` only: its files carry it");
        }
        good
    }

    fn target(&mut self, rule: View<'_>, protected: &[String]) -> Option<(Sink, String)> {
        let text = self.required_text(rule, "to")?;
        let view = rule.get("to")?;
        let (sink, root) = match text.split_once('.') {
            Some(("app_metadata", root)) => (Sink::App, root),
            Some(("user_metadata", root)) => (Sink::User, root),
            _ => {
                let help = "write `app_metadata.<root>` or `user_metadata.<root>`".to_owned();
                self.error_help("P013", view, format!("`{text}` is no root of a metadata object"), help);
                return None;
            }
        };
        if root.is_empty() || root.contains(['.', '$', '\0']) {
            self.error("P013", view, format!("`{root}` is no root that the provider can store"));
            return None;
        }
        let kept = sink == Sink::App && (RESERVED.contains(&root) || root == RECEIPT);
        if kept || protected.iter().any(|name| name == root) {
            self.error("P012", view, format!("`{root}` is protected: no rule writes it"));
            return None;
        }
        Some((sink, root.to_owned()))
    }

    fn pointer(&mut self, rule: View<'_>, text: &str) -> Option<Pointer> {
        let pointer = Pointer::parse(text).filter(|pointer| !pointer.tokens().is_empty());
        let reserved =
            pointer.as_ref().is_some_and(|pointer| pointer.tokens().first().is_some_and(|root| root == RECEIPT));
        match (pointer, rule.get("from")) {
            (Some(pointer), _) if !reserved => Some(pointer),
            (Some(_), view) => {
                self.error("P014", view.unwrap_or(rule), "`/handover` is the hand-over id's: no rule reads it");
                None
            }
            (None, view) => {
                self.error("P014", view.unwrap_or(rule), "expected a JSON Pointer to a member, such as `/cart`");
                None
            }
        }
    }

    fn triggers(&mut self, on: View<'_>) -> Vec<Trigger> {
        let words = self.strings(on);
        if on.kind() == Kind::Array && on.is_empty() {
            self.error("P007", on, "without a trigger the rule never runs");
        }
        let mut triggers = Vec::new();
        for (view, word) in words {
            match Trigger::by_word(&word) {
                Some(trigger) => triggers.push(trigger),
                None => {
                    let help = suggestion(&word, &["login", "signup"]);
                    self.error_help("P006", view, format!("no trigger `{word}`"), help);
                }
            }
        }
        triggers
    }

    /// Waivers: a law, and why it does not hold here. L2, L9 and L10 have none.
    fn laws(&mut self, laws: View<'_>) -> Vec<(String, String)> {
        const WAIVABLE: [&str; 4] = ["L1", "L6", "L7", "L8"];
        if !self.members(laws, &WAIVABLE) {
            return Vec::new();
        }
        let mut waivers = Vec::new();
        for (law, why) in laws.members() {
            let Some(reason) = self.text(why) else { continue };
            if reason.trim().is_empty() {
                self.error("P007", why, "a waiver says why");
            }
            waivers.push((law.decode().into_owned(), reason));
        }
        waivers
    }

    fn size(&mut self, view: View<'_>) -> Option<usize> {
        let size = view.as_size();
        match size {
            Some(size) if size > 0 => Some(size),
            Some(_) => {
                self.error("P007", view, "expected 1 or more");
                None
            }
            None => {
                self.error("P005", view, "expected a whole number");
                None
            }
        }
    }

    fn merge(&mut self, rule: View<'_>, name: &str) -> Option<MergeDeclaration> {
        let own = format!("{name}.merge.rhai");
        let Some(view) = rule.get("merge") else {
            if self.files.get(&own).is_some() {
                return Some(MergeDeclaration::Script(own));
            }
            self.error_help("P026", rule, "the rule has no merge".into(), format!("write `{own}`, or name a strategy"));
            return None;
        };
        let text = word(view);
        if text.ends_with(".rhai") {
            return self.script(view, text);
        }
        match Strategy::read_rule(view) {
            Ok(strategy) => {
                if !self.once && strategy.needs_once() {
                    let adding = Strategy::adding(view).unwrap_or(view);
                    self.error_help("P040", adding, adds_again(&word(adding)), ONCE.to_owned());
                }
                Some(MergeDeclaration::Strategy(strategy))
            }
            Err(error) => {
                self.option_error(error);
                None
            }
        }
    }

    fn script(&mut self, view: View<'_>, file: String) -> Option<MergeDeclaration> {
        if file.starts_with('/') || file.split('/').any(|part| part == "..") {
            self.error("P024", view, "a path leaves the folder of the policy");
            return None;
        }
        if self.files.get(&file).is_none() {
            self.error("P022", view, format!("there is no file `{file}`"));
            return None;
        }
        Some(MergeDeclaration::Script(file))
    }

    fn option_error(&mut self, error: OptionError<'_>) {
        let OptionError { kind, view, message, help } = error;
        let code = match kind {
            OptionErrorKind::Strategy => "P030",
            OptionErrorKind::Option => "P031",
            OptionErrorKind::Value => "P032",
            OptionErrorKind::NotOneFunction => "P033",
        };
        let diagnostic = Diagnostic::at_view(code, POLICY_FILE, view, message);
        self.errors.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    /// No two rules share a name or write one root.
    fn distinct(&mut self, rules: View<'_>) {
        for (member, code, what) in [("name", "P010", "name"), ("to", "P011", "root")] {
            let mut seen = Vec::new();
            for view in rules.items().filter_map(|rule| rule.get(member)) {
                let text = word(view);
                if seen.contains(&text) {
                    self.error(code, view, format!("a second rule with the {what} `{text}`"));
                }
                seen.push(text);
            }
        }
    }
}

/// What is wrong with a merge that adds, where a hand-over may come more than once (P040, R040).
pub(crate) fn adds_again(name: &str) -> String {
    format!("`{name}` adds again at every login: 1 + 3 gives 4, then 7, then 10")
}

/// What to write instead.
pub(crate) const ONCE: &str = "`max`, or `session.once`";

fn word(view: View<'_>) -> String {
    view.as_text().map(|text| text.decode().into_owned()).unwrap_or_default()
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
