//! Connections: found, listed, given to another user, ended, imported.

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};

use super::rows::{At, Word, limit, profile, time, time_if};
use super::way_in::insert_steps;
use super::{candidates, grants, history, raise_revision, redeem};
use crate::records::{Candidate, Connection, ConnectionStage, ConnectionView, Event, Grant, Step};
use crate::{ConnectionFilter, Disconnected, Imported, Page, PageRequest, Result};

/// A connection with what its grant says, or while it is pending its candidate.
const VIEW: &str = "
    SELECT c.*, coalesce(g.bot_id, k.bot_id) AS bot_id, coalesce(g.workspace_id, k.workspace_id) AS workspace_id,
        coalesce(g.workspace_name, k.workspace_name) AS workspace_name,
        coalesce(g.workspace_icon, k.workspace_icon) AS workspace_icon,
        coalesce(g.owner_id, k.owner_id) AS owner_id, coalesce(g.owner_name, k.owner_name) AS owner_name,
        coalesce(g.owner_email, k.owner_email) AS owner_email,
        coalesce(g.duplicated_template_id, k.duplicated_template_id) AS duplicated_template_id,
        g.state AS grant_state, g.reason AS reason, g.lease_expires_at AS leased_until,
        EXISTS (SELECT 1 FROM connections o
                WHERE o.grant_id = c.grant_id AND o.id <> c.id AND o.stage <> 'disconnected') AS shared_grant
    FROM connections c
    LEFT JOIN grants g ON g.id = c.grant_id
    LEFT JOIN candidates k ON c.grant_id IS NULL AND k.connection_id = c.id
    WHERE coalesce(g.bot_id, k.bot_id) IS NOT NULL AND c.client_id = :client_id";

pub(super) fn insert(db: &Db, connection: &Connection) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO connections
            (id, client_id, end_user, grant_id, stage, notion_shaped, created_at, last_used_at, disconnected_at)
         VALUES (:id, :client_id, :end_user, :grant, :stage, :notion_shaped, :created_at, :last_used_at,
            :disconnected_at)",
    )?
    .execute(named_params! {
        ":id": connection.id,
        ":client_id": connection.client_id,
        ":end_user": connection.end_user,
        ":grant": connection.grant_id,
        ":stage": Word(connection.stage),
        ":notion_shaped": connection.notion_shaped,
        ":created_at": At(connection.created_at),
        ":last_used_at": connection.last_used_at.map(At),
        ":disconnected_at": connection.disconnected_at.map(At),
    })?;
    Ok(())
}

fn connection(row: &Row<'_>) -> rusqlite::Result<Connection> {
    Ok(Connection {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        end_user: row.get("end_user")?,
        grant_id: row.get("grant_id")?,
        stage: row.get::<_, Word<_>>("stage")?.0,
        notion_shaped: row.get("notion_shaped")?,
        created_at: time(row, "created_at")?,
        last_used_at: time_if(row, "last_used_at")?,
        disconnected_at: time_if(row, "disconnected_at")?,
    })
}

fn view(row: &Row<'_>) -> rusqlite::Result<ConnectionView> {
    let state: Option<String> = row.get("grant_state")?;
    Ok(ConnectionView {
        connection: connection(row)?,
        profile: profile(row)?,
        grant_state: state.map(|word| grants::state(&word)).transpose()?,
        reason: row.get("reason")?,
        leased_until: time_if(row, "leased_until")?,
        shared_grant: row.get("shared_grant")?,
    })
}

pub(super) fn find(db: &Db, client_id: &str, id: &str) -> Result<Option<ConnectionView>> {
    let mut statement = db.prepare_cached(&format!("{VIEW} AND c.id = :id"))?;
    Ok(statement.query_row(named_params! { ":client_id": client_id, ":id": id }, view).optional()?)
}

pub(super) fn find_on_grant(
    db: &Db,
    grant_id: &str,
    end_user: Option<&str>,
    notion_shaped: bool,
) -> Result<Option<Connection>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM connections
         WHERE grant_id = :grant AND stage = 'active' AND notion_shaped = :notion_shaped
            AND (:notion_shaped OR end_user = :end_user)
         ORDER BY id LIMIT 1",
    )?;
    let named = named_params! { ":grant": grant_id, ":end_user": end_user, ":notion_shaped": notion_shaped };
    Ok(statement.query_row(named, connection).optional()?)
}

