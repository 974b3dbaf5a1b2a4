//! Columns to values and back. What is stored is checked as it is read: a row that is not as we write it is damaged,
//! and says so instead of being guessed at.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use sealing::{Sealed, Sha256, WrappedDataKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::records::{Profile, SealedPair};

/// Whether two owners in SQL may be the same person: one that is not known (an answer may have been cut before it) may be
/// anybody of the bot. So nothing is ended at Notion that may be another's; whose pair goes on in whose place is asked exactly.
pub(super) fn may_be_same_owner(one: &str, other: &str) -> String {
    format!("({one} = {other} OR '' IN ({one}, {other}))")
}

/// A time, as milliseconds.
pub(super) struct At(pub(super) Timestamp);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_millisecond().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_millisecond(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

/// A hash, as its 32 bytes.
pub(super) struct Hash(pub(super) Sha256);

impl ToSql for Hash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl FromSql for Hash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Sha256::from_slice(value.as_blob()?).map(Self).ok_or(FromSqlError::InvalidType)
    }
}

/// A unit-only enum, as the word that serde has for it.
pub(super) struct Word<T>(pub(super) T);

impl<T: Serialize> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(word)) => Ok(word.into()),
            _ => Err(rusqlite::Error::InvalidQuery),
        }
    }
}

impl<T: DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = serde_json::Value::String(value.as_str()?.to_owned());
        serde_json::from_value(word).map(Self).map_err(FromSqlError::other)
    }
}

/// Sealed bytes of kind `T`.
pub(super) struct SealedBlob<T>(pub(super) Sealed<T>);

impl<T> FromSql for SealedBlob<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Sealed::from_bytes(value.as_blob()?.to_vec()).map(Self).map_err(FromSqlError::other)
    }
}

/// A wrapped data key.
pub(super) struct WrappedBlob(pub(super) WrappedDataKey);

impl FromSql for WrappedBlob {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        WrappedDataKey::from_bytes(value.as_blob()?.to_vec()).map(Self).map_err(FromSqlError::other)
    }
}

pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get::<_, At>(column).map(|at| at.0)
}

pub(super) fn time_if(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<At>>(column).map(|at| at.map(|at| at.0))
}

pub(super) fn profile(row: &Row<'_>) -> rusqlite::Result<Profile> {
    Ok(Profile {
        bot_id: row.get("bot_id")?,
        workspace_id: row.get("workspace_id")?,
        workspace_name: row.get("workspace_name")?,
        workspace_icon: row.get("workspace_icon")?,
        owner_id: row.get("owner_id")?,
        owner_name: row.get("owner_name")?,
        owner_email: row.get("owner_email")?,
        duplicated_template_id: row.get("duplicated_template_id")?,
    })
}

/// A pair; `None` once its data key was destroyed.
pub(super) fn pair(row: &Row<'_>) -> rusqlite::Result<Option<SealedPair>> {
    let key: Option<WrappedBlob> = row.get("data_key_wrapped")?;
    let access: Option<SealedBlob<_>> = row.get("access_token_sealed")?;
    let refresh: Option<SealedBlob<_>> = row.get("refresh_token_sealed")?;
    Ok(key.zip(access).map(|(key, access)| SealedPair {
        data_key_wrapped: key.0,
        access_token_sealed: access.0,
        refresh_token_sealed: refresh.map(|sealed| sealed.0),
    }))
}

/// `SQLite`'s integers are signed.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// A limit for SQL.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
