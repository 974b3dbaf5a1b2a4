//! Vestibule as a library: a Notion integration's back end that one mounts in an axum app of one's own.
//!
//! [`Gateway::build`] takes a [`Config`], a store, the root key and a [`World`]; [`Gateway::router`] is both doors,
//! the HTTP API and the proxy; [`Gateway::housekeep`] runs beside it. The rooms, in the order that one
//! authorization walks through them: `link`, `callback`, `redeem`, `caller`, `access`, `proxy`.

mod access;
mod api;
mod callback;
mod caller;
mod client;
pub mod config;
mod connections;
mod cookie;
mod diagram;
mod door;
mod error;
mod events;
mod flights;
mod housekeeping;
mod import;
mod interrupted;
mod keys;
mod link;
mod near_miss;
mod notion;
mod oauth;
mod owners;
mod pacing;
mod pages;
mod pairs;
mod proxy;
mod recall;
mod reconnect;
mod redeem;
mod retries;
mod routes;
pub mod serve;
mod settle;
mod starts;
mod turns;
mod vault;
mod way_out;
mod world;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sealing::KeyringError;
use store::{Store, StoreError};
use tokio::sync::Semaphore;

pub use config::{Config, Integration};
pub use error::Error;
pub use import::{ImportError, Imported};
pub use keys::MintedKey;
pub use notion::{Notion, TokenError};
pub use sealing::{RootKey, Secret};
pub use store::Contents;
pub use store::records::{ApiKey, EventKind, KeyKind, Listed};
pub use way_out::{Certificates, NotionError, Proxy, Roots, WayOut};
pub use world::{ClockHand, Network, SendError, Spawn, World};

/// How long [`Gateway::drain`] waits.
const DRAIN_MAX: Duration = Duration::from_secs(75);
/// How many tasks that must not be cut short may run at once.
const UNINTERRUPTED_MAX: u32 = 10_000;

/// A gateway: cheap to clone, all clones are the same one.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

/// What all rooms share: the configuration, the store, the clock and the way to Notion. The rest belongs to the room in whose
/// file its type stands, and its fields are private there.
pub struct Inner {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: vault::Vault,
    /// This process's name on the store.
    pub(crate) node: String,
    pub(crate) world: World,
    pub(crate) notion: Notion,
    pub(crate) pacing: pacing::Pacing,
    pub(crate) starts: starts::Starts,
    pub(crate) memory: Arc<recall::Memory>,
    pub(crate) flights: Arc<flights::Flights>,
    pub(crate) renewing: access::Renewing,
    pub(crate) settling: settle::Settling,
    uninterrupted: Arc<Semaphore>,
}

impl Deref for Gateway {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Why a gateway was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration cannot be served; all problems at once.
    #[error("the configuration cannot be served:\n  {}", .0.join("\n  "))]
    Config(Vec<String>),
    /// The root key is not the one that this store was made with, or the keyring is damaged.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client to Notion cannot be made: {0}")]
    Notion(String),
}

impl Gateway {
    /// Builds a gateway on a store. An empty store gets its keyring now; any other must open with this root key.
    ///
    /// # Errors
    /// [`BuildError`], with nothing written, if the configuration or the root key is wrong or the store is not there.
    pub async fn build(
        config: Config,
        store: Arc<dyn Store>,
        root_key: &RootKey,
        world: World,
    ) -> Result<Self, BuildError> {
        let problems = config.check();
        if !problems.is_empty() {
            return Err(BuildError::Config(problems));
        }
        let keyring = keys::open_keyring(&*store, root_key, &world).await?;
        store.prepare().await?;
        let notion = Notion::new(&config.notion_url, &config.way_out, &world)
            .map_err(|e| BuildError::Notion(e.to_string()))?;
        let memory = Arc::new(recall::Memory::new(store.newest_change().await?));
        let told = Arc::clone(&memory);
        store.on_change(Arc::new(move |changes| told.apply(changes)));
        let node = world.id("node");
        store.enter(&node).await?;
        let inner = Inner {
            pacing: pacing::Pacing::new(world.clone()),
            starts: starts::Starts::new(config.attempts_per_address),
            memory,
            flights: Arc::default(),
            renewing: access::Renewing::default(),
            settling: settle::Settling::default(),
            uninterrupted: Arc::new(Semaphore::new(UNINTERRUPTED_MAX as usize)),
            config,
            store,
            vault: vault::Vault::new(keyring),
            node,
            world,
            notion,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How much the store holds. One without keys and connections is new, or not the one that it should be.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`].
    pub async fn contents(&self) -> Result<Contents, Error> {
        Ok(self.store.contents().await?)
    }

    /// Waits for the work that must not be cut short: an exchange or a refresh whose answer is on its way; at most
    /// 75 seconds, for a Notion that never answers must not keep the process from ending.
    /// Call it after the listeners stopped and before the process ends.
    pub async fn drain(&self) {
        let until = link::after(self.world.now(), DRAIN_MAX);
        tokio::select! {
            biased;
            _all = self.uninterrupted.acquire_many(UNINTERRUPTED_MAX) => {}
            () = self.world.sleep_until(until) => {
                let left = UNINTERRUPTED_MAX as usize - self.uninterrupted.available_permits();
                tracing::error!(event = "drain.cut_short", left);
            }
        }
    }

    /// Runs `work` to its end even if the caller goes away meanwhile, and makes [`Gateway::drain`] wait for it.
    /// An exchange or refresh that is dropped half-way would lose the only valid token pair.
    pub(crate) async fn uninterrupted<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let permit = Arc::clone(&self.uninterrupted).acquire_owned().await.map_err(|_| Error::Internal)?;
        let task = self.world.spawn(async move {
            let result = work.await;
            drop(permit);
            result
        });
        task.await.unwrap_or(Err(Error::Internal))
    }

    /// Takes notice of what other processes changed. Of our own changes the store tells by itself.
    pub(crate) async fn notice_changes(&self) -> Result<(), Error> {
        let changes = self.store.changes_after(self.memory.upto()).await?;
        if !changes.complete || !changes.changes.is_empty() {
            failpoints::hit(failpoints::Point::FeedRead);
            self.memory.apply(&changes);
        }
        Ok(())
    }
}
