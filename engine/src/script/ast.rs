//! A script's syntax tree, as the tools for rule authors walk it. The only module that reads rhai's internals.

use super::sandbox::EXPRESSION_LEVELS_MAX;
use crate::json::{Json, Position as JsonPosition};
use rhai::{AST, Engine, Expr, FnCallExpr, ImmutableString, OptimizationLevel, ParseError, Position, Stmt, Token};

/// A function of a script, closures among them.
pub(super) struct Function {
    pub(super) name: String,
    /// Where its name stands; a closure has none.
    pub(super) at: Position,
    pub(super) params: Vec<String>,
    pub(super) body: Vec<Stmt>,
    /// Whether only its own file may call it.
    pub(super) is_private: bool,
}

/// The functions of a script and its other statements.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) functions: Vec<Function>,
    pub(super) statements: Vec<Stmt>,
    /// Members that the script writes: each may hold a closure, and be called.
    pub(super) closures: Vec<String>,
    /// What is imported, and where the module's name stands: a name where it is a literal.
    pub(super) imports: Vec<(Option<String>, Position)>,
}

/// An engine that parses and does nothing else; rhai's own depths differ between debug and release builds.
fn parser() -> Engine {
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_expr_depths(EXPRESSION_LEVELS_MAX.0, EXPRESSION_LEVELS_MAX.1);
    engine
}

/// Parses a script as it is written: nothing is folded, and names are not looked up.
pub(super) fn parse(source: &str) -> Result<Tree, ParseError> {
    let ast = parser().compile(source)?;
    let statements = ast.statements().to_vec();
    let (mut closures, mut imports) = (Vec::new(), Vec::new());
    ast.walk(&mut |path| {
        match path.last() {
            Some(rhai::ASTNode::Expr(map @ Expr::Map(..))) => {
                closures.extend(members(map).unwrap_or_default().into_iter().map(|(name, ..)| name));
            }
            Some(rhai::ASTNode::Stmt(Stmt::Assignment(both))) => {
                if let Some(Link::Member { name, .. }) = chain(&both.1.lhs).1.pop() {
                    closures.push(name);
                }
            }
            Some(node) => imports.extend(import(node)),
            None => {}
        }
        true
    });
    Ok(Tree { functions: functions(&ast, &named(source)), statements, closures, imports })
}

/// The functions that a text defines, each with the place of its name, whether or not the text parses.
pub(super) fn named(source: &str) -> Vec<(String, Position)> {
    let tokens = tokens(source);
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [(Token::Fn, _), (Token::Identifier(name), at)] => Some((name.to_string(), *at)),
        _ => None,
    });
    pairs.collect()
}

/// Where a script defines a function: its name, and the place behind it.
#[must_use]
pub fn defined(source: &str, name: &str) -> Option<[JsonPosition; 2]> {
    let at = named(source).into_iter().find(|(own, _)| own == name)?.1;
    let start = JsonPosition { line: at.line()?, column: at.position()? };
    Some([start, JsonPosition { column: start.column + name.len(), ..start }])
}

/// What the `///` lines above a function say.
#[must_use]
pub fn documented(source: &str, name: &str) -> String {
    let above = defined(source, name).map_or(0, |[start, _]| start.line - 1);
    let lines: Vec<&str> = source.lines().take(above).collect();
    let said = lines.iter().rev().take_while(|line| line.starts_with("///"));
    let said: Vec<_> = said.map(|line| line.trim_start_matches('/').trim()).collect();
    said.into_iter().rev().collect::<Vec<_>>().join(" ")
}

/// The tokens of a text as rhai reads it, comments aside.
pub(super) fn tokens(source: &str) -> Vec<(Token, Position)> {
    let engine = Engine::new_raw();
    let input = [source];
    let (tokens, _control) = engine.lex(&input);
    tokens.take_while(|(token, _)| *token != Token::EOF).collect()
}

/// What a script imports, and where the module's name stands: a name where it is a literal.
pub(super) fn imports(source: &str) -> Vec<(Option<String>, Position)> {
    let mut found = Vec::new();
    each_node(source, &mut |node| found.extend(import(&node)));
    found
}

fn import(node: &rhai::ASTNode<'_>) -> Option<(Option<String>, Position)> {
    let rhai::ASTNode::Stmt(Stmt::Import(both, _)) = node else { return None };
    let name = if let Expr::StringConstant(name, _) = &both.0 { Some(name.to_string()) } else { None };
    Some((name, both.0.start_position()))
}

