//! The second pass: what values are. Shapes follow members, indexes, `let`, `??`, `for`, closures and calls.
//!
//! `anonymous` has the shape of the rule's schema. `account` has that of the result schema, or the rule's read softly: what
//! else an account holds is the site's, so there only near names are mistakes and types are not known. Whatever else a value
//! went through, it may be anything, and nothing is reported of it.

mod types;
mod absent;
mod facts;
mod values;

use std::collections::BTreeSet;

use rhai::{ASTNode, Expr, FlowControl, FnCallExpr, Position as At, Stmt};

use super::report::Report;
use super::words::{CONTEXT, REQUEST, SESSION, foreign};
use super::{Given, Kinds, ScriptKind, is_closure};
use crate::diagnostic::{ScriptProblem, nearest, suggestion};
use crate::json::Kind;
use crate::merge::{Function as Library, Gives};
use crate::sanitizer::Shape;
use crate::script::ast::{self, Function, Link};
use crate::script::natives;
use facts::Facts;
use types::Held;
pub(super) use types::Type;

/// A variable in scope.
struct Variable<'s> {
    name: String,
    held: Type<'s>,
}

pub(super) struct Shapes<'p, 'g, 'r, 'a, 's> {
    given: &'g Given<'p, 's>,
    pub(super) report: &'r mut Report<'a>,
    scopes: Vec<Vec<Variable<'s>>>,
    /// Closures whose bodies were seen with what they are called on.
    seen: BTreeSet<String>,
    /// Paths that the script asks about, so that it knows whether something is there.
    asked: BTreeSet<String>,
    /// What the script does anywhere.
    facts: Facts,
    /// Places of the expressions that give the result of the entry function.
    results: Vec<At>,
    /// Whether the expression is part of a condition.
    in_condition: bool,
}

/// Reports members, types and options that do not fit.
pub(super) fn check(given: &Given<'_, '_>, report: &mut Report<'_>) {
    let mut shapes = Shapes {
        given,
        report,
        scopes: vec![Vec::new()],
        seen: BTreeSet::new(),
        asked: BTreeSet::new(),
        facts: Facts::of(given),
        results: Vec::new(),
        in_condition: false,
    };
    shapes.block(&given.tree.statements);
    for function in given.tree.functions.iter().filter(|function| !is_closure(function)) {
        shapes.function(function);
    }
    for function in given.tree.functions.iter().filter(|function| is_closure(function)) {
        if !shapes.seen.contains(&function.name) {
            shapes.call_of(function, &[]);
        }
    }
}

