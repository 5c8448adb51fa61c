//! `handover token`

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use handover_engine::json::Json;
use handover_engine::policy::TokenPolicy;

use super::output::{Status, print, say, usage};
use crate::token::{self, KeySet, KeySetError, Reason};
use crate::{files, ledger};

/// Bytes that are read: more than any policy allows, and a line feed.
const TOKEN_BYTES_READ: u64 = 64 * 1_024;

/// Arguments of `token`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Verify one session token from standard input, and print its claims
    Verify(Verify),
}

#[derive(clap::Args)]
#[command(after_help = "Exit code 7: the token is refused; the reason is on standard error.")]
struct Verify {
    /// The keys, a JSON Web Key Set (RFC 7517); private keys are for encrypted tokens
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
    /// What a token must be: a file with the members of `session.verify`
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The time to judge the claims at (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How far to judge: `jose` ends with the signature or the decryption, and prints the content
    #[arg(long, value_enum, default_value = "claims")]
    layer: Layer,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Layer {
    Jose,
    Claims,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let Command::Verify(Verify { jwks, policy, at, layer }) = &arguments.command;
    let keys = KeySet::read(files::text(jwks).map_err(usage)?.as_bytes());
    // no token is good under a set in which it could mean two keys
    if let Err(error @ (KeySetError::KidTwice | KeySetError::Mixed)) = &keys {
        say(&format!("the token is refused (key_set): `{}`: {error}", files::shown(jwks)));
        return Ok(Status::Refused);
    }
    let keys = keys.with_context(|| format!("`{}`", files::shown(jwks))).map_err(usage)?;
    let policy = policy.as_deref().map_or_else(|| Ok(TokenPolicy::default()), read_policy).map_err(usage)?;
    let now = at.as_deref().map_or_else(|| Ok(ledger::now()), time).map_err(usage)?.div_euclid(1_000);
    let mut token = Vec::new();
    std::io::stdin().take(TOKEN_BYTES_READ).read_to_end(&mut token)?;
    // the last line feed is the file's
    if token.last() == Some(&b'\n') {
        token.pop();
    }
    match verified(&token, &keys, &policy, now, *layer) {
        Ok(bytes) => {
            print(&bytes)?;
            Ok(Status::Ok)
        }
        Err(reason) => {
            say(&format!("the token is refused ({}): {}", reason.word(), reason.sentence()));
            if matches!(reason, Reason::UnknownKey | Reason::AmbiguousKey) && !keys.unfit().is_empty() {
                say(&format!("keys that cannot be used: {}", keys.unfit_words()));
            }
            Ok(Status::Refused)
        }
    }
}

/// What is printed of a token that is good.
fn verified(token: &[u8], keys: &KeySet, policy: &TokenPolicy, now: i64, layer: Layer) -> Result<Vec<u8>, Reason> {
    if layer == Layer::Jose {
        return token::content(token, keys, policy);
    }
    let claims = token::claims(token, keys, policy, now)?;
    if !claims.is_anonymous() {
        return Err(Reason::Subject);
    }
    Ok(format!("{}\n", claims.view().to_text()).into_bytes())
}

fn read_policy(path: &Path) -> Result<TokenPolicy> {
    let text = files::text(path)?;
    TokenPolicy::read(&files::shown(path), &text).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("{error} [{}]", error.code)).collect();
        anyhow::anyhow!(lines.join("\n"))
    })
}

fn time(text: &str) -> Result<i64> {
    let Some(millis) = handover_engine::instant::read(Json::text(text).view()) else {
        bail!("`--at` takes a time such as `2026-11-23T10:00:00Z` (RFC 3339)");
    };
    Ok(millis)
}
