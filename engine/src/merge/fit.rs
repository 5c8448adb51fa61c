//! Whether a declared merge fits what a schema allows: the members, keys and types that it needs.
//!
//! The strategy, its written form and the schema's shape are walked together, so that each misfit has its place. Where the
//! shape says little (open objects, undescribed places), nothing is reported.

use super::key::Part;
use super::keyed_union::KeyedUnion;
use super::named::Named;
use super::preset::{Needs, Preset};
use super::recent::Recent;
use super::strategy::Strategy;
use crate::json::{Kind, View};
use crate::sanitizer::Shape;

/// Something that a declared merge needs and the schema never allows, with the written word that needs it.
#[derive(Clone, Debug)]
pub struct Misfit<'v, 's> {
    /// The word in the written merge.
    pub at: View<'v>,
    /// What is missing.
    pub why: Why<'s>,
}

/// What a declared merge lacks in the schema.
#[derive(Clone, Debug)]
pub enum Why<'s> {
    /// No value has a member of this name.
    Member {
        /// The name.
        name: String,
        /// The members that the schema declares.
        declared: Vec<&'s str>,
    },
    /// No item has this member of the key.
    Key {
        /// The name.
        name: String,
        /// The whole path.
        path: Vec<String>,
        /// Which of its names it is.
        depth: usize,
        /// The members that the schema declares.
        declared: Vec<&'s str>,
    },
    /// Nothing has the member that holds the time.
    Time {
        /// The name.
        name: String,
        /// The members that the schema declares.
        declared: Vec<&'s str>,
    },
    /// The strategy merges other types than the schema has there.
    Type {
        /// The strategy.
        strategy: String,
        /// What it merges.
        merges: &'static [Kind],
        /// The types that the schema has there.
        found: Vec<Kind>,
        /// Strategies that merge these.
        instead: Vec<&'static str>,
    },
    /// The lines of a cart lack a member that the preset needs.
    Line {
        /// The preset.
        preset: String,
        /// The members, of which one must be there.
        needs: &'static [&'static str],
        /// The members that the schema declares.
        declared: Vec<&'s str>,
        /// A `keyed_union` that fits, where one can be guessed.
        instead: Option<String>,
    },
    /// Members of items that the key and `on_match` leave out, so that the visitor's are lost where both have the line.
    Unruled {
        /// Their names.
        names: Vec<&'s str>,
    },
}

/// A strategy as an author wrote it: the word that names it, and its options.
#[derive(Clone, Copy)]
struct Written<'v> {
    word: View<'v>,
    options: Option<View<'v>>,
}

impl<'v> Written<'v> {
    /// The `merge` of a rule: a name, or an object with one function.
    fn rule(view: View<'v>) -> Self {
        let mut functions = view.named_members().filter(|(name, _)| name.word() != "default");
        functions.next().map_or_else(|| Self::list(view), |(word, options)| Self { word, options: Some(options) })
    }

    /// The strategy of a member: a name, `["name", options]`, or an object of strategies.
    fn member(name: View<'v>, view: View<'v>) -> Self {
        if view.kind() == Kind::Object { Self { word: name, options: Some(view) } } else { Self::list(view) }
    }

    fn list(view: View<'v>) -> Self {
        let mut items = view.items();
        items.next().map_or(Self { word: view, options: None }, |word| Self { word, options: items.next() })
    }

    fn option(&self, name: &str) -> Option<View<'v>> {
        self.options.and_then(|options| options.get(name))
    }
}

/// All that a rule's declared merge needs and its schema never allows.
#[must_use]
pub fn misfits<'v, 's>(merge: View<'v>, strategy: &Strategy, shape: &'s Shape) -> Vec<Misfit<'v, 's>> {
    let mut found = Vec::new();
    fit(Written::rule(merge), strategy, shape, &mut found);
    found
}

fn fit<'v, 's>(written: Written<'v>, strategy: &Strategy, shape: &'s Shape, found: &mut Vec<Misfit<'v, 's>>) {
    let kinds = shape.kinds();
    let merges = strategy.merges();
    if !kinds.is_empty() && !kinds.iter().any(|kind| merges.contains(kind)) {
        // an object of strategies has no name of its own
        let is_unnamed = matches!(strategy, Strategy::Fields(_)) && Named::by_name(&written.word.word()).is_none();
        let name = if is_unnamed { "merge_fields".to_owned() } else { written.word.word() };
        let why = Why::Type { strategy: name, merges, instead: instead(shape, strategy), found: kinds };
        return found.push(Misfit { at: written.word, why });
    }
    match strategy {
        Strategy::Fields(fields) => members(written.options, &fields.rules, shape, found),
        Strategy::Each(each) => {
            if let Some(others) = shape.others() {
                let of = written.option("of").or(written.options);
                fit(of.map_or(written, |of| Written::member(written.word, of)), &each.of, others, found);
            }
        }
        Strategy::KeyedUnion(keyed) => keyed_union(written, keyed, shape, found),
        Strategy::Recent(recent) => recent_entries(written, recent, shape, found),
        Strategy::Latest(latest) => time(written, &latest.at, shape, found),
        Strategy::Preset(preset) => lines(written, preset, shape, found),
        _ => {}
    }
}

/// Strategies of members: each name must be allowed, each strategy must fit its member.
fn members<'v, 's>(
    written: Option<View<'v>>,
    rules: &[(String, Strategy)],
    shape: &'s Shape,
    found: &mut Vec<Misfit<'v, 's>>,
) {
    let names = written.into_iter().flat_map(View::named_members);
    for ((name, view), (own, strategy)) in names.zip(rules) {
        if !shape.allows_member(own) {
            let why = Why::Member { name: own.clone(), declared: shape.names() };
            found.push(Misfit { at: name, why });
        } else if let Some(member) = shape.member(own).or_else(|| shape.others()) {
            fit(Written::member(name, view), strategy, member, found);
        }
    }
}

