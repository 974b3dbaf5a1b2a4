//! The refresh protocol, decision by decision, in the order in which a refused call meets them.
//! The full protocol (resending an ambiguous refresh, probing a suspect grant, trying candidates) hangs on
//! [`after_refresh`]; what it does not do yet is to leave `TryLater`.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Generation, GrantFacts, GrantState};

/// At most one refresh in this time, unless it is forced.
const SPACING: Duration = Duration::from_mins(1);
/// At most this many refreshes in an hour, unless forced.
const PER_HOUR: usize = 5;
const HOUR: Duration = Duration::from_hours(1);

/// Why a refresh is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A call made with this generation was answered 401.
    Refused401 {
        /// The generation that the call used.
        used: Generation,
    },
    /// The app asked for it.
    Forced,
}

/// What to do when a call was answered 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterUnauthorized {
    /// A newer pair is there already: send the call again with it.
    Replay,
    /// Ask Notion whether the token is active before anything destructive.
    Introspect,
    /// Nothing can be done: the caller sees the 401.
    PassOn,
}

/// A 401 counts against the generation that it was made with: an older one says nothing about the current pair.
pub fn after_unauthorized(used: Generation, facts: &GrantFacts) -> AfterUnauthorized {
    match facts.state {
        GrantState::ReconnectNeeded | GrantState::Tombstone => AfterUnauthorized::PassOn,
        _ if facts.generation > used => AfterUnauthorized::Replay,
        GrantState::Active | GrantState::Suspect | GrantState::Degraded => AfterUnauthorized::Introspect,
    }
}

/// What Notion says of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introspected {
    /// It is good.
    Active,
    /// It is not.
    Inactive,
    /// No answer, or one that does not say.
    Unclear,
}

/// What to do with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterIntrospection {
    /// The token is good, or nobody knows: the 401 is the caller's to see.
    PassOn,
    /// Ask once more.
    AskAgain,
    /// Refresh.
    Refresh,
    /// Neither token can work any more.
    ReconnectNeeded(&'static str),
}

/// Refresh only what Notion itself calls inactive, or refuses with 401 and twice will not speak of; a grant without a
/// refresh token that works has nothing to try.
pub fn after_introspection(
    answer: Introspected,
    asked_before: bool,
    facts: &GrantFacts,
) -> AfterIntrospection {
    match (answer, facts.state) {
        (Introspected::Active, _) | (_, GrantState::ReconnectNeeded | GrantState::Tombstone) => {
            AfterIntrospection::PassOn
        }
        (Introspected::Unclear, _) if !asked_before => AfterIntrospection::AskAgain,
        (Introspected::Unclear, GrantState::Degraded) => AfterIntrospection::PassOn,
        (Introspected::Unclear, _) => AfterIntrospection::Refresh,
        (Introspected::Inactive, GrantState::Degraded) => AfterIntrospection::ReconnectNeeded(
            "the access token ended and the refresh token was refused before",
        ),
        (Introspected::Inactive, _) => AfterIntrospection::Refresh,
    }
}

/// A refresh must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshDenied {
    /// How long.
    pub retry_after: Duration,
}

/// At most one refresh a minute and five an hour, so that an account that is broken for another reason does not
/// burn through its tokens. Forcing it is the app's own decision.
pub fn may_refresh(facts: &GrantFacts, now: Timestamp, why: &Why) -> Result<(), RefreshDenied> {
    if matches!(why, Why::Forced) {
        return Ok(());
    }
    // A refresh that is dated after now was written before the clock was set back: it says nothing.
    let since = |at: &Timestamp| Duration::try_from(now.duration_since(*at)).ok();
    let recent: Vec<Duration> =
        facts.refreshes.iter().filter_map(since).filter(|since| *since < HOUR).collect();
    let waits = [
        recent.iter().min().and_then(|last| SPACING.checked_sub(*last)),
        (recent.len() >= PER_HOUR)
            .then(|| recent.iter().max().map_or(HOUR, |first| HOUR.saturating_sub(*first))),
    ];
    match waits.into_iter().flatten().max() {
        Some(retry_after) if !retry_after.is_zero() => Err(RefreshDenied { retry_after }),
        _ => Ok(()),
    }
}

