//! The functions that a script defines: the one that it is called by, and none that hides a built-in one.

use super::ast::Tree;
use super::lint::Kindred;
use super::natives;
use crate::diagnostic::{Diagnostic, nearest};

/// The function that a script is called by, as it should be.
pub(super) fn entry(tree: &Tree, file: &str, source: &str, kind: Kindred<'_>) -> Option<Diagnostic> {
    let (name, params) = match kind {
        Kindred::Merge { .. } => ("merge", &["account", "anonymous", "context"][..]),
        Kindred::Guard => ("authorize", &["request"][..]),
        Kindred::Library => return None,
    };
    let signature = format!("fn {name}({})", params.join(", "));
    match tree.functions.iter().find(|function| function.name == name) {
        // a parameter under another's name: its place counts, not its name
        Some(function) if function.params.len() == params.len() => {
            let mut both = function.params.iter().zip(params);
            let swapped = both.find(|(own, name)| own.as_str() != **name && params.contains(&own.as_str()));
            swapped.map(|(own, name)| {
                let message = format!("the parameter `{own}` stands where `{name}` is given");
                at_function("R004", &function.name, file, source, message).help(format!("write `{signature}`"))
            })
        }
        Some(function) => {
            let message = format!("`{name}` takes {} parameters, not {}", params.len(), function.params.len());
            Some(at_function("R004", name, file, source, message).help(format!("write `{signature}`")))
        }
        None => {
            let names: Vec<&str> = tree.functions.iter().map(|function| function.name.as_str()).collect();
            let near = names.iter().find(|own| nearest(own, &[name]).is_some());
            let comment = unclosed_comment(source);
            Some(match near {
                _ if comment.is_some() => {
                    let at = comment.unwrap_or_default();
                    Diagnostic::error("R001", file, source, at..at + 2, "a comment without its closing `*/`".to_owned())
                        .help("close it with `*/`")
                }
                Some(near) => {
                    let message = format!("no function `{name}`, but `{near}`");
                    at_function("R003", near, file, source, message).help(format!("did you mean `{name}`?"))
                }
                None => Diagnostic::error("R003", file, source, 0..0, format!("no function `{name}`"))
                    .help(format!("write `{signature} {{ … }}`")),
            })
        }
    }
}

/// Where a comment begins that never ends.
fn unclosed_comment(source: &str) -> Option<usize> {
    let at = source.rfind("/*")?;
    source.get(at..).filter(|rest| !rest.contains("*/")).map(|_| at)
}

/// Functions that are named like one of rhai's or ours.
pub(super) fn hidden(tree: &Tree, file: &str, source: &str) -> Vec<Diagnostic> {
    let names = tree.functions.iter().map(|function| function.name.as_str()).filter(|name| natives::is_native(name));
    let error = |name: &str| at_function("R006", name, file, source, format!("`{name}` hides a built-in function"));
    names.map(error).collect()
}

fn at_function(code: &'static str, name: &str, file: &str, source: &str, message: String) -> Diagnostic {
    let start = source.find(&format!("fn {name}")).map_or(0, |at| at + "fn ".len());
    Diagnostic::error(code, file, source, start..start + name.len(), message)
}
