//! The phases of an object: its members one by one, then all of them together (R6, R11, R13).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Unknown;
use super::evaluate::schemas_of_member;
use super::phases::{Child, Container, Typed};
use super::repair::{ADDED, Fixed, Job, Left, Note, Repair};
use super::schema::{Id, Object};
use super::sets::{Applied, SetId};
use crate::fate::{Action, Keyword};
use crate::json::{Json, View};

impl<'a> Repair<'a> {
    pub(super) fn object_phases(&mut self, at: u32, job: &Job, objects: &[Typed<'a>]) -> Result<Fixed, Fixed> {
        let mut container = Container::new(at);
        let knowers = self.knowers(objects);
        let detectors = self.detectors(self.place(at), objects);
        let mut rejected: Option<(String, Fixed)> = None;
        for (name, value) in self.place(at).named_members() {
            let (Some(text), Some(place)) = (name.as_text(), value.place()) else { continue };
            let text = text.decode().into_owned();
            let child = Child { at: place.at, name: name.to_json(), text, fixed: None };
            let set = self.member_set(job, objects, knowers.as_deref(), name, &child);
            // a name that the schema does not say comes from the visitor as a value does
            let is_declared = objects.iter().any(|(_, object)| object.declares(&child.text));
            let found = name.as_text().filter(|_| !is_declared).and_then(|name| detectors.find_in_text(name));
            let by = objects.first().map_or(0, |(applied, _)| applied.id);
            let set = set.and_then(|set| found.map_or(Ok(set), |detector| Err((detector.keyword(), by))));
            let named = child.text.clone();
            if let Err(gone) = self.child(&mut container, child, set) {
                // whoever rejects first in the order of names, whatever the order in the document
                rejected = rejected.filter(|(name, _)| *name <= named).or(Some((named, gone)));
            }
        }
        if let Some((_, gone)) = rejected {
            return Err(gone);
        }
        self.fill(&mut container, objects);
        self.without_triggers(&mut container, objects);
        self.few_members(&mut container, objects)?;
        let nodes = self.nodes(at);
        let gone = |keyword, by: Id| Err(Fixed::gone(keyword, by, nodes).with(&container));
        for (applied, object) in objects {
            if object.required.iter().any(|name| container.position(name).is_none()) {
                return gone(Keyword::Required, applied.id);
            }
        }
        for (applied, object) in objects {
            if object.members.min.is_some_and(|min| container.children.len() < min) {
                return gone(Keyword::MinProperties, applied.id);
            }
        }
        self.listed(container, objects, nodes)
    }

    /// All schema objects that may come to know a name here; none: a name may be known whatever it is (U2).
    ///
    /// With them, a name that nobody can know is dropped at once, before members are counted.
    fn knowers(&mut self, objects: &[Typed<'a>]) -> Option<Vec<&'a Object>> {
        let named = objects.iter().any(|(_, object)| object.names_members);
        if self.options.unknown != Unknown::Drop || !named {
            return None;
        }
        let mut seen: Vec<Applied> = Vec::new();
        let mut waiting: Vec<Applied> = objects.iter().map(|(applied, _)| *applied).collect();
        let mut found = Vec::new();
        while let Some(applied) = waiting.pop() {
            let Some(object) = self.object(applied).filter(|_| !seen.contains(&applied)) else { continue };
            seen.push(applied);
            if object.additional.is_some() || object.unevaluated_members.is_some() {
                return None;
            }
            found.push(object);
            let choices = &object.choices;
            let dependent = choices.dependent.iter().map(|(_, id, _)| id);
            let single = [object.reference, choices.condition, choices.then, choices.otherwise];
            let ids = object.all_of.iter().chain(&choices.any_of).chain(&choices.one_of).chain(dependent);
            let ids: Vec<Id> = ids.copied().chain(single.into_iter().flatten()).collect();
            waiting.extend(ids.into_iter().map(|id| self.eval.sets.below(applied, id)));
            waiting.extend(self.eval.sets.dynamic(applied));
        }
        Some(found)
    }

    fn member_set(
        &mut self,
        job: &Job,
        objects: &[Typed<'a>],
        knowers: Option<&[&'a Object]>,
        name: View<'_>,
        child: &Child,
    ) -> Result<SetId, (Keyword, Id)> {
        let by = objects.first().map_or(0, |(applied, _)| applied.id);
        let mut schemas = Vec::new();
        for (applied, object) in objects {
            if let Some(names) = object.names {
                let schema = self.eval.sets.below(*applied, names);
                if !self.eval.holds_plainly(schema, name) {
                    return Err((Keyword::PropertyNames, names));
                }
            }
            let mut first = object.properties.iter().any(|(own, _)| *own == child.text);
            for id in schemas_of_member(object, &child.text) {
                let keyword = if first {
                    Keyword::Properties
                } else if object.additional == Some(id) {
                    Keyword::AdditionalProperties
                } else {
                    Keyword::PatternProperties
                };
                first = false;
                schemas.push((self.eval.sets.below(*applied, id), keyword));
            }
        }
        if knowers.is_some_and(|knowers| !knowers.iter().any(|object| object.knows(&child.text))) {
            return Err((Keyword::Unknown, by));
        }
        if !self.options.holds_name(&child.text) {
            return Err((Keyword::Name, by));
        }
        self.child_set(job, child.at, schemas)
    }

    /// `x-on-missing`: a required member that is absent gets its default (A6).
    fn fill(&mut self, container: &mut Container, objects: &[Typed<'a>]) {
        let required = objects.iter().flat_map(|(_, object)| &object.required);
        for name in required {
            if container.position(name).is_some() {
                continue;
            }
            let schemas: Vec<_> = objects
                .iter()
                .flat_map(|(applied, object)| schemas_of_member(object, name).map(move |id| (*applied, id)))
                .map(|(applied, id)| (self.eval.sets.below(applied, id), Keyword::Properties))
                .collect();
            let set = self.eval.sets.intern(&schemas);
            let set = self.eval.sets.get(set);
            let own = self.objects(&set);
            let Some((applied, default)) = own.iter().find_map(|(applied, object)| {
                object.default.clone().filter(|_| object.on_missing).map(|default| (*applied, default))
            }) else {
                continue;
            };
            if !self.takes(&set, &default) {
                continue;
            }
            let dropped = self.place(container.at).get(name).and_then(View::place).map(|place| place.at);
            match dropped {
                Some(at) => {
                    container.notes.retain(|note| !matches!(note, Note::Drop(own, ..) if *own == at));
                    container.notes.push(Note::Replace(at, Action::Default, Keyword::Required, applied.id));
                }
                None => container.notes.push(Note::Fill(container.at, name.clone(), applied.id)),
            }
            let left = Left { json: default, children: None };
            let fixed = Fixed { left: Some(left), ..Fixed::gone(Keyword::False, 0, 0) };
            container.whole = false;
            container.children.push(Child {
                at: ADDED,
                name: Json::text(name),
                text: name.clone(),
                fixed: Some(Rc::new(fixed)),
            });
        }
    }

    /// `dependentRequired` and `dependencies`: a trigger without what it needs goes, until none is left (R11).
    fn without_triggers(&self, container: &mut Container, objects: &[Typed<'a>]) {
        if objects.iter().all(|(_, object)| object.dependent.is_empty()) {
            return;
        }
        let names: Vec<_> = container.children.iter().map(|child| child.text.clone()).collect();
        let mut orphans = orphans(&names, &[], objects);
        orphans.sort_unstable_by(|(a, ..), (b, ..)| b.cmp(a));
        for (index, keyword, by) in orphans {
            self.drop_all(container, &[index], keyword, by);
        }
    }

    /// `maxProperties`: members go in the order of R13.
    fn few_members(&self, container: &mut Container, objects: &[Typed<'a>]) -> Result<(), Fixed> {
        let least = objects.iter().filter_map(|(applied, object)| Some((object.members.max?, applied.id)));
        let Some((max, by)) = least.min_by_key(|(max, _)| *max) else { return Ok(()) };
        let surplus = container.children.len().saturating_sub(max);
        if surplus == 0 {
            return Ok(());
        }
        let names: Vec<_> = container.children.iter().map(|child| child.text.clone()).collect();
        let mut goes: Vec<_> = dispensable(&names, objects).into_iter().take(surplus).collect();
        if goes.len() < surplus {
            return Err(Fixed::gone(Keyword::MaxProperties, by, self.nodes(container.at)).with(container));
        }
        goes.sort_unstable();
        self.drop_all(container, &goes, Keyword::MaxProperties, by);
        self.without_triggers(container, objects);
        Ok(())
    }
}

/// The members that may go, those that go first in front (R13).
pub(super) fn dispensable(names: &[String], objects: &[Typed<'_>]) -> Vec<usize> {
    let mut ranks: Vec<&str> = Vec::new();
    for (name, _) in objects.iter().flat_map(|(_, object)| &object.properties) {
        if !ranks.contains(&name.as_str()) {
            ranks.push(name);
        }
    }
    let is_required = |name: &String| objects.iter().any(|(_, object)| object.required.contains(name));
    let may = names.iter().enumerate().filter(|(_, name)| !is_required(name));
    let mut order: Vec<_> = may.map(|(index, name)| (ranks.iter().position(|own| own == name), name, index)).collect();
    // undeclared before declared; declared from the last; undeclared by name, greatest first
    order.sort_by(|(a, x, _), (b, y, _)| match (a, b) {
        (Some(a), Some(b)) => b.cmp(a),
        (None, None) => y.cmp(x),
        _ => a.is_some().cmp(&b.is_some()),
    });
    order.into_iter().map(|(_, _, index)| index).collect()
}

/// The members whose needs went, until none is left: `dependentRequired` and `dependencies` (R11).
pub(super) fn orphans(names: &[String], gone: &[usize], objects: &[Typed<'_>]) -> Vec<(usize, Keyword, Id)> {
    let stays = |(index, _): &(usize, &String)| gone.binary_search(index).is_err();
    let mut present: BTreeMap<&str, usize> =
        names.iter().enumerate().filter(stays).map(|(index, name)| (name.as_str(), index)).collect();
    let mut found = Vec::new();
    loop {
        let failing = objects.iter().find_map(|(applied, object)| {
            let lacks = |name: &String| !present.contains_key(name.as_str());
            let one = object.dependent.iter().find(|one| !lacks(&one.trigger) && one.needs.iter().any(lacks))?;
            Some((one.trigger.as_str(), one.keyword, applied.id))
        });
        let Some((trigger, keyword, by)) = failing else { return found };
        found.extend(present.remove(trigger).map(|index| (index, keyword, by)));
    }
}
