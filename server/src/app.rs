//! The routes with all their layers, and the loop that serves them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::routing::{any, get, post};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_io_timeout::TimeoutStream;

use crate::error::ApiError;
use crate::routes::{authorize, health, transfer};
use crate::state::State;
use crate::telemetry;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// Fields of a request's head.
const FIELDS_MAX: usize = 64;
/// Open connections.
const CONNECTIONS_MAX: usize = 10_000;
/// Descriptors that are not for connections: listener, files, standard streams, the runtime's own.
const DESCRIPTORS_KEPT: usize = 64;
/// Bytes of answers that wait for one peer in the kernel: beyond them, whoever does not read is not answered either. Left to
/// itself, Linux lets megabytes wait, and with them thousands of answers that nobody takes.
const UNREAD_BYTES_MAX: u32 = 64 * 1_024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// How long a peer may take nothing of an answer.
const WRITE: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_mins(1);
/// How long new requests are still answered after SIGTERM, while `/health/ready` says that they should not come.
const GRACE: Duration = Duration::from_secs(5);
/// How long open requests may take once the server stops.
const DRAIN: Duration = Duration::from_secs(20);

/// All routes.
pub fn app(state: State) -> Router {
    Router::new()
        .route("/v1/transfer", post(transfer::transfer))
        .route("/v1/authorize", post(authorize::asked))
        .route("/v1/authorize/{operation}", any(authorize::named))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(|| async { ApiError::new("not_found") })
        .method_not_allowed_fallback(|| async { ApiError::new("method_not_allowed") })
        .with_state(state)
}

/// Listens on an address.
///
/// # Errors
/// The address is taken, or is none of this machine.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // accepted sockets have it from this one
    socket.set_send_buffer_size(UNREAD_BYTES_MAX)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
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
pub async fn serve(listener: TcpListener, mut signals: Signals, state: State, idle: Duration, cap: usize) {
    let service = TowerToHyperService::new(app(state.clone()));
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(cap));
    let mut turned_away = Quietly::default();
    let (mut minute, mut lines_dropped) = (tokio::time::interval(MINUTE), 0);
    let mut closing = None;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = reached(closing) => break,
            _ = minute.tick() => {
                let dropped = telemetry::dropped();
                if dropped > lines_dropped {
                    tracing::warn!(since_start = dropped, "log lines were dropped: nobody read them in time");
                }
                lines_dropped = dropped;
                continue;
            }
            _ = signals.interrupt.recv() => break,
            _ = signals.hangup.recv() => {
                reload(&state);
                continue;
            }
            // whoever sends requests looks at `/health/ready` first, and needs a moment to see it
            _ = signals.terminate.recv(), if closing.is_none() => {
                state.stop();
                tracing::info!("stopping");
                // nobody is there who could look
                let has_callers = connections.available_permits() < cap;
                closing = Some(if has_callers { Instant::now() + GRACE } else { Instant::now() });
                continue;
            }
        };
        // a failed accept is the peer's, or lack of descriptors: give others time to close theirs
        let Ok((stream, _)) = accepted else {
            turned_away.say("a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&connections).try_acquire_owned() else {
            turned_away.say("no free connection");
            continue;
        };
        let mut stream = TimeoutStream::new(stream);
        // counts from the first write that the peer's full buffer holds up
        stream.set_write_timeout(Some(WRITE));
        let connection = builder(idle).serve_connection(TokioIo::new(Box::pin(stream)), service.clone());
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
    tracing::info!(lines.dropped = telemetry::dropped(), "stopped");
}

/// Connections that the descriptors of this process allow: its soft limit is raised to the hard one.
///
/// # Errors
/// There would be none.
pub fn connections_max() -> Result<usize> {
    let raised = rlimit::increase_nofile_limit(u64::MAX);
    let descriptors =
        raised.or_else(|_| rlimit::Resource::NOFILE.get_soft()).context("cannot read the limit of open files")?;
    let free = usize::try_from(descriptors).unwrap_or(usize::MAX).saturating_sub(DESCRIPTORS_KEPT);
    if free == 0 {
        bail!("this process may open {descriptors} files: raise its limit (`ulimit -n`) above {DESCRIPTORS_KEPT}");
    }
    if free < CONNECTIONS_MAX {
        tracing::warn!(
            connections = free,
            descriptors,
            "the limit of open files (`ulimit -n`) allows fewer connections than {CONNECTIONS_MAX}"
        );
    }
    Ok(free.min(CONNECTIONS_MAX))
}

/// Says the same thing once a minute at most.
#[derive(Default)]
struct Quietly {
    said: Option<Instant>,
    since: usize,
}

impl Quietly {
    fn say(&mut self, what: &'static str) {
        self.since += 1;
        if self.said.is_none_or(|said| said.elapsed() >= MINUTE) {
            tracing::warn!(count = self.since, "{what}");
            (self.said, self.since) = (Some(Instant::now()), 0);
        }
    }
}

/// Reads the callers' secrets again; unfit ones change nothing.
fn reload(state: &State) {
    match state.callers.as_ref().map(|callers| callers.reload()) {
        Some(Ok(count)) => tracing::info!(secrets = count, "secrets read again"),
        Some(Err(error)) => tracing::error!(cause = format!("{error:#}"), "secrets not read again: the old ones stay"),
        None => tracing::info!("SIGHUP: no secrets file to read again"),
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
