//! The return from consent: Notion redirects the browser here with a code or an error.
//! We spend the Attempt first (state and this browser's cookie together), judge the reply, and only then exchange
//! the code, so a replayed or forged callback never reaches Notion. No token leaves this file unsealed.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::Response;
use failpoints::Point;
use jiff::Timestamp;
use notion_wire::callback::{CallbackReply, ErrorCode, Reply, read_callback_query};
use notion_wire::redirect::with_query_and_state;
use notion_wire::token::{Refusal, TokenResponse};
use sealing::sha256;
use store::records::{
    Actor, Attempt, AttemptOutcome, Candidate, Code, Connection, ConnectionStage, Door, Profile, Step,
};
use store::{Arrival, ArrivalSaved, AttemptTaken, StoreError};

use crate::link::{after, internal, redirect, starts_nothing};
use crate::notion::TokenError;
use crate::pages::{Notice, WayBack, mismatch_page, page, page_with};
use crate::reconnect::{self, Reconnect};
use crate::{Error, Gateway, cookie, link, owners, pairs, turns, vault};

/// How long the app has to redeem our code.
pub(crate) const CODE_LIFE: Duration = Duration::from_mins(5);
/// How long to wait before a fresh pair that the store did not take is offered to it again.
const SAVE_PAUSE: Duration = Duration::from_millis(500);
/// How long the browser waits for the exchange. Its answer is listened to, and stored, without it.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long the browser waits to learn whose a pair is of which the answer did not tell.
const NAMING_PATIENCE: Duration = Duration::from_secs(5);

/// `GET /callback/{integration}`
pub(crate) async fn finish(
    State(gateway): State<Gateway>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    if let Some(answer) = starts_nothing(&request) {
        return answer;
    }
    let Ok(Path(name)) = name else { return page(Notice::StateUnknown, None) };
    let cookies = cookie::hashes(&gateway.config, request.headers());
    match receive(&gateway, &name, query.as_deref().unwrap_or_default(), &cookies).await {
        Ok(response) | Err(response) => response,
    }
}

async fn receive(
    gateway: &Gateway,
    name: &str,
    query: &str,
    cookies: &[sealing::Sha256],
) -> Result<Response, Response> {
    let integration =
        gateway.config.integrations.get(name).ok_or_else(|| page(Notice::StateUnknown, None))?;
    let unknown = || page_with(Notice::StateUnknown, None, WayBack::of(integration));
    let reply = read_callback_query(query).map_err(|_| unknown())?;
    if !issued_by_notion(gateway, reply.iss.as_deref()) {
        return Err(unknown());
    }
    let now = gateway.world.now();
    let taken =
        take(gateway, &integration.client_id, &reply, cookies, now).await.map_err(internal(gateway))?;
    failpoints::hit(Point::CallbackTaken);
    match judge(taken, reply) {
        Verdict::Unknown => Ok(unknown()),
        verdict => act(gateway, name, verdict, now).await,
    }
}

/// A reply that names its issuer must name Notion; nothing is spent on another's (RFC 9207 2.4).
fn issued_by_notion(gateway: &Gateway, iss: Option<&str>) -> bool {
    let origin = gateway.config.notion_url.as_str().trim_end_matches('/');
    iss.is_none_or(|iss| iss.trim_end_matches('/') == origin)
}

/// Spends the attempt by state and cookie. Notion may send a refusal with an empty state: then the one open attempt
/// of this browser decides.
async fn take(
    gateway: &Gateway,
    client_id: &str,
    reply: &CallbackReply,
    cookies: &[sealing::Sha256],
    now: Timestamp,
) -> Result<AttemptTaken, Error> {
    let taken = match (&reply.state, &reply.reply) {
        (Some(state), _) => {
            let stranger = stranger(now);
            gateway.store.take_attempt(client_id, &sha256(state.as_bytes()), cookies, now, &stranger).await?
        }
        // Anybody's link can bring a browser here with an error and no state: only a cancel may end something.
        (None, Reply::Error(ErrorCode::AccessDenied)) => {
            let newest = &cookies[..cookies.len().min(cookie::LOOKED_UP_MAX)];
            gateway.store.take_attempt_by_cookie(client_id, newest, now).await?
        }
        (None, _) => AttemptTaken::Unknown,
    };
    Ok(taken)
}

