//! Grants, the lease on their refresh, and the commits that are conditional on the generation.

use jiff::Timestamp;
use lifecycle::{Generation, GrantFacts, GrantState, Lease, RefreshSeen};
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};

use super::nodes::Nodes;
use super::rows::{At, limit, pair, profile, signed, time, time_if, unsigned};
use super::{damage, history};
use crate::records::{Event, Grant, Profile};
use crate::{Committed, LeaseTaken, Result};

/// How many of a grant's refreshes are looked at.
const SEEN_MAX: usize = 100;
/// What came of an attempt whose holder ended before it could write it down.
const DIED: &str = "died";

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        profile: profile(row)?,
        generation: Generation(unsigned(row.get("generation")?)),
        state: state(&row.get::<_, String>("state")?)?,
        reason: row.get("reason")?,
        pair: pair(row)?,
        issued_at: time(row, "issued_at")?,
        created_at: time(row, "created_at")?,
        leased_until: time_if(row, "lease_expires_at")?,
    })
}

/// A live grant as it stands, however damaged: a new consent replaces all that may be.
fn mendable(row: &Row<'_>) -> rusqlite::Result<Grant> {
    let word: String = row.get("state")?;
    Ok(Grant {
        id: row.get("id")?,
        client_id: row.get("client_id")?,
        profile: profile(row)?,
        generation: Generation(unsigned(row.get("generation")?)),
        state: GrantState::parse(&word).unwrap_or(GrantState::ReconnectNeeded),
        reason: row.get("reason")?,
        pair: pair(row).unwrap_or_default(),
        issued_at: time(row, "issued_at").unwrap_or_default(),
        created_at: time(row, "created_at").unwrap_or_default(),
        leased_until: time_if(row, "lease_expires_at").unwrap_or_default(),
    })
}

pub(super) fn state(word: &str) -> rusqlite::Result<GrantState> {
    GrantState::parse(word).ok_or(rusqlite::Error::InvalidColumnType(
        0,
        "state".into(),
        rusqlite::types::Type::Text,
    ))
}

pub(super) fn find(db: &Db, id: &str) -> Result<Option<Grant>> {
    let mut statement = db.prepare_cached("SELECT * FROM grants WHERE id = ?1")?;
    statement.query_row([id], grant).optional().map_err(damage::of("authorization's"))
}

pub(super) fn find_live(db: &Db, client_id: &str, profile: &Profile) -> Result<Option<Grant>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM grants WHERE client_id = ?1 AND bot_id = ?2 AND owner_id = ?3 AND state <> 'tombstone'",
    )?;
    Ok(statement.query_row(params![client_id, profile.bot_id, profile.owner_id], mendable).optional()?)
}

/// Whether another person has a live grant of the same bot.
pub(super) fn has_other_owner(db: &Db, grant: &Grant) -> Result<bool> {
    let sql = "SELECT 1 FROM grants
        WHERE client_id = ?1 AND bot_id = ?2 AND owner_id <> ?3 AND state <> 'tombstone'";
    let profile = &grant.profile;
    Ok(db.prepare_cached(sql)?.exists([&grant.client_id, &profile.bot_id, &profile.owner_id])?)
}

/// Inserts a grant unless a live one of the same identity is there.
pub(super) fn insert_if_alone(db: &Db, grant: &Grant) -> Result<bool> {
    if find_live(db, &grant.client_id, &grant.profile)?.is_some() {
        return Ok(false);
    }
    db.prepare_cached(
        "INSERT INTO grants (id, client_id, bot_id, owner_id, workspace_id, generation, state, issued_at, created_at)
         VALUES (:id, :client_id, :bot, :owner, :workspace, :generation, :state, :issued_at, :created_at)",
    )?
    .execute(named_params! {
        ":id": grant.id,
        ":client_id": grant.client_id,
        ":bot": grant.profile.bot_id,
        ":owner": grant.profile.owner_id,
        ":workspace": grant.profile.workspace_id,
        ":generation": signed(grant.generation.0),
        ":state": grant.state.as_str(),
        ":issued_at": At(grant.issued_at),
        ":created_at": At(grant.created_at),
    })?;
    write(db, grant)?;
    Ok(true)
}

