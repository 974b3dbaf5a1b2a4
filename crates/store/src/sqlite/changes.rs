//! The feed of what changed: written by triggers, read by whoever remembers rows, trimmed at its old end.

use rusqlite::{Connection as Db, OptionalExtension as _};

use super::rows::{signed, unsigned};
use crate::{Change, Changed, Changes, Result};

/// More than this at once is not told one by one: whoever is so far behind forgets all that it remembers.
const TOLD_MAX: usize = 10_000;
/// How many are kept for those who are behind.
const KEPT: u64 = 100_000;

/// The number of the newest change, kept apart from the rows so that trimming loses nothing.
pub(super) fn newest(db: &Db) -> Result<u64> {
    let mut statement = db.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")?;
    Ok(unsigned(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or_default()))
}

/// What changed after this number.
pub(super) fn after(db: &Db, seq: u64) -> Result<Changes> {
    let newest = newest(db)?;
    if newest == seq {
        return Ok(Changes { upto: seq, complete: true, changes: Vec::new() });
    }
    let mut statement = db.prepare_cached(
        "SELECT seq, kind, id FROM changes WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
    )?;
    let told = i64::try_from(TOLD_MAX).unwrap_or(i64::MAX);
    let rows = statement.query_map([signed(seq), signed(newest), told], |row| {
        Ok(Changed::parse(&row.get::<_, String>("kind")?).map(|kind| (kind, row.get("id"))))
    })?;
    let mut changes = Vec::new();
    for row in rows {
        let Some((kind, id)) = row? else { return Ok(Changes { upto: newest, complete: false, changes }) };
        changes.push(Change { kind, id: id? });
    }
    // Numbers have no gaps: what is missing was trimmed, or is too much to tell.
    let complete = newest.checked_sub(seq).is_some_and(|missed| changes.len() as u64 == missed);
    Ok(Changes { upto: newest, complete, changes })
}

/// Forgets the old end.
pub(super) fn trim(db: &Db) -> Result<()> {
    let last = newest(db)?.saturating_sub(KEPT);
    db.execute("DELETE FROM changes WHERE seq <= ?1", [signed(last)])?;
    Ok(())
}
