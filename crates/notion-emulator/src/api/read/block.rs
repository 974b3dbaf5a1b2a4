//! New blocks from JSON, with their children: which kinds go where, and how deep. What a kind says is read in `body.rs`,
//! changes to a block that is there in `update.rs`.

mod body;
mod update;

use serde_json::json;

use super::super::check::{At, Invalid};
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

/// The kinds of block that a request can make, in the order in which the types of `@notionhq/client` 5.26.0 list them;
/// but the kinds that take room for levels below come last.
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
    "table_of_contents",
    "link_to_page",
    "table_row",
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
    // From one level above the bottom.
    "tab",
    "table",
    // Only at the top.
    "column_list",
    "column",
];

/// What an answer tells of a block beside what it says: it may be sent along, and changes nothing.
/// Source: recorded requests of May 2024.
pub(super) const TOLD: [&str; 10] = [
    "id",
    "parent",
    "created_time",
    "created_by",
    "last_edited_time",
    "last_edited_by",
    "has_children",
    "archived",
    "in_trash",
    "request_id",
];

/// How many levels of children one request may bring. Source: Notion, "Request limits" (autumn 2026).
pub(crate) const NESTING_MAX: usize = 2;

/// The kinds that may stand where `levels` more levels can follow. Source: `BlockObjectRequest` and its two shallower
/// forms in the types of `@notionhq/client` 5.26.0.
fn kinds(levels: usize) -> &'static [&'static str] {
    match levels {
        0 => &KINDS[..27],
        1 => &KINDS[..29],
        _ => &KINDS,
    }
}

/// A list of blocks to append. `levels` more levels of children may follow below.
pub(crate) fn blocks(at: &At<'_>, levels: usize) -> Result<Vec<NewBlock>, Invalid> {
    at.items(LIST_MAX)?.iter().map(|at| block(at, levels)).collect()
}

/// One block with its children.
fn block(at: &At<'_>, levels: usize) -> Result<NewBlock, Invalid> {
    at.get("object").optional(|at| at.one_of(&["block"]))?;
    let kind = kind_of(at, kinds(levels))?;
    at.only(&[&["object", "type", kind], &TOLD[..]].concat())?;
    let inner = at.get(kind);
    let body = body::body(kind, &inner, None)?;
    let children = match inner.get("children").optional(|at| children(&body, at, levels))? {
        Some(children) => children,
        None if matches!(kind, "table" | "column_list" | "column" | "tab") => {
            return Err(inner.get("children").should("defined"));
        }
        None => Vec::new(),
    };
    check_structure(&inner, &body, &children)?;
    Ok(NewBlock { body, children })
}

/// The kind of a block: what `type` says, or the one key that is there.
fn kind_of(at: &At<'_>, kinds: &[&'static str]) -> Result<&'static str, Invalid> {
    let named =
        at.get("type").optional(At::string)?.and_then(|name| kinds.iter().find(|kind| **kind == name));
    match named {
        Some(kind) => Ok(kind),
        None => at.variant(kinds),
    }
}

/// The children of a new block.
fn children(parent: &Body, at: &At<'_>, levels: usize) -> Result<Vec<NewBlock>, Invalid> {
    let below = match parent {
        // The columns of a list are not counted as a level; what is in them is.
        Body::ColumnList => levels,
        _ => levels.checked_sub(1).ok_or_else(|| at.should("not present"))?,
    };
    // What a copy shows is its original's. Source of the empty list: recorded answers of June 2026.
    if matches!(parent, Body::SyncedBlock { from: Some(_) }) {
        let is_empty = at.raw().is_some_and(|children| *children == json!([]));
        return if is_empty { Ok(Vec::new()) } else { Err(at.should("not present")) };
    }
    let Some(only) = parent.only_child() else {
        return blocks(at, below);
    };
    let one = |at: &At<'_>| {
        at.get(only).object()?;
        block(at, below)
    };
    at.items(LIST_MAX)?.iter().map(one).collect()
}

/// What must be below some kinds from the beginning.
/// Source: Notion, "Block", columns and tables (read 2026-11-22), but that columns may be empty: recorded answers of June
/// 2026; the words are guesses.
fn check_structure(at: &At<'_>, body: &Body, children: &[NewBlock]) -> Result<(), Invalid> {
    let least = match body {
        Body::ColumnList => 2,
        Body::Table { .. } | Body::Tab => 1,
        _ => 0,
    };
    if children.len() < least {
        return Err(at.get("children").should(&format!("an array of length ≥ `{least}`")));
    }
    let Body::Table { width, .. } = body else { return Ok(()) };
    for (row, at) in children.iter().zip(at.get("children").items(LIST_MAX)?) {
        check_width(&at.get("table_row"), &row.body, *width)?;
    }
    Ok(())
}

/// A row has as many cells as its table is wide.
pub(crate) fn check_width(at: &At<'_>, row: &Body, width: u64) -> Result<(), Invalid> {
    match row {
        Body::TableRow(cells) if cells.len() as u64 != width => {
            Err(at.get("cells").should(&format!("an array of length `{width}`")))
        }
        _ => Ok(()),
    }
}
