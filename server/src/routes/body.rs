//! The body of a request: what its head allows, and its bytes, while all bodies together stay within their bound.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// From the first to the last byte of a body.
const BODY_TIME: Duration = Duration::from_secs(5);

/// What the headers alone decide, before a byte of the body is read; gives the bytes that it may have.
pub(super) fn accept(headers: &HeaderMap, body_bytes: usize) -> Result<usize, ApiError> {
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
pub(super) async fn read(body: Body, bytes_max: usize, bodies: &Semaphore) -> Result<Bytes, ApiError> {
    let whole = tokio::time::timeout(BODY_TIME, whole(body, bytes_max, bodies)).await;
    whole.map_err(|_| ApiError::new("body_timeout"))?
}

/// What came of a body takes its share as it comes: who announces much and sends nothing takes nothing from others.
async fn whole(mut body: Body, bytes_max: usize, bodies: &Semaphore) -> Result<Bytes, ApiError> {
    let mut bytes = Vec::new();
    let mut share = bodies.try_acquire_many(0).map_err(|_| ApiError::new("overloaded"))?;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::new("invalid_body"))?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > bytes_max {
            return Err(ApiError::new("body_too_large"));
        }
        let more = u32::try_from(length.div_ceil(1_024) - share.num_permits()).unwrap_or(u32::MAX);
        share.merge(bodies.try_acquire_many(more).map_err(|_| ApiError::new("overloaded"))?);
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}
