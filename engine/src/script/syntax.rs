//! Syntax errors: all of a script in one pass, in our words.
//!
//! The parser stops at its first error, so a script that has one is taken apart at the functions that begin in the first
//! column, and each part is parsed with the others blank: places stay, and a comment goes with the function below it.

use rhai::{LexError, ParseError, ParseErrorType, Position as ScriptPosition, Token};

use super::ast::{self, Tree};
use super::lint::{Where, foreign, habit_at};
use super::suspect::suspect;
use crate::diagnostic::{Diagnostic, Help, Note, ScriptProblem, Span, Token as Written, unclosed};
use crate::json::Position;

/// What could be parsed of a script, and what could not.
pub(super) struct Parsed {
    pub(super) tree: Tree,
    /// Names of functions in parts that do not parse: nothing is said of them.
    pub(super) broken: Vec<String>,
    pub(super) errors: Vec<Diagnostic>,
}

/// Parses all parts of a script.
pub(super) fn parse(file: &str, source: &str) -> Parsed {
    let first = match ast::parse(source) {
        Ok(tree) => return Parsed { tree, broken: Vec::new(), errors: Vec::new() },
        Err(error) => syntax_error(file, source, &error),
    };
    let mut parsed = Parsed { tree: Tree::default(), broken: Vec::new(), errors: Vec::new() };
    for part in parts(source) {
        match ast::parse(&part) {
            Ok(tree) => {
                parsed.tree.functions.extend(tree.functions);
                parsed.tree.statements.extend(tree.statements);
                parsed.tree.closures.extend(tree.closures);
                parsed.tree.imports.extend(tree.imports);
            }
            Err(error) => {
                parsed.broken.extend(ast::named(&part).into_iter().map(|(name, _)| name));
                parsed.errors.push(syntax_error(file, &part, &error));
            }
        }
    }
    if parsed.errors.is_empty() {
        // only together are they wrong
        parsed.errors.push(first);
    }
    parsed
}

/// The parts of a script, each with the rest blank.
fn parts(source: &str) -> Vec<String> {
    let mut starts = vec![0];
    let mut comment = None;
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let text = line.trim_end();
        if text.starts_with("fn ") || text.starts_with("private fn ") {
            starts.push(comment.unwrap_or(at));
        }
        comment = if text.starts_with("//") { comment.or(Some(at)) } else { None };
        at += line.len();
    }
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([source.len()]);
    let parts = starts.iter().copied().zip(ends).filter(|(start, end)| start < end);
    parts.map(|(start, end)| blank(source, start, end)).collect()
}

fn blank(source: &str, start: usize, end: usize) -> String {
    let kept = |(at, character): (usize, char)| {
        if (start..end).contains(&at) || character == '\n' { character } else { ' ' }
    };
    source.char_indices().map(kept).collect::<String>().trim_end().to_owned()
}

