//! From a set of schema objects to its plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::{Check, Types};
use super::plan::{Choice, ChoiceKind, Dependents, Fill, Knowers, Known, MembersPlan, Plain, Plan, find};
use super::schema::{Bounds, Id, NO_SCHEMA, Object};
use super::sets::{Applied, Set, SetId, Sets};
use super::tags;
use super::{Options, Unknown};
use crate::fate::Keyword;
use crate::json::Text;

/// Patterns of member names at one place of which each combination is known beforehand.
const COMBINED_MAX: usize = 4;

pub(super) struct Compiler<'c, 'a> {
    pub(super) sets: &'c mut Sets<'a>,
    pub(super) options: &'c Options,
    pub(super) tags: &'c mut tags::Known,
}

/// A schema object of a set, typed.
type Typed<'a> = (Applied, &'a Object);

impl<'a> Compiler<'_, 'a> {
    fn objects(&self, set: &Set) -> Vec<Typed<'a>> {
        set.parts.iter().filter_map(|part| Some((part.applied, self.sets.object(part.applied)?))).collect()
    }

    fn below(&mut self, schemas: Vec<(Applied, Id, Keyword)>) -> SetId {
        let schemas: Vec<_> =
            schemas.into_iter().map(|(from, id, keyword)| (self.sets.below(from, id), keyword)).collect();
        self.sets.intern(&schemas)
    }

    pub(super) fn plan(&mut self, id: SetId) -> Plan {
        let set = self.sets.get(id);
        let objects = self.objects(&set);
        let by = set.first();
        let checks = checks(&objects);
        let (choices, decided) = self.choices(&set, &objects);
        let knowers = self.knowers(&objects, &decided);
        let mut plan = Plan {
            by,
            types: Types::ALL,
            plain: Plain::of(&checks),
            lists_containers: checks.iter().any(|(_, check)| check.names_containers()),
            checks,
            detectors: self.options.deny,
            exempts: knowers.iter().skip(objects.len()).any(|(_, object)| !object.allowed.is_empty()),
            members: self.members(&set, &objects, &knowers),
            prefix: Vec::new(),
            prefix_by: objects.iter().find(|(_, object)| !object.prefix.is_empty()).map_or(by, |(own, _)| own.id),
            items: SetId(0),
            length: Bounds::default(),
            length_by: by,
            unique: None,
            contains: Vec::new(),
            bytes_max: None,
            atomic: None,
            choices,
            has_rest: objects
                .iter()
                .any(|(_, object)| object.unevaluated_members.is_some() || object.unevaluated_items.is_some()),
            is_annotated: objects.iter().any(|(_, object)| !object.on_invalid.is_empty()),
            is_simple: false,
            set: Arc::clone(&set),
        };
        for &(applied, object) in &objects {
            plan.conjoin(applied, object);
        }
        let positions = objects.iter().map(|(_, object)| object.prefix.len()).max().unwrap_or(0);
        let keyword = if self.sets.schema().draft < 2020 { Keyword::Items } else { Keyword::PrefixItems };
        plan.prefix = (0..positions).map(|index| self.item(&objects, Some((index, keyword)))).collect();
        plan.items = self.item(&objects, None);
        let says_more = plan.is_annotated || plan.exempts || plan.bytes_max.is_some();
        plan.is_simple =
            plan.is_plain() && !says_more && plan.set.never.is_none() && !self.sets.schema().has_inexact_numbers;
        plan
    }

    /// The set of an item: its position's schema, or `items` (R8, R9).
    fn item(&mut self, objects: &[Typed<'_>], position: Option<(usize, Keyword)>) -> SetId {
        let schemas = objects.iter().filter_map(|(applied, object)| {
            let own = position.and_then(|(index, keyword)| Some((*object.prefix.get(index)?, keyword)));
            own.or(object.items).map(|(id, keyword)| (*applied, id, keyword))
        });
        self.below(schemas.collect())
    }

    /// All schema objects that may come to describe a value here: the set's, then those of its branches.
    fn knowers(&mut self, objects: &[Typed<'a>], decided: &[(Applied, ChoiceKind)]) -> Vec<Typed<'a>> {
        let mut found = objects.to_vec();
        let mut seen: BTreeSet<Applied> = objects.iter().map(|(applied, _)| *applied).collect();
        let mut at = 0;
        while let Some(&(applied, object)) = found.get(at) {
            at += 1;
            let choices = &object.choices;
            let dependent = choices.dependent.iter().map(|(_, id, _)| id);
            let single = [object.reference, choices.condition, choices.then, choices.otherwise];
            // of a union of which a branch is taken, no other one can hold
            let open = |kind| !decided.contains(&(applied, kind));
            let any_of = choices.any_of.iter().filter(|_| open(ChoiceKind::AnyOf));
            let one_of = choices.one_of.iter().filter(|_| open(ChoiceKind::OneOf));
            let ids = object.all_of.iter().chain(any_of).chain(one_of).chain(dependent);
            let ids: Vec<Id> = ids.copied().chain(single.into_iter().flatten()).collect();
            let mut below: Vec<_> = ids.into_iter().map(|id| self.sets.below(applied, id)).collect();
            below.extend(self.sets.dynamic(applied));
            for applied in below {
                found
                    .extend(self.sets.object(applied).filter(|_| seen.insert(applied)).map(|object| (applied, object)));
            }
        }
        found
    }

    fn members(&mut self, set: &Set, objects: &[Typed<'a>], knowers: &[Typed<'a>]) -> MembersPlan {
        let patterns: Vec<_> = objects.iter().flat_map(|(_, object)| &object.patterns).collect();
        let evaluates_all =
            |(_, object): &Typed<'_>| object.additional.is_some() || object.unevaluated_members.is_some();
        let names_members = |(_, object): &Typed<'_>| object.names_members;
        let closed = self.options.unknown == Unknown::Drop
            && objects.iter().any(names_members)
            && !objects.iter().any(evaluates_all);
        let combinations = if patterns.len() <= COMBINED_MAX { 1_usize << patterns.len() } else { 1 };
        let names = objects.iter().filter_map(|(applied, object)| Some((*applied, object.names?)));
        let mut plan = MembersPlan {
            names: names.map(|(applied, names)| (applied.id, self.sets.below(applied, names))).collect(),
            patterns: patterns.iter().map(|(pattern, _)| pattern.clone()).collect(),
            closed,
            knowers: (closed && knowers.len() > objects.len()).then(|| Arc::new(knowers_of(knowers))),
            rest: (0..combinations).map(|bits| self.unnamed(set, |index| bits >> index & 1 == 1)).collect(),
            known: self.known(objects),
            ..MembersPlan::default()
        };
        plan.required = plan.known.iter().filter(|known| known.is_required).count();
        let mut requiring = objects.iter().filter(|(_, object)| !object.required.is_empty());
        plan.required_by = requiring.next().map(|(own, _)| own.id).filter(|_| requiring.next().is_none());
        plan.fills = self.fills(objects, &plan.known);
        for (applied, object) in objects {
            plan.dependents.extend((0..object.dependent.len()).map(|at| Dependents { by: applied.id, at }));
            if tighten(&mut plan.bounds, object.members) {
                plan.bounds_by = applied.id;
            }
        }
        plan
    }

    fn known(&mut self, objects: &[Typed<'a>]) -> Vec<Known> {
        let mut ranks: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, _) in objects.iter().flat_map(|(_, object)| &object.properties) {
            let next = ranks.len();
            ranks.entry(name).or_insert(next);
        }
        let (mut required, mut triggers, mut needed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (_, object) in objects {
            required.extend(object.required.iter().map(String::as_str));
            triggers.extend(object.dependent.iter().map(|one| one.trigger.as_str()));
            needed.extend(object.dependent.iter().flat_map(|one| &one.needs).map(String::as_str));
        }
        let mut names: Vec<&str> = ranks.keys().chain(&required).chain(&triggers).chain(&needed).copied().collect();
        names.sort_unstable();
        names.dedup();
        let known = names.into_iter().map(|name| Known {
            name: name.into(),
            plan: self.named(objects, name),
            rank: ranks.get(name).copied(),
            is_required: required.contains(name),
            is_trigger: triggers.contains(name),
            is_storable: self.options.holds_name(name),
        });
        known.collect()
    }

    /// The set of a known name: `properties`, matching `patternProperties`, else `additionalProperties` (R6).
    fn named(&mut self, objects: &[Typed<'a>], name: &str) -> SetId {
        let mut schemas = Vec::new();
        for &(applied, object) in objects {
            let before = schemas.len();
            schemas.extend(object.property(name).map(|id| (applied, id, Keyword::Properties)));
            let matching = object.patterns.iter().filter(|(pattern, _)| pattern.matches(name));
            schemas.extend(matching.map(|(_, id)| (applied, *id, Keyword::PatternProperties)));
            if schemas.len() == before {
                schemas.extend(object.additional.map(|id| (applied, id, Keyword::AdditionalProperties)));
            }
        }
        self.below(schemas)
    }

    /// The set of a name that is not known, of which some patterns match.
    pub(super) fn unnamed(&mut self, set: &Set, matches: impl Fn(usize) -> bool) -> SetId {
        let mut schemas = Vec::new();
        let mut pattern = 0;
        for (applied, object) in self.objects(set) {
            let before = schemas.len();
            for (_, id) in &object.patterns {
                schemas.extend(matches(pattern).then_some((applied, *id, Keyword::PatternProperties)));
                pattern += 1;
            }
            if schemas.len() == before {
                schemas.extend(object.additional.map(|id| (applied, id, Keyword::AdditionalProperties)));
            }
        }
        self.below(schemas)
    }

    /// The required members that have a default to fill in, in the order of the set.
    fn fills(&self, objects: &[Typed<'a>], known: &[Known]) -> Vec<Fill> {
        if !self.sets.schema().has_annotations {
            return Vec::new();
        }
        let mut fills: Vec<Fill> = Vec::new();
        for name in objects.iter().flat_map(|(_, object)| &object.required) {
            let Some(own) = find(known, Text::plain(name)) else { continue };
            let set = self.sets.get(own.plan);
            let by = set.parts.iter().find(|part| {
                self.sets.object(part.applied).is_some_and(|object| object.on_missing && object.default.is_some())
            });
            if let Some(part) = by
                && fills.iter().all(|fill| *fill.name != **name)
            {
                fills.push(Fill { name: name.as_str().into(), plan: own.plan, by: part.applied.id });
            }
        }
        fills
    }

    /// The choice points of a set, and the unions that a taken branch decides.
    fn choices(&mut self, set: &Set, objects: &[Typed<'a>]) -> (Vec<Choice>, Vec<(Applied, ChoiceKind)>) {
        let (mut found, mut decided) = (Vec::new(), Vec::new());
        for &(by, object) in objects {
            let choices = &object.choices;
            let plain = |kind| Choice { by, kind, tags: None };
            found.extend((0..choices.dependent.len()).map(ChoiceKind::Dependent).map(plain));
            let condition = choices.condition.filter(|_| choices.then.or(choices.otherwise).is_some());
            found.extend(condition.map(|_| plain(ChoiceKind::Condition)));
            for (ids, kind) in [(&choices.any_of, ChoiceKind::AnyOf), (&choices.one_of, ChoiceKind::OneOf)] {
                if ids.is_empty() {
                    continue;
                }
                let branches: Vec<_> = ids.iter().map(|&id| self.sets.below(by, id)).collect();
                let union = (by, kind == ChoiceKind::OneOf);
                let tags = tags::at(self.sets, self.tags, set, union, &branches);
                // a branch that is taken excludes the others
                if tags.is_none() || !branches.iter().any(|branch| set.has(*branch)) {
                    found.push(Choice { by, kind, tags });
                } else {
                    decided.push((by, kind));
                }
            }
            found.extend(choices.not.map(|_| plain(ChoiceKind::Not)));
        }
        (found, decided)
    }
}

fn knowers_of(objects: &[Typed<'_>]) -> Knowers {
    let mut knowers = Knowers::default();
    for (_, object) in objects {
        knowers.any |= object.additional.is_some() || object.unevaluated_members.is_some();
        knowers.names.extend(object.properties.iter().map(|(name, _)| name.as_str().into()));
        knowers.names.extend(object.listed_names().map(Into::into));
        knowers.patterns.extend(object.patterns.iter().map(|(pattern, _)| pattern.clone()));
    }
    knowers
}

fn checks(objects: &[Typed<'_>]) -> Vec<(Id, Check)> {
    let all = objects.iter().flat_map(|(by, object)| object.checks.iter().map(|check| (by.id, check.clone())));
    let mut checks: Vec<_> = all.collect();
    checks.sort_by_key(|(_, check)| check.keyword());
    checks
}

/// Joins two bounds; whether the most became less.
fn tighten(bounds: &mut Bounds, other: Bounds) -> bool {
    let before = bounds.max;
    bounds.min = bounds.min.max(other.min);
    bounds.max = match (bounds.max, other.max) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    before != bounds.max
}

impl Plan {
    /// Adds what one schema object asks of a value as a whole.
    fn conjoin(&mut self, applied: Applied, object: &Object) {
        let id = applied.id;
        self.types = self.types.and(object.types.unwrap_or(Types::ALL));
        self.detectors = self.detectors.without(object.allowed);
        if tighten(&mut self.length, object.length) {
            self.length_by = id;
        }
        if object.unique {
            self.unique.get_or_insert(id);
        }
        if object.is_atomic {
            self.atomic.get_or_insert(id);
        }
        self.contains.extend(object.contains.filter(|one| one.schema != NO_SCHEMA).map(|contains| (applied, contains)));
        if let Some(max) = object.bytes_max
            && self.bytes_max.is_none_or(|(own, _)| max < own)
        {
            self.bytes_max = Some((max, id));
        }
    }
}
