//! What a merge knows beside its two values.

use std::collections::BTreeSet;
use std::fmt;

use crate::budget::Budget;
use crate::instant::Millis;
use crate::json::{Json, View, fingerprint};

/// The clock and the session's age, as the event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The provider's clock.
    pub now: Millis,
    /// When the session began, never after `now`.
    pub session_created_at: Millis,
}

/// Items that a merge of lists does not take.
#[derive(Clone, Default)]
pub struct Losses {
    /// A limit turned them away.
    pub beyond_limit: Vec<Json>,
    /// Nothing says where they belong: they have no member of the key, or no readable time.
    pub unmergeable: Vec<Json>,
}

/// Shows how many, never what.
impl fmt::Debug for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Losses({} beyond a limit, {} unmergeable)", self.beyond_limit.len(), self.unmergeable.len())
    }
}

impl Losses {
    /// Without items that a result has all the same, each counted once: a script may try a merge and take another one.
    #[must_use]
    pub fn beside(mut self, result: View<'_>) -> Self {
        if self.beyond_limit.is_empty() && self.unmergeable.is_empty() {
            return self;
        }
        let mut seen = BTreeSet::new();
        items(result, &mut |item| {
            seen.insert(fingerprint(item));
        });
        self.beyond_limit.retain(|item| seen.insert(fingerprint(item.view())));
        self.unmergeable.retain(|item| seen.insert(fingerprint(item.view())));
        self
    }
}

/// Visits the items of every list in a value.
fn items(value: View<'_>, visit: &mut dyn FnMut(View<'_>)) {
    value.items().for_each(&mut *visit);
    value.items().chain(value.members().map(|(_, member)| member)).for_each(|child| items(child, visit));
}

/// What one merge knows, and what it may spend.
pub struct Work<'a> {
    /// The clock and the session's age.
    pub context: Context,
    /// Charged by what is read.
    pub budget: &'a Budget,
    /// What it does not take of a list.
    pub losses: &'a mut Losses,
}
