//! What became of each place of an event's anonymous metadata, and why: a view of the fates, and of what the account has
//! in the end. Never a value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::judge::after;
use crate::decision::{Decision, Effect, Finding, Notice, SkipReason};
use crate::event::{Event, Sink};
use crate::fate::{Fates, Keyword, Names, What};
use crate::json::{Json, Kind, Position, Text, View, same};
use crate::merge::{Takes, takes};
use crate::pointer::{self, Pointer};
use crate::policy::Files;
use crate::rule::{Merge, Mode, Rule};
use crate::ruleset::{Given, RuleSet, at_merge, declared_merge, read_all};
use crate::sanitizer;
use crate::script::{Trace, decided_by};

/// What became of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The place, a JSON Pointer into the anonymous metadata.
    pub pointer: String,
    /// `kept`, `changed`, `dropped` or `unread`.
    pub fate: &'static str,
    /// The rule that read it.
    pub rule: Option<Arc<str>>,
    /// What says so: the keyword of what was not kept; of what was kept and the account does not have, the merge function,
    /// or why the rule wrote nothing.
    pub code: Option<String>,
    /// Where that stands: a file of the policy, and the place in it.
    pub by: Option<(String, Position)>,
    /// Where it goes on, if the account has it in the end: the root that the rule writes.
    pub to: Option<String>,
    /// Whether a script decides what becomes of it: then what the account has in the end says whether it came there.
    pub inferred: bool,
}

/// The fates in the order of the metadata, each place once: kept, changed, dropped, unread. Of a place that several rules
/// read, the one says most that the account has it from.
#[must_use]
pub fn explain(rules: &RuleSet, files: &Files, event: &Event) -> Vec<Told> {
    let Some(session) = event.session.as_ref() else { return Vec::new() };
    let Some(metadata) = session.metadata() else { return Vec::new() };
    let decision = rules.evaluate(event, &Given::assumed());
    let [app, user] = after(event, &decision);
    let mut told = Places::new();
    for (rule, read) in
        rules
            .rules()
            .iter()
            .zip(read_all(rules.rules(), session, &|rule| rule.runs_on(event.trigger), &|| rules.budget()))
    {
        let Some(reading) = read.reading().filter(|_| rule.mode == Mode::Apply) else { continue };
        let (untrusted, fates) = (&reading.untrusted, &reading.fates);
        let skipped = decision.status.reason().map(SkipReason::word);
        let failure = skipped.or_else(|| failure(rule, &decision));
        let state: &Json = if rule.sink == Sink::App { &app } else { &user };
        let result = state.view().get(&rule.root).filter(|_| failure.is_none());
        let mut came = BTreeSet::new();
        compare(untrusted.0.view(), fates, result, &mut came);
        let skipped = skipped.is_some();
        let is_stopped = matches!(failure, Some("script_failed" | "budget_exceeded"));
        let stopped = if is_stopped { stopped(rules, files, event) } else { None };
        let mut walk = Walk { rule, files, fates, failure, skipped, stopped, came, told: &mut told };
        walk.place(untrusted.0.view(), Above::default(), None, &mut At::of(rule));
    }
    let shows = |name: &str| rules.rules().iter().any(|rule| rule.sanitizer.shows(name));
    unread(metadata, &shows, &mut At::default(), &mut told);
    let mut told: Vec<Told> = told.into_values().collect();
    told.sort_by_cached_key(|one| order(&one.pointer));
    told
}

/// What is told of each place, by its path.
type Places = BTreeMap<Vec<String>, Told>;

/// A place: its path, and the pointer that may be printed.
#[derive(Default)]
struct At {
    path: Vec<String>,
    pointer: String,
}

impl At {
    fn of(rule: &Rule) -> Self {
        Self { path: rule.from.tokens().to_vec(), pointer: rule.from_text.clone() }
    }

    /// Visits a place below this one.
    fn below(&mut self, token: &str, shown: &str, visit: &mut dyn FnMut(&mut Self)) {
        let length = self.pointer.len();
        self.path.push(token.to_owned());
        pointer::push(&mut self.pointer, shown);
        visit(self);
        self.pointer.truncate(length);
        self.path.pop();
    }
}

/// How much a rule says of a place: that the account has it says most.
fn says(told: &Told) -> (usize, bool) {
    let rank = ["unread", "dropped", "changed", "kept"].iter().position(|fate| *fate == told.fate);
    (rank.unwrap_or(0), told.to.is_some())
}

fn tell(told: &mut Places, path: &[String], one: Told) {
    match told.get_mut(path) {
        Some(own) if says(own) >= says(&one) => {}
        Some(own) => *own = one,
        None => drop(told.insert(path.to_vec(), one)),
    }
}

