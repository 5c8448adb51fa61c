//! Keywords without effect (S017), and what is worth a second look (S040–S046).

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, SchemaProblem};
use crate::fate::Keyword;
use crate::json::{Json, Kind, View, same};
use crate::provider::Provider;
use crate::sanitizer::check::{Check, Types};
use crate::sanitizer::knowledge::children::{Parts, parts};
use crate::sanitizer::knowledge::source::Source;
use crate::sanitizer::knowledge::ways::{WAYS_MAX, kinds, ways};
use crate::sanitizer::schema::{Id, Object, Schema, Step};
use crate::sanitizer::sets::Sets;
use crate::sanitizer::vocabulary::REF_ALONE;

/// Advice on each schema object that the root leads to.
pub(super) fn advice(sets: &mut Sets<'_>, provider: Option<Provider>, source: &Source) -> Vec<Diagnostic> {
    let schema = sets.schema();
    let mut found = Vec::new();
    for object in &schema.objects {
        found.extend(without_effect(object, schema.draft, source));
    }
    for (id, object) in (0..).zip(&schema.objects) {
        found.extend(tuple(object, source));
        found.extend(optional(object, source));
        found.extend(rounded(object, provider, source));
        found.extend(union(sets, id, object, source));
    }
    found.extend(explosion(sets, source));
    found.extend(not_monotone(schema, source));
    found.extend(recursive(schema, source));
    found
}

/// Keywords that only say something beside another one.
const PAIRS: [(&str, &[&str]); 6] = [
    ("then", &["if"]),
    ("else", &["if"]),
    ("if", &["then", "else"]),
    ("minContains", &["contains"]),
    ("maxContains", &["contains"]),
    ("additionalItems", &["items"]),
];

/// What still says something beside a `$ref` of draft 7 and before.
const BESIDE_REF: [&str; 11] =
    ["$ref", "$comment", "$defs", "$id", "$schema", "default", "definitions", "description", "examples", "id", "title"];

fn without_effect(object: &Object, draft: u16, source: &Source) -> Vec<Diagnostic> {
    let Some((_, view)) = source.find(&object.pointer) else { return Vec::new() };
    let hidden = draft <= REF_ALONE && view.get("$ref").is_some();
    let mut found = Vec::new();
    for (name, _) in view.members() {
        let name = name.decode();
        let alone = PAIRS
            .iter()
            .find(|(keyword, others)| *keyword == name && !others.iter().any(|other| view.get(other).is_some()));
        let keyword = name.clone().into_owned();
        let problem = if hidden && !BESIDE_REF.contains(&&*name) && !name.starts_with("x-") {
            SchemaProblem::BesideRef { keyword }
        } else if let Some((_, others)) = alone {
            SchemaProblem::Without { keyword, others: others.join("` or `") }
        } else if name == "x-on-invalid" && object.pointer == "#" && object.on_invalid.contains(&Step::Fail) {
            SchemaProblem::FailAtRoot
        } else if let Some(kind) = other_kind(&name, object) {
            SchemaProblem::ForOtherType { keyword, kind }
        } else {
            continue;
        };
        found.push(Diagnostic::new(source.at_name(&object.pointer, &name), problem));
    }
    found
}

/// The kind of value that a keyword asks, where the type beside it allows none.
fn other_kind(keyword: &str, object: &Object) -> Option<&'static str> {
    let (kind, word) = match keyword {
        "maxLength" | "minLength" | "pattern" => (Kind::String, "strings"),
        "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" | "multipleOf" => (Kind::Number, "numbers"),
        "items" | "maxItems" | "minItems" | "uniqueItems" | "prefixItems" => (Kind::Array, "lists"),
        "maxProperties" | "minProperties" | "properties" | "required" => (Kind::Object, "objects"),
        "x-atomic" => {
            let holds = |types: &Types| types.allows(Kind::Array) || types.allows(Kind::Object);
            return object.types.filter(|types| *types != Types::NONE && !holds(types)).map(|_| "objects and arrays");
        }
        _ => return None,
    };
    object.types.filter(|types| *types != Types::NONE && !types.allows(kind)).map(|_| word)
}

