//! The reader (RFC 8259): bytes to a [`Document`], with limits and duplicate names while reading.

use std::sync::Arc;

use super::document::{Document, Kind, Node, TEXT_BYTES_MAX};
use super::place::Position;
use super::text::{Text, plain_run};

/// Nested arrays and objects that a text may have, unless a caller says otherwise.
pub const DEPTH_MAX: usize = 128;

/// What is wrong in a text that is not JSON, or what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// Something follows the value.
    End,
    /// A value is expected.
    Value,
    /// The text ends where a value is expected.
    ValueAtEnd,
    /// A member's name is expected.
    Name,
    /// A `:` is expected.
    Colon,
    /// A list neither goes on nor ends.
    ListSeparator,
    /// An object neither goes on nor ends.
    ObjectSeparator,
    /// A number lacks a digit.
    Digit,
    /// A number begins with a zero.
    LeadingZero,
    /// A number that no 64-bit float can hold.
    NumberRange,
    /// The text ends inside a string.
    OpenString,
    /// A control character in a string.
    Control,
    /// An unknown escape.
    Escape,
    /// `\u` without four hexadecimal digits.
    HexDigits,
    /// Half of a surrogate pair.
    Surrogate,
}

impl Syntax {
    /// One sentence, without any text of the source.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::NotUtf8 => "the text is not UTF-8",
            Self::End => "expected the end of the text",
            Self::Value => "expected a value",
            Self::ValueAtEnd => "expected a value, found the end of the text",
            Self::Name => "expected a member name in quotation marks",
            Self::Colon => "expected `:`",
            Self::ListSeparator => "expected `,` or `]`",
            Self::ObjectSeparator => "expected `,` or `}`",
            Self::Digit => "expected a digit",
            Self::LeadingZero => "a number has a leading zero",
            Self::NumberRange => "a number is beyond the range of a 64-bit float",
            Self::OpenString => "a string does not end",
            Self::Control => "a control character in a string is not escaped",
            Self::Escape => "an escape that JSON does not know",
            Self::HexDigits => "`\\u` needs four hexadecimal digits",
            Self::Surrogate => "a lone surrogate",
        }
    }
}

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// The text is not JSON.
    Syntax(Syntax),
    /// An object names a member twice, compared after unescaping.
    Duplicate,
    /// More nested containers than allowed.
    TooDeep,
    /// More bytes than a document can hold.
    TooLarge,
}

/// A refused text: what is wrong and where. It holds no text of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// The first byte that is wrong.
    pub offset: usize,
    /// The byte after the last that is wrong: of a repeated name, its closing quotation mark's.
    pub end: usize,
}

impl ReadErrorKind {
    /// One sentence, without any text of the source.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Syntax(syntax) => syntax.message(),
            Self::Duplicate => "a member is named twice",
            Self::TooDeep => "too many nested arrays and objects",
            Self::TooLarge => "too many bytes",
        }
    }
}

impl ReadError {
    /// One sentence, without any text of the source.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.kind.message()
    }

    /// Line and column of the first wrong byte.
    #[must_use]
    pub fn position(&self, text: &[u8]) -> Position {
        Position::of(text, self.offset)
    }
}

impl Document {
    /// Reads one JSON text of at most [`DEPTH_MAX`] nested containers.
    ///
    /// # Errors
    /// Not UTF-8, not JSON, a member named twice, a lone surrogate, a number beyond `f64`, too deep, too large.
    ///
    /// ```
    /// use handover_engine::json::{Document, ReadErrorKind};
    /// let document = Document::read(br#"{ "qty": 1.10 }"#).unwrap();
    /// assert_eq!(document.root().to_text(), r#"{"qty":1.10}"#);
    /// let error = Document::read(br#"{"a":1,"\u0061":2}"#).unwrap_err();
    /// assert_eq!(error.kind, ReadErrorKind::Duplicate);
    /// ```
    pub fn read(bytes: &[u8]) -> Result<Arc<Self>, ReadError> {
        Self::read_within(bytes, DEPTH_MAX)
    }

    /// Reads one JSON text of at most `depth_max` nested containers.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub fn read_within(bytes: &[u8], depth_max: usize) -> Result<Arc<Self>, ReadError> {
        if bytes.len() > TEXT_BYTES_MAX {
            return Err(ReadError { kind: ReadErrorKind::TooLarge, offset: TEXT_BYTES_MAX, end: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| *syntax(Syntax::NotUtf8, error.valid_up_to()))?;
        let mut reader = Reader {
            text,
            bytes,
            at: 0,
            nodes: Vec::with_capacity(bytes.len() / BYTES_PER_NODE + 16),
            names: Vec::new(),
            depth: 0,
            depth_max,
            deepest: 0,
            name_bytes: 0,
            has_long_number: false,
        };
        reader.space();
        reader.value().map_err(|error| *error)?;
        reader.space();
        if reader.at < bytes.len() {
            return Err(*syntax(Syntax::End, reader.at));
        }
        let Reader { nodes, deepest, name_bytes, has_long_number, .. } = reader;
        let (text, depth) = (Arc::from(text), deepest);
        Ok(Arc::new(Self { text, added: None, nodes, depth, name_bytes, has_long_number }))
    }
}

/// Characters of 2^53, the first integer that JavaScript does not tell from its neighbour.
const LONG_NUMBER: usize = 16;

/// Bytes of text for each node, at the least, in lists of small objects: then no room is made twice.
const BYTES_PER_NODE: usize = 6;

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The names of the objects that are open.
    names: Vec<Name>,
    depth: usize,
    depth_max: usize,
    deepest: usize,
    name_bytes: usize,
    has_long_number: bool,
}

