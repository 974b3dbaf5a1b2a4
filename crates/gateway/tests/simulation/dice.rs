//! Chance from a seed. Each part of a simulation has dice of its own, so that what one draws moves no other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Dice that a seed repeats.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    /// The dice of one part.
    pub(crate) fn of(seed: u64, part: u64) -> Self {
        Self(AtomicU64::new(mixed(seed.wrapping_mul(STEP) ^ mixed(part))))
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        mixed(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP)) % end.max(1)
    }

    /// Whether something happens that does so many times in a thousand.
    pub(crate) fn once_in_thousand(&self, times: u64) -> bool {
        self.below(1000) < times
    }

    pub(crate) fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    pub(crate) fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    pub(crate) fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }
}

fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
