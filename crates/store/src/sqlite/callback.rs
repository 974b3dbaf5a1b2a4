//! Spending an attempt, and saving what a good callback brought.

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, named_params, params};
use sealing::Sha256;

use super::candidates;
use super::connections;
use super::rows::{At, Hash, Word};
use super::way_in::{attempt, insert_steps};
use crate::records::{Attempt, AttemptOutcome, Candidate, Code, Step};
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

/// What was spent is spent for everybody: a reload comes without the cookie, which ended with the attempt. Otherwise the
/// right browser comes first: without its cookie nothing is spent, and nothing is told.
fn spend(db: &Db, mut found: Attempt, cookies: &[Sha256], now: Timestamp) -> Result<AttemptTaken> {
    if found.consumed_at.is_some() {
        return Ok(AttemptTaken::Spent(Box::new(found)));
    }
    let bound =
        cookies.iter().any(|cookie| sealing::equal(cookie.as_bytes(), found.cookie_sha256.as_bytes()));
    if !bound {
        return Ok(AttemptTaken::WrongBrowser(Box::new(found)));
    }
    db.prepare_cached("UPDATE attempts SET consumed_at = ?2 WHERE id = ?1")?
        .execute(params![found.id, At(now)])?;
    found.consumed_at = Some(now);
    if found.expires_at <= now {
        return Ok(AttemptTaken::Expired(Box::new(found)));
    }
    Ok(AttemptTaken::Taken(Box::new(found)))
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
    // A commit that was reported as failed may have been done: then this one is the same again.
    if let Some(kept) = candidates::find(db, &arrival.candidate.id)? {
        let saved = kept.connection_id.is_some();
        return Ok(if saved { ArrivalSaved::Saved } else { ArrivalSaved::Superseded });
    }
    let session: Option<String> = db
        .prepare_cached("SELECT connect_session_id FROM attempts WHERE id = ?1")?
        .query_row([&arrival.attempt_id], |row| row.get(0))?;
    if let Some(session) = session {
        let spent = db
            .prepare_cached("UPDATE connect_sessions SET spent_at = ?2 WHERE id = ?1 AND spent_at IS NULL")?
            .execute(params![session, At(now)])?;
        if spent == 0 {
            return supersede(db, arrival, now);
        }
        end_others(db, &session, &arrival.attempt_id, now)?;
    }
    connections::insert(db, &arrival.connection)?;
    candidates::insert(db, &arrival.candidate)?;
    insert_code(db, &arrival.code)?;
    db.prepare_cached("UPDATE attempts SET outcome = ?2, connection_id = ?3 WHERE id = ?1")?
        .execute(params![arrival.attempt_id, Word(AttemptOutcome::Returned), arrival.connection.id])?;
    insert_steps(db, &arrival.attempt_id, &arrival.steps)?;
    Ok(ArrivalSaved::Saved)
}

/// Another attempt of the session came first: the pair is kept to be settled, and opens nothing.
fn supersede(db: &Db, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved> {
    let homeless = Candidate { connection_id: None, expires_at: now, ..arrival.candidate.clone() };
    candidates::insert(db, &homeless)?;
    update_attempt(db, &arrival.attempt_id, Some(AttemptOutcome::Superseded), &[])?;
    Ok(ArrivalSaved::Superseded)
}

/// The first attempt to succeed ends the session's others.
fn end_others(db: &Db, session: &str, winner: &str, now: Timestamp) -> Result<()> {
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
