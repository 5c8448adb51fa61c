//! One token: from its bytes to its claims.

use handover_engine::policy::TokenPolicy;

use super::claims::Claims;
use super::compact::{Body, Compact};
use super::encrypt::{Sealed, decrypt};
use super::key::{KeySet, Purpose};
use super::reason::Reason;
use super::sign::is_signed;

/// The content of a token, once its signature verified or its encryption was undone: `--layer jose`.
///
/// # Errors
/// Why it is refused.
pub fn content(token: &[u8], keys: &KeySet, policy: &TokenPolicy) -> Result<Vec<u8>, Reason> {
    Ok(open(token, keys, policy)?.bytes)
}

/// The claims of a token at a time, in epoch seconds.
///
/// # Errors
/// Why it is refused.
pub fn claims(token: &[u8], keys: &KeySet, policy: &TokenPolicy, now: i64) -> Result<Claims, Reason> {
    let content = open(token, keys, policy)?;
    // anybody can encrypt to a public key; a shared one says at least that the issuer has it
    let is_known = content.is_signed || (policy.unsigned_jwe && content.is_of_shared_key);
    if !is_known {
        return Err(Reason::Nesting);
    }
    Claims::read(&content.bytes, policy, now)
}

struct Content {
    bytes: Vec<u8>,
    is_signed: bool,
    /// Whether it was encrypted under a key that both sides have.
    is_of_shared_key: bool,
}

fn open(token: &[u8], keys: &KeySet, policy: &TokenPolicy) -> Result<Content, Reason> {
    if token.len() > policy.token_bytes_max {
        return Err(Reason::TooLong);
    }
    let compact = Compact::read(token)?;
    let Body::Encrypted { key, iv, content, tag } = &compact.body else {
        return signed(&compact, keys, policy);
    };
    let header = &compact.header;
    let is_named = |list: &[&str], name: &str| list.contains(&name);
    let enc = header.content.as_deref().ok_or(Reason::Algorithm)?;
    if !is_named(&policy.encrypt, &header.algorithm) || !is_named(&policy.content, enc) {
        return Err(Reason::Algorithm);
    }
    let own = keys.find(header, Purpose::Encryption)?;
    let sealed = Sealed { key, iv, content, tag, protected: compact.protected };
    let bytes = decrypt(header, own, &sealed).ok_or(Reason::Decryption)?;
    if header.is_nested {
        let inner = Compact::read(&bytes).map_err(|_| Reason::Nesting)?;
        return match inner.body {
            Body::Signed { .. } => signed(&inner, keys, policy),
            Body::Encrypted { .. } => Err(Reason::Nesting),
        };
    }
    let is_of_shared_key = ["dir", "A128KW", "A256KW"].contains(&header.algorithm.as_str());
    Ok(Content { bytes, is_signed: false, is_of_shared_key })
}

fn signed(compact: &Compact<'_>, keys: &KeySet, policy: &TokenPolicy) -> Result<Content, Reason> {
    let (header, Body::Signed { payload, signature }) = (&compact.header, &compact.body) else {
        return Err(Reason::Nesting);
    };
    if !policy.sign.contains(&header.algorithm.as_str()) {
        return Err(Reason::Algorithm);
    }
    let key = keys.find(header, Purpose::Signature)?;
    if !is_signed(&header.algorithm, key, compact.protected, signature) {
        return Err(Reason::Signature);
    }
    if header.is_nested {
        return Err(Reason::Nesting);
    }
    Ok(Content { bytes: payload.clone(), is_signed: true, is_of_shared_key: false })
}
