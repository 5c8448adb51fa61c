//! The final oracle (R21): the `jsonschema` crate, an independent implementation, reads our tree in place.
//!
//! It is asked one boolean, `is_valid`, on the small sanitized value, and never for errors: its error functions are
//! exponential in the depth of recursive unions. If it disagrees with the projection, the outcome is nothing
//! (`x-oracle`): that is our bug, and it fails closed. `serde_json::Value` appears here only because the crate takes
//! schemas in that form, once, when rules are compiled.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use jsonschema::{JsonType, PatternOptions, Validator};
use serde_json::Value;

use super::ecma::{is_pattern, plainly};
use super::format::is_hostname;
use super::pattern::{Pattern, match_cost};
use super::schema::Schema;
use super::vocabulary::FILES;
use crate::budget::{Budget, Overrun, text as text_cost};
use crate::json::{Document, Items, Kind, Members, Number, Rounded, Text, View, same};

/// Members that a search passes for one unit of work.
const MEMBERS_PER_UNIT: u64 = 16;

/// The crate's validator of one schema.
pub(super) struct Oracle {
    validator: Validator<Tree>,
    /// Whether schema objects refer to others. The crate remembers verdicts by the identity of a node, without which a
    /// recursive union costs what all ways through it cost together.
    refers: bool,
    /// Positions of the schema's largest pattern: the crate does not say which of them a text is matched against.
    positions: u64,
}

impl Oracle {
    /// Compiles the schema; the error is the crate's own sentence about the schema, which holds no document.
    ///
    /// # Errors
    /// The place in the schema that its draft refuses, as a JSON Pointer, and why.
    pub(super) fn compile(
        text: &str,
        schema: &Schema,
        others: &BTreeMap<String, String>,
    ) -> Result<Self, (String, String)> {
        let refers = schema.objects.iter().any(|object| object.reference.is_some() || object.dynamic.is_some());
        let patterns = schema.objects.iter().flat_map(super::schema::Object::patterns);
        let positions = patterns.map(Pattern::positions).max().unwrap_or(0);
        let mut value = value(text, schema.definitions(), others).map_err(|error| (String::new(), error))?;
        rewrite_patterns(&mut value, schema);
        let validator = jsonschema::options_for::<Tree>()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            // the crate would compile what a visitor sent
            .with_format("regex", is_pattern)
            // the crate refuses hyphens in the third and fourth place of a label, which resolve
            .with_format("hostname", is_hostname)
            .build(&value)
            .map_err(|error| (error.instance_path().to_string(), error.to_string()))?;
        Ok(Self { validator, refers, positions })
    }

    /// One that refuses every value.
    #[cfg(test)]
    pub(super) fn refusing() -> Option<Self> {
        let validator = jsonschema::options_for::<Tree>().offline().build(&Value::Bool(false)).ok()?;
        Some(Self { validator, refers: false, positions: 0 })
    }

    /// Whether the value is valid under the plain schema.
    ///
    /// The crate cannot be interrupted: once the budget is spent, every value reads as null, so that the call returns soon.
    ///
    /// # Errors
    /// The budget was spent on the way, so the verdict means nothing.
    pub(super) fn is_valid(&self, value: View<'_>, budget: &Budget) -> Result<bool, Overrun> {
        let placed = if self.refers && value.place().is_none() { Some(placed(value, budget)?) } else { None };
        let view = match &placed {
            Some(None) => return Ok(false),
            Some(Some(document)) => document.root(),
            None => value,
        };
        let toll = Toll { budget, positions: self.positions, compared: Cell::new(0), looks: Cell::new(0) };
        let is_valid = self.validator.is_valid(Place::of(Counted { view, toll: &toll }));
        let _ = budget.charge(toll.looks.get());
        if budget.left() == 0 { Err(Overrun) } else { Ok(is_valid) }
    }
}

