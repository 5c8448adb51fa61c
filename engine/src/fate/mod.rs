//! What became of each node of an anonymous value, and why. Findings, reports and counts are views of it.

mod keyword;
mod walk;

use std::collections::BTreeMap;

use crate::json::{Kind, Place, View};
use crate::pointer;
pub use keyword::Keyword;
use walk::Walk;

/// What became of one node. The fate of a dropped or cut place is also that of everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum What {
    /// It passed.
    Kept,
    /// It passed, its list shortened.
    Truncated,
    /// It was removed.
    Dropped,
    /// It was valid and stood behind a cut.
    Cut,
    /// Another value stands in its place: what an annotation of the schema asked for.
    Replaced,
    /// The schema does not know it, and another rule takes it.
    Elsewhere,
    /// The schema does not know it, and another rule takes a part of it.
    Opened,
}

/// The fate of one node: what, the keyword, and the schema place that says so.
#[derive(Clone, Copy)]
pub struct Fate {
    what: What,
    action: Action,
    keyword: Keyword,
    /// More keywords that shortened the same list.
    also: [Option<(Keyword, u16)>; 2],
    by: u16,
}

const KEPT: Fate = Fate { what: What::Kept, action: Action::Drop, keyword: Keyword::False, also: [None; 2], by: 0 };

/// What a schema says of member names.
pub trait Names {
    /// Whether a report may print a name (P8).
    fn shows(&self, name: &str) -> bool;
    /// Whether a schema object needs a member of this name.
    fn requires(&self, by: u16, name: &str) -> bool;
}

/// The fates of all nodes of one value, in document order.
pub struct Fates {
    base: u32,
    /// Nodes of the value.
    size: usize,
    /// By node; empty while all are kept.
    nodes: Vec<Fate>,
    /// Nodes that were not simply kept, in the order in which that was said.
    changed: Vec<u32>,
    /// Members that were added: their object, their name, the schema object that asked for it.
    filled: Vec<(u32, Box<str>, u16)>,
}

/// Shows sizes, never a value.
impl std::fmt::Debug for Fates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fates({} nodes)", self.size)
    }
}

/// What a sanitizer says of a node while nobody knows yet whether that way is taken.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// It goes.
    Drop(u32, Keyword, u16),
    /// It goes, and the whole document with it (A1).
    Reject(u32, Keyword, u16),
    /// It was valid and goes with the end of its list.
    Cut(u32),
    /// The list lost its end.
    Truncate(u32, Keyword, u16),
    /// Another value stands there.
    Replace(u32, Action, Keyword, u16),
    /// The object got a member that it needed (A6).
    Fill(u32, Box<str>, u16),
}

impl Fates {
    /// All of `value` is kept, until somebody says otherwise.
    #[must_use]
    pub fn of(value: Place<'_>) -> Self {
        Self {
            base: value.at,
            size: value.node().size as usize,
            nodes: Vec::new(),
            changed: Vec::new(),
            filled: Vec::new(),
        }
    }

    /// Takes over what a sanitizer said, in its order.
    pub(crate) fn say(&mut self, said: Vec<Said>) {
        for one in said {
            match one {
                Said::Drop(at, keyword, by) => self.drop(at, keyword, by),
                Said::Reject(at, keyword, by) => self.reject(at, keyword, by),
                Said::Cut(at) => self.set(at, Fate { what: What::Cut, ..KEPT }),
                Said::Truncate(at, keyword, by) => self.truncate(at, keyword, by),
                Said::Replace(at, action, keyword, by) => {
                    self.set(at, Fate { what: What::Replaced, action, keyword, also: [None; 2], by });
                }
                Said::Fill(at, name, by) => {
                    self.changed.push(at);
                    self.filled.push((at, name, by));
                }
            }
        }
    }

    fn set(&mut self, at: u32, fate: Fate) {
        if self.nodes.is_empty() {
            self.nodes = vec![KEPT; self.size];
        }
        self.changed.push(at);
        if let Some(slot) = self.nodes.get_mut((at - self.base) as usize) {
            *slot = fate;
        }
    }

