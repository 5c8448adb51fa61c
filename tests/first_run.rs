//! A rule author's first minutes: the commands of the specification, from an empty folder.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use handover::files;
use handover_engine::json::Document;
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Options, Sanitizer};

use crate::binary::{root, temporary};

struct Shop(PathBuf);

impl Shop {
    /// A new one in a folder of this name.
    fn init(name: &str) -> Self {
        let keep = temporary(&format!("{name}/.keep"), "");
        let folder = PathBuf::from(keep.trim_end_matches("/.keep"));
        let _ = std::fs::remove_dir_all(folder.join("shop"));
        assert_eq!(Self(folder.clone()).handover(&["init", "shop"]).0, 0);
        Self(folder.join("shop"))
    }

    /// Runs `handover` in the folder: how it ended, and what it printed.
    fn handover(&self, arguments: &[&str]) -> (i32, String) {
        let output =
            Command::new(env!("CARGO_BIN_EXE_handover")).args(arguments).current_dir(&self.0).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.0.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }
}

#[test]
fn the_first_minutes_are_green_until_the_cart_is_summed() {
    let keep = temporary("first/.keep", "");
    let folder = PathBuf::from(keep.trim_end_matches("/.keep"));
    let _ = std::fs::remove_dir_all(folder.join("shop"));
    let parent = Shop(folder.clone());
    let (code, text) = parent.handover(&["init", "shop"]);
    assert!(code == 0 && text.contains("check ok · 12 passed · 100 % · laws hold"), "{text}");
    let (code, text) = parent.handover(&["init", "shop"]);
    assert!(code == 2 && text.contains("is not empty"), "{text}");
    let shop = Shop(folder.join("shop"));
    for (arguments, part) in [
        (&["check"][..], "check ok · 3 rules in 6 files"),
        (&["check", "--deny", "warnings"], "check ok"),
        (&["test"], "12 passed, 0 failed, 0 skipped"),
        (&["test", "--coverage-min", "100"], "coverage 100 %"),
        (&["laws", "--cases", "100"], "laws hold · 3 rules"),
    ] {
        let (code, text) = shop.handover(arguments);
        assert!(code == 0 && text.contains(part), "{arguments:?}: {text}");
    }
    shop.edit("rules/cart.merge.rhai", "\"max\", 99", "\"sum\", 99");
    let (code, text) = shop.handover(&["check"]);
    let told = "error[R040]: `sum` adds again at every login: 1 + 3 gives 4, then 7, then 10";
    assert!(code == 3 && text.contains(told), "{text}");
    shop.edit("rules/cart.merge.rhai", "\"sum\", 99", "\"max\", 99");
    let (code, text) =
        shop.handover(&["explain", "fixtures/hostile/a-card-number-in-a-note.json", "--only", "dropped"]);
    let told = "dropped  /cart/items/0/options/note  x-deny:pan  rules/cart.schema.json:21:37\n";
    assert!(code == 0 && text.contains(told), "{text}");
    assert!(text.ends_with("in 13 = kept 7 + changed 0 + dropped 5 + unread 1\n"), "{text}");
    let (code, text) = shop.handover(&["transfer", "request.json"]);
    assert!(code == 0 && text.contains("\"status\":\"transferred\""), "{text}");
}

#[test]
fn machines_around_it_are_answered() {
    let here = Shop(PathBuf::from("."));
    assert_eq!(here.handover(&["healthcheck", "http://127.0.0.1:1"]).0, 1);
    assert_eq!(here.handover(&["healthcheck", "127.0.0.1:1"]).0, 2);
    for shell in ["bash", "zsh", "fish"] {
        let (code, text) = here.handover(&["completions", shell]);
        assert!(code == 0 && text.contains("handover"), "{shell}");
    }
}

/// Whether texts hold under a schema that the binary prints.
#[track_caller]
fn holds(schema: &str, texts: impl IntoIterator<Item = (String, String)>) {
    let (code, text) = Shop(PathBuf::from(".")).handover(&["schema", schema]);
    assert_eq!(code, 0);
    let sanitizer =
        Sanitizer::compile(schema, &text, Options::of(&Limits::default())).unwrap_or_else(|e| panic!("{e:?}"));
    for (file, text) in texts {
        let document = Document::read(text.as_bytes()).unwrap();
        assert!(sanitizer.accepts(document.root()), "{file} does not hold under the schema of a {schema}");
    }
}

#[test]
fn what_ships_holds_under_the_schemas_that_editors_get() {
    let read = |path: &str| (path.to_owned(), std::fs::read_to_string(root().join(path)).unwrap());
    let policies = ["rules/policy.json", "tests/catalogue/rules/policy.json", "server/scaffold/policy.json"];
    holds("policy", policies.map(read));
    holds("fixture", files::fixtures(&root().join("fixtures")).unwrap());
    holds("fixture", files::fixtures(&root().join("tests/catalogue/fixtures")).unwrap());
    holds("request", [read("server/scaffold/request.json")]);
    let (code, answer) = Shop(root()).handover(&["transfer", "server/scaffold/request.json"]);
    assert_eq!(code, 0);
    holds("response", [("the answer".to_owned(), answer)]);
}

