//! Reads a schema file into schema objects. A keyword that is not built is an error that names it.
//!
//! Nothing is silently ignored: an unknown keyword, a value of the wrong kind, a `$ref` to nothing and a keyword that a
//! later change brings are errors, each at its own place (codes S001–S016). Only annotations (`title`, `examples`, …)
//! and foreign `x-` keywords that are near none of ours pass unread. Beside a `$ref` of draft 7 and before, keywords are
//! read for their errors and then dropped, as those drafts say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{Check, Pattern, PatternError, Types};
use super::format::Format;
use crate::diagnostic::{Diagnostic, nearest, suggestion};
use crate::json::{Divisor, Document, Json, Kind, Place, View};
use crate::pointer::{self, Pointer};
use crate::sensitive::{Detector, Detectors};

/// A schema object, by its position in [`Schema::objects`].
pub(super) type Id = u16;

/// Schema objects that one file may have.
const OBJECTS_MAX: usize = 8_192;
/// Nested schema objects that are read.
const NESTING_MAX: usize = 128;

/// One schema object or boolean schema, its keywords typed.
#[derive(Default)]
pub(super) struct Object {
    /// Where it stands, as a fragment: `#/properties/cart`.
    pub(super) pointer: String,
    /// Whether it lets nothing stand.
    pub(super) never: Option<Never>,
    pub(super) types: Option<Types>,
    pub(super) checks: Vec<Check>,
    pub(super) properties: Vec<(String, Id)>,
    /// Whether `properties` or `patternProperties` is written, be it empty (U2).
    pub(super) names_members: bool,
    pub(super) patterns: Vec<(Pattern, Id)>,
    pub(super) additional: Option<Id>,
    pub(super) names: Option<Id>,
    pub(super) required: Vec<String>,
    pub(super) dependent: Vec<(String, Vec<String>)>,
    pub(super) members: Bounds,
    pub(super) items: Option<Id>,
    pub(super) length: Bounds,
    pub(super) unique: bool,
    pub(super) reference: Option<Id>,
    pub(super) all_of: Vec<Id>,
    pub(super) bytes_max: Option<usize>,
    pub(super) allowed: Detectors,
}

/// Why a schema object lets nothing stand.
#[derive(Clone, Copy)]
pub(super) enum Never {
    /// It is the schema `false`.
    False,
    /// It says `x-sensitive`.
    Sensitive,
}

/// How many children a container may have.
#[derive(Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
}

/// All schema objects of one file.
pub(super) struct Schema {
    pub(super) objects: Vec<Object>,
    pub(super) root: Id,
}

/// Reads the schema of `document`, or says all that is wrong with it.
pub(super) fn read(file: &str, document: &Arc<Document>) -> Result<Schema, Vec<Diagnostic>> {
    let mut reader = Reader {
        file,
        document,
        objects: Vec::new(),
        ids: BTreeMap::new(),
        errors: Vec::new(),
        draft: 2020,
        nesting: 0,
    };
    reader.read_draft();
    let root = document.root().place().map_or(0, |place| reader.schema(place, "#"));
    if reader.errors.is_empty() { Ok(Schema { objects: reader.objects, root }) } else { Err(reader.errors) }
}

const KEYWORDS: [&str; 42] = [
    "$schema",
    "$comment",
    "$defs",
    "$id",
    "$ref",
    "additionalProperties",
    "allOf",
    "const",
    "default",
    "definitions",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "patternProperties",
    "properties",
    "propertyNames",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
    "x-allow-sensitive",
    "x-max-bytes",
    "x-sensitive",
    "$vocabulary",
];

/// Keywords of JSON Schema and of the sanitizer that are specified and not built.
const NOT_BUILT: [&str; 25] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveAnchor",
    "$recursiveRef",
    "additionalItems",
    "anyOf",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependencies",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "oneOf",
    "prefixItems",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "x-on-invalid",
    "x-on-missing",
];

/// The drafts that are read, with their number or year.
const DRAFTS: [(&str, u16); 4] = [
    ("https://json-schema.org/draft/2020-12/schema", 2020),
    ("https://json-schema.org/draft/2019-09/schema", 2019),
    ("http://json-schema.org/draft-07/schema", 7),
    ("http://json-schema.org/draft-06/schema", 6),
];

/// Draft 4, which is specified and not built.
const DRAFT_4: &str = "http://json-schema.org/draft-04/schema";

/// The last draft in which `$ref` hides what stands beside it.
const REF_ALONE: u16 = 7;

struct Reader<'a> {
    file: &'a str,
    document: &'a Arc<Document>,
    objects: Vec<Object>,
    ids: BTreeMap<u32, Id>,
    errors: Vec<Diagnostic>,
    draft: u16,
    nesting: usize,
}

