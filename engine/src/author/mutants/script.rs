//! Changes of a script: operators, constants, strategies, and what a guard decides. Its syntax tree says where they stand.

use std::ops::Range;

use super::Change;
use super::declared::other;
use crate::merge::Function;
use crate::script::{GUARD_VERBS, MERGE_VERBS, Piece, pieces};

pub(super) fn changes(text: &str) -> Vec<Change> {
    let mut found = Vec::new();
    for Piece { span, what } in pieces(text) {
        let own = text.get(span.clone()).unwrap_or_default().to_owned();
        if what == "call" && GUARD_VERBS.contains(&&*own) {
            found.extend(decision(text, span, &own));
            continue;
        }
        let news: Vec<String> = match what {
            "operator" => operators(&own).iter().map(|new| (*new).to_owned()).collect(),
            "integer" => near(&own),
            "boolean" => vec![(own != "true").to_string()],
            "text" => other(own.trim_matches('"')).map(|new| format!("{new:?}")).into_iter().collect(),
            _ => function(&own).map(str::to_owned).into_iter().collect(),
        };
        found.extend(news.into_iter().map(|new| {
            let shown = if new.is_empty() { "nothing" } else { new.as_str() };
            let words = format!("`{own}` → `{shown}`");
            Change { span: span.clone(), text: new, words }
        }));
    }
    found.sort_by_key(|change| change.span.start);
    found
}

/// The opposite of what a guard decides: the whole call changes.
fn decision(text: &str, verb: Range<usize>, own: &str) -> Option<Change> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut is_escaped = false;
    let end = text.get(verb.end..)?.char_indices().find_map(|(at, one)| {
        let was_escaped = is_escaped;
        is_escaped = one == '\\' && !was_escaped;
        match (quote, one) {
            (Some(open), _) if one == open && !was_escaped => quote = None,
            (None, '"' | '`' | '\'') => quote = Some(one),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        (one == ')' && depth == 0 && quote.is_none()).then_some(verb.end + at + 1)
    })?;
    let new = if own == "allow" { "deny(\"changed\")" } else { "allow()" };
    Some(Change { span: verb.start..end, text: new.to_owned(), words: format!("`{own}(…)` → `{new}`") })
}

/// The numbers beside one.
fn near(own: &str) -> Vec<String> {
    let number: Option<i64> = own.replace('_', "").parse().ok();
    let near = number.into_iter().flat_map(|number| [number.checked_add(1), number.checked_sub(1)]);
    near.flatten().map(|near| near.to_string()).collect()
}

fn operators(own: &str) -> &'static [&'static str] {
    match own {
        "==" => &["!="],
        "!=" => &["=="],
        "<" => &["<=", ">"],
        "<=" => &["<", ">"],
        ">" => &[">=", "<"],
        ">=" => &[">", "<"],
        "&&" => &["||"],
        "||" => &["&&"],
        "+" => &["-"],
        "-" | "*" => &["+"],
        "/" | "%" => &["*"],
        "+=" => &["-="],
        "-=" => &["+="],
        "!" => &[""],
        _ => &[],
    }
}

/// What takes the place of a function: another one of the library, or the other verb that ends a merge.
fn function(own: &str) -> Option<&'static str> {
    let verb = || MERGE_VERBS.into_iter().find(|verb| *verb != own).filter(|_| MERGE_VERBS.contains(&own));
    Function::by_name(own).and_then(|function| function.mutant).or_else(verb)
}
