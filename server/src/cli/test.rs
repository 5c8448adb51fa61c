//! `handover test`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use handover_engine::author::{explain, fixture, fixture::Fixture, judge, property, update};
use handover_engine::decision::Decision;
use handover_engine::diagnostic::{Code, Diagnostic, RunProblem, Span};
use handover_engine::event::{Event, Refusal};
use handover_engine::json::Position;
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;
use serde::Serialize;

use super::coverage::{self, Measured};
use super::mutants;
use super::output::{Status, count, print, say, usage};
use super::progress::Progress;
use super::rules::{self, Colour, Form};
use crate::render::{self, Outcome, Report, TestCase};
use crate::{config, files, transfer};

/// How often files are looked at.
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// Arguments of `test`.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Arguments {
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// Folder of the fixtures
    #[arg(long, default_value = "fixtures", value_name = "DIR")]
    fixtures: PathBuf,
    /// Only cases whose path holds this text; with `--mutants`, only changes of files whose path holds it
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// End at the first case that fails
    #[arg(long)]
    fail_fast: bool,
    /// Run again whenever a file changes
    #[arg(long)]
    watch: bool,
    /// Show what each failed case would expect if what came of it is right
    #[arg(long, conflicts_with = "watch")]
    update: bool,
    /// With `--update`: write it
    #[arg(long, requires = "update")]
    yes: bool,
    /// Change each bound, keyword, strategy and operator of the rules, one at a time, and print the changes that neither
    /// `check` nor a fixture nor a law detects
    #[arg(long, conflicts_with_all = ["watch", "update"])]
    mutants: bool,
    /// With `--mutants`: write a fixture for each such change
    #[arg(long, requires = "mutants")]
    save: bool,
    #[command(flatten)]
    coverage: coverage::Asked,
    /// How results are printed
    #[arg(long, value_enum, default_value = "pretty")]
    format: Form,
    /// When colour is used
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

/// How far cases are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// To the first that fails.
    Failure,
    /// All.
    End,
}

/// What came of one case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its file.
    pub file: String,
    /// `passed`, `failed` or `skipped`.
    pub status: &'static str,
    /// Operations that its merges took.
    pub operations: u64,
    /// Why it did not run, or what is wrong.
    pub reason: Option<String>,
}

/// What came of all cases.
#[derive(Debug, Default)]
pub struct Run {
    /// Each case, in the order of their files.
    pub cases: Vec<Case>,
    /// Cases that did what they expect.
    pub passed: usize,
    /// Cases that did not, or are invalid.
    pub failed: usize,
    /// Cases that say why they do not run.
    pub skipped: usize,
    /// What is wrong.
    pub failures: Vec<Diagnostic>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    if !arguments.watch {
        return once(arguments, &mut BTreeSet::new());
    }
    let look = || (files::policy(&arguments.rules).ok(), files::fixtures(&arguments.fixtures).ok());
    let mut failing = BTreeSet::new();
    loop {
        let seen = look();
        // a file that is being written is read again when it is whole
        if let Err(error) = once(arguments, &mut failing) {
            say(&format!("error: {error:#}"));
        }
        say("waiting for a change; Ctrl-C ends");
        while look() == seen {
            thread::sleep(WATCH_EVERY);
        }
    }
}

