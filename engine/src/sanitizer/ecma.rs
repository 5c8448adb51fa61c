//! The syntax of regular expressions (ECMA-262 §22.2.1, with the `u` flag): format `regex`, and what patterns mean.
//!
//! A text of a visitor is read once from its start to its end, and never compiled: a few bytes can ask for megabytes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What other languages write and ECMA-262 does not, and what to write instead.
const FOREIGN: [(&str, &str); 20] = [
    ("\\A", "write `^`"),
    ("\\Z", "write `$`"),
    ("\\z", "write `$`"),
    ("(?i)", "write both cases, such as `[Aa]`"),
    ("(?x)", "leave out white space and comments"),
    ("(?s)", "write `[^]` for any character"),
    ("(?m)", "multi-line mode is not supported: `^` and `$` match the ends of the string"),
    ("(?u)", "leave it out: patterns read Unicode"),
    ("(?P<", "write `(?<`"),
    ("(?>", "write `(?:`"),
    ("(?#", "leave out comments"),
    ("(?P=", "write what is repeated once more"),
    ("(?i:", "write both cases, such as `[Aa]`"),
    ("(?x:", "leave out white space and comments"),
    ("(?U", "write `+?` where the least is meant"),
    ("(?R", "leave it out"),
    ("(?-", "leave the flags out"),
    ("\\<", "write `\\b`, or `<` for the sign"),
    ("\\>", "write `\\b`, or `>` for the sign"),
    ("\\U", "write `\\u{…}`"),
];

