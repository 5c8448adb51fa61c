//! Generated schemas and documents: what the sanitizer guarantees (G1–G4, G6), and that our evaluator agrees with the crate's.

use std::collections::BTreeMap;

use handover_engine::author::property::reversed;
use handover_engine::json::{Document, Json, Kind, View, same};
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Knowledge, Options, Outcome, Sanitizer, Unknown};
use handover_engine::sensitive::Detectors;

use crate::reader::Random;

const NAMES: [&str; 5] = ["a", "b", "ab", "x", "y"];
const SCALARS: [&str; 12] =
    ["null", "true", "false", "0", "1", "1.0", "2.5", "-3", "\"\"", "\"a\"", "\"abc\"", "\"2026-11-23\""];

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len())]
}

pub(crate) fn document(random: &mut Random, depth: usize) -> String {
    let container = if depth == 0 { 0 } else { random.below(5) };
    let children = random.below(5);
    match container {
        1 | 2 => {
            let names = NAMES.iter().filter(|_| random.below(2) == 0).collect::<Vec<_>>();
            let members = names.into_iter().map(|name| format!("\"{name}\":{}", document(random, depth - 1)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        3 | 4 => format!("[{}]", (0..children).map(|_| document(random, depth - 1)).collect::<Vec<_>>().join(",")),
        _ => pick(random, &SCALARS).to_owned(),
    }
}

fn names(random: &mut Random) -> String {
    let some: Vec<_> = NAMES.iter().filter(|_| random.below(3) == 0).map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", some.join(","))
}

/// Which keywords a schema may have.
#[derive(Clone, Copy)]
pub(crate) enum Keywords {
    /// Those of the monotone fragment.
    Monotone,
    /// All of draft 2020-12.
    All,
    /// Those, and annotations: what is left may hold other values.
    Annotated,
}

/// A keyword beyond the fragment with its value.
fn choice(random: &mut Random, depth: usize) -> (&'static str, String) {
    let child = |random: &mut Random| {
        if depth == 0 {
            pick(random, &["true", "false", "{}"]).to_owned()
        } else {
            schema(random, depth - 1, Keywords::All)
        }
    };
    let list = |random: &mut Random| format!("[{},{}]", child(random), child(random));
    match random.below(18) {
        0..3 => ("anyOf", list(random)),
        3..5 => ("oneOf", list(random)),
        5 => ("not", child(random)),
        6 | 7 => ("if", child(random)),
        8 => ("then", child(random)),
        9 => ("else", child(random)),
        10 => ("dependentSchemas", format!("{{\"{}\":{}}}", pick(random, &NAMES), child(random))),
        11 => ("dependencies", format!("{{\"{}\":{}}}", pick(random, &NAMES), child(random))),
        12 => ("prefixItems", list(random)),
        13 => ("contains", child(random)),
        14 => (["minContains", "maxContains"][random.below(2)], random.below(3).to_string()),
        15 => ("unevaluatedProperties", child(random)),
        16 => ("unevaluatedItems", child(random)),
        _ => ("enum", format!("[{},{}]", document(random, 2), document(random, 2))),
    }
}

/// One keyword with its value.
fn keyword(random: &mut Random, depth: usize, keywords: Keywords) -> (&'static str, String) {
    let number = random.below(4).to_string();
    let child = |random: &mut Random| if depth == 0 { "true".to_owned() } else { schema(random, depth - 1, keywords) };
    let steps = ["\"clamp\"", "\"truncate\"", "\"trim\"", "[\"coerce\",\"clamp\"]", "\"coerce\"", "\"reject\""];
    match keywords {
        Keywords::All if random.below(2) == 0 => return choice(random, depth),
        Keywords::Annotated if random.below(3) == 0 => return ("x-on-invalid", pick(random, &steps).to_owned()),
        _ => {}
    }
    match random.below(24) {
        0..3 => (
            "type",
            format!("\"{}\"", pick(random, &["object", "array", "string", "integer", "number", "null", "boolean"])),
        ),
        3 => ("type", r#"["object","array","integer","string"]"#.to_owned()),
        4 => ("enum", format!("[{},{}]", pick(random, &SCALARS), pick(random, &SCALARS))),
        5 => ("const", pick(random, &SCALARS).to_owned()),
        6 => (["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"][random.below(4)], number),
        7 => ("multipleOf", pick(random, &["1", "0.5", "2"]).to_owned()),
        8 => (["minLength", "maxLength"][random.below(2)], number),
        9 => ("pattern", pick(random, &["\"^a\"", "\"b\"", "\"^[a-c]*$\""]).to_owned()),
        10 => ("format", "\"date\"".to_owned()),
        11..14 => {
            let members = NAMES.iter().filter(|_| random.below(2) == 0).collect::<Vec<_>>();
            let members = members.into_iter().map(|name| format!("\"{name}\":{}", child(random)));
            ("properties", format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
        }
        14 => ("patternProperties", format!("{{{}:{}}}", pick(random, &["\"^a\"", "\"b\""]), child(random))),
        15 => ("additionalProperties", if random.below(2) == 0 { "false".to_owned() } else { child(random) }),
        16 => ("propertyNames", pick(random, &["{\"maxLength\":1}", "{\"pattern\":\"a\"}", "false"]).to_owned()),
        17 | 18 => ("items", child(random)),
        19 => ("required", names(random)),
        20 => ("dependentRequired", format!("{{\"{}\":{}}}", pick(random, &NAMES), names(random))),
        21 => (["minItems", "maxItems", "minProperties", "maxProperties"][random.below(4)], number),
        22 => ("uniqueItems", "true".to_owned()),
        _ => ("allOf", format!("[{},{}]", child(random), child(random))),
    }
}

pub(crate) fn schema(random: &mut Random, depth: usize, kinds: Keywords) -> String {
    let mut keywords: Vec<(&str, String)> = Vec::new();
    for _ in 0..random.below(5) {
        let (name, value) = keyword(random, depth, kinds);
        if !keywords.iter().any(|(own, _)| *own == name) {
            keywords.push((name, value));
        }
    }
    let members: Vec<_> = keywords.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// `a ≤ b` in the shrink order: equal scalars, members and items left out, each of the rest ≤.
pub(crate) fn is_part(a: View<'_>, b: View<'_>) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Object, Kind::Object) => {
            a.members().all(|(name, value)| b.get(&name.decode()).is_some_and(|other| is_part(value, other)))
        }
        (Kind::Array, Kind::Array) => {
            let mut rest = b.items();
            a.items().all(|item| rest.any(|other| is_part(item, other)))
        }
        _ => same(a, b),
    }
}

fn check(schema: &str, document: &str, unknown: Unknown, keywords: Keywords) {
    let options = Options { unknown, deny: Detectors::NONE, ..Options::of(&Limits::default()) };
    let sanitizer = match Sanitizer::compile("schema", schema, options) {
        Ok(sanitizer) => sanitizer,
        // a step without what it works with
        Err(errors) if errors.iter().all(|error| error.code == "S023") => return,
        Err(errors) => panic!("{schema}: {errors:?}"),
    };
    let options = Options { unknown, deny: Detectors::NONE, ..Options::of(&Limits::default()) };
    let known = Knowledge::of("schema", schema, &BTreeMap::new(), &options).unwrap();
    let result = sanitizer.sanitize(document.as_bytes(), 100);
    let input = Document::read(document.as_bytes()).unwrap();
    let at = format!("{schema} on {document}: {:?}", result.report);
    assert!(result.report.entries.iter().all(|entry| entry.keyword.word() != "x-oracle"), "G1: {at}");
    let valid = sanitizer.accepts(input.root());
    if unknown == Unknown::Keep {
        assert_eq!(result.outcome == Outcome::Unchanged, valid, "G2: {at}");
    }
    if let Some(output) = &result.output {
        // a number is counted without needless digits
        let bytes = output.view().to_text().replace("1.0", "1").len() as u64;
        assert!(known.bytes_max.is_none_or(|most| bytes <= most), "at most {:?} bytes: {at}", known.bytes_max);
        assert!(sanitizer.accepts(output.view()), "G1: {at}");
        if !matches!(keywords, Keywords::Annotated) {
            assert!(is_part(output.view(), input.root()), "G4: {at}");
        }
        let again = sanitizer.sanitize(output.view().to_text().as_bytes(), 100);
        assert_eq!(again.outcome, Outcome::Unchanged, "G3: {at}");
    }
    let shuffled = sanitizer.sanitize(reversed(input.root()).view().to_text().as_bytes(), 100);
    assert_eq!(shuffled.report, result.report, "G6: {at}");
    let outputs = (shuffled.output.as_ref().map(Json::view), result.output.as_ref().map(Json::view));
    assert!(matches!(outputs, (None, None)) || matches!(outputs, (Some(a), Some(b)) if same(a, b)), "G6: {at}");
}

#[test]
fn ten_thousand_pairs_keep_the_guarantees() {
    pairs(Keywords::Monotone, 2020);
}

#[test]
fn ten_thousand_pairs_with_choices_keep_the_guarantees() {
    pairs(Keywords::All, 2019);
}

#[test]
fn the_single_pass_and_the_engine_of_choices_agree() {
    let mut random = Random(2017);
    for _ in 0..2_500 {
        let (schema, document) = (schema(&mut random, 2, Keywords::Monotone), document(&mut random, 3));
        // a choice that everything satisfies
        let chosen = schema.replacen(
            '{',
            if schema == "{}" { r#"{"not":{"const":"z"}"# } else { r#"{"not":{"const":"z"},"# },
            1,
        );
        for unknown in [Unknown::Keep, Unknown::Drop] {
            let run = |schema: &str| {
                let options = Options { unknown, ..Options::of(&Limits::default()) };
                let sanitizer =
                    Sanitizer::compile("schema", schema, options).unwrap_or_else(|e| panic!("{schema}: {e:?}"));
                let result = sanitizer.sanitize(document.as_bytes(), 100);
                let entries = result.report.entries.into_iter();
                let entries: Vec<_> = entries.map(|entry| (entry.pointer, entry.keyword, entry.action)).collect();
                (result.output.map(|output| output.view().to_text()), entries)
            };
            assert_eq!(run(&chosen), run(&schema), "{schema} on {document}");
        }
    }
}

#[test]
fn ten_thousand_pairs_with_annotations_keep_the_guarantees() {
    pairs(Keywords::Annotated, 2018);
}

/// Pairs of schema and document: in the normal run 10 000, in the long one `GENERATED_PAIRS`, from `GENERATED_SEED`.
fn pairs(keywords: Keywords, seed: u64) {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let mut random = Random(number("GENERATED_SEED", seed));
    for _ in 0..number("GENERATED_PAIRS", 10_000) / 4 {
        let schema = schema(&mut random, 2, keywords);
        for _ in 0..2 {
            let document = document(&mut random, 3);
            check(&schema, &document, Unknown::Keep, keywords);
            check(&schema, &document, Unknown::Drop, keywords);
        }
    }
}
