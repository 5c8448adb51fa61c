//! The compiled plan: what all schema objects that apply at a place (the set Σ) ask of it together.
//!
//! For the members and items of a place the sets of the next level are known before any document comes: one for each known
//! name, one for each combination of matching patterns, one for the rest. A plan belongs to one set; equal sets share it, so
//! recursion ends and nothing is combined twice. A choice point keeps its branches: a set with one branch more is another
//! set, with a plan of its own. Plans of sets that only a document leads to are compiled while it is repaired.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::check::{Check, Types};
use super::pattern::Pattern;
use super::schema::{Bounds, Contains, Id, Schema};
use super::sets::{Applied, Set, SetId, Sets};
use super::tags::Tags;
use crate::fate::Keyword;
use crate::json::{Json, Number, Text};
use crate::sensitive::Detectors;

/// What is asked of one place.
#[expect(clippy::struct_excessive_bools, reason = "each lets a place skip what it does not have")]
pub(super) struct Plan {
    pub(super) set: Arc<Set>,
    /// The first schema object of the set: reports name it where no single schema object failed.
    pub(super) by: Id,
    pub(super) types: Types,
    /// In keyword order, then in the order of the set (R5).
    pub(super) checks: Vec<(Id, Check)>,
    /// Scalars that hold under all of them, without asking.
    pub(super) plain: Plain,
    /// Whether some check holds for a container.
    pub(super) lists_containers: bool,
    pub(super) detectors: Detectors,
    /// Whether a branch may exempt the place from a detector (A8).
    pub(super) exempts: bool,
    pub(super) members: MembersPlan,
    /// The plans of the positions (R9).
    pub(super) prefix: Vec<SetId>,
    pub(super) prefix_by: Id,
    pub(super) items: SetId,
    pub(super) length: Bounds,
    pub(super) length_by: Id,
    pub(super) unique: Option<Id>,
    pub(super) contains: Vec<(Applied, Contains)>,
    pub(super) bytes_max: Option<(usize, Id)>,
    /// The value passes whole or not at all (A10).
    pub(super) atomic: Option<Id>,
    /// In the order in which they are asked (R14).
    pub(super) choices: Vec<Choice>,
    /// Whether somebody asks for what nobody evaluated (R19).
    pub(super) has_rest: bool,
    /// Whether an annotation may say what to do with a value that fails (A1).
    pub(super) is_annotated: bool,
    /// Whether a scalar that has one of the types and is plain needs no more than the detectors.
    pub(super) is_simple: bool,
}

impl Plan {
    /// Whether the phases say all of a place.
    pub(super) fn is_plain(&self) -> bool {
        self.choices.is_empty() && !self.has_rest && self.members.knowers.is_none()
    }
}

/// A choice point.
#[derive(Clone)]
pub(super) struct Choice {
    pub(super) by: Applied,
    pub(super) kind: ChoiceKind,
    /// The member whose value tells the branches of a union apart.
    pub(super) tags: Option<Arc<Tags>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChoiceKind {
    /// By its position among them.
    Dependent(usize),
    Condition,
    AnyOf,
    OneOf,
    Not,
}

/// Integers and lengths of texts that hold under all checks of a plan: most scalars, seen at one glance.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    /// The least and the greatest; none hold where the least is greater.
    integers: (i64, i64),
    /// The least and the most bytes of a text without escapes.
    bytes: (usize, usize),
}

impl Plain {
    pub(super) fn of(checks: &[(Id, Check)]) -> Self {
        let mut plain = Self { integers: (i64::MIN, i64::MAX), bytes: (0, usize::MAX) };
        let (mut asks_more, mut matches) = (false, false);
        for (_, check) in checks {
            match check {
                Check::Minimum(Json::Int(bound)) => plain.integers.0 = plain.integers.0.max(*bound),
                Check::Maximum(Json::Int(bound)) => plain.integers.1 = plain.integers.1.min(*bound),
                // a code point takes one to four bytes
                Check::MinLength(least) => plain.bytes.0 = plain.bytes.0.max(least.saturating_mul(4).saturating_sub(3)),
                Check::MaxLength(most) => plain.bytes.1 = plain.bytes.1.min(*most),
                Check::Pattern(_) | Check::Format(_) => matches = true,
                Check::Enum(_) | Check::Const(_) => return Self { integers: (1, 0), bytes: (1, 0) },
                _ => asks_more = true,
            }
        }
        if asks_more {
            plain.integers = (1, 0);
        }
        if matches {
            plain.bytes = (1, 0);
        }
        plain
    }

    /// Whether a scalar is one of them.
    pub(super) fn has(&self, number: Option<Number<'_>>, text: Option<Text<'_>>) -> bool {
        match (number, text) {
            (Some(Number::Int(value)), _) => self.integers.0 <= value && value <= self.integers.1,
            (_, Some(text)) => {
                let bytes = text.source_bytes();
                self.bytes.0 <= bytes && bytes <= self.bytes.1 && !text.has_escapes()
            }
            _ => false,
        }
    }
}

