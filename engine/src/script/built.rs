//! The engine of a sandbox and its compiled scripts, once a thread: rhai's values belong to one thread and take no lock.
//!
//! A [`Sandbox`](super::Sandbox) holds sources that compile, so that it can be shared. Each thread that runs one builds its
//! engine first and keeps it; a thread keeps a few, and none whose sandbox is gone.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use rhai::module_resolvers::StaticModuleResolver;
use rhai::{AST, Engine, Module, Scope};

use super::coverage::Trace;
use super::{Script, running, sandbox};
use crate::budget::Budget;
use crate::limits::Limits;
use crate::merge::Context;

/// Engines that a thread keeps: the rules of today, those of yesterday, and two that a tool compares.
const KEPT_MAX: usize = 4;

/// Units of work that a module may do when it is loaded.
const LOADING_WORK_MAX: u64 = 400_000;

/// An engine, and the scripts that it compiled.
pub(super) struct Built {
    pub(super) engine: Engine,
    scripts: RefCell<Vec<(Weak<str>, Rc<AST>)>>,
}

/// Stands for one sandbox with all its modules; another one is equal only if it is the same.
pub(super) type Id = Arc<()>;

thread_local! {
    static KEPT: RefCell<Vec<(Weak<()>, Rc<Built>)>> = const { RefCell::new(Vec::new()) };
}

impl Built {
    /// An engine with the bounds of a policy.
    pub(super) fn new(limits: &Limits, trace: Option<&Trace>) -> Self {
        let mut engine = sandbox::engine(limits);
        if let Some(trace) = trace {
            trace.attach(&mut engine);
        }
        Self { engine, scripts: RefCell::new(Vec::new()) }
    }

    /// Evaluates modules, given as AST, those first that import no waiting one; gives back those that fail, with why.
    pub(super) fn load<'m>(&mut self, mut waiting: Vec<(&'m str, AST)>) -> Vec<(&'m str, Box<rhai::EvalAltResult>)> {
        let mut resolver = StaticModuleResolver::new();
        let context = Context { now: 0, session_created_at: 0 };
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut failed = Vec::new();
            for (name, ast) in std::mem::take(&mut waiting) {
                let budget = Budget::new(LOADING_WORK_MAX);
                match running::with(&budget, context, || Module::eval_ast_as_new(Scope::new(), &ast, &self.engine)).0 {
                    Ok(module) => {
                        resolver.insert(name, module);
                    }
                    Err(error) => {
                        failed.push((name, error));
                        waiting.push((name, ast));
                    }
                }
            }
            self.engine.set_module_resolver(resolver.clone());
            if waiting.len() == before {
                return failed;
            }
        }
        Vec::new()
    }

    /// Compiles a text; errors of scripts name its file.
    pub(super) fn compile(&self, file: &str, source: &str, scope: &Scope<'_>) -> Result<AST, rhai::ParseError> {
        let mut ast = self.engine.compile_with_scope(scope, source)?;
        ast.set_source(file);
        Ok(ast)
    }

    /// A script of the sandbox, compiled once.
    pub(super) fn script(&self, script: &Script) -> Option<Rc<AST>> {
        let scripts = self.scripts.borrow();
        let known = |own: &Weak<str>| std::ptr::addr_eq(own.as_ptr(), Arc::as_ptr(&script.source));
        if let Some((_, ast)) = scripts.iter().find(|(own, _)| known(own)) {
            return Some(Rc::clone(ast));
        }
        drop(scripts);
        // it compiled when it was checked
        Some(self.add(script, self.compile(&script.file, &script.source, &Scope::new()).ok()?))
    }

    /// Keeps a script that is compiled.
    pub(super) fn add(&self, script: &Script, ast: AST) -> Rc<AST> {
        let ast = Rc::new(ast);
        self.scripts.borrow_mut().push((Arc::downgrade(&script.source), Rc::clone(&ast)));
        ast
    }
}

/// What this thread built for a sandbox, if it did.
pub(super) fn find(id: &Id) -> Option<Rc<Built>> {
    KEPT.with_borrow(|kept| {
        let found = kept.iter().find(|(own, _)| std::ptr::eq(own.as_ptr(), Arc::as_ptr(id)))?;
        Some(Rc::clone(&found.1))
    })
}

/// Keeps what was built for a sandbox, and lets those go whose sandbox is gone.
pub(super) fn keep(id: &Id, built: Built) -> Rc<Built> {
    let built = Rc::new(built);
    let gone = KEPT.with_borrow_mut(|kept| {
        let mut gone: Vec<_> = kept.extract_if(.., |(own, _)| own.strong_count() == 0).collect();
        if kept.len() >= KEPT_MAX {
            gone.push(kept.remove(0));
        }
        kept.push((Arc::downgrade(id), Rc::clone(&built)));
        gone
    });
    drop(gone);
    built
}
