//! Detectors of data that must not travel.
//!
//! Payment card numbers and US social security numbers are looked for unless a policy says otherwise; tokens, bank accounts,
//! addresses and telephone numbers where it asks for it. A detector matches anywhere in a string; a number is looked at as its
//! digits.

mod digits;
mod card;
mod number;
mod text;

use std::borrow::Cow;

use crate::fate::Keyword;
use crate::json::{Number, Text};

/// A kind of sensitive data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detector {
    /// A payment card number: what issuers write, 14–19 digits, Luhn (ISO/IEC 7812).
    Pan,
    /// A US social security number, `AAA-GG-SSSS`.
    Ssn,
    /// A JSON Web Token: three base64url parts, the first an object with `alg` (RFC 7519).
    Jwt,
    /// An international bank account number with its check digits (ISO 13616).
    Iban,
    /// An e-mail address (RFC 5321).
    Email,
    /// A telephone number: `+` and 8–15 digits (E.164).
    Phone,
}

/// Every detector, in the order in which they are asked.
const DETECTORS: [Detector; 6] =
    [Detector::Pan, Detector::Ssn, Detector::Jwt, Detector::Iban, Detector::Email, Detector::Phone];

impl Detector {
    /// The detectors that a policy can name.
    pub const NAMES: [&'static str; 6] = ["email", "iban", "jwt", "pan", "phone", "ssn"];

    /// The detector of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "pan" => Some(Self::Pan),
            "ssn" => Some(Self::Ssn),
            "jwt" => Some(Self::Jwt),
            "iban" => Some(Self::Iban),
            "email" => Some(Self::Email),
            "phone" => Some(Self::Phone),
            _ => None,
        }
    }

    /// The keyword that reports print.
    #[must_use]
    pub fn keyword(self) -> Keyword {
        match self {
            Self::Pan => Keyword::DenyPan,
            Self::Ssn => Keyword::DenySsn,
            Self::Jwt => Keyword::DenyJwt,
            Self::Iban => Keyword::DenyIban,
            Self::Email => Keyword::DenyEmail,
            Self::Phone => Keyword::DenyPhone,
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// `digits` is the text as it was read for its digits.
    fn matches(self, text: &str, digits: &[u8]) -> bool {
        match self {
            Self::Pan => card::has_card(digits),
            Self::Ssn => number::has_ssn(digits),
            Self::Jwt => text::has_jwt(text),
            Self::Iban => text::has_iban(text.as_bytes()),
            Self::Email => text::has_email(text),
            Self::Phone => number::has_phone(text.as_bytes()),
        }
    }
}

/// The detectors that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detectors(u8);

impl Detectors {
    /// Every detector.
    pub const ALL: Self = Self(63);
    /// Those that are on unless a policy says otherwise: `pan` and `ssn`.
    pub const STANDARD: Self = Self(3);
    /// No detector.
    pub const NONE: Self = Self(0);

    /// Turns a detector on or off.
    pub fn set(&mut self, detector: Detector, on: bool) {
        self.0 = if on { self.0 | detector.bit() } else { self.0 & !detector.bit() };
    }

    /// These without `others`.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether no detector is on.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    fn has(self, detector: Detector) -> bool {
        self.0 & detector.bit() != 0
    }

    /// The first detector that matches anywhere in the string.
    #[must_use]
    pub fn find_in_text(self, text: Text<'_>) -> Option<Detector> {
        // an escape is longer than what it stands for, so a short source holds a short string
        let is_short = text.source_bytes() < number::SSN_BYTES;
        let only_long = || self.without(Self::STANDARD).is_empty() || !text.raw().contains(['@', '+', '\\']);
        if self.is_empty() || (is_short && only_long()) {
            return None;
        }
        if text.has_escapes() { self.find(&text.decode()) } else { self.find(text.raw()) }
    }

    /// The first detector that matches a whole number.
    #[must_use]
    pub fn find_in_number(self, number: Number<'_>) -> Option<Detector> {
        if !self.has(Detector::Pan) {
            return None;
        }
        let whole = match number {
            Number::Decimal(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                return card::has_card(text.as_bytes()).then_some(Detector::Pan);
            }
            other => other.as_i64()?.unsigned_abs(),
        };
        let found = whole >= CARD_LEAST && card::has_card(whole.to_string().as_bytes());
        found.then_some(Detector::Pan)
    }

    fn find(self, text: &str) -> Option<Detector> {
        let holds_numbers = digits::may_hold(text, number::SSN_DIGITS);
        if !holds_numbers && self.without(Self::STANDARD).is_empty() {
            return None;
        }
        let digits = if holds_numbers { digits::read(text) } else { Cow::Borrowed([].as_slice()) };
        DETECTORS.into_iter().find(|detector| self.has(*detector) && detector.matches(text, &digits))
    }
}

