//! Regular expressions of schemas.

/// Why a pattern was refused.
pub(super) enum PatternError {
    /// Not a regular expression.
    Invalid,
    /// It needs look-around or a back-reference.
    NotLinear,
}

/// A regular expression of ECMA-262 that matches in linear time.
#[derive(Clone)]
pub(super) struct Pattern(regex::Regex);

impl Pattern {
    pub(super) fn compile(text: &str) -> Result<Self, PatternError> {
        let kind = || {
            let not_linear = ["(?=", "(?!", "(?<=", "(?<!", "\\1", "\\2", "\\k<"];
            if not_linear.iter().any(|sign| text.contains(sign)) {
                PatternError::NotLinear
            } else {
                PatternError::Invalid
            }
        };
        let translated = jsonschema_regex::to_rust_regex(text).map_err(|()| kind())?;
        regex::Regex::new(&translated).map(Self).map_err(|_| kind())
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}
