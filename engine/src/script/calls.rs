//! The strategies that a script calls, as its syntax tree says them: what they may leave behind is no loss of the script's.

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::ast;
use crate::json::{Document, Json};
use crate::merge::Strategy;

/// What the calls of a script say of its merge.
#[derive(Clone, Default)]
pub struct Calls {
    /// The strategies that are called by name with options that are written out, in their order.
    pub strategies: Vec<Strategy>,
    /// Members that are assigned one of two values.
    pub chosen: Vec<String>,
    /// Whether times are forced into the session's.
    pub clamps: bool,
    /// Numbers and texts that it writes, and the numbers beside them: what it may compare with.
    pub constants: Vec<Json>,
    /// Members that it reads.
    pub names: Vec<String>,
}

/// Constants and names of one script that logins are made with.
const READ_MAX: usize = 64;

/// Shows sizes only.
impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Calls({} strategies)", self.strategies.len())
    }
}

impl Calls {
    pub(super) fn of(source: &str) -> Self {
        let mut calls = Self::default();
        ast::each_node(source, &mut |node| match node {
            ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)) => {
                calls.strategies.extend(strategy(call));
                calls.clamps |= call.name == "clamp_times";
            }
            ASTNode::Stmt(Stmt::Assignment(both)) => {
                let last = ast::chain(&both.1.lhs).1.pop();
                if let (Some(ast::Link::Member { name, .. }), true) = (last, chooses(&both.1.rhs)) {
                    calls.chosen.push(name);
                }
            }
            ASTNode::Expr(map @ Expr::Map(..)) => {
                let members = ast::members(map).unwrap_or_default().into_iter();
                calls.chosen.extend(members.filter(|(.., value)| chooses(value)).map(|(name, ..)| name));
            }
            ASTNode::Expr(Expr::IntegerConstant(value, _)) => {
                let near = [Some(*value), value.checked_sub(1), value.checked_add(1)];
                calls.constants.extend(near.into_iter().flatten().map(Json::Int));
            }
            ASTNode::Expr(Expr::StringConstant(text, _)) => {
                calls.constants.push(Json::text(text));
                calls.names.push(text.to_string());
            }
            ASTNode::Expr(Expr::Property(name, _)) => calls.names.push(name.2.to_string()),
            _ => {}
        });
        calls.constants.truncate(READ_MAX);
        calls.names.sort_unstable();
        calls.names.dedup();
        calls.names.truncate(READ_MAX);
        calls.clamps |= calls.strategies.iter().any(|one| matches!(one, Strategy::Recent(recent) if recent.clamp));
        calls
    }

    /// With those of a module that the script imports.
    pub(super) fn and(mut self, module: &Self) -> Self {
        self.strategies.extend(module.strategies.iter().cloned());
        self.chosen.extend(module.chosen.iter().cloned());
        self.clamps |= module.clamps;
        self.constants.extend(module.constants.iter().cloned());
        self.names.extend(module.names.iter().cloned());
        self
    }
}

/// Whether an expression is a call that chooses one of two scalars.
fn chooses(expr: &Expr) -> bool {
    matches!(expr, Expr::FnCall(call, _) if strategy(call).is_some_and(|one| one.chooses_scalars()))
}

fn strategy(call: &FnCallExpr) -> Option<Strategy> {
    let name = match call.name.as_str() {
        "latest" => "latest_time",
        "earliest" => "earliest_time",
        "max_of" => "max",
        "min_of" => "min",
        other => other,
    };
    let (option, default) = match name {
        "highest" | "lowest" => (call.args.first(), None),
        "keyed_union" | "recent" | "union" | "add" | "each" => (call.args.get(2), None),
        "merge_fields" => (call.args.get(2), call.args.get(3)),
        _ => (None, None),
    };
    let Some(option) = option else { return Strategy::by_name(name) };
    let (option, _) = ast::literal(option)?;
    let default = default.and_then(ast::literal).map(|(text, _)| format!(",\"default\":{text}")).unwrap_or_default();
    // `each` takes a strategy alone, too; a default stands beside a declared merge
    let written = match name {
        "merge_fields" => [format!("{{{name:?}:{option}{default}}}"), String::new()],
        _ => [format!("[{name:?},{option}]"), format!("[{name:?},{{\"of\":{option}}}]")],
    };
    written.iter().find_map(|text| {
        let document = Document::read(text.as_bytes()).ok()?;
        Strategy::read_rule(document.root()).ok()
    })
}
