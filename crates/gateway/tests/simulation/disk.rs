//! The store as a disk with moods has it: each call takes a moment, and in bad weather there is no room, or a commit of which
//! nobody can say whether it happened. Behind it is the real store on a real file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use gateway::{ClockHand, World};
use jiff::Timestamp;
use lifecycle::{Generation, GrantFacts, GrantState, Lease};
use sealing::{Cell, Keyring, RootKey, Row, Sha256, StoredKeyring};
use store::records::*;
use store::*;

use crate::dice::Dice;
use crate::history::History;
use crate::ledger::Ledger;
use crate::runner::{Group, block_on};

pub(crate) struct Disk {
    pub(crate) inner: SqliteStore,
    pub(crate) name: String,
    pub(crate) life: Group,
    pub(crate) hand: ClockHand,
    pub(crate) history: History,
    pub(crate) ledger: Ledger,
    pub(crate) dice: Arc<Dice>,
    pub(crate) stormy: Arc<AtomicBool>,
    /// Whether calls take time: not while a process starts.
    pub(crate) slow: AtomicBool,
    pub(crate) root_key: RootKey,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    /// Nothing was written, and the caller knows.
    Full,
    /// It was written, and the caller hears of an error.
    Unknown,
}

impl Disk {
    async fn pause(&self) {
        if self.slow.load(Ordering::Relaxed) && self.dice.once_in_thousand(300) {
            let at = self.hand.now().checked_add(self.dice.millis(1, 20)).expect("in range");
            World::by_hand(&self.hand).sleep_until(at).await;
        }
    }

    fn mood(&self) -> Mood {
        if !self.stormy.load(Ordering::Relaxed) || !self.slow.load(Ordering::Relaxed) {
            return Mood::Good;
        }
        match self.dice.below(1000) {
            0..25 => Mood::Full,
            25..40 => Mood::Unknown,
            _ => Mood::Good,
        }
    }

    async fn read<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.pause().await;
        if self.mood() == Mood::Unknown {
            self.history.note(&self.name, &format!("store {what}: unreadable for a moment"));
            return Err(StoreError::Unavailable(Trouble::Failing, "a simulated I/O error".to_owned()));
        }
        block_on(work)
    }

    async fn write<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.write_and(what, work, || {}).await
    }

    /// Writes, and then looks at once, whoever is killed meanwhile.
    async fn write_and<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>>,
        then: impl FnOnce(),
    ) -> Result<T> {
        self.pause().await;
        let mood = self.mood();
        if mood == Mood::Full {
            self.history.note(&self.name, &format!("store {what}: full"));
            return Err(StoreError::Unavailable(Trouble::Full, "a simulated full disk".to_owned()));
        }
        let done = block_on(work);
        then();
        self.history
            .note(&self.name, &format!("store {what} {}", if done.is_ok() { "done" } else { "refused" }));
        if mood == Mood::Unknown {
            self.history.note(&self.name, &format!("store {what}: done, and reported as failed"));
            return Err(StoreError::Unavailable(Trouble::Failing, "a simulated lost commit".to_owned()));
        }
        self.pause().await;
        done
    }

    fn took_grant(&self, grant: &Grant) {
        let row = Row { table: "grants", client_id: &grant.client_id, id: &grant.id };
        let Ok(Some(stored)) = block_on(self.inner.find_grant(&grant.id)) else { return };
        if let Some(pair) = stored.pair.as_ref() {
            self.took(row, stored.generation.0, pair);
        }
    }

    fn took_candidate(&self, candidate: &Candidate) {
        let all = block_on(self.inner.candidates_of(&candidate.client_id, &candidate.profile));
        if all.is_ok_and(|all| all.iter().any(|one| one.id == candidate.id)) {
            let row = Row { table: "candidates", client_id: &candidate.client_id, id: &candidate.id };
            self.took(row, 0, &candidate.pair);
        }
    }

    /// Writes down that a pair is durable, by what the file says now.
    fn took(&self, row: Row<'_>, generation: u64, pair: &SealedPair) {
        let Some(token) = self.access_token(row, generation, pair) else { return };
        let mut book = self.ledger.book();
        let name = book.name(&token);
        if book.durable.insert(token) {
            self.history.note(&self.name, &format!("{name} is durable"));
        }
    }

    /// Writes down until when this process may refresh a grant's pair.
    fn leased(&self, grant_id: &str, until: Timestamp) {
        let Ok(Some(grant)) = block_on(self.inner.find_grant(grant_id)) else { return };
        let row = Row { table: "grants", client_id: &grant.client_id, id: &grant.id };
        let Some(pair) = grant.pair.as_ref() else { return };
        if let Some(token) = self.access_token(row, grant.generation.0, pair) {
            self.ledger.book().leases.insert((token, self.life), until);
        }
    }

    fn access_token(&self, row: Row<'_>, generation: u64, pair: &SealedPair) -> Option<String> {
        let stored = block_on(self.inner.find_keyring()).ok()??;
        let keyring = Keyring::open(&self.root_key, &stored).expect("the keyring opens");
        let key = keyring.open_data_key(&row, &pair.data_key_wrapped).expect("the data key opens");
        let cell = Cell { row, column: "access_token", generation };
        let token = key.open(&cell, &pair.access_token_sealed).expect("the token opens");
        Some(token.expose().clone())
    }
}

