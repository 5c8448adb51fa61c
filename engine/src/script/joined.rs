//! What a script says of the members of a name: the word for them in the options of a merge function.

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::ast;
use crate::json::Position;

/// The word for members of this name, such as `max` in `on_match: #{ qty: ["max", 99] }`, and where it stands.
///
/// ```
/// use handover_engine::script::joined_by;
/// let script = "fn merge(a, b, c) {\n    merge_fields(a, b, #{ theme: \"anonymous\" })\n}";
/// let (word, at) = joined_by(script, "theme").unwrap();
/// assert_eq!((word.as_str(), at.line, at.column), ("anonymous", 2, 34));
/// assert!(joined_by(script, "locale").is_none());
/// ```
#[must_use]
pub fn joined_by(source: &str, name: &str) -> Option<(String, Position)> {
    let mut found = None;
    ast::each_node(source, &mut |node| {
        let (ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) = node else { return };
        found = found.take().or_else(|| of_call(call, name));
    });
    found
}

fn of_call(call: &FnCallExpr, name: &str) -> Option<(String, Position)> {
    let maps = call.args.iter().filter_map(ast::members);
    maps.flatten().find_map(|(own, _, value)| {
        if call.name == "merge_fields" {
            return word(value).filter(|_| own == name);
        }
        let fields = ast::members(value).filter(|_| own == "on_match" || own == "merge_fields")?;
        fields.into_iter().find(|(field, ..)| field == name).and_then(|(.., value)| word(value))
    })
}

/// A strategy by name, or the name that a list with its options begins with.
fn word(value: &Expr) -> Option<(String, Position)> {
    let named = match value {
        Expr::Array(items, _) => items.first()?,
        other => other,
    };
    let Expr::StringConstant(word, at) = named else { return None };
    Some((word.to_string(), Position { line: at.line()?, column: at.position()? }))
}