/// One keyword of a schema object: its name, its value, and where the object stands.
#[derive(Clone, Copy)]
struct Member<'a> {
    keyword: &'a str,
    name: View<'a>,
    value: View<'a>,
    at: &'a str,
}

impl<'a> Reader<'a> {
    fn error(&mut self, code: &'static str, view: View<'_>, message: String) {
        self.errors.push(Diagnostic::at_view(code, self.file, view, message));
    }

    fn error_help(&mut self, code: &'static str, view: View<'_>, message: String, help: String) {
        self.errors.push(Diagnostic::at_view(code, self.file, view, message).help(help));
    }

    fn read_draft(&mut self) {
        let Some(value) = self.document.root().get("$schema") else { return };
        let uri = value.as_text().map(|text| text.decode().trim_end_matches('#').to_owned());
        match DRAFTS.iter().find(|(draft, _)| Some(*draft) == uri.as_deref()) {
            Some((_, draft)) => self.draft = *draft,
            None => {
                let built = uri.as_deref() != Some(DRAFT_4);
                let message = if built { "unknown draft of JSON Schema" } else { "draft 4 is not built yet" };
                self.error_help("S004", value, message.to_owned(), format!("write `{}`", DRAFTS[0].0));
            }
        }
    }

    /// Reads the schema at a place, once.
    fn schema(&mut self, place: Place<'a>, pointer: &str) -> Id {
        if let Some(&id) = self.ids.get(&place.at) {
            return id;
        }
        let id = u16::try_from(self.objects.len()).unwrap_or(u16::MAX);
        if self.objects.len() >= OBJECTS_MAX || self.nesting >= NESTING_MAX {
            let message = format!("more than {OBJECTS_MAX} schema objects, or nested deeper than {NESTING_MAX}");
            self.error("S003", View::Place(place), message);
            return 0;
        }
        self.ids.insert(place.at, id);
        self.objects.push(Object { pointer: pointer.to_owned(), ..Object::default() });
        self.nesting += 1;
        let mut object = Object { pointer: pointer.to_owned(), ..Object::default() };
        let view = View::Place(place);
        match (view.kind(), view.as_bool()) {
            (Kind::Bool, value) => object.never = (value == Some(false)).then_some(Never::False),
            (Kind::Object, _) => self.keywords(view, pointer, &mut object),
            _ => self.error("S003", view, "a schema is an object, `true` or `false`".to_owned()),
        }
        self.nesting -= 1;
        if let Some(slot) = self.objects.get_mut(usize::from(id)) {
            *slot = object;
        }
        id
    }

    fn keywords(&mut self, view: View<'a>, pointer: &str, object: &mut Object) {
        let only_ref = self.draft <= REF_ALONE && view.get("$ref").is_some();
        for (name, value) in view.named_members() {
            let keyword = name.as_text().map(|text| text.decode().into_owned()).unwrap_or_default();
            let member = Member { keyword: &keyword, name, value, at: pointer };
            let ours = keyword.starts_with("x-") || matches!(keyword.as_str(), "$ref" | "$defs" | "definitions");
            if only_ref && !ours {
                // draft 7 and before: what stands beside `$ref` says nothing, but it must be right
                self.keyword(member, &mut Object::default());
            } else {
                self.keyword(member, object);
            }
        }
    }

    fn keyword(&mut self, member: Member<'_>, object: &mut Object) {
        let Member { keyword, value, .. } = member;
        match keyword {
            "type" => object.types = Some(self.types(value)),
            "enum" | "const" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
            | "minLength" | "maxLength" | "pattern" | "format" => object.checks.extend(self.check(keyword, value)),
            "required" => object.required = self.strings(value),
            "dependentRequired" if self.draft < 2019 => {
                self.error(
                    "S010",
                    member.name,
                    "`dependentRequired` is a keyword of draft 2019-09 and later".to_owned(),
                );
            }
            "dependentRequired" => object.dependent = self.dependent(value),
            "minProperties" => object.members.min = self.size(value),
            "maxProperties" => object.members.max = self.size(value),
            "minItems" => object.length.min = self.size(value),
            "maxItems" => object.length.max = self.size(value),
            "uniqueItems" => object.unique = self.boolean(value),
            "x-max-bytes" => object.bytes_max = self.size(value),
            "x-sensitive" => object.never = self.boolean(value).then_some(Never::Sensitive),
            "x-allow-sensitive" => object.allowed = self.detectors(value),
            "$ref" => object.reference = self.reference(value),
            _ => self.applicator(member, object),
        }
    }

