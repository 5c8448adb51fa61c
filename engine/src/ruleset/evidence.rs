//! Whether a rule needs once: a hand-over may come to it only once, because a second time would change the result (law L2).
//!
//! A strategy knows by its algebra. A script needs once if it calls what adds, if law L2 fails on generated cases, or if
//! its merge ran in too few of them: then nothing is known. Receipts, R040, R041 and the cases of authors ask this one
//! answer.

use std::cell::Cell;

use super::declared::at_merge;
use crate::decision::{Notice, ScriptStop};
use crate::diagnostic::{Diagnostic, ScriptProblem, Span};
use crate::generate::{Case, Generator, SHRINK_STEPS, Violation, smaller};
use crate::json::{Json, Position};
use crate::limits::Limits;
use crate::merge::Context;
use crate::policy::Files;
use crate::rule::{Applied, Merge, Mode, Rule};
use crate::sanitizer::Clean;
use crate::script::{Sandbox, Script};

/// Values of accounts and of visitors: each is paired with each.
const SIDES: usize = 16;
/// Logins that a script's merge is tried on at most.
const CASES: usize = SIDES * SIDES;
/// Merges that must have run for law L2 to be known.
const RAN_MIN: usize = 64;
/// Merges among them that must have written: one that only keeps the account's value shows nothing.
const WROTE_MIN: usize = 8;
/// How much later the same login comes again, in milliseconds: less than any two generated times differ.
const LATER: i64 = 1_000;
/// Where the cases come from.
const SEED: u64 = 2_026;
/// Units of work after which no more is asked than must be: a start waits for it.
const WORK_ENOUGH: u64 = 25_000;
/// Units of work for all cases of a rule together: what takes more stays unknown.
const WORK_MAX: u64 = 20_000_000;

/// Logins that may spend a script's budget before no more is asked.
const OVERRUNS_MAX: usize = 8;

/// What is known of a script.
pub(super) struct Evidence {
    /// Cases that were asked.
    cases: usize,
    /// Cases in which the merge ran.
    ran: usize,
    /// Cases in which it wrote.
    wrote: usize,
    /// Cases in which it failed, and how it failed first.
    failed: usize,
    failure: Option<&'static str>,
    /// A case in which the same login again changes the result.
    violation: Option<Violation>,
    /// Where it fails, if it fails at every first login of an account.
    first_fails: Option<ScriptStop>,
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
        // what only observes may add, and that a script adds by name is reported where it does
        let adds = script.adds().is_some();
        let once = once || adds || rule.mode == Mode::Observe;
        let evidence = Trial { rule, script, sandbox, limits, work: Cell::new(0) }.evidence();
        found.extend(evidence.diagnostic(rule, script, files, once));
        rule.needs_once = adds || evidence.needs_once();
    }
    found
}

impl Evidence {
    fn needs_once(&self) -> bool {
        self.violation.is_some() || self.ran < RAN_MIN || self.wrote < WROTE_MIN
    }

    /// What the author must look at, where too little was written.
    fn advice(&self, file: impl std::fmt::Display) -> String {
        match self.failure {
            Some(failure) if self.failed > self.ran => {
                format!("`{file}` fails in {} of them (`{failure}`): `handover laws` shows a case", self.failed)
            }
            _ if self.ran >= RAN_MIN => {
                format!("check why `{file}` returns what the account has already")
            }
            _ => format!("check which visitors `{file}` turns away"),
        }
    }

    fn diagnostic(&self, rule: &Rule, script: &Script, files: &Files, once: bool) -> Option<Diagnostic> {
        if let Some(stop) = &self.first_fails {
            return Some(at_stop(stop, rule, files));
        }
        if let Some(violation) = self.violation.as_ref().filter(|_| !once) {
            let diagnostic = Diagnostic::new(at_merge(rule, files), ScriptProblem::NotIdempotent);
            return Some(diagnostic.details(violation.details()));
        }
        (self.violation.is_none() && self.needs_once()).then(|| {
            let Self { cases, ran, wrote, .. } = *self;
            let problem = ScriptProblem::HardlyWrote { cases, ran, wrote, advice: self.advice(script.file()) };
            Diagnostic::new(at_merge(rule, files), problem)
        })
    }
}

/// Where a script fails at every first login.
fn at_stop(stop: &ScriptStop, rule: &Rule, files: &Files) -> Diagnostic {
    let cause = stop.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    let at = stop.at.as_ref().and_then(|(file, line, column)| {
        let start = Position { line: *line, column: *column };
        let end = Position { column: column + 1, ..start };
        files.get(file).map(|_| Span { file: file.to_string(), start, end })
    });
    Diagnostic::new(at.unwrap_or_else(|| at_merge(rule, files)), ScriptProblem::FailsAtFirstLogin { cause })
}

/// One rule, tried on generated cases.
struct Trial<'a> {
    rule: &'a Rule,
    script: &'a Script,
    sandbox: &'a Sandbox,
    limits: &'a Limits,
    work: Cell<u64>,
}

