//! Codes beside their neighbours: what is wrong has the code, and five correct forms near it have none.

use handover_engine::diagnostic::{Diagnostic, Severity};
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;

use crate::tried::SHOP;

const SCHEMA: &str = r#"{ "type": "object", "required": ["n", "at", "list", "lines"], "properties": {
    "n": { "type": "integer", "minimum": 0, "maximum": 9 },
    "at": { "type": "string", "format": "date-time", "maxLength": 40 },
    "note": { "type": "string", "pattern": "^[a-z]{1,9}$" },
    "flag": { "type": "boolean" },
    "list": { "type": "array", "maxItems": 5, "items": { "type": "string", "pattern": "^[a-z]{1,9}$" } },
    "extra": { "type": "array", "maxItems": 5, "items": { "type": "string", "pattern": "^[a-z]{1,9}$" } },
    "levels": { "type": "object", "properties": { "easy": { "type": "integer", "minimum": 0, "maximum": 9 } } },
    "lines": { "type": "array", "maxItems": 5, "items": { "type": "object", "required": ["sku", "qty"], "properties": {
        "sku": { "type": "string", "pattern": "^[A-Z]{1,9}$" },
        "qty": { "type": "integer", "minimum": 1, "maximum": 9 },
        "tags": { "type": "array", "maxItems": 3, "items": { "type": "string", "pattern": "^[a-z]{1,9}$" } } } } } } }"#;

