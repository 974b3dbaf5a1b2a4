//! Grants, the lease on their refresh, and the commits that are conditional on the generation.

use jiff::Timestamp;
use lifecycle::rows::{self, GrantRow, LeaseDecision, LeaseRow, Write};
use lifecycle::{Generation, GrantFacts, GrantState, Lease, RefreshSeen};
use rusqlite::{Connection as Db, OptionalExtension as _, Row, named_params, params};

use super::nodes::Nodes;
use super::rows::{At, limit, may_be_same_owner, pair, profile, signed, time, time_if, unsigned};
use super::{candidates, damage, history};
use crate::records::{Candidate, Event, EventKind, Grant, Profile, SealedPair};
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
        "SELECT * FROM grants
         WHERE client_id = ?1 AND bot_id = ?2 AND owner_id = ?3 AND owner_id <> '' AND state <> 'tombstone'",
    )?;
    Ok(statement.query_row(params![client_id, profile.bot_id, profile.owner_id], mendable).optional()?)
}

pub(super) fn stands_beside(db: &Db, client_id: &str, profile: &Profile) -> Result<bool> {
    let sql = format!(
        "SELECT 1 FROM grants WHERE client_id = ?1 AND bot_id = ?2 AND {same} AND state <> 'tombstone'
         UNION ALL SELECT 1 FROM candidates WHERE client_id = ?1 AND bot_id = ?2 AND {same}
            AND connection_id IS NOT NULL",
        same = may_be_same_owner("owner_id", "?3")
    );
    Ok(db.prepare_cached(&sql)?.exists([client_id, &profile.bot_id, &profile.owner_id])?)
}

/// Whether another person, who is known, has a live grant of the same bot.
pub(super) fn has_other_owner(db: &Db, grant: &Grant) -> Result<bool> {
    let sql = "SELECT 1 FROM grants
        WHERE client_id = ?1 AND bot_id = ?2 AND owner_id NOT IN (?3, '') AND ?3 <> '' AND state <> 'tombstone'";
    let profile = &grant.profile;
    Ok(db.prepare_cached(sql)?.exists([&grant.client_id, &profile.bot_id, &profile.owner_id])?)
}

