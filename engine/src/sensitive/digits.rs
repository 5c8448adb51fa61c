//! A text as detectors of numbers read it: digits of every script by their value, invisible characters passed over.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// What a separator that is no character of ASCII is read as.
const NO_BREAK_SPACE: u8 = 1;
const THIN_SPACE: u8 = 2;
const NO_BREAK_HYPHEN: u8 = 3;
const EN_DASH: u8 = 4;
/// `%20`, a space in an address.
const ENCODED_SPACE: u8 = 5;
/// Any other character.
const OTHER: u8 = 0;

/// The separators that a card number may have.
pub(super) fn separates_cards(byte: u8) -> bool {
    matches!(byte, NO_BREAK_SPACE..=ENCODED_SPACE | b' ' | b'-' | b'.' | b'/' | b'_' | b'+')
}

/// The separators that a social security number may have.
pub(super) fn separates_parts(byte: u8) -> bool {
    matches!(byte, NO_BREAK_HYPHEN | EN_DASH | b'-' | b' ')
}

/// Whether a text may hold so many digits.
pub(super) fn may_hold(text: &str, least: usize) -> bool {
    let words = text.as_bytes().chunks_exact(8);
    let tail = words.remainder().iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    let words = words.map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
    let (mut digits, mut high) = (0, 0);
    for word in words.chain([tail]) {
        high |= word;
        digits += digits_of(word);
    }
    digits >= least || (high & HIGH != 0 && text.chars().filter(|one| one.is_numeric()).count() >= least)
}

/// How many of eight bytes are digits of ASCII.
fn digits_of(word: u64) -> usize {
    // a byte from `0` on reaches the high bit with 0x50, one behind `9` with 0x46 too
    let low = word & !HIGH;
    let from_zero = low + 0x5050_5050_5050_5050;
    let behind_nine = low + 0x4646_4646_4646_4646;
    (from_zero & !behind_nine & !word & HIGH).count_ones() as usize
}

/// The high bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The text in single bytes: a digit as `0` to `9`, a separator as one byte.
pub(super) fn read(text: &str) -> Cow<'_, [u8]> {
    let is_plain = |byte: u8| (ENCODED_SPACE + 1..0x80).contains(&byte) && byte != b'%';
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut read = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(one) = rest.chars().next() {
        let behind = rest.strip_prefix("%20");
        match (behind, one) {
            (Some(_), _) => read.push(ENCODED_SPACE),
            (None, one) if is_invisible(one) => {}
            (None, one) => read.push(byte(one)),
        }
        rest = behind.unwrap_or_else(|| rest.get(one.len_utf8()..).unwrap_or_default());
    }
    Cow::Owned(read)
}

fn byte(one: char) -> u8 {
    match (one, value(one)) {
        (_, Some(value)) => b'0' + value,
        ('\u{a0}', _) => NO_BREAK_SPACE,
        ('\u{2009}', _) => THIN_SPACE,
        ('\u{2011}', _) => NO_BREAK_HYPHEN,
        ('\u{2013}', _) => EN_DASH,
        (one, _) => u8::try_from(one).ok().filter(|byte| byte.is_ascii() && *byte > ENCODED_SPACE).unwrap_or(OTHER),
    }
}

/// Zero-width characters, marks of direction, variation selectors and the soft hyphen.
fn is_invisible(one: char) -> bool {
    matches!(one, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The first digit of each run of ten or more of Unicode's decimal digits, and the last.
static DIGITS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| match regex_syntax::parse(r"\p{Nd}").map(hir_kind) {
    Ok(HirKind::Class(Class::Unicode(class))) => {
        class.ranges().iter().map(|range| (range.start(), range.end())).collect()
    }
    _ => vec![('0', '9')],
});

fn hir_kind(hir: regex_syntax::hir::Hir) -> HirKind {
    hir.into_kind()
}

/// The value of a digit of any script. Each script has its ten in order.
fn value(one: char) -> Option<u8> {
    if one.is_ascii() {
        return one.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    let (first, _) = DIGITS.iter().find(|(first, last)| (*first..=*last).contains(&one))?;
    u8::try_from((u32::from(one) - u32::from(*first)) % 10).ok()
}
