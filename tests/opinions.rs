//! What others judge: patterns and texts for Node, outputs of the sanitizer for ajv. `tests/run` asks them, where Node is.

use std::fmt::Write as _;
use std::path::Path;

use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Options, Sanitizer, Unknown};
use handover_engine::sensitive::Detectors;
use serde_json::{Value, json};

use crate::generator::{Keywords, document, schema};
use crate::reader::Random;

fn options() -> Options {
    Options { unknown: Unknown::Keep, deny: Detectors::NONE, ..Options::of(&Limits::default()) }
}

fn write(name: &str, lines: &str) {
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), lines).unwrap();
}

const PIECES: [&str; 30] = [
    "\\b",
    "\\B",
    "\\w",
    "\\W",
    "\\d",
    "\\D",
    "\\s",
    "\\S",
    ".",
    "[^]",
    "[]",
    "[\\b]",
    "[^a]",
    "[a-cé]",
    "[\\w-]",
    "\\0",
    "\\cJ",
    "\\x41",
    "\\u00e9",
    "\\u{1F600}",
    "\\p{L}",
    "\\P{L}",
    "a",
    "é",
    "1",
    "-",
    "(?:a|é)",
    "(?<n>b)",
    "\\/",
    "$",
];
const QUANTIFIERS: [&str; 7] = ["", "", "", "*", "+?", "?", "{1,2}"];
const CHARACTERS: [&str; 16] =
    ["a", "b", "A", "é", "1", "_", "-", " ", "\n", "\u{0}", "\u{8}", "\u{2028}", "٣", "😀", "\u{a0}", "/"];

#[test]
fn patterns_and_texts_are_written_for_node() {
    let mut random = Random(262);
    let mut lines = String::new();
    let mut count = 0;
    while count < 6_000 {
        let mut pattern = if random.below(2) == 0 { "^".to_owned() } else { String::new() };
        for _ in 0..=random.below(3) {
            let piece = PIECES[random.below(PIECES.len())];
            let repeats = !matches!(piece, "\\b" | "\\B" | "$");
            pattern.push_str(piece);
            pattern.push_str(if repeats { QUANTIFIERS[random.below(QUANTIFIERS.len())] } else { "" });
        }
        // `\\0` before a digit is octal
        if pattern.matches("(?<n>").count() > 1 || pattern.contains("\\01") {
            continue;
        }
        let schema = json!({ "pattern": pattern }).to_string();
        let sanitizer = Sanitizer::compile("schema", &schema, options()).unwrap_or_else(|e| panic!("{schema}: {e:?}"));
        for _ in 0..4 {
            let text: String = (0..random.below(4)).map(|_| CHARACTERS[random.below(CHARACTERS.len())]).collect();
            let result = sanitizer.sanitize(json!(text).to_string().as_bytes(), 9);
            let oracle = result.report.entries.iter().any(|entry| entry.keyword.word() == "x-oracle");
            assert!(!oracle, "{pattern} on {text:?}");
            writeln!(lines, "{}", json!({ "pattern": pattern, "text": text, "matches": result.output.is_some() }))
                .unwrap();
            count += 1;
        }
    }
    write("patterns.ndjson", &lines);
}

/// A schema of draft 2020-12 as an older draft writes it; what that one lacks is left out.
fn older(schema: &mut Value, draft: u64) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(prefix) = members.remove("prefixItems") {
        let rest = members.insert("items".to_owned(), prefix);
        rest.and_then(|rest| members.insert("additionalItems".to_owned(), rest));
    }
    if draft == 7 {
        for later in [
            "dependentRequired",
            "dependentSchemas",
            "unevaluatedProperties",
            "unevaluatedItems",
            "minContains",
            "maxContains",
        ] {
            members.remove(later);
        }
    }
    for (keyword, value) in members.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "dependentSchemas" | "dependencies", Value::Object(all)) => {
                all.values_mut().for_each(|schema| older(schema, draft));
            }
            ("enum" | "const" | "required" | "type", _) => {}
            (_, Value::Array(all)) => all.iter_mut().for_each(|schema| older(schema, draft)),
            (_, value) => older(value, draft),
        }
    }
}

#[test]
fn outputs_are_written_for_ajv() {
    let mut random = Random(8);
    let mut lines = String::new();
    let mut count = 0;
    while count < 21_000 {
        let draft = [7, 2019, 2020][random.below(3)];
        let kinds = [Keywords::Monotone, Keywords::All][random.below(2)];
        let mut schema: Value = serde_json::from_str(&schema(&mut random, 2, kinds)).unwrap();
        if draft < 2020 {
            older(&mut schema, draft);
        }
        let uri = match draft {
            7 => "http://json-schema.org/draft-07/schema#",
            2019 => "https://json-schema.org/draft/2019-09/schema",
            _ => "https://json-schema.org/draft/2020-12/schema",
        };
        let Some(members) = schema.as_object_mut() else { continue };
        members.insert("$schema".to_owned(), json!(uri));
        // formats and `dependencies` of later drafts are none of ajv's, and what it divides it divides in floats
        let text = schema.to_string();
        if ["\"format\"", "\"multipleOf\""].iter().any(|word| text.contains(word))
            || (draft > 7 && text.contains("dependencies"))
        {
            continue;
        }
        let sanitizer = Sanitizer::compile("schema", &text, options()).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        for _ in 0..4 {
            let result = sanitizer.sanitize(document(&mut random, 3).as_bytes(), 9);
            let Some(output) = result.output else { continue };
            let text = output.view().to_text();
            writeln!(lines, r#"{{"draft":{draft},"schema":{schema},"output":{text}}}"#).unwrap();
            count += 1;
        }
    }
    write("outputs.ndjson", &lines);
}
