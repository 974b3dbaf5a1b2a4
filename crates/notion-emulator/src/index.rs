//! What search knows when its index lags behind: for each bot what it could find, as it was so many seconds ago by the
//! emulator's clock. Direct reads never come here. Kept only while the switch is on: every write is then compared with
//! what was there before.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::state::State;
use crate::{api, callers};

/// How many changes wait at most; beyond it the oldest show early. Enough for a test, and some tens of megabytes.
const CHANGES_MAX: usize = 100_000;

/// One page or data source, as search finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) title: String,
    pub(crate) edited_at: Timestamp,
    pub(crate) in_trash: bool,
    pub(crate) is_table: bool,
    /// A data source that was thrown away by itself, out of a database that is there.
    pub(crate) is_alone_in_trash: bool,
}

/// What a bot can find, by id.
pub(crate) type Findable = HashMap<Uuid, Hit>;

/// The index, and what has not reached it yet.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Index {
    shown: HashMap<Uuid, Findable>,
    waiting: VecDeque<Change>,
    latest: HashMap<Uuid, Findable>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Change {
    at: Timestamp,
    bot: Uuid,
    id: Uuid,
    /// `None` when it is gone, or shared no more.
    hit: Option<Hit>,
}

impl Index {
    /// Notes what differs from before.
    fn note(&mut self, now: Timestamp, latest: HashMap<Uuid, Findable>) {
        let nothing = Findable::new();
        for bot in latest.keys().chain(self.latest.keys().filter(|bot| !latest.contains_key(bot))) {
            let (before, after) =
                (self.latest.get(bot).unwrap_or(&nothing), latest.get(bot).unwrap_or(&nothing));
            let changed = after.iter().filter(|(id, hit)| before.get(*id) != Some(*hit));
            let changed = changed.map(|(id, hit)| (*id, Some(hit.clone())));
            let gone = before.keys().filter(|id| !after.contains_key(*id)).map(|id| (*id, None));
            let change = |(id, hit)| Change { at: now, bot: *bot, id, hit };
            self.waiting.extend(changed.chain(gone).map(change));
        }
        self.latest = latest;
        while self.waiting.len() > CHANGES_MAX {
            self.show_next();
        }
    }

    /// What a bot finds in an index that knows everything up to `until`.
    pub(crate) fn seen_by(&mut self, bot: Uuid, until: Timestamp) -> Findable {
        while self.waiting.front().is_some_and(|change| change.at <= until) {
            self.show_next();
        }
        self.shown.get(&bot).cloned().unwrap_or_default()
    }

    fn show_next(&mut self) {
        let Some(change) = self.waiting.pop_front() else { return };
        let shown = self.shown.entry(change.bot).or_default();
        match change.hit {
            Some(hit) => shown.insert(change.id, hit),
            None => shown.remove(&change.id),
        };
    }
}

impl State {
    /// Brings the index up to date, or drops it when it does not lag. To be called after whatever may change content or
    /// sharing.
    pub(crate) fn note_index(&mut self) {
        if self.switches.search_lag_seconds == 0 {
            self.index = None;
            return;
        }
        let mut latest = HashMap::new();
        for caller in callers::all(self) {
            latest.insert(caller.bot_id, api::findable(self, &caller));
        }
        let now = self.clock.now();
        match &mut self.index {
            Some(index) => index.note(now, latest),
            None => self.index = Some(Index { shown: latest.clone(), latest, ..Index::default() }),
        }
    }

    /// What the index knows of what a bot can find, if it lags.
    pub(crate) fn indexed(&mut self, bot: Uuid) -> Option<Findable> {
        let lag = Duration::from_secs(self.switches.search_lag_seconds.into());
        let until = self.clock.now().checked_sub(lag).unwrap_or(Timestamp::MIN);
        Some(self.index.as_mut()?.seen_by(bot, until))
    }
}
