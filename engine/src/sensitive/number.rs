//! What is told by its digits: social security numbers, telephone numbers.

use super::digits::separates_parts;

/// Bytes of `AAA-GG-SSSS`.
pub(super) const SSN_BYTES: usize = 11;
pub(super) const SSN_DIGITS: usize = 9;

/// Whether a social security number stands anywhere in a text, which was read as digits.
pub(super) fn has_ssn(text: &[u8]) -> bool {
    text.windows(SSN_BYTES).enumerate().any(|(start, window)| {
        let before = text.get(..start).unwrap_or_default();
        let after = text.get(start + SSN_BYTES..).unwrap_or_default();
        is_ssn(window) && !goes_on(before.iter().rev(), window) && !goes_on(after.iter(), window)
    })
}

/// Whether more digits stand beside, or the separator and then a digit or the check digit `X` of an ISBN: it is part of a
/// longer number.
fn goes_on<'a>(mut beside: impl Iterator<Item = &'a u8>, window: &[u8]) -> bool {
    match beside.next() {
        Some(byte) if byte.is_ascii_digit() => true,
        next if next == window.get(3) => beside.next().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'X'),
        _ => false,
    }
}

fn is_ssn(window: &[u8]) -> bool {
    let separators = [window.get(3), window.get(6)];
    let [Some(first), Some(second)] = separators else { return false };
    let part = |from: usize, to: usize| window.get(from..to).unwrap_or_default();
    let (area, group, serial) = (part(0, 3), part(4, 6), part(7, SSN_BYTES));
    first == second
        && separates_parts(*first)
        && [area, group, serial].iter().all(|part| part.iter().all(u8::is_ascii_digit))
        && !area.starts_with(b"9")
        && area != b"000"
        && area != b"666"
        && group != b"00"
        && serial != b"0000"
}

/// Whether a `+` stands before a maximal run of 8 to 15 digits.
pub(super) fn has_phone(text: &[u8]) -> bool {
    let starts = text.iter().enumerate().filter(|(_, byte)| **byte == b'+').map(|(at, _)| at + 1);
    starts.into_iter().any(|start| {
        let run = text.get(start..).unwrap_or_default();
        let digits = run.get(..run_bytes(run)).unwrap_or_default().iter().filter(|byte| byte.is_ascii_digit()).count();
        run.first().is_some_and(u8::is_ascii_digit) && (8..=15).contains(&digits)
    })
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
