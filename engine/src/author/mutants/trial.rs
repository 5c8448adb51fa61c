//! Whether somebody notices a mutant: `check`, the fixtures of its rule, the laws, or else a generated login.

use std::collections::BTreeMap;

use super::Mutant;
use crate::author::fixture::{Fixture, body};
use crate::author::judge::{after, judge, judge_guard, short};
use crate::author::laws::{self, Law};
use crate::decision::Decision;
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{Event, Refusal, Sink};
use crate::generate::{Case, SHRINK_STEPS, smaller};
use crate::json::{Document, Json, View};
use crate::policy::{Files, POLICY_FILE};
use crate::rule::Rule;
use crate::ruleset::{Given, RuleSet};

/// Logins on which laws are asked, and where they come from.
const LAW_CASES: usize = 40;
/// Generated logins that are compared, of the rule's own values and of the mutant's.
const COMPARED: usize = 150;
/// Of how many of them other forms are compared too.
const DISTURBED: usize = 40;
const SEED: u64 = 11;

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// `check` refuses it, with this code.
    Refused(Code),
    /// This fixture fails.
    Failed(String),
    /// The rule breaks this law.
    Broken(Law),
    /// Nobody notices: this fixture would; empty for a guard, which no login asks.
    Living(String),
    /// Nobody notices, and no generated login tells it from the rule.
    Same,
}

/// The rules as they are, those that a mutant stands among, and the fixtures. A thread has its own.
pub struct Bench<'a> {
    files: &'a Files,
    rules: RuleSet,
    mutated: RuleSet,
    /// Fixtures that pass, with the rules that read something of each.
    fixtures: Vec<(Fixture, Vec<usize>)>,
    /// By rule, the laws that it breaks as it is.
    broken: BTreeMap<usize, Vec<Law>>,
}

/// Shows sizes only.
impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bench({} fixtures)", self.fixtures.len())
    }
}

impl<'a> Bench<'a> {
    /// Rules, and fixtures by file; invalid, failing and skipped ones notice nothing.
    ///
    /// # Errors
    /// As [`RuleSet::compile`].
    pub fn new(files: &'a Files, texts: &BTreeMap<String, String>) -> Result<Self, Vec<Diagnostic>> {
        let (rules, mutated) = (RuleSet::compile(files)?, RuleSet::compile(files)?);
        let read = texts.iter().filter_map(|(file, text)| Fixture::read(file, text, &rules).ok());
        let read: Vec<_> = read.filter(|fixture| fixture.skip.is_none()).collect();
        let passing = read.into_iter().filter(|fixture| failing(fixture, &rules).is_none());
        let fixtures = passing.map(|fixture| {
            let readers = readers(&fixture, &rules);
            (fixture, readers)
        });
        let fixtures = fixtures.collect();
        Ok(Self { files, rules, mutated, fixtures, broken: BTreeMap::new() })
    }

    /// What becomes of a mutant.
    pub fn fate(&mut self, mutant: &Mutant) -> Fate {
        let is_its = |rule: &Rule| mutant.rule.as_deref() == Some(&*rule.name);
        match self.rules.rules().iter().position(is_its) {
            Some(index) => self.fate_of_rule(mutant, index),
            None => self.fate_of_all(mutant),
        }
    }

    /// Whether a file is a guard, or a module that no merge imports, directly or by another module.
    fn is_of_guards(&self, file: &str) -> bool {
        let Some(module) = file.strip_suffix(".rhai") else { return false };
        let imports = |text: &str| text.contains(&format!("\"{module}\""));
        let users =
            self.files.0.iter().filter(|(user, text)| user.ends_with(".rhai") && *user != file && imports(text));
        file.ends_with(".guard.rhai")
            || (file.starts_with("lib/") && users.map(|(user, _)| user).all(|user| self.is_of_guards(user)))
    }

