//! `pick`: an object with some of its members only, in its own order.
//!
//! Laws: L7–L9; picking again changes nothing.

use crate::json::{Json, Kind, View};

/// The members whose names are listed; what is no object stays as it is.
pub(super) fn pick(object: View<'_>, names: View<'_>) -> Json {
    if object.kind() != Kind::Object {
        return object.to_json();
    }
    let mut listed: Vec<_> = names.items().filter_map(View::as_text).collect();
    listed.sort_by(|a, b| a.compare(*b));
    let is_listed =
        |name: View<'_>| name.as_text().is_some_and(|name| listed.binary_search_by(|own| own.compare(name)).is_ok());
    let members = object.named_members().filter(|(name, _)| is_listed(*name));
    Json::object(members.map(|(name, value)| (name.to_json(), value.to_json())).collect())
}
