//! The few words of a script that matter before it runs: imports, and the reasons of `skip` and `discard`.
//!
//! Comments and strings are told apart as rhai does, so neither a word in a comment nor `//` in a string misleads.

use super::natives::MERGE_VERBS;
use crate::merge::adds;

/// A piece of a script, with the byte at which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a number.
    Word(&'a str),
    /// A string in double quotation marks, as it stands between them.
    Text(&'a str),
    /// Any other character, or a template.
    Other(char),
}

/// All tokens of a script.
pub(super) fn tokens(source: &str) -> Vec<(usize, Token<'_>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let (token, length) = next(rest);
        if let Some(token) = token {
            found.push((at, token));
        }
        at += length;
    }
    found
}

/// The token that a text begins with, if it is one, and the bytes that it takes.
fn next(text: &str) -> (Option<Token<'_>>, usize) {
    let Some(first) = text.chars().next() else { return (None, 1) };
    if text.starts_with("//") {
        return (None, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (None, comment(text));
    }
    match first {
        '"' => {
            let end = closing(text, '"');
            (text.get(1..end).map(Token::Text), (end + 1).min(text.len()))
        }
        '\'' | '`' => (Some(Token::Other(first)), (closing(text, first) + 1).min(text.len())),
        _ if is_word(first) => {
            let end = text.find(|character| !is_word(character)).unwrap_or(text.len());
            (text.get(..end).map(Token::Word), end)
        }
        _ if first.is_whitespace() => (None, first.len_utf8()),
        other => (Some(Token::Other(other)), other.len_utf8()),
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Bytes of a block comment, which may hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The byte of the mark that closes a string, escapes aside.
fn closing(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == mark => return at,
            _ => {}
        }
    }
    text.len()
}

/// The reasons that a script gives to `skip` and `discard` as literals.
pub(super) fn reasons(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let calls = tokens.windows(4).filter_map(|window| match window {
        [(_, Token::Word(verb)), (_, Token::Other('(')), (_, Token::Text(reason)), (_, Token::Other(')'))]
            if MERGE_VERBS.contains(verb) =>
        {
            Some((*reason).to_owned())
        }
        _ => None,
    });
    calls.collect()
}

/// Where a script names what adds again at every login: a call of `add` or `concat`, or such a strategy's name.
pub(super) fn adding(source: &str) -> Option<(usize, &str)> {
    let tokens = tokens(source);
    tokens.iter().enumerate().find_map(|(index, (at, token))| {
        let next = tokens.get(index + 1).map(|(_, token)| *token);
        match token {
            Token::Word(name) if adds(name) && next == Some(Token::Other('(')) => Some((*at, *name)),
            Token::Text(name) if adds(name) => Some((*at, *name)),
            _ => None,
        }
    })
}

/// What a script imports: the byte where the name begins, and the name, if it is a literal.
pub(super) fn imports(source: &str) -> Vec<(usize, Option<&str>)> {
    let tokens = tokens(source);
    let found = tokens.windows(2).filter_map(|window| match window {
        [(_, Token::Word("import")), (at, Token::Text(name))] => Some((*at, Some(*name))),
        [(_, Token::Word("import")), (at, _)] => Some((*at, None)),
        _ => None,
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::{adding, imports, reasons};

    #[test]
    fn imports_are_found_where_they_are_and_nowhere_else() {
        let source = "/* import \"a\" */ let u = \"http://x\"; import\n\"b\" as b; // import \"c\"\nimport name as n;";
        let names: Vec<_> = imports(source).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, [Some("b"), None]);
    }

    #[test]
    fn what_adds_is_found() {
        assert_eq!(adding("// sum\nlet add = 1; f(#{ qty: \"sum\" })"), Some((30, "sum")));
        assert_eq!(adding("concat (a, b)"), Some((0, "concat")));
        assert_eq!(adding("let sum = add + 1; \"a sum\""), None);
    }

    #[test]
    fn reasons_are_the_literals_of_skip() {
        let source =
            "skip(\"a b\"); // skip(\"c\")\nskip(x + \"d\"); let s = \"e\"; discard( \"f\" ); `skip(\"g\")`; 'h'";
        assert_eq!(reasons(source), ["a b", "f"]);
    }
}
