//! Connect sessions and the attempts that links begin.

use jiff::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};
use sealing::Sha256;

use super::rows::{At, Hash, SealedBlob, Word, WrappedBlob, time, time_if};
use crate::records::{Attempt, ConnectSession, Door, Step};
use crate::{AttemptStart, Result, decide};

/// More steps than any flow has; further ones are left out of its diagram.
const STEPS_MAX: u32 = 64;

pub(super) fn insert_connect_session(db: &Db, session: &ConnectSession) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO connect_sessions
            (id, client_id, end_user, return_url, reconnect, token_sha256, created_at, expires_at, spent_at)
         VALUES (:id, :client_id, :end_user, :return_url, :reconnect, :token, :created_at, :expires_at, :spent_at)
         ON CONFLICT (id) DO NOTHING",
    )?
    .execute(named_params! {
        ":id": session.id,
        ":client_id": session.client_id,
        ":end_user": session.end_user,
        ":return_url": session.return_url,
        ":reconnect": session.reconnect,
        ":token": Hash(session.token_sha256),
        ":created_at": At(session.created_at),
        ":expires_at": At(session.expires_at),
        ":spent_at": session.spent_at.map(At),
    })?;
    Ok(())
}

pub(super) fn find_connect_session_by_token(db: &Db, token: &Sha256) -> Result<Option<ConnectSession>> {
    let mut statement = db.prepare_cached("SELECT * FROM connect_sessions WHERE token_sha256 = ?1")?;
    Ok(statement.query_row([Hash(*token)], session).optional()?)
}

pub(super) fn find_connect_session(db: &Db, client_id: &str, id: &str) -> Result<Option<ConnectSession>> {
    let mut statement =
        db.prepare_cached("SELECT * FROM connect_sessions WHERE client_id = ?1 AND id = ?2")?;
    Ok(statement.query_row([client_id, id], session).optional()?)
}

fn session(row: &Row<'_>) -> rusqlite::Result<ConnectSession> {
    Ok(ConnectSession {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        end_user: row.get("end_user")?,
        return_url: row.get("return_url")?,
        reconnect: row.get("reconnect")?,
        token_sha256: row.get::<_, Hash>("token_sha256")?.0,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        spent_at: time_if(row, "spent_at")?,
    })
}

/// The attempts of a session, and of those that a person chose again with: they have its time, user and connection.
const ATTEMPTS_BEFORE: &str = "SELECT count(*) FROM attempts WHERE connect_session_id IN (
    SELECT ?1 UNION SELECT other.id FROM connect_sessions own JOIN connect_sessions other
        USING (client_id, end_user, reconnect, created_at, expires_at) WHERE own.id = ?1)";

pub(super) fn insert_attempt(
    db: &Db,
    attempt: &Attempt,
    steps: &[Step],
    attempts_max: usize,
    now: Timestamp,
) -> Result<AttemptStart> {
    if is_there(db, &attempt.id)? {
        return Ok(AttemptStart::Started);
    }
    if let Door::Session { connect_session_id, .. } = &attempt.door {
        let session = find_connect_session(db, &attempt.client_id, connect_session_id)?;
        let before: i64 =
            db.prepare_cached(ATTEMPTS_BEFORE)?.query_row([connect_session_id], |row| row.get(0))?;
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        match decide::start(session.as_ref(), before, attempts_max, now) {
            AttemptStart::Started => {}
            refused => return Ok(refused),
        }
    }
    store_attempt(db, attempt)?;
    insert_steps(db, &attempt.id, steps)?;
    Ok(AttemptStart::Started)
}

/// Whether an earlier try stored it, whose answer was lost.
fn is_there(db: &Db, id: &str) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM attempts WHERE id = ?1")?.exists([id])?)
}

