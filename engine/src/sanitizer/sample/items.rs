//! Lists: as many items as the extent says, those that the list must contain at its end.

use std::collections::BTreeSet;

use super::{ATTEMPTS, DEPTH_MAX, Extent, Sampler};
use crate::fate::Keyword;
use crate::random::Random;
use crate::sanitizer::plan::Plan;
use crate::sanitizer::sets::Applied;

/// Items of a list, unless its schema asks for more.
const ITEMS_MAX: usize = 4;

impl Sampler<'_> {
    pub(super) fn array(&mut self, plan: &Plan, random: &mut Random, depth: usize) -> Option<String> {
        let positions = plan.prefix.len();
        let is_closed = self.plan(plan.items).set.never.is_some();
        let needs = plan.contains.iter().map(|(_, contains)| contains.min.unwrap_or(1)).sum::<usize>();
        let least = plan.length.min.unwrap_or(0).max(needs);
        let room = if is_closed { positions } else { usize::MAX };
        let usual = self.extent.many().filter(|_| plan.length.max.is_some()).unwrap_or(ITEMS_MAX);
        let most = plan.length.max.unwrap_or(usize::MAX).min(room).min(usual.max(least).max(positions));
        if least > most {
            let keyword = if needs > most { Keyword::Contains } else { Keyword::MinItems };
            self.lacks(keyword, plan.by);
            return None;
        }
        let count = match self.extent {
            _ if depth == 0 => least,
            Extent::Least => least.max(usize::from(depth == DEPTH_MAX)).min(most),
            Extent::Most | Extent::Several | Extent::Full | Extent::Many => most,
            Extent::Any if random.one_in(12) => least,
            Extent::Any => least.max(1).min(most) + random.below(most.saturating_sub(least.max(1)) + 1),
        };
        let depth = if count == 0 { 0 } else { depth.checked_sub(1).or((least > 0).then_some(0))? };
        let matching: Vec<Applied> = self.matching(plan);
        let (mut items, mut seen): (Vec<String>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
        for at in 0..count {
            let own = plan.prefix.get(at).copied().unwrap_or(plan.items);
            // what the list must contain stands at its end
            let wanted = matching.get(count - 1 - at).copied();
            let own = match wanted {
                Some(wanted) => self.table.with(&mut self.sets, own, wanted, Keyword::Contains),
                None => own,
            };
            let tries = if plan.unique.is_some() { ATTEMPTS } else { 1 };
            let before = self.extent;
            if plan.unique.is_some() && at >= ITEMS_MAX && before.many().is_none() {
                // a place has few values, and these must differ
                self.extent = Extent::Several;
            }
            let made = (0..tries).find_map(|_| {
                self.value(own, random, depth).filter(|text| plan.unique.is_none() || !seen.contains(text))
            });
            self.extent = before;
            match made {
                Some(text) => {
                    seen.insert(text.clone());
                    items.push(text);
                }
                None if at < positions => break,
                None => {}
            }
        }
        if items.len() < least {
            self.lacks(if plan.unique.is_some() { Keyword::UniqueItems } else { Keyword::Items }, plan.by);
            return None;
        }
        if plan.unique.is_none() && positions == 0 && items.len() < most && items.len() > 1 && random.one_in(6) {
            items.extend(items.first().cloned());
        }
        Some(format!("[{}]", items.join(",")))
    }

    /// The schemas of the items that a list must contain.
    fn matching(&mut self, plan: &Plan) -> Vec<Applied> {
        let all = plan
            .contains
            .iter()
            .flat_map(|(by, contains)| std::iter::repeat_n((*by, contains.schema), contains.min.unwrap_or(1)));
        all.collect::<Vec<_>>().into_iter().map(|(by, id)| self.sets.below(by, id)).collect()
    }
}
