//! How many attempts one client address may start per integration.
//! Counted in fixed ten-minute windows in memory: enough to stop a flood, and nothing to store.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// The window, in seconds.
const WINDOW_SECONDS: i64 = 600;
/// How many pairs of integration and address are counted at once; beyond it new ones are refused until the window ends.
const PAIRS_MAX: usize = 100_000;

pub(crate) struct Starts {
    per_window: u32,
    counts: Mutex<(i64, HashMap<(String, IpAddr), u32>)>,
}

impl Starts {
    pub(crate) fn new(per_window: u32) -> Self {
        Self { per_window, counts: Mutex::default() }
    }

    /// Counts one start; false if this address has had its share.
    pub(crate) fn allow(&self, integration: &str, address: IpAddr, now: Timestamp) -> bool {
        let window = now.as_second() / WINDOW_SECONDS;
        let mut guard = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (current, counts) = &mut *guard;
        if *current != window {
            *current = window;
            counts.clear();
        }
        let pair = (integration.to_owned(), prefix(address));
        if counts.len() >= PAIRS_MAX && !counts.contains_key(&pair) {
            return false;
        }
        let count = counts.entry(pair).or_insert(0);
        *count = count.saturating_add(1);
        *count <= self.per_window
    }
}

/// An IPv6 client holds a whole /64, so that is what is counted.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_in_each_window_and_integration() {
        let starts = Starts::new(2);
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert!(starts.allow("a", here, now) && starts.allow("a", here, now));
        assert!(!starts.allow("a", here, now));
        assert!(starts.allow("b", here, now));
        assert!(starts.allow("a", "192.0.2.2".parse().unwrap(), now));
        assert!(starts.allow("a", here, Timestamp::from_second(1_000_600).unwrap()));
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let starts = Starts::new(1);
        let now = Timestamp::UNIX_EPOCH;
        assert!(starts.allow("a", "2001:db8::1".parse().unwrap(), now));
        assert!(!starts.allow("a", "2001:db8::2".parse().unwrap(), now));
        assert!(starts.allow("a", "2001:db8:0:1::1".parse().unwrap(), now));
    }
}
