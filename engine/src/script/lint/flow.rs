//! The third pass: what is never reached, what never ends, and whether the entry function gives a value.

use crate::diagnostic::ScriptProblem;
use rhai::{ASTNode, Expr, Position as At, Stmt};

use super::report::Report;
use super::{Given, ScriptKind};
use crate::script::ast;
use crate::script::natives;

/// Reports statements that are unreachable, loops without an end, and paths of the entry function without a value.
pub(super) fn check(given: &Given<'_, '_>, report: &mut Report<'_>) {
    let mut flow = Flow { given, report };
    flow.block(&given.tree.statements);
    for function in &given.tree.functions {
        flow.block(&function.body);
    }
    if let Some(entry) = given.entry() {
        flow.yields(&entry.body);
        flow.returns(&entry.body);
    }
}

struct Flow<'g, 'r, 'a, 's> {
    given: &'g Given<'g, 's>,
    report: &'r mut Report<'a>,
}

impl Flow<'_, '_, '_, '_> {
    /// The statements of a block, and those inside of them.
    fn block(&mut self, statements: &[Stmt]) {
        for (index, statement) in statements.iter().enumerate() {
            self.statement(statement);
            let rest = statements.get(index + 1..).unwrap_or_default();
            let next = rest.iter().find(|next| !matches!(next, Stmt::Noop(_))).filter(|_| self.ends(statement));
            let Some(next) = next else { continue };
            // what an endless loop hides is its own mistake
            if !matches!(statement, Stmt::While(..)) {
                let at = first_of(next);
                let length = self.report.length_of_line(at);
                self.report.add(at, length, ScriptProblem::Unreachable);
            }
            return;
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::If(flow, _) | Stmt::TryCatch(flow, _) => {
                self.block(flow.body.statements());
                self.block(flow.branch.statements());
            }
            Stmt::While(flow, at) => {
                if is_endless(&flow.expr) && !self.leaves_loop(flow.body.statements()) {
                    let word = if matches!(flow.expr, Expr::Unit(_)) { "loop" } else { "while" };
                    self.endless(word, *at);
                }
                self.block(flow.body.statements());
            }
            Stmt::Do(flow, flags, at) => {
                // rhai keeps `do … until` as a flag
                let until = flags.contains(rhai::ASTFlags::NEGATED);
                let is_endless = matches!(flow.expr, Expr::BoolConstant(value, _) if value != until);
                if is_endless && !self.leaves_loop(flow.body.statements()) {
                    self.endless("do", *at);
                }
                self.block(flow.body.statements());
            }
            Stmt::For(all, _) => self.block(all.2.body.statements()),
            Stmt::Block(block) => self.block(block.statements()),
            Stmt::Expr(expr) => self.blocks_of(expr),
            Stmt::Var(both, ..) => self.blocks_of(&both.1),
            Stmt::Assignment(both) => self.blocks_of(&both.1.rhs),
            _ => {}
        }
    }

    /// A block that is an expression, such as `let a = if … { … }`.
    fn blocks_of(&mut self, expr: &Expr) {
        if let Expr::Stmt(block) = expr {
            self.block(block.statements());
        }
    }

    fn endless(&mut self, word: &str, at: At) {
        self.report.add(at, word.len(), ScriptProblem::Endless { word: word.to_owned() });
    }

