//! `pick`: an object with some of its members only, in its own order.
//!
//! Laws: L7–L9; picking again changes nothing.

use super::function::{Called, Code, Function, Gives};
use crate::json::{Json, Kind, View};

/// `pick` for scripts.
pub(super) const FUNCTION: Function = Function {
    name: "pick",
    signature: "pick(object, names)",
    summary: "the object with some of its members only",
    arguments: (2, 2),
    sides: None,
    options: None,
    gives: Gives::Either,
    mutant: None,
    example: [r#"pick(#{ a: 1, b: 2 }, ["a"])"#, r#"{"a":1}"#],
    code: Code::Helper(|arguments| Ok(Called::Value(pick(arguments.at(0), arguments.at(1))))),
};

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
