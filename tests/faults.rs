//! One fault planted in the sources for each rule of the sanitizer, and ten in `keyed_union`: the test of the rule's number, or
//! of the laws, fails.
//!
//! Compiles the engine once a fault, so it runs where it is asked for (`tests/run` does): `cargo test -- --ignored faults`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary::root;

/// The rule's test, the file below `engine/src/sanitizer`, what stands there, and what is planted instead.
const FAULTS: [(&str, &str, &str, &str); 22] = [
    ("r01", "mod.rs", "if self.over_limits(place) {", "if self.over_limits(place) && place.at > 0 {"),
    (
        "r02",
        "members.rs",
        "flat_map(|(_, object)| &object.required);\n        for",
        "flat_map(|(_, object)| object.properties.iter().map(|(name, _)| name));\n        for",
    ),
    ("r03", "sets.rs", "for &part in &object.all_of {", "for &part in object.all_of.iter().take(1) {"),
    (
        "r04",
        "phases.rs",
        "if let Some((keyword, by)) = set.never {",
        "if let Some((keyword, by)) = set.never.filter(|_| nodes > 1) {",
    ),
    ("r05", "plan.rs", "checks.sort_by_key(|(_, check)| check.keyword());", ""),
    ("r06", "project.rs", "for &names in &members.names {", "for &names in members.names.iter().skip(1) {"),
    (
        "r07",
        "project.rs",
        "match fixed {\n                Gone(keyword, by) => {",
        "match fixed {\n                Gone(Keyword::Required, by) => return Gone(Keyword::Required, by),\n                Gone(keyword, by) => {",
    ),
    (
        "r08",
        "project.rs",
        "self.fates.drop(item, keyword, by);\n",
        "self.fates.drop(item, keyword, by);\n                    break;\n",
    ),
    ("r09", "items.rs", "if !kept && index < prefix {", "if !kept && index + 1 < prefix {"),
    ("r10", "items.rs", ".take(contains.min.unwrap_or(1))", ".take(contains.min.unwrap_or(0))"),
    (
        "r11",
        "project.rs",
        "while let Some(&(trigger, _, keyword, by)) = failing(present) {",
        "if let Some(&(trigger, _, keyword, by)) = failing(present) {",
    ),
    (
        "r12",
        "bounds.rs",
        "parts.sort_by_key(|one| std::cmp::Reverse(one.view().nodes()));",
        "parts.sort_by_key(|one| one.view().nodes());",
    ),
    ("r13", "project.rs", "(Some(a), Some(b)) => b.cmp(a),", "(Some(a), Some(b)) => a.cmp(b),"),
    ("r14", "choices.rs", "failing.swap_remove(0)", "failing.swap_remove(failing.len() - 1)"),
    (
        "r15",
        "choices.rs",
        "scored.sort_by_key(|(cost, index, _)| (*cost, *index));",
        "scored.sort_by_key(|(_, index, _)| *index);",
    ),
    (
        "r16",
        "choices.rs",
        "if condition { (then, otherwise) } else { (otherwise, then) }",
        "if condition { (otherwise, then) } else { (then, otherwise) }",
    ),
    ("r17", "choices.rs", "if without.cost < under.cost", "if without.cost <= under.cost"),
    ("r18", "choices.rs", "size(a).cmp(&size(b))", "size(b).cmp(&size(a))"),
    ("r19", "repair.rs", "if !more.is_empty() {", "if more.len() > 9 {"),
    ("r20", "project.rs", "(0..children.len()).rev().collect()", "(0..children.len()).collect()"),
    ("r21", "mod.rs", "Some(Ok(false)) => Some(Keyword::Oracle),", "Some(Ok(false)) => None,"),
    ("r22", "repair.rs", "self.fixed.insert((at, set), Rc::clone(&fixed));", ""),
];

