//! The erasure of a person: all that is stored of one user of an app goes, in one transaction. What is left of an authorization
//! that ended with it is what is needed to revoke it at Notion: ids and the sealed pair.

use jiff::Timestamp;
use rusqlite::{Connection as Db, params};

use super::rows::may_be_same_owner;
use super::{connections, history};
use crate::records::{Event, EventKind};
use crate::{Disconnected, Erased, Result};

/// What Notion told of a person and their workspace, in any table that holds it.
const NAMELESS: &str = "owner_name = NULL, owner_email = NULL, workspace_name = NULL, workspace_icon = NULL";

pub(super) fn erase_end_user(
    db: &Db,
    client_id: &str,
    end_user: &str,
    like: &Event,
    now: Timestamp,
) -> Result<Erased> {
    let mut erased = Erased::default();
    // A pending one may have been given to another user meanwhile: its code still opens it for this one.
    let of_person = ids(
        db,
        "SELECT id FROM connections WHERE client_id = ?1 AND (end_user = ?2 OR (stage = 'pending' AND id IN
            (SELECT connection_id FROM attempts WHERE client_id = ?1 AND end_user = ?2))) ORDER BY id",
        params![client_id, end_user],
    )?;
    let mut tell = Telling { like, number: 0 };
    for id in &of_person {
        let before = grant_of(db, id)?;
        match connections::disconnect(db, client_id, id, &tell.of(EventKind::Disconnected, id), now)? {
            Disconnected::GrantEnded(grant) => erased.ended.push(grant.id),
            Disconnected::GrantKept => erased.shared += usize::from(before.is_some()),
            Disconnected::WasPending(candidate) => erased.due.extend(candidate.map(|due| *due)),
            Disconnected::Already | Disconnected::Unknown => {}
        }
        erased.keys += db.execute("DELETE FROM api_keys WHERE connection_id = ?1", [id])?;
        // A key's label is whatever somebody called it.
        db.execute("UPDATE events SET note = NULL WHERE connection_id = ?1 AND kind LIKE 'key.%'", [id])?;
        erased.attempts +=
            forget_attempts(db, &ids(db, "SELECT id FROM attempts WHERE connection_id = ?1", [id])?)?;
        db.execute("DELETE FROM connections WHERE id = ?1", [id])?;
        if let Some(grant) = before {
            forget_names(db, &grant)?;
        }
        history::insert_event(db, &tell.of(EventKind::Erased, id))?;
    }
    let sql = "SELECT id FROM attempts WHERE client_id = ?1 AND end_user = ?2";
    erased.attempts += forget_attempts(db, &ids(db, sql, params![client_id, end_user])?)?;
    erased.connect_sessions = db.execute(
        "DELETE FROM connect_sessions WHERE client_id = ?1 AND end_user = ?2",
        params![client_id, end_user],
    )?;
    erased.connections = of_person.len();
    Ok(erased)
}

/// The events of one erasure, with ids that count on from the first.
struct Telling<'e> {
    like: &'e Event,
    number: usize,
}

impl Telling<'_> {
    fn of(&mut self, kind: EventKind, connection_id: &str) -> Event {
        let id = history::numbered(&self.like.id, self.number);
        self.number += 1;
        Event { id, kind, connection_id: Some(connection_id.to_owned()), ..self.like.clone() }
    }
}

fn ids(db: &Db, sql: &str, with: impl rusqlite::Params) -> Result<Vec<String>> {
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement.query_map(with, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn grant_of(db: &Db, connection_id: &str) -> Result<Option<String>> {
    let found =
        ids(db, "SELECT grant_id FROM connections WHERE id = ?1 AND grant_id IS NOT NULL", [connection_id])?;
    Ok(found.into_iter().next())
}

/// Attempts with their steps and codes; what they brought is due, and nameless.
fn forget_attempts(db: &Db, attempts: &[String]) -> Result<usize> {
    for id in attempts {
        db.execute(
            &format!("UPDATE candidates SET attempt_id = NULL, {NAMELESS} WHERE attempt_id = ?1"),
            [id],
        )?;
        db.execute("DELETE FROM codes WHERE attempt_id = ?1", [id])?;
        db.execute("DELETE FROM steps WHERE attempt_id = ?1", [id])?;
        db.execute("DELETE FROM attempts WHERE id = ?1", [id])?;
    }
    Ok(attempts.len())
}

/// An authorization that nobody's connection names any more keeps no name, nor does any pair of it that is to be settled, also one
/// whose owner was cut off its answer; one that others stand on is theirs.
fn forget_names(db: &Db, grant_id: &str) -> Result<()> {
    if db.prepare_cached("SELECT 1 FROM connections WHERE grant_id = ?1")?.exists([grant_id])? {
        return Ok(());
    }
    db.execute(&format!("UPDATE grants SET {NAMELESS} WHERE id = ?1"), [grant_id])?;
    db.execute(
        &format!(
            "UPDATE candidates SET {NAMELESS} WHERE connection_id IS NULL AND EXISTS
                (SELECT 1 FROM grants g WHERE g.id = ?1 AND g.client_id = candidates.client_id
                    AND g.bot_id = candidates.bot_id AND {same})",
            same = may_be_same_owner("g.owner_id", "candidates.owner_id")
        ),
        [grant_id],
    )?;
    Ok(())
}
