//! `handover docs --language`: what a rule may say, from the tables of the code.

use std::collections::BTreeSet;
use std::fmt::Write;

use handover_engine::json::{Document, View};
use handover_engine::merge::{Function, Law, Laws, Named, OptionSpec};
use handover_engine::sanitizer::{ANNOTATIONS, formats};
use handover_engine::script;

/// The page.
pub(super) fn page() -> String {
    let mut out = String::from(HEAD);
    strategies(&mut out);
    functions(&mut out);
    values(&mut out);
    schemas(&mut out);
    fixtures(&mut out);
    codes(&mut out);
    out
}

const HEAD: &str = "# Reference for rule authors

Written by `handover docs --language`. Every example on this page runs as a test.

- [Strategies](#strategies): `merge` in `policy.json`, and the strategies of members
- [Functions](#functions): what a script may call
- [Values](#values): what a script is given, and the methods of values
- [Schemas](#schemas): the `x-` keywords and the formats
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

A rule names one as `\"merge\": \"fill\"`, or as `\"merge\": { \"keyed_union\": { … } }` with its options. A member has it as
`\"fill\"`, as `[\"keyed_union\", { … }]` with its option, or as an object of strategies for its own members.\n",
    );
    head(out, &["strategy", "gives", "written", "account", "visitor", "after", "laws"]);
    for named in Named::ALL {
        let [written, account, anonymous, after] = named.example.map(code);
        let laws = laws(named.laws());
        row(out, &[&strategy_name(named), named.summary, &written, &account, &anonymous, &after, &laws]);
    }
    out.push_str("\nOptions of strategies, and of the functions of the same names:\n");
    head(out, &["option", "of", "takes", "does"]);
    for option in options() {
        let of = Function::ALL.iter().filter_map(|own| Some((own.name, own.options?.takes.options())));
        let of = of.chain(Named::ALL.iter().map(|own| (own.name, own.options())));
        let of: BTreeSet<&str> = of.filter(|(_, own)| own.contains(&option)).map(|(name, _)| name).collect();
        let of: Vec<_> = of.into_iter().map(code).collect();
        row(out, &[&code(option.name), &of.join(", "), &option.takes.words(), option.summary]);
    }
}

/// The name of a strategy, with that of the function that scripts call for it.
fn strategy_name(named: &Named) -> String {
    let name = code(named.name);
    named.alias.map_or_else(|| name.clone(), |alias| format!("{name} (also {})", code(alias)))
}

/// All options, each once.
fn options() -> Vec<OptionSpec> {
    let of_functions = Function::ALL.iter().filter_map(|function| function.options).map(|own| own.takes.options());
    let mut options: Vec<OptionSpec> =
        of_functions.chain(Named::ALL.iter().map(Named::options)).flatten().copied().collect();
    options.sort_by_key(|option| option.name);
    options.dedup();
    options
}

/// The laws that a merge keeps by construction.
fn laws(kept: Laws) -> String {
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
        "\n## Functions\n\nA script is `fn merge(account, anonymous, context)`. The account's value comes first.\n",
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
        let laws = function.laws().map(laws).unwrap_or_default();
        row(out, &[&code(function.signature), &summary, &call, &result, &laws]);
    }
    for verb in script::verbs() {
        row(out, &[&code(verb.signature), verb.summary, "", "", ""]);
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
