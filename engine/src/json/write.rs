//! Writing: compact, and what nobody touched as its own bytes.

use super::document::Kind;
use super::number::{INT_DIGITS, float_text, int_text};
use super::text::{Text, write_escaped};
use super::value::{Json, Place, View};

impl View<'_> {
    /// Appends the compact text of the value.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Place(place) => write_place(place, out),
            Self::Built(json) => write_built(json, out),
        }
    }

    /// The compact text of the value.
    #[must_use]
    pub fn to_text(self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// Bytes of the compact text.
    #[must_use]
    pub fn compact_bytes(self) -> usize {
        if let Self::Place(place) = self
            && place.node().verbatim()
        {
            return place.span().len();
        }
        match self.kind() {
            Kind::Array => 2 + self.len().saturating_sub(1) + self.items().map(View::compact_bytes).sum::<usize>(),
            Kind::Object => {
                let members =
                    self.named_members().map(|(name, value)| name.compact_bytes() + 1 + value.compact_bytes());
                2 + self.len().saturating_sub(1) + members.sum::<usize>()
            }
            _ => self.to_text().len(),
        }
    }
}

fn write_place(place: Place<'_>, out: &mut Vec<u8>) {
    let node = place.node();
    if node.verbatim() {
        out.extend_from_slice(place.text().as_bytes());
        return;
    }
    let view = View::Place(place);
    match node.kind() {
        Kind::Array => write_items(view, out),
        _ => write_members(view, out),
    }
}

fn write_built(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null | Json::Place(..) => out.extend_from_slice(b"null"),
        Json::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Json::Int(value) => out.extend_from_slice(int_text(*value, &mut [0; INT_DIGITS]).as_bytes()),
        Json::Float(value) => out.extend_from_slice(float_text(*value).as_bytes()),
        Json::Text(text) => write_string(Text::plain(text), out),
        Json::List(_) => write_items(View::Built(json), out),
        Json::Object(_) => write_members(View::Built(json), out),
    }
}

fn write_items(view: View<'_>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, item) in view.items().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item.write(out);
    }
    out.push(b']');
}

fn write_members(view: View<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in view.named_members().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        name.write(out);
        out.push(b':');
        value.write(out);
    }
    out.push(b'}');
}

/// Appends a string in quotation marks.
pub(crate) fn write_string(text: Text<'_>, out: &mut Vec<u8>) {
    out.push(b'"');
    if text.has_escapes() {
        out.extend_from_slice(text.raw().as_bytes());
    } else {
        write_escaped(text.raw(), out);
    }
    out.push(b'"');
}
