//! The largest output of a schema, in bytes of compact JSON without needless escapes.
//!
//! A visitor may write a text with more escapes and a number with more digits than it needs; `x-max-bytes` and the sink's
//! budget count what was really written.
//!
//! Upper bounds only: a place is as large as the largest of its ways, a list as its `maxItems` largest items. A number takes
//! as many digits as its bounds, or those of a 64-bit float. A recursive schema has no bound but its `x-max-bytes`.

use std::collections::BTreeMap;

use crate::fate::Keyword;
use crate::json::{Json, Kind, Number};
use crate::sanitizer::Options;
use crate::sanitizer::check::{Check, Types};
use crate::sanitizer::knowledge::children::{Listing, Membership, Parts, Unnamed, listing, membership, parts};
use crate::sanitizer::knowledge::ways::{Schemas, kinds, lists, ways};
use crate::sanitizer::schema::Object;
use crate::sanitizer::sets::{SetId, Sets};

/// Bytes of the longest 64-bit float: `-2.2250738585072014e-308`.
const NUMBER_BYTES: u64 = 24;
/// Bytes that one code point takes at most: a control character is written as `\u0000`.
const ESCAPED_BYTES: u64 = 6;

/// Measures places, each once.
pub(super) struct Measure<'m, 'a> {
    pub(super) sets: &'m mut Sets<'a>,
    options: &'m Options,
    /// None while a place is being measured: what stands in itself has no bound.
    known: BTreeMap<SetId, Option<u64>>,
}

impl<'m, 'a> Measure<'m, 'a> {
    pub(super) fn new(sets: &'m mut Sets<'a>, options: &'m Options) -> Self {
        Self { sets, options, known: BTreeMap::new() }
    }

    /// Bytes of the largest output; none if nothing bounds it.
    pub(super) fn root(&mut self) -> Option<u64> {
        let root = self.sets.root();
        let own = self.place(&vec![(root, Keyword::False)]);
        let max = self.options.bytes_max.map(|max| max as u64);
        own.into_iter().chain(max).min()
    }

    /// Bytes of the largest value at a place; 0 if nothing can stand there.
    fn place(&mut self, schemas: &Schemas) -> Option<u64> {
        let set = self.sets.intern(schemas);
        if let Some(known) = self.known.get(&set) {
            return *known;
        }
        let max = parts(self.sets, &self.sets.get(set)).iter().filter_map(|(_, object)| object.bytes_max).min();
        let max = max.map(|max| max as u64);
        self.known.insert(set, max);
        let bytes = self.ways(schemas).into_iter().chain(max).min();
        self.known.insert(set, bytes);
        bytes
    }

    fn ways(&mut self, schemas: &Schemas) -> Option<u64> {
        let ways = ways(self.sets, schemas)?;
        let mut largest = 0;
        let mut together: u64 = 0;
        for set in ways.sets {
            let (bytes, grows) = self.way(set)?;
            largest = largest.max(bytes);
            together = together.saturating_add(if grows { bytes } else { 0 });
        }
        // branches of an `anyOf` that hold at once each bring the names that they know
        Some(if ways.overlap { largest.max(together) } else { largest })
    }

    /// Bytes, and whether another way that holds beside this one may bring members that this one drops.
    fn way(&mut self, set: SetId) -> Option<(u64, bool)> {
        let set = self.sets.get(set);
        let allowed = kinds(self.sets, &set);
        let parts = parts(self.sets, &set);
        if lists(self.sets, &set) {
            return Some((listed_bytes(&parts, allowed), false));
        }
        let mut bytes = 0;
        for (kind, size) in [(Kind::Null, 4), (Kind::Bool, 5)] {
            bytes = bytes.max(if allowed.allows(kind) { size } else { 0 });
        }
        if allowed.allows(Kind::Number) {
            bytes = bytes.max(number_bytes(&parts, allowed));
        }
        if allowed.allows(Kind::String) {
            bytes = bytes.max(text_bytes(&parts)?.saturating_add(2));
        }
        if allowed.allows(Kind::Array) {
            let listing = listing(self.sets, &parts);
            bytes = bytes.max(self.list(&listing)?);
        }
        let mut grows = false;
        if allowed.allows(Kind::Object) {
            let membership = membership(self.sets, &parts, self.options);
            bytes = bytes.max(self.object(&membership, &parts)?);
            grows = parts.iter().all(|(_, object)| object.additional.or(object.unevaluated_members).is_none());
        }
        Some((bytes, grows))
    }

    fn list(&mut self, listing: &Listing) -> Option<u64> {
        let max = listing.max.unwrap_or(usize::MAX);
        let mut bytes: u64 = 2;
        for (index, position) in listing.positions.iter().take(max).enumerate() {
            let item = if position.is_empty() { None } else { self.place(position) }?;
            if item == 0 {
                // nothing can stand here, so nothing behind it can
                return Some(bytes);
            }
            bytes = bytes.saturating_add(item.saturating_add(u64::from(index > 0)));
        }
        let left = max.saturating_sub(listing.positions.len()) as u64;
        let item = if left == 0 {
            Some(0)
        } else if listing.rest.is_empty() {
            None
        } else {
            self.place(&listing.rest)
        }?;
        if item > 0 && listing.max.is_none() {
            return None;
        }
        Some(if item == 0 {
            bytes
        } else {
            bytes.saturating_add(item.saturating_add(1).saturating_mul(left)) - u64::from(listing.positions.is_empty())
        })
    }

