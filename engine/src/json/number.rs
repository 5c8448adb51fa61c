//! Numbers of any size, compared as the decimals they are.

use std::cmp::Ordering;

/// A number: an integer, a float that a script made, or the decimal text of the source.
#[derive(Clone, Copy)]
pub enum Number<'a> {
    /// An integer of 64 bits.
    Int(i64),
    /// A finite binary float.
    Float(f64),
    /// The text of a number that is not a short integer.
    Decimal(&'a str),
}

impl<'a> Number<'a> {
    /// Reads the text of a JSON number.
    #[must_use]
    pub fn from_text(text: &'a str) -> Self {
        text.parse().map_or(Self::Decimal(text), Self::Int)
    }

    /// Reads the text of a short integer: a sign at most, and digits that fit.
    pub(crate) fn from_digits(text: &str) -> Self {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let value =
            digits.bytes().fold(0_i64, |value, digit| value.wrapping_mul(10).wrapping_add(i64::from(digit & 15)));
        Self::Int(if negative { -value } else { value })
    }

    /// The value as an integer, also where it is written `3.0` or `3e2`.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value),
            _ => self.decimal().as_i64(),
        }
    }

    /// The nearest binary float.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
            Self::Decimal(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// Whether it is written without a fraction and without an exponent.
    #[must_use]
    pub fn is_written_as_integer(self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Float(_) => false,
            Self::Decimal(text) => !text.contains(['.', 'e', 'E']),
        }
    }

    /// Whether this is an integer as JSON Schema says: 3 and 3.0 are, 3.5 is not.
    #[must_use]
    pub fn is_integer(self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Float(value) => value.fract() == 0.0,
            Self::Decimal(_) => self.decimal().exponent >= 0,
        }
    }

    /// Whether an `i64` or an `f64` holds this decimal: written back, it is the same number.
    #[must_use]
    pub fn is_exact(self) -> bool {
        match self {
            Self::Int(_) | Self::Float(_) => true,
            Self::Decimal(text) => {
                let written = float_text(self.as_f64());
                self.as_i64().is_some()
                    || (text.len() <= DECIMAL_BYTES_MAX && self.compare(Number::Decimal(&written)) == Ordering::Equal)
            }
        }
    }

    /// Whether validators that know 64-bit integers and floats only may take it for another number.
    #[must_use]
    pub fn is_lost_in_floats(self) -> bool {
        match self.rounded() {
            Rounded::Int(_) => false,
            Rounded::Float(value) => value.abs() >= EXACT_MAX || !self.is_exact(),
        }
    }

    /// Compares by value: 1 and 1.0 are equal.
    #[must_use]
    pub fn compare(self, other: Number<'_>) -> Ordering {
        match (self, other) {
            (Self::Int(a), Number::Int(b)) => a.cmp(&b),
            (Self::Float(a), Number::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            _ => {
                let (mut a, mut b) = ([0; INT_DIGITS], [0; INT_DIGITS]);
                let (left, right) = (float_text_of(self), float_text_of(other));
                let x = decimal_of(self, left.as_deref(), &mut a);
                x.compare(decimal_of(other, right.as_deref(), &mut b))
            }
        }
    }

    /// Whether this is a whole multiple of `divisor`, exactly.
    #[must_use]
    pub fn is_multiple_of(self, divisor: Divisor) -> bool {
        if let (Self::Int(value), 0) = (self, divisor.exponent) {
            return value.unsigned_abs().is_multiple_of(divisor.mantissa);
        }
        let text = float_text_of(self);
        let mut digits = [0; INT_DIGITS];
        divisor.divides(decimal_of(self, text.as_deref(), &mut digits))
    }

    /// The number as validators hold it that know 64-bit integers and floats only.
    #[must_use]
    pub fn rounded(self) -> Rounded {
        let whole = |text: &str| text.parse::<u64>().map(i128::from).or_else(|_| text.parse::<i64>().map(i128::from));
        match self {
            Self::Int(value) => Rounded::Int(i128::from(value)),
            Self::Float(value) => Rounded::Float(value),
            Self::Decimal(text) => whole(text).map_or(Rounded::Float(self.as_f64()), Rounded::Int),
        }
    }

    fn decimal(self) -> Decimal<'a> {
        match self {
            Self::Decimal(text) => Decimal::from_text(text),
            _ => Decimal { negative: false, whole: "", fraction: "", exponent: 0 },
        }
    }
}

/// A number that is a 64-bit integer, or else what a 64-bit float makes of it.
#[derive(Clone, Copy, Debug)]
pub enum Rounded {
    /// From the least `i64` to the greatest `u64`.
    Int(i128),
    /// Finite, or infinite where the number is too large.
    Float(f64),
}

