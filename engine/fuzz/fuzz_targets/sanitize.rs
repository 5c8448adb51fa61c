//! The guarantees of the sanitizer on pairs that libFuzzer steers: each choice of the generator takes a byte of its input.
//!
//! `cargo +nightly fuzz run sanitize -- -max_total_time=600` in `engine`.
#![no_main]

use handover_engine::sanitizer::Unknown;
use libfuzzer_sys::fuzz_target;

#[path = "../../../tests/generator.rs"]
mod generator;

use generator::{Draw, Keywords, check, document, schema};

/// Bytes that are drawn from; behind the last one every choice is the first.
struct Tape<'a>(&'a [u8]);

impl Draw for Tape<'_> {
    fn below(&mut self, bound: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % bound
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut tape = Tape(bytes);
    let keywords = [Keywords::Monotone, Keywords::All, Keywords::Annotated][tape.below(3)];
    let unknown = [Unknown::Keep, Unknown::Drop][tape.below(2)];
    let schema = schema(&mut tape, 2, keywords);
    let document = document(&mut tape, 3);
    check(&schema, &document, unknown, keywords);
});
