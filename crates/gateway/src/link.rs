//! The way in, for both doors: a link is opened, an Attempt begins, the browser goes on to Notion's consent.
//! The session door's link was minted by the app's back end; the Notion-shaped door takes what an app written for
//! Notion sends. Either way the attempt is bound to this browser by a cookie of its own, and Notion's `state` is ours.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use notion_wire::authorize::{AppAuthorizeRequest, AuthorizeError, consent_url, read_authorize_query};
use notion_wire::redirect::with_query_and_state;
use notion_wire::state::EchoedState;
use sealing::sha256;
use store::AttemptStart;
use store::records::{Actor, Attempt, AttemptOutcome, ConnectSession, Door, Step, StepOutcome};

use crate::client::Client;
use crate::config::Integration;
use crate::pages::{Notice, WayBack, page, page_with};
use crate::{Error, Gateway, cookie, vault};

/// A connect session's life: a person opens the link in this time.
const SESSION_LIFE: Duration = Duration::from_mins(15);
/// An attempt's life: a person finishes the consent in this time.
const ATTEMPT_LIFE: Duration = Duration::from_mins(10);
/// How many attempts one session may see, side by side or one after another.
const ATTEMPTS_PER_SESSION: usize = 5;

/// Mints a link for one of the app's users; its URL is told this once.
pub(crate) async fn mint(
    gateway: &Gateway,
    client_id: &str,
    end_user: &str,
    return_url: &str,
    reconnect: Option<&str>,
) -> Result<(ConnectSession, String), Error> {
    let (now, token) = (gateway.world.now(), gateway.world.token());
    let session = ConnectSession {
        id: gateway.world.id("cs"),
        client_id: client_id.to_owned(),
        end_user: end_user.to_owned(),
        return_url: return_url.to_owned(),
        reconnect: reconnect.map(str::to_owned),
        token_sha256: sha256(token.as_bytes()),
        created_at: now,
        expires_at: after(now, SESSION_LIFE),
        spent_at: None,
    };
    gateway.store.insert_connect_session(&session).await?;
    let url = format!("{}/connect/{token}", gateway.config.origin());
    Ok((session, url))
}

/// Mints the link with which a person chooses again, in what is left of the first one's time and attempts: without the app nobody
/// makes either longer. `None` if nothing is left.
pub(crate) async fn mint_again(
    gateway: &Gateway,
    client_id: &str,
    session_id: &str,
) -> Result<Option<String>, Error> {
    let first = gateway.store.find_connect_session(client_id, session_id).await?;
    let Some(first) = first.filter(|first| first.expires_at > gateway.world.now()) else { return Ok(None) };
    let token = gateway.world.token();
    let again = ConnectSession {
        id: gateway.world.id("cs"),
        token_sha256: sha256(token.as_bytes()),
        spent_at: None,
        ..first
    };
    gateway.store.insert_connect_session(&again).await?;
    Ok(Some(format!("{}/connect/{token}", gateway.config.origin())))
}

/// `GET /connect/{token}`: the session door's link.
pub(crate) async fn connect(
    State(gateway): State<Gateway>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    if let Some(answer) = starts_nothing(&request) {
        return answer;
    }
    // A path that is no UTF-8 holds no token of ours.
    let Ok(Path(token)) = token else {
        return page_with(Notice::LinkUnknown, None, WayBack::only(&gateway.config));
    };
    let client = crate::client::client(gateway.config(), &request);
    match begin_from_session(&gateway, &token, client).await {
        Ok(response) | Err(response) => response,
    }
}

async fn begin_from_session(gateway: &Gateway, token: &str, client: Client) -> Result<Response, Response> {
    let found = gateway.store.find_connect_session_by_token(&sha256(token.as_bytes())).await;
    let unknown = || page_with(Notice::LinkUnknown, None, WayBack::only(&gateway.config));
    let session = found.map_err(internal(gateway))?.ok_or_else(unknown)?;
    // An integration that was taken out of the configuration has no links any more, nor has a return URL that was.
    let (name, integration) = gateway.config.by_client_id(&session.client_id).ok_or_else(unknown)?;
    let way = WayBack::to(integration, &session.return_url).ok_or_else(unknown)?;
    let now = gateway.world.now();
    match judge_link(&session, now) {
        LinkVerdict::Open => {}
        LinkVerdict::Used => return Err(page_with(Notice::LinkUsed, None, Some(way))),
        LinkVerdict::Ended => return Err(page_with(Notice::LinkExpired, None, Some(way))),
    }
    let step = |from, to, at, what: &str| Step::ok(at, from, to, what);
    let steps = vec![
        step(Actor::App, Actor::Vestibule, session.created_at, "Ask for a connect link")
            .with_note("POST /api/connect-sessions"),
        step(Actor::Browser, Actor::Vestibule, now, "Open the connect link"),
    ];
    let door = Door::Session {
        connect_session_id: session.id,
        end_user: session.end_user,
        return_url: session.return_url,
        reconnect: session.reconnect,
    };
    let id = gateway.world.id("att");
    let ends_by = session.expires_at;
    begin(gateway, name, integration, Opening { id, door, steps, ends_by, client, way }).await
}

