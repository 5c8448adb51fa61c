//! `anonymous`: the visitor's value. `keep`: the account's, even if it has none.
//!
//! Laws: L1, L2, L6–L9: that the visitor's value replaces the account's is what its author asks.

use super::Strategy;
use super::named::Named;

/// `anonymous` by name.
pub(super) const STRATEGY: Named = Named {
    name: "anonymous",
    alias: None,
    summary: "the visitor's value",
    plain: Some(|| Strategy::Anonymous),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("account"),
    example: [r#""anonymous""#, "1", "2", "2"],
};

/// `keep` by name.
pub(super) const KEEP: Named = Named {
    name: "keep",
    alias: None,
    summary: "the account's value; the visitor's is never copied",
    plain: Some(|| Strategy::Keep),
    takes: None,
    with: None,
    adds: None,
    mutant: Some("anonymous"),
    example: [r#""keep""#, "null", "2", "null"],
};
