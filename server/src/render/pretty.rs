//! Diagnostics with the line that they speak of, for a terminal.

use std::fmt::Write;

use handover_engine::diagnostic::Diagnostic;

use super::Report;

/// Renders every diagnostic with its line and a caret; `columns` is the width of the terminal.
#[must_use]
pub fn pretty(report: &Report<'_>, columns: usize, ink: Ink) -> String {
    let mut out = String::new();
    for diagnostic in report.shown() {
        let text = report.texts.get(&diagnostic.file).map(String::as_str);
        one(&mut out, diagnostic, &report.path(&diagnostic.file), text, Style { columns, ink });
        for place in &diagnostic.related {
            let _ = writeln!(out, " --> {}", report.line(place));
        }
    }
    out
}

/// Whether the terminal shows colour; it is never the only sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// It does.
    Colour,
    /// It does not.
    Plain,
}

#[derive(Clone, Copy)]
struct Style {
    columns: usize,
    ink: Ink,
}

impl Style {
    fn strong(self, text: &str) -> String {
        if self.ink == Ink::Colour { format!("\u{1b}[1;31m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn one(out: &mut String, diagnostic: &Diagnostic, path: &str, text: Option<&str>, style: Style) {
    let Diagnostic { code, severity, start, .. } = diagnostic;
    // an author's names stand in both, and a terminal obeys no part of them
    let (message, help) = (escaped(&diagnostic.message), diagnostic.help.as_deref().map(escaped));
    let head = style.strong(&format!("{}[{code}]", severity.word()));
    // writing to a string cannot fail
    let _ = writeln!(out, "{head}: {message}");
    for (what, value) in &diagnostic.details {
        let _ = writeln!(out, "  {what:<13}  {}", escaped(value));
    }
    let _ = writeln!(out, " --> {path}:{}:{}", start.line, start.column);
    let help = help.as_ref().map(|help| format!("help: {help}"));
    let number = start.line.to_string();
    let margin = " ".repeat(number.len());
    let Some(line) = text.and_then(|text| text.lines().nth(start.line - 1)) else {
        let _ = help.map(|help| writeln!(out, "{margin} = {help}"));
        return;
    };
    let width = style.columns.saturating_sub(number.len() + " | ".len());
    let (shown, indent) = window(line, start.column, width);
    let marks = marked(diagnostic, line, shown.chars().count() - indent);
    let carets = style.strong(&"^".repeat(marks));
    let _ = writeln!(out, "{number} | {shown}\n{margin} | {}{carets}", " ".repeat(indent));
    let Some(help) = help else { return };
    if indent + marks + 1 + help.chars().count() <= width {
        // behind the carets, where there is room
        out.truncate(out.trim_end().len());
        let _ = writeln!(out, " {help}");
    } else {
        let _ = writeln!(out, "{margin} = {help}");
    }
}

/// A text without control characters.
fn escaped(text: &str) -> String {
    let escaped = |one: char| if one.is_control() { one.escape_default().collect() } else { one.to_string() };
    text.chars().map(escaped).collect()
}

/// Characters to mark: to the end of the place, or of the line.
fn marked(diagnostic: &Diagnostic, line: &str, room: usize) -> usize {
    let Diagnostic { start, end, .. } = diagnostic;
    let last = if end.line == start.line { end.column } else { line.chars().count() + 1 };
    last.saturating_sub(start.column).clamp(1, room.max(1))
}

/// A part of a long line around a column, and where the column is in it.
fn window(line: &str, column: usize, width: usize) -> (String, usize) {
    let characters: Vec<char> = line.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    let at = column.saturating_sub(1).min(characters.len());
    if characters.len() <= width {
        return (characters.into_iter().collect(), at);
    }
    let length = characters.len();
    let first = at.saturating_sub(width / 2).min(length.saturating_sub(width));
    let mut shown: Vec<char> = characters.into_iter().skip(first).take(width).collect();
    if first > 0
        && let Some(start) = shown.first_mut()
    {
        *start = '…';
    }
    if first + width < length
        && let Some(end) = shown.last_mut()
    {
        *end = '…';
    }
    (shown.into_iter().collect(), at - first)
}
