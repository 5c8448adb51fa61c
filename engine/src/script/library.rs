//! The strategies as functions of scripts: the same code that `policy.json` names, on the same values.

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

use super::convert::{failure, to_dynamic, to_json};
use super::running::{Stop, end, on};
use crate::json::Json;
use crate::merge::{Made, Refusal, Strategy, Work, is_blank, of_call};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Registers the merge functions and `skip`.
pub(super) fn register(engine: &mut Engine) {
    for name in ["coalesce", "fill", "max_of", "min_of", "union"] {
        let Some(strategy) = Strategy::by_name(name) else { continue };
        engine.register_fn(name, move |account: Dynamic, anonymous: Dynamic| merge(&strategy, account, &anonymous));
    }
    for name in ["keyed_union", "merge_fields", "recent", "union"] {
        engine.register_fn(name, move |account: Dynamic, anonymous: Dynamic, options: Dynamic| {
            call(name, account, &anonymous, &options, None)
        });
    }
    engine
        .register_fn("recent", |account: Dynamic, anonymous: Dynamic| {
            call("recent", account, &anonymous, &Dynamic::from_map(rhai::Map::new()), None)
        })
        .register_fn(
            "merge_fields",
            |account: Dynamic, anonymous: Dynamic, rules: Dynamic, default: ImmutableString| {
                call("merge_fields", account, &anonymous, &rules, Some(&Json::text(&default)))
            },
        )
        .register_fn("skip", |reason: ImmutableString| -> Fallible<()> { Err(end(Stop::Skip(reason.to_string()))) })
        .register_fn("is_blank", |value: Dynamic| -> Fallible<bool> { Ok(is_blank(to_json(&value)?.view())) })
        .register_fn("time_of", |value: Dynamic| -> Fallible<Dynamic> {
            Ok(crate::instant::read(to_json(&value)?.view()).map_or(Dynamic::UNIT, Dynamic::from_int))
        });
}

fn call(
    name: &str,
    account: Dynamic,
    anonymous: &Dynamic,
    options: &Dynamic,
    default: Option<&Json>,
) -> Fallible<Dynamic> {
    let options = to_json(options)?;
    let strategy = of_call(name, &options, default).map_err(|error| {
        let help = error.help.map(|help| format!(", {help}"));
        failure(format!("{name}: {}{}", error.message, help.unwrap_or_default()))
    })?;
    merge(&strategy, account, anonymous)
}

fn merge(strategy: &Strategy, account: Dynamic, anonymous: &Dynamic) -> Fallible<Dynamic> {
    let (ours, theirs) = (to_json(&account)?, to_json(anonymous)?);
    let made = on(
        |running| {
            let mut work = Work { context: running.context, budget: &mut running.budget };
            strategy.merge(Some(ours.view()), theirs.view(), &mut work)
        },
        Err(Refusal::Overrun),
    );
    match made {
        Ok(Made::Keep) => Ok(account),
        Ok(Made::Write(value)) => to_dynamic(value.view()),
        Err(Refusal::Overrun) => Err(end(Stop::Overrun)),
        Err(Refusal::AccountShape) => {
            on(|running| running.account_shape = true, ());
            Ok(account)
        }
    }
}
