//! What is wrong in an author's file: code, severity, place, message, help.

pub use crate::code::Code;
use crate::json::{Place, Position, ReadError, ReadErrorKind, View};

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rules do not load.
    Error,
    /// Worth a change.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The word that is printed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Something wrong in an author's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, such as `S010`.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// The file, below the folder of the policy.
    pub file: String,
    /// The first character that is wrong.
    pub start: Position,
    /// The character after the last that is wrong.
    pub end: Position,
    /// One sentence in lower case; the author's words in backticks.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<Help>,
    /// The place in the data that it speaks of, where it speaks of data: a JSON Pointer.
    pub pointer: Option<String>,
    /// The keyword of a schema whose value is wrong, where it is one.
    pub keyword: Option<String>,
    /// A case that shows it, as aligned lines: what each value is, and the value.
    pub details: Vec<(&'static str, String)>,
    /// Other places that have to do with it, each with what is to be seen there.
    pub related: Vec<Self>,
}

/// What to write instead: a sentence, and the text that replaces the place where that is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    text: String,
    replacement: Option<String>,
}

impl Help {
    /// A sentence, beside the text that mends the place.
    #[must_use]
    pub fn replacing(text: impl Into<String>, replacement: impl Into<String>) -> Self {
        Self { text: text.into(), replacement: Some(replacement.into()) }
    }

    /// ``did you mean `word`?``, which mends the place.
    #[must_use]
    pub fn did_you_mean(word: &str) -> Self {
        Self::replacing(format!("did you mean `{word}`?"), word)
    }

    /// The text that replaces the place, if that mends it.
    #[must_use]
    pub fn replacement(&self) -> Option<&str> {
        self.replacement.as_deref()
    }
}

impl From<String> for Help {
    fn from(text: String) -> Self {
        Self { text, replacement: None }
    }
}

impl From<&str> for Help {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl std::ops::Deref for Help {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for Help {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A place of an author's file that cases come to, and how often they came to each of its sides.
#[derive(Clone, Debug)]
pub struct Covered {
    /// The place; its message is what stands there.
    pub at: Diagnostic,
    /// Each side by what is said if nobody came to it, such as `never failed`, with how often somebody did.
    pub sides: Vec<(&'static str, u64)>,
}

impl Diagnostic {
    /// An error at bytes of a file's text.
    #[must_use]
    pub fn error(code: Code, file: &str, text: &str, span: std::ops::Range<usize>, message: String) -> Self {
        let (start, end) = (Position::of(text.as_bytes(), span.start), Position::of(text.as_bytes(), span.end));
        Self::between(code, file, [start, end], message)
    }

    /// An error from one place of a file to another.
    #[must_use]
    pub fn between(code: Code, file: &str, [start, end]: [Position; 2], message: String) -> Self {
        Self {
            code,
            severity: Severity::Error,
            file: file.to_owned(),
            start,
            end,
            message,
            help: None,
            pointer: None,
            keyword: None,
            details: Vec::new(),
            related: Vec::new(),
        }
    }

    /// An error at a value of a file.
    #[must_use]
    pub fn at(code: Code, file: &str, place: Place<'_>, message: String) -> Self {
        Self::error(code, file, place.document_text(), place.span(), message)
    }

    /// An error at a value that stands in a file, or at the start of the file if it stands in none.
    #[must_use]
    pub fn at_view(code: Code, file: &str, view: View<'_>, message: String) -> Self {
        match view.place() {
            Some(place) => Self::at(code, file, place, message),
            None => Self::error(code, file, "", 0..0, message),
        }
    }

