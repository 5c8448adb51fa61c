//! The worked cases of merging: scripts over `account`, `anonymous` and `context`, run in the rules' sandbox.

use handover_engine::budget::Budget;
use handover_engine::json::{Document, Json, Kind, View, compare};
use handover_engine::limits::Limits;
use handover_engine::merge::merged;
use handover_engine::script::{Outcome, Sandbox};

use crate::binary::{handover, temporary};

fn word(view: View<'_>, name: &str) -> String {
    view.get(name).and_then(View::as_text).map(|text| text.decode().into_owned()).unwrap_or_default()
}

/// A value without null members, its lists sorted where their order says nothing.
fn plain(view: View<'_>, sorted: bool) -> Json {
    match view.kind() {
        Kind::Array => {
            let mut items: Vec<_> = view.items().map(|item| plain(item, sorted)).collect();
            if sorted {
                items.sort_by(|a, b| compare(a.view(), b.view()));
            }
            Json::list(items)
        }
        Kind::Object => {
            let members = view.named_members().filter(|(_, value)| !value.is_null());
            Json::object(members.map(|(name, value)| (name.to_json(), plain(value, sorted))).collect())
        }
        _ => view.to_json(),
    }
}

fn data(case: View<'_>) -> Json {
    let member = |name: &str| (Json::text(name), case.get(name).map_or(Json::Null, View::to_json));
    Json::object(vec![member("account"), member("anonymous"), member("context")])
}

fn check(case: View<'_>, sandbox: &Sandbox) {
    let (id, rule) = (word(case, "id"), word(case, "rule"));
    let budget = Budget::new(250_000);
    let outcome = sandbox.evaluate(&id, &rule, data(case).view(), &budget);
    let Ok(Outcome::Value(value, _)) = outcome else { panic!("{id}: {outcome:?}") };
    let sorted = word(case, "order") == "insignificant";
    let (actual, expected) = (plain(value.view(), sorted), plain(case.get("expect").unwrap(), sorted));
    assert!(compare(actual.view(), expected.view()).is_eq(), "{id}: {}", actual.view().to_text());
}

#[test]
fn worked_cases() {
    let cases = Document::read(include_bytes!("cases/merge.json")).unwrap();
    let sandbox = Sandbox::new(&Limits::default());
    assert_eq!(cases.root().len(), 111);
    cases.root().items().for_each(|case| check(case, &sandbox));
}

#[test]
fn a_case_runs_through_the_binary() {
    let cases = Document::read(include_bytes!("cases/merge.json")).unwrap();
    let case = cases.root().items().find(|case| word(*case, "id") == "sfcc-higher-quantity").unwrap();
    let script = temporary("merging/rule.rhai", &word(case, "rule"));
    let data = temporary("merging/data.json", &data(case).view().to_text());
    let output = handover(&["eval", "--script", &script, "--data", &data], b"");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = Document::read(&output.stdout).unwrap();
    let (actual, expected) = (plain(printed.root(), true), plain(case.get("expect").unwrap(), true));
    assert!(compare(actual.view(), expected.view()).is_eq());
}