/// What the attempt's diagram tells of a callback without its cookie.
fn stranger(now: Timestamp) -> Step {
    let note = "The callback came from a browser that did not open this link, so nothing was spent. Finish in the browser that began, or open a new link.";
    Step::failed(now, Actor::Browser, Actor::Vestibule, "Callback from another browser", note)
}

/// What a callback deserves.
enum Verdict {
    /// Exchange this code.
    Exchange(Box<Attempt>, String),
    /// Tell the app that the user, or Notion, said no.
    Refused(Box<Attempt>, ErrorCode),
    /// Tell the app that it came too late.
    TooLate(Box<Attempt>),
    /// A page and nothing else.
    Page(Notice, Box<Attempt>),
    /// A page that knows of no attempt.
    Unknown,
}

fn judge(taken: AttemptTaken, reply: CallbackReply) -> Verdict {
    match taken {
        AttemptTaken::Taken(attempt) => match reply.reply {
            Reply::Code(code) => Verdict::Exchange(attempt, code),
            Reply::Error(error) => Verdict::Refused(attempt, error),
        },
        AttemptTaken::Unknown => Verdict::Unknown,
        AttemptTaken::WrongBrowser(attempt) => Verdict::Page(Notice::WrongBrowser, attempt),
        AttemptTaken::Spent(attempt) => Verdict::Page(Notice::AlreadyHandled, attempt),
        AttemptTaken::Expired(attempt) => Verdict::TooLate(attempt),
    }
}

async fn act(gateway: &Gateway, name: &str, verdict: Verdict, now: Timestamp) -> Result<Response, Response> {
    let end = |attempt: Box<Attempt>, outcome, step: Step, error: &'static str| async move {
        gateway.store.update_attempt(&attempt.id, Some(outcome), &[step]).await.map_err(internal(gateway))?;
        Ok(back(gateway, &attempt, &[("error", error)]))
    };
    match verdict {
        Verdict::Exchange(attempt, code) => exchange(gateway, name, *attempt, code, now).await,
        Verdict::Refused(attempt, error) => {
            let failed = |what, note| Step::failed(now, Actor::Notion, Actor::Vestibule, what, note);
            if error == ErrorCode::AccessDenied {
                let note = "The user pressed Cancel at Notion. Nothing was connected; offer the link again.";
                end(attempt, AttemptOutcome::AccessDenied, failed("Cancelled", note), "access_denied").await
            } else {
                let note = "Notion ended the consent with an error. Check the integration's settings in Notion's portal, then open a new link.";
                let step = failed("Notion refused the consent", note);
                end(attempt, AttemptOutcome::ExchangeFailed, step, "exchange_failed").await
            }
        }
        Verdict::TooLate(attempt) => {
            let note = "The consent took longer than ten minutes. Open a new link.";
            let step = Step::failed(now, Actor::Notion, Actor::Vestibule, "Callback, too late", note);
            end(attempt, AttemptOutcome::Expired, step, "expired").await
        }
        Verdict::Page(notice, attempt) => Ok(page_of(gateway, notice, &attempt)),
        Verdict::Unknown => Ok(page(Notice::StateUnknown, None)),
    }
}

/// Exchanges Notion's code and saves what it brought. Runs to its end even if the browser goes away, for Notion
/// gives the pair only once.
async fn exchange(
    gateway: &Gateway,
    name: &str,
    attempt: Attempt,
    code: String,
    now: Timestamp,
) -> Result<Response, Response> {
    let callback = Step::ok(now, Actor::Notion, Actor::Vestibule, "Callback with a code")
        .with_note("Through the browser; state and this browser's cookie match");
    let gone = back(gateway, &attempt, &[("error", "exchange_failed")]);
    let (inner, integration) = (gateway.clone(), name.to_owned());
    let task = async move { Ok(exchange_and_save(&inner, &integration, attempt, code, &callback).await) };
    tokio::select! {
        biased;
        answer = gateway.uninterrupted(task) => answer.map_err(internal(gateway))?,
        // What still comes is nobody's to redeem, and is settled like any other pair that was not.
        () = gateway.world.sleep_until(after(now, PATIENCE)) => Ok(gone),
    }
}

