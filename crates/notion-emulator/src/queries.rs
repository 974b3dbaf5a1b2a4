//! Queries that somebody pages through: which rows were found, in order, when the first page was asked for. Rows made
//! later are not among them, rows deleted since are passed over, and an edit moves none, so pages neither skip nor repeat.
//! Since spring 2026 Notion's cursors hold for one run of a query only, which this gives too.

use std::collections::VecDeque;

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
    /// Oldest first, each under an id whose last 32 bits are free for a place.
    kept: VecDeque<(Uuid, Found)>,
}

/// The part of a cursor that says where to go on.
const PLACE: u128 = 0xffff_ffff;

impl Queries {
    /// Keeps a query. `id` is a fresh one.
    pub(crate) fn keep(&mut self, id: Uuid, found: Found) -> Uuid {
        let id = Uuid::from_u128(id.as_u128() & !PLACE);
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((id, found));
        id
    }

    /// The query that a cursor belongs to, and the place to go on at.
    pub(crate) fn find(&self, cursor: Uuid) -> Option<(Uuid, &Found, usize)> {
        let id = Uuid::from_u128(cursor.as_u128() & !PLACE);
        let (_, found) = self.kept.iter().find(|(kept, _)| *kept == id)?;
        Some((id, found, usize::try_from(cursor.as_u128() & PLACE).ok()?))
    }

    /// The cursor for a place in a query.
    pub(crate) fn cursor(id: Uuid, place: usize) -> Uuid {
        Uuid::from_u128(id.as_u128() | place as u128 & PLACE)
    }
}
