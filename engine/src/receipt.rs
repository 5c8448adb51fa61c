//! Which hand-overs an account already took: one root, `app_metadata.handover` (merge.md, "The receipt").
//!
//! `{"v": 1, "taken": [["digest.content", at, session_end, left?], …]}`, newest first, at most sixteen. It is written only
//! together with data, in the same write of the provider, so both are kept or lost together: once an account, without any
//! store. `left` names the rules that did not take the hand-over yet.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest, Sha256};

use crate::instant::Millis;
use crate::json::{Json, Kind, View};

/// The root of `app_metadata` that holds it.
pub const ROOT: &str = "handover";

/// Hand-overs that it names at most.
const TAKEN_MAX: usize = 16;
/// Rules that an entry names at most.
pub(crate) const LEFT_MAX: usize = 8;
/// Compact bytes of a new entry: digest, content, two times, brackets; without the names of rules.
const ENTRY_BYTES_MAX: usize = 80;
/// What stands for more of them: all rules that do not need once.
const MANY: &str = "*";
const DAY: Millis = 86_400_000;
/// How long an entry stays after its session's end.
const AFTER_SESSION: Millis = DAY;
/// How long an entry stays after it was written: a day longer than a browser keeps its draft.
const AFTER_DRAFT: Millis = 31 * DAY;
/// How long after the login a session ends whose end is unknown.
const UNKNOWN_END: Millis = 60 * DAY;

/// A receipt, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    taken: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// As it stands in the receipt: elements that only a later version knows stay.
    json: Json,
    digest: String,
    /// An entry without one matches every content.
    content: Option<String>,
    at: Millis,
    session_end: Millis,
    left: Vec<String>,
}

/// One hand-over, as a receipt knows it.
#[derive(Clone, Debug)]
pub struct HandOver {
    digest: String,
    content: String,
    at: Millis,
    session_end: Millis,
}

/// What a receipt says of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    /// It does not name it.
    Never,
    /// Every rule took it.
    Whole,
    /// Only these rules did not take it yet.
    But(Left<'a>),
    /// It was taken with other content, but by these rules.
    Grown(Left<'a>),
}

/// The rules that an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left<'a>(&'a [String]);

impl Left<'_> {
    /// Whether it stands for more rules than it names.
    #[must_use]
    pub fn is_many(self) -> bool {
        self.0.iter().any(|name| name == MANY)
    }

    /// Whether a rule did not take the hand-over yet.
    #[must_use]
    pub fn has(self, rule: &str, needs_once: bool) -> bool {
        self.0.iter().any(|name| name == rule || (name == MANY && !needs_once))
    }
}

impl HandOver {
    /// The hand-over of this id and content at a login, with the end of its session, if that is known.
    #[must_use]
    pub fn new(id: &str, content: &[u8], at: Millis, session_end: Option<Millis>) -> Self {
        let digest = digest(&[b"handover\0", id.as_bytes()], 8);
        let session_end = session_end.unwrap_or(at.saturating_add(UNKNOWN_END));
        Self { digest, content: digest_of(content), at, session_end }
    }
}

impl Receipt {
    /// Reads a receipt; `None` if it is malformed.
    ///
    /// ```
    /// # use handover_engine::{json::Document, receipt::{HandOver, Receipt, Taken}};
    /// let text = r#"{"v":1,"taken":[["BiJ1hNzlJtM",1795428000000,1797717600000]]}"#;
    /// let receipt = Receipt::read(Document::read(text.as_bytes()).unwrap().root()).unwrap();
    /// let other = HandOver::new("another", b"{}", 1_795_428_000_000, None);
    /// assert_eq!(receipt.of(&other), Taken::Never);
    /// assert!(Receipt::read(Document::read(b"{}").unwrap().root()).is_none());
    /// ```
    #[must_use]
    pub fn read(view: View<'_>) -> Option<Self> {
        let version = view.get("v")?.as_size()?;
        let taken = view.get("taken").filter(|taken| taken.kind() == Kind::Array && taken.len() <= TAKEN_MAX)?;
        let taken: Option<Vec<_>> = taken.items().map(entry).collect();
        taken.filter(|_| version == 1).map(|taken| Self { taken })
    }

