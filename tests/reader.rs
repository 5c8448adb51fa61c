//! The JSON reader against RFC 8259 and against `serde_json`.

use handover_engine::json::{Document, ReadErrorKind, Syntax, View, same};

/// What a text is: read, refused as not JSON, or refused for another reason.
#[track_caller]
fn check(text: &[u8], expected: Option<ReadErrorKind>) {
    let kind = Document::read(text).err().map(|error| error.kind);
    let matches = match (kind, expected) {
        (Some(ReadErrorKind::Syntax(_)), Some(ReadErrorKind::Syntax(_))) => true,
        (kind, expected) => kind == expected,
    };
    assert!(matches, "{}: {kind:?}", String::from_utf8_lossy(text));
}

const NOT_JSON: Option<ReadErrorKind> = Some(ReadErrorKind::Syntax(Syntax::Value));

#[test]
fn what_rfc_8259_allows_is_read() {
    for text in [
        "null",
        " true ",
        "\t[]\r\n",
        "{}",
        "[1,-0,0.5,1e5,1E-5,1e+5,123456789012345678901234567890]",
        "\"\"",
        r#""\"\\\/\b\f\n\r\t\u0000\ud83d\ude00""#,
        r#"{"":1,"a":{"a":2}}"#,
        "\"é\u{2028}\u{10ffff}\u{7f}\"",
        "[[],[[]]]",
        "-0.0e-0",
    ] {
        check(text.as_bytes(), None);
    }
}

#[test]
fn what_rfc_8259_does_not_allow_is_refused() {
    for text in [
        "",
        " ",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "0x1",
        "NaN",
        "Infinity",
        "nul",
        "truex",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a",
        "\"\n\"",
        "\"\0\"",
        "[1]]",
        "// a\n1",
        "1 2",
        "\u{feff}1",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ude00\\ud83d\"",
        "\"\\ud83d\\u0061\"",
        "1e400",
        "-1e400",
        "[\"a\",\n4\n,1,",
        "{\"a\":1 \"b\":2}",
        "\u{a0}1",
    ] {
        check(text.as_bytes(), NOT_JSON);
    }
    for bytes in [&b"\xff"[..], b"\"\xc0\x80\"", b"\"\xed\xa0\x80\"", b"\"\xe9\"", b"[\x00]"] {
        check(bytes, NOT_JSON);
    }
}

