//! `POST /v1/transfer`: one login.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderValue, Request, header};
use axum::response::{IntoResponse, Response};
use handover_engine::decision::Decision;
use handover_engine::event::Event;
use handover_engine::policy::{LedgerPolicy, TokenMode};
use handover_engine::ruleset::{Given, Late, RuleSet, TokenVerdict};

use super::body::{accept, read};
use super::work::{KeysAtHand, On, evaluated, now};
use crate::auth::{Caller, Head, Refusal};
use crate::error::ApiError;
use crate::ledger::{Claim, Guarded, Owner};
use crate::state::State;
use crate::token::Reason;
use crate::{ledger, telemetry, transfer};

/// Seconds by which the provider's clock may differ from ours and still judge its tokens.
const CLOCKS_DIFFER_S: u64 = 300;

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
    let body = read(body, bytes_max, &state.logins.bodies).await?;
    let _place = state.logins.places.try_acquire().map_err(|_| ApiError::new("overloaded"))?;
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

/// An event, and what was decided of it.
struct Decided {
    event: Event,
    decision: Decision,
    bytes: Vec<u8>,
    /// Why its token was refused.
    refused: Option<Reason>,
}

/// Evaluates on the pool. The deadline is answered although an evaluation may still run.
async fn decide(state: &State, caller: Option<&Caller>, body: Bytes) -> Result<Vec<u8>, ApiError> {
    decide_by(evaluate, state, caller, body).await
}

/// How a try is made.
type Evaluate = fn(&RuleSet, &[u8], &KeysAtHand) -> Result<Option<Decided>, ApiError>;

async fn decide_by(
    evaluate: Evaluate,
    state: &State,
    caller: Option<&Caller>,
    body: Bytes,
) -> Result<Vec<u8>, ApiError> {
    caller.map_or(Ok(()), in_time)?;
    let start = Instant::now();
    let on = On { pool: &state.logins.pool, places: None };
    let decided = evaluated(state, on, start, move |rules, at_hand| evaluate(rules, &body, at_hand)).await?;
    let Decided { event, decision, bytes, refused } = decided;
    if caller.is_some_and(|caller| caller.id() != event.id) {
        return Err(ApiError::new("id_mismatch"));
    }
    let claim = claim(state, &event, &decision);
    let (decision, bytes) = claimed(state, claim, decision, bytes).await?;
    telemetry::decided(&event, &decision, refused, start.elapsed());
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

fn evaluate(rules: &RuleSet, body: &[u8], at_hand: &KeysAtHand) -> Result<Option<Decided>, ApiError> {
    let event = Event::read(body, rules.provider()).map_err(|refusal| ApiError::refusal(&refusal, body))?;
    let Some((token, refused)) = judged(rules, &event, at_hand, now()) else { return Ok(None) };
    let decision = rules.evaluate_until(&event, &Given { token }, &transfer::clock(rules));
    let decision = decision.map_err(|Late| ApiError::new("deadline_exceeded"))?;
    let bytes = decision.to_bytes();
    Ok(Some(Decided { event, decision, bytes, refused }))
}

/// What becomes of the session's token, if the policy reads it, and why it is refused; none where a newer key may help. `own`
/// is this server's time, in epoch seconds.
fn judged(rules: &RuleSet, event: &Event, at_hand: &KeysAtHand, own: i64) -> Option<(TokenVerdict, Option<Reason>)> {
    let is_read = rules.token_mode() != TokenMode::Ignored;
    let Some(token) = event.session.as_ref().and_then(|session| session.token.as_ref()).filter(|_| is_read) else {
        return Some((TokenVerdict::Unverified, None));
    };
    // the provider's clock is the one that its tokens have, unless it is far from ours
    let at = event.at.div_euclid(1_000);
    let now = if at.abs_diff(own) <= CLOCKS_DIFFER_S { at } else { own };
    Some(match at_hand.claims(token.as_bytes(), rules, now)? {
        Ok(claims) if claims.is_anonymous() => (TokenVerdict::Verified(claims.subject().to_owned()), None),
        Ok(_) => (TokenVerdict::Unverified, Some(Reason::Subject)),
        Err(reason) => (TokenVerdict::Unverified, Some(reason)),
    })
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

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use handover_engine::policy::Files;

    use super::*;
    use crate::token::KeySet;

    fn rules(policy: &str) -> RuleSet {
        let files = [("policy.json", policy), ("l.schema.json", r#"{ "type": "boolean" }"#)];
        let files = Files(BTreeMap::from(files.map(|(name, text)| (name.to_owned(), text.to_owned()))));
        RuleSet::compile(&files).unwrap()
    }

    fn bug(_: &RuleSet, body: &[u8], _: &KeysAtHand) -> Result<Option<Decided>, ApiError> {
        assert!(body.is_empty(), "a bug of ours");
        Err(ApiError::new("id_mismatch"))
    }

    /// What becomes of a token that lives from 1 000 to 2 000, by the provider's clock and ours, in epoch seconds.
    fn judged_at(at: i64, own: i64) -> Option<Reason> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (point, part) = (pair.public_key().as_ref(), |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes));
        let (x, y) = point[1..].split_at(32);
        let keys =
            format!(r#"{{ "keys": [ {{ "kty": "EC", "crv": "P-256", "x": "{}", "y": "{}" }} ] }}"#, part(x), part(y));
        let claims = r#"{ "sub": "anon@1", "nbf": 1000, "exp": 2000 }"#;
        let message = format!("{}.{}", part(br#"{ "alg": "ES256" }"#), part(claims.as_bytes()));
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        let token = format!("{message}.{}", part(signature.as_ref()));
        let policy = r#"{ "name": "test", "provider": "generic", "session": { "token": "required", "verify": { "leeway_s": 0 } },
            "rules": [ { "name": "l", "to": "app_metadata.l", "merge": "fill" } ] }"#;
        let rules = rules(policy);
        let body = format!(
            r#"{{ "id": "tx", "trigger": "login", "at": "1970-01-01T{:02}:{:02}:{:02}Z", "account": {{ "id": "a" }},
                "anonymous_session": {{ "id": "anon@1", "token": "{token}" }} }}"#,
            at / 3_600,
            at / 60 % 60,
            at % 60
        );
        let event = Event::read(body.as_bytes(), rules.provider()).unwrap();
        let keys = Some(Arc::new(KeySet::read(keys.as_bytes()).unwrap()));
        judged(&rules, &event, &KeysAtHand::of(keys), own).unwrap().1
    }

    #[test]
    fn the_provider_s_clock_counts_within_five_minutes_of_ours() {
        assert_eq!(judged_at(1_999, 1_999), None);
        assert_eq!(judged_at(2_000, 2_000), Some(Reason::Expired));
        // ours is behind or ahead, and the provider's is right
        assert_eq!(judged_at(1_900, 2_200), None);
        assert_eq!(judged_at(1_100, 800), None);
        assert_eq!(judged_at(2_100, 1_800), Some(Reason::Expired));
        // too far from ours: nobody chooses the time
        assert_eq!(judged_at(1_900, 2_201), Some(Reason::Expired));
        assert_eq!(judged_at(1_500, 50_000), Some(Reason::Expired));
        assert_eq!(judged_at(1_500, 500), Some(Reason::NotYet));
    }

    #[test]
    fn a_panic_is_500_and_its_thread_goes_on() {
        let policy = r#"{ "name": "test", "rules": [ { "name": "l", "to": "app_metadata.l", "merge": "fill" } ] }"#;
        let state = State::new(rules(policy), None, 1_000).unwrap();
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
