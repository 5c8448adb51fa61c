//! Scripts that people tried: those that run as they are meant are silent, and those that do not are found.

use std::collections::BTreeMap;

use handover::render::{self, Report};
use handover_engine::diagnostic::Severity;
use handover_engine::policy::Files;
use serde_json::Value;

use crate::mistakes::{edited, found};
use crate::neighbours::found_in;

/// A schema with an optional member of each type, and a result schema that says otherwise.
pub(crate) const SHOP: &str = r#"{"type":"object","required":["items"],"properties":{
    "items":{"type":"array","maxItems":5,"items":{"type":"object","required":["sku","qty"],"properties":{"sku":{"type":"string","pattern":"^[A-Z]{1,5}$"},
    "qty":{"type":"integer","minimum":1,"maximum":9},
    "note":{"type":"string","pattern":"^[a-z]{1,9}$"},
    "price":{"type":"number","minimum":0,"maximum":99},
    "at":{"type":"string","format":"date-time","maxLength":30}}}},
    "currency":{"type":"string","pattern":"^[A-Z]{3}$"},
    "note":{"type":"string","pattern":"^[a-z]{1,9}$"},
    "tags":{"type":"array","maxItems":3,"items":{"type":"string","pattern":"^[a-z]{1,9}$"}},
    "count":{"type":"integer","minimum":0,"maximum":9},
    "gift":{"type":"boolean"},
    "opts":{"type":"object","properties":{"color":{"type":"string","pattern":"^[a-z]{1,9}$"}}}}}"#;
const RESULT: &str = r#"{"type":"object","properties":{"items":{"type":"array","maxItems":5,"items":{"type":"object","properties":{"sku":{"type":"string","maxLength":9},
    "qty":{"type":"integer"},
    "at":{"type":"integer"}}}},
    "total":{"type":"integer"},
    "count":{"type":"integer"}}}"#;

