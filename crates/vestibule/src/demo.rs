//! `vestibule demo`: an offline Notion, the gateway and a sample app in one process, on the loopback, without set-up.

#![expect(clippy::disallowed_methods, reason = "it makes the keys of one run")]

mod app;
mod folder;
mod notion_blocks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gateway::serve::{Crowd, Limits, serve_among};
use gateway::{Config, Gateway, Integration, KeyKind, RootKey, Secret, World};
use notion_emulator::{Capabilities, Client, Emulator, Options};
use serde_json::json;
use store::SqliteStore;
use tokio::net::TcpListener;
use url::Url;

use crate::emulate;
use crate::http_client::Api;
use crate::logging;
use crate::output::print;
use crate::serve::{bind, together};
use crate::stop::Stop;

/// The integration's name, which is also in its redirect URI.
const INTEGRATION: &str = "demo";
/// The emulator paces nobody, so the gateway need not hold a script back; the real budgets are 180 and 600.
const REQUESTS_PER_MINUTE: u32 = 60_000;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the gateway listens: 127.0.0.1:8470 unless said, or any free port if that is taken (port 0: any free one)
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where the sample app listens: 127.0.0.1:8471 unless said, or any free port if that is taken
    #[arg(long, value_name = "ADDRESS")]
    app_listen: Option<SocketAddr>,
    /// Where the offline Notion listens: 127.0.0.1:8472 unless said, or any free port if that is taken
    #[arg(long, value_name = "ADDRESS")]
    emulator_listen: Option<SocketAddr>,
    /// Where to keep the demo's files; without it a temporary folder. One left by an earlier demo is emptied
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// A further return URL or redirect URI, for an app of your own; may be given several times
    #[arg(long, value_name = "URL")]
    return_url: Vec<String>,
    #[command(flatten)]
    hosts: emulate::HostArgs,
    /// Whether an app at the Notion-shaped door must send `state` or PKCE; `false` for a tutorial that sends neither
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    require_state: bool,
    /// Write down what is asked of the offline Notion and answered, one JSON object a line
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Where the three are, as a browser names them.
struct Places {
    gateway: String,
    emulator: String,
    app: String,
}

/// The credentials of one run; all are made now and worth nothing after it.
struct Credentials {
    client_id: String,
    client_secret: String,
    app_key: Secret<String>,
    app_secret: Secret<String>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    logging::begin("warn");
    let stop = Stop::on_signal()?;
    // All three first: the addresses must be known before anything is registered, and a taken port ends it here.
    let (gateway_listener, app_listener, emulator_listener) = listeners(&args).await?;
    let places = Places {
        gateway: format!("http://{}", gateway_listener.local_addr()?),
        app: format!("http://{}", app_listener.local_addr()?),
        emulator: emulator_url(&emulator_listener)?,
    };
    let folder = folder::prepare(args.data_dir.as_deref())?;
    let return_url = format!("{}/connected", places.app);
    let (client_id, client_secret) = (format!("demo-{}", word(8)), format!("emulated-{}", word(32)));
    let emulator = Emulator::new(Options {
        clients: vec![client(&places, &client_id, &client_secret)],
        record: emulate::recorder(args.record.as_deref())?,
        names: args.hosts.names()?,
        ..Options::default()
    });
    let mut return_urls = vec![return_url.clone()];
    return_urls.extend(args.return_url);
    let integration = Integration {
        client_id: client_id.clone(),
        client_secret: Secret::new(client_secret.clone()),
        return_urls,
        require_state: args.require_state,
        require_pkce: false,
        notion_version: Some("2025-09-03".to_owned()),
        requests_per_minute: REQUESTS_PER_MINUTE,
    };
    let gateway = build(&places, folder.path(), integration).await?;
    let mint = async |kind, label| gateway.mint_key(INTEGRATION, kind, label).await.map(|minted| minted.key);
    let credentials = Credentials {
        client_id,
        client_secret,
        app_key: mint(KeyKind::App, "the sample app").await?,
        app_secret: mint(KeyKind::Secret, "for scripts at /v1/oauth").await?,
    };
    let api = Api::new(&places.gateway, credentials.app_key.clone())?;
    let app = app::router(app::Shop::new(api, &return_url));

    let housekeeping = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.housekeep().await }
    });
    let told = async {
        if let Err(error) = announce(&places, &return_url, &credentials, &emulator, folder.path()).await {
            tracing::error!(event = "demo.announce", why = format!("{error:#}"));
        }
    };
    // The app calls the gateway and that the emulator: each has sockets of its own, so that none waits for itself.
    let crowds = [Crowd::of_process(3), Crowd::of_process(3)];
    tokio::join!(
        serve_among(&crowds[0], Limits::default(), gateway_listener, gateway.doors(), stop.wait()),
        serve_among(&crowds[1], Limits::default(), app_listener, app, stop.wait()),
        emulator.serve(emulator_listener, stop.wait()),
        told,
    );
    housekeeping.abort();
    gateway.drain().await;
    folder.leave()
}

