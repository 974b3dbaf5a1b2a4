//! The `SQLite` store: one writer thread with group commit, readers beside it, plain SQL.
//! A commit with full synchronisation costs about half a millisecond alone and a hundredth of that in a group, so
//! whatever waits is committed together; each job still stands or falls by itself.

mod callback;
mod candidates;
mod changes;
mod connections;
mod damage;
mod erase;
mod file;
mod grants;
mod history;
mod housekeeping;
mod keys;
mod log;
mod nodes;
mod redeem;
mod rows;
mod schema;
mod threads;
mod turns;
mod way_in;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use failpoints::Point;
use jiff::Timestamp;
use lifecycle::{Generation, GrantFacts, GrantState, Lease};
use rusqlite::{Connection as Db, Transaction};
use sealing::{Sha256, StoredKeyring};

use crate::records::{
    ApiKey, Attempt, AttemptOutcome, Candidate, Code, ConnectSession, Connection, ConnectionView, Event,
    Grant, Listed, Profile, Step,
};
use crate::{
    Activated, Activation, Arrival, ArrivalSaved, AttemptFilter, AttemptStart, AttemptTaken, ChangeHook,
    Changes, CodeFound, Committed, ConnectionFilter, Contents, Disconnected, Erased, ExchangeStart, Imported,
    LeaseTaken, Page, PageRequest, Result, Revocation, RevocationStart, Seen, Store, StoreError, Trouble,
};
use file::StoreFile;
use nodes::Nodes;
use schema::{fits_its_log, is_ours, migrate};
use threads::Threads;

/// A store in one file.
pub struct SqliteStore {
    threads: Threads,
    /// After the threads: closing it lets go of the locks that they hold.
    file: Arc<StoreFile>,
    /// The processes on it.
    nodes: Arc<Nodes>,
}

impl SqliteStore {
    /// Opens the file, making it (readable by its owner only) if it is not there. The schema of an older file is left alone
    /// until [`Store::prepare`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it cannot be opened, is a link or no ordinary file, is another program's, was written by a
    /// newer version, lies in a folder that everybody may write to, or the log beside it is not its own. Then nothing is
    /// changed, its mode included.
    pub fn open(path: &Path) -> Result<Self> {
        let file = Arc::new(StoreFile::open(path)?);
        let mut writer = threads::open_writer(path)?;
        if file.has_log {
            fits_its_log(&writer, &file)?;
        }
        let seen = is_ours(&writer)?;
        file.narrow()?;
        threads::begin_writing(&writer)?;
        if seen == 0 {
            // Nothing is in it yet.
            let transaction = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            migrate(&transaction)?;
            transaction.commit()?;
        }
        let threads = Threads::start(path, writer, Arc::clone(&file))?;
        Ok(Self { threads, file, nodes: Arc::new(Nodes::of(path)) })
    }

    /// Whether no other server has this store open. Two share the tokens well, by leases, but each paces its calls as if it were
    /// alone. What asks for a moment, such as a command, need not ask.
    pub fn hold_as_server(&self) -> bool {
        self.file.hold()
    }

    /// How often it was asked for something since it was opened. Every statement is run for one of these, apart from those that tell what
    /// changed and bring the log into the file: so it shows that some call runs none.
    pub fn asked(&self) -> u64 {
        self.threads.asked()
    }

    async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.threads.write(job).await
    }

    /// As [`Self::write`], by a fail point within the transaction.
    async fn write_at<T, F>(&self, point: Point, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.write(at(point, job)).await
    }

    /// As [`Self::write_at`], before all that waits: for a pair that exists nowhere else.
    async fn write_at_once<T, F>(&self, point: Point, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.threads.write_at_once(at(point, job)).await
    }

    async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Db) -> Result<T> + Send + 'static,
    {
        self.threads.read(job).await
    }
}

