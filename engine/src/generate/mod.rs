//! Data for a rule, made from its schemas: edges first, keys that collide, dirty values, accounts of wrong shapes.

mod shrink;

use crate::json::{Document, Json, Kind};
use crate::sanitizer::{Alternative, Shape};
pub(crate) use shrink::smaller;

/// Counts the changes of this module that make other cases: what is known of scripts depends on them, so this is part of a
/// policy's digest.
pub const VERSION: u32 = 1;

/// The clock of generated logins, and when their sessions began: epoch milliseconds.
pub const NOW: i64 = 1_795_428_000_000;
/// One day before [`NOW`].
pub const CREATED_AT: i64 = NOW - 86_400_000;

/// Steps that making a case small may take.
pub(crate) const SHRINK_STEPS: usize = 2_000;

/// What an account has, and what two visitors bring.
#[derive(Clone, Debug)]
pub struct Case {
    /// The account's value; none: it has nothing yet.
    pub account: Option<Json>,
    /// What the first visitor brings.
    pub anonymous: Json,
    /// What the second one brings.
    pub other: Json,
}

/// A case that breaks a law.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The case, made small.
    pub case: Case,
    /// After the first login.
    pub once: Option<Json>,
    /// After the second one, or what should have been the same.
    pub twice: Option<Json>,
}

impl Case {
    /// The next case for a rule of these shapes.
    #[must_use]
    pub fn next(random: &mut Random, account: &Shape, anonymous: &Shape) -> Self {
        let account = random.account(account, NOW);
        let first = random.anonymous(anonymous, NOW);
        Self { account, anonymous: first, other: random.anonymous(anonymous, NOW) }
    }
}

impl Violation {
    /// What happened, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let text = |value: &Option<Json>| value.as_ref().map_or("nothing".to_owned(), |value| value.view().to_text());
        let Case { account, anonymous, .. } = &self.case;
        let (account, anonymous) = (text(account), anonymous.view().to_text());
        format!(
            "adds again at every login: {account} and {anonymous} give {}, and the same login again {}",
            text(&self.once),
            text(&self.twice)
        )
    }
}

/// Texts that a place draws from: few, so that keys collide.
const TEXTS: [&str; 4] = ["a", "b", "c", "d"];
/// What no schema of a cart allows.
const DIRTY: [&str; 10] = ["null", "true", "-1", "\"-\"", "[]", "{}", "1.5", "[[]]", "{\"role\":\"admin\"}", "1e300"];
/// One value in so many is dirty.
const DIRTY_ONE_IN: usize = 20;
/// One account in so many has another shape.
const WRONG_ONE_IN: usize = 16;
/// One account in so many has nothing yet.
const ABSENT_ONE_IN: usize = 8;
/// Items of a list at most.
const ITEMS_MAX: usize = 4;
/// Nested containers of what a schema leaves open.
const OPEN_DEPTH: usize = 2;

