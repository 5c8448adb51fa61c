//! Guards: what an anonymous caller may do, as fixtures ask it.

use std::collections::BTreeMap;

use handover::cli::test::{Until, cases};
use handover_engine::author::coverage::{self, Coverage};
use handover_engine::author::fixture::Fixture;
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;

const GUARD: &str = "/// Guests may check out with an address to write to.
fn authorize(request) {
    if request.body?.total > 100 { return deny(\"too much\"); }
    if request.body?.email == () { return require([\"email\"], \"an address for the order\"); }
    allow()
}
";

fn files(guard: &str) -> Files {
    let policy = r#"{ "name": "shop", "rules": [ { "name": "a", "to": "app_metadata.a", "merge": "anonymous" } ] }"#;
    let files =
        [("policy.json", policy), ("a.schema.json", r#"{ "type": "boolean" }"#), ("checkout.guard.rhai", guard)];
    Files(files.into_iter().map(|(file, text)| (file.to_owned(), text.to_owned())).collect())
}

/// A guard's case, and the codes and places of what is wrong with it.
#[track_caller]
fn check(guard: &str, case: &str, expected: &[&str]) {
    let rules = RuleSet::compile(&files(guard)).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let texts = BTreeMap::from([("checkout/case.json".to_owned(), case.to_owned())]);
    let run = cases(&rules, &texts, Until::End);
    let failures = run.failures.iter().map(|one| format!("{} {}", one.code, one.start.column));
    assert_eq!(failures.collect::<Vec<_>>(), expected, "{case}: {:#?}", run.failures);
}

#[test]
fn a_guard_allows_denies_and_requires() {
    check(
        GUARD,
        r#"{ "authorize": { "operation": "checkout", "body": { "email": "x" } }, "expect": { "outcome": "allow" } }"#,
        &[],
    );
    let require = r#"{ "outcome": "require", "fields": ["email"], "reason": "an address for the order" }"#;
    check(GUARD, &format!(r#"{{ "authorize": {{ "operation": "checkout" }}, "expect": {require} }}"#), &[]);
    let deny = r#"{ "outcome": "deny", "reason": "too much" }"#;
    let asked = r#"{ "operation": "checkout", "body": { "total": 101 } }"#;
    check(GUARD, &format!(r#"{{ "authorize": {asked}, "expect": {deny} }}"#), &[]);
}

#[test]
fn who_logged_in_is_asked_nothing_and_what_has_no_guard_is_denied() {
    let known = r#"{ "operation": "checkout", "token": { "sub": "auth0|1" } }"#;
    check(GUARD, &format!(r#"{{ "authorize": {known}, "expect": {{ "outcome": "allow", "reason": "" }} }}"#), &[]);
    let other = r#"{ "operation": "comment", "token": { "sub": "anon@1" } }"#;
    check(
        GUARD,
        &format!(r#"{{ "authorize": {other}, "expect": {{ "outcome": "deny", "reason": "no_guard" }} }}"#),
        &[],
    );
}

#[test]
fn a_guard_that_fails_denies() {
    let failing = |body: &str, reason: &str| {
        let guard = format!("fn authorize(request) {{\n    {body}\n}}\n");
        let expect = format!(r#"{{ "outcome": "deny", "reason": "{reason}" }}"#);
        check(&guard, &format!(r#"{{ "authorize": {{ "operation": "checkout" }}, "expect": {expect} }}"#), &[]);
    };
    failing("throw \"x\"", "script_failed");
    failing("true", "script_failed");
    failing("require([1], \"x\")", "script_failed");
    failing("let n = 0; while request.anonymous { n += 1; } allow()", "budget_exceeded");
}

#[test]
fn what_a_case_expects_wrongly_is_said_at_its_place() {
    let asked = r#"{ "operation": "checkout" }"#;
    check(GUARD, &format!(r#"{{ "authorize": {asked}, "expect": {{ "outcome": "deny" }} }}"#), &["F021 68"]);
    check(GUARD, &format!(r#"{{ "authorize": {asked}, "expect": {{ "outcome": "alow" }} }}"#), &["F011 68"]);
    check(
        GUARD,
        &format!(r#"{{ "authorize": {asked}, "expect": {{ "status": "skipped" }} }}"#),
        &["F003 57", "F004 55"],
    );
    check(GUARD, r#"{ "authorize": { "opration": "x" }, "expect": { "outcome": "deny" } }"#, &["F003 18"]);
}

#[test]
fn its_statements_and_branches_are_covered() {
    let files = files(GUARD);
    let rules = RuleSet::compile(&files).unwrap();
    let mut coverage = Coverage::new(&files).unwrap();
    let missing = |coverage: &Coverage| {
        let missing = coverage::missing(&coverage.places());
        missing
            .into_iter()
            .filter(|one| one.span.file == "checkout.guard.rhai")
            .map(|one| one.span.start.line)
            .collect::<Vec<_>>()
    };
    assert_eq!(missing(&coverage), [3, 3, 3, 4, 4, 4, 5]);
    for body in [r#"{ "total": 101 }"#, r#"{ "total": 1 }"#, r#"{ "total": 1, "email": "x" }"#] {
        let case = format!(
            r#"{{ "authorize": {{ "operation": "checkout", "body": {body} }}, "expect": {{ "outcome": "allow" }} }}"#
        );
        coverage.add(&Fixture::read("case.json", &case, &rules).unwrap());
    }
    // no case comes without a body
    assert_eq!(missing(&coverage), [3, 4]);
}