    fn applicator(&mut self, member: Member<'_>, object: &mut Object) {
        let Member { keyword, value, at, .. } = member;
        match keyword {
            "properties" => {
                object.names_members = true;
                object.properties = self.named_schemas(keyword, value, at);
            }
            "patternProperties" => {
                object.names_members = true;
                object.patterns = self.pattern_schemas(value, at);
            }
            "$defs" | "definitions" => drop(self.named_schemas(keyword, value, at)),
            "additionalProperties" => object.additional = self.child(value, at, keyword),
            "propertyNames" => object.names = self.child(value, at, keyword),
            "items" if value.kind() == Kind::Array => {
                self.error("S010", member.name, "`items` as a list of schemas is not built yet".to_owned());
            }
            "items" => object.items = self.child(value, at, keyword),
            "allOf" => object.all_of = self.list_of_schemas(value, at, keyword),
            "$schema" | "$id" | "$vocabulary" if at != "#" => {
                self.error("S010", member.name, format!("`{keyword}` below the root is not built yet"));
            }
            _ => self.annotation(member),
        }
    }

    fn annotation(&mut self, member: Member<'_>) {
        let Member { keyword, name, .. } = member;
        if KEYWORDS.contains(&keyword) {
            return;
        }
        if NOT_BUILT.contains(&keyword) {
            self.error("S010", name, format!("keyword `{keyword}` is not built yet"));
            return;
        }
        let known: Vec<&str> = KEYWORDS.iter().chain(&NOT_BUILT).copied().collect();
        let foreign = keyword.starts_with("x-") && !keyword.starts_with("x-on-");
        if !foreign || nearest(keyword, &known).is_some() {
            let help = suggestion(keyword, &known);
            self.error_help("S010", name, format!("unknown keyword `{keyword}`"), help);
        }
    }

    fn wrong(&mut self, value: View<'_>, expected: &str) {
        self.error("S011", value, format!("expected {expected}"));
    }

    fn types(&mut self, value: View<'_>) -> Types {
        let mut types = Types::NONE;
        let words: Vec<_> = if value.kind() == Kind::Array { value.items().collect() } else { vec![value] };
        for word in words {
            let name = word.as_text().map(|text| text.decode().into_owned()).unwrap_or_default();
            match Types::by_word(&name) {
                Some(one) => types = types.or(one),
                None => self.error_help(
                    "S011",
                    word,
                    "not a type of JSON Schema".to_owned(),
                    suggestion(&name, &Types::WORDS),
                ),
            }
        }
        types
    }

    fn check(&mut self, keyword: &str, value: View<'_>) -> Option<Check> {
        match keyword {
            "enum" => self.enumeration(value),
            "const" => self.scalar(value).then(|| Check::Const(value.to_json())),
            "minLength" => self.size(value).map(Check::MinLength),
            "maxLength" => self.size(value).map(Check::MaxLength),
            "pattern" => self.pattern(value).map(Check::Pattern),
            "format" => self.format(value).map(Check::Format),
            _ => self.bound(keyword, value),
        }
    }

    fn enumeration(&mut self, value: View<'_>) -> Option<Check> {
        if value.kind() != Kind::Array || value.is_empty() {
            self.wrong(value, "a list of values");
            return None;
        }
        let scalars = value.items().filter(|item| self.scalar(*item)).count();
        (scalars == value.len()).then(|| Check::Enum(value.items().map(View::to_json).collect()))
    }

    fn scalar(&mut self, value: View<'_>) -> bool {
        let scalar = !matches!(value.kind(), Kind::Array | Kind::Object);
        if !scalar {
            self.error("S010", value, "`enum` and `const` of an object or a list are not built yet".to_owned());
        }
        scalar
    }

    fn bound(&mut self, keyword: &str, value: View<'_>) -> Option<Check> {
        let Some(number) = value.as_number() else {
            self.wrong(value, "a number");
            return None;
        };
        let bound = number.as_i64().map_or_else(|| value.to_json(), Json::Int);
        Some(match keyword {
            "minimum" => Check::Minimum(bound),
            "maximum" => Check::Maximum(bound),
            "exclusiveMinimum" => Check::ExclusiveMinimum(bound),
            "exclusiveMaximum" => Check::ExclusiveMaximum(bound),
            _ => match Divisor::new(number) {
                Some(divisor) => Check::MultipleOf(divisor),
                None => {
                    self.wrong(value, "a number above 0 of at most 19 significant digits");
                    return None;
                }
            },
        })
    }

    fn size(&mut self, value: View<'_>) -> Option<usize> {
        let size = value.as_size();
        if size.is_none() {
            self.wrong(value, "a whole number, 0 or more");
        }
        size
    }

