//! What `handover test --coverage` counts: each side of each place, and nothing that a case did not come to.

use std::collections::BTreeMap;

use handover_engine::author::coverage::{self, Coverage};
use handover_engine::author::fixture::Fixture;
use handover_engine::diagnostic::Covered;
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;

use crate::binary::{handover, temporary};

/// The places of a policy with one rule, `a`, after these cases.
fn places(files: &[(&str, &str)], cases: &[&str]) -> Vec<Covered> {
    let mut all = BTreeMap::from([
        (
            "policy.json",
            r#"{ "name": "shop", "rules": [ { "name": "a", "to": "app_metadata.a", "merge": "a.merge.rhai" } ] }"#,
        ),
        ("a.schema.json", r#"{ "additionalProperties": true, "x-max-bytes": 900 }"#),
    ]);
    all.extend(files.iter().copied());
    let files = Files(all.into_iter().map(|(file, text)| (file.to_owned(), text.to_owned())).collect());
    let rules = RuleSet::compile(&files).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let mut coverage = Coverage::new(&files).unwrap();
    for case in cases {
        let fixture = Fixture::read("case.json", case, &rules).unwrap_or_else(|errors| panic!("{errors:#?}"));
        coverage.add(&fixture);
    }
    coverage.places()
}

/// What is missing in one file, each as `line:column message`.
#[track_caller]
fn missing(file: &str, files: &[(&str, &str)], cases: &[&str], expected: &[&str]) {
    let missing = coverage::missing(&places(files, cases)).into_iter().filter(|one| one.span.file == file);
    let missing: Vec<_> =
        missing.map(|one| format!("{}:{} {}", one.span.start.line, one.span.start.column, one.text)).collect();
    assert_eq!(missing, expected);
}

/// A case with this anonymous value and this value of the account.
fn case(anonymous: &str, account: &str) -> String {
    format!(
        r#"{{ "anonymous": {{ "a": {anonymous} }}, "app_metadata": {account},
            "expect": {{ "status": "unchanged", "app_metadata": {{}} }} }}"#
    )
}

#[track_caller]
fn script(body: &str, cases: &[(&str, &str)], expected: &[&str]) {
    let source = format!("fn merge(account, anonymous, context) {{\n{body}\n}}");
    let cases: Vec<_> = cases.iter().map(|(anonymous, account)| case(anonymous, account)).collect();
    let cases: Vec<_> = cases.iter().map(String::as_str).collect();
    missing("a.merge.rhai", &[("a.merge.rhai", &source)], &cases, expected);
}

