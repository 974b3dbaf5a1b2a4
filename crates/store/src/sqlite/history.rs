//! What was: attempts with their steps, and events.

use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params};

use super::damage::{self, listed};
use super::rows::{At, Word, limit, time};
use super::way_in::attempt;
use crate::records::{Actor, Attempt, Event, EventKind, Listed, Step};
use crate::{AttemptFilter, Page, PageRequest, Result};

/// Cuts the row that was read beyond the page, which tells that there is a next one.
pub(super) fn paged<T>(mut rows: Vec<Listed<T>>, size: usize, id: impl Fn(&T) -> &String) -> Page<Listed<T>> {
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more);
    let next = last.map(|last| match last {
        Listed::Sound(row) => id(row).clone(),
        Listed::Damaged(row) => row.id.clone(),
    });
    Page { rows, next }
}

pub(super) fn find_attempt(db: &Db, client_id: &str, id: &str) -> Result<Option<(Attempt, Vec<Step>)>> {
    let found = db
        .prepare_cached("SELECT * FROM attempts WHERE client_id = ?1 AND id = ?2")?
        .query_row([client_id, id], attempt)
        .optional()
        .map_err(damage::of("attempt's"))?;
    let Some(found) = found else { return Ok(None) };
    let texts = db
        .prepare_cached("SELECT step FROM steps WHERE attempt_id = ?1 ORDER BY id")?
        .query_map([id], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    // One step that does not read as one hides none of the others.
    let damaged = |_| {
        let (us, note) = (Actor::Vestibule, "What was stored of this step does not read as a step.");
        Step::failed(found.started_at, us, us, "A damaged step", note)
    };
    let steps = texts.iter().map(|text| serde_json::from_str(text).unwrap_or_else(damaged)).collect();
    Ok(Some((found, steps)))
}

pub(super) fn list_attempts(
    db: &Db,
    client_id: &str,
    filter: &AttemptFilter,
    page: &PageRequest,
) -> Result<Page<Listed<Attempt>>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM attempts
         WHERE client_id = :client_id
            AND (:end_user IS NULL OR end_user = :end_user)
            AND (:outcome IS NULL OR outcome = :outcome)
            AND (:session IS NULL OR connect_session_id = :session)
            AND (:after IS NULL OR id < :after)
         ORDER BY id DESC LIMIT :limit",
    )?;
    let named = named_params! {
        ":client_id": client_id,
        ":end_user": filter.end_user,
        ":outcome": filter.outcome.map(Word),
        ":session": filter.connect_session_id,
        ":after": page.after,
        ":limit": limit(page.size + 1),
    };
    let rows =
        statement.query_map(named, |row| listed(row, attempt))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(paged(rows, page.size, |attempt| &attempt.id))
}

pub(super) fn list_events(db: &Db, client_id: &str, page: &PageRequest) -> Result<Page<Listed<Event>>> {
    let mut statement = db.prepare_cached(
        // A cursor whose event was purged meanwhile is at the end: those before it went first.
        "SELECT * FROM events WHERE client_id = :client_id
            AND (:after IS NULL OR seq < (SELECT seq FROM events WHERE client_id = :client_id AND id = :after))
         ORDER BY seq DESC LIMIT :limit",
    )?;
    let named =
        named_params! { ":client_id": client_id, ":after": page.after, ":limit": limit(page.size + 1) };
    let rows = statement.query_map(named, |row| listed(row, event))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(paged(rows, page.size, |event| &event.id))
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        at: time(row, "at")?,
        kind: kind(&row.get::<_, String>("kind")?)?,
        connection_id: row.get("connection_id")?,
        attempt_id: row.get("attempt_id")?,
        note: row.get("note")?,
    })
}

fn kind(word: &str) -> rusqlite::Result<EventKind> {
    let odd = || rusqlite::Error::InvalidColumnType(0, "kind".into(), rusqlite::types::Type::Text);
    EventKind::parse(word).ok_or_else(odd)
}

/// Writes an event about a grant, once for each connection that stands on it or stood on it last; once without a
/// connection if there is none. The ids count on from number `first`; the next number is given back.
pub(super) fn tell_connections(db: &Db, grant_id: &str, event: &Event, first: usize) -> Result<usize> {
    let found = db
        .prepare_cached(
            "SELECT id FROM connections c WHERE grant_id = ?1
                AND (stage = 'active' OR NOT EXISTS
                    (SELECT 1 FROM connections WHERE grant_id = ?1 AND stage = 'active'))
             ORDER BY id",
        )?
        .query_map([grant_id], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let about: Vec<Option<String>> =
        if found.is_empty() { vec![None] } else { found.into_iter().map(Some).collect() };
    let next = first + about.len();
    for (number, connection_id) in (first..).zip(about) {
        insert_event(db, &Event { id: numbered(&event.id, number), connection_id, ..event.clone() })?;
    }
    Ok(next)
}

/// The ids of one event that is told of several connections: the first keeps the event's own, the others count on from it.
pub(super) fn numbered(id: &str, number: usize) -> String {
    let (prefix, digits) = id.split_at(id.len().saturating_sub(32));
    match (number, u128::from_str_radix(digits, 16)) {
        (0, _) => id.to_owned(),
        (_, Ok(first)) => format!("{prefix}{:032x}", first.wrapping_add(number as u128)),
        (_, Err(_)) => format!("{id}.{number}"),
    }
}

/// Whether this very event is on record: then the change that it tells of was made.
pub(super) fn is_told(db: &Db, event: &Event) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM events WHERE id = ?1")?.exists([&event.id])?)
}

/// One that is on record already is left as it is.
pub(super) fn insert_event(db: &Db, event: &Event) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO events (id, client_id, at, kind, connection_id, attempt_id, note)
         VALUES (:id, :client_id, :at, :kind, :connection, :attempt, :note) ON CONFLICT (id) DO NOTHING",
    )?
    .execute(named_params! {
        ":id": event.id,
        ":client_id": event.client_id,
        ":at": At(event.at),
        ":kind": event.kind.as_str(),
        ":connection": event.connection_id,
        ":attempt": event.attempt_id,
        ":note": event.note,
    })?;
    Ok(())
}