impl Rounded {
    /// Compares by value.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Int(a), Self::Float(b)) => compare_mixed(a, b),
            (Self::Float(a), Self::Int(b)) => compare_mixed(b, a).reverse(),
        }
    }

    /// Whether division by a divisor leaves nothing: of integers exactly, of floats as they divide. `text` is the number's.
    #[must_use]
    pub fn is_multiple_of(self, text: &str, divisor: Divisor) -> bool {
        let by: f64 = format!("{}e{}", divisor.mantissa, divisor.exponent).parse().unwrap_or(f64::INFINITY);
        #[expect(clippy::cast_precision_loss, reason = "that is what is asked for")]
        let float = match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        };
        if by.fract() != 0.0 {
            return Number::Float(float).is_multiple_of(divisor);
        }
        if by > EXACT_MAX {
            return float % by == 0.0;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number up to 2^53")]
        let whole = Divisor { mantissa: by as u64, exponent: 0 };
        match self {
            Self::Float(_) if text.contains(['e', 'E']) || float.abs() < EXACT_MAX => float % by == 0.0,
            _ => Number::from_text(text).is_multiple_of(whole),
        }
    }
}

/// 2^53: floats hold every integer up to it.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "whole floats in the range of integers"
)]
fn compare_mixed(whole: i128, float: f64) -> Ordering {
    if float.fract() == 0.0 && float.abs() < 1e30 {
        whole.cmp(&(float as i128))
    } else {
        (whole as f64).partial_cmp(&float).unwrap_or(Ordering::Equal)
    }
}

/// The divisor of `multipleOf`, as `mantissa` · 10^`exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divisor {
    mantissa: u64,
    exponent: i64,
}

impl Divisor {
    /// Whether a 64-bit float holds it.
    #[must_use]
    pub fn is_exact(self) -> bool {
        let text = format!("{}e{}", self.mantissa, self.exponent);
        Number::from_text(&text).is_exact() && self.mantissa <= 1 << 53
    }

    /// The nearest binary float.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(f64::INFINITY)
    }

    /// So many times the divisor, exactly, as JSON writes it.
    #[must_use]
    pub fn multiple(self, times: i64) -> String {
        let digits = (i128::from(self.mantissa) * i128::from(times)).unsigned_abs().to_string();
        let sign = if times < 0 { "-" } else { "" };
        let places = usize::try_from(-self.exponent).unwrap_or(0);
        if places == 0 {
            let zeros = usize::try_from(self.exponent).unwrap_or(0).min(DECIMAL_BYTES_MAX);
            return format!("{sign}{digits}{}", "0".repeat(if times == 0 { 0 } else { zeros }));
        }
        let digits = format!("{digits:0>width$}", width = places.min(DECIMAL_BYTES_MAX) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places.min(DECIMAL_BYTES_MAX));
        format!("{sign}{whole}.{fraction}")
    }

    /// The least number that is a multiple of both.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let scaled = |one: Self| {
            let zeros = u32::try_from(one.exponent - exponent).unwrap_or(u32::MAX);
            one.mantissa.saturating_mul(10_u64.saturating_pow(zeros))
        };
        let (mut a, mut b) = (scaled(self), scaled(other));
        let product = u128::from(a) * u128::from(b);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        let mantissa = u64::try_from(product / u128::from(a.max(1))).unwrap_or(u64::MAX);
        Self { mantissa, exponent }
    }

    /// The divisor of a positive number whose significant digits fit 64 bits, else `None`.
    #[must_use]
    pub fn new(number: Number<'_>) -> Option<Self> {
        let text = float_text_of(number);
        let mut digits = [0; INT_DIGITS];
        let decimal = decimal_of(number, text.as_deref(), &mut digits);
        if decimal.negative || decimal.is_zero() {
            return None;
        }
        let mut mantissa = 0_u64;
        for digit in decimal.digits() {
            mantissa = mantissa.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
        Some(Self { mantissa, exponent: decimal.exponent })
    }

    fn divides(self, value: Decimal<'_>) -> bool {
        if value.is_zero() {
            return true;
        }
        // `value` has no trailing zero, so it cannot be a multiple of a larger power of ten
        let Ok(zeros) = u64::try_from(value.exponent.saturating_sub(self.exponent)) else { return false };
        let modulus = u128::from(self.mantissa);
        let mut rest = 0_u128;
        for digit in value.digits() {
            rest = (rest * 10 + u128::from(digit)) % modulus;
        }
        (rest * power_of_ten(zeros, modulus)).is_multiple_of(modulus)
    }
}

/// 10^`exponent` modulo `modulus`, which is below 2^64.
fn power_of_ten(mut exponent: u64, modulus: u128) -> u128 {
    let (mut result, mut base) = (1 % modulus, 10 % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    result
}

/// The text of a float, as it is written: the shortest that reads back as the same float.
pub(crate) fn float_text(value: f64) -> String {
    format!("{value:?}")
}

fn float_text_of(number: Number<'_>) -> Option<String> {
    match number {
        Number::Float(value) => Some(float_text(value)),
        _ => None,
    }
}

fn decimal_of<'b>(number: Number<'b>, float: Option<&'b str>, digits: &'b mut [u8; INT_DIGITS]) -> Decimal<'b> {
    match number {
        Number::Int(value) => Decimal::from_text(int_text(value, digits)),
        Number::Float(_) => Decimal::from_text(float.unwrap_or("0")),
        Number::Decimal(text) => Decimal::from_text(text),
    }
}

