//! The architecture, checked on the text of the sources. Every check is broken once below, to prove that it can fail.

use std::collections::BTreeMap;
use std::path::Path;

use crate::binary::root;

/// Sources of one crate: path below `src`, and lines without comments and strings.
struct Crate {
    name: &'static str,
    sources: BTreeMap<String, String>,
}

impl Crate {
    fn read(name: &'static str) -> Self {
        let mut sources = BTreeMap::new();
        let folder = root().join(name).join("src");
        collect(&folder, &folder, &mut sources);
        Self { name, sources }
    }

    fn planted(name: &'static str, files: &[(&str, &str)]) -> Self {
        let sources = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { name, sources }
    }

    /// Modules of `lib.rs` in their order.
    fn modules(&self) -> Vec<String> {
        let lib = self.sources.get("lib.rs").map(String::as_str).unwrap_or_default();
        let declared = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        declared.map(str::to_owned).collect()
    }

    fn lines(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.sources.iter().flat_map(|(path, text)| {
            text.lines().enumerate().map(move |(index, line)| (path.as_str(), index + 1, line))
        })
    }

    /// Lines that hold one of the words outside comments, in files that may not.
    fn naming(&self, words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
        let found = self.lines().filter(|(path, _, line)| {
            let code = line.split("//").next().unwrap_or_default();
            !allowed(path) && words.iter().any(|word| code.contains(word))
        });
        found.map(|(path, line, _)| format!("{}/src/{path}:{line}", self.name)).collect()
    }
}

fn collect(folder: &Path, root: &Path, sources: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, root, sources);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            sources.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// A module uses only modules declared above it.
fn upward_uses(one: &Crate) -> Vec<String> {
    let order = one.modules();
    let index = |module: &str| order.iter().position(|own| own == module);
    let mut found = Vec::new();
    for (path, line, text) in one.lines() {
        let own = path.split(['/', '.']).next().unwrap_or_default();
        let code = text.split("//").next().unwrap_or_default();
        for used in code.split("crate::").skip(1) {
            let braces = used.strip_prefix('{').and_then(|rest| rest.split('}').next());
            let names = braces.map_or_else(|| vec![used], |list| list.split(',').map(str::trim).collect());
            for name in names {
                let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if index(&name).zip(index(own)).is_some_and(|(used, own)| used > own) {
                    found.push(format!("{}/src/{path}:{line} uses `{name}`, declared later", one.name));
                }
            }
        }
    }
    found
}

fn jsonschema_outside_sanitizer(one: &Crate) -> Vec<String> {
    one.naming(&["jsonschema"], |path| path.starts_with("sanitizer/") && one.name == "engine")
}

fn rhai_outside_script(one: &Crate) -> Vec<String> {
    one.naming(&["rhai::", "use rhai"], |path| path.starts_with("script/") && one.name == "engine")
}

fn world_outside_its_module(one: &Crate) -> Vec<String> {
    let files = one.naming(&["std::fs", "tokio::fs"], |path| path == "files.rs" && one.name == "server");
    let environment = one.naming(&["std::env::", "std::env;"], |path| path == "config.rs" && one.name == "server");
    [files, environment].concat()
}

/// `serde_json::Value` is for the crate that asks for it at compile time, and for the edges.
fn values_on_the_request_path(one: &Crate) -> Vec<String> {
    match one.name {
        "engine" => one.naming(&["serde_json"], |path| path == "sanitizer/oracle.rs"),
        _ => one.naming(&["serde_json::Value", "serde_json::json!", "serde_json::{"], |path| path.starts_with("cli/")),
    }
}

/// What a diagnostic is, its problem and its code tell: nobody reads its words.
fn words_read(one: &Crate) -> Vec<String> {
    let read = ["message == ", "message != ", "message.contains(", "message.starts_with(", "message().starts_with("];
    one.naming(&read, |_| false)
}

/// A debugger counts what scripts run: for the coverage of cases, and nowhere else.
fn debugger_outside_coverage(one: &Crate) -> Vec<String> {
    let attached = one.naming(&["register_debugger"], |path| path == "script/coverage.rs");
    let asked =
        |path: &str| ["ruleset/mod.rs", "author/coverage.rs", "author/explain.rs", "script/mod.rs"].contains(&path);
    [attached, one.naming(&["traced("], asked)].concat()
}

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

