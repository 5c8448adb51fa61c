//! An issuer of session tokens: its keys, its signatures, and an HTTPS server that publishes the keys and can fail.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::binary::temporary;

/// A key pair with its name.
pub(crate) struct Signer {
    id: String,
    pair: EcdsaKeyPair,
}

impl Signer {
    pub(crate) fn new(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { id: id.to_owned(), pair }
    }

    /// The public key as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let coordinate = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "alg": "ES256", "x": coordinate(1..33), "y": coordinate(33..65) })
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": self.id })), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// A token of a subject that is good for an hour from now.
    pub(crate) fn good(&self, subject: &str) -> String {
        self.token(&claims(subject))
    }
}

/// Claims that the policies of these tests accept.
pub(crate) fn claims(subject: &str) -> Value {
    let now = handover::ledger::now() / 1_000;
    json!({ "iss": "https://tenant.example/", "aud": "https://shop.example/api", "sub": subject, "iat": now - 60, "exp": now + 3_600 })
}

/// A set of keys.
pub(crate) fn set(signers: &[&Signer]) -> Value {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() })
}

/// How the server answers.
#[derive(Clone)]
pub(crate) enum Answers {
    Keys(Value),
    /// Another status, with these fields.
    Status(u16, &'static str),
    /// Nothing for so long.
    Slow(Duration),
    /// More bytes than a set may have.
    Oversized,
    /// A connection that is closed.
    Closed,
}

/// A real HTTPS server with a certificate of its own.
pub(crate) struct Issuer {
    pub(crate) url: String,
    /// The file of the certificate that signs itself.
    pub(crate) certificate: String,
    answers: Arc<Mutex<Answers>>,
    fetches: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) fn start(name: &str, answers: Answers) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = temporary(&format!("issuer/{name}.pem"), &made.cert.pem());
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let url = format!("https://localhost:{}/keys.json", listener.local_addr().unwrap().port());
        let (answers, fetches) = (Arc::new(Mutex::new(answers)), Arc::new(AtomicUsize::new(0)));
        let shared = (Arc::clone(&answers), Arc::clone(&fetches));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, answers, fetches) =
                    (Arc::clone(&config), shared.0.lock().unwrap().clone(), Arc::clone(&shared.1));
                std::thread::spawn(move || serve(stream, config, &answers, &fetches));
            }
        });
        Self { url, certificate, answers, fetches }
    }

    pub(crate) fn answer(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    /// Requests that came.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

fn serve(stream: TcpStream, config: Arc<rustls::ServerConfig>, answers: &Answers, fetches: &AtomicUsize) {
    let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    fetches.fetch_add(1, Ordering::Relaxed);
    let (status, fields, body) = match answers {
        Answers::Keys(keys) => (200, "", keys.to_string()),
        Answers::Status(status, fields) => (*status, *fields, "{}".to_owned()),
        Answers::Slow(time) => {
            std::thread::sleep(*time);
            (200, "", "{\"keys\":[]}".to_owned())
        }
        Answers::Oversized => (200, "", " ".repeat(70_000)),
        Answers::Closed => return,
    };
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{fields}connection: close\r\n\r\n", body.len());
    drop(stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()));
    drop(stream.flush());
    stream.conn.send_close_notify();
    drop(stream.conn.complete_io(&mut stream.sock));
}
