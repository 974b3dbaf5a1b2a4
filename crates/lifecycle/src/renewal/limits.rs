//! How often and how soon a grant may be refreshed, and how long an open attempt counts.

use std::time::Duration;

use jiff::Timestamp;

use super::GrantFacts;

/// At most one refresh in this time, unless it is forced.
const SPACING: Duration = Duration::from_mins(1);
/// At most this many refreshes in an hour, unless forced.
const PER_HOUR: usize = 5;
const HOUR: Duration = Duration::from_hours(1);
/// How long an answer to a refresh is listened to: far longer than anybody who called will wait, for it may hold the only
/// pair there is.
pub const LISTEN_MAX: Duration = Duration::from_mins(5);
/// How long after it was issued a token may be unknown in some corner of Notion.
const NEW_FOR: Duration = Duration::from_secs(10);
/// A refresh whose outcome is unknown is looked into after these times, the last one again and again.
const SUSPECT_WAITS: [Duration; 3] =
    [Duration::from_secs(30), Duration::from_mins(2), Duration::from_mins(10)];

/// `at` and `by`; the end of time if that is beyond it.
pub(crate) fn after(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long ago that was; `None` for what is dated after now: it was written before the clock was set back.
pub(crate) fn since(at: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(at)).ok()
}

/// Whether the current pair was issued a moment ago.
pub(super) fn is_new(facts: &GrantFacts, now: Timestamp) -> bool {
    since(facts.issued_at, now).is_some_and(|since| since < NEW_FOR)
}

/// At most one refresh a minute and five an hour, so that an account that is broken for another reason does not burn through
/// its tokens. Only those count that may have spent something. Otherwise how long to wait.
pub(super) fn may_refresh(facts: &GrantFacts, now: Timestamp) -> Result<(), Duration> {
    let recent: Vec<Duration> = facts
        .refreshes
        .iter()
        .filter(|seen| seen.counts())
        .filter_map(|seen| since(seen.started_at, now))
        .filter(|since| *since < HOUR)
        .collect();
    let waits = [
        recent.iter().min().and_then(|last| SPACING.checked_sub(*last)),
        (recent.len() >= PER_HOUR)
            .then(|| recent.iter().max().map_or(HOUR, |first| HOUR.saturating_sub(*first))),
    ];
    match waits.into_iter().flatten().max() {
        Some(wait) if !wait.is_zero() => Err(wait),
        _ => Ok(()),
    }
}

/// When a suspect grant is looked into next.
pub(super) struct SuspectWait {
    due: Option<Timestamp>,
}

impl SuspectWait {
    /// By the refreshes of the current generation that may have spent its token: the more there were, the longer the wait.
    pub(super) fn of(facts: &GrantFacts) -> Self {
        let sent = facts.refreshes.iter().filter(|seen| seen.generation == facts.generation);
        let sent: Vec<Timestamp> = sent.filter(|seen| seen.counts()).map(|seen| seen.started_at).collect();
        let wait = SUSPECT_WAITS[sent.len().clamp(1, SUSPECT_WAITS.len()) - 1];
        Self { due: sent.into_iter().max().map(|last| after(last, wait)) }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.due.is_none_or(|due| due <= now)
    }
}
