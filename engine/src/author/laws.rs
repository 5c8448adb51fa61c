//! The laws of merging (merge.md), asked of a whole rule on generated data; what breaks one is made small.
//!
//! f(u, a) is what the account's value u becomes when a visitor brings a: a is sanitized, then merged; a rule that writes
//! nothing leaves u. ∅ is an absent value, for which no rule runs.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::generate::{CREATED_AT, Case, NOW, SHRINK_STEPS, Violation, smaller};
use crate::instant;
use crate::json::{Document, Json, Kind, View, compare, same};
use crate::merge::{Context, Strategy, is_blank};
use crate::policy::{Files, POLICY_FILE};
use crate::rule::{Merge, Rule};
use crate::ruleset::{Applied, RuleSet};

const CLOCK: Context = Context { now: NOW, session_created_at: CREATED_AT };

/// Bytes that a result may have beyond both sides.
const EXTRA_BYTES: usize = 64;

/// A law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// f(u, ∅) = u
    Identity,
    /// f(f(u, a), a) = f(u, a)
    Relogin,
    /// f(f(u, a), b) = f(f(u, b), a): two devices
    OrderFree,
    /// f(u, a) = f(a, u)
    Commutative,
    /// f(f(u, a), b) = f(u, f(a, b))
    Associative,
    /// Nothing of the account's is lost.
    Inflationary,
    /// Every leaf of the result is a leaf of one side.
    NoInvention,
    /// The result is no larger than both sides.
    Bounded,
    /// The same on any JSON, and no script fails.
    Total,
    /// Only the rule's own root is written.
    Protected,
}

impl Law {
    /// All laws, by number.
    pub const ALL: [Self; 10] = [
        Self::Identity,
        Self::Relogin,
        Self::OrderFree,
        Self::Commutative,
        Self::Associative,
        Self::Inflationary,
        Self::NoInvention,
        Self::Bounded,
        Self::Total,
        Self::Protected,
    ];

    /// `L1` to `L10`, as a waiver names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10"].get(self as usize).copied().unwrap_or("L1")
    }

    /// The code of its violation.
    #[must_use]
    pub fn code(self) -> &'static str {
        let codes = ["L001", "L002", "L003", "L004", "L005", "L006", "L007", "L008", "L009", "L010"];
        codes.get(self as usize).copied().unwrap_or("L001")
    }

    /// What it says, in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Identity => "no session, no change",
            Self::Relogin => "the same login again changes nothing",
            Self::OrderFree => "two devices in either order give the same",
            Self::Commutative => "the sides may change places",
            Self::Associative => "the visitors may meet before the account",
            Self::Inflationary => "nothing of the account's is lost",
            Self::NoInvention => "nothing is invented",
            Self::Bounded => "the result is no larger than both sides",
            Self::Total => "every value gives the same result, and no script fails",
            Self::Protected => "no other root is written",
        }
    }

    /// Whether a rule must keep it; L3 to L5 are only shown.
    #[must_use]
    pub fn must_hold(self) -> bool {
        !matches!(self, Self::OrderFree | Self::Commutative | Self::Associative)
    }

    /// Whether a rule may give a reason not to keep it.
    #[must_use]
    pub fn may_be_waived(self) -> bool {
        !matches!(self, Self::Relogin | Self::Total | Self::Protected)
    }
}

/// What became of one law.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The law.
    pub law: Law,
    /// Cases that were asked.
    pub asked: usize,
    /// Cases that broke it.
    pub broken: usize,
    /// The first of them.
    pub violation: Option<Violation>,
}

/// Asks all laws of a rule, on as many cases as `cases`, until `is_over` says that the time is.
pub fn ask(rules: &RuleSet, rule: &Rule, cases: usize, seed: u64, is_over: &dyn Fn() -> bool) -> Vec<Tally> {
    let asked = Asked { rules, rule };
    let mut generator = rule.generator(seed);
    let tally = |law| Tally { law, asked: 0, broken: 0, violation: None };
    let mut tallies: Vec<Tally> = Law::ALL.into_iter().map(tally).collect();
    for _ in 0..cases {
        if is_over() {
            break;
        }
        let case = generator.case();
        for tally in &mut tallies {
            tally.asked += 1;
            if asked.breaks(tally.law, &case).is_some() {
                tally.broken += 1;
                if tally.violation.is_none() {
                    tally.violation = asked.shrunk(tally.law, &case);
                }
            }
        }
    }
    tallies
}