async fn exchange_and_save(
    gateway: &Gateway,
    name: &str,
    attempt: Attempt,
    code: String,
    callback: &Step,
) -> Result<Response, Response> {
    if !turns::begin_exchange(gateway, &attempt, callback).await.map_err(internal(gateway))? {
        return Ok(page_of(gateway, Notice::StateUnknown, &attempt));
    }
    let integration = gateway.config.integrations.get(name).ok_or_else(|| page(Notice::Internal, None))?;
    let asked_at = gateway.world.now();
    failpoints::hit(Point::ExchangeUnsent);
    match gateway.notion.exchange(integration, &code, &attempt.notion_redirect_uri).await {
        Ok(response) => arrive(gateway, attempt, response, asked_at).await,
        Err(error) => {
            let now = gateway.world.now();
            let step = Step::failed(
                now,
                Actor::Vestibule,
                Actor::Notion,
                "Exchange the code",
                exchange_note(&error),
            );
            fail(gateway, &attempt.id, step).await.map_err(internal(gateway))?;
            tracing::warn!(event = "exchange.failed", attempt = attempt.id, why = exchange_note(&error));
            Ok(back(gateway, &attempt, &[("error", "exchange_failed")]))
        }
    }
}

/// What went wrong and what to do, for the diagram.
fn exchange_note(error: &TokenError) -> &'static str {
    match error {
        TokenError::Refused(Refusal::InvalidClient) => {
            "Notion refused the client id or secret. Correct client_secret in the configuration, then open a new link."
        }
        TokenError::Refused(Refusal::InvalidGrant) => {
            "Notion refused the code: it was used, expired, or made for another redirect URI. Open a new link."
        }
        TokenError::Refused(Refusal::InvalidRequest) => {
            "Notion refused the request. Check that the redirect URI in Notion's portal is exactly ours."
        }
        TokenError::Throttled(_) => "Notion is limiting our calls. Wait a minute, then open a new link.",
        TokenError::NotSent => "Notion could not be reached. Open a new link when it answers again.",
        TokenError::NoAnswer => "Notion did not answer in time. Open a new link.",
        TokenError::Odd(_) => "Notion's answer could not be read. Open a new link; if it goes on, report it.",
    }
}

/// Seals and saves the pair, and sends the browser back to the app with a code of ours.
async fn arrive(
    gateway: &Gateway,
    attempt: Attempt,
    response: TokenResponse,
    asked_at: Timestamp,
) -> Result<Response, Response> {
    failpoints::hit(Point::ExchangeAnswered);
    let now = gateway.world.now();
    let code = gateway.world.token();
    let mut arrival = arrival(gateway, &attempt, &response, &code, [asked_at, now]);
    let saved = save(gateway, &arrival, now).await.map_err(internal(gateway))?;
    failpoints::hit(Point::ArrivalSaved);
    match saved {
        ArrivalSaved::Saved => {
            let onward = back(gateway, &attempt, &[("code", &code)]);
            let way = onward.headers().get(LOCATION).and_then(|way| way.to_str().ok()).map(str::to_owned);
            // If Notion does not say now whose it is, it is asked again when the app redeems.
            let naming = Box::pin(owners::name(gateway, &mut arrival.candidate));
            let _asked = gateway.world.within(NAMING_PATIENCE, naming).await;
            let other = expected_other(gateway, &attempt, &arrival.candidate.profile, way).await;
            Ok(other.unwrap_or(onward))
        }
        ArrivalSaved::Superseded => Ok(page_of(gateway, Notice::AlreadyHandled, &attempt)),
    }
}

