//! Small documents and all their parts: in the monotone fragment the result is the greatest valid one (G5); with choices,
//! how often none is larger, and which keywords met.

use std::collections::BTreeMap;

use handover_engine::json::{Document, Kind, View};
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Options, Sanitizer, Unknown};
use handover_engine::sensitive::Detectors;

use crate::generator::{Keywords, document, is_part, schema};
use crate::reader::Random;

/// Parts of one document that are looked at.
const PARTS_MAX: usize = 3_000;

/// Every part of a value, itself included, as text; none if there are too many.
fn parts(view: View<'_>) -> Option<Vec<String>> {
    let children: Vec<(String, View<'_>)> = match view.kind() {
        Kind::Array => view.items().map(|item| (String::new(), item)).collect(),
        Kind::Object => view.named_members().map(|(name, value)| (format!("{}:", name.to_text()), value)).collect(),
        _ => return Some(vec![view.to_text()]),
    };
    let mut lists: Vec<Vec<String>> = vec![Vec::new()];
    for (name, child) in children {
        let own = parts(child)?;
        let with =
            lists.iter().flat_map(|list| own.iter().map(|part| [list.as_slice(), &[format!("{name}{part}")]].concat()));
        let mut all: Vec<_> = with.collect();
        all.append(&mut lists);
        lists = all;
        if lists.len() > PARTS_MAX {
            return None;
        }
    }
    let (open, close) = if view.kind() == Kind::Array { ('[', ']') } else { ('{', '}') };
    Some(lists.into_iter().map(|list| format!("{open}{}{close}", list.join(","))).collect())
}

fn compile(schema: &str) -> Sanitizer {
    let options = Options { unknown: Unknown::Keep, deny: Detectors::NONE, ..Options::of(&Limits::default()) };
    Sanitizer::compile("schema", schema, options).unwrap_or_else(|errors| panic!("{schema}: {errors:?}"))
}

/// The valid parts of a document, and the result; none if there are too many parts.
fn all(schema: &str, document: &str) -> Option<(Vec<String>, Option<String>)> {
    let sanitizer = compile(schema);
    let input = Document::read(document.as_bytes()).unwrap();
    let valid = |part: &String| sanitizer.accepts(Document::read(part.as_bytes()).unwrap().root());
    let valid: Vec<_> = parts(input.root())?.into_iter().filter(valid).collect();
    let result = sanitizer.sanitize(document.as_bytes(), 100).output;
    Some((valid, result.map(|output| output.view().to_text())))
}

#[test]
fn in_the_fragment_nothing_larger_is_valid() {
    let mut random = Random(1999);
    let mut judged = 0;
    while judged < 500 {
        let (schema, document) = (schema(&mut random, 2, Keywords::Monotone), document(&mut random, 2));
        if ["maxItems", "maxProperties", "uniqueItems"].iter().any(|keyword| schema.contains(keyword)) {
            continue;
        }
        let Some((valid, result)) = all(&schema, &document) else { continue };
        judged += 1;
        assert_eq!(result.is_none(), valid.is_empty(), "{schema} on {document}");
        let Some(result) = result else { continue };
        let result = Document::read(result.as_bytes()).unwrap();
        for part in valid {
            let part = Document::read(part.as_bytes()).unwrap();
            assert!(is_part(part.root(), result.root()), "{schema} on {document}: {}", part.root().to_text());
        }
    }
}

