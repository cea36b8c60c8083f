//! Chance that can be repeated.

/// `SplitMix64`: small, and the same on every machine.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to below `end`.
    pub(crate) fn up_to(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    /// From 0 to below 1.
    pub(crate) fn part(&mut self) -> f32 {
        // 24 bits are what an f32 holds exactly.
        f32::from(u16::try_from(self.next() >> 48).unwrap_or(0)) / 65_536.0
    }

    /// From `-most` to `most`.
    pub(crate) fn around_zero(&mut self, most: f32) -> f32 {
        (self.part() * 2.0 - 1.0) * most
    }

    /// Normally distributed with standard deviation 1, nearly.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.part()).sum::<f32>() - 6.0
    }
}

/// Whether a place holds ink: the same answer each time it is asked.
pub(crate) fn chance_at(x: i32, y: i32, likelihood: f32) -> bool {
    let place = (u64::from(x.cast_unsigned()) << 32) | u64::from(y.cast_unsigned());
    let drawn = u16::try_from(mix(place.wrapping_add(0x1234_5678_9abc)) >> 48).unwrap_or(0);
    f32::from(drawn) / 65_536.0 < likelihood
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
