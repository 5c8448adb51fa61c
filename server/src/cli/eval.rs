//! `handover eval`

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use handover_engine::budget::Budget;
use handover_engine::json::{Document, Kind};
use handover_engine::limits::Limits;
use handover_engine::script::{Outcome, Place, Sandbox};

use super::output::{Status, print, say, usage};
use crate::files;

/// Arguments of `eval`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The script
    #[arg(long, value_name = "FILE")]
    script: PathBuf,
    /// A JSON object whose members are the script's variables
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let script = files::text(&arguments.script).map_err(usage)?;
    let data = arguments.data.as_ref().map_or_else(|| Ok("{}".to_owned()), |path| files::text(path)).map_err(usage)?;
    let data = Document::read(data.as_bytes()).map_err(|error| {
        let position = error.position(data.as_bytes());
        usage(anyhow::anyhow!("the data, {}:{}: {}", position.line, position.column, error.message()))
    })?;
    if data.root().kind() != Kind::Object {
        return Err(usage(anyhow::anyhow!("the data is not an object: its members become the script's variables")));
    }
    let limits = Limits::default();
    let file = arguments.script.to_str().context("the path is not UTF-8")?;
    let budget = Budget::new(limits.rule_work);
    match Sandbox::new(&limits).evaluate(file, &script, data.root(), &budget) {
        Err(diagnostic) => {
            say(&format!("error[{}]: {diagnostic}", diagnostic.code));
            Ok(Status::Rules)
        }
        Ok(Outcome::Value(value, _)) => {
            print(format!("{}\n", value.view().to_text()).as_bytes())?;
            Ok(Status::Ok)
        }
        Ok(Outcome::Skip(reason)) => ended("skipped", &reason),
        Ok(Outcome::Discard(reason)) => ended("discarded", &reason),
        Ok(Outcome::Overrun(place)) => bail!("budget_exceeded{}", at(place)),
        Ok(Outcome::Failed(place, cause)) => {
            let cause = cause.map(|cause| format!(": {cause}"));
            bail!("script_failed{}{}", at(place), cause.unwrap_or_default())
        }
        Ok(Outcome::AccountShape) => bail!("account_shape"),
        Ok(Outcome::Inexact) => bail!("number_range: the data holds a number that a script cannot hold exactly"),
    }
}

/// A script that ended without a result.
fn ended(how: &str, reason: &str) -> Result<Status> {
    say(&format!("{how}: {reason}"));
    print(b"null\n")?;
    Ok(Status::Ok)
}

fn at(place: Place) -> String {
    // the one file is on the command line
    place.map(|(_, line, column)| format!(" at {line}:{column}")).unwrap_or_default()
}
