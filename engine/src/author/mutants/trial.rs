//! Whether somebody notices a mutant: `check`, the fixtures of its rule, the laws, or else a generated login.

use std::collections::BTreeMap;

use super::Mutant;
use crate::author::fixture::{Fixture, body};
use crate::author::judge::{after, judge, judge_guard, short};
use crate::author::laws::{self, Law};
use crate::decision::Decision;
use crate::diagnostic::Diagnostic;
use crate::event::{Event, Refusal, Sink};
use crate::json::{Document, Json, View};
use crate::policy::{Files, POLICY_FILE};
use crate::rule::Rule;
use crate::ruleset::{Given, RuleSet};

/// Logins on which laws are asked, and where they come from.
const LAW_CASES: usize = 40;
/// Generated logins that are compared, of the rule's own values and of the mutant's.
const COMPARED: usize = 150;
const SEED: u64 = 11;

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// `check` refuses it, with this code.
    Refused(&'static str),
    /// This fixture fails.
    Failed(String),
    /// The rule breaks this law.
    Broken(Law),
    /// Nobody notices: this fixture would.
    Living(String),
    /// Nobody notices, and no generated login tells it from the rule.
    Same,
}

/// The rules as they are, and their fixtures: what mutants are compared with. A thread has its own.
pub struct Bench<'a> {
    files: &'a Files,
    rules: RuleSet,
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
    /// Rules, and fixtures by file; invalid and skipped ones notice nothing.
    ///
    /// # Errors
    /// As [`RuleSet::compile`].
    pub fn new(files: &'a Files, texts: &BTreeMap<String, String>) -> Result<Self, Vec<Diagnostic>> {
        let rules = RuleSet::compile(files)?;
        let read = texts.iter().filter_map(|(file, text)| Fixture::read(file, text, &rules).ok());
        let read: Vec<_> = read.filter(|fixture| fixture.skip.is_none()).collect();
        let passing = read.into_iter().filter(|fixture| failing(fixture, &rules).is_none());
        let fixtures = passing.map(|fixture| {
            let readers = readers(&fixture, &rules);
            (fixture, readers)
        });
        let fixtures = fixtures.collect();
        Ok(Self { files, rules, fixtures, broken: BTreeMap::new() })
    }

    /// What becomes of a mutant.
    pub fn fate(&mut self, mutant: &Mutant) -> Fate {
        let index = mutant.rule.as_ref().and_then(|name| self.rules.rules().iter().position(|rule| *rule.name == **name));
        match index {
            Some(index) => self.fate_of_rule(mutant, index),
            None => self.fate_of_all(mutant),
        }
    }

    /// A mutant of one rule: the others are not compiled again.
    fn fate_of_rule(&mut self, mutant: &Mutant, index: usize) -> Fate {
        let files = alone(&mutant.applied(self.files), mutant.rule.as_deref().unwrap_or_default());
        let one = match RuleSet::compile(&files) {
            Ok(one) => one,
            Err(errors) => return refused(&errors),
        };
        let Some(changed) = one.into_rules().into_iter().next() else { return Fate::Refused("P003") };
        let known = self.broken(index);
        let own = self.rules.replace(index, changed);
        let fate = self.noticed(Some(index), &known);
        let changed = own.and_then(|own| self.rules.replace(index, own));
        fate.unwrap_or_else(|| changed.map_or(Fate::Same, |changed| self.told_apart(index, changed)))
    }

    /// A mutant of what several rules share.
    fn fate_of_all(&mut self, mutant: &Mutant) -> Fate {
        let changed = match RuleSet::compile(&mutant.applied(self.files)) {
            Ok(changed) => changed,
            Err(errors) => return refused(&errors),
        };
        let own = std::mem::replace(&mut self.rules, changed);
        let fate = self.noticed(None, &[]);
        let changed = std::mem::replace(&mut self.rules, own);
        if let Some(fate) = fate {
            return fate;
        }
        for (index, rule) in changed.into_rules().into_iter().enumerate() {
            if let living @ Fate::Living(_) = self.told_apart(index, rule) {
                return living;
            }
        }
        Fate::Same
    }

    /// Whether a fixture fails under the rules as they are now, or a law breaks that held.
    fn noticed(&self, index: Option<usize>, known: &[Law]) -> Option<Fate> {
        let concerned = self.fixtures.iter().filter(|(_, readers)| index.is_none_or(|index| readers.contains(&index)));
        let failed = concerned.map(|(fixture, _)| fixture).find_map(|fixture| failing(fixture, &self.rules));
        if let Some(file) = failed {
            return Some(Fate::Failed(file));
        }
        let rule = self.rules.rules().get(index?)?;
        breaks(&self.rules, rule).into_iter().find(|law| !known.contains(law)).map(Fate::Broken)
    }

    fn broken(&mut self, index: usize) -> Vec<Law> {
        let Some(rule) = self.rules.rules().get(index) else { return Vec::new() };
        if let Some(known) = self.broken.get(&index) {
            return known.clone();
        }
        let broken = breaks(&self.rules, rule);
        self.broken.insert(index, broken.clone());
        broken
    }

    /// A login that tells a changed rule from the one that it was, as a fixture.
    fn told_apart(&mut self, index: usize, changed: Rule) -> Fate {
        let Some(rule) = self.rules.rules().get(index) else { return Fate::Same };
        let mut logins: Vec<(Option<Json>, Json)> = Vec::new();
        for sanitized_by in [rule, &changed] {
            let mut generator = sanitized_by.generator(SEED);
            logins.extend((0..COMPARED).map(|_| generator.case()).map(|case| (case.account, case.anonymous)));
        }
        let events: Vec<_> = logins.iter().filter_map(|(account, visitor)| event(rule, account.as_ref(), visitor)).collect();
        let decide = |rules: &RuleSet, event: &Event| rules.evaluate(event, &Given::default());
        let before: Vec<Decision> = events.iter().map(|(event, _)| decide(&self.rules, event)).collect();
        let own = self.rules.replace(index, changed);
        let differs = |(event, before): (&(Event, String), &Decision)| {
            decide(&self.rules, &event.0).to_bytes() != before.to_bytes()
        };
        let found = events.iter().zip(&before).position(differs);
        if let Some(own) = own {
            let _ = self.rules.replace(index, own);
        }
        let told = found.and_then(|at| Some((events.get(at)?, before.get(at)?)));
        let Some(((event, case), decision)) = told else { return Fate::Same };
        let Some(rule) = self.rules.rules().get(index) else { return Fate::Same };
        Fate::Living(fixture(rule, case, event, decision))
    }
}