impl Trial<'_> {
    fn evidence(&self) -> Evidence {
        let mut generator = self.rule.generator(SEED);
        let (accounts, visitors) = generator.sides(SIDES);
        let cleans: Vec<_> = visitors.iter().map(|visitor| self.clean(visitor)).collect();
        let mut evidence =
            Evidence { cases: 0, ran: 0, wrote: 0, failed: 0, failure: None, violation: None, first_fails: None };
        let (mut first_ran, mut first_failed, mut overruns) = (0, 0, 0);
        for index in 0..CASES {
            let (at, round) = (index % SIDES, index / SIDES);
            let with = (at + round) % SIDES;
            let (Some(account), Some(clean)) = (accounts.get(at), cleans.get(with)) else { break };
            evidence.cases += 1;
            if let (Some(clean), Some(visitor)) = (clean, visitors.get(with)) {
                let case = generator.login(account.clone(), visitor.clone(), Json::Null);
                let (before, is_first) = (evidence.ran, case.account.is_none());
                overruns += usize::from(self.ask(case, clean, &mut evidence));
                first_ran += usize::from(is_first && evidence.ran > before);
                first_failed += usize::from(is_first && evidence.ran == before);
            }
            let is_known = evidence.ran >= RAN_MIN && evidence.wrote >= WROTE_MIN;
            let cannot_be_known = evidence.ran + CASES - index <= RAN_MIN;
            let work = self.work.get();
            let is_hopeless = overruns >= OVERRUNS_MAX;
            if evidence.violation.is_some()
                || is_hopeless
                || cannot_be_known
                || work >= WORK_MAX
                || (is_known && work >= WORK_ENOUGH)
            {
                break;
            }
        }
        if first_ran == 0 && first_failed > 0 && evidence.ran > 0 {
            evidence.first_fails = self.first_fails(&mut generator, &visitors, &cleans);
        }
        evidence
    }

    /// Where the script fails at a first login, if it does so whatever the visitor brings.
    fn first_fails(
        &self,
        generator: &mut Generator<'_>,
        visitors: &[Json],
        cleans: &[Option<Clean>],
    ) -> Option<ScriptStop> {
        let mut last = None;
        let known = visitors.iter().zip(cleans).filter_map(|(visitor, clean)| Some((visitor, clean.as_ref()?)));
        for (visitor, clean) in known {
            let case = generator.login(None, visitor.clone(), Json::Null);
            match self.apply(None, clean, &case, 0) {
                // what a script throws is its author's choice
                Applied::Failed(Notice::ScriptFailed(stop)) if stop.cause.is_some() => last = Some(stop),
                _ => return None,
            }
        }
        last
    }

    /// Asks law L2 of one login; whether the script's budget was spent.
    fn ask(&self, case: Case, clean: &Clean, evidence: &mut Evidence) -> bool {
        let applied = self.apply(case.account.as_ref(), clean, &case, 0);
        // a script that fails, skips or discards decides nothing
        if let Applied::Failed(notice) = &applied {
            if notice.is_a_failure_of_the_rule() {
                evidence.failed += 1;
                evidence.failure.get_or_insert(notice.keyword());
            }
            return matches!(notice, Notice::BudgetExceeded(_));
        }
        evidence.ran += 1;
        let Applied::Wrote(once) = applied else { return false };
        evidence.wrote += 1;
        if let Some(twice) = self.changes_again(&once, clean, &case) {
            let whole = Violation { case, once: Some(once), twice: Some(twice), failure: None };
            // there may be no work left to make it small
            evidence.violation = self.shrunk(&whole.case).or(Some(whole));
        }
        false
    }

    fn clean(&self, anonymous: &Json) -> Option<Clean> {
        let (clean, work) = self.rule.clean(anonymous, &self.left());
        self.work.set(self.work.get() + work);
        clean
    }

    fn left(&self) -> Limits {
        let left = WORK_MAX.saturating_sub(self.work.get());
        Limits { rule_work: self.limits.rule_work.min(left), ..*self.limits }
    }

    fn apply(&self, account: Option<&Json>, clean: &Clean, case: &Case, later: i64) -> Applied {
        let clock = Context { now: case.clock.now + later, ..case.clock };
        let login = (clock, case.trigger);
        let (applied, work) = self.rule.apply(self.sandbox, &self.left(), account.map(Json::view), clean, login);
        self.work.set(self.work.get() + work);
        applied
    }

    /// The second result, where the same login again gives another one: at the same time, or a larger one a little later. A
    /// script that writes the time gives another result, and one that adds an entry with the time adds again.
    fn changes_again(&self, once: &Json, clean: &Clean, case: &Case) -> Option<Json> {
        let twice = self.apply(Some(once), clean, case, 0);
        if let Applied::Wrote(twice) = twice {
            return Some(twice);
        }
        if !self.script.reads_clock() {
            return None;
        }
        match self.apply(Some(once), clean, case, LATER) {
            Applied::Wrote(later) if later.view().nodes() > once.view().nodes() => Some(later),
            _ => None,
        }
    }

    fn breaks(&self, case: &Case) -> Option<(Json, Json)> {
        let clean = self.clean(&case.anonymous)?;
        let Applied::Wrote(once) = self.apply(case.account.as_ref(), &clean, case, 0) else { return None };
        self.changes_again(&once, &clean, case).map(|twice| (once, twice))
    }

    fn shrunk(&self, case: &Case) -> Option<Violation> {
        let case = smaller(case, SHRINK_STEPS, &|case| self.breaks(case).is_some());
        let (once, twice) = self.breaks(&case)?;
        Some(Violation { case, once: Some(once), twice: Some(twice), failure: None })
    }
}
