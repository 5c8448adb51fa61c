//! The webhook over real HTTP, against the started binary.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{Server, answer, temporary};

fn request(id: &str, trigger: &str, account: &Value, metadata: &Value) -> Vec<u8> {
    let request = json!({
        "id": id, "trigger": trigger, "at": "2026-11-23T10:00:00Z", "account": account,
        "anonymous_session": { "id": "anon@b1946ac9", "created_at": "2026-11-20T08:00:00Z", "expires_at": "2026-12-20T08:00:00Z", "metadata": metadata },
    });
    request.to_string().into_bytes()
}

/// The account after the commands, as the provider applies them.
fn applied(account: &Value, decision: &Value) -> Value {
    let mut account = account.clone();
    for command in decision["commands"].as_array().unwrap() {
        if let Some(sink) = command["command"].as_str().unwrap().strip_prefix("set_") {
            account[sink][command["key"].as_str().unwrap()] = command["value"].clone();
        }
    }
    account
}

#[test]
fn migrates_the_cart_on_signup() {
    let server = Server::start(&[]);
    let account = json!({ "id": "auth0|1" });
    let metadata = json!({ "cart": { "items": [{ "sku": "TEST-001", "qty": 2 }] } });
    let answer = server.post(&request("tx_1", "signup", &account, &metadata));
    let decision: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, decision["status"].as_str()), (200, Some("transferred")));
    assert_eq!(applied(&account, &decision)["app_metadata"]["cart"]["items"], json!([{ "sku": "TEST-001", "qty": 2 }]));
}

