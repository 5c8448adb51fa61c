//! Regular expressions of schemas.

use std::sync::Arc;

use super::ecma;
use crate::random::Random;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Why a pattern was refused.
pub(super) enum PatternError {
    /// Not a regular expression.
    Invalid,
    /// Another language writes it so: the text, and what ECMA-262 writes.
    Foreign(&'static str, &'static str),
    /// It needs look-around or a back-reference.
    NotLinear,
    /// It is longer than this.
    TooLong(usize),
}

/// Bytes of a pattern.
const BYTES_MAX: usize = 4 * 1_024;

/// A regular expression of ECMA-262 that matches in linear time.
#[derive(Clone)]
pub(super) struct Pattern {
    regex: Arc<regex::Regex>,
    /// `^X{m,n}$` of one class counts characters.
    counted: Option<Arc<jsonschema_regex::RepeatedClass>>,
    /// Positions of the expression, each repetition written out: the most that a text may have to be followed through at once.
    positions: u64,
}

/// Bytes times positions for one unit of work.
const STEPS_PER_UNIT: u64 = 64;
/// Fewer positions cost no less: the text is read.
const POSITIONS_MIN: u64 = 8;

/// What it costs to match a text against a pattern of so many positions.
pub(super) fn match_cost(bytes: usize, positions: u64) -> u64 {
    // a text reaches no more positions than it has bytes
    let bytes = bytes as u64;
    bytes.saturating_mul(positions.min(bytes).max(POSITIONS_MIN)) / STEPS_PER_UNIT
}

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
        if text.len() > BYTES_MAX {
            return Err(PatternError::TooLong(BYTES_MAX));
        }
        let plain = ecma::plainly(text).map_err(|(text, help)| PatternError::Foreign(text, help))?;
        let translated = jsonschema_regex::to_rust_regex(&plain).map_err(|()| kind())?;
        let regex = Arc::new(regex::Regex::new(&translated).map_err(|_| kind())?);
        let counted = jsonschema_regex::RepeatedClass::from_translated(&translated).map(Arc::new);
        let counts = counted.is_some();
        let positions = if counts { 1 } else { regex_syntax::parse(&translated).map_or(1, |hir| positions(&hir)) };
        Ok(Self { regex, counted, positions })
    }

    /// Positions of the expression, repetitions written out.
    pub(super) fn positions(&self) -> u64 {
        self.positions
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.counted.as_ref().map_or_else(|| self.regex.is_match(text), |counted| counted.is_match(text))
    }

    /// The expression, to draw texts from.
    pub(super) fn shape(&self) -> Option<Shape> {
        regex_syntax::parse(self.regex.as_str()).ok().map(Shape)
    }

    /// How large the texts are that match as a whole; a pattern without both anchors bounds nothing.
    pub(super) fn reach(&self) -> Reach {
        let anchored = regex_syntax::parse(self.regex.as_str()).ok().filter(|hir| {
            let properties = hir.properties();
            properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End)
        });
        anchored.map_or(Reach { bytes: None, each: CHARACTER_BYTES }, |hir| reach(&hir))
    }
}

/// A parsed expression.
pub(super) struct Shape(Hir);

impl Shape {
    /// A text along one way through the expression, each repetition at most so many times more than it must be; it may fail
    /// what looks around (`\b`), and none is made of what is no text.
    pub(super) fn draw(&self, further: usize, random: &mut Random) -> Option<String> {
        let mut text = String::new();
        write(&self.0, further, random, &mut text)?;
        Some(text)
    }
}

/// Repetitions of one part that are written.
const TIMES_MAX: u32 = 1_024;

fn write(hir: &Hir, further: usize, random: &mut Random, text: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => text.push(drawn(class, random)?),
        HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Repetition(repetition) => {
            let more = u32::try_from(random.below(further + 1)).unwrap_or(0);
            let times = (repetition.min + more).min(repetition.max.unwrap_or(u32::MAX)).min(TIMES_MAX);
            (0..times).try_for_each(|_| write(&repetition.sub, further, random, text))?;
        }
        HirKind::Capture(capture) => write(&capture.sub, further, random, text)?,
        HirKind::Concat(all) => all.iter().try_for_each(|one| write(one, further, random, text))?,
        HirKind::Alternation(all) => write(random.pick(all)?, further, random, text)?,
    }
    Some(())
}