#[test]
fn names_given_twice_are_refused_however_they_are_escaped() {
    let twice = Some(ReadErrorKind::Duplicate);
    check(br#"{"a":1,"a":2}"#, twice);
    check(br#"{"a":1,"\u0061":2}"#, twice);
    check(br#"[{"x":{"k":1,"l":2,"k":3}}]"#, twice);
    check(br#"{"a":{"a":1},"b":{"a":1}}"#, None);
    let many: Vec<String> = (0..1_000).map(|index| format!("\"name-{index}\":0")).collect();
    check(format!("{{{}}}", many.join(",")).as_bytes(), None);
    check(format!("{{{},\"name-\\u0034\":0}}", many.join(",")).as_bytes(), twice);
}

#[test]
fn depth_is_bounded_while_reading() {
    let nested = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
    check(nested(128).as_bytes(), None);
    check(nested(129).as_bytes(), Some(ReadErrorKind::TooDeep));
    check("[".repeat(100_000).as_bytes(), Some(ReadErrorKind::TooDeep));
    check("{\"a\":".repeat(129).as_bytes(), Some(ReadErrorKind::TooDeep));
}

#[test]
fn what_nobody_touches_leaves_as_its_own_bytes() {
    for text in ["1.10", "18446744073709551616", "-0", "1E+2", r#"{"b":1,"a":[1.0,"\u0061"]}"#, "[]", r#""\/""#] {
        assert_eq!(Document::read(text.as_bytes()).unwrap().root().to_text(), text);
    }
    assert_eq!(Document::read(b" { \"a\" : [ 1 , 2 ] } ").unwrap().root().to_text(), r#"{"a":[1,2]}"#);
}

#[test]
fn an_error_knows_its_line_and_column() {
    let text = "{\n  \"é\": 1,\n  \"a\": tru\n}";
    let error = Document::read(text.as_bytes()).unwrap_err();
    assert_eq!((error.position(text.as_bytes()).line, error.position(text.as_bytes()).column), (3, 8));
}

/// A small generator of numbers, the same on every machine (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ (word >> 31)) % bound as u64).unwrap()
    }
}

const PIECES: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"a\"",
    "\"b\"",
    "\"\\u0061\"",
    "\"é\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.5",
    "1e3",
    "1E-2",
    "1e400",
    "-0",
    "01",
    "1.",
    " ",
    "\n",
    "\t",
    "\"a\":",
    "\"b\":1",
    "{}",
    "[]",
    "[1,2]",
    "{\"a\":1}",
    "\u{0}",
    "\u{7f}",
    "nul",
    "\"x\\ny\"",
    "123456789012345678901234567890",
    "\"\\u00",
    "//",
    "'",
];

fn text(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..=random.below(12) {
        text.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes());
    }
    if random.below(4) == 0 && !text.is_empty() {
        let at = random.below(text.len());
        text[at] = [b'"', b'\\', 0xff, b'{', b'0', b' '][random.below(6)];
    }
    text
}

/// A valid text, so that more than refusals are compared.
fn valid(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => out.push_str("null"),
        1 => out.push_str(["true", "false"][random.below(2)]),
        2 => {
            out.push_str(["0", "-0", "12", "1.50", "1e3", "9007199254740993", "18446744073709551616"][random.below(7)]);
        }
        3 | 4 => out.push_str(["\"\"", "\"a\\\"b\"", "\"\\u00e9\"", "\"é😀\"", "\"0123456789\\n\""][random.below(5)]),
        5 | 6 => {
            out.push('[');
            for index in 0..random.below(4) {
                out.push_str(if index > 0 { " , " } else { "" });
                valid(random, depth - 1, out);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            for index in 0..random.below(16) {
                out.push_str(if index > 0 { "," } else { "" });
                out.extend(["\"k", &index.to_string(), "\" :"]);
                valid(random, depth - 1, out);
            }
            out.push('}');
        }
    }
}

fn value(view: View<'_>) -> serde_json::Value {
    if let Some(text) = view.as_text() {
        return serde_json::Value::String(text.decode().into_owned());
    }
    if view.as_number().is_some() || view.as_bool().is_some() || view.is_null() {
        return serde_json::from_str(&view.to_text()).unwrap();
    }
    if view.kind() == handover_engine::json::Kind::Array {
        return serde_json::Value::Array(view.items().map(value).collect());
    }
    serde_json::Value::Object(
        view.members().map(|(name, member)| (name.decode().into_owned(), value(member))).collect(),
    )
}

/// Both read a text to the same value, or both refuse it; names given twice are ours alone to refuse.
fn agree(text: &[u8]) {
    let theirs = serde_json::from_slice::<serde_json::Value>(text);
    match (Document::read(text), theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(value(ours.root()), theirs, "{}", String::from_utf8_lossy(text));
            let written = ours.root().to_text();
            let again = Document::read(written.as_bytes()).unwrap();
            assert!(same(ours.root(), again.root()) && again.root().to_text() == written);
        }
        (Err(error), theirs) => {
            assert!(error.kind == ReadErrorKind::Duplicate || theirs.is_err(), "{}", String::from_utf8_lossy(text));
        }
        (Ok(_), Err(_)) => panic!("{}", String::from_utf8_lossy(text)),
    }
}

#[test]
fn a_hundred_thousand_texts_without_a_disagreement_with_serde_json() {
    let mut random = Random(8259);
    for _ in 0..80_000 {
        agree(&text(&mut random));
    }
    for _ in 0..20_000 {
        let mut text = String::new();
        valid(&mut random, 4, &mut text);
        agree(text.as_bytes());
    }
}
