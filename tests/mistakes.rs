//! The mistakes that rule authors make: each is found once, at its place, with what to write instead; correct policies are
//! silent. Then mistakes that no case names: correct policies, changed at seeded places.

use std::collections::{BTreeMap, BTreeSet};

use handover::render::{self, Report};
use handover_engine::diagnostic::{Diagnostic, Severity};
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;
use serde_json::Value;

use crate::reader::Random;

fn cases() -> Vec<Value> {
    serde_json::from_slice(include_bytes!("cases/mistakes.json")).unwrap()
}

/// The policy of a case; its fixtures apart.
fn files(case: &Value) -> Files {
    let all = case["files"].as_object().unwrap().iter();
    let own = all.filter(|(name, _)| !name.starts_with("fixtures/"));
    Files(own.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect())
}

pub(crate) fn found(files: &Files) -> Vec<Diagnostic> {
    match RuleSet::compile(files) {
        Ok(rules) => rules.diagnostics().to_vec(),
        Err(found) => found,
    }
}

/// Whether a diagnostic is the one that a case expects.
fn meets(expected: &Value, one: &Diagnostic) -> bool {
    let number = |name: &str| expected[name].as_u64().and_then(|number| usize::try_from(number).ok());
    let line = number("line").unwrap_or(one.start.line);
    let (first, last) = (number("column_min").unwrap_or(1), number("column_max").unwrap_or(usize::MAX));
    let text = format!("{} {}", one.message, one.help.as_deref().unwrap_or_default());
    let mentions = |want: &Value| {
        let either = want.as_str().unwrap_or_default().to_lowercase();
        either.split('|').any(|part| text.to_lowercase().contains(part.trim()))
    };
    one.severity == Severity::Error
        && one.file == expected["file"].as_str().unwrap_or_default()
        && (line..=number("line_max").unwrap_or(line)).contains(&one.start.line)
        && (first..=last).contains(&one.start.column)
        && one.code.as_str().starts_with(expected["code_family"].as_str().unwrap_or_default())
        && expected["must_mention"].as_array().into_iter().flatten().all(mentions)
        && expected["suggestion"].as_str().is_none_or(|word| text.contains(word))
}

#[test]
fn each_case_is_found_once_and_correct_policies_are_silent() {
    let mut ran = 0;
    for case in cases().iter().filter(|case| case["run"] == "check") {
        let (id, found) = (case["id"].as_str().unwrap(), found(&files(case)));
        let errors: Vec<_> = found.iter().filter(|one| one.severity != Severity::Info).collect();
        let expected: Vec<_> =
            case["expect"].as_array().unwrap().iter().filter(|one| one["optional"] != true).collect();
        for one in &expected {
            assert!(errors.iter().any(|error| meets(one, error)), "{id}: {one}: {errors:#?}");
        }
        // one mistake, one error: every other one is at a place that the case names
        let placed = |one: &&Diagnostic| {
            let named = case["expect"].as_array().into_iter().flatten();
            named.into_iter().any(|expected| {
                let line = expected["line"].as_u64().unwrap_or(one.start.line as u64);
                let last = expected["line_max"].as_u64().unwrap_or(line);
                expected["file"] == one.file.as_str() && (line..=last).contains(&(one.start.line as u64))
            })
        };
        let alone = errors.iter().filter(|one| one.severity == Severity::Error).all(placed);
        assert!(alone, "{id}: {errors:#?}");
        ran += 1;
    }
    assert!(ran > 100, "{ran} cases ran");
}

