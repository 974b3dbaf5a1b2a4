//! The seed: the people, workspaces and pages that every emulator starts with. Ids are constants, so that a test or a
//! bookmark made today works tomorrow.

mod body;
mod emojis;
mod file;
mod northwind;
mod planter;
mod reading;
mod sower;

use std::sync::{Arc, OnceLock};

use uuid::Uuid;

pub use file::SeedError;

use crate::accounts::{Bot, Group, Person, Plan, Workspace};
use crate::snapshot::SnapshotError;
use crate::state::State;

/// The first person: a member of both workspaces.
pub(crate) const ADA: Uuid = Uuid::from_u128(0x1d3f_5a70_42c8_4be1_9a61_0c5e_7d20_b001);
/// A colleague.
pub(crate) const TOMAS: Uuid = Uuid::from_u128(0x1d3f_5a70_42c8_4be1_9a61_0c5e_7d20_b002);
/// Another.
pub(crate) const PRIYA: Uuid = Uuid::from_u128(0x1d3f_5a70_42c8_4be1_9a61_0c5e_7d20_b003);
/// The workspace of a small company.
pub(crate) const NORTHWIND: Uuid = Uuid::from_u128(0x7a90_2c1e_5b3d_4f60_8e17_3f0a_9c44_a001);
/// Ada's own.
pub(crate) const HOME: Uuid = Uuid::from_u128(0x7a90_2c1e_5b3d_4f60_8e17_3f0a_9c44_a002);
/// A group of that company's people.
const ENGINEERING: Uuid = Uuid::from_u128(0x1d3f_5a70_42c8_4be1_9a61_0c5e_7d20_b101);
/// The bot behind the internal token.
const INTERNAL_BOT: Uuid = Uuid::from_u128(0x3b1c_88f2_6d0a_4c57_b9e4_0027_5e61_c001);
/// The page that the picker offers first.
pub(crate) const ROOT_PAGE: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_8045_9d31_e8a4_60b7_0001);

/// The project tracker, below the root page.
const TRACKER: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_8045_9d31_e8a4_60b7_0002);
/// Its one table.
const TRACKER_TABLE: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_80f1_a7c0_000b_60b7_0003);
/// The tracker's table view.
const TRACKER_LIST: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_80f1_a7c0_000c_60b7_0006);
/// Its board.
const TRACKER_BOARD: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_80f1_a7c0_000c_60b7_0007);
/// The list of books.
const BOOKS: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_8045_9d31_e8a4_60b7_0004);
/// Its one table.
const BOOKS_TABLE: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_80f1_a7c0_000b_60b7_0005);
/// The view of it.
const BOOKS_LIST: Uuid = Uuid::from_u128(0x2ac6_1f0e_7b52_80f1_a7c0_000c_60b7_0008);

/// What an emulator starts with. It is planted once and copied at each start and reset.
#[derive(Clone)]
pub struct Seed(Arc<State>);

impl Default for Seed {
    /// A small studio, Northwind, with a project tracker, meeting notes and a reading list; three people, two workspaces.
    fn default() -> Self {
        static BUILT_IN: OnceLock<Seed> = OnceLock::new();
        BUILT_IN
            .get_or_init(|| {
                let mut state = State::default();
                plant(&mut state);
                Self(Arc::new(state))
            })
            .clone()
    }
}

impl Seed {
    /// What a seed file says, in JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn read(json: &str) -> Result<Self, SeedError> {
        let seed = serde_json::from_str(json)
            .map_err(|error| SeedError { problems: vec![format!("seed does not read: {error}.")] })?;
        Self::of(&seed)
    }

    /// The same, from JSON that was read.
    ///
    /// # Errors
    /// As above.
    pub fn of(seed: &serde_json::Value) -> Result<Self, SeedError> {
        Ok(Self(Arc::new(file::plant(seed)?)))
    }

    /// What a snapshot holds, tokens and switches included.
    ///
    /// # Errors
    /// If the text is no sound snapshot of this format.
    pub fn of_snapshot(snapshot: &str) -> Result<Self, SnapshotError> {
        Ok(Self(Arc::new(crate::snapshot::read(snapshot)?)))
    }

    pub(crate) fn planted(&self) -> &State {
        &self.0
    }
}

/// Puts the built-in seed into an empty state.
fn plant(state: &mut State) {
    state.root_page = ROOT_PAGE;
    let person = |id, name: &str, email: &str| Person {
        id,
        name: name.to_owned(),
        email: email.to_owned(),
        avatar_url: None,
    };
    state.accounts.people = vec![
        person(ADA, "Ada Lindqvist", "ada@northwind.example"),
        person(TOMAS, "Tomás Okafor", "tomas@northwind.example"),
        person(PRIYA, "Priya Raman", "priya@northwind.example"),
    ];
    let workspace =
        |id, name: &str, members| Workspace { id, name: name.to_owned(), members, plan: Plan::Plus };
    state.accounts.workspaces = vec![
        workspace(NORTHWIND, "Northwind Studio", vec![ADA, TOMAS, PRIYA]),
        workspace(HOME, "Ada at home", vec![ADA]),
    ];
    let internal = Bot { id: INTERNAL_BOT, name: "Internal integration".to_owned(), owner: None };
    state.accounts.bots.push((NORTHWIND, internal));
    let group = Group { id: ENGINEERING, workspace: NORTHWIND, name: "Engineering".to_owned() };
    state.accounts.groups.push(group);
    northwind::plant(&mut state.content);
    reading::plant(&mut state.content);
    emojis::plant(&mut state.content);
}
