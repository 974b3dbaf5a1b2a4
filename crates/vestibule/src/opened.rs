//! The store and the gateway of a configuration, for the commands that work without a running server.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use gateway::{Gateway, World};
use store::SqliteStore;

use crate::config::{self, Settings};

/// Reads the configuration, opens its store, and builds the gateway on it. A wrong root key ends here.
pub(crate) async fn gateway(file: Option<&Path>) -> anyhow::Result<(Gateway, Listen)> {
    build(config::load(file)?).await
}

/// Where to listen.
pub(crate) struct Listen {
    pub(crate) public: std::net::SocketAddr,
    pub(crate) private: Option<std::net::SocketAddr>,
    pub(crate) operations: std::net::SocketAddr,
    /// How long a socket without an open call is kept.
    pub(crate) idle: std::time::Duration,
}

/// Builds the gateway of these settings.
pub(crate) async fn build(settings: Settings) -> anyhow::Result<(Gateway, Listen)> {
    let listen = Listen {
        public: settings.listen,
        private: settings.private_listen,
        operations: settings.operations_listen,
        idle: settings.idle,
    };
    let store = SqliteStore::open(&settings.store_path)
        .with_context(|| format!("cannot open the store {}", settings.store_path.display()))?;
    let gateway = Gateway::build(settings.gateway, Arc::new(store), &settings.root_key, World::real())
        .await
        .context("the gateway was not started, and nothing was written")?;
    Ok((gateway, listen))
}
