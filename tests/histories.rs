//! Random histories of one account: several devices, retries, lost answers, the account edited between logins, sessions made
//! anew for the same hand-over. With `session.once`, what a rule sums is summed once.

use std::collections::{BTreeMap, BTreeSet};

use handover::transfer;
use handover_engine::instant::{Rounding, written_like};
use handover_engine::json::Json;
use handover_engine::policy::Files;
use handover_engine::ruleset::{Given, RuleSet};
use serde_json::{Value, json};

use crate::reader::Random;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// How long sessions last.
const SESSION: i64 = 20 * DAY;
/// How long a browser keeps a draft.
const DRAFT: i64 = 30 * DAY;

/// Until when a receipt names a hand-over that was taken at `at` from a session that ends at `end`.
fn named_until((at, end): (i64, i64)) -> i64 {
    (end + DAY).max(at + DRAFT + DAY)
}

fn rules() -> RuleSet {
    let policy = r#"{ "name": "test", "session": { "once": true }, "rules": [
        { "name": "cart", "to": "app_metadata.cart", "max_bytes": 30000,
          "merge": { "keyed_union": { "key": "sku", "on_match": { "qty": "sum" } } } } ] }"#;
    let schema = r#"{ "type": "array", "items": { "type": "object", "required": ["sku", "qty"], "properties": {
        "sku": { "type": "string" }, "qty": { "type": "integer", "minimum": 1, "maximum": 99 } } } }"#;
    let files = [("policy.json", policy), ("cart.schema.json", schema)];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    RuleSet::compile(&Files(BTreeMap::from(files))).unwrap()
}

/// A draft of one browser.
#[derive(Clone)]
struct Draft {
    hand_over: String,
    lines: BTreeMap<String, i64>,
    /// When the browser made it.
    born: i64,
    /// When its present session began.
    began: i64,
}

/// The account as it is, and as it should be.
struct History {
    rules: RuleSet,
    random: Random,
    /// How much time may pass between two things.
    paces: [i64; 4],
    now: i64,
    account: Value,
    expected: BTreeMap<String, i64>,
    /// Hand-overs that were taken: when, and when the session that brought them ends.
    taken: BTreeMap<String, (i64, i64)>,
    drafts: Vec<Draft>,
    made: usize,
    seen: BTreeSet<String>,
}

impl History {
    fn begin(seed: u64) -> Self {
        let mut history = Self {
            rules: rules(),
            random: Random(seed),
            // people who come often fill the receipt
            paces: if seed.is_multiple_of(2) { [HOUR, HOUR, DAY, 4 * DAY] } else { [HOUR; 4] },
            now: 1_795_000_000,
            account: json!({}),
            expected: BTreeMap::new(),
            taken: BTreeMap::new(),
            drafts: Vec::new(),
            made: 0,
            seen: BTreeSet::new(),
        };
        (0..3).for_each(|_| history.draft());
        history
    }

    /// A browser starts a new draft.
    fn draft(&mut self) {
        self.made += 1;
        let skus = ["A", "B", "C", "D"].into_iter().filter(|_| self.random.below(2) == 0).collect::<Vec<_>>();
        let mut quantity = || [1, 2, 3][self.random.below(3)];
        let lines = skus.into_iter().chain(["E"]).map(|sku| (sku.to_owned(), quantity())).collect();
        self.drafts.push(Draft {
            hand_over: format!("draft-{:016}", self.made),
            lines,
            born: self.now,
            began: self.now,
        });
    }

    fn request(&self, draft: &Draft) -> Vec<u8> {
        let lines: Vec<_> = draft.lines.iter().map(|(sku, qty)| json!({ "sku": sku, "qty": qty })).collect();
        let session = json!({
            "id": format!("anon@{}", draft.began), "session_id": format!("{}-{}", draft.hand_over, draft.began),
            "created_at": draft.began, "expires_at": draft.began + SESSION,
            "metadata": { "handover": draft.hand_over, "cart": lines },
        });
        let at = written_like(self.now * 1_000, Json::text("").view(), Rounding::Down);
        let at: Value = serde_json::from_str(&at.view().to_text()).unwrap();
        json!({ "id": "tx", "trigger": "login", "at": at, "account": { "id": "auth0|1", "app_metadata": self.account },
                "anonymous_session": session })
        .to_string()
        .into_bytes()
    }

