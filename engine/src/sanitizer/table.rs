//! The plans of a schema, and those that a run adds.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use super::Options;
use super::compile::Compiler;
use super::plan::Plan;
use super::schema::{Object, Schema};
use super::sets::{Applied, Interned, SetId, Sets};
use super::tags;
use crate::fate::Keyword;

/// Names, patterns and checks that are compiled with the schema; the rest waits for a document that comes to it.
const EAGER_MAX: usize = 400_000;
/// The same for sets with branches, which most documents never come to.
const EAGER_BRANCHES_MAX: usize = 10_000;

/// All that was compiled with a schema.
pub(super) struct Plans {
    interned: Interned,
    compiled: Vec<Plan>,
    branches: BTreeMap<(SetId, Applied), SetId>,
    pub(super) root: SetId,
    /// Whether the evaluator may be asked about parts of the output.
    pub(super) asks: bool,
}

impl Plans {
    pub(super) fn compile(schema: &Schema, options: &Options) -> Self {
        let mut sets = Sets::new(schema);
        let root = sets.root();
        let root = sets.intern(&[(root, Keyword::False)]);
        let (mut plans, mut tags) = (Vec::new(), tags::Known::new());
        compile_sets(&mut sets, options, &mut tags, &mut plans, EAGER_MAX);
        let (mut branches, mut left, mut at) = (BTreeMap::new(), EAGER_BRANCHES_MAX, 0);
        while let Some(plan) = plans.get(at).filter(|_| left > 0) {
            let id = SetId(u32::try_from(at).unwrap_or(u32::MAX));
            for (branch, keyword) in plan.branches(schema, &mut sets) {
                let with = sets.with(id, branch, keyword);
                left = left.saturating_sub(sets.get(with).parts.len());
                branches.insert((id, branch), with);
            }
            left = compile_sets(&mut sets, options, &mut tags, &mut plans, left);
            at += 1;
        }
        let contains = |object: &Object| object.contains.is_some();
        let asks = schema.has_annotations
            || schema.has_inexact_numbers
            || schema.objects.iter().any(|object| object.has_choices() || contains(object));
        Self { interned: sets.into_interned(), compiled: plans, branches, root, asks }
    }

    pub(super) fn len(&self) -> usize {
        self.compiled.len()
    }

    /// The sets, and what a run adds to them.
    pub(super) fn sets<'a>(&'a self, schema: &'a Schema) -> Sets<'a> {
        Sets::over(schema, &self.interned)
    }
}

/// Compiles the sets that have no plan yet, and those that they lead to, while some of `left` is left; what that is then.
fn compile_sets(
    sets: &mut Sets<'_>,
    options: &Options,
    tags: &mut tags::Known,
    plans: &mut Vec<Plan>,
    mut left: usize,
) -> usize {
    while plans.len() < sets.len() && left > 0 {
        let id = SetId(u32::try_from(plans.len()).unwrap_or(u32::MAX));
        let plan = Compiler { sets: &mut *sets, options, tags: &mut *tags }.plan(id);
        left = left.saturating_sub(8 + plan.size());
        plans.push(plan);
    }
    left
}

/// The plans of a run: those of the schema, and those that only its document leads to.
pub(super) struct Table<'a> {
    base: &'a Plans,
    options: &'a Options,
    plans: BTreeMap<SetId, Rc<Plan>>,
    tags: tags::Known,
    branches: BTreeMap<(SetId, Applied), SetId>,
}

/// A plan of the schema or of the run.
pub(super) enum PlanRef<'a> {
    Base(&'a Plan),
    Own(Rc<Plan>),
}

impl Deref for PlanRef<'_> {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        match self {
            Self::Base(plan) => plan,
            Self::Own(plan) => plan,
        }
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(base: &'a Plans, options: &'a Options) -> Self {
        Self { base, options, plans: BTreeMap::new(), tags: tags::Known::new(), branches: BTreeMap::new() }
    }

    /// The plan of a set, if it was compiled with the schema.
    #[inline]
    pub(super) fn base(&self, id: SetId) -> Option<&'a Plan> {
        self.base.compiled.get(id.0 as usize)
    }

    /// The plan of a set, and how much had to be compiled for it.
    #[inline]
    pub(super) fn plan(&mut self, sets: &mut Sets<'_>, id: SetId) -> (PlanRef<'a>, usize) {
        match self.base(id) {
            Some(plan) => (PlanRef::Base(plan), 0),
            None => self.own(sets, id),
        }
    }

    #[cold]
    fn own(&mut self, sets: &mut Sets<'_>, id: SetId) -> (PlanRef<'a>, usize) {
        if let Some(plan) = self.plans.get(&id) {
            return (PlanRef::Own(Rc::clone(plan)), 0);
        }
        let plan = Rc::new(Compiler { sets, options: self.options, tags: &mut self.tags }.plan(id));
        self.plans.insert(id, Rc::clone(&plan));
        let size = 8 + plan.size();
        (PlanRef::Own(plan), size)
    }

    /// A set with one schema object more.
    pub(super) fn with(&mut self, sets: &mut Sets<'_>, set: SetId, applied: Applied, keyword: Keyword) -> SetId {
        let known = self.base.branches.get(&(set, applied)).or_else(|| self.branches.get(&(set, applied)));
        known.copied().unwrap_or_else(|| {
            let with = sets.with(set, applied, keyword);
            self.branches.insert((set, applied), with);
            with
        })
    }

    /// The plan of an unknown name that these patterns of a place match.
    pub(super) fn matching(&mut self, sets: &mut Sets<'_>, plan: &Plan, matches: &[bool]) -> SetId {
        Compiler { sets, options: self.options, tags: &mut self.tags }
            .unnamed(&plan.set, |index| matches.get(index) == Some(&true))
    }
}
