//! Which keywords a document asked, and how they answered: what the coverage of a rule author's cases counts.
//!
//! A keyword that asserts has two sides: it held for some value, and it failed for another one. What lets nothing stand
//! (`false`, `x-sensitive`) can only fail, and a step of an annotation only happen. A document is looked at as it came, all of
//! it: a keyword below a dropped value was asked too.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::{Evaluator, are_distinct, schemas_of_member};
use super::knowledge::Source;
use super::load;
use super::schema::{Id, NO_SCHEMA, Never, Object, Schema, Step};
use super::sets::{Applied, Sets};
use crate::budget::Budget;
use crate::diagnostic::{Covered, Note};
use crate::fate::{Action, Keyword};
use crate::json::{Kind, Place, Text, View};

/// The keywords of one schema, and what they were asked so far.
pub struct Asked {
    schema: Schema,
    source: Source,
    /// How often a keyword held, and how often it failed.
    answers: BTreeMap<(Id, Keyword), [u64; 2]>,
    /// How often a step was taken; none: the default was filled in.
    steps: BTreeMap<(Id, Option<Step>), u64>,
}

/// Shows sizes only.
impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked({} schema objects)", self.schema.objects.len())
    }
}

impl Asked {
    /// The keywords of the schema in the text of `file`; none if it cannot be read.
    #[must_use]
    pub fn of(file: &str, text: &str, files: &BTreeMap<String, String>) -> Option<Self> {
        let (_, others, schema) = load::read(file, text, files).ok()?;
        let source = Source::new(file, text, files, others.keys());
        Some(Self { schema, source, answers: BTreeMap::new(), steps: BTreeMap::new() })
    }

    /// Asks all that applies to a value and its parts. A failure counts where `asserts` says that the case would notice if
    /// it were none.
    pub fn take(&mut self, value: Place<'_>, asserts: &dyn Fn(Place<'_>) -> bool) {
        let budget = Budget::unbounded();
        let mut evaluator = Evaluator::new(Sets::new(&self.schema), value.document, usize::MAX, &budget);
        let root = evaluator.sets.root();
        let mut walk = Walk { evaluator, seen: BTreeSet::new(), answers: &mut self.answers, asserts };
        walk.visit(root, View::Place(value));
    }

    /// An annotation did something: `action`, asked for by a failure of `keyword` in the schema object `by`.
    pub fn took(&mut self, action: Action, keyword: Keyword, by: u16) {
        if keyword == Keyword::OnInvalid {
            *self.steps.entry((by, Some(Step::Fail))).or_default() += 1;
            // the container's own annotation was asked next
            let holder = (0..).zip(&self.schema.objects).find(|(_, object)| object.below().contains(&by));
            return if let Some((holder, _)) = holder.filter(|_| action != Action::Drop) {
                self.took(action, Keyword::Required, holder);
            };
        }
        let fills = self.schema.object(by).is_some_and(|object| object.on_missing);
        let step = match action {
            Action::Default if fills && keyword == Keyword::Required => None,
            Action::Default => Some(Step::Default),
            Action::Drop => Some(Step::Drop),
            Action::Truncate => Some(Step::Truncate),
            Action::Clamp => Some(Step::Clamp),
            Action::Trim => Some(Step::Trim),
            Action::Coerce => Some(Step::Coerce),
            Action::Reject => Some(Step::Reject),
        };
        let holder = if step.is_none() { Some(by) } else { self.annotated(by, self.schema.objects.len()) };
        if let Some(holder) = holder {
            *self.steps.entry((holder, step)).or_default() += 1;
        }
    }

    /// The annotated schema object that answers for another one: itself, or who brought it (A3).
    fn annotated(&self, by: Id, depth: usize) -> Option<Id> {
        if !self.schema.object(by)?.on_invalid.is_empty() {
            return Some(by);
        }
        let brings = |object: &Object| object.reference == Some(by) || object.all_of.contains(&by);
        let mut holders = (0..).zip(&self.schema.objects).filter(|(_, object)| depth > 0 && brings(object));
        holders.find_map(|(id, _)| self.annotated(id, depth - 1))
    }

    /// Every keyword that asserts and every step, in the order of their schema objects.
    #[must_use]
    pub fn answers(&self) -> Vec<Covered> {
        let mut all = Vec::new();
        for (id, object) in (0..).zip(&self.schema.objects) {
            for keyword in assertions(object) {
                let [held, failed] = self.answers.get(&(id, keyword)).copied().unwrap_or_default();
                let sides = if is_never(keyword) { vec![] } else { vec![("never held", held)] };
                all.push(Covered {
                    at: self.place(object, keyword),
                    sides: [sides, vec![("never failed", failed)]].concat(),
                });
            }
            let filled = object.on_missing.then_some(None);
            for step in object.on_invalid.iter().copied().map(Some).chain(filled) {
                let (name, word) = step.map_or(("x-on-missing", "default"), |step| ("x-on-invalid", step.word()));
                let at = Note::new(self.source.at_name(&object.pointer, name), format!("`{word}` of `{name}`"));
                let taken = self.steps.get(&(id, step)).copied().unwrap_or_default();
                all.push(Covered { at, sides: vec![("never happened", taken)] });
            }
        }
        all
    }

    fn place(&self, object: &Object, keyword: Keyword) -> Note {
        let word = keyword.word();
        let name = format!("`{word}`");
        let holder = object.pointer.rsplit_once('/').filter(|_| keyword == Keyword::False);
        match holder {
            // `false` stands behind the keyword or the member that it answers for
            Some((above, last)) => Note::new(self.source.at_name(above, last), format!("`false` of `{last}`")),
            None => Note::new(self.source.at_name(&object.pointer, word), name),
        }
    }
}

