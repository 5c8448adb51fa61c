//! What is wrong in a script before it runs: names that nobody defined, members that no schema has, paths without a value.
//!
//! `anonymous` has the shape of the rule's schema; `account` that of the result schema, or the rule's read softly: there only
//! near names are mistakes, since what else an account holds is the site's. Shapes follow members, indexes, `let`, `??`,
//! `for`, closures and the merge functions; whatever else a value went through, it may be anything.

mod words;
mod flow;
mod shapes;
mod calls;

use std::collections::{BTreeMap, BTreeSet};

use rhai::{Expr, FlowControl, Position as At, Stmt};

use super::ast::{self, Function, Tree};
use crate::diagnostic::{Diagnostic, Severity, nearest, suggestion};
use crate::json::Position;
use crate::sanitizer::Shape;
use flow::{ends, first_of, is_endless, leaves_loop};
pub(super) use words::foreign;
use words::{CONTEXT, Fixed, REQUEST};

/// What a script is for.
#[derive(Clone, Copy)]
pub enum Kindred<'s> {
    /// `fn merge(account, anonymous, context)`, with the shapes of its first two arguments.
    Merge {
        /// What the account holds, and whether its schema says all of it.
        account: (&'s Shape, bool),
        /// What the visitor brings.
        anonymous: &'s Shape,
    },
    /// `fn authorize(request)`.
    Guard,
    /// Functions that scripts share.
    Library,
}

/// What is known of a value.
#[derive(Clone)]
enum Type<'s> {
    /// Nothing.
    Open,
    /// A value of a shape; softly: it may hold more.
    Shape(&'s Shape, bool),
    /// What we hand to a script: its members are known.
    Fixed(Fixed),
    /// The account's value, which may be `()`.
    MayBeUnit(Box<Type<'s>>),
}

impl Type<'_> {
    fn there(self) -> Self {
        match self {
            Self::MayBeUnit(inner) => *inner,
            other => other,
        }
    }

    fn items(&self) -> Self {
        match self {
            Self::Shape(shape, soft) => shape.items().map_or(Self::Open, |items| Self::Shape(items, *soft)),
            Self::MayBeUnit(inner) => inner.items(),
            _ => Self::Open,
        }
    }
}

/// A variable in scope.
struct Variable<'s> {
    name: String,
    held: Type<'s>,
    at: At,
    used: bool,
    is_constant: bool,
}

/// The functions of each module, by the name that scripts import: their names and how many arguments they take.
pub(super) type Modules = BTreeMap<String, Vec<(String, usize)>>;

#[expect(clippy::struct_excessive_bools, reason = "each is one thing that is known at the place that is read")]
struct Lint<'a, 's> {
    file: &'a str,
    source: &'a str,
    tree: &'a Tree,
    kind: Kindred<'s>,
    modules: &'a Modules,
    /// Aliases of imports, with the module and whether they were used.
    imports: Vec<(String, String, At, bool)>,
    scopes: Vec<Vec<Variable<'s>>>,
    /// Closures whose bodies were seen with what they are called on.
    seen: BTreeSet<String>,
    guarded: bool,
    /// Whether something was asked that may say whether the account's value is there.
    compared: bool,
    in_condition: bool,
    /// Whether the function that gives the result is being read.
    in_entry: bool,
    found: Vec<Diagnostic>,
}

/// All that is wrong in a script that parses.
pub(super) fn lint(file: &str, source: &str, tree: &Tree, kind: Kindred<'_>, modules: &Modules) -> Vec<Diagnostic> {
    let mut lint = Lint {
        file,
        source,
        tree,
        kind,
        modules,
        imports: Vec::new(),
        scopes: Vec::new(),
        seen: BTreeSet::new(),
        guarded: false,
        compared: false,
        in_condition: false,
        in_entry: false,
        found: Vec::new(),
    };
    lint.all();
    lint.found
}

