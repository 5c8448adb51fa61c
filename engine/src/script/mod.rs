//! Runs one rhai function under a budget and offers it the strategies. The only module that names `rhai`.
//!
//! A script sees its own arguments and nothing else: no I/O, no clock, no randomness, no `eval`. It sees objects as
//! shared handles on our tree, so what it does not touch is never converted.

mod natives;
mod tokens;
mod ast;
mod lint;
mod calls;
mod suspect;
mod entry;
mod syntax;
mod running;
mod convert;
mod handle;
mod library;
mod verdict;
mod sandbox;
mod built;
mod charged;
mod coverage;
mod joined;
mod pieces;

use std::rc::Rc;
use std::sync::Arc;

use rhai::{AST, CallFnOptions, Dynamic, EvalAltResult, Scope};

use crate::budget::Budget;
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::json::{Json, Kind, View};
use crate::limits::Limits;
use crate::merge::{Context, Losses, Strategy};
use built::Built;
pub use calls::Calls;
use convert::{to_dynamic, to_json, without_units};
pub use coverage::Trace;
pub use joined::decided_by;
pub use lint::Kindred;
use lint::Modules;
pub use pieces::{Piece, pieces};
use running::Stop;
use syntax::{Parsed, script_error, syntax_error};
pub use verdict::Verdict;

/// Bytes of a script file.
const FILE_BYTES_MAX: usize = 64 * 1_024;

/// The sandbox of one policy, with the modules that its scripts share: sources that compile. Each thread that runs one
/// builds an engine of its own.
pub struct Sandbox {
    id: built::Id,
    limits: Limits,
    trace: Option<Trace>,
    /// What scripts can import, as (name, file, source).
    modules: Vec<(String, String, String)>,
    /// What the modules may give to `skip`.
    reasons: Vec<String>,
    /// The functions of each module, with how many arguments they take.
    functions: Modules,
    /// Modules that name what adds again at every login, with the word.
    adding: Vec<(String, String)>,
    /// What the calls of each module say.
    called: Vec<(String, Calls)>,
}

/// Shows nothing of the scripts.
impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}

/// A script that compiles.
pub struct Script {
    source: Arc<str>,
    file: Arc<str>,
    /// What it may give to `skip`.
    reasons: Vec<String>,
    /// What adds again at every login, and where.
    adds: Option<Adding>,
    /// What its calls say of its merge.
    calls: Calls,
    /// Whether its result may depend on the time.
    reads_clock: bool,
    /// What deserves a look.
    warnings: Vec<Diagnostic>,
}

/// Where a script names what adds again at every login: bytes of its text, and the word.
pub type Adding = (std::ops::Range<usize>, String);

/// Shows the file only.
impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Script({})", self.file)
    }
}

/// What a script gave.
#[derive(Debug)]
pub enum Outcome {
    /// A value, and the items that the library's functions did not take on the way to it.
    Value(Json, Losses),
    /// It chose to leave both sides as they are; the reason is a literal of the script, or `*`.
    Skip(String),
    /// It chose to let the visitor's value go, for such a reason.
    Discard(String),
    /// It threw, or made something that is not JSON; the cause, where it is not the script's own word.
    Failed(Place, Option<String>),
    /// Its budget is spent.
    Overrun(Place),
    /// The account's value has a shape that the script cannot use.
    AccountShape,
    /// The account's value holds a number that the script cannot hold exactly.
    Inexact,
}

/// File, line and column where a script stopped, if they are known: a module that it calls is a file of its own.
pub type Place = Option<(Arc<str>, usize, usize)>;

