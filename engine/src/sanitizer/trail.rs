//! What a run wrote so far: nodes of the output, what was said of input nodes, and text that the schema added. Giving a branch
//! up is cutting the first two back; the text stays, and what nobody refers to is left out of the result.

use std::rc::Rc;
use std::sync::Arc;

use super::children::{Child, Children};
use super::project::Fixed;
use super::schema::Id;
use crate::fate::{Action, Keyword, Said};
use crate::json::{Document, Json, Kind, Node, Place, Text, View};

/// A value as a place: in the input, or in a copy of what was written.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) document: Arc<Document>,
    pub(super) at: u32,
    /// By node of the copy, which version of its input node it is; none in the input.
    pub(super) versions: Option<Rc<[u32]>>,
    /// Where values stand in the copy that replaced one of the input, and which.
    replaced: Rc<[(u32, u32)]>,
}

impl Value {
    /// A value of the input.
    pub(super) fn input(document: &Arc<Document>, at: u32) -> Self {
        Self { document: Arc::clone(document), at, versions: None, replaced: Rc::from([]) }
    }

    /// The input node that a node of it stands for.
    pub(super) fn input_of(&self, input: &Document, view: View<'_>) -> Option<u32> {
        let start = view.place()?.node().start;
        match self.replaced.binary_search_by_key(&start, |(start, _)| *start) {
            Ok(at) => self.replaced.get(at).map(|(_, input)| *input),
            Err(_) => input.node_at(start),
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        View::Place(Place { document: &self.document, at: self.at })
    }

    pub(super) fn json(&self) -> Json {
        Json::Place(Arc::clone(&self.document), self.at)
    }
}

/// How far a trail had come.
#[derive(Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) nodes: usize,
    said: usize,
    cost: Cost,
}

/// What was written since a mark, to be written again.
pub(super) struct Saved {
    pub(super) fixed: Fixed,
    nodes: Vec<Node>,
    versions: Vec<u32>,
    said: Vec<Said>,
    cost: Cost,
}

/// Nodes that are written again for one unit of work.
const NODES_PER_UNIT: usize = 16;

impl Saved {
    /// Units of work for writing it again.
    pub(super) fn weight(&self) -> u64 {
        ((self.nodes.len() + self.said.len()) / NODES_PER_UNIT) as u64
    }
}

pub(super) struct Trail<'a> {
    document: &'a Arc<Document>,
    nodes: Vec<Node>,
    /// By node, which version of its input node it is: 0 as it came. Kept where choices ask what they asked before.
    versions: Vec<u32>,
    has_versions: bool,
    last_version: u32,
    /// Text that the schema added; positions run on from the input's.
    added: String,
    /// Where values stand in it that replaced one of the input, and which.
    replaced: Vec<(u32, u32)>,
    said: Vec<Said>,
    cost: Cost,
}

/// Nodes of the input that were removed or replaced, and those that went for their bytes: a union compares the former (R15).
#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) removed: usize,
    pub(super) for_bytes: usize,
}

impl Cost {
    /// What was added to it since.
    pub(super) fn since(self, before: Self) -> Self {
        Self { removed: self.removed - before.removed, for_bytes: self.for_bytes - before.for_bytes }
    }

    pub(super) fn all(self) -> usize {
        self.removed + self.for_bytes
    }

    fn add(&mut self, nodes: usize, keyword: Keyword) {
        let own = if keyword == Keyword::MaxBytes { &mut self.for_bytes } else { &mut self.removed };
        *own += nodes;
    }
}

impl<'a> Trail<'a> {
    pub(super) fn new(document: &'a Arc<Document>, size: usize, has_versions: bool) -> Self {
        Self {
            document,
            nodes: Vec::with_capacity(size),
            versions: Vec::new(),
            has_versions,
            last_version: 0,
            added: String::new(),
            replaced: Vec::new(),
            said: Vec::new(),
            cost: Cost::default(),
        }
    }

    /// What was said, in its order.
    pub(super) fn into_said(self) -> Vec<Said> {
        self.said
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, at: usize) -> Option<Node> {
        self.nodes.get(at).copied()
    }

