//! Small policies, each for one fact of rules and rule sets that the shipped policy has no case for.

use std::cell::Cell;
use std::collections::BTreeMap;

use handover::transfer;
use handover_engine::budget::Clock;
use handover_engine::event::Event;
use handover_engine::policy::Files;
use handover_engine::ruleset::{Given, Late, RuleSet};
use serde_json::{Value, json};

const OPEN: &str = r#"{ "type": ["array", "object"], "additionalProperties": true, "items": true }"#;
const SCRIPT: &str = "fn merge(account, anonymous, context) {\n    BODY\n}\n";

/// A policy of two rules: `a` as given, bounded, and `b`, which writes what the visitor chose.
fn policy(rule: &str, files: &[(&str, &str)]) -> Files {
    let opened = rule.contains("max_bytes") || files.iter().all(|(name, _)| *name != "a.schema.json");
    let bounded = if opened { "" } else { r#", "max_bytes": 32000"# };
    let policy = format!(
        r#"{{ "name": "test", "rules": [ {{ "name": "a", "to": "app_metadata.a"{rule}{bounded} }},
             {{ "name": "b", "to": "app_metadata.b", "merge": "anonymous" }} ] LIMITS }}"#
    );
    let limits = files.iter().find(|(name, _)| *name == "limits").map(|(_, text)| format!(", \"limits\": {text}"));
    let mut all = BTreeMap::from([
        ("policy.json".to_owned(), policy.replace("LIMITS", &limits.unwrap_or_default())),
        ("a.schema.json".to_owned(), OPEN.to_owned()),
        ("b.schema.json".to_owned(), OPEN.to_owned()),
    ]);
    let files = files.iter().filter(|(name, _)| *name != "limits");
    all.extend(files.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    Files(all)
}

