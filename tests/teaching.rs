//! `rules/README.md`, followed by the letter: each file that it shows is written, each command that it shows is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use handover::files;

use crate::binary::{root, temporary};

const PAGE: &str = include_str!("../rules/README.md");

/// The shipped rules and fixtures in a folder of their own.
fn shop() -> PathBuf {
    let keep = temporary("teaching/.keep", "");
    let folder = Path::new(&keep).parent().unwrap().to_owned();
    for part in ["rules", "fixtures"] {
        let _ = std::fs::remove_dir_all(folder.join(part));
    }
    for (name, text) in files::policy(&root().join("rules")).unwrap().0 {
        write(&folder.join("rules").join(name), &text);
    }
    for (name, text) in files::fixtures(&root().join("fixtures")).unwrap() {
        write(&folder.join("fixtures").join(name), &text);
    }
    folder
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Puts the rule that is taught into the policy, in the place of the one that it had.
fn declare(folder: &Path, rule: &str) {
    let path = folder.join("rules/policy.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().filter(|line| !line.contains("\"name\": \"sizes\"")).collect();
    let first = lines.iter().position(|line| line.contains("\"rules\": [")).unwrap() + 1;
    lines.insert(first, rule.trim_end());
    write(&path, &lines.join("\n"));
}

/// A line without the milliseconds that it took.
fn timeless(line: &str) -> String {
    let words = line.split(' ').collect::<Vec<_>>();
    let is_time = |index: usize| words.get(index + 1).is_some_and(|unit| *unit == "ms");
    let kept = words.iter().enumerate().map(|(index, word)| if is_time(index) { "N" } else { word });
    kept.collect::<Vec<_>>().join(" ")
}

/// Runs the commands of a block; what stands between two `…` stands in a row in what is printed.
fn run(folder: &Path, block: &str) -> usize {
    let mut ran = 0;
    for part in block.split("$ handover ").skip(1) {
        let (command, shown) = part.split_once('\n').unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_handover"));
        let output = process.args(command.split(' ')).current_dir(folder).env("COLUMNS", "100").output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let printed: String = printed.lines().map(|line| timeless(line) + "\n").collect();
        let shown: String = shown.lines().map(|line| timeless(line) + "\n").collect();
        let runs: Vec<_> = shown.split("…\n").collect();
        assert!(printed.starts_with(runs[0]) && printed.ends_with(runs[runs.len() - 1]), "{command}: {printed}{shown}");
        assert!(runs.iter().all(|run| printed.contains(run)), "{command}: {printed}{shown}");
        ran += 1;
    }
    ran
}

#[test]
fn the_page_teaches_what_happens() {
    let folder = shop();
    let (mut ran, mut written) = (0, 0);
    let mut before = "";
    let mut parts = PAGE.split("\n```");
    while let Some(text) = parts.next() {
        before = text.trim_end().lines().last().unwrap_or(before);
        let Some((language, block)) = parts.next().and_then(|fence| fence.split_once('\n')) else { break };
        let block = format!("{block}\n");
        match (language, before.trim_end_matches("`:").rsplit('`').next()) {
            ("text", _) => ran += run(&folder, &block),
            (_, Some(file)) if before.ends_with("`:") && file != "rules/policy.json" => {
                write(&folder.join(file), &block);
                written += 1;
            }
            _ => declare(&folder, &block),
        }
    }
    assert_eq!((ran, written), (8, 6));
}
