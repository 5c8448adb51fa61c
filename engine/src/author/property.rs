//! What must hold for every event, whatever it is: each fixture is also a property test.

use std::collections::BTreeMap;

use super::judge::{after, without};
use crate::decision::{Command, Decision, Finding, SkipReason, Status};
use crate::event::{Event, Sink};
use crate::fate::{Counts, What};
use crate::json::{Document, Json, Kind, View};
use crate::pointer;
use crate::receipt;
use crate::rule::{Mode, Rule};
use crate::ruleset::{Given, RuleSet, read_all};

/// The properties that an event violates, by name; none is what everybody wants.
#[must_use]
pub fn violated(rules: &RuleSet, body: &[u8]) -> Vec<&'static str> {
    let Ok(event) = Event::read(body, rules.provider()) else { return Vec::new() };
    let decide = |event: &Event| rules.evaluate(event, &Given::assumed());
    let decision = decide(&event);
    let checks: [(&'static str, bool); 6] = [
        ("two runs give the same bytes", decide(&event).to_bytes() == decision.to_bytes()),
        ("the same login again changes nothing", relogin_changes_nothing(rules, &event, &decision, body)),
        ("shuffled members give the same decision", shuffled_is_the_same(rules, &decision, body)),
        ("sanitizing twice is sanitizing once", sanitizing_is_stable(rules, &event)),
        ("in = kept + changed + dropped + unread", fates_add_up(rules, &event)),
        ("the sinks' budget is kept", budget_is_kept(rules, &decision)),
    ];
    checks.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
}

/// With the account as the decision left it, the same login changes nothing: the receipt skips it, and without the
/// receipt law L2 holds, unless a rule adds. What a rule could not write may still come.
fn relogin_changes_nothing(rules: &RuleSet, event: &Event, decision: &Decision, body: &[u8]) -> bool {
    if decision.status.reason().is_some() {
        return true;
    }
    let Ok(document) = Document::read(body) else { return false };
    let decide = |[app, user]: [Json; 2]| {
        let body = with_account(document.root(), &app, &user).view().to_text();
        let event = Event::read(body.as_bytes(), rules.provider()).ok()?;
        let decision = rules.evaluate(&event, &Given::assumed());
        Some((event, decision))
    };
    let has_receipt = decision.commands.iter().any(|command| matches!(command, Command::SetReceipt(_)));
    let is_through =
        !has_receipt || decide(after(event, decision)).is_some_and(|(_, again)| is_through(rules, decision, &again));
    // and as if there were no receipts
    let [app, user] = [Sink::App, Sink::User].map(|sink| event.metadata(sink).clone());
    let Some((event, decision)) = decide([without(app, receipt::ROOT), user]) else { return false };
    let [app, user] = after(&event, &decision);
    // without the receipt, what needs it counts again
    let counts = |rule: &Rule| rules.takes_once() && rule.needs_once;
    let again = decide([without(app, receipt::ROOT), user]);
    is_through && again.is_some_and(|(_, again)| is_quiet(rules, &decision, &again, &counts))
}

/// Whether a second login is skipped; if a rule wrote nothing at the first one, it alone may write.
fn is_through(rules: &RuleSet, first: &Decision, again: &Decision) -> bool {
    let is_left = first.findings.iter().any(Finding::keeps_session);
    if is_left {
        is_quiet(rules, first, again, &|_| false)
    } else {
        again.status == Status::Skipped(SkipReason::AlreadyTransferred)
    }
}

/// Whether a second login writes no root but those of rules that wrote nothing at the first one, or that `may` write again.
fn is_quiet(rules: &RuleSet, first: &Decision, again: &Decision, may: &dyn Fn(&Rule) -> bool) -> bool {
    let may_write = |rule: &Rule| {
        if may(rule) {
            return true;
        }
        let its = |one: &Finding| {
            // about the event: only what needs once waits for it
            let is_its = one.rule.as_ref().map_or(rule.needs_once, |name| *name == rule.name);
            one.keeps_session() && is_its
        };
        first.findings.iter().any(its)
    };
    again.commands.iter().all(|command| match command {
        Command::Set { sink, key, .. } => {
            rules.rules().iter().any(|rule| (rule.sink, &rule.root) == (*sink, key) && may_write(rule))
        }
        _ => true,
    })
}

fn with_account(request: View<'_>, app: &Json, user: &Json) -> Json {
    let Some(account) = request.get("account") else { return request.to_json() };
    let account = replaced(account, &[(Sink::App.word(), app.clone()), (Sink::User.word(), user.clone())]);
    replaced(request, &[("account", account)])
}

/// An object with these members set.
fn replaced(object: View<'_>, changes: &[(&str, Json)]) -> Json {
    let is_changed = |name: View<'_>| name.as_text().is_some_and(|name| changes.iter().any(|(own, _)| name.is(own)));
    let kept = object.named_members().filter(|(name, _)| !is_changed(*name));
    let mut members: Vec<_> = kept.map(|(name, value)| (name.to_json(), value.to_json())).collect();
    members.extend(changes.iter().map(|(name, value)| (Json::text(name), value.clone())));
    Json::object(members)
}

/// Members in reverse order, everywhere; the same commands, findings and status must come of it. Only the receipt knows
/// that the bytes are others.
fn shuffled_is_the_same(rules: &RuleSet, decision: &Decision, body: &[u8]) -> bool {
    let Ok(document) = Document::read(body) else { return false };
    let shuffled = shuffled(document.root(), rules).view().to_text();
    let Ok(event) = Event::read(shuffled.as_bytes(), rules.provider()) else { return false };
    let other = rules.evaluate(&event, &Given::assumed());
    let bytes = |decision: &Decision| Document::read(&without_content(decision).to_bytes());
    matches!((bytes(decision), bytes(&other)), (Ok(a), Ok(b)) if crate::json::same(a.root(), b.root()))
}

