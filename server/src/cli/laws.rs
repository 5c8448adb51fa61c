//! `handover laws`

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use handover_engine::author::laws::{self, Law, Tally};
use handover_engine::diagnostic::{Diagnostic, suggestion};
use handover_engine::generate::Violation;
use handover_engine::json::Json;
use handover_engine::policy::Files;
use handover_engine::rule::Rule;
use handover_engine::ruleset::{RuleSet, at_merge};
use serde::Serialize;
use serde_json::{Value, json};

use super::output::{Status, count, print, say, usage};
use super::progress::Progress;
use super::rules::{self, Colour, Form};
use crate::files;
use crate::render::{self, Outcome, Report, TestCase};

/// Arguments of `laws`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// Only this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Cases that are made for each rule
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    cases: usize,
    /// Where the cases come from: a number, or `random`
    #[arg(long, default_value = "1", value_name = "N|random")]
    seed: String,
    /// When to stop asking, such as `10s`
    #[arg(long, default_value = "10s", value_name = "TIME")]
    time: String,
    /// Write each broken law as a fixture, below `fixtures/laws`
    #[arg(long)]
    save: bool,
    /// How the laws are printed
    #[arg(long, value_enum, default_value = "pretty")]
    format: Form,
    /// When colour is used
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

/// One rule and what became of its laws.
struct Asked<'a> {
    rule: &'a Rule,
    tallies: Vec<Tally>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let seed = seed(&arguments.seed).map_err(usage)?;
    let time = duration(&arguments.time).map_err(usage)?;
    let files = rules::read(&arguments.rules)?;
    let rules = match RuleSet::compile_to_ask(&files) {
        Ok(rules) => rules,
        Err(found) => {
            print(rules::shown(&found, &files.0, &arguments.rules, arguments.format, arguments.color).as_bytes())?;
            return Ok(Status::Rules);
        }
    };
    let wanted = |rule: &&Rule| arguments.rule.as_deref().is_none_or(|name| *rule.name == *name);
    let chosen: Vec<&Rule> = rules.rules().iter().filter(wanted).collect();
    if let (Some(name), true) = (&arguments.rule, chosen.is_empty()) {
        let names: Vec<&str> = rules.rules().iter().map(|rule| &*rule.name).collect();
        return Err(usage(anyhow!("no rule `{name}`, {}", suggestion(name, &names))));
    }
    let start = Instant::now();
    let progress = Progress::of(chosen.len() * arguments.cases, "cases");
    let shares = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
    let asked = (0..).zip(chosen).map(|(index, rule)| {
        // what a rule leaves of its share goes to those behind it
        let until = time.checked_div(shares).unwrap_or(time).saturating_mul(index + 1);
        let is_over = || {
            progress.step();
            start.elapsed() > until
        };
        let tallies = laws::ask(&rules, rule, arguments.cases, seed, &is_over);
        Asked { rule, tallies }
    });
    let asked: Vec<Asked<'_>> = asked.collect();
    drop(progress);
    let broken = broken(&rules, &asked, &files);
    let folder = arguments.rules.to_str().unwrap_or("rules");
    let report = Report { diagnostics: &broken, most: usize::MAX, texts: &files.0, folder };
    let text = match arguments.format {
        Form::Pretty => pretty(&rules, &asked, seed, start.elapsed()),
        Form::Json => machine(&rules, &asked, &report, seed),
        Form::Github => render::github(&report),
        Form::Junit => render::junit(&test_cases(&rules, &asked)),
    };
    print(text.as_bytes())?;
    if arguments.save {
        save(&asked, &rules)?;
    }
    let tested = asked.iter().all(|one| one.tallies.iter().all(|tally| tally.asked > 0)) && !asked.is_empty();
    Ok(if broken.is_empty() && tested { Status::Ok } else { Status::Tests })
}

fn seed(text: &str) -> Result<u64> {
    if text == "random" {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        return Ok(u64::from(now.subsec_nanos()) ^ now.as_secs());
    }
    text.parse().map_err(|_| anyhow!("`--seed {text}`: a number, or `random`"))
}

fn duration(text: &str) -> Result<Duration> {
    let wrong = || anyhow!("`--time {text}`: a number of seconds or minutes, such as `10s`");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(wrong()),
    }
}

