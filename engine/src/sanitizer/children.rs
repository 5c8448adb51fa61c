//! The children of a container in the output, for the rare case that some of them go after all.

use std::sync::Arc;

use crate::json::{Document, Kind, Node, Place, View, compare, fingerprint};

/// One child: where it stands in the output (a member at its name) and where its value stood in the input.
#[derive(Clone, Copy)]
pub(super) struct Child {
    pub(super) input: u32,
    pub(super) dropped: bool,
    start: usize,
    size: usize,
}

/// The children of one container.
pub(super) struct Children {
    children: Vec<Child>,
    base: usize,
}

impl Children {
    /// Finds the input places of the children that the container at `start` of `out` still has.
    pub(super) fn of(document: &Document, at: u32, out: &[Node], start: usize) -> Self {
        let members = document.node(at).kind() == Kind::Object;
        let end = start + out.get(start).map_or(1, |node| node.size as usize);
        let (mut output, mut input) = (start + 1, at + 1);
        let mut children = Vec::new();
        while let Some(node) = out.get(output).filter(|_| output < end) {
            while document.node(input).start != node.start {
                input += if members { 1 + document.node(input + 1).size } else { document.node(input).size };
            }
            let value = usize::from(members);
            let size = value + out.get(output + value).map_or(1, |node| node.size as usize);
            let value_at = input + u32::from(members);
            children.push(Child { input: value_at, dropped: false, start: output, size });
            output += size;
            input = value_at + document.node(value_at).size;
        }
        Self { children, base: start }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Child> {
        self.children.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    pub(super) fn all_kept(&self) -> bool {
        self.children.iter().all(|child| !child.dropped)
    }

    pub(super) fn drop_at(&mut self, index: usize) {
        if let Some(child) = self.children.get_mut(index) {
            child.dropped = true;
        }
    }

    pub(super) fn drop_from(&mut self, first: usize) {
        self.children.iter_mut().skip(first).for_each(|child| child.dropped = true);
    }

    pub(super) fn drop_if(&mut self, goes: impl Fn(&Child) -> bool) {
        self.children.iter_mut().for_each(|child| child.dropped = goes(child));
    }

    /// Moves the kept children together, shortens `out`, and says how many there are.
    pub(super) fn compact(&self, out: &mut Vec<Node>, start: usize) -> usize {
        let mut to = start + 1;
        let mut count = 0;
        for child in self.children.iter().filter(|child| !child.dropped) {
            out.copy_within(child.start..child.start + child.size, to);
            to += child.size;
            count += 1;
        }
        out.truncate(to);
        count
    }

    /// The children that equal an earlier one.
    pub(super) fn duplicates(&self, document: &Document, out: &[Node]) -> Vec<usize> {
        let tree = subtree(document, out, self.base);
        let place = |child: &Child| {
            let at = u32::try_from(child.start - self.base).unwrap_or(u32::MAX);
            View::Place(Place { document: &tree, at })
        };
        let mut order: Vec<_> = self
            .children
            .iter()
            .enumerate()
            .map(|(index, child)| (fingerprint(place(child)), index, place(child)))
            .collect();
        order.sort_by(|(a, i, x), (b, j, y)| a.cmp(b).then_with(|| compare(*x, *y)).then(i.cmp(j)));
        let pairs = order.windows(2).filter_map(|pair| match pair {
            [(a, _, x), (b, later, y)] if a == b && compare(*x, *y).is_eq() => Some(*later),
            _ => None,
        });
        pairs.collect()
    }

    /// Compact bytes of each child, a member's name included.
    pub(super) fn sizes(&self, document: &Document, out: &[Node]) -> Vec<usize> {
        let tree = subtree(document, out, self.base);
        let root = tree.root();
        if root.kind() == Kind::Array {
            return root.items().map(View::compact_bytes).collect();
        }
        root.named_members().map(|(name, value)| name.compact_bytes() + 1 + value.compact_bytes()).collect()
    }

    /// Compact bytes of the container at `start` of `out`.
    pub(super) fn bytes_of(document: &Document, out: &[Node], start: usize) -> usize {
        subtree(document, out, start).root().compact_bytes()
    }
}

/// The value at `start` of `out` as a document of its own.
fn subtree(document: &Document, out: &[Node], start: usize) -> Arc<Document> {
    Arc::new(document.with_nodes(out.get(start..).unwrap_or_default().to_vec()))
}
