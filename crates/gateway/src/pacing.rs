//! Spends a grant's budget at Notion and never more: at most so many calls in **any** sixty seconds, so it holds
//! wherever Notion's own window begins. Calls burst while the budget is free, then wait in order, with a deadline.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::Error;
use crate::error::whole_seconds;
use crate::retries::Retries;
use crate::world::World;

/// Notion's window, in milliseconds. Source: Notion, "Request limits" (autumn 2026).
const WINDOW_MS: i64 = 60_000;
/// Calls are counted in slots of this many milliseconds, so that a large budget costs no more memory than a small one.
const SLOT_MS: i64 = 100;
/// The longest time that Notion's "wait" is believed for, in milliseconds: it speaks of minutes.
const CLOSED_MS_MAX: i64 = 3_600_000;
/// How many calls of one grant may wait; more could not be served in their time anyway.
const WAITING_MAX: usize = 1000;
/// How many lanes are looked through for idle ones at the least.
const LANES_MIN: usize = 1024;

/// The lanes of all grants.
pub(crate) struct Pacing {
    world: World,
    lanes: Mutex<Lanes>,
}

#[derive(Default)]
struct Lanes {
    by_grant: HashMap<String, Arc<Lane>>,
    sweep_at: usize,
}

/// One grant's calls.
#[derive(Default)]
pub(crate) struct Lane {
    /// Held by the call whose turn is next; waiting for it is first come, first served.
    turn: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
    log: Mutex<Log>,
    /// How often its calls were sent again.
    pub(crate) retries: Retries,
}

/// What was sent in the last window.
#[derive(Default)]
struct Log {
    slots: VecDeque<(i64, u32)>,
    sent: u32,
    closed_until_ms: i64,
}

/// A call's turn: it may be sent now, and this is what is left.
pub(crate) struct Turn {
    limit: u32,
    remaining: u32,
    reset: Duration,
}

impl Turn {
    /// Tells the caller the budget's state.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert("ratelimit-limit", HeaderValue::from(self.limit));
        headers.insert("ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("ratelimit-reset", HeaderValue::from(whole_seconds(self.reset)));
    }
}

impl Pacing {
    pub(crate) fn new(world: World) -> Self {
        Self { world, lanes: Mutex::default() }
    }

    /// Waits for a call's turn in its grant's lane.
    ///
    /// # Errors
    /// [`Error::Paced`] if it would not come before `deadline`, or if too many wait already.
    pub(crate) async fn wait(&self, lane: &Lane, limit: u32, deadline: Timestamp) -> Result<Turn, Error> {
        let _place =
            Place::take(&lane.waiting).ok_or(Error::Paced { retry_after: Duration::from_secs(30) })?;
        // Mostly nobody waits, and no timer is needed.
        let turn = match lane.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => tokio::select! {
                biased;
                turn = lane.turn.lock() => turn,
                () = self.world.sleep_until(deadline) => return Err(Error::Paced { retry_after: Duration::from_secs(1) }),
            },
        };
        loop {
            let now = self.world.now();
            let free_at = match lane.log().spend(limit, now.as_millisecond()) {
                Ok(given) => return Ok(given),
                Err(free_at_ms) => Timestamp::from_millisecond(free_at_ms).unwrap_or(deadline),
            };
            if free_at > deadline {
                drop(turn);
                let wait = Duration::try_from(free_at.duration_since(now)).unwrap_or_default();
                return Err(Error::Paced { retry_after: wait });
            }
            self.world.sleep_until(free_at).await;
        }
    }

    /// A grant's lane. Whoever keeps it need not look for it again.
    pub(crate) fn lane(&self, grant: &str) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.by_grant.get(grant) {
            return Arc::clone(lane);
        }
        if lanes.by_grant.len() >= lanes.sweep_at {
            let now_ms = self.world.now().as_millisecond();
            lanes.by_grant.retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.log().is_idle(now_ms));
            lanes.sweep_at = (lanes.by_grant.len() * 2).max(LANES_MIN);
        }
        Arc::clone(lanes.by_grant.entry(grant.to_owned()).or_default())
    }
}

