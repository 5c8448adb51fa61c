//! Equal keys of two lists, found by sorting: no random seed, no hash flooding, O(n log n).

use std::cmp::Ordering;

/// For each key, the position of the first key that equals it; keys are numbered in the order given.
///
/// `fingerprint`s may collide; `compare` decides, and is asked only where they are equal.
pub(super) fn first_equal(fingerprints: &[u64], compare: impl Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<(u64, usize)> = fingerprints.iter().copied().zip(0..).collect();
    order.sort_unstable();
    let mut first: Vec<usize> = (0..order.len()).collect();
    for run in order.chunk_by_mut(|(a, _), (b, _)| a == b).filter(|run| run.len() > 1) {
        // mostly all equal; sorted in full, so that crafted collisions cost no more than n log n
        run.sort_unstable_by(|(_, i), (_, j)| compare(*i, *j).then(i.cmp(j)));
        let equal = run.chunk_by(|(_, i), (_, j)| compare(*i, *j).is_eq());
        for (leader, index) in equal.flat_map(|keys| keys.iter().map(|(_, index)| (keys.first(), *index))) {
            if let (Some((_, leader)), Some(slot)) = (leader, first.get_mut(index)) {
                *slot = *leader;
            }
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
