//! What a login claims, and what decides a claim on a table of entries.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::Millis;

/// HMAC-SHA256 of a hand-over's id or an account's.
pub type Digest = [u8; 32];

/// A hand-over of one account, under each active key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// One entry a key, ordered by the hand-over's digest: two servers that write the same entries meet in one order.
    entries: Vec<Entry>,
}

/// A row of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The hand-over.
    pub hand_over: Digest,
    /// The account that it belongs to.
    pub account: Digest,
    /// Until when.
    pub expires_at: Millis,
}

impl Claim {
    /// A claim of these entries.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.hand_over);
        Self { entries }
    }

    /// Its entries.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What a ledger with these marks of keys knows of the ones that this claim marks. One without marks is new.
    #[must_use]
    pub fn known_by(&self, marks: &[Digest]) -> Known {
        let is_own = |mark: &Digest| self.entries.iter().any(|entry| entry.hand_over == *mark);
        match (marks.iter().all(is_own), marks.iter().any(is_own)) {
            (true, _) => Known::All,
            (false, true) => Known::OthersToo,
            (false, false) => Known::OthersOnly,
        }
    }
}

/// Which keys a ledger has entries under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Under these, or none at all.
    All,
    /// Under others as well.
    OthersToo,
    /// Under others: these match none.
    OthersOnly,
}

/// Whose a hand-over is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The account's that claims it.
    This,
    /// Another account's.
    Another,
}

/// What a table holds of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The account that it belongs to.
    pub account: Digest,
    /// Until when.
    pub expires_at: Millis,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Another account has the hand-over: nothing is written.
    Another,
    /// The account has it already: nothing is written.
    Kept,
    /// The account has it now.
    Written,
}

impl Outcome {
    /// Whose the hand-over is.
    #[must_use]
    pub fn owner(self) -> Owner {
        match self {
            Self::Another => Owner::Another,
            Self::Kept | Self::Written => Owner::This,
        }
    }
}

/// A table of entries that nobody else writes meanwhile.
pub trait Table {
    /// Why it cannot be read or written.
    type Error;

    /// What it holds of a hand-over.
    ///
    /// # Errors
    /// The table cannot be read.
    fn get(&self, hand_over: &Digest) -> Result<Option<Held>, Self::Error>;

    /// Writes an entry in the place of the one before.
    ///
    /// # Errors
    /// The table cannot be written.
    fn put(&mut self, entry: Entry) -> Result<(), Self::Error>;
}

/// A table in memory.
impl Table for BTreeMap<Digest, Held> {
    type Error = Infallible;

    fn get(&self, hand_over: &Digest) -> Result<Option<Held>, Infallible> {
        Ok(self.get(hand_over).copied())
    }

    fn put(&mut self, entry: Entry) -> Result<(), Infallible> {
        let Entry { hand_over, account, expires_at } = entry;
        self.insert(hand_over, Held { account, expires_at });
        Ok(())
    }
}

/// Decides a claim: all entries are read before one is written, and another account's entry under any key decides.
///
/// # Errors
/// Those of the table.
pub fn decide<T: Table>(claim: &Claim, now: Millis, table: &mut T) -> Result<Outcome, T::Error> {
    let mut lacking = Vec::new();
    for entry in claim.entries() {
        match table.get(&entry.hand_over)?.filter(|held| held.expires_at >= now) {
            Some(held) if held.account != entry.account => return Ok(Outcome::Another),
            Some(held) if held.expires_at >= entry.expires_at => {}
            _ => lacking.push(*entry),
        }
    }
    if lacking.is_empty() {
        return Ok(Outcome::Kept);
    }
    for entry in lacking {
        table.put(entry)?;
    }
    Ok(Outcome::Written)
}
