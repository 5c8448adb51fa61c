//! The worked cases of the sanitizer's specification: output, and pointer, keyword and action of every report entry.

use std::collections::BTreeMap;

use handover_engine::json::{Document, View, same};
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Options, Sanitizer, Unknown};
use handover_engine::sensitive::{Detector, Detectors};

fn word(view: View<'_>, name: &str) -> String {
    view.get(name).and_then(View::as_text).map(|text| text.decode().into_owned()).unwrap_or_default()
}

fn options(case: View<'_>) -> Options {
    let options = case.get("options");
    let mut deny = Detectors::NONE;
    for name in options.and_then(|options| options.get("deny")).into_iter().flat_map(View::items) {
        deny.set(Detector::by_name(&name.as_text().unwrap().decode()).unwrap(), true);
    }
    let unknown = options.map_or(String::new(), |options| word(options, "unknown"));
    let unknown = if unknown == "drop" { Unknown::Drop } else { Unknown::Keep };
    Options { unknown, deny, ..Options::of(&Limits::default()) }
}

/// Runs one case; `Err` names the keywords that it waits for.
fn check(case: View<'_>) -> Result<(), Vec<String>> {
    let id = word(case, "id");
    let text = |name: &str| case.get(name).unwrap().to_text();
    let sanitizer = Sanitizer::compile("case", &text("schema"), options(case)).map_err(|errors| {
        let waits = errors.into_iter().map(|error| error.message);
        waits.inspect(|message| assert!(message.contains("not built yet"), "{id}: {message}")).collect::<Vec<_>>()
    })?;
    let result = sanitizer.sanitize(text("input").as_bytes(), 100);
    let entries = result.report.entries.iter();
    let report = entries.map(|entry| [entry.pointer.clone(), entry.keyword.word().into(), entry.action.word().into()]);
    let expected = case.get("report").unwrap().items();
    let expected = expected.map(|entry| ["pointer", "keyword", "action"].map(|name| word(entry, name)));
    assert_eq!(report.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{id}");
    match result.output {
        None => assert!(case.get("output").unwrap().is_null(), "{id}: nothing"),
        Some(output) => {
            assert!(same(output.view(), case.get("output").unwrap()), "{id}: {}", output.view().to_text());
            let again = sanitizer.sanitize(output.view().to_text().as_bytes(), 100);
            assert!(again.report.entries.is_empty(), "{id}: sanitizing twice is sanitizing once");
        }
    }
    Ok(())
}

#[test]
fn worked_cases() {
    let cases = Document::read(include_bytes!("cases/sanitizer.json")).unwrap();
    let cases = cases.root();
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    let mut ran = 0;
    for case in cases.items() {
        match check(case) {
            Ok(()) => ran += 1,
            Err(keywords) => keywords.into_iter().for_each(|keyword| *waiting.entry(keyword).or_default() += 1),
        }
    }
    println!("{ran} of {} cases ran; the others wait:", cases.len());
    for (keyword, count) in &waiting {
        println!("  {count:3} {keyword}");
    }
    assert!(ran >= 58, "{ran} cases ran");
}