/// A character of a class: mostly one of the first letters or digits that it has, so that texts are alike.
fn drawn(class: &regex_syntax::hir::ClassUnicode, random: &mut Random) -> Option<char> {
    let holds = |one: &char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(one));
    let plain: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').filter(holds).collect();
    if random.one_in(8) && holds(&' ') {
        return Some(' ');
    }
    let from = if random.one_in(2) { plain.get(..4).unwrap_or(&plain) } else { &plain };
    if let Some(one) = random.pick(from) {
        return Some(*one);
    }
    let range = random.pick(class.ranges())?;
    let width = (range.end() as usize).saturating_sub(range.start() as usize);
    let at = range.start() as usize + random.below(width.min(16) + 1);
    u32::try_from(at).ok().and_then(char::from_u32).or(Some(range.start()))
}

fn positions(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(_) => 1,
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min + 1).max(1));
            positions(&repetition.sub).saturating_mul(times)
        }
        HirKind::Capture(capture) => positions(&capture.sub),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().map(positions).sum(),
    }
}

/// The most that the texts of a pattern take in JSON.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// Bytes of a whole text; none if nothing bounds it.
    pub(super) bytes: Option<u64>,
    /// Bytes of one code point.
    pub(super) each: u64,
}

/// A control character takes most: `\u0000`.
const CHARACTER_BYTES: u64 = 6;

fn character_bytes(character: char) -> u64 {
    match character {
        '"' | '\\' | '\u{8}' | '\u{c}' | '\n' | '\r' | '\t' => 2,
        '\0'..='\u{1f}' => CHARACTER_BYTES,
        _ => character.len_utf8() as u64,
    }
}

fn reach(hir: &Hir) -> Reach {
    let (bytes, each) = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (Some(0), 0),
        HirKind::Literal(literal) => {
            let text = String::from_utf8_lossy(&literal.0);
            let sizes = text.chars().map(character_bytes);
            (Some(sizes.clone().sum()), sizes.max().unwrap_or(0))
        }
        HirKind::Class(class) => {
            let widest = class_bytes(class);
            (Some(widest), widest)
        }
        HirKind::Repetition(repetition) => {
            let one = reach(&repetition.sub);
            let times = repetition.max.map(u64::from);
            (one.bytes.zip(times).map(|(bytes, times)| bytes.saturating_mul(times)), one.each)
        }
        HirKind::Capture(capture) => return reach(&capture.sub),
        HirKind::Concat(all) => {
            let all: Vec<_> = all.iter().map(reach).collect();
            (all.iter().map(|one| one.bytes).sum(), all.iter().map(|one| one.each).max().unwrap_or(0))
        }
        HirKind::Alternation(all) => {
            let all: Vec<_> = all.iter().map(reach).collect();
            let bytes = all.iter().map(|one| one.bytes).collect::<Option<Vec<_>>>();
            (bytes.and_then(|all| all.into_iter().max()), all.iter().map(|one| one.each).max().unwrap_or(0))
        }
    };
    Reach { bytes, each }
}

/// Bytes of the largest character of a class.
fn class_bytes(class: &Class) -> u64 {
    let Class::Unicode(class) = class else { return CHARACTER_BYTES };
    let widest = class.ranges().iter().map(|range| {
        let escaped = ('\0'..='\\').filter(|one| (range.start()..=range.end()).contains(one)).map(character_bytes);
        escaped.max().unwrap_or(0).max(character_bytes(range.end()))
    });
    widest.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[track_caller]
    fn check(pattern: &str, bytes: Option<u64>, each: u64) {
        let reach = Pattern::compile(pattern).ok().unwrap().reach();
        assert_eq!((reach.bytes, reach.each), (bytes, each), "{pattern}");
    }

    #[test]
    fn anchored_patterns_bound_their_texts() {
        check("^[a-z]{2}(-[A-Z]{2})?$", Some(5), 1);
        check("^[A-Z]+$", None, 1);
        check("^(ab|cde)$", Some(3), 1);
        check("^[^\\x00-\\x1f]{3}$", Some(12), 4);
        check("^[\"a]{3}$", Some(6), 2);
        check("^.{2}$", Some(12), 6);
        check("[a-z]{2}", None, 6);
        check("^a|b$", None, 6);
    }
}