#[async_trait]
impl Store for Disk {
    async fn prepare(&self) -> Result<()> {
        block_on(self.inner.prepare())
    }

    async fn find_keyring(&self) -> Result<Option<StoredKeyring>> {
        self.read("find_keyring", self.inner.find_keyring()).await
    }

    async fn insert_keyring(&self, keyring: &StoredKeyring) -> Result<bool> {
        self.write("insert_keyring", self.inner.insert_keyring(keyring)).await
    }

    async fn enter(&self, node: &str) -> Result<()> {
        block_on(self.inner.enter(node))
    }

    async fn insert_connect_session(&self, session: &ConnectSession) -> Result<()> {
        self.write("insert_connect_session", self.inner.insert_connect_session(session)).await
    }

    async fn find_connect_session_by_token(&self, token_sha256: &Sha256) -> Result<Option<ConnectSession>> {
        self.read("find_connect_session_by_token", self.inner.find_connect_session_by_token(token_sha256))
            .await
    }

    async fn find_connect_session(&self, client_id: &str, id: &str) -> Result<Option<ConnectSession>> {
        self.read("find_connect_session", self.inner.find_connect_session(client_id, id)).await
    }

    async fn insert_attempt(
        &self,
        attempt: &Attempt,
        steps: &[Step],
        attempts_max: usize,
        now: Timestamp,
    ) -> Result<AttemptStart> {
        self.write("insert_attempt", self.inner.insert_attempt(attempt, steps, attempts_max, now)).await
    }

    async fn take_attempt(
        &self,
        client_id: &str,
        state_sha256: &Sha256,
        cookies: &[Sha256],
        now: Timestamp,
        stranger: &Step,
    ) -> Result<AttemptTaken> {
        self.write("take_attempt", self.inner.take_attempt(client_id, state_sha256, cookies, now, stranger))
            .await
    }

    async fn take_attempt_by_cookie(
        &self,
        client_id: &str,
        cookies: &[Sha256],
        now: Timestamp,
    ) -> Result<AttemptTaken> {
        self.write("take_attempt_by_cookie", self.inner.take_attempt_by_cookie(client_id, cookies, now)).await
    }

    async fn update_attempt(&self, id: &str, outcome: Option<AttemptOutcome>, steps: &[Step]) -> Result<()> {
        self.write("update_attempt", self.inner.update_attempt(id, outcome, steps)).await
    }