/// What lets nothing stand.
fn is_never(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::False | Keyword::Sensitive)
}

/// The keywords of a schema object that assert something by themselves.
fn assertions(object: &Object) -> Vec<Keyword> {
    let never = object.never.map(|never| match never {
        Never::False => Keyword::False,
        Never::Sensitive => Keyword::Sensitive,
    });
    let contains = object.contains.filter(|contains| contains.schema != NO_SCHEMA);
    let mut found: Vec<Keyword> = never.into_iter().collect();
    found.extend(object.types.map(|_| Keyword::Type));
    found.extend(object.checks.iter().map(super::check::Check::keyword));
    found.extend(object.dependent.iter().map(|one| one.keyword));
    let more = [
        (!object.required.is_empty(), Keyword::Required),
        (object.members.min.is_some(), Keyword::MinProperties),
        (object.members.max.is_some(), Keyword::MaxProperties),
        (object.length.min.is_some(), Keyword::MinItems),
        (object.length.max.is_some(), Keyword::MaxItems),
        (object.unique, Keyword::UniqueItems),
        (object.names.is_some(), Keyword::PropertyNames),
        (contains.is_some_and(|contains| contains.min.is_none()), Keyword::Contains),
        (contains.is_some_and(|contains| contains.min.is_some()), Keyword::MinContains),
        (contains.is_some_and(|contains| contains.max.is_some()), Keyword::MaxContains),
        (!object.choices.any_of.is_empty(), Keyword::AnyOf),
        (!object.choices.one_of.is_empty(), Keyword::OneOf),
        (object.choices.not.is_some(), Keyword::Not),
        (object.bytes_max.is_some(), Keyword::MaxBytes),
        (object.is_atomic, Keyword::Atomic),
    ];
    found.extend(more.into_iter().filter_map(|(there, keyword)| there.then_some(keyword)));
    found.sort_unstable();
    found.dedup();
    found
}

/// One look at one document.
struct Walk<'a> {
    evaluator: Evaluator<'a>,
    /// What was asked of which node.
    seen: BTreeSet<(u32, Applied)>,
    answers: &'a mut BTreeMap<(Id, Keyword), [u64; 2]>,
    asserts: &'a dyn Fn(Place<'_>) -> bool,
}