    /// The error of a file that is not JSON, or names a member twice.
    #[must_use]
    pub fn unreadable(codes: [Code; 2], file: &str, text: &str, error: ReadError) -> Self {
        let code = match error.kind {
            ReadErrorKind::Duplicate => codes[1],
            _ => codes[0],
        };
        // a missing token is missed at the end of the one before it; a bracket, where the indentation shows that it lacks
        let noticed = text.get(..error.offset).unwrap_or(text).trim_end().len();
        let before = unclosed(text).map_or(noticed, |at| at.min(noticed));
        let missing = error.message().starts_with("expected `") || text.trim_end().len() <= error.offset;
        let rest = text.get(error.offset..).unwrap_or_default();
        // a comma that nothing follows is what is wrong, not the bracket behind it
        let trailing = rest.starts_with(['}', ']']) && text.get(..noticed).is_some_and(|read| read.ends_with(','));
        let span = match () {
            () if trailing => noticed - 1..noticed,
            () if missing => before..before + 1,
            () => error.offset..error.end,
        };
        let (message, help) = match error.kind {
            ReadErrorKind::Duplicate => {
                let name = text.get(error.offset..error.end).unwrap_or_default().trim_matches('"');
                (format!("duplicate member `{name}`"), None)
            }
            _ if trailing => ("a `,` without a value after it".to_owned(), Some("remove it")),
            _ => habit(error.message(), rest),
        };
        let diagnostic = Self::error(code, file, text, span, message);
        help.into_iter().fold(diagnostic, Self::help)
    }

    /// The same, as something that stops nothing.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// With another place that has to do with it.
    #[must_use]
    pub fn related(mut self, place: Self) -> Self {
        self.related.push(place);
        self
    }

    /// With a case that shows it.
    #[must_use]
    pub fn details(self, details: Vec<(&'static str, String)>) -> Self {
        Self { details, ..self }
    }

    /// The message and its details in one line.
    #[must_use]
    pub fn text(&self) -> String {
        let details: Vec<String> = self.details.iter().map(|(what, value)| format!("{what} {value}")).collect();
        let between = if details.is_empty() { "" } else { ": " };
        format!("{}{between}{}", self.message, details.join(", "))
    }

    /// With a help line.
    #[must_use]
    pub fn help(mut self, help: impl Into<Help>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What stands where JSON expects something else, with what to write instead.
fn habit(message: &str, rest: &str) -> (String, Option<&'static str>) {
    let word: String = rest.chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect();
    let sign = rest.chars().next().unwrap_or_default();
    let value = message.starts_with("expected a value");
    let name = message.contains("quotation marks");
    match (sign, word.as_str()) {
        ('\0', _) if !rest.is_empty() => ("the file is not UTF-8".to_owned(), Some("save the file as UTF-8")),
        ('\u{feff}', _) => ("the file begins with a byte order mark".to_owned(), Some("save it as UTF-8 without one")),
        ('#', _) => (format!("{message}, not a comment"), Some("JSON has no comments: remove it")),
        _ if rest.starts_with("//") || rest.starts_with("/*") => {
            (message.to_owned(), Some("JSON has no comments: remove it"))
        }
        ('\n' | '\r', _) if message.contains("control character") => {
            ("a string without its closing `\"`".to_owned(), Some("close it with `\"`"))
        }
        (',', _) if value || name => (format!("{message}, not a second `,`"), Some("remove it")),
        ('\\', _) if message.contains("escape") => {
            let escape: String = rest.chars().take(2).collect();
            (format!("{message}: `{escape}`"), Some("write `\\\\` for a backslash"))
        }
        (_, "True" | "TRUE") if value => (format!("{message}, not `{word}`"), Some("write `true`")),
        (_, "False" | "FALSE") if value => (format!("{message}, not `{word}`"), Some("write `false`")),
        (_, "None" | "undefined" | "nil" | "Null" | "NULL") if value => {
            (format!("{message}, not `{word}`"), Some("write `null`"))
        }
        (_, "NaN" | "Infinity") if value => {
            (format!("{message}, not `{word}`"), Some("JSON has no `NaN` and no `Infinity`"))
        }
        ('\'' | '`' | '“' | '”', _) if value || name => {
            (format!("{message}, not `{sign}`"), Some("write strings between `\"`"))
        }
        _ if value && !word.is_empty() => (format!("{message}, not `{word}`"), Some("write strings between `\"`")),
        _ if name => (message.to_owned(), Some("write names between `\"`")),
        ('}' | ']', _) if message.contains("end of the text") => {
            (format!("{message}, not `{sign}`"), Some("remove it"))
        }
        _ => (message.to_owned(), None),
    }
}

/// `file:line:column: message`, as compilers print it.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, start, .. } = self;
        write!(f, "{file}:{}:{}: {}", start.line, start.column, self.text())?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, ", {help}"))
    }
}

/// The end of the token after which a closing bracket is missing, as the indentation tells: before the first line that begins
/// with a closing bracket and is not indented as the line that opened it. Strings and comments are passed over.
#[must_use]
pub fn unclosed(text: &str) -> Option<usize> {
    let mut open: Vec<usize> = Vec::new();
    let (mut at, mut indent, mut is_first, mut last) = (0, 0, true, 0);
    while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let length = skipped(text.get(at..).unwrap_or_default());
        match character {
            '\n' => (indent, is_first) = (0, true),
            _ if character.is_whitespace() => indent += usize::from(is_first),
            '{' | '[' | '(' => open.push(indent),
            '}' | ']' | ')' => {
                let opened = open.pop();
                if is_first && opened.is_some_and(|opened| opened > indent) {
                    return Some(last);
                }
            }
            _ => {}
        }
        let is_comment = text.get(at..).is_some_and(|rest| rest.starts_with("//") || rest.starts_with("/*"));
        at += length;
        if !character.is_whitespace() && !is_comment {
            (is_first, last) = (false, at);
        }
    }
    None
}

/// Bytes of a string, a comment, or a character.
fn skipped(rest: &str) -> usize {
    let first = rest.chars().next();
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    let Some(mark) = first.filter(|mark| matches!(mark, '"' | '`')) else { return first.map_or(1, char::len_utf8) };
    let mut is_escaped = false;
    let closing = rest.char_indices().skip(1).find(|(_, one)| {
        let closes = !is_escaped && (*one == mark || (*one == '\n' && mark == '"'));
        is_escaped = !is_escaped && *one == '\\';
        closes
    });
    closing.map_or(rest.len(), |(at, _)| at + 1)
}

/// The nearest of the words that are valid here, for `did you mean`.
#[must_use]
pub fn nearest<'a>(word: &str, valid: &[&'a str]) -> Option<&'a str> {
    let distance = |candidate: &&str| edit_distance(&word.to_lowercase(), &candidate.to_lowercase());
    let best = valid.iter().min_by_key(|candidate| distance(candidate))?;
    let longest = word.chars().count().max(best.chars().count());
    if distance(best) <= 1.max(longest / 3) {
        return Some(*best);
    }
    let related = valid.iter().filter(|candidate| is_within(word, candidate) || is_within(candidate, word));
    related.min_by_key(|candidate| distance(candidate)).copied()
}

