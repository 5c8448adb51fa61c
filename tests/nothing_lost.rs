//! Random policies, events and histories: nothing of the visitor's is lost in silence, nothing that needs once counts twice.
//!
//! Several devices bring drafts that grow after an answer was lost, under receipts that are full or broken, with rules that
//! fail, skip, discard or are not shown, while the account is edited. Every text that a visitor brings is unique. When the
//! session is cleared, each of them reached the account once, or a finding said where it went.

use std::collections::{BTreeMap, BTreeSet};

use handover::transfer;
use handover_engine::instant::{Rounding, written_like};
use handover_engine::json::Json;
use handover_engine::policy::Files;
use handover_engine::ruleset::{Given, RuleSet};
use serde_json::{Map, Value, json};

use crate::reader::Random;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A rule, its schema, and its script.
struct Kind {
    name: &'static str,
    declared: &'static str,
    schema: &'static str,
    script: &'static str,
}

const TEXTS: &str =
    r#"{ "type": "array", "maxItems": 9, "items": { "type": "string", "pattern": "^[a-z]{1,4}-[0-9]{1,6}$" } }"#;
const NUMBER: &str = r#"{ "type": "integer", "minimum": 1, "maximum": 9 }"#;
const CART: &str = r#"{ "type": "object", "required": ["items"], "properties": { "currency": { "enum": ["EUR", "USD"] },
    "items": { "type": "array", "maxItems": 9, "items": { "type": "object", "required": ["sku", "qty"], "properties": {
        "sku": { "type": "string", "maxLength": 12 }, "qty": { "type": "integer", "minimum": 1, "maximum": 9 } } } } } }"#;
const FLAGGED: &str = r#"{ "type": "object", "required": ["texts"], "properties": { "flag": { "type": "boolean" },
    "texts": { "type": "array", "maxItems": 9, "items": { "type": "string", "maxLength": 12 } } } }"#;

