//! What all requests share: the compiled rules, the bounds, whether the server is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use handover_engine::ruleset::RuleSet;
use tokio::sync::Semaphore;

/// Requests that are worked on at once.
const REQUESTS_MAX: usize = 256;

/// Shared by every request; nothing in it is locked on the way.
#[derive(Clone)]
pub struct State {
    /// The compiled rules.
    pub rules: Arc<RuleSet>,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Room for requests.
    pub room: Arc<Semaphore>,
    ready: Arc<AtomicBool>,
}

impl State {
    /// The state of a server that is ready.
    #[must_use]
    pub fn new(rules: RuleSet, body_bytes: usize) -> Self {
        Self {
            rules: Arc::new(rules),
            body_bytes,
            room: Arc::new(Semaphore::new(REQUESTS_MAX)),
            ready: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Whether new requests should come.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// The server is about to stop.
    pub fn stop(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}
