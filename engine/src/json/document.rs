//! The tree: a text and flat nodes over it.

use std::ops::Range;
use std::sync::Arc;

use super::text::Text;

/// The kinds of a JSON value (RFC 8259 §3), in the order that sorting uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `null`
    Null = 0,
    /// `true` or `false`
    Bool = 1,
    /// a number of any size
    Number = 2,
    /// a string
    String = 3,
    /// an array
    Array = 4,
    /// an object
    Object = 5,
}

impl Kind {
    /// The word of JSON Schema for this kind.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn from_bits(bits: u32) -> Self {
        match bits {
            0 => Self::Null,
            1 => Self::Bool,
            2 => Self::Number,
            3 => Self::String,
            4 => Self::Array,
            _ => Self::Object,
        }
    }
}

const KIND: u32 = 0b111;
/// A string with an escape, or a `true`.
const ESCAPED: u32 = 1 << 3;
/// The source range is this value's compact text.
const VERBATIM: u32 = 1 << 4;
/// A number of at most 18 digits without fraction or exponent.
const INTEGER: u32 = 1 << 5;
const COUNT_SHIFT: u32 = 8;

/// One value or member name, 16 bytes; nodes stand in document order, a container before its children.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// First byte in the text; of a string the one after the quotation mark.
    pub(crate) start: u32,
    /// The byte after the last; of a string the closing quotation mark.
    pub(crate) end: u32,
    /// Nodes of this subtree, this one included: the next sibling stands that much further.
    pub(crate) size: u32,
    bits: u32,
}

impl Node {
    pub(crate) fn scalar(kind: Kind, start: usize, end: usize) -> Self {
        Self { start: to_u32(start), end: to_u32(end), size: 1, bits: kind as u32 | VERBATIM }
    }

    pub(crate) fn string(start: usize, end: usize, escaped: bool) -> Self {
        let mut node = Self::scalar(Kind::String, start, end);
        node.bits |= if escaped { ESCAPED } else { 0 };
        node
    }

    pub(crate) fn boolean(start: usize, end: usize, value: bool) -> Self {
        let mut node = Self::scalar(Kind::Bool, start, end);
        node.bits |= if value { ESCAPED } else { 0 };
        node
    }

    pub(crate) fn number(start: usize, end: usize, integer: bool) -> Self {
        let mut node = Self::scalar(Kind::Number, start, end);
        node.bits |= if integer && end - start <= 18 { INTEGER } else { 0 };
        node
    }

    pub(crate) fn open(kind: Kind, start: usize) -> Self {
        Self { start: to_u32(start), end: 0, size: 1, bits: kind as u32 }
    }

    /// Completes a container: how many nodes it spans, how many children it has, whether its text is compact.
    pub(crate) fn close(&mut self, size: usize, count: usize, verbatim: bool) {
        self.size = to_u32(size);
        self.bits = (self.bits & KIND) | if verbatim { VERBATIM } else { 0 } | (to_u32(count) << COUNT_SHIFT);
    }

    pub(crate) fn kind(self) -> Kind {
        Kind::from_bits(self.bits & KIND)
    }

    /// The same node in a text that stands so many bytes further.
    pub(crate) fn shifted(mut self, by: u32) -> Self {
        self.start = self.start.wrapping_add(by);
        self.end = self.end.wrapping_add(by);
        self
    }

    /// Whether a string has escapes in the source.
    pub(crate) fn escaped(self) -> bool {
        self.bits & ESCAPED != 0
    }

    pub(crate) fn is_true(self) -> bool {
        self.bits & ESCAPED != 0
    }

    pub(crate) fn integer(self) -> bool {
        self.bits & INTEGER != 0
    }

    pub(crate) fn verbatim(self) -> bool {
        self.bits & VERBATIM != 0
    }

    /// Whether equal source texts make equal values: same kind, and each its own compact text.
    pub(crate) fn same_text(self, other: Self) -> bool {
        self.end - self.start == other.end - other.start
            && (self.bits | other.bits) & VERBATIM != 0
            && self.bits & (KIND | VERBATIM) == other.bits & (KIND | VERBATIM)
    }

