//! Fills a store with connections, each with a grant of its own, through the same door as `vestibule connections import`.
//! Prints the id of each hundredth one: those are called later.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use gateway::{Config, Gateway, Imported, Integration, RootKey, Secret, World};
use store::SqliteStore;

/// How many imports are under way at once: they share their commits.
const AT_ONCE: usize = 256;

fn config(client_id: String, notion: &str) -> anyhow::Result<Config> {
    let integration = Integration {
        client_id,
        client_secret: Secret::new("bench".to_owned()),
        return_urls: Vec::new(),
        require_state: true,
        require_pkce: false,
        notion_version: None,
        requests_per_minute: 180,
    };
    Ok(Config {
        public_url: "http://127.0.0.1:1".parse()?,
        notion_url: notion.parse()?,
        plain_http_hosts: Vec::new(),
        integrations: BTreeMap::from([("main".to_owned(), integration)]),
        trusted_proxies: Vec::new(),
        attempts_per_address: Config::ATTEMPTS_PER_ADDRESS,
    })
}

fn line(number: u32) -> String {
    format!(
        r#"{{"access_token":"ntn_fill_{number:012}","refresh_token":"nrt_fill_{number:012}","token_type":"bearer","bot_id":"00000000-0000-4000-8000-{number:012}","workspace_id":"f0000000-0000-4000-8000-000000000001","workspace_name":"Bench","owner":{{"type":"user","user":{{"object":"user","id":"c19e4a7f-1f3e-4a1e-9f5a-{number:012}"}}}},"end_user":"user-{number}"}}"#
    )
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [store, root_key, client_id, notion, count] = &args[..] else {
        anyhow::bail!("fill STORE ROOT_KEY_FILE CLIENT_ID NOTION_URL COUNT");
    };
    let root_key = RootKey::parse(std::fs::read_to_string(root_key)?.trim())?;
    let opened = Arc::new(SqliteStore::open(Path::new(store))?);
    let gateway =
        Gateway::build(config(client_id.clone(), notion)?, opened, &root_key, World::real()).await?;
    let count: u32 = count.parse().context("COUNT is a number")?;
    let mut imports = futures_util::stream::iter(0..count)
        .map(|number| {
            let gateway = gateway.clone();
            async move { (number, gateway.import("main", line(number).as_bytes()).await) }
        })
        .buffer_unordered(AT_ONCE);
    while let Some((number, imported)) = imports.next().await {
        if let Imported::Created(id) = imported.with_context(|| format!("connection {number}"))?
            && number % 100 == 0
        {
            println!("{id}");
        }
    }
    Ok(())
}
