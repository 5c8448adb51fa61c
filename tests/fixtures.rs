//! The fixtures: run as `handover test` runs them, and no two of them for the same fact.

use std::collections::BTreeMap;

use handover::cli::test::Until;
use handover::{cli, files, transfer};
use handover_engine::author::coverage::Coverage;
use handover_engine::author::fixture::Fixture;
use handover_engine::author::mutants::{self, Bench};
use handover_engine::decision::{Command, SkipReason};
use handover_engine::diagnostic::Diagnostic;
use handover_engine::guard::Operation;
use handover_engine::json::{Document, View};
use handover_engine::merge::{Function, Named};
use handover_engine::ruleset::{Given, RuleSet};

use crate::binary::{handover, root};

fn shipped() -> (RuleSet, BTreeMap<String, String>) {
    let rules = RuleSet::compile(&files::policy(&root().join("rules")).unwrap()).unwrap();
    (rules, files::fixtures(&root().join("fixtures")).unwrap())
}

#[test]
fn all_pass_and_every_property_holds() {
    let (rules, texts) = shipped();
    let run = cli::test::cases(&rules, &texts, Until::End);
    assert!(run.failures.is_empty(), "{:#?}", run.failures);
    assert!(run.passed >= 30 && run.failed == 0, "{run:?}");
}

#[test]
fn every_function_and_preset_has_a_case_that_works_and_one_that_refuses() {
    let catalogue = root().join("tests/catalogue");
    let rules = RuleSet::compile(&files::policy(&catalogue.join("rules")).unwrap()).unwrap();
    let texts = files::fixtures(&catalogue.join("fixtures")).unwrap();
    let run = cli::test::cases(&rules, &texts, Until::End);
    assert!(run.failures.is_empty(), "{:#?}", run.failures);
    let shown: String = files::policy(&catalogue.join("rules")).unwrap().0.into_values().collect();
    let functions = Function::ALL.iter().map(|function| function.name);
    for name in functions.chain(Named::ALL.iter().map(|named| named.name)).chain(["skip"]) {
        assert!(shown.contains(name), "`{name}` has no rule");
    }
    for rule in rules.rules() {
        for case in ["works", "refuses"] {
            assert!(texts.contains_key(&format!("{}/{case}.json", rule.name)), "{}: {case}", rule.name);
        }
    }
}