/// What came of sending a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshReply {
    /// A new pair.
    Issued {
        /// Whether bot and workspace are those of the grant.
        same_bot: bool,
    },
    /// Nothing was sent, or it was answered 429 or 529: nothing was spent.
    NotProcessed,
    /// The refresh token is not accepted.
    InvalidGrant,
    /// The client id or secret is not accepted: the operator's fault, no grant changes.
    ClientRefused,
    /// Anything else: it may have been done.
    Ambiguous,
}

/// What to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRefresh {
    /// Make the pair durable, then use it.
    Commit,
    /// Not terminal by itself: ask whether the access token still works.
    Introspect,
    /// Raise the alarm; change nothing.
    OperatorFault,
    /// Change nothing; the next refused call tries again.
    TryLater,
}

/// Only a pair for the same bot and workspace is ever stored.
pub fn after_refresh(reply: RefreshReply) -> AfterRefresh {
    match reply {
        RefreshReply::Issued { same_bot: true } => AfterRefresh::Commit,
        RefreshReply::InvalidGrant => AfterRefresh::Introspect,
        RefreshReply::ClientRefused => AfterRefresh::OperatorFault,
        RefreshReply::NotProcessed | RefreshReply::Ambiguous | RefreshReply::Issued { same_bot: false } => {
            AfterRefresh::TryLater
        }
    }
}

/// The state of a grant whose refresh token was refused: it lives on its access token while that works.
pub fn after_invalid_grant(access_token: Introspected, facts: &GrantFacts) -> GrantState {
    match access_token {
        // What has ended stays ended.
        _ if matches!(facts.state, GrantState::ReconnectNeeded | GrantState::Tombstone) => facts.state,
        Introspected::Active => GrantState::Degraded,
        Introspected::Inactive => GrantState::ReconnectNeeded,
        Introspected::Unclear => facts.state,
    }
}

/// What to do when Notion accepts neither token of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterBothRefused {
    /// A newer consent of the same person, not redeemed yet, has ended them: go on with its pair.
    TakeCandidate,
    /// The user must consent again.
    ReconnectNeeded,
}

/// `newest` is when the newest unused pair of the same authorization was issued, if there is one. A link that somebody
/// finishes must never end a connection that is there already.
pub fn after_both_refused(newest: Option<Timestamp>, issued_at: Timestamp) -> AfterBothRefused {
    match newest {
        Some(newest) if newest > issued_at => AfterBothRefused::TakeCandidate,
        _ => AfterBothRefused::ReconnectNeeded,
    }
}

/// What to do once the store answered the commit of a refreshed pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCommit {
    /// It is durable: use it.
    Use,
    /// The row moved on meanwhile: keep the pair to be settled, for it may be the newest.
    KeepAsCandidate,
    /// The grant was ended meanwhile: nothing may be stored for it. The pair is kept until it is settled, which revokes
    /// it unless a newer consent stands on the same authorization.
    Settle,
}

