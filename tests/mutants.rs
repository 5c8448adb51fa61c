//! Mutation testing of rules: what nobody notices is found, with a fixture that notices it; the shipped rules leave nothing.

use std::collections::BTreeMap;

use handover::files;
use handover_engine::author::fixture::Fixture;
use handover_engine::author::judge::judge;
use handover_engine::author::mutants::{self, Bench, Fate};
use handover_engine::policy::Files;
use handover_engine::ruleset::{Given, RuleSet};

use crate::binary::{handover, root, temporary};

const SCHEMA: &str = r#"{ "type": "object", "required": ["n"], "additionalProperties": false, "properties": {
  "n": { "type": "integer", "minimum": 1, "maximum": 9 } } }"#;

fn policy(merge: &str, script: Option<&str>) -> Files {
    let text =
        format!(r#"{{ "name": "test", "rules": [ {{ "name": "a", "to": "app_metadata.a", "merge": {merge} }} ] }}"#);
    let mut all = BTreeMap::from([("policy.json".to_owned(), text), ("a.schema.json".to_owned(), SCHEMA.to_owned())]);
    all.extend(script.map(|script| ("a.merge.rhai".to_owned(), script.to_owned())));
    Files(all)
}

/// The changes of a policy, each with what became of it.
fn fates(files: &Files, fixtures: &[&str]) -> Vec<(String, Fate)> {
    let texts = fixtures.iter().enumerate().map(|(at, text)| (format!("a/{at}.json"), (*text).to_owned())).collect();
    let mut bench = Bench::new(files, &texts).unwrap();
    mutants::all(files).iter().map(|mutant| (mutant.change.clone(), bench.fate(mutant))).collect()
}

#[track_caller]
fn fate(files: &Files, fixtures: &[&str], change: &str) -> Fate {
    let all = fates(files, fixtures);
    let found = all.iter().find(|(own, _)| own == change);
    found.unwrap_or_else(|| panic!("`{change}` is none of {all:?}")).1.clone()
}

const FILL: &str = r#"{ "merge_fields": { "n": "fill" } }"#;
const NINE: &str = r#"{ "anonymous": { "a": { "n": 9 } }, "expect": { "status": "transferred", "app_metadata": { "a": { "n": 9 } }, "findings": [] } }"#;
const TEN: &str = r#"{ "anonymous": { "a": { "n": 10 } }, "expect": { "status": "unchanged", "app_metadata": {}, "findings": ["drop /a"] } }"#;

#[test]
fn a_bound_lives_until_both_its_sides_are_tested() {
    let files = policy(FILL, None);
    let is_living = |fate: Fate| matches!(fate, Fate::Living(_));
    assert!(is_living(fate(&files, &[], "`maximum` 9 → 10")) && is_living(fate(&files, &[], "`maximum` 9 → 8")));
    assert_eq!(fate(&files, &[NINE], "`maximum` 9 → 8"), Fate::Failed("a/0.json".to_owned()));
    assert!(is_living(fate(&files, &[NINE], "`maximum` 9 → 10")));
    assert_eq!(fate(&files, &[NINE, TEN], "`maximum` 9 → 10"), Fate::Failed("a/1.json".to_owned()));
}

#[test]
fn the_fixture_that_is_shown_passes_under_the_rules_and_kills_its_mutant() {
    let files = policy(FILL, None);
    let rules = RuleSet::compile(&files).unwrap();
    let mut living = 0;
    for (change, fate) in fates(&files, &[NINE]) {
        let Fate::Living(text) = fate else { continue };
        living += 1;
        let fixture =
            Fixture::read("a/shown.json", &text, &rules).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let answer = handover::transfer::decide(&rules, &fixture.body, &Given::default());
        assert_eq!(judge(&fixture, &answer, &rules).len(), 0, "{change}: {text}");
        let now = self::fate(&files, &[NINE, &text], &change);
        assert_eq!(now, Fate::Failed("a/1.json".to_owned()), "{change}: {text}");
    }
    assert!(living > 4, "{living}");
}

#[test]
fn operators_constants_and_strategies_of_scripts_are_changed() {
    let script = "fn merge(account, anonymous, context) {\n    // \"max\" > 3\n    if anonymous.n > 3 && account == () { return anonymous; }\n    keyed_union(account, anonymous, #{ key: \"n\", on_match: #{ n: \"max\" } })\n}";
    let files = policy("\"a.merge.rhai\"", Some(script));
    let changes: Vec<_> = mutants::all(&files).into_iter().filter(|one| one.file == "a.merge.rhai").collect();
    let changes: Vec<_> = changes.iter().map(|one| format!("{} {}", one.at.line, one.change)).collect();
    assert_eq!(
        changes,
        [
            "3 `>` → `>=`",
            "3 `>` → `<`",
            "3 `3` → `4`",
            "3 `3` → `2`",
            "3 `&&` → `||`",
            "3 `==` → `!=`",
            "4 `\"max\"` → `\"min\"`"
        ]
    );
}

#[test]
fn a_law_kills_what_no_fixture_does() {
    let script = "fn merge(account, anonymous, context) {\n    merge_fields(account, anonymous, #{ n: \"max\" })\n}";
    let files = policy("\"a.merge.rhai\"", Some(script));
    assert!(matches!(fate(&files, &[], "`\"max\"` → `\"min\"`"), Fate::Living(_)));
    let once = Files(files.0.iter().map(|(file, text)| (file.clone(), text.replace("max", "sum"))).collect());
    assert!(RuleSet::compile(&once).is_err(), "what adds is refused before any law is asked");
}

#[test]
fn the_shipped_rules_leave_no_mutant_that_makes_a_difference() {
    let files = files::policy(&root().join("rules")).unwrap();
    let texts = files::fixtures(&root().join("fixtures")).unwrap();
    let mut bench = Bench::new(&files, &texts).unwrap();
    let all = mutants::all(&files);
    let mut same = 0;
    for mutant in &all {
        match bench.fate(mutant) {
            Fate::Living(fixture) => panic!("{}:{}: {}: {fixture}", mutant.file, mutant.at.line, mutant.change),
            Fate::Same => same += 1,
            Fate::Refused(_) | Fate::Failed(_) | Fate::Broken(_) => {}
        }
    }
    assert!(all.len() > 120 && same <= 3, "{same} of {}", all.len());
}

#[test]
fn the_command_prints_and_saves_what_lives() {
    let files = policy(FILL, None);
    let before = temporary("mutants/.keep", "");
    // what an earlier run saved
    std::fs::remove_dir_all(before.trim_end_matches("/.keep")).unwrap();
    for (file, text) in &files.0 {
        temporary(&format!("mutants/rules/{file}"), text);
    }
    let fixture = temporary("mutants/fixtures/a/nine.json", NINE);
    let folder = fixture.trim_end_matches("/fixtures/a/nine.json");
    let (rules, fixtures) = (format!("{folder}/rules"), format!("{folder}/fixtures"));
    let run = |more: &[&str]| {
        let arguments = [&["test", "--mutants", "--rules", &rules, "--fixtures", &fixtures][..], more].concat();
        let output = handover(&arguments, b"");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = run(&[]);
    assert!(code == Some(4) && text.contains(": `maximum` 9 → 10: survives"), "{text}");
    let (code, text) = run(&["--format", "json", "--save"]);
    assert!(code == Some(4) && text.contains("\"fate\":\"survived\",\"file\":"), "{text}");
    let (code, text) = run(&[]);
    assert!(code == Some(0) && text.contains(" 0 surviving"), "{text}");
    assert_eq!(handover(&["test", "--rules", &rules, "--fixtures", &fixtures], b"").status.code(), Some(0));
    assert_eq!(run(&["--format", "junit"]).0, Some(2));
    assert_eq!(run(&["--watch"]).0, Some(2));
    // a filter chooses mutants; every fixture may still detect them
    let (code, text) = run(&["--filter", "a.schema"]);
    assert!(code == Some(0) && text.contains(" 0 surviving"), "{text}");
    assert_eq!(run(&["--filter", "nothing"]).0, Some(2));
}

#[test]
fn repairs_and_triggers_are_told_apart() {
    let schema = r#"{ "type": "object", "required": ["n", "m"], "properties": {
      "n": { "type": "integer", "minimum": 1, "maximum": 9, "x-on-invalid": ["coerce", "clamp"] },
      "m": { "type": "boolean", "default": true, "x-on-missing": "default" } } }"#;
    let rule = r#"{ "name": "test", "rules": [ { "name": "a", "to": "app_metadata.a", "on": ["signup"], "merge": "fill" } ] }"#;
    let files = [("policy.json", rule), ("a.schema.json", schema)];
    let files = Files(BTreeMap::from(files.map(|(file, text)| (file.to_owned(), text.to_owned()))));
    for change in [
        "`x-on-invalid` without `\"coerce\"`",
        "`x-on-invalid` without `\"clamp\"`",
        "without `x-on-missing`",
        "without `on`",
        "`fill` → `anonymous`",
        "`minimum` 1 → 0",
    ] {
        assert!(matches!(fate(&files, &[], change), Fate::Living(_)), "{change}");
    }
}

