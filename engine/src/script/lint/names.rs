//! The first pass: what each name of a script stands for.

mod calls;

use rhai::{Expr, FlowControl, Position as At, Stmt};

use super::report::Report;
use super::words::foreign;
use super::{Given, is_closure};
use crate::diagnostic::{Help, ScriptProblem, nearest, suggestion};
use crate::script::ast::{self, Function, Link};
use crate::script::natives;

/// A variable in scope.
struct Variable {
    name: String,
    at: At,
    is_used: bool,
    is_constant: bool,
    /// Whether it holds a copy of a part of another value.
    is_copy: bool,
    /// How many loops it is defined in.
    loops: usize,
    /// Where a member of it was assigned that nobody has read since, and the outermost loop around that.
    written: Option<(At, Option<usize>)>,
    /// The outermost loop in which it was last read.
    read_in: Option<usize>,
}

/// Where the parameters of a function come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Params {
    /// A named function: from its caller.
    Named,
    /// A closure: so many are captured, the others come from its caller.
    Captured(usize),
}

/// An import: its alias, the module, and whether something of it was used.
struct Import {
    alias: String,
    module: String,
    at: At,
    is_used: bool,
}

struct Names<'p, 'g, 'r, 'a, 's> {
    given: &'g Given<'p, 's>,
    report: &'r mut Report<'a>,
    imports: Vec<Import>,
    scopes: Vec<Vec<Variable>>,
    /// The loops around the place that is read, each by its number.
    loops: Vec<usize>,
    loops_seen: usize,
    /// Closures whose bodies were read.
    seen: Vec<String>,
    /// Whether what is read stands outside of every function.
    is_outside: bool,
}

/// Reports names that are not defined, calls with the wrong number of arguments, imports, and lost assignments.
pub(super) fn check(given: &Given<'_, '_>, report: &mut Report<'_>) {
    let scopes = vec![Vec::new()];
    let mut names = Names {
        given,
        report,
        imports: Vec::new(),
        scopes,
        loops: Vec::new(),
        loops_seen: 0,
        seen: Vec::new(),
        is_outside: true,
    };
    names.statements(&given.tree.statements);
    names.is_outside = false;
    for function in given.tree.functions.iter().filter(|function| !is_closure(function)) {
        names.function(function, Params::Named);
    }
    for function in given.tree.functions.iter().filter(|function| is_closure(function)) {
        names.closure(&function.name, function.params.len());
    }
    names.unused_imports();
}

impl<'p> Names<'p, '_, '_, '_, '_> {
    fn unused_imports(&mut self) {
        for import in std::mem::take(&mut self.imports) {
            let Import { alias, module, at, is_used } = import;
            if is_used || !self.given.is_whole || !self.given.has_entry && self.given.kind.entry().is_some() {
                continue;
            }
            let problem = if alias.is_empty() {
                let name = module.rsplit('/').next().unwrap_or_default().to_owned();
                ScriptProblem::NamelessImport { module, name }
            } else {
                ScriptProblem::UnusedImport { alias }
            };
            self.report.add(at, "import".len(), problem);
        }
    }

    /// A function's body, its parameters in scope.
    fn function(&mut self, function: &'p Function, own: Params) {
        let mut params: Vec<&str> = function.params.iter().map(String::as_str).collect();
        let is_entry = own == Params::Named && self.given.kind.entry().is_some_and(|(name, _)| name == function.name);
        if is_entry && !self.given.fits {
            // what it should take is said where it is defined
            params.extend(self.given.kind.entry().into_iter().flat_map(|(_, params)| params));
        }
        let loops = self.loops.len();
        let variable = |(index, name): (usize, &str)| {
            // a closure shares what it captures
            let is_copy = !matches!(own, Params::Captured(count) if index < count);
            Variable { is_copy, is_used: true, ..Variable::new(name, At::NONE, loops) }
        };
        let params = params.into_iter().enumerate().map(variable).collect();
        // a named function sees nothing of what is around it
        let around = if own == Params::Named { std::mem::take(&mut self.scopes) } else { Vec::new() };
        self.scopes.push(params);
        self.statements(&function.body);
        // one that ends with an assignment lacks its value, which is the next passes' to say
        if let Some(name) = function.body.iter().rev().find_map(changed_variable)
            && let Some(variable) = self.find(&name)
        {
            variable.written = None;
        }
        self.leave();
        if own == Params::Named {
            self.scopes = around;
        }
    }

