//! The compiled plan: what all schema objects that apply at a place (the set Σ) ask of it together.
//!
//! A schema object brings its `$ref` and its `allOf` along, each object once. For the members of a place the sets of the
//! next level are known at compile time: one for each known name, one for each combination of matching patterns, one
//! for the rest. A plan belongs to one set; equal sets share it, so recursion ends and nothing is combined at run time.
//! What could grow beyond reason (plans, patterns at one place, tracked names) has a named bound, and passing it is an
//! error of the schema.

use std::collections::BTreeMap;

use super::Options;
use super::check::{Check, Types};
use super::pattern::Pattern;
use super::schema::{Bounds, Id, Never, Object, Schema};
use crate::fate::Keyword;
use crate::json::{Json, Number, Text};
use crate::sensitive::Detectors;

/// A plan, by its position.
pub(super) type PlanId = u16;

/// Different sets of schema objects that one schema may lead to.
const PLANS_MAX: usize = 16_384;
/// Patterns of member names at one place: each combination of matches is its own plan.
const PATTERNS_MAX: usize = 8;
/// Member names at one place that are required or depended on: each has a bit.
pub(super) const TRACKED_MAX: usize = 128;

/// What is asked of one place.
pub(super) struct Plan {
    /// The first schema object of the set: it answers for what no single one says.
    pub(super) by: Id,
    /// Nothing may stand here.
    pub(super) never: Option<(Keyword, Id)>,
    pub(super) types: Types,
    pub(super) types_by: Id,
    /// In keyword order, then in the order of the set (R5).
    pub(super) checks: Vec<(Id, Check)>,
    /// Scalars that hold under all of them, without asking.
    pub(super) plain: Plain,
    pub(super) detectors: Detectors,
    pub(super) members: MembersPlan,
    pub(super) items: PlanId,
    pub(super) length: Bounds,
    pub(super) length_by: Id,
    pub(super) unique: Option<Id>,
    pub(super) bytes_max: Option<(usize, Id)>,
}

/// Integers and lengths of texts that hold under all checks of a plan: most scalars, seen at one glance.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    /// The least and the greatest; none hold where the least is greater.
    integers: (i64, i64),
    /// The least and the most bytes of a text without escapes.
    bytes: (usize, usize),
}

impl Plain {
    fn of(checks: &[(Id, Check)]) -> Self {
        let mut plain = Self { integers: (i64::MIN, i64::MAX), bytes: (0, usize::MAX) };
        let (mut asks_more, mut matches) = (false, false);
        for (_, check) in checks {
            match check {
                Check::Minimum(Json::Int(bound)) => plain.integers.0 = plain.integers.0.max(*bound),
                Check::Maximum(Json::Int(bound)) => plain.integers.1 = plain.integers.1.min(*bound),
                // a code point takes one to four bytes
                Check::MinLength(least) => plain.bytes.0 = plain.bytes.0.max(least.saturating_mul(4).saturating_sub(3)),
                Check::MaxLength(most) => plain.bytes.1 = plain.bytes.1.min(*most),
                Check::Pattern(_) | Check::Format(_) => matches = true,
                Check::Enum(_) | Check::Const(_) => return Self { integers: (1, 0), bytes: (1, 0) },
                _ => asks_more = true,
            }
        }
        if asks_more {
            plain.integers = (1, 0);
        }
        if matches {
            plain.bytes = (1, 0);
        }
        plain
    }

    /// Whether a scalar is one of them.
    pub(super) fn has(&self, number: Option<Number<'_>>, text: Option<Text<'_>>) -> bool {
        match (number, text) {
            (Some(Number::Int(value)), _) => self.integers.0 <= value && value <= self.integers.1,
            (_, Some(text)) => {
                let bytes = text.source_bytes();
                self.bytes.0 <= bytes && bytes <= self.bytes.1 && !text.has_escapes()
            }
            _ => false,
        }
    }
}

