//! The one JSON reader and tree.
//!
//! A [`Document`] is a text plus flat nodes with source ranges. A [`Json`] is a place in a document, or a value that
//! somebody built; a [`View`] borrows either. What nobody touched is written back as its own bytes, so `1.10` stays
//! `1.10` and `18446744073709551616` stays what it is. No `Debug` here shows a value.

mod number;
mod text;
mod document;
mod place;
mod read;
mod value;
mod order;
mod write;

pub(crate) use document::Node;
pub use document::{Document, Kind, TEXT_BYTES_MAX};
pub use number::{Divisor, Number, Rounded};
pub(crate) use number::{INT_DIGITS, int_text};
pub use order::{compare, fingerprint, same, same_rounded};
pub use place::Position;
pub use read::{DEPTH_MAX, ReadError, ReadErrorKind, Syntax};
pub use text::Text;
pub use value::{Items, Json, Members, Place, View};
pub(crate) use write::write_string;
