//! What becomes of token pairs that nobody will use: unredeemed candidates and the tombstones of ended grants.
//! A pair is revoked at Notion only if nothing else stands on the same authorization; otherwise Notion is asked which of
//! them lives, for a newer consent may have ended the older pair. A stranger's attempt must never end a live connection.

use std::time::Duration;

use failpoints::Point;
use lifecycle::{Introspected, LISTEN_MAX, Rival, SettleEffect, Settlement};
use notion_wire::token::Refusal;
use sealing::equal;
use store::records::{Actor, AttemptOutcome, Candidate, Code, Event, EventKind, Grant, Profile, Step};

use crate::config::Integration;
use crate::link::after;
use crate::notion::TokenError;
use crate::owners::{self, Owner};
use crate::turns::{self, Revoked};
use crate::{Error, Gateway, pairs, vault};

/// How many of each are settled in one round.
const ROUND_MAX: usize = 100;
/// How long a revocation waits while a consent is exchanged.
const TURN_AFTER: Duration = Duration::from_secs(5);
/// How long a pair that could not be settled waits, so that it does not stand in the others' way.
const AGAIN_AFTER: Duration = Duration::from_mins(5);

/// Held by the one round of settling that goes on in this process.
#[derive(Default)]
pub(crate) struct Settling(tokio::sync::Mutex<()>);

/// How settling one pair went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is settled; or it moved meanwhile, stays due, and the next round decides anew.
    Done,
    /// Nothing was revoked: its pair, or a newer one, is kept beside it and settled by itself.
    Kept,
    /// Notion said no, the row cannot be read, or nobody can tell yet: it is tried again after this time.
    Later(Duration),
    /// Notion does not answer: it need not be asked about others now.
    Unanswered,
}

impl Settled {
    /// How long it waits to be tried again.
    fn wait(self) -> Option<Duration> {
        match self {
            Self::Done | Self::Kept => None,
            Self::Later(wait) => Some(wait),
            Self::Unanswered => Some(AGAIN_AFTER),
        }
    }
}

/// Settles what is due, now, without making anybody wait for it.
pub(crate) fn soon(gateway: &Gateway) {
    let outer = gateway.clone();
    gateway.world.spawn(async move {
        let inner = outer.clone();
        if let Err(error) = outer.uninterrupted(async move { all(&inner).await }).await {
            tracing::warn!(event = "settle.failed", why = %error);
        }
    });
}

