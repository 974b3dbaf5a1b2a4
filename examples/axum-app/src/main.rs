//! Somebody's own axum app with the gateway inside: one process, one port, the app's pages beside Vestibule's routes.
//! Its users connect Notion and see the titles of what they shared. See the README for how to run it.

#![expect(clippy::disallowed_methods, reason = "an app reads its own environment")]

use std::collections::BTreeMap;
use std::env::var;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{Method, Request, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use gateway::{Config, Gateway, Integration, KeyKind, RootKey, Secret, World};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use store::SqliteStore;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use url::Url;

/// The user of this app. A real one has a session that says who it is.
const USER: &str = "the-only-user";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = var("PORT").as_deref().unwrap_or("3000").parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let gateway = build(&url).await?;
    let key = gateway.mint_key("app", KeyKind::App, "the app itself").await?.key;
    let app = App(Arc::new(Inner { gateway: gateway.router(), key, return_url: format!("{url}/connected") }));

    // The gateway's routes and the app's own, on one port.
    let own = Router::new()
        .route("/app", get(home))
        .route("/app/connect", post(connect))
        .route("/connected", get(connected))
        .with_state(app);
    let router = gateway.router().merge(own);
    println!("Open {url}/app");
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
        notion_version: Some("2025-09-03".to_owned()),
        requests_per_minute: 180,
    };
    let config = Config {
        public_url: Url::parse(url)?,
        notion_url: Url::parse(
            &var("NOTION_URL").unwrap_or_else(|_| gateway::config::NOTION_URL.to_owned()),
        )?,
        integrations: BTreeMap::from([("app".to_owned(), integration)]),
        trusted_proxies: Vec::new(),
        plain_http_hosts: Vec::new(),
        way_out: gateway::WayOut::default(),
        attempts_per_address: Config::ATTEMPTS_PER_ADDRESS,
    };
    let store = SqliteStore::open(&PathBuf::from(need("STORE")?))?;
    let root_key = RootKey::parse(&need("ROOT_KEY")?)?;
    Ok(Gateway::build(config, Arc::new(store), &root_key, World::real()).await?)
}

/// What the app's pages need: the gateway as a service, and a key to it.
#[derive(Clone)]
struct App(Arc<Inner>);

struct Inner {
    gateway: Router,
    key: Secret<String>,
    return_url: String,
}

impl App {
    /// A call of the gateway's HTTP API, without a socket in between.
    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value, Failed> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.0.key.expose()))
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = self.0.gateway.clone().oneshot(request.body(body)?).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            return Err(Failed(anyhow::anyhow!("{status}: {}", String::from_utf8_lossy(&bytes))));
        }
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// The user's connection, if there is a live one.
    async fn connection(&self) -> Result<Option<String>, Failed> {
        let path = format!("/api/connections?end_user={USER}&state=active");
        let found = self.call(Method::GET, &path, Value::Null).await?;
        Ok(found["data"][0]["id"].as_str().map(str::to_owned))
    }
}

async fn home(State(app): State<App>) -> Result<Html<String>, Failed> {
    let Some(connection) = app.connection().await? else {
        let form = "<form method=post action=/app/connect><button>Connect to Notion</button></form>";
        return Ok(Html(form.to_owned()));
    };
    let path = format!("/notion/{connection}/v1/search");
    let pages = json!({"filter": {"property": "object", "value": "page"}});
    let found = app.call(Method::POST, &path, pages).await?;
    let titles = found["results"].as_array().into_iter().flatten().filter_map(title);
    let items: String = titles.map(|title| format!("<li>{}</li>", escape(&title))).collect();
    Ok(Html(format!("<h1>Your pages</h1><ul>{items}</ul>")))
}

/// Sends the user to Notion's consent by a fresh link.
async fn connect(State(app): State<App>) -> Result<Redirect, Failed> {
    let asked = json!({"end_user": USER, "return_url": app.0.return_url});
    let session = app.call(Method::POST, "/api/connect-sessions", asked).await?;
    Ok(Redirect::to(session["url"].as_str().unwrap_or("/app")))
}

#[derive(Deserialize)]
struct Back {
    code: Option<String>,
    error: Option<String>,
}

/// The return URL: redeems the code for the user of this app's own session.
async fn connected(State(app): State<App>, Query(back): Query<Back>) -> Result<Response, Failed> {
    let Some(code) = back.code else {
        let words = format!("Nothing was connected ({}).", escape(&back.error.unwrap_or_default()));
        return Ok(Html(words).into_response());
    };
    app.call(Method::POST, "/api/connections", json!({"code": code, "end_user": USER})).await?;
    Ok(Redirect::to("/app").into_response())
}

/// The title of a page, whatever its column is called.
fn title(page: &Value) -> Option<String> {
    let properties = page["properties"].as_object()?;
    let runs = properties.values().find_map(|property| property["title"].as_array())?;
    Some(runs.iter().filter_map(|run| run["plain_text"].as_str()).collect())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Whatever went wrong: the app's log has it, the user a short page.
struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        eprintln!("{:#}", self.0);
        (StatusCode::BAD_GATEWAY, "That did not work. Please try again.").into_response()
    }
}
