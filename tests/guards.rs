//! Guards: what an anonymous caller may do, as fixtures ask it.

use std::collections::BTreeMap;

use handover::cli::test::{Until, cases};
use handover_engine::author::coverage::{self, Coverage};
use handover_engine::author::fixture::Fixture;
use handover_engine::author::judge;
use handover_engine::author::mutants::{self, Bench, Fate};
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;

const GUARD: &str = "/// Guests may check out with an address to write to.
fn authorize(request) {
    if (request.body?.total ?? 0) > 100 { return deny(\"too much\"); }
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
    assert_eq!(missing(&coverage), [3, 3, 3, 3, 4, 4, 4, 5]);
    for body in [r#"{ "total": 101 }"#, r#"{ "total": 1 }"#, r#"{ "total": 1, "email": "x" }"#] {
        let case = format!(
            r#"{{ "authorize": {{ "operation": "checkout", "body": {body} }}, "expect": {{ "outcome": "allow" }} }}"#
        );
        coverage.add(&Fixture::read("case.json", &case, &rules).unwrap());
    }
    // no case comes without a body
    assert_eq!(missing(&coverage), [3, 3, 4]);
}

/// The outcome and reason of a guard for one body.
#[track_caller]
fn outcome(body_of_guard: &str, body: &str) -> (String, String) {
    let guard = format!("fn authorize(request) {{\n{body_of_guard}\n}}\n");
    let rules = RuleSet::compile(&files(&guard)).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let case = format!(
        r#"{{ "authorize": {{ "operation": "checkout", "body": {body} }}, "expect": {{ "outcome": "allow" }} }}"#
    );
    let fixture = Fixture::read("case.json", &case, &rules).unwrap();
    let verdict = judge::authorize(&fixture, &rules).unwrap();
    (verdict.outcome.to_owned(), verdict.reason)
}

#[test]
fn a_decision_ends_the_guard_where_it_is_made() {
    let denied = ("deny".to_owned(), "no".to_owned());
    for guard in [
        "if request.body?.x == 1 { deny(\"no\") }\nallow()",
        "if request.body?.x == 1 { deny(\"no\"); }\nallow()",
        "try { deny(\"no\") } catch { allow() }\nallow()",
        "let f = |x| { if x == 1 { deny(\"no\") } };\nf.call(request.body?.x);\nallow()",
        "return deny(\"no\");",
        "let verdict = if request.body?.x == 1 { deny(\"no\") } else { allow() };\nverdict",
        "switch request.body?.x { 1 => deny(\"no\"), _ => allow() }",
        "if request.body?.x == 1 { return deny(\"no\"); } else { allow() }",
        "let reasons = [\"no\"];\nfor reason in reasons { if request.body?.x == 1 { deny(reason) } }\nallow()",
    ] {
        assert_eq!(outcome(guard, r#"{ "x": 1 }"#), denied, "{guard}");
    }
    // what comes behind it is never reached, and what decides nothing is no end
    for (end, code) in [
        ("deny(\"no\");\nallow()", "R050"),
        ("true", "R051"),
        ("request.anonymous", "R051"),
        ("\"allow\"", "R051"),
        ("1 + 1", "R051"),
        ("return true;", "R051"),
        ("if request.anonymous { deny(\"no\") }", "R051"),
        ("let a = 1;", "R051"),
    ] {
        let guard = format!("fn authorize(request) {{\n{end}\n}}\n");
        let errors = RuleSet::compile(&files(&guard)).err().unwrap_or_default();
        assert!(errors.iter().any(|error| error.code.as_str() == code), "{end}: {errors:#?}");
    }
}

#[test]
fn values_of_different_types_are_not_compared() {
    let guard = "if request.body.amount >= 100 { deny(\"too much\") }\nallow()";
    let failed = ("deny".to_owned(), "script_failed".to_owned());
    for amount in ["\"500\"", "[500]", "true", "{ \"a\": 500 }", "\"x\"", "null"] {
        for operator in [">=", ">", "<", "<="] {
            let body = format!(r#"{{ "amount": {amount} }}"#);
            let [left, right] = ["request.body.amount", "100"].map(str::to_owned);
            let guards = [
                guard.replace(">=", operator),
                guard.replace("request.body.amount >= 100", &format!("{right} {operator} {left}")),
            ];
            for guard in guards {
                assert_eq!(outcome(&guard, &body), failed, "{guard} {amount}");
            }
        }
    }
    for (amount, word) in
        [("500", "deny"), ("99.5", "allow"), ("100.5", "deny"), ("1", "allow"), ("100.0", "deny"), ("1e2", "deny")]
    {
        assert_eq!(outcome(guard, &format!(r#"{{ "amount": {amount} }}"#)).0, word, "{amount}");
    }
}

#[test]
fn numbers_are_what_they_look_like() {
    // a sum that no float holds is no small number
    let total = "let total = 0; for item in request.body.items { total += item.price * item.qty; }\nif total > 1000 { deny(\"too much\") }\nallow()";
    let failed = ("deny".to_owned(), "script_failed".to_owned());
    for items in
        [r#"[{ "price": 1e308, "qty": 10 }]"#, r#"[{ "price": 1e308, "qty": 1 }, { "price": 1e308, "qty": 1 }]"#]
    {
        assert_eq!(outcome(total, &format!(r#"{{ "items": {items} }}"#)), failed, "{items}");
    }
    assert_eq!(outcome(total, r#"{ "items": [{ "price": 1e308, "qty": 1 }] }"#).1, "too much");
    assert_eq!(outcome(total, r#"{ "items": [{ "price": 0.1, "qty": 3 }] }"#).0, "allow");
    let switch = "switch request.body.n { 7 => deny(\"seven\"), _ => allow() }";
    for (n, word) in [("7", "deny"), ("7.0", "deny"), ("70e-1", "deny"), ("7.5", "allow")] {
        assert_eq!(outcome(switch, &format!(r#"{{ "n": {n} }}"#)).0, word, "{n}");
    }
    // the letters of a text are no numbers
    let each = "for n in request.body.list { if n < 1 || n > 5 { deny(\"range\") } }\nallow()";
    for (list, expected) in [("[9]", "range"), ("\"9\"", "script_failed"), ("[\"9\"]", "script_failed")] {
        assert_eq!(outcome(each, &format!(r#"{{ "list": {list} }}"#)).1, expected, "{list}");
    }
}

#[test]
fn no_method_drops_a_decision() {
    let dedup = "let items = request.body.items;\nitems.dedup(|a, b| { if a == b { deny(\"twice\") } false });\nif items.is_empty() { deny(\"empty\") }\nallow()";
    assert_eq!(outcome(dedup, r#"{ "items": ["a", "a"] }"#).1, "twice");
    assert_eq!(outcome(dedup, r#"{ "items": ["a", "b"] }"#).0, "allow");
}

#[test]
fn a_guard_is_its_function_and_its_modules() {
    let codes = |guard: &str| {
        let errors = RuleSet::compile(&files(guard)).err().unwrap_or_default();
        errors.iter().map(|error| error.code.as_str().to_owned()).collect::<Vec<_>>()
    };
    for (outside, code) in [
        ("allow();", "R016"),
        ("const A = allow();", "R016"),
        ("let a = if true { allow() };", "R016"),
        ("fn allow(x) { true }", "R006"),
        ("fn deny(x, y) { }", "R006"),
    ] {
        let found = codes(&format!("{outside}\nfn authorize(request) {{ deny(\"no\") }}\n"));
        assert!(found.contains(&code.to_owned()), "{outside}: {found:?}");
    }
    // the function with the right parameters is the one, in whatever order they stand, each time
    for _ in 0..20 {
        for guard in [
            "fn authorize(request) { allow() }\nfn authorize(request, x) { deny(x) }\n",
            "fn authorize(request, x) { deny(x) }\nfn authorize(request) { allow() }\n",
        ] {
            assert_eq!(codes(guard), Vec::<String>::new(), "{guard}");
        }
    }
    for end in [
        "try { if request.anonymous { deny(\"a\") } allow() } catch { deny(\"b\") }",
        "try { return allow(); } catch { deny(\"x\"); }",
    ] {
        assert_eq!(codes(&format!("fn authorize(request) {{ {end} }}\n")), Vec::<String>::new(), "{end}");
    }
    // a misspelt member is found in a function that is handed the request, too
    let blocked = "fn blocked(request) { request.bdy?.x == 1 }\nfn authorize(request) { if blocked(request) { deny(\"x\") } allow() }\n";
    assert_eq!(codes(blocked), ["R020"]);
    let other = "fn blocked(request) { request.x == 1 }\nfn authorize(request) { if blocked(request.body ?? #{}) { deny(\"x\") } allow() }\n";
    assert_eq!(codes(other), Vec::<String>::new());
    // a module may decide
    let mut files = files(
        "import \"lib/shop\" as shop;\nfn authorize(request) { shop::need(request.body, [\"email\"]); allow() }\n",
    );
    let module = "fn need(body, fields) {\n    let missing = fields.filter(|field| body?[field] == ());\n    if !missing.is_empty() { require(missing, \"missing\") }\n}\n";
    files.0.insert("lib/shop.rhai".to_owned(), module.to_owned());
    let rules = RuleSet::compile(&files).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let case = r#"{ "authorize": { "operation": "checkout", "body": {} }, "expect": { "outcome": "require", "fields": ["email"] } }"#;
    let run = cases(&rules, &BTreeMap::from([("a/case.json".to_owned(), case.to_owned())]), Until::End);
    assert!(run.failures.is_empty(), "{:#?}", run.failures);
    // and what no login can tell is not called the same
    let mutants = mutants::all(&files);
    let mut bench = Bench::new(&files, &BTreeMap::new()).unwrap();
    let of_module = mutants.iter().filter(|mutant| mutant.file == "lib/shop.rhai");
    assert!(of_module.map(|mutant| bench.fate(mutant)).all(|fate| matches!(fate, Fate::Living(_))));
}

#[test]
fn what_a_guard_says_is_bounded() {
    let failed = ("deny".to_owned(), "script_failed".to_owned());
    for guard in [
        "require([], \"x\")",
        "require([request.body.f], \"x\")",
        "require([\"a,b\"], \"x\")",
        "require([\"\"], \"x\")",
        "deny(request.body.f)",
    ] {
        assert_eq!(outcome(guard, r#"{ "f": "a\",\"b\n" }"#), failed, "{guard}");
    }
    assert_eq!(outcome("deny(request.body.f)", &format!(r#"{{ "f": "{}" }}"#, "é".repeat(201))), failed);
    assert_eq!(outcome("deny(request.body.f)", &format!(r#"{{ "f": "{}" }}"#, "é".repeat(200))).0, "deny");
}

#[test]
fn a_case_is_no_proof_where_no_guard_decides() {
    let expect = r#""expect": { "outcome": "deny" }"#;
    // the name is wrong
    let case = format!(r#"{{ "authorize": {{ "operation": "chekout" }}, {expect} }}"#);
    check(GUARD, &case, &["F006 31"]);
    // the guard fails at a line
    let guard = "fn authorize(request) {\n    throw \"x\";\n}\n";
    let case = format!(r#"{{ "authorize": {{ "operation": "checkout" }}, {expect} }}"#);
    check(guard, &case, &["F023 68"]);
    // it never ends
    check(
        "fn authorize(request) {\n    let n = 0;\n    while request.anonymous { n += 1; }\n    allow()\n}\n",
        &case,
        &["F024 68"],
    );
    // a token that verifies has a subject
    check(
        GUARD,
        r#"{ "authorize": { "operation": "checkout", "token": { "scope": "x" } }, "expect": { "outcome": "allow" } }"#,
        &["F004 52"],
    );
}

#[test]
fn a_policy_that_needs_tokens_has_fixtures() {
    let policy = r#"{ "name": "shop", "provider": "generic", "session": { "token": "required" }, "rules": [ { "name": "a", "to": "app_metadata.a", "merge": "anonymous" } ] }"#;
    let mut files = files(GUARD);
    files.0.insert("policy.json".to_owned(), policy.to_owned());
    let rules = RuleSet::compile(&files).unwrap();
    for (session, status) in [
        ("{}", r#""transferred""#),
        (r#"{ "token": { "sub": "anon@fixture" } }"#, r#""transferred""#),
        (r#"{ "token": { "sub": "anon@2" } }"#, r#""skipped", "reason": "session_mismatch""#),
        (r#"{ "token": "x" }"#, r#""skipped", "reason": "token_invalid""#),
        (r#"{ "token": null }"#, r#""skipped", "reason": "token_missing""#),
    ] {
        let case =
            format!(r#"{{ "session": {session}, "anonymous": {{ "a": true }}, "expect": {{ "status": {status} }} }}"#);
        let run = cases(&rules, &BTreeMap::from([("a/case.json".to_owned(), case)]), Until::End);
        assert!(run.failures.is_empty(), "{session}: {:#?}", run.failures);
    }
}
