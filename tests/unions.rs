//! Unions: what they choose depends on their own place alone, and what they cost is bounded whatever the document.

use handover_engine::json::{Document, View};
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Options, Sanitized, Sanitizer, Unknown};
use handover_engine::sensitive::Detectors;
use serde_json::{Value, json};

use crate::generator::{Keywords, document, schema};
use crate::reader::Random;

fn options(unknown: Unknown) -> Options {
    Options { unknown, deny: Detectors::NONE, ..Options::of(&Limits::default()) }
}

fn compiled(schema: &Value, options: Options) -> Sanitizer {
    Sanitizer::compile("schema", &schema.to_string(), options).unwrap_or_else(|e| panic!("{schema}: {e:?}"))
}

fn keywords(result: &Sanitized) -> Vec<&'static str> {
    result.report.entries.iter().map(|entry| entry.keyword.word()).collect()
}

#[test]
fn no_other_member_changes_a_choice() {
    let mut random = Random(15);
    for _ in 0..1_500 {
        let own: Value = serde_json::from_str(&schema(&mut random, 2, Keywords::All)).unwrap();
        let value = document(&mut random, 3);
        let schema = json!({ "properties": { "m": own, "other": { "anyOf": [own, {}] } } });
        let sanitizer = compiled(&schema, options(Unknown::Keep));
        let filler = document(&mut random, 3);
        let m = |text: &str| {
            let result = sanitizer.sanitize(text.as_bytes(), 100);
            let output = result.output.map(|output| output.view().to_text()).unwrap_or_default();
            let left = Document::read(output.as_bytes()).unwrap();
            let left = left.root().get("m").map(View::to_text);
            let entries = result.report.entries.into_iter().filter(|entry| entry.pointer.starts_with("/m"));
            (left, entries.map(|entry| (entry.pointer, entry.keyword, entry.action)).collect::<Vec<_>>())
        };
        let alone = m(&format!(r#"{{"m":{value}}}"#));
        for text in [
            format!(r#"{{"m":{value},"other":{filler}}}"#),
            format!(r#"{{"a":[{filler},{filler},{filler}],"m":{value}}}"#),
            format!(r#"{{"other":{value},"m":{value},"z":{filler}}}"#),
        ] {
            assert_eq!(m(&text), alone, "{schema} on {text}");
        }
    }
}

/// The least work, to a power of two, within which a document is done.
fn work(schema: &Value, document: &str) -> u64 {
    let enough = |work: &u64| {
        let sanitizer = compiled(schema, Options { work: *work, ..options(Unknown::Drop) });
        !keywords(&sanitizer.sanitize(document.as_bytes(), 100)).contains(&"x-budget")
    };
    (0..40).map(|power| 1 << power).find(enough).unwrap()
}

#[test]
fn one_bad_leaf_of_a_recursive_union_costs_no_hundred_times_the_good_document() {
    let unions = [
        json!({ "anyOf": [{ "properties": { "c": { "$ref": "#" }, "k": { "const": 1 } } }, { "properties": { "c": { "$ref": "#" }, "k": { "const": 2 } } }] }),
        json!({ "oneOf": [{ "required": ["k"], "properties": { "c": { "$ref": "#" }, "k": { "const": 1 } } }, { "required": ["k"], "properties": { "c": { "$ref": "#" }, "k": { "const": 2 } } }] }),
        json!({ "anyOf": [{ "properties": { "c": { "$ref": "#" }, "k": { "const": 1 } }, "additionalProperties": false }, { "properties": { "c": { "$ref": "#" }, "k": { "const": 2 } }, "unevaluatedProperties": false }] }),
        json!({ "if": { "properties": { "k": { "const": 1 } } }, "then": { "properties": { "c": { "$ref": "#" } } }, "else": { "properties": { "c": { "$ref": "#" }, "k": { "const": 2 } } } }),
        json!({ "properties": { "c": { "$ref": "#" } }, "anyOf": [{ "properties": { "k": { "const": 1 } } }, { "properties": { "k": { "const": 2 } } }] }),
    ];
    let nested = |leaf: &str| (0..63).fold(leaf.to_owned(), |inner, _| format!(r#"{{"c":{inner},"k":2}}"#));
    let (good, bad) = (nested(r#"{"k":2}"#), nested(r#"{"k":3}"#));
    for schema in unions {
        let (good, bad) = (work(&schema, &good), work(&schema, &bad));
        assert!(bad < good * 100, "{schema}: {bad} units of work for {good}");
    }
}

/// A recursive schema of all that asks a value in several ways.
fn hostile(random: &mut Random) -> Value {
    let again = || json!({ "$ref": "#" });
    let branch = |random: &mut Random| match random.below(9) {
        0 => json!({ "type": "integer" }),
        1 => json!({ "items": again(), "type": "array" }),
        2 => json!({ "properties": { "c": again(), "k": { "const": random.below(3) } } }),
        3 => json!({ "contains": again() }),
        4 => json!({ "properties": { "c": { "not": again() } } }),
        5 => json!({ "unevaluatedProperties": again(), "properties": { "k": { "type": "integer" } } }),
        6 => json!({ "unevaluatedItems": again(), "prefixItems": [again()] }),
        7 => json!({ "additionalProperties": again(), "type": "object" }),
        _ => json!({ "prefixItems": [again(), { "const": random.below(3) }], "maxItems": 2 }),
    };
    let list = |random: &mut Random| (0..2 + random.below(2)).map(|_| branch(random)).collect::<Vec<_>>();
    match random.below(6) {
        4 => json!({
            "properties": { "c": again(), "k": { "type": "integer" } },
            "if": { "properties": { "c": again() }, "not": { "required": ["x"] } },
            "then": { "properties": { "c": again() } },
        }),
        5 => json!({ "properties": { "c": again() }, "unevaluatedProperties": list(random)[0], "anyOf": list(random) }),
        0 => json!({ "anyOf": list(random) }),
        1 => json!({ "oneOf": list(random) }),
        2 => json!({ "anyOf": list(random), "oneOf": list(random) }),
        _ => json!({ "anyOf": list(random), "dependentSchemas": { "k": list(random)[0] } }),
    }
}

#[test]
fn hostile_documents_under_recursive_schemas_stay_within_their_computations() {
    let mut random = Random(6464);
    for _ in 0..1_000 {
        let schema = hostile(&mut random);
        let depth = 1 + random.below(62);
        let wrap = |inner: String, random: &mut Random| match random.below(4) {
            0 => format!("[{inner}]"),
            1 => format!("[{inner},{}]", random.below(3)),
            2 => format!(r#"{{"c":{inner},"k":{}}}"#, random.below(3)),
            _ => format!(r#"{{"c":{inner},"x":[{}]}}"#, random.below(3)),
        };
        let document = (0..depth).fold("7.5".to_owned(), |inner, _| wrap(inner, &mut random));
        for unknown in [Unknown::Keep, Unknown::Drop] {
            let result = compiled(&schema, options(unknown)).sanitize(document.as_bytes(), 100);
            let most = 32 * document.len() + 4_096;
            assert!(result.steps <= most, "{schema} on {document}: {} computations", result.steps);
            let given_up = keywords(&result).into_iter().find(|word| matches!(*word, "x-oracle" | "x-budget"));
            assert!(given_up.is_none(), "{given_up:?}: {schema} on {document}");
        }
    }
}

#[test]
fn numbers_beyond_floats_cost_their_own_place() {
    let numbers = [
        "18446744073709551616",
        "18446744073709551617",
        "9007199254740993",
        "9007199254740992",
        "-9223372036854775809",
        "1e400",
        "2.7e+79",
        "10000000000000000000000001",
        "0.1000000000000000055511151231257827",
        "3",
    ];
    let mut random = Random(754);
    for _ in 0..4_000 {
        let mut number = || numbers[random.below(numbers.len())];
        let keyword = |number: &str, which: usize| match which {
            0 => format!(r#"{{"minimum":{number}}}"#),
            1 => format!(r#"{{"exclusiveMaximum":{number}}}"#),
            2 => format!(r#"{{"exclusiveMinimum":{number}}}"#),
            3 => format!(r#"{{"maximum":{number}}}"#),
            4 => format!(r#"{{"const":{number}}}"#),
            5 => format!(r#"{{"enum":[{number},[{number}],{{"a":{number}}}]}}"#),
            6 => r#"{"multipleOf":10}"#.to_owned(),
            _ => r#"{"multipleOf":0.1}"#.to_owned(),
        };
        let (bound, values) = (number(), [number(), number(), number()]);
        let own = keyword(bound, random.below(8)).replace("1e400", "1e300");
        let schema = match random.below(5) {
            0 => own,
            1 => format!(r#"{{"not":{own}}}"#),
            2 => format!(r#"{{"anyOf":[{own},{{"type":"string"}}]}}"#),
            3 => format!(r#"{{"oneOf":[{own},{{"type":"number","minimum":5}}]}}"#),
            _ => format!(r#"{{"if":{own},"then":{{"minimum":0}}}}"#),
        };
        let schema = format!(r#"{{"properties":{{"n":{schema},"l":{{"items":{schema},"uniqueItems":true}}}}}}"#);
        let [a, b, c] = values.map(|value| value.replace("1e400", "1e300"));
        let document = format!(r#"{{"n":{a},"l":[{b},{c},[{b}],{{"a":{c}}}],"kept":"x"}}"#);
        let sanitizer = Sanitizer::compile("schema", &schema, options(Unknown::Keep)).unwrap();
        let result = sanitizer.sanitize(document.as_bytes(), 100);
        let left = result.output.as_ref().map(|output| output.view().to_text()).unwrap_or_default();
        assert!(left.contains(r#""kept":"x""#), "{schema} on {document}: {:?}", result.report.entries);
    }
}

#[test]
fn few_plans_are_made_before_a_document_comes() {
    let kinds: Vec<_> = (0..3)
        .map(|kind| json!({ "properties": { "k": { "const": kind }, "l": { "$ref": "#" }, "r": { "$ref": "#" } } }))
        .collect();
    let plain: Vec<_> = (0..64)
        .map(|name| json!({ "required": [format!("a{name}")], "properties": { "v": { "type": "string" } } }))
        .collect();
    let tagged: Vec<_> = (0..1_000)
        .map(|tag| json!({ "required": ["t"], "properties": { "t": { "const": tag }, "v": { "type": "string" } } }))
        .collect();
    let clauses: Vec<_> = (0..200)
        .map(|clause| json!({ "anyOf": [{ "required": [format!("x{clause}")] }, { "not": { "required": ["y"] } }] }))
        .collect();
    let triggers: serde_json::Map<_, _> =
        (0..200).map(|name| (format!("n{name}"), json!({ "required": [format!("m{name}")] }))).collect();
    for (schema, most) in [
        (json!({ "anyOf": kinds }), 600),
        (json!({ "anyOf": plain }), 400),
        (json!({ "oneOf": tagged }), 3_100),
        (json!({ "allOf": clauses }), 410),
        (json!({ "dependentSchemas": triggers }), 700),
    ] {
        let made = format!("{:?}", compiled(&schema, options(Unknown::Drop)));
        let plans = made.split(", ").nth(1).and_then(|plans| plans.split(' ').next()).unwrap();
        let plans: usize = plans.parse().unwrap();
        assert!(plans <= most, "{made} of {}", &schema.to_string()[..80]);
    }
}

#[track_caller]
fn leaves(unknown: Unknown, schema: &str, input: &str, left: &str, report: &[&str]) {
    let sanitizer =
        Sanitizer::compile("schema", schema, options(unknown)).unwrap_or_else(|e| panic!("{schema}: {e:?}"));
    let result = sanitizer.sanitize(input.as_bytes(), 100);
    let entries = result.report.entries.iter();
    let entries = entries.map(|one| format!("{} {} {}", one.action.word(), one.keyword.word(), one.pointer));
    assert_eq!(entries.collect::<Vec<_>>(), report, "{schema} on {input}");
    assert_eq!(result.output.map(|output| output.view().to_text()).unwrap_or_default(), left, "{schema} on {input}");
}

#[test]
fn replaced_values_cost_what_they_replace_and_can_go() {
    let keep = Unknown::Keep;
    let schema = r#"{"items":{"type":"integer","x-on-invalid":"coerce"},"not":{"contains":{"const":5}}}"#;
    leaves(keep, schema, r#"["5",1]"#, "[1]", &["drop not /0"]);
    let schema = r#"{"anyOf":[
        {"properties":{"x":{"properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"],"default":{"a":"d"},"x-on-invalid":"default"}}},
        {"properties":{"y":{"items":{"type":"string"}}}}]}"#;
    let left = r#"{"x":{"a":"d"},"y":[1,2,3,4]}"#;
    leaves(keep, schema, r#"{"x":{"a":1,"b":2},"y":[1,2,3,4]}"#, left, &["default required /x"]);
}

#[test]
fn an_annotation_is_found_behind_a_reference_and_in_the_branch_that_is_taken() {
    let schema = r##"{"items":{"$ref":"#/$defs/l"},"$defs":{"l":{"x-on-invalid":"default","default":{"a":1},
        "properties":{"a":{"type":"integer","x-on-invalid":"fail"}}}}}"##;
    leaves(Unknown::Keep, schema, r#"[{"a":"x"}]"#, r#"[{"a":1}]"#, &["default x-on-invalid /0"]);
    let schema = r#"{"oneOf":[{"required":["k"],"properties":{"k":{"const":1},"v":{"type":"integer","x-on-invalid":"reject"}}},
        {"required":["k"],"properties":{"k":{"const":2}}}]}"#;
    leaves(Unknown::Keep, schema, r#"{"k":1,"v":"x"}"#, "", &["reject type "]);
    let schema = r#"{"items":{"anyOf":[{"x-atomic":true,"properties":{"a":{"type":"string"},"b":{"type":"string"}}},
        {"properties":{"a":{"type":"integer"}}}]}}"#;
    leaves(Unknown::Keep, schema, r#"[{"a":"x","b":2}]"#, r#"[{"b":2}]"#, &["drop type /0/a"]);
}

#[test]
fn a_condition_alone_knows_what_it_evaluates_where_it_holds() {
    let schema = r#"{"properties":{"a":true},"if":{"required":["k"],"properties":{"k":{"const":1},"b":true}}}"#;
    leaves(Unknown::Drop, schema, r#"{"a":1,"b":2}"#, r#"{"a":1}"#, &["drop x-unknown /b"]);
    leaves(Unknown::Drop, schema, r#"{"a":1,"b":2,"k":1}"#, r#"{"a":1,"b":2,"k":1}"#, &[]);
}

#[test]
fn what_is_forbidden_goes_however_many_names_there_are() {
    let names: Vec<_> = (0..60).map(|name| json!({ "required": [format!("a{name:02}")] })).collect();
    let document: serde_json::Map<_, _> = (0..60).map(|name| (format!("a{name:02}"), json!(1))).collect();
    let sanitizer = compiled(&json!({ "not": { "anyOf": names } }), options(Unknown::Keep));
    let result = sanitizer.sanitize(Value::Object(document).to_string().as_bytes(), 100);
    assert_eq!(result.output.as_ref().unwrap().view().to_text(), "{}");
    assert_eq!(keywords(&result), vec!["not"; 60]);
}

#[test]
fn copies_of_recursive_values_are_asked_once() {
    let schema = r##"{"$defs":{"n":{"type":"object","allOf":[{"properties":{"c":{"$ref":"#/$defs/n"}}},{"properties":{"c":{"$ref":"#/$defs/n"}}}]}},
        "properties":{"t":{"$ref":"#/$defs/n"},"id":{"type":"number"}}}"##;
    let document = format!(r#"{{"t":{}{{}}{},"id":123456789012345678901}}"#, r#"{"c":"#.repeat(40), "}".repeat(40));
    leaves(Unknown::Keep, schema, &document, &document, &[]);
}

#[test]
fn a_dynamic_reference_to_itself_is_refused() {
    let schema = r##"{"$id":"http://x.test/r","$dynamicAnchor":"n","anyOf":[{"$ref":"b"},false],
        "$defs":{"b":{"$id":"b","$dynamicRef":"#n","$defs":{"x":{"$dynamicAnchor":"n","type":"integer"}}}}}"##;
    let found = Sanitizer::compile("schema", schema, options(Unknown::Keep)).unwrap_err();
    assert!(found.iter().any(|one| one.code.as_str() == "S025"), "{found:?}");
}
