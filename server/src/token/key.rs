//! Sets of keys (RFC 7517): which key a token's header means, and whether that key is for it.

use std::fmt;

use aws_lc_rs::rsa::OaepPrivateDecryptingKey;
use handover_engine::json::{Document, Kind, View};
use handover_engine::policy::SIGN;

use super::compact::{Header, decode};
use super::reason::Reason;
use super::rsa;

/// Keys of one set.
const KEYS_MAX: usize = 32;
/// Bytes of a set.
pub(super) const SET_BYTES_MAX: usize = 64 * 1_024;
/// Bits of an RSA modulus.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// The least public exponent of RSA.
const RSA_EXPONENT_MIN: u64 = 65_537;

/// The keys that somebody signs with, and those that we decrypt with.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
    unfit: Vec<(String, Unfit)>,
}

/// Why a key of a set is passed over, as RFC 7517 §5 wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// `kid`, `use` or `alg` is no string, or `key_ops` no list of strings.
    Member,
    /// Its `kty` is none that a policy can name, or its `crv`.
    Type,
    /// Its RSA modulus has fewer than 2048 bits, or more than 8192.
    Modulus,
    /// Its RSA exponent is even, or below 65537.
    Exponent,
    /// A member of its type is missing, is not base64url, or has the wrong length.
    Material,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member => "`kid`, `use` and `alg` must be strings, and `key_ops` a list of strings",
            Self::Type => "its `kty` or `crv` is not supported",
            Self::Modulus => "an RSA key needs 2048 to 8192 bits",
            Self::Exponent => "the exponent of an RSA key must be odd, and at least 65537",
            Self::Material => "a member of the key is missing, is not base64url, or has the wrong length",
        })
    }
}

/// Shows their number only.
impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({})", self.keys.len())
    }
}

/// Why a text is no set of keys. Holds nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// More than 64 KiB.
    TooLarge,
    /// It is no JSON object with a list `keys`, or holds a member twice.
    Shape,
    /// More than 32 keys.
    TooMany(usize),
    /// Two keys have one `kid`.
    KidTwice,
    /// A shared secret and a public key can both verify signatures.
    Mixed,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "it is larger than {SET_BYTES_MAX} bytes"),
            Self::Shape => f.write_str(
                "expected a JSON Web Key Set, `{\"keys\": […]}` without duplicate members (a single key goes into that list)",
            ),
            Self::TooMany(count) => write!(f, "it has {count} keys: expected at most {KEYS_MAX}"),
            Self::KidTwice => f.write_str("two of its keys have the same `kid`"),
            Self::Mixed => f.write_str(
                "an `oct` key and an asymmetric key could both verify a signature: set `use` or `alg` of the `oct` key, or \
                 remove it",
            ),
        }
    }
}

impl std::error::Error for KeySetError {}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Signature,
    Encryption,
}

/// One key. What it says of itself, and what it is made of.
pub(super) struct Key {
    id: Option<String>,
    usage: Option<String>,
    operations: Option<Vec<String>>,
    algorithm: Option<String>,
    pub(super) material: Material,
}

/// What a key is made of, as big-endian bytes.
pub(super) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8>, private: Option<OaepPrivateDecryptingKey> },
    Ec { curve: Curve, point: Vec<u8>, private: Option<Vec<u8>> },
    Ed25519(Vec<u8>),
    X25519 { private: Option<Vec<u8>> },
    Secret(Vec<u8>),
}

/// The curves of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "P-256" => Self::P256,
            "P-384" => Self::P384,
            "P-521" => Self::P521,
            _ => return None,
        })
    }

    /// Bytes of a coordinate.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// An uncompressed point from a JWK's `x` and `y`, each as long as the curve says.
    pub(super) fn point(self, key: View<'_>) -> Option<Vec<u8>> {
        let coordinate = |name| bytes(key, name).filter(|bytes| bytes.len() == self.bytes());
        Some([vec![4], coordinate("x")?, coordinate("y")?].concat())
    }
}

