//! What a merge knows beside its two values.

use crate::budget::Budget;
use crate::instant::Millis;

/// The clock and the session's age, as the event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The provider's clock.
    pub now: Millis,
    /// When the session began, never after `now`.
    pub session_created_at: Millis,
}

/// What one merge knows, and what it may spend.
pub struct Work<'a> {
    /// The clock and the session's age.
    pub context: Context,
    /// Charged by what is read.
    pub budget: &'a mut Budget,
    /// Counts the items that a limit turned away.
    pub turned_away: &'a mut usize,
}
