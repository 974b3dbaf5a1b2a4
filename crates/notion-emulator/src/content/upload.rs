//! Uploaded files, from the announcement to the bytes. An upload lives for an hour; one that was attached to something in
//! that hour stays for good. Source: Notion, "File Upload" object and "Uploading small files" (read 2026-11-27).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::blob::Blob;

/// How long an upload waits to be attached.
const LIFE: Duration = Duration::from_hours(1);

/// The states of an upload, as the API calls them.
pub(crate) const STATUSES: [&str; 4] = ["pending", "uploaded", "expired", "failed"];

/// One uploaded file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) id: Uuid,
    /// How many uploads were announced before: lists show the newest first.
    pub(crate) number: u64,
    pub(crate) workspace: Uuid,
    /// The bot that announced it; no other sees it.
    pub(crate) by: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) edited_at: Timestamp,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    /// How many parts were announced; `None` if it comes in one.
    pub(crate) parts_total: Option<u64>,
    /// Those that came so far, by number from 1.
    pub(crate) parts: BTreeMap<u64, Blob>,
    /// All of it, once it is there, unless it was thrown away after its hour.
    pub(crate) bytes: Option<Blob>,
    /// Its length in bytes, once that is known.
    pub(crate) length: Option<u64>,
    /// How the import went, of files that came from elsewhere.
    pub(crate) import: Option<Import>,
    /// Whether something holds it: then it never expires.
    pub(crate) attached: bool,
}

/// An import that is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Import {
    pub(crate) at: Timestamp,
    pub(crate) failure: Option<ImportFailure>,
}

/// Why an import failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ImportFailure {
    /// Nothing answers there.
    NotFound,
    /// Larger than so many bytes.
    TooLarge(u64),
    /// What answers there is of another kind than announced, or of none that Notion takes.
    WrongType,
}

impl Upload {
    /// When it ends, unless it is attached before.
    pub(crate) fn ends_at(&self) -> Timestamp {
        self.created_at.checked_add(LIFE).unwrap_or(Timestamp::MAX)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        !self.attached && now >= self.ends_at()
    }

    /// One of [`STATUSES`].
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        if self.import.as_ref().is_some_and(|import| import.failure.is_some()) {
            "failed"
        } else if self.is_over(now) {
            "expired"
        } else if self.bytes.is_some() {
            "uploaded"
        } else {
            "pending"
        }
    }

    /// How many bytes it takes up here.
    pub(crate) fn stored(&self) -> u64 {
        self.parts.values().chain(&self.bytes).map(Blob::length).sum()
    }

    /// How many parts came so far; those of a whole file were all sent.
    pub(crate) fn sent(&self) -> u64 {
        match self.length {
            Some(_) => self.parts_total.unwrap_or_default(),
            None => self.parts.len() as u64,
        }
    }

    /// Throws the bytes away if its hour passed.
    pub(crate) fn clear_if_over(&mut self, now: Timestamp) {
        if self.is_over(now) {
            self.parts.clear();
            self.bytes = None;
        }
    }

    /// The last part of its address.
    pub(crate) fn file_name(&self) -> &str {
        self.filename.as_deref().filter(|name| !name.is_empty()).unwrap_or("file")
    }
}
