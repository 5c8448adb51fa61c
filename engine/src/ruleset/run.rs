//! One evaluation: what each rule does with one event, and what comes of all of them together.

use std::sync::Arc;

use super::history::{Admission, History};
use super::reading::{Read, Reading};
use super::writes::Writes;
use crate::decision::{Effect, Finding, Merged, Notice, Would};
use crate::event::{Event, Sink};
use crate::fate::{Action, Keyword};
use crate::json::same;
use crate::merge::Losses;
use crate::receipt;
use crate::rule::{EvalContext, Mode, Outcome, Rule};

/// What came so far.
pub(super) struct Run<'a> {
    pub(super) event: &'a Event,
    pub(super) context: EvalContext<'a>,
    pub(super) history: History,
    pub(super) writes: Writes<'a>,
    pub(super) findings: Findings,
    /// The rules that did not take what the visitor brought, and still may.
    pub(super) left: Vec<(&'a str, bool)>,
}

impl<'a> Run<'a> {
    /// One rule: report what its sanitizer removed, merge what is left. Whatever goes wrong is a finding of this rule.
    pub(super) fn rule(&mut self, rule: &'a Rule, read: &Read) {
        let admission = self.history.admits(rule);
        if admission == Admission::Through {
            return;
        }
        let reading = match read {
            Read::Value(reading) => reading,
            Read::Unreadable(finding) => {
                self.findings.of_place(finding.clone());
                return self.wait(rule);
            }
            Read::Nothing => return self.wait(rule),
        };
        self.report(rule, reading);
        let Some(clean) = &reading.clean else { return self.wait(rule) };
        // first: a rule that took the hand-over must not be left for another login, whatever else keeps it from running
        if admission == Admission::Counted {
            return self.findings.of_rule(rule, Notice::AlreadyCounted);
        }
        if admission == Admission::Hidden || !self.event.is_visible(rule.sink, &rule.root) {
            return self.leave(rule, Notice::RootNotVisible);
        }
        match admission {
            Admission::Full => return self.leave(rule, Notice::ReceiptFull(Effect::Keep)),
            // the finding is the event's: all such rules wait for the same
            Admission::Unreadable => return,
            _ => {}
        }
        match rule.merge(self.event.account(rule.sink, &rule.root), clean, self.context, &reading.budget) {
            Outcome::Keep => {}
            Outcome::Failed(notice) => return self.leave(rule, notice),
            Outcome::Write(value) => {
                if let Err(notice) = self.writes.add(rule, value) {
                    return self.leave(rule, notice);
                }
            }
        }
        self.lost(rule);
    }

    /// A rule that has nothing to take of a draft that grew, and did not take it before: it may come back.
    fn wait(&mut self, rule: &'a Rule) {
        if rule.needs_once && self.history.grew_without(rule) {
            self.left.push((&rule.name, rule.needs_once));
        }
    }

    /// Metadata that is not an object is dropped as a whole.
    pub(super) fn unreadable(&mut self) {
        self.findings.of_place(Finding::new(None, Notice::Place(Keyword::Type, Action::Drop)));
    }

    fn report(&mut self, rule: &Rule, reading: &Reading) {
        let places = rule.findings(&reading.untrusted, &reading.fates, self.findings.room());
        self.findings.of_places(places);
    }

    /// A rule that wrote nothing.
    fn leave(&mut self, rule: &'a Rule, notice: Notice) {
        // nothing was taken, so nothing is lost
        let _ = self.context.tally.take_losses();
        if notice.effect() == Effect::Keep {
            self.left.push((&rule.name, rule.needs_once));
        }
        self.findings.of_rule(rule, notice);
    }

    /// What the rule did not take of lists.
    fn lost(&mut self, rule: &Rule) {
        let Losses { beyond_limit, unmergeable } = self.context.tally.take_losses();
        for (lost, notice) in [(beyond_limit, Notice::LimitReached), (unmergeable, Notice::Unmergeable)] {
            if !lost.is_empty() {
                let finding = Finding::new(Some(Arc::clone(&rule.name)), notice);
                self.findings.list.push(Finding { count: Some(lost.len()), ..finding });
            }
        }
    }