    /// Every fixture that fails under a mutant.
    pub fn killers(&mut self, mutant: &Mutant) -> Vec<String> {
        let is_its = |rule: &Rule| mutant.rule.as_deref() == Some(&*rule.name);
        let Some(index) = self.rules.rules().iter().position(is_its) else {
            let Ok(mutated) = RuleSet::compile(&mutant.applied(self.files)) else { return Vec::new() };
            return self.fixtures.iter().filter_map(|(fixture, _)| failing(fixture, &mutated)).collect();
        };
        let Ok(changed) = self.changed(mutant) else { return Vec::new() };
        let own = self.mutated.replace(index, changed);
        let failed = self.fixtures.iter().filter_map(|(fixture, _)| failing(fixture, &self.mutated)).collect();
        let _ = own.and_then(|own| self.mutated.replace(index, own));
        failed
    }

    /// The rule of a mutant, compiled alone.
    fn changed(&self, mutant: &Mutant) -> Result<Rule, Fate> {
        let rules = lone(&mutant.applied(self.files), mutant.rule.as_deref().unwrap_or_default());
        let rules = rules.map_err(|errors| refused(&errors))?;
        rules.into_rules().into_iter().next().ok_or(Fate::Refused(Code::P020))
    }

    /// A mutant of one rule: the others are not compiled again.
    fn fate_of_rule(&mut self, mutant: &Mutant, index: usize) -> Fate {
        let changed = match self.changed(mutant) {
            Ok(changed) => changed,
            Err(refused) => return refused,
        };
        let known = self.broken(index);
        let own = self.mutated.replace(index, changed);
        let noticed = self.failed(Some(index)).or_else(|| self.breaks_another(index, &known));
        let _ = own.and_then(|own| self.mutated.replace(index, own));
        noticed.unwrap_or_else(|| self.told_apart(mutant, index))
    }

    /// A mutant of what several rules share.
    fn fate_of_all(&mut self, mutant: &Mutant) -> Fate {
        let changed = match RuleSet::compile(&mutant.applied(self.files)) {
            Ok(changed) => changed,
            Err(errors) => return refused(&errors),
        };
        let rules = 0..self.rules.rules().len();
        let known: Vec<_> = rules.clone().map(|index| self.broken(index)).collect();
        let own = std::mem::replace(&mut self.mutated, changed);
        let broken = known.iter().enumerate().find_map(|(index, known)| self.breaks_another(index, known));
        let noticed = self.failed(None).or(broken);
        // no login asks a guard
        let is_guard = self.is_of_guards(&mutant.file);
        let told =
            || rules.filter(|_| !is_guard).map(|index| self.told_apart(mutant, index)).find(|fate| *fate != Fate::Same);
        let unseen = if is_guard { Fate::Living(String::new()) } else { Fate::Same };
        let fate = noticed.or_else(told).unwrap_or(unseen);
        self.mutated = own;
        fate
    }

    /// The first fixture that fails, of those that a rule reads something of.
    fn failed(&self, index: Option<usize>) -> Option<Fate> {
        let concerned = self.fixtures.iter().filter(|(_, readers)| index.is_none_or(|index| readers.contains(&index)));
        concerned.map(|(fixture, _)| fixture).find_map(|fixture| failing(fixture, &self.mutated)).map(Fate::Failed)
    }

    /// A law that the mutant breaks, and the rule does not.
    fn breaks_another(&self, index: usize, known: &[Law]) -> Option<Fate> {
        let broken = breaks(&self.mutated, self.mutated.rules().get(index)?);
        broken.into_iter().find(|law| !known.contains(law)).map(Fate::Broken)
    }

    /// The laws that a rule breaks as it is.
    fn broken(&mut self, index: usize) -> Vec<Law> {
        let (rules, known) = (&self.rules, &mut self.broken);
        let ask = || rules.rules().get(index).map(|rule| breaks(rules, rule)).unwrap_or_default();
        known.entry(index).or_insert_with(ask).clone()
    }