/// The page for a person who chose another workspace, or is another one, than the link was to reconnect: where they can choose again,
/// or go `onward` to the app with what they chose. The app decides what becomes of it.
async fn expected_other(
    gateway: &Gateway,
    attempt: &Attempt,
    came: &Profile,
    onward: Option<String>,
) -> Option<Response> {
    let Door::Session { connect_session_id, end_user, reconnect: Some(id), .. } = &attempt.door else {
        return None;
    };
    if came.owner_id.is_empty() {
        return None;
    }
    // Whatever the store does not tell now, the app learns when it redeems.
    let named = gateway.store.find_connection(&attempt.client_id, id).await.ok()??;
    let Reconnect::Other(mismatch) = reconnect::judge(&named, end_user, came) else { return None };
    let onward = onward?;
    let (now, what) = (gateway.world.now(), "Another workspace or person than expected");
    let step = Step::failed(now, Actor::Notion, Actor::Vestibule, what, mismatch.note());
    // The page matters more than its record.
    let _noted = gateway.store.update_attempt(&attempt.id, None, &[step]).await;
    let again = link::mint_again(gateway, &attempt.client_id, connect_session_id).await.ok().flatten();
    let mut page = mismatch_page(&mismatch, again.as_deref(), &onward, &attempt.id);
    page.headers_mut().append(SET_COOKIE, cookie::unbind(&gateway.config, &attempt.id));
    Some(page)
}

fn arrival(
    gateway: &Gateway,
    attempt: &Attempt,
    response: &TokenResponse,
    code: &str,
    [asked_at, now]: [Timestamp; 2],
) -> Arrival {
    let expires_at = after(now, CODE_LIFE);
    let connection_id = gateway.world.id("con");
    let candidate_id = gateway.world.id("can");
    let (end_user, notion_shaped) = match &attempt.door {
        Door::Session { end_user, .. } => (Some(end_user.clone()), false),
        Door::NotionShaped { .. } => (None, true),
    };
    let pair = vault::seal_candidate(gateway, &attempt.client_id, &candidate_id, &vault::Pair::of(response));
    let sealed_at = gateway.world.now();
    Arrival {
        attempt_id: attempt.id.clone(),
        connection: Connection {
            id: connection_id.clone(),
            client_id: attempt.client_id.clone(),
            end_user,
            grant_id: None,
            stage: ConnectionStage::Pending,
            notion_shaped,
            created_at: now,
            last_used_at: None,
            disconnected_at: None,
        },
        candidate: Candidate {
            id: candidate_id,
            client_id: attempt.client_id.clone(),
            connection_id: Some(connection_id.clone()),
            attempt_id: Some(attempt.id.clone()),
            profile: profile(response),
            pair,
            issued_at: now,
            expires_at,
            adopted: false,
        },
        code: Code {
            code_sha256: sha256(code.as_bytes()),
            client_id: attempt.client_id.clone(),
            attempt_id: attempt.id.clone(),
            connection_id,
            expires_at,
            spent: None,
        },
        steps: vec![
            Step::ok(asked_at, Actor::Vestibule, Actor::Notion, "Exchange the code")
                .with_note("Basic auth with the client secret"),
            Step::ok(now, Actor::Notion, Actor::Vestibule, "Access and refresh token"),
            Step::ok(sealed_at, Actor::Vestibule, Actor::Vestibule, "Seal the tokens and store them"),
            Step::ok(sealed_at, Actor::Vestibule, Actor::App, "Return with a code of ours")
                .with_note("Through the browser; good for five minutes"),
        ],
    }
}

/// What Notion told of the authorization, apart from its tokens.
pub(crate) fn profile(response: &TokenResponse) -> Profile {
    Profile {
        bot_id: response.bot_id.clone(),
        workspace_id: response.workspace_id.clone(),
        workspace_name: response.workspace_name.clone(),
        workspace_icon: response.workspace_icon.clone(),
        owner_id: response.owner.user_id.clone().unwrap_or_default(),
        owner_name: response.owner.name.clone(),
        owner_email: response.owner.email.clone(),
        duplicated_template_id: response.duplicated_template_id.clone(),
    }
}

