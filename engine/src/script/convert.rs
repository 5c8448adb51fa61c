//! Values between our tree and rhai: scalars native, lists as arrays, objects as shared handles.

use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Position};

use super::handle::Handle;
use super::running::{Stop, charge, end};
use crate::json::{Json, Kind, Number, Text, View};

/// Nested containers that a script's result may have.
const DEPTH_MAX: usize = 64;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// A value as a script sees it. Costs one operation for each item of a list.
pub(super) fn to_dynamic(value: View<'_>) -> Fallible<Dynamic> {
    Ok(match value.kind() {
        Kind::Null => Dynamic::UNIT,
        Kind::Bool => Dynamic::from_bool(value.as_bool() == Some(true)),
        Kind::Number => number(value)?,
        Kind::String => {
            let text = value.as_text().map(Text::decode).unwrap_or_default();
            Dynamic::from(ImmutableString::from(text.as_ref()))
        }
        Kind::Array => {
            charge(value.len())?;
            Dynamic::from_array(value.items().map(to_dynamic).collect::<Fallible<Array>>()?)
        }
        Kind::Object => Dynamic::from(Handle(value.to_json())),
    })
}

fn number(value: View<'_>) -> Fallible<Dynamic> {
    match value.as_number() {
        Some(Number::Int(value)) => Ok(Dynamic::from_int(value)),
        Some(number) if number.is_exact() => {
            Ok(match value.place().map(|place| place.source().contains(['.', 'e', 'E'])) {
                Some(false) => number.as_i64().map_or_else(|| Dynamic::from_float(number.as_f64()), Dynamic::from_int),
                _ => Dynamic::from_float(number.as_f64()),
            })
        }
        _ => Err(end(Stop::Inexact)),
    }
}

/// What a script made, as JSON: no NaN, no infinity, nothing that JSON does not know, not too deep.
pub(super) fn to_json(value: &Dynamic) -> Fallible<Json> {
    to_json_within(value, DEPTH_MAX)
}

fn to_json_within(value: &Dynamic, depth: usize) -> Fallible<Json> {
    if let Some(handle) = value.read_lock::<Handle>() {
        return if handle.0.view().depth() <= depth {
            Ok(handle.0.clone())
        } else {
            Err(failure("the result is too deep"))
        };
    }
    if let Some(items) = value.read_lock::<Array>() {
        let below = depth.checked_sub(1).ok_or_else(|| failure("the result is too deep"))?;
        charge(items.len())?;
        return Ok(Json::list(items.iter().map(|item| to_json_within(item, below)).collect::<Fallible<_>>()?));
    }
    if let Some(members) = value.read_lock::<Map>() {
        let below = depth.checked_sub(1).ok_or_else(|| failure("the result is too deep"))?;
        charge(members.len())?;
        let member = |(name, value): (&_, &Dynamic)| Ok((text(name), to_json_within(value, below)?));
        return Ok(Json::object(members.iter().map(member).collect::<Fallible<_>>()?));
    }
    scalar(value)
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
    if let Ok(value) = value.as_int() {
        return Ok(Json::Int(value));
    }
    if let Ok(value) = value.as_float() {
        return if value.is_finite() { Ok(Json::Float(value)) } else { Err(failure("a number is not finite")) };
    }
    if let Ok(value) = value.as_char() {
        return Ok(Json::text(value.encode_utf8(&mut [0; 4])));
    }
    let text = value.as_immutable_string_ref().map(|text| Json::Text(Arc::from(text.as_str())));
    text.map_err(|_| failure("not a value of JSON"))
}

/// An error that a script can catch; the text names no value.
pub(super) fn failure(message: &'static str) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(message), Position::NONE))
}
