//! What becomes of a grant: states, events and decisions, as plain functions of values and time.
//!
//! A refresh at Notion is destructive: it spends the refresh token and ends the access token. So it is done rarely,
//! once, and its answer is never lost. Each function here takes what is known (with `now`) and gives one decision;
//! the gateway does the effects. Nothing here waits, sends or stores, so a model checker can search it.

mod refresh;
mod settle;
mod state;

pub use refresh::{
    AfterBothRefused, AfterCommit, AfterIntrospection, AfterRefresh, AfterUnauthorized, Introspected,
    RefreshDenied, RefreshReply, Why, after_both_refused, after_commit, after_introspection,
    after_invalid_grant, after_refresh, after_unauthorized, may_refresh,
};
pub use settle::{Settlement, replaces, settle_candidate};
pub use state::{Generation, GrantFacts, GrantState, Lease};
