//! What one request, one slow caller or one author's loop may take of the server and of `check`, against the built binary.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::binary::{Server, handover, temporary};

const SCHEMA: &str =
    r#"{ "type": "object", "maxProperties": 9, "additionalProperties": { "type": "string", "maxLength": 20 } }"#;

/// A folder of rules: one rule `r` and these files, over the usual ones.
fn folder(name: &str, files: &[(&str, &str)]) -> String {
    let policy = r#"{ "name": "bounds", "rules": [ { "name": "r", "to": "app_metadata.r", "max_bytes": 8000, "merge": "fill" } ] }"#;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bounded").join(name);
    drop(std::fs::remove_dir_all(&path));
    for (file, text) in [("policy.json", policy), ("r.schema.json", SCHEMA)].iter().chain(files) {
        temporary(&format!("bounded/{name}/{file}"), text);
    }
    path.to_str().unwrap().to_owned()
}

/// A folder whose rule runs a script.
fn scripted(name: &str, body: &str, limits: &str) -> String {
    let policy = format!(
        r#"{{ "name": "bounds", "limits": {{ {limits} }}, "session": {{ "once": true }},
            "rules": [ {{ "name": "r", "to": "app_metadata.r", "max_bytes": 8000 }} ] }}"#
    );
    let script = format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n");
    folder(name, &[("policy.json", &policy), ("r.merge.rhai", &script)])
}

fn request(metadata: &Value) -> Vec<u8> {
    json!({ "id": "tx", "trigger": "login", "at": "2026-11-23T10:00:00Z", "account": { "id": "auth0|1" },
        "anonymous_session": { "id": "anon@1", "metadata": metadata } })
    .to_string()
    .into_bytes()
}

#[test]
fn an_evaluation_that_takes_too_long_is_504_and_the_next_one_is_answered() {
    // work without end, as far as this policy counts
    let slow = "let n = 0; while anonymous.a == \"slow\" { n += 1; } if n > 0 { account } else { anonymous }";
    let rules = scripted("late", slow, r#""rule_work": 4000000, "event_ms": 5"#);
    let server = Server::start(&["--rules", &rules]);
    for _ in 0..3 {
        let late = server.post(&request(&json!({ "r": { "a": "slow" } })));
        assert!(late.status == 504 && late.body.contains("\"deadline_exceeded\""), "{late:?}");
        let good = server.post(&request(&json!({ "r": { "a": "fast" } })));
        assert!(good.status == 200 && good.body.contains("\"fast\""), "{good:?}");
    }
}

#[test]
fn a_loaded_machine_and_an_idle_one_give_the_same_bytes() {
    let spends = "let n = 0; for x in 0..parse_int(anonymous.a) { n += x; } if n < 0 { account } else { anonymous }";
    let rules = scripted("loaded", spends, r#""rule_work": 20000"#);
    let server = Server::start(&["--rules", &rules]);
    // from far below the budget to far beyond it, and closely around its end
    let counts = [1, 100, 1_000, 2_000, 2_400, 2_800, 3_200, 3_600, 4_000, 8_000, 100_000];
    let bodies: Vec<_> = counts.iter().map(|count| request(&json!({ "r": { "a": count.to_string() } }))).collect();
    let idle: Vec<_> = bodies.iter().map(|body| server.post(body)).collect();
    let spent = idle.iter().filter(|answer| answer.body.contains("budget_exceeded")).count();
    assert!((2..10).contains(&spent) && idle.iter().all(|answer| answer.status == 200), "{spent} of {idle:?}");
    // and what hostile visitors send: sanitizers, the oracle, merge functions and scripts of the shipped rules
    let shop = Server::start(&[]);
    let hostile = std::fs::read_dir(crate::binary::root().join("tests/cases/hostile")).unwrap();
    let hostile: Vec<_> = hostile.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    let alone: Vec<_> = hostile.iter().map(|body| shop.post(body)).collect();
    let loaded = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while loaded.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let answers: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| bodies.iter().map(|body| answered(&server, body)).collect::<Vec<_>>()))
            .collect();
        for answers in answers {
            assert_eq!(answers.join().unwrap(), idle);
        }
        for (body, alone) in hostile.iter().zip(&alone) {
            assert_eq!(answered(&shop, body), *alone);
        }
        loaded.store(false, Ordering::Relaxed);
    });
}

