//! The syntax of regular expressions (ECMA-262 §22.2.1, with the `u` flag): format `regex`.
//!
//! A text of a visitor is read once from its start to its end, and never compiled: a few bytes can ask for megabytes.

use std::collections::BTreeSet;

/// Whether a text is a regular expression.
pub(super) fn is_pattern(text: &str) -> bool {
    let mut reader = Reader { rest: text, open: Vec::new(), groups: 0, names: BTreeSet::new(), asked: Vec::new() };
    reader.expression().is_some() && reader.refers_to_what_is_there()
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
