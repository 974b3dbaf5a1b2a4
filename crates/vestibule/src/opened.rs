//! The store and the gateway of a configuration, for the commands that work without a running server.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use gateway::{Gateway, World};
use store::SqliteStore;

use crate::config::{self, Settings};
use crate::output::complain;

/// Reads the configuration, opens its store, and builds the gateway on it. A wrong root key ends here.
pub(crate) async fn gateway(file: Option<&Path>) -> anyhow::Result<(Gateway, Listen)> {
    let settings = config::load(file)?;
    let path = settings.store_path.clone();
    let is_new = !path.exists();
    let opened = build(settings).await?;
    if is_new {
        complain(&format!("vestibule: there was no store at {}: a new, empty one was made", path.display()));
    }
    Ok((opened.gateway, opened.listen))
}

/// A gateway, where it shall listen, and its store.
pub(crate) struct Opened {
    pub(crate) gateway: Gateway,
    pub(crate) listen: Listen,
    pub(crate) store: Arc<SqliteStore>,
}

/// What to say of a store without keys and connections: it looks healthy, and may be the wrong one.
pub(crate) fn is_empty(path: &Path) -> String {
    format!(
        "the store {} has no keys and no connections. If it is new, `vestibule keys mint --kind app` comes next. If it should hold some, it is another file, or a copy that was taken without its log (-wal): stop, and put the right one back",
        path.display()
    )
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
pub(crate) async fn build(settings: Settings) -> anyhow::Result<Opened> {
    let listen = Listen {
        public: settings.listen,
        private: settings.private_listen,
        operations: settings.operations_listen,
        idle: settings.idle,
    };
    let store = SqliteStore::open(&settings.store_path).context("cannot open the store")?;
    let store = Arc::new(store);
    let gateway = Gateway::build(settings.gateway, store.clone(), &settings.root_key, World::real())
        .await
        .context("the gateway was not started")?;
    Ok(Opened { gateway, listen, store })
}
