//! What becomes of token pairs that nobody will use: unredeemed candidates and the tombstones of ended grants.
//! A pair is revoked at Notion only if nothing else stands on the same authorization; otherwise it is adopted, for
//! the newer consent may have ended the older pair. A stranger's attempt must never end a live connection.

use lifecycle::{Generation, GrantState, Settlement, settle_candidate};
use store::records::{Actor, AttemptOutcome, Candidate, Event, Grant, Step};
use store::{CodeFound, Committed};

use crate::{Error, Gateway, vault};

/// How many of each are settled in one round.
const ROUND_MAX: usize = 100;

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

/// One round: codes that ended unredeemed, candidates that are due, tombstones not revoked yet.
pub(crate) async fn all(gateway: &Gateway) -> Result<(), Error> {
    let _turn = gateway.settling.lock().await;
    let now = gateway.world.now();
    for found in gateway.store.unredeemed_codes(now, ROUND_MAX).await? {
        end_unredeemed(gateway, &found).await?;
    }
    for candidate in gateway.store.due_candidates(now, ROUND_MAX).await? {
        settle(gateway, &candidate).await?;
    }
    for grant in gateway.store.unrevoked_grants(ROUND_MAX).await? {
        revoke_tombstone(gateway, &grant).await?;
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

/// Settles one candidate that no connection waits for.
async fn settle(gateway: &Gateway, candidate: &Candidate) -> Result<(), Error> {
    let live = gateway.store.find_live_grant(&candidate.client_id, &candidate.profile).await?;
    let others = gateway.store.candidates_of(&candidate.client_id, &candidate.profile).await?;
    let other = others.iter().find(|other| other.id != candidate.id);
    // In the same instant the candidate counts as the newer one: it is the one that nobody has used yet.
    let newer = |issued_at| candidate.issued_at >= issued_at;
    let decision = settle_candidate(
        live.as_ref().map(|grant| newer(grant.issued_at)),
        other.map(|other| newer(other.issued_at)),
    );
    match (decision, live, other) {
        (Settlement::Adopt, Some(grant), _) => adopt(gateway, candidate, grant).await,
        (Settlement::HandOver, _, Some(other)) => hand_over(gateway, candidate, other).await,
        (Settlement::Revoke, _, _) => revoke_candidate(gateway, candidate).await,
        _ => Ok(gateway.store.delete_candidate(&candidate.id).await?),
    }
}

async fn adopt(gateway: &Gateway, candidate: &Candidate, grant: Grant) -> Result<(), Error> {
    let pair = vault::open_candidate(gateway, candidate)?;
    let generation = grant.generation.0 + 1;
    let expected = grant.generation;
    let adopted = Grant {
        pair: Some(vault::seal_grant(gateway, &grant.client_id, &grant.id, generation, &pair)),
        generation: Generation(generation),
        state: GrantState::Active,
        reason: None,
        issued_at: candidate.issued_at,
        profile: candidate.profile.clone(),
        ..grant
    };
    // If the grant moved on meanwhile the candidate stays due and the next round decides anew.
    if gateway.store.adopt_candidate(&candidate.id, &adopted, expected).await? == Committed::Done {
        gateway.notice_changes().await?;
    }
    Ok(())
}

async fn hand_over(gateway: &Gateway, candidate: &Candidate, to: &Candidate) -> Result<(), Error> {
    let pair = vault::open_candidate(gateway, candidate)?;
    let sealed = vault::seal_candidate(gateway, &to.client_id, &to.id, &pair);
    gateway.store.hand_over_candidate(&candidate.id, &to.id, &sealed, candidate.issued_at).await?;
    Ok(())
}

async fn revoke_candidate(gateway: &Gateway, candidate: &Candidate) -> Result<(), Error> {
    let pair = vault::open_candidate(gateway, candidate)?;
    if revoke(gateway, &candidate.client_id, &pair).await {
        gateway.store.delete_candidate(&candidate.id).await?;
    }
    Ok(())
}

/// Revokes an ended grant at Notion and destroys its data key. A newer consent for the same authorization means
/// that there is nothing left to revoke: it would end the new one.
pub(crate) async fn revoke_tombstone(gateway: &Gateway, grant: &Grant) -> Result<(), Error> {
    let live = gateway.store.find_live_grant(&grant.client_id, &grant.profile).await?.is_some();
    let pending = !gateway.store.candidates_of(&grant.client_id, &grant.profile).await?.is_empty();
    let revoked = match vault::open_grant(gateway, grant)? {
        Some(pair) if !live && !pending => revoke(gateway, &grant.client_id, &pair).await,
        _ => true,
    };
    if revoked {
        gateway.store.destroy_data_key(&grant.id).await?;
    }
    Ok(())
}

/// Whether Notion took the revocation (an unknown token counts as revoked). Otherwise it is tried again later.
async fn revoke(gateway: &Gateway, client_id: &str, pair: &vault::Pair) -> bool {
    let Some((_, integration)) = gateway.config.by_client_id(client_id) else { return false };
    match gateway.notion.revoke(integration, &pair.access_token).await {
        Ok(()) => true,
        Err(why) => {
            tracing::warn!(event = "revoke.failed", why);
            false
        }
    }
}
