//! What `handover explain` says of a login: each place its fate, and what kept it from the account.

use handover::files;
use handover_engine::author::explain::{self, Told};
use handover_engine::author::fixture::Fixture;
use handover_engine::event::Event;
use handover_engine::policy::Files;
use handover_engine::ruleset::RuleSet;

use crate::binary::root;

fn told(case: &str) -> Vec<Told> {
    let files: Files = files::policy(&root().join("rules")).unwrap();
    let rules = RuleSet::compile(&files).unwrap();
    let fixture = Fixture::read("case.json", case, &rules).unwrap_or_else(|errors| panic!("{errors:#?}"));
    explain::explain(&rules, &files, &Event::read(&fixture.body, rules.provider()).unwrap())
}

/// Each place as `pointer fate to code file`, as far as they are there; the metadata itself is left out.
#[track_caller]
fn check(anonymous: &str, account: &str, expected: &[&str]) {
    let case = format!(r#"{{ "anonymous": {anonymous}, {account} "expect": {{ "status": "transferred" }} }}"#);
    let lines = told(&case).into_iter().filter(|one| !one.pointer.is_empty()).map(|one| {
        let file = one.by.map(|(file, at)| format!("{file}:{}", at.line));
        let parts = [Some(one.pointer), Some(one.fate.to_owned()), one.to, one.code, file];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn what_fill_leaves_to_the_account_is_not_taken() {
    let account = r#""user_metadata": { "preferences": { "locale": "de" } },"#;
    check(
        r#"{ "preferences": { "theme": "dark", "locale": "fr" } }"#,
        account,
        &[
            "/preferences kept user_metadata.preferences",
            "/preferences/locale kept fill policy.json:12",
            "/preferences/theme kept user_metadata.preferences",
        ],
    );
}

#[test]
fn a_line_is_compared_with_the_accounts_line_that_it_joined() {
    let account = r#""app_metadata": { "cart": { "items": [ { "sku": "B", "qty": 1 }, { "sku": "A", "qty": 3 } ] } },"#;
    check(
        r#"{ "cart": { "items": [ { "sku": "A", "qty": 1 }, { "sku": "C", "qty": 1.5 } ] } }"#,
        account,
        &[
            "/cart kept app_metadata.cart cart.merge.rhai:7",
            "/cart/items kept app_metadata.cart cart.merge.rhai:12",
            "/cart/items/0 kept app_metadata.cart cart.merge.rhai:12",
            "/cart/items/0/qty kept max cart.merge.rhai:14",
            "/cart/items/0/sku kept app_metadata.cart cart.merge.rhai:12",
            "/cart/items/1 dropped required cart.schema.json:13",
            "/cart/items/1/qty dropped type cart.schema.json:16",
            "/cart/items/1/sku dropped required cart.schema.json:13",
        ],
    );
}

#[test]
fn why_a_rule_wrote_nothing_is_said_of_all_that_passed() {
    let list = r#""user_metadata": { "preferences": [] },"#;
    check(
        r#"{ "preferences": { "theme": "dark" } }"#,
        list,
        &["/preferences kept account_shape policy.json:12", "/preferences/theme kept account_shape policy.json:12"],
    );
    let over = r#""session": { "expires_at": "2026-01-01T00:00:00Z" },"#;
    check(r#"{ "viewed": [], "else": 1 }"#, over, &["/else unread", "/viewed kept session_expired"]);
}

#[test]
fn nothing_that_a_person_wrote_is_said() {
    let case = r#"{ "anonymous": { "cart": { "items": [ { "sku": "unusual", "qty": 1, "options": { "4111 1111 1111 1111": "odd" } } ] } },
        "expect": { "status": "transferred" } }"#;
    let said = format!("{:?}", told(case));
    assert!(!said.contains("unusual") && !said.contains("4111") && !said.contains("odd"), "{said}");
}

/// Which line of the rules made a place.
#[track_caller]
fn blamed(anonymous: &str, account: &str, place: &str, expected: &str) {
    let files: Files = files::policy(&root().join("rules")).unwrap();
    let rules = RuleSet::compile(&files).unwrap();
    let case = format!(r#"{{ "anonymous": {anonymous}, {account} "expect": {{ "status": "transferred" }} }}"#);
    let fixture = Fixture::read("case.json", &case, &rules).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let event = Event::read(&fixture.body, rules.provider()).unwrap();
    let (words, file, at) = explain::blame(&rules, &files, &event, place).unwrap();
    assert_eq!(format!("{words} {file}:{}", at.line), expected);
}

#[test]
fn a_place_that_differs_names_the_line_that_made_it() {
    let cart = r#"{ "cart": { "items": [ { "sku": "A", "qty": 1, "options": { "note": "x" } },
        { "sku": "B", "qty": 1, "options": { "note": 7 } } ], "currency": "USD" } }"#;
    let euros = r#""app_metadata": { "cart": { "items": [ { "sku": "B", "qty": 1 } ], "currency": "EUR" } },"#;
    blamed(cart, "", "/app_metadata/cart/items/0/qty", "kept by `max`, cart.merge.rhai:14");
    blamed(cart, "", "/app_metadata/cart/items/0/sku", "kept by `keyed_union`, cart.merge.rhai:12");
    blamed(cart, "", "/app_metadata/cart/items/1/options/note", "dropped by `type`, cart.schema.json:21");
    blamed(cart, "", "/app_metadata/cart/items/1/qty", "dropped by `x-on-invalid`, cart.schema.json:23");
    blamed(cart, euros, "/app_metadata/cart/currency", "nothing is written, `skipped`, cart.merge.rhai:4");
    let theme = r#"{ "preferences": { "theme": "blue", "locale": "fr" } }"#;
    blamed(theme, "", "/user_metadata/preferences/theme", "dropped by `enum`, preferences.schema.json:6");
    blamed(theme, "", "/user_metadata/preferences/locale", "kept by `fill`, policy.json:12");
}