pub(super) fn list(
    db: &Db,
    client_id: &str,
    filter: &ConnectionFilter,
    page: &PageRequest,
) -> Result<Page<ConnectionView>> {
    // The state that the API names is the stage, refined by the grant's state while it is active.
    let sql = format!(
        "SELECT * FROM ({VIEW})
         WHERE (:end_user IS NULL OR end_user = :end_user)
            AND (:workspace IS NULL OR workspace_id = :workspace)
            AND (:bot IS NULL OR bot_id = :bot)
            AND (:state IS NULL OR :state = CASE
                WHEN stage <> 'active' THEN stage
                WHEN grant_state = 'tombstone' THEN 'disconnected'
                ELSE grant_state END)
            AND (:after IS NULL OR id < :after)
         ORDER BY id DESC LIMIT :limit"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement
        .query_map(
            named_params! {
                ":client_id": client_id,
                ":end_user": filter.end_user,
                ":workspace": filter.workspace_id,
                ":bot": filter.bot_id,
                ":state": filter.state,
                ":after": page.after,
                ":limit": limit(page.size + 1),
            },
            view,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(super::history::paged(rows, page.size, |view| view.connection.id.clone()))
}

pub(super) fn update_end_user(
    db: &Db,
    client_id: &str,
    id: &str,
    end_user: &str,
    event: &Event,
) -> Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE connections SET end_user = ?3 WHERE client_id = ?1 AND id = ?2 AND stage <> 'disconnected'",
        )?
        .execute([client_id, id, end_user])?;
    if changed == 1 {
        history::insert_event(db, event)?;
        raise_revision(db)?;
    }
    Ok(changed == 1)
}

pub(super) fn disconnect(
    db: &Db,
    client_id: &str,
    id: &str,
    event: &Event,
    now: Timestamp,
) -> Result<Disconnected> {
    let Some(found) = find(db, client_id, id)?.map(|view| view.connection) else {
        return Ok(Disconnected::Unknown);
    };
    match found.stage {
        ConnectionStage::Disconnected => return Ok(Disconnected::Already),
        ConnectionStage::Pending => {
            let candidate = candidates::of_connection(db, id)?;
            redeem::refuse_pending(db, id, now)?;
            history::insert_event(db, event)?;
            raise_revision(db)?;
            let due =
                candidate.map(|candidate| Candidate { connection_id: None, expires_at: now, ..candidate });
            return Ok(Disconnected::WasPending(due.map(Box::new)));
        }
        ConnectionStage::Active => {}
    }
    db.prepare_cached("UPDATE connections SET stage = 'disconnected', disconnected_at = ?2 WHERE id = ?1")?
        .execute(params![id, At(now)])?;
    db.prepare_cached("UPDATE api_keys SET revoked_at = ?2 WHERE connection_id = ?1 AND revoked_at IS NULL")?
        .execute(params![id, At(now)])?;
    history::insert_event(db, event)?;
    raise_revision(db)?;
    let Some(grant_id) = found.grant_id else { return Ok(Disconnected::GrantKept) };
    grants::end_if_unused(db, &grant_id)?;
    match grants::find(db, &grant_id)? {
        Some(grant) if grant.state == lifecycle::GrantState::Tombstone => {
            Ok(Disconnected::GrantEnded(Box::new(grant)))
        }
        _ => Ok(Disconnected::GrantKept),
    }
}

pub(super) fn touch(db: &Db, id: &str, now: Timestamp, first_call: &[Step]) -> Result<()> {
    let first = db
        .prepare_cached("SELECT 1 FROM connections WHERE id = ?1 AND last_used_at IS NULL")?
        .exists([id])?;
    db.prepare_cached("UPDATE connections SET last_used_at = ?2 WHERE id = ?1")?
        .execute(params![id, At(now)])?;
    if !first {
        return Ok(());
    }
    let attempt: Option<String> = db
        .prepare_cached("SELECT id FROM attempts WHERE connection_id = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    match attempt {
        Some(attempt) => insert_steps(db, &attempt, first_call),
        None => Ok(()),
    }
}

pub(super) fn import(db: &Db, grant: &Grant, connection: &Connection, event: &Event) -> Result<Imported> {
    let created = grants::insert_if_alone(db, grant)?;
    let grant_id = if created {
        grant.id.clone()
    } else {
        grants::find_live(db, &grant.client_id, &grant.profile)?
            .map_or_else(|| grant.id.clone(), |live| live.id)
    };
    if find_on_grant(db, &grant_id, connection.end_user.as_deref(), false)?.is_none() {
        insert(db, &Connection { grant_id: Some(grant_id), ..connection.clone() })?;
        history::insert_event(db, event)?;
    }
    raise_revision(db)?;
    Ok(if created { Imported::Created } else { Imported::KeptNewer })
}