fn keyed_union<'v, 's>(written: Written<'v>, keyed: &KeyedUnion, shape: &'s Shape, found: &mut Vec<Misfit<'v, 's>>) {
    let Some(items) = shape.items() else { return };
    let before = found.len();
    for part in &keyed.key.0 {
        key(written, part, items, found);
    }
    let has_key = found.len() == before;
    members(written.option("on_match"), &keyed.on_match, items, found);
    let is_named = |name: &str| {
        keyed.key.0.iter().any(|part| part.path.first().is_some_and(|own| own == name))
            || keyed.on_match.iter().any(|(own, _)| own == name)
    };
    let mut names: Vec<&str> = items.names().into_iter().filter(|name| !is_named(name)).collect();
    names.sort_unstable();
    names.dedup();
    if has_key && found.len() == before && !names.is_empty() && written.option("otherwise").is_none() {
        found.push(Misfit { at: written.word, why: Why::Unruled { names } });
    }
}

fn recent_entries<'v, 's>(written: Written<'v>, recent: &Recent, shape: &'s Shape, found: &mut Vec<Misfit<'v, 's>>) {
    let (Some(own), Some(items)) = (&recent.key, shape.items()) else { return };
    for part in &own.0 {
        key(written, part, items, found);
    }
    time(written, &recent.at, items, found);
}

/// The member that holds a time, which may be left to the default.
fn time<'v, 's>(written: Written<'v>, at: &str, shape: &'s Shape, found: &mut Vec<Misfit<'v, 's>>) {
    if !shape.allows_member(at) {
        let why = Why::Time { name: at.to_owned(), declared: shape.names() };
        found.push(Misfit { at: written.option("at").unwrap_or(written.word), why });
    }
}

/// A path of a key: every step must be a member that items have.
fn key<'v, 's>(written: Written<'v>, part: &Part, items: &'s Shape, found: &mut Vec<Misfit<'v, 's>>) {
    let mut held = items;
    for (depth, name) in part.path.iter().enumerate() {
        if !held.allows_member(name) {
            let at = written.option("key").and_then(|key| path_in(key, &part.path.join("."))).unwrap_or(written.word);
            let why = Why::Key { name: name.clone(), path: part.path.clone(), depth, declared: held.names() };
            return found.push(Misfit { at, why });
        }
        let Some(below) = held.member(name) else { return };
        held = below;
    }
}

/// The text of a path in the `key` of a strategy: alone, in a list, or in `path`.
fn path_in<'v>(key: View<'v>, path: &str) -> Option<View<'v>> {
    match key.kind() {
        Kind::Array => key.items().find_map(|part| path_in(part, path)),
        Kind::Object => path_in(key.get("path")?, path),
        _ => Some(key).filter(|key| key.word() == path),
    }
}

/// The lines of a cart have what the preset needs.
fn lines<'v, 's>(written: Written<'v>, preset: &Preset, shape: &'s Shape, found: &mut Vec<Misfit<'v, 's>>) {
    let Needs::Lines(needs) = preset.needs() else { return };
    let in_items = shape.items().is_none();
    if in_items && !shape.allows_member("items") {
        let why = Why::Member { name: "items".to_owned(), declared: shape.names() };
        return found.push(Misfit { at: written.word, why });
    }
    let Some(lines) = shape.items().or_else(|| shape.member("items").and_then(Shape::items)) else { return };
    let missing = needs.iter().find(|one_of| !one_of.iter().any(|name| lines.allows_member(name)));
    if let Some(needs) = missing {
        let instead = by_their_members(lines, preset.quantity());
        let instead = instead.map(|by| {
            if in_items {
                format!("{{ \"merge_fields\": {{ \"items\": [\"keyed_union\", {by}] }} }}")
            } else {
                format!("{{ \"keyed_union\": {by} }}")
            }
        });
        let why = Why::Line { preset: written.word.word(), needs, declared: lines.names(), instead };
        found.push(Misfit { at: written.word, why });
    }
}

/// Options of a `keyed_union` for lines that name their members otherwise: by the first string, with the first number.
fn by_their_members(lines: &Shape, quantity: Option<&'static str>) -> Option<String> {
    let first = |kind| lines.names().into_iter().find(|name| lines.member(name).is_some_and(|own| own.only(kind)));
    let (key, amount) = (first(Kind::String)?, first(Kind::Number));
    let on_match = amount.zip(quantity).map(|(amount, word)| format!(", \"on_match\": {{ \"{amount}\": \"{word}\" }}"));
    Some(format!("{{ \"key\": \"{key}\"{} }}", on_match.unwrap_or_default()))
}

/// Strategies that merge what a shape holds.
fn instead(shape: &Shape, strategy: &Strategy) -> Vec<&'static str> {
    match shape.kinds().first() {
        Some(Kind::Object) => vec!["merge_fields"],
        Some(Kind::Array) if shape.items().is_some_and(|items| items.only(Kind::Object)) => vec!["keyed_union"],
        Some(Kind::Array) => vec!["union"],
        Some(Kind::Number) => vec!["max", "min"],
        Some(Kind::Bool) => vec!["all", "any"],
        // an order of words is declared
        Some(Kind::String) if matches!(strategy, Strategy::Max(_)) => vec!["highest", "anonymous", "fill"],
        Some(Kind::String) if matches!(strategy, Strategy::Min) => vec!["lowest", "anonymous", "fill"],
        _ => vec!["anonymous", "fill"],
    }
}
