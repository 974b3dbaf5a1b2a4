//! Time: the machine's, or one that a hand moves.

#![expect(clippy::disallowed_methods, reason = "this is the one room that may")]

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

#[derive(Clone)]
pub(super) enum Clock {
    Real,
    Manual(ClockHand),
}

/// A point of time that setting the clock does not move.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    Real(Instant),
    Manual(Timestamp),
}

/// Moves the time of a [`crate::World::manual`].
#[derive(Clone)]
pub struct ClockHand(Arc<Mutex<Dial>>);

struct Dial {
    now: Timestamp,
    /// Who waits until when, in the order of their coming; each until it has noticed.
    sleepers: BTreeMap<(Timestamp, u64), Sleeper>,
    came: u64,
}

struct Sleeper {
    /// It waits for something else, and would wait no longer than this.
    deadline: bool,
    waker: Waker,
}

impl Clock {
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Real => {
                let exact =
                    Timestamp::try_from(SystemTime::now()).expect("the machine's clock is in jiff's range");
                Timestamp::from_millisecond(exact.as_millisecond()).unwrap_or(exact)
            }
            Self::Manual(hand) => hand.now(),
        }
    }

    pub(super) async fn sleep_until(&self, at: Timestamp) {
        match self {
            Self::Real => tokio::time::sleep(between(self.now(), at)).await,
            Self::Manual(hand) => Sleep::until(hand, at, false).await,
        }
    }

    pub(super) fn moment(&self) -> Moment {
        match self {
            Self::Real => Moment::Real(Instant::now()),
            Self::Manual(hand) => Moment::Manual(hand.now()),
        }
    }

    /// What `work` comes to, if it does by then; what is ready just then is taken.
    pub(super) async fn by<F: Future>(&self, moment: Moment, work: F) -> Option<F::Output> {
        match (moment, self) {
            (Moment::Real(at), _) => tokio::time::timeout_at(at, work).await.ok(),
            (Moment::Manual(at), Self::Manual(hand)) => {
                let mut work = pin!(work);
                tokio::select! {
                    biased;
                    done = &mut work => Some(done),
                    () = Sleep::until(hand, at, true) => None,
                }
            }
            (Moment::Manual(_), Self::Real) => Some(work.await),
        }
    }
}

impl Moment {
    pub(crate) fn after(self, by: Duration) -> Self {
        match self {
            Self::Real(at) => Self::Real(at + by),
            Self::Manual(at) => Self::Manual(at.checked_add(by).unwrap_or(Timestamp::MAX)),
        }
    }

    pub(super) fn until(self, later: Self) -> Duration {
        match (self, later) {
            (Self::Real(from), Self::Real(to)) => to.saturating_duration_since(from),
            (Self::Manual(from), Self::Manual(to)) => between(from, to),
            _ => Duration::ZERO,
        }
    }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

impl ClockHand {
    pub(super) fn at(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Dial { now: start, sleepers: BTreeMap::new(), came: 0 })))
    }

    fn dial(&self) -> MutexGuard<'_, Dial> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.dial().now
    }

    /// How long it is until the first of those wakes who wait for nothing but time.
    pub fn next_wake(&self) -> Option<Duration> {
        let dial = self.dial();
        let mut waiting = dial.sleepers.iter().filter(|(_, sleeper)| !sleeper.deadline);
        waiting.next().map(|((at, _), _)| between(dial.now, *at))
    }

    /// When the first that is still to come wakes, of all who wait: also of those who wait for something else, and no longer
    /// than until then.
    pub fn next_due(&self) -> Option<Timestamp> {
        let dial = self.dial();
        dial.sleepers.keys().map(|(at, _)| *at).find(|at| *at > dial.now)
    }

    /// Moves time on and wakes who waits for it.
    pub fn advance(&self, by: Duration) {
        let due: Vec<Waker> = {
            let mut dial = self.dial();
            dial.now = dial.now.checked_add(by).expect("a test stays within jiff's range");
            let now = dial.now;
            dial.sleepers.range(..=(now, u64::MAX)).map(|(_, sleeper)| sleeper.waker.clone()).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }
}

/// Somebody who waits for a hand to move; gone when dropped.
struct Sleep<'h> {
    hand: &'h ClockHand,
    at: Timestamp,
    deadline: bool,
    place: Option<u64>,
}

impl<'h> Sleep<'h> {
    fn until(hand: &'h ClockHand, at: Timestamp, deadline: bool) -> Self {
        Self { hand, at, deadline, place: None }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut dial = self.hand.dial();
        if dial.now >= self.at {
            return Poll::Ready(());
        }
        let place = self.place.unwrap_or(dial.came);
        dial.came = dial.came.max(place + 1);
        let sleeper = Sleeper { deadline: self.deadline, waker: context.waker().clone() };
        dial.sleepers.insert((self.at, place), sleeper);
        drop(dial);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.hand.dial().sleepers.remove(&(self.at, place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn hand() -> (Clock, ClockHand) {
        let hand = ClockHand::at(Timestamp::UNIX_EPOCH);
        (Clock::Manual(hand.clone()), hand)
    }

    #[tokio::test]
    async fn who_waits_is_woken_when_its_time_comes_and_forgotten_when_it_goes_away() {
        let (clock, hand) = hand();
        let second = Timestamp::from_second(1).unwrap();
        let mut sleep = Box::pin(clock.sleep_until(second));
        assert!(sleep.as_mut().now_or_never().is_none());
        assert_eq!(hand.next_wake(), Some(Duration::from_secs(1)));
        hand.advance(Duration::from_millis(999));
        assert!(sleep.as_mut().now_or_never().is_none());
        hand.advance(Duration::from_millis(1));
        assert_eq!(hand.next_wake(), Some(Duration::ZERO), "it has not noticed yet");
        assert_eq!(hand.next_due(), None, "nothing is still to come");
        assert!(sleep.as_mut().now_or_never().is_some());
        drop(sleep);
        assert_eq!(hand.next_wake(), None);
    }

    #[tokio::test]
    async fn a_deadline_ends_what_is_waited_for_and_nobody_waits_for_it() {
        let (clock, hand) = hand();
        let by = clock.moment().after(Duration::from_secs(5));
        let mut never = Box::pin(clock.by(by, std::future::pending::<()>()));
        assert!(never.as_mut().now_or_never().is_none());
        assert_eq!((hand.next_wake(), hand.next_due()), (None, Some(Timestamp::from_second(5).unwrap())));
        hand.advance(Duration::from_secs(5));
        assert_eq!(never.await, None);
        assert_eq!(clock.by(by, async { 7 }).await, Some(7), "what is ready just then is taken");
    }
}
