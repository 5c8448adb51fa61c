//! Values made by construction: for two hundred schemas almost every draw gives one, each passes whole, and they differ.

use std::collections::BTreeSet;

use handover_engine::generate::NOW;
use handover_engine::limits::Limits;
use handover_engine::random::Random;
use handover_engine::sanitizer::{Extent, Options, Sampler, Sanitizer};

/// Schemas of a member, one a line: every keyword, formats, patterns, dates, unions.
const MEMBERS: [&str; 88] = [
    r#"{ "type": "boolean" }"#,
    r#"{ "type": "string", "maxLength": 20 }"#,
    r#"{ "type": "string", "minLength": 3, "maxLength": 3 }"#,
    r#"{ "type": "string", "minLength": 40, "maxLength": 400 }"#,
    r#"{ "enum": ["a", "b", 1, null] }"#,
    r#"{ "const": { "a": [1] } }"#,
    r#"{ "type": "integer", "minimum": 1, "maximum": 99 }"#,
    r#"{ "type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 4 }"#,
    r#"{ "type": "number", "minimum": 0.5, "maximum": 8, "multipleOf": 0.5 }"#,
    r#"{ "type": "integer", "minimum": 0, "maximum": 7200, "multipleOf": 900 }"#,
    r#"{ "type": "number", "multipleOf": 0.01, "minimum": 9.99, "maximum": 19.99 }"#,
    r#"{ "type": "integer", "multipleOf": 4, "allOf": [{ "multipleOf": 6 }], "maximum": 1000, "minimum": 1 }"#,
    r#"{ "type": "integer", "minimum": 0, "maximum": 4102444800 }"#,
    r#"{ "type": "integer", "minimum": 1000000000000, "maximum": 4102444800000 }"#,
    r#"{ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }"#,
    r#"{ "type": "string", "format": "date-time", "maxLength": 40 }"#,
    r#"{ "type": "string", "format": "date" }"#,
    r#"{ "type": "string", "format": "time" }"#,
    r#"{ "type": "string", "format": "duration", "maxLength": 20 }"#,
    r#"{ "type": "string", "format": "email", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "idn-email", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "hostname" }"#,
    r#"{ "type": "string", "format": "idn-hostname", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "ipv4" }"#,
    r#"{ "type": "string", "format": "ipv6" }"#,
    r#"{ "type": "string", "format": "uuid" }"#,
    r#"{ "type": "string", "format": "uri", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "uri-reference", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "iri", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "iri-reference", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "uri-template", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "json-pointer", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "relative-json-pointer", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "regex", "maxLength": 99 }"#,
    r#"{ "type": "string", "format": "uri", "pattern": "^https://shop\\.example/[a-z]{1,20}$" }"#,
    r#"{ "type": "string", "pattern": "^[A-Z0-9-]{1,16}$" }"#,
    r#"{ "type": "string", "pattern": "^[0-9]{4}-W[0-5][0-9]$" }"#,
    r#"{ "type": "string", "pattern": "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$" }"#,
    r#"{ "type": "string", "pattern": "^(red|green|blue)-\\d+$", "maxLength": 12 }"#,
    r#"{ "type": "string", "pattern": "\\bsale\\b", "maxLength": 12 }"#,
    r#"{ "type": "string", "pattern": "^[^\\x00-\\x1f]{1,80}$" }"#,
    r#"{ "type": "string", "pattern": "^[a-f]+$", "minLength": 8, "maxLength": 8 }"#,
    r#"{ "type": "string", "pattern": "^a", "allOf": [{ "pattern": "z$" }], "maxLength": 9 }"#,
    r#"{ "type": "string", "pattern": "^\\p{L}{3}$" }"#,
    r#"{ "type": ["string", "null"], "maxLength": 5 }"#,
    r#"{ "type": ["integer", "string", "boolean"], "maximum": 5, "maxLength": 5 }"#,
    r#"{ "type": "array", "maxItems": 5, "items": { "enum": [1, 2, 3, 4, 5, 6] }, "uniqueItems": true }"#,
    r#"{ "type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{ "enum": ["km", "mi"] }, { "type": "integer", "minimum": 1 }], "items": false }"#,
    r#"{ "type": "array", "prefixItems": [{ "type": "boolean" }], "items": { "type": "integer" }, "minItems": 1, "maxItems": 9 }"#,
    r#"{ "type": "array", "contains": { "const": 7 }, "items": { "type": "integer" }, "maxItems": 9 }"#,
    r#"{ "type": "array", "contains": { "minimum": 5 }, "minContains": 2, "maxContains": 3, "items": { "type": "integer", "maximum": 9 }, "maxItems": 9 }"#,
    r#"{ "type": "array", "minItems": 20, "maxItems": 30, "items": { "type": "boolean" } }"#,
    r#"{ "type": "array", "maxItems": 3, "prefixItems": [{ "type": "string", "maxLength": 2 }], "unevaluatedItems": { "type": "integer" } }"#,
    r#"{ "type": "object", "maxProperties": 12, "propertyNames": { "pattern": "^[a-z0-9_-]{1,16}$" }, "additionalProperties": { "type": "integer", "minimum": 1 } }"#,
    r#"{ "type": "object", "minProperties": 2, "maxProperties": 3, "patternProperties": { "^k_[0-9]{1,3}$": { "type": "boolean" } }, "additionalProperties": false }"#,
    r#"{ "type": "object", "patternProperties": { "_at$": { "type": "string", "format": "date-time" }, "^n_": { "type": "string" } }, "additionalProperties": false, "minProperties": 1 }"#,
    r#"{ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "integer" }, "c": { "type": "integer" } }, "dependentRequired": { "a": ["b"] }, "minProperties": 1 }"#,
    r#"{ "type": "object", "properties": { "card": { "type": "boolean" }, "zip": { "type": "string", "maxLength": 9 } }, "dependentSchemas": { "card": { "required": ["zip"] } }, "minProperties": 1 }"#,
    r#"{ "type": "object", "required": ["kind"], "properties": { "kind": { "enum": ["gift", "plain"] }, "to": { "type": "string", "maxLength": 9 } }, "if": { "properties": { "kind": { "const": "gift" } } }, "then": { "required": ["to"] } }"#,
    r#"{ "type": "object", "properties": { "a": { "type": "boolean" }, "b": { "type": "boolean" } }, "required": ["a"], "if": { "properties": { "a": { "const": true } } }, "then": { "required": ["b"] }, "else": { "properties": { "b": false } } }"#,
    r#"{ "anyOf": [{ "type": "integer", "minimum": 3 }, { "type": "string", "maxLength": 3 }] }"#,
    r#"{ "oneOf": [{ "type": "object", "required": ["k", "n"], "properties": { "k": { "const": "a" }, "n": { "type": "integer" } } }, { "type": "object", "required": ["k", "t"], "properties": { "k": { "const": "b" }, "t": { "type": "string", "maxLength": 4 } } }] }"#,
    r#"{ "oneOf": [{ "type": "integer", "multipleOf": 2 }, { "type": "integer", "multipleOf": 3 }] }"#,
    r#"{ "type": "integer", "minimum": 0, "maximum": 3, "not": { "const": 2 } }"#,
    r#"{ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } }, "minProperties": 1, "not": { "required": ["a", "b"] } }"#,
    r#"{ "allOf": [{ "type": "object", "required": ["a"], "properties": { "a": { "type": "integer" } } }, { "properties": { "b": { "type": "boolean" } } }], "unevaluatedProperties": false }"#,
    r##"{ "type": "object", "required": ["v"], "properties": { "v": { "type": "integer" }, "next": { "$ref": "#/$defs/node" } } }"##,
    r##"{ "$ref": "#/$defs/tree" }"##,
    r#"{ "type": "array", "maxItems": 10, "items": { "type": "string", "maxLength": 100 }, "x-max-bytes": 60 }"#,
    r#"{ "type": "integer", "minimum": 0, "maximum": 9, "default": 3, "x-on-invalid": ["coerce", "clamp", "default"] }"#,
    r#"{ "type": "array", "minItems": 5, "maxItems": 10, "uniqueItems": true, "items": { "type": "string", "minLength": 3, "maxLength": 6 } }"#,
    r#"{ "type": "array", "minItems": 10, "maxItems": 20, "uniqueItems": true, "items": { "type": "integer", "minimum": 1, "maximum": 60 } }"#,
    r#"{ "type": "object", "propertyNames": { "pattern": "^sku-[0-9]{6}$" }, "additionalProperties": { "type": "boolean" }, "minProperties": 5, "maxProperties": 8 }"#,
    r#"{ "type": "object", "propertyNames": { "maxLength": 8 }, "additionalProperties": { "type": "boolean" }, "minProperties": 5, "maxProperties": 8 }"#,
    r#"{ "type": "object", "patternProperties": { "^[a-z]{2}$": { "type": "boolean" } }, "additionalProperties": false, "minProperties": 5, "maxProperties": 8 }"#,
    r#"{ "type": "string", "format": "email", "pattern": "@corp\\.example$", "maxLength": 60 }"#,
    r#"{ "type": "string", "format": "uri", "pattern": "\\.(png|jpg)$", "maxLength": 60 }"#,
    r#"{ "type": "string", "format": "date", "pattern": "^19[0-9]{2}-" }"#,
    r#"{ "type": "string", "pattern": "\\bfoo\\b.*\\bbar\\b", "maxLength": 30 }"#,
    r#"{ "type": "object", "required": ["a", "b"], "properties": { "a": { "type": "array", "maxItems": 3, "items": { "type": "boolean" }, "x-atomic": true }, "b": { "type": "integer" } } }"#,
    r#"{ "type": "object", "required": ["a"], "properties": { "a": { "type": "boolean", "default": true, "x-on-missing": "default" }, "s": { "type": "string", "x-sensitive": true } } }"#,
    r##"{ "$ref": "#/$defs/node", "properties": { "v": { "maximum": 5 } } }"##,
    r##"{ "type": "array", "maxItems": 4, "items": { "$dynamicRef": "#leaf" } }"##,
    r#"{ "type": "string", "minLength": 2, "maxLength": 9, "contentEncoding": "base64" }"#,
    r#"{ "type": "array", "maxItems": 5, "unevaluatedItems": { "type": "integer" }, "contains": { "const": 1 }, "minContains": 0 }"#,
    r#"{ "type": "object", "minProperties": 1, "properties": { "a": { "type": "integer" } }, "unevaluatedProperties": { "type": "boolean" } }"#,
    r#"{ "type": "object", "minProperties": 1, "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } }, "dependentSchemas": { "a": { "properties": { "b": { "minimum": 5 } } } } }"#,
    r#"{ "enum": [1, 2, 3], "not": { "enum": [2] } }"#,
];