/// The answer: whoever is told to come again, does.
fn answered(server: &Server, body: &[u8]) -> crate::binary::Answer {
    let answers = (0..1_000).map(|_| server.post(body));
    answers.into_iter().find(|answer| !matches!(answer.status, 503 | 504)).unwrap()
}

/// `check` refuses a folder: one line, exit 2.
#[track_caller]
fn refused(folder: &str, told: &str) {
    for command in ["check", "docs", "laws"] {
        let output = handover(&[command, "--rules", folder], b"");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}: {text}");
        assert!(text.starts_with("error: ") && text.lines().count() == 1 && text.contains(told), "{command}: {text}");
        assert!(!text.contains("outside_4711"), "{text}");
    }
}

#[test]
fn a_folder_of_rules_holds_regular_files_of_its_own() {
    let secret = temporary("secret-4711/secret.txt", "outside_4711\n");
    let rules = folder("pipe", &[]);
    assert!(Command::new("mkfifo").arg(format!("{rules}/x.json")).status().unwrap().success());
    refused(&rules, "is not a regular file");
    let rules = folder("device", &[]);
    symlink("/dev/zero", format!("{rules}/x.json")).unwrap();
    refused(&rules, "outside of the folder");
    let rules = folder("socket", &[]);
    drop(UnixListener::bind(format!("{rules}/x.json")).unwrap());
    refused(&rules, "is not a regular file");
    let rules = folder("outside", &[]);
    symlink(&secret, format!("{rules}/r.merge.rhai")).unwrap();
    refused(&rules, "outside of the folder");
    let rules = folder("folder-outside", &[]);
    symlink(Path::new(&secret).parent().unwrap(), format!("{rules}/lib")).unwrap();
    refused(&rules, "outside of the folder");
    let rules = folder("circle", &[]);
    symlink("b.json", format!("{rules}/a.json")).unwrap();
    symlink("a.json", format!("{rules}/b.json")).unwrap();
    refused(&rules, "cannot follow the link");
    let rules = folder("itself", &[]);
    symlink(".", format!("{rules}/loop")).unwrap();
    refused(&rules, "a folder that contains it");
    let rules = folder("control", &[("a\u{1b}[31mb.json", "{}")]);
    refused(&rules, r"a\u{1b}[31mb.json");
}

