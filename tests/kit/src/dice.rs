//! Pseudo-random numbers for tests that look for unforeseen orders of events: the same ones for the same seed.

pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        // Xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// An index below `count`.
    pub fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(count).unwrap())).unwrap()
    }
}
