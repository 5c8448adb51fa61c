//! What is wrong in an author's file: the problem, its place, and its words.
//!
//! A problem is data. Each family of them is a table with one problem a line: its fields, code, severity, message and help.
//!
//! | family | of what |
//! |---|---|
//! | `json` | files that are not JSON |
//! | `policy` | `policy.json` |
//! | `schema` | schemas |
//! | `script` | rhai scripts |
//! | `fixture` | cases, and what came of them |
//! | `law` | merges on generated logins |

mod code;
mod help;
mod near;
mod brackets;
mod family;
mod fixture;
mod json;
mod law;
mod policy;
mod schema;
mod script;

use std::ops::Range;

use crate::json::{Place, Position, ReadError, ReadErrorKind, Syntax, View};
pub use brackets::unclosed;
pub use code::Code;
use family::Words;
pub(crate) use fixture::FixtureProblem;
pub use fixture::RunProblem;
pub use help::Help;
use json::{Unreadable, Why};
pub use law::LawProblem;
pub use near::{nearest, suggestion};
pub(crate) use policy::PolicyProblem;
pub(crate) use schema::SchemaProblem;
pub(crate) use script::{ScriptProblem, Token};

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

/// From where to where something stands in an author's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The file, below the folder of the policy.
    pub file: String,
    /// The first character.
    pub start: Position,
    /// The character after the last.
    pub end: Position,
}

impl Span {
    /// Bytes of a file's text.
    #[must_use]
    pub fn of(file: &str, text: &str, bytes: Range<usize>) -> Self {
        let position = |at| Position::of(text.as_bytes(), at);
        Self { file: file.to_owned(), start: position(bytes.start), end: position(bytes.end) }
    }

    /// A file as a whole: its first character.
    #[must_use]
    pub fn whole(file: &str) -> Self {
        Self::of(file, "", 0..0)
    }

    /// A value of a file.
    #[must_use]
    pub fn at(file: &str, place: Place<'_>) -> Self {
        Self::of(file, place.document_text(), place.span())
    }

    /// A value that stands in a file, or the file as a whole if it stands in none.
    #[must_use]
    pub fn at_view(file: &str, view: View<'_>) -> Self {
        view.place().map_or_else(|| Self::whole(file), |place| Self::at(file, place))
    }
}

/// A place of an author's file, and what is to be seen there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

impl Note {
    /// What is to be seen at a place.
    #[must_use]
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

/// `file:line:column: text`, as compilers print it.
impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { span: Span { file, start, .. }, text } = self;
        write!(f, "{file}:{}:{}: {text}", start.line, start.column)
    }
}

/// A place of an author's file that cases come to, and how often they came to each of its sides.
#[derive(Clone, Debug)]
pub struct Covered {
    /// The place, and what stands there.
    pub at: Note,
    /// Each side by what is said if nobody came to it, such as `never failed`, with how often somebody did.
    pub sides: Vec<(&'static str, u64)>,
}

/// A problem of some family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Unreadable(Unreadable),
    Policy(PolicyProblem),
    Schema(SchemaProblem),
    Script(ScriptProblem),
    Fixture(FixtureProblem),
    Run(RunProblem),
    Law(LawProblem),
}

/// A family of problems becomes a [`Problem`].
macro_rules! families {
    ($($family:ident($problem:ty))*) => {
        $(
            impl From<$problem> for Problem {
                fn from(problem: $problem) -> Self {
                    Self::$family(problem)
                }
            }
        )*

        impl Problem {
            fn words(&self) -> Words {
                match self {
                    $(Self::$family(problem) => problem.words()),*
                }
            }
        }
    };
}

families! {
    Unreadable(Unreadable)
    Policy(PolicyProblem)
    Schema(SchemaProblem)
    Script(ScriptProblem)
    Fixture(FixtureProblem)
    Run(RunProblem)
    Law(LawProblem)
}

/// Something wrong in an author's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, as data; the words below are made of it.
    pub(crate) problem: Problem,
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
    /// A case that shows it, as aligned lines: what each value is, and the value.
    pub details: Vec<(&'static str, String)>,
    /// Other places that have to do with it.
    pub related: Vec<Note>,
}

impl Diagnostic {
    /// A problem at its place.
    pub(crate) fn new(span: Span, problem: impl Into<Problem>) -> Self {
        let problem = problem.into();
        let Words { code, severity, message, help } = problem.words();
        let Span { file, start, end } = span;
        let (pointer, details, related) = (None, Vec::new(), Vec::new());
        Self { problem, code, severity, file, start, end, message, help, pointer, details, related }
    }

    /// What generated logins show of a merge.
    #[must_use]
    pub fn of_law(span: Span, problem: LawProblem) -> Self {
        Self::new(span, problem)
    }

    /// What is wrong with the cases of a run.
    #[must_use]
    pub fn of_run(span: Span, problem: RunProblem) -> Self {
        Self::new(span, problem)
    }

    /// The error of a file that is not JSON, or names a member twice: the codes of the two.
    pub(crate) fn unreadable(codes: [Code; 2], file: &str, text: &str, error: ReadError) -> Self {
        let rest = text.get(error.offset..).unwrap_or_default();
        // a missing token is missed at the end of the one before it; a bracket, where the indentation shows that it lacks
        let noticed = text.get(..error.offset).unwrap_or(text).trim_end().len();
        let before = unclosed(text).map_or(noticed, |at| at.min(noticed));
        let is_token = matches!(
            error.kind,
            ReadErrorKind::Syntax(Syntax::Colon | Syntax::ListSeparator | Syntax::ObjectSeparator)
        );
        // a comma that nothing follows is what is wrong, not the bracket behind it
        let trailing = rest.starts_with(['}', ']']) && text.get(..noticed).is_some_and(|read| read.ends_with(','));
        let bytes = match () {
            () if trailing => noticed - 1..noticed,
            () if is_token || text.trim_end().len() <= error.offset => before..before + 1,
            () => error.offset..error.end,
        };
        let [not_json, duplicate] = codes;
        let (code, why) = match error.kind {
            ReadErrorKind::Duplicate => {
                let name = text.get(error.offset..error.end).unwrap_or_default().trim_matches('"').to_owned();
                (duplicate, Why::Duplicate { name })
            }
            _ if trailing => (not_json, Why::TrailingComma),
            _ => (not_json, Why::of(error, text.get(..error.offset).unwrap_or(text), rest)),
        };
        Self::new(Span::of(file, text, bytes), Unreadable { code, why })
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        Span { file: self.file.clone(), start: self.start, end: self.end }
    }

    /// The same, as something that matters more or less.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// With another place that has to do with it.
    #[must_use]
    pub fn related(mut self, note: Note) -> Self {
        self.related.push(note);
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
}

/// `file:line:column: message`, as compilers print it.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, start, .. } = self;
        write!(f, "{file}:{}:{}: {}", start.line, start.column, self.text())?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, ", {help}"))
    }
}
