//! Files to a [`RuleSet`]: every mistake in one pass, each at its place.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{PROFILE_BYTES, RuleSet, evidence, fit};
use crate::decision::sink_bytes;
use crate::diagnostic::{Diagnostic, Help, Note, PolicyProblem, SchemaProblem, ScriptProblem, Severity, Span, nearest};
use crate::event::Sink;
use crate::generate;
use crate::guard::Guard;
use crate::json::{Document, View};
use crate::limits::Limits;
use crate::merge::{Adds, Strategy};
use crate::policy::{self, Declaration, Files, MergeDeclaration, POLICY_FILE, Policy};
use crate::provider::Provider;
use crate::receipt::LEFT_MAX;
use crate::rule::{Merge, Mode, Rule};
use crate::sanitizer::{self, Knowledge, Options, Sanitizer, Shape, Unknown};
use crate::script::{Sandbox, ScriptKind};
use crate::sensitive::Detectors;

/// Compiles; scripts run in the sandbox that is made, and `passes` says which of the errors stop nothing.
pub(super) fn compile(
    files: &Files,
    sandbox: impl FnOnce(&Limits) -> Sandbox,
    passes: impl Fn(&Diagnostic) -> bool,
) -> Result<RuleSet, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let (policy, wrong) = policy::read(files);
    found.extend(wrong);
    let limits = policy.as_ref().map_or_else(Limits::default, |policy| policy.limits);
    let mut sandbox = sandbox(&limits);
    if let Err(wrong) = sandbox.add_modules(&modules(files)) {
        found.extend(wrong);
    }
    let mut compiler = Compiler { files, sandbox: &sandbox, found, used: BTreeSet::new(), guards: Vec::new() };
    let mut rules = match &policy {
        Some(policy) => compiler.rules(policy),
        None => compiler.each_file(),
    };
    let Compiler { guards, mut found, .. } = compiler;
    if let Some(policy) =
        policy.as_ref().filter(|_| found.iter().all(|one| one.severity != Severity::Error || passes(one)))
    {
        found.extend(evidence::decide(&mut rules, &sandbox, &limits, files, policy.session.once));
    }
    found.retain(|one| !passes(one));
    found.sort_by(|a, b| (&a.file, a.start, a.code).cmp(&(&b.file, b.start, b.code)));
    // two schemas may refer to one broken file
    found.dedup();
    match policy {
        Some(policy) if found.iter().all(|one| one.severity != Severity::Error) => Ok(RuleSet {
            provider: policy.provider,
            name: policy.name.into(),
            digest: digest(files).into(),
            policy: policy.session,
            verify: policy.verify.clone(),
            limits,
            sandbox,
            left_bytes_max: left_bytes_max(&rules),
            rules,
            guards,
            diagnostics: found,
        }),
        _ => Err(found),
    }
}

/// What one compilation has found so far.
struct Compiler<'a> {
    files: &'a Files,
    sandbox: &'a Sandbox,
    found: Vec<Diagnostic>,
    /// Files that some rule reads.
    used: BTreeSet<String>,
    guards: Vec<Guard>,
}

/// What a rule may write, and where its schema makes that so.
struct Bound<'p> {
    declaration: &'p Declaration,
    sink: Sink,
    bytes: u64,
    at: Span,
}

