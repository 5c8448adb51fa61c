//! Detectors of data that must not travel: payment card numbers and US social security numbers.

use crate::fate::Keyword;
use crate::json::{Number, Text};

/// A kind of sensitive data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detector {
    /// A primary account number: 13–19 digits, Luhn (ISO/IEC 7812).
    Pan,
    /// A US social security number, `AAA-GG-SSSS`.
    Ssn,
}

impl Detector {
    /// The detectors that a policy can name.
    pub const NAMES: [&'static str; 2] = ["pan", "ssn"];

    /// The detector of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "pan" => Some(Self::Pan),
            "ssn" => Some(Self::Ssn),
            _ => None,
        }
    }

    /// The keyword that reports print.
    #[must_use]
    pub fn keyword(self) -> Keyword {
        match self {
            Self::Pan => Keyword::DenyPan,
            Self::Ssn => Keyword::DenySsn,
        }
    }
}

/// The detectors that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detectors {
    pan: bool,
    ssn: bool,
}

impl Detectors {
    /// Every detector.
    pub const ALL: Self = Self { pan: true, ssn: true };
    /// No detector.
    pub const NONE: Self = Self { pan: false, ssn: false };

    /// Turns a detector on or off.
    pub fn set(&mut self, detector: Detector, on: bool) {
        match detector {
            Detector::Pan => self.pan = on,
            Detector::Ssn => self.ssn = on,
        }
    }

    /// These without `others`.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self { pan: self.pan && !others.pan, ssn: self.ssn && !others.ssn }
    }

    /// Whether no detector is on.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The first detector that matches anywhere in the string.
    #[must_use]
    pub fn find_in_text(self, text: Text<'_>) -> Option<Detector> {
        // an escape is longer than what it stands for, so a short source holds a short string
        if self.is_empty() || text.source_bytes() < SSN_BYTES {
            return None;
        }
        if text.has_escapes() { self.find(text.decode().as_bytes()) } else { self.find(text.raw().as_bytes()) }
    }

    /// The first detector that matches a whole number.
    #[must_use]
    pub fn find_in_number(self, number: Number<'_>) -> Option<Detector> {
        if !self.pan {
            return None;
        }
        let whole = match number {
            Number::Decimal(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                return self.find(text.as_bytes());
            }
            other => other.as_i64()?.unsigned_abs(),
        };
        if whole < PAN_LEAST { None } else { self.find(whole.to_string().as_bytes()) }
    }

    fn find(self, text: &[u8]) -> Option<Detector> {
        if text.iter().filter(|byte| byte.is_ascii_digit()).count() < SSN_DIGITS {
            return None;
        }
        if self.pan && has_pan(text) {
            return Some(Detector::Pan);
        }
        (self.ssn && has_ssn(text)).then_some(Detector::Ssn)
    }
}

/// Bytes of `AAA-GG-SSSS`, the shortest text that any detector matches.
const SSN_BYTES: usize = 11;
const SSN_DIGITS: usize = 9;
/// The smallest number of 13 digits.
const PAN_LEAST: u64 = 1_000_000_000_000;

/// Whether a maximal run of digits, with single spaces or dashes between them, is a card number.
fn has_pan(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(start) = rest.iter().position(u8::is_ascii_digit) {
        let run = rest.get(start..).unwrap_or_default();
        let length = run_bytes(run);
        if is_pan(run.get(..length).unwrap_or_default()) {
            return true;
        }
        rest = run.get(length..).unwrap_or_default();
    }
    false
}

/// Bytes of the run of digits and single separators that starts here and ends with a digit.
fn run_bytes(text: &[u8]) -> usize {
    let mut length = 0;
    loop {
        match (text.get(length), text.get(length + 1)) {
            (Some(b'0'..=b'9'), _) => length += 1,
            (Some(b' ' | b'-'), Some(b'0'..=b'9')) => length += 2,
            _ => return length,
        }
    }
}

fn is_pan(run: &[u8]) -> bool {
    let digits = || run.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
    let (count, Some(first)) = (digits().count(), digits().next()) else { return false };
    (13..=19).contains(&count)
        && (2..=6).contains(&first)
        && (count > 13 || first == 4)
        && digits().any(|digit| digit != first)
        && luhn(run)
}

fn luhn(run: &[u8]) -> bool {
    let digits = run.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(index, digit)| if index % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

fn has_ssn(text: &[u8]) -> bool {
    let digit_at = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
    text.windows(SSN_BYTES)
        .enumerate()
        .any(|(start, window)| is_ssn(window) && !digit_at(start.checked_sub(1)) && !digit_at(Some(start + SSN_BYTES)))
}

fn is_ssn(window: &[u8]) -> bool {
    let [_, _, _, b'-', _, _, b'-', _, _, _, _] = window else { return false };
    let mut parts = window.split(|&byte| byte == b'-');
    let (Some(area), Some(group), Some(serial)) = (parts.next(), parts.next(), parts.next()) else { return false };
    [area, group, serial].concat().iter().all(u8::is_ascii_digit)
        && !area.starts_with(b"9")
        && area != b"000"
        && area != b"666"
        && group != b"00"
        && serial != b"0000"
}

#[cfg(test)]
mod tests {
    use super::{Detector, Detectors};
    use crate::json::{Number, Text};

    #[track_caller]
    fn text(text: &str, found: Option<Detector>) {
        assert_eq!(Detectors::ALL.find_in_text(Text::plain(text)), found, "{text}");
    }

    #[test]
    fn card_numbers_are_found_anywhere_in_a_text() {
        let pan = Some(Detector::Pan);
        text("4111111111111111", pan);
        text("card 4111 1111 1111 1111 please", pan);
        text("5500-0000-0000-0004", pan);
        text("4222222222222", pan);
        text("4111111111111112", None);
        text("2222222222222222", None);
        text("4111  1111 1111 1111", None);
        text("94111111111111111", None);
        text("1234567812345670", None);
    }

    #[test]
    fn social_security_numbers_are_found() {
        let ssn = Some(Detector::Ssn);
        text("123-45-6789", ssn);
        text("my ssn is 123-45-6789.", ssn);
        text("000-45-6789", None);
        text("666-45-6789", None);
        text("912-45-6789", None);
        text("123-00-6789", None);
        text("123-45-0000", None);
        text("1123-45-6789", None);
        text("123-45-67890", None);
    }

    #[test]
    fn numbers_are_card_numbers_too() {
        for (text, found) in [
            ("4111111111111111", Some(Detector::Pan)),
            ("4111111111111111.0", Some(Detector::Pan)),
            ("4.111111111111111e15", Some(Detector::Pan)),
            ("4111111111111112", None),
            ("411111111", None),
        ] {
            assert_eq!(Detectors::ALL.find_in_number(Number::from_text(text)), found, "{text}");
        }
    }
}
