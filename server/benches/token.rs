//! What judging a session token costs beside the bare signature check of the library, in one run: microseconds, the least of
//! many rounds, and how many a core does in a second.
//!
//! `cargo bench --bench token`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints its figures"
)]

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use handover::token::{KeySet, claims};
use handover_engine::policy::TokenPolicy;
use serde_json::{Value, json};

const NOW: i64 = 1_795_428_000;

/// Nanoseconds, the least of many rounds of ten.
fn least(mut run: impl FnMut()) -> u128 {
    let rounds = (0..500).map(|_| {
        let start = Instant::now();
        (0..10).for_each(|_| run());
        start.elapsed().as_nanos() / 10
    });
    rounds.min().unwrap_or_default()
}

/// The claims of an anonymous session as the provider issues them.
fn payload() -> Value {
    json!({
        "iss": "https://tenant.example/", "aud": ["https://shop.example/api", "https://tenant.example/userinfo"],
        "sub": "anon@0123456789abcdef", "iat": NOW - 60, "exp": NOW + 86_400, "scope": "openid cart:write", "azp": "a1b2c3d4e5f6"
    })
}

fn measure(
    name: &str,
    mut jwk: Value,
    algorithm: &'static dyn VerificationAlgorithm,
    public: &[u8],
    sign: impl Fn(&[u8]) -> Vec<u8>,
) {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": name, "typ": "JWT", "kid": "one" })), part(&payload()));
    let signature = sign(message.as_bytes());
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
    jwk["kid"] = json!("one");
    let keys = KeySet::read(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    let policy = r#"{ "issuers": ["https://tenant.example/"], "audiences": ["https://shop.example/api"] }"#;
    let policy = TokenPolicy::read("policy.json", policy).unwrap();
    let bare = least(|| {
        UnparsedPublicKey::new(algorithm, black_box(public)).verify(message.as_bytes(), &signature).unwrap();
    });
    let own = least(|| drop(black_box(claims(black_box(token.as_bytes()), &keys, &policy, NOW).unwrap())));
    #[expect(clippy::cast_precision_loss, reason = "figures of a few digits")]
    let (ratio, per_second) = (own as f64 / bare as f64, 1e9 / own as f64);
    println!(
        "{name}  bare {bare:6} ns  judged {own:6} ns  ratio {ratio:.2}  {per_second:6.0} a second and core  ({} bytes)",
        token.len()
    );
}

fn main() {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = rsa::KeyPair::public_key(&pair);
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    // RFC 8017 §A.1.1: a sequence of the modulus, here 256 bytes behind a zero, and the exponent, here three bytes
    let der = public.as_ref();
    let jwk = json!({ "kty": "RSA", "n": number(&der[9..265]), "e": number(&der[267..270]) });
    measure("RS256", jwk, &RSA_PKCS1_2048_8192_SHA256, public.as_ref(), |message| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    });
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": number(&point[1..33]), "y": number(&point[33..65]) });
    measure("ES256", jwk, &ECDSA_P256_SHA256_FIXED, point, |message| {
        pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    });
}
