//! The projection: a pass over the input, children before their container, that keeps the largest valid part (R3–R13).
//!
//! The output is a node vector over the input's own text. A value that passes appends its nodes; one that does not is
//! taken back by cutting the vector, and its fate says why. So the phases of a container run on what its children became,
//! in the order of the specification:
//!
//! 1. the type, and whether any value is allowed here at all (R4);
//! 2. each member or item (R6, R8, R9): a name that fails goes with its value, a child that fails goes alone;
//! 3. of an array `uniqueItems`, then `maxContains`, then `maxItems` (R10): first filter, then cut;
//! 4. of an object the defaults of missing members, `dependentRequired` to a fixpoint, then `maxProperties` (R11, R13);
//! 5. what no removal can repair: `required`, `minItems`, `contains`, `minProperties`; then the container itself goes (R7);
//! 6. a listed object or array (R12);
//! 7. its choice points and what nobody evaluated (`choices.rs`, `rest.rs`), where a place has any (R14–R19);
//! 8. `x-max-bytes` (R20), `x-atomic` (A10), and last what an annotation says of a value that failed (`steps.rs`).
//!
//! In the monotone fragment each phase keeps the greatest valid part of what the phase before left, so one pass is
//! enough: sanitizing the result again changes nothing, which tests assert for every case and every fixture.

use std::sync::Arc;

use super::Options;
use super::check::Check;
use super::choices::{Decided, Memo};
use super::evaluate::Evaluator;
use super::plan::Plan;
use super::schema::{Id, Object, Schema};
use super::sets::SetId;
use super::table::{PlanRef, Plans, Table};
use super::trail::{Mark, Trail, Value};
use crate::budget::Budget;
use crate::fate::{Action, Keyword, Said};
use crate::json::{Document, Kind, Node, Number, Place, Text, View};
use crate::sensitive::Detectors;

/// What a place became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fixed {
    /// It passed as it is.
    Whole,
    /// It passed, smaller or with other values.
    Part,
    /// It goes.
    Gone(Keyword, Id),
    /// It goes, and its container is invalid: an annotation of this schema object says so.
    Fails(Keyword, Id, Id),
    /// It goes, and the whole document with it.
    Rejected(Keyword, Id),
}

use Fixed::{Fails, Gone, Part, Rejected, Whole};

impl Fixed {
    /// Why the value goes; none if something of it stays.
    pub(super) fn failure(self) -> Option<(Keyword, Id)> {
        match self {
            Whole | Part => None,
            Gone(keyword, by) | Fails(keyword, by, _) | Rejected(keyword, by) => Some((keyword, by)),
        }
    }
}

/// Computations beyond those for each node (R22).
const STEPS: usize = 4_096;
/// Computations for each node of the input (R22).
const STEPS_PER_NODE: usize = 32;
/// Values and children that the evaluator may look at for each computation.
const LOOKS_PER_STEP: usize = 32;

