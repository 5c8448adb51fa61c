//! Values that a schema allows, made by construction from its plans.
//!
//! A choice point is decided first: the set of a place with one of its branches is another set, with a plan of its own. A
//! container is then made of what the plans of its children make, a scalar is drawn from a few that hold there. What no
//! construction promises (`not`, an `oneOf` of which two branches hold, `unevaluatedProperties`) is asked of the
//! evaluator, and the sanitizer has the last word: each value that is given out is its output.

mod numbers;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::evaluate::Evaluator;
use super::plan::{Choice, ChoiceKind, Plan, find};
use super::schema::Id;
use super::sets::{Applied, SetId, Sets};
use super::table::{PlanRef, Table};
use super::{Sanitizer, Untrusted};
use crate::budget::Budget;
use crate::fate::{Fates, Keyword};
use crate::instant::Millis;
use crate::json::{Document, Json, Kind, Text, View};
use crate::random::Random;

/// How large values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// As few members and items as may be, the least numbers.
    Least,
    /// Every member that may stand there, the greatest numbers.
    Most,
    /// Lists and maps as long as they may be, of items that differ, each as small as may be.
    Many,
    /// The same, with the longest texts.
    Full,
    /// Any.
    Any,
}

/// Values of one schema.
pub struct Sampler<'a> {
    sanitizer: &'a Sanitizer,
    table: Table<'a>,
    sets: Sets<'a>,
    now: Millis,
    extent: Extent,
    /// The scalars of a place, as JSON: few, so that keys collide.
    scalars: BTreeMap<(SetId, Kind), Rc<[String]>>,
    /// The names that the schema of an object leaves open, each with its set.
    names: BTreeMap<SetId, Rc<[(String, SetId)]>>,
    /// Places that one value may still try.
    fuel: usize,
    /// Counts the texts that must differ.
    serial: usize,
    /// What no value could be made for, and how often.
    lacks: BTreeMap<(Id, Keyword), usize>,
}

/// Shows sizes only.
impl std::fmt::Debug for Sampler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sampler({} places)", self.scalars.len())
    }
}

/// Values that are tried before none can be made.
const ATTEMPTS: usize = 8;
/// Values that are tried at a place with a choice.
const CHOICE_ATTEMPTS: usize = 8;
/// Places that one value may try.
const FUEL: usize = 4_096;
/// Choice points of one place that are decided.
const CHOICES_MAX: usize = 64;
/// Nested containers that are made where a schema is recursive.
const DEPTH_MAX: usize = 6;
/// Nested containers of what a schema leaves open.
const OPEN_DEPTH: usize = 2;
/// Items of a list, unless its schema asks for more.
const ITEMS_MAX: usize = 4;
/// Items of a full list, and members of a full map.
const FULL_MAX: usize = 128;
/// Names that a place draws from where its schema leaves them open, and texts where it says nothing.
const WORDS: [&str; 4] = ["a", "b", "c", "d"];

impl<'a> Sampler<'a> {
    /// Values of a sanitizer's schema; times lie around `now`.
    #[must_use]
    pub fn new(sanitizer: &'a Sanitizer, now: Millis) -> Self {
        Self {
            sanitizer,
            table: Table::new(&sanitizer.plans, &sanitizer.options),
            sets: sanitizer.plans.sets(&sanitizer.schema),
            now,
            extent: Extent::Any,
            scalars: BTreeMap::new(),
            names: BTreeMap::new(),
            fuel: 0,
            serial: 0,
            lacks: BTreeMap::new(),
        }
    }

    /// A value that the sanitizer lets pass whole, and that holds something; none if none could be made.
    pub fn draw(&mut self, random: &mut Random, extent: Extent) -> Option<Json> {
        self.extent = extent;
        for _ in 0..ATTEMPTS {
            self.fuel = FUEL;
            let made = self.value(self.sanitizer.plans.root, random, DEPTH_MAX);
            let read = made.and_then(|text| Document::read(text.as_bytes()).ok());
            let Some(document) = read else { continue };
            if let Some(clean) = self.clean(&document.root().to_json()) {
                return Some(clean);
            }
            // what the schema asks for may be found only beyond the edge
            self.extent = Extent::Any;
        }
        None
    }

