//! Payment card numbers (ISO/IEC 7812): what issuers write, alone or in the groups that stand on cards.

use super::digits::separates_cards;

/// The groups that card numbers are written in.
const GROUPINGS: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4]];
/// Digits of the shortest number.
pub(super) const DIGITS_MIN: u32 = 14;

/// Whether a card number stands anywhere in a text, which was read as digits.
pub(super) fn has_card(text: &[u8]) -> bool {
    let runs: Vec<(usize, usize)> = runs(text);
    (0..runs.len()).any(|index| {
        let runs = runs.get(index..).unwrap_or_default();
        is_alone(text, runs) || GROUPINGS.iter().any(|groups| is_grouped(text, runs, groups))
    })
}

/// Where digits begin and end that stand side by side.
fn runs(text: &[u8]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match runs.last_mut() {
            Some((_, end)) if *end == at => *end += 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

/// A number without separators. One behind a `+` is a telephone number.
fn is_alone(text: &[u8], runs: &[(usize, usize)]) -> bool {
    let Some(&(start, end)) = runs.first() else { return false };
    let digits = text.get(start..end).unwrap_or_default();
    before(text, start) != Some(b'+') && has_issuer(digits, Written::Alone) && is_right(digits)
}

/// A number in groups, one separator throughout. It ends where its grouping ends: another number may follow.
fn is_grouped(text: &[u8], runs: &[(usize, usize)], groups: &[usize]) -> bool {
    let Some(runs) = runs.get(..groups.len()) else { return false };
    let Some(&(start, first_end)) = runs.first() else { return false };
    let Some(&separator) = text.get(first_end).filter(|byte| separates_cards(**byte)) else { return false };
    let fits = runs.iter().zip(groups).all(|((start, end), size)| end - start == *size);
    let is_one = runs.windows(2).all(|pair| match pair {
        [(_, end), (next, _)] => end + 1 == *next && text.get(*end) == Some(&separator),
        _ => false,
    });
    if !fits || !is_one || (before(text, start) == Some(b'+') && separator != b'+') {
        return false;
    }
    let digits: Vec<u8> =
        runs.iter().flat_map(|(start, end)| text.get(*start..*end).unwrap_or_default()).copied().collect();
    has_issuer(&digits, Written::InGroups) && is_right(&digits)
}

fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Alone,
    InGroups,
}

/// Whether an issuer has numbers that begin so and are so long. What some issuers write is too like any other number, unless
/// it stands in groups.
fn has_issuer(digits: &[u8], written: Written) -> bool {
    let first = |count: usize| digits.iter().take(count).fold(0, |all, byte| all * 10 + u32::from(byte - b'0'));
    let (two, three, four) = (first(2), first(3), first(4));
    match digits.len() {
        15 => matches!(two, 34 | 37),
        16 if matches!(two, 51..=55 | 65) || matches!(three, 644..=649) => true,
        16 if matches!(four, 2221..=2720 | 3528..=3589 | 6011) => true,
        16 | 19 if first(1) == 4 => true,
        16..=19 if two == 62 => true,
        14 if written == Written::InGroups => matches!(two, 36 | 38 | 39) || matches!(three, 300..=305),
        16 | 19 if written == Written::InGroups => matches!(two, 50 | 56..=58 | 60 | 63 | 67),
        _ => false,
    }
}

/// Whether the check digit is right (Luhn), and not all digits are equal.
fn is_right(digits: &[u8]) -> bool {
    let values = digits.iter().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = values
        .enumerate()
        .map(|(index, digit)| if index % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10) && digits.windows(2).any(|pair| pair.first() != pair.last())
}
