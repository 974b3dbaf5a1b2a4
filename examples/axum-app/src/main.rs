//! Somebody's own axum app with the gateway inside: one process, one port, the app's routes beside Vestibule's.
//!
//! It reads everything from the environment, as small apps do:
//!
//! ```sh
//! ROOT_KEY=$(openssl rand -base64 32) NOTION_URL=http://127.0.0.1:8472 \
//! NOTION_CLIENT_ID=emulated-integration NOTION_CLIENT_SECRET=emulated-secret \
//! PORT=3000 STORE=app.db cargo run -p axum-app
//! ```

#![expect(clippy::disallowed_methods, reason = "an app reads its own environment")]

use std::collections::BTreeMap;
use std::env::var;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use gateway::{Config, Gateway, Integration, KeyKind, RootKey, Secret, World};
use store::SqliteStore;
use tokio::net::TcpListener;
use url::Url;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = var("PORT").as_deref().unwrap_or("3000").parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}", listener.local_addr()?);

    let gateway = build(&url).await?;
    // The app's own code calls the gateway over HTTP like anybody else, with a key that it mints for itself.
    let key = gateway.mint_key("app", KeyKind::App, "the app itself").await?;
    let has_key = !key.key.expose().is_empty();

    // The gateway's routes and the app's own, on one port.
    let own = Router::new().route("/hello", get(async || Html("<h1>My own page</h1>")));
    let router = gateway.router().merge(own);

    println!("{url} (a key was minted: {has_key})");
    tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.housekeep().await }
    });
    gateway::serve::serve(listener, router, async {
        let _pressed = tokio::signal::ctrl_c().await;
    })
    .await;
    // An exchange or a refresh on its way ends first.
    gateway.drain().await;
    Ok(())
}

async fn build(url: &str) -> anyhow::Result<Gateway> {
    let need = |name: &str| var(name).with_context(|| format!("{name} is not set"));
    let integration = Integration {
        client_id: need("NOTION_CLIENT_ID")?,
        client_secret: Secret::new(need("NOTION_CLIENT_SECRET")?),
        return_urls: vec![format!("{url}/connected")],
        require_state: true,
        require_pkce: false,
        notion_version: Some("2026-03-11".to_owned()),
        requests_per_minute: 180,
    };
    let config = Config {
        public_url: Url::parse(url)?,
        notion_url: Url::parse(
            &var("NOTION_URL").unwrap_or_else(|_| gateway::config::NOTION_URL.to_owned()),
        )?,
        integrations: BTreeMap::from([("app".to_owned(), integration)]),
        trusted_proxies: Vec::new(),
        attempts_per_address: Config::ATTEMPTS_PER_ADDRESS,
    };
    let store = SqliteStore::open(&PathBuf::from(need("STORE")?))?;
    let root_key = RootKey::parse(&need("ROOT_KEY")?)?;
    Ok(Gateway::build(config, Arc::new(store), &root_key, World::real()).await?)
}