    pub(super) fn has_added(&self) -> bool {
        !self.added.is_empty()
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { nodes: self.nodes.len(), said: self.said.len(), cost: self.cost }
    }

    /// Takes back all that was written since.
    pub(super) fn cut(&mut self, mark: Mark) {
        self.truncate(mark.nodes);
        self.said.truncate(mark.said);
        self.cost = mark.cost;
    }

    /// Takes back the nodes, not what was said: the cause of their end.
    pub(super) fn truncate(&mut self, nodes: usize) {
        self.nodes.truncate(nodes);
        self.versions.truncate(nodes);
    }

    pub(super) fn push(&mut self, node: Node) {
        self.nodes.push(node);
        if self.has_versions {
            self.versions.push(0);
        }
    }

    /// Completes the container at `start`.
    pub(super) fn close(&mut self, start: usize, count: usize, whole: bool) {
        let size = self.nodes.len() - start;
        if let Some(node) = self.nodes.get_mut(start) {
            let verbatim = whole && node.verbatim();
            node.close(size, count, verbatim);
        }
        if !whole && let Some(version) = self.versions.get_mut(start) {
            self.last_version += 1;
            *version = self.last_version;
        }
    }

    /// A copy of what was written since, with its end.
    pub(super) fn saved(&self, mark: Mark, fixed: Fixed) -> Saved {
        let since = |from: usize| from..self.nodes.len();
        Saved {
            fixed,
            nodes: self.nodes.get(since(mark.nodes)).unwrap_or_default().to_vec(),
            versions: self.versions.get(since(mark.nodes)).unwrap_or_default().to_vec(),
            said: self.said_since(mark).to_vec(),
            cost: self.cost.since(mark.cost),
        }
    }

    /// Writes it once more.
    pub(super) fn replay(&mut self, saved: &Saved) -> Fixed {
        self.nodes.extend_from_slice(&saved.nodes);
        self.versions.extend_from_slice(&saved.versions);
        self.said.extend_from_slice(&saved.said);
        self.cost.removed += saved.cost.removed;
        self.cost.for_bytes += saved.cost.for_bytes;
        saved.fixed
    }

    pub(super) fn said_since(&self, mark: Mark) -> &[Said] {
        self.said.get(mark.said..).unwrap_or_default()
    }

    fn nodes_of(&self, at: u32) -> usize {
        if self.has_versions { View::Place(Place { document: self.document, at }).nodes() } else { 0 }
    }

    /// The input node at `at` goes; `cost` is what the trail cost before it was repaired.
    pub(super) fn drop(&mut self, at: u32, keyword: Keyword, by: Id, cost: Cost) {
        self.said.push(Said::Drop(at, keyword, by));
        self.cost = cost;
        self.cost.add(self.nodes_of(at), keyword);
    }

    /// The whole value goes.
    pub(super) fn drop_whole(&mut self, at: u32, keyword: Keyword, by: Id) {
        self.said.push(Said::Drop(at, keyword, by));
    }

    /// A child goes after it was kept.
    pub(super) fn drop_child(&mut self, child: &Child, keyword: Keyword, by: Id) {
        if let Some(input) = child.input {
            self.said.push(Said::Drop(input, keyword, by));
            self.cost.add(self.kept_of(child), keyword);
        }
    }

    /// A child goes with the end of its list after it was kept.
    pub(super) fn cut_child(&mut self, child: &Child, keyword: Keyword) {
        if let Some(input) = child.input {
            self.said.push(Said::Cut(input));
            self.cost.add(self.kept_of(child), keyword);
        }
    }

    /// Input nodes that are kept in a child; names do not count.
    fn kept_of(&self, child: &Child) -> usize {
        if !self.has_versions {
            return 0;
        }
        let own = self.nodes.get(child.start..child.start + child.size).unwrap_or_default();
        let members = |node: &Node| if node.kind() == Kind::Object { node.count() } else { 0 };
        let kept = own.iter().filter(|node| !self.is_added(**node));
        let names = own.iter().map(members).sum::<usize>() + usize::from(child.named);
        kept.count().saturating_sub(names)
    }

    pub(super) fn reject(&mut self, at: u32, keyword: Keyword, by: Id) {
        self.said.push(Said::Reject(at, keyword, by));
    }

