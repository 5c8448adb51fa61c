//! The engine that scripts run in: an allow-list of packages, our own functions, every bound set.
//!
//! It is built from `Engine::new_raw`, which knows nothing; there is no package with a clock, a `sleep`, an `exit` or a
//! printer in it. rhai's own operation counter starts anew in closures, so the one that counts is ours
//! (`super::running`), asked at every step. Functions of the packages that can make much from little, that fail half
//! way, or that mix kinds silently are replaced by bounded ones.

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, NativeCallContext};

use super::convert::{failure, to_json};
use super::running::{Stop, charge, charge_text, end, on};
use super::{charged, handle, library, verdict};
use crate::json::{Json, compare};
use crate::limits::Limits;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Nested calls of script functions.
const CALL_LEVELS_MAX: usize = 32;
/// Nested expressions, at the top of a script and in its functions.
pub(super) const EXPRESSION_LEVELS_MAX: (usize, usize) = (64, 32);
/// Variables in scope, functions of a script.
const NAMES_MAX: usize = 128;
/// Modules that a script imports.
const MODULES_MAX: usize = 32;

/// What no script may call. What is curried is copied at every call of the closure; a closure that captures shares.
pub(super) const DISABLED: [&str; 5] = ["eval", "print", "debug", "Fn", "curry"];

/// Builds the engine of one policy.
pub(super) fn engine(limits: &Limits) -> Engine {
    let mut engine = packages();
    charged::register(&mut engine, bounded(packages(), limits));
    bounded(engine, limits)
}

/// With our own functions and every bound.
fn bounded(mut engine: Engine, limits: &Limits) -> Engine {
    for symbol in DISABLED {
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
        let spent = on(|running| running.budget.operation().is_err(), true);
        spent.then(|| {
            on(|running| running.stop = Some(Stop::Overrun), ());
            Dynamic::UNIT
        })
    });
    #[expect(deprecated, reason = "rhai marks what may still change this way; its version is exact")]
    engine.on_var(|name, _, context| {
        let read = context.scope().get(name).map_or(Ok(()), charged::variable);
        read.map(|()| None)
    });
    handle::register(&mut engine);
    library::register(&mut engine);
    verdict::register(&mut engine);
    register_bounded(&mut engine, limits.string_bytes);
    engine
}

/// rhai without anything of ours.
fn packages() -> Engine {
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
    engine
}

/// Our own forms of what is unbounded, partial or surprising in rhai's packages.
fn register_bounded(engine: &mut Engine, string_bytes: usize) {
    register_sorting(engine);
    engine
        .register_fn("replace", move |text: &mut ImmutableString, find: &str, with: &str| {
            replace(text, find, with, string_bytes)
        })
        .register_fn("replace", move |text: &mut ImmutableString, find: &str, with: char| {
            replace(text, find, with.encode_utf8(&mut [0; 4]), string_bytes)
        })
        .register_fn("replace", move |text: &mut ImmutableString, find: char, with: &str| {
            replace(text, find.encode_utf8(&mut [0; 4]), with, string_bytes)
        })
        .register_fn("replace", move |text: &mut ImmutableString, find: char, with: char| {
            replace(text, find.encode_utf8(&mut [0; 4]), with.encode_utf8(&mut [0; 4]), string_bytes)
        });
    for name in ["+", "+=", "append"] {
        engine
            .register_fn(name, |_: ImmutableString, _: Dynamic| no_text())
            .register_fn(name, |_: ImmutableString, (): ()| no_text());
    }
    engine
        .register_fn("+", |_: Dynamic, _: ImmutableString| no_text())
        .register_fn("+", |(): (), _: ImmutableString| no_text())
        .register_fn("+", |a: ImmutableString, b: ImmutableString| -> Fallible<ImmutableString> {
            charge_text(a.len() + b.len())?;
            Ok(a + b)
        })
        .register_fn("+=", |a: &mut ImmutableString, b: ImmutableString| -> Fallible<()> {
            charge_text(a.len() + b.len())?;
            *a += b;
            Ok(())
        });
}

/// Sorting by the total order of JSON, or by a closure; a failure leaves the list as it was.
fn register_sorting(engine: &mut Engine) {
    let set = |array: &mut Array, sorted: Fallible<Array>| sorted.map(|sorted| *array = sorted);
    let reversed = |array: &Array| sorted(array).map(|sorted| sorted.into_iter().rev().collect::<Array>());
    engine
        .register_fn("sort", move |array: &mut Array| set(array, sorted(array)))
        .register_fn("sort_desc", move |array: &mut Array| set(array, reversed(array)))
        .register_fn("order", |array: &mut Array| sorted(array))
        .register_fn("order_desc", move |array: &mut Array| reversed(array));
    for name in ["sort", "sort_by"] {
        engine.register_fn(name, move |context: NativeCallContext, array: &mut Array, order: FnPtr| {
            set(array, merge_sort(&context, array.clone(), &order))
        });
    }
    for name in ["order", "order_by"] {
        engine.register_fn(name, |context: NativeCallContext, array: &mut Array, order: FnPtr| {
            merge_sort(&context, array.clone(), &order)
        });
    }
}

/// A string takes no other value silently.
fn no_text() -> Fallible<Dynamic> {
    Err(failure("a string can only be joined with a string"))
}

/// The items by the total order of JSON.
fn sorted(array: &Array) -> Fallible<Array> {
    charge(array.len() * (1 + array.len().checked_ilog2().map_or(0, |log| log as usize)))?;
    let keyed = array.iter().map(|item| Ok((to_json(item)?, item.clone())));
    let mut keyed: Vec<(Json, Dynamic)> = keyed.collect::<Fallible<_>>()?;
    keyed.sort_by(|(a, _), (b, _)| compare(a.view(), b.view()));
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// The items by a closure, by merging: an order that contradicts itself gives some order, never a panic.
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

/// Replaces every occurrence, charged by the bytes of the result, which is not made if it is too long.
fn replace(text: &mut ImmutableString, find: &str, with: &str, bytes_max: usize) -> Fallible<()> {
    charge_text(text.len())?;
    if find.is_empty() {
        return Ok(());
    }
    let found = text.matches(find).count();
    let bytes = text.len() - found * find.len() + found.saturating_mul(with.len());
    if bytes > bytes_max {
        return Err(end(Stop::Overrun));
    }
    charge_text(bytes)?;
    *text = text.replace(find, with).into();
    Ok(())
}
