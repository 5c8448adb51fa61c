//! What a script does anywhere in it, whatever the order: the members that it asks about, and those that it writes.
//!
//! A member that is asked about somewhere may be known to be there where it is read, in ways that no pass over the tree
//! follows: behind a `filter`, in a helper, under a name that is computed. Then nothing is reported of it.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::values::COMPARISONS;
use crate::merge::Function as Library;
use crate::script::ast::{self, Link};
use crate::script::lint::Given;

/// The names of members and variables.
#[derive(Default)]
pub(super) struct Facts {
    /// Members of which the script asks whether they are there, or which it names in a text.
    pub(super) asked: BTreeSet<String>,
    /// Members that it writes.
    pub(super) written: BTreeSet<String>,
    /// Texts that it writes, which may name members.
    pub(super) texts: BTreeSet<String>,
    /// Whether it puts other items into a list: `list[i] = x`, `this = x`.
    pub(super) replaces_items: bool,
    /// Variables that it assigns anew.
    pub(super) reassigned: BTreeSet<String>,
    /// Members that it assigns a value of another shape, each with the place from which that is so.
    reshaped: BTreeMap<String, (usize, usize)>,
    /// Whether it computes new numbers in place: `line.qty *= 1.5`, `line.set("qty", …)`.
    pub(super) computes: bool,
}

/// Methods that give what they are called on, or a part of it.
const SAME_SHAPE: [&str; 8] = ["drain", "extract", "filter", "order", "order_by", "order_desc", "retain", "take"];

impl Facts {
    pub(super) fn of(given: &Given<'_, '_>) -> Self {
        let mut facts = Self::default();
        let bodies = given.tree.functions.iter().map(|function| &function.body).chain([&given.tree.statements]);
        for statement in bodies.flatten() {
            statement.walk(&mut Vec::new(), &mut |path| {
                let holder = path.len().checked_sub(2).and_then(|at| path.get(at));
                if let Some(node) = path.last() {
                    facts.node(node, holder, given);
                }
                true
            });
        }
        facts
    }

