//! What an annotation says of a value that would be dropped (A1–A5).

use std::rc::Rc;

use super::Options;
use super::check::{Check, Types};
use super::repair::{Fixed, Left, Note, Repair};
use super::schema::{Id, Object, Schema, Step};
use super::sets::{Set, SetId, Sets};
use crate::budget::Budget;
use crate::fate::{Action, Keyword};
use crate::json::{Document, Json, Kind, Number, View};
use crate::sensitive::Detectors;

impl<'a> Repair<'a> {
    /// The value that an annotation puts in place of one that failed; without one, the failure.
    pub(super) fn annotated(&mut self, at: u32, set: SetId, failed: Rc<Fixed>) -> Rc<Fixed> {
        let set = self.eval.sets.get(set);
        let (keyword, by) = failed.gone;
        if keyword == Keyword::Sensitive {
            return failed;
        }
        let Some(object) = self.annotation(&set, by) else { return failed };
        let mut value = self.whole(at);
        for step in &object.on_invalid {
            let action = match step {
                Step::Drop => return failed,
                Step::Reject => return Rc::new(Fixed { rejected: true, ..failed.as_ref().clone() }),
                Step::Default => Action::Default,
                Step::Truncate => Action::Truncate,
                Step::Clamp => Action::Clamp,
                Step::Trim => Action::Trim,
                Step::Coerce => Action::Coerce,
            };
            let next = match step {
                Step::Default => object.default.clone(),
                Step::Truncate => truncated(value.view(), object),
                Step::Clamp => clamped(value.view(), object),
                Step::Trim => trimmed(value.view()),
                _ => self.coerced(value.view(), &set),
            };
            let Some(next) = next else { continue };
            value = next;
            if self.takes(&set, &value) {
                let notes = vec![Note::Replace(at, action, keyword, by)];
                let left = Left { json: value, children: Some(Vec::new()) };
                let cost = self.nodes(at);
                return Rc::new(Fixed { left: Some(left), cost, notes, ..Fixed::gone(keyword, by, cost) });
            }
        }
        failed
    }

    /// The annotated schema object that answers for a failure: the one that failed, else who brought it, innermost first (A3).
    fn annotation(&self, set: &Set, by: u16) -> Option<&'a Object> {
        let failed = set.parts.iter().position(|part| part.applied.id == by).or((!set.parts.is_empty()).then_some(0));
        let mut index = failed;
        while let Some(part) = index.and_then(|index| set.parts.get(index)) {
            let object = self.object(part.applied)?;
            if !object.on_invalid.is_empty() {
                return Some(object);
            }
            index = part.holder;
        }
        None
    }

    /// Whether a value of the schema's own may stand here: all holds, and no detector minds.
    pub(super) fn takes(&mut self, set: &Set, value: &Json) -> bool {
        self.eval.keep(value);
        let objects = self.objects(set);
        let detectors = self.detectors(value.view(), &objects);
        let holds = |number: Number<'_>| self.options.holds_number(number);
        let fits = !value.view().has_long_number(&holds);
        fits && self.all_hold(set, value.view()) && is_silent(value.view(), detectors)
    }

    /// Lossless changes of type only.
    fn coerced(&self, view: View<'_>, set: &Set) -> Option<Json> {
        let allows = |kind: Kind| {
            let objects = set.parts.iter().filter_map(|part| self.object(part.applied));
            objects.filter_map(|object| object.types).all(|types| types.allows(kind))
        };
        match view.kind() {
            Kind::String => {
                let text = view.as_text()?.decode().into_owned();
                if allows(Kind::Bool) && (text == "true" || text == "false") {
                    return Some(Json::Bool(text == "true"));
                }
                let exact = text.ends_with(|c: char| c.is_ascii_digit())
                    && text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
                let document = Document::read(text.as_bytes()).ok().filter(|_| exact && allows(Kind::Number))?;
                (document.root().kind() == Kind::Number).then_some(Json::Place(document, 0))
            }
            Kind::Number | Kind::Bool if allows(Kind::String) => Some(Json::text(&view.to_text())),
            _ => None,
        }
    }
}

/// Whether a default passes as it is where its schema object stands, unknown members and all.
pub(super) fn default_stands(schema: &Schema, options: &Options, id: Id, default: &Json) -> bool {
    let Some(place) = default.view().place() else { return true };
    let budget = Budget::unbounded();
    let mut repair = Repair::new(Sets::new(schema), options, place.document, default.view().nodes(), &budget);
    repair.top = place.at;
    let root = repair.eval.sets.root();
    let own = repair.eval.sets.below(root, id);
    let set = repair.eval.sets.intern(&[(own, Keyword::False)]);
    let fixed = repair.fix(place.at, set);
    fixed.cost == 0 && fixed.left.is_some()
}

fn is_silent(view: View<'_>, detectors: Detectors) -> bool {
    let own = match (view.as_number(), view.as_text()) {
        (Some(number), _) => detectors.find_in_number(number),
        (None, Some(text)) => detectors.find_in_text(text),
        _ => None,
    };
    own.is_none() && view.items().chain(view.members().map(|(_, value)| value)).all(|child| is_silent(child, detectors))
}

/// The first code points that `maxLength` allows.
fn truncated(view: View<'_>, object: &Object) -> Option<Json> {
    let text = view.as_text()?.decode().into_owned();
    let max = object.checks.iter().find_map(|check| match check {
        Check::MaxLength(max) => Some(*max),
        _ => None,
    })?;
    Some(Json::text(&text.chars().take(max).collect::<String>()))
}

/// The nearest bound; of exclusive ones only for integers, one further.
fn clamped(view: View<'_>, object: &Object) -> Option<Json> {
    let number = view.as_number()?;
    let integers = object.types.is_some_and(Types::are_integers);
    let next = |bound: &Json, step: i64| {
        let bound = bound.view().as_number()?.as_i64()?;
        integers.then_some(())?;
        bound.checked_add(step).map(Json::Int)
    };
    for check in &object.checks {
        if check.holds(view, Some(number), None) {
            continue;
        }
        match check {
            Check::Minimum(bound) | Check::Maximum(bound) => return Some(bound.clone()),
            Check::ExclusiveMinimum(bound) => return next(bound, 1),
            Check::ExclusiveMaximum(bound) => return next(bound, -1),
            _ => {}
        }
    }
    None
}

fn trimmed(view: View<'_>) -> Option<Json> {
    Some(Json::text(view.as_text()?.decode().trim()))
}
