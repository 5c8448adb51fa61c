//! `handover check`

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use handover_engine::ruleset::RuleSet;

use super::output::{Status, count, print, say};
use super::rules::{self, Colour, Format};
use crate::config;

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
    let (diagnostics, roots) = match RuleSet::compile(&files) {
        Ok(rules) => (Vec::new(), roots(&rules)),
        Err(diagnostics) => (diagnostics, Vec::new()),
    };
    rules::show(&diagnostics, &files.0, folder, *format, *color)?;
    if *format == Format::Pretty {
        let wrong: BTreeSet<_> = diagnostics.iter().map(|diagnostic| &diagnostic.file).collect();
        let line = if diagnostics.is_empty() {
            let summary = format!("check ok · {} in {}", count(roots.len(), "rule"), count(files.0.len(), "file"));
            format!("{summary}\nHANDOVER_ROOTS={}\n", roots.join(","))
        } else {
            format!("{} in {}\n", count(diagnostics.len(), "error"), count(wrong.len(), "file"))
        };
        print(line.as_bytes())?;
    }
    if let Some(named) = config::roots() {
        for root in roots.iter().filter(|root| !named.split(',').any(|named| named.trim() == *root)) {
            say(&format!(
                "warning: HANDOVER_ROOTS lacks `{root}`: the Action does not show it, so its rule never runs"
            ));
        }
    }
    Ok(if diagnostics.is_empty() { Status::Ok } else { Status::Rules })
}

/// The roots that the rules write: what the Action must show them, as its secret says.
fn roots(rules: &RuleSet) -> Vec<String> {
    rules.rules().iter().map(|rule| format!("{}.{}", rule.sink.word(), rule.root)).collect()
}