    fn closure(&mut self, name: &str, captured: usize) {
        let function = self.given.tree.functions.iter().find(|function| function.name == name);
        let Some(function) = function.filter(|_| !self.seen.iter().any(|own| own == name)) else { return };
        self.seen.push(name.to_owned());
        self.function(function, Params::Captured(captured));
    }

    fn leave(&mut self) {
        for variable in self.scopes.pop().unwrap_or_default() {
            let Variable { name, at, is_used, is_copy, written, .. } = variable;
            if !is_used && !name.starts_with('_') && !at.is_none() {
                self.report.add(at, name.len(), ScriptProblem::UnusedVariable { name });
            } else if let (Some((at, _)), true) = (written, is_copy) {
                let length = self.report.length_of_line(at);
                self.report.add(at, length, ScriptProblem::LostAssignment { name });
            }
        }
    }

    fn nested(&mut self, statements: &'p [Stmt], variables: Vec<Variable>) {
        self.scopes.push(variables);
        self.statements(statements);
        self.leave();
    }

    fn in_loop(&mut self, statements: &'p [Stmt], variables: Vec<Variable>) {
        self.loops.push(self.loops_seen);
        self.loops_seen += 1;
        let loops = self.loops.len();
        self.nested(statements, variables.into_iter().map(|one| Variable { loops, ..one }).collect());
        self.loops.pop();
    }

