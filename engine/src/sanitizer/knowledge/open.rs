//! Places where anything may stand, or any amount of it: `unbounded` (S030), `open-object` (S031), `open-array` (S032).
//!
//! The ways out are said by the author: `x-max-bytes` on the place or above it, `additionalProperties: true`, `items: true`.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic, SchemaProblem, Span, suggestion};
use crate::fate::Keyword;
use crate::json::Kind;
use crate::sanitizer::Options;
use crate::sanitizer::check::Types;
use crate::sanitizer::knowledge::children::{Listing, Membership, Parts, Unnamed, listing, membership, parts};
use crate::sanitizer::knowledge::largest::text_bytes;
use crate::sanitizer::knowledge::source::Source;
use crate::sanitizer::knowledge::ways::{Schemas, kinds, lists, ways};
use crate::sanitizer::schema::Object;
use crate::sanitizer::sets::{SetId, Sets};

/// All open and unbounded places of a schema, each once.
pub(super) fn open(sets: &mut Sets<'_>, options: &Options, source: &Source) -> Vec<Diagnostic> {
    if options.bytes_max.is_some() {
        return Vec::new();
    }
    let root = vec![(sets.root(), Keyword::False)];
    let mut walk = Walk {
        sets,
        options,
        source,
        seen: BTreeSet::new(),
        path: Vec::new(),
        said: BTreeSet::new(),
        found: Vec::new(),
    };
    walk.place(&root);
    walk.found
}

struct Walk<'w, 'a> {
    sets: &'w mut Sets<'a>,
    options: &'w Options,
    source: &'w Source,
    seen: BTreeSet<SetId>,
    /// From the root to the place at work.
    path: Vec<SetId>,
    /// What was said of which schema object.
    said: BTreeSet<(Code, String)>,
    found: Vec<Diagnostic>,
}

impl Walk<'_, '_> {
    fn place(&mut self, schemas: &Schemas) {
        let id = self.sets.intern(schemas);
        let set = self.sets.get(id);
        let bounded = parts(self.sets, &set).iter().any(|(_, object)| object.bytes_max.is_some());
        if set.never.is_some() || bounded {
            return;
        }
        if self.path.contains(&id) {
            let parts = parts(self.sets, &set);
            let refers = parts.iter().map(|(_, object)| *object).find(|object| object.reference.is_some());
            self.say(refers.or(parts.first().map(|(_, object)| *object)), SchemaProblem::Recursion);
        }
        if !self.seen.insert(id) {
            return;
        }
        self.path.push(id);
        for way in ways(self.sets, schemas).into_iter().flat_map(|ways| ways.sets) {
            self.way(way);
        }
        self.path.pop();
    }

    fn way(&mut self, id: SetId) {
        let set = self.sets.get(id);
        let allowed = kinds(self.sets, &set);
        let parts = parts(self.sets, &set);
        if lists(self.sets, &set)
            || allowed == Types::NONE
            || parts.iter().any(|(_, object)| object.bytes_max.is_some())
        {
            return;
        }
        if parts.iter().all(|(_, object)| object.is_anything()) {
            self.say(parts.first().map(|(_, object)| *object), SchemaProblem::Anything);
            return;
        }
        if allowed.allows(Kind::String) && text_bytes(&parts).is_none() {
            self.say(blamed(&parts, Kind::String), SchemaProblem::UnboundedString);
        }
        if allowed.allows(Kind::Array) {
            let listing = listing(self.sets, &parts);
            self.list(&parts, &listing);
        }
        if allowed.allows(Kind::Object) {
            let membership = membership(self.sets, &parts, self.options);
            self.object(&parts, &membership);
        }
    }

    /// Reports one problem of a code at a schema object.
    fn say(&mut self, object: Option<&Object>, problem: SchemaProblem) {
        let Some(object) = object else { return };
        let diagnostic = Diagnostic::new(self.source.at(&object.pointer), problem);
        if self.said.insert((diagnostic.code, object.pointer.clone())) {
            self.found.push(diagnostic);
        }
    }

    fn list(&mut self, parts: &Parts<'_>, listing: &Listing) {
        let ends = listing.max.is_some_and(|max| max <= listing.positions.len());
        let blamed = blamed(parts, Kind::Array);
        if listing.rest.is_empty() && !ends {
            self.say(blamed, SchemaProblem::OpenList);
            return;
        }
        let asked = listing.rest.iter().all(|(applied, _)| self.sets.object(*applied).is_some_and(Object::is_anything));
        let rest = self.sets.intern(&listing.rest);
        if self.sets.get(rest).never.is_none() && !ends && !asked {
            if listing.max.is_none() {
                self.say(blamed, SchemaProblem::UnboundedList);
            }
            self.place(&listing.rest);
        }
        listing.positions.iter().for_each(|position| self.place(position));
    }

    fn object(&mut self, parts: &Parts<'_>, membership: &Membership) {
        let blamed = blamed(parts, Kind::Object);
        for (applied, name) in &membership.listed {
            let Some(object) = self.sets.object(*applied) else { continue };
            if self.said.insert((Code::S031, format!("{}/required/{name}", object.pointer))) {
                let declared: Vec<_> = membership.named.iter().map(|(name, _)| name.as_str()).collect();
                let help =
                    if declared.is_empty() { "declare it in `properties`".into() } else { suggestion(name, &declared) };
                let problem = SchemaProblem::UndescribedMember { name: name.clone(), help: Some(help) };
                self.found.push(Diagnostic::new(self.source.at_listed(&object.pointer, name), problem));
            }
        }
        match &membership.unnamed {
            Unnamed::Anything => {
                self.say(blamed, SchemaProblem::OpenObject);
            }
            Unnamed::Under(all) => {
                if membership.max.is_none() {
                    self.say(blamed, SchemaProblem::UnboundedObject);
                }
                for schemas in all {
                    self.place(schemas);
                }
            }
            Unnamed::None | Unnamed::Asked => {}
        }
        membership.named.iter().for_each(|(_, schemas)| self.place(schemas));
    }
}

/// The schema object that allows a kind: the last that says so, else the first.
fn blamed<'a>(parts: &Parts<'a>, kind: Kind) -> Option<&'a Object> {
    let says = |(_, object): &&(_, &Object)| object.types.is_some_and(|types| types.allows(kind));
    parts.iter().rfind(says).or(parts.first()).map(|(_, object)| *object)
}

/// Where the largest output is made: at the first list with a bound, on the way down; else at the root.
pub(super) fn heaviest(sets: &mut Sets<'_>, source: &Source) -> Span {
    let schema = sets.schema();
    let bounded = schema.objects.iter().filter_map(|object| Some((object.length.max?, object)));
    let list = bounded.max_by_key(|(max, object)| (*max, std::cmp::Reverse(object.pointer.len())));
    match list {
        Some((_, object)) => source.at_value(&object.pointer, "maxItems"),
        None => source.at("#"),
    }
}
