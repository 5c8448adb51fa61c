//! What is told by its letters too: tokens, bank accounts, addresses.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::json::{Document, Kind};

/// Letters and digits of an account number.
const IBAN_CHARACTERS: std::ops::RangeInclusive<usize> = 15..=34;

/// Whether a maximal run of base64url and dots is three parts, the first an object with `alg`.
pub(super) fn has_jwt(text: &str) -> bool {
    let runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    runs.into_iter().any(|run| {
        let parts: Vec<_> = run.trim_matches('.').split('.').collect();
        let [header, claims, _] = parts.as_slice() else { return false };
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok().and_then(|bytes| Document::read(&bytes).ok());
        let names_alg =
            header.is_some_and(|header| header.root().kind() == Kind::Object && header.root().get("alg").is_some());
        names_alg && !claims.is_empty()
    })
}

/// Whether letters and digits, with single spaces between them, begin as an account number whose check digits are right.
pub(super) fn has_iban(text: &[u8]) -> bool {
    let is_start = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !before.is_some_and(u8::is_ascii_alphanumeric)
    };
    (0..text.len()).filter(|&at| is_start(at)).any(|at| {
        let mut characters = Vec::new();
        let mut rest = text.get(at..).unwrap_or_default().iter().peekable();
        while let Some(byte) = rest.next() {
            match (byte, rest.peek()) {
                (b' ', Some(next)) if next.is_ascii_alphanumeric() && !characters.is_empty() => {}
                (byte, _) if byte.is_ascii_alphanumeric() => characters.push(byte.to_ascii_uppercase()),
                _ => break,
            }
            // a word may follow: each end of a group is looked at
            let ends = !rest.peek().is_some_and(|next| next.is_ascii_alphanumeric());
            if ends && IBAN_CHARACTERS.contains(&characters.len()) && is_iban(&characters) {
                return true;
            }
            if characters.len() > *IBAN_CHARACTERS.end() {
                break;
            }
        }
        false
    })
}

fn is_iban(characters: &[u8]) -> bool {
    let [a, b, c, d, rest @ ..] = characters else { return false };
    let shape = a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit();
    let remainder = rest.iter().chain([a, b, c, d]).fold(0_u32, |sum, byte| {
        if byte.is_ascii_digit() {
            (sum * 10 + u32::from(byte - b'0')) % 97
        } else {
            (sum * 100 + u32::from(byte - b'A') + 10) % 97
        }
    });
    shape && remainder == 1
}

/// Whether something like a name stands before an `@`, and a host behind it.
pub(super) fn has_email(text: &str) -> bool {
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
    let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    text.match_indices('@').any(|(at, _)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        let local = before.rsplit(|c: char| !is_atom(c)).next().unwrap_or_default();
        let host = after.split(|c: char| !is_host(c)).next().unwrap_or_default().trim_end_matches('.');
        let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        !local.is_empty() && !local.ends_with('.') && !host.is_empty() && host.split('.').all(is_label)
    })
}
