//! The command line: what each command prints, and how it ends.

use serde_json::Value;

use crate::binary::{command, handover, root, temporary};

#[track_caller]
fn check(arguments: &[&str], input: &str, code: i32, part: &str) -> String {
    let output = handover(arguments, input.as_bytes());
    let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{error}");
    assert!(out.contains(part) || error.contains(part), "{arguments:?}: {out}{error}");
    out
}

#[test]
fn usage_is_explained() {
    check(&["--help"], "", 0, "Decide one request");
    check(&["check", "--help"], "", 0, "Folder of the policy");
    check(&[], "", 2, "Usage: handover");
    check(&["chekc"], "", 2, "check");
    check(&["version"], "", 0, "handover 0.");
    check(&["version", "--json"], "", 0, "{\"name\":\"handover\"");
    check(&["check", "--rules", "nowhere"], "", 2, "the folder `nowhere` is not there");
    check(&["serve"], "", 2, "set HANDOVER_SECRETS or HANDOVER_SECRETS_FILE");
    check(&["serve", "--dev", "--listen", "0.0.0.0:0"], "", 2, "loopback");
}

#[test]
fn a_poor_secret_is_no_start() {
    let file = temporary("secrets/poor", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    for (arguments, name, value, part) in [
        (&["serve"][..], "HANDOVER_SECRETS", "", "separated by white space or a comma, found 0"),
        (&["serve", "--dev"], "HANDOVER_SECRETS", "whsec_c2hvcnQ=", "secret 1 does not hold 24 to 64 bytes"),
        (&["serve"], "HANDOVER_SECRETS", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "does not begin with `whsec_`"),
        (&["serve"], "HANDOVER_SECRETS_FILE", &file, "has fewer than 12 distinct bytes"),
        (&["serve"], "HANDOVER_SECRETS_FILE", "/dev/null", "`/dev/null` is not a regular file"),
        (&["serve"], "HANDOVER_SECRETS_FILE", "nowhere", "HANDOVER_SECRETS_FILE: cannot read `nowhere`"),
    ] {
        let output = command(arguments).env(name, value).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(part) && !error.contains("c2hvcnQ") && !error.contains("C2FV"), "{error}");
    }
}

#[test]
fn a_secret_that_is_not_utf_8_is_not_ignored() {
    use std::os::unix::ffi::OsStrExt as _;
    let value = std::ffi::OsStr::from_bytes(b"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\xff");
    let output = command(&["serve", "--dev"]).env("HANDOVER_SECRETS", value).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "error: HANDOVER_SECRETS is not UTF-8\n");
}

/// A folder of rules with some texts replaced in their files.
fn rules(name: &str, changes: &[(&str, &str, &str)]) -> String {
    for (file, mut text) in handover::files::policy(&root().join("rules")).unwrap().0 {
        for (_, from, to) in changes.iter().filter(|(own, _, _)| *own == file) {
            assert!(text.contains(from), "{file}: {from}");
            text = text.replace(from, to);
        }
        temporary(&format!("{name}/{file}"), &text);
    }
    let path = temporary(&format!("{name}/.keep"), "");
    path.trim_end_matches("/.keep").to_owned()
}

