//! What a schema describes, as a tree: for typed scripts and documentation.
//!
//! A choice becomes alternatives, a conjunction one description. It describes, and does not decide: whether a value passes
//! is only the sanitizer's to say.

use crate::fate::Keyword;
use crate::json::Kind;
use crate::sanitizer::Options;
use crate::sanitizer::check::Types;
use crate::sanitizer::knowledge::children::{Unnamed, listing, membership, parts};
use crate::sanitizer::knowledge::ways::{Schemas, kinds, ways};
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
    /// Whether members of other names may stand here.
    pub is_open: bool,
}

/// A member that a schema declares.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
    /// Whether the object needs it.
    pub required: bool,
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

    /// The members that some alternative declares.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.alternatives.iter().flat_map(|one| &one.members).map(|member| member.name.as_str()).collect()
    }

    /// Whether members of other names may stand here, or nothing is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.alternatives.is_empty()
            || self.alternatives.iter().any(|one| one.is_open && one.types.allows(Kind::Object))
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
    let mut one = Alternative { types, items: Shape::anything(), members: Vec::new(), is_open: false };
    if types.allows(Kind::Array) {
        let listing = listing(sets, &parts);
        let items = listing.positions.first().unwrap_or(&listing.rest);
        one.items = place(sets, items, options, depth - 1);
    }
    if types.allows(Kind::Object) {
        let membership = membership(sets, &parts, options);
        one.is_open = !matches!(membership.unnamed, Unnamed::None);
        let is_required = |name: &String| parts.iter().any(|(_, object)| object.required.contains(name));
        for (name, schemas) in membership.named {
            let set = sets.intern(&schemas);
            if sets.get(set).never.is_none() {
                let shape = place(sets, &schemas, options, depth - 1);
                one.members.push(Member { required: is_required(&name), name, shape });
            }
        }
    }
    Some(one)
}
