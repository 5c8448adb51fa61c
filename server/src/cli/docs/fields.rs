//! The table of a schema: a row for each place, with what passes there and when.

use std::collections::BTreeMap;
use std::fmt::Write;

use handover_engine::json::{Kind, View};
use handover_engine::pointer::Pointer;

/// The table of the schema of a rule that reads from a place.
pub(super) fn table<'a>(out: &'a mut String, root: View<'a>, from: &str) {
    out.push_str("\n| place | holds | within | where it is invalid |\n|---|---|---|---|\n");
    Fields { out, root, followed: BTreeMap::new(), when: Vec::new() }.field(root, from, Held::Whole);
}

/// What holds a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Nothing: it is the value of the rule.
    Whole,
    /// An object that needs it.
    Required,
    /// An object that does not.
    Optional,
    /// A list.
    Item,
}

/// A step of `x-on-invalid`, as a reader of the page knows it.
fn step(word: String) -> String {
    if word == "fail" { "not without it: what holds it is invalid".to_owned() } else { word }
}

impl Held {
    /// What goes with a value that is invalid.
    fn dropped(self) -> &'static str {
        match self {
            Self::Whole => "drops the value",
            Self::Required => "drops its object",
            Self::Optional => "drops the member",
            Self::Item => "drops the item",
        }
    }
}

/// The rows of a schema: a place each.
struct Fields<'a> {
    out: &'a mut String,
    root: View<'a>,
    /// References that were followed, and the place that each was followed from first.
    followed: BTreeMap<String, String>,
    /// When the branches apply that are being described, the outer one first.
    when: Vec<String>,
}

impl<'a> Fields<'a> {
    const BOUNDS: [&'static str; 16] = [
        "const",
        "enum",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "uniqueItems",
    ];

    fn field(&mut self, schema: View<'a>, place: &str, held: Held) {
        // what refers to another schema, and says nothing itself, is described there
        let says_more = schema.members().any(|(name, _)| !name.is("$ref"));
        if schema.kind() == Kind::Object && says_more {
            self.row(schema, place, held);
        } else if schema.as_bool() == Some(false) {
            let _ = writeln!(self.out, "| `{place}` | | {} | never passes |", self.when.join(", ").replace('|', "\\|"));
        }
        self.below(schema, place, held);
    }

    fn row(&mut self, schema: View<'a>, place: &str, held: Held) {
        let says = |keyword| schema.get(keyword).and_then(View::as_bool) == Some(true);
        let atomic = says("x-atomic").then(|| "whole or not at all".to_owned());
        let required = (held == Held::Required).then(|| "required".to_owned());
        let bounds: Vec<_> =
            self.when.iter().cloned().chain(required).chain(Self::bounds(schema)).chain(atomic).collect();
        let is_sensitive = says("x-sensitive");
        let filled = schema.get("x-on-missing").map_or("", |_| "; the default where it is missing");
        let steps = match schema.get("x-on-invalid") {
            _ if is_sensitive => "never passes".to_owned(),
            Some(steps) => words(steps).into_iter().map(step).collect::<Vec<_>>().join(", then ") + filled,
            None => format!("{}{filled}", held.dropped()),
        };
        let cut = ["maxItems", "maxProperties"].into_iter().find_map(|keyword| schema.get(keyword));
        // what passes whole or not at all is never cut
        let cut = cut.filter(|_| !says("x-atomic"));
        let steps = cut.map_or(steps.clone(), |most| format!("cut to {}; {steps}", most.to_text()));
        let cells = [types(schema), bounds.join(", "), steps].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(self.out, "| `{place}` | {} |", cells.join(" | "));
    }

    /// What a schema asks of a value, keyword by keyword.
    fn bounds(schema: View<'_>) -> Vec<String> {
        let names = schema.get("propertyNames").map(|names| match names.get("pattern") {
            Some(pattern) => format!("names match `{}`", pattern.to_text()),
            None => format!("names are as `{}`", names.to_text()),
        });
        let bounds = Self::BOUNDS.iter().filter_map(|keyword| Some((keyword, schema.get(keyword)?)));
        let bounds = bounds.map(|(keyword, value)| format!("{keyword} `{}`", value.to_text()));
        // what its own members need is said of them
        let is_own = |name: &String| schema.get("properties").is_some_and(|own| own.get(name).is_some());
        let needed = schema.get("required").map(words).unwrap_or_default().into_iter().filter(|name| !is_own(name));
        let needed = needed.map(|name| format!("needs `{name}`"));
        let dependent = schema.get("dependentRequired").into_iter().flat_map(View::named_members);
        let dependent = dependent.map(|(name, needs)| format!("`{}` needs {}", name.word(), quoted(&words(needs))));
        let items = schema.get("contains").map(|item| {
            let least = schema.get("minContains").map_or("1".to_owned(), View::to_text);
            let most = schema.get("maxContains").map(|most| format!(" and at most {}", most.to_text()));
            format!("at least {least}{} of the items are `{}`", most.unwrap_or_default(), item.to_text())
        });
        let not = schema.get("not").map(|not| format!("not `{}`", not.to_text()));
        names.into_iter().chain(bounds).chain(needed).chain(dependent).chain(items).chain(not).collect()
    }