/// Whether a value is one of the schema's (JSON Schema §4.2.2: numbers by their value, members in any order).
fn equal(expected: &Value, view: View<'_>, toll: &Toll<'_>) -> bool {
    match expected {
        Value::Null => view.is_null(),
        Value::Bool(expected) => view.as_bool() == Some(*expected),
        Value::Number(expected) => view.as_number().is_some_and(|number| equal_numbers(expected, number)),
        Value::String(expected) => view.as_text().is_some_and(|text| text.is(expected)),
        Value::Array(expected) => {
            view.kind() == Kind::Array
                && view.len() == expected.len()
                && toll.comparison()
                && view.items().zip(expected).all(|(item, expected)| equal(expected, item, toll))
        }
        Value::Object(expected) => {
            view.kind() == Kind::Object
                && view.len() == expected.len()
                && view.members().all(|(name, member)| {
                    let expected = expected.get(name.decode().as_ref());
                    toll.comparison() && expected.is_some_and(|expected| equal(expected, member, toll))
                })
        }
    }
}

/// The crate reads a number of the schema as a 64-bit integer, or else as a float.
fn equal_numbers(expected: &serde_json::Number, number: Number<'_>) -> bool {
    let text = expected.to_string();
    let whole = expected.is_i64() || expected.is_u64();
    let expected =
        if whole { Number::from_text(&text).rounded() } else { Rounded::Float(expected.as_f64().unwrap_or(f64::NAN)) };
    number.rounded().compare(expected).is_eq()
}

/// Writes the patterns of a schema as our own engine reads them: the crate reads `\\b` as Unicode does.
fn rewrite_patterns(value: &mut Value, schema: &Schema) {
    let files = format!("#/{FILES}/");
    // inner ones first: a pointer leads through the patterns of outer ones
    let mut objects: Vec<_> = schema.objects.iter().collect();
    objects.sort_by_key(|object| std::cmp::Reverse(object.pointer.len()));
    for object in objects {
        let pointer = match object.pointer.strip_prefix(&files) {
            Some(rest) => format!("/{}/{rest}", schema.definitions()),
            None => object.pointer.trim_start_matches('#').to_owned(),
        };
        let Some(Value::Object(members)) = value.pointer_mut(&pointer) else { continue };
        if let Some(Value::String(pattern)) = members.get_mut("pattern")
            && let Ok(plain) = plainly(pattern)
        {
            *pattern = plain;
        }
        if let Some(Value::Object(patterns)) = members.get_mut("patternProperties") {
            let all = std::mem::take(patterns);
            patterns.extend(all.into_iter().map(|(pattern, schema)| (plainly(&pattern).unwrap_or(pattern), schema)));
        }
    }
}

/// A built value in a document of its own, where each node has an identity; nothing if it cannot be read again.
fn placed(value: View<'_>, budget: &Budget) -> Result<Option<Arc<Document>>, Overrun> {
    budget.charge(value.weight())?;
    budget.charge_text(value.compact_bytes())?;
    Ok(Document::read(value.to_text().as_bytes()).ok())
}

/// A schema in the form that the crate reads; other files stand below `definitions`, which has another name in later drafts.
pub(super) fn value(text: &str, definitions: &str, others: &BTreeMap<String, String>) -> Result<Value, String> {
    let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    let mut schema = read(text)?;
    for (name, text) in others {
        if let Some(schema) = schema.as_object_mut() {
            let definitions = schema.entry(definitions).or_insert_with(|| Value::Object(serde_json::Map::new()));
            definitions
                .as_object_mut()
                .map(|all| read(text).map(|other| all.insert(name.clone(), other)))
                .transpose()?;
        }
    }
    Ok(schema)
}

/// Our tree, as the crate names representations.
struct Tree;

/// What one call of the crate costs.
struct Toll<'a> {
    budget: &'a Budget,
    positions: u64,
    compared: Cell<u8>,
    /// Values that were looked at and are not charged yet.
    looks: Cell<u64>,
}

/// Values that are charged together.
const LOOKS: u64 = 32;

