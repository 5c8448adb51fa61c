//! Where a closing bracket is missing, as the indentation shows.

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

#[cfg(test)]
mod tests {
    use super::unclosed;

    #[test]
    fn a_missing_bracket_is_where_the_indentation_ends() {
        assert_eq!(unclosed("{\n  \"a\": [\n    1\n}\n"), Some(16));
        assert_eq!(unclosed("{\n  \"a\": [ 1 ]\n}\n"), None);
        assert_eq!(unclosed("fn f() {\n    if a { b; // }\n}\n"), Some(22));
        assert_eq!(unclosed("fn f() {\n    \"{\"\n}\n"), None);
    }
}