/// Inserts a grant. The caller knows that no live one of the same identity is there.
pub(super) fn insert(db: &Db, grant: &Grant) -> Result<()> {
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
    write(db, grant)
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
    let before = lease_row(db, nodes, grant_id)?;
    let decided = rows::take_lease(row(db, grant_id, None)?, before, generation, holder, now, expires_at);
    let (lease, died) = match decided {
        LeaseDecision::Moved => return Ok(LeaseTaken::Moved),
        LeaseDecision::Held(held) => return Ok(LeaseTaken::Held(held)),
        LeaseDecision::Taken { lease, over_dead } => return Ok(taken(lease, over_dead)),
        LeaseDecision::Take { lease, died } => (lease, died),
    };
    if let Some(epoch) = died {
        end_attempt(db, grant_id, epoch, DIED)?;
    }
    db.prepare_cached(
        "UPDATE grants SET lease_holder = ?2, lease_generation = ?3, lease_epoch = ?4, lease_expires_at = ?5
         WHERE id = ?1",
    )?
    .execute(params![grant_id, holder, signed(generation.0), signed(lease.epoch), At(expires_at)])?;
    db.prepare_cached(
        "INSERT INTO refresh_attempts (grant_id, epoch, generation, holder, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![grant_id, signed(lease.epoch), signed(generation.0), holder, At(now)])?;
    Ok(taken(lease, died.is_some()))
}

fn taken(lease: Lease, over_dead: bool) -> LeaseTaken {
    if over_dead { LeaseTaken::TakenOver(lease) } else { LeaseTaken::Taken(lease) }
}

/// The lease as the row tells it.
fn lease_row(db: &Db, nodes: &Nodes, grant_id: &str) -> Result<LeaseRow> {
    let found = db
        .prepare_cached(
            "SELECT lease_holder, lease_generation, lease_epoch, lease_expires_at, EXISTS
                (SELECT 1 FROM refresh_attempts AS before WHERE before.grant_id = grants.id
                   AND before.epoch = grants.lease_epoch - 1 AND before.outcome = 'died') AS over_dead
             FROM grants WHERE id = ?1",
        )?
        .query_row([grant_id], |row| {
            let epoch = unsigned(row.get("lease_epoch")?);
            let held = row.get::<_, Option<String>>("lease_holder")?.zip(time_if(row, "lease_expires_at")?);
            let generation =
                Generation(unsigned(row.get::<_, Option<_>>("lease_generation")?.unwrap_or_default()));
            let lease = held.map(|(holder, expires_at)| Lease { holder, generation, epoch, expires_at });
            Ok((lease, epoch, row.get("over_dead")?))
        })
        .optional()?;
    let (lease, epoch, over_dead) = found.unwrap_or_default();
    let holder_gone = lease.as_ref().is_some_and(|lease| nodes.is_gone(&lease.holder));
    Ok(LeaseRow { lease, epoch, holder_gone, over_dead })
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

/// Stores a new pair if the row is still at the generation that was spent.
pub(super) fn commit(db: &Db, grant: &Grant, spent: Generation, event: &Event) -> Result<Committed> {
    let decided = rows::commit(row(db, &grant.id, grant.pair.as_ref())?, spent, grant.generation);
    renew(db, grant, decided, event)
}

/// Carries out what was decided of a new pair.
pub(super) fn renew(db: &Db, grant: &Grant, decided: Write, event: &Event) -> Result<Committed> {
    if decided == Write::Store {
        let next = history::tell_connections(db, &grant.id, event, 0)?;
        replace(db, grant, event, next)?;
    }
    Ok(decided.answer())
}

/// Stores a new pair, and tells of the state's move if it makes the grant active again. `like` lends that event its time and
/// attempt, and its ids from number `first` on.
pub(super) fn replace(db: &Db, grant: &Grant, like: &Event, first: usize) -> Result<usize> {
    let moved = db
        .prepare_cached("SELECT 1 FROM grants WHERE id = ?1 AND state <> ?2")?
        .exists(params![grant.id, grant.state.as_str()])?;
    write(db, grant)?;
    if moved && grant.state == GrantState::Active {
        let recovered = Event { kind: EventKind::Recovered, note: None, ..like.clone() };
        return history::tell_connections(db, &grant.id, &recovered, first);
    }
    Ok(first)
}

/// The row, as writes are decided on it, and whether it holds this very pair. No more is read than is asked: a damaged row must
/// take the pair that mends it.
pub(super) fn row(db: &Db, id: &str, pair: Option<&SealedPair>) -> Result<Option<GrantRow>> {
    let sealed = pair.map(|pair| pair.access_token_sealed.as_bytes());
    let found = db
        .prepare_cached(
            "SELECT generation, state, coalesce(access_token_sealed = ?2, 0) AS holds FROM grants WHERE id = ?1",
        )?
        .query_row(params![id, sealed], |row| {
            let word: String = row.get("state")?;
            Ok(GrantRow {
                generation: Generation(unsigned(row.get("generation")?)),
                state: GrantState::parse(&word),
                holds: row.get("holds")?,
            })
        })
        .optional();
    Ok(found?)
}

/// The row of the live grant of this identity.
pub(super) fn live_row(db: &Db, grant: &Grant) -> Result<Option<GrantRow>> {
    match find_live(db, &grant.client_id, &grant.profile)? {
        Some(live) => row(db, &live.id, None),
        None => Ok(None),
    }
}

pub(super) fn set_state(
    db: &Db,
    id: &str,
    generation: Generation,
    state: GrantState,
    reason: Option<&str>,
    event: Option<&Event>,
) -> Result<Committed> {
    let decided = rows::set_state(row(db, id, None)?, generation, state);
    move_to(db, id, state, decided, reason, event)
}

/// Whether somebody else's refresh of the grant's current generation is open.
pub(super) fn has_open_refresh(
    db: &Db,
    nodes: &Nodes,
    id: &str,
    ours: Option<u64>,
    now: Timestamp,
) -> Result<bool> {
    Ok(find_with_facts(db, nodes, id, now)?.is_some_and(|(_, facts)| facts.has_open_refresh(ours, now)))
}

pub(super) fn give_up(
    db: &Db,
    id: &str,
    generation: Generation,
    (seen, open): (&[String], bool),
    reason: &str,
    event: &Event,
) -> Result<Committed> {
    let unprobed = candidates::beside(db, id)?.iter().any(|candidate| !seen.contains(candidate));
    let decided = rows::give_up(row(db, id, None)?, generation, unprobed, open);
    if decided == Write::Store {
        candidates::hasten(db, id, event.at)?;
    }
    move_to(db, id, GrantState::ReconnectNeeded, decided, Some(reason), Some(event))
}

/// Carries out what was decided of a state.
fn move_to(
    db: &Db,
    id: &str,
    state: GrantState,
    decided: Write,
    reason: Option<&str>,
    event: Option<&Event>,
) -> Result<Committed> {
    if decided == Write::Store {
        db.prepare_cached("UPDATE grants SET state = ?2, reason = ?3 WHERE id = ?1")?.execute(params![
            id,
            state.as_str(),
            reason
        ])?;
        if let Some(event) = event {
            history::tell_connections(db, id, event, 0)?;
        }
    }
    Ok(decided.answer())
}

/// Makes a grant a tombstone.
pub(super) fn end(db: &Db, id: &str) -> Result<()> {
    db.prepare_cached("UPDATE grants SET state = 'tombstone', reason = NULL WHERE id = ?1")?.execute([id])?;
    Ok(())
}

pub(super) fn unrevoked(db: &Db, now: Timestamp, rows: usize) -> Result<Vec<Grant>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM grants WHERE state = 'tombstone' AND data_key_wrapped IS NOT NULL AND revoke_after <= ?1
         ORDER BY revoke_after, id",
    )?;
    damage::sound(statement.query([At(now)])?, rows, grant)
}

pub(super) fn claim_revocation(db: &Db, id: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "UPDATE grants SET revoke_after = ?3 WHERE id = ?1 AND state = 'tombstone' AND revoke_after <= ?2",
    )?;
    Ok(statement.execute(params![id, At(now), At(until)])? > 0)
}

pub(super) fn postpone_revocation(db: &Db, id: &str, until: Timestamp) -> Result<()> {
    db.prepare_cached("UPDATE grants SET revoke_after = ?2 WHERE id = ?1 AND state = 'tombstone'")?
        .execute(params![id, At(until)])?;
    Ok(())
}

pub(super) fn destroy_data_key(
    db: &Db,
    id: &str,
    event: Option<&Event>,
    kept: Option<&Candidate>,
) -> Result<()> {
    let changed = db
        .prepare_cached(
            "UPDATE grants SET data_key_wrapped = NULL, access_token_sealed = NULL, refresh_token_sealed = NULL
             WHERE id = ?1 AND state = 'tombstone' AND data_key_wrapped IS NOT NULL",
        )?
        .execute([id])?;
    if changed == 0 {
        return Ok(());
    }
    if let Some(event) = event {
        history::tell_connections(db, id, event, 0)?;
    }
    kept.map_or(Ok(()), |kept| candidates::insert(db, kept))
}
