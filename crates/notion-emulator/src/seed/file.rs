//! A seed that somebody wrote: people, workspaces, clients, and content as the bodies of Notion's own requests. The head is
//! read here, the content is planted by the API itself (`sower`), so whatever the API takes, a seed takes, and is refused
//! in the same words. Problems are told with their place, all that can be found at once.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::sower::Sower;
use super::{INTERNAL_BOT, emojis};
use crate::accounts::{Bot, Person, Plan, Workspace};
use crate::api::check::{At, Invalid, uuid_of};
use crate::clock::{Clock, Ids};
use crate::content::blob::Blob;
use crate::content::emoji::CustomEmoji;
use crate::grants::Client;
use crate::state::State;

/// The series of ids of what has none of its own: the same file gives the same ids.
const SERIES: u64 = 21;

/// When content was made that does not say when.
const TIME: &str = "2026-11-02T09:00:00Z";

/// In which version the bodies are written that do not say so.
const VERSION: &str = "2026-03-11";

/// Most people, workspaces and clients of a seed, each.
const LIST_MAX: usize = 1_000;

/// Longest name, in UTF-16 units.
const NAME_MAX: usize = 1_000;

/// Longest picture of a custom emoji, in UTF-16 units.
const PICTURE_MAX: usize = 100_000;

/// Notion's plans.
const PLANS: [&str; 4] = ["free", "plus", "business", "enterprise"];

/// Why a seed was refused: every problem with its place in the file, such as
/// `seed.workspaces[0].pages[2]: body failed validation: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedError {
    /// One line each.
    pub problems: Vec<String>,
}

impl std::fmt::Display for SeedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "The seed cannot be planted:\n  {}", self.problems.join("\n  "))
    }
}

impl std::error::Error for SeedError {}

/// What applies to all content of the file.
pub(super) struct Head {
    pub(super) time: Timestamp,
    pub(super) version: String,
}

/// Plants a whole seed.
pub(super) fn plant(seed: &Value) -> Result<State, SeedError> {
    let at = At::root("seed", Some(seed));
    let mut state = State { ids: Ids::series(SERIES), ..State::default() };
    // Whatever is wrong with the head, something sound stands in for it, so that the content is judged in the same breath.
    let (head, mut problems) = read_head(&at, &mut state);
    problems.extend(content(&at, &head, &mut state));
    if !problems.is_empty() {
        return Err(SeedError { problems });
    }
    let page =
        state.accounts.workspaces.first().and_then(|first| state.content.top_level.get(&first.id)?.first());
    state.root_page = page.copied().unwrap_or_default();
    state.clock = Clock::Wall;
    Ok(state)
}

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<String>);

impl Problems {
    /// What was read, or nothing and a problem more.
    pub(super) fn noted<T>(&mut self, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|invalid| self.0.extend(invalid.lines())).ok()
    }
}

/// Everything but the content, and all that is wrong with it.
fn read_head(at: &At<'_>, state: &mut State) -> (Head, Vec<String>) {
    let mut problems = Problems::default();
    problems.noted(at.only(&["time", "notion_version", "people", "workspaces", "clients"]));
    let time = problems.noted(at.get("time").optional(time)).flatten();
    let version = problems.noted(at.get("notion_version").optional(|at| at.text(NAME_MAX))).flatten();
    for at in problems.noted(list(at, "people")).unwrap_or_default() {
        let person = person(&at, state, &mut problems);
        state.accounts.people.push(person);
    }
    for at in problems.noted(list(at, "workspaces")).unwrap_or_default() {
        let workspace = workspace(&at, state, &mut problems);
        state.accounts.workspaces.push(workspace);
    }
    for at in problems.noted(list(at, "clients")).unwrap_or_default() {
        if let Some(client) = problems.noted(client(&at)) {
            state.grants.register(client);
        }
    }
    let Problems(mut problems) = problems;
    match state.accounts.workspaces.first() {
        Some(first) => {
            let bot = Bot { id: INTERNAL_BOT, name: "Internal integration".to_owned(), owner: None };
            state.accounts.bots.push((first.id, bot));
        }
        None if problems.is_empty() => problems.push("seed.workspaces should hold at least one.".to_owned()),
        None => {}
    }
    let time = time.unwrap_or_else(|| TIME.parse().expect("the constant is written well"));
    (Head { time, version: version.unwrap_or_else(|| VERSION.to_owned()) }, problems)
}

/// An integration, as `/_emulator/clients` takes it.
fn client(at: &At<'_>) -> Result<Client, Invalid> {
    let client = serde_json::from_value(at.raw().cloned().unwrap_or_default());
    client.map_err(|error| at.should(&format!("a client ({error})")))
}

