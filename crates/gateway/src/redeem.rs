//! Our code becomes a live connection: the second of the two phases, for both doors.
//! The app proves which user it means (its own session's end user, or its secret, redirect URI and verifier); only
//! then does the sealed candidate become the grant's current pair. A code opens only at the door and integration it
//! was made for; elsewhere it is unknown and stays unspent.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use failpoints::Point;
use jiff::Timestamp;
use lifecycle::{Generation, GrantState, RedeemEffect, Redemption};
use sealing::{equal, sha256};
use store::records::{
    Actor, Attempt, AttemptOutcome, Candidate, Code, CodeSpent, ConnectionView, Door, Event, EventKind,
    Grant, Profile, Step,
};
use store::{Activated, Activation, Chosen, CodeFound, Footing, StoreError};

use crate::caller::AppCaller;
use crate::keys::MintedKey;
use crate::link::after;
use crate::owners::{self, Owner};
use crate::reconnect::{self, OnMismatch, Reconnect};
use crate::{Error, Gateway, keys, pairs, settle, vault};

/// How often activation reads again when the grant moved on meanwhile.
const ACTIVATION_TRIES: usize = 8;
/// How often an activation is asked for whose answer was lost, and how long to wait in between.
const STORE_TRIES: usize = 3;
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// What the app brings to prove whom it means.
pub(crate) enum Proof<'a> {
    /// Session door: the end user of the app's own session, and what it wants of a consent that reconnects nothing.
    EndUser { end_user: &'a str, mismatch: OnMismatch },
    /// Notion-shaped door: the redirect URI again, and the PKCE verifier if one was promised.
    NotionShaped { redirect_uri: &'a str, code_verifier: Option<&'a str> },
}

/// What a presented code deserves.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Make it live.
    Activate,
    /// The same app asks again: the same answer.
    Repeat(String),
    /// Nothing of that name here; nothing is spent.
    Unknown,
    /// It was spent before; nothing that was issued ends.
    Replayed,
    /// Its five minutes are over; the sweep will settle it.
    TooLate,
    /// The proof is wrong: the code is spent for good.
    Refuse(&'static str),
}

fn judge(found: Option<&CodeFound>, caller: &AppCaller, proof: &Proof<'_>, now: Timestamp) -> Verdict {
    let Some(found) = found else { return Verdict::Unknown };
    let same_door = matches!(
        (&found.attempt.door, proof),
        (Door::Session { .. }, Proof::EndUser { .. })
            | (Door::NotionShaped { .. }, Proof::NotionShaped { .. })
    );
    if found.code.client_id != caller.client_id || !same_door {
        return Verdict::Unknown;
    }
    let wrong = wrong_proof(&found.attempt.door, proof);
    match &found.code.spent {
        None if found.code.expires_at <= now => Verdict::TooLate,
        None => wrong.map_or(Verdict::Activate, Verdict::Refuse),
        Some(CodeSpent::Redeemed { key_id, connection_id })
            if matches!(proof, Proof::EndUser { .. })
                && *key_id == caller.key_id
                && wrong.is_none()
                && found.code.expires_at > now =>
        {
            Verdict::Repeat(connection_id.clone())
        }
        Some(_) => Verdict::Replayed,
    }
}

/// What is wrong with the proof, if anything.
fn wrong_proof(door: &Door, proof: &Proof<'_>) -> Option<&'static str> {
    match (door, proof) {
        (Door::Session { end_user, .. }, Proof::EndUser { end_user: presented, .. }) => {
            (end_user != presented).then_some("the end user is not the one that the link was made for")
        }
        (
            Door::NotionShaped { redirect_uri, code_challenge, .. },
            Proof::NotionShaped { redirect_uri: presented, code_verifier },
        ) => {
            if *presented != redirect_uri.as_str() {
                return Some("redirect_uri is not the one that the authorization was asked with");
            }
            match (code_challenge, code_verifier) {
                (None, None) => None,
                (None, Some(_)) => Some("code_verifier was given though no code_challenge was"),
                (Some(_), None) => Some("code_verifier is missing"),
                (Some(challenge), Some(verifier)) => {
                    (!verifies(challenge, verifier)).then_some("code_verifier is wrong")
                }
            }
        }
        _ => Some("the code was made for the other door"),
    }
}

/// RFC 7636 4.6, S256.
fn verifies(challenge: &str, verifier: &str) -> bool {
    let computed = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()).as_bytes());
    equal(computed.as_bytes(), challenge.as_bytes())
}

