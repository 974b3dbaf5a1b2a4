//! The sample app: a small product that uses Notion through the gateway, by its public HTTP API alone. Its user is a cookie;
//! the gateway knows them as `end_user`. Every page works without JavaScript.

mod arrival;
mod look;
mod pages;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use axum::Router;
use axum::extract::{Form, Query, Request, State};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use listener::origin::{Names, Sender, sender};
use serde::Deserialize;
use serde_json::{Value, json};

use self::look::Trouble;
use super::word;
use crate::http_client::Api;

/// The sample app.
#[derive(Clone)]
pub(super) struct Shop(Arc<Inner>);

struct Inner {
    api: Api,
    return_url: String,
    /// By the cookie's value.
    visitors: Mutex<HashMap<String, Visitor>>,
}

/// How many connect sessions of a visitor are remembered: enough for whoever presses Connect again and again.
const SESSIONS_MAX: usize = 20;

/// What the app remembers of a visitor.
#[derive(Clone, Default)]
struct Visitor {
    /// The connect sessions that were minted for them, the latest last: an attempt of another session is not theirs.
    connect_sessions: Vec<String>,
    /// Whether the latest session is what the first tab draws; not any more once they disconnected.
    begun: bool,
    connection: Option<String>,
    /// The attempt that made the connection; until then the latest one of the latest session is drawn.
    attempt: Option<String>,
}

impl Shop {
    pub(super) fn new(api: Api, return_url: &str) -> Self {
        Self(Arc::new(Inner { api, return_url: return_url.to_owned(), visitors: Mutex::default() }))
    }

    fn visitors(&self) -> MutexGuard<'_, HashMap<String, Visitor>> {
        self.0.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visitor(&self, user: &str) -> Visitor {
        self.visitors().get(user).cloned().unwrap_or_default()
    }

    /// A call of the Notion API as this visitor.
    async fn notion(
        &self,
        visitor: &Visitor,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let Some(connection) = &visitor.connection else { bail!("Connect a workspace first.") };
        self.0.api.expect(method, &format!("/notion/{connection}/v1/{path}"), body).await
    }
}

pub(super) fn router(shop: Shop) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/connect", post(connect))
        .route("/connected", get(arrival::connected))
        .route("/flow.json", get(flow))
        .route("/flow.svg", get(flow_picture))
        .route("/pages", get(pages::list))
        .route("/pages/{id}", get(pages::page))
        .route("/pages/{id}/to-do", post(pages::tick))
        .route("/pages/{id}/paragraph", post(pages::append))
        .route("/tables/{id}", get(pages::table))
        .route("/databases/{id}", get(pages::database))
        .route("/disconnect", post(disconnect))
        .route("/style.css", get(look::style))
        .route("/flow.js", get(look::script))
        .fallback(look::nothing_here)
        .method_not_allowed_fallback(look::not_in_that_way)
        .layer(from_fn(refuse_foreign_forms))
        .layer(from_fn(look::dress_refusals))
        .with_state(shop)
}

/// A form counts only if a page of ours sent it.
async fn refuse_foreign_forms(request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !is_ours(&request) {
        let words = "It was not sent by a page of this app, so nothing was done.";
        return Trouble::new(StatusCode::FORBIDDEN, "This form came from elsewhere", words).page();
    }
    next.run(request).await
}

/// Every browser says whose page sent a form.
fn is_ours(request: &Request) -> bool {
    sender(request.headers(), request.uri(), &Names::default()) == Sender::Own
}

/// The user of this browser: the cookie's value, or a new one to set.
fn user(headers: &HeaderMap) -> (String, Option<String>) {
    let mut cookies =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
    let known = cookies.find_map(|pair| pair.trim().strip_prefix("sample_user="));
    let sound =
        known.filter(|user| user.len() == 24 && user.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    match sound {
        Some(user) => (user.to_owned(), None),
        None => {
            let user = word(24);
            let cookie = format!("sample_user={user}; Path=/; HttpOnly; SameSite=Lax");
            (user, Some(cookie))
        }
    }
}

fn end_user(user: &str) -> String {
    format!("sample-user-{user}")
}

fn see(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to.to_owned())]).into_response()
}

/// How the page is told that others keep the authorization that a disconnected visitor had.
const SHARED: &str = "shared";

#[derive(Deserialize)]
struct Arrival {
    disconnected: Option<String>,
}

