//! One function per URL.

mod body;
mod work;
pub mod health;
pub mod transfer;
pub mod authorize;
