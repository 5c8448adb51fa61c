//! `handover docs --language`: what a rule may say, from the tables of the code.

use std::collections::BTreeSet;
use std::fmt::Write;

use handover_engine::json::{Document, View};
use handover_engine::merge::{DEFAULT, Function, Law, Laws, Named, OptionSpec, Takes};
use handover_engine::sanitizer::{ANNOTATIONS, formats};
use handover_engine::script;

/// The page.
pub(super) fn page() -> String {
    let mut out = String::from(HEAD);
    strategies(&mut out);
    functions(&mut out);
    all_laws(&mut out);
    values(&mut out);
    schemas(&mut out);
    policy(&mut out);
    fixtures(&mut out);
    codes(&mut out);
    out
}

const HEAD: &str = "# Reference for rule authors

Written by `handover docs --language`. Every example on this page runs as a test.

- [Strategies](#strategies): `merge` in `policy.json`, and the strategies of members
- [Functions](#functions): what a script may call
- [Laws](#laws): what `check` and `laws` ask of every merge
- [Values](#values): what a script is given, and the methods of values
- [Schemas](#schemas): the `x-` keywords and the formats
- [Policy](#policy): the members of `policy.json`
- [Fixtures](#fixtures): members and defaults
- [Codes](#codes): what `check`, `test` and `laws` report
";

/// A row of a table; a `|` would end its cell.
fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    // writing to a string cannot fail
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn head(out: &mut String, cells: &[&str]) {
    out.push('\n');
    row(out, cells);
    row(out, &vec!["---"; cells.len()]);
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn strategies(out: &mut String) {
    out.push_str(
        "\n## Strategies

Where a strategy or function cannot use a value, the account's stays: a visitor's value of a wrong type is ignored, and an
account's is kept. The last column tells the [laws](#laws) that hold whatever the values are. A name in brackets is the
function that scripts call for the strategy.

A rule names one as `\"merge\": \"fill\"`, or as `\"merge\": { \"keyed_union\": { … } }` with its options. A member has it as
`\"fill\"`, as `[\"keyed_union\", { … }]` with its option, or as an object of strategies for its own members.\n",
    );
    head(out, &["strategy", "gives", "written", "account", "visitor", "after", "laws"]);
    for named in Named::ALL {
        let [written, account, anonymous, after] = named.example.map(code);
        let laws = laws(named.laws(), named.takes);
        row(out, &[&strategy_name(named), named.summary, &written, &account, &anonymous, &after, &laws]);
    }
    out.push_str(
        "\nOptions of strategies, written as `[\"union\", { … }]`. A function whose signature ends with `options` takes the same:\n",
    );
    head(out, &["option", "of", "takes", "does"]);
    let owned = options();
    let mut all: Vec<OptionSpec> = owned.iter().map(|(_, option)| *option).collect();
    all.sort_by_key(|option| (option.name, option.summary));
    all.dedup();
    for option in all {
        let of: BTreeSet<&str> = owned.iter().filter(|(_, own)| *own == option).map(|(of, _)| *of).collect();
        let of: Vec<_> = of.into_iter().map(code).collect();
        let required = if option.is_required { " (required)" } else { "" };
        let takes = format!("{}{required}", option.takes.words());
        row(out, &[&code(option.name), &of.join(", "), &takes, option.summary]);
    }
}

/// The name of a strategy, with that of the function that scripts call for it.
fn strategy_name(named: &Named) -> String {
    let name = code(named.name);
    named.alias.map_or_else(|| name.clone(), |alias| format!("{name} ({})", code(alias)))
}

/// All options, each with what has it.
fn options() -> Vec<(&'static str, OptionSpec)> {
    let mut found = vec![("merge_fields", DEFAULT)];
    let of_functions = Function::ALL.iter().filter_map(|own| Some((own.name, own.options?.takes)));
    for (name, takes) in of_functions.chain(Named::ALL.iter().filter_map(|own| Some((own.name, own.takes?)))) {
        for option in takes.options() {
            found.push((name, *option));
            if option.takes == Takes::Key {
                found.extend(option.takes.options().iter().map(|part| ("key", *part)));
            }
        }
    }
    found
}

/// The laws that a merge keeps by construction; where it takes strategies, theirs.
fn laws(kept: Laws, takes: Option<Takes>) -> String {
    let is_strategy = |takes: Takes| matches!(takes, Takes::Strategy | Takes::Strategies);
    let has_strategies =
        takes.is_some_and(|own| is_strategy(own) || own.options().iter().any(|option| is_strategy(option.takes)));
    if has_strategies {
        return "those of its strategies".to_owned();
    }
    let broken: Vec<&str> =
        Law::ALL.into_iter().filter(|law| law.must_hold() && !kept.has(*law)).map(Law::name).collect();
    if broken.is_empty() {
        "all that must hold".to_owned()
    } else {
        format!("all that must hold, but not {}", broken.join(", "))
    }
}

fn functions(out: &mut String) {
    out.push_str(
        "\n## Functions\n\nA script is `fn merge(account, anonymous, context)`. `cap`, `options` and `default` can be left out where they come last.\n",
    );
    head(out, &["function", "gives", "example", "result", "laws"]);
    for function in Function::ALL {
        let [call, result] = function.example.map(code);
        let options = function.options.map(|options| options.takes.options()).unwrap_or_default();
        let options = match options {
            [] => String::new(),
            options => {
                let names: Vec<_> = options.iter().map(|option| code(option.name)).collect();
                format!("; options: {}", names.join(", "))
            }
        };
        let summary = format!("{}{options}", function.summary);
        let takes = function.options.map(|options| options.takes);
        let laws = function.laws().map(|kept| laws(kept, takes)).unwrap_or_default();
        row(out, &[&code(function.signature), &summary, &call, &result, &laws]);
    }
    for verb in script::verbs() {
        row(out, &[&code(verb.signature), verb.summary, "", "", ""]);
    }
}

fn all_laws(out: &mut String) {
    out.push_str(
        "\n## Laws\n\n`laws` tries each rule on generated logins. A law that must hold fails the rule; a policy can waive some of them \
         with a reason. That an author's strategy replaces a value, such as `anonymous` or `min`, breaks no L6; in a script it does.\n",
    );
    head(out, &["law", "says", "must hold", "can be waived"]);
    let yes = |is: bool| if is { "yes" } else { "" };
    for law in Law::ALL {
        row(out, &[law.name(), law.words(), yes(law.must_hold()), yes(law.may_be_waived())]);
    }
}

fn values(out: &mut String) {
    out.push_str("\n## Values\n\n`account` is `()` where the account has no value yet, and so is an optional member that is absent.\n");
    head(out, &["value", "is"]);
    for fixed in script::given() {
        for member in fixed.members {
            row(out, &[&code(&format!("{}.{}", fixed.name, member.name)), member.summary]);
        }
    }
    out.push_str("\nMethods of rhai, by the value that they are called on. [rhai's book](https://rhai.rs/book/) describes them.\n");
    head(out, &["value", "methods"]);
    for (kind, names) in script::methods() {
        row(out, &[kind, &names.iter().map(|name| code(name)).collect::<Vec<_>>().join(" ")]);
    }
}

fn schemas(out: &mut String) {
    out.push_str("\n## Schemas\n\nJSON Schema, drafts 4 to 2020-12, and these keywords:\n");
    head(out, &["keyword", "does", "schema", "document", "passes"]);
    for one in ANNOTATIONS {
        let [schema, document, passes] = one.example;
        let passes = if passes.is_empty() { "nothing".to_owned() } else { code(passes) };
        let keyword = code(&format!("\"{}\": {}", one.keyword, one.value));
        row(out, &[&keyword, one.summary, &code(schema), &code(document), &passes]);
    }
    out.push_str("\n`format` is asserted for:\n");
    head(out, &["format", "such as"]);
    for (name, example) in formats() {
        let example = if example.is_empty() { "the empty string".to_owned() } else { code(&example) };
        row(out, &[&code(name), &example]);
    }
}

fn policy(out: &mut String) {
    out.push_str("\n## Policy\n\n`policy.json` names the rules and what holds for all of them.\n");
    head(out, &["member", "is", "default"]);
    let schema = include_str!("../../../schemas/policy.schema.json");
    if let Ok(document) = Document::read(schema.as_bytes()) {
        members(out, document.root(), "");
        let rules = document.root().get("properties").and_then(|all| all.get("rules"));
        let rule = rules.and_then(|rules| rules.get("items"));
        if let Some(rule) = rule {
            members(out, rule, "rules[].");
        }
    }
}

fn fixtures(out: &mut String) {
    out.push_str(
        "\n## Fixtures\n\nA fixture is one login in `fixtures/RULE/NAME.json`. What it leaves out has a default.\n",
    );
    head(out, &["member", "is", "default"]);
    let schema = include_str!("../../../schemas/fixture.schema.json");
    if let Ok(document) = Document::read(schema.as_bytes()) {
        members(out, document.root(), "");
    }
}

/// The members of a schema's object, each with its description and default.
fn members(out: &mut String, schema: View<'_>, prefix: &str) {
    let Some(properties) = schema.get("properties") else { return };
    for (name, member) in properties.members() {
        let name = format!("{prefix}{}", name.decode());
        let text = |key: &str| {
            member.get(key).map(|value| value.as_text().map_or_else(String::new, |text| text.decode().into_owned()))
        };
        let default = member.get("default").map_or_else(String::new, |default| code(&default.to_text()));
        row(out, &[&code(&name), &text("description").unwrap_or_default(), &default]);
        members(out, member, &format!("{name}."));
    }
}

/// The first sentence of each section of the page of codes.
fn codes(out: &mut String) {
    out.push_str("\n## Codes\n\n`handover check --explain CODE` prints the whole section, with an example that is wrong and one that is right.\n");
    head(out, &["code", "means"]);
    for section in super::super::codes::PAGE.split("\n## ").skip(1) {
        let Some((name, rest)) = section.split_once('\n') else { continue };
        let paragraph = rest.trim_start().split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let end = paragraph.find(". ").map_or(paragraph.len(), |end| end + 1);
        row(out, &[&code(name), paragraph.get(..end).unwrap_or_default()]);
    }
}