impl Toll<'_> {
    /// A text that is read, for whatever pattern. An overrun is seen when the call returns.
    fn text(&self, bytes: usize) {
        let cost = if self.positions == 0 { text_cost(bytes) } else { match_cost(bytes, self.positions) };
        let _ = self.budget.charge(cost);
    }

    /// A look at a value; whether the budget lasts.
    #[inline]
    fn look(&self) -> bool {
        let looks = self.looks.get() + 1;
        self.looks.set(looks);
        looks < LOOKS || self.settle()
    }

    #[cold]
    fn settle(&self) -> bool {
        let is_ok = self.budget.charge(self.looks.get()).is_ok();
        // once it is spent, each look asks again
        self.looks.set(if is_ok { 0 } else { LOOKS });
        is_ok
    }

    /// A comparison with a value of the schema's: eight for a unit.
    fn comparison(&self) -> bool {
        self.compared.set(self.compared.get().wrapping_add(1));
        !self.compared.get().is_multiple_of(8) || self.budget.charge(1).is_ok()
    }
}

/// A value, and what every value inside of it is charged to.
#[derive(Clone, Copy)]
struct Counted<'a> {
    view: View<'a>,
    toll: &'a Toll<'a>,
}

/// A value of our tree, or a member name on its own.
#[derive(Clone, Copy)]
enum Place<'a> {
    Value(Counted<'a>),
    /// A number, read once for all keywords that ask.
    Number(View<'a>, Number<'a>),
    Name(&'a str),
}

impl Json for Tree {
    type Node<'a> = Place<'a>;
    type PreparedKey = String;
    type StringBuffer = ();
    const KEYS_PER_LOOKUP: usize = 0;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Place<'_>) -> T) -> T {
        f(Place::Name(string))
    }
}

impl<'a> Node<'a, Tree> for Place<'a> {
    type Object = Counted<'a>;
    type Array = Counted<'a>;
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Counted<'a>> {
        self.container(Kind::Object)
    }

    fn as_array(&self) -> Option<Counted<'a>> {
        self.container(Kind::Array)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Name(name) => Some(Cow::Borrowed(name)),
            Self::Number(..) => None,
            Self::Value(Counted { view, toll }) => {
                let text = view.as_text()?;
                toll.text(text.source_bytes());
                Some(text.decode())
            }
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        match self {
            Self::Number(_, number) => Some(*number),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        self.view().and_then(View::as_bool)
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Number(..))
    }

    fn json_type(&self) -> JsonType {
        // what refers to one value in many ways asks it as often
        if let Self::Value(counted) = self
            && !counted.toll.look()
        {
            return JsonType::Null;
        }
        match self.view().map_or(Kind::String, View::kind) {
            Kind::Null => JsonType::Null,
            Kind::Bool => JsonType::Boolean,
            Kind::Number => JsonType::Number,
            Kind::String => JsonType::String,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
        }
    }

    fn string_length(&self) -> Option<u64> {
        self.text().map(|text| text.code_points() as u64)
    }

    fn string_length_within(&self, min: u64, max: u64) -> Option<bool> {
        let text = self.text()?;
        let bytes = text.source_bytes() as u64;
        // a code point takes at least a byte, and a text without escapes at most four
        let plain = !text.has_escapes() && min <= bytes.div_ceil(4) && bytes <= max;
        Some(plain || (min..=max).contains(&(text.code_points() as u64)))
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match self {
            Self::Name(name) => expected.as_str() == Some(name),
            Self::Number(_, number) => expected.as_number().is_some_and(|expected| equal_numbers(expected, *number)),
            Self::Value(Counted { view, toll }) => toll.comparison() && equal(expected, *view, toll),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match self {
            Self::Name(name) => Value::String((*name).to_owned()),
            Self::Value(Counted { view, .. }) | Self::Number(view, _) => {
                serde_json::from_str(&view.to_text()).unwrap_or(Value::Null)
            }
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        let place = self.view()?.place()?;
        Some(NodeIdentity::tagged(Arc::as_ptr(place.document).addr(), place.at))
    }
}

impl<'a> Place<'a> {
    fn of(counted: Counted<'a>) -> Self {
        counted.view.as_number().map_or(Self::Value(counted), |number| Self::Number(counted.view, number))
    }

    fn container(self, kind: Kind) -> Option<Counted<'a>> {
        match self {
            Self::Value(counted) if counted.view.kind() == kind => Some(counted),
            _ => None,
        }
    }

    fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Name(name) => Some(Text::plain(name)),
            Self::Value(counted) => counted.view.as_text(),
            Self::Number(..) => None,
        }
    }

    fn view(self) -> Option<View<'a>> {
        match self {
            Self::Value(Counted { view, .. }) | Self::Number(view, _) => Some(view),
            Self::Name(_) => None,
        }
    }
}

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        match *self {
            Number::Int(value) => u64::try_from(value).ok(),
            _ => self.as_str().parse().ok(),
        }
    }

    fn as_i64(&self) -> Option<i64> {
        match *self {
            Number::Int(value) => Some(value),
            _ => self.as_str().parse().ok(),
        }
    }

    fn as_f64(&self) -> Option<f64> {
        Some(Number::as_f64(*self))
    }

    fn as_str(&self) -> Cow<'_, str> {
        match *self {
            Number::Int(value) => Cow::Owned(value.to_string()),
            Number::Float(value) => Cow::Owned(format!("{value:?}")),
            Number::Decimal(text) => Cow::Borrowed(text),
        }
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(serde_json::from_str(&self.as_str()).unwrap_or_else(|_| serde_json::Number::from(0)))
    }

    fn is_integer(&self) -> bool {
        Number::is_integer(*self)
    }
}