impl Sandbox {
    /// A sandbox with the bounds of a policy.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            id: Arc::new(()),
            limits: *limits,
            trace: None,
            modules: Vec::new(),
            reasons: Vec::new(),
            functions: Modules::new(),
            adding: Vec::new(),
            called: Vec::new(),
        }
    }

    /// The same, and every node that runs is counted: for rule authors' tools.
    #[must_use]
    pub fn traced(limits: &Limits, trace: &Trace) -> Self {
        Self { trace: Some(trace.clone()), ..Self::new(limits) }
    }

    /// Builds the engine and the scripts on this thread, which then need not wait for it.
    pub fn warm<'s>(&self, scripts: impl Iterator<Item = &'s Script>) {
        let built = self.built();
        scripts.for_each(|script| drop(built.script(script)));
    }

    /// The engine of this thread.
    fn built(&self) -> Rc<Built> {
        built::find(&self.id).unwrap_or_else(|| {
            let mut built = Built::new(&self.limits, self.trace.as_ref());
            let compile = |(name, file, source): &'_ (String, String, String)| {
                // they compiled when they were added
                built.compile(file, source, &Scope::new()).ok().map(|ast| (name.clone(), ast))
            };
            let modules: Vec<_> = self.modules.iter().filter_map(compile).collect();
            built.load(modules.iter().map(|(name, ast)| (name.as_str(), ast.clone())).collect());
            built::keep(&self.id, built)
        })
    }

    /// Adds the modules that scripts import, as (name, file, source).
    ///
    /// # Errors
    /// The modules that do not compile, or import what is not there.
    pub fn add_modules(&mut self, modules: &[(String, String, String)]) -> Result<(), Vec<Diagnostic>> {
        modules.clone_into(&mut self.modules);
        self.reasons = modules.iter().flat_map(|(_, _, source)| tokens::reasons(source)).collect();
        let adding = |(name, _, source): &(String, String, String)| {
            tokens::adding(source).map(|(_, word)| (name.clone(), word.to_owned()))
        };
        self.adding = modules.iter().filter_map(adding).collect();
        self.called = modules.iter().map(|(name, _, source)| (name.clone(), Calls::of(source))).collect();
        let mut errors = Vec::new();
        let mut built = Built::new(&self.limits, self.trace.as_ref());
        let mut waiting = Vec::new();
        for (name, file, source) in modules {
            let functions = syntax::parse(file, source).tree.functions;
            let public = functions.into_iter().filter(|function| !function.is_private);
            let named = public.map(|function| (function.name, function.params.len()));
            self.functions.insert(name.clone(), named.collect());
        }
        for (name, file, source) in modules {
            let wrong = self.wrong(file, source, Kindred::Library);
            if wrong.iter().any(|one| one.severity == Severity::Error) {
                // nothing is said of calls into a module that is broken
                self.functions.remove(name);
                errors.extend(wrong);
                continue;
            }
            match built.compile(file, source, &Scope::new()) {
                Ok(ast) => waiting.push((name.as_str(), ast)),
                Err(error) => errors.push(syntax_error(file, source, &error)),
            }
        }
        if errors.is_empty() {
            for (failed, error) in built.load(waiting) {
                let module = modules.iter().find(|(name, ..)| name == failed);
                errors.extend(module.map(|(_, file, source)| evaluation_error(file, source, &error)));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        built::keep(&self.id, built);
        Ok(())
    }

    /// Imports of names that the bundle does not hold, and of names that only a run would know.
    fn imports(&self, file: &str, source: &str) -> Vec<Diagnostic> {
        let unknown =
            |name: Option<&str>| name.is_none_or(|name| self.modules.iter().all(|(module, ..)| module != name));
        let imports = tokens::imports(source).into_iter().filter(|(_, name)| unknown(*name));
        let error = |(at, name): (usize, Option<&str>)| {
            let (code, message) = match name {
                None => ("R015", "an import names its module in quotation marks".to_owned()),
                Some(name) if name.starts_with(['/', '.']) || name.contains("..") => {
                    ("R015", format!("`{name}` is outside the folder of the policy"))
                }
                Some(name) => ("R014", format!("there is no module `{name}` in the folder of the policy")),
            };
            let length = name.map_or(1, |name| name.len() + 2);
            let modules: Vec<&str> = self.modules.iter().map(|(name, ..)| name.as_str()).collect();
            let in_lib = |name: &str| modules.iter().copied().find(|module| module.strip_prefix("lib/") == Some(name));
            let near = name.and_then(|name| in_lib(name).or_else(|| nearest(name, &modules)));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let error = Diagnostic::error(code, file, source, at..at + length, message);
            help.into_iter().fold(error, Diagnostic::help)
        };
        imports.map(error).collect()
    }

    fn compile_ast(&self, file: &str, source: &str, scope: &Scope<'_>) -> Result<AST, Box<Diagnostic>> {
        self.built().compile(file, source, scope).map_err(|error| Box::new(syntax_error(file, source, &error)))
    }

    /// All that is wrong in a script, whatever it is for.
    fn wrong(&self, file: &str, source: &str, kind: Kindred<'_>) -> Vec<Diagnostic> {
        if source.len() > FILE_BYTES_MAX {
            let message = format!("the script is larger than {FILE_BYTES_MAX} bytes");
            return vec![Diagnostic::error("R001", file, source, 0..0, message)];
        }
        let Parsed { tree, broken, mut errors } = syntax::parse(file, source);
        let is_whole = errors.is_empty();
        errors.extend(self.imports(file, source));
        if is_whole {
            errors.extend(entry::entry(&tree, file, source, kind));
        }
        let absent = errors.iter().any(|error| matches!(error.code, "R014" | "R015"));
        // what a broken part or an absent module has to do with it is not known
        let misnamed = errors.iter().any(|error| error.code == "R004");
        let hides = entry::hidden(&tree, file, source);
        // a script of the other kind is one mistake
        let is_other = errors.iter().any(|error| error.code == "R003");
        let import_lines: Vec<_> = errors.iter().filter(|one| one.code == "R015").map(|one| one.start.line).collect();
        errors.retain(|one| one.code != "R001" || !import_lines.contains(&one.start.line));
        let foreign_lines: Vec<_> = errors.iter().filter(|one| one.code == "R002").map(|one| one.start.line).collect();
        errors.retain(|one| one.code != "R015" || !foreign_lines.contains(&one.start.line));
        let silent = |one: &Diagnostic| {
            if (is_other && matches!(one.code, "R016" | "R053")) || (!hides.is_empty() && one.code == "R050") {
                return true;
            }
            if misnamed && matches!(one.code, "R012" | "R020" | "R022") {
                return true;
            }
            let named = broken.iter().any(|name| one.message.contains(&format!("`{name}`")));
            named || (matches!(one.code, "R014" | "R053") && (!is_whole || absent))
        };
        let linted = lint::lint(file, source, &tree, kind, &self.functions);
        let linted: Vec<_> = linted.into_iter().filter(|one| !silent(one)).collect();
        errors.extend(linted);
        errors.extend(hides);
        errors
    }

    /// Compiles a script that has its kind's function: `fn merge(account, anonymous, context)` or
    /// `fn authorize(request)`.
    ///
    /// # Errors
    /// All that is wrong with it; what only deserves a look comes with the script.
    pub fn compile(&self, file: &str, source: &str, kind: Kindred<'_>) -> Result<Script, Vec<Diagnostic>> {
        let found = self.wrong(file, source, kind);
        if found.iter().any(|one| one.severity == Severity::Error) {
            return Err(found);
        }
        let ast = self.compile_ast(file, source, &Scope::new()).map_err(|error| vec![*error])?;
        let (reasons, adds, calls) = (tokens::reasons(source), self.adds(source), self.calls(source));
        // `recent` may clamp times
        let clamps = calls.strategies.iter().any(|call| matches!(call, Strategy::Recent(_)));
        let reads_clock = clamps || ast::reads_parameter(source, "merge", 2);
        let (source, file) = (source.into(), file.into());
        let script = Script { source, file, reasons, adds, calls, reads_clock, warnings: found };
        self.built().add(&script, ast);
        Ok(script)
    }

    /// Calls `authorize(request)`.
    ///
    /// # Errors
    /// Why there is no verdict, in a word.
    pub fn authorize(&self, script: &Script, request: View<'_>, budget: &Budget) -> Result<Verdict, &'static str> {
        if self.is_oversized(request) {
            return Err("budget_exceeded");
        }
        let built = self.built();
        let ast = built.script(script).ok_or("script_failed")?;
        let context = Context { now: 0, session_created_at: 0 };
        let (result, running) = running::with(budget, context, || {
            let arguments = (to_dynamic(request)?,);
            let mut scope = Scope::new();
            built.engine.call_fn::<Dynamic>(&mut scope, &ast, "authorize", arguments)
        });
        match (running.stop, result) {
            (Some(Stop::Overrun), _) => Err("budget_exceeded"),
            (None, Ok(made)) => made.try_cast::<Verdict>().ok_or("script_failed"),
            _ => Err("script_failed"),
        }
    }

    /// What a script or a module that it imports adds again at every login.
    fn adds(&self, source: &str) -> Option<Adding> {
        if let Some((at, word)) = tokens::adding(source) {
            let quoted = source.get(at..).is_some_and(|rest| rest.starts_with('"'));
            return Some((at..at + word.len() + if quoted { 2 } else { 0 }, word.to_owned()));
        }
        tokens::imports(source).into_iter().find_map(|(at, name)| {
            let (module, word) = self.adding.iter().find(|(module, _)| Some(module.as_str()) == name)?;
            Some((at..at + module.len() + 2, word.clone()))
        })
    }

    /// The calls of a script, and of the modules that it imports.
    fn calls(&self, source: &str) -> Calls {
        let imported =
            |(_, name): (usize, Option<&str>)| self.called.iter().find(|(module, _)| Some(module.as_str()) == name);
        let modules = tokens::imports(source).into_iter().filter_map(imported);
        modules.fold(Calls::of(source), |calls, (_, module)| calls.and(module))
    }

    /// Calls `merge(account, anonymous, context)`.
    #[must_use]
    pub fn merge(&self, script: &Script, call: Call<'_>, budget: &Budget) -> Outcome {
        let Call { account, anonymous, context, now } = call;
        if [account, Some(anonymous), context.view().get("request")]
            .into_iter()
            .flatten()
            .any(|value| self.is_oversized(value))
        {
            return Outcome::Overrun(None);
        }
        let built = self.built();
        let Some(ast) = built.script(script) else { return Outcome::Failed(None, None) };
        let (result, running) = running::with(budget, now, || {
            let own = account.map_or(Ok(Dynamic::UNIT), to_dynamic)?;
            let arguments = (own, to_dynamic(anonymous)?, to_dynamic(context.view())?);
            let options = CallFnOptions::new();
            let made: Dynamic =
                built.engine.call_fn_with_options(options, &mut Scope::new(), &ast, "merge", arguments)?;
            let result = to_json(&made)?;
            let was_empty = is_nothing(&result);
            let result = without_units(result);
            // an object of which nothing is left would clear the root: it leaves the account's value
            let is_emptied = is_nothing(&result) && !was_empty;
            Ok(if is_emptied { account.map_or(Json::Null, View::to_json) } else { result })
        });
        outcome(result, running, &script.file, |reason| self.shows(reason, &script.reasons))
    }

    /// Whether a reason stands as a literal in a call of `skip` or `discard`, in a few plain characters: others could be a person's.
    fn shows(&self, reason: &str, reasons: &[String]) -> bool {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_- ".contains(&byte);
        let literal = reasons.iter().chain(&self.reasons).any(|own| own == reason);
        literal && reason.len() <= 64 && reason.bytes().all(plain)
    }

    /// Whether a value holds more items or members than a script may be handed.
    fn is_oversized(&self, value: View<'_>) -> bool {
        let least = self.limits.array_items.min(self.limits.map_members);
        let few = value.place().is_some_and(|place| (place.node().size as usize) <= least);
        !few && {
            let (items, members) = children(value);
            items > self.limits.array_items || members > self.limits.map_members
        }
    }

    /// Evaluates a script as an expression; the members of `data` are its variables.
    ///
    /// # Errors
    /// The script does not compile.
    pub fn evaluate(
        &self,
        file: &str,
        source: &str,
        data: View<'_>,
        budget: &Budget,
    ) -> Result<Outcome, Box<Diagnostic>> {
        let context = Context { now: 0, session_created_at: 0 };
        let mut names = Scope::new();
        for (name, _) in data.members() {
            names.push_dynamic(name.decode().into_owned(), Dynamic::UNIT);
        }
        let ast = self.compile_ast(file, source, &names)?;
        let (result, mut running) = running::with(budget, context, || {
            let mut scope = Scope::new();
            for (name, value) in data.members() {
                scope.push_dynamic(name.decode().into_owned(), to_dynamic(value)?);
            }
            self.built().engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast).and_then(|value| to_json(&value))
        });
        // there is no rule whose result a wrong shape could stop
        running.account_shape = false;
        let reasons = tokens::reasons(source);
        Ok(outcome(result, running, file, |reason| self.shows(reason, &reasons)))
    }
}

/// The arguments of one merge.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The account's value.
    pub account: Option<View<'a>>,
    /// The session's, sanitized.
    pub anonymous: View<'a>,
    /// What scripts see as `context`.
    pub context: &'a Json,
    /// What the library's functions know of the clock.
    pub now: Context,
}