/// The same for any provider: numbers are kept as they are.
fn generic(mut files: Files) -> Files {
    let policy = files.0.get_mut("policy.json").unwrap();
    *policy = policy.replacen('{', r#"{ "provider": "generic","#, 1);
    files
}

fn request(account: &Value, metadata: &Value) -> Vec<u8> {
    let request = json!({
        "id": "tx_1", "trigger": "login", "at": "2026-11-23T10:00:00Z",
        "account": { "id": "auth0|1", "app_metadata": account },
        "anonymous_session": { "id": "anon@1", "created_at": 1_795_000_000, "expires_at": 1_796_000_000, "metadata": metadata },
    });
    request.to_string().into_bytes()
}

fn decide(files: &Files, account: &Value, metadata: &Value) -> Value {
    let rules = RuleSet::compile(files).unwrap_or_else(|errors| panic!("{errors:?}"));
    let (_, decision) = transfer::decide(&rules, &request(account, metadata), &Given::default()).unwrap();
    serde_json::from_slice(&decision.to_bytes()).unwrap()
}

/// The decision of a policy whose rule `a` has this script: what `a` writes, and its finding.
#[track_caller]
fn script(body: &str, account: &Value, written: &Value, finding: &str) {
    let files = policy("", &[("a.merge.rhai", &SCRIPT.replace("BODY", body))]);
    let metadata = json!({ "a": { "n": 1, "l": [1, 2] }, "b": { "x": 1 } });
    let decision = decide(&files, &json!({ "a": account }), &metadata);
    let value = |key: &str| {
        let commands = decision["commands"].as_array().unwrap().iter();
        commands.filter(|one| one["key"] == key).map(|one| one["value"].clone()).next().unwrap_or(Value::Null)
    };
    assert_eq!(value("a"), *written, "{body}: {decision}");
    assert_eq!(value("b"), json!({ "x": 1 }), "the other rule runs: {body}: {decision}");
    let found = decision["findings"][0]["keyword"].as_str().unwrap_or_default();
    assert_eq!(found, finding, "{body}: {decision}");
    let cleared = decision.to_string().contains("clear_anonymous_session");
    assert_eq!(cleared, matches!(finding, "" | "discarded"), "a failure keeps the session: {body}: {decision}");
}

#[test]
fn a_failure_is_where_it_is_also_in_a_module() {
    let script =
        "import \"lib/values\" as values;\nfn merge(account, anonymous, context) {\n    values::third(anonymous.l)\n}";
    let module = "/// The third.\nfn third(list) {\n    list[9]\n}\n";
    let files = policy("", &[("a.merge.rhai", script), ("lib/values.rhai", module)]);
    let decision = decide(&files, &json!({}), &json!({ "a": { "n": 1, "l": [1, 2] } }));
    let finding = &decision["findings"][0];
    assert_eq!((&finding["keyword"], &finding["at"]), (&json!("script_failed"), &json!("lib/values.rhai:3:10")));
}

#[test]
fn a_script_that_fails_writes_nothing_and_the_other_rules_run() {
    let (old, none) = (json!({ "n": 0 }), json!(null));
    script("anonymous", &old, &json!({ "n": 1, "l": [1, 2] }), "");
    script("account", &old, &none, "");
    script("throw \"x\"", &old, &none, "script_failed");
    script("while anonymous.n == 1 { } anonymous", &old, &none, "budget_exceeded");
    script("let l = anonymous.l; while anonymous.n == 1 { l += l; } l", &old, &none, "budget_exceeded");
    script("#{ n: 0.0 / 0.0 }", &old, &none, "script_failed");
    script("#{ f: |x| x }", &old, &none, "script_failed");
    script("let x = (); x", &old, &none, "script_failed");
    script("let x = (); x", &none, &none, "");
    script("#{}", &none, &none, "");
    script("#{ n: 1, m: (), l: [#{ x: () }, ()] }", &old, &json!({ "n": 1, "l": [{}, null] }), "");
    script(
        "let a = account ?? #{}; a.n = (); a.m = 2; a",
        &json!({ "n": 0, "k": null }),
        &json!({ "k": null, "m": 2 }),
        "",
    );
    script("#{ l: keyed_union((), [], #{ key: \"k\" }) }", &none, &none, "");
    script("#{ l: account?.none }", &old, &none, "");
    script("skip(\"no reason\")", &old, &none, "skipped");
    script("#{ \"a.b\": 1 }", &old, &none, "name_not_storable");
    script("union(account, anonymous.l)", &old, &none, "account_shape");
    script("max_of(account?.n, 5)", &json!({ "n": 18_446_744_073_709_551_615_u64 }), &none, "number_range");
    script("discard(\"no reason\")", &old, &none, "discarded");
    script("let d = []; for i in 0..70 { d = [d]; } d", &old, &none, "script_failed");
    script(
        "#{ now: context.now, trigger: context.trigger, session: context.session.created_at }",
        &old,
        &json!({
            "now": 1_795_428_000_000_i64, "trigger": "login", "session": 1_795_000_000_000_i64
        }),
        "",
    );
    script("#{ same: account?.n == 0 && context.request.x == () }", &old, &json!({ "same": true }), "");
}

#[test]
fn a_failure_names_its_place_and_never_its_text() {
    let files = policy("", &[("a.merge.rhai", &SCRIPT.replace("BODY", "throw anonymous.secret"))]);
    let decision = decide(&files, &json!({}), &json!({ "a": { "secret": "4711-geheim" } })).to_string();
    assert!(decision.contains(r#""at":"a.merge.rhai:2:5""#) && !decision.contains("geheim"), "{decision}");
}

#[test]
fn what_passes_through_leaves_as_its_own_bytes() {
    let files =
        policy("", &[("a.merge.rhai", &SCRIPT.replace("BODY", "let a = account ?? #{}; a.more = anonymous; a"))]);
    // under `auth0`, a number that JavaScript rounds is not written
    let rules = RuleSet::compile(&generic(files)).unwrap();
    let body =
        String::from_utf8(request(&json!({ "a": { "big": "BIG", "text": "TEXT" } }), &json!({ "a": { "n": "N" } })))
            .unwrap();
    let body =
        body.replace("\"BIG\"", "18446744073709551616").replace("\"TEXT\"", r#""\u00e9\/""#).replace("\"N\"", "1.10");
    let (_, decision) = transfer::decide(&rules, body.as_bytes(), &Given::default()).unwrap();
    let text = String::from_utf8(decision.to_bytes()).unwrap();
    assert!(text.contains(r#""value":{"big":18446744073709551616,"text":"\u00e9\/","more":{"n":1.10}}"#), "{text}");
}

/// Findings as `keyword pointer`, and the written value of `a`.
#[track_caller]
fn rule(rule: &str, files: &[(&str, &str)], metadata: &Value, findings: &[&str], written: &Value) {
    found(&policy(rule, files), metadata, findings, written);
}

#[track_caller]
fn found(files: &Files, metadata: &Value, findings: &[&str], written: &Value) {
    let decision = decide(files, &json!({}), &json!({ "a": metadata }));
    let list = decision["findings"].as_array().unwrap().iter();
    let found: Vec<_> =
        list.map(|one| format!("{} {}", one["keyword"].as_str().unwrap(), one["pointer"].as_str().unwrap())).collect();
    assert_eq!(found, findings, "{decision}");
    let value =
        decision["commands"].as_array().unwrap().iter().find(|one| one["key"] == "a").map(|one| one["value"].clone());
    assert_eq!(value.unwrap_or(Value::Null), *written, "{decision}");
}

#[test]
fn a_number_that_a_script_cannot_hold_is_dropped_and_a_strategy_holds_all() {
    let value: Value = serde_json::from_str(r#"{"n":36893488147419103232,"m":1.10}"#).unwrap();
    let identity = SCRIPT.replace("BODY", "anonymous");
    // serde_json writes the large number as a float: what counts is which side it falls
    let text = r#"{"n":36893488147419103231,"m":1.10}"#;
    rule("", &[("a.merge.rhai", &identity)], &json!(text), &["number_range /a/n"], &json!({ "m": 1.1 }));
    let strategy = policy(r#", "merge": "anonymous""#, &[]);
    found(&strategy, &value, &["number_range /a/n"], &json!({ "m": 1.1 }));
    found(&generic(strategy), &value, &[], &value);
}

#[test]
fn a_rule_does_what_its_options_say() {
    let merge = r#", "merge": "anonymous""#;
    let closed = r#"{ "type": "object", "properties": { "x": true } }"#;
    let both = json!({ "x": 1, "y": 2 });
    rule(merge, &[("a.schema.json", closed)], &both, &["x-unknown /a/y"], &json!({ "x": 1 }));
    rule(&format!(r#"{merge}, "unknown": "keep""#), &[("a.schema.json", closed)], &both, &[], &both);
    rule(&format!(r#"{merge}, "on": ["signup"]"#), &[], &both, &[], &Value::Null);
    rule(&format!(r#"{merge}, "from": "/a/x""#), &[], &json!({ "x": "{\"z\":1}" }), &[], &json!({ "z": 1 }));
    rule(&format!(r#"{merge}, "parse": "never""#), &[], &json!("{}"), &["type /a"], &Value::Null);
    rule(
        &format!(r#"{merge}, "max_bytes": 13"#),
        &[],
        &json!({ "xx": 1, "yyy": 2 }),
        &["x-max-bytes /a/yyy"],
        &json!({ "xx": 1 }),
    );
    rule(
        &format!(r#"{merge}, "max_bytes": 16"#),
        &[],
        &json!({ "xx": 1, "yyy": 2 }),
        &[],
        &json!({ "xx": 1, "yyy": 2 }),
    );
    let text = ("a.schema.json", r#"{ "type": ["string", "object"] }"#);
    rule(merge, &[text], &json!("{\"x\":1}"), &[], &json!("{\"x\":1}"));
    let result =
        ("a.result.schema.json", r#"{ "type": "object", "required": ["x"], "properties": { "x": { "maximum": 1 } } }"#);
    rule(merge, &[result], &both, &[], &both);
    rule(merge, &[result], &json!({ "x": 2 }), &["result_invalid "], &Value::Null);
    rule(
        merge,
        &[("a.schema.json", r#"{ "properties": { "a.b": true, "x": true } }"#)],
        &json!({ "a.b": 1, "x": 1 }),
        &["x-name /a/a.b"],
        &json!({ "x": 1 }),
    );
}

#[test]
fn every_limit_holds_at_its_value_and_not_one_past_it() {
    let merge = r#", "merge": "anonymous""#;
    let value = json!({ "x": [1, "two"] });
    let limit = ["x-limit /a"];
    for (name, least) in [("anonymous_bytes", 15), ("anonymous_depth", 2), ("anonymous_nodes", 4), ("name_bytes", 1)] {
        rule(merge, &[("limits", &format!("{{ \"{name}\": {least} }}"))], &value, &[], &value);
        if least > 1 {
            rule(merge, &[("limits", &format!("{{ \"{name}\": {} }}", least - 1))], &value, &limit, &Value::Null);
        }
    }
    rule(merge, &[("limits", r#"{ "name_bytes": 1 }"#)], &json!({ "xy": 1 }), &limit, &Value::Null);
    // {"a":{"x":[1,"two"]}} is 21 bytes
    rule(merge, &[("limits", r#"{ "sink_bytes": 21 }"#)], &value, &[], &value);
    rule(merge, &[("limits", r#"{ "sink_bytes": 20 }"#)], &value, &["result_too_large "], &Value::Null);
    let identity = ("a.merge.rhai", "fn merge(account, anonymous, context) { anonymous }");
    let long = json!({ "x": [1, 2, 3] });
    rule("", &[identity, ("limits", r#"{ "array_items": 3 }"#)], &long, &[], &long);
    rule("", &[identity, ("limits", r#"{ "array_items": 2 }"#)], &long, &["budget_exceeded "], &Value::Null);
    rule("", &[identity, ("limits", r#"{ "map_members": 1 }"#)], &long, &[], &long);
    rule(
        "",
        &[identity, ("limits", r#"{ "map_members": 1 }"#)],
        &json!({ "x": 1, "y": 2 }),
        &["budget_exceeded "],
        &Value::Null,
    );
    let items = r#"{ "type": "object", "properties": { "x": { "type": "array", "items": { "type": "integer" } } } }"#;
    let few = [("a.schema.json", items), ("limits", r#"{ "report_entries": 1 }"#)];
    let decision = decide(&policy(merge, &few), &json!({}), &json!({ "a": { "x": ["p", "q", 1] } }));
    assert_eq!((decision["findings"].as_array().unwrap().len(), &decision["findings_omitted"]), (1, &json!(1)));
}

#[test]
fn scripts_share_what_lib_holds() {
    let files = [
        (
            "a.merge.rhai",
            "import \"lib/money\" as money;\nfn merge(account, anonymous, context) { #{ n: money::double(anonymous.n) } }\n",
        ),
        ("lib/money.rhai", "fn double(n) { n * 2 }\n"),
    ];
    rule("", &files, &json!({ "n": 2 }), &[], &json!({ "n": 4 }));
}

/// What a strategy writes of `a`, the account's and the visitor's value given.
#[track_caller]
fn strategy(merge: &str, account: &Value, anonymous: &Value, written: &Value) {
    let any = ("a.schema.json", r#"{ "additionalProperties": true }"#);
    let decision = decide(
        &policy(&format!(r#", "merge": {merge}"#), &[any]),
        &json!({ "a": account }),
        &json!({ "a": anonymous }),
    );
    let value =
        decision["commands"].as_array().unwrap().iter().find(|one| one["key"] == "a").map(|one| one["value"].clone());
    assert_eq!(value.unwrap_or(Value::Null), *written, "{merge}: {decision}");
    if !written.is_null() {
        strategy(merge, written, anonymous, &Value::Null);
    }
}

#[test]
fn lists_are_joined_by_key_and_the_second_login_changes_nothing() {
    let none = Value::Null;
    let keyed = |options: &str| format!(r#"{{ "keyed_union": {{ "key": "k", {options} }} }}"#);
    let account = json!([{ "k": 1, "p": 5, "q": 2 }]);
    let visitor = json!([{ "k": 1, "p": null, "q": 7, "r": 1 }, { "k": 2 }, { "x": 1 }, 5, { "k": 1.0, "q": 9 }]);
    strategy(
        &keyed(r#""on_match": { "q": "max" }"#),
        &account,
        &visitor,
        &json!([{ "k": 1, "p": 5, "q": 9 }, { "k": 2 }]),
    );
    strategy(
        &keyed(r#""on_match": { "q": ["max", 8] }"#),
        &account,
        &visitor,
        &json!([{ "k": 1, "p": 5, "q": 8 }, { "k": 2 }]),
    );
    strategy(
        &keyed(r#""otherwise": "fill""#),
        &account,
        &visitor,
        &json!([{ "k": 1, "p": 5, "q": 2, "r": 1 }, { "k": 2 }]),
    );
    strategy(&keyed(r#""limit": 1"#), &account, &visitor, &none);
    strategy(&keyed(r#""first": "anonymous""#), &account, &visitor, &json!([{ "k": 2 }, { "k": 1, "p": 5, "q": 2 }]));
    let one = json!([{ "k": 1, "p": null, "q": 7 }]);
    strategy(&keyed(r#""otherwise": "overwrite""#), &account, &one, &json!([{ "k": 1, "p": 5, "q": 7 }]));
    strategy(
        &keyed(r#""otherwise": "anonymous", "on_match": { "p": "keep" }"#),
        &account,
        &one,
        &json!([{ "k": 1, "q": 7, "p": 5 }]),
    );
    let bare = json!([{ "k": 1 }]);
    let pushy = json!([{ "k": 1, "note": "x", "q": "3" }]);
    strategy(&keyed(r#""otherwise": "anonymous", "on_match": { "note": "keep", "q": "max" }"#), &bare, &pushy, &none);
}

#[test]
fn sets_times_and_fields_are_joined_and_the_second_login_changes_nothing() {
    let none = Value::Null;
    strategy(
        r#"{ "keyed_union": { "key": ["a.b", "c"] } }"#,
        &json!([{ "a": { "b": 1 } }]),
        &json!([{ "a": { "b": 1 } }, { "a": { "b": 1 }, "c": 1 }]),
        &json!([{ "a": { "b": 1 } }, { "a": { "b": 1 }, "c": 1 }]),
    );
    strategy(r#"{ "recent": { "key": "id" } }"#, &json!([{ "at": 1 }, 5]), &json!([{ "at": 1 }, 5]), &none);
    strategy(
        r#"{ "recent": { "key": "id", "limit": 2 } }"#,
        &json!([{ "id": 1, "at": 1 }]),
        &json!([{ "id": 1, "at": 3 }, { "id": 2, "at": 2 }, { "id": 3 }]),
        &json!([{ "id": 1, "at": 3 }, { "id": 2, "at": 2 }]),
    );
    strategy(
        r#"{ "union": { "limit": 3, "first": "anonymous" } }"#,
        &json!([1, 1]),
        &json!([1.0, 2, 3]),
        &json!([2, 1, 1]),
    );
    strategy(
        r#"{ "merge_fields": { "a": "max", "b": { "c": "fill" }, "d": "all", "e": ["union", {}] } }"#,
        &json!({ "a": 1, "b": { "c": "" }, "d": true, "e": [1] }),
        &json!({ "a": 2, "b": { "c": 3, "z": 1 }, "d": false, "e": [2], "f": 1 }),
        &json!({ "a": 2, "b": { "c": 3 }, "d": false, "e": [1, 2] }),
    );
    strategy(
        r#"{ "merge_fields": { "a": "keep" }, "default": "fill" }"#,
        &json!({ "c": null }),
        &json!({ "a": 1, "b": 2, "c": 3 }),
        &json!({ "c": 3, "b": 2 }),
    );
    // the account's own names are written with its root, and the provider would refuse all of the decision
    let named = policy(r#", "merge": { "merge_fields": { "a": "anonymous" } }"#, &[]);
    for (files, written) in [(generic(named.clone()), json!({ "x.y": 1, "a": 1 })), (named, Value::Null)] {
        let decision = decide(&files, &json!({ "a": { "x.y": 1 } }), &json!({ "a": { "a": 1 }, "b": { "x": 1 } }));
        let commands = decision["commands"].as_array().unwrap();
        let value = commands.iter().find(|one| one["key"] == "a").map_or(Value::Null, |one| one["value"].clone());
        let is_kept = decision["findings"][0]["keyword"] == "name_not_storable";
        assert_eq!((&value, is_kept), (&written, written.is_null()), "{decision}");
        assert!(commands.iter().any(|one| one["key"] == "b"), "the other rule writes: {decision}");
    }
    strategy(r#""max""#, &json!("text"), &json!(3), &none);
    strategy(r#""min""#, &json!(5), &json!(3), &json!(3));
    strategy(r#""any""#, &json!(false), &json!(true), &json!(true));
    strategy(r#""latest_time""#, &json!("2026-01-01T00:00:00Z"), &json!(1_795_000_000), &json!(1_795_000_000));
    strategy(r#""account""#, &none, &json!([1]), &json!([1]));
}

#[test]
fn wide_objects_are_joined_by_sorting() {
    let wide = |prefix: &str, count: usize| -> Value {
        (0..count).map(|index| (format!("{prefix}{index}"), json!(index))).collect::<serde_json::Map<_, _>>().into()
    };
    let mut joined = wide("m", 40);
    joined.as_object_mut().unwrap().extend(wide("n", 30).as_object().unwrap().clone());
    let mut visitor = wide("n", 30);
    visitor.as_object_mut().unwrap().extend(json!({ "m7": "new", "m39": 1 }).as_object().unwrap().clone());
    strategy(r#"{ "merge_fields": {}, "default": "fill" }"#, &wide("m", 40), &visitor, &joined);
    joined.as_object_mut().unwrap().extend(json!({ "m7": "new", "m39": 1 }).as_object().unwrap().clone());
    strategy(r#"{ "merge_fields": {}, "default": "anonymous" }"#, &wide("m", 40), &visitor, &joined);
}

#[test]
fn a_clock_ends_an_evaluation_and_shapes_no_decision() {
    let script = ("a.merge.rhai", "fn merge(account, anonymous, context) { anonymous }");
    for rules in [policy(r#", "merge": "anonymous""#, &[]), policy("", &[script])] {
        let rules = RuleSet::compile(&rules).unwrap();
        let body = request(&json!({}), &json!({ "a": (0..2_000).collect::<Vec<_>>() }));
        let event = Event::read(&body, rules.provider()).unwrap();
        let until = |up_at: u64| {
            let asked = Cell::new(0);
            let clock = Clock::new(move || asked.replace(asked.get() + 1) >= up_at);
            rules.evaluate_until(&event, &Given::default(), &clock).map(|decision| decision.to_bytes())
        };
        let whole = rules.evaluate(&event, &Given::default()).to_bytes();
        assert_eq!(until(u64::MAX).unwrap(), whole);
        // wherever it strikes, there is the whole decision or none
        let late = (0..2_000).take_while(|up_at| until(*up_at).map_err(|Late| ()) == Err(())).count();
        assert!((3..1_000).contains(&late), "the clock was asked {late} times");
        assert_eq!(until(late as u64).unwrap(), whole);
    }
}

#[test]
fn text_on_the_way_that_is_no_json_is_said() {
    for text in ["{bad", r#"{"x":1,"x":2}"#] {
        let from = r#", "merge": "anonymous", "from": "/a/x""#;
        rule(from, &[], &json!(text), &["type /a"], &Value::Null);
    }
}

/// The code of the first error of a policy.
#[track_caller]
fn refused(files: &[(&str, &str)], code: &str) {
    let errors = RuleSet::compile(&policy("", files)).unwrap_err();
    assert_eq!(errors[0].code.as_str(), code, "{errors:?}");
}

#[test]
fn scripts_import_from_the_bundle_and_hide_nothing() {
    let script = |import: &str, body: &str| format!("{import}\nfn merge(account, anonymous, context) {{ {body} }}\n");
    let constant = [("lib/m.rhai", "export const CAP = 99; fn f() { 5 }\n")];
    let uses = script("import \"lib/m\" as m;", "#{ n: m::CAP + m::f() }");
    rule("", &[constant[0], ("a.merge.rhai", &uses)], &json!({ "n": 1 }), &[], &json!({ "n": 104 }));
    let chain = [("lib/b.rhai", "import \"lib/m\" as m;\nfn g() { m::f() + 1 }\n"), constant[0]];
    let uses = script("import \"lib/b\" as b;", "#{ n: b::g() }");
    rule("", &[chain[0], chain[1], ("a.merge.rhai", &uses)], &json!({ "n": 1 }), &[], &json!({ "n": 6 }));
    refused(&[("a.merge.rhai", &script("import \"lib/none\" as n;", "account"))], "R014");
    refused(&[("a.merge.rhai", &script("import \"/etc/passwd\" as n;", "account"))], "R015");
    refused(&[("a.merge.rhai", &script("fn len(x) { 1 }", "account"))], "R006");
    refused(&[("a.merge.rhai", &script("fn keyed_union(a, b, c) { 1 }", "account"))], "R006");
    refused(
        &[
            ("a.merge.rhai", &script("import \"lib/x\" as x;", "x::f()")),
            ("lib/x.rhai", "import \"lib/x\" as x;\nfn f() { x::f() }\n"),
        ],
        "R001",
    );
    refused(&[("a.merge.rhai", "fn other() { 1 }")], "R003");
    refused(&[("a.merge.rhai", "fn merge(a) { 1 }")], "R004");
}

#[test]
fn what_the_caller_adds_is_bounded_and_judged_too() {
    let files = |body: &str| policy("", &[("a.merge.rhai", &SCRIPT.replace("BODY", body))]);
    let decide = |body: &str, context: &Value| {
        let rules = RuleSet::compile(&files(body)).unwrap();
        let mut request: Value = serde_json::from_slice(&request(&json!({}), &json!({ "a": { "x": 1 } }))).unwrap();
        request["context"] = context.clone();
        let (_, decision) = transfer::decide(&rules, request.to_string().as_bytes(), &Given::default()).unwrap();
        String::from_utf8(decision.to_bytes()).unwrap()
    };
    let dotted = decide("#{ x: context.request }", &json!({ "a.b": 1 }));
    assert!(dotted.contains("name_not_storable") && !dotted.contains("set_app_metadata"), "{dotted}");
    let wide: Value =
        (0..4_000).map(|index| (index.to_string(), json!(index))).collect::<serde_json::Map<_, _>>().into();
    let copies = "let l = []; for i in 0..4000 { l.push(context.request); } #{ l: l }";
    assert!(decide(copies, &wide).contains("budget_exceeded"));
    let wider: Value =
        (0..5_000).map(|index| (index.to_string(), json!(index))).collect::<serde_json::Map<_, _>>().into();
    assert!(decide("anonymous", &wider).contains("budget_exceeded"));
}

#[test]
fn a_reason_is_said_only_if_the_script_says_it() {
    let why = |body: &str| {
        let files = policy(
            "",
            &[("a.merge.rhai", &SCRIPT.replace("BODY", body)), ("lib/l.rhai", "fn f() { skip(\"in lib\") }\n")],
        );
        decide(&files, &json!({}), &json!({ "a": { "why": "pregnant" } }))["findings"][0]["reason"].clone()
    };
    assert_eq!(why("skip(\"by hand\")"), "by hand");
    assert_eq!(why("skip(anonymous.why) // \"pregnant\""), "*");
    assert_eq!(why("let other = \"pregnant\"; skip(anonymous.why)"), "*");
    assert_eq!(why("import \"lib/l\" as l; l::f()"), "in lib");
}

#[test]
fn two_rules_may_read_one_value() {
    let files = policy(r#", "merge": "anonymous", "from": "/b""#, &[]);
    let rules = RuleSet::compile(&files).unwrap();
    let body = request(&json!({}), &json!({ "b": { "x": [1, 2] } }));
    assert!(handover_engine::author::property::violated(&rules, &body).is_empty());
}

#[test]
fn an_oversized_profile_is_noted_and_changes_nothing_else() {
    let files = policy(r#", "merge": "anonymous""#, &[]);
    // {"note":"…","a":{"x":1}} is 23 bytes beside the note
    let note = "t".repeat(10_000);
    for (note, findings) in [(&note[..9_977], 0), (&note[..9_978], 1)] {
        let decision = decide(&files, &json!({ "note": note }), &json!({ "a": { "x": 1 } }));
        assert_eq!(decision["findings"].as_array().unwrap().len(), findings, "{}", decision["findings"]);
        assert_eq!(decision["commands"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn an_account_without_anything_else_may_hold_ten_thousand_bytes() {
    let text = ("a.schema.json", r#"{ "type": "string" }"#);
    let files = policy(r#", "merge": "anonymous""#, &[text]);
    for (length, findings) in [(9_992, 0), (9_993, 1)] {
        let decision = decide(&files, &json!({}), &json!({ "a": "t".repeat(length) }));
        assert_eq!(decision["findings"].as_array().unwrap().len(), findings, "{}", decision["findings"]);
    }
}

#[test]
fn the_same_files_have_the_same_digest_and_others_another() {
    let digest = |rule: &str| RuleSet::compile(&policy(rule, &[])).unwrap().digest().to_owned();
    let (one, two) = (digest(r#", "merge": "anonymous""#), digest(r#", "merge": "fill""#));
    assert_eq!(one, digest(r#", "merge": "anonymous""#));
    assert!(one != two && one.len() == "sha256:".len() + 64);
}

const CART: &str = r#"{
  "type": "object",
  "required": ["currency"],
  "properties": {
    "currency": { "enum": ["EUR", "USD"], "default": "EUR", "x-on-missing": "default", "x-on-invalid": "default" },
    "note": { "type": "string", "maxLength": 5, "x-on-invalid": ["trim", "truncate"] },
    "items": { "type": "array", "maxItems": 50, "items": { "oneOf": [
      { "type": "object", "required": ["kind", "sku"], "properties": { "kind": { "const": "product" }, "sku": { "type": "string" },
        "qty": { "type": "integer", "minimum": 1, "maximum": 99, "x-on-invalid": ["coerce", "clamp"] } } },
      { "type": "object", "required": ["kind", "code"], "properties": { "kind": { "const": "giftcard" }, "code": { "type": "string" } } }
    ] } }
  }
}"#;

#[test]
fn a_rule_may_have_choices_and_annotations() {
    let files = policy(r#", "merge": "anonymous""#, &[("a.schema.json", CART)]);
    let cart = json!({ "note": "  abcdefgh", "items": [
        { "kind": "product", "sku": "A", "qty": "500", "role": "admin" }, { "kind": "product", "code": "x" },
        { "kind": "giftcard", "code": "G", "sku": 1 }, null
    ] });
    // as the provider sends it: text, which the root of the schema does not take
    let metadata = json!({ "a": cart.to_string() });
    let decision = decide(&files, &json!({}), &metadata);
    let expected = json!({ "note": "abcde", "currency": "EUR", "items": [
        { "kind": "product", "sku": "A", "qty": 99 }, { "kind": "giftcard", "code": "G" }
    ] });
    assert_eq!(decision["commands"][0]["value"], expected);
    let findings = decision["findings"].as_array().unwrap().iter();
    let findings: Vec<_> =
        findings.map(|one| format!("{} {} {}", one["action"], one["keyword"], one["pointer"])).collect();
    let expected = [
        r#""default" "required" "/a/currency""#,
        r#""clamp" "type" "/a/items/0/qty""#,
        r#""drop" "x-unknown" "/a/items/0/role""#,
        r#""drop" "oneOf" "/a/items/1""#,
        r#""drop" "x-unknown" "/a/items/2/sku""#,
        r#""drop" "oneOf" "/a/items/3""#,
        r#""truncate" "maxLength" "/a/note""#,
    ];
    assert_eq!(findings, expected);
    let rules = RuleSet::compile(&files).unwrap();
    let violated = handover_engine::author::property::violated(&rules, &request(&json!({}), &metadata));
    assert!(violated.is_empty(), "{violated:?}");
}

#[test]
fn a_schema_may_refer_to_other_files_of_its_policy() {
    let schema = |draft: &str| {
        format!(r#"{{ "$schema": "{draft}", "type": "array", "items": {{ "$ref": "line.json#/definitions/line" }} }}"#)
    };
    let line = r#"{ "definitions": { "line": { "type": "object", "required": ["sku"], "properties": { "sku": { "$ref": "lib/text.json" } } } } }"#;
    let text = r#"{ "type": "string", "maxLength": 3 }"#;
    for draft in [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let files =
            [("a.schema.json", schema(draft)), ("line.json", line.to_owned()), ("lib/text.json", text.to_owned())];
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let metadata = json!({ "a": [{ "sku": "abc" }, { "sku": "abcd" }, 1] });
        let decision = decide(&policy(r#", "merge": "anonymous""#, &files), &json!({}), &metadata);
        assert_eq!(decision["commands"][0]["value"], json!([{ "sku": "abc" }]), "{draft}");
    }
    let broken = [("a.schema.json", r#"{ "$ref": "line.json" }"#), ("line.json", r#"{ "typ": "string" }"#)];
    let errors = RuleSet::compile(&policy(r#", "merge": "anonymous""#, &broken)).unwrap_err();
    let found: Vec<_> = errors.iter().map(|error| (error.file.as_str(), error.code.as_str())).collect();
    assert_eq!(found, [("line.json", "S010")]);
    let absent = [("a.schema.json", r#"{ "$ref": "lines.json" }"#)];
    let errors = RuleSet::compile(&policy(r#", "merge": "anonymous""#, &absent)).unwrap_err();
    assert_eq!(errors[0].code.as_str(), "S016", "{errors:?}");
}

/// The whole decision of rules over one cart, with these extra members of each rule.
fn observed(rules: &str, account: &Value, metadata: &Value) -> Value {
    let schema = r#"{ "type": "array", "maxItems": 3, "items": { "type": "integer", "minimum": 0, "maximum": 9 } }"#;
    let files = [
        ("policy.json", format!(r#"{{ "name": "test", "session": {{ "once": true }}, "rules": [ {rules} ] }}"#)),
        ("old.schema.json", schema.to_owned()),
        ("new.schema.json", schema.to_owned()),
        (
            "new.merge.rhai",
            SCRIPT.replace("BODY", "if anonymous.contains(7) { throw \"seven\"; } union(account, anonymous)"),
        ),
    ];
    let is_there = |file: &str| {
        file.split('.').next().is_some_and(|rule| rule == "policy" || rules.contains(&format!("\"{rule}\"")))
    };
    let files = files.into_iter().filter(|(file, _)| is_there(file));
    decide(&Files(files.map(|(file, text)| (file.to_owned(), text)).collect()), account, metadata)
}

#[test]
fn a_rule_that_observes_changes_nothing_but_findings() {
    let old = r#"{ "name": "old", "from": "/l", "to": "app_metadata.l", "merge": "fill" }"#;
    let new = r#"{ "name": "new", "from": "/l", "to": "app_metadata.l", "mode": "observe" }"#;
    let (alone, both) = (old.to_owned(), format!("{new}, {old}"));
    for (account, list, expected) in [
        (json!({}), json!([1]), json!([["observed", "note", "write", false]])),
        (json!({ "l": [1] }), json!([2]), json!([["observed", "note", "write", true]])),
        (json!({ "l": [1] }), json!([1]), json!([["observed", "note", "keep", false]])),
        (
            json!({ "l": [1] }),
            json!([1, -1]),
            json!([["minimum", "drop", null, null], ["observed", "note", "keep", false]]),
        ),
        // a failure keeps no session
        (
            json!({ "l": [1] }),
            json!([7]),
            json!([["script_failed", "note", null, null], ["observed", "note", "keep", false]]),
        ),
        (
            json!({ "l": "text" }),
            json!([1]),
            json!([["account_shape", "note", null, null], ["observed", "note", "keep", false]]),
        ),
        (json!({}), json!([]), json!([["observed", "note", "keep", false]])),
        (json!({}), json!([null]), json!([["type", "drop", null, null], ["observed", "note", "keep", false]])),
    ] {
        let metadata = json!({ "l": list });
        let (alone, both) = (observed(&alone, &account, &metadata), observed(&both, &account, &metadata));
        assert_eq!((&alone["commands"], &alone["status"]), (&both["commands"], &both["status"]), "{both}");
        let of = |decision: &Value, rule: &str| {
            let own = decision["findings"].as_array().unwrap().iter().filter(|one| one["rule"] == rule).cloned();
            own.collect::<Vec<_>>()
        };
        assert_eq!(of(&alone, "old"), of(&both, "old"));
        let own = of(&both, "new");
        let shown: Vec<_> =
            own.iter().map(|one| json!([one["keyword"], one["action"], one["would"], one["differs"]])).collect();
        assert_eq!(json!(shown), expected, "{both}");
        assert!(own.iter().all(|one| one["keyword"] == "observed" || one["observed"] == true), "{both}");
    }
    // without a rule beside it there is nothing to differ from, and the receipt never names it
    let decision = observed(new, &json!({}), &json!({ "l": [1] }));
    assert_eq!((&decision["status"], &decision["findings"][0]["differs"]), (&json!("unchanged"), &Value::Null));
}

#[test]
fn a_provider_decides_what_ids_and_roots_there_are() {
    let compiled = |provider: &str, root: &str| {
        let policy = format!(
            r#"{{ "name": "test", "provider": "{provider}", "rules": [ {{ "name": "a", "to": "app_metadata.{root}", "merge": "anonymous" }} ] }}"#
        );
        let files = [("policy.json", policy), ("a.schema.json", r#"{ "type": "boolean" }"#.to_owned())];
        RuleSet::compile(&Files(files.map(|(file, text)| (file.to_owned(), text)).into()))
    };
    for (root, auth0, generic) in [
        ("cart", true, true),
        ("email", false, true),
        ("a$b", false, true),
        ("a\\u0000b", false, true),
        ("a.b", false, false),
        ("", false, false),
        ("__proto__", false, false),
        ("constructor", false, false),
        ("prototype", false, false),
        ("handover", false, false),
        ("roles", false, false),
    ] {
        assert_eq!((compiled("auth0", root).is_ok(), compiled("generic", root).is_ok()), (auth0, generic), "{root}");
    }
    let (auth0, generic) = (compiled("auth0", "cart").unwrap(), compiled("generic", "cart").unwrap());
    for (id, by_auth0, by_generic) in [
        ("anon@1", true, true),
        ("anon|1", true, true),
        ("anon@", false, true),
        ("s/1?x", false, true),
        ("", false, false),
        ("a b", false, false),
        ("a\u{7}", false, false),
        (&"x".repeat(256), false, true),
        (&"x".repeat(257), false, false),
    ] {
        let mut body: Value = serde_json::from_slice(&request(&json!({}), &json!({}))).unwrap();
        body["anonymous_session"]["id"] = json!(id);
        let body = body.to_string();
        let taken = |rules: &RuleSet| transfer::decide(rules, body.as_bytes(), &Given::default()).is_ok();
        assert_eq!((taken(&auth0), taken(&generic)), (by_auth0, by_generic), "{id}");
    }
}

#[test]
fn a_time_of_a_session_is_read_in_every_form_and_anything_else_is_refused() {
    let rules = RuleSet::compile(&policy(r#", "merge": "anonymous""#, &[])).unwrap();
    let taken = |created_at: Value, expires_at: Value| {
        let mut body: Value = serde_json::from_slice(&request(&json!({}), &json!({ "b": { "x": 1 } }))).unwrap();
        body["anonymous_session"]["created_at"] = created_at;
        body["anonymous_session"]["expires_at"] = expires_at;
        match transfer::decide(&rules, body.to_string().as_bytes(), &Given::default()) {
            Ok((_, decision)) => decision.status.word().to_owned(),
            Err(refusal) => format!("{refusal:?}"),
        }
    };
    for unknown in [Value::Null, json!(0), json!("0"), json!(0.0)] {
        assert_eq!(taken(unknown.clone(), unknown.clone()), "transferred", "{unknown}");
    }
    let (past, future) = (json!(1_790_000_000), json!("2027-01-01T00:00:00Z"));
    assert_eq!(taken(past.clone(), future), "transferred");
    for ended in [past, json!("1790000000"), json!("1790000000000"), json!("2026-01-01T00:00:00Z"), json!(1.79e9)] {
        assert_eq!(taken(Value::Null, ended.clone()), "skipped", "{ended}");
    }
    for wrong in [
        json!(""),
        json!("soon"),
        json!("-1"),
        json!("1e9"),
        json!("17900000.5"),
        json!([]),
        json!(true),
        json!("99999999999999999999"),
    ] {
        assert!(taken(Value::Null, wrong.clone()).contains("/anonymous_session/expires_at"), "{wrong}");
    }
}

/// Rules by name, each with the rest of its line, its schema and its script, under `session.once`.
struct Shop {
    rules: RuleSet,
    account: Value,
    now: i64,
}

impl Shop {
    fn new(once: bool, limits: &str, rules: &[(&str, &str, &str, &str)]) -> Self {
        let lines = rules
            .iter()
            .map(|(name, more, ..)| format!(r#"{{ "name": "{name}", "to": "app_metadata.{name}"{more} }}"#));
        let lines: Vec<_> = lines.collect();
        let policy = format!(
            r#"{{ "name": "test", "session": {{ "once": {once} }}, "limits": {limits}, "rules": [ {} ] }}"#,
            lines.join(", ")
        );
        let mut files = BTreeMap::from([("policy.json".to_owned(), policy)]);
        for (name, _, schema, script) in rules {
            files.insert(format!("{name}.schema.json"), (*schema).to_owned());
            if !script.is_empty() {
                files.insert(format!("{name}.merge.rhai"), SCRIPT.replace("BODY", script));
            }
        }
        let rules = RuleSet::compile(&Files(files)).unwrap_or_else(|errors| panic!("{errors:?}"));
        Self { rules, account: json!({}), now: 0 }
    }

    /// A login that changes these members of the request; what it writes is kept.
    fn login(&mut self, metadata: &Value, changes: &[(&str, Value)]) -> Value {
        self.now += 1;
        let mut body: Value = serde_json::from_slice(&request(&self.account, metadata)).unwrap();
        body["at"] = json!(format!("2026-11-23T10:00:{:02}Z", self.now));
        body["anonymous_session"]["session_id"] = json!("s-1");
        for (pointer, value) in changes {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        let (_, decision) = transfer::decide(&self.rules, body.to_string().as_bytes(), &Given::default()).unwrap();
        let decision: Value = serde_json::from_slice(&decision.to_bytes()).unwrap();
        for command in decision["commands"].as_array().unwrap() {
            if let Some(key) = command["key"].as_str() {
                self.account[key] = command["value"].clone();
            }
        }
        decision
    }

    fn left(&self) -> Value {
        self.account["handover"]["taken"][0][3].clone()
    }
}

fn clears(decision: &Value) -> bool {
    decision.to_string().contains("clear_anonymous_session")
}

/// Keywords with their counts.
fn keywords(decision: &Value) -> Vec<String> {
    let findings = decision["findings"].as_array().unwrap().iter();
    let shown = findings.map(|one| {
        format!("{} {}{}", one["rule"].as_str().unwrap_or("-"), one["keyword"].as_str().unwrap(), one["count"])
    });
    shown.map(|text| text.replace("null", "")).collect()
}

const NUMBER: &str = r#"{ "type": "integer", "minimum": 0, "maximum": 1000 }"#;
const NUMBERS: &str =
    r#"{ "type": "array", "maxItems": 9, "items": { "type": "integer", "minimum": 0, "maximum": 99 } }"#;

#[test]
fn a_rule_that_was_left_runs_on_any_trigger() {
    let mut shop = Shop::new(
        true,
        "{}",
        &[("a", r#", "merge": "max""#, NUMBER, ""), ("b", r#", "on": ["signup"], "merge": "max""#, NUMBER, "")],
    );
    let hidden = json!(["app_metadata.a", "app_metadata.handover"]);
    let metadata = json!({ "a": 1, "b": 2 });
    let first = shop.login(&metadata, &[("/trigger", json!("signup")), ("/account/visible", hidden)]);
    assert_eq!((shop.left(), clears(&first)), (json!(["b"]), false));
    let second = shop.login(&metadata, &[]);
    assert_eq!((&shop.account["b"], shop.left(), clears(&second)), (&json!(2), Value::Null, true));
    assert_eq!(shop.login(&metadata, &[])["reason"], "already_transferred");
}

#[test]
fn of_many_rules_that_were_left_those_that_need_once_are_named() {
    let names = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"];
    let rules =
        names.map(|name| (name, if name == "r8" { r#", "merge": "sum""# } else { r#", "merge": "max""# }, NUMBER, ""));
    let mut shop = Shop::new(true, "{}", &[&rules[..], &[("z", r#", "merge": "max""#, NUMBER, "")]].concat());
    let metadata: Value =
        names.iter().chain(&["z"]).map(|name| ((*name).to_owned(), json!(3))).collect::<serde_json::Map<_, _>>().into();
    shop.login(&metadata, &[("/account/visible", json!(["app_metadata.z", "app_metadata.handover"]))]);
    assert_eq!(shop.left(), json!(["*", "r8"]));
    shop.login(&metadata, &[]);
    assert_eq!((&shop.account["r0"], &shop.account["r8"], shop.left()), (&json!(3), &json!(3), Value::Null));
    // names that the policy lacks count as through
    shop.account["handover"]["taken"][0].as_array_mut().unwrap().push(json!(["ghost", ""]));
    assert_eq!(shop.login(&metadata, &[])["reason"], "already_transferred");
}

#[test]
fn a_rule_that_waits_is_not_forgotten_when_the_draft_lacks_its_value_for_a_while() {
    let mut shop =
        Shop::new(true, "{}", &[("a", r#", "merge": "max""#, NUMBER, ""), ("s", r#", "merge": "sum""#, NUMBER, "")]);
    shop.login(&json!({ "a": 1, "s": 5 }), &[("/account/visible", json!(["app_metadata.a", "app_metadata.handover"]))]);
    shop.login(&json!({ "a": 2 }), &[]);
    assert_eq!(shop.left(), json!(["s"]));
    shop.login(&json!({ "a": 3, "s": 5 }), &[]);
    assert_eq!((&shop.account["s"], shop.left()), (&json!(5), Value::Null));
    assert_eq!(keywords(&shop.login(&json!({ "a": 4, "s": 7 }), &[])), ["s already_counted"]);
    assert_eq!(shop.account["s"], 5);
}

#[test]
fn whether_a_script_needs_once_is_evidence() {
    let currency = r#"{ "type": "object", "required": ["c", "n"], "properties": { "c": { "type": "string", "pattern": "^[A-Z]{3}$" },
        "n": { "type": "integer", "minimum": 0, "maximum": 99 } } }"#;
    let needs_once =
        |schema: &str, script: &str| Shop::new(true, "{}", &[("a", "", schema, script)]).rules.rules()[0].needs_once;
    for (schema, script) in [
        // no generated login brings euros: nothing is known, whatever the script does with the others
        (
            currency,
            r#"if anonymous.c != "EUR" { skip("currency"); } let o = account ?? #{ n: 0 }; o.n += anonymous.n; o"#,
        ),
        (
            currency,
            r#"if anonymous.c != "EUR" { discard("currency"); } let o = account ?? #{ n: 0 }; o.n += anonymous.n; o"#,
        ),
        (
            currency,
            r#"if anonymous.c != "EUR" { return account; } let o = account ?? #{ n: 0 }; o.n += anonymous.n; o"#,
        ),
        (NUMBER, "throw anonymous"),
        (NUMBER, "(account ?? 0) + anonymous"),
        (NUMBERS, "let o = account ?? []; for n in anonymous { o.push(n); } o"),
        // an entry with the time is another one each time
        (NUMBERS, "union(account, [context.now])"),
    ] {
        assert!(needs_once(schema, script), "{script}");
    }
    for (schema, script) in [
        (NUMBER, "max_of(account, anonymous)"),
        (NUMBER, "account ?? anonymous"),
        (NUMBER, r#"if anonymous > 500 { skip("large"); } max_of(account, anonymous)"#),
        (NUMBERS, "union(account, anonymous)"),
        // the time is another one, and that is all
        (currency, "let o = account ?? #{}; o.n = max_of(o?.n, anonymous.n); o.at = context.now; o"),
    ] {
        assert!(!needs_once(schema, script), "{script}");
    }
}

#[test]
fn an_observing_rule_takes_no_room_and_needs_no_once() {
    let long = "o".repeat(240);
    let apply = ("u", r#", "merge": "max""#, NUMBER, "");
    let observe = (long.as_str(), r#", "from": "/u", "merge": "sum", "mode": "observe""#, NUMBER, "");
    for rules in [vec![apply], vec![observe, apply]] {
        let decision = Shop::new(true, r#"{ "sink_bytes": 300 }"#, &rules).login(&json!({ "u": 3 }), &[]);
        assert_eq!((&decision["status"], clears(&decision)), (&json!("transferred"), true), "{decision}");
    }
    // it may add where the policy has no receipts
    Shop::new(false, "{}", &[apply, observe]);
}

#[test]
fn a_receipt_that_does_not_fit_is_not_written() {
    let sum = ("s", r#", "merge": "sum""#, NUMBER, "");
    let max = ("m", r#", "merge": "max""#, NUMBER, "");
    for (rules, written, found) in
        [(vec![max], json!(3), "- receipt_full"), (vec![sum, max], json!(3), "s receipt_full")]
    {
        let mut shop = Shop::new(true, r#"{ "sink_bytes": 150 }"#, &rules);
        let taken = json!([["x", 1, 1_800_000_000_000_i64, [], "y".repeat(200)]]);
        shop.account["handover"] = json!({ "v": 1, "taken": taken });
        let decision = shop.login(&json!({ "s": 3, "m": 3 }), &[]);
        assert_eq!(
            (&shop.account["m"], &shop.account["s"], keywords(&decision)),
            (&written, &Value::Null, vec![found.to_owned()])
        );
        assert_eq!(shop.account["handover"]["taken"], taken);
    }
}

#[test]
fn what_a_merge_of_lists_does_not_take_is_counted() {
    let keyed = r#"{ "type": "array", "maxItems": 9, "items": { "type": "object", "properties": {
        "id": { "type": "integer", "minimum": 0, "maximum": 99 }, "n": { "type": "integer", "minimum": 0, "maximum": 99 } } } }"#;
    let lines = json!([{ "id": 1 }, { "n": 5 }, { "id": 2 }, { "id": 1, "n": 2 }, { "id": 3 }]);
    for (more, schema, script, list, found) in [
        (
            r#", "merge": { "keyed_union": { "key": "id", "limit": 2 } }"#,
            keyed,
            "",
            &lines,
            vec!["a limit_reached1", "a unmergeable1"],
        ),
        (
            r#", "merge": { "recent": { "key": "id", "at": "n", "limit": 1, "clamp": true } }"#,
            keyed,
            "",
            &lines,
            vec!["a unmergeable4"],
        ),
        (r#", "merge": { "union": { "limit": 2 } }"#, NUMBERS, "", &json!([1, 1, 2, 3]), vec!["a limit_reached1"]),
        // what a script tried and did not use is no loss
        (
            "",
            NUMBERS,
            "let tried = union([], anonymous, #{ limit: 1 }); union(account, anonymous)",
            &json!([1, 2, 3]),
            vec![],
        ),
        (
            "",
            NUMBERS,
            "union(union(account, anonymous, #{ limit: 2 }), anonymous, #{ limit: 2 })",
            &json!([1, 2, 3]),
            vec!["a limit_reached1"],
        ),
    ] {
        let decision = Shop::new(true, "{}", &[("a", more, schema, script)]).login(&json!({ "a": list }), &[]);
        assert_eq!(keywords(&decision), found, "{more} {script}: {decision}");
        assert!(clears(&decision));
    }
}

#[test]
fn a_place_that_two_rules_read_is_lost_by_neither() {
    let whole = r#"{ "type": "object", "properties": { "theme": { "enum": ["dark"] } } }"#;
    let rules = [
        ("w", r#", "from": "", "merge": { "merge_fields": { "theme": "anonymous" } }"#, whole, ""),
        ("d", r#", "from": "/box/deep", "merge": "union""#, NUMBERS, ""),
    ];
    let places = |metadata: &Value| {
        let decision = Shop::new(true, "{}", &rules).login(metadata, &[]);
        let findings = decision["findings"].as_array().unwrap().iter();
        findings
            .map(|one| format!("{} {}", one["rule"].as_str().unwrap(), one["pointer"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let (deep, both) = (json!({ "deep": [1, "x"] }), json!({ "deep": [1], "note": 1 }));
    assert_eq!(
        places(&json!({ "theme": "dark", "box": deep, "handover": "draft_0123456789-abcdef" })),
        ["d /box/deep/1"]
    );
    assert_eq!(places(&json!({ "theme": "dark", "box": both })), ["w /box/note"]);
    // what stands in a text cannot be told apart: the text is reported as a whole
    assert_eq!(places(&json!({ "theme": "dark", "box": both.to_string() })), ["w /box"]);
    assert_eq!(places(&json!(json!({ "theme": "dark", "box": both }).to_string())), ["w /box/note"]);
    // a place that nobody takes is unknown to the one that reads it
    assert_eq!(places(&json!({ "box": { "deep": ["x"] } })), ["w /box", "d /box/deep/0"]);
}

#[test]
fn every_member_of_eight_rules_that_share_a_place_is_judged() {
    let schema = |name: usize| format!(r#"{{ "type": "object", "properties": {{ "m{name}": {NUMBER} }} }}"#);
    let schemas: Vec<_> = (0..8).map(schema).collect();
    let names: Vec<_> = (0..8).map(|n| format!("r{n}")).collect();
    let rules: Vec<_> = names
        .iter()
        .zip(&schemas)
        .map(|(name, schema)| {
            (
                name.as_str(),
                r#", "from": "", "merge": { "merge_fields": {}, "default": "anonymous" }"#,
                schema.as_str(),
                "",
            )
        })
        .collect();
    let mut shop = Shop::new(true, "{}", &rules);
    let metadata: serde_json::Map<_, _> = (0..4_000).map(|n| (format!("m{n}"), json!(1))).collect();
    let decision = shop.login(&json!(metadata), &[]);
    assert_eq!(decision["commands"].as_array().unwrap().len(), 10);
    assert_eq!(decision["findings_omitted"], 8 * (4_000 - 8) - 100);
}

#[test]
fn metadata_that_no_rule_can_read_is_a_finding() {
    let rules = [("a", r#", "merge": "max""#, NUMBER, "")];
    for metadata in [
        json!("{\"a\":1,\"a\":2}"),
        json!("{\"a\":1e999}"),
        json!("{\"a\":"),
        json!("text"),
        json!([1]),
        json!(7),
        json!(true),
    ] {
        let decision = Shop::new(true, "{}", &rules).login(&metadata, &[]);
        assert_eq!(
            (&decision["status"], keywords(&decision)),
            (&json!("unchanged"), vec!["- type".to_owned()]),
            "{metadata}"
        );
    }
    for metadata in [json!(null), json!({}), json!("{}")] {
        assert_eq!(keywords(&Shop::new(true, "{}", &rules).login(&metadata, &[])), Vec::<String>::new(), "{metadata}");
    }
}

#[test]
fn a_cause_is_a_member_that_the_object_needs_and_a_repair_is_safe() {
    let schema = r#"{ "type": "object", "properties": {
        "l": { "type": "array", "maxItems": 9, "items": { "type": "object", "required": ["qty"], "properties": {
            "qty": { "type": "integer", "minimum": 1, "maximum": 9 }, "sku": { "type": "string", "maxLength": 2 } } } },
        "o": { "type": "object", "required": ["sku"], "properties": { "sku": { "type": "string", "maxLength": 2 } } },
        "big": { "type": "integer", "x-on-invalid": "coerce" } } }"#;
    let rules = [("a", r#", "merge": { "merge_fields": {}, "default": "anonymous" }, "max_bytes": 900"#, schema, "")];
    let metadata = json!({ "a": { "l": [{ "sku": "long" }, { "sku": "long", "qty": 0 }], "big": "9007199254740993", "o": { "sku": "ok" } } });
    let decision = Shop::new(true, "{}", &rules).login(&metadata, &[]);
    let findings = decision["findings"].as_array().unwrap().iter();
    let causes: Vec<_> = findings.map(|one| json!([one["pointer"], one["action"], one["cause"]["pointer"]])).collect();
    let expected = json!([["/a/big", "drop", null], ["/a/l/0", "drop", null], ["/a/l/1", "drop", "/a/l/1/qty"]]);
    assert_eq!((json!(causes), clears(&decision)), (expected, true), "{decision}");
}
