//! What becomes of a token pair that no connection waits for any more.
//! A second consent may have ended the first one's pair at Notion, so an unused pair is not simply revoked: that
//! would let a stranger's attempt end a live connection.

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

/// Settles a pair. `newer_than_live` and `newer_than_pending` say whether it was issued after the live grant's pair
/// and after another pending candidate's; `None` where there is none.
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