/// What is asked of the members of an object.
#[derive(Default)]
pub(super) struct MembersPlan {
    /// The first schema object of the set.
    pub(super) by: Id,
    /// By name.
    pub(super) known: Vec<Known>,
    pub(super) patterns: Vec<Pattern>,
    /// The plan of an unknown name, by the bits of the patterns that match it.
    pub(super) rest: Vec<PlanId>,
    /// Whether a name that no pattern matches is dropped (U2).
    pub(super) closed: bool,
    /// The plans of the names themselves.
    pub(super) names: Vec<PlanId>,
    /// Bits of the required names.
    pub(super) required: u128,
    pub(super) required_by: Id,
    /// A trigger's bit, and the bits that it needs.
    pub(super) dependent: Vec<(u128, u128, Keyword, Id)>,
    pub(super) bounds: Bounds,
    pub(super) bounds_by: Id,
}

/// A member name that the schema knows.
pub(super) struct Known {
    pub(super) name: Box<str>,
    pub(super) plan: PlanId,
    /// Its place in the order of `properties`; none if only `required` or `dependentRequired` name it.
    pub(super) rank: Option<usize>,
    /// Its bit among the tracked names, or 0.
    pub(super) bit: u128,
    /// Whether the provider can store it, where that matters.
    pub(super) storable: bool,
}

/// All plans of a schema.
pub(super) struct Plans {
    pub(super) plans: Vec<Plan>,
    pub(super) root: PlanId,
}

/// A set of schema objects in Σ order, the applicator that holds a `false` schema, if one does, and what it is asked of.
type Set = (Vec<Id>, Option<(Keyword, Id)>, Asked);

/// What a set is asked of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// A value, which may travel.
    Value,
    /// A member's name: only the schema is asked, none of what the sanitizer adds to it.
    Name,
}

/// Compiles the plans that a schema leads to; nothing if it needs more of them, or of their bits, than there are.
pub(super) fn compile(schema: &Schema, options: &Options) -> Option<Plans> {
    let mut compiler = Compiler { schema, options, ids: BTreeMap::new(), sets: Vec::new() };
    let root = compiler.intern(&[(schema.root, Keyword::False)], Asked::Value);
    let mut plans = Vec::new();
    while let Some(set) = compiler.sets.get(plans.len()).cloned() {
        plans.push(compiler.plan(&set)?);
        if compiler.sets.len() > PLANS_MAX {
            return None;
        }
    }
    if let (Some(max), Some(plan)) = (options.bytes_max, plans.get_mut(usize::from(root))) {
        let least = plan.bytes_max.map_or(max, |(own, _)| own.min(max));
        plan.bytes_max = Some((least, schema.root));
    }
    Some(Plans { plans, root })
}

struct Compiler<'a> {
    schema: &'a Schema,
    options: &'a Options,
    ids: BTreeMap<Set, PlanId>,
    sets: Vec<Set>,
}

