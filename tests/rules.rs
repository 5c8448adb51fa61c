//! Each rule of the sanitizer's specification by itself, in a test that bears its number, and the laws of `keyed_union`.
//! `faults.rs` breaks each rule in the sources, and `keyed_union` in ten ways, and sees that its test fails.

use std::collections::BTreeMap;

use handover_engine::author::laws;
use handover_engine::limits::Limits;
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;
use handover_engine::sanitizer::{Options, Sanitized, Sanitizer, Unknown};
use handover_engine::sensitive::Detectors;

fn options() -> Options {
    Options { unknown: Unknown::Keep, deny: Detectors::NONE, ..Options::of(&Limits::default()) }
}

fn run(options: &Options, schema: &str, input: &str) -> Sanitized {
    let sanitizer = Sanitizer::compile("schema", schema, options.clone()).unwrap_or_else(|e| panic!("{schema}: {e:?}"));
    sanitizer.sanitize(input.as_bytes(), 100)
}

#[track_caller]
fn leaves(options: &Options, schema: &str, input: &str, left: &str, report: &[&str]) {
    let result = run(options, schema, input);
    let entries = result.report.entries.iter();
    let entries = entries.map(|one| format!("{} {} {}", one.action.word(), one.keyword.word(), one.pointer));
    assert_eq!(entries.collect::<Vec<_>>(), report, "{schema} on {input}");
    assert_eq!(result.output.map(|output| output.view().to_text()).unwrap_or_default(), left, "{schema} on {input}");
}