/// A request with the members of every object in reverse order. Where the account has a receipt, the metadata stays as it
/// is: the receipt knows its bytes.
fn shuffled(request: View<'_>, rules: &RuleSet) -> Json {
    let app = request.get("account").and_then(|account| account.get(Sink::App.word()));
    let session = request.get("anonymous_session").filter(|session| session.kind() == Kind::Object);
    let metadata = session.and_then(|session| session.get("metadata"));
    let has_receipt = rules.takes_once() && app.is_some_and(|app| app.get(receipt::ROOT).is_some());
    match (session, metadata) {
        (Some(session), Some(metadata)) if has_receipt => {
            let session = replaced(reversed(session).view(), &[("metadata", metadata.to_json())]);
            replaced(reversed(request).view(), &[("anonymous_session", session)])
        }
        _ => reversed(request),
    }
}

/// A decision whose receipt does not know the bytes of the metadata.
fn without_content(decision: &Decision) -> Decision {
    let mut decision = decision.clone();
    for command in &mut decision.commands {
        if let Command::SetReceipt(receipt) = command {
            receipt.forget_content();
        }
    }
    decision
}

/// The value with the members of every object in reverse order.
#[must_use]
pub fn reversed(view: View<'_>) -> Json {
    match view.kind() {
        Kind::Array => Json::list(view.items().map(reversed).collect()),
        Kind::Object => {
            let mut members: Vec<_> =
                view.named_members().map(|(name, value)| (name.to_json(), reversed(value))).collect();
            members.reverse();
            Json::object(members)
        }
        _ => view.to_json(),
    }
}

fn sanitizing_is_stable(rules: &RuleSet, event: &Event) -> bool {
    let Some(session) = &event.session else { return true };
    rules.rules().iter().all(|rule| {
        let Some(clean) =
            rule.value(event, session).value().and_then(|untrusted| rule.sanitize(&untrusted, &rules.budget()).0)
        else {
            return true;
        };
        let text = clean.json().view().to_text();
        let again = rule.sanitizer.sanitize(text.as_bytes(), 1);
        again.report.entries.is_empty() && again.output.is_some_and(|output| output.view().to_text() == text)
    })
}

/// The nodes of the anonymous metadata by their fate, each once: the best of what the rules that read it made of it. Text
/// that a rule parses counts as what it holds.
#[must_use]
pub fn census(rules: &RuleSet, event: &Event) -> Option<(usize, Counts)> {
    let session = event.session.as_ref()?;
    let mut ranks = BTreeMap::new();
    for (rule, read) in
        rules
            .rules()
            .iter()
            .zip(read_all(rules.rules(), session, &|rule| rule.runs_on(event.trigger), &|| rules.budget()))
    {
        let Some(reading) = read.reading().filter(|_| rule.mode == Mode::Apply) else { continue };
        let place = reading.untrusted.0.view().place()?;
        let (one, own) = (reading.fates.counts(place), reading.untrusted.0.view().nodes());
        let left = reading.clean.as_ref().map_or(0, |clean| clean.json().view().nodes());
        let lost = reading.fates.only_removed() && left != 0 && left != one.kept + one.changed;
        if own != one.kept + one.changed + one.dropped + one.elsewhere || lost {
            return None;
        }
        reading.fates.each(place, &mut rule.from.tokens().to_vec(), &mut |path, what| {
            let rank = Rank::of(what);
            let best = ranks.entry(path.to_vec()).or_insert(rank);
            *best = rank.max(*best);
        });
    }
    unread(session.metadata()?, &mut Vec::new(), &mut ranks);
    let count = |rank| ranks.values().filter(|own| **own == rank).count();
    let (kept, changed, dropped) = (count(Rank::Kept), count(Rank::Changed), count(Rank::Dropped));
    Some((ranks.len(), Counts { kept, changed, dropped, unread: count(Rank::Unread), elsewhere: 0 }))
}

/// What became of a node, the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unread,
    Dropped,
    Changed,
    Kept,
}

impl Rank {
    fn of(what: What) -> Self {
        match what {
            What::Kept => Self::Kept,
            What::Truncated | What::Replaced => Self::Changed,
            _ => Self::Dropped,
        }
    }
}

/// Adds the nodes that no rule reads.
fn unread(view: View<'_>, path: &mut Vec<String>, ranks: &mut BTreeMap<Vec<String>, Rank>) {
    let Some(place) = view.place() else { return };
    ranks.entry(path.clone()).or_insert(Rank::Unread);
    for (token, child) in pointer::children(place) {
        path.push(token);
        unread(View::Place(child), path, ranks);
        path.pop();
    }
}

fn fates_add_up(rules: &RuleSet, event: &Event) -> bool {
    let has_metadata = event.session.as_ref().is_some_and(|session| session.metadata().is_some());
    match census(rules, event) {
        None => !has_metadata,
        Some((total, counts)) => total == counts.kept + counts.changed + counts.dropped + counts.unread,
    }
}

fn budget_is_kept(rules: &RuleSet, decision: &Decision) -> bool {
    use crate::decision::sink_bytes;
    [Sink::App, Sink::User].into_iter().all(|sink| {
        let bytes = decision.commands.iter().map(|command| match command {
            Command::Set { sink: own, key, value } if *own == sink => {
                sink_bytes(key, value.json().view().compact_bytes())
            }
            Command::SetReceipt(receipt) if sink == Sink::App => {
                sink_bytes(receipt::ROOT, receipt.to_json().view().compact_bytes())
            }
            _ => 0,
        });
        bytes.sum::<usize>() <= rules.limits().sink_bytes
    })
}
