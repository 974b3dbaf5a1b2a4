//! A live access token for an authorized call, renewed when Notion stops accepting it.
//! `lifecycle` holds the protocol and `renew` carries it out; here a renewal's outcome becomes what its callers are told.

mod renew;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderValue;
use futures_util::future::join_all;
use jiff::Timestamp;
use lifecycle::{Breaker, Generation, GrantState, Outcome, Why};
use sealing::Secret;
use store::records::Grant;
use tokio::sync::OnceCell;

use crate::caller::Authorized;
use crate::link::after;
use crate::notion::Notion;
use crate::{Error, Gateway, vault};

/// How long to wait before a call is sent again with a token that is too new to be known everywhere at Notion.
const NEW_TOKEN_PAUSE: Duration = Duration::from_secs(1);
/// When to come back after a renewal of which nobody knows what came: the next look at it is then due.
const UNKNOWN_WAIT: Duration = Duration::from_secs(30);
/// When to come back while a renewal is under way.
const RENEWING_WAIT: Duration = Duration::from_secs(1);
/// How many suspect grants are looked into in one round.
const SUSPECTS_MAX: usize = 100;

/// How many interrupted refreshes are looked into in one round, and how long a round waits for them. They go on without it.
const INTERRUPTED_MAX: usize = 100;
const ROUND: Duration = Duration::from_secs(1);

/// An access token that is current as far as we know, and the generation it belongs to.
pub(crate) struct LiveToken {
    pub(crate) generation: Generation,
    pub(crate) secret: Secret<String>,
    /// The header that carries it, or none if it must not be sent to this Notion.
    pub(crate) bearer: Option<HeaderValue>,
    /// What it may do, once Notion was asked.
    pub(crate) scope: OnceCell<String>,
}

impl LiveToken {
    pub(crate) fn new(notion: &Notion, generation: Generation, secret: Secret<String>) -> Self {
        let text = notion.takes(secret.expose()).then(|| format!("Bearer {}", secret.expose()));
        let mut bearer = text.and_then(|text| HeaderValue::try_from(text).ok());
        if let Some(bearer) = &mut bearer {
            bearer.set_sensitive(true);
        }
        Self { generation, secret, bearer, scope: OnceCell::new() }
    }
}

/// What to do with a call that Notion answered with 401.
pub(crate) enum Verdict {
    /// Send it again with this token.
    Replay(Arc<LiveToken>),
    /// The token is good: the 401 is the caller's to see.
    PassOn,
}

/// What this process knows of all renewals, beside those under way.
#[derive(Default)]
pub(crate) struct Renewing {
    /// One for each integration, by client id.
    breakers: Mutex<HashMap<String, Breaker>>,
}

impl Renewing {
    /// What the integration's breaker says.
    fn breaker<T>(&self, client_id: &str, ask: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        ask(breakers.entry(client_id.to_owned()).or_default())
    }
}

/// The token to call Notion with; from memory in the steady state.
pub(crate) async fn live_token(gateway: &Gateway, caller: &Authorized) -> Result<Arc<LiveToken>, Error> {
    live_token_of(gateway, caller.grant()?.0).await
}

/// As [`live_token`], for whoever knows the grant.
pub(crate) async fn live_token_of(gateway: &Gateway, grant_id: &str) -> Result<Arc<LiveToken>, Error> {
    let tokens = &gateway.memory.tokens;
    if let Some(token) = tokens.get(grant_id) {
        return Ok(token);
    }
    let reading = tokens.reading();
    let grant = gateway.store.find_grant(grant_id).await?.ok_or(Error::Disconnected)?;
    match grant.state {
        GrantState::ReconnectNeeded => return Err(Error::ReconnectNeeded),
        GrantState::Tombstone => return Err(Error::Disconnected),
        GrantState::Active | GrantState::Suspect | GrantState::Degraded => {}
    }
    let pair = vault::open_grant(gateway, &grant)?.ok_or_else(|| tokenless(&grant))?;
    Ok(tokens.put(grant_id, reading, LiveToken::new(&gateway.notion, grant.generation, pair.access_token)))
}

/// A call made with `used` was answered 401. The renewal runs to its end even if the caller goes away, or may not wait any
/// longer.
pub(crate) async fn after_unauthorized(
    gateway: &Gateway,
    caller: &Authorized,
    used: &LiveToken,
    deadline: Timestamp,
) -> Result<Verdict, Error> {
    let why = Why::Refused401 { used: used.generation };
    match in_time(gateway, caller.grant()?.0, why, deadline).await? {
        Outcome::Renewed => {}
        Outcome::TryAgain => {
            gateway.world.sleep_until(after(gateway.world.now(), NEW_TOKEN_PAUSE).min(deadline)).await;
        }
        // Nothing was done for this call, whatever became of the refresh.
        Outcome::Unknown => return Err(Error::Renewing { retry_after: UNKNOWN_WAIT }),
        outcome => return told(outcome).map(|()| Verdict::PassOn),
    }
    Ok(Verdict::Replay(live_token(gateway, caller).await?))
}

