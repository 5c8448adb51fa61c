//! Which statements and branches of scripts ran: rhai's debugger counts the nodes, the syntax tree says what they mean.
//!
//! A debugger is attached for rule authors' tools only. Without one, rhai asks at each node whether there is one, and goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::debugger::DebuggerCommand;
use rhai::{ASTFlags, ASTNode, Engine, Expr, OptimizationLevel, Position as At, Stmt};

use super::ast;
use crate::diagnostic::{Covered, Note, Span};
use crate::json::Position;

/// A node of a file: line, column, and whether it is a statement.
type Node = (usize, usize, bool);

/// How often each node of each file ran.
#[derive(Default)]
struct Counts {
    files: BTreeMap<String, BTreeMap<Node, u64>>,
    /// The one that ran last.
    last: Option<(String, Node)>,
}

/// How often the nodes of scripts ran. Clones count together.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Counts>>);

/// Shows nothing of the scripts.
impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trace")
    }
}

impl Trace {
    /// Forgets all that ran.
    pub fn forget(&self) {
        *self.counts() = Counts::default();
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an engine run every node as it is written, and counts them.
    pub(super) fn attach(&self, engine: &mut Engine) {
        let trace = self.clone();
        engine.set_optimization_level(OptimizationLevel::None);
        // the crate calls its debugger unstable; its version is exact
        #[expect(deprecated, reason = "rhai marks what may still change this way")]
        engine.register_debugger(
            |_, debugger| debugger,
            move |_, _, node, file, _| {
                if let (Some(node), Some(file)) = (key(node), file) {
                    trace.count(file, node);
                }
                Ok(DebuggerCommand::StepInto)
            },
        );
    }

    fn count(&self, file: &str, node: Node) {
        let mut counts = self.counts();
        match counts.files.get_mut(file) {
            Some(nodes) => *nodes.entry(node).or_default() += 1,
            None => drop(counts.files.insert(file.to_owned(), BTreeMap::from([(node, 1)]))),
        }
        match &mut counts.last {
            Some((own, last)) if own == file => *last = node,
            last => *last = Some((file.to_owned(), node)),
        }
    }

    /// Where the last node stands that ran.
    #[must_use]
    pub fn last(&self) -> Option<(String, Position)> {
        let (file, (line, column, _)) = self.counts().last.clone()?;
        Some((file, Position { line, column }))
    }

    /// The statements and branches of a script, and how often each was come to.
    #[must_use]
    pub fn of(&self, file: &str, source: &str) -> Vec<Covered> {
        let counts = self.counts();
        let nodes = counts.files.get(file);
        let count = |node: Node| nodes.and_then(|nodes| nodes.get(&node)).copied().unwrap_or_default();
        let covered = |spot: Spot| {
            let start = Position { line: spot.at.0, column: spot.at.1 };
            let at = Note::new(Span { file: file.to_owned(), start, end: start }, spot.name);
            let sides = spot.sides.into_iter().map(|(side, came)| match came {
                Came::To(node) => (side, count(node)),
                Came::Elsewhere(from, node) => (side, count(from).saturating_sub(count(node))),
            });
            Covered { at, sides: sides.collect() }
        };
        spots(source).into_iter().map(covered).collect()
    }
}

/// What a debugger calls a node.
fn key(node: ASTNode<'_>) -> Option<Node> {
    // rhai shows where a function begins and ends as statements that are not there
    if matches!(node, ASTNode::Stmt(Stmt::Noop(_))) {
        return None;
    }
    let at = node.position();
    Some((at.line()?, at.position()?, matches!(node, ASTNode::Stmt(_))))
}

/// How a side of a branch is seen.
#[derive(Clone, Copy)]
enum Came {
    /// By this node.
    To(Node),
    /// By the first node, without the second: there is no node of its own.
    Elsewhere(Node, Node),
}

/// A statement or branch.
struct Spot {
    at: (usize, usize),
    name: &'static str,
    sides: Vec<(&'static str, Came)>,
}

/// The statements and branches of a script, in the order of its text, each once.
fn spots(source: &str) -> Vec<Spot> {
    let mut spots = Vec::new();
    ast::each_node(source, &mut |node| match node {
        ASTNode::Stmt(statement) => spots.extend(of_statement(statement)),
        ASTNode::Expr(expr) => of_expression(expr, &mut spots),
        _ => {}
    });
    // an arm of a `switch` is walked once for each of its cases
    spots.sort_by_key(|spot| (spot.at, spot.name));
    spots.dedup_by_key(|spot| (spot.at, spot.name));
    spots
}

fn of_statement(statement: &Stmt) -> Option<Spot> {
    let node = first_of(statement)?;
    let ran = |at: At| {
        let at = (at.line()?, at.position()?);
        Some(Spot { at, name: "this statement", sides: vec![("never ran", Came::To(node))] })
    };
    match statement {
        Stmt::Noop(_) | Stmt::Block(_) | Stmt::Share(_) => None,
        Stmt::Expr(expr) => ran(start(expr)),
        Stmt::Assignment(parts) => ran(start(&parts.1.lhs)),
        Stmt::If(parts, at) => {
            let Some(body) = first_of_all(parts.body.statements()) else { return ran(*at) };
            let otherwise = first_of_all(parts.branch.statements()).map_or(Came::Elsewhere(node, body), Came::To);
            let sides = vec![("was never true", Came::To(body)), ("was never false", otherwise)];
            Some(Spot { at: (at.line()?, at.position()?), name: "`if`", sides })
        }
        other => ran(other.position()),
    }
}

/// The operands that may not run.
fn of_expression(expr: &Expr, spots: &mut Vec<Spot>) {
    let (operands, name, [ends, goes_on]) = match expr {
        Expr::And(operands, _) => (operands, "the left side of `&&`", ["was never false", "was never true"]),
        Expr::Or(operands, _) => (operands, "the left side of `||`", ["was never true", "was never false"]),
        Expr::Coalesce(operands, _) => (operands, "the left side of `??`", ["was never there", "was never `()`"]),
        Expr::Dot(both, flags, _) if flags.contains(ASTFlags::NEGATED) => {
            let Some(next) = link(&both.rhs).and_then(first) else { return };
            let mut sides = vec![("was never there", Came::To(next))];
            // an index is evaluated before its chain: how often the chain came to it is not known
            if let Some(before) = link(&both.lhs).and_then(first) {
                sides.push(("was never `()`", Came::Elsewhere(before, next)));
            }
            spots.push(Spot { at: (next.0, next.1), name: "the left side of `?.`", sides });
            return;
        }
        _ => return,
    };
    for pair in operands.windows(2) {
        let [before, operand] = pair else { continue };
        let at = start(operand);
        if let (Some(from), Some(next), Some(line), Some(column)) =
            (first(before), first(operand), at.line(), at.position())
        {
            let sides = vec![(goes_on, Came::To(next)), (ends, Came::Elsewhere(from, next))];
            spots.push(Spot { at: (line, column), name, sides });
        }
    }
}

/// Where an expression begins: an operator stands behind its first operand.
fn start(expr: &Expr) -> At {
    let own = expr.start_position();
    let before = |first: At| (first.line(), first.position()) < (own.line(), own.position());
    match expr {
        Expr::FnCall(call, _) => call.args.first().map(start).filter(|first| before(*first)).unwrap_or(own),
        Expr::And(operands, _) | Expr::Or(operands, _) | Expr::Coalesce(operands, _) => {
            operands.first().map_or(own, start)
        }
        _ => own,
    }
}

/// The part of a chain that comes first, unless it is an index.
fn link(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Dot(both, ..) | Expr::Index(both, ..) => link(&both.lhs),
        Expr::Property(..) | Expr::MethodCall(..) | Expr::Variable(..) | Expr::FnCall(..) => Some(expr),
        _ => None,
    }
}

/// The node that an expression is seen by: the first that the debugger is shown once for each time that it runs.
fn first(expr: &Expr) -> Option<Node> {
    match expr {
        Expr::Dot(both, ..) | Expr::Index(both, ..) => first(&both.lhs),
        Expr::Stmt(block) => first_of_all(block.statements()),
        _ => key(ASTNode::Expr(expr)),
    }
}

fn first_of(statement: &Stmt) -> Option<Node> {
    match statement {
        Stmt::Noop(_) => None,
        Stmt::Expr(expr) => first(expr),
        Stmt::Block(block) => first_of_all(block.statements()),
        _ => key(ASTNode::Stmt(statement)),
    }
}

fn first_of_all(statements: &[Stmt]) -> Option<Node> {
    statements.iter().find_map(first_of)
}
