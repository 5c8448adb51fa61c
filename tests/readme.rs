//! The README: what it shows is what happens.

use serde_json::Value;

use crate::binary::{Server, handover, root, temporary};

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The text between a line that begins a fence of this language and the line that ends it.
fn fenced<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn the_request_to_paste_gives_the_answer_that_is_shown() {
    let text = readme();
    let paste = fenced(&text, "sh").into_iter().find(|block| block.contains("curl")).unwrap();
    let body = paste.split('\'').nth(3).unwrap();
    let shown: Value = serde_json::from_str(fenced(&text, "json")[0]).unwrap();
    let mut actual: Value = serde_json::from_str(&Server::start(&[]).post(body.as_bytes()).body).unwrap();
    assert!(actual["policy"]["digest"].as_str().unwrap().starts_with("sha256:"));
    actual["policy"]["digest"] = shown["policy"]["digest"].clone();
    assert_eq!(actual, shown);
}

#[test]
fn exactly_two_commands_do_all_the_set_up() {
    let text = readme();
    let shell = fenced(&text, "sh").into_iter().flat_map(str::lines);
    let set_up: Vec<_> = shell.filter(|line| line.starts_with("cargo") || line.starts_with("tests/")).collect();
    assert_eq!(set_up, ["cargo run --release -- serve --dev", "tests/run"]);
}

#[test]
fn no_place_is_left_to_be_filled_in() {
    let text = readme();
    assert!(!text.contains("@@") && !text.contains("TODO"));
}

/// The shipped rules with the visitor's price let through, as the README says.
fn with_price() -> String {
    let mut folder = String::new();
    for (file, text) in handover::files::policy(&root().join("rules")).unwrap().0 {
        let quantity = "          \"qty\": {";
        let text = text.replace(quantity, &format!("          \"price\": {{ \"type\": \"number\" }},\n{quantity}"));
        folder = temporary(&format!("readme/{file}"), &text);
        folder.truncate(folder.len() - file.len());
    }
    folder
}

#[test]
fn the_change_that_everybody_makes_fails_as_shown() {
    let text = readme();
    let shown = fenced(&text, "text")[0].lines().skip(1).collect::<Vec<_>>();
    let folder = with_price();
    let output = handover(&["test", "--rules", &folder], b"");
    let printed = String::from_utf8(output.stdout).unwrap().replace(&folder, "rules/");
    assert_eq!(output.status.code(), Some(4));
    let (last, lines) = shown.split_last().unwrap();
    assert_eq!(printed.lines().take(lines.len()).collect::<Vec<_>>(), lines);
    let counts = |line: &str| line.split(" · ").next().map(str::to_owned);
    assert_eq!(printed.lines().last().and_then(counts), counts(last));
}

#[test]
fn the_merge_that_everybody_writes_is_refused_as_shown() {
    let text = readme();
    let shown = fenced(&text, "text")[1].lines().skip(1).collect::<Vec<_>>();
    let output = handover(&["check", "--rules", "tests/page"], b"");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().collect::<Vec<_>>(), shown);
}
