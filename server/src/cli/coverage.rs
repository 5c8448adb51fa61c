//! What the cases of `handover test` come to of the rules.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use handover_engine::author::coverage::{self, Coverage};
use handover_engine::author::fixture::Fixture;
use handover_engine::diagnostic::{Covered, Diagnostic, Note, RunProblem};
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;
use serde::Serialize;

use super::output::{count, usage};
use crate::render::{self, Related, Report};

/// Arguments of `test` that ask for coverage.
#[derive(clap::Args)]
pub(super) struct Asked {
    /// Measure coverage: both sides of each keyword and branch, statements, steps, rules; `lcov` prints a
    /// tracefile, and the rest on standard error
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "places", value_name = "FORM")]
    coverage: Option<Form>,
    /// Fail if coverage is lower
    #[arg(long, value_name = "PERCENT")]
    coverage_min: Option<f64>,
}

/// How coverage is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The places with a side that no case comes to
    Places,
    /// A tracefile
    Lcov,
}

/// What cases came to.
pub(super) struct Measured<'a> {
    places: Vec<Covered>,
    missing: Vec<Note>,
    files: &'a Files,
    folder: &'a str,
}

impl Asked {
    /// Whether standard output is a tracefile.
    pub(super) fn is_lcov(&self) -> bool {
        self.coverage == Some(Form::Lcov)
    }

    /// Decides all cases once more, if coverage is asked for.
    pub(super) fn measure<'a>(
        &self,
        (rules, files): (&RuleSet, &'a Files),
        folder: &'a Path,
        texts: &BTreeMap<String, String>,
    ) -> Result<Option<Measured<'a>>> {
        if self.coverage_min.is_some_and(|least| !(0.0..=100.0).contains(&least)) {
            return Err(usage(anyhow!("`--coverage-min` takes a percentage, 0 to 100")));
        }
        let asked = self.coverage.is_some() || self.coverage_min.is_some();
        Ok(asked.then(|| Measured::of((rules, files), folder, texts)))
    }

    /// The error of cases that come to less than was asked.
    pub(super) fn too_low(&self, measured: &Measured<'_>) -> Option<Diagnostic> {
        let least = self.coverage_min?;
        let reached = f64::from(u32::try_from(measured.basis_points()).unwrap_or(u32::MAX)) / 100.0;
        let first = measured.missing.first().filter(|_| reached < least)?;
        let problem = RunProblem::TooLittleCovered { share: measured.percentage(), least: least.to_string() };
        let diagnostic = Diagnostic::of_run(first.span.clone(), problem);
        Some(measured.missing.iter().cloned().fold(diagnostic, Diagnostic::related))
    }
}

impl<'a> Measured<'a> {
    /// What the cases of a folder come to.
    pub(super) fn of(
        (rules, files): (&RuleSet, &'a Files),
        folder: &'a Path,
        texts: &BTreeMap<String, String>,
    ) -> Self {
        // the rules compiled once already, so they do again
        let places = Coverage::new(files).map(|mut coverage| {
            let fixtures = texts.iter().filter_map(|(file, text)| Fixture::read(file, text, rules).ok());
            fixtures.filter(|fixture| fixture.skip.is_none()).for_each(|fixture| coverage.add(&fixture));
            coverage.places()
        });
        let places = places.unwrap_or_default();
        let missing = coverage::missing(&places);
        Self { places, missing, files, folder: folder.to_str().unwrap_or("rules") }
    }

    fn basis_points(&self) -> usize {
        coverage::basis_points(&self.places)
    }

    /// Percent with one digit, never rounded up: `94.1 %`.
    pub(super) fn percentage(&self) -> String {
        let points = self.basis_points();
        if points == 10_000 { "100 %".to_owned() } else { format!("{}.{} %", points / 100, points % 100 / 10) }
    }

    /// `coverage 94.1 % (2 places)`
    pub(super) fn summary(&self) -> String {
        let missing = self.missing.len();
        let places = if missing > 0 { format!(" ({})", count(missing, "place")) } else { String::new() };
        format!("coverage {}{places}", self.percentage())
    }

    /// Diagnostics of the rules' files, for printing.
    pub(super) fn report<'b>(&'b self, diagnostics: &'b [Diagnostic]) -> Report<'b> {
        Report { diagnostics, most: usize::MAX, texts: &self.files.0, folder: self.folder }
    }

    /// The places with a side that no case comes to, a line each.
    pub(super) fn lines(&self) -> String {
        let report = self.report(&[]);
        self.missing.iter().map(|place| report.line(place) + "\n").collect()
    }

    pub(super) fn lcov(&self) -> String {
        render::lcov(&self.places, self.folder)
    }

    pub(super) fn machine(&self) -> Machine<'_> {
        let report = self.report(&[]);
        let (covered, sides) = coverage::sides(&self.places);
        let points = f64::from(u32::try_from(self.basis_points()).unwrap_or(u32::MAX));
        let missing = self.missing.iter().map(|place| render::related(&report, place)).collect();
        Machine { percent: points / 100.0, sides, covered, missing }
    }
}

/// Coverage in `--format json`.
#[derive(Serialize)]
pub(super) struct Machine<'a> {
    percent: f64,
    sides: usize,
    covered: usize,
    missing: Vec<Related<'a>>,
}