fn tuple(object: &Object, source: &Source) -> Option<Diagnostic> {
    let lacks = !object.prefix.is_empty() && object.length.min.is_none();
    lacks.then(|| {
        let problem = SchemaProblem::TupleWithoutMin { positions: object.prefix.len() };
        Diagnostic::new(source.at(&object.pointer), problem)
    })
}

/// An object of which everything may be dropped.
fn optional(object: &Object, source: &Source) -> Option<Diagnostic> {
    let all = !object.properties.is_empty() && object.required.is_empty() && object.members.min.is_none();
    all.then(|| Diagnostic::new(source.at_name(&object.pointer, "properties"), SchemaProblem::AllOptional))
}

/// Integers that the provider would round: they pass the schema, and are dropped (S046).
fn rounded(object: &Object, provider: Option<Provider>, source: &Source) -> Option<Diagnostic> {
    let provider = provider.filter(|_| object.types.is_some_and(Types::are_integers))?;
    let holds = |bound: &Json| bound.view().as_number().is_some_and(|bound| provider.holds_number(bound));
    let (mut least, mut most, mut listed) = (false, false, false);
    for check in &object.checks {
        match check {
            Check::Minimum(bound) | Check::ExclusiveMinimum(bound) => least |= holds(bound),
            Check::Maximum(bound) | Check::ExclusiveMaximum(bound) => most |= holds(bound),
            Check::Enum(_) | Check::Const(_) => listed = true,
            _ => {}
        }
    }
    let is_bounded = listed || (least && most) || provider == Provider::Generic;
    (!is_bounded).then(|| Diagnostic::new(source.at_name(&object.pointer, "type"), SchemaProblem::Rounded))
}

/// A `oneOf` whose branches nothing tells apart.
fn union(sets: &mut Sets<'_>, id: Id, object: &Object, source: &Source) -> Option<Diagnostic> {
    let branches: Vec<_> = object.choices.one_of.iter().map(|&branch| Branch::of(sets, id, branch)).collect();
    let twin = branches.iter().enumerate().find_map(|(index, branch)| {
        branches.iter().take(index).any(|before| !before.differs(branch)).then_some(index)
    })?;
    let pointer =
        object.choices.one_of.get(twin).and_then(|&id| sets.schema().object(id)).map(|object| &object.pointer)?;
    Some(Diagnostic::new(source.at(pointer), SchemaProblem::AmbiguousUnion))
}

/// What tells a branch from others.
struct Branch<'a> {
    ways: Vec<Parts<'a>>,
    kinds: Vec<Types>,
    sets: Vec<Vec<(String, Vec<View<'a>>)>>,
}

impl<'a> Branch<'a> {
    fn of(sets: &mut Sets<'a>, holder: Id, branch: Id) -> Self {
        let root = sets.root();
        let holder = sets.below(root, holder);
        let applied = sets.below(holder, branch);
        let mut own = Self { ways: Vec::new(), kinds: Vec::new(), sets: Vec::new() };
        for way in ways(sets, &vec![(applied, Keyword::OneOf)]).into_iter().flat_map(|ways| ways.sets) {
            let set = sets.get(way);
            let parts = parts(sets, &set);
            own.kinds.push(kinds(sets, &set));
            own.sets.push(marks(sets, &parts));
            own.ways.push(parts);
        }
        own
    }

    /// Whether no value holds under both, by their types or by what they list.
    fn differs(&self, other: &Self) -> bool {
        let one = |i: usize, j: usize| {
            let (Some(a), Some(b)) = (self.kinds.get(i), other.kinds.get(j)) else { return false };
            let (Some(x), Some(y)) = (self.sets.get(i), other.sets.get(j)) else { return false };
            a.and(*b) == Types::NONE
                || x.iter().any(|(name, values)| {
                    y.iter().any(|(other, others)| {
                        name == other && !values.iter().any(|value| others.iter().any(|one| same(*value, *one)))
                    })
                })
        };
        (0..self.ways.len()).all(|i| (0..other.ways.len()).all(|j| one(i, j)))
    }
}

