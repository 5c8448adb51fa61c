//! Handover's engine.
#![forbid(unsafe_code)]
pub mod limits;
pub mod budget;
pub mod json;
pub mod pointer;
pub mod fate;
pub mod diagnostic;
pub mod sensitive;
pub mod sanitizer;