/// What is left of `input`, and the report, with a choice point beside and without one.
#[track_caller]
fn check(schema: &str, input: &str, left: &str, report: &[&str]) {
    leaves(&options(), schema, input, left, report);
    let chosen = schema.replacen('{', r#"{"not":{"const":"never"},"#, 1);
    leaves(&options(), &chosen, input, left, report);
}

#[test]
fn r01_limits_come_first() {
    let few = Options { nodes: 3, ..options() };
    leaves(&few, "{}", "[1,2]", "[1,2]", &[]);
    leaves(&few, "{}", "[1,2,3]", "", &["drop x-limit "]);
    leaves(&Options { depth: 1, ..options() }, "{}", "[[]]", "", &["drop x-limit "]);
    leaves(&Options { bytes: 4, ..options() }, "{}", "[1,2]", "", &["drop x-limit "]);
    leaves(&Options { name_bytes: 1, ..options() }, "{}", r#"{"ab":1}"#, "", &["drop x-limit "]);
    leaves(&options(), "{}", r#"{"a":1,"a":1}"#, "", &["drop x-json "]);
}

#[test]
fn r02_what_is_valid_stays_as_it_is() {
    check(r#"{"type":"integer","maximum":5,"x-on-invalid":"clamp"}"#, "5.0", "5.0", &[]);
    check(r#"{"properties":{"a":{"x-on-missing":"default","default":1}}}"#, "{}", "{}", &[]);
}

#[test]
fn r03_all_schema_objects_of_a_place_are_asked_at_once_children_first() {
    check(r#"{"maxItems":2,"allOf":[{"items":{"maximum":5}}]}"#, "[9,1,2]", "[1,2]", &["drop maximum /0"]);
    check(
        r#"{"allOf":[{"maxItems":2},{"items":{"maximum":5}}]}"#,
        "[9,1,2,3]",
        "[1,2]",
        &["truncate maxItems ", "drop maximum /0"],
    );
}

#[test]
fn r04_what_may_not_stand_goes() {
    check(
        r#"{"properties":{"a":false,"b":{"x-sensitive":true},"c":{"type":"null"}}}"#,
        r#"{"a":1,"b":2,"c":3,"d":4}"#,
        r#"{"d":4}"#,
        &["drop properties /a", "drop x-sensitive /b", "drop type /c"],
    );
}

#[test]
fn r05_the_first_failing_keyword_is_said() {
    check(
        r#"{"items":{"pattern":"^b","minLength":3,"enum":["bbb"]}}"#,
        r#"["a","bb","bbb"]"#,
        r#"["bbb"]"#,
        &["drop enum /0", "drop enum /1"],
    );
    check(
        r#"{"items":{"pattern":"^b","minLength":3}}"#,
        r#"["a","abc","bbb"]"#,
        r#"["bbb"]"#,
        &["drop minLength /0", "drop pattern /1"],
    );
}

#[test]
fn r06_a_member_goes_by_its_name_or_its_value() {
    let schema = r#"{"propertyNames":{"maxLength":1},"properties":{"a":{"type":"null"}},"additionalProperties":false}"#;
    check(
        schema,
        r#"{"a":null,"ab":null,"b":1}"#,
        r#"{"a":null}"#,
        &["drop propertyNames /ab", "drop additionalProperties /b"],
    );
    let schema = r#"{"patternProperties":{"^a":{"maximum":5}},"properties":{"ab":{"minimum":3}}}"#;
    check(schema, r#"{"a":9,"ab":1,"abc":5}"#, r#"{"abc":5}"#, &["drop maximum /a", "drop minimum /ab"]);
}

#[test]
fn r07_a_cascade_stops_where_the_lost_child_is_not_needed() {
    let schema = r#"{"items":{"required":["a"],"properties":{"a":{"type":"null"}}}}"#;
    check(schema, r#"[{"a":null},{"a":1},{}]"#, r#"[{"a":null}]"#, &["drop required /1", "drop required /2"]);
    check(r#"{"minItems":2,"items":{"type":"null"}}"#, "[null,1]", "", &["drop minItems "]);
}

#[test]
fn r08_items_go_alone_and_keep_their_order() {
    check(r#"{"items":{"type":"integer"}}"#, r#"["a",3,"b",1,2]"#, "[3,1,2]", &["drop type /0", "drop type /2"]);
}

#[test]
fn r09_positions_do_not_move() {
    let schema = r#"{"prefixItems":[{"type":"null"},{"type":"integer"}],"items":{"type":"string"}}"#;
    check(schema, r#"[null,"x","y"]"#, "[null]", &["truncate prefixItems ", "drop type /1"]);
    check(schema, r#"[null,1,2,"y"]"#, r#"[null,1,"y"]"#, &["drop type /2"]);
}

#[test]
fn r10_a_list_loses_duplicates_then_matches_then_its_end() {
    check(
        r#"{"uniqueItems":true,"maxItems":2}"#,
        "[1,1.0,2,3]",
        "[1,2]",
        &["truncate maxItems ", "drop uniqueItems /1"],
    );
    check(r#"{"contains":{"type":"null"},"maxContains":1}"#, "[null,1,null]", "[null,1]", &["drop maxContains /2"]);
    check(r#"{"contains":{"type":"null"},"maxItems":2}"#, "[1,2,null]", "[1,null]", &["truncate maxItems "]);
    check(r#"{"contains":{"type":"null"}}"#, "[1]", "", &["drop contains "]);
}

#[test]
fn r11_triggers_go_until_none_lacks_what_it_needs() {
    let schema = r#"{"dependentRequired":{"a":["b"],"b":["c"],"c":["e"]}}"#;
    let dropped = ["drop dependentRequired /a", "drop dependentRequired /b", "drop dependentRequired /c"];
    check(schema, r#"{"a":1,"b":2,"c":3,"d":4}"#, r#"{"d":4}"#, &dropped);
    let schema = r#"{"required":["a"],"dependentRequired":{"a":["b"]}}"#;
    check(schema, r#"{"a":1}"#, "", &["drop required "]);
}

#[test]
fn r12_a_listed_container_is_the_largest_part_that_is_listed() {
    let schema = r#"{"enum":[{},{"a":1},{"a":1,"b":2},{"c":3}]}"#;
    check(schema, r#"{"a":1,"b":2,"d":4}"#, r#"{"a":1,"b":2}"#, &["drop enum /d"]);
    check(r#"{"const":[1]}"#, "[2]", "", &["drop const "]);
}

#[test]
fn r13_undeclared_members_go_first_then_the_last_declared() {
    let schema = r#"{"maxProperties":2,"required":["c"],"properties":{"a":{},"b":{},"c":{}}}"#;
    check(
        schema,
        r#"{"x":1,"a":1,"b":2,"c":3}"#,
        r#"{"a":1,"c":3}"#,
        &["drop maxProperties /b", "drop maxProperties /x"],
    );
    check(
        r#"{"maxProperties":1}"#,
        r#"{"a":1,"c":3,"b":2}"#,
        r#"{"a":1}"#,
        &["drop maxProperties /b", "drop maxProperties /c"],
    );
}

#[test]
fn r14_choices_are_asked_last_and_in_order() {
    // what the phases left satisfies the choice
    let schema = r#"{"properties":{"a":{"type":"null"}},"not":{"required":["a"]}}"#;
    leaves(&options(), schema, r#"{"a":1}"#, "{}", &["drop type /a"]);
    // `anyOf` before `not`
    let schema = r#"{"not":{"required":["a"]},"anyOf":[{"required":["c"]},{"properties":{"a":{"type":"null"}}}]}"#;
    leaves(&options(), schema, r#"{"a":1,"b":2}"#, r#"{"b":2}"#, &["drop type /a"]);
}

#[test]
fn r15_the_cheapest_branch_wins() {
    let schema = r#"{"anyOf":[{"items":{"type":"string"}},{"items":{"type":"integer"}}]}"#;
    leaves(&options(), schema, r#"["a",1,2]"#, "[1,2]", &["drop type /0"]);
    leaves(&options(), schema, r#"["a",1]"#, r#"["a"]"#, &["drop type /1"]);
    let schema = schema.replace("anyOf", "oneOf").replace("},{", r#","minItems":1},{"minItems":1,"#);
    leaves(&options(), &schema, r#"["a",1,2]"#, "[1,2]", &["drop type /0"]);
    leaves(&options(), r#"{"anyOf":[{"type":"null"},false]}"#, "1", "", &["drop anyOf "]);
}

#[test]
fn r16_the_selected_branch_repairs() {
    let schema = r#"{"if":{"required":["a"]},"then":{"properties":{"b":{"type":"null"}}},"else":{"maxProperties":1}}"#;
    leaves(&options(), schema, r#"{"a":1,"b":2}"#, r#"{"a":1}"#, &["drop type /b"]);
    leaves(&options(), schema, r#"{"b":2,"c":3}"#, r#"{"b":2}"#, &["drop maxProperties /c"]);
}

#[test]
fn r17_a_tie_keeps_the_trigger() {
    let schema = r#"{"dependentSchemas":{"a":{"properties":{"b":{"type":"null"}}}}}"#;
    leaves(&options(), schema, r#"{"a":1,"b":2}"#, r#"{"a":1}"#, &["drop type /b"]);
    leaves(&options(), schema, r#"{"a":1,"b":[2]}"#, r#"{"b":[2]}"#, &["drop dependentSchemas /a"]);
}

#[test]
fn r18_one_child_goes_the_smallest_then_the_last() {
    leaves(&options(), r#"{"not":{"minItems":3}}"#, "[[1],2,[3]]", "[[1],[3]]", &["drop not /1"]);
    leaves(&options(), r#"{"not":{"minProperties":2}}"#, r#"{"b":1,"a":1}"#, r#"{"a":1}"#, &["drop not /b"]);
    leaves(&options(), r#"{"not":{"minItems":1}}"#, "[1,2]", "", &["drop not "]);
}

#[test]
fn r19_what_nobody_evaluated_comes_after_the_choices() {
    let schema =
        r#"{"anyOf":[{"properties":{"a":{"type":"null"}},"required":["a"]},{}],"unevaluatedProperties":false}"#;
    leaves(&options(), schema, r#"{"a":null,"b":1}"#, r#"{"a":null}"#, &["drop unevaluatedProperties /b"]);
    leaves(
        &options(),
        r#"{"prefixItems":[{}],"unevaluatedItems":{"type":"null"}}"#,
        "[1,2,null]",
        "[1,null]",
        &["drop type /1"],
    );
}

#[test]
fn r20_bytes_go_from_the_end() {
    check(r#"{"x-max-bytes":7}"#, "[1,22,333]", "[1,22]", &["truncate x-max-bytes "]);
    check(r#"{"x-max-bytes":7,"properties":{"b":{}}}"#, r#"{"a":1,"b":2}"#, r#"{"b":2}"#, &["drop x-max-bytes /a"]);
    check(r#"{"items":{"x-max-bytes":3}}"#, r#"["a","ab"]"#, r#"["a"]"#, &["drop x-max-bytes /1"]);
}

#[test]
fn r22_each_place_and_set_is_computed_once() {
    let schema = r##"{"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#"}},{"type":"object","additionalProperties":{"$ref":"#"}}]}"##;
    let document = format!("{}null{}", "[{\"a\":".repeat(30), "}]".repeat(30));
    let result = run(&options(), schema, &document);
    assert!(result.output.is_some(), "{:?}", result.report);
    assert!(result.steps <= 10 * result.nodes_in, "{} computations for {} nodes", result.steps, result.nodes_in);
}

#[test]
fn a01_one_step_or_several() {
    check(r#"{"items":{"maximum":5,"x-on-invalid":"clamp"}}"#, "[9]", "[5]", &["clamp maximum /0"]);
    check(r#"{"items":{"maximum":5,"x-on-invalid":["clamp","drop"]}}"#, "[9]", "[5]", &["clamp maximum /0"]);
}

#[test]
fn a02_steps_are_tried_in_order_on_what_the_last_one_made() {
    let schema = r#"{"items":{"type":"integer","maximum":5,"x-on-invalid":["trim","coerce","clamp"]}}"#;
    check(schema, r#"[" 3 "," 9 ","x"]"#, "[3,5]", &["coerce type /0", "clamp type /1", "drop type /2"]);
}

#[test]
fn a03_the_innermost_annotation_answers() {
    let schema = r#"{"items":{"x-on-invalid":"default","default":0,"allOf":[{"maximum":5,"x-on-invalid":"clamp"}]}}"#;
    check(schema, "[9]", "[5]", &["clamp maximum /0"]);
    let schema = r#"{"items":{"x-on-invalid":"default","default":0,"allOf":[{"maximum":5}]}}"#;
    check(schema, "[9]", "[0]", &["default maximum /0"]);
}

#[test]
fn a04_an_annotation_is_asked_after_the_repair() {
    let schema = r#"{"items":{"type":"null"},"minItems":2,"x-on-invalid":"default","default":[null,null]}"#;
    check(schema, "[1,null,null]", "[null,null]", &["drop type /0"]);
    check(schema, "[1,null]", "[null,null]", &["default minItems "]);
}

#[test]
fn a05_a_condition_takes_no_annotation() {
    for keyword in ["not", "if", "contains", "propertyNames"] {
        for annotation in [r#""x-on-invalid":"drop""#, r#""x-atomic":true"#] {
            let schema = format!(r#"{{"{keyword}":{{{annotation}}}}}"#);
            let found = Sanitizer::compile("schema", &schema, options()).unwrap_err();
            assert!(found.iter().any(|one| one.code.as_str() == "S024"), "{schema}: {found:?}");
        }
    }
    // in a branch it counts where the branch is taken
    let schema = r#"{"anyOf":[{"type":"null"},{"properties":{"a":{"maximum":5,"x-on-invalid":"clamp"}}}]}"#;
    leaves(&options(), schema, r#"{"a":9}"#, r#"{"a":5}"#, &["clamp maximum /a"]);
}

#[test]
fn a06_a_required_member_is_filled_in_and_no_other() {
    let schema = r#"{"required":["a"],"properties":{"a":{"type":"null","x-on-missing":"default","default":null},"b":{"x-on-missing":"default","default":1}}}"#;
    check(schema, "{}", r#"{"a":null}"#, &["default required /a"]);
    check(schema, r#"{"a":1}"#, r#"{"a":null}"#, &["default required /a"]);
    let schema = r#"{"required":["a"],"properties":{"a":{"default":1},"b":{"x-on-missing":"default","default":2}}}"#;
    check(schema, "{}", "", &["drop required "]);
}

#[test]
fn a07_what_is_sensitive_goes_whatever_else_is_said() {
    let schema = r#"{"properties":{"a":{"x-sensitive":true,"x-on-invalid":"default","default":1}}}"#;
    check(schema, r#"{"a":1,"b":2}"#, r#"{"b":2}"#, &["drop x-sensitive /a"]);
}

#[test]
fn a08_a_place_may_be_exempt_from_a_detector() {
    let card = Options { deny: Detectors::STANDARD, ..options() };
    let schema = r#"{"items":{"anyOf":[{"maxLength":4},{"minLength":5,"x-allow-sensitive":["pan"]}]}}"#;
    leaves(&card, schema, r#"["4111111111111111"]"#, r#"["4111111111111111"]"#, &[]);
    leaves(
        &card,
        r#"{"items":{"x-allow-sensitive":["ssn"]}}"#,
        r#"["4111111111111111"]"#,
        "[]",
        &["drop x-deny:pan /0"],
    );
}

#[test]
fn a09_a_step_that_is_none_is_an_error() {
    let found = Sanitizer::compile("schema", r#"{"maximum":5,"x-on-invalid":"clmap"}"#, options()).unwrap_err();
    assert_eq!(found[0].code.as_str(), "S022");
}

#[test]
fn a10_an_atomic_value_passes_whole_or_not_at_all() {
    let schema = r#"{"items":{"x-atomic":true,"maxItems":2,"items":{"type":"integer","x-on-invalid":"coerce"}}}"#;
    check(
        schema,
        r#"[[1,"2"],[1,"x"],[1,2,3]]"#,
        "[[1,2]]",
        &["coerce type /0/1", "drop x-atomic /1", "drop x-atomic /2"],
    );
    let schema = r#"{"items":{"properties":{"a":{"x-atomic":true,"x-on-invalid":"fail","items":{"type":"null"}}}}}"#;
    check(schema, r#"[{"a":[1]},{"a":[null]},{"b":1}]"#, r#"[{"a":[null]},{"b":1}]"#, &["drop x-on-invalid /0"]);
}

#[test]
fn laws_of_keyed_union_hold_on_generated_data() {
    let schema = r#"{ "type": "array", "maxItems": 50, "items": { "type": "object", "required": ["sku", "qty"], "properties": {
        "sku": { "type": "string", "minLength": 1, "maxLength": 16 }, "qty": { "type": "integer", "minimum": 1, "maximum": 99 },
        "size": { "enum": ["S", "M"] } } } }"#;
    let quantity = r#""on_match": { "qty": ["max", 99] }"#;
    for options in [
        format!(r#""key": "sku", {quantity}"#),
        format!(r#""key": ["sku", "size"], {quantity}, "limit": 3"#),
        format!(r#""key": "sku", {quantity}, "otherwise": "fill", "first": "anonymous""#),
    ] {
        let policy = format!(
            r#"{{ "name": "test", "rules": [ {{ "name": "a", "to": "app_metadata.a", "merge": {{ "keyed_union": {{ {options} }} }} }} ] }}"#
        );
        let files = [("policy.json", policy.as_str()), ("a.schema.json", schema)];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let rules = RuleSet::compile(&Files(BTreeMap::from(files))).unwrap_or_else(|errors| panic!("{errors:?}"));
        for tally in laws::ask(&rules, &rules.rules()[0], 1_000, 1, &|| false).tallies {
            let broken = tally.law.must_hold() && tally.broken > 0;
            assert!(!broken, "{options} breaks {} in {} of {}", tally.law.name(), tally.broken, tally.asked);
        }
    }
}
