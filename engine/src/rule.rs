//! One key of the metadata, from source to target: a sanitizer and a merge. The only module that makes [`Merged`].

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::budget::{Budget, Overrun};
use crate::decision::{Finding, Merged, Notice, ScriptStop};
use crate::event::{Event, Found, Parse, Session, Sink, TextAllowed, Trigger};
use crate::fate::{Action, Entry, Fates, Keyword, Report};
use crate::generate::Generator;
use crate::json::{Document, Json, Kind, Place, View, same};
use crate::limits::Limits;
use crate::merge::{Context, Key, Losses, Made, Refusal, Strategy, Work};
use crate::pointer::{self, Pointer};
use crate::provider::Provider;
use crate::sanitizer::{Clean, Sanitizer, Untrusted};
use crate::script::{Call, Outcome as Scripted, Sandbox, Script};

/// How two values become one.
#[derive(Debug)]
pub enum Merge {
    /// A native strategy.
    Strategy(Strategy),
    /// A script of the author's.
    Script(Script),
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// Where its value stands in the anonymous metadata.
    pub from: Pointer,
    /// The pointer as text: findings begin with it.
    pub from_text: String,
    /// The metadata object that it writes.
    pub sink: Sink,
    /// The root that it writes.
    pub root: String,
    /// Triggers that it runs on; none: all.
    pub on: Option<Vec<Trigger>>,
    /// Whether text may be parsed.
    pub parse: Parse,
    /// What may pass.
    pub sanitizer: Sanitizer,
    /// What the result must be; it asserts and never cuts.
    pub result: Option<Sanitizer>,
    /// How two values become one.
    pub merge: Merge,
    /// Bytes of the largest value that its sanitizer lets pass; none if its author opened it.
    pub bytes_max: Option<u64>,
    /// Laws that it need not keep, each with the author's reason.
    pub waivers: Vec<(String, String)>,
    /// Whether it writes, or only reports what it would write.
    pub mode: Mode,
    /// Whether a hand-over may come to it only once, because it adds, or because that is not known.
    pub needs_once: bool,
    /// What can hold its root.
    pub provider: Provider,
}

/// Whether a rule writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It writes.
    #[default]
    Apply,
    /// It runs and reports what it would write.
    Observe,
}

/// What a rule did.
#[derive(Debug)]
pub enum Outcome {
    /// It makes a new value.
    Write(Merged),
    /// Nothing changes.
    Keep,
    /// It wrote nothing, for this reason.
    Failed(Notice),
}

/// What all rules of one event share.
#[derive(Clone, Copy)]
pub struct EvalContext<'a> {
    /// The sandbox of the policy.
    pub sandbox: &'a Sandbox,
    /// What scripts see as `context`.
    pub context: &'a Json,
    /// The clock of the event, for strategies.
    pub now: Context,
    /// What the event's merges did so far.
    pub tally: &'a Tally,
}

impl<'a> EvalContext<'a> {
    /// What the rules of a policy run in.
    #[must_use]
    pub fn new(sandbox: &'a Sandbox, context: &'a Json, now: Context, tally: &'a Tally) -> Self {
        Self { sandbox, context, now, tally }
    }
}

/// What merges did, beside their results.
#[derive(Debug, Default)]
pub struct Tally {
    /// Units of work that they took.
    operations: Cell<u64>,
    /// Items of lists that they did not take.
    losses: RefCell<Losses>,
}

impl Tally {
    fn add(&self, operations: u64, losses: Losses) {
        self.operations.set(self.operations.get().saturating_add(operations));
        self.losses.replace(losses);
    }

    /// Units of work so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// What the last merge did not take, once.
    #[must_use]
    pub fn take_losses(&self) -> Losses {
        self.losses.take()
    }
}

impl Rule {
    /// Whether the rule runs on a trigger.
    #[must_use]
    pub fn runs_on(&self, trigger: Trigger) -> bool {
        self.on.as_ref().is_none_or(|triggers| triggers.contains(&trigger))
    }

    /// The anonymous value that the rule reads, if it runs on this event at all.
    #[must_use]
    pub fn value(&self, event: &Event, session: &Session) -> Found {
        if self.runs_on(event.trigger) { self.found(session) } else { Found::Nothing }
    }

    /// The anonymous value that the rule reads.
    pub(crate) fn found(&self, session: &Session) -> Found {
        let text = if self.sanitizer.allows(Kind::String) { TextAllowed::Yes } else { TextAllowed::No };
        session.value(&self.from, self.parse, text)
    }

    /// The finding of text on the way to the value that is no JSON.
    #[must_use]
    pub fn unreadable(&self, steps: usize) -> Finding {
        let mut pointer = String::new();
        self.from.tokens().iter().take(steps).for_each(|token| pointer::push(&mut pointer, token));
        let finding = Finding::new(Some(Arc::clone(&self.name)), Notice::Place(Keyword::Type, Action::Drop));
        Finding { pointer, ..finding }
    }

