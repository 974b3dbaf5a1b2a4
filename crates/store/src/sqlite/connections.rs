//! Connections: found, listed, given to another user, ended, imported.

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};

use super::damage::{self, listed};
use super::rows::{At, Word, limit, pair, time, time_if, unsigned};
use super::way_in::insert_steps;
use super::{candidates, grants, history, keys, redeem, turns};
use crate::decide::{self, Ending};
use crate::records::{
    Candidate, Connection, ConnectionStage, ConnectionState, ConnectionView, Event, Grant, Listed, Profile,
    Step,
};
use crate::{ConnectionFilter, Disconnected, Imported, Page, PageRequest, Result, StoreError};
use lifecycle::{Generation, GrantState};

/// A connection with what its grant says, or while it is pending its candidate.
const VIEW: &str = "
    SELECT c.*, coalesce(g.bot_id, k.bot_id) AS bot_id, coalesce(g.workspace_id, k.workspace_id) AS workspace_id,
        coalesce(g.workspace_name, k.workspace_name) AS workspace_name,
        coalesce(g.workspace_icon, k.workspace_icon) AS workspace_icon,
        coalesce(g.owner_id, k.owner_id) AS owner_id, coalesce(g.owner_name, k.owner_name) AS owner_name,
        coalesce(g.owner_email, k.owner_email) AS owner_email,
        coalesce(g.duplicated_template_id, k.duplicated_template_id) AS duplicated_template_id,
        g.state AS grant_state, g.generation AS generation, g.data_key_wrapped AS data_key_wrapped,
        g.access_token_sealed AS access_token_sealed, g.refresh_token_sealed AS refresh_token_sealed, g.reason AS reason, g.lease_expires_at AS leased_until,
        EXISTS (SELECT 1 FROM connections o
                WHERE o.grant_id = c.grant_id AND o.id <> c.id AND o.stage <> 'disconnected') AS shared_grant
    FROM connections c
    LEFT JOIN grants g ON g.id = c.grant_id
    LEFT JOIN candidates k ON c.grant_id IS NULL AND k.connection_id = c.id
    WHERE c.client_id = :client_id";

/// The times that can be told, in milliseconds.
const OLDEST: i64 = -377_705_023_201_000;
const NEWEST: i64 = 253_402_207_200_999;

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
    let connection = connection(row)?;
    let word: Option<String> = row.get("grant_state")?;
    let grant_state = word.as_deref().and_then(GrantState::parse);
    let generation: Option<i64> = row.get("generation")?;
    let sealed = pair(row)
        .map(|pair| generation.zip(pair).map(|(generation, pair)| (Generation(unsigned(generation)), pair)));
    let bot_id: Option<String> = row.get("bot_id")?;
    let damage = match (connection.stage, &sealed) {
        (ConnectionStage::Disconnected, _) => None,
        _ if grant_state == Some(GrantState::Tombstone) => None,
        (ConnectionStage::Pending, _) => bot_id.is_none().then_some("what its consent brought is gone"),
        (ConnectionStage::Active, _) if word.is_none() => Some("its authorization is gone"),
        (ConnectionStage::Active, _) if grant_state.is_none() => Some("its authorization's state is unknown"),
        (ConnectionStage::Active, Ok(None)) => Some("its token is gone"),
        (ConnectionStage::Active, Err(_)) => Some("its sealed token has not the form of one"),
        (ConnectionStage::Active, Ok(Some(_))) => None,
    };
    Ok(ConnectionView {
        damage: damage.map(str::to_owned),
        sealed: sealed.unwrap_or_default(),
        connection,
        profile: Profile {
            bot_id: bot_id.unwrap_or_default(),
            workspace_id: row.get::<_, Option<_>>("workspace_id")?.unwrap_or_default(),
            workspace_name: row.get("workspace_name")?,
            workspace_icon: row.get("workspace_icon")?,
            owner_id: row.get::<_, Option<_>>("owner_id")?.unwrap_or_default(),
            owner_name: row.get("owner_name")?,
            owner_email: row.get("owner_email")?,
            duplicated_template_id: row.get("duplicated_template_id")?,
        },
        grant_state,
        reason: row.get("reason")?,
        leased_until: time_if(row, "leased_until").unwrap_or_default(),
        shared_grant: row.get("shared_grant")?,
    })
}

pub(super) fn find(db: &Db, client_id: &str, id: &str) -> Result<Option<ConnectionView>> {
    let mut statement = db.prepare_cached(&format!("{VIEW} AND c.id = :id"))?;
    let found = statement.query_row(named_params! { ":client_id": client_id, ":id": id }, view).optional();
    found.map_err(damage::of("connection's"))
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
    statement.query_row(named, connection).optional().map_err(damage::of("connection's"))
}

