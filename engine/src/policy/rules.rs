//! The rules of `policy.json`: where each reads and writes, and how it merges.

use super::{Declaration, MergeDeclaration, POLICY_FILE, RECEIPT, Reader, adds_again, once};
use crate::diagnostic::{Code, Diagnostic, Help, nearest, suggestion};
use crate::event::{Parse, Sink, Trigger};
use crate::json::{Kind, View};
use crate::merge::{OptionError, OptionErrorKind, Strategy};
use crate::pointer::Pointer;
use crate::rule::Mode;
use crate::sanitizer::Unknown;

impl Reader<'_> {
    pub(super) fn rule(&mut self, rule: View<'_>, protected: &[String]) -> Option<Declaration> {
        let names = ["from", "laws", "max_bytes", "merge", "mode", "name", "on", "parse", "to", "unknown"];
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
        let mode = match self.one_of(rule, "mode", &["apply", "observe"]).as_deref() {
            Some("observe") => Mode::Observe,
            _ => Mode::Apply,
        };
        let before = self.errors.len();
        let max_bytes = rule.get("max_bytes").and_then(|view| self.size(view));
        let knows_bound = self.errors.len() == before;
        let name = name?;
        let merge = self.merge(rule, &name).unwrap_or(MergeDeclaration::Broken);
        // what is wrong in the rule hides nothing that is wrong in its files
        let (sink, root) = target.unwrap_or_else(|| (Sink::App, name.clone()));
        let own = Pointer::parse(&format!("/{name}"));
        Some(Declaration {
            from: from.or(own)?,
            from_text: from_text.unwrap_or_default(),
            name,
            sink,
            root,
            merge,
            on,
            unknown,
            parse,
            max_bytes,
            waivers,
            mode,
            knows_bound,
        })
    }

    /// A rule's name is the stem of its files.
    fn is_rule_name(&mut self, rule: View<'_>, name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let good = !name.is_empty() && name.bytes().all(plain);
        if !good && let Some(view) = rule.get("name") {
            let message = "a rule's name has letters, digits, `_` and `-` only: its files carry it";
            self.error(Code::P024, view, format!("`{name}`: {message}"));
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
                let root = text.rsplit(['.', '/']).next().unwrap_or_default();
                let help = format!("write `app_metadata.{root}` or `user_metadata.{root}`");
                self.error_help(
                    Code::P013,
                    view,
                    format!("`{text}` is not a root, a top-level key of `app_metadata` or `user_metadata`"),
                    help,
                );
                return None;
            }
        };
        if !self.provider.holds_root(root) {
            let help = "a root has no `.`, `$` or NUL, and is not `__proto__`, `constructor` or `prototype`";
            self.error_help(Code::P013, view, format!("the provider cannot store the root `{root}`"), help.to_owned());
            return None;
        }
        let kept = sink == Sink::App && (self.provider.reserves(root) || root == RECEIPT);
        if kept || protected.iter().any(|name| name == root) {
            self.error(Code::P012, view, format!("`{root}` is protected: rules cannot write it"));
            return None;
        }
        Some((sink, root.to_owned()))
    }

    fn pointer(&mut self, rule: View<'_>, text: &str) -> Option<Pointer> {
        let pointer = Pointer::parse(text);
        let reserved =
            pointer.as_ref().is_some_and(|pointer| pointer.tokens().first().is_some_and(|root| root == RECEIPT));
        match (pointer, rule.get("from")) {
            (Some(pointer), _) if !reserved => Some(pointer),
            (Some(_), view) => {
                self.error(Code::P014, view.unwrap_or(rule), "`/handover` is the hand-over id's: no rule reads it");
                None
            }
            (None, view) => {
                let message = format!("`{text}` is not a JSON Pointer: `~0` is `~`, and `~1` is `/`");
                let own = text.trim_start_matches(['#', '$', '/', '.']);
                let own = own.strip_prefix("metadata.").unwrap_or(own).replace('.', "/");
                let meant = Pointer::parse(&format!("/{own}")).filter(|_| !own.is_empty());
                let help = meant.map_or("write `/cart`".into(), |_| Help::did_you_mean(&format!("/{own}")));
                self.error_help(Code::P014, view.unwrap_or(rule), message, help);
                None
            }
        }
    }

    fn triggers(&mut self, on: View<'_>) -> Vec<Trigger> {
        let words = self.strings(on);
        if on.kind() == Kind::Array && on.is_empty() {
            self.error(Code::P007, on, "without a trigger the rule never runs");
        }
        let mut triggers = Vec::new();
        for (view, word) in words {
            match Trigger::by_word(&word) {
                Some(trigger) => triggers.push(trigger),
                None => {
                    let help = suggestion(&word, &["login", "signup"]);
                    self.error_help(Code::P006, view, format!("unknown trigger `{word}`"), help);
                }
            }
        }
        triggers
    }

    /// Waivers: a law, and why it does not hold here. L2, L9 and L10 have none.
    fn laws(&mut self, laws: View<'_>) -> Vec<(String, String)> {
        const WAIVABLE: [&str; 4] = ["L1", "L6", "L7", "L8"];
        const NEVER: [&str; 3] = ["L2", "L9", "L10"];
        if let Some((law, _)) = laws.named_members().find(|(law, _)| NEVER.contains(&law.word().as_str())) {
            let message = format!("`{}` cannot be waived", law.word());
            self.error_help(Code::P007, law, message, "remove it, and repair the merge".to_owned());
            return Vec::new();
        }
        if !self.members(laws, &WAIVABLE) {
            return Vec::new();
        }
        let mut waivers = Vec::new();
        for (law, why) in laws.members() {
            let Some(reason) = self.text(why) else { continue };
            if reason.trim().is_empty() {
                self.error(Code::P007, why, "a waiver needs a reason");
            }
            waivers.push((law.decode().into_owned(), reason));
        }
        waivers
    }

    pub(super) fn size(&mut self, view: View<'_>) -> Option<usize> {
        let size = view.as_size();
        match size {
            Some(size) if size > 0 => Some(size),
            Some(_) => {
                self.expected(Code::P007, view, "1 or more");
                None
            }
            None => {
                self.expected(Code::P005, view, "a whole number");
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
            self.error_help(
                Code::P026,
                rule,
                "the rule has no `merge`".into(),
                format!("write `{own}`, or name a strategy"),
            );
            return None;
        };
        let text = view.word();
        if text.ends_with(".rhai") {
            return self.script(view, text);
        }
        match Strategy::read_rule(view) {
            Ok(_) if self.files.get(&own).is_some() => {
                let message = format!("two merges for one rule: this one, and the script `{own}`");
                self.error_help(Code::P025, view, message, format!("remove one, or name `{own}`"));
                None
            }
            Ok(strategy) => {
                let observes = rule.get("mode").is_some_and(|mode| mode.word() == "observe");
                if !self.once && !observes && strategy.needs_once() {
                    let adding = Strategy::adding(view).unwrap_or(view);
                    self.error_help(Code::P040, adding, adds_again(&adding.word()), once(&adding.word()).to_owned());
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
            self.error(Code::P024, view, "a path with `..`, or from the root, leaves the folder of the policy");
            return None;
        }
        if self.files.get(&file).is_none() {
            let scripts: Vec<&str> =
                self.files.0.keys().map(String::as_str).filter(|own| own.ends_with(".merge.rhai")).collect();
            let help = nearest(&file, &scripts).map_or(format!("write `{file}`").into(), Help::did_you_mean);
            self.error_help(Code::P022, view, format!("the file `{file}` does not exist"), help);
            return None;
        }
        Some(MergeDeclaration::Script(file))
    }

    fn option_error(&mut self, error: OptionError<'_>) {
        let name = self.member_of(error.view);
        let sentence = error.sentence(name.as_deref());
        let OptionError { kind, view, help, .. } = error;
        let code = match kind {
            OptionErrorKind::Strategy => Code::P030,
            OptionErrorKind::Option => Code::P031,
            OptionErrorKind::Value | OptionErrorKind::Expected => Code::P032,
            OptionErrorKind::NotOneFunction => Code::P033,
        };
        let written =
            if view.kind() == Kind::String && matches!(kind, OptionErrorKind::Value | OptionErrorKind::Expected) {
                format!(", not `{}`", view.word())
            } else {
                String::new()
            };
        let message = sentence + written.as_str();
        let help = help.map(|help| self.script_meant(view).unwrap_or(help));
        let diagnostic = Diagnostic::at_view(code, POLICY_FILE, view, message);
        self.errors.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    /// The script that an unknown strategy means by its name.
    fn script_meant(&self, view: View<'_>) -> Option<Help> {
        let word = view.word();
        let stem = word.split('.').next().filter(|_| word.contains('.'))?;
        let file = format!("{stem}.merge.rhai");
        self.files.get(&file).map(|_| Help::did_you_mean(&file))
    }

    /// No two rules share a name or write one root.
    pub(super) fn distinct(&mut self, rules: View<'_>) {
        for (member, code, what) in [("name", Code::P010, "name"), ("to", Code::P011, "root")] {
            let mut seen: Vec<(String, View<'_>)> = Vec::new();
            // a new version of a rule may observe beside the old one
            let counts =
                |rule: &View<'_>| member == "name" || rule.get("mode").is_none_or(|mode| mode.word() != "observe");
            for (rule, view) in rules.items().filter(counts).filter_map(|rule| Some((rule, rule.get(member)?))) {
                let text = view.word();
                if let Some((_, first)) = seen.iter().find(|(own, _)| *own == text) {
                    let message = format!("the {what} `{text}` is used twice: by this rule, too");
                    let first = Diagnostic::at_view(code, POLICY_FILE, *first, "the first one".to_owned());
                    // what another rule's name brings along follows from that
                    let whole = Diagnostic::at_view(code, POLICY_FILE, rule, String::new());
                    self.errors
                        .retain(|one| one.code != Code::P025 || one.start < whole.start || one.start > whole.end);
                    self.errors.push(Diagnostic::at_view(code, POLICY_FILE, view, message).related(first));
                }
                seen.push((text, view));
            }
        }
    }
}
