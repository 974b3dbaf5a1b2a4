//! What changes on some connections cost the calls on others: 10,000 active connections are called at random, in turns while
//! nothing else happens and while 40 times a second some other connection is refreshed. Told are the medians of the turns' p99,
//! their ratio, and how often a call asked the store.

#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{StreamExt as _, stream};
use gateway::{Config, Gateway, Imported, Integration, KeyKind, RootKey, Secret, World};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use store::SqliteStore;
use tokio::net::TcpListener;
use url::Url;

/// Connections that are called and do not change.
const CALLED: usize = 10_000;
/// Connections that change, in turn.
const CHANGING: usize = 400;
const CHANGES_A_SECOND: u64 = 40;
/// How many call at once, and how long each pauses: a machine without a moment to spare would tell how busy it is, not what a
/// call takes.
const CALLERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(5);
/// Turns of each kind, and how long one is. Together less than a minute: that often a connection's use is written down.
const TURNS: usize = 9;
const TURN: Duration = Duration::from_millis(2500);

/// A Notion that knows every token: the bot's number is in it.
async fn notion() -> Url {
    async fn me(headers: HeaderMap) -> Json<Value> {
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Json(json!({"object": "user", "id": bot(token)}))
    }
    async fn token(body: Bytes) -> Json<Value> {
        let asked: Value = serde_json::from_slice(&body).expect("JSON");
        let bot = bot(asked["refresh_token"].as_str().expect("a refresh"));
        Json(pair(bot))
    }
    let introspect = async || Json(json!({"active": true})).into_response();
    let router = Router::new()
        .route("/v1/users/me", get(me))
        .route("/v1/oauth/token", post(token))
        .route("/v1/oauth/introspect", post(introspect));
    let (listener, url) = listener().await;
    tokio::spawn(gateway::serve::serve(listener, router, std::future::pending()));
    url
}

fn bot(token: &str) -> &str {
    token.rsplit('.').nth(1).unwrap_or_default()
}

/// A fresh pair of this bot.
fn pair(bot: &str) -> Value {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    json!({
        "access_token": format!("ntn.{bot}.{number}"), "refresh_token": format!("nrt.{bot}.{number}"),
        "token_type": "bearer", "bot_id": bot, "workspace_id": "workspace", "workspace_name": "Northwind",
        "owner": {"type": "user", "user": {"object": "user", "id": format!("owner of {bot}")}},
    })
}

async fn listener() -> (TcpListener, Url) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, Url::parse(&url).expect("a URL"))
}

fn config(url: &Url, notion_url: Url) -> Config {
    let integration = Integration {
        client_id: "bench".to_owned(),
        client_secret: Secret::new("secret".to_owned()),
        return_urls: Vec::new(),
        require_state: true,
        require_pkce: false,
        notion_version: Some("2025-09-03".to_owned()),
        requests_per_minute: 600,
    };
    Config {
        public_url: url.clone(),
        notion_url,
        integrations: BTreeMap::from([("bench".to_owned(), integration)]),
        trusted_proxies: Vec::new(),
        plain_http_hosts: Vec::new(),
        way_out: gateway::WayOut::default(),
        attempts_per_address: Config::ATTEMPTS_PER_ADDRESS,
    }
}

/// What is called, and by whom.
struct Bench {
    url: Url,
    key: String,
    called: Vec<String>,
    changing: Vec<String>,
    store: Arc<SqliteStore>,
    client: Client<HttpConnector, Body>,
}

