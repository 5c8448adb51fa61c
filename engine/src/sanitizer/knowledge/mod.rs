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
use super::{Options, in_place, load, reader};
use crate::diagnostic::{Code, Diagnostic, Help, Problem, Span};
use crate::json::Document;
pub use shape::{Alternative, Member, Shape};

use largest::Measure;
pub(super) use source::Source;

/// What is known of a schema.
#[derive(Debug)]
pub struct Knowledge {
    /// Bytes of the largest output, as compact JSON without needless escapes; none if nothing bounds it.
    pub bytes_max: Option<u64>,
    /// Where the bound is made: the list that takes most of it.
    pub heaviest: Span,
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
        let (_, others, schema) = match load::read(file, text, files) {
            Ok(read) => read,
            Err(errors) => return Self::of_rest(file, text, &errors, options),
        };
        let source = Source::new(file, text, files, others.keys());
        if !in_place::circles(&schema, &source).is_empty() {
            // whatever else is said of it would be said of nothing
            return None;
        }
        let mut sets = Sets::new(&schema);
        let bytes_max = Measure::new(&mut sets, options).root();
        let mut diagnostics = never::wrong_defaults(&schema, options, &source);
        diagnostics.extend(never::never(text, &others, &schema, &source));
        diagnostics.extend(open::open(&mut sets, options, &source));
        diagnostics.extend(advice::advice(&mut sets, options.provider, &source));
        let heaviest = open::heaviest(&mut sets, &source);
        Some(Self { bytes_max, heaviest, diagnostics, shape: Shape::of(&schema, options) })
    }

    /// What is known of a schema beside what is wrong with it: nothing is said of a schema object that is broken, or holds
    /// one that is, and nothing of what passes.
    fn of_rest(file: &str, text: &str, errors: &[Diagnostic], options: &Options) -> Option<Self> {
        let document = Document::read(text.as_bytes()).ok()?;
        if errors.iter().any(|error| error.file != file || matches!(error.code, Code::S004 | Code::S015 | Code::S016)) {
            return None;
        }
        let (schema, _) = reader::read_all(file, &document);
        let source = Source::new(file, text, &BTreeMap::new(), [].iter());
        let mut sets = Sets::new(&schema);
        let mut diagnostics = never::wrong_defaults(&schema, options, &source);
        diagnostics.extend(open::open(&mut sets, options, &source));
        let spans: Vec<_> = schema.objects.iter().filter_map(|object| source.span(&object.pointer)).collect();
        let is_sound = |one: &Diagnostic| {
            let holding = spans.iter().filter(|(start, end)| *start <= one.start && one.start < *end);
            let own = holding.max_by_key(|(start, _)| *start);
            own.is_some_and(|(start, end)| !errors.iter().any(|error| *start <= error.start && error.start < *end))
        };
        diagnostics.retain(is_sound);
        let heaviest = Span::whole(file);
        // what is wrong with a scalar's keyword changes no member's name
        let shape = if errors.iter().all(is_of_scalars) { Shape::of(&schema, options) } else { Shape::default() };
        Some(Self { bytes_max: None, heaviest, diagnostics, shape })
    }
}

/// Whether an error is about what a scalar must be, and not about which members and items there are.
fn is_of_scalars(error: &Diagnostic) -> bool {
    const SCALARS: [&str; 11] = [
        "const",
        "default",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxLength",
        "maximum",
        "minLength",
        "minimum",
        "pattern",
    ];
    let meant = error.help.as_ref().and_then(Help::replacement);
    match error.code {
        Code::S010 => meant.is_some_and(|meant| SCALARS.contains(&meant)),
        Code::S011 => {
            let Problem::Schema(problem) = &error.problem else { return false };
            problem.keyword().is_some_and(|keyword| SCALARS.contains(&keyword))
        }
        code => matches!(code, Code::S012 | Code::S013 | Code::S014 | Code::S022 | Code::S023),
    }
}