#[test]
fn merges_the_carts_on_login_and_only_once() {
    let server = Server::start(&[]);
    let account =
        json!({ "id": "auth0|1", "app_metadata": { "cart": { "items": [{ "sku": "EXISTING-001", "qty": 1 }] } } });
    let metadata = json!({ "cart": { "items": [{ "sku": "ANON-001", "qty": 3 }] } });
    let first = server.post(&request("tx_1", "login", &account, &metadata));
    let decision: Value = serde_json::from_str(&first.body).unwrap();
    let after = applied(&account, &decision);
    assert_eq!(after["app_metadata"]["cart"]["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.post(&request("tx_1", "login", &account, &metadata)), first);
    let again = server.post(&request("tx_2", "login", &after, &metadata));
    let decision: Value = serde_json::from_str(&again.body).unwrap();
    assert_eq!((&decision["status"], &decision["reason"]), (&json!("skipped"), &json!("already_transferred")));
    assert_eq!(applied(&after, &decision), after);
    // another session with the same cart: the larger quantity is there already
    let mut other: Value = serde_json::from_slice(&request("tx_3", "login", &after, &metadata)).unwrap();
    other["anonymous_session"]["id"] = "anon@another".into();
    let decision: Value = serde_json::from_str(&server.post(other.to_string().as_bytes()).body).unwrap();
    assert_eq!(decision["status"], "unchanged");
}

/// Status and code of an answer that is a problem.
#[track_caller]
fn problem(answer: &crate::binary::Answer, status: u16, code: &str) {
    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    assert_eq!((answer.status, problem["code"].as_str()), (status, Some(code)), "{answer:?}");
    assert!(answer.head.contains("content-type: application/problem+json"), "{answer:?}");
}

#[test]
fn what_is_no_request_is_a_problem_with_a_stable_code() {
    let server = Server::start(&["--body-bytes", "5000"]);
    let body = request("tx_1", "login", &json!({ "id": "auth0|1" }), &json!({}));
    problem(&server.get("/v1/transfer"), 405, "method_not_allowed");
    assert!(server.get("/v1/transfer").head.contains("allow: post"));
    for path in ["/", "/v1/transfer/", "/V1/transfer", "//v1/transfer", "/v1/../v1/transfer"] {
        problem(&server.get(path), 404, "not_found");
    }
    problem(&server.post_with("", &body), 415, "media_type");
    problem(&server.post_with("content-type: text/plain\r\n", &body), 415, "media_type");
    problem(&server.post_with("content-type: application/json; charset=latin1\r\n", &body), 415, "media_type");
    assert_eq!(server.post_with("content-type: application/json; charset=utf-8\r\n", &body).status, 200);
    let gzip = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    problem(&server.post_with(gzip, &body), 415, "content_encoding");
    problem(&server.post(&vec![b' '; 5_001]), 413, "body_too_large");
    let head = "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = format!("{head}{}0\r\n\r\n", format!("3e8\r\n{}\r\n", " ".repeat(1_000)).repeat(6));
    problem(&server.raw(chunks.as_bytes()), 413, "body_too_large");
    problem(&server.post(b"{\n \"id\": tru"), 400, "invalid_json");
    assert!(server.post(b"{\n \"id\": tru").body.contains("\"line\":2,\"column\":8"));
    problem(&server.post(b"{\"id\":1,\"id\":2}"), 400, "duplicate_member");
    problem(&server.post(&[b'['; 4_000]), 400, "too_deep");
    problem(&server.post(b"{\"account\":{\"id\":\"x\"}}"), 400, "invalid_request");
    assert_eq!(server.get("/health/live").status, 200);
    assert_eq!(server.get("/health/ready").status, 200);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start(&[]);
    let mut stream = server.connect();
    let head = "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\": \"tx\"";
    stream.write_all(head.as_bytes()).unwrap();
    problem(&answer(&mut stream), 408, "body_timeout");
}

#[test]
fn sigterm_answers_what_is_open_and_exits_with_0() {
    let server = Server::start(&[]);
    let body = request("tx_last", "login", &json!({ "id": "auth0|1" }), &json!({ "preferences": { "theme": "dark" } }));
    let mut stream = server.connect();
    let head = format!(
        "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"), "the request is being worked on");
    server.terminate();
    let seen = (0..1_000).map(|_| server.get("/health/ready")).find(|answer| answer.status != 200).unwrap();
    problem(&seen, 503, "not_ready");
    stream.write_all(&body).unwrap();
    let last = answer(&mut stream);
    assert!(last.status == 200 && last.body.contains("tx_last"), "{last:?}");
    let (code, log) = server.wait();
    assert_eq!(code, Some(0));
    assert!(log.contains("stopping"), "{log}");
}

#[test]
fn one_line_a_decision_and_no_value_in_it() {
    let server = Server::start(&[]);
    let account = json!({ "id": "auth0|secret-account", "app_metadata": { "cart": { "items": [{ "sku": "SECRET-SKU", "qty": 1 }] } } });
    let metadata = json!({ "cart": { "items": [{ "sku": "SECRET-ANON", "qty": 3, "SECRET-NAME": 1 }, { "sku": "4111111111111111", "qty": 1 }] } });
    assert_eq!(server.post(&request("tx_log", "login", &account, &metadata)).status, 200);
    assert_eq!(server.post(b"{\"SECRET-BODY\":").status, 400);
    server.terminate();
    let (_, log) = server.wait();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let decisions: Vec<_> = lines.iter().filter(|line| line["message"] == "decision").collect();
    assert_eq!(decisions.len(), 1);
    assert_eq!(
        (decisions[0]["request.id"].as_str(), decisions[0]["decision.status"].as_str()),
        (Some("tx_log"), Some("transferred"))
    );
    assert_eq!(decisions[0]["decision.findings"], 2);
    assert_eq!(decisions[0]["decision.noticed"], "cart: drop required, cart: drop x-unknown");
    assert_eq!(decisions[0]["decision.failed"], 0);
    assert!(!log.to_lowercase().contains("secret") && !log.contains("4111111111111111"), "{log}");
}

#[test]
fn a_refused_request_is_logged_with_its_place_and_no_value() {
    let server = Server::start(&[]);
    let mut body: Value =
        serde_json::from_slice(&request("tx_1", "login", &json!({ "id": "auth0|1" }), &json!({}))).unwrap();
    body["anonymous_session"]["expires_at"] = json!("SECRET-TIME");
    problem(&server.post(body.to_string().as_bytes()), 400, "invalid_request");
    server.terminate();
    let (_, log) = server.wait();
    let refused = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let refused = refused.into_iter().find(|line| line["message"] == "refused").unwrap();
    assert_eq!(
        (refused["problem.code"].as_str(), refused["problem.pointer"].as_str()),
        (Some("invalid_request"), Some("/anonymous_session/expires_at"))
    );
    assert!(!log.contains("SECRET"), "{log}");
}

#[test]
fn a_rule_that_observes_is_counted_where_it_differs() {
    let policy = r#"{ "name": "test", "rules": [ { "name": "old", "from": "/l", "to": "app_metadata.l", "merge": "fill" },
        { "name": "new", "from": "/l", "to": "app_metadata.l", "merge": "union", "mode": "observe" } ] }"#;
    let schema = r#"{ "type": "array", "maxItems": 3, "items": { "type": "integer", "minimum": 0, "maximum": 9 } }"#;
    let mut folder = String::new();
    for (file, text) in [("policy.json", policy), ("old.schema.json", schema), ("new.schema.json", schema)] {
        temporary(&format!("observing/{file}"), text).strip_suffix(file).unwrap().clone_into(&mut folder);
    }
    let server = Server::start(&["--rules", &folder]);
    for (list, account) in [(json!([1]), json!([1])), (json!([2]), json!([1]))] {
        let account = json!({ "id": "auth0|1", "app_metadata": { "l": account } });
        assert_eq!(server.post(&request("tx_1", "login", &account, &json!({ "l": list }))).status, 200);
    }
    server.terminate();
    let (_, log) = server.wait();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let decisions = lines.filter(|line| line["message"] == "decision");
    let counted: Vec<_> = decisions
        .map(|line| json!([line["decision.observed"], line["decision.observed_differs"], line["decision.failed"]]))
        .collect();
    assert_eq!(json!(counted), json!([[1, 0, 0], [1, 1, 0]]), "{log}");
}

#[test]
fn sixty_four_callers_at_once_get_the_same_answer() {
    let server = Server::start(&[]);
    let body = request("tx_many", "login", &json!({ "id": "auth0|1" }), &json!({ "preferences": { "theme": "dark" } }));
    let first = server.post(&body);
    std::thread::scope(|scope| {
        let call = || loop {
            let answer = server.post(&body);
            if answer.status != 503 {
                return answer;
            }
            // the queue is short: whoever finds it full is told so and comes again
            problem(&answer, 503, "overloaded");
            assert!(answer.head.contains("\nretry-after: 1"), "{answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        };
        let callers: Vec<_> = (0..64).map(|_| scope.spawn(call)).collect();
        assert!(callers.into_iter().all(|caller| caller.join().unwrap() == first));
    });
}

#[test]
fn sigterm_ends_a_server_without_callers_at_once() {
    let server = Server::start(&[]);
    assert_eq!(server.get("/health/ready").status, 200);
    let start = Instant::now();
    server.terminate();
    assert_eq!(server.wait().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(3), "the grace is for those who look");
}
