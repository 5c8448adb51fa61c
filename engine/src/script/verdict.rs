//! What a guard decides: `allow()`, `deny(reason)` or `require(fields, reason)`.

use rhai::{Array, Engine, EvalAltResult};

use super::convert::failure;

/// What an anonymous caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `allow`, `deny` or `require`.
    pub outcome: &'static str,
    /// Why, where it is not allowed as it is.
    pub reason: String,
    /// What the caller must give first.
    pub fields: Vec<String>,
}

impl Verdict {
    /// The words for what can come of it.
    pub const WORDS: [&'static str; 3] = ["allow", "deny", "require"];

    /// It may be done.
    #[must_use]
    pub fn allow() -> Self {
        Self { outcome: "allow", reason: String::new(), fields: Vec::new() }
    }

    /// It may not.
    #[must_use]
    pub fn deny(reason: &str) -> Self {
        Self { outcome: "deny", reason: reason.to_owned(), fields: Vec::new() }
    }
}

/// Registers the verbs.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Verdict>("verdict")
        .register_fn("allow", Verdict::allow)
        .register_fn("deny", Verdict::deny)
        .register_fn("require", |fields: Array, reason: &str| -> Result<Verdict, Box<EvalAltResult>> {
            let text =
                |field: rhai::Dynamic| field.into_string().map_err(|_| failure("`require` takes a list of texts"));
            let fields = fields.into_iter().map(text).collect::<Result<_, _>>()?;
            Ok(Verdict { outcome: "require", reason: reason.to_owned(), fields })
        });
}
