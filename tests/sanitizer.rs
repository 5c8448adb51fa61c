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
    // as `handover sanitize` has it
    Options { unknown, deny, depth: 128, ..Options::of(&Limits::default()) }
}

/// Runs one case: the output, and pointer, keyword and action of every entry.
fn check(case: View<'_>) {
    let id = word(case, "id");
    let text = |name: &str| case.get(name).unwrap().to_text();
    let sanitizer =
        Sanitizer::compile("case", &text("schema"), options(case)).unwrap_or_else(|e| panic!("{id}: {e:?}"));
    let result = sanitizer.sanitize(text("input").as_bytes(), 100);
    let entries = result.report.entries.iter();
    let places: Vec<_> = entries.clone().map(|entry| sanitizer.schema_place(entry.by, entry.keyword)).collect();
    let report = entries.map(|entry| [entry.pointer.clone(), entry.keyword.word().into(), entry.action.word().into()]);
    let expected = case.get("report").unwrap().items();
    let expected = expected.map(|entry| ["pointer", "keyword", "action"].map(|name| word(entry, name)));
    assert_eq!(report.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{id}");
    let expected = case.get("report").unwrap().items().map(|entry| entry.get("schema").map(View::word));
    for (place, expected) in places.into_iter().zip(expected) {
        assert!(expected.is_none_or(|expected| expected == place), "{id}: {place}");
    }
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

/// Those of the second round: unions, negation, bytes, places, atomic values, numbers, patterns, disguises, recursion.
#[test]
fn more_worked_cases() {
    let cases = Document::read(include_bytes!("cases/sanitizer-2.json")).unwrap();
    assert_eq!(cases.root().len(), 91);
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
    assert!(
        errors.iter().any(|error| error.code.as_str() == code && error.message.contains(word)),
        "{schema}: {errors:?}"
    );
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
    refused(r#"{"$schema":"http://json-schema.org/draft-03/schema#"}"#, "S004", "not a supported draft");
    refused(r#"{"anyOf":[]}"#, "S011", "list of schemas");
    refused(r#"{"items":[{}]}"#, "S003", "a schema is");
    refused(r#"{"x-on-invalid":"defualt"}"#, "S022", "x-on-invalid");
    refused(r#"{"x-on-missing":"drop"}"#, "S022", "x-on-missing");
    refused(r#"{"x-on-invalid":"default"}"#, "S023", "`default`");
    refused(r#"{"x-on-invalid":"coerce","enum":[1]}"#, "S023", "`type`");
    refused(r#"{"x-on-invalid":"clamp","type":"integer"}"#, "S023", "a bound");
    refused(r#"{"x-on-invalid":"truncate","type":"string"}"#, "S023", "`maxLength`");
    for keyword in ["not", "if", "contains", "propertyNames"] {
        refused(&format!(r#"{{"{keyword}":{{"items":{{"x-on-invalid":"trim"}}}}}}"#), "S024", "has no effect inside");
    }
    refused(r#"{"x-on-mising":"default"}"#, "S010", "x-on-mising");
    refused(r#"{"x-max-byte":5}"#, "S010", "x-max-byte");
    refused(r#"{"format":"emial"}"#, "S012", "emial");
    refused(r#"{"pattern":"(?=a)"}"#, "S014", "linear-time");
    refused(r#"{"pattern":"["}"#, "S013", "regular expression");
    refused(r##"{"$ref":"#/none"}"##, "S015", "does not exist");
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
    assert_eq!(format!("{sanitizer:?}"), "Sanitizer(4 schema objects, 4 plans)");
    let result = sanitizer.sanitize(nested.as_bytes(), 100);
    assert_eq!((result.nodes_in, result.nodes_out, result.report.entries.len()), (122, 120, 1));
}

/// Outcome and computations of a document under a schema.
fn cost(schema: &str, document: &str) -> (String, usize, usize) {
    // the sanitizer's own bounds alone
    let options = Options { bytes: usize::MAX, nodes: usize::MAX, work: u64::MAX, ..Options::of(&Limits::default()) };
    let sanitizer = Sanitizer::compile("schema", schema, options).unwrap_or_else(|errors| panic!("{errors:?}"));
    let result = sanitizer.sanitize(document.as_bytes(), 1);
    let keyword = result.report.entries.first().map_or("", |entry| entry.keyword.word());
    (format!("{} {keyword}", result.outcome.word()), result.steps, result.nodes_in)
}

#[test]
fn hostile_documents_cost_what_their_nodes_cost() {
    let union = r##"{"anyOf":[{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]},{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a","b"]},{"type":"integer"}]}"##;
    let nested = |leaf: &str| (0..60).fold(leaf.to_owned(), |inner, _| format!(r#"{{"a":{inner}}}"#));
    for (leaf, outcome) in [("1", "unchanged "), ("\"x\"", "nothing anyOf")] {
        let (found, steps, nodes) = cost(union, &nested(leaf));
        assert_eq!(found, outcome);
        assert!(steps <= 8 * nodes, "{steps} for {nodes}");
    }
    let branch = |n| {
        format!(r#"{{"required":["k{n}"],"properties":{{"k{n}":{{"type":"integer"}}}},"additionalProperties":false}}"#)
    };
    let branches: Vec<_> = (0..64).map(branch).collect();
    let union = format!(r#"{{"type":"array","items":{{"type":"object","oneOf":[{}]}}}}"#, branches.join(","));
    let item = |n: usize| format!(r#"{{"k{}":{}}}"#, n % 64, if n.is_multiple_of(2) { "\"x\"" } else { "1" });
    let items: Vec<_> = (0..1_000).map(item).collect();
    let (found, steps, nodes) = cost(&union, &format!("[{}]", items.join(",")));
    assert_eq!(found, "changed oneOf");
    assert!(steps <= 8 * nodes, "{steps} for {nodes}");
    refused(r##"{"$ref":"#"}"##, "S025", "`#` → `#`");
    refused(r##"{"anyOf":[{"$ref":"#"},{"type":"string"}]}"##, "S025", "`#` → `#`");
    let many = format!("[{}1]", "1,".repeat(5_000));
    assert_eq!(cost(r#"{"type":"array","not":{"minItems":1}}"#, &many).0, "nothing not");
    let text = format!("\"{}!\"", "a".repeat(50_000));
    assert_eq!(cost(r#"{"pattern":"^(a+)+$","not":{"const":1}}"#, &text).0, "nothing pattern");
    let listed: Vec<_> = (0..10_000).map(|n| format!(r#"{{"a":{n}}}"#)).collect();
    let listed = format!(r#"{{"enum":[{}]}}"#, listed.join(","));
    assert_eq!(cost(&listed, r#"{"a":9999,"b":1}"#).0, "changed enum");
    let digits = "7".repeat(100_000);
    // a number beyond a 64-bit float is refused by the reader
    assert_eq!(cost(r#"{"maximum":5}"#, &digits).0, "nothing x-json");
    for schema in [r#"{"maximum":0.5}"#, r#"{"maximum":0.5,"not":{"const":1}}"#] {
        assert_eq!(cost(schema, &format!("0.{digits}")).0, "nothing maximum");
    }
    assert_eq!(cost(r#"{"multipleOf":7}"#, &"7".repeat(308)).0, "unchanged ");
    assert_eq!(cost(r#"{"multipleOf":1e-300}"#, &format!("0.{digits}")).0, "nothing multipleOf");
    assert_eq!(cost(r#"{"multipleOf":1e-300,"not":{"const":1}}"#, "1e300").0, "unchanged ");
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(cost(r##"{"items":{"$ref":"#"}}"##, &deep).0, "nothing x-limit");
}

#[test]
fn ten_times_the_bad_items_cost_ten_times_as_much() {
    let schema = r#"{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"object","required":["sku"],"properties":{"sku":{"type":"string"}}}]}}"#;
    let mut before = None;
    for count in [100, 1_000, 10_000, 100_000] {
        let item = |n: u32| if n.is_multiple_of(10) { r#"{"sku":"a"}"#.to_owned() } else { n.to_string() };
        let items: Vec<_> = (0..count).map(item).collect();
        let (found, steps, _) = cost(schema, &format!("[{}]", items.join(",")));
        println!("{count:6} items: {steps:6} computations");
        assert_eq!(found, "changed anyOf");
        assert!(before.is_none_or(|before: usize| steps <= before * 11), "{steps} for {count} items");
        before = Some(steps);
    }
}

/// What is left of a document with everything unknown kept or dropped, and the report as `action keyword pointer`.
#[track_caller]
fn leaves(unknown: Unknown, schema: &str, input: &str, left: &str, report: &[&str]) {
    let options = Options { unknown, ..Options::of(&Limits::default()) };
    let sanitizer = Sanitizer::compile("schema", schema, options).unwrap_or_else(|errors| panic!("{errors:?}"));
    let result = sanitizer.sanitize(input.as_bytes(), 100);
    let entry = |entry: &handover_engine::fate::Entry| {
        format!("{} {} {}", entry.action.word(), entry.keyword.word(), entry.pointer)
    };
    assert_eq!(result.report.entries.iter().map(entry).collect::<Vec<_>>(), report, "{schema} on {input}");
    assert_eq!(result.output.map(|output| output.view().to_text()).unwrap_or_default(), left, "{schema} on {input}");
}

#[test]
fn unknown_members_are_told_by_whatever_describes_them() {
    let drops =
        |schema: &str, input: &str, left: &str, report: &[&str]| leaves(Unknown::Drop, schema, input, left, report);
    let below = [
        r#""anyOf":[{"properties":{"p":{"properties":{"a":true}}}}]"#,
        r#""oneOf":[{"properties":{"p":{"properties":{"a":true}}}},{"required":["q"]}]"#,
        r#""if":{"required":["p"]},"then":{"properties":{"p":{"properties":{"a":true}}}}"#,
        r#""dependentSchemas":{"p":{"properties":{"p":{"properties":{"a":true}}}}}"#,
        r#""properties":{"t":true},"unevaluatedProperties":{"properties":{"a":true}}"#,
    ];
    for keywords in below {
        let report = ["drop x-unknown /p/b"];
        drops(&format!("{{{keywords}}}"), r#"{"p":{"a":1,"b":2}}"#, r#"{"p":{"a":1}}"#, &report);
    }
    // what a branch says of the rest that nobody evaluated describes it too
    let rest = r#"{"items":{"properties":{"b":true}},"oneOf":[{"unevaluatedItems":{"additionalProperties":{}}},{"contains":{"const":1}}]}"#;
    drops(rest, r#"[{"y":2}]"#, r#"[{"y":2}]"#, &[]);
    drops(rest, r#"[{"y":2},1]"#, r#"[{"y":2}]"#, &["drop oneOf /1"]);
    let members = r#"{"additionalProperties":{"properties":{"b":true}},"anyOf":[{"unevaluatedProperties":{"additionalProperties":{}}}]}"#;
    drops(members, r#"{"p":{"y":2}}"#, r#"{"p":{"y":2}}"#, &[]);
    let counted = r#"{"properties":{"a":true},"maxProperties":0,"anyOf":[true]}"#;
    drops(counted, r#"{"b":1}"#, "{}", &["drop x-unknown /b"]);
    let flips = r#"{"if":{"required":["b"]},"then":{"properties":{"b":true}},"else":{"properties":{"zz":true}}}"#;
    drops(flips, r#"{"a":1,"b":2}"#, r#"{"b":2}"#, &["drop x-unknown /a"]);
}

#[test]
fn what_the_sanitizer_adds_never_answers_for_the_schema() {
    let keeps =
        |schema: &str, input: &str, left: &str, report: &[&str]| leaves(Unknown::Keep, schema, input, left, report);
    keeps(r#"{"properties":{"a":{"not":{"x-sensitive":true}}}}"#, r#"{"a":1}"#, "{}", &["drop not /a"]);
    let sensitive = r#"{"properties":{"a":{"if":{"x-sensitive":true},"then":{"type":"string"}}}}"#;
    keeps(sensitive, r#"{"a":1}"#, "{}", &["drop then /a"]);
    for names in
        [r#"{"propertyNames":{"x-sensitive":true}}"#, r#"{"propertyNames":{"x-sensitive":true},"not":{"const":1}}"#]
    {
        keeps(names, r#"{"a":1}"#, r#"{"a":1}"#, &[]);
    }
    keeps(r#"{"contains":{"x-sensitive":true},"maxContains":1}"#, "[1,2]", "[1]", &["drop maxContains /1"]);
    keeps(
        r#"{"anyOf":[{"type":"array","x-max-bytes":5},{"type":"string"}]}"#,
        "[1,2,3]",
        "[1,2]",
        &["truncate x-max-bytes "],
    );
    let bytes = r#"{"unevaluatedProperties":{"type":"string","x-max-bytes":5}}"#;
    keeps(bytes, r#"{"a":"xxxxxxxx"}"#, "{}", &["drop x-max-bytes /a"]);
    keeps(r#"{"unevaluatedProperties":{"x-sensitive":true}}"#, r#"{"a":1}"#, "{}", &["drop x-sensitive /a"]);
    keeps(
        r#"{"properties":{"a":{"x-sensitive":true,"x-on-invalid":"reject"}}}"#,
        r#"{"a":1}"#,
        "{}",
        &["drop x-sensitive /a"],
    );
}

#[test]
fn choices_are_resolved_one_after_another() {
    let keeps =
        |schema: &str, input: &str, left: &str, report: &[&str]| leaves(Unknown::Keep, schema, input, left, report);
    let exclusive = r#"{"oneOf":[{"properties":{"a":true},"required":["a"]},{"properties":{"b":true},"required":["b"]}],"unevaluatedProperties":false}"#;
    let report = ["drop oneOf /b", "drop unevaluatedProperties /c"];
    keeps(exclusive, r#"{"a":1,"b":1,"c":1}"#, r#"{"a":1}"#, &report);
    let two = r#"{"allOf":[{"not":{"required":["a"]}},{"not":{"required":["b"]}}]}"#;
    keeps(two, r#"{"a":1,"b":1,"c":1}"#, r#"{"c":1}"#, &["drop not /a", "drop not /b"]);
    let other = r#"{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"properties":{"a":false}}}"#;
    keeps(other, r#"{"a":1,"c":1}"#, r#"{"c":1}"#, &["drop then /a"]);
    let first = r#"{"oneOf":[{"properties":{"x":false},"required":["a"]},{"required":["b"]},{"required":["b","c"]}]}"#;
    let report = ["drop oneOf /b", "drop properties /x"];
    keeps(first, r#"{"a":1,"b":1,"c":[1],"x":1}"#, r#"{"a":1,"c":[1]}"#, &report);
    let rejected = r#"{"if":{"required":["a"]},"then":{"properties":{"v":{"const":2,"x-on-invalid":"reject"}}}}"#;
    keeps(rejected, r#"{"a":1,"v":1}"#, "", &["reject const "]);
    let listed =
        r#"{"properties":{"a":{"properties":{"b":{"properties":{"c":{"type":"integer"}}}}}},"enum":[{"a":{}}]}"#;
    keeps(listed, r#"{"a":{"b":{"c":"x","d":1}}}"#, r#"{"a":{}}"#, &["drop enum /a/b"]);
    let filled = r#"{"properties":{"kind":{"const":"a","default":"a","x-on-missing":"default"}},"anyOf":[{"required":["kind"]}]}"#;
    keeps(filled, "{}", r#"{"kind":"a"}"#, &["default required /kind"]);
}

#[test]
fn positions_stay_and_what_is_needed_is_cut_last() {
    let keeps =
        |schema: &str, input: &str, left: &str, report: &[&str]| leaves(Unknown::Keep, schema, input, left, report);
    let strings = r#"{"prefixItems":[true,true],"contains":{"type":"string"},"maxContains":1}"#;
    keeps(strings, r#"["a","b"]"#, r#"["a"]"#, &["drop maxContains /1"]);
    keeps(strings, r#"["a","b",1]"#, r#"["a"]"#, &["truncate prefixItems ", "drop maxContains /1"]);
    let one = r#"{"prefixItems":[true,true],"contains":{"type":"string"},"maxItems":1}"#;
    keeps(one, r#"[1,2,"x"]"#, "", &["drop contains "]);
    keeps(r#"{"contains":{"const":1},"x-max-bytes":5}"#, "[5,5,5,1]", "[5,1]", &["truncate x-max-bytes "]);
    let thrice = r#"{"prefixItems":[true,true,{"type":"integer"}],"maxItems":1,"x-max-bytes":2}"#;
    let report = ["truncate prefixItems ", "truncate maxItems ", "truncate x-max-bytes ", "drop type /2"];
    keeps(thrice, r#"[1,2,"x",4]"#, "[]", &report);
    let draft_7 = r#"{"$schema":"http://json-schema.org/draft-07/schema#","items":[true,false]}"#;
    keeps(draft_7, "[1,2]", "[1]", &["drop items /1"]);
    let draft_4 =
        r#"{"$schema":"http://json-schema.org/draft-04/schema#","items":{"minimum":0,"exclusiveMinimum":true}}"#;
    keeps(draft_4, "[-5,0,1]", "[1]", &["drop minimum /0", "drop exclusiveMinimum /1"]);
    let names = r#"{"propertyNames":{"type":"string"}}"#;
    keeps(names, r#"{"4111111111111111":1,"a":1}"#, r#"{"a":1}"#, &["drop x-deny:pan /*"]);
}

#[test]
fn a_branch_that_holds_exempts_its_place_from_a_detector() {
    let pan = r#""4111111111111111""#;
    let schema = r#"{"anyOf":[{"type":"string","x-allow-sensitive":["pan"]},{"type":"integer"}]}"#;
    keeps(schema, pan, pan, &[]);
    keeps(schema, "4111111111111111", "", &["x-deny:pan "]);
    let schema = r#"{"if":{"minLength":20},"then":{"x-allow-sensitive":["pan"]},"else":{"type":"string"}}"#;
    keeps(schema, pan, "", &["x-deny:pan "]);
}

#[test]
fn a_default_with_a_member_that_nobody_knows_is_never_put() {
    let schema = |default: &str| {
        format!(
            r#"{{"type":"object","properties":{{"a":{{"type":"null"}}}},"x-on-invalid":"default","default":{default}}}"#
        )
    };
    keeps(&schema(r#"{"a":null}"#), "1", r#"{"a":null}"#, &["type "]);
    keeps(&schema(r#"{"b":1}"#), "1", "", &["type "]);
}