#[test]
fn with_choices_most_results_are_as_large_as_can_be() {
    let mut random = Random(2001);
    let (mut judged, mut largest, mut needless) = (0, 0, 0);
    while judged < 500 {
        let (schema, document) = (schema(&mut random, 2, Keywords::All), document(&mut random, 2));
        let Some((valid, result)) = all(&schema, &document) else { continue };
        let nodes = |text: &String| Document::read(text.as_bytes()).unwrap().root().nodes();
        let most = valid.iter().map(nodes).max().unwrap_or(0);
        let own = result.as_ref().map_or(0, nodes);
        if most == 0 || most == Document::read(document.as_bytes()).unwrap().root().nodes() {
            continue;
        }
        judged += 1;
        largest += usize::from(own == most);
        needless += usize::from(own == 0);
    }
    println!(
        "of {judged} repairs, {largest} keep as many nodes as can be kept, {needless} keep nothing where something is valid"
    );
    assert!(largest * 100 >= judged * 90, "{largest} of {judged}");
}

const TABLE: [&str; 44] = [
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "items",
    "required",
    "dependentRequired",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "uniqueItems",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependencies",
    "prefixItems",
    "contains",
    "unevaluatedProperties",
    "unevaluatedItems",
    "minContains",
    "maxContains",
    "x-atomic",
    "x-max-bytes",
    "x-sensitive",
    "x-on-invalid",
    "x-on-missing",
];

/// What the sanitizer adds to a schema, beside the keywords of an object.
const ADDED: [&str; 5] = [
    r#""x-atomic":true"#,
    r#""x-max-bytes":9"#,
    r#""x-sensitive":true"#,
    r#""x-on-invalid":["trim","coerce"],"type":["string","object"]"#,
    r#""x-on-missing":"default","default":1"#,
];

/// The schema with one of them, and with another one for the member `a`.
fn with_addition(schema: &str, random: &mut Random) -> String {
    let (own, member) = (ADDED[random.below(5)], ADDED[random.below(5)]);
    let rest = schema.trim_start_matches('{').replacen("\"type\":", "\"$comment\":", usize::from(own.contains("type")));
    let is_empty = rest == "}";
    let member = format!(r#"{{"properties":{{"a":{{{member}}}}}}}"#);
    format!(r#"{{"allOf":[{member},{{{own}{}{rest}]}}"#, if is_empty { "" } else { "," })
}

#[test]
fn every_keyword_meets_every_other() {
    let mut random = Random(2019);
    let mut met: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for round in 0..8_000 {
        let mut schema = schema(&mut random, 2, Keywords::All);
        if round % 3 == 0 {
            schema = with_addition(&schema, &mut random);
            let options = Options { deny: Detectors::NONE, ..Options::of(&Limits::default()) };
            let Ok(sanitizer) = Sanitizer::compile("schema", &schema, options) else { continue };
            let document = document(&mut random, 3);
            let result = sanitizer.sanitize(document.as_bytes(), 100);
            let at = format!("{schema} on {document}: {:?}", result.report);
            assert!(result.report.entries.iter().all(|entry| entry.keyword.word() != "x-oracle"), "{at}");
            if let Some(output) = result.output {
                let again = sanitizer.sanitize(output.view().to_text().as_bytes(), 100);
                assert!(again.report.entries.is_empty(), "{at}, then {:?}", again.report);
            }
        }
        let names: Vec<_> =
            TABLE.iter().enumerate().filter(|(_, name)| schema.contains(&format!("\"{name}\":"))).collect();
        for (a, _) in &names {
            for (b, _) in names.iter().filter(|(b, _)| a < b) {
                *met.entry((*a, *b)).or_default() += 1;
            }
        }
    }
    for (a, name) in TABLE.iter().enumerate() {
        let row = (0..TABLE.len()).map(|b| met.get(&(a.min(b), a.max(b))).copied().unwrap_or(0));
        println!("{name:>22} {}", row.map(|count| format!("{count:4}")).collect::<Vec<_>>().concat());
    }
    let empty: Vec<_> = (0..TABLE.len())
        .flat_map(|a| (a + 1..TABLE.len()).map(move |b| (a, b)))
        .filter(|pair| !met.contains_key(pair))
        .map(|(a, b)| (TABLE[a], TABLE[b]))
        .collect();
    assert!(empty.is_empty(), "{empty:?}");
}
