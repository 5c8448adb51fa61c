//! What a token claims (RFC 7519 §4.1).

use std::fmt;
use std::sync::Arc;

use handover_engine::guard::is_anonymous;
use handover_engine::json::{Document, Kind, Number, View};
use handover_engine::policy::TokenPolicy;

use super::compact::object;
use super::reason::Reason;

/// How long a token may live: as long as a session, in seconds.
const LIFETIME_MAX_S: f64 = 90.0 * 86_400.0;

/// The claims of a token that verified.
#[derive(Clone)]
pub struct Claims {
    document: Arc<Document>,
    subject: String,
}

/// Shows nothing of the person.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims")
    }
}

impl Claims {
    /// All of them, an object.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        self.document.root()
    }

    /// Whose they are.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether they are an anonymous person's.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        is_anonymous(&self.subject) && self.subject.len() > "anon@".len()
    }

    /// Judges claims at a time, in epoch seconds.
    pub(super) fn read(bytes: &[u8], policy: &TokenPolicy, now: i64) -> Result<Self, Reason> {
        let document = object(bytes).ok_or(Reason::Claims)?;
        let claims = document.root();
        if !policy.issuers.is_empty() && !text(claims, "iss")?.is_some_and(|issuer| policy.issuers.contains(&issuer)) {
            return Err(Reason::Issuer);
        }
        let is_for_us = |audience: &String| policy.audiences.contains(audience);
        if !policy.audiences.is_empty() && !audiences(claims)?.iter().any(is_for_us) {
            return Err(Reason::Audience);
        }
        let time = |name| seconds(claims, name);
        #[expect(clippy::cast_precision_loss, reason = "a double holds the seconds of 285 million years")]
        let (now, leeway) = (now as f64, policy.leeway_s as f64);
        let (end, begin, issued) = (time("exp")?.ok_or(Reason::Expired)?, time("nbf")?, time("iat")?);
        if end + leeway <= now {
            return Err(Reason::Expired);
        }
        if [begin, issued].into_iter().flatten().any(|start| start > now + leeway) {
            return Err(Reason::NotYet);
        }
        if end - issued.unwrap_or(now) > LIFETIME_MAX_S {
            return Err(Reason::Lifetime);
        }
        let subject = text(claims, "sub")?.filter(|subject| !subject.is_empty()).ok_or(Reason::Subject)?;
        Ok(Self { document, subject })
    }
}

fn text(claims: View<'_>, name: &str) -> Result<Option<String>, Reason> {
    match claims.get(name) {
        None => Ok(None),
        Some(view) if view.kind() == Kind::String => Ok(Some(view.word())),
        Some(_) => Err(Reason::Claims),
    }
}

/// One text, or a list of them.
fn audiences(claims: View<'_>) -> Result<Vec<String>, Reason> {
    match claims.get("aud") {
        Some(list) if list.kind() == Kind::Array => {
            let is_text = |item: View<'_>| item.kind() == Kind::String;
            if list.items().all(is_text) { Ok(list.items().map(View::word).collect()) } else { Err(Reason::Claims) }
        }
        _ => Ok(text(claims, "aud")?.into_iter().collect()),
    }
}

fn seconds(claims: View<'_>, name: &str) -> Result<Option<f64>, Reason> {
    let Some(view) = claims.get(name) else { return Ok(None) };
    let number = view.as_number().map(Number::as_f64).filter(|seconds| seconds.is_finite());
    number.map(Some).ok_or(Reason::Claims)
}
