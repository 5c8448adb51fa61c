//! What an anonymous caller may do: a policy's guards, each for the operation that its file names.

use std::sync::Arc;

use crate::budget::Budget;
use crate::event::Refusal;
use crate::json::{Document, Json, Kind, Number, View};
use crate::script::{GuardFailure, Sandbox, Script, Verdict};

/// The guard of one operation.
#[derive(Debug)]
pub struct Guard {
    /// The operation: `checkout` of `checkout.guard.rhai`.
    pub operation: String,
    /// Its script.
    pub script: Script,
}

/// What a caller wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// Its name.
    pub name: &'a str,
    /// What comes with it, if anything does.
    pub body: Option<View<'a>>,
    /// The claims of the caller's token, which was verified.
    pub token: View<'a>,
}

/// What a caller of `/v1/authorize` asks for: `{"operation": …, "body": …}`.
pub struct AuthorizeRequest {
    operation: String,
    document: Option<Arc<Document>>,
}

impl AuthorizeRequest {
    /// An operation without a body.
    #[must_use]
    pub fn named(operation: &str) -> Self {
        Self { operation: operation.to_owned(), document: None }
    }

    /// Reads a request body.
    ///
    /// # Errors
    /// Not JSON, without an operation, or with a member that is not the contract's.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let document = Document::read(body).map_err(Refusal::Unreadable)?;
        let root = document.root();
        let invalid = |pointer: &str, expected| Refusal::Invalid { pointer: pointer.to_owned(), expected };
        if root.kind() != Kind::Object {
            return Err(invalid("", "an object"));
        }
        if root.members().any(|(name, _)| !["body", "operation"].contains(&&*name.decode())) {
            return Err(invalid("", "`operation` and `body`, and no other member"));
        }
        let name = root.get("operation").filter(|name| name.kind() == Kind::String).map(View::word);
        let name = name.filter(|name| !name.is_empty());
        let operation = name.ok_or_else(|| invalid("/operation", "a string that is not empty"))?;
        Ok(Self { operation, document: Some(document) })
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// What comes with it.
    #[must_use]
    pub fn body(&self) -> Option<View<'_>> {
        self.document.as_ref()?.root().get("body")
    }
}

impl Operation<'_> {
    /// Whether the caller has not logged in: the token's subject begins with `anon|` or `anon@`.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        is_anonymous(&self.token.get("sub").map(View::word).unwrap_or_default())
    }
}

/// A value in which every integral number is an integer: `switch` tells `7.0` from 7.
fn whole(view: View<'_>) -> Json {
    match view.kind() {
        Kind::Array => Json::list(view.items().map(whole).collect()),
        Kind::Object => {
            Json::object(view.members().map(|(name, value)| (Json::text(&name.decode()), whole(value))).collect())
        }
        Kind::Number => view.as_number().and_then(Number::as_i64).map_or_else(|| view.to_json(), Json::Int),
        _ => view.to_json(),
    }
}

/// Whether a subject is an anonymous person's.
#[must_use]
pub fn is_anonymous(subject: &str) -> bool {
    subject.starts_with("anon|") || subject.starts_with("anon@")
}

/// Decides. Who has logged in may do everything, as far as guards go; an anonymous caller what a guard says, and nothing
/// where there is none. A guard that fails denies.
#[must_use]
pub fn decide(guards: &[Guard], sandbox: &Sandbox, operation: Operation<'_>, budget: &Budget) -> Verdict {
    if !operation.is_anonymous() {
        return Verdict::allow();
    }
    let Some(guard) = guards.iter().find(|guard| guard.operation == operation.name) else {
        return Verdict::failed(GuardFailure::NoGuard);
    };
    let member = |name: &str, value: Json| (Json::text(name), value);
    let request = Json::object(vec![
        member("operation", Json::text(operation.name)),
        member("body", operation.body.map_or(Json::Null, whole)),
        member("token", whole(operation.token)),
        member("anonymous", Json::Bool(true)),
    ]);
    sandbox.authorize(&guard.script, request.view(), budget)
}
