//! The refresh protocol searched: the very machines of `lifecycle`, and the very decisions of `lifecycle::rows` that the store
//! makes, in a small world where everything goes wrong that may. Up to three processes share one store and one Notion; any of
//! them is killed or stands still at any step, requests and answers are lost, commits are answered by nobody, people consent
//! again and disconnect. After every step the laws in `laws.rs` must hold; `docs/model.md` says what is in it and what is not.

mod flows;
mod laws;
mod notion;
mod store;
mod world;

pub use notion::{Kind, Notion, PairId, Refreshing, Refused};
pub use world::{Action, Budget, Lane, Luck, Scope, World};

/// What the protocol must not be. Each is tried in the world's place of the rule that forbids it, and must be caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// A refreshed pair is stored whatever generation the row is at.
    LastWriterWins,
    /// A refreshed pair is stored only under the lease that it was sent under; who lost the lease drops it.
    LeaseInCondition,
    /// A refused refresh token ends the grant at once.
    InvalidGrantIsFinal,
    /// A new access token is used before it is stored.
    UsedBeforeDurable,
    /// A consent that nobody redeemed is ended at Notion without a look at what else stands there.
    UnredeemedIsRevoked,
    /// Which of two pairs lives is read off the time at which they came.
    NewestByClock,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LastWriterWins,
        Self::LeaseInCondition,
        Self::InvalidGrantIsFinal,
        Self::UsedBeforeDurable,
        Self::UnredeemedIsRevoked,
        Self::NewestByClock,
    ];
}
