//! Session tokens of anonymous people, as the provider signs and encrypts them: JWS, JWE, or one JWE around one JWS, in
//! compact form (RFC 7515, RFC 7516, RFC 7519).
//!
//! A token is read strictly before any key is touched. The policy names the algorithms, the header's `kid` names the key, and
//! the key must say that it is for that algorithm. Signatures, key agreement and decryption are those of AWS-LC.
//!
//! Whoever presents a token learns one thing only: whether it is good. The [`Reason`] is for logs.

mod reason;
mod compact;
mod rsa;
mod key;
mod sign;
mod encrypt;
mod claims;
mod open;
mod address;
mod fetch;
mod key_cache;

pub use claims::Claims;
pub use key::{KeySet, KeySetError, Unfit};
pub use key_cache::KeyCache;
pub use open::{claims, content};
pub use reason::Reason;
