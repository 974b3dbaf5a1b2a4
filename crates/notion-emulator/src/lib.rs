//! An offline Notion: consent, tokens and the API of Notion's public integrations, for development and tests.
//!
//! It shares no code with the gateway, so that a wrong belief about Notion cannot confirm itself. State lives in memory;
//! each [`Emulator`] is a world of its own, so tests run side by side. What it does not know answers 501 and says so.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use notion_emulator::{Emulator, Options};
//!
//! let running = Emulator::start(Options::default()).await?;
//! // Point a Notion client at `running.url` with this token:
//! let token = running.emulator.internal_token();
//! # assert!(token.starts_with("ntn_emulator_") && running.url.starts_with("http://127.0.0.1:"));
//! # std::io::Result::Ok(()) }).unwrap();
//! ```

#![expect(clippy::disallowed_methods, reason = "it starts its socket's task")]

mod accounts;
mod api;
mod callers;
mod capabilities;
mod cells;
mod clock;
mod content;
mod control;
mod faults;
mod files;
mod form;
mod formula;
mod grants;
mod index;
mod instances;
mod journal;
mod markdown;
mod oauth;
mod queries;
mod recorder;
mod reply;
mod seed;
mod server;
mod signing;
mod snapshot;
mod state;
mod switches;
mod tasks;
mod view_queries;
mod web;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::net::TcpListener;
use uuid::Uuid;

pub use capabilities::{Capabilities, UserInformation};
pub use faults::{Effect, Fault};
pub use grants::Client;
pub use instances::InstanceError;
pub use journal::JournalEntry;
pub use listener::origin::Names;
pub use recorder::Recorder;
pub use seed::{Seed, SeedError};
pub use snapshot::SnapshotError;
pub use switches::{Basic, OldPair, Reauthorize, Refresh, Switches};

use clock::Clock;
use content::blob::Blob;
use instances::Instances;
use state::State;
use web::Document;

/// How an emulator starts.
#[derive(Clone, Default)]
pub struct Options {
    /// The integrations that it knows; more can be registered later.
    pub clients: Vec<Client>,
    /// Its clock.
    pub time: Time,
    /// How tokens live and die.
    pub switches: Switches,
    /// Where exchanges with the API are written down, if anywhere.
    pub record: Option<Recorder>,
    /// What it starts with and goes back to; without more words the people and pages of a small studio.
    pub seed: Seed,
    /// Which series of ids it gives to what is made later: the same number and calls give the same ids.
    pub ids_seed: u64,
    /// Codes and tokens of a series that a seed repeats, for simulations. Without one they are random, for an emulator may
    /// stand where others reach it.
    pub secrets_seed: Option<u64>,
    /// By which names, besides the loopback's, its controls and its consent may be reached.
    pub names: Names,
}

/// Whose time the emulator lives in.
#[derive(Debug, Clone, Copy, Default)]
pub enum Time {
    /// The machine's.
    #[default]
    Wall,
    /// A time that stands still until [`Emulator::advance`].
    Manual(Timestamp),
}

/// A handle on an offline Notion; clones share it.
#[derive(Clone)]
pub struct Emulator(Arc<Inner>);

struct Inner {
    /// Of an instance; the first emulator has none.
    name: String,
    /// How it started; a reset with a seed puts that in here.
    options: Mutex<Options>,
    recorder: Option<Recorder>,
    state: Mutex<State>,
    /// Beside the first emulator; instances have none of their own.
    instances: Mutex<Instances>,
    /// The first emulator, of an instance.
    first: Weak<Inner>,
}

/// An emulator on a port of its own; it stops when this is dropped.
pub struct Running {
    /// The handle on it.
    pub emulator: Emulator,
    /// Its origin, such as `http://127.0.0.1:40123`.
    pub url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Emulator {
    /// An emulator at its seed, on no socket yet.
    pub fn new(options: Options) -> Self {
        Self::named("", options, Weak::new())
    }

    fn named(name: &str, options: Options, first: Weak<Inner>) -> Self {
        let state = Mutex::new(State::of_instance(&options, name));
        let recorder = options.record.clone();
        let (name, options) = (name.to_owned(), Mutex::new(options));
        Self(Arc::new(Inner { name, options, recorder, state, instances: Mutex::default(), first }))
    }

    /// Starts one on a free port of the loopback.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(options: Options) -> std::io::Result<Running> {
        let emulator = Self::new(options);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let serving = emulator.clone();
        let task = tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        Ok(Running { emulator, url, task })
    }

    /// Adds an emulator of its own behind the same sockets, which its token and its client ids lead to. Without a name it
    /// gets one.
    ///
    /// # Errors
    /// If the name or a client id is another's, or there are too many.
    pub fn add_instance(&self, name: Option<String>, options: Options) -> Result<Self, InstanceError> {
        self.instances().add(self, name, options)
    }

    /// Takes an instance away; whether it was there.
    pub fn remove_instance(&self, name: &str) -> bool {
        self.instances().remove(name)
    }

