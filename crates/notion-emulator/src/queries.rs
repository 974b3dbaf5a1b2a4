//! Queries that somebody pages through: which rows were found, in order, when the first page was asked for. Rows made
//! later are not among them, rows deleted since are passed over, and an edit moves none, so pages neither skip nor repeat.
//! Since spring 2026 Notion's cursors hold for one run of a query only, which this gives too.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many queries are kept; the oldest makes room. Each is at most 160 KB (10,000 ids).
const KEPT_MAX: usize = 64;

/// What one query found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Who may go on with it, and with what.
    pub(crate) bot: Uuid,
    pub(crate) source: Uuid,
    pub(crate) trash: bool,
    pub(crate) rows: Vec<Uuid>,
    /// Whether there were more rows than one query gives.
    pub(crate) is_cut: bool,
}

/// The queries that can be gone on with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Queries {
    /// Oldest first, each under an id.
    kept: VecDeque<(Uuid, Found)>,
}

/// A place in a query, as answers name it: `s:<query>:<the row that comes next>`. Source: a recorded answer of June 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) query: Uuid,
    pub(crate) row: Uuid,
}

impl Cursor {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (query, row) = text.strip_prefix("s:")?.split_once(':')?;
        Some(Self { query: query.parse().ok()?, row: row.parse().ok()? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s:{}:{}", self.query, self.row)
    }
}

impl Queries {
    /// Keeps a query under a fresh id.
    pub(crate) fn keep(&mut self, id: Uuid, found: Found) {
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((id, found));
    }

    /// The query that a cursor belongs to, and the place to go on at.
    pub(crate) fn find(&self, cursor: Cursor) -> Option<(&Found, usize)> {
        let (_, found) = self.kept.iter().find(|(kept, _)| *kept == cursor.query)?;
        Some((found, found.rows.iter().position(|row| *row == cursor.row)?))
    }
}
