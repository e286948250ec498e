//! Chance that can be repeated.

/// Chance for the imitation: quick, and of no use for secrets.
pub struct Dice(u64);

impl Dice {
    /// The same start gives the same chance.
    pub fn new(start: u64) -> Self {
        Self(start)
    }

    /// A number below `n`; 0 for 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    /// One of these, evenly; none of nothing.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or(0))
            .copied()
    }
}
