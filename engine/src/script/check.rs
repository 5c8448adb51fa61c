//! All that is wrong in a script before it runs: what does not parse, imports, the entry function, and the three passes.

use rhai::Position as At;

use super::lint::{self, Given, ScriptKind};
use super::syntax::{self, Parsed, span_at};
use super::{FILE_BYTES_MAX, Sandbox, entry};
use crate::diagnostic::{Diagnostic, Help, ScriptProblem, Span, nearest};

impl Sandbox {
    /// The diagnostics of a script, whatever it is for.
    pub(super) fn wrong(&self, file: &str, source: &str, kind: ScriptKind<'_>) -> Vec<Diagnostic> {
        if source.len() > FILE_BYTES_MAX {
            let problem = ScriptProblem::TooLarge { bytes_max: FILE_BYTES_MAX };
            return vec![Diagnostic::new(Span::whole(file), problem)];
        }
        let Parsed { tree, broken, mut errors } = syntax::parse(file, source);
        let is_whole = errors.is_empty();
        errors.extend(self.imports(file, source, &tree.imports));
        let (mut has_entry, mut fits) = (true, true);
        if is_whole {
            let wrong = entry::entry(&tree, file, source, kind);
            has_entry = !wrong.iter().any(entry::Wrong::is_missing);
            fits = wrong.is_none();
            errors.extend(wrong.map(entry::Wrong::diagnostic));
        }
        let given = Given { tree: &tree, kind, modules: &self.functions, broken: &broken, is_whole, has_entry, fits };
        errors.extend(lint::lint(file, source, &given));
        errors.extend(entry::hidden(&tree, file, source, kind));
        errors
    }

    /// Imports of names that the bundle does not hold, and of names that only a run would know.
    fn imports(&self, file: &str, source: &str, imports: &[(Option<String>, At)]) -> Vec<Diagnostic> {
        let is_known = |name: &Option<String>| {
            name.as_ref().is_some_and(|name| self.modules.iter().any(|(module, ..)| module == name))
        };
        let unknown = imports.iter().filter(|(name, _)| !is_known(name));
        unknown.map(|(name, at)| self.unknown_import(file, source, name.as_deref(), *at)).collect()
    }

    fn unknown_import(&self, file: &str, source: &str, name: Option<&str>, at: At) -> Diagnostic {
        let mut span = span_at(file, source, at);
        span.end.column = span.start.column + name.map_or(1, |name| name.len() + 2);
        let modules: Vec<&str> = self.modules.iter().map(|(name, ..)| name.as_str()).collect();
        let in_lib = |name: &str| modules.iter().copied().find(|module| module.strip_prefix("lib/") == Some(name));
        let near = name.and_then(|name| in_lib(name).or_else(|| nearest(name, &modules)));
        let help = near.map(Help::did_you_mean);
        let problem = match name.map(str::to_owned) {
            None => ScriptProblem::UnquotedModule,
            Some(name) if name.starts_with(['/', '.']) || name.contains("..") => {
                ScriptProblem::ModuleOutside { name, help }
            }
            Some(name) => ScriptProblem::NoModule { name, help },
        };
        Diagnostic::new(span, problem)
    }
}
