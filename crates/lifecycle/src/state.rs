//! The values that decisions are made from: a grant's state, its generation, its recent refreshes, its lease.

use jiff::Timestamp;

use crate::renewal::{LISTEN_MAX, since};

/// Counts the token pairs of a grant. It never goes back: a call made with an older one is replayed, not refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// Where a grant stands. A refresh in flight is a [`Lease`], not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantState {
    /// Both tokens are good as far as we know.
    Active,
    /// A refresh's outcome is unknown; the access token is still served while it works.
    Suspect,
    /// It cannot be refreshed any more, but the access token works.
    Degraded,
    /// Notion accepts neither token: the user must consent again.
    ReconnectNeeded,
    /// Ended by us; never revived. A later consent makes a new grant.
    Tombstone,
}

impl GrantState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Active, Self::Suspect, Self::Degraded, Self::ReconnectNeeded, Self::Tombstone];

    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspect => "suspect",
            Self::Degraded => "degraded",
            Self::ReconnectNeeded => "reconnect_needed",
            Self::Tombstone => "tombstone",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Every move that a renewal makes between states, and when: what the operators' page draws.
pub const RENEWAL_EDGES: [(GrantState, GrantState, &str); 12] = [
    (
        GrantState::Active,
        GrantState::Suspect,
        "a refresh was sent and no answer came, twice; or the process that had begun it ended",
    ),
    (
        GrantState::Active,
        GrantState::Degraded,
        "Notion refuses the refresh token and calls the access token active",
    ),
    (GrantState::Active, GrantState::ReconnectNeeded, "Notion accepts neither token"),
    (
        GrantState::Suspect,
        GrantState::Active,
        "a newer consent's pair took its place, a later refresh was answered, or the late answer came",
    ),
    (
        GrantState::Suspect,
        GrantState::Degraded,
        "the refresh token turned out to be spent; the access token works",
    ),
    (
        GrantState::Suspect,
        GrantState::ReconnectNeeded,
        "the refresh token turned out to be spent, and the access token has ended",
    ),
    (GrantState::Degraded, GrantState::Active, "a newer consent's pair took its place"),
    (GrantState::Degraded, GrantState::Suspect, "a refresh that was ordered was not answered"),
    (GrantState::Degraded, GrantState::ReconnectNeeded, "the access token has ended"),
    (
        GrantState::ReconnectNeeded,
        GrantState::Active,
        "a newer consent's pair took its place, or the late answer came",
    ),
    (
        GrantState::ReconnectNeeded,
        GrantState::Degraded,
        "a refresh that was ordered was refused; the access token works after all",
    ),
    (GrantState::ReconnectNeeded, GrantState::Suspect, "a refresh that was ordered was not answered"),
];

/// A refresh that was begun, as it stands in the record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefreshSeen {
    /// The number of its lease.
    pub epoch: u64,
    /// The generation that it would spend.
    pub generation: Generation,
    /// When it was begun.
    pub started_at: Timestamp,
    /// What came of it; `None` while it is under way, or if whoever sent it died.
    pub outcome: Option<String>,
}

impl RefreshSeen {
    /// Whether it counts against how often a grant may be refreshed: it may have spent the refresh token, or was refused for
    /// it. What was never sent, or was not processed, says nothing about the grant; and what a process died over is tried
    /// again at once, for the answer may have been lost with it.
    pub fn counts(&self) -> bool {
        !matches!(
            self.outcome.as_deref(),
            Some("not_sent" | "throttled" | "client_refused" | "fenced" | "held_back" | "failed" | "died")
        )
    }

    /// Whether whoever sent it ended before it could write down what came of it.
    pub(crate) fn has_died(&self) -> bool {
        self.outcome.as_deref() == Some("died")
    }

    /// Whether it was sent and its answer was lost.
    pub(crate) fn is_unknown(&self) -> bool {
        self.outcome.as_deref() == Some("unknown")
    }

    /// Whether what came of it tells what became of earlier ones: Notion refused the token, or the grant was told to be suspect.
    pub(crate) fn tells(&self) -> bool {
        self.is_unknown() || self.outcome.as_deref() == Some("invalid_grant")
    }

    /// Whether Notion answered that the token was traded, now or before: it is spent.
    pub(crate) fn spent(&self) -> bool {
        matches!(self.outcome.as_deref(), Some("issued" | "invalid_grant"))
    }

    /// Whether its answer may still come: it is an attempt on this generation, nobody wrote down what came of it, and it was
    /// begun less than [`LISTEN_MAX`] ago.
    pub(crate) fn is_open(&self, generation: Generation, now: Timestamp) -> bool {
        self.generation == generation
            && self.outcome.is_none()
            && since(self.started_at, now).is_some_and(|since| since < LISTEN_MAX)
    }
}

/// The right to refresh one generation, held by one node for a while.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The node.
    pub holder: String,
    /// The generation that it may spend.
    pub generation: Generation,
    /// Numbers the leases of a grant.
    pub epoch: u64,
    /// When it ends by itself. At least twice the HTTP deadline after it began.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_spent_once_notion_traded_it_or_refused_it() {
        let seen = |outcome: Option<&str>| RefreshSeen {
            epoch: 1,
            generation: Generation(1),
            started_at: Timestamp::UNIX_EPOCH,
            outcome: outcome.map(str::to_owned),
        };
        for word in ["issued", "invalid_grant"] {
            assert!(seen(Some(word)).spent(), "{word}");
        }
        for word in ["not_sent", "throttled", "fenced", "died", "unknown"] {
            assert!(!seen(Some(word)).spent(), "{word}");
        }
        assert!(!seen(None).spent());
    }

    #[test]
    fn the_operators_page_draws_every_move_and_no_other() {
        let page = include_str!("../../../docs/states.md");
        let words =
            |(from, to, when): (GrantState, GrantState, &'static str)| (from.as_str(), to.as_str(), when);
        for (from, to, when) in RENEWAL_EDGES.map(words) {
            assert!(page.contains(&format!("| `{from}` | `{to}` | {when} |")), "{from} to {to} in the table");
            assert!(page.contains(&format!("    {from} --> {to}\n")), "{from} to {to} in the picture");
        }
        let drawn = page.matches(" --> ").count();
        assert_eq!(drawn, RENEWAL_EDGES.len() + 2, "and the beginning and the end");
        for state in GrantState::ALL.iter().filter(|state| **state != GrantState::Tombstone) {
            assert!(page.contains(&format!("| `{}` |", state.as_str())), "{state:?} is explained");
        }
    }

    #[test]
    fn every_state_reads_back_from_its_word() {
        for state in GrantState::ALL {
            assert_eq!(GrantState::parse(state.as_str()), Some(state));
        }
        assert_eq!(GrantState::parse("revived"), None);
    }
}