    /// Sanitizes an anonymous value; its fates say what it lost.
    #[must_use]
    pub fn sanitize(&self, untrusted: &Untrusted, budget: &Budget) -> (Option<Clean>, Option<Fates>) {
        let Some(place) = untrusted.0.view().place() else { return (None, None) };
        let mut fates = Fates::of(place);
        (self.sanitizer.apply(untrusted, &mut fates, budget), Some(fates))
    }

    /// The findings of the places that a value lost, and how many there are beyond `entries_max`.
    #[must_use]
    pub fn findings(&self, untrusted: &Untrusted, fates: &Fates, entries_max: usize) -> (Vec<Finding>, usize) {
        let Some(place) = untrusted.0.view().place().filter(|_| !fates.all_kept()) else { return (Vec::new(), 0) };
        let Report { entries, omitted } = fates.report(place, &self.from_text, entries_max, &self.sanitizer);
        let findings = entries.into_iter().map(|entry| {
            let Entry { pointer, keyword, action, cause, count, .. } = entry;
            let finding = Finding::new(Some(Arc::clone(&self.name)), Notice::Place(keyword, action));
            Finding { pointer, cause, count, ..finding }
        });
        (findings.collect(), omitted)
    }

    /// Merges a clean value into the account's.
    #[must_use]
    pub fn merge(&self, account: Option<View<'_>>, clean: &Clean, around: EvalContext<'_>, budget: &Budget) -> Outcome {
        match self.made(account, clean, around, budget) {
            Ok(Some(value)) => self
                .checked(account, clean.json().view(), value, budget)
                .unwrap_or_else(|Overrun| Outcome::Failed(Notice::BudgetExceeded(ScriptStop::default()))),
            Ok(None) => Outcome::Keep,
            Err(notice) => Outcome::Failed(notice),
        }
    }

    /// What the merge makes, before anything is asked of it; nothing, if it leaves the account's value.
    ///
    /// # Errors
    /// Why there is no result.
    pub fn made(
        &self,
        account: Option<View<'_>>,
        clean: &Clean,
        around: EvalContext<'_>,
        budget: &Budget,
    ) -> Result<Option<Json>, Notice> {
        let shape = self.result.as_ref().unwrap_or(&self.sanitizer);
        if account.is_some_and(|value| !shape.allows(value.kind())) {
            return Err(Notice::AccountShape);
        }
        let anonymous = clean.json().view();
        match &self.merge {
            Merge::Strategy(strategy) => {
                let (before, mut losses) = (budget.spent(), Losses::default());
                let mut work = Work { context: around.now, budget, losses: &mut losses };
                let made = strategy.merge(account, anonymous, &mut work);
                around.tally.add(budget.spent() - before, losses);
                match made {
                    Ok(Made::Keep) => Ok(None),
                    Ok(Made::Write(value)) => Ok(Some(value)),
                    Err(Refusal::AccountShape) => Err(Notice::AccountShape),
                    Err(Refusal::Overrun) => Err(Notice::BudgetExceeded(ScriptStop::default())),
                }
            }
            Merge::Script(script) => scripted(script, account, anonymous, around, budget),
        }
    }

    /// The strategy, or those that the script calls.
    #[must_use]
    pub fn strategies(&self) -> &[Strategy] {
        match &self.merge {
            Merge::Strategy(strategy) => std::slice::from_ref(strategy),
            Merge::Script(script) => &script.calls().strategies,
        }
    }

