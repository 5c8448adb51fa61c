//! Callers and answers are signed (Standard Webhooks), over real HTTP, against the started binary.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::binary::{Answer, Server, answer, root, temporary};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"id":"tx_1","trigger":"login","at":"2026-11-23T10:00:00Z","account":{"id":"auth0|1"}}"#;

fn server(environment: &[(&str, &str)]) -> Server {
    Server::start_with(&["--listen", "127.0.0.1:0"], environment)
}

/// The scheme, from its text: no code of ours.
fn signature(secret: &str, text: &str) -> String {
    let key = BASE64_STANDARD.decode(&secret["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(text.as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn post(server: &Server, fields: &[(&str, &str)], body: &str) -> Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let fields = fields.concat();
    server.post_with(&format!("content-type: application/json\r\n{fields}"), body.as_bytes())
}

fn signed(server: &Server, secret: &str, timestamp: &str, id: &str, body: &str) -> Answer {
    let signature = signature(secret, &format!("{id}.{timestamp}.{body}"));
    post(server, &[("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", &signature)], body)
}

/// The value of a header of an answer; its name is lower case, its value is too.
fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Status and code of a problem, and that it is signed by this secret, or by none.
#[track_caller]
fn check(answer: &Answer, status: u16, code: Option<&str>, secret: Option<&str>) {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, body["code"].as_str()), (status, code), "{answer:?}");
    let Some(secret) = secret else {
        assert_eq!(field(answer, "webhook-signature"), None, "{answer:?}");
        return;
    };
    let (id, at) = (field(answer, "webhook-id").unwrap(), field(answer, "webhook-timestamp").unwrap());
    assert!(now().abs_diff(at.parse().unwrap()) < 10, "{answer:?}");
    let own = signature(secret, &format!("response\n{id}.{at}.{}", answer.body));
    assert_eq!(field(answer, "webhook-signature"), Some(own.to_lowercase().as_str()), "{answer:?}");
}

#[test]
fn the_head_is_judged_before_a_byte_of_the_body() {
    let server = server(&[("HANDOVER_SECRETS", SECRET)]);
    let at = now().to_string();
    let all = [("webhook-id", "tx_1"), ("webhook-timestamp", &at), ("webhook-signature", "v1,AAAA")];
    // the body of none of these ever comes
    for (fields, code) in [
        (&[][..], "signature_missing"),
        (&all[..2], "signature_missing"),
        (&all, "signature_invalid"),
        (&[all[0], all[0], all[1], all[2]], "signature_invalid"),
    ] {
        let fields = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let mut stream = server.connect();
        let head = format!(
            "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\ncontent-type: application/json\r\ncontent-length: 100\r\n{fields}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        check(&answer(&mut stream), 401, Some(code), None);
    }
}

#[test]
fn a_signed_request_gets_a_signed_answer() {
    let server = server(&[("HANDOVER_SECRETS", &format!("{OTHER},{SECRET}"))]);
    let at = now().to_string();
    for secret in [SECRET, OTHER] {
        check(&signed(&server, secret, &at, "tx_1", BODY), 200, None, Some(secret));
    }
    // the same body gives the same bytes, whenever it is signed
    let later = (now() + 100).to_string();
    assert_eq!(signed(&server, SECRET, &later, "tx_1", BODY).body, signed(&server, SECRET, &at, "tx_1", BODY).body);
    check(&signed(&server, SECRET, &at, "tx_2", BODY), 400, Some("id_mismatch"), Some(SECRET));
    check(&signed(&server, SECRET, &at, "tx_1", "{"), 400, Some("invalid_json"), Some(SECRET));
    check(&signed(&server, SECRET, "soon", "tx_1", BODY), 401, Some("timestamp_invalid"), Some(SECRET));
    for skew in [-302_i64, 310] {
        let late = now().saturating_add_signed(skew).to_string();
        check(&signed(&server, SECRET, &late, "tx_1", BODY), 401, Some("timestamp_out_of_range"), Some(SECRET));
    }
    let problem: Value = serde_json::from_str(&signed(&server, SECRET, &at, "tx_1", "{").body).unwrap();
    assert_eq!(problem["request_id"], "tx_1");
}

#[test]
fn an_unsigned_body_is_never_parsed() {
    let server = server(&[("HANDOVER_SECRETS", SECRET)]);
    let at = now().to_string();
    let good = signature(SECRET, &format!("tx_1.{at}.{{"));
    let fields = [("webhook-id", "tx_1"), ("webhook-timestamp", at.as_str()), ("webhook-signature", good.as_str())];
    check(&post(&server, &fields, "{"), 400, Some("invalid_json"), Some(SECRET));
    check(&post(&server, &fields[..2], "{"), 401, Some("signature_missing"), None);
    check(&post(&server, &[], "{"), 401, Some("signature_missing"), None);
    check(&post(&server, &fields, "[["), 401, Some("signature_invalid"), None);
    check(&signed(&server, OTHER, &at, "tx_1", "{"), 401, Some("signature_invalid"), None);
    check(&signed(&server, SECRET, &at, "tx.1", "{"), 401, Some("signature_invalid"), None);
    for field in fields {
        let twice = [fields.as_slice(), &[field]].concat();
        check(&post(&server, &twice, "{"), 401, Some("signature_invalid"), None);
    }
    assert_eq!(server.get("/health/ready").status, 200);
}

/// The shell that the page for engineers shows, with its secret and this server's address.
#[test]
fn the_request_that_the_page_signs_by_hand_is_answered() {
    let lacks = |tool: &&str| std::process::Command::new(tool).arg("--version").output().is_err();
    if let Some(tool) = ["bash", "curl", "openssl"].into_iter().find(lacks) {
        assert!(std::env::var_os("CI").is_none(), "this machine lacks {tool}");
        println!("skipped: the request signed by hand: no {tool}");
        return;
    }
    let page = std::fs::read_to_string(root().join("server/auth0/README.md")).unwrap();
    let shell = page.split("```sh\n").find(|block| block.starts_with("body=")).unwrap().split("```").next().unwrap();
    let path = temporary("page/handover.secret", SECRET);
    let server = server(&[("HANDOVER_SECRETS_FILE", &path)]);
    assert!(shell.contains("127.0.0.1:8080"));
    let shell = shell.replace("127.0.0.1:8080", server.address());
    let folder = std::path::Path::new(&path).parent().unwrap();
    let output = std::process::Command::new("bash").args(["-c", &shell]).current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("webhook-signature: v1,"), "{text}");
}