/// The usual ports, if nobody has them; a person who wants others says so.
async fn listeners(args: &Args) -> anyhow::Result<(TcpListener, TcpListener, TcpListener)> {
    let gateway = usual_or_free(args.listen, 8470, "--listen").await;
    let app = usual_or_free(args.app_listen, 8471, "--app-listen").await;
    let emulator = usual_or_free(args.emulator_listen, 8472, "--emulator-listen").await;
    match (gateway, app, emulator) {
        (Ok(gateway), Ok(app), Ok(emulator)) => Ok((gateway, app, emulator)),
        (gateway, app, emulator) => Err(together([gateway.err(), app.err(), emulator.err()])),
    }
}

async fn usual_or_free(given: Option<SocketAddr>, usual: u16, flag: &str) -> anyhow::Result<TcpListener> {
    let loopback = std::net::Ipv4Addr::LOCALHOST;
    match given {
        Some(address) => bind(address, flag).await,
        None => match TcpListener::bind((loopback, usual)).await {
            Ok(listener) => Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                logging::say(&format!("port {usual} is taken: a free one is used ({flag} chooses)"));
                bind((loopback, 0).into(), flag).await
            }
            Err(_) => bind((loopback, usual).into(), flag).await,
        },
    }
}

/// The emulator is shown under another name than the gateway, as Notion is: what a browser does between two sites, it does
/// here too.
fn emulator_url(listener: &TcpListener) -> anyhow::Result<String> {
    let address = listener.local_addr()?;
    let is_usual = address.ip() == std::net::Ipv4Addr::LOCALHOST;
    Ok(if is_usual { format!("http://localhost:{}", address.port()) } else { format!("http://{address}") })
}

fn client(places: &Places, client_id: &str, client_secret: &str) -> Client {
    Client {
        client_id: client_id.to_owned(),
        client_secret: client_secret.to_owned(),
        name: "Sample app".to_owned(),
        redirect_uris: vec![format!("{}/callback/{INTEGRATION}", places.gateway)],
        capabilities: Capabilities::default(),
    }
}

async fn build(places: &Places, folder: &Path, integration: Integration) -> anyhow::Result<Gateway> {
    let config = Config {
        public_url: Url::parse(&places.gateway)?,
        notion_url: Url::parse(&places.emulator)?,
        integrations: BTreeMap::from([(INTEGRATION.to_owned(), integration)]),
        trusted_proxies: Vec::new(),
        plain_http_hosts: Vec::new(),
        way_out: gateway::WayOut::default(),
        attempts_per_address: 10_000,
    };
    let store = SqliteStore::open(&folder.join("vestibule.db")).context("cannot open the demo's store")?;
    let mut random =
        |buffer: &mut [u8]| getrandom::fill(buffer).expect("the operating system gives random bytes");
    let root_key = RootKey::generate(&mut random);
    Ok(Gateway::build(config, std::sync::Arc::new(store), &root_key, World::real()).await?)
}

/// Once all three answer: writes `demo.json` for scripts, and tells people where to go.
async fn announce(
    places: &Places,
    return_url: &str,
    credentials: &Credentials,
    emulator: &Emulator,
    folder: &Path,
) -> anyhow::Result<()> {
    for url in [&places.gateway, &places.emulator, &places.app] {
        let api = Api::new(url, Secret::new("none".to_owned()))?;
        let page = api.call(axum::http::Method::GET, "/", None).await?;
        anyhow::ensure!(page.status.is_success(), "{url} answers {}", page.status);
    }
    let facts = json!({
        "gateway_url": places.gateway,
        "emulator_url": places.emulator,
        "app_url": places.app,
        "return_url": return_url,
        "api_key": credentials.app_key.expose(),
        "integration": INTEGRATION,
        "client_id": credentials.client_id,
        "app_secret": credentials.app_secret.expose(),
        "client_secret": credentials.client_secret,
        "internal_token": emulator.internal_token(),
        "root_page_id": emulator.root_page_id(),
    });
    let file = folder.join(folder::FACTS);
    folder::write_whole(&file, &format!("{facts:#}\n"))?;
    print(&format!(
        "Vestibule's demo is ready.\n\n  Open    {app}\n          and press \"Connect to Notion\"\n\n  Gateway         {gateway}\n  Offline Notion  {emulator}\n  For scripts     {file} (addresses and keys of this run)\n\n  Code written for Notion works with gateway_url as its host and app_secret of that file as its client secret,\n  if it sends `state` or PKCE. For a tutorial that sends neither: demo --require-state=false\n\nCtrl-C ends it.\n",
        app = places.app,
        gateway = places.gateway,
        emulator = places.emulator,
        file = file.display(),
    ))
}

/// So many random letters and digits.
fn word(length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}
