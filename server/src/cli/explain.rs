//! `handover explain`

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use handover_engine::author::explain::{self, Told};
use handover_engine::author::fixture::Fixture;
use handover_engine::author::judge;
use handover_engine::event::{Event, Refusal};
use handover_engine::guard::is_anonymous;
use handover_engine::json::Document;
use handover_engine::ruleset::RuleSet;
use handover_engine::script::{GuardFailure, Verdict};
use serde_json::{Value, json};

use super::output::{Status, print, usage};
use super::rules;
use crate::files;

/// Arguments of `explain`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A fixture, a request, or `-` for standard input
    file: PathBuf,
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// Only places of this fate
    #[arg(long, value_enum, value_name = "FATE")]
    only: Option<Only>,
    /// How places are printed
    #[arg(long, value_enum, default_value = "pretty")]
    format: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    Kept,
    Changed,
    Dropped,
    Unread,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Pretty,
    /// One JSON object
    Json,
}

impl Only {
    fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Changed => "changed",
            Self::Dropped => "dropped",
            Self::Unread => "unread",
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let policy = rules::read(&arguments.rules)?;
    let Some(rules) = rules::load(&arguments.rules)? else { return Ok(Status::Rules) };
    let from_input = arguments.file.as_os_str() == "-";
    let bytes = files::input_bytes(if from_input { None } else { Some(&arguments.file) }).map_err(usage)?;
    if let Some(text) = guarded(&rules, &arguments.file.display().to_string(), &bytes, arguments.format) {
        print(text.as_bytes())?;
        return Ok(Status::Ok);
    }
    let event = event(&rules, &arguments.file.display().to_string(), &bytes).map_err(usage)?;
    let all = explain::explain(&rules, &policy, &event);
    let wanted = |one: &&Told| arguments.only.is_none_or(|only| one.fate == only.word());
    let shown: Vec<&Told> = all.iter().filter(wanted).collect();
    let folder = arguments.rules.display().to_string();
    let text = match arguments.format {
        Form::Pretty => pretty(&shown, &all, &folder),
        Form::Json => machine(&shown, &all, &folder).to_string() + "\n",
    };
    print(text.as_bytes())?;
    Ok(Status::Ok)
}

/// What a guard says of a guard's fixture.
fn guarded(rules: &RuleSet, name: &str, bytes: &[u8], format: Form) -> Option<String> {
    let fixture = Fixture::read(name, std::str::from_utf8(bytes).ok()?, rules).ok()?;
    let (operation, asked) = fixture.operation()?;
    // nobody asks a guard about an account
    let is_asked = asked.get("token").and_then(|token| token.get("sub")).is_none_or(|sub| is_anonymous(&sub.word()));
    let verdict = judge::authorize(&fixture, rules)?;
    let guard = rules.guards().iter().find(|guard| is_asked && guard.operation == operation);
    let stop = verdict.failure.as_ref().and_then(GuardFailure::stop).and_then(|stop| stop.at.clone());
    let file = guard.map(|guard| guard.script.file().to_string());
    let place = stop.map(|(file, line, column)| format!("{file}:{line}:{column}")).or(file);
    if format == Form::Json {
        let Verdict { outcome, reason, fields, .. } = verdict;
        let told =
            json!({ "operation": operation, "outcome": outcome, "reason": reason, "fields": fields, "by": place });
        return Some(told.to_string() + "\n");
    }
    let words = [verdict.outcome.to_owned(), operation, verdict.reason, verdict.fields.join(", ")];
    let words: Vec<String> = words.into_iter().chain(place).filter(|word| !word.is_empty()).collect();
    Some(words.join("  ") + "\n")
}

/// The event of a request, or of a fixture.
fn event(rules: &RuleSet, name: &str, bytes: &[u8]) -> Result<Event> {
    let refusal = match Event::read(bytes, rules.provider()) {
        Ok(event) => return Ok(event),
        Err(refusal) => refusal,
    };
    // a fixture has no account
    if let (Refusal::Invalid { pointer, expected }, Ok(document)) = (&refusal, Document::read(bytes))
        && document.root().get("account").is_some()
    {
        return Err(anyhow!("`{name}` is not a request: expected {expected} at `{pointer}`"));
    }
    if let Refusal::Unreadable(error) = &refusal {
        let at = error.position(bytes);
        // what a request holds there may be a person's
        return Err(anyhow!("`{name}` is not JSON: {} at {}:{}", error.message(), at.line, at.column));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| anyhow!("`{name}` is not UTF-8"))?;
    let fixture = Fixture::read(name, text, rules).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        anyhow!("`{name}` is neither a request nor a fixture: {first}")
    })?;
    Event::read(&fixture.body, rules.provider())
        .map_err(|refusal| anyhow!("`{name}` holds no event: {}", refusal.code()))
}

/// `file:line:column` of what decided.
fn by(told: &Told, folder: &str) -> Option<String> {
    let (file, at) = told.by.as_ref()?;
    Some(format!("{}/{file}:{}:{}", folder.trim_end_matches('/'), at.line, at.column))
}

fn pretty(shown: &[&Told], all: &[Told], folder: &str) -> String {
    let width = shown.iter().map(|one| one.pointer.chars().count()).max().unwrap_or(0).min(48);
    let lines = shown.iter().map(|one| {
        let pointer = if one.pointer.is_empty() { "(the metadata)" } else { &one.pointer };
        let place = by(one, folder).map(|by| format!("  {by}")).unwrap_or_default();
        let why = match (one.fate, &one.code, &one.to) {
            ("kept", _, Some(to)) if one.inferred => format!("to {to}, by a script{place}"),
            ("kept", _, Some(to)) => format!("to {to}"),
            ("kept", Some(code), None) => format!("allowed, but not saved as it is: {code}{place}"),
            ("unread", ..) => "no rule reads it".to_owned(),
            (_, Some(code), _) => format!("{code}{place}"),
            _ => String::new(),
        };
        format!("{:<7}  {pointer:<width$}  {why}", one.fate).trim_end().to_owned() + "\n"
    });
    format!("{}{}\n", lines.collect::<String>(), summary(all))
}

fn summary(all: &[Told]) -> String {
    let [kept, changed, dropped, unread] = explain::counts(all);
    format!("in {} = kept {kept} + changed {changed} + dropped {dropped} + unread {unread}", all.len())
}

fn machine(shown: &[&Told], all: &[Told], folder: &str) -> Value {
    let one = |told: &&Told| {
        let mut value = json!({ "pointer": told.pointer, "fate": told.fate });
        let more = [
            ("rule", told.rule.as_deref().map(str::to_owned)),
            ("code", told.code.clone()),
            ("by", by(told, folder)),
            ("to", told.to.clone()),
        ];
        if let Some(members) = value.as_object_mut() {
            members.extend(more.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))));
            if told.inferred {
                members.insert("inferred".to_owned(), Value::Bool(true));
            }
        }
        value
    };
    let [kept, changed, dropped, unread] = explain::counts(all);
    json!({ "version": 1, "places": shown.iter().map(one).collect::<Vec<_>>(),
            "counts": { "in": all.len(), "kept": kept, "changed": changed, "dropped": dropped, "unread": unread } })
}
