//! `handover laws`

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use handover_engine::author::laws::{self, Law, Tally, Trial};
use handover_engine::decision::Notice;
use handover_engine::diagnostic::{Code, Diagnostic, LawProblem, Severity, suggestion};
use handover_engine::event::Trigger;
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
    /// Cases that were asked for.
    wanted: usize,
    trial: Trial,
    rules: &'a RuleSet,
}

/// What is known of one law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It held wherever the merge ran.
    Holds,
    /// The strategies that the merge is made of keep it.
    ByConstruction,
    /// It is broken, and must not be.
    Broken,
    /// It differs, and may.
    Shown,
    /// It is broken, and the author says why.
    Waived,
    /// The merge never ran.
    NotTested,
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::ByConstruction => "by construction",
            Self::Broken => "broken",
            Self::Shown => "shown",
            Self::Waived => "waived",
            Self::NotTested => "not tested",
        }
    }
}

/// A merge that ran in fewer of a hundred logins is reported.
const RAN_MIN: usize = 25;

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
        let wanted = arguments.cases;
        Asked { rule, wanted, trial: laws::ask(&rules, rule, wanted, seed, &is_over), rules: &rules }
    });
    let asked: Vec<Asked<'_>> = asked.collect();
    drop(progress);
    let found = found(&asked, &files);
    let folder = arguments.rules.to_str().unwrap_or("rules");
    let report = Report { diagnostics: &found, most: usize::MAX, texts: &files.0, folder };
    let text = match arguments.format {
        Form::Pretty => pretty(&asked, &report, seed, start.elapsed()),
        Form::Json => machine(&asked, &report, seed),
        Form::Github => render::github(&report),
        Form::Junit => render::junit(&test_cases(&asked)),
    };
    print(text.as_bytes())?;
    if arguments.save {
        save(&asked)?;
    }
    let is_error = |one: &Diagnostic| one.severity == Severity::Error;
    Ok(if found.iter().any(is_error) || asked.is_empty() { Status::Tests } else { Status::Ok })
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

impl Asked<'_> {
    fn verdict(&self, tally: &Tally) -> Verdict {
        let waived = self.rule.waivers.iter().any(|(law, _)| law == tally.law.name());
        match tally.law {
            law if tally.broken == 0 && laws::constructed(self.rule).has(law) => Verdict::ByConstruction,
            _ if tally.asked == 0 => Verdict::NotTested,
            _ if tally.broken == 0 => Verdict::Holds,
            law if !law.must_hold() || (law == Law::Relogin && self.rules.takes_once()) => Verdict::Shown,
            law if waived && law.may_be_waived() => Verdict::Waived,
            _ => Verdict::Broken,
        }
    }

    /// The laws that are broken, and what a merge lacks that hardly ran.
    fn found(&self, files: &Files) -> Vec<Diagnostic> {
        let Self { rule, trial, .. } = self;
        let Trial { cases, ran, lack, .. } = trial;
        let mut found = Vec::new();
        if !trial.ran_in(RAN_MIN) {
            let why = match lack {
                Some((place, keyword)) => {
                    format!("no value could be made for `{}` at `{place}` of its schema", keyword.word())
                }
                None if *cases == 0 => "ask for more cases, or for more time".to_owned(),
                None => {
                    "the schema or `max_bytes` lets no generated value pass, or the script skips every login".to_owned()
                }
            };
            let (rule, logins) = (rule.name.to_string(), count(*cases, "login"));
            found.push(LawProblem::HardlyRan { rule, ran: *ran, logins, why });
        }
        for tally in trial.tallies.iter().filter(|tally| self.verdict(tally) == Verdict::Broken) {
            let Tally { law, .. } = tally;
            let (code, name, words) = (law.code(), law.name(), law.words());
            let (rule, share) = (rule.name.to_string(), share(tally));
            found.push(LawProblem::Broken { rule, code, law: name, words, share });
        }
        let span = at_merge(rule, files);
        found.into_iter().map(|problem| Diagnostic::of_law(span.clone(), problem)).collect()
    }
}

