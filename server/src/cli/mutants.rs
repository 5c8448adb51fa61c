//! `handover test --mutants`: each bound, keyword, strategy and operator of the rules is changed, one at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use handover_engine::author::mutants::{self, Bench, Fate, Mutant};
use handover_engine::policy::Files;
use serde_json::{Value, json};

use super::output::{Status, count, print, say, usage};
use super::progress::Progress;
use super::rules::Form;
use crate::files;

/// What is asked for.
pub(super) struct Asked<'a> {
    /// Folder of the policy.
    pub(super) rules: &'a Path,
    /// Folder of the fixtures.
    pub(super) fixtures: &'a Path,
    /// Only mutants of files whose path holds this text.
    pub(super) filter: Option<&'a str>,
    /// Whether a fixture is written for each mutant that lives.
    pub(super) save: bool,
    /// How results are printed.
    pub(super) format: Form,
}

/// Tries all mutants of a policy; the exit code says whether one lives that a generated login tells from the rules.
pub(super) fn run(asked: &Asked<'_>, files: &Files, texts: &BTreeMap<String, String>) -> Result<Status> {
    if !matches!(asked.format, Form::Pretty | Form::Json) {
        return Err(usage(anyhow!("`--mutants` prints `--format pretty` or `json`")));
    }
    let start = Instant::now();
    let mut all = mutants::all(files);
    all.retain(|mutant| asked.filter.is_none_or(|filter| mutant.file.contains(filter)));
    if all.is_empty() {
        return Err(usage(anyhow!(
            "no file of the rules whose path holds `{}` has a mutant",
            asked.filter.unwrap_or_default()
        )));
    }
    let fates = fates(&all, files, texts);
    let tried: Vec<(&Mutant, &Fate)> =
        fates.iter().filter_map(|(index, fate)| Some((all.get(*index)?, fate))).collect();
    let text = match asked.format {
        Form::Json => machine(&tried, asked.rules),
        _ => pretty(&tried, asked.rules, start),
    };
    print(text.as_bytes())?;
    if asked.save {
        save(&tried, asked.fixtures)?;
    }
    let lives = tried.iter().any(|(_, fate)| matches!(fate, Fate::Living(_)));
    Ok(if lives { Status::Tests } else { Status::Ok })
}

/// What became of each, in their order. Each thread compiles the rules for itself and takes the next mutant.
fn fates(all: &[Mutant], files: &Files, texts: &BTreeMap<String, String>) -> Vec<(usize, Fate)> {
    let progress = Progress::of(all.len(), "mutants");
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(all.len().max(1));
    let work = || {
        let mut own = Vec::new();
        // the rules compiled once already, so they do again
        let Ok(mut bench) = Bench::new(files, texts) else { return own };
        while let Some((index, mutant)) = take(&next, all) {
            own.push((index, bench.fate(mutant)));
            progress.step();
        }
        own
    };
    let mut found: Vec<(usize, Fate)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.flatten().collect()
    });
    found.sort_by_key(|(index, _)| *index);
    found
}

fn take<'a>(next: &AtomicUsize, all: &'a [Mutant]) -> Option<(usize, &'a Mutant)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    all.get(index).map(|mutant| (index, mutant))
}

/// How many met each fate: refused by `check`, failed a fixture, broke a law, live, and are told from the rules by nothing.
fn counts(tried: &[(&Mutant, &Fate)]) -> [usize; 5] {
    let of = |wanted: fn(&Fate) -> bool| tried.iter().filter(|(_, fate)| wanted(fate)).count();
    [
        of(|fate| matches!(fate, Fate::Refused(_))),
        of(|fate| matches!(fate, Fate::Failed(_))),
        of(|fate| matches!(fate, Fate::Broken(_))),
        of(|fate| matches!(fate, Fate::Living(_))),
        of(|fate| matches!(fate, Fate::Same)),
    ]
}

