//! The routes with all their layers, and the loop that serves them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::{get, post};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::ApiError;
use crate::routes::{health, transfer};
use crate::state::State;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// Fields of a request's head.
const FIELDS_MAX: usize = 64;
/// Open connections.
const CONNECTIONS_MAX: usize = 10_000;
/// How long new requests are still answered after SIGTERM, while `/health/ready` says that they should not come.
const GRACE: Duration = Duration::from_secs(5);
/// How long open requests may take once the server stops.
const DRAIN: Duration = Duration::from_secs(20);

/// All routes.
pub fn app(state: State) -> Router {
    Router::new()
        .route("/v1/transfer", post(transfer::transfer))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(|| async { ApiError::new("not_found") })
        .method_not_allowed_fallback(|| async { ApiError::new("method_not_allowed") })
        .with_state(state)
}

/// What an operator tells a running server.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Hears signals from now on; before, each would end the process.
    ///
    /// # Errors
    /// Signals cannot be heard.
    pub fn hear() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot hear SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot hear an interrupt")?,
            hangup: signal(SignalKind::hangup()).context("cannot hear SIGHUP")?,
        })
    }
}

/// Serves until SIGTERM or an interrupt, then answers what is open and returns.
pub async fn serve(listener: TcpListener, mut signals: Signals, state: State, idle: Duration) {
    let service = TowerToHyperService::new(app(state.clone()));
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut closing = None;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = reached(closing) => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hangup.recv() => {
                reload(&state);
                continue;
            }
            // whoever sends requests looks at `/health/ready` first, and needs a moment to see it
            _ = signals.terminate.recv(), if closing.is_none() => {
                state.stop();
                tracing::info!("stopping");
                closing = Some(Instant::now() + GRACE);
                continue;
            }
        };
        // a failed accept is the peer's, or lack of descriptors: give others time to close theirs
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let connection = builder(idle).serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // an error here is the peer's; whoever was owed an answer is gone
            drop(connection.await);
            drop(place);
        });
    }
    state.stop();
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("open requests were cut off");
    }
    tracing::info!("stopped");
}

/// Reads the callers' secrets again; unfit ones change nothing.
fn reload(state: &State) {
    match state.callers.as_ref().map(|callers| callers.reload()) {
        Some(Ok(count)) => tracing::info!(secrets = count, "secrets read again"),
        Some(Err(error)) => tracing::error!(cause = format!("{error:#}"), "secrets not read again: the old ones stay"),
        None => tracing::info!("SIGHUP: there are no secrets to read again"),
    }
}

/// Waits for a moment; for none, for ever.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// One timer for headers and idle keep-alive.
fn builder(idle: Duration) -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(HEAD_BYTES_MAX).max_headers(FIELDS_MAX);
    builder
}