/// A member name: its node, and length and first bytes in one word, which most different names do not share.
#[derive(Clone, Copy)]
struct Name {
    key: u64,
    node: u32,
}

/// The key of a name with escapes: it may equal any other.
const ESCAPED_KEY: u64 = u64::MAX;

/// A refusal on the way; boxed, so that what goes well travels in registers.
type Step<T> = Result<T, Box<ReadError>>;

/// Whether the text read so far is compact: no white space between tokens.
type Compact = bool;

/// Objects of at most so many members compare their names pairwise, larger ones sort them.
const PAIRWISE_MAX: usize = 12;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space.
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The next byte that is no white space; white space before it makes the text not compact.
    fn token(&mut self, compact: &mut Compact) -> Option<u8> {
        let byte = self.peek();
        if byte.is_none_or(|byte| byte > b' ') {
            return byte;
        }
        *compact = false;
        self.space();
        self.peek()
    }

    fn value(&mut self) -> Step<Compact> {
        match self.peek() {
            Some(b'"') => {
                self.string()?;
                Ok(true)
            }
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b' ' | b'\n' | b'\r' | b'\t') => {
                self.space();
                self.value()?;
                Ok(false)
            }
            Some(_) => Err(syntax(Syntax::Value, self.at)),
            None => Err(syntax(Syntax::ValueAtEnd, self.at)),
        }
    }

    fn word(&mut self, word: &str) -> Step<Compact> {
        let (start, end) = (self.at, self.at + word.len());
        if self.bytes.get(start..end) != Some(word.as_bytes()) {
            return Err(syntax(Syntax::Value, start));
        }
        self.at = end;
        self.nodes.push(match word {
            "null" => Node::scalar(Kind::Null, start, end),
            _ => Node::boolean(start, end, word == "true"),
        });
        Ok(true)
    }

    fn number(&mut self) -> Step<Compact> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(syntax(Syntax::LeadingZero, start));
        }
        let integer = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.has_long_number = true;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let end = self.at;
        if (end > integer || end - start > 300) && !self.is_finite(start, end) {
            return Err(syntax(Syntax::NumberRange, start));
        }
        self.has_long_number |= end - start >= LONG_NUMBER;
        self.nodes.push(Node::number(start, end, end == integer));
        Ok(true)
    }

    fn digits(&mut self) -> Step<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(syntax(Syntax::Digit, start));
        }
        Ok(self.at - start)
    }

    fn is_finite(&self, start: usize, end: usize) -> bool {
        self.text.get(start..end).and_then(|text| text.parse::<f64>().ok()).is_some_and(f64::is_finite)
    }

    fn string(&mut self) -> Step<()> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_run(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(syntax(Syntax::Control, self.at)),
                None => return Err(syntax(Syntax::OpenString, self.at)),
            }
        }
        self.nodes.push(Node::string(start, self.at, escaped));
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Step<()> {
        let start = self.at;
        match self.bytes.get(start + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.surrogates(start),
            _ => Err(syntax(Syntax::Escape, start)),
        }
    }

    fn surrogates(&mut self, start: usize) -> Step<()> {
        let unit = self.hex(start)?;
        self.at = start + 6;
        match unit {
            0xD800..0xDC00 => {
                let low = (self.bytes.get(self.at..self.at + 2) == Some(b"\\u")).then(|| self.hex(self.at));
                if !matches!(low.transpose()?, Some(0xDC00..0xE000)) {
                    return Err(syntax(Syntax::Surrogate, start));
                }
                self.at += 6;
                Ok(())
            }
            0xDC00..0xE000 => Err(syntax(Syntax::Surrogate, start)),
            _ => Ok(()),
        }
    }

    fn hex(&self, start: usize) -> Step<u32> {
        let digits = self.bytes.get(start + 2..start + 6).unwrap_or_default();
        if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(syntax(Syntax::HexDigits, start));
        }
        Ok(digits.iter().fold(0, |unit, &digit| unit * 16 + char::from(digit).to_digit(16).unwrap_or(0)))
    }

    fn open(&mut self, kind: Kind) -> Step<usize> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > self.depth_max {
            return Err(Box::new(ReadError { kind: ReadErrorKind::TooDeep, offset: self.at, end: self.at + 1 }));
        }
        let node = self.nodes.len();
        self.nodes.push(Node::open(kind, self.at));
        self.at += 1;
        Ok(node)
    }

    fn close(&mut self, node: usize, count: usize, compact: Compact) -> Compact {
        self.at += 1;
        self.depth -= 1;
        let (end, size) = (self.at, self.nodes.len() - node);
        if let Some(node) = self.nodes.get_mut(node) {
            node.end = u32::try_from(end).unwrap_or(u32::MAX);
            node.close(size, count, compact);
        }
        compact
    }

    fn array(&mut self) -> Step<Compact> {
        let node = self.open(Kind::Array)?;
        let (mut compact, mut count) = (true, 0);
        if self.token(&mut compact) == Some(b']') {
            return Ok(self.close(node, 0, compact));
        }
        loop {
            compact &= self.value()?;
            count += 1;
            match self.token(&mut compact) {
                Some(b',') => self.at += 1,
                Some(b']') => return Ok(self.close(node, count, compact)),
                _ => return Err(syntax(Syntax::ListSeparator, self.at)),
            }
        }
    }

    fn object(&mut self) -> Step<Compact> {
        let node = self.open(Kind::Object)?;
        let first_name = self.names.len();
        let mut compact = true;
        if self.token(&mut compact) == Some(b'}') {
            return Ok(self.close(node, 0, compact));
        }
        loop {
            self.member(&mut compact)?;
            match self.token(&mut compact) {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(syntax(Syntax::ObjectSeparator, self.at)),
            }
        }
        self.distinct(first_name)?;
        let count = self.names.len() - first_name;
        self.names.truncate(first_name);
        Ok(self.close(node, count, compact))
    }

    fn member(&mut self, compact: &mut Compact) -> Step<()> {
        if self.token(compact) != Some(b'"') {
            return Err(syntax(Syntax::Name, self.at));
        }
        let node = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let start = self.at + 1;
        self.string()?;
        let end = self.at - 1;
        self.name_bytes = self.name_bytes.max(end - start);
        let escaped = self.nodes.last().is_some_and(|node| node.escaped());
        let key = if escaped { ESCAPED_KEY } else { self.name_key(start, end) };
        self.names.push(Name { key, node });
        if self.token(compact) != Some(b':') {
            return Err(syntax(Syntax::Colon, self.at));
        }
        self.at += 1;
        *compact &= self.value()?;
        Ok(())
    }

    fn name_key(&self, start: usize, end: usize) -> u64 {
        let bytes = self.bytes.get(start..end.min(start + 4)).unwrap_or_default();
        bytes.iter().fold((end - start) as u64, |key, &byte| (key << 8) | u64::from(byte))
    }

    fn distinct(&self, first: usize) -> Step<()> {
        let names = self.names.get(first..).unwrap_or_default();
        if names.len() > PAIRWISE_MAX {
            return self.distinct_sorted(names);
        }
        for (index, name) in names.iter().enumerate() {
            let earlier = names.get(..index).unwrap_or_default();
            let alike = |other: &&Name| other.key == name.key || other.key == ESCAPED_KEY || name.key == ESCAPED_KEY;
            if earlier.iter().filter(alike).any(|other| self.name(other.node).same(self.name(name.node))) {
                return Err(self.duplicate(name.node));
            }
        }
        Ok(())
    }

    fn distinct_sorted(&self, names: &[Name]) -> Step<()> {
        let mut nodes: Vec<u32> = names.iter().map(|name| name.node).collect();
        nodes.sort_by(|&a, &b| self.name(a).compare(self.name(b)));
        let mut pairs = nodes.windows(2).filter_map(|pair| match *pair {
            [a, b] if self.name(a).same(self.name(b)) => Some(a.max(b)),
            _ => None,
        });
        pairs.next().map_or(Ok(()), |name| Err(self.duplicate(name)))
    }

    fn name(&self, node: u32) -> Text<'_> {
        let Some(node) = self.nodes.get(node as usize) else { return Text::plain("") };
        Text::source(self.text.get(node.start as usize..node.end as usize).unwrap_or_default(), node.escaped())
    }

    fn duplicate(&self, node: u32) -> Box<ReadError> {
        let (start, end) =
            self.nodes.get(node as usize).map_or((0, 0), |node| (node.start as usize, node.end as usize));
        Box::new(ReadError { kind: ReadErrorKind::Duplicate, offset: start.saturating_sub(1), end: end + 1 })
    }
}

#[cold]
fn syntax(wrong: Syntax, offset: usize) -> Box<ReadError> {
    Box::new(ReadError { kind: ReadErrorKind::Syntax(wrong), offset, end: offset + 1 })
}
