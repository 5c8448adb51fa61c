//! Collects the diagnostics of a script, each at characters of its text.

use rhai::Position as At;

use crate::diagnostic::{Diagnostic, ScriptProblem, Severity, Span};
use crate::json::Position;

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
        self.add_once(Diagnostic::new(self.span(at, length), problem));
    }

    /// Reports what may be meant.
    pub(super) fn warn(&mut self, at: At, length: usize, problem: ScriptProblem) {
        self.add_once(Diagnostic::new(self.span(at, length), problem).severity(Severity::Warning));
    }

    fn add_once(&mut self, one: Diagnostic) {
        if !self.found.contains(&one) {
            self.found.push(one);
        }
    }

    fn span(&self, at: At, length: usize) -> Span {
        let start = Position { line: at.line().unwrap_or(1), column: at.position().unwrap_or(1) };
        let end = Position { column: start.column + length.max(1), ..start };
        Span { file: self.file.to_owned(), start, end }
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
