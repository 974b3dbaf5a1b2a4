//! What Notion gave out and what became of it: which pairs reached a process, which became durable, and whose fault a loss is.
//! It knows the tokens, which the history never shows: there a pair is a number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::runner::Group;

/// How many seconds whoever ends a grant has for a refresh of its own: it listens for five minutes, and has claimed it before.
const ENDING: i64 = 300;

/// What became of an answer that holds a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    OnItsWay,
    /// This life of a process has it whole.
    Delivered(Group),
    /// Nobody has it, for no fault of ours.
    Lost,
}

pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) bot: String,
    /// The refresh token that was spent for it; a consent spends none.
    pub(crate) spent: Option<String>,
    pub(crate) fate: Fate,
}

/// One sending of a refresh token.
pub(crate) struct Sending {
    pub(crate) at: Timestamp,
    pub(crate) by: Group,
    /// Whether the sender was told that it is over, and has no pair.
    pub(crate) failed: bool,
}

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) pairs: Vec<Pair>,
    /// Access tokens that the store took.
    pub(crate) durable: BTreeSet<String>,
    /// Lives that were ended.
    pub(crate) killed: BTreeSet<Group>,
    /// Bots that their users took away.
    pub(crate) removed: BTreeSet<String>,
    /// Refresh tokens that were sent again while their first sender stood still past its lease.
    pub(crate) crossed: BTreeSet<String>,
    /// Until when a life may refresh a pair, by its access token.
    pub(crate) leases: BTreeMap<(String, Group), Timestamp>,
    /// By refresh token.
    pub(crate) sendings: BTreeMap<String, Vec<Sending>>,
    /// Connections that the app was told are gone.
    pub(crate) disconnected: BTreeSet<String>,
    /// Connections of users who were erased.
    pub(crate) erased: BTreeSet<String>,
    pub(crate) token_requests: usize,
    /// Exchanges and refreshes that are under way now.
    pub(crate) under_way: usize,
    pub(crate) faults: Vec<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// A pair left Notion; its number.
    pub(crate) fn issue(&mut self, access: &str, refresh: &str, bot: &str, spent: Option<&str>) -> usize {
        // A consent may give the pair that is there.
        self.pairs.push(Pair {
            access: access.to_owned(),
            refresh: refresh.to_owned(),
            bot: bot.to_owned(),
            spent: spent.map(str::to_owned),
            fate: Fate::OnItsWay,
        });
        self.pairs.len() - 1
    }

    /// Whether we have this pair, or should: it is stored, or a process that still lives got it.
    pub(crate) fn is_held(&self, pair: &Pair) -> bool {
        let alive = matches!(pair.fate, Fate::Delivered(life) if !self.killed.contains(&life));
        alive || self.durable.contains(&pair.access)
    }

    /// A refresh token is about to be sent: nobody else may have it under way.
    pub(crate) fn send(&mut self, refresh: &str, at: Timestamp, by: Group) -> usize {
        let access = self.pairs.iter().find(|pair| pair.refresh == refresh).map(|pair| pair.access.clone());
        let (killed, leases) = (&self.killed, &self.leases);
        let sendings = self.sendings.entry(refresh.to_owned()).or_default();
        // Whoever stands still past its lease is given up on; where a token that is sent twice ends all, that ends all.
        let over = |sent: &&Sending| match leases.get(&(access.clone().unwrap_or_default(), sent.by)) {
            Some(until) => at >= *until,
            None => at.duration_since(sent.at).as_secs() >= ENDING,
        };
        let unanswered = |sent: &&Sending| !sent.failed && !killed.contains(&sent.by);
        let (old, open): (Vec<_>, Vec<_>) = sendings.iter().filter(unanswered).partition(over);
        let (old, open) = (!old.is_empty(), !open.is_empty());
        sendings.push(Sending { at, by, failed: false });
        let number = sendings.len() - 1;
        // A consent that gives the pair that is there puts one token into two rows, which are ended one after the other.
        let in_two_rows = self.pairs.iter().filter(|pair| pair.refresh == refresh).count() > 1;
        if open && !in_two_rows {
            let pair = self.pairs.iter().position(|pair| pair.refresh == refresh);
            self.faults.push(format!("the refresh token of pair {pair:?} was under way twice at {at}"));
        }
        if old {
            self.crossed.insert(refresh.to_owned());
        }
        number
    }

    /// How a pair is called in the history.
    pub(crate) fn name(&self, access: &str) -> String {
        self.pairs
            .iter()
            .rposition(|pair| pair.access == access)
            .map_or_else(|| "an unknown pair".to_owned(), |number| format!("pair {number}"))
    }
}