/// An error of the parser at its place.
pub(super) fn syntax_error(file: &str, source: &str, error: &ParseError) -> Diagnostic {
    let at = error.position();
    if let Some(unreadable) = unreadable(file, source, at) {
        return unreadable;
    }
    let explained = matches!(
        &*error.0,
        ParseErrorType::VariableUndefined(_)
            | ParseErrorType::FnDuplicatedDefinition(..)
            | ParseErrorType::BadInput(_)
            | ParseErrorType::UnknownOperator(_)
    );
    let suspected = at.line().zip(at.position()).filter(|_| !explained);
    let suspected = suspected.and_then(|(line, column)| suspect(file, source, line, column));
    if let Some(wrong) = reserved_member(file, source, at).or_else(|| habit(file, source, at)).or(suspected) {
        return wrong;
    }
    let problem = match &*error.0 {
        ParseErrorType::VariableUndefined(name) => ScriptProblem::Undefined { name: name.clone(), help: None },
        ParseErrorType::FnDuplicatedDefinition(name, _) => return second(file, source, at, name),
        ParseErrorType::Reserved(word) => {
            foreign_word(word).unwrap_or_else(|| ScriptProblem::NotAllowed { name: word.clone(), help: None })
        }
        ParseErrorType::BadInput(LexError::ImproperSymbol(symbol, hint)) => {
            let is_disabled = error.err_type().to_string().ends_with("is disabled");
            symbols(symbol, hint, is_disabled)
        }
        ParseErrorType::BadInput(LexError::UnterminatedString) => ScriptProblem::OpenString,
        ParseErrorType::BadInput(_) if next(source, at) == Some('=') && text_before(source, at).ends_with("??") => {
            ScriptProblem::CoalesceAssigned
        }
        ParseErrorType::BadInput(LexError::MalformedChar(text)) => ScriptProblem::SingleQuotes { text: text.clone() },
        ParseErrorType::MissingToken(token, _) if token == ";" && next(source, at) == Some(':') => {
            ScriptProblem::MapWithoutHash
        }
        // the parser tells it by a sentence only
        ParseErrorType::MissingToken(_, why) if why.contains("iteration variable") => ScriptProblem::ForeignFor,
        ParseErrorType::MissingToken(token, why) => match foreign_word(&word_at(source, at)) {
            Some(foreign) => foreign,
            None => return missing(file, source, at, (token, expected(source, at, token, why))),
        },
        ParseErrorType::FnMissingBody(name) => {
            return missing(file, source, at, ("{", format!("`{{`, the body of `{name}`")));
        }
        ParseErrorType::VariableExpected => variable_expected(source, at),
        ParseErrorType::MismatchedType(wanted, found) => {
            let help = boolean_habit(source, at).map(Help::from);
            ScriptProblem::ExpectedType { wanted: wanted.clone(), found: found.clone(), help }
        }
        ParseErrorType::UnknownOperator(operator) => {
            let help = foreign(operator).map(|ours| Help::from(format!("write `{ours}`")));
            ScriptProblem::ForeignOperator { operator: operator.clone(), help }
        }
        other => ScriptProblem::Parser { message: lowered(&other.to_string()) },
    };
    Diagnostic::new(span_at(file, source, at), problem)
}

/// A word or sign of another language, if it is one.
fn foreign_word(own: &str) -> Option<ScriptProblem> {
    let ours = foreign(own)?;
    let what = if own.starts_with(char::is_alphabetic) { Written::Word } else { Written::Sign };
    Some(ScriptProblem::Foreign { own: own.to_owned(), what, ours: format!("`{ours}`") })
}

/// A sign that no text editor should have written.
fn unreadable(file: &str, source: &str, at: ScriptPosition) -> Option<Diagnostic> {
    let problem = match next(source, at)? {
        '\0' => ScriptProblem::NotUtf8,
        '\u{feff}' => ScriptProblem::ByteOrderMark,
        _ => return None,
    };
    Some(Diagnostic::new(span_at(file, source, at), problem))
}

/// A reserved word where the name of a member is expected: behind a `.`, or before a `:` in an object.
fn reserved_member(file: &str, source: &str, at: ScriptPosition) -> Option<Diagnostic> {
    let word = word_at(source, at);
    let place = at.position()?.checked_sub(1)?;
    let line = source.lines().nth(at.line()?.checked_sub(1)?)?;
    let lines_before = source.lines().take(at.line()?.saturating_sub(1)).flat_map(|line| line.chars().chain(['\n']));
    let before: String = lines_before.chain(line.chars().take(place)).collect();
    let after: String = line.chars().skip(place + word.chars().count()).collect();
    let (before, after) = (before.trim_end(), after.trim_start());
    let is_member =
        before.ends_with('.') || (before.ends_with(['{', ',']) && after.starts_with(':') && !after.starts_with("::"));
    let is_reserved = || {
        let tokens = ast::tokens(&word);
        matches!(tokens.as_slice(), [(token, _)] if !matches!(token, Token::Identifier(_) | Token::IntegerConstant(_)))
    };
    if !is_member || !word.starts_with(char::is_alphabetic) || !is_reserved() {
        return None;
    }
    Some(Diagnostic::new(span_at(file, source, at), ScriptProblem::ReservedMember { word }))
}

