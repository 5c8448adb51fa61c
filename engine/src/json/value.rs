//! Values: places in a document, or built.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::document::{Document, Kind, Node};
use super::number::Number;
use super::place::Position;
use super::text::Text;

/// A JSON value that owns what it shows: a place in a shared document, or a built value. Cloning is cheap.
#[derive(Clone)]
pub enum Json {
    /// A node of a document.
    Place(Arc<Document>, u32),
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// A string.
    Text(Arc<str>),
    /// An array.
    List(Arc<Vec<Json>>),
    /// An object: names (strings) and values, in order, no name twice.
    Object(Arc<Vec<(Json, Json)>>),
}

/// Shows the kind, never the value.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({})", self.view().kind().word())
    }
}

impl Json {
    /// Borrows the value.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        match self {
            Self::Place(document, at) => View::Place(Place { document, at: *at }),
            built => View::Built(built),
        }
    }

    /// The empty object.
    #[must_use]
    pub fn empty_object() -> Self {
        Self::Object(Arc::new(Vec::new()))
    }

    /// An array of `items`.
    #[must_use]
    pub fn list(items: Vec<Json>) -> Self {
        Self::List(Arc::new(items))
    }

    /// An object of `members`, whose names are strings and distinct.
    #[must_use]
    pub fn object(members: Vec<(Json, Json)>) -> Self {
        Self::Object(Arc::new(members))
    }

    /// A string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// The members of an object as own pairs; of anything else, none.
    #[must_use]
    pub fn into_members(self) -> Vec<(Json, Json)> {
        match self {
            Self::Object(members) => Arc::unwrap_or_clone(members),
            other => other.view().named_members().map(|(name, value)| (name.to_json(), value.to_json())).collect(),
        }
    }
}

/// A borrowed value.
#[derive(Clone, Copy)]
pub enum View<'a> {
    /// A node of a document.
    Place(Place<'a>),
    /// A built value; never a `Json::Place`.
    Built(&'a Json),
}

/// Shows the kind, never the value.
impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({})", self.kind().word())
    }
}

/// A node of a document.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub(crate) document: &'a Arc<Document>,
    pub(crate) at: u32,
}

impl<'a> Place<'a> {
    pub(crate) fn node(self) -> Node {
        self.document.node(self.at)
    }

    /// Whether this node is, or stands below, another.
    pub(crate) fn is_in(self, other: Place<'_>) -> bool {
        let end = other.at + other.node().size;
        Arc::ptr_eq(self.document, other.document) && (other.at..end).contains(&self.at)
    }

    /// The member of an object by its name: most names are told apart by their length.
    fn member(self, name: &str) -> Option<Place<'a>> {
        let node = self.node();
        if node.kind() != Kind::Object {
            return None;
        }
        let (mut at, end) = (self.at + 1, self.at + node.size);
        while at < end {
            let own = self.document.node(at);
            let like = own.escaped() || (own.end - own.start) as usize == name.len();
            if like && Text::source(self.document.source(own), own.escaped()).is(name) {
                return Some(Place { document: self.document, at: at + 1 });
            }
            at += 1 + self.document.node(at + 1).size;
        }
        None
    }

    pub(crate) fn source(self) -> &'a str {
        self.document.source(self.node())
    }

    /// Whether both are one node of one document.
    pub(crate) fn is(self, other: Place<'_>) -> bool {
        self.at == other.at && Arc::ptr_eq(self.document, other.document)
    }

    /// The bytes that this value takes in its text, quotation marks included.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        let (start, end) = (node.start as usize, node.end as usize);
        if node.kind() == Kind::String { start - 1..end + 1 } else { start..end }
    }

    /// Line and column of its first character.
    #[must_use]
    pub fn position(self) -> Position {
        Position::of(self.document.text.as_bytes(), self.span().start)
    }

    /// The document's text.
    #[must_use]
    pub fn document_text(self) -> &'a str {
        &self.document.text
    }

    /// The text of this value, quotation marks included.
    pub(crate) fn text(self) -> &'a str {
        self.document.bytes(self.span())
    }
}

