//! What a session token must be to count: `session.verify`, or a file of the same shape (security.md §2).

use std::sync::Arc;

use super::{Files, PolicyProblem, Reader};
use crate::diagnostic::{Code, Diagnostic, suggestion};
use crate::json::{Document, Kind, View};
use crate::provider::Provider;

/// Algorithms that a signature can have (RFC 7518 §3.1, RFC 8037). `none` is not among them.
pub const SIGN: [&str; 13] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512",
];
/// Those that a policy has unless it says otherwise.
const SIGN_DEFAULT: [&str; 4] = ["RS256", "ES256", "EdDSA", "PS256"];
/// How the key of an encrypted token can be agreed on (RFC 7518 §4.1).
pub const ENCRYPT: [&str; 7] =
    ["dir", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW", "A128KW", "A256KW"];
/// How its content can be encrypted (RFC 7518 §5.1).
pub const CONTENT: [&str; 4] = ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"];

/// Bytes of a token, unless a policy says otherwise, and at most.
const TOKEN_BYTES: usize = 16 * 1_024;
/// Seconds by which two clocks may differ, unless a policy says otherwise.
const LEEWAY_S: i64 = 60;
/// At most.
const LEEWAY_S_MAX: u64 = 300;

/// What a session token must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// Who may have issued it; none: anybody whose key is known.
    pub issuers: Vec<String>,
    /// Whom it may be for; none: anybody.
    pub audiences: Vec<String>,
    /// Algorithms of [`SIGN`].
    pub sign: Vec<&'static str>,
    /// Algorithms of [`ENCRYPT`].
    pub encrypt: Vec<&'static str>,
    /// Algorithms of [`CONTENT`].
    pub content: Vec<&'static str>,
    /// Seconds by which the issuer's clock and ours may differ.
    pub leeway_s: i64,
    /// Bytes of a token.
    pub token_bytes_max: usize,
    /// Whether claims may be encrypted without a signature, under a key that both sides share.
    pub unsigned_jwe: bool,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            sign: SIGN_DEFAULT.to_vec(),
            encrypt: ENCRYPT.to_vec(),
            content: CONTENT.to_vec(),
            leeway_s: LEEWAY_S,
            token_bytes_max: TOKEN_BYTES,
            unsigned_jwe: false,
        }
    }
}

impl TokenPolicy {
    /// Reads a file that holds nothing else.
    ///
    /// # Errors
    /// Everything that is wrong with it, at its place.
    ///
    /// ```
    /// use handover_engine::policy::TokenPolicy;
    /// let policy = TokenPolicy::read("tokens.json", r#"{ "issuers": ["https://tenant.example/"], "sign": ["ES256"] }"#).unwrap();
    /// assert_eq!(policy.sign, ["ES256"]);
    /// let errors = TokenPolicy::read("tokens.json", r#"{ "sign": ["none"] }"#).unwrap_err();
    /// assert_eq!(errors[0].message, "`sign` cannot be `none`");
    /// ```
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let document = Document::read(text.as_bytes())
            .map_err(|error| vec![Diagnostic::unreadable([Code::P001, Code::P002], file, text, error)])?;
        let mut reader = Reader {
            file,
            files: &Files::default(),
            document: Arc::clone(&document),
            errors: Vec::new(),
            once: false,
            provider: Provider::default(),
        };
        let policy = reader.verify(document.root());
        if reader.errors.is_empty() { Ok(policy) } else { Err(reader.errors) }
    }
}

impl Reader<'_> {
    pub(super) fn verify(&mut self, verify: View<'_>) -> TokenPolicy {
        let mut policy = TokenPolicy::default();
        let names =
            ["audiences", "content", "encrypt", "issuers", "leeway_s", "sign", "token_bytes_max", "unsigned_jwe"];
        if !self.members(verify, &names) {
            return policy;
        }
        let mut words = |name: &str| verify.get(name).map(|view| self.strings(view));
        let texts = |list: Vec<(View<'_>, String)>| list.into_iter().map(|(_, text)| text).collect();
        policy.issuers = words("issuers").map_or_else(Vec::new, texts);
        policy.audiences = words("audiences").map_or_else(Vec::new, texts);
        for (name, known, list) in [
            ("sign", &SIGN[..], &mut policy.sign),
            ("encrypt", &ENCRYPT, &mut policy.encrypt),
            ("content", &CONTENT, &mut policy.content),
        ] {
            if let Some(view) = verify.get(name) {
                *list = self.algorithms(view, name, known);
            }
        }
        if let Some(view) = verify.get("leeway_s") {
            policy.leeway_s = self.number(view, "leeway_s", 0, LEEWAY_S_MAX).unwrap_or(LEEWAY_S);
        }
        if let Some(view) = verify.get("token_bytes_max") {
            let bytes = self.number(view, "token_bytes_max", 1, TOKEN_BYTES as u64);
            policy.token_bytes_max = bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or(TOKEN_BYTES);
        }
        policy.unsigned_jwe = self.boolean(verify, "unsigned_jwe").unwrap_or_default();
        policy
    }

    fn algorithms(&mut self, view: View<'_>, name: &str, known: &[&'static str]) -> Vec<&'static str> {
        let mut algorithms = Vec::new();
        for (item, word) in self.strings(view) {
            match known.iter().find(|own| **own == word) {
                Some(own) => algorithms.push(*own),
                None => {
                    let help = Some(suggestion(&word, known));
                    self.error(item, PolicyProblem::CannotBe { name: name.to_owned(), word, help });
                }
            }
        }
        algorithms
    }

    fn number(&mut self, view: View<'_>, name: &str, least: u64, most: u64) -> Option<i64> {
        let Some(number) = view.as_size().filter(|_| view.kind() == Kind::Number) else {
            self.expected(view, "a whole number");
            return None;
        };
        if !(least..=most).contains(&(number as u64)) {
            self.error(view, PolicyProblem::OutOfRange { name: name.to_owned(), least, most });
            return None;
        }
        i64::try_from(number).ok()
    }
}
