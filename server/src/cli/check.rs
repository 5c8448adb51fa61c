//! `handover check`

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use handover_engine::ruleset::RuleSet;

use super::output::{Status, count, print};
use super::rules::{self, Colour, Format};

/// Arguments of `check`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// How errors are printed
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
    /// When colour is used
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let Arguments { rules: folder, format, color } = arguments;
    let files = rules::read(folder)?;
    let (diagnostics, rules) = match RuleSet::compile(&files) {
        Ok(rules) => (Vec::new(), rules.rules().len()),
        Err(diagnostics) => (diagnostics, 0),
    };
    rules::show(&diagnostics, &files.0, folder, *format, *color)?;
    if *format == Format::Pretty {
        let wrong: BTreeSet<_> = diagnostics.iter().map(|diagnostic| &diagnostic.file).collect();
        let line = if diagnostics.is_empty() {
            format!("check ok · {} in {}\n", count(rules, "rule"), count(files.0.len(), "file"))
        } else {
            format!("{} in {}\n", count(diagnostics.len(), "error"), count(wrong.len(), "file"))
        };
        print(line.as_bytes())?;
    }
    Ok(if diagnostics.is_empty() { Status::Ok } else { Status::Rules })
}