    /// A login that tells a mutant from its rule, as a fixture. The other rules have no part in it.
    fn told_apart(&self, mutant: &Mutant, index: usize) -> Fate {
        let Some(name) = self.rules.rules().get(index).map(|rule| &rule.name) else { return Fate::Same };
        let both = (lone(self.files, name), lone(&mutant.applied(self.files), name));
        let (Ok(own), Ok(mutated)) = both else { return Fate::Same };
        let ([rule], [mutant]) = (own.rules(), mutated.rules()) else { return Fate::Same };
        let differs = |case: &Case, trigger: &str| {
            let Some((event, head)) = event(rule, case, trigger) else { return false };
            // what a fixture cannot say is no difference
            let of = |rules: &RuleSet| fixture(rule, &head, &event, &decided(rules, &event));
            of(&own) != of(&mutated)
        };
        let found = [rule, mutant].into_iter().find_map(|sampled| {
            let cases = cases(sampled);
            cases
                .into_iter()
                .find_map(|case| TRIGGERS.into_iter().find(|one| differs(&case, one)).map(|one| (case, one)))
        });
        let Some((case, trigger)) = found else { return Fate::Same };
        let case = smaller(&case, SHRINK_STEPS, &|case| differs(case, trigger));
        event(rule, &case, trigger).map_or(Fate::Same, |(event, head)| {
            Fate::Living(fixture(rule, &head, &event, &decided(&self.rules, &event)))
        })
    }
}

/// The triggers of generated logins.
const TRIGGERS: [&str; 2] = ["login", "signup"];

/// Logins that may tell two versions of a rule apart: what passes, and what a visitor may send all the same.
fn cases(rule: &Rule) -> Vec<Case> {
    let mut generator = rule.generator(SEED);
    let edges = generator.edges();
    let login = |(account, anonymous)| generator.login(account, anonymous, Json::Null);
    let mut cases: Vec<Case> = edges.into_iter().map(login).collect();
    cases.extend((0..COMPARED).map(|_| generator.case()));
    let disturbed = cases.iter().take(DISTURBED).flat_map(|case| {
        let account = case.account.clone();
        let values = generator.disturbed(&case.anonymous);
        values.into_iter().map(move |anonymous| Case { account: account.clone(), anonymous, ..case.clone() })
    });
    let disturbed: Vec<Case> = disturbed.collect();
    cases.extend(disturbed);
    cases
}

fn decided(rules: &RuleSet, event: &Event) -> Decision {
    rules.evaluate(event, &Given::assumed())
}

fn refused(errors: &[Diagnostic]) -> Fate {
    use crate::diagnostic::Severity;
    let first = errors.iter().find(|one| one.severity == Severity::Error);
    Fate::Refused(first.map_or(Code::P001, |one| one.code))
}

/// One rule of a policy, compiled without the others.
fn lone(files: &Files, name: &str) -> Result<RuleSet, Vec<Diagnostic>> {
    RuleSet::compile(&alone(files, name))
}

/// The policy with one of its rules only.
fn alone(files: &Files, name: &str) -> Files {
    let mut all = files.0.clone();
    let text = files.get(POLICY_FILE).unwrap_or_default();
    let document = Document::read(text.as_bytes()).ok();
    let rules = document.as_ref().and_then(|document| document.root().get("rules"));
    if let Some(rules) = rules {
        let is_it = |rule: &View<'_>| rule.get("name").is_some_and(|own| own.word() == name);
        let own = rules.items().find(is_it).map(|rule| text.get(super::span(rule)).unwrap_or_default().to_owned());
        let mut text = text.to_owned();
        text.replace_range(super::span(rules), &format!("[{}]", own.unwrap_or_default()));
        all.insert(POLICY_FILE.to_owned(), text);
    }
    let owners = super::owners(files);
    let is_its = |file: &str| owners.get(file).is_some_and(|rules| rules.iter().any(|rule| rule == name));
    let is_own = |file: &str| is_its(file) || file == POLICY_FILE;
    let own: Vec<String> = all.iter().filter(|(file, _)| is_own(file)).map(|(_, text)| text.clone()).collect();
    // a file of another rule stays where one of its own names it
    let is_named = |file: &str| own.iter().any(|text| text.contains(file));
    let is_of_a_rule = |file: &str| file.ends_with(".schema.json") || file.ends_with(".merge.rhai");
    all.retain(|file, _| !is_of_a_rule(file) || is_own(file) || is_named(file));
    Files(all)
}