    /// What the last statement of the entry function gives.
    fn yields(&mut self, body: &[Stmt]) {
        let last = body.iter().rev().find(|one| !matches!(one, Stmt::Noop(_)));
        match last {
            None => self.no_value(At::NONE),
            Some(Stmt::Expr(expr)) if matches!(**expr, Expr::Unit(_)) => self.no_value(expr.start_position()),
            // what stands in it is no value, unless it returns
            Some(Stmt::TryCatch(flow, at)) => {
                if !self.is_left(flow.body.statements()) || !self.is_left(flow.branch.statements()) {
                    self.no_value(*at);
                }
            }
            Some(Stmt::Expr(expr)) if self.decides_nothing(expr) => self.no_value(expr.start_position()),
            Some(Stmt::Expr(_) | Stmt::FnCall(..) | Stmt::Switch(..) | Stmt::Return(..)) => {}
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

    /// `return;` without a value.
    fn returns(&mut self, body: &[Stmt]) {
        let mut empty = Vec::new();
        for statement in body {
            statement.walk(&mut Vec::new(), &mut |path| {
                if let Some(ASTNode::Stmt(Stmt::Return(value, flags, at))) = path.last()
                    && !flags.contains(rhai::ASTFlags::BREAK)
                    && value
                        .as_ref()
                        .is_none_or(|value| matches!(**value, Expr::Unit(_)) || self.decides_nothing(value))
                {
                    empty.push(*at);
                }
                true
            });
        }
        for at in empty {
            self.no_value(at);
        }
    }

    /// Whether an expression that a guard ends with is no call, nor a variable that a call was written to: whatever it gives,
    /// it is no decision.
    fn decides_nothing(&self, expr: &Expr) -> bool {
        let is_call = match expr {
            Expr::FnCall(call, _) => call.op_token.is_none(),
            Expr::Stmt(_) | Expr::Custom(..) | Expr::Variable(..) => true,
            _ => matches!(ast::chain(expr), (_, links) if matches!(links.last(), Some(ast::Link::Method { .. }))),
        };
        matches!(self.given.kind, ScriptKind::Guard) && !is_call
    }

    fn no_value(&mut self, at: At) {
        let at = if at.is_none() { At::new(1, 1) } else { at };
        let problem = match self.given.kind {
            ScriptKind::Guard => ScriptProblem::UndecidedPath,
            _ => ScriptProblem::ValuelessPath,
        };
        self.report.add(at, self.report.length_of_line(at), problem);
    }

    /// Whether a block ends with `return`, `throw` or a verb.
    fn is_left(&self, statements: &[Stmt]) -> bool {
        let last = statements.iter().rev().find(|one| !matches!(one, Stmt::Noop(_)));
        last.is_some_and(|last| match last {
            Stmt::If(flow, _) | Stmt::TryCatch(flow, _) => {
                self.is_left(flow.body.statements()) && self.is_left(flow.branch.statements())
            }
            Stmt::Block(block) => self.is_left(block.statements()),
            last => self.ends(last),
        })
    }

    /// Whether nothing after a statement is reached.
    fn ends(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Return(..) | Stmt::BreakLoop(..) => true,
            Stmt::FnCall(call, _) => self.given.ends_script(&call.name),
            Stmt::Expr(expr) => matches!(&**expr, Expr::FnCall(call, _) if self.given.ends_script(&call.name)),
            Stmt::While(flow, _) => is_endless(&flow.expr) && !self.leaves_loop(flow.body.statements()),
            _ => false,
        }
    }

    /// Whether something in a loop's body may leave it: its own `break`, a `return`, `skip`, `discard`, or a function of the
    /// script that may call these.
    fn leaves_loop(&self, body: &[Stmt]) -> bool {
        let mut leaves = false;
        let called = |name: &str| natives::is_verb(name) || self.given.own(name).is_some();
        for statement in body {
            statement.walk(&mut Vec::new(), &mut |path| {
                let is_loop =
                    |node: &ASTNode<'_>| matches!(node, ASTNode::Stmt(Stmt::While(..) | Stmt::Do(..) | Stmt::For(..)));
                leaves |= match path.last() {
                    // the loop that it stands in is another one
                    Some(ASTNode::Stmt(Stmt::BreakLoop(_, flags, _))) => {
                        flags.contains(rhai::ASTFlags::BREAK) && !path.iter().any(is_loop)
                    }
                    Some(ASTNode::Stmt(Stmt::Return(..))) => true,
                    Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) => {
                        called(&call.name) || !call.namespace.is_empty()
                    }
                    Some(ASTNode::Expr(Expr::MethodCall(call, _))) => {
                        called(&call.name) || call.name == "call" || self.given.is_member(&call.name)
                    }
                    _ => false,
                };
                true
            });
        }
        leaves
    }
}

fn first_of(statement: &Stmt) -> At {
    match statement {
        Stmt::Expr(expr) => expr.start_position(),
        Stmt::Assignment(both) => both.1.lhs.start_position(),
        other => other.position(),
    }
}

/// Whether a loop goes on by itself.
fn is_endless(condition: &Expr) -> bool {
    matches!(condition, Expr::Unit(_) | Expr::BoolConstant(true, _))
}
