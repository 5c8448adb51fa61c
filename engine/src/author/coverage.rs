//! What cases came to of the rules: keywords, annotations, statements and branches of scripts, and what rules write.
//!
//! Each case is decided once more, by rules whose scripts are counted, so that nothing else a test runs counts too.

use std::collections::BTreeMap;

use super::fixture::{Expected, Fixture, matcher};
use super::judge::authorize;
use crate::decision::{Command, Decision};
use crate::diagnostic::{Covered, Diagnostic, Note, Span};
use crate::event::{Event, Found, Session, Sink};
use crate::fate::{Fates, Keyword, Names};
use crate::guard::Guard;
use crate::json::{Document, Place, View};
use crate::pointer;
use crate::policy::{Files, POLICY_FILE};
use crate::rule::{Merge, Mode, Rule, is_empty};
use crate::ruleset::RuleSet;
use crate::sanitizer::{Asked, Untrusted};
use crate::script::Trace;

/// What cases came to so far.
#[derive(Debug)]
pub struct Coverage {
    files: Files,
    rules: RuleSet,
    trace: Trace,
    /// By rule, what its schema was asked, how often its root changed, and how often it did not.
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    schema: Option<Asked>,
    /// What its result schema was asked.
    result: Option<Asked>,
    changed: u64,
    unchanged: u64,
}

impl Coverage {
    /// Of these rules, without any case.
    ///
    /// # Errors
    /// As [`RuleSet::compile`].
    pub fn new(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        let trace = Trace::default();
        let rules = RuleSet::compile_traced(files, &trace)?;
        let seen = rules.rules().iter().map(|rule| {
            let asked = |kind: &str| {
                let file = format!("{}{kind}.schema.json", rule.name);
                files.get(&file).and_then(|text| Asked::of(&file, text, &files.0))
            };
            let seen = Seen { schema: asked(""), result: asked(".result"), changed: 0, unchanged: 0 };
            (rule.name.to_string(), seen)
        });
        let seen = seen.collect();
        Ok(Self { files: files.clone(), rules, trace, seen })
    }

    /// Adds a case; one that is refused or skipped comes to nothing.
    pub fn add(&mut self, fixture: &Fixture) {
        let asserted = Asserted::of(fixture);
        if authorize(fixture, &self.rules).is_some() {
            return;
        }
        let Ok(event) = Event::read(&fixture.body, self.rules.provider()) else { return };
        let decision = self.rules.evaluate(&event, &fixture.given);
        let Some(session) = event.session.as_ref().filter(|_| decision.status.reason().is_none()) else { return };
        for rule in self.rules.rules() {
            if let Some(seen) = self.seen.get_mut(rule.name.as_ref()) {
                seen.add(&self.rules, rule, (&event, session), &decision, &asserted);
            }
        }
    }

    /// Every place of the rules that a case can come to, sorted by file and place.
    #[must_use]
    pub fn places(&self) -> Vec<Covered> {
        let mut places: BTreeMap<_, Covered> = BTreeMap::new();
        let schemas =
            self.seen.values().flat_map(|seen| seen.schema.iter().chain(&seen.result)).flat_map(Asked::answers);
        for one in schemas.chain(self.scripts()).chain(self.rules()) {
            let key = (one.at.span.file.clone(), one.at.span.start, one.at.text.clone());
            match places.get_mut(&key) {
                // two rules may refer to one file
                Some(known) => known.sides.iter_mut().zip(one.sides).for_each(|(side, more)| side.1 += more.1),
                None => drop(places.insert(key, one)),
            }
        }
        places.into_values().collect()
    }

    /// The scripts of rules, and what they share.
    fn scripts(&self) -> Vec<Covered> {
        let used = |file: &str| {
            let own = |rule: &Rule| matches!(&rule.merge, Merge::Script(script) if &*script.file() == file);
            let guard = |guard: &Guard| &*guard.script.file() == file;
            file.starts_with("lib/") || self.rules.rules().iter().any(own) || self.rules.guards().iter().any(guard)
        };
        let scripts = self.files.0.iter().filter(|(file, _)| file.ends_with(".rhai") && used(file));
        scripts.flat_map(|(file, text)| self.trace.of(file, text)).collect()
    }

    /// Each rule, at its name.
    fn rules(&self) -> Vec<Covered> {
        let text = self.files.get(POLICY_FILE).unwrap_or_default();
        let Ok(document) = Document::read(text.as_bytes()) else { return Vec::new() };
        let rules = document.root().get("rules");
        let covered = |rule: View<'_>| {
            let (view, name) = (rule.get("name")?, rule.get("name")?.word());
            // what only observes never changes its root
            self.rules.rules().iter().find(|rule| *rule.name == *name && rule.mode == Mode::Apply)?;
            let Seen { changed, unchanged, .. } = self.seen.get(&name)?;
            let at = Note::new(Span::at_view(POLICY_FILE, view), format!("the root of `{name}`"));
            Some(Covered { at, sides: vec![("never changes", *changed), ("always changes", *unchanged)] })
        };
        rules.into_iter().flat_map(View::items).filter_map(covered).collect()
    }
}