/// A loop of another language, or a sign where a name should stand.
fn variable_expected(source: &str, at: ScriptPosition) -> ScriptProblem {
    if ["let", "const"].contains(&word_before(source, at).as_str())
        && matches!(next(source, at), Some('(' | '[' | '{' | '#'))
    {
        return ScriptProblem::Destructuring;
    }
    if word_before(source, at) == "for" || next(source, at) == Some('(') {
        return ScriptProblem::ForeignFor;
    }
    let sign = next(source, at).map(|sign| format!(", not `{sign}`")).unwrap_or_default();
    ScriptProblem::Expected { what: format!("the name of a variable{sign}") }
}

/// A sign that is none of rhai's, or that scripts may not use.
fn symbols(symbol: &str, hint: &str, is_disabled: bool) -> ScriptProblem {
    foreign_word(symbol).unwrap_or_else(|| {
        if hint.is_empty() || is_disabled {
            let help = (symbol == "#").then(|| Help::from("write `//` before a comment"));
            ScriptProblem::NotAllowed { name: symbol.to_owned(), help }
        } else {
            ScriptProblem::UnknownSign { sign: symbol.to_owned(), hint: lowered(hint) }
        }
    })
}

/// What was expected: where a list goes on or ends, its closing bracket too.
fn expected(source: &str, at: ScriptPosition, token: &str, why: &str) -> String {
    let closing = [("array literal", "]"), ("function call", ")"), ("object map", "}"), ("parameters", ")")];
    let closing = closing.iter().find(|(what, _)| token == "," && why.contains(what)).map(|(_, closing)| *closing);
    match closing {
        Some(closing) => format!("`,` or `{closing}` {why}"),
        // nothing follows: what is open is a body
        None if token == ";" && at.is_none() => "`}` to end the body".to_owned(),
        None if token == ";" && word_before(source, at) == "let" => "`=` and a value".to_owned(),
        None => format!("`{token}` {why}"),
    }
}

/// What is meant by a sign for `true` and `false` between other values.
fn boolean_habit(source: &str, at: ScriptPosition) -> Option<String> {
    let line = at.line()?;
    let tokens: Vec<Token> =
        ast::tokens(source).into_iter().filter(|(_, own)| own.line() == Some(line)).map(|(token, _)| token).collect();
    let is_not_in = |pair: &[Token]| matches!(pair, [Token::Identifier(word), Token::In] if word.as_str() == "not");
    if tokens.windows(2).any(is_not_in) {
        return Some("write `!in`".to_owned());
    }
    tokens.contains(&Token::Or).then(|| "write `??`: `||` is for `true` and `false`".to_owned())
}

/// The text of a line before a place.
fn text_before(source: &str, at: ScriptPosition) -> String {
    let line = at.line().and_then(|line| source.lines().nth(line - 1)).unwrap_or_default();
    line.chars().take(at.position().unwrap_or(1).saturating_sub(1)).collect()
}

/// The word before the last one before a place: `let` of `let items anonymous`, `for` of `for let`.
fn word_before(source: &str, at: ScriptPosition) -> String {
    let before = text_before(source, at);
    let words: Vec<&str> = before.split(|one: char| !one.is_alphanumeric() && one != '_').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let own = words.iter().rev().find(|word| ["let", "const", "for"].contains(word)).copied();
    let last_two = words.iter().rev().take(2).any(|word| Some(*word) == own);
    own.filter(|_| last_two).unwrap_or_default().to_owned()
}

