//! A live access token for an authorized call; one refresh at a time when Notion stops accepting it.
//! `lifecycle` decides, this file does: it introspects before it refreshes (a refresh is destructive), takes the
//! lease, sends once, and makes the new pair durable before any call uses it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lifecycle::{
    AfterBothRefused, AfterCommit, AfterIntrospection, AfterRefresh, AfterUnauthorized, Generation,
    GrantFacts, GrantState, Introspected, RefreshReply, Why,
};
use notion_wire::token::TokenResponse;
use sealing::Secret;
use store::records::{Candidate, Grant, Profile};
use store::{Committed, LeaseTaken, StoreError};

use crate::caller::Authorized;
use crate::config::Integration;
use crate::link::after;
use crate::notion::TokenError;
use crate::{Error, Gateway, callback, settle, vault};

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

/// A call made with `used` was answered 401. The renewal runs to its end even if the caller goes away, or may not wait any
/// longer.
pub(crate) async fn after_unauthorized(
    gateway: &Gateway,
    caller: &Authorized,
    used: &LiveToken,
    deadline: Timestamp,
) -> Result<Verdict, Error> {
    let again =
        in_time(gateway, &caller.grant_id, Why::Refused401 { used: used.generation }, deadline).await?;
    if again { Ok(Verdict::Replay(live_token(gateway, caller).await?)) } else { Ok(Verdict::PassOn) }
}

/// Refreshes because the app asked for it.
pub(crate) async fn force(gateway: &Gateway, grant_id: &str, deadline: Timestamp) -> Result<(), Error> {
    in_time(gateway, grant_id, Why::Forced, deadline).await.map(|_newer| ())
}

/// Renews, and waits for it until `deadline`. True: there is a newer token.
async fn in_time(gateway: &Gateway, grant_id: &str, why: Why, deadline: Timestamp) -> Result<bool, Error> {
    let (inner, grant_id) = (gateway.clone(), grant_id.to_owned());
    // Boxed: it is rare and large, and would make every call's future so.
    let work = gateway.uninterrupted(Box::pin(async move {
        alone(&inner, &grant_id, renew(&inner, &grant_id, why)).await
    }));
    tokio::select! {
        biased;
        done = work => done,
        () = gateway.world.sleep_until(deadline) => Err(Error::Renewing),
    }
}

/// One at a time per grant in this process: a refresh, or the end of a tombstone. The store's lease does the same among nodes.
pub(crate) async fn alone<T>(gateway: &Gateway, grant_id: &str, work: impl Future<Output = T>) -> T {
    let flight = {
        let mut flights = gateway.flights.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flights.entry(grant_id.to_owned()).or_default())
    };
    let result = {
        let _turn = flight.lock().await;
        work.await
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
        let mut asked_before = false;
        loop {
            let answer = introspect(gateway, integration, &pair.access_token).await;
            match lifecycle::after_introspection(answer, asked_before, &facts) {
                AfterIntrospection::PassOn => return Ok(false),
                AfterIntrospection::AskAgain => asked_before = true,
                AfterIntrospection::Refresh => break,
                AfterIntrospection::ReconnectNeeded(reason) => return give_up(gateway, &grant, reason).await,
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
        return give_up(gateway, grant, "Notion gave no refresh token and the access token ended").await;
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
    // What was committed stands whether or not the lease is let go of: it ends by itself.
    if let Err(error) = gateway.store.release_refresh_lease(&grant.id, &lease, word).await {
        tracing::warn!(event = "refresh.lease_kept", grant = grant.id, why = %error);
    }
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
        if current.leased_until.is_none_or(|until| until <= gateway.world.now()) {
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
                    give_up(gateway, grant, "Notion refused the refresh token").await
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
            // The row will not read better later; a candidate needs no row.
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(event = "refresh.uncommitted", grant = grant.id, why = %error);
                break Committed::Moved(grant.generation);
            }
            Err(error) => {
                tracing::error!(event = "refresh.uncommitted", grant = grant.id, why = %error);
                tokio::time::sleep(COMMIT_PAUSE).await;
            }
        }
    };
    let kept = async || keep(gateway, &grant.client_id, &renewed.profile, renewed.issued_at, &pair).await;
    match lifecycle::after_commit(committed == Committed::Done, committed == Committed::Tombstoned) {
        AfterCommit::Use => {}
        AfterCommit::KeepAsCandidate => {
            kept().await?;
        }
        AfterCommit::Settle => {
            settle::candidate_now(gateway, &kept().await?).await?;
            return Err(Error::Disconnected);
        }
    }
    gateway.notice_changes().await?;
    Ok(true)
}

