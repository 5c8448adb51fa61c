//! No value of a person leaves by a side door: each hostile body with a marker in every text and number, and no marker in
//! what is logged, printed or answered as a problem or a finding.

use serde_json::{Value, json};

use crate::binary::{Server, handover, root, temporary};

/// Stands in every text.
const TEXT: &str = "canary";
/// Begins every number.
const NUMBER: u64 = 86_753_090_000;
const NUMBER_SHOWN: &str = "8675309";

/// Marks every text and number below a value but `id`, which is said on purpose.
fn mark(value: &mut Value, count: &mut u64) {
    *count += 1;
    match value {
        Value::String(text) => *text = format!("{text}-{TEXT}-{count}"),
        Value::Number(_) => *value = json!(NUMBER + *count),
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, count)),
        Value::Object(members) => {
            members.iter_mut().filter(|(name, _)| *name != "id").for_each(|(_, member)| mark(member, count));
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// A body with all of it marked, and one that is still a request.
fn marked(body: &[u8]) -> Vec<Vec<u8>> {
    let Ok(whole) = serde_json::from_slice::<Value>(body) else {
        // no JSON: a marker behind every quotation mark that begins something
        let text = String::from_utf8_lossy(body);
        let marked: Vec<_> = text.split('"').map(|part| format!("{TEXT}{NUMBER}{part}")).collect();
        return vec![marked.join("\"").into_bytes()];
    };
    let (mut all, mut request) = (whole.clone(), whole);
    mark(&mut all, &mut 0);
    let mut count = 0;
    for pointer in ["/account/app_metadata", "/account/user_metadata", "/anonymous_session/metadata", "/context"] {
        if let Some(part) = request.pointer_mut(pointer) {
            mark(part, &mut count);
        }
    }
    vec![all.to_string().into_bytes(), request.to_string().into_bytes()]
}

#[track_caller]
fn is_clean(what: &str, text: &str) {
    assert!(!text.contains(TEXT) && !text.contains(NUMBER_SHOWN), "{what}: {text}");
}

#[test]
fn no_hostile_value_is_logged_or_answered_as_a_problem() {
    let folder = root().join("tests/cases/hostile");
    let server = Server::start_with(&["--dev", "--listen", "127.0.0.1:0"], &[("RUST_LOG", "trace")]);
    let mut answers = [0, 0];
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.ends_with("index.json") {
            continue;
        }
        for body in marked(&std::fs::read(&file).unwrap()) {
            let answer = server.post(&body);
            let told: Value = serde_json::from_str(&answer.body).unwrap();
            let shown = if answer.status == 200 { told["findings"].to_string() } else { answer.body };
            is_clean(file.to_str().unwrap(), &shown);
            answers[usize::from(answer.status == 200)] += 1;
        }
    }
    assert!(answers[0] > 40 && answers[1] > 20, "{answers:?}: both kinds of answer are asked");
    server.terminate();
    is_clean("the log", &server.wait().1);
}

#[test]
fn no_value_is_printed_by_what_authors_run() {
    let data = temporary("marked/data.json", &json!({ "account": { "name": "canary" }, "n": NUMBER }).to_string());
    for (number, script) in [
        "throw account.name",
        "account.name + n",
        "let x = account[account.name]; x.y.z",
        "account.name.no_such()",
        "[1][n]",
        "n / 0 + 1",
        "parse_int(account.name)",
        "account.name.sub_string(n, n) + ()",
        "switch n { 1 => 2 }.a",
        "skip(account.name)",
        "discard(account.name)",
        "loop { account.name += account.name }",
        "import account.name as x;",
        "merge_fields(#{}, #{ a: 1 }, #{ a: account.name })",
        "union([1], [2], #{ canary_is_no_option: 1 }[account.name] ?? #{ first: account.name })",
        "recent([], [], #{ key: \"id\", limit: account.name })",
        "highest([account.name, 1], 2, 3)",
        "account.name()",
        "let a = []; a[n] = 1; a",
    ]
    .into_iter()
    .enumerate()
    {
        let file = temporary(&format!("marked/{number}.rhai"), script);
        let output = handover(&["eval", "--script", &file, "--data", &data], b"");
        let shown = [output.stdout, output.stderr].concat();
        is_clean(script, &String::from_utf8(shown).unwrap());
    }
    // a case that fails at its status, and one that fails at what was written: that one value is told, as `expect` asks for it
    let case = |account: Value, expect: Value| {
        let items =
            json!([{ "sku": "TEST-1", "qty": 1, "note": "canary" }, { "sku": "4111111111111111", "qty": NUMBER }]);
        let case = json!({ "trigger": "login", "anonymous": { "cart": { "items": items } },
            "app_metadata": { "cart": account }, "expect": expect });
        serde_json::to_string_pretty(&case).unwrap()
    };
    temporary("marked/fixtures/cart/status.json", &case(json!("canary"), json!({ "status": "skipped" })));
    let other =
        json!({ "status": "transferred", "app_metadata": { "cart": { "items": [{ "sku": "other", "qty": 1 }] } } });
    let file = temporary("marked/fixtures/cart/written.json", &case(json!({ "items": [] }), other));
    let folder = file.strip_suffix("/cart/written.json").unwrap();
    for format in ["pretty", "json", "github", "junit"] {
        let output = handover(&["test", "--fixtures", folder, "--format", format], b"");
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.code() == Some(4) && shown.contains("written"), "{shown}");
        is_clean("test", &shown);
    }
}