/// Whether a word of three letters or more has its letters, in order, in another one that begins alike: `qty`, `quantity`.
fn is_within(word: &str, longer: &str) -> bool {
    let mut letters = longer.chars();
    let alike = word.chars().next() == longer.chars().next();
    alike && word.chars().count() >= 3 && word.chars().all(|letter| letters.any(|other| other == letter))
}

/// `did you mean …`, or the list of the valid words if none is near.
#[must_use]
pub fn suggestion(word: &str, valid: &[&str]) -> Help {
    let Some(near) = nearest(word, valid) else {
        let some: Vec<_> = valid.iter().take(8).map(|word| format!("`{word}`")).collect();
        let more = if valid.len() > some.len() { ", …" } else { "" };
        return Help::from(format!("one of {}{more}", some.join(", ")));
    };
    Help::did_you_mean(near)
}

/// Damerau–Levenshtein, neighbours transposed once.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    let mut previous = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if j > 0 && previous == Some(y) && b.get(j - 1) == Some(&x) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        (before, last, previous) = (last, row, Some(x));
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{nearest, suggestion, unclosed};

    #[test]
    fn a_missing_bracket_is_where_the_indentation_ends() {
        assert_eq!(unclosed("{\n  \"a\": [\n    1\n}\n"), Some(16));
        assert_eq!(unclosed("{\n  \"a\": [ 1 ]\n}\n"), None);
        assert_eq!(unclosed("fn f() {\n    if a { b; // }\n}\n"), Some(22));
        assert_eq!(unclosed("fn f() {\n    \"{\"\n}\n"), None);
    }

    #[test]
    fn near_words_are_suggested() {
        assert_eq!(nearest("maxLenght", &["minLength", "maxLength", "maximum"]), Some("maxLength"));
        assert_eq!(nearest("Type", &["type", "title"]), Some("type"));
        assert_eq!(nearest("xyz", &["type", "title"]), None);
        assert_eq!(&*suggestion("xyz", &["type"]), "one of `type`");
    }
}