enum LinkVerdict {
    Open,
    Used,
    Ended,
}

fn judge_link(session: &ConnectSession, now: jiff::Timestamp) -> LinkVerdict {
    if session.spent_at.is_some() {
        LinkVerdict::Used
    } else if session.expires_at <= now {
        LinkVerdict::Ended
    } else {
        LinkVerdict::Open
    }
}

/// `GET /v1/oauth/authorize`: the Notion-shaped door.
pub(crate) async fn authorize(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    if let Some(answer) = starts_nothing(&request) {
        return answer;
    }
    let client = crate::client::client(gateway.config(), &request);
    match begin_from_authorize(&gateway, query.as_deref().unwrap_or_default(), client).await {
        Ok(response) | Err(response) => response,
    }
}

async fn begin_from_authorize(gateway: &Gateway, query: &str, client: Client) -> Result<Response, Response> {
    let asked = read_authorize_query(query).map_err(|error| refuse_authorize(gateway, &error))?;
    let Some((name, integration)) = gateway.config.by_client_id(&asked.client_id) else {
        return Err(page_with(Notice::ClientUnknown, None, WayBack::only(&gateway.config)));
    };
    let Some(way) = WayBack::to(integration, &asked.redirect_uri) else {
        return Err(page_with(Notice::RedirectUriNotRegistered, None, WayBack::of(integration)));
    };
    let invalid = |what| back_with_error(&asked.redirect_uri, "invalid_request", what, asked.state.as_ref());
    // Either binds the code to the session of the app that asked (RFC 9700 2.1): without both anybody could have this
    // browser log in with a consent of theirs.
    let bound = asked.state.is_some() || asked.code_challenge.is_some();
    if !bound && integration.require_state {
        return Err(invalid(NEITHER));
    }
    if asked.code_challenge.is_none() && integration.require_pkce {
        return Err(invalid("PKCE is required: code_challenge with code_challenge_method=S256"));
    }
    let id = gateway.world.id("att");
    let weakness = weakness(&asked);
    let (data_key_wrapped, app_state_sealed) = match asked.state {
        Some(state) => {
            let (wrapped, sealed) = vault::seal_state(gateway, &integration.client_id, &id, &state);
            (Some(wrapped), Some(sealed))
        }
        None => (None, None),
    };
    let now = gateway.world.now();
    let link = Step::ok(now, Actor::App, Actor::Browser, "Link to the consent screen");
    let steps = vec![
        match weakness {
            Some(weakness) => link.with_note(weakness),
            None => link,
        },
        Step::ok(now, Actor::Browser, Actor::Vestibule, "Open the link").with_note("GET /v1/oauth/authorize"),
    ];
    let door = Door::NotionShaped {
        redirect_uri: asked.redirect_uri,
        code_challenge: asked.code_challenge,
        app_state_sealed,
        data_key_wrapped,
    };
    let ends_by = after(now, ATTEMPT_LIFE);
    let begun =
        begin(gateway, name, integration, Opening { id: id.clone(), door, steps, ends_by, client, way })
            .await?;
    if let Some(why) = weakness {
        tracing::warn!(event = "authorize.weak", integration = name, attempt = id, why);
    }
    Ok(begun)
}

/// What an app is told that sends neither `state` nor PKCE.
const NEITHER: &str = "state or PKCE is required. Send a random state and compare it on the way back, or code_challenge with code_challenge_method=S256. For an app that can do neither, the operator may set require_state = false (in the demo: --require-state=false)";

/// What does not refuse a request, but is worth telling whoever runs the app.
fn weakness(asked: &AppAuthorizeRequest) -> Option<&'static str> {
    match (&asked.state, &asked.code_challenge) {
        (_, Some(_)) => None,
        (None, None) => Some("The app sent neither state nor PKCE: it is open to login CSRF."),
        (Some(state), None) => state.is_guessable().then_some(
            "The app's state is shorter than 16 characters: one that can be guessed does not protect its login.",
        ),
    }
}

/// An error goes back to the app only if the redirect URI is one that it registered; else it is a page.
fn refuse_authorize(gateway: &Gateway, error: &AuthorizeError) -> Response {
    let integration = error.client_id.as_deref().and_then(|id| gateway.config.by_client_id(id));
    match (integration, &error.redirect_uri) {
        (Some((_, integration)), Some(uri)) if integration.return_urls.contains(uri) => {
            back_with_error(uri, error.error, error.description, error.state.as_ref())
        }
        (None, _) if error.client_id.is_some() => {
            page_with(Notice::ClientUnknown, None, WayBack::only(&gateway.config))
        }
        (Some((_, integration)), Some(_)) => {
            page_with(Notice::RedirectUriNotRegistered, None, WayBack::of(integration))
        }
        (Some((_, integration)), None) => page_with(Notice::AuthorizeInvalid, None, WayBack::of(integration)),
        (None, _) => page_with(Notice::AuthorizeInvalid, None, WayBack::only(&gateway.config)),
    }
}

