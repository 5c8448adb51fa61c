//! Handover's server and command line: everything that touches the world.
//!
//! The path of one request: bytes, size and deadline, [`handover_engine::event::Event`],
//! [`handover_engine::ruleset::RuleSet::evaluate`], decision, bytes. Async ends at the route; evaluation runs inline
//! and takes no lock. Absent: caller authentication, tokens, ledger, provider API; `serve` therefore needs `--dev`.
//!
//! The modules stand in reading order, and each uses only modules above it.

pub mod config;
pub mod files;
pub mod transfer;
pub mod telemetry;
pub mod error;
pub mod state;
pub mod routes;
pub mod render;
pub mod app;
pub mod cli;
