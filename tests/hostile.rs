//! Hostile bodies over real HTTP: each gets its status and code, and afterwards the server is as good as before.

use serde_json::Value;

use crate::binary::{Answer, Server, root};

const GOOD: &str = r#"{"id":"tx_good","trigger":"login","at":"2026-11-23T10:00:00Z","account":{"id":"auth0|1"},"anonymous_session":{"id":"anon@1","created_at":1795000000,"expires_at":1796000000,"metadata":{"preferences":{"theme":"dark"}}}}"#;

/// Statuses that a case allows: `200`, or `"200|400"`.
fn allows(case: &Value, status: u16) -> bool {
    match &case["status"] {
        Value::String(either) => either.split('|').any(|one| one == status.to_string()),
        one => one.as_u64() == Some(u64::from(status)),
    }
}

fn check(file: &str, case: &Value, answer: &Answer) {
    assert!(allows(case, answer.status), "{file}: {answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{file}: {answer:?}"));
    if let Some(code) = case["code"].as_str() {
        assert_eq!(body["code"], code, "{file}");
    }
    if answer.status == 200 {
        decision(file, case, &body);
    }
}

/// What the property of a case says of its decision.
fn decision(file: &str, case: &Value, body: &Value) {
    let property = case["property"].as_str().unwrap();
    let commands = body["commands"].to_string();
    let sets = commands.matches("\"set_").count();
    let keywords: Vec<_> =
        body["findings"].as_array().unwrap().iter().map(|one| one["keyword"].as_str().unwrap()).collect();
    if property.contains("no set command") {
        assert_eq!(sets, 0, "{file}: {body}");
    }
    if property.contains("__proto__") {
        assert!(!commands.contains("__proto__") && !commands.contains("constructor"), "{file}: {body}");
    }
    if property.contains("x-limit for rule cart") {
        assert!(keywords.contains(&"x-limit") && !commands.contains("\"cart\""), "{file}: {body}");
    }
    if property.contains("price, role, discount") || property.contains("protected root") {
        assert!(!["price", "role", "discount", "admin"].iter().any(|word| commands.contains(word)), "{file}: {body}");
    }
    if property.contains("none of the numbers") {
        let numbers = ["4111 1111", "41111111", "123-45"];
        assert!(!numbers.iter().any(|number| body.to_string().contains(number)), "{file}: {body}");
    }
    if case["class"] == "account" && !matches!(file, "086-account-cart-items-null.json" | "091-account-proto.json") {
        assert!(keywords.contains(&"account_shape") && !commands.contains("\"key\":\"cart\""), "{file}: {body}");
    }
    if property.contains("one line, qty at most the cap") {
        assert_eq!(commands.matches("\"DUP\"").count(), 1, "{file}: {body}");
        assert!(commands.contains("\"qty\":99"), "{file}: {body}");
    }
    if property.contains("64-byte rule") {
        assert!(!body.to_string().contains(&"k".repeat(65)) && body.to_string().len() < 2_000, "{file}: {body}");
    }
    if property.starts_with("skipped, ") || property.starts_with("status skipped") {
        assert!(property.ends_with(body["reason"].as_str().unwrap()), "{file}: {body}");
    }
}

#[test]
fn every_hostile_body() {
    let folder = root().join("tests/cases/hostile");
    let index: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("index.json")).unwrap()).unwrap();
    let server = Server::start(&[]);
    let good = server.post(GOOD.as_bytes());
    assert_eq!(good.status, 200);
    let cases = index["bodies"].as_array().unwrap();
    for case in cases {
        let file = case["file"].as_str().unwrap();
        let body = std::fs::read(folder.join(file)).unwrap();
        check(file, case, &server.post(&body));
        assert_eq!(server.post(GOOD.as_bytes()), good, "{file}: the next good request is answered as before");
    }
    assert_eq!((cases.len(), server.get("/health/ready").status), (63, 200));
}

#[test]
fn a_name_of_ten_thousand_characters_and_numbers_of_any_size() {
    let server = Server::start(&[]);
    let long = "n".repeat(10_000);
    for metadata in [
        format!(r#"{{"cart":{{"items":[],"{long}":1}}}}"#),
        format!(r#"{{"cart":{{"items":[{{"sku":"A","qty":{}}}]}}}}"#, "9".repeat(300)),
        r#"{"cart":{"items":[{"sku":"A","qty":1e308},{"sku":"B","qty":-0},{"sku":"\u0000","qty":1}]}}"#.to_owned(),
        r#""text of nothing""#.to_owned(),
        "7".to_owned(),
        "[]".to_owned(),
    ] {
        let body = GOOD.replace(r#"{"preferences":{"theme":"dark"}}"#, &metadata);
        let answer = server.post(body.as_bytes());
        assert!(
            answer.status == 200 && !answer.body.contains("nnnnn") && !answer.body.contains("99999999"),
            "{answer:?}"
        );
    }
}