    /// A rule that observes: as if it were not there, but for findings. `beside` says that another rule has its root.
    pub(super) fn observe(&mut self, rule: &'a Rule, read: &Read, beside: bool) {
        let Read::Value(reading) = read else { return };
        if matches!(self.history.admits(rule), Admission::Through | Admission::Counted) {
            return;
        }
        let first = self.findings.list.len();
        self.report(rule, reading);
        let wrote = self.would_write(rule, reading).unwrap_or_else(|notice| {
            self.findings.of_rule(rule, notice);
            None
        });
        let account = self.event.account(rule.sink, &rule.root);
        let now = self.writes.value(rule.sink, &rule.root).map(|value| value.json().view()).or(account);
        let then = wrote.as_ref().map(|value| value.json().view()).or(account);
        let is_same = now.zip(then).map_or(now.is_none() && then.is_none(), |(now, then)| same(now, then));
        let would = if wrote.is_some() { Would::Write } else { Would::Keep };
        self.findings.of_rule(rule, Notice::Observed(would, beside.then_some(!is_same)));
        for finding in self.findings.list.iter_mut().skip(first) {
            finding.is_observed = true;
        }
    }

    /// What a rule that observes would write.
    fn would_write(&mut self, rule: &'a Rule, reading: &Reading) -> Result<Option<Merged>, Notice> {
        let Some(clean) = &reading.clean else { return Ok(None) };
        match self.history.admits(rule) {
            Admission::Hidden => return Err(Notice::RootNotVisible),
            Admission::Full => return Err(Notice::ReceiptFull(Effect::Keep)),
            Admission::Unreadable => return Ok(None),
            _ => {}
        }
        if !self.event.is_visible(rule.sink, &rule.root) {
            return Err(Notice::RootNotVisible);
        }
        let account = self.event.account(rule.sink, &rule.root);
        let outcome = rule.merge(account, clean, self.context, &reading.budget);
        let wrote = match outcome {
            Outcome::Keep => None,
            Outcome::Write(value) if self.writes.holds_alone(rule, &value) => Some(value),
            Outcome::Write(_) => return self.would_fail(Notice::ResultTooLarge),
            Outcome::Failed(notice) => return self.would_fail(notice),
        };
        self.lost(rule);
        Ok(wrote)
    }

    fn would_fail(&self, notice: Notice) -> Result<Option<Merged>, Notice> {
        let _ = self.context.tally.take_losses();
        Err(notice)
    }

    /// Adds the receipt, where something is written.
    pub(super) fn receipt(&mut self, rules: &[Rule]) {
        match &self.history {
            History::Unreadable => self.findings.of_event(Notice::ReceiptUnreadable),
            History::Told(receipt, hand_over, fits) if !self.writes.commands.is_empty() => {
                let is_full = !fits || !receipt.has_room(hand_over);
                let counts = rules.iter().any(|rule| rule.mode == Mode::Apply && rule.needs_once);
                if *fits && !(is_full && counts) {
                    self.writes.add_receipt(receipt.with(hand_over, &receipt::left_names(&self.left)));
                }
                let is_known = self.findings.list.iter().any(|one| matches!(one.notice, Notice::ReceiptFull(_)));
                if is_full && !is_known {
                    self.findings.of_event(Notice::ReceiptFull(Effect::Note));
                }
            }
            _ => {}
        }
    }
}

/// The findings so far.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    pub(super) omitted: usize,
    places: usize,
    places_max: usize,
}

impl Findings {
    pub(super) fn new(places_max: usize) -> Self {
        Self { places_max, ..Self::default() }
    }

    fn of_rule(&mut self, rule: &Rule, notice: Notice) {
        self.list.push(Finding::new(Some(Arc::clone(&rule.name)), notice));
    }

    pub(super) fn of_event(&mut self, notice: Notice) {
        self.list.push(Finding::new(None, notice));
    }

    /// Whether something of the session was left behind.
    pub(super) fn keep_session(&self) -> bool {
        self.list.iter().any(Finding::keeps_session)
    }

    /// Places that may still be listed.
    fn room(&self) -> usize {
        self.places_max.saturating_sub(self.places)
    }

    fn of_place(&mut self, place: Finding) {
        let listed = self.room() > 0;
        self.of_places(if listed { (vec![place], 0) } else { (Vec::new(), 1) });
    }

    fn of_places(&mut self, (places, omitted): (Vec<Finding>, usize)) {
        self.places += places.len();
        self.omitted += omitted;
        self.list.extend(places);
    }
}

/// Bytes of a metadata object that the provider recommends at most.
pub(super) const PROFILE_BYTES: usize = 10_000;

/// A metadata object that is larger, after this decision, than the provider recommends.
pub(super) fn note_oversized(event: &Event, writes: &Writes<'_>, findings: &mut Findings) {
    for sink in [Sink::App, Sink::User] {
        if writes.profile_bytes(event, sink, PROFILE_BYTES) > PROFILE_BYTES {
            findings.of_event(Notice::ProfileOversized(sink));
        }
    }
}
