//! Why a token is refused.

/// Why a token is refused. Holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is longer than the policy allows.
    TooLong,
    /// It is not in compact form: three or five parts of base64url.
    Form,
    /// Its header is no JSON object, holds a member twice, or is nested too deeply.
    Header,
    /// Its header names an extension, and none is understood.
    Critical,
    /// Its content is compressed.
    Compressed,
    /// Its algorithm is missing, or the policy does not name it.
    Algorithm,
    /// There are no keys.
    NoKeys,
    /// No key has its `kid`.
    UnknownKey,
    /// It names no key, and not exactly one fits.
    AmbiguousKey,
    /// Its key is for something else.
    UnfitKey,
    /// Its signature does not fit.
    Signature,
    /// It cannot be decrypted.
    Decryption,
    /// It is a JWE in a JWE, a JWS in a JWS, or encrypted without a signature where the policy wants one.
    Nesting,
    /// Its claims are no JSON object, or a claim has the wrong type.
    Claims,
    /// Another issuer's.
    Issuer,
    /// For another audience.
    Audience,
    /// It has ended, or does not say when it ends.
    Expired,
    /// It has not begun, or was issued in the future.
    NotYet,
    /// It lives for more than 90 days.
    Lifetime,
    /// Its subject is not an anonymous person.
    Subject,
}

impl Reason {
    /// A stable word, for logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Form => "form",
            Self::Header => "header",
            Self::Critical => "critical",
            Self::Compressed => "compressed",
            Self::Algorithm => "algorithm",
            Self::NoKeys => "no_keys",
            Self::UnknownKey => "unknown_key",
            Self::AmbiguousKey => "ambiguous_key",
            Self::UnfitKey => "unfit_key",
            Self::Signature => "signature",
            Self::Decryption => "decryption",
            Self::Nesting => "nesting",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Lifetime => "lifetime",
            Self::Subject => "subject",
        }
    }

    /// One sentence for whoever asks with the token in hand.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::TooLong => "it is longer than `token_bytes_max`",
            Self::Form => "it is not in compact form: three or five parts of base64url without padding",
            Self::Header => "its header is not a JSON object without duplicates, nested at most 8 deep",
            Self::Critical => "its header has `crit`, and no extension is understood",
            Self::Compressed => "its header has `zip`, and nothing is decompressed",
            Self::Algorithm => "the policy does not name its algorithm",
            Self::NoKeys => "there are no keys",
            Self::UnknownKey => "no key of the set that can be used has its `kid`",
            Self::AmbiguousKey => "it has no `kid`, and not exactly one key of the set fits",
            Self::UnfitKey => "the key that its `kid` names is not for its algorithm",
            Self::Signature => "its signature does not fit",
            Self::Decryption => "it cannot be decrypted",
            Self::Nesting => "it is neither a JWS nor one JWE around one JWS",
            Self::Claims => "its claims are not a JSON object without duplicates, or a claim has the wrong type",
            Self::Issuer => "the policy does not name its issuer",
            Self::Audience => "the policy does not name its audience",
            Self::Expired => "it has expired, or has no `exp`",
            Self::NotYet => "its `nbf` or `iat` is in the future",
            Self::Lifetime => "it lives for more than 90 days",
            Self::Subject => "its `sub` is not `anon|` or `anon@` with an id: it is no anonymous session's",
        }
    }
}
