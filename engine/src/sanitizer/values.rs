//! The values of keywords: sizes, texts, types, bounds, patterns.

use std::sync::Arc;

use super::check::{Check, Listed, Types};
use super::ecma::rewritten;
use super::format::Format;
use super::pattern::{Pattern, PatternError};
use super::reader::Reader;
use super::schema::Dependent;
use crate::diagnostic::{Help, SchemaProblem, suggestion};
use crate::fate::Keyword;
use crate::json::{Divisor, Json, Kind, View};
use crate::sensitive::{Detector, Detectors};

/// A pattern is written out in a help up to this length.
const SHOWN_BYTES: usize = 80;

/// The type that a word of another language means.
fn type_help(name: &str) -> Help {
    let ours = match name.to_lowercase().as_str() {
        "list" | "tuple" => "array",
        "float" | "double" | "decimal" => "number",
        "int" | "long" => "integer",
        "dict" | "map" | "struct" => "object",
        "bool" => "boolean",
        "str" | "text" => "string",
        "none" | "undefined" | "nil" => "null",
        _ => return suggestion(name, &Types::WORDS),
    };
    Help::did_you_mean(ours)
}

impl Reader<'_> {
    pub(super) fn wrong(&mut self, value: View<'_>, expected: &str) {
        let (keyword, expected) = (self.keyword.clone(), expected.to_owned());
        self.error(value, SchemaProblem::Takes { keyword, expected });
    }

    pub(super) fn types(&mut self, value: View<'_>) -> Types {
        let mut types = Types::NONE;
        let words: Vec<_> = if value.kind() == Kind::Array { value.items().collect() } else { vec![value] };
        for word in words {
            let name = word.as_text().map_or_else(|| word.to_text(), |text| text.decode().into_owned());
            match Types::by_word(&name).filter(|_| word.kind() == Kind::String) {
                Some(one) => types = types.or(one),
                None => {
                    let help = Some(type_help(&name));
                    self.error(word, SchemaProblem::UnknownType { name, help });
                }
            }
        }
        types
    }

    pub(super) fn check(&mut self, keyword: &str, value: View<'_>) -> Option<Check> {
        match keyword {
            "enum" => self.enumeration(value),
            "const" => Some(Check::Const(value.to_json())),
            "minLength" => self.size(value).map(Check::MinLength),
            "maxLength" => self.size(value).map(Check::MaxLength),
            "pattern" => self.pattern(value).map(Check::Pattern),
            "format" => self.format(value).map(Check::Format),
            _ => self.bound(keyword, value),
        }
    }

    pub(super) fn enumeration(&mut self, value: View<'_>) -> Option<Check> {
        if value.kind() != Kind::Array || value.is_empty() {
            self.wrong(value, "a list of values");
            return None;
        }
        Some(Check::Enum(Arc::new(Listed::new(value.items().map(View::to_json).collect()))))
    }

    pub(super) fn bound(&mut self, keyword: &str, value: View<'_>) -> Option<Check> {
        let Some(number) = value.as_number() else {
            self.wrong(value, "a number");
            return None;
        };
        let is_small = |whole: &i64| whole.unsigned_abs() < 1 << 53;
        let whole = number.as_i64().filter(|whole| is_small(whole) || number.is_written_as_integer());
        let bound = whole.map_or_else(|| value.to_json(), Json::Int);
        Some(match keyword {
            "minimum" => Check::Minimum(bound),
            "maximum" => Check::Maximum(bound),
            "exclusiveMinimum" => Check::ExclusiveMinimum(bound),
            "exclusiveMaximum" => Check::ExclusiveMaximum(bound),
            _ => match Divisor::new(number) {
                Some(divisor) => Check::MultipleOf(divisor),
                None => {
                    self.wrong(value, "a number above 0 of at most 19 significant digits");
                    return None;
                }
            },
        })
    }

    pub(super) fn size(&mut self, value: View<'_>) -> Option<usize> {
        let size = value.as_size();
        if size.is_none() {
            self.wrong(value, "a whole number, 0 or more");
        }
        size
    }

    pub(super) fn boolean(&mut self, value: View<'_>) -> bool {
        if value.as_bool().is_none() {
            self.wrong(value, "`true` or `false`");
        }
        value.as_bool() == Some(true)
    }

    pub(super) fn text(&mut self, value: View<'_>) -> Option<String> {
        let text = value.as_text().map(|text| text.decode().into_owned());
        if text.is_none() {
            self.wrong(value, "a string");
        }
        text
    }

    pub(super) fn strings(&mut self, value: View<'_>) -> Vec<String> {
        if value.kind() != Kind::Array {
            self.wrong(value, "a list of strings");
        }
        value.items().filter_map(|item| self.text(item)).collect()
    }

    pub(super) fn dependent(&mut self, value: View<'_>) -> Vec<Dependent> {
        if value.kind() != Kind::Object {
            self.wrong(value, "an object of lists of names");
        }
        let keyword = Keyword::DependentRequired;
        let dependent = value.members();
        dependent
            .map(|(name, names)| Dependent { trigger: name.decode().into_owned(), needs: self.strings(names), keyword })
            .collect()
    }

    pub(super) fn detectors(&mut self, value: View<'_>) -> Detectors {
        let mut detectors = Detectors::NONE;
        for (item, name) in value.items().zip(self.strings(value)) {
            match Detector::by_name(&name) {
                Some(detector) => detectors.set(detector, true),
                None => {
                    let help = Some(suggestion(&name, &Detector::NAMES));
                    self.error(item, SchemaProblem::UnknownDetector { name, help });
                }
            }
        }
        detectors
    }

    pub(super) fn format(&mut self, value: View<'_>) -> Option<Format> {
        let name = self.text(value)?;
        let format = Format::by_name(&name);
        if format.is_none() {
            let help = Some(suggestion(&name, &Format::NAMES));
            self.error(value, SchemaProblem::UnknownFormat { name, help });
        }
        format
    }

    pub(super) fn pattern(&mut self, value: View<'_>) -> Option<Pattern> {
        let text = self.text(value)?;
        let problem = match Pattern::compile(&text) {
            Ok(pattern) => return Some(pattern),
            Err(PatternError::Invalid) => SchemaProblem::InvalidPattern,
            Err(PatternError::Foreign(part, help)) => {
                let own = rewritten(&value.word()).filter(|own| own.len() <= SHOWN_BYTES);
                let help = own.map_or_else(|| Help::from(help), |own| Help::from(format!("write `{own}`")));
                SchemaProblem::ForeignPattern { part: part.to_string(), help: Some(help) }
            }
            Err(PatternError::TooLong(most)) => SchemaProblem::PatternTooLong { bytes: text.len(), most },
            Err(PatternError::NotLinear) => SchemaProblem::NotLinear,
        };
        self.error(value, problem);
        None
    }
}
