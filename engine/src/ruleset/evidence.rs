//! Whether a rule needs once: a hand-over may come to it only once, because a second time would change the result (law L2).
//!
//! A strategy knows by its algebra. A script needs once if it calls what adds, if law L2 fails on generated cases, or if
//! its merge ran in too few of them: then nothing is known. Receipts, R040, R041 and the cases of authors ask this one
//! answer.

use super::declared::at_merge;
use crate::diagnostic::{Diagnostic, Severity};
use crate::generate::{CREATED_AT, Case, NOW, Random, SHRINK_STEPS, Violation, smaller};
use crate::json::{Json, View, same};
use crate::limits::Limits;
use crate::merge::Context;
use crate::policy::Files;
use crate::rule::{Applied, Merge, Rule};
use crate::script::{Sandbox, Script};

/// Logins that a script's merge is tried on.
const CASES: usize = 256;
/// Merges that must have run for law L2 to be known.
const RAN_MIN: usize = 64;
/// Where the cases come from.
const SEED: u64 = 2_026;
/// Operations of a script for all cases together: what takes more stays unknown.
const OPERATIONS_MAX: u64 = 20_000_000;

/// What is known of a script.
pub(super) struct Evidence {
    /// Cases in which the merge ran.
    ran: usize,
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
        let evidence = Trial { rule, sandbox, limits }.evidence();
        found.extend(evidence.diagnostic(rule, script, files, once));
        rule.needs_once = evidence.needs_once();
    }
    found
}

impl Evidence {
    fn needs_once(&self) -> bool {
        self.violation.is_some() || self.ran < RAN_MIN
    }

    fn diagnostic(&self, rule: &Rule, script: &Script, files: &Files, once: bool) -> Option<Diagnostic> {
        if let Some(violation) = self.violation.as_ref().filter(|_| !once) {
            let help = "merge so that once is enough (`keyed_union` with `max`), or set `session.once`";
            return Some(at_merge(rule, files, "R040", violation.words()).help(help));
        }
        (self.violation.is_none() && self.needs_once()).then(|| {
            let message = format!(
                "`merge` ran in {} of {CASES} generated logins: too few to know whether repeating a login changes the result",
                self.ran
            );
            let help = format!("look at what `{}` refuses; until then, the rule counts as one that adds", script.file());
            at_merge(rule, files, "R041", message).severity(Severity::Warning).help(help)
        })
    }
}

/// One rule, tried on generated cases.
struct Trial<'a> {
    rule: &'a Rule,
    sandbox: &'a Sandbox,
    limits: &'a Limits,
}

impl Trial<'_> {
    fn evidence(&self) -> Evidence {
        let mut random = Random::new(SEED);
        let (mut ran, mut operations) = (0, 0);
        for index in 0..CASES {
            let case = Case::next(&mut random, &self.rule.account_shape, &self.rule.shape);
            let (has_run, cost) = self.runs(&case);
            ran += usize::from(has_run);
            operations += cost;
            if has_run && self.breaks(&case).is_some() {
                return Evidence { ran, violation: self.shrunk(&case) };
            }
            let cannot_be_known = ran + CASES - index <= RAN_MIN;
            if cannot_be_known || operations > OPERATIONS_MAX {
                break;
            }
        }
        Evidence { ran, violation: None }
    }

    /// Whether the merge decides a case, and what that costs. A script that fails decides nothing.
    fn runs(&self, case: &Case) -> (bool, u64) {
        let (applied, operations) = self.apply(case.account.as_ref().map(Json::view), &case.anonymous);
        let has_run = match applied {
            Applied::Wrote(_) | Applied::Kept => true,
            Applied::Failed(notice) => notice.is_a_choice(),
            Applied::Idle => false,
        };
        (has_run, operations)
    }

    /// f(u, a)
    fn merge(&self, account: Option<&Json>, anonymous: &Json) -> Option<Json> {
        match self.apply(account.map(Json::view), anonymous).0 {
            Applied::Wrote(value) => Some(value),
            Applied::Idle | Applied::Kept | Applied::Failed(_) => account.cloned(),
        }
    }

    fn apply(&self, account: Option<View<'_>>, anonymous: &Json) -> (Applied, u64) {
        let now = Context { now: NOW, session_created_at: CREATED_AT };
        self.rule.apply(self.sandbox, self.limits, account, anonymous, now)
    }

    /// Both results, where the same login again gives another one.
    fn breaks(&self, case: &Case) -> Option<(Option<Json>, Option<Json>)> {
        let once = self.merge(case.account.as_ref(), &case.anonymous);
        let twice = self.merge(once.as_ref(), &case.anonymous);
        let equal = {
            let view = |value: &'_ Option<Json>| value.clone().unwrap_or(Json::Null);
            same(view(&once).view(), view(&twice).view())
        };
        (!equal).then_some((once, twice))
    }

    fn shrunk(&self, case: &Case) -> Option<Violation> {
        let case = smaller(case, SHRINK_STEPS, &|case| self.breaks(case).is_some());
        let (once, twice) = self.breaks(&case)?;
        Some(Violation { case, once, twice })
    }
}
