//! Schema to [`Sanitizer`]; untrusted JSON in, the largest valid part of it out.
//!
//! The only module that names `jsonschema`, and the only one that makes [`Clean`].
//!
//! A schema is compiled into plans, one for each set of schema objects that may apply at a place (`sets`, `plan`). One pass
//! over the document keeps what they allow (`project` and what follows it); a place that has a choice is repaired again
//! under each branch, on a trail that is cut back. Whether a branch holds, our evaluator says (`evaluate`); whether the
//! result does, the oracle: the crate's own implementation.

mod ecma;
mod pattern;
mod idn;
mod format;
mod check;
mod vocabulary;
mod annotations;
mod identifiers;
mod bundle;
mod schema;
mod reader;
mod values;
mod branches;
mod in_place;
mod sets;
mod tags;
mod plan;
mod compile;
mod table;
mod evaluate;
mod children;
mod trail;
mod project;
mod items;
mod members;
mod bounds;
mod choices;
mod removal;
mod rest;
mod steps;
mod load;
mod oracle;
mod alone;
mod sample;
mod knowledge;
mod asked;

pub use alone::{Outcome, Sanitized};
pub use annotations::{ANNOTATIONS, Annotation, formats};
pub use asked::Asked;
pub use check::Types;
pub use knowledge::{Alternative, Knowledge, Member, Shape};
pub use load::references;
pub use sample::{Extent, Sampler};

use std::collections::BTreeMap;

use crate::budget::{Budget, Overrun};
use crate::diagnostic::Diagnostic;
use crate::fate::{Fates, Keyword, Names};
use crate::json::{Json, Kind, Number, Place, Position, View};
use crate::limits::Limits;
use crate::provider::Provider;
use crate::sensitive::Detectors;
use knowledge::Source;
use oracle::Oracle;
use project::Pass;
use schema::Schema;
use table::Plans;

/// JSON from outside. Made by `event` only, opened by this module only.
///
/// ```compile_fail
/// let forged = handover_engine::sanitizer::Untrusted(handover_engine::json::Json::Null);
/// ```
#[derive(Clone, Debug)]
pub struct Untrusted(pub(crate) Json);

/// JSON that a sanitizer let pass. Nobody else makes one.
///
/// ```compile_fail
/// let forged = handover_engine::sanitizer::Clean(handover_engine::json::Json::Null);
/// ```
#[derive(Clone, Debug)]
pub struct Clean(Json);

impl Clean {
    /// The value.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.0
    }
}

/// What to do with members that no schema names (U1–U4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They are dropped where some schema names members.
    Drop,
    /// They pass.
    Keep,
}

/// What the policy adds to a schema.
#[derive(Clone, Debug)]
pub struct Options {
    /// Members that no schema names.
    pub unknown: Unknown,
    /// Detectors that every scalar is asked by.
    pub deny: Detectors,
    /// Drop numbers that neither `i64` nor `f64` holds: something will compute with them.
    pub exact_numbers: bool,
    /// Drop names and numbers that this provider cannot store; none: all are kept.
    pub provider: Option<Provider>,
    /// Compact bytes of the result (R20).
    pub bytes_max: Option<usize>,
    /// Bounds of the input (R1).
    pub bytes: usize,
    /// Nested containers of the input.
    pub depth: usize,
    /// Values in the input.
    pub nodes: usize,
    /// Bytes of a member name of the input.
    pub name_bytes: usize,
    /// Units of work for a value that no rule brings a budget for.
    pub work: u64,
}

impl Options {
    /// The bounds of a policy, unknown members dropped, the default detectors.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            unknown: Unknown::Drop,
            deny: Detectors::STANDARD,
            exact_numbers: false,
            provider: None,
            bytes_max: None,
            bytes: limits.anonymous_bytes,
            depth: limits.anonymous_depth,
            nodes: limits.anonymous_nodes,
            name_bytes: limits.name_bytes,
            work: limits.rule_work,
        }
    }

    /// Whether a member of this name may pass.
    fn holds_name(&self, name: &str) -> bool {
        self.provider.is_none_or(|provider| provider.holds_name(name))
    }

    /// Whether a number may pass.
    fn holds_number(&self, number: Number<'_>) -> bool {
        self.provider.is_none_or(|provider| provider.holds_number(number)) && (!self.exact_numbers || number.is_exact())
    }
}

/// A compiled schema.
pub struct Sanitizer {
    schema: Schema,
    plans: Plans,
    /// The kinds of value that the root allows.
    types: Types,
    options: Options,
    oracle: Oracle,
    /// Names that the schema declares, sorted: reports may print them.
    declared: Vec<String>,
}