/// What a redeemed code gives.
pub(crate) struct Redeemed {
    pub(crate) connection: ConnectionView,
    /// A connection key with its refresh string (Notion-shaped door).
    pub(crate) key: Option<MintedKey>,
}

/// Trades a code for its connection.
pub(crate) async fn redeem(
    gateway: &Gateway,
    caller: &AppCaller,
    code: &str,
    proof: Proof<'_>,
) -> Result<Redeemed, Error> {
    let code_sha256 = sha256(code.as_bytes());
    for _ in 0..ACTIVATION_TRIES {
        let now = gateway.world.now();
        let found = gateway.store.find_code(&code_sha256).await?;
        let verdict = judge(found.as_ref(), caller, &proof, now);
        let Some(found) = found else { return Err(Error::InvalidGrant(UNKNOWN)) };
        match verdict {
            Verdict::Activate => {
                failpoints::hit(Point::RedeemFound);
                if let Some(redeemed) = activate(gateway, caller, found, &proof, now).await? {
                    return Ok(redeemed);
                }
            }
            Verdict::Repeat(connection_id) => {
                return Ok(Redeemed { connection: view(gateway, caller, &connection_id).await?, key: None });
            }
            Verdict::Unknown => return Err(Error::InvalidGrant(UNKNOWN)),
            Verdict::TooLate => {
                return Err(Error::InvalidGrant("the code has expired: codes live five minutes"));
            }
            Verdict::Replayed => {
                let event = event_of(gateway, EventKind::CodeReplayed, &found.code);
                gateway.store.insert_event(&event).await?;
                return Err(Error::InvalidGrant("the code was used before"));
            }
            Verdict::Refuse(why) => return Err(refuse(gateway, &found, why, now).await?),
        }
    }
    Err(Error::StoreUnavailable)
}

const UNKNOWN: &str = "the code is unknown here";

fn event_of(gateway: &Gateway, kind: EventKind, code: &Code) -> Event {
    Event {
        connection_id: Some(code.connection_id.clone()),
        attempt_id: Some(code.attempt_id.clone()),
        ..gateway.event(kind, &code.client_id)
    }
}

/// Spends the code for good, tells of it, and settles the pair that it would have opened.
async fn refuse(
    gateway: &Gateway,
    found: &CodeFound,
    why: &'static str,
    now: Timestamp,
) -> Result<Error, Error> {
    let note = format!("Refused: {why}. The code is spent and nothing was connected.");
    let step = Step::failed(now, Actor::App, Actor::Vestibule, "Redeem the code", &note);
    let event = Event { note: Some(why.to_owned()), ..event_of(gateway, EventKind::Refused, &found.code) };
    let outcome = AttemptOutcome::RedeemRefused;
    gateway.store.refuse_code(&found.code.code_sha256, outcome, &[step], &event, now).await?;
    settle::soon(gateway);
    Ok(Error::InvalidGrant(why))
}

