//! What one event may still spend: operations of one rule, and the time that is left.

use std::sync::Arc;

/// Says whether the time for scripts is up; asked first when the first script of an event starts.
///
/// The engine has no clock: the server brings one, tests bring none.
pub type TimeIsUp = Arc<dyn Fn() -> bool + Send + Sync>;

/// How often the clock is asked, in operations.
const OPERATIONS_PER_GLANCE: u64 = 1_024;

/// What one rule may still spend.
#[derive(Clone)]
pub struct Budget {
    left: u64,
    until_glance: u64,
    time_is_up: Option<TimeIsUp>,
}

/// The budget is spent. Nothing more may be done for this rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl Budget {
    /// A budget of `operations`, ended early when `time_is_up` says so.
    #[must_use]
    pub fn new(operations: u64, time_is_up: Option<TimeIsUp>) -> Self {
        // the first glance starts a clock that has not run yet
        let spent = time_is_up.as_ref().is_some_and(|time_is_up| time_is_up());
        Self { left: if spent { 0 } else { operations }, until_glance: OPERATIONS_PER_GLANCE, time_is_up }
    }

    /// Spends `operations`: one for a step of a script, one for each element that native code reads.
    ///
    /// # Errors
    /// [`Overrun`] once the operations or the time are spent.
    ///
    /// ```
    /// # use handover_engine::budget::Budget;
    /// let mut budget = Budget::new(2, None);
    /// assert!(budget.charge(2).is_ok());
    /// assert!(budget.charge(1).is_err());
    /// ```
    pub fn charge(&mut self, operations: u64) -> Result<(), Overrun> {
        self.left = self.left.checked_sub(operations).ok_or(Overrun)?;
        self.until_glance = self.until_glance.saturating_sub(operations);
        if self.until_glance == 0 {
            self.until_glance = OPERATIONS_PER_GLANCE;
            if self.time_is_up.as_ref().is_some_and(|time_is_up| time_is_up()) {
                self.left = 0;
                return Err(Overrun);
            }
        }
        Ok(())
    }

    /// Operations that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }
}