    /// The keyword that no value could be made for most often, and where it stands in the schema.
    #[must_use]
    pub fn lack(&self) -> Option<(String, Keyword)> {
        let ((by, keyword), _) = self.lacks.iter().max_by_key(|(_, count)| **count)?;
        Some((self.sanitizer.schema_place(*by, *keyword), *keyword))
    }

    /// What the sanitizer leaves of a value, unless that is nothing.
    fn clean(&mut self, made: &Json) -> Option<Json> {
        let place = made.view().place()?;
        let mut fates = Fates::of(place);
        let clean = self.sanitizer.apply(&Untrusted(made.clone()), &mut fates, &Budget::unbounded());
        if clean.is_none() {
            let report = fates.report(place, "", 1, self.sanitizer);
            report.entries.first().iter().for_each(|entry| self.lacks(entry.keyword, entry.by));
        }
        let clean = clean?.json().clone();
        let view = clean.view();
        let is_empty = view.is_null() || (matches!(view.kind(), Kind::Array | Kind::Object) && view.is_empty());
        (!is_empty).then_some(clean)
    }

    fn lacks(&mut self, keyword: Keyword, by: Id) {
        *self.lacks.entry((by, keyword)).or_default() += 1;
    }

    fn plan(&mut self, set: SetId) -> PlanRef<'a> {
        self.table.plan(&mut self.sets, set).0
    }

    /// The text of a value that a set allows.
    fn value(&mut self, set: SetId, random: &mut Random, depth: usize) -> Option<String> {
        self.fuel = self.fuel.checked_sub(1)?;
        let plan = self.plan(set);
        let depth = if plan.set.parts.is_empty() { depth.min(OPEN_DEPTH) } else { depth };
        if plan.choices.is_empty() {
            return self.decided(set, &plan, random, depth);
        }
        for _ in 0..CHOICE_ATTEMPTS {
            let own = self.with_branches(set, random);
            let plan = self.plan(own);
            let made = self.decided(own, &plan, random, depth);
            if let Some(text) = made.filter(|text| self.holds(set, text)) {
                return Some(text);
            }
        }
        let choice = plan.choices.first();
        self.lacks(choice.map_or(Keyword::False, |choice| keyword_of(choice.kind)), choice.map_or(0, |one| one.by.id));
        None
    }

    /// A set with a branch of each of its choice points.
    fn with_branches(&mut self, set: SetId, random: &mut Random) -> SetId {
        let (mut set, mut decided): (SetId, Vec<(Applied, ChoiceKind)>) = (set, Vec::new());
        while decided.len() < CHOICES_MAX {
            let plan = self.plan(set);
            let open = |one: &&Choice| !decided.contains(&(one.by, one.kind));
            let Some(choice) = plan.choices.iter().find(open).cloned() else { break };
            decided.push((choice.by, choice.kind));
            for (id, keyword) in self.branch(&choice, random) {
                let applied = self.sets.below(choice.by, id);
                set = self.table.with(&mut self.sets, set, applied, keyword);
            }
        }
        set
    }

    /// The schema objects that one way through a choice point adds.
    fn branch(&mut self, choice: &Choice, random: &mut Random) -> Vec<(Id, Keyword)> {
        let Some(object) = self.sets.object(choice.by) else { return Vec::new() };
        let choices = &object.choices;
        let one_of = |ids: &[Id], keyword, random: &mut Random| {
            random.pick(ids).map(|id| (*id, keyword)).into_iter().collect::<Vec<_>>()
        };
        match choice.kind {
            ChoiceKind::AnyOf => one_of(&choices.any_of, Keyword::AnyOf, random),
            ChoiceKind::OneOf => one_of(&choices.one_of, Keyword::OneOf, random),
            ChoiceKind::Dependent(at) if random.one_in(2) => {
                choices.dependent.get(at).map(|(_, id, keyword)| (*id, *keyword)).into_iter().collect()
            }
            ChoiceKind::Condition if random.one_in(2) => {
                let met = choices.condition.map(|id| (id, Keyword::Then));
                met.into_iter().chain(choices.then.map(|id| (id, Keyword::Then))).collect()
            }
            ChoiceKind::Condition => choices.otherwise.map(|id| (id, Keyword::Else)).into_iter().collect(),
            ChoiceKind::Dependent(_) | ChoiceKind::Not => Vec::new(),
        }
    }

    /// Whether the text of a value holds under all of a set.
    fn holds(&self, set: SetId, text: &str) -> bool {
        let Ok(document) = Document::read(text.as_bytes()) else { return false };
        let budget = Budget::unbounded();
        let mut evaluator = Evaluator::new(self.sets.clone(), &document, usize::MAX, &budget);
        self.sets.get(set).parts.iter().all(|part| evaluator.holds(part.applied, document.root()))
    }

    /// A value where all choices are made.
    fn decided(&mut self, set: SetId, plan: &Plan, random: &mut Random, depth: usize) -> Option<String> {
        if let Some((keyword, by)) = plan.set.never {
            self.lacks(keyword, by);
            return None;
        }
        if let Some(listed) = plan.checks.iter().map(|(_, check)| check.listed()).find(|listed| !listed.is_empty()) {
            return self.listed(plan, listed, random);
        }
        match self.kind(plan, random)? {
            Kind::Null => Some("null".to_owned()),
            Kind::Bool => Some(random.one_in(2).to_string()),
            kind @ (Kind::Number | Kind::String) => self.scalar(set, plan, kind, random),
            Kind::Array => self.array(plan, random, depth),
            Kind::Object => self.object(set, plan, random, depth),
        }
    }

    /// One of the values that a schema lists.
    fn listed(&mut self, plan: &Plan, listed: &[Json], random: &mut Random) -> Option<String> {
        let draft = self.sets.schema().draft;
        let holds = |one: &&Json| {
            let view = one.view();
            let (number, text) = (view.as_number(), view.as_text());
            plan.types.allows(view.kind())
                && number.is_none_or(|number| plan.types.allows_number(number, draft))
                && plan.checks.iter().all(|(_, check)| !check.looks_at(view.kind()) || check.holds(view, number, text))
        };
        let all: Vec<&Json> = listed.iter().filter(holds).collect();
        if all.is_empty() {
            self.lacks(Keyword::Enum, plan.by);
        }
        random.pick(&all).map(|one| one.view().to_text())
    }

    /// A kind that the types allow, mostly one that some keyword speaks of.
    fn kind(&mut self, plan: &Plan, random: &mut Random) -> Option<Kind> {
        const KINDS: [Kind; 6] =
            [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];
        let allowed: Vec<Kind> = KINDS.into_iter().filter(|kind| plan.types.allows(*kind)).collect();
        let members = &plan.members;
        let speaks = |kind: &Kind| match kind {
            Kind::Array => {
                !plan.prefix.is_empty()
                    || !plan.contains.is_empty()
                    || plan.length.min.or(plan.length.max).is_some()
                    || !self.sets.get(plan.items).parts.is_empty()
            }
            Kind::Object => {
                !members.known.is_empty()
                    || !members.patterns.is_empty()
                    || !members.names.is_empty()
                    || members.bounds.min.or(members.bounds.max).is_some()
            }
            Kind::Number | Kind::String => plan.checks.iter().any(|(_, check)| check.looks_at(*kind)),
            Kind::Null | Kind::Bool => false,
        };
        let spoken: Vec<Kind> = allowed.iter().copied().filter(speaks).collect();
        let from = if spoken.is_empty() || random.one_in(8) { &allowed } else { &spoken };
        let kind = random.pick(from).copied();
        if kind.is_none() {
            self.lacks(Keyword::Type, plan.by);
        }
        kind
    }

    fn scalar(&mut self, set: SetId, plan: &Plan, kind: Kind, random: &mut Random) -> Option<String> {
        let pool = self.pool(set, plan, kind, random);
        let base = match self.extent {
            Extent::Many => pool.first(),
            Extent::Full => pool.last(),
            _ => None,
        };
        if let Some(own) = base.filter(|_| kind == Kind::String).and_then(|base| self.distinct(plan, base)) {
            return Some(own);
        }
        let at = match self.extent {
            Extent::Least | Extent::Many => 0,
            Extent::Most | Extent::Full => pool.len().saturating_sub(1),
            Extent::Any => random.below(pool.len()),
        };
        if pool.is_empty() {
            let asks = plan.checks.iter().find(|(_, check)| check.looks_at(kind));
            self.lacks(asks.map_or(Keyword::Type, |(_, check)| check.keyword()), asks.map_or(plan.by, |(by, _)| *by));
        }
        pool.get(at).cloned()
    }

    /// A text about as long as another one, which differs from all that were made before: of characters that take most bytes,
    /// if it is long and those hold there.
    fn distinct(&mut self, plan: &Plan, base: &str) -> Option<String> {
        let document = Document::read(base.as_bytes()).ok()?;
        let base = document.root().word();
        self.serial += 1;
        let own = self.serial.to_string();
        let room = base.chars().count().saturating_sub(own.len());
        let start: String = base.chars().take(room).collect();
        let texts = [format!("{}{own}", "\u{1}".repeat(room)), format!("{start}{own}"), format!("{base}{own}")];
        let texts = texts.map(|text| Json::text(&text));
        texts.into_iter().find(|text| holds(plan, text.view())).map(|text| text.view().to_text())
    }

    /// The scalars of a kind that a place draws from.
    fn pool(&mut self, set: SetId, plan: &Plan, kind: Kind, random: &mut Random) -> Rc<[String]> {
        if let Some(pool) = self.scalars.get(&(set, kind)) {
            return Rc::clone(pool);
        }
        let (options, draft) = (&self.sanitizer.options, self.sets.schema().draft);
        let made = match kind {
            Kind::Number => numbers::of(plan, options, draft, self.now),
            _ => texts::of(plan, self.now, random),
        };
        let made: Rc<[String]> = Rc::from(made);
        self.scalars.insert((set, kind), Rc::clone(&made));
        made
    }

    fn array(&mut self, plan: &Plan, random: &mut Random, depth: usize) -> Option<String> {
        let positions = plan.prefix.len();
        let is_closed = self.plan(plan.items).set.never.is_some();
        let needs = plan.contains.iter().map(|(_, contains)| contains.min.unwrap_or(1)).sum::<usize>();
        let least = plan.length.min.unwrap_or(0).max(needs);
        let room = if is_closed { positions } else { usize::MAX };
        let is_full = matches!(self.extent, Extent::Full | Extent::Many);
        let usual = if is_full && plan.length.max.is_some() { FULL_MAX } else { ITEMS_MAX };
        let most = plan.length.max.unwrap_or(usize::MAX).min(room).min(usual.max(least).max(positions));
        if least > most {
            let keyword = if needs > most { Keyword::Contains } else { Keyword::MinItems };
            self.lacks(keyword, plan.by);
            return None;
        }
        let count = match self.extent {
            _ if depth == 0 => least,
            Extent::Least => least.max(usize::from(depth == DEPTH_MAX)).min(most),
            Extent::Most | Extent::Full | Extent::Many => most,
            Extent::Any if random.one_in(12) => least,
            Extent::Any => least.max(1).min(most) + random.below(most.saturating_sub(least.max(1)) + 1),
        };
        let depth = if count == 0 { 0 } else { depth.checked_sub(1).or((least > 0).then_some(0))? };
        let matching: Vec<Applied> = self.matching(plan);
        let (mut items, mut seen): (Vec<String>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
        for at in 0..count {
            let own = plan.prefix.get(at).copied().unwrap_or(plan.items);
            // what the list must contain stands at its end
            let wanted = matching.get(count - 1 - at).copied();
            let own = match wanted {
                Some(wanted) => self.table.with(&mut self.sets, own, wanted, Keyword::Contains),
                None => own,
            };
            let tries = if plan.unique.is_some() { ATTEMPTS } else { 1 };
            let made = (0..tries).find_map(|_| {
                self.value(own, random, depth).filter(|text| plan.unique.is_none() || !seen.contains(text))
            });
            match made {
                Some(text) => {
                    seen.insert(text.clone());
                    items.push(text);
                }
                None if at < positions => break,
                None => {}
            }
        }
        if items.len() < least {
            self.lacks(if plan.unique.is_some() { Keyword::UniqueItems } else { Keyword::Items }, plan.by);
            return None;
        }
        if plan.unique.is_none() && positions == 0 && items.len() < most && items.len() > 1 && random.one_in(6) {
            items.extend(items.first().cloned());
        }
        Some(format!("[{}]", items.join(",")))
    }

    /// The schemas of the items that a list must contain.
    fn matching(&mut self, plan: &Plan) -> Vec<Applied> {
        let all = plan.contains.iter().flat_map(|(by, contains)| {
            std::iter::repeat_n((*by, contains.schema), contains.min.unwrap_or(1))
        });
        all.collect::<Vec<_>>().into_iter().map(|(by, id)| self.sets.below(by, id)).collect()
    }

    fn object(&mut self, set: SetId, plan: &Plan, random: &mut Random, depth: usize) -> Option<String> {
        let names = self.chosen(set, plan, random, depth)?;
        let depth = depth.saturating_sub(1);
        let mut members = Vec::new();
        for (name, own, is_required) in names {
            match self.value(own, random, depth) {
                Some(value) => members.push(format!("{}:{value}", Json::text(&name).view().to_text())),
                None if is_required => return None,
                None => {}
            }
        }
        Some(format!("{{{}}}", members.join(",")))
    }

    /// The members that an object gets, with their sets and whether they are required.
    fn chosen(
        &mut self,
        set: SetId,
        plan: &Plan,
        random: &mut Random,
        depth: usize,
    ) -> Option<Vec<(String, SetId, bool)>> {
        let members = &plan.members;
        let (least, most) = (members.bounds.min.unwrap_or(0), members.bounds.max.unwrap_or(usize::MAX));
        let mut chosen: Vec<(String, SetId, bool)> = Vec::new();
        let mut spare = Vec::new();
        for known in &members.known {
            let never = self.plan(known.plan).set.never.is_some() || !known.is_storable;
            if known.is_required {
                chosen.push((known.name.to_string(), known.plan, true));
            } else if !never {
                spare.push((known.name.to_string(), known.plan, false));
            }
        }
        let open = if members.known.len() > chosen.len() && !random.one_in(8) {
            Rc::from([])
        } else {
            self.open_names(set, plan, random)
        };
        let is_full = matches!(self.extent, Extent::Full | Extent::Many);
        let open = if is_full { self.many_names(&open, plan) } else { open };
        let wanted = match self.extent {
            _ if depth == 0 => 0,
            Extent::Least => 0,
            Extent::Most | Extent::Full | Extent::Many => usize::MAX,
            Extent::Any => random.below(open.len() + 1).max(1),
        };
        let wanted = if depth == DEPTH_MAX && chosen.is_empty() && spare.is_empty() { wanted.max(1) } else { wanted };
        let mut free: Vec<_> = open.iter().map(|(name, own)| (name.clone(), *own, false)).collect();
        while free.len() > wanted.max(least.saturating_sub(chosen.len() + spare.len())) {
            let at = random.below(free.len());
            free.remove(at);
        }
        for one in spare.into_iter().chain(free) {
            let takes = match self.extent {
                Extent::Least => false,
                Extent::Most => depth > 0,
                // the containers of the whole value, and the names of maps
                Extent::Full | Extent::Many => {
                    let types = self.plan(one.1).types;
                    let holds_many = types.allows(Kind::Array) || types.allows(Kind::Object);
                    (depth == DEPTH_MAX && holds_many) || members.known.is_empty()
                }
                Extent::Any => depth > 0 && (members.known.is_empty() || random.one_in(2)),
            };
            let is_needed = chosen.len() < least;
            // an object of nothing but optional members would be empty
            let is_first = depth == DEPTH_MAX && chosen.is_empty();
            if chosen.len() < most && (takes || is_needed || is_first) {
                chosen.push(one);
            }
        }
        self.with_needs(plan, &mut chosen);
        Some(chosen)
    }

    /// Adds what other members need (`dependentRequired`).
    fn with_needs(&mut self, plan: &Plan, chosen: &mut Vec<(String, SetId, bool)>) {
        for _ in 0..=plan.members.known.len() {
            let has = |name: &str| chosen.iter().any(|(own, ..)| own == name);
            let schema = self.sets.schema();
            let needs = plan.members.dependents.iter().filter_map(|one| schema.object(one.by)?.dependent.get(one.at));
            let needs = needs.filter(|one| has(&one.trigger)).flat_map(|one| &one.needs);
            let Some(next) = needs.into_iter().find(|name| !has(name)) else { return };
            let Some(known) = find(&plan.members.known, Text::plain(next)) else { return };
            chosen.push((next.clone(), known.plan, true));
        }
    }

    /// Names that the schema does not declare and lets pass, each with the set of its value.
    fn open_names(&mut self, set: SetId, plan: &Plan, random: &mut Random) -> Rc<[(String, SetId)]> {
        if let Some(names) = self.names.get(&set) {
            return Rc::clone(names);
        }
        let members = &plan.members;
        let names: Vec<_> = members.names.iter().map(|(_, names)| (*names, Keyword::PropertyNames)).collect();
        let own = self.sets.intern(&names);
        let mut candidates: Vec<String> = members.patterns.iter().flat_map(|one| texts::matching(one, random)).collect();
        if !names.is_empty() {
            for _ in 0..ATTEMPTS * 2 {
                self.fuel = FUEL;
                let made = self.value(own, random, 0);
                let read = made.and_then(|text| Document::read(text.as_bytes()).ok());
                candidates.extend(read.filter(|read| read.root().as_text().is_some()).map(|read| read.root().word()));
            }
        }
        candidates.extend(WORDS.map(str::to_owned));
        let mut found: Vec<(String, SetId)> = Vec::new();
        for name in candidates {
            let is_known = find(&members.known, Text::plain(&name)).is_some() || found.iter().any(|(own, _)| *own == name);
            if found.len() == WORDS.len() || is_known || !self.may_pass(plan, own, !names.is_empty(), &name) {
                continue;
            }
            let matches: Vec<bool> = members.patterns.iter().map(|one| one.matches(&name)).collect();
            if members.closed && !matches.contains(&true) {
                continue;
            }
            let value = self.table.matching(&mut self.sets, plan, &matches);
            if self.plan(value).set.never.is_none() {
                found.push((name, value));
            }
        }
        let found: Rc<[(String, SetId)]> = Rc::from(found);
        self.names.insert(set, Rc::clone(&found));
        found
    }

    /// As many names as a map may have.
    fn many_names(&mut self, open: &[(String, SetId)], plan: &Plan) -> Rc<[(String, SetId)]> {
        let most = plan.members.bounds.max.unwrap_or(open.len()).min(FULL_MAX);
        let mut many = open.to_vec();
        for number in 0..FULL_MAX * 2 {
            let Some((name, set)) = open.get(number % open.len().max(1)).filter(|_| many.len() < most) else { break };
            let name = format!("{name}{number}");
            let names: Vec<_> = plan.members.names.iter().map(|(_, names)| (*names, Keyword::PropertyNames)).collect();
            let own = self.sets.intern(&names);
            let matches = |name: &str| plan.members.patterns.iter().map(|one| one.matches(name)).collect::<Vec<_>>();
            let is_alike = open.first().is_some_and(|(first, _)| matches(first) == matches(&name));
            if is_alike && self.may_pass(plan, own, !names.is_empty(), &name) {
                many.push((name, *set));
            }
        }
        Rc::from(many)
    }

    /// Whether an undeclared name may pass.
    fn may_pass(&mut self, plan: &Plan, names: SetId, asks: bool, name: &str) -> bool {
        let is_plain = self.sanitizer.options.holds_name(name) && plan.detectors.find_in_text(Text::plain(name)).is_none();
        is_plain && (!asks || self.holds(names, &Json::text(name).view().to_text()))
    }
}

fn keyword_of(kind: ChoiceKind) -> Keyword {
    match kind {
        ChoiceKind::Dependent(_) => Keyword::DependentSchemas,
        ChoiceKind::Condition => Keyword::Then,
        ChoiceKind::AnyOf => Keyword::AnyOf,
        ChoiceKind::OneOf => Keyword::OneOf,
        ChoiceKind::Not => Keyword::Not,
    }
}

/// Whether a scalar of a place holds there.
fn holds(plan: &Plan, view: View<'_>) -> bool {
    let (number, text) = (view.as_number(), view.as_text());
    let detected = match (number, text) {
        (Some(number), _) => plan.detectors.find_in_number(number),
        (_, Some(text)) => plan.detectors.find_in_text(text),
        _ => None,
    };
    detected.is_none()
        && plan.checks.iter().all(|(_, check)| !check.looks_at(view.kind()) || check.holds(view, number, text))
}
