//! Collects the diagnostics of a script, each at characters of its text.

use rhai::Position as At;

use crate::diagnostic::{Diagnostic, Help, ScriptProblem, Severity, Span};
use crate::json::Position;
use crate::script::ast;

/// The diagnostics of one script.
pub(super) struct Report<'a> {
    file: &'a str,
    source: &'a str,
    pub(super) found: Vec<Diagnostic>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, source: &'a str) -> Self {
        Self { file, source, found: Vec::new() }
    }

    /// Reports a problem of so many characters, once.
    pub(super) fn add(&mut self, at: At, length: usize, problem: ScriptProblem) {
        self.add_once(at, Diagnostic::new(self.span(at, length), problem));
    }

    /// Reports what may be meant.
    pub(super) fn warn(&mut self, at: At, length: usize, problem: ScriptProblem) {
        self.add_once(at, Diagnostic::new(self.span(at, length), problem).severity(Severity::Warning));
    }

    fn add_once(&mut self, at: At, mut one: Diagnostic) {
        // a name that needs quotation marks cannot take the place of one without
        let is_bare = self.rest_of_line(at).starts_with(|first: char| first.is_alphabetic() || first == '_');
        let is_word = |text: &str| text.chars().all(|one| one.is_alphanumeric() || one == '-' || one == '\'');
        if let Some(help) =
            one.help.take_if(|help| is_bare && help.replacement().is_some_and(|word| is_word(word) && !is_name(word)))
        {
            one.help = Some(Help::from(&*help));
        }
        if !self.found.contains(&one) {
            self.found.push(one);
        }
    }

    fn span(&self, at: At, length: usize) -> Span {
        let start = Position { line: at.line().unwrap_or(1), column: at.position().unwrap_or(1) };
        let end = Position { column: start.column + self.quoted(at).unwrap_or(length).max(1), ..start };
        Span { file: self.file.to_owned(), start, end }
    }

    /// The characters of a string that begins at a place and ends on its line, its quotation marks included.
    fn quoted(&self, at: At) -> Option<usize> {
        let mut rest = self.rest_of_line(at).chars();
        let mark = rest.next().filter(|mark| matches!(mark, '"' | '`'))?;
        let mut is_escaped = false;
        let closing = rest.position(|one| {
            let closes = one == mark && !is_escaped;
            is_escaped = one == '\\' && !is_escaped;
            closes
        });
        closing.map(|inside| inside + 2)
    }

    /// The rest of a line, for the extent of what begins there.
    pub(super) fn rest_of_line(&self, at: At) -> &'a str {
        let line = self.source.lines().nth(at.line().unwrap_or(1) - 1).unwrap_or_default();
        let skipped = line.char_indices().nth(at.position().unwrap_or(1) - 1).map_or(line.len(), |(byte, _)| byte);
        line.get(skipped..).unwrap_or_default()
    }

    /// The characters from a place to the end of its line.
    pub(super) fn length_of_line(&self, at: At) -> usize {
        self.rest_of_line(at).trim_end().chars().count()
    }
}

/// Whether a word is a name that can stand without quotation marks: no reserved word, no sign in it.
pub(super) fn is_name(word: &str) -> bool {
    matches!(ast::tokens(word).as_slice(), [(rhai::Token::Identifier(own), _)] if own.as_str() == word)
}
