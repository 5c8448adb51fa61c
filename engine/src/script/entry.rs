//! The functions that a script defines: the one that it is called by, and none that hides a built-in one.

use rhai::Position as At;

use super::ast::{self, Tree};
use super::lint::ScriptKind;
use super::natives;
use super::syntax::script_error;
use crate::diagnostic::{Code, Diagnostic, Help, nearest};

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
    let at_function = |at: At, message: String| script_error(Code::R004, file, source, at, message);
    let Some(function) = tree.functions.iter().find(|function| function.name == name) else {
        return Some(Wrong::Missing(missing(tree, file, source, name, &signature)));
    };
    if function.params.len() != params.len() {
        let message = format!("`{name}` takes {} parameters, not {}", params.len(), function.params.len());
        return Some(Wrong::Parameters(at_function(function.at, message).help(format!("write `{signature}`"))));
    }
    // a parameter under another's name: its place counts, not its name
    let mut both = function.params.iter().zip(params);
    let (own, name) = both.find(|(own, name)| own.as_str() != **name && params.contains(&own.as_str()))?;
    let message = format!("the parameter `{own}` receives `{name}`");
    Some(Wrong::Parameters(at_function(function.at, message).help(format!("write `{signature}`"))))
}

fn missing(tree: &Tree, file: &str, source: &str, name: &str, signature: &str) -> Diagnostic {
    if let Some(at) = unclosed_comment(source) {
        let message = "a comment without its closing `*/`".to_owned();
        return Diagnostic::error(Code::R001, file, source, at..at + 2, message).help("close it with `*/`");
    }
    match tree.functions.iter().find(|own| nearest(&own.name, &[name]).is_some()) {
        Some(near) => {
            let message = format!("no function `{name}`, but `{}`", near.name);
            script_error(Code::R003, file, source, near.at, message).help(Help::did_you_mean(name))
        }
        None => Diagnostic::error(Code::R003, file, source, 0..0, format!("no function `{name}`"))
            .help(format!("write `{signature} {{ … }}`")),
    }
}

/// Where a comment begins that never ends: a function behind it is not seen.
fn unclosed_comment(source: &str) -> Option<usize> {
    const NAME: &str = "behind_the_last_comment";
    let is_open = ast::named(&format!("{source}\nfn {NAME}() {{}}")).iter().all(|(name, _)| name != NAME);
    source.rfind("/*").filter(|_| is_open)
}

/// Functions that are named like one of rhai's or ours.
pub(super) fn hidden(tree: &Tree, file: &str, source: &str) -> Vec<Diagnostic> {
    let hides = |(least, most): (usize, usize), count: usize| (least..=most).contains(&count);
    let hiding = tree.functions.iter().filter(|function| {
        let native = natives::native(&function.name);
        native.is_some_and(|native| hides(native.arguments, function.params.len()))
    });
    let error =
        |name: &str, at| script_error(Code::R006, file, source, at, format!("`{name}` hides a built-in function"));
    hiding.map(|function| error(&function.name, function.at)).collect()
}
