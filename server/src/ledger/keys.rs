//! The keys of the ledger: what an entry holds of a hand-over and an account is nothing without them.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Millis;
use super::claim::{Claim, Digest, Entry};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Keys that are active at once: the one that comes and the one that goes.
const KEYS_MAX: usize = 2;

/// One key, or two while keys change.
#[derive(Clone)]
pub struct Keys(Vec<[u8; KEY_BYTES]>);

/// Shows their number only.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// One or two keys in base64, separated by white space or a comma.
    ///
    /// # Errors
    /// Which of them is unfit, and why; never the key.
    pub fn parse(text: &str) -> Result<Self> {
        let words: Vec<&str> =
            text.split(|one: char| one.is_whitespace() || one == ',').filter(|word| !word.is_empty()).collect();
        if words.is_empty() || words.len() > KEYS_MAX {
            bail!("expected one key or two, separated by white space or a comma, found {}", words.len());
        }
        let keys = words.iter().zip(1..).map(|(word, number)| key(word).with_context(|| format!("key {number}")));
        let keys: Vec<_> = keys.collect::<Result<_>>()?;
        if let [first, second] = keys.as_slice()
            && first == second
        {
            bail!("both keys are the same: leave one out");
        }
        Ok(Self(keys))
    }

    /// A new key.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn random() -> Result<Self> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness for a ledger key: {error}"))?;
        Ok(Self(vec![key]))
    }

    /// The keys as [`Keys::parse`] reads them.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.iter().map(|key| STANDARD.encode(key)).collect::<Vec<_>>().join(" ")
    }

    /// Four bytes of a digest that no entry has, for each key.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |key| {
            let [a, b, c, d, ..] = digest(key, NAME, "");
            format!("{a:02x}{b:02x}{c:02x}{d:02x}")
        };
        self.0.iter().map(name).collect()
    }

    /// An entry of nobody for each key, by which a ledger knows it.
    #[must_use]
    pub fn marks(&self, expires_at: Millis) -> Claim {
        let mark = |key| Entry { hand_over: digest(key, MARK, ""), account: NOBODY, expires_at };
        Claim::new(self.0.iter().map(mark).collect())
    }

    /// The entry of a hand-over and an account, under every key.
    #[must_use]
    pub fn claim(&self, hand_over: &str, account: &str, expires_at: Millis) -> Claim {
        let entry = |key| Entry {
            hand_over: digest(key, HAND_OVER, hand_over),
            account: digest(key, ACCOUNT, account),
            expires_at,
        };
        Claim::new(self.0.iter().map(entry).collect())
    }

    /// What entries hold of a hand-over, by key.
    #[must_use]
    pub fn of_hand_over(&self, id: &str) -> Vec<Digest> {
        self.0.iter().map(|key| digest(key, HAND_OVER, id)).collect()
    }

    /// What entries hold of an account, by key.
    #[must_use]
    pub fn of_account(&self, id: &str) -> Vec<Digest> {
        self.0.iter().map(|key| digest(key, ACCOUNT, id)).collect()
    }
}

/// The account of a mark, which no account's id has as its digest.
pub(super) const NOBODY: Digest = [0; 32];

const MARK: &str = "key";
const NAME: &str = "name";
const HAND_OVER: &str = "handover";
const ACCOUNT: &str = "account";

/// HMAC-SHA256 of what an id is of, NUL, and the id.
fn digest(key: &[u8; KEY_BYTES], of: &str, id: &str) -> Digest {
    // a key of any length is a key of HMAC
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(of.as_bytes());
    mac.update(b"\0");
    mac.update(id.as_bytes());
    mac.finalize().into_bytes().into()
}

fn key(text: &str) -> Result<[u8; KEY_BYTES]> {
    let bytes = STANDARD.decode(text).ok().context("it is not base64")?;
    let length = bytes.len();
    let key: [u8; KEY_BYTES] = bytes.try_into().ok().with_context(|| format!("{length} bytes, not {KEY_BYTES}"))?;
    let distinct: std::collections::BTreeSet<u8> = key.iter().copied().collect();
    if distinct.len() < KEY_BYTES / 4 {
        bail!("it has fewer than {} distinct bytes: make it with `openssl rand -base64 32`", KEY_BYTES / 4);
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::{Keys, digest};

    #[test]
    fn a_key_is_32_bytes_that_somebody_drew() {
        let good = Keys::random().unwrap().to_text();
        assert!(Keys::parse(&good).is_ok());
        let other = Keys::random().unwrap().to_text();
        assert!(Keys::parse(&format!("{good},\n{other}")).is_ok());
        for (text, why) in [
            ("", "found 0"),
            ("a b c", "found 3"),
            ("!!", "key 1"),
            ("AAAA", "key 1"),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "key 1"),
            (&format!("{good} {good}"), "the same"),
        ] {
            let error = Keys::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn an_account_and_a_hand_over_of_one_name_differ() {
        let key = [7; 32];
        assert_ne!(digest(&key, "handover", "x"), digest(&key, "account", "x"));
        assert_eq!(format!("{:?}", Keys(vec![key])), "Keys(1)");
    }
}
