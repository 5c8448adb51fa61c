//! What is wrong in a script before it runs, in three passes over its syntax tree.
//!
//! | pass | reports |
//! |---|---|
//! | [`names`] | names that nobody defined, wrong numbers of arguments, imports, copies that are changed and never read |
//! | [`shapes`] | members that no schema has, types that do not fit, values that may be absent, options of merge functions |
//! | [`flow`] | statements that are unreachable, loops without an end, paths without a value |
//!
//! A name that one pass reports is of no known type in the next, so one mistake gives one diagnostic. What a part that does
//! not parse may define is known to every pass, and silent.

mod kinds;
mod words;
mod report;
mod names;
mod options;
mod shapes;
mod flow;

use std::collections::BTreeMap;

use super::ast::{Function, Tree};
use super::entry;
use super::natives::{self, GUARD_VERBS, MERGE_VERBS};
use crate::diagnostic::Diagnostic;
use crate::sanitizer::Shape;
pub(super) use kinds::Kinds;
use report::Report;
pub(super) use words::{CONTEXT, REQUEST, SESSION, Where, foreign, habit_at};
pub use words::{Fixed, Known};

/// What a script is for.
#[derive(Clone, Copy)]
pub enum ScriptKind<'s> {
    /// `fn merge(account, anonymous, context)`, with the shapes of its first two arguments.
    Merge {
        /// What the account holds, and whether its schema says all of it.
        account: (&'s Shape, bool),
        /// What the visitor brings.
        anonymous: &'s Shape,
    },
    /// `fn authorize(request)`.
    Guard,
    /// Functions that scripts share.
    Library,
}

impl ScriptKind<'_> {
    /// The function that such a script is called by, with its parameters.
    pub(super) fn entry(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::Merge { .. } => Some(("merge", &["account", "anonymous", "context"])),
            Self::Guard => Some(("authorize", &["request"])),
            Self::Library => None,
        }
    }
}

/// The functions of each module, by the name that scripts import: their names and how many arguments they take. Of a
/// module that does not compile, nothing is known.
pub(super) type Modules = BTreeMap<String, Option<Vec<(String, usize)>>>;

/// A script as the passes read it.
pub(super) struct Given<'a, 's> {
    /// What parses of it.
    pub(super) tree: &'a Tree,
    /// What it is for.
    pub(super) kind: ScriptKind<'s>,
    /// What it can import.
    pub(super) modules: &'a Modules,
    /// Functions in the parts that do not parse.
    pub(super) broken: &'a [String],
    /// Whether all of it parses.
    pub(super) is_whole: bool,
    /// Whether its entry function is there; without it, it may be a script of another kind.
    pub(super) has_entry: bool,
    /// Whether the entry takes what it is given.
    pub(super) fits: bool,
}

impl<'a> Given<'a, '_> {
    /// The function that the script is called by.
    fn entry(&self) -> Option<&'a Function> {
        let (name, params) = self.kind.entry()?;
        entry::called(self.tree, name, params.len())
    }

    /// How many arguments the script's own functions of a name take; those that do not parse may take any.
    fn own(&self, name: &str) -> Option<Vec<usize>> {
        let own = self.tree.functions.iter().filter(|function| function.name == name);
        let own: Vec<usize> = own.map(|function| function.params.len()).collect();
        (!own.is_empty() || self.broken.iter().any(|broken| broken == name)).then_some(own)
    }

    /// Whether a method may be a closure that a member holds.
    fn is_member(&self, name: &str) -> bool {
        self.tree.closures.iter().any(|own| own == name)
    }

    /// Whether a call ends the merge, or the guard. A script may hide the verb with a function of its own.
    fn ends_script(&self, name: &str) -> bool {
        natives::is_verb(name) && self.own(name).is_none()
    }

    /// Whether a verb of merges or guards belongs to this kind of script; `None`: it is no verb. A module may serve both.
    fn allows_verb(&self, name: &str) -> Option<bool> {
        let is_guard = matches!(self.kind, ScriptKind::Guard);
        let (of_guards, of_merges) = (GUARD_VERBS.contains(&name), MERGE_VERBS.contains(&name));
        let serves_both = matches!(self.kind, ScriptKind::Library) || !self.has_entry;
        (of_guards || of_merges).then_some(serves_both || is_guard == of_guards)
    }
}

/// All that is wrong in a script, as far as it parses.
pub(super) fn lint(file: &str, source: &str, given: &Given<'_, '_>) -> Vec<Diagnostic> {
    let mut report = Report::new(file, source);
    names::check(given, &mut report);
    shapes::check(given, &mut report);
    flow::check(given, &mut report);
    report.found
}

/// Whether a function of the tree is a closure, which rhai names itself.
pub(super) fn is_closure(function: &Function) -> bool {
    function.name.starts_with("anon$")
}
