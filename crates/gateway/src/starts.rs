//! How many attempts one client address may start per integration. Links that the app's back end minted and links that
//! anybody can write (`/v1/oauth/authorize`) have a budget each, so that strangers never use up the app's own.
//! Counted in fixed ten-minute windows in memory: enough to stop a flood, and nothing to store.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use store::records::Door;

use crate::client::Client;

/// The window, in seconds.
const WINDOW_SECONDS: i64 = 600;
/// How many pairs of integration and address are counted at once; beyond it new ones are refused until the window ends.
const PAIRS_MAX: usize = 100_000;
/// Of how many addresses it is remembered that they were told of.
const TOLD_MAX: usize = 1_000;

pub(crate) struct Starts {
    per_window: u32,
    minted: Mutex<Counts>,
    strangers: Mutex<Counts>,
    told: Mutex<HashSet<IpAddr>>,
}

#[derive(Default)]
struct Counts {
    window: i64,
    pairs: HashMap<(String, IpAddr), u32>,
}

fn open<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Starts {
    pub(crate) fn new(per_window: u32) -> Self {
        Self { per_window, minted: Mutex::default(), strangers: Mutex::default(), told: Mutex::default() }
    }

    /// Counts one start.
    ///
    /// # Errors
    /// How long to wait, if this address has had its share.
    pub(crate) fn admit(
        &self,
        integration: &str,
        door: &Door,
        client: Client,
        now: Timestamp,
    ) -> Result<(), Duration> {
        if open(self.counts(door)).allow(self.per_window, integration, client.address, now) {
            return Ok(());
        }
        if client.forwards_unlisted {
            self.tell(client.address);
        }
        let left = WINDOW_SECONDS - now.as_second().rem_euclid(WINDOW_SECONDS);
        Err(Duration::from_secs(left.unsigned_abs()))
    }

    /// Takes one back: nothing was started after all. Or one link, asked for again and again, would use up its address's share.
    pub(crate) fn take_back(&self, integration: &str, door: &Door, client: Client, now: Timestamp) {
        open(self.counts(door)).take_back(integration, client.address, now);
    }

    fn counts(&self, door: &Door) -> &Mutex<Counts> {
        match door {
            Door::Session { .. } => &self.minted,
            Door::NotionShaped { .. } => &self.strangers,
        }
    }

    /// Says once of an address what the matter with it may be.
    fn tell(&self, address: IpAddr) {
        let mut told = open(&self.told);
        if told.len() < TOLD_MAX && told.insert(address) {
            tracing::warn!(
                event = "proxy.unlisted",
                %address,
                "this address has started its share of attempts, and sends X-Forwarded-For: if it is a proxy of yours, all its users count as one until server.trusted_proxies lists it"
            );
        }
    }
}

impl Counts {
    fn allow(&mut self, per_window: u32, integration: &str, address: IpAddr, now: Timestamp) -> bool {
        let window = window(now);
        if self.window != window {
            (self.window, self.pairs) = (window, HashMap::new());
        }
        let pair = (integration.to_owned(), prefix(address));
        if self.pairs.len() >= PAIRS_MAX && !self.pairs.contains_key(&pair) {
            return false;
        }
        let count = self.pairs.entry(pair).or_insert(0);
        *count = count.saturating_add(1);
        *count <= per_window
    }

    fn take_back(&mut self, integration: &str, address: IpAddr, now: Timestamp) {
        if self.window != window(now) {
            return;
        }
        if let Some(count) = self.pairs.get_mut(&(integration.to_owned(), prefix(address))) {
            *count = count.saturating_sub(1);
        }
    }
}

fn window(now: Timestamp) -> i64 {
    now.as_second().div_euclid(WINDOW_SECONDS)
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

    fn allow(counts: &mut Counts, most: u32, integration: &str, address: &str, second: i64) -> bool {
        let now = Timestamp::from_second(second).unwrap();
        counts.allow(most, integration, address.parse().unwrap(), now)
    }

    #[test]
    fn an_address_has_its_share_in_each_window_and_integration() {
        let mut counts = Counts::default();
        let here = "192.0.2.1";
        assert!([1, 2].iter().all(|_| allow(&mut counts, 2, "a", here, 1_000_000)));
        assert!(!allow(&mut counts, 2, "a", here, 1_000_000));
        assert!(allow(&mut counts, 2, "b", here, 1_000_000));
        assert!(allow(&mut counts, 2, "a", "192.0.2.2", 1_000_000));
        assert!(allow(&mut counts, 2, "a", here, 1_000_600));
    }

    #[test]
    fn what_was_taken_back_does_not_count() {
        let mut counts = Counts::default();
        let (here, second) = ("192.0.2.1", 1_000_000);
        assert!(allow(&mut counts, 1, "a", here, second));
        let take_back = |counts: &mut Counts, second| {
            counts.take_back("a", here.parse().unwrap(), Timestamp::from_second(second).unwrap());
        };
        take_back(&mut counts, second);
        assert!(allow(&mut counts, 1, "a", here, second));
        take_back(&mut counts, second + 600);
        assert!(!allow(&mut counts, 1, "a", here, second), "that was another window");
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let mut counts = Counts::default();
        assert!(allow(&mut counts, 1, "a", "2001:db8::1", 0));
        assert!(!allow(&mut counts, 1, "a", "2001:db8::2", 0));
        assert!(allow(&mut counts, 1, "a", "2001:db8:0:1::1", 0));
    }
}
