//! What a write comes to, where codes, attempts, sessions and connections decide it; `lifecycle::rows` holds what grants and
//! their pairs decide. Every backend loads the rows inside its transaction, asks here, and applies: no SQL, no I/O.

use jiff::Timestamp;
use sealing::Sha256;

use crate::records::{Attempt, AttemptOutcome, ConnectSession, ConnectionStage};
use crate::{ArrivalSaved, AttemptStart, Chosen, Imported};

/// Whether an attempt of the session door may begin: while its session is open and has had few enough.
pub fn start(
    session: Option<&ConnectSession>,
    attempts_before: usize,
    attempts_max: usize,
    now: Timestamp,
) -> AttemptStart {
    match session {
        Some(session) if session.spent_at.is_some() => AttemptStart::SessionSpent,
        Some(session) if session.expires_at <= now => AttemptStart::SessionExpired,
        None => AttemptStart::SessionExpired,
        Some(_) if attempts_before >= attempts_max => AttemptStart::TooMany,
        Some(_) => AttemptStart::Started,
    }
}

/// What taking an attempt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// It was spent before. That is so for everybody: a reload comes without the cookie, which ended with the attempt.
    Spent,
    /// None of the cookies is its own: nothing is spent, and nothing told.
    WrongBrowser,
    /// It is spent now, too late.
    Expired,
    /// It is spent now.
    Taken,
}

/// Whether a browser with these cookies takes the attempt.
pub fn take(attempt: &Attempt, cookies: &[Sha256], now: Timestamp) -> Taking {
    let own = |cookie: &Sha256| sealing::equal(cookie.as_bytes(), attempt.cookie_sha256.as_bytes());
    if attempt.consumed_at.is_some() {
        Taking::Spent
    } else if !cookies.iter().any(own) {
        Taking::WrongBrowser
    } else if attempt.expires_at <= now {
        Taking::Expired
    } else {
        Taking::Taken
    }
}

/// What saving an arrival comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arriving {
    /// Save all of it.
    Save,
    /// Keep the pair alone, due at once: another attempt of the session came first.
    Supersede,
    /// An earlier try, whose answer was lost, did this. What it saved may have been redeemed, refused or settled by now.
    Again(ArrivalSaved),
}

/// What becomes of an arrival that would make `connection_id`, by what is on record of its attempt. `session_spent` is of the
/// session door alone.
pub fn arrive(attempt: &Attempt, session_spent: bool, connection_id: &str) -> Arriving {
    if attempt.connection_id.as_deref() == Some(connection_id) {
        return Arriving::Again(ArrivalSaved::Saved);
    }
    match attempt.outcome {
        // A healed connection has another id than the one that was pending.
        AttemptOutcome::Returned | AttemptOutcome::Connected => Arriving::Again(ArrivalSaved::Saved),
        AttemptOutcome::Superseded => Arriving::Again(ArrivalSaved::Superseded),
        _ if session_spent => Arriving::Supersede,
        _ => Arriving::Save,
    }
}

/// Whether a connection may become live by a redemption: it has not ended, and an older one that was `chosen` is still as it was
/// then. `found`: whether it has ended, and how it is now.
pub fn may_live(found: Option<&(bool, Chosen)>, chosen: Option<&Chosen>) -> bool {
    found.is_some_and(|(ended, now)| !ended && chosen.is_none_or(|chosen| chosen == now))
}

/// What disconnecting comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// There is none such.
    Unknown,
    /// It was ended before.
    Already,
    /// It is pending: it goes, its code opens nothing, its candidate is due.
    Refuse,
    /// It ends.
    End {
        /// The grant becomes a tombstone with it: no other connection stands there.
        with_grant: bool,
    },
}

/// What disconnecting a connection comes to. A stage that does not read is one that can be ended. `others`: how many
/// more connections that were not ended stand on the same grant.
pub fn disconnect(stage: Option<Option<ConnectionStage>>, others: usize) -> Ending {
    match stage {
        None => Ending::Unknown,
        Some(Some(ConnectionStage::Disconnected)) => Ending::Already,
        Some(Some(ConnectionStage::Pending)) => Ending::Refuse,
        Some(_) => Ending::End { with_grant: others == 0 },
    }
}

/// What importing a pair as `grant_id` comes to: a live grant of the same identity keeps its own pair. Without one a revocation that
/// is on its way may be that of the pair's own authorization.
pub fn import(live: Option<&str>, grant_id: &str, revoking_until: Option<Timestamp>) -> Imported {
    match live {
        None => revoking_until.map_or(Imported::Created, Imported::Wait),
        // By an earlier try.
        Some(live) if live == grant_id => Imported::Created,
        Some(_) => Imported::KeptNewer,
    }
}
