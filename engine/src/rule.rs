//! One key of the metadata, from source to target: a sanitizer and a merge. The only module that makes [`Merged`].

use std::cell::Cell;
use std::sync::Arc;

use crate::budget::{Budget, TimeIsUp};
use crate::decision::{Finding, Merged, Notice, ScriptStop};
use crate::event::{Event, Found, Parse, Session, Sink, TextAllowed, Trigger};
use crate::fate::{Action, Fates, Keyword};
use crate::json::{Json, Kind, Place, View, same};
use crate::merge::{Context, Made, Refusal, Strategy, Work};
use crate::pointer::{self, Pointer};
use crate::sanitizer::{Clean, Sanitizer, Shape, Untrusted};
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
    /// What a visitor may bring.
    pub shape: Shape,
    /// What the account may hold: the result schema's, if there is one.
    pub account_shape: Shape,
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
pub struct Surroundings<'a> {
    /// The sandbox of the policy.
    pub sandbox: &'a Sandbox,
    /// What scripts see as `context`.
    pub context: &'a Json,
    /// The clock of the event, for strategies.
    pub now: Context,
    /// Operations that a script may take.
    pub operations: u64,
    /// The time that is left for scripts.
    pub time_is_up: Option<&'a TimeIsUp>,
    /// Operations that the event's merges took so far.
    pub spent: &'a Cell<u64>,
}

impl Surroundings<'_> {
    fn spend(self, operations: u64) {
        self.spent.set(self.spent.get().saturating_add(operations));
    }
}

impl Rule {
    /// Whether it adds again at every login, so that a hand-over may come only once.
    #[must_use]
    pub fn needs_once(&self) -> bool {
        match &self.merge {
            Merge::Strategy(strategy) => strategy.needs_once(),
            Merge::Script(script) => script.adds().is_some(),
        }
    }

    /// The anonymous value that the rule reads, if it runs on this event at all.
    #[must_use]
    pub fn value(&self, event: &Event, session: &Session) -> Found {
        if self.on.as_ref().is_some_and(|triggers| !triggers.contains(&event.trigger)) {
            return Found::Nothing;
        }
        let text = if self.sanitizer.allows(Kind::String) { TextAllowed::Yes } else { TextAllowed::No };
        session.value(&self.from, self.parse, text)
    }

    /// The finding of text on the way to the value that is no JSON.
    #[must_use]
    pub fn unreadable(&self, steps: usize) -> Finding {
        let mut pointer = String::new();
        self.from.tokens().iter().take(steps).for_each(|token| pointer::push(&mut pointer, token));
        let notice = Notice::Place(Keyword::Type, Action::Drop);
        Finding { rule: Some(Arc::clone(&self.name)), pointer, notice }
    }

    /// Sanitizes an anonymous value; its fates say what it lost.
    #[must_use]
    pub fn sanitize(&self, untrusted: &Untrusted) -> (Option<Clean>, Option<Fates>) {
        let Some(place) = untrusted.0.view().place() else { return (None, None) };
        let mut fates = Fates::of(place);
        (self.sanitizer.apply(untrusted, &mut fates), Some(fates))
    }

    /// The findings of the places that a value lost, and how many there are beyond `entries_max`.
    #[must_use]
    pub fn findings(&self, untrusted: &Untrusted, fates: &Fates, entries_max: usize) -> (Vec<Finding>, usize) {
        let Some(place) = untrusted.0.view().place().filter(|_| !fates.all_kept()) else { return (Vec::new(), 0) };
        let (mut findings, mut omitted) = (Vec::new(), 0);
        fates.visit(place, &self.from_text, &|name| self.sanitizer.shows(name), &mut |visited| {
            if findings.len() == entries_max {
                omitted += 1;
                return;
            }
            findings.push(Finding {
                rule: Some(Arc::clone(&self.name)),
                pointer: visited.pointer.to_owned(),
                notice: Notice::Place(visited.keyword, visited.action),
            });
        });
        (findings, omitted)
    }