/// What a law's tally is worth: kept, broken, waived, or only shown.
fn verdict(rules: &RuleSet, rule: &Rule, tally: &Tally) -> &'static str {
    let waived = rule.waivers.iter().any(|(law, _)| law == tally.law.name());
    match tally.law {
        _ if tally.asked == 0 => "not asked",
        _ if tally.broken == 0 => "holds",
        law if !law.must_hold() => "shown",
        Law::Relogin if rules.takes_once() => "once",
        law if waived && law.may_be_waived() => "waived",
        _ => "broken",
    }
}

fn broken(rules: &RuleSet, asked: &[Asked<'_>], files: &Files) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for Asked { rule, tallies } in asked {
        for tally in tallies.iter().filter(|tally| verdict(rules, rule, tally) == "broken") {
            let share = share(tally);
            let message = format!("`{}` breaks law {} in {share}: {}", rule.name, tally.law.name(), tally.law.words());
            found.push(at_merge(rule, files, tally.law.code(), message));
        }
    }
    found
}

fn share(tally: &Tally) -> String {
    let tenths = tally.broken * 1_000 / tally.asked.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn text(value: Option<&Json>) -> String {
    value.map_or("nothing".to_owned(), |value| value.view().to_text())
}

fn pretty(rules: &RuleSet, asked: &[Asked<'_>], seed: u64, time: Duration) -> String {
    let mut out = String::new();
    for Asked { rule, tallies } in asked {
        let cases = tallies.first().map_or(0, |tally| tally.asked);
        // writing to a string cannot fail
        let _ = writeln!(out, "{}: {}", rule.name, count(cases, "case"));
        for tally in tallies {
            let words = tally.law.words();
            let verdict = match verdict(rules, rule, tally) {
                same @ ("holds" | "not asked") => same.to_owned(),
                "shown" => format!("differs in {}", share(tally)),
                "once" => format!("breaks in {}, which `session.once` makes right", share(tally)),
                "waived" => {
                    let reason = rule.waivers.iter().find(|(law, _)| law == tally.law.name());
                    let reason = reason.map_or("", |(_, reason)| reason);
                    format!("waived ({}): {reason}", share(tally))
                }
                _ => format!("BROKEN in {}", share(tally)),
            };
            let _ = writeln!(out, "  {:<3} {words:<54} {verdict}", tally.law.name());
            let shown = tally.violation.as_ref().filter(|_| verdict.starts_with("BROKEN"));
            if let Some(Violation { case, once, twice }) = shown {
                let _ = writeln!(out, "        account    {}", text(case.account.as_ref()));
                let _ = writeln!(out, "        anonymous  {}", text(Some(&case.anonymous)));
                let (first, second) = sides(tally.law);
                let _ = writeln!(out, "        {first:<10} {}", text(once.as_ref()));
                let _ = writeln!(out, "        {second:<10} {}", text(twice.as_ref()));
            }
        }
    }
    let _ = writeln!(out, "{} · seed {seed} · {} ms{}", sum(rules, asked), time.as_millis(), read_more(rules, asked));
    out
}

/// How the laws of all rules did.
fn sum(rules: &RuleSet, asked: &[Asked<'_>]) -> String {
    let verdicts = asked.iter().flat_map(|one| one.tallies.iter().map(move |tally| verdict(rules, one.rule, tally)));
    let verdicts: Vec<_> = verdicts.collect();
    let of = |wanted: &str| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let outcome = match (of("broken"), of("not asked")) {
        (0, 0) => "laws hold".to_owned(),
        (0, _) => "out of time: not every rule was asked".to_owned(),
        (broken, _) => format!("{} broken", count(broken, "law")),
    };
    let waived = if of("waived") > 0 { format!(" · {} waived", of("waived")) } else { String::new() };
    format!("{outcome} · {}{waived}", count(asked.len(), "rule"))
}

/// Where the first broken law is explained.
fn read_more(rules: &RuleSet, asked: &[Asked<'_>]) -> String {
    let all = asked.iter().flat_map(|one| one.tallies.iter().map(move |tally| (one.rule, tally)));
    let broken = all.into_iter().find(|(rule, tally)| verdict(rules, rule, tally) == "broken");
    broken.map(|(_, tally)| format!(" · handover check --explain {}", tally.law.code())).unwrap_or_default()
}

/// What the two sides of a violation are.
fn sides(law: Law) -> (&'static str, &'static str) {
    match law {
        Law::Relogin => ("once", "twice"),
        Law::Inflationary | Law::NoInvention | Law::Bounded => ("before", "after"),
        _ => ("one way", "other way"),
    }
}

/// The broken laws as every command prints errors, and how each law did.
fn machine(rules: &RuleSet, asked: &[Asked<'_>], report: &Report<'_>, seed: u64) -> String {
    let rule = |Asked { rule, tallies }: &Asked<'_>| {
        let laws: Vec<Value> = tallies.iter().map(|tally| law(rule, tally, verdict(rules, rule, tally))).collect();
        json!({ "rule": *rule.name, "laws": laws })
    };
    let all = Machine { output: render::output(report), rules: asked.iter().map(rule).collect(), seed };
    serde_json::to_string(&all).unwrap_or_default() + "\n"
}

/// One law of one rule, with the case that breaks it.
fn law(rule: &Rule, tally: &Tally, verdict: &str) -> Value {
    let mut told = json!({ "law": tally.law.name(), "verdict": verdict, "asked": tally.asked, "broken": tally.broken });
    let members = told.as_object_mut();
    if let (Some(Violation { case, once, twice }), Some(members)) = (&tally.violation, members) {
        let witness = json!({ "account": value(case.account.as_ref()), "anonymous": value(Some(&case.anonymous)),
                              "once": value(once.as_ref()), "twice": value(twice.as_ref()) });
        members.insert("witness".to_owned(), witness);
        let reason = rule.waivers.iter().find(|(law, _)| law == tally.law.name());
        members.extend(reason.map(|(_, reason)| ("waiver".to_owned(), Value::String(reason.clone()))));
    }
    told
}

fn value(json: Option<&Json>) -> Value {
    json.map_or(Value::Null, |json| serde_json::from_str(&text(Some(json))).unwrap_or(Value::Null))
}

#[derive(Serialize)]
struct Machine<'a> {
    #[serde(flatten)]
    output: render::Output<'a>,
    rules: Vec<Value>,
    seed: u64,
}

/// The laws of each rule as tools of CI read them.
fn test_cases(rules: &RuleSet, asked: &[Asked<'_>]) -> Vec<TestCase> {
    let case = |rule: &Rule, tally: &Tally| {
        let told = format!("broken in {} of {}", share(tally), count(tally.asked, "case"));
        let outcome = match verdict(rules, rule, tally) {
            "holds" => Outcome::Passed,
            "broken" => Outcome::Failed(told),
            other => Outcome::Skipped(format!("{other}: {told}")),
        };
        TestCase { group: rule.name.to_string(), name: format!("{} {}", tally.law.name(), tally.law.words()), outcome }
    };
    asked.iter().flat_map(|one| one.tallies.iter().map(|tally| case(one.rule, tally))).collect()
}

/// Writes each broken law as a fixture, unless it is there already.
fn save(asked: &[Asked<'_>], rules: &RuleSet) -> Result<()> {
    for Asked { rule, tallies } in asked {
        for tally in tallies.iter().filter(|tally| verdict(rules, rule, tally) == "broken") {
            let Some(violation) = &tally.violation else { continue };
            let file = format!("fixtures/laws/{}-{}.json", rule.name, tally.law.name().to_lowercase());
            let written =
                files::write_new(&file, &fixture(rule, tally.law, violation)).context("cannot save the case")?;
            say(&if written { format!("wrote {file}") } else { format!("{file} is there already") });
        }
    }
    Ok(())
}

/// A case that fails as long as the law is broken.
fn fixture(rule: &Rule, law: Law, violation: &Violation) -> String {
    let before = if law == Law::Relogin { violation.once.as_ref() } else { violation.case.account.as_ref() };
    let mut anonymous = value(Some(&violation.case.anonymous));
    for token in rule.from.tokens().iter().rev() {
        anonymous = json!({ token: anonymous });
    }
    let mut account = serde_json::Map::new();
    if let Some(before) = before {
        account.insert(rule.root.clone(), value(Some(before)));
    }
    let mut case = serde_json::Map::new();
    case.insert("anonymous".to_owned(), anonymous);
    case.insert(rule.sink.word().to_owned(), Value::Object(account.clone()));
    case.insert("expect".to_owned(), json!({ "status": "unchanged", rule.sink.word(): account, "findings": ["…"] }));
    serde_json::to_string_pretty(&Value::Object(case)).unwrap_or_default() + "\n"
}
