//! `handover transfer`

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use anyhow::{Context, Result};
use handover_engine::json::Json;
use handover_engine::ruleset::{Given, RuleSet};

use super::output::{Status, print, say};
use super::rules;
use crate::error::ApiError;
use crate::{files, transfer};

/// Arguments of `transfer`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The request; standard input if absent
    file: Option<PathBuf>,
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// A request a line in, a decision a line out, in order
    #[arg(long)]
    ndjson: bool,
    /// Wrap each decision as {"account", "decision"}
    #[arg(long)]
    with_account: bool,
    /// Threads that decide
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
}

/// Deep documents and scripts need more than a thread has by default.
const STACK_BYTES: usize = 16 * 1_024 * 1_024;
/// Lines that are decided before their answers are written, a thread.
const LINES_PER_ROUND: usize = 64;

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let Some(rules) = rules::load(&arguments.rules)? else { return Ok(Status::Rules) };
    let form = if arguments.with_account { Form::WithAccount } else { Form::Decision };
    if arguments.ndjson {
        lines(&rules, arguments, form)?;
        return Ok(Status::Ok);
    }
    let body = files::input_bytes(arguments.file.as_deref())?;
    let (answer, refused) = answer(&rules, &body, form);
    print(&answer)?;
    if refused {
        say("error: the request was refused; the problem is on standard output");
        return Ok(Status::Usage);
    }
    Ok(Status::Ok)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Decision,
    WithAccount,
}

/// The line of one body: its decision, or its problem; and whether it was refused.
fn answer(rules: &RuleSet, body: &[u8], form: Form) -> (Vec<u8>, bool) {
    match transfer::decide(rules, body, &Given::default()) {
        Err(refusal) => ((ApiError::refusal(&refusal, body).to_json() + "\n").into_bytes(), true),
        Ok((event, decision)) => {
            let mut out = Vec::new();
            if form == Form::WithAccount {
                out.extend_from_slice(b"{\"account\":");
                Json::text(&event.account_id).view().write(&mut out);
                out.extend_from_slice(b",\"decision\":");
            }
            out.extend_from_slice(&decision.to_bytes());
            out.extend_from_slice(if form == Form::WithAccount { b"}\n" } else { b"\n" });
            (out, false)
        }
    }
}

fn lines(rules: &RuleSet, arguments: &Arguments, form: Form) -> Result<()> {
    let mut input = files::input(arguments.file.as_deref())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let threads = arguments.threads.clamp(1, 64);
    std::thread::scope(|scope| {
        let workers = (0..threads).map(|_| Worker::start(scope, |line| answer(rules, line, form).0));
        let workers: Vec<_> = workers.collect::<std::io::Result<_>>()?;
        loop {
            let round = round(&mut input, if threads == 1 { 1 } else { threads * LINES_PER_ROUND })?;
            if round.is_empty() {
                break;
            }
            for answer in answers(&workers, round)? {
                out.write_all(&answer)?;
            }
            // who waits for an answer before the next request must get it
            if input.buffer().is_empty() {
                out.flush()?;
            }
        }
        out.flush()?;
        Ok(())
    })
}

/// A thread that answers lines, with scripts of its own that it builds once.
struct Worker {
    lines: Sender<Vec<Vec<u8>>>,
    answers: Receiver<Vec<Vec<u8>>>,
}

impl Worker {
    fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'scope,
    ) -> std::io::Result<Self> {
        let (lines, work) = channel::<Vec<Vec<u8>>>();
        let (done, answers) = channel();
        let run = move || {
            for lines in work {
                // whoever asked may be gone
                let _ = done.send(lines.iter().map(|line| answer(line)).collect());
            }
        };
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run)?;
        Ok(Self { lines, answers })
    }
}

/// The next lines of the input, without those that are blank: as many as are there already, and at least one.
fn round(input: &mut files::Input, lines_max: usize) -> Result<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while lines.len() < lines_max && input.read_until(b'\n', &mut line)? > 0 {
        if !line.trim_ascii().is_empty() {
            lines.push(std::mem::take(&mut line));
            if input.buffer().is_empty() {
                break;
            }
        }
        line.clear();
    }
    Ok(lines)
}

/// The answers of some lines, in order.
fn answers(workers: &[Worker], mut lines: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    let share = lines.len().div_ceil(workers.len()).max(1);
    let mut asked = Vec::new();
    for worker in workers {
        if !lines.is_empty() {
            let rest = lines.split_off(share.min(lines.len()));
            worker.lines.send(std::mem::replace(&mut lines, rest)).context("a thread failed")?;
            asked.push(worker);
        }
    }
    let answers = asked.into_iter().map(|worker| worker.answers.recv().context("a thread failed"));
    Ok(answers.collect::<Result<Vec<_>>>()?.concat())
}
