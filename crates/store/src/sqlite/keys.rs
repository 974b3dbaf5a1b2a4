//! The wrapped keyring, and the API's keys as hashes.

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};
use sealing::StoredKeyring;

use super::damage::{self, listed};
use super::history;
use super::rows::{At, Hash, Word, time, time_if};
use crate::records::{ApiKey, Event, Listed};
use crate::{Result, StoreError};

pub(super) fn find_keyring(db: &Db) -> Result<Option<StoredKeyring>> {
    let head: Option<(u32, Vec<u8>)> = db
        .prepare_cached("SELECT current_epoch, lookup_wrapped FROM keyring")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((current, lookup)) = head else { return Ok(None) };
    let epochs = db
        .prepare_cached("SELECT epoch, key_wrapped FROM keyring_epochs ORDER BY epoch")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(StoredKeyring { current, epochs, lookup }))
}

pub(super) fn insert_keyring(db: &Db, keyring: &StoredKeyring) -> Result<bool> {
    let mut orphans = db.prepare_cached(
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM keyring) AND (EXISTS (SELECT 1 FROM grants)
            OR EXISTS (SELECT 1 FROM candidates) OR EXISTS (SELECT 1 FROM api_keys))",
    )?;
    if orphans.exists([])? {
        let what =
            "it is gone, and what was sealed with it is still there: restore it from a backup".to_owned();
        return Err(StoreError::Damaged { table: "keyring", what });
    }
    let stored = db
        .prepare_cached(
            "INSERT OR IGNORE INTO keyring (id, current_epoch, lookup_wrapped) VALUES (1, ?1, ?2)",
        )?
        .execute(params![keyring.current, keyring.lookup])?;
    if stored == 1 {
        let mut statement =
            db.prepare_cached("INSERT INTO keyring_epochs (epoch, key_wrapped) VALUES (?1, ?2)")?;
        for (epoch, key) in &keyring.epochs {
            statement.execute(params![epoch, key])?;
        }
    }
    Ok(stored == 1)
}

pub(super) fn insert(db: &Db, key: &ApiKey, event: &Event) -> Result<()> {
    store(db, key)?;
    history::insert_event(db, event)
}

pub(super) fn store(db: &Db, key: &ApiKey) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO api_keys
            (id, kind, client_id, connection_id, label, secret_hmac, refresh_hmac, created_at, revoked_at)
         VALUES (:id, :kind, :client_id, :connection, :label, :secret, :refresh, :created_at, :revoked_at)
         ON CONFLICT (id) DO NOTHING",
    )?
    .execute(named_params! {
        ":id": key.id,
        ":kind": Word(key.kind),
        ":client_id": key.client_id,
        ":connection": key.connection_id,
        ":label": key.label,
        ":secret": Hash(key.secret_hmac),
        ":refresh": key.refresh_hmac.map(Hash),
        ":created_at": At(key.created_at),
        ":revoked_at": key.revoked_at.map(At),
    })?;
    Ok(())
}

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get("id")?,
        kind: row.get::<_, Word<_>>("kind")?.0,
        client_id: row.get("client_id")?,
        connection_id: row.get("connection_id")?,
        label: row.get("label")?,
        secret_hmac: row.get::<_, Hash>("secret_hmac")?.0,
        refresh_hmac: row.get::<_, Option<Hash>>("refresh_hmac")?.map(|hash| hash.0),
        created_at: time(row, "created_at")?,
        revoked_at: time_if(row, "revoked_at")?,
    })
}

/// The key with this id. One row is read in any case, a made-up one where there is none, so that the time does not tell which ids
/// there are.
pub(super) fn find(db: &Db, id: &str) -> Result<Option<ApiKey>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM api_keys WHERE id = ?1
         UNION ALL
         SELECT 'none of this name, of a usual length', 'app', 'an integration', NULL, 'a label', zeroblob(32), NULL, 0, NULL
         LIMIT 1",
    )?;
    let found = statement.query_row([id], key).map_err(damage::of("key's"))?;
    Ok(Some(found).filter(|found| found.id == id))
}

pub(super) fn list(db: &Db, client_id: &str, connection_id: Option<&str>) -> Result<Vec<Listed<ApiKey>>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM api_keys WHERE client_id = ?1 AND connection_id IS ?2 ORDER BY id DESC",
    )?;
    let rows = statement.query_map(params![client_id, connection_id], |row| listed(row, key))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ends all keys of a connection.
pub(super) fn end_all(db: &Db, connection_id: &str, now: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE api_keys SET revoked_at = ?2 WHERE connection_id = ?1 AND revoked_at IS NULL")?
        .execute(params![connection_id, At(now)])?;
    Ok(())
}

pub(super) fn revoke(
    db: &Db,
    client_id: &str,
    connection_id: Option<&str>,
    id: &str,
    event: &Event,
) -> Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE api_keys SET revoked_at = :at
             WHERE client_id = :client_id AND connection_id IS :connection AND id = :id AND revoked_at IS NULL",
        )?
        .execute(named_params! {
            ":at": At(event.at),
            ":client_id": client_id,
            ":connection": connection_id,
            ":id": id,
        })?;
    if changed == 1 {
        history::insert_event(db, event)?;
    }
    Ok(changed == 1)
}
