//! What an anonymous caller may do: a policy's guards, each for the operation that its file names.

use crate::budget::Budget;
use crate::json::{Json, View};
use crate::script::{Sandbox, Script, Verdict};

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

impl Operation<'_> {
    /// Whether the caller has not logged in: the token's subject begins with `anon|` or `anon@`.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        let subject = self.token.get("sub").map(View::word).unwrap_or_default();
        subject.starts_with("anon|") || subject.starts_with("anon@")
    }
}

/// Decides. Who has logged in may do everything, as far as guards go; an anonymous caller what a guard says, and nothing
/// where there is none. A guard that fails denies.
#[must_use]
pub fn decide(guards: &[Guard], sandbox: &Sandbox, operation: Operation<'_>, budget: &Budget) -> Verdict {
    if !operation.is_anonymous() {
        return Verdict::allow();
    }
    let Some(guard) = guards.iter().find(|guard| guard.operation == operation.name) else {
        return Verdict::deny("no_guard");
    };
    let member = |name: &str, value: Json| (Json::text(name), value);
    let request = Json::object(vec![
        member("operation", Json::text(operation.name)),
        member("body", operation.body.map_or(Json::Null, View::to_json)),
        member("token", operation.token.to_json()),
        member("anonymous", Json::Bool(true)),
    ]);
    sandbox.authorize(&guard.script, request.view(), budget).unwrap_or_else(Verdict::deny)
}