    /// What it says of a hand-over.
    #[must_use]
    pub fn of(&self, hand_over: &HandOver) -> Taken<'_> {
        match self.taken.iter().find(|entry| entry.digest == hand_over.digest) {
            None => Taken::Never,
            Some(entry) => {
                let is_same = entry.content.as_ref().is_none_or(|content| *content == hand_over.content);
                match (is_same, entry.left.is_empty()) {
                    (true, true) => Taken::Whole,
                    (true, false) => Taken::But(Left(&entry.left)),
                    (false, _) => Taken::Grown(Left(&entry.left)),
                }
            }
        }
    }

    /// Whether a hand-over can be named without forgetting one that may still come back.
    #[must_use]
    pub fn has_room(&self, hand_over: &HandOver) -> bool {
        self.others(hand_over).count() < TAKEN_MAX
    }

    /// The receipt with this hand-over in front, taken by all rules but those of `left`. If there is no room, the entry
    /// whose session ends first makes it.
    #[must_use]
    pub fn with(&self, hand_over: &HandOver, left: &[&str]) -> Self {
        let before = self.taken.iter().filter(|entry| entry.digest == hand_over.digest);
        let session_end = before.map(|entry| entry.session_end).fold(hand_over.session_end, Millis::max);
        let mut taken: Vec<Entry> = self.others(hand_over).cloned().collect();
        while taken.len() >= TAKEN_MAX {
            let first = taken.iter().enumerate().rev().min_by_key(|(_, entry)| entry.session_end);
            let Some((first, _)) = first else { break };
            taken.remove(first);
        }
        taken.insert(0, Entry::new(HandOver { session_end, ..hand_over.clone() }, left));
        Self { taken }
    }

    /// Compact bytes that it can have at most once a hand-over is added to it, beside the names of rules.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        let entries = self.taken.iter().map(|entry| entry.json.view().compact_bytes() + ",".len());
        entries.sum::<usize>() + ENTRY_BYTES_MAX + r#"{"v":1,"taken":[]}"#.len()
    }

    /// The entries of other hand-overs that may still come back.
    fn others(&self, hand_over: &HandOver) -> impl Iterator<Item = &Entry> {
        let (digest, now) = (hand_over.digest.clone(), hand_over.at);
        self.taken.iter().filter(move |entry| entry.digest != digest && entry.last_day() >= now)
    }

    /// Names the newest hand-over without its content: two requests that differ in bytes only give the same.
    pub(crate) fn forget_content(&mut self) {
        if let Some(entry) = self.taken.first_mut() {
            let left: Vec<&str> = entry.left.iter().map(String::as_str).collect();
            let Entry { digest, at, session_end, .. } = entry.clone();
            *entry = Entry::new(HandOver { digest, content: String::new(), at, session_end }, &left);
        }
    }

    /// The value of its root.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let taken = self.taken.iter().map(|entry| entry.json.clone()).collect();
        Json::object(vec![(Json::text("v"), Json::Int(1)), (Json::text("taken"), Json::list(taken))])
    }
}

impl Entry {
    fn new(hand_over: HandOver, left: &[&str]) -> Self {
        let HandOver { digest, content, at, session_end } = hand_over;
        let name = Json::text(&format!("{digest}.{content}"));
        let mut elements = vec![name, Json::Int(at), Json::Int(session_end)];
        if !left.is_empty() {
            elements.push(Json::list(left.iter().map(|rule| Json::text(rule)).collect()));
        }
        let left = left.iter().map(|rule| (*rule).to_owned()).collect();
        Self { json: Json::list(elements), digest, content: Some(content), at, session_end, left }
    }

    /// After this time the hand-over cannot come back.
    fn last_day(&self) -> Millis {
        self.session_end.saturating_add(AFTER_SESSION).max(self.at.saturating_add(AFTER_DRAFT))
    }
}

fn entry(view: View<'_>) -> Option<Entry> {
    let [name, at, session_end] = [view.item(0)?, view.item(1)?, view.item(2)?];
    let name = name.as_text()?.decode();
    let (digest, content) = name.split_once('.').map_or((&*name, None), |(digest, content)| (digest, Some(content)));
    let time = |view: View<'_>| view.as_number()?.as_i64();
    let left = match view.item(3) {
        Some(left) if left.kind() == Kind::Array => {
            left.items().map(|rule| Some(rule.as_text()?.decode().into_owned())).collect::<Option<_>>()?
        }
        Some(_) => return None,
        None => Vec::new(),
    };
    Some(Entry {
        json: view.to_json(),
        digest: digest.to_owned(),
        content: content.map(str::to_owned),
        at: time(at)?,
        session_end: time(session_end)?,
        left,
    })
}

/// The names that an entry holds for rules that were left, each with whether it needs once: at most eight, in the order of
/// the policy, or `*` for those that do not need once and as many of the others as there is room for.
#[must_use]
pub fn left_names<'a>(left: &[(&'a str, bool)]) -> Vec<&'a str> {
    if left.len() <= LEFT_MAX {
        return left.iter().map(|(name, _)| *name).collect();
    }
    let once = left.iter().filter(|(_, needs_once)| *needs_once).map(|(name, _)| *name);
    std::iter::once(MANY).chain(once).take(LEFT_MAX).collect()
}

/// The first bytes of a SHA-256, in base64url: without a key, so that the Action can compute it and spare the call.
fn digest(parts: &[&[u8]], bytes: usize) -> String {
    let hash = parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize();
    BASE64_URL_SAFE_NO_PAD.encode(hash.get(..bytes).unwrap_or_default())
}

/// The first 48 bits over the metadata, as it was received.
fn digest_of(content: &[u8]) -> String {
    digest(&[content], 6)
}

