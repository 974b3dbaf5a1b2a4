//! What becomes of token pairs that nobody will use: unredeemed candidates and the tombstones of ended grants.
//! A pair is revoked at Notion only if nothing else stands on the same authorization; otherwise it is adopted, for
//! the newer consent may have ended the older pair. A stranger's attempt must never end a live connection.

use std::time::Duration;

use lifecycle::{Introspected, Settlement, replaces, settle_candidate};
use notion_wire::token::Refusal;
use store::records::{Actor, AttemptOutcome, Candidate, Event, Grant, Profile, Step};
use store::{CodeFound, Committed};

use crate::config::Integration;
use crate::link::after;
use crate::notion::TokenError;
use crate::{Error, Gateway, pairs, vault};

/// How many of each are settled in one round.
const ROUND_MAX: usize = 100;
/// How long a pair that could not be settled waits, so that it does not stand in the others' way.
const AGAIN_AFTER: Duration = Duration::from_mins(5);

/// How settling one pair went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is settled; or it moved meanwhile, stays due, and the next round decides anew.
    Done,
    /// Notion said no, or the row cannot be read: it is tried again later.
    Later,
    /// Notion does not answer: it need not be asked about others now.
    Unanswered,
}

/// Settles what is due, now, without making anybody wait for it.
pub(crate) fn soon(gateway: &Gateway) {
    let gateway = gateway.clone();
    tokio::spawn(async move {
        let inner = gateway.clone();
        if let Err(error) = gateway.uninterrupted(async move { all(&inner).await }).await {
            tracing::warn!(event = "settle.failed", why = %error);
        }
    });
}

/// One round: codes that ended unredeemed, candidates that are due, tombstones not revoked yet. What cannot be settled
/// keeps nobody else from being settled.
pub(crate) async fn all(gateway: &Gateway) -> Result<(), Error> {
    let _turn = gateway.settling.lock().await;
    let now = gateway.world.now();
    for found in gateway.store.unredeemed_codes(now, ROUND_MAX).await? {
        if let Err(error) = end_unredeemed(gateway, &found).await {
            tracing::error!(event = "settle.failed", attempt = found.attempt.id, why = %error);
        }
    }
    for candidate in gateway.store.due_candidates(now, ROUND_MAX).await? {
        if candidate_now(gateway, &candidate).await? == Settled::Unanswered {
            return Ok(());
        }
    }
    for grant in gateway.store.unrevoked_grants(now, ROUND_MAX).await? {
        if tombstone_now(gateway, &grant.id).await? == Settled::Unanswered {
            return Ok(());
        }
    }
    Ok(())
}

async fn end_unredeemed(gateway: &Gateway, found: &CodeFound) -> Result<(), Error> {
    let now = gateway.world.now();
    let note = "The app did not redeem the code within five minutes, so nothing was connected. Does its return URL call POST /api/connections (or /v1/oauth/token)?";
    let step = Step::failed(now, Actor::App, Actor::Vestibule, "The code was never redeemed", note);
    let event = Event {
        connection_id: Some(found.code.connection_id.clone()),
        attempt_id: Some(found.code.attempt_id.clone()),
        ..gateway.event("connection.unredeemed", &found.code.client_id)
    };
    let outcome = AttemptOutcome::Unredeemed;
    gateway.store.refuse_code(&found.code.code_sha256, outcome, &[step], &event, now).await?;
    gateway.notice_changes().await
}

/// Settles one due candidate, or puts it off.
pub(crate) async fn candidate_now(gateway: &Gateway, candidate: &Candidate) -> Result<Settled, Error> {
    let settled = settle(gateway, candidate).await.unwrap_or_else(|error| {
        tracing::error!(event = "settle.failed", candidate = candidate.id, why = %error);
        Settled::Later
    });
    if settled != Settled::Done {
        let again = after(gateway.world.now(), AGAIN_AFTER);
        gateway.store.postpone_candidate(&candidate.id, again).await?;
    }
    Ok(settled)
}

/// Settles one tombstone, or puts it off. A refresh of it that is on its way in this process ends first: its answer is
/// the pair to revoke with.
pub(crate) async fn tombstone_now(gateway: &Gateway, grant_id: &str) -> Result<Settled, Error> {
    let turn = gateway.flights.turn(grant_id).await;
    let ended = end_tombstone(gateway, grant_id).await;
    drop(turn);
    let settled = ended.unwrap_or_else(|error| {
        tracing::error!(event = "settle.failed", grant = grant_id, why = %error);
        Settled::Later
    });
    if settled != Settled::Done {
        let again = after(gateway.world.now(), AGAIN_AFTER);
        gateway.store.postpone_revocation(grant_id, again).await?;
    }
    Ok(settled)
}

/// Settles one candidate that no connection waits for.
async fn settle(gateway: &Gateway, candidate: &Candidate) -> Result<Settled, Error> {
    let live = gateway.store.find_live_grant(&candidate.client_id, &candidate.profile).await?;
    let others = gateway.store.candidates_of(&candidate.client_id, &candidate.profile).await?;
    let other = others.iter().find(|other| other.id != candidate.id && other.connection_id.is_some());
    let decision = settle_candidate(
        live.as_ref().map(|live| replaces(candidate.issued_at, live.issued_at, live.state)),
        other.map(|other| candidate.issued_at >= other.issued_at),
    );
    match (decision, live, other) {
        (Settlement::Adopt, Some(grant), _) => return adopt(gateway, candidate, &grant).await,
        (Settlement::HandOver, _, Some(other)) => {
            gateway.store.hand_over_candidate(&candidate.id, &other.id).await?;
        }
        (Settlement::Revoke, _, _) => return revoke_candidate(gateway, candidate).await,
        _ => gateway.store.delete_candidate(&candidate.id, None).await?,
    }
    Ok(Settled::Done)
}