fn found(asked: &[Asked<'_>], files: &Files) -> Vec<Diagnostic> {
    asked.iter().flat_map(|one| one.found(files)).collect()
}

fn share(tally: &Tally) -> String {
    percent(tally.broken, tally.asked)
}

fn percent(part: usize, whole: usize) -> String {
    let tenths = part * 1_000 / whole.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn text(value: Option<&Json>) -> String {
    value.map_or("nothing".to_owned(), |value| value.view().to_text())
}

fn pretty(asked: &[Asked<'_>], report: &Report<'_>, seed: u64, time: Duration) -> String {
    let mut out = String::new();
    for one in asked {
        let Trial { cases, ran, tallies, .. } = &one.trial;
        let made = if *cases < one.wanted {
            format!("{cases} of {} before the time was over", count(one.wanted, "case"))
        } else {
            count(*cases, "case")
        };
        // writing to a string cannot fail
        let _ = writeln!(out, "{}: {made}, the merge ran in {ran}", one.rule.name);
        for tally in tallies {
            let _ = writeln!(out, "  {:<3} {:<54} {}", tally.law.name(), tally.law.words(), one.words(tally));
            witness(one, tally, &mut out);
        }
    }
    for one in report.diagnostics.iter().filter(|one| one.code == Code::L000) {
        let help = one.help.as_deref().unwrap_or_default();
        let _ = writeln!(out, "{}[L000]: {}: {help}", one.severity.word(), one.message);
    }
    let _ = writeln!(out, "{} · seed {seed} · {} ms{}", sum(asked), time.as_millis(), read_more(asked));
    out
}

/// The case that breaks a law.
fn witness(one: &Asked<'_>, tally: &Tally, out: &mut String) {
    let is_shown = matches!(one.verdict(tally), Verdict::Broken | Verdict::Shown);
    let Some(violation) = tally.violation.as_ref().filter(|_| is_shown) else { return };
    let Violation { case, once, twice, failure } = violation;
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "        {name:<10} {value}");
    };
    line("account", &text(case.account.as_ref()));
    line("anonymous", &text(Some(&case.anonymous)));
    if let Some(failure) = failure {
        return line("failed", &failed(failure));
    }
    if matches!(tally.law, Law::OrderFree | Law::Associative) {
        line("other", &text(Some(&case.other)));
    }
    let (first, second) = sides(tally.law);
    // the account before is the account above
    if first != "before" {
        line(first, &text(once.as_ref()));
    }
    line(second, &text(twice.as_ref()));
}

/// Where a script stopped, and why.
fn failed(notice: &Notice) -> String {
    let (Notice::ScriptFailed(stop) | Notice::BudgetExceeded(stop)) = notice else {
        return notice.keyword().to_owned();
    };
    let at = stop.at.as_ref().map(|(file, line, column)| format!(" at {file}:{line}:{column}")).unwrap_or_default();
    let cause = stop.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{}{at}{cause}", notice.keyword())
}

impl Asked<'_> {
    /// What became of a law, in words.
    fn words(&self, tally: &Tally) -> String {
        let verdict = self.verdict(tally);
        let (passed, arrived) = self.trial.arrived;
        match verdict {
            Verdict::Shown if tally.law == Law::Relogin => {
                format!("differs in {}: `session.once` lets it count once", share(tally))
            }
            Verdict::Shown if tally.law == Law::Arrives => {
                format!("{} of the visitors' values arrive", percent(arrived, passed))
            }
            Verdict::Shown => format!("differs in {}", share(tally)),
            Verdict::Waived => {
                let reason = self.rule.waivers.iter().find(|(law, _)| law == tally.law.name());
                format!("waived ({}): {}", share(tally), reason.map_or("", |(_, reason)| reason))
            }
            Verdict::Broken => format!("BROKEN in {}", share(tally)),
            Verdict::Holds | Verdict::ByConstruction | Verdict::NotTested => verdict.words().to_owned(),
        }
    }
}

