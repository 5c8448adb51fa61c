//! The strategies that a script calls, as its syntax tree says them: what they may leave behind is no loss of the script's.

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::ast;
use super::natives::{self, MERGE_VERBS};
use crate::json::{Document, Json, Position};
use crate::merge::{self, Adds, Function, Named, Strategy, Takes, adds};

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
    /// What it gives to `skip` and `discard` as literals.
    pub(super) reasons: Vec<String>,
    /// What adds again at every login: the first such call, or such a strategy in the options of a merge function.
    pub(super) adds: Option<Adding>,
}

/// What of a script adds again at every login.
#[derive(Clone, Debug)]
pub struct Adding {
    /// The name of a function or strategy.
    pub word: String,
    /// What it adds.
    pub adds: Adds,
    /// Its first character, and the one behind it.
    pub at: [Position; 2],
}

impl Adding {
    /// What to write instead: a strategy, or the function that scripts call for it.
    #[must_use]
    pub fn instead(&self) -> &'static str {
        let strategy = Named::by_name(&self.word).and_then(|named| named.mutant).and_then(Named::by_name);
        let is_call = Named::by_name(&self.word).is_some_and(|named| named.alias == Some(self.word.as_str()));
        strategy.map_or("max", |named| named.alias.filter(|_| is_call).unwrap_or(named.name))
    }
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
        let own: Vec<String> = ast::named(source).into_iter().map(|(name, _)| name).collect();
        ast::each_node(source, &mut |node| match node {
            // a function of the script's own is none of ours, whatever its name
            ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))
                if own.iter().any(|own| *own == call.name.as_str()) => {}
            ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)) => {
                calls.adds = calls.adds.take().or_else(|| adding(call, *at));
                calls.strategies.extend(strategy(call));
                calls.clamps |= merge::clamps(&call.name);
                calls.reasons.extend(reason(call));
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
        self.reasons.extend(module.reasons.iter().cloned());
        self
    }
}

/// Whether an expression is a call that chooses one of two scalars.
fn chooses(expr: &Expr) -> bool {
    matches!(expr, Expr::FnCall(call, _) if strategy(call).is_some_and(|one| one.chooses_scalars()))
}

/// The strategy that a call merges by, where what it takes beside the two values is written out.
fn strategy(call: &FnCallExpr) -> Option<Strategy> {
    let Some(function) = Function::by_name(&call.name) else {
        // rhai has `max` and `min` itself
        return Strategy::by_name(&call.name).filter(|_| natives::native(&call.name).is_some());
    };
    if let Some(like) = function.like() {
        return Some(like);
    }
    let given = call.args.iter().enumerate().map(|(index, argument)| {
        if function.is_side(index) {
            return Some(Json::Null);
        }
        let (text, _) = ast::literal(argument)?;
        Document::read(text.as_bytes()).ok().map(|document| document.root().to_json())
    });
    function.strategy(&given.collect::<Option<Vec<_>>>()?)
}

/// What a call gives to `skip` or `discard`, if it is a literal.
fn reason(call: &FnCallExpr) -> Option<String> {
    let is_verb = MERGE_VERBS.contains(&call.name.as_str()) && call.namespace.is_empty();
    match call.args.as_slice() {
        [Expr::StringConstant(reason, _)] if is_verb => Some(reason.to_string()),
        _ => None,
    }
}

/// A call of a function that adds, or of a merge function with such a strategy.
fn adding(call: &FnCallExpr, at: rhai::Position) -> Option<Adding> {
    if call.op_token.is_some() || !call.namespace.is_empty() {
        return None;
    }
    let function = Function::by_name(&call.name)?;
    if let Some(adds) = adds(&call.name) {
        return Some(Adding { word: call.name.to_string(), adds, at: place(at, call.name.len())? });
    }
    let options = function.options?;
    let given = call.args.get(options.argument)?;
    of_taken(options.takes, given).or_else(|| of_strategy(given).filter(|_| options.or_strategy))
}

/// A strategy that adds, in what a function, a strategy or an option takes.
fn of_taken(takes: Takes, given: &Expr) -> Option<Adding> {
    match takes {
        Takes::Strategy => of_strategy(given),
        Takes::Strategies => of_fields(given),
        Takes::Options(options) => ast::members(given)?.into_iter().find_map(|(name, _, value)| {
            let option = options.iter().find(|option| option.name == name)?;
            of_taken(option.takes, value)
        }),
        _ => None,
    }
}

/// A strategy that adds: a name, a name with its option, or an object of them.
fn of_strategy(expr: &Expr) -> Option<Adding> {
    match expr {
        Expr::StringConstant(word, at) => {
            Some(Adding { word: word.to_string(), adds: adds(word)?, at: place(*at, word.len() + 2)? })
        }
        Expr::Array(items, _) => {
            let [Expr::StringConstant(name, _), option] = items.as_slice() else {
                return items.first().and_then(of_strategy);
            };
            let takes = || Named::by_name(name).and_then(|named| named.takes);
            items.first().and_then(of_strategy).or_else(|| of_taken(takes()?, option))
        }
        Expr::Map(..) => of_fields(expr),
        _ => None,
    }
}

fn of_fields(expr: &Expr) -> Option<Adding> {
    ast::members(expr)?.into_iter().find_map(|(.., value)| of_strategy(value))
}

pub(super) fn place(at: rhai::Position, length: usize) -> Option<[Position; 2]> {
    let start = Position { line: at.line()?, column: at.position()? };
    Some([start, Position { column: start.column + length, ..start }])
}
