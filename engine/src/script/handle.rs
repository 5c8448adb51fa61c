//! The idioms of a rhai map, for the handle by which a script holds an object of our tree.
//!
//! `o.a`, `o["a"]`, `o?.a`, `o.a = 1`, `"a" in o`, `+ += == !=`, `keys values len is_empty contains get set remove clear
//! mixin fill_with filter drain`. Members come in source order. What cannot work: `switch` on a map literal.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};

use super::convert::{Handle, to_dynamic, to_json};
use super::running::{charge, charge_text};
use crate::json::{Json, View, same};

/// Members that a search passes for one operation.
const MEMBERS_FREE: usize = 16;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

impl Handle {
    /// The member of a name; of a wide object the search is charged.
    fn find(&self, name: &str) -> Fallible<Option<View<'_>>> {
        let view = self.0.view();
        charge(view.len() / MEMBERS_FREE)?;
        Ok(view.get(name))
    }

    fn get(&self, name: &str) -> Fallible<Dynamic> {
        self.find(name)?.map_or(Ok(Dynamic::UNIT), to_dynamic)
    }

    fn set(&mut self, name: &str, value: &Dynamic) -> Fallible<()> {
        let value = to_json(value)?;
        charge(self.0.view().len())?;
        self.edit(|members| match members.iter_mut().find(|(own, _)| is(own, name)) {
            Some((_, slot)) => *slot = value,
            None => members.push((Json::text(name), value)),
        });
        Ok(())
    }

    fn edit(&mut self, change: impl FnOnce(&mut Vec<(Json, Json)>)) {
        let mut members = std::mem::replace(&mut self.0, Json::Null).into_members();
        change(&mut members);
        self.0 = Json::object(members);
    }

    fn remove(&mut self, name: &str) -> Fallible<Dynamic> {
        let removed = self.get(name)?;
        charge(self.0.view().len())?;
        self.edit(|members| members.retain(|(own, _)| !is(own, name)));
        Ok(removed)
    }

    /// Members of `other` written over these, or only those that are missing here.
    fn mixin(&mut self, other: &Dynamic, missing_only: bool) -> Fallible<()> {
        let other = to_json(other)?;
        charge(self.0.view().len() * other.view().len())?;
        self.edit(|members| {
            for (name, value) in other.into_members() {
                let text = name.view().as_text().map(|text| text.decode().into_owned()).unwrap_or_default();
                match members.iter_mut().find(|(own, _)| is(own, &text)) {
                    Some((_, slot)) if !missing_only => *slot = value,
                    Some(_) => {}
                    None => members.push((name, value)),
                }
            }
        });
        Ok(())
    }

    /// The members that a closure, called with name and value, keeps.
    fn split(&self, context: &NativeCallContext, keeps: &FnPtr) -> Fallible<(Handle, Handle)> {
        let (mut kept, mut others) = (Vec::new(), Vec::new());
        for (name, value) in self.0.clone().into_members() {
            let keep = called(context, keeps, &name, &value)?.as_bool().unwrap_or(false);
            if keep { &mut kept } else { &mut others }.push((name, value));
        }
        Ok((Handle(Json::object(kept)), Handle(Json::object(others))))
    }
}

/// Calls a closure with the name and the value of a member, or with the name alone, as it takes them.
fn called(context: &NativeCallContext, closure: &FnPtr, name: &Json, value: &Json) -> Fallible<Dynamic> {
    let text = to_dynamic(name.view())?;
    match closure.call_within_context::<Dynamic>(context, (text.clone(), to_dynamic(value.view())?)) {
        Err(error) if matches!(*error, EvalAltResult::ErrorFunctionNotFound(..)) => {
            closure.call_within_context(context, (text,))
        }
        made => made,
    }
}

fn is(own: &Json, name: &str) -> bool {
    own.view().as_text().is_some_and(|own| own.is(name))
}

/// Registers the handle under the name of what it stands for.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Handle>("map");
    engine.register_indexer_get(|handle: &mut Handle, name: &str| handle.get(name));
    engine.register_indexer_set(|handle: &mut Handle, name: &str, value: Dynamic| handle.set(name, &value));
    register_reading(engine);
    register_writing(engine);
    register_comparing(engine);
    register_text(engine);
}

fn register_reading(engine: &mut Engine) {
    engine
        .register_fn("get", |handle: &mut Handle, name: &str| handle.get(name))
        .register_fn("contains", |handle: &mut Handle, name: &str| handle.find(name).map(|found| found.is_some()))
        .register_fn("len", |handle: &mut Handle| length(handle.0.view()))
        .register_fn("is_empty", |handle: &mut Handle| handle.0.view().is_empty())
        .register_fn("keys", |handle: &mut Handle| -> Fallible<Array> {
            charge(handle.0.view().len())?;
            handle.0.view().named_members().map(|(name, _)| to_dynamic(name)).collect()
        })
        .register_fn("values", |handle: &mut Handle| -> Fallible<Array> {
            charge(handle.0.view().len())?;
            handle.0.view().members().map(|(_, value)| to_dynamic(value)).collect()
        })
        .register_fn("filter", |context: NativeCallContext, handle: &mut Handle, keeps: FnPtr| {
            handle.split(&context, &keeps).map(|(kept, _)| kept)
        })
        .register_fn("map", |context: NativeCallContext, handle: &mut Handle, closure: FnPtr| -> Fallible<Handle> {
            let made = handle.0.clone().into_members().into_iter().map(|(name, value)| {
                let made = to_json(&called(&context, &closure, &name, &value)?)?;
                Ok((name, made))
            });
            Ok(Handle(Json::object(made.collect::<Fallible<_>>()?)))
        });
}

