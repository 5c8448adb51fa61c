//! What the script that runs on this thread may still spend, and why it stopped.
//!
//! rhai hands no state to its progress callback and counts anew in closures, so the one counter lives here, set before
//! a call and taken after it. Two runs never share a thread at one time: evaluation is synchronous.

use std::cell::RefCell;

use rhai::{Dynamic, EvalAltResult, Position};

use crate::budget::Budget;
use crate::merge::Context;

/// One running script.
pub(super) struct Running {
    pub(super) budget: Budget,
    pub(super) context: Context,
    pub(super) stop: Option<Stop>,
    /// A library function met an account's value of a shape that it cannot use.
    pub(super) account_shape: bool,
}

/// Why a script was ended from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// `skip(reason)`.
    Skip(String),
    /// The budget is spent.
    Overrun,
    /// The account's value holds a number that neither `i64` nor `f64` holds.
    Inexact,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// Runs `call` with a budget and returns what is left of the run with its result.
pub(super) fn with<T>(budget: Budget, context: Context, call: impl FnOnce() -> T) -> (T, Running) {
    let running = Running { budget, context, stop: None, account_shape: false };
    RUNNING.with_borrow_mut(|slot| *slot = Some(running));
    let result = call();
    let idle = Running { budget: Budget::new(0, None), context, stop: None, account_shape: false };
    (result, RUNNING.with_borrow_mut(Option::take).unwrap_or(idle))
}

/// Gives access to the run of this thread; outside any run there is nothing to spend.
pub(super) fn on<T>(act: impl FnOnce(&mut Running) -> T, idle: T) -> T {
    RUNNING.with_borrow_mut(|slot| slot.as_mut().map_or(idle, act))
}

/// Spends operations; past the end the script is ended.
pub(super) fn charge(operations: usize) -> Result<(), Box<EvalAltResult>> {
    on(|running| running.budget.charge(operations as u64).is_ok(), false)
        .then_some(())
        .ok_or_else(|| end(Stop::Overrun))
}

/// Ends the script: no `catch` of its own can hold this up.
pub(super) fn end(stop: Stop) -> Box<EvalAltResult> {
    on(|running| running.stop = Some(stop), ());
    Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE))
}