impl<'p, 's> Shapes<'p, '_, '_, '_, 's> {
    /// Whether the script writes a member of this name.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.facts.written.contains(name)
    }

    fn function(&mut self, function: &'p Function) {
        self.asked.clear();
        let entry = self.given.entry().filter(|entry| std::ptr::eq(*entry, function));
        let request = || Type { held: Held::Fixed(REQUEST), ..Type::of(Kinds::MAP) }.at("request");
        let types = match self.given.kind {
            // a function of a guard that is always handed the guard's own `request`
            ScriptKind::Guard if entry.is_none() => {
                let is_handed = |index: usize| self.is_always_handed(function, index, "request");
                (0..function.params.len())
                    .map(|index| if is_handed(index) { request() } else { Type::unknown() })
                    .collect()
            }
            _ if entry.is_none() || !self.given.fits => Vec::new(),
            ScriptKind::Merge { account: (own, says_all), anonymous } => {
                let account = Type::shape(own, !says_all);
                // a value of another type is left alone before the script runs
                let kinds = Kinds::of(own).or(Kinds::UNIT);
                let anonymous = Type { is_anonymous: true, ..Type::shape(anonymous, false) };
                vec![
                    Type { kinds, may_be_absent: true, ..account }.at("account"),
                    anonymous.there().at("anonymous"),
                    Type { held: Held::Fixed(CONTEXT), ..Type::of(Kinds::MAP) }.at("context"),
                ]
            }
            ScriptKind::Guard => vec![request()],
            ScriptKind::Library => Vec::new(),
        };
        self.results = if entry.is_some() { results(&function.body) } else { Vec::new() };
        self.call_of(function, &types);
        self.results.clear();
    }

    /// Whether every call of a function gives it, in this place, what the entry function's parameter of this name holds.
    fn is_always_handed(&self, function: &Function, index: usize, parameter: &str) -> bool {
        let (mut calls, mut others) = (0, 0);
        let entry = self.given.entry();
        for caller in &self.given.tree.functions {
            let is_entry = entry.is_some_and(|entry| std::ptr::eq(entry, caller));
            for statement in &caller.body {
                statement.walk(&mut Vec::new(), &mut |path| {
                    let Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) = path.last()
                    else {
                        return true;
                    };
                    if call.name == function.name && call.args.len() == function.params.len() {
                        let is_it = call.args.get(index).and_then(ast::variable).is_some_and(|name| name == parameter);
                        if is_entry && is_it { calls += 1 } else { others += 1 }
                    }
                    true
                });
            }
        }
        calls > 0 && others == 0
    }

    fn call_of(&mut self, function: &'p Function, types: &[Type<'s>]) {
        if !self.seen.insert(function.name.clone()) && is_closure(function) {
            return;
        }
        let param = |(index, name): (usize, &String)| {
            let held = types.get(index).cloned().unwrap_or_else(Type::unknown);
            let path = held.path.clone().unwrap_or_else(|| name.clone());
            Variable { name: name.clone(), held: self.defined(name, held.at(path)) }
        };
        let params = function.params.iter().enumerate().map(param).collect();
        self.nested(&function.body, params);
    }

    /// The items of a list; of any kind where the script puts others into lists.
    fn items_of(&self, held: &Type<'s>) -> Type<'s> {
        let items = held.items();
        if self.facts.replaces_items { Type { kinds: Kinds::ANY, ..items } } else { items }
    }

    /// A variable that may be assigned anew holds any kind.
    fn defined(&self, name: &str, held: Type<'s>) -> Type<'s> {
        if self.facts.reassigned.contains(name) { Type { kinds: Kinds::ANY, ..held } } else { held }
    }

    fn define(&mut self, name: &str, held: Type<'s>) {
        let path = held.path.clone().unwrap_or_else(|| name.to_owned());
        let held = self.defined(name, held.at(path));
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(Variable { name: name.to_owned(), held });
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Variable<'s>> {
        self.scopes.iter_mut().rev().flat_map(|scope| scope.iter_mut().rev()).find(|variable| variable.name == name)
    }

    fn nested(&mut self, statements: &'p [Stmt], variables: Vec<Variable<'s>>) {
        self.scopes.push(variables);
        self.block(statements);
        self.scopes.pop();
    }

    fn block(&mut self, statements: &'p [Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Var(both, ..) => {
                let held = self.value(&both.1);
                self.define(&both.0.name, held);
            }
            Stmt::Assignment(both) => self.assigned(&both.1.lhs, &both.1.rhs, both.0.is_op_assignment()),
            Stmt::Expr(expr) => self.result(expr),
            Stmt::FnCall(call, at) => {
                let held = self.call(call, *at);
                if self.results.contains(at) {
                    self.returned(&held, *at);
                }
            }
            Stmt::If(flow, _) => {
                self.condition("if", &flow.expr);
                self.nested(flow.body.statements(), Vec::new());
                self.nested(flow.branch.statements(), Vec::new());
            }
            Stmt::While(flow, _) => {
                // `loop` has no condition
                if !matches!(flow.expr, Expr::Unit(_)) {
                    self.condition("while", &flow.expr);
                }
                self.nested(flow.body.statements(), Vec::new());
            }
            Stmt::Do(flow, ..) => {
                self.nested(flow.body.statements(), Vec::new());
                self.condition("while", &flow.expr);
            }
            Stmt::For(all, _) => self.repeated(all),
            Stmt::Switch(both, _) => {
                let held = self.asking(&both.0);
                self.ask(&held);
                for case in &both.1.expressions {
                    self.expr(&case.lhs);
                    self.expr(&case.rhs);
                }
            }
            Stmt::Block(block) => self.nested(block.statements(), Vec::new()),
            Stmt::TryCatch(flow, _) => self.tried(flow),
            Stmt::Return(Some(value), ..) => self.result(value),
            Stmt::BreakLoop(Some(value), ..) => drop(self.expr(value)),
            _ => {}
        }
    }

    /// An expression that stands alone: the result of the entry, where it is one.
    fn result(&mut self, expr: &'p Expr) {
        if self.results.contains(&expr.start_position()) {
            let held = self.value(expr);
            self.returned(&held, expr.start_position());
        } else {
            self.expr(expr);
        }
    }

    fn repeated(&mut self, all: &'p (rhai::Ident, Option<rhai::Ident>, FlowControl)) {
        let held = self.expr(&all.2.expr);
        self.iterated(&held, &all.2.expr);
        let items = self.items_of(&held);
        let name = all.0.name.to_string();
        let mut variables = vec![Variable { held: self.defined(&name, items.at(name.as_str())), name }];
        let counter = all.1.iter().map(|name| Variable { name: name.name.to_string(), held: Type::of(Kinds::INTEGER) });
        variables.extend(counter);
        self.nested(all.2.body.statements(), variables);
    }

    fn tried(&mut self, flow: &'p FlowControl) {
        // what fails in it is caught
        let everything = "*".to_owned();
        let is_new = self.asked.insert(everything.clone());
        self.nested(flow.body.statements(), Vec::new());
        if is_new {
            self.asked.remove(&everything);
        }
        let caught = match &flow.expr {
            Expr::Variable(own, _, _) => vec![Variable { name: own.1.to_string(), held: Type::unknown() }],
            _ => Vec::new(),
        };
        self.nested(flow.branch.statements(), caught);
    }

    pub(super) fn expr(&mut self, expr: &'p Expr) -> Type<'s> {
        if let Some((name, captured)) = ast::closure(expr) {
            self.closure(&name, captured, &[]);
            return Type::of(Kinds::OTHER);
        }
        match expr {
            Expr::Variable(own, _, _) if own.2.is_empty() => {
                self.find(&own.1).map_or_else(Type::unknown, |variable| variable.held.clone())
            }
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr, false),
            Expr::FnCall(call, at) => self.call(call, *at),
            Expr::Coalesce(all, _) => self.first_there(all),
            Expr::And(all, _) => self.joined("&&", all),
            Expr::Or(all, _) => self.joined("||", all),
            Expr::Array(all, _) => {
                all.iter().for_each(|one| drop(self.value(one)));
                Type::of(Kinds::LIST)
            }
            Expr::InterpolatedString(all, _) => {
                all.iter().for_each(|one| drop(self.expr(one)));
                Type::of(Kinds::STRING)
            }
            Expr::Map(..) => {
                let members = ast::members(expr).unwrap_or_default();
                let members =
                    members.into_iter().map(|(name, at, value)| (name, at, self.value(value).kinds)).collect();
                Type { held: Held::Written(members), ..Type::of(Kinds::MAP) }
            }
            Expr::Stmt(block) => {
                self.nested(block.statements(), Vec::new());
                Type::unknown()
            }
            Expr::BoolConstant(..) => Type::of(Kinds::BOOL),
            Expr::IntegerConstant(..) => Type::of(Kinds::INTEGER),
            Expr::FloatConstant(..) => Type::of(Kinds::FRACTION),
            Expr::StringConstant(..) => Type::of(Kinds::STRING),
            Expr::Unit(..) => Type::of(Kinds::UNIT),
            _ => Type::unknown(),
        }
    }

    /// `a ?? b`: the first that is there.
    fn first_there(&mut self, all: &'p [Expr]) -> Type<'s> {
        let mut types: Vec<Type<'s>> = Vec::new();
        let last = all.len().saturating_sub(1);
        for (index, one) in all.iter().enumerate() {
            let held = if index == last { self.value(one) } else { self.asking(one) };
            if index < last {
                self.ask(&held);
            }
            types.push(held);
        }
        let may_be_absent = types.last().is_some_and(|last| last.may_be_absent);
        let before = types.iter().take(last).fold(Kinds::NONE, |all, one| all.or(one.kinds.without(Kinds::UNIT)));
        let kinds = types.last().map_or(Kinds::ANY, |last| before.or(last.kinds));
        let known: Vec<Type<'s>> =
            types.into_iter().filter(|one| !matches!(one.held, Held::Unknown | Held::Written(_))).collect();
        let is_alike = known.windows(2).all(|pair| matches!(pair, [a, b] if a.is_like(b)));
        let known = known.into_iter().next().filter(|_| is_alike).unwrap_or_else(Type::unknown);
        Type { kinds, may_be_absent, path: None, ..known }
    }

    pub(super) fn closure(&mut self, name: &str, captured: &'p [Expr], called: &[Type<'s>]) {
        let mut types: Vec<Type<'s>> = captured.iter().map(|one| self.expr(one)).collect();
        types.extend(called.iter().cloned());
        if let Some(function) = self.given.tree.functions.iter().find(|function| function.name == name) {
            self.call_of(function, &types);
        }
    }

    /// A chain of members, indexes and methods; as the target of an assignment, its last member may be new.
    fn chain(&mut self, expr: &'p Expr, is_target: bool) -> Type<'s> {
        let (base, links) = ast::chain(expr);
        let (mut held, mut is_optional) = (self.expr(base), false);
        let last = links.len().saturating_sub(1);
        for (index, link) in links.iter().enumerate() {
            if link.is_optional() && self.in_condition {
                self.ask(&held);
            }
            if let Link::Method { call, .. } = link
                && self.asks(&held, call)
            {
                call.args.iter().for_each(|argument| drop(self.expr(argument)));
                held = Type::of(natives::result(&call.name));
                continue;
            }
            self.reached(&held, base, &links, index, is_target);
            let before = held.path.clone();
            held = match link {
                Link::Member { name, at, .. } => self.member(&held, name, *at, is_target && index == last),
                Link::Index { index, .. } => {
                    self.expr(index);
                    self.indexed(&held, index);
                    self.items_of(&held)
                }
                Link::Method { call, at, .. } => self.method(&held, call, *at, index < last),
            };
            if let (Link::Method { .. }, true, None) = (link, is_optional || link.is_optional(), &held.path) {
                // what asks about the result asks about what it is called on
                held = held.at(format!("{}.()", before.unwrap_or_default()));
            }
            if link.is_optional() {
                // absent where what holds it is; the rest of the chain is passed over then
                is_optional = true;
                held = Type { kinds: held.kinds.or(Kinds::UNIT), may_be_absent: false, ..held };
            }
        }
        Type { may_be_absent: held.may_be_absent || is_optional, ..held }
    }

    fn member(&mut self, held: &Type<'s>, name: &str, at: At, is_target: bool) -> Type<'s> {
        let path = held.path.as_ref().map(|path| format!("{path}.{name}"));
        let found = match &held.held {
            _ if !is_target && held.kinds.excludes(Kinds::MAP.or(Kinds::UNIT)) => {
                return self.memberless(held, name, at);
            }
            Held::Shape(shape, is_soft) => match shape.member(name) {
                Some(_) if !is_target && self.facts.is_reshaped(name, at) => Type::unknown(),
                Some(_) if self.facts.written.contains(name) => {
                    Type { kinds: Kinds::ANY, ..held.declared(shape, *is_soft, name) }
                }
                Some(_) => self.counted(held.declared(shape, *is_soft, name)),
                None => {
                    self.undeclared(shape, *is_soft, name, at, is_target);
                    Type::unknown()
                }
            },
            Held::Fixed(fixed) => {
                let known = fixed.members.iter().find(|member| member.name == name);
                if known.is_none() {
                    let (of, near) = (fixed.name.to_owned(), suggestion(name, &fixed.names()));
                    let problem = ScriptProblem::UnknownMemberOf { of, name: name.to_owned(), help: Some(near) };
                    self.report.add(at, name.len(), problem);
                }
                let kinds = known.map_or(Kinds::ANY, |known| known.kinds);
                let is_session = fixed.name == CONTEXT.name && name == "session";
                let held = if is_session { Held::Fixed(SESSION) } else { Held::Unknown };
                Type { held, ..Type::of(kinds) }
            }
            _ => Type::unknown(),
        };
        Type { path, ..found }
    }

    /// A number that the script may have computed anew is of any kind of number.
    fn counted(&self, held: Type<'s>) -> Type<'s> {
        let is_new = self.facts.computes && held.kinds.meets(Kinds::NUMBER);
        if is_new { Type { kinds: held.kinds.or(Kinds::NUMBER), ..held } } else { held }
    }

    fn undeclared(&mut self, shape: &Shape, is_soft: bool, name: &str, at: At, is_target: bool) {
        let declared: Vec<&str> = shape.names();
        let is_known = !shape.is_open() && shape.only(Kind::Object) && !declared.is_empty();
        let near = nearest(name, &declared);
        if is_known
            && !is_target
            && !self.facts.written.contains(name)
            && !self.facts.texts.contains(name)
            && (!is_soft || near.is_some())
        {
            let help = Some(suggestion(name, &declared));
            self.report.add(at, name.len(), ScriptProblem::UnknownMember { name: name.to_owned(), help });
        }
    }

    /// A member of what has none.
    fn memberless(&mut self, held: &Type<'s>, name: &str, at: At) -> Type<'s> {
        let is_counted = held.kinds == Kinds::LIST || held.kinds == Kinds::STRING;
        if !(is_counted && ["len", "is_empty", "chars"].contains(&name)) {
            let ours = foreign(name).map(|ours| format!("write `{ours}()`"));
            let hint = ours.unwrap_or_else(|| "write `[i]`, or a method".to_owned());
            let problem =
                ScriptProblem::Memberless { kinds: held.kinds.words(), name: name.to_owned(), help: Some(hint.into()) };
            self.report.add(at, name.len(), problem);
        }
        Type::unknown()
    }

    fn method(&mut self, held: &Type<'s>, call: &'p FnCallExpr, at: At, goes_on: bool) -> Type<'s> {
        let name = call.name.as_str();
        for argument in &call.args {
            if let Some((closure, captured)) = ast::closure(argument) {
                let is_own = self.given.own(name).is_some();
                let called = match held.held {
                    Held::Shape(shape, _) if shape.only(Kind::Array) && !is_own => {
                        called_with(name, &self.items_of(held))
                    }
                    _ => Vec::new(),
                };
                self.closure_parameters(name, argument, &closure, captured.len());
                self.closure(&closure, captured, &called);
            } else {
                let given = self.value(argument);
                // a closure that is held somewhere may ask whether the value is there
                if name == "call" {
                    self.ask(&given);
                }
            }
        }
        if self.given.own(name).is_some() {
            return Type::unknown();
        }
        if !self.receives(held, name, at) || (goes_on && self.in_place(name, at)) {
            return Type::unknown();
        }
        match name {
            "filter" | "drain" | "retain" | "order" | "extract" => held.clone().there(),
            "find" | "pop" | "shift" => Type { kinds: Kinds::ANY, path: None, ..held.items() },
            _ => Type::of(natives::result(name)),
        }
    }

    fn call(&mut self, call: &'p FnCallExpr, at: At) -> Type<'s> {
        let name = call.name.as_str();
        if call.op_token.is_some() {
            return self.operator(call, at);
        }
        if let Some((closure, captured)) = ast::closure_call(call) {
            self.closure(&closure, captured, &[]);
            return Type::of(Kinds::OTHER);
        }
        let types: Vec<Type<'s>> = call.args.iter().map(|argument| self.value(argument)).collect();
        if let ("contains", [holder, _], [_, member]) = (name, types.as_slice(), call.args.as_slice()) {
            // rhai writes `x in y` as a call that asks `y`
            self.asks_in(holder, member);
            return Type::of(Kinds::BOOL);
        }
        let library = Library::by_name(name).filter(|_| self.given.own(name).is_none());
        if library.is_none_or(Library::is_helper) {
            // it may ask whether the value is there
            for one in &types {
                self.ask(one);
            }
        }
        if ast::namespace(call).is_some() || self.given.own(name).is_some() {
            return Type::unknown();
        }
        let Some(function) = library else { return Type::of(natives::result(name)) };
        if !function.takes(call.args.len()) {
            return Type::unknown();
        }
        self.options(function, call, &types);
        given_by(function, &types)
    }
}

/// What a method of lists calls its closure with.
fn called_with<'s>(method: &str, item: &Type<'s>) -> Vec<Type<'s>> {
    let index = || Type::of(Kinds::INTEGER);
    match method {
        "reduce" | "reduce_rev" => vec![Type::unknown(), item.clone(), index()],
        "for_each" => vec![index()],
        "dedup" | "order" | "order_by" | "sort" | "sort_by" => vec![item.clone(), item.clone()],
        other if natives::closure_parameters(other).is_some() => vec![item.clone(), index()],
        _ => Vec::new(),
    }
}

/// What a function of the library gives.
fn given_by<'s>(function: Library, types: &[Type<'s>]) -> Type<'s> {
    let kinds = match function.gives {
        Gives::Boolean => Kinds::BOOL,
        Gives::NumberOrNull => Kinds::NUMBER.or(Kinds::UNIT),
        Gives::StringOrNull => Kinds::STRING.or(Kinds::UNIT),
        Gives::List => Kinds::LIST,
        Gives::Object => Kinds::MAP,
        Gives::Either => Kinds::ANY,
    };
    let known = types.iter().take(2).find(|one| matches!(one.held, Held::Shape(..)));
    match known.map(|known| &known.held) {
        Some(Held::Shape(shape, _)) if !function.is_helper() => Type { kinds, ..Type::shape(shape, true) },
        _ => Type::of(kinds),
    }
}

/// The places of the expressions that a function's last statement gives.
fn results(body: &[Stmt]) -> Vec<At> {
    let last = body.iter().rev().find(|one| !matches!(one, Stmt::Noop(_)));
    let mut found = match last {
        Some(Stmt::Expr(expr)) => vec![expr.start_position()],
        Some(Stmt::FnCall(_, at)) => vec![*at],
        Some(Stmt::If(flow, _)) => [results(flow.body.statements()), results(flow.branch.statements())].concat(),
        Some(Stmt::Block(block)) => results(block.statements()),
        _ => Vec::new(),
    };
    for statement in body {
        statement.walk(&mut Vec::new(), &mut |path| {
            if let Some(ASTNode::Stmt(Stmt::Return(Some(value), flags, _))) = path.last()
                && !flags.contains(rhai::ASTFlags::BREAK)
            {
                found.push(value.start_position());
            }
            true
        });
    }
    found
}
