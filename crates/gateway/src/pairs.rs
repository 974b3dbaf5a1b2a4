//! Token pairs that move between rows: kept beside a grant whose row moved on, or taken over from a consent that waits.

use std::time::Duration;

use failpoints::Point;
use jiff::Timestamp;
use lifecycle::{Generation, GrantState};
use store::StoreError;
use store::records::{Candidate, Event, EventKind, Grant, Profile};

use crate::link::after;
use crate::{Error, Gateway, vault};

/// How long to wait before a pair that the store did not take is offered to it again.
const PAUSE: Duration = Duration::from_millis(500);

/// Keeps a pair that has no row of its own, to be settled, rather than lose it. It exists nowhere else, so the store is asked
/// until it answers.
pub(crate) async fn keep(
    gateway: &Gateway,
    client_id: &str,
    profile: &Profile,
    issued_at: Timestamp,
    pair: &vault::Pair,
) -> Result<Candidate, Error> {
    let candidate = due(gateway, client_id, profile, issued_at, pair);
    store(gateway, &candidate).await?;
    Ok(candidate)
}

/// Keeps the pair of a consent whose attempt or session cannot be read: settling finds out what becomes of it.
pub(crate) async fn keep_alone(gateway: &Gateway, candidate: &Candidate) -> Result<(), Error> {
    let alone = Candidate {
        connection_id: None,
        attempt_id: None,
        profile: nameless(&candidate.profile),
        expires_at: gateway.world.now(),
        ..candidate.clone()
    };
    store(gateway, &alone).await
}

async fn store(gateway: &Gateway, candidate: &Candidate) -> Result<(), Error> {
    failpoints::hit(Point::PairSealed);
    loop {
        match gateway.store.insert_candidate(candidate).await {
            Ok(()) => {
                failpoints::hit(Point::PairKept);
                return Ok(());
            }
            Err(error @ StoreError::Damaged { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::error!(event = "pair.unkept", candidate = candidate.id, why = %error);
                gateway.world.sleep_until(after(gateway.world.now(), PAUSE)).await;
            }
        }
    }
}

/// The grant with a candidate's pair in the place of its own, and what to tell of it.
pub(crate) fn adopted(
    gateway: &Gateway,
    candidate: &Candidate,
    grant: &Grant,
) -> Result<(Grant, Event), Error> {
    let pair = vault::open_candidate(gateway, candidate)?;
    let adopted = taken_over(gateway, candidate, grant, &pair);
    let event = Event {
        attempt_id: candidate.attempt_id.clone(),
        ..gateway.event(EventKind::Adopted, &candidate.client_id)
    };
    Ok((adopted, event))
}

/// The grant with a candidate's pair, given in the clear, one generation on.
pub(crate) fn taken_over(
    gateway: &Gateway,
    candidate: &Candidate,
    grant: &Grant,
    pair: &vault::Pair,
) -> Grant {
    Grant {
        issued_at: candidate.issued_at,
        profile: named(&candidate.profile, &grant.profile),
        ..renewed(gateway, grant, pair)
    }
}

/// A profile, with the names that another of the same authorization knows where it knows none: of a candidate they may have been
/// erased.
fn named(profile: &Profile, known: &Profile) -> Profile {
    let or = |name: &Option<String>, known: &Option<String>| name.clone().or_else(|| known.clone());
    Profile {
        workspace_name: or(&profile.workspace_name, &known.workspace_name),
        workspace_icon: or(&profile.workspace_icon, &known.workspace_icon),
        owner_name: or(&profile.owner_name, &known.owner_name),
        owner_email: or(&profile.owner_email, &known.owner_email),
        ..profile.clone()
    }
}

/// The grant with another pair, one generation on.
pub(crate) fn renewed(gateway: &Gateway, grant: &Grant, pair: &vault::Pair) -> Grant {
    let generation = grant.generation.0 + 1;
    Grant {
        pair: Some(vault::seal_grant(gateway, &grant.client_id, &grant.id, generation, pair)),
        generation: Generation(generation),
        state: GrantState::Active,
        reason: None,
        issued_at: gateway.world.now(),
        ..grant.clone()
    }
}

/// A grant's own pair as a candidate, to be kept beside the one that takes its place.
pub(crate) fn beside(gateway: &Gateway, grant: &Grant, pair: &vault::Pair) -> Candidate {
    due(gateway, &grant.client_id, &grant.profile, grant.issued_at, pair)
}

/// A candidate that no connection waits for and that is due at once. It names nobody: whoever it is of may have been erased
/// while it was on its way. What takes it over has the names.
fn due(
    gateway: &Gateway,
    client_id: &str,
    profile: &Profile,
    issued_at: Timestamp,
    pair: &vault::Pair,
) -> Candidate {
    let id = gateway.world.id("can");
    Candidate {
        pair: vault::seal_candidate(gateway, client_id, &id, pair),
        id,
        client_id: client_id.to_owned(),
        connection_id: None,
        attempt_id: None,
        profile: nameless(profile),
        issued_at,
        expires_at: gateway.world.now(),
        adopted: false,
    }
}

/// Whose it is, without a name.
fn nameless(profile: &Profile) -> Profile {
    Profile {
        workspace_name: None,
        workspace_icon: None,
        owner_name: None,
        owner_email: None,
        ..profile.clone()
    }
}
