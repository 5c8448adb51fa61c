//! The laws of merging: as functions on typed values, and as rules on generated data, where the generator must find what adds
//! again at every login as often as merge.md measured it.

use std::collections::BTreeMap;
use std::path::Path;

use handover::files;
use handover_engine::author::laws::{self, Law, Tally, Trial};
use handover_engine::diagnostic::Severity;
use handover_engine::json::{Document, Json, View, compare, same};
use handover_engine::merge::{Function, Laws, Named, merged};
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;

use crate::binary::{command, handover, root, temporary};
use crate::reader::Random;

const LINES: &str = r#"{ "type": "array", "maxItems": 50, "items": { "type": "object", "required": ["sku", "qty"], "properties": {
    "sku": { "type": "string", "minLength": 1, "maxLength": 16 }, "qty": { "type": "integer", "minimum": 1, "maximum": 99 } } } }"#;
const TAGS: &str =
    r#"{ "type": "array", "maxItems": 20, "items": { "type": "string", "minLength": 1, "maxLength": 16 } }"#;
const COUNTER: &str = r#"{ "type": "integer", "minimum": 0, "maximum": 1000 }"#;
const ENTRIES: &str = r#"{ "type": "array", "maxItems": 20, "items": { "type": "object", "required": ["id", "at"], "properties": {
    "id": { "type": "string", "maxLength": 16 }, "at": { "type": "integer", "minimum": 0, "maximum": 4102444800 } } } }"#;
const FIELDS: &str = r#"{ "type": "object", "properties": { "theme": { "enum": ["light", "dark"] },
    "tier": { "enum": ["silver", "gold", "platinum"] }, "ads": { "type": "boolean" },
    "seen_at": { "type": "string", "format": "date-time", "maxLength": 40 } } }"#;
const CART: &str = r#"{ "type": "object", "required": ["items"], "properties": { "items": LINES } }"#;

/// What the provider's page does with two carts, as a script.
const PAGE: &str = r"fn merge(account, anonymous, context) {
    let cart = account ?? #{ items: [] };
    for item in anonymous.items {
        if cart.items.some(|one| one.sku == item.sku) {
            cart.items = cart.items.map(|one| { if one.sku == item.sku { one.qty += item.qty; } one });
        } else {
            cart.items.push(item);
        }
    }
    cart
}
";

/// A policy of one rule.
fn policy(schema: &str, merge: &str, once: bool) -> Files {
    let script = merge.starts_with("fn ");
    let declared = if script { r#""a.merge.rhai""# } else { merge };
    let text = format!(
        r#"{{ "name": "test", "session": {{ "once": {once} }},
             "rules": [ {{ "name": "a", "to": "app_metadata.a", "merge": {declared}, "max_bytes": 30000 }} ] }}"#
    );
    let mut all = BTreeMap::from([
        ("policy.json".to_owned(), text),
        ("a.schema.json".to_owned(), schema.replace("LINES", LINES)),
    ]);
    all.extend(script.then(|| ("a.merge.rhai".to_owned(), merge.to_owned())));
    Files(all)
}