/// Where a member's schema stands.
const AROUND: [&str; 3] = [
    r#"{ "type": "object", "required": ["m"], "properties": { "m": MEMBER }, "$defs": DEFS }"#,
    r#"{ "type": "object", "properties": { "m": MEMBER, "n": { "type": "array", "maxItems": 4, "items": MEMBER } }, "$defs": DEFS }"#,
    r#"{ "type": "object", "maxProperties": 5, "propertyNames": { "pattern": "^[a-z]{1,8}$" }, "additionalProperties": { "type": "object", "required": ["m"], "properties": { "m": MEMBER } }, "$defs": DEFS }"#,
];
const DEFS: &str = r##"{ "node": { "type": "object", "required": ["v"], "properties": { "v": { "type": "integer" }, "next": { "$ref": "#/$defs/node" } } },
    "leaf": { "$dynamicAnchor": "leaf", "type": "boolean" }, "tree": { "anyOf": [{ "type": "integer" }, { "type": "object", "required": ["l", "r"], "properties": { "l": { "$ref": "#/$defs/tree" }, "r": { "$ref": "#/$defs/tree" } } }] } }"##;

const DRAWS: usize = 40;

/// In how many draws a value was made, and how many different ones.
#[track_caller]
fn drawn(schema: &str) -> (usize, usize, String) {
    let sanitizer = Sanitizer::compile("a.schema.json", schema, Options::of(&Limits::default()))
        .unwrap_or_else(|errors| panic!("{schema}: {errors:?}"));
    let mut sampler = Sampler::new(&sanitizer, NOW, &[]);
    let mut random = Random::new(16);
    let mut values = BTreeSet::new();
    let mut made = 0;
    for at in 0..DRAWS {
        let extent = [Extent::Least, Extent::Most, Extent::Any].get(at).copied().unwrap_or(Extent::Any);
        let Some(value) = sampler.draw(&mut random, extent) else { continue };
        let text = value.view().to_text();
        let again = sanitizer.sanitize(text.as_bytes(), 10);
        let kept = again.output.map(|output| output.view().to_text());
        assert_eq!(kept.as_deref(), Some(text.as_str()), "{schema}");
        made += 1;
        values.insert(text);
    }
    let lack = sampler.lack().map(|(place, keyword)| format!("`{}` at {place}", keyword.word()));
    (made, values.len(), lack.unwrap_or_default())
}