fn place(mutant: &Mutant, folder: &Path) -> String {
    let Mutant { file, at, change, .. } = mutant;
    let folder = folder.to_str().unwrap_or("rules").trim_end_matches('/');
    format!("{folder}/{file}:{}:{}: {change}", at.line, at.column)
}

fn pretty(tried: &[(&Mutant, &Fate)], folder: &Path, start: Instant) -> String {
    let mut out = String::new();
    for (mutant, fate) in tried {
        // writing to a string cannot fail
        let _ = match fate {
            Fate::Living(fixture) if fixture.is_empty() => {
                writeln!(out, "{}: survives, no fixture detects it", place(mutant, folder))
            }
            Fate::Living(fixture) => {
                let fixture = fixture.trim_end().replace('\n', "\n    ");
                writeln!(out, "{}: survives, no fixture or law detects it; add:\n    {fixture}", place(mutant, folder))
            }
            Fate::Same => writeln!(out, "{}: possibly equivalent, no generated login differs", place(mutant, folder)),
            Fate::Refused(_) | Fate::Failed(_) | Fate::Broken(_) => Ok(()),
        };
    }
    let [refused, failed, broken, living, same] = counts(tried);
    let _ = writeln!(
        out,
        "{}: {} killed ({failed} by fixtures, {broken} by laws, {refused} by check), {living} surviving, {same} possibly equivalent · {} ms",
        count(tried.len(), "mutant"),
        refused + failed + broken,
        start.elapsed().as_millis()
    );
    out
}

fn machine(tried: &[(&Mutant, &Fate)], folder: &Path) -> String {
    let [refused, failed, broken, living, same] = counts(tried);
    let folder = folder.to_str().unwrap_or("rules").trim_end_matches('/');
    let one = |(mutant, fate): &(&Mutant, &Fate)| {
        let (fate, by) = match fate {
            Fate::Refused(code) => ("killed", json!(code.as_str())),
            Fate::Failed(file) => ("killed", json!(file)),
            Fate::Broken(law) => ("killed", json!(law.name())),
            Fate::Living(fixture) => ("survived", serde_json::from_str(fixture).unwrap_or(Value::Null)),
            Fate::Same => ("possibly_equivalent", Value::Null),
        };
        let by = if fate == "survived" { ("fixture", by) } else { ("by", by) };
        let Mutant { file, at, change, rule, .. } = mutant;
        json!({ "file": format!("{folder}/{file}"), "line": at.line, "column": at.column, "change": change,
                "rule": rule, "fate": fate, by.0: by.1 })
    };
    let all: Vec<Value> = tried.iter().map(one).collect();
    let summary = json!({ "mutants": tried.len(), "killed": refused + failed + broken, "survived": living, "possibly_equivalent": same });
    json!({ "version": 1, "mutants": all, "summary": summary }).to_string() + "\n"
}

/// Writes a fixture for each mutant that lives, unless it is there already.
fn save(tried: &[(&Mutant, &Fate)], fixtures: &Path) -> Result<()> {
    for (index, (mutant, fate)) in tried.iter().enumerate() {
        let Fate::Living(fixture) = fate else { continue };
        let is_the_same = |(_, other): &(&Mutant, &Fate)| matches!(other, Fate::Living(other) if other == fixture);
        if fixture.is_empty() || tried.iter().take(index).any(is_the_same) {
            continue;
        }
        // several changes of one place are told apart by their number
        let nth =
            tried.iter().take(index).filter(|(other, _)| other.file == mutant.file && other.at == mutant.at).count()
                + 1;
        let stem = mutant.file.split('.').next().unwrap_or_default().replace('/', "-");
        let rule = mutant.rule.as_deref().unwrap_or(&stem);
        let name = format!("mutant-{stem}-{}-{}-{nth}.json", mutant.at.line, mutant.at.column);
        let file = fixtures.join(rule).join(name).display().to_string();
        let written = files::write_new(&file, fixture).context("cannot save the fixture")?;
        say(&if written { format!("wrote {file}") } else { format!("{file} is there already") });
    }
    Ok(())
}
