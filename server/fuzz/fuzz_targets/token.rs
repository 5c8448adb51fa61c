//! Whatever a token, a set of keys or a policy of tokens is, nothing panics; and no bytes are taken for a token unless their
//! content is one that an issuer signed or encrypted.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use handover::token::{KeySet, claims, content};
use handover_engine::policy::TokenPolicy;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The time at which most cases are judged, in epoch seconds.
const NOW: i64 = 1_795_428_000;

/// What one issuer's keys accept.
struct Issuer {
    keys: KeySet,
    policy: TokenPolicy,
}

/// The issuers of the cases, and all that they ever signed or encrypted: also what claims too little.
static CASES: LazyLock<(Vec<Issuer>, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../../tests/cases/token.json")).unwrap();
    let (mut issuers, mut contents, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for case in &cases {
        let policy = TokenPolicy::read("policy.json", &case["policy"].to_string());
        let (Ok(keys), Ok(policy)) = (KeySet::read(case["jwks"].to_string().as_bytes()), policy) else { continue };
        let token = case["token"].as_str().unwrap_or_default().trim_end_matches('\n');
        contents.extend(content(token.as_bytes(), &keys, &policy).ok());
        // most cases are of one issuer
        if seen.insert(format!("{} {}", case["jwks"], case["policy"])) {
            issuers.push(Issuer { keys, policy });
        }
    }
    contents.sort();
    contents.dedup();
    (issuers, contents)
});

fuzz_target!(|data: &[u8]| {
    let (issuers, contents) = &*CASES;
    for issuer in issuers {
        if let Ok(found) = content(data, &issuer.keys, &issuer.policy) {
            assert!(contents.contains(&found), "nobody signed that");
        }
        for now in [0, NOW] {
            let _ = claims(data, &issuer.keys, &issuer.policy, now);
        }
    }
    let _ = KeySet::read(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = TokenPolicy::read("policy.json", text);
    }
});