#[test]
fn an_if_without_else_has_both_sides() {
    let body = "if anonymous.n == 1 {\nanonymous.m = 2;\n}\nanonymous";
    script(
        body,
        &[],
        &["2:1 `if` was never true, was never false", "3:1 this statement never ran", "5:1 this statement never ran"],
    );
    script(body, &[(r#"{ "n": 1 }"#, "{}")], &["2:1 `if` was never false"]);
    script(body, &[(r#"{ "n": 2 }"#, "{}")], &["2:1 `if` was never true", "3:1 this statement never ran"]);
    script(body, &[(r#"{ "n": 1 }"#, "{}"), (r#"{ "n": 2 }"#, "{}")], &[]);
}

#[test]
fn operands_that_may_not_run_have_both_sides() {
    let body = "let a = account?.b ?? 7;\nif a == 7 && anonymous.n == 1 || anonymous.n == 2 { a  } else { anonymous }";
    let absent = (r#"{ "n": 1 }"#, "{}");
    script(
        body,
        &[absent],
        &[
            "2:18 the left side of `?.` was never there",
            "2:23 the left side of `??` was never there",
            "3:1 `if` was never false",
            "3:14 the left side of `&&` was never false",
            "3:34 the left side of `||` was never false",
            "3:65 this statement never ran",
        ],
    );
    let there = (r#"{ "n": 3 }"#, r#"{ "a": { "b": 8 } }"#);
    script(body, &[absent, there], &[]);
}

#[test]
fn arms_loops_closures_and_functions_are_seen() {
    let body = "for n in anonymous.list {\nanonymous.m = n;\n}\nswitch anonymous.n {\n1 => (),\n2..=9 => anonymous.list = [],\n_ => { anonymous.list = anonymous.list.filter(|x| x > 1) }\n}\nanonymous\n}\nfn unused(x) {\nx + 1";
    script(
        body,
        &[(r#"{ "n": 1, "list": [] }"#, "{}")],
        &[
            "3:1 this statement never ran",
            "7:10 this statement never ran",
            "8:8 this statement never ran",
            "8:51 this statement never ran",
            "13:1 this statement never ran",
        ],
    );
    script(
        body,
        &[(r#"{ "n": 3, "list": [1] }"#, "{}"), (r#"{ "n": 10, "list": [2] }"#, "{}")],
        &["6:6 this statement never ran", "13:1 this statement never ran"],
    );
}

#[test]
fn a_module_that_two_scripts_share_is_counted_once() {
    let files = [
        ("lib/values.rhai", "fn or(a, b) {\nif a == () { b } else { a }\n}"),
        (
            "a.merge.rhai",
            "import \"lib/values\" as values;\nfn merge(account, anonymous, context) {\nvalues::or(account, anonymous)\n}",
        ),
    ];
    let (new, old) = (case("{ \"n\": 1 }", "{}"), case("{ \"n\": 1 }", "{ \"a\": {} }"));
    missing("lib/values.rhai", &files, &[&new], &["2:1 `if` was never false", "2:25 this statement never ran"]);
    missing("lib/values.rhai", &files, &[&new, &old], &[]);
    missing("policy.json", &files, &[&new], &["1:40 the root of `a` always changes"]);
    missing("policy.json", &files, &[&new, &old], &[]);
}

#[test]
fn steps_of_annotations_are_places() {
    let schema = r#"{ "type": "object", "required": ["n", "on"], "properties": {
"n": { "type": "integer", "maximum": 9, "default": 1, "x-on-invalid": ["clamp", "default"] },
"on": { "type": "boolean", "default": true, "x-on-missing": "default" } } }"#;
    let files = [("a.schema.json", schema), ("a.merge.rhai", "fn merge(account, anonymous, context) { anonymous }")];
    let step = |value: &str| case(value, "{}");
    let [whole, large, text] = [r#"{ "n": 1, "on": true }"#, r#"{ "n": 10, "on": 7 }"#, r#"{ "n": "x" }"#].map(step);
    missing(
        "a.schema.json",
        &files,
        &[&whole],
        &[
            "1:3 `type` never failed",
            "1:21 `required` never failed",
            "2:8 `type` never failed",
            "2:27 `maximum` never failed",
            "2:55 `clamp` of `x-on-invalid` never happened",
            "2:55 `default` of `x-on-invalid` never happened",
            "3:9 `type` never failed",
            "3:45 `default` of `x-on-missing` never happened",
        ],
    );
    missing("a.schema.json", &files, &[&whole, &large, &text], &["1:3 `type` never failed"]);
}

#[test]
fn what_a_result_schema_asserts_is_asked_of_what_the_merge_makes() {
    let files = [
        ("a.result.schema.json", "{ \"properties\": { \"n\": { \"maximum\": 9 } } }"),
        ("a.merge.rhai", "fn merge(account, anonymous, context) { anonymous }"),
    ];
    let [held, failed] = ["{ \"n\": 9 }", "{ \"n\": 10 }"].map(|value| case(value, "{}"));
    missing("a.result.schema.json", &files, &[&held], &["1:26 `maximum` never failed"]);
    missing("a.result.schema.json", &files, &[&failed], &["1:26 `maximum` never held"]);
    missing("a.result.schema.json", &files, &[&held, &failed], &[]);
}

#[test]
fn a_case_that_is_skipped_or_refused_comes_to_nothing() {
    let files = [("a.merge.rhai", "fn merge(account, anonymous, context) { anonymous }")];
    let ended = r#"{ "anonymous": { "a": {} }, "session": { "expires_at": "2026-01-01T00:00:00Z" }, "expect": { "status": "skipped" } }"#;
    let none = r#"{ "anonymous": {}, "expect": { "status": "unchanged" } }"#;
    let covered = |cases: &[&str]| coverage::sides(&places(&files, cases)).0;
    assert_eq!([covered(&[]), covered(&[none]), covered(&[ended])], [0; 3]);
}

#[test]
fn the_command_ends_with_5_and_names_the_places() {
    let (before, after) =
        (r#""unchanged", "app_metadata": {}"#, r#""transferred", "app_metadata": { "a": { "n": 1 } }"#);
    let fixture = case(r#"{ "n": 1 }"#, "{}").replace(before, after);
    let folder = temporary("coverage/fixtures/a/one.json", &fixture);
    let fixtures = folder.trim_end_matches("/a/one.json");
    temporary(
        "coverage/rules/policy.json",
        r#"{ "name": "shop", "rules": [ { "name": "a", "to": "app_metadata.a", "merge": "a.merge.rhai" } ] }"#,
    );
    temporary("coverage/rules/a.merge.rhai", "fn merge(account, anonymous, context) {\n    anonymous\n}\n");
    let rules = temporary("coverage/rules/a.schema.json", "{ \"additionalProperties\": true, \"x-max-bytes\": 900 }");
    let rules = rules.trim_end_matches("/a.schema.json");
    let run = |more: &[&str]| {
        let output = handover(&[&["test", "--rules", rules, "--fixtures", fixtures], more].concat(), b"");
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(rules, "rules");
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, text, _) = run(&["--coverage"]);
    let listed = "rules/a.schema.json:1:33: `x-max-bytes` never failed\nrules/policy.json:1:40: the root of `a` always changes\n1 passed";
    assert!(code == 0 && text.starts_with(listed) && text.contains(" · coverage 60.0 % (2 places) · "), "{text}");
    assert_eq!(run(&["--coverage-min", "60"]).0, 0);
    let (code, text, _) = run(&["--coverage-min", "60.1"]);
    assert!(code == 5 && text.starts_with("error[F040]: coverage is 60.0 %, less than 60.1 %\n"), "{text}");
    assert!(text.contains(" --> rules/policy.json:1:40: the root of `a` always changes\n"), "{text}");
    assert_eq!(run(&["--coverage-min", "101"]).0, 2);
    let (code, trace, told) = run(&["--coverage=lcov"]);
    assert!(code == 0 && told.contains("coverage 60.0 %"), "{told}");
    let records = [
        "TN:\nSF:rules/a.merge.rhai\nBRF:0\nBRH:0\nDA:2,1\nLF:1\nLH:1\nend_of_record\n",
        "TN:\nSF:rules/a.schema.json\nBRDA:1,0,0,1\nBRDA:1,0,1,0\nBRF:2\nBRH:1\nDA:1,1\nLF:1\nLH:1\nend_of_record\n",
        "TN:\nSF:rules/policy.json\nBRDA:1,0,0,1\nBRDA:1,0,1,0\nBRF:2\nBRH:1\nDA:1,1\nLF:1\nLH:1\nend_of_record\n",
    ];
    assert_eq!(trace, records.concat());
    let (code, text, _) = run(&["--coverage-min", "100", "--format", "json"]);
    assert!(code == 5 && text.contains("\"coverage\":{\"percent\":60.0,\"sides\":5,\"covered\":3,"), "{text}");
    assert!(text.contains("\"related\":[{\"file\":"), "{text}");
}

#[test]
fn a_failure_counts_only_where_the_case_would_notice() {
    let files = [
        (
            "a.schema.json",
            "{ \"type\": \"object\", \"properties\": { \"n\": { \"type\": \"integer\", \"maximum\": 9 } } }",
        ),
        ("a.merge.rhai", "fn merge(account, anonymous, context) { anonymous }"),
    ];
    let with = |expect: &str| {
        format!(
            r#"{{ "anonymous": {{ "a": {{ "n": 10, "t": 1 }} }}, "expect": {{ "status": "transferred", {expect} }} }}"#
        )
    };
    let failed = |expect: &str| {
        let places = places(&files, &[&with(expect)]);
        let place = places.iter().find(|place| place.at.text.contains("`maximum`")).unwrap();
        place.sides.iter().any(|(side, count)| *side == "never failed" && *count > 0)
    };
    for noticed in [r#""app_metadata": {}"#, r#""findings": ["drop /a/n", "…"]"#, r#""findings": ["a: drop /a/n"]"#] {
        assert!(failed(noticed), "{noticed}");
    }
    for unnoticed in [
        r#""findings": ["…"]"#,
        r#""findings": ["drop /a/t", "…"]"#,
        r#""user_metadata": {}"#,
        r#""app_metadata": { "a": { "$any": "object" } }"#,
        r#""app_metadata": { "$any": "object" }"#,
    ] {
        assert!(!failed(unnoticed), "{unnoticed}");
    }
}
