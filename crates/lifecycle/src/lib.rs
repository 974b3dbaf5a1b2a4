//! What becomes of a grant: states, and the protocols that move it between them, as values that are driven.
//!
//! A refresh at Notion is destructive: it spends the refresh token and ends the access token. So it is done rarely,
//! once, and its answer is never lost. [`Renewal`] is that protocol: it is told what came of one effect and says the next.
//! [`Breaker`] keeps many grants from being refreshed on a guess; [`Settlement`] and [`Redemption`] find out which of two
//! pairs of one authorization lives; [`rows`] is what a store decides by, inside its transactions. Nothing here waits, sends or stores, so a model checker can search it.

mod breaker;
mod renewal;
mod rivals;
pub mod rows;
mod state;

pub use breaker::{Breaker, Trouble};
pub use renewal::{
    Effect, GrantFacts, Input, Introspected, LEASE_LIFE, LISTEN_MAX, LeaseReply, Outcome, RefreshReply,
    Renewal, Why, Written,
};
pub use rivals::{Footing, RedeemEffect, Redemption, Rival, SettleEffect, Settlement};
pub use state::{Generation, GrantState, Lease, RENEWAL_EDGES, RefreshSeen};