/// The least number that may be a card's.
const CARD_LEAST: u64 = 10_u64.pow(card::DIGITS_MIN - 1);

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
        text("4111 1111 1111 1111 12/27", pan);
        text("4111 1111 1111 1111 110", pan);
        text("3782 822463 10005", pan);
        text("378282246310005", pan);
        text("3056 930902 5904", pan);
        text("6759 6498 2643 8453", pan);
        text("4111.1111.1111.1111", pan);
        text("q=5555%205555%205555%204444", pan);
        text("5555+5555+5555+4444", pan);
        text("4111\u{2013}1111\u{2013}1111\u{2013}1111", pan);
        text("4111\u{200b}1111\u{200b}1111\u{200b}1111", pan);
        text("\u{ff14}\u{ff11}\u{ff11}\u{ff11} 1111 1111 1111", pan);
        // an article, a variant of a shop, a time, sizes, an order, a telephone number
        text("4222222222222", None);
        text("43382719483100", None);
        text("30569309025904", None);
        text("6759649826438453", None);
        text("20261123101523", None);
        text("36 38 40 42 44 46 48", None);
        text("302-3517846-9352171", None);
        text("4111-1111 1111-1111", None);
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
        text("123 45 6789", ssn);
        text("123\u{2011}45\u{2011}6789", ssn);
        text("123-45 6789", None);
        text("1-123-45-6789", None);
        text("123-45-6789-0", None);
        text("424-55-6442-X", None);
        text("424-55-6442-xl", ssn);
        text("123-00-6789", None);
        text("123-45-0000", None);
        text("1123-45-6789", None);
        text("123-45-67890", None);
    }

    #[test]
    fn tokens_are_found() {
        let jwt = Some(Detector::Jwt);
        text("eyJhbGciOiJub25lIn0.e30.x", jwt);
        text("Bearer eyJhbGciOiJub25lIn0.e30.x, please", jwt);
        text("{\"token\":\"eyJhbGciOiJub25lIn0.e30.x\"}", jwt);
        text("e30.e30.x", None);
        text("eyJhbGciOiJub25lIn0.e30", None);
        text("a.b.c", None);
        text("www.shop.test", None);
    }

    #[test]
    fn bank_accounts_are_found() {
        let iban = Some(Detector::Iban);
        text("DE89370400440532013000", iban);
        text("pay to GB82 WEST 1234 5698 7654 32 today", iban);
        text("de89 3704 0044 0532 0130 00", iban);
        text("DE88370400440532013000", None);
        text("DE89  370400440532013000", None);
        text("DE8937040044", None);
    }

    #[test]
    fn addresses_are_found() {
        let email = Some(Detector::Email);
        text("a.b@shop.test", email);
        text("write to <a+b@shop.test>.", email);
        text("[\"a@b.test\"]", email);
        text("a@", None);
        text("@shop", None);
        text("a @ b", None);
        text(".@-", None);
    }

    #[test]
    fn telephone_numbers_are_found() {
        let phone = Some(Detector::Phone);
        text("+493012345678", phone);
        text("call +49 30 1234-5678 now", phone);
        text("+1234567", None);
        text("+1234567890123456", None);
        text("493012345678 ", None);
        text("+٤٩١٥١١٢٣٤٥٦٧٨", None);
    }

    #[test]
    fn a_detector_that_is_off_finds_nothing() {
        for sensitive in ["a@b.test", "+493012345678", "DE89370400440532013000", "eyJhbGciOiJub25lIn0.e30.x"] {
            assert_eq!(Detectors::STANDARD.find_in_text(Text::plain(sensitive)), None, "{sensitive}");
        }
        assert_eq!(Detectors::ALL.without(Detectors::STANDARD).find_in_text(Text::plain("123-45-6789")), None);
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