impl<'a> View<'a> {
    /// The kind of the value.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Place(place) => place.node().kind(),
            Self::Built(json) => match json {
                Json::Null | Json::Place(..) => Kind::Null,
                Json::Bool(_) => Kind::Bool,
                Json::Int(_) | Json::Float(_) => Kind::Number,
                Json::Text(_) => Kind::String,
                Json::List(_) => Kind::Array,
                Json::Object(_) => Kind::Object,
            },
        }
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value of a boolean.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Place(place) => (place.node().kind() == Kind::Bool).then(|| place.node().is_true()),
            Self::Built(Json::Bool(value)) => Some(*value),
            Self::Built(_) => None,
        }
    }

    /// The value of a number.
    #[must_use]
    pub fn as_number(self) -> Option<Number<'a>> {
        match self {
            Self::Place(place) => {
                let node = place.node();
                if node.kind() != Kind::Number {
                    return None;
                }
                let text = place.document.source(node);
                Some(if node.integer() { Number::from_digits(text) } else { Number::from_text(text) })
            }
            Self::Built(Json::Int(value)) => Some(Number::Int(*value)),
            Self::Built(Json::Float(value)) => Some(Number::Float(*value)),
            Self::Built(_) => None,
        }
    }

    /// The value of a whole number that counts something: 0 or more.
    #[must_use]
    pub fn as_size(self) -> Option<usize> {
        self.as_number()?.as_i64().and_then(|size| usize::try_from(size).ok())
    }

    /// The value of a string.
    #[must_use]
    pub fn as_text(self) -> Option<Text<'a>> {
        match self {
            Self::Place(place) => {
                let node = place.node();
                (node.kind() == Kind::String).then(|| Text::source(place.document.source(node), node.escaped()))
            }
            Self::Built(Json::Text(text)) => Some(Text::plain(text)),
            Self::Built(_) => None,
        }
    }

    /// The value of a string, decoded; of anything else, the empty text.
    #[must_use]
    pub fn word(self) -> String {
        self.as_text().map(|text| text.decode().into_owned()).unwrap_or_default()
    }

    /// Items of an array or members of an object; of a scalar, 0.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Place(place) => place.node().count(),
            Self::Built(Json::List(items)) => items.len(),
            Self::Built(Json::Object(members)) => members.len(),
            Self::Built(_) => 0,
        }
    }

    /// Whether there is no item and no member.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items of an array; of anything else, none.
    #[must_use]
    pub fn items(self) -> Items<'a> {
        match self {
            Self::Place(place) if place.node().kind() == Kind::Array => Items::Places(Places::below(place)),
            Self::Built(Json::List(items)) => Items::Built(items.iter()),
            _ => Items::Built([].iter()),
        }
    }

    /// The members of an object with their names; of anything else, none.
    pub fn members(self) -> impl Iterator<Item = (Text<'a>, View<'a>)> + use<'a> {
        self.named_members().map(|(name, value)| (name.as_text().unwrap_or(Text::plain("")), value))
    }

    /// The members of an object, their names as values.
    #[must_use]
    pub fn named_members(self) -> Members<'a> {
        match self {
            Self::Place(place) if place.node().kind() == Kind::Object => Members::Places(Places::below(place)),
            Self::Built(Json::Object(members)) => Members::Built(members.iter()),
            _ => Members::Built([].iter()),
        }
    }

    /// The member of an object by its name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<View<'a>> {
        match self {
            Self::Place(place) => place.member(name).map(Self::Place),
            Self::Built(_) => self.members().find(|(member, _)| member.is(name)).map(|(_, value)| value),
        }
    }

    /// The item of an array by its position.
    #[must_use]
    pub fn item(self, index: usize) -> Option<View<'a>> {
        match self {
            Self::Built(Json::List(items)) => items.get(index).map(Json::view),
            _ => self.items().nth(index),
        }
    }

    /// The value, owned.
    #[must_use]
    pub fn to_json(self) -> Json {
        match self {
            Self::Place(place) => Json::Place(Arc::clone(place.document), place.at),
            Self::Built(json) => json.clone(),
        }
    }

    /// The node of a document that this is, if it is one.
    #[must_use]
    pub fn place(self) -> Option<Place<'a>> {
        match self {
            Self::Place(place) => Some(place),
            Self::Built(_) => None,
        }
    }

    /// Whether a number in this value fails `holds`, which is asked of numbers of 16 characters or more, and of those
    /// with an exponent.
    pub(crate) fn has_long_number(self, holds: &dyn Fn(Number<'_>) -> bool) -> bool {
        if self.place().is_some_and(|place| !place.document.has_long_number) {
            return false;
        }
        match self.as_number() {
            Some(number) => !holds(number),
            None => {
                let mut children = self.items().chain(self.named_members().map(|(_, value)| value));
                children.any(|child| child.has_long_number(holds))
            }
        }
    }

    /// Nested containers at the deepest: a scalar has 0, `[]` has 1.
    #[must_use]
    pub fn depth(self) -> usize {
        match self.kind() {
            Kind::Array => 1 + self.items().map(View::depth).max().unwrap_or(0),
            Kind::Object => 1 + self.members().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// What walking the whole value costs, names included; of a place in a document, known without a walk.
    #[must_use]
    pub fn weight(self) -> u64 {
        match self {
            Self::Place(place) => u64::from(place.node().size),
            Self::Built(_) => {
                let members = self.members().map(|(_, value)| 1 + value.weight());
                1 + self.items().map(View::weight).chain(members).sum::<u64>()
            }
        }
    }

    /// Values in this value, itself included; names do not count.
    #[must_use]
    pub fn nodes(self) -> usize {
        match self.kind() {
            Kind::Array => 1 + self.items().map(View::nodes).sum::<usize>(),
            Kind::Object => 1 + self.members().map(|(_, value)| value.nodes()).sum::<usize>(),
            _ => 1,
        }
    }
}

impl Document {
    /// The whole text's value.
    #[must_use]
    pub fn root(self: &Arc<Self>) -> View<'_> {
        View::Place(Place { document: self, at: 0 })
    }
}

/// Sibling nodes.
#[derive(Clone)]
pub struct Places<'a> {
    document: &'a Arc<Document>,
    at: u32,
    end: u32,
    left: usize,
}

