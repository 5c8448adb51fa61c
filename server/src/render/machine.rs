//! Diagnostics for machines: JSON, and the workflow commands of GitHub.

use std::fmt::Write;

use handover_engine::diagnostic::{Diagnostic, Note, Severity};
use handover_engine::json::{Document, View};
use handover_engine::policy::POLICY_FILE;
use serde::Serialize;

use super::Report;

/// What a command found, as `--format json` says it.
#[derive(Serialize)]
pub struct Output<'a> {
    version: u32,
    errors: Vec<One<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct One<'a> {
    code: &'a str,
    severity: &'a str,
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Fix>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'a>>,
}

/// Another place that has to do with an error.
#[derive(Serialize)]
pub struct Related<'a> {
    file: String,
    line: usize,
    column: usize,
    message: &'a str,
}

/// What removes the error.
#[derive(Serialize)]
struct Fix {
    title: String,
    edits: [Edit; 1],
}

#[derive(Serialize)]
struct Edit {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    text: String,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    omitted: usize,
    files: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<usize>,
}

/// One JSON object with all diagnostics.
#[must_use]
pub fn json(report: &Report<'_>) -> String {
    serde_json::to_string(&output(report)).unwrap_or_default()
}

/// The same, for a command that says more beside it.
#[must_use]
pub fn output<'a>(report: &Report<'a>) -> Output<'a> {
    Output {
        version: 1,
        errors: report.shown().map(|diagnostic| one(report, diagnostic)).collect(),
        summary: Summary {
            errors: report.count(Severity::Error),
            warnings: report.count(Severity::Warning),
            omitted: report.diagnostics.len().saturating_sub(report.most),
            files: report.texts.len(),
            rules: report.texts.get(POLICY_FILE).map(|text| rules(text)),
        },
    }
}

/// Rules that a policy declares, right or wrong.
fn rules(text: &str) -> usize {
    Document::read(text.as_bytes())
        .map_or(0, |policy| policy.root().get("rules").into_iter().flat_map(View::items).count())
}

fn one<'a>(report: &Report<'_>, diagnostic: &'a Diagnostic) -> One<'a> {
    let Diagnostic { code, severity, start, end, help, .. } = diagnostic;
    One {
        code: code.as_str(),
        severity: severity.word(),
        file: report.path(&diagnostic.file),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        message: diagnostic.text(),
        help: help.as_deref(),
        pointer: diagnostic.pointer.as_deref(),
        fix: fix(report, diagnostic),
        related: diagnostic.related.iter().map(|one| related(report, one)).collect(),
    }
}

/// A place by itself.
#[must_use]
pub fn related<'a>(report: &Report<'_>, note: &'a Note) -> Related<'a> {
    let Note { span, text } = note;
    Related { file: report.path(&span.file), line: span.start.line, column: span.start.column, message: text }
}

impl Output<'_> {
    /// What was found in one folder, and in another one.
    #[must_use]
    pub fn and(mut self, mut other: Self) -> Self {
        self.errors.append(&mut other.errors);
        self.summary.errors += other.summary.errors;
        self
    }
}

/// The word that was meant, in the place of the one that stands there.
fn fix(report: &Report<'_>, diagnostic: &Diagnostic) -> Option<Fix> {
    let word = diagnostic.help.as_ref()?.replacement()?;
    let Diagnostic { start, end, file, .. } = diagnostic;
    let line: Vec<char> = report.texts.get(file)?.lines().nth(start.line - 1)?.chars().collect();
    let old = line.get(start.column - 1..end.column - 1).filter(|_| start.line == end.line)?;
    let is_part = |one: Option<&char>| one.is_some_and(|one| one.is_alphanumeric() || *one == '_');
    let goes_on = is_part(old.last()) && is_part(line.get(end.column - 1));
    let text = match (old.first()?, old.last()?) {
        ('"', '"') if old.len() > 1 => serde_json::to_string(word).ok()?,
        ('`', '`') if old.len() > 1 => format!("`{word}`"),
        // what the place does not hold as a whole is not replaced
        ('"' | '`', _) => return None,
        _ if goes_on || file.ends_with(".json") => return None,
        _ => word.to_owned(),
    };
    let edit = Edit {
        file: report.path(&diagnostic.file),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        text,
    };
    Some(Fix { title: format!("write `{word}`"), edits: [edit] })
}

/// A workflow command a line.
#[must_use]
pub fn github(report: &Report<'_>) -> String {
    let mut out = String::new();
    for diagnostic in report.shown() {
        let Diagnostic { code, severity, start, end, help, .. } = diagnostic;
        let level = if *severity == Severity::Info { "notice" } else { severity.word() };
        let help = help.as_ref().map(|help| format!(", {help}")).unwrap_or_default();
        let related = diagnostic.related.iter().map(|one| format!("\n{}", report.line(one)));
        let text = format!("{}{help}{}", diagnostic.text(), related.collect::<String>())
            .replace('%', "%25")
            .replace('\n', "%0A");
        let text: String = text.chars().filter(|one| !one.is_control()).collect();
        let path = report.path(&diagnostic.file);
        // writing to a string cannot fail
        let _ = writeln!(
            out,
            "::{level} file={path},line={},col={},endLine={},endColumn={},title={code}::{text}",
            start.line, start.column, end.line, end.column
        );
    }
    out
}