    /// An instance's name; the first emulator has none.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Serves on `listener` until `stop` is done.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()> + Send) {
        server::serve(self, listener, stop).await;
    }

    /// Adds an integration, or replaces the one with its client id.
    ///
    /// # Errors
    /// If the client id leads to another emulator behind the same sockets.
    pub fn register_client(&self, client: Client) -> Result<(), InstanceError> {
        self.claim(std::slice::from_ref(&client), || self.state().grants.register(client.clone()))
    }

    /// The first person allows an integration every page, without the consent screens: the code that the browser would
    /// carry back to the first redirect URI. `None` for an unknown client, or one without a redirect URI.
    pub fn consent(&self, client_id: &str) -> Option<String> {
        self.consent_of(0, client_id)
    }

    /// The same by another person of the first workspace, counted from 0.
    pub fn consent_of(&self, person: usize, client_id: &str) -> Option<String> {
        oauth::consent::allow_all(&mut self.state(), person, client_id)
    }

    /// Its routes, for tests that carry requests there themselves.
    pub fn router(&self) -> axum::Router {
        server::router(self)
    }

    /// A token for all of the first workspace, as an internal integration has it.
    pub fn internal_token(&self) -> String {
        self.state().internal_token.clone()
    }

    /// The page that the consent screen offers first; in the built-in seed the project tracker is below it.
    pub fn root_page_id(&self) -> String {
        self.state().root_page.to_string()
    }

    /// Lets a fault wait for the next request that it fits.
    pub fn fault(&self, fault: impl Into<Fault>) {
        self.state().faults.waiting.push(fault.into());
    }

    /// What was asked so far, oldest first.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.state().journal.entries.iter().cloned().collect()
    }

    /// Moves the clock on. A wall clock becomes one that stands still first.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        let now = state.clock.now();
        state.clock = Clock::Manual(now.checked_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Changes how tokens live and die from now on.
    pub fn switch(&self, switches: Switches) {
        self.state().switch(switches);
    }

    /// Ends all access tokens as if their time were over; refresh tokens go on working.
    pub fn end_access_tokens(&self) {
        self.state().grants.end_access_tokens();
    }

    /// The user disconnects the integration in Notion's settings. Whether there was such a connection.
    pub fn remove_connection(&self, bot_id: Uuid) -> bool {
        let mut state = self.state();
        state.accounts.bots.retain(|(_, bot)| bot.id != bot_id);
        state.grants.remove(bot_id)
    }

    /// Puts a document on the emulator's web, from where a file upload with an `external_url` can import it: the emulator
    /// is offline, and every other address fails. Whether there was room for it.
    pub fn put_on_web(&self, url: &str, content_type: &str, body: impl Into<Bytes>) -> bool {
        let document = Document { content_type: content_type.to_owned(), body: Blob(body.into()) };
        self.state().web.put(url.to_owned(), document)
    }

    /// Goes back to the seed; clients that were registered since then stay, and the internal token too.
    pub fn reset(&self) {
        let fresh = State::of_instance(&self.options(), self.name());
        self.begin_with(fresh);
    }

    /// Goes back to another seed, which later resets then go back to.
    ///
    /// # Errors
    /// If a client id of the seed leads to another emulator behind the same sockets. Nothing has changed then.
    pub fn reset_to(&self, seed: Seed) -> Result<(), InstanceError> {
        let clients = seed.planted().grants.clients.clone();
        self.claim(&clients, || {
            self.options().seed = seed;
            self.reset();
        })
    }

    fn begin_with(&self, mut fresh: State) {
        let mut state = self.state();
        for client in std::mem::take(&mut state.grants.clients) {
            if fresh.grants.client(&client.client_id).is_none() {
                fresh.grants.clients.push(client);
            }
        }
        fresh.internal_token = std::mem::take(&mut state.internal_token);
        // A seed that is a snapshot brings a key, with which old addresses would open the new files of the same ids.
        fresh.files_key = fresh.grants.secret("");
        *state = fresh;
    }

    /// Everything but the journal, as JSON: content, clients, tokens, clock, what ids come next.
    pub fn snapshot(&self) -> String {
        snapshot::write(&self.state())
    }

    /// Goes on from a snapshot: the same calls then give the same answers as after it was taken.
    ///
    /// # Errors
    /// If the text is no sound snapshot of this format, or a client id in it leads to another emulator behind the same
    /// sockets. Nothing has changed then.
    pub fn load(&self, snapshot: &str) -> Result<(), SnapshotError> {
        let loaded = snapshot::read(snapshot)?;
        let clients = loaded.grants.clients.clone();
        Ok(self.claim(&clients, || self.go_on_with(loaded))?)
    }

    fn go_on_with(&self, mut loaded: State) {
        let mut state = self.state();
        // A token that names another instance would not lead here.
        if !self.name().is_empty() && loaded.grants.instance != self.name() {
            loaded.internal_token = std::mem::take(&mut state.internal_token);
        }
        self.name().clone_into(&mut loaded.grants.instance);
        loaded.journal = std::mem::take(&mut state.journal);
        *state = loaded;
    }

    /// The names that the controls answer to: those of the first emulator.
    fn names(&self) -> Names {
        let first = self.0.first.upgrade().map(Self);
        first.as_ref().unwrap_or(self).options().names.clone()
    }

    fn knows_client(&self, client_id: &str) -> bool {
        self.state().grants.client(client_id).is_some()
    }

    /// Whether a client id leads here, or would after a reset.
    fn claims_client(&self, client_id: &str) -> bool {
        let options = self.options();
        let seeded = options.seed.planted().grants.client(client_id).is_some();
        let is_optional = options.clients.iter().any(|client| client.client_id == client_id);
        drop(options);
        seeded || is_optional || self.knows_client(client_id)
    }

    /// Does what makes these clients lead here, unless one leads elsewhere. Nobody else can claim them in between.
    fn claim<T>(&self, clients: &[Client], then: impl FnOnce() -> T) -> Result<T, InstanceError> {
        let first =
            if self.name().is_empty() { Some(self.clone()) } else { self.0.first.upgrade().map(Self) };
        // Without the first emulator there is no socket that leads here.
        let Some(first) = first else { return Ok(then()) };
        let instances = first.instances();
        instances.refuse_claimed(&first, self, clients)?;
        Ok(then())
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn instances(&self) -> MutexGuard<'_, Instances> {
        self.0.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(&self) -> MutexGuard<'_, Options> {
        self.0.options.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.0.recorder.as_ref()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