/// The values that a way lists: of itself (the empty name), and of its required members.
fn marks<'a>(sets: &mut Sets<'a>, all: &Parts<'a>) -> Vec<(String, Vec<View<'a>>)> {
    let listed = |object: &'a Object| {
        let lists = object.checks.iter().map(Check::listed).find(|listed| !listed.is_empty());
        lists.map(|values| values.iter().map(Json::view).collect::<Vec<_>>())
    };
    let mut marks: Vec<_> = all.iter().filter_map(|(_, object)| Some((String::new(), listed(object)?))).collect();
    let required: BTreeSet<&String> = all.iter().flat_map(|(_, object)| &object.required).collect();
    for (applied, object) in all {
        for (name, id) in object.properties.iter().filter(|(name, _)| required.contains(name)) {
            let below = sets.below(*applied, *id);
            let set = sets.intern(&[(below, Keyword::Properties)]);
            let set = sets.get(set);
            let values = parts(sets, &set).into_iter().find_map(|(_, object)| listed(object));
            marks.extend(values.map(|values| (format!("/{name}"), values)));
        }
    }
    marks
}

/// Places with more ways than can be looked at.
fn explosion(sets: &mut Sets<'_>, source: &Source) -> Vec<Diagnostic> {
    let schema = sets.schema();
    let root = sets.root();
    let held = held_at_their_place(schema);
    let mut found = Vec::new();
    for (id, object) in (0..).zip(&schema.objects) {
        let applied = sets.below(root, id);
        if held.contains(&id) || ways(sets, &vec![(applied, Keyword::False)]).is_some() {
            continue;
        }
        let problem = SchemaProblem::ChoiceExplosion { ways_max: WAYS_MAX };
        found.push(Diagnostic::new(source.at(&object.pointer), problem));
    }
    found
}

/// The schema objects that others apply at their own place: what is said there is said once.
fn held_at_their_place(schema: &Schema) -> BTreeSet<Id> {
    let of_object = |object: &Object| -> Vec<Id> {
        let choices = &object.choices;
        let single = [choices.then, choices.otherwise, object.reference];
        let listed = object.all_of.iter().chain(&choices.any_of).chain(&choices.one_of).copied();
        single.into_iter().flatten().chain(listed).collect()
    };
    schema.objects.iter().flat_map(of_object).collect()
}

/// The first keyword that leaves the monotone fragment.
fn not_monotone(schema: &Schema, source: &Source) -> Option<Diagnostic> {
    const KEYWORDS: [&str; 19] = [
        "anyOf",
        "oneOf",
        "not",
        "if",
        "dependentSchemas",
        "dependencies",
        "prefixItems",
        "items",
        "contains",
        "unevaluatedProperties",
        "unevaluatedItems",
        "$dynamicRef",
        "$recursiveRef",
        "x-on-invalid",
        "x-on-missing",
        "x-atomic",
        "const",
        "enum",
        "additionalItems",
    ];
    let object = schema.objects.iter().find(|object| !object.is_monotone())?;
    let (_, view) = source.find(&object.pointer)?;
    let leaves = |keyword: &&&str| match (**keyword, view.get(keyword)) {
        (_, None) => false,
        ("items", Some(value)) => value.kind() == Kind::Array,
        _ => true,
    };
    let keyword = KEYWORDS.iter().find(leaves)?;
    let problem = SchemaProblem::NotMonotone { keyword: (*keyword).to_owned() };
    Some(Diagnostic::new(source.at_name(&object.pointer, keyword), problem))
}

/// The first reference that leads back to what holds it.
fn recursive(schema: &Schema, source: &Source) -> Option<Diagnostic> {
    let holds = |object: &Object, target: Id| {
        let inside = schema.object(target).map(|target| target.pointer.as_str())?;
        let below = object.pointer.strip_prefix(inside)?;
        (below.is_empty() || below.starts_with('/')).then_some(())
    };
    let object =
        schema.objects.iter().find(|object| object.reference.is_some_and(|target| holds(object, target).is_some()))?;
    Some(Diagnostic::new(source.at_value(&object.pointer, "$ref"), SchemaProblem::Recursive))
}
