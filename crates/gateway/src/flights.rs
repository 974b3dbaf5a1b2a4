//! What one process does once for many who wait: renewals that are shared, and turns on a grant.
//! Whoever asks for a renewal that is under way waits for its outcome instead of doing it again. A turn keeps a refresh
//! and the end of a tombstone from running side by side; the store's lease does the same among processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use lifecycle::{Outcome, Why};
use tokio::sync::{OwnedMutexGuard, oneshot};

use crate::Error;
use crate::world::World;

/// A renewal's outcome, once it is known. Whoever waits hears of it in the order in which they came, so that a simulation tells one
/// story; a `watch` channel's order is by chance.
type Told = Shared<BoxFuture<'static, Result<Outcome, Error>>>;

/// What is under way in this process.
#[derive(Default)]
pub(crate) struct Flights {
    renewals: Mutex<HashMap<(String, Why), Told>>,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Flights {
    /// The outcome of the renewal of this grant for this reason: of the one that is under way, or of `begin`'s, which is
    /// begun now and goes on whoever stops waiting.
    pub(crate) async fn join<F>(
        self: &Arc<Self>,
        world: &World,
        grant_id: &str,
        why: Why,
        begin: impl FnOnce() -> F,
    ) -> Result<Outcome, Error>
    where
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        self.told(world, grant_id, why, begin).await
    }

    fn told<F>(self: &Arc<Self>, world: &World, grant_id: &str, why: Why, begin: impl FnOnce() -> F) -> Told
    where
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        let key = (grant_id.to_owned(), why);
        let mut renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = renewals.get(&key) {
            return told.clone();
        }
        let (tell, told) = oneshot::channel();
        let told = async { told.await.unwrap_or(Err(Error::Internal)) }.boxed().shared();
        renewals.insert(key.clone(), told.clone());
        // In a task of its own, so that a defect in it leaves no entry behind.
        let (flights, work) = (Arc::clone(self), world.spawn(begin()));
        world.spawn(async move {
            let result = work.await.unwrap_or(Err(Error::Internal));
            flights.renewals.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            let _nobody_waits = tell.send(result);
        });
        told
    }

    /// Waits for the turn on this grant; it ends when the value is dropped.
    pub(crate) async fn turn(&self, grant_id: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody holds or waits for any more.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(grant_id.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}
