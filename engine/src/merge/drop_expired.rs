//! `drop_expired`: a list without the entries whose time is not after `now`; entries without a readable time stay.
//!
//! Laws: L7–L9; dropping again changes nothing.

use crate::instant::{self, Millis};
use crate::json::{Json, View};

/// The entries whose member's time is later than `now`, or unreadable; what is no list stays as it is.
pub(super) fn drop_expired(list: View<'_>, member: &str, now: Millis) -> Json {
    let is_over = |entry: &View<'_>| entry.get(member).and_then(instant::read).is_some_and(|time| time <= now);
    if !list.items().any(|entry| is_over(&entry)) {
        return list.to_json();
    }
    Json::list(list.items().filter(|entry| !is_over(entry)).map(View::to_json).collect())
}
