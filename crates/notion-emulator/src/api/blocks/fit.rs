//! Whether blocks fit where they are to go: rows into tables, columns into lists of columns, copies onto originals. The
//! JSON says nothing of this, so it is checked against what is there; the words of the refusals are guesses.

use super::super::call::Call;
use super::super::check::At;
use super::super::failure::Failure;
use super::super::read::block::NewBlock;
use super::addresses;
use crate::content::block::{Block, Body, Parent};

/// How many blocks one request may bring, children and all. Source: Notion, "Request limits" (autumn 2026).
const BLOCKS_MAX: usize = 1_000;

/// Checks new blocks that are to hang below `parent`; `at` is their list.
pub(crate) fn fit(call: &Call<'_>, at: &At<'_>, parent: &Body, new: &[NewBlock]) -> Result<(), Failure> {
    if new.iter().map(NewBlock::count).sum::<usize>() > BLOCKS_MAX {
        return Err(at.should("an array of at most 1000 blocks, children included").into());
    }
    below(call, parent, new)?;
    addresses::check_new(parent, new)
}

/// The same for each level. (Reading has bounded how deep that goes.)
fn below(call: &Call<'_>, parent: &Body, new: &[NewBlock]) -> Result<(), Failure> {
    for NewBlock { body, children } in new {
        let (kind, above) = (body.kind(), parent.kind());
        let only = parent.only_child().is_none_or(|only| only == kind);
        let at_home = match body {
            Body::TableRow(_) => above == "table",
            Body::Column { .. } => above == "column_list",
            _ => true,
        };
        if !only || !at_home {
            return Err(Failure::validation(format!("A {kind} block cannot be a child of a {above} block.")));
        }
        points(call, body)?;
        below(call, body, children)?;
    }
    Ok(())
}

/// A copy is of a synced block that is an original itself, within reach; a link leads to what is within reach (a guess).
pub(super) fn points(call: &Call<'_>, body: &Body) -> Result<(), Failure> {
    let from = match body {
        Body::SyncedBlock { from: Some(from) } => from,
        Body::LinkToPage { kind: "page_id", id } if !call.reaches(*id) => {
            return Err(Failure::not_found("page", *id, call.caller));
        }
        Body::LinkToPage { kind: "database_id", id } if !call.reaches(*id) => {
            return Err(Failure::not_found("database", *id, call.caller));
        }
        _ => return Ok(()),
    };
    if call.block(*from)?.body == (Body::SyncedBlock { from: None }) {
        return Ok(());
    }
    Err(Failure::validation(format!("Block {from} is not an original synced block.")))
}

/// Checks what a block that is there is to say from now on.
pub(super) fn change(call: &Call<'_>, block: &Block, new: &Body) -> Result<(), Failure> {
    if new != &block.body {
        points(call, new)?;
    }
    if let Body::Heading { is_toggleable: false, .. } = new
        && call.state.content.live_children(block).next().is_some()
    {
        // Source: Notion, "Update a block" (read 2026-11-22): the children have to go first.
        return Err(Failure::validation("A heading that has children cannot stop being toggleable."));
    }
    let parent = match block.parent {
        Parent::Block(id) => call.state.content.blocks.get(&id).map(|parent| &parent.body),
        _ => None,
    };
    addresses::check_body(parent, new)
}
