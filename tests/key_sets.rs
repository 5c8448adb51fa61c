//! Sets of keys: which are refused, and which of their keys cannot be used.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use handover::token::{KeySet, KeySetError, Reason, Unfit, claims, content};
use handover_engine::policy::TokenPolicy;
use serde_json::{Value, json};

/// Reads a set of these keys.
fn set(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
}

/// A public key: its bytes are as long as they must be, and nothing else.
fn public() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "kid": "one", "x": "A".repeat(43), "y": "A".repeat(43) })
}

fn secret(bytes: usize, others: &Value) -> Value {
    let mut key = json!({ "kty": "oct", "kid": "two", "k": URL_SAFE_NO_PAD.encode(vec![7; bytes]) });
    key.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    key
}

fn rsa(bits: usize, exponent: &[u8]) -> Value {
    let modulus = vec![0x80; bits / 8];
    json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(&modulus), "e": URL_SAFE_NO_PAD.encode(exponent) })
}

#[test]
fn a_set_in_which_a_token_could_mean_two_keys_is_refused() {
    assert_eq!(set(&[public(), public()]).err(), Some(KeySetError::KidTwice));
    for others in [json!({}), json!({ "use": "sig" }), json!({ "alg": "HS256" }), json!({ "key_ops": ["verify"] })] {
        assert_eq!(set(&[public(), secret(32, &others)]).err(), Some(KeySetError::Mixed), "{others}");
    }
    for (bytes, others) in [
        (16, json!({})),
        (31, json!({})),
        (32, json!({ "use": "enc" })),
        (32, json!({ "alg": "A256KW" })),
        (32, json!({ "alg": "A256GCM" })),
        (32, json!({ "alg": "A192KW" })),
        (32, json!({ "key_ops": ["decrypt"] })),
        (48, json!({ "alg": "HS512" })),
    ] {
        assert_eq!(set(&[public(), secret(bytes, &others)]).map(|set| set.count()).ok(), Some(2), "{bytes} {others}");
    }
    let mut encrypts = public();
    encrypts["use"] = json!("enc");
    assert!(set(&[encrypts, secret(32, &json!({}))]).is_ok());
}

#[test]
fn a_set_has_at_most_32_keys_in_64_kib() {
    let keys = |count: usize| {
        (0..count)
            .map(|n| {
                let mut key = public();
                key["kid"] = json!(n.to_string());
                key
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(set(&keys(32)).map(|set| set.count()).ok(), Some(32));
    assert_eq!(set(&keys(33)).err(), Some(KeySetError::TooMany(33)));
    let padded = |bytes: usize| format!("{}{}", json!({ "keys": [public()] }), " ".repeat(bytes)).into_bytes();
    let least = padded(0).len();
    assert!(KeySet::read(&padded(65_536 - least)).is_ok());
    assert_eq!(KeySet::read(&padded(65_537 - least)).err(), Some(KeySetError::TooLarge));
    for text in ["[]", "{}", r#"{ "keys": {} }"#, r#"{ "keys": [], "keys": [] }"#, "x"] {
        assert_eq!(KeySet::read(text.as_bytes()).err(), Some(KeySetError::Shape), "{text}");
    }
}

#[test]
fn what_cannot_be_used_is_named_and_the_others_stay() {
    let with = |name: &str, value: Value| {
        let mut key = public();
        key[name] = value;
        key["kid"] = json!("bad");
        key
    };
    let f4 = [1, 0, 1];
    for (key, why) in [
        (with("kty", json!("XX")), Unfit::Type),
        (with("crv", json!("secp256k1")), Unfit::Type),
        (with("x", json!("AAAA")), Unfit::Material),
        (with("x", json!("*".repeat(43))), Unfit::Material),
        (with("use", json!(1)), Unfit::Member),
        (with("key_ops", json!("verify")), Unfit::Member),
        (with("key_ops", json!([1])), Unfit::Member),
        (rsa(1_024, &f4), Unfit::Modulus),
        (rsa(2_040, &f4), Unfit::Modulus),
        (rsa(8_200, &f4), Unfit::Modulus),
        (rsa(2_048, &[3]), Unfit::Exponent),
        (rsa(2_048, &[1, 0, 2]), Unfit::Exponent),
        (rsa(2_048, &[1; 9]), Unfit::Exponent),
        (secret(0, &json!({})), Unfit::Material),
    ] {
        let set = set(&[public(), key.clone()]).unwrap();
        assert_eq!((set.count(), set.unfit().iter().map(|(_, why)| *why).collect::<Vec<_>>()), (1, vec![why]), "{key}");
    }
    assert_eq!(set(&[rsa(2_048, &f4), rsa(8_192, &f4)]).map(|set| set.count()).ok(), Some(2));
}

/// Claims under a key of 32 sevens that both sides have, encrypted as RFC 7516 appendix A does it, without a signature.
fn direct(header: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let mut bytes = br#"{ "sub": "anon@1", "exp": 2000 }"#.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&[1; 12]).unwrap();
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut bytes).unwrap();
    let [iv, content, tag] = [&[1; 12], bytes.as_slice(), tag.as_ref()].map(|part: &[u8]| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{iv}.{content}.{tag}")
}

#[test]
fn claims_without_a_signature_count_under_a_shared_key_only_where_the_policy_says_so() {
    let token = direct(&json!({ "alg": "dir", "enc": "A256GCM", "kid": "two" }));
    let keys = set(&[secret(32, &json!({ "use": "enc" }))]).unwrap();
    let policy = |text: &str| TokenPolicy::read("policy.json", text).unwrap();
    let judged = |text: &str, now: i64| {
        claims(token.as_bytes(), &keys, &policy(text), now).map(|claims| claims.subject().to_owned())
    };
    assert_eq!(judged(r#"{ "unsigned_jwe": true }"#, 1_000), Ok("anon@1".to_owned()));
    assert_eq!(judged(r#"{ "unsigned_jwe": true }"#, 3_000), Err(Reason::Expired));
    assert_eq!(judged("{}", 1_000), Err(Reason::Nesting));
    assert_eq!(judged(r#"{ "unsigned_jwe": true, "encrypt": ["A256KW"] }"#, 1_000), Err(Reason::Algorithm));
    assert_eq!(judged(r#"{ "unsigned_jwe": true, "content": ["A128GCM"] }"#, 1_000), Err(Reason::Algorithm));
}

#[test]
fn what_a_key_says_of_itself_must_fit_the_algorithm() {
    let policy = TokenPolicy::default();
    let token = direct(&json!({ "alg": "dir", "enc": "A256GCM", "kid": "two" }));
    for (others, is_fit) in [
        (json!({}), true),
        (json!({ "use": "enc", "key_ops": ["decrypt"], "alg": "A256GCM" }), true),
        (json!({ "alg": "dir" }), true),
        (json!({ "use": "sig" }), false),
        (json!({ "key_ops": ["unwrapKey"] }), false),
        (json!({ "key_ops": ["deriveBits"] }), false),
        (json!({ "key_ops": ["verify"] }), false),
        (json!({ "alg": "A256KW" }), false),
        (json!({ "alg": "A128GCM" }), false),
        (json!({ "alg": "HS256" }), false),
        (json!({ "kid": "three" }), false),
    ] {
        let keys = set(&[secret(32, &others)]).unwrap();
        let expected = if others["kid"].is_string() { Reason::UnknownKey } else { Reason::UnfitKey };
        let opened = content(token.as_bytes(), &keys, &policy).map(drop);
        assert_eq!(opened, if is_fit { Ok(()) } else { Err(expected) }, "{others}");
    }
}
