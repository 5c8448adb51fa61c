//! Private RSA keys of a set, for RSA-OAEP with SHA-256 (RFC 7518 §4.3).

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};

/// The key with these members, big-endian: the modulus, the exponent, and `d`, `p`, `q`, `dp`, `dq`, `qi`. It is checked once,
/// here: that costs as much as many decryptions.
pub(super) fn private(n: &[u8], e: &[u8], members: &[Vec<u8>]) -> Option<OaepPrivateDecryptingKey> {
    OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&pkcs8(n, e, members)).ok()?).ok()
}

/// What was encrypted for a key.
pub(super) fn decrypt(key: &OaepPrivateDecryptingKey, sealed: &[u8]) -> Option<Vec<u8>> {
    if sealed.len() != key.key_size_bytes() {
        return None;
    }
    let mut bytes = vec![0; key.min_output_size()];
    let length = key.decrypt(&OAEP_SHA256_MGF1SHA256, sealed, &mut bytes, None).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// A private RSA key as AWS-LC takes it: PKCS #8 (RFC 5958) around PKCS #1 (RFC 8017 A.1.2).
fn pkcs8(n: &[u8], e: &[u8], members: &[Vec<u8>]) -> Vec<u8> {
    /// The identifier of RSA keys, 1.2.840.113549.1.1.1, without parameters.
    const RSA: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let version = der(0x02, &[0]);
    let numbers = [n, e].into_iter().chain(members.iter().map(Vec::as_slice));
    let key: Vec<u8> = version.iter().copied().chain(numbers.flat_map(integer)).collect();
    der(0x30, &[version, RSA.to_vec(), der(0x04, &der(0x30, &key))].concat())
}

/// A positive number in DER.
fn integer(number: &[u8]) -> Vec<u8> {
    let is_high = number.first().is_some_and(|byte| *byte >= 0x80);
    der(0x02, &[if is_high { &[0_u8][..] } else { &[] }, number].concat())
}

/// A value in DER (X.690 §8.1): its tag, its length, and its bytes.
fn der(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let length: Vec<u8> = bytes.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let head = match (bytes.len(), u8::try_from(length.len())) {
        (short @ 0..0x80, _) => vec![tag, u8::try_from(short).unwrap_or_default()],
        (_, count) => [vec![tag, 0x80 | count.unwrap_or_default()], length].concat(),
    };
    [head, bytes.to_vec()].concat()
}