    /// The input node goes with the end of its list; `cost` is what the trail cost before it was repaired.
    pub(super) fn cut_item(&mut self, at: u32, keyword: Keyword, cost: Cost) {
        self.said.push(Said::Cut(at));
        self.cost = cost;
        self.cost.add(self.nodes_of(at), keyword);
    }

    pub(super) fn shorten(&mut self, at: u32, keyword: Keyword, by: Id) {
        self.said.push(Said::Truncate(at, keyword, by));
    }

    /// Another value stands for the input node; `since` is where its repair began.
    pub(super) fn replace(&mut self, at: u32, action: Action, keyword: Keyword, by: Id, since: Mark) {
        self.said.push(Said::Replace(at, action, keyword, by));
        self.cost = since.cost;
        self.cost.add(self.nodes_of(at), keyword);
    }

    /// A default stands for an input node that went.
    pub(super) fn fill_dropped(&mut self, at: u32, keyword: Keyword, by: Id) {
        self.said.push(Said::Replace(at, Action::Default, keyword, by));
    }

    pub(super) fn fill(&mut self, at: u32, name: &str, by: Id) {
        self.said.push(Said::Fill(at, name.into(), by));
    }

    /// Forgets that the input node at `at` went: another value stands there.
    pub(super) fn undrop(&mut self, mark: Mark, at: u32) {
        let since = self.said.get(mark.said..).unwrap_or_default();
        let own = since.iter().rposition(|said| matches!(said, Said::Drop(own, ..) if *own == at));
        if let Some(own) = own {
            self.said.remove(mark.said + own);
        }
    }

    /// Writes a value that does not stand in the input; `input` is the node that it replaces.
    pub(super) fn add(&mut self, text: &str, input: Option<u32>) {
        let Ok(document) = Document::read(text.as_bytes()) else { return };
        let shift = u32::try_from(self.document.text.len() + self.added.len()).unwrap_or(u32::MAX);
        self.added.push_str(text);
        let first = document.node(0).shifted(shift);
        self.replaced.extend(input.map(|input| (first.start, input)));
        for node in &document.nodes {
            self.push(node.shifted(shift));
            if let Some(version) = self.versions.last_mut() {
                self.last_version += 1;
                *version = self.last_version;
            }
        }
    }

    /// Writes other nodes in place of those from `start` on.
    pub(super) fn rewrite(&mut self, start: usize, nodes: &[Node]) {
        self.truncate(start);
        for node in nodes {
            self.push(*node);
            if let Some(version) = self.versions.last_mut() {
                self.last_version += 1;
                *version = self.last_version;
            }
        }
    }

    /// A value without one of its children, which stands at `first`, its name included, and is `size` nodes large.
    pub(super) fn without(&mut self, value: &Value, first: u32, size: usize) -> Value {
        let (document, at) = (&value.document, value.at as usize);
        let end = at + document.node(value.at).size as usize;
        let keeps = |index: usize| index < first as usize || index >= first as usize + size;
        let nodes = document.nodes.iter().enumerate().take(end).skip(at);
        let mut nodes: Vec<_> = nodes.filter(|(index, _)| keeps(*index)).map(|(_, node)| *node).collect();
        let version = |index: usize| value.versions.as_ref().and_then(|own| own.get(index)).copied().unwrap_or(0);
        let mut versions: Vec<_> = (at..end).filter(|index| keeps(*index)).map(version).collect();
        let length = nodes.len();
        if let (Some(root), Some(version)) = (nodes.first_mut(), versions.first_mut()) {
            root.close(length, root.count().saturating_sub(1), false);
            self.last_version += 1;
            *version = self.last_version;
        }
        Value {
            document: Arc::new(document.with_nodes(nodes)),
            at: 0,
            versions: Some(versions.into()),
            replaced: Rc::clone(&value.replaced),
        }
    }

    fn is_added(&self, node: Node) -> bool {
        node.start as usize >= self.document.text.len()
    }

    /// The input node that a written node stands for.
    pub(super) fn input_of(&self, node: Node) -> Option<u32> {
        if self.is_added(node) {
            let at = self.replaced.binary_search_by_key(&node.start, |(start, _)| *start).ok()?;
            return self.replaced.get(at).map(|(_, input)| *input);
        }
        self.document.node_at(node.start)
    }

