//! Which entry the n-th credential of a list gets: a permutation that only the list's key knows.
//!
//! Counting keeps entries apart; this keeps anybody from telling by an index when a credential was
//! issued, or how many there are (HAIP-45, TSL §12.5, catalogue J03).

use keys::digest::MacKey;

/// Enough that nothing of the order shows, though the halves are short.
const ROUNDS: u8 = 10;
const PURPOSE: &str = "status list entry";

/// A Feistel network over numbers below `size`.
#[derive(Debug)]
pub(super) struct Permutation {
    key: MacKey,
    size: u64,
    /// Bits of one half.
    half: u32,
}

impl Permutation {
    pub(super) fn new(shuffle_key: [u8; 32], size: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self { key: MacKey::new(shuffle_key), size, half: bits.div_ceil(2).max(1) }
    }

    /// The network permutes up to four times as many numbers; who lands outside walks on, and comes
    /// back at the latest to where it began.
    pub(super) fn index(&self, count: u64) -> u64 {
        let mut index = self.once(count);
        while index >= self.size {
            index = self.once(index);
        }
        index
    }

    fn once(&self, number: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ (self.round(round, right) & mask));
        }
        left << self.half | right
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        let mac = self.key.mac(PURPOSE, &[&[round], &half.to_be_bytes()]);
        mac.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_given_once() {
        for size in [1, 2, 3, 8, 100, 1000, 1024, 1025, 5000] {
            let permutation = Permutation::new([7; 32], size);
            let given: BTreeSet<u64> = (0..size).map(|count| permutation.index(count)).collect();
            assert!(given.into_iter().eq(0..size), "{size}");
        }
    }

    /// J03: neighbours in time are strangers in the list, and another key has another order.
    #[test]
    fn the_order_does_not_show() {
        let size = 1 << 20;
        let [one, two] = [[1; 32], [2; 32]].map(|key| Permutation::new(key, size));
        let given: Vec<u64> = (0..1000).map(|count| one.index(count)).collect();
        let near = given.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < size / 1000).count();
        assert!(near < 20, "{near} of 999 are near one another, 2 are to be expected");
        let rising = given.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((400..600).contains(&rising), "{rising} of 999 rise");
        let low = given.iter().filter(|index| **index < size / 2).count();
        assert!((400..600).contains(&low), "{low} of 1000 are in the lower half");
        let same = (0..1000).filter(|count| one.index(*count) == two.index(*count)).count();
        assert!(same < 5, "{same}");
    }
}
