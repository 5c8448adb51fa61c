//! Paths through a script: what is never reached, what never ends, and whether a function gives a value.

use rhai::{Expr, Position as At, Stmt};

use super::{Kindred, Lint};

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
            Some(Stmt::While(flow, _)) if matches!(flow.expr, Expr::Unit(_)) => {}
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

pub(super) fn ends(statement: &Stmt) -> bool {
    match statement {
        Stmt::Return(..) | Stmt::BreakLoop(..) => true,
        Stmt::FnCall(call, _) => call.name == "skip",
        Stmt::Expr(expr) => matches!(&**expr, Expr::FnCall(call, _) if call.name == "skip"),
        Stmt::While(flow, _) => matches!(flow.expr, Expr::Unit(_)) && !leaves_loop(flow.body.statements()),
        _ => false,
    }
}

pub(super) fn leaves_loop(body: &[Stmt]) -> bool {
    body.iter().any(|statement| match statement {
        Stmt::BreakLoop(_, flags, _) => flags.contains(rhai::ASTFlags::BREAK),
        Stmt::Return(..) => true,
        Stmt::FnCall(call, _) => call.name == "skip",
        Stmt::Expr(expr) => match &**expr {
            Expr::FnCall(call, _) => call.name == "skip",
            Expr::Stmt(block) => leaves_loop(block.statements()),
            _ => false,
        },
        Stmt::If(flow, _) | Stmt::TryCatch(flow, _) => {
            leaves_loop(flow.body.statements()) || leaves_loop(flow.branch.statements())
        }
        Stmt::Block(block) => leaves_loop(block.statements()),
        Stmt::Switch(both, _) => both
            .1
            .expressions
            .iter()
            .any(|case| matches!(&case.rhs, Expr::Stmt(block) if leaves_loop(block.statements()))),
        // a `return` inside leaves this one too
        Stmt::While(flow, _) | Stmt::Do(flow, _, _) => returns(flow.body.statements()),
        Stmt::For(all, _) => returns(all.2.body.statements()),
        _ => false,
    })
}

fn returns(body: &[Stmt]) -> bool {
    body.iter().any(|statement| match statement {
        Stmt::Return(..) => true,
        Stmt::If(flow, _) | Stmt::TryCatch(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, _, _) => {
            returns(flow.body.statements()) || returns(flow.branch.statements())
        }
        Stmt::For(all, _) => returns(all.2.body.statements()),
        Stmt::Block(block) => returns(block.statements()),
        _ => false,
    })
}
