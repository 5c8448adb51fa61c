//! The `handover` binary.

use std::process::ExitCode;

/// Fewer instructions an allocation than the system's, measured on every data set.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Deep documents and scripts need more than a thread has by default.
const STACK_BYTES: usize = 16 * 1_024 * 1_024;

fn main() -> ExitCode {
    let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(handover::cli::main);
    work.ok().and_then(|work| work.join().ok()).unwrap_or(ExitCode::FAILURE)
}
