//! What references can name: resources by their URI, anchors in them, places by pointer (JSON Schema 2020-12 core §8, §9).

use std::collections::BTreeMap;

use fluent_uri::{Uri, UriRef};

use super::vocabulary::{REF_ALONE, id_keyword};
use crate::json::{Kind, View};
use crate::pointer::{self, Pointer};

/// A resource, by its position.
pub(super) type ResourceId = u16;

/// The base of a schema that names none.
pub(super) const BASE: &str = "json-schema:///";

/// Keywords whose value is a schema.
const ONE: [&str; 12] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const LIST: [&str; 5] = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
/// Keywords whose value holds schemas by name.
const NAMED: [&str; 7] =
    ["$defs", "$files", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

/// A schema with an identity of its own, and what is in it.
pub(super) struct Resource {
    uri: String,
    /// Its root.
    pub(super) root: u32,
    anchors: BTreeMap<String, u32>,
    /// Anchors that a dynamic reference may find from further out; the empty name is `$recursiveAnchor`.
    pub(super) dynamic: BTreeMap<String, u32>,
}

/// A place that a reference names.
pub(super) struct Target {
    pub(super) at: u32,
    pub(super) resource: ResourceId,
    pub(super) pointer: String,
}

/// Why a reference names nothing.
pub(super) enum Unresolved {
    /// It points into this file, at nothing.
    Nothing,
    /// It points elsewhere.
    Elsewhere,
}

/// All that can be named in one file.
pub(super) struct Identifiers {
    pub(super) resources: Vec<Resource>,
    /// The resource and the pointer of each schema.
    places: BTreeMap<u32, (ResourceId, String)>,
    draft: u16,
}

impl Identifiers {
    /// Walks all schemas of a file.
    pub(super) fn collect(root: View<'_>, draft: u16) -> Self {
        let mut all = Self { resources: Vec::new(), places: BTreeMap::new(), draft };
        let base = Resource { uri: BASE.to_owned(), root: 0, anchors: BTreeMap::new(), dynamic: BTreeMap::new() };
        all.resources.push(base);
        all.schema(root, 0, "#");
        all
    }

    fn schema(&mut self, view: View<'_>, outer: ResourceId, pointer: &str) {
        let Some(place) = view.place() else { return };
        let hidden = self.draft <= REF_ALONE && view.get("$ref").is_some();
        let resource = if hidden { outer } else { self.identify(view, outer, place.at) };
        if self.places.insert(place.at, (resource, pointer.to_owned())).is_some() || view.kind() != Kind::Object {
            return;
        }
        for (name, value) in view.members() {
            let name = name.decode();
            let mut below = pointer.to_owned();
            pointer::push(&mut below, &name);
            let children: Vec<(Option<String>, View<'_>)> = match value.kind() {
                Kind::Object | Kind::Bool if ONE.contains(&name.as_ref()) => vec![(None, value)],
                Kind::Array if LIST.contains(&name.as_ref()) => {
                    value.items().enumerate().map(|(index, item)| (Some(index.to_string()), item)).collect()
                }
                Kind::Object if NAMED.contains(&name.as_ref()) => {
                    value.members().map(|(name, value)| (Some(name.decode().into_owned()), value)).collect()
                }
                _ => continue,
            };
            for (token, child) in children {
                let mut at = below.clone();
                if let Some(token) = token {
                    pointer::push(&mut at, &token);
                }
                self.schema(child, resource, &at);
            }
        }
    }

    /// The resource that a schema belongs to: its own if it names itself.
    fn identify(&mut self, view: View<'_>, outer: ResourceId, at: u32) -> ResourceId {
        let text = |name: &str| view.get(name).and_then(View::as_text).map(|text| text.decode().into_owned());
        let mut resource = outer;
        if let Some(id) = text(id_keyword(self.draft)) {
            let (uri, fragment) = id.split_once('#').unwrap_or((&id, ""));
            if !uri.is_empty() {
                let uri = self.absolute(outer, uri).unwrap_or_else(|| uri.to_owned());
                resource = self.add(uri, at);
            }
            if !fragment.is_empty() && self.draft <= REF_ALONE {
                self.anchor(resource, fragment.to_owned(), at);
            }
        }
        if let Some(anchor) = text("$anchor") {
            self.anchor(resource, anchor, at);
        }
        let recursive = view.get("$recursiveAnchor").and_then(View::as_bool) == Some(true);
        let dynamic = text("$dynamicAnchor").or_else(|| recursive.then(String::new));
        if let Some(anchor) = dynamic {
            self.anchor(resource, anchor.clone(), at);
            if let Some(resource) = self.resources.get_mut(usize::from(resource)) {
                resource.dynamic.insert(anchor, at);
            }
        }
        resource
    }

    fn add(&mut self, uri: String, at: u32) -> ResourceId {
        if at == 0
            && let Some(root) = self.resources.first_mut()
        {
            root.uri = uri;
            return 0;
        }
        self.resources.push(Resource { uri, root: at, anchors: BTreeMap::new(), dynamic: BTreeMap::new() });
        u16::try_from(self.resources.len() - 1).unwrap_or(u16::MAX)
    }

    fn anchor(&mut self, resource: ResourceId, name: String, at: u32) {
        if let Some(resource) = self.resources.get_mut(usize::from(resource)) {
            resource.anchors.insert(name, at);
        }
    }

    /// A reference without its fragment, made absolute.
    fn absolute(&self, base: ResourceId, reference: &str) -> Option<String> {
        let base = Uri::parse(self.resources.get(usize::from(base))?.uri.as_str()).ok()?;
        let absolute = UriRef::parse(reference).ok()?.resolve_against(&base).ok()?;
        Some(absolute.normalize().as_str().trim_end_matches('#').to_owned())
    }

    /// The place that a reference of a schema in `base` names.
    pub(super) fn resolve(&self, root: View<'_>, base: ResourceId, reference: &str) -> Result<Target, Unresolved> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let named = if uri.is_empty() {
            self.resources.get(usize::from(base)).map(|resource| (base, resource))
        } else {
            let absolute = self.absolute(base, uri).unwrap_or_else(|| uri.to_owned());
            let position = self.resources.iter().position(|resource| resource.uri == absolute);
            position.and_then(|index| Some((u16::try_from(index).ok()?, self.resources.get(index)?)))
        };
        let (id, resource) = named.ok_or(Unresolved::Elsewhere)?;
        let fragment = percent_decode(fragment).ok_or(Unresolved::Nothing)?;
        if !fragment.is_empty() && !fragment.starts_with('/') {
            let at = resource.anchors.get(&fragment).copied().ok_or(Unresolved::Nothing)?;
            return Ok(self.target(at, id, reference));
        }
        let top = if resource.root == 0 { root } else { document_place(root, resource.root) };
        let pointer = Pointer::parse(&fragment).ok_or(Unresolved::Nothing)?;
        let place = pointer.get(top).and_then(View::place).ok_or(Unresolved::Nothing)?;
        Ok(self.target(place.at, id, reference))
    }

    fn target(&self, at: u32, resource: ResourceId, reference: &str) -> Target {
        match self.places.get(&at) {
            Some((resource, pointer)) => Target { at, resource: *resource, pointer: pointer.clone() },
            None => Target { at, resource, pointer: reference.to_owned() },
        }
    }

    /// The resource of a schema.
    pub(super) fn resource_of(&self, at: u32, outer: ResourceId) -> ResourceId {
        self.places.get(&at).map_or(outer, |(resource, _)| *resource)
    }

    /// The name of the dynamic anchor that a place has in its resource, if it has this one.
    pub(super) fn is_dynamic(&self, target: &Target, anchor: &str) -> bool {
        let resource = self.resources.get(usize::from(target.resource));
        resource.is_some_and(|resource| resource.dynamic.get(anchor) == Some(&target.at))
    }
}

fn document_place(root: View<'_>, at: u32) -> View<'_> {
    match root {
        View::Place(place) => View::Place(crate::json::Place { document: place.document, at }),
        View::Built(_) => root,
    }
}

/// Decodes the `%XX` of a URI fragment (RFC 3986 §2.1).
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}