/// Token by token, indexes by their number and before names (P6).
fn order(pointer: &str) -> Vec<(bool, usize, String)> {
    let key = |token: &str| match token.parse::<usize>() {
        Ok(index) => (false, index, String::new()),
        Err(_) => (true, 0, token.to_owned()),
    };
    pointer.split('/').skip(1).map(key).collect()
}

/// How many places met each fate, in the order kept, changed, dropped, unread.
#[must_use]
pub fn counts(told: &[Told]) -> [usize; 4] {
    ["kept", "changed", "dropped", "unread"].map(|fate| told.iter().filter(|one| one.fate == fate).count())
}

/// Why a rule wrote nothing, if something kept it from that.
fn failure(rule: &Rule, decision: &Decision) -> Option<&'static str> {
    let its = |one: &&Finding| match &one.rule {
        Some(name) => *name == rule.name && stops(&one.notice),
        None => rule.needs_once && one.notice == Notice::ReceiptUnreadable,
    };
    decision.findings.iter().find(its).map(|one| one.notice.keyword())
}

/// Whether a rule of this notice wrote nothing of what the visitor brought.
fn stops(notice: &Notice) -> bool {
    matches!(notice, Notice::Discarded(_) | Notice::AlreadyCounted) || notice.effect() == Effect::Keep
}

/// Finds the places of a value that a result has too, and says how much it has of it: members under their names, items
/// where they fit best, a text counting more than a number.
fn compare(view: View<'_>, fates: &Fates, result: Option<View<'_>>, came: &mut BTreeSet<u32>) -> usize {
    let Some(place) = view.place() else { return 0 };
    let (what, ..) = fates.of_node(place.at);
    let score = match (what, view.kind()) {
        (What::Dropped | What::Cut | What::Elsewhere | What::Opened, _) => return 0,
        (What::Replaced, _) => usize::from(result.is_some()),
        (_, Kind::Object) => {
            let own = result.filter(|result| result.kind() == Kind::Object);
            let members = view
                .members()
                .map(|(name, value)| compare(value, fates, own.and_then(|own| own.get(&name.decode())), came));
            members.sum::<usize>() + usize::from(own.is_some())
        }
        (_, Kind::Array) => {
            let own = result.filter(|result| result.kind() == Kind::Array);
            let items = view.items().map(|item| compare(item, fates, best(item, fates, own), came));
            items.sum::<usize>() + usize::from(own.is_some())
        }
        (_, kind) => {
            let is_there = result.is_some_and(|result| same(result, view));
            if !is_there {
                0
            } else if kind == Kind::String {
                4
            } else {
                2
            }
        }
    };
    if score > 0 {
        came.insert(place.at);
    }
    score
}

/// The item of a list that has most of a value.
fn best<'r>(item: View<'_>, fates: &Fates, list: Option<View<'r>>) -> Option<View<'r>> {
    let items = list.into_iter().flat_map(View::items);
    let scored = items.map(|one| (compare(item, fates, Some(one), &mut BTreeSet::new()), one));
    // the first of equals; one that has no more than its kind in common is another one
    let best = scored.fold(
        None,
        |best: Option<(usize, View<'r>)>, (score, one)| {
            if score > best.map_or(1, |(most, _)| most) { Some((score, one)) } else { best }
        },
    );
    best.map(|(_, one)| one)
}

/// What a place has from those above it.
#[derive(Clone, Copy, Default)]
struct Above {
    /// The fate of what it stands in, unless that was kept.
    fate: Option<(&'static str, Keyword, u16)>,
    /// What shortened its list.
    cut: Option<(Keyword, u16)>,
}

/// The places of one rule's value.
struct Walk<'a> {
    rule: &'a Rule,
    files: &'a Files,
    fates: &'a Fates,
    /// Why the rule wrote nothing.
    failure: Option<&'static str>,
    /// Whether no rule ran.
    skipped: bool,
    /// Where its script stopped.
    stopped: Option<(String, Position)>,
    /// The places that the account has in the end.
    came: BTreeSet<u32>,
    told: &'a mut Places,
}

