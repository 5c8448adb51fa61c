//! What this service must remember: which account a hand-over belongs to.
//!
//! The provider's cookie attaches an anonymous session to whoever logs in next on that device, so the first account that
//! takes something of a hand-over claims it, and every other one is turned away.
//!
//! - I2: a hand-over belongs to one account until its entry ends.
//! - I3: of two accounts at once, exactly one wins.
//! - I4: the entry is durable before an answer leaves that writes, or that keeps the session.
//! - I5: a retry of the same login finds its own entry, and gets the same bytes.
//! - I6: an entry holds keyed digests and a time, and nothing that can be read.
//!
//! | [`Choice`] | remembers | for |
//! |---|---|---|
//! | [`memory`] | until the process ends | tests and `--dev` |
//! | [`file`] | in one file of this machine | one process |
//! | [`postgres`] | in PostgreSQL | replicas |

mod claim;
mod keys;
mod memory;
mod file;
mod postgres;
mod guard;
mod open;

use std::pin::Pin;
use std::time::{SystemTime, UNIX_EPOCH};

pub use claim::{Claim, Digest, Entry, Held, Known, Outcome, Owner, Table, decide};
pub use file::FileLedger;
pub use guard::Guarded;
pub use keys::{KEY_BYTES, Keys};
pub use memory::MemoryLedger;
pub use open::{Access, open, open_existing};
pub use postgres::PostgresLedger;

/// Milliseconds since 1970.
pub type Millis = i64;

/// The machine's clock.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// An answer of a ledger that is still on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>> + Send + 'a>>;

/// A ledger that cannot answer: why, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

impl Unavailable {
    fn because(error: &impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// What can remember whose a hand-over is.
///
/// What it answers holds at once for everybody who asks the same store, and is durable where the store is.
pub trait Ledger: Send + Sync {
    /// Claims a hand-over for an account, and says what came of it; what is written is durable then.
    fn claim(&self, claim: Claim, now: Millis) -> Pending<'_, Outcome>;

    /// Forgets all entries with one of these digests, of a hand-over or of an account; gives their number.
    fn forget(&self, digests: Vec<Digest>) -> Pending<'_, u64>;

    /// Removes some of the entries that ended before `now`; gives their number, none once there are no more.
    fn sweep(&self, now: Millis) -> Pending<'_, u64>;

    /// Writes the marks of keys, unless it knows other keys only: whether it can write now, and knows the keys.
    fn probe(&self, marks: Claim, now: Millis) -> Pending<'_, Known>;
}
