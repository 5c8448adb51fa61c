//! Decryption (RFC 7518 §4 and §5), with the primitives of AWS-LC.
//!
//! Every length is checked before a primitive sees it: an IV, a tag or a key of another size could mean the same bytes.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::{agreement, constant_time, hmac};
use handover_engine::json::Kind;

use super::compact::{Header, decode};
use super::key::{Curve, Key, Material, text_of};
use super::rsa;

/// An encrypted content.
pub(super) struct Sealed<'t> {
    /// The key, encrypted for us.
    pub(super) key: &'t [u8],
    pub(super) iv: &'t [u8],
    pub(super) content: &'t [u8],
    pub(super) tag: &'t [u8],
    /// The header's bytes, as they were received.
    pub(super) protected: &'t [u8],
}

/// What a header's `enc` needs.
#[derive(Clone, Copy)]
enum Cipher {
    Gcm(&'static aead::Algorithm),
    /// AES-CBC, its authentication, and the bytes of the tag, which are those of each half of the key.
    Cbc(&'static cipher::Algorithm, hmac::Algorithm, usize),
}

impl Cipher {
    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "A128GCM" => Self::Gcm(&aead::AES_128_GCM),
            "A256GCM" => Self::Gcm(&aead::AES_256_GCM),
            "A128CBC-HS256" => Self::Cbc(&cipher::AES_128, hmac::HMAC_SHA256, 16),
            "A256CBC-HS512" => Self::Cbc(&cipher::AES_256, hmac::HMAC_SHA512, 32),
            _ => return None,
        })
    }

    fn key_bytes(self) -> usize {
        match self {
            Self::Gcm(algorithm) => algorithm.key_len(),
            Self::Cbc(_, _, half) => 2 * half,
        }
    }

    fn open(self, key: &[u8], sealed: &Sealed<'_>) -> Option<Vec<u8>> {
        match self {
            Self::Gcm(algorithm) => {
                if sealed.tag.len() != algorithm.tag_len() {
                    return None;
                }
                let nonce = Nonce::try_assume_unique_for_key(sealed.iv).ok()?;
                let mut bytes = [sealed.content, sealed.tag].concat();
                let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
                let length = key.open_in_place(nonce, Aad::from(sealed.protected), &mut bytes).ok()?.len();
                bytes.truncate(length);
                Some(bytes)
            }
            Self::Cbc(algorithm, hash, half) => {
                let (authentication, encryption) = key.split_at_checked(half)?;
                let bits = (sealed.protected.len() as u64).checked_mul(8)?.to_be_bytes();
                let message = [sealed.protected, sealed.iv, sealed.content, &bits].concat();
                let tag = hmac::sign(&hmac::Key::new(hash, authentication), &message);
                constant_time::verify_slices_are_equal(tag.as_ref().get(..half)?, sealed.tag).ok()?;
                let iv = FixedLength::from(<[u8; 16]>::try_from(sealed.iv).ok()?);
                let key = UnboundCipherKey::new(algorithm, encryption).ok()?;
                let mut bytes = sealed.content.to_vec();
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
                let length = key.decrypt(&mut bytes, DecryptionContext::Iv128(iv)).ok()?.len();
                bytes.truncate(length);
                Some(bytes)
            }
        }
    }
}

/// The content, if it was encrypted for this key.
pub(super) fn decrypt(header: &Header, key: &Key, sealed: &Sealed<'_>) -> Option<Vec<u8>> {
    let cipher = Cipher::by_name(header.content.as_deref()?)?;
    let content_key = content_key(header, key, sealed.key, cipher.key_bytes())?;
    if content_key.len() != cipher.key_bytes() {
        return None;
    }
    cipher.open(&content_key, sealed)
}

/// The key of the content.
fn content_key(header: &Header, key: &Key, sealed: &[u8], bytes: usize) -> Option<Vec<u8>> {
    match (header.algorithm.as_str(), &key.material) {
        ("dir", Material::Secret(secret)) => sealed.is_empty().then(|| secret.clone()),
        ("A128KW" | "A256KW", Material::Secret(secret)) => unwrap_key(secret, sealed),
        ("RSA-OAEP-256", Material::Rsa { private: Some(private), .. }) => rsa::decrypt(private, sealed),
        ("ECDH-ES", material) => {
            sealed.is_empty().then(|| agree(header, material, header.content.as_deref()?, bytes)).flatten()
        }
        ("ECDH-ES+A128KW", material) => unwrap_key(&agree(header, material, &header.algorithm, 16)?, sealed),
        ("ECDH-ES+A256KW", material) => unwrap_key(&agree(header, material, &header.algorithm, 32)?, sealed),
        _ => None,
    }
}

/// A key that AES wrapped (RFC 3394).
fn unwrap_key(wrapping: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let algorithm = if wrapping.len() == 16 { &key_wrap::AES_128 } else { &key_wrap::AES_256 };
    let mut key = vec![0; sealed.len()];
    let length = AesKek::new(algorithm, wrapping).ok()?.unwrap(sealed, &mut key).ok()?.len();
    key.truncate(length);
    Some(key)
}

/// A key that both sides computed (RFC 7518 §4.6): Diffie-Hellman, then the Concat KDF, which is the one-step KDF of SP 800-56C.
fn agree(header: &Header, material: &Material, algorithm: &str, bytes: usize) -> Option<Vec<u8>> {
    let theirs = header.get("epk").filter(|key| key.kind() == Kind::Object)?;
    let (parameters, own, point) = match material {
        Material::Ec { curve, private: Some(private), .. } => {
            let is_same = text_of(theirs, "kty")? == "EC" && Curve::by_name(&text_of(theirs, "crv")?)? == *curve;
            let parameters = match curve {
                Curve::P256 => &agreement::ECDH_P256,
                Curve::P384 => &agreement::ECDH_P384,
                Curve::P521 => &agreement::ECDH_P521,
            };
            (parameters, private, is_same.then(|| curve.point(theirs)).flatten()?)
        }
        Material::X25519 { private: Some(private) } => {
            let is_same = text_of(theirs, "kty")? == "OKP" && text_of(theirs, "crv")? == "X25519";
            let point = is_same.then(|| decode(text_of(theirs, "x")?.as_bytes()).ok()).flatten()?;
            (&agreement::X25519, private, point)
        }
        _ => return None,
    };
    let party = |name| match header.get(name) {
        None => Some(Vec::new()),
        Some(view) => (view.kind() == Kind::String).then(|| decode(view.word().as_bytes()).ok()).flatten(),
    };
    let part = |bytes: &[u8]| Some([&u32::try_from(bytes.len()).ok()?.to_be_bytes(), bytes].concat());
    let bits = u32::try_from(bytes * 8).ok()?.to_be_bytes();
    let info = [part(algorithm.as_bytes())?, part(&party("apu")?)?, part(&party("apv")?)?, bits.to_vec()].concat();
    let own = agreement::PrivateKey::from_private_key(parameters, own).ok()?;
    let theirs = agreement::UnparsedPublicKey::new(parameters, point);
    agreement::agree(&own, theirs, (), |secret| {
        let mut key = vec![0; bytes];
        let hash = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256).ok_or(())?;
        sskdf_digest(hash, secret, &info, &mut key).map(|()| key).map_err(|_| ())
    })
    .ok()
}