/// What stands in `keyed_union`, and what is planted instead.
const LAWLESS: [(&str, &str); 10] = [
    // the line becomes the visitor's
    ("        Ok(changed(Some(account), changes))", "        Ok(Made::Write(anonymous.to_json()))"),
    // the account's other lines are forgotten
    (
        "joined.unwrap_or_else(|| line.to_json())).collect();",
        "joined.unwrap_or_else(|| line.to_json())).take(1).collect();",
    ),
    // the limit cuts the account's list
    (
        "let kept = account.iter().zip(joined)",
        "let kept = account.iter().take(self.list.limit.unwrap_or(usize::MAX)).skip(usize::from(account.len() > 3)).zip(joined)",
    ),
    // a matching line is also added
    (
        "let new: Vec<_> = joined.split_off(account.len()).into_iter().flatten().collect();",
        "let new: Vec<_> = joined.split_off(account.len()).into_iter().flatten().chain(anonymous.iter().take(1).map(|line| line.to_json())).collect();",
    ),
    // every line is new
    (
        "lines.iter().zip(leaders).skip(account.len())",
        "lines.iter().zip((0..).zip(leaders).map(|(index, leader)| leader.map(|_| index))).skip(account.len())",
    ),
    // quantities are summed
    (
        "Some((_, strategy)) => strategy.merge_member(current, value, work)?,",
        "Some(_) => Strategy::Sum(None).merge_member(current, value, work)?,",
    ),
    // the visitor's quantity wins
    (
        "Some((_, strategy)) => strategy.merge_member(current, value, work)?,",
        "Some(_) => Made::Write(value.to_json()),",
    ),
    // the account's order is turned
    (
        "        Ok(self.list.joined(kept, new, changed, work))",
        "        let kept: Vec<Json> = kept;\n        Ok(self.list.joined(kept.into_iter().rev().collect(), new, changed, work))",
    ),
    // the account's duplicates are folded
    (
        "        let new: Vec<_> = joined.split_off",
        "        let mut account = account;\n        account.dedup_by(|a, b| a.get(\"sku\").map(View::to_text) == b.get(\"sku\").map(View::to_text));\n        let new: Vec<_> = joined.split_off",
    ),
    // a member is invented
    (
        "None => *slot = Some(line.to_json()),",
        "None => *slot = Some(Json::object(vec![(Json::text(\"sku\"), Json::text(\"new\"))])),",
    ),
];

/// A workspace with the engine and the tests of the rules, beside the real one's compiled packages.
fn planted() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
    let copy = |path: &str, change: &dyn Fn(String) -> String| {
        let to = folder.join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, change(std::fs::read_to_string(root().join(path)).unwrap())).unwrap();
    };
    copy("Cargo.toml", &|text| text.replace("members = [\"engine\", \"server\"]", "members = [\"engine\"]"));
    copy("Cargo.lock", &|text| text);
    let test = "\n[[test]]\nname = \"rules\"\npath = \"../tests/rules.rs\"\n";
    copy("engine/Cargo.toml", &|text| text + test);
    copy("tests/rules.rs", &|text| text);
    let _ = std::fs::remove_dir_all(folder.join("engine/src"));
    sources(&root().join("engine/src"), &folder.join("engine/src"));
    folder
}

fn sources(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            sources(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs the tests of a rule: whether they passed, and what was printed.
fn run(folder: &Path, rule: &str) -> (bool, String) {
    let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO"));
    let target = if rule == "r21" { &["--lib"][..] } else { &["--test", "rules"] };
    command.args(["test", "--offline", "--quiet", "-p", "handover-engine"]).args(target).args(["--", rule]);
    let output = command.current_dir(folder).env("CARGO_TARGET_DIR", compiled).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), text)
}

fn faults() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)> {
    let lawless = LAWLESS.iter().map(|(from, to)| ("laws_of_keyed_union", "../merge/keyed_union.rs", *from, *to));
    FAULTS.into_iter().chain(lawless)
}

/// The long test below would say it too, minutes later.
#[test]
fn each_fault_is_planted_in_text_that_stands_once() {
    for (rule, file, from, _) in faults() {
        let source = std::fs::read_to_string(root().join("engine/src/sanitizer").join(file)).unwrap();
        assert_eq!(source.matches(from).count(), 1, "{rule}: `{from}` in {file}");
    }
}

#[test]
#[ignore = "compiles the engine once a rule: tests/run asks for it"]
fn faults_of_each_rule_are_killed_by_the_test_of_its_number() {
    let folder = planted();
    for rule in ["", "r21"] {
        let (passed, text) = run(&folder, rule);
        assert!(passed, "without a fault: {text}");
    }
    let mut alive = Vec::new();
    for (rule, file, from, to) in faults() {
        let path = folder.join("engine/src/sanitizer").join(file);
        let sound = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, sound.replace(from, to)).unwrap();
        let (passed, text) = run(&folder, rule);
        std::fs::write(&path, sound).unwrap();
        let killer = text.lines().find(|line| line.contains(rule) && line.contains("panicked"));
        match killer.filter(|_| !passed) {
            Some(killer) => println!("{rule}: {}", killer.trim()),
            None => alive.push(format!("{rule} in {file}, `{to}`: {text}")),
        }
    }
    assert!(alive.is_empty(), "faults that live: {}", alive.join("\n"));
}
