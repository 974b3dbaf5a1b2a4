//! What is answered to whoever wants a turn at Notion, an exchange or a revocation, and what an erasure leaves to be revoked.

use jiff::Timestamp;

use crate::records::{Candidate, Profile};

/// What [`crate::Store::begin_exchange`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeStart {
    /// It may be sent.
    Begun,
    /// A revocation is on its way, until then at the latest. The exchange is on record: no further revocation begins.
    Wait(Timestamp),
    /// The attempt is gone: its user was erased.
    Gone,
}

/// A revocation about to be sent.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// `rev_` and 32 hex digits.
    pub id: String,
    /// The integration's client id.
    pub client_id: String,
    /// Whose authorization.
    pub profile: Profile,
    /// Now.
    pub now: Timestamp,
    /// When it is over at the latest.
    pub ends_at: Timestamp,
}

/// What [`crate::Store::begin_revocation`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationStart {
    /// It may be sent.
    Begun,
    /// An exchange is on its way that may bring a pair of the same authorization.
    Exchanging,
    /// Something else stands on the authorization.
    Shared,
}

/// What [`crate::Store::erase_end_user`] did.
#[derive(Debug, Clone, Default)]
pub struct Erased {
    /// How many connections are gone, ended ones too.
    pub connections: usize,
    /// How many attempts.
    pub attempts: usize,
    /// How many connect sessions.
    pub connect_sessions: usize,
    /// How many keys.
    pub keys: usize,
    /// How many of the connections left an authorization to others who share it.
    pub shared: usize,
    /// Grants that are tombstones now, to be revoked.
    pub ended: Vec<String>,
    /// Pairs that pending connections waited for: due.
    pub due: Vec<Candidate>,
}
