//! `session.token` and `/v1/authorize` through the binary: keys of a file, and keys of an issuer that changes them, is slow,
//! fails, or is asked for a key that nobody has.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{Answer, Server, command, temporary};
use crate::issuer::{Answers, Issuer, Signer, claims, set};

/// A policy that reads tokens, and a guard; the folder.
fn rules(name: &str, token: &str) -> String {
    let policy = json!({
        "name": "shop", "provider": "generic",
        "session": { "token": token, "verify": { "issuers": ["https://tenant.example/"], "audiences": ["https://shop.example/api"] } },
        "rules": [ { "name": "theme", "to": "user_metadata.theme", "merge": "anonymous" } ]
    });
    let folder = temporary(&format!("authorize/{name}/policy.json"), &policy.to_string());
    temporary(&format!("authorize/{name}/theme.schema.json"), r#"{ "enum": ["light", "dark"] }"#);
    let guard = "/// Who orders leaves an address.\nfn authorize(request) {\n    if request.body?.email == () { return require([\"email\"], \"an address for the order\"); }\n    if request.body.email == \"loop\" { let n = 0; while n >= 0 { n += 1; } }\n    allow()\n}\n";
    temporary(&format!("authorize/{name}/checkout.guard.rhai"), guard);
    folder.trim_end_matches("/policy.json").to_owned()
}

fn start(rules: &str, jwks: &str, environment: &[(&str, &str)]) -> Server {
    Server::start_with(&["--dev", "--listen", "127.0.0.1:0", "--rules", rules, "--jwks", jwks], environment)
}

/// Asks for an operation with a token.
fn ask(server: &Server, token: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let head = format!(
        "POST /v1/authorize HTTP/1.1\r\nhost: handover\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    server.raw(&[head.as_bytes(), body.as_bytes()].concat())
}

/// Asks by a path, as a gateway does.
fn by_path(server: &Server, method: &str, path: &str, fields: &str) -> Answer {
    server.raw(format!("{method} {path} HTTP/1.1\r\nhost: handover\r\nconnection: close\r\n{fields}\r\n").as_bytes())
}

#[track_caller]
fn check(answer: &Answer, status: u16, expected: &Value) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&body[name], value, "{answer:?}");
    }
}

#[test]
fn a_guard_answers_allow_deny_and_require() {
    let signer = Signer::new("one");
    let keys = temporary("authorize/guard.keys.json", &set(&[&signer]).to_string());
    let server = start(&rules("guard", "ignored"), &keys, &[]);
    let (visitor, account) = (signer.good("anon@1"), signer.good("auth0|1"));
    let checkout = |body: Value| json!({ "operation": "checkout", "body": body });
    let allowed = json!({ "outcome": "allow", "reason": "", "fields": [] });
    check(&ask(&server, &visitor, &checkout(json!({ "email": "a@b.c" }))), 200, &allowed);
    let required = json!({ "outcome": "require", "reason": "an address for the order", "fields": ["email"] });
    check(&ask(&server, &visitor, &checkout(json!({}))), 422, &required);
    check(&ask(&server, &signer.good("anon|1"), &checkout(json!({}))), 422, &required);
    // no guard, no way; an account needs none
    let denied = json!({ "outcome": "deny", "reason": "no_guard", "fields": [] });
    check(&ask(&server, &visitor, &json!({ "operation": "refund" })), 403, &denied);
    check(&ask(&server, &account, &json!({ "operation": "refund" })), 200, &allowed);
    // a guard has a budget
    let overrun = json!({ "outcome": "deny", "reason": "budget_exceeded" });
    check(&ask(&server, &visitor, &checkout(json!({ "email": "loop" }))), 403, &overrun);
    // what is no request: a problem, for those who are known
    for (body, pointer) in [
        (json!({ "operation": "checkout", "boddy": {} }), json!("")),
        (json!({ "operation": 1 }), json!("/operation")),
        (json!({ "operation": "" }), json!("/operation")),
        (json!([]), json!("")),
    ] {
        check(&ask(&server, &visitor, &body), 400, &json!({ "code": "invalid_request", "pointer": pointer }));
    }
    // the head alone decides these, once the caller is known
    let headed = |token: &str, fields: &str| {
        let head = format!(
            "POST /v1/authorize HTTP/1.1\r\nhost: handover\r\nconnection: close\r\nauthorization: Bearer {token}\r\n{fields}\r\n"
        );
        server.raw(head.as_bytes())
    };
    let json_type = "content-type: application/json\r\n";
    for (fields, status, code) in [
        ("content-type: text/plain\r\ncontent-length: 2\r\n".to_owned(), 415, "media_type"),
        (format!("{json_type}content-encoding: gzip\r\ncontent-length: 2\r\n"), 415, "content_encoding"),
        (format!("{json_type}content-length: 1048577\r\n"), 413, "body_too_large"),
    ] {
        check(&headed(&visitor, &fields), status, &json!({ "code": code }));
        check(&headed("x", &fields), 401, &json!({ "code": "token_invalid" }));
    }
    // a gateway
    let bearer = format!("authorization: bearer {visitor}\r\n");
    for method in ["GET", "POST", "DELETE"] {
        check(&by_path(&server, method, "/v1/authorize/checkout", &bearer), 422, &required);
        let nginx = by_path(&server, method, "/v1/authorize/checkout?gateway=nginx", &bearer);
        check(&nginx, 403, &required);
        assert!(nginx.head.contains("x-handover-require: email"), "{nginx:?}");
    }
    check(&by_path(&server, "GET", "/v1/authorize/refund", &bearer), 403, &denied);
    let invalid = json!({ "code": "invalid_request" });
    check(&by_path(&server, "GET", "/v1/authorize/checkout?gateway=ngnix", &bearer), 400, &invalid);
    check(&by_path(&server, "GET", "/v1/authorize/%ff", &bearer), 400, &invalid);
    check(&by_path(&server, "GET", "/v1/authorize/%ff", ""), 401, &json!({ "code": "token_missing" }));
    check(&by_path(&server, "GET", "/v1/authorize/a%2fb", &bearer), 403, &denied);
    // a guard that fails is a warning with its place, and no value
    server.expect_log(r#""guard":"checkout","outcome":"deny","reason":"budget_exceeded""#);
}

/// A request of which not all comes.
fn unfinished(server: &Server, token: &str, bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /v1/authorize HTTP/1.1\r\nhost: handover\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        bytes + 1
    );
    stream.write_all(head.as_bytes()).unwrap();
    // whoever is refused before may be cut off
    drop(stream.write_all(&vec![b' '; bytes]));
    stream
}

