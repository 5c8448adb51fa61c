//! `POST /v1/transfer`: one login.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderValue, Request, header};
use axum::response::{IntoResponse, Response};
use handover_engine::decision::Decision;
use handover_engine::event::Event;
use handover_engine::policy::LedgerPolicy;
use handover_engine::ruleset::{Given, Late, RuleSet};
use http_body_util::BodyExt;

use crate::auth::{Caller, Head, Refusal};
use crate::error::ApiError;
use crate::ledger::{Claim, Guarded, Owner};
use crate::state::State;
use crate::{ledger, telemetry, transfer};

/// From the first to the last byte of a body.
const BODY_TIME: Duration = Duration::from_secs(5);
/// From the whole body to the answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// Decides what the account of a login takes over.
///
/// The head is judged before a byte of the body is read, and unsigned bytes are never parsed. Once a caller is verified,
/// every answer is signed, problems too.
///
/// # Errors
/// A problem of the contract, before there is a caller to sign it for.
pub async fn transfer(Shared(state): Shared<State>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let head = state.callers.as_ref().map(|_| Head::read(&parts.headers)).transpose().map_err(unsigned)?;
    let bytes_max = accept(&parts.headers, state.body_bytes)?;
    let body = read(body, bytes_max, &state).await?;
    let _place = state.places.try_acquire().map_err(|_| ApiError::new("overloaded"))?;
    let (Some(callers), Some(head)) = (&state.callers, head) else {
        return Ok(decision(decide(&state, None, body).await?));
    };
    let caller = callers.secrets().verify(head, &body).map_err(unsigned)?;
    Ok(match decide(&state, Some(&caller), body).await {
        Ok(bytes) => (signature(&caller, &bytes), decision(bytes)).into_response(),
        Err(problem) => {
            let problem = problem.of_request(caller.id());
            (signature(&caller, problem.to_json().as_bytes()), problem).into_response()
        }
    })
}

