//! What goes on beside the calls: noticing other processes' changes, settling what nobody redeemed, forgetting what
//! has outlived its use.

use std::time::Duration;

use crate::{Error, Gateway, access, interrupted, settle};

/// How often another process's change is looked for: it must be noticed within a second.
const NOTICE_EVERY: Duration = Duration::from_millis(500);
/// How often what is due gets settled.
const SETTLE_EVERY: Duration = Duration::from_secs(15);
/// How often grants whose refresh was not answered are looked into, those that are due.
const SUSPECTS_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked for exchanges and refreshes that a process was in the middle of when it ended; at the start, at once.
const INTERRUPTED_EVERY: Duration = Duration::from_secs(1);
/// How often old rows are deleted.
const PURGE_EVERY: Duration = Duration::from_hours(1);

impl Gateway {
    /// Runs the housekeeping until it is dropped. One such future beside the routers.
    pub async fn housekeep(&self) {
        tokio::join!(
            self.every(NOTICE_EVERY, "notice", || self.notice_changes()),
            self.at_once_and_every(INTERRUPTED_EVERY, "interrupted", || self.look_into_interrupted()),
            self.every(SETTLE_EVERY, "settle", || self.settle()),
            self.every(SUSPECTS_EVERY, "suspects", || self.look_into_suspects()),
            self.every(PURGE_EVERY, "purge", || self.purge()),
        );
    }

    /// Settles what is due once: interrupted exchanges, unredeemed codes, candidates, tombstones.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`]; what was not settled stays due.
    pub async fn settle(&self) -> Result<(), Error> {
        let inner = self.clone();
        self.uninterrupted(async move {
            interrupted::end_exchanges(&inner).await?;
            settle::all(&inner).await
        })
        .await
    }

    /// Looks once into the grants whose last refresh was sent and not answered, those that are due.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`]; they stay due.
    pub async fn look_into_suspects(&self) -> Result<(), Error> {
        access::look_into_suspects(self).await
    }

    /// Looks once for exchanges and refreshes that a process was in the middle of when it ended: it tells of the former, and sends the
    /// latter again.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`]; they stay on record.
    pub async fn look_into_interrupted(&self) -> Result<(), Error> {
        interrupted::end_exchanges(self).await?;
        access::look_into_interrupted(self).await
    }

    async fn purge(&self) -> Result<(), Error> {
        Ok(self.store.purge(self.world.now()).await?)
    }

    async fn every<F>(&self, pause: Duration, what: &str, work: impl Fn() -> F)
    where
        F: Future<Output = Result<(), Error>>,
    {
        self.pause(pause).await;
        self.at_once_and_every(pause, what, work).await;
    }

    async fn at_once_and_every<F>(&self, pause: Duration, what: &str, work: impl Fn() -> F)
    where
        F: Future<Output = Result<(), Error>>,
    {
        loop {
            if let Err(error) = work().await {
                tracing::warn!(event = "housekeeping.failed", what, why = %error);
            }
            self.pause(pause).await;
        }
    }

    async fn pause(&self, pause: Duration) {
        self.world.sleep_until(crate::link::after(self.world.now(), pause)).await;
    }
}
