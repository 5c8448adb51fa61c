//! What is told by its digits: card numbers, social security numbers, telephone numbers.

/// Bytes of `AAA-GG-SSSS`.
pub(super) const SSN_BYTES: usize = 11;
pub(super) const SSN_DIGITS: usize = 9;
/// The smallest number of 13 digits.
pub(super) const PAN_LEAST: u64 = 1_000_000_000_000;

/// Whether a maximal run of digits, with single spaces or dashes between them, is a card number.
pub(super) fn has_pan(text: &[u8]) -> bool {
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

pub(super) fn has_ssn(text: &[u8]) -> bool {
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

/// Whether a `+` stands before a maximal run of 8 to 15 digits.
pub(super) fn has_phone(text: &[u8]) -> bool {
    let starts = text.iter().enumerate().filter(|(_, byte)| **byte == b'+').map(|(at, _)| at + 1);
    starts.into_iter().any(|start| {
        let run = text.get(start..).unwrap_or_default();
        let digits = run.get(..run_bytes(run)).unwrap_or_default().iter().filter(|byte| byte.is_ascii_digit()).count();
        run.first().is_some_and(u8::is_ascii_digit) && (8..=15).contains(&digits)
    })
}
