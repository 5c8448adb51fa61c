//! Diagnostics for people and for machines.

mod pretty;
mod machine;
mod lcov;
mod junit;

pub use junit::{Outcome, TestCase, junit};
pub use lcov::lcov;
pub use machine::{Output, Related, github, json, output, related};
pub use pretty::{Ink, pretty};

use std::collections::BTreeMap;

use handover_engine::diagnostic::{Diagnostic, Note, Severity};

/// Diagnostics with the texts that they speak of.
pub struct Report<'a> {
    /// In the order of file and place.
    pub diagnostics: &'a [Diagnostic],
    /// How many of them are printed; the rest is counted.
    pub most: usize,
    /// The texts, by the path that diagnostics name.
    pub texts: &'a BTreeMap<String, String>,
    /// The folder that the paths are below.
    pub folder: &'a str,
}

impl<'a> Report<'a> {
    fn shown(&self) -> impl Iterator<Item = &'a Diagnostic> {
        self.diagnostics.iter().take(self.most)
    }

    fn path(&self, file: &str) -> String {
        let folder = self.folder.trim_end_matches('/');
        if file.is_empty() { folder.to_owned() } else { format!("{folder}/{file}") }
    }

    /// A place in one line.
    #[must_use]
    pub fn line(&self, note: &Note) -> String {
        let Note { span, text } = note;
        format!("{}:{}:{}: {text}", self.path(&span.file), span.start.line, span.start.column)
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}
