//! What an annotation says of a value that would be dropped (A1–A5).

use super::Options;
use super::check::{Check, Types};
use super::plan::Plan;
use super::project::{Fixed, Pass};
use super::schema::{Id, Object, Schema, Step};
use super::table::Plans;
use super::trail::Mark;
use crate::budget::Budget;
use crate::fate::{Action, Keyword};
use crate::json::{Document, Json, Kind, Number, View};
use crate::sensitive::Detectors;

use Fixed::{Fails, Part, Rejected, Whole};

impl<'a> Pass<'a> {
    /// Writes the value that an annotation puts in place of one that failed; without one, the failure.
    pub(super) fn annotated(&mut self, plan: &Plan, at: u32, failed: Fixed, since: Mark) -> Fixed {
        let Some((keyword, by)) = failed.failure() else { return failed };
        if matches!(keyword, Keyword::Sensitive | Keyword::Budget) || matches!(failed, Fails(..) | Rejected(..)) {
            return failed;
        }
        let Some((holder, object)) = self.annotation(plan, keyword, by) else { return failed };
        let start = self.trail.len();
        let mut value = self.input(at);
        for step in &object.on_invalid {
            let action = match step {
                Step::Drop => return failed,
                Step::Reject => return Rejected(keyword, by),
                Step::Fail => return if at == self.top { failed } else { Fails(keyword, by, holder) },
                Step::Default => Action::Default,
                Step::Truncate => Action::Truncate,
                Step::Clamp => Action::Clamp,
                Step::Trim => Action::Trim,
                Step::Coerce => Action::Coerce,
            };
            let view = value.view();
            let next = match step {
                Step::Default => object.default.as_ref().map(|default| default.view().to_text()),
                Step::Truncate => truncated(view, object),
                Step::Clamp => clamped(view, object),
                Step::Trim => view.as_text().map(|text| quoted(text.decode().trim())),
                _ => coerced(view, plan.types),
            };
            let Some(next) = next else { continue };
            self.trail.truncate(start);
            self.trail.add(&next, Some(at));
            if self.takes(plan, start, at) {
                self.trail.replace(at, action, keyword, by, since);
                return Part;
            }
            value = self.trail.value(start);
        }
        self.trail.truncate(start);
        failed
    }

    /// The annotated schema object that answers for a failure: the one that failed, else who brought it, innermost first (A3).
    fn annotation(&self, plan: &Plan, keyword: Keyword, by: Id) -> Option<(Id, &'a Object)> {
        let parts = &plan.set.parts;
        // a child that fails its container is said by the child's schema object
        let holds = |id: Id| id == by || (keyword == Keyword::OnInvalid && self.applies_below(id, by));
        let failed = parts.iter().position(|part| holds(part.applied.id)).or((!parts.is_empty()).then_some(0));
        let mut index = failed;
        while let Some(part) = index.and_then(|index| parts.get(index)) {
            let object = self.object_of(part.applied.id)?;
            if !object.on_invalid.is_empty() {
                return Some((part.applied.id, object));
            }
            index = part.holder;
        }
        None
    }

    /// Whether a schema object applies another one, or what that is referred to by, to a member or an item.
    fn applies_below(&self, id: Id, by: Id) -> bool {
        let leads =
            |child: &Id| *child == by || self.object_of(*child).is_some_and(|object| object.in_place().contains(&by));
        self.object_of(id).is_some_and(|object| object.below().iter().any(leads))
    }

    /// Whether the value that was written from `start` on may stand at a place: all schema objects hold, and no detector matches.
    pub(super) fn takes(&mut self, plan: &Plan, start: usize, at: u32) -> bool {
        let value = self.trail.value(start);
        self.eval.turn_to(&value);
        let view = value.view();
        if self.eval.budget.charge(view.weight()).is_err() || plan.set.never.is_some() {
            return false;
        }
        let mut applicable: Vec<_> = plan.set.parts.iter().map(|part| part.applied).collect();
        if !applicable.iter().all(|applied| self.eval.holds(*applied, view)) {
            return false;
        }
        if plan.exempts {
            for part in &plan.set.parts {
                self.eval.applicable(part.applied, view, &mut applicable);
            }
        }
        let objects = applicable.into_iter().filter_map(|applied| self.eval.sets.object(applied));
        let detectors = objects.fold(self.options.deny, |asked, object| asked.without(object.allowed));
        let holds = |number: Number<'_>| self.options.holds_number(number);
        let fits = self.bytes_max(plan, at).is_none_or(|(max, _)| view.compact_bytes() <= max);
        fits && !view.has_long_number(&holds) && is_silent(view, detectors)
    }
}

fn quoted(text: &str) -> String {
    Json::text(text).view().to_text()
}

/// Whether a default passes as it is where its schema object stands, unknown members and all.
pub(super) fn default_stands(schema: &Schema, plans: &Plans, options: &Options, id: Id, default: &Json) -> bool {
    let Some(place) = default.view().place() else { return true };
    let budget = Budget::unbounded();
    let mut pass = Pass::new((schema, plans), options, place, &budget);
    let root = pass.eval.sets.root();
    let own = pass.eval.sets.below(root, id);
    let set = pass.eval.sets.intern(&[(own, Keyword::False)]);
    // the bound of the whole value is none of a default's
    pass.top = u32::MAX;
    pass.fix(set, place.at) == Whole
}

fn is_silent(view: View<'_>, detectors: Detectors) -> bool {
    let own = match (view.as_number(), view.as_text()) {
        (Some(number), _) => detectors.find_in_number(number),
        (None, Some(text)) => detectors.find_in_text(text),
        _ => None,
    };
    own.is_none() && super::children::below(view).all(|child| is_silent(child, detectors))
}

/// The first code points that `maxLength` allows.
fn truncated(view: View<'_>, object: &Object) -> Option<String> {
    let text = view.as_text()?.decode();
    let max = object.checks.iter().find_map(|check| match check {
        Check::MaxLength(max) => Some(*max),
        _ => None,
    })?;
    Some(quoted(&text.chars().take(max).collect::<String>()))
}

/// The nearest bound; of exclusive ones only for integers, one further.
fn clamped(view: View<'_>, object: &Object) -> Option<String> {
    let number = view.as_number()?;
    let integers = object.types.is_some_and(Types::are_integers);
    let next = |bound: &Json, step: i64| {
        let bound = bound.view().as_number()?.as_i64()?;
        integers.then_some(())?;
        bound.checked_add(step).map(|next| next.to_string())
    };
    for check in &object.checks {
        if check.holds(view, Some(number), None) {
            continue;
        }
        match check {
            Check::Minimum(bound) | Check::Maximum(bound) => return Some(bound.view().to_text()),
            Check::ExclusiveMinimum(bound) => return next(bound, 1),
            Check::ExclusiveMaximum(bound) => return next(bound, -1),
            _ => {}
        }
    }
    None
}

/// Lossless changes of type only.
fn coerced(view: View<'_>, types: Types) -> Option<String> {
    let allows = |kind: Kind| types.allows(kind);
    match view.kind() {
        Kind::String => {
            let text = view.as_text()?.decode().into_owned();
            if allows(Kind::Bool) && (text == "true" || text == "false") {
                return Some(text);
            }
            let exact = text.ends_with(|c: char| c.is_ascii_digit())
                && text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            let document = Document::read(text.as_bytes()).ok().filter(|_| exact && allows(Kind::Number))?;
            (document.root().kind() == Kind::Number).then_some(text)
        }
        Kind::Number | Kind::Bool if allows(Kind::String) => Some(quoted(&view.to_text())),
        _ => None,
    }
}