/// The condition of the commit is the generation that was **spent**, never the lease: a stalled holder may own the
/// only valid pair.
pub fn after_commit(committed: bool, tombstoned: bool) -> AfterCommit {
    match (committed, tombstoned) {
        (true, _) => AfterCommit::Use,
        (false, true) => AfterCommit::Settle,
        (false, false) => AfterCommit::KeepAsCandidate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn facts(state: GrantState, generation: u64, refreshed_seconds_ago: &[i64]) -> GrantFacts {
        let ago = |seconds: &i64| Timestamp::from_second(NOW.as_second() - seconds).unwrap();
        GrantFacts {
            state,
            generation: Generation(generation),
            refreshes: refreshed_seconds_ago.iter().map(ago).collect(),
        }
    }

    #[test]
    fn a_401_on_an_older_generation_is_replayed_and_never_refreshed() {
        let decide = |used, state| after_unauthorized(Generation(used), &facts(state, 3, &[]));
        assert_eq!(decide(2, GrantState::Active), AfterUnauthorized::Replay);
        assert_eq!(decide(3, GrantState::Active), AfterUnauthorized::Introspect);
        assert_eq!(decide(3, GrantState::Degraded), AfterUnauthorized::Introspect);
        assert_eq!(decide(2, GrantState::Tombstone), AfterUnauthorized::PassOn);
        assert_eq!(decide(3, GrantState::ReconnectNeeded), AfterUnauthorized::PassOn);
    }

    #[test]
    fn only_what_notion_calls_inactive_or_twice_will_not_speak_of_is_refreshed() {
        let decide = |answer, state| after_introspection(answer, false, &facts(state, 1, &[]));
        let again = |answer, state| after_introspection(answer, true, &facts(state, 1, &[]));
        assert_eq!(again(Introspected::Unclear, GrantState::Active), AfterIntrospection::Refresh);
        assert_eq!(again(Introspected::Unclear, GrantState::Degraded), AfterIntrospection::PassOn);
        assert_eq!(again(Introspected::Active, GrantState::Active), AfterIntrospection::PassOn);
        assert_eq!(decide(Introspected::Active, GrantState::Active), AfterIntrospection::PassOn);
        assert_eq!(decide(Introspected::Unclear, GrantState::Active), AfterIntrospection::AskAgain);
        assert_eq!(decide(Introspected::Inactive, GrantState::Active), AfterIntrospection::Refresh);
        assert!(matches!(
            decide(Introspected::Inactive, GrantState::Degraded),
            AfterIntrospection::ReconnectNeeded(_)
        ));
    }

    #[test]
    fn refreshes_are_one_a_minute_and_five_an_hour_unless_forced() {
        let why = Why::Refused401 { used: Generation(1) };
        let wait = |ago: &[i64], why| {
            may_refresh(&facts(GrantState::Active, 1, ago), NOW, &why).err().map(|d| d.retry_after.as_secs())
        };
        assert_eq!(wait(&[], why), None);
        assert_eq!(wait(&[59], why), Some(1));
        assert_eq!(wait(&[60], why), None);
        assert_eq!(wait(&[3000, 2000, 1000, 500, 100], why), Some(600));
        assert_eq!(wait(&[3600, 2000, 1000, 500, 100], why), None);
        assert_eq!(wait(&[1, 2, 3, 4, 5], Why::Forced), None);
        assert_eq!(wait(&[-90], why), None, "the clock was set back");
    }

    #[test]
    fn a_foreign_bots_pair_is_never_committed() {
        assert_eq!(after_refresh(RefreshReply::Issued { same_bot: true }), AfterRefresh::Commit);
        assert_eq!(after_refresh(RefreshReply::Issued { same_bot: false }), AfterRefresh::TryLater);
    }

    #[test]
    fn a_refused_refresh_token_ends_nothing_while_the_access_token_works() {
        let decide = |answer| after_invalid_grant(answer, &facts(GrantState::Active, 1, &[]));
        assert_eq!(decide(Introspected::Active), GrantState::Degraded);
        assert_eq!(decide(Introspected::Inactive), GrantState::ReconnectNeeded);
        assert_eq!(decide(Introspected::Unclear), GrantState::Active);
        let ended = facts(GrantState::Tombstone, 1, &[]);
        assert_eq!(after_invalid_grant(Introspected::Active, &ended), GrantState::Tombstone);
    }

    #[test]
    fn a_newer_consent_that_waits_keeps_a_connection_from_being_given_up() {
        let at = |second: i64| Timestamp::from_second(NOW.as_second() + second).unwrap();
        assert_eq!(after_both_refused(Some(at(1)), at(0)), AfterBothRefused::TakeCandidate);
        assert_eq!(after_both_refused(Some(at(0)), at(0)), AfterBothRefused::ReconnectNeeded, "it was taken");
        assert_eq!(after_both_refused(None, at(0)), AfterBothRefused::ReconnectNeeded);
    }

    #[test]
    fn a_pair_whose_row_moved_on_is_kept_and_one_for_a_tombstone_is_settled() {
        assert_eq!(after_commit(true, false), AfterCommit::Use);
        assert_eq!(after_commit(false, false), AfterCommit::KeepAsCandidate);
        assert_eq!(after_commit(false, true), AfterCommit::Settle);
    }
}
