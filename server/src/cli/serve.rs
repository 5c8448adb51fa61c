//! `handover serve`

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::output::{Status, usage};
use super::rules;
use crate::config::{Config, Flags};
use crate::state::{Callers, State};
use crate::{app, telemetry};

/// Arguments of `serve`; each flag can also be set as `HANDOVER_<FLAG>`.
#[derive(clap::Args)]
#[command(after_help = "Callers sign their requests (Standard Webhooks). HANDOVER_SECRETS, or the file that \
HANDOVER_SECRETS_FILE names, holds one or two secrets: `whsec_` and the base64 of 24 to 64 random bytes. SIGHUP reads \
the file again.")]
pub(super) struct Arguments {
    /// Folder of the policy [default: rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Address and port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Answer callers without a signature, on a loopback address only
    #[arg(long)]
    dev: bool,
    /// Bytes of a request body [default: 1048576]
    #[arg(long, value_name = "N")]
    body_bytes: Option<usize>,
    /// Seconds for a request's head, and between two requests of a connection, 1 to 3600 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u64>,
    /// A proxy in front ends TLS: listen on a public address without a warning
    #[arg(long)]
    behind_proxy: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<Status> {
    let Arguments { rules, listen, dev, body_bytes, idle, behind_proxy } = arguments;
    let config = Config::new(Flags { rules, listen, dev, body_bytes, idle, behind_proxy }).map_err(usage)?;
    let callers = config.secrets.clone().map(Callers::load).transpose().map_err(usage)?;
    let Some(rules) = rules::load(&config.rules)? else { return Ok(Status::Rules) };
    let _log = telemetry::start();
    let connections = app::connections_max().map_err(usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let state = State::new(rules, callers, config.body_bytes)?;
    runtime.block_on(async {
        let listener = app::listen(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let signals = app::Signals::hear()?;
        tracing::info!(
            listen = address.to_string(),
            policy.name = state.rules.name(),
            policy.digest = state.rules.digest(),
            policy.rules = state.rules.rules().len(),
            callers = if state.callers.is_some() { "signed" } else { "anybody" },
            "serving"
        );
        if !address.ip().is_loopback() && !config.behind_proxy {
            tracing::warn!("a public address without TLS: put a TLS proxy in front, and set `--behind-proxy`");
        }
        app::serve(listener, signals, state, config.idle, connections).await;
        anyhow::Ok(())
    })?;
    Ok(Status::Ok)
}