/// What a script gives: a value as text, or how it ended.
#[track_caller]
fn script(source: &str, expected: &str) {
    let data = Document::read(br#"{"o":{"b":1.10,"a":{"x":[1,{"y":2}]}},"l":[3,1,2]}"#).unwrap();
    let budget = Budget::new(20_000);
    let outcome = Sandbox::new(&Limits::default()).evaluate("script", source, data.root(), &budget);
    let shown = match outcome {
        Ok(Outcome::Value(value, _)) => value.view().to_text(),
        Ok(Outcome::Skip(reason)) => format!("skip {reason}"),
        Ok(Outcome::Failed(..)) => "failed".to_owned(),
        Ok(Outcome::Overrun(_)) => "overrun".to_owned(),
        Ok(Outcome::AccountShape) => "account_shape".to_owned(),
        Ok(Outcome::Discard(reason)) => format!("discard: {reason}"),
        Ok(Outcome::Inexact) => "number_range".to_owned(),
        Err(error) => error.code.to_string(),
    };
    assert_eq!(shown, expected, "{source}");
}

#[test]
fn an_object_behaves_as_a_map_of_rhai() {
    script("o.a.x[1].y = 5; o", r#"{"b":1.10,"a":{"x":[1,{"y":5}]}}"#);
    script("o.keys()", r#"["b","a"]"#);
    script("o.values().len()", "2");
    script("o.len() + o.a.len()", "3");
    script("\"a\" in o && !(\"z\" in o) && o.contains(\"b\")", "true");
    script("o.z == () && o?.z?.y == ()", "true");
    script("o.remove(\"a\"); o.set(\"c\", o.get(\"b\")); o", r#"{"b":1.10,"c":1.10}"#);
    script("o.clear(); o.is_empty()", "true");
    script("o.mixin(#{ b: 2, c: 3 }); o.a = 0; o", r#"{"b":2,"a":0,"c":3}"#);
    script("o.fill_with(#{ b: 2, c: 3 }); o.remove(\"a\"); o", r#"{"b":1.10,"c":3}"#);
    script("o += #{ a: 1 }; o + #{ c: 2 }", r#"{"b":1.10,"a":1,"c":2}"#);
    script("o.filter(|k, v| k == \"b\")", r#"{"b":1.10}"#);
    script("let gone = o.drain(|k, v| k == \"b\"); [gone, o.keys()]", r#"[{"b":1.10},["a"]]"#);
    script("o.a == #{ x: [1, #{ y: 2 }] } && o != o.a && #{ y: 2 } == o.a.x[1]", "true");
    script("type_of(o)", "\"map\"");
    script("let n = 0; for item in l { n += item; } n", "6");
}

#[test]
fn a_number_that_a_script_cannot_hold_is_not_read() {
    let data = Document::read(br#"{"o":{"big":18446744073709551616}}"#).unwrap();
    let read = |source| Sandbox::new(&Limits::default()).evaluate("script", source, data.root(), &Budget::new(100));
    assert!(matches!(read("o.big"), Ok(Outcome::Inexact)));
    assert!(
        matches!(read("o"), Ok(Outcome::Value(value, _)) if value.view().to_text() == r#"{"big":18446744073709551616}"#)
    );
}

#[test]
fn the_sandbox_holds() {
    script("l.sort(); l", "[1,2,3]");
    script("l.sort(|a, b| b - a); l", "[3,2,1]");
    script("l.sort(|a, b| 1); l.len()", "3");
    script("let t = \"aXbX\"; t.replace(\"X\", \"-\"); t", "\"a-b-\"");
    script("\"a\" + 1", "failed");
    script("1 + \"a\"", "failed");
    script("\"a\" + ()", "failed");
    script("\"a\" + \"b\"", "\"ab\"");
    script("0.0 / 0.0", "failed");
    script("1.0 / 0.0", "failed");
    script("throw \"x\"", "failed");
    script("let x = 1; try { throw 1 } catch { x = 2; } x", "2");
    script("try { skip(\"a reason\") } catch { }", "skip a reason");
    script("skip(\"reason \" + \"made\")", "skip *");
    script("skip(\"No. 1\")", "skip *");
    script("loop { }", "overrun");
    script("try { loop { } } catch { }", "overrun");
    script("let x = []; x.pad(4000, 0); for i in 0..9 { x.for_each(|| { this + 1; }); }", "overrun");
    script("fn f() { f() } f()", "overrun");
    script("let x = \"x\"; loop { x += x; }", "overrun");
    script("let x = []; loop { x.push(0); }", "overrun");
    script("let a = [1]; let n = 1; try { a.map(|x| a.len()); } catch { n = 2; } n", "2");
    script("let a = [1]; let f = || a.len(); a.map(|x| f.call())", "failed");
    script("let a = [1]; let n = a.len(); a.map(|x| x + n)", "[2]");
    script("let f = |x, y| x; f.curry(1)", "R001");
    script("nothing", "R012");
    script("eval(\"1\")", "R016");
    script("sleep(1)", "failed");
    script("print(1)", "R016");
    script("import \"lib/none\" as none; 1", "failed");
    script("coalesce((), 2)", "2");
    script("max_of(3, 2) + min_of(3, 2)", "5");
    script("fill(\"\", 2)", "2");
    script("union([1, #{ a: 1 }], [1.0, #{ a: 1 }, 2])", r#"[1,{"a":1},2]"#);
}

/// What a script writes of `account` under a small budget, or how it ended.
#[track_caller]
fn guarded(source: &str, data: &str, expected: &str) {
    let data = Document::read(data.as_bytes()).unwrap();
    let outcome = Sandbox::new(&Limits::default()).evaluate("script", source, data.root(), &Budget::new(250_000));
    let shown = match outcome {
        Ok(Outcome::Value(value, _)) => value.view().to_text(),
        other => format!("{other:?}").split('(').nth(1).unwrap_or_default().to_owned(),
    };
    assert_eq!(shown, expected, "{source}");
}

#[test]
fn no_function_makes_more_than_its_budget() {
    let long = format!(r#"{{"t":"{}"}}"#, "a".repeat(60_000));
    for replace in ["t.replace('a', t)", "t.replace(\"a\", t)", "let u = t; u.replace('a', t)"] {
        guarded(replace, &long, "Overrun");
    }
    guarded("t.replace('a', 'b'); t.len()", &long, "60000");
    // a text that is interpolated again and again, into variables of calls in calls
    let lets = (0..20).map(|number| format!("let v{number} = `${{s}}{number}`;")).collect::<Vec<_>>().concat();
    let deep = format!("fn deep(n, s) {{ {lets} if n > 0 {{ deep(n - 1, s) }} else {{ 1 }} }} deep(20, t)");
    guarded(&deep, &long, "Overrun");
    guarded(&deep, r#"{"t":"short"}"#, "1");
    guarded("let n = 0; for i in 0..5000 { let a = i; let b = a; n = b; } n", "{}", "4999");
    // each reads or makes sixty thousand bytes, for one operation of rhai's
    for call in [
        "t + t.sub_string(0, 9)",
        "t.contains(\"b\")",
        "t.to_upper()",
        "t.index_of('b')",
        "t.split(\"b\")",
        "t.sub_string(1)",
        "`${m}`",
        "`${t}`",
        "t.len()",
        "t.set(5, 'b')",
        "t[5]",
        "t[5] = 'b'",
        "for c in t { break; }",
        "[t]",
        "m.to_string()",
        "[m].to_json()",
        "#{ m: m }.to_string()",
        "m == #{ x: t }",
        "m.x.len()",
        "keyed_union([m], [m], #{ key: \"x\" })",
        "[\"x\"].contains(t)",
    ] {
        let data = format!(r#"{{"t":"{0}","m":{{"x":"{0}","n":1}}}}"#, "a".repeat(60_000));
        guarded(&format!("for i in 0..300 {{ {call}; }}"), &data, "Overrun");
        guarded(&format!("{{ {call} }}; 1"), &data, "1");
    }
    guarded("for i in 0..60 { let o = m; m.a = o; m.b = o; } m", r#"{"m":{"x":1}}"#, "Overrun");
    guarded("for i in 0..60 { let o = m; m += #{ a: o, b: o }; } m == m", r#"{"m":{"x":1}}"#, "Overrun");
    guarded("for i in 0..100 { m = #{ a: m }; } m", r#"{"m":{"x":1}}"#, "Failed");
}

#[test]
fn native_work_is_charged_by_what_it_reads() {
    let pairs = (0..1_300).map(|index| format!("\"k{index}\":[{index},{index}]")).collect::<Vec<_>>().join(",");
    let data = format!(r#"{{"l":[{{{pairs}}}],"m":[{{{pairs}}}]}}"#);
    guarded("for i in 0..1000 { union(l, m); } 1", &data, "Overrun");
    guarded("for i in 0..1000 { keyed_union(l, m, #{ key: \"k0\" }); } 1", &data, "Overrun");
    guarded("for i in 0..1000 { l[0] == m[0]; } 1", &data, "Overrun");
    guarded("for i in 0..10000 { l[0].k1299; } 1", &data, "Overrun");
}

#[test]
fn objects_become_json_where_text_is_asked_for() {
    let data = r#"{"o":{"a":1.10,"b":[{"c":"é"}]}}"#;
    guarded("`${o}`", data, r#""{\"a\":1.10,\"b\":[{\"c\":\"é\"}]}""#);
    guarded("o.to_json() == #{ x: o.b }.to_json()", data, "false");
    guarded("#{ x: o.b }.to_json()", data, r#""{\"x\":[{\"c\":\"é\"}]}""#);
    guarded("o.b.to_string()", data, r#""[{\"c\":\"é\"}]""#);
}

#[test]
fn a_sort_that_fails_leaves_the_list() {
    let data = r#"{"l":[{"q":1},{"q":"x"}]}"#;
    guarded("try { l.sort(|a, b| a.q - b.q); } catch { } l", data, r#"[{"q":1},{"q":"x"}]"#);
    guarded("try { l.push(0.0 / 0.0); l.sort(); } catch { } l.len()", data, "3");
    guarded("[3, 1, 2].order()", data, "[1,2,3]");
    guarded("let l = [3, 1, 2]; l.sort_desc(); l + l.order_by(|a, b| a - b)", data, "[3,2,1,1,2,3]");
}

#[test]
fn numbers_that_nobody_computes_with_keep_their_text() {
    let data = r#"{"account":[1.10,1e2,-0,3],"anonymous":[5,100.0]}"#;
    guarded("union(account, anonymous)", data, "[1.10,1e2,-0,3,5]");
    guarded("[account[0], account[0] + 1, account[1] * 1]", data, "[1.10,2.1,100.0]");
    guarded("let n = account[0]; n += 1.0; n", data, "2.1");
    guarded("union(5, [1])", data, "5");
    guarded("recent([1, 2], [3, 2])", data, "[3,2,1]");
}

/// What a strategy makes of two values.
#[track_caller]
fn joins(strategy: &str, account: &str, anonymous: &str, expected: &str) {
    assert_eq!(merged(strategy, account, anonymous), expected, "{strategy} of {account} and {anonymous}");
}

#[test]
fn numbers_pass_as_their_own_bytes_and_are_added_exactly() {
    // beyond i64, negative zero, one number in two forms, a zero at the end
    joins("\"max\"", "1", "18446744073709551615", "18446744073709551615");
    joins("\"max\"", "0", "-0", "0");
    joins("\"max\"", "1.0", "1", "1.0");
    joins("\"max\"", "null", "1.10", "1.10");
    joins("\"anonymous\"", "1", "1e300", "1e300");
    joins("\"min\"", "-0", "0.0", "-0");
    joins("\"sum\"", "1", "2.5", "3.5");
    joins("\"sum\"", "null", "1.10", "1.10");
    joins("\"sum\"", "9223372036854775807", "1", "9223372036854775807");
    joins("\"sum\"", "18446744073709551614", "1", "18446744073709551615");
    joins("\"sum\"", "18446744073709551615", "9", "18446744073709551615");
    joins("\"sum\"", "[1]", "1", "[1]");
    joins("[\"sum\", 5]", "3", "9", "5");
    joins("[\"sum\", 5]", "7", "9", "7");
}

#[test]
fn times_are_read_in_every_form_that_is_allowed() {
    let latest = "\"latest_time\"";
    joins(latest, "\"2026-11-23T10:00:00Z\"", "\"2026-11-23T11:00:00.001+01:00\"", "\"2026-11-23T11:00:00.001+01:00\"");
    joins(latest, "\"2026-11-23T10:00:00Z\"", "\"2026-11-23T15:30:00+05:30\"", "\"2026-11-23T10:00:00Z\"");
    joins(latest, "1795428000", "1795428000001", "1795428000001");
    joins(latest, "1795428000001", "1795428000", "1795428000001");
    joins(latest, "1795428000", "1795428000.5", "1795428000.5");
    // a date is its midnight in UTC
    joins(latest, "1795428000", "\"2026-11-24\"", "\"2026-11-24\"");
    joins(latest, "\"2026-11-23\"", "\"2026-11-22T23:59:59Z\"", "\"2026-11-23\"");
    // a leap second, at the end of a year that had one
    joins(latest, "\"2016-12-31T23:59:59Z\"", "\"2016-12-31T23:59:60Z\"", "\"2016-12-31T23:59:60Z\"");
    for unreadable in
        ["\"1795428001\"", "\"2026-02-30\"", "\"2026-11-24 10:00:00Z\"", "\"2026-02-30T10:00:00Z\"", "true", "[]"]
    {
        joins(latest, "1795428000", unreadable, "1795428000");
        joins(latest, unreadable, "1795428000", unreadable);
    }
    let context = "#{ now: 1795428000000, session: #{ created_at: 1795341600000 } }";
    let clamp = |at: &str| format!("clamp_times([#{{ at: {at} }}], \"at\", {context})");
    script(&clamp("1999999999"), r#"[{"at":1795428000}]"#);
    script(&clamp("1"), r#"[{"at":1795341600}]"#);
    script(&clamp("1999999999999"), r#"[{"at":1795428000000}]"#);
    script(&clamp("\"2030-01-01T00:00:00+01:00\""), r#"[{"at":"2026-11-23T10:00:00Z"}]"#);
    script(&clamp("\"2026-11-23T00:00:00Z\""), r#"[{"at":"2026-11-23T00:00:00Z"}]"#);
    script(&clamp("\"yesterday\""), "[]");
}

#[test]
fn helpers_take_whatever_they_are_given() {
    script("[pick(1, [\"a\"]), pick(o, \"a\"), pick(o, [\"b\", 1])]", r#"[1,{},{"b":1.10}]"#);
    script("[most_frequent([]), most_frequent(1), most_frequent([1, 2, 2.0, 1])]", "[null,null,1]");
    script("drop_expired([1, #{ t: 5 }, #{ t: \"x\" }], \"t\", 6)", r#"[1,{"t":"x"}]"#);
    script("[drop_expired(1, \"t\", 6), drop_expired([#{ t: 5 }], \"t\", \"never\")]", r#"[1,[{"t":5}]]"#);
    script("[latest((), 9, 1, 2), latest(1, (), (), 2), latest(1, 5, 2, 5), earliest(1, (), 2, 5)]", "[1,1,1,2]");
    script("[highest([1, 2], 1, 2.0), lowest([1, 2], 2, 1), highest([1], 3, 1)]", "[2.0,1,3]");
    script("highest(1, 1, 2)", "failed");
    script("keyed_union([], [], #{ kye: \"a\" })", "failed");
    script("[add(1, 2), add(1, 2, 2), add((), 2), add(\"a\", 2)]", r#"[3,2,2,"a"]"#);
    script("merge_patch(o, #{ b: (), a: #{ x: 1 } })", r#"{"a":{"x":1}}"#);
    script("three_way((), 1, 2)", "1");
    script("three_way(1, 1, 2)", "2");
    script("three_way(1, (), 2)", "null");
    script("three_way(#{ a: 1, b: 1 }, #{ a: 1, b: 5 }, #{ a: 2, b: 2, c: 3 })", r#"{"a":2,"b":5,"c":3}"#);
    let both = r"three_way([#{ k: 1, q: 1 }], [#{ k: 1, q: 5 }], [#{ k: 1, q: 2 }, #{ k: 2 }], OPTIONS)";
    script(&both.replace("OPTIONS", r#"#{ key: "k" }"#), r#"[{"k":1,"q":5},{"k":2}]"#);
    script(&both.replace("OPTIONS", r#"#{ key: "k", conflict: "anonymous" }"#), r#"[{"k":1,"q":2},{"k":2}]"#);
    script(&both.replace("OPTIONS", r#"#{ key: "k", limit: 1, on_match: #{ q: ["sum", 9] } }"#), r#"[{"k":1,"q":6}]"#);
}
