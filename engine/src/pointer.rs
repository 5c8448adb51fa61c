//! JSON Pointer (RFC 6901): names of places.

use crate::json::{Kind, Place, View};

/// A parsed JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// Reads a pointer: empty, or `/` and tokens in which `~1` is `/` and `~0` is `~`.
    ///
    /// ```
    /// # use handover_engine::pointer::Pointer;
    /// assert_eq!(Pointer::parse("/a~1b").unwrap().tokens(), ["a/b"]);
    /// assert!(Pointer::parse("a").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { tokens: Vec::new() });
        }
        let tokens = text.strip_prefix('/')?.split('/').map(unescape).collect::<Option<_>>()?;
        Some(Self { tokens })
    }

    /// The pointer to a member of the root.
    #[must_use]
    pub fn member(name: &str) -> Self {
        Self { tokens: vec![name.to_owned()] }
    }

    /// The unescaped tokens.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The value at this place below `root`.
    #[must_use]
    pub fn get<'a>(&self, root: View<'a>) -> Option<View<'a>> {
        self.tokens.iter().try_fold(root, |value, token| child(value, token))
    }
}

/// The member or item of `value` that one token names.
#[must_use]
pub fn child<'a>(value: View<'a>, token: &str) -> Option<View<'a>> {
    match value.kind() {
        Kind::Object => value.get(token),
        Kind::Array => index(token).and_then(|index| value.item(index)),
        _ => None,
    }
}

/// The children of a place with their tokens.
pub(crate) fn children(place: Place<'_>) -> impl Iterator<Item = (String, Place<'_>)> {
    let view = View::Place(place);
    let items = view.items().enumerate().map(|(index, item)| (index.to_string(), item));
    let members = view.members().map(|(name, member)| (name.decode().into_owned(), member));
    items.chain(members).filter_map(|(token, child)| Some((token, child.place()?)))
}

/// An array index: digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    plain.then(|| token.parse().ok()).flatten()
}

fn unescape(token: &str) -> Option<String> {
    let wrong = token.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    (!wrong).then(|| token.replace("~1", "/").replace("~0", "~"))
}

/// Appends `/` and the escaped token.
pub fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    if !token.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        pointer.push_str(token);
        return;
    }
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pointer, push};
    use crate::json::{Document, View};

    #[track_caller]
    fn check(pointer: &str, found: Option<&str>) {
        let document = Document::read(br#"{"a":[10,{"b/c":1,"~":2,"":3}],"01":4}"#).unwrap();
        let value = Pointer::parse(pointer).and_then(|pointer| pointer.get(document.root()).map(View::to_text));
        assert_eq!(value.as_deref(), found, "{pointer}");
    }

    #[test]
    fn places_are_found() {
        check("/a/0", Some("10"));
        check("/a/1/b~1c", Some("1"));
        check("/a/1/~0", Some("2"));
        check("/a/1/", Some("3"));
        check("/01", Some("4"));
        check("/a/01", None);
        check("/a/2", None);
        check("/a/1/~2", None);
    }

    #[test]
    fn tokens_are_escaped() {
        let mut pointer = String::new();
        push(&mut pointer, "a/b~");
        assert_eq!(pointer, "/a~1b~0");
    }
}
