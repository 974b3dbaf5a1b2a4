//! The emulator on a socket: routes, who calls, request ids, faults and the journal.
//! A hostile page in a developer's browser can reach the loopback, so what changes something refuses cross-site requests.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Extension, Request, State as Extracted};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use listener::origin::{self, Names, Sender, sender};
use listener::{Crowd, Limits, Patient};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::accounts::Accounts;
use crate::api;
use crate::faults::Effect;
use crate::grants::Client;
use crate::instances::Front;
use crate::journal::JournalEntry;
use crate::oauth::{self, consent};
use crate::reply::{Injected, RequestId, bare_reply, html, json_reply};
use crate::{Emulator, callers, control, files, form};

/// The largest body: Notion's 500 KB for JSON, and room for one part of a file upload.
const BODY_MAX: usize = 21 * 1024 * 1024;

/// What paths of Notion's begin with where somebody forgot `/v1`.
const NOTIONS: [&str; 11] = [
    "blocks",
    "comments",
    "custom_emojis",
    "data_sources",
    "databases",
    "file_uploads",
    "oauth",
    "pages",
    "search",
    "users",
    "views",
];

/// Marks an answer that must not be sent: the socket is closed instead.
#[derive(Debug, Clone, Copy)]
struct HangUp;

/// What a request said in vain, on its way to the journal.
#[derive(Debug, Clone, Default)]
struct Dropped(Vec<String>);

/// Marks an answer that a fault made by refusing the cursor.
#[derive(Debug, Clone, Copy)]
struct CursorRefused;

/// All routes.
pub(crate) fn router(emulator: &Emulator) -> Router {
    let consent = Router::new()
        .route("/v1/oauth/authorize", get(consent::screen).post(consent::allow))
        .layer(from_fn_with_state(emulator.names(), refuse_foreign_consent));
    let notion = Router::new()
        .merge(consent)
        .route("/v1/oauth/token", post(oauth::token))
        .route("/v1/oauth/introspect", post(oauth::introspect))
        .route("/v1/oauth/revoke", post(oauth::revoke))
        .route("/v1/{*path}", any(call))
        .route("/v1/", any(call))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(emulator.clone(), observe));
    Router::new()
        .route("/", get(index))
        .route(files::ROUTE, get(files::serve))
        .merge(notion)
        .fallback(nowhere)
        .merge(control::routes(emulator.names()))
        .with_state(emulator.clone())
}

/// How long open requests may take to finish once it was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets open requests finish for a moment.
pub(crate) async fn serve(emulator: &Emulator, listener: TcpListener, stop: impl Future<Output = ()> + Send) {
    let front = Front::new(emulator);
    let limits = Limits { drain: DRAIN, ..Limits::default() };
    let answer = move |request: axum::http::Request<Patient>, _peer| {
        answer_or_hang_up(front.clone(), request.map(Body::new))
    };
    listener::serve(&Crowd::of_process(1), limits, listener, stop, answer).await;
}

async fn answer_or_hang_up(front: Front, request: Request) -> Result<Response, std::io::Error> {
    let response = front.answer(request).await;
    if response.extensions().get::<HangUp>().is_some() {
        return Err(std::io::Error::other("a fault hung up"));
    }
    Ok(response)
}

/// Names the request, lets a waiting fault act, and writes the journal.
async fn observe(Extracted(emulator): Extracted<Emulator>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let reads = request.method() == Method::GET;
    let (id, fault) = {
        let mut state = emulator.state();
        (RequestId(state.ids.uuid()), state.faults.take(&method, &path))
    };
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(Injected(fault.clone()));
    let mut response = match fault.as_ref().and_then(|fault| instead(fault, &id)) {
        Some(response) => response,
        None => afterwards(fault.as_ref(), next.run(request).await, &id),
    };
    if let Ok(value) = HeaderValue::try_from(id.0.to_string()) {
        response.headers_mut().insert("x-notion-request-id", value);
    }
    let hung_up = response.extensions().get::<HangUp>().is_some();
    let status = if hung_up { 0 } else { response.status().as_u16() };
    let Dropped(dropped) = response.extensions_mut().remove().unwrap_or_default();
    for line in &dropped {
        tracing::warn!(method, path, "Notion drops this without a word: {line}");
    }
    let refused = response.extensions_mut().remove::<CursorRefused>().map(|_| Effect::CursorRefused);
    let mut state = emulator.state();
    if !reads {
        state.note_index();
    }
    let at = state.clock.now();
    let fault = fault.or(refused).as_ref().map(Effect::name);
    state.journal.write(JournalEntry { at, method, path, status, fault, dropped });
    response
}

