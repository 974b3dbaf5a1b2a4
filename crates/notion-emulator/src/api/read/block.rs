//! New blocks from JSON, with their children: which kinds go where, and how deep. What a kind says is read in `body.rs`,
//! changes to a block that is there in `update.rs`.

mod body;
mod update;

use serde_json::Value;

use super::super::check::{At, Faults, Invalid};
use super::LIST_MAX;
use crate::content::block::Body;
pub(crate) use update::update;

/// A block to be made, with the blocks below it.
#[derive(Debug, Clone)]
pub(crate) struct NewBlock {
    pub(crate) body: Body,
    pub(crate) children: Vec<NewBlock>,
}

impl NewBlock {
    /// How many blocks this is, counting those below.
    pub(crate) fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }
}

/// The kinds of block that a request can make, in the order in which Notion's refusals list them (quoted in August 2026).
/// The three that the emulator does not make are left out.
const KINDS: [&str; 31] = [
    "embed",
    "bookmark",
    "image",
    "video",
    "pdf",
    "file",
    "audio",
    "code",
    "equation",
    "divider",
    "breadcrumb",
    "tab",
    "table_of_contents",
    "link_to_page",
    "table_row",
    "table",
    "column_list",
    "column",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "paragraph",
    "bulleted_list_item",
    "numbered_list_item",
    "quote",
    "to_do",
    "toggle",
    "template",
    "callout",
    "synced_block",
];

/// Kinds that the lists of refusals have after `table_row`, and the emulator does not make.
const NOT_MADE: [&str; 3] = ["ai_block", "meeting_notes", "custom_block"];

/// How many levels of children one request may bring. Source: Notion, "Request limits" (autumn 2026).
pub(crate) const NESTING_MAX: usize = 2;

/// The kinds that may stand where `levels` more levels can follow: some take room for levels below. Source:
/// `BlockObjectRequest` and its two shallower forms in the types of `@notionhq/client` 5.26.0.
fn kinds(levels: usize) -> Vec<&'static str> {
    let fits = |kind: &&str| match *kind {
        "tab" | "table" => levels >= 1,
        "column_list" | "column" => levels >= 2,
        _ => true,
    };
    KINDS.into_iter().filter(fits).collect()
}

/// A list of blocks to append. `levels` more levels of children may follow below.
pub(crate) fn blocks(at: &At<'_>, levels: usize) -> Result<Vec<NewBlock>, Invalid> {
    at.each(LIST_MAX, |at| block(at, levels))
}

/// What an answer says of a block besides its content. It may be sent back, and says nothing.
/// Source: `has_children` and `archived` in recorded appends of May 2024, `id` and the times in quoted ones; the others are
/// guesses.
const SAID: [&str; 11] = [
    "object",
    "id",
    "parent",
    "created_time",
    "last_edited_time",
    "created_by",
    "last_edited_by",
    "has_children",
    "archived",
    "in_trash",
    "request_id",
];

/// One block with its children.
fn block(at: &At<'_>, levels: usize) -> Result<NewBlock, Invalid> {
    let mut faults = Faults::default();
    let object = at.get("object").optional(|at| at.one_of(&["block"]));
    let kind = kind_of(at, &kinds(levels))?;
    faults.note(object);
    let inner = at.get(kind);
    let body = faults.some(body::body(kind, &inner, None));
    let children = faults.some(children_of(&inner, kind, body.as_ref(), levels));
    let known: Vec<&str> = SAID.into_iter().chain(["type", kind]).collect();
    faults.note(at.only(&known));
    faults.end()?;
    let (Some(body), Some(children)) = (body, children) else { return Err(inner.should("defined")) };
    check_structure(&inner, &body, &children)?;
    Ok(NewBlock { body, children })
}

/// The children that a new block says, if its own content could be read.
fn children_of(
    inner: &At<'_>,
    kind: &str,
    body: Option<&Body>,
    levels: usize,
) -> Result<Vec<NewBlock>, Invalid> {
    let said = inner.get("children");
    match body {
        Some(body) if said.is_defined() => {
            said.optional(|at| children(body, at, levels)).map(Option::unwrap_or_default)
        }
        Some(_) if matches!(kind, "table" | "column_list" | "column" | "tab") => Err(said.should("defined")),
        _ => Ok(Vec::new()),
    }
}

/// The kind of a block: what `type` says, or the one key that is there.
fn kind_of(at: &At<'_>, kinds: &[&'static str]) -> Result<&'static str, Invalid> {
    let named =
        at.get("type").optional(At::string)?.and_then(|name| kinds.iter().find(|kind| **kind == name));
    let object = at.object()?;
    let said = || kinds.iter().find(|kind| object.contains_key(**kind)).copied();
    named.copied().or_else(said).ok_or_else(|| {
        let at_not_made = kinds.iter().position(|kind| *kind == "table_row").map_or(0, |at| at + 1);
        let (before, after) = kinds.split_at(at_not_made);
        let all = before.iter().chain(&NOT_MADE).chain(after);
        Invalid::any(
            all.filter(|kind| !object.contains_key(**kind)).map(|kind| at.get(kind).should("defined")),
        )
    })
}

/// The children of a new block.
fn children(parent: &Body, at: &At<'_>, levels: usize) -> Result<Vec<NewBlock>, Invalid> {
    let below = match parent {
        // The columns of a list are not counted as a level; what is in them is.
        Body::ColumnList => levels,
        _ if at.raw().and_then(Value::as_array).is_some_and(Vec::is_empty) => levels.saturating_sub(1),
        _ => levels.checked_sub(1).ok_or_else(|| at.should("not present"))?,
    };
    // What a copy shows is its original's; that it says so itself is taken. Source: a recorded append of June 2026.
    if matches!(parent, Body::SyncedBlock { from: Some(_) }) {
        return if at.items(LIST_MAX)?.is_empty() { Ok(Vec::new()) } else { Err(at.should("not present")) };
    }
    let Some(only) = parent.only_child() else {
        return blocks(at, below);
    };
    let one = |at: &At<'_>| {
        at.get(only).object()?;
        block(at, below)
    };
    at.each(LIST_MAX, one)
}

/// What must be below some kinds from the beginning.
/// Source: recorded answers of June 2026, where columns have no children; of a list of columns and of tables Notion,
/// "Block" (read 2026-11-22). The words are guesses.
fn check_structure(at: &At<'_>, body: &Body, children: &[NewBlock]) -> Result<(), Invalid> {
    let least = match body {
        Body::ColumnList => 2,
        Body::Table { .. } | Body::Tab => 1,
        _ => 0,
    };
    if children.len() < least {
        return Err(at.get("children").should(&format!("an array of length ≥ `{least}`")));
    }
    Ok(())
}