    /// Merges a clean value into the account's.
    #[must_use]
    pub fn merge(&self, account: Option<View<'_>>, clean: &Clean, around: Surroundings<'_>) -> Outcome {
        match self.made(account, clean, around) {
            Ok(Some(value)) => self.checked(account, clean.json().view(), value),
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
        around: Surroundings<'_>,
    ) -> Result<Option<Json>, Notice> {
        let shape = self.result.as_ref().unwrap_or(&self.sanitizer);
        if account.is_some_and(|value| !shape.allows(value.kind())) {
            return Err(Notice::AccountShape);
        }
        let anonymous = clean.json().view();
        match &self.merge {
            Merge::Strategy(strategy) => {
                // native work is bounded by the input; the clock is for scripts, so that strategies always give the same
                let mut work = Work { context: around.now, budget: &mut Budget::new(u64::MAX, None) };
                let made = strategy.merge(account, anonymous, &mut work);
                around.spend(u64::MAX - work.budget.left());
                match made {
                    Ok(Made::Keep) => Ok(None),
                    Ok(Made::Write(value)) => Ok(Some(value)),
                    Err(Refusal::AccountShape) => Err(Notice::AccountShape),
                    Err(Refusal::Overrun) => Err(Notice::BudgetExceeded(ScriptStop::default())),
                }
            }
            Merge::Script(script) => scripted(script, account, anonymous, around),
        }
    }

    /// A result, unless it is the account's value already, or one that must not be written.
    fn checked(&self, account: Option<View<'_>>, clean: View<'_>, value: Json) -> Outcome {
        let view = value.view();
        if account.map_or_else(|| is_empty(view), |account| same(account, view)) {
            return Outcome::Keep;
        }
        let ours = [account, Some(clean)].map(|view| view.and_then(View::place));
        if has_unstorable_name(view, ours) {
            return Outcome::Failed(Notice::NameNotStorable);
        }
        if self.result.as_ref().is_some_and(|result| !result.accepts(view)) {
            return Outcome::Failed(Notice::ResultInvalid);
        }
        Outcome::Write(Merged::new(value))
    }
}

/// What a script makes.
fn scripted(
    script: &Script,
    account: Option<View<'_>>,
    anonymous: View<'_>,
    around: Surroundings<'_>,
) -> Result<Option<Json>, Notice> {
    let call = Call { account, anonymous, context: around.context, now: around.now };
    let mut budget = Budget::new(around.operations, around.time_is_up.cloned());
    let stop = |at, cause| ScriptStop { at, cause };
    let made = around.sandbox.merge(script, call, &mut budget);
    around.spend(around.operations - budget.left());
    Err(match made {
        Scripted::Value(Json::Null) if account.is_none() => return Ok(None),
        Scripted::Value(value) if value.view().is_null() => {
            let cause = "the result is null, which would delete the root".to_owned();
            Notice::ScriptFailed(stop(None, Some(cause)))
        }
        Scripted::Value(value) => return Ok(Some(value)),
        Scripted::Skip(reason) => Notice::Skipped(reason),
        Scripted::Failed(at, cause) => Notice::ScriptFailed(stop(at, cause)),
        Scripted::Overrun(at) => Notice::BudgetExceeded(stop(at, None)),
        Scripted::AccountShape => Notice::AccountShape,
    })
}

/// Nothing to merge: `{}` or `[]`.
pub(crate) fn is_empty(value: View<'_>) -> bool {
    matches!(value.kind(), Kind::Array | Kind::Object) && value.is_empty()
}

/// Whether the provider cannot store a name of the result; those in the account's value and in the sanitized one are
/// the account's own, or were judged.
fn has_unstorable_name(value: View<'_>, judged: [Option<Place<'_>>; 2]) -> bool {
    if value.place().is_some_and(|place| judged.into_iter().flatten().any(|judged| place.is_in(judged))) {
        return false;
    }
    let named = |(name, value): (View<'_>, View<'_>)| {
        let new = !name.place().is_some_and(|name| judged.into_iter().flatten().any(|judged| name.is_in(judged)));
        let dotted = name.as_text().is_some_and(|name| name.decode().contains(['.', '$']));
        (new && dotted) || has_unstorable_name(value, judged)
    };
    value.items().any(|item| has_unstorable_name(item, judged)) || value.named_members().any(named)
}
