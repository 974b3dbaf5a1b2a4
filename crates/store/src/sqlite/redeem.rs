//! Our codes: found, redeemed, refused.

use jiff::Timestamp;
use lifecycle::GrantState;
use lifecycle::rows::{self, GrantRow, Redeem, RedeemRows, Stand};
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};
use sealing::Sha256;

use super::rows::{At, Hash, Word, time};
use super::way_in::{attempt, insert_steps};
use super::{candidates, connections, damage, grants, history, keys};
use crate::records::{AttemptOutcome, Candidate, Code, CodeSpent, Event, EventKind, Step};
use crate::{Activated, Activation, Chosen, CodeFound, Footing, Result, StoreError, decide};

pub(super) fn find_code(db: &Db, code_sha256: &Sha256) -> Result<Option<CodeFound>> {
    code_row(db, code_sha256)?.map(|code| with_attempt(db, code)).transpose()
}

fn code_row(db: &Db, code_sha256: &Sha256) -> Result<Option<Code>> {
    let mut statement = db.prepare_cached("SELECT * FROM codes WHERE code_sha256 = ?1")?;
    statement.query_row([Hash(*code_sha256)], code).optional().map_err(damage::of("code's"))
}

fn with_attempt(db: &Db, code: Code) -> Result<CodeFound> {
    let attempt = db
        .prepare_cached("SELECT * FROM attempts WHERE id = ?1")?
        .query_row([&code.attempt_id], attempt)
        .optional()
        .map_err(damage::of("attempt's"))?
        .ok_or_else(|| StoreError::Damaged { table: "attempt's", what: "it is gone".to_owned() })?;
    let candidate = candidates::of_connection(db, &code.connection_id)?;
    Ok(CodeFound { code, attempt, candidate })
}

fn code(row: &Row<'_>) -> rusqlite::Result<Code> {
    let spent = match row.get::<_, Option<String>>("spent")?.as_deref() {
        None => None,
        Some("redeemed") => Some(CodeSpent::Redeemed {
            key_id: row.get("spent_key_id")?,
            connection_id: row.get("spent_connection_id")?,
        }),
        Some(_) => Some(CodeSpent::Refused),
    };
    Ok(Code {
        code_sha256: row.get::<_, Hash>("code_sha256")?.0,
        client_id: row.get("client_id")?,
        attempt_id: row.get("attempt_id")?,
        connection_id: row.get("connection_id")?,
        expires_at: time(row, "expires_at")?,
        spent,
    })
}

pub(super) fn activate(db: &Db, activation: &Activation) -> Result<Activated> {
    let Some(found) = find_code(db, &activation.code_sha256)? else { return Ok(Activated::CodeSpent) };
    let (stand, grant) = standing(db, &activation.footing)?;
    let same = |candidate: &Candidate| candidate.id == activation.candidate_id;
    let rows = RedeemRows {
        told: history::is_told(db, &activation.event)?,
        spent: found.code.spent.is_some(),
        same_candidate: found.candidate.as_ref().is_some_and(same),
        adopted: found.candidate.as_ref().is_some_and(|candidate| candidate.adopted),
        may_live: may_live(db, activation)?,
        grant,
    };
    match rows::redeem(&rows, stand) {
        Redeem::Stored => Ok(Activated::Done),
        Redeem::CodeSpent => Ok(Activated::CodeSpent),
        Redeem::Moved => Ok(Activated::GrantMoved),
        Redeem::Store => apply(db, activation, &found.code).map(|()| Activated::Done),
    }
}

/// Where the connection is to stand, and what is there.
fn standing(db: &Db, footing: &Footing) -> Result<(Stand, Option<GrantRow>)> {
    Ok(match footing {
        Footing::New(grant) => (Stand::New, grants::live_row(db, grant)?),
        Footing::Renewed { grant, spent, .. } => {
            (Stand::Renewed { spent: *spent, next: grant.generation }, grants::row(db, &grant.id, None)?)
        }
        Footing::Joined { grant_id, at, .. } => (Stand::Joined { at: *at }, grants::row(db, grant_id, None)?),
    })
}

fn apply(db: &Db, activation: &Activation, code: &Code) -> Result<()> {
    let mut told = 1;
    match &activation.footing {
        Footing::New(grant) => grants::insert(db, grant)?,
        // All that stand on it are healed by it.
        Footing::Renewed { grant, .. } => told = grants::replace(db, grant, &activation.event, told)?,
        Footing::Joined { .. } => {}
    }
    db.prepare_cached(
        "UPDATE codes SET spent = 'redeemed', spent_key_id = ?2, spent_connection_id = ?3 WHERE code_sha256 = ?1",
    )?
    .execute(params![Hash(activation.code_sha256), activation.key_id, activation.connection_id])?;
    place_candidate(db, activation)?;
    make_live(db, activation, &code.connection_id, told)?;
    if activation.ends_keys {
        keys::end_all(db, &activation.connection_id, activation.event.at)?;
    }
    if let Some((key, minted)) = &activation.key {
        keys::store(db, key)?;
        history::insert_event(db, minted)?;
    }
    let outcome = AttemptOutcome::Connected;
    end_attempt(db, &code.attempt_id, outcome, &activation.connection_id, &activation.steps)?;
    history::insert_event(db, &activation.event)?;
    match &activation.footing {
        Footing::New(grant) if grants::has_other_owner(db, grant)? => {
            history::insert_event(db, &activation.second_owner)
        }
        _ => Ok(()),
    }
}