pub(super) fn list(
    db: &Db,
    client_id: &str,
    filter: &ConnectionFilter,
    page: &PageRequest,
) -> Result<Page<Listed<ConnectionView>>> {
    // The state that the API names is the stage, refined by the grant's state while it is active.
    let sql = format!(
        "SELECT * FROM ({VIEW})
         WHERE (:id IS NULL OR id = :id)
            AND (:end_user IS NULL OR end_user = :end_user)
            AND (:workspace IS NULL OR workspace_id = :workspace)
            AND (:bot IS NULL OR bot_id = :bot)
            AND (:state IS NULL OR :state = CASE
                WHEN stage = 'disconnected' OR grant_state = 'tombstone' THEN 'disconnected'
                WHEN created_at NOT BETWEEN {OLDEST} AND {NEWEST} THEN 'damaged'
                WHEN stage = 'pending' THEN iif(bot_id IS NULL, 'damaged', 'pending')
                WHEN stage <> 'active' THEN 'damaged'
                WHEN data_key_wrapped IS NULL OR access_token_sealed IS NULL THEN 'damaged'
                WHEN grant_state IN ('active', 'suspect', 'degraded', 'reconnect_needed') THEN grant_state
                ELSE 'damaged' END)
            AND (:after IS NULL OR id < :after)
         ORDER BY id DESC LIMIT :limit"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement
        .query_map(
            named_params! {
                ":client_id": client_id,
                ":id": filter.id,
                ":end_user": filter.end_user,
                ":workspace": filter.workspace_id,
                ":bot": filter.bot_id,
                ":state": filter.state.map(ConnectionState::as_str),
                ":after": page.after,
                ":limit": limit(page.size + 1),
            },
            |row| listed(row, view),
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(super::history::paged(rows, page.size, |view| &view.connection.id))
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
    // No more is read than is needed: a damaged connection can be ended too.
    let found: Option<(String, Option<String>)> = db
        .prepare_cached("SELECT stage, grant_id FROM connections WHERE client_id = ?1 AND id = ?2")?
        .query_row([client_id, id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (stage, grant_id) =
        found.map_or((None, None), |(stage, grant_id)| (Some(stage_of(&stage)), grant_id));
    let standing = grant_id.as_deref().map(|grant_id| count_on(db, grant_id)).transpose()?;
    // One more than the others: itself.
    match decide::disconnect(stage, standing.unwrap_or_default().saturating_sub(1)) {
        Ending::Unknown => Ok(Disconnected::Unknown),
        Ending::Already => Ok(Disconnected::Already),
        Ending::Refuse => refuse(db, id, event, now),
        Ending::End { with_grant } => {
            end(db, id, event, now)?;
            end_grant(db, grant_id.as_deref().filter(|_| with_grant))
        }
    }
}

/// The stage by its word, if it is one.
fn stage_of(word: &str) -> Option<ConnectionStage> {
    serde_json::from_value(word.into()).ok()
}

/// How many connections that were not ended stand on a grant.
pub(super) fn count_on(db: &Db, grant_id: &str) -> Result<usize> {
    let sql = "SELECT count(*) FROM connections WHERE grant_id = ?1 AND stage <> 'disconnected'";
    let count: i64 = db.prepare_cached(sql)?.query_row([grant_id], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// A pending connection goes, and its candidate is due.
fn refuse(db: &Db, id: &str, event: &Event, now: Timestamp) -> Result<Disconnected> {
    // One that does not read is settled when it can be; a store that does not answer ends nothing.
    let candidate = match candidates::of_connection(db, id) {
        Err(StoreError::Damaged { .. }) => None,
        found => found?,
    };
    redeem::refuse_pending(db, id, now)?;
    history::insert_event(db, event)?;
    let due = candidate.map(|candidate| Candidate { connection_id: None, expires_at: now, ..candidate });
    Ok(Disconnected::WasPending(due.map(Box::new)))
}

fn end(db: &Db, id: &str, event: &Event, now: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE connections SET stage = 'disconnected', disconnected_at = ?2 WHERE id = ?1")?
        .execute(params![id, At(now)])?;
    keys::end_all(db, id, now)?;
    history::insert_event(db, event)
}

/// The grant that nobody stands on any more becomes a tombstone.
fn end_grant(db: &Db, grant_id: Option<&str>) -> Result<Disconnected> {
    let Some(grant_id) = grant_id else { return Ok(Disconnected::GrantKept) };
    grants::end(db, grant_id)?;
    match grants::find(db, grant_id) {
        Ok(Some(grant)) => Ok(Disconnected::GrantEnded(Box::new(grant))),
        // Where it cannot be read, the round that settles tombstones goes on past it.
        Ok(None) | Err(StoreError::Damaged { .. }) => Ok(Disconnected::GrantKept),
        Err(error) => Err(error),
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
    let live = grants::find_live(db, &grant.client_id, &grant.profile)?.map(|live| live.id);
    let imported =
        decide::import(live.as_deref(), &grant.id, turns::revoking_until(db, &grant.client_id, event.at)?);
    if let Imported::Wait(_) = imported {
        return Ok(imported);
    }
    if live.is_none() {
        grants::insert(db, grant)?;
    }
    let grant_id = live.unwrap_or_else(|| grant.id.clone());
    if find_on_grant(db, &grant_id, connection.end_user.as_deref(), false)?.is_none() {
        insert(db, &Connection { grant_id: Some(grant_id), ..connection.clone() })?;
        history::insert_event(db, event)?;
    }
    Ok(imported)
}
