//! Values that a schema allows, made by construction from its plans.
//!
//! A choice point is decided first: the set of a place with one of its branches is another set, with a plan of its own. A
//! container is then made of what the plans of its children make, a scalar is drawn from a few that hold there. What no
//! construction promises (`not`, an `oneOf` of which two branches hold, `unevaluatedProperties`) is asked of the
//! evaluator, and the sanitizer has the last word: each value that is given out is its output.

mod numbers;
mod texts;
mod items;
mod members;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::evaluate::Evaluator;
use super::plan::{Choice, ChoiceKind, Plan};
use super::schema::Id;
use super::sets::{Applied, SetId, Sets};
use super::table::{PlanRef, Table};
use super::{Sanitizer, Untrusted};
use crate::budget::Budget;
use crate::fate::{Fates, Keyword};
use crate::instant::Millis;
use crate::json::{Document, Json, Kind, View};
use crate::random::Random;

/// How large values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// As few members and items as may be, the least numbers.
    Least,
    /// Every member that may stand there, the greatest numbers.
    Most,
    /// Lists and maps of some length, of items that differ, each as small as may be.
    Several,
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
    /// Values that a script compares with: they are drawn where they hold.
    constants: Vec<Json>,
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
/// Once in so many draws, a constant of the script is taken.
const CONSTANT_ONE_IN: usize = 3;
/// Constants of a script that a place draws from.
const CONSTANTS_MAX: usize = 8;
/// Nested containers that are made where a schema is recursive.
const DEPTH_MAX: usize = 4;
/// Nested containers of what a schema leaves open.
const OPEN_DEPTH: usize = 2;
/// Names that a place draws from where its schema leaves them open, and texts where it says nothing.
const WORDS: [&str; 4] = ["a", "b", "c", "d"];

impl Extent {
    /// How many items of a list, or members of a map, are made where their bound allows it; none: the usual few.
    fn many(self) -> Option<usize> {
        match self {
            Self::Several => Some(24),
            Self::Many | Self::Full => Some(128),
            Self::Least | Self::Most | Self::Any => None,
        }
    }
}

impl<'a> Sampler<'a> {
    /// Values of a sanitizer's schema; times lie around `now`, and `constants` are drawn where they hold.
    #[must_use]
    pub fn new(sanitizer: &'a Sanitizer, now: Millis, constants: &[Json]) -> Self {
        Self {
            sanitizer,
            table: Table::new(&sanitizer.plans, &sanitizer.options),
            sets: sanitizer.plans.sets(&sanitizer.schema),
            now,
            constants: constants.to_vec(),
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
        const KINDS: [Kind; 6] = [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];
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
        let draft = self.sets.schema().draft;
        let base = match self.extent {
            Extent::Several | Extent::Many => pool.first(),
            Extent::Full => pool.last(),
            _ => None,
        };
        let differing = match kind {
            Kind::String => base.and_then(|base| self.distinct(plan, base)),
            _ => base.and_then(|_| self.next_number(plan, pool.first()?, draft)),
        };
        if differing.is_some() {
            return differing;
        }
        let at = match self.extent {
            Extent::Least | Extent::Several | Extent::Many => 0,
            Extent::Most | Extent::Full => pool.len().saturating_sub(1),
            Extent::Any => self.constant(&pool, random).unwrap_or_else(|| random.below(pool.len())),
        };
        if pool.is_empty() {
            let asks = plan.checks.iter().find(|(_, check)| check.looks_at(kind));
            self.lacks(asks.map_or(Keyword::Type, |(_, check)| check.keyword()), asks.map_or(plan.by, |(by, _)| *by));
        }
        pool.get(at).cloned()
    }

    /// Where in a pool one of the constants stands, once in so many draws.
    fn constant(&self, pool: &[String], random: &mut Random) -> Option<usize> {
        if self.constants.is_empty() || !random.one_in(CONSTANT_ONE_IN) {
            return None;
        }
        let is_constant = |one: &String| self.constants.iter().any(|constant| constant.view().to_text() == *one);
        let places: Vec<usize> = (0..pool.len()).filter(|at| pool.get(*at).is_some_and(is_constant)).collect();
        random.pick(&places).copied()
    }

    /// A whole number above the least one, which differs from those made before as long as the bounds allow it.
    fn next_number(&mut self, plan: &Plan, least: &str, draft: u16) -> Option<String> {
        let least: i64 = least.parse().ok()?;
        self.serial += 1;
        let own = Json::Int(least.checked_add(i64::try_from(self.serial).ok()?)?);
        let may_stand = own.view().as_number().is_some_and(|number| plan.types.allows_number(number, draft));
        if may_stand && holds(plan, own.view()) {
            return Some(own.view().to_text());
        }
        self.serial = 0;
        None
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
        let mut made = match kind {
            Kind::Number => numbers::of(plan, options, draft, self.now),
            _ => texts::of(plan, self.now, random),
        };
        let may_stand = |one: &&Json| {
            let number = one.view().as_number();
            one.view().kind() == kind
                && number.is_none_or(|number| plan.types.allows_number(number, draft))
                && holds(plan, one.view())
        };
        // the least stays first, the greatest last
        let before_last = made.len().saturating_sub(1);
        let constants = self.constants.iter().filter(may_stand).map(|one| one.view().to_text());
        let new: Vec<String> = constants.filter(|one| !made.contains(one)).take(CONSTANTS_MAX).collect();
        made.splice(before_last..before_last, new);
        let made: Rc<[String]> = Rc::from(made);
        self.scalars.insert((set, kind), Rc::clone(&made));
        made
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
