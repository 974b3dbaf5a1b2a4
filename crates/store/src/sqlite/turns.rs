//! The turns that exchanges and revocations of one integration take at Notion, among all processes on the store.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, named_params, params};

use super::callback::update_attempt;
use super::rows::{At, time_if};
use crate::records::{AttemptOutcome, Step};
use crate::{ExchangeStart, Result, Revocation, RevocationStart};

/// An exchange is over after this: its answer is listened to for five minutes, and it may have waited before it was sent.
const EXCHANGE_MAX: Duration = Duration::from_mins(6);

pub(super) fn begin_exchange(
    db: &Db,
    client_id: &str,
    attempt_id: &str,
    step: &Step,
    now: Timestamp,
) -> Result<ExchangeStart> {
    let there = db.prepare_cached("SELECT 1 FROM attempts WHERE id = ?1")?.exists([attempt_id])?;
    if !there {
        return Ok(ExchangeStart::Gone);
    }
    // On record before it waits, so that no further revocation begins meanwhile; its time is that of the first asking.
    db.prepare_cached("UPDATE attempts SET consumed_at = ?2 WHERE id = ?1 AND outcome <> 'exchanging'")?
        .execute(params![attempt_id, At(now)])?;
    update_attempt(db, attempt_id, Some(AttemptOutcome::Exchanging), std::slice::from_ref(step))?;
    Ok(revoking_until(db, client_id, now)?.map_or(ExchangeStart::Begun, ExchangeStart::Wait))
}

/// Until when the revocations that are on their way may take, if any are.
pub(super) fn revoking_until(db: &Db, client_id: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(ends_at) AS ends_at FROM revocations WHERE client_id = ?1 AND ends_at > ?2";
    Ok(db.prepare_cached(sql)?.query_row(params![client_id, At(now)], |row| time_if(row, "ends_at"))?)
}

pub(super) fn is_exchanging(db: &Db, client_id: &str, begun_by: Timestamp, now: Timestamp) -> Result<bool> {
    let since = now.checked_sub(EXCHANGE_MAX).unwrap_or(Timestamp::MIN);
    let sql = "SELECT 1 FROM attempts
        WHERE client_id = ?1 AND outcome = 'exchanging' AND consumed_at BETWEEN ?2 AND ?3";
    Ok(db.prepare_cached(sql)?.exists(params![client_id, At(since), At(begun_by)])?)
}

pub(super) fn begin_revocation(db: &Db, asked: &Revocation) -> Result<RevocationStart> {
    db.prepare_cached("DELETE FROM revocations WHERE ends_at <= ?1")?.execute([At(asked.now)])?;
    // Whatever began by the time of this write, though it was asked for before.
    if is_exchanging(db, &asked.client_id, Timestamp::MAX, asked.now)? {
        return Ok(RevocationStart::Exchanging);
    }
    let others = "SELECT 1 FROM grants WHERE client_id = :client AND bot_id = :bot AND owner_id = :owner
            AND state <> 'tombstone'
        UNION ALL SELECT 1 FROM candidates WHERE client_id = :client AND bot_id = :bot AND owner_id = :owner
            AND connection_id IS NOT NULL";
    let named = named_params! {
        ":client": asked.client_id,
        ":bot": asked.profile.bot_id,
        ":owner": asked.profile.owner_id,
    };
    let shared = db.prepare_cached(others)?.query_row(named, |_| Ok(())).optional()?;
    if shared.is_some() {
        return Ok(RevocationStart::Shared);
    }
    db.prepare_cached(
        "INSERT INTO revocations (id, client_id, ends_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?
    .execute(params![asked.id, asked.client_id, At(asked.ends_at)])?;
    Ok(RevocationStart::Begun)
}

pub(super) fn end_revocation(db: &Db, id: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM revocations WHERE id = ?1")?.execute([id])?;
    Ok(())
}
