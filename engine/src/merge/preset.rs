//! Carts, as platforms do it: documented one-liners under the names that the field knows.
//!
//! | name | known from | means |
//! |---|---|---|
//! | `higher_quantity`, `sum_quantities`, `saved_quantity` | Salesforce | lines by `sku` and `options`; of matching ones the larger quantity, the sum, or the account's |
//! | `use_guest`, `use_existing`, `use_guest_if_existing_empty` | Vendure | one of the two carts as a whole |
//! | `archive_existing` | Broadleaf | the visitor's cart; the account's moves to `saved`, at most five |
//!
//! A cart is a list of lines, or an object that has them in `items`; where the account has none, it becomes the visitor's.
//!
//! Laws: L1, L2, L6–L9; in a script not L6 where one cart replaces the other. `sum_quantities` keeps neither L2 nor L8, and
//! needs `session.once`.
//!
//! ```
//! # use handover_engine::merge::merged;
//! let (account, anonymous) = (r#"{"items":[{"sku":"A","qty":1}]}"#, r#"{"items":[{"sku":"A","qty":3}]}"#);
//! assert_eq!(merged(r#""higher_quantity""#, account, anonymous), r#"{"items":[{"sku":"A","qty":3}]}"#);
//! assert_eq!(merged(r#""saved_quantity""#, account, anonymous), account);
//! let archived = r#"{"items":[{"sku":"A","qty":3}],"saved":[{"items":[{"sku":"A","qty":1}]}]}"#;
//! assert_eq!(merged(r#""archive_existing""#, account, anonymous), archived);
//! assert_eq!(merged(r#""archive_existing""#, archived, anonymous), archived);
//! ```

use super::coalesce::coalesce;
use super::fields::changed;
use super::fill::is_blank;
use super::function::{Code, Function, Gives, SIDES};
use super::key::{Key, Part};
use super::keyed_union::{KeyedUnion, Otherwise};
use super::law::Laws;
use super::named::{Adds, Named, Plain};
use super::union::Union;
use super::{Made, Merging, Refusal, Strategy, Work};
use crate::json::{Json, Kind, View, same};

/// Carts that `archive_existing` keeps.
const SAVED_MAX: usize = 5;
/// Members that name a line.
const KEY: [&str; 2] = ["sku", "options"];
/// The member that holds a line's quantity.
const QUANTITY: &str = "qty";

/// What a preset needs of a cart.
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// Lines that have one member of each of these.
    Lines(&'static [&'static [&'static str]]),
}

/// A preset and the members that name a line.
#[derive(Clone, Debug)]
pub struct Preset {
    cart: Cart,
    pub(super) lines: KeyedUnion,
}

/// Which of the presets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cart {
    /// The larger quantity of matching lines.
    HigherQuantity,
    /// Their sum.
    SumQuantities,
    /// The account's.
    SavedQuantity,
    /// The visitor's cart.
    UseGuest,
    /// The account's cart.
    UseExisting,
    /// The visitor's, where the account's has no lines.
    UseGuestIfExistingEmpty,
    /// The visitor's; the account's is kept beside it.
    ArchiveExisting,
}

/// A preset as a function of scripts and as a strategy by name.
macro_rules! preset {
    ($of:ident, $cart:ident, $name:literal, $summary:literal, $adds:expr, $mutant:expr, $rhai:literal, $json:expr) => {
        #[doc = concat!("`", $name, "`.")]
        pub(super) mod $of {
            use super::{Cart, Code, Function, Gives, Named, Plain, Preset, SIDES, Strategy};

            const PLAIN: Plain = || Strategy::Preset(Preset::of(Cart::$cart));
            const JSON: [&str; 3] = $json;

            /// By name.
            pub(in crate::merge) const STRATEGY: Named = Named {
                name: $name,
                alias: None,
                summary: $summary,
                plain: Some(PLAIN),
                takes: None,
                with: None,
                adds: $adds,
                mutant: $mutant,
                example: [concat!("\"", $name, "\""), JSON[0], JSON[1], JSON[2]],
            };

            /// For scripts.
            pub(in crate::merge) const FUNCTION: Function = Function {
                name: $name,
                signature: concat!($name, "(account, anonymous)"),
                summary: $summary,
                arguments: (2, 2),
                sides: Some(SIDES),
                options: None,
                gives: Gives::Either,
                mutant: None,
                example: [concat!($name, "(", $rhai, ")"), JSON[2]],
                code: Code::Strategy(|_| Ok(PLAIN())),
            };
        }
    };
}

