//! Token pairs that are not current: waiting to be redeemed, or due to be settled.

use jiff::Timestamp;
use lifecycle::Generation;
use lifecycle::rows::{self, CandidateRow, Write};
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};

use super::rows::{At, may_be_same_owner, pair, profile, time};
use super::{damage, grants, history};
use crate::records::{Candidate, Event, Grant, Profile};
use crate::{Committed, Result};

pub(super) fn insert(db: &Db, candidate: &Candidate) -> Result<()> {
    let (profile, pair) = (&candidate.profile, &candidate.pair);
    db.prepare_cached(
        "INSERT INTO candidates
            (id, client_id, connection_id, attempt_id, bot_id, workspace_id, workspace_name, workspace_icon, owner_id,
             owner_name, owner_email, duplicated_template_id, data_key_wrapped, access_token_sealed,
             refresh_token_sealed, issued_at, expires_at)
         VALUES
            (:id, :client_id, :connection, :attempt, :bot, :workspace, :workspace_name, :workspace_icon, :owner,
             :owner_name, :owner_email, :template, :key, :access, :refresh, :issued_at, :expires_at)
         ON CONFLICT (id) DO NOTHING",
    )?
    .execute(named_params! {
        ":id": candidate.id,
        ":client_id": candidate.client_id,
        ":connection": candidate.connection_id,
        ":attempt": candidate.attempt_id,
        ":bot": profile.bot_id,
        ":workspace": profile.workspace_id,
        ":workspace_name": profile.workspace_name,
        ":workspace_icon": profile.workspace_icon,
        ":owner": profile.owner_id,
        ":owner_name": profile.owner_name,
        ":owner_email": profile.owner_email,
        ":template": profile.duplicated_template_id,
        ":key": pair.data_key_wrapped.as_bytes(),
        ":access": pair.access_token_sealed.as_bytes(),
        ":refresh": pair.refresh_token_sealed.as_ref().map(sealing::Sealed::as_bytes),
        ":issued_at": At(candidate.issued_at),
        ":expires_at": At(candidate.expires_at),
    })?;
    Ok(())
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        connection_id: row.get("connection_id")?,
        attempt_id: row.get("attempt_id")?,
        profile: profile(row)?,
        pair: pair(row)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
        adopted: row.get("adopted")?,
    })
}

pub(super) fn of_connection(db: &Db, connection_id: &str) -> Result<Option<Candidate>> {
    let mut statement = db.prepare_cached("SELECT * FROM candidates WHERE connection_id = ?1")?;
    statement.query_row([connection_id], candidate).optional().map_err(damage::of("candidate's"))
}

pub(super) fn due(db: &Db, now: Timestamp, rows: usize) -> Result<Vec<Candidate>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM candidates WHERE connection_id IS NULL AND expires_at <= ?1 ORDER BY expires_at, issued_at DESC, id",
    )?;
    damage::sound(statement.query([At(now)])?, rows, candidate)
}

pub(super) fn of(db: &Db, client_id: &str, profile: &Profile) -> Result<Vec<Candidate>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT * FROM candidates WHERE client_id = ?1 AND bot_id = ?2 AND {same} ORDER BY issued_at DESC, id",
        same = may_be_same_owner("owner_id", "?3")
    ))?;
    let rows = statement.query(params![client_id, profile.bot_id, profile.owner_id])?;
    damage::sound(rows, usize::MAX, candidate)
}

/// The ids of those beside a grant, of its identity, that can be read.
pub(super) fn beside(db: &Db, grant_id: &str) -> Result<Vec<String>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT k.* FROM candidates k JOIN grants g
            ON k.client_id = g.client_id AND k.bot_id = g.bot_id AND {same}
         WHERE g.id = ?1",
        same = may_be_same_owner("k.owner_id", "g.owner_id")
    ))?;
    let found = damage::sound(statement.query([grant_id])?, usize::MAX, candidate)?;
    Ok(found.into_iter().map(|candidate| candidate.id).collect())
}

