//! The turns that exchanges and revocations of one integration take at Notion, among all processes on the store.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection as Db, params};

use super::callback::update_attempt;
use super::grants;
use super::nodes::Nodes;
use super::rows::{At, time_if};
use super::way_in::{attempt, insert_steps};
use super::{damage, history};
use crate::records::{Attempt, AttemptOutcome, Event, Step};
use crate::{ExchangeStart, Result, Revocation, RevocationStart};

/// An exchange is over after this: its answer is listened to for five minutes, and it may have waited before it was sent.
const EXCHANGE_MAX: Duration = Duration::from_mins(6);

pub(super) fn begin_exchange(
    db: &Db,
    client_id: &str,
    attempt_id: &str,
    node: &str,
    step: &Step,
    now: Timestamp,
) -> Result<ExchangeStart> {
    let there = db.prepare_cached("SELECT 1 FROM attempts WHERE id = ?1")?.exists([attempt_id])?;
    if !there {
        return Ok(ExchangeStart::Gone);
    }
    // On record before it waits, so that no further revocation begins meanwhile; its time is that of the first asking.
    db.prepare_cached(
        "UPDATE attempts SET consumed_at = ?2, exchanging_by = ?3 WHERE id = ?1 AND outcome <> 'exchanging'",
    )?
    .execute(params![attempt_id, At(now), node])?;
    update_attempt(db, attempt_id, Some(AttemptOutcome::Exchanging), std::slice::from_ref(step))?;
    Ok(revoking_until(db, client_id, now)?.map_or(ExchangeStart::Begun, ExchangeStart::Wait))
}

/// Until when the revocations that are on their way may take, if any are.
pub(super) fn revoking_until(db: &Db, client_id: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(ends_at) AS ends_at FROM revocations WHERE client_id = ?1 AND ends_at > ?2";
    Ok(db.prepare_cached(sql)?.query_row(params![client_id, At(now)], |row| time_if(row, "ends_at"))?)
}

pub(super) fn is_exchanging(
    db: &Db,
    nodes: &Nodes,
    client_id: &str,
    begun_by: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT exchanging_by FROM attempts
         WHERE client_id = ?1 AND outcome = 'exchanging' AND consumed_at BETWEEN ?2 AND ?3",
    )?;
    let found = statement.query_map(params![client_id, At(exchanging_since(now)), At(begun_by)], |row| {
        row.get::<_, Option<String>>(0)
    })?;
    // What a process that has ended was sent nobody hears, so nothing waits for it.
    for node in found {
        if node?.is_none_or(|node| !nodes.is_gone(&node)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When the oldest exchange began that still counts.
fn exchanging_since(now: Timestamp) -> Timestamp {
    now.checked_sub(EXCHANGE_MAX).unwrap_or(Timestamp::MIN)
}

/// Of an older version's exchanges nobody knows the process: their time tells.
pub(super) fn interrupted(db: &Db, nodes: &Nodes, now: Timestamp, limit: usize) -> Result<Vec<Attempt>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM attempts
         WHERE outcome = 'exchanging' AND (exchanging_by IS NOT NULL OR consumed_at < ?1) ORDER BY id",
    )?;
    let found = damage::sound(statement.query([At(exchanging_since(now))])?, usize::MAX, |row| {
        Ok((row.get::<_, Option<String>>("exchanging_by")?, attempt(row)?))
    })?;
    let ended = found.into_iter().filter(|(node, _)| node.as_ref().is_none_or(|node| nodes.is_gone(node)));
    Ok(ended.map(|(_, attempt)| attempt).take(limit).collect())
}

pub(super) fn end_interrupted(db: &Db, id: &str, step: &Step, event: &Event) -> Result<bool> {
    let ended = db
        .prepare_cached(
            "UPDATE attempts SET outcome = 'exchange_failed' WHERE id = ?1 AND outcome = 'exchanging'",
        )?
        .execute([id])?;
    if ended == 1 {
        insert_steps(db, id, std::slice::from_ref(step))?;
        history::insert_event(db, event)?;
    }
    Ok(ended == 1)
}

pub(super) fn begin_revocation(db: &Db, nodes: &Nodes, asked: &Revocation) -> Result<RevocationStart> {
    db.prepare_cached("DELETE FROM revocations WHERE ends_at <= ?1")?.execute([At(asked.now)])?;
    // Whatever began by the time of this write, though it was asked for before.
    if is_exchanging(db, nodes, &asked.client_id, Timestamp::MAX, asked.now)? {
        return Ok(RevocationStart::Exchanging);
    }
    if grants::stands_beside(db, &asked.client_id, &asked.profile)? {
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
