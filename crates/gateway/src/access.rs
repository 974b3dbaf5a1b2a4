//! A live access token for an authorized call; one refresh at a time when Notion stops accepting it.
//! `lifecycle` decides, this file does: it introspects before it refreshes (a refresh is destructive), takes the
//! lease, sends once, and makes the new pair durable before any call uses it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use lifecycle::{
    AfterCommit, AfterIntrospection, AfterRefresh, AfterUnauthorized, Generation, GrantFacts, GrantState,
    Introspected, RefreshReply, Why,
};
use notion_wire::token::TokenResponse;
use sealing::Secret;
use store::records::{Candidate, Grant};
use store::{Committed, LeaseTaken};

use crate::caller::Authorized;
use crate::config::Integration;
use crate::link::after;
use crate::notion::TokenError;
use crate::{Error, Gateway, callback, vault};

/// The lease's life: twice the HTTP deadline and a margin.
const LEASE_LIFE: Duration = Duration::from_secs(75);
/// How often a refresh that another node holds is looked at, and for how long.
const WATCH_EVERY: Duration = Duration::from_millis(250);
const WATCH_TRIES: u32 = 100;
/// How long to wait before a pair that the store did not take is offered to it again.
const COMMIT_PAUSE: Duration = Duration::from_millis(500);

/// An access token that is current as far as we know, and the generation it belongs to.
pub(crate) struct LiveToken {
    pub(crate) generation: Generation,
    pub(crate) secret: Secret<String>,
}

/// What to do with a call that Notion answered with 401.
pub(crate) enum Verdict {
    /// Send it again with this token.
    Replay(Arc<LiveToken>),
    /// The token is good: the 401 is the caller's to see.
    PassOn,
}

/// The token to call Notion with; from memory in the steady state.
pub(crate) async fn live_token(gateway: &Gateway, caller: &Authorized) -> Result<Arc<LiveToken>, Error> {
    let revision = gateway.revision();
    if let Some(token) = gateway.tokens.get(&caller.grant_id, revision) {
        return Ok(token);
    }
    let grant = gateway.store.find_grant(&caller.grant_id).await?.ok_or(Error::Disconnected)?;
    match grant.state {
        GrantState::ReconnectNeeded => return Err(Error::ReconnectNeeded),
        GrantState::Tombstone => return Err(Error::Disconnected),
        GrantState::Active | GrantState::Suspect | GrantState::Degraded => {}
    }
    let pair = vault::open_grant(gateway, &grant)?.ok_or(Error::Disconnected)?;
    let token = LiveToken { generation: grant.generation, secret: pair.access_token };
    Ok(gateway.tokens.put(&caller.grant_id, revision, token))
}

/// A call made with `used` was answered 401. Runs to its end even if the caller goes away.
pub(crate) async fn after_unauthorized(
    gateway: &Gateway,
    caller: &Authorized,
    used: &LiveToken,
) -> Result<Verdict, Error> {
    let (inner, grant_id, used) = (gateway.clone(), caller.grant_id.clone(), used.generation);
    let again = gateway
        .uninterrupted(async move { one_at_a_time(&inner, &grant_id, Why::Refused401 { used }).await })
        .await?;
    if again { Ok(Verdict::Replay(live_token(gateway, caller).await?)) } else { Ok(Verdict::PassOn) }
}

/// Refreshes because the app asked for it.
pub(crate) async fn force(gateway: &Gateway, grant_id: &str) -> Result<(), Error> {
    let (inner, grant_id) = (gateway.clone(), grant_id.to_owned());
    gateway
        .uninterrupted(async move { one_at_a_time(&inner, &grant_id, Why::Forced).await })
        .await
        .map(|_| ())
}

/// One flight per grant in this process; the store's lease does the same among nodes. True: there is a newer token.
async fn one_at_a_time(gateway: &Gateway, grant_id: &str, why: Why) -> Result<bool, Error> {
    let flight = {
        let mut flights = gateway.flights.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flights.entry(grant_id.to_owned()).or_default())
    };
    let result = {
        let _turn = flight.lock().await;
        renew(gateway, grant_id, why).await
    };
    let mut flights = gateway.flights.lock().unwrap_or_else(PoisonError::into_inner);
    // Two hold it when nobody else waits: the map and we.
    if Arc::strong_count(&flight) == 2 {
        flights.remove(grant_id);
    }
    result
}

