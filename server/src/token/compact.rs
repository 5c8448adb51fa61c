//! The compact form: parts, base64url, and the header (RFC 7515 §3.1, RFC 7516 §3.1).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use handover_engine::json::{Document, Kind, View};

use super::reason::Reason;

/// Nested arrays and objects of a header, and of claims.
const DEPTH_MAX: usize = 8;

/// A token taken apart. No key has been touched.
pub(super) struct Compact<'t> {
    pub(super) header: Header,
    /// What is signed, or authenticated beside the content: the bytes of the header, and of a payload.
    pub(super) protected: &'t [u8],
    pub(super) body: Body,
}

/// The parts after the header.
pub(super) enum Body {
    /// Three parts.
    Signed { payload: Vec<u8>, signature: Vec<u8> },
    /// Five parts.
    Encrypted { key: Vec<u8>, iv: Vec<u8>, content: Vec<u8>, tag: Vec<u8> },
}

/// What a header says.
pub(super) struct Header {
    pub(super) algorithm: String,
    /// `enc`: how the content is encrypted.
    pub(super) content: Option<String>,
    pub(super) key: Option<String>,
    /// Whether the content is a token itself.
    pub(super) is_nested: bool,
    document: Arc<Document>,
}

impl Header {
    /// A member by name.
    pub(super) fn get(&self, name: &str) -> Option<View<'_>> {
        self.document.root().get(name)
    }
}

impl<'t> Compact<'t> {
    pub(super) fn read(token: &'t [u8]) -> Result<Self, Reason> {
        let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').take(6).collect();
        let (header, protected, body) = match parts.as_slice() {
            [header, payload, signature] => {
                let body = Body::Signed { payload: decode(payload)?, signature: decode(signature)? };
                (header, token.get(..header.len() + 1 + payload.len()), body)
            }
            [header, key, iv, content, tag] => {
                let (key, iv, content, tag) = (decode(key)?, decode(iv)?, decode(content)?, decode(tag)?);
                (header, token.get(..header.len()), Body::Encrypted { key, iv, content, tag })
            }
            _ => return Err(Reason::Form),
        };
        Ok(Self { header: read_header(&decode(header)?)?, protected: protected.ok_or(Reason::Form)?, body })
    }
}

/// Base64url without padding, white space or bits that nobody reads.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Reason::Form)
}

/// A JSON object without duplicates.
pub(super) fn object(bytes: &[u8]) -> Option<Arc<Document>> {
    Document::read_within(bytes, DEPTH_MAX).ok().filter(|document| document.root().kind() == Kind::Object)
}

fn read_header(bytes: &[u8]) -> Result<Header, Reason> {
    let document = object(bytes).ok_or(Reason::Header)?;
    let root = document.root();
    if root.get("crit").is_some() {
        return Err(Reason::Critical);
    }
    if root.get("zip").is_some() {
        return Err(Reason::Compressed);
    }
    let text = |name: &str| match root.get(name) {
        None => Ok(None),
        Some(view) if view.kind() == Kind::String => Ok(Some(view.word())),
        Some(_) => Err(Reason::Header),
    };
    Ok(Header {
        algorithm: text("alg")?.ok_or(Reason::Algorithm)?,
        content: text("enc")?,
        key: text("kid")?,
        is_nested: text("cty")?.is_some_and(|kind| kind.eq_ignore_ascii_case("JWT")),
        document,
    })
}