#[test]
fn sighup_reads_the_secrets_again() {
    let path = temporary("secrets/rotated", SECRET);
    let server = server(&[("HANDOVER_SECRETS_FILE", &path)]);
    let status = |secret| signed(&server, secret, &now().to_string(), "tx_1", BODY).status;
    assert_eq!((status(SECRET), status(OTHER)), (200, 401));
    std::fs::write(&path, format!("{OTHER}\n{SECRET}\n")).unwrap();
    server.signal("HUP");
    server.expect_log("\"secrets\":2");
    assert_eq!((status(SECRET), status(OTHER)), (200, 200));
    std::fs::write(&path, "whsec_c2hvcnQ=").unwrap();
    server.signal("HUP");
    server.expect_log("the old ones stay");
    assert_eq!((status(SECRET), status(OTHER)), (200, 200));
    std::fs::write(&path, OTHER).unwrap();
    server.signal("HUP");
    server.expect_log("\"secrets\":1");
    assert_eq!((status(SECRET), status(OTHER)), (401, 200));
    server.terminate();
    let (code, log) = server.wait();
    assert_eq!(code, Some(0));
    assert!(!log.contains("C2FV") && !log.contains("MfKQ"), "{log}");
}

#[test]
fn development_still_checks_a_secret_and_asks_for_none() {
    let checked = Server::start_with(&["--dev", "--listen", "127.0.0.1:0"], &[("HANDOVER_SECRETS", SECRET)]);
    check(&post(&checked, &[], BODY), 401, Some("signature_missing"), None);
    let open = Server::start(&[]);
    check(&post(&open, &[], BODY), 200, None, None);
    let fields = [("webhook-id", "tx_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")];
    check(&post(&open, &fields, BODY), 200, None, None);
}

#[test]
fn a_public_address_without_a_proxy_warns() {
    for (arguments, warned) in
        [(&["--listen", "0.0.0.0:0"][..], true), (&["--listen", "0.0.0.0:0", "--behind-proxy"], false)]
    {
        let server = Server::start_with(arguments, &[("HANDOVER_SECRETS", SECRET)]);
        server.signal("INT");
        let (code, log) = server.wait();
        assert_eq!((code, log.contains("--behind-proxy")), (Some(0), warned), "{log}");
    }
}
