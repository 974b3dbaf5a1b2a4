//! One seed's story: who there is, what happens, how it heals, and whether what must hold does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gateway::{ClockHand, KeyKind, World};
use jiff::Timestamp;
use notion_emulator::{Client, Emulator, OldPair, Options, Reauthorize, Refresh, Seed, Switches, Time};
use serde_json::Value;
use tempfile::TempDir;

use crate::actors::{self, App};
use crate::dice::Dice;
use crate::history::{History, Witness};
use crate::invariants::Ending;
use crate::ledger::Ledger;
use crate::network::Wires;
use crate::nodes::{CLIENT, CLIENT_SECRET, Cluster, URL};
use crate::runner::{OUTSIDE, Runner};

const START: &str = "2026-11-23T09:00:00Z";

/// A simulated world.
pub(crate) struct Sim {
    pub(crate) hand: ClockHand,
    pub(crate) emulator: Emulator,
    pub(crate) runner: Runner,
    pub(crate) history: History,
    pub(crate) ledger: Ledger,
    pub(crate) app: App,
    switches: Switches,
    _folder: TempDir,
}

/// What one seed came to.
pub(crate) struct Told {
    pub(crate) history: String,
    pub(crate) faults: Vec<String>,
    pub(crate) figures: Figures,
}

/// What happened in how many.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Token pairs that Notion gave.
    pub(crate) pairs: usize,
    /// Of these, lost on the way or with a killed process.
    pub(crate) lost: usize,
    /// Sendings of refresh tokens.
    pub(crate) refreshes: usize,
    /// Processes that were killed.
    pub(crate) kills: usize,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.lost += other.lost;
        self.refreshes += other.refreshes;
        self.kills += other.kills;
    }
}