/// Waivers of laws that hold (P041): one is enough to hide a fault that comes later.
#[must_use]
pub fn needless(rules: &RuleSet, files: &Files) -> Vec<Diagnostic> {
    let document = files.get(POLICY_FILE).and_then(|text| Document::read(text.as_bytes()).ok());
    let Some(list) = document.as_ref().and_then(|document| document.root().get("rules")) else { return Vec::new() };
    let mut found = Vec::new();
    for rule in rules.rules().iter().filter(|rule| !rule.waivers.is_empty()) {
        let waivers = list.items().find(|one| one.get("name").is_some_and(|name| name.word() == *rule.name));
        let waivers = waivers.and_then(|one| one.get("laws"));
        let tallies = ask(rules, rule, WAIVER_CASES, WAIVER_SEED, &|| false);
        for (name, _) in waivers.into_iter().flat_map(View::named_members) {
            if tallies.iter().any(|tally| tally.law.name() == name.word() && tally.asked > 0 && tally.broken == 0) {
                let message = format!("`{}` keeps law {} in {WAIVER_CASES} cases", rule.name, name.word());
                let found_one = Diagnostic::at_view("P041", POLICY_FILE, name, message);
                found.push(found_one.help("take the waiver out"));
            }
        }
    }
    found
}

/// Cases that a waived law must hold in to need no waiver, and where they come from: as `handover laws` asks.
const WAIVER_CASES: usize = 1_000;
const WAIVER_SEED: u64 = 1;

/// Both sides of a law that are not the same.
type Broken = (Option<Json>, Option<Json>);

struct Asked<'a> {
    rules: &'a RuleSet,
    rule: &'a Rule,
}

impl Asked<'_> {
    /// f(u, a)
    fn merge(&self, account: Option<&Json>, anonymous: &Json) -> Option<Json> {
        match self.rules.apply(self.rule, account.map(Json::view), anonymous, CLOCK) {
            Applied::Wrote(value) => Some(value),
            Applied::Idle | Applied::Kept | Applied::Failed(_) => account.cloned(),
        }
    }

    /// What breaks a law, if a case does.
    fn breaks(&self, law: Law, case: &Case) -> Option<Broken> {
        let Case { account, anonymous, other } = case;
        let once = || self.merge(account.as_ref(), anonymous);
        match law {
            Law::Identity => differing(self.merge(account.as_ref(), &Json::Null), account.clone()),
            Law::Relogin => {
                let once = once();
                let twice = self.merge(once.as_ref(), anonymous);
                differing(once, twice)
            }
            Law::OrderFree => {
                let here = self.merge(once().as_ref(), other);
                let there = self.merge(self.merge(account.as_ref(), other).as_ref(), anonymous);
                unlike(here, there)
            }
            Law::Commutative => {
                let account = account.clone().unwrap_or(Json::Null);
                unlike(self.merge(Some(&account), anonymous), self.merge(Some(anonymous), &account))
            }
            Law::Associative => {
                let joined = self.merge(Some(anonymous), other).unwrap_or(Json::Null);
                unlike(self.merge(once().as_ref(), other), self.merge(account.as_ref(), &joined))
            }
            Law::Inflationary => {
                let once = once();
                let lost = account.as_ref().is_some_and(|account| self.loses(account, once.as_ref()));
                lost.then_some((account.clone(), once))
            }
            Law::NoInvention => {
                let once = once();
                let invents = once.as_ref().is_some_and(|made| self.invents(case, made));
                invents.then_some((account.clone(), once))
            }
            Law::Bounded => {
                let once = once();
                let bytes = |value: Option<&Json>| value.map_or(0, |value| value.view().compact_bytes());
                let most = bytes(account.as_ref()) + bytes(Some(anonymous)) + EXTRA_BYTES;
                (bytes(once.as_ref()) > most).then_some((account.clone(), once))
            }
            Law::Total => {
                let outcome = self.rules.apply(self.rule, account.as_ref().map(Json::view), anonymous, CLOCK);
                let fails = matches!(&outcome, Applied::Failed(notice) if notice.is_a_failure_of_the_rule());
                let once = once();
                if fails {
                    Some((account.clone(), once))
                } else {
                    differing(once, self.merge(account.as_ref(), anonymous))
                }
            }
            // a rule can write nothing but its own root, and `check` refuses a protected one
            Law::Protected => None,
        }
    }

    fn shrunk(&self, law: Law, case: &Case) -> Option<Violation> {
        let case = smaller(case, SHRINK_STEPS, &|case| self.breaks(law, case).is_some());
        let (once, twice) = self.breaks(law, &case)?;
        Some(Violation { case, once, twice })
    }

    /// Whether something of the account's is not in the result (L6).
    fn loses(&self, account: &Json, made: Option<&Json>) -> bool {
        let Some(made) = made else { return true };
        let strategy = match &self.rule.merge {
            Merge::Strategy(strategy) => Some(strategy),
            Merge::Script(_) => None,
        };
        !is_kept(account.view(), made.view(), strategy)
    }

    /// Whether a leaf of the result is a leaf of neither side (L7): sums excepted, caps and clamped times too.
    fn invents(&self, case: &Case, made: &Json) -> bool {
        let mut known = BTreeSet::new();
        let mut most = f64::NEG_INFINITY;
        for side in case.account.iter().chain([&case.anonymous]) {
            leaves(side.view(), &mut |leaf| {
                most = leaf.as_number().map_or(most, |number| most.max(number.as_f64()));
                known.insert(plain(leaf));
            });
        }
        let mut invented = false;
        leaves(made.view(), &mut |leaf| {
            let bounded = leaf.as_number().is_some_and(|number| self.rule.needs_once || number.as_f64() <= most);
            let clamped = instant::read(leaf).is_some_and(|time| (CREATED_AT..=NOW).contains(&time));
            invented |= !leaf.is_null() && !bounded && !clamped && !known.contains(&plain(leaf));
        });
        invented
    }
}

