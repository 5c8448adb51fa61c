//! Reads a schema file into schema objects.
//!
//! Nothing is silently ignored: an unknown keyword, one of another draft, a value of the wrong kind and a `$ref` to nothing
//! are errors, each at its own place (codes S001–S016). Only annotations (`title`, `examples`, …)
//! and foreign `x-` keywords that are near none of ours pass unread. Beside a `$ref` of draft 7 and before, keywords are
//! read for their errors and then dropped, as those drafts say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::branches;
use super::check::Check;
use super::identifiers::{Identifiers, ResourceId, Unresolved};
use super::pattern::Pattern;
use super::schema::{Contains, Dependent, Dynamic, Id, NO_SCHEMA, Never, Object, Schema, Step};
use super::vocabulary::{DRAFTS, FILES, REF_ALONE, Standing, standing, words};
use crate::diagnostic::{Diagnostic, Help, SchemaProblem, Span, nearest, suggestion};
use crate::fate::Keyword;
use crate::json::{Document, Kind, Place, View};
use crate::pointer;

/// Schema objects that one file may have.
const OBJECTS_MAX: usize = 8_192;
/// Members that one schema object may declare.
const PROPERTIES_MAX: usize = 4_096;
/// Names in one `dependentRequired`: each is followed to all that it needs.
const DEPENDENT_MAX: usize = 1_024;
/// Nested schema objects that are read.
const NESTING_MAX: usize = 128;

/// Reads the schema of `document`, or says all that is wrong with it.
pub(super) fn read(file: &str, document: &Arc<Document>) -> Result<Schema, Vec<Diagnostic>> {
    let (schema, errors) = read_all(file, document);
    if errors.is_empty() { Ok(schema) } else { Err(errors) }
}

/// The same; with what is wrong comes what could be read.
pub(super) fn read_all(file: &str, document: &Arc<Document>) -> (Schema, Vec<Diagnostic>) {
    let (draft, error) = draft_of(file, document);
    let mut reader = Reader {
        file,
        document,
        identifiers: Identifiers::collect(document.root(), draft),
        objects: Vec::new(),
        ids: BTreeMap::new(),
        errors: error.into_iter().collect(),
        draft,
        nesting: 0,
        keyword: String::new(),
        asking: 0,
        is_full: false,
    };
    let root = document.root().place().map_or(0, |place| reader.schema(place, "#", 0));
    let dynamic = reader.dynamic_anchors();
    let Reader { objects, errors, .. } = reader;
    (Schema::new(objects, root, dynamic, draft), errors)
}

/// What took a keyword's place in a later draft.
fn later(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "id" => "$id",
        "definitions" => "$defs",
        "dependencies" => "dependentRequired` or `dependentSchemas",
        "additionalItems" => "items` beside `prefixItems",
        "$recursiveRef" => "$dynamicRef",
        _ => return None,
    })
}

/// The draft that a file names, by its number or year.
pub(super) fn draft_of(file: &str, document: &Arc<Document>) -> (u16, Option<Diagnostic>) {
    let latest = DRAFTS[0];
    let Some(value) = document.root().get("$schema") else { return (latest.1, None) };
    let uri = value.as_text().map(|text| text.decode().trim_end_matches('#').to_owned());
    match DRAFTS.iter().find(|(draft, _)| Some(*draft) == uri.as_deref()) {
        Some((_, draft)) => (*draft, None),
        None => {
            let uri = uri.unwrap_or_else(|| value.to_text());
            let known: Vec<&str> = DRAFTS.iter().map(|(draft, _)| *draft).collect();
            let near =
                nearest(&uri.replace("https://json-schema.org/draft-0", "http://json-schema.org/draft-0"), &known);
            let near = near.unwrap_or(latest.0).to_owned();
            let problem = SchemaProblem::UnknownDraft { uri, near };
            (latest.1, Some(Diagnostic::new(Span::at_view(file, value), problem)))
        }
    }
}

