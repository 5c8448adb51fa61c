//! What the script that runs on this thread may still spend, and why it stopped.
//!
//! rhai hands no state to its progress callback and counts anew in closures, so the one counter lives here, set before
//! a call and taken after it. Two runs never share a thread at one time: evaluation is synchronous.

use std::cell::RefCell;

use rhai::{Dynamic, EvalAltResult, Position};

use super::verdict::Verdict;
use crate::budget::{Budget, Overrun};
use crate::json::Json;
use crate::merge::{Context, Losses};

/// One running script.
pub(super) struct Running {
    pub(super) budget: Budget,
    pub(super) context: Context,
    pub(super) stop: Option<Stop>,
    /// A library function met an account's value of a shape that it cannot use.
    pub(super) account_shape: bool,
    /// Items that the library's functions did not take.
    pub(super) losses: Losses,
    /// The words of the last error that was ours.
    pub(super) failure: Option<String>,
    /// Whether a guard runs.
    is_guard: bool,
    /// Numbers that would be written otherwise than they stand; a script holds them by their position, from 1.
    originals: Vec<Json>,
}

impl Running {
    fn new(budget: &Budget, context: Context) -> Self {
        let losses = Losses::default();
        let budget = budget.clone();
        let (is_guard, originals) = (false, Vec::new());
        Self { budget, context, stop: None, account_shape: false, losses, failure: None, is_guard, originals }
    }
}

/// Why a script was ended from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// `skip(reason)`.
    Skip(String),
    /// `discard(reason)`.
    Discard(String),
    /// A guard's `allow()`, `deny(reason)` or `require(fields, reason)`.
    Decided(Verdict),
    /// The budget is spent.
    Overrun,
    /// The account's value holds a number that neither `i64` nor `f64` holds.
    Inexact,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// Runs `call` with a budget and returns what is left of the run with its result.
pub(super) fn with<T>(budget: &Budget, context: Context, call: impl FnOnce() -> T) -> (T, Running) {
    RUNNING.with_borrow_mut(|slot| *slot = Some(Running::new(budget, context)));
    let result = call();
    let idle = || Running::new(budget, context);
    (result, RUNNING.with_borrow_mut(Option::take).unwrap_or_else(idle))
}

/// The same for a guard.
pub(super) fn guarding<T>(budget: &Budget, call: impl FnOnce() -> T) -> (T, Running) {
    let context = Context { now: 0, session_created_at: 0 };
    with(budget, context, || {
        on(|running| running.is_guard = true, ());
        call()
    })
}

/// Whether a guard runs.
pub(super) fn in_guard() -> bool {
    on(|running| running.is_guard, false)
}

/// Gives access to the run of this thread; outside any run there is nothing to spend.
pub(super) fn on<T>(act: impl FnOnce(&mut Running) -> T, idle: T) -> T {
    RUNNING.with_borrow_mut(|slot| slot.as_mut().map_or(idle, act))
}

/// Keeps a number as it stands, and gives the tag by which a script holds it.
pub(super) fn remember(number: Json) -> i32 {
    let keep = |running: &mut Running| {
        running.originals.push(number);
        i32::try_from(running.originals.len()).unwrap_or(0)
    };
    on(keep, 0)
}

/// The number that a tag stands for.
pub(super) fn recall(tag: i32) -> Option<Json> {
    let index = usize::try_from(tag).ok()?.checked_sub(1)?;
    on(|running| running.originals.get(index).cloned(), None)
}

/// Spends a unit for each of so many values; past the end the script is ended.
pub(super) fn charge(values: usize) -> Result<(), Box<EvalAltResult>> {
    spend(|budget| budget.charge(values as u64))
}

/// Spends what text of so many bytes costs, before it is made.
pub(super) fn charge_text(bytes: usize) -> Result<(), Box<EvalAltResult>> {
    spend(|budget| budget.charge_text(bytes))
}

fn spend(spend: impl FnOnce(&Budget) -> Result<(), Overrun>) -> Result<(), Box<EvalAltResult>> {
    on(|running| spend(&running.budget).is_ok(), false).then_some(()).ok_or_else(|| end(Stop::Overrun))
}

/// Ends the script: no `catch` of its own can hold this up.
pub(super) fn end(stop: Stop) -> Box<EvalAltResult> {
    // a method of rhai may go on after its closure ended the script: what a guard decided first counts
    let set = |running: &mut Running| {
        if !matches!(running.stop, Some(Stop::Decided(_))) {
            running.stop = Some(stop);
        }
    };
    on(set, ());
    Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE))
}
