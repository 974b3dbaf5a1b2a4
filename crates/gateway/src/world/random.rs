//! Randomness: the operating system's, or a seed's.

#![expect(clippy::disallowed_methods, reason = "this is the one room that may")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone)]
pub(super) enum Random {
    /// The operating system's CSPRNG.
    System,
    /// A series that a seed repeats; no secret for whoever knows it.
    Seeded(Arc<AtomicU64>),
}

/// The step of splitmix64's counter.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    pub(super) fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(AtomicU64::new(seed)))
    }

    pub(super) fn fill(&self, buffer: &mut [u8]) {
        match self {
            Self::System => getrandom::fill(buffer).expect("the operating system gives random bytes"),
            Self::Seeded(counter) => {
                for chunk in buffer.chunks_mut(8) {
                    let next = mixed(counter.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP));
                    chunk.copy_from_slice(&next.to_le_bytes()[..chunk.len()]);
                }
            }
        }
    }
}

/// The finaliser of splitmix64: spreads a counter over all bits.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_no_other() {
        let drawn = |seed: u64| {
            let random = Random::seeded(seed);
            let mut bytes = [0; 20];
            random.fill(&mut bytes);
            let first = bytes;
            random.fill(&mut bytes);
            assert_ne!(first, bytes, "it goes on");
            (first, bytes)
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