/// A list that may be absent.
pub(super) fn list<'a>(at: &At<'a>, key: &str) -> Result<Vec<At<'a>>, Invalid> {
    Ok(at.get(key).optional(|at| at.items(LIST_MAX))?.unwrap_or_default())
}

/// A time, such as `2026-11-03T09:30:00Z`.
pub(super) fn time(at: &At<'_>) -> Result<Timestamp, Invalid> {
    at.string()?.parse().map_err(|_| at.should("a time such as 2026-11-03T09:30:00Z"))
}

/// The id that stands here, or a new one.
fn own_id(at: &At<'_>, state: &mut State) -> Result<Uuid, Invalid> {
    let Some(id) = at.clone().optional(At::uuid)? else { return Ok(state.ids.uuid()) };
    let accounts = &state.accounts;
    if accounts.person(id).is_some() || accounts.workspace(id).is_some() {
        return Err(at.should("an id that nothing else has"));
    }
    Ok(id)
}

fn person(at: &At<'_>, state: &mut State, problems: &mut Problems) -> Person {
    problems.noted(at.only(&["id", "name", "email", "avatar_url"]));
    let mut text = |key| problems.noted(at.get(key).filled_text(NAME_MAX)).unwrap_or_default();
    let (name, email) = (text("name"), text("email"));
    Person {
        id: problems.noted(own_id(&at.get("id"), state)).unwrap_or_else(|| state.ids.uuid()),
        name,
        email,
        avatar_url: problems
            .noted(at.get("avatar_url").optional_nullable(|at| at.text(NAME_MAX)))
            .flatten()
            .flatten(),
    }
}

fn workspace(at: &At<'_>, state: &mut State, problems: &mut Problems) -> Workspace {
    problems.noted(at.only(&["id", "name", "plan", "members", "custom_emojis", "pages", "databases"]));
    let plan = match problems.noted(at.get("plan").optional(|at| at.one_of(&PLANS))).flatten() {
        Some("free") => Plan::Free,
        Some("business") => Plan::Business,
        Some("enterprise") => Plan::Enterprise,
        _ => Plan::Plus,
    };
    let members = at.get("members");
    let members = if members.is_defined() {
        let named = problems.noted(members.items(LIST_MAX)).unwrap_or_default();
        named.iter().filter_map(|at| problems.noted(member(at, state))).collect()
    } else {
        state.accounts.people.iter().map(|person| person.id).collect()
    };
    let id = problems.noted(own_id(&at.get("id"), state)).unwrap_or_else(|| state.ids.uuid());
    for at in problems.noted(list(at, "custom_emojis")).unwrap_or_default() {
        let emoji = problems.noted(custom_emoji(&at, id, state));
        state.content.custom_emojis.extend(emoji);
    }
    let name = problems.noted(at.get("name").filled_text(NAME_MAX)).unwrap_or_default();
    Workspace { id, name, members, plan }
}

/// A picture that people made for their workspace, which the API shows and uses but does not make.
fn custom_emoji(at: &At<'_>, workspace: Uuid, state: &mut State) -> Result<CustomEmoji, Invalid> {
    at.only(&["id", "name", "svg"])?;
    let id = own_id(&at.get("id"), state)?;
    if state.content.custom_emoji(id).is_some() {
        return Err(at.get("id").should("an id that nothing else has"));
    }
    let name = at.get("name").filled_text(NAME_MAX)?;
    if name.contains(':') {
        return Err(at.get("name").should("a name without colons"));
    }
    let picture = at.get("svg").optional(|at| at.filled_text(PICTURE_MAX))?;
    let picture = picture.unwrap_or_else(|| emojis::DOT.to_owned());
    Ok(CustomEmoji { id, workspace, name, picture: Blob(picture.into()) })
}

/// A person of the file, by e-mail address or id.
pub(super) fn member(at: &At<'_>, state: &State) -> Result<Uuid, Invalid> {
    let named = at.string()?;
    let id = uuid_of(named);
    let found = state.accounts.people.iter().find(|person| person.email == named || Some(person.id) == id);
    found.map(|person| person.id).ok_or_else(|| at.should("the e-mail address or id of one of `seed.people`"))
}

/// The content of every workspace: pages and databases first, rows when all of those are there.
fn content(at: &At<'_>, head: &Head, state: &mut State) -> Vec<String> {
    let ids: Vec<Uuid> = state.accounts.workspaces.iter().map(|workspace| workspace.id).collect();
    let mut sower = Sower::new(head, state);
    for (at, id) in list(at, "workspaces").unwrap_or_default().iter().zip(ids) {
        sower.workspace(at, id);
    }
    sower.finish()
}
