//! The strategies that a script calls, as its syntax tree says them: what they may leave behind is no loss of the script's.

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::ast;
use crate::json::Document;
use crate::merge::Strategy;

/// The strategies that are called by name with options that are written out, in their order.
pub(super) fn strategies(source: &str) -> Vec<Strategy> {
    let mut found = Vec::new();
    ast::each_node(source, &mut |node| {
        let (ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) = node else { return };
        found.extend(strategy(call));
    });
    found
}

fn strategy(call: &FnCallExpr) -> Option<Strategy> {
    let name = match call.name.as_str() {
        "latest" => "latest_time",
        "earliest" => "earliest_time",
        other => other,
    };
    let option = match name {
        "highest" | "lowest" => call.args.first(),
        "keyed_union" | "recent" | "union" | "merge_fields" | "add" => call.args.get(2),
        _ => None,
    };
    let Some((option, _)) = option.and_then(ast::literal) else { return Strategy::by_name(name) };
    let document = Document::read(format!("[{name:?},{option}]").as_bytes()).ok()?;
    Strategy::read(document.root()).ok()
}