/// The job, and then a fail point.
fn at<T>(
    point: Point,
    job: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> impl FnOnce(&Transaction<'_>) -> Result<T> {
    move |db| {
        let done = job(db);
        failpoints::hit(point);
        done
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let trouble = match error.sqlite_error_code() {
            Some(Code::DiskFull) => Trouble::Full,
            Some(Code::ReadOnly | Code::PermissionDenied) => Trouble::ReadOnly,
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Trouble::Locked,
            _ => Trouble::Failing,
        };
        match error {
            rusqlite::Error::FromSqlConversionFailure(column, _, why) => {
                Self::Damaged { table: "store's", what: format!("column {column}: {why}") }
            }
            rusqlite::Error::InvalidColumnType(_, column, _) => {
                Self::Damaged { table: "store's", what: format!("column {column} has another type") }
            }
            // SQLite's messages name tables and columns, never values.
            other => Self::Unavailable(trouble, other.to_string()),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn prepare(&self) -> Result<()> {
        self.write(migrate).await
    }

    async fn find_keyring(&self) -> Result<Option<StoredKeyring>> {
        self.read(keys::find_keyring).await
    }

    async fn insert_keyring(&self, keyring: &StoredKeyring) -> Result<bool> {
        let keyring = keyring.clone();
        self.write(move |db| keys::insert_keyring(db, &keyring)).await
    }

    async fn insert_connect_session(&self, session: &ConnectSession) -> Result<()> {
        let session = session.clone();
        self.write(move |db| way_in::insert_connect_session(db, &session)).await
    }

    async fn find_connect_session_by_token(&self, token_sha256: &Sha256) -> Result<Option<ConnectSession>> {
        let token = *token_sha256;
        self.read(move |db| way_in::find_connect_session_by_token(db, &token)).await
    }

    async fn find_connect_session(&self, client_id: &str, id: &str) -> Result<Option<ConnectSession>> {
        let (client_id, id) = (client_id.to_owned(), id.to_owned());
        self.read(move |db| way_in::find_connect_session(db, &client_id, &id)).await
    }

    async fn insert_attempt(
        &self,
        attempt: &Attempt,
        steps: &[Step],
        attempts_max: usize,
        now: Timestamp,
    ) -> Result<AttemptStart> {
        let (attempt, steps) = (attempt.clone(), steps.to_vec());
        self.write(move |db| way_in::insert_attempt(db, &attempt, &steps, attempts_max, now)).await
    }

    async fn take_attempt(
        &self,
        client_id: &str,
        state_sha256: &Sha256,
        cookies: &[Sha256],
        now: Timestamp,
        stranger: &Step,
    ) -> Result<AttemptTaken> {
        let (client_id, state, cookies) = (client_id.to_owned(), *state_sha256, cookies.to_vec());
        let stranger = stranger.clone();
        self.write(move |db| callback::take_attempt(db, &client_id, &state, &cookies, now, &stranger)).await
    }

    async fn take_attempt_by_cookie(
        &self,
        client_id: &str,
        cookies: &[Sha256],
        now: Timestamp,
    ) -> Result<AttemptTaken> {
        let (client_id, cookies) = (client_id.to_owned(), cookies.to_vec());
        self.write(move |db| callback::take_attempt_by_cookie(db, &client_id, &cookies, now)).await
    }

    async fn update_attempt(&self, id: &str, outcome: Option<AttemptOutcome>, steps: &[Step]) -> Result<()> {
        let (id, steps) = (id.to_owned(), steps.to_vec());
        self.write(move |db| callback::update_attempt(db, &id, outcome, &steps)).await
    }

    async fn begin_exchange(
        &self,
        client_id: &str,
        attempt_id: &str,
        node: &str,
        step: &Step,
        now: Timestamp,
    ) -> Result<ExchangeStart> {
        let (client_id, attempt_id) = (client_id.to_owned(), attempt_id.to_owned());
        let (node, step) = (node.to_owned(), step.clone());
        self.write(move |db| turns::begin_exchange(db, &client_id, &attempt_id, &node, &step, now)).await
    }

    async fn is_exchanging(&self, client_id: &str, begun_by: Timestamp, now: Timestamp) -> Result<bool> {
        let (client_id, nodes) = (client_id.to_owned(), Arc::clone(&self.nodes));
        self.read(move |db| turns::is_exchanging(db, &nodes, &client_id, begun_by, now)).await
    }

    async fn interrupted_exchanges(&self, now: Timestamp, limit: usize) -> Result<Vec<Attempt>> {
        let nodes = Arc::clone(&self.nodes);
        self.read(move |db| turns::interrupted(db, &nodes, now, limit)).await
    }

    async fn end_interrupted_exchange(&self, id: &str, step: &Step, event: &Event) -> Result<bool> {
        let (id, step, event) = (id.to_owned(), step.clone(), event.clone());
        self.write(move |db| turns::end_interrupted(db, &id, &step, &event)).await
    }

    async fn begin_revocation(&self, revocation: &Revocation) -> Result<RevocationStart> {
        let (revocation, nodes) = (revocation.clone(), Arc::clone(&self.nodes));
        self.write(move |db| turns::begin_revocation(db, &nodes, &revocation)).await
    }

    async fn end_revocation(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.write(move |db| turns::end_revocation(db, &id)).await
    }

    async fn save_arrival(&self, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved> {
        let arrival = arrival.clone();
        self.write_at_once(Point::ArrivalWritten, move |db| callback::save_arrival(db, &arrival, now)).await
    }

    async fn find_code(&self, code_sha256: &Sha256) -> Result<Option<CodeFound>> {
        let code = *code_sha256;
        self.read(move |db| redeem::find_code(db, &code)).await
    }

    async fn activate(&self, activation: &Activation) -> Result<Activated> {
        let activation = activation.clone();
        self.write_at(Point::ActivationWritten, move |db| redeem::activate(db, &activation)).await
    }

    async fn refuse_code(
        &self,
        code_sha256: &Sha256,
        outcome: AttemptOutcome,
        steps: &[Step],
        event: &Event,
        now: Timestamp,
    ) -> Result<bool> {
        let (code, steps, event) = (*code_sha256, steps.to_vec(), event.clone());
        self.write(move |db| redeem::refuse_code(db, &code, outcome, &steps, &event, now)).await
    }

    async fn unredeemed_codes(&self, now: Timestamp, limit: usize) -> Result<Vec<Code>> {
        self.read(move |db| redeem::unredeemed_codes(db, now, limit)).await
    }

    async fn due_candidates(&self, now: Timestamp, limit: usize) -> Result<Vec<Candidate>> {
        self.read(move |db| candidates::due(db, now, limit)).await
    }

    async fn candidates_of(&self, client_id: &str, profile: &Profile) -> Result<Vec<Candidate>> {
        let (client_id, profile) = (client_id.to_owned(), profile.clone());
        self.read(move |db| candidates::of(db, &client_id, &profile)).await
    }

    async fn name_candidate(&self, id: &str, profile: &Profile) -> Result<()> {
        let (id, profile) = (id.to_owned(), profile.clone());
        self.write(move |db| candidates::name(db, &id, &profile)).await
    }

    async fn stands_beside(&self, client_id: &str, profile: &Profile) -> Result<bool> {
        let (client_id, profile) = (client_id.to_owned(), profile.clone());
        self.read(move |db| grants::stands_beside(db, &client_id, &profile)).await
    }

    async fn adopt_candidate(
        &self,
        id: &str,
        grant: &Grant,
        expected: Generation,
        event: &Event,
    ) -> Result<Committed> {
        let (id, grant, event) = (id.to_owned(), grant.clone(), event.clone());
        self.write_at(Point::AdoptionWritten, move |db| candidates::adopt(db, &id, &grant, expected, &event))
            .await
    }

    async fn hand_over_candidate(&self, from: &str, to: &str) -> Result<bool> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.write(move |db| candidates::hand_over(db, &from, &to)).await
    }

    async fn insert_candidate(&self, candidate: &Candidate) -> Result<()> {
        let candidate = candidate.clone();
        self.write_at_once(Point::CandidateWritten, move |db| candidates::insert(db, &candidate)).await
    }

    async fn claim_candidate(&self, id: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let id = id.to_owned();
        self.write(move |db| candidates::claim(db, &id, now, until)).await
    }

    async fn postpone_candidate(&self, id: &str, until: Timestamp) -> Result<()> {
        let id = id.to_owned();
        self.write(move |db| candidates::postpone(db, &id, until)).await
    }

    async fn delete_candidate(&self, id: &str, event: Option<&Event>) -> Result<()> {
        let (id, event) = (id.to_owned(), event.cloned());
        self.write(move |db| candidates::settle(db, &id, event.as_ref())).await
    }

    async fn find_grant(&self, id: &str) -> Result<Option<Grant>> {
        let id = id.to_owned();
        self.read(move |db| grants::find(db, &id)).await
    }

    async fn find_live_grant(&self, client_id: &str, profile: &Profile) -> Result<Option<Grant>> {
        let (client_id, profile) = (client_id.to_owned(), profile.clone());
        self.read(move |db| grants::find_live(db, &client_id, &profile)).await
    }

    async fn find_grant_with_facts(&self, id: &str, since: Timestamp) -> Result<Option<(Grant, GrantFacts)>> {
        let (id, nodes) = (id.to_owned(), Arc::clone(&self.nodes));
        self.read(move |db| grants::find_with_facts(db, &nodes, &id, since)).await
    }

    async fn enter(&self, node: &str) -> Result<()> {
        self.nodes.enter(node)
    }

    async fn suspect_grants(&self, limit: usize) -> Result<Vec<String>> {
        self.read(move |db| grants::suspect(db, limit)).await
    }

    async fn interrupted_grants(&self, limit: usize) -> Result<Vec<String>> {
        let nodes = Arc::clone(&self.nodes);
        self.read(move |db| grants::interrupted(db, &nodes, limit)).await
    }

    async fn take_refresh_lease(
        &self,
        grant_id: &str,
        generation: Generation,
        holder: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<LeaseTaken> {
        let (grant_id, holder) = (grant_id.to_owned(), holder.to_owned());
        let nodes = Arc::clone(&self.nodes);
        self.write_at(Point::LeaseWritten, move |db| {
            grants::take_lease(db, &nodes, &grant_id, generation, &holder, now, expires_at)
        })
        .await
    }

    async fn release_refresh_lease(&self, grant_id: &str, lease: &Lease, outcome: &str) -> Result<()> {
        let (grant_id, lease, outcome) = (grant_id.to_owned(), lease.clone(), outcome.to_owned());
        self.write(move |db| grants::release_lease(db, &grant_id, &lease, &outcome)).await
    }

    async fn commit_refresh(&self, grant: &Grant, spent: Generation, event: &Event) -> Result<Committed> {
        let (grant, event) = (grant.clone(), event.clone());
        self.write_at_once(Point::RefreshWritten, move |db| grants::commit(db, &grant, spent, &event)).await
    }

    async fn set_grant_state(
        &self,
        grant_id: &str,
        generation: Generation,
        state: GrantState,
        reason: Option<&str>,
        event: Option<&Event>,
    ) -> Result<Committed> {
        let (grant_id, reason, event) = (grant_id.to_owned(), reason.map(str::to_owned), event.cloned());
        self.write_at(Point::StateWritten, move |db| {
            grants::set_state(db, &grant_id, generation, state, reason.as_deref(), event.as_ref())
        })
        .await
    }

    async fn give_up_grant(
        &self,
        grant_id: &str,
        generation: Generation,
        seen: &Seen,
        reason: &str,
        event: &Event,
    ) -> Result<Committed> {
        let (grant_id, seen, reason, event) =
            (grant_id.to_owned(), seen.clone(), reason.to_owned(), event.clone());
        let nodes = Arc::clone(&self.nodes);
        self.write(move |db| {
            let open = grants::has_open_refresh(db, &nodes, &grant_id, seen.lease, event.at)?;
            grants::give_up(db, &grant_id, generation, (&seen.candidates, open), &reason, &event)
        })
        .await
    }

    async fn unrevoked_grants(&self, now: Timestamp, limit: usize) -> Result<Vec<Grant>> {
        self.read(move |db| grants::unrevoked(db, now, limit)).await
    }

    async fn claim_revocation(&self, grant_id: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let grant_id = grant_id.to_owned();
        self.write(move |db| grants::claim_revocation(db, &grant_id, now, until)).await
    }

    async fn postpone_revocation(&self, grant_id: &str, until: Timestamp) -> Result<()> {
        let grant_id = grant_id.to_owned();
        self.write(move |db| grants::postpone_revocation(db, &grant_id, until)).await
    }

    async fn destroy_data_key(
        &self,
        grant_id: &str,
        event: Option<&Event>,
        kept: Option<&Candidate>,
    ) -> Result<()> {
        let (grant_id, event, kept) = (grant_id.to_owned(), event.cloned(), kept.cloned());
        let job = move |db: &Transaction<'_>| {
            grants::destroy_data_key(db, &grant_id, event.as_ref(), kept.as_ref())
        };
        self.threads.forget(at(Point::DestroyWritten, job)).await
    }

    async fn find_connection(&self, client_id: &str, id: &str) -> Result<Option<ConnectionView>> {
        let (client_id, id) = (client_id.to_owned(), id.to_owned());
        self.read(move |db| connections::find(db, &client_id, &id)).await
    }

    async fn find_connection_on_grant(
        &self,
        grant_id: &str,
        end_user: Option<&str>,
        notion_shaped: bool,
    ) -> Result<Option<Connection>> {
        let (grant_id, end_user) = (grant_id.to_owned(), end_user.map(str::to_owned));
        self.read(move |db| connections::find_on_grant(db, &grant_id, end_user.as_deref(), notion_shaped))
            .await
    }

    async fn list_connections(
        &self,
        client_id: &str,
        filter: &ConnectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Listed<ConnectionView>>> {
        let (client_id, filter, page) = (client_id.to_owned(), filter.clone(), page.clone());
        self.read(move |db| connections::list(db, &client_id, &filter, &page)).await
    }

    async fn update_end_user(
        &self,
        client_id: &str,
        id: &str,
        end_user: &str,
        event: &Event,
    ) -> Result<bool> {
        let (client_id, id, end_user, event) =
            (client_id.to_owned(), id.to_owned(), end_user.to_owned(), event.clone());
        self.write(move |db| connections::update_end_user(db, &client_id, &id, &end_user, &event)).await
    }

    async fn disconnect(
        &self,
        client_id: &str,
        id: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<Disconnected> {
        let (client_id, id, event) = (client_id.to_owned(), id.to_owned(), event.clone());
        self.write_at(Point::DisconnectWritten, move |db| {
            connections::disconnect(db, &client_id, &id, &event, now)
        })
        .await
    }

    async fn erase_end_user(
        &self,
        client_id: &str,
        end_user: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<Erased> {
        let (client_id, end_user, event) = (client_id.to_owned(), end_user.to_owned(), event.clone());
        self.threads.forget(move |db| erase::erase_end_user(db, &client_id, &end_user, &event, now)).await
    }

    async fn touch_connection(&self, id: &str, now: Timestamp, first_call: &[Step]) -> Result<()> {
        let (id, first_call) = (id.to_owned(), first_call.to_vec());
        self.write(move |db| connections::touch(db, &id, now, &first_call)).await
    }

    async fn import(&self, grant: &Grant, connection: &Connection, event: &Event) -> Result<Imported> {
        let (grant, connection, event) = (grant.clone(), connection.clone(), event.clone());
        self.write_at(Point::ImportWritten, move |db| connections::import(db, &grant, &connection, &event))
            .await
    }

    async fn insert_api_key(&self, key: &ApiKey, event: &Event) -> Result<()> {
        let (key, event) = (key.clone(), event.clone());
        self.write_at(Point::KeyWritten, move |db| keys::insert(db, &key, &event)).await
    }

    async fn find_api_key(&self, id: &str) -> Result<Option<ApiKey>> {
        let id = id.to_owned();
        self.read(move |db| keys::find(db, &id)).await
    }

    async fn list_api_keys(
        &self,
        client_id: &str,
        connection_id: Option<&str>,
    ) -> Result<Vec<Listed<ApiKey>>> {
        let (client_id, connection_id) = (client_id.to_owned(), connection_id.map(str::to_owned));
        self.read(move |db| keys::list(db, &client_id, connection_id.as_deref())).await
    }

    async fn revoke_api_key(
        &self,
        client_id: &str,
        connection_id: Option<&str>,
        id: &str,
        event: &Event,
    ) -> Result<bool> {
        let (client_id, connection_id, id, event) =
            (client_id.to_owned(), connection_id.map(str::to_owned), id.to_owned(), event.clone());
        self.write(move |db| keys::revoke(db, &client_id, connection_id.as_deref(), &id, &event)).await
    }

    async fn find_attempt(&self, client_id: &str, id: &str) -> Result<Option<(Attempt, Vec<Step>)>> {
        let (client_id, id) = (client_id.to_owned(), id.to_owned());
        self.read(move |db| history::find_attempt(db, &client_id, &id)).await
    }

    async fn list_attempts(
        &self,
        client_id: &str,
        filter: &AttemptFilter,
        page: &PageRequest,
    ) -> Result<Page<Listed<Attempt>>> {
        let (client_id, filter, page) = (client_id.to_owned(), filter.clone(), page.clone());
        self.read(move |db| history::list_attempts(db, &client_id, &filter, &page)).await
    }

    async fn list_events(&self, client_id: &str, page: &PageRequest) -> Result<Page<Listed<Event>>> {
        let (client_id, page) = (client_id.to_owned(), page.clone());
        self.read(move |db| history::list_events(db, &client_id, &page)).await
    }

    async fn insert_event(&self, event: &Event) -> Result<()> {
        let event = event.clone();
        self.write(move |db| history::insert_event(db, &event)).await
    }

    fn on_change(&self, hook: ChangeHook) {
        self.threads.on_change(hook);
    }

    async fn newest_change(&self) -> Result<u64> {
        self.read(changes::newest).await
    }

    async fn changes_after(&self, seq: u64) -> Result<Changes> {
        self.read(move |db| changes::after(db, seq)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<()> {
        self.nodes.sweep();
        self.write(move |db| housekeeping::purge(db, now)).await
    }

    async fn check(&self) -> Result<()> {
        self.file.still_there()?;
        self.file.room()?;
        if !self.threads.was_short() {
            return self.write(housekeeping::check).await;
        }
        // Rows that are there already can be changed on a full disk, for the log is used again: only new ones tell.
        self.write(housekeeping::grow).await?;
        self.write(housekeeping::shrink).await?;
        self.threads.is_well();
        Ok(())
    }

    async fn contents(&self) -> Result<Contents> {
        self.read(housekeeping::contents).await
    }
}
