//! What a policy says of sessions, and whether that is wise: the provider's page of best practices, as errors and advice.

use super::{LedgerPolicy, POLICY_FILE, Reader, SessionPolicy, TokenMode, duration};
use crate::diagnostic::{Diagnostic, PolicyProblem, Span};
use crate::json::{Document, Kind, Number, View};
use crate::policy::Files;
use crate::provider::Provider;

/// Hours, in milliseconds.
const HOUR: i64 = 3_600_000;
/// Days, in milliseconds.
const DAY: i64 = 24 * HOUR;
/// How long a session may live.
const LIFETIME_MAX: i64 = 90 * DAY;
/// What the provider recommends at least.
const LIFETIME_ADVISED: i64 = 30 * DAY;

/// What people write for a session that never ends, beside a duration of zero.
const ENDLESS: [&str; 6] = ["0", "forever", "infinite", "infinity", "never", "unlimited"];

impl Reader<'_> {
    pub(super) fn session(&mut self, session: View<'_>) -> SessionPolicy {
        let names = ["clear", "format", "ledger", "lifetime", "max_age", "once", "token", "verify"];
        if !self.members(session, &names) {
            return SessionPolicy::default();
        }
        let token = match self.one_of(session, "token", &["ignored", "optional", "required"]).as_deref() {
            Some("required") => TokenMode::Required,
            Some("optional") => TokenMode::Optional,
            _ => TokenMode::Ignored,
        };
        if let Some(view) = session.get("token").filter(|_| token == TokenMode::Required)
            && self.provider == Provider::Auth0
        {
            self.error(view, PolicyProblem::NoTokenComes);
        }
        let ledger = match self.one_of(session, "ledger", &["closed", "open"]).as_deref() {
            Some("open") => LedgerPolicy::Open,
            _ => LedgerPolicy::Closed,
        };
        self.format(session);
        self.lifetime(session);
        SessionPolicy {
            max_age: self.duration(session, "max_age"),
            // what was meant by another value is not known
            once: self.boolean(session, "once").unwrap_or(session.get("once").is_some()),
            token,
            clear: self.boolean(session, "clear").unwrap_or(true),
            ledger,
        }
    }

    fn format(&mut self, session: View<'_>) {
        let format = self.one_of(session, "format", &["jwe", "jwt"]);
        if let Some(view) = session.get("format").filter(|_| format.as_deref() == Some("jwt")) {
            self.error(view, PolicyProblem::ReadableToken);
        }
    }

    fn lifetime(&mut self, session: View<'_>) {
        let Some(view) = session.get("lifetime") else { return };
        if is_endless(view) {
            return self.error(view, PolicyProblem::EndlessSession);
        }
        let Some(lifetime) = self.duration(session, "lifetime") else { return };
        if lifetime > LIFETIME_MAX {
            self.error(view, PolicyProblem::LongSession);
        } else if lifetime < DAY {
            self.error(view, PolicyProblem::ShortSession);
        } else if lifetime < LIFETIME_ADVISED {
            self.error(view, PolicyProblem::SessionBelowAdvice);
        }
    }
}

/// Whether a lifetime is zero, as the provider writes an endless one, or a word for it.
fn is_endless(view: View<'_>) -> bool {
    let word = view.word().to_lowercase();
    let zero = word.trim_end_matches(['s', 'm', 'h', 'd']);
    let is_zero = !zero.is_empty() && zero.bytes().all(|digit| digit == b'0');
    view.as_size() == Some(0) || is_zero || ENDLESS.contains(&word.as_str())
}

/// What differs between a policy and the tenant's settings (P051), as the Management API returns them: the lifetime as
/// `sessions.anonymous.lifetime_in_minutes`, or as `anonymous_session_lifetime` in seconds, its older name; the format of
/// tokens as `anonymous_session_token_format`. What the policy does not declare is not compared.
///
/// # Errors
/// The settings are no JSON object.
///
/// ```
/// use handover_engine::policy::{Files, differs_from_tenant};
/// let policy = r#"{ "name": "shop", "session": { "lifetime": "30d" }, "rules": [] }"#;
/// let files = Files([("policy.json".to_owned(), policy.to_owned())].into());
/// let settings = r#"{ "sessions": { "anonymous": { "lifetime_in_minutes": 43200 } } }"#;
/// assert!(differs_from_tenant(&files, settings).unwrap().is_empty());
/// let found = differs_from_tenant(&files, r#"{ "anonymous_session_lifetime": 0 }"#).unwrap();
/// assert_eq!(found[0].message, "the tenant's sessions never end, the policy declares `30d`");
/// ```
pub fn differs_from_tenant(files: &Files, settings: &str) -> Result<Vec<Diagnostic>, String> {
    let settings = Document::read(settings.as_bytes()).map_err(|error| error.message().to_owned())?;
    if settings.root().kind() != Kind::Object {
        return Err("expected an object".to_owned());
    }
    // an export of a whole tenant has its settings below a name
    let tenant =
        settings.root().get("tenant").filter(|tenant| tenant.kind() == Kind::Object).unwrap_or(settings.root());
    let policy = files.get(POLICY_FILE).and_then(|text| Document::read(text.as_bytes()).ok());
    let Some(session) = policy.as_ref().and_then(|policy| policy.root().get("session")) else { return Ok(Vec::new()) };
    let lifetime = session.get("lifetime").and_then(|view| Some((view, duration(&view.word())?)));
    let lifetime = lifetime.and_then(|(view, own)| differing(view, lifetime_of(tenant, own)));
    let format = session.get("format").and_then(|view| differing(view, format_of(tenant, &view.word())));
    Ok(lifetime.into_iter().chain(format).collect())
}

/// What the tenant has instead, and the setting's name; nothing if it is the same.
type Theirs = Option<(String, &'static str)>;

fn differing(view: View<'_>, theirs: Theirs) -> Option<Diagnostic> {
    let (theirs, setting) = theirs?;
    let problem = PolicyProblem::TenantDiffers { theirs, declared: view.word(), setting };
    Some(Diagnostic::new(Span::at_view(POLICY_FILE, view), problem))
}

fn lifetime_of(tenant: View<'_>, own: i64) -> Theirs {
    const MINUTES: &str = "sessions.anonymous.lifetime_in_minutes";
    const SECONDS: &str = "anonymous_session_lifetime";
    let anonymous = tenant.get("sessions").and_then(|sessions| sessions.get("anonymous"));
    let minutes = anonymous.and_then(|anonymous| anonymous.get("lifetime_in_minutes"));
    let (setting, view, unit, millis) = match (minutes, tenant.get(SECONDS)) {
        (Some(minutes), _) => (MINUTES, minutes, "minutes", 60_000),
        (None, Some(seconds)) => (SECONDS, seconds, "seconds", 1_000),
        (None, None) => return Some((format!("the tenant's settings have no `{MINUTES}`"), MINUTES)),
    };
    let number = view.as_number().and_then(Number::as_i64);
    match number {
        Some(number) if number.checked_mul(millis) == Some(own) => None,
        None if !view.is_null() => Some((format!("the tenant's `{setting}` is not a number"), setting)),
        None | Some(..=0) => Some(("the tenant's sessions never end".to_owned(), setting)),
        Some(number) => Some((format!("the tenant's sessions live for {number} {unit}"), setting)),
    }
}

fn format_of(tenant: View<'_>, own: &str) -> Theirs {
    const FORMAT: &str = "anonymous_session_token_format";
    let theirs = tenant.get(FORMAT)?.word();
    (theirs != own).then(|| (format!("the tenant's tokens are `{theirs}`"), FORMAT))
}