impl<'a, 's> Lint<'a, 's> {
    pub(super) fn all(&mut self) {
        self.scopes.push(Vec::new());
        for statement in &self.tree.statements {
            self.statement(statement);
        }
        for function in self.tree.functions.iter().filter(|function| !is_closure(function)) {
            self.function(function);
        }
        for function in self.tree.functions.iter().filter(|function| is_closure(function)) {
            if !self.seen.contains(&function.name) {
                self.call_of(function, &[]);
            }
        }
        for (alias, module, at, used) in std::mem::take(&mut self.imports) {
            if !used {
                let (message, help) = if alias.is_empty() {
                    let name = module.rsplit('/').next().unwrap_or_default();
                    (format!("`{module}` is imported under no name"), format!("write `import \"{module}\" as {name}`"))
                } else {
                    let message = format!("nothing of `{module}` is used: the import `{alias}` does nothing");
                    (message, "take it out".to_owned())
                };
                self.say("R053", at, "import".len(), message, Some(help));
            }
        }
    }

    pub(super) fn say(&mut self, code: &'static str, at: At, length: usize, message: String, help: Option<String>) {
        let start = Position { line: at.line().unwrap_or(1), column: at.position().unwrap_or(1) };
        let end = Position { column: start.column + length.max(1), ..start };
        let one = Diagnostic { help, ..Diagnostic::between(code, self.file, [start, end], message) };
        if !self.found.contains(&one) {
            self.found.push(one);
        }
    }