#[cfg(test)]
mod tests {
    use super::{DAY, HandOver, Receipt, Taken, left_names};
    use crate::json::Document;

    fn read(text: &str) -> Option<Receipt> {
        Receipt::read(Document::read(text.as_bytes()).unwrap().root())
    }

    fn hand_over(id: &str, at: i64, end: i64) -> HandOver {
        HandOver::new(id, b"{}", at, Some(end))
    }

    fn with(receipt: &Receipt, id: &str, at: i64, end: i64) -> Receipt {
        read(&receipt.with(&hand_over(id, at, end), &[]).to_json().view().to_text()).unwrap()
    }

    fn names(receipt: &Receipt, id: &str) -> bool {
        receipt.of(&hand_over(id, 0, 0)) == Taken::Whole
    }

    #[test]
    fn the_newest_comes_first_and_old_ones_go() {
        let first = with(&Receipt::default(), "a", 0, 10 * DAY);
        let second = with(&first, "b", DAY, 40 * DAY);
        assert!(names(&second, "a") && names(&second, "b") && !names(&second, "c"));
        assert_eq!(second.taken[0].at, DAY);
        // the draft may come back for 31 days, the session for a day after its end
        assert!(names(&with(&second, "c", 31 * DAY, 50 * DAY), "a"));
        let late = with(&second, "c", 31 * DAY + 1, 50 * DAY);
        assert!(!names(&late, "a") && names(&late, "b") && names(&late, "c"));
        assert!(names(&with(&second, "c", 41 * DAY, 50 * DAY), "b"));
        assert!(!names(&with(&second, "c", 41 * DAY + 1, 50 * DAY), "b"));
    }

    #[test]
    fn sixteen_young_ones_are_full_and_the_first_to_end_makes_room() {
        let end = |n: i64| if n == 7 { 9 * DAY } else { 10 * DAY };
        let full = (0..16).fold(Receipt::default(), |receipt, n| with(&receipt, &n.to_string(), n, end(n)));
        assert!(names(&full, "0") && names(&full, "15"));
        assert!(!full.has_room(&hand_over("16", 16, 10 * DAY)));
        assert!(full.has_room(&hand_over("15", 16, 10 * DAY)), "its own entry is room enough");
        assert!(full.has_room(&hand_over("16", 41 * DAY, 50 * DAY)));
        let rotated = with(&full, "16", 16, 10 * DAY);
        assert!(names(&rotated, "16") && !names(&rotated, "7") && names(&rotated, "0"));
        // of those that end together, the oldest
        assert!(!names(&with(&rotated, "17", 17, 10 * DAY), "0"));
        assert_eq!(rotated.taken.len(), 16);
    }

    #[test]
    fn an_entry_knows_its_content_and_what_was_left() {
        let text = r#"{"v":1,"taken":[["DIGEST.CONTENT",1,2,["cart","*"],"later"],["OLD",1,2]]}"#;
        let of = |digest: &str, content: &str| HandOver {
            digest: digest.to_owned(),
            content: content.to_owned(),
            at: 3,
            session_end: 1,
        };
        let receipt = read(text).unwrap();
        assert_eq!(receipt.to_json().view().to_text(), text);
        let Taken::But(left) = receipt.of(&of("DIGEST", "CONTENT")) else { panic!() };
        assert!(left.has("cart", true) && left.has("other", false) && !left.has("other", true));
        assert!(matches!(receipt.of(&of("DIGEST", "OTHER")), Taken::Grown(_)));
        assert_eq!(receipt.of(&of("OLD", "any")), Taken::Whole);
        let grown = receipt.with(&of("DIGEST", "OTHER"), &[]);
        assert_eq!(grown.to_json().view().to_text(), r#"{"v":1,"taken":[["DIGEST.OTHER",3,2],["OLD",1,2]]}"#);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let left =
            |count: usize, once: usize| left_names(&std::array::from_fn::<_, 9, _>(|n| (names[n], n < once))[..count]);
        assert_eq!((left(8, 0).len(), left(9, 0), left(9, 2)), (8, vec!["*"], vec!["*", "a", "b"]));
        assert_eq!(left(9, 9), ["*", "a", "b", "c", "d", "e", "f", "g"]);
    }

    #[test]
    fn a_malformed_receipt_is_none() {
        let entries = |n: usize| format!(r#"{{"v":1,"taken":[{}]}}"#, vec![r#"["x",1,2]"#; n].join(","));
        assert!(read(&entries(0)).is_some() && read(&entries(16)).is_some());
        assert!(read(r#"{"v":1,"taken":[["x.y",1,2,[],null,7]],"more":1}"#).is_some());
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
            r#"{"v":1,"taken":[["x",1,2,[3]]]}"#,
            r#"{"v":1,"taken":[["x","1",2]]}"#,
            r#"{"v":1,"taken":[["x",1.5,2]]}"#,
            r#"{"v":1,"taken":[[1,1,2]]}"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