/// A fault's answer when the request is not to be done at all.
fn instead(fault: &Effect, id: &RequestId) -> Option<Response> {
    let limited = |status, code, message, reason: Option<&str>, retry_after: Option<u64>| {
        let mut more = Map::new();
        if let Some(reason) = reason {
            more.insert("rate_limit_reason".into(), reason.into());
        }
        if let Some(seconds) = retry_after {
            more.insert("retry_after".into(), seconds.to_string().into());
        }
        let mut response = envelope(status, code, message, more, id);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
        }
        response
    };
    let waiting = "You have been rate limited. Please try again in a few minutes.";
    let answer = match fault {
        Effect::RateLimited { retry_after } => {
            limited(429, "rate_limited", waiting, Some("public_api_request_rate_limit"), Some(*retry_after))
        }
        Effect::Blocked => limited(429, "rate_limited", waiting, Some("public_api_request_blocked"), None),
        Effect::Overloaded { retry_after } => limited(
            529,
            "service_overload",
            "Notion is overloaded. Please try again later.",
            None,
            Some(*retry_after),
        ),
        Effect::Unauthorized => envelope(401, "unauthorized", "API token is invalid.", Map::new(), id),
        Effect::Status(status) => {
            let (code, message) = match status {
                502 => ("bad_gateway", "Bad Gateway"),
                503 => ("service_unavailable", "Notion is unavailable. Please try again later."),
                504 => ("gateway_timeout", "Gateway Timeout"),
                _ => ("internal_server_error", "Unexpected error occurred."),
            };
            envelope(*status, code, message, Map::new(), id)
        }
        Effect::HtmlPage(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN);
            (status, [(CONTENT_TYPE, "text/html")], "<html><body><h1>Blocked</h1></body></html>")
                .into_response()
        }
        Effect::HangUpBefore => hang_up(),
        Effect::DoneBut503 | Effect::HangUpAfter | Effect::CursorRefused => return None,
        Effect::NullRefreshToken | Effect::CutBody | Effect::OAuthErrorInEnvelope => return None,
    };
    Some(answer)
}

/// What becomes of the answer when the request was done and a fault hides it.
fn afterwards(fault: Option<&Effect>, response: Response, id: &RequestId) -> Response {
    match fault {
        Some(Effect::HangUpAfter) => hang_up(),
        Some(Effect::DoneBut503) => {
            let guidance = json!(["The write was saved.", "Do not repeat the write."]);
            let more = Map::from_iter([("retry_guidance".to_owned(), guidance)]);
            envelope(503, "service_unavailable", "The request took too long.", more, id)
        }
        _ => response,
    }
}

fn hang_up() -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(HangUp);
    response
}

fn envelope(status: u16, code: &str, message: &str, more: Map<String, Value>, id: &RequestId) -> Response {
    let mut body = Map::new();
    body.insert("object".into(), "error".into());
    body.insert("status".into(), status.into());
    body.insert("code".into(), code.into());
    body.insert("message".into(), message.into());
    if !more.is_empty() {
        body.insert("additional_data".into(), more.into());
    }
    json_reply(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body, id)
}

