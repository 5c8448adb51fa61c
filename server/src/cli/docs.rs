//! `handover docs`: the policy as a page for people who do not read its files.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use handover_engine::json::{Document, Kind, View};
use handover_engine::policy::{Files, POLICY_FILE};
use handover_engine::rule::{Mode, Rule};
use handover_engine::ruleset::RuleSet;

use super::output::{Status, print, say, usage};
use super::rules;
use super::test::sentence;
use crate::files;

/// Arguments of `docs`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// Folder of the fixtures
    #[arg(long, default_value = "fixtures", value_name = "DIR")]
    fixtures: PathBuf,
    /// Write the page to this file, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only say whether the file is as it would be written; 6 if it is not
    #[arg(long, requires = "out")]
    check: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let Some(rules) = rules::load(&arguments.rules)? else { return Ok(Status::Rules) };
    let files = rules::read(&arguments.rules)?;
    let fixtures = if arguments.fixtures.is_dir() {
        files::fixtures(&arguments.fixtures).map_err(usage)?
    } else {
        BTreeMap::new()
    };
    let page = page(&rules, &files, &fixtures);
    let Some(out) = &arguments.out else {
        print(page.as_bytes())?;
        return Ok(Status::Ok);
    };
    if !arguments.check {
        files::write(out, &page)?;
        return Ok(Status::Ok);
    }
    if out.exists() && files::text(out).map_err(usage)? == page {
        return Ok(Status::Ok);
    }
    let out = out.display();
    say(&format!("`{out}` is not what the rules say: run `handover docs --out {out}`"));
    Ok(Status::Stale)
}

fn page(rules: &RuleSet, files: &Files, fixtures: &BTreeMap<String, String>) -> String {
    let mut out = format!("# {}\n\nWritten by `handover docs`.\n", rules.name());
    let policy = files.get(POLICY_FILE).and_then(|text| Document::read(text.as_bytes()).ok());
    let policy = policy.as_ref().map(Document::root);
    let declared = |name| policy.and_then(|policy| policy.get(name));
    let protected =
        declared("protected").map_or("groups, permissions, plan, roles".to_owned(), |list| words(list).join(", "));
    let once = if rules.takes_once() { "A hand-over counts once" } else { "Every login merges again" };
    // writing to a string cannot fail
    let _ = writeln!(
        out,
        "\n{once}. No rule writes {protected} or what the provider keeps. The values of one login take at most {} bytes of each metadata object.",
        rules.limits().sink_bytes
    );
    let mut cases: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, text) in fixtures {
        let skip = Document::read(text.as_bytes()).ok().and_then(|case| Some(case.root().get("skip")?.word()));
        let skip = skip.map(|reason| format!(" (skipped: {reason})")).unwrap_or_default();
        cases.entry(file.split('/').next().unwrap_or_default()).or_default().push(sentence(file) + skip.as_str());
    }
    for rule in rules.rules() {
        let declared = declared("rules").into_iter().flat_map(View::items);
        let declared = declared.filter_map(|one| one.get("name").filter(|name| name.word() == *rule.name).map(|_| one));
        describe(&mut out, rule, declared.last(), files);
        listed(&mut out, &cases.remove(&*rule.name).unwrap_or_default());
    }
    for guard in rules.guards() {
        let file = format!("{}.guard.rhai", guard.operation);
        let said = said(files.get(&file).unwrap_or_default(), "authorize");
        let _ = writeln!(out, "\n## Who may {}\n\nOf anonymous callers: {said} (`{file}`)", guard.operation);
        listed(&mut out, &cases.remove(&*guard.operation).unwrap_or_default());
    }
    if !cases.is_empty() {
        out.push_str("\n## All rules\n");
        listed(&mut out, &cases.into_values().flatten().collect::<Vec<_>>());
    }
    out
}

fn listed(out: &mut String, cases: &[String]) {
    if !cases.is_empty() {
        out.push_str("\nTested:\n\n");
        for case in cases {
            let _ = writeln!(out, "- {case}");
        }
    }
}