impl Compiler<'_> {
    fn rules(&mut self, policy: &Policy) -> Vec<Rule> {
        self.used.insert(POLICY_FILE.to_owned());
        let mut rules = Vec::new();
        let mut bounds = Vec::new();
        for declaration in &policy.rules {
            let schema_file = format!("{}.schema.json", declaration.name);
            let result_file = format!("{}.result.schema.json", declaration.name);
            let options = options(policy, declaration);
            // where a bound is written that cannot be read, no place is reported for want of one
            let bounded = || Options { bytes_max: Some(usize::MAX), ..options.clone() };
            let known = if declaration.knows_bound {
                self.know(&schema_file, &options)
            } else {
                self.know(&schema_file, &bounded()).map(|known| Knowledge { bytes_max: None, ..known })
            };
            let schema = self.schema(&schema_file, options);
            if self.files.get(&schema_file).is_none() {
                let near = self.misnamed(policy, &schema_file);
                let help = near.map(|near| Help::from(format!("did you mean the rule `{near}`?")));
                let (rule, file) = (declaration.name.clone(), schema_file.clone());
                let problem = PolicyProblem::NoSchema { rule, file, help };
                self.found.push(Diagnostic::new(at_rule(self.files, declaration), problem));
            }
            let result_shape = self.files.get(&result_file).and_then(|text| {
                Knowledge::of(&result_file, text, &self.files.0, &plain(&policy.limits)).map(|known| known.shape)
            });
            let result = self.schema(&result_file, plain(&policy.limits));
            let bytes_max = known.as_ref().and_then(|known| known.bytes_max);
            let shape = known.as_ref().map(|known| known.shape.clone()).unwrap_or_default();
            let account = (result_shape.as_ref().unwrap_or(&shape), result_shape.is_some());
            let kind = ScriptKind::Merge { account, anonymous: &shape };
            let once = policy.session.once || declaration.mode == Mode::Observe;
            let merge = self.merge(declaration, once, kind);
            let known_shape = known.is_some();
            // what only observes writes nothing
            let counted = known.zip(bytes_max).filter(|_| declaration.mode == Mode::Apply);
            bounds.extend(counted.map(|(known, bytes)| {
                let bytes = sink_bytes(&declaration.root, usize::try_from(bytes).unwrap_or(usize::MAX / 2)) as u64;
                Bound { declaration, sink: declaration.sink, bytes, at: known.heaviest }
            }));
            if let (MergeDeclaration::Strategy(strategy), true) = (&declaration.merge, known_shape) {
                self.found.extend(fit::misfits(self.files, declaration, strategy, &shape));
            }
            self.used.extend([schema_file, result_file]);
            if let (Some(sanitizer), Some(merge)) = (schema, merge) {
                let merge = of_lines(merge, &shape);
                rules.push(rule(declaration, sanitizer, result, merge, bytes_max, policy.provider));
            }
        }
        if policy.is_whole {
            self.found.extend(over_budget(self.files, bounds, policy.limits.sink_bytes as u64));
            self.unused();
        } else {
            // whose they are is not known
            self.each_file();
        }
        rules
    }

    /// The name of a schema of no rule that is near to one that lacks: then it is the rule's name that is wrong.
    fn misnamed(&mut self, policy: &Policy, wanted: &str) -> Option<String> {
        let is_rule = |name: &str| policy.rules.iter().any(|rule| rule.name == name);
        let names = self.files.0.keys().filter_map(|file| file.strip_suffix(".schema.json"));
        let names: Vec<&str> = names.filter(|name| !is_rule(name)).collect();
        let near = nearest(wanted, &names).map(str::to_owned)?;
        self.used.extend([format!("{near}.schema.json"), format!("{near}.merge.rhai")]);
        Some(near)
    }

    /// Without a readable policy, every other file is still checked by itself.
    fn each_file(&mut self) -> Vec<Rule> {
        for (file, text) in &self.files.0 {
            if self.used.contains(file) {
                continue;
            }
            if file.ends_with(".schema.json") {
                self.schema(file, plain(&Limits::default()));
            } else if file.ends_with(".merge.rhai") {
                let kind = ScriptKind::Merge { account: (&Shape::default(), false), anonymous: &Shape::default() };
                self.found.extend(self.sandbox.compile(file, text, kind).err().unwrap_or_default());
            } else if let Some(operation) = file.strip_suffix(".guard.rhai") {
                self.guard(operation, file, text);
            }
        }
        Vec::new()
    }

    /// What the schema of a rule says by itself. A file that is broken says nothing.
    fn know(&mut self, file: &str, options: &Options) -> Option<Knowledge> {
        let mut known = Knowledge::of(file, self.files.get(file)?, &self.files.0, options)?;
        self.found.append(&mut known.diagnostics);
        Some(known)
    }

    fn schema(&mut self, file: &str, options: Options) -> Option<Sanitizer> {
        let text = self.files.get(file)?;
        for other in sanitizer::references(text, &self.files.0) {
            if self.used.insert(other.clone()) {
                self.schema(&other, plain(&Limits::default()));
            }
        }
        Sanitizer::compile_among(file, text, &self.files.0, options).map_err(|wrong| self.found.extend(wrong)).ok()
    }

    fn merge(&mut self, declaration: &Declaration, once: bool, kind: ScriptKind<'_>) -> Option<Merge> {
        match &declaration.merge {
            MergeDeclaration::Broken => None,
            MergeDeclaration::Strategy(strategy) => Some(Merge::Strategy(strategy.clone())),
            MergeDeclaration::Script(file) => {
                self.used.insert(file.clone());
                let text = self.files.get(file)?;
                let script = self.sandbox.compile(file, text, kind).map_err(|wrong| self.found.extend(wrong)).ok()?;
                self.found.extend(script.warnings().iter().cloned());
                if let Some(adding) = script.adds().filter(|_| !once) {
                    let ([start, end], word) = (adding.at, adding.word.clone());
                    let instead = adding.instead().to_owned();
                    let problem = match adding.adds {
                        Adds::Numbers => ScriptProblem::AddsAgain { word, instead },
                        Adds::Items => ScriptProblem::AppendsAgain { word, instead },
                    };
                    self.found.push(Diagnostic::new(Span { file: file.clone(), start, end }, problem));
                }
                Some(Merge::Script(script))
            }
        }
    }

    fn guard(&mut self, operation: &str, file: &str, text: &str) {
        match self.sandbox.compile(file, text, ScriptKind::Guard) {
            Ok(script) => {
                self.found.extend(script.warnings().iter().cloned());
                self.guards.push(Guard { operation: operation.to_owned(), script });
            }
            Err(wrong) => self.found.extend(wrong),
        }
    }

    /// Files that no rule reads are a typing error in a name. Guards stand beside the rules.
    fn unused(&mut self) {
        for (file, text) in &self.files.0 {
            if self.used.contains(file) || file.starts_with("lib/") {
                continue;
            }
            if let Some(operation) = file.strip_suffix(".guard.rhai") {
                self.guard(operation, file, text);
            } else if file.ends_with(".json") || file.ends_with(".rhai") {
                let problem = PolicyProblem::UnusedFile { file: file.clone() };
                self.found.push(Diagnostic::new(Span::whole(file), problem));
            }
        }
    }
}