impl<'a> Counted<'a> {
    /// A value inside of this one, charged; nothing once the budget is spent.
    fn inner(self, view: View<'a>) -> Option<Place<'a>> {
        self.toll.look().then_some(())?;
        Some(Place::of(Self { view, ..self }))
    }
}

/// The members of an object with decoded names.
struct DecodedMembers<'a>(Counted<'a>, Members<'a>);

impl<'a> Iterator for DecodedMembers<'a> {
    type Item = (Cow<'a, str>, Place<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.1.next()?;
        if self.0.toll.positions > 0 {
            self.0.toll.text(name.as_text().map_or(0, Text::source_bytes));
        }
        Some((name.as_text().map(Text::decode).unwrap_or_default(), self.0.inner(value)?))
    }
}

impl<'a> Object<'a, Tree> for Counted<'a> {
    type Node = Place<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = DecodedMembers<'a>;

    fn len(&self) -> usize {
        self.view.len()
    }

    fn get(&self, key: &String) -> Option<Place<'a>> {
        // a member is searched from the start
        self.toll.budget.charge(self.view.len() as u64 / MEMBERS_PER_UNIT).ok()?;
        self.view.get(key).and_then(|value| self.inner(value))
    }

    fn members(&self) -> DecodedMembers<'a> {
        DecodedMembers(*self, self.view.named_members())
    }
}

/// The items of an array.
struct Elements<'a>(Counted<'a>, Items<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Place<'a>> {
        let item = self.1.next()?;
        self.0.inner(item)
    }
}

impl<'a> Array<'a, Tree> for Counted<'a> {
    type Node = Place<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.view.len()
    }

    fn elements(&self) -> Elements<'a> {
        Elements(*self, self.view.items())
    }

    fn is_unique(&self) -> bool {
        if self.toll.budget.charge(self.view.weight()).is_err() {
            return false;
        }
        let mut items: Vec<_> = self.view.items().map(|item| (crate::json::fingerprint(item), item)).collect();
        items.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| crate::json::compare(*x, *y)));
        items.windows(2).all(|pair| !matches!(pair, [(a, x), (b, y)] if a == b && same(*x, *y)))
    }
}
