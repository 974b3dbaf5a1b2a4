//! Spending an attempt, and saving what a good callback brought.

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, named_params, params};
use sealing::Sha256;

use super::candidates;
use super::connections;
use super::rows::{At, Hash, Word};
use super::way_in::{self, attempt, insert_steps};
use crate::decide::{self, Arriving, Taking};
use crate::records::{Attempt, AttemptOutcome, Candidate, Code, Door, Profile, Step};
use crate::{Arrival, ArrivalSaved, AttemptTaken, Result};

pub(super) fn take_attempt(
    db: &Db,
    client_id: &str,
    state: &Sha256,
    cookies: &[Sha256],
    now: Timestamp,
    stranger: &Step,
) -> Result<AttemptTaken> {
    let found = db
        .prepare_cached("SELECT * FROM attempts WHERE client_id = ?1 AND state_sha256 = ?2")?
        .query_row(params![client_id, Hash(*state)], attempt)
        .optional()?;
    let Some(found) = found else { return Ok(AttemptTaken::Unknown) };
    let taken = spend(db, found, cookies, now)?;
    if let AttemptTaken::WrongBrowser(found) = &taken {
        note_stranger(db, &found.id, now, stranger)?;
    }
    Ok(taken)
}

/// Once an attempt, while it is open.
fn note_stranger(db: &Db, id: &str, now: Timestamp, step: &Step) -> Result<()> {
    let noted = db
        .prepare_cached(
            "UPDATE attempts SET stranger_at = ?2 WHERE id = ?1 AND stranger_at IS NULL AND expires_at > ?2",
        )?
        .execute(params![id, At(now)])?;
    if noted == 1 { insert_steps(db, id, std::slice::from_ref(step)) } else { Ok(()) }
}

pub(super) fn take_attempt_by_cookie(
    db: &Db,
    client_id: &str,
    cookies: &[Sha256],
    now: Timestamp,
) -> Result<AttemptTaken> {
    let mut open = Vec::new();
    for cookie in cookies {
        let mut statement = db.prepare_cached(
            "SELECT * FROM attempts
             WHERE client_id = ?1 AND cookie_sha256 = ?2 AND consumed_at IS NULL AND expires_at > ?3",
        )?;
        open.extend(statement.query_row(params![client_id, Hash(*cookie), At(now)], attempt).optional()?);
    }
    match (open.pop(), open.is_empty()) {
        (Some(only), true) => spend(db, only, cookies, now),
        _ => Ok(AttemptTaken::Unknown),
    }
}

fn spend(db: &Db, mut found: Attempt, cookies: &[Sha256], now: Timestamp) -> Result<AttemptTaken> {
    let taking = decide::take(&found, cookies, now);
    if matches!(taking, Taking::Taken | Taking::Expired) {
        db.prepare_cached("UPDATE attempts SET consumed_at = ?2 WHERE id = ?1")?
            .execute(params![found.id, At(now)])?;
        found.consumed_at = Some(now);
    }
    let found = Box::new(found);
    Ok(match taking {
        Taking::Spent => AttemptTaken::Spent(found),
        Taking::WrongBrowser => AttemptTaken::WrongBrowser(found),
        Taking::Expired => AttemptTaken::Expired(found),
        Taking::Taken => AttemptTaken::Taken(found),
    })
}

pub(super) fn update_attempt(
    db: &Db,
    id: &str,
    outcome: Option<AttemptOutcome>,
    steps: &[Step],
) -> Result<()> {
    if let Some(outcome) = outcome {
        db.prepare_cached("UPDATE attempts SET outcome = ?2 WHERE id = ?1")?
            .execute(params![id, Word(outcome)])?;
    }
    insert_steps(db, id, steps)
}

pub(super) fn save_arrival(db: &Db, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved> {
    let attempt = db
        .prepare_cached("SELECT * FROM attempts WHERE id = ?1")?
        .query_row([&arrival.attempt_id], attempt)
        .optional()?;
    // Its user was erased while the code was exchanged.
    let Some(attempt) = attempt else { return orphan(db, arrival, now) };
    let session = match &attempt.door {
        Door::Session { connect_session_id, .. } => Some(connect_session_id),
        Door::NotionShaped { .. } => None,
    };
    let spent = session.map(|session| is_spent(db, &attempt.client_id, session)).transpose()?;
    match decide::arrive(&attempt, spent.unwrap_or_default(), &arrival.connection.id) {
        Arriving::Again(saved) => Ok(saved),
        Arriving::Supersede => supersede(db, arrival, now),
        Arriving::Save => {
            if let Some(session) = session {
                spend_session(db, session, &arrival.attempt_id, now)?;
            }
            save(db, arrival)
        }
    }
}

/// Whether a session was spent; one that is gone is.
fn is_spent(db: &Db, client_id: &str, session: &str) -> Result<bool> {
    let found = way_in::find_connect_session(db, client_id, session)?;
    Ok(found.is_none_or(|session| session.spent_at.is_some()))
}

fn save(db: &Db, arrival: &Arrival) -> Result<ArrivalSaved> {
    connections::insert(db, &arrival.connection)?;
    candidates::insert(db, &arrival.candidate)?;
    insert_code(db, &arrival.code)?;
    db.prepare_cached("UPDATE attempts SET outcome = ?2, connection_id = ?3 WHERE id = ?1")?
        .execute(params![arrival.attempt_id, Word(AttemptOutcome::Returned), arrival.connection.id])?;
    insert_steps(db, &arrival.attempt_id, &arrival.steps)?;
    Ok(ArrivalSaved::Saved)
}

/// Nobody is there to redeem it, and its person is not to be named.
fn orphan(db: &Db, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved> {
    let named = &arrival.candidate.profile;
    let profile = Profile {
        owner_name: None,
        owner_email: None,
        workspace_name: None,
        workspace_icon: None,
        ..named.clone()
    };
    let nameless = Candidate { profile, attempt_id: None, ..arrival.candidate.clone() };
    supersede(db, &Arrival { candidate: nameless, ..arrival.clone() }, now)
}

/// Another attempt of the session came first: the pair is kept to be settled, and opens nothing.
fn supersede(db: &Db, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved> {
    let homeless = Candidate { connection_id: None, expires_at: now, ..arrival.candidate.clone() };
    candidates::insert(db, &homeless)?;
    update_attempt(db, &arrival.attempt_id, Some(AttemptOutcome::Superseded), &[])?;
    Ok(ArrivalSaved::Superseded)
}

/// The first attempt to succeed spends the session, and ends its others.
fn spend_session(db: &Db, session: &str, winner: &str, now: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE connect_sessions SET spent_at = ?2 WHERE id = ?1")?
        .execute(params![session, At(now)])?;
    db.prepare_cached(
        "UPDATE attempts SET outcome = :outcome, consumed_at = :now
         WHERE connect_session_id = :session AND id <> :winner AND consumed_at IS NULL",
    )?
    .execute(named_params! {
        ":outcome": Word(AttemptOutcome::Superseded),
        ":now": At(now),
        ":session": session,
        ":winner": winner,
    })?;
    Ok(())
}

fn insert_code(db: &Db, code: &Code) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO codes (code_sha256, client_id, attempt_id, connection_id, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        Hash(code.code_sha256),
        code.client_id,
        code.attempt_id,
        code.connection_id,
        At(code.expires_at)
    ])?;
    Ok(())
}
