//! Loads a policy for a subcommand, and prints what is wrong with it.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Result as Fallible;
use clap::ValueEnum;
use handover_engine::diagnostic::{Diagnostic, Severity};
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;

use super::output::{print, say, usage};
use crate::render::{self, Ink, Outcome, Report, TestCase};
use crate::{config, files};

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Pretty,
    /// One JSON object
    Json,
    /// Workflow commands of GitHub
    Github,
}

/// How what was asked of rules is printed: their cases, their laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Pretty,
    /// One JSON object
    Json,
    /// Workflow commands of GitHub
    Github,
    /// XML of test suites
    Junit,
}

/// What is wrong with the rules, in the form in which their cases or laws would be printed.
pub(super) fn shown(
    diagnostics: &[Diagnostic],
    texts: &std::collections::BTreeMap<String, String>,
    folder: &Path,
    form: Form,
    colour: Colour,
) -> String {
    let notable = notable(diagnostics);
    match form {
        Form::Pretty => render::pretty(&report(&notable, usize::MAX, texts, folder), config::columns(), colour.ink()),
        Form::Json => render::json(&report(diagnostics, usize::MAX, texts, folder)) + "\n",
        Form::Github => render::github(&report(diagnostics, usize::MAX, texts, folder)),
        Form::Junit => {
            let failed = |one: &Diagnostic| TestCase {
                group: one.file.clone(),
                name: one.code.to_string(),
                outcome: Outcome::Failed(one.to_string()),
            };
            render::junit(&notable.iter().map(failed).collect::<Vec<_>>())
        }
    }
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Colour {
    pub(super) fn ink(self) -> Ink {
        let colour = match self {
            Self::Auto => std::io::stdout().is_terminal() && !config::colour_refused(),
            Self::Always => true,
            Self::Never => false,
        };
        if colour { Ink::Colour } else { Ink::Plain }
    }
}

/// Reads the folder of a policy; one that cannot be read is a mistake of configuration.
pub(super) fn read(folder: &Path) -> Fallible<Files> {
    files::policy(folder).map_err(usage)
}

/// Compiles a policy, or prints what is wrong with it on standard error.
pub(super) fn load(folder: &Path) -> Fallible<Option<RuleSet>> {
    let files = read(folder)?;
    match RuleSet::compile(&files) {
        Ok(rules) => Ok(Some(rules)),
        Err(diagnostics) => {
            let notable = notable(&diagnostics);
            let report = report(&notable, usize::MAX, &files.0, folder);
            say(render::pretty(&report, config::columns(), Ink::Plain).trim_end());
            Ok(None)
        }
    }
}

fn report<'a>(
    diagnostics: &'a [Diagnostic],
    most: usize,
    texts: &'a std::collections::BTreeMap<String, String>,
    folder: &'a Path,
) -> Report<'a> {
    Report { diagnostics, most, texts, folder: folder.to_str().unwrap_or("rules") }
}

/// Prints at most so many diagnostics.
pub(super) fn show_most(
    diagnostics: &[Diagnostic],
    most: usize,
    texts: &std::collections::BTreeMap<String, String>,
    folder: &Path,
    (format, colour): (Format, Colour),
) -> Fallible<()> {
    let report = report(diagnostics, most, texts, folder);
    let text = match format {
        Format::Pretty => render::pretty(&report, config::columns(), colour.ink()),
        Format::Json => render::json(&report) + "\n",
        Format::Github => render::github(&report),
    };
    print(text.as_bytes())
}

/// Without what is merely worth knowing: for people it is counted.
pub(super) fn notable(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    diagnostics.iter().filter(|one| one.severity != Severity::Info).cloned().collect()
}
