//! Values between our tree and rhai: scalars native, lists as arrays, objects as shared handles.
//!
//! | JSON | in a script | and back |
//! |---|---|---|
//! | null, boolean, string | `()`, `bool`, string | the same |
//! | number | `i64` or `f64`, where one of them holds it exactly | its own text, unless something was computed |
//! | array | array of such values | a list |
//! | object | [`Handle`], which behaves as a rhai map | the shared object |
//!
//! A number that neither `i64` nor `f64` holds ends the script when it is read: the account's value stays. What goes
//! back is charged by its size, text included, so that a value whose parts are shared costs what it would be written out.

use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Position};

use super::running::{Stop, charge, charge_text, end, on, recall, remember};
use crate::json::{Json, Kind, Number, Text, View, same};

/// A shared object. Reading a member converts only that member; writing one copies the object once.
#[derive(Clone)]
pub(super) struct Handle(pub(super) Json);

/// Nested containers that a script's result may have.
const DEPTH_MAX: usize = 64;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// A value as a script sees it. Each item of a list costs a unit of work, and each eight bytes of a text.
pub(super) fn to_dynamic(value: View<'_>) -> Fallible<Dynamic> {
    Ok(match value.kind() {
        Kind::Null => Dynamic::UNIT,
        Kind::Bool => Dynamic::from_bool(value.as_bool() == Some(true)),
        Kind::Number => number(value)?,
        Kind::String => {
            let text = value.as_text().map(Text::decode).unwrap_or_default();
            charge_text(text.len())?;
            Dynamic::from(ImmutableString::from(text.as_ref()))
        }
        Kind::Array => {
            charge(value.len())?;
            Dynamic::from_array(value.items().map(to_dynamic).collect::<Fallible<Array>>()?)
        }
        Kind::Object => Dynamic::from(Handle(value.to_json())),
    })
}

/// A number as a script computes with it; where it would be written otherwise than it stands, the run remembers it.
fn number(value: View<'_>) -> Fallible<Dynamic> {
    let Some(number) = value.as_number().filter(|number| number.is_exact()) else { return Err(end(Stop::Inexact)) };
    let mut held = match number {
        Number::Int(value) => Dynamic::from_int(value),
        other => Dynamic::from_float(other.as_f64()),
    };
    // JSON has one way to write an integer, but for zero
    let one_way = matches!(number, Number::Int(value) if value != 0) || value.place().is_none();
    if !one_way {
        held.set_tag(remember(value.to_json()));
    }
    Ok(held)
}

/// What a script made, as JSON: no NaN, no infinity, nothing that JSON does not know, not too deep.
pub(super) fn to_json(value: &Dynamic) -> Fallible<Json> {
    to_json_within(value, DEPTH_MAX)
}

fn to_json_within(value: &Dynamic, depth: usize) -> Fallible<Json> {
    if let Some(handle) = value.read_lock::<Handle>() {
        measure(handle.0.view(), depth)?;
        return Ok(handle.0.clone());
    }
    if let Some(items) = value.read_lock::<Array>() {
        let below = level(depth)?;
        charge(items.len())?;
        return Ok(Json::list(items.iter().map(|item| to_json_within(item, below)).collect::<Fallible<_>>()?));
    }
    if let Some(members) = value.read_lock::<Map>() {
        let below = level(depth)?;
        charge(members.len())?;
        let member = |(name, value): (&_, &Dynamic)| Ok((text(name), to_json_within(value, below)?));
        return Ok(Json::object(members.iter().map(member).collect::<Fallible<_>>()?));
    }
    scalar(value)
}

/// A result without the members that a script left as `()`, which is absent: `null` would be written into the account. What
/// is the account's own stands in its text, and stays.
pub(super) fn without_units(value: Json) -> Json {
    if !has_unit(value.view()) {
        return value;
    }
    match value {
        Json::List(items) => Json::list(items.iter().cloned().map(without_units).collect()),
        other => {
            let members = other.into_members().into_iter().filter(|(_, value)| !matches!(value, Json::Null));
            Json::object(members.map(|(name, value)| (name, without_units(value))).collect())
        }
    }
}

fn has_unit(value: View<'_>) -> bool {
    let is_unit = |value: View<'_>| matches!(value, View::Built(Json::Null));
    value.place().is_none()
        && (value.members().any(|(_, member)| is_unit(member) || has_unit(member)) || value.items().any(has_unit))
}

fn level(depth: usize) -> Fallible<usize> {
    depth.checked_sub(1).ok_or_else(|| failure("the result is too deep"))
}

/// Spends what a built value is large, so that one whose parts are shared costs what it would be written out.
fn measure(value: View<'_>, depth: usize) -> Fallible<()> {
    if let View::Place(place) = value {
        let shallow = place.document.depth <= depth || value.depth() <= depth;
        if !shallow {
            return Err(failure("the result is too deep"));
        }
        charge(place.node().size as usize)?;
        return charge_text(place.span().len());
    }
    charge(1 + value.len())?;
    charge_text(value.as_text().map_or(0, Text::source_bytes))?;
    if !matches!(value.kind(), Kind::Array | Kind::Object) {
        return Ok(());
    }
    let below = level(depth)?;
    let mut children = value.items().chain(value.members().map(|(_, member)| member));
    children.try_for_each(|child| measure(child, below))
}

fn text(name: &impl AsRef<str>) -> Json {
    Json::text(name.as_ref())
}

fn scalar(value: &Dynamic) -> Fallible<Json> {
    if value.is_unit() {
        return Ok(Json::Null);
    }
    if let Ok(value) = value.as_bool() {
        return Ok(Json::Bool(value));
    }
    if let Ok(number) = value.as_int() {
        return Ok(remembered(value.tag(), Json::Int(number)));
    }
    if let Ok(number) = value.as_float() {
        let finite = number.is_finite();
        return if finite {
            Ok(remembered(value.tag(), Json::Float(number)))
        } else {
            Err(failure("a number is not finite"))
        };
    }
    if let Ok(value) = value.as_char() {
        return Ok(Json::text(value.encode_utf8(&mut [0; 4])));
    }
    let text = value.as_immutable_string_ref().map_err(|_| failure("not a value of JSON"))?;
    charge_text(text.len())?;
    Ok(Json::Text(Arc::from(text.as_str())))
}

/// The number as it stood, if nobody computed another one from it.
fn remembered(tag: i32, number: Json) -> Json {
    let original = if tag == 0 { None } else { recall(tag) };
    original.filter(|original| same(original.view(), number.view())).unwrap_or(number)
}

/// An error that a script can catch, in our words.
pub(super) fn failure(message: impl Into<String>) -> Box<EvalAltResult> {
    let message = message.into();
    on(|running| running.failure = Some(message.clone()), ());
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(message), Position::NONE))
}