/// What became of the laws of a rule, on 300 cases, or as many as `LAWS_CASES` says.
fn ask(schema: &str, merge: &str) -> Trial {
    let files = policy(schema, merge, false);
    let rules = RuleSet::compile_to_ask(&files).unwrap_or_else(|errors| panic!("{merge}: {errors:?}"));
    let cases = std::env::var("LAWS_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    laws::ask(&rules, &rules.rules()[0], cases, 1, &|| false)
}

/// Laws that are broken, of those that a rule must keep.
fn broken(trial: &Trial) -> Vec<(Law, &Tally)> {
    let broken = trial.tallies.iter().filter(|tally| tally.law.must_hold() && tally.broken > 0);
    broken.map(|tally| (tally.law, tally)).collect()
}

/// At least so many of a hundred logins break law L2, and nothing else breaks. Where the visitor brings nothing, nothing is
/// asked, so the shares of merge.md, which count such pairs too, are the least.
#[track_caller]
fn relogin(schema: &str, merge: &str, percent: usize) {
    let trial = ask(schema, merge);
    let broken = broken(&trial);
    let [(Law::Relogin, tally)] = broken[..] else { panic!("{merge}: {broken:?}") };
    let found = tally.broken * 100 / tally.asked;
    assert!(found >= percent, "{merge}: {found} %");
}

#[test]
fn what_adds_is_found_as_often_as_it_was_measured() {
    relogin(LINES, r#"{ "keyed_union": { "key": "sku", "on_match": { "qty": "sum" } } }"#, 80);
    relogin(TAGS, r#""concat""#, 81);
    relogin(COUNTER, r#""sum""#, 56);
}

/// The laws that a merge of a schema keeps by construction, with the cases that break one of them all the same.
fn wrongly_stated(schema: &str, merge: &str, stated: Laws) -> Vec<(Law, String)> {
    let trial = ask(schema, merge);
    assert!(trial.ran_in(90), "{merge}: {} of {}", trial.ran, trial.cases);
    let wrong = trial.tallies.iter().filter(|tally| stated.has(tally.law) && tally.broken > 0);
    wrong.map(|tally| (tally.law, format!("{:?}", tally.violation))).collect()
}

#[test]
fn what_a_strategy_states_holds_in_generated_cases() {
    let all: String = declared().into_iter().map(|(_, merge)| merge).collect();
    for named in Named::ALL {
        assert!(all.contains(&format!("\"{}\"", named.name)), "no case of `{}`", named.name);
    }
    for (schema, merge) in declared() {
        let files = policy(schema, &merge, false);
        let rules = RuleSet::compile_to_ask(&files).unwrap_or_else(|errors| panic!("{merge}: {errors:?}"));
        let stated = laws::constructed(&rules.rules()[0]);
        let wrong = wrongly_stated(schema, &merge, stated);
        assert!(wrong.is_empty(), "{merge}: {wrong:#?}");
        assert!(stated.has(Law::Relogin) != rules.rules()[0].needs_once, "{merge}");
    }
}

const TIER: &str = r#"{ "enum": ["silver", "gold", "platinum"] }"#;
const LEVELS: &str = r#"{ "type": "object", "propertyNames": { "pattern": "^[a-z]{1,5}$" }, "maxProperties": 9,
    "additionalProperties": { "type": "integer", "minimum": 0, "maximum": 99 } }"#;
/// A state with a time, for the functions that compare two of them.
const STATE: &str = r#"{ "type": "object", "required": ["at"], "properties": { "v": { "type": "integer", "minimum": 0, "maximum": 9 },
    "at": { "type": "integer", "minimum": 0, "maximum": 4102444800 } } }"#;

#[test]
fn what_a_function_states_holds_in_generated_cases() {
    const KEYED: &str = r#"#{ key: "sku", on_match: #{ qty: "max" } }"#;
    let plain = "account, anonymous".to_owned();
    let at = "account, account?.at, anonymous, anonymous.at".to_owned();
    let order = |schema: &'static str| (schema, r#"["silver", "gold", "platinum"], account, anonymous"#.to_owned());
    let call = |name: &str| match name {
        "add" => (COUNTER, "account, anonymous, 50".to_owned()),
        "coalesce" | "max_of" | "min_of" => (COUNTER, plain.clone()),
        "concat" | "fill" | "union" => (TAGS, plain.clone()),
        "each" => (LEVELS, r#"account, anonymous, "max""#.to_owned()),
        "earliest" | "latest" => (STATE, at.clone()),
        "highest" | "lowest" => order(TIER),
        "keyed_union" => (LINES, format!("account, anonymous, {KEYED}")),
        "merge_fields" => (FIELDS, r#"account, anonymous, #{ theme: "anonymous", ads: "all" }"#.to_owned()),
        "merge_patch" => (FIELDS, "account ?? #{}, anonymous".to_owned()),
        "recent" => (ENTRIES, "account, anonymous, #{ key: \"id\", limit: 3 }".to_owned()),
        "three_way" => (LINES, format!("account, account, anonymous, {}", KEYED.replace("max", "sum"))),
        // the presets of carts
        _ => (CART, plain.clone()),
    };
    for function in Function::ALL.iter().filter(|function| !function.is_helper()) {
        let (schema, arguments) = call(function.name);
        let script = format!("fn merge(account, anonymous, context) {{ {}({arguments}) }}", function.name);
        let wrong = wrongly_stated(schema, &script, function.laws().unwrap());
        assert!(wrong.is_empty(), "{}: {wrong:#?}", function.name);
    }
}

#[test]
fn a_wrong_statement_is_found() {
    for merge in [r#""concat""#, r#"{ "keyed_union": { "key": "sku", "on_match": { "qty": "sum" } } }"#] {
        let wrong = wrongly_stated(LINES, merge, Laws::OF_A_CHOICE);
        assert!(wrong.iter().any(|(law, _)| *law == Law::Relogin), "{merge}");
    }
}

/// Every declared merge, with a schema that it fits.
fn declared() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let mut of = |schema: &'static str, merges: &[&str]| {
        all.extend(merges.iter().map(|merge| (schema, (*merge).to_owned())));
    };
    of(COUNTER, &[r#""account""#, r#""keep""#, r#""anonymous""#, r#""fill""#, r#""max""#, r#""min""#, r#""sum""#]);
    of(COUNTER, &[r#"{ "max": 50 }"#, r#"{ "sum": 50 }"#]);
    of(TAGS, &[r#""union""#, r#"{ "union": { "limit": 3, "first": "anonymous" } }"#, r#""recent""#, r#""concat""#]);
    of(TAGS, &[r#"{ "concat": { "limit": 3, "first": "anonymous" } }"#, r#"{ "recent": { "limit": 3 } }"#]);
    for strategy in ["account", "keep", "anonymous", "fill", "max", "min", "sum"] {
        let merge = format!(r#"{{ "keyed_union": {{ "key": "sku", "on_match": {{ "qty": "{strategy}" }} }} }}"#);
        of(LINES, &[&merge]);
    }
    for otherwise in ["account", "fill", "overwrite", "anonymous"] {
        let merge = format!(r#"{{ "keyed_union": {{ "key": ["sku"], "otherwise": "{otherwise}", "limit": 3 }} }}"#);
        let first = merge.replace("\"limit\": 3", "\"first\": \"anonymous\"");
        of(LINES, &[&merge, &first]);
    }
    of(LINES, &[r#""higher_quantity""#, r#""sum_quantities""#]);
    for options in
        [r#"{ "key": "id" }"#, r#"{ "key": "id", "limit": 3 }"#, r#"{ "key": "id", "limit": 3, "clamp": true }"#]
    {
        of(ENTRIES, &[&format!(r#"{{ "recent": {options} }}"#)]);
    }
    for (tier, ads, seen) in [("highest", "all", "latest_time"), ("lowest", "any", "earliest_time")] {
        let tier = format!(r#"["{tier}", ["silver", "gold", "platinum"]]"#);
        let fields = format!(r#""theme": "anonymous", "tier": {tier}, "ads": "{ads}", "seen_at": "{seen}""#);
        of(FIELDS, &[&format!(r#"{{ "merge_fields": {{ {fields} }} }}"#)]);
    }
    for default in ["drop", "account", "fill", "anonymous"] {
        of(FIELDS, &[&format!(r#"{{ "merge_fields": {{ "theme": "fill" }}, "default": "{default}" }}"#)]);
    }
    for cart in ["higher_quantity", "sum_quantities", "saved_quantity", "use_guest", "use_existing", "archive_existing"]
    {
        of(CART, &[&format!("\"{cart}\"")]);
    }
    of(CART, &[r#""use_guest_if_existing_empty""#]);
    of(STATE, &[r#"{ "latest": { "at": "at" } }"#]);
    of(LEVELS, &[r#"{ "each": { "of": "max" } }"#, r#"{ "each": { "of": "sum", "limit": 3 } }"#]);
    all
}

#[test]
fn the_shipped_rules_keep_the_laws() {
    let rules = RuleSet::compile(&files::policy(&root().join("rules")).unwrap()).unwrap();
    for rule in rules.rules() {
        let trial = laws::ask(&rules, rule, 500, 7, &|| false);
        assert!(trial.ran_in(90), "{}: {} of {}", rule.name, trial.ran, trial.cases);
        assert!(broken(&trial).is_empty(), "{}: {:?}", rule.name, broken(&trial));
    }
}

#[test]
fn the_page_s_merge_is_refused_with_a_case_of_one_line() {
    let files = policy(CART, PAGE, false);
    let found = RuleSet::compile(&files).unwrap_err();
    let found: Vec<_> = found.into_iter().filter(|one| one.severity == Severity::Error).collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code.as_str(), found[0].start.line, found[0].start.column), ("R040", 1, 4));
    let one = r#"{"items":[{"qty":1,"sku":"SKU"}]}"#;
    let shown = ["a", "b", "c", "d"].iter().any(|sku| {
        let (one, two) = (one.replace("SKU", sku), one.replace("SKU", sku).replace(":1", ":2"));
        let shown = [("account", "nothing"), ("visitor", &one), ("after login 1", &one), ("after login 2", &two)];
        found[0].details == shown.map(|(what, value)| (what, value.to_owned()))
    });
    assert!(shown, "{}", found[0].message);
    let files = policy(CART, PAGE, true);
    assert!(RuleSet::compile(&files).unwrap().rules()[0].needs_once, "`session.once` makes it right");
}

/// The files in a temporary folder.
fn folder(name: &str, files: &Files) -> String {
    for (file, text) in &files.0 {
        temporary(&format!("{name}/{file}"), text);
    }
    temporary(&format!("{name}/.keep"), "").trim_end_matches("/.keep").to_owned()
}

/// A saved case is no use if the merge that the author meant fails it too.
#[test]
fn a_saved_case_fails_until_the_law_is_kept() {
    let save = r#"{ "type": "object", "required": ["level"], "properties": { "level": { "type": "integer", "minimum": 1, "maximum": 99 },
        "class": { "type": "string", "maxLength": 8 }, "tags": TAGS } }"#;
    let save = save.replace("TAGS", TAGS);
    let script = |body: &str| format!("fn merge(account, anonymous, context) {{ {body} }}");
    let right = script(r#"merge_fields(account, anonymous, #{ level: "fill", class: "fill", tags: "union" })"#);
    for (index, (law, wrong)) in [
        ("l6", r#"let made = account ?? #{}; made.level = anonymous.level; made.remove("tags"); made"#),
        ("l6", "#{ level: anonymous.level }"),
        ("l7", r#"let made = account ?? #{}; made.class = "knight"; if made.level == () { made.level = anonymous.level; } made"#),
        ("l9", r#"if account == () { throw "no account" } fill(account, anonymous)"#),
    ]
    .into_iter()
    .enumerate()
    {
        let home = format!("laws/saved{index}");
        let _ = std::fs::remove_dir_all(Path::new(env!("CARGO_TARGET_TMPDIR")).join(&home));
        let rules = folder(&format!("{home}/rules"), &policy(&save, &script(wrong), false));
        let run = |arguments: &[&str]| {
            let output = command(arguments).current_dir(Path::new(&rules).parent().unwrap()).output().unwrap();
            (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
        };
        let (code, out) = run(&["laws", "--cases", "300", "--save"]);
        assert!(code == Some(4) && out.contains(&format!("wrote fixtures/laws/a-{law}.json")), "{wrong}: {out}");
        let (code, out) = run(&["test", "--filter", law]);
        assert!(code == Some(4) && out.contains("0 passed, 1 failed"), "{wrong}: {out}");
        folder(&format!("{home}/rules"), &policy(&save, &right, false));
        let (code, out) = run(&["test", "--filter", law]);
        assert!(code == Some(0) && out.contains("1 passed, 0 failed"), "{wrong}: {out}");
    }
}

#[test]
fn a_script_that_writes_too_little_is_told_why() {
    for (body, cause) in [
        ("skip(\"never\")", "turns away"),
        ("account", "returns what the account has already"),
        ("throw \"never\"", "fails in "),
        ("let n = 0; while n < 100_000_000 { n += 1; } n", "(`budget_exceeded`)"),
    ] {
        let script = format!("fn merge(account, anonymous, context) {{ {body} }}");
        let rules = RuleSet::compile(&policy(COUNTER, &script, false)).unwrap();
        let said = rules.diagnostics().iter().find(|one| one.code.as_str() == "R041").unwrap();
        assert!(said.help.as_ref().is_some_and(|help| help.contains(cause)), "{body}: {said:?}");
    }
}

#[test]
fn laws_are_asked_on_the_command_line() {
    let run = |arguments: &[&str]| {
        let output = handover(&[&["laws", "--cases", "200"], arguments].concat(), b"");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let page = folder("laws/page", &policy(CART, PAGE, false));
    let (code, out) = run(&["--rules", &page]);
    assert!(code == Some(4) && out.contains("BROKEN") && out.contains("twice      {\"items\":[{"), "{out}");
    let (code, out) = run(&["--rules", &page, "--format", "json", "--rule", "a"]);
    assert!(code == Some(4) && out.contains("\"code\":\"L002\""), "{out}");
    assert!(out.contains("\"end_column\":") && out.contains("\"rules\":[{\"cases\":200,"), "{out}");
    let (code, out) = run(&["--rules", &page, "--format", "junit"]);
    let failed = "name=\"L2 the same login again changes nothing\"><failure message=\"broken in ";
    assert!(code == Some(4) && out.contains(failed), "{out}");
    let lawful = folder("laws/max", &policy(COUNTER, "\"max\"", false));
    let (code, out) = run(&["--rules", &lawful, "--seed", "random"]);
    assert!(code == Some(0) && out.contains("laws hold · 1 rule"), "{out}");
    let once = folder("laws/once", &policy(COUNTER, "\"sum\"", true));
    let (code, out) = run(&["--rules", &once]);
    assert!(code == Some(0) && out.contains("`session.once` lets it count once"), "{out}");
    let nothing = handover(&["laws", "--cases", "0", "--rules", &lawful], b"");
    assert_eq!(nothing.status.code(), Some(4), "nothing was asked");
    let late = handover(&["laws", "--cases", "100000000", "--time", "1s", "--rules", &lawful], b"");
    let late = String::from_utf8(late.stdout).unwrap();
    assert!(late.contains(" of 100000000 cases before the time was over, the merge ran in "), "{late}");
    assert_eq!(run(&["--rules", &lawful, "--rule", "b"]).0, Some(2));
    assert_eq!(run(&["--rules", &lawful, "--time", "soon"]).0, Some(2));
}

/// Values of one kind, as text.
fn values(random: &mut Random, kind: &str) -> String {
    let list = |random: &mut Random, item: &dyn Fn(&mut Random, usize) -> String| {
        let items: Vec<_> = (0..4).filter(|_| random.below(2) == 0).collect();
        format!("[{}]", items.into_iter().map(|n| item(random, n)).collect::<Vec<_>>().join(","))
    };
    match kind {
        "numbers" => ["1", "2", "2.5", "-1", "1.0"][random.below(5)].to_owned(),
        "tiers" => ["\"silver\"", "\"gold\"", "\"platinum\""][random.below(3)].to_owned(),
        "flags" => ["true", "false"][random.below(2)].to_owned(),
        "times" => (1_795_000_000 + random.below(9)).to_string(),
        "sets" => list(random, &|_, n| ["1", "\"a\"", "{\"x\":1}", "null"][n].to_owned()),
        _ => list(random, &|random, n| format!("{{\"k\":{n},\"qty\":{}}}", random.below(9))),
    }
}

/// A value whose lists are sorted.
fn as_set(text: &str) -> Json {
    let document = Document::read(text.as_bytes()).unwrap();
    let mut items: Vec<_> = document.root().items().map(View::to_json).collect();
    items.sort_by(|a, b| compare(a.view(), b.view()));
    if items.is_empty() { document.root().to_json() } else { Json::list(items) }
}

#[test]
fn sides_and_devices_may_change_places() {
    let mut random = Random(2_026);
    for (kind, strategy) in [
        ("numbers", r#""max""#),
        ("numbers", r#""min""#),
        ("tiers", r#"["highest", ["silver", "gold", "platinum"]]"#),
        ("tiers", r#"["lowest", ["silver", "gold", "platinum"]]"#),
        ("flags", r#""all""#),
        ("flags", r#""any""#),
        ("times", r#""latest_time""#),
        ("times", r#""earliest_time""#),
        ("sets", r#""union""#),
        ("lines", r#"["keyed_union", { "key": "k", "on_match": { "qty": "max" } }]"#),
    ] {
        for _ in 0..1_000 {
            let [u, a, b] = [(); 3].map(|()| values(&mut random, kind));
            let f = |account: &str, anonymous: &str| merged(strategy, account, anonymous);
            let equal = |x: String, y: String, law: &str| {
                assert!(same(as_set(&x).view(), as_set(&y).view()), "{law} of {strategy}: {u} {a} {b}: {x}, {y}");
            };
            equal(f(&u, "null"), u.clone(), "L1");
            equal(f(&f(&u, &a), &a), f(&u, &a), "L2");
            equal(f(&f(&u, &a), &b), f(&f(&u, &b), &a), "L3");
            equal(f(&u, &a), f(&a, &u), "L4");
            equal(f(&f(&u, &a), &b), f(&u, &f(&a, &b)), "L5");
        }
    }
}

/// Whether `check` refuses a script because it adds again at every login.
#[track_caller]
fn is_refused(schema: &str, script: &str) -> bool {
    let files = policy(schema, script, false);
    RuleSet::compile(&files).is_err_and(|found| found.iter().any(|one| one.code.as_str() == "R040"))
}

const COUNT: &str = r#"{ "type": "object", "properties": { "n": { "type": "integer", "minimum": 0, "maximum": 1000000 }, "t": { "type": "string", "maxLength": 20 } } }"#;

#[test]
fn what_adds_only_sometimes_is_found() {
    let adds = |condition: &str| {
        format!(
            "fn merge(account, anonymous, context) {{\n    let r = account ?? #{{}};\n    if {condition} {{ r.n = (r.n ?? 0) + 1; }}\n    r\n}}"
        )
    };
    // constants of the script, both triggers
    for condition in
        ["anonymous.n == 424242", "anonymous.t == \"WELCOME10\"", "context.trigger == \"signup\"", "r.vip == true"]
    {
        assert!(is_refused(COUNT, &adds(condition)), "{condition}");
    }
    let long = "fn merge(account, anonymous, context) {\n    let r = account ?? [];\n    if anonymous.len() > 8 { for one in anonymous { r.push(one); } r } else { union(account, anonymous) }\n}";
    assert!(is_refused(TAGS, long));
}

#[test]
fn a_script_that_turns_every_login_away_is_not_tested() {
    let trial = ask(COUNT, "fn merge(account, anonymous, context) { skip(\"never\") }");
    assert_eq!(trial.ran, 0);
    assert!(trial.tallies.iter().all(|tally| tally.asked == 0));
}

/// The laws of L6, L7, L11 and L12 that a merge breaks, or does not hold.
#[track_caller]
fn differs(schema: &str, merge: &str, law: Law, expected: bool) {
    let trial = ask(schema, merge);
    let tally = trial.tallies.iter().find(|tally| tally.law == law).unwrap();
    assert!(tally.asked > 0 && (tally.broken > 0) == expected, "{merge}: {} broken in {}", law.name(), tally.broken);
}

#[test]
fn a_script_may_leave_behind_what_its_functions_may() {
    let merge = |body: &str| format!("fn merge(account, anonymous, context) {{\n    {body}\n}}");
    differs(FIELDS, &merge("merge_fields(account, anonymous, #{}, \"anonymous\")"), Law::Inflationary, false);
    differs(FIELDS, &merge("merge_fields(account, anonymous, #{ theme: \"anonymous\" })"), Law::Inflationary, false);
    differs(ENTRIES, &merge("recent(account, anonymous, #{ key: \"id\", limit: 3 })"), Law::Inflationary, false);
    differs(COUNTER, &merge("min_of(account, anonymous)"), Law::Inflationary, false);
    // by hand it is a loss, also beside such a call
    differs(FIELDS, &merge("anonymous"), Law::Inflationary, true);
    differs(
        ENTRIES,
        &merge("let all = recent(account, anonymous, #{ key: \"id\", limit: 20 }); all.pop(); all"),
        Law::Inflationary,
        true,
    );
    let beside = "let r = account ?? #{}; r.theme = anonymous.theme; r.seen_at = earliest(r.seen_at, r.seen_at, anonymous.seen_at, anonymous.seen_at); r";
    differs(FIELDS, &merge(beside), Law::Inflationary, true);
}

#[test]
fn what_no_side_has_is_invented() {
    let merge = |body: &str| format!("fn merge(account, anonymous, context) {{\n    {body}\n}}");
    differs(COUNTER, &merge("account ?? 7"), Law::NoInvention, true);
    differs(
        FIELDS,
        &merge("let r = account ?? anonymous; r.seen_at = time_text(context.now); r"),
        Law::NoInvention,
        true,
    );
    differs(ENTRIES, r#"{ "recent": { "key": "id", "clamp": true } }"#, Law::NoInvention, false);
    differs(COUNTER, r#"{ "max": 50 }"#, Law::NoInvention, false);
}

#[test]
fn what_does_not_arrive_and_items_of_one_key_are_shown() {
    differs(LINES, r#""fill""#, Law::Arrives, true);
    differs(COUNTER, r#""anonymous""#, Law::Arrives, false);
    differs(LINES, r#""concat""#, Law::Distinct, true);
    differs(LINES, r#"{ "keyed_union": { "key": "sku" } }"#, Law::Distinct, false);
    for law in [Law::Arrives, Law::Distinct] {
        assert!(!law.must_hold() && !law.may_be_waived());
    }
}
