//! `handover version`

use anyhow::Result;

use super::output::{Status, print};

/// Arguments of `version`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// As a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let version = env!("CARGO_PKG_VERSION");
    let text = if arguments.json {
        serde_json::json!({ "name": "handover", "version": version }).to_string()
    } else {
        format!("handover {version}")
    };
    print(format!("{text}\n").as_bytes())?;
    Ok(Status::Ok)
}
