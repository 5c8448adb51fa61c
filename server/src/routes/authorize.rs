//! `POST /v1/authorize`, and any method on `/v1/authorize/{operation}`: what the caller of an API may do.
//!
//! The caller brings a token instead of a webhook's signature, so an API gateway can ask for each request that it gets.

use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use handover_engine::guard::{Asked, Operation};
use handover_engine::ruleset::{Late, RuleSet};
use handover_engine::script::Verdict;
use serde::Serialize;

use super::body::{accept, read};
use super::work::{KeysAtHand, evaluated, now};
use crate::error::ApiError;
use crate::state::State;
use crate::token::Reason;
use crate::{telemetry, token, transfer};

/// What nginx's `auth_request` reads of an answer without a body: the fields that are missing, separated by commas.
const REQUIRE: &str = "x-handover-require";

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    outcome: &'a str,
    reason: &'a str,
    fields: &'a [String],
}

/// Judges the operation that the body names.
///
/// # Errors
/// A problem of the contract.
pub async fn asked(Shared(state): Shared<State>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let token = bearer(&parts.headers)?;
    let bytes_max = accept(&parts.headers, state.body_bytes)?;
    let body = read(body, bytes_max, &state).await?;
    judge(&state, token, What::Body(body), is_nginx(parts.uri.query())).await
}

/// Judges the operation that the path names; a body is not read.
///
/// # Errors
/// A problem of the contract.
pub async fn named(
    Shared(state): Shared<State>,
    Path(operation): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let token = bearer(request.headers())?;
    judge(&state, token, What::Operation(operation), is_nginx(request.uri().query())).await
}

/// What is judged.
enum What {
    Body(Bytes),
    Operation(String),
}

async fn judge(state: &State, token: Vec<u8>, what: What, is_nginx: bool) -> Result<Response, ApiError> {
    let _place = state.places.try_acquire().map_err(|_| ApiError::new("overloaded"))?;
    let start = Instant::now();
    let work = move |rules: &RuleSet, at_hand: &KeysAtHand| verdict(rules, at_hand, &token, &what);
    let (guard, verdict) = evaluated(state, start, work).await?;
    telemetry::authorized(guard.as_deref(), verdict.outcome, start.elapsed());
    Ok(answer(&verdict, is_nginx))
}

/// The guard that was asked, if there is one, and what it says; none where a key is missing.
fn verdict(
    rules: &RuleSet,
    at_hand: &KeysAtHand,
    token: &[u8],
    what: &What,
) -> Result<Option<(Option<String>, Verdict)>, ApiError> {
    let keys = at_hand.keys.as_ref().ok_or(Reason::UnknownKey);
    let claims = match keys.and_then(|keys| token::claims(token, keys, rules.token_policy(), now())) {
        Ok(claims) => claims,
        Err(Reason::UnknownKey) if at_hand.may_lack => return Ok(None),
        Err(reason) => {
            telemetry::token_refused(reason);
            return Err(ApiError::new("token_invalid"));
        }
    };
    // bytes of a caller that nobody knows are not read
    let asked = match what {
        What::Operation(operation) => Asked::named(operation),
        What::Body(body) => Asked::read(body).map_err(|refusal| ApiError::refusal(&refusal, body))?,
    };
    let operation = Operation { name: asked.operation(), body: asked.body(), token: claims.view() };
    let verdict = rules.authorize_until(operation, &transfer::clock(rules));
    let verdict = verdict.map_err(|Late| ApiError::new("deadline_exceeded"))?;
    let guard = rules.guards().iter().find(|guard| guard.operation == asked.operation());
    Ok(Some((guard.map(|guard| guard.operation.clone()), verdict)))
}

fn answer(verdict: &Verdict, is_nginx: bool) -> Response {
    let Verdict { outcome, reason, fields } = verdict;
    let status = match *outcome {
        "allow" => StatusCode::OK,
        "require" if !is_nginx => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::FORBIDDEN,
    };
    let body = serde_json::to_vec(&Answer { outcome, reason, fields }).unwrap_or_default();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if is_nginx
        && *outcome == "require"
        && let Ok(fields) = HeaderValue::from_str(&fields.join(","))
    {
        headers.insert(REQUIRE, fields);
    }
    response
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<Vec<u8>, ApiError> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(ApiError::new(if headers.contains_key(header::AUTHORIZATION) {
            "token_invalid"
        } else {
            "token_missing"
        }));
    };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len()).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"Bearer ") || token.is_empty() {
        return Err(ApiError::new("token_missing"));
    }
    Ok(token.to_vec())
}

/// nginx's `auth_request` takes 2xx, 401 and 403 only.
fn is_nginx(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "gateway=nginx"))
}
