//! What must hold when all is healed and quiet: no avoidable loss, no state that lies, what was ended stays ended, every edge has its
//! event, no refresh token under way twice, no secret in a line of the history.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::history::History;
use crate::ledger::{Book, Fate};

/// What is known at the end.
pub(crate) struct Ending<'a> {
    pub(crate) book: &'a Book,
    /// The connections as the HTTP API lists them.
    pub(crate) connections: &'a [Value],
    /// Oldest first.
    pub(crate) events: &'a [Value],
    /// Whether the last call through each connection was answered 200.
    pub(crate) works: &'a BTreeMap<String, bool>,
    pub(crate) now: Timestamp,
    /// The emulator's snapshot.
    pub(crate) notion: &'a Value,
    /// Whether a used refresh token works until the one that it gave is used.
    pub(crate) grace: bool,
    /// Whether a refresh token that is sent twice ends the authorization.
    pub(crate) punishes: bool,
    pub(crate) history: &'a History,
    pub(crate) secrets: &'a [String],
}

impl Ending<'_> {
    /// What does not hold.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = self.book.faults.clone();
        for connection in self.connections {
            faults.extend(self.of_connection(connection));
        }
        faults.extend(self.undelivered());
        faults.extend(self.leaks());
        faults
    }

    fn of_connection(&self, connection: &Value) -> Vec<String> {
        let text = |name: &str| connection[name].as_str().unwrap_or_default();
        let (id, state, bot) = (text("id"), text("state"), text("bot_id"));
        let works = self.works.get(id).copied().unwrap_or_default();
        let mut faults = Vec::new();
        if self.book.erased.contains(id) {
            faults.push(format!("{id} was erased and is {state}"));
        }
        if self.book.disconnected.contains(id) && state != "disconnected" {
            faults.push(format!("{id} was disconnected and is {state}"));
        }
        match state {
            "active" | "degraded" if !works => faults.push(format!("{id} is {state} and does not work")),
            "reconnect_needed" => faults.extend(self.avoidable(id, bot)),
            "active" | "degraded" | "disconnected" => {}
            other => faults.push(format!("{id} is still {other}")),
        }
        let told = self.told(id);
        if told != Some(state) {
            faults.push(format!("{id} is {state}, and its events say {told:?}"));
        }
        faults
    }

    /// Why a connection that was given up need not have been.
    fn avoidable(&self, id: &str, bot: &str) -> Option<String> {
        let living: Vec<usize> = self.of_bot(bot).filter(|n| self.lives(*n) && self.holds(*n)).collect();
        if !living.is_empty() {
            return Some(format!("{id} (bot {bot}) is given up, and pairs {living:?} live and are held"));
        }
        let newest = self.of_bot(bot).last();
        let excused = self.book.removed.contains(bot) || newest.is_none_or(|n| self.is_nobodys_fault(n));
        (!excused).then(|| format!("{id} (bot {bot}) is given up, and pair {newest:?} was not lost"))
    }

    /// Whether the newest pair of a bot ended for no fault of ours: it never came, or its like was sent for once more after the
    /// holder's lease, where that ends all. Older pairs excuse nothing: a later consent, or refresh, made up for their loss.
    fn is_nobodys_fault(&self, newest: usize) -> bool {
        let spent = self.book.pairs[newest].spent.as_ref();
        !self.holds(newest) || self.punishes && spent.is_some_and(|token| self.book.crossed.contains(token))
    }

    fn of_bot(&self, bot: &str) -> impl Iterator<Item = usize> {
        (0..self.book.pairs.len()).filter(move |n| self.book.pairs[*n].bot == bot)
    }

    fn holds(&self, number: usize) -> bool {
        self.book.is_held(&self.book.pairs[number])
    }

    /// Whether either half of a pair still opens something at Notion.
    fn lives(&self, number: usize) -> bool {
        let pair = &self.book.pairs[number];
        let grants = &self.notion["state"]["grants"];
        let refresh = &grants["refresh"][&pair.refresh];
        let unused = refresh["used"] == false || (self.grace && refresh["followed"] == false);
        let access = &grants["access"][&pair.access];
        let ends_at = access["ends_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        let opens = !access.is_null() && ends_at.is_none_or(|at| at > self.now);
        let there = !grants["authorizations"][&pair.bot].is_null();
        there && (opens || (!refresh.is_null() && unused))
    }

    /// The state that a connection's last event tells.
    fn told(&self, id: &str) -> Option<&'static str> {
        let of = self.events.iter().filter(|event| event["connection"] == id);
        of.rev().find_map(|event| state_of(event["type"].as_str()?))
    }

    /// A pair that came whole to a process which lived on is stored, unless its authorization was ended.
    fn undelivered(&self) -> Vec<String> {
        let ended = |bot: &str| self.notion["state"]["grants"]["authorizations"][bot].is_null();
        let lost = self.book.pairs.iter().enumerate().filter(|(_, pair)| {
            matches!(pair.fate, Fate::Delivered(life) if !self.book.killed.contains(&life))
                && !self.book.durable.contains(&pair.access)
                && !ended(&pair.bot)
        });
        lost.map(|(number, _)| format!("pair {number} came and was dropped")).collect()
    }

    fn leaks(&self) -> Option<String> {
        let text = self.history.text();
        let tokens = self.book.pairs.iter().flat_map(|pair| [&pair.access, &pair.refresh]);
        let secrets: BTreeSet<&String> = tokens.chain(self.secrets).collect();
        let leaked = secrets.into_iter().find(|secret| text.contains(secret.as_str()));
        leaked.map(|_| "a secret stands in a line of the history".to_owned())
    }
}

fn state_of(kind: &str) -> Option<&'static str> {
    match kind {
        "connection.connected"
        | "connection.reconnected"
        | "connection.imported"
        | "connection.recovered" => Some("active"),
        "connection.suspect" => Some("suspect"),
        "connection.degraded" => Some("degraded"),
        "connection.reconnect_needed" => Some("reconnect_needed"),
        "connection.disconnected" => Some("disconnected"),
        _ => None,
    }
}