fn unsigned(refusal: Refusal) -> ApiError {
    ApiError::new(refusal.code())
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

/// What the headers alone decide, before a byte of the body is read; gives the bytes that it may have.
fn accept(headers: &HeaderMap, body_bytes: usize) -> Result<usize, ApiError> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(ApiError::new("content_encoding"));
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_json(media_type) {
        return Err(ApiError::new("media_type"));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length.map(usize::try_from) {
        None => Ok(body_bytes),
        Some(Ok(length)) if length <= body_bytes => Ok(length),
        Some(_) => Err(ApiError::new("body_too_large")),
    }
}

/// `application/json`, in UTF-8 (RFC 8259 §8.1).
fn is_json(media_type: &str) -> bool {
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let parameters = parameters.trim().to_ascii_lowercase().replace('"', "");
    essence.trim().eq_ignore_ascii_case("application/json") && matches!(parameters.as_str(), "" | "charset=utf-8")
}

/// Reads a body, while all that are being read together stay within their bound.
async fn read(body: Body, bytes_max: usize, state: &State) -> Result<Bytes, ApiError> {
    let whole = tokio::time::timeout(BODY_TIME, whole(body, bytes_max, state)).await;
    whole.map_err(|_| ApiError::new("body_timeout"))?
}

/// What came of a body takes its share as it comes: who announces much and sends nothing takes nothing from others.
async fn whole(mut body: Body, bytes_max: usize, state: &State) -> Result<Bytes, ApiError> {
    let mut bytes = Vec::new();
    let mut share = state.bodies.try_acquire_many(0).map_err(|_| ApiError::new("overloaded"))?;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::new("invalid_body"))?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > bytes_max {
            return Err(ApiError::new("body_too_large"));
        }
        let more = u32::try_from(length.div_ceil(1_024) - share.num_permits()).unwrap_or(u32::MAX);
        share.merge(state.bodies.try_acquire_many(more).map_err(|_| ApiError::new("overloaded"))?);
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// An event, what was decided of it, and the bytes of that.
type Decided = Result<(Event, Decision, Vec<u8>), ApiError>;

/// Evaluates on the pool. The deadline is answered although an evaluation may still run.
async fn decide(state: &State, caller: Option<&Caller>, body: Bytes) -> Result<Vec<u8>, ApiError> {
    decide_by(evaluate, state, caller, body).await
}

async fn decide_by(
    evaluate: fn(&RuleSet, &[u8]) -> Decided,
    state: &State,
    caller: Option<&Caller>,
    body: Bytes,
) -> Result<Vec<u8>, ApiError> {
    caller.map_or(Ok(()), in_time)?;
    let start = Instant::now();
    let rules = Arc::clone(&state.rules);
    let work = move || caught(|| evaluate(&rules, &body));
    let answer = state.pool.queue(start + ANSWER_TIME, work).map_err(|_| ApiError::new("overloaded"))?;
    let answer = tokio::time::timeout_at((start + ANSWER_TIME).into(), answer).await;
    let late = || ApiError::new("deadline_exceeded");
    let (event, decision, bytes) = answer.map_err(|_| late())?.map_err(|_| late())??;
    if caller.is_some_and(|caller| caller.id() != event.id) {
        return Err(ApiError::new("id_mismatch"));
    }
    let claim = claim(state, &event, &decision);
    let (decision, bytes) = claimed(state, claim, decision, bytes).await?;
    telemetry::decided(&event, &decision, start.elapsed());
    Ok(bytes)
}

/// What the ledger must know before the answer leaves (I4), and the ledger.
fn claim(state: &State, event: &Event, decision: &Decision) -> Option<(Arc<Guarded>, Claim)> {
    let (ledger, session) = (state.ledger.as_ref()?, event.session.as_ref()?);
    decision.needs_claim().then(|| (Arc::clone(ledger), ledger.claim_of(event, session, ledger::now())))
}

/// The answer after the claim: the same, none of it, or one that keeps the session.
async fn claimed(
    state: &State,
    claim: Option<(Arc<Guarded>, Claim)>,
    decision: Decision,
    bytes: Vec<u8>,
) -> Result<(Decision, Vec<u8>), ApiError> {
    let Some((ledger, claim)) = claim else { return Ok((decision, bytes)) };
    // a caller that hangs up ends no claim: the next one must learn that the ledger does not answer
    let claimed = tokio::spawn(async move { ledger.claim(claim, ledger::now()).await });
    let decision = match claimed.await.map_err(|_| ApiError::new("internal"))? {
        Ok(Owner::This) => {
            if let Some(hold) = state.hold {
                tokio::time::sleep(hold).await;
            }
            return Ok((decision, bytes));
        }
        Ok(Owner::Another) => decision.withdrawn(),
        Err(_) if state.rules.ledger() == LedgerPolicy::Open => decision.unclaimed(state.rules.limits().report_entries),
        Err(_) => return Err(ApiError::new("ledger_unavailable")),
    };
    let bytes = decision.to_bytes();
    Ok((decision, bytes))
}

fn evaluate(rules: &RuleSet, body: &[u8]) -> Decided {
    let event = Event::read(body, rules.provider()).map_err(|refusal| ApiError::refusal(&refusal, body))?;
    let decision = rules.evaluate_until(&event, &Given::default(), &transfer::clock(rules));
    let decision = decision.map_err(|Late| ApiError::new("deadline_exceeded"))?;
    let bytes = decision.to_bytes();
    Ok((event, decision, bytes))
}

/// A panic is caught once, here: the thread that evaluates lives, and the others do not feel it.
fn caught(decide: impl FnOnce() -> Decided) -> Decided {
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| Err(ApiError::new("internal")))
}

fn in_time(caller: &Caller) -> Result<(), ApiError> {
    caller.check_time(now()).map_err(|refusal| {
        if let Refusal::OutOfRange(seconds) = refusal {
            telemetry::skewed(caller.id(), seconds);
        }
        ApiError::new(refusal.code())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use handover_engine::policy::Files;

    use super::*;

    fn bug(_: &RuleSet, body: &[u8]) -> Decided {
        assert!(body.is_empty(), "a bug of ours");
        Err(ApiError::new("id_mismatch"))
    }

    #[test]
    fn a_panic_is_500_and_its_thread_goes_on() {
        let policy = r#"{ "name": "test", "rules": [ { "name": "l", "to": "app_metadata.l", "merge": "fill" } ] }"#;
        let files = [("policy.json", policy), ("l.schema.json", r#"{ "type": "boolean" }"#)];
        let files = Files(BTreeMap::from(files.map(|(name, text)| (name.to_owned(), text.to_owned()))));
        let state = State::new(RuleSet::compile(&files).unwrap(), None, 1_000).unwrap();
        let body = Bytes::from_static(
            br#"{ "id": "tx", "trigger": "login", "at": "2026-11-23T10:00:00Z", "account": { "id": "a" } }"#,
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            // more than there are threads
            for _ in 0..9 {
                let problem = decide_by(bug, &state, None, body.clone()).await.unwrap_err();
                assert_eq!((problem.status(), problem.code()), (500, "internal"));
            }
            assert!(decide(&state, None, body).await.unwrap().starts_with(b"{\"id\":\"tx\""));
        });
    }
}
