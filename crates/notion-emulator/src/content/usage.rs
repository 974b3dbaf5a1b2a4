//! How many blocks a workspace has ever made: the free plan allows a thousand and three days' grace.
//! Source: Notion, "Workspace block limits" (autumn 2026).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Blocks that a free workspace of several members may make in its life; deleting gives none back.
const BLOCKS_MAX: u64 = 1_000;

/// How long it may go on making blocks after the last one that it was allowed.
const GRACE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What a workspace has made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) blocks: u64,
    /// When the last block that the free plan allows was made.
    full_since: Option<Timestamp>,
}

impl Usage {
    /// Counts one more.
    pub(crate) fn count(&mut self, now: Timestamp) {
        self.blocks += 1;
        if self.blocks == BLOCKS_MAX {
            self.full_since = Some(now);
        }
    }

    /// Whether the limit is reached and the grace over.
    pub(crate) fn is_full(&self, now: Timestamp) -> bool {
        self.full_since.is_some_and(|since| now.duration_since(since) >= GRACE)
    }
}
