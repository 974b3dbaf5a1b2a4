//! Randomness: the operating system's, or a seed's.

#![expect(clippy::disallowed_methods, reason = "this is the one room that may")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

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

/// Request ids that no other request has, in this process or another: a random beginning, and a count. They are no secrets, so the
/// operating system is not asked for each.
#[derive(Default)]
pub(super) struct RequestIds {
    beginning: OnceLock<u128>,
    given: AtomicU64,
}

impl RequestIds {
    pub(super) fn next(&self, random: &Random) -> u128 {
        let beginning = self.beginning.get_or_init(|| {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            u128::from_le_bytes(bytes)
        });
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        // Spread over the upper half, so that two that follow each other do not look alike.
        beginning.wrapping_add(u128::from(number)) ^ (u128::from(mixed(number)) << 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_id_is_given_twice() {
        let (ids, others) = (RequestIds::default(), RequestIds::default());
        let (random, other) = (Random::seeded(1), Random::seeded(2));
        let mut given: Vec<u128> = (0..1000).map(|_| ids.next(&random)).collect();
        given.extend((0..1000).map(|_| others.next(&other)));
        given.sort_unstable();
        assert!(given.windows(2).all(|two| two[0] != two[1]));
    }

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
