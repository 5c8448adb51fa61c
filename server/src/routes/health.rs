//! Probes.

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::state::State;

/// `GET /health/live`: the loop answers.
pub async fn live() -> &'static str {
    "live\n"
}

/// `GET /health/ready`: the rules are loaded, and the server is not stopping.
pub async fn ready(Shared(state): Shared<State>) -> Response {
    if state.is_ready() { "ready\n".into_response() } else { ApiError::new("not_ready").into_response() }
}