/// Shows sizes only.
impl std::fmt::Debug for Sanitizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sanitizer({} schema objects, {} plans)", self.schema.objects.len(), self.plans.len())
    }
}

impl Sanitizer {
    /// Compiles the schema in the text of `file`.
    ///
    /// # Errors
    /// Everything that is wrong with the schema, each at its place.
    ///
    /// ```
    /// use handover_engine::limits::Limits;
    /// use handover_engine::sanitizer::{Options, Sanitizer};
    /// let schema = r#"{ "type": "object", "properties": { "qty": { "type": "integer" } } }"#;
    /// let sanitizer = Sanitizer::compile("cart.schema.json", schema, Options::of(&Limits::default())).unwrap();
    /// let sanitized = sanitizer.sanitize(br#"{"qty":3,"role":"admin"}"#, 100);
    /// assert_eq!(sanitized.output.unwrap().view().to_text(), r#"{"qty":3}"#);
    /// ```
    pub fn compile(file: &str, text: &str, options: Options) -> Result<Self, Vec<Diagnostic>> {
        Self::compile_among(file, text, &BTreeMap::new(), options)
    }

    /// The same for a schema that may refer to other files of its policy.
    ///
    /// # Errors
    /// As [`Sanitizer::compile`]; what is wrong inside another file is said where that file is compiled.
    pub fn compile_among(
        file: &str,
        text: &str,
        files: &BTreeMap<String, String>,
        options: Options,
    ) -> Result<Self, Vec<Diagnostic>> {
        let (_, others, mut schema) = load::read(file, text, files)?;
        let source = Source::new(file, text, files, others.keys());
        let circles = in_place::circles(&schema, &source);
        if !circles.is_empty() {
            return Err(circles);
        }
        if let Some(crowd) = in_place::crowd(&schema, &source) {
            return Err(vec![crowd]);
        }
        let refused = |refusal| vec![load::refused(file, text, refusal)];
        let oracle = Oracle::compile(text, &schema, &others).map_err(refused)?;
        let mut declared: Vec<String> = Vec::new();
        for object in &schema.objects {
            declared.extend(object.properties.iter().map(|(name, _)| name.clone()));
            declared.extend(object.required.iter().cloned());
        }
        declared.sort_unstable();
        declared.dedup();
        let types = load::root_types(&schema);
        load::without_wrong_defaults(&mut schema, &options);
        let plans = Plans::compile(&schema, &options);
        Ok(Self { schema, plans, types, options, oracle, declared })
    }

    /// Returns `untrusted` without the parts that the schema does not allow, or nothing.
    ///
    /// Never fails: what cannot be kept is dropped and its fate said in `fates`. The result always matches the
    /// schema, so sanitizing it again changes nothing. Where the budget is spent before that, it is nothing.
    pub fn apply(&self, untrusted: &Untrusted, fates: &mut Fates, budget: &Budget) -> Option<Clean> {
        self.counted(untrusted, fates, budget).0
    }

    /// The same, with the number of computations that choices took.
    fn counted(&self, untrusted: &Untrusted, fates: &mut Fates, budget: &Budget) -> (Option<Clean>, usize) {
        let View::Place(place) = untrusted.0.view() else { return (None, 0) };
        if self.over_limits(place) {
            fates.drop(place.at, Keyword::Limit, 0);
            return (None, 0);
        }
        let (clean, steps) = self.pass(place, fates, budget);
        let refusal = match clean.as_ref().map(|clean| self.oracle.is_valid(clean.view(), budget)) {
            Some(Ok(false)) => Some(Keyword::Oracle),
            Some(Err(Overrun)) => Some(Keyword::Budget),
            Some(Ok(true)) | None => None,
        };
        if let Some(keyword) = refusal {
            fates.drop(place.at, keyword, 0);
        }
        (clean.filter(|_| refusal.is_none()).map(Clean), steps)
    }

    fn pass(&self, place: Place<'_>, fates: &mut Fates, budget: &Budget) -> (Option<Json>, usize) {
        let pass = Pass::new((&self.schema, &self.plans), &self.options, place, budget);
        let (value, said, steps) = pass.run(self.plans.root);
        fates.say(said);
        (value.map(|value| value.json()), steps)
    }