pub(super) struct Reader<'a> {
    file: &'a str,
    document: &'a Arc<Document>,
    identifiers: Identifiers,
    objects: Vec<Object>,
    ids: BTreeMap<u32, Id>,
    errors: Vec<Diagnostic>,
    draft: u16,
    nesting: usize,
    /// The keyword whose value is read.
    pub(super) keyword: String,
    /// How many keywords around this place only ask, and change nothing (A5).
    asking: usize,
    /// There are more schema objects than are read.
    is_full: bool,
}

/// One keyword of a schema object: its name, its value, and where the object stands.
#[derive(Clone, Copy)]
struct Member<'a> {
    keyword: &'a str,
    name: View<'a>,
    value: View<'a>,
    at: &'a str,
    resource: ResourceId,
}

impl<'a> Reader<'a> {
    pub(super) fn error(&mut self, view: View<'_>, problem: SchemaProblem) {
        self.errors.push(Diagnostic::new(Span::at_view(self.file, view), problem));
    }

    /// Reads what dynamic references may find, each by the resource that has it.
    fn dynamic_anchors(&mut self) -> Vec<BTreeMap<String, Id>> {
        let resources = self.identifiers.resources.iter().map(|resource| resource.dynamic.clone()).collect::<Vec<_>>();
        let mut anchors = Vec::new();
        for (resource, dynamic) in (0_u16..).zip(resources) {
            let ids = dynamic.into_iter().map(|(name, at)| {
                let place = Place { document: self.document, at };
                (name, self.schema(place, "#", resource))
            });
            anchors.push(ids.collect());
        }
        anchors
    }

    /// Reads the schema at a place, once.
    fn schema(&mut self, place: Place<'a>, pointer: &str, outer: ResourceId) -> Id {
        if let Some(&id) = self.ids.get(&place.at) {
            return id;
        }
        if self.is_full {
            return 0;
        }
        let id = u16::try_from(self.objects.len()).unwrap_or(u16::MAX);
        if self.objects.len() >= OBJECTS_MAX || self.nesting >= NESTING_MAX {
            // what is behind it is not read, and said once is enough
            if !self.is_full {
                let problem = SchemaProblem::TooLarge { objects_max: OBJECTS_MAX, nesting_max: NESTING_MAX };
                self.error(View::Place(place), problem);
            }
            self.is_full = true;
            return 0;
        }
        self.ids.insert(place.at, id);
        self.objects.push(Object { pointer: pointer.to_owned(), ..Object::default() });
        self.nesting += 1;
        let resource = self.identifiers.resource_of(place.at, outer);
        let mut object = Object { pointer: pointer.to_owned(), resource, ..Object::default() };
        let view = View::Place(place);
        match (view.kind(), view.as_bool()) {
            (Kind::Bool, value) => object.never = (value == Some(false)).then_some(Never::False),
            (Kind::Object, _) => self.keywords(view, pointer, &mut object),
            _ => self.no_schema(view, pointer),
        }
        self.nesting -= 1;
        if let Some(slot) = self.objects.get_mut(usize::from(id)) {
            *slot = object;
        }
        id
    }

    /// A value where a schema should stand, at the keyword or member that has it.
    fn no_schema(&mut self, view: View<'a>, pointer: &str) {
        let Some(keyword) = pointer.rsplit('/').next().filter(|name| *name != "#").map(str::to_owned) else {
            return self.error(view, SchemaProblem::NoSchema);
        };
        let help = match (keyword.as_str(), view.kind()) {
            ("items", Kind::Array) => Some(Help::from("write `prefixItems` for positions")),
            (name, Kind::Array) if words(self.draft).contains(&name) => {
                Some(Help::from(format!("`{name}` is a keyword: it belongs beside `properties`, not inside")))
            }
            _ => None,
        };
        self.error(view, SchemaProblem::NoSchemaFor { keyword, help });
    }

