//! The phases of a list: its items one by one, then all of them together (R8–R10).

use super::phases::{Child, Container, Typed};
use super::repair::{Fixed, Job, Note, Repair};
use super::schema::{Contains, Id, NO_SCHEMA};
use super::sets::Applied;
use crate::fate::Keyword;
use crate::json::{Json, View, compare, fingerprint};

impl<'a> Repair<'a> {
    pub(super) fn array_phases(&mut self, at: u32, job: &Job, objects: &[Typed<'a>]) -> Result<Fixed, Fixed> {
        let mut container = Container::new(at);
        let prefix = objects.iter().map(|(_, object)| object.prefix.len()).max().unwrap_or(0);
        let by = objects.iter().find(|(_, object)| !object.prefix.is_empty()).map_or(0, |(applied, _)| applied.id);
        let positions = if self.eval.sets.schema().draft < 2020 { Keyword::Items } else { Keyword::PrefixItems };
        let items: Vec<_> = self.place(at).items().filter_map(View::place).map(|place| place.at).collect();
        for (index, &item) in items.iter().enumerate() {
            let mut schemas = Vec::new();
            for (applied, object) in objects {
                let own = object.prefix.get(index).map(|id| (*id, positions)).or(object.items);
                schemas.extend(own.map(|(id, keyword)| (self.eval.sets.below(*applied, id), keyword)));
            }
            let set = self.child_set(job, item, schemas);
            let child = Child { at: item, name: Json::Null, text: String::new(), fixed: None };
            let kept = self.child(&mut container, child, set)?;
            if !kept && index < prefix {
                let rest = items.get(index + 1..).unwrap_or_default();
                self.cut(&mut container, rest, Keyword::PrefixItems, by);
                break;
            }
        }
        self.distinct(&mut container, objects, prefix, by);
        self.few_matches(&mut container, objects, prefix, by);
        self.few_items(&mut container, objects, prefix);
        let nodes = self.nodes(at);
        if let Some((keyword, by)) = self.too_few(&container, objects) {
            return Err(Fixed::gone(keyword, by, nodes).with(&container));
        }
        self.listed(container, objects, nodes)
    }

    /// Items that are cut from the end: one entry at the array.
    fn cut(&self, container: &mut Container, rest: &[u32], keyword: Keyword, by: Id) {
        if rest.is_empty() {
            return;
        }
        container.notes.extend(rest.iter().map(|&at| Note::Cut(at)));
        container.cost += rest.iter().map(|&at| self.nodes(at)).sum::<usize>();
        container.notes.push(Note::Truncate(container.at, keyword, by));
        container.whole = false;
    }

    /// `uniqueItems`: later duplicates go; positions do not move, so there the array is cut.
    fn distinct(&self, container: &mut Container, objects: &[Typed<'a>], prefix: usize, cut_by: Id) {
        let Some((by, _)) = objects.iter().find(|(_, object)| object.unique) else { return };
        let values: Vec<_> = container.children.iter().map(Child::json).collect();
        let mut order: Vec<_> =
            (0..values.len()).filter_map(|index| Some((index, values.get(index)?.view()))).collect();
        order.sort_by(|(i, x), (j, y)| {
            fingerprint(*x).cmp(&fingerprint(*y)).then_with(|| compare(*x, *y)).then(i.cmp(j))
        });
        let pairs = order.windows(2).filter_map(|pair| match pair {
            [(_, x), (later, y)] if compare(*x, *y).is_eq() => Some(*later),
            _ => None,
        });
        let mut later: Vec<_> = pairs.collect();
        later.sort_unstable();
        if let Some(&first) = later.first().filter(|&&first| first < prefix) {
            let rest: Vec<_> = container.children.drain(first + 1..).map(|child| child.at).collect();
            self.cut(container, &rest, Keyword::PrefixItems, cut_by);
            later = vec![first];
        }
        self.drop_all(container, &later, Keyword::UniqueItems, by.id);
    }

    /// The items that a `contains` needs: they are not cut.
    pub(super) fn protected(&mut self, items: View<'_>, objects: &[Typed<'a>]) -> Vec<usize> {
        let mut protected = Vec::new();
        for (applied, object) in objects {
            if let Some(contains) = object.contains.filter(|contains| contains.schema != NO_SCHEMA) {
                let matches = self.eval.matches(*applied, contains, items);
                protected.extend(matches.into_iter().take(contains.min.unwrap_or(1)));
            }
        }
        protected
    }

    fn matching(&mut self, container: &Container, applied: Applied, contains: Contains) -> Vec<usize> {
        let list = self.listing(container);
        self.eval.matches(applied, contains, list.view())
    }

    /// The items so far, as one value.
    fn listing(&mut self, container: &Container) -> Json {
        let list = Json::list(container.children.iter().map(Child::json).collect());
        self.eval.keep(&list);
        list
    }

    /// `maxContains`: the last surplus matches go.
    fn few_matches(&mut self, container: &mut Container, objects: &[Typed<'a>], prefix: usize, cut_by: Id) {
        for (applied, object) in objects {
            let Some(contains) = object.contains.filter(|contains| contains.schema != NO_SCHEMA) else { continue };
            let Some(max) = contains.max else { continue };
            let matches = self.matching(container, *applied, contains);
            let mut surplus: Vec<_> = matches.into_iter().skip(max).collect();
            // positions do not move: the array is cut there
            if let Some(&first) = surplus.first().filter(|&&first| first < prefix) {
                let rest: Vec<_> = container.children.drain(first + 1..).map(|child| child.at).collect();
                self.cut(container, &rest, Keyword::PrefixItems, cut_by);
                surplus = vec![first];
            }
            self.drop_all(container, &surplus, Keyword::MaxContains, applied.id);
        }
    }

    /// `maxItems`: from the end, protected items excepted; one entry at the array.
    fn few_items(&mut self, container: &mut Container, objects: &[Typed<'a>], prefix: usize) {
        let least = objects.iter().filter_map(|(applied, object)| Some((object.length.max?, applied.id)));
        let Some((max, by)) = least.min_by_key(|(max, _)| *max) else { return };
        let surplus = container.children.len().saturating_sub(max);
        if surplus == 0 {
            return;
        }
        let list = self.listing(container);
        let protected = self.protected(list.view(), objects);
        let goes = (0..container.children.len()).rev().filter(|index| !protected.contains(index)).take(surplus);
        let mut goes: Vec<_> = goes.collect();
        goes.sort_unstable();
        let moves = |index: &usize| *index < prefix && protected.iter().any(|kept| kept > index);
        if goes.iter().any(moves) {
            // positions do not move, so nothing is protected: what is missing is said later
            goes = (max..container.children.len()).collect();
        }
        let rest = container.take(&goes);
        let rest: Vec<_> = rest.into_iter().map(|child| child.at).collect();
        self.cut(container, &rest, Keyword::MaxItems, by);
    }

    /// `minItems`, `contains`, `minContains`, and a `maxItems` that the protected items pass.
    fn too_few(&mut self, container: &Container, objects: &[Typed<'a>]) -> Option<(Keyword, Id)> {
        let count = container.children.len();
        for (applied, object) in objects {
            if object.length.min.is_some_and(|min| count < min) {
                return Some((Keyword::MinItems, applied.id));
            }
            if object.length.max.is_some_and(|max| count > max) {
                return Some((Keyword::MaxItems, applied.id));
            }
        }
        for (applied, object) in objects {
            let Some(contains) = object.contains.filter(|contains| contains.schema != NO_SCHEMA) else { continue };
            let matches = self.matching(container, *applied, contains).len();
            if matches < contains.min.unwrap_or(1) {
                let keyword = if contains.min.is_some() { Keyword::MinContains } else { Keyword::Contains };
                return Some((keyword, applied.id));
            }
            if contains.max.is_some_and(|max| matches > max) {
                return Some((Keyword::MaxContains, applied.id));
            }
        }
        None
    }
}
