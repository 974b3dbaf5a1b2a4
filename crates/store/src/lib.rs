//! What Vestibule remembers, in domain words.
//! [`Store`] is the wall: the gateway speaks to it alone, each backend is one file behind it, and [`suite`] is the
//! conformance suite that every backend passes. It accepts only [`sealing::Sealed`] secrets. Each method is one
//! transaction: it happens whole or not at all. Where a write depends on what is there, the rows are loaded inside the
//! transaction and [`decide`] or [`lifecycle::rows`] say what becomes of it; a backend carries that out and decides nothing.
//!
//! **Unknown commits.** A write that failed as [`StoreError::Unavailable`] may have been done: the answer can be lost after
//! the commit. Each writing method says under *Again* what asking the same once more does then, with the very same values (the same
//! ids, the same sealed pair). Reading changes nothing, so it has no such line.

mod changes;
pub mod decide;
pub mod records;
mod sqlite;
pub mod suite;
mod turns;

use async_trait::async_trait;
use jiff::Timestamp;
use lifecycle::{Generation, GrantFacts, GrantState, Lease};
use records::{
    ApiKey, Attempt, AttemptOutcome, Candidate, Code, ConnectSession, Connection, ConnectionState,
    ConnectionView, Event, Grant, Listed, Profile, Step,
};
use sealing::{Sha256, StoredKeyring};

pub use changes::{Change, ChangeHook, Changed, Changes};
pub use lifecycle::rows::Committed;
pub use sqlite::SqliteStore;
pub use turns::{Erased, ExchangeStart, Revocation, RevocationStart};

/// Why the store is unavailable, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room, or hardly any.
    Full,
    /// It may not be written to.
    ReadOnly,
    /// Its file was deleted, moved or replaced under us.
    Moved,
    /// Another process keeps it locked.
    Locked,
    /// Anything else: an I/O error, a file that is none of ours, threads that have stopped.
    Failing,
}

impl Trouble {
    /// The word, as `/readyz` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "read-only",
            Self::Moved => "moved",
            Self::Locked => "locked",
            Self::Failing => "failing",
        }
    }
}

/// The store could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Disk full, I/O error, database gone: trying later may help. A write may have been done all the same.
    #[error("the store is unavailable: {1}")]
    Unavailable(Trouble, String),
    /// A stored row does not read as what we write; no retry helps.
    #[error("a stored {table} row is damaged: {what}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// What is wrong with it; never a value.
        what: String,
    },
}

/// A result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A page of a list, newest first. `next` is the id to go on from.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

impl<T> Page<Listed<T>> {
    /// Those of its rows that can be read.
    pub fn sound(self) -> Vec<T> {
        self.rows.into_iter().filter_map(Listed::sound).collect()
    }
}

/// How much of a list to read, and from where.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// The last id of the page before.
    pub after: Option<String>,
    /// 1 to 100.
    pub size: usize,
}

/// Which connections to list; every field given must match.
#[derive(Debug, Clone, Default)]
pub struct ConnectionFilter {
    /// This one alone.
    pub id: Option<String>,
    /// The app's user.
    pub end_user: Option<String>,
    /// Notion's workspace.
    pub workspace_id: Option<String>,
    /// Notion's bot.
    pub bot_id: Option<String>,
    /// Where it stands.
    pub state: Option<ConnectionState>,
}

/// Which attempts to list; every field given must match.
#[derive(Debug, Clone, Default)]
pub struct AttemptFilter {
    /// The app's user (session door).
    pub end_user: Option<String>,
    /// What became of them.
    pub outcome: Option<AttemptOutcome>,
    /// Those of one connect session, oldest first within the page's order.
    pub connect_session_id: Option<String>,
}

/// What [`Store::insert_attempt`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptStart {
    /// It is stored.
    Started,
    /// Its connect session was spent by an attempt that succeeded.
    SessionSpent,
    /// Its connect session has ended.
    SessionExpired,
    /// Its connect session has had as many attempts as it may.
    TooMany,
}

