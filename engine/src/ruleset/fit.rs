//! Declared merges that do not fit what their schema allows (P034 to P038), in an author's words.

use crate::diagnostic::{Diagnostic, Help, PolicyProblem, Span, suggestion};
use crate::json::{Document, Kind, View};
use crate::merge::{self, Misfit, Named, Strategy, Why};
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
    let diagnostic =
        |misfit: Misfit<'_, '_>| Diagnostic::new(Span::at_view(POLICY_FILE, misfit.at), problem(&misfit.why));
    found.into_iter().map(diagnostic).collect()
}

fn problem(why: &Why<'_>) -> PolicyProblem {
    match why {
        Why::Member { name, declared } => {
            PolicyProblem::MemberNeverPasses { name: name.clone(), help: Some(name_help(name, declared)) }
        }
        Why::Key { name, path, depth, declared } => {
            let help = name_help(name, declared);
            let with = |near: &str| {
                let names = path.iter().enumerate();
                let names = names.map(|(index, own)| if index == *depth { near } else { own.as_str() });
                names.collect::<Vec<_>>().join(".")
            };
            let whole = help.replacement().map(|near| Help::did_you_mean(&with(near)));
            PolicyProblem::NoKeyMember { name: name.clone(), help: Some(whole.unwrap_or(help)) }
        }
        Why::Time { name, declared } => {
            let help = Help::from(format!("name it in `at`: {}", name_help(name, declared)));
            PolicyProblem::NoTimeMember { name: name.clone(), help: Some(help) }
        }
        Why::Type { strategy, merges, found, instead } => {
            let help = match instead.as_slice() {
                // with its options, it is more than a word
                [one] => Help::from(format!("did you mean `{one}`?")),
                _ => suggestion("", instead),
            };
            let (merges, found) = (plural(merges), single(found));
            PolicyProblem::OtherType { strategy: strategy.clone(), merges, found, help: Some(help) }
        }
        Why::Line { preset, needs, declared, instead } => PolicyProblem::OtherLines {
            preset: preset.clone(),
            needs: quoted(needs, " or "),
            declared: quoted(declared, ", "),
            help: instead.as_ref().map(|instead| Help::from(format!("write `{instead}`"))),
        },
        Why::Unruled { names } => match names.as_slice() {
            [_] => PolicyProblem::UnruledMember { name: quoted(names, "") },
            _ => PolicyProblem::UnruledMembers { names: quoted(names, ", ") },
        },
    }
}

fn quoted(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
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
