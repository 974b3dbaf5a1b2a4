//! Everything the emulator knows, in one value behind one lock. A request is a short critical section over it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::clock::{Clock, Ids};
use crate::content::Content;
use crate::faults::Faults;
use crate::grants::Grants;
use crate::index::Index;
use crate::journal::Journal;
use crate::queries::Queries;
use crate::switches::Switches;
use crate::tasks::Tasks;
use crate::view_queries::ViewQueries;
use crate::web::Web;
use crate::{Options, Time};

/// The emulator's world.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) accounts: Accounts,
    pub(crate) content: Content,
    pub(crate) grants: Grants,
    #[serde(default)]
    pub(crate) queries: Queries,
    #[serde(default)]
    pub(crate) view_queries: ViewQueries,
    #[serde(default)]
    pub(crate) tasks: Tasks,
    /// The token of the internal integration, which reaches all of the first workspace.
    pub(crate) internal_token: String,
    /// The page to begin with, which the seed names.
    pub(crate) root_page: Uuid,
    /// Signs the addresses of files. A reset makes a new one, since ids come again and old addresses must not.
    pub(crate) files_key: String,
    pub(crate) switches: Switches,
    pub(crate) faults: Faults,
    /// Only while search lags.
    pub(crate) index: Option<Index>,
    pub(crate) web: Web,
    /// What was asked is no part of what is known: a snapshot leaves it out.
    #[serde(skip)]
    pub(crate) journal: Journal,
}

impl State {
    /// The seeded world of the first emulator.
    #[cfg(test)]
    pub(crate) fn at_seed(options: &Options) -> Self {
        Self::of_instance(options, "")
    }

    /// The seeded world of an instance; the first emulator has no name.
    pub(crate) fn of_instance(options: &Options, instance: &str) -> Self {
        let mut state = options.seed.planted().clone();
        // A seed that is a snapshot has its own switches, and goes on where it stood.
        let is_snapshot = !state.internal_token.is_empty();
        if !is_snapshot {
            state.grants.secrets_seed = options.secrets_seed;
            state.files_key = state.grants.secret("");
            state.switches = options.switches;
            state.ids = Ids::series(options.ids_seed);
        }
        // Its token is kept where it still leads: a token that names an instance leads to that one.
        let is_own = instance.is_empty() || state.grants.instance == instance;
        instance.clone_into(&mut state.grants.instance);
        if !(is_snapshot && is_own) {
            state.internal_token = state.grants.access_secret();
        }
        if let Time::Manual(at) = options.time {
            state.clock = Clock::Manual(at);
        }
        for client in &options.clients {
            state.grants.register(client.clone());
        }
        state.note_index();
        state
    }

    /// Lets other rules hold from now on.
    pub(crate) fn switch(&mut self, switches: Switches) {
        self.switches = switches;
        self.note_index();
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_is_written_down_reads_back_the_same() {
        let options = Options { time: Time::Manual(Timestamp::UNIX_EPOCH), ..Options::default() };
        let state = State::at_seed(&options);
        let written = serde_json::to_value(&state).expect("a state is JSON");
        let read: State = serde_json::from_value(written.clone()).expect("it reads back");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), written);
    }

    #[test]
    fn a_word_that_notion_does_not_have_is_refused() {
        let written = serde_json::to_string(&State::at_seed(&Options::default())).expect("a state is JSON");
        let Err(error) = serde_json::from_str::<State>(&written.replace("gray_background", "mauve")) else {
            panic!("mauve is no colour of Notion's");
        };
        assert!(error.to_string().contains("`mauve`"), "{error}");
    }
}