/// Everything of a grant that a new pair brings.
fn write(db: &Db, grant: &Grant) -> Result<()> {
    let (profile, pair) = (&grant.profile, grant.pair.as_ref());
    db.prepare_cached(
        "UPDATE grants SET
            workspace_id = :workspace, workspace_name = :workspace_name, workspace_icon = :workspace_icon,
            owner_name = :owner_name, owner_email = :owner_email, duplicated_template_id = :template,
            generation = :generation, state = :state, reason = :reason, data_key_wrapped = :key,
            access_token_sealed = :access, refresh_token_sealed = :refresh, issued_at = :issued_at
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":workspace": profile.workspace_id,
        ":workspace_name": profile.workspace_name,
        ":workspace_icon": profile.workspace_icon,
        ":owner_name": profile.owner_name,
        ":owner_email": profile.owner_email,
        ":template": profile.duplicated_template_id,
        ":generation": signed(grant.generation.0),
        ":state": grant.state.as_str(),
        ":reason": grant.reason,
        ":key": pair.map(|pair| pair.data_key_wrapped.as_bytes()),
        ":access": pair.map(|pair| pair.access_token_sealed.as_bytes()),
        ":refresh": pair.and_then(|pair| pair.refresh_token_sealed.as_ref()).map(sealing::Sealed::as_bytes),
        ":issued_at": At(grant.issued_at),
        ":id": grant.id,
    })?;
    Ok(())
}

