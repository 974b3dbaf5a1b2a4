//! What was read from the store, remembered until it changes there.
//! The store tells which rows changed: of our own writes before they are answered, of another process's within half a
//! second. Only those are forgotten, so a call on a connection that did not change touches no SQL.

use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;
use store::records::ApiKey;
use store::{Changed, Changes};

use crate::access::LiveToken;
use crate::caller::KnownConnection;

/// How many keys, connections and tokens are remembered: at about 500 bytes each, some 50 MB.
const REMEMBERED_MAX: usize = 100_000;

/// What is remembered between calls.
pub(crate) struct Memory {
    /// By id.
    pub(crate) keys: Recall<ApiKey>,
    /// By client id, a slash and id.
    pub(crate) connections: Recall<KnownConnection>,
    /// By the grant's id.
    pub(crate) tokens: Recall<LiveToken>,
    upto: Arc<Upto>,
}

/// The number of the last change that was applied. It is held while one is, so that nothing older is remembered after it.
type Upto = Mutex<u64>;

/// Where the feed of changes stood when a reading began.
#[derive(Clone, Copy)]
pub(crate) struct Reading(u64);

impl Memory {
    /// Nothing yet; `upto` is the newest change.
    pub(crate) fn new(upto: u64) -> Self {
        let upto = Arc::new(Mutex::new(upto));
        Self { keys: Recall::new(&upto), connections: Recall::new(&upto), tokens: Recall::new(&upto), upto }
    }

    /// The number of the last change that was applied.
    pub(crate) fn upto(&self) -> u64 {
        *self.upto.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what changed; everything, if it is not known what did.
    pub(crate) fn apply(&self, feed: &Changes) {
        let mut upto = self.upto.lock().unwrap_or_else(PoisonError::into_inner);
        if feed.complete {
            for change in &feed.changes {
                match change.kind {
                    Changed::Key => self.keys.forget(&change.id),
                    Changed::Connection => self.connections.forget(&change.id),
                    Changed::Grant => self.tokens.forget(&change.id),
                }
            }
        } else {
            self.keys.entries.clear();
            self.connections.entries.clear();
            self.tokens.entries.clear();
        }
        // A store that was put back to an older copy counts anew.
        *upto = if feed.complete { feed.upto.max(*upto) } else { feed.upto };
    }
}

/// A bounded memory of rows by id.
pub(crate) struct Recall<T> {
    entries: Cache<String, Arc<T>>,
    upto: Arc<Upto>,
}

impl<T> Recall<T> {
    fn new(upto: &Arc<Upto>) -> Self {
        Self { entries: Cache::new(REMEMBERED_MAX), upto: Arc::clone(upto) }
    }

    /// The entry.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<T>> {
        self.entries.get(id)
    }

    /// To be called before the row is read that is put here.
    pub(crate) fn reading(&self) -> Reading {
        Reading(*self.upto.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget(&self, id: &str) {
        self.entries.remove(id);
    }

    /// Remembers what was read, unless something changed since the reading began: that may have been just this.
    pub(crate) fn put(&self, id: &str, reading: Reading, value: T) -> Arc<T> {
        let value = Arc::new(value);
        let upto = self.upto.lock().unwrap_or_else(PoisonError::into_inner);
        if *upto == reading.0 {
            self.entries.insert(id.to_owned(), Arc::clone(&value));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Change;

    fn token(generation: u64) -> LiveToken {
        LiveToken {
            generation: lifecycle::Generation(generation),
            secret: sealing::Secret::new(String::new()),
            bearer: None,
            scope: tokio::sync::OnceCell::new(),
        }
    }

    fn feed(upto: u64, complete: bool, ids: &[&str]) -> Changes {
        let change = |id: &&str| Change { kind: Changed::Grant, id: (*id).to_owned() };
        Changes { upto, complete, changes: ids.iter().map(change).collect() }
    }

    #[test]
    fn only_what_changed_is_forgotten() {
        let memory = Memory::new(7);
        for id in ["one", "two"] {
            memory.tokens.put(id, memory.tokens.reading(), token(1));
        }
        memory.apply(&feed(8, true, &["one"]));
        assert!(memory.tokens.get("one").is_none() && memory.tokens.get("two").is_some());
        memory.apply(&feed(9, false, &[]));
        assert!(memory.tokens.get("two").is_none(), "nobody knows what changed");
        assert_eq!(memory.upto(), 9);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let memory = Memory::new(0);
        let reading = memory.tokens.reading();
        memory.apply(&feed(1, true, &["one"]));
        assert_eq!(
            memory.tokens.put("one", reading, token(1)).generation.0,
            1,
            "its reader may still use it"
        );
        assert!(memory.tokens.get("one").is_none());
        memory.tokens.put("one", memory.tokens.reading(), token(2));
        assert!(memory.tokens.get("one").is_some());
    }

    #[test]
    fn a_store_that_was_put_back_to_an_older_copy_is_followed_from_there() {
        let memory = Memory::new(50);
        memory.apply(&feed(3, false, &[]));
        assert_eq!(memory.upto(), 3);
    }
}