    /// Limits come first (R1). The sizes of the whole text decide most cases without a walk.
    fn over_limits(&self, place: Place<'_>) -> bool {
        let Options { bytes, depth, nodes, name_bytes, .. } = self.options;
        let (document, node) = (place.document, place.node());
        place.span().len() > bytes
            || (document.depth > depth && View::Place(place).depth() > depth)
            || (node.size as usize > nodes && View::Place(place).nodes() > nodes)
            || (document.name_bytes > name_bytes && longest_name(View::Place(place)) > name_bytes)
    }

    /// Whether the root of the schema allows values of this kind.
    #[must_use]
    pub fn allows(&self, kind: Kind) -> bool {
        self.types.allows(kind)
    }

    /// Whether a value is valid under the plain schema. For result schemas, which assert and never cut.
    #[must_use]
    pub fn accepts(&self, value: View<'_>) -> bool {
        self.accepts_within(value, &Budget::unbounded()) == Ok(true)
    }

    /// The same within a budget.
    ///
    /// # Errors
    /// The budget was spent before there was a verdict.
    pub fn accepts_within(&self, value: View<'_>, budget: &Budget) -> Result<bool, Overrun> {
        self.oracle.is_valid(value, budget)
    }

    /// Whether the schema names a member so.
    #[must_use]
    pub fn declares(&self, name: &str) -> bool {
        self.declared.binary_search_by(|own| own.as_str().cmp(name)).is_ok()
    }

    /// The place in the schema that a report entry names.
    #[must_use]
    pub fn schema_place(&self, by: u16, keyword: Keyword) -> String {
        let object = self.schema.object(by);
        let pointer = object.map_or("#", |object| object.pointer.as_str());
        let word = keyword.word();
        // a false schema stands at the keyword that holds it
        let is_false = object.is_some_and(|object| object.never.is_some());
        // a member that was filled in is said by who fills it in, and required by what holds it
        let requires = |object: &&schema::Object| !object.required.is_empty();
        if keyword == Keyword::Required && !object.is_some_and(|object| requires(&object)) {
            let holder = self.schema.objects.iter().filter(requires).find(|object| object.below().contains(&by));
            return holder.map_or(pointer.to_owned(), |holder| format!("{}/required", holder.pointer));
        }
        if is_false || word.starts_with("x-") || matches!(keyword, Keyword::False | Keyword::NumberRange) {
            pointer.to_owned()
        } else {
            format!("{pointer}/{word}")
        }
    }
}

impl Names for Sanitizer {
    fn shows(&self, name: &str) -> bool {
        self.declares(name)
            || (name.len() <= NAME_SHOWN_BYTES
                && is_printable(name)
                && Detectors::ALL.find_in_text(crate::json::Text::plain(name)).is_none())
    }

    fn requires(&self, by: u16, name: &str) -> bool {
        self.schema.object(by).is_some_and(|object| object.required.iter().any(|own| own == name))
    }
}

/// The file and the place of a keyword, whose pointer [`Sanitizer::schema_place`] gave for the schema in `file`: its name, or
/// the schema object, if what failed is written nowhere.
#[must_use]
pub fn place(file: &str, files: &BTreeMap<String, String>, pointer: &str, keyword: &str) -> Option<(String, Position)> {
    let text = files.get(file)?;
    Source::new(file, text, files, references(text, files).iter()).place(pointer, keyword)
}

/// Undeclared names are printed up to this length.
const NAME_SHOWN_BYTES: usize = 64;

/// Whether no character needs an escape to be shown.
fn is_printable(name: &str) -> bool {
    if name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return true;
    }
    // `escape_debug` also escapes quotation marks and backslashes, and a combining mark at the start
    let spaced = format!("a{name}");
    spaced.escape_debug().count() == spaced.chars().count() + spaced.matches(['"', '\'', '\\']).count()
}

fn longest_name(view: View<'_>) -> usize {
    let children = view.items().chain(view.members().map(|(_, value)| value));
    let below = children.map(longest_name).max().unwrap_or(0);
    view.members().map(|(name, _)| name.source_bytes()).max().unwrap_or(0).max(below)
}

#[cfg(test)]
mod tests {
    use super::{Limits, Options, Oracle, Sanitizer};

    #[test]
    fn r21_what_the_oracle_refuses_is_nothing() {
        let options = || Options::of(&Limits::default());
        let mut sanitizer = Sanitizer::compile("schema", "{}", options()).unwrap();
        assert!(sanitizer.sanitize(b"1", 9).output.is_some());
        sanitizer.oracle = Oracle::refusing().unwrap();
        let result = sanitizer.sanitize(b"1", 9);
        assert!(result.output.is_none());
        assert_eq!(result.report.entries[0].keyword.word(), "x-oracle");
    }
}
