//! `handover serve`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use handover_engine::policy::TokenMode;

use super::output::{Status, usage};
use super::rules;
use crate::config::{Config, Flags, LedgerChoice};
use crate::state::{Callers, State};
use crate::token::KeyCache;
use crate::{app, ledger, telemetry};

/// Arguments of `serve`; each flag can also be set as `HANDOVER_<FLAG>`.
#[derive(clap::Args)]
#[command(after_help = "Callers sign their requests (Standard Webhooks). HANDOVER_SECRETS, or the file that \
HANDOVER_SECRETS_FILE names, holds one or two secrets: `whsec_` and the base64 of 24 to 64 random bytes. SIGHUP reads \
the file again. HANDOVER_LEDGER_KEY, or the file that HANDOVER_LEDGER_KEY_FILE names, holds one or two keys of the ledger: \
the base64 of 32 random bytes. HANDOVER_JWKS stands for `--jwks`. Where the ledger's address holds a password, set HANDOVER_LEDGER: flags are seen by \
everybody on the machine.")]
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
    /// Where it is remembered whose a hand-over is: `file:PATH` (one process), `postgres://…` (replicas), `memory` or
    /// `none`; without it, the file handover.redb, with --dev `memory`
    #[arg(long, value_name = "WHERE")]
    ledger: Option<String>,
    /// The issuer's keys for session tokens, a JSON Web Key Set: an https address or a file
    #[arg(long, value_name = "URL|FILE")]
    jwks: Option<String>,
    /// A proxy in front ends TLS: listen on a public address without a warning
    #[arg(long)]
    behind_proxy: bool,
}

/// The keys of an issuer, if somebody names them. Any token that they sign counts as an account's, so the policy says whose
/// tokens are meant, and for whom.
fn keys(config: &Config, state: &State) -> Result<Option<Arc<KeyCache>>> {
    let policy = state.rules.token_policy();
    let Some(jwks) = &config.jwks else {
        if state.rules.token_mode() != TokenMode::Ignored {
            bail!(
                "the policy verifies session tokens: name the issuer's keys with `--jwks`, and `issuers` and `audiences` in the \
                 policy's `session.verify`"
            );
        }
        return Ok(None);
    };
    if policy.issuers.is_empty() || policy.audiences.is_empty() {
        bail!("`--jwks` needs `issuers` and `audiences` in the policy's `session.verify`");
    }
    let keys = KeyCache::new(jwks, config.dev)?;
    keys.begin()?;
    Ok(Some(keys))
}

pub(super) fn run(arguments: Arguments) -> Result<Status> {
    let Arguments { rules, listen, dev, body_bytes, idle, ledger, jwks, behind_proxy } = arguments;
    let config =
        Config::new(Flags { rules, listen, dev, body_bytes, idle, behind_proxy, ledger, jwks }).map_err(usage)?;
    let callers = config.secrets.clone().map(Callers::load).transpose().map_err(usage)?;
    let Some(rules) = rules::load(&config.rules)? else { return Ok(Status::Rules) };
    let _log = telemetry::start();
    let connections = app::connections_max().map_err(usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let state = State::new(rules, callers, config.body_bytes)?;
    let keys = keys(&config, &state).map_err(usage)?;
    let ledger = ledger::open(&config.ledger, config.ledger_keys.as_ref()).map_err(usage)?;
    let state = state.with_ledger(ledger.clone()).with_keys(keys.clone())?;
    runtime.block_on(async {
        if let Some(ledger) = &ledger {
            ledger.begin(ledger::now()).await.map_err(usage)?;
        }
        let listener = app::listen(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let signals = app::Signals::hear()?;
        tracing::info!(
            listen = address.to_string(),
            policy.name = state.rules.name(),
            policy.digest = state.rules.digest(),
            policy.rules = state.rules.rules().len(),
            callers = if state.callers.is_some() { "signed" } else { "anybody" },
            tokens = if keys.is_some() { "verified" } else { "refused: no --jwks" },
            ledger = config.ledger.to_string(),
            ledger.processes = match config.ledger {
                LedgerChoice::Postgres(_) => Some("many"),
                LedgerChoice::File(_) | LedgerChoice::Memory => Some("one"),
                LedgerChoice::None => None,
            },
            ledger.answers = ledger.as_ref().map(|ledger| ledger.is_available()),
            ledger.keys = ledger.as_ref().map(|ledger| ledger.key_names()),
            "serving"
        );
        if let Some(ledger) = ledger {
            let (watched, tidied) = (Arc::clone(&ledger), ledger);
            tokio::spawn(async move { watched.watch(ledger::now).await });
            tokio::spawn(async move { tidied.tidy(ledger::now).await });
        } else {
            tracing::warn!("without a ledger, the next person on a device can get the same cart: set `--ledger`");
        }
        if let Some(keys) = keys {
            tokio::spawn(keys.keep());
        }
        if !address.ip().is_loopback() && !config.behind_proxy {
            tracing::warn!("a public address without TLS: put a TLS proxy in front, and set `--behind-proxy`");
        }
        app::serve(listener, signals, state, config.idle, connections).await;
        anyhow::Ok(())
    })?;
    Ok(Status::Ok)
}
