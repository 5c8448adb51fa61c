//! The work that one rule may do for one event, and the clock that ends an evaluation which takes too long all the same.
//!
//! Only what is counted shapes a decision: the same event gives the same bytes on an idle machine and on a loaded one. The
//! clock is a fail-safe. Once it is up, there is no decision.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// Units of work between two looks at the clock.
const WORK_PER_LOOK: u64 = 256;
/// What a script's operation counts for on the way to the next look: it takes longer than other units.
const OPERATION_WEIGHT: u64 = 8;

/// Ends an evaluation. The engine has no clock of its own: the server brings one, tests bring none.
pub struct Clock {
    is_up: Box<dyn Fn() -> bool>,
    was_up: Cell<bool>,
}

/// Shows whether it was up.
impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock(was up: {})", self.was_up.get())
    }
}

impl Clock {
    /// A clock that is up when `is_up` says so. It is asked at least every 256 units of work, and every 32 operations of a
    /// script.
    #[must_use]
    pub fn new(is_up: impl Fn() -> bool + 'static) -> Rc<Self> {
        Rc::new(Self { is_up: Box::new(is_up), was_up: Cell::new(false) })
    }

    /// Whether it was up when it was asked.
    #[must_use]
    pub fn was_up(&self) -> bool {
        self.was_up.get()
    }

    fn ask(&self) -> bool {
        if !self.was_up.get() {
            self.was_up.set((self.is_up)());
        }
        self.was_up.get()
    }
}

/// What one rule may still do. Clones spend together.
#[derive(Clone, Debug)]
pub struct Budget(Rc<Meter>);

#[derive(Debug)]
struct Meter {
    work: u64,
    left: Cell<u64>,
    until_look: Cell<u64>,
    clock: Option<Rc<Clock>>,
}

/// The budget is spent. Nothing more may be done for this rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl Budget {
    /// A budget of so many units of work.
    #[must_use]
    pub fn new(work: u64) -> Self {
        Self::until(work, None)
    }

    /// No bound: for authors' tools and tests, never for what a visitor sent.
    #[must_use]
    pub fn unbounded() -> Self {
        Self::new(u64::MAX)
    }

    /// A budget that is spent early once the clock is up.
    #[must_use]
    pub fn until(work: u64, clock: Option<&Rc<Clock>>) -> Self {
        let left = if clock.is_some_and(|clock| clock.ask()) { 0 } else { work };
        let until_look = if clock.is_some() { WORK_PER_LOOK } else { u64::MAX };
        let (left, until_look) = (Cell::new(left), Cell::new(until_look));
        Self(Rc::new(Meter { work, left, until_look, clock: clock.cloned() }))
    }

    /// Spends units of work: one for each value that native code reads or makes.
    ///
    /// # Errors
    /// [`Overrun`] once the work is spent or the clock is up. Nothing is left then.
    ///
    /// ```
    /// # use handover_engine::budget::Budget;
    /// let budget = Budget::new(2);
    /// assert!(budget.charge(2).is_ok());
    /// assert!(budget.charge(1).is_err());
    /// ```
    #[inline]
    pub fn charge(&self, units: u64) -> Result<(), Overrun> {
        self.spend(units, units)
    }

    /// Spends what text costs: a unit for eight bytes.
    ///
    /// # Errors
    /// As [`Budget::charge`].
    pub fn charge_text(&self, bytes: usize) -> Result<(), Overrun> {
        self.charge(text(bytes))
    }

    /// Spends a unit for an operation of a script.
    ///
    /// # Errors
    /// As [`Budget::charge`].
    #[inline]
    pub fn operation(&self) -> Result<(), Overrun> {
        self.spend(1, OPERATION_WEIGHT)
    }

    #[inline]
    fn spend(&self, units: u64, weight: u64) -> Result<(), Overrun> {
        let meter = &*self.0;
        let Some(left) = meter.left.get().checked_sub(units) else {
            meter.left.set(0);
            return Err(Overrun);
        };
        meter.left.set(left);
        let until_look = meter.until_look.get();
        if until_look <= weight {
            return self.look();
        }
        meter.until_look.set(until_look - weight);
        Ok(())
    }

    #[cold]
    fn look(&self) -> Result<(), Overrun> {
        self.0.until_look.set(WORK_PER_LOOK);
        if self.0.clock.as_ref().is_some_and(|clock| clock.ask()) {
            self.0.left.set(0);
            return Err(Overrun);
        }
        Ok(())
    }

    /// Units of work that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.0.left.get()
    }

    /// Units of work that were spent.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.0.work - self.0.left.get()
    }
}

/// What text of so many bytes costs.
#[must_use]
pub fn text(bytes: usize) -> u64 {
    bytes as u64 / 8
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::{Budget, Clock, Overrun};

    #[test]
    fn a_clock_is_asked_in_time_and_ends_every_budget_after_it() {
        let asked = Rc::new(Cell::new(0));
        let counts = Rc::clone(&asked);
        let clock = Clock::new(move || counts.replace(counts.get() + 1) == 3);
        let budget = Budget::until(u64::MAX, Some(&clock));
        assert_eq!(asked.get(), 1);
        (0..31).for_each(|_| budget.operation().unwrap());
        assert_eq!(asked.get(), 1);
        budget.operation().unwrap();
        assert_eq!(asked.get(), 2);
        budget.charge(255).unwrap();
        assert_eq!(asked.get(), 2);
        budget.charge(1).unwrap();
        assert_eq!((asked.get(), clock.was_up()), (3, false));
        assert_eq!(budget.charge(256), Err(Overrun));
        assert!(clock.was_up());
        assert_eq!((budget.left(), Budget::until(9, Some(&clock)).left()), (0, 0));
        assert_eq!(asked.get(), 4, "a clock that was up is asked no more");
    }

    #[test]
    fn what_is_too_much_leaves_nothing() {
        let budget = Budget::new(10);
        assert!(budget.charge_text(79).is_ok());
        assert_eq!((budget.left(), budget.spent()), (1, 9));
        assert_eq!(budget.clone().charge(2), Err(Overrun));
        assert_eq!((budget.left(), budget.spent()), (0, 10));
    }
}
