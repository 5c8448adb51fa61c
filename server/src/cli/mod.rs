//! The command line: one file per subcommand.

mod output;
mod progress;
mod rules;
mod check;
mod codes;
mod docs;
mod eval;
mod explain;
mod health;
mod init;
mod laws;
mod ledger;
mod token;
mod sanitize;
mod serve;
mod coverage;
mod mutants;
pub mod test;
mod transfer;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use output::Status;

/// Moves what people did before they logged in to their account: sanitized, merged, and never at the cost of a login.
#[derive(Parser)]
#[command(name = "handover", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 ok, 1 internal or I/O, 2 usage or configuration, 3 rules invalid, 4 a test or a law failed, or nothing was tested, 5 coverage below `--coverage-min`, 6 `docs --check` found an outdated page"
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
    /// Show why each part of an event was kept, changed, dropped or not read; never a value
    Explain(explain::Arguments),
    /// Create a sample project that passes all checks
    Init(init::Arguments),
    /// Exit 0 if the server is ready, 1 if not
    Healthcheck(health::Arguments),
    /// Print a shell completion script
    Completions(health::Completions),
    /// Print the JSON Schema of the policy, a fixture, a request or an answer
    Schema(health::Schemas),
    /// Describe the policy as a page for people
    Docs(docs::Arguments),
    /// Test the laws of merging on generated data
    Laws(laws::Arguments),
    /// Manage what the server remembers of hand-overs
    Ledger(ledger::Arguments),
    /// Verify session tokens
    Token(token::Arguments),
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
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Healthcheck(arguments) => health::run(&arguments),
        Command::Completions(arguments) => health::completions(&arguments, &mut Arguments::command()),
        Command::Schema(arguments) => health::schema(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Laws(arguments) => laws::run(&arguments),
        Command::Ledger(arguments) => ledger::run(arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Version(arguments) => version::run(&arguments),
    };
    output::finish(status)
}
