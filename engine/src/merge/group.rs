//! Equal keys of two lists, found by sorting: no random seed, no hash flooding, O(n log n).

use std::cmp::Ordering;

/// For each key, the position of the first key that equals it; keys are numbered in the order given.
///
/// `fingerprint` may collide; `compare` decides, and is asked only where fingerprints are equal.
pub(super) fn first_equal(fingerprints: &[u64], compare: impl Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<(u64, usize)> = fingerprints.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|(a, i), (b, j)| a.cmp(b).then_with(|| compare(*i, *j)).then(i.cmp(j)));
    let mut first: Vec<usize> = (0..order.len()).collect();
    let mut last: Option<(u64, usize)> = None;
    for (fingerprint, index) in order {
        match last {
            Some((other, leader)) if other == fingerprint && compare(leader, index).is_eq() => {
                if let Some(slot) = first.get_mut(index) {
                    *slot = leader;
                }
            }
            _ => last = Some((fingerprint, index)),
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::first_equal;

    #[test]
    fn equal_keys_share_their_first() {
        let keys = ["b", "a", "b", "c", "a"];
        assert_eq!(first_equal(&[1; 5], |i, j| keys[i].cmp(keys[j])), [0, 1, 0, 3, 1]);
        assert_eq!(first_equal(&[2, 1, 2, 3, 1], |i, j| keys[i].cmp(keys[j])), [0, 1, 0, 3, 1]);
    }
}