/// The pair exists nowhere else yet, so the store is asked until it answers.
async fn save(gateway: &Gateway, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved, Error> {
    loop {
        match gateway.store.save_arrival(arrival, now).await {
            Ok(saved) => return Ok(saved),
            Err(error @ StoreError::Damaged { .. }) => {
                pairs::keep_alone(gateway, &arrival.candidate).await?;
                fail(gateway, &arrival.attempt_id, damaged(gateway)).await?;
                return Err(error.into());
            }
            Err(error) => {
                tracing::error!(event = "arrival.unsaved", attempt = arrival.attempt_id, why = %error);
                gateway.world.sleep_until(after(gateway.world.now(), SAVE_PAUSE)).await;
            }
        }
    }
}

fn damaged(gateway: &Gateway) -> Step {
    let (now, what) = (gateway.world.now(), "Seal the tokens and store them");
    let note = "What is stored of this attempt or its session is damaged, so nothing was connected. Open a new link.";
    Step::failed(now, Actor::Vestibule, Actor::Vestibule, what, note)
}

/// Ends an attempt's exchange. Until that is on record revocations wait for it, so the store is asked until it answers.
async fn fail(gateway: &Gateway, attempt_id: &str, step: Step) -> Result<(), Error> {
    let (outcome, steps) = (Some(AttemptOutcome::ExchangeFailed), [step]);
    loop {
        match gateway.store.update_attempt(attempt_id, outcome, &steps).await {
            Err(error @ StoreError::Unavailable(..)) => {
                tracing::error!(event = "attempt.unsaved", attempt = attempt_id, why = %error);
                gateway.world.sleep_until(after(gateway.world.now(), SAVE_PAUSE)).await;
            }
            answered => return Ok(answered?),
        }
    }
}

/// A page about an attempt, with the way back to the app that it was begun for.
fn page_of(gateway: &Gateway, notice: Notice, attempt: &Attempt) -> Response {
    let return_url = match &attempt.door {
        Door::Session { return_url, .. } => return_url,
        Door::NotionShaped { redirect_uri, .. } => redirect_uri,
    };
    let registered = gateway.config.by_client_id(&attempt.client_id);
    let way = registered.and_then(|(_, integration)| WayBack::to(integration, return_url));
    page_with(notice, Some(&attempt.id), way)
}

/// Sends the browser back to the app: with our attempt's id at the session door, with the app's own `state` at the
/// Notion-shaped one.
fn back(gateway: &Gateway, attempt: &Attempt, pairs: &[(&str, &str)]) -> Response {
    let mut pairs = pairs.to_vec();
    let mut state = None;
    let return_url = match &attempt.door {
        Door::Session { return_url, .. } => {
            pairs.push(("attempt", &attempt.id));
            return_url
        }
        Door::NotionShaped { redirect_uri, .. } => {
            state = vault::open_state(gateway, attempt);
            for pair in &mut pairs {
                // The Notion-shaped door speaks RFC 6749 4.1.2.1, which knows no words of ours.
                if pair.0 == "error" && pair.1 != "access_denied" {
                    pair.1 = "server_error";
                }
            }
            redirect_uri
        }
    };
    // It was registered when the attempt began; the configuration may have changed since.
    let registered = gateway.config.by_client_id(&attempt.client_id);
    if !registered.is_some_and(|(_, integration)| integration.return_urls.contains(return_url)) {
        let way = registered.and_then(|(_, integration)| WayBack::of(integration));
        return page_with(Notice::RedirectUriNotRegistered, Some(&attempt.id), way);
    }
    let state = state.as_ref().map(|state| state.expose().as_str());
    let mut response = redirect(&with_query_and_state(return_url, &pairs, state));
    response.headers_mut().append(SET_COOKIE, cookie::unbind(&gateway.config, &attempt.id));
    response
}