fn back_with_error(
    redirect_uri: &str,
    error: &str,
    description: &str,
    state: Option<&EchoedState>,
) -> Response {
    let pairs = [("error", error), ("error_description", description)];
    redirect(&with_query_and_state(redirect_uri, &pairs, state.map(EchoedState::encoded)))
}

/// An attempt about to begin.
struct Opening {
    id: String,
    door: Door,
    steps: Vec<Step>,
    ends_by: jiff::Timestamp,
    /// Whose browser it is: attempts are capped by address.
    client: Client,
    /// Back to where the browser came from, should nothing begin.
    way: WayBack,
}

/// Stores the attempt, binds it to this browser, and sends the browser on to Notion.
async fn begin(
    gateway: &Gateway,
    name: &str,
    integration: &Integration,
    opening: Opening,
) -> Result<Response, Response> {
    let now = gateway.world.now();
    let admitted = gateway.starts.admit(name, &opening.door, opening.client, now);
    if let Err(wait) = admitted {
        return Err(too_many(wait, opening.way));
    }
    let state = gateway.world.token();
    let binding = gateway.world.token();
    let redirect_uri = gateway.config.redirect_uri(name);
    let attempt = Attempt {
        client_id: integration.client_id.clone(),
        door: opening.door,
        outcome: AttemptOutcome::WentToNotion,
        state_sha256: sha256(state.as_bytes()),
        cookie_sha256: cookie::hash(&opening.id, &binding),
        notion_redirect_uri: redirect_uri.clone(),
        started_at: now,
        expires_at: after(now, ATTEMPT_LIFE).min(opening.ends_by),
        consumed_at: None,
        connection_id: None,
        id: opening.id,
    };
    let mut steps = opening.steps;
    steps.push(Step::ok(now, Actor::Vestibule, Actor::Browser, "Redirect to Notion's consent screen"));
    steps.push(Step {
        outcome: StepOutcome::Pending,
        ..Step::ok(now, Actor::Browser, Actor::Notion, "Choose a workspace and pages")
    });
    let started = gateway
        .store
        .insert_attempt(&attempt, &steps, ATTEMPTS_PER_SESSION, now)
        .await
        .map_err(internal(gateway))?;
    if started != AttemptStart::Started {
        gateway.starts.take_back(name, &attempt.door, opening.client, now);
    }
    match started {
        AttemptStart::Started => {}
        AttemptStart::SessionSpent => return Err(page_with(Notice::LinkUsed, None, Some(opening.way))),
        AttemptStart::SessionExpired => return Err(page_with(Notice::LinkExpired, None, Some(opening.way))),
        AttemptStart::TooMany => return Err(page_with(Notice::TooManyAttempts, None, Some(opening.way))),
    }
    let consent = consent_url(&gateway.config.notion_url, &integration.client_id, &redirect_uri, &state);
    let mut response = redirect(consent.as_str());
    response.headers_mut().append(SET_COOKIE, cookie::bind(&gateway.config, &attempt.id, &binding));
    Ok(response)
}

fn too_many(wait: Duration, way: WayBack) -> Response {
    let mut response = page_with(Notice::TooManyAttempts, None, Some(way));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    response
}

/// HEAD and prefetch look at a link without opening it: they start and spend nothing.
pub(crate) fn starts_nothing(request: &Request) -> Option<Response> {
    let status = if is_prefetch(request.headers()) {
        // Anything in the 2xx range would be shown to the person who opens the link later.
        StatusCode::SERVICE_UNAVAILABLE
    } else if request.method() == Method::HEAD {
        StatusCode::NO_CONTENT
    } else {
        return None;
    };
    Some((status, [(CACHE_CONTROL, "no-store")]).into_response())
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-moz"]
        .iter()
        .filter_map(|name| headers.get(*name))
        .any(|value| value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains("prefetch")))
}

/// A 303 that leaves no trace of where it came from.
pub(crate) fn redirect(to: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(to) else { return page(Notice::Internal, None) };
    let headers = [
        (LOCATION, location),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// `life` from now on.
pub(crate) fn after(now: jiff::Timestamp, life: Duration) -> jiff::Timestamp {
    now.checked_add(life).unwrap_or(jiff::Timestamp::MAX)
}

/// A page for what the store could not do.
pub(crate) fn internal<E: Into<Error>>(gateway: &Gateway) -> impl Fn(E) -> Response {
    |error| {
        let _logged: Error = error.into();
        page_with(Notice::Internal, None, WayBack::only(&gateway.config))
    }
}
