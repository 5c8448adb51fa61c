//! `handover docs`: the policy as a page for people who do not read its files.

mod fields;
mod language;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use handover_engine::json::{Document, View};
use handover_engine::merge::Named;
use handover_engine::policy::{Files, POLICY_FILE};
use handover_engine::rule::{Mode, Rule};
use handover_engine::ruleset::RuleSet;
use handover_engine::script::documented;

use fields::words;

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
    /// Print the reference of all strategies, functions, keywords and codes, instead of the page of this policy
    #[arg(long)]
    language: bool,
    /// Check whether the file is up to date, without writing it; 6 if it is not
    #[arg(long, requires = "out")]
    check: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let page = if arguments.language {
        language::page()
    } else {
        let Some(rules) = rules::load(&arguments.rules)? else { return Ok(Status::Rules) };
        let files = rules::read(&arguments.rules)?;
        let fixtures = if arguments.fixtures.is_dir() {
            files::fixtures(&arguments.fixtures).map_err(usage)?
        } else {
            BTreeMap::new()
        };
        page(&rules, &files, &fixtures)
    };
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
    let flag = if arguments.language { "--language " } else { "" };
    say(&format!("`{out}` is out of date: run `handover docs {flag}--out {out}`"));
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
        let said = documented(files.get(&file).unwrap_or_default(), "authorize");
        let said = if said.is_empty() { "what the guard says".to_owned() } else { said };
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
    fields::table(out, schema.root(), from_text);
    if declared.and_then(|rule| rule.get("unknown")).is_some_and(|unknown| unknown.word() == "keep") {
        out.push_str("\nMembers that the schema does not name pass too.\n");
    }
}

/// What a merge does, in the words of its author, or of the strategy.
fn merge(name: &str, declared: Option<View<'_>>, files: &Files) -> String {
    let own = format!("{name}.merge.rhai");
    let declared_text = declared.map(View::word).unwrap_or_default();
    let script = if declared.is_none() { own } else { declared_text.clone() };
    if let Some(script_text) = files.get(&script) {
        return format!("{} (`{script}`)", documented(script_text, "merge")).trim().to_owned();
    }
    let Some(declared) = declared else { return String::new() };
    let function = declared.named_members().map(|(name, _)| name.word()).find(|name| name != "default");
    let function = function.unwrap_or(declared_text);
    let means = Named::by_name(&function).map_or("", |named| named.summary);
    format!("{means} (`{}`)", declared.to_text())
}