/// What [`Store::take_attempt`] found. Only `Taken` spends anything.
#[derive(Debug, Clone)]
pub enum AttemptTaken {
    /// The attempt, now spent by this caller alone.
    Taken(Box<Attempt>),
    /// No attempt of this integration has this state.
    Unknown,
    /// The state is known but the browser is another one.
    WrongBrowser(Box<Attempt>),
    /// It was spent before: a replay or a reload, from whatever browser.
    Spent(Box<Attempt>),
    /// Its ten minutes are over.
    Expired(Box<Attempt>),
}

/// Everything a good callback leaves behind, saved at once.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The attempt, taken before.
    pub attempt_id: String,
    /// The pending connection.
    pub connection: Connection,
    /// The sealed pair.
    pub candidate: Candidate,
    /// Our code for the app.
    pub code: Code,
    /// What to add to the diagram.
    pub steps: Vec<Step>,
}

/// What [`Store::save_arrival`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrivalSaved {
    /// All is stored; the session, if there is one, is spent and its other open attempts are superseded.
    Saved,
    /// Another attempt of the session came first. Only the candidate is stored, without a connection and due at
    /// once, so that it is settled rather than lost; the attempt's outcome is `superseded`.
    Superseded,
}

/// A code with all that it opens.
#[derive(Debug, Clone)]
pub struct CodeFound {
    /// The code.
    pub code: Code,
    /// The attempt that made it.
    pub attempt: Attempt,
    /// The sealed pair, unless it was settled already.
    pub candidate: Option<Candidate>,
}

/// The grant that a redeemed connection comes to stand on.
#[derive(Debug, Clone)]
pub enum Footing {
    /// There is no live grant of this identity: this becomes it.
    New(Grant),
    /// The live grant, still at generation `spent`, gets the candidate's pair, sealed anew for it.
    Renewed {
        /// The row as it shall be.
        grant: Grant,
        /// The generation that it must still have.
        spent: Generation,
        /// The pair that was there, if it may live: kept to be settled.
        kept: Option<Box<Candidate>>,
    },
    /// The live grant, still at this generation, stays as it is.
    Joined {
        /// The live grant.
        grant_id: String,
        /// The generation that it must still have.
        at: Generation,
        /// Whether the candidate stays, to be settled; else it is deleted.
        kept: bool,
    },
}

impl Footing {
    /// The grant's id.
    pub fn grant_id(&self) -> &str {
        match self {
            Self::New(grant) | Self::Renewed { grant, .. } => &grant.id,
            Self::Joined { grant_id, .. } => grant_id,
        }
    }
}

/// A connection that is to be healed or moved, as it was when it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Whose it is, at the session door.
    pub end_user: Option<String>,
    /// The grant that it stands on.
    pub grant_id: Option<String>,
}

impl Chosen {
    /// As the row says.
    pub fn of(connection: &Connection) -> Self {
        Self { end_user: connection.end_user.clone(), grant_id: connection.grant_id.clone() }
    }
}

/// The change that makes a redeemed connection live. One transaction, conditional on neither the grant nor the candidate nor the
/// connection having moved since they were read.
#[derive(Debug, Clone)]
pub struct Activation {
    /// The code, unspent until now.
    pub code_sha256: Sha256,
    /// Who redeems: the app key's or app secret's id.
    pub key_id: String,
    /// The candidate, deleted by this unless it is kept. It must still be the one that waits for this code: a newer pair that was handed
    /// to the pending connection meanwhile is another candidate.
    pub candidate_id: String,
    /// The grant, and what becomes of the candidate's pair.
    pub footing: Footing,
    /// The connection that the pending one turns into: itself, or an older one that is healed (then the pending row
    /// is deleted).
    pub connection_id: String,
    /// The older one. If it was given to another user or moved to another grant since, its keys may be theirs, and who was to be
    /// reconnected is another question.
    pub chosen: Option<Chosen>,
    /// Whether the keys end that the connection has: they were minted for another person's workspace.
    pub ends_keys: bool,
    /// A connection key minted with it (Notion-shaped door), and the event that says so.
    pub key: Option<(ApiKey, Event)>,
    /// What to add to the diagram; the attempt's outcome becomes `connected`.
    pub steps: Vec<Step>,
    /// What to tell.
    pub event: Event,
    /// What to tell as well if the grant is new and its bot has another person's live grant already.
    pub second_owner: Event,
}

