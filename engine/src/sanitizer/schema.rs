//! The schema objects of one file: what a schema says, typed.

use std::collections::BTreeMap;

use super::check::{Check, Types};
use super::identifiers::ResourceId;
use super::pattern::Pattern;
use crate::fate::Keyword;
use crate::json::Json;
use crate::sensitive::Detectors;

/// A schema object, by its position in [`Schema::objects`].
pub(super) type Id = u16;

/// No schema has this id.
pub(super) const NO_SCHEMA: Id = u16::MAX;

/// So many members are looked through; more have an index.
const LOOKED_THROUGH: usize = 8;

/// One schema object or boolean schema, its keywords typed.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of its own")]
pub(super) struct Object {
    /// Where it stands, as a fragment: `#/properties/cart`.
    pub(super) pointer: String,
    /// Whether it lets nothing stand.
    pub(super) never: Option<Never>,
    pub(super) types: Option<Types>,
    pub(super) checks: Vec<Check>,
    pub(super) properties: Vec<(String, Id)>,
    /// Their positions by name, where they are many.
    pub(super) by_name: Vec<u16>,
    /// Whether `properties` or `patternProperties` is written, be it empty (U2).
    pub(super) names_members: bool,
    pub(super) patterns: Vec<(Pattern, Id)>,
    pub(super) additional: Option<Id>,
    pub(super) names: Option<Id>,
    pub(super) required: Vec<String>,
    pub(super) dependent: Vec<Dependent>,
    pub(super) members: Bounds,
    pub(super) prefix: Vec<Id>,
    pub(super) items: Option<(Id, Keyword)>,
    pub(super) contains: Option<Contains>,
    pub(super) length: Bounds,
    pub(super) unique: bool,
    pub(super) reference: Option<Id>,
    pub(super) dynamic: Option<Dynamic>,
    pub(super) all_of: Vec<Id>,
    pub(super) choices: Choices,
    pub(super) unevaluated_members: Option<Id>,
    pub(super) unevaluated_items: Option<Id>,
    pub(super) bytes_max: Option<usize>,
    pub(super) allowed: Detectors,
    pub(super) on_invalid: Vec<Step>,
    pub(super) on_missing: bool,
    /// The value passes whole or not at all (A10).
    pub(super) is_atomic: bool,
    pub(super) default: Option<Json>,
    /// The resource that it belongs to: dynamic references look through them.
    pub(super) resource: ResourceId,
}

/// A member that needs others.
pub(super) struct Dependent {
    pub(super) trigger: String,
    pub(super) needs: Vec<String>,
    pub(super) keyword: Keyword,
}

/// `contains` with its bounds.
#[derive(Clone, Copy)]
pub(super) struct Contains {
    pub(super) schema: Id,
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
}

/// A reference whose target depends on where it was reached from.
pub(super) struct Dynamic {
    /// The anchor; the empty name is `$recursiveAnchor`.
    pub(super) anchor: String,
    /// What it names where nobody further out has the anchor.
    pub(super) nearest: Id,
}

/// The choice points of a schema object.
#[derive(Default)]
pub(super) struct Choices {
    /// By trigger, sorted: `dependentSchemas`, then the schemas of `dependencies`.
    pub(super) dependent: Vec<(String, Id, Keyword)>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) one_of: Vec<Id>,
    pub(super) not: Option<Id>,
}

impl Choices {
    pub(super) fn is_empty(&self) -> bool {
        let branches = self.then.or(self.otherwise).filter(|_| self.condition.is_some());
        self.dependent.is_empty()
            && self.any_of.is_empty()
            && self.one_of.is_empty()
            && self.not.is_none()
            && branches.is_none()
    }
}

/// What `x-on-invalid` does with a value that would be dropped (A1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Drop,
    Reject,
    Fail,
    Default,
    Truncate,
    Clamp,
    Trim,
    Coerce,
}

impl Step {
    pub(super) const WORDS: [&'static str; 8] =
        ["clamp", "coerce", "default", "drop", "fail", "reject", "trim", "truncate"];

    pub(super) fn by_word(word: &str) -> Option<Self> {
        Some(match word {
            "drop" => Self::Drop,
            "reject" => Self::Reject,
            "fail" => Self::Fail,
            "default" => Self::Default,
            "truncate" => Self::Truncate,
            "clamp" => Self::Clamp,
            "trim" => Self::Trim,
            "coerce" => Self::Coerce,
            _ => return None,
        })
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Fail => "fail",
            Self::Default => "default",
            Self::Truncate => "truncate",
            Self::Clamp => "clamp",
            Self::Trim => "trim",
            Self::Coerce => "coerce",
        }
    }
}

impl Object {
    /// Whether it lists a member's name where names are only needed: `required`, or a dependency.
    pub(super) fn lists(&self, name: &str) -> bool {
        let has = |names: &[String]| names.iter().any(|own| own == name);
        has(&self.required) || self.dependent.iter().any(|one| one.trigger == name || has(&one.needs))
    }

    /// The schema objects that are asked of the same value.
    pub(super) fn in_place(&self) -> Vec<Id> {
        let choices = &self.choices;
        let dynamic = self.dynamic.as_ref().map(|dynamic| dynamic.nearest);
        let mut ids: Vec<Id> = self.reference.into_iter().chain(dynamic).collect();
        ids.extend(self.all_of.iter().chain(&choices.any_of).chain(&choices.one_of));
        ids.extend(choices.not.iter().chain(&choices.condition).chain(&choices.then).chain(&choices.otherwise));
        ids.extend(choices.dependent.iter().map(|(_, id, _)| *id));
        ids
    }