impl Walk<'_> {
    fn visit(&mut self, applied: Applied, view: View<'_>) {
        let Some(object) = self.evaluator.sets.object(applied) else { return };
        let Some(place) = view.place().filter(|place| self.seen.insert((place.at, applied))) else { return };
        let asserts = (self.asserts)(place);
        for keyword in assertions(object) {
            if let Some(holds) = self.holds(keyword, applied, object, view) {
                let [held, failed] = self.answers.entry((applied.id, keyword)).or_default();
                *(if holds { held } else { failed }) += u64::from(holds || asserts);
            }
        }
        for id in self.in_place(applied, object, view) {
            self.below(applied, id, view);
        }
        if let Some(target) = self.evaluator.sets.dynamic(applied) {
            self.visit(target, view);
        }
        self.members(applied, object, view);
        self.items(applied, object, view);
        self.unevaluated(applied, object, view);
    }

    fn below(&mut self, from: Applied, id: Id, view: View<'_>) {
        let applied = self.evaluator.sets.below(from, id);
        self.visit(applied, view);
    }

    /// The schema objects that are asked of the same value.
    fn in_place(&mut self, applied: Applied, object: &Object, view: View<'_>) -> Vec<Id> {
        let choices = &object.choices;
        let mut ids: Vec<Id> = object.reference.iter().chain(&object.all_of).copied().collect();
        ids.extend(choices.any_of.iter().chain(&choices.one_of).chain(&choices.not).chain(&choices.condition));
        let triggered = choices.dependent.iter().filter(|(trigger, ..)| view.get(trigger).is_some());
        ids.extend(triggered.map(|(_, id, _)| *id));
        if let Some(condition) = choices.condition {
            let condition = self.evaluator.sets.below(applied, condition);
            let holds = self.evaluator.holds_plainly(condition, view);
            ids.extend(if holds { choices.then } else { choices.otherwise });
        }
        ids
    }

    fn members(&mut self, applied: Applied, object: &Object, view: View<'_>) {
        for (name, value) in view.named_members() {
            if let Some(names) = object.names {
                self.below(applied, names, name);
            }
            let text = name.as_text().map(Text::decode).unwrap_or_default();
            for id in schemas_of_member(object, &text) {
                self.below(applied, id, value);
            }
        }
    }

    fn items(&mut self, applied: Applied, object: &Object, view: View<'_>) {
        let contains = object.contains.map(|contains| contains.schema);
        for (index, item) in view.items().enumerate() {
            let own = object.prefix.get(index).copied().or(object.items.map(|(id, _)| id));
            for id in own.into_iter().chain(contains) {
                self.below(applied, id, item);
            }
        }
    }

    fn unevaluated(&mut self, applied: Applied, object: &Object, view: View<'_>) {
        let rest = if view.kind() == Kind::Object { object.unevaluated_members } else { object.unevaluated_items };
        let Some(id) = rest else { return };
        let marks = self.evaluator.marks_before(applied, view).unwrap_or_default();
        let children = view.items().chain(view.members().map(|(_, value)| value));
        for (child, _) in children.zip(marks).filter(|(_, mark)| !mark) {
            self.below(applied, id, child);
        }
    }

    /// Whether a keyword holds; nothing, if it does not look at such values.
    fn holds(&mut self, keyword: Keyword, applied: Applied, object: &Object, view: View<'_>) -> Option<bool> {
        let (kind, choices) = (view.kind(), &object.choices);
        let among = |kind_of: Kind, holds: bool| (kind == kind_of).then_some(holds);
        let least = |own: Option<usize>| own.is_none_or(|least| view.len() >= least);
        let most = |own: Option<usize>| own.is_none_or(|most| view.len() <= most);
        let has = |name: &String| view.get(name).is_some();
        match keyword {
            Keyword::False | Keyword::Sensitive => Some(false),
            Keyword::Type => object.types.map(|types| {
                let number = view.as_number();
                let draft = self.evaluator.sets.schema().draft;
                types.allows(kind) && number.is_none_or(|number| types.allows_number(number, draft))
            }),
            Keyword::Required => among(Kind::Object, object.required.iter().all(has)),
            Keyword::DependentRequired | Keyword::Dependencies => {
                let mut asked = object.dependent.iter().filter(|one| has(&one.trigger)).peekable();
                asked.peek()?;
                Some(asked.all(|one| one.needs.iter().all(has)))
            }
            Keyword::MinProperties => among(Kind::Object, least(object.members.min)),
            Keyword::MaxProperties => among(Kind::Object, most(object.members.max)),
            Keyword::MinItems => among(Kind::Array, least(object.length.min)),
            Keyword::MaxItems => among(Kind::Array, most(object.length.max)),
            Keyword::UniqueItems => among(Kind::Array, are_distinct(view)),
            Keyword::Atomic => {
                let container = matches!(kind, Kind::Array | Kind::Object);
                container.then(|| self.evaluator.holds(applied, view))
            }
            Keyword::MaxBytes => object.bytes_max.map(|max| view.compact_bytes() <= max),
            Keyword::PropertyNames => {
                let names = self.evaluator.sets.below(applied, object.names?);
                let all = view.named_members().all(|(name, _)| self.evaluator.holds_plainly(names, name));
                among(Kind::Object, all)
            }
            Keyword::Contains | Keyword::MinContains | Keyword::MaxContains => {
                let contains = object.contains?;
                let found = self.evaluator.matches(applied, contains, view).len();
                let enough = found >= contains.min.unwrap_or(1);
                let few = contains.max.is_none_or(|max| found <= max);
                among(Kind::Array, if keyword == Keyword::MaxContains { few } else { enough })
            }
            Keyword::AnyOf => Some(choices.any_of.iter().any(|&id| self.is_true(applied, id, view))),
            Keyword::OneOf => Some(self.evaluator.is_only_one(applied, &choices.one_of, view)),
            Keyword::Not => choices.not.map(|id| !self.is_true(applied, id, view)),
            _ => {
                let check = object.checks.iter().find(|check| check.keyword() == keyword)?;
                check.looks_at(kind).then(|| check.holds(view, view.as_number(), view.as_text()))
            }
        }
    }

    fn is_true(&mut self, applied: Applied, id: Id, view: View<'_>) -> bool {
        let schema = self.evaluator.sets.below(applied, id);
        self.evaluator.holds_plainly(schema, view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    /// The sides that no document came to, as `keyword side`.
    fn missing(schema: &str, documents: &[&str]) -> Vec<String> {
        let mut asked = Asked::of("a.schema.json", schema, &BTreeMap::new()).unwrap();
        for text in documents {
            let document = Document::read(text.as_bytes()).unwrap();
            asked.take(Place { document: &document, at: 0 }, &|_| true);
        }
        let missing = |one: Covered| {
            let name = one.at.text.trim_matches('`').to_owned();
            one.sides
                .into_iter()
                .filter(|(_, count)| *count == 0)
                .map(move |(side, _)| format!("{name} {}", side.trim_start_matches("never ")))
        };
        asked.answers().into_iter().flat_map(missing).collect()
    }

    #[test]
    fn a_keyword_is_asked_of_the_values_that_it_looks_at() {
        let schema = r#"{ "type": "string", "maxLength": 3 }"#;
        assert_eq!(missing(schema, &[]), ["type held", "type failed", "maxLength held", "maxLength failed"]);
        assert_eq!(missing(schema, &["7"]), ["type held", "maxLength held", "maxLength failed"]);
        assert_eq!(missing(schema, &["7", "\"abc\""]), ["maxLength failed"]);
        assert!(missing(schema, &["7", "\"abc\"", "\"abcd\""]).is_empty());
    }

    #[test]
    fn what_lets_nothing_stand_can_only_fail() {
        let schema = r#"{ "properties": { "a": { "x-sensitive": true }, "b": false }, "additionalProperties": false }"#;
        assert_eq!(
            missing(schema, &["{}"]),
            ["x-sensitive failed", "false` of `b failed", "false` of `additionalProperties failed"]
        );
        assert!(missing(schema, &[r#"{ "a": 1, "b": 1, "c": 1 }"#]).is_empty());
    }

    #[test]
    fn branches_are_asked_too_and_a_schema_that_refers_to_itself_ends() {
        let schema = r##"{ "anyOf": [ { "const": 1 }, { "items": { "$ref": "#" }, "type": "array" } ] }"##;
        assert_eq!(missing(schema, &["1"]), ["anyOf failed", "const failed", "type held"]);
        assert!(missing(schema, &["[ 1, [ 2 ] ]"]).is_empty());
    }
}