fn describe(out: &mut String, rule: &Rule, declared: Option<View<'_>>, files: &Files) {
    let most = rule.bytes_max.map_or("any number of bytes".to_owned(), |bytes| format!("at most {bytes} bytes"));
    let Rule { name, from_text, root, .. } = rule;
    let from = if from_text.is_empty() { "the whole metadata".to_owned() } else { format!("`{from_text}`") };
    let _ = writeln!(out, "\n## {name}\n\nFrom {from} to `{}.{root}`, {most}.", rule.sink.word());
    if rule.mode == Mode::Observe {
        out.push_str("\nIt only observes: it reports what it would write, and writes nothing.\n");
    }
    if let Some(on) = &rule.on {
        let on: Vec<_> = on.iter().map(|trigger| trigger.word()).collect();
        let _ = writeln!(out, "Only on {}.", on.join(" and "));
    }
    let _ = writeln!(out, "\nMerge: {}", merge(name, declared.and_then(|rule| rule.get("merge")), files));
    for (law, reason) in &rule.waivers {
        let _ = writeln!(out, "\n{law} is waived: {reason}");
    }
    let schema = files.get(&format!("{name}.schema.json")).and_then(|text| Document::read(text.as_bytes()).ok());
    let Some(schema) = &schema else { return };
    out.push_str("\n| place | holds | within | where it is invalid |\n|---|---|---|---|\n");
    let root = schema.root();
    Fields { out, root, followed: BTreeMap::new(), when: Vec::new() }.field(root, from_text, Held::Whole);
    if declared.and_then(|rule| rule.get("unknown")).is_some_and(|unknown| unknown.word() == "keep") {
        out.push_str("\nMembers that the schema does not name pass too.\n");
    }
}

/// What holds a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Nothing: it is the value of the rule.
    Whole,
    /// An object that needs it.
    Required,
    /// An object that does not.
    Optional,
    /// A list.
    Item,
}

/// A step of `x-on-invalid`, as a reader of the page knows it.
fn step(word: String) -> String {
    if word == "fail" { "not without it: what holds it is invalid".to_owned() } else { word }
}

/// What stands in `///` above a function of a script.
fn said(script: &str, function: &str) -> String {
    let before = script.split(&format!("\nfn {function}(")).next().unwrap_or_default();
    let said = before.lines().rev().take_while(|line| line.starts_with("///"));
    let said: Vec<_> = said.map(|line| line.trim_start_matches('/').trim()).collect();
    said.into_iter().rev().collect::<Vec<_>>().join(" ")
}

/// What a merge does, in the words of its author, or of the strategy.
fn merge(name: &str, declared: Option<View<'_>>, files: &Files) -> String {
    let own = format!("{name}.merge.rhai");
    let declared_text = declared.map(View::word).unwrap_or_default();
    let script = if declared.is_none() { own } else { declared_text.clone() };
    if let Some(script_text) = files.get(&script) {
        return format!("{} (`{script}`)", said(script_text, "merge")).trim().to_owned();
    }
    let Some(declared) = declared else { return String::new() };
    let function = declared.named_members().map(|(name, _)| name.word()).find(|name| name != "default");
    let function = function.unwrap_or(declared_text);
    let means = MEANINGS.iter().find(|(name, _)| *name == function).map_or("", |(_, means)| means);
    format!("{means} (`{}`)", declared.to_text())
}

/// What each strategy does that a rule may name.
const MEANINGS: [(&str, &str); 27] = [
    ("account", "the account's value; the visitor's where there is none"),
    ("all", "true only if both say so"),
    ("anonymous", "the visitor's value"),
    ("any", "true if either says so"),
    ("archive_existing", "the visitor's cart; the account's is kept beside it"),
    ("concat", "one list behind the other"),
    ("each", "each name by itself"),
    ("earliest_time", "the earlier time"),
    ("fill", "the account's value; the visitor's where that is blank"),
    ("highest", "the value that stands later in a list"),
    ("higher_quantity", "both carts; of the same line the larger quantity"),
    ("keep", "the account's value, even where there is none"),
    ("keyed_union", "both lists; items with the same key become one"),
    ("latest", "the value whose time is later"),
    ("latest_time", "the later time"),
    ("lowest", "the value that stands earlier in a list"),
    ("max", "the larger number"),
    ("merge_fields", "member by member"),
    ("min", "the smaller number"),
    ("recent", "the newest entries of both lists"),
    ("saved_quantity", "both carts; of the same line the account's quantity"),
    ("sum", "the sum"),
    ("sum_quantities", "both carts; of the same line the sum"),
    ("union", "both sets"),
    ("use_existing", "the account's cart"),
    ("use_guest", "the visitor's cart"),
    ("use_guest_if_existing_empty", "the account's cart; the visitor's where that is empty"),
];

impl Held {
    /// What goes with a value that is invalid.
    fn dropped(self) -> &'static str {
        match self {
            Self::Whole => "drops the value",
            Self::Required => "drops its object",
            Self::Optional => "drops the member",
            Self::Item => "drops the item",
        }
    }
}

