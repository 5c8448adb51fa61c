//! The laws of merging (merge.md), asked of a whole rule on generated data; what breaks one is made small.
//!
//! f(u, a) is what the account's value u becomes when a visitor brings a: a is sanitized, then merged; a rule that writes
//! nothing leaves u. ∅ is an absent value, for which no rule runs. A law is asked only where the merge ran.

mod kept;
mod leaves;
mod mended;

use std::collections::BTreeSet;

use crate::decision::Notice;
use crate::diagnostic::{Diagnostic, PolicyProblem, Span};
use crate::fate::Keyword;
use crate::generate::{Case, SHRINK_STEPS, Violation, smaller};
use crate::instant;
use crate::json::{Document, Json, Kind, View, compare, same};
pub use crate::merge::Law;
use crate::merge::Laws;
use crate::policy::{Files, POLICY_FILE};
use crate::rule::{Merge, Rule};
use crate::ruleset::{Applied, RuleSet};
use crate::sanitizer::Clean;
use kept::{Allowed, is_kept_whole};
use leaves::{caps, has_list, has_twins, known, leaves, plain};

/// Bytes that a result may have beyond both sides.
const EXTRA_BYTES: usize = 64;

/// What became of the laws of one rule.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Logins that were made.
    pub cases: usize,
    /// Logins in which the merge ran.
    pub ran: usize,
    /// Law by law.
    pub tallies: Vec<Tally>,
    /// The keyword of the schema that no visitor's value could be made for, and its place, where one lacks.
    pub lack: Option<(String, Keyword)>,
    /// Scalars of the visitors' that passed, and those of them that reached the result (L11).
    pub arrived: (usize, usize),
}

impl Trial {
    /// Whether the merge ran in so many of a hundred logins.
    #[must_use]
    pub fn ran_in(&self, percent: usize) -> bool {
        self.ran > 0 && self.ran * 100 >= self.cases * percent
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
pub fn ask(rules: &RuleSet, rule: &Rule, cases: usize, seed: u64, is_over: &dyn Fn() -> bool) -> Trial {
    ask_some(rules, rule, &Law::ALL, (cases, seed), is_over)
}

/// The same of some laws.
pub(crate) fn ask_some(
    rules: &RuleSet,
    rule: &Rule,
    laws: &[Law],
    (cases, seed): (usize, u64),
    is_over: &dyn Fn() -> bool,
) -> Trial {
    let asked = Asked { rules, rule };
    let mut generator = rule.generator(seed);
    let tally = |law| Tally { law, asked: 0, broken: 0, violation: None };
    let tallies = laws.iter().copied().map(tally).collect();
    let mut trial = Trial { cases: 0, ran: 0, tallies, lack: None, arrived: (0, 0) };
    let mut ended = 0;
    for _ in 0..cases {
        if is_over() {
            break;
        }
        trial.cases += 1;
        let Some(login) = asked.login(&generator.case()) else { continue };
        trial.ran += 1;
        ended += usize::from(!matches!(login.applied, Applied::Failed(_)));
        let (passed, arrived) = arrivals(&login);
        trial.arrived = (trial.arrived.0 + passed, trial.arrived.1 + arrived);
        for tally in &mut trial.tallies {
            if asked.is_no_case(tally.law, &login) {
                continue;
            }
            tally.asked += 1;
            if asked.breaks(tally.law, &login).is_some() {
                tally.broken += 1;
                if tally.violation.is_none() {
                    tally.violation = asked.shrunk(tally.law, &login.case);
                }
            }
        }
    }
    trial.lack = generator.lack();
    if ended == 0 && !is_broken(&trial, Law::Total) {
        // it skipped or discarded every login: nothing was merged
        trial.ran = 0;
        trial.tallies.iter_mut().for_each(|tally| tally.asked = 0);
    }
    trial
}

fn is_broken(trial: &Trial, law: Law) -> bool {
    trial.tallies.iter().any(|tally| tally.law == law && tally.broken > 0)
}

/// The laws that a rule keeps by construction.
#[must_use]
pub fn constructed(rule: &Rule) -> Laws {
    match &rule.merge {
        // a result schema may refuse what the strategy makes
        Merge::Strategy(strategy) if rule.result.is_some() => strategy.laws().without(Law::Total),
        Merge::Strategy(strategy) => strategy.laws(),
        Merge::Script(_) => Laws::OF_EVERY_RULE,
    }
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
        let is_waived = |law: &Law| rule.waivers.iter().any(|(name, _)| name == law.name());
        let waived: Vec<Law> = Law::ALL.into_iter().filter(is_waived).collect();
        let trial = ask_some(rules, rule, &waived, (WAIVER_CASES, WAIVER_SEED), &|| false);
        // what hardly ran was not tested
        let tallies = if trial.ran_in(WAIVER_RAN) { trial.tallies } else { Vec::new() };
        for (name, _) in waivers.into_iter().flat_map(View::named_members) {
            let own = tallies.iter().find(|tally| tally.law.name() == name.word());
            if let Some(tally) = own.filter(|tally| tally.asked > 0 && tally.broken == 0) {
                let (rule, law, logins) = (rule.name.to_string(), name.word(), tally.asked);
                let problem = PolicyProblem::UnneededWaiver { rule, law, logins };
                found.push(Diagnostic::new(Span::at_view(POLICY_FILE, name), problem));
            }
        }
    }
    found
}

/// Cases that a waived law must hold in to need no waiver, where they come from, and in how many of a hundred the merge must
/// run.
const WAIVER_CASES: usize = 1_000;
const WAIVER_SEED: u64 = 1;
const WAIVER_RAN: usize = 90;

/// Both sides of a law that are not the same.
type Broken = (Option<Json>, Option<Json>);

/// A visitor's login, for which the merge ran.
struct Login {
    case: Case,
    /// What the sanitizer left of what the visitor brings.
    clean: Clean,
    applied: Applied,
    /// The account's value after it.
    once: Option<Json>,
}

struct Asked<'a> {
    rules: &'a RuleSet,
    rule: &'a Rule,
}

