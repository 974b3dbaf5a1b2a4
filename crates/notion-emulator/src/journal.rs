//! What was asked of the emulator and what it answered, newest last: for a test's assertions and a developer's eyes.
//! Paths only, never a query, header or body, so it holds no code and no token.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

/// How many requests are remembered.
const ENTRIES_MAX: usize = 10_000;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct JournalEntry {
    /// When it was answered.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The status that it got; 0 for a fault that hung up.
    pub status: u16,
    /// Which fault was injected, if one was.
    pub fault: Option<&'static str>,
    /// What the body said in vain, by its place: Notion drops it without a word. Places and reasons, never values.
    pub dropped: Vec<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Journal {
    pub(crate) entries: VecDeque<JournalEntry>,
}

impl Journal {
    pub(crate) fn write(&mut self, entry: JournalEntry) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}