impl Walk<'_> {
    /// What is below a dropped place is dropped with it; `name` is that of the nearest member.
    fn place(&mut self, view: View<'_>, Above { fate: above, cut }: Above, name: Option<&str>, at: &mut At) {
        let Some(place) = view.place() else { return };
        let (what, keyword, by) = self.fates.of_node(place.at);
        // an item is cut by what shortened its list
        let (keyword, by) = cut.filter(|_| what == What::Cut).unwrap_or((keyword, by));
        let own = match what {
            What::Kept | What::Opened => None,
            What::Truncated | What::Replaced => Some(("changed", keyword, by)),
            What::Dropped | What::Cut => Some(("dropped", keyword, by)),
            What::Elsewhere => return,
        };
        // what failed by itself says more than what it took with it
        let fate = own.filter(|(fate, ..)| above.is_none() || *fate == "dropped").or(above);
        let own_by = by;
        let passed = fate.is_none_or(|(fate, ..)| fate == "changed");
        let came = passed && self.came.contains(&place.at);
        let (code, by) = match fate {
            Some((_, keyword, by)) => (Some(keyword.word().to_owned()), self.keyword_place(keyword, by)),
            None if came && matches!(self.rule.merge, Merge::Script(_)) => (None, self.merged(at).1),
            None if came => (None, None),
            None if !self.skipped && self.is_empty(view) => (Some("empty".to_owned()), None),
            None => self.merged(at),
        };
        let rule = self.rule;
        let one = Told {
            pointer: at.pointer.clone(),
            fate: fate.map_or("kept", |(fate, ..)| fate),
            rule: Some(Arc::clone(&rule.name)),
            code,
            by,
            to: came.then(|| format!("{}.{}", rule.sink.word(), rule.root)),
            inferred: passed && matches!(rule.merge, Merge::Script(_)),
        };
        if what != What::Opened {
            tell(self.told, &at.path, one);
        }
        let below = match what {
            What::Dropped | What::Cut | What::Replaced => above.or(Some(("dropped", keyword, own_by))),
            What::Kept | What::Truncated | What::Elsewhere | What::Opened => above,
        };
        let below = Above { fate: below, cut: (what == What::Truncated).then_some((keyword, own_by)) };
        each_child(view, &|name| rule.sanitizer.shows(name), at, &mut |child, own, at| {
            self.place(child, below, own.or(name), at);
        });
    }

    /// Whether nothing is left of a list or an object.
    fn is_empty(&self, view: View<'_>) -> bool {
        let mut children = view.items().chain(view.members().map(|(_, value)| value));
        let is_gone = |child: View<'_>| {
            let what = child.place().map(|place| self.fates.of_node(place.at).0);
            matches!(what, Some(What::Dropped | What::Cut | What::Elsewhere))
        };
        matches!(view.kind(), Kind::Object | Kind::Array) && children.all(is_gone)
    }

    fn keyword_place(&self, keyword: Keyword, by: u16) -> Option<(String, Position)> {
        let file = format!("{}.schema.json", self.rule.name);
        let pointer = self.rule.sanitizer.schema_place(by, keyword);
        sanitizer::place(&file, &self.files.0, &pointer, keyword.word())
    }

    /// What let the account go on without a place that passed.
    fn merged(&self, at: &At) -> Merged {
        let names = names(at.path.get(self.rule.from.tokens().len()..).unwrap_or_default());
        let whole = at_merge(self.rule, self.files);
        match self.failure {
            Some(failure) if self.skipped => (Some(failure.to_owned()), None),
            Some(failure) => (Some(failure.to_owned()), self.stopped.clone().or(Some((whole.file, whole.start)))),
            None => merged(self.rule, self.files, &names),
        }
    }
}

/// A word, and where it stands.
type Merged = (Option<String>, Option<(String, Position)>);

/// What joins the members of a name: the word for them in a declared merge or in the options of a script, or the merge as
/// a whole.
fn merged(rule: &Rule, files: &Files, names: &[String]) -> Merged {
    let whole = at_merge(rule, files);
    if let Merge::Script(script) = &rule.merge {
        let source = files.get(&script.file()).unwrap_or_default();
        let names: Vec<&str> = names.iter().rev().map(String::as_str).collect();
        return match decided_by(source, &names) {
            Some((word, at)) => (Some(word), Some((whole.file, at))),
            None => (Some("merge".to_owned()), Some((whole.file, whole.start))),
        };
    }
    let Some(declared) = declared_merge(rule, files) else { return (None, None) };
    let declared = declared.view();
    let field = names.last().and_then(|name| declared_for(declared, name));
    let at = field.and_then(View::place).map_or(whole.start, crate::json::Place::position);
    (Some(word_of(field.unwrap_or(declared))), Some((whole.file, at)))
}

