//! Opens the ledger that an operator chose.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{FileLedger, Guarded, Keys, MemoryLedger, PostgresLedger};
use crate::config::{LedgerChoice, SecretsFrom};
use crate::files::{self, shown};

/// What an operator can choose instead of a file that cannot be written.
const CHOICES: &str = "choose `--ledger file:PATH` in a folder that this user can write, `--ledger postgres://…`, or \
    `--ledger memory`, which forgets everything at the end";

/// How long a second process waits for the first one's file: a rolling update on one machine.
const LOCK_TIME: Duration = Duration::from_secs(30);

/// Opens a ledger under its keys, and makes it where it is not there; none where an operator wants none.
///
/// # Errors
/// The file is another process's or cannot be written, the address is unfit, or a key is.
pub fn open(choice: &LedgerChoice, keys: Option<&SecretsFrom>) -> Result<Option<Arc<Guarded>>> {
    open_with(choice, keys, Access::Make)
}

/// Who opens a ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A server: it makes what is not there, and waits for a file.
    Make,
    /// Somebody who uses what is there.
    Use,
}

fn open_with(choice: &LedgerChoice, keys: Option<&SecretsFrom>, access: Access) -> Result<Option<Arc<Guarded>>> {
    let given = keys.map(read).transpose()?;
    let guarded = match choice {
        LedgerChoice::None => return Ok(None),
        LedgerChoice::Memory => Guarded::new(Box::<MemoryLedger>::default(), given.map_or_else(Keys::random, Ok)?),
        LedgerChoice::File(path) => {
            let is_new = !files::has_bytes(path);
            let beside = PathBuf::from(format!("{}.key", path.display()));
            if is_new && path.exists() && beside.exists() {
                bail!("`{}` is empty: restore its backup, or remove it to begin anew", shown(path));
            }
            if is_new && beside.exists() {
                tracing::warn!("the ledger's key is there, and the ledger is not: it begins anew");
            }
            // a start that fails between the two leaves a key, which the next one takes
            let keys = keys_of_file(path, &beside, is_new, given)?;
            let wait = if access == Access::Make { LOCK_TIME } else { Duration::ZERO };
            Guarded::new(Box::new(FileLedger::open(path, wait)?), keys)
        }
        LedgerChoice::Postgres(url) => {
            let keys = given.context(
                "`--ledger postgres://…` needs HANDOVER_LEDGER_KEY or HANDOVER_LEDGER_KEY_FILE, the same for all \
                 replicas: for a new ledger, make one with `openssl rand -base64 32`",
            )?;
            Guarded::new(Box::new(PostgresLedger::new(url, access)?), keys)
        }
    };
    Ok(Some(Arc::new(guarded)))
}

/// Opens a ledger that is there.
///
/// # Errors
/// As [`open`], or there is none.
pub fn open_existing(choice: &LedgerChoice, keys: Option<&SecretsFrom>) -> Result<Arc<Guarded>> {
    if let LedgerChoice::File(path) = choice
        && !files::has_bytes(path)
    {
        bail!("there is no ledger `{}`: name the one of `serve` with `--ledger`", shown(path));
    }
    open_with(choice, keys, Access::Use)?.context("there is no ledger")
}

/// The keys of a ledger in a file: those that are given, or the one beside it, which a new ledger gets.
fn keys_of_file(path: &Path, beside: &Path, is_new: bool, given: Option<Keys>) -> Result<Keys> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !beside.exists() && !is_new {
        bail!(
            "`{}` is missing, and without its key the ledger knows nobody: put it back, set HANDOVER_LEDGER_KEY, or remove `{}` to forget all its entries",
            shown(beside),
            shown(path)
        );
    }
    if !beside.exists() {
        let text = Keys::random()?.to_text() + "\n";
        files::make_private(beside, |mut file| Ok(file.write_all(text.as_bytes())?))
            .map_err(|error| unwritable(&error))?;
    }
    Keys::parse(&files::private_text(beside)?).with_context(|| format!("`{}`", shown(beside)))
}

/// A file that cannot be written, with the choices.
pub(super) fn unwritable(error: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}: {CHOICES}")
}

fn read(from: &SecretsFrom) -> Result<Keys> {
    let (name, text) = match from {
        SecretsFrom::Environment(text) => ("HANDOVER_LEDGER_KEY", text.clone()),
        SecretsFrom::File(path) => {
            ("HANDOVER_LEDGER_KEY_FILE", files::regular_text(path).context("HANDOVER_LEDGER_KEY_FILE")?)
        }
    };
    Keys::parse(&text).context(name)
}