async fn home(State(shop): State<Shop>, headers: HeaderMap, Query(arrival): Query<Arrival>) -> Response {
    let (user, cookie) = user(&headers);
    let visitor = shop.visitor(&user);
    let connected = visitor.connection.is_some();
    let drawn = attempt(&shop, &visitor).await;
    let home = look::Home {
        connected,
        drawn: drawn.as_ref().map(look::Drawn::of),
        disconnected: arrival.disconnected.filter(|_| !connected).map(|how| match how.as_str() {
            SHARED => "Disconnected. Another connection stands on the same authorization, so Notion still lets it in.",
            _ => "Disconnected. Vestibule has ended the access at Notion too.",
        }),
    };
    let mut response = look::page(StatusCode::OK, &home);
    if let Some(cookie) = cookie.and_then(|cookie| cookie.parse().ok()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Mints a link for this visitor and follows it, in the tab that the form opened.
async fn connect(State(shop): State<Shop>, headers: HeaderMap) -> Response {
    let (user, _) = user(&headers);
    let asked = json!({"end_user": end_user(&user), "return_url": shop.0.return_url});
    match shop.0.api.expect(Method::POST, "/api/connect-sessions", Some(asked)).await {
        Ok(session) => {
            let mut visitors = shop.visitors();
            let visitor = visitors.entry(user).or_default();
            if visitor.connect_sessions.len() == SESSIONS_MAX {
                visitor.connect_sessions.remove(0);
            }
            visitor.connect_sessions.extend(session["id"].as_str().map(str::to_owned));
            visitor.begun = true;
            see(session["url"].as_str().unwrap_or("/"))
        }
        Err(error) => {
            Trouble::new(StatusCode::BAD_GATEWAY, "The link could not be made", &error.to_string()).page()
        }
    }
}

/// What the first tab draws: the attempt that connected this visitor, or else the latest one of their latest session.
async fn attempt(shop: &Shop, visitor: &Visitor) -> Option<Value> {
    if visitor.connection.is_some() {
        return arrival::own_attempt(shop, visitor, visitor.attempt.as_deref()?).await.ok()?;
    }
    let session = visitor.connect_sessions.last().filter(|_| visitor.begun)?;
    let session =
        shop.0.api.expect(Method::GET, &format!("/api/connect-sessions/{session}"), None).await.ok()?;
    let id = session["attempts"].as_array()?.first()?["id"].as_str()?;
    arrival::own_attempt(shop, visitor, id).await.ok()?
}

/// How far the flow has come, for the script that redraws it.
async fn flow(State(shop): State<Shop>, headers: HeaderMap) -> Response {
    let visitor = shop.visitor(&user(&headers).0);
    let drawn = attempt(&shop, &visitor).await.as_ref().map(look::Drawn::of);
    let told = json!({
        "connected": visitor.connection.is_some(),
        "picture": drawn.as_ref().map(|drawn| &drawn.picture),
        "in_words": drawn.as_ref().map(|drawn| &drawn.in_words),
    });
    ([("cache-control", "no-store")], axum::Json(told)).into_response()
}

/// Which of the visitor's attempts to draw, and in which form; both are optional.
#[derive(Deserialize)]
struct Wanted {
    attempt: Option<String>,
    form: Option<String>,
}

async fn flow_picture(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    let visitor = shop.visitor(&user(&headers).0);
    let found = match &wanted.attempt {
        Some(id) => arrival::own_attempt(&shop, &visitor, id).await.ok().flatten(),
        None => attempt(&shop, &visitor).await,
    };
    let id = found.and_then(|attempt| attempt["id"].as_str().map(str::to_owned));
    let Some(id) = id else { return StatusCode::NOT_FOUND.into_response() };
    let form = if wanted.form.as_deref() == Some("tall") { "tall" } else { "wide" };
    match shop.0.api.call(Method::GET, &format!("/api/attempts/{id}.svg?form={form}"), None).await {
        Ok(answer) if answer.status.is_success() => look::picture(answer.body),
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}

#[derive(Deserialize)]
struct Nothing {}

async fn disconnect(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Form(Nothing {}): Form<Nothing>,
) -> Response {
    let (user, _) = user(&headers);
    let Some(connection) = shop.visitor(&user).connection else { return see("/") };
    let path = format!("/api/connections/{connection}");
    // Afterwards nobody can tell.
    let before = shop.0.api.expect(Method::GET, &path, None).await;
    let shared = before.is_ok_and(|connection| connection["shared_grant"] == true);
    match shop.0.api.expect(Method::DELETE, &path, None).await {
        Ok(_) => {
            let mut visitors = shop.visitors();
            let visitor = visitors.entry(user).or_default();
            (visitor.begun, visitor.connection, visitor.attempt) = (false, None, None);
            see(&format!("/?disconnected={}", if shared { SHARED } else { "yes" }))
        }
        Err(error) => {
            Trouble::new(StatusCode::BAD_GATEWAY, "It could not be disconnected", &error.to_string()).page()
        }
    }
}
