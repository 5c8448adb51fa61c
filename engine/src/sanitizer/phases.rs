//! The phases of one place: its type, its children, and what holds of them together (R4–R13, R20).

use std::rc::Rc;

use super::repair::{ADDED, Decided, Fixed, Job, Left, Note, Repair};
use super::schema::{Id, Object};
use super::sets::{Applied, Set, SetId};
use crate::fate::Keyword;
use crate::json::{Json, Kind, View};
use crate::sensitive::Detectors;

/// A schema object of a set, typed.
pub(super) type Typed<'a> = (Applied, &'a Object);

/// One child on its way.
pub(super) struct Child {
    pub(super) at: u32,
    /// The member's name, as it stands; `null` for an item.
    pub(super) name: Json,
    pub(super) text: String,
    pub(super) fixed: Option<Rc<Fixed>>,
}

/// A container on its way.
pub(super) struct Container {
    pub(super) at: u32,
    pub(super) children: Vec<Child>,
    pub(super) notes: Vec<Note>,
    pub(super) below: Vec<Rc<Fixed>>,
    pub(super) cost: usize,
    pub(super) whole: bool,
}

impl Container {
    /// Takes the children at these places, which are sorted.
    pub(super) fn take(&mut self, places: &[usize]) -> Vec<Child> {
        let mut taken = Vec::new();
        let mut kept = Vec::new();
        for (index, child) in std::mem::take(&mut self.children).into_iter().enumerate() {
            let side = if places.binary_search(&index).is_ok() { &mut taken } else { &mut kept };
            side.push(child);
        }
        self.children = kept;
        self.whole &= taken.is_empty();
        taken
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.children.iter().position(|child| child.text == name)
    }
}