/// The file of a fixture that fails under some rules.
fn failing(fixture: &Fixture, rules: &RuleSet) -> Option<String> {
    let failures = judge_guard(fixture, rules).unwrap_or_else(|| judge(fixture, &decide(fixture, rules), rules));
    (!failures.is_empty()).then(|| fixture.file.clone())
}

fn decide(fixture: &Fixture, rules: &RuleSet) -> Result<(Event, Decision), Refusal> {
    let event = Event::read(&fixture.body, rules.provider())?;
    let decision = rules.evaluate(&event, &fixture.given);
    Ok((event, decision))
}

/// The rules that read something of a fixture's event, on whatever trigger.
fn readers(fixture: &Fixture, rules: &RuleSet) -> Vec<usize> {
    let Ok(event) = Event::read(&fixture.body, rules.provider()) else { return Vec::new() };
    let Some(session) = event.session.as_ref() else { return Vec::new() };
    let reads = |rule: &Rule| !matches!(rule.found(session), crate::event::Found::Nothing);
    rules.rules().iter().enumerate().filter(|(_, rule)| reads(rule)).map(|(index, _)| index).collect()
}

/// The laws that a rule breaks, of those that it must keep.
fn breaks(rules: &RuleSet, rule: &Rule) -> Vec<Law> {
    // the others are only shown, or hold whatever a mutant does
    let laws = Law::ALL.into_iter().filter(|law| law.must_hold() && !matches!(law, Law::Identity | Law::Protected));
    let trial = laws::ask_some(rules, rule, &laws.collect::<Vec<_>>(), (LAW_CASES, SEED), &|| false);
    let waived = |law: Law| rule.waivers.iter().any(|(name, _)| name == law.name());
    let is_once = |law: Law| law == Law::Relogin && rules.takes_once();
    let broken = trial.tallies.iter().filter(|tally| tally.broken > 0 && tally.law.must_hold());
    broken.map(|tally| tally.law).filter(|law| !waived(*law) && !is_once(*law)).collect()
}

/// The event of a login, and the members of its fixture that make it.
fn event(rule: &Rule, case: &Case, trigger: &str) -> Option<(Event, String)> {
    let quoted = |text: &str| Json::text(text).view().to_text();
    let mut metadata = case.anonymous.view().to_text();
    for token in rule.from.tokens().iter().rev() {
        metadata = format!("{{ {}: {metadata} }}", quoted(token));
    }
    let account = case.account.as_ref();
    let state = account.map(|account| format!("{{ {}: {} }}", quoted(&rule.root), account.view().to_text()));
    let state = state.unwrap_or_else(|| "{}".to_owned());
    let trigger = if trigger == "login" { String::new() } else { format!("  \"trigger\": \"{trigger}\",\n") };
    let head = format!("{trigger}  \"anonymous\": {metadata},\n  \"{}\": {state}", rule.sink.word());
    let case = Document::read(format!("{{{head}}}").as_bytes()).ok()?;
    let event = Event::read(&body(case.root()), rule.provider).ok()?;
    Some((event, head))
}

/// A fixture that says what the rule makes of an event.
fn fixture(rule: &Rule, head: &str, event: &Event, decision: &Decision) -> String {
    let [app, user] = after(event, decision);
    let state = if rule.sink == Sink::App { crate::author::judge::without(app, crate::receipt::ROOT) } else { user };
    let findings: Vec<_> = decision.findings.iter().map(|one| Json::text(&short(one)).view().to_text()).collect();
    format!(
        "{{\n{head},\n  \"expect\": {{\n    \"status\": \"{}\",\n    \"{}\": {},\n    \"findings\": [{}]\n  }}\n}}\n",
        decision.status.word(),
        rule.sink.word(),
        state.view().to_text(),
        findings.join(", ")
    )
}