impl Asked<'_> {
    /// f(u, a)
    fn merge(&self, account: Option<&Json>, anonymous: &Json, case: &Case) -> Option<Json> {
        match self.rules.clean(self.rule, anonymous) {
            Some(clean) => self.merged(account, &clean, case),
            None => account.cloned(),
        }
    }

    /// The same for a clean value.
    fn merged(&self, account: Option<&Json>, clean: &Clean, case: &Case) -> Option<Json> {
        match self.rules.merge(self.rule, account.map(Json::view), clean, (case.clock, case.trigger)) {
            Applied::Wrote(value) => Some(value),
            Applied::Idle | Applied::Kept | Applied::Failed(_) => account.cloned(),
        }
    }

    /// A login of the first visitor; none if the merge does not run: nothing of the visitor's is left, or the account's value
    /// has a shape that it cannot use.
    fn login(&self, case: &Case) -> Option<Login> {
        let clean = self.rules.clean(self.rule, &case.anonymous)?;
        let login = (case.clock, case.trigger);
        let applied = self.rules.merge(self.rule, case.account.as_ref().map(Json::view), &clean, login);
        let once = match &applied {
            Applied::Idle | Applied::Failed(Notice::AccountShape) => return None,
            Applied::Wrote(value) => Some(value.clone()),
            Applied::Kept | Applied::Failed(_) => case.account.clone(),
        };
        Some(Login { case: case.clone(), clean, applied, once })
    }

    /// Whether a law says nothing of a case: an account that breaks the result schema already is not the merge's doing (L9),
    /// a merge that fails changes nothing, so it keeps every other law, and without a list there are no two items (L12).
    fn is_no_case(&self, law: Law, login: &Login) -> bool {
        let refuses = |account: &Json| self.rule.result.as_ref().is_some_and(|result| !result.accepts(account.view()));
        match law {
            Law::Total => login.case.account.as_ref().is_some_and(refuses),
            Law::Distinct => !login.once.as_ref().is_some_and(|once| has_list(once.view())),
            _ => matches!(login.applied, Applied::Failed(_)),
        }
    }

    /// What breaks a law, if a login does.
    fn breaks(&self, law: Law, login: &Login) -> Option<Broken> {
        let Login { case, clean, applied, once } = login;
        let Case { account, anonymous, other, .. } = case;
        let again = |account: Option<&Json>| self.merged(account, clean, case);
        let merge = |account: Option<&Json>, anonymous: &Json| self.merge(account, anonymous, case);
        let after = |breaks: bool| breaks.then(|| (account.clone(), once.clone()));
        match law {
            Law::Identity => differing(merge(account.as_ref(), &Json::Null), account.clone()),
            Law::Relogin => differing(once.clone(), again(once.as_ref())),
            Law::OrderFree => {
                let here = merge(once.as_ref(), other);
                let there = again(merge(account.as_ref(), other).as_ref());
                unlike(here, there)
            }
            Law::Commutative => {
                let account = account.clone().unwrap_or(Json::Null);
                unlike(merge(Some(&account), anonymous), merge(Some(anonymous), &account))
            }
            Law::Associative => {
                let joined = merge(Some(anonymous), other).unwrap_or(Json::Null);
                unlike(merge(once.as_ref(), other), merge(account.as_ref(), &joined))
            }
            Law::Inflationary => after(account.as_ref().is_some_and(|account| self.loses(account, once.as_ref()))),
            Law::NoInvention => after(once.as_ref().is_some_and(|made| self.invents(login, made))),
            Law::Bounded => {
                let bytes = |value: Option<&Json>| value.map_or(0, |value| value.view().compact_bytes());
                after(bytes(once.as_ref()) > bytes(account.as_ref()) + bytes(Some(anonymous)) + EXTRA_BYTES)
            }
            Law::Total => match applied {
                Applied::Failed(notice) if notice.is_a_failure_of_the_rule() => after(true),
                _ => differing(once.clone(), again(account.as_ref())),
            },
            // a rule can write nothing but its own root, and `check` refuses a protected one
            Law::Protected => None,
            Law::Arrives => {
                let (passed, arrived) = arrivals(login);
                after(arrived < passed)
            }
            Law::Distinct => {
                let twins =
                    |value: Option<&Json>| value.is_some_and(|value| has_twins(value.view(), &self.rule.keys()));
                after(twins(once.as_ref()) && !twins(account.as_ref()) && !twins(Some(anonymous)))
            }
        }
    }

    fn shrunk(&self, law: Law, case: &Case) -> Option<Violation> {
        let broken = |case: &Case| {
            let login = self.login(case).filter(|login| !self.is_no_case(law, login))?;
            self.breaks(law, &login).map(|broken| (broken, login))
        };
        let case = smaller(case, SHRINK_STEPS, &|case| broken(case).is_some());
        let ((once, twice), login) = broken(&case)?;
        let failure = match login.applied {
            Applied::Failed(notice) if law == Law::Total => Some(notice),
            _ => None,
        };
        Some(Violation { case, once, twice, failure })
    }

    /// What the rule may leave behind of the account's.
    fn allowed(&self) -> Allowed<'_> {
        match &self.rule.merge {
            Merge::Strategy(strategy) => Allowed::By(Some(strategy)),
            Merge::Script(script) => Allowed::ByCalls(script.calls()),
        }
    }

    /// Whether something of the account's is not in the result (L6).
    fn loses(&self, account: &Json, made: Option<&Json>) -> bool {
        made.is_none_or(|made| !is_kept_whole(account.view(), made.view(), self.allowed()))
    }

    /// Whether a leaf of the result is a leaf of neither side (L7): sums excepted, caps and clamped times too. The visitor's
    /// side is the sanitized value: what the sanitizer put there is nobody's invention.
    fn inventions<'a>(&'a self, login: &'a Login) -> impl Fn(View<'_>) -> bool + 'a {
        let mut known: BTreeSet<String> = self.rule.strategies().iter().flat_map(caps).collect();
        for side in login.case.account.iter().chain([login.clean.json()]) {
            leaves(side.view(), &mut |leaf| {
                known.insert(plain(leaf));
            });
        }
        let clamps = match &self.rule.merge {
            Merge::Strategy(strategy) => strategy.clamps(),
            Merge::Script(script) => script.calls().clamps,
        };
        let clock = login.case.clock;
        move |leaf| {
            let is_sum = self.rule.needs_once && leaf.kind() == Kind::Number;
            let is_clamped =
                clamps && instant::read(leaf).is_some_and(|time| [clock.session_created_at, clock.now].contains(&time));
            !leaf.is_null() && !is_sum && !is_clamped && !known.contains(&plain(leaf))
        }
    }

    fn invents(&self, login: &Login, made: &Json) -> bool {
        let is_invented = self.inventions(login);
        let mut invented = false;
        leaves(made.view(), &mut |leaf| invented |= is_invented(leaf));
        invented
    }
}