impl KeySet {
    /// Reads a set. A key that cannot be used is passed over.
    ///
    /// # Errors
    /// It is no set, or one in which a token could mean two keys.
    pub fn read(text: &[u8]) -> Result<Self, KeySetError> {
        if text.len() > SET_BYTES_MAX {
            return Err(KeySetError::TooLarge);
        }
        let document = Document::read(text).map_err(|_| KeySetError::Shape)?;
        let list = document.root().get("keys").filter(|keys| keys.kind() == Kind::Array).ok_or(KeySetError::Shape)?;
        if list.len() > KEYS_MAX {
            return Err(KeySetError::TooMany(list.len()));
        }
        let mut ids: Vec<String> = list.items().filter_map(|key| text_of(key, "kid")).collect();
        ids.sort_unstable();
        if ids.array_windows().any(|[one, next]| one == next) {
            return Err(KeySetError::KidTwice);
        }
        let (mut keys, mut unfit) = (Vec::new(), Vec::new());
        for (index, key) in list.items().enumerate() {
            match Key::read(key) {
                Ok(key) => keys.push(key),
                Err(why) => unfit.push((text_of(key, "kid").unwrap_or_else(|| format!("/keys/{index}")), why)),
            }
        }
        let signs = |is_secret: bool| {
            keys.iter().any(|key: &Key| matches!(key.material, Material::Secret(_)) == is_secret && key.may_verify())
        };
        if signs(true) && signs(false) {
            return Err(KeySetError::Mixed);
        }
        Ok(Self { keys, unfit })
    }

    /// The keys that cannot be used, by `kid` or place.
    #[must_use]
    pub fn unfit(&self) -> &[(String, Unfit)] {
        &self.unfit
    }

    /// The same in words.
    #[must_use]
    pub fn unfit_words(&self) -> String {
        let words: Vec<_> = self.unfit.iter().map(|(id, why)| format!("`{id}`: {why}")).collect();
        if words.is_empty() { "the set is empty".to_owned() } else { words.join("; ") }
    }

    /// Its keys.
    #[must_use]
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// The key that a header means.
    pub(super) fn find(&self, header: &Header, purpose: Purpose) -> Result<&Key, Reason> {
        if let Some(id) = &header.key {
            let named = self.keys.iter().find(|key| key.id.as_ref() == Some(id)).ok_or(Reason::UnknownKey)?;
            return if named.fits(header, purpose) { Ok(named) } else { Err(Reason::UnfitKey) };
        }
        let mut fitting = self.keys.iter().filter(|key| key.fits(header, purpose));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Reason::AmbiguousKey),
        }
    }
}

impl Key {
    fn read(key: View<'_>) -> Result<Self, Unfit> {
        // a member of the wrong type is not one that may be ignored
        let members = ["kid", "use", "alg"].map(|name| key.get(name));
        if members.iter().flatten().any(|view| view.kind() != Kind::String) {
            return Err(Unfit::Member);
        }
        let operations = match key.get("key_ops") {
            None => None,
            Some(list) if list.kind() == Kind::Array && list.items().all(|item| item.kind() == Kind::String) => {
                Some(list.items().map(View::word).collect())
            }
            Some(_) => return Err(Unfit::Member),
        };
        let [id, usage, algorithm] = members.map(|view| view.map(View::word));
        Ok(Self { id, usage, operations, algorithm, material: Material::read(key)? })
    }

    /// Whether it could verify a signature: it is of such a kind, and says nothing to the contrary.
    fn may_verify(&self) -> bool {
        match &self.algorithm {
            Some(algorithm) => self.allows(Purpose::Signature, algorithm, None),
            None => SIGN.iter().any(|algorithm| self.allows(Purpose::Signature, algorithm, None)),
        }
    }

    /// Whether it is of the right kind, and says nothing to the contrary.
    fn fits(&self, header: &Header, purpose: Purpose) -> bool {
        self.allows(purpose, &header.algorithm, header.content.as_deref())
    }

    fn allows(&self, purpose: Purpose, algorithm: &str, content: Option<&str>) -> bool {
        let (usage, operations): (_, &[&str]) = match (purpose, algorithm) {
            (Purpose::Signature, _) => ("sig", &["verify"]),
            (Purpose::Encryption, "dir") => ("enc", &["decrypt"]),
            (Purpose::Encryption, "A128KW" | "A256KW") => ("enc", &["unwrapKey"]),
            (Purpose::Encryption, "RSA-OAEP-256") => ("enc", &["decrypt", "unwrapKey"]),
            (Purpose::Encryption, _) => ("enc", &["deriveKey", "deriveBits"]),
        };
        let is_signature = SIGN.contains(&algorithm);
        // a key that is used directly is for the content
        let is_named = |own: &String| own == algorithm || (algorithm == "dir" && Some(own.as_str()) == content);
        let is_one = |own: &Vec<String>| own.iter().any(|one| operations.contains(&one.as_str()));
        is_signature == (purpose == Purpose::Signature)
            && self.usage.as_ref().is_none_or(|own| own == usage)
            && self.operations.as_ref().is_none_or(is_one)
            && self.algorithm.as_ref().is_none_or(is_named)
            && self.material.is_for(algorithm)
    }
}

