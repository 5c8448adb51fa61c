//! What a policy says of sessions, and whether that is wise: the provider's page of best practices, as errors and advice.

use super::{POLICY_FILE, Reader, SessionPolicy, duration};
use crate::diagnostic::{Diagnostic, Severity};
use crate::json::{Document, Kind, View};
use crate::policy::Files;

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
        for value in ["required"] {
            if let Some(view) = session.get("token").filter(|view| view.word() == value) {
                self.error("P006", view, format!("`session.token` `{value}` is not built yet"));
            }
        }
        if let Some(view) = session.get("verify") {
            self.error("P003", view, "`session.verify` is not built yet");
        }
        if session.get("token").is_none_or(|token| !["required", "optional"].contains(&token.word().as_str())) {
            self.one_of(session, "token", &["ignored", "optional", "required"]);
        }
        self.one_of(session, "ledger", &["closed", "open"]);
        self.format(session);
        self.lifetime(session);
        SessionPolicy {
            max_age: self.duration(session, "max_age"),
            // what was meant by another value is not known
            once: self.boolean(session, "once").unwrap_or(session.get("once").is_some()),
            verifies: session.get("token").is_some_and(|token| token.word() == "optional"),
            clear: self.boolean(session, "clear").unwrap_or(true),
        }
    }

    fn format(&mut self, session: View<'_>) {
        let format = self.one_of(session, "format", &["jwe", "jwt"]);
        if let Some(view) = session.get("format").filter(|_| format.as_deref() == Some("jwt")) {
            let message = "everybody who holds a `jwt` can read the session's metadata";
            self.advise("P053", Severity::Warning, view, message, "write `jwe`, and set the tenant to it");
        }
    }

    fn lifetime(&mut self, session: View<'_>) {
        let Some(view) = session.get("lifetime") else { return };
        if is_endless(view) {
            let help = "write `90d` or less, and set the tenant to it".to_owned();
            return self.error_help("P050", view, "a session that never ends".to_owned(), help);
        }
        let Some(lifetime) = self.duration(session, "lifetime") else { return };
        if lifetime > LIFETIME_MAX {
            let help = "write `90d` or less, and set the tenant to it".to_owned();
            self.error_help("P050", view, "a session that lives for more than 90 days".to_owned(), help);
        } else if lifetime < DAY {
            let message = "a session of less than 24 hours is over before most people come back";
            let help = "write `30d`, unless people share the device, and set the tenant to it";
            self.advise("P052", Severity::Warning, view, message, help);
        } else if lifetime < LIFETIME_ADVISED {
            let message = "the provider recommends sessions of 30 days or more";
            self.advise("P054", Severity::Info, view, message, "write `30d`, and set the tenant to it");
        }
    }

    fn advise(&mut self, code: &'static str, severity: Severity, view: View<'_>, message: &str, help: &str) {
        let advice = Diagnostic::at_view(code, POLICY_FILE, view, message.to_owned());
        self.errors.push(advice.severity(severity).help(help));
    }
}

/// Whether a lifetime is zero, as the provider writes an endless one, or a word for it.
fn is_endless(view: View<'_>) -> bool {
    let word = view.word().to_lowercase();
    let zero = word.trim_end_matches(['s', 'm', 'h', 'd']);
    let is_zero = !zero.is_empty() && zero.bytes().all(|digit| digit == b'0');
    view.as_size() == Some(0) || is_zero || ENDLESS.contains(&word.as_str())
}

/// What differs between a policy and the tenant's settings, `anonymous_session_lifetime` in seconds and
/// `anonymous_session_token_format` (P051). What the policy does not declare is not compared.
///
/// # Errors
/// The settings are no JSON object.
///
/// ```
/// use handover_engine::policy::{Files, differs_from_tenant};
/// let policy = r#"{ "name": "shop", "session": { "lifetime": "30d" }, "rules": [] }"#;
/// let files = Files([("policy.json".to_owned(), policy.to_owned())].into());
/// assert!(differs_from_tenant(&files, r#"{ "anonymous_session_lifetime": 2592000 }"#).unwrap().is_empty());
/// let found = differs_from_tenant(&files, r#"{ "anonymous_session_lifetime": 0 }"#).unwrap();
/// assert_eq!(found[0].message, "the tenant's sessions never end, the policy says `30d`");
/// ```
pub fn differs_from_tenant(files: &Files, settings: &str) -> Result<Vec<Diagnostic>, String> {
    let settings = Document::read(settings.as_bytes()).map_err(|error| error.message().to_owned())?;
    let tenant = settings.root();
    if tenant.kind() != Kind::Object {
        return Err("expected an object".to_owned());
    }
    let policy = files.get(POLICY_FILE).and_then(|text| Document::read(text.as_bytes()).ok());
    let Some(session) = policy.as_ref().and_then(|policy| policy.root().get("session")) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut differ = |view: View<'_>, theirs: String, setting: &str| {
        let message = format!("{theirs}, the policy says `{}`", view.word());
        let help = format!("set `{setting}` of the tenant, or write what it is set to");
        found.push(Diagnostic::at_view("P051", POLICY_FILE, view, message).help(help));
    };
    if let Some((view, own)) = session.get("lifetime").and_then(|view| Some((view, duration(&view.word())?))) {
        let setting = "anonymous_session_lifetime";
        let seconds = tenant.get(setting).and_then(View::as_size);
        match seconds {
            Some(seconds)
                if i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000)) == Some(own) => {}
            Some(0) => differ(view, "the tenant's sessions never end".to_owned(), setting),
            Some(seconds) => differ(view, format!("the tenant's sessions live for {seconds} seconds"), setting),
            None => differ(view, format!("the tenant does not say `{setting}`"), setting),
        }
    }
    if let Some(view) = session.get("format") {
        let setting = "anonymous_session_token_format";
        let theirs = tenant.get(setting).map(View::word);
        if theirs.as_ref() != Some(&view.word()) {
            let theirs = theirs.map_or_else(
                || format!("the tenant does not say `{setting}`"),
                |theirs| format!("the tenant's tokens are `{theirs}`"),
            );
            differ(view, theirs, setting);
        }
    }
    Ok(found)
}