/// What [`Store::activate`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activated {
    /// The connection is live.
    Done,
    /// The code was spent meanwhile.
    CodeSpent,
    /// The grant's row moved on (or came, or went), another candidate waits, or the connection was ended, moved or given away: read
    /// again and decide anew.
    GrantMoved,
}

/// What [`Store::take_refresh_lease`] did.
#[derive(Debug, Clone)]
pub enum LeaseTaken {
    /// We alone may refresh this generation, until the lease ends.
    Taken(Lease),
    /// The same, in the place of a holder that has ended: what it sent may still be on its way.
    TakenOver(Lease),
    /// Somebody else does.
    Held(Lease),
    /// The generation is not current any more.
    Moved,
}

/// What whoever gives a grant up has looked at.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The ids of the candidates beside it.
    pub candidates: Vec<String>,
    /// The number of the lease under which its refresh token was refused, if it is still held.
    pub lease: Option<u64>,
}

/// What [`Store::disconnect`] did.
#[derive(Debug, Clone)]
pub enum Disconnected {
    /// Others share the grant: it stays.
    GrantKept,
    /// It was the last one: the grant is a tombstone now, its pair still there to revoke with.
    GrantEnded(Box<Grant>),
    /// It was pending: its candidate, if it was not settled already, is due.
    WasPending(Option<Box<Candidate>>),
    /// It had been disconnected before.
    Already,
    /// There is none such in this integration.
    Unknown,
}

/// How much a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Keys of all kinds, ended ones too.
    pub keys: u64,
    /// Connections, ended ones too.
    pub connections: u64,
}

impl Contents {
    /// Nobody has used it yet; or it is not the store that it should be.
    pub fn is_empty(&self) -> bool {
        self.keys == 0 && self.connections == 0
    }
}

/// What [`Store::import`] did with one hand-written back end's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Stored anew.
    Created,
    /// A live grant of the same identity is here already: left as it is, and a connection for this end user added
    /// to it if there was none.
    KeptNewer,
    /// Nothing was stored: a revocation is on its way, until then at the latest, that may end the pair.
    Wait(Timestamp),
}

