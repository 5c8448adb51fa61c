//! Calls: functions that nobody defined, argument counts, and the options of the merge functions.

use rhai::{Expr, FnCallExpr, Position as At};

use super::words::{GUARD_VERBS, NOT_HERE, foreign};
use super::{Kindred, Lint, Type, is_closure};
use crate::diagnostic::{nearest, suggestion};
use crate::json::{Document, Kind, Place};
use crate::merge::{self, Function as Library, OptionErrorKind, Strategy};
use crate::script::ast;
use crate::script::natives::{self, MERGE_VERBS, is_native};

impl<'a, 's> Lint<'a, 's> {
    pub(super) fn alias(&mut self, alias: &str, at: At) -> Option<String> {
        if let Some(import) = self.imports.iter_mut().find(|(own, ..)| own == alias) {
            import.3 = true;
            return Some(import.1.clone());
        }
        // the script's own constants
        if alias == "global" {
            return None;
        }
        if let Some(import) = self.imports.iter().find(|(own, module, ..)| own.is_empty() && module.ends_with(alias)) {
            // that it has no name is said already
            return Some(import.1.clone());
        }
        let aliases: Vec<String> =
            self.imports.iter().map(|(own, ..)| own.clone()).filter(|own| !own.is_empty()).collect();
        let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
        let help =
            if aliases.is_empty() { "import a module of `lib/`".to_owned() } else { suggestion(alias, &aliases) };
        self.say("R014", at, alias.len(), format!("no module is imported as `{alias}`"), Some(help));
        None
    }

