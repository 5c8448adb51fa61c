//! Problems (RFC 9457): status, stable code, and text that holds nothing of the input.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use handover_engine::event::Refusal;
use handover_engine::json::Position;
use serde::Serialize;

use crate::token::Reason;

/// An answer that is no decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    title: String,
    pointer: Option<Box<str>>,
    position: Option<Position>,
    request_id: Option<Box<str>>,
    /// Why a token was refused: for the log only.
    token_refused: Option<&'static str>,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl ApiError {
    /// A problem of the contract by its code.
    #[must_use]
    pub fn new(code: &'static str) -> Self {
        let (status, title) = match code {
            "not_found" => (404, "no such route"),
            "method_not_allowed" => (405, "the route has no such method"),
            "body_timeout" => (408, "the body did not arrive in time"),
            "body_too_large" => (413, "the body is too large"),
            "media_type" => (415, "the body must be `application/json`"),
            "content_encoding" => (415, "the body must not be encoded"),
            "invalid_body" => (400, "the body could not be read"),
            "signature_missing" => (401, "`webhook-id`, `webhook-timestamp` and `webhook-signature` are all needed"),
            "signature_invalid" => (401, "no signature fits the request under the secrets of this server"),
            "timestamp_invalid" => (401, "`webhook-timestamp` must be epoch seconds"),
            "timestamp_out_of_range" => (401, "`webhook-timestamp` is more than five minutes from this server's clock"),
            "token_missing" => (401, "`Authorization: Bearer` with a token is needed"),
            "token_invalid" => (401, "the token does not verify"),
            "id_mismatch" => (400, "`webhook-id` and the body's `id` differ"),
            "overloaded" => (503, "too many requests at once"),
            "not_ready" => (503, "the server is stopping"),
            "ledger_unavailable" => (503, "the ledger does not answer: nothing changes, and the session stays"),
            "deadline_exceeded" => (504, "the decision took too long"),
            _ => (500, "an error of the server"),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            code,
            title: title.to_owned(),
            pointer: None,
            position: None,
            request_id: None,
            token_refused: None,
        }
    }

    /// The one answer to every token that does not verify; the log says why.
    #[must_use]
    pub fn token(reason: Reason) -> Self {
        Self { token_refused: Some(reason.word()), ..Self::new("token_invalid") }
    }

    /// The problem of a body that is no request.
    #[must_use]
    pub fn refusal(refusal: &Refusal, body: &[u8]) -> Self {
        let (title, pointer, position) = match refusal {
            Refusal::Unreadable(error) => (error.message().to_owned(), None, Some(error.position(body))),
            Refusal::Invalid { pointer, expected } => {
                (format!("expected {expected}"), Some(pointer.as_str().into()), None)
            }
        };
        let status = StatusCode::BAD_REQUEST;
        Self { status, code: refusal.code(), title, pointer, position, request_id: None, token_refused: None }
    }

    /// The same problem, of the request with this id; only a verified caller's id is repeated.
    #[must_use]
    pub fn of_request(self, id: &str) -> Self {
        Self { request_id: Some(id.into()), ..self }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The problem as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let problem = Problem {
            r#type: format!("urn:handover:problem:{}", self.code),
            title: &self.title,
            status: self.status.as_u16(),
            code: self.code,
            pointer: self.pointer.as_deref(),
            line: self.position.map(|position| position.line),
            column: self.position.map(|position| position.column),
            request_id: self.request_id.as_deref(),
        };
        serde_json::to_string(&problem).unwrap_or_default()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        crate::telemetry::refused(
            self.status(),
            self.code,
            self.pointer.as_deref(),
            self.request_id.as_deref(),
            self.token_refused,
        );
        let mut response = (self.status, self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(self.code, "token_missing" | "token_invalid") {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.code, "overloaded" | "ledger_unavailable") {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if matches!(self.code, "body_too_large" | "body_timeout" | "overloaded") {
            // the rest of the body is not read
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
