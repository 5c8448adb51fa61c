//! The README: what it shows is what happens.

use serde_json::Value;

use crate::binary::{Server, root};

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