/// What Vestibule remembers.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // Keys at rest.
    /// Brings an older store up to date. Everything but [`Store::find_keyring`] may be asked only after it; it comes once the
    /// root key is known to be the right one, so that a wrong one changes nothing.
    /// Again: nothing is left to do.
    async fn prepare(&self) -> Result<()>;
    /// The wrapped keyring, if one was ever saved.
    async fn find_keyring(&self) -> Result<Option<StoredKeyring>>;
    /// Saves the first keyring; false if there is one already (it stays). A store that holds sealed rows and no keyring has lost
    /// it: that is [`StoreError::Damaged`], for a fresh one would open none of them.
    /// Again: false, and the keyring that is there is the one that was saved.
    async fn insert_keyring(&self, keyring: &StoredKeyring) -> Result<bool>;

    /// This process begins to work on the store under this name (letters, digits, `_`). Leases that it takes end with it at the
    /// latest when the store knows that it has ended.
    /// Again: this is no transaction; it answers truly.
    async fn enter(&self, node: &str) -> Result<()>;

    // The way in.
    /// Stores a connect session.
    /// Again: it is there already.
    async fn insert_connect_session(&self, session: &ConnectSession) -> Result<()>;
    /// By the hash of its link's token, in any integration: the token is the proof.
    async fn find_connect_session_by_token(&self, token_sha256: &Sha256) -> Result<Option<ConnectSession>>;
    /// By id.
    async fn find_connect_session(&self, client_id: &str, id: &str) -> Result<Option<ConnectSession>>;
    /// Stores an attempt and its first steps; for the session door only while the session is open (`now`) and has
    /// had fewer than `attempts_max`.
    /// Again: `Started`, and no second one is counted.
    async fn insert_attempt(
        &self,
        attempt: &Attempt,
        steps: &[Step],
        attempts_max: usize,
        now: Timestamp,
    ) -> Result<AttemptStart>;

    // The callback.
    /// Spends the attempt of this integration that has this state **and** this browser's cookie. `cookies` are the
    /// hashes of all attempt cookies that the browser sent. Without the right cookie nothing is spent; the step `stranger` is
    /// added then, once an attempt and only while it is open, so that nobody can write without bound.
    /// Again: `Spent`, for nobody can tell the two tries apart; the code from Notion was not used, so a new link loses nothing.
    async fn take_attempt(
        &self,
        client_id: &str,
        state_sha256: &Sha256,
        cookies: &[Sha256],
        now: Timestamp,
        stranger: &Step,
    ) -> Result<AttemptTaken>;
    /// Spends the one open attempt that these cookies are bound to: for a refusal that came back without `state`.
    /// `Unknown` unless exactly one is open.
    /// Again: `Unknown`; a new link loses nothing.
    async fn take_attempt_by_cookie(
        &self,
        client_id: &str,
        cookies: &[Sha256],
        now: Timestamp,
    ) -> Result<AttemptTaken>;
    /// Adds steps and, if given, sets the outcome.
    /// Again: a step is drawn once.
    async fn update_attempt(&self, id: &str, outcome: Option<AttemptOutcome>, steps: &[Step]) -> Result<()>;
    /// Puts a taken attempt's exchange on record: its outcome is `exchanging` from then on, until it is set anew, and no revocation of
    /// the same integration begins while `node`, this process's name, is alive. One that is on its way at Notion by then would end what the exchange brings: while it is, the
    /// exchange waits, and this is asked again. After an unknown commit it may be repeated.
    async fn begin_exchange(
        &self,
        client_id: &str,
        attempt_id: &str,
        node: &str,
        step: &Step,
        now: Timestamp,
    ) -> Result<ExchangeStart>;
    /// Whether an exchange of this integration is on its way, or waits for its turn, that was put on record by `begun_by`. One
    /// whose process has ended is not.
    async fn is_exchanging(&self, client_id: &str, begun_by: Timestamp, now: Timestamp) -> Result<bool>;
    /// Attempts whose process ended in the middle of their exchange; rows that cannot be read are passed over.
    async fn interrupted_exchanges(&self, now: Timestamp, limit: usize) -> Result<Vec<Attempt>>;
    /// Ends such an attempt as failed, and tells of it. False if it was ended before.
    /// Again: false; it was told once.
    async fn end_interrupted_exchange(&self, id: &str, step: &Step, event: &Event) -> Result<bool>;
    /// Begins a revocation, unless an exchange of the same integration is on its way, or a live grant or a
    /// pending connection stands on the authorization.
    /// Until it ends, by [`Store::end_revocation`] or its time, no exchange begins. Repeating it is answered the same.
    async fn begin_revocation(&self, revocation: &Revocation) -> Result<RevocationStart>;
    /// It was answered.
    async fn end_revocation(&self, id: &str) -> Result<()>;
    /// Saves what a good callback brought.
    /// Again: the same answer, even if what it saved was redeemed or settled since.
    async fn save_arrival(&self, arrival: &Arrival, now: Timestamp) -> Result<ArrivalSaved>;

    // Redeeming.
    /// By the code's hash, in any integration: the gateway judges whose it is.
    async fn find_code(&self, code_sha256: &Sha256) -> Result<Option<CodeFound>>;
    /// Makes a redeemed connection live.
    /// Again: `Done`, known by its event, whatever has become of the connection since.
    async fn activate(&self, activation: &Activation) -> Result<Activated>;
    /// Spends an unspent code for good: deletes its pending connection, makes its candidate due at once, ends the
    /// attempt with `outcome`. False if the code was spent before.
    /// Again: false; it was refused, and told, once.
    async fn refuse_code(
        &self,
        code_sha256: &Sha256,
        outcome: AttemptOutcome,
        steps: &[Step],
        event: &Event,
        now: Timestamp,
    ) -> Result<bool>;
    /// Codes that ended unspent before `now`, oldest first; rows that cannot be read are passed over, here and in the two lists
    /// of what is due below.
    async fn unredeemed_codes(&self, now: Timestamp, limit: usize) -> Result<Vec<Code>>;

    // Candidates to settle.
    /// Those without a connection whose time is over; those first that are due longest, and of these the pairs that came last.
    async fn due_candidates(&self, now: Timestamp, limit: usize) -> Result<Vec<Candidate>>;
    /// Those of one identity, waiting for a connection or due, newest first; with those of its bot whose owner is not known.
    async fn candidates_of(&self, client_id: &str, profile: &Profile) -> Result<Vec<Candidate>>;
    /// Writes down whose a candidate is of which nobody knew; the names only while a connection waits for it.
    /// Again: the same.
    async fn name_candidate(&self, id: &str, profile: &Profile) -> Result<()>;
    /// Whether a live grant or a consent that waits may stand on this authorization: of the same person, or of one of its bot
    /// where either is not known.
    async fn stands_beside(&self, client_id: &str, profile: &Profile) -> Result<bool>;
    /// Makes a candidate's pair current in its live grant (sealed anew in `grant`), if the grant is still at `expected` and no
    /// grant took the pair over before. It is deleted then, or marked, if a pending connection waits for it. Each connection on
    /// the grant gets the event.
    /// Again: `Done` while the grant holds this very pair, else `Moved`; nothing is told twice.
    async fn adopt_candidate(
        &self,
        id: &str,
        grant: &Grant,
        expected: Generation,
        event: &Event,
    ) -> Result<Committed>;
    /// Puts the due candidate `from` in the place of candidate `to`, which a pending connection waits for, and deletes
    /// `to`. It keeps its own id, so that whoever redeems with `to` in hand notices. False if either is gone.
    /// Again: false; it has its place.
    async fn hand_over_candidate(&self, from: &str, to: &str) -> Result<bool>;
    /// Stores a pair that must not be lost but is not current.
    /// Again: it is there already; one that was settled since is settled once more, as a dead pair or as the grant's own.
    async fn insert_candidate(&self, candidate: &Candidate) -> Result<()>;
    /// Puts off a due candidate that could not be settled.
    /// Again: the same.
    async fn postpone_candidate(&self, id: &str, until: Timestamp) -> Result<()>;
    /// Puts off a candidate that is due, so that nobody else spends its refresh token meanwhile. False if it is not due: somebody
    /// else did.
    /// Again: false, and it is put off; it waits that long.
    async fn claim_candidate(&self, id: &str, now: Timestamp, until: Timestamp) -> Result<bool>;
    /// Deletes a candidate after its pair was revoked (then there is an event to store) or proved useless.
    /// Again: nothing; the event is told once.
    async fn delete_candidate(&self, id: &str, event: Option<&Event>) -> Result<()>;

    // Grants and their refresh.
    /// By id.
    async fn find_grant(&self, id: &str) -> Result<Option<Grant>>;
    /// The live (not tombstoned) grant of this identity: client id, bot, owner. An owner that is not known is nobody's. A damaged
    /// one is found too, as one that needs a new consent: that is what mends it.
    async fn find_live_grant(&self, client_id: &str, profile: &Profile) -> Result<Option<Grant>>;
    /// A grant and what its renewal is decided on, read in one go: refreshes are those begun after `since`, and those of the
    /// current generation; the newest hundred.
    async fn find_grant_with_facts(&self, id: &str, since: Timestamp) -> Result<Option<(Grant, GrantFacts)>>;
    /// Ids of grants whose last refresh has an unknown outcome.
    async fn suspect_grants(&self, limit: usize) -> Result<Vec<String>>;
    /// Ids of grants whose current generation a process was about to spend when it ended, and of which nothing was learnt since.
    /// Suspect ones are not among them: they are looked into anyway.
    async fn interrupted_grants(&self, limit: usize) -> Result<Vec<String>>;
    /// Takes the lease on this generation and records the attempt, in one transaction. An expired lease is taken over, and so is one
    /// whose holder is known to have ended; then what came of its attempt is written down as `died`.
    /// Again, with the same times: the same lease, under the same number.
    async fn take_refresh_lease(
        &self,
        grant_id: &str,
        generation: Generation,
        holder: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<LeaseTaken>;
    /// Ends our lease; `outcome` is a word for the record.
    /// Again: the same; another's lease is left alone.
    async fn release_refresh_lease(&self, grant_id: &str, lease: &Lease, outcome: &str) -> Result<()>;
    /// Stores the refreshed pair if the row is still at the generation that was **spent**; the lease is not part of
    /// the condition, for a stalled holder may own the only valid pair. `grant.generation` is the new one. Each connection
    /// on the grant gets the event.
    /// Again: `Done` while the row holds this very pair; else `Moved` or `Tombstoned`, and the pair is kept aside: that it was
    /// current for a moment does no harm, for which pair lives is asked.
    async fn commit_refresh(&self, grant: &Grant, spent: Generation, event: &Event) -> Result<Committed>;
    /// Sets the state if the row is still at `generation` and not a tombstone. Only if the state changed, each connection on the
    /// grant gets the event.
    /// Again: `Done`, told once; `Moved` if a newer pair came in between.
    async fn set_grant_state(
        &self,
        grant_id: &str,
        generation: Generation,
        state: GrantState,
        reason: Option<&str>,
        event: Option<&Event>,
    ) -> Result<Committed>;
    /// Gives a grant up (`reconnect_needed`) as [`Store::set_grant_state`] does, unless a candidate of the same identity is there that
    /// was not seen, or somebody else's refresh is open: that is `Moved`, to the generation that was expected. Those candidates that no
    /// connection waits for are due then.
    /// Again: `Done`, told once; or `Moved`.
    async fn give_up_grant(
        &self,
        grant_id: &str,
        generation: Generation,
        seen: &Seen,
        reason: &str,
        event: &Event,
    ) -> Result<Committed>;
    /// Tombstones whose revocation has not been settled and was not put off beyond `now`; those first that wait longest.
    async fn unrevoked_grants(&self, now: Timestamp, limit: usize) -> Result<Vec<Grant>>;
    /// Puts off a tombstone's revocation.
    /// Again: the same.
    async fn postpone_revocation(&self, grant_id: &str, until: Timestamp) -> Result<()>;
    /// Puts off a revocation that is due, as [`Store::claim_candidate`] does.
    /// Again: false, and it is put off; it waits that long.
    async fn claim_revocation(&self, grant_id: &str, now: Timestamp, until: Timestamp) -> Result<bool>;
    /// Deletes a tombstone's pair and data key for good; each connection that stood on it gets the event, if there is one. A pair
    /// that is to be settled with others is kept as a candidate by the same write: in two rows it would be spent twice.
    /// Again: nothing, and nothing is told or kept.
    async fn destroy_data_key(
        &self,
        grant_id: &str,
        event: Option<&Event>,
        kept: Option<&Candidate>,
    ) -> Result<()>;

    // Connections.
    /// By id; disconnected ones too. A row that cannot be read is [`StoreError::Damaged`]; one whose grant is damaged is found,
    /// and says so.
    async fn find_connection(&self, client_id: &str, id: &str) -> Result<Option<ConnectionView>>;
    /// The live connection of this end user on this grant, or, with `notion_shaped`, the one of that door.
    async fn find_connection_on_grant(
        &self,
        grant_id: &str,
        end_user: Option<&str>,
        notion_shaped: bool,
    ) -> Result<Option<Connection>>;
    /// Newest first.
    async fn list_connections(
        &self,
        client_id: &str,
        filter: &ConnectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Listed<ConnectionView>>>;
    /// Sets the app's name for its user. False if there is no such connection, or it is disconnected.
    /// Again: the same, told once.
    async fn update_end_user(&self, client_id: &str, id: &str, end_user: &str, event: &Event)
    -> Result<bool>;
    /// Ends a connection and its keys; the last one makes its grant a tombstone, in the same transaction.
    /// Again: `Already` (`Unknown` if it was pending); a grant that ended with it is found by [`Store::unrevoked_grants`], its candidate by [`Store::due_candidates`].
    async fn disconnect(
        &self,
        client_id: &str,
        id: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<Disconnected>;
    /// Erases one user of an app: ends their connections and deletes them with their keys, attempts and sessions, and takes the names
    /// of people and workspaces from authorizations that nobody's connection names any more. Each connection gets the event, as
    /// erased, and before that as disconnected if it was not. After an unknown commit it may be repeated: what is gone is not
    /// counted again.
    async fn erase_end_user(
        &self,
        client_id: &str,
        end_user: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<Erased>;
    /// Notes when a connection was last used. `first_call` ends its attempt's diagram if it was never used before.
    /// Again: the same; the first call is drawn once.
    async fn touch_connection(&self, id: &str, now: Timestamp, first_call: &[Step]) -> Result<()>;
    /// Stores a connection that a hand-written back end held; `grant` is used only if no live one of its identity exists, and no
    /// revocation of the integration is on its way at the event's time.
    /// Again: the same answer, and no second connection.
    async fn import(&self, grant: &Grant, connection: &Connection, event: &Event) -> Result<Imported>;

    // Keys of the API.
    /// Stores a key.
    /// Again: it is there already.
    async fn insert_api_key(&self, key: &ApiKey, event: &Event) -> Result<()>;
    /// By id, ended ones too: the caller compares hashes first and learns nothing else.
    async fn find_api_key(&self, id: &str) -> Result<Option<ApiKey>>;
    /// Newest first; of one connection, or (with `None`) the integration's app keys and secrets.
    async fn list_api_keys(
        &self,
        client_id: &str,
        connection_id: Option<&str>,
    ) -> Result<Vec<Listed<ApiKey>>>;
    /// Ends a key. False if there is none such, or it had ended.
    /// Again: false; it has ended.
    async fn revoke_api_key(
        &self,
        client_id: &str,
        connection_id: Option<&str>,
        id: &str,
        event: &Event,
    ) -> Result<bool>;

    // What was.
    /// An attempt with its steps, oldest first.
    async fn find_attempt(&self, client_id: &str, id: &str) -> Result<Option<(Attempt, Vec<Step>)>>;
    /// Newest first.
    async fn list_attempts(
        &self,
        client_id: &str,
        filter: &AttemptFilter,
        page: &PageRequest,
    ) -> Result<Page<Listed<Attempt>>>;
    /// Newest first, by the order in which they were stored: a reader who reads down to the last event that it knows misses none.
    async fn list_events(&self, client_id: &str, page: &PageRequest) -> Result<Page<Listed<Event>>>;
    /// Stores an event that comes with no other change.
    /// Again: it is there already.
    async fn insert_event(&self, event: &Event) -> Result<()>;

    // Housekeeping.
    /// Has `hook` told of each change to rows that are remembered between calls, before the write that made it is answered. A
    /// change by another process comes with the next of ours, or by [`Store::changes_after`]. Asked once.
    fn on_change(&self, hook: ChangeHook);
    /// The number of the newest change.
    async fn newest_change(&self) -> Result<u64>;
    /// What changed after this number, by any process.
    async fn changes_after(&self, seq: u64) -> Result<Changes>;
    /// Deletes what has outlived its use: consumed states after 24 hours, disconnected connections after 30 days,
    /// events and refresh records after 90.
    /// Again: there is less to delete.
    async fn purge(&self, now: Timestamp) -> Result<()>;
    /// Whether it can read and write now, and has room to.
    async fn check(&self) -> Result<()>;
    /// How much is in it, of all integrations.
    async fn contents(&self) -> Result<Contents>;
}