impl Lane {
    /// Notion said to wait: nothing of this grant is sent before `until`.
    pub(crate) fn close(&self, until: Timestamp) {
        let mut log = self.log();
        log.closed_until_ms = log.closed_until_ms.max(until.as_millisecond());
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Counts one call, or says when one is free again (in milliseconds since 1970).
    fn spend(&mut self, limit: u32, now_ms: i64) -> Result<Turn, i64> {
        self.forget(now_ms);
        if now_ms < self.closed_until_ms {
            return Err(self.closed_until_ms);
        }
        if self.sent >= limit {
            return Err(self.slots.front().map_or(now_ms + SLOT_MS, |(slot, _)| gone_at(*slot)));
        }
        let slot = now_ms.div_euclid(SLOT_MS);
        match self.slots.back_mut() {
            // A clock that went back is counted with the newest slot: later is safe.
            Some((last, count)) if *last >= slot => *count += 1,
            _ => self.slots.push_back((slot, 1)),
        }
        self.sent += 1;
        let reset_ms = self.slots.front().map_or(0, |(slot, _)| gone_at(*slot) - now_ms);
        let reset = Duration::from_millis(u64::try_from(reset_ms).unwrap_or_default());
        Ok(Turn { limit, remaining: limit - self.sent, reset })
    }

    fn forget(&mut self, now_ms: i64) {
        let newest_ms = self.slots.back().map_or(now_ms, |(slot, _)| slot * SLOT_MS);
        if newest_ms > now_ms + WINDOW_MS {
            // The clock was set far back: count all as sent just now, which is safe and over in a minute.
            self.slots.clear();
            self.slots.push_back((now_ms.div_euclid(SLOT_MS), self.sent));
        }
        self.closed_until_ms = self.closed_until_ms.min(now_ms + CLOSED_MS_MAX);
        while let Some((slot, count)) = self.slots.front().copied() {
            if gone_at(slot) > now_ms {
                break;
            }
            self.slots.pop_front();
            self.sent -= count;
        }
    }

    fn is_idle(&mut self, now_ms: i64) -> bool {
        self.forget(now_ms);
        self.slots.is_empty() && now_ms >= self.closed_until_ms
    }
}

/// When the last call that may be in a slot has left every window that it was in.
fn gone_at(slot: i64) -> i64 {
    (slot + 1) * SLOT_MS + WINDOW_MS
}

/// One of the places in which calls may wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(waiting);
        (before < WAITING_MAX).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::after;
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    fn start() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    #[test]
    fn a_clock_that_was_set_back_blocks_nobody_for_longer_than_a_window() {
        let mut log = Log::default();
        let noon = start().as_millisecond();
        for _ in 0..3 {
            assert!(log.spend(3, noon).is_ok());
        }
        let earlier = noon - 7_200_000;
        let free_at = log.spend(3, earlier).err().expect("the budget is still spent");
        assert!(free_at <= earlier + WINDOW_MS + SLOT_MS, "{}", free_at - earlier);
        assert!(log.spend(3, free_at).is_ok());
    }

    #[tokio::test]
    async fn the_budget_bursts_and_then_waits_for_the_window() {
        let (world, clock) = World::manual(start());
        let pacing = Pacing::new(world);
        let deadline = after(start(), Duration::from_secs(90));
        for left in (0..3).rev() {
            assert_eq!(pacing.wait(&pacing.lane("g"), 3, deadline).await.unwrap().remaining, left);
        }
        let lane = pacing.lane("g");
        let mut fourth = Box::pin(pacing.wait(&lane, 3, deadline));
        assert!(fourth.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_mins(1));
        let waits = fourth.as_mut().now_or_never().is_none();
        assert!(waits, "sixty seconds after the first call it is still in the window");
        clock.advance(Duration::from_millis(200));
        assert_eq!(fourth.await.unwrap().remaining, 2);
        assert_eq!(pacing.wait(&pacing.lane("another grant"), 3, deadline).await.unwrap().remaining, 2);
    }

    #[tokio::test]
    async fn a_call_that_cannot_be_served_in_time_is_told_at_once_how_long_to_wait() {
        let (world, _clock) = World::manual(start());
        let pacing = Pacing::new(world);
        let deadline = after(start(), Duration::from_secs(30));
        pacing.wait(&pacing.lane("g"), 1, deadline).await.unwrap();
        match pacing.wait(&pacing.lane("g"), 1, deadline).await {
            Err(Error::Paced { retry_after }) => assert_eq!(whole_seconds(retry_after), 61),
            _ => panic!("the second call had to wait longer than it may"),
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_before_the_time_that_notion_named() {
        let (world, _clock) = World::manual(start());
        let pacing = Pacing::new(world);
        pacing.lane("g").close(after(start(), Duration::from_secs(40)));
        let refused = pacing.wait(&pacing.lane("g"), 100, after(start(), Duration::from_secs(30))).await;
        assert!(matches!(refused, Err(Error::Paced { .. })));
        assert!(
            pacing.wait(&pacing.lane("other"), 100, after(start(), Duration::from_secs(30))).await.is_ok()
        );
    }

    proptest! {
        #[test]
        fn no_sixty_seconds_ever_hold_more_than_the_budget(gaps in prop::collection::vec(0_i64..4_000, 1..300)) {
            let mut log = Log::default();
            let (mut now, mut sent) = (1_800_000_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                if log.spend(10, now).is_ok() {
                    sent.push(now);
                }
            }
            for first in &sent {
                let within = sent.iter().filter(|at| (*first..*first + WINDOW_MS).contains(*at)).count();
                prop_assert!(within <= 10);
            }
        }
    }
}