/// The rows of a schema: a place each.
struct Fields<'a> {
    out: &'a mut String,
    root: View<'a>,
    /// References that were followed, and the place that each was followed from first.
    followed: BTreeMap<String, String>,
    /// When the branches apply that are being described, the outer one first.
    when: Vec<String>,
}

impl<'a> Fields<'a> {
    const BOUNDS: [&'static str; 16] = [
        "const",
        "enum",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "uniqueItems",
    ];

    fn field(&mut self, schema: View<'a>, place: &str, held: Held) {
        // what refers to another schema, and says nothing itself, is described there
        let says_more = schema.members().any(|(name, _)| !name.is("$ref"));
        if schema.kind() == Kind::Object && says_more {
            self.row(schema, place, held);
        } else if schema.as_bool() == Some(false) {
            let _ = writeln!(self.out, "| `{place}` | | {} | never passes |", self.when.join(", ").replace('|', "\\|"));
        }
        self.below(schema, place, held);
    }

    fn row(&mut self, schema: View<'a>, place: &str, held: Held) {
        let says = |keyword| schema.get(keyword).and_then(View::as_bool) == Some(true);
        let atomic = says("x-atomic").then(|| "whole or not at all".to_owned());
        let required = (held == Held::Required).then(|| "required".to_owned());
        let bounds: Vec<_> =
            self.when.iter().cloned().chain(required).chain(Self::bounds(schema)).chain(atomic).collect();
        let is_sensitive = says("x-sensitive");
        let filled = schema.get("x-on-missing").map_or("", |_| "; the default where it is missing");
        let steps = match schema.get("x-on-invalid") {
            _ if is_sensitive => "never passes".to_owned(),
            Some(steps) => words(steps).into_iter().map(step).collect::<Vec<_>>().join(", then ") + filled,
            None => format!("{}{filled}", held.dropped()),
        };
        let cut = ["maxItems", "maxProperties"].into_iter().find_map(|keyword| schema.get(keyword));
        // what passes whole or not at all is never cut
        let cut = cut.filter(|_| !says("x-atomic"));
        let steps = cut.map_or(steps.clone(), |most| format!("cut to {}; {steps}", most.to_text()));
        let cells = [types(schema), bounds.join(", "), steps].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(self.out, "| `{place}` | {} |", cells.join(" | "));
    }

    /// What a schema asks of a value, keyword by keyword.
    fn bounds(schema: View<'_>) -> Vec<String> {
        let names = schema.get("propertyNames").map(|names| match names.get("pattern") {
            Some(pattern) => format!("names match `{}`", pattern.to_text()),
            None => format!("names are as `{}`", names.to_text()),
        });
        let bounds = Self::BOUNDS.iter().filter_map(|keyword| Some((keyword, schema.get(keyword)?)));
        let bounds = bounds.map(|(keyword, value)| format!("{keyword} `{}`", value.to_text()));
        // what its own members need is said of them
        let is_own = |name: &String| schema.get("properties").is_some_and(|own| own.get(name).is_some());
        let needed = schema.get("required").map(words).unwrap_or_default().into_iter().filter(|name| !is_own(name));
        let needed = needed.map(|name| format!("needs `{name}`"));
        let dependent = schema.get("dependentRequired").into_iter().flat_map(View::named_members);
        let dependent = dependent.map(|(name, needs)| format!("`{}` needs {}", name.word(), quoted(&words(needs))));
        let items = schema.get("contains").map(|item| {
            let least = schema.get("minContains").map_or("1".to_owned(), View::to_text);
            let most = schema.get("maxContains").map(|most| format!(" and at most {}", most.to_text()));
            format!("at least {least}{} of the items are `{}`", most.unwrap_or_default(), item.to_text())
        });
        let not = schema.get("not").map(|not| format!("not `{}`", not.to_text()));
        names.into_iter().chain(bounds).chain(needed).chain(dependent).chain(items).chain(not).collect()
    }

    /// A branch of a place, which applies in some cases only: what it asks, and the places below.
    fn branch(&mut self, branch: View<'a>, place: &str, held: Held, when: Option<String>) {
        let depth = self.when.len();
        self.when.extend(when);
        let types = types(branch);
        let asked = Self::bounds(branch);
        let never = if branch.as_bool() == Some(false) { "never passes" } else { "" };
        if !asked.is_empty() || !matches!(types.as_str(), "" | "object") || !never.is_empty() {
            let bounds: Vec<_> = self.when.iter().cloned().chain(asked).collect();
            let cells = [types, bounds.join(", "), never.to_owned()].map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(self.out, "| `{place}` | {} |", cells.join(" | "));
        }
        self.below(branch, place, held);
        self.when.truncate(depth);
    }

