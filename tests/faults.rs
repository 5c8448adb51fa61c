//! One fault planted in the sources for each rule and annotation of the sanitizer, and ten in `keyed_union`: the test of the rule's number, or
//! of the laws, fails.
//!
//! Compiles the engine once a fault, so it runs where it is asked for: `tests/run --all`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary::root;

/// The rule's test, the file below `engine/src/sanitizer`, what stands there, and what is planted instead.
const FAULTS: [(&str, &str, &str, &str); 32] = [
    ("r01", "mod.rs", "if self.over_limits(place) {", "if self.over_limits(place) && place.at > 0 {"),
    (
        "r02",
        "check.rs",
        "Self::Maximum(bound) => order(bound).is_le(),",
        "Self::Maximum(bound) => order(bound).is_lt(),",
    ),
    ("r03", "sets.rs", "for &part in &object.all_of {", "for &part in object.all_of.iter().take(1) {"),
    (
        "r04",
        "project.rs",
        "if let Some((keyword, by)) = plan.set.never {",
        "if let Some((keyword, by)) = plan.set.never.filter(|(keyword, _)| *keyword != Keyword::Properties) {",
    ),
    ("r05", "compile.rs", "checks.sort_by_key(|(_, check)| check.keyword());", ""),
    ("r06", "members.rs", "for &(by, names) in &members.names {", "for &(by, names) in members.names.iter().skip(1) {"),
    (
        "r07",
        "items.rs",
        "                self.trail.drop(item, keyword, by, cost);\n",
        "                self.trail.drop(item, keyword, by, cost);\n                if keyword == Keyword::Required {\n                    return Gone(Keyword::Required, by);\n                }\n",
    ),
    (
        "r08",
        "items.rs",
        "if index < plan.prefix.len() {\n                    self.cut_rest(",
        "if index < plan.prefix.len() || plan.prefix.is_empty() {\n                    self.cut_rest(",
    ),
    (
        "r09",
        "items.rs",
        "if index < plan.prefix.len() {\n                    self.cut_rest(",
        "if index + 1 < plan.prefix.len() {\n                    self.cut_rest(",
    ),
    ("r10", "items.rs", ".take(contains.min.unwrap_or(1))", ".take(contains.min.unwrap_or(0))"),
    ("r11", "members.rs", "present.remove(&one.trigger);", "present.clear();"),
    (
        "r12",
        "bounds.rs",
        "parts.sort_by_key(|one| std::cmp::Reverse(one.view().nodes()));",
        "parts.sort_by_key(|one| one.view().nodes());",
    ),
    ("r13", "members.rs", "(Some(a), Some(b)) => b.cmp(a),", "(Some(a), Some(b)) => a.cmp(b),"),
    ("r14", "choices.rs", "plan.choices.iter().find(|choice| !self", "plan.choices.iter().rev().find(|choice| !self"),
    ("r15", "choices.rs", "scores.sort_unstable();", ""),
    (
        "r16",
        "choices.rs",
        "if holds { both } else { [both[1], both[0]] }",
        "if holds { [both[1], both[0]] } else { both }",
    ),
    ("r17", "choices.rs", "less.is_none_or(|less| cost <= less)", "less.is_none_or(|less| cost < less)"),
    ("r18", "removal.rs", "a.cmp(b).then_with(|| y.cmp(x))", "b.cmp(a).then_with(|| y.cmp(x))"),
    ("r19", "rest.rs", "if !more.is_empty() {", "if more.len() > 9 {"),
    ("r20", "bounds.rs", "(0..children.len()).rev().filter", "(0..children.len()).filter"),
    ("r21", "mod.rs", "Some(Ok(false)) => Some(Keyword::Oracle),", "Some(Ok(false)) => None,"),
    ("r22", "choices.rs", "self.memo.insert(key, Rc::new(saved));", "let _ = (key, saved);"),
    ("a01", "reader.rs", "Some(step) => steps.push(step),", "Some(step) => steps = vec![step],"),
    ("a02", "steps.rs", "            value = self.trail.value(start);\n", ""),
    ("a03", "steps.rs", "            index = part.holder;", "            index = None;"),
    (
        "a04",
        "project.rs",
        "let fixed = if plan.is_plain() {",
        "let fixed = if plan.is_annotated && self.document.node(at).count() > 1 {\n            Gone(Keyword::MinItems, plan.by)\n        } else if plan.is_plain() {",
    ),
    ("a05", "reader.rs", "if self.asking > 0 && matches!", "if self.asking > 9 && matches!"),
    ("a06", "compile.rs", "object.on_missing && object.default.is_some()", "object.default.is_some()"),
    (
        "a07",
        "sets.rs",
        "Some(Never::Sensitive) => drop(set.never.get_or_insert((Keyword::Sensitive, applied.id))),",
        "Some(Never::Sensitive) => {}",
    ),
    ("a08", "project.rs", "if !plan.exempts {", "if plan.exempts || !plan.exempts {"),
    (
        "a09",
        "schema.rs",
        "            _ => return None,\n        })\n    }\n\n    pub(super) fn word",
        "            _ => Self::Drop,\n        })\n    }\n\n    pub(super) fn word",
    ),
    ("a10", "project.rs", "(Some(by), Part) if", "(Some(by), Gone(..)) if"),
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
#[ignore = "compiles the engine once a rule: tests/run --all asks for it"]
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
