//! The deletion of what has outlived its use, and whether the store can be written to.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection as Db, params};

use super::changes;
use super::rows::{At, unsigned};
use crate::{Contents, Result};

/// Spent states and codes are kept this long, so that a replay is known for what it is.
const SPENT_KEPT: Duration = Duration::from_hours(24);
/// Disconnected connections are shown this long.
const DISCONNECTED_KEPT: Duration = Duration::from_hours(720);
/// Attempts, events and records of refreshes are kept this long.
const HISTORY_KEPT: Duration = Duration::from_hours(2160);

pub(super) fn purge(db: &Db, now: Timestamp) -> Result<()> {
    let before = |kept: Duration| At(now.checked_sub(kept).unwrap_or(Timestamp::UNIX_EPOCH));
    db.execute("DELETE FROM connect_sessions WHERE expires_at < ?1", [before(SPENT_KEPT)])?;
    db.execute("DELETE FROM codes WHERE spent IS NOT NULL AND expires_at < ?1", [before(SPENT_KEPT)])?;
    let old = params![before(DISCONNECTED_KEPT)];
    db.execute(
        "DELETE FROM api_keys WHERE connection_id IN
            (SELECT id FROM connections WHERE stage = 'disconnected' AND disconnected_at < ?1)",
        old,
    )?;
    db.execute("DELETE FROM connections WHERE stage = 'disconnected' AND disconnected_at < ?1", old)?;
    db.execute(
        "DELETE FROM grants WHERE state = 'tombstone' AND data_key_wrapped IS NULL AND created_at < ?1
            AND NOT EXISTS (SELECT 1 FROM connections WHERE grant_id = grants.id)",
        old,
    )?;
    let history = params![before(HISTORY_KEPT)];
    db.execute(
        "DELETE FROM steps WHERE attempt_id IN (SELECT id FROM attempts WHERE started_at < ?1)",
        history,
    )?;
    db.execute(
        "DELETE FROM attempts WHERE started_at < ?1 AND NOT EXISTS (SELECT 1 FROM codes WHERE attempt_id = attempts.id)",
        history,
    )?;
    db.execute("DELETE FROM events WHERE at < ?1", history)?;
    db.execute("DELETE FROM refresh_attempts WHERE started_at < ?1", history)?;
    changes::trim(db)
}

/// Writes for real, so that a full or read-only disk shows.
pub(super) fn check(db: &rusqlite::Transaction<'_>) -> Result<()> {
    db.execute("UPDATE probe SET asked = asked", [])?;
    Ok(())
}

/// How many bytes a store that was short of room must be able to grow by before it counts as well.
const GROWTH: i64 = 64 * 1024;

/// Grows the file, to see whether it can. `shrink` takes it back.
pub(super) fn grow(db: &rusqlite::Transaction<'_>) -> Result<()> {
    db.execute_batch("CREATE TABLE IF NOT EXISTS growth (filling BLOB NOT NULL) STRICT")?;
    db.execute("INSERT INTO growth (filling) VALUES (zeroblob(?1))", [GROWTH])?;
    Ok(())
}

pub(super) fn shrink(db: &rusqlite::Transaction<'_>) -> Result<()> {
    Ok(db.execute_batch("DROP TABLE IF EXISTS growth")?)
}

pub(super) fn contents(db: &Db) -> Result<Contents> {
    let count = |sql| db.query_row(sql, [], |row| row.get(0)).map(unsigned);
    Ok(Contents {
        keys: count("SELECT count(*) FROM api_keys")?,
        connections: count("SELECT count(*) FROM connections")?,
    })
}
