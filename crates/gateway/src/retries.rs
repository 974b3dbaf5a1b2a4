//! How often a grant's calls may be sent again after a fault of Notion's. One call is sent again once; but when Notion is ill all of
//! them fail, and twice the load heals nobody. So a tenth of a grant's budget is all that goes into repeats.

use std::sync::{Mutex, PoisonError};

/// The time for which repeats are counted, in milliseconds: Notion's own window.
const WINDOW_MS: i64 = 60_000;
/// One of so many calls may be a repeat.
const SHARE: u32 = 10;

/// The repeats of one grant's calls in the window that is running.
#[derive(Default)]
pub(crate) struct Retries(Mutex<Window>);

#[derive(Default)]
struct Window {
    began_ms: i64,
    taken: u32,
}

impl Retries {
    /// One repeat, if there may be one more. `limit` is how many calls Notion takes in a minute.
    pub(crate) fn take(&self, limit: u32, now_ms: i64) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back begins a new one, too.
        if !(0..WINDOW_MS).contains(&(now_ms - window.began_ms)) {
            *window = Window { began_ms: now_ms, taken: 0 };
        }
        window.taken += 1;
        window.taken <= (limit / SHARE).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_calls_may_be_repeats_and_at_least_one() {
        for (limit, expected) in [(180, 18), (600, 60), (9, 1), (1, 1)] {
            let retries = Retries::default();
            let now = 1_800_000_000_000;
            let taken = (0..1000).filter(|_| retries.take(limit, now)).count();
            assert_eq!(taken, expected);
            assert!(!retries.take(limit, now + WINDOW_MS - 1));
            assert!(retries.take(limit, now + WINDOW_MS), "the next minute has its own");
            assert!(retries.take(limit, now - 7_200_000), "and so has a clock that was set back");
        }
    }
}