    fn object(&mut self, membership: &Membership, parts: &Parts<'_>) -> Option<u64> {
        let mut sizes = Vec::new();
        for (name, schemas) in &membership.named {
            let value = if schemas.is_empty() { None } else { self.place(schemas) }?;
            if value > 0 {
                sizes.push(value.saturating_add(Json::text(name).view().compact_bytes() as u64 + 1));
            }
        }
        if !membership.listed.is_empty() {
            return None;
        }
        match &membership.unnamed {
            Unnamed::Anything | Unnamed::Asked => return None,
            Unnamed::None => {}
            Unnamed::Under(all) => {
                let mut value = 0;
                for schemas in all {
                    value = value.max(self.place(schemas)?);
                }
                let name = self.name_bytes(parts);
                let count = membership.max?;
                sizes.extend(std::iter::repeat_n(value.saturating_add(name + 1), count.min(MEMBERS_COUNTED)));
                if value > 0 && count > MEMBERS_COUNTED {
                    return None;
                }
            }
        }
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let sizes = sizes.into_iter().take(membership.max.unwrap_or(usize::MAX));
        Some(sizes.fold(2, |bytes: u64, size| bytes.saturating_add(size).saturating_add(1)))
    }

    /// Bytes of a name that no schema declares, with its quotation marks.
    fn name_bytes(&mut self, parts: &Parts<'_>) -> u64 {
        let mut least = self.options.name_bytes.min(usize::MAX / 2) as u64 + 2;
        for (applied, object) in parts {
            let Some(names) = object.names else { continue };
            let names = self.sets.below(*applied, names);
            least = least.min(self.place(&vec![(names, Keyword::PropertyNames)]).unwrap_or(least));
        }
        let additional = parts.iter().any(|(_, object)| object.additional.or(object.unevaluated_members).is_some());
        let patterns = parts.iter().flat_map(|(_, object)| &object.patterns);
        let widest = patterns.map(|(pattern, _)| pattern.reach().bytes).collect::<Option<Vec<_>>>();
        let widest = widest.filter(|_| !additional).and_then(|all| all.into_iter().max());
        least.min(widest.map_or(least, |bytes| bytes.saturating_add(2)))
    }
}

/// Members of undeclared names that are added up; more than these are more than any limit.
const MEMBERS_COUNTED: usize = 65_536;

fn checks<'a>(parts: &Parts<'a>) -> impl Iterator<Item = &'a Check> + use<'a> {
    let objects: Vec<&Object> = parts.iter().map(|(_, object)| *object).collect();
    objects.into_iter().flat_map(|object| &object.checks)
}

fn listed_bytes(parts: &Parts<'_>, allowed: Types) -> u64 {
    let largest = |check: &Check| {
        let values = check.listed().iter().filter(|value| allowed.allows(value.view().kind()));
        values.map(|value| value.view().compact_bytes() as u64).max().unwrap_or(0)
    };
    checks(parts).filter(|check| !check.listed().is_empty()).map(largest).min().unwrap_or(0)
}

/// Digits of an integer between bounds.
fn number_bytes(parts: &Parts<'_>, allowed: Types) -> u64 {
    let digits = |bound: &Json| bound.view().as_number().and_then(Number::as_i64).map(|bound| bound.to_string().len());
    let longest = |wanted: fn(&Check) -> Option<&Json>| checks(parts).filter_map(wanted).filter_map(digits).min();
    let least = longest(|check| match check {
        Check::Minimum(bound) | Check::ExclusiveMinimum(bound) => Some(bound),
        _ => None,
    });
    let most = longest(|check| match check {
        Check::Maximum(bound) | Check::ExclusiveMaximum(bound) => Some(bound),
        _ => None,
    });
    match least.zip(most).filter(|_| allowed.are_integers()) {
        Some((least, most)) => least.max(most) as u64,
        None => NUMBER_BYTES,
    }
}

/// Bytes of the longest text, without quotation marks; none if nothing bounds it.
pub(super) fn text_bytes(parts: &Parts<'_>) -> Option<u64> {
    let mut each = ESCAPED_BYTES;
    let mut code_points: Option<u64> = None;
    let mut least: Option<u64> = None;
    let mut bound = |bytes: Option<u64>| least = least.into_iter().chain(bytes).min();
    for check in checks(parts) {
        match check {
            Check::MaxLength(max) => code_points = code_points.into_iter().chain(Some(*max as u64)).min(),
            Check::Format(format) => bound(format.bytes_max()),
            Check::Pattern(pattern) => {
                let reach = pattern.reach();
                each = each.min(reach.each);
                bound(reach.bytes);
            }
            _ => {}
        }
    }
    bound(code_points.map(|count| count.saturating_mul(each)));
    least
}
