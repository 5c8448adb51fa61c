//! What the identity provider can hold: names, roots, session ids and numbers (contract §2, `provider`).

use crate::json::Number;

/// The provider whose metadata the rules write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// Auth0: everything passes through JavaScript, some names are reserved.
    #[default]
    Auth0,
    /// Any other: names, ids and numbers as JSON has them.
    Generic,
}

/// Roots of `app_metadata` that Auth0 keeps for itself.
const RESERVED: [&str; 18] = [
    "__tenant",
    "_id",
    "blocked",
    "clientID",
    "created_at",
    "email",
    "email_verified",
    "globalClientID",
    "global_client_id",
    "identities",
    "lastIP",
    "lastLogin",
    "loginsCount",
    "metadata",
    "multifactor",
    "multifactor_last_modified",
    "updated_at",
    "user_id",
];

/// Names that mean something else in the programs that apply a decision.
const NO_ROOTS: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// 2^53: from here on, JavaScript skips integers.
const UNSAFE_FROM: i64 = 1 << 53;

/// Characters of a session id.
const SESSION_ID_MAX: usize = 256;

impl Provider {
    /// The words of the contract.
    pub const WORDS: [&'static str; 2] = ["auth0", "generic"];

    /// The provider of a word.
    #[must_use]
    pub fn by_word(word: &str) -> Option<Self> {
        match word {
            "auth0" => Some(Self::Auth0),
            "generic" => Some(Self::Generic),
            _ => None,
        }
    }

    /// Whether it can store a member of this name.
    #[must_use]
    pub fn holds_name(self, name: &str) -> bool {
        self == Self::Generic || !name.contains(['.', '$', '\0'])
    }

    /// Whether a name can be a root of a metadata object.
    #[must_use]
    pub fn holds_root(self, root: &str) -> bool {
        // a dot would end the name in `to` and in `account.visible`
        !root.is_empty() && !root.contains('.') && !NO_ROOTS.contains(&root) && self.holds_name(root)
    }

    /// Whether it keeps a root of `app_metadata` for itself.
    #[must_use]
    pub fn reserves(self, root: &str) -> bool {
        self == Self::Auth0 && RESERVED.contains(&root)
    }

    /// Whether an anonymous session can have this id. Auth0 issues `anon@…`; its documentation says `anon|…`.
    #[must_use]
    pub fn is_session_id(self, id: &str) -> bool {
        match self {
            Self::Auth0 => id.strip_prefix("anon").is_some_and(|rest| rest.len() > 1 && rest.starts_with(['@', '|'])),
            Self::Generic => {
                let visible = |character: char| !character.is_control() && !character.is_whitespace();
                id.chars().all(visible) && (1..=SESSION_ID_MAX).contains(&id.chars().count())
            }
        }
    }

    /// What [`Provider::is_session_id`] expects, in words.
    #[must_use]
    pub fn session_id_words(self) -> &'static str {
        match self {
            Self::Auth0 => "`anon@…` or `anon|…`",
            Self::Generic => "1 to 256 visible characters",
        }
    }

    /// Whether a number arrives as it was sent. Under Auth0 no integer beyond ±(2^53 − 1) does; a fraction that the
    /// nearest float turns into such an integer counts as one.
    ///
    /// ```
    /// # use handover_engine::{json::Number, provider::Provider};
    /// assert!(Provider::Auth0.holds_number(Number::Int(9_007_199_254_740_991)));
    /// assert!(!Provider::Auth0.holds_number(Number::Int(9_007_199_254_740_993)));
    /// assert!(!Provider::Auth0.holds_number(Number::from_text("1e16")));
    /// assert!(Provider::Generic.holds_number(Number::Int(9_007_199_254_740_993)));
    /// ```
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 is a float")]
    pub fn holds_number(self, number: Number<'_>) -> bool {
        self == Self::Generic
            || match number {
                Number::Int(value) => -UNSAFE_FROM < value && value < UNSAFE_FROM,
                // every float of this size is an integer
                other => other.as_f64().abs() < UNSAFE_FROM as f64,
            }
    }
}
