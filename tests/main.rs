//! The integration tests of the workspace: one binary, against the real `handover`.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it ran"
)]

mod binary;
mod bounds;
mod canary;
mod tidy;
mod reader;
mod sampled;
mod sanitizer;
mod rules;
mod faults;
mod knowledge;
mod generator;
mod generated;
mod unions;
mod opinions;
mod maximal;
mod merging;
mod mutants;
mod language;
mod lawful;
mod storefront;
mod histories;
mod nothing_lost;
mod policies;
mod policy_cases;
mod page;
mod mistakes;
mod neighbours;
mod tried;
mod codes;
mod first_run;
mod teaching;
mod fixtures;
mod coverage;
mod explained;
mod guards;
mod command_line;
mod webhook;
mod signing;
mod postgres;
mod replicas;
mod ledger;
mod simulation;
mod crash;
mod tokens;
mod issuer;
mod key_sets;
mod key_cache;
mod authorize;
mod gateway;
mod hostile;
mod load;
mod readme;