    fn keywords(&mut self, view: View<'a>, pointer: &str, object: &mut Object) {
        let only_ref = self.draft <= REF_ALONE && view.get("$ref").is_some();
        let resource = object.resource;
        for (name, value) in view.named_members() {
            let keyword = name.as_text().map(|text| text.decode().into_owned()).unwrap_or_default();
            let member = Member { keyword: &keyword, name, value, at: pointer, resource };
            let ours = keyword.starts_with("x-")
                || matches!(keyword.as_str(), "$ref" | "$defs" | "default" | "definitions" | FILES);
            if only_ref && !ours {
                // draft 7 and before: what stands beside `$ref` says nothing, but it must be right
                self.keyword(member, &mut Object::default());
            } else {
                self.keyword(member, object);
            }
        }
        self.together(view, object);
    }

    /// What only several keywords say together.
    fn together(&mut self, view: View<'a>, object: &mut Object) {
        object.choices.dependent.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        if self.draft == 4 {
            for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
                if view.get(exclusive).and_then(View::as_bool) == Some(true) {
                    exclude(&mut object.checks, bound);
                }
            }
        }
        if view.get("items").is_none_or(|items| items.kind() != Kind::Array) && self.draft < 2020 {
            // without a list of positions there is nothing for `additionalItems` to be additional to
            object.items = object.items.filter(|(_, keyword)| *keyword == Keyword::Items);
        }
        let lacks_default = SchemaProblem::StepNeeds { step: "default", needs: "a `default`" };
        if object.on_invalid.contains(&Step::Default) && object.default.is_none() {
            self.error(view.get("x-on-invalid").unwrap_or(view), lacks_default.clone());
        }
        self.needs(view, object);
        if object.on_missing && object.default.is_none() {
            self.error(view.get("x-on-missing").unwrap_or(view), lacks_default);
        }
    }

    /// Steps of `x-on-invalid` that lack what they work with.
    fn needs(&mut self, view: View<'_>, object: &Object) {
        let has = |wanted: fn(&Check) -> bool| object.checks.iter().any(wanted);
        let is_bound = |check: &Check| {
            matches!(
                check,
                Check::Minimum(_) | Check::Maximum(_) | Check::ExclusiveMinimum(_) | Check::ExclusiveMaximum(_)
            )
        };
        let has_length = has(|check| matches!(check, Check::MaxLength(_)));
        let has_type = object.types.is_some() || object.reference.is_some();
        for (own, is_met, step, needs) in [
            (Step::Truncate, has_length, "truncate", "a `maxLength`"),
            (Step::Clamp, has(is_bound), "clamp", "a bound"),
            (Step::Coerce, has_type, "coerce", "a `type`"),
        ] {
            if object.on_invalid.contains(&own) && !is_met {
                self.error(view.get("x-on-invalid").unwrap_or(view), SchemaProblem::StepNeeds { step, needs });
            }
        }
    }

    fn keyword(&mut self, member: Member<'_>, object: &mut Object) {
        let Member { keyword, value, .. } = member;
        if !self.stands(member) {
            return;
        }
        if self.asking > 0 && matches!(keyword, "x-on-invalid" | "x-on-missing" | "x-atomic") {
            self.error(member.name, SchemaProblem::AsksOnly { keyword: keyword.to_owned() });
        }
        keyword.clone_into(&mut self.keyword);
        match keyword {
            "type" => object.types = Some(self.types(value)),
            "exclusiveMinimum" | "exclusiveMaximum" if self.draft == 4 => drop(self.boolean(value)),
            "enum" | "const" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
            | "minLength" | "maxLength" | "pattern" | "format" => object.checks.extend(self.check(keyword, value)),
            "required" => object.required = self.strings(value),
            "dependentRequired" => {
                let count: usize = value.members().map(|(_, needs)| 1 + needs.len()).sum();
                if count > DEPENDENT_MAX {
                    self.error(member.name, SchemaProblem::TooManyDependent { count, most: DEPENDENT_MAX });
                } else {
                    object.dependent.extend(self.dependent(value));
                }
            }
            "minProperties" => object.members.min = self.size(value),
            "maxProperties" => object.members.max = self.size(value),
            "minItems" => object.length.min = self.size(value),
            "maxItems" => object.length.max = self.size(value),
            "uniqueItems" => object.unique = self.boolean(value),
            "default" => object.default = Some(value.to_json()),
            "x-max-bytes" => object.bytes_max = self.size(value),
            "x-sensitive" => object.never = self.boolean(value).then_some(Never::Sensitive),
            "x-allow-sensitive" => object.allowed = self.detectors(value),
            "x-on-invalid" => object.on_invalid = self.steps(value),
            "x-atomic" => object.is_atomic = self.boolean(value),
            "x-on-missing" => object.on_missing = self.missing(value),
            "$ref" => object.reference = self.reference(value, member.resource),
            "$dynamicRef" | "$recursiveRef" => self.dynamic_reference(member, object),
            _ => self.applicator(member, object),
        }
    }

    fn applicator(&mut self, member: Member<'_>, object: &mut Object) {
        let Member { keyword, value, .. } = member;
        match keyword {
            "properties" => {
                object.names_members = true;
                if value.len() > PROPERTIES_MAX {
                    let problem = SchemaProblem::TooManyMembers { count: value.len(), most: PROPERTIES_MAX };
                    self.error(member.name, problem);
                } else {
                    object.properties = self.named_schemas(member);
                }
            }
            "patternProperties" => {
                object.names_members = true;
                object.patterns = self.pattern_schemas(member);
            }
            "$defs" | "definitions" | FILES => drop(self.named_schemas(member)),
            "additionalProperties" => object.additional = self.child(member),
            "propertyNames" => object.names = self.child(member),
            "prefixItems" => object.prefix = self.list_of_schemas(member),
            "items" if value.kind() == Kind::Array && self.draft < 2020 => object.prefix = self.list_of_schemas(member),
            "items" => object.items = self.child(member).map(|id| (id, Keyword::Items)),
            "additionalItems" => {
                let items = self.child(member).map(|id| (id, Keyword::AdditionalItems));
                object.items = object.items.or(items);
            }
            "unevaluatedProperties" => object.unevaluated_members = self.child(member),
            "unevaluatedItems" => object.unevaluated_items = self.child(member),
            "allOf" => object.all_of = self.list_of_schemas(member),
            "anyOf" => object.choices.any_of = self.branches(member),
            "oneOf" => object.choices.one_of = self.branches(member),
            "not" => object.choices.not = self.child(member),
            "if" => object.choices.condition = self.child(member),
            "then" => object.choices.then = self.child(member),
            "else" => object.choices.otherwise = self.child(member),
            "dependentSchemas" => {
                let schemas = self.named_schemas(member).into_iter();
                object.choices.dependent.extend(schemas.map(|(name, id)| (name, id, Keyword::DependentSchemas)));
            }
            "dependencies" => self.dependencies(member, object),
            "contains" | "minContains" | "maxContains" => self.contains(member, object),
            "$schema" if member.at != "#" => self.embedded_draft(member),
            _ => {}
        }
    }

    /// The branches of a union: as many as `check` can compare.
    fn branches(&mut self, member: Member<'_>) -> Vec<Id> {
        let Member { keyword, value, .. } = member;
        let most = branches::most(value, self.document.root());
        if value.len() > most {
            let (keyword, count, tagged_max) = (keyword.to_owned(), value.len(), branches::TAGGED_MAX);
            self.error(member.name, SchemaProblem::TooManyBranches { keyword, count, most, tagged_max });
            return Vec::new();
        }
        self.list_of_schemas(member)
    }

    /// A resource inside a file names the draft of the file, or none.
    fn embedded_draft(&mut self, member: Member<'_>) {
        let uri = member.value.as_text().map(|text| text.decode().trim_end_matches('#').to_owned());
        let same = DRAFTS.iter().any(|(draft, year)| Some(*draft) == uri.as_deref() && *year == self.draft);
        if !same {
            self.error(member.value, SchemaProblem::OtherDraft);
        }
    }

    fn contains(&mut self, member: Member<'_>, object: &mut Object) {
        let mut contains = object.contains.unwrap_or(Contains { schema: NO_SCHEMA, min: None, max: None });
        match member.keyword {
            "minContains" => contains.min = self.size(member.value),
            "maxContains" => contains.max = self.size(member.value),
            _ => contains.schema = self.child(member).unwrap_or(NO_SCHEMA),
        }
        object.contains = Some(contains);
    }

    /// `dependencies`: a list of names, or a schema.
    fn dependencies(&mut self, member: Member<'_>, object: &mut Object) {
        for (name, value) in member.value.members() {
            let trigger = name.decode().into_owned();
            if value.kind() == Kind::Array {
                let needs = self.strings(value);
                object.dependent.push(Dependent { trigger, needs, keyword: Keyword::Dependencies });
            } else {
                let id = self.child_at(member, &[&trigger], value);
                object.choices.dependent.extend(id.map(|id| (trigger, id, Keyword::Dependencies)));
            }
        }
    }

    fn dynamic_reference(&mut self, member: Member<'_>, object: &mut Object) {
        let Some(text) = self.text(member.value) else { return };
        let anchor = text.split_once('#').map_or("", |(_, anchor)| anchor).to_owned();
        let target = self.identifiers.resolve(self.document.root(), member.resource, &text).ok();
        let is_dynamic = target.is_some_and(|target| self.identifiers.is_dynamic(&target, &anchor));
        let Some(nearest) = self.reference(member.value, member.resource) else { return };
        if is_dynamic {
            object.dynamic = Some(Dynamic { anchor, nearest });
        } else {
            // an ordinary reference; beside a `$ref` it is one more part of an `allOf`
            object.all_of.push(nearest);
        }
    }

    fn steps(&mut self, value: View<'_>) -> Vec<Step> {
        let words: Vec<_> = if value.kind() == Kind::Array { value.items().collect() } else { vec![value] };
        let mut steps = Vec::new();
        for word in words {
            let name = word.as_text().map(|text| text.decode().into_owned()).unwrap_or_default();
            match Step::by_word(&name) {
                Some(step) => steps.push(step),
                None => {
                    let help = Some(suggestion(&name, &Step::WORDS));
                    self.error(word, SchemaProblem::UnknownStep { step: name, keyword: "x-on-invalid", help });
                }
            }
        }
        steps
    }

    fn missing(&mut self, value: View<'_>) -> bool {
        let is_default = value.as_text().is_some_and(|text| text.is("default"));
        if !is_default {
            let (step, help) = (value.word(), Some(Help::from("write `default`")));
            self.error(value, SchemaProblem::UnknownStep { step, keyword: "x-on-missing", help });
        }
        is_default
    }

    /// Whether a member is a keyword of this draft; if it looks like one of ours and is none, that is said.
    fn stands(&mut self, member: Member<'_>) -> bool {
        let Member { keyword: own, name, .. } = member;
        let keyword = own.to_owned();
        match standing(own, self.draft) {
            Standing::Keyword => return true,
            Standing::From(draft) => {
                self.error(name, SchemaProblem::KeywordFrom { keyword, draft: draft.to_string() });
            }
            Standing::UpTo(draft) => {
                let help = later(own).map(|later| Help::from(format!("write `{later}`")));
                self.error(name, SchemaProblem::KeywordUpTo { keyword, draft: draft.to_string(), help });
            }
            Standing::Foreign => {
                let known = words(self.draft);
                let foreign = own.starts_with("x-") && !own.starts_with("x-on-");
                if !foreign || nearest(own, &known).is_some() {
                    let help = Some(suggestion(own, &known));
                    self.error(name, SchemaProblem::UnknownKeyword { keyword, help });
                }
            }
        }
        false
    }

    /// The schema that a keyword holds.
    fn child(&mut self, member: Member<'_>) -> Option<Id> {
        self.child_at(member, &[], member.value)
    }

    /// A schema below a keyword.
    fn child_at(&mut self, member: Member<'_>, tokens: &[&str], value: View<'_>) -> Option<Id> {
        let mut pointer = member.at.to_owned();
        pointer::push(&mut pointer, member.keyword);
        for token in tokens {
            pointer::push(&mut pointer, token);
        }
        // the view borrows the schema's own document; take the place from there, so that it lives as long
        let place = Place { document: self.document, at: value.place()?.at };
        let asks = matches!(member.keyword, "not" | "if" | "contains" | "propertyNames");
        self.asking += usize::from(asks);
        let id = self.schema(place, &pointer, member.resource);
        self.asking -= usize::from(asks);
        Some(id)
    }

    fn named_schemas(&mut self, member: Member<'_>) -> Vec<(String, Id)> {
        if member.value.kind() != Kind::Object {
            self.wrong(member.value, "an object of schemas");
        }
        let named = member.value.members().filter_map(|(name, schema)| {
            let name = name.decode().into_owned();
            self.child_at(member, &[&name], schema).map(|id| (name, id))
        });
        named.collect()
    }

    fn pattern_schemas(&mut self, member: Member<'_>) -> Vec<(Pattern, Id)> {
        let schemas = self.named_schemas(member);
        let names: Vec<_> = member.value.named_members().map(|(name, _)| name).collect();
        let patterns = schemas.into_iter().zip(names);
        patterns.filter_map(|((_, id), name)| self.pattern(name).map(|pattern| (pattern, id))).collect()
    }

    fn list_of_schemas(&mut self, member: Member<'_>) -> Vec<Id> {
        let value = member.value;
        if value.kind() != Kind::Array || (value.is_empty() && member.keyword != "items") {
            self.wrong(value, "a list of schemas");
        }
        let schemas = value.items().enumerate();
        schemas.filter_map(|(index, schema)| self.child_at(member, &[&index.to_string()], schema)).collect()
    }

    /// A definition of this file that a reference may mean by its last name.
    fn near_definition(&self, text: &str) -> Option<String> {
        let last = text.rsplit(['/', '#']).next()?;
        let definitions = ["$defs", "definitions"].into_iter().find_map(|keyword| {
            let names: Vec<String> =
                self.document.root().get(keyword)?.members().map(|(name, _)| name.decode().into_owned()).collect();
            Some((keyword, names))
        });
        let (keyword, names) = definitions?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        nearest(last, &names).map(|near| format!("#/{keyword}/{near}"))
    }

    fn reference(&mut self, value: View<'_>, resource: ResourceId) -> Option<Id> {
        let text = self.text(value)?;
        match self.identifiers.resolve(self.document.root(), resource, &text) {
            Ok(target) => {
                let place = Place { document: self.document, at: target.at };
                // where it stands counts, not who refers to it
                let asking = std::mem::take(&mut self.asking);
                let id = self.schema(place, &target.pointer, target.resource);
                self.asking = asking;
                Some(id)
            }
            Err(Unresolved::Nothing) => {
                let renamed = text.replacen("#/definitions/", "#/$defs/", 1);
                let known = self.identifiers.resolve(self.document.root(), resource, &renamed).is_ok();
                let help = match self.near_definition(&text) {
                    _ if known => Help::did_you_mean(&renamed),
                    Some(near) => Help::did_you_mean(&near),
                    None => "declare it in `$defs`".to_owned().into(),
                };
                self.error(value, SchemaProblem::RefToNothing { text, help: Some(help) });
                None
            }
            Err(Unresolved::Elsewhere) => {
                self.error(value, SchemaProblem::RefElsewhere { text });
                None
            }
        }
    }
}

/// Draft 4: a bound that `exclusive…` makes exclusive.
fn exclude(checks: &mut Vec<Check>, bound: &str) {
    let exclusive = checks.iter().find_map(|check| match check {
        Check::Minimum(value) if bound == "minimum" => Some(Check::ExclusiveMinimum(value.clone())),
        Check::Maximum(value) if bound == "maximum" => Some(Check::ExclusiveMaximum(value.clone())),
        _ => None,
    });
    checks.extend(exclusive);
}
