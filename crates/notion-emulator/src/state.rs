//! Everything the emulator knows, in one value behind one lock. A request is a short critical section over it.

use crate::accounts::Accounts;
use crate::clock::{Clock, Ids};
use crate::content::Content;
use crate::faults::Faults;
use crate::grants::Grants;
use crate::journal::Journal;
use crate::switches::Switches;
use crate::{Options, Time};

/// The emulator's world.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) accounts: Accounts,
    pub(crate) content: Content,
    pub(crate) grants: Grants,
    /// The token of the internal integration, which reaches all of the first workspace.
    pub(crate) internal_token: String,
    pub(crate) switches: Switches,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
}

impl State {
    /// The seeded world.
    pub(crate) fn at_seed(options: &Options) -> Self {
        let clock = match options.time {
            Time::Wall => Clock::Wall,
            Time::Manual(at) => Clock::Manual(at),
        };
        let mut state = Self {
            clock,
            switches: options.switches,
            internal_token: crate::grants::secret("ntn_emulator_"),
            ..Self::default()
        };
        state.grants.clients.clone_from(&options.clients);
        crate::seed::plant(&mut state);
        state
    }
}