/// One run, in which the cases that failed before come first.
fn once(arguments: &Arguments, failing: &mut BTreeSet<String>) -> Result<Status> {
    let start = Instant::now();
    let files = rules::read(&arguments.rules)?;
    let rules = match RuleSet::compile(&files) {
        Ok(rules) => rules,
        Err(found) => {
            let text = rules::shown(&found, &files.0, &arguments.rules, arguments.format, arguments.color);
            // a tracefile holds no errors
            if arguments.coverage.is_lcov() {
                say(text.trim_end());
            } else {
                print(text.as_bytes())?;
            }
            return Ok(Status::Rules);
        }
    };
    if arguments.update && arguments.format != Form::Pretty {
        return Err(usage(anyhow!("`--update` shows its edits to people: take `--format` out")));
    }
    // every fixture may detect a mutant
    let filter = arguments.filter.as_deref().filter(|_| !arguments.mutants);
    let texts = texts(&arguments.fixtures, filter)?;
    if arguments.update {
        return update(arguments, &rules, &texts);
    }
    let until = if arguments.fail_fast { Until::Failure } else { Until::End };
    let mut run = cases_after(&rules, &texts, until, failing);
    if arguments.mutants && run.failed == 0 {
        let Arguments { rules, fixtures, filter, save, format, .. } = arguments;
        let filter = filter.as_deref();
        return mutants::run(&mutants::Asked { rules, fixtures, filter, save: *save, format: *format }, &files, &texts);
    }
    if arguments.mutants {
        say("no mutant was tried: a fixture that fails detects nothing; make them pass first");
    }
    blame(&mut run.failures, (&rules, &files), &arguments.rules, &texts);
    if let (Some(filter), Some(nothing)) =
        (&arguments.filter, run.failures.iter_mut().find(|one| one.code == Code::F030))
    {
        *nothing = Diagnostic::of_run(nothing.span(), RunProblem::NothingMatches { filter: filter.clone() });
    }
    *failing = run.cases.iter().filter(|case| case.status == "failed").map(|case| case.file.clone()).collect();
    let measured = arguments.coverage.measure((&rules, &files), &arguments.rules, &texts)?;
    let too_low = measured.as_ref().and_then(|measured| arguments.coverage.too_low(measured));
    let shown = Shown { arguments, run: &run, texts: &texts, measured: measured.as_ref(), too_low: too_low.as_slice() };
    let text = shown.text(start);
    match measured.filter(|_| arguments.coverage.is_lcov()) {
        Some(measured) => {
            say(text.trim_end());
            print(measured.lcov().as_bytes())?;
        }
        None => print(text.as_bytes())?,
    }
    Ok(match (run.failed == 0 && run.passed > 0, too_low) {
        (false, _) => Status::Tests,
        (true, Some(_)) => Status::Coverage,
        (true, None) => Status::Ok,
    })
}

/// What is printed of a run.
struct Shown<'a> {
    arguments: &'a Arguments,
    run: &'a Run,
    texts: &'a BTreeMap<String, String>,
    measured: Option<&'a Measured<'a>>,
    /// The error of coverage that is too low, or none.
    too_low: &'a [Diagnostic],
}

impl Shown<'_> {
    fn text(&self, start: Instant) -> String {
        let failures = self.report();
        let low = self.measured.map(|measured| measured.report(self.too_low));
        let with = |render: &dyn Fn(&Report<'_>) -> String| {
            low.iter().fold(render(&failures), |text, low| text + render(low).as_str())
        };
        match self.arguments.format {
            Form::Json => self.machine(low.as_ref()),
            Form::Junit => render::junit(&self.test_cases()),
            Form::Github => with(&render::github),
            Form::Pretty => {
                let (columns, ink) = (config::columns(), self.arguments.color.ink());
                // the error names the places itself
                let places = self.measured.filter(|_| self.too_low.is_empty()).map(Measured::lines).unwrap_or_default();
                [with(&|report| render::pretty(report, columns, ink)), places, self.last_line(start)].concat()
            }
        }
    }

    fn last_line(&self, start: Instant) -> String {
        let millis = start.elapsed().as_millis();
        let Run { passed, failed, skipped, .. } = self.run;
        let coverage = self.measured.map(|measured| format!(" · {}", measured.summary())).unwrap_or_default();
        format!("{passed} passed, {failed} failed, {skipped} skipped{coverage} · {millis} ms\n")
    }

    fn report(&self) -> Report<'_> {
        let folder = self.arguments.fixtures.to_str().unwrap_or("fixtures");
        Report { diagnostics: &self.run.failures, most: usize::MAX, texts: self.texts, folder }
    }

    /// The cases, and what fails beside them: nothing was tested, the cases come to too little.
    fn test_cases(&self) -> Vec<TestCase> {
        let beside = self.run.failures.iter().filter(|one| one.code == Code::F030).chain(self.too_low);
        let beside = beside.map(|one| TestCase {
            group: String::new(),
            name: one.code.to_string(),
            outcome: Outcome::Failed(one.message.clone()),
        });
        self.run.cases.iter().map(test_case).chain(beside).collect()
    }

    /// The failures as every command prints them, each case, and coverage.
    fn machine(&self, low: Option<&Report<'_>>) -> String {
        let failures = render::output(&self.report());
        let output = match low {
            Some(low) => failures.and(render::output(low)),
            None => failures,
        };
        let folder = self.report().folder.trim_end_matches('/').to_owned();
        let cases = self.run.cases.iter().map(|case| OneCase::of(case, &folder)).collect();
        let all = Machine { output, cases, coverage: self.measured.map(Measured::machine) };
        serde_json::to_string(&all).unwrap_or_default() + "\n"
    }
}

