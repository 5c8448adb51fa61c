//! The children of a written container, for the rare case that some of them go after all.

use super::trail::{Trail, Value};
use crate::json::{Text, View, compare, fingerprint};

/// One child: where it was written (a member at its name) and the input node of its value, if it has one.
#[derive(Clone, Copy)]
pub(super) struct Child {
    pub(super) input: Option<u32>,
    /// Whether it is a member.
    pub(super) named: bool,
    pub(super) dropped: bool,
    pub(super) start: usize,
    pub(super) size: usize,
}

/// The children of one container.
pub(super) struct Children {
    pub(super) children: Vec<Child>,
    pub(super) named: bool,
}

impl Children {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Child> {
        self.children.iter()
    }

    pub(super) fn get(&self, index: usize) -> Option<&Child> {
        self.children.get(index)
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    pub(super) fn drop_at(&mut self, index: usize) {
        if let Some(child) = self.children.get_mut(index) {
            child.dropped = true;
        }
    }

    /// The names of an object's members.
    pub(super) fn names<'t>(&self, trail: &'t Trail<'_>) -> Vec<Text<'t>> {
        let names = self.children.iter().filter(|_| self.named);
        names.filter_map(|child| trail.node(child.start)).map(|node| trail.text(node)).collect()
    }

    /// The place of a member by its name.
    pub(super) fn position(&self, trail: &Trail<'_>, name: &str) -> Option<usize> {
        let is_it = |child: &Child| trail.node(child.start).is_some_and(|node| trail.text(node).is(name));
        self.children.iter().position(|child| !child.dropped && is_it(child))
    }
}

/// The children of a value.
pub(super) fn below(view: View<'_>) -> impl Iterator<Item = View<'_>> {
    view.items().chain(view.named_members().map(|(_, value)| value))
}

/// The items of a list that equal an earlier one.
pub(super) fn duplicates(value: &Value) -> Vec<usize> {
    let mut order: Vec<_> =
        value.view().items().enumerate().map(|(index, item)| (fingerprint(item), index, item)).collect();
    order.sort_by(|(a, i, x), (b, j, y)| a.cmp(b).then_with(|| compare(*x, *y)).then(i.cmp(j)));
    let pairs = order.windows(2).filter_map(|pair| match pair {
        [(a, _, x), (b, later, y)] if a == b && compare(*x, *y).is_eq() => Some(*later),
        _ => None,
    });
    let mut later: Vec<_> = pairs.collect();
    later.sort_unstable();
    later
}

/// Compact bytes of each child, a member's name included.
pub(super) fn sizes(view: View<'_>) -> Vec<usize> {
    let items = view.items().map(View::compact_bytes);
    items.chain(view.named_members().map(|(name, value)| name.compact_bytes() + 1 + value.compact_bytes())).collect()
}
