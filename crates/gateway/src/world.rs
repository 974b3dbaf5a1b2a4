//! The only clock and the only randomness of the gateway.
//! Production takes [`World::real`]; a test takes [`World::manual`] and moves time by hand, so nothing ever sleeps.

#![expect(clippy::disallowed_methods, reason = "this is the one room that may")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

/// Time and randomness, as everything else in the gateway sees them.
#[derive(Clone)]
pub struct World {
    clock: Clock,
}

#[derive(Clone)]
enum Clock {
    Real,
    Manual(Arc<Hand>),
}

/// Moves the time of a [`World::manual`].
#[derive(Clone)]
pub struct ClockHand(Arc<Hand>);

struct Hand {
    now: Mutex<Timestamp>,
    moved: watch::Sender<()>,
    /// Until when somebody waits, one entry each.
    sleepers: Mutex<Vec<Timestamp>>,
}

/// Somebody who waits for a [`World::manual`]'s time to pass; gone when dropped.
struct Sleeper<'h>(&'h Hand, Timestamp);

impl<'h> Sleeper<'h> {
    fn until(hand: &'h Hand, at: Timestamp) -> Self {
        hand.sleepers.lock().unwrap_or_else(PoisonError::into_inner).push(at);
        Self(hand, at)
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let mut sleepers = self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = sleepers.iter().position(|at| *at == self.1) {
            sleepers.swap_remove(place);
        }
    }
}

impl World {
    /// The machine's clock.
    pub fn real() -> Self {
        Self { clock: Clock::Real }
    }

    /// A clock that stands still until its hand is moved.
    pub fn manual(start: Timestamp) -> (Self, ClockHand) {
        let hand = Arc::new(Hand {
            now: Mutex::new(start),
            moved: watch::Sender::new(()),
            sleepers: Mutex::default(),
        });
        (Self { clock: Clock::Manual(Arc::clone(&hand)) }, ClockHand(hand))
    }

    /// Now, in UTC, to the millisecond: finer times say nothing to anybody and fill answers and logs.
    pub fn now(&self) -> Timestamp {
        match &self.clock {
            Clock::Real => {
                let exact =
                    Timestamp::try_from(SystemTime::now()).expect("the machine's clock is in jiff's range");
                Timestamp::from_millisecond(exact.as_millisecond()).unwrap_or(exact)
            }
            Clock::Manual(hand) => *hand.now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Waits until `at`.
    pub async fn sleep_until(&self, at: Timestamp) {
        match &self.clock {
            Clock::Real => {
                let left = Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO);
                tokio::time::sleep(left).await;
            }
            Clock::Manual(hand) => {
                let mut moved = hand.moved.subscribe();
                let _counted = Sleeper::until(hand, at);
                while self.now() < at {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Fills a buffer from the operating system's CSPRNG.
    pub fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }

    /// 256 random bits as base64url without padding: 43 characters. For tokens, codes, states and cookies.
    pub fn token(&self) -> String {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A fresh id: the prefix, `_` and 32 hex digits that sort by time.
    pub fn id(&self, prefix: &str) -> String {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        format!("{prefix}_{}", id.simple())
    }

    /// A fresh request id.
    pub fn request_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

impl ClockHand {
    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        *self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it is until the first of those who wait wakes.
    pub fn next_wake(&self) -> Option<Duration> {
        let sleepers = self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let first = sleepers.iter().min().copied();
        drop(sleepers);
        first.map(|at| Duration::try_from(at.duration_since(self.now())).unwrap_or_default())
    }

    /// Moves time on and wakes who waits for it.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(by).expect("a test stays within jiff's range");
        drop(now);
        self.0.moved.send_replace(());
    }
}
