//! The whole state as text and back: what a suite keeps to begin each test from, or sends along with a bug report.
//! What is read is checked before anything changes, so a bad file leaves an emulator as it was. A snapshot holds the
//! emulator's tokens and its clients' secrets, which open nothing outside of an emulator; the journal stays out of it.

use serde::{Deserialize, Serialize};

use crate::InstanceError;
use crate::state::State;

/// What a snapshot calls itself.
const FORMAT: &str = "notion-emulator snapshot";

/// Rises when older snapshots cannot be read any more.
const FORMAT_NUMBER: u32 = 1;

/// How many broken places of a snapshot are told.
const PROBLEMS_MAX: usize = 20;

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    number: u32,
    state: &'a State,
}

/// The head alone: what is not ours shall be told so, not by its first field that does not fit.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: String,
    #[serde(default)]
    number: u32,
}

#[derive(Deserialize)]
struct Tail {
    state: State,
}

/// Why a snapshot was refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotError(String);

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "The snapshot was not loaded: {}", self.0)
    }
}

impl std::error::Error for SnapshotError {}

impl From<InstanceError> for SnapshotError {
    fn from(error: InstanceError) -> Self {
        Self(error.to_string())
    }
}

/// Writes a state down, as JSON.
pub(crate) fn write(state: &State) -> String {
    let written = Written { format: FORMAT, number: FORMAT_NUMBER, state };
    serde_json::to_string(&written).expect("a state has only text as keys and no value that JSON lacks")
}

/// Reads a state back.
pub(crate) fn read(text: &str) -> Result<State, SnapshotError> {
    let unreadable = |error: serde_json::Error| SnapshotError(format!("it does not read ({error})."));
    let head: Head = serde_json::from_str(text).map_err(unreadable)?;
    if head.format != FORMAT {
        return Err(SnapshotError(format!("it does not say `\"format\": \"{FORMAT}\"`.")));
    }
    if head.number != FORMAT_NUMBER {
        let number = head.number;
        return Err(SnapshotError(format!(
            "it is of format number {number}, this emulator reads {FORMAT_NUMBER}. Make it again with this version."
        )));
    }
    let Tail { state } = serde_json::from_str(text).map_err(unreadable)?;
    let mut problems = state.content.breaks();
    if problems.is_empty() {
        return Ok(state);
    }
    problems.sort();
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    if more > 0 {
        problems.push(format!("{more} more"));
    }
    Err(SnapshotError(format!("its content is broken: {}.", problems.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn refusal(text: &str) -> String {
        read(text).err().expect("a refusal").to_string()
    }

    #[test]
    fn what_is_no_snapshot_says_what_is_missing() {
        assert!(refusal("[").contains("it does not read"), "{}", refusal("["));
        assert!(refusal("{}").contains(r#"does not say `"format""#));
        let newer = format!(r#"{{"format": "{FORMAT}", "number": 99, "state": {{}}}}"#);
        assert!(refusal(&newer).contains("format number 99, this emulator reads 1"));
        let empty = format!(r#"{{"format": "{FORMAT}", "number": 1, "state": {{}}}}"#);
        assert!(refusal(&empty).contains("missing field"), "{}", refusal(&empty));
    }

    #[test]
    fn a_tree_that_runs_in_a_circle_is_refused() {
        let mut state = State::at_seed(&Options::default());
        let root = crate::seed::ROOT_PAGE;
        let inner = state.content.blocks[&root].children[0];
        state.content.blocks.get_mut(&root).expect("there").parent =
            crate::content::block::Parent::Block(inner);
        state.content.blocks.get_mut(&inner).expect("there").children.push(root);
        assert!(refusal(&write(&state)).contains("is above itself"), "{}", refusal(&write(&state)));
    }

    #[test]
    fn a_block_without_its_parent_is_refused() {
        let mut state = State::at_seed(&Options::default());
        let root = crate::seed::ROOT_PAGE;
        let gone = state.content.blocks[&root].children[0];
        state.content.blocks.remove(&gone);
        assert!(refusal(&write(&state)).contains(&format!("{root} lists {gone}, which is not below it")));
    }
}
