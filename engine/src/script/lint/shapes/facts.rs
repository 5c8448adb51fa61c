//! What a script does anywhere in it, whatever the order: the members that it asks about, and those that it writes.
//!
//! A member that is asked about somewhere may be known to be there where it is read, in ways that no pass over the tree
//! follows: behind a `filter`, in a helper, under a name that is computed. Then nothing is reported of it.

use std::collections::BTreeSet;

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
}

impl Facts {
    pub(super) fn of(given: &Given<'_, '_>) -> Self {
        let mut facts = Self::default();
        let bodies = given.tree.functions.iter().map(|function| &function.body).chain([&given.tree.statements]);
        for statement in bodies.flatten() {
            statement.walk(&mut Vec::new(), &mut |path| {
                let holder = path.len().checked_sub(2).and_then(|at| path.get(at));
                if let Some(node) = path.last() {
                    facts.node(node, holder);
                }
                true
            });
        }
        facts
    }

    fn node(&mut self, node: &ASTNode<'_>, holder: Option<&ASTNode<'_>>) {
        match node {
            ASTNode::Stmt(Stmt::Assignment(both)) => {
                self.reassigned.extend(ast::variable(&both.1.lhs).map(ToString::to_string));
                // `+=` needs a value that is there
                self.written.extend(member(&both.1.lhs).filter(|_| !both.0.is_op_assignment()));
                self.written.extend(ast::members(&both.1.rhs).into_iter().flatten().map(|(name, ..)| name));
                let target = ast::chain(&both.1.lhs);
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
            }
            Expr::MethodCall(call, _) if matches!(call.name.as_str(), "fill_with" | "mixin") => {
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

/// The last member of a chain.
fn member(expr: &Expr) -> Option<String> {
    match ast::chain(expr).1.pop()? {
        Link::Member { name, .. } => Some(name),
        _ => None,
    }
}