#[test]
fn check_reports_every_error_of_every_file_in_one_pass() {
    let folder = rules(
        "check",
        &[
            ("policy.json", "\"from\"", "\"form\""),
            ("policy.json", "\"clear\": true", "\"clear\": 1"),
            ("cart.schema.json", "\"maxItems\"", "\"maxItmes\""),
            ("cart.schema.json", "\"integer\"", "\"int\""),
            ("preferences.schema.json", "\"enum\"", "\"enmu\""),
            ("cart.merge.rhai", "account ??", "acount ??"),
        ],
    );
    let text = check(&["check", "--rules", &folder, "--format", "json"], "", 3, "\"version\":1");
    let output: Value = serde_json::from_str(&text).unwrap();
    let found: Vec<_> = output["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let file = error["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            (file, error["line"].as_u64().unwrap(), error["column"].as_u64().unwrap(), error["code"].as_str().unwrap())
        })
        .collect();
    let expected = [
        ("cart.merge.rhai", 5, 16, "R012"),
        ("cart.schema.json", 10, 7, "S010"),
        ("cart.schema.json", 16, 28, "S011"),
        ("consent.schema.json", 5, 3, "S043"),
        ("policy.json", 4, 82, "P005"),
        ("policy.json", 16, 7, "P003"),
        ("preferences.schema.json", 6, 34, "S010"),
        ("wishlists.schema.json", 10, 68, "S044"),
    ];
    assert_eq!(found, expected.map(|(file, line, column, code)| (file.to_owned(), line, column, code)));
    assert!(text.contains("did you mean `enum`?") && text.contains("did you mean `maxItems`?"));
    let pretty = check(&["check", "--rules", &folder], "", 3, "6 errors in 4 files · handover check --explain R");
    let first =
        check(&["check", "--rules", &folder, "--max-errors", "1"], "", 3, "6 errors in 4 files · 5 not shown · ");
    assert_eq!(first.matches("error[").count(), 1, "{first}");
    let omitted =
        check(&["check", "--rules", &folder, "--max-errors", "1", "--format", "json"], "", 3, "\"omitted\":7");
    assert_eq!(omitted.matches("\"code\"").count(), 1, "{omitted}");
    assert!(pretty.contains("error[P003]: unknown member `form`"), "{pretty}");
    check(&["check", "--rules", &folder, "--format", "github"], "", 3, "title=S010::");
    check(&["transfer", "--rules", &folder], "{}", 3, "error[P003]");
    check(&["test", "--rules", &folder], "", 3, "error[P003]");
    check(&["serve", "--dev", "--rules", &folder], "", 3, "error[P003]");
}

