//! The `x-` keywords and the formats of schemas, for the author's reference, each with an example.

use super::format::Format;

/// An `x-` keyword with one of its values.
#[derive(Clone, Copy, Debug)]
pub struct Annotation {
    /// The keyword.
    pub keyword: &'static str,
    /// A value of it, as JSON.
    pub value: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// A schema, a document, and what passes of it; nothing passes where that is empty.
    pub example: [&'static str; 3],
}

const fn annotation(
    keyword: &'static str,
    value: &'static str,
    summary: &'static str,
    example: [&'static str; 3],
) -> Annotation {
    Annotation { keyword, value, summary, example }
}

/// All of them.
pub const ANNOTATIONS: &[Annotation] = &[
    annotation(
        "x-on-invalid",
        r#""drop""#,
        "drops an invalid value; without the keyword it is the same",
        [r#"{ "properties": { "n": { "maximum": 9, "x-on-invalid": "drop" } } }"#, r#"{"n":10}"#, "{}"],
    ),
    annotation(
        "x-on-invalid",
        r#""clamp""#,
        "moves a number to the nearest bound",
        [r#"{ "properties": { "n": { "maximum": 9, "x-on-invalid": "clamp" } } }"#, r#"{"n":10}"#, r#"{"n":9}"#],
    ),
    annotation(
        "x-on-invalid",
        r#""truncate""#,
        "cuts a string to its `maxLength`, a list to its `maxItems`",
        [
            r#"{ "properties": { "s": { "type": "string", "maxLength": 3, "x-on-invalid": "truncate" } } }"#,
            r#"{"s":"abcd"}"#,
            r#"{"s":"abc"}"#,
        ],
    ),
    annotation(
        "x-on-invalid",
        r#""trim""#,
        "removes white space around a string",
        [
            r#"{ "properties": { "s": { "type": "string", "pattern": "^[a-z]*$", "x-on-invalid": "trim" } } }"#,
            r#"{"s":" ab "}"#,
            r#"{"s":"ab"}"#,
        ],
    ),
    annotation(
        "x-on-invalid",
        r#""coerce""#,
        "reads a number or boolean from its text, or writes it as text",
        [r#"{ "properties": { "n": { "type": "integer", "x-on-invalid": "coerce" } } }"#, r#"{"n":"5"}"#, r#"{"n":5}"#],
    ),
    annotation(
        "x-on-invalid",
        r#""default""#,
        "puts the schema's `default` in place of an invalid value",
        [
            r#"{ "properties": { "n": { "type": "integer", "default": 1, "x-on-invalid": "default" } } }"#,
            r#"{"n":"x"}"#,
            r#"{"n":1}"#,
        ],
    ),
    annotation(
        "x-on-invalid",
        r#""fail""#,
        "drops what holds an invalid value, too",
        [
            r#"{ "items": { "properties": { "n": { "maximum": 9, "x-on-invalid": "fail" } } } }"#,
            r#"[{"n":10},{"n":1}]"#,
            r#"[{"n":1}]"#,
        ],
    ),
    annotation(
        "x-on-invalid",
        r#""reject""#,
        "lets nothing of the document pass where a value is invalid",
        [r#"{ "properties": { "n": { "maximum": 9, "x-on-invalid": "reject" }, "m": {} } }"#, r#"{"n":10,"m":1}"#, ""],
    ),
    annotation(
        "x-on-missing",
        r#""default""#,
        "puts the schema's `default` where the member is absent",
        [
            r#"{ "required": ["n"], "properties": { "n": { "type": "integer", "default": 1, "x-on-missing": "default" } } }"#,
            "{}",
            r#"{"n":1}"#,
        ],
    ),
    annotation(
        "x-atomic",
        "true",
        "an object or list passes whole or not at all",
        [
            r#"{ "properties": { "o": { "x-atomic": true, "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } } } } }"#,
            r#"{"o":{"a":1,"b":"x"}}"#,
            "{}",
        ],
    ),
    annotation(
        "x-max-bytes",
        "12",
        "bounds the bytes of the value as compact JSON",
        [
            r#"{ "properties": { "s": { "x-max-bytes": 5 }, "t": { "x-max-bytes": 5 } } }"#,
            r#"{"s":"abcdef","t":"abc"}"#,
            r#"{"t":"abc"}"#,
        ],
    ),
    annotation(
        "x-sensitive",
        "true",
        "drops the value always, and reports it as sensitive",
        [r#"{ "properties": { "a": { "x-sensitive": true }, "b": {} } }"#, r#"{"a":1,"b":2}"#, r#"{"b":2}"#],
    ),
    annotation(
        "x-allow-sensitive",
        r#"["pan"]"#,
        "allows what these detectors of `sensitive.deny` find",
        [
            r#"{ "properties": { "a": { "x-allow-sensitive": ["pan"] }, "b": {} } }"#,
            r#"{"a":"4111111111111111","b":"4111111111111111"}"#,
            r#"{"a":"4111111111111111"}"#,
        ],
    ),
];

/// The formats that are asserted, each with a text that has it.
#[must_use]
pub fn formats() -> Vec<(&'static str, String)> {
    Format::examples()
}
