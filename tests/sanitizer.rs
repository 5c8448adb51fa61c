//! The worked cases of the sanitizer's specification: output, and pointer, keyword and action of every report entry.

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

/// Runs one case: the output, and pointer, keyword and action of every entry.
fn check(case: View<'_>) {
    let id = word(case, "id");
    let text = |name: &str| case.get(name).unwrap().to_text();
    let sanitizer =
        Sanitizer::compile("case", &text("schema"), options(case)).unwrap_or_else(|e| panic!("{id}: {e:?}"));
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
}

#[test]
fn worked_cases() {
    let cases = Document::read(include_bytes!("cases/sanitizer.json")).unwrap();
    assert_eq!(cases.root().len(), 114);
    cases.root().items().for_each(check);
}

/// What is left of a document, or the keyword that made it nothing; and the report as `keyword pointer`.
#[track_caller]
fn keeps(schema: &str, input: &str, left: &str, report: &[&str]) {
    let options = Options { unknown: Unknown::Drop, ..Options::of(&Limits::default()) };
    let sanitizer = Sanitizer::compile("schema", schema, options).unwrap_or_else(|errors| panic!("{errors:?}"));
    let result = sanitizer.sanitize(input.as_bytes(), 100);
    let entries = result.report.entries.iter().map(|entry| format!("{} {}", entry.keyword.word(), entry.pointer));
    assert_eq!(entries.collect::<Vec<_>>(), report, "{schema}");
    assert_eq!(result.output.map(|output| output.view().to_text()).unwrap_or_default(), left, "{schema}");
}

#[test]
fn containers_that_cannot_be_cut_go_and_nothing_else_does() {
    let required =
        r#"{"properties":{"o":{"required":["a","b"],"maxProperties":1,"additionalProperties":true},"k":true}}"#;
    keeps(required, r#"{"o":{"a":1,"b":2},"k":1}"#, r#"{"k":1}"#, &["maxProperties /o"]);
    let needed = r#"{"properties":{"a":true,"b":true,"z":true},"maxProperties":2,"dependentRequired":{"a":["z"]}}"#;
    keeps(needed, r#"{"a":1,"b":2,"z":3}"#, r#"{"b":2}"#, &["dependentRequired /a", "maxProperties /z"]);
    let bytes = r#"{"properties":{"a":true,"b":true,"z":true},"x-max-bytes":15,"dependentRequired":{"a":["z"]}}"#;
    keeps(bytes, r#"{"a":1,"b":2,"z":3}"#, r#"{"b":2}"#, &["dependentRequired /a", "x-max-bytes /z"]);
    keeps(r#"{"properties":{"s":{"x-max-bytes":5}}}"#, r#"{"s":"abc"}"#, r#"{"s":"abc"}"#, &[]);
    keeps(r#"{"properties":{"s":{"x-max-bytes":5}}}"#, r#"{"s":"abcd"}"#, "{}", &["x-max-bytes /s"]);
    keeps(r#"{"properties":{}}"#, r#"{"a":1}"#, "{}", &["x-unknown /a"]);
    keeps("{}", r#"{"a":1}"#, r#"{"a":1}"#, &[]);
    let many = r#"{"items":{"enum":[1]},"uniqueItems":true,"maxItems":1,"minItems":1}"#;
    keeps(many, "[2,1,1.0,3]", "[1]", &["enum /0", "uniqueItems /2", "enum /3"]);
}

/// The code of the error that a schema has.
#[track_caller]
fn refused(schema: &str, code: &str, word: &str) {
    let errors = Sanitizer::compile("schema", schema, Options::of(&Limits::default())).unwrap_err();
    assert!(errors.iter().any(|error| error.code == code && error.message.contains(word)), "{schema}: {errors:?}");
}

#[test]
fn what_says_nothing_is_refused() {
    let draft = |draft: &str, rest: &str| format!(r#"{{"$schema":"{draft}",{rest}}}"#);
    let draft_4 = |rest: &str| draft("http://json-schema.org/draft-04/schema#", rest);
    let draft_7 = |rest: &str| draft("http://json-schema.org/draft-07/schema#", rest);
    let beside = r##""properties":{"a":{"$ref":"#/definitions/x","nott":{}}},"definitions":{"x":{}}"##;
    refused(&draft_7(beside), "S010", "nott");
    refused(&draft_7(r#""dependentRequired":{"a":["b"]}"#), "S010", "draft 2019-09 and later");
    refused(&draft_4(r#""const":1"#), "S010", "draft 6 and later");
    refused(&draft_4(r#""if":{}"#), "S010", "draft 7 and later");
    refused(r##"{"$recursiveRef":"#"}"##, "S010", "up to draft 2019-09");
    refused(r#"{"id":"x"}"#, "S010", "up to draft 4");
    refused(r#"{"$schema":"http://json-schema.org/draft-03/schema#"}"#, "S004", "unknown draft");
    refused(r#"{"anyOf":[]}"#, "S011", "list of schemas");
    refused(r#"{"items":[{}]}"#, "S003", "a schema is");
    refused(r#"{"x-on-invalid":"defualt"}"#, "S022", "x-on-invalid");
    refused(r#"{"x-on-missing":"drop"}"#, "S022", "x-on-missing");
    refused(r#"{"x-on-invalid":"default"}"#, "S023", "`default`");
    refused(r#"{"x-on-mising":"default"}"#, "S010", "x-on-mising");
    refused(r#"{"x-max-byte":5}"#, "S010", "x-max-byte");
    refused(r#"{"format":"emial"}"#, "S012", "emial");
    refused(r#"{"pattern":"(?=a)"}"#, "S014", "linear-time");
    refused(r#"{"pattern":"["}"#, "S013", "regular expression");
    refused(r##"{"$ref":"#/none"}"##, "S015", "nothing");
    refused(r#"{"$ref":"https://x.test/s"}"#, "S016", "another file");
    refused(r#"{"minimum":"1"}"#, "S011", "number");
    refused(r#"{"multipleOf":0}"#, "S011", "above 0");
}

#[test]
fn a_recursive_schema_has_a_plan_for_each_set_whatever_the_document() {
    let tree = r##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","required":["v"],"properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}}}}}"##;
    let nested = (0..60).fold(r#"{"v":"x"}"#.to_owned(), |inner, _| format!(r#"{{"v":1,"next":{inner}}}"#));
    let options = Options::of(&Limits::default());
    let sanitizer = Sanitizer::compile("schema", tree, options).unwrap();
    assert_eq!(format!("{sanitizer:?}"), "Sanitizer(4 plans)");
    let result = sanitizer.sanitize(nested.as_bytes(), 100);
    assert_eq!((result.nodes_in, result.nodes_out, result.report.entries.len()), (122, 120, 1));
}