#[test]
fn check_says_what_the_action_must_show() {
    let roots = "app_metadata.cart,user_metadata.preferences,app_metadata.recently_viewed,app_metadata.wishlists,app_metadata.coupons,app_metadata.consent,app_metadata.experiments";
    check(&["check"], "", 0, &format!("\nHANDOVER_ROOTS={roots}\n"));
    let warnings = |named: &str| {
        let output = command(&["check"]).env("HANDOVER_ROOTS", named).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(warnings(roots), "");
    let text = warnings("app_metadata.cart , app_metadata.preferences");
    assert_eq!(text.lines().count(), 6, "{text}");
    assert!(
        text.contains("lacks `user_metadata.preferences`") && text.contains("lacks `app_metadata.recently_viewed`")
    );
}

#[test]
fn every_mistake_of_a_policy_has_its_place() {
    for (from, to, code) in [
        ("\"name\": \"storefront\"", "\"name\": 1", "P005"),
        ("\"app_metadata.cart\"", "\"app_metadata.roles\"", "P012"),
        ("\"app_metadata.cart\"", "\"app_metadata.handover\"", "P012"),
        ("\"app_metadata.cart\"", "\"app_metadata.identities\"", "P012"),
        ("\"app_metadata.cart\"", "\"cart\"", "P013"),
        ("\"app_metadata.cart\"", "\"app_metadata.recently_viewed\"", "P011"),
        ("\"/viewed\"", "\"viewed\"", "P014"),
        ("\"/viewed\"", "\"/handover\"", "P014"),
        ("\"30d\", \"max_age\"", "\"30 days\", \"max_age\"", "P015"),
        ("\"30d\", \"max_age\"", "\"0d\", \"max_age\"", "P050"),
        ("\"30d\", \"max_age\"", "\"never\", \"max_age\"", "P050"),
        ("\"30d\", \"max_age\"", "0, \"max_age\"", "P050"),
        ("\"30d\", \"max_age\"", "\"91d\", \"max_age\"", "P050"),
        ("\"cart.merge.rhai\"", "\"kart.merge.rhai\"", "P022"),
        ("\"cart.merge.rhai\"", "\"../cart.merge.rhai\"", "P024"),
        ("\"name\": \"cart\"", "\"name\": \"preferences\"", "P010"),
        ("{ \"recent\":", "{ \"recnt\":", "P030"),
        ("\"clamp\"", "\"clmp\"", "P031"),
        ("\"limit\": 20", "\"limit\": -1", "P032"),
        ("\"max_bytes\": 16384", "\"max_bytes\": 0", "P007"),
        ("\"auth0\"", "\"auth1\"", "P006"),
        ("\"once\": true", "\"once\": 1", "P005"),
        ("\"token\": \"ignored\"", "\"token\": \"needed\"", "P006"),
        ("\"token\": \"ignored\"", "\"token\": \"required\"", "P056"),
        ("{\n  \"name\"", "{\n  \"name\": \"a\",\n  \"name\"", "P002"),
        ("\"protected\":", "\"protected\"", "P001"),
        ("\"max_bytes\": 16384", "\"laws\": 5", "P005"),
        ("\"max_bytes\": 16384", "\"laws\": { \"L2\": \"no\" }", "P007"),
        ("\"max_bytes\": 16384", "\"laws\": { \"L6\": \"\" }", "P007"),
        ("\"max_bytes\": 16384", "\"on\": []", "P007"),
        ("\"max_bytes\": 16384", "\"on\": [\"refresh\"]", "P006"),
        ("{\n  \"name\"", "{\n  \"$schema\": 1,\n  \"name\"", "P005"),
    ] {
        let folder = rules("policy", &[("policy.json", from, to)]);
        check(&["check", "--rules", &folder, "--format", "github"], "", 3, &format!("title={code}::"));
    }
}

#[test]
fn a_waiver_of_a_law_that_holds_is_a_warning() {
    let waived = "\"max_bytes\": 16384, \"laws\": { \"L6\": \"we clear\" }";
    let folder = rules("waived", &[("policy.json", "\"max_bytes\": 16384", waived)]);
    check(&["check", "--rules", &folder], "", 0, "warning[P041]: unneeded waiver: `cart` keeps law L6 in ");
    check(&["check", "--rules", &folder, "--deny", "warnings"], "", 3, "P041");
}

#[test]
fn the_tenant_is_what_the_policy_says() {
    let tenant = |settings: &str| temporary("tenant.json", settings);
    let same = tenant(r#"{ "friendly_name": "shop", "anonymous_session_lifetime": 2592000 }"#);
    check(&["check", "--tenant", &same], "", 0, "check ok");
    for settings in [
        r#"{ "sessions": { "oidc_logout_prompt_enabled": true, "anonymous": { "lifetime_in_minutes": 43200 } } }"#,
        r#"{ "sessions": { "anonymous": { "lifetime_in_minutes": 43200 } }, "anonymous_session_lifetime": 0 }"#,
        r#"{ "tenant": { "sessions": { "anonymous": { "lifetime_in_minutes": 43200 } } }, "actions": [] }"#,
    ] {
        check(&["check", "--tenant", &tenant(settings)], "", 0, "check ok");
    }
    for (settings, told) in [
        (
            r#"{ "anonymous_session_lifetime": 0 }"#,
            "error[P051]: the tenant's sessions never end, the policy declares `30d`",
        ),
        (r#"{ "anonymous_session_lifetime": 86400 }"#, "the tenant's sessions live for 86400 seconds"),
        (r#"{ "anonymous_session_lifetime": "30d" }"#, "the tenant's `anonymous_session_lifetime` is not a number"),
        (
            r#"{ "sessions": { "anonymous": { "lifetime_in_minutes": 1440 } } }"#,
            "the tenant's sessions live for 1440 minutes",
        ),
        (r#"{ "sessions": { "anonymous": { "lifetime_in_minutes": 0 } } }"#, "the tenant's sessions never end"),
        (r#"{ "sessions": { "anonymous": { "lifetime_in_minutes": null } } }"#, "the tenant's sessions never end"),
        ("{}", "the tenant's settings have no `sessions.anonymous.lifetime_in_minutes`"),
    ] {
        check(&["check", "--tenant", &tenant(settings)], "", 3, told);
    }
    let format = rules("tenant", &[("policy.json", "\"clear\": true", "\"format\": \"jwe\"")]);
    let open = tenant(r#"{ "anonymous_session_lifetime": 2592000, "anonymous_session_token_format": "jwt" }"#);
    check(
        &["check", "--rules", &format, "--tenant", &open],
        "",
        3,
        "the tenant's tokens are `jwt`, the policy declares `jwe`",
    );
    check(&["check", "--tenant", &tenant("[]")], "", 2, "holds no settings of a tenant: expected an object");
}

#[test]
fn what_adds_needs_a_policy_that_takes_a_hand_over_once() {
    let adding = ("policy.json", "\"items\": \"union\"", "\"items\": \"concat\"");
    let script = ("cart.merge.rhai", "[\"max\", 99]", "[\"sum\", 99]");
    let often = ("policy.json", ", \"once\": true", "");
    check(&["check", "--rules", &rules("once", &[adding, script])], "", 0, "check ok");
    let text = check(&["check", "--rules", &rules("often", &[adding, script, often])], "", 3, "2 errors in 2 files");
    assert!(text.contains("error[P040]: `concat` appends again at every login"), "{text}");
    assert!(text.contains("policy.json:25:91\n") && text.contains("cart.merge.rhai:14:28\n"), "{text}");
    assert!(text.contains("help: `max`, or `session.once`"), "{text}");
    check(&["transfer", "--rules", &rules("often", &[script, often])], "{}", 3, "error[R040]");
}

#[test]
fn one_document_is_sanitized() {
    let schema = "rules/cart.schema.json";
    let input = r#"{"items":[{"sku":"A","qty":1,"price":1.10},{"sku":"B","qty":1.5}],"note":"4111111111111111"}"#;
    let text = check(&["sanitize", "--schema", schema], input, 0, "");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["output"], serde_json::json!({ "items": [{ "sku": "A", "qty": 1 }] }));
    assert_eq!(answer["report"]["outcome"], "changed");
    let entries = answer["report"]["entries"].as_array().unwrap();
    assert_eq!(entries[1]["cause"], serde_json::json!({ "pointer": "/items/1/qty", "keyword": "type" }));
    assert_eq!(entries[1]["schema"], "#/properties/items/items/required");
    assert_eq!(answer["report"]["nodes_in"], 10);
    assert_eq!(answer["report"]["nodes_out"], 5);
    let kept = check(&["sanitize", "--schema", schema, "--unknown", "keep", "--deny", "none"], input, 0, "");
    assert!(
        kept.starts_with(r#"{"output":{"items":[{"sku":"A","qty":1,"price":1.10}],"note":"4111111111111111"}"#),
        "{kept}"
    );
    let nothing = check(&["sanitize", "--schema", schema], "{", 0, "x-json");
    assert!(!nothing.contains("\"output\""), "{nothing}");
    check(&["sanitize", "--schema", schema], &"[".repeat(200), 0, "x-limit");
    check(&["sanitize", "--schema", schema, "--limit", "anonymous_nodes=3"], input, 0, "x-limit");
    check(&["sanitize", "--schema", schema, "--limit", "nodes=3"], input, 2, "is not a limit");
    let lines = check(&["sanitize", "--schema", schema, "--ndjson"], "{\"items\":[]}\n[]\n", 0, "");
    assert_eq!(lines.lines().count(), 2);
    let bad = temporary("sanitize/bad.schema.json", "{\"oneOf\": [true], \"typ\": 1}");
    check(&["sanitize", "--schema", &bad], "{}", 3, "unknown keyword `typ`");
}

#[test]
fn a_refused_request_is_a_problem() {
    let text = check(&["transfer"], "{\"id\":\"a\"}", 2, "");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((problem["code"].as_str(), problem["pointer"].as_str()), (Some("invalid_request"), Some("/account")));
    let lines = check(&["transfer", "--ndjson"], "{\n\n[1\n", 0, "");
    assert_eq!(lines.matches("invalid_json").count(), 2 * 2, "{lines}");
}

#[test]
fn a_pipeline_keeps_the_account_beside_the_decision() {
    let request = r#"{"id":"a","trigger":"login","at":"2026-11-23T10:00:00Z","account":{"id":"auth0|1"}}"#;
    let text = check(&["transfer", "--with-account"], request, 0, "");
    assert!(
        text.starts_with(r#"{"account":"auth0|1","decision":{"id":"a","status":"skipped","reason":"no_session""#),
        "{text}"
    );
}

#[test]
fn a_test_that_fails_is_shown_at_its_place() {
    let fixture = r#"{
  "anonymous": { "preferences": { "theme": "dark" } },
  "expect": { "status": "transferred", "user_metadata": { "preferences": { "theme": "light" } } }
}"#;
    temporary("failing/theme.json", fixture);
    let folder = temporary("failing/.keep", "");
    let folder = folder.trim_end_matches("/.keep");
    let text = check(&["test", "--fixtures", folder], "", 4, "0 passed, 1 failed, 0 skipped");
    assert!(text.contains("error[F020]: /user_metadata/preferences/theme is \"dark\", not \"light\""), "{text}");
    check(&["test", "--filter", "no-such-case"], "", 4, "no fixture ran");
}

/// Runs one fixture against the shipped rules and gives the code of its failure, or none.
fn fixture_code(text: &str) -> String {
    let path = temporary("fixture/case.json", text);
    let folder = path.trim_end_matches("/case.json");
    let output = handover(&["test", "--fixtures", folder, "--format", "github"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split("title=").nth(1).map(|rest| rest.chars().take(4).collect()).unwrap_or_default()
}

#[test]
fn a_fixture_that_says_nothing_true_fails() {
    let case = |expect: &str| {
        format!(r#"{{ "anonymous": {{ "preferences": {{ "theme": "dark", "a: b": 1 }} }}, "expect": {expect} }}"#)
    };
    let good = r#"{ "status": "transferred", "findings": ["drop /preferences/a: b"] }"#;
    assert_eq!(fixture_code(&case(good)), "");
    for (expect, code) in [
        (r#"{ "status": "transferred", "reason": 5 }"#, "F005"),
        (r#"{ "status": "transferred", "code": "zzz" }"#, "F003"),
        (r#"{ "status": "transferred", "findings": ["…", "drop /preferences/a: b"] }"#, "F007"),
        (r#"{ "status": "transferred", "findings": [] }"#, "F022"),
        (r#"{ "status": "transferred", "findings": ["dropp /preferences/a"] }"#, "F007"),
        (r#"{ "status": "transferred", "findings": ["kart: drop /preferences/a: b"] }"#, "F006"),
        (r#"{ "status": "transferred", "findings": ["drop /preferences/none"] }"#, "F008"),
        (r#"{ "status": "transferred", "user_metadata": { "preferences": { "$any": "text" } } }"#, "F009"),
        (r#"{ "status": "unchanged" }"#, "F021"),
        (r#"{ "state": "unchanged" }"#, "F003"),
        (r#"{ "status": "refused", "code": "invalid_json", "findings": [] }"#, "F003"),
        (r#"{ "status": "refused" }"#, "F021"),
        ("5", "F005"),
    ] {
        assert_eq!(fixture_code(&case(expect)), code, "{expect}");
    }
    assert_eq!(fixture_code(r#"{ "request": "{", "trigger": "login", "expect": { "status": "refused" } }"#), "F003");
    assert_eq!(fixture_code(r#"{ "skip": " ", "expect": { "status": "skipped" } }"#), "F010");
    assert_eq!(fixture_code(r#"{ "skip": "later", "expect": { "status": "skipped" } }"#), "F030");
    assert_eq!(fixture_code(r#"{ "anonymous": { "kart": 1 }, "expect": { "status": "unchanged" } }"#), "F031");
    let any = r#"{ "status": "transferred", "user_metadata": { "preferences": { "$any": "object" } } }"#;
    assert_eq!(fixture_code(&case(any)), "");
}

#[test]
fn a_pipeline_gets_each_answer_before_it_asks_again() {
    use std::io::{BufRead, BufReader, Write};
    for arguments in [
        &["transfer", "--ndjson"][..],
        &["transfer", "--ndjson", "--threads", "2"],
        &["sanitize", "--schema", "rules/cart.schema.json", "--ndjson"],
    ] {
        let mut child = crate::binary::piped(arguments);
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut lines = BufReader::new(output).lines();
        for _ in 0..3 {
            input.write_all(b"{}\n").unwrap();
            assert!(lines.next().unwrap().unwrap().starts_with('{'));
        }
        drop(input);
        assert!(lines.next().is_none() && child.wait().unwrap().success());
    }
}

#[test]
fn check_says_how_much_may_pass_and_refuses_more_than_a_login_may_write() {
    let folder = rules("bounds", &[("cart.schema.json", "\"items\"]", "\"items\"], \"minProperties\": 1")]);
    check(&["check", "--rules", &folder], "", 0, "  cart → app_metadata.cart: at most 16384 bytes\n");
    let folder = rules("over", &[("policy.json", "16384", "32000")]);
    let text = check(&["check", "--rules", &folder], "", 3, "error[S033]: the rules allow 47");
    assert!(
        text.contains("cart.schema.json:10:19\n")
            && text.contains("1 error in 1 file · handover check --explain S033\n"),
        "{text}"
    );
    let tuple = r#""type": "array", "prefixItems": [{ "type": "null" }, { "type": "null" }], "#;
    let folder = rules("warned", &[("recently_viewed.schema.json", "\"type\": \"array\",", tuple)]);
    check(&["check", "--rules", &folder], "", 0, "warning[S042]");
    check(&["check", "--rules", &folder], "", 0, "check ok · 7 rules in 17 files · 1 warning · ");
    check(&["check", "--rules", &folder, "--deny", "warnings"], "", 3, "warning[S042]");
    check(&["test", "--rules", "rules"], "", 0, "passed");
}

/// Whatever decides what passes is on the page.
#[test]
fn the_page_says_when_a_branch_applies() {
    let policy = r#"{ "name": "x", "rules": [ { "name": "a", "to": "app_metadata.a", "merge": "anonymous", "max_bytes": 4000, "unknown": "keep" } ] }"#;
    let schema = r#"{ "type": "object", "required": ["kind"], "properties": { "kind": { "enum": ["card", "cash"] },
        "n": { "type": "integer", "not": { "const": 3 } },
        "v": { "anyOf": [ { "type": "string", "maxLength": 3 }, { "type": "integer", "maximum": 9 } ] },
        "list": { "type": "array", "maxItems": 5, "items": { "type": "string", "maxLength": 5 }, "contains": { "const": "a" }, "maxContains": 2 } },
      "dependentRequired": { "n": ["list"] }, "propertyNames": { "maxLength": 9 },
      "dependentSchemas": { "v": { "properties": { "w": { "type": "string", "maxLength": 4 } } } },
      "if": { "required": ["v"] }, "then": { "required": ["n"] }, "else": { "properties": { "list": false } } }"#;
    let guard = "/// Guests need an address.\nfn authorize(request) { require([\"email\"], \"address\") }\n";
    for (file, text) in [("policy.json", policy), ("a.schema.json", schema), ("checkout.guard.rhai", guard)] {
        temporary(&format!("page-branches/{file}"), text);
    }
    let folder = temporary("page-branches/.keep", "").trim_end_matches("/.keep").to_owned();
    let page = check(&["docs", "--rules", &folder], "", 0, "## a\n");
    for part in [
        "| `/a` | object | names are as `{\"maxLength\":9}`, `n` needs `list` | drops the value |",
        "| `/a/n` | integer | not `{\"const\":3}` | drops the member |",
        "| `/a/v` | string | form 1 of 2, maxLength `3` |  |",
        "| `/a/v` | integer | form 2 of 2, maximum `9` |  |",
        "maxItems `5`, at least 1 and at most 2 of the items are `{\"const\":\"a\"}`",
        "| `/a` |  | if `{\"required\":[\"v\"]}`, needs `n` |  |",
        "| `/a/list` | | unless `{\"required\":[\"v\"]}` | never passes |",
        "| `/a/w` | string | beside `v`, maxLength `4` | drops the member |",
        "Members that the schema does not name pass too.",
        "## Who may checkout\n\nOf anonymous callers: Guests need an address. (`checkout.guard.rhai`)",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[test]
fn the_page_of_a_policy_is_written_and_asked_for_its_age() {
    let page = temporary("docs/policy.md", "");
    let of = |folder: &str, rest: &[&str], code, part| {
        check(&[&["docs", "--rules", folder][..], rest].concat(), "", code, part)
    };
    let text = of("rules", &[], 0, "## cart\n\nFrom `/cart` to `app_metadata.cart`, at most 16384 bytes.");
    assert!(text.contains("Merge: The larger quantity wins, so logging in twice changes nothing;"), "{text}");
    assert!(
        text.contains("| `/cart/items/*/qty` | integer | required, minimum `1`, maximum `99` | coerce, then clamp |"),
        "{text}"
    );
    assert!(text.contains("- the larger quantity wins and bad lines go\n"), "{text}");
    of("rules", &["--out", &page, "--check"], 6, "is out of date: run `handover docs --out ");
    of("rules", &["--out", &page], 0, "");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), text);
    of("rules", &["--out", &page, "--check"], 0, "");
    let wider = rules("docs", &[("cart.schema.json", "\"maximum\": 99", "\"maximum\": 98")]);
    of(&wider, &["--out", &page, "--check"], 6, "is out of date");
    of("rules", &["--check"], 2, "--out");
}