/// Scripts that run as they are meant, and scripts that do not, with the code.
const TRIED: [(&str, bool, &str); 72] = [
    ("for l in anonymous.items { if l.sku.trim() == \"\" { l.qty = 1; } } anonymous", true, "R051"),
    ("let s = anonymous.items[0].sku; s.trim(); if s == \"\" { skip(\"no sku\"); } anonymous", false, ""),
    ("anonymous.items.dedup(|a, b| a.sku == b.sku); anonymous", false, ""),
    (
        "anonymous.items = anonymous.items.map(|l| l.qty); let t = 0; for q in anonymous.items { t += q.abs(); } #{ items: [], count: t }",
        false,
        "",
    ),
    (
        "anonymous.items = anonymous.items.map(|l| #{ sku: l.sku, total: l.qty * 2 }); let t = 0; for l in anonymous.items { t += l.total; } #{ items: [], count: t }",
        false,
        "",
    ),
    (
        "anonymous.items.push(#{ sku: \"X\", qty: 1, bonus: true }); let n = 0; for l in anonymous.items { if l.bonus == true { n += 1; } } #{ items: [], count: n }",
        false,
        "",
    ),
    (
        "let c = 0; for l in anonymous.items { l.qty *= 1.5; c += l.qty.round().to_int(); } #{ items: [], count: c }",
        false,
        "",
    ),
    (
        "let q = anonymous.items[0].qty; let r = if type_of(q) == \"f64\" { q.round().to_int() } else { q }; #{ items: [], count: r }",
        false,
        "",
    ),
    ("anonymous.items = anonymous.items.map(|l| { l.price = l.qyt * 2; l }); anonymous", false, "R020"),
    ("#{ items: union(account?.items, anonymous.items, ()) }", false, ""),
    ("let x = anonymous.items.filter(|a, b, c| a.qty > 1); #{ items: x }", false, "R011"),
    ("anonymous.items.sort(|a| a.qty); anonymous", false, "R011"),
    ("anonymous.items.for_each(|a, b| a); anonymous", false, "R011"),
    ("let x = anonymous.items.filter(|l, i| i > 0); #{ items: x }", false, ""),
    ("let k = 2; let x = anonymous.items.filter(|l, i| l.qty + i > k); #{ items: x }", false, ""),
    ("let (a, b) = anonymous; a", false, "R002"),
    ("anonymous.note ??= \"x\"; anonymous", false, "R002"),
    ("let n = 0; for l in anonymous.items { n += l.qty.round(); } anonymous.count = n; anonymous", false, "R010"),
    (
        "let n = 0; for l in anonymous.items { n += l.qty.to_float().round().to_int(); } anonymous.count = n; anonymous",
        false,
        "",
    ),
    (
        "let n = 0.0; for l in anonymous.items { n += l.qty * 1.5; } if n > 3 { return skip(\"big\"); } anonymous",
        false,
        "",
    ),
    ("anonymous[0]", false, "R020"),
    (
        "let has = |x| x != (); if has.call(anonymous.note) { anonymous.count = anonymous.note.len(); } anonymous",
        false,
        "",
    ),
    (
        "let n = 0; for m in anonymous.items.filter(|l| l.note != ()) { n += m.note.len(); } anonymous.count = n; anonymous",
        false,
        "",
    ),
    (
        "let n = anonymous.items.filter(|l| l.note != ()).map(|m| m.note.len()); anonymous.count = n.len(); anonymous",
        false,
        "",
    ),
    (
        "let f = anonymous.items.find(|l| l.note != ()); if f != () { anonymous.count = f.note.len(); } anonymous",
        false,
        "",
    ),
    (
        "let t = 0; for line in anonymous.items { line.total = line.qty * 2; t += line.total; } anonymous.count = t; anonymous",
        false,
        "",
    ),
    ("anonymous.total = 3; if anonymous.total > 2 { return anonymous; } anonymous", true, ""),
    ("let c = account ?? #{}; c.tmp = 1; if c.tmp == 1 { return anonymous; } c", true, ""),
    (
        "for l in anonymous.items { if l.at != () { l.at = time_of(l.at); } if l.qty > 3 { return #{ items: [l] }; } } #{ items: anonymous.items.map(|l| #{sku: l.sku}) }",
        true,
        "",
    ),
    ("let out = []; anonymous.items.for_each(|| out.push(this.sku)); #{items: [], tags: out}", false, ""),
    ("let out = []; anonymous.items.for_each(|i| { if i > 0 { out.push(this); } }); #{items: out}", false, ""),
    (
        "let n = anonymous.items.reduce(|sum, l| if sum > 90 { sum } else { sum + l.qty }, 0); #{items: [], count: n}",
        false,
        "",
    ),
    (
        "let n = anonymous.items.reduce(|s, l| { s.total = s.total + l.qty; s }, #{total: 0}); #{items: [], count: n.total}",
        false,
        "",
    ),
    ("anonymous.fill_with(#{note: \"x\"}); #{items: [], count: anonymous.note.len()}", false, ""),
    ("anonymous.set(\"note\", \"x\"); #{items: [], count: anonymous.note.len()}", false, ""),
    (
        "let k = \"note\"; if anonymous[k] != () { return #{items: [], count: anonymous.note.len()}; } anonymous",
        false,
        "",
    ),
    (
        "if [anonymous.note, anonymous.currency].all(|x| x != ()) { return #{items: [], count: anonymous.note.len()}; } anonymous",
        false,
        "",
    ),
    ("anonymous.note = anonymous.count.to_string(); anonymous", false, ""),
    ("let s = anonymous; let get = || s.count; s.count = 5; #{items: [], count: get.call()}", false, ""),
    ("let d = #{items: []}; d.mixin(anonymous); d", false, ""),
    ("let d = account ?? #{}; d.fill_with(anonymous); d", false, ""),
    ("anonymous.retain(|k, v| k != \"note\"); anonymous", false, ""),
    ("#{items: account?.items + anonymous.items}", false, "R022"),
    ("let items = account?.items; for l in anonymous.items { items.push(l); } #{ items: items }", false, "R022"),
    ("if anonymous.gift { return account; } anonymous", false, "R022"),
    ("anonymous.count += 1; anonymous", false, "R022"),
    ("if context.now - anonymous.items[0].at < 1000 { return account; } anonymous", false, "R063"),
    (
        "let out = account ?? anonymous; for l in anonymous.items { let h = out.items.find(|x| x.sku == l.sku); if h != () { h.qty = l.qty; } } out",
        false,
        "R061",
    ),
    ("let cart = account ?? anonymous; let items = cart.items; items.push(anonymous.items[0]); cart", false, "R061"),
    ("if type_of(account) == \"object\" { return account; } anonymous", false, "R063"),
    ("try { anonymous } catch { account }", false, "R051"),
    ("return ();", false, "R051"),
    ("let f = |n| n + 1; #{items: [], count: f(1)}", false, "R010"),
    ("if anonymous.items.len() { return account; } anonymous", false, "R002"),
    ("anonymous.note = trim(anonymous.note ?? \"\"); anonymous", false, "R051"),
    ("let i = 0; while i < 3 { anonymous.count = i; } anonymous", false, "R041"),
    ("let cart = account ?? #{}; cart.items.push(anonymous.items[0]); cart", false, "R022"),
    (
        "let out = #{ total: 1 }; if anonymous.items.len() > 5 { out = anonymous; } #{ items: [], count: out.total ?? 0 }",
        false,
        "",
    ),
    ("anonymous.set(\"total\", 1); #{ items: [], count: anonymous.total }", false, ""),
    ("let o = #{}; o.f = |x| x + 1; #{ items: [], count: o.f(1) }", false, ""),
    ("let o = #{ sort: |x| x + 1 }; #{ items: [], count: o.sort(1) }", false, ""),
    ("let n = 0; loop { n += 1; if n > 3 { break; } } #{ items: [], count: n }", false, ""),
    ("let none = (); if anonymous.count == none { return account ?? anonymous; } anonymous", false, ""),
    (
        "let hit = account?.items?.find(|l| l.sku == \"A\"); if hit != () { account.count = hit.qty; return account; } anonymous",
        false,
        "",
    ),
    (
        "let w = anonymous.items; for i in 0..w.len() { w[i] = w[i].sku; } for s in w { if s == \"A\" { return account ?? anonymous; } } anonymous",
        false,
        "",
    ),
    ("let text = (anonymous.note ?? \"\") - \"a\"; #{ items: [], note: text }", false, ""),
    (
        "if anonymous.opts == () { return anonymous; } let kept = anonymous.opts.filter(|name| name != \"x\"); #{ items: [], count: kept.len() }",
        false,
        "",
    ),
    (
        "if anonymous.opts == () { return anonymous; } let made = anonymous.opts.map(|k, v| v.to_upper()); #{ items: [], count: made.len() }",
        false,
        "",
    ),
    ("let made = three_way(#{ count: 1 }, account, anonymous); made ?? anonymous", false, ""),
    ("#{ items: [], count: 5 - anonymous.count }", false, "R022"),
    ("anonymous.count = 5 - anonymous.count; anonymous", false, "R022"),
    ("let made = each(account?.opts, anonymous.opts, \"maxx\"); anonymous", false, "R031"),
];