    fn statements(&mut self, statements: &'p [Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Var(both, flags, _) => {
                self.expr(&both.1);
                // what is written out is nobody else's
                let is_copy = !matches!(both.1, Expr::Map(..) | Expr::Array(..));
                let is_constant = flags.contains(rhai::ASTFlags::CONSTANT);
                let variable = Variable::new(&both.0.name, both.0.pos, self.loops.len());
                self.define(Variable { is_constant, is_copy, ..variable });
            }
            Stmt::Assignment(both) => {
                self.expr(&both.1.rhs);
                self.assigned(&both.1.lhs);
            }
            Stmt::Expr(expr) => self.changed(expr),
            Stmt::FnCall(call, at) => self.call(call, *at),
            Stmt::If(flow, _) => {
                self.expr(&flow.expr);
                self.nested(flow.body.statements(), Vec::new());
                self.nested(flow.branch.statements(), Vec::new());
            }
            Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                self.in_loop(flow.body.statements(), Vec::new());
                self.expr(&flow.expr);
            }
            Stmt::For(all, _) => {
                self.expr(&all.2.expr);
                let variable = |name: &rhai::Ident, is_copy| Variable {
                    is_copy,
                    is_used: true,
                    ..Variable::new(&name.name, At::NONE, 0)
                };
                let mut variables = vec![variable(&all.0, true)];
                variables.extend(all.1.iter().map(|counter| variable(counter, false)));
                self.in_loop(all.2.body.statements(), variables);
            }
            Stmt::Switch(both, _) => {
                self.expr(&both.0);
                for case in &both.1.expressions {
                    self.expr(&case.lhs);
                    self.expr(&case.rhs);
                }
            }
            Stmt::Block(block) => self.nested(block.statements(), Vec::new()),
            Stmt::TryCatch(flow, _) => self.tried(flow),
            Stmt::BreakLoop(Some(value), ..) | Stmt::Return(Some(value), ..) => self.expr(value),
            Stmt::Import(both, at) => {
                if let Expr::StringConstant(module, _) = &both.0 {
                    let (alias, module) = (both.1.name.to_string(), module.to_string());
                    // of a module that is not there, nothing is known
                    let is_used = !self.given.modules.contains_key(&module);
                    self.imports.push(Import { alias, module, at: *at, is_used });
                }
            }
            _ => {}
        }
    }

    fn tried(&mut self, flow: &'p FlowControl) {
        self.nested(flow.body.statements(), Vec::new());
        let caught = match &flow.expr {
            Expr::Variable(own, _, _) => {
                vec![Variable { is_used: true, ..Variable::new(&own.1, At::NONE, self.loops.len()) }]
            }
            _ => Vec::new(),
        };
        self.nested(flow.branch.statements(), caught);
    }

    fn define(&mut self, variable: Variable) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(variable);
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Variable> {
        self.scopes.iter_mut().rev().flat_map(|scope| scope.iter_mut().rev()).find(|variable| variable.name == name)
    }

    /// The outermost loop around this place that a variable is not defined in.
    fn loop_beyond(&self, loops: usize) -> Option<usize> {
        self.loops.get(loops).copied()
    }

    /// A variable is read.
    fn read(&mut self, name: &str, at: At) {
        let (loops, given) = (self.loops.clone(), self.given);
        match self.find(name) {
            Some(variable) => {
                variable.is_used = true;
                variable.written = None;
                variable.read_in = loops.get(variable.loops).copied();
            }
            // a function by its name is a value
            None if given.own(name).is_some() => {}
            None => self.undefined(name, at),
        }
    }

    /// The target of an assignment.
    fn assigned(&mut self, target: &'p Expr) {
        let (base, links) = ast::chain(target);
        self.arguments(&links);
        let Some(name) = ast::variable(base).map(ToString::to_string) else { return self.expr(base) };
        let at = base.position();
        let Some(variable) = self.find(&name) else { return self.assigned_undefined(&name, at, links.is_empty()) };
        if variable.is_constant {
            self.report.add(at, name.len(), ScriptProblem::AssignedConstant { name });
        } else if !links.is_empty() {
            self.written(&name, at);
        }
    }

    /// A member of a variable is written.
    fn written(&mut self, name: &str, at: At) {
        let Some(loops) = self.find(name).map(|variable| variable.loops) else { return };
        let around = self.loop_beyond(loops);
        if let Some(variable) = self.find(name) {
            variable.is_used = true;
            // what was read earlier in this loop is read in its next round
            let is_read_again = around.is_some() && variable.read_in == around;
            if variable.written.is_none() && !is_read_again {
                variable.written = Some((at, around));
            }
        }
    }

    /// A statement that may change a copy in place: `line.tags.push(tag)` reads nothing of `line`.
    fn changed(&mut self, expr: &'p Expr) {
        let (base, links) = ast::chain(expr);
        let name = ast::variable(base).map(ToString::to_string);
        let changes = matches!(links.last(), Some(Link::Method { call, .. }) if natives::changes(&call.name));
        let is_copy = name.as_ref().is_some_and(|name| self.find(name).is_some_and(|variable| variable.is_copy));
        match name.filter(|_| changes && is_copy) {
            Some(name) => {
                self.arguments(&links);
                self.methods(&links);
                self.written(&name, base.position());
            }
            None => self.expr(expr),
        }
    }

    /// What a closure captures is shared with it, and read whenever it is called.
    fn shared(&mut self, captured: &'p [Expr]) {
        self.each(captured);
        for name in captured.iter().filter_map(ast::variable) {
            if let Some(variable) = self.find(name) {
                variable.is_copy = false;
            }
        }
    }

    fn each(&mut self, all: &'p [Expr]) {
        for one in all {
            self.expr(one);
        }
    }

    fn expr(&mut self, expr: &'p Expr) {
        if let Some((name, captured)) = ast::closure(expr) {
            self.shared(captured);
            return self.closure(&name, captured.len());
        }
        match expr {
            Expr::Variable(own, _, at) if own.2.is_empty() => self.read(&own.1, *at),
            Expr::Variable(own, _, _) => {
                let alias: Option<&rhai::Ident> = own.2.path.iter().next();
                if let Some(alias) = alias {
                    self.alias(&alias.name, alias.pos);
                }
            }
            Expr::Dot(..) | Expr::Index(..) => {
                let (base, links) = ast::chain(expr);
                let is_defined = ast::variable(base).is_none_or(|name| self.find(name).is_some());
                self.expr(base);
                self.arguments(&links);
                // of what is not defined, nothing more is said
                if is_defined {
                    self.locked(base, &links);
                    self.methods(&links);
                }
            }
            Expr::FnCall(call, at) => self.call(call, *at),
            Expr::Coalesce(all, _) | Expr::And(all, _) | Expr::Or(all, _) => self.each(all),
            Expr::Array(all, _) | Expr::InterpolatedString(all, _) => self.each(all),
            Expr::Map(members, _) => {
                for (_, value) in &members.0 {
                    self.expr(value);
                }
            }
            Expr::Stmt(block) => self.nested(block.statements(), Vec::new()),
            Expr::FloatConstant(_, at) => self.too_large(*at),
            _ => {}
        }
    }

    fn arguments(&mut self, links: &[Link<'p>]) {
        for link in links {
            match link {
                Link::Member { .. } => {}
                Link::Index { index, .. } => self.expr(index),
                Link::Method { call, .. } => self.each(&call.args),
            }
        }
    }

    fn methods(&mut self, links: &[Link<'p>]) {
        for link in links {
            if let Link::Method { call, at, .. } = link {
                self.method(call, *at);
            }
        }
    }

    /// A closure that captures the value whose method is called with it: rhai holds that value until the method returns.
    fn locked(&mut self, base: &Expr, links: &[Link<'_>]) {
        let Some(name) = ast::variable(base) else { return };
        let captures = |argument: &Expr| {
            let captured = ast::closure(argument).map(|(_, captured)| captured).unwrap_or_default();
            captured.iter().any(|own| ast::variable(own) == Some(name))
        };
        let locks = |link: &Link<'_>| matches!(link, Link::Method { call, .. } if call.args.iter().any(captures));
        if links.iter().any(locks) {
            self.report.add(base.position(), name.len(), ScriptProblem::LockedByClosure { name: name.to_string() });
        }
    }

    /// An integer that rhai reads as a fraction, because it has no room for it.
    fn too_large(&mut self, at: At) {
        // rhai takes a sign into the number
        let text = self.report.rest_of_line(at).trim_start_matches(['-', '+', ' ']).to_owned();
        let digits: String = text.chars().take_while(|one| one.is_ascii_digit() || *one == '_').collect();
        let rest = text.get(digits.len()..).unwrap_or_default();
        if !digits.is_empty() && !rest.starts_with(['.', 'e', 'E']) {
            self.report.add(at, digits.len(), ScriptProblem::IntegerTooLarge { digits });
        }
    }

    /// A constant outside of functions.
    fn is_global(&self, name: &str) -> bool {
        let is_it = |one: &Stmt| matches!(one, Stmt::Var(both, flags, _) if both.0.name == name && flags.contains(rhai::ASTFlags::CONSTANT));
        self.given.tree.statements.iter().any(is_it)
    }

    fn in_scope(&self) -> Vec<String> {
        self.scopes.iter().flatten().map(|variable| variable.name.clone()).collect()
    }

    fn assigned_undefined(&mut self, name: &str, at: At, is_whole: bool) {
        let names = self.in_scope();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if !is_whole || foreign(name).is_some() || nearest(name, &names).is_some() {
            return self.undefined(name, at);
        }
        let help = Some(Help::from(format!("write `let {name} = …`")));
        self.report.add(at, name.len(), ScriptProblem::Undefined { name: name.to_owned(), help });
        self.define_unknown(name);
    }

    fn undefined(&mut self, name: &str, at: At) {
        let names = self.in_scope();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Some(import) = self.imports.iter_mut().find(|import| import.alias == name) {
            import.is_used = true;
            return self.report.add(at, name.len(), ScriptProblem::ModuleAsValue { name: name.to_owned() });
        }
        let help = match foreign(name) {
            Some(ours) => Help::from(format!("write `{ours}`")),
            None if self.is_global(name) => {
                Help::from(format!("write `global::{name}`: a function sees no constant by its name alone"))
            }
            None if names.is_empty() => Help::from("define it with `let`"),
            None => suggestion(name, &names),
        };
        // the one that is meant is read here
        let meant = nearest(name, &names).map(str::to_owned);
        self.report.add(at, name.len(), ScriptProblem::Undefined { name: name.to_owned(), help: Some(help) });
        if let Some(variable) = meant.and_then(|meant| self.find(&meant)) {
            (variable.is_used, variable.written) = (true, None);
        }
        self.define_unknown(name);
    }

    /// What was said of a name is said once.
    fn define_unknown(&mut self, name: &str) {
        let variable = Variable::new(name, At::NONE, self.loops.len());
        self.define(Variable { is_used: true, ..variable });
    }
}

/// The variable that a statement changes a member of; no other statement but an empty one is passed over.
fn changed_variable(statement: &Stmt) -> Option<String> {
    let target = match statement {
        Stmt::Noop(_) => return None,
        Stmt::Assignment(both) => &both.1.lhs,
        Stmt::Expr(expr) => expr,
        _ => return Some(String::new()),
    };
    let base = ast::variable(ast::chain(target).0);
    Some(base.map(ToString::to_string).unwrap_or_default())
}

impl Variable {
    fn new(name: &str, at: At, loops: usize) -> Self {
        let name = name.to_owned();
        Self { name, at, is_used: false, is_constant: false, is_copy: false, loops, written: None, read_in: None }
    }
}