    fn get(&self, at: u32) -> Fate {
        self.nodes.get((at - self.base) as usize).copied().unwrap_or(KEPT)
    }

    /// What became of a node, with the keyword and the schema object that say so.
    #[must_use]
    pub fn of_node(&self, at: u32) -> (What, Keyword, u16) {
        let fate = self.get(at);
        (fate.what, fate.keyword, fate.by)
    }

    /// The node at `at` goes, for `keyword` of the schema object `by`.
    pub fn drop(&mut self, at: u32, keyword: Keyword, by: u16) {
        self.set(at, Fate { what: What::Dropped, action: Action::Drop, keyword, also: [None; 2], by });
    }

    fn reject(&mut self, at: u32, keyword: Keyword, by: u16) {
        self.set(at, Fate { what: What::Dropped, action: Action::Reject, keyword, also: [None; 2], by });
    }

    /// The array at `at` lost its end.
    fn truncate(&mut self, at: u32, keyword: Keyword, by: u16) {
        let before = self.get(at);
        let next = Some((keyword, by));
        let (keyword, by, also) = match (before.what, before.also) {
            (What::Truncated, [None, _]) => (before.keyword, before.by, [next, None]),
            (What::Truncated, [second, _]) => (before.keyword, before.by, [second, next]),
            _ => (keyword, by, [None; 2]),
        };
        self.set(at, Fate { what: What::Truncated, action: Action::Truncate, keyword, also, by });
    }

    /// The node at `at`, which the schema does not know, is taken by another rule.
    pub fn elsewhere(&mut self, at: u32) {
        let fate = self.get(at);
        self.set(at, Fate { what: What::Elsewhere, ..fate });
    }

    /// Of the node at `at`, which the schema does not know, another rule takes a part: its children have fates of their own.
    pub fn open(&mut self, at: u32, children: impl Iterator<Item = u32>) {
        let fate = self.get(at);
        children.for_each(|child| self.set(child, fate));
        self.set(at, Fate { what: What::Opened, ..fate });
    }

    /// The nodes that were dropped because the schema does not know their names.
    #[must_use]
    pub fn unknown(&self) -> Vec<u32> {
        let is_unknown = |at: &u32| {
            let (what, keyword, _) = self.of_node(*at);
            what == What::Dropped && keyword.is_unknown()
        };
        let mut nodes: Vec<u32> = self.changed.iter().copied().filter(is_unknown).collect();
        nodes.sort_unstable();
        nodes
    }

    /// The nodes below a value that did not pass, each with the first node behind it, in order; none stands in another.
    #[must_use]
    pub fn gone(&self, value: Place<'_>) -> Vec<(u32, u32)> {
        let mut gone: Vec<(u32, u32)> = Vec::new();
        for at in self.sorted() {
            let end = match self.get(at).what {
                What::Dropped | What::Cut | What::Elsewhere => at + value.document.node(at).size,
                What::Opened => at + 1,
                What::Kept | What::Truncated | What::Replaced => continue,
            };
            if gone.last().is_none_or(|(_, last)| at >= *last) {
                gone.push((at, end));
            }
        }
        gone
    }

    /// Whether everything is kept.
    #[must_use]
    pub fn all_kept(&self) -> bool {
        self.changed.is_empty()
    }

    /// Whether all that is left was there before: no annotation put a value of the schema's own in its place.
    #[must_use]
    pub fn only_removed(&self) -> bool {
        self.filled.is_empty() && !self.changed.iter().any(|&at| self.get(at).what == What::Replaced)
    }