const KINDS: [Kind; 13] = [
    Kind { name: "visits", declared: r#", "merge": "sum""#, schema: NUMBER, script: "" },
    Kind {
        name: "total",
        declared: "",
        schema: r#"{ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer", "minimum": 1, "maximum": 9 } } }"#,
        script: "let own = account ?? #{}; own.n = (own?.n ?? 0) + anonymous.n; own",
    },
    Kind { name: "log", declared: r#", "merge": "concat""#, schema: TEXTS, script: "" },
    Kind { name: "tags", declared: r#", "merge": { "union": { "limit": 20 } }"#, schema: TEXTS, script: "" },
    Kind {
        name: "cart",
        declared: "",
        schema: CART,
        script: r#"let cart = account ?? #{};
            if cart?.currency != () && anonymous?.currency != () && cart.currency != anonymous.currency { skip("currency"); }
            cart.currency = cart?.currency ?? anonymous?.currency;
            cart.items = keyed_union(cart?.items, anonymous.items, #{ key: "sku", on_match: #{ qty: "max" }, limit: 30 });
            cart"#,
    },
    Kind {
        name: "wishes",
        declared: "",
        schema: FLAGGED,
        script: r#"if anonymous?.flag == true { discard("not wanted"); }
            #{ texts: union(account?.texts, anonymous.texts, #{ limit: 40 }) }"#,
    },
    Kind {
        name: "notes",
        declared: "",
        schema: FLAGGED,
        script: r#"if anonymous?.flag == true && context.request?.calm != true { throw "flagged"; }
            #{ texts: union(account?.texts, anonymous.texts) }"#,
    },
    Kind { name: "signs", declared: r#", "on": ["signup"], "merge": "union""#, schema: TEXTS, script: "" },
    // lines may lack their key
    Kind {
        name: "lines",
        declared: r#", "merge": { "keyed_union": { "key": "sku", "limit": 25 } }"#,
        schema: r#"{ "type": "array", "maxItems": 9, "items": { "type": "object", "properties": {
            "sku": { "type": "string", "maxLength": 12 }, "note": { "type": "string", "maxLength": 12 } } } }"#,
        script: "",
    },
    // a place inside of another rule's, which may be text
    Kind { name: "deep", declared: r#", "from": "/box/deep", "merge": "union""#, schema: TEXTS, script: "" },
    // it adds by hand, in one of the two currencies only
    Kind {
        name: "rare",
        declared: "",
        schema: r#"{ "type": "object", "required": ["n", "currency"], "properties": {
            "n": { "type": "integer", "minimum": 1, "maximum": 9 }, "currency": { "type": "string", "pattern": "^[A-Z]{3}$" } } }"#,
        script: r#"if anonymous.currency != "EUR" { skip("currency"); }
            let own = account ?? #{}; own.n = (own?.n ?? 0) + anonymous.n; own"#,
    },
    Kind { name: "wide", declared: r#", "merge": "union", "max_bytes": 100"#, schema: TEXTS, script: "" },
    Kind {
        name: "flat",
        declared: r#", "from": "", "merge": { "merge_fields": { "theme": "anonymous", "word": "anonymous" } }"#,
        schema: r#"{ "type": "object", "properties": { "theme": { "enum": ["dark", "light"] }, "word": { "type": "string", "maxLength": 12 } } }"#,
        script: "",
    },
];

/// Rules of which a hand-over may come only once.
const ONCE: [&str; 4] = ["visits", "total", "log", "rare"];

fn compile(random: &mut Random) -> (RuleSet, Vec<&'static str>) {
    let mut kinds: Vec<&Kind> = KINDS.iter().filter(|_| random.below(3) > 0).collect();
    if kinds.is_empty() {
        kinds.push(&KINDS[3]);
    }
    let start = random.below(kinds.len());
    kinds.rotate_left(start);
    // a small budget of the account, which lists outgrow
    let (sink, bound) = if random.below(3) == 0 { (900, r#", "max_bytes": 70"#) } else { (32_768, "") };
    let declared = |kind: &Kind| {
        let bound = if kind.declared.contains("max_bytes") { "" } else { bound };
        format!(r#"{{ "name": "{0}", "to": "app_metadata.{0}"{1}{bound} }}"#, kind.name, kind.declared)
    };
    let mut rules: Vec<String> = kinds.iter().map(|kind| declared(kind)).collect();
    let mut files = BTreeMap::new();
    for kind in &kinds {
        files.insert(format!("{}.schema.json", kind.name), kind.schema.to_owned());
        if !kind.script.is_empty() {
            let script = format!("fn merge(account, anonymous, context) {{\n    {}\n}}\n", kind.script);
            files.insert(format!("{}.merge.rhai", kind.name), script);
        }
    }
    // a new version beside the old one: as if it were not there
    let seen = kinds[0].name;
    rules.push(format!(
        r#"{{ "name": "next", "from": "/{seen}", "to": "app_metadata.{seen}", "mode": "observe", "merge": "anonymous" }}"#
    ));
    files.insert("next.schema.json".to_owned(), kinds[0].schema.to_owned());
    let policy = format!(
        r#"{{ "name": "random", "session": {{ "once": true }}, "limits": {{ "sink_bytes": {sink} }}, "rules": [ {} ] }}"#,
        rules.join(", ")
    );
    files.insert("policy.json".to_owned(), policy);
    let rules = RuleSet::compile(&Files(files)).unwrap_or_else(|errors| panic!("{errors:#?}"));
    (rules, kinds.iter().map(|kind| kind.name).collect())
}

#[derive(Clone)]
struct Draft {
    id: String,
    metadata: Map<String, Value>,
    born: i64,
    began: i64,
}

struct History {
    rules: RuleSet,
    names: Vec<&'static str>,
    random: Random,
    now: i64,
    made: usize,
    app: Map<String, Value>,
    drafts: Vec<Draft>,
    /// The receipt before it was broken.
    intact: Option<Value>,
    /// Texts by hand-over that reached the account, or that a finding told of.
    settled: BTreeSet<(String, String)>,
    /// Rules that need once, by the hand-over that they took.
    counted: BTreeSet<(String, &'static str)>,
    seen: BTreeMap<String, usize>,
}

impl History {
    fn begin(seed: u64) -> Self {
        let mut random = Random(seed);
        let (rules, names) = compile(&mut random);
        let mut history = Self {
            rules,
            names,
            random,
            now: 1_795_000_000,
            made: 0,
            app: Map::new(),
            drafts: Vec::new(),
            intact: None,
            settled: BTreeSet::new(),
            counted: BTreeSet::new(),
            seen: BTreeMap::new(),
        };
        (0..3).for_each(|_| history.draft());
        if seed.is_multiple_of(3) {
            // many hand-overs of other devices, whose sessions end much later
            let taken: Vec<_> =
                (0..15).map(|n| json!([format!("other-{n}"), 1_795_000_000_000_i64, 1_899_000_000_000_i64])).collect();
            history.app.insert("handover".to_owned(), json!({ "v": 1, "taken": taken }));
        }
        history
    }

    /// A text that nobody else brings.
    fn text(&mut self) -> Value {
        self.made += 1;
        json!(format!("t-{}", self.made))
    }

    /// A list of texts, some of them too long, some no texts.
    fn texts(&mut self) -> Value {
        let mut list = Vec::new();
        for _ in 0..=self.random.below(5) {
            let text = self.text();
            list.push(match self.random.below(8) {
                0 => json!(format!("{} and more than may pass", text.as_str().unwrap())),
                1 => json!([text]),
                _ => text,
            });
        }
        json!(list)
    }

    fn value(&mut self, name: &str) -> Value {
        let flag = self.random.below(2) == 0;
        match name {
            "visits" => json!(1 + self.random.below(9)),
            "total" => json!({ "n": 1 + self.random.below(9) }),
            "rare" => json!({ "n": 1 + self.random.below(9), "currency": if flag { "EUR" } else { "USD" } }),
            "lines" => {
                let texts = self.texts().as_array().unwrap().clone();
                let line =
                    |text| if self.random.below(3) == 0 { json!({ "note": text }) } else { json!({ "sku": text }) };
                json!(texts.into_iter().map(line).collect::<Vec<_>>())
            }
            "deep" => {
                let (deep, other) = (self.texts(), self.text());
                json!({ "deep": deep, "other": other })
            }
            "cart" => {
                let lines = self.texts();
                let qty =
                    |random: &mut Random| if random.below(6) == 0 { json!(-1) } else { json!(1 + random.below(9)) };
                let lines: Vec<_> = lines.as_array().unwrap().clone();
                let lines: Vec<_> =
                    lines.into_iter().map(|sku| json!({ "sku": sku, "qty": qty(&mut self.random) })).collect();
                json!({ "currency": if flag { "EUR" } else { "USD" }, "items": lines })
            }
            "wishes" | "notes" => json!({ "flag": flag, "texts": self.texts() }),
            _ => self.texts(),
        }
    }

    fn draft(&mut self) {
        self.made += 1;
        let id = format!("draft-{:016}", self.made);
        let mut draft = Draft { id, metadata: Map::new(), born: self.now, began: self.now };
        self.grow(&mut draft);
        self.drafts.push(draft);
    }

    /// The visitor adds something: roots are made anew, so that texts come and go.
    fn grow(&mut self, draft: &mut Draft) {
        for name in self.names.clone() {
            if self.random.below(2) == 0 {
                continue;
            }
            if name == "flat" {
                draft.metadata.insert("theme".to_owned(), json!("dark"));
                let word = self.text();
                draft.metadata.insert("word".to_owned(), word);
                let other = self.text();
                draft.metadata.insert("other".to_owned(), other);
                continue;
            }
            let value = self.value(name);
            // as the provider stores it
            let value = if self.random.below(2) == 0 { json!(value.to_string()) } else { value };
            draft.metadata.insert(if name == "deep" { "box" } else { name }.to_owned(), value);
        }
    }

    fn request(&self, draft: &Draft, visible: Option<&Vec<String>>, calm: bool) -> Value {
        let at = written_like(self.now * 1_000, Json::text("").view(), Rounding::Down);
        let at: Value = serde_json::from_str(&at.view().to_text()).unwrap();
        let mut metadata = draft.metadata.clone();
        metadata.insert("handover".to_owned(), json!(draft.id));
        let timeless = self.made.is_multiple_of(7);
        let (created, ends) =
            if timeless { (json!(0), Value::Null) } else { (json!(draft.began), json!(draft.began + 20 * DAY)) };
        json!({
            "id": "tx", "trigger": if draft.born == draft.began { "signup" } else { "login" }, "at": at, "context": { "calm": calm },
            "account": { "id": "auth0|1", "app_metadata": self.app, "visible": visible },
            "anonymous_session": { "id": "anon@1", "session_id": format!("s-{}", draft.began),
                "created_at": created, "expires_at": ends, "metadata": metadata },
        })
    }

    fn login(&mut self) {
        let index = self.random.below(self.drafts.len());
        let draft = self.drafts[index].clone();
        let hidden: Vec<_> = self.names.iter().filter(|_| self.random.below(6) == 0).copied().collect();
        let visible: Vec<_> =
            self.names.iter().filter(|name| !hidden.contains(name)).copied().chain(["handover"]).collect();
        let visible: Vec<_> = visible.into_iter().map(|name| format!("app_metadata.{name}")).collect();
        let visible = (!hidden.is_empty()).then_some(&visible);
        let calm = self.random.below(2) == 0;
        let body = self.request(&draft, visible, calm).to_string();
        let (_, decision) = transfer::decide(&self.rules, body.as_bytes(), &Given::default()).unwrap();
        let decision: Value = serde_json::from_slice(&decision.to_bytes()).unwrap();
        // the whole answer is lost, or only the browser does not learn of it
        if self.random.below(6) > 0 {
            let before = self.app.clone();
            self.apply(&decision);
            self.once(&draft, &decision, &before);
            self.settle(&draft, &decision);
        }
        if self.random.below(4) == 0 {
            let mut grown = draft;
            self.grow(&mut grown);
            self.drafts[index] = grown;
        } else if decision.to_string().contains("clear_anonymous_session") && self.random.below(3) > 0 {
            self.drafts.remove(index);
            self.draft();
        }
    }

    fn apply(&mut self, decision: &Value) {
        for command in decision["commands"].as_array().unwrap() {
            if command["command"] == "set_app_metadata" {
                self.app.insert(command["key"].as_str().unwrap().to_owned(), command["value"].clone());
            }
        }
    }

    /// A rule that needs once wrote at most once for a hand-over, and exactly what the visitor brought.
    fn once(&mut self, draft: &Draft, decision: &Value, before: &Map<String, Value>) {
        for command in decision["commands"].as_array().unwrap() {
            let Some(name) = ONCE.into_iter().find(|name| command["key"] == *name) else { continue };
            let fresh = self.counted.insert((draft.id.clone(), name));
            assert!(fresh, "`{name}` counts {} twice: {decision}", draft.id);
            let number = |value: Option<&Value>| match value {
                Some(Value::Object(own)) => own["n"].as_i64().unwrap(),
                Some(own) => own.as_i64().unwrap_or(0),
                None => 0,
            };
            if name != "log" {
                let brought = parsed(&draft.metadata[name]);
                let sum = number(before.get(name)) + number(Some(&brought));
                assert_eq!(number(self.app.get(name)), sum, "{decision}");
            }
        }
    }

    /// What became of every text of the draft; if the session is cleared, all of them must be known.
    fn settle(&mut self, draft: &Draft, decision: &Value) {
        let cleared = decision.to_string().contains("\"clear_anonymous_session\"");
        for finding in decision["findings"].as_array().unwrap() {
            *self.seen.entry(finding["keyword"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        *self
            .seen
            .entry(decision["reason"].as_str().unwrap_or(decision["status"].as_str().unwrap()).to_owned())
            .or_default() += 1;
        let mut excused: BTreeMap<String, usize> = BTreeMap::new();
        for (pointer, text) in texts(draft) {
            let root = pointer.split('/').nth(1).unwrap();
            let rule = match root {
                "box" if pointer.starts_with("/box/deep") => "deep",
                // the rule of the whole metadata reads what nobody else takes
                "word" | "other" | "box" => "flat",
                root => root,
            };
            // what no rule reads, and what its rule reads at a signup only
            let is_read = self.names.contains(&rule) && (rule != "signs" || draft.born == draft.began);
            if !is_read {
                continue;
            }
            let value = self.app.get(rule).map(Value::to_string).unwrap_or_default();
            let reached =
                value.contains(&format!("\"{text}\"")) || (rule == "flat" && value.contains(&text) && root != "other");
            let counted = ONCE.contains(&rule) && self.counted.iter().any(|(id, own)| *id == draft.id && *own == rule);
            let is_number = rule != "log" && ONCE.contains(&rule);
            let key = (draft.id.clone(), if is_number { pointer.clone() } else { text.clone() });
            if (reached && !is_number) || (counted && is_number) || placed(decision, rule, &pointer) {
                self.settled.insert(key.clone());
            } else if noticed(decision, rule) {
                *excused.entry(rule.to_owned()).or_default() += 1;
                self.settled.insert(key.clone());
            }
            let known = self.settled.contains(&key);
            assert!(known || !cleared, "{text} at {pointer} is lost in silence\n{}\n{decision}", json!(draft.metadata));
        }
        for (rule, count) in excused {
            let told = of_rule(decision, &rule).filter_map(|finding| finding["count"].as_u64()).sum::<u64>();
            let is_whole = of_rule(decision, &rule)
                .any(|one| one["keyword"] == "discarded" || one["keyword"] == "already_counted");
            assert!(is_whole || count as u64 <= told, "`{rule}` lost {count}, not {told}: {decision}");
        }
    }

    /// Somebody edits the account: a root goes, gets another shape, or the receipt is broken and mended.
    fn edit(&mut self) {
        let name = self.names[self.random.below(self.names.len())];
        match (self.random.below(5), self.intact.take()) {
            (0, None) => {
                self.intact = Some(self.app.get("handover").cloned().unwrap_or(Value::Null));
                self.app.insert("handover".to_owned(), json!({ "v": 1, "taken": [["x"]] }));
            }
            (_, Some(receipt)) => drop(self.app.insert("handover".to_owned(), receipt)),
            (1, None) => drop(self.app.insert(name.to_owned(), json!("of another shape"))),
            (2, None) if name == "cart" => {
                drop(self.app.insert("cart".to_owned(), json!({ "currency": "USD", "items": [] })));
            }
            _ => {
                // what has a shape of its own may be mended
                self.app.retain(|own, value| own == "handover" || !value.is_string());
                self.app.remove(name);
            }
        }
    }

    fn step(&mut self) {
        self.now += [HOUR, HOUR, 6 * HOUR, 2 * DAY][self.random.below(4)];
        let now = self.now;
        self.drafts.retain(|draft| now <= draft.born + 30 * DAY);
        while self.drafts.len() < 3 {
            self.draft();
        }
        match self.random.below(9) {
            0 => self.edit(),
            1 => {
                let index = self.random.below(self.drafts.len());
                self.drafts[index].began = now;
            }
            _ => self.login(),
        }
        let taken = self.app.get("handover").and_then(|receipt| receipt["taken"].as_array()).map_or(0, Vec::len);
        assert!(taken <= 16);
    }
}

/// A value that may have been stored as text.
fn parsed(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

/// The texts of a draft that are nobody else's, with their places.
fn texts(draft: &Draft) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // a number that is summed counts as one of them
    for name in ["visits", "total", "rare"] {
        if let Some(value) = draft.metadata.get(name) {
            found.push((format!("/{name}"), parsed(value).to_string()));
        }
    }
    for (name, value) in &draft.metadata {
        let value = if name == "word" || name == "other" { value.clone() } else { parsed(value) };
        walk(&value, format!("/{name}"), &mut found);
    }
    found
}

fn walk(value: &Value, pointer: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.starts_with("t-") => found.push((pointer, text.clone())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| walk(item, format!("{pointer}/{index}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| walk(member, format!("{pointer}/{name}"), found));
        }
        _ => {}
    }
}

/// The findings of a rule that applies.
fn of_rule<'a>(decision: &'a Value, rule: &'a str) -> impl Iterator<Item = &'a Value> {
    let findings = decision["findings"].as_array().unwrap().iter();
    findings.filter(move |finding| finding["rule"] == rule && finding["observed"] != true)
}

/// Whether a finding of a rule says what became of a place; names that it may not print are `*`.
fn placed(decision: &Value, rule: &str, pointer: &str) -> bool {
    of_rule(decision, rule).any(|finding| {
        let place = finding["pointer"].as_str().unwrap();
        let (place, own): (Vec<_>, Vec<_>) = (place.split('/').collect(), pointer.split('/').collect());
        place.len() > 1 && place.len() <= own.len() && place.iter().zip(&own).all(|(a, b)| a == b || *a == "*")
    })
}

/// Whether a finding of a rule says that it did not take all.
fn noticed(decision: &Value, rule: &str) -> bool {
    let words: &[&str] = if ONCE.contains(&rule) {
        &["limit_reached", "unmergeable", "already_counted"]
    } else {
        &["limit_reached", "unmergeable", "discarded"]
    };
    of_rule(decision, rule).any(|finding| words.iter().any(|word| finding["keyword"] == *word))
}

fn run(seeds: std::ops::Range<u64>, steps: usize) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for seed in seeds {
        let mut history = History::begin(seed);
        (0..steps).for_each(|_| history.step());
        for (word, count) in history.seen {
            *seen.entry(word).or_default() += count;
        }
    }
    seen
}

#[test]
fn nothing_is_lost_in_silence_and_nothing_counts_twice() {
    let seeds = std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let seen = run(0..seeds, 100);
    println!("{seeds} histories of 100 steps: {seen:?}");
    for word in [
        "transferred",
        "unchanged",
        "already_transferred",
        "skipped",
        "discarded",
        "limit_reached",
        "already_counted",
        "observed",
        "script_failed",
        "account_shape",
        "root_not_visible",
        "unmergeable",
        "result_too_large",
        "receipt_full",
        "receipt_unreadable",
        "session_expired",
        "required",
        "x-unknown",
        "maxLength",
        "type",
    ] {
        assert!(seen.contains_key(word), "no history met `{word}`: {seen:?}");
    }
}
