//! What was read from the store, remembered while nothing changed there.
//! Each entry carries the store's revision from before it was read; a change by any process raises the revision
//! and so makes every older entry unread. A call in the steady state therefore touches no SQL.

use std::sync::Arc;

use quick_cache::sync::Cache;

/// A bounded memory of rows by id.
pub(crate) struct Recall<T> {
    entries: Cache<String, (u64, Arc<T>)>,
}

impl<T> Recall<T> {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { entries: Cache::new(entries_max) }
    }

    /// The entry, if it was read at this revision.
    pub(crate) fn get(&self, id: &str, revision: u64) -> Option<Arc<T>> {
        let (read_at, value) = self.entries.get(id)?;
        (read_at == revision).then_some(value)
    }

    /// Drops an entry now, rather than when its place is needed.
    pub(crate) fn forget(&self, id: &str) {
        self.entries.remove(id);
    }

    /// Remembers what was read; `revision` was loaded before the read.
    pub(crate) fn put(&self, id: &str, revision: u64, value: T) -> Arc<T> {
        let value = Arc::new(value);
        self.entries.insert(id.to_owned(), (revision, Arc::clone(&value)));
        value
    }
}
