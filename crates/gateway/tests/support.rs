//! The actors of the tests: a house (gateway, store, emulator), an app's back end, and a browser that keeps cookies,
//! follows redirects by hand and fills in plain forms.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use gateway::{ClockHand, Config, Gateway, Integration, KeyKind, World};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use notion_emulator::{Client as NotionClient, Emulator, Options, Recorder, Running, Switches};
use sealing::{RootKey, Secret};
use serde_json::{Value, json};
use store::SqliteStore;
use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;

use crate::gate::Gate;
use crate::tape::Tape;

/// Where the session door's app wants its users back.
pub(crate) const RETURN_URL: &str = "https://app.example/return";
/// Where the Notion-shaped door's app wants its users back.
pub(crate) const REDIRECT_URI: &str = "https://app.example/auth/notion/callback";
/// A good `state` of the app's own.
pub(crate) const APP_STATE: &str = "app-state-0123456789";

/// The secret that the emulator knows the integrations by.
pub(crate) const CLIENT_SECRET: &str = "notion-side-client-secret-canary";

const ROOT_KEY: &str = "abababababababababababababababababababababababababababababababab";

/// How long a test waits for what must come, by the machine's clock: far longer than it takes on a busy one.
const PATIENCE: Duration = Duration::from_mins(2);

/// Everything that one test needs.
pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) notion: Running,
    pub(crate) clock: ClockHand,
    pub(crate) url: String,
    pub(crate) app_key: String,
    pub(crate) app_secret: String,
    pub(crate) folder: TempDir,
    pub(crate) world: World,
    settings: Settings,
    /// The gateway's own handle of the store.
    pub(crate) own_store: Arc<SqliteStore>,
    /// Between the gateway and Notion, if the plan has one.
    pub(crate) gate: Option<Gate>,
    /// In Notion's place, if the plan has one.
    pub(crate) tape: Option<Tape>,
    http: Http,
}

/// Where the test run collects what was asked of the emulator, to be held against the types of Notion's client afterwards.
#[expect(clippy::disallowed_methods, reason = "the test run says where")]
fn recorder() -> Option<Recorder> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let folder = PathBuf::from(std::env::var("EXCHANGES").ok()?);
    let name = format!("gateway-{}-{}.jsonl", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    Some(Recorder::create(&folder.join(name)).expect("the folder of exchanges is there"))
}

/// How a house differs from the usual one.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) switches: Switches,
    pub(crate) adjust: Option<fn(&mut Integration)>,
    pub(crate) folder: Option<TempDir>,
    pub(crate) gate: bool,
    pub(crate) tape: bool,
    pub(crate) config: Option<fn(&mut Config)>,
}

/// The usual house.
pub(crate) async fn house() -> House {
    House::build(Plan::default()).await
}

/// What a gateway's configuration is made from.
struct Settings {
    url: String,
    notion_url: String,
    adjust: Option<fn(&mut Integration)>,
    config: Option<fn(&mut Config)>,
}

impl Settings {
    fn config(&self) -> Config {
        let integration = |name: &str| {
            let mut integration = Integration {
                client_id: format!("client-{name}"),
                client_secret: Secret::new(CLIENT_SECRET.to_owned()),
                return_urls: vec![RETURN_URL.to_owned(), REDIRECT_URI.to_owned()],
                require_state: true,
                require_pkce: false,
                notion_version: Some("2025-09-03".to_owned()),
                requests_per_minute: 600,
            };
            if let Some(adjust) = self.adjust {
                adjust(&mut integration);
            }
            (name.to_owned(), integration)
        };
        let mut config = Config {
            public_url: Url::parse(&self.url).expect("a URL"),
            notion_url: Url::parse(&self.notion_url).expect("a URL"),
            integrations: BTreeMap::from_iter([integration("demo"), integration("other")]),
            trusted_proxies: Vec::new(),
            plain_http_hosts: Vec::new(),
            way_out: gateway::WayOut::default(),
            attempts_per_address: Config::ATTEMPTS_PER_ADDRESS,
        };
        if let Some(change) = self.config {
            change(&mut config);
        }
        config
    }
}