/// The grant, and what a renewal of it is decided on.
pub(super) fn find_with_facts(
    db: &Db,
    nodes: &Nodes,
    id: &str,
    since: Timestamp,
) -> Result<Option<(Grant, GrantFacts)>> {
    let Some(grant) = find(db, id)? else { return Ok(None) };
    let holder: Option<String> = db
        .prepare_cached("SELECT lease_holder FROM grants WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    let mut statement = db.prepare_cached(
        "SELECT epoch, generation, holder, started_at, outcome FROM refresh_attempts
         WHERE grant_id = ?1 AND (started_at > ?2 OR generation = ?3) ORDER BY epoch DESC LIMIT ?4",
    )?;
    let refreshes = statement
        .query_map(params![id, At(since), signed(grant.generation.0), limit(SEEN_MAX)], |row| {
            let (holder, outcome) =
                (row.get::<_, String>("holder")?, row.get::<_, Option<String>>("outcome")?);
            Ok(RefreshSeen {
                epoch: unsigned(row.get("epoch")?),
                generation: Generation(unsigned(row.get("generation")?)),
                started_at: time(row, "started_at")?,
                outcome: outcome.or_else(|| nodes.is_gone(&holder).then(|| DIED.to_owned())),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let facts = GrantFacts {
        state: grant.state,
        generation: grant.generation,
        issued_at: grant.issued_at,
        refreshable: grant.pair.as_ref().is_some_and(|pair| pair.refresh_token_sealed.is_some()),
        // A lease ends with its holder.
        leased_until: grant.leased_until.filter(|_| holder.is_some_and(|holder| !nodes.is_gone(&holder))),
        refreshes,
    };
    Ok(Some((grant, facts)))
}

pub(super) fn suspect(db: &Db, rows: usize) -> Result<Vec<String>> {
    let mut statement =
        db.prepare_cached("SELECT id FROM grants WHERE state = 'suspect' ORDER BY id LIMIT ?1")?;
    Ok(statement.query_map([limit(rows)], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Grants whose current generation a process was about to spend when it ended. An attempt that ended with its holder has no
/// outcome until somebody takes the lease over.
pub(super) fn interrupted(db: &Db, nodes: &Nodes, rows: usize) -> Result<Vec<String>> {
    let mut statement = db.prepare_cached(
        "SELECT tried.grant_id, tried.holder, tried.outcome FROM refresh_attempts AS tried
         JOIN grants ON grants.id = tried.grant_id AND grants.generation = tried.generation
         WHERE coalesce(tried.outcome, 'died') = 'died' AND grants.state NOT IN ('tombstone', 'suspect')
           AND NOT EXISTS (SELECT 1 FROM refresh_attempts AS later
               WHERE later.grant_id = tried.grant_id AND later.generation = tried.generation
                 AND later.epoch > tried.epoch AND later.outcome IN ('invalid_grant', 'unknown'))
         ORDER BY tried.grant_id",
    )?;
    let mut tried = statement.query([])?;
    let mut found: Vec<String> = Vec::new();
    while let Some(row) = tried.next()?.filter(|_| found.len() < rows) {
        let (id, holder) = (row.get("grant_id")?, row.get::<_, String>("holder")?);
        let died = row.get::<_, Option<String>>("outcome")?.is_some() || nodes.is_gone(&holder);
        if died && found.last() != Some(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

pub(super) fn take_lease(
    db: &Db,
    nodes: &Nodes,
    grant_id: &str,
    generation: Generation,
    holder: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<LeaseTaken> {
    let Some(current) = find(db, grant_id)? else { return Ok(LeaseTaken::Moved) };
    if current.generation != generation || current.state == GrantState::Tombstone {
        return Ok(LeaseTaken::Moved);
    }
    let (held, epoch) = db
        .prepare_cached(
            "SELECT lease_holder, lease_generation, lease_epoch, lease_expires_at FROM grants WHERE id = ?1",
        )?
        .query_row([grant_id], |row| {
            let epoch = unsigned(row.get("lease_epoch")?);
            let holder: Option<String> = row.get("lease_holder")?;
            let held = match (holder, time_if(row, "lease_expires_at")?) {
                (Some(holder), Some(expires_at)) => {
                    let generation = Generation(unsigned(row.get("lease_generation")?));
                    Some(Lease { holder, generation, epoch, expires_at })
                }
                _ => None,
            };
            Ok((held, epoch))
        })?;
    if let Some(held) = held {
        if nodes.is_gone(&held.holder) {
            end_attempt(db, grant_id, held.epoch, DIED)?;
        } else if held.expires_at > now {
            return Ok(LeaseTaken::Held(held));
        }
    }
    let lease = Lease { holder: holder.to_owned(), generation, epoch: epoch + 1, expires_at };
    db.prepare_cached(
        "UPDATE grants SET lease_holder = ?2, lease_generation = ?3, lease_epoch = ?4, lease_expires_at = ?5
         WHERE id = ?1",
    )?
    .execute(params![grant_id, holder, signed(generation.0), signed(lease.epoch), At(expires_at)])?;
    db.prepare_cached(
        "INSERT INTO refresh_attempts (grant_id, epoch, generation, holder, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![grant_id, signed(lease.epoch), signed(generation.0), holder, At(now)])?;
    Ok(LeaseTaken::Taken(lease))
}

pub(super) fn release_lease(db: &Db, grant_id: &str, lease: &Lease, outcome: &str) -> Result<()> {
    db.prepare_cached(
        "UPDATE grants SET lease_holder = NULL, lease_generation = NULL, lease_expires_at = NULL
         WHERE id = ?1 AND lease_epoch = ?2",
    )?
    .execute(params![grant_id, signed(lease.epoch)])?;
    end_attempt(db, grant_id, lease.epoch, outcome)
}

/// Writes down what came of an attempt.
fn end_attempt(db: &Db, grant_id: &str, epoch: u64, outcome: &str) -> Result<()> {
    db.prepare_cached("UPDATE refresh_attempts SET outcome = ?3 WHERE grant_id = ?1 AND epoch = ?2")?
        .execute(params![grant_id, signed(epoch), outcome])?;
    Ok(())
}

/// Stores a new pair if the row is still at the generation that was spent. The lease is no part of the condition. A pair that is
/// there already was stored by an earlier try whose answer was lost: no two sealings are the same.
pub(super) fn commit(db: &Db, grant: &Grant, spent: Generation, event: Option<&Event>) -> Result<Committed> {
    match standing(db, &grant.id, spent)? {
        Committed::Done => {}
        Committed::Moved(to) if to == grant.generation && holds(db, grant)? => return Ok(Committed::Done),
        other => return Ok(other),
    }
    write(db, grant)?;
    if let Some(event) = event {
        history::tell_connections(db, &grant.id, event)?;
    }
    Ok(Committed::Done)
}

/// Whether the row holds this very pair.
fn holds(db: &Db, grant: &Grant) -> Result<bool> {
    let sealed = |grant: &Grant| grant.pair.as_ref().map(|pair| pair.access_token_sealed.as_bytes().to_vec());
    Ok(find(db, &grant.id)?.is_some_and(|found| sealed(&found) == sealed(grant)))
}

/// Whether a live grant is still at the generation that was read.
pub(super) fn standing(db: &Db, id: &str, expected: Generation) -> Result<Committed> {
    // No more is read than is asked: a damaged row must take the pair that mends it.
    let found: Option<(i64, bool)> = db
        .prepare_cached("SELECT generation, state = 'tombstone' FROM grants WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match found.map(|(generation, ended)| (Generation(unsigned(generation)), ended)) {
        None | Some((_, true)) => Committed::Tombstoned,
        Some((current, false)) if current != expected => Committed::Moved(current),
        Some(_) => Committed::Done,
    })
}

pub(super) fn set_state(
    db: &Db,
    id: &str,
    generation: Generation,
    state: GrantState,
    reason: Option<&str>,
    event: Option<&Event>,
) -> Result<Committed> {
    match standing(db, id, generation)? {
        Committed::Done => {}
        other => return Ok(other),
    }
    let changed = db
        .prepare_cached("UPDATE grants SET state = ?2, reason = ?3 WHERE id = ?1 AND state <> ?2")?
        .execute(params![id, state.as_str(), reason])?;
    if let Some(event) = event.filter(|_| changed == 1) {
        history::tell_connections(db, id, event)?;
    }
    Ok(Committed::Done)
}

/// Makes a grant a tombstone if no connection stands on it any more.
pub(super) fn end_if_unused(db: &Db, id: &str) -> Result<()> {
    db.prepare_cached(
        "UPDATE grants SET state = 'tombstone', reason = NULL
         WHERE id = ?1 AND NOT EXISTS
            (SELECT 1 FROM connections WHERE grant_id = ?1 AND stage <> 'disconnected')",
    )?
    .execute([id])?;
    Ok(())
}

pub(super) fn unrevoked(db: &Db, now: Timestamp, rows: usize) -> Result<Vec<Grant>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM grants WHERE state = 'tombstone' AND data_key_wrapped IS NOT NULL AND revoke_after <= ?1
         ORDER BY revoke_after, id",
    )?;
    damage::sound(statement.query([At(now)])?, rows, grant)
}

pub(super) fn postpone_revocation(db: &Db, id: &str, until: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE grants SET revoke_after = ?2 WHERE id = ?1 AND state = 'tombstone'")?
        .execute(params![id, At(until)])?;
    Ok(())
}

pub(super) fn destroy_data_key(db: &Db, id: &str, event: &Event) -> Result<()> {
    let changed = db
        .prepare_cached(
            "UPDATE grants SET data_key_wrapped = NULL, access_token_sealed = NULL, refresh_token_sealed = NULL
             WHERE id = ?1 AND state = 'tombstone' AND data_key_wrapped IS NOT NULL",
        )?
        .execute([id])?;
    if changed == 1 {
        history::tell_connections(db, id, event)?;
    }
    Ok(())
}