    async fn save_arrival(&self, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved> {
        self.write_and("save_arrival", self.inner.save_arrival(arrival, now), || {
            self.took_candidate(&arrival.candidate);
        })
        .await
    }

    async fn find_code(&self, code_sha256: &Sha256) -> Result<Option<CodeFound>> {
        self.read("find_code", self.inner.find_code(code_sha256)).await
    }

    async fn activate(&self, activation: &Activation) -> Result<Activated> {
        self.write("activate", self.inner.activate(activation)).await
    }

    async fn refuse_code(
        &self,
        code_sha256: &Sha256,
        outcome: AttemptOutcome,
        steps: &[Step],
        event: &Event,
        now: Timestamp,
    ) -> Result<bool> {
        self.write("refuse_code", self.inner.refuse_code(code_sha256, outcome, steps, event, now)).await
    }

    async fn unredeemed_codes(&self, now: Timestamp, limit: usize) -> Result<Vec<Code>> {
        self.read("unredeemed_codes", self.inner.unredeemed_codes(now, limit)).await
    }

    async fn due_candidates(&self, now: Timestamp, limit: usize) -> Result<Vec<Candidate>> {
        self.read("due_candidates", self.inner.due_candidates(now, limit)).await
    }

    async fn candidates_of(&self, client_id: &str, profile: &Profile) -> Result<Vec<Candidate>> {
        self.read("candidates_of", self.inner.candidates_of(client_id, profile)).await
    }

    async fn name_candidate(&self, id: &str, profile: &Profile) -> Result<()> {
        self.write("name_candidate", self.inner.name_candidate(id, profile)).await
    }

    async fn stands_beside(&self, client_id: &str, profile: &Profile) -> Result<bool> {
        self.read("stands_beside", self.inner.stands_beside(client_id, profile)).await
    }

    async fn adopt_candidate(
        &self,
        id: &str,
        grant: &Grant,
        expected: Generation,
        event: &Event,
    ) -> Result<Committed> {
        self.write_and("adopt_candidate", self.inner.adopt_candidate(id, grant, expected, event), || {
            self.took_grant(grant);
        })
        .await
    }

    async fn hand_over_candidate(&self, from: &str, to: &str) -> Result<bool> {
        self.write("hand_over_candidate", self.inner.hand_over_candidate(from, to)).await
    }

    async fn insert_candidate(&self, candidate: &Candidate) -> Result<()> {
        self.write_and("insert_candidate", self.inner.insert_candidate(candidate), || {
            self.took_candidate(candidate);
        })
        .await
    }

    async fn claim_candidate(&self, id: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        self.write("claim_candidate", self.inner.claim_candidate(id, now, until)).await
    }

    async fn claim_revocation(&self, grant_id: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        self.write("claim_revocation", self.inner.claim_revocation(grant_id, now, until)).await
    }

    async fn postpone_candidate(&self, id: &str, until: Timestamp) -> Result<()> {
        self.write("postpone_candidate", self.inner.postpone_candidate(id, until)).await
    }

    async fn delete_candidate(&self, id: &str, event: Option<&Event>) -> Result<()> {
        self.write("delete_candidate", self.inner.delete_candidate(id, event)).await
    }

    async fn find_grant(&self, id: &str) -> Result<Option<Grant>> {
        self.read("find_grant", self.inner.find_grant(id)).await
    }

    async fn find_live_grant(&self, client_id: &str, profile: &Profile) -> Result<Option<Grant>> {
        self.read("find_live_grant", self.inner.find_live_grant(client_id, profile)).await
    }

    async fn find_grant_with_facts(&self, id: &str, since: Timestamp) -> Result<Option<(Grant, GrantFacts)>> {
        self.read("find_grant_with_facts", self.inner.find_grant_with_facts(id, since)).await
    }

    async fn suspect_grants(&self, limit: usize) -> Result<Vec<String>> {
        self.read("suspect_grants", self.inner.suspect_grants(limit)).await
    }

    async fn interrupted_grants(&self, limit: usize) -> Result<Vec<String>> {
        self.read("interrupted_grants", self.inner.interrupted_grants(limit)).await
    }

    async fn take_refresh_lease(
        &self,
        grant_id: &str,
        generation: Generation,
        holder: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<LeaseTaken> {
        let take = self.inner.take_refresh_lease(grant_id, generation, holder, now, expires_at);
        let taken = self.write("take_refresh_lease", take).await;
        if let Ok(LeaseTaken::Taken(lease) | LeaseTaken::TakenOver(lease)) = &taken {
            self.leased(grant_id, lease.expires_at);
        }
        taken
    }

    async fn release_refresh_lease(&self, grant_id: &str, lease: &Lease, outcome: &str) -> Result<()> {
        self.write("release_refresh_lease", self.inner.release_refresh_lease(grant_id, lease, outcome)).await
    }

    async fn commit_refresh(&self, grant: &Grant, spent: Generation, event: &Event) -> Result<Committed> {
        self.write_and("commit_refresh", self.inner.commit_refresh(grant, spent, event), || {
            self.took_grant(grant);
        })
        .await
    }

    async fn set_grant_state(
        &self,
        grant_id: &str,
        generation: Generation,
        state: GrantState,
        reason: Option<&str>,
        event: Option<&Event>,
    ) -> Result<Committed> {
        self.write("set_grant_state", self.inner.set_grant_state(grant_id, generation, state, reason, event))
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
        let work = self.inner.give_up_grant(grant_id, generation, seen, reason, event);
        self.write("give_up_grant", work).await
    }

    async fn unrevoked_grants(&self, now: Timestamp, limit: usize) -> Result<Vec<Grant>> {
        self.read("unrevoked_grants", self.inner.unrevoked_grants(now, limit)).await
    }

    async fn postpone_revocation(&self, grant_id: &str, until: Timestamp) -> Result<()> {
        self.write("postpone_revocation", self.inner.postpone_revocation(grant_id, until)).await
    }

    async fn destroy_data_key(
        &self,
        grant_id: &str,
        event: Option<&Event>,
        kept: Option<&Candidate>,
    ) -> Result<()> {
        let destroyed = self.inner.destroy_data_key(grant_id, event, kept);
        let took = || kept.into_iter().for_each(|kept| self.took_candidate(kept));
        self.write_and("destroy_data_key", destroyed, took).await
    }

    async fn find_connection(&self, client_id: &str, id: &str) -> Result<Option<ConnectionView>> {
        self.read("find_connection", self.inner.find_connection(client_id, id)).await
    }

    async fn find_connection_on_grant(
        &self,
        grant_id: &str,
        end_user: Option<&str>,
        notion_shaped: bool,
    ) -> Result<Option<Connection>> {
        self.read(
            "find_connection_on_grant",
            self.inner.find_connection_on_grant(grant_id, end_user, notion_shaped),
        )
        .await
    }

    async fn list_connections(
        &self,
        client_id: &str,
        filter: &ConnectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Listed<ConnectionView>>> {
        self.read("list_connections", self.inner.list_connections(client_id, filter, page)).await
    }

    async fn update_end_user(
        &self,
        client_id: &str,
        id: &str,
        end_user: &str,
        event: &Event,
    ) -> Result<bool> {
        self.write("update_end_user", self.inner.update_end_user(client_id, id, end_user, event)).await
    }

    async fn disconnect(
        &self,
        client_id: &str,
        id: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<Disconnected> {
        self.write("disconnect", self.inner.disconnect(client_id, id, event, now)).await
    }

    async fn erase_end_user(
        &self,
        client_id: &str,
        end_user: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<Erased> {
        self.write("erase_end_user", self.inner.erase_end_user(client_id, end_user, event, now)).await
    }

    async fn touch_connection(&self, id: &str, now: Timestamp, first_call: &[Step]) -> Result<()> {
        self.write("touch_connection", self.inner.touch_connection(id, now, first_call)).await
    }

    async fn import(&self, grant: &Grant, connection: &Connection, event: &Event) -> Result<Imported> {
        self.write_and("import", self.inner.import(grant, connection, event), || self.took_grant(grant)).await
    }

    async fn insert_api_key(&self, key: &ApiKey, event: &Event) -> Result<()> {
        self.write("insert_api_key", self.inner.insert_api_key(key, event)).await
    }

    async fn find_api_key(&self, id: &str) -> Result<Option<ApiKey>> {
        self.read("find_api_key", self.inner.find_api_key(id)).await
    }

    async fn list_api_keys(
        &self,
        client_id: &str,
        connection_id: Option<&str>,
    ) -> Result<Vec<Listed<ApiKey>>> {
        self.read("list_api_keys", self.inner.list_api_keys(client_id, connection_id)).await
    }

    async fn revoke_api_key(
        &self,
        client_id: &str,
        connection_id: Option<&str>,
        id: &str,
        event: &Event,
    ) -> Result<bool> {
        self.write("revoke_api_key", self.inner.revoke_api_key(client_id, connection_id, id, event)).await
    }

    async fn find_attempt(&self, client_id: &str, id: &str) -> Result<Option<(Attempt, Vec<Step>)>> {
        self.read("find_attempt", self.inner.find_attempt(client_id, id)).await
    }

    async fn list_attempts(
        &self,
        client_id: &str,
        filter: &AttemptFilter,
        page: &PageRequest,
    ) -> Result<Page<Listed<Attempt>>> {
        self.read("list_attempts", self.inner.list_attempts(client_id, filter, page)).await
    }

    async fn list_events(&self, client_id: &str, page: &PageRequest) -> Result<Page<Listed<Event>>> {
        self.read("list_events", self.inner.list_events(client_id, page)).await
    }

    async fn insert_event(&self, event: &Event) -> Result<()> {
        self.write("insert_event", self.inner.insert_event(event)).await
    }

    async fn newest_change(&self) -> Result<u64> {
        self.read("newest_change", self.inner.newest_change()).await
    }

    async fn changes_after(&self, seq: u64) -> Result<Changes> {
        self.read("changes_after", self.inner.changes_after(seq)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<()> {
        self.write("purge", self.inner.purge(now)).await
    }

    async fn check(&self) -> Result<()> {
        block_on(self.inner.check())
    }

    async fn contents(&self) -> Result<Contents> {
        self.read("contents", self.inner.contents()).await
    }

    async fn begin_exchange(
        &self,
        client_id: &str,
        attempt_id: &str,
        node: &str,
        step: &Step,
        now: Timestamp,
    ) -> Result<ExchangeStart> {
        self.write("begin_exchange", self.inner.begin_exchange(client_id, attempt_id, node, step, now)).await
    }

    async fn interrupted_exchanges(&self, now: Timestamp, limit: usize) -> Result<Vec<Attempt>> {
        self.read("interrupted_exchanges", self.inner.interrupted_exchanges(now, limit)).await
    }

    async fn end_interrupted_exchange(&self, id: &str, step: &Step, event: &Event) -> Result<bool> {
        self.write("end_interrupted_exchange", self.inner.end_interrupted_exchange(id, step, event)).await
    }

    async fn is_exchanging(&self, client_id: &str, begun_by: Timestamp, now: Timestamp) -> Result<bool> {
        self.read("is_exchanging", self.inner.is_exchanging(client_id, begun_by, now)).await
    }

    async fn begin_revocation(&self, revocation: &Revocation) -> Result<RevocationStart> {
        self.write("begin_revocation", self.inner.begin_revocation(revocation)).await
    }

    async fn end_revocation(&self, id: &str) -> Result<()> {
        self.write("end_revocation", self.inner.end_revocation(id)).await
    }

    fn on_change(&self, hook: ChangeHook) {
        self.inner.on_change(hook);
    }
}