    fn node(&mut self, node: &ASTNode<'_>, holder: Option<&ASTNode<'_>>, given: &Given<'_, '_>) {
        match node {
            ASTNode::Stmt(Stmt::Assignment(both)) => {
                self.reassigned.extend(ast::variable(&both.1.lhs).map(ToString::to_string));
                // `+=` needs a value that is there
                self.written.extend(member(&both.1.lhs).filter(|_| !both.0.is_op_assignment()));
                self.written.extend(ast::members(&both.1.rhs).into_iter().flatten().map(|(name, ..)| name));
                let target = ast::chain(&both.1.lhs);
                let is_member = !target.1.is_empty();
                self.computes |= is_member && both.0.is_op_assignment();
                self.computes |= matches!(target.1.last(), Some(Link::Index { .. }));
                if let Some(name) = member(&both.1.lhs).filter(|name| !keeps_shape(&both.1.rhs, name)) {
                    let at = end(&both.1.rhs, given);
                    self.reshaped.entry(name).and_modify(|first| *first = at.min(*first)).or_insert(at);
                }
                self.replaces_items |= matches!(target.1.last(), Some(Link::Index { .. }));
                self.replaces_items |= matches!(both.1.lhs, Expr::ThisPtr(_));
            }
            ASTNode::Stmt(Stmt::Switch(both, _)) => self.asked.extend(member(&both.0)),
            ASTNode::Stmt(Stmt::FnCall(call, _)) => self.call(call),
            ASTNode::Expr(expr) => self.expr(expr, holder),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr, holder: Option<&ASTNode<'_>>) {
        match expr {
            Expr::Coalesce(all, _) => self.asked.extend(all.iter().filter_map(member)),
            Expr::Array(all, _) => self.asked.extend(all.iter().filter_map(member)),
            Expr::FnCall(call, _) => self.call(call),
            Expr::MethodCall(call, _) if matches!(call.name.as_str(), "push" | "set" | "insert") => {
                self.replaces_items = true;
                self.computes |= call.name == "set";
                let given = call.args.iter().filter_map(ast::members).flatten();
                self.written.extend(given.map(|(name, ..)| name));
            }
            Expr::MethodCall(call, _) if matches!(call.name.as_str(), "fill_with" | "mixin") => {
                self.computes = true;
                let given = call.args.iter().filter_map(ast::members).flatten();
                self.asked.extend(given.map(|(name, ..)| name));
                let given = call.args.iter().filter_map(ast::members).flatten();
                self.written.extend(given.map(|(name, ..)| name));
            }
            // the name of a member that is read is not asked about
            Expr::StringConstant(..) if matches!(holder, Some(ASTNode::Expr(Expr::Index(..)))) => {}
            Expr::StringConstant(text, _) => {
                self.asked.insert(text.to_string());
                self.texts.insert(text.to_string());
            }
            Expr::Dot(..) | Expr::Index(..) => self.optional_links(expr),
            _ => {}
        }
    }

    /// Whether a member of this name may hold a value of another shape at a place.
    pub(super) fn is_reshaped(&self, name: &str, at: rhai::Position) -> bool {
        self.reshaped.get(name).is_some_and(|first| place(at) > *first)
    }

    /// `a.note?.len()` asks about `note`.
    fn optional_links(&mut self, expr: &Expr) {
        let links = ast::chain(expr).1;
        for pair in links.windows(2) {
            if let [Link::Member { name, .. }, next] = pair
                && next.is_optional()
            {
                self.asked.insert(name.clone());
            }
        }
    }

    fn call(&mut self, call: &FnCallExpr) {
        let compares = COMPARISONS.contains(&call.name.as_str());
        let is_own = call.op_token.is_none() && Library::by_name(&call.name).is_none_or(Library::is_helper);
        if compares || is_own {
            self.asked.extend(call.args.iter().filter_map(member));
        }
    }
}

fn place(at: rhai::Position) -> (usize, usize) {
    (at.line().unwrap_or_default(), at.position().unwrap_or_default())
}

/// The last place of an expression, bodies of closures in it included.
fn end(expr: &Expr, given: &Given<'_, '_>) -> (usize, usize) {
    let mut last = place(expr.position());
    let mut closures = Vec::new();
    expr.walk(&mut Vec::new(), &mut |path| {
        if let Some(node) = path.last() {
            last = last.max(place(node.position()));
        }
        if let Some(ASTNode::Expr(expr)) = path.last() {
            closures.extend(ast::closure(expr).map(|(name, _)| name));
        }
        true
    });
    let bodies = given.tree.functions.iter().filter(|function| closures.contains(&function.name));
    for statement in bodies.flat_map(|function| &function.body) {
        statement.walk(&mut Vec::new(), &mut |path| {
            if let Some(node) = path.last() {
                last = last.max(place(node.position()));
            }
            true
        });
    }
    last
}

/// Whether what is assigned to a member has the shape that the member had.
fn keeps_shape(value: &Expr, name: &str) -> bool {
    match value {
        Expr::FnCall(call, _) => {
            let merges = || Library::by_name(&call.name).is_some_and(|function| !function.is_helper());
            call.op_token.is_some() || merges()
        }
        Expr::Dot(..) | Expr::Index(..) => match ast::chain(value).1.pop() {
            Some(Link::Member { name: own, .. }) => own == name,
            Some(Link::Method { call, .. }) => SAME_SHAPE.contains(&call.name.as_str()),
            _ => false,
        },
        Expr::Coalesce(all, _) => all.iter().all(|one| keeps_shape(one, name)),
        Expr::Array(items, _) => items.is_empty(),
        Expr::Map(..) | Expr::Variable(..) | Expr::Stmt(_) | Expr::ThisPtr(_) => false,
        // a scalar, which has no members
        _ => true,
    }
}

/// The last member of a chain.
fn member(expr: &Expr) -> Option<String> {
    match ast::chain(expr).1.pop()? {
        Link::Member { name, .. } => Some(name),
        _ => None,
    }
}