/// A scalar as text, numbers by their value.
fn plain(leaf: View<'_>) -> String {
    leaf.as_number().map_or_else(|| leaf.to_text(), |number| format!("{:?}", number.as_f64()))
}

fn leaves(value: View<'_>, say: &mut dyn FnMut(View<'_>)) {
    if !matches!(value.kind(), Kind::Array | Kind::Object) {
        return say(value);
    }
    for child in value.items().chain(value.members().map(|(_, value)| value)) {
        leaves(child, say);
    }
}

/// Two results that are not equal; nothing written is as good as null.
fn differing(a: Option<Json>, b: Option<Json>) -> Option<Broken> {
    let equal = {
        let (a, b) = (a.as_ref().unwrap_or(&Json::Null), b.as_ref().unwrap_or(&Json::Null));
        same(a.view(), b.view())
    };
    (!equal).then_some((a, b))
}

/// Two results that are not equal even where lists are sets.
fn unlike(a: Option<Json>, b: Option<Json>) -> Option<Broken> {
    let sorted = |value: &Option<Json>| value.as_ref().map_or(Json::Null, |value| sorted(value.view()));
    differing(Some(sorted(&a)), Some(sorted(&b))).map(|_| (a, b))
}

fn sorted(value: View<'_>) -> Json {
    match value.kind() {
        Kind::Array => {
            let mut items: Vec<_> = value.items().map(sorted).collect();
            items.sort_by(|a, b| compare(a.view(), b.view()));
            Json::list(items)
        }
        Kind::Object => {
            Json::object(value.named_members().map(|(name, value)| (name.to_json(), sorted(value))).collect())
        }
        _ => value.to_json(),
    }
}

/// Whether a value of the account's is still in the result: a number may have grown; under a strategy that chooses one of
/// two values, the other one may go.
fn is_kept(account: View<'_>, made: View<'_>, strategy: Option<&Strategy>) -> bool {
    if is_blank(account) || same(account, made) || strategy.is_some_and(Strategy::chooses) {
        return true;
    }
    match (account.kind(), made.kind()) {
        (Kind::Object, Kind::Object) => account.members().all(|(name, value)| {
            let name = name.decode();
            let own = strategy.and_then(|strategy| strategy.of_member(&name));
            is_blank(value) || made.get(&name).is_some_and(|made| is_kept(value, made, own))
        }),
        (Kind::Array, Kind::Array) => {
            // nothing of it goes, and its order stays
            let mut rest = made.items();
            account.items().all(|item| rest.any(|made| is_kept(item, made, strategy)))
        }
        (Kind::Number, Kind::Number) => {
            account.as_number().zip(made.as_number()).is_some_and(|(old, new)| new.compare(old).is_ge())
        }
        _ => false,
    }
}