/// `ANY /v1/…` but OAuth: the API.
async fn call(
    Extracted(emulator): Extracted<Emulator>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return envelope(413, "validation_error", "The body is too large.", Map::new(), &id);
    };
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = api::Request {
        method: parts.method.clone(),
        path: parts.uri.path().strip_prefix("/v1").unwrap_or_default().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        version: header("notion-version"),
        form: form::read(&parts.headers, &body).await,
        body,
        origin: origin(&parts),
    };
    if let Some(cursor) = cursor(&asked)
        && emulator.state().faults.take_cursor(asked.method.as_str(), parts.uri.path())
    {
        let message = format!("The start_cursor provided is invalid: {cursor}");
        let mut response = envelope(400, "validation_error", &message, Map::new(), &id);
        response.extensions_mut().insert(CursorRefused);
        return response;
    }
    let reply = {
        let mut state = emulator.state();
        let caller = callers::of(&state, &parts.headers);
        api::answer(&mut state, caller.as_ref(), &asked)
    };
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let Value::Object(body) = reply.body else { return status.into_response() };
    // The list of templates, which is no object of Notion's, carries no request id. Source: recorded answers of July 2026.
    let bare = !body.contains_key("object");
    if let Some(recorder) = emulator.recorder() {
        let mut answer = body.clone();
        if !bare {
            answer.insert("request_id".into(), id.0.to_string().into());
        }
        recorder.write(&asked, header("content-type").as_deref(), reply.status, &answer);
    }
    let mut response = if bare { bare_reply(status, &body) } else { json_reply(status, body, &id) };
    response.extensions_mut().insert(Dropped(reply.dropped));
    response
}

/// The cursor that a request goes on from, in its query or its body.
fn cursor(asked: &api::Request) -> Option<String> {
    let query = asked.query.as_deref().unwrap_or_default();
    let mut named = url::form_urlencoded::parse(query.as_bytes());
    if let Some((_, cursor)) = named.find(|(name, _)| name == "start_cursor") {
        return Some(cursor.into_owned());
    }
    let body: Value = serde_json::from_slice(&asked.body).ok()?;
    body.get("start_cursor")?.as_str().map(str::to_owned)
}

/// Where the request was sent: addresses in answers lead back there.
fn origin(parts: &Parts) -> String {
    let named = parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    let host = named.or(parts.uri.authority().map(Authority::as_str)).unwrap_or("localhost");
    format!("http://{host}")
}

/// A page of another site may lead people to consent, but not give it in their stead; nor may one whose name leads here by a
/// trick. Calls with a token need no such check: a page has none to send.
async fn refuse_foreign_consent(
    Extracted(names): Extracted<Names>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let refused = match sender(request.headers(), request.uri(), &names) {
        Sender::Foreign => Some("Another site's page may not give consent here.\n"),
        Sender::Own if !names.allow(origin::host(request.headers(), request.uri())) => Some(
            "Consent is given under names of this machine: the loopback's, and those that --allow-host lists.\n",
        ),
        Sender::Own | Sender::Untold => None,
    };
    match refused {
        Some(why) if !reads => (StatusCode::FORBIDDEN, why).into_response(),
        _ => next.run(request).await,
    }
}

/// Neither Notion's addresses nor ours; or nearly Notion's, which code that was written for it reads as an error.
async fn nowhere(Extracted(emulator): Extracted<Emulator>, request: Request) -> Response {
    let path = request.uri().path();
    let hint = if path.contains("//") {
        "There are two slashes in a row in it: does the base URL end in a slash?"
    } else {
        "The API is under /v1/, the controls are under /_emulator/."
    };
    let first = path.split('/').find(|word| !word.is_empty()).unwrap_or_default().to_ascii_lowercase();
    if first == "v1" || NOTIONS.contains(&first.as_str()) {
        let id = RequestId(emulator.state().ids.uuid());
        return envelope(
            400,
            "invalid_request_url",
            &format!("Invalid request URL. {hint}"),
            Map::new(),
            &id,
        );
    }
    if wants_a_page(request.headers()) {
        return html(StatusCode::NOT_FOUND, &Nowhere);
    }
    (StatusCode::NOT_FOUND, format!("There is nothing here. {hint}\n")).into_response()
}

fn wants_a_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().windows(9).any(|part| part == b"text/html"))
}

#[derive(Template)]
#[template(path = "nowhere.html")]
struct Nowhere;

#[derive(Template)]
#[template(path = "index.html")]
struct Index<'a> {
    clients: &'a [Client],
    accounts: &'a Accounts,
}

async fn index(Extracted(emulator): Extracted<Emulator>) -> Response {
    let state = emulator.state();
    html(StatusCode::OK, &Index { clients: &state.grants.clients, accounts: &state.accounts })
}