impl<'a> Compiler<'a> {
    fn object(&self, id: Id) -> Option<&'a Object> {
        self.schema.objects.get(usize::from(id))
    }

    /// The plan of all that the given schema objects lead to at one place.
    fn intern(&mut self, schemas: &[(Id, Keyword)], asked: Asked) -> PlanId {
        let mut set: Set = (Vec::new(), None, asked);
        for &(id, holder) in schemas {
            self.expand(id, holder, &mut set);
        }
        let next = u16::try_from(self.sets.len()).unwrap_or(u16::MAX);
        *self.ids.entry(set).or_insert_with_key(|set| {
            self.sets.push(set.clone());
            next
        })
    }

    /// A schema object, then its `$ref`, then its `allOf` in order; each once.
    fn expand(&self, id: Id, holder: Keyword, set: &mut Set) {
        let Some(object) = self.object(id) else { return };
        match object.never {
            Some(Never::False) => drop(set.1.get_or_insert((holder, id))),
            Some(Never::Sensitive) if set.2 == Asked::Value => drop(set.1.get_or_insert((Keyword::Sensitive, id))),
            _ => {}
        }
        if set.0.contains(&id) {
            return;
        }
        set.0.push(id);
        if let Some(target) = object.reference {
            self.expand(target, Keyword::Ref, set);
        }
        for &part in &object.all_of {
            self.expand(part, Keyword::AllOf, set);
        }
    }

    fn plan(&mut self, set: &Set) -> Option<Plan> {
        let objects: Vec<_> = set.0.iter().filter_map(|&id| Some((id, self.object(id)?))).collect();
        let by = set.0.first().copied().unwrap_or(0);
        let mut plan = Plan {
            by,
            never: set.1,
            types: Types::ALL,
            types_by: by,
            plain: Plain::of(&[]),
            checks: checks(&objects),
            detectors: self.options.deny,
            members: self.members(&objects)?,
            items: 0,
            length: Bounds::default(),
            length_by: by,
            unique: None,
            bytes_max: None,
        };
        for &(id, object) in &objects {
            plan.conjoin(id, object);
        }
        plan.plain = Plain::of(&plan.checks);
        if set.2 == Asked::Name {
            (plan.detectors, plan.bytes_max) = (Detectors::NONE, None);
        }
        let items: Vec<_> = objects.iter().filter_map(|(_, object)| object.items).collect();
        plan.items = self.intern(&items, Asked::Value);
        Some(plan)
    }

    fn members(&mut self, objects: &[(Id, &Object)]) -> Option<MembersPlan> {
        let patterns: Vec<_> = objects.iter().flat_map(|(_, object)| &object.patterns).collect();
        if patterns.len() > PATTERNS_MAX {
            return None;
        }
        let names: Vec<_> =
            objects.iter().filter_map(|(_, object)| Some((object.names?, Keyword::PropertyNames))).collect();
        let tracked = tracked(objects);
        if tracked.len() > TRACKED_MAX {
            return None;
        }
        let mut plan = MembersPlan {
            names: names.iter().map(|&name| self.intern(&[name], Asked::Name)).collect(),
            patterns: patterns.iter().map(|(pattern, _)| pattern.clone()).collect(),
            closed: self.options.unknown == super::Unknown::Drop
                && objects.iter().any(|(_, object)| object.names_members)
                && objects.iter().all(|(_, object)| object.additional.is_none()),
            ..MembersPlan::default()
        };
        plan.rest = (0..1_usize << patterns.len()).map(|bits| self.unnamed(objects, bits)).collect();
        plan.known = self.known(objects, &tracked);
        Some(plan.with_bounds(objects, &tracked))
    }

    fn known(&mut self, objects: &[(Id, &Object)], tracked: &[&str]) -> Vec<Known> {
        let mut ranks: Vec<&str> = Vec::new();
        for (name, _) in objects.iter().flat_map(|(_, object)| &object.properties) {
            if !ranks.contains(&name.as_str()) {
                ranks.push(name);
            }
        }
        let mut names: Vec<&str> = ranks.iter().chain(tracked).copied().collect();
        names.sort_unstable();
        names.dedup();
        let known = names.into_iter().map(|name| Known {
            name: name.into(),
            plan: self.named(objects, name),
            rank: ranks.iter().position(|ranked| *ranked == name),
            bit: tracked.iter().position(|one| *one == name).map_or(0, |bit| 1 << bit),
            storable: self.options.holds_name(name),
        });
        known.collect()
    }

    /// The plan of a known name: `properties`, matching `patternProperties`, else `additionalProperties` (R6).
    fn named(&mut self, objects: &[(Id, &Object)], name: &str) -> PlanId {
        let mut schemas = Vec::new();
        for (_, object) in objects {
            let before = schemas.len();
            schemas.extend(
                object.properties.iter().filter(|(own, _)| own == name).map(|(_, id)| (*id, Keyword::Properties)),
            );
            let matching = object.patterns.iter().filter(|(pattern, _)| pattern.matches(name));
            schemas.extend(matching.map(|(_, id)| (*id, Keyword::PatternProperties)));
            if schemas.len() == before {
                schemas.extend(object.additional.map(|id| (id, Keyword::AdditionalProperties)));
            }
        }
        self.intern(&schemas, Asked::Value)
    }

    /// The plan of a name that is not known, of which the patterns of `bits` match.
    fn unnamed(&mut self, objects: &[(Id, &Object)], bits: usize) -> PlanId {
        let mut schemas = Vec::new();
        let mut pattern = 0;
        for (_, object) in objects {
            let before = schemas.len();
            for (_, id) in &object.patterns {
                if bits >> pattern & 1 == 1 {
                    schemas.push((*id, Keyword::PatternProperties));
                }
                pattern += 1;
            }
            if schemas.len() == before {
                schemas.extend(object.additional.map(|id| (id, Keyword::AdditionalProperties)));
            }
        }
        self.intern(&schemas, Asked::Value)
    }
}

