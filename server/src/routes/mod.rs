//! One function per URL.

pub mod health;
pub mod transfer;