    pub(super) fn text_at(&self, at: At) -> &'a str {
        let line = self.source.lines().nth(at.line().unwrap_or(1) - 1).unwrap_or_default();
        let skipped = line.char_indices().nth(at.position().unwrap_or(1) - 1).map_or(line.len(), |(byte, _)| byte);
        line.get(skipped..).unwrap_or_default()
    }

    pub(super) fn function(&mut self, function: &'a Function) {
        let entry = match self.kind {
            Kindred::Merge { account, anonymous } if function.name == "merge" => {
                let (shape, says_all) = account;
                let account = Type::MayBeUnit(Box::new(Type::Shape(shape, !says_all)));
                vec![account, Type::Shape(anonymous, false), Type::Fixed(CONTEXT)]
            }
            Kindred::Guard if function.name == "authorize" => vec![Type::Fixed(REQUEST)],
            _ => Vec::new(),
        };
        let is_entry = match self.kind {
            Kindred::Merge { .. } => function.name == "merge",
            Kindred::Guard => function.name == "authorize",
            Kindred::Library => false,
        };
        self.guarded = false;
        self.compared = false;
        self.in_entry = is_entry;
        self.call_of(function, &entry);
        self.in_entry = false;
        if is_entry {
            self.yields(&function.body);
        }
    }

    pub(super) fn call_of(&mut self, function: &'a Function, types: &[Type<'s>]) {
        if !self.seen.insert(function.name.clone()) && is_closure(function) {
            return;
        }
        let in_entry = self.in_entry;
        self.in_entry = in_entry && !is_closure(function);
        let params = function.params.iter().enumerate().map(|(index, name)| Variable {
            name: name.clone(),
            held: types.get(index).cloned().unwrap_or(Type::Open),
            at: At::NONE,
            used: true,
            is_constant: false,
        });
        self.scopes.push(params.collect());
        self.block(&function.body);
        self.leave();
        self.in_entry = in_entry;
    }

    pub(super) fn leave(&mut self) {
        for variable in self.scopes.pop().unwrap_or_default() {
            if !variable.used && !variable.name.starts_with('_') && !variable.at.is_none() {
                let message = format!("`{}` is never used", variable.name);
                let start = self.found.len();
                self.say("R054", variable.at, variable.name.len(), message, None);
                for one in self.found.iter_mut().skip(start) {
                    one.severity = Severity::Warning;
                }
            }
        }
    }

    pub(super) fn block(&mut self, statements: &'a [Stmt]) {
        for (index, statement) in statements.iter().enumerate() {
            self.statement(statement);
            let rest = statements.get(index + 1..).unwrap_or_default();
            if let Some(next) = rest
                .iter()
                .find(|next| !matches!(next, Stmt::Noop(_)))
                .filter(|_| ends(statement, &self.tree.functions))
            {
                // what an endless loop hides is its own mistake
                if matches!(statement, Stmt::While(..)) {
                    return;
                }
                let at = first_of(next);
                let length = self.text_at(at).trim_end().chars().count();
                self.say("R050", at, length, "this is never reached".to_owned(), Some("take it out".to_owned()));
                return;
            }
        }
    }

    pub(super) fn nested(&mut self, statements: &'a [Stmt], variables: Vec<Variable<'s>>) {
        self.scopes.push(variables);
        self.block(statements);
        self.leave();
    }

    pub(super) fn statement(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Var(both, flags, _) => {
                let held = self.expr(&both.1);
                let (name, at) = (both.0.name.to_string(), both.0.pos);
                let is_constant = flags.contains(rhai::ASTFlags::CONSTANT);
                self.define(Variable { name, held, at, used: false, is_constant });
            }
            Stmt::Assignment(both) => {
                let held = self.expr(&both.1.rhs);
                self.written(&both.1.lhs);
                match ast::variable(&both.1.lhs) {
                    Some(name) => self.assign(name, &both.1.lhs, held),
                    None => drop(self.chain(&both.1.lhs, true)),
                }
            }
            Stmt::Expr(expr) => drop(self.expr(expr)),
            Stmt::FnCall(call, at) => drop(self.call(call, *at)),
            Stmt::If(flow, _) => {
                self.condition(&flow.expr);
                self.nested(flow.body.statements(), Vec::new());
                self.nested(flow.branch.statements(), Vec::new());
            }
            Stmt::While(flow, at) => self.looped(flow, *at),
            Stmt::Do(flow, flags, at) => self.repeated(flow, *flags, *at),
            Stmt::For(all, _) => {
                let held = self.expr(&all.2.expr).items();
                let variable = |name: &rhai::Ident, held| Variable {
                    name: name.name.to_string(),
                    held,
                    at: At::NONE,
                    used: true,
                    is_constant: false,
                };
                let mut variables = vec![variable(&all.0, held)];
                variables.extend(all.1.iter().map(|counter| variable(counter, Type::Open)));
                self.nested(all.2.body.statements(), variables);
            }
            Stmt::Switch(both, _) => {
                let held = self.condition(&both.0);
                self.compared |= matches!(held, Type::MayBeUnit(_));
                for case in &both.1.expressions {
                    self.expr(&case.lhs);
                    self.expr(&case.rhs);
                }
            }
            Stmt::Block(block) => self.nested(block.statements(), Vec::new()),
            Stmt::Return(None, flags, at) if self.in_entry && !flags.contains(rhai::ASTFlags::BREAK) => {
                self.no_value(*at);
            }
            Stmt::TryCatch(flow, _) => self.tried(flow),
            Stmt::BreakLoop(value, _, _) | Stmt::Return(value, _, _) => {
                if let Some(value) = value {
                    self.expr(value);
                }
            }
            Stmt::Import(both, at) => {
                if let Expr::StringConstant(module, _) = &both.0 {
                    self.imports.push((both.1.name.to_string(), module.to_string(), *at, false));
                }
            }
            _ => {}
        }
    }

    fn looped(&mut self, flow: &'a FlowControl, at: At) {
        if is_endless(&flow.expr) && !leaves_loop(flow.body.statements(), &self.tree.functions) {
            let help = "add a `break`, or write `for`".to_owned();
            let word = if matches!(flow.expr, Expr::Unit(_)) { "loop" } else { "while" };
            self.say("R052", at, word.len(), format!("this `{word}` never ends: it has no `break`"), Some(help));
        } else {
            self.expr(&flow.expr);
        }
        self.nested(flow.body.statements(), Vec::new());
    }

    fn repeated(&mut self, flow: &'a FlowControl, flags: rhai::ASTFlags, at: At) {
        // rhai keeps `do … until` as a flag
        let until = flags.contains(rhai::ASTFlags::NEGATED);
        let is_endless = matches!(flow.expr, Expr::BoolConstant(value, _) if value != until);
        if is_endless && !leaves_loop(flow.body.statements(), &self.tree.functions) {
            let message = "this `do` never ends: it has no `break`".to_owned();
            self.say("R052", at, "do".len(), message, Some("add a `break`, or write `for`".to_owned()));
        }
        self.nested(flow.body.statements(), Vec::new());
        self.expr(&flow.expr);
    }

    /// An expression that says which way a script goes.
    fn condition(&mut self, expr: &'a Expr) -> Type<'s> {
        let before = std::mem::replace(&mut self.in_condition, true);
        let held = self.expr(expr);
        self.in_condition = before;
        held
    }

    fn tried(&mut self, flow: &'a FlowControl) {
        let before = std::mem::replace(&mut self.compared, true);
        self.nested(flow.body.statements(), Vec::new());
        self.compared = before;
        let caught = match &flow.expr {
            Expr::Variable(own, _, _) => {
                let name = own.1.to_string();
                vec![Variable { name, held: Type::Open, at: At::NONE, used: true, is_constant: false }]
            }
            _ => Vec::new(),
        };
        self.nested(flow.branch.statements(), caught);
    }

    pub(super) fn define(&mut self, variable: Variable<'s>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(variable);
        }
    }

    pub(super) fn find(&mut self, name: &str) -> Option<&mut Variable<'s>> {
        self.scopes.iter_mut().rev().flat_map(|scope| scope.iter_mut().rev()).find(|variable| variable.name == name)
    }

    pub(super) fn assign(&mut self, name: &str, expr: &'a Expr, held: Type<'s>) {
        match self.find(name) {
            Some(variable) => variable.held = held,
            None => {
                let at = expr.position();
                let names: Vec<&str> = self.scopes.iter().flatten().map(|one| one.name.as_str()).collect();
                if foreign(name).is_some() || nearest(name, &names).is_some() {
                    self.undefined(name, at);
                } else {
                    let message = format!("undefined variable `{name}`");
                    self.say("R012", at, name.len(), message, Some(format!("write `let {name} = …`")));
                }
                self.define_unknown(name, held);
            }
        }
    }

    /// Whether a script has a constant of this name outside its functions.
    fn constant(&self, name: &str) -> bool {
        let is_it = |one: &Stmt| matches!(one, Stmt::Var(both, flags, _) if both.0.name == name && flags.contains(rhai::ASTFlags::CONSTANT));
        self.tree.statements.iter().any(is_it)
    }

    /// A constant is not written, and nothing in it.
    fn written(&mut self, target: &Expr) {
        let (base, _) = ast::chain(target);
        let Some(name) = ast::variable(base).map(ToString::to_string) else { return };
        if self.find(&name).is_some_and(|variable| variable.is_constant) {
            let message = format!("`{name}` is a constant: `const` holds it and what is in it");
            self.say("R001", base.position(), name.len(), message, Some(format!("define it with `let {name}`")));
        }
    }

    pub(super) fn undefined(&mut self, name: &str, at: At) {
        let names: Vec<String> = self.scopes.iter().flatten().map(|variable| variable.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Some(import) = self.imports.iter_mut().find(|(own, ..)| own == name) {
            import.3 = true;
            let message = format!("`{name}` is a module, and no value");
            return self.say("R012", at, name.len(), message, Some(format!("write `{name}::`")));
        }
        let help = match foreign(name) {
            Some(ours) => format!("write `{ours}`"),
            None if self.constant(name) => {
                format!("write `global::{name}`: a function sees no constant by its name alone")
            }
            None if names.is_empty() => "define it with `let`".to_owned(),
            None => suggestion(name, &names),
        };
        self.say("R012", at, name.len(), format!("undefined variable `{name}`"), Some(help));
        self.define_unknown(name, Type::Open);
    }

    /// What was said of a name is said once.
    fn define_unknown(&mut self, name: &str, held: Type<'s>) {
        let name = name.to_owned();
        self.define(Variable { name, held, at: At::NONE, used: true, is_constant: false });
    }
}

pub(super) fn is_closure(function: &Function) -> bool {
    function.name.starts_with("anon$")
}
