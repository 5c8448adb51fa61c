//! Changes of a schema: bounds by one, keywords, listed values and branches that are left out.

use super::{Change, by_one, short, span, with_comma};
use crate::json::{Document, Kind, View};

/// Bounds that are changed by one.
const BOUNDS: [&str; 14] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "x-max-bytes",
];
/// Keywords that are left out.
const LEFT_OUT: [&str; 20] = [
    "additionalItems",
    "additionalProperties",
    "const",
    "contains",
    "else",
    "format",
    "items",
    "not",
    "pattern",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "x-allow-sensitive",
    "x-atomic",
    "x-on-missing",
    "x-sensitive",
    "type",
    "dependentRequired",
];
/// Lists of which one entry is left out.
const LISTS: [&str; 6] = ["allOf", "anyOf", "enum", "oneOf", "required", "x-on-invalid"];
/// Members that hold schemas by name.
const NAMED: [&str; 6] =
    ["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

pub(super) fn changes(text: &str) -> Vec<Change> {
    let Ok(document) = Document::read(text.as_bytes()) else { return Vec::new() };
    let mut found = Vec::new();
    schema(text, document.root(), &mut found);
    found
}

fn schema(text: &str, view: View<'_>, found: &mut Vec<Change>) {
    for (name, value) in view.named_members() {
        let keyword = name.word();
        if BOUNDS.contains(&keyword.as_str()) {
            found.extend(by_one(value, &keyword));
        } else if keyword == "type" && value.word() == "integer" {
            found.push(Change {
                span: span(value),
                text: "\"number\"".to_owned(),
                words: "`integer` → `number`".to_owned(),
            });
        } else if LEFT_OUT.contains(&keyword.as_str()) {
            let words = format!("without `{keyword}`");
            found.push(Change { span: member(text, name, value), text: String::new(), words });
        } else if LISTS.contains(&keyword.as_str()) && value.kind() != Kind::Array {
            found.push(Change {
                span: member(text, name, value),
                text: String::new(),
                words: format!("without `{keyword}`"),
            });
        }
        if LISTS.contains(&keyword.as_str()) {
            found.extend(value.items().map(|item| {
                let span = span(item);
                let one = short(text.get(span.clone()).unwrap_or_default());
                let span = with_comma(text, span.start, span.end);
                Change { span, text: String::new(), words: format!("`{keyword}` without `{one}`") }
            }));
        }
        below(text, &keyword, value, found);
    }
}

/// The schemas in the value of a keyword.
fn below(text: &str, keyword: &str, value: View<'_>, found: &mut Vec<Change>) {
    if NAMED.contains(&keyword) {
        value.members().for_each(|(_, one)| schema(text, one, found));
    } else if !matches!(keyword, "const" | "default" | "enum" | "examples") {
        schema(text, value, found);
        value.items().for_each(|one| schema(text, one, found));
    }
}

/// The bytes of a member, its name included.
fn member(text: &str, name: View<'_>, value: View<'_>) -> std::ops::Range<usize> {
    with_comma(text, span(name).start, span(value).end)
}
