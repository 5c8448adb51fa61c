//! One document by itself, outside any event: what `handover sanitize` and rule authors' tests ask.

use std::sync::Arc;

use super::{Sanitizer, Untrusted};
use crate::budget::Budget;
use crate::fate::{Action, Entry, Fates, Keyword, Report};
use crate::json::{Document, Json, ReadErrorKind};

/// What became of a document as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was valid.
    Unchanged,
    /// A part of it is valid.
    Changed,
    /// Nothing of it is.
    Nothing,
}

impl Outcome {
    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Nothing => "nothing",
        }
    }
}

/// One sanitized document and its report.
#[derive(Debug)]
pub struct Sanitized {
    /// As a whole.
    pub outcome: Outcome,
    /// What is left, unless nothing is.
    pub output: Option<Json>,
    /// What was removed, without values.
    pub report: Report,
    /// Values in the input; 0 if it is not JSON.
    pub nodes_in: usize,
    /// Values in the output.
    pub nodes_out: usize,
    /// Computations of choices (R22): 0 where the schema has none.
    pub steps: usize,
}

impl Sanitizer {
    fn budget(&self) -> Budget {
        Budget::new(self.options.work)
    }

    /// The largest valid part of a document that was read, without a report: what a rule pays for one value.
    #[must_use]
    pub fn keep(&self, document: &Arc<Document>) -> Option<Json> {
        let root = super::Place { document, at: 0 };
        let clean = self.apply(&Untrusted(Json::Place(Arc::clone(document), 0)), &mut Fates::of(root), &self.budget());
        clean.map(|clean| clean.json().clone())
    }

    /// Sanitizes one document; a text that is not JSON gives nothing, keyword `x-json`, one that is too deep `x-limit`.
    #[must_use]
    pub fn sanitize(&self, bytes: &[u8], entries_max: usize) -> Sanitized {
        let document = match Document::read(bytes) {
            Ok(document) => document,
            Err(error) => return unread(error.kind),
        };
        let untrusted = Untrusted(document.root().to_json());
        let root = super::Place { document: &document, at: 0 };
        let mut fates = Fates::of(root);
        let (clean, steps) = self.counted(&untrusted, &mut fates, &self.budget());
        let report = fates.report(root, "", entries_max, self);
        let output = clean.map(|clean| clean.json().clone());
        let outcome = match &output {
            None => Outcome::Nothing,
            Some(_) if fates.all_kept() => Outcome::Unchanged,
            Some(_) => Outcome::Changed,
        };
        let nodes_out = output.as_ref().map_or(0, |output| output.view().nodes());
        Sanitized { outcome, output, report, nodes_in: document.root().nodes(), nodes_out, steps }
    }
}

/// The result of a text that cannot be read: beyond the reader's limits, or not JSON.
fn unread(kind: ReadErrorKind) -> Sanitized {
    let keyword = match kind {
        ReadErrorKind::TooDeep | ReadErrorKind::TooLarge => Keyword::Limit,
        ReadErrorKind::Syntax(_) | ReadErrorKind::Duplicate => Keyword::Json,
    };
    let entry =
        Entry { pointer: String::new(), keyword, action: Action::Drop, by: 0, nodes: 0, cause: None, count: None };
    let report = Report { entries: vec![entry], omitted: 0 };
    Sanitized { outcome: Outcome::Nothing, output: None, report, nodes_in: 0, nodes_out: 0, steps: 0 }
}
