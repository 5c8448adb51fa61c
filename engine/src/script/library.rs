//! The library as functions of scripts: the same code that `policy.json` names, on the same values.

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

use super::convert::{failure, to_dynamic, to_json};
use super::running::{Running, Stop, end, on};
use crate::json::Json;
use crate::merge::{Called, Function, Refused, Work, call};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Registers each function under each number of arguments that it takes, `skip` and `discard`.
pub(super) fn register(engine: &mut Engine) {
    for function in Function::ALL.iter().copied() {
        let (least, most) = function.arguments;
        for count in least..=most {
            register_one(engine, function, count);
        }
    }
    engine
        .register_fn("skip", |reason: ImmutableString| -> Fallible<()> { Err(end(Stop::Skip(reason.to_string()))) })
        .register_fn("discard", |reason: ImmutableString| -> Fallible<()> {
            Err(end(Stop::Discard(reason.to_string())))
        });
}

fn register_one(engine: &mut Engine, own: Function, count: usize) {
    let name = own.name;
    match count {
        1 => engine.register_fn(name, move |a: Dynamic| run(own, vec![a])),
        2 => engine.register_fn(name, move |a: Dynamic, b: Dynamic| run(own, vec![a, b])),
        3 => engine.register_fn(name, move |a: Dynamic, b: Dynamic, c: Dynamic| run(own, vec![a, b, c])),
        _ => engine.register_fn(name, move |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| run(own, vec![a, b, c, d])),
    };
}

fn run(function: Function, mut arguments: Vec<Dynamic>) -> Fallible<Dynamic> {
    let values = arguments.iter().map(to_json).collect::<Fallible<Vec<Json>>>()?;
    let called = on(
        |running| {
            let Running { context, budget, losses, .. } = running;
            call(function, &values, &mut Work { context: *context, budget, losses })
        },
        Err(Refused::Overrun),
    );
    match called {
        Ok(Called::Argument(at)) => Ok(take(&mut arguments, at)),
        Ok(Called::Value(value)) => to_dynamic(value.view()),
        Err(Refused::Overrun) => Err(end(Stop::Overrun)),
        Err(Refused::AccountShape(at)) => {
            on(|running| running.account_shape = true, ());
            Ok(take(&mut arguments, at))
        }
        // what is wrong was made by the script as it ran, and may be a person's
        Err(Refused::Option(error)) => Err(failure(format!("{}: {}", function.name, error.problem.kind().words()))),
    }
}

fn take(arguments: &mut [Dynamic], at: usize) -> Dynamic {
    arguments.get_mut(at).map(std::mem::take).unwrap_or_default()
}