/// Keeps a pair that has no row of its own, to be settled, rather than lose it. It exists nowhere else, so the store is asked
/// until it answers.
pub(crate) async fn keep(
    gateway: &Gateway,
    client_id: &str,
    profile: &Profile,
    issued_at: Timestamp,
    pair: &vault::Pair,
) -> Result<Candidate, Error> {
    let id = gateway.world.id("can");
    let candidate = Candidate {
        pair: vault::seal_candidate(gateway, client_id, &id, pair),
        id,
        client_id: client_id.to_owned(),
        connection_id: None,
        attempt_id: None,
        profile: profile.clone(),
        issued_at,
        expires_at: gateway.world.now(),
    };
    loop {
        match gateway.store.insert_candidate(&candidate).await {
            Ok(()) => return Ok(candidate),
            Err(error @ StoreError::Damaged { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::error!(event = "pair.unkept", candidate = candidate.id, why = %error);
                tokio::time::sleep(COMMIT_PAUSE).await;
            }
        }
    }
}

/// Neither token works. Somebody may have finished another link for the same person, which ends the older tokens at Notion:
/// then its pair, which nobody has redeemed yet, serves this grant too. Else the user must consent again.
async fn give_up(gateway: &Gateway, grant: &Grant, reason: &str) -> Result<bool, Error> {
    let waiting = gateway.store.candidates_of(&grant.client_id, &grant.profile).await?;
    let newest = waiting.first();
    let committed =
        match (lifecycle::after_both_refused(newest.map(|newest| newest.issued_at), grant.issued_at), newest)
        {
            (AfterBothRefused::TakeCandidate, Some(newest)) => {
                // A copy: whoever redeems the candidate joins this grant.
                let (taken, event) = settle::adopted(gateway, newest, grant)?;
                gateway.store.commit_refresh(&taken, grant.generation, &event).await?
            }
            _ => match set_reconnect_needed(gateway, grant, reason).await? {
                Committed::Done => return Err(Error::ReconnectNeeded),
                moved => moved,
            },
        };
    gateway.notice_changes().await?;
    if committed == Committed::Tombstoned { Err(Error::Disconnected) } else { Ok(true) }
}

async fn introspect(gateway: &Gateway, integration: &Integration, token: &Secret<String>) -> Introspected {
    gateway.notion.introspect(integration, token).await
}

async fn set_reconnect_needed(gateway: &Gateway, grant: &Grant, reason: &str) -> Result<Committed, Error> {
    let event = store::records::Event {
        note: Some(reason.to_owned()),
        ..gateway.event("connection.reconnect_needed", &grant.client_id)
    };
    let state = GrantState::ReconnectNeeded;
    let set =
        gateway.store.set_grant_state(&grant.id, grant.generation, state, Some(reason), Some(&event)).await?;
    gateway.notice_changes().await?;
    Ok(set)
}

/// Refreshes are counted by the hour.
fn an_hour_ago(gateway: &Gateway) -> Timestamp {
    gateway.world.now().checked_sub(Duration::from_hours(1)).unwrap_or(Timestamp::MIN)
}

fn integration<'g>(gateway: &'g Gateway, grant: &Grant) -> Result<&'g Integration, Error> {
    gateway.config.by_client_id(&grant.client_id).map(|(_, i)| i).ok_or(Error::NotFound("integration"))
}
