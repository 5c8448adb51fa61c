//! Calls: functions that nobody defined, numbers of arguments, and what a script may not call.

use rhai::{FnCallExpr, Position as At};

use super::{Import, Names};
use crate::diagnostic::{Help, ScriptProblem, nearest, suggestion};
use crate::merge::Function as Library;
use crate::script::ast;
use crate::script::lint::words::{NOT_HERE, foreign};
use crate::script::lint::{ScriptKind, is_closure};
use crate::script::natives::{self, GUARD_VERBS, MERGE_VERBS};

impl<'p> Names<'p, '_, '_, '_, '_> {
    pub(super) fn alias(&mut self, alias: &str, at: At) -> Option<String> {
        // the script's own constants
        if alias == "global" {
            return None;
        }
        let is_it = |import: &&mut Import| import.alias == alias;
        if let Some(import) = self.imports.iter_mut().find(is_it) {
            import.is_used = true;
            return Some(import.module.clone());
        }
        let is_nameless = |import: &&Import| import.alias.is_empty() && import.module.ends_with(alias);
        if let Some(import) = self.imports.iter().find(is_nameless) {
            // that it has no name is said already
            return Some(import.module.clone());
        }
        let aliases: Vec<&str> =
            self.imports.iter().map(|import| import.alias.as_str()).filter(|own| !own.is_empty()).collect();
        let help = if aliases.is_empty() { "import a module of `lib/`".into() } else { suggestion(alias, &aliases) };
        // a part that does not parse may import it
        if self.given.is_whole {
            let problem = ScriptProblem::NotImported { alias: alias.to_owned(), help: Some(help) };
            self.report.add(at, alias.len(), problem);
        }
        None
    }

    pub(super) fn call(&mut self, call: &'p FnCallExpr, at: At) {
        if let Some((closure, captured)) = ast::closure_call(call) {
            self.shared(captured);
            return self.closure(&closure, captured.len());
        }
        self.each(&call.args);
        if call.op_token.is_some() {
            return;
        }
        let (name, count) = (call.name.as_str(), call.args.len());
        if let Some((alias, alias_at)) = ast::namespace(call) {
            return self.of_module(&alias, alias_at, call, at);
        }
        if let Some((_, help)) = NOT_HERE.iter().find(|(own, _)| *own == name) {
            let problem = ScriptProblem::NotAllowed { name: name.to_owned(), help: Some(Help::from(*help)) };
            return self.report.add(at, name.len(), problem);
        }
        if let Some(own) = self.given.own(name) {
            if !own.is_empty() && !own.contains(&count) {
                self.miscounted((name, &either(&own)), count, at, None);
            }
            return;
        }
        if let Some(function) = Library::by_name(name) {
            return self.library(function, count, at);
        }
        if self.is_outside && natives::is_verb(name) && self.given.has_entry {
            return self.report.add(at, name.len(), ScriptProblem::VerbOutside { name: name.to_owned() });
        }
        match self.given.allows_verb(name) {
            Some(false) => self.wrong_verb(name, at),
            _ if natives::native(name).is_some() => self.counted(name, count, at),
            _ => self.unknown_function(name, at),
        }
    }

    fn library(&mut self, function: Library, count: usize, at: At) {
        let name = function.name;
        if matches!(self.given.kind, ScriptKind::Guard) && self.given.has_entry && !function.is_helper() {
            let help = Some(suggestion("", &GUARD_VERBS));
            let problem = ScriptProblem::MergesInGuard { name: name.to_owned(), help };
            return self.report.add(at, name.len(), problem);
        }
        if !function.takes(count) {
            let help = Help::from(format!("write `{}`", function.signature));
            self.miscounted((name, &range(function.arguments)), count, at, Some(help));
        }
    }

    /// A call of a function with another number of arguments than it takes.
    fn miscounted(&mut self, (name, takes): (&str, &str), count: usize, at: At, help: Option<Help>) {
        let (length, name, takes) = (name.len(), name.to_owned(), takes.to_owned());
        self.report.add(at, length, ScriptProblem::Miscounted { name, takes, count, help });
    }

    /// Whether a function of the sandbox takes so many arguments, the value that it is called on among them.
    fn counted(&mut self, name: &str, count: usize, at: At) {
        let Some((least, most)) = natives::native(name).map(|native| native.arguments) else { return };
        if count < least || count > most {
            self.miscounted((name, &range((least, most))), count, at, None);
        }
    }

