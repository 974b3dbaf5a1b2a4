//! Blocks: read, change, append, to the trash.

use serde_json::Value;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::read::block::{self as read, NESTING_MAX, NewBlock};
use super::show;
use crate::content::Place;
use crate::content::block::{Block, Body, Parent};
use crate::content::ids::Marker;

/// How many blocks one request may bring, children and all. Source: Notion, "Request limits" (autumn 2026).
const BLOCKS_MAX: usize = 1_000;

/// `GET blocks/{block_id}`
pub(crate) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let block = call.block(call.path_id("block_id", id)?)?;
    Ok(call.view().block(block))
}

/// `GET blocks/{block_id}/children`
pub(crate) fn children(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let block = call.block(call.path_id("block_id", id)?)?;
    // A synced copy shows what its original holds, to who may see that: 404 else, as users report it.
    let block = call.block(call.state.content.original(block).id)?;
    let all: Vec<Uuid> = call.state.content.live_children(block).map(|child| child.id).collect();
    let (ids, next) = call.slice_of_query()?.cut(&all)?;
    Ok(show::list("block", shown(call, &ids), next))
}

fn shown(call: &Call<'_>, ids: &[Uuid]) -> Vec<Value> {
    let blocks = ids.iter().filter_map(|id| call.state.content.blocks.get(id));
    blocks.map(|block| call.view().block(block)).collect()
}

/// `PATCH blocks/{block_id}/children`
pub(crate) fn append(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_insert()?;
    call.needs_room()?;
    let id = call.path_id("block_id", id)?;
    let parent = call.block(id)?;
    let is_page = call.state.content.is_page(id);
    if !parent.body.holds_children() {
        return Err(Failure::validation("Block does not support children."));
    }
    refuse_trash(call, parent)?;
    let siblings = parent.children.clone();
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["children", "after", "position"])?;
    let place = place(call, &at, &siblings)?;
    let new = read::blocks(&at.get("children"), NESTING_MAX)?;
    if new.iter().map(NewBlock::count).sum::<usize>() > BLOCKS_MAX {
        return Err(at.get("children").should("an array of at most 1000 blocks, children included").into());
    }
    let parent = if is_page { Parent::Page(id) } else { Parent::Block(id) };
    let made = hang(call, parent, new, place);
    call.state.content.touch(id, call.stamp());
    Ok(show::list("block", shown(call, &made), None))
}

/// Where the new blocks go: `after` in older versions, `position` in newer ones.
fn place(call: &Call<'_>, at: &At<'_>, siblings: &[Uuid]) -> Result<Place, Failure> {
    let (after, position) = (at.get("after"), at.get("position"));
    let sibling = |at: &At<'_>| -> Result<Place, Failure> {
        let id = at.uuid()?;
        if siblings.contains(&id) {
            Ok(Place::After(id))
        } else {
            Err(Failure::not_found("block", id, call.caller))
        }
    };
    if after.is_defined() {
        if !call.version.has_archived() {
            return Err(after.should("not present").into());
        }
        return sibling(&after);
    }
    if !position.is_defined() {
        return Ok(Place::End);
    }
    Ok(match position.get("type").one_of(&["after_block", "start", "end"])? {
        "start" => Place::Start,
        "end" => Place::End,
        _ => sibling(&position.get("after_block").get("id"))?,
    })
}

/// Hangs new blocks below `parent`, in order; the ids of the topmost.
pub(crate) fn hang(call: &mut Call<'_>, parent: Parent, new: Vec<NewBlock>, mut place: Place) -> Vec<Uuid> {
    let mut made = Vec::with_capacity(new.len());
    for NewBlock { body, children } in new {
        let (id, stamp) = (call.new_id(Marker::Plain), call.stamp());
        let block = Block {
            id,
            workspace: call.caller.workspace_id,
            parent,
            created: stamp,
            edited: stamp,
            in_trash: false,
            children: Vec::new(),
            body,
        };
        call.state.content.insert(block, place);
        place = Place::After(id);
        hang(call, Parent::Block(id), children, Place::End);
        made.push(id);
    }
    made
}

/// `PATCH blocks/{block_id}`
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_update()?;
    let id = call.path_id("block_id", id)?;
    let block = call.block(id)?;
    let body = call.body.clone();
    let at = At::root("body", body.as_ref());
    let in_trash = call.trash_flag(&at)?;
    if call.state.content.ancestor_in_trash(id) || (block.in_trash && in_trash != Some(false)) {
        return Err(Failure::validation(
            "Can't edit block that is archived. You must unarchive the block before editing.",
        ));
    }
    let new = match block.body {
        Body::ChildPage | Body::ChildDatabase => None,
        _ => read::update(&at, &block.body)?,
    };
    let stamp = call.stamp();
    if let Some(block) = call.state.content.blocks.get_mut(&id) {
        if let Some(new) = new {
            block.body = new;
        }
        block.in_trash = in_trash.unwrap_or(block.in_trash);
    }
    call.state.content.touch(id, stamp);
    Ok(call.view().block(call.block(id)?))
}

/// `DELETE blocks/{block_id}`: to the trash, pages and databases too.
pub(crate) fn delete(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_update()?;
    let id = call.path_id("block_id", id)?;
    let block = call.block(id)?;
    refuse_trash(call, block)?;
    let stamp = call.stamp();
    call.state.content.touch(id, stamp);
    if let Some(block) = call.state.content.blocks.get_mut(&id) {
        block.in_trash = true;
    }
    Ok(call.view().block(call.block(id)?))
}

/// What is in the trash can be looked at, not changed.
fn refuse_trash(call: &Call<'_>, block: &Block) -> Result<(), Failure> {
    if block.in_trash || call.state.content.ancestor_in_trash(block.id) {
        return Err(Failure::validation(
            "Can't edit block that is archived. You must unarchive the block before editing.",
        ));
    }
    Ok(())
}