async fn renew(gateway: &Gateway, grant_id: &str, why: Why) -> Result<bool, Error> {
    let facts =
        gateway.store.grant_facts(grant_id, an_hour_ago(gateway)).await?.ok_or(Error::Disconnected)?;
    let now = gateway.world.now();
    if let Why::Refused401 { used } = why {
        match lifecycle::after_unauthorized(used, &facts) {
            AfterUnauthorized::Replay => {
                gateway.notice_changes().await?;
                return Ok(true);
            }
            AfterUnauthorized::PassOn => return Ok(false),
            AfterUnauthorized::Introspect => {}
        }
    }
    let grant = gateway.store.find_grant(grant_id).await?.ok_or(Error::Disconnected)?;
    let integration = integration(gateway, &grant)?;
    let pair = vault::open_grant(gateway, &grant)?.ok_or(Error::Disconnected)?;
    if matches!(why, Why::Refused401 { .. }) {
        let answer = introspect(gateway, integration, &pair.access_token).await;
        match lifecycle::after_introspection(answer, &facts) {
            AfterIntrospection::PassOn => return Ok(false),
            AfterIntrospection::Refresh => {}
            AfterIntrospection::ReconnectNeeded(reason) => {
                set_reconnect_needed(gateway, &grant, reason).await?;
                return Err(Error::ReconnectNeeded);
            }
        }
    }
    lifecycle::may_refresh(&facts, now, &why)
        .map_err(|denied| Error::RefreshTooSoon { retry_after: denied.retry_after })?;
    if pair.refresh_token.is_none() && matches!(why, Why::Forced) {
        // Nobody said that the access token ended, so nothing ends here.
        return Err(Error::NoRefreshToken);
    }
    refresh(gateway, integration, &grant, &facts, &pair).await
}

/// Takes the lease and sends the refresh; waits for whoever holds it otherwise.
async fn refresh(
    gateway: &Gateway,
    integration: &Integration,
    grant: &Grant,
    facts: &GrantFacts,
    pair: &vault::Pair,
) -> Result<bool, Error> {
    let Some(refresh_token) = &pair.refresh_token else {
        set_reconnect_needed(gateway, grant, "Notion gave no refresh token and the access token ended")
            .await?;
        return Err(Error::ReconnectNeeded);
    };
    let now = gateway.world.now();
    let taken = gateway
        .store
        .take_refresh_lease(&grant.id, grant.generation, &gateway.node, now, after(now, LEASE_LIFE))
        .await?;
    let lease = match taken {
        LeaseTaken::Taken(lease) => lease,
        LeaseTaken::Held(_) => return watch(gateway, grant).await,
        LeaseTaken::Moved => return gateway.notice_changes().await.map(|()| true),
    };
    let reply = gateway.notion.refresh(integration, refresh_token).await;
    let word = match &reply {
        Ok(_) => "issued",
        Err(error) => error.word(),
    };
    let result = conclude(gateway, integration, grant, facts, reply).await;
    gateway.store.release_refresh_lease(&grant.id, &lease, word).await?;
    result
}

/// Another node refreshes: wait for the generation to move on.
async fn watch(gateway: &Gateway, grant: &Grant) -> Result<bool, Error> {
    for _ in 0..WATCH_TRIES {
        gateway.world.sleep_until(after(gateway.world.now(), WATCH_EVERY)).await;
        let current = gateway.store.find_grant(&grant.id).await?.ok_or(Error::Disconnected)?;
        if current.generation > grant.generation {
            return gateway.notice_changes().await.map(|()| true);
        }
        if !current.refreshing {
            break;
        }
    }
    Ok(false)
}

async fn conclude(
    gateway: &Gateway,
    integration: &Integration,
    grant: &Grant,
    facts: &GrantFacts,
    reply: Result<TokenResponse, TokenError>,
) -> Result<bool, Error> {
    let summary = match &reply {
        Ok(response) => RefreshReply::Issued {
            same_bot: response.bot_id == grant.profile.bot_id
                && response.workspace_id == grant.profile.workspace_id,
        },
        Err(error) => error.reply(),
    };
    if matches!(summary, RefreshReply::Issued { same_bot: false }) {
        // It is not this grant's and is never stored. It should not happen; if it does, an operator must know.
        tracing::error!(event = "refresh.foreign_pair", grant = grant.id);
    }
    match (lifecycle::after_refresh(summary), reply) {
        (AfterRefresh::Commit, Ok(response)) => commit(gateway, grant, response).await,
        (AfterRefresh::Introspect, _) => {
            // The refresh token is dead; if the access token lives the grant is only degraded.
            let pair = vault::open_grant(gateway, grant)?.ok_or(Error::Disconnected)?;
            let answer = introspect(gateway, integration, &pair.access_token).await;
            match lifecycle::after_invalid_grant(answer, facts) {
                GrantState::ReconnectNeeded => {
                    set_reconnect_needed(gateway, grant, "Notion refused the refresh token").await?;
                    Err(Error::ReconnectNeeded)
                }
                state => {
                    let reason =
                        (state == GrantState::Degraded).then_some("Notion refused the refresh token");
                    gateway.store.set_grant_state(&grant.id, grant.generation, state, reason, None).await?;
                    gateway.notice_changes().await?;
                    Ok(false)
                }
            }
        }
        (AfterRefresh::OperatorFault, _) => Err(Error::ClientRefused),
        _ => Err(Error::NotionNoAnswer),
    }
}

