//! `POST /v1/authorize`, and any method on `/v1/authorize/{operation}`: what the caller of an API may do.
//!
//! The caller brings a token instead of a webhook's signature, so an API gateway can ask for each request that it gets.

use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use handover_engine::event::Refusal;
use handover_engine::guard::{AuthorizeRequest, Operation};
use handover_engine::ruleset::{Late, RuleSet};
use handover_engine::script::Verdict;
use serde::Serialize;

use super::body::{accept, read};
use super::work::{KeysAtHand, On, evaluated, now};
use crate::error::ApiError;
use crate::state::{Lane, State};
use crate::token::{Claims, Reason};
use crate::{telemetry, transfer};

/// What nginx's `auth_request` reads of an answer without a body: the fields that are missing, separated by commas.
const REQUIRE: &str = "x-handover-require";
/// The reason, where it is letters, digits, spaces, `_`, `-` and `.`: gateways put it into text of their own.
const REASON: &str = "x-handover-reason";

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    outcome: &'a str,
    reason: &'a str,
    fields: &'a [String],
}

/// Judges the operation that the body names. The body of a caller that nobody knows is not read.
///
/// # Errors
/// A problem of the contract.
pub async fn asked(Shared(state): Shared<State>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let claims = caller(&state, &parts.headers).await?;
    let gateway = Gateway::read(parts.uri.query())?;
    let bytes_max = accept(&parts.headers, state.body_bytes)?;
    let bytes = read(body, bytes_max, &lane(&state)?.bodies).await?;
    judged(&state, claims, gateway, move || {
        AuthorizeRequest::read(&bytes).map_err(|refusal| ApiError::refusal(&refusal, &bytes))
    })
    .await
}

/// Judges the operation that the path names; a body is not read.
///
/// # Errors
/// A problem of the contract.
pub async fn named(
    Shared(state): Shared<State>,
    operation: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let claims = caller(&state, request.headers()).await?;
    let gateway = Gateway::read(request.uri().query())?;
    let Ok(Path(operation)) = operation else { return Err(invalid("a path in UTF-8")) };
    judged(&state, claims, gateway, move || Ok(AuthorizeRequest::named(&operation))).await
}

/// What callers share. Without keys, there is none, and nobody is known.
fn lane(state: &State) -> Result<&Lane, ApiError> {
    state.authorize.as_deref().ok_or_else(|| ApiError::token(Reason::NoKeys))
}

/// The claims of the caller's token.
async fn caller(state: &State, headers: &HeaderMap) -> Result<Claims, ApiError> {
    let token = bearer(headers)?;
    let lane = lane(state)?;
    let verify = move |rules: &RuleSet, at_hand: &KeysAtHand| {
        at_hand.claims(&token, rules, now()).transpose().map_err(ApiError::token)
    };
    evaluated(state, on(lane), Instant::now(), verify).await
}

fn on(lane: &Lane) -> On<'_> {
    On { pool: &lane.pool, places: Some(&lane.places) }
}

async fn judged(
    state: &State,
    claims: Claims,
    gateway: Gateway,
    request: impl Fn() -> Result<AuthorizeRequest, ApiError> + Send + Sync + 'static,
) -> Result<Response, ApiError> {
    let start = Instant::now();
    let judge = move |rules: &RuleSet, _: &KeysAtHand| {
        let request = request()?;
        let operation = Operation { name: request.operation(), body: request.body(), token: claims.view() };
        let verdict = rules.authorize_until(operation, &transfer::clock(rules));
        let verdict = verdict.map_err(|Late| ApiError::new("deadline_exceeded"))?;
        let is_known = rules.guards().iter().any(|guard| guard.operation == request.operation());
        Ok(Some((is_known.then(|| request.operation().to_owned()), verdict)))
    };
    let (guard, verdict) = evaluated(state, on(lane(state)?), start, judge).await?;
    telemetry::authorized(guard.as_deref(), &verdict, start.elapsed());
    Ok(answer(&verdict, gateway))
}

fn invalid(expected: &'static str) -> ApiError {
    ApiError::refusal(&Refusal::Invalid { pointer: String::new(), expected }, &[])
}

fn answer(verdict: &Verdict, gateway: Gateway) -> Response {
    let Verdict { outcome, reason, fields, .. } = verdict;
    let is_nginx = gateway == Gateway::Nginx;
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
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-.".contains(&byte);
    if is_nginx
        && reason.bytes().all(is_plain)
        && let Ok(reason) = HeaderValue::from_str(reason)
    {
        headers.insert(REASON, reason);
    }
    if is_nginx && !fields.is_empty() {
        // a guard's fields are names that a header can hold
        let fields = HeaderValue::from_str(&fields.join(",")).unwrap_or(HeaderValue::from_static("*"));
        headers.insert(REQUIRE, fields);
    }
    response
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<Vec<u8>, ApiError> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        let is_missing = !headers.contains_key(header::AUTHORIZATION);
        return Err(if is_missing { ApiError::new("token_missing") } else { ApiError::token(Reason::Form) });
    };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len()).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"Bearer ") || token.is_empty() {
        return Err(ApiError::new("token_missing"));
    }
    Ok(token.to_vec())
}

/// Who reads the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gateway {
    /// An API, or a gateway that knows every status.
    Any,
    /// nginx's `auth_request`, which takes 2xx, 401 and 403 only.
    Nginx,
}

impl Gateway {
    /// Reads `?gateway=nginx`.
    fn read(query: Option<&str>) -> Result<Self, ApiError> {
        let pairs = query.unwrap_or_default().split('&');
        let mut named = pairs.filter_map(|pair| pair.strip_prefix("gateway="));
        match (named.next(), named.next()) {
            (None, _) => Ok(Self::Any),
            (Some("nginx"), None) => Ok(Self::Nginx),
            _ => Err(invalid("`gateway=nginx`, or no gateway")),
        }
    }
}
