//! The operators, constants and calls of a script, by their bytes: what mutation testing changes.

use std::ops::Range;

use rhai::{ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::ast;

/// A piece of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes.
    pub span: Range<usize>,
    /// `operator`, `integer`, `boolean`, `text` or `call`.
    pub what: &'static str,
}

/// The pieces of a script that parses, each once.
///
/// ```
/// use handover_engine::script::pieces;
/// let script = "fn merge(a, b, c) { if b.n > 3 { a } else { b } }";
/// let found: Vec<&str> = pieces(script).iter().map(|piece| &script[piece.span.clone()]).collect();
/// assert_eq!(found, [">", "3"]);
/// ```
#[must_use]
pub fn pieces(source: &str) -> Vec<Piece> {
    let lines = Lines::of(source);
    let mut found: Vec<Piece> = Vec::new();
    let mut add = |piece: Option<Piece>| found.extend(piece);
    ast::each_node(source, &mut |node| {
        let expr = match node {
            ASTNode::Expr(expr) => expr,
            ASTNode::Stmt(Stmt::FnCall(call, at)) => return add(lines.call(call, *at)),
            // `+=` and its like
            ASTNode::Stmt(Stmt::Assignment(both)) => {
                let written = both.0.get_op_assignment_info().map(|info| info.2.literal_syntax());
                return add(written.and_then(|written| lines.piece(both.0.position(), written, "operator")));
            }
            _ => return,
        };
        add(match expr {
            Expr::FnCall(call, at) | Expr::MethodCall(call, at) => lines.call(call, *at),
            Expr::And(_, at) => lines.piece(*at, "&&", "operator"),
            Expr::Or(_, at) => lines.piece(*at, "||", "operator"),
            Expr::IntegerConstant(value, at) => lines.piece(*at, &value.to_string(), "integer"),
            Expr::BoolConstant(value, at) => lines.piece(*at, &value.to_string(), "boolean"),
            Expr::StringConstant(text, at) => lines.piece(*at, &format!("\"{text}\""), "text"),
            _ => None,
        });
    });
    found.sort_by_key(|piece| piece.span.start);
    found.dedup();
    found
}

/// Where the lines of a text begin.
struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(source: &'a str) -> Self {
        let breaks = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { source, starts: [0].into_iter().chain(breaks).collect() }
    }

    fn call(&self, call: &FnCallExpr, at: Position) -> Option<Piece> {
        let is_word = call.name.starts_with(|first: char| first.is_alphabetic() || first == '_');
        self.piece(at, &call.name, if is_word { "call" } else { "operator" })
    }

    /// The piece that is written so at a place; none if something else stands there.
    fn piece(&self, at: Position, written: &str, what: &'static str) -> Option<Piece> {
        let start = *self.starts.get(at.line()?.checked_sub(1)?)?;
        let line = self.source.get(start..)?;
        let column = at.position()?.checked_sub(1)?;
        let offset = line.char_indices().nth(column).map(|(offset, _)| offset)?;
        let span = start + offset..start + offset + written.len();
        (self.source.get(span.clone()) == Some(written)).then_some(Piece { span, what })
    }
}
