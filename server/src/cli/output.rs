//! What every subcommand ends with, and where it writes.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

/// How a subcommand ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Ok = 0,
    /// Something else failed.
    Internal = 1,
    /// The command line, the configuration or the input is wrong.
    Usage = 2,
    /// The rules are invalid.
    Rules = 3,
    /// A test failed, or nothing was tested.
    Tests = 4,
    /// The cases come to less of the rules than was asked.
    Coverage = 5,
    /// A page is not what the rules say.
    Stale = 6,
    /// A token is refused.
    Refused = 7,
}

/// A mistake of usage or configuration, as an error.
#[derive(Debug)]
pub(super) struct UsageError(pub(super) anyhow::Error);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for UsageError {}

/// Marks an error as one of usage or configuration: exit code 2.
pub(super) fn usage(error: anyhow::Error) -> anyhow::Error {
    anyhow::Error::new(UsageError(error))
}

/// Prints an error, and turns the status into an exit code.
pub(super) fn finish(status: Result<Status>) -> ExitCode {
    match status {
        Ok(status) => ExitCode::from(status as u8),
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

/// A number of things in words: `1 file`, `2 files`.
pub(super) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Writes a line for people, on standard error.
pub(super) fn say(line: &str) {
    // there is nobody to tell that nobody listens
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes results, on standard output.
pub(super) fn print(text: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        // whoever reads has read enough
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