impl<'a> Places<'a> {
    fn below(place: Place<'a>) -> Self {
        let node = place.node();
        let left = if node.kind() == Kind::Object { node.count() * 2 } else { node.count() };
        Self { document: place.document, at: place.at + 1, end: place.at + node.size, left }
    }
}

impl<'a> Iterator for Places<'a> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Place<'a>> {
        (self.at < self.end).then(|| {
            let place = Place { document: self.document, at: self.at };
            self.at += place.node().size;
            self.left = self.left.saturating_sub(1);
            place
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// The items of an array.
#[derive(Clone)]
pub enum Items<'a> {
    /// Of a document.
    Places(Places<'a>),
    /// Of a built array.
    Built(std::slice::Iter<'a, Json>),
}

impl<'a> Iterator for Items<'a> {
    type Item = View<'a>;

    fn next(&mut self) -> Option<View<'a>> {
        match self {
            Self::Places(places) => places.next().map(View::Place),
            Self::Built(items) => items.next().map(Json::view),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Places(places) => places.size_hint(),
            Self::Built(items) => items.size_hint(),
        }
    }
}

/// The members of an object, names as values.
#[derive(Clone)]
pub enum Members<'a> {
    /// Of a document.
    Places(Places<'a>),
    /// Of a built object.
    Built(std::slice::Iter<'a, (Json, Json)>),
}

impl<'a> Iterator for Members<'a> {
    type Item = (View<'a>, View<'a>);

    fn next(&mut self) -> Option<(View<'a>, View<'a>)> {
        match self {
            Self::Places(places) => Some((View::Place(places.next()?), View::Place(places.next()?))),
            Self::Built(members) => members.next().map(|(name, value)| (name.view(), value.view())),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match self {
            Self::Places(places) => places.left / 2,
            Self::Built(members) => members.len(),
        };
        (left, Some(left))
    }
}
