//! What can never pass (S020), as far as the crate's canonical form knows; a member that is required and never passes takes
//! its object with it.
//!
//! A plain `false` and `x-sensitive` are how authors refuse a member: they are only said where that member is required.

use std::collections::BTreeMap;

use jsonschema::PatternOptions;
use jsonschema::canonical::{Cause, UnsatisfiableReason};

use crate::diagnostic::{Diagnostic, Help, SchemaProblem, suggestion};
use crate::sanitizer::Options;
use crate::sanitizer::evaluate::schemas_of_member;
use crate::sanitizer::knowledge::source::Source;
use crate::sanitizer::load::wrong_defaults as wrong_defaults_of;
use crate::sanitizer::oracle;
use crate::sanitizer::schema::{Object, Schema};

/// Branches of a union up to which the crate is asked: its canonical form compares all with each other, more than once.
const BRANCHES_MAX: usize = 64;

type Empty = BTreeMap<String, UnsatisfiableReason>;

/// All places where nothing can stand that their author did not simply refuse.
pub(super) fn never(
    text: &str,
    others: &BTreeMap<String, String>,
    schema: &Schema,
    source: &Source,
) -> Vec<Diagnostic> {
    let empty = empty(text, others, schema).unwrap_or_default();
    let mut found = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for object in &schema.objects {
        let refused = refused(object, schema, &empty, source);
        said.extend((!refused.is_empty()).then(|| object.pointer.trim_start_matches('#')));
        found.extend(refused);
    }
    for (pointer, reason) in &empty {
        let (causes, own) = match reason {
            UnsatisfiableReason::Literal => (&[][..], pointer.is_empty()),
            UnsatisfiableReason::Empty(cause) => (std::slice::from_ref(cause), !cause.keywords.is_empty()),
            UnsatisfiableReason::Conflict(causes) => (&causes[..], true),
        };
        // a place is empty with what it needs below it, and that is said there
        let below = |other: &str| other.strip_prefix(pointer.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let inner = empty.iter().any(|(other, reason)| below(other) && !matches!(reason, UnsatisfiableReason::Literal));
        if own && !inner && !said.iter().any(|other| other == pointer || below(other)) {
            found.push(nothing_passes(pointer, causes, source));
        }
    }
    found.dedup();
    found
}

/// The places that admit nothing, by pointer. A schema that the crate cannot model gives none.
fn empty(text: &str, others: &BTreeMap<String, String>, schema: &Schema) -> Option<Empty> {
    let widest = |object: &Object| object.choices.one_of.len().max(object.choices.any_of.len());
    if schema.objects.iter().any(|object| widest(object) > BRANCHES_MAX) {
        return None;
    }
    let schema = oracle::value(text, schema.definitions(), others).ok()?;
    let options = jsonschema::canonical::options()
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex());
    options.prepare(&schema).ok()?.unsatisfiable().ok()
}

fn nothing_passes(pointer: &str, causes: &[Cause], source: &Source) -> Diagnostic {
    let mut keywords: Vec<&str> = Vec::new();
    for keyword in causes.iter().flat_map(|cause| &cause.keywords) {
        if !keywords.contains(&keyword.as_str()) {
            keywords.push(keyword);
        }
    }
    let named: Vec<_> = keywords.iter().map(|keyword| format!("`{keyword}`")).collect();
    let keywords = match named.len() {
        0 => String::new(),
        1 => format!(": {} leaves no value", named.join("")),
        _ => format!(": {} leave no value together", named.join(", ")),
    };
    let last = causes.last().and_then(|cause| Some((cause, cause.keywords.last()?)));
    let span = match last {
        Some((cause, keyword)) => source.at_value(&format!("#{}", cause.pointer), keyword),
        None => source.at(&format!("#{pointer}")),
    };
    Diagnostic::new(span, SchemaProblem::NothingPasses { keywords })
}

/// Required members that this schema object itself refuses.
fn refused(object: &Object, schema: &Schema, empty: &Empty, source: &Source) -> Vec<Diagnostic> {
    let is_refused = |id: u16| schema.object(id).is_some_and(|object| object.never.is_some());
    let names = object.required.iter().filter(|name| schemas_of_member(object, name).any(is_refused));
    let found = names.map(|name| {
        let declared: Vec<_> = object.properties.iter().map(|(own, _)| own.as_str()).collect();
        let known = declared.contains(&name.as_str());
        let is_item = object.pointer.ends_with("/items");
        let effect = if is_item { "every item is dropped" } else { "its object is always dropped" };
        let help = match (known, suggestion(name, &declared)) {
            (true, _) => Help::from("remove it from `required`"),
            (false, near) if near.replacement().is_some() => near,
            _ => Help::from("declare it in `properties`"),
        };
        let problem = SchemaProblem::RequiredNeverPasses { name: name.clone(), effect, help: Some(help) };
        Diagnostic::new(source.at_listed(&object.pointer, name), problem)
    });
    // a branch that nothing is meant to take is refused as a whole
    let whole = empty.get(object.pointer.trim_start_matches('#'));
    found.filter(|_| !matches!(whole, Some(UnsatisfiableReason::Literal))).collect()
}

/// Defaults that an annotation may put in place and that do not pass there as they are (S021): they are never put.
pub(super) fn wrong_defaults(schema: &Schema, options: &Options, source: &Source) -> Vec<Diagnostic> {
    let wrong = wrong_defaults_of(schema, options).into_iter().filter_map(|id| schema.object(id));
    let span = |object: &Object| source.at_value(&object.pointer, "default");
    wrong.map(|object| Diagnostic::new(span(object), SchemaProblem::WrongDefault)).collect()
}