    fn boolean(&mut self, value: View<'_>) -> bool {
        if value.as_bool().is_none() {
            self.wrong(value, "`true` or `false`");
        }
        value.as_bool() == Some(true)
    }

    fn text(&mut self, value: View<'_>) -> Option<String> {
        let text = value.as_text().map(|text| text.decode().into_owned());
        if text.is_none() {
            self.wrong(value, "a string");
        }
        text
    }

    fn strings(&mut self, value: View<'_>) -> Vec<String> {
        if value.kind() != Kind::Array {
            self.wrong(value, "a list of strings");
        }
        value.items().filter_map(|item| self.text(item)).collect()
    }

    fn dependent(&mut self, value: View<'_>) -> Vec<(String, Vec<String>)> {
        if value.kind() != Kind::Object {
            self.wrong(value, "an object of lists of names");
        }
        value.members().map(|(name, names)| (name.decode().into_owned(), self.strings(names))).collect()
    }

    fn detectors(&mut self, value: View<'_>) -> Detectors {
        let mut detectors = Detectors::NONE;
        for name in self.strings(value) {
            match Detector::by_name(&name) {
                Some(detector) => detectors.set(detector, true),
                None => self.error_help(
                    "S011",
                    value,
                    format!("unknown detector `{name}`"),
                    suggestion(&name, &Detector::NAMES),
                ),
            }
        }
        detectors
    }

    fn format(&mut self, value: View<'_>) -> Option<Format> {
        let name = self.text(value)?;
        let format = Format::by_name(&name);
        if format.is_none() {
            let help = suggestion(&name, &Format::NAMES);
            self.error_help("S012", value, format!("format `{name}` is unknown or not built yet"), help);
        }
        format
    }

    fn pattern(&mut self, value: View<'_>) -> Option<Pattern> {
        let text = self.text(value)?;
        match Pattern::compile(&text) {
            Ok(pattern) => Some(pattern),
            Err(PatternError::Invalid) => {
                self.error("S013", value, "not a regular expression".to_owned());
                None
            }
            Err(PatternError::NotLinear) => {
                let message = "look-around and back-references are not linear-time".to_owned();
                self.error("S014", value, message);
                None
            }
        }
    }

    fn child(&mut self, value: View<'_>, at: &str, keyword: &str) -> Option<Id> {
        let mut pointer = at.to_owned();
        pointer::push(&mut pointer, keyword);
        // the view borrows the schema's own document; take the place from there, so that it lives as long
        let place = Place { document: self.document, at: value.place()?.at };
        Some(self.schema(place, &pointer))
    }

    fn named_schemas(&mut self, keyword: &str, value: View<'_>, at: &str) -> Vec<(String, Id)> {
        if value.kind() != Kind::Object {
            self.wrong(value, "an object of schemas");
        }
        let mut parent = at.to_owned();
        pointer::push(&mut parent, keyword);
        let named = value.members().filter_map(|(name, schema)| {
            let name = name.decode().into_owned();
            self.child(schema, &parent, &name).map(|id| (name, id))
        });
        named.collect()
    }

    fn pattern_schemas(&mut self, value: View<'_>, at: &str) -> Vec<(Pattern, Id)> {
        let schemas = self.named_schemas("patternProperties", value, at);
        let names: Vec<_> = value.named_members().map(|(name, _)| name).collect();
        let patterns = schemas.into_iter().zip(names);
        patterns.filter_map(|((_, id), name)| self.pattern(name).map(|pattern| (pattern, id))).collect()
    }

    fn list_of_schemas(&mut self, value: View<'_>, at: &str, keyword: &str) -> Vec<Id> {
        if value.kind() != Kind::Array || value.is_empty() {
            self.wrong(value, "a list of schemas");
        }
        let mut parent = at.to_owned();
        pointer::push(&mut parent, keyword);
        let schemas = value.items().enumerate();
        schemas.filter_map(|(index, schema)| self.child(schema, &parent, &index.to_string())).collect()
    }

    fn reference(&mut self, value: View<'_>) -> Option<Id> {
        let text = self.text(value)?;
        let Some(fragment) = text.strip_prefix('#') else {
            let message = format!("`$ref` to another file or place (`{text}`) is not built yet");
            self.error("S016", value, message);
            return None;
        };
        let target = percent_decode(fragment).and_then(|fragment| Pointer::parse(&fragment));
        let place = target.and_then(|pointer| pointer.get(self.document.root())).and_then(View::place);
        match place {
            Some(place) => Some(self.schema(place, &text)),
            None => {
                self.error("S015", value, format!("`$ref` to nothing: `{text}`"));
                None
            }
        }
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
