//! `merge_fields`: an object, member by member; only members with a rule travel.
//!
//! Laws: those of the strategies it is made of.

use super::{Context, Made, Merging, Refusal, Strategy};
use crate::budget::Budget;
use crate::json::{Json, Kind, Text, View, same};

/// The strategies of an object's members.
#[derive(Clone, Debug, Default)]
pub struct MergeFields {
    /// By member name.
    pub rules: Vec<(String, Strategy)>,
    /// For members without a rule; none: they do not travel.
    pub default: Option<Box<Strategy>>,
}

impl MergeFields {
    /// The account's object with what the rules take from the anonymous one.
    pub(super) fn merge(
        &self,
        account: Option<View<'_>>,
        anonymous: View<'_>,
        context: &Context,
        budget: &mut Budget,
    ) -> Merging {
        if account.is_some_and(|object| object.kind() != Kind::Object) {
            return Err(Refusal::AccountShape);
        }
        budget.charge((account.map_or(0, View::len) + anonymous.len()) as u64)?;
        let account_members = Names::of(account);
        let mut changes = Vec::new();
        for (name, value) in anonymous.named_members() {
            let Some(text) = name.as_text() else { continue };
            let own = self.rules.iter().find(|(rule, _)| text.is(rule)).map(|(_, strategy)| strategy);
            let Some(strategy) = own.or(self.default.as_deref()) else { continue };
            let current = account_members.get(text);
            if let Made::Write(value) = strategy.merge_member(current, value, context, budget)? {
                changes.push((name.to_json(), value));
            }
        }
        Ok(changed(account, changes))
    }
}

/// Objects of at most so many members are searched from their start, larger ones by a sorted index.
const SEARCHED_MAX: usize = 16;

/// The members of an object, to be asked by name.
pub(super) enum Names<'a> {
    /// A small object.
    Few(Option<View<'a>>),
    /// The members of a large one, by name.
    Sorted(Vec<(Text<'a>, View<'a>)>),
}

impl<'a> Names<'a> {
    pub(super) fn of(object: Option<View<'a>>) -> Self {
        match object {
            Some(object) if object.len() > SEARCHED_MAX => {
                let mut members: Vec<_> = object.members().collect();
                members.sort_by(|(a, _), (b, _)| a.compare(*b));
                Self::Sorted(members)
            }
            few => Self::Few(few),
        }
    }

    pub(super) fn get(&self, name: Text<'_>) -> Option<View<'a>> {
        match self {
            Self::Few(object) => object.and_then(|object| object.get(&name.decode())),
            Self::Sorted(members) => {
                let at = members.binary_search_by(|(own, _)| own.compare(name)).ok()?;
                members.get(at).map(|(_, value)| *value)
            }
        }
    }
}

/// The object with these members set: in place where it has them, else at its end. No name is changed twice.
pub(super) fn changed(object: Option<View<'_>>, mut changes: Vec<(Json, Json)>) -> Made {
    if changes.is_empty() {
        return Made::Keep;
    }
    let mut members = object.map(|object| object.to_json().into_members()).unwrap_or_default();
    let name = |member: &(Json, Json)| member.0.view().as_text().map(|text| text.decode().into_owned());
    let new: Vec<bool> = if members.len().min(changes.len()) > SEARCHED_MAX {
        let mut order: Vec<(Option<String>, usize)> = changes.iter().map(name).zip(0..).collect();
        order.sort_unstable();
        let mut new = vec![true; changes.len()];
        for member in &mut members {
            let Ok(at) = order.binary_search_by(|(own, _)| own.cmp(&name(member))) else { continue };
            let Some(&(_, index)) = order.get(at) else { continue };
            if let (Some((_, value)), Some(flag)) = (changes.get_mut(index), new.get_mut(index)) {
                member.1 = std::mem::replace(value, Json::Null);
                *flag = false;
            }
        }
        new
    } else {
        let set = |(changed, value): &mut (Json, Json)| {
            let is_it = |own: &Json| same(own.view(), changed.view());
            let slot = members.iter_mut().find(|(own, _)| is_it(own));
            slot.map(|(_, slot)| *slot = std::mem::replace(value, Json::Null)).is_none()
        };
        changes.iter_mut().map(set).collect()
    };
    members.extend(changes.into_iter().zip(new).filter(|(_, new)| *new).map(|(change, _)| change));
    Made::Write(Json::object(members))
}
