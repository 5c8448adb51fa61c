//! The rules of `policy.json`: where each reads and writes, and how it merges.

use super::{Declaration, MergeDeclaration, POLICY_FILE, RECEIPT, Reader};
use crate::diagnostic::{Code, Diagnostic, Help, Note, PolicyProblem, Span, nearest, suggestion};
use crate::event::{Parse, Sink, Trigger};
use crate::json::{Kind, View};
use crate::merge::{Adds, Named, OptionError, OptionErrorKind, Strategy, adds};
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
            self.error(view, PolicyProblem::BadName { name: name.to_owned() });
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
                let root = text.rsplit(['.', '/']).next().unwrap_or_default().to_owned();
                self.error(view, PolicyProblem::NoRoot { text, root });
                return None;
            }
        };
        if !self.provider.holds_root(root) {
            self.error(view, PolicyProblem::UnstorableRoot { root: root.to_owned() });
            return None;
        }
        let kept = sink == Sink::App && (self.provider.reserves(root) || root == RECEIPT);
        if kept || protected.iter().any(|name| name == root) {
            self.error(view, PolicyProblem::Protected { root: root.to_owned() });
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
                self.error(view.unwrap_or(rule), PolicyProblem::ReservedPointer);
                None
            }
            (None, view) => {
                let own = text.trim_start_matches(['#', '$', '/', '.']);
                let own = own.strip_prefix("metadata.").unwrap_or(own).replace('.', "/");
                let meant = Pointer::parse(&format!("/{own}")).filter(|_| !own.is_empty());
                let help = meant.map_or("write `/cart`".into(), |_| Help::did_you_mean(&format!("/{own}")));
                let problem = PolicyProblem::NoPointer { text: text.to_owned(), help: Some(help) };
                self.error(view.unwrap_or(rule), problem);
                None
            }
        }
    }

    fn triggers(&mut self, on: View<'_>) -> Vec<Trigger> {
        let words = self.strings(on);
        if on.kind() == Kind::Array && on.is_empty() {
            self.error(on, PolicyProblem::NoTrigger);
        }
        let mut triggers = Vec::new();
        for (view, word) in words {
            match Trigger::by_word(&word) {
                Some(trigger) => triggers.push(trigger),
                None => {
                    let help = Some(suggestion(&word, &["login", "signup"]));
                    self.error(view, PolicyProblem::UnknownTrigger { word, help });
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
            self.error(law, PolicyProblem::NotWaivable { law: law.word() });
            return Vec::new();
        }
        if !self.members(laws, &WAIVABLE) {
            return Vec::new();
        }
        let mut waivers = Vec::new();
        for (law, why) in laws.members() {
            let Some(reason) = self.text(why) else { continue };
            if reason.trim().is_empty() {
                self.error(why, PolicyProblem::NoReason);
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
                let name = self.member_of(view).unwrap_or_default();
                self.error(view, PolicyProblem::ZeroSize { name });
                None
            }
            None => {
                self.expected(view, "a whole number");
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
            self.error(rule, PolicyProblem::NoMerge { file: own });
            return None;
        };
        let text = view.word();
        if text.ends_with(".rhai") {
            return self.script(view, text);
        }
        match Strategy::read_rule(view) {
            Ok(_) if self.files.get(&own).is_some() => {
                self.error(view, PolicyProblem::TwoMerges { file: own });
                None
            }
            Ok(strategy) => {
                let observes = rule.get("mode").is_some_and(|mode| mode.word() == "observe");
                if !self.once && !observes && strategy.needs_once() {
                    let adding = Strategy::adding(view).unwrap_or(view);
                    let word = adding.word();
                    let instead = Named::by_name(&word).and_then(|named| named.mutant).unwrap_or("max").to_owned();
                    let problem = match adds(&word) {
                        Some(Adds::Items) => PolicyProblem::AppendsAgain { word, instead },
                        _ => PolicyProblem::AddsAgain { word, instead },
                    };
                    self.error(adding, problem);
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
            self.error(view, PolicyProblem::PathOutside);
            return None;
        }
        if self.files.get(&file).is_none() {
            let scripts: Vec<&str> =
                self.files.0.keys().map(String::as_str).filter(|own| own.ends_with(".merge.rhai")).collect();
            let help = nearest(&file, &scripts).map_or(format!("write `{file}`").into(), Help::did_you_mean);
            self.error(view, PolicyProblem::NoScript { file, help: Some(help) });
            return None;
        }
        Some(MergeDeclaration::Script(file))
    }

    fn option_error(&mut self, OptionError { view, problem }: OptionError<'_>) {
        let kind = problem.kind();
        let sentence = problem.sentence(self.member_of(view).as_deref());
        let is_word = view.kind() == Kind::String && kind == OptionErrorKind::Value;
        let not = if is_word { format!(", not the string `{}`", view.word()) } else { String::new() };
        let message = format!("{sentence}{not}");
        let help = problem.help().map(|help| self.script_meant(view).unwrap_or(help));
        let problem = match kind {
            OptionErrorKind::Strategy => PolicyProblem::UnknownStrategy { message, help },
            OptionErrorKind::Option => PolicyProblem::WrongOption { message, help },
            OptionErrorKind::Value => PolicyProblem::WrongOptionValue { message, help },
            OptionErrorKind::NotOneFunction => PolicyProblem::NotOneFunction { message, help },
        };
        self.error(view, problem);
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
        let name_twice = |name| PolicyProblem::NameTwice { name };
        let root_twice = |root| PolicyProblem::RootTwice { root };
        let members: [(&str, &dyn Fn(String) -> PolicyProblem); 2] = [("name", &name_twice), ("to", &root_twice)];
        for (member, twice) in members {
            let mut seen: Vec<(String, View<'_>)> = Vec::new();
            // a new version of a rule may observe beside the old one
            let counts =
                |rule: &View<'_>| member == "name" || rule.get("mode").is_none_or(|mode| mode.word() != "observe");
            for (rule, view) in rules.items().filter(counts).filter_map(|rule| Some((rule, rule.get(member)?))) {
                let text = view.word();
                if let Some((_, first)) = seen.iter().find(|(own, _)| *own == text) {
                    let first = Note::new(Span::at_view(POLICY_FILE, *first), "the first one");
                    // what another rule's name brings along follows from that
                    let whole = Span::at_view(POLICY_FILE, rule);
                    self.errors
                        .retain(|one| one.code != Code::P025 || one.start < whole.start || one.start > whole.end);
                    let second = Span::at_view(POLICY_FILE, view);
                    self.errors.push(Diagnostic::new(second, twice(text.clone())).related(first));
                }
                seen.push((text, view));
            }
        }
    }
}
