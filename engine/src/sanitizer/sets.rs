//! The schema objects that apply at one place: the set Σ.
//!
//! Sets are interned, so that a place and a set name one computation. What a schema leads to is interned once, when it is
//! compiled; a run adds what only its document leads to. Where a schema has dynamic references, an applied schema object
//! carries its dynamic scope: the resources that it was reached through, outermost first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::identifiers::ResourceId;
use super::schema::{Id, Never, Object, Schema};
use crate::fate::Keyword;

/// A schema object in a dynamic scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Applied {
    pub(super) id: Id,
    scope: u16,
}

/// An interned set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SetId(pub(super) u32);

/// One schema object of a set, and the one whose `$ref` or `allOf` brought it.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) applied: Applied,
    pub(super) holder: Option<usize>,
}

/// What applies at a place, in Σ order.
#[derive(Clone, Default)]
pub(super) struct Set {
    pub(super) parts: Vec<Part>,
    /// Nothing may stand here.
    pub(super) never: Option<(Keyword, Id)>,
}

impl Set {
    /// The first schema object: reports name it where no single one failed.
    pub(super) fn first(&self) -> Id {
        self.parts.first().map_or(0, |part| part.applied.id)
    }

    pub(super) fn has(&self, applied: Applied) -> bool {
        self.parts.iter().any(|part| part.applied == applied)
    }
}

/// What tells sets apart.
type Key = (Vec<Applied>, Option<(Keyword, Id)>);

/// Sets by their ids, and scopes; the scope 0 is the root's resource alone.
#[derive(Clone, Default)]
pub(super) struct Interned {
    scopes: Vec<Vec<ResourceId>>,
    sets: Vec<Arc<Set>>,
    ids: BTreeMap<Key, SetId>,
}

const ROOT_SCOPE: &[ResourceId] = &[0];
static NOTHING: Interned = Interned { scopes: Vec::new(), sets: Vec::new(), ids: BTreeMap::new() };

/// The sets of one schema, those that were interned before and those of this run.
#[derive(Clone)]
pub(super) struct Sets<'a> {
    schema: &'a Schema,
    base: &'a Interned,
    own: Interned,
}

impl<'a> Sets<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self::over(schema, &NOTHING)
    }

    /// Adds to what was interned before.
    pub(super) fn over(schema: &'a Schema, base: &'a Interned) -> Self {
        Self { schema, base, own: Interned::default() }
    }

    /// What was interned, for runs to come.
    pub(super) fn into_interned(self) -> Interned {
        self.own
    }

    pub(super) fn object(&self, applied: Applied) -> Option<&'a Object> {
        self.schema.object(applied.id)
    }

    pub(super) fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// How many sets there are.
    pub(super) fn len(&self) -> usize {
        self.base.sets.len() + self.own.sets.len()
    }

    /// The root of the schema.
    pub(super) fn root(&mut self) -> Applied {
        self.enter(0, self.schema.root)
    }

    /// A schema object that is reached from another one.
    pub(super) fn below(&mut self, from: Applied, id: Id) -> Applied {
        self.enter(from.scope, id)
    }

    fn scope(&self, scope: u16) -> &[ResourceId] {
        let Some(at) = usize::from(scope).checked_sub(1) else { return ROOT_SCOPE };
        let own = || self.own.scopes.get(at - self.base.scopes.len());
        self.base.scopes.get(at).or_else(own).map_or(ROOT_SCOPE, Vec::as_slice)
    }

    fn enter(&mut self, scope: u16, id: Id) -> Applied {
        if !self.schema.is_dynamic {
            return Applied { id, scope: 0 };
        }
        let resource = self.schema.object(id).map_or(0, |object| object.resource);
        let resources = self.scope(scope);
        if resources.contains(&resource) {
            return Applied { id, scope };
        }
        let next = [resources, &[resource]].concat();
        let known = self.base.scopes.iter().chain(&self.own.scopes).position(|scope| *scope == next);
        let at = known.unwrap_or_else(|| {
            self.own.scopes.push(next);
            self.base.scopes.len() + self.own.scopes.len() - 1
        });
        Applied { id, scope: u16::try_from(at + 1).unwrap_or(u16::MAX) }
    }

    /// What a dynamic reference names here: the anchor of the outermost resource that has it.
    pub(super) fn dynamic(&mut self, from: Applied) -> Option<Applied> {
        let dynamic = self.object(from)?.dynamic.as_ref()?;
        let has =
            |resource: &ResourceId| self.schema.dynamic.get(usize::from(*resource))?.get(&dynamic.anchor).copied();
        let id = self.scope(from.scope).iter().find_map(has).unwrap_or(dynamic.nearest);
        Some(self.enter(from.scope, id))
    }

    /// All that the given schema objects lead to at one place.
    pub(super) fn set(&mut self, schemas: &[(Applied, Keyword)]) -> Set {
        let mut set = Set::default();
        for &(applied, keyword) in schemas {
            self.expand(applied, keyword, None, &mut set);
        }
        set
    }

    /// The same, interned.
    pub(super) fn intern(&mut self, schemas: &[(Applied, Keyword)]) -> SetId {
        let set = self.set(schemas);
        self.id_of(set)
    }

    /// A set with one more schema object.
    pub(super) fn with(&mut self, set: SetId, applied: Applied, keyword: Keyword) -> SetId {
        let mut more = Set::clone(&self.get(set));
        self.expand(applied, keyword, None, &mut more);
        self.id_of(more)
    }

    fn id_of(&mut self, set: Set) -> SetId {
        let key = (set.parts.iter().map(|part| part.applied).collect::<Vec<_>>(), set.never);
        if let Some(known) = self.base.ids.get(&key).or_else(|| self.own.ids.get(&key)) {
            return *known;
        }
        let next = SetId(u32::try_from(self.len()).unwrap_or(u32::MAX));
        self.own.sets.push(Arc::new(set));
        self.own.ids.insert(key, next);
        next
    }

    pub(super) fn get(&self, id: SetId) -> Arc<Set> {
        let at = id.0 as usize;
        let own = || self.own.sets.get(at - self.base.sets.len());
        self.base.sets.get(at).or_else(own).map(Arc::clone).unwrap_or_default()
    }

    /// A schema object, then its `$ref`, then its `allOf` in order; each once.
    fn expand(&mut self, applied: Applied, keyword: Keyword, holder: Option<usize>, set: &mut Set) {
        let Some(object) = self.object(applied) else { return };
        match object.never {
            Some(Never::False) => drop(set.never.get_or_insert((keyword, applied.id))),
            Some(Never::Sensitive) => drop(set.never.get_or_insert((Keyword::Sensitive, applied.id))),
            None => {}
        }
        if set.has(applied) {
            return;
        }
        let own = Some(set.parts.len());
        set.parts.push(Part { applied, holder });
        for target in [object.reference.map(|id| self.below(applied, id)), self.dynamic(applied)].into_iter().flatten()
        {
            self.expand(target, Keyword::Ref, own, set);
        }
        for &part in &object.all_of {
            let part = self.below(applied, part);
            self.expand(part, Keyword::AllOf, own, set);
        }
    }
}