/// Visits every node of a script that parses, functions and closures among them.
pub(super) fn each_node(source: &str, visit: &mut dyn FnMut(rhai::ASTNode<'_>)) {
    if let Ok(ast) = parser().compile(source) {
        ast.walk(&mut |path| {
            path.last().copied().into_iter().for_each(&mut *visit);
            true
        });
    }
}

/// Whether a parameter of a function is read anywhere in a script, by its position.
pub(super) fn reads_parameter(source: &str, function: &str, position: usize) -> bool {
    let Ok(ast) = parser().compile(source) else { return true };
    let own = ast.iter_fn_def().find(|one| one.name == function);
    let Some(name) = own.and_then(|one| one.params.get(position)) else { return true };
    let mut reads = false;
    ast.walk(&mut |path| {
        reads |= matches!(path.last(), Some(rhai::ASTNode::Expr(one)) if variable(one).is_some_and(|own| own == name));
        !reads
    });
    reads
}

/// The functions, each with the statements that stand in no smaller one.
fn functions(ast: &AST, named: &[(String, Position)]) -> Vec<Function> {
    let order = |at: Position| (at.line().unwrap_or(usize::MAX), at.position().unwrap_or(0));
    let span = |start: Position, end: Position| {
        // a closure without braces is one expression
        (order(start), order(if end.is_none() { start } else { end }))
    };
    let bodies = ast.iter_fn_def().map(|one| span(one.body.start_position(), one.body.end_position()));
    let spans: Vec<_> = bodies.collect();
    let mut bodies: Vec<Vec<Stmt>> = vec![Vec::new(); spans.len()];
    let top: Vec<_> = ast.statements().iter().map(|one| order(one.position())).collect();
    let mut seen = 0;
    ast.walk(&mut |path| {
        if let [rhai::ASTNode::Stmt(statement)] = path {
            seen += 1;
            // the script's own statements are walked first
            if seen > top.len() {
                let at = order(statement.position());
                let holds = |(start, end): &(_, _)| *start <= at && at <= *end;
                let inner = spans.iter().enumerate().filter(|(_, span)| holds(span)).max_by_key(|(_, span)| span.0);
                if let Some(body) = inner.and_then(|(index, _)| bodies.get_mut(index)) {
                    body.push((*statement).clone());
                }
            }
        }
        true
    });
    let named_before = |name: &str, start: (usize, usize)| {
        let before = named.iter().filter(|(own, at)| own == name && order(*at) < start);
        before.map(|(_, at)| *at).max_by_key(|at| order(*at)).unwrap_or(Position::NONE)
    };
    let with_bodies = ast.iter_fn_def().zip(bodies).zip(&spans);
    let mut functions: Vec<(_, Function)> = with_bodies
        .map(|((one, body), (start, _))| {
            let function = Function {
                name: one.name.to_string(),
                at: named_before(&one.name, *start),
                params: one.params.iter().map(ToString::to_string).collect(),
                body,
                is_private: one.access == rhai::FnAccess::Private,
            };
            (*start, function)
        })
        .collect();
    // rhai keeps them in no order
    functions.sort_by(|(one, function), (other, next)| (one, &function.name).cmp(&(other, &next.name)));
    functions.into_iter().map(|(_, function)| function).collect()
}

/// One step of a chain such as `account?.items[0].qty`.
pub(super) enum Link<'e> {
    Member { name: String, at: Position, optional: bool },
    Index { index: &'e Expr, optional: bool },
    Method { call: &'e FnCallExpr, at: Position, optional: bool },
}

impl Link<'_> {
    pub(super) fn is_optional(&self) -> bool {
        match self {
            Self::Member { optional, .. } | Self::Index { optional, .. } | Self::Method { optional, .. } => *optional,
        }
    }
}

/// A chain of members as an author writes it, such as `anonymous.items`; none where anything else is in it.
pub(super) fn path(expr: &Expr) -> Option<String> {
    let (base, links) = chain(expr);
    links.iter().try_fold(variable(base)?.to_string(), |path, link| match link {
        Link::Member { name, .. } => Some(format!("{path}.{name}")),
        _ => None,
    })
}

/// What a chain begins with, and its steps; no steps, if it is none.
pub(super) fn chain(expr: &Expr) -> (&Expr, Vec<Link<'_>>) {
    let mut links = Vec::new();
    let base = match expr {
        Expr::Dot(both, flags, _) => {
            step(&both.rhs, flags.contains(rhai::ASTFlags::NEGATED), &mut links);
            &both.lhs
        }
        Expr::Index(both, flags, _) => {
            let ends = flags.contains(rhai::ASTFlags::BREAK);
            index(&both.rhs, flags.contains(rhai::ASTFlags::NEGATED), ends, &mut links);
            &both.lhs
        }
        other => other,
    };
    (base, links)
}

fn step<'e>(expr: &'e Expr, optional: bool, links: &mut Vec<Link<'e>>) {
    match expr {
        Expr::Property(name, at) => links.push(Link::Member { name: name.2.to_string(), at: *at, optional }),
        Expr::MethodCall(call, at) => links.push(Link::Method { call, at: *at, optional }),
        Expr::Dot(both, flags, _) => {
            step(&both.lhs, optional, links);
            step(&both.rhs, flags.contains(rhai::ASTFlags::NEGATED), links);
        }
        Expr::Index(both, flags, _) => {
            step(&both.lhs, optional, links);
            let ends = flags.contains(rhai::ASTFlags::BREAK);
            index(&both.rhs, flags.contains(rhai::ASTFlags::NEGATED), ends, links);
        }
        _ => {}
    }
}