/// A code; a body of `merge` that has it; bodies that are correct.
type Row = (&'static str, &'static str, [&'static str; 5]);

const SCRIPTS: [Row; 21] = [
    (
        "R060",
        "anonymous.list",
        [
            "#{ n: anonymous.n }",
            "let out = anonymous.list; #{ list: out }",
            "let out = anonymous.n; out = anonymous; out",
            "switch context.trigger { \"login\" => account, _ => anonymous }",
            "if account == () { return anonymous; } account",
        ],
    ),
    (
        "R061",
        "let out = account ?? anonymous; for line in out.lines { line.qty = 5; } out",
        [
            "let out = account ?? anonymous; let kept = []; for line in out.lines { line.qty = 5; kept.push(line); } out.lines = kept; out",
            "let out = account ?? anonymous; for (line, i) in out.lines { out.lines[i].qty = 5; } out",
            "let out = anonymous; out.n = 5; out",
            "let n = 0; for line in anonymous.lines { line.qty += 1; n += line.qty; } #{ n: n }",
            "let sum = #{ n: 0 }; anonymous.lines.for_each(|| sum.n += this.qty); sum",
        ],
    ),
    (
        "R061",
        "let out = anonymous; out.lines.map(|line| { line.qty = 1; 0 }); out",
        [
            "let out = anonymous; out.lines = out.lines.map(|line| { line.qty = 1; line }); out",
            "let last = #{ qty: 0 }; for line in anonymous.lines { if last.qty > 3 { break; } last.qty = line.qty; } anonymous",
            "let out = account ?? #{}; out.lines = anonymous.lines; out",
            "let line = anonymous.lines[0]; line.qty = 2; #{ lines: [line] }",
            "let tags = #{}; for tag in anonymous.list { tags[tag] = 1; } if tags.len() > 2 { account } else { anonymous }",
        ],
    ),
    (
        "R062",
        "let out = account ?? anonymous; out.n = anonymous.at; out",
        [
            "let out = account ?? anonymous; out.n = time_of(anonymous.at); out",
            "let out = account ?? anonymous; out.n = out.n ?? 1; out",
            "let out = account ?? anonymous; out.n = (); out",
            "let out = account ?? anonymous; out.other = \"text\"; out",
            "let out = account ?? anonymous; out.n = parse_int(\"5\"); out",
        ],
    ),
    (
        "R063",
        "if anonymous.at > context.now { return account; } anonymous",
        [
            "if time_of(anonymous.at) > context.now { return account; } anonymous",
            "if anonymous.at > \"2027\" { return account; } anonymous",
            "if anonymous.n == 1.0 { return account; } anonymous",
            "if anonymous.n == () { return account; } anonymous",
            "let last = (); for line in anonymous.lines { if last == line.sku { return account; } last = line.sku; } anonymous",
        ],
    ),
    (
        "R022",
        "if anonymous.note.len() > 3 { return account; } anonymous",
        [
            "if anonymous.note != () && anonymous.note.len() > 3 { return account; } anonymous",
            "if (anonymous.note ?? \"\").len() > 3 { return account; } anonymous",
            "if \"note\" in anonymous { if anonymous.note.len() > 3 { return account; } } anonymous",
            "let note = anonymous.note; if note == () { return account; } if note.len() > 3 { return account; } anonymous",
            "if type_of(anonymous.note) == \"string\" && anonymous.note.len() > 3 { return account; } anonymous",
        ],
    ),
    (
        "R022",
        "let n = 0; for tag in anonymous.extra { n += 1; } #{ n: n }",
        [
            "let n = 0; for tag in anonymous.extra ?? [] { n += 1; } #{ n: n }",
            "let n = 0; for tag in anonymous.list { n += tag.len(); } #{ n: n }",
            "let n = 0; if anonymous.contains(\"extra\") { for tag in anonymous.extra { n += 1; } } #{ n: n }",
            "#{ list: union(account?.extra, anonymous.extra) }",
            "try { return #{ n: anonymous.extra.len() }; } catch { } anonymous",
        ],
    ),
    (
        "R022",
        "#{ n: account.n }",
        [
            "#{ n: account?.n ?? 1 }",
            "if account == () { return anonymous; } #{ n: account.n }",
            "let own = account ?? #{}; #{ n: own.n ?? 1 }",
            "if is_blank(account) { return anonymous; } #{ n: account.n }",
            "#{ n: max_of(account?.n, anonymous.n) }",
        ],
    ),
    (
        "R002",
        "let out = account ?? {}; out",
        [
            "let out = account ?? #{}; out",
            "let out = if account == () { anonymous } else { account }; out",
            "let f = || {}; f.call(); account ?? anonymous",
            "if account == () { } account ?? anonymous",
            "let x = { 5 }; #{ n: x }",
        ],
    ),
    (
        "R002",
        "account || anonymous",
        [
            "account ?? anonymous",
            "if account == () || anonymous.n > 3 { anonymous } else { account }",
            "if anonymous.flag ?? false || anonymous.n > 3 { anonymous } else { account }",
            "let ok = anonymous.list.is_empty() || anonymous.n == 0; if ok { account } else { anonymous }",
            "if !(account != () && anonymous.n > 3) { anonymous } else { account }",
        ],
    ),
    (
        "R002",
        "let n = 0; for (k, v) in anonymous.levels ?? #{} { n += v; } #{ n: n }",
        [
            "let n = 0; for k in (anonymous.levels ?? #{}).keys() { n += anonymous.levels[k]; } #{ n: n }",
            "let n = 0; for v in anonymous.levels?.values() ?? [] { n += v; } #{ n: n }",
            "let n = 0; for i in 0..3 { n += i; } #{ n: n }",
            "let n = 0; for i in range(0, anonymous.n) { n += i; } #{ n: n }",
            "let n = 0; for c in anonymous.at { n += 1; } #{ n: n }",
        ],
    ),
    (
        "R002",
        "if account { account } else { anonymous }",
        [
            "if account != () { account } else { anonymous }",
            "let has = account != (); if has { account } else { anonymous }",
            "if anonymous.flag ?? false { account } else { anonymous }",
            "while false { } account ?? anonymous",
            "if some_of(anonymous) { account } else { anonymous }",
        ],
    ),
    (
        "R051",
        "let list = anonymous.list.sort(); #{ list: list }",
        [
            "let list = anonymous.list; list.sort(); #{ list: list }",
            "#{ list: anonymous.list.filter(|tag| tag.len() > 1) }",
            "let list = anonymous.list; if list.len() > 3 { list.pop(); } #{ list: list }",
            "let kept = []; anonymous.list.for_each(|| kept.push(this)); #{ list: kept }",
            "#{ list: anonymous.list.order() }",
        ],
    ),
    (
        "R010",
        "#{ n: anonymous.list.to_upper() }",
        [
            "#{ n: anonymous.list[0].to_upper().len() }",
            "#{ n: anonymous.at.len() }",
            "#{ n: anonymous.n.to_string().len() }",
            "#{ n: anonymous.lines.len() }",
            "#{ n: anonymous.keys().len() }",
        ],
    ),
    (
        "R010",
        "let parts = anonymous.at.splitn(2, \"-\"); #{ n: parts.len() }",
        [
            "let parts = anonymous.at.split(\"-\", 2); #{ n: parts.len() }",
            "let parts = anonymous.at.split_rev(\"-\"); #{ n: parts.len() }",
            "#{ n: anonymous.list.index_of(\"a\") }",
            "#{ n: anonymous.lines.reduce(|sum, line| sum + line.qty, 0) }",
            "#{ n: [1, 2].zip([3, 4], |a, b| a + b).len() }",
        ],
    ),
    (
        "R020",
        "#{ n: anonymous.at.length }",
        [
            "#{ n: anonymous.at.len() }",
            "#{ n: anonymous.list.len }",
            "#{ n: anonymous.lines[0].qty }",
            "#{ n: anonymous[\"n\"] }",
            "let name = \"n\"; #{ n: anonymous[name] }",
        ],
    ),
    (
        "R030",
        "#{ lines: keyed_union(account?.lines, anonymous.lines, #{ key: |line| line.sku }) }",
        [
            "#{ lines: keyed_union(account?.lines, anonymous.lines, #{ key: \"sku\" }) }",
            "#{ lines: keyed_union(account?.lines, anonymous.lines, #{ key: [\"sku\", \"tags\"] }) }",
            "#{ lines: keyed_union(account?.lines, anonymous.lines, #{ key: #{ path: \"sku\", fold: true } }) }",
            "let key = \"sku\"; #{ lines: keyed_union(account?.lines, anonymous.lines, #{ key: key }) }",
            "let how = #{ key: \"sku\" }; #{ lines: keyed_union(account?.lines, anonymous.lines, how) }",
        ],
    ),
    (
        "R040",
        "#{ lines: keyed_union(account?.lines, anonymous.lines, #{ key: \"sku\", on_match: #{ qty: \"sum\" } }) }",
        [
            "#{ lines: keyed_union(account?.lines, anonymous.lines, #{ key: \"sku\", on_match: #{ sum: \"max\" } }) }",
            "if anonymous.list.contains(\"sum\") { account ?? anonymous } else { fill(account, anonymous) }",
            "let concat = anonymous.n; #{ n: max_of(account?.n, concat) }",
            "fill(account, anonymous) // add, \"sum\", concat(account, anonymous)",
            "#{ list: union(account?.list, [\"sum\", \"add\"]) }",
        ],
    ),
    (
        "R050",
        "skip(\"no\"); anonymous",
        [
            "if account == () { skip(\"no\"); } anonymous",
            "if account == () { return anonymous; } account",
            "for line in anonymous.lines { if line.qty > 3 { break; } } anonymous",
            "loop { break; } anonymous",
            "try { throw \"x\"; } catch { } anonymous",
        ],
    ),
    (
        "R012",
        "#{ n: missing }",
        [
            "let n = 1; #{ n: n }",
            "#{ n: [1].map(|n| n + 1)[0] }",
            "let n = 1; { let n = 2; } #{ n: n }",
            "try { throw 1; } catch (e) { return #{ n: e }; } anonymous",
            "for (line, i) in anonymous.lines { if i > 3 { return account; } } anonymous",
        ],
    ),
    (
        "R001",
        "#{ n: anonymous.until }",
        [
            "let out = #{ \"until\": 2 }; #{ n: out[\"until\"] }",
            "let out = #{ \"until\": 1 }; #{ n: out.n ?? 1 }",
            "let until_then = 1; #{ n: until_then }",
            "do { } until true; anonymous",
            "let text = \"a.until\"; #{ n: text.len() }",
        ],
    ),
];

/// A code; a declared merge that has it; merges that are correct.
const DECLARED: [Row; 5] = [
    (
        "P034",
        r#"{ "merge_fields": { "nn": "max" } }"#,
        [
            r#"{ "merge_fields": { "n": "max" } }"#,
            r#"{ "merge_fields": { "n": ["max", 5], "note": "fill" } }"#,
            r#"{ "merge_fields": {}, "default": "account" }"#,
            r#"{ "merge_fields": { "levels": { "easy": "max" } } }"#,
            r#"{ "merge_fields": { "lines": ["keyed_union", { "key": "sku", "on_match": { "qty": "max", "tags": "union" } }] } }"#,
        ],
    ),
    (
        "P035",
        r#"{ "merge_fields": { "lines": ["recent", { "key": "sku", "limit": 5 }] } }"#,
        [
            r#"{ "merge_fields": { "lines": ["recent", { "key": "sku", "at": "qty", "limit": 5 }] } }"#,
            r#"{ "merge_fields": { "list": ["recent", { "limit": 5 }] } }"#,
            r#"{ "merge_fields": { "list": "recent" } }"#,
            r#"{ "latest": { "at": "at" } }"#,
            r#"{ "merge_fields": { "lines": ["keyed_union", { "key": ["sku", "tags"], "on_match": { "qty": "max" } }] } }"#,
        ],
    ),
    (
        "P036",
        r#"{ "merge_fields": { "n": "union" } }"#,
        [
            r#"{ "merge_fields": { "n": "min", "at": "latest_time", "flag": "all" } }"#,
            r#"{ "merge_fields": { "n": "sum", "list": "concat" } }"#,
            r#"{ "merge_fields": { "note": ["highest", ["a", "b"]], "levels": { "easy": "min" } } }"#,
            r#"{ "merge_fields": { "n": "anonymous", "note": "keep", "lines": "fill" } }"#,
            r#""fill""#,
        ],
    ),
    (
        "P037",
        r#"{ "merge_fields": { "list": "union", "levels": "higher_quantity" } }"#,
        [
            r#"{ "merge_fields": { "lines": "higher_quantity" } }"#,
            r#"{ "merge_fields": { "lines": "saved_quantity" } }"#,
            r#"{ "merge_fields": { "lines": "use_guest" } }"#,
            r#""use_existing""#,
            r#"{ "merge_fields": { "lines": "use_existing" } }"#,
        ],
    ),
    (
        "P038",
        r#"{ "merge_fields": { "lines": ["keyed_union", { "key": "sku", "on_match": { "qty": "max" } }] } }"#,
        [
            r#"{ "merge_fields": { "lines": ["keyed_union", { "key": "sku", "on_match": { "qty": "max", "tags": "union" } }] } }"#,
            r#"{ "merge_fields": { "lines": ["keyed_union", { "key": "sku", "on_match": { "qty": "max" }, "otherwise": "account" }] } }"#,
            r#"{ "merge_fields": { "lines": ["keyed_union", { "key": "sku", "otherwise": "fill" }] } }"#,
            r#"{ "merge_fields": { "lines": ["keyed_union", { "key": ["sku", "tags"], "on_match": { "qty": "max" } }] } }"#,
            r#"{ "merge_fields": { "lines": ["keyed_union", { "key": ["sku", "qty", "tags"] }] } }"#,
        ],
    ),
];

fn found(merge: &str, script: Option<&str>, once: bool) -> Vec<Diagnostic> {
    let mut files = vec![("a.schema.json", SCHEMA.to_owned())];
    files.extend(script.map(|script| ("a.merge.rhai", script.to_owned())));
    found_in(merge, files, once)
}

pub(crate) fn found_in(merge: &str, mut files: Vec<(&str, String)>, once: bool) -> Vec<Diagnostic> {
    let policy = format!(
        r#"{{ "name": "shop", "session": {{ "lifetime": "30d", "max_age": "30d", "once": {once} }},
            "rules": [ {{ "name": "a", "to": "app_metadata.a", "merge": {merge} }} ] }}"#
    );
    files.push(("policy.json", policy));
    let files = Files(files.into_iter().map(|(file, text)| (file.to_owned(), text)).collect());
    match RuleSet::compile(&files) {
        Ok(rules) => rules.diagnostics().to_vec(),
        Err(errors) => errors,
    }
}

