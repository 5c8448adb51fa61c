//! `concat`: the account's items, then the visitor's. As a strategy: `"concat"`, `["concat", { "limit": 50 }]`.
//!
//! Laws: L1, L5–L9. Not L2: a login that comes twice appends twice, so it needs `session.once`.
//!
//! ```
//! # use handover_engine::merge::merged;
//! assert_eq!(merged(r#""concat""#, "[1]", "[1,2]"), "[1,1,2]");
//! assert_eq!(merged(r#"["concat", { "limit": 2, "first": "anonymous" }]"#, "[1]", "[2,3]"), "[2,1]");
//! ```

use super::function::{Code, Function, Gives, Options, SIDES};
use super::law::{Law, Laws};
use super::named::{Adds, Named};
use super::takes::Takes;
use super::union::{self, Changed, Union, lists};
use super::{Merging, Strategy, Work};
use crate::json::View;

/// What it keeps by construction.
pub(super) const LAWS: Laws = Laws::OF_A_CHOICE.without(Law::Relogin);

/// `concat` by name.
pub(super) const STRATEGY: Named = Named {
    name: "concat",
    alias: None,
    summary: "the items of both lists; needs `session.once`",
    plain: Some(|| Strategy::Concat(Concat::default())),
    takes: Some(Takes::Options(&union::OPTIONS)),
    with: Some(|options, _| Ok(Strategy::Concat(Concat(Union::read("concat", options)?)))),
    adds: Some(Adds::Items),
    mutant: Some("union"),
    example: [r#""concat""#, "[1]", "[1,2]", "[1,1,2]"],
};

/// `concat` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "concat",
    signature: "concat(account, anonymous, options)",
    summary: "the items of both lists; needs `session.once`",
    arguments: (2, 3),
    sides: Some(SIDES),
    options: Some(Options {
        argument: 2,
        takes: Takes::Options(&union::OPTIONS),
        or_strategy: false,
        read: |options| Union::read("concat", options).map(drop),
    }),
    gives: Gives::List,
    mutant: None,
    example: ["concat([1], [1, 2])", "[1,1,2]"],
    code: Code::Strategy(|arguments| Ok(Strategy::Concat(Concat(Union::read("concat", arguments.options(2))?)))),
};

/// The options of `union`, without its sense for equality.
#[derive(Clone, Debug, Default)]
pub struct Concat(pub Union);

impl Concat {
    /// All items of both; the limit turns away the visitor's only.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        work.budget.charge(account.map_or(0, View::weight) + anonymous.weight())?;
        let (account, anonymous) = lists(account, anonymous)?;
        let kept = account.iter().map(|item| item.to_json()).collect();
        let new = anonymous.iter().map(|item| item.to_json()).collect();
        Ok(self.0.joined(kept, new, Changed::No, work))
    }
}