impl Script {
    /// What deserves a look, and stops nothing.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// What it adds again at every login, and where: it needs `session.once`.
    #[must_use]
    pub fn adds(&self) -> Option<&Adding> {
        self.adds.as_ref()
    }

    /// What its calls say of its merge, those of the modules that it imports among them.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Whether its result may depend on the time.
    #[must_use]
    pub fn reads_clock(&self) -> bool {
        self.reads_clock
    }

    /// The file below the folder of the policy.
    #[must_use]
    pub fn file(&self) -> Arc<str> {
        Arc::clone(&self.file)
    }
}

/// An object without a member.
fn is_nothing(value: &Json) -> bool {
    value.view().kind() == Kind::Object && value.view().is_empty()
}

/// Items and members in a value, summed over the tree.
fn children(view: View<'_>) -> (usize, usize) {
    let own = if view.items().next().is_some() { (view.len(), 0) } else { (0, view.members().count()) };
    let below = view.items().chain(view.members().map(|(_, value)| value)).map(children);
    below.fold(own, |(items, members), (more, others)| (items + more, members + others))
}

fn outcome(
    result: Result<Json, Box<EvalAltResult>>,
    running: running::Running,
    file: &str,
    shows: impl Fn(&str) -> bool,
) -> Outcome {
    let reason = |reason: String| if shows(&reason) { reason } else { "*".to_owned() };
    match (running.stop, result) {
        (Some(Stop::Skip(text)), _) => Outcome::Skip(reason(text)),
        (Some(Stop::Discard(text)), _) => Outcome::Discard(reason(text)),
        (Some(Stop::Overrun), result) => Outcome::Overrun(result.err().and_then(|error| place(&error, file))),
        (Some(Stop::Inexact), _) => Outcome::Inexact,
        (None, Err(error)) if is_overrun(&error) => Outcome::Overrun(place(&error, file)),
        (None, Err(error)) => Outcome::Failed(place(&error, file), cause(&error, running.failure.as_deref())),
        (None, Ok(_)) if running.account_shape => Outcome::AccountShape,
        (None, Ok(value)) => Outcome::Value(value, running.losses),
    }
}

