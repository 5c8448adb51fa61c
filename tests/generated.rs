//! Generated schemas and documents keep the guarantees, and our evaluator agrees with the crate's.

use std::collections::BTreeMap;

use handover_engine::json::Document;
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Asked, Options, Sanitizer, Unknown};

use crate::generator::{Draw, Keywords, check, document, schema};
use crate::reader::Random;

impl Draw for Random {
    fn below(&mut self, bound: usize) -> usize {
        Self::below(self, bound)
    }
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
fn a_choice_that_everything_satisfies_changes_nothing() {
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

/// The keywords that failed for some part of a document.
fn failed(schema: &str, document: &str) -> Vec<String> {
    let mut asked = Asked::of("schema", schema, &BTreeMap::new()).unwrap();
    let read = Document::read(document.as_bytes()).unwrap();
    asked.take(read.root().place().unwrap(), &|_| true);
    let is_failed = |(side, count): &(&str, u64)| *side == "never failed" && *count > 0;
    let failed = asked.answers().into_iter().filter(|one| one.sides.iter().any(is_failed));
    failed.map(|one| one.at.text).collect()
}

#[test]
fn coverage_sees_a_failure_where_the_oracle_refuses_and_only_there() {
    let mut random = Random(2022);
    for kinds in [Keywords::Monotone, Keywords::All] {
        for _ in 0..2_500 {
            let (schema, document) = (schema(&mut random, 2, kinds), document(&mut random, 3));
            let sanitizer = Sanitizer::compile("schema", &schema, Options::of(&Limits::default())).unwrap();
            let accepts = sanitizer.accepts(Document::read(document.as_bytes()).unwrap().root());
            let failed = failed(&schema, &document);
            assert!(accepts || !failed.is_empty(), "{schema} on {document}");
            // what is left of a choice may fail; what only we add is no matter of the oracle
            let ours = failed.iter().all(|name| name.starts_with("`x-"));
            assert!(!accepts || ours || matches!(kinds, Keywords::All), "{schema} on {document}: {failed:?}");
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
