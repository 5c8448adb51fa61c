//! The integration tests of the workspace: one binary, against the real `handover`.

mod binary;
mod tidy;
mod reader;
mod sanitizer;
mod merging;
mod storefront;
mod fixtures;
mod command_line;
mod webhook;
mod hostile;
mod readme;