/// Those beside a grant that were put off are due: one of them may be all that is left of the authorization.
pub(super) fn hasten(db: &Db, grant_id: &str, now: Timestamp) -> Result<()> {
    for id in beside(db, grant_id)? {
        db.prepare_cached(
            "UPDATE candidates SET expires_at = ?2 WHERE id = ?1 AND connection_id IS NULL AND expires_at > ?2",
        )?
        .execute(params![id, At(now)])?;
    }
    Ok(())
}

/// No connection waits for it any more: it is settled when its time is over.
pub(super) fn release(db: &Db, id: &str) -> Result<()> {
    db.prepare_cached("UPDATE candidates SET connection_id = NULL WHERE id = ?1")?.execute([id])?;
    Ok(())
}

pub(super) fn name(db: &Db, id: &str, profile: &Profile) -> Result<()> {
    db.prepare_cached("UPDATE candidates SET owner_id = ?2 WHERE id = ?1")?
        .execute([id, &profile.owner_id])?;
    db.prepare_cached(
        "UPDATE candidates SET owner_name = ?2, owner_email = ?3 WHERE id = ?1 AND connection_id IS NOT NULL",
    )?
    .execute(params![id, profile.owner_name, profile.owner_email])?;
    Ok(())
}

pub(super) fn adopt(
    db: &Db,
    id: &str,
    grant: &Grant,
    expected: Generation,
    event: &Event,
) -> Result<Committed> {
    let found = grants::row(db, &grant.id, grant.pair.as_ref())?;
    let decided = rows::adopt(row(db, id)?, found, expected, grant.generation);
    if decided == Write::Store {
        let sql = "DELETE FROM candidates WHERE id = ?1 AND connection_id IS NULL";
        db.prepare_cached(sql)?.execute([id])?;
        // Somebody waits for it: who redeems it joins the grant.
        db.prepare_cached("UPDATE candidates SET adopted = 1 WHERE id = ?1")?.execute([id])?;
    }
    grants::renew(db, grant, decided, event)
}

/// The row, as writes are decided on it.
fn row(db: &Db, id: &str) -> Result<Option<CandidateRow>> {
    let mut statement =
        db.prepare_cached("SELECT connection_id IS NOT NULL, adopted FROM candidates WHERE id = ?1")?;
    let read = |row: &Row<'_>| Ok(CandidateRow { waiting: row.get(0)?, adopted: row.get(1)? });
    Ok(statement.query_row([id], read).optional()?)
}

pub(super) fn hand_over(db: &Db, from: &str, to: &str) -> Result<bool> {
    if !rows::hand_over(row(db, from)?, row(db, to)?) {
        return Ok(false);
    }
    db.prepare_cached(
        "UPDATE candidates
         SET connection_id = t.connection_id, attempt_id = t.attempt_id, expires_at = t.expires_at,
             workspace_name = coalesce(candidates.workspace_name, t.workspace_name),
             workspace_icon = coalesce(candidates.workspace_icon, t.workspace_icon),
             owner_name = coalesce(candidates.owner_name, t.owner_name),
             owner_email = coalesce(candidates.owner_email, t.owner_email)
         FROM candidates t WHERE candidates.id = ?1 AND t.id = ?2",
    )?
    .execute([from, to])?;
    delete(db, to)?;
    Ok(true)
}

pub(super) fn claim(db: &Db, id: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "UPDATE candidates SET expires_at = ?3 WHERE id = ?1 AND connection_id IS NULL AND expires_at <= ?2",
    )?;
    Ok(statement.execute(params![id, At(now), At(until)])? > 0)
}

pub(super) fn postpone(db: &Db, id: &str, until: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE candidates SET expires_at = ?2 WHERE id = ?1 AND connection_id IS NULL")?
        .execute(params![id, At(until)])?;
    Ok(())
}

pub(super) fn settle(db: &Db, id: &str, event: Option<&Event>) -> Result<()> {
    if let Some(event) = event {
        history::insert_event(db, event)?;
    }
    delete(db, id)
}

pub(super) fn delete(db: &Db, id: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM candidates WHERE id = ?1")?.execute([id])?;
    Ok(())
}