/// Bounds that rhai keeps itself: sizes of data, nested calls.
fn is_overrun(error: &EvalAltResult) -> bool {
    match error {
        EvalAltResult::ErrorDataTooLarge(..)
        | EvalAltResult::ErrorStackOverflow(..)
        | EvalAltResult::ErrorTooManyVariables(..)
        | EvalAltResult::ErrorTooManyModules(..) => true,
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => {
            is_overrun(inner)
        }
        _ => false,
    }
}

/// What went wrong: a name or a type of the script, or our own words. What a script throws is not said.
fn cause(error: &EvalAltResult, ours: Option<&str>) -> Option<String> {
    Some(match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => {
            return cause(inner, ours);
        }
        // a name that a script made up at run time may be a person's
        EvalAltResult::ErrorFunctionNotFound(signature, _) => match signature.split(" (").next() {
            Some(name) if natives::is_native(name) => format!("there is no function `{signature}`"),
            _ => "there is no such function".to_owned(),
        },
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("there is no variable `{name}`"),
        EvalAltResult::ErrorDataRace(..) => {
            "a closure uses the value whose method it was passed to: copy the value before".to_owned()
        }
        EvalAltResult::ErrorModuleNotFound(..) => "there is no such module".to_owned(),
        EvalAltResult::ErrorMismatchDataType(expected, actual, _) => format!("expected {expected}, found {actual}"),
        EvalAltResult::ErrorIndexingType(kind, _) => format!("`{kind}` has no such member or item"),
        EvalAltResult::ErrorDotExpr(..) => "a member of something that has none".to_owned(),
        // the numbers in its text may be a person's
        EvalAltResult::ErrorArithmetic(text, _) if text.contains("zero") => "a division by zero".to_owned(),
        EvalAltResult::ErrorArithmetic(text, _) if text.contains("overflow") => "a number that is too large".to_owned(),
        EvalAltResult::ErrorArithmetic(..) => "an arithmetic error".to_owned(),
        EvalAltResult::ErrorArrayBounds(..) => "the list has no such item".to_owned(),
        EvalAltResult::ErrorStringBounds(..) => "the text has no such character".to_owned(),
        EvalAltResult::ErrorFor(..) => "this is no list to go through".to_owned(),
        EvalAltResult::ErrorAssignmentToConstant(name, _) => format!("`{name}` is a constant"),
        EvalAltResult::ErrorRuntime(thrown, _) => {
            let thrown = thrown.as_immutable_string_ref().ok()?;
            ours.filter(|ours| *ours == thrown.as_str())?.to_owned()
        }
        _ => return None,
    })
}

/// The innermost position that an error knows, in a function of this file.
fn place(error: &EvalAltResult, file: &str) -> Place {
    let inner = match error {
        EvalAltResult::ErrorInFunctionCall(_, source, inner, _) | EvalAltResult::ErrorInModule(source, inner, _) => {
            place(inner, if source.is_empty() { file } else { source })
        }
        _ => None,
    };
    let position = error.position();
    inner.or_else(|| Some((file.into(), position.line()?, position.position().unwrap_or(1))))
}

fn evaluation_error(file: &str, source: &str, error: &EvalAltResult) -> Diagnostic {
    script_error("R001", file, source, error.position(), "the module does not load".to_owned())
}