/// What is asked of the members of an object.
#[derive(Default)]
pub(super) struct MembersPlan {
    /// By name.
    pub(super) known: Vec<Known>,
    pub(super) patterns: Vec<Pattern>,
    /// The plan of an unknown name, by the bits of the patterns that match it; only that of none, if they are many.
    pub(super) rest: Vec<SetId>,
    /// Whether a name that no pattern matches is dropped (U2).
    pub(super) closed: bool,
    /// The names that some branch may come to know; none where there is no branch.
    pub(super) knowers: Option<Arc<Knowers>>,
    /// The schemas of the names themselves, and the schema objects that ask for them.
    pub(super) names: Vec<(Id, Applied)>,
    /// How many known names are required.
    pub(super) required: usize,
    /// The schema object that requires them, where there is one alone.
    pub(super) required_by: Option<Id>,
    pub(super) fills: Vec<Fill>,
    pub(super) dependents: Vec<Dependents>,
    pub(super) bounds: Bounds,
    pub(super) bounds_by: Id,
}

/// A member name that the schema knows.
pub(super) struct Known {
    pub(super) name: Box<str>,
    pub(super) plan: SetId,
    /// Its place in the order of `properties`; none if only `required` or `dependentRequired` name it.
    pub(super) rank: Option<usize>,
    pub(super) is_required: bool,
    /// Whether its presence asks for others.
    pub(super) is_trigger: bool,
    /// Whether the provider can store it, where that matters.
    pub(super) is_storable: bool,
}

/// A required member that gets a default where it is absent (A6).
pub(super) struct Fill {
    pub(super) name: Box<str>,
    pub(super) plan: SetId,
    pub(super) by: Id,
}

/// A member that needs others.
pub(super) struct Dependents {
    pub(super) by: Id,
    /// Its position in the schema object.
    pub(super) at: usize,
}

/// What the branches of a place may come to know.
#[derive(Default)]
pub(super) struct Knowers {
    /// Whether one of them may know any name.
    pub(super) any: bool,
    pub(super) names: BTreeSet<Box<str>>,
    pub(super) patterns: Vec<Pattern>,
}

impl Knowers {
    pub(super) fn know(&self, name: &str) -> bool {
        self.any || self.names.contains(name) || self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    pub(super) fn positions(&self) -> u64 {
        self.patterns.iter().map(Pattern::positions).sum()
    }
}

/// The known member of a name.
pub(super) fn find<'k>(known: &'k [Known], name: Text<'_>) -> Option<&'k Known> {
    if name.has_escapes() || known.len() > 8 {
        let name = name.decode();
        let at = known.binary_search_by(|known| known.name.as_ref().cmp(&name)).ok()?;
        return known.get(at);
    }
    let name = name.raw();
    known.iter().find(|known| known.name.len() == name.len() && known.name.as_ref() == name)
}

impl Plan {
    /// Names, patterns and checks.
    pub(super) fn size(&self) -> usize {
        let members = &self.members;
        let knowers = members.knowers.as_ref().map_or(0, |knowers| knowers.names.len());
        self.set.parts.len()
            + members.known.len()
            + members.patterns.len()
            + members.rest.len()
            + knowers
            + self.checks.len()
            + self.prefix.len()
    }

    /// The branches of its choice points, with the keyword of each.
    pub(super) fn branches(&self, schema: &Schema, sets: &mut Sets<'_>) -> Vec<(Applied, Keyword)> {
        let mut found = Vec::new();
        for choice in &self.choices {
            let Some(choices) = schema.object(choice.by.id).map(|object| &object.choices) else { continue };
            let ids: Vec<(Id, Keyword)> = match choice.kind {
                ChoiceKind::Dependent(at) => {
                    choices.dependent.get(at).map(|(_, id, keyword)| (*id, *keyword)).into_iter().collect()
                }
                ChoiceKind::Condition => {
                    let then = choices.then.map(|id| (id, Keyword::Then));
                    then.into_iter().chain(choices.otherwise.map(|id| (id, Keyword::Else))).collect()
                }
                ChoiceKind::AnyOf => choices.any_of.iter().map(|id| (*id, Keyword::AnyOf)).collect(),
                ChoiceKind::OneOf => choices.one_of.iter().map(|id| (*id, Keyword::OneOf)).collect(),
                ChoiceKind::Not => Vec::new(),
            };
            let own: Vec<_> = ids.into_iter().map(|(id, keyword)| (sets.below(choice.by, id), keyword)).collect();
            // where one is taken, no other one is tried
            if !own.iter().any(|(branch, _)| self.set.has(*branch)) {
                found.extend(own);
            }
        }
        found
    }
}
