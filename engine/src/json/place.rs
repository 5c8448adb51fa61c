//! Places in a source text, for people.

/// A place in a text: 1-based line, 1-based column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Position {
    /// The position of the byte at `offset`.
    ///
    /// ```
    /// # use handover_engine::json::Position;
    /// assert_eq!(Position::of("a\né!".as_bytes(), 4), Position { line: 2, column: 2 });
    /// ```
    #[must_use]
    pub fn of(text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or_default();
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let in_line = before.get(line_start..).unwrap_or_default();
        // a byte of the form 10xxxxxx continues a character
        Self { line, column: in_line.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() + 1 }
    }
}