/// A pattern with what ECMA-262 means by `\b`, `\B`, `\0`, `[\b]`, `[^]` and `[]` written so that both regular expression
/// engines read it alike: ours, and the oracle's.
///
/// # Errors
/// What ECMA-262 does not write: the text, and what to write instead.
pub(super) fn plainly(pattern: &str) -> Result<String, (&'static str, &'static str)> {
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern;
    // whether a class is open, and whether what was read last is a quantifier
    let (mut in_class, mut quantified) = (false, false);
    while let Some(next) = rest.chars().next() {
        if !in_class && let Some(found) = FOREIGN.iter().find(|(text, _)| rest.starts_with(text)) {
            return Err(*found);
        }
        if !in_class && quantified && next == '+' {
            return Err(("++", "remove the second `+`: this engine never backtracks"));
        }
        if rest.starts_with("\\x{") {
            return Err(("\\x{", "write `\\u{…}`"));
        }
        if (rest.starts_with("\\p") || rest.starts_with("\\P")) && !is_property(rest.get(2..).unwrap_or_default()) {
            return Err((
                "\\p",
                "write a property of Unicode as ECMA-262 names it, such as `\\p{L}` or `\\p{Script=Greek}`",
            ));
        }
        if let Some((one, length)) = surrogates(rest) {
            // writing to a string cannot fail
            let _ = write!(plain, "\\x{{{one:x}}}");
            rest = rest.get(length..).unwrap_or_default();
            quantified = false;
            continue;
        }
        let special = [
            ("\\b", in_class, "\\x08"),
            ("\\b", !in_class, "(?-u:\\b)"),
            ("\\B", !in_class, "(?-u:\\B)"),
            ("[^]", !in_class, "[\\s\\S]"),
            ("[]", !in_class, "[^\\s\\S]"),
        ];
        let found = special.iter().find(|(text, applies, _)| *applies && rest.starts_with(text));
        let (taken, written) = match found {
            Some((text, _, written)) => (text.len(), *written),
            None if rest.starts_with("\\0") && !rest[2..].starts_with(|one: char| one.is_ascii_digit()) => (2, "\\x00"),
            None => {
                let escaped = usize::from(next == '\\');
                let braced = ["\\u{", "\\p{", "\\P{"].iter().any(|text| rest.starts_with(text));
                let end = rest.find('}').filter(|_| braced).map(|end| end + 1);
                let length = end.unwrap_or_else(|| rest.chars().take(1 + escaped).map(char::len_utf8).sum());
                (length, rest.get(..length).unwrap_or_default())
            }
        };
        plain.push_str(written);
        let is_bound = |one: char| matches!(one, '*' | '+' | '?' | '}');
        quantified = !in_class && found.is_none() && taken == 1 && is_bound(next) && !plain.ends_with("(?");
        match next {
            '[' if found.is_none() => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(plain)
}

/// Whether a text is a regular expression.
pub(super) fn is_pattern(text: &str) -> bool {
    let mut reader = Reader { rest: text, open: Vec::new(), groups: 0, names: BTreeSet::new(), asked: Vec::new() };
    reader.expression().is_some() && reader.refers_to_what_is_there()
}

/// Two escapes that are one character beyond U+FFFF, and the bytes that they take.
fn surrogates(text: &str) -> Option<(u32, usize)> {
    let unit = |text: &str| u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let (high, low) = (unit(text)?, unit(text.get(6..)?)?);
    let is_pair = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    is_pair.then(|| (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12))
}

/// Whether a text begins with a property that ECMA-262 knows by this name, in braces.
fn is_property(text: &str) -> bool {
    let Some((property, _)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) else { return false };
    match property.split_once('=') {
        Some((name, value)) => {
            ["Script", "sc", "Script_Extensions", "scx", "General_Category", "gc"].contains(&name)
                && value.starts_with(|one: char| one.is_ascii_uppercase())
        }
        None => CATEGORIES.split(' ').chain(PROPERTIES.split(' ')).any(|own| own == property),
    }
}

/// General categories (UAX 44, table 12), short and long.
const CATEGORIES: &str = "C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z \
    Zl Zp Zs Other Control Format Unassigned Private_Use Surrogate Letter Cased_Letter Lowercase_Letter Modifier_Letter \
    Other_Letter Titlecase_Letter Uppercase_Letter Mark Spacing_Mark Enclosing_Mark Nonspacing_Mark Number Decimal_Number \
    Letter_Number Other_Number Punctuation Connector_Punctuation Dash_Punctuation Close_Punctuation Final_Punctuation \
    Initial_Punctuation Other_Punctuation Open_Punctuation Symbol Currency_Symbol Modifier_Symbol Math_Symbol Other_Symbol \
    Separator Line_Separator Paragraph_Separator Space_Separator punct";
/// Binary properties (ECMA-262, table 68).
const PROPERTIES: &str = "Any ASCII Assigned ASCII_Hex_Digit AHex Alphabetic Alpha Bidi_Control Bidi_C Bidi_Mirrored Bidi_M \
    Case_Ignorable CI Cased Changes_When_Lowercased CWL Changes_When_Uppercased CWU Dash Default_Ignorable_Code_Point DI \
    Diacritic Dia Emoji Emoji_Component EComp Emoji_Modifier EMod Emoji_Modifier_Base EBase Emoji_Presentation EPres \
    Extended_Pictographic ExtPict Extender Ext Grapheme_Base Gr_Base Grapheme_Extend Gr_Ext Hex_Digit Hex ID_Continue IDC \
    ID_Start IDS Ideographic Ideo Join_Control Join_C Lowercase Lower Math Noncharacter_Code_Point NChar Pattern_Syntax \
    Pat_Syn Pattern_White_Space Pat_WS Quotation_Mark QMark Radical Regional_Indicator RI Sentence_Terminal STerm \
    Soft_Dotted SD Terminal_Punctuation Term Unified_Ideograph UIdeo Uppercase Upper Variation_Selector VS White_Space space \
    XID_Continue XIDC XID_Start XIDS";

/// A pattern with what other languages write in it written as ECMA-262 does; nothing if that is not as simple.
pub(super) fn rewritten(pattern: &str) -> Option<String> {
    let swapped = [
        ("\\A", "^"),
        ("\\Z", "$"),
        ("\\z", "$"),
        ("(?P<", "(?<"),
        ("(?u)", ""),
        ("++", "+"),
        ("*+", "*"),
        ("?+", "?"),
        ("}+", "}"),
    ];
    let mut text = swapped.iter().fold(pattern.to_owned(), |text, (from, to)| text.replace(from, to));
    if let Some(rest) = text.strip_prefix("(?i)") {
        if rest.contains(['[', '\\', '{']) {
            return None;
        }
        let both = |one: char| match (one.to_ascii_lowercase(), one.to_ascii_uppercase()) {
            (lower, upper) if lower == upper => one.to_string(),
            (lower, upper) => format!("[{lower}{upper}]"),
        };
        text = rest.chars().map(both).collect();
    }
    (text != pattern && plainly(&text).is_ok()).then_some(text)
}

struct Reader<'a> {
    rest: &'a str,
    /// Whether each open group can be repeated: one that only looks cannot.
    open: Vec<bool>,
    /// Groups that capture.
    groups: usize,
    names: BTreeSet<&'a str>,
    /// Groups that are referred to.
    asked: Vec<Asked<'a>>,
}

/// What an escape stands for.
#[derive(Clone, Copy)]
enum Escaped {
    One(u32),
    /// Any of several characters, such as `\d`.
    Class,
}

enum Asked<'a> {
    Number(usize),
    Name(&'a str),
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
        Some(next)
    }

    fn takes(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The whole text; nothing if it is no expression.
    fn expression(&mut self) -> Option<()> {
        // whether what was read last can be repeated
        let mut repeats = false;
        while let Some(next) = self.next() {
            repeats = match next {
                '(' => {
                    let can_repeat = self.group()?;
                    self.open.push(can_repeat);
                    false
                }
                ')' => self.open.pop()?,
                '[' => self.class()?,
                '*' | '+' | '?' if repeats => self.lazily(),
                '{' if repeats => {
                    self.count()?;
                    self.lazily()
                }
                '*' | '+' | '?' | '{' | '}' | ']' => return None,
                '|' | '^' | '$' => false,
                '\\' => self.escape()?,
                _ => true,
            };
        }
        self.open.is_empty().then_some(())
    }

    /// What may stand behind a quantifier. No other quantifier does.
    fn lazily(&mut self) -> bool {
        let _ = self.takes("?");
        false
    }

    /// What stands behind `(`; whether the group can be repeated.
    fn group(&mut self) -> Option<bool> {
        if !self.takes("?") {
            self.groups += 1;
            return Some(true);
        }
        if self.takes(":") {
            return Some(true);
        }
        if ["=", "!", "<=", "<!"].iter().any(|look| self.takes(look)) {
            return Some(false);
        }
        let name = self.takes("<").then(|| self.name())??;
        self.groups += 1;
        self.names.insert(name).then_some(true)
    }

    /// A name, and the `>` behind it.
    fn name(&mut self) -> Option<&'a str> {
        let (name, rest) = self.rest.split_once('>')?;
        self.rest = rest;
        let is_name = |one: char| one.is_alphanumeric() || one == '_' || one == '$';
        let is_first_digit = name.chars().next().is_none_or(char::is_numeric);
        (!is_first_digit && name.chars().all(is_name)).then_some(name)
    }

    /// `{2}`, `{2,}`, `{2,5}`.
    fn count(&mut self) -> Option<()> {
        let (count, rest) = self.rest.split_once('}')?;
        self.rest = rest;
        let (least, most) = count.split_once(',').map_or((count, None), |(least, most)| (least, Some(most)));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| text.trim_start_matches('0').to_owned();
        // of more digits than a number has: by their length, then by their digits
        let larger = |a: String, b: String| (a.len(), a) > (b.len(), b);
        let most = most.filter(|most| !most.is_empty());
        let fits = is_number(least) && most.is_none_or(|most| is_number(most) && !larger(number(least), number(most)));
        fits.then_some(())
    }

    /// `[…]`, behind its `[`.
    fn class(&mut self) -> Option<bool> {
        let _ = self.takes("^");
        let mut before: Option<Escaped> = None;
        loop {
            let one = self.next()?;
            let own = match one {
                ']' => return Some(true),
                '\\' => self.class_escape()?,
                one => Escaped::One(u32::from(one)),
            };
            // a range: `a-z`, and not before `]`
            let first = before.filter(|_| one == '-' && !self.rest.starts_with(']'));
            before = match first {
                None => Some(own),
                Some(first) => {
                    let last = match self.next()? {
                        '\\' => self.class_escape()?,
                        one => Escaped::One(u32::from(one)),
                    };
                    let (Escaped::One(first), Escaped::One(last)) = (first, last) else { return None };
                    (first <= last).then_some(None)?
                }
            };
        }
    }

    /// What stands behind a backslash in a class; the character, if it is one.
    fn class_escape(&mut self) -> Option<Escaped> {
        match self.rest.chars().next()? {
            'b' => {
                self.next();
                Some(Escaped::One(8))
            }
            '-' => {
                self.next();
                Some(Escaped::One(u32::from('-')))
            }
            'B' | 'k' | '1'..='9' => None,
            _ => self.character(),
        }
    }

    /// What stands behind a backslash; whether it can be repeated.
    fn escape(&mut self) -> Option<bool> {
        match self.rest.chars().next()? {
            'b' | 'B' => {
                self.next();
                Some(false)
            }
            'k' => {
                self.next();
                let name = self.takes("<").then(|| self.name())??;
                self.asked.push(Asked::Name(name));
                Some(true)
            }
            '1'..='9' => {
                let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = self.rest.split_at_checked(digits)?;
                self.rest = rest;
                self.asked.push(Asked::Number(number.parse().ok()?));
                Some(true)
            }
            _ => self.character().map(|_| true),
        }
    }

    /// A class such as `\d`, or a character; its number, if it is one.
    fn character(&mut self) -> Option<Escaped> {
        let one = match self.next()? {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => return Some(Escaped::Class),
            'p' | 'P' => {
                let (property, rest) = self.rest.strip_prefix('{')?.split_once('}')?;
                self.rest = rest;
                let is_property = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '=';
                return (!property.is_empty() && property.chars().all(is_property)).then_some(Escaped::Class);
            }
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '0' => (!self.rest.starts_with(|one: char| one.is_ascii_digit())).then_some(0)?,
            'c' => self.next().filter(char::is_ascii_alphabetic).map(|one| u32::from(one) % 32)?,
            'x' => self.hexadecimal(2)?,
            'u' if self.takes("{") => {
                let (digits, rest) = self.rest.split_once('}')?;
                self.rest = rest;
                u32::from_str_radix(digits, 16).ok().filter(|own| *own <= 0x10_ffff)?
            }
            'u' => self.hexadecimal(4)?,
            own if "^$\\.*+?()[]{}|/".contains(own) => u32::from(own),
            _ => return None,
        };
        Some(Escaped::One(one))
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let (own, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        own.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(own, 16).ok())?
    }

    fn refers_to_what_is_there(&self) -> bool {
        self.asked.iter().all(|asked| match asked {
            Asked::Number(number) => *number <= self.groups,
            Asked::Name(name) => self.names.contains(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_pattern;

    #[test]
    fn what_is_an_expression_is_one() {
        for text in [
            "",
            "^a+$",
            "a*?",
            "a{2}",
            "a{2,}",
            "a{2,5}?",
            "(?:a|b)*",
            "(a)(?<n>b)\\1\\k<n>",
            "(?=a)b",
            "(?<!a)b",
            "[^]",
            "[]",
            "[a-z\\d-]",
            "[\\b\\-]",
            "\\u{1f600}",
            "\\x41\\cA\\0",
            "\\p{L}\\P{Script=Greek}",
            "\\.\\/\\{",
            "a{1,1000}",
            "é|ü",
            "(?:a{1,1000}){1,1000}",
            "a||b",
            "\\bword\\B",
            "[a-]",
            "[-a]",
            "[^^]",
        ] {
            assert!(is_pattern(text), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_none() {
        for text in [
            "(",
            ")",
            "[a",
            "a**",
            "a++",
            "*a",
            "+",
            "?",
            "{1}",
            "a{",
            "a{,2}",
            "a{2,1}",
            "a{1",
            "]",
            "}",
            "(?i)a",
            "(?P<n>a)",
            "(?>a)",
            "(?<1>a)",
            "(?<n>a)(?<n>b)",
            "\\k<n>",
            "\\1",
            "(a)\\2",
            "[z-a]",
            "\\Z",
            "\\A",
            "\\a",
            "\\x4",
            "\\u12",
            "\\u{110000}",
            "\\p{}",
            "\\p",
            "\\",
            "(?=a)*",
            "\\b+",
            "^*",
            "[\\1]",
            "\\01",
            "|*",
            "a{99999999999999999999,2}",
        ] {
            assert!(!is_pattern(text), "{text}");
        }
    }
}
