//! Which hand-overs an account already took: one root, `app_metadata.handover` (merge.md, "The receipt").
//!
//! `{"v": 1, "taken": [[digest, at, session_end], …]}`, newest first, at most sixteen. It is written only together with
//! data, in the same write of the provider, so both are kept or lost together: once an account, without any store.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest, Sha256};

use crate::instant::Millis;
use crate::json::{Json, Kind, View};

/// The root of `app_metadata` that holds it.
pub const ROOT: &str = "handover";

/// Hand-overs that it names at most.
const TAKEN_MAX: usize = 16;
/// How long after its session's end an entry stays: later, nobody can bring that session again.
const KEPT_MILLIS: Millis = 30 * 86_400_000;

/// A receipt, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    taken: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    digest: String,
    at: Millis,
    session_end: Millis,
}

impl Receipt {
    /// Reads a receipt; `None` if it is malformed, which counts as absent.
    ///
    /// ```
    /// # use handover_engine::{json::Document, receipt::Receipt};
    /// let text = r#"{"v":1,"taken":[["BiJ1hNzlJtM",1795428000000,1797717600000]]}"#;
    /// let receipt = Receipt::read(Document::read(text.as_bytes()).unwrap().root()).unwrap();
    /// assert!(!receipt.names("another"));
    /// assert_eq!(Receipt::read(Document::read(b"{}").unwrap().root()), None);
    /// ```
    #[must_use]
    pub fn read(view: View<'_>) -> Option<Self> {
        let version = view.get("v")?.as_size()?;
        let taken = view.get("taken").filter(|taken| taken.kind() == Kind::Array && taken.len() <= TAKEN_MAX)?;
        let taken: Option<Vec<_>> = taken.items().map(entry).collect();
        taken.filter(|_| version == 1).map(|taken| Self { taken })
    }

    /// Whether it names this hand-over.
    #[must_use]
    pub fn names(&self, hand_over: &str) -> bool {
        let digest = digest(hand_over);
        self.taken.iter().any(|entry| entry.digest == digest)
    }

    /// The receipt with this hand-over too, taken at `at`; `None` if it is full of sessions that may still come back.
    #[must_use]
    pub fn with(&self, hand_over: &str, at: Millis, session_end: Millis) -> Option<Self> {
        let own = Entry { digest: digest(hand_over), at, session_end };
        let kept = self.taken.iter().filter(|entry| entry.session_end.saturating_add(KEPT_MILLIS) > at);
        let taken: Vec<_> = std::iter::once(own).chain(kept.cloned()).collect();
        (taken.len() <= TAKEN_MAX).then_some(Self { taken })
    }

    /// The value of its root.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let taken = self.taken.iter().map(Entry::to_json).collect();
        Json::object(vec![(Json::text("v"), Json::Int(1)), (Json::text("taken"), Json::list(taken))])
    }
}

impl Entry {
    fn to_json(&self) -> Json {
        Json::list(vec![Json::text(&self.digest), Json::Int(self.at), Json::Int(self.session_end)])
    }
}

fn entry(view: View<'_>) -> Option<Entry> {
    let [digest, at, session_end] = [view.item(0)?, view.item(1)?, view.item(2)?];
    let digest = digest.as_text()?.decode().into_owned();
    let entry = Entry { digest, at: at.as_number()?.as_i64()?, session_end: session_end.as_number()?.as_i64()? };
    (view.len() == 3).then_some(entry)
}

/// The first 64 bits of SHA-256 over `handover`, NUL and the id, in base64url: without a key, so that the Action can
/// compute it and spare the call.
fn digest(hand_over: &str) -> String {
    let hash = Sha256::new().chain_update(b"handover\0").chain_update(hand_over).finalize();
    BASE64_URL_SAFE_NO_PAD.encode(hash.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::Receipt;
    use crate::json::Document;

    const DAY: i64 = 86_400_000;

    fn read(text: &str) -> Option<Receipt> {
        Receipt::read(Document::read(text.as_bytes()).unwrap().root())
    }

    fn reread(receipt: &Receipt) -> Receipt {
        read(&receipt.to_json().view().to_text()).unwrap()
    }

    #[test]
    fn the_newest_comes_first_and_old_ones_go() {
        let first = reread(&Receipt::default().with("a", 0, 10 * DAY).unwrap());
        let second = reread(&first.with("b", DAY, 20 * DAY).unwrap());
        assert!(second.names("a") && second.names("b") && !second.names("c"));
        assert_eq!(second.taken[0].at, DAY);
        let late = reread(&second.with("c", 41 * DAY, 50 * DAY).unwrap());
        assert!(!late.names("a") && late.names("b") && late.names("c"));
    }

    #[test]
    fn sixteen_young_ones_are_full() {
        let add = |receipt: Receipt, n: i64| reread(&receipt.with(&n.to_string(), n, 10 * DAY).unwrap());
        let full = (0..16).fold(Receipt::default(), add);
        assert!(full.names("0") && full.names("15"));
        assert_eq!(full.with("16", 16, 10 * DAY), None);
        assert!(full.with("16", 41 * DAY, 50 * DAY).is_some());
    }

    #[test]
    fn a_malformed_receipt_is_none() {
        let entries = |n: usize| format!(r#"{{"v":1,"taken":[{}]}}"#, vec![r#"["x",1,2]"#; n].join(","));
        assert!(read(&entries(0)).is_some() && read(&entries(16)).is_some());
        for text in [
            &entries(17),
            "null",
            "[]",
            "\"text\"",
            r#"{"v":2,"taken":[]}"#,
            r#"{"v":1}"#,
            r#"{"v":1,"taken":{}}"#,
            r#"{"v":1,"taken":[["x",1]]}"#,
            r#"{"v":1,"taken":[["x",1,2,3]]}"#,
            r#"{"v":1,"taken":[["x","1",2]]}"#,
            r#"{"v":1,"taken":[["x",1.5,2]]}"#,
            r#"{"v":1,"taken":[[1,1,2]]}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
