//! Named places on a token pair's way where a test build can be told to stop itself, so that a harness kills it there, or lets
//! it go on after the clock has gone on. `docs/failpoints.md` lists them, `tests/node/failpoints.test.js` goes through all.
//!
//! [`hit`] is empty unless the feature `on` is: a build without it has neither the names nor a branch.

#[cfg(feature = "on")]
mod armed;

#[cfg(feature = "on")]
pub use armed::arm;

macro_rules! points {
    ($($point:ident $name:literal $what:literal)*) => {
        /// A place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $(#[doc = $what] $point,)*
        }

        impl Point {
            /// Each with its name.
            pub const ALL: &[(Self, &str)] = &[$((Self::$point, $name),)*];
        }
    };
}

// A name ends in `written` where a transaction has done its work and is not committed.
points! {
    CallbackTaken "callback.taken" "the attempt is spent; nothing else is written of the callback"
    ExchangeUnsent "exchange.unsent" "before Notion's code is sent"
    ExchangeAnswered "exchange.answered" "the answer to the exchange is read; nothing of it is sealed"
    ArrivalWritten "arrival.written" "the consent's pair, its connection and our code"
    ArrivalSaved "arrival.saved" "the consent's pair is stored; the browser is not answered"
    RedeemFound "redeem.found" "our code is found and good"
    RedeemAsked "redeem.asked" "it is known which pair lives; nothing is activated"
    ActivationWritten "activation.written" "the grant, its connection and the spent code"
    RedeemActivated "redeem.activated" "the connection is live; the app is not answered"
    RefreshUnleased "refresh.unleased" "before the lease is taken"
    LeaseWritten "lease.written" "the lease and the attempt"
    RefreshLeased "refresh.leased" "the lease and the attempt are on record"
    RefreshUnsent "refresh.unsent" "before the refresh token is sent"
    AnswerHead "answer.head" "the head of Notion's answer to a call of our own is there, its body unread"
    AnswerRead "answer.read" "Notion's answer to a call of our own is read whole"
    RefreshSealed "refresh.sealed" "the new pair is sealed; the store was not asked"
    RefreshWritten "refresh.written" "the new pair"
    RefreshCommitted "refresh.committed" "the new pair is stored; the lease is held"
    RefreshReleased "refresh.released" "the lease is let go of; nobody is answered"
    RefreshDenied "refresh.denied" "Notion refused the refresh token; nothing is read again"
    StateWritten "state.written" "the grant's state"
    PairSealed "pair.sealed" "a pair without a place is sealed, to be kept aside"
    CandidateWritten "candidate.written" "a pair that is kept aside"
    PairKept "pair.kept" "a pair is kept aside; nobody has settled it"
    SettleAsked "settle.asked" "Notion said which of two pairs lives; nothing is done about it"
    AdoptionWritten "adoption.written" "a kept pair in its grant's place"
    RevokeUnsent "revoke.unsent" "before an authorization is ended at Notion"
    RevokeAnswered "revoke.answered" "it is ended at Notion; the store does not know"
    DestroyWritten "destroy.written" "a tombstone without its data key"
    Destroyed "destroy.done" "a tombstone's data key is destroyed"
    DisconnectWritten "disconnect.written" "a connection that ended, and its tombstone"
    DisconnectStored "disconnect.stored" "the tombstone is stored; nothing is revoked"
    ImportVerified "import.verified" "Notion knows the imported pair; it is not stored"
    ImportWritten "import.written" "an imported connection"
    ImportStored "import.stored" "an imported connection is stored; nobody is told"
    KeyWritten "key.written" "a key"
    KeyStored "key.stored" "a key is stored; it was not shown"
    FeedCommitted "feed.committed" "a change is stored; what is remembered of it is not forgotten"
    FeedRead "feed.read" "another process's changes are read and not applied"
    ShutdownClosed "shutdown.closed" "no call is taken any more; work may be under way"
    ShutdownDrained "shutdown.drained" "all work has ended; the store is open"
}

/// Stops the process here if it was told to. It goes on when somebody lets it.
#[cfg(feature = "on")]
pub fn hit(point: Point) {
    armed::hit(point);
}

/// Nothing: this build was not made to stop.
#[cfg(not(feature = "on"))]
#[inline]
pub fn hit(_point: Point) {}