/// A token is missing behind the one before, whatever stands between; a bracket, where the indentation shows it.
fn missing(file: &str, source: &str, at: ScriptPosition, (token, what): (&str, String)) -> Diagnostic {
    let noticed = span_at(file, source, at).start;
    let shown = unclosed(source).filter(|_| matches!(token, "}" | ")" | "]" | ";" | ","));
    let shown = shown.filter(|at| Position::of(source.as_bytes(), *at) < noticed);
    let before = shown.unwrap_or_else(|| behind_last(source, noticed));
    Diagnostic::new(Span::of(file, source, before..before + 1), ScriptProblem::Expected { what })
}

/// A function that is there already; the parser stops at the word before its name.
fn second(file: &str, source: &str, at_word: ScriptPosition, name: &str) -> Diagnostic {
    let own: Vec<_> = ast::named(source).into_iter().filter(|(own, _)| own == name).map(|(_, at)| at).collect();
    let order = |at: &ScriptPosition| (at.line(), at.position());
    let place = |at: Option<&ScriptPosition>| span_at(file, source, at.copied().unwrap_or(at_word));
    // the parser stops at the word before the second name
    let second = place(own.iter().find(|own| order(own) > order(&at_word)));
    let first = Note::new(place(own.first()), "the first one");
    Diagnostic::new(second, ScriptProblem::DefinedTwice { name: name.to_owned() }).related(first)
}

/// A line that begins with a word of another language, before the place where the parser noticed.
fn habit(file: &str, source: &str, at: ScriptPosition) -> Option<Diagnostic> {
    let number = at.line()?;
    let line = source.lines().nth(number - 1)?;
    let indent = line.chars().take_while(|one| one.is_whitespace()).count();
    let word: String = line.trim_start().chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect();
    let ours = habit_at(&word, &[Where::Statement])?;
    let problem = ScriptProblem::Foreign { own: word, what: Written::Word, ours: format!("`{ours}`") };
    let place = ScriptPosition::new(u16::try_from(number).ok()?, u16::try_from(indent + 1).ok()?);
    Some(Diagnostic::new(span_at(file, source, place), problem))
}

/// The end of the last token before a place: white space and lines that are a comment are passed over.
fn behind_last(source: &str, at: Position) -> usize {
    let lines: usize = source.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
    let line = source.get(lines..).unwrap_or_default();
    let column: usize = line.chars().take(at.column - 1).map(char::len_utf8).sum();
    let mut read = source.get(..lines + column).unwrap_or(source).trim_end();
    while let Some(start) = read.lines().last().filter(|line| line.trim_start().starts_with("//")).map(str::len) {
        read = read.get(..read.len() - start).unwrap_or_default().trim_end();
    }
    read.len()
}

fn word_at(source: &str, at: ScriptPosition) -> String {
    let rest = at.line().and_then(|line| source.lines().nth(line - 1)).unwrap_or_default().chars();
    rest.skip(at.position().unwrap_or(1) - 1).take_while(|one| one.is_alphanumeric() || *one == '_').collect()
}

fn next(source: &str, at: ScriptPosition) -> Option<char> {
    source.lines().nth(at.line()? - 1)?.chars().nth(at.position()? - 1)
}

fn lowered(message: &str) -> String {
    let mut message = message.to_owned();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    message
}

/// The word at a place in a script; a place without a line is the end of the text.
pub(super) fn span_at(file: &str, source: &str, at: ScriptPosition) -> Span {
    let last = Position::of(source.as_bytes(), source.trim_end().len());
    let start = at.line().map_or(last, |line| Position { line, column: at.position().unwrap_or(1) });
    let rest = source.lines().nth(start.line - 1).unwrap_or_default().chars().skip(start.column - 1);
    let word = rest.take_while(|character| character.is_alphanumeric() || *character == '_').count();
    let end = Position { column: start.column + word.max(1), ..start };
    Span { file: file.to_owned(), start, end }
}