preset!(
    archive_existing,
    ArchiveExisting,
    "archive_existing",
    "the visitor's cart; the account's moves to `saved`",
    None,
    None,
    "#{ items: [1] }, #{ items: [2] }",
    [r#"{"items":[1]}"#, r#"{"items":[2]}"#, r#"{"items":[2],"saved":[{"items":[1]}]}"#]
);
preset!(
    higher_quantity,
    HigherQuantity,
    "higher_quantity",
    "the lines of both carts; of matching ones the larger quantity",
    None,
    Some("saved_quantity"),
    r#"[#{ sku: "A", qty: 1 }], [#{ sku: "A", qty: 3 }]"#,
    [r#"[{"sku":"A","qty":1}]"#, r#"[{"sku":"A","qty":3}]"#, r#"[{"sku":"A","qty":3}]"#]
);
preset!(
    saved_quantity,
    SavedQuantity,
    "saved_quantity",
    "the lines of both carts; of matching ones the account's quantity",
    None,
    Some("higher_quantity"),
    r#"[#{ sku: "A", qty: 1 }], [#{ sku: "A", qty: 3 }]"#,
    [r#"[{"sku":"A","qty":1}]"#, r#"[{"sku":"A","qty":3}]"#, r#"[{"sku":"A","qty":1}]"#]
);
preset!(
    sum_quantities,
    SumQuantities,
    "sum_quantities",
    "the lines of both carts; of matching ones the sum; needs `session.once`",
    Some(super::Adds::Numbers),
    Some("higher_quantity"),
    r#"[#{ sku: "A", qty: 1 }], [#{ sku: "A", qty: 3 }]"#,
    [r#"[{"sku":"A","qty":1}]"#, r#"[{"sku":"A","qty":3}]"#, r#"[{"sku":"A","qty":4}]"#]
);
preset!(
    use_existing,
    UseExisting,
    "use_existing",
    "the account's cart, or the visitor's where there is none",
    None,
    None,
    "[1], [2]",
    ["[1]", "[2]", "[1]"]
);
preset!(
    use_guest,
    UseGuest,
    "use_guest",
    "the visitor's cart",
    None,
    Some("use_existing"),
    "[1], [2]",
    ["[1]", "[2]", "[2]"]
);
preset!(
    use_guest_if_existing_empty,
    UseGuestIfExistingEmpty,
    "use_guest_if_existing_empty",
    "the visitor's cart where the account's has no lines",
    None,
    None,
    "[], [2]",
    ["[]", "[2]", "[2]"]
);

impl Preset {
    /// Lines are named by `sku` and `options`.
    fn of(cart: Cart) -> Self {
        let quantity = match cart {
            Cart::HigherQuantity => vec![(QUANTITY.to_owned(), Strategy::Max(None))],
            Cart::SumQuantities => vec![(QUANTITY.to_owned(), Strategy::Sum(None))],
            _ => Vec::new(),
        };
        let key = Key(KEY.iter().map(|name| Part::plain(vec![(*name).to_owned()])).collect());
        let lines = KeyedUnion { key, on_match: quantity, otherwise: Otherwise::Account, list: Union::default() };
        Self { cart, lines }
    }

    /// The same for lines that declare only some of the members that could name them.
    #[must_use]
    pub fn of_lines(mut self, declares: impl Fn(&str) -> bool) -> Self {
        let stays = |part: &Part| part.path.iter().any(|name| declares(name));
        if self.lines.key.0.iter().any(stays) {
            self.lines.key.0.retain(stays);
        }
        self
    }

    /// The types of carts that it merges.
    pub(super) fn merges(&self) -> &'static [Kind] {
        match self.cart {
            Cart::ArchiveExisting => &[Kind::Object],
            Cart::UseGuest | Cart::UseExisting => &[Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object],
            _ => &[Kind::Array, Kind::Object],
        }
    }

    /// What a cart must have.
    pub(super) fn needs(&self) -> Needs {
        match self.cart {
            Cart::HigherQuantity | Cart::SumQuantities => Needs::Lines(&[&KEY, &[QUANTITY]]),
            Cart::SavedQuantity => Needs::Lines(&[&KEY]),
            Cart::ArchiveExisting | Cart::UseGuestIfExistingEmpty => Needs::Lines(&[]),
            _ => Needs::Nothing,
        }
    }

    /// The strategy of its quantities, by name.
    pub(super) fn quantity(&self) -> Option<&'static str> {
        match self.cart {
            Cart::HigherQuantity => Some("max"),
            Cart::SumQuantities => Some("sum"),
            _ => None,
        }
    }

    /// Whether it takes one cart for the other.
    pub(super) fn chooses(&self) -> bool {
        matches!(self.cart, Cart::UseGuest | Cart::UseGuestIfExistingEmpty | Cart::ArchiveExisting)
    }

    /// What it keeps: its lines' laws, or a choice's.
    pub(super) fn laws(&self) -> Laws {
        self.lines.laws()
    }

    /// Merges two carts.
    pub(super) fn merge(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        if account.is_some_and(|account| account.kind() != anonymous.kind()) {
            return Err(Refusal::AccountShape);
        }
        match self.cart {
            Cart::HigherQuantity | Cart::SumQuantities | Cart::SavedQuantity => {
                self.quantities(account, anonymous, work)
            }
            Cart::UseGuest => Ok(Made::Write(anonymous.to_json())),
            Cart::UseExisting => Ok(coalesce(account, anonymous)),
            Cart::UseGuestIfExistingEmpty => {
                let empty = account.and_then(lines_of).is_none_or(is_blank);
                Ok(if empty { Made::Write(anonymous.to_json()) } else { Made::Keep })
            }
            Cart::ArchiveExisting => archived(account, anonymous, work),
        }
    }

    fn quantities(&self, account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
        if anonymous.kind() == Kind::Array {
            return self.lines.merge(account, anonymous, work);
        }
        let Some(lines) = lines_of(anonymous) else { return Ok(Made::Keep) };
        let ours = account.and_then(lines_of).filter(|lines| !lines.is_null());
        let Made::Write(lines) = self.lines.merge(ours, lines, work)? else { return Ok(Made::Keep) };
        let cart = account.unwrap_or(anonymous);
        Ok(changed(Some(cart), vec![(Json::text("items"), lines)]))
    }
}

/// The lines of a cart: the list itself, or its `items`.
fn lines_of(cart: View<'_>) -> Option<View<'_>> {
    if cart.kind() == Kind::Array { Some(cart) } else { cart.get("items") }
}

/// The visitor's cart with the account's, and those that it had saved, in `saved`.
fn archived(account: Option<View<'_>>, anonymous: View<'_>, work: &mut Work<'_>) -> Merging {
    if anonymous.kind() != Kind::Object {
        return Err(Refusal::AccountShape);
    }
    let Some(account) = account else { return Ok(Made::Write(anonymous.to_json())) };
    let is_saved = |name: &Json| name.view().as_text().is_some_and(|name| name.is("saved"));
    let without = |cart: View<'_>| {
        Json::object(cart.to_json().into_members().into_iter().filter(|(name, _)| !is_saved(name)).collect())
    };
    let (old, new) = (without(account), without(anonymous));
    if same(old.view(), new.view()) {
        return Ok(Made::Keep);
    }
    // what else stands there is not this function's to lose
    if account.get("saved").is_some_and(|saved| !saved.is_null() && saved.kind() != Kind::Array) {
        return Err(Refusal::AccountShape);
    }
    let empty = lines_of(account).is_none_or(is_blank);
    let before = account.get("saved").into_iter().flat_map(View::items).map(View::to_json);
    let mut saved: Vec<_> = (!empty).then_some(old).into_iter().chain(before).collect();
    let beyond = saved.split_off(saved.len().min(SAVED_MAX));
    work.losses.beyond_limit.extend(beyond);
    if saved.is_empty() {
        return Ok(Made::Write(new));
    }
    Ok(changed(Some(new.view()), vec![(Json::text("saved"), Json::list(saved))]))
}