impl Material {
    fn read(key: View<'_>) -> Result<Self, Unfit> {
        match (text_of(key, "kty").as_deref(), text_of(key, "crv").as_deref()) {
            (Some("RSA"), _) => {
                let (Some(n), Some(e)) = (number(key, "n"), number(key, "e")) else { return Err(Unfit::Material) };
                let high = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
                if !RSA_BITS.contains(&(n.len() * 8 - high)) {
                    return Err(Unfit::Modulus);
                }
                let exponent = e.iter().try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)));
                if !exponent.is_some_and(|exponent| exponent >= RSA_EXPONENT_MIN && exponent % 2 == 1) {
                    return Err(Unfit::Exponent);
                }
                let private: Option<Vec<_>> =
                    ["d", "p", "q", "dp", "dq", "qi"].map(|name| number(key, name)).into_iter().collect();
                let private = private.and_then(|members| rsa::private(&n, &e, &members));
                Ok(Self::Rsa { n, e, private })
            }
            (Some("EC"), Some(name)) => {
                let curve = Curve::by_name(name).ok_or(Unfit::Type)?;
                let private = bytes(key, "d").filter(|scalar| scalar.len() == curve.bytes());
                Ok(Self::Ec { curve, point: curve.point(key).ok_or(Unfit::Material)?, private })
            }
            (Some("OKP"), Some("Ed25519")) => {
                bytes(key, "x").filter(|point| point.len() == 32).map(Self::Ed25519).ok_or(Unfit::Material)
            }
            (Some("OKP"), Some("X25519")) => {
                Ok(Self::X25519 { private: bytes(key, "d").filter(|scalar| scalar.len() == 32) })
            }
            (Some("oct"), _) => {
                bytes(key, "k").filter(|secret| !secret.is_empty()).map(Self::Secret).ok_or(Unfit::Material)
            }
            _ => Err(Unfit::Type),
        }
    }

    /// Whether an algorithm takes keys of this kind.
    fn is_for(&self, algorithm: &str) -> bool {
        match (self, algorithm) {
            (Self::Rsa { .. }, "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512")
            | (Self::Ec { curve: Curve::P256, .. }, "ES256")
            | (Self::Ec { curve: Curve::P384, .. }, "ES384")
            | (Self::Ec { curve: Curve::P521, .. }, "ES512")
            | (Self::Ed25519(_), "EdDSA")
            | (Self::Secret(_), "dir") => true,
            (Self::Secret(secret), "HS256") => secret.len() >= 32,
            (Self::Secret(secret), "HS384") => secret.len() >= 48,
            (Self::Secret(secret), "HS512") => secret.len() >= 64,
            (Self::Secret(secret), "A128KW") => secret.len() == 16,
            (Self::Secret(secret), "A256KW") => secret.len() == 32,
            (Self::Rsa { private, .. }, "RSA-OAEP-256") => private.is_some(),
            (Self::Ec { private, .. } | Self::X25519 { private }, "ECDH-ES" | "ECDH-ES+A128KW" | "ECDH-ES+A256KW") => {
                private.is_some()
            }
            _ => false,
        }
    }
}

/// A member that is text.
pub(super) fn text_of(key: View<'_>, name: &str) -> Option<String> {
    key.get(name).filter(|view| view.kind() == Kind::String).map(View::word)
}

/// The bytes of a member.
fn bytes(key: View<'_>, name: &str) -> Option<Vec<u8>> {
    decode(text_of(key, name)?.as_bytes()).ok()
}

/// The bytes of a number, without zeros in front.
fn number(key: View<'_>, name: &str) -> Option<Vec<u8>> {
    let bytes = bytes(key, name)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}