/// A text with one edit of a `fix` made.
pub(crate) fn edited(text: &str, edit: &Value) -> String {
    let place = |line: &str, column: &str| {
        let number = |name: &str| usize::try_from(edit[name].as_u64().unwrap()).unwrap();
        let (line, column) = (number(line), number(column));
        let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        before + text[before..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
    };
    let (start, end) = (place("line", "column"), place("end_line", "end_column"));
    format!("{}{}{}", &text[..start], edit["text"].as_str().unwrap(), &text[end..])
}

#[test]
fn a_fix_removes_its_error() {
    let mut fixed = 0;
    for case in cases().iter().filter(|case| case["run"] == "check") {
        let Files(texts) = files(case);
        let diagnostics = found(&Files(texts.clone()));
        let report = Report { diagnostics: &diagnostics, most: usize::MAX, texts: &texts, folder: "rules" };
        let shown: Value = serde_json::from_str(&render::json(&report)).unwrap();
        for (one, diagnostic) in shown["errors"].as_array().unwrap().iter().zip(&diagnostics) {
            let Some(edit) = one["fix"]["edits"].get(0) else { continue };
            let mut after = texts.clone();
            let name = edit["file"].as_str().unwrap().trim_start_matches("rules/");
            *after.get_mut(name).unwrap() = edited(&texts[name], edit);
            let left = found(&Files(after));
            let is_same = |other: &Diagnostic| (other.code, other.start) == (diagnostic.code, diagnostic.start);
            assert!(!left.iter().any(is_same), "{}: {one}: {left:#?}", case["id"]);
            fixed += 1;
        }
    }
    assert!(fixed > 30, "{fixed} were fixed");
}

/// A place of a text that was changed: its line, and what was done.
struct Mutant {
    file: String,
    text: String,
    line: usize,
    what: &'static str,
}

/// Words of a text with their places: names, keywords, texts between quotation marks.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match (character.is_ascii_alphabetic() || character == '_', start) {
            (true, None) => start = Some(at),
            (false, Some(first)) => {
                found.push((first, &text[first..at]));
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Whether a byte of a script stands in a comment.
fn is_comment(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |line| line + 1);
    text[line..at].contains("//")
}

/// Words of a script whose letters matter: not a variable that the mutant would rename alone is still undefined.
fn letter(random: &mut Random, file: &str, text: &str) -> Option<Mutant> {
    let reserved: BTreeSet<&str> = if file.ends_with(".json") {
        [
            "type",
            "properties",
            "required",
            "maxItems",
            "maxLength",
            "minimum",
            "maximum",
            "items",
            "rules",
            "name",
            "to",
            "merge",
        ]
        .into()
    } else {
        [
            "merge",
            "account",
            "anonymous",
            "keyed_union",
            "union",
            "items",
            "qty",
            "sku",
            "let",
            "return",
            "fn",
            "len",
            "filter",
        ]
        .into()
    };
    let words: Vec<_> = words(text)
        .into_iter()
        .filter(|(at, word)| word.len() > 2 && reserved.contains(word) && !is_comment(text, *at))
        .filter(|(at, _)| {
            !file.ends_with(".json")
                || text[*at..].split_once('"').is_some_and(|(_, rest)| rest.trim_start().starts_with(':'))
        })
        .collect();
    let &(at, word) = words.get(random.below(words.len().max(1)))?;
    let place = at + 1 + random.below(word.len() - 1);
    let mut changed = text.to_owned();
    changed.replace_range(place..=place, "z");
    Some(Mutant { file: file.to_owned(), line: line_of(text, at), text: changed, what: "a letter" })
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// A bracket that is dropped.
fn bracket(random: &mut Random, file: &str, text: &str) -> Option<Mutant> {
    let all = text
        .char_indices()
        .filter(|(at, one)| "()[]{}".contains(*one) && !is_comment(text, *at) && !in_text(text, *at));
    let places: Vec<usize> = all.map(|(at, _)| at).collect();
    let at = *places.get(random.below(places.len().max(1)))?;
    let mut changed = text.to_owned();
    changed.remove(at);
    Some(Mutant { file: file.to_owned(), line: line_of(text, at), text: changed, what: "a bracket" })
}

/// Whether a byte stands between quotation marks of its line.
fn in_text(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |line| line + 1);
    text[line..at].matches(['"', '`', '\'']).count() % 2 == 1
}

/// A value of a wrong kind, in JSON.
fn kind(random: &mut Random, file: &str, text: &str) -> Option<Mutant> {
    let values = ["maxItems", "maxLength", "minimum", "maximum", "required", "type", "name", "to", "rules"];
    let mut places = Vec::new();
    for name in values {
        let quoted = format!("\"{name}\":");
        places.extend(text.match_indices(&quoted).map(|(at, _)| (at, at + quoted.len())));
    }
    places.retain(|(_, value)| !text[*value..].trim_start().starts_with('{'));
    places.sort_unstable();
    let &(_, value) = places.get(random.below(places.len().max(1)))?;
    let rest = &text[value..];
    let indent = rest.len() - rest.trim_start().len();
    let first = rest.trim_start().chars().next()?;
    let end = match first {
        '"' => rest[indent + 1..].find('"')? + indent + 2,
        '[' => rest.find(']')? + 1,
        _ => rest
            .find([',', '}', '\n', ' '])
            .filter(|end| *end > indent)
            .or_else(|| rest[indent..].find([',', '}', '\n', ' ']).map(|end| end + indent))?,
    };
    if first == '[' && rest[..end].contains('{') {
        return None;
    }
    let mut changed = text.to_owned();
    changed.replace_range(value + indent..value + end, "true");
    Some(Mutant { file: file.to_owned(), line: line_of(text, value + indent), text: changed, what: "a kind" })
}

/// An argument that is dropped, in a call of the library.
fn argument(random: &mut Random, file: &str, text: &str) -> Option<Mutant> {
    let calls: Vec<_> = ["keyed_union(", "union(", "max_of("]
        .into_iter()
        .flat_map(|call| text.match_indices(call).map(move |(at, _)| (at, at + call.len())))
        .filter(|(at, _)| !is_comment(text, *at) && !in_text(text, *at) && !text[..*at].ends_with('_'))
        .collect();
    let &(at, first) = calls.get(random.below(calls.len().max(1)))?;
    let comma = text[first..].find(',')?;
    if text[first..first + comma].contains(['(', '#', '[']) {
        return None;
    }
    let mut changed = text.to_owned();
    // `union` and `max_of` lose their only second argument's partner; `keyed_union` its account
    changed.replace_range(first..=first + comma, "");
    Some(Mutant { file: file.to_owned(), line: line_of(text, at), text: changed, what: "an argument" })
}

#[test]
fn most_mistakes_that_no_case_names_are_found_on_their_line() {
    let good: Vec<_> = cases().into_iter().filter(|case| case["good"] == true && case["run"] == "check").collect();
    let mut random = Random(2_026);
    let mut tally: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed = Vec::new();
    let (mut made, mut on_line) = (0, 0);
    while made < 500 {
        let files = files(&good[random.below(good.len())]);
        let names: Vec<_> = files.0.keys().cloned().collect();
        let name = &names[random.below(names.len())];
        let text = &files.0[name];
        let change = [letter, bracket, kind, argument][random.below(4)];
        let right_kind = name.ends_with(".json")
            || !std::ptr::fn_addr_eq(change, kind as fn(&mut Random, &str, &str) -> Option<Mutant>);
        let Some(mutant) = (if right_kind { change(&mut random, name, text) } else { None }) else { continue };
        if mutant.text == *text {
            continue;
        }
        made += 1;
        let mut changed = files.clone();
        changed.0.insert(mutant.file.clone(), mutant.text.clone());
        let errors = found(&changed);
        let hit = errors.iter().any(|one| {
            one.severity == Severity::Error && one.file == mutant.file && one.start.line.abs_diff(mutant.line) == 0
        });
        // a bracket is missed at the end of the token before it, or where the parser needs it: at the next one
        let lines: Vec<_> = mutant.text.lines().collect();
        let is_blank = |index: &usize| lines.get(*index).is_some_and(|line| line.trim().is_empty());
        let before = (0..mutant.line - 1).rev().find(|index| !is_blank(index)).map(|index| index + 1);
        let after = (mutant.line..lines.len()).find(|index| !is_blank(index)).map(|index| index + 1);
        let near = |one: &&Diagnostic| [before, after].contains(&Some(one.start.line)) && one.file == mutant.file;
        let counted = hit || (mutant.what == "a bracket" && errors.iter().any(|one| near(&one)));
        let entry = tally.entry(mutant.what).or_default();
        entry.0 += 1;
        entry.1 += usize::from(counted);
        on_line += usize::from(counted);
        if !counted {
            let line = mutant.text.lines().nth(mutant.line - 1).unwrap_or_default().trim().to_owned();
            missed.push(format!("{} in {}:{}: {line} {errors:?}", mutant.what, mutant.file, mutant.line));
        }
    }
    println!("{on_line} of {made} mutants are found: {tally:?}");
    assert!(on_line * 100 >= made * 95, "{on_line} of {made}: {tally:?}: {}", missed.join("\n"));
}

/// Mistakes that no case names: the file, what is written there, what is written instead, and what is said of it.
const MORE: [(&str, &str, &str, &str); 25] = [
    (
        "policy.json",
        "\"merge\": \"cart",
        "\"laws\": { \"L2\": \"why\" }, \"merge\": \"cart",
        "P007 `L2` cannot be waived",
    ),
    ("policy.json", " }\n  ]", " },\n  ]", "P001 a `,` without a value after it"),
    ("policy.json", "{\n", "\u{feff}{\n", "P001 the file begins with a byte order mark"),
    ("policy.json", "app_metadata.cart", "app_metadata/cart", "P013 `app_metadata.cart` or `user_metadata.cart`"),
    ("policy.json", "\"cart.merge.rhai\"", "7", "P032 takes the name of a strategy"),
    ("policy.json", "cart.merge.rhai", "cart.megre.rhai", "P022 did you mean `cart.merge.rhai`?"),
    (
        "policy.json",
        "\"name\": \"shop\",",
        "\"name\": \"shop\", \"session\": { \"lifetime\": \"91d\" },",
        "P050 90 days",
    ),
    ("cart.schema.json", "\"integer\"", "[]", "S011 invalid value for `type`"),
    ("cart.schema.json", "\"sku\", \"qty\"]", "\"sku\", \"sku\"]", "S011 invalid value for `required`"),
    ("cart.merge.rhai", "limit: 100", "limit: \"100\"", "R030 `limit`: expected a whole number"),
    ("cart.merge.rhai", "limit: 100", "limit: -1", "R030 `limit`: expected a whole number"),
    ("cart.merge.rhai", "key: \"sku\", ", "", "R030 `keyed_union` needs the option `key`"),
    ("cart.merge.rhai", "#{ items: items }", "if items != () and items != 1 { #{} } else { #{} }", "R002 write `&&`"),
    (
        "cart.merge.rhai",
        "#{ items: items }",
        "if anonymous.items.length > 1 { #{} } else { #{} }",
        "R020 write `len()`",
    ),
    ("cart.merge.rhai", "#{ items: items }", "for (x of items) { x }\n    #{}", "R002 write `for item in list { … }`"),
    ("cart.merge.rhai", "#{ items: items }", "let n = 0;\n    n++;\n    #{ items: n }", "R002 write `+= 1`"),
    ("cart.merge.rhai", "#{ items: items }", "items == () ? anonymous : account", "R002 write `if … { … } else { … }`"),
    ("cart.merge.rhai", "#{ items: items }", "JSON.parse(items)", "R012 undefined variable `JSON`"),
    (
        "cart.merge.rhai",
        "#{ items: items }",
        "merge_fields(account, anonymous, #{ items: \"fil\" })",
        "R031 did you mean `fill`?",
    ),
    ("cart.merge.rhai", "fn merge", "fun merge", "R002 write `fn`"),
    (
        "cart.merge.rhai",
        "#{ items: items }\n}",
        "#{ items: items }\n}\nfn merge(a, b, c) { a }",
        "R005 duplicate function",
    ),
    (
        "cart.merge.rhai",
        "account, anonymous, context",
        "anonymous, account, context",
        "R004 `anonymous` is in the place of `account`",
    ),
    ("cart.merge.rhai", "100 });\n", "100 })\n", "R001 expected `;`"),
    (
        "cart.merge.rhai",
        "#{ items: items }",
        "#{ items: items, at: context.session.createdAt }",
        "R020 mean `created_at`?",
    ),
    (
        "checkout.guard.rhai",
        "request.body",
        "request.boddy",
        "R020 `request` has no member `boddy` did you mean `body`?",
    ),
];

#[test]
fn mistakes_that_no_case_names_are_said_once_with_what_to_write() {
    let all = cases();
    let good = all.iter().find(|case| case["id"] == "rhai-unknown-option").unwrap();
    let mut files = files(good);
    let script = "fn merge(account, anonymous, context) {
    let items = keyed_union(account?.items, anonymous.items, #{ key: \"sku\", on_match: #{ qty: \"max\" }, limit: 100 });
    #{ items: items }
}
";
    files.0.insert("cart.merge.rhai".to_owned(), script.to_owned());
    let guard = "fn authorize(request) {
    if request.body?.email == () { require([\"email\"], \"an address\") } else { allow() }
}
";
    files.0.insert("checkout.guard.rhai".to_owned(), guard.to_owned());
    assert!(!found(&files).iter().any(|one| one.severity == Severity::Error), "{:#?}", found(&files));
    for (file, from, to, said) in MORE {
        let mut wrong = files.clone();
        let text = wrong.0.get_mut(file).unwrap();
        assert!(text.contains(from), "{file}: {from}: {text}");
        *text = text.replacen(from, to, 1);
        let errors: Vec<_> = found(&wrong).into_iter().filter(|one| one.severity == Severity::Error).collect();
        let (code, part) = said.split_once(' ').unwrap();
        let is_it = |one: &Diagnostic| {
            let text = format!("{} {}", one.message, one.help.as_deref().unwrap_or_default());
            one.code.as_str() == code && one.file == file && text.contains(part)
        };
        assert!(errors.len() == 1 && errors.iter().all(is_it), "{said}: {errors:#?}");
    }
}

/// What stands in a correct `merge`, and nothing may be said of it.
const CORRECT: [&str; 22] = [
    "let x = -1.5; #{ n: x - -2.5e1 }",
    "let l = [1, 2].map(|x| two(x)); #{ n: l[0] }",
    "let l = [1]; loop { let x = l.pop() ?? break; } anonymous",
    "let i = 0; loop { let x = if i > 3 { break; } else { 1 }; i += x; } #{ n: i }",
    "loop { for x in 0..3 { switch x { 2 => { return anonymous; } _ => () } } }",
    "loop { for x in 0..3 { if x == 2 { skip(\"x\"); } } }",
    "let i = 0; loop { i += 1; stop(i); }",
    "let i = 0; while true { i += 1; if i > 3 { return #{ n: i }; } }",
    "let i = 0; do { i += 1; } until i > 3; #{ n: i }",
    "if account?.n == 1 { account.n = 2; return account; } anonymous",
    "if account?.n != () { account.n = 1; return account; } anonymous",
    "let x = account?.n; if x != () { account.n = 1; return account; } anonymous",
    "switch account { () => anonymous, _ => { account.n = 2; account } }",
    "try { account.n = 1; } catch { return anonymous; } account",
    "if is_new(account) { return anonymous; } account.n = 1; account",
    "if account.type_of() == \"map\" { account } else { anonymous }",
    "let m = #{ n: 1, f: |x| this.n + x }; #{ n: m.f(3) }",
    "const KEY = \"n\"; #{ n: anonymous[KEY] }",
    "#{ n: `${anonymous.n}`.len() }",
    "let n = 0; for (x, i) in [3, 4] { n += x * i; } #{ n: n }",
    "let s = switch anonymous.n { 5 | 6 => 2, 1..5 if anonymous.n > 2 => 1, _ => 4 }; #{ n: s }",
    "#{ n: if \"n\" in anonymous { anonymous.n } else { 0 } }",
];

#[test]
fn correct_scripts_are_silent() {
    let policy = r#"{ "name": "shop", "rules": [ { "name": "a", "to": "app_metadata.a", "merge": "a.merge.rhai" } ] }"#;
    let schema = r#"{ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } }"#;
    for body in CORRECT {
        let helpers = "fn two(x) { x * 2 }\nfn stop(i) { if i > 3 { skip(\"x\"); } }\nfn is_new(x) { x == () }\n";
        let script = format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n{helpers}");
        let files = [("policy.json", policy), ("a.schema.json", schema), ("a.merge.rhai", script.as_str())];
        let files = Files(files.map(|(file, text)| (file.to_owned(), text.to_owned())).into());
        // the functions that a body does not call are said to be unused, and adding is no matter of the syntax
        let said = found(&files).into_iter().filter(|one| !matches!(one.code.as_str(), "R054" | "R040" | "R041"));
        let said = said.filter(|one| one.severity != Severity::Info);
        assert_eq!(said.collect::<Vec<_>>(), [], "{body}");
    }
}
