//! A failing case made small: as long as it still fails, something is taken away or made plainer.

use super::Case;
use crate::json::{Json, Kind, Number, View};

/// A smaller case that still fails, after at most `steps` attempts.
pub(crate) fn smaller(case: &Case, steps: usize, fails: &dyn Fn(&Case) -> bool) -> Case {
    let mut best = case.clone();
    let mut left = steps;
    loop {
        let next = candidates(&best).into_iter().take(left).find(|candidate| {
            left = left.saturating_sub(1);
            fails(candidate)
        });
        match next {
            Some(next) if left > 0 => best = next,
            Some(next) => return next,
            None => return best,
        }
    }
}

fn candidates(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(case.account.is_some().then(|| Case { account: None, ..case.clone() }));
    let account = case.account.iter().flat_map(|account| plainer(account.view()));
    all.extend(account.map(|account| Case { account: Some(account), ..case.clone() }));
    all.extend(plainer(case.anonymous.view()).into_iter().map(|anonymous| Case { anonymous, ..case.clone() }));
    all.extend(plainer(case.other.view()).into_iter().map(|other| Case { other, ..case.clone() }));
    all
}

/// Values that are one step plainer, the plainest first.
pub(super) fn plainer(value: View<'_>) -> Vec<Json> {
    match value.kind() {
        Kind::Array => {
            let items: Vec<_> = value.items().map(View::to_json).collect();
            without_one(&items, Json::list)
        }
        Kind::Object => {
            let members: Vec<_> =
                value.named_members().map(|(name, value)| (name.to_json(), value.to_json())).collect();
            let mut all: Vec<_> = (0..members.len())
                .map(|gone| {
                    let stays = members.iter().enumerate().filter(|(index, _)| *index != gone);
                    Json::object(stays.map(|(_, member)| member.clone()).collect())
                })
                .collect();
            for (index, (_, value)) in members.iter().enumerate() {
                all.extend(plainer(value.view()).into_iter().map(|plain| {
                    let mut members = members.clone();
                    if let Some((_, slot)) = members.get_mut(index) {
                        *slot = plain;
                    }
                    Json::object(members)
                }));
            }
            all
        }
        Kind::Number => {
            let own = value.as_number().and_then(Number::as_i64);
            let plain = [1, 2, 3].into_iter().filter(|plain| own.is_none_or(|own| *plain < own));
            plain.map(Json::Int).collect()
        }
        Kind::String => {
            let longer = value.as_text().is_some_and(|text| text.code_points() > 1);
            if longer { vec![Json::text("a")] } else { Vec::new() }
        }
        Kind::Null | Kind::Bool => Vec::new(),
    }
}

fn without_one(items: &[Json], list: impl Fn(Vec<Json>) -> Json) -> Vec<Json> {
    let mut all: Vec<_> = (0..items.len())
        .map(|gone| {
            let stays = items.iter().enumerate().filter(|(index, _)| *index != gone);
            list(stays.map(|(_, item)| item.clone()).collect())
        })
        .collect();
    for (index, item) in items.iter().enumerate() {
        all.extend(plainer(item.view()).into_iter().map(|plain| {
            let mut items = items.to_vec();
            if let Some(slot) = items.get_mut(index) {
                *slot = plain;
            }
            list(items)
        }));
    }
    all
}