fn long_files(one: &Crate) -> Vec<String> {
    let long = one.sources.iter().filter(|(_, text)| text.lines().count() > FILE_LINES_MAX);
    long.map(|(path, text)| format!("{}/src/{path}: {} lines", one.name, text.lines().count())).collect()
}

/// A function ends at the first line that closes at its own indentation, which rustfmt keeps.
fn long_functions(one: &Crate) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in &one.sources {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let indent = &line[..line.len() - code.len()];
            let words: Vec<_> = code.split([' ', '(']).take(6).collect();
            if !words.contains(&"fn") || code.starts_with("//") {
                continue;
            }
            let end = lines[index..].iter().position(|line| *line == format!("{indent}}}"));
            if end.is_some_and(|length| length + 1 > FUNCTION_LINES_MAX) {
                found.push(format!("{}/src/{path}:{}", one.name, index + 1));
            }
        }
    }
    found
}

/// A public item has a doc comment above it, attributes aside.
fn undocumented(one: &Crate) -> Vec<String> {
    let kinds = ["fn ", "struct ", "enum ", "trait ", "type ", "const ", "static "];
    let mut found = Vec::new();
    for (path, text) in &one.sources {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            let item = line.strip_prefix("pub ").is_some_and(|rest| kinds.iter().any(|kind| rest.starts_with(kind)));
            let above = lines[..index].iter().rev().find(|line| !line.starts_with("#[") && !line.ends_with(")]"));
            if item && !above.is_some_and(|line| line.starts_with("///")) {
                found.push(format!("{}/src/{path}:{}", one.name, index + 1));
            }
        }
    }
    found
}

type Check = fn(&Crate) -> Vec<String>;

const CHECKS: [(&str, Check); 10] = [
    ("upward use", upward_uses),
    ("jsonschema outside sanitizer", jsonschema_outside_sanitizer),
    ("rhai outside script", rhai_outside_script),
    ("the world outside its module", world_outside_its_module),
    ("serde_json values on the request path", values_on_the_request_path),
    ("a debugger outside coverage", debugger_outside_coverage),
    ("the words of a diagnostic read", words_read),
    ("file over 600 lines", long_files),
    ("function over 70 lines", long_functions),
    ("public item without docs", undocumented),
];

#[test]
fn the_house_is_tidy() {
    let found: Vec<String> = ["engine", "server"]
        .map(Crate::read)
        .iter()
        .flat_map(|one| {
            assert!(one.modules().len() > 8, "{} lists its modules", one.name);
            CHECKS
                .iter()
                .flat_map(move |(name, check)| check(one).into_iter().map(move |place| format!("{name}: {place}")))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_check_can_fail() {
    let lib = "pub mod json;\npub mod event;\n";
    let long_file = "//\n".repeat(601);
    let long_function = format!("fn long() {{\n{}}}\n", "    ;\n".repeat(70));
    let planted: [(&str, &str, &str); 10] = [
        ("upward use", "json.rs", "use crate::event::Event;"),
        ("jsonschema outside sanitizer", "event.rs", "use jsonschema::Validator;"),
        ("rhai outside script", "rule.rs", "use rhai::Engine;"),
        ("the world outside its module", "event.rs", "std::fs::read(path)"),
        ("serde_json values on the request path", "event.rs", "fn f(value: serde_json::Value) {}"),
        ("a debugger outside coverage", "event.rs", "RuleSet::compile_traced(files, trace)"),
        ("the words of a diagnostic read", "event.rs", "if one.message.contains(\"unknown\") {"),
        ("file over 600 lines", "event.rs", &long_file),
        ("function over 70 lines", "event.rs", &long_function),
        ("public item without docs", "event.rs", "#[must_use]\npub fn bare() {}"),
    ];
    for (name, path, text) in planted {
        let (_, check) = CHECKS.iter().find(|(own, _)| *own == name).unwrap();
        let one = Crate::planted("engine", &[("lib.rs", lib), (path, text)]);
        assert_eq!(check(&one).len(), 1, "{name}");
    }
    let braces = Crate::planted("engine", &[("lib.rs", lib), ("json.rs", "use crate::{limits, event};")]);
    assert_eq!(upward_uses(&braces).len(), 1);
}