/// Makes the new pair durable. It exists nowhere else, so the store is asked until it answers.
async fn commit(gateway: &Gateway, grant: &Grant, response: TokenResponse) -> Result<bool, Error> {
    let mut pair = vault::Pair::of(&response);
    if pair.refresh_token.is_none() {
        // Notion sent none: the old one goes on.
        pair.refresh_token = vault::open_grant(gateway, grant)?.and_then(|old| old.refresh_token);
    }
    let generation = grant.generation.0 + 1;
    let renewed = Grant {
        pair: Some(vault::seal_grant(gateway, &grant.client_id, &grant.id, generation, &pair)),
        generation: Generation(generation),
        state: GrantState::Active,
        reason: None,
        issued_at: gateway.world.now(),
        profile: callback::profile(&response),
        ..grant.clone()
    };
    let event = gateway.event("connection.refreshed", &grant.client_id);
    let committed = loop {
        match gateway.store.commit_refresh(&renewed, grant.generation, &event).await {
            Ok(committed) => break committed,
            Err(error) => {
                tracing::error!(event = "refresh.uncommitted", grant = grant.id, why = %error);
                tokio::time::sleep(COMMIT_PAUSE).await;
            }
        }
    };
    match lifecycle::after_commit(committed == Committed::Done, committed == Committed::Tombstoned) {
        AfterCommit::Use => {}
        AfterCommit::KeepAsCandidate => keep(gateway, &renewed, &pair).await?,
        AfterCommit::Revoke => {
            if let Some((_, integration)) = gateway.config.by_client_id(&grant.client_id) {
                let _best_effort = gateway.notion.revoke(integration, &pair.access_token).await;
            }
            return Err(Error::Disconnected);
        }
    }
    gateway.notice_changes().await?;
    Ok(true)
}

/// The row moved on while we refreshed: the pair is kept, to be settled, rather than lost.
async fn keep(gateway: &Gateway, grant: &Grant, pair: &vault::Pair) -> Result<(), Error> {
    let id = gateway.world.id("can");
    let candidate = Candidate {
        pair: vault::seal_candidate(gateway, &grant.client_id, &id, pair),
        id,
        client_id: grant.client_id.clone(),
        connection_id: None,
        attempt_id: None,
        profile: grant.profile.clone(),
        issued_at: grant.issued_at,
        expires_at: gateway.world.now(),
    };
    Ok(gateway.store.insert_candidate(&candidate).await?)
}

async fn introspect(gateway: &Gateway, integration: &Integration, token: &Secret<String>) -> Introspected {
    gateway.notion.introspect(integration, token).await
}

async fn set_reconnect_needed(gateway: &Gateway, grant: &Grant, reason: &str) -> Result<(), Error> {
    let event = store::records::Event {
        note: Some(reason.to_owned()),
        ..gateway.event("connection.reconnect_needed", &grant.client_id)
    };
    let state = GrantState::ReconnectNeeded;
    gateway.store.set_grant_state(&grant.id, grant.generation, state, Some(reason), Some(&event)).await?;
    gateway.notice_changes().await
}

/// Refreshes are counted by the hour.
fn an_hour_ago(gateway: &Gateway) -> jiff::Timestamp {
    gateway.world.now().checked_sub(Duration::from_hours(1)).unwrap_or(jiff::Timestamp::MIN)
}

fn integration<'g>(gateway: &'g Gateway, grant: &Grant) -> Result<&'g Integration, Error> {
    gateway.config.by_client_id(&grant.client_id).map(|(_, i)| i).ok_or(Error::NotFound("integration"))
}
