//! Runs one rhai function under a budget and offers it the strategies. The only module that names `rhai`.
//!
//! A script sees its own arguments and nothing else: no I/O, no clock, no randomness, no `eval`. It sees objects as
//! shared handles on our tree, so what it does not touch is never converted.

mod natives;
mod ast;
mod lint;
mod calls;
mod suspect;
mod check;
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
mod language;

use std::rc::Rc;
use std::sync::Arc;

use rhai::{AST, CallFnOptions, Dynamic, EvalAltResult, Scope};

use crate::budget::Budget;
use crate::decision::ScriptStop;
use crate::diagnostic::{Diagnostic, ScriptProblem, Severity};
use crate::json::{Json, Kind, View};
use crate::limits::Limits;
use crate::merge::{Context, Losses, Strategy};
pub use ast::{defined, documented};
use built::Built;
pub use calls::{Adding, Calls};
use convert::{to_dynamic, to_json, without_units};
pub use coverage::Trace;
pub use joined::decided_by;
pub use language::{given, methods, verbs};
use lint::Modules;
pub use lint::{Fixed, Known, ScriptKind};
pub use natives::{GUARD_VERBS, MERGE_VERBS, Verb};
pub use pieces::{Piece, pieces};
use running::Stop;
use syntax::{span_at, syntax_error};
pub use verdict::{GuardFailure, Verdict};

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
    /// The functions of each module, with how many arguments they take.
    functions: Modules,
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
    /// What its calls say of its merge.
    calls: Calls,
    /// Whether its result may depend on the time.
    reads_clock: bool,
    /// What deserves a look.
    warnings: Vec<Diagnostic>,
}

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
            functions: Modules::new(),
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
        self.called = modules.iter().map(|(name, _, source)| (name.clone(), Calls::of(source))).collect();
        let mut errors = Vec::new();
        let mut built = Built::new(&self.limits, self.trace.as_ref());
        let mut waiting = Vec::new();
        for (name, file, source) in modules {
            let functions = syntax::parse(file, source).tree.functions;
            let public = functions.into_iter().filter(|function| !function.is_private);
            let named = public.map(|function| (function.name, function.params.len()));
            self.functions.insert(name.clone(), Some(named.collect()));
        }
        for (name, file, source) in modules {
            let wrong = self.wrong(file, source, ScriptKind::Library);
            if wrong.iter().any(|one| one.severity == Severity::Error) {
                // of a module that is broken, nothing is known
                self.functions.insert(name.clone(), None);
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

    fn compile_ast(&self, file: &str, source: &str, scope: &Scope<'_>) -> Result<AST, Box<Diagnostic>> {
        self.built().compile(file, source, scope).map_err(|error| Box::new(syntax_error(file, source, &error)))
    }

    /// Compiles a script that has its kind's function: `fn merge(account, anonymous, context)` or
    /// `fn authorize(request)`.
    ///
    /// # Errors
    /// All that is wrong with it; what only deserves a look comes with the script.
    pub fn compile(&self, file: &str, source: &str, kind: ScriptKind<'_>) -> Result<Script, Vec<Diagnostic>> {
        let found = self.wrong(file, source, kind);
        if found.iter().any(|one| one.severity == Severity::Error) {
            return Err(found);
        }
        let ast = self.compile_ast(file, source, &Scope::new()).map_err(|error| vec![*error])?;
        let calls = self.calls(source);
        // `recent` may clamp times
        let clamps = calls.strategies.iter().any(|call| matches!(call, Strategy::Recent(_)));
        let reads_clock = clamps || ast::reads_parameter(source, "merge", 2);
        let (source, file) = (source.into(), file.into());
        let script = Script { source, file, calls, reads_clock, warnings: found };
        self.built().add(&script, ast);
        Ok(script)
    }

    /// Calls `authorize(request)`.
    #[must_use]
    pub fn authorize(&self, script: &Script, request: View<'_>, budget: &Budget) -> Verdict {
        if self.is_oversized(request) {
            return Verdict::failed(GuardFailure::Budget(ScriptStop::default()));
        }
        let built = self.built();
        let Some(ast) = built.script(script) else {
            return Verdict::failed(GuardFailure::Script(ScriptStop::default()));
        };
        let (result, running) = running::guarding(budget, || {
            let arguments = (to_dynamic(request)?,);
            built.engine.call_fn::<Dynamic>(&mut Scope::new(), &ast, "authorize", arguments)
        });
        let at = |error: &EvalAltResult| place(error, &script.file);
        Verdict::failed(match (running.stop, result) {
            (Some(Stop::Decided(verdict)), _) => return verdict,
            (Some(Stop::Overrun), result) => {
                GuardFailure::Budget(ScriptStop { at: result.err().and_then(|error| at(&error)), cause: None })
            }
            (_, Err(error)) if is_overrun(&error) => GuardFailure::Budget(ScriptStop { at: at(&error), cause: None }),
            (_, Err(error)) => {
                let cause = cause(&error, running.failure.as_deref());
                GuardFailure::Script(ScriptStop { at: at(&error), cause })
            }
            (_, Ok(_)) => {
                let cause = Some("it ended without `allow()`, `deny(reason)` or `require(fields, reason)`".to_owned());
                GuardFailure::Script(ScriptStop { at: None, cause })
            }
        })
    }

    /// The calls of a script, and of the modules that it imports. Where a module adds, it is the import that does.
    fn calls(&self, source: &str) -> Calls {
        let mut calls = Calls::of(source);
        for (name, at) in ast::imports(source) {
            let Some((name, module)) = self.called.iter().find(|(module, _)| Some(module) == name.as_ref()) else {
                continue;
            };
            calls = calls.and(module);
            if let (None, Some(adding)) = (&calls.adds, &module.adds) {
                calls.adds = calls::place(at, name.len() + 2).map(|at| Adding { at, ..adding.clone() });
            }
        }
        calls
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
        outcome(result, running, &script.file, |reason| shows(reason, &script.calls.reasons))
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
        let calls = self.calls(source);
        Ok(outcome(result, running, file, |reason| shows(reason, &calls.reasons)))
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
        self.calls.adds.as_ref()
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

/// Whether a reason is a literal of a call of `skip` or `discard`, in a few plain characters: others could be a person's.
fn shows(reason: &str, reasons: &[String]) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_- ".contains(&byte);
    reasons.iter().any(|own| own == reason) && reason.len() <= 64 && reason.bytes().all(plain)
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
        (Some(Stop::Decided(_)), _) => Outcome::Failed(None, None),
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
            Some(name) if natives::native(name).is_some() => format!("no function `{signature}`"),
            _ => "no such function".to_owned(),
        },
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("no variable `{name}`"),
        EvalAltResult::ErrorDataRace(..) => {
            "a closure uses the value whose method it was passed to: copy the value before".to_owned()
        }
        EvalAltResult::ErrorModuleNotFound(..) => "no such module".to_owned(),
        EvalAltResult::ErrorMismatchDataType(expected, actual, _) => format!("expected {expected}, found {actual}"),
        EvalAltResult::ErrorIndexingType(kind, _) => format!("`{kind}` has no such member or item"),
        EvalAltResult::ErrorDotExpr(..) => "cannot read a member of a value that has none, such as `()`".to_owned(),
        // the numbers in its text may be a person's
        EvalAltResult::ErrorArithmetic(text, _) if text.contains("zero") => "a division by zero".to_owned(),
        EvalAltResult::ErrorArithmetic(text, _) if text.contains("overflow") => "a number that is too large".to_owned(),
        EvalAltResult::ErrorArithmetic(..) => "an arithmetic error".to_owned(),
        EvalAltResult::ErrorArrayBounds(..) => "the list has no such item".to_owned(),
        EvalAltResult::ErrorStringBounds(..) => "the text has no such character".to_owned(),
        EvalAltResult::ErrorFor(..) => "`for` needs a list".to_owned(),
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
    Diagnostic::new(span_at(file, source, error.position()), ScriptProblem::ModuleFails)
}
