//! Collects the diagnostics of a script, each at characters of its text.

use rhai::Position as At;

use crate::diagnostic::{Code, Diagnostic, Help, Severity};
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

    /// Reports an error of so many characters, once.
    pub(super) fn error(&mut self, code: Code, at: At, length: usize, message: String, help: Option<Help>) {
        self.add(Severity::Error, code, (at, length), message, help);
    }

    /// Reports a warning.
    pub(super) fn warning(&mut self, code: Code, at: At, length: usize, message: String, help: Option<Help>) {
        self.add(Severity::Warning, code, (at, length), message, help);
    }

    fn add(&mut self, severity: Severity, code: Code, (at, length): (At, usize), message: String, help: Option<Help>) {
        let start = Position { line: at.line().unwrap_or(1), column: at.position().unwrap_or(1) };
        let end = Position { column: start.column + length.max(1), ..start };
        let between = Diagnostic::between(code, self.file, [start, end], message);
        let one = Diagnostic { severity, help, ..between };
        if !self.found.contains(&one) {
            self.found.push(one);
        }
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
