//! Internationalized host names (RFC 5890–5892): UTS 46 by the `idna` crate, then the contextual rules that it leaves out.

use std::sync::LazyLock;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use regex::Regex;

/// Whether a text is a host name of U-labels and A-labels.
pub(super) fn is_hostname(text: &str) -> bool {
    let Ok(ascii) = Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
    else {
        return false;
    };
    let (unicode, decoded) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
    decoded.is_ok() && unicode.split('.').all(is_label)
}

/// Letters, marks, digits and hyphens (PVALID), and what RFC 5892 appendix A allows between some of them.
fn is_label(label: &str) -> bool {
    let characters: Vec<char> = label.chars().collect();
    let near = |index: usize, wanted: &dyn Fn(char) -> bool| characters.get(index).copied().is_some_and(wanted);
    let all = characters.iter().enumerate().all(|(index, &character)| {
        let before = |wanted: &dyn Fn(char) -> bool| index > 0 && near(index - 1, wanted);
        match character {
            // middle dot, keraia, geresh and gershayim, zero-width joiners, Katakana middle dot
            '\u{b7}' => before(&|one| one == 'l') && near(index + 1, &|one| one == 'l'),
            '\u{375}' => near(index + 1, &|one| is(&GREEK, one)),
            '\u{5f3}' | '\u{5f4}' => before(&|one| is(&HEBREW, one)),
            '\u{200c}' | '\u{200d}' => before(&|one| VIRAMAS.contains(&one)) || character == '\u{200c}',
            '\u{30fb}' => characters.iter().any(|&one| one != '\u{30fb}' && is(&JAPANESE, one)),
            '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => true,
            _ => !EXCEPTIONS.contains(&character) && is(&VALID, character),
        }
    });
    let arabic = |first: char| {
        characters.iter().any(|one| (first..=char::from_u32(first as u32 + 9).unwrap_or(first)).contains(one))
    };
    all && !(arabic('\u{660}') && arabic('\u{6f0}')) && !near(0, &|one| is(&MARK, one))
}

/// A one-character class of Unicode.
type Characters = LazyLock<Option<Regex>>;

static VALID: Characters = LazyLock::new(|| Regex::new(r"\A[\p{L}\p{M}\p{Nd}\-]\z").ok());
static MARK: Characters = LazyLock::new(|| Regex::new(r"\A\p{M}\z").ok());
static GREEK: Characters = LazyLock::new(|| Regex::new(r"\A\p{Greek}\z").ok());
static HEBREW: Characters = LazyLock::new(|| Regex::new(r"\A\p{Hebrew}\z").ok());
static JAPANESE: Characters = LazyLock::new(|| Regex::new(r"\A[\p{Hiragana}\p{Katakana}\p{Han}]\z").ok());

/// Characters that are letters by their category and disallowed by RFC 5892 §2.6.
const EXCEPTIONS: [char; 10] = [
    '\u{640}', '\u{7fa}', '\u{302e}', '\u{302f}', '\u{3031}', '\u{3032}', '\u{3033}', '\u{3034}', '\u{3035}',
    '\u{303b}',
];

/// Marks after which a zero-width joiner may stand (canonical combining class 9), of the scripts that use it.
const VIRAMAS: [char; 10] =
    ['\u{94d}', '\u{9cd}', '\u{a4d}', '\u{acd}', '\u{b4d}', '\u{bcd}', '\u{c4d}', '\u{ccd}', '\u{d4d}', '\u{dca}'];

fn is(class: &Characters, character: char) -> bool {
    class.as_ref().is_some_and(|class| class.is_match(character.encode_utf8(&mut [0; 4])))
}
