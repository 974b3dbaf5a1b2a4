//! View queries: what a view showed when somebody asked, kept for a quarter of an hour so that its pages do not shift.
//! Source: Notion, "Working with views" and "Create a view query" (read 2026-11-22).

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a query is kept. Source: recorded answers of July 2026.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// How many queries a bot has at once; its oldest makes room. Each is at most 160 KB (10,000 ids). No limit is
/// documented.
const KEPT_MAX: usize = 64;

/// What one query found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ViewQuery {
    pub(crate) id: Uuid,
    /// Whose it is: others do not see it.
    pub(crate) bot: Uuid,
    pub(crate) view: Uuid,
    pub(crate) expires_at: Timestamp,
    pub(crate) rows: Vec<Uuid>,
    /// Whether there were more rows than one query gives.
    pub(crate) is_cut: bool,
}

impl ViewQuery {
    /// When a query that is made now is over.
    pub(crate) fn end(now: Timestamp) -> Timestamp {
        now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX)
    }
}

/// The queries that can be paged through.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ViewQueries {
    /// Oldest first.
    kept: VecDeque<ViewQuery>,
}

impl ViewQueries {
    /// Keeps a query; those whose time is over go.
    pub(crate) fn keep(&mut self, query: ViewQuery, now: Timestamp) {
        self.kept.retain(|kept| kept.expires_at > now);
        let of_bot = self.kept.iter().filter(|kept| kept.bot == query.bot).count();
        if of_bot >= KEPT_MAX {
            let oldest = self.kept.iter().position(|kept| kept.bot == query.bot);
            oldest.map(|at| self.kept.remove(at));
        }
        self.kept.push_back(query);
    }

    /// A bot's query of a view.
    pub(crate) fn find(&self, id: Uuid, bot: Uuid, view: Uuid, now: Timestamp) -> Option<&ViewQuery> {
        let found = self.kept.iter().find(|kept| (kept.id, kept.bot, kept.view) == (id, bot, view));
        found.filter(|kept| kept.expires_at > now)
    }

    /// Drops a bot's query of a view, if it is there.
    pub(crate) fn forget(&mut self, id: Uuid, bot: Uuid, view: Uuid) {
        self.kept.retain(|kept| (kept.id, kept.bot, kept.view) != (id, bot, view));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(id: u128, bot: u128, now: Timestamp) -> ViewQuery {
        let [id, bot, view] = [id, bot, 7].map(Uuid::from_u128);
        ViewQuery { id, bot, view, expires_at: ViewQuery::end(now), rows: Vec::new(), is_cut: false }
    }

    #[test]
    fn a_bots_oldest_query_makes_room_and_no_other_bots() {
        let now = Timestamp::UNIX_EPOCH;
        let mut queries = ViewQueries::default();
        queries.keep(query(1_000, 2, now), now);
        for id in 0..=KEPT_MAX as u128 {
            queries.keep(query(id, 1, now), now);
        }
        let find = |id, bot| queries.find(Uuid::from_u128(id), Uuid::from_u128(bot), Uuid::from_u128(7), now);
        assert!(find(0, 1).is_none() && find(1, 1).is_some() && find(KEPT_MAX as u128, 1).is_some());
        assert!(find(1_000, 2).is_some() && find(1_000, 1).is_none());
    }

    #[test]
    fn a_query_is_over_on_the_minute() {
        let (start, mut queries) = (Timestamp::UNIX_EPOCH, ViewQueries::default());
        queries.keep(query(1, 1, start), start);
        let [id, view] = [1, 7].map(Uuid::from_u128);
        let at = |minutes| start + SignedDuration::from_mins(minutes);
        assert!(queries.find(id, id, view, at(14)).is_some() && queries.find(id, id, view, at(15)).is_none());
        queries.keep(query(2, 1, at(15)), at(15));
        assert_eq!(queries.kept.len(), 1, "what is over is dropped");
    }
}
