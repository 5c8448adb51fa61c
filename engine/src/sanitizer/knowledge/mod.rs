//! What a schema says before any document comes: its largest output, what can never pass, and what its author may not mean.
//!
//! None of it is on the request path. The lints are those of the specification's §9; their codes stand in the rule author's.

mod ways;
mod children;
mod largest;
mod source;
mod open;
mod never;
mod advice;
mod shape;

use std::collections::BTreeMap;

use super::sets::Sets;
use super::{Options, load};
use crate::diagnostic::Diagnostic;
pub use shape::{Alternative, Member, Shape};

use largest::Measure;
pub(super) use source::Source;

/// What is known of a schema.
#[derive(Debug)]
pub struct Knowledge {
    /// Bytes of the largest output, as compact JSON without needless escapes; none if nothing bounds it.
    pub bytes_max: Option<u64>,
    /// Where the bound is made: the list that takes most of it.
    pub heaviest: Diagnostic,
    /// What its author should look at, at its place.
    pub diagnostics: Vec<Diagnostic>,
    /// What it describes.
    pub shape: Shape,
}

impl Knowledge {
    /// What is known of the schema in the text of `file`; none if it cannot be read.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use handover_engine::limits::Limits;
    /// use handover_engine::sanitizer::{Knowledge, Options};
    /// let schema = r#"{ "type": "array", "maxItems": 9, "items": { "type": "string", "pattern": "^[a-z]{2}$" } }"#;
    /// let known = Knowledge::of("tags.schema.json", schema, &BTreeMap::new(), &Options::of(&Limits::default())).unwrap();
    /// assert_eq!(known.bytes_max, Some(2 + 9 * 4 + 8));
    /// assert_eq!(known.diagnostics, []);
    /// ```
    #[must_use]
    pub fn of(file: &str, text: &str, files: &BTreeMap<String, String>, options: &Options) -> Option<Self> {
        let (_, others, schema) = load::read(file, text, files).ok()?;
        let source = Source::new(file, text, files, others.keys());
        let mut sets = Sets::new(&schema);
        let bytes_max = Measure::new(&mut sets, options).root();
        let mut diagnostics = never::wrong_defaults(&schema, options, &source);
        diagnostics.extend(never::never(text, &others, &schema, &source));
        diagnostics.extend(open::open(&mut sets, options, &source));
        diagnostics.extend(advice::advice(&mut sets, &source));
        let heaviest = open::heaviest(&mut sets, &source);
        Some(Self { bytes_max, heaviest, diagnostics, shape: Shape::of(&schema, options) })
    }
}
