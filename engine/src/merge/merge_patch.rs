//! `merge_patch`: JSON Merge Patch (RFC 7386), exactly. For patches that are trusted: null removes.
//!
//! Laws: L2, L9.

use super::Made;
use super::fields::{Names, changed};
use super::function::{Called, Code, Function, Gives, SIDES};
use super::law::{Law, Laws};
use crate::json::{Json, Kind, Text, View};

/// What it keeps: a patch removes members.
const LAWS: Laws = Laws::OF_EVERY_RULE.with(Law::Relogin).with(Law::Total);

/// `merge_patch` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "merge_patch",
    signature: "merge_patch(target, patch)",
    summary: "JSON Merge Patch (RFC 7386), for patches that are trusted",
    arguments: (2, 2),
    sides: Some(SIDES),
    options: None,
    gives: Gives::Either,
    mutant: None,
    example: ["merge_patch(#{ a: 1, b: 2 }, #{ b: () })", r#"{"a":1}"#],
    code: Code::Merge {
        laws: LAWS,
        like: None,
        call: |arguments, _| Ok(Called::Value(merge_patch(Some(arguments.at(0)), arguments.at(1)))),
    },
};

/// The target with the patch applied.
pub(super) fn merge_patch(target: Option<View<'_>>, patch: View<'_>) -> Json {
    if patch.kind() != Kind::Object {
        return patch.to_json();
    }
    let target = target.filter(|target| target.kind() == Kind::Object);
    let known = Names::of(target);
    let mut changes = Vec::new();
    let mut removed: Vec<Text<'_>> = Vec::new();
    for (name, value) in patch.named_members() {
        let Some(text) = name.as_text() else { continue };
        if value.is_null() {
            removed.push(text);
        } else {
            changes.push((name.to_json(), merge_patch(known.get(text), value)));
        }
    }
    let patched = match changed(target, changes) {
        Made::Write(patched) => patched,
        Made::Keep => target.map_or_else(Json::empty_object, View::to_json),
    };
    if removed.is_empty() {
        return patched;
    }
    removed.sort_by(|a, b| a.compare(*b));
    let stays = |name: &Json| {
        name.view().as_text().is_none_or(|name| removed.binary_search_by(|own| own.compare(name)).is_err())
    };
    Json::object(patched.into_members().into_iter().filter(|(name, _)| stays(name)).collect())
}