/// 2^53: floats hold every integer below it.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// One run over one document.
pub(super) struct Pass<'a> {
    pub(super) table: Table<'a>,
    pub(super) eval: Evaluator<'a>,
    pub(super) options: &'a Options,
    pub(super) document: &'a Arc<Document>,
    pub(super) trail: Trail<'a>,
    pub(super) memo: Memo,
    /// The place of the whole value.
    pub(super) top: u32,
    steps_max: usize,
    pub(super) steps: usize,
    /// Branches that are being tried around the place at work.
    pub(super) trying: usize,
    /// All branches that hold are in the set of the place at work: a name that the set does not know is unknown.
    pub(super) is_last: bool,
    /// Whether every number goes that a 64-bit float does not hold.
    drops_inexact: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        (schema, plans): (&'a Schema, &'a Plans),
        options: &'a Options,
        place: Place<'a>,
        budget: &'a Budget,
    ) -> Self {
        let document = place.document;
        let size = place.node().size as usize;
        let steps = size.saturating_mul(STEPS_PER_NODE).saturating_add(STEPS);
        Self {
            table: Table::new(plans, options),
            eval: Evaluator::new(plans.sets(schema), document, steps.saturating_mul(LOOKS_PER_STEP), budget),
            options,
            document,
            trail: Trail::new(document, size, plans.asks || document.has_long_number),
            memo: Memo::new(),
            top: place.at,
            steps_max: steps,
            steps,
            trying: 0,
            is_last: false,
            drops_inexact: false,
        }
    }

    /// What is left of the whole value, if anything is, what was said of its nodes, and how many computations that took.
    pub(super) fn run(mut self, root: SetId) -> (Option<Value>, Vec<Said>, usize) {
        let mut value = self.once(root);
        let is_delicate = self.document.has_long_number || self.eval.sets.schema().has_inexact_numbers;
        if is_delicate && value.as_ref().is_some_and(|value| !self.holds_rounded(root, value)) {
            // choice points may compare numbers too: where floats decide otherwise, no number stays that they do not hold
            self.drops_inexact = true;
            self.trail.cut(Mark::default());
            self.memo.clear();
            value = self.once(root);
        }
        let taken = self.steps_max - self.steps;
        (value, self.trail.into_said(), taken)
    }

    fn holds_rounded(&mut self, root: SetId, value: &Value) -> bool {
        let plan = self.plan(root);
        self.eval.turn_to(value);
        self.eval.mode.rounds = true;
        let holds = plan.set.parts.iter().all(|part| self.eval.holds(part.applied, value.view()));
        self.eval.mode.rounds = false;
        holds
    }

    fn once(&mut self, root: SetId) -> Option<Value> {
        let top = self.top;
        // each node is looked at once
        let size = u64::from(self.document.node(top).size);
        let fixed = if self.eval.budget.charge(size).is_ok() { self.fix(root, top) } else { Gone(Keyword::Budget, 0) };
        match fixed {
            Whole | Part => {}
            Gone(keyword, by) | Fails(keyword, by, _) => self.trail.drop_whole(top, keyword, by),
            Rejected(keyword, by) => self.trail.reject(top, keyword, by),
        }
        if fixed.failure().is_none() && self.eval.is_spent() {
            self.trail.drop_whole(top, Keyword::Budget, 0);
            return None;
        }
        fixed.failure().is_none().then(|| self.trail.take_value())
    }

    pub(super) fn plan(&mut self, id: SetId) -> PlanRef<'a> {
        let (plan, compiled) = self.table.plan(&mut self.eval.sets, id);
        if compiled > 0 {
            // what is too much is seen where something is next charged
            let _ = self.eval.budget.charge(compiled as u64);
        }
        plan
    }

    pub(super) fn object_of(&self, id: Id) -> Option<&'a Object> {
        self.eval.sets.schema().object(id)
    }

    pub(super) fn input(&self, at: u32) -> Value {
        Value::input(self.document, at)
    }

    pub(super) fn place(&self, at: u32) -> View<'a> {
        View::Place(Place { document: self.document, at })
    }

    /// What a place became, as a value to ask about.
    pub(super) fn value(&mut self, at: u32, start: usize, fixed: Fixed) -> Value {
        let value = if fixed == Whole { self.input(at) } else { self.trail.value(start) };
        self.eval.turn_to(&value);
        value
    }

    /// Repairs the node at `at` under a plan and appends what is left of it.
    #[inline]
    pub(super) fn fix(&mut self, id: SetId, at: u32) -> Fixed {
        let node = self.document.node(at);
        match self.table.base(id) {
            Some(plan) if plan.is_simple && self.is_simple(plan, node) => {
                self.trail.push(node);
                Whole
            }
            _ => self.fix_any(id, at),
        }
    }

    /// Whether a node is a scalar that holds, as most do, at one glance.
    #[inline]
    fn is_simple(&self, plan: &Plan, node: Node) -> bool {
        match node.kind() {
            Kind::String if plan.types.allows(Kind::String) => {
                let text = Text::source(self.document.source(node), node.escaped());
                plan.plain.has(None, Some(text)) && plan.detectors.find_in_text(text).is_none()
            }
            // of at most 18 digits
            Kind::Number if node.integer() && plan.types.allows_integers() => {
                let number = Number::from_digits(self.document.source(node));
                let may_pass = self.options.holds_number(number) && plan.detectors.find_in_number(number).is_none();
                may_pass && plan.plain.has(Some(number), None)
            }
            _ => false,
        }
    }

    fn fix_any(&mut self, id: SetId, at: u32) -> Fixed {
        let plan = self.plan(id);
        let (start, said) = (self.trail.len(), self.trail.mark());
        let fixed = if plan.is_plain() {
            match self.phases(&plan, at, &[]) {
                fixed @ (Whole | Part) => self.within_bytes(&plan, at, start, fixed),
                failed => failed,
            }
        } else {
            self.choose(id, at)
        };
        let fixed = self.whole_or_not(&plan, said, fixed);
        match fixed {
            Whole | Part => fixed,
            failed => {
                self.trail.truncate(start);
                if plan.is_annotated { self.annotated(&plan, at, failed, said) } else { failed }
            }
        }
    }

    /// `x-atomic`: the value passes whole or not at all (A10).
    pub(super) fn whole_or_not(&self, plan: &Plan, since: Mark, fixed: Fixed) -> Fixed {
        match (plan.atomic, fixed) {
            (Some(by), Part) if self.trail.said_since(since).iter().any(loses) => Gone(Keyword::Atomic, by),
            _ => fixed,
        }
    }

    /// The phases of a place, its choice points not asked.
    pub(super) fn phases(&mut self, plan: &Plan, at: u32, decided: &[(u32, Decided)]) -> Fixed {
        if let Some((keyword, by)) = plan.set.never {
            return Gone(keyword, by);
        }
        let node = self.document.node(at);
        let kind = node.kind();
        if !plan.types.allows(kind) {
            return Gone(Keyword::Type, self.mistyped(plan, at));
        }
        match kind {
            Kind::Object => self.object(plan, at, node, decided),
            Kind::Array => self.array(plan, at, node, decided),
            _ => match self.scalar(plan, at, node, kind) {
                Some((keyword, by)) => Gone(keyword, by),
                None => {
                    self.trail.push(node);
                    Whole
                }
            },
        }
    }

    /// The schema object whose type a value does not have.
    fn mistyped(&self, plan: &Plan, at: u32) -> Id {
        let view = self.place(at);
        let draft = self.eval.sets.schema().draft;
        let fails = |id: Id| {
            self.object_of(id).and_then(|object| object.types).is_some_and(|types| {
                !types.allows(view.kind()) || view.as_number().is_some_and(|number| !types.allows_number(number, draft))
            })
        };
        plan.set.parts.iter().map(|part| part.applied.id).find(|id| fails(*id)).unwrap_or(plan.by)
    }

    /// The first keyword that a scalar fails (R5).
    fn scalar(&mut self, plan: &Plan, at: u32, node: Node, kind: Kind) -> Option<(Keyword, Id)> {
        let number = (kind == Kind::Number).then(|| self.number(node));
        let text = (kind == Kind::String).then(|| Text::source(self.document.source(node), node.escaped()));
        if number.is_some_and(|number| !plan.types.allows_number(number, self.eval.sets.schema().draft)) {
            return Some((Keyword::Type, self.mistyped(plan, at)));
        }
        let value = self.place(at);
        if !plan.plain.has(number, text) {
            let cost = plan.checks.iter().map(|(_, check)| check.cost(value, text)).sum();
            if self.eval.budget.charge(cost).is_err() {
                return Some((Keyword::Budget, plan.by));
            }
            let fails = |check: &Check| check.looks_at(kind) && !check.holds(value, number, text);
            if let Some((by, check)) = plan.checks.iter().find(|(_, check)| fails(check)) {
                return Some((check.keyword(), *by));
            }
        }
        if number.is_none() && text.is_none() {
            return None;
        }
        let detectors = self.detectors(plan, at);
        let found = match (number, text) {
            (Some(number), _) if !self.options.holds_number(number) || self.is_lost_in_floats(plan, value, number) => {
                return Some((Keyword::NumberRange, plan.by));
            }
            (Some(number), _) => detectors.find_in_number(number),
            (None, Some(text)) => detectors.find_in_text(text),
            _ => None,
        };
        found.map(|detector| (detector.keyword(), plan.by))
    }

    /// Whether a number holds, and would not for validators that know 64-bit integers and floats only (R21).
    fn is_lost_in_floats(&mut self, plan: &Plan, value: View<'_>, number: Number<'_>) -> bool {
        let is_lost = number.is_lost_in_floats();
        if self.drops_inexact && (is_lost || self.is_near_inexact(number)) {
            return true;
        }
        let is_small = number.as_f64().abs() < EXACT_MAX;
        if is_small && !is_lost && !self.eval.sets.schema().has_inexact_numbers {
            return false;
        }
        let before = std::mem::replace(&mut self.eval.mode.rounds, true);
        let holds = plan.set.parts.iter().all(|part| self.eval.holds(part.applied, value));
        self.eval.mode.rounds = before;
        !holds && plan.set.parts.iter().all(|part| self.eval.holds(part.applied, value))
    }

    /// Whether a number of the schema that a 64-bit float does not hold becomes this one.
    fn is_near_inexact(&self, number: Number<'_>) -> bool {
        let schema = self.eval.sets.schema();
        let mut checks = schema.objects.iter().flat_map(|object| &object.checks).filter(|check| check.is_inexact());
        schema.has_inexact_numbers && checks.any(|check| check.rounds_to(number))
    }

    /// The detectors that are asked at a place: a branch that holds may exempt it too (A8).
    pub(super) fn detectors(&mut self, plan: &Plan, at: u32) -> Detectors {
        if !plan.exempts {
            return plan.detectors;
        }
        let (view, mut applicable) = (self.place(at), Vec::new());
        for part in &plan.set.parts {
            self.eval.applicable(part.applied, view, &mut applicable);
        }
        let branches = applicable.into_iter().filter_map(|applied| self.eval.sets.object(applied));
        branches.fold(plan.detectors, |asked, object| asked.without(object.allowed))
    }

    fn number(&self, node: Node) -> Number<'a> {
        let text = self.document.source(node);
        if node.integer() { Number::from_digits(text) } else { Number::from_text(text) }
    }
}

/// Whether what was said means that something was lost: `trim` and `coerce` lose nothing.
fn loses(said: &Said) -> bool {
    !matches!(said, Said::Replace(_, Action::Trim | Action::Coerce, ..))
}
