//! Everything the emulator knows, in one value behind one lock. A request is a short critical section over it.

use crate::accounts::Accounts;
use crate::clock::{Clock, Ids};
use crate::content::Content;

/// The emulator's world.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) accounts: Accounts,
    pub(crate) content: Content,
}