#[test]
fn a_guard_is_detected_by_its_own_fixtures_only() {
    let mut files = policy(FILL, None);
    let guard =
        "fn authorize(request) {\n    if request.body?.total < 100 { return allow(); }\n    deny(\"too much\")\n}";
    files.0.insert("checkout.guard.rhai".to_owned(), guard.to_owned());
    let of = |total: usize, outcome: &str| {
        format!(
            r#"{{ "authorize": {{ "operation": "checkout", "body": {{ "total": {total} }} }}, "expect": {{ "outcome": "{outcome}" }} }}"#
        )
    };
    let [allowed, denied] = [of(5, "allow"), of(100, "deny")];
    assert_eq!(fate(&files, &[&allowed], "`<` → `<=`"), Fate::Living(String::new()));
    assert_eq!(fate(&files, &[&allowed, &denied], "`<` → `<=`"), Fate::Failed("a/1.json".to_owned()));
    // and each decision has the opposite one
    let change = "`deny(…)` → `allow()`";
    assert_eq!(fate(&files, &[&allowed], change), Fate::Living(String::new()));
    assert_eq!(fate(&files, &[&allowed, &denied], change), Fate::Failed("a/1.json".to_owned()));
    assert_eq!(fate(&files, &[&allowed], "`allow(…)` → `deny(\"changed\")`"), Fate::Failed("a/0.json".to_owned()));
}

#[test]
fn a_decision_is_changed_whole() {
    let guard = r#"fn authorize(request) { if request.anonymous { deny("a)\")(") } require(["x", `y)`], "z") }"#;
    let files = Files([("checkout.guard.rhai".to_owned(), guard.to_owned())].into());
    let mutants = mutants::all(&files);
    let changed: Vec<_> = mutants.iter().map(|mutant| mutant.change.as_str()).collect();
    assert_eq!(changed, ["`deny(…)` → `allow()`", "`require(…)` → `allow()`"]);
}
