//! JSON equality and one total order: numbers by value (1 = 1.0), objects whatever their member order.

use std::cmp::Ordering;

use super::document::Kind;
use super::text::Text;
use super::value::View;

/// Whether two values are equal as JSON.
///
/// ```
/// # use handover_engine::json::{Document, same};
/// let (a, b) = (Document::read(br#"{"a":1,"b":2}"#).unwrap(), Document::read(br#"{"b":2.0,"a":1}"#).unwrap());
/// assert!(same(a.root(), b.root()));
/// ```
#[must_use]
pub fn same(a: View<'_>, b: View<'_>) -> bool {
    if let (View::Place(x), View::Place(y)) = (a, b)
        && (x.is(y) || (x.node().same_text(y.node()) && x.source() == y.source()))
    {
        return true;
    }
    match (a.kind(), b.kind()) {
        (Kind::Object, Kind::Object) => same_members(a, b),
        (Kind::Array, Kind::Array) => a.len() == b.len() && a.items().zip(b.items()).all(|(x, y)| same(x, y)),
        _ => compare(a, b) == Ordering::Equal,
    }
}

/// The same for validators that know 64-bit integers and floats only.
#[must_use]
pub fn same_rounded(a: View<'_>, b: View<'_>) -> bool {
    match (a.as_number(), b.as_number()) {
        (Some(x), Some(y)) => return x.rounded().compare(y.rounded()).is_eq(),
        (None, None) => {}
        _ => return false,
    }
    if a.kind() != b.kind() || a.len() != b.len() {
        return false;
    }
    match a.kind() {
        Kind::Array => a.items().zip(b.items()).all(|(x, y)| same_rounded(x, y)),
        Kind::Object => {
            let theirs = |name: Text<'_>| b.get(&name.decode());
            a.members().all(|(name, value)| theirs(name).is_some_and(|other| same_rounded(value, other)))
        }
        _ => compare(a, b) == Ordering::Equal,
    }
}

fn same_members(a: View<'_>, b: View<'_>) -> bool {
    if a.len() != b.len() {
        return false;
    }
    for ((name, value), (other, theirs)) in a.members().zip(b.members()) {
        if !name.same(other) {
            return compare_members(a, b) == Ordering::Equal;
        }
        if !same(value, theirs) {
            return false;
        }
    }
    true
}

/// The total order: by kind (null, boolean, number, string, array, object), then by value.
#[must_use]
pub fn compare(a: View<'_>, b: View<'_>) -> Ordering {
    a.kind().cmp(&b.kind()).then_with(|| match a.kind() {
        Kind::Null => Ordering::Equal,
        Kind::Bool => a.as_bool().cmp(&b.as_bool()),
        Kind::Number => match (a.as_number(), b.as_number()) {
            (Some(x), Some(y)) => x.compare(y),
            _ => Ordering::Equal,
        },
        Kind::String => match (a.as_text(), b.as_text()) {
            (Some(x), Some(y)) => x.compare(y),
            _ => Ordering::Equal,
        },
        Kind::Array => compare_items(a, b),
        Kind::Object => compare_members(a, b),
    })
}

fn compare_items(a: View<'_>, b: View<'_>) -> Ordering {
    let differing = a.items().zip(b.items()).map(|(x, y)| compare(x, y)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn compare_members(a: View<'_>, b: View<'_>) -> Ordering {
    let (left, right) = (sorted_members(a), sorted_members(b));
    let differing = left
        .iter()
        .zip(&right)
        .map(|((name, value), (other, theirs))| name.compare(*other).then_with(|| compare(*value, *theirs)))
        .find(|order| order.is_ne());
    differing.unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn sorted_members(view: View<'_>) -> Vec<(Text<'_>, View<'_>)> {
    let mut members: Vec<_> = view.members().collect();
    members.sort_by(|(a, _), (b, _)| a.compare(*b));
    members
}

/// A number that equal values share; unequal ones mostly differ. The same on every machine.
#[must_use]
pub fn fingerprint(view: View<'_>) -> u64 {
    match view.kind() {
        Kind::Null => 1,
        Kind::Bool => 2 + u64::from(view.as_bool() == Some(true)),
        Kind::Number => view.as_number().map_or(0, |number| mix(4, (number.as_f64() + 0.0).to_bits())),
        Kind::String => view.as_text().map_or(0, of_text),
        Kind::Array => view.items().fold(6, |hash, item| mix(hash, fingerprint(item))),
        Kind::Object => {
            view.members().fold(7, |hash, (name, value)| hash.wrapping_add(mix(of_text(name), fingerprint(value))))
        }
    }
}

fn of_text(text: Text<'_>) -> u64 {
    if text.has_escapes() { of_bytes(text.decode().as_bytes()) } else { of_bytes(text.raw().as_bytes()) }
}

fn of_bytes(bytes: &[u8]) -> u64 {
    let chunks = bytes.chunks_exact(8);
    let tail = chunks.remainder().iter().fold(0, |word, &byte| (word << 8) | u64::from(byte));
    let words = chunks.map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
    mix(words.fold(5, mix), tail ^ ((bytes.len() as u64) << 56))
}

/// One round of multiplication and folding: enough for an index, no promise against an attacker (ties are compared).
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ 0x9E37_79B9_7F4A_7C15) * u128::from(word ^ 0xD6E8_FEB8_6659_FD93);
    let folded = (product >> 64) ^ (product & u128::from(u64::MAX));
    u64::try_from(folded).unwrap_or(0)
}