#[test]
fn scripts_that_run_are_silent_and_scripts_that_fail_are_not() {
    let mut failures = Vec::new();
    for (body, has_result, code) in TRIED {
        let script = format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n");
        let mut files = vec![("a.schema.json", SHOP.to_owned()), ("a.merge.rhai", script)];
        files.extend(has_result.then(|| ("a.result.schema.json", RESULT.to_owned())));
        let found = found_in(r#""a.merge.rhai", "max_bytes": 4096"#, files, true);
        let found: Vec<_> = found.iter().filter(|one| one.severity != Severity::Info).collect();
        let is_right = match code {
            "" => found.iter().all(|one| one.code.as_str() == "R041"),
            code => found.iter().any(|one| one.code.as_str() == code),
        };
        if !is_right {
            failures.push(format!("{code} {body}: {found:#?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// An author's own function is none of ours, whatever its name.
#[test]
fn a_function_of_the_author_may_have_the_name_of_a_strategy() {
    let script = "// a helper, as fn merge(a, b) would be\nfn sum(items) { let n = 0; for l in items { n += l.qty; } n }\n\
        fn merge(account, anonymous, context) { #{ items: anonymous.items, count: min_of(sum(anonymous.items), 9) } }\n";
    let files = vec![("a.schema.json", SHOP.to_owned()), ("a.merge.rhai", script.to_owned())];
    let found = found_in(r#""a.merge.rhai", "max_bytes": 4096"#, files, false);
    assert!(found.iter().all(|one| one.severity != Severity::Error), "{found:#?}");
    let adding = script.replace("min_of(sum(anonymous.items), 9)", "add(account?.count, anonymous.count, \"9\")");
    let files = vec![("a.schema.json", SHOP.to_owned()), ("a.merge.rhai", adding)];
    let found = found_in(r#""a.merge.rhai", "max_bytes": 4096"#, files, true);
    assert!(found.iter().any(|one| one.code.as_str() == "R041"), "a script that adds is tried, too: {found:#?}");
}

/// Bodies of scripts with a mistake that has a fix, or whose help must not become one: names in quotation marks, names that
/// need them, chains over lines.
const FIXED: [&str; 22] = [
    r#"#{ items: keyed_union(account?.items, anonymous.items, #{ "ky": "sku" }) }"#,
    r#"#{ items: keyed_union(account?.items, anonymous.items, #{ key: "sku", "on_math": #{ qty: "max" } }) }"#,
    r#"merge_fields(account, anonymous, #{ "itemz": "union" })"#,
    r#"let now = context["nw"]; anonymous"#,
    "let all = anonymous[`itemz`]; anonymous",
    "merge_fields(account, anonymous, #{ items: `unin` })",
    r#"merge_fields(account, anonymous, #{ items: ["recent", #{ ky: "sku" }] })"#,
    r#"#{ items: keyed_union(account?.items, anonymous.items, #{ key: #{ path: "sku", fld: true } }) }"#,
    r#"let x = account["line-items"]; anonymous"#,
    "let x = account . items; anonymous",
    "let x = account\n    .items; anonymous",
    r#"let x = account["größe"] + 1; anonymous"#,
    "let x = anonymous.line_items; anonymous",
    "let x = anonymous.defalt; anonymous",
    "let x = anonymous.ist; anonymous",
    "let x = anonymous.its; anonymous",
    "let x = anonymous.opts.colour; anonymous",
    "let x = anonymous.items[0].qyt; anonymous",
    "let x = account.items; anonymous",
    "anonymous.count += 1; anonymous",
    "let x = anonymous.note.len(); anonymous",
    "let n = anonymous.tags.lenn(); anonymous",
];

#[test]
fn a_fix_leaves_a_script_that_parses() {
    let schema = SHOP.replacen(
        "\"properties\":{",
        r#""properties":{"line-items":{"type":"boolean"},"default":{"type":"boolean"},"1st":{"type":"boolean"},"it's":{"type":"boolean"},"#,
        1,
    );
    let policy = r#"{ "name": "shop", "session": { "lifetime": "30d", "max_age": "30d", "once": true },
        "rules": [ { "name": "a", "to": "app_metadata.a", "max_bytes": 4096 } ] }"#;
    let mut fixed = 0;
    for body in FIXED {
        let script = format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n");
        let texts = [("policy.json", policy), ("a.schema.json", &schema), ("a.merge.rhai", &script)];
        let texts = BTreeMap::from(texts.map(|(name, text)| (name.to_owned(), text.to_owned())));
        let diagnostics = found(&Files(texts.clone()));
        let report = Report { diagnostics: &diagnostics, most: usize::MAX, texts: &texts, folder: "rules" };
        let shown: Value = serde_json::from_str(&render::json(&report)).unwrap();
        for one in shown["errors"].as_array().unwrap() {
            let Some(edit) = one["fix"]["edits"].get(0) else { continue };
            let after = edited(&script, edit);
            let files = texts.clone().into_iter().chain([("a.merge.rhai".to_owned(), after.clone())]).collect();
            let left = found(&Files(files));
            let is_broken = left.iter().any(|left| ["R001", "R012", "R002"].contains(&left.code.as_str()));
            let is_left = left.iter().any(|left| left.message == one["message"].as_str().unwrap());
            assert!(!is_broken && !is_left, "{body}: {after}: {left:#?}");
            fixed += 1;
        }
    }
    assert!(fixed >= 12, "{fixed}");
}