/// How the laws of all rules did.
fn sum(asked: &[Asked<'_>]) -> String {
    let verdicts = asked.iter().flat_map(|one| one.trial.tallies.iter().map(move |tally| one.verdict(tally)));
    let verdicts: Vec<_> = verdicts.collect();
    let of = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let untested = asked.iter().filter(|one| one.trial.ran == 0).count();
    let outcome = match (of(Verdict::Broken), untested) {
        (0, 0) => "laws hold".to_owned(),
        (0, rules) => format!("{} not tested", count(rules, "rule")),
        (broken, _) => format!("{} broken", count(broken, "law")),
    };
    let waived = of(Verdict::Waived);
    let waived = if waived > 0 { format!(" · {waived} waived") } else { String::new() };
    format!("{outcome} · {}{waived}", count(asked.len(), "rule"))
}

/// Where the first broken law is explained.
fn read_more(asked: &[Asked<'_>]) -> String {
    if asked.iter().any(|one| one.trial.ran == 0) {
        return " · handover check --explain L000".to_owned();
    }
    let all = asked.iter().flat_map(|one| one.trial.tallies.iter().map(move |tally| (one, tally)));
    let broken = all.into_iter().find(|(one, tally)| one.verdict(tally) == Verdict::Broken);
    broken.map(|(_, tally)| format!(" · handover check --explain {}", tally.law.code())).unwrap_or_default()
}

/// What the two sides of a violation are.
fn sides(law: Law) -> (&'static str, &'static str) {
    match law {
        Law::Relogin => ("once", "twice"),
        Law::Inflationary | Law::NoInvention | Law::Bounded | Law::Arrives | Law::Distinct | Law::Total => {
            ("before", "after")
        }
        _ => ("one way", "other way"),
    }
}

/// The broken laws as every command prints errors, and how each law did.
fn machine(asked: &[Asked<'_>], report: &Report<'_>, seed: u64) -> String {
    let rule = |one: &Asked<'_>| {
        let Trial { cases, ran, tallies, arrived, .. } = &one.trial;
        let laws: Vec<Value> = tallies.iter().map(|tally| law(one, tally)).collect();
        let (passed, arrived) = arrived;
        json!({ "rule": *one.rule.name, "ran": ran, "cases": cases, "laws": laws,
                "values": { "passed": passed, "arrived": arrived } })
    };
    let all = Machine { output: render::output(report), rules: asked.iter().map(rule).collect(), seed };
    serde_json::to_string(&all).unwrap_or_default() + "\n"
}

/// One law of one rule, with the case that breaks it.
fn law(one: &Asked<'_>, tally: &Tally) -> Value {
    let verdict = one.verdict(tally).words();
    let mut told = json!({ "law": tally.law.name(), "verdict": verdict, "asked": tally.asked, "broken": tally.broken });
    let members = told.as_object_mut();
    if let (Some(Violation { case, once, twice, failure }), Some(members)) = (&tally.violation, members) {
        let mut witness = json!({ "account": value(case.account.as_ref()), "anonymous": value(Some(&case.anonymous)),
                                  "once": value(once.as_ref()), "twice": value(twice.as_ref()) });
        if let (Some(failure), Some(witness)) = (failure, witness.as_object_mut()) {
            witness.insert("failed".to_owned(), Value::String(failed(failure)));
        }
        members.insert("witness".to_owned(), witness);
        let reason = one.rule.waivers.iter().find(|(law, _)| law == tally.law.name());
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
fn test_cases(asked: &[Asked<'_>]) -> Vec<TestCase> {
    let case = |one: &Asked<'_>, tally: &Tally| {
        let told = format!("broken in {} of {}", share(tally), count(tally.asked, "case"));
        let outcome = match one.verdict(tally) {
            Verdict::Holds | Verdict::ByConstruction => Outcome::Passed,
            Verdict::Broken => Outcome::Failed(told),
            Verdict::NotTested if one.trial.ran == 0 => Outcome::Failed("the merge never ran".to_owned()),
            other => Outcome::Skipped(format!("{}: {told}", other.words())),
        };
        let name = format!("{} {}", tally.law.name(), tally.law.words());
        TestCase { group: one.rule.name.to_string(), name, outcome }
    };
    asked.iter().flat_map(|one| one.trial.tallies.iter().map(move |tally| case(one, tally))).collect()
}

/// Writes each broken law as a fixture, unless it is there already.
fn save(asked: &[Asked<'_>]) -> Result<()> {
    for one in asked {
        for tally in one.trial.tallies.iter().filter(|tally| one.verdict(tally) == Verdict::Broken) {
            let Some(violation) = &tally.violation else { continue };
            let file = format!("fixtures/laws/{}-{}.json", one.rule.name, tally.law.name().to_lowercase());
            let text = fixture(one.rules, one.rule, tally.law, violation);
            let written = files::write_new(&file, &text).context("cannot save the case")?;
            say(&if written { format!("wrote {file}") } else { format!("{file} is there already") });
        }
    }
    Ok(())
}

/// A case that fails as long as the law is broken.
fn fixture(rules: &RuleSet, rule: &Rule, law: Law, violation: &Violation) -> String {
    let Violation { case: login, once, .. } = violation;
    let before = if law == Law::Relogin { once.as_ref() } else { login.account.as_ref() };
    let after = laws::mended(rules, rule, law, violation);
    let mut anonymous = value(Some(&login.anonymous));
    for token in rule.from.tokens().iter().rev() {
        anonymous = json!({ token: anonymous });
    }
    let state = |json: Option<&Json>| -> serde_json::Map<String, Value> {
        json.map(|json| (rule.root.clone(), value(Some(json)))).into_iter().collect()
    };
    let (before, after) = (state(before), state(after.as_ref()));
    let status = if before == after { "unchanged" } else { "transferred" };
    let mut case = serde_json::Map::new();
    if login.trigger != Trigger::Login {
        case.insert("trigger".to_owned(), login.trigger.word().into());
    }
    case.insert("anonymous".to_owned(), anonymous);
    case.insert(rule.sink.word().to_owned(), Value::Object(before));
    case.insert("expect".to_owned(), json!({ "status": status, rule.sink.word(): after, "findings": ["…"] }));
    serde_json::to_string_pretty(&Value::Object(case)).unwrap_or_default() + "\n"
}