/// One round: codes that ended unredeemed, candidates that are due, tombstones not revoked yet. What cannot be settled
/// keeps nobody else from being settled.
pub(crate) async fn all(gateway: &Gateway) -> Result<(), Error> {
    let _turn = gateway.settling.0.lock().await;
    let now = gateway.world.now();
    for code in gateway.store.unredeemed_codes(now, ROUND_MAX).await? {
        if let Err(error) = end_unredeemed(gateway, &code).await {
            tracing::error!(event = "settle.failed", attempt = code.attempt_id, why = %error);
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

async fn end_unredeemed(gateway: &Gateway, code: &Code) -> Result<(), Error> {
    let now = gateway.world.now();
    let note = "The app did not redeem the code within five minutes, so nothing was connected. Does its return URL call POST /api/connections (or /v1/oauth/token)?";
    let step = Step::failed(now, Actor::App, Actor::Vestibule, "The code was never redeemed", note);
    let event = Event {
        connection_id: Some(code.connection_id.clone()),
        attempt_id: Some(code.attempt_id.clone()),
        ..gateway.event(EventKind::Unredeemed, &code.client_id)
    };
    let outcome = AttemptOutcome::Unredeemed;
    gateway.store.refuse_code(&code.code_sha256, outcome, &[step], &event, now).await?;
    Ok(())
}

/// Settles one due candidate, or puts it off.
pub(crate) async fn candidate_now(gateway: &Gateway, candidate: &Candidate) -> Result<Settled, Error> {
    let settled = settle(gateway, candidate).await.unwrap_or_else(|error| {
        tracing::error!(event = "settle.failed", candidate = candidate.id, why = %error);
        Settled::Later(AGAIN_AFTER)
    });
    if let Some(wait) = settled.wait() {
        gateway.store.postpone_candidate(&candidate.id, after(gateway.world.now(), wait)).await?;
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
        Settled::Later(AGAIN_AFTER)
    });
    if let Some(wait) = settled.wait() {
        gateway.store.postpone_revocation(grant_id, after(gateway.world.now(), wait)).await?;
    }
    Ok(settled)
}

/// Settles one candidate that no connection waits for: `lifecycle` says what to ask and what to do.
async fn settle(gateway: &Gateway, candidate: &Candidate) -> Result<Settled, Error> {
    let Some((_, integration)) = gateway.config.by_client_id(&candidate.client_id) else {
        return Ok(Settled::Later(AGAIN_AFTER));
    };
    if candidate.adopted {
        // The grant that took the pair over goes on with it, or ends it.
        gateway.store.delete_candidate(&candidate.id, None).await?;
        return Ok(Settled::Done);
    }
    let pair = vault::open_candidate(gateway, candidate)?;
    let mut candidate = candidate.clone();
    if owners::name(gateway, &mut candidate).await? == Owner::Unanswered {
        return Ok(Settled::Unanswered);
    }
    let candidate = &candidate;
    let (rival, standing) = rival_of(gateway, candidate).await?;
    let same = standing.as_ref().and_then(|(_, other)| other.as_ref()).is_some_and(|other| {
        equal(pair.access_token.expose().as_bytes(), other.access_token.expose().as_bytes())
    });
    let (mut machine, mut effect) = Settlement::begin(rival, same);
    loop {
        let asked = match (effect, &standing) {
            (SettleEffect::AskPair, _) => &pair,
            (SettleEffect::AskRival, Some((_, Some(other)))) => other,
            // A pair that does not open any more, or that a grant took over, is as good as dead.
            (SettleEffect::AskRival, Some((_, None))) => {
                effect = machine.told(Introspected::Inactive);
                continue;
            }
            (SettleEffect::End, _) => return revoke_candidate(gateway, candidate).await,
            (SettleEffect::Replace, Some((Standing::Grant(grant), _))) => {
                return adopt(gateway, candidate, grant).await;
            }
            (SettleEffect::Replace, Some((Standing::Waiting(waiting), _))) => {
                gateway.store.hand_over_candidate(&candidate.id, &waiting.id).await?;
                return Ok(Settled::Done);
            }
            (SettleEffect::Drop, _) => {
                gateway.store.delete_candidate(&candidate.id, None).await?;
                return Ok(Settled::Done);
            }
            (SettleEffect::Keep(wait), _) => return Ok(Settled::Later(wait)),
            (SettleEffect::AskRival | SettleEffect::Replace, None) => return Err(Error::Internal),
        };
        let answer = gateway.notion.introspect(integration, &asked.access_token).await;
        failpoints::hit(Point::SettleAsked);
        effect = machine.told(answer);
        if answer == Introspected::Unclear {
            return Ok(Settled::Unanswered);
        }
    }
}

/// What stands on the same authorization as a candidate.
enum Standing {
    Grant(Box<Grant>),
    Waiting(Box<Candidate>),
}

/// The live grant comes first, then a candidate that a pending connection waits for; with its pair in the clear, if it opens and is its own.
async fn rival_of(
    gateway: &Gateway,
    candidate: &Candidate,
) -> Result<(Rival, Option<(Standing, Option<vault::Pair>)>), Error> {
    if let Some(grant) = gateway.store.find_live_grant(&candidate.client_id, &candidate.profile).await? {
        let renewing = grant.leased_until.is_some_and(|until| until > gateway.world.now());
        let rival = Rival::Grant { state: grant.state, renewing };
        let pair = vault::open_grant(gateway, &grant).ok().flatten();
        return Ok((rival, Some((Standing::Grant(Box::new(grant)), pair))));
    }
    let others = gateway.store.candidates_of(&candidate.client_id, &candidate.profile).await?;
    let rivals =
        |other: &Candidate| other.connection_id.is_some() && other.profile.is_same_owner(&candidate.profile);
    if let Some(waiting) = others.into_iter().find(rivals) {
        let pair = vault::open_candidate(gateway, &waiting).ok().filter(|_| !waiting.adopted);
        return Ok((Rival::Waiting, Some((Standing::Waiting(Box::new(waiting)), pair))));
    }
    let beside = gateway.store.stands_beside(&candidate.client_id, &candidate.profile).await?;
    Ok((if beside { Rival::Stranger } else { Rival::Nobody }, None))
}

async fn adopt(gateway: &Gateway, candidate: &Candidate, grant: &Grant) -> Result<Settled, Error> {
    let (adopted, event) = pairs::adopted(gateway, candidate, grant)?;
    // If the grant moved meanwhile the candidate stays due, and the next round decides anew.
    gateway.store.adopt_candidate(&candidate.id, &adopted, grant.generation, &event).await?;
    Ok(Settled::Done)
}

async fn revoke_candidate(gateway: &Gateway, candidate: &Candidate) -> Result<Settled, Error> {
    let pair = vault::open_candidate(gateway, candidate)?;
    let settled = end_at_notion(gateway, Ended::Candidate(candidate), &pair).await?;
    let event = Event {
        attempt_id: candidate.attempt_id.clone(),
        ..gateway.event(EventKind::ConsentRevoked, &candidate.client_id)
    };
    // Nobody is told of a revocation that is still to come.
    match settled {
        Settled::Done => gateway.store.delete_candidate(&candidate.id, Some(&event)).await?,
        Settled::Kept => gateway.store.delete_candidate(&candidate.id, None).await?,
        Settled::Later(_) | Settled::Unanswered => {}
    }
    Ok(settled)
}

/// Ends what a tombstone holds, and destroys its data key. If another consent stands on the same authorization nothing is
/// revoked, for that would end it too: the pair is kept and settled with it, for it may be the one that works.
async fn end_tombstone(gateway: &Gateway, grant_id: &str) -> Result<Settled, Error> {
    let found = gateway.store.find_grant_with_facts(grant_id, gateway.world.now()).await?;
    let Some((grant, facts)) = found else { return Ok(Settled::Done) };
    let Some(mut pair) = vault::open_grant(gateway, &grant)? else { return Ok(Settled::Done) };
    if facts.is_spent() {
        // By a refresh that was on its way when the last connection ended; what it brought is settled by itself.
        pair.refresh_token = None;
    }
    if grant.leased_until.is_some_and(|until| until > gateway.world.now()) {
        // Another node has sent a refresh: what it brings is kept and settled there, and this pair is spent.
        return Ok(Settled::Done);
    }
    let beside = gateway.store.stands_beside(&grant.client_id, &grant.profile).await?;
    let others = gateway.store.candidates_of(&grant.client_id, &grant.profile).await?;
    let kept = (beside || !others.is_empty()).then(|| pairs::beside(gateway, &grant, &pair));
    let settled = match kept {
        Some(_) => Settled::Kept,
        None => end_at_notion(gateway, Ended::Tombstone(&grant), &pair).await?,
    };
    if matches!(settled, Settled::Done | Settled::Kept) {
        let event = gateway.event(EventKind::Revoked, &grant.client_id);
        let told = Some(&event).filter(|_| settled == Settled::Done);
        gateway.store.destroy_data_key(&grant.id, told, kept.as_ref()).await?;
        failpoints::hit(Point::Destroyed);
    }
    Ok(settled)
}

/// The row whose pair is to be ended.
#[derive(Clone, Copy)]
enum Ended<'a> {
    Candidate(&'a Candidate),
    Tombstone(&'a Grant),
}

impl<'a> Ended<'a> {
    /// Its client id, and whose it is.
    fn of(self) -> (&'a str, &'a Profile) {
        match self {
            Self::Candidate(candidate) => (&candidate.client_id, &candidate.profile),
            Self::Tombstone(grant) => (&grant.client_id, &grant.profile),
        }
    }

    /// Whether its refresh token is ours alone to spend, for as long as an answer is listened to.
    async fn claim(self, gateway: &Gateway) -> Result<bool, Error> {
        let now = gateway.world.now();
        let until = after(now, LISTEN_MAX);
        Ok(match self {
            Self::Candidate(candidate) => gateway.store.claim_candidate(&candidate.id, now, until).await?,
            Self::Tombstone(grant) => gateway.store.claim_revocation(&grant.id, now, until).await?,
        })
    }
}

/// Ends an authorization at Notion. It answers for a token that has merely run out as for one that it revoked, so it is
/// asked first whether the token is active; if not, the refresh token may still hold the authorization.
async fn end_at_notion(gateway: &Gateway, ended: Ended<'_>, pair: &vault::Pair) -> Result<Settled, Error> {
    let Some((_, integration)) = gateway.config.by_client_id(ended.of().0) else {
        return Ok(Settled::Later(AGAIN_AFTER));
    };
    match gateway.notion.introspect(integration, &pair.access_token).await {
        Introspected::Active => revoke(gateway, integration, ended.of().1, pair).await,
        Introspected::Unclear | Introspected::Throttled(_) => Ok(Settled::Unanswered),
        Introspected::Inactive => renew_and_revoke(gateway, integration, ended, pair).await,
    }
}

/// Refreshes once more, only to have a token to revoke with. What it brings is kept until it is revoked. One process alone does
/// it: a token that is sent twice may end what a newer consent stands on.
async fn renew_and_revoke(
    gateway: &Gateway,
    integration: &Integration,
    ended: Ended<'_>,
    pair: &vault::Pair,
) -> Result<Settled, Error> {
    // Without a refresh token nothing of it works any more.
    let Some(refresh_token) = &pair.refresh_token else { return Ok(Settled::Done) };
    if !ended.claim(gateway).await? {
        return Ok(Settled::Later(LISTEN_MAX));
    }
    let (_, profile) = ended.of();
    match gateway.notion.refresh(integration, refresh_token).await {
        Ok(answer) if answer.is_of(&profile.bot_id, &profile.workspace_id) => {
            let (renewed, now) = (vault::Pair::of_tokens(answer.tokens()), gateway.world.now());
            let kept = pairs::keep(gateway, &integration.client_id, profile, now, &renewed).await?;
            // What it was refreshed with is spent, whatever becomes of what it brought: that is ended by itself.
            if revoke(gateway, integration, profile, &renewed).await.unwrap_or(Settled::Kept) != Settled::Done
            {
                return Ok(Settled::Kept);
            }
            gateway.store.delete_candidate(&kept.id, None).await?;
            Ok(Settled::Done)
        }
        Ok(_) => {
            tracing::error!(event = "refresh.foreign_pair", bot = profile.bot_id);
            Ok(Settled::Later(AGAIN_AFTER))
        }
        Err(TokenError::Refused(Refusal::InvalidGrant)) => Ok(Settled::Done),
        Err(TokenError::NotSent | TokenError::NoAnswer) => Ok(Settled::Unanswered),
        Err(_) => Ok(Settled::Later(AGAIN_AFTER)),
    }
}

/// Revokes a pair, when it is its turn.
async fn revoke(
    gateway: &Gateway,
    integration: &Integration,
    profile: &Profile,
    pair: &vault::Pair,
) -> Result<Settled, Error> {
    Ok(match turns::revoke(gateway, integration, profile, pair).await? {
        Revoked::Done => Settled::Done,
        Revoked::Refused => {
            tracing::warn!(event = "revoke.refused", client_id = integration.client_id);
            Settled::Later(AGAIN_AFTER)
        }
        Revoked::Unanswered => Settled::Unanswered,
        Revoked::Exchanging => Settled::Later(TURN_AFTER),
        // What came meanwhile decides; the next round sees it.
        Revoked::Shared => Settled::Later(Duration::ZERO),
    })
}
