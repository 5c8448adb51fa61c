//! What of a script decides what becomes of a member: the word for it in the options of a merge function, or a call.

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::ast;
use crate::json::Position;
use crate::merge::{Function, Takes, takes};

/// The word or the call that decides what becomes of a place, and where it stands. `names` are those of the members that
/// lead to the place, the innermost first.
///
/// For a member that is the word for it in the options of a merge function, such as `max` in `on_match: #{ qty: ["max", 99] }`;
/// else the call whose result is assigned to it, or stands in the map that the script builds (`merge` where something else is
/// assigned). Where no member is decided so, it is the first call of a merge function.
///
/// ```
/// use handover_engine::script::decided_by;
/// let script = "fn merge(a, b, c) {\n    merge_fields(a, b, #{ theme: \"anonymous\" })\n}";
/// let (word, at) = decided_by(script, &["theme"]).unwrap();
/// assert_eq!((word.as_str(), at.line, at.column), ("anonymous", 2, 34));
/// let (word, at) = decided_by(script, &["locale"]).unwrap();
/// assert_eq!((word.as_str(), at.line, at.column), ("merge_fields", 2, 5));
/// ```
#[must_use]
pub fn decided_by(source: &str, names: &[&str]) -> Option<(String, Position)> {
    let by_name = names.iter().find_map(|name| joined_by(source, name).or_else(|| assigned_to(source, name)));
    by_name.or_else(|| {
        let mut merged = None;
        ast::each_node(source, &mut |node| {
            let (ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at))) = node else { return };
            merged = merged
                .take()
                .or_else(|| placed(&call.name, *at).filter(|_| call.args.len() > 1 && is_merge(&call.name)));
        });
        merged
    })
}

/// What is assigned to a member of this name, or stands for it in a map.
fn assigned_to(source: &str, name: &str) -> Option<(String, Position)> {
    let mut assigned = None;
    ast::each_node(source, &mut |node| {
        if let ASTNode::Stmt(Stmt::Assignment(both)) = node {
            let last = ast::chain(&both.1.lhs).1.pop();
            let is_named = matches!(last, Some(ast::Link::Member { name: own, .. }) if own == name);
            let decided = || called(&both.1.rhs).or_else(|| placed("merge", both.1.rhs.start_position()));
            assigned = assigned.take().or_else(|| decided().filter(|_| is_named));
        }
        if let ASTNode::Expr(map @ Expr::Map(..)) = node {
            let members = ast::members(map).unwrap_or_default();
            let own = members.into_iter().find(|(own, ..)| own == name);
            assigned = assigned.take().or_else(|| own.and_then(|(.., value)| called(value)));
        }
    });
    assigned
}

fn joined_by(source: &str, name: &str) -> Option<(String, Position)> {
    let mut found = None;
    ast::each_node(source, &mut |node| {
        let (ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) = node else { return };
        found = found.take().or_else(|| of_call(call, name));
    });
    found
}

/// A merge function takes the account's value and the visitor's.
fn is_merge(name: &str) -> bool {
    Function::by_name(name).is_some_and(|function| !function.is_helper())
}

fn called(expr: &Expr) -> Option<(String, Position)> {
    let Expr::FnCall(call, at) = expr else { return None };
    placed(&call.name, *at)
}

fn placed(word: &str, at: rhai::Position) -> Option<(String, Position)> {
    Some((word.to_owned(), Position { line: at.line()?, column: at.position()? }))
}

fn of_call(call: &FnCallExpr, name: &str) -> Option<(String, Position)> {
    let function = Function::by_name(&call.name);
    let is_of_members = function.and_then(|own| own.options).is_some_and(|own| own.takes == Takes::Strategies);
    let maps = call.args.iter().filter_map(ast::members);
    maps.flatten().find_map(|(own, _, value)| {
        if is_of_members {
            return word(value).filter(|_| own == name);
        }
        let fields = ast::members(value).filter(|_| takes(&own) == Some(Takes::Strategies))?;
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
