//! The places of a value that did not stay as they were, in the order in which reports print them (P6).

use std::collections::BTreeMap;

use super::{Action, Fate, Fates, Keyword, Visited, What};
use crate::json::{INT_DIGITS, Kind, Place, View, int_text};
use crate::pointer;

pub(super) struct Walk<'a> {
    pub(super) fates: &'a Fates,
    /// The nodes that were not simply kept, in document order.
    pub(super) changed: &'a [u32],
    pub(super) show: &'a dyn Fn(&str) -> bool,
    pub(super) visit: &'a mut dyn FnMut(Visited<'_>),
    pub(super) pointer: String,
    /// How many of an object's added members were said.
    pub(super) said: BTreeMap<u32, usize>,
}

impl Walk<'_> {
    pub(super) fn place(&mut self, place: Place<'_>) {
        let Fate { what, action, keyword, also, by } = self.fates.get(place.at);
        let mut say =
            |keyword, action, by| (self.visit)(Visited { place, pointer: &self.pointer, keyword, action, by });
        match what {
            What::Dropped | What::Replaced => say(keyword, action, by),
            What::Cut | What::Elsewhere => {}
            What::Truncated => {
                say(keyword, Action::Truncate, by);
                also.into_iter().flatten().for_each(|(keyword, by)| say(keyword, Action::Truncate, by));
                self.children(place, &|_| true);
            }
            What::Kept | What::Opened => self.children(place, &|_| true),
        }
    }

    /// The children of a place; of an object, the members whose names are asked for.
    pub(super) fn children(&mut self, place: Place<'_>, asks: &dyn Fn(&str) -> bool) {
        let first = self.changed.partition_point(|&at| at <= place.at);
        let mut left = self.changed.get(first..).unwrap_or_default();
        match place.node().kind() {
            Kind::Array => {
                for (index, item) in View::Place(place).items().enumerate() {
                    if let Some(item) = take_changed(&mut left, item) {
                        self.below(item, int_text(i64::try_from(index).unwrap_or(i64::MAX), &mut [0; INT_DIGITS]));
                    }
                }
            }
            Kind::Object => {
                let members = View::Place(place).members();
                let mut members: Vec<_> =
                    members.filter_map(|(name, value)| Some((name, take_changed(&mut left, value)?))).collect();
                members.sort_by(|(a, _), (b, _)| a.compare(*b));
                for (name, value) in members {
                    let name = name.decode();
                    if !asks(&name) {
                        continue;
                    }
                    self.filled(place, Some(&name));
                    let shown = if (self.show)(&name) { name.as_ref() } else { "*" };
                    self.below(value, shown);
                }
                self.filled(place, None);
            }
            _ => {}
        }
    }

    /// Says which members the object at `place` got, those before `name` that were not said yet.
    fn filled(&mut self, place: Place<'_>, name: Option<&str>) {
        if self.fates.filled.is_empty() {
            return;
        }
        let mut own: Vec<_> = self.fates.filled.iter().filter(|(at, ..)| *at == place.at).collect();
        own.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
        let said = self.said.get(&place.at).copied().unwrap_or(0);
        let now = own.iter().take_while(|(_, own, _)| name.is_none_or(|name| own.as_ref() < name)).count();
        for (_, name, by) in own.into_iter().take(now).skip(said) {
            let length = self.pointer.len();
            pointer::push(&mut self.pointer, name);
            (self.visit)(Visited {
                place,
                pointer: &self.pointer,
                keyword: Keyword::Required,
                action: Action::Default,
                by: *by,
            });
            self.pointer.truncate(length);
        }
        self.said.insert(place.at, now.max(said));
    }

    fn below(&mut self, place: Place<'_>, token: &str) {
        let length = self.pointer.len();
        pointer::push(&mut self.pointer, token);
        self.place(place);
        self.pointer.truncate(length);
    }
}

/// The place of the next child, if anything in it was not simply kept; takes its nodes from those that are left.
fn take_changed<'v>(left: &mut &[u32], child: View<'v>) -> Option<Place<'v>> {
    let place = child.place()?;
    let end = place.at + place.node().size;
    left.first().filter(|&&at| at < end)?;
    let taken = left.iter().take_while(|&&at| at < end).count();
    *left = left.get(taken..).unwrap_or_default();
    Some(place)
}
