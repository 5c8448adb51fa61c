//! Functions of rhai's packages that read or make much in one operation, charged by the sizes of what they are given and of
//! what they make.
//!
//! rhai counts a call as one operation, whether it looks at ten bytes or at sixty thousand. Each function that takes a
//! text, a list or a map is found by the types of its arguments and called through a form of it that charges first. What
//! takes a closure counts by the closure's own operations, and what takes the same time whatever the size is left alone.

use std::any::TypeId;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, FnPtr, FuncInfo, ImmutableString, Map, NativeCallContext};

use super::running::{charge, charge_text};

type Fallible<T> = Result<T, Box<rhai::EvalAltResult>>;

/// Take the same time whatever the size; and `==` of lists and maps, which asks for each item.
const ALONE: [&str; 14] = [
    "len",
    "is_empty",
    "bytes",
    "get",
    "set",
    "push",
    "pop",
    "clear",
    "starts_with",
    "ends_with",
    "max",
    "min",
    "==",
    "!=",
];

/// Registers charging forms of the functions that `engine` has. `inner` runs them: it has ours too, for `==` of items.
pub(super) fn register(engine: &mut Engine, inner: Engine) {
    let inner = Rc::new(inner);
    for (name, types) in engine.collect_fn_metadata(None, |function| signature(&function), true) {
        register_one(engine, name, &types, Rc::clone(&inner));
    }
}

/// The name and the types of a function that reads what can be large.
fn signature(function: &FuncInfo<'_>) -> Option<(String, Vec<TypeId>)> {
    let types = &function.metadata.param_types;
    let large = [TypeId::of::<ImmutableString>(), TypeId::of::<&str>(), TypeId::of::<Array>(), TypeId::of::<Map>()];
    let is_large = types.iter().any(|own| large.contains(own));
    let takes_closure = types.contains(&TypeId::of::<FnPtr>());
    let name = function.metadata.name.as_str();
    let is_alone = ALONE.contains(&name) || name.contains('$');
    (is_large && !takes_closure && !is_alone).then(|| (name.to_owned(), types.to_vec()))
}

fn register_one(engine: &mut Engine, name: String, types: &[TypeId], inner: Rc<Engine>) {
    let (global, called) = (inner.new_global_runtime_state(), name.clone());
    engine.register_raw_fn(name, types, move |context: NativeCallContext<'_>, arguments: &mut [&mut Dynamic]| {
        arguments.iter().try_for_each(|value| charge_value(value))?;
        let position = context.call_position();
        let inner = NativeCallContext::new_with_all_fields(&inner, &called, None, &global, position);
        let made = inner.call_native_fn_raw(&called, true, arguments)?;
        charge_value(&made)?;
        Ok(made)
    });
}

/// What a value costs that is read or made as a whole; parts inside of it are what rhai itself goes through at each call.
fn charge_value(value: &Dynamic) -> Fallible<()> {
    if let Ok(text) = value.as_immutable_string_ref() {
        return charge_text(text.len());
    }
    if let Some(items) = value.read_lock::<Array>() {
        return charge(items.len());
    }
    value.read_lock::<Map>().map_or(Ok(()), |members| charge(members.len()))
}
