//! Values that may be absent: what a script asks about them, and what it does without asking (R022).

use crate::diagnostic::{Help, ScriptProblem};
use rhai::{Expr, FnCallExpr, Position as At};

use super::{Shapes, Type};
use crate::merge::{Function as Library, Gives};
use crate::script::ast::{self, Link};
use crate::script::lint::Kinds;
use crate::script::lint::report::is_name;
use crate::script::natives;

impl<'p, 's> Shapes<'p, '_, '_, '_, 's> {
    /// Notes that a script asks about a value.
    pub(super) fn ask(&mut self, held: &Type<'s>) {
        // what is there has what holds it
        let mut path = held.path.as_deref();
        while let Some(own) = path {
            self.asked.insert(own.to_owned());
            path = own.rsplit_once('.').map(|(holder, _)| holder);
        }
    }

    /// Reads an expression that is asked about.
    pub(super) fn asking(&mut self, expr: &'p Expr) -> Type<'s> {
        let before = std::mem::replace(&mut self.in_condition, true);
        let held = self.value(expr);
        self.in_condition = before;
        held
    }

    /// Whether a method asks about members: `anonymous.contains("note")`, `anonymous.keys()`.
    pub(super) fn asks(&mut self, held: &Type<'s>, call: &'p FnCallExpr) -> bool {
        let name = call.name.as_str();
        let asks = Library::by_name(name).is_some_and(|own| own.gives == Gives::Boolean);
        if name == "type_of" || asks {
            self.ask(held);
            return true;
        }
        if !held.kinds.meets(Kinds::MAP) || !matches!(name, "contains" | "get" | "keys" | "values" | "len" | "is_empty")
        {
            return false;
        }
        let Some(path) = &held.path else { return false };
        match call.args.first() {
            Some(Expr::StringConstant(member, _)) => self.asked.insert(format!("{path}.{member}")),
            _ => self.asked.insert(format!("{path}.*")),
        };
        false
    }

    /// `"note" in anonymous`.
    pub(super) fn asks_in(&mut self, holder: &Type<'s>, member: &'p Expr) {
        if let (Some(path), Expr::StringConstant(member, _)) = (&holder.path, member) {
            self.asked.insert(format!("{path}.{member}"));
        }
    }

    pub(super) fn is_asked(&self, path: &str) -> bool {
        let all_of = path.rsplit_once('.').is_some_and(|(holder, _)| self.asked.contains(&format!("{holder}.*")));
        let name = path.rsplit_once('.').map(|(_, name)| name);
        let is_named = name.is_some_and(|name| self.facts.asked.contains(name));
        all_of || is_named || self.asked.contains(path) || self.asked.contains("*")
    }

    /// A value of which a member or method is reached, or a member written.
    pub(super) fn reached(
        &mut self,
        held: &Type<'s>,
        base: &'p Expr,
        links: &[Link<'p>],
        index: usize,
        is_target: bool,
    ) {
        let Some(link) = links.get(index).filter(|link| !link.is_optional() && held.may_be_absent) else { return };
        let Some(path) = held.path.clone().filter(|path| !self.is_asked(path)) else { return };
        // `()` has a few methods, too
        let method = if let Link::Method { call, .. } = link { natives::native(&call.name) } else { None };
        if method.is_some_and(|native| native.receivers.meets(Kinds::UNIT)) {
            return;
        }
        // once is enough
        self.asked.insert(path.clone());
        let is_account = path == "account" && index == 0;
        match (ast::variable(base), is_target) {
            (Some(name), true) if is_account => {
                let problem = ScriptProblem::AbsentAccountWritten { name: name.to_string() };
                self.report.add(base.position(), name.len(), problem);
            }
            (Some(name), _) if is_account => self.unguarded_account(name, held, base, link),
            _ => self.unguarded_member(held, base, links, index),
        }
    }

    fn unguarded_account(&mut self, name: &str, held: &Type<'s>, base: &Expr, link: &Link<'_>) {
        let (shown, length) = match link {
            Link::Member { name: member, .. } => {
                let text = self.report.rest_of_line(base.position());
                let brackets = text.get(name.len()..).filter(|rest| rest.starts_with('['));
                let brackets = brackets.and_then(|rest| rest.chars().position(|one| one == ']'));
                let length = brackets.map_or(1 + member.chars().count(), |end| end + 1);
                let shown =
                    if is_name(member) { format!("{name}?.{member}") } else { format!("{name}?[\"{member}\"]") };
                (shown, name.len() + length)
            }
            _ => (format!("{name} ?? {}", held.empty()), name.len()),
        };
        let replacement = match link {
            Link::Member { .. } => shown.clone(),
            _ => format!("({shown})"),
        };
        let mended = Help::replacing(format!("write `{shown}`"), replacement);
        self.report.add(
            base.position(),
            length,
            ScriptProblem::AbsentAccountRead { name: name.to_owned(), help: Some(mended) },
        );
    }

    fn unguarded_member(&mut self, held: &Type<'s>, base: &Expr, links: &[Link<'_>], index: usize) {
        // as it is written: a variable may stand for a longer path
        let names = links.iter().take(index).map(|link| match link {
            Link::Member { name, .. } => Some(name.as_str()),
            _ => None,
        });
        let names: Option<Vec<&str>> = names.collect();
        let written =
            ast::variable(base).zip(names).map(|(base, names)| [&[base.as_str()][..], &names].concat().join("."));
        let shown = written.unwrap_or_else(|| "this value".to_owned());
        let (length, hint) = match links.get(index) {
            Some(Link::Method { call, .. }) if call.args.is_empty() => {
                (shown.len(), format!("write `{shown}?.{}()`, or ask `{shown} != ()` first", call.name))
            }
            Some(Link::Method { .. }) => {
                (shown.len(), format!("ask `{shown} != ()` first, or write `({shown} ?? {})`", held.empty()))
            }
            Some(Link::Member { name, .. }) => (shown.len() + 1 + name.len(), format!("write `{shown}?.{name}`")),
            _ => (shown.len(), format!("ask `{shown} != ()` first")),
        };
        let at = base.start_position();
        let mended = match links.get(index) {
            Some(Link::Member { name, .. }) if self.is_written_so(at, &format!("{shown}.{name}")) => {
                Help::replacing(hint, format!("{shown}?.{name}"))
            }
            _ => hint.into(),
        };
        self.report.add(at, length, ScriptProblem::OptionalReached { shown, help: Some(mended) });
    }

    /// Whether a text is written at a place, so that it may be replaced.
    fn is_written_so(&self, at: At, text: &str) -> bool {
        self.report.rest_of_line(at).starts_with(text)
    }

    /// An optional value where an operator or a condition needs one that is there.
    pub(super) fn needed(&mut self, word: &str, held: &Type<'s>, expr: &Expr) {
        let Some(path) = held.path.clone().filter(|path| held.may_be_absent && !self.is_asked(path)) else { return };
        if path == "account" {
            return;
        }
        self.asked.insert(path);
        let Some(shown) = ast::path(expr) else { return };
        let (at, there) = (expr.start_position(), format!("{shown} ?? {}", held.empty()));
        let is_condition = matches!(word, "if" | "while" | "&&" | "||" | "!");
        let mended = if is_condition && !Kinds::BOOL.holds(held.kinds.without(Kinds::UNIT)) {
            "compare it, such as `… != ()`".into()
        } else if word != "+=" && self.is_written_so(at, &shown) {
            Help::replacing(format!("write `{there}`"), format!("({there})"))
        } else {
            format!("write `{there}`").into()
        };
        let (length, shown, operator) = (shown.len(), format!("`{shown}`"), word.to_owned());
        self.report.add(at, length, ScriptProblem::OptionalNeeded { shown, operator, help: Some(mended) });
    }

    /// What a `for` goes over.
    pub(super) fn iterated(&mut self, held: &Type<'s>, expr: &'p Expr) {
        let named = ast::path(expr);
        let shown = named.as_ref().map_or_else(|| "this".to_owned(), |path| format!("`{path}`"));
        let (at, length) = (expr.start_position(), named.as_ref().map_or(1, String::len));
        if held.kinds.excludes(Kinds::LIST.or(Kinds::STRING).or(Kinds::OTHER)) {
            let path = named.unwrap_or_else(|| "value".to_owned());
            let hint = if held.kinds.meets(Kinds::MAP) {
                format!("loop over its names: `for name in {path}.keys()`, with `{path}[name]`")
            } else {
                "write `range(0, n)`".to_owned()
            };
            let problem = ScriptProblem::NotIterable { shown, kinds: held.kinds.words(), help: Some(hint.into()) };
            return self.report.add(at, length, problem);
        }
        let Some(path) = held.path.clone().filter(|path| held.may_be_absent && !self.is_asked(path)) else { return };
        self.asked.insert(path);
        let there = format!("{} ?? []", shown.trim_matches('`'));
        let mended = if self.is_written_so(at, shown.trim_matches('`')) {
            Help::replacing(format!("write `{there}`"), there)
        } else {
            format!("write `{there}`").into()
        };
        let problem = ScriptProblem::OptionalNeeded { shown, operator: "for".to_owned(), help: Some(mended) };
        self.report.add(at, length, problem);
    }
}
