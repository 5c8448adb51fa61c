//! Whole policies: the files of a case are written to a folder, and its steps are run in it, by the binary.
//!
//! A step runs the binary (`run`), or applies the last decision to the account of `request.json` and sends it again
//! (`relogin`). Objects are compared by the members that are expected.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::binary::{command, temporary};

/// What differs between an expected value and one that is there.
fn differs(want: &Value, have: &Value, place: &str) -> Option<String> {
    if let Some(verbs) =
        want.as_object().filter(|want| !want.is_empty() && want.keys().all(|name| name.starts_with('$')))
    {
        return verbs.iter().find_map(|(verb, argument)| fails(verb, argument, have, place));
    }
    match (want, have) {
        (Value::Object(want), Value::Object(have)) => want.iter().find_map(|(name, value)| {
            differs(value, have.get(name).unwrap_or(&Value::Null), &format!("{place}/{name}"))
        }),
        (Value::Array(want), Value::Array(have)) if want.len() == have.len() => {
            want.iter().zip(have).enumerate().find_map(|(index, (a, b))| differs(a, b, &format!("{place}/{index}")))
        }
        _ if want == have => None,
        _ => Some(format!("{place} is {have}, not {want}")),
    }
}

fn fails(verb: &str, argument: &Value, have: &Value, place: &str) -> Option<String> {
    let items = || have.as_array().unwrap_or_else(|| panic!("{place} is no list: {have}"));
    let is_there = |one: &Value| items().iter().any(|item| differs(one, item, "").is_none());
    let holds = match verb {
        "$any" => !have.is_null(),
        "$absent" => have.is_null(),
        "$text" => have.as_str().is_some_and(|text| text.contains(argument.as_str().unwrap())),
        "$has" => argument.as_array().unwrap().iter().all(is_there),
        "$lacks" => !argument.as_array().unwrap().iter().any(is_there),
        _ => panic!("no matcher `{verb}`"),
    };
    (!holds).then(|| format!("{place}: {verb} {argument} does not hold of {have}"))
}

/// Members that an object has beyond those that are expected.
fn exactly(want: &Value, have: &Value, place: &str) -> Option<String> {
    let more = match (want, have) {
        (Value::Object(want), Value::Object(have)) => {
            let more = have.iter().find(|(name, value)| !value.is_null() && !want.contains_key(*name));
            let more = more.map(|(name, value)| format!("{place}/{name} is {value}, and not expected"));
            more.or_else(|| {
                want.iter().find_map(|(name, value)| {
                    exactly(value, have.get(name).unwrap_or(&Value::Null), &format!("{place}/{name}"))
                })
            })
        }
        (Value::Array(want), Value::Array(have)) => want.iter().zip(have).find_map(|(a, b)| exactly(a, b, place)),
        _ => None,
    };
    more.or_else(|| differs(want, have, place))
}

/// The account of a request after the commands of a decision.
fn apply(request: &mut Value, decision: &Value) {
    for command in decision["commands"].as_array().into_iter().flatten() {
        let side = match command["command"].as_str() {
            Some("set_app_metadata") => "app_metadata",
            Some("set_user_metadata") => "user_metadata",
            _ => continue,
        };
        let account = request["account"].as_object_mut().unwrap();
        let metadata = account.entry(side).or_insert_with(|| json!({}));
        metadata.as_object_mut().unwrap().insert(command["key"].as_str().unwrap().to_owned(), command["value"].clone());
    }
}

/// What was printed, and what it was asked for.
struct Printed {
    status: Option<i32>,
    out: String,
    errors: String,
}