    pub(super) fn call(&mut self, call: &'a FnCallExpr, at: At) -> Type<'s> {
        let name = call.name.as_str();
        if call.op_token.is_some() {
            return self.operator(call);
        }
        if let Some((closure, captured)) = ast::closure_call(call) {
            return self.closure(&closure, captured, &[]);
        }
        if matches!(name, "type_of" | "is_blank") {
            self.counted(name, call.args.len(), at);
            if let Some(argument) = call.args.first() {
                self.guarding(argument);
                self.guarded |= self.may_be_unit(argument);
            }
            return Type::Open;
        }
        let types: Vec<Type<'s>> = call.args.iter().map(|argument| self.expr(argument)).collect();
        if let Some((alias, alias_at)) = ast::namespace(call) {
            self.of_module(&alias, alias_at, call, at);
            return Type::Open;
        }
        let count = call.args.len();
        if let Some(help) = NOT_HERE.iter().find(|(own, _)| *own == name).map(|(_, help)| *help) {
            self.say("R016", at, name.len(), format!("`{name}` is not allowed here"), Some(help.to_owned()));
            return Type::Open;
        }
        let own: Vec<usize> =
            self.tree.functions.iter().filter(|own| own.name == name).map(|own| own.params.len()).collect();
        if !own.is_empty() {
            // it may ask whether the account's value is there
            self.compared |= types.iter().any(|one| matches!(one, Type::MayBeUnit(_)));
            if !own.contains(&count) {
                let takes = own.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ");
                self.say("R011", at, name.len(), format!("`{name}` takes {takes} arguments, not {count}"), None);
            }
            return Type::Open;
        }
        if let Some(function) = Library::by_name(name) {
            return self.library(function, call, at, &types);
        }
        let (of_guards, of_merges) = (GUARD_VERBS.contains(&name), MERGE_VERBS.contains(&name));
        let is_guard = matches!(self.kind, Kindred::Guard);
        let allowed = if of_guards || of_merges { is_guard == of_guards } else { is_native(name) };
        if allowed {
            self.counted(name, count, at);
        } else {
            self.unknown_function(name, at);
        }
        Type::Open
    }

    /// Whether a function that is always there takes so many arguments, the value that it is called on among them.
    pub(super) fn counted(&mut self, name: &str, count: usize, at: At) {
        if let Some((least, most)) = natives::arguments(name).filter(|(least, most)| count < *least || count > *most) {
            let takes = if least == most { least.to_string() } else { format!("{least} to {most}") };
            self.say("R011", at, name.len(), format!("`{name}` takes {takes} arguments, not {count}"), None);
        }
    }

    /// Whether an expression is the account's value, by whatever name, which may be `()`.
    fn may_be_unit(&mut self, expr: &Expr) -> bool {
        let name = ast::variable(expr).map(ToString::to_string);
        name.and_then(|name| self.find(&name).map(|one| matches!(one.held, Type::MayBeUnit(_)))).unwrap_or(false)
    }

    pub(super) fn unknown_function(&mut self, name: &str, at: At) {
        let has = |module: &str| {
            self.modules.get(module).is_some_and(|functions| functions.iter().any(|(own, _)| own == name))
        };
        if let Some(import) = self.imports.iter_mut().find(|(_, module, ..)| has(module)) {
            import.3 = true;
            let (message, help) =
                (format!("`{name}` stands in the module `{}`", import.0), format!("{}::{name}", import.0));
            return self.say("R010", at, name.len(), message, Some(format!("write `{help}`")));
        }
        if MERGE_VERBS.contains(&name) {
            let message = format!("`{name}` ends a merge, and a guard decides");
            return self.say("R016", at, name.len(), message, Some("write `deny(\"reason\")`".to_owned()));
        }
        if GUARD_VERBS.contains(&name) {
            let message = format!("`{name}` decides, and a merge only merges");
            return self.say(
                "R016",
                at,
                name.len(),
                message,
                Some("write `skip(\"reason\")` to leave both as they are".to_owned()),
            );
        }
        let mut known: Vec<String> =
            self.tree.functions.iter().filter(|own| !is_closure(own)).map(|own| own.name.clone()).collect();
        match self.kind {
            Kindred::Guard => known.extend(GUARD_VERBS.map(str::to_owned)),
            _ => known.extend(
                Library::ALL.iter().map(|function| function.name.to_owned()).chain(MERGE_VERBS.map(str::to_owned)),
            ),
        }
        known.push("is_blank".to_owned());
        known.extend(natives::methods().map(str::to_owned));
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = match (foreign(name), nearest(name, &known).and_then(Library::by_name)) {
            (Some(ours), _) => format!("write `{ours}`"),
            (None, Some(function)) => format!("did you mean `{}`?", function.signature),
            (None, None) => suggestion(name, &known),
        };
        self.say("R010", at, name.len(), format!("unknown function `{name}`"), Some(help));
    }

    pub(super) fn of_module(&mut self, alias: &str, alias_at: At, call: &'a FnCallExpr, at: At) {
        let Some(module) = self.alias(alias, alias_at) else { return };
        let Some(functions) = self.modules.get(&module) else { return };
        let name = call.name.as_str();
        let counts: Vec<usize> = functions.iter().filter(|(own, _)| own == name).map(|(_, count)| *count).collect();
        if counts.is_empty() {
            let names: Vec<&str> = functions.iter().map(|(own, _)| own.as_str()).collect();
            let help = if names.is_empty() { None } else { Some(suggestion(name, &names)) };
            self.say("R010", at, name.len(), format!("`{module}` has no function `{name}`"), help);
        } else if !counts.contains(&call.args.len()) {
            let takes = counts.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ");
            let message = format!("`{name}` takes {takes} arguments, not {}", call.args.len());
            self.say("R011", at, name.len(), message, None);
        }
    }

    pub(super) fn operator(&mut self, call: &'a FnCallExpr) -> Type<'s> {
        let compares = matches!(call.name.as_str(), "==" | "!=");
        let with_unit = call.args.iter().any(|one| matches!(one, Expr::Unit(_)));
        for argument in &call.args {
            if compares && with_unit {
                self.guarding(argument);
            } else {
                self.expr(argument);
            }
        }
        self.compared |= compares && with_unit;
        self.guarded |= compares && with_unit && call.args.iter().any(|argument| self.may_be_unit(argument));
        Type::Open
    }

    pub(super) fn library(&mut self, function: Library, call: &'a FnCallExpr, at: At, types: &[Type<'s>]) -> Type<'s> {
        let (name, count) = (function.name, call.args.len());
        if matches!(self.kind, Kindred::Guard) && !matches!(name, "time_of" | "pick") {
            let message = format!("`{name}` merges, and a guard only decides");
            self.say("R016", at, name.len(), message, Some(suggestion("", &GUARD_VERBS)));
            return Type::Open;
        }
        if count < function.least || count > function.most {
            let takes = if function.least == function.most {
                function.least.to_string()
            } else {
                format!("{} to {}", function.least, function.most)
            };
            let message = format!("`{name}` takes {takes} arguments, not {count}");
            self.say("R011", at, name.len(), message, Some(format!("write `{}`", function.signature)));
            return Type::Open;
        }
        let options = match name {
            "keyed_union" | "union" | "recent" | "concat" => call.args.get(2),
            "three_way" => call.args.get(3),
            _ => None,
        };
        let before = self.found.len();
        let early = call.args.iter().take(2).find(|one| matches!(one, Expr::Map(members, _) if !members.0.is_empty()));
        if let Some(early) = early.filter(|_| function.least > 1 && name != "merge_fields" && options.is_some()) {
            let message = format!("`{name}` takes its options last");
            self.say("R030", early.position(), 2, message, Some(format!("write `{}`", function.signature)));
            return Type::Open;
        }
        if let Some(members) = options.and_then(ast::members) {
            let items = types.get(if name == "three_way" { 2 } else { 1 }).map_or(Type::Open, Type::items);
            self.options(name, members, &items);
        }
        let fields = call.args.get(2).filter(|_| name == "merge_fields");
        if let Some(fields) = fields {
            self.strategies(fields, types.get(1).unwrap_or(&Type::Open));
        }
        if let Some(options) = options.or(fields).filter(|_| self.found.len() == before) {
            self.read_options(function, options);
        }
        match name {
            "keyed_union" | "union" | "recent" | "concat" | "coalesce" | "fill" | "merge_fields" => {
                let known = types.iter().take(2).find(|one| matches!(one, Type::Shape(..) | Type::MayBeUnit(_)));
                match known.cloned().map(Type::there) {
                    Some(Type::Shape(shape, _)) => Type::Shape(shape, true),
                    _ => Type::Open,
                }
            }
            _ => Type::Open,
        }
    }

