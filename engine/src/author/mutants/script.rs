//! Changes of a script: operators, constants, strategies. Its syntax tree says where they stand.

use super::Change;
use super::declared::other;
use crate::merge::Function;
use crate::script::{MERGE_VERBS, Piece, pieces};

pub(super) fn changes(text: &str) -> Vec<Change> {
    let mut found = Vec::new();
    for Piece { span, what } in pieces(text) {
        let own = text.get(span.clone()).unwrap_or_default().to_owned();
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
