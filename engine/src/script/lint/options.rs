//! Calls of merge functions: their options, read as a call would read them, and the members that they name.

use rhai::{Expr, FnCallExpr, Position as At};

use super::shapes::{Shapes, Type};
use crate::diagnostic::{Help, ScriptProblem, nearest, suggestion};
use crate::json::{Document, Kind, Place};
use crate::merge::{self, Function as Library, Gives, OptionErrorKind, OptionSpec, Takes};
use crate::script::ast;

impl<'p, 's> Shapes<'p, '_, '_, '_, 's> {
    /// Options of a merge function that are written out.
    pub(super) fn options(&mut self, function: Library, call: &'p FnCallExpr, types: &[Type<'s>]) {
        let name = function.name;
        // an object for the visitor's side may be written out, but not where lists are merged
        let sides = function.sides.into_iter().flatten().filter_map(|side| call.args.get(side));
        let early = sides.into_iter().find(|one| matches!(one, Expr::Map(members, _) if !members.0.is_empty()));
        if let Some(early) = early.filter(|_| function.gives == Gives::List && function.options.is_some()) {
            let (function, signature) = (name.to_owned(), function.signature.to_owned());
            return self.report.add(early.position(), 2, ScriptProblem::OptionsNotLast { function, signature });
        }
        let Some(taken) = function.options else { return };
        // `()` is no options
        let given = call.args.get(taken.argument).filter(|given| !matches!(given, Expr::Unit(_)));
        let Some(options) = given else { return };
        let before = self.report.found.len();
        let anonymous =
            function.sides.and_then(|[_, anonymous]| types.get(anonymous)).cloned().unwrap_or_else(Type::unknown);
        let specs = taken.takes.options();
        let written = ast::members(options).unwrap_or_default();
        let is_option = |name: &str| specs.iter().any(|option| option.name == name);
        let is_strategy = taken.or_strategy && !written.iter().any(|(own, ..)| is_option(own));
        if taken.takes == Takes::Strategies || is_strategy {
            self.strategies(options, &anonymous);
        } else {
            for (option, at, value) in written {
                self.option(function, specs, (&option, at, value), &anonymous.items());
            }
        }
        if self.report.found.len() == before {
            self.read_options(function, options);
        }
    }

    fn option(&mut self, function: Library, specs: &[OptionSpec], written: (&str, At, &'p Expr), items: &Type<'s>) {
        let (name, at, value) = written;
        let Some(spec) = specs.iter().find(|option| option.name == name) else {
            let names: Vec<&str> = specs.iter().map(|option| option.name).collect();
            let (function, option) = (function.name.to_owned(), name.to_owned());
            let problem = ScriptProblem::UnknownOption { function, option, help: Some(suggestion(name, &names)) };
            return self.report.add(at, name.len(), problem);
        };
        if ast::closure(value).is_some() {
            let is_key = spec.takes == Takes::Key;
            let help = if is_key { "name the member: `key: \"sku\"`" } else { "write a value" };
            let option = name.to_owned();
            let problem = ScriptProblem::ClosureOption { option, help: Some(Help::from(help)) };
            return self.report.add(value.start_position(), 1, problem);
        }
        match spec.takes {
            Takes::Key => self.key(value, items),
            Takes::Strategies => self.strategies(value, items),
            _ => {}
        }
    }

    /// Reads options that are written out as a call would, so that what it refuses is said at its place.
    fn read_options(&mut self, function: Library, options: &'p Expr) {
        let Some((text, places)) = ast::literal(options) else { return };
        let Ok(document) = Document::read(text.as_bytes()) else { return };
        let Err(error) = merge::options(function, document.root()) else { return };
        let Some(span) = error.view.place().map(Place::span) else { return };
        let Some((_, at)) = places.iter().find(|(offset, _)| *offset == span.start) else { return };
        let named = places.iter().rev().find(|(offset, _)| *offset < span.start).map(|(offset, _)| *offset);
        let named = named.and_then(|offset| text.get(offset..span.start)?.strip_suffix("\":")?.strip_prefix('"'));
        let sentence = error.problem.sentence(None);
        let message = named.map_or(sentence.clone(), |name| format!("`{name}`: {sentence}"));
        let help = error.problem.help();
        let problem = match error.problem.kind() {
            OptionErrorKind::Strategy => ScriptProblem::WrongStrategy { message, help },
            _ => ScriptProblem::WrongOption { message, help },
        };
        // JSON has a name in quotation marks, a script need not
        let is_name = text.get(span.clone()).is_some_and(|own| own.starts_with('"') && own.ends_with('"'));
        let length = if is_name { span.len() - 2 } else { span.len() };
        self.report.add(*at, length, problem);
    }

    fn key(&mut self, value: &'p Expr, items: &Type<'s>) {
        let Some(shape) = items.strict_shape() else { return };
        let declared = shape.names();
        if shape.is_open() || declared.is_empty() || !shape.only(Kind::Object) {
            return;
        }
        let names = paths(value);
        let has = |name: &str| {
            let first = name.split('.').next().unwrap_or_default();
            declared.contains(&first) || self.is_written(first)
        };
        if let Some((name, at)) = names.iter().find(|(name, _)| !has(name)) {
            let (own, help) = ((*name).to_owned(), Some(suggestion(name, &declared)));
            let problem = match names.as_slice() {
                [_] => ScriptProblem::NoKey { name: own, help },
                _ => ScriptProblem::NoKeyMember { name: own, help },
            };
            self.report.add(*at, name.len() + 2, problem);
        }
    }

    fn strategies(&mut self, value: &'p Expr, items: &Type<'s>) {
        for (member, at, strategy) in ast::members(value).unwrap_or_default() {
            if let Some(shape) = items.strict_shape() {
                let declared = shape.names();
                let is_known = !shape.is_open() && shape.only(Kind::Object) && !declared.is_empty();
                if is_known && !declared.contains(&member.as_str()) && nearest(&member, &declared).is_some() {
                    let (length, help) = (member.len(), Some(suggestion(&member, &declared)));
                    self.report.add(at, length, ScriptProblem::UnknownItemMember { name: member, help });
                }
            }
            let name = match strategy {
                Expr::Array(all, _) => all.first(),
                other => Some(other),
            };
            if let Some(Expr::StringConstant(name, at)) = name
                && !merge::is_strategy(name)
            {
                let message = format!("unknown strategy `{name}`");
                let help = Some(suggestion(name, &merge::strategy_names()));
                self.report.add(*at, name.len() + 2, ScriptProblem::WrongStrategy { message, help });
            }
        }
    }
}

/// The member paths of a key, where they are written out.
fn paths(key: &Expr) -> Vec<(&str, At)> {
    match key {
        Expr::StringConstant(name, at) => vec![(name.as_str(), *at)],
        Expr::Array(all, _) => all.iter().flat_map(paths).collect(),
        Expr::Map(members, _) => {
            let is_path = |name: &str| matches!(merge::takes(name), Some(Takes::Path));
            members.0.iter().filter(|(name, _)| is_path(&name.name)).flat_map(|(_, value)| paths(value)).collect()
        }
        _ => Vec::new(),
    }
}
