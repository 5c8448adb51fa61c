//! `POST /v1/transfer`: one login.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderValue, Request, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::auth::{Caller, Refusal};
use crate::error::ApiError;
use crate::state::State;
use crate::{telemetry, transfer};

/// From the first to the last byte of a body.
const BODY_TIME: Duration = Duration::from_secs(5);
/// From the whole body to the answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// Decides what the account of a login takes over.
///
/// Unsigned bytes are never parsed; once a caller is verified, every answer is signed, problems too.
///
/// # Errors
/// A problem of the contract, before there is a caller to sign it for.
pub async fn transfer(Shared(state): Shared<State>, request: Request<Body>) -> Result<Response, ApiError> {
    let _room = state.room.try_acquire().map_err(|_| ApiError::new("overloaded"))?;
    let (parts, body) = request.into_parts();
    accept(&parts.headers, state.body_bytes)?;
    let body = read(body, state.body_bytes).await?;
    let Some(callers) = &state.callers else { return Ok(decision(decide(&state, None, &body)?)) };
    let caller = callers.secrets().caller(&parts.headers, &body).map_err(|refusal| ApiError::new(refusal.code()))?;
    Ok(match decide(&state, Some(&caller), &body) {
        Ok(bytes) => (signature(&caller, &bytes), decision(bytes)).into_response(),
        Err(problem) => {
            let problem = problem.of_request(caller.id());
            (signature(&caller, problem.to_json().as_bytes()), problem).into_response()
        }
    })
}

fn decision(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
}

/// The headers that sign an answer of these bytes.
fn signature(caller: &Caller, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    caller.sign(&mut headers, now(), body);
    headers
}

/// Epoch seconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// What the headers alone decide, before a byte of the body is read.
fn accept(headers: &HeaderMap, body_bytes: usize) -> Result<(), ApiError> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(ApiError::new("content_encoding"));
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_json(media_type) {
        return Err(ApiError::new("media_type"));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > body_bytes as u64) {
        return Err(ApiError::new("body_too_large"));
    }
    Ok(())
}

/// `application/json`, in UTF-8 (RFC 8259 §8.1).
fn is_json(media_type: &str) -> bool {
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let parameters = parameters.trim().to_ascii_lowercase().replace('"', "");
    essence.trim().eq_ignore_ascii_case("application/json") && matches!(parameters.as_str(), "" | "charset=utf-8")
}

async fn read(body: Body, body_bytes: usize) -> Result<Bytes, ApiError> {
    let whole = tokio::time::timeout(BODY_TIME, Limited::new(body, body_bytes).collect()).await;
    match whole.map_err(|_| ApiError::new("body_timeout"))? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::new("body_too_large")),
        Err(_) => Err(ApiError::new("invalid_body")),
    }
}

/// Evaluates inline, takes no lock; a panic is caught once, here.
fn decide(state: &State, caller: Option<&Caller>, body: &[u8]) -> Result<Vec<u8>, ApiError> {
    caller.map_or(Ok(()), in_time)?;
    let start = Instant::now();
    let given = transfer::clocked(&state.rules);
    let decided = catch_unwind(AssertUnwindSafe(|| transfer::decide(&state.rules, body, &given)));
    let (event, decision) =
        decided.map_err(|_| ApiError::new("internal"))?.map_err(|refusal| ApiError::refusal(&refusal, body))?;
    if caller.is_some_and(|caller| caller.id() != event.id) {
        return Err(ApiError::new("id_mismatch"));
    }
    if start.elapsed() > ANSWER_TIME {
        return Err(ApiError::new("deadline_exceeded"));
    }
    let bytes = decision.to_bytes();
    telemetry::decided(&event, &decision, start.elapsed());
    Ok(bytes)
}

fn in_time(caller: &Caller) -> Result<(), ApiError> {
    caller.check_time(now()).map_err(|refusal| {
        if let Refusal::OutOfRange(seconds) = refusal {
            telemetry::skewed(caller.id(), seconds);
        }
        ApiError::new(refusal.code())
    })
}