/// Refreshes because the app asked for it.
pub(crate) async fn force(gateway: &Gateway, grant_id: &str, deadline: Timestamp) -> Result<(), Error> {
    in_time(gateway, grant_id, Why::Forced, deadline).await.and_then(told)
}

/// Looks into the grants whose refresh was sent and not answered, those that are due.
pub(crate) async fn look_into_suspects(gateway: &Gateway) -> Result<(), Error> {
    for grant_id in gateway.store.suspect_grants(SUSPECTS_MAX).await? {
        if let Err(error) = renewal(gateway, &grant_id, Why::Suspect).await {
            tracing::warn!(event = "suspect.failed", grant = grant_id, why = %error);
        }
    }
    Ok(())
}

/// Looks into the grants that a process was about to refresh when it ended: at the start, and when another process's end is noticed.
/// Each is told at once; what becomes of it is waited for a moment only, so that the next ones are noticed.
pub(crate) async fn look_into_interrupted(gateway: &Gateway) -> Result<(), Error> {
    let found = gateway.store.interrupted_grants(INTERRUPTED_MAX).await?;
    let deadline = after(gateway.world.now(), ROUND);
    let looked_into = found.iter().map(|grant_id| async move {
        let outcome = in_time(gateway, grant_id, Why::Interrupted, deadline).await;
        tracing::warn!(event = "refresh.interrupted", grant = grant_id, outcome = ?outcome.ok());
    });
    join_all(looked_into).await;
    Ok(())
}

/// Something may have ended the pair though no call was refused: Notion is asked, and only its word that the token ended spends one.
pub(crate) async fn look_into(gateway: &Gateway, grant_id: &str, deadline: Timestamp) -> Result<(), Error> {
    let Some(grant) = gateway.store.find_grant(grant_id).await? else { return Ok(()) };
    let outcome = in_time(gateway, grant_id, Why::Doubted { used: grant.generation }, deadline).await?;
    tracing::info!(event = "grant.looked_into", grant = grant_id, ?outcome);
    Ok(())
}

/// Renews, and waits for it until `deadline`.
async fn in_time(gateway: &Gateway, grant_id: &str, why: Why, deadline: Timestamp) -> Result<Outcome, Error> {
    tokio::select! {
        biased;
        outcome = renewal(gateway, grant_id, why) => outcome,
        () = gateway.world.sleep_until(deadline) => Err(Error::Renewing { retry_after: RENEWING_WAIT }),
    }
}

/// The one renewal of this grant for this reason.
async fn renewal(gateway: &Gateway, grant_id: &str, why: Why) -> Result<Outcome, Error> {
    gateway
        .flights
        .join(&gateway.world, grant_id, why, || {
            let (inner, grant_id) = (gateway.clone(), grant_id.to_owned());
            async move {
                let outer = inner.clone();
                outer.uninterrupted(async move { renew::run(&inner, &grant_id, why).await }).await
            }
        })
        .await
}

/// What whoever waited for a renewal is told of it.
fn told(outcome: Outcome) -> Result<(), Error> {
    match outcome {
        Outcome::Renewed | Outcome::Good | Outcome::TryAgain => Ok(()),
        Outcome::ReconnectNeeded => Err(Error::ReconnectNeeded),
        Outcome::Disconnected => Err(Error::Disconnected),
        Outcome::TooSoon(retry_after) => Err(Error::RefreshTooSoon { retry_after }),
        Outcome::NoRefreshToken => Err(Error::NoRefreshToken),
        Outcome::RefreshRefused => Err(Error::RefreshRefused),
        Outcome::Unreachable => Err(Error::NotionUnreachable),
        Outcome::Later(retry_after) => Err(Error::Renewing { retry_after }),
        Outcome::Unknown => Err(Error::NotionNoAnswer),
        Outcome::ClientRefused => Err(Error::ClientRefused),
        Outcome::Foreign => Err(Error::NotionOdd("the renewed tokens belong to another bot")),
        Outcome::Failed => Err(Error::Internal),
    }
}

/// A grant without a pair: one that was ended, or a row that lost it.
pub(crate) fn tokenless(grant: &Grant) -> Error {
    if grant.state == GrantState::Tombstone {
        return Error::Disconnected;
    }
    tracing::error!(event = "store.damaged", table = "grants", id = grant.id, what = "its token is gone");
    Error::Damaged("authorization's")
}