    /// Items of an array, members of an object.
    pub(crate) fn count(self) -> usize {
        (self.bits >> COUNT_SHIFT) as usize
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the reader refuses a text of more than `TEXT_BYTES_MAX`")]
fn to_u32(n: usize) -> u32 {
    n as u32
}

/// The longest text that a document can hold, in bytes: positions are 32 bits and counts 24.
pub const TEXT_BYTES_MAX: usize = (1 << 25) - 1;

/// One JSON text and its nodes. Immutable, shared by `Arc`.
pub struct Document {
    pub(crate) text: Arc<str>,
    /// Compact text of values that were put in place of others, if there are any: positions run on from `text`.
    pub(crate) added: Option<Arc<str>>,
    pub(crate) nodes: Vec<Node>,
    /// Nested containers: no value in it has more.
    pub(crate) depth: usize,
    /// Bytes of a member name, as it stands in the text: none has more.
    pub(crate) name_bytes: usize,
    /// Whether a number in it may have 16 characters or more, or an exponent: no other is beyond ±(2^53 − 1).
    pub(crate) has_long_number: bool,
}

/// Shows sizes, never a value.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({} bytes, {} nodes)", self.text.len(), self.nodes.len())
    }
}

const MISSING: Node = Node { start: 0, end: 0, size: 1, bits: VERBATIM };

impl Document {
    pub(crate) fn node(&self, at: u32) -> Node {
        self.nodes.get(at as usize).copied().unwrap_or(MISSING)
    }

    /// The node that begins at a byte of the text.
    pub(crate) fn node_at(&self, start: u32) -> Option<u32> {
        let at = self.nodes.binary_search_by_key(&start, |node| node.start).ok()?;
        u32::try_from(at).ok()
    }

    /// A value of it as a document, over the same text.
    pub(crate) fn below(&self, at: u32) -> Self {
        let end = at + self.node(at).size;
        self.with_nodes(self.nodes.get(at as usize..end as usize).unwrap_or_default().to_vec())
    }

    /// The same object over the same text, without one of its members.
    pub(crate) fn without_member(&self, name: &str) -> Option<Self> {
        let mut nodes = self.nodes.clone();
        let mut at = 1;
        while let (Some(own), Some(value)) = (nodes.get(at).copied(), nodes.get(at + 1).copied()) {
            let length = 1 + value.size as usize;
            if Text::source(self.source(own), own.escaped()).is(name) {
                nodes.drain(at..at + length);
                let (size, root) = (nodes.len(), nodes.first_mut()?);
                root.close(size, root.count().saturating_sub(1), false);
                return Some(self.with_nodes(nodes));
            }
            at += length;
        }
        None
    }

    /// A document of other nodes over the same text.
    pub(crate) fn with_nodes(&self, nodes: Vec<Node>) -> Self {
        let Self { text, added, depth, name_bytes, has_long_number, .. } = self;
        Self {
            text: Arc::clone(text),
            added: added.clone(),
            nodes,
            depth: *depth,
            name_bytes: *name_bytes,
            has_long_number: *has_long_number,
        }
    }

    /// A document of other nodes, some of which stand in `added`.
    pub(crate) fn with_added(&self, nodes: Vec<Node>, added: &str) -> Self {
        Self {
            text: Arc::clone(&self.text),
            added: Some(Arc::from(added)),
            nodes,
            depth: usize::MAX,
            name_bytes: usize::MAX,
            has_long_number: true,
        }
    }

    /// The source text of a node; of a string without its quotation marks.
    pub(crate) fn source(&self, node: Node) -> &str {
        self.bytes(node.start as usize..node.end as usize)
    }

    /// A part of its text.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_else(|| self.added_bytes(range))
    }

    #[cold]
    fn added_bytes(&self, range: Range<usize>) -> &str {
        let (shift, added) = (self.text.len(), self.added.as_deref().unwrap_or_default());
        added.get(range.start.wrapping_sub(shift)..range.end.wrapping_sub(shift)).unwrap_or_default()
    }
}
