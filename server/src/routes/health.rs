//! Probes.

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::state::State;

/// `GET /health/live`: the loop answers.
pub async fn live() -> &'static str {
    "live\n"
}

/// `GET /health/ready`: the rules are loaded, the server is not stopping, and it has the ledger that its policy insists on.
pub async fn ready(Shared(state): Shared<State>) -> Response {
    match (state.is_ready(), state.has_ledger()) {
        (true, true) => "ready\n".into_response(),
        (false, _) => ApiError::new("not_ready").into_response(),
        (true, false) => ApiError::new("ledger_unavailable").into_response(),
    }
}