    /// A branch of a place, which applies in some cases only: what it asks, and the places below.
    fn branch(&mut self, branch: View<'a>, place: &str, held: Held, when: Option<String>) {
        let depth = self.when.len();
        self.when.extend(when);
        let types = types(branch);
        let asked = Self::bounds(branch);
        let never = if branch.as_bool() == Some(false) { "never passes" } else { "" };
        if !asked.is_empty() || !matches!(types.as_str(), "" | "object") || !never.is_empty() {
            let bounds: Vec<_> = self.when.iter().cloned().chain(asked).collect();
            let cells = [types, bounds.join(", "), never.to_owned()].map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(self.out, "| `{place}` | {} |", cells.join(" | "));
        }
        self.below(branch, place, held);
        self.when.truncate(depth);
    }

    /// The places below, through what the schema refers to and combines.
    fn below(&mut self, schema: View<'a>, place: &str, held: Held) {
        let required: Vec<_> = schema.get("required").map(words).unwrap_or_default();
        for (name, member) in schema.get("properties").into_iter().flat_map(View::named_members) {
            let name = name.word();
            let held = if required.contains(&name) { Held::Required } else { Held::Optional };
            self.field(member, &format!("{place}/{name}"), held);
        }
        for (pattern, member) in schema.get("patternProperties").into_iter().flat_map(View::named_members) {
            self.field(member, &format!("{place}/{}", pattern.word()), Held::Optional);
        }
        for name in ["additionalProperties", "unevaluatedProperties"] {
            if schema.get(name).and_then(View::as_bool) == Some(true) {
                let _ = writeln!(self.out, "| `{place}/*` | anything |  |  |");
            }
        }
        for (keyword, held) in [
            ("items", Held::Item),
            ("additionalItems", Held::Item),
            ("unevaluatedItems", Held::Item),
            ("additionalProperties", Held::Optional),
            ("unevaluatedProperties", Held::Optional),
        ] {
            if let Some(child) = schema.get(keyword).filter(|child| child.kind() == Kind::Object) {
                self.field(child, &format!("{place}/*"), held);
            }
        }
        let listed = ["prefixItems", "items"].into_iter().filter_map(|keyword| schema.get(keyword));
        for (index, item) in listed.flat_map(View::items).enumerate() {
            self.field(item, &format!("{place}/{index}"), Held::Item);
        }
        for branch in schema.get("allOf").into_iter().flat_map(View::items) {
            self.branch(branch, place, held, None);
        }
        for choice in ["anyOf", "oneOf"].into_iter().filter_map(|keyword| schema.get(keyword)) {
            for (index, branch) in choice.items().enumerate() {
                let when = format!("form {} of {}", index + 1, choice.len());
                self.branch(branch, place, held, Some(when));
            }
        }
        let condition = schema.get("if").map(View::to_text).unwrap_or_default();
        for (keyword, when) in [("then", "if"), ("else", "unless")] {
            if let Some(branch) = schema.get(keyword).filter(|_| !condition.is_empty()) {
                self.branch(branch, place, held, Some(format!("{when} `{condition}`")));
            }
        }
        for (name, branch) in schema.get("dependentSchemas").into_iter().flat_map(View::named_members) {
            self.branch(branch, place, held, Some(format!("beside `{}`", name.word())));
        }
        let Some(reference) = schema.get("$ref").map(View::word) else { return };
        let target = reference.strip_prefix('#').and_then(Pointer::parse);
        let Some(target) = target.and_then(|pointer| pointer.get(self.root)) else { return };
        match self.followed.get(&reference) {
            None => {
                self.followed.insert(reference, place.to_owned());
                self.field(target, place, held);
            }
            // what stands in itself, or is said twice of one place
            Some(first) if first == place || place.starts_with(&format!("{first}/")) => {}
            Some(first) if holds_places(target) => {
                let _ = writeln!(self.out, "| `{place}` | as `{first}` | | |");
            }
            Some(_) => self.field(target, place, held),
        }
    }
}

/// Whether a schema has rows below its own.
fn holds_places(schema: View<'_>) -> bool {
    let scalar = ["const", "enum", "format", "maxLength", "maximum", "minLength", "minimum", "pattern", "type"];
    let is_said = |name: &str| scalar.contains(&name) || name.starts_with("x-") || name == "description";
    let is_container =
        schema.get("type").is_some_and(|types| words(types).iter().any(|one| one == "array" || one == "object"));
    is_container || schema.members().any(|(name, _)| !is_said(&name.decode()))
}

/// The types that a schema lets pass.
fn types(schema: View<'_>) -> String {
    schema.get("type").map(|types| words(types).join(" or ")).unwrap_or_default()
}

/// Names, as a list of code.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A text, or the texts of a list.
pub(super) fn words(view: View<'_>) -> Vec<String> {
    if view.kind() == Kind::Array { view.items().map(View::word).collect() } else { vec![view.word()] }
}
