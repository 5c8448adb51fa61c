//! Files that are not JSON: what an author wrote instead, and what to write.

use super::family::Words;
use super::{Code, Help, Severity};
use crate::json::{ReadError, ReadErrorKind, Syntax};

/// A file that is not JSON, or names a member twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Its code, which depends on what the file is for.
    pub(super) code: Code,
    pub(super) why: Why,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Duplicate {
        name: String,
    },
    TrailingComma,
    NotUtf8,
    ByteOrderMark,
    /// A byte order mark in the middle of a text.
    Invisible,
    Comment {
        expected: ReadErrorKind,
    },
    OpenString,
    SecondComma {
        expected: Syntax,
    },
    Escape {
        text: String,
    },
    /// A word of another language for one of JSON's.
    Word {
        word: String,
        ours: &'static str,
    },
    /// `NaN` and `Infinity`.
    NoNumber {
        word: String,
    },
    /// A quotation mark of another language.
    Quotation {
        expected: Syntax,
        sign: char,
    },
    UnquotedString {
        word: String,
    },
    UnquotedName,
    Bracket {
        sign: char,
    },
    Other(ReadErrorKind),
}

impl Why {
    /// What is where the reader stopped, between what was read and the rest.
    pub(super) fn of(error: ReadError, before: &str, rest: &str) -> Self {
        let word: String = rest.chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect();
        let sign = rest.chars().next().unwrap_or_default();
        match sign {
            // what reads the files gives this for one that is not UTF-8
            '\0' if before.is_empty() && rest.len() == 1 => return Self::NotUtf8,
            '\u{feff}' if before.is_empty() => return Self::ByteOrderMark,
            '\u{feff}' => return Self::Invisible,
            '#' => return Self::Comment { expected: error.kind },
            _ if rest.starts_with("//") || rest.starts_with("/*") => {
                return Self::Comment { expected: error.kind };
            }
            _ => {}
        }
        let ReadErrorKind::Syntax(expected) = error.kind else { return Self::Other(error.kind) };
        match (expected, sign) {
            (Syntax::Control, '\n' | '\r') => Self::OpenString,
            (Syntax::Escape, '\\') => Self::Escape { text: rest.chars().take(2).collect() },
            (Syntax::End, '}' | ']') => Self::Bracket { sign },
            (Syntax::Value | Syntax::Name, ',') if before.trim_end().ends_with(',') => Self::SecondComma { expected },
            (Syntax::Value | Syntax::Name, '\'' | '`' | '“' | '”') => Self::Quotation { expected, sign },
            (Syntax::Value, _) if !word.is_empty() => Self::of_word(word),
            (Syntax::Name, _) => Self::UnquotedName,
            _ => Self::Other(error.kind),
        }
    }

    fn of_word(word: String) -> Self {
        let ours = match word.as_str() {
            "True" | "TRUE" => "true",
            "False" | "FALSE" => "false",
            "None" | "undefined" | "nil" | "Null" | "NULL" => "null",
            "NaN" | "Infinity" => return Self::NoNumber { word },
            _ => return Self::UnquotedString { word },
        };
        Self::Word { word, ours }
    }
}

impl Unreadable {
    pub(super) fn words(&self) -> Words {
        let value = Syntax::Value.message();
        let (message, help) = match &self.why {
            Why::Duplicate { name } => (format!("duplicate member `{name}`"), None),
            Why::TrailingComma => ("a `,` without a value after it".to_owned(), Some("remove it")),
            Why::NotUtf8 => ("the file is not UTF-8".to_owned(), Some("save the file as UTF-8")),
            Why::ByteOrderMark => {
                ("the file begins with a byte order mark".to_owned(), Some("save it as UTF-8 without one"))
            }
            Why::Invisible => ("an invisible character (U+FEFF)".to_owned(), Some("remove it")),
            Why::Comment { expected } => {
                (format!("{}, not a comment", expected.message()), Some("JSON has no comments: remove it"))
            }
            Why::OpenString => ("a string without its closing `\"`".to_owned(), Some("close it with `\"`")),
            Why::SecondComma { expected } => (format!("{}, not a second `,`", expected.message()), Some("remove it")),
            Why::Escape { text } => {
                (format!("{}: `{text}`", Syntax::Escape.message()), Some("write `\\\\` for a backslash"))
            }
            Why::Word { word, ours } => {
                let help = Help::from(format!("write `{ours}`"));
                return self.said(format!("{value}, not `{word}`"), Some(help));
            }
            Why::NoNumber { word } => (format!("{value}, not `{word}`"), Some("JSON has no `NaN` and no `Infinity`")),
            Why::Quotation { expected, sign } => {
                (format!("{}, not `{sign}`", expected.message()), Some("write strings between `\"`"))
            }
            Why::UnquotedString { word } => (format!("{value}, not `{word}`"), Some("write strings between `\"`")),
            Why::UnquotedName => (Syntax::Name.message().to_owned(), Some("write names between `\"`")),
            Why::Bracket { sign } => (format!("{}, not `{sign}`", Syntax::End.message()), Some("remove it")),
            Why::Other(kind) => (kind.message().to_owned(), None),
        };
        self.said(message, help.map(Help::from))
    }

    fn said(&self, message: String, help: Option<Help>) -> Words {
        Words { code: self.code, severity: Severity::Error, message, help }
    }
}