fn folder() -> TempDir {
    // In memory if that can be had: no seed needs a real disk's patience.
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

fn switches(seed: u64, dice: &Dice) -> Switches {
    let either = |dice: &Dice| dice.pick(&[OldPair::Dies, OldPair::Dies, OldPair::Lives]);
    Switches {
        refresh: [Refresh::Strict, Refresh::Grace, Refresh::Family][usize::try_from(seed % 3).unwrap_or(0)],
        old_access: either(dice),
        older_pair: either(dice),
        reauthorize: dice.pick(&[
            Reauthorize::Fresh,
            Reauthorize::Fresh,
            Reauthorize::Fresh,
            Reauthorize::Same,
        ]),
        access_seconds: dice.pick(&[None, None, Some(90), Some(3600)]),
        ..Switches::default()
    }
}

impl Sim {
    /// A world of a seed, with this many processes.
    pub(crate) fn new(seed: u64, nodes: usize, switches: Switches, housekeeping: bool) -> Self {
        Self::among(Seed::default(), seed, nodes, switches, housekeeping)
    }

    /// The same, at a Notion with other people.
    pub(crate) fn among(
        people: Seed,
        seed: u64,
        nodes: usize,
        switches: Switches,
        housekeeping: bool,
    ) -> Self {
        let start: Timestamp = START.parse().expect("a time");
        let (_, hand) = World::manual(start);
        let history = History::new(&hand);
        let client = Client {
            client_id: CLIENT.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            name: "Simulated".to_owned(),
            redirect_uris: vec![format!("{URL}/callback/demo")],
            capabilities: notion_emulator::Capabilities::default(),
        };
        let emulator = Emulator::new(Options {
            clients: vec![client],
            time: Time::Manual(start),
            switches,
            ids_seed: seed,
            seed: people,
            secrets_seed: Some(seed),
            ..Options::default()
        });
        let (runner, ledger) = (Runner::new(Dice::of(seed, 1)), Ledger::default());
        let wires = Arc::new(Wires {
            routes: emulator.router(),
            emulator: emulator.clone(),
            hand: hand.clone(),
            runner: runner.clone(),
            history: history.clone(),
            ledger: ledger.clone(),
            dice: Dice::of(seed, 2),
            stormy: AtomicBool::new(false),
        });
        let folder = folder();
        let cluster = Cluster::new(wires, folder.path().to_owned(), seed);
        for number in 0..nodes {
            cluster.start(number, housekeeping);
        }
        let app = Self::app(seed, nodes, cluster, &runner);
        Self { hand, emulator, runner, history, ledger, app, switches, _folder: folder }
    }

    fn app(seed: u64, nodes: usize, cluster: Cluster, runner: &Runner) -> App {
        let gateway = cluster.gateway(0).expect("the first node");
        let (tell, told) = std::sync::mpsc::channel();
        // Its store may take a moment, so nobody waits for it here.
        runner.spawn(OUTSIDE, async move {
            let mint =
                async |kind| gateway.mint_key("demo", kind, "sim").await.expect("a key").key.expose().clone();
            let _there = tell.send((mint(KeyKind::App).await, mint(KeyKind::Secret).await));
        });
        let hand = cluster.wires().hand.clone();
        let (key, secret) = loop {
            runner.run();
            match told.try_recv() {
                Ok(keys) => break keys,
                Err(_) => hand.advance(Duration::from_millis(20)),
            }
        };
        App {
            cluster,
            dice: Arc::new(Dice::of(seed, 4)),
            nodes,
            key,
            secret,
            connections: Arc::default(),
            connection_keys: Arc::default(),
        }
    }

    /// Lets this much time pass, stopping wherever somebody waits.
    pub(crate) fn pass(&self, time: Duration) {
        let end = self.hand.now().checked_add(time).expect("in range");
        loop {
            self.runner.run();
            let now = self.hand.now();
            if now >= end {
                return;
            }
            self.move_to(self.hand.next_due().map_or(end, |due| due.min(end)));
        }
    }

    fn move_to(&self, at: Timestamp) {
        let by = Duration::try_from(at.duration_since(self.hand.now())).unwrap_or_default();
        self.emulator.advance(by);
        self.hand.advance(by);
    }

    /// What this comes to; time passes until then.
    pub(crate) fn ask<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (tell, told) = std::sync::mpsc::channel();
        self.runner.spawn(OUTSIDE, async move {
            let _there = tell.send(work.await);
        });
        loop {
            self.runner.run();
            if let Ok(done) = told.try_recv() {
                return done;
            }
            let due = self.hand.next_due().expect("somebody waits for something");
            self.move_to(due);
        }
    }

    /// Makes all well, and lets a fresh process look after everything for an hour.
    fn heal(&self) {
        self.history.note("sim", "all is well from now on");
        self.app.cluster.storm(false);
        for number in 0..self.app.nodes {
            self.app.cluster.go_on(number);
            if !self.app.cluster.runs(number) {
                self.app.cluster.start(number, true);
            }
        }
        // Answers that are late come in this time.
        self.pass(Duration::from_secs(150));
        // And this restart is in good order: it cuts nothing off.
        for _ in 0..150 {
            if self.ledger.book().under_way > 0 {
                self.pass(Duration::from_secs(1));
            }
        }
        self.history.note("sim", "a fresh process looks after everything");
        let killed = self.ledger.book().killed.clone();
        for number in 0..self.app.nodes {
            self.app.cluster.kill(number);
        }
        self.ledger.book().killed = killed;
        self.app.cluster.start(0, false);
        for _ in 0..6 {
            self.pass(Duration::from_mins(11));
            self.look_after();
        }
    }

    pub(crate) fn look_after(&self) {
        let cluster = self.app.cluster.clone();
        self.ask(async move {
            cluster
                .inside(0, |gateway| async move {
                    let settled = gateway.settle().await.is_ok();
                    settled && gateway.look_into_suspects().await.is_ok()
                })
                .await
        });
    }

    pub(crate) fn page(&self, path: &'static str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let (app, from) = (self.app.clone(), cursor.clone());
            let reply =
                self.ask(async move { app.api("GET", &format!("{path}?page_size=100{from}"), None).await });
            let page = reply.expect("an answer").json();
            rows.extend(page["data"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// Calls through every connection until it is answered well, or twice.
    fn try_all(&self) -> BTreeMap<String, bool> {
        let mut works = BTreeMap::new();
        for connection in self.page("/api/connections") {
            let id = connection["id"].as_str().unwrap_or_default().to_owned();
            for _ in 0..2 {
                let (app, path) = (self.app.clone(), format!("/notion/{id}/v1/users/me"));
                let reply = self.ask(async move { app.api("GET", &path, None).await });
                let told = actors::told(reply.as_ref());
                self.history.note("sim", &format!("{id} is tried: {told}"));
                // A token that lives shorter than refreshes may follow each other is good all the same.
                let good = told.starts_with("200") || told.ends_with("refresh_too_soon");
                works.insert(id.clone(), good);
                if good || told.starts_with("401") {
                    break;
                }
                self.pass(Duration::from_mins(2));
            }
        }
        works
    }

    fn faults(&self) -> Vec<String> {
        // What calls find out may heal others: of several pairs whose access tokens have ended, one after the other is tried.
        let mut works = self.try_all();
        for _ in 0..4 {
            let given_up = |row: &Value| row["state"] == "reconnect_needed";
            if !self.page("/api/connections").iter().any(given_up) {
                break;
            }
            self.look_after();
            // Every process has noticed by then.
            self.pass(Duration::from_secs(2));
            works = self.try_all();
        }
        let connections = self.page("/api/connections");
        let mut events = self.page("/api/events");
        events.reverse();
        for connection in &connections {
            self.history.note(
                "sim",
                &format!("{} {} {}", connection["id"], connection["state"], connection["reason"]),
            );
        }
        for event in &events {
            self.history
                .note("sim", &format!("event {} {} {}", event["type"], event["connection"], event["at"]));
        }
        let notion = serde_json::from_str(&self.emulator.snapshot()).expect("JSON");
        let secrets = [self.app.key.clone(), self.app.secret.clone(), CLIENT_SECRET.to_owned()];
        let ending = Ending {
            book: &self.ledger.book(),
            connections: &connections,
            events: &events,
            works: &works,
            now: self.hand.now(),
            notion: &notion,
            grace: self.switches.refresh == Refresh::Grace,
            punishes: self.switches.refresh == Refresh::Family,
            history: &self.history,
            secrets: &secrets,
        };
        ending.faults()
    }
}

/// Tells one seed's story.
pub(crate) fn tell(seed: u64) -> Told {
    let dice = Dice::of(seed, 5);
    let nodes = 1 + dice.index(3);
    let sim = Sim::new(seed, nodes, switches(seed, &dice), true);
    let _printed_on_panic = Witness(sim.history.clone());
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_writer(sim.history.clone())
        .with_max_level(tracing::Level::INFO)
        .finish();
    let _quiet_afterwards = tracing::subscriber::set_default(subscriber);
    sim.history.note("sim", &format!("seed {seed}: {nodes} processes, {:?}", sim.switches));
    sim.app.cluster.storm(true);
    for user in 0..2 + dice.below(3) {
        sim.runner.spawn(OUTSIDE, sim.app.clone().live(user, 12));
    }
    sim.runner.spawn(OUTSIDE, actors::fate(sim.app.clone(), Dice::of(seed, 6), 8));
    sim.pass(Duration::from_mins(4));
    sim.heal();
    let faults = sim.faults();
    let book = sim.ledger.book();
    let figures = Figures {
        pairs: book.pairs.len(),
        lost: book.pairs.iter().filter(|pair| !book.is_held(pair)).count(),
        refreshes: book.token_requests,
        kills: book.killed.len(),
    };
    drop(book);
    Told { history: sim.history.text(), faults, figures }
}