    /// A login; the answer reaches the provider, or is lost.
    fn login(&mut self, index: usize, is_lost: bool) {
        let draft = self.drafts[index].clone();
        let (_, decision) = transfer::decide(&self.rules, &self.request(&draft), &Given::default()).unwrap();
        let decision: Value = serde_json::from_slice(&decision.to_bytes()).unwrap();
        let again = transfer::decide(&self.rules, &self.request(&draft), &Given::default()).unwrap().1;
        assert_eq!(
            decision,
            serde_json::from_slice::<Value>(&again.to_bytes()).unwrap(),
            "a retry has the same answer"
        );
        let named = self.taken.values().filter(|taken| named_until(**taken) >= self.now).count();
        let expired = draft.began + SESSION <= self.now;
        let outcome = match (expired, self.taken.contains_key(&draft.hand_over), named) {
            (true, ..) => "session_expired",
            (_, true, _) => "already_transferred",
            (_, _, 16..) => "receipt_full",
            _ => "transferred",
        };
        self.seen.insert(outcome.to_owned());
        let text = decision.to_string();
        assert!(text.contains(outcome), "{outcome}: {text}");
        let keeps = matches!(outcome, "session_expired" | "receipt_full");
        assert_eq!(text.contains("clear_anonymous_session"), !keeps, "{outcome}: {text}");
        if is_lost {
            return;
        }
        // the provider may be told twice: a root is written whole
        for _ in 0..=self.random.below(2) {
            for command in decision["commands"].as_array().unwrap() {
                if command["command"] == "set_app_metadata" {
                    self.account[command["key"].as_str().unwrap()] = command["value"].clone();
                }
            }
        }
        if outcome == "transferred" {
            for (sku, qty) in &draft.lines {
                *self.expected.entry(sku.clone()).or_default() += qty;
            }
            self.taken.insert(draft.hand_over, (self.now, draft.began + SESSION));
        }
    }

    /// The person edits the account's cart.
    fn edit(&mut self) {
        let Some(sku) = self.expected.keys().nth(self.random.below(5)).cloned() else { return };
        let lines = self.account["cart"].as_array_mut().unwrap();
        if self.random.below(2) == 0 {
            lines.retain(|line| line["sku"] != sku.as_str());
            self.expected.remove(&sku);
        } else {
            lines.iter_mut().filter(|line| line["sku"] == sku.as_str()).for_each(|line| line["qty"] = json!(1));
            self.expected.insert(sku, 1);
        }
    }

    fn step(&mut self) {
        self.now += self.paces[self.random.below(4)];
        // a browser forgets what is old
        let now = self.now;
        self.drafts.retain(|draft| now <= draft.born + DRAFT);
        if self.drafts.is_empty() {
            self.draft();
        }
        let index = self.random.below(self.drafts.len());
        match self.random.below(10) {
            0..6 => {
                let is_lost = self.random.below(4) == 0;
                self.login(index, is_lost);
            }
            6 => self.edit(),
            // the provider makes a new session for the same draft
            7 => self.drafts[index].began = self.now,
            _ => {
                if self.drafts.len() > 3 {
                    self.drafts.remove(index);
                }
                self.draft();
            }
        }
        let lines = self.account["cart"].as_array().map(Vec::as_slice).unwrap_or_default();
        let cart = lines.iter().map(|line| (line["sku"].as_str().unwrap().to_owned(), line["qty"].as_i64().unwrap()));
        assert_eq!(cart.collect::<BTreeMap<_, _>>(), self.expected, "nothing doubled, nothing lost, nothing back");
        assert!(self.account["handover"]["taken"].as_array().is_none_or(|taken| taken.len() <= 16), "bounded");
    }
}

#[test]
fn what_is_summed_is_summed_once_whatever_happens() {
    let mut seen = BTreeSet::new();
    for seed in 0..40 {
        let mut history = History::begin(seed);
        (0..120).for_each(|_| history.step());
        seen.extend(history.seen);
    }
    let all = ["already_transferred", "receipt_full", "session_expired", "transferred"].map(str::to_owned);
    assert_eq!(seen, BTreeSet::from(all), "every way a login can go was gone");
}
