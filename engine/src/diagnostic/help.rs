//! What to write instead of what is wrong.

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
