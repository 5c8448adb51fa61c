//! The page of codes: every code that is said has a section, and its examples are wrong and right as they say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use handover_engine::diagnostic::Code;
use serde_json::Value;

use crate::binary::{handover, root, temporary};

type Files = BTreeMap<String, String>;

const PAGE: &str = include_str!("../server/codes.md");

/// A section: its code, and the files of its wrong and right example; a file that is `None` is taken away.
struct Section {
    code: String,
    wrong: Vec<(String, Option<String>)>,
    right: Vec<(String, Option<String>)>,
}

/// The files that follow a word of a section: ``Wrong, `policy.json`:`` and a fence, or ``Wrong: no `policy.json`.``
fn examples(section: &str, word: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix(&format!("{word}: no `")) {
            found.push((name.trim_end_matches("`.").to_owned(), None));
        } else if let Some(name) = line.strip_prefix(&format!("{word}, `")) {
            let text: Vec<_> = lines.by_ref().skip(2).take_while(|line| *line != "```").collect();
            found.push((name.trim_end_matches("`:").to_owned(), Some(text.join("\n") + "\n")));
        }
    }
    found
}

fn sections() -> Vec<Section> {
    let parts = PAGE.split("\n## ").skip(1);
    let read = |part: &str| Section {
        code: part.lines().next().unwrap().to_owned(),
        wrong: examples(part, "Wrong"),
        right: examples(part, "Right"),
    };
    parts.map(read).collect()
}

/// The codes that an example is told, and how the command ends.
fn told(section: &Section, word: &str, files: &[(String, Option<String>)]) -> (BTreeSet<String>, i32) {
    let mut all: Files = examples(PAGE, "Base").into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    if files.iter().any(|(name, _)| name == "cart.merge.rhai") {
        let policy = all.get_mut("policy.json").unwrap();
        *policy = policy.replace("\"merge\": \"anonymous\"", "\"merge\": \"cart.merge.rhai\"");
    }
    for (name, text) in files {
        match text {
            Some(text) => all.insert(name.clone(), text.clone()),
            None => all.remove(name),
        };
    }
    let folder = format!("codes/{}-{word}", section.code);
    let keep = temporary(&format!("{folder}/rules/.keep"), "");
    let folder = Path::new(&keep).ancestors().nth(2).unwrap().to_owned();
    let _ = std::fs::remove_dir_all(&folder);
    for (name, text) in &all {
        let own = if name.starts_with("fixtures/") { PathBuf::from(name) } else { Path::new("rules").join(name) };
        let path = folder.join(own);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir_all(folder.join("rules")).unwrap();
    let (rules, fixtures) = (folder.join("rules"), folder.join("fixtures"));
    let (rules, fixtures) = (rules.to_str().unwrap(), fixtures.to_str().unwrap());
    let arguments = match section.code.chars().next() {
        Some('F') => vec!["test", "--rules", rules, "--fixtures", fixtures, "--format", "json"],
        Some('L') => vec!["laws", "--rules", rules, "--cases", "300", "--format", "json"],
        _ => vec!["check", "--rules", rules, "--format", "json"],
    };
    let output = handover(&arguments, b"");
    let text = String::from_utf8(output.stdout).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", section.code));
    let codes = value["errors"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned());
    (codes.collect(), output.status.code().unwrap())
}

#[test]
fn the_examples_of_every_code_are_wrong_and_right() {
    let advice = [
        "P052", "P053", "P054", "P055", "S040", "S041", "S042", "S043", "S044", "S045", "S046", "R041", "R054", "P041",
        "P038", "R062",
    ];
    let mut failures = Vec::new();
    // what no rule can break, and what is only shown
    let without = ["F040", "F050", "P051", "L001", "L003", "L004", "L005", "L010", "L011", "L012"];
    for section in sections() {
        let code = section.code.as_str();
        if section.wrong.is_empty() && without.contains(&code) {
            continue;
        }
        let (wrong, status) = told(&section, "wrong", &section.wrong);
        let errors: BTreeSet<_> = wrong.iter().filter(|one| !advice.contains(&one.as_str()) || *one == code).collect();
        // what breaks one law often breaks another
        let alone = errors == BTreeSet::from([&code.to_owned()]) || (code.starts_with('L') && wrong.contains(code));
        if !alone || (status == 0) != advice.contains(&code) {
            failures.push(format!("{code}, wrong: {status} {wrong:?}"));
        }
        let (right, status) = told(&section, "right", &section.right);
        if right.contains(code) || status != 0 {
            failures.push(format!("{code}, right: {status} {right:?}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The codes that the sources of a folder report.
fn reported(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            reported(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // a row of a family's table is a variant that the compiler knows to be used
            let marks = ["Code::", "=> Error ", "=> Warning ", "=> Info "];
            let behind = marks.iter().flat_map(|mark| text.split(mark).skip(1));
            found.extend(behind.map(|rest| rest.chars().take(4).collect::<String>()));
        }
    }
}

#[test]
fn every_code_is_reported_and_has_its_section() {
    let mut found = BTreeSet::new();
    reported(&root().join("engine/src"), &mut found);
    reported(&root().join("server/src"), &mut found);
    let listed: Vec<_> = sections().into_iter().map(|section| section.code).collect();
    let codes: Vec<_> = Code::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(listed, codes, "the page has all codes, in their order");
    let unreported: Vec<_> = codes.iter().filter(|code| !found.contains(*code)).collect();
    assert_eq!(unreported, Vec::<&String>::new());
}

#[test]
fn a_section_is_printed_where_its_code_is_asked_for() {
    let output = handover(&["check", "--explain", "R040"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("R040\n\nNot idempotent") && text.contains("Right, `cart.merge.rhai`:"), "{text}");
    assert!(!text.contains("R050"), "{text}");
    let output = handover(&["check", "--explain", "all"], b"");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), PAGE);
    let output = handover(&["check", "--explain", "R042"], b"");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no code `R042`, did you mean `S042`?"), "{error}");
}
