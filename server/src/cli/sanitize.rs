//! `handover sanitize`

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use handover_engine::fate::Entry;
use handover_engine::limits::Limits;
use handover_engine::sanitizer::{Options, Sanitized, Sanitizer, Unknown};
use handover_engine::sensitive::{Detector, Detectors};
use serde_json::{Value, json};

use super::output::{Status, print, say, usage};
use crate::files;

/// Arguments of `sanitize`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The document; standard input if absent
    file: Option<PathBuf>,
    /// The JSON Schema
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Members that the schema does not name
    #[arg(long, value_enum, default_value = "drop")]
    unknown: UnknownMembers,
    /// Detectors of sensitive data, separated by commas, or `none`
    #[arg(long, default_value = "pan,ssn", value_name = "LIST")]
    deny: String,
    /// A limit of the policy, such as `anonymous_nodes=1000`; none but a depth of 128 by default
    #[arg(long = "limit", value_name = "NAME=N")]
    limits: Vec<String>,
    /// A document a line
    #[arg(long)]
    ndjson: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum UnknownMembers {
    Drop,
    Keep,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let schema = files::text(&arguments.schema).map_err(usage)?;
    let limits = limits(&arguments.limits).map_err(usage)?;
    let unknown = match arguments.unknown {
        UnknownMembers::Drop => Unknown::Drop,
        UnknownMembers::Keep => Unknown::Keep,
    };
    let options = Options { unknown, deny: detectors(&arguments.deny).map_err(usage)?, ..Options::of(&limits) };
    let name = arguments.schema.display().to_string();
    let sanitizer = match Sanitizer::compile(&name, &schema, options) {
        Ok(sanitizer) => sanitizer,
        Err(diagnostics) => {
            for diagnostic in diagnostics {
                say(&format!("error[{}]: {diagnostic}", diagnostic.code));
            }
            return Ok(Status::Rules);
        }
    };
    if !arguments.ndjson {
        let document = files::input_bytes(arguments.file.as_deref())?;
        print(&answer(&sanitizer, &document, limits.report_entries))?;
        return Ok(Status::Ok);
    }
    let mut input = files::input(arguments.file.as_deref())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        out.write_all(&answer(&sanitizer, &line, limits.report_entries))?;
        // who waits for an answer before the next document must get it
        if input.buffer().is_empty() {
            out.flush()?;
        }
        line.clear();
    }
    out.flush()?;
    Ok(Status::Ok)
}

/// No limits but those that are named.
fn limits(named: &[String]) -> Result<Limits> {
    let unbounded = usize::MAX;
    let mut limits = Limits {
        anonymous_bytes: unbounded,
        anonymous_depth: unbounded,
        anonymous_nodes: unbounded,
        name_bytes: unbounded,
        ..Limits::default()
    };
    for limit in named {
        let wrong = || anyhow!("`{limit}` is not a limit such as `anonymous_nodes=1000`");
        let (name, size) = limit.split_once('=').ok_or_else(wrong)?;
        let size = size.parse().ok().filter(|size| *size > 0).ok_or_else(wrong)?;
        limits.by_name(name).ok_or_else(wrong)?.set(size);
    }
    Ok(limits)
}

fn detectors(list: &str) -> Result<Detectors> {
    let mut detectors = Detectors::NONE;
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none") {
        let detector = Detector::by_name(name);
        detectors.set(detector.ok_or_else(|| anyhow!("no detector `{name}`: `pan`, `ssn` or `none`"))?, true);
    }
    Ok(detectors)
}

/// `{"output": …, "report": …}`; the output is written as its own bytes.
fn answer(sanitizer: &Sanitizer, document: &[u8], entries_max: usize) -> Vec<u8> {
    let result = sanitizer.sanitize(document, entries_max);
    let mut out = b"{".to_vec();
    if let Some(output) = &result.output {
        out.extend_from_slice(b"\"output\":");
        output.view().write(&mut out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"report\":");
    out.extend_from_slice(report(sanitizer, &result).to_string().as_bytes());
    out.extend_from_slice(b"}\n");
    out
}

fn report(sanitizer: &Sanitizer, result: &Sanitized) -> Value {
    let entries: Vec<Value> = result.report.entries.iter().map(|one| entry(sanitizer, one)).collect();
    let mut counts = serde_json::Map::new();
    for one in &result.report.entries {
        let count = counts.entry(one.action.word()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    json!({
        "outcome": result.outcome.word(),
        "entries": entries,
        "counts": counts,
        "omitted": result.report.omitted,
        "nodes_in": result.nodes_in,
        "nodes_out": result.nodes_out,
    })
}

fn entry(sanitizer: &Sanitizer, entry: &Entry) -> Value {
    let mut value = json!({
        "pointer": entry.pointer,
        "keyword": entry.keyword.word(),
        "action": entry.action.word(),
        "schema": sanitizer.schema_place(entry.by, entry.keyword),
        "nodes": entry.nodes,
    });
    if let (Some((pointer, keyword)), Some(members)) = (&entry.cause, value.as_object_mut()) {
        members.insert("cause".to_owned(), json!({ "pointer": pointer, "keyword": keyword.word() }));
    }
    value
}
