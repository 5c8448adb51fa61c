//! `did you mean …`: the nearest of the words that are valid at a place.

use super::Help;

/// The nearest of the words that are valid here, for `did you mean`.
#[must_use]
pub fn nearest<'a>(word: &str, valid: &[&'a str]) -> Option<&'a str> {
    let distance = |candidate: &&str| edit_distance(&word.to_lowercase(), &candidate.to_lowercase());
    let best = valid.iter().min_by_key(|candidate| distance(candidate))?;
    let longest = word.chars().count().max(best.chars().count());
    if distance(best) <= 1.max(longest / 3) {
        return Some(*best);
    }
    let related = valid.iter().filter(|candidate| is_within(word, candidate) || is_within(candidate, word));
    related.min_by_key(|candidate| distance(candidate)).copied()
}

/// Whether a word of three letters or more has its letters, in order, in another one that begins alike: `qty`, `quantity`.
fn is_within(word: &str, longer: &str) -> bool {
    let mut letters = longer.chars();
    let alike = word.chars().next() == longer.chars().next();
    alike && word.chars().count() >= 3 && word.chars().all(|letter| letters.any(|other| other == letter))
}

/// `did you mean …`, or the list of the valid words if none is near.
#[must_use]
pub fn suggestion(word: &str, valid: &[&str]) -> Help {
    let Some(near) = nearest(word, valid) else {
        let some: Vec<_> = valid.iter().take(8).map(|word| format!("`{word}`")).collect();
        let more = if valid.len() > some.len() { ", …" } else { "" };
        return Help::from(format!("one of {}{more}", some.join(", ")));
    };
    Help::did_you_mean(near)
}

/// Damerau–Levenshtein, neighbours transposed once.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    let mut previous = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if j > 0 && previous == Some(y) && b.get(j - 1) == Some(&x) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        (before, last, previous) = (last, row, Some(x));
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{nearest, suggestion};

    #[test]
    fn near_words_are_suggested() {
        assert_eq!(nearest("maxLenght", &["minLength", "maxLength", "maximum"]), Some("maxLength"));
        assert_eq!(nearest("Type", &["type", "title"]), Some("type"));
        assert_eq!(nearest("xyz", &["type", "title"]), None);
        assert_eq!(&*suggestion("xyz", &["type"]), "one of `type`");
    }
}