fn store_attempt(db: &Db, attempt: &Attempt) -> Result<()> {
    let (mut session, mut user, mut heal) = (None, None, None);
    let (mut challenge, mut state, mut key) = (None, None, None);
    let (return_url, notion_shaped) = match &attempt.door {
        Door::Session { connect_session_id, end_user, return_url, reconnect } => {
            (session, user, heal) = (Some(connect_session_id), Some(end_user), reconnect.as_ref());
            (return_url, false)
        }
        Door::NotionShaped { redirect_uri, code_challenge, app_state_sealed, data_key_wrapped } => {
            challenge = code_challenge.as_ref();
            state = app_state_sealed.as_ref().map(sealing::Sealed::as_bytes);
            key = data_key_wrapped.as_ref().map(sealing::WrappedDataKey::as_bytes);
            (redirect_uri, true)
        }
    };
    db.prepare_cached(
        "INSERT INTO attempts
            (id, client_id, connect_session_id, end_user, return_url, reconnect, notion_shaped, code_challenge,
             app_state_sealed, data_key_wrapped, outcome, state_sha256, cookie_sha256, notion_redirect_uri,
             started_at, expires_at, consumed_at, connection_id)
         VALUES
            (:id, :client_id, :session, :user, :return_url, :heal, :notion_shaped, :challenge, :state, :key, :outcome,
             :state_sha256, :cookie_sha256, :notion_redirect_uri, :started_at, :expires_at, :consumed_at,
             :connection_id)",
    )?
    .execute(named_params! {
        ":id": attempt.id,
        ":client_id": attempt.client_id,
        ":session": session,
        ":user": user,
        ":return_url": return_url,
        ":heal": heal,
        ":notion_shaped": notion_shaped,
        ":challenge": challenge,
        ":state": state,
        ":key": key,
        ":outcome": Word(attempt.outcome),
        ":state_sha256": Hash(attempt.state_sha256),
        ":cookie_sha256": Hash(attempt.cookie_sha256),
        ":notion_redirect_uri": attempt.notion_redirect_uri,
        ":started_at": At(attempt.started_at),
        ":expires_at": At(attempt.expires_at),
        ":consumed_at": attempt.consumed_at.map(At),
        ":connection_id": attempt.connection_id,
    })?;
    Ok(())
}

/// A step that is there already, to the moment, was drawn by an earlier try.
pub(super) fn insert_steps(db: &Db, attempt_id: &str, steps: &[Step]) -> Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO steps (attempt_id, step)
         SELECT ?1, ?2 WHERE (SELECT count(*) FROM steps WHERE attempt_id = ?1) < ?3
            AND NOT EXISTS (SELECT 1 FROM steps WHERE attempt_id = ?1 AND step = ?2)
            AND EXISTS (SELECT 1 FROM attempts WHERE id = ?1)",
    )?;
    for step in steps {
        let json = serde_json::to_string(step).map_err(|error| {
            let why = format!("a step does not serialize: {error}");
            crate::StoreError::Unavailable(crate::Trouble::Failing, why)
        })?;
        statement.execute(params![attempt_id, json, STEPS_MAX])?;
    }
    Ok(())
}

pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let door = if row.get("notion_shaped")? {
        Door::NotionShaped {
            redirect_uri: row.get("return_url")?,
            code_challenge: row.get("code_challenge")?,
            app_state_sealed: row.get::<_, Option<SealedBlob<_>>>("app_state_sealed")?.map(|blob| blob.0),
            data_key_wrapped: row.get::<_, Option<WrappedBlob>>("data_key_wrapped")?.map(|blob| blob.0),
        }
    } else {
        Door::Session {
            connect_session_id: row.get("connect_session_id")?,
            end_user: row.get("end_user")?,
            return_url: row.get("return_url")?,
            reconnect: row.get("reconnect")?,
        }
    };
    Ok(Attempt {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        door,
        outcome: row.get::<_, Word<_>>("outcome")?.0,
        state_sha256: row.get::<_, Hash>("state_sha256")?.0,
        cookie_sha256: row.get::<_, Hash>("cookie_sha256")?.0,
        notion_redirect_uri: row.get("notion_redirect_uri")?,
        started_at: time(row, "started_at")?,
        expires_at: time(row, "expires_at")?,
        consumed_at: time_if(row, "consumed_at")?,
        connection_id: row.get("connection_id")?,
    })
}
