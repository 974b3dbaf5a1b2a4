//! What a renewal says and is told: closed lists, so that whoever drives it, or searches it, has every case before its eyes.

use std::time::Duration;

use jiff::Timestamp;

use super::GrantFacts;
use crate::{Generation, GrantState};

/// Why a refresh is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// A call made with this generation was answered 401.
    Refused401 {
        /// The generation that the call used.
        used: Generation,
    },
    /// No call was refused, but something may have ended this generation's pair: nothing is spent unless Notion says so.
    Doubted {
        /// The generation that is doubted.
        used: Generation,
    },
    /// The app asked for it.
    Forced,
    /// An earlier refresh's outcome is unknown and it is time to find out.
    Suspect,
    /// It is on record that a process began a refresh and ended before it could write down what came of it.
    Interrupted,
}

/// What Notion says of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Introspected {
    /// It is good.
    Active,
    /// It is not.
    Inactive,
    /// Notion limits our calls: ask again after this time.
    Throttled(Duration),
    /// No answer, or one that does not say.
    Unclear,
}

/// What came of sending a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefreshReply {
    /// A new pair.
    Issued {
        /// Whether bot and workspace are those of the grant, as far as the answer names them.
        same_bot: bool,
    },
    /// No connection could be made: nothing was spent.
    NotSent,
    /// 429 or 529: not processed.
    Throttled(Duration),
    /// The refresh token is not accepted.
    InvalidGrant,
    /// The client id or secret is not accepted: the operator's fault, no grant changes.
    ClientRefused,
    /// Anything else: it may have been done.
    Ambiguous,
}

/// What taking the lease gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseReply {
    /// It is ours, under this number.
    Taken(u64),
    /// It is ours, under this number, in the place of a holder that has ended: what that one sent may still be on its way.
    TakenOver(u64),
    /// Somebody else's, until then.
    Held(Timestamp),
    /// The generation is not current any more.
    Moved,
}

/// What came of a write that is conditional on the generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// It is stored.
    Done,
    /// The row is at another generation.
    Moved,
    /// The grant is gone.
    Tombstoned,
    /// Nobody knows: the store did not answer. Repeating it is safe.
    Unknown,
}

/// What to do next. All but [`Effect::Done`] are answered by the [`Input`] named at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Read the grant and its recent refreshes: [`Input::Grant`].
    Read,
    /// Ask Notion about the access token that was read: [`Input::Introspected`].
    Introspect,
    /// Ask the breaker that all grants share; `confirmed` says whether Notion itself called the token inactive:
    /// [`Input::Breaker`].
    AskBreaker {
        /// Notion called it inactive, or somebody ordered the refresh.
        confirmed: bool,
    },
    /// Take the lease on the generation that was read, and record the attempt, in one transaction: [`Input::Lease`].
    TakeLease {
        /// When it ends by itself.
        expires_at: Timestamp,
    },
    /// Send the refresh token that was read. Its answer is listened to for [`crate::LISTEN_MAX`], whoever has gone away meanwhile:
    /// [`Input::Replied`].
    Send,
    /// Store the pair that was issued, if the row is still at the generation that was spent: [`Input::Written`].
    Commit,
    /// The row moved on: keep the pair beside it, to be settled: [`Input::Kept`].
    KeepAside,
    /// Settle the pair that was kept: its grant has ended: [`Input::Kept`].
    SettleKept,
    /// Set the state, if the row is still at the generation that was read, and to give it up if no candidate came since they were
    /// read last: [`Input::Written`].
    SetState {
        /// Where the grant stands now.
        state: GrantState,
        /// Why.
        reason: &'static str,
    },
    /// Look for pairs of newer consents of the same authorization that nobody has redeemed yet, once the exchanges of consents that
    /// are on their way now have ended (five minutes at most): [`Input::Candidates`].
    ReadCandidates,
    /// Ask Notion about the access token of that candidate: [`Input::Introspected`].
    Probe {
        /// Its place in what was found.
        candidate: usize,
    },
    /// Store that candidate's pair as the grant's: [`Input::Written`].
    Adopt {
        /// Its place in what was found.
        candidate: usize,
        /// Keep the grant's own pair beside it, for nobody has said that it is dead.
        keep_own: bool,
    },
    /// Let go of the lease and write down what came of the attempt: [`Input::Released`].
    Release {
        /// For the record; [`crate::RefreshSeen::counts`] reads it.
        word: &'static str,
    },
    /// Wait until then: [`Input::Woke`].
    Wait {
        /// The time.
        until: Timestamp,
    },
    /// It is over.
    Done(Outcome),
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The driver begins.
    Begin,
    /// What was read; `None` if there is no such grant.
    Grant(Option<GrantFacts>),
    /// What Notion said of a token.
    Introspected(Introspected),
    /// Whether the breaker lets a refresh through, or how long it does not.
    Breaker(Result<(), Duration>),
    /// What taking the lease gave.
    Lease(LeaseReply),
    /// What came of sending.
    Replied(RefreshReply),
    /// What came of a conditional write.
    Written(Written),
    /// The pair is kept.
    Kept,
    /// How many candidates there are, newest first.
    Candidates(usize),
    /// The lease is let go of, or will end by itself.
    Released,
    /// The time has come.
    Woke,
    /// The effect could not be done and trying again does not help.
    Failed,
}

/// How a renewal ended; everybody who waited for it gets the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// There is a newer pair.
    Renewed,
    /// Notion calls the token good, or nothing more can be learned: a 401 is its caller's to see.
    Good,
    /// The token is so new that Notion may not know it everywhere yet: send the call again.
    TryAgain,
    /// The user must consent again.
    ReconnectNeeded,
    /// The grant was ended.
    Disconnected,
    /// It was refreshed too often.
    TooSoon(Duration),
    /// There is nothing to refresh it with.
    NoRefreshToken,
    /// The refresh token is dead and the access token works.
    RefreshRefused,
    /// Notion could not be reached; nothing was spent.
    Unreachable,
    /// Nothing was spent; try again after this time.
    Later(Duration),
    /// A refresh was sent and nobody knows what came of it.
    Unknown,
    /// Notion refuses the client id or secret.
    ClientRefused,
    /// A pair came that belongs to another bot.
    Foreign,
    /// An effect failed.
    Failed,
}
