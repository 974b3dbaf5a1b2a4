//! What nobody outside Notion knows about its tokens, clients and index, as switches. The defaults are the most hostile answers, so that a
//! client which survives them survives the real ones; [`Switches::documented`] is the mild reading of the documents.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How tokens live and die, how fresh search is, and how long tasks take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// What becomes of a refresh token that was used.
    pub refresh: Refresh,
    /// What becomes of the access token that a refresh replaces.
    pub old_access: OldPair,
    /// What a second consent of the same person gives.
    pub reauthorize: Reauthorize,
    /// What becomes of the older pair when a second consent gives a fresh one.
    pub older_pair: OldPair,
    /// How many seconds an access token lives; `null`: until something ends it.
    pub access_seconds: Option<u32>,
    /// What is decoded of the client id and secret in HTTP Basic.
    pub basic: Basic,
    /// How many seconds search is behind: it knows titles and sharing as they were then, by the emulator's clock, while
    /// direct reads know them as they are. At Notion a page may be missing for a while. Source: Notion, "Search
    /// optimizations and limitations" (read 2026-11-22).
    pub search_lag_seconds: u32,
    /// How many polls of an async task find it unfinished.
    pub async_polls: u32,
    /// Whether rows cannot be filtered by formulas that are written through the API from now on. Notion documents that they
    /// can; a recording (June 2026) and users (2024 to September 2026) show that it refuses.
    pub refuse_formula_filters: bool,
    /// Whether the values of all formulas and rollups are of type `unsupported`, as some are at Notion: typed clients may not
    /// know what to do with one. Source: users' reports (2026).
    pub computed_unsupported: bool,
    /// Whether the journal and the log name what requests say in vain: what Notion takes and drops without a word.
    pub name_dropped: bool,
}

/// What becomes of a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// It dies at once.
    Strict,
    /// It works until the one that it gave is used.
    Grace,
    /// It dies at once, and using it again ends the whole authorization.
    Family,
}

/// What is decoded of HTTP Basic at the token endpoints. RFC 6749 2.3.1 has clients form-encode both parts, and strict
/// libraries do; Notion's documents show them as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basic {
    /// Nothing: an encoded secret is a wrong one.
    Raw,
    /// Both parts, always.
    Encoded,
    /// Both parts, if they are not right as they are.
    Either,
}

/// What becomes of the tokens that newer ones replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldPair {
    /// They die.
    Dies,
    /// They live on.
    Lives,
}

/// What a second consent gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reauthorize {
    /// The pair that is there.
    Same,
    /// A new one.
    Fresh,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            refresh: Refresh::Strict,
            old_access: OldPair::Dies,
            reauthorize: Reauthorize::Fresh,
            older_pair: OldPair::Dies,
            access_seconds: None,
            basic: Basic::Raw,
            search_lag_seconds: 0,
            async_polls: 0,
            refuse_formula_filters: true,
            computed_unsupported: false,
            name_dropped: true,
        }
    }
}

impl Switches {
    /// The mild reading: what was replaced goes on working, and what is documented works.
    pub fn documented() -> Self {
        Self {
            refresh: Refresh::Grace,
            old_access: OldPair::Lives,
            older_pair: OldPair::Lives,
            refuse_formula_filters: false,
            ..Self::default()
        }
    }

    pub(crate) fn access_life(&self) -> Option<Duration> {
        self.access_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}
