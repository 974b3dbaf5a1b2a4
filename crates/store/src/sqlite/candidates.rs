//! Token pairs that are not current: waiting to be redeemed, or due to be settled.

use jiff::Timestamp;
use lifecycle::Generation;
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};

use super::rows::{At, limit, pair, profile, time};
use super::{grants, raise_revision};
use crate::records::{Candidate, Grant, Profile, SealedPair};
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
             :owner_name, :owner_email, :template, :key, :access, :refresh, :issued_at, :expires_at)",
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
    })
}

pub(super) fn of_connection(db: &Db, connection_id: &str) -> Result<Option<Candidate>> {
    let mut statement = db.prepare_cached("SELECT * FROM candidates WHERE connection_id = ?1")?;
    Ok(statement.query_row([connection_id], candidate).optional()?)
}

pub(super) fn due(db: &Db, now: Timestamp, rows: usize) -> Result<Vec<Candidate>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM candidates WHERE connection_id IS NULL AND expires_at <= ?1 ORDER BY issued_at, id LIMIT ?2",
    )?;
    Ok(statement.query_map(params![At(now), limit(rows)], candidate)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn of(db: &Db, client_id: &str, profile: &Profile) -> Result<Vec<Candidate>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM candidates
         WHERE client_id = ?1 AND bot_id = ?2 AND owner_id = ?3 AND connection_id IS NOT NULL
         ORDER BY issued_at DESC, id",
    )?;
    let rows = statement.query_map(params![client_id, profile.bot_id, profile.owner_id], candidate)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn adopt(db: &Db, id: &str, grant: &Grant, expected: Generation) -> Result<Committed> {
    let committed = grants::commit(db, grant, expected, None)?;
    if committed == Committed::Done {
        delete(db, id)?;
        raise_revision(db)?;
    }
    Ok(committed)
}

pub(super) fn hand_over(
    db: &Db,
    from: &str,
    to: &str,
    pair: &SealedPair,
    issued_at: Timestamp,
) -> Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE candidates
             SET data_key_wrapped = :key, access_token_sealed = :access, refresh_token_sealed = :refresh,
                 issued_at = :issued_at
             WHERE id = :to",
        )?
        .execute(named_params! {
            ":key": pair.data_key_wrapped.as_bytes(),
            ":access": pair.access_token_sealed.as_bytes(),
            ":refresh": pair.refresh_token_sealed.as_ref().map(sealing::Sealed::as_bytes),
            ":issued_at": At(issued_at),
            ":to": to,
        })?;
    if changed == 1 {
        delete(db, from)?;
    }
    Ok(changed == 1)
}

pub(super) fn delete(db: &Db, id: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM candidates WHERE id = ?1")?.execute([id])?;
    Ok(())
}
