//! The shapes of metadata that the provider's page on anonymous sessions shows, through the binary: a cart as a list, flat
//! members, references, and what it says never to store. Values are text, as the provider stores them.

use serde_json::{Value, json};

use crate::binary::{handover, temporary};

const POLICY: &str = r#"{ "name": "page", "session": { "once": true, "lifetime": "30d" }, "rules": [
    { "name": "cart", "to": "app_metadata.cart", "merge": "higher_quantity" },
    { "name": "migrated", "from": "/cart", "to": "app_metadata.migrated_cart", "merge": "use_guest_if_existing_empty" },
    { "name": "flat", "from": "", "to": "user_metadata.visitor",
      "merge": { "merge_fields": { "cart_items": "max", "last_viewed": "anonymous", "cart_id": "fill" } } },
    { "name": "preferences", "to": "user_metadata.preferences", "merge": { "merge_fields": { "theme": "anonymous" } } } ] }"#;
const CART: &str = r#"{ "type": "array", "maxItems": 100, "items": { "type": "object", "required": ["sku", "qty"], "properties": {
    "sku": { "type": "string", "maxLength": 16 }, "qty": { "type": "integer", "minimum": 1, "maximum": 99 } } } }"#;
const FLAT: &str = r#"{ "type": "object", "properties": { "cart_items": { "type": "integer", "minimum": 0, "maximum": 99, "x-on-invalid": "coerce" },
    "last_viewed": { "type": "string", "pattern": "^product-[0-9]{1,6}$" },
    "cart_id": { "type": "string", "pattern": "^https://my_webstore\\.com/carts/cart_[0-9]{1,9}$" } } }"#;
const PREFERENCES: &str = r#"{ "type": "object", "properties": { "theme": { "enum": ["light", "dark"] } } }"#;

fn decide(app_metadata: &Value, metadata: &Value) -> Value {
    let files = [
        ("policy.json", POLICY),
        ("cart.schema.json", CART),
        ("migrated.schema.json", CART),
        ("flat.schema.json", FLAT),
        ("preferences.schema.json", PREFERENCES),
    ];
    let mut folder = String::new();
    for (file, text) in files {
        temporary(&format!("page-shapes/{file}"), text).strip_suffix(file).unwrap().clone_into(&mut folder);
    }
    // as the overview page shows the event: nothing but a beginning
    let request = json!({
        "id": "tx_1", "trigger": "login", "at": "2026-11-23T10:00:00Z", "account": { "id": "auth0|1", "app_metadata": app_metadata },
        "anonymous_session": { "id": "anon|1", "created_at": "2026-11-20T08:00:00Z", "metadata": metadata },
    });
    let output = handover(&["transfer", "--rules", &folder], request.to_string().as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn check(app_metadata: &Value, metadata: &Value, written: &Value, findings: &[&str]) {
    let decision = decide(app_metadata, metadata);
    let commands = decision["commands"].as_array().unwrap().iter().filter(|one| one["key"].is_string());
    let own = commands.filter(|one| one["key"] != "handover").map(|one| json!([one["key"], one["value"]]));
    assert_eq!(json!(own.collect::<Vec<_>>()), *written, "{decision}");
    let found = decision["findings"].as_array().unwrap().iter();
    let found: Vec<_> = found
        .map(|one| ["rule", "action", "pointer"].map(|name| one[name].as_str().unwrap_or_default()).join(" "))
        .collect();
    assert_eq!(found, findings, "{decision}");
}

#[test]
fn the_cart_of_the_page_s_tests_is_migrated_and_merged() {
    let (test, anon) = (json!([{ "sku": "TEST-001", "qty": 2 }]), json!([{ "sku": "ANON-001", "qty": 3 }]));
    check(&json!({}), &json!({ "cart": test.to_string() }), &json!([["cart", test], ["migrated_cart", test]]), &[]);
    let existing = json!([{ "sku": "EXISTING-001", "qty": 1 }]);
    check(
        &json!({ "cart": existing, "migrated_cart": existing }),
        &json!({ "cart": anon }),
        &json!([["cart", [{ "sku": "EXISTING-001", "qty": 1 }, { "sku": "ANON-001", "qty": 3 }]]]),
        &[],
    );
}

#[test]
fn the_flat_members_of_the_page_are_read_as_a_whole() {
    check(
        &json!({}),
        &json!({ "cart_items": "1", "last_viewed": "product-1", "preferences": "{\"theme\":\"dark\"}",
                 "handover": "draft_0123456789-abcdef" }),
        &json!([["visitor", { "cart_items": 1, "last_viewed": "product-1" }], ["preferences", { "theme": "dark" }]]),
        &["flat coerce /cart_items"],
    );
    let id = "https://my_webstore.com/carts/cart_1234";
    check(&json!({}), &json!({ "cart_id": id }), &json!([["visitor", { "cart_id": id }]]), &[]);
}

#[test]
fn what_the_page_says_never_to_store_goes_nowhere() {
    let full = json!([{ "id": 1, "name": "Product1", "description": "…", "images": [], "price": 99.99 }]);
    check(
        &json!({}),
        &json!({ "credit_card": "4111111111111111", "ssn": "123-45-6789", "cart": full }),
        &json!([]),
        &["cart drop /cart/0", "migrated drop /cart/0", "flat drop /cart", "flat drop /credit_card", "flat drop /ssn"],
    );
}