    /// All that was written, taken from the trail.
    pub(super) fn take_value(&mut self) -> Value {
        if self.has_added() {
            return self.value(0);
        }
        let versions = Some(std::mem::take(&mut self.versions)).filter(|versions| !versions.is_empty());
        let document = self.document.with_nodes(std::mem::take(&mut self.nodes));
        Value { document: Arc::new(document), at: 0, versions: versions.map(Rc::from), replaced: Rc::from([]) }
    }

    /// What was written from `start` on, as a value of its own.
    pub(super) fn value(&self, start: usize) -> Value {
        let mut nodes = self.nodes.get(start..).unwrap_or_default().to_vec();
        let versions = self.versions.get(start..).filter(|versions| !versions.is_empty()).map(Rc::from);
        let mut replaced = Vec::new();
        let document = if nodes.iter().any(|node| self.is_added(*node)) {
            let added = self.gather(&mut nodes, &mut replaced);
            self.document.with_added(nodes, &added)
        } else {
            self.document.with_nodes(nodes)
        };
        Value { document: Arc::new(document), at: 0, versions, replaced: replaced.into() }
    }

    /// The text of the added nodes, which move to where it stands.
    fn gather(&self, nodes: &mut [Node], replaced: &mut Vec<(u32, u32)>) -> String {
        let shift = self.document.text.len();
        let mut text = String::new();
        let mut at = 0;
        while let Some(node) = nodes.get(at).copied() {
            if !self.is_added(node) {
                at += 1;
                continue;
            }
            let quoted = usize::from(node.kind() == Kind::String);
            let (start, end) = (node.start as usize - quoted, node.end as usize + quoted);
            let by = (shift + text.len()).wrapping_sub(start);
            text.push_str(self.added.get(start - shift..end - shift).unwrap_or_default());
            let size = node.size as usize;
            let input = self.input_of(node);
            #[expect(clippy::cast_possible_truncation, reason = "a difference modulo 2^32: positions are 32 bits")]
            nodes.iter_mut().skip(at).take(size).for_each(|node| *node = node.shifted(by as u32));
            replaced.extend(nodes.get(at).zip(input).map(|(node, input)| (node.start, input)));
            at += size;
        }
        text
    }

    /// The text of a written string.
    pub(super) fn text(&self, node: Node) -> Text<'_> {
        if self.is_added(node) {
            let shift = self.document.text.len();
            let own = self.added.get(node.start as usize - shift..node.end as usize - shift);
            return Text::source(own.unwrap_or_default(), node.escaped());
        }
        Text::source(self.document.source(node), node.escaped())
    }

    /// The children of the container at `start`.
    pub(super) fn children(&self, start: usize) -> Children {
        let root = self.nodes.get(start).copied();
        let (mut at, end) = (start + 1, start + root.map_or(1, |node| node.size as usize));
        let named = root.is_some_and(|node| node.kind() == Kind::Object);
        let mut children = Vec::with_capacity(root.map_or(0, Node::count));
        while let Some(first) = self.nodes.get(at).copied().filter(|_| at < end) {
            let value = if named { self.nodes.get(at + 1).copied().unwrap_or(first) } else { first };
            let size = value.size as usize + usize::from(named);
            let input = if named && !self.is_added(first) {
                self.document.node_at(first.start).map(|name| name + 1)
            } else {
                self.input_of(value)
            };
            children.push(Child { input, named, dropped: false, start: at, size });
            at += size;
        }
        Children { children, named }
    }

    /// Removes the dropped children from the container at `start`.
    pub(super) fn retain(&mut self, start: usize, children: &Children) {
        let (mut to, mut count) = (start + 1, 0);
        for child in children.iter().filter(|child| !child.dropped) {
            let own = child.start..child.start + child.size;
            if self.has_versions {
                self.versions.copy_within(own.clone(), to);
            }
            self.nodes.copy_within(own, to);
            to += child.size;
            count += 1;
        }
        self.truncate(to);
        self.close(start, count, false);
    }
}
