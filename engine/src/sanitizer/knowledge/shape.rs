//! What a schema describes, as a tree: for typed scripts and documentation.
//!
//! A choice becomes alternatives, a conjunction one description. It describes, and does not decide: whether a value passes
//! is only the sanitizer's to say.

use crate::fate::Keyword;
use crate::json::{Json, Kind};
use crate::sanitizer::Options;
use crate::sanitizer::check::{Check, Types};
use crate::sanitizer::knowledge::children::{Parts, Unnamed, listing, membership, parts};
use crate::sanitizer::knowledge::ways::{Schemas, kinds, ways};
use crate::sanitizer::pattern::Pattern;
use crate::sanitizer::schema::Schema;
use crate::sanitizer::sets::{SetId, Sets};

/// Nested places that are described; what is deeper may hold anything.
const DEPTH_MAX: usize = 8;

/// A place, as its alternatives; none: anything may stand there, or too much to describe.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// One of these, each by itself.
    pub alternatives: Vec<Alternative>,
}

/// One way in which a value may stand at a place.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// The kinds of value.
    pub types: Types,
    /// What items are.
    pub items: Shape,
    /// What members are, by name.
    pub members: Vec<Member>,
    /// Members of other names, where the schema allows them.
    pub others: Option<Others>,
}

/// Members whose names a schema does not declare.
#[derive(Clone)]
pub struct Others {
    /// What they hold.
    pub shape: Shape,
    /// What `propertyNames` asks of their names.
    names: Vec<Check>,
    /// The patterns of which a name must match one, where no other names are allowed.
    patterns: Vec<Pattern>,
}

impl Others {
    /// Whether a member may have this name.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        let text = Json::text(name);
        let is_matched = self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(name));
        is_matched && self.names.iter().all(|check| check.holds(text.view(), None, text.view().as_text()))
    }
}

/// Shows what they hold.
impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Others({:?})", self.shape)
    }
}

/// A member that a schema declares.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
    /// Whether the object always has it: it is required, or filled in where it is absent.
    pub required: bool,
    /// Whether another member may require it.
    pub is_conditional: bool,
}

/// Whether a member is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Every object has it.
    pub is_always: bool,
    /// Nothing ever requires it.
    pub is_optional: bool,
}

impl Shape {
    /// What the root of a schema describes.
    pub(super) fn of(schema: &Schema, options: &Options) -> Self {
        let mut sets = Sets::new(schema);
        let root = vec![(sets.root(), Keyword::False)];
        place(&mut sets, &root, options, DEPTH_MAX)
    }

    /// A shape that says nothing.
    #[must_use]
    pub fn anything() -> Self {
        Self::default()
    }

    /// What a member of this name may hold; none, if no alternative declares it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        let members = self.alternatives.iter().flat_map(|one| &one.members);
        members.into_iter().find(|member| member.name == name).map(|member| &member.shape)
    }

    /// What a member of this name may hold, by each alternative that declares it.
    pub fn all_of(&self, name: &str) -> impl Iterator<Item = &Self> {
        let members = self.alternatives.iter().flat_map(|one| &one.members);
        members.filter(move |member| member.name == name).map(|member| &member.shape)
    }

    /// Whether objects here have a member of this name.
    #[must_use]
    pub fn presence(&self, name: &str) -> Presence {
        let objects = self.alternatives.iter().filter(|one| one.types.allows(Kind::Object));
        let own: Vec<Option<&Member>> =
            objects.map(|one| one.members.iter().find(|member| member.name == name)).collect();
        let may_be_required = |member: Option<&Member>| member.is_some_and(|own| own.required || own.is_conditional);
        // where an object may not be empty, its only member is there
        let is_alone = self.names().len() == 1 && self.others().is_none();
        Presence {
            is_always: !own.is_empty() && own.iter().all(|member| member.is_some_and(|own| own.required)),
            is_optional: !is_alone && !own.iter().copied().any(may_be_required),
        }
    }

    /// The members that some alternative declares.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.alternatives.iter().flat_map(|one| &one.members).map(|member| member.name.as_str()).collect()
    }

    /// Whether members of other names may stand here, or nothing is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.alternatives.is_empty()
            || self.alternatives.iter().any(|one| one.others.is_some() && one.types.allows(Kind::Object))
    }

    /// Whether an object here may have a member of this name; true where nothing is known.
    #[must_use]
    pub fn allows_member(&self, name: &str) -> bool {
        let is_described = |one: &Alternative| one.types.allows(Kind::Object);
        let has = |one: &Alternative| {
            one.members.iter().any(|member| member.name == name)
                || one.others.as_ref().is_some_and(|others| others.allows(name))
        };
        !self.alternatives.iter().any(is_described) || self.alternatives.iter().any(|one| is_described(one) && has(one))
    }

    /// What members of undeclared names hold, where they are allowed.
    #[must_use]
    pub fn others(&self) -> Option<&Self> {
        self.alternatives.iter().find_map(|one| one.others.as_ref()).map(|others| &others.shape)
    }

    /// The kinds of value that may stand here, null aside; none where nothing is known.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let kinds = [Kind::Object, Kind::Array, Kind::String, Kind::Number, Kind::Bool];
        kinds.into_iter().filter(|kind| self.alternatives.iter().any(|one| one.types.allows(*kind))).collect()
    }

    /// Whether only values of one kind stand here.
    #[must_use]
    pub fn only(&self, kind: Kind) -> bool {
        let kinds = [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];
        !self.alternatives.is_empty()
            && self.alternatives.iter().all(|one| {
                kinds.iter().all(|other| *other == kind || !one.types.allows(*other)) && one.types.allows(kind)
            })
    }

    /// What items are, by each alternative that is a list.
    pub fn all_items(&self) -> impl Iterator<Item = &Self> {
        self.alternatives.iter().filter(|one| one.types.allows(Kind::Array)).map(|one| &one.items)
    }

    /// What items are, where lists may stand here.
    #[must_use]
    pub fn items(&self) -> Option<&Self> {
        self.alternatives.iter().find(|one| one.types.allows(Kind::Array)).map(|one| &one.items)
    }
}

