//! The engine that scripts run in: an allow-list of packages, our own functions, every bound set.

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, NativeCallContext};

use super::convert::{failure, to_json};
use super::running::{charge, on};
use super::{handle, library};
use crate::json::{Json, compare};
use crate::limits::Limits;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Nested calls of script functions.
const CALL_LEVELS_MAX: usize = 32;
/// Nested expressions, at the top of a script and in its functions.
const EXPRESSION_LEVELS_MAX: (usize, usize) = (64, 32);
/// Variables in scope, functions of a script.
const NAMES_MAX: usize = 128;
/// Modules that a script imports.
const MODULES_MAX: usize = 32;

/// Builds the engine of one policy.
pub(super) fn engine(limits: &Limits) -> Engine {
    let mut engine = Engine::new_raw();
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    for symbol in ["eval", "print", "debug", "Fn"] {
        engine.disable_symbol(symbol);
    }
    engine
        // rhai's fast operators join a string with `()`; ours refuse it
        .set_fast_operators(false)
        .set_strict_variables(true)
        .set_max_call_levels(CALL_LEVELS_MAX)
        .set_max_expr_depths(EXPRESSION_LEVELS_MAX.0, EXPRESSION_LEVELS_MAX.1)
        .set_max_variables(NAMES_MAX)
        .set_max_functions(NAMES_MAX)
        .set_max_modules(MODULES_MAX)
        .set_max_string_size(limits.string_bytes)
        .set_max_array_size(limits.array_items)
        .set_max_map_size(limits.map_members);
    engine.on_progress(|_| {
        let spent = on(|running| running.budget.charge(1).is_err(), true);
        spent.then(|| {
            on(|running| running.stop = Some(super::running::Stop::Overrun), ());
            Dynamic::UNIT
        })
    });
    handle::register(&mut engine);
    library::register(&mut engine);
    register_bounded(&mut engine);
    engine
}

/// Our own forms of what is unbounded, partial or surprising in rhai's packages.
fn register_bounded(engine: &mut Engine) {
    engine
        .register_fn("sort", |array: &mut Array| sort(array))
        .register_fn("sort", |context: NativeCallContext, array: &mut Array, order: FnPtr| {
            sort_by(&context, array, &order)
        })
        .register_fn("sort_by", |context: NativeCallContext, array: &mut Array, order: FnPtr| {
            sort_by(&context, array, &order)
        })
        .register_fn("replace", |text: &mut ImmutableString, find: &str, with: &str| replace(text, find, with));
    for name in ["+", "+=", "append"] {
        engine
            .register_fn(name, |_: ImmutableString, _: Dynamic| no_text())
            .register_fn(name, |_: ImmutableString, (): ()| no_text());
    }
    engine
        .register_fn("+", |_: Dynamic, _: ImmutableString| no_text())
        .register_fn("+", |(): (), _: ImmutableString| no_text())
        .register_fn("+", |a: ImmutableString, b: ImmutableString| a + b)
        .register_fn("+=", |a: &mut ImmutableString, b: ImmutableString| *a += b);
}

/// A string takes no other value silently.
fn no_text() -> Fallible<Dynamic> {
    Err(failure("a string can only be joined with a string"))
}

/// Sorts by the total order of JSON.
fn sort(array: &mut Array) -> Fallible<()> {
    charge(array.len() * (1 + array.len().ilog2_or_zero()))?;
    let mut keyed: Vec<(Json, Dynamic)> =
        array.drain(..).map(|item| Ok((to_json(&item)?, item))).collect::<Fallible<_>>()?;
    keyed.sort_by(|(a, _), (b, _)| compare(a.view(), b.view()));
    array.extend(keyed.into_iter().map(|(_, item)| item));
    Ok(())
}

/// Sorts by a closure, by merging: an order that contradicts itself gives some order, never a panic.
fn sort_by(context: &NativeCallContext, array: &mut Array, order: &FnPtr) -> Fallible<()> {
    let sorted = merge_sort(context, std::mem::take(array), order)?;
    *array = sorted;
    Ok(())
}

fn merge_sort(context: &NativeCallContext, mut items: Array, order: &FnPtr) -> Fallible<Array> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = items.split_off(items.len() / 2);
    let mut left = merge_sort(context, items, order)?.into_iter().peekable();
    let mut right = merge_sort(context, right, order)?.into_iter().peekable();
    let mut merged = Array::new();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        charge(1)?;
        let after: Dynamic = order.call_within_context(context, (a.clone(), b.clone()))?;
        let after = after.as_int().map(|order| order > 0).or_else(|_| after.as_bool().map(|before| !before));
        merged.extend(if after.unwrap_or(false) { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

trait Logarithm {
    fn ilog2_or_zero(self) -> usize;
}

impl Logarithm for usize {
    fn ilog2_or_zero(self) -> usize {
        self.checked_ilog2().map_or(0, |log| log as usize)
    }
}

/// Replaces every occurrence, charged by the bytes of the result.
fn replace(text: &mut ImmutableString, find: &str, with: &str) -> Fallible<()> {
    if find.is_empty() {
        return Ok(());
    }
    let found = text.matches(find).count();
    charge(text.len() + found * with.len())?;
    *text = text.replace(find, with).into();
    Ok(())
}
