//! The functions that a script defines: the one that it is called by, and none that hides a built-in one.

use rhai::Position as At;

use super::ast::{self, Function, Tree};
use super::lint::ScriptKind;
use super::natives;
use super::syntax::span_at;
use crate::diagnostic::{Diagnostic, Help, ScriptProblem, Span, nearest};

/// What is wrong with the function that a script is called by.
pub(super) enum Wrong {
    /// It is not there; the script may be one of another kind.
    Missing(Diagnostic),
    /// It takes other parameters.
    Parameters(Diagnostic),
}

impl Wrong {
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }

    pub(super) fn diagnostic(self) -> Diagnostic {
        let (Self::Missing(diagnostic) | Self::Parameters(diagnostic)) = self;
        diagnostic
    }
}

/// The function that a script is called by, as it should be.
pub(super) fn entry(tree: &Tree, file: &str, source: &str, kind: ScriptKind<'_>) -> Option<Wrong> {
    let (name, params) = kind.entry()?;
    let signature = format!("fn {name}({})", params.join(", "));
    let at_function = |at: At, problem| Some(Wrong::Parameters(Diagnostic::new(span_at(file, source, at), problem)));
    let Some(function) = called(tree, name, params.len()) else {
        return Some(Wrong::Missing(missing(tree, file, source, name, &signature)));
    };
    if function.params.len() != params.len() {
        let (name, takes, count) = (name.to_owned(), params.len(), function.params.len());
        return at_function(function.at, ScriptProblem::EntryParameters { name, takes, count, signature });
    }
    // a parameter under another's name: its place counts, not its name
    let mut both = function.params.iter().zip(params);
    let (own, name) = both.find(|(own, name)| own.as_str() != **name && params.contains(&own.as_str()))?;
    let (own, receives) = (own.clone(), (*name).to_owned());
    at_function(function.at, ScriptProblem::SwappedParameter { own, receives, signature })
}

/// The function of a name that a script is called by: the one with so many parameters, if there is one.
pub(super) fn called<'t>(tree: &'t Tree, name: &str, count: usize) -> Option<&'t Function> {
    let named = || tree.functions.iter().filter(|function| function.name == name);
    named().find(|function| function.params.len() == count).or_else(|| named().next())
}

fn missing(tree: &Tree, file: &str, source: &str, name: &str, signature: &str) -> Diagnostic {
    if let Some(at) = unclosed_comment(source) {
        return Diagnostic::new(Span::of(file, source, at..at + 2), ScriptProblem::OpenComment);
    }
    match tree.functions.iter().find(|own| nearest(&own.name, &[name]).is_some()) {
        Some(near) => {
            let (name, help) = (name.to_owned(), Some(Help::did_you_mean(name)));
            let problem = ScriptProblem::MisnamedEntry { name, near: near.name.clone(), help };
            Diagnostic::new(span_at(file, source, near.at), problem)
        }
        None => {
            let (name, signature) = (name.to_owned(), signature.to_owned());
            Diagnostic::new(Span::whole(file), ScriptProblem::NoEntry { name, signature })
        }
    }
}

/// Where a comment begins that never ends: a function behind it is not seen.
fn unclosed_comment(source: &str) -> Option<usize> {
    const NAME: &str = "behind_the_last_comment";
    let is_open = ast::named(&format!("{source}\nfn {NAME}() {{}}")).iter().all(|(name, _)| name != NAME);
    source.rfind("/*").filter(|_| is_open)
}

/// Functions that are named like one of rhai's or ours.
pub(super) fn hidden(tree: &Tree, file: &str, source: &str, kind: ScriptKind<'_>) -> Vec<Diagnostic> {
    // no function of a guard passes for a decision
    let is_verb = |name: &str| matches!(kind, ScriptKind::Guard) && natives::GUARD_VERBS.contains(&name);
    let hides = |(least, most): (usize, usize), count: usize| (least..=most).contains(&count);
    let hiding = tree.functions.iter().filter(|function| {
        let native = natives::native(&function.name);
        is_verb(&function.name) || native.is_some_and(|native| hides(native.arguments, function.params.len()))
    });
    let diagnostic = |function: &Function| {
        let problem = ScriptProblem::HidesBuiltIn { name: function.name.clone() };
        Diagnostic::new(span_at(file, source, function.at), problem)
    };
    hiding.map(diagnostic).collect()
}