async fn adopt(gateway: &Gateway, candidate: &Candidate, grant: &Grant) -> Result<Settled, Error> {
    let (adopted, event) = pairs::adopted(gateway, candidate, grant)?;
    match gateway.store.adopt_candidate(&candidate.id, &adopted, grant.generation, &event).await? {
        Committed::Done => gateway.notice_changes().await.map(|()| Settled::Done),
        Committed::Moved(_) | Committed::Tombstoned => Ok(Settled::Done),
    }
}

async fn revoke_candidate(gateway: &Gateway, candidate: &Candidate) -> Result<Settled, Error> {
    let pair = vault::open_candidate(gateway, candidate)?;
    let settled = end_at_notion(gateway, &candidate.client_id, &candidate.profile, &pair).await?;
    if settled == Settled::Done {
        let event = Event {
            attempt_id: candidate.attempt_id.clone(),
            ..gateway.event("consent.revoked", &candidate.client_id)
        };
        gateway.store.delete_candidate(&candidate.id, Some(&event)).await?;
    }
    Ok(settled)
}

/// Ends what a tombstone holds, and destroys its data key. If a newer consent stands on the same authorization there is
/// nothing to revoke: it would end the new one. If an older one does, this pair is the one that works: it is kept for it.
async fn end_tombstone(gateway: &Gateway, grant_id: &str) -> Result<Settled, Error> {
    let Some(grant) = gateway.store.find_grant(grant_id).await? else { return Ok(Settled::Done) };
    let Some(pair) = vault::open_grant(gateway, &grant)? else { return Ok(Settled::Done) };
    if grant.leased_until.is_some_and(|until| until > gateway.world.now()) {
        // Another node has sent a refresh: what it brings is kept and settled there, and this pair is spent.
        return Ok(Settled::Done);
    }
    let live = gateway.store.find_live_grant(&grant.client_id, &grant.profile).await?;
    let others = gateway.store.candidates_of(&grant.client_id, &grant.profile).await?;
    let decision = settle_candidate(
        live.map(|live| grant.issued_at > live.issued_at),
        others.first().map(|newest| grant.issued_at > newest.issued_at),
    );
    let settled = match decision {
        Settlement::Revoke => end_at_notion(gateway, &grant.client_id, &grant.profile, &pair).await?,
        Settlement::Drop => Settled::Done,
        Settlement::Adopt | Settlement::HandOver => {
            pairs::keep(gateway, &grant.client_id, &grant.profile, grant.issued_at, &pair).await?;
            Settled::Done
        }
    };
    if settled == Settled::Done {
        let event = gateway.event("connection.revoked", &grant.client_id);
        gateway.store.destroy_data_key(&grant.id, &event).await?;
    }
    Ok(settled)
}

/// Ends an authorization at Notion. It answers for a token that has merely run out as for one that it revoked, so it is
/// asked first whether the token is active; if not, the refresh token may still hold the authorization.
async fn end_at_notion(
    gateway: &Gateway,
    client_id: &str,
    profile: &Profile,
    pair: &vault::Pair,
) -> Result<Settled, Error> {
    let Some((_, integration)) = gateway.config.by_client_id(client_id) else { return Ok(Settled::Later) };
    match gateway.notion.introspect(integration, &pair.access_token).await {
        Introspected::Active => Ok(revoke(gateway, integration, pair).await),
        Introspected::Unclear | Introspected::Throttled(_) => Ok(Settled::Unanswered),
        Introspected::Inactive => renew_and_revoke(gateway, integration, profile, pair).await,
    }
}

/// Refreshes once more, only to have a token to revoke with. What it brings is kept until it is revoked.
async fn renew_and_revoke(
    gateway: &Gateway,
    integration: &Integration,
    profile: &Profile,
    pair: &vault::Pair,
) -> Result<Settled, Error> {
    // Without a refresh token nothing of it works any more.
    let Some(refresh_token) = &pair.refresh_token else { return Ok(Settled::Done) };
    match gateway.notion.refresh(integration, refresh_token).await {
        Ok(answer) if answer.is_of(&profile.bot_id, &profile.workspace_id) => {
            let (renewed, now) = (vault::Pair::of_tokens(answer.tokens()), gateway.world.now());
            let kept = pairs::keep(gateway, &integration.client_id, profile, now, &renewed).await?;
            if revoke(gateway, integration, &renewed).await == Settled::Done {
                gateway.store.delete_candidate(&kept.id, None).await?;
            }
            Ok(Settled::Done)
        }
        Ok(_) => {
            tracing::error!(event = "refresh.foreign_pair", bot = profile.bot_id);
            Ok(Settled::Later)
        }
        Err(TokenError::Refused(Refusal::InvalidGrant)) => Ok(Settled::Done),
        Err(TokenError::NotSent | TokenError::NoAnswer) => Ok(Settled::Unanswered),
        Err(_) => Ok(Settled::Later),
    }
}

/// Whether Notion took the revocation (an unknown token counts as revoked).
async fn revoke(gateway: &Gateway, integration: &Integration, pair: &vault::Pair) -> Settled {
    match gateway.notion.revoke(integration, &pair.access_token).await {
        Ok(true) => Settled::Done,
        Ok(false) => {
            tracing::warn!(event = "revoke.refused", client_id = integration.client_id);
            Settled::Later
        }
        Err(_) => Settled::Unanswered,
    }
}
