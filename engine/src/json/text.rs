//! Strings: as they stand in the source, with their escapes, or as a program holds them.

use std::borrow::Cow;

/// A string or member name.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The text between two quotation marks of a JSON source.
    pub(crate) fn source(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// A string without any escape.
    #[must_use]
    pub fn plain(raw: &'a str) -> Self {
        Self { raw, escaped: false }
    }

    /// The string itself, its escapes read.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// Compares by code points, which in UTF-8 is the order of the bytes.
    #[must_use]
    pub fn compare(self, other: Text<'_>) -> std::cmp::Ordering {
        if self.escaped || other.escaped { self.decode().cmp(&other.decode()) } else { self.raw.cmp(other.raw) }
    }

    /// Whether both are the same string, however it is escaped.
    #[must_use]
    pub fn same(self, other: Text<'_>) -> bool {
        if self.escaped || other.escaped { self.decode() == other.decode() } else { self.raw == other.raw }
    }

    /// Whether the string is exactly `text`.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        if self.escaped { self.decode() == text } else { self.raw == text }
    }

    /// Length in Unicode code points, as JSON Schema counts.
    #[must_use]
    pub fn code_points(self) -> usize {
        if self.escaped { self.decode().chars().count() } else { self.raw.chars().count() }
    }

    /// Bytes as they stand in the source: never fewer than the string's own.
    pub(crate) fn source_bytes(self) -> usize {
        self.raw.len()
    }

    pub(crate) fn has_escapes(self) -> bool {
        self.escaped
    }

    pub(crate) fn raw(self) -> &'a str {
        self.raw
    }
}

/// Reads the escapes of a source text that the reader has accepted (RFC 8259 §7).
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let (character, used) = escape(after);
        text.push(character);
        rest = after.get(used..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The character of the escape whose text follows the backslash, and the bytes it takes there.
fn escape(after: &str) -> (char, usize) {
    match after.as_bytes().first() {
        Some(b'n') => ('\n', 1),
        Some(b't') => ('\t', 1),
        Some(b'r') => ('\r', 1),
        Some(b'b') => ('\u{8}', 1),
        Some(b'f') => ('\u{c}', 1),
        Some(b'u') => unicode_escape(after),
        Some(&other) => (char::from(other), 1),
        None => ('\\', 0),
    }
}

fn unicode_escape(after: &str) -> (char, usize) {
    let unit = |at: usize| after.get(at..at + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0xFFFD);
    let high = unit(1);
    if (0xD800..0xDC00).contains(&high) {
        let low = unit(7);
        let code = 0x1_0000 + ((high - 0xD800) << 10) + low.wrapping_sub(0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

/// Writes a string with the escapes that RFC 8259 §7 demands and no others.
pub(crate) fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at_checked(plain_run(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(b'0' + (byte >> 4));
                out.push(b"0123456789abcdef".get(usize::from(byte & 15)).copied().unwrap_or(b'0'));
            }
        }
        rest = after;
    }
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Bytes before the first quotation mark, backslash or control character, eight at a time.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let special = below_space(word) | equals(word, b'"') | equals(word, b'\\');
        if special != 0 {
            return run + special.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    let rest = bytes.get(run..).unwrap_or_default();
    run + rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(rest.len())
}

/// The high bit of each byte below 0x20; the lowest such bit is exact, those above it may be too many.
fn below_space(word: u64) -> u64 {
    word.wrapping_sub(LOW_BITS * 0x20) & !word & HIGH_BITS
}

fn equals(word: u64, byte: u8) -> u64 {
    let difference = word ^ (LOW_BITS * u64::from(byte));
    difference.wrapping_sub(LOW_BITS) & !difference & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::{Text, write_escaped};

    #[test]
    fn escapes_are_read() {
        let decoded = Text::source(r#"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"#, true).decode().into_owned();
        assert_eq!(decoded, "a\"\\/\u{8}\u{c}\n\r\té😀z");
    }

    #[test]
    fn strings_are_equal_however_they_are_escaped() {
        assert!(Text::source(r"\u0061", true).same(Text::plain("a")));
        assert!(Text::source(r"\u0061", true).is("a"));
    }

    #[test]
    fn writing_escapes_what_must_be() {
        let mut out = Vec::new();
        write_escaped("a\"\\\n\u{1f}é", &mut out);
        assert_eq!(out, "a\\\"\\\\\\n\\u001fé".as_bytes());
    }
}