#[test]
fn a_code_is_found_and_its_neighbours_are_silent() {
    let helpers = "fn some_of(x) { x.n > 3 }\n";
    let script = |body: &str| format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n{helpers}");
    let scripts = SCRIPTS.into_iter().flat_map(|(code, wrong, right)| {
        let of = |body: &str| found("\"a.merge.rhai\"", Some(&script(body)), code != "R040");
        let right = right.map(|body| (code, body, of(body), false));
        [(code, wrong, of(wrong), true)].into_iter().chain(right)
    });
    let declared = DECLARED.into_iter().flat_map(|(code, wrong, right)| {
        let right = right.map(|merge| (code, merge, found(merge, None, true), false));
        [(code, wrong, found(wrong, None, true), true)].into_iter().chain(right)
    });
    let mut failures = Vec::new();
    for (code, text, found, is_wrong) in scripts.chain(declared) {
        // whether a merge adds, and what nobody calls, is asked elsewhere
        let counts =
            |one: &&Diagnostic| one.severity != Severity::Info && !["R041", "R054"].contains(&one.code.as_str());
        let found: Vec<_> = found.iter().filter(counts).collect();
        let is_right = if is_wrong {
            !found.is_empty()
                && found.iter().all(|one| one.code.as_str() == code || (code == "P037" && one.code.as_str() == "P034"))
        } else {
            !found.iter().any(|one| one.code.as_str() != "P038" || code == "P038")
        };
        if !is_right {
            failures.push(format!("{code} {text}: {found:#?}"));
        }
    }
    assert!(failures.is_empty(), "{} {}", failures.len(), failures.join("\n"));
}

