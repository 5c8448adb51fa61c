//! What sanitizing costs beside reading and beside the crate's `is_valid`, in one run: nanoseconds, the least of many rounds.
//!
//! `cargo bench --bench sanitizer`

#![expect(clippy::print_stdout, clippy::panic, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::time::Instant;

use handover_engine::json::Document;
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Options, Sanitizer};

const CART: &str = r#"{ "type": "object", "properties": { "items": { "type": "array", "maxItems": 20000, "items": { "type": "object",
    "required": ["sku", "qty"], "properties": { "sku": { "type": "string", "minLength": 1, "maxLength": 64 },
    "qty": { "type": "integer", "minimum": 1, "maximum": 99 } } } } } }"#;

/// The same cart whose lines are one of two kinds.
const UNION: &str = r#"{ "type": "object", "properties": { "items": { "type": "array", "maxItems": 20000, "items": { "oneOf": [
    { "type": "object", "required": ["sku", "qty"], "properties": { "sku": { "type": "string", "minLength": 1, "maxLength": 64 },
      "qty": { "type": "integer", "minimum": 1, "maximum": 99 } } },
    { "type": "object", "required": ["code"], "properties": { "code": { "type": "string" } } } ] } } } }"#;

const NESTED: &str = r##"{ "anyOf": [ { "type": "object", "properties": { "a": { "$ref": "#" } }, "required": ["a"] },
    { "type": "object", "properties": { "a": { "$ref": "#" } }, "required": ["a", "b"] }, { "type": "integer" } ] }"##;

fn least(mut run: impl FnMut()) -> u128 {
    let rounds = (0..200).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos()
    });
    rounds.min().unwrap_or_default()
}

fn measure(name: &str, schema: &str, document: &str) {
    let options = Options { bytes: usize::MAX, nodes: usize::MAX, ..Options::of(&Limits::default()) };
    let sanitizer = Sanitizer::compile("schema", schema, options).unwrap_or_else(|errors| panic!("{errors:?}"));
    let bytes = document.as_bytes();
    let read = least(|| drop(black_box(Document::read(black_box(bytes)))));
    let parsed = Document::read(bytes).unwrap_or_else(|error| panic!("{}", error.message()));
    let all = least(|| drop(black_box(sanitizer.keep(black_box(&parsed)))));
    let output = sanitizer.keep(&parsed);
    let valid = output.map_or(0, |output| least(|| _ = black_box(sanitizer.accepts(black_box(output.view())))));
    let own = all.saturating_sub(valid);
    println!("{name:24} read {read:9} ns  projection {own:9} ns  crate's is_valid on the result {valid:9} ns");
}

fn main() {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        format!(r#"{{"items":[{}]}}"#, (0..count).map(line).collect::<Vec<_>>().join(","))
    };
    let good = |n: usize| format!(r#"{{"sku":"SKU-{n}","qty":{}}}"#, n % 99 + 1);
    measure("100 lines", CART, &lines(100, &good));
    measure("100 lines, union", UNION, &lines(100, &good));
    measure("10 000 bad lines", CART, &lines(10_000, &|n| format!(r#"{{"sku":{n}}}"#)));
    measure("10 000 bad lines, union", UNION, &lines(10_000, &|n| format!(r#"{{"sku":{n}}}"#)));
    measure("union of 60 levels", NESTED, &(0..60).fold("\"x\"".to_owned(), |inner, _| format!(r#"{{"a":{inner}}}"#)));
}