#[test]
fn the_command_runs_them_too() {
    let output = handover(&["test"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains(" passed, 0 failed, 0 skipped"), "{text}");
}

#[test]
fn a_machine_is_told_of_each_case_what_it_cost() {
    let output = handover(&["test", "--filter", "cart/two-currencies", "--format", "json"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, cases) = text.split_once("\"cases\":").unwrap();
    let told = "[{\"file\":\"fixtures/cart/two-currencies-are-left-alone.json\",\"name\":\"two currencies are left alone\",\"status\":\"passed\",\"ops\":";
    let (_, rest) = cases.split_once(told).unwrap_or_else(|| panic!("{cases}"));
    let operations: u64 = rest.split('}').next().unwrap().parse().unwrap();
    assert!((10..1_000).contains(&operations), "{operations}");
}

/// What a case alone comes to of the rules.
fn reached(fixture: &Fixture) -> Vec<(String, &'static str)> {
    let mut coverage = Coverage::new(&files::policy(&root().join("rules")).unwrap()).unwrap();
    coverage.add(fixture);
    let sides = coverage.places().into_iter().flat_map(|place| {
        let reached = place.sides.into_iter().filter(|(_, count)| *count > 0);
        reached.map(move |(side, _)| (place.at.to_string(), side)).collect::<Vec<_>>()
    });
    sides.collect()
}

/// What a case is about: status, reason or code, what each rule noticed, and which roots are written; or the operation, and
/// what its guard says.
fn fact(rules: &RuleSet, fixture: &Fixture) -> String {
    if let Some((name, asked)) = fixture.operation() {
        let anonymous = Document::read(br#"{ "sub": "anon|1" }"#).unwrap();
        let token = asked.get("token").unwrap_or(anonymous.root());
        let verdict = rules.authorize(Operation { name: &name, body: asked.get("body"), token });
        return format!("{name} {verdict:?} {:?}", token.get("sub").map(View::word));
    }
    match transfer::decide(rules, &fixture.body, &Given::default()) {
        Err(refusal) => format!("refused {}", refusal.code()),
        Ok((_, decision)) => {
            let findings = decision.findings.iter().map(|finding| {
                let rule = finding.rule.as_deref().unwrap_or_default();
                let cause = finding.cause.as_ref().map_or("", |(_, keyword)| keyword.word());
                format!("{rule} {} {} {cause}", finding.notice.keyword(), finding.action())
            });
            let mut findings: Vec<_> = findings.collect();
            findings.sort();
            findings.dedup();
            let written = decision.commands.iter().filter_map(|command| match command {
                Command::Set { key, .. } => Some(key.as_str()),
                Command::SetReceipt(_) | Command::ClearAnonymousSession => None,
            });
            let reason = decision.status.reason().map(SkipReason::word).unwrap_or_default();
            format!("{} {reason} {:?} {findings:?}", decision.status.word(), written.collect::<Vec<_>>())
        }
    }
}

#[test]
fn no_two_are_about_the_same_fact_and_a_third_are_failures() {
    let (rules, texts) = shipped();
    let policy = files::policy(&root().join("rules")).unwrap();
    let mut bench = Bench::new(&policy, &texts).unwrap();
    let mut killed = BTreeMap::<String, Vec<usize>>::new();
    for (index, mutant) in mutants::all(&policy).iter().enumerate() {
        bench.killers(mutant).into_iter().for_each(|file| killed.entry(file).or_default().push(index));
    }
    let mut facts = BTreeMap::<String, String>::new();
    let mut failures = 0;
    for (file, text) in &texts {
        let fixture = Fixture::read(file, text, &rules).unwrap();
        let fact = fact(&rules, &fixture);
        failures += usize::from(!(fact.starts_with("transferred") || fact.contains("allow")) || fact.contains("drop"));
        let about = format!("{fact} {:?} {:?}", reached(&fixture), killed.get(file));
        if let Some(other) = facts.insert(about, file.clone()) {
            panic!("{file} and {other}: {fact}");
        }
    }
    assert!(failures * 3 >= texts.len(), "{failures} of {} are failures or hostile", texts.len());
}

#[test]
fn one_mistake_of_a_case_is_one_failure_at_its_place() {
    let (rules, _) = shipped();
    let case = "{\n  \"trigger\": \"login\",\n  \"at\": \"2026-11-23T10:00:00Z\",\n  \"anonymous\": { \"cart\": { \"items\": [] } },\n  \"expect\": { \"status\": \"unchanged\" }\n}\n";
    for (from, to, code, line, said) in [
        ("\"login\"", "\"log in\"", "F011", 2, "unknown trigger `log in`"),
        ("\"login\"", "5", "F005", 2, "`trigger` takes `login` or `signup`"),
        ("2026-11-23T10", "yesterday", "F005", 3, "`at` takes a time as RFC 3339 text, not `yesterday:00:00Z`"),
        ("\"trigger\"", "\"session\": { \"created_at\": \"x\" }, \"trigger\"", "F005", 2, "`created_at` takes a time"),
        (
            "\"trigger\"",
            "\"visible\": \"app_metadata.cart\", \"trigger\"",
            "F005",
            2,
            "`visible` takes a list of strings",
        ),
        ("\"expect\"", "\"expects\"", "F003", 5, "unknown member `expects`"),
        ("\"status\"", "\"statos\"", "F003", 5, "unknown member `statos`"),
    ] {
        let texts = BTreeMap::from([("case.json".to_owned(), case.replacen(from, to, 1))]);
        let failures = cli::test::cases(&rules, &texts, Until::End).failures;
        let is_it =
            |one: &Diagnostic| one.code.as_str() == code && one.start.line == line && one.message.contains(said);
        assert!(failures.len() == 1 && failures.iter().all(is_it), "{to}: {failures:#?}");
    }
}
