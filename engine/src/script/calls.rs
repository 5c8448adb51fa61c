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
        "keyed_union" | "recent" | "union" | "merge_fields" | "add" | "each" => call.args.get(2),
        _ => None,
    };
    let Some((option, _)) = option.and_then(ast::literal) else { return Strategy::by_name(name) };
    // `each` takes a strategy alone, too
    let written = [format!("[{name:?},{option}]"), format!("[{name:?},{{\"of\":{option}}}]")];
    written.iter().find_map(|text| {
        let document = Document::read(text.as_bytes()).ok()?;
        Strategy::read(document.root()).ok()
    })
}
