//! Session tokens: our cases and Wycheproof's vectors through the binary, accepts and rejects scored apart, and the same
//! suites against verifiers that are wrong.

use std::io::Write;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use handover_engine::policy::{CONTENT, ENCRYPT, SIGN, TokenPolicy};
use serde_json::Value;

use crate::binary::{command, root, temporary};

/// Cases that were decided right, of how many.
#[derive(Debug, Default, PartialEq, Eq)]
struct Score {
    accepted: (usize, usize),
    rejected: (usize, usize),
}

impl Score {
    fn is_whole(&self) -> bool {
        self.accepted.0 == self.accepted.1
            && self.rejected.0 == self.rejected.1
            && self.accepted.1 > 0
            && self.rejected.1 > 0
    }
}

/// The content of a token that is good, or none.
type Verifier = fn(&Value) -> Option<Vec<u8>>;

fn score(cases: &[Value], verifier: Verifier) -> Score {
    let mut score = Score::default();
    for case in cases {
        let content = verifier(case);
        if case["expect"] == "accept" {
            let expected = case["payload_b64u"].as_str().map(|text| URL_SAFE_NO_PAD.decode(text).unwrap());
            let is_right = content.is_some_and(|content| expected.is_none_or(|expected| expected == content));
            score.accepted.0 += usize::from(is_right);
            score.accepted.1 += 1;
        } else {
            score.rejected.0 += usize::from(content.is_none());
            score.rejected.1 += 1;
        }
    }
    score
}

fn ours() -> Vec<Value> {
    serde_json::from_str(include_str!("cases/token.json")).unwrap()
}

/// Wycheproof's vectors are other people's: they are read where somebody says they are.
fn wycheproof() -> Option<Vec<Value>> {
    let Some(path) = std::env::var_os("HANDOVER_WYCHEPROOF") else {
        println!("skipped: HANDOVER_WYCHEPROOF names no file with Wycheproof's JOSE vectors");
        return None;
    };
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

/// `handover token verify`.
fn binary(case: &Value) -> Option<Vec<u8>> {
    let name = case["id"].as_str().unwrap();
    let jwks = temporary(&format!("tokens/{name}.keys.json"), &case["jwks"].to_string());
    let policy = temporary(&format!("tokens/{name}.policy.json"), &case["policy"].to_string());
    let layer = case["layer"].as_str().unwrap_or("jose");
    let mut verify = command(&["token", "verify", "--jwks", &jwks, "--policy", &policy, "--layer", layer]);
    if let Some(at) = case["at"].as_str() {
        verify.args(["--at", at]);
    }
    let mut child = verify.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(case["token"].as_str().unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    match output.status.code() {
        Some(0) => Some(output.stdout),
        Some(7) => {
            assert!(error.starts_with("the token is refused"), "{name}: {error}");
            None
        }
        code => panic!("{name}: {code:?} {error}"),
    }
}

/// A verifier that is safe, and of no use.
fn refuses_all(_: &Value) -> Option<Vec<u8>> {
    None
}

/// A verifier that reads everything and verifies no signature.
fn skips_the_signature(case: &Value) -> Option<Vec<u8>> {
    let token = case["token"].as_str()?.trim_end_matches('\n');
    let parts: Vec<&str> = token.split('.').collect();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.first()?).ok()?).ok()?;
    let is_named = case["policy"]["sign"].as_array()?.contains(&header["alg"]);
    (is_named && parts.len() == 3).then(|| URL_SAFE_NO_PAD.decode(parts[1]).ok()).flatten()
}

#[test]
fn our_cases_are_decided_right() {
    let score = score(&ours(), binary);
    println!("token.json: {score:?}");
    assert!(score.is_whole(), "{score:?}");
}

#[test]
fn wycheproofs_vectors_are_decided_right() {
    let Some(cases) = wycheproof() else { return };
    let score = score(&cases, binary);
    println!("wycheproof.json: {score:?}");
    assert!(score.is_whole(), "{score:?}");
}

#[test]
fn a_wrong_verifier_fails_the_suites() {
    for cases in [Some(ours()), wycheproof()].into_iter().flatten() {
        for (name, verifier) in [("refuses all", refuses_all as Verifier), ("skips the signature", skips_the_signature)]
        {
            let score = score(&cases, verifier);
            println!("{name}: {score:?}");
            // each fails where it is wrong, and not by chance elsewhere
            let (accepted, rejected) = (score.accepted, score.rejected);
            if name == "refuses all" {
                assert!(accepted.0 == 0 && rejected.0 == rejected.1 && accepted.1 > 0, "{name}");
            } else {
                assert!(rejected.0 * 2 < rejected.1, "{name}: the suite has too few forged tokens");
            }
        }
    }
}

#[test]
fn one_token_and_one_answer() {
    let case = &ours()[0];
    let jwks = temporary("tokens/usage.keys.json", &case["jwks"].to_string());
    let run = |arguments: &[&str]| {
        let mut verify = command(&["token", "verify"]);
        let output = verify.args(arguments).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // an empty token is refused, not a usage error
    assert_eq!(run(&["--jwks", &jwks]).0, Some(7));
    let policy =
        temporary("tokens/usage.policy.json", "{ \"sign\": [\"none\"],\n\"leeway_s\": 301, \"issuer\": \"x\" }");
    let (code, error) = run(&["--jwks", &jwks, "--policy", &policy]);
    assert_eq!(code, Some(2));
    for expected in [
        "usage.policy.json:1:12: `sign` cannot be `none`",
        "`leeway_s` must be between 0 and 300",
        "did you mean `issuers`",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let (code, error) = run(&["--jwks", &jwks, "--at", "yesterday"]);
    assert!(code == Some(2) && error.contains("RFC 3339"), "{error}");
    let set = temporary("tokens/usage.set.json", "{}");
    let (code, error) = run(&["--jwks", &set]);
    assert!(code == Some(2) && error.contains("JSON Web Key Set"), "{error}");
}

/// The schema that editors read says what the engine does.
#[test]
fn the_schema_of_a_policy_names_every_algorithm_and_default() {
    let schema = std::fs::read_to_string(root().join("server/schemas/policy.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let members = schema["properties"]["session"]["properties"]["verify"]["properties"].as_object().unwrap();
    for (name, words) in [("sign", &SIGN[..]), ("encrypt", &ENCRYPT), ("content", &CONTENT)] {
        assert_eq!(members[name]["items"]["enum"], serde_json::json!(words), "{name}");
    }
    let defaults: serde_json::Map<String, Value> =
        members.iter().map(|(name, member)| (name.clone(), member["default"].clone())).collect();
    let read = TokenPolicy::read("policy.json", &Value::from(defaults).to_string());
    assert_eq!(read.unwrap(), TokenPolicy::default());
}
