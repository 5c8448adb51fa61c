//! Whether a rule needs once: a hand-over may come to it only once, because a second time would change the result (law L2).
//!
//! A strategy knows by its algebra. A script needs once if it calls what adds, if law L2 fails on generated cases, or if
//! its merge ran in too few of them: then nothing is known. Receipts, R040, R041 and the cases of authors ask this one
//! answer.

use std::cell::Cell;

use super::declared::at_merge;
use crate::diagnostic::{Diagnostic, Severity};
use crate::generate::{CREATED_AT, Case, NOW, SHRINK_STEPS, Violation, smaller};
use crate::json::{Json, View, same};
use crate::limits::Limits;
use crate::merge::Context;
use crate::policy::Files;
use crate::rule::{Applied, Merge, Mode, Rule};
use crate::script::{Sandbox, Script};

/// Logins that a script's merge is tried on.
const CASES: usize = 256;
/// Merges that must have run for law L2 to be known.
const RAN_MIN: usize = 64;
/// Merges among them that must have written: one that only keeps the account's value shows nothing.
const WROTE_MIN: usize = 8;
/// How much later the same login comes again, in milliseconds: less than any two generated times differ.
const LATER: i64 = 1_000;
/// Where the cases come from.
const SEED: u64 = 2_026;
/// Units of work for all cases of a rule together: what takes more stays unknown.
const WORK_MAX: u64 = 20_000_000;

/// What is known of a script.
pub(super) struct Evidence {
    /// Cases in which the merge ran.
    ran: usize,
    /// Cases in which it wrote.
    wrote: usize,
    /// A case in which the same login again changes the result.
    violation: Option<Violation>,
}

/// Decides for every rule whether it needs once; returns what an author must know of that, `once` says whether the policy
/// has receipts.
pub(super) fn decide(
    rules: &mut [Rule],
    sandbox: &Sandbox,
    limits: &Limits,
    files: &Files,
    once: bool,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in rules {
        let Merge::Script(script) = &rule.merge else { continue };
        if script.adds().is_some() {
            continue;
        }
        // what only observes may add
        let once = once || rule.mode == Mode::Observe;
        let evidence = Trial { rule, sandbox, limits, work: Cell::new(0) }.evidence();
        found.extend(evidence.diagnostic(rule, script, files, once));
        rule.needs_once = evidence.needs_once();
    }
    found
}

impl Evidence {
    fn needs_once(&self) -> bool {
        self.violation.is_some() || self.ran < RAN_MIN || self.wrote < WROTE_MIN
    }

    fn diagnostic(&self, rule: &Rule, script: &Script, files: &Files, once: bool) -> Option<Diagnostic> {
        if let Some(violation) = self.violation.as_ref().filter(|_| !once) {
            let help = "merge so that once is enough (`keyed_union` with `max`), or set `session.once`";
            return Some(at_merge(rule, files, "R040", violation.words()).help(help));
        }
        (self.violation.is_none() && self.needs_once()).then(|| {
            let message = format!(
                "`merge` ran in {} of {CASES} generated logins and wrote in {}: too few to know whether repeating a login changes the result",
                self.ran, self.wrote
            );
            let help = format!("check which visitors `{}` turns away; Handover treats the rule as one that adds", script.file());
            at_merge(rule, files, "R041", message).severity(Severity::Warning).help(help)
        })
    }
}

/// One rule, tried on generated cases.
struct Trial<'a> {
    rule: &'a Rule,
    sandbox: &'a Sandbox,
    limits: &'a Limits,
    work: Cell<u64>,
}

impl Trial<'_> {
    fn evidence(&self) -> Evidence {
        let mut generator = self.rule.generator(SEED);
        let mut evidence = Evidence { ran: 0, wrote: 0, violation: None };
        for index in 0..CASES {
            let case = generator.case();
            let applied = self.apply(case.account.as_ref().map(Json::view), &case.anonymous, NOW);
            // a script that fails, skips or discards decides nothing
            evidence.ran += usize::from(matches!(applied, Applied::Wrote(_) | Applied::Kept));
            evidence.wrote += usize::from(matches!(applied, Applied::Wrote(_)));
            if matches!(applied, Applied::Wrote(_)) && self.breaks(&case).is_some() {
                return Evidence { violation: self.shrunk(&case), ..evidence };
            }
            let cannot_be_known = evidence.ran + CASES - index <= RAN_MIN;
            if cannot_be_known || self.work.get() >= WORK_MAX {
                break;
            }
        }
        evidence
    }

    /// f(u, a)
    fn merge(&self, account: Option<&Json>, anonymous: &Json, now: i64) -> Option<Json> {
        match self.apply(account.map(Json::view), anonymous, now) {
            Applied::Wrote(value) => Some(value),
            Applied::Idle | Applied::Kept | Applied::Failed(_) => account.cloned(),
        }
    }

    fn apply(&self, account: Option<View<'_>>, anonymous: &Json, now: i64) -> Applied {
        let now = Context { now, session_created_at: CREATED_AT };
        let left = WORK_MAX.saturating_sub(self.work.get());
        let limits = Limits { rule_work: self.limits.rule_work.min(left), ..*self.limits };
        let (applied, work) = self.rule.apply(self.sandbox, &limits, account, anonymous, now);
        self.work.set(self.work.get() + work);
        applied
    }

    /// Both results, where the same login again gives another one: at the same time, or a larger one a little later. A script
    /// that writes the time gives another result, and one that adds an entry with the time adds again.
    fn breaks(&self, case: &Case) -> Option<(Option<Json>, Option<Json>)> {
        let once = self.merge(case.account.as_ref(), &case.anonymous, NOW);
        let null = Json::Null;
        let view = |value: &'_ Option<Json>| value.as_ref().unwrap_or(&null).view().to_json();
        let twice = self.merge(once.as_ref(), &case.anonymous, NOW);
        if !same(view(&once).view(), view(&twice).view()) {
            return Some((once, twice));
        }
        let later = self.merge(once.as_ref(), &case.anonymous, NOW + LATER);
        (view(&later).view().nodes() > view(&once).view().nodes()).then_some((once, later))
    }

    fn shrunk(&self, case: &Case) -> Option<Violation> {
        let case = smaller(case, SHRINK_STEPS, &|case| self.breaks(case).is_some());
        let (once, twice) = self.breaks(&case)?;
        Some(Violation { case, once, twice, failure: None })
    }
}
