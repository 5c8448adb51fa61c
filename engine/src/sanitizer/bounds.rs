//! What a container as a whole must be: one of listed values, and within a number of bytes (R12, R20).

use super::children::{Child, sizes};
use super::plan::Plan;
use super::project::{Fixed, Pass};
use super::schema::Id;
use super::trail::Value;
use crate::fate::Keyword;
use crate::json::{Json, Kind, Node, View, same};

use Fixed::{Gone, Part};

impl Pass<'_> {
    /// `enum` and `const` of containers: the largest listed value that is a part of this one (R12).
    pub(super) fn listed(&mut self, plan: &Plan, at: u32, start: usize, fixed: Fixed) -> Fixed {
        let kind = self.document.node(at).kind();
        let Some((by, first)) = plan.checks.iter().find(|(_, check)| check.looks_at(kind)) else { return fixed };
        if !plan.lists_containers {
            return Gone(first.keyword(), *by);
        }
        let value = self.value(at, start, fixed);
        let view = value.view();
        let checks = || plan.checks.iter().filter(|(_, check)| check.looks_at(kind));
        // what is too much is seen where a computation is next counted
        let _ = self.eval.budget.charge(checks().map(|(_, check)| check.cost(view, None)).sum());
        let holds = |view: View<'_>| checks().all(|(_, check)| check.holds(view, None, None));
        let Some((by, check)) = checks().find(|(_, check)| !check.holds(view, None, None)) else { return fixed };
        let failed = (check.keyword(), *by);
        let parts = checks().flat_map(|(_, check)| check.listed());
        let mut parts: Vec<&Json> = parts.filter(|one| is_part(one.view(), view) && holds(one.view())).collect();
        parts.sort_by_key(|one| std::cmp::Reverse(one.view().nodes()));
        // the largest that all else allows; where none is, a choice point may still say why
        let mut allows = |one: &&&Json| plan.set.parts.iter().all(|part| self.eval.holds(part.applied, one.view()));
        let other = if plan.is_plain() { None } else { parts.first() };
        let Some(best) = parts.iter().find(|one| allows(one)).or(other) else {
            return Gone(failed.0, failed.1);
        };
        let (mut nodes, mut gone) = (Vec::new(), Vec::new());
        let shift = start.wrapping_sub(value.at as usize);
        self.restrict(shift, view, best.view(), &mut nodes, &mut gone);
        for child in gone {
            self.trail.drop_child(&child, failed.0, failed.1);
        }
        self.trail.rewrite(start, &nodes);
        Part
    }

    /// What `part` has of a value whose nodes were written `shift` further; and the input nodes of the children that go.
    fn restrict(&self, shift: usize, whole: View<'_>, part: View<'_>, nodes: &mut Vec<Node>, gone: &mut Vec<Child>) {
        let place = |view: View<'_>| view.place().map_or(usize::MAX, |place| (place.at as usize).wrapping_add(shift));
        let written = |view: View<'_>| self.trail.node(place(view));
        let Some(root) = written(whole) else { return };
        let (start, before) = (nodes.len(), gone.len());
        nodes.push(root);
        let mut count = 0;
        let mut wanted = part.items().peekable();
        let items = whole.items().map(|own| (None, own, wanted.next_if(|wanted| is_part(*wanted, own))));
        let items: Vec<_> = items.collect();
        let members = whole.named_members().map(|(name, own)| (Some(name), own, part.get(&name.word())));
        for (name, own, part) in items.into_iter().chain(members) {
            let Some(node) = written(own) else { continue };
            if let Some(part) = part {
                nodes.extend(name.and_then(written));
                self.restrict(shift, own, part, nodes, gone);
                count += 1;
            } else {
                let (input, start, size) = (self.trail.input_of(node), place(own), node.size as usize);
                gone.push(Child { input, named: false, dropped: true, start, size });
            }
        }
        let (size, whole) = (nodes.len() - start, gone.len() == before);
        if let Some(node) = nodes.get_mut(start).filter(|_| matches!(root.kind(), Kind::Array | Kind::Object)) {
            node.close(size, count, whole && root.verbatim());
        }
    }

    /// `x-max-bytes`: what is too large loses its end, or the members of R13, until the rest fits (R20).
    pub(super) fn within_bytes(&mut self, plan: &Plan, at: u32, start: usize, fixed: Fixed) -> Fixed {
        let Some((max, by)) = self.bytes_max(plan, at) else { return fixed };
        if !self.trail.has_added() && self.place(at).place().is_some_and(|place| place.span().len() <= max) {
            return fixed;
        }
        let value = self.value(at, start, fixed);
        if value.view().compact_bytes() <= max {
            return fixed;
        }
        self.shrink(plan, at, start, &value, (max, by))
    }

    /// The most bytes of a place, and the schema object that says so; the whole value has the policy's bound too.
    pub(super) fn bytes_max(&self, plan: &Plan, at: u32) -> Option<(usize, Id)> {
        let root = self.options.bytes_max.filter(|_| at == self.top).map(|max| (max, plan.by));
        plan.bytes_max.into_iter().chain(root).min_by_key(|(max, _)| *max)
    }

    pub(super) fn shrink(
        &mut self,
        plan: &Plan,
        at: u32,
        start: usize,
        value: &Value,
        (max, by): (usize, Id),
    ) -> Fixed {
        let view = value.view();
        let is_list = view.kind() == Kind::Array;
        let children = self.trail.children(start);
        let order: Vec<usize> = if is_list {
            let protected = self.protected(plan, value);
            (0..children.len()).rev().filter(|index| protected.binary_search(index).is_err()).collect()
        } else {
            self.dispensable(plan, &children)
        };
        let sizes = sizes(view);
        let (mut bytes, mut left, mut goes) = (view.compact_bytes(), children.len(), Vec::new());
        for index in order {
            if bytes <= max {
                break;
            }
            left -= 1;
            bytes -= sizes.get(index).copied().unwrap_or(0) + usize::from(left > 0);
            goes.push(index);
        }
        if goes.is_empty() || bytes > max {
            return Gone(Keyword::MaxBytes, by);
        }
        if is_list {
            let moves = |index: &usize| {
                *index < plan.prefix.len() && (index + 1..children.len()).any(|next| !goes.contains(&next))
            };
            if goes.iter().any(moves) || plan.length.min.is_some_and(|min| left < min) {
                return Gone(Keyword::MaxBytes, by);
            }
            self.cut(at, start, &goes, (Keyword::MaxBytes, by));
        } else {
            let mut children = children;
            for index in goes {
                children.drop_at(index);
                if let Some(child) = children.get(index) {
                    self.trail.drop_child(child, Keyword::MaxBytes, by);
                }
            }
            self.trail.retain(start, &children);
            // what went may have been needed
            self.without_triggers(plan, start);
            if self.lacking(plan, start).is_some() || self.too_small(plan, start).is_some() {
                return Gone(Keyword::MaxBytes, by);
            }
        }
        Part
    }
}

/// Whether `part` is what is left of `whole` when some of it is taken away (the shrink order).
fn is_part(part: View<'_>, whole: View<'_>) -> bool {
    match (part.kind(), whole.kind()) {
        (Kind::Object, Kind::Object) => {
            part.members().all(|(name, value)| whole.get(&name.decode()).is_some_and(|own| is_part(value, own)))
        }
        (Kind::Array, Kind::Array) => {
            let mut items = whole.items();
            part.items().all(|item| items.any(|own| is_part(item, own)))
        }
        _ => same(part, whole),
    }
}