    fn wrong_verb(&mut self, name: &str, at: At) {
        let (length, name) = (name.len(), name.to_owned());
        let problem = if MERGE_VERBS.contains(&name.as_str()) {
            ScriptProblem::EndsMergeInGuard { name }
        } else {
            ScriptProblem::DecidesInMerge { name }
        };
        self.report.add(at, length, problem);
    }

    fn unknown_function(&mut self, name: &str, at: At) {
        let given = self.given;
        if let Some(variable) = self.find(name) {
            variable.is_used = true;
            return self.report.add(at, name.len(), ScriptProblem::CalledVariable { name: name.to_owned() });
        }
        let has = |module: &str| {
            let functions = given.modules.get(module).and_then(Option::as_ref);
            functions.is_some_and(|functions| functions.iter().any(|(own, _)| own == name))
        };
        if let Some(import) = self.imports.iter_mut().find(|import| has(&import.module)) {
            import.is_used = true;
            let problem = ScriptProblem::InModule { name: name.to_owned(), alias: import.alias.clone() };
            return self.report.add(at, name.len(), problem);
        }
        let tree = given.tree;
        let mut known: Vec<&str> = Vec::new();
        known.extend(tree.functions.iter().filter(|own| !is_closure(own)).map(|own| own.name.as_str()));
        match self.given.kind {
            ScriptKind::Guard => known.extend(GUARD_VERBS),
            _ => known.extend(Library::ALL.iter().map(|function| function.name).chain(MERGE_VERBS)),
        }
        for native in natives::names().filter(|name| given.allows_verb(name).is_none()) {
            known.push(native);
        }
        let help = match (foreign(name), nearest(name, &known).and_then(Library::by_name)) {
            (Some(ours), _) => Help::from(format!("write `{ours}`")),
            (None, Some(function)) => Help::replacing(format!("did you mean `{}`?", function.signature), function.name),
            (None, None) => suggestion(name, &known),
        };
        self.report.add(at, name.len(), ScriptProblem::UnknownFunction { name: name.to_owned(), help: Some(help) });
    }

    fn of_module(&mut self, alias: &str, alias_at: At, call: &FnCallExpr, at: At) {
        let Some(module) = self.alias(alias, alias_at) else { return };
        let Some(Some(functions)) = self.given.modules.get(&module) else { return };
        let name = call.name.as_str();
        let counts: Vec<usize> = functions.iter().filter(|(own, _)| own == name).map(|(_, count)| *count).collect();
        if counts.is_empty() {
            let names: Vec<&str> = functions.iter().map(|(own, _)| own.as_str()).collect();
            let help = if names.is_empty() { None } else { Some(suggestion(name, &names)) };
            self.report.add(at, name.len(), ScriptProblem::NotInModule { module, name: name.to_owned(), help });
        } else if !counts.contains(&call.args.len()) {
            self.miscounted((name, &either(&counts)), call.args.len(), at, None);
        }
    }

    pub(super) fn method(&mut self, call: &FnCallExpr, at: At) {
        let name = call.name.as_str();
        if self.given.own(name).is_some() || self.given.is_member(name) {
            return;
        }
        if natives::native(name).is_some() {
            return self.counted(name, call.args.len() + 1, at);
        }
        let known: Vec<&str> = natives::names().filter(|name| self.given.allows_verb(name).is_none()).collect();
        let help = foreign(name).map_or_else(|| suggestion(name, &known), |ours| format!("write `{ours}`").into());
        self.report.add(at, name.len(), ScriptProblem::UnknownMethod { name: name.to_owned(), help: Some(help) });
    }
}

/// Numbers of arguments in words: `2 arguments`, `2 to 3 arguments`.
fn range((least, most): (usize, usize)) -> String {
    let s = if most == 1 { "" } else { "s" };
    if least == most { format!("{least} argument{s}") } else { format!("{least} to {most} argument{s}") }
}

/// Numbers of arguments in words: `2 arguments`, `2 or 4 arguments`.
fn either(counts: &[usize]) -> String {
    let s = if counts == [1] { "" } else { "s" };
    format!("{} argument{s}", counts.iter().map(usize::to_string).collect::<Vec<_>>().join(" or "))
}
