//! A generator of schemas and documents, and what the sanitizer guarantees of each pair (G1–G4, G6); the fuzzer draws from
//! the same one.

use std::collections::BTreeMap;

use handover_engine::author::property::reversed;
use handover_engine::json::{Document, Json, Kind, View, same};
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Knowledge, Options, Outcome, Sanitizer, Unknown};
use handover_engine::sensitive::Detectors;

/// Where choices come from: a seed, or a fuzzer's bytes.
pub(crate) trait Draw {
    /// A number below a bound.
    fn below(&mut self, bound: usize) -> usize;
}

const NAMES: [&str; 5] = ["a", "b", "ab", "x", "y"];
const SCALARS: [&str; 12] =
    ["null", "true", "false", "0", "1", "1.0", "2.5", "-3", "\"\"", "\"a\"", "\"abc\"", "\"2026-11-23\""];

fn pick<'a>(random: &mut dyn Draw, from: &[&'a str]) -> &'a str {
    from[random.below(from.len())]
}

pub(crate) fn document(random: &mut dyn Draw, depth: usize) -> String {
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

fn names(random: &mut dyn Draw) -> String {
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
fn choice(random: &mut dyn Draw, depth: usize) -> (&'static str, String) {
    let child = |random: &mut dyn Draw| {
        if depth == 0 {
            pick(random, &["true", "false", "{}"]).to_owned()
        } else {
            schema(random, depth - 1, Keywords::All)
        }
    };
    let list = |random: &mut dyn Draw| format!("[{},{}]", child(random), child(random));
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
fn keyword(random: &mut dyn Draw, depth: usize, keywords: Keywords) -> (&'static str, String) {
    let number = random.below(4).to_string();
    let child =
        |random: &mut dyn Draw| if depth == 0 { "true".to_owned() } else { schema(random, depth - 1, keywords) };
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

pub(crate) fn schema(random: &mut dyn Draw, depth: usize, kinds: Keywords) -> String {
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

/// Sanitizes a document twice, and its members in another order, and compares.
///
/// # Panics
/// If a guarantee does not hold.
pub(crate) fn check(schema: &str, document: &str, unknown: Unknown, keywords: Keywords) {
    let options = Options { unknown, deny: Detectors::NONE, ..Options::of(&Limits::default()) };
    let sanitizer = match Sanitizer::compile("schema", schema, options) {
        Ok(sanitizer) => sanitizer,
        // a step without what it works with
        Err(errors) if errors.iter().all(|error| error.code.as_str() == "S023") => return,
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