/// Bytes that the text of any `i64` fits.
pub(crate) const INT_DIGITS: usize = 20;

/// Longer decimals are never exact in an `f64` that anybody wrote on purpose.
const DECIMAL_BYTES_MAX: usize = 1_100;

/// Writes an integer into `buffer` and returns its text.
pub(crate) fn int_text(value: i64, buffer: &mut [u8; INT_DIGITS]) -> &str {
    let mut rest = value.unsigned_abs();
    let mut at = buffer.len();
    for slot in buffer.iter_mut().rev() {
        *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        at -= 1;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        if let Some(sign) = buffer.get_mut(at) {
            *sign = b'-';
        }
    }
    std::str::from_utf8(buffer.get(at..).unwrap_or_default()).unwrap_or_default()
}

/// A decimal without leading or trailing zeros: (`whole` `fraction` as one integer) · 10^`exponent`.
#[derive(Clone, Copy)]
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn from_text(text: &'a str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        // an exponent beyond 64 bits stands before a zero, or the reader refused the number
        let power = power.parse::<i64>().unwrap_or(if power.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 });
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let mut exponent = power.saturating_sub(length(fraction));
        let whole_short = if fraction.is_empty() { whole.trim_end_matches('0') } else { whole };
        exponent = exponent.saturating_add(length(whole) - length(whole_short));
        let fraction = if whole_short.is_empty() { fraction.trim_start_matches('0') } else { fraction };
        let zero = whole_short.is_empty() && fraction.is_empty();
        Self { negative: negative && !zero, whole: whole_short, fraction, exponent: if zero { 0 } else { exponent } }
    }

    fn digits(self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes()).map(|byte| byte.wrapping_sub(b'0'))
    }

    fn count(self) -> i64 {
        length(self.whole) + length(self.fraction)
    }

    fn is_zero(self) -> bool {
        self.count() == 0
    }

    fn as_i64(self) -> Option<i64> {
        if self.exponent < 0 || self.exponent > 18 {
            return None;
        }
        let mut value = 0_i128;
        for digit in self.digits().chain(std::iter::repeat_n(0, usize::try_from(self.exponent).ok()?)) {
            value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        i64::try_from(if self.negative { -value } else { value }).ok()
    }

    fn compare(self, other: Decimal<'_>) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
        }
    }

    fn compare_size(self, other: Decimal<'_>) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                let (mine, theirs) =
                    (self.count().saturating_add(self.exponent), other.count().saturating_add(other.exponent));
                mine.cmp(&theirs).then_with(|| self.digits().cmp(other.digits()))
            }
        }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Divisor, Number};
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[track_caller]
    fn check(a: &str, b: &str, order: std::cmp::Ordering) {
        assert_eq!(Number::from_text(a).compare(Number::from_text(b)), order, "{a} {b}");
        assert_eq!(Number::from_text(b).compare(Number::from_text(a)), order.reverse(), "{b} {a}");
    }

    #[test]
    fn numbers_compare_by_value() {
        check("1", "1.0", Equal);
        check("1e2", "100", Equal);
        check("-0", "0.0", Equal);
        check("0.10", "0.1", Equal);
        check("18446744073709551615", "18446744073709551616", Less);
        check("-1e400", "-1e399", Less);
        check("1e-400", "0", Greater);
        check("123456789.5", "123456789", Greater);
        check("9007199254740993", "9007199254740992.0", Greater);
    }

    #[track_caller]
    fn multiple(value: &str, divisor: &str, holds: bool) {
        let divisor = Divisor::new(Number::from_text(divisor)).unwrap();
        assert_eq!(Number::from_text(value).is_multiple_of(divisor), holds, "{value}");
    }

    #[test]
    fn multiples_are_exact() {
        multiple("0.3", "0.1", true);
        multiple("19.99", "0.01", true);
        multiple("19.995", "0.01", false);
        multiple("1e308", "1e-300", true);
        multiple("7.5", "2.5", true);
        multiple("7.5", "2", false);
        multiple("0.5", "10", false);
        multiple("9007199254740993", "3", true);
        multiple("9007199254740992", "3", false);
        multiple("100", "2.5", true);
        multiple("0.5", "0.25", true);
        multiple("-21", "7", true);
    }

    #[track_caller]
    fn exact(text: &str, holds: bool) {
        assert_eq!(Number::from_text(text).is_exact(), holds, "{text}");
    }

    #[test]
    fn what_a_script_can_hold() {
        exact("1.10", true);
        exact("0.1", true);
        exact("9223372036854775807", true);
        exact("9223372036854775808", false);
        exact("18446744073709551616", false);
        exact("1e300", true);
        exact("0.1000000000000000055511151231257827", false);
        exact("1e-400", false);
    }

    #[test]
    fn integers_of_json_schema() {
        for (text, value) in [("3.0", Some(3)), ("3e2", Some(300)), ("3.5", None), ("-1.0", Some(-1)), ("1e30", None)] {
            assert_eq!(Number::from_text(text).as_i64(), value, "{text}");
        }
        assert!(Number::from_text("1e30").is_integer());
        assert!(!Number::from_text("1e-1").is_integer());
    }
}
