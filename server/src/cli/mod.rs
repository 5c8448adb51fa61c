//! The command line: one file per subcommand.

mod output;
mod rules;
mod check;
mod eval;
mod laws;
mod sanitize;
mod serve;
pub mod test;
mod transfer;
mod version;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use output::Status;

/// Moves what people did before they logged in to their account: sanitized, merged, and never at the cost of a login.
#[derive(Parser)]
#[command(name = "handover", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 ok, 1 internal or I/O, 2 usage or configuration, 3 rules invalid, 4 a test failed or nothing was tested"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the webhook: POST /v1/transfer
    Serve(serve::Arguments),
    /// Decide one request, or one a line, from a file or standard input
    Transfer(transfer::Arguments),
    /// Keep the largest valid part of one document
    Sanitize(sanitize::Arguments),
    /// Evaluate a rhai expression in the sandbox that merge scripts run in
    Eval(eval::Arguments),
    /// Check all rules; every error in one pass, at the place that is wrong
    Check(check::Arguments),
    /// Run the fixtures
    Test(test::Arguments),
    /// Ask the laws of merging on generated data
    Laws(laws::Arguments),
    /// Print the version
    Version(version::Arguments),
}

/// Parses the arguments and runs one subcommand.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // help and version are results, everything else is a mistake of usage
            let code = if error.use_stderr() { 2 } else { 0 };
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    let status = match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Transfer(arguments) => transfer::run(&arguments),
        Command::Sanitize(arguments) => sanitize::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Laws(arguments) => laws::run(&arguments),
        Command::Version(arguments) => version::run(&arguments),
    };
    output::finish(status)
}
