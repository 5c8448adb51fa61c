//! Objects: required members, some of the others, and names that the schema leaves open.

use std::rc::Rc;

use super::{ATTEMPTS, DEPTH_MAX, Extent, FUEL, Sampler, WORDS, texts};
use crate::fate::Keyword;
use crate::json::{Document, Json, Kind, Text};
use crate::random::Random;
use crate::sanitizer::plan::{Plan, find};
use crate::sanitizer::sets::SetId;

/// Open names that a map may ask for.
const NAMES_MAX: usize = 32;

/// A member of an object that is made: its name, the set of its value, and whether it is required.
type Chosen = (String, SetId, bool);

impl Sampler<'_> {
    pub(super) fn object(&mut self, set: SetId, plan: &Plan, random: &mut Random, depth: usize) -> Option<String> {
        let names = self.chosen(set, plan, random, depth);
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
    fn chosen(&mut self, set: SetId, plan: &Plan, random: &mut Random, depth: usize) -> Vec<Chosen> {
        let members = &plan.members;
        let (least, most) = (members.bounds.min.unwrap_or(0), members.bounds.max.unwrap_or(usize::MAX));
        let mut chosen: Vec<Chosen> = Vec::new();
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
        let open = self.extent.many().map_or(Rc::clone(&open), |many| self.many_names(&open, plan, many));
        let wanted = match self.extent {
            _ if depth == 0 => 0,
            Extent::Least => 0,
            Extent::Most | Extent::Several | Extent::Full | Extent::Many => usize::MAX,
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
                Extent::Several | Extent::Full | Extent::Many => {
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
        chosen
    }

    /// Adds what other members need (`dependentRequired`).
    fn with_needs(&mut self, plan: &Plan, chosen: &mut Vec<Chosen>) {
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
        let least = members.bounds.min.unwrap_or(0).min(NAMES_MAX);
        let most = WORDS.len().max(least);
        let names: Vec<_> = members.names.iter().map(|(_, names)| (*names, Keyword::PropertyNames)).collect();
        let own = self.sets.intern(&names);
        let mut candidates: Vec<String> =
            members.patterns.iter().flat_map(|one| texts::matching(one, random)).collect();
        if !names.is_empty() {
            let before = self.extent;
            for attempt in 0..ATTEMPTS * 2 + least {
                self.fuel = FUEL;
                if attempt > ATTEMPTS {
                    // a place has few values, and names must differ
                    self.extent = Extent::Several;
                }
                let made = self.value(own, random, 0);
                let read = made.and_then(|text| Document::read(text.as_bytes()).ok());
                candidates.extend(read.filter(|read| read.root().as_text().is_some()).map(|read| read.root().word()));
            }
            self.extent = before;
        }
        candidates.extend(WORDS.map(str::to_owned));
        let mut found: Vec<(String, SetId)> = Vec::new();
        for name in candidates {
            let is_known =
                find(&members.known, Text::plain(&name)).is_some() || found.iter().any(|(own, _)| *own == name);
            if found.len() >= most || is_known || !self.may_pass(plan, own, !names.is_empty(), &name) {
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
    fn many_names(&mut self, open: &[(String, SetId)], plan: &Plan, many: usize) -> Rc<[(String, SetId)]> {
        let most = plan.members.bounds.max.unwrap_or(open.len()).min(many);
        let mut names_found = open.to_vec();
        for number in 0..many * 2 {
            let Some((name, set)) = open.get(number % open.len().max(1)).filter(|_| names_found.len() < most) else {
                break;
            };
            let name = format!("{name}{number}");
            let names: Vec<_> = plan.members.names.iter().map(|(_, names)| (*names, Keyword::PropertyNames)).collect();
            let own = self.sets.intern(&names);
            let matches = |name: &str| plan.members.patterns.iter().map(|one| one.matches(name)).collect::<Vec<_>>();
            let is_alike = open.first().is_some_and(|(first, _)| matches(first) == matches(&name));
            if is_alike && self.may_pass(plan, own, !names.is_empty(), &name) {
                names_found.push((name, *set));
            }
        }
        Rc::from(names_found)
    }

    /// Whether an undeclared name may pass.
    fn may_pass(&mut self, plan: &Plan, names: SetId, asks: bool, name: &str) -> bool {
        let is_plain =
            self.sanitizer.options.holds_name(name) && plan.detectors.find_in_text(Text::plain(name)).is_none();
        is_plain && (!asks || self.holds(names, &Json::text(name).view().to_text()))
    }
}
