//! Declared merges that do not fit what their schema allows (P034 to P038), in an author's words.

use crate::diagnostic::{Code, Diagnostic, Help, Severity, suggestion};
use crate::json::{Document, Kind, View};
use crate::merge::{self, Named, Strategy, Why};
use crate::policy::{Declaration, Files, POLICY_FILE};
use crate::sanitizer::Shape;

/// What a rule's merge needs and its schema never allows.
pub(super) fn misfits(files: &Files, declaration: &Declaration, strategy: &Strategy, shape: &Shape) -> Vec<Diagnostic> {
    let text = files.get(POLICY_FILE).unwrap_or_default();
    let Ok(document) = Document::read(text.as_bytes()) else { return Vec::new() };
    let named = |one: &View<'_>| one.get("name").and_then(View::as_text).is_some_and(|name| name.is(&declaration.name));
    let rules = document.root().get("rules");
    let Some(merge) = rules.and_then(|rules| rules.items().find(named)).and_then(|rule| rule.get("merge")) else {
        return Vec::new();
    };
    let found = merge::misfits(merge, strategy, shape);
    found.into_iter().map(|misfit| diagnostic(misfit.at, &misfit.why)).collect()
}

fn diagnostic(at: View<'_>, why: &Why<'_>) -> Diagnostic {
    let (code, message, help) = match why {
        Why::Member { name, declared } => {
            let message = format!("the schema allows no member `{name}`, so there is nothing to merge");
            (Code::P034, message, Some(name_help(name, declared)))
        }
        Why::Key { name, declared } => {
            let message = format!("the schema's items have no member `{name}` for the key, so every item is dropped");
            (Code::P035, message, Some(name_help(name, declared)))
        }
        Why::Time { name, declared } => {
            let message = format!("the schema has no member `{name}` that holds the time (`at`)");
            (Code::P035, message, Some(Help::from(format!("name it in `at`: {}", name_help(name, declared)))))
        }
        Why::Type { strategy, merges, found, instead } => {
            let message = format!("`{strategy}` merges {}, but the schema has {} here", plural(merges), single(found));
            let help = match instead.as_slice() {
                // with its options, it is more than a word
                [one] => Help::from(format!("did you mean `{one}`?")),
                _ => suggestion("", instead),
            };
            (Code::P036, message, Some(help))
        }
        Why::Line { preset, needs, declared, instead } => {
            let needs = needs.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            let has = declared.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("`{preset}` needs lines with {needs}, but the schema's lines have {has}");
            (Code::P037, message, instead.as_ref().map(|instead| Help::from(format!("write `{instead}`"))))
        }
        Why::Unruled { names } => {
            let all = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let (are, them) = if names.len() > 1 { ("are", "them") } else { ("is", "it") };
            let message =
                format!("where both have a line, the visitor's {all} {are} lost: `on_match` does not name {them}");
            (Code::P038, message, Some("name it in `on_match`, or write `\"otherwise\": \"account\"`".into()))
        }
    };
    let severity = if code == Code::P038 { Severity::Warning } else { Severity::Error };
    let diagnostic = Diagnostic::at_view(code, POLICY_FILE, at, message).severity(severity);
    help.into_iter().fold(diagnostic, Diagnostic::help)
}

/// What to write for a name that is not allowed.
fn name_help(name: &str, declared: &[&str]) -> Help {
    match name {
        "*" => "a name is not a pattern: `{ \"each\": { \"of\": … } }` merges the members of every name".into(),
        _ if Named::by_name(name).is_some_and(Named::takes_option) => {
            format!("a member has a strategy with options as a list: `[\"{name}\", …]`").into()
        }
        _ if declared.is_empty() => "`propertyNames` or `patternProperties` excludes this name".into(),
        _ => suggestion(name, declared),
    }
}

fn plural(kinds: &[Kind]) -> String {
    let word = |kind: &Kind| match kind {
        Kind::Null => "null",
        Kind::Bool => "booleans",
        Kind::Number => "numbers",
        Kind::String => "strings",
        Kind::Array => "lists",
        Kind::Object => "objects",
    };
    kinds.iter().map(word).collect::<Vec<_>>().join(" and ")
}

fn single(kinds: &[Kind]) -> String {
    let word = |kind: &Kind| match kind {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "a list",
        Kind::Object => "an object",
    };
    kinds.iter().map(word).collect::<Vec<_>>().join(" or ")
}
