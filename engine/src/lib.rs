//! Handover's engine: what an account takes over of an anonymous session. Pure, synchronous, no I/O.
//!
//! An [`event::Event`] goes into a compiled [`ruleset::RuleSet`], a [`decision::Decision`] comes out:
//!
//! ```
//! use std::collections::BTreeMap;
//! use handover_engine::{event::Event, policy::Files, ruleset::{Given, RuleSet}};
//!
//! let files = BTreeMap::from([
//!     ("policy.json", r#"{ "name": "shop", "rules": [ { "name": "theme", "to": "user_metadata.theme", "merge": "anonymous" } ] }"#),
//!     ("theme.schema.json", r#"{ "enum": ["light", "dark"] }"#),
//! ]);
//! let files = Files(files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect());
//! let rules = RuleSet::compile(&files).unwrap();
//! let event = Event::read(br#"{ "id": "tx_1", "trigger": "login", "at": "2026-11-23T10:00:00Z", "account": { "id": "auth0|1" },
//!     "anonymous_session": { "id": "anon@1", "created_at": 1795000000, "expires_at": 1796000000,
//!         "metadata": { "theme": "dark" } } }"#, rules.provider()).unwrap();
//! let decision = rules.evaluate(&event, &Given::default());
//! assert_eq!(decision.status.word(), "transferred");
//! ```
//!
//! What holds, and where it is enforced:
//!
//! - **Trust is a type.** JSON from outside is [`sanitizer::Untrusted`]; only a sanitizer makes [`sanitizer::Clean`], merges
//!   take nothing else, and only a rule makes [`decision::Merged`], which is all that a command can hold.
//! - **Same input, same bytes out.** There is no file, clock, environment, randomness, thread or unordered map in here;
//!   time and identity arrive in the event. A [`budget::Clock`] that the caller brings ends an evaluation, and shapes none.
//!   Each thread keeps the engine of the scripts that it ran. `clippy.toml` bans the rest.
//! - **Nothing is lost.** What no rule touches is written back as its own bytes; a rule that fails writes nothing and takes
//!   no other rule down; the account's value of a foreign shape stays.
//! - **No value of a person leaves** but in a command: findings, errors and `Debug` hold places and codes.
//! - **Every loop over input ends at a named limit** ([`limits`]); each rule spends a [`budget`].
//!
//! The modules stand in reading order, and each uses only modules above it.

#![forbid(unsafe_code)]

pub mod limits;
pub mod budget;
pub mod json;
pub mod instant;
pub mod random;
pub mod pointer;
pub mod fate;
pub mod diagnostic;
pub mod sensitive;
pub mod provider;
pub mod sanitizer;
pub mod event;
pub mod receipt;
pub mod decision;
pub mod merge;
pub mod script;
pub mod generate;
pub mod rule;
pub mod guard;
pub mod policy;
pub mod ruleset;
pub mod author;
