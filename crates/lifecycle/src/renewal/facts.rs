//! What a renewal is decided on, and what follows from the record of earlier ones.

use jiff::Timestamp;

use crate::{Generation, GrantState, RefreshSeen};

/// What is known of a grant, read in one go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GrantFacts {
    /// Where it stands.
    pub state: GrantState,
    /// The current pair's number.
    pub generation: Generation,
    /// When the current pair was issued.
    pub issued_at: Timestamp,
    /// Whether the current pair has a refresh token.
    pub refreshable: bool,
    /// Until when somebody's refresh holds the lease, if one does.
    pub leased_until: Option<Timestamp>,
    /// The newest refreshes that were begun in the last hour or would spend the current generation, in any order.
    pub refreshes: Vec<RefreshSeen>,
}

impl GrantFacts {
    /// Whether the current refresh token was traded already, though the row did not move on: sent again it might end more than
    /// itself.
    pub fn is_spent(&self) -> bool {
        self.of_this_generation().any(RefreshSeen::spent)
    }

    /// Whether a process ended in the middle of a refresh of the current generation, and nothing was learnt since.
    pub(super) fn is_interrupted(&self) -> bool {
        let newest = |which: fn(&RefreshSeen) -> bool| {
            self.of_this_generation().filter(|seen| which(seen)).map(|seen| seen.epoch).max()
        };
        newest(RefreshSeen::has_died) > newest(RefreshSeen::tells)
    }

    /// Whether the answer to a refresh of the current generation was lost, by us or with the process that waited for it.
    pub(super) fn lost_an_answer(&self) -> bool {
        self.of_this_generation().any(|seen| seen.has_died() || seen.is_unknown())
    }

    fn of_this_generation(&self) -> impl Iterator<Item = &RefreshSeen> {
        self.refreshes.iter().filter(|seen| seen.generation == self.generation)
    }

    /// Whether an answer to a refresh of the current generation may still come, apart from the one under our own lease.
    pub fn has_open_refresh(&self, ours: Option<u64>, now: Timestamp) -> bool {
        let mut others = self.refreshes.iter().filter(|seen| Some(seen.epoch) != ours);
        others.any(|seen| seen.is_open(self.generation, now))
    }
}
