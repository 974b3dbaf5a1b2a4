//! Which of two token pairs of one authorization is kept, and what becomes of one that no connection waits for any more.
//! A second consent may have ended the first one's pair at Notion, so an unused pair is not simply revoked: that
//! would let a stranger's attempt end a live connection. Nor does it simply replace the pair in use: a consent may be
//! redeemed after a newer one, or after a refresh, and would put a dead pair over the only good one.

use jiff::Timestamp;

use crate::GrantState;

/// Whether an unused pair belongs in the place of the live grant's: it was issued later, or neither of the grant's tokens
/// works any more, so that there is nothing to lose. In the same instant the unused pair counts as the newer one: a
/// consent is the last that was heard of the authorization.
pub fn replaces(issued_at: Timestamp, live_issued_at: Timestamp, live_state: GrantState) -> bool {
    issued_at >= live_issued_at || live_state == GrantState::ReconnectNeeded
}

/// What to do with an unused pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Make it the live grant's current pair: it is newer, and the older one may be dead.
    Adopt,
    /// Give it to another pending connection of the same authorization: it is newer than that one's.
    HandOver,
    /// Forget it: a newer pair of the same authorization is in use.
    Drop,
    /// Nothing else stands on this authorization: end it at Notion.
    Revoke,
}

/// Settles a pair. `newer_than_live` and `newer_than_pending` say whether it replaces the live grant's pair ([`replaces`])
/// and was issued after another pending candidate's; `None` where there is none.
pub fn settle_candidate(newer_than_live: Option<bool>, newer_than_pending: Option<bool>) -> Settlement {
    match (newer_than_live, newer_than_pending) {
        // A pending one is redeemed later and then becomes current: the newest pair must be there.
        (_, Some(true)) => Settlement::HandOver,
        (Some(true), None) => Settlement::Adopt,
        (Some(false), None) | (_, Some(false)) => Settlement::Drop,
        (None, None) => Settlement::Revoke,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_pair_never_takes_the_place_of_one_that_may_work() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        for state in GrantState::ALL {
            assert!(replaces(at(2), at(1), state), "{state:?}");
            assert!(replaces(at(1), at(1), state), "{state:?}");
            assert_eq!(replaces(at(1), at(2), state), state == GrantState::ReconnectNeeded, "{state:?}");
        }
    }

    #[test]
    fn an_unused_pair_is_revoked_only_if_nothing_else_stands_on_the_authorization() {
        let table = [
            (None, None, Settlement::Revoke),
            (Some(true), None, Settlement::Adopt),
            (Some(false), None, Settlement::Drop),
            (None, Some(true), Settlement::HandOver),
            (None, Some(false), Settlement::Drop),
            (Some(true), Some(true), Settlement::HandOver),
            (Some(true), Some(false), Settlement::Drop),
        ];
        for (live, pending, expected) in table {
            assert_eq!(settle_candidate(live, pending), expected, "{live:?} {pending:?}");
        }
    }
}