/// An index, and unless the chain ends here what follows it.
fn index<'e>(expr: &'e Expr, optional: bool, ends: bool, links: &mut Vec<Link<'e>>) {
    match expr {
        Expr::Dot(both, flags, _) if !ends => {
            index(&both.lhs, optional, true, links);
            step(&both.rhs, flags.contains(rhai::ASTFlags::NEGATED), links);
        }
        Expr::Index(both, flags, _) if !ends => {
            index(&both.lhs, optional, true, links);
            let ends = flags.contains(rhai::ASTFlags::BREAK);
            index(&both.rhs, flags.contains(rhai::ASTFlags::NEGATED), ends, links);
        }
        Expr::StringConstant(name, at) => links.push(Link::Member { name: name.to_string(), at: *at, optional }),
        other => links.push(Link::Index { index: other, optional }),
    }
}

/// The name of a function that a closure stands for, with what it captures.
pub(super) fn closure(expr: &Expr) -> Option<(String, &[Expr])> {
    match expr {
        Expr::DynamicConstant(value, _) => {
            let pointer = value.read_lock::<rhai::FnPtr>()?;
            Some((pointer.fn_name().to_owned(), &[]))
        }
        Expr::Stmt(block) => match block.statements() {
            [Stmt::Share(_), Stmt::Expr(curried)] => closure(curried),
            [Stmt::Share(_), Stmt::FnCall(call, _)] => curried(call),
            _ => None,
        },
        Expr::FnCall(call, _) => curried(call),
        _ => None,
    }
}

/// The closure that a call of `curry` makes.
pub(super) fn closure_call(call: &FnCallExpr) -> Option<(String, &[Expr])> {
    curried(call)
}

fn curried(call: &FnCallExpr) -> Option<(String, &[Expr])> {
    let (first, captured) = call.args.split_first().filter(|_| call.name == "curry")?;
    let (name, _) = closure(first)?;
    Some((name, captured))
}

/// The literal members of a map, with where their names stand.
pub(super) fn members(expr: &Expr) -> Option<Vec<(String, Position, &Expr)>> {
    let Expr::Map(members, _) = expr else { return None };
    Some(members.0.iter().map(|(name, value)| (name.name.to_string(), name.pos, value)).collect())
}

/// The name before a function, such as `money` of `money::cents`, and where it stands.
pub(super) fn namespace(call: &FnCallExpr) -> Option<(String, Position)> {
    call.namespace.path.iter().next().map(|one: &rhai::Ident| (one.name.to_string(), one.pos))
}

/// A variable's name, if it stands in no module.
pub(super) fn variable(expr: &Expr) -> Option<&ImmutableString> {
    match expr {
        Expr::Variable(own, _, _) if own.2.is_empty() => Some(&own.1),
        _ => None,
    }
}

/// An expression that is made of constants, as JSON text; beside it the place of each name and value, by offset.
pub(super) fn literal(expr: &Expr) -> Option<(String, Vec<(usize, Position)>)> {
    let (mut text, mut places) = (String::new(), Vec::new());
    write_literal(expr, &mut text, &mut places).then_some((text, places))
}

fn write_literal(expr: &Expr, text: &mut String, places: &mut Vec<(usize, Position)>) -> bool {
    places.push((text.len(), expr.start_position()));
    let quoted = |word: &str| Json::text(word).view().to_text();
    match expr {
        Expr::BoolConstant(value, _) => text.push_str(&value.to_string()),
        Expr::IntegerConstant(value, _) => text.push_str(&value.to_string()),
        Expr::FloatConstant(value, _) => text.push_str(&value.to_string()),
        Expr::StringConstant(value, _) => text.push_str(&quoted(value)),
        Expr::Unit(_) => text.push_str("null"),
        Expr::Array(items, _) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                if !write_literal(item, text, places) {
                    return false;
                }
            }
            text.push(']');
        }
        Expr::Map(..) => {
            text.push('{');
            for (index, (name, at, value)) in members(expr).unwrap_or_default().into_iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                places.push((text.len(), at));
                text.push_str(&quoted(&name));
                text.push(':');
                if !write_literal(value, text, places) {
                    return false;
                }
            }
            text.push('}');
        }
        _ => return false,
    }
    true
}