    /// The schema objects that it applies to members and items.
    pub(super) fn below(&self) -> Vec<Id> {
        let named = self.properties.iter().map(|(_, id)| id).chain(self.patterns.iter().map(|(_, id)| id));
        let rest = [self.additional, self.items.map(|(id, _)| id), self.unevaluated_members, self.unevaluated_items];
        named.chain(&self.prefix).copied().chain(rest.into_iter().flatten()).collect()
    }

    /// Its patterns, of texts and of names.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let of_texts = self.checks.iter().filter_map(|check| match check {
            Check::Pattern(pattern) => Some(pattern),
            _ => None,
        });
        of_texts.chain(self.patterns.iter().map(|(pattern, _)| pattern))
    }

    /// The schema of a declared member.
    pub(super) fn property(&self, name: &str) -> Option<Id> {
        if self.by_name.is_empty() {
            return self.properties.iter().find(|(own, _)| own == name).map(|(_, id)| *id);
        }
        let own = |at: &u16| self.properties.get(usize::from(*at));
        let at = self.by_name.binary_search_by(|at| own(at).map_or("", |(own, _)| own.as_str()).cmp(name)).ok()?;
        self.by_name.get(at).and_then(own).map(|(_, id)| *id)
    }

    /// The names that it only needs: in `required`, or in a dependency.
    pub(super) fn listed_names(&self) -> impl Iterator<Item = &str> {
        let dependent = self.dependent.iter().flat_map(|one| one.needs.iter().chain([&one.trigger]));
        self.required.iter().chain(dependent).map(String::as_str)
    }

    fn index(&mut self) {
        if self.properties.len() > LOOKED_THROUGH {
            let mut by_name: Vec<u16> = (0..).take(self.properties.len()).collect();
            let own = |at: u16| self.properties.get(usize::from(at)).map(|(name, _)| name);
            by_name.sort_by(|a, b| own(*a).cmp(&own(*b)));
            self.by_name = by_name;
        }
    }

    /// The default that one of its annotations may put in place.
    pub(super) fn asked_default(&self) -> Option<&Json> {
        let asked = self.on_missing || self.on_invalid.contains(&Step::Default);
        self.default.as_ref().filter(|_| asked)
    }

    /// Whether it is `true`, or says nothing.
    pub(super) fn is_anything(&self) -> bool {
        self.never.is_none()
            && self.types.is_none()
            && self.checks.is_empty()
            && !self.names_members
            && self.additional.is_none()
            && self.names.is_none()
            && self.required.is_empty()
            && self.prefix.is_empty()
            && self.items.is_none()
            && self.reference.is_none()
            && self.all_of.is_empty()
            && self.length.max.is_none()
            && self.members.max.is_none()
            && self.is_monotone()
    }

    /// Whether a value may satisfy it in one of several ways, or it asks for what nobody evaluated.
    pub(super) fn has_choices(&self) -> bool {
        !self.choices.is_empty() || self.unevaluated_members.is_some() || self.unevaluated_items.is_some()
    }

    /// Whether there is one greatest valid part: no choice, no position, no annotation (G5).
    pub(super) fn is_monotone(&self) -> bool {
        !self.has_choices()
            && !self.checks.iter().any(Check::names_containers)
            && self.prefix.is_empty()
            && self.contains.is_none()
            && self.dynamic.is_none()
            && self.on_invalid.is_empty()
            && !self.on_missing
            && !self.is_atomic
    }
}

/// Why a schema object lets nothing stand.
#[derive(Clone, Copy)]
pub(super) enum Never {
    /// It is the schema `false`.
    False,
    /// It says `x-sensitive`.
    Sensitive,
}

/// How many children a container may have.
#[derive(Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
}

/// All schema objects of one file.
#[expect(clippy::struct_excessive_bools, reason = "each is asked by another module")]
pub(super) struct Schema {
    pub(super) objects: Vec<Object>,
    pub(super) root: Id,
    /// The dynamic anchors of each resource.
    pub(super) dynamic: Vec<BTreeMap<String, Id>>,
    /// The draft, by its number or year.
    pub(super) draft: u16,
    /// Whether it has a dynamic anchor.
    pub(super) is_dynamic: bool,
    /// Whether it says more than any validator reads: `x-sensitive`, `x-max-bytes`, `x-allow-sensitive`.
    pub(super) has_additions: bool,
    /// Whether some place has a bound of bytes of its own.
    pub(super) has_bytes: bool,
    /// Whether it names a number that a 64-bit float does not hold.
    pub(super) has_inexact_numbers: bool,
    /// Whether some value may be put in place of another, or added.
    pub(super) has_annotations: bool,
}

impl Schema {
    pub(super) fn new(mut objects: Vec<Object>, root: Id, dynamic: Vec<BTreeMap<String, Id>>, draft: u16) -> Self {
        objects.iter_mut().for_each(Object::index);
        let is_dynamic = dynamic.iter().any(|anchors| !anchors.is_empty());
        let has_additions = objects.iter().any(|object| {
            matches!(object.never, Some(Never::Sensitive)) || object.bytes_max.is_some() || !object.allowed.is_empty()
        });
        let has_inexact_numbers = objects.iter().flat_map(|object| &object.checks).any(Check::is_inexact);
        let has_bytes = objects.iter().any(|object| object.bytes_max.is_some());
        let has_annotations = objects.iter().any(|object| object.on_missing || !object.on_invalid.is_empty());
        Self {
            objects,
            root,
            dynamic,
            draft,
            is_dynamic,
            has_additions,
            has_bytes,
            has_inexact_numbers,
            has_annotations,
        }
    }

    /// The keyword that holds schemas for others to refer to.
    pub(super) fn definitions(&self) -> &'static str {
        if self.draft <= 7 { "definitions" } else { "$defs" }
    }

    pub(super) fn object(&self, id: Id) -> Option<&Object> {
        self.objects.get(usize::from(id))
    }
}