/// What a merge that keeps the law might make of a case that breaks it; none: nothing.
#[must_use]
pub fn mended(rules: &RuleSet, rule: &Rule, law: Law, violation: &Violation) -> Option<Json> {
    let asked = Asked { rules, rule };
    let account = violation.case.account.as_ref();
    let Some(login) = asked.login(&violation.case) else { return account.cloned() };
    match (law, &login.once) {
        (Law::Relogin, once) => once.clone(),
        (Law::Inflationary, Some(once)) => {
            account.map(|account| mended::restored(account.view(), once.view(), asked.allowed()))
        }
        (Law::NoInvention, Some(once)) => {
            mended::without(once.view(), account.map(Json::view), &asked.inventions(&login))
        }
        _ => Some(mended::filled(account.map(Json::view), login.clean.json().view())),
    }
}

/// How many of the visitor's scalars passed, and how many of them are in the result.
fn arrivals(login: &Login) -> (usize, usize) {
    let there = login.once.as_ref().map(|once| known(once.view())).unwrap_or_default();
    let (mut passed, mut arrived) = (0, 0);
    leaves(login.clean.json().view(), &mut |leaf| {
        passed += 1;
        arrived += usize::from(leaf.is_null() || there.contains(&plain(leaf)));
    });
    (passed, arrived)
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