#[test]
fn callers_take_nothing_from_logins() {
    let signer = Signer::new("one");
    let keys = temporary("authorize/lane.keys.json", &set(&[&signer]).to_string());
    let server = start(&rules("lane", "ignored"), &keys, &[]);
    let (visitor, stranger) = (signer.good("anon@1"), Signer::new("one").good("anon@1"));
    let login = |what: &str| assert_eq!(login(&server, None)["status"], "transferred", "{what}");
    // the body of a caller that nobody knows is not waited for
    let mut answer = [0; 12];
    unfinished(&server, &stranger, 1_000).read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    // those of callers that are known are bounded, apart from those of logins
    let large = json!({ "operation": "refund", "body": "x".repeat(1_000_000) });
    let mut held = Vec::new();
    while ask(&server, &visitor, &large).status != 503 {
        // whoever is refused gives back what it took
        held.push(unfinished(&server, &visitor, 1_048_575));
        assert!(held.len() < 200, "nothing bounds the bodies");
    }
    login("while bodies are held");
    drop(held);
    // guards that spend their budget, one after another
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..70 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let looping = json!({ "operation": "checkout", "body": { "email": "loop" } });
                    assert!([403, 503, 504].contains(&ask(&server, &visitor, &looping).status));
                }
            });
        }
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(20));
            login("while guards run");
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn no_token_and_every_bad_token_are_401() {
    let (signer, stranger) = (Signer::new("one"), Signer::new("one"));
    let keys = temporary("authorize/bad.keys.json", &set(&[&signer]).to_string());
    let server = start(&rules("bad", "ignored"), &keys, &[]);
    let missing = json!({ "code": "token_missing" });
    for fields in ["", "authorization: Basic YTpi\r\n", "authorization: Bearer \r\n", "authorization: Bearer\r\n"] {
        let answer = by_path(&server, "GET", "/v1/authorize/checkout", fields);
        check(&answer, 401, &missing);
        assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
    }
    let now = handover::ledger::now() / 1_000;
    let with = |name: &str, value: Value| {
        let mut claims = claims("anon@1");
        claims[name] = value;
        signer.token(&claims)
    };
    let bad = [
        stranger.good("anon@1"),
        with("exp", json!(now - 61)),
        with("nbf", json!(now + 120)),
        with("iss", json!("x")),
        with("aud", json!(["x"])),
        with("exp", json!(now + 91 * 86_400)),
        with("sub", json!(7)),
        "x".to_owned(),
        "a.b.c".to_owned(),
        Signer::new("two").good("anon@1"),
        "é.é.é".to_owned(),
    ];
    let answers: Vec<Answer> =
        bad.iter().map(|token| ask(&server, token, &json!({ "operation": "checkout" }))).collect();
    for answer in &answers {
        check(answer, 401, &json!({ "code": "token_invalid" }));
        assert_eq!(answer.body, answers[0].body, "one outward answer");
    }
    let twice = format!("authorization: Bearer {}\r\n", signer.good("anon@1")).repeat(2);
    check(&by_path(&server, "GET", "/v1/authorize/checkout", &twice), 401, &json!({ "code": "token_invalid" }));
    // bytes of somebody unknown are not read; those of somebody known are
    check(&ask(&server, "x", &json!("no object")), 401, &json!({ "code": "token_invalid" }));
    check(
        &ask(&server, &signer.good("anon@1"), &json!({ "body": 1 })),
        400,
        &json!({ "code": "invalid_request", "pointer": "/operation" }),
    );
    server.terminate();
    let (_, log) = server.wait();
    assert!(log.contains(r#""token.refused":"signature""#) && !log.contains("anon@1"), "{log}");
}

#[test]
fn what_serves_no_token_is_said_at_the_start() {
    let keys = temporary("authorize/start.keys.json", &set(&[&Signer::new("one")]).to_string());
    let (optional, shipped) = (rules("start", "optional"), "rules");
    let refused = |rules: &str, jwks: Option<&str>| {
        let mut serve = command(&["serve", "--dev", "--listen", "127.0.0.1:0", "--rules", rules]);
        let output = serve.args(jwks.iter().flat_map(|jwks| ["--jwks", jwks])).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&optional, None).contains("`--jwks`"));
    assert!(refused(shipped, Some(&keys)).contains("`issuers` and `audiences`"));
    assert!(refused(&optional, Some("http://tenant.example/keys.json")).contains("https only"));
    assert!(refused(&optional, Some("/nowhere/keys.json")).contains("/nowhere/keys.json"));
    assert!(refused(&optional, Some("https://tenant.example:99999/keys.json")).contains("port"));
    let empty = temporary("authorize/empty.keys.json", r#"{ "keys": [] }"#);
    assert!(refused(&optional, Some(&empty)).contains("none of its keys can be used"));
    // without keys, nobody is known
    let server = Server::start(&[]);
    let bearer = "authorization: Bearer x\r\n";
    check(&by_path(&server, "GET", "/v1/authorize/checkout", bearer), 401, &json!({ "code": "token_invalid" }));
}

/// A login of a session with a token.
fn login(server: &Server, token: Option<&str>) -> Value {
    let mut body = json!({
        "id": "tx_1", "trigger": "login", "at": "2026-11-23T10:00:00Z", "account": { "id": "auth0|1" },
        "anonymous_session": { "id": "anon@1", "metadata": { "theme": "dark" } }
    });
    if let Some(token) = token {
        body["anonymous_session"]["token"] = json!(token);
    }
    serde_json::from_str(&server.post(body.to_string().as_bytes()).body).unwrap()
}

#[test]
fn a_login_needs_what_its_policy_says_of_tokens() {
    let signer = Signer::new("one");
    let keys = temporary("authorize/login.keys.json", &set(&[&signer]).to_string());
    let (own, other) = (signer.good("anon@1"), signer.good("anon@2"));
    let skipped = |reason: &str| json!(["skipped", reason]);
    let transferred = json!(["transferred", null]);
    for (mode, none, good, bad, mismatch) in [
        ("ignored", &transferred, &transferred, &transferred, &transferred),
        ("optional", &transferred, &transferred, &skipped("token_invalid"), &skipped("session_mismatch")),
        ("required", &skipped("token_missing"), &transferred, &skipped("token_invalid"), &skipped("session_mismatch")),
    ] {
        let server = start(&rules(&format!("login-{mode}"), mode), &keys, &[]);
        let outcome = |token: Option<&str>| {
            let answer = login(&server, token);
            json!([answer["status"], answer["reason"]])
        };
        assert_eq!(&outcome(None), none, "{mode}");
        assert_eq!(&outcome(Some(&own)), good, "{mode}");
        assert_eq!(&outcome(Some("x.y.z")), bad, "{mode}");
        let account = signer.good("auth0|1");
        assert_eq!(&outcome(Some(&account)), bad, "{mode}");
        assert_eq!(&outcome(Some(&other)), mismatch, "{mode}");
    }
}

/// A server with an issuer's keys.
fn issued(name: &str, issuer: &Issuer) -> Server {
    start(&rules(name, "ignored"), &issuer.url, &[("SSL_CERT_FILE", &issuer.certificate)])
}

fn status(server: &Server, token: &str) -> u16 {
    ask(server, token, &json!({ "operation": "checkout", "body": { "email": "a@b.c" } })).status
}

#[test]
fn keys_that_change_are_fetched_once_and_a_flood_of_unknown_ones_costs_no_more() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let issuer = Issuer::start("changes", Answers::Keys(set(&[&old])));
    let server = issued("changes", &issuer);
    server.expect_log("keys were read");
    assert_eq!((status(&server, &old.good("anon@1")), issuer.fetches()), (200, 1));
    issuer.answer(Answers::Keys(set(&[&old, &new])));
    // within 30 seconds of the first fetch nobody asks again
    let stranger = Signer::new("stranger").good("anon@1");
    assert_eq!(at_once(&server, &stranger), BTreeSet::from([401]));
    assert_eq!((issuer.fetches(), status(&server, &new.good("anon@1"))), (1, 401));
    std::thread::sleep(Duration::from_secs(30));
    // then one fetch serves all who wait, also those whose key is nowhere
    let answers = at_once(&server, &new.good("anon@1"));
    // on a slow machine somebody may not have waited long enough
    assert!(answers.contains(&200) && answers.is_subset(&BTreeSet::from([200, 401, 504])), "{answers:?}");
    assert_eq!(status(&server, &new.good("anon@1")), 200);
    assert_eq!(at_once(&server, &stranger), BTreeSet::from([401]));
    println!("240 tokens with an unknown kid, 120 with a new one: {} fetches", issuer.fetches() - 1);
    assert_eq!(issuer.fetches(), 2);
}

/// A dozen callers ask ten times each; what they are answered.
fn at_once(server: &Server, token: &str) -> BTreeSet<u16> {
    std::thread::scope(|scope| {
        let ask = || (0..10).map(|_| status(server, token)).collect::<Vec<_>>();
        let all: Vec<_> = (0..12).map(|_| scope.spawn(ask)).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn an_issuer_that_fails_costs_no_login() {
    let signer = Signer::new("one");
    for (name, answers, cause) in [
        ("redirects", Answers::Status(302, "location: https://localhost/\r\n"), "302"),
        ("refuses", Answers::Status(500, ""), "500"),
        ("oversized", Answers::Oversized, "larger than 65536 bytes"),
        ("slow", Answers::Slow(Duration::from_secs(6)), "within 2 seconds"),
        ("closed", Answers::Closed, "no answer"),
        ("no-set", Answers::Keys(json!([])), "the set of keys"),
    ] {
        let issuer = Issuer::start(name, answers);
        let server = issued(name, &issuer);
        let start = Instant::now();
        let answer = status(&server, &signer.good("anon@1"));
        // on a slow machine the wait for keys can end at the deadline
        assert!(answer == 401 || (name == "slow" && answer == 504), "{name}: {answer}");
        println!("{name}: {:?}", start.elapsed());
        server.expect_log(cause);
        assert_eq!(server.get("/health/ready").status, 200, "{name}");
        assert_eq!(login(&server, None)["status"], "transferred");
    }
}

#[test]
fn keys_do_not_come_from_inside_the_network_or_under_a_foreign_certificate() {
    let signer = Signer::new("one");
    let issuer = Issuer::start("inside", Answers::Keys(set(&[&signer])));
    let rules = rules("inside", "ignored");
    // a caller's secret instead of `--dev`: then the address has to be public
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let arguments = ["--listen", "127.0.0.1:0", "--rules", &rules, "--jwks", &issuer.url, "--ledger", "memory"];
    let environment = [("SSL_CERT_FILE", issuer.certificate.as_str()), ("HANDOVER_SECRETS", secret)];
    let server = Server::start_with(&arguments, &environment);
    server.expect_log("its host has no public address");
    assert_eq!((status(&server, &signer.good("anon@1")), issuer.fetches()), (401, 0));
    let other = Issuer::start("other", Answers::Keys(set(&[&signer])));
    let server = start(&rules, &issuer.url, &[("SSL_CERT_FILE", other.certificate.as_str())]);
    server.expect_log("no TLS");
    assert_eq!((status(&server, &signer.good("anon@1")), issuer.fetches()), (401, 0));
}
