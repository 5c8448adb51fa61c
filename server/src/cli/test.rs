//! `handover test`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use handover_engine::author::{fixture, fixture::Fixture, property};
use handover_engine::diagnostic::Diagnostic;
use handover_engine::ruleset::{Given, RuleSet};

use super::output::{Status, print, usage};
use super::rules::{self, Colour, Format};
use crate::{files, transfer};

/// Arguments of `test`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// Folder of the fixtures
    #[arg(long, default_value = "fixtures", value_name = "DIR")]
    fixtures: PathBuf,
    /// Only cases whose path holds this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// How failures are printed
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
    /// When colour is used
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

/// What came of all cases.
#[derive(Debug, Default)]
pub struct Run {
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
    let start = Instant::now();
    let files = rules::read(&arguments.rules)?;
    let rules = match rules::compile(&files) {
        Ok(rules) => rules,
        Err(found) => {
            rules::show(&found, &files.0, &arguments.rules, arguments.format, arguments.color)?;
            return Ok(Status::Rules);
        }
    };
    let texts = texts(&arguments.fixtures, arguments.filter.as_deref())?;
    let run = cases(&rules, &texts);
    rules::show(&run.failures, &texts, &arguments.fixtures, arguments.format, arguments.color)?;
    if arguments.format == Format::Pretty {
        let millis = start.elapsed().as_millis();
        let Run { passed, failed, skipped, .. } = run;
        print(format!("{passed} passed, {failed} failed, {skipped} skipped · {millis} ms\n").as_bytes())?;
    }
    Ok(if run.failed == 0 && run.passed > 0 { Status::Ok } else { Status::Tests })
}

fn texts(folder: &Path, filter: Option<&str>) -> Result<BTreeMap<String, String>> {
    let mut texts = files::fixtures(folder).map_err(usage)?;
    texts.retain(|file, _| filter.is_none_or(|filter| file.contains(filter)));
    Ok(texts)
}

/// Runs cases through the server's own code path; each is also a property test.
#[must_use]
pub fn cases(rules: &RuleSet, texts: &BTreeMap<String, String>) -> Run {
    let mut run = Run::default();
    let mut fixtures = Vec::new();
    for (file, text) in texts {
        match Fixture::read(file, text, rules) {
            Ok(fixture) => fixtures.push(fixture),
            Err(errors) => {
                run.failed += 1;
                run.failures.extend(errors);
            }
        }
    }
    for fixture in fixtures.iter().filter(|fixture| fixture.skip.is_none()) {
        let failures = judge(rules, fixture);
        *(if failures.is_empty() { &mut run.passed } else { &mut run.failed }) += 1;
        run.failures.extend(failures);
    }
    run.skipped = fixtures.iter().filter(|fixture| fixture.skip.is_some()).count();
    let twins = fixture::duplicates(&fixtures);
    run.failed += twins.len();
    run.failures.extend(twins);
    if run.passed + run.failed == 0 {
        let message = "nothing was tested".to_owned();
        run.failures.push(Diagnostic::error("F030", "", "", 0..0, message));
    }
    run
}

fn judge(rules: &RuleSet, fixture: &Fixture) -> Vec<Diagnostic> {
    let answer = transfer::decide(rules, &fixture.body, &Given::default());
    let mut failures = fixture.judge(&answer, rules);
    failures.extend(property::violated(rules, &fixture.body).into_iter().map(|property| {
        Diagnostic::error("F050", fixture.file(), "", 0..0, format!("this does not hold: {property}"))
    }));
    failures
}
