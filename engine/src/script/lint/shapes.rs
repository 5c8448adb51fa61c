//! What values are: shapes follow members, indexes, `??`, closures and methods.

use rhai::{Expr, FnCallExpr, Position as At};

use super::words::{SESSION, foreign};
use super::{Lint, Type};
use crate::diagnostic::{nearest, suggestion};
use crate::json::Kind;
use crate::script::ast::{self, Link};
use crate::script::natives::{self, is_native};

impl<'a, 's> Lint<'a, 's> {
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Type<'s> {
        match expr {
            Expr::Variable(own, _, at) => {
                if own.2.is_empty() {
                    let is_function = self.tree.functions.iter().any(|function| function.name == *own.1);
                    match self.find(&own.1) {
                        Some(variable) => {
                            variable.used = true;
                            return variable.held.clone();
                        }
                        None if is_function => self.function_as_value(&own.1, *at),
                        None => self.undefined(&own.1, *at),
                    }
                } else if let Some(alias) = own.2.path.iter().next() {
                    let alias: &rhai::Ident = alias;
                    self.alias(&alias.name, alias.pos);
                }
                Type::Open
            }
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr, false),
            Expr::FnCall(call, at) => self.call(call, *at),
            Expr::Coalesce(all, _) => {
                let first = all.first().map_or(Type::Open, |first| self.guarding(first));
                let others: Vec<_> = all.iter().skip(1).map(|other| self.expr(other)).collect();
                match first.there() {
                    Type::Open => others.into_iter().next().unwrap_or(Type::Open).there(),
                    known => known,
                }
            }
            Expr::And(all, _) | Expr::Or(all, _) => {
                all.iter().for_each(|one| drop(self.expr(one)));
                Type::Open
            }
            Expr::Array(all, _) => {
                all.iter().for_each(|one| drop(self.expr(one)));
                Type::Open
            }
            Expr::InterpolatedString(all, _) => {
                all.iter().for_each(|one| drop(self.expr(one)));
                Type::Open
            }
            Expr::Map(..) => {
                let members = ast::members(expr).unwrap_or_default();
                for (_, _, value) in members {
                    self.expr(value);
                }
                Type::Open
            }
            Expr::FloatConstant(_, at) => {
                self.too_large(*at);
                Type::Open
            }
            Expr::Stmt(block) => match ast::closure(expr) {
                Some((name, captured)) => self.closure(&name, captured, &[]),
                None => {
                    self.nested(block.statements(), Vec::new());
                    Type::Open
                }
            },
            _ => Type::Open,
        }
    }

    /// A function's name where a value should stand.
    fn function_as_value(&mut self, name: &str, at: At) {
        let message = format!("`{name}` is a function, and no value");
        self.say("R012", at, name.len(), message, Some(format!("write `|x| {name}(x)`")));
    }

    /// An integer that rhai reads as a fraction, because it has no room for it.
    fn too_large(&mut self, at: At) {
        // rhai takes a sign into the number
        let text = self.text_at(at).trim_start_matches(['-', '+', ' ']).to_owned();
        let digits: String = text.chars().take_while(|one| one.is_ascii_digit() || *one == '_').collect();
        let rest = text.get(digits.len()..).unwrap_or_default();
        if !digits.is_empty() && !rest.starts_with(['.', 'e', 'E']) {
            let message = format!("`{digits}` is larger than an integer of 64 bits can be");
            self.say("R013", at, digits.len(), message, Some("at most 9223372036854775807".to_owned()));
        }
    }

    pub(super) fn guarding(&mut self, expr: &'a Expr) -> Type<'s> {
        let before = std::mem::replace(&mut self.guarded, true);
        let held = self.expr(expr);
        self.guarded = before;
        held
    }

    pub(super) fn closure(&mut self, name: &str, captured: &'a [Expr], called: &[Type<'s>]) -> Type<'s> {
        let mut types: Vec<Type<'s>> = captured.iter().map(|one| self.expr(one)).collect();
        types.extend(called.iter().cloned());
        if let Some(function) = self.tree.functions.iter().find(|function| function.name == name) {
            self.call_of(function, &types);
        }
        Type::Open
    }

    pub(super) fn chain(&mut self, expr: &'a Expr, is_target: bool) -> Type<'s> {
        let (base, links) = ast::chain(expr);
        let is_defined = ast::variable(base).is_none_or(|name| self.find(name).is_some());
        let mut held = match ast::closure(base) {
            Some((name, captured)) => self.closure(&name, captured, &[]),
            None => self.expr(base),
        };
        let last = links.len().saturating_sub(1);
        for (index, link) in links.into_iter().enumerate() {
            if let Type::MayBeUnit(inner) = held {
                let asks = matches!(&link, Link::Method { call, .. } if call.name == "type_of");
                self.compared |= self.in_condition && link.is_optional();
                if index == 0 && is_target {
                    self.unwritten(base);
                } else if index == 0 && !link.is_optional() && !self.guarded && !asks {
                    self.unguarded(base, &link);
                }
                held = *inner;
            }
            held = match link {
                Link::Member { name, at, .. } => self.member(&held, &name, at, is_target && index == last),
                Link::Index { index, .. } => {
                    self.expr(index);
                    held.items()
                }
                Link::Method { call, at, .. } if is_defined => {
                    self.locked(base, call);
                    self.method(&held, call, at)
                }
                // of what is not defined, nothing more is said
                Link::Method { call, .. } => {
                    call.args.iter().for_each(|argument| drop(self.expr(argument)));
                    Type::Open
                }
            };
        }
        held
    }

    /// A closure that captures the value whose method is called with it: rhai holds that value until the method returns.
    fn locked(&mut self, base: &Expr, call: &FnCallExpr) {
        let Some(name) = ast::variable(base) else { return };
        let captures = |argument: &Expr| {
            let captured = ast::closure(argument).map(|(_, captured)| captured).unwrap_or_default();
            captured.iter().any(|own| ast::variable(own) == Some(name))
        };
        if call.args.iter().any(captures) {
            let message = format!(
                "a closure passed to a method of `{name}` uses `{name}`, which cannot be read until the method returns"
            );
            let help = format!("copy it before: `let copy = {name};`");
            self.say("R016", base.position(), name.len(), message, Some(help));
        }
    }

    /// What is written into a value that may be `()` goes nowhere.
    fn unwritten(&mut self, base: &Expr) {
        let Some(name) = ast::variable(base).filter(|_| !self.guarded && !self.compared) else { return };
        let message = format!("`{name}` is `()` at a first transfer, and nothing can be written into it then");
        self.say("R022", base.position(), name.len(), message, Some("let it begin as `account ?? #{}`".to_owned()));
        self.guarded = true;
    }

    pub(super) fn unguarded(&mut self, base: &Expr, link: &Link<'_>) {
        let Some(name) = ast::variable(base) else { return };
        let (shown, length) = match link {
            Link::Member { name: member, .. } => {
                let text = self.text_at(base.position());
                let brackets =
                    text.get(name.len()..).filter(|rest| rest.starts_with('[')).and_then(|rest| rest.find(']'));
                let length = brackets.map_or(1 + member.len(), |end| end + 1);
                (format!("{name}?.{member}"), name.len() + length)
            }
            _ => (format!("{name} ?? #{{}}"), name.len()),
        };
        let message = format!("`{name}` is `()` at a first transfer, and has no members then");
        self.say("R022", base.position(), length, message, Some(format!("write `{shown}`")));
        // once is enough
        self.guarded = true;
    }

    pub(super) fn member(&mut self, held: &Type<'s>, name: &str, at: At, is_target: bool) -> Type<'s> {
        match held {
            Type::Shape(shape, false)
                if shape.only(Kind::Array) && !["len", "is_empty"].contains(&name) && !is_target =>
            {
                let hint =
                    foreign(name).map_or("write `[i]`, or a method".to_owned(), |ours| format!("write `{ours}`"));
                self.say("R020", at, name.len(), format!("a list has no member `{name}`"), Some(hint));
                Type::Open
            }
            Type::Shape(shape, soft) => {
                let declared: Vec<&str> = shape.names();
                if let Some(member) = shape.member(name) {
                    return Type::Shape(member, *soft);
                }
                let known = !shape.is_open() && shape.only(Kind::Object) && !declared.is_empty();
                let near = nearest(name, &declared);
                if known && !is_target && (!soft || near.is_some()) {
                    let quoted = self.text_at(at).starts_with('"');
                    let at = if quoted { At::new(line(at), column(at) + 1) } else { at };
                    let message = format!("unknown member `{name}`: the schema has none of this name");
                    self.say("R020", at, name.len(), message, Some(suggestion(name, &declared)));
                }
                Type::Open
            }
            Type::Fixed((own, names)) => {
                if !names.contains(&name) {
                    let message = format!("`{own}` has no member `{name}`");
                    self.say("R020", at, name.len(), message, Some(suggestion(name, names)));
                }
                if name == "session" { Type::Fixed(SESSION) } else { Type::Open }
            }
            _ => Type::Open,
        }
    }

    pub(super) fn method(&mut self, held: &Type<'s>, call: &'a FnCallExpr, at: At) -> Type<'s> {
        let name = call.name.as_str();
        let mut given = Vec::new();
        for argument in &call.args {
            if let Some((closure, captured)) = ast::closure(argument) {
                let item = match held {
                    Type::Shape(shape, _) if shape.only(Kind::Array) => vec![held.items()],
                    _ => Vec::new(),
                };
                self.closure(&closure, captured, &item);
            } else {
                given.push(self.expr(argument));
            }
        }
        let own = self.tree.functions.iter().any(|function| function.name == name);
        // a member of a map may be a closure
        let is_member = matches!(held, Type::Open) && self.source.contains(&format!("{name}: |"));
        if !own && !is_native(name) && !is_member {
            let known: Vec<&str> = natives::methods().collect();
            let hint = foreign(name).map_or_else(|| suggestion(name, &known), |ours| format!("write `{ours}`"));
            self.say("R010", at, name.len(), format!("unknown method `{name}`"), Some(hint));
        } else if !own && is_native(name) {
            self.counted(name, call.args.len() + 1, at);
        }
        match name {
            "filter" | "drain" | "retain" | "sort" | "order" | "dedup" | "extract" => held.clone(),
            "find" | "pop" | "shift" => held.items(),
            _ => Type::Open,
        }
    }
}

fn line(at: At) -> u16 {
    at.line().and_then(|line| u16::try_from(line).ok()).unwrap_or(1)
}

fn column(at: At) -> u16 {
    at.position().and_then(|column| u16::try_from(column).ok()).unwrap_or(1)
}