/// One try at making the connection live; `None` if something moved meanwhile and must be read again.
async fn activate(
    gateway: &Gateway,
    caller: &AppCaller,
    found: CodeFound,
    proof: &Proof<'_>,
    now: Timestamp,
) -> Result<Option<Redeemed>, Error> {
    let CodeFound { code, attempt, candidate: Some(mut candidate) } = found else {
        return Err(Error::InvalidGrant(UNKNOWN));
    };
    if owners::name(gateway, &mut candidate).await? != Owner::Known {
        return Err(Error::OwnerUntold);
    }
    let live = gateway.store.find_live_grant(&caller.client_id, &candidate.profile).await?;
    if live.is_none() && candidate.adopted {
        // The grant that took the pair over was ended since: what became of the pair waits to be settled, and takes its place.
        settle::all(gateway).await?;
        return Ok(None);
    }
    let (kind, connection_id, chosen) =
        standing(gateway, &code, &attempt, live.as_ref(), &candidate.profile, proof).await?;
    let footing = footing(gateway, &candidate, live.as_ref(), now).await?;
    failpoints::hit(Point::RedeemAsked);
    let notion_shaped = matches!(attempt.door, Door::NotionShaped { .. });
    let key = notion_shaped.then(|| keys::mint_refreshable(gateway, &caller.client_id, &connection_id));
    let what = if notion_shaped { "Redeem the code for a key" } else { "Redeem the code" };
    let told = |kind| Event { connection_id: Some(connection_id.clone()), ..event_of(gateway, kind, &code) };
    let activation = Activation {
        code_sha256: code.code_sha256,
        key_id: caller.key_id.clone(),
        candidate_id: candidate.id.clone(),
        footing,
        connection_id: connection_id.clone(),
        chosen,
        ends_keys: kind == EventKind::Switched,
        key: key
            .as_ref()
            .map(|minted| (minted.row.clone(), gateway.key_event(EventKind::KeyMinted, &minted.row))),
        steps: vec![
            Step::ok(now, Actor::App, Actor::Vestibule, what),
            Step::ok(now, Actor::Vestibule, Actor::App, "The connection is live"),
        ],
        event: told(kind),
        second_owner: told(EventKind::SecondOwner),
    };
    match stored(gateway, &activation).await? {
        Activated::Done => {
            failpoints::hit(Point::RedeemActivated);
            if kind == EventKind::Switched {
                // What it stood on before may be nobody's now.
                settle::soon(gateway);
            }
            Ok(Some(Redeemed { connection: view(gateway, caller, &connection_id).await?, key }))
        }
        Activated::CodeSpent | Activated::GrantMoved => Ok(None),
    }
}

/// The store may have done it and lost the answer, and the key that was minted with it is in our hands alone: so the same is
/// asked for again, a few times.
async fn stored(gateway: &Gateway, activation: &Activation) -> Result<Activated, Error> {
    for _ in 1..STORE_TRIES {
        match gateway.store.activate(activation).await {
            Err(StoreError::Unavailable(..)) => {}
            answered => return Ok(answered?),
        }
        gateway.world.sleep_until(after(gateway.world.now(), STORE_PAUSE)).await;
    }
    Ok(gateway.store.activate(activation).await?)
}

/// Where the connection comes to stand: on a new grant, or on the live one, with whichever pair Notion says lives.
async fn footing(
    gateway: &Gateway,
    candidate: &Candidate,
    live: Option<&Grant>,
    now: Timestamp,
) -> Result<Footing, Error> {
    let new = vault::open_candidate(gateway, candidate)?;
    let Some(live) = live else {
        let id = gateway.world.id("grt");
        return Ok(Footing::New(Grant {
            pair: Some(vault::seal_grant(gateway, &candidate.client_id, &id, 1, &new)),
            id,
            client_id: candidate.client_id.clone(),
            profile: candidate.profile.clone(),
            generation: Generation(1),
            state: GrantState::Active,
            reason: None,
            issued_at: candidate.issued_at,
            created_at: now,
            leased_until: None,
        }));
    };
    // A damaged row holds nothing to compare with, and the new pair mends it.
    let old = vault::open_grant(gateway, live).ok().flatten();
    let lives = match &old {
        Some(old) => which_lives(gateway, candidate, &new, live, old).await?,
        None => lifecycle::Footing::Renewed { keep_old: false },
    };
    Ok(match lives {
        lifecycle::Footing::New => return Err(Error::Internal),
        lifecycle::Footing::Joined { keep_new } => {
            Footing::Joined { grant_id: live.id.clone(), at: live.generation, kept: keep_new }
        }
        lifecycle::Footing::Renewed { keep_old } => Footing::Renewed {
            grant: pairs::taken_over(gateway, candidate, live, &new),
            spent: live.generation,
            kept: old.filter(|_| keep_old).map(|old| Box::new(pairs::beside(gateway, live, &old))),
        },
    })
}

