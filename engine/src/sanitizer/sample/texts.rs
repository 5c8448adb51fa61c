//! Texts that hold at a place: drawn from its patterns, from samples of its format, or short words.

use crate::instant::Millis;
use crate::json::Json;
use crate::random::Random;
use crate::sanitizer::check::Check;
use crate::sanitizer::format::Format;
use crate::sanitizer::pattern::Pattern;
use crate::sanitizer::plan::Plan;

/// Where nothing but a length is asked for. The last is what patterns of codes and names seldom allow.
const WORDS: [&str; 4] = ["a", "b", "c", "Ü "];
/// What makes a part that a pattern matches a whole of some format.
const AROUND: [(&str, &str); 8] = [
    ("a", ""),
    ("b.c", ""),
    ("a@shop", ""),
    ("https://shop.test/a", ""),
    ("2026-11-22", ""),
    ("2026-11-22T10:00", ""),
    ("", "01-02"),
    ("", "01-02T10:00:00Z"),
];
/// Texts that a place draws from.
const TEXTS_MAX: usize = 4;
/// Texts that are drawn from a pattern for each number of further repetitions.
const DRAWS: usize = 4;
/// Texts that are drawn where none of the first holds.
const MORE_DRAWS: usize = 400;
/// Code points of the longest text that is made only for its length.
const LONG_MAX: usize = 256;

/// Code points of the shortest time with a fraction.
const LONG_TIME: usize = "2026-11-22T10:00:00.0Z".len();

/// The JSON texts of a few strings, the shortest first.
pub(super) fn of(plan: &Plan, now: Millis, random: &mut Random) -> Vec<String> {
    let (mut patterns, mut formats, mut least, mut most) = (Vec::new(), Vec::new(), 0, usize::MAX);
    for (_, check) in &plan.checks {
        match check {
            Check::Pattern(pattern) => patterns.push(pattern),
            Check::Format(format) => formats.push(*format),
            Check::MinLength(length) => least = least.max(*length),
            Check::MaxLength(length) => most = most.min(*length),
            _ => {}
        }
    }
    let mut candidates: Vec<String> = formats.iter().flat_map(|format| format.samples(now)).collect();
    let times = formats.contains(&Format::DateTime) && (LONG_TIME..=LONG_MAX).contains(&most);
    candidates.extend(times.then(|| format!("2026-11-22T10:00:00.{}Z", "0".repeat(most - LONG_TIME + 1))));
    let target = if most <= LONG_MAX { most } else { least };
    let drawn: Vec<_> = patterns.iter().map(|pattern| lengthened(pattern, target, random)).collect();
    // of several patterns, one may be met at the start and another at the end
    for (at, starts) in drawn.iter().enumerate() {
        let ends = drawn.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, texts)| texts.first());
        let start = starts.first().map(String::as_str).unwrap_or_default();
        candidates.extend(ends.flat_map(|end| ["", "b", "cd"].map(|between| format!("{start}{between}{end}"))));
    }
    candidates.extend(drawn.into_iter().flatten());
    if patterns.is_empty() && formats.is_empty() {
        candidates.extend(WORDS.map(|word| word.repeat(least.max(1)).chars().take(most).collect()));
        candidates.extend((most <= LONG_MAX).then(|| "d".repeat(most)));
    }
    let padded = candidates.iter().filter(|text| text.chars().count() < least).flat_map(|text| {
        let fill = "a".repeat(least - text.chars().count());
        [format!("{text}{fill}"), format!("{fill}{text}")]
    });
    let padded: Vec<_> = padded.collect();
    candidates.extend(padded);
    let mut found: Vec<String> = Vec::new();
    add(plan, &candidates, &mut found);
    if found.is_empty() {
        // few ways through a pattern meet what looks around
        let drawn = patterns.iter().filter_map(|pattern| pattern.shape());
        let more = drawn.flat_map(|shape| (0..MORE_DRAWS).filter_map(|_| shape.draw(2, random)).collect::<Vec<_>>());
        add(plan, &more.collect::<Vec<_>>(), &mut found);
    }
    if found.len() < 2 {
        // a pattern without anchors leaves room around what it matches
        let around = candidates.iter().flat_map(|text| [format!("{text} a"), format!("b {text}"), format!("{text}c")]);
        add(plan, &around.collect::<Vec<_>>(), &mut found);
        // a format asks for more than its pattern says
        let with = |text: &String| AROUND.map(|(before, after)| format!("{before}{text}{after}"));
        add(plan, &candidates.iter().flat_map(with).collect::<Vec<_>>(), &mut found);
    }
    found.sort_by_key(|text| text.chars().count());
    // the shortest and the longest stay
    while found.len() > TEXTS_MAX {
        found.remove(1 + random.below(found.len() - 2));
    }
    found.into_iter().map(|text| Json::text(&text).view().to_text()).collect()
}

/// Adds the candidates that hold at a place.
fn add(plan: &Plan, candidates: &[String], found: &mut Vec<String>) {
    for text in candidates {
        if !found.contains(text) && super::holds(plan, Json::text(text).view()) {
            found.push(text.clone());
        }
    }
}

/// Texts that a pattern matches.
pub(super) fn matching(pattern: &Pattern, random: &mut Random) -> Vec<String> {
    lengthened(pattern, 0, random)
}

/// Texts that a pattern matches, of few repetitions and of as many as make up about a length.
fn lengthened(pattern: &Pattern, length: usize, random: &mut Random) -> Vec<String> {
    let mut found = Vec::new();
    let Some(shape) = pattern.shape() else { return found };
    let long = [length / 8, length / 4, length / 2, length, length].into_iter().filter(|further| *further > 3);
    for further in [0, 1, 3, 7].into_iter().chain(long) {
        found.extend((0..DRAWS).filter_map(|_| shape.draw(further, random)).filter(|text| pattern.matches(text)));
    }
    found
}