#[test]
fn a_link_inside_of_the_folder_is_followed() {
    // how an orchestrator mounts files: links to a hidden folder, which is swapped as a whole
    let rules = folder("mounted", &[("..data/policy.json", ""), ("..data/r.schema.json", SCHEMA)]);
    for file in ["policy.json", "r.schema.json"] {
        std::fs::rename(format!("{rules}/{file}"), format!("{rules}/..data/{file}")).unwrap();
        symlink(format!("..data/{file}"), format!("{rules}/{file}")).unwrap();
    }
    let output = handover(&["check", "--rules", &rules], b"");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_folder_of_rules_is_bounded_in_files_and_bytes() {
    let many: Vec<_> = (0..511).map(|number| (format!("lib/f{number}.rhai"), "fn f(x) { x }\n")).collect();
    let many: Vec<_> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let rules = folder("many", &many[1..]);
    let output = handover(&["check", "--rules", &rules], b"");
    assert_eq!(output.status.code(), Some(0), "512 files: {output:?}");
    refused(&folder("too-many", &many), "file number 513");
    let mib = 1_024 * 1_024;
    let large = |bytes: usize| format!("{}{}", "{}", " ".repeat(bytes - 2));
    refused(&folder("large", &[("x.json", &large(mib + 1))]), "larger than 1048576 bytes");
    let full = large(mib);
    let files: Vec<_> = (0..16).map(|number| format!("x{number}.json")).collect();
    let files: Vec<_> = files.iter().map(|name| (name.as_str(), full.as_str())).collect();
    refused(&folder("all", &files), "more than 16777216 bytes");
}

/// The code and the place of the only error of a schema.
#[track_caller]
fn wrong(name: &str, schema: &Value, code: &str) {
    let rules = folder(name, &[("r.schema.json", &schema.to_string())]);
    let output = handover(&["check", "--rules", &rules], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains(&format!("error[{code}]")) && text.contains("r.schema.json:1:"), "{text}");
    assert_eq!(text.matches("error[").count(), 1, "{text}");
}

#[test]
fn what_check_would_compare_without_end_is_refused_at_its_place() {
    let branch = |number: usize| json!({ "type": "object", "additionalProperties": false, "properties": { format!("p{number}"): { "const": 1 } } });
    let tagged = |number: usize| json!({ "type": "object", "additionalProperties": false, "required": ["k"], "properties": { "k": { "const": number } } });
    let union =
        |count: usize, branch: &dyn Fn(usize) -> Value| json!({ "oneOf": (0..count).map(branch).collect::<Vec<_>>() });
    wrong("branches", &union(65, &branch), "S011");
    wrong("tagged", &union(1_025, &tagged), "S011");
    let members: serde_json::Map<_, _> =
        (0..4_097).map(|number| (format!("p{number}"), json!({ "const": 1 }))).collect();
    wrong("members", &json!({ "type": "object", "additionalProperties": false, "properties": members }), "S011");
    wrong("pattern", &json!({ "type": "string", "maxLength": 9, "pattern": "a".repeat(4_097) }), "S013");
    let needs: Vec<_> = (0..1_024).map(|number| format!("n{number}")).collect();
    let dependent = json!({ "type": "object", "maxProperties": 9, "additionalProperties": { "const": 1 }, "dependentRequired": { "t": needs } });
    wrong("dependents", &dependent, "S011");
    let chain = (0..9_000).map(|number| (format!("d{number}"), json!({ "$ref": format!("#/$defs/d{}", number + 1) })));
    let chain: serde_json::Map<_, _> = chain.chain([("d9000".to_owned(), json!({ "const": 1 }))]).collect();
    wrong("chain", &json!({ "$ref": "#/$defs/d0", "$defs": chain }), "S003");
    wrong("itself", &json!({ "maxItems": 1, "anyOf": [{ "$ref": "#" }, { "type": "string" }] }), "S025");
    let rules: Vec<_> = (0..257)
        .map(|number| json!({ "name": format!("r{number}"), "to": format!("app_metadata.r{number}"), "merge": "fill" }))
        .collect();
    let policy = json!({ "name": "bounds", "rules": rules }).to_string();
    let output = handover(&["check", "--rules", &folder("rules", &[("policy.json", &policy)])], b"");
    assert!(String::from_utf8(output.stdout).unwrap().contains("error[P007]"));
    for schema in [union(64, &branch), union(1_024, &tagged)] {
        let rules = folder("widest", &[("r.schema.json", &schema.to_string())]);
        let output = handover(&["check", "--rules", &rules], b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
    }
}

#[test]
fn a_tree_has_no_bound_but_in_bytes() {
    let tree = json!({ "$ref": "#/$defs/t", "$defs": { "t": { "type": "object", "additionalProperties": false,
        "properties": { "l": { "$ref": "#/$defs/t" }, "r": { "$ref": "#/$defs/t" }, "v": { "type": "string", "maxLength": 4 } } } } });
    let unbounded = r#"{ "name": "bounds", "rules": [ { "name": "r", "to": "app_metadata.r", "merge": "fill" } ] }"#;
    let rules = folder("tree", &[("policy.json", unbounded), ("r.schema.json", &tree.to_string())]);
    let text = String::from_utf8(handover(&["check", "--rules", &rules], b"").stdout).unwrap();
    assert!(text.contains("error[S030]"), "{text}");
    let mut bounded = tree;
    bounded["$defs"]["t"]["x-max-bytes"] = json!(900);
    let rules = folder("bounded", &[("policy.json", unbounded), ("r.schema.json", &bounded.to_string())]);
    let output = handover(&["check", "--rules", &rules], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(0) && text.contains("at most 900 bytes"), "{text}");
}

#[test]
fn a_closure_that_captures_what_it_is_called_on_is_refused() {
    let refused = [
        "all.filter(|one| all.index_of(one) > 0)",
        "all.x.map(|one| all.len() + one)",
        "all.sort(|a, b| all.index_of(a) - all.index_of(b)); all",
    ];
    let fine = [
        "let copy = all; all.filter(|one| copy.index_of(one) > 0)",
        "let n = all.len(); all.map(|one| one + n)",
        "let f = |list| list.len(); if f.call(all) > 0 { all } else { [] }",
        "let other = [1]; all.filter(|one| other.contains(one))",
        "all.filter(|all| all > 1)",
    ];
    for (script, is_fine) in refused.map(|script| (script, false)).into_iter().chain(fine.map(|script| (script, true)))
    {
        let body = format!(
            "let all = [1, 2]; let list = {{ {script} }}; if list.len() > 9 {{ account }} else {{ anonymous }}"
        );
        let output = handover(&["check", "--rules", &scripted("captured", &body, "")], b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.matches("error[R016]").count(), usize::from(!is_fine), "{script}: {text}");
        assert_eq!(output.status.code(), Some(if is_fine { 0 } else { 3 }), "{script}: {text}");
    }
}

/// What `transfer` says of a login; it has no clock, so only what is counted ends it.
#[track_caller]
fn decided(rules: &str, metadata: &Value) -> Value {
    let output = handover(&["transfer", "--rules", rules], &request(metadata));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn two_hundred_rules_on_one_place_are_compared_within_a_budget() {
    let rules: Vec<_> = (0..200)
        .map(|number| json!({ "name": format!("r{number}"), "from": "", "to": format!("app_metadata.r{number}"), "merge": "fill", "max_bytes": 100 }))
        .collect();
    let mut files = vec![("policy.json".to_owned(), json!({ "name": "bounds", "rules": rules }).to_string())];
    for number in 0..200 {
        let schema = json!({ "type": "object", "additionalProperties": false, "properties": { format!("m{number}"): { "type": "boolean" } } });
        files.push((format!("r{number}.schema.json"), schema.to_string()));
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let rules = folder("shared", &files);
    std::fs::remove_file(format!("{rules}/r.schema.json")).unwrap();
    let unknown = (0..5_000).map(|number| (format!("{number:x}"), json!(1)));
    let metadata: serde_json::Map<_, _> =
        unknown.chain((0..200).map(|number| (format!("m{number}"), json!(true)))).collect();
    let decision = decided(&rules, &Value::Object(metadata));
    let (sets, findings) = (&decision["commands"], &decision["findings"]);
    // what all rules read together is bounded: the last ones are told so
    let limited = findings.as_array().unwrap().iter().filter(|one| one["keyword"] == "x-limit").count();
    assert!((30..60).contains(&sets.as_array().unwrap().len()), "{sets}");
    let omitted = decision["findings_omitted"].as_u64().unwrap();
    assert!(limited > 0 || omitted > 100, "{limited} listed, {omitted} omitted");
}

#[test]
fn lists_of_values_and_patterns_cost_what_they_take() {
    let numbers: Vec<_> = (0..1_000).collect();
    let schema = json!({ "type": "array", "maxItems": 12_000, "items": { "enum": numbers } });
    let rules = folder("enum", &[("r.schema.json", &schema.to_string())]);
    let small = decided(&rules, &json!({ "r": vec![999; 1_000] }));
    assert_eq!(small["findings"], json!([]), "a thousand of a thousand values");
    let much = decided(&rules, &json!({ "r": vec![999; 7_000] }));
    assert_eq!(much["findings"][0]["keyword"], "x-max-bytes", "values of a list are looked up");
    let schema = json!({ "type": "string", "maxLength": 29_000, "pattern": "[ab]*a[ab]{20000}c" });
    let rules = folder("wide-pattern", &[("r.schema.json", &schema.to_string())]);
    assert_eq!(decided(&rules, &json!({ "r": "ab".repeat(14_000) }))["findings"][0]["keyword"], "x-budget");
    // where a schema has choices, too
    let patterns: Vec<_> = (600..630).map(|count| json!({ "pattern": format!("^[ab]*a[ab]{{{count}}}c$") })).collect();
    let schema = json!({ "type": "string", "maxLength": 31_000, "anyOf": [{ "minLength": 1 }, { "const": "" }], "allOf": patterns });
    let rules = folder("wide-patterns", &[("r.schema.json", &schema.to_string())]);
    assert_eq!(decided(&rules, &json!({ "r": "ab".repeat(14_000) }))["findings"][0]["keyword"], "x-budget");
    // a short text reaches few positions of a long pattern
    let url = json!({ "type": "string", "maxLength": 2_048, "pattern": "^https?://[^ ]{1,2000}$" });
    let schema = json!({ "type": "array", "maxItems": 300, "items": { "type": "object", "additionalProperties": false, "properties": { "image": url, "link": url } } });
    let rules = folder("addresses", &[("r.schema.json", &schema.to_string())]);
    let line = |number| json!({ "image": format!("https://cdn.shop.test/images/an-article-{number}.png"), "link": format!("https://shop.test/articles/{number}") });
    let findings = decided(&rules, &json!({ "r": (0..60).map(line).collect::<Vec<_>>() }))["findings"].clone();
    assert!(!findings.to_string().contains("x-budget"), "{findings}");
    let schema = json!({ "type": "array", "maxItems": 200, "items": { "type": "string", "maxLength": 64, "pattern": "^[a-z0-9-]{1,64}$" } });
    let rules = folder("slugs", &[("r.schema.json", &schema.to_string())]);
    let slugs: Vec<_> = (0..200).map(|number| format!("a-slug-of-an-ordinary-length-{number}")).collect();
    assert_eq!(decided(&rules, &json!({ "r": slugs }))["findings"], json!([]));
}

#[test]
fn a_limit_has_a_maximum() {
    for (limits, told) in [
        (r#""event_ms": 1000"#, "`event_ms` must be between 1 and 900"),
        (r#""rule_work": 4000001"#, "`rule_work` must be between 1 and 4000000"),
        (r#""script_operations": 5"#, "did you mean `rule_work`"),
        (r#""script_ms": 5"#, "did you mean `event_ms`"),
    ] {
        let output = handover(&["check", "--rules", &scripted("most", "anonymous", limits)], b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.code() == Some(3) && text.contains(told), "{text}");
    }
}

#[test]
fn what_a_file_says_does_not_move_a_terminal() {
    let schema = "{ \"type\": \"boolean\", \"max\\u001b[31m\": 1 }";
    let output = handover(&["check", "--rules", &folder("escape", &[("r.schema.json", schema)])], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r"`max\u{1b}[31m`") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_lattice_of_links_is_read_once() {
    let rules = folder("lattice", &[]);
    for layer in 0..7 {
        for number in 0..8 {
            let own = format!("{rules}/l{layer}/d{number}");
            std::fs::create_dir_all(&own).unwrap();
            (0..8).for_each(|next| symlink(format!("../../l{}/d{next}", layer + 1), format!("{own}/n{next}")).unwrap());
        }
    }
    std::fs::create_dir_all(format!("{rules}/l7")).unwrap();
    (0..8).for_each(|number| std::fs::create_dir_all(format!("{rules}/l7/d{number}")).unwrap());
    refused(&rules, "512");
}