impl House {
    pub(crate) async fn build(plan: Plan) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = |name: &str| NotionClient {
            client_id: format!("client-{name}"),
            client_secret: CLIENT_SECRET.to_owned(),
            name: format!("Sample {name}"),
            redirect_uris: vec![format!("{url}/callback/{name}")],
            capabilities: notion_emulator::Capabilities::default(),
        };
        let options = Options {
            clients: vec![client("demo"), client("other")],
            switches: plan.switches,
            record: recorder(),
            ..Options::default()
        };
        let notion = Emulator::start(options).await.expect("the emulator starts");
        let (gate, notion_url) = if plan.gate {
            let (gate, url) = Gate::before(&notion.url).await;
            (Some(gate), url)
        } else {
            (None, notion.url.clone())
        };
        let (tape, notion_url) = if plan.tape {
            let (tape, url) = Tape::before(&notion_url).await;
            (Some(tape), url)
        } else {
            (None, notion_url)
        };
        let settings = Settings { url: url.clone(), notion_url, adjust: plan.adjust, config: plan.config };
        let config = settings.config();
        let (world, clock) = World::manual("2026-11-23T09:00:00Z".parse().expect("a time"));
        let folder = plan.folder.unwrap_or_else(|| TempDir::new().expect("a folder"));
        let store = SqliteStore::open(&folder.path().join("vestibule.db")).expect("the store opens");
        let own_store = Arc::new(store);
        let root_key = RootKey::parse(ROOT_KEY).expect("a root key");
        let gateway = Gateway::build(config, own_store.clone(), &root_key, world.clone())
            .await
            .expect("the gateway builds");
        let mint =
            async |kind| gateway.mint_key("demo", kind, "test").await.expect("a key").key.expose().clone();
        let (app_key, app_secret) = (mint(KeyKind::App).await, mint(KeyKind::Secret).await);
        tokio::spawn(gateway::serve::serve(listener, gateway.doors(), std::future::pending()));
        Self {
            gateway,
            notion,
            clock,
            url,
            app_key,
            app_secret,
            folder,
            world,
            settings,
            own_store,
            gate,
            tape,
            http: Http::new(),
        }
    }

    /// Another process on the same store, with the same clock; its URL.
    pub(crate) async fn second_process(&self) -> String {
        self.process_with(|_| {}).await
    }

    /// Another process on the same store, with another configuration; its URL.
    pub(crate) async fn process_with(&self, change: impl FnOnce(&mut Config)) -> String {
        let router = self.second_gateway(change).await.router();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(gateway::serve::serve(listener, router, std::future::pending()));
        url
    }

    /// The gateway of another process, with its configuration changed by this.
    pub(crate) async fn second_gateway(&self, change: impl FnOnce(&mut Config)) -> Gateway {
        let root_key = RootKey::parse(ROOT_KEY).expect("a root key");
        let mut config = self.settings.config();
        change(&mut config);
        let built = Gateway::build(config, Arc::new(self.store()), &root_key, self.world.clone()).await;
        built.expect("the gateway builds")
    }

    /// The store, opened once more.
    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.folder.path().join("vestibule.db")).expect("the store opens")
    }

    /// A key of another integration.
    pub(crate) async fn foreign_key(&self, kind: KeyKind) -> String {
        self.gateway.mint_key("other", kind, "test").await.expect("a key").key.expose().clone()
    }

    /// A call of the HTTP API with the app key.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let key = self.app_key.clone();
        self.call_as(&key, method, path, body).await
    }

    /// A call with any bearer key.
    pub(crate) async fn call_as(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let bearer = format!("Bearer {key}");
        self.send(method, path, &[("authorization", &bearer)], body).await
    }

    /// A call with any headers.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let mut headers = headers.to_vec();
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.http.send(method, &url, &headers, body.into()).await
    }

    /// A call of the token endpoints with the app secret.
    pub(crate) async fn oauth(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, &[("authorization", &self.basic())], Some(body)).await
    }

    /// The app's Basic credentials at the Notion-shaped door.
    pub(crate) fn basic(&self) -> String {
        basic("client-demo", &self.app_secret)
    }

    /// The app mints a link for one of its users.
    pub(crate) async fn link(&self, end_user: &str) -> String {
        let asked = json!({"end_user": end_user, "return_url": RETURN_URL});
        let reply = self.api("POST", "/api/connect-sessions", Some(asked)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        reply.json()["url"].as_str().expect("a url").to_owned()
    }

    /// The Notion-shaped door's link, as an app written for Notion makes it.
    pub(crate) fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let mut url = Url::parse(&format!("{}/v1/oauth/authorize", self.url)).expect("a URL");
        let usual = [
            ("client_id", "client-demo"),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("owner", "user"),
            ("state", APP_STATE),
        ];
        for (name, value) in usual.iter().chain(more) {
            let given = more.iter().any(|(other, _)| other == name);
            if !given || more.iter().any(|pair| pair == &(*name, *value)) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        url.into()
    }

    /// A user goes all the way at the session door; the code that came back to the app, and the attempt.
    pub(crate) async fn returned(&self, end_user: &str) -> (String, String) {
        let mut browser = self.browser();
        let back = browser.connect(&self.link(end_user).await).await;
        (back.query("code").expect("a code"), back.query("attempt").expect("an attempt"))
    }

    /// A live connection of this user.
    pub(crate) async fn connection(&self, end_user: &str) -> String {
        let (code, _) = self.returned(end_user).await;
        let reply = self.redeem(&code, end_user).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        // A token that was issued a moment ago is treated otherwise.
        self.wait(Duration::from_secs(10));
        reply.json()["id"].as_str().expect("an id").to_owned()
    }

    /// A connection of another person at Notion, in the order of its screen.
    pub(crate) async fn connection_of(&self, person: usize, end_user: &str) -> String {
        let mut browser = self.browser();
        browser.person = person;
        let code = browser.connect(&self.link(end_user).await).await.query("code").expect("a code");
        self.redeem(&code, end_user).await.json()["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn redeem(&self, code: &str, end_user: &str) -> Reply {
        self.api("POST", "/api/connections", Some(json!({"code": code, "end_user": end_user}))).await
    }

    /// A user goes all the way at the Notion-shaped door; the app's own token answer.
    pub(crate) async fn notion_shaped(&self) -> Value {
        let mut browser = self.browser();
        let back = browser.connect(&self.authorize_url(&[])).await;
        let code = back.query("code").expect("a code");
        let reply = self.oauth("/v1/oauth/token", token_request(&code)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()
    }

    /// A hand-written back end has the first person consent: its line to import.
    pub(crate) async fn line_of_another_back_end(&self, end_user: &str) -> String {
        let notion = |path: &str| format!("{}{path}", self.notion.url);
        let asked = json!({"client_id": "client-demo"});
        let consent = self.send("POST", &notion("/_emulator/consent"), &[], Some(asked)).await.json();
        let redirect_uri = format!("{}/callback/demo", self.url);
        let asked = json!({"grant_type": "authorization_code", "code": consent["code"], "redirect_uri": redirect_uri});
        let basic = basic("client-demo", CLIENT_SECRET);
        let with = [("authorization", basic.as_str())];
        let mut pair = self.send("POST", &notion("/v1/oauth/token"), &with, Some(asked)).await.json();
        pair["end_user"] = json!(end_user);
        pair.to_string()
    }

    /// An attempt with its steps.
    pub(crate) async fn attempt(&self, id: &str) -> Value {
        self.api("GET", &format!("/api/attempts/{id}"), None).await.json()
    }

    /// The kinds of the events so far, oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let reply = self.api("GET", "/api/events", None).await.json();
        let data = reply["data"].as_array().expect("a list").clone();
        data.iter().rev().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Whether the bot is still in its workspace; it is not afterwards.
    pub(crate) async fn still_authorized(&self, connection: &str) -> bool {
        let shown = self.api("GET", &format!("/api/connections/{connection}"), None).await.json();
        let bot = shown["bot_id"].as_str().expect("a bot").parse().expect("a UUID");
        self.notion.emulator.remove_connection(bot)
    }

    /// How often Notion was asked for this path.
    pub(crate) fn notion_calls(&self, path: &str) -> usize {
        self.notion.emulator.journal().iter().filter(|entry| entry.path == path).count()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser {
            http: Http::new(),
            cookies: BTreeMap::new(),
            person: 0,
            workspace: 0,
            gateway: self.url.clone(),
        }
    }

    /// Moves the gateway's time on.
    pub(crate) fn wait(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Does `work`; whenever somebody in the gateway waits for a time that is at most `patience` away, it comes.
    pub(crate) async fn passing<T>(&self, patience: Duration, work: impl Future<Output = T>) -> T {
        let pass = until("what time is let pass for", async || {
            if let Some(wait) = self.clock.next_wake().filter(|wait| *wait <= patience) {
                self.clock.advance(wait);
            }
            false
        });
        tokio::select! {
            biased;
            done = work => done,
            () = pass => unreachable!("it never holds"),
        }
    }

    pub(crate) fn store_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

/// What `work` comes to. A test that waits for what never comes fails, and says for what.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// Looks again and again whether it holds, and lets everybody else go on in between.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let look = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    soon(what, look).await;
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    let pair = format!("{user}:{password}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

pub(crate) fn token_request(code: &str) -> Value {
    json!({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI})
}

/// An answer, read whole.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> String {
        self.header("location").to_owned()
    }

    /// A parameter of the URL that this answer redirects to.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let url = Url::parse(&self.location()).ok()?;
        url.query_pairs().find(|(had, _)| had == name).map(|(_, value)| value.into_owned())
    }

    /// `status, code`, for one-line assertions on errors in Notion's envelope or as a problem.
    pub(crate) fn refusal(&self) -> String {
        let body = self.json();
        let ours = body["additional_data"]["vestibule_code"].as_str();
        let code = ours.or(body["code"].as_str()).or(body["error"].as_str()).unwrap_or("no code");
        format!("{}, {code}", self.status.as_u16())
    }
}

struct Http(Client<HttpConnector, Body>);

impl Http {
    fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let (parts, body) = soon(url, self.0.request(request)).await.expect("an answer").into_parts();
        let body = soon(url, body.collect()).await.expect("a whole body").to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

/// A browser: one cookie jar for the gateway's host, no script, redirects followed by hand.
pub(crate) struct Browser {
    http: Http,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Whom to log in as at Notion, in the order of its screen.
    pub(crate) person: usize,
    /// Which of their workspaces to connect, in the order of its screen.
    pub(crate) workspace: usize,
    gateway: String,
}

impl Browser {
    pub(crate) async fn open(&mut self, url: &str) -> Reply {
        self.visit("GET", url, &[], Bytes::new()).await
    }

    pub(crate) async fn visit(
        &mut self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Reply {
        let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let jar = jar.join("; ");
        let mut headers = headers.to_vec();
        // A cookie without Domain belongs to the host that set it; the callback is the only path that has one.
        if url.starts_with(&self.gateway) && !jar.is_empty() {
            headers.push(("cookie", &jar));
        }
        let reply = self.http.send(method, url, &headers, body).await;
        for set in reply.headers.get_all("set-cookie") {
            let set = set.to_str().expect("a cookie");
            let (name, rest) = set.split_once('=').expect("a name");
            let value = rest.split(';').next().unwrap_or_default();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    /// Opens a link and goes through consent with what each form offers, up to the redirect that leads to the app.
    pub(crate) async fn connect(&mut self, link: &str) -> Reply {
        let callback = self.consent(link).await;
        self.open(&callback).await
    }

    /// Opens a link and goes through consent; the callback's URL, not opened yet.
    pub(crate) async fn consent(&mut self, link: &str) -> String {
        let started = self.open(link).await;
        assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text());
        let mut page = self.open(&started.location()).await;
        for _ in 0..5 {
            if page.status.is_redirection() {
                return page.location();
            }
            page = self.submit(&started.location(), &page, None).await;
        }
        panic!("the consent does not end: {}", page.text());
    }

    /// Opens a link and presses Cancel on the first screen; the callback's URL.
    pub(crate) async fn cancel(&mut self, link: &str) -> String {
        let started = self.open(link).await;
        let page = self.open(&started.location()).await;
        self.submit(&started.location(), &page, Some("cancel")).await.location()
    }

    /// Sends a page's form with what it offers, and one button's name if that button is pressed.
    async fn submit(&mut self, base: &str, page: &Reply, button: Option<&str>) -> Reply {
        let text = page.text();
        assert_eq!(page.status, StatusCode::OK, "{text}");
        let mut fields = url::form_urlencoded::Serializer::new(String::new());
        let (mut people, mut workspaces) = (0, 0);
        for input in text.split("<input ").skip(1) {
            let tag = input.split('>').next().unwrap_or_default();
            let kind = attribute(tag, "type").unwrap_or_default();
            let person = kind == "radio" && attribute(tag, "name").as_deref() == Some("person");
            people += usize::from(person);
            let workspace = kind == "radio" && attribute(tag, "name").as_deref() == Some("workspace");
            workspaces += usize::from(workspace);
            let chosen = match (person, workspace) {
                (true, _) => people == self.person + 1,
                (_, true) => workspaces == self.workspace + 1,
                _ => tag.contains(" checked"),
            };
            if kind == "hidden" || chosen {
                let value = attribute(tag, "value").unwrap_or_default();
                fields.append_pair(&attribute(tag, "name").expect("a name"), &value);
            }
        }
        if let Some(button) = button {
            fields.append_pair(button, "yes");
        }
        let fields = fields.finish();
        let url = Url::parse(base).expect("a URL").join("/v1/oauth/authorize").expect("a URL");
        if text.contains("method=\"post\"") {
            let form = [("content-type", "application/x-www-form-urlencoded")];
            self.visit("POST", url.as_str(), &form, fields.into()).await
        } else {
            self.open(&format!("{url}?{fields}")).await
        }
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    let plain =
        value.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"").replace("&#60;", "<");
    Some(plain)
}