/// What made a place of the account's metadata as it is after an event, in words, and where the rules say so.
///
/// A place that a visitor brought and nobody has was dropped by a keyword; else its rule wrote nothing, or merged it.
#[must_use]
pub fn blame(rules: &RuleSet, files: &Files, event: &Event, place: &str) -> Option<(String, String, Position)> {
    let place = Pointer::parse(place)?;
    let [sink, root, rest @ ..] = place.tokens() else { return None };
    let rule = rules.rules().iter().find(|rule| rule.sink.word() == sink && rule.root == *root)?;
    let decision = rules.evaluate(event, &Given::assumed());
    let [app, user] = after(event, &decision);
    let state = if rule.sink == Sink::App { &app } else { &user };
    let value = state.view().get(root);
    let is_there = value.and_then(|value| rest.iter().try_fold(value, |value, token| pointer::child(value, token)));
    let names = names(rest);
    if is_there.is_none()
        && let Some(dropped) = dropped(rules, files, event, rule, &names)
    {
        return Some(dropped);
    }
    let whole = at_merge(rule, files);
    if let Some(failure) = failure(rule, &decision) {
        return Some((format!("nothing is written, `{failure}`,"), whole.file, whole.start));
    }
    let (code, by) = merged(rule, files, &names);
    let (file, at) = by?;
    let words = match code.as_deref() {
        Some("merge") | None => "made by the script,".to_owned(),
        Some(code) => format!("kept by `{code}`,"),
    };
    Some((words, file, at))
}

/// Where the first script failed, or had spent its budget, that an event makes: the place of its error, or what ran last.
#[must_use]
pub fn stopped(rules: &RuleSet, files: &Files, event: &Event) -> Option<(String, Position)> {
    let decision = rules.evaluate(event, &Given::assumed());
    decision.findings.iter().find_map(|finding| {
        let (Notice::ScriptFailed(stop) | Notice::BudgetExceeded(stop)) = &finding.notice else { return None };
        let known = stop.at.as_ref();
        let known = known.map(|(file, line, column)| (file.to_string(), Position { line: *line, column: *column }));
        known.or_else(|| last(files, event, finding.rule.as_deref()?))
    })
}

/// What ran last of a rule's script.
fn last(files: &Files, event: &Event, name: &str) -> Option<(String, Position)> {
    let trace = Trace::default();
    let rules = RuleSet::compile_traced(files, &trace).ok()?;
    let rule = rules.rules().iter().find(|rule| *rule.name == *name)?;
    let session = event.session.as_ref()?;
    let clean =
        rule.value(event, session).value().and_then(|untrusted| rule.sanitize(&untrusted, &rules.budget()).0)?;
    let _ = rules.made(rule, event, session, &clean);
    trace.last()
}

/// The first place under these names that a rule's sanitizer dropped, and where its schema says so.
fn dropped(
    rules: &RuleSet,
    files: &Files,
    event: &Event,
    rule: &Rule,
    wanted: &[String],
) -> Option<(String, String, Position)> {
    let is_it = |one: &Told| {
        let own = one.pointer.strip_prefix(&rule.from_text).and_then(Pointer::parse);
        let its = one.fate == "dropped" && one.rule.as_ref() == Some(&rule.name);
        its && own.is_some_and(|own| names(own.tokens()) == wanted)
    };
    let Told { code, by, .. } = explain(rules, files, event).into_iter().find(is_it)?;
    let (file, at) = by?;
    Some((format!("dropped by `{}`,", code?), file, at))
}

/// The tokens that are no index.
fn names(tokens: &[String]) -> Vec<String> {
    tokens.iter().filter(|token| token.parse::<usize>().is_err()).cloned().collect()
}

/// What a declared merge says of the members of a name.
fn declared_for<'m>(merge: View<'m>, name: &str) -> Option<View<'m>> {
    merge.members().find_map(|(own, value)| {
        let by_name = takes(&own.decode()) == Some(Takes::Strategies);
        let found = value.get(name).filter(|view| by_name && matches!(view.kind(), Kind::String | Kind::Array));
        found.or_else(|| declared_for(value, name))
    })
}

/// The first word of a merge: a name, or the function of an object.
fn word_of(merge: View<'_>) -> String {
    match merge.kind() {
        Kind::Array => merge.items().next().map(View::word).unwrap_or_default(),
        Kind::Object => merge.members().next().map(|(name, _)| name.decode().into_owned()).unwrap_or_default(),
        _ => merge.word(),
    }
}

/// The places that no rule reads.
fn unread(view: View<'_>, shows: &dyn Fn(&str) -> bool, at: &mut At, told: &mut Places) {
    let pointer = at.pointer.clone();
    let one = Told { pointer, fate: "unread", rule: None, code: None, by: None, to: None, inferred: false };
    tell(told, &at.path, one);
    each_child(view, shows, at, &mut |child, _, at| unread(child, shows, at, told));
}

/// Each child with its name, if it is a member.
fn each_child(
    view: View<'_>,
    shows: &dyn Fn(&str) -> bool,
    at: &mut At,
    say: &mut dyn FnMut(View<'_>, Option<&str>, &mut At),
) {
    for (index, item) in view.items().enumerate() {
        let token = index.to_string();
        at.below(&token, &token, &mut |at| say(item, None, at));
    }
    for (name, member) in view.members() {
        let name = Text::decode(name);
        at.below(&name, if shows(&name) { &name } else { "*" }, &mut |at| say(member, Some(&name), at));
    }
}