    /// The places below, through what the schema refers to and combines.
    fn below(&mut self, schema: View<'a>, place: &str, held: Held) {
        let required: Vec<_> = schema.get("required").map(words).unwrap_or_default();
        for (name, member) in schema.get("properties").into_iter().flat_map(View::named_members) {
            let name = name.word();
            let held = if required.contains(&name) { Held::Required } else { Held::Optional };
            self.field(member, &format!("{place}/{name}"), held);
        }
        for (pattern, member) in schema.get("patternProperties").into_iter().flat_map(View::named_members) {
            self.field(member, &format!("{place}/{}", pattern.word()), Held::Optional);
        }
        for name in ["additionalProperties", "unevaluatedProperties"] {
            if schema.get(name).and_then(View::as_bool) == Some(true) {
                let _ = writeln!(self.out, "| `{place}/*` | anything |  |  |");
            }
        }
        for (keyword, held) in [
            ("items", Held::Item),
            ("additionalItems", Held::Item),
            ("unevaluatedItems", Held::Item),
            ("additionalProperties", Held::Optional),
            ("unevaluatedProperties", Held::Optional),
        ] {
            if let Some(child) = schema.get(keyword).filter(|child| child.kind() == Kind::Object) {
                self.field(child, &format!("{place}/*"), held);
            }
        }
        let listed = ["prefixItems", "items"].into_iter().filter_map(|keyword| schema.get(keyword));
        for (index, item) in listed.flat_map(View::items).enumerate() {
            self.field(item, &format!("{place}/{index}"), Held::Item);
        }
        for branch in schema.get("allOf").into_iter().flat_map(View::items) {
            self.branch(branch, place, held, None);
        }
        for choice in ["anyOf", "oneOf"].into_iter().filter_map(|keyword| schema.get(keyword)) {
            for (index, branch) in choice.items().enumerate() {
                let when = format!("form {} of {}", index + 1, choice.len());
                self.branch(branch, place, held, Some(when));
            }
        }
        let condition = schema.get("if").map(View::to_text).unwrap_or_default();
        for (keyword, when) in [("then", "if"), ("else", "unless")] {
            if let Some(branch) = schema.get(keyword).filter(|_| !condition.is_empty()) {
                self.branch(branch, place, held, Some(format!("{when} `{condition}`")));
            }
        }
        for (name, branch) in schema.get("dependentSchemas").into_iter().flat_map(View::named_members) {
            self.branch(branch, place, held, Some(format!("beside `{}`", name.word())));
        }
        let Some(reference) = schema.get("$ref").map(View::word) else { return };
        let target = reference.strip_prefix('#').and_then(handover_engine::pointer::Pointer::parse);
        let Some(target) = target.and_then(|pointer| pointer.get(self.root)) else { return };
        match self.followed.get(&reference) {
            None => {
                self.followed.insert(reference, place.to_owned());
                self.field(target, place, held);
            }
            // what stands in itself, or is said twice of one place
            Some(first) if first == place || place.starts_with(&format!("{first}/")) => {}
            Some(first) if holds_places(target) => {
                let _ = writeln!(self.out, "| `{place}` | as `{first}` | | |");
            }
            Some(_) => self.field(target, place, held),
        }
    }
}

/// Whether a schema has rows below its own.
fn holds_places(schema: View<'_>) -> bool {
    let scalar = ["const", "enum", "format", "maxLength", "maximum", "minLength", "minimum", "pattern", "type"];
    let is_said = |name: &str| scalar.contains(&name) || name.starts_with("x-") || name == "description";
    let is_container =
        schema.get("type").is_some_and(|types| words(types).iter().any(|one| one == "array" || one == "object"));
    is_container || schema.members().any(|(name, _)| !is_said(&name.decode()))
}

/// The types that a schema lets pass.
fn types(schema: View<'_>) -> String {
    schema.get("type").map(|types| words(types).join(" or ")).unwrap_or_default()
}

/// Names, as a list of code.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A text, or the texts of a list.
fn words(view: View<'_>) -> Vec<String> {
    if view.kind() == Kind::Array { view.items().map(View::word).collect() } else { vec![view.word()] }
}

#[cfg(test)]
mod tests {
    use handover_engine::merge::{Cart, Strategy};

    #[test]
    fn every_strategy_has_its_words() {
        for name in Strategy::NAMES.iter().chain(&Cart::NAMES) {
            assert!(super::MEANINGS.iter().any(|(own, _)| own == name), "{name}");
        }
    }
}
