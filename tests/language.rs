//! The author's reference: it is what the tables of the code say, and every example of it is so.

use std::collections::BTreeSet;

use handover_engine::budget::Budget;
use handover_engine::diagnostic::Severity;
use handover_engine::json::{Document, same};
use handover_engine::limits::Limits;
use handover_engine::merge::{Function, Named, merged};
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;
use handover_engine::sanitizer::{self, ANNOTATIONS, Options, Sanitizer};
use handover_engine::script::{Outcome, Sandbox, given, methods};
use handover_engine::sensitive::Detectors;

use crate::binary::{handover, root};

#[test]
fn the_reference_is_what_the_tables_say() {
    let page = root().join("rules/REFERENCE.md");
    let output = handover(&["docs", "--language", "--out", page.to_str().unwrap(), "--check"], b"");
    assert_eq!(output.status.code(), Some(0), "run `handover docs --language --out rules/REFERENCE.md`");
}

#[test]
fn every_strategy_makes_what_its_example_says() {
    for named in Named::ALL {
        let [written, account, anonymous, after] = named.example;
        assert_eq!(merged(written, account, anonymous), after, "{}", named.name);
        assert!(named.summary.len() > 10 && (named.plain.is_some() || named.takes_option()), "{}", named.name);
        assert!(written.contains(named.name) || written.starts_with('{'), "{written}");
    }
}

#[test]
fn every_function_gives_what_its_example_says() {
    let sandbox = Sandbox::new(&Limits::default());
    let nothing = Document::read(b"{}").unwrap();
    for function in Function::ALL {
        let [call, result] = function.example;
        assert!(call.starts_with(&format!("{}(", function.name)), "{call}");
        let outcome = sandbox.evaluate("example.rhai", call, nothing.root(), &Budget::unbounded()).unwrap();
        let Outcome::Value(value, _) = outcome else { panic!("{call}: {outcome:?}") };
        // rhai sorts the members of an object
        let expected = Document::read(result.as_bytes()).unwrap();
        assert!(same(value.view(), expected.root()), "{call}: {}", value.view().to_text());
        let params = function.signature.matches(", ").count() + 1;
        assert_eq!(params, function.arguments.1, "{}", function.signature);
    }
}

/// What the reference shows is what `check` lets pass.
#[test]
fn every_example_of_a_function_is_a_correct_script() {
    for function in Function::ALL {
        let policy = r#"{ "name": "shop", "session": { "once": true, "lifetime": "30d", "max_age": "30d" },
            "rules": [ { "name": "a", "to": "app_metadata.a", "merge": "a.merge.rhai" } ] }"#;
        let schema = r#"{ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } }"#;
        let body = format!(
            "let made = {};\n    if is_blank(made) {{ return anonymous; }}\n    account ?? anonymous",
            function.example[0]
        );
        let script = format!("fn merge(account, anonymous, context) {{\n    {body}\n}}\n");
        let files = [("policy.json", policy), ("a.schema.json", schema), ("a.merge.rhai", script.as_str())];
        let files = Files(files.map(|(file, text)| (file.to_owned(), text.to_owned())).into());
        let found = RuleSet::compile(&files).err().unwrap_or_default();
        assert!(found.iter().all(|one| one.severity != Severity::Error), "{script} {found:#?}");
    }
}

#[test]
fn every_keyword_does_what_its_example_says() {
    let options = Options { deny: Detectors::STANDARD, ..Options::of(&Limits::default()) };
    for one in ANNOTATIONS {
        let [schema, document, passes] = one.example;
        assert!(schema.contains(one.keyword), "{schema}");
        let sanitizer = Sanitizer::compile("example.schema.json", schema, options.clone()).unwrap();
        let result = sanitizer.sanitize(document.as_bytes(), 100);
        let output = result.output.map(|output| output.view().to_text()).unwrap_or_default();
        assert_eq!(output, passes, "{} {}", one.keyword, one.value);
    }
    for (name, example) in sanitizer::formats() {
        let schema = format!(r#"{{ "type": "string", "maxLength": 99, "format": "{name}" }}"#);
        let sanitizer = Sanitizer::compile("format.schema.json", &schema, options.clone()).unwrap();
        let document = serde_json::to_string(&example).unwrap();
        assert!(sanitizer.sanitize(document.as_bytes(), 100).output.is_some(), "{name}: {example}");
    }
}

/// The words of a page between backticks that are one name.
fn names(page: &str) -> BTreeSet<String> {
    let spans = page.split('`').skip(1).step_by(2);
    let is_name = |word: &&str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-';
        word.len() > 1 && word.bytes().all(plain) && !word.starts_with('-')
    };
    spans.map(|span| span.trim_matches('"')).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn the_guide_of_rules_names_nothing_that_does_not_exist() {
    let guide = std::fs::read_to_string(root().join("rules/README.md")).unwrap();
    // fences are commands and files, which `first_run` runs
    let prose: String = guide.split("```").step_by(2).collect();
    let reference = std::fs::read_to_string(root().join("rules/REFERENCE.md")).unwrap();
    let mut known = names(&reference);
    known.extend(Named::ALL.iter().map(|named| named.name.to_owned()));
    known.extend(Function::ALL.iter().map(|function| function.name.to_owned()));
    known.extend(methods().into_iter().flat_map(|(_, names)| names).map(str::to_owned));
    known.extend(given().iter().flat_map(|fixed| fixed.members).map(|member| member.name.to_owned()));
    let policy = std::fs::read_to_string(root().join("server/schemas/policy.schema.json")).unwrap();
    known.extend(policy.split('"').skip(1).step_by(2).map(str::to_owned));
    // commands, metadata, JSON Schema, and what the guide's own example names
    let others = [
        "account",
        "anonymous",
        "app_metadata",
        "check",
        "context",
        "differs",
        "discard",
        "enum",
        "explain",
        "fill",
        "laws",
        "locale",
        "observe",
        "observed",
        "options",
        "required",
        "rules",
        "session",
        "shoe",
        "sizes",
        "skip",
        "theme",
        "user_metadata",
    ];
    let unknown: Vec<_> =
        names(&prose).into_iter().filter(|name| !known.contains(name) && !others.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