/// Shows, or writes, what the failed cases would expect; ends as the run does that follows.
fn update(arguments: &Arguments, rules: &RuleSet, texts: &BTreeMap<String, String>) -> Result<Status> {
    let folder = arguments.fixtures.display();
    let (mut changed, mut left) = (0, 0);
    for (file, text) in texts {
        let Ok(fixture) = Fixture::read(file, text, rules) else {
            left += 1;
            continue;
        };
        if let Some(failures) = judge::judge_guard(&fixture, rules) {
            // what a guard decides is written by hand
            left += usize::from(!failures.is_empty());
            continue;
        }
        if fixture.skip.is_some() {
            continue;
        }
        let answer = transfer::decide(rules, &fixture.body, &fixture.given);
        let failures = judge(rules, &fixture, &answer);
        let edits = answer
            .map_or_else(|_| Vec::new(), |(event, decision)| update::edits(&fixture, &event, &decision, &failures));
        left += usize::from(edits.is_empty() && !failures.is_empty());
        changed += usize::from(!edits.is_empty());
        for edit in &edits {
            let Position { line, column } = Position::of(text.as_bytes(), edit.span.start);
            let before = text.get(edit.span.clone()).unwrap_or_default();
            print(format!(" --> {folder}/{file}:{line}:{column}\n  - {before}\n  + {}\n", edit.text).as_bytes())?;
        }
        if arguments.yes && !edits.is_empty() {
            files::write(&arguments.fixtures.join(file), &update::edited(text, &edits))?;
        }
    }
    let done = if arguments.yes { "updated" } else { "would change (write them with `--yes`)" };
    print(format!("{} {done}, {left} failed for another reason\n", count(changed, "case")).as_bytes())?;
    Ok(if left == 0 && (arguments.yes || changed == 0) { Status::Ok } else { Status::Tests })
}

#[derive(Serialize)]
struct Machine<'a> {
    #[serde(flatten)]
    output: render::Output<'a>,
    cases: Vec<OneCase<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<coverage::Machine<'a>>,
}

#[derive(Serialize)]
struct OneCase<'a> {
    file: String,
    name: String,
    status: &'a str,
    ops: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> OneCase<'a> {
    fn of(case: &'a Case, folder: &str) -> Self {
        let Case { file, status, operations, reason } = case;
        Self {
            file: format!("{folder}/{file}"),
            name: sentence(file),
            status,
            ops: *operations,
            reason: reason.as_deref(),
        }
    }
}

/// A file's name as the sentence that it is.
pub(super) fn sentence(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".json").replace('-', " ")
}

/// A case as tools of CI read it.
fn test_case(case: &Case) -> TestCase {
    let reason = case.reason.clone().unwrap_or_default();
    let group = case.file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let outcome = match case.status {
        "failed" => Outcome::Failed(reason),
        "skipped" => Outcome::Skipped(reason),
        _ => Outcome::Passed,
    };
    TestCase { group, name: sentence(&case.file), outcome }
}

fn texts(folder: &Path, filter: Option<&str>) -> Result<BTreeMap<String, String>> {
    let mut texts = files::fixtures(folder).map_err(usage)?;
    texts.retain(|file, _| filter.is_none_or(|filter| file.contains(filter)));
    Ok(texts)
}