fn refused(errors: &[Diagnostic]) -> Fate {
    use crate::diagnostic::Severity;
    let first = errors.iter().find(|one| one.severity == Severity::Error);
    Fate::Refused(first.map_or("P001", |one| one.code))
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
    let is_own = |file: &str| file.split('.').next() == Some(name) || file == POLICY_FILE;
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
    let decision = rules.evaluate(&event, &Given::default());
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
    let trial = laws::ask(rules, rule, LAW_CASES, SEED, &|| false);
    let waived = |law: Law| rule.waivers.iter().any(|(name, _)| name == law.name());
    let is_once = |law: Law| law == Law::Relogin && rules.takes_once();
    let broken = trial.tallies.iter().filter(|tally| tally.broken > 0 && tally.law.must_hold());
    broken.map(|tally| tally.law).filter(|law| !waived(*law) && !is_once(*law)).collect()
}

/// The event of a login, and the members of its fixture that make it.
fn event(rule: &Rule, account: Option<&Json>, visitor: &Json) -> Option<(Event, String)> {
    let quoted = |text: &str| Json::text(text).view().to_text();
    let mut metadata = visitor.view().to_text();
    for token in rule.from.tokens().iter().rev() {
        metadata = format!("{{{}: {metadata}}}", quoted(token));
    }
    let state = account.map(|account| format!("{{{}: {}}}", quoted(&rule.root), account.view().to_text()));
    let state = state.unwrap_or_else(|| "{}".to_owned());
    let trigger = rule.on.as_ref().and_then(|on| on.first()).map_or("login", |trigger| trigger.word());
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