    /// The keys by which it tells items of lists apart.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.strategies().iter().flat_map(Strategy::keys).collect()
    }

    /// Logins for it.
    #[must_use]
    pub fn generator(&self, seed: u64) -> Generator<'_> {
        let both = (self.result.as_ref().unwrap_or(&self.sanitizer), &self.sanitizer);
        let triggers = self.on.clone().unwrap_or_else(|| vec![Trigger::Login, Trigger::Signup]);
        let read = match &self.merge {
            Merge::Script(script) => (script.calls().constants.as_slice(), script.calls().names.as_slice()),
            Merge::Strategy(_) => (&[][..], &[][..]),
        };
        Generator::new(both, seed, triggers, read)
    }

    /// What the sanitizer leaves of a value of nobody's, if that is something to merge, and the work that this took.
    #[must_use]
    pub fn clean(&self, anonymous: &Json, limits: &Limits) -> (Option<Clean>, u64) {
        let document = Document::read(anonymous.view().to_text().as_bytes()).ok();
        let budget = Budget::new(limits.rule_work);
        let clean = document.and_then(|document| self.sanitize(&Untrusted(document.root().to_json()), &budget).0);
        let holds_something = |clean: &Clean| !clean.json().view().is_null() && !is_empty(clean.json().view());
        (clean.filter(holds_something), budget.spent())
    }

    /// What it makes of an account's value and a clean one, and the work that this took: off the path of requests.
    #[must_use]
    pub fn apply(
        &self,
        sandbox: &Sandbox,
        limits: &Limits,
        account: Option<View<'_>>,
        clean: &Clean,
        (now, trigger): (Context, Trigger),
    ) -> (Applied, u64) {
        let budget = Budget::new(limits.rule_work);
        let context = script_context(trigger.word(), "auth0|1", "anon@1", now, Json::empty_object());
        let tally = Tally::default();
        let context = EvalContext::new(sandbox, &context, now, &tally);
        let applied = match self.merge(account.filter(|account| !account.is_null()), clean, context, &budget) {
            Outcome::Write(merged) => Applied::Wrote(merged.json().clone()),
            Outcome::Keep => Applied::Kept,
            Outcome::Failed(notice) => Applied::Failed(notice),
        };
        (applied, budget.spent())
    }

    /// A result, unless it is the account's value already, or one that must not be written.
    fn checked(
        &self,
        account: Option<View<'_>>,
        clean: View<'_>,
        value: Json,
        budget: &Budget,
    ) -> Result<Outcome, Overrun> {
        let view = value.view();
        budget.charge(view.weight())?;
        if account.map_or_else(|| is_empty(view), |account| same(account, view)) {
            return Ok(Outcome::Keep);
        }
        if has_unstorable_name(view, clean.place(), self.provider) {
            return Ok(Outcome::Failed(Notice::NameNotStorable));
        }
        if view.has_long_number(&|number| self.provider.holds_number(number)) {
            return Ok(Outcome::Failed(Notice::NumberRange));
        }
        if let Some(result) = &self.result
            && !result.accepts_within(view, budget)?
        {
            return Ok(Outcome::Failed(Notice::ResultInvalid));
        }
        Ok(Outcome::Write(Merged::new(value)))
    }
}

/// What one rule made of two values.
#[derive(Debug)]
pub enum Applied {
    /// Nothing of the visitor's was left to merge.
    Idle,
    /// A new value.
    Wrote(Json),
    /// The account's value stays.
    Kept,
    /// It stays, for this reason.
    Failed(Notice),
}

/// What scripts see as `context`.
pub(crate) fn script_context(trigger: &str, account_id: &str, session_id: &str, now: Context, request: Json) -> Json {
    let member = |name: &str, value: Json| (Json::text(name), value);
    let created_at = Json::Int(now.session_created_at);
    Json::object(vec![
        member("trigger", Json::text(trigger)),
        member("now", Json::Int(now.now)),
        member("account_id", Json::text(account_id)),
        member("session", Json::object(vec![member("id", Json::text(session_id)), member("created_at", created_at)])),
        member("request", request),
    ])
}

/// What a script makes.
fn scripted(
    script: &Script,
    account: Option<View<'_>>,
    anonymous: View<'_>,
    around: EvalContext<'_>,
    budget: &Budget,
) -> Result<Option<Json>, Notice> {
    let call = Call { account, anonymous, context: around.context, now: around.now };
    let before = budget.spent();
    let stop = |at, cause| ScriptStop { at, cause };
    let made = around.sandbox.merge(script, call, budget);
    let losses = match &made {
        Scripted::Value(value, losses) => losses.clone().beside(value.view()),
        _ => Losses::default(),
    };
    around.tally.add(budget.spent() - before, losses);
    Err(match made {
        Scripted::Value(Json::Null, _) if account.is_none() => return Ok(None),
        Scripted::Value(value, _) if value.view().is_null() => {
            let cause = "the result is null, which would delete the root".to_owned();
            Notice::ScriptFailed(stop(None, Some(cause)))
        }
        Scripted::Value(value, _) => return Ok(Some(value)),
        Scripted::Skip(reason) => Notice::Skipped(reason),
        Scripted::Failed(at, cause) => Notice::ScriptFailed(stop(at, cause)),
        Scripted::Overrun(at) => Notice::BudgetExceeded(stop(at, None)),
        Scripted::Discard(reason) => Notice::Discarded(reason),
        Scripted::AccountShape => Notice::AccountShape,
        Scripted::Inexact => Notice::NumberRange,
    })
}

/// Nothing to merge: `{}` or `[]`.
pub(crate) fn is_empty(value: View<'_>) -> bool {
    matches!(value.kind(), Kind::Array | Kind::Object) && value.is_empty()
}

/// Whether the provider cannot store a name of the result. The account's own count too: its root is written as a whole.
/// Those of the sanitized value were judged.
fn has_unstorable_name(value: View<'_>, judged: Option<Place<'_>>, provider: Provider) -> bool {
    let is_judged = |view: View<'_>| view.place().zip(judged).is_some_and(|(place, judged)| place.is_in(judged));
    if provider == Provider::Generic || is_judged(value) {
        return false;
    }
    let named = |(name, value): (View<'_>, View<'_>)| {
        let is_unfit = name.as_text().is_some_and(|name| !provider.holds_name(&name.decode()));
        (is_unfit && !is_judged(name)) || has_unstorable_name(value, judged, provider)
    };
    value.items().any(|item| has_unstorable_name(item, judged, provider)) || value.named_members().any(named)
}