/// A preset names lines by what the schema declares of them.
fn of_lines(merge: Merge, shape: &Shape) -> Merge {
    let Merge::Strategy(Strategy::Preset(preset)) = merge else { return merge };
    let lines = shape.items().or_else(|| shape.member("items").and_then(Shape::items));
    Merge::Strategy(Strategy::Preset(match lines {
        Some(lines) => preset.of_lines(|name| lines.member(name).is_some()),
        None => preset,
    }))
}

/// Rules that together may write more than one login may (S033), or more than the provider recommends (P055): each sink
/// once, at the rule that may write most.
fn over_budget(files: &Files, mut bounds: Vec<Bound<'_>>, sink_max: u64) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    bounds.sort_by_key(|bound| std::cmp::Reverse(bound.bytes));
    for sink in [Sink::App, Sink::User] {
        let own: Vec<_> = bounds.iter().filter(|bound| bound.sink == sink).collect();
        let bytes = own.iter().fold(0, |sum: u64, bound| sum.saturating_add(bound.bytes));
        let Some(most) = own.first() else { continue };
        let word = sink.word();
        if bytes >= sink_max {
            let problem = SchemaProblem::OverBudget { bytes, sink: word, bytes_max: sink_max };
            let error = Diagnostic::new(most.at.clone(), problem);
            found.push(own.iter().fold(error, |error, bound| {
                let Bound { declaration, bytes, .. } = bound;
                let share = format!("`{word}.{}` takes up to {bytes} bytes", declaration.root);
                error.related(Note::new(at_rule(files, declaration), share))
            }));
        } else if bytes > PROFILE_BYTES as u64 {
            let problem = PolicyProblem::OverAdvice { bytes, sink: word, advised: PROFILE_BYTES };
            found.push(Diagnostic::new(at_rule(files, most.declaration), problem));
        }
    }
    found
}

fn rule(
    declaration: &Declaration,
    sanitizer: Sanitizer,
    result: Option<Sanitizer>,
    merge: Merge,
    bytes_max: Option<u64>,
    provider: Provider,
) -> Rule {
    let needs_once = match &merge {
        Merge::Strategy(strategy) => strategy.needs_once(),
        Merge::Script(script) => script.adds().is_some(),
    };
    Rule {
        mode: declaration.mode,
        needs_once,
        provider,
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
        bytes_max,
        waivers: declaration.waivers.clone(),
    }
}

fn options(policy: &Policy, declaration: &Declaration) -> Options {
    Options {
        unknown: declaration.unknown,
        deny: policy.deny,
        exact_numbers: matches!(declaration.merge, MergeDeclaration::Script(_)),
        provider: Some(policy.provider),
        bytes_max: declaration.max_bytes,
        ..Options::of(&policy.limits)
    }
}

/// A schema by itself: a result schema asserts what is written there and nothing else.
fn plain(limits: &Limits) -> Options {
    Options { unknown: Unknown::Keep, deny: Detectors::NONE, ..Options::of(limits) }
}

/// Bytes of the names of as many rules as a receipt names at most.
fn left_bytes_max(rules: &[Rule]) -> usize {
    let rules = rules.iter().filter(|rule| rule.mode == Mode::Apply);
    let mut bytes: Vec<usize> = rules.map(|rule| rule.name.len() + "'',".len()).collect();
    bytes.sort_unstable_by_key(|bytes| std::cmp::Reverse(*bytes));
    bytes.iter().take(LEFT_MAX).sum::<usize>() + ",[]".len()
}

/// The object of a rule in `policy.json`.
fn at_rule(files: &Files, declaration: &Declaration) -> Span {
    let document = files.get(POLICY_FILE).and_then(|text| Document::read(text.as_bytes()).ok());
    let rules = document.as_ref().and_then(|document| document.root().get("rules"));
    let named =
        |rule: &View<'_>| rule.get("name").and_then(View::as_text).is_some_and(|name| name.is(&declaration.name));
    match rules.and_then(|rules| rules.items().find(named)).and_then(View::place) {
        Some(place) => Span::at(POLICY_FILE, place),
        None => Span::whole(POLICY_FILE),
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

/// SHA-256 over the generator's version, and every file's path and text, each with its length before it, in the order of
/// the paths. What is known of scripts, and so which rules need once, depends on the generator.
fn digest(files: &Files) -> String {
    let mut hash = Sha256::new().chain_update(generate::VERSION.to_be_bytes());
    for part in files.0.iter().flat_map(|(path, text)| [path, text]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("sha256:{:x}", hash.finalize())
}
