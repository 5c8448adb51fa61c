//! The storefront transfer task: the facts of its text, each once, through the binary.

use serde_json::Value;

use crate::binary::handover;

/// The parts of a decision that the task compares; the clear command only where something was transferred, and of the
/// findings those of places: the task does not know that a limit says what it turned away.
fn core(decision: &Value) -> Value {
    let unchanged = decision["status"] == "unchanged";
    let commands = decision["commands"].as_array().unwrap().iter();
    let commands: Vec<_> = commands.filter(|one| !(unchanged && one["command"] == "clear_anonymous_session")).collect();
    serde_json::json!({
        "id": decision["id"], "status": decision["status"], "reason": decision["reason"], "commands": commands,
        "findings": places(decision), "omitted": decision["findings_omitted"],
    })
}

fn places(decision: &Value) -> Vec<Value> {
    let findings = decision["findings"].as_array().unwrap().iter();
    let findings = findings.filter(|one| one["keyword"] != "limit_reached");
    findings.map(|one| serde_json::json!([one["rule"], one["pointer"], one["keyword"], one["action"]])).collect()
}

fn decisions(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_fact_of_the_task() {
    let rules =
        ["transfer", "--ndjson", "--rules", "tests/cases/storefront/rules", "tests/cases/storefront/edges.ndjson"];
    let output = handover(&rules, b"");
    let actual = decisions(std::str::from_utf8(&output.stdout).unwrap());
    let expected = decisions(include_str!("cases/storefront/edges.expected.ndjson"));
    assert_eq!((actual.len(), output.status.code()), (47, Some(0)));
    for (actual, expected) in actual.iter().zip(&expected) {
        let (actual, expected) = (core(actual), core(expected));
        let same = normal(&actual.to_string()) == normal(&expected.to_string());
        assert!(same, "{actual}\n{expected}");
    }
}

/// The task's equality: 1 = 1.0; members are sorted already.
fn normal(text: &str) -> String {
    text.replace(".0,", ",").replace(".0}", "}")
}

#[test]
fn threads_keep_the_order() {
    let one = handover(&["transfer", "--ndjson", "tests/cases/storefront/edges.ndjson"], b"");
    let two = handover(&["transfer", "--ndjson", "--threads", "2", "tests/cases/storefront/edges.ndjson"], b"");
    assert!(!one.stdout.is_empty() && one.stdout == two.stdout);
}
