//! What the parser stumbled over, in an author's words: a word or sign of another language, or a misspelt keyword.
//!
//! The parser says which of its own tokens it missed. What stands there instead, on the same line, says more.

use super::lint::foreign;
use super::tokens::{Token, tokens};
use crate::diagnostic::{Diagnostic, nearest};
use crate::json::Position;

/// rhai's words that begin a statement.
const KEYWORDS: [&str; 17] = [
    "break", "catch", "const", "continue", "else", "fn", "for", "if", "import", "let", "loop", "private", "return",
    "switch", "throw", "try", "while",
];

/// Words of other languages that stand before the place where the parser stops, with ours.
const BEFORE: [(&str, &str); 22] = [
    ("case", "value => …"),
    ("class", "fn"),
    ("def", "fn"),
    ("delete", "remove"),
    ("elif", "else if"),
    ("elseif", "else if"),
    ("elsif", "else if"),
    ("export", "fn"),
    ("foreach", "for"),
    ("from", "import"),
    ("fun", "fn"),
    ("func", "fn"),
    ("function", "fn"),
    ("include", "import"),
    ("instanceof", "type_of"),
    ("lambda", "|x| …"),
    ("mut", "let"),
    ("not", "!"),
    ("typeof", "type_of"),
    ("unless", "if !"),
    ("use", "import"),
    ("var", "let"),
];

/// Words of other languages at the place itself.
const AT: [(&str, &str); 4] = [("is", "=="), ("instanceof", "type_of"), ("then", "{"), ("as", "to_int")];

/// What stands on the line of a parser's error, if that is the mistake.
pub(super) fn suspect(file: &str, source: &str, line: usize, column: usize) -> Option<Diagnostic> {
    let text = source.lines().nth(line - 1)?;
    let at: usize = text.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    let found = tokens(text);
    let next = found.iter().position(|(start, _)| *start >= at).unwrap_or(found.len());
    let told = |start: usize, length: usize, message: String, help: String| {
        let begin = text.get(..start).unwrap_or_default().chars().count() + 1;
        let place = |column| Position { line, column };
        Diagnostic::between("R002", file, [place(begin), place(begin + length)], message).help(help)
    };
    let word = |index: Option<usize>| match found.get(index?)? {
        (start, Token::Word(word)) => Some((*start, *word)),
        _ => None,
    };
    let of_another = |word: &str| format!("`{word}` is a word of another language");
    for (index, table) in [(next.checked_sub(1), &BEFORE[..]), (Some(next), &AT), (next.checked_sub(2), &BEFORE)] {
        let Some((start, own)) = word(index) else { continue };
        let before = text.get(..start).unwrap_or_default();
        if before.ends_with('.') || (own != "mut" && source.contains(&format!("let {own} "))) {
            continue;
        }
        if let Some((_, ours)) = table.iter().find(|(other, _)| *other == own) {
            return Some(told(start, own.len(), of_another(own), format!("write `{ours}`")));
        }
    }
    if let Some((start, own)) = word(next.checked_sub(1)).filter(|(start, _)| begins(text, *start))
        && let Some(near) = misspelt(own)
    {
        return Some(told(
            start,
            own.chars().count(),
            format!("`{own}` is no word here"),
            format!("did you mean `{near}`?"),
        ));
    }
    let sign = |sign: &str| signs(text, &found, sign);
    if let Some(start) = sign("...") {
        return Some(told(
            start,
            3,
            "`...` is a sign of another language".to_owned(),
            "write `mixin`, or `+`".to_owned(),
        ));
    }
    let begins_function = text.trim_start().starts_with("fn ") || text.trim_start().starts_with("private fn ");
    let switches = tokens(source).iter().any(|(_, token)| *token == Token::Word("switch"));
    if let Some(start) = sign("=>").filter(|_| !switches) {
        return Some(told(start, 2, "`=>` is a sign of another language".to_owned(), "write `|line| …`".to_owned()));
    }
    let heads = [
        ("->", "a function has no type", "take it out"),
        (":", "a parameter has no type", "take it out"),
        ("=", "a parameter has no default", "take it out"),
    ];
    // a body on the same line is no parameter
    let body = text.find('{').unwrap_or(text.len());
    let stands_in_head = |own: &str| sign(own).filter(|start| *start < body);
    let (own, message, help) =
        heads.into_iter().filter(|_| begins_function).find(|(own, ..)| stands_in_head(own).is_some())?;
    let ends = own == ":" && text.trim_end().ends_with(':');
    let (message, help) = if ends { ("a body begins with `{`", "write `{`") } else { (message, help) };
    Some(told(sign(own)?, own.len(), format!("`{own}`: {message}"), help.to_owned()))
}

/// Whether nothing but a bracket or a `;` stands before a word.
fn begins(text: &str, start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default().trim_end();
    before.is_empty() || before.ends_with(['{', '}', ';'])
}

/// The keyword that a word is meant to be.
fn misspelt(word: &str) -> Option<&'static str> {
    let is_keyword = KEYWORDS.contains(&word) || foreign(word).is_some();
    let near = nearest(word, &KEYWORDS).filter(|_| !is_keyword)?;
    let few = word.chars().count().abs_diff(near.chars().count()) <= 1;
    (few && word.chars().count() > 1).then_some(near)
}

/// Where a sign stands outside texts.
fn signs(text: &str, found: &[(usize, Token<'_>)], sign: &str) -> Option<usize> {
    let first = sign.chars().next()?;
    let starts = found.iter().filter(|(_, token)| *token == Token::Other(first)).map(|(start, _)| *start);
    starts.into_iter().find(|start| {
        let rest = text.get(*start..).unwrap_or_default();
        let alone = rest.strip_prefix(sign).is_some_and(|rest| !rest.starts_with(['=', ':', '>', '.']));
        let before = text.get(..*start).unwrap_or_default();
        alone && !before.ends_with(['=', '!', '<', '>', ':', '.', '+', '-', '*', '/'])
    })
}
