//! What a schema says before any document comes: its largest output, and each lint at the place that is wrong.

use std::collections::BTreeMap;

use handover_engine::json::Position;
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Knowledge, Options, Unknown};

fn know(schema: &str, unknown: Unknown) -> Knowledge {
    let options = Options { unknown, ..Options::of(&Limits::default()) };
    Knowledge::of("s", schema, &BTreeMap::new(), &options).unwrap_or_else(|| panic!("{schema} cannot be read"))
}

/// The lints of a schema, `^` in its text marking where each begins, in their order; information only if asked for.
#[track_caller]
fn lints(marked: &str, codes: &[&str]) {
    let schema = marked.replace('^', "");
    let places = marked.match_indices('^').enumerate().map(|(index, (at, _))| at - index);
    let expected: Vec<_> = places.map(|at| Position::of(schema.as_bytes(), at)).zip(codes.iter().copied()).collect();
    let known = know(&schema, Unknown::Drop);
    let all =
        known.diagnostics.iter().filter(|one| codes.contains(&one.code.as_str()) || one.severity.word() != "info");
    let mut found: Vec<_> = all.map(|one| (one.start, one.code.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{marked}: {:?}", known.diagnostics);
}

#[track_caller]
fn largest(schema: &str, bytes: Option<u64>) {
    assert_eq!(know(schema, Unknown::Drop).bytes_max, bytes, "{schema}");
}

#[test]
fn open_places_are_said_once_at_the_object_that_lacks_a_bound() {
    lints(r#"^{"type":"string"}"#, &["S030"]);
    lints(r#"{"type":"string","maxLength":9}"#, &[]);
    lints(r#"{"type":"string","format":"uuid"}"#, &[]);
    lints(r#"^{"type":"string","format":"date-time"}"#, &["S030"]);
    lints(r#"{"type":"string","pattern":"\u005e[a-z]{2}$"}"#, &[]);
    lints(r#"^{"type":"string","pattern":"[a-z]{2}"}"#, &["S030"]);
    lints(r#"{"enum":["a",1,null]}"#, &[]);
    lints("^true", &["S031"]);
    lints("^{}", &["S031"]);
    lints(r#"^{"type":"object"}"#, &["S031"]);
    lints(r#"{"type":"object","additionalProperties":true}"#, &[]);
    lints(r#"^{"type":"object","additionalProperties":{"type":"integer"}}"#, &["S030"]);
    lints(r#"{"type":"object","maxProperties":3,"additionalProperties":{"type":"integer"}}"#, &[]);
    lints(r#"{"type":"object","required":["a",^"b"],"properties":{"a":{"type":"integer"}}}"#, &["S031"]);
    lints(r#"^{"type":"object","properties":{},"dependentRequired":{"x":[]}}"#, &["S031"]);
    lints(r#"^{"type":"array","maxItems":3}"#, &["S032"]);
    lints(r#"{"type":"array","items":true}"#, &[]);
    lints(r#"^{"type":"array","items":{"type":"integer"}}"#, &["S030"]);
    lints(r#"{"type":"array","maxItems":3,"items":^{"type":["string","null"]}}"#, &["S030"]);
    lints(r#"{"type":"array","items":{"type":"string"},"x-max-bytes":99}"#, &[]);
    lints(
        r##"{"type":"array","maxItems":2,"items":{"$ref":"#/$defs/t"},"$defs":{"t":^{"type":"string"}}}"##,
        &["S030"],
    );
    // each branch of a choice is a place of its own
    lints(r#"{"anyOf":[{"type":"integer"},^{"type":"string"}]}"#, &["S030"]);
    lints(
        r#"{"type":"object","properties":{"a":{"const":1}},"if":{"required":["a"]},"then":{"minProperties":1}}"#,
        &[],
    );
}

#[test]
fn what_can_never_pass_is_said_where_it_is_wrong_and_not_again_above() {
    lints(r#"{"type":"integer","minimum":10,"maximum":^5}"#, &["S020"]);
    lints(
        r#"{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":10,"maximum":^5}}}"#,
        &["S020"],
    );
    lints(r#"{"type":"array","minItems":5,"maxItems":^3,"items":{"type":"integer"}}"#, &["S020"]);
    lints(
        r#"{"type":"object","required":[^"skuu"],"properties":{"sku":{"type":"integer"}},"additionalProperties":false}"#,
        &["S020"],
    );
    lints(r#"{"type":"object","required":[^"a"],"properties":{"a":{"x-sensitive":true}}}"#, &["S020"]);
    lints(r#"{"type":"object","properties":{"a":false,"b":{"x-sensitive":true}}}"#, &[]);
    lints(r#"{"type":"string","enum":^[1,2]}"#, &["S020"]);
}

#[test]
fn defaults_and_keywords_without_effect_are_said() {
    lints(r#"{"x-on-invalid":"default","default":^1,"type":"string","maxLength":3}"#, &["S021"]);
    lints(r#"{"type":"object","properties":{"a":{"x-on-missing":"default","default":^"b","enum":["a"]}}}"#, &["S021"]);
    lints(r#"{"type":"integer",^"then":{"minimum":1}}"#, &["S017"]);
    lints(r#"{"type":"array","items":true,^"minContains":1}"#, &["S017"]);
    let draft_7 = r##"{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/a",^"pattern":"b",
        "definitions":{"a":{"type":"string","maxLength":3}}}"##;
    lints(draft_7, &["S017"]);
}

#[test]
fn keywords_with_an_effect_are_silent() {
    for schema in [
        r#"{"type":"integer","maximum":9,"if":{"minimum":5},"then":{"maximum":7}}"#,
        r#"{"type":"array","maxItems":3,"items":{"type":"boolean"},"contains":{"const":true},"minContains":1}"#,
        r##"{"$ref":"#/$defs/a","pattern":"^b","$defs":{"a":{"type":"string","maxLength":3}}}"##,
        r#"{"type":"object","required":["a"],"properties":{"a":{"type":"integer","default":1,"x-on-missing":"default"}}}"#,
        r#"{"type":["integer","string"],"maximum":3,"maxLength":3}"#,
    ] {
        let known = know(schema, Unknown::Drop);
        assert!(known.diagnostics.iter().all(|one| one.code.as_str() != "S017"), "{schema}: {:?}", known.diagnostics);
    }
}

#[test]
fn choices_deserve_a_second_look() {
    let branch = |kind: &str, rest: &str| {
        format!(r#"{{"type":"object","required":["k"],"properties":{{"k":{{"const":"{kind}"}}{rest}}}}}"#)
    };
    lints(&format!(r#"{{"oneOf":[{},{}]}}"#, branch("a", ""), branch("b", "")), &[]);
    lints(
        &format!(r#"{{"oneOf":[{},^{}]}}"#, branch("a", ""), r#"{"type":"object","properties":{"k":{"type":"null"}}}"#),
        &["S040"],
    );
    lints(r#"{"oneOf":[{"type":"integer"},{"type":"null"}]}"#, &[]);
    let many = (0..9).map(|n| format!(r#"{{"const":{n}}}"#)).collect::<Vec<_>>().join(",");
    lints(&format!(r#"^{{"anyOf":[{many}],"oneOf":[{many}]}}"#), &["S041"]);
    lints(r#"^{"type":"array","maxItems":2,"prefixItems":[{"type":"null"}],"items":{"type":"null"}}"#, &["S042"]);
    lints(r#"{"type":"object",^"properties":{"a":{"type":"null"}}}"#, &["S043"]);
    lints(r#"{"type":"null",^"not":{"const":1}}"#, &["S044"]);
    lints(
        r##"{"type":"object","x-max-bytes":99,"additionalProperties":false,"required":["a"],"properties":{"a":{"$ref":^"#"}}}"##,
        &["S045"],
    );
}

#[test]
fn the_largest_output_is_counted() {
    largest(r#"{"type":"null"}"#, Some(4));
    largest(r#"{"type":"integer","minimum":-10,"maximum":9}"#, Some(3));
    largest(r#"{"type":"number"}"#, Some(24));
    largest(r#"{"enum":["abc",1]}"#, Some(5));
    largest(r#"{"type":"string","maxLength":3}"#, Some(2 + 3 * 6));
    largest(r#"{"type":"string","maxLength":3,"pattern":"^[A-Z]*$"}"#, Some(2 + 3));
    largest(r#"{"type":"array","maxItems":3,"items":{"type":"boolean"}}"#, Some(2 + 3 * 6 - 1));
    largest(r#"{"type":"object","properties":{"a":{"type":"null"},"b":false}}"#, Some(2 + 4 + 4 + 1));
    largest(r#"{"type":"object","maxProperties":1,"additionalProperties":{"type":"null"}}"#, Some(2 + 258 + 1 + 4 + 1));
    largest(r#"{"type":"object","additionalProperties":true}"#, None);
    largest(r#"{"type":"object","additionalProperties":true,"x-max-bytes":50}"#, Some(50));
    // what stands in itself has no bound but in bytes, wherever that is said
    largest(r##"{"type":"array","maxItems":1,"items":{"$ref":"#"}}"##, None);
    largest(r##"{"type":"array","maxItems":1,"items":{"$ref":"#"},"x-max-bytes":9}"##, Some(9));
    largest(
        r##"{"type":"array","maxItems":1,"items":{"$ref":"#/$defs/a"},"$defs":{"a":{"type":"object","maxProperties":1,
            "additionalProperties":{"$ref":"#/$defs/b"}},"b":{"type":"array","maxItems":2,"items":{"$ref":"#/$defs/a"},"x-max-bytes":30}}}"##,
        Some(2 + 2 + 258 + 1 + 30 + 1),
    );
}

#[test]
fn rules_that_may_write_more_than_a_login_are_refused_at_the_list_that_makes_it_so() {
    let known = know(r#"{"type":"array","maxItems":9000,"items":{"type":"string","maxLength":9}}"#, Unknown::Drop);
    assert_eq!((known.heaviest.start.column, known.bytes_max), (28, Some(1 + 9000 * 57)));
}
