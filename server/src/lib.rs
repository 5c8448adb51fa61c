//! Handover's server and command line: everything that touches the world.
//!
//! The path of one request: [`auth::Head`], the body within its size and deadline, [`auth::Caller`] over the raw
//! bytes, a place in the [`pool`], [`handover_engine::event::Event`],
//! the session's [`token`] if the policy reads it, [`handover_engine::ruleset::RuleSet::evaluate_until`], decision, the
//! [`ledger`], bytes, signed. Callers of `/v1/authorize` bring a [`token`] instead of a signature, and have a
//! [`state::Lane`] of their own. Async ends at the route; evaluation runs on pools of its own. Absent: provider API.
//!
//! The modules stand in reading order, and each uses only modules above it.

pub mod files;
pub mod config;
pub mod auth;
pub mod token;
pub mod transfer;
pub mod telemetry;
pub mod error;
pub mod ledger;
pub mod pool;
pub mod state;
pub mod routes;
pub mod render;
pub mod app;
pub mod cli;