/// Objects become JSON where a script asks for text, and never the name of a type of ours.
fn register_text(engine: &mut Engine) {
    let text = |value: &Dynamic| -> Fallible<String> {
        let json = to_json(value)?;
        charge_text(json.view().compact_bytes())?;
        Ok(json.view().to_text())
    };
    for name in ["to_json", "to_string", "to_debug", "print", "debug"] {
        engine
            .register_fn(name, move |handle: &mut Handle| text(&Dynamic::from(handle.clone())))
            .register_fn(name, move |map: &mut Map| text(&Dynamic::from_map(map.clone())))
            .register_fn(name, move |array: &mut Array| text(&Dynamic::from_array(array.clone())));
    }
}

fn register_writing(engine: &mut Engine) {
    engine
        .register_fn("set", |handle: &mut Handle, name: &str, value: Dynamic| handle.set(name, &value))
        .register_fn("remove", |handle: &mut Handle, name: &str| handle.remove(name))
        .register_fn("clear", |handle: &mut Handle| handle.0 = Json::empty_object())
        .register_fn("mixin", |handle: &mut Handle, other: Dynamic| handle.mixin(&other, false))
        .register_fn("fill_with", |handle: &mut Handle, other: Dynamic| handle.mixin(&other, true))
        .register_fn("+=", |handle: &mut Handle, other: Handle| handle.mixin(&Dynamic::from(other), false))
        .register_fn("+=", |handle: &mut Handle, other: Map| handle.mixin(&Dynamic::from_map(other), false))
        .register_fn("+", |handle: Handle, other: Handle| sum(handle, &Dynamic::from(other)))
        .register_fn("+", |handle: Handle, other: Map| sum(handle, &Dynamic::from_map(other)))
        .register_fn("+", |map: Map, other: Handle| -> Fallible<Handle> {
            sum(Handle(to_json(&Dynamic::from_map(map))?), &Dynamic::from(other))
        })
        .register_fn("drain", |context: NativeCallContext, handle: &mut Handle, goes: FnPtr| -> Fallible<Handle> {
            let (gone, left) = handle.split(&context, &goes)?;
            *handle = left;
            Ok(gone)
        })
        .register_fn("retain", |context: NativeCallContext, handle: &mut Handle, stays: FnPtr| -> Fallible<Handle> {
            let (left, gone) = handle.split(&context, &stays)?;
            *handle = left;
            Ok(gone)
        });
    register_into_maps(engine);
}

/// Members of a shared object written into an object that the script made.
fn register_into_maps(engine: &mut Engine) {
    let write = |map: &mut Map, other: &Handle, missing_only: bool| -> Fallible<()> {
        charge(map.len() + other.0.view().len())?;
        for (name, value) in other.0.view().members() {
            let name = name.decode();
            if !missing_only || !map.contains_key(name.as_ref()) {
                map.insert(name.as_ref().into(), to_dynamic(value)?);
            }
        }
        Ok(())
    };
    engine
        .register_fn("mixin", move |map: &mut Map, other: Handle| write(map, &other, false))
        .register_fn("+=", move |map: &mut Map, other: Handle| write(map, &other, false))
        .register_fn("fill_with", move |map: &mut Map, other: Handle| write(map, &other, true));
}

fn sum(mut handle: Handle, other: &Dynamic) -> Fallible<Handle> {
    handle.mixin(other, false)?;
    Ok(handle)
}

fn register_comparing(engine: &mut Engine) {
    let equal = |a: Dynamic, b: Dynamic| -> Fallible<bool> {
        let (a, b) = (to_json(&a)?, to_json(&b)?);
        charge(a.view().len().min(b.view().len()))?;
        Ok(same(a.view(), b.view()))
    };
    engine
        .register_fn("==", move |a: Handle, b: Handle| equal(Dynamic::from(a), Dynamic::from(b)))
        .register_fn("==", move |a: Handle, b: Map| equal(Dynamic::from(a), Dynamic::from_map(b)))
        .register_fn("==", move |a: Map, b: Handle| equal(Dynamic::from_map(a), Dynamic::from(b)))
        .register_fn("!=", move |a: Handle, b: Handle| equal(Dynamic::from(a), Dynamic::from(b)).map(|same| !same))
        .register_fn("!=", move |a: Handle, b: Map| equal(Dynamic::from(a), Dynamic::from_map(b)).map(|same| !same))
        .register_fn("!=", move |a: Map, b: Handle| equal(Dynamic::from_map(a), Dynamic::from(b)).map(|same| !same));
}

fn length(view: View<'_>) -> i64 {
    i64::try_from(view.len()).unwrap_or(i64::MAX)
}