impl<'a> Repair<'a> {
    pub(super) fn objects(&self, set: &Set) -> Vec<Typed<'a>> {
        set.parts.iter().filter_map(|part| Some((part.applied, self.object(part.applied)?))).collect()
    }

    /// The value of a place after its phases, choice points not asked.
    pub(super) fn phases_of(&mut self, at: u32, job: &Job) -> Fixed {
        let set = self.eval.sets.get(job.set);
        let nodes = self.nodes(at);
        if let Some((keyword, by)) = set.never {
            return Fixed::gone(keyword, by, nodes);
        }
        let objects = self.objects(&set);
        let view = self.place(at);
        let draft = self.eval.sets.schema().draft;
        let mistyped = objects.iter().find(|(_, object)| {
            object.types.is_some_and(|types| {
                !types.allows(view.kind()) || view.as_number().is_some_and(|number| !types.allows_number(number, draft))
            })
        });
        if let Some((applied, _)) = mistyped {
            return Fixed::gone(Keyword::Type, applied.id, nodes);
        }
        let result = match view.kind() {
            Kind::Object => self.object_phases(at, job, &objects),
            Kind::Array => self.array_phases(at, job, &objects),
            _ => self.scalar(at, &objects),
        };
        result.unwrap_or_else(|gone| gone)
    }

    fn scalar(&mut self, at: u32, objects: &[Typed<'a>]) -> Result<Fixed, Fixed> {
        let view = self.place(at);
        if let Some((keyword, by)) = self.denied(view, objects) {
            return Err(Fixed::gone(keyword, by, 1));
        }
        let left = Left { json: self.whole(at), children: None };
        Ok(Fixed { left: Some(left), ..Fixed::gone(Keyword::False, 0, 0) })
    }

    /// The first keyword that a scalar fails, then the detectors (R5).
    pub(super) fn denied(&mut self, view: View<'_>, objects: &[Typed<'a>]) -> Option<(Keyword, Id)> {
        let by = objects.first().map_or(0, |(applied, _)| applied.id);
        let checks = objects.iter().flat_map(|(_, object)| &object.checks);
        let cost = checks.map(|check| check.cost(view, view.as_text())).sum();
        if self.eval.budget.charge(cost).is_err() {
            return Some((Keyword::Budget, by));
        }
        if let Some(failing) = failing_check(view, objects) {
            return Some(failing);
        }
        let detectors = self.detectors(view, objects);
        let found = match (view.as_number(), view.as_text()) {
            (Some(number), _) if !self.options.holds_number(number) => {
                return Some((Keyword::NumberRange, by));
            }
            (Some(number), _) => detectors.find_in_number(number),
            (None, Some(text)) => detectors.find_in_text(text),
            _ => None,
        };
        found.map(|detector| (detector.keyword(), by))
    }

    /// The detectors that are asked at a place: what applies there may exempt it, a branch that holds too (A8).
    pub(super) fn detectors(&mut self, view: View<'_>, objects: &[Typed<'a>]) -> Detectors {
        let mut applicable = Vec::new();
        if self.eval.sets.schema().has_additions {
            for (applied, _) in objects {
                self.eval.applicable(*applied, view, &mut applicable);
            }
        }
        let branches = applicable.into_iter().filter_map(|applied| self.object(applied));
        let all = objects.iter().map(|(_, object)| *object).chain(branches);
        all.fold(self.options.deny, |asked, object| asked.without(object.allowed))
    }

    /// Drops the children at these places, which are sorted.
    pub(super) fn drop_all(&self, container: &mut Container, places: &[usize], keyword: Keyword, by: Id) {
        for child in container.take(places) {
            let cost = child.fixed.as_ref().map_or(0, |fixed| fixed.cost);
            if child.at != ADDED {
                container.notes.push(Note::Drop(child.at, keyword, by));
                container.cost += self.nodes(child.at).saturating_sub(cost);
            }
        }
    }

    /// The set of a child, with what was decided of it.
    pub(super) fn child_set(
        &mut self,
        job: &Job,
        at: u32,
        mut schemas: Vec<(Applied, Keyword)>,
    ) -> Result<SetId, (Keyword, Id)> {
        let first = job.children.partition_point(|(child, _)| *child < at);
        for (_, what) in job.children.iter().skip(first).take_while(|(child, _)| *child == at) {
            match what {
                Decided::Drop(keyword, by) => return Err((*keyword, *by)),
                Decided::Under(applied, keyword) => schemas.push((*applied, *keyword)),
            }
        }
        Ok(self.eval.sets.intern(&schemas))
    }

    /// Repairs a child; what it became is taken into the container.
    pub(super) fn child(
        &mut self,
        container: &mut Container,
        child: Child,
        set: Result<SetId, (Keyword, Id)>,
    ) -> Result<bool, Fixed> {
        let nodes = self.nodes(child.at);
        let fixed = match set {
            Ok(set) => self.fix(child.at, set),
            Err((keyword, by)) => Rc::new(Fixed::gone(keyword, by, nodes)),
        };
        if fixed.rejected {
            return Err(fixed.as_ref().clone());
        }
        container.below.push(Rc::clone(&fixed));
        container.whole &= fixed.left.as_ref().is_some_and(|left| left.children.is_none());
        match &fixed.left {
            Some(_) => {
                container.cost += fixed.cost;
                container.children.push(Child { fixed: Some(fixed), ..child });
                Ok(true)
            }
            None => {
                container.cost += nodes;
                container.notes.push(Note::Drop(child.at, fixed.gone.0, fixed.gone.1));
                Ok(false)
            }
        }
    }

    pub(super) fn assemble(&mut self, container: Container) -> (Fixed, Json) {
        let Container { at, children, notes, below, cost, whole } = container;
        let (json, places) = if whole {
            (self.whole(at), None)
        } else {
            let places = children.iter().map(|child| child.at).collect();
            let json = if self.place(at).kind() == Kind::Array {
                Json::list(children.iter().map(Child::json).collect())
            } else {
                Json::object(children.iter().map(|child| (child.name.clone(), child.json())).collect())
            };
            (json, Some(places))
        };
        self.eval.keep(&json);
        let left = Left { json: json.clone(), children: places };
        (Fixed { left: Some(left), cost, notes, below, ..Fixed::gone(Keyword::False, 0, 0) }, json)
    }
}

impl Container {
    pub(super) fn new(at: u32) -> Self {
        Self { at, children: Vec::new(), notes: Vec::new(), below: Vec::new(), cost: 0, whole: true }
    }
}

impl Child {
    pub(super) fn json(&self) -> Json {
        self.fixed.as_ref().and_then(|fixed| fixed.left.as_ref()).map_or(Json::Null, |left| left.json.clone())
    }
}

impl Fixed {
    /// The same with what was said of a container's children: the cause of its end.
    pub(super) fn with(self, container: &Container) -> Self {
        Self { notes: container.notes.clone(), below: container.below.clone(), ..self }
    }
}

/// The first check in keyword order, then in Σ order, that a value fails.
pub(super) fn failing_check(view: View<'_>, objects: &[Typed<'_>]) -> Option<(Keyword, Id)> {
    let (number, text) = (view.as_number(), view.as_text());
    let failing = objects.iter().flat_map(|(applied, object)| {
        let own = object.checks.iter().filter(|check| check.looks_at(view.kind()) && !check.holds(view, number, text));
        own.map(|check| (check.keyword(), applied.id))
    });
    failing.min_by_key(|(keyword, _)| *keyword)
}
