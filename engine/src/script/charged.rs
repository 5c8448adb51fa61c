//! What takes long in one operation of rhai's, charged by size.
//!
//! rhai counts a call as one operation, whether it looks at ten bytes or at sixty thousand. Each function of its packages
//! that takes a text, a list or a map is found by the types of its arguments and called through a form of it that charges
//! what it is given and what it makes. What takes a closure counts by the closure's own operations. Besides, each variable
//! is charged where it is read: rhai copies lists and maps then, and texts where they are written into or interpolated.

use std::any::TypeId;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, FnPtr, FuncInfo, ImmutableString, Map, NativeCallContext};

use super::running::{charge, charge_text};

type Fallible<T> = Result<T, Box<rhai::EvalAltResult>>;

/// Look at one item, or at no more than the variable that they are called on was charged for; and `==` of lists and maps,
/// which asks for each item.
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
    if value.is_locked() {
        return Ok(());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return charge_text(text.len());
    }
    if let Some(items) = value.read_lock::<Array>() {
        return charge(items.len());
    }
    value.read_lock::<Map>().map_or(Ok(()), |members| charge(members.len()))
}

/// Charges a variable that is read.
pub(super) fn variable(value: &Dynamic) -> Fallible<()> {
    let mut size = Size::default();
    size.add(value);
    match size.units() {
        0 => Ok(()),
        units => charge(units),
    }
}

/// What copying a variable takes.
#[derive(Default)]
struct Size {
    /// Items of lists; a member of a map takes as much as four.
    items: usize,
    /// Bytes of texts.
    bytes: usize,
}

impl Size {
    fn add(&mut self, value: &Dynamic) {
        // what is being written cannot be read, and rhai says so
        if value.is_locked() {
            return;
        }
        if let Ok(text) = value.as_immutable_string_ref() {
            self.bytes += text.len();
        } else if let Ok(items) = value.as_array_ref() {
            self.items += items.len();
            items.iter().for_each(|item| self.add(item));
        } else if let Ok(members) = value.as_map_ref() {
            self.items += 4 * members.len();
            members.values().for_each(|member| self.add(member));
        } else if let Some(pointer) = value.read_lock::<FnPtr>() {
            self.items += 4 + pointer.curry().len();
            pointer.curry().iter().for_each(|held| self.add(held));
        }
    }

    /// A list of a hundred costs 6 units, one of a thousand 123, one of four thousand 1 226: large ones may be read often,
    /// and copied into few variables. A text costs a unit for 64 bytes.
    fn units(&self) -> usize {
        self.items / 16 + self.items * self.items / 16_384 + self.bytes / 64
    }
}