    /// Reads options that are written out as a call would, so that what it refuses is said at its place.
    fn read_options(&mut self, function: Library, options: &'a Expr) {
        let Some((text, places)) = ast::literal(options) else { return };
        let Ok(document) = Document::read(text.as_bytes()) else { return };
        let Err(error) = merge::options(function, document.root()) else { return };
        let Some(span) = error.view.place().map(Place::span) else { return };
        let Some((_, at)) = places.iter().find(|(offset, _)| *offset == span.start) else { return };
        let code = if error.kind == OptionErrorKind::Strategy { "R031" } else { "R030" };
        let named = places.iter().rev().find(|(offset, _)| *offset < span.start).map(|(offset, _)| *offset);
        let named = named.and_then(|offset| text.get(offset..span.start)?.strip_suffix("\":")?.strip_prefix('"'));
        let message = named.map_or(error.message.clone(), |name| format!("`{name}`: {}", error.message));
        self.say(code, *at, span.len(), message, error.help);
    }

    pub(super) fn options(&mut self, function: &'static str, members: Vec<(String, At, &'a Expr)>, items: &Type<'s>) {
        let valid: &[&str] = match function {
            "keyed_union" => &["first", "key", "limit", "on_match", "otherwise"],
            "recent" => &["at", "clamp", "key", "limit"],
            "three_way" => &["conflict", "key", "limit", "on_match"],
            _ => &["first", "limit"],
        };
        for (name, at, value) in members {
            if !valid.contains(&name.as_str()) {
                let message = format!("`{function}` has no option `{name}`");
                self.say("R030", at, name.len(), message, Some(suggestion(&name, valid)));
            } else if name == "key" {
                self.key(value, items);
            } else if name == "on_match" {
                self.strategies(value, items);
            }
        }
    }

    pub(super) fn key(&mut self, value: &'a Expr, items: &Type<'s>) {
        let Type::Shape(shape, false) = items else { return };
        let declared = shape.names();
        if shape.is_open() || declared.is_empty() || !shape.only(Kind::Object) {
            return;
        }
        let names: Vec<(&str, At)> = match value {
            Expr::StringConstant(name, at) => vec![(name.as_str(), *at)],
            Expr::Array(all, _) => {
                let texts = all.iter().filter_map(|one| match one {
                    Expr::StringConstant(name, at) => Some((name.as_str(), *at)),
                    _ => None,
                });
                texts.collect()
            }
            _ => return,
        };
        let has = |name: &str| declared.contains(&name.split('.').next().unwrap_or_default());
        if let Some((name, at)) = names.iter().find(|(name, _)| !has(name)) {
            let all = if names.len() == 1 { ": every item is dropped" } else { "" };
            let message = format!("no item has a member `{name}`{all}");
            self.say("R032", *at, name.len() + 2, message, Some(suggestion(name, &declared)));
        }
    }

    pub(super) fn strategies(&mut self, value: &'a Expr, items: &Type<'s>) {
        for (member, at, strategy) in ast::members(value).unwrap_or_default() {
            if let Type::Shape(shape, false) = items {
                let declared = shape.names();
                let known = !shape.is_open() && shape.only(Kind::Object) && !declared.is_empty();
                if known && !declared.contains(&member.as_str()) && nearest(&member, &declared).is_some() {
                    let message = format!("no item has a member `{member}`");
                    self.say("R020", at, member.len(), message, Some(suggestion(&member, &declared)));
                }
            }
            let name = match strategy {
                Expr::Array(all, _) => all.first(),
                other => Some(other),
            };
            if let Some(Expr::StringConstant(name, at)) = name {
                let valid = [&Strategy::NAMES[..], &["highest", "keyed_union", "lowest"]].concat();
                if !valid.contains(&name.as_str()) && name != "add" {
                    let message = format!("unknown strategy `{name}`");
                    self.say("R031", *at, name.len() + 2, message, Some(suggestion(name, &valid)));
                }
            }
        }
    }
}
