//! What a merge knows beside its two values.

use crate::instant::Millis;

/// The clock and the session's age, as the event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The provider's clock.
    pub now: Millis,
    /// When the session began, never after `now`.
    pub session_created_at: Millis,
}
