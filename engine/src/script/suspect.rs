//! What the parser stumbled over, in an author's words: a word or sign of another language, or a misspelt keyword.
//!
//! The parser says which of its own tokens it missed. What stands there instead, on the same line, says more.

use super::ast;
use super::lint::{Where, foreign, habit_at};
use crate::diagnostic::{Diagnostic, Help, ScriptProblem, Span, Token as Written, nearest};
use crate::json::Position;

/// rhai's words that begin a statement.
const KEYWORDS: [&str; 17] = [
    "break", "catch", "const", "continue", "else", "fn", "for", "if", "import", "let", "loop", "private", "return",
    "switch", "throw", "try", "while",
];

/// What stands on the line of a parser's error, if that is the mistake.
pub(super) fn suspect(file: &str, source: &str, line: usize, column: usize) -> Option<Diagnostic> {
    let text = source.lines().nth(line - 1)?;
    let at: usize = text.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    let tokens = tokens(source, line, text);
    let next = tokens.iter().position(|(start, _)| *start >= at).unwrap_or(tokens.len());
    let read = Line { source, text, tokens, next };
    let Suspect { start, length, problem } = read.foreign().or_else(|| read.misspelt()).or_else(|| read.sign())?;
    let begin = text.get(..start).unwrap_or_default().chars().count() + 1;
    let place = |column| Position { line, column };
    let span = Span { file: file.to_owned(), start: place(begin), end: place(begin + length) };
    Some(Diagnostic::new(span, problem))
}

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A name, a number or a keyword.
    Word(&'a str),
    /// A string, or a sign, by its first character.
    Other(char),
}

/// The tokens of a line, each with the byte at which it begins. rhai tells comments and strings apart.
fn tokens<'a>(source: &str, line: usize, text: &'a str) -> Vec<(usize, Token<'a>)> {
    let on_line = ast::tokens(source).into_iter().filter(|(_, at)| at.line() == Some(line));
    let starts = on_line.filter_map(|(_, at)| text.char_indices().nth(at.position()?.checked_sub(1)?));
    let token = |(start, first): (usize, char)| {
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|one: char| !one.is_alphanumeric() && one != '_').unwrap_or(rest.len());
        let word = rest.get(..end).filter(|word| !word.is_empty());
        (start, word.map_or(Token::Other(first), Token::Word))
    };
    starts.map(token).collect()
}

/// A mistake on a line: where it begins in bytes, how many characters it has, and what to say.
struct Suspect {
    start: usize,
    length: usize,
    problem: ScriptProblem,
}

impl Suspect {
    fn new(start: usize, own: &str, problem: ScriptProblem) -> Self {
        Self { start, length: own.chars().count(), problem }
    }

    /// A word or sign of another language.
    fn of_another(start: usize, own: &str, what: Written, ours: &str) -> Self {
        Self::new(start, own, ScriptProblem::Foreign { own: own.to_owned(), what, ours: ours.to_owned() })
    }
}

/// The line that the parser stopped at.
struct Line<'a> {
    /// The whole script.
    source: &'a str,
    text: &'a str,
    tokens: Vec<(usize, Token<'a>)>,
    /// The token at the place, or how many there are.
    next: usize,
}

impl<'a> Line<'a> {
    fn word(&self, index: Option<usize>) -> Option<(usize, &'a str)> {
        match self.tokens.get(index?)? {
            (start, Token::Word(word)) => Some((*start, *word)),
            _ => None,
        }
    }

    /// A word of another language before the place, at it, or one more before.
    fn foreign(&self) -> Option<Suspect> {
        let before = |own: &str| habit_at(own, &[Where::Before, Where::Statement]);
        let places = [(self.next.checked_sub(1), true), (Some(self.next), false), (self.next.checked_sub(2), true)];
        places.into_iter().find_map(|(index, is_before)| {
            let (start, own) = self.word(index)?;
            let is_member = self.text.get(..start).unwrap_or_default().ends_with('.');
            let is_variable = own != "mut" && defines(self.source, own);
            let ours = if is_before { before(own) } else { habit_at(own, &[Where::Stop]) }
                .filter(|_| !is_member && !is_variable)?;
            Some(Suspect::of_another(start, own, Written::Word, &format!("`{ours}`")))
        })
    }

    /// A statement that begins with almost a keyword.
    fn misspelt(&self) -> Option<Suspect> {
        let (start, own) = self.word(self.next.checked_sub(1)).filter(|(start, _)| begins(self.text, *start))?;
        let help = Some(Help::did_you_mean(misspelt(own)?));
        Some(Suspect::new(start, own, ScriptProblem::NotAKeyword { own: own.to_owned(), help }))
    }

    /// A sign that rhai has not, or not here.
    fn sign(&self) -> Option<Suspect> {
        if let Some(start) = self.find("...") {
            return Some(Suspect::of_another(start, "...", Written::Sign, "`mixin`, or `+`"));
        }
        let switches = || ast::tokens(self.source).iter().any(|(token, _)| *token == rhai::Token::Switch);
        if let Some(start) = self.find("=>").filter(|_| !switches()) {
            return Some(Suspect::of_another(start, "=>", Written::Sign, "`|line| …`"));
        }
        self.head()
    }

    /// A type or a default in the head of a function, or a body without its bracket.
    fn head(&self) -> Option<Suspect> {
        let trimmed = self.text.trim();
        if !trimmed.starts_with("fn ") && !trimmed.starts_with("private fn ") {
            return None;
        }
        let heads = [
            ("->", ScriptProblem::ReturnType),
            (":", ScriptProblem::ParameterType),
            ("=", ScriptProblem::ParameterDefault),
        ];
        // a body on the same line is no parameter
        let body = self.text.find('{').unwrap_or(self.text.len());
        let found = |own| self.find(own).filter(|start| *start < body);
        let (start, (own, problem)) = heads.into_iter().find_map(|head| Some((found(head.0)?, head)))?;
        let ends = own == ":" && trimmed.ends_with(':');
        Some(Suspect::new(start, own, if ends { ScriptProblem::ColonForBody } else { problem }))
    }

    /// Where a sign stands outside texts.
    fn find(&self, sign: &str) -> Option<usize> {
        let first = sign.chars().next()?;
        let starts = self.tokens.iter().filter(|(_, token)| *token == Token::Other(first)).map(|(start, _)| *start);
        starts.into_iter().find(|start| {
            let rest = self.text.get(*start..).unwrap_or_default();
            let alone = rest.strip_prefix(sign).is_some_and(|rest| !rest.starts_with(['=', ':', '>', '.']));
            let before = self.text.get(..*start).unwrap_or_default();
            alone && !before.ends_with(['=', '!', '<', '>', ':', '.', '+', '-', '*', '/'])
        })
    }
}

/// Whether a script defines a variable of this name.
fn defines(source: &str, name: &str) -> bool {
    let tokens = ast::tokens(source);
    let defines = |pair: &[(rhai::Token, rhai::Position)]| matches!(pair, [(rhai::Token::Let, _), (rhai::Token::Identifier(own), _)] if own.as_str() == name);
    tokens.windows(2).any(defines)
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
