//! Changes of declared merges: another strategy, another bound.

use super::{Change, by_one, short, span, with_comma};
use crate::json::{Document, Kind, View};
use crate::merge::{Named, Takes, takes};

/// Words of options that name no strategy, with what takes their place.
const WORDS: [(&str, &str); 2] = [("drop", "anonymous"), ("overwrite", "fill")];

/// What takes the place of a strategy, or of a word of an option.
pub(super) fn other(word: &str) -> Option<&'static str> {
    let strategy = Named::by_name(word).filter(|named| named.name == word);
    let of_option = WORDS.iter().find(|(own, _)| *own == word).map(|(_, other)| *other);
    strategy.and_then(|named| named.mutant).or(of_option)
}

/// The changes of `policy.json`, each with its rule.
pub(super) fn changes(text: &str) -> Vec<(Change, Option<String>)> {
    let Ok(document) = Document::read(text.as_bytes()) else { return Vec::new() };
    let mut found = Vec::new();
    for rule in document.root().get("rules").into_iter().flat_map(View::items) {
        let name = rule.get("name").map(View::word);
        let mut own = Vec::new();
        for (member, value) in rule.named_members() {
            match member.word().as_str() {
                "merge" if !value.word().contains(".rhai") => merge(text, value, false, &mut own),
                left_out @ ("on" | "unknown" | "parse" | "max_bytes") => {
                    let span = with_comma(text, span(member).start, span(value).end);
                    own.push(Change { span, text: String::new(), words: format!("without `{left_out}`") });
                }
                _ => {}
            }
        }
        found.extend(own.into_iter().map(|change| (change, name.clone())));
    }
    found
}

/// A merge, or options; where its names are those of members, none of them is an option.
fn merge(text: &str, view: View<'_>, has_members: bool, found: &mut Vec<Change>) {
    match view.kind() {
        Kind::String => found.extend(swapped(view)),
        Kind::Array => view.items().for_each(|item| merge(text, item, false, found)),
        Kind::Object => {
            for (name, value) in view.named_members() {
                let word = name.word();
                let takes = takes(&word).filter(|_| !has_members);
                match takes {
                    Some(Takes::Key) => key(text, value, found),
                    Some(Takes::Member) => {}
                    Some(Takes::Order) => found.extend(swapped(name)),
                    Some(Takes::Flag) => found.extend(flipped(value)),
                    _ => merge(text, value, has_members || takes == Some(Takes::Strategies), found),
                }
                if matches!(takes, Some(Takes::Count | Takes::Cap)) {
                    found.extend(by_one(value, &word));
                }
                if value.kind() == Kind::Array && value.items().next().is_some_and(|first| first.kind() == Kind::String)
                {
                    let cap = value.items().nth(1).filter(|cap| cap.kind() == Kind::Number);
                    found.extend(cap.into_iter().flat_map(|cap| by_one(cap, &word)));
                }
                if matches!(value.kind(), Kind::String | Kind::Array)
                    && !matches!(takes, Some(Takes::Key | Takes::Member | Takes::Order))
                {
                    let span = with_comma(text, span(name).start, span(value).end);
                    let words = format!("without `{}`", short(&word));
                    found.push(Change { span, text: String::new(), words });
                }
            }
        }
        _ => {}
    }
}

/// A key with a part less, or whose texts compare as they are.
fn key(text: &str, view: View<'_>, found: &mut Vec<Change>) {
    if view.len() > 1 && view.kind() == Kind::Array {
        found.extend(view.items().map(|part| {
            let own = span(part);
            let words = format!("`key` without `{}`", short(text.get(own.clone()).unwrap_or_default()));
            Change { span: with_comma(text, own.start, own.end), text: String::new(), words }
        }));
    }
    for part in view.items().chain([view]) {
        found.extend(part.members().filter_map(|(_, option)| flipped(option)));
    }
}

fn swapped(view: View<'_>) -> Option<Change> {
    let word = view.word();
    let other = other(&word)?;
    Some(Change { span: span(view), text: format!("{other:?}"), words: format!("`{word}` → `{other}`") })
}

fn flipped(view: View<'_>) -> Option<Change> {
    let value = view.as_bool()?;
    Some(Change { span: span(view), text: (!value).to_string(), words: format!("`{value}` → `{}`", !value) })
}