/// The redeemed candidate goes, unless its pair is to be settled; so is the pair whose place it took, if that may live.
fn place_candidate(db: &Db, activation: &Activation) -> Result<()> {
    match &activation.footing {
        Footing::Joined { kept: true, .. } => candidates::release(db, &activation.candidate_id),
        Footing::Renewed { kept: Some(old), .. } => {
            candidates::delete(db, &activation.candidate_id)?;
            candidates::insert(db, old)
        }
        _ => candidates::delete(db, &activation.candidate_id),
    }
}

/// A connection that is to be healed may have been disconnected, moved or given away since it was chosen.
fn may_live(db: &Db, activation: &Activation) -> Result<bool> {
    let sql = "SELECT stage = 'disconnected', end_user, grant_id FROM connections WHERE id = ?1";
    let found = db
        .prepare_cached(sql)?
        .query_row([&activation.connection_id], |row| {
            Ok((row.get(0)?, Chosen { end_user: row.get(1)?, grant_id: row.get(2)? }))
        })
        .optional()?;
    Ok(decide::may_live(found.as_ref(), activation.chosen.as_ref()))
}

/// The pending connection becomes live, or gives way to the older one that is healed, or moves here.
fn make_live(db: &Db, activation: &Activation, pending: &str, told: usize) -> Result<()> {
    if pending != activation.connection_id {
        db.prepare_cached("DELETE FROM connections WHERE id = ?1 AND stage = 'pending'")?
            .execute([pending])?;
    }
    let former: Option<String> = db
        .prepare_cached("SELECT grant_id FROM connections WHERE id = ?1")?
        .query_row([&activation.connection_id], |row| row.get(0))?;
    let grant_id = activation.footing.grant_id();
    db.prepare_cached("UPDATE connections SET stage = 'active', grant_id = ?2 WHERE id = ?1")?
        .execute(params![activation.connection_id, grant_id])?;
    let Some(former) = former.filter(|former| former != grant_id) else { return Ok(()) };
    tell_move(db, activation, &former, told)?;
    if connections::count_on(db, &former)? == 0 { grants::end(db, &former) } else { Ok(()) }
}

/// A connection that moves has the state of what it comes to stand on: if that is another one, it is told.
fn tell_move(db: &Db, activation: &Activation, former: &str, number: usize) -> Result<()> {
    let state = |id: &str| -> Result<Option<(String, Option<String>)>> {
        let sql = "SELECT state, reason FROM grants WHERE id = ?1";
        let found = db.prepare_cached(sql)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    };
    let before = state(former)?.map(|(word, _)| word);
    let Some((now, reason)) = state(activation.footing.grant_id())? else { return Ok(()) };
    let kind = match GrantState::parse(&now) {
        _ if before.as_ref() == Some(&now) => return Ok(()),
        Some(GrantState::Active) => EventKind::Recovered,
        Some(GrantState::Suspect) => EventKind::Suspect,
        Some(GrantState::Degraded) => EventKind::Degraded,
        Some(GrantState::ReconnectNeeded) => EventKind::ReconnectNeeded,
        Some(GrantState::Tombstone) | None => return Ok(()),
    };
    let id = history::numbered(&activation.event.id, number);
    history::insert_event(db, &Event { id, kind, note: reason, ..activation.event.clone() })
}

fn end_attempt(
    db: &Db,
    id: &str,
    outcome: AttemptOutcome,
    connection_id: &str,
    steps: &[Step],
) -> Result<()> {
    db.prepare_cached("UPDATE attempts SET outcome = ?2, connection_id = ?3 WHERE id = ?1")?
        .execute(params![id, Word(outcome), connection_id])?;
    insert_steps(db, id, steps)
}

pub(super) fn refuse_code(
    db: &Db,
    code_sha256: &Sha256,
    outcome: AttemptOutcome,
    steps: &[Step],
    event: &Event,
    now: Timestamp,
) -> Result<bool> {
    // By the code alone: what else is of it may be damaged, and its pair must be settled all the same.
    let Some(code) = code_row(db, code_sha256)?.filter(|code| code.spent.is_none()) else {
        return Ok(false);
    };
    refuse_pending(db, &code.connection_id, now)?;
    db.prepare_cached("UPDATE attempts SET outcome = ?2 WHERE id = ?1")?
        .execute(params![code.attempt_id, Word(outcome)])?;
    insert_steps(db, &code.attempt_id, steps)?;
    history::insert_event(db, event)?;
    Ok(true)
}

/// A pending connection goes; its code opens nothing any more; its candidate is due at once.
pub(super) fn refuse_pending(db: &Db, connection_id: &str, now: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE codes SET spent = 'refused' WHERE connection_id = ?1 AND spent IS NULL")?
        .execute([connection_id])?;
    db.prepare_cached("DELETE FROM connections WHERE id = ?1 AND stage = 'pending'")?
        .execute([connection_id])?;
    db.prepare_cached(
        "UPDATE candidates SET connection_id = NULL, expires_at = :now WHERE connection_id = :connection",
    )?
    .execute(named_params! { ":now": At(now), ":connection": connection_id })?;
    Ok(())
}

pub(super) fn unredeemed_codes(db: &Db, now: Timestamp, rows: usize) -> Result<Vec<Code>> {
    let mut statement = db
        .prepare_cached("SELECT * FROM codes WHERE spent IS NULL AND expires_at <= ?1 ORDER BY expires_at")?;
    damage::sound(statement.query([At(now)])?, rows, code)
}
