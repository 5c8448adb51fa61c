//! `handover ledger`

use anyhow::{Context, Result};
use clap::builder::NonEmptyStringValueParser;

use super::output::{Status, print, usage};
use crate::config::{Flags, LedgerChoice, ledger};
use crate::ledger;

/// Arguments of `ledger`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Forget what the ledger holds of an account or of a session
    Forget(Forget),
}

#[derive(clap::Args)]
#[command(
    after_help = "The keys are those of `serve`: HANDOVER_LEDGER_KEY, HANDOVER_LEDGER_KEY_FILE, or the file beside \
the ledger's. While two are in use, give both: what is written under another key stays. A ledger in a file is open in one process only: stop the server first."
)]
struct Forget {
    /// The provider's id of an account: all its hand-overs become nobody's
    #[arg(
        long,
        value_name = "ID",
        value_parser = NonEmptyStringValueParser::new(),
        required_unless_present = "session",
        conflicts_with = "session"
    )]
    account: Option<String>,
    /// The id of a hand-over: a draft's, or the session's `session_id` or `id`
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    session: Option<String>,
    /// The ledger: `file:PATH` or `postgres://…`; without it, `HANDOVER_LEDGER`, else the file handover.redb
    #[arg(long, value_name = "WHERE")]
    ledger: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<Status> {
    let Command::Forget(Forget { account, session, ledger: choice }) = arguments.command;
    let flags = Flags { ledger: choice, ..Flags::default() };
    let (choice, keys) = ledger(&flags).map_err(usage)?;
    if matches!(choice, LedgerChoice::None | LedgerChoice::Memory) {
        return Err(usage(anyhow::anyhow!(
            "`--ledger` takes `file:PATH` or `postgres://…`: nothing else outlives `serve`"
        )));
    }
    // what redb says of a damaged file is an error like any other
    std::panic::set_hook(Box::new(|_| ()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let removed = runtime.block_on(async {
        let (guarded, now) = (ledger::open_existing(&choice, keys.as_ref()).map_err(usage)?, ledger::now());
        let removed = match (account, session) {
            (Some(id), _) => guarded.forget_account(&id, now).await,
            (None, Some(id)) => guarded.forget_hand_over(&id, now).await,
            (None, None) => Ok(0),
        };
        let removed = removed.context("nothing is forgotten")?;
        anyhow::Ok(match removed {
            0 => format!("forgot 0 entries: the ledger has none of this id under the key {}\n", guarded.key_names()),
            1 => "forgot 1 entry\n".to_owned(),
            _ => format!("forgot {removed} entries\n"),
        })
    })?;
    print(removed.as_bytes())?;
    Ok(Status::Ok)
}