#[test]
fn a_merge_that_writes_often_enough_is_known() {
    let known = |body: &str| {
        let script = format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n");
        !found("\"a.merge.rhai\"", Some(&script), true).iter().any(|one| one.code.as_str() == "R041")
    };
    assert!(!known("account"), "it never writes");
    for body in [
        "anonymous",
        "fill(account, anonymous)",
        "if anonymous.n > 7 { skip(\"many\"); } anonymous",
        "let out = account ?? anonymous; out.n = max_of(out.n, anonymous.n); out",
        "#{ n: anonymous.n, at: anonymous.at, list: union(account?.list, anonymous.list), lines: anonymous.lines }",
    ] {
        assert!(known(body), "{body}");
    }
}

/// A text with a place of one line replaced.
fn mended(text: &str, one: &Diagnostic, replacement: &str) -> String {
    let lines = text.lines().enumerate().map(|(index, line)| {
        if index + 1 != one.start.line {
            return line.to_owned();
        }
        let before: String = line.chars().take(one.start.column - 1).collect();
        let after: String = line.chars().skip(one.end.column - 1).collect();
        format!("{before}{replacement}{after}")
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn what_mends_an_optional_value_removes_its_error() {
    let mut mends = 0;
    for body in [
        "#{ items: [], count: account.count }",
        "#{ items: account[\"items\"] ?? [] }",
        "let made = account.keys(); #{ items: [], count: made.len() }",
        "if anonymous.gift { return account; } anonymous",
        "if !anonymous.gift { return account; } anonymous",
        "#{ items: [], count: 5 - anonymous.count }",
        "let text = \"n: \" + anonymous.currency; #{ items: [], currency: text }",
        "let n = 0; for tag in anonymous.tags { n += 1; } #{ items: [], count: n }",
        "let n = 0; for line in account?.items { n += 1; } #{ items: [], count: n }",
        "let items = account?.items + anonymous.items; #{ items: items }",
        "#{ items: [], note: anonymous.opts.color }",
        "let opts = anonymous.opts; #{ items: [], note: opts.color }",
    ] {
        let script = |body: &str| format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n");
        let errors = |script: String| -> Vec<Diagnostic> {
            let files = vec![("a.schema.json", SHOP.to_owned()), ("a.merge.rhai", script)];
            let found = found_in(r#""a.merge.rhai", "max_bytes": 4096"#, files, true);
            found.into_iter().filter(|one| one.severity == Severity::Error).collect()
        };
        let found = errors(script(body));
        assert!(found.iter().any(|one| one.code.as_str() == "R022"), "{body}: {found:#?}");
        for one in &found {
            let Some(replacement) = one.help.as_ref().and_then(|help| help.replacement()) else { continue };
            mends += 1;
            let left = errors(mended(&script(body), one, replacement));
            assert!(left.is_empty(), "{body}: {replacement}: {left:#?}");
        }
    }
    assert!(mends >= 8, "{mends}");
}

#[test]
fn a_function_hides_a_built_in_one_only_with_its_number_of_parameters() {
    let found = |function: &str| {
        let script = format!("fn merge(account, anonymous, context) {{\n    account ?? anonymous\n}}\n{function}\n");
        found("\"a.merge.rhai\"", Some(&script), true)
    };
    for (function, hides) in [
        ("fn set(object, name, value) { object }", true),
        ("fn set(object, value) { object }", false),
        ("fn len(list) { 1 }", true),
        ("fn len(list, most) { most }", false),
    ] {
        assert_eq!(found(function).iter().any(|one| one.code.as_str() == "R006"), hides, "{function}");
    }
}

#[test]
fn the_fix_of_a_key_keeps_the_rest_of_its_path() {
    let schema = r#"{ "type": "array", "maxItems": 5, "items": { "type": "object", "properties": {
        "product": { "type": "object", "properties": { "id": { "type": "string", "maxLength": 9 } } } } } }"#;
    let files = vec![("a.schema.json", schema.to_owned())];
    let found = found_in(r#"{ "keyed_union": { "key": "product.idd", "otherwise": "account" } }"#, files, true);
    let fix = found.iter().find(|one| one.code.as_str() == "P035").and_then(|one| one.help.as_ref()?.replacement());
    assert_eq!(fix, Some("product.id"), "{found:?}");
}