/// Asks Notion which of the two pairs lives.
async fn which_lives(
    gateway: &Gateway,
    candidate: &Candidate,
    new: &vault::Pair,
    live: &Grant,
    old: &vault::Pair,
) -> Result<lifecycle::Footing, Error> {
    let (_, integration) =
        gateway.config.by_client_id(&candidate.client_id).ok_or(Error::NotFound("integration"))?;
    let same = equal(new.access_token.expose().as_bytes(), old.access_token.expose().as_bytes());
    let (mut machine, mut effect) = Redemption::begin(Some(live.state), same, candidate.adopted);
    loop {
        let asked = match effect {
            RedeemEffect::AskPair => new,
            RedeemEffect::AskGrant => old,
            RedeemEffect::Stand(footing) => return Ok(footing),
        };
        effect = machine.told(gateway.notion.introspect(integration, &asked.access_token).await);
    }
}

/// Which connection comes to stand on the pair, and what that is: a new one; the older one that this consent heals (the same end
/// user's, or the Notion-shaped door's one connection, on the same grant, or the one that the link was made to reconnect, if the
/// same person chose the same workspace again); or, by the app's order, that one, moved. Another person's consent is another
/// grant: it must not move under keys that were minted for the first one's.
async fn standing(
    gateway: &Gateway,
    code: &Code,
    attempt: &Attempt,
    live: Option<&Grant>,
    came: &Profile,
    proof: &Proof<'_>,
) -> Result<(EventKind, String, Option<Chosen>), Error> {
    if let (Door::Session { end_user, reconnect: Some(id), .. }, Proof::EndUser { mismatch, .. }) =
        (&attempt.door, proof)
    {
        let named = gateway.store.find_connection(&code.client_id, id).await?;
        let chosen = named.as_ref().map(|named| Chosen::of(&named.connection));
        match (named.map(|named| reconnect::judge(&named, end_user, came)), mismatch) {
            (Some(Reconnect::Heal), _) => return Ok((EventKind::Reconnected, id.clone(), chosen)),
            (Some(Reconnect::Other(_)), OnMismatch::Switch) => {
                return Ok((EventKind::Switched, id.clone(), chosen));
            }
            (Some(Reconnect::Other(mismatch)), OnMismatch::Refuse) => {
                let (now, what) = (gateway.world.now(), "Redeem the code");
                let step = Step::failed(now, Actor::App, Actor::Vestibule, what, mismatch.note());
                gateway.store.update_attempt(&attempt.id, None, &[step]).await?;
                return Err(Error::ReconnectMismatch(mismatch));
            }
            (Some(Reconnect::Other(_)), OnMismatch::Add) | (Some(Reconnect::Gone) | None, _) => {}
        }
    }
    let end_user = match &attempt.door {
        Door::Session { end_user, .. } => Some(end_user.as_str()),
        Door::NotionShaped { .. } => None,
    };
    let older = match live {
        Some(grant) => {
            gateway.store.find_connection_on_grant(&grant.id, end_user, end_user.is_none()).await?
        }
        None => None,
    };
    Ok(match older {
        Some(older) => {
            let chosen = Some(Chosen::of(&older));
            (EventKind::Reconnected, older.id, chosen)
        }
        None => (EventKind::Connected, code.connection_id.clone(), None),
    })
}

async fn view(gateway: &Gateway, caller: &AppCaller, id: &str) -> Result<ConnectionView, Error> {
    gateway.store.find_connection(&caller.client_id, id).await?.ok_or(Error::NotFound("connection"))
}