    /// Visits the places that were removed or shortened, each as far up as it goes (P1), in the order of P6.
    ///
    /// `show` says whether a member name may be printed; others are `*` in the pointers (P8).
    pub fn visit(
        &self,
        value: Place<'_>,
        prefix: &str,
        show: &dyn Fn(&str) -> bool,
        visit: &mut dyn FnMut(Visited<'_>),
    ) {
        self.walk(value, prefix, &self.sorted(), show, visit);
    }

    /// The nodes that were not simply kept, in document order.
    fn sorted(&self) -> Vec<u32> {
        let mut changed = self.changed.clone();
        changed.sort_unstable();
        changed
    }

    fn walk(
        &self,
        value: Place<'_>,
        prefix: &str,
        changed: &[u32],
        show: &dyn Fn(&str) -> bool,
        visit: &mut dyn FnMut(Visited<'_>),
    ) {
        if !changed.is_empty() {
            let mut pointer = String::with_capacity(prefix.len() + POINTER_BYTES);
            pointer.push_str(prefix);
            Walk { fates: self, changed, show, visit, pointer, said: BTreeMap::new() }.place(value);
        }
    }

    /// The visited places with what each cost and why; the first `entries_max` are listed, the rest counted.
    #[must_use]
    pub fn report(&self, value: Place<'_>, prefix: &str, entries_max: usize, names: &dyn Names) -> Report {
        let mut report = Report { entries: Vec::new(), omitted: 0 };
        let changed = self.sorted();
        self.walk(value, prefix, &changed, &|name| names.shows(name), &mut |visited| {
            if report.entries.len() < entries_max {
                report.entries.push(self.entry(&visited, &changed, names));
            } else {
                report.omitted += 1;
            }
        });
        report
    }

    fn entry(&self, visited: &Visited<'_>, changed: &[u32], names: &dyn Names) -> Entry {
        let Visited { place, pointer, keyword, action, by } = *visited;
        let view = View::Place(place);
        let nodes = match action {
            Action::Truncate if view.kind() == Kind::Array => {
                view.items().filter(|item| self.is_cut(*item)).map(View::nodes).sum()
            }
            // a member that was absent
            Action::Default if self.get(place.at).what != What::Replaced => 0,
            _ => view.nodes(),
        };
        let cause =
            if action == Action::Drop && keyword.cascades() { self.cause(visited, changed, names) } else { None };
        let is_cut = action == Action::Truncate && view.kind() == Kind::Array;
        let count = is_cut.then(|| view.items().filter(|item| self.is_cut(*item)).count());
        Entry { pointer: pointer.to_owned(), keyword, action, by, nodes, cause, count }
    }

    fn is_cut(&self, item: View<'_>) -> bool {
        item.place().is_some_and(|place| self.get(place.at).what == What::Cut)
    }

    /// The first place below a dropped one that would have been visited by itself, as far down as it goes; of members,
    /// those that the schema object requires: no other one takes its object along.
    fn cause(&self, dropped: &Visited<'_>, changed: &[u32], names: &dyn Names) -> Option<(String, Keyword)> {
        let mut first: Option<Entry> = None;
        // what was mended is no cause
        let is_cause = |action| match dropped.keyword {
            Keyword::OnInvalid => action == Action::Drop,
            Keyword::Atomic => !matches!(action, Action::Trim | Action::Coerce),
            _ => true,
        };
        let mut visit = |visited: Visited<'_>| {
            // nor is what the dropped place itself got
            if first.is_none() && visited.place.at != dropped.place.at && is_cause(visited.action) {
                first = Some(self.entry(&visited, changed, names));
            }
        };
        let asks = |name: &str| dropped.keyword != Keyword::Required || names.requires(dropped.by, name);
        let (show, pointer) = (|name: &str| names.shows(name), dropped.pointer.to_owned());
        Walk { fates: self, changed, show: &show, visit: &mut visit, pointer, said: BTreeMap::new() }
            .children(dropped.place, &asks);
        first.map(|entry| entry.cause.unwrap_or((entry.pointer, entry.keyword)))
    }

    /// Visits every node with what became of it, by its path; what another rule takes is left to that rule.
    pub fn each(&self, value: Place<'_>, path: &mut Vec<String>, visit: &mut dyn FnMut(&[String], What)) {
        self.each_below(value, None, path, visit);
    }

    fn each_below(
        &self,
        place: Place<'_>,
        above: Option<What>,
        path: &mut Vec<String>,
        visit: &mut dyn FnMut(&[String], What),
    ) {
        let own = self.get(place.at).what;
        let what = above.unwrap_or(own);
        match what {
            What::Elsewhere => return,
            What::Opened => {}
            _ => visit(path, what),
        }
        // below a place that is gone, or that has another value, nothing is left
        let gone = matches!(what, What::Dropped | What::Cut | What::Replaced).then_some(What::Dropped);
        for (token, child) in pointer::children(place) {
            path.push(token);
            self.each_below(child, gone, path, visit);
            path.pop();
        }
    }

    /// How many nodes were kept, changed and dropped; names do not count.
    #[must_use]
    pub fn counts(&self, value: Place<'_>) -> Counts {
        let mut counts = Counts::default();
        self.count(View::Place(value), &mut counts);
        counts
    }

    fn count(&self, view: View<'_>, counts: &mut Counts) {
        let Some(place) = view.place() else { return };
        match self.get(place.at).what {
            What::Dropped | What::Cut => {
                counts.dropped += view.nodes();
                return;
            }
            What::Elsewhere => {
                counts.elsewhere += view.nodes();
                return;
            }
            What::Opened => counts.elsewhere += 1,
            What::Replaced => {
                counts.changed += 1;
                counts.dropped += view.nodes() - 1;
                return;
            }
            What::Truncated => counts.changed += 1,
            What::Kept => counts.kept += 1,
        }
        view.items().chain(view.members().map(|(_, member)| member)).for_each(|child| self.count(child, counts));
    }
}

/// How many nodes of a value met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub kept: usize,
    /// Passed, shortened.
    pub changed: usize,
    /// Removed.
    pub dropped: usize,
    /// Read by no rule.
    pub unread: usize,
    /// Unknown to this rule, and taken by another one.
    pub elsewhere: usize,
}