/// Runs cases through the server's own code path; each is also a property test.
#[must_use]
pub fn cases(rules: &RuleSet, texts: &BTreeMap<String, String>, until: Until) -> Run {
    cases_after(rules, texts, until, &BTreeSet::new())
}

/// The same; the cases that failed before are run, and told, first.
fn cases_after(rules: &RuleSet, texts: &BTreeMap<String, String>, until: Until, failing: &BTreeSet<String>) -> Run {
    let mut run = Run::default();
    let mut fixtures = Vec::new();
    let ends = |run: &Run| until == Until::Failure && run.failed > 0;
    for (file, text) in texts {
        match Fixture::read(file, text, rules) {
            _ if ends(&run) => break,
            Ok(fixture) => fixtures.push(fixture),
            Err(errors) => run.judged(file, 0, errors),
        }
    }
    fixtures.sort_by_key(|fixture| !failing.contains(fixture.file()));
    let progress = Progress::of(fixtures.len(), "cases");
    for fixture in &fixtures {
        progress.step();
        if ends(&run) {
            break;
        }
        match &fixture.skip {
            Some(reason) => {
                run.skipped += 1;
                let (file, reason) = (fixture.file().to_owned(), Some(reason.clone()));
                run.cases.push(Case { file, status: "skipped", operations: 0, reason });
            }
            None if fixture.operation().is_some() => {
                run.judged(fixture.file(), 0, judge::judge_guard(fixture, rules).unwrap_or_default());
            }
            None => {
                let answer = transfer::decide(rules, &fixture.body, &fixture.given);
                let operations = answer.as_ref().map_or(0, |(_, decision)| decision.operations);
                run.judged(fixture.file(), operations, judge(rules, fixture, &answer));
            }
        }
    }
    run.cases.sort_by(|a, b| a.file.cmp(&b.file));
    let twins = fixture::duplicates(&fixtures);
    run.failed += twins.len();
    run.failures.extend(twins);
    if run.passed + run.failed == 0 {
        run.failures.push(Diagnostic::of_run(Span::whole(""), RunProblem::NothingTested));
    }
    run
}

impl Run {
    fn judged(&mut self, file: &str, operations: u64, failures: Vec<Diagnostic>) {
        let status = if failures.is_empty() { "passed" } else { "failed" };
        *(if failures.is_empty() { &mut self.passed } else { &mut self.failed }) += 1;
        let reason = failures.first().map(|first| first.message.clone());
        self.cases.push(Case { file: file.to_owned(), status, operations, reason });
        self.failures.extend(failures);
    }
}

/// Says of each place that differs which line of the rules made it so.
fn blame(
    failures: &mut [Diagnostic],
    (rules, files): (&RuleSet, &Files),
    folder: &Path,
    texts: &BTreeMap<String, String>,
) {
    let blamed = |one: &&mut Diagnostic| matches!(one.code, Code::F020 | Code::F023 | Code::F024);
    for failure in failures.iter_mut().filter(blamed) {
        let fixture = texts.get(&failure.file).and_then(|text| Fixture::read(&failure.file, text, rules).ok());
        let Some(event) = fixture.and_then(|fixture| Event::read(&fixture.body, rules.provider()).ok()) else {
            continue;
        };
        let blamed = match &failure.pointer {
            Some(place) => explain::blame(rules, files, &event, place),
            None => explain::stopped(rules, files, &event).map(|(file, at)| ("it stopped at".to_owned(), file, at)),
        };
        failure.help = blamed.map(|(words, file, at)| {
            let file = folder.join(file);
            format!("{words} {}:{}", file.display(), at.line).into()
        });
    }
}

fn judge(
    rules: &RuleSet,
    fixture: &Fixture,
    answer: &std::result::Result<(Event, Decision), Refusal>,
) -> Vec<Diagnostic> {
    let mut failures = judge::judge(fixture, answer, rules);
    let fails = property::violated(rules, &fixture.body).into_iter();
    failures.extend(
        fails.map(|property| Diagnostic::of_run(Span::whole(fixture.file()), RunProblem::PropertyFails { property })),
    );
    failures
}