fn place(sets: &mut Sets<'_>, schemas: &Schemas, options: &Options, depth: usize) -> Shape {
    let set = sets.intern(schemas);
    if sets.get(set).never.is_some() || depth == 0 || schemas.is_empty() {
        return Shape::anything();
    }
    let ways = ways(sets, schemas).map(|ways| ways.sets).unwrap_or_default();
    Shape { alternatives: ways.into_iter().filter_map(|way| alternative(sets, way, options, depth)).collect() }
}

fn alternative(sets: &mut Sets<'_>, way: SetId, options: &Options, depth: usize) -> Option<Alternative> {
    let set = sets.get(way);
    let types = kinds(sets, &set);
    if types == Types::NONE {
        return None;
    }
    let parts = parts(sets, &set);
    let mut one = Alternative { types, items: Shape::anything(), members: Vec::new(), others: None };
    if types.allows(Kind::Array) {
        let listing = listing(sets, &parts);
        // of positions that differ, none is every item's
        let alike = listing.positions.is_empty();
        one.items = if alike { place(sets, &listing.rest, options, depth - 1) } else { Shape::anything() };
    }
    if types.allows(Kind::Object) {
        let membership = membership(sets, &parts, options);
        one.others = others(sets, &parts, &membership.unnamed, options, depth);
        let is_required = |name: &String| parts.iter().any(|(_, object)| object.required.contains(name));
        // as many members as there are names may all be needed
        let least = parts.iter().filter_map(|(_, object)| object.members.min).max().unwrap_or(0);
        let needs_all = one.others.is_none() && least >= membership.named.len();
        let is_conditional = |name: &String| {
            if needs_all {
                return true;
            }
            let mut dependents = parts.iter().flat_map(|(_, object)| &object.dependent);
            dependents.any(|dependent| dependent.needs.contains(name))
        };
        for (name, schemas) in membership.named {
            let set = sets.intern(&schemas);
            if sets.get(set).never.is_none() {
                let shape = place(sets, &schemas, options, depth - 1);
                // what is filled in where it is absent is always there
                let mut objects = schemas.iter().filter_map(|(applied, _)| sets.object(*applied));
                let is_filled = objects.any(|object| object.on_missing && object.default.is_some());
                let (required, is_conditional) = (is_required(&name) || is_filled, is_conditional(&name));
                one.members.push(Member { name, shape, required, is_conditional });
            }
        }
    }
    Some(one)
}

/// Members whose names are not declared: one shape for all.
fn others(
    sets: &mut Sets<'_>,
    parts: &Parts<'_>,
    unnamed: &Unnamed,
    options: &Options,
    depth: usize,
) -> Option<Others> {
    let alternatives = match unnamed {
        Unnamed::None => return None,
        Unnamed::Anything | Unnamed::Asked => Vec::new(),
        Unnamed::Under(all) => {
            let shapes: Vec<Shape> = all.iter().map(|one| place(sets, one, options, depth - 1)).collect();
            // of one that nobody describes, nothing is known
            let is_known = shapes.iter().all(|shape| !shape.alternatives.is_empty());
            shapes.into_iter().filter(|_| is_known).flat_map(|shape| shape.alternatives).collect()
        }
    };
    let names = parts
        .iter()
        .filter_map(|(applied, object)| Some((sets.below(*applied, object.names?), Keyword::PropertyNames)));
    let names: Schemas = names.collect();
    let set = sets.intern(&names);
    let set = sets.get(set);
    let asked = set.parts.iter().filter_map(|part| sets.object(part.applied)).flat_map(|one| one.checks.clone());
    let is_any = matches!(unnamed, Unnamed::Anything | Unnamed::Asked);
    let allows_rest = parts.iter().any(|(_, object)| object.additional.or(object.unevaluated_members).is_some());
    let patterns = parts.iter().filter(|_| !is_any && !allows_rest).flat_map(|(_, object)| &object.patterns);
    let patterns = patterns.map(|(pattern, _)| pattern.clone()).collect();
    Some(Others { shape: Shape { alternatives }, names: asked.collect(), patterns })
}
