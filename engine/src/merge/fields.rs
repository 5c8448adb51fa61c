//! `merge_fields`: an object, member by member; only members with a rule travel.
//!
//! Laws: those of the strategies it is made of.

use super::{Context, Made, Merging, Refusal, Strategy};
use crate::budget::Budget;
use crate::json::{Json, Kind, View};

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
        let mut changes = Vec::new();
        for (name, value) in anonymous.named_members() {
            let Some(text) = name.as_text() else { continue };
            let own = self.rules.iter().find(|(rule, _)| text.is(rule)).map(|(_, strategy)| strategy);
            let Some(strategy) = own.or(self.default.as_deref()) else { continue };
            let current = account.and_then(|object| object.get(&text.decode()));
            if let Made::Write(value) = strategy.merge_member(current, value, context, budget)? {
                changes.push((name.to_json(), value));
            }
        }
        Ok(changed(account, changes))
    }
}

/// The object with these members set: in place where it has them, else at its end.
pub(super) fn changed(object: Option<View<'_>>, changes: Vec<(Json, Json)>) -> Made {
    if changes.is_empty() {
        return Made::Keep;
    }
    let mut members = object.map(|object| object.to_json().into_members()).unwrap_or_default();
    for (name, value) in changes {
        let same = |own: &Json| match (own.view().as_text(), name.view().as_text()) {
            (Some(a), Some(b)) => a.same(b),
            _ => false,
        };
        match members.iter_mut().find(|(own, _)| same(own)) {
            Some((_, slot)) => *slot = value,
            None => members.push((name, value)),
        }
    }
    Made::Write(Json::object(members))
}