/// A source of numbers that a seed decides (`splitmix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The source of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ (word >> 31)) % (bound.max(1) as u64)).unwrap_or(0)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// What a visitor may send to a place of this shape.
    pub fn anonymous(&mut self, shape: &Shape, now: i64) -> Json {
        read(&self.value(shape, "", now, OPEN_DEPTH))
    }

    /// What an account may hold at a place of this shape; none: nothing yet.
    pub fn account(&mut self, shape: &Shape, now: i64) -> Option<Json> {
        if self.one_in(ABSENT_ONE_IN) {
            return None;
        }
        if self.one_in(WRONG_ONE_IN) {
            return Some(read(self.dirty()));
        }
        Some(read(&self.clean(shape, "", now, OPEN_DEPTH)))
    }

    fn name(&mut self) -> &'static str {
        self.pick(&TEXTS).copied().unwrap_or("a")
    }

    fn dirty(&mut self) -> &'static str {
        self.pick(&DIRTY).copied().unwrap_or("null")
    }

    fn value(&mut self, shape: &Shape, name: &str, now: i64, open: usize) -> String {
        if self.one_in(DIRTY_ONE_IN) { self.dirty().to_owned() } else { self.clean(shape, name, now, open) }
    }

    fn clean(&mut self, shape: &Shape, name: &str, now: i64, open: usize) -> String {
        let Some(one) = self.pick(&shape.alternatives).cloned() else { return self.anything(open) };
        if !one.listed.is_empty() {
            return self.pick(&one.listed).map_or_else(String::new, |value| value.view().to_text());
        }
        let kinds = [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];
        let allowed: Vec<Kind> = kinds.into_iter().filter(|kind| one.types.allows(*kind)).collect();
        match self.pick(&allowed).copied().unwrap_or(Kind::Null) {
            Kind::Null => "null".to_owned(),
            Kind::Bool => self.one_in(2).to_string(),
            Kind::Number => self.number(&one, name, now),
            Kind::String => self.text(&one, name, now),
            Kind::Array => self.list(&one, name, now, open),
            Kind::Object => self.object(&one, now, open),
        }
    }

    /// Some value where a schema says nothing.
    fn anything(&mut self, open: usize) -> String {
        match self.below(if open == 0 { 2 } else { 4 }) {
            0 => self.below(3).to_string(),
            1 => format!("{:?}", self.name()),
            2 => {
                let items: Vec<_> = (0..self.below(3)).map(|_| self.anything(open - 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let members: Vec<_> = TEXTS.iter().filter(|_| self.below(3) == 0).collect();
                let members: Vec<_> =
                    members.into_iter().map(|name| format!("{name:?}:{}", self.anything(open - 1))).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// A bound, a small number, or one between.
    fn number(&mut self, one: &Alternative, name: &str, now: i64) -> String {
        let bound = |bound: &Option<Json>| bound.as_ref().and_then(|bound| bound.view().as_number()?.as_i64());
        let (least, most) = (bound(&one.numbers.0), bound(&one.numbers.1));
        if is_time(name) {
            return (now / 1_000 - 3_600 * (i64::try_from(self.below(6)).unwrap_or(0) - 1)).to_string();
        }
        let least = least.unwrap_or(-1);
        let most = most.unwrap_or(least.saturating_add(100)).max(least);
        match self.below(6) {
            0 | 1 => least.to_string(),
            2 => most.to_string(),
            3 => least.saturating_add(1).min(most).to_string(),
            _ => {
                let width = usize::try_from(most.saturating_sub(least)).unwrap_or(1).min(20);
                let drawn = i64::try_from(self.below(width + 1)).unwrap_or(0);
                least.saturating_add(drawn).to_string()
            }
        }
    }

    fn text(&mut self, one: &Alternative, name: &str, now: i64) -> String {
        if is_time(name) {
            let hours = i64::try_from(self.below(6)).unwrap_or(0) - 1;
            let like = Json::text("");
            let time =
                crate::instant::written_like(now - 3_600_000 * hours, like.view(), crate::instant::Rounding::Down);
            return time.view().to_text();
        }
        if let Some(sample) = &one.sample {
            return Json::text(sample).view().to_text();
        }
        let own = self.name();
        let (least, most) = one.length;
        let text = own.repeat(least.clamp(1, 256));
        let text: String = text.chars().take(most.unwrap_or(usize::MAX)).collect();
        Json::text(&text).view().to_text()
    }

    fn list(&mut self, one: &Alternative, name: &str, now: i64, open: usize) -> String {
        let most = one.count.1.unwrap_or(ITEMS_MAX).min(ITEMS_MAX);
        let count = if self.one_in(12) { 0 } else { 1 + self.below(most.max(1)) }.max(one.count.0.min(ITEMS_MAX));
        let mut items: Vec<String> = (0..count).map(|_| self.value(&one.items, name, now, open)).collect();
        if self.one_in(6) {
            items.extend(items.first().cloned());
        }
        format!("[{}]", items.join(","))
    }

    fn object(&mut self, one: &Alternative, now: i64, open: usize) -> String {
        let mut members = Vec::new();
        for member in &one.members {
            let stays = if member.required { !self.one_in(40) } else { self.below(2) == 0 };
            if stays {
                let half = self.one_in(2);
                let value = if half {
                    self.clean(&member.shape, &member.name, now, open)
                } else {
                    self.value(&member.shape, &member.name, now, open)
                };
                members.push(format!("{}:{value}", Json::text(&member.name).view().to_text()));
            }
        }
        if self.one_in(8) {
            members.push(format!("\"x-{}\":{}", self.name(), self.below(3)));
        }
        format!("{{{}}}", members.join(","))
    }
}

/// Whether a member of this name holds a time, as far as its name tells.
fn is_time(name: &str) -> bool {
    ["at", "time", "date", "now", "seen", "expires"].contains(&name)
        || ["_at", "_time", "_date", "_on"].iter().any(|end| name.ends_with(end))
}

fn read(text: &str) -> Json {
    Document::read(text.as_bytes()).map_or(Json::Null, |document| Json::Place(document, 0))
}
