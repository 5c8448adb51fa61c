//! What merging a cart of 100 lines costs, declared, by a script, and by hand over `serde_json::Value`, in one run: nanoseconds,
//! the least of many rounds. Under callgrind, `merging WAY COUNT` merges that often, so that instructions can be counted.
//!
//! `cargo bench --bench merging`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints its figures"
)]

use std::hint::black_box;
use std::time::Instant;

use handover_engine::budget::Budget;
use handover_engine::json::{Document, Json, View};
use handover_engine::limits::Limits;
use handover_engine::merge::{Context, Function, Losses, Made, Strategy, Work, call};
use handover_engine::sanitizer::Shape;
use handover_engine::script::{Call, Outcome, Sandbox, Script, ScriptKind};
use serde_json::{Value, json};

const DECLARED: &str = r#"["merge_fields", { "items": ["keyed_union", { "key": "sku", "on_match": { "qty": ["max", 99] }, "limit": 200 }] }]"#;
const SCRIPT: &str = r#"fn merge(account, anonymous, context) {
    let cart = account ?? #{};
    cart.items = keyed_union(cart.items, anonymous.items, #{ key: "sku", on_match: #{ qty: ["max", 99] }, limit: 200 });
    cart
}"#;
const CONTEXT: Context = Context { now: 0, session_created_at: 0 };

fn cart(first: usize) -> String {
    let lines = (first..first + 100).map(|n| json!({ "sku": format!("SKU-{n}"), "qty": n % 9 + 1 }));
    json!({ "items": lines.collect::<Vec<_>>() }).to_string()
}

/// The same merge as a careful hand writes it: lines by `sku` in a sorted index, the larger quantity, at most 200 lines.
fn by_hand(account: &Value, anonymous: &Value) -> Value {
    let mut cart = account.clone();
    let mut lines = cart["items"].as_array().cloned().unwrap_or_default();
    let mut index: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(sku) = line["sku"].as_str() {
            index.entry(sku.to_owned()).or_insert(at);
        }
    }
    for line in anonymous["items"].as_array().into_iter().flatten() {
        let (Some(sku), Some(qty)) = (line["sku"].as_str(), line["qty"].as_i64()) else { continue };
        let qty = qty.min(99);
        match index.get(sku) {
            Some(&at) => {
                if let Some(own) = lines.get_mut(at)
                    && own["qty"].as_i64().is_none_or(|old| qty > old)
                {
                    own["qty"] = json!(qty);
                }
            }
            None if lines.len() < 200 => {
                index.insert(sku.to_owned(), lines.len());
                lines.push(line.clone());
            }
            None => {}
        }
    }
    cart["items"] = Value::Array(lines);
    cart
}

struct Bench {
    declared: Strategy,
    sandbox: Sandbox,
    script: Script,
    texts: (String, String),
}

impl Bench {
    fn new() -> Self {
        let declared = Document::read(DECLARED.as_bytes()).unwrap();
        let declared =
            Strategy::read(declared.root()).unwrap_or_else(|error| panic!("{}", error.problem.sentence(None)));
        let sandbox = Sandbox::new(&Limits::default());
        let anything = Shape::anything();
        let kind = ScriptKind::Merge { account: (&anything, false), anonymous: &anything };
        let script = sandbox.compile("cart.merge.rhai", SCRIPT, kind).unwrap();
        Self { declared, sandbox, script, texts: (cart(0), cart(60)) }
    }

    /// Merges once, and says how many lines there are.
    fn run(&self, way: &str, documents: &(Json, Json), values: &(Value, Value)) -> usize {
        let (account, anonymous) = (documents.0.view(), documents.1.view());
        let made = match way {
            "declared" => {
                let mut work =
                    Work { context: CONTEXT, budget: &Budget::new(u64::MAX), losses: &mut Losses::default() };
                match self.declared.merge(Some(account), anonymous, &mut work) {
                    Ok(Made::Write(made)) => made,
                    _ => Json::Null,
                }
            }
            "script" => {
                let call = Call { account: Some(account), anonymous, context: &Json::Null, now: CONTEXT };
                match self.sandbox.merge(&self.script, call, &Budget::new(1_000_000)) {
                    Outcome::Value(made, _) => made,
                    _ => Json::Null,
                }
            }
            _ => return by_hand(&values.0, &values.1)["items"].as_array().map_or(0, Vec::len),
        };
        made.view().get("items").map_or(0, View::len)
    }
}

fn main() {
    let bench = Bench::new();
    let read = |text: &str| Json::Place(Document::read(text.as_bytes()).unwrap(), 0);
    let documents = (read(&bench.texts.0), read(&bench.texts.1));
    let values = (serde_json::from_str(&bench.texts.0).unwrap(), serde_json::from_str(&bench.texts.1).unwrap());
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [way, count] = &arguments[..] {
        for _ in 0..count.parse().unwrap_or(1) {
            assert_eq!(black_box(bench.run(way, &documents, &values)), 160);
        }
        return;
    }
    for way in ["by hand", "declared", "script"] {
        let rounds = (0..500).map(|_| {
            let start = Instant::now();
            black_box(bench.run(way, &documents, &values));
            start.elapsed().as_nanos()
        });
        println!("{way:10} {:9} ns", rounds.min().unwrap_or_default());
    }
    wide();
}

/// Each function on two lists, or objects, of 20 000.
fn wide() {
    let lines = |first: usize| {
        let lines = (first..first + 20_000).map(|n| json!({ "id": format!("SKU-{n}"), "at": n, "qty": n % 9 + 1 }));
        Document::read(Value::Array(lines.collect()).to_string().as_bytes()).unwrap().root().to_json()
    };
    let members = |first: usize| {
        let members = (first..first + 20_000).map(|n| (format!("SKU-{n}"), json!(n)));
        let object = Value::Object(members.collect()).to_string();
        Document::read(object.as_bytes()).unwrap().root().to_json()
    };
    let (account, anonymous) = (lines(0), lines(10_000));
    let (wide_account, wide_anonymous) = (members(0), members(10_000));
    let option = |text: &str| Document::read(text.as_bytes()).unwrap().root().to_json();
    let keyed = option(r#"{ "key": "id", "on_match": { "qty": "max" } }"#);
    for (name, arguments) in [
        ("keyed_union", vec![account.clone(), anonymous.clone(), keyed.clone()]),
        ("union", vec![account.clone(), anonymous.clone()]),
        ("recent", vec![account.clone(), anonymous.clone(), option(r#"{ "key": "id" }"#)]),
        ("concat", vec![account.clone(), anonymous.clone()]),
        ("three_way", vec![account.clone(), account.clone(), anonymous.clone(), keyed]),
        ("most_frequent", vec![account.clone()]),
        ("drop_expired", vec![account, option("\"at\""), Json::Int(10_000)]),
        ("merge_fields", vec![wide_account.clone(), wide_anonymous.clone(), Json::empty_object(), option("\"fill\"")]),
        ("merge_patch", vec![wide_account, wide_anonymous]),
    ] {
        let function = Function::by_name(name).unwrap();
        let rounds = (0..10).map(|_| {
            let start = Instant::now();
            let mut work = Work { context: CONTEXT, budget: &Budget::new(u64::MAX), losses: &mut Losses::default() };
            assert!(black_box(call(function, &arguments, &mut work)).is_ok(), "{name}");
            start.elapsed().as_micros()
        });
        println!("{name:14} 20 000 and 20 000: {:7} us", rounds.min().unwrap_or_default());
    }
}
