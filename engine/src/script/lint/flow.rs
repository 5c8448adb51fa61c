//! Paths through a script: what is never reached, what never ends, and whether a function gives a value.

use rhai::{ASTNode, Expr, Position as At, Stmt};

use super::{Kindred, Lint};
use crate::script::ast::Function;
use crate::script::natives::MERGE_VERBS;

impl Lint<'_, '_> {
    pub(super) fn yields(&mut self, body: &[Stmt]) {
        let last = body.iter().rev().find(|one| !matches!(one, Stmt::Noop(_)));
        match last {
            None => self.no_value(At::NONE),
            Some(Stmt::Expr(_) | Stmt::FnCall(..) | Stmt::Switch(..) | Stmt::TryCatch(..) | Stmt::Return(..)) => {}
            Some(Stmt::If(flow, at)) => {
                if flow.branch.statements().is_empty() {
                    self.no_value(*at);
                } else {
                    self.yields(flow.body.statements());
                    self.yields(flow.branch.statements());
                }
            }
            Some(Stmt::Block(block)) => self.yields(block.statements()),
            Some(Stmt::While(flow, _)) if is_endless(&flow.expr) => {}
            Some(other) => self.no_value(first_of(other)),
        }
    }

    pub(super) fn no_value(&mut self, at: At) {
        let at = if at.is_none() { At::new(1, 1) } else { at };
        let (message, help) = match self.kind {
            Kindred::Guard => {
                ("the value here is `()`: nothing is decided on this path", "end with `allow()`, or `deny(\"reason\")`")
            }
            _ => (
                "the value here is `()`: nothing is ever written on this path",
                "end with the merged value, or `skip(\"reason\")`",
            ),
        };
        let length = self.text_at(at).trim_end().chars().count();
        self.say("R051", at, length, message.to_owned(), Some(help.to_owned()));
    }
}

pub(super) fn first_of(statement: &Stmt) -> At {
    match statement {
        Stmt::Expr(expr) => expr.start_position(),
        Stmt::Assignment(both) => both.1.lhs.start_position(),
        other => other.position(),
    }
}

pub(super) fn ends(statement: &Stmt, own: &[Function]) -> bool {
    match statement {
        Stmt::Return(..) | Stmt::BreakLoop(..) => true,
        Stmt::FnCall(call, _) => MERGE_VERBS.contains(&call.name.as_str()),
        Stmt::Expr(expr) => matches!(&**expr, Expr::FnCall(call, _) if MERGE_VERBS.contains(&call.name.as_str())),
        Stmt::While(flow, _) => is_endless(&flow.expr) && !leaves_loop(flow.body.statements(), own),
        _ => false,
    }
}

/// Whether a loop goes on by itself.
pub(super) fn is_endless(condition: &Expr) -> bool {
    matches!(condition, Expr::Unit(_) | Expr::BoolConstant(true, _))
}

/// Whether something in a loop's body may leave it: its own `break`, a `return`, `skip`, `discard`, or a function that may call it.
pub(super) fn leaves_loop(body: &[Stmt], own: &[Function]) -> bool {
    let mut leaves = false;
    for statement in body {
        statement.walk(&mut Vec::new(), &mut |path| {
            let is_loop =
                |node: &ASTNode<'_>| matches!(node, ASTNode::Stmt(Stmt::While(..) | Stmt::Do(..) | Stmt::For(..)));
            let called = |name: &str| MERGE_VERBS.contains(&name) || own.iter().any(|function| function.name == name);
            leaves |= match path.last() {
                // the loop that it stands in is another one
                Some(ASTNode::Stmt(Stmt::BreakLoop(_, flags, _))) => {
                    flags.contains(rhai::ASTFlags::BREAK) && !path.iter().any(is_loop)
                }
                Some(ASTNode::Stmt(Stmt::Return(..))) => true,
                Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) => {
                    called(&call.name) || !call.namespace.is_empty()
                }
                _ => false,
            };
            true
        });
    }
    leaves
}