#[test]
fn two_hundred_schemas_have_values() {
    let mut shares = Vec::new();
    for (member, around) in MEMBERS.iter().flat_map(|member| AROUND.map(|around| (member, around))) {
        let schema = around.replace("MEMBER", member).replace("DEFS", DEFS);
        let (made, different, lack) = drawn(&schema);
        assert!(made >= DRAWS / 2, "{schema}: {made} of {DRAWS}, lacks {lack}");
        assert!(different > 1 || member.contains("const\": {"), "{schema}: always the same value");
        shares.push(made);
    }
    shares.sort_unstable();
    assert!(shares.len() >= 200 && shares[shares.len() / 2] * 100 >= 95 * DRAWS, "{shares:?}");
}

#[test]
fn keywords_of_older_drafts_have_values() {
    let draft = |number: &str| format!("\"$schema\": \"http://json-schema.org/draft-0{number}/schema#\"");
    for (number, rest) in [
        ("4", r#""type": "integer", "minimum": 1, "exclusiveMinimum": true, "maximum": 5"#),
        (
            "7",
            r#""type": "array", "items": [{ "type": "boolean" }], "additionalItems": { "type": "integer" }, "minItems": 2, "maxItems": 4"#,
        ),
        (
            "7",
            r#""type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } }, "dependencies": { "a": ["b"], "b": { "properties": { "a": { "maximum": 5 } } } }, "minProperties": 1"#,
        ),
    ] {
        let (made, different, lack) = drawn(&format!("{{ {}, {rest} }}", draft(number)));
        assert!(
            made * 100 >= 95 * DRAWS && different > 1,
            "{rest}: {made} of {DRAWS}, {different} different, lacks {lack}"
        );
    }
}

#[test]
fn what_cannot_be_made_is_named() {
    for (schema, keyword) in [
        (
            r#"{ "type": "object", "required": ["a"], "properties": { "a": { "type": "string", "pattern": "^[a-z]{16}$", "maxLength": 15 } } }"#,
            "maxLength",
        ),
        (r#"{ "type": "string", "pattern": "^a$", "allOf": [{ "pattern": "^b$" }] }"#, "pattern"),
        (r#"{ "type": "array", "minItems": 3, "items": { "type": "boolean" }, "uniqueItems": true }"#, "uniqueItems"),
        (r#"{ "type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 6 }"#, "multipleOf"),
        (r#"{ "enum": ["a"], "not": { "const": "a" } }"#, "not"),
    ] {
        let (made, _, lack) = drawn(schema);
        assert!(made == 0 && !lack.is_empty(), "{schema}: {made}, {lack}");
        let asked = ["maxLength", "minimum"].iter().any(|other| lack.contains(other));
        assert!(lack.contains(keyword) || asked, "{schema}: {lack}");
    }
}