impl Seen {
    /// What an event asked of a rule, and what came of it.
    fn add(
        &mut self,
        rules: &RuleSet,
        rule: &Rule,
        (event, session): (&Event, &Session),
        decision: &Decision,
        asserted: &Asserted,
    ) {
        let Found::Value(untrusted) = rule.value(event, session) else { return };
        let is_its = |sink: Sink, key: &str| sink == rule.sink && key == rule.root;
        let writes = |command: &Command| matches!(command, Command::Set { sink, key, .. } if is_its(*sink, key));
        *(if decision.commands.iter().any(writes) { &mut self.changed } else { &mut self.unchanged }) += 1;
        let (clean, fates) = rule.sanitize(&untrusted, &rules.budget());
        if let (Some(schema), Some(fates)) = (&mut self.schema, fates) {
            ask(schema, rule, &untrusted, &fates, asserted);
        }
        let clean = clean.filter(|clean| !is_empty(clean.json().view()));
        if let (Some(result), Some(clean)) = (&mut self.result, clean) {
            let made = rules.made(rule, event, session, &clean).map(|made| made.view().to_text());
            let document = made.and_then(|text| Document::read(text.as_bytes()).ok());
            if let Some(document) = &document {
                // a result that its schema refuses is not written, which the state says
                result.take(Place { document, at: 0 }, &|_| asserted.has_state_of(rule) || asserted.findings);
            }
        }
    }
}

/// What a case asserts: what it would notice if a keyword did not fail.
struct Asserted {
    /// The metadata objects whose state it says, and roots that may hold anything.
    states: Vec<(Sink, Vec<String>)>,
    /// The places of its findings.
    places: Vec<String>,
    /// Whether it lists all findings.
    findings: bool,
}

impl Asserted {
    fn of(fixture: &Fixture) -> Self {
        let expect = fixture.expect();
        let states = [Sink::App, Sink::User].into_iter().filter_map(|sink| {
            let state = expect.get(sink.word()).filter(|state| matcher(*state).is_none())?;
            let matched = state.members().filter(|(_, value)| matcher(*value).is_some());
            Some((sink, matched.map(|(name, _)| name.decode().into_owned()).collect()))
        });
        let listed: Vec<String> = expect.get("findings").into_iter().flat_map(View::items).map(View::word).collect();
        let places = listed.iter().filter_map(|text| Expected::parse(text).place).map(str::to_owned).collect();
        let findings = expect.get("findings").is_some() && listed.last().is_none_or(|last| last != "…");
        Self { states: states.collect(), places, findings }
    }

    /// Whether it says what the root of a rule is in the end: a state is complete.
    fn has_state_of(&self, rule: &Rule) -> bool {
        self.states.iter().any(|(sink, matched)| *sink == rule.sink && !matched.contains(&rule.root))
    }

    /// Whether a finding stands at a place, or at one that holds it.
    fn has_place(&self, pointer: &str) -> bool {
        let holds = |place: &String| {
            pointer.strip_prefix(place.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.places.iter().any(holds)
    }
}

fn ask(schema: &mut Asked, rule: &Rule, untrusted: &Untrusted, fates: &Fates, asserted: &Asserted) {
    let Some(place) = untrusted.0.view().place() else { return };
    // what is beyond the limits was not looked at
    if fates.of_node(place.at).1 == Keyword::Limit {
        return;
    }
    let (has_state, from) = (asserted.has_state_of(rule), rule.from_text.as_str());
    let mut pointers = BTreeMap::new();
    if !has_state {
        pointers_of(View::Place(place), from.to_owned(), &mut pointers);
    }
    let asserts = |place: Place<'_>| has_state || pointers.get(&place.at).is_some_and(|own| asserted.has_place(own));
    schema.take(place, &asserts);
    fates.visit(place, from, &|name| rule.sanitizer.shows(name), &mut |visited| {
        if has_state || asserted.has_place(visited.pointer) {
            schema.took(visited.action, visited.keyword, visited.by);
        }
    });
}

/// The pointer of each node, names of members among them.
fn pointers_of(view: View<'_>, pointer: String, pointers: &mut BTreeMap<u32, String>) {
    let Some(place) = view.place() else { return };
    for (index, item) in view.items().enumerate() {
        pointers_of(item, format!("{pointer}/{index}"), pointers);
    }
    for (name, value) in view.named_members() {
        let mut below = pointer.clone();
        pointer::push(&mut below, &name.word());
        pointers.extend(name.place().map(|place| (place.at, below.clone())));
        pointers_of(value, below, pointers);
    }
    pointers.insert(place.at, pointer);
}

/// The sides of places that cases came to, of how many.
#[must_use]
pub fn sides(places: &[Covered]) -> (usize, usize) {
    let sides = places.iter().flat_map(|place| &place.sides);
    (sides.clone().filter(|(_, count)| *count > 0).count(), sides.count())
}

/// Hundredths of a percent of the sides that cases came to; nothing that there is to come to is all of it.
#[must_use]
pub fn basis_points(places: &[Covered]) -> usize {
    let (covered, all) = sides(places);
    (covered * 10_000).checked_div(all).unwrap_or(10_000)
}

/// The places with a side that no case came to, each with what is missing.
#[must_use]
pub fn missing(places: &[Covered]) -> Vec<Note> {
    let missing = places.iter().filter_map(|place| {
        let sides: Vec<_> = place.sides.iter().filter(|(_, count)| *count == 0).map(|(side, _)| *side).collect();
        let text = format!("{} {}", place.at.text, sides.join(", "));
        (!sides.is_empty()).then(|| Note::new(place.at.span.clone(), text))
    });
    missing.collect()
}