impl Printed {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}{}", self.out, self.errors))
    }

    /// The first expectation that does not hold.
    fn judge(&self, expect: &Map<String, Value>, request: Option<&Value>) -> Option<String> {
        expect.iter().find_map(|(what, want)| {
            let texts = || want.as_array().unwrap().iter().map(|text| text.as_str().unwrap());
            let lost = |text: &str, other: &str| format!("{text:?} {other} {}{}", self.out, self.errors);
            match what.as_str() {
                "exit" => (self.status.map(i64::from) != want.as_i64())
                    .then(|| format!("exit {:?}, not {want}: {}{}", self.status, self.out, self.errors)),
                "stdout_has" => texts().find(|text| !self.out.contains(text)).map(|text| lost(text, "is not in")),
                "stdout_lacks" => texts().find(|text| self.out.contains(text)).map(|text| lost(text, "is in")),
                "stderr_has" => texts().find(|text| !self.errors.contains(text)).map(|text| lost(text, "is not in")),
                "json" => differs(want, &self.json(), ""),
                "account" => self.account(want, request.unwrap()),
                "codes" | "silent" | "lacks_codes" => self.diagnostics(what, want),
                _ => panic!("nothing judges `{what}`"),
            }
        })
    }

    fn account(&self, want: &Value, request: &Value) -> Option<String> {
        let mut after = request.clone();
        apply(&mut after, &self.json());
        want.as_object().unwrap().iter().find_map(|(side, roots)| {
            roots
                .as_object()
                .unwrap()
                .iter()
                .find_map(|(root, value)| exactly(value, &after["account"][side][root], &format!("/{side}/{root}")))
        })
    }

    fn diagnostics(&self, what: &str, want: &Value) -> Option<String> {
        let found = self.json()["errors"].as_array().unwrap().clone();
        let loud: Vec<&Value> = found.iter().filter(|one| one["severity"] != "info").collect();
        let errors = loud.iter().filter(|one| one["severity"] == "error").count();
        let is_met = |want: &Value| {
            found.iter().any(|one| {
                let same = |name: &str| want[name].is_null() || one[name] == want[name];
                let file = want["file"].as_str().unwrap_or_default();
                same("code") && same("line") && one["file"].as_str().unwrap().ends_with(file)
            })
        };
        let holds = match what {
            "silent" => loud.is_empty(),
            "lacks_codes" => !want.as_array().unwrap().iter().any(is_met),
            _ => want.as_array().unwrap().iter().all(is_met) && errors <= want.as_array().unwrap().len(),
        };
        (!holds).then(|| format!("{what} {want} does not hold of {found:?}"))
    }
}

fn printed(folder: &Path, arguments: &[&str]) -> Printed {
    let output = command(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Printed { status: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
}

/// Runs one case; gives what does not hold.
fn run(case: &Value) -> Option<String> {
    let id = case["id"].as_str().unwrap();
    let mut folder = String::new();
    for (file, text) in case["files"].as_object().unwrap() {
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        let path = temporary(&format!("policy-cases/{id}/{file}"), &text);
        path.strip_suffix(file.as_str()).unwrap().clone_into(&mut folder);
    }
    let folder = Path::new(&folder);
    let read = || serde_json::from_str::<Value>(&std::fs::read_to_string(folder.join("request.json")).ok()?).ok();
    let mut decision = json!({});
    for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
        let expect = step["expect"].as_object().cloned().unwrap_or_default();
        let times = step["relogin"].as_u64().unwrap_or(1);
        for _ in 0..times {
            let arguments: Vec<&str> = match step["run"].as_array() {
                Some(run) => run.iter().map(|one| one.as_str().unwrap()).collect(),
                None => {
                    let mut request = read().unwrap();
                    apply(&mut request, &decision);
                    for (pointer, value) in step["set"].as_object().into_iter().flatten() {
                        *request.pointer_mut(pointer).unwrap() = value.clone();
                    }
                    std::fs::write(folder.join("request.json"), request.to_string()).unwrap();
                    vec!["transfer", "request.json"]
                }
            };
            let printed = printed(folder, &arguments);
            if let Some(wrong) = printed.judge(&expect, read().as_ref()) {
                return Some(format!("{id}, step {}: {wrong}", number + 1));
            }
            if arguments[0] == "transfer" {
                decision = serde_json::from_str(&printed.out).unwrap_or_default();
            }
        }
    }
    None
}

#[test]
fn every_case_holds() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases/policies.json")).unwrap();
    assert!(cases.len() > 30);
    let wrong: Vec<_> = cases.iter().filter_map(run).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the runner is for: an expectation that does not hold is noticed.
#[test]
fn a_wrong_expectation_is_noticed() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases/policies.json")).unwrap();
    let case = cases.iter().find(|case| case["id"] == "limit-union").unwrap();
    assert_eq!(run(case), None);
    let step = case["steps"].as_array().unwrap().len() - 1;
    for (name, value) in [
        ("exit", json!(3)),
        ("json", json!({ "status": "unchanged" })),
        ("json", json!({ "findings": { "$lacks": [{ "keyword": "limit_reached" }] } })),
        ("json", json!({ "commands": { "$has": [{ "key": "handover", "value": { "v": 2 } }] } })),
        ("account", json!({ "app_metadata": { "tags": ["a", "b"] } })),
        ("stdout_lacks", json!(["limit_reached"])),
    ] {
        let mut wrong = case.clone();
        wrong["steps"][step]["expect"][name] = value.clone();
        assert!(run(&wrong).is_some(), "{name} {value}");
    }
}