#[test]
fn the_cases_run_again_when_a_file_changes_and_end_at_the_first_failure() {
    let shop = Shop::init("watch");
    let mut watching = Command::new(env!("CARGO_BIN_EXE_handover"));
    let watching = watching.args(["test", "--watch", "--fail-fast"]).current_dir(&shop.0);
    let mut watching = watching.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut summary = || lines.find(|line| line.contains(" passed, ")).unwrap();
    assert!(summary().starts_with("12 passed, 0 failed"));
    shop.edit("rules/cart.merge.rhai", "limit: 100", "limit: 101");
    let after = summary();
    shop.edit("rules/preferences.schema.json", "[\"light\", \"dark\"]", "[\"light\"]");
    let broken = summary();
    shop.edit("rules/cart.merge.rhai", "99", "98");
    let first = summary();
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(after.contains(" passed, "), "{after}");
    assert!(broken.contains(", 1 failed") && !broken.starts_with("0 passed"), "{broken}");
    assert!(first.starts_with("0 passed, 1 failed"), "what failed before runs first: {first}");
    let (code, text) = shop.handover(&["test"]);
    assert!(code == 4 && !text.contains(", 1 failed"), "more than one fails without `--fail-fast`: {text}");
}

#[test]
fn a_case_is_updated_only_where_its_author_says_so_and_keeps_what_holds() {
    let shop = Shop::init("update");
    let update = |rest: &[&str]| shop.handover(&[&["test", "--filter", "new-case", "--update"][..], rest].concat());
    let (file, cart) =
        ("fixtures/cart/new-case.json", "[ { \"sku\": \"A\", \"qty\": 3 }, { \"sku\": \"B\", \"qty\": 1.5 } ]");
    let case = |expect: &str| {
        let text = format!(
            "{{\n  \"anonymous\": {{ \"cart\": {{ \"items\": {cart} }} }},\n  \"expect\": {{\n    \"status\": {expect}\n  }}\n}}\n"
        );
        std::fs::write(shop.0.join(file), &text).unwrap();
        text
    };
    let wrong = case(
        "\"unchanged\",\n    \"app_metadata\": { \"cart\": { \"items\": [ { \"sku\": { \"$any\": \"string\" }, \"qty\": 4 } ] } },\n    \"findings\": []",
    );
    let (code, text) = update(&[]);
    assert!(code == 4 && text.contains("  - \"unchanged\"\n  + \"transferred\"\n"), "{text}");
    assert!(text.contains("  - 4\n  + 3\n") && text.contains("  - []\n  + [\"drop /cart/items/1\"]\n"), "{text}");
    assert!(text.ends_with("1 case would change (write them with `--yes`), 0 failed for another reason\n"), "{text}");
    assert_eq!(std::fs::read_to_string(shop.0.join(file)).unwrap(), wrong, "nothing is written unasked");
    let (code, text) = update(&["--yes"]);
    assert!(code == 0 && text.ends_with("1 case updated, 0 failed for another reason\n"), "{text}");
    let right = std::fs::read_to_string(shop.0.join(file)).unwrap();
    let wanted = wrong.replace("unchanged", "transferred").replace("\"qty\": 4", "\"qty\": 3");
    assert_eq!(right, wanted.replace("[]", "[\"drop /cart/items/1\"]"), "all else stays, the matcher too");
    assert_eq!(shop.handover(&["test", "--filter", "new-case"]).0, 0);
    // an open list stays open, a line more is written in the author's place
    case(
        "\"transferred\",\n    \"app_metadata\": { \"cart\": { \"items\": [] } },\n    \"findings\": [\"drop /cart/items/0\", \"…\"]",
    );
    let (code, text) = update(&["--yes"]);
    assert!(code == 0 && text.contains("  + [\"…\"]\n"), "{text}");
    assert_eq!(shop.handover(&["test", "--filter", "new-case"]).0, 0);
    // what a script did not survive is no expectation
    shop.edit("rules/cart.merge.rhai", "fn merge(account, anonymous, context) {", "fn merge(account, anonymous, context) {\n    let bad = anonymous.items[7].qty;\n    if bad == 1 { return account; }");
    case("\"transferred\"");
    let (code, text) = update(&["--yes"]);
    assert!(code == 4 && text.contains("0 cases updated, 1 failed for another reason"), "{text}");
    assert_eq!(update(&["--watch"]).0, 2);
    assert_eq!(shop.handover(&["test", "--yes"]).0, 2);
}