impl Bench {
    async fn prepare(folder: &std::path::Path) -> Self {
        let store = Arc::new(SqliteStore::open(&folder.join("vestibule.db")).expect("the store opens"));
        let (listener, url) = listener().await;
        let root_key = RootKey::parse(&"5a".repeat(32)).expect("a root key");
        let config = config(&url, notion().await);
        let gateway = Gateway::build(config, store.clone(), &root_key, World::real())
            .await
            .expect("the gateway builds");
        let key = gateway.mint_key("bench", KeyKind::App, "bench").await.expect("a key").key.expose().clone();
        let imported = stream::iter(0..CALLED + CHANGING).map(|number| {
            let gateway = gateway.clone();
            async move {
                let mut line = pair(&format!("bot-{number}"));
                line["end_user"] = json!(format!("user-{number}"));
                match gateway.import("bench", line.to_string().as_bytes()).await.expect("imported") {
                    Imported::Created(id) | Imported::KeptNewer(id) => id,
                }
            }
        });
        let mut called: Vec<String> = imported.buffered(64).collect().await;
        let changing = called.split_off(CALLED);
        let housekeeper = gateway.clone();
        tokio::spawn(async move { housekeeper.housekeep().await });
        tokio::spawn(gateway::serve::serve(listener, gateway.router(), std::future::pending()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url, key, called, changing, store, client }
    }

    async fn ask(&self, method: &str, path: &str) -> StatusCode {
        let request = Request::builder()
            .method(method)
            .uri(self.url.join(path).expect("a path").as_str())
            .header("authorization", format!("Bearer {}", self.key))
            .body(Body::empty())
            .expect("a request");
        let answer = self.client.request(request).await.expect("an answer");
        let status = answer.status();
        answer.into_body().collect().await.expect("a whole body");
        status
    }

    async fn call(&self, number: usize) {
        let path = format!("/notion/{}/v1/users/me", self.called[number]);
        assert_eq!(self.ask("GET", &path).await, StatusCode::OK);
    }

    /// Calls at random for one turn; how long each took.
    async fn calls(&self, seed: u64) -> Vec<Duration> {
        let (until, mut random) = (Instant::now() + TURN, seed);
        let mut took = Vec::new();
        while Instant::now() < until {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = usize::try_from(random >> 33).expect("31 bits") % CALLED;
            let began = Instant::now();
            self.call(number).await;
            took.push(began.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        took
    }

    /// Refreshes the connections that change, one after the other, until it is told to stop; how many.
    async fn changes(&self, stop: &AtomicBool, from: usize) -> usize {
        let mut pace = tokio::time::interval(Duration::from_millis(1000 / CHANGES_A_SECOND));
        let mut done = 0;
        while !stop.load(Ordering::Relaxed) {
            pace.tick().await;
            let id = &self.changing[(from + done) % CHANGING];
            assert_eq!(self.ask("POST", &format!("/api/connections/{id}/refresh")).await, StatusCode::OK);
            done += 1;
        }
        done
    }

    async fn turn(&self, turn: usize, changing: bool) -> Turn {
        let stop = AtomicBool::new(!changing);
        let asked = self.store.asked();
        let callers = async {
            let callers = (0..CALLERS).map(|caller| self.calls((turn * CALLERS + caller) as u64));
            let took = futures_util::future::join_all(callers).await.concat();
            stop.store(true, Ordering::Relaxed);
            took
        };
        let (mut took, changes) = tokio::join!(callers, self.changes(&stop, turn * 97));
        took.sort();
        let at = |percent: usize| took[(took.len() - 1) * percent / 100];
        Turn { p50: at(50), p99: at(99), calls: took.len(), changes, asked: self.store.asked() - asked }
    }
}

struct Turn {
    p50: Duration,
    p99: Duration,
    calls: usize,
    changes: usize,
    asked: u64,
}

fn median(turns: &[Turn], of: impl Fn(&Turn) -> Duration) -> Duration {
    let mut all: Vec<Duration> = turns.iter().map(of).collect();
    all.sort();
    all[all.len() / 2]
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::prepare(folder.path()).await;
    // Each is called once: what is measured is what is remembered.
    stream::iter(0..CALLED).for_each_concurrent(32, |number| bench.call(number)).await;
    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        quiet.push(bench.turn(turn, false).await);
        busy.push(bench.turn(turn, true).await);
    }
    for (what, turns) in [("quiet", &quiet), ("busy", &busy)] {
        let sum = |of: fn(&Turn) -> usize| turns.iter().map(of).sum::<usize>();
        let (calls, changes) = (sum(|turn| turn.calls), sum(|turn| turn.changes));
        let asked: u64 = turns.iter().map(|turn| turn.asked).sum();
        println!(
            "figure: {CALLED} connections called, {what} | p50 {} µs, p99 {} µs (medians of {TURNS}), {calls} calls, {changes} changes, the store was asked {asked} times",
            median(turns, |turn| turn.p50).as_micros(),
            median(turns, |turn| turn.p99).as_micros(),
        );
    }
    let ratio = median(&busy, |turn| turn.p99).as_secs_f64() / median(&quiet, |turn| turn.p99).as_secs_f64();
    println!("figure: what changes cost the calls on other connections | p99 by {ratio:.2} (promised: 1.20)");
}
