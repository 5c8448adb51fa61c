//! The schema objects that apply at one place (the set Σ), found while a document is repaired.
//!
//! A set is interned, so that a place and a set name one computation. Where a schema has dynamic references, an applied
//! schema object carries its dynamic scope: the resources that it was reached through, outermost first.

use std::collections::BTreeMap;
use std::rc::Rc;

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
pub(super) struct SetId(u32);

/// One schema object of a set, and the one whose `$ref` or `allOf` brought it.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) applied: Applied,
    pub(super) holder: Option<usize>,
}

/// What applies at a place, in Σ order.
#[derive(Default)]
pub(super) struct Set {
    pub(super) parts: Vec<Part>,
    /// Nothing may stand here.
    pub(super) never: Option<(Keyword, Id)>,
    /// What the phases leave holds: there is no choice point, nothing unevaluated, no listed container.
    pub(super) is_plain: bool,
}

/// What tells sets apart.
type Key = (Vec<Applied>, Option<(Keyword, Id)>);

/// All sets of one run.
pub(super) struct Sets<'a> {
    schema: &'a Schema,
    scopes: Vec<Vec<ResourceId>>,
    interned: Vec<Rc<Set>>,
    ids: BTreeMap<Key, SetId>,
}

impl<'a> Sets<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self { schema, scopes: vec![vec![0]], interned: Vec::new(), ids: BTreeMap::new() }
    }

    pub(super) fn object(&self, applied: Applied) -> Option<&'a Object> {
        self.schema.object(applied.id)
    }

    pub(super) fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// The root of the schema.
    pub(super) fn root(&mut self) -> Applied {
        self.enter(0, self.schema.root)
    }

    /// A schema object that is reached from another one.
    pub(super) fn below(&mut self, from: Applied, id: Id) -> Applied {
        self.enter(from.scope, id)
    }

    fn enter(&mut self, scope: u16, id: Id) -> Applied {
        let resource = self.schema.object(id).map_or(0, |object| object.resource);
        let Some(resources) = self.scopes.get(usize::from(scope)).filter(|_| self.schema.is_dynamic) else {
            return Applied { id, scope: 0 };
        };
        if resources.contains(&resource) {
            return Applied { id, scope };
        }
        let mut next = resources.clone();
        next.push(resource);
        let known = self.scopes.iter().position(|scope| *scope == next);
        let at = known.unwrap_or_else(|| {
            self.scopes.push(next);
            self.scopes.len() - 1
        });
        Applied { id, scope: u16::try_from(at).unwrap_or(u16::MAX) }
    }

    /// What a dynamic reference names here: the anchor of the outermost resource that has it.
    pub(super) fn dynamic(&mut self, from: Applied) -> Option<Applied> {
        let dynamic = self.object(from)?.dynamic.as_ref()?;
        let resources = self.scopes.get(usize::from(from.scope))?;
        let has =
            |resource: &ResourceId| self.schema.dynamic.get(usize::from(*resource))?.get(&dynamic.anchor).copied();
        let id = resources.iter().find_map(has).unwrap_or(dynamic.nearest);
        Some(self.enter(from.scope, id))
    }

    /// The set of all that the given schema objects lead to at one place.
    pub(super) fn intern(&mut self, schemas: &[(Applied, Keyword)]) -> SetId {
        let mut set = Set::default();
        for &(applied, keyword) in schemas {
            self.expand(applied, keyword, None, &mut set);
        }
        self.id_of(set)
    }

    /// A set with one more schema object.
    pub(super) fn with(&mut self, set: SetId, applied: Applied, keyword: Keyword) -> SetId {
        let set = self.get(set);
        let mut more = Set { parts: set.parts.clone(), never: set.never, is_plain: false };
        self.expand(applied, keyword, None, &mut more);
        self.id_of(more)
    }

    fn id_of(&mut self, mut set: Set) -> SetId {
        let key = (set.parts.iter().map(|part| part.applied).collect::<Vec<_>>(), set.never);
        let next = SetId(u32::try_from(self.interned.len()).unwrap_or(u32::MAX));
        if let Some(known) = self.ids.get(&key) {
            return *known;
        }
        let objects = set.parts.iter().filter_map(|part| self.object(part.applied));
        set.is_plain = objects.into_iter().all(Object::is_plain);
        self.interned.push(Rc::new(set));
        self.ids.insert(key, next);
        next
    }

    pub(super) fn get(&self, id: SetId) -> Rc<Set> {
        self.interned.get(id.0 as usize).map(Rc::clone).unwrap_or_default()
    }

    /// A schema object, then its `$ref`, then its `allOf` in order; each once.
    fn expand(&mut self, applied: Applied, keyword: Keyword, holder: Option<usize>, set: &mut Set) {
        let Some(object) = self.object(applied) else { return };
        match object.never {
            Some(Never::False) => drop(set.never.get_or_insert((keyword, applied.id))),
            Some(Never::Sensitive) => drop(set.never.get_or_insert((Keyword::Sensitive, applied.id))),
            None => {}
        }
        if set.parts.iter().any(|part| part.applied == applied) {
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