/// What was done to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was removed.
    Drop,
    /// Its list or its text was shortened.
    Truncate,
    /// The schema's default stands there.
    Default,
    /// The nearest bound stands there.
    Clamp,
    /// It lost the white space at its ends.
    Trim,
    /// It was written as another type.
    Coerce,
    /// The whole document goes because of it.
    Reject,
}

impl Action {
    /// The words that a fixture can expect.
    pub const WORDS: [&'static str; 7] = ["drop", "truncate", "default", "clamp", "trim", "coerce", "reject"];

    /// The word that reports print.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Truncate => "truncate",
            Self::Default => "default",
            Self::Clamp => "clamp",
            Self::Trim => "trim",
            Self::Coerce => "coerce",
            Self::Reject => "reject",
        }
    }
}

/// Room for the pointers of most places.
const POINTER_BYTES: usize = 64;

/// One removed or shortened place. It holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The place in the input.
    pub pointer: String,
    /// What failed there.
    pub keyword: Keyword,
    /// What was done.
    pub action: Action,
    /// The schema object that says so.
    pub by: u16,
    /// Nodes removed.
    pub nodes: usize,
    /// Of a list that was cut: its items that are gone.
    pub count: Option<usize>,
    /// The first failure below that the place did not survive.
    pub cause: Option<(String, Keyword)>,
}

/// The entries of one value, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order of P6.
    pub entries: Vec<Entry>,
    /// Entries beyond the limit.
    pub omitted: usize,
}

/// One visited place.
#[derive(Clone, Copy)]
pub struct Visited<'a> {
    /// The place in the input.
    pub place: Place<'a>,
    /// Its pointer.
    pub pointer: &'a str,
    /// What failed there.
    pub keyword: Keyword,
    /// What was done.
    pub action: Action,
    /// The schema object that says so.
    pub by: u16,
}
