//! Calls of merge functions: their options, read as a call would read them, and the members that they name.

use rhai::{Expr, FnCallExpr, Position as At};

use super::shapes::{Shapes, Type};
use crate::diagnostic::{Code, nearest, suggestion};
use crate::json::{Document, Kind, Place};
use crate::merge::{self, Function as Library, Gives, OptionErrorKind};
use crate::script::ast;

impl<'p, 's> Shapes<'p, '_, '_, '_, 's> {
    /// Options of a merge function that are written out.
    pub(super) fn options(&mut self, function: Library, call: &'p FnCallExpr, types: &[Type<'s>]) {
        let name = function.name;
        // an object for the visitor's side may be written out, but not where lists are merged
        let sides = function.sides.into_iter().flatten().filter_map(|side| call.args.get(side));
        let early = sides.into_iter().find(|one| matches!(one, Expr::Map(members, _) if !members.0.is_empty()));
        if let Some(early) = early.filter(|_| function.gives == Gives::List && function.options.is_some()) {
            let message = format!("`{name}` takes its options last");
            let help = format!("write `{}`", function.signature);
            return self.report.error(Code::R030, early.position(), 2, message, Some(help.into()));
        }
        let Some(options) = function.options.and_then(|options| call.args.get(options.argument)) else { return };
        let before = self.report.found.len();
        let anonymous =
            function.sides.and_then(|[_, anonymous]| types.get(anonymous)).cloned().unwrap_or_else(Type::unknown);
        let names = function.options.map(|options| options.names).unwrap_or_default();
        let written = ast::members(options).unwrap_or_default();
        // an object of strategies, as `merge_fields` takes it, and `each` in place of its options
        let is_fields =
            names.is_empty() || (name == "each" && !written.iter().any(|(own, ..)| names.contains(&own.as_str())));
        if is_fields {
            self.strategies(options, &anonymous);
        } else {
            for (option, at, value) in ast::members(options).unwrap_or_default() {
                self.option(function, names, (&option, at, value), &anonymous.items());
            }
        }
        if self.report.found.len() == before {
            self.read_options(function, options);
        }
    }

    fn option(&mut self, function: Library, names: &[&str], written: (&str, At, &'p Expr), items: &Type<'s>) {
        let (name, at, value) = written;
        if !names.contains(&name) {
            let message = format!("`{}` has no option `{name}`", function.name);
            return self.report.error(Code::R030, at, name.len(), message, Some(suggestion(name, names)));
        }
        if ast::closure(value).is_some() {
            let message = format!("the option `{name}` of `{}` is not a closure", function.name);
            let help = if name == "key" { "name the member: `key: \"sku\"`" } else { "write a value" };
            return self.report.error(Code::R030, value.start_position(), 1, message, Some(help.to_owned().into()));
        }
        match name {
            "key" => self.key(value, items),
            "on_match" => self.strategies(value, items),
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
        let code = if error.kind == OptionErrorKind::Strategy { Code::R031 } else { Code::R030 };
        let named = places.iter().rev().find(|(offset, _)| *offset < span.start).map(|(offset, _)| *offset);
        let named = named.and_then(|offset| text.get(offset..span.start)?.strip_suffix("\":")?.strip_prefix('"'));
        let sentence = error.sentence(None);
        let message = named.map_or(sentence.clone(), |name| format!("`{name}`: {sentence}"));
        self.report.error(code, *at, span.len(), message, error.help);
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
            let all = if names.len() == 1 { ": every item is dropped" } else { "" };
            let message = format!("no item has a member `{name}`{all}");
            self.report.error(Code::R032, *at, name.len() + 2, message, Some(suggestion(name, &declared)));
        }
    }

    fn strategies(&mut self, value: &'p Expr, items: &Type<'s>) {
        for (member, at, strategy) in ast::members(value).unwrap_or_default() {
            if let Some(shape) = items.strict_shape() {
                let declared = shape.names();
                let is_known = !shape.is_open() && shape.only(Kind::Object) && !declared.is_empty();
                if is_known && !declared.contains(&member.as_str()) && nearest(&member, &declared).is_some() {
                    let message = format!("no item has a member `{member}`");
                    self.report.error(Code::R020, at, member.len(), message, Some(suggestion(&member, &declared)));
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
                let help = suggestion(name, &merge::strategy_names());
                self.report.error(Code::R031, *at, name.len() + 2, message, Some(help));
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
            members.0.iter().filter(|(name, _)| name.name == "path").flat_map(|(_, value)| paths(value)).collect()
        }
        _ => Vec::new(),
    }
}
