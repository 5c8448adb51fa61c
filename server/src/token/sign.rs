//! Signatures (RFC 7518 §3, RFC 8037 §3.1), those of AWS-LC.

use aws_lc_rs::{hmac, signature};

use super::key::{Key, Material};

/// Whether a signature is one of these bytes by this key, under an algorithm that the key is for.
pub(super) fn is_signed(algorithm: &str, key: &Key, message: &[u8], signature: &[u8]) -> bool {
    match &key.material {
        Material::Rsa { n, e, .. } => {
            let parameters = match algorithm {
                "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
                "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
                "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
                "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
                _ => return false,
            };
            signature::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        }
        Material::Ec { point, .. } => {
            let parameters = match algorithm {
                "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
                "ES384" => &signature::ECDSA_P384_SHA384_FIXED,
                "ES512" => &signature::ECDSA_P521_SHA512_FIXED,
                _ => return false,
            };
            signature::UnparsedPublicKey::new(parameters, point).verify(message, signature).is_ok()
        }
        Material::Ed25519(point) => {
            signature::UnparsedPublicKey::new(&signature::ED25519, point).verify(message, signature).is_ok()
        }
        Material::Secret(secret) => {
            let hash = match algorithm {
                "HS256" => hmac::HMAC_SHA256,
                "HS384" => hmac::HMAC_SHA384,
                "HS512" => hmac::HMAC_SHA512,
                _ => return false,
            };
            hmac::verify(&hmac::Key::new(hash, secret), message, signature).is_ok()
        }
        Material::X25519 { .. } => false,
    }
}
