//! What surrounds the gateway, and the only ways to it: time, randomness, tasks, and the network to Notion.
//! Production takes [`World::real`]. A test takes [`World::manual`] and moves time by hand, so nothing ever sleeps; a simulation
//! gives the rest as well, so that one seed always tells one story. What is for tests alone is hidden from the documentation, and a
//! test of the house holds that nothing but a test calls it.

mod clock;
mod random;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use clock::Clock;
use random::{Random, RequestIds};
use tasks::Tasks;

pub use clock::ClockHand;
pub(crate) use clock::Moment;
pub use tasks::Spawn;
pub(crate) use tasks::Task;

/// Everything outside, as the gateway sees it. Clones share it.
#[derive(Clone)]
pub struct World {
    clock: Clock,
    random: Random,
    request_ids: Arc<RequestIds>,
    tasks: Tasks,
    network: Option<Arc<dyn Network>>,
}

/// What carries calls to Notion where no sockets do. A call that is dropped was sent all the same.
pub trait Network: Send + Sync + 'static {
    /// Carries one call there, and the head of its answer back.
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, SendError>>;
}

/// A call got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// Nothing was sent.
    NotSent,
    /// It was sent, or may have been; it may have been done.
    NoAnswer,
}

impl World {
    /// The machine's clock, the operating system's randomness, the runtime's tasks, sockets.
    pub fn real() -> Self {
        Self {
            clock: Clock::Real,
            random: Random::System,
            request_ids: Arc::default(),
            tasks: Tasks::Runtime,
            network: None,
        }
    }

    /// A clock that stands still until its hand is moved.
    #[doc(hidden)]
    pub fn manual(start: Timestamp) -> (Self, ClockHand) {
        let hand = ClockHand::at(start);
        (Self::by_hand(&hand), hand)
    }

    /// Another world whose time this hand moves.
    #[doc(hidden)]
    pub fn by_hand(hand: &ClockHand) -> Self {
        Self { clock: Clock::Manual(hand.clone()), ..Self::real() }
    }

    /// With randomness that a seed repeats. Whoever knows the seed knows all secrets: for simulations alone.
    #[doc(hidden)]
    pub fn seeded(self, seed: u64) -> Self {
        Self { random: Random::seeded(seed), request_ids: Arc::default(), ..self }
    }

    /// With its tasks run by somebody else than tokio, who may let them rest or end them.
    #[doc(hidden)]
    pub fn run_by(self, spawn: Arc<dyn Spawn>) -> Self {
        Self { tasks: Tasks::Given(spawn), ..self }
    }

    /// With another way to Notion than sockets.
    #[doc(hidden)]
    pub fn through(self, network: Arc<dyn Network>) -> Self {
        Self { network: Some(network), ..self }
    }

    pub(crate) fn network(&self) -> Option<Arc<dyn Network>> {
        self.network.clone()
    }

    /// Now, in UTC, to the millisecond: finer times say nothing to anybody and fill answers and logs.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until `at`.
    pub async fn sleep_until(&self, at: Timestamp) {
        self.clock.sleep_until(at).await;
    }

    /// Now, on a clock that nobody sets.
    pub(crate) fn moment(&self) -> Moment {
        self.clock.moment()
    }

    /// How long ago that was.
    pub(crate) fn since(&self, moment: Moment) -> Duration {
        moment.until(self.clock.moment())
    }

    /// What `work` comes to, if it does within this time.
    pub(crate) async fn within<F: Future>(&self, patience: Duration, work: F) -> Option<F::Output> {
        self.by(self.moment().after(patience), work).await
    }

    /// What `work` comes to, if it does by then.
    pub(crate) async fn by<F: Future>(&self, moment: Moment, work: F) -> Option<F::Output> {
        self.clock.by(moment, work).await
    }

    /// Does `work` beside everything else, whoever stops waiting for it.
    pub(crate) fn spawn<T, F>(&self, work: F) -> Task<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.tasks.spawn(work)
    }

    /// Fills a buffer with random bytes.
    pub fn fill(&self, buffer: &mut [u8]) {
        self.random.fill(buffer);
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
        uuid::Builder::from_random_bytes(self.request_ids.next(&self.random).to_be_bytes()).into_uuid()
    }
}
