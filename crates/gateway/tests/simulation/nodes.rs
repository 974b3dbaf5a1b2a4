//! The processes: each a gateway on the one store, with a world of its own. One can be killed with all that it has under way, come
//! back, and stand still while time goes on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use gateway::{Config, Gateway, Integration, World};
use http_body_util::BodyExt as _;
use sealing::{RootKey, Secret};
use serde_json::Value;
use store::SqliteStore;
use tokio::sync::oneshot;
use tower::ServiceExt as _;
use url::Url;

use crate::dice::Dice;
use crate::disk::Disk;
use crate::network::{Line, Wires};
use crate::runner::{Group, block_on};

pub(crate) const CLIENT: &str = "client-demo";
pub(crate) const CLIENT_SECRET: &str = "notion-side-client-secret-canary";
pub(crate) const URL: &str = "http://127.0.0.1:8080";
pub(crate) const RETURN_URL: &str = "https://app.example/return";
const ROOT_KEY: &str = "abababababababababababababababababababababababababababababababab";

/// All processes on one store.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Inner>);

struct Inner {
    wires: Arc<Wires>,
    folder: PathBuf,
    seed: u64,
    disk_dice: Arc<Dice>,
    disk_stormy: Arc<AtomicBool>,
    nodes: Mutex<BTreeMap<usize, Node>>,
    lives: AtomicU64,
}

#[derive(Clone)]
struct Node {
    life: Group,
    gateway: Gateway,
    router: Router,
}

/// An answer, read whole.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code in the way on from a page to the app.
    pub(crate) fn code_on_the_page(&self) -> Option<String> {
        let page = String::from_utf8_lossy(&self.body).into_owned();
        let (_, after) = page.split_once(&format!("{RETURN_URL}?code="))?;
        after.split(['&', '"']).next().map(str::to_owned)
    }

    /// A parameter of the URL that a redirect leads to.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let location = Url::parse(self.headers.get("location")?.to_str().ok()?).ok()?;
        location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

fn config() -> Config {
    let integration = Integration {
        client_id: CLIENT.to_owned(),
        client_secret: Secret::new(CLIENT_SECRET.to_owned()),
        return_urls: vec![RETURN_URL.to_owned()],
        require_state: true,
        require_pkce: false,
        notion_version: Some("2025-09-03".to_owned()),
        requests_per_minute: 100_000,
    };
    Config {
        public_url: Url::parse(URL).expect("a URL"),
        notion_url: Url::parse("http://127.0.0.1:1").expect("a URL"),
        integrations: BTreeMap::from([("demo".to_owned(), integration)]),
        trusted_proxies: Vec::new(),
        plain_http_hosts: Vec::new(),
        way_out: gateway::WayOut::default(),
        attempts_per_address: 1_000_000,
    }
}

impl Cluster {
    pub(crate) fn new(wires: Arc<Wires>, folder: PathBuf, seed: u64) -> Self {
        Self(Arc::new(Inner {
            wires,
            folder,
            seed,
            disk_dice: Arc::new(Dice::of(seed, 3)),
            disk_stormy: Arc::default(),
            nodes: Mutex::default(),
            lives: AtomicU64::new(1),
        }))
    }

    pub(crate) fn wires(&self) -> &Arc<Wires> {
        &self.0.wires
    }

    /// Whether disk and network fail now and then.
    pub(crate) fn storm(&self, rages: bool) {
        self.0.disk_stormy.store(rages, Ordering::Relaxed);
        self.0.wires.stormy.store(rages, Ordering::Relaxed);
    }

    fn nodes(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, Node>> {
        self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, number: usize, what: &str) {
        self.0.wires.history.note(&format!("node {number}"), what);
    }

    fn disk(&self, name: &str, life: Group) -> Disk {
        let wires = &self.0.wires;
        Disk {
            inner: SqliteStore::open(&self.0.folder.join("vestibule.db")).expect("the store opens"),
            name: name.to_owned(),
            life,
            hand: wires.hand.clone(),
            history: wires.history.clone(),
            ledger: wires.ledger.clone(),
            dice: Arc::clone(&self.0.disk_dice),
            stormy: Arc::clone(&self.0.disk_stormy),
            slow: AtomicBool::new(false),
            root_key: RootKey::parse(ROOT_KEY).expect("a root key"),
        }
    }

    /// Starts a process; without housekeeping if somebody else does that.
    pub(crate) fn start(&self, number: usize, housekeeping: bool) -> Gateway {
        let wires = &self.0.wires;
        let life = self.0.lives.fetch_add(1, Ordering::Relaxed);
        let name = format!("node {number}");
        let disk = Arc::new(self.disk(&name, life));
        let line = Line { wires: Arc::clone(wires), name, life };
        let world = World::by_hand(&wires.hand)
            .seeded(self.0.seed.wrapping_mul(1000).wrapping_add(life))
            .run_by(wires.runner.group(life))
            .through(Arc::new(line));
        let root_key = RootKey::parse(ROOT_KEY).expect("a root key");
        let store: Arc<dyn store::Store> = disk.clone();
        let gateway =
            block_on(Gateway::build(config(), store, &root_key, world)).expect("the gateway builds");
        disk.slow.store(true, Ordering::Relaxed);
        if housekeeping {
            let kept = gateway.clone();
            wires.runner.spawn(life, async move { kept.housekeep().await });
        }
        self.note(number, &format!("started (life {life})"));
        let router = gateway.router();
        self.nodes().insert(number, Node { life, gateway: gateway.clone(), router });
        gateway
    }

    /// Kills a process with all that it has under way.
    pub(crate) fn kill(&self, number: usize) {
        let Some(node) = self.nodes().remove(&number) else { return };
        self.note(number, "killed");
        self.0.wires.ledger.book().killed.insert(node.life);
        self.0.wires.runner.end(node.life);
        drop(node);
    }

    /// Lets a process stand still; whether there was one.
    pub(crate) fn rest(&self, number: usize) -> bool {
        let life = self.nodes().get(&number).map(|node| node.life);
        if let Some(life) = life {
            self.note(number, "stands still");
            self.0.wires.runner.rest(life);
        }
        life.is_some()
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self, number: usize) {
        let life = self.nodes().get(&number).map(|node| node.life);
        if let Some(life) = life {
            self.note(number, "goes on");
            self.0.wires.runner.go_on(life);
        }
    }

    pub(crate) fn runs(&self, number: usize) -> bool {
        self.nodes().contains_key(&number)
    }

    /// A node's gateway.
    pub(crate) fn gateway(&self, number: usize) -> Option<Gateway> {
        self.nodes().get(&number).map(|node| node.gateway.clone())
    }

    /// Has a process do something of its own; `None` if it is not there, or ends meanwhile.
    pub(crate) async fn inside<T, F>(&self, number: usize, work: impl FnOnce(Gateway) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let node = self.nodes().get(&number).cloned()?;
        let (tell, told) = oneshot::channel();
        let (life, work) = (node.life, work(node.gateway));
        self.0.wires.runner.spawn(life, async move {
            let _gone = tell.send(work.await);
        });
        told.await.ok()
    }

    /// Sends a request to a process; `None` if it is not there, or ends before it answered.
    pub(crate) async fn call(&self, number: usize, request: Request<Body>) -> Option<Reply> {
        let router = self.nodes().get(&number)?.router.clone();
        self.inside(number, |_| async move {
            let (parts, body) = router.oneshot(request).await.expect("it answers").into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            Reply { status: parts.status, headers: parts.headers, body }
        })
        .await
    }
}