fn checks(objects: &[(Id, &Object)]) -> Vec<(Id, Check)> {
    let all = objects.iter().flat_map(|(id, object)| object.checks.iter().map(|check| (*id, check.clone())));
    let mut checks: Vec<_> = all.collect();
    checks.sort_by_key(|(_, check)| check.keyword());
    checks
}

/// The names whose presence matters, in the order of the set.
fn tracked<'a>(objects: &[(Id, &'a Object)]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (_, object) in objects {
        let dependent = object.dependent.iter();
        let dependent = dependent.flat_map(|one| std::iter::once(&one.trigger).chain(&one.needs));
        for name in object.required.iter().chain(dependent) {
            if !names.contains(&name.as_str()) {
                names.push(name.as_str());
            }
        }
    }
    names
}

fn tighten(bounds: &mut Bounds, other: Bounds) -> bool {
    let before = (bounds.min, bounds.max);
    bounds.min = bounds.min.max(other.min);
    bounds.max = match (bounds.max, other.max) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    before != (bounds.min, bounds.max)
}

impl Plan {
    /// Adds what one schema object asks of a value as a whole.
    fn conjoin(&mut self, id: Id, object: &Object) {
        if let Some(types) = object.types {
            self.types_by = if self.types == Types::ALL { id } else { self.types_by };
            self.types = self.types.and(types);
        }
        self.detectors = self.detectors.without(object.allowed);
        if tighten(&mut self.length, object.length) {
            self.length_by = id;
        }
        if object.unique {
            self.unique.get_or_insert(id);
        }
        if let Some(max) = object.bytes_max
            && self.bytes_max.is_none_or(|(own, _)| max < own)
        {
            self.bytes_max = Some((max, id));
        }
    }
}

impl MembersPlan {
    fn with_bounds(mut self, objects: &[(Id, &Object)], tracked: &[&str]) -> Self {
        let bit = |name: &String| tracked.iter().position(|one| one == name).map_or(0, |bit| 1_u128 << bit);
        let first = objects.first().map_or(0, |(id, _)| *id);
        (self.by, self.required_by, self.bounds_by) = (first, first, first);
        for (id, object) in objects {
            if !object.required.is_empty() && self.required == 0 {
                self.required_by = *id;
            }
            self.required |= object.required.iter().map(bit).fold(0, |bits, bit| bits | bit);
            let dependent = object.dependent.iter();
            self.dependent.extend(dependent.map(|one| {
                let needs = one.needs.iter().map(bit).fold(0, |a, b| a | b);
                (bit(&one.trigger), needs, one.keyword, *id)
            }));
            if tighten(&mut self.bounds, object.members) {
                self.bounds_by = *id;
            }
        }
        self
    }
}
