//! Blocks: read, change, append, to the trash.

pub(crate) mod addresses;
pub(crate) mod fit;

use serde_json::Value;
use uuid::Uuid;

use super::call::{Answer, Call, Slice};
use super::check::At;
use super::failure::Failure;
use super::read::LIST_MAX;
use super::read::block::{self as read, NESTING_MAX, NewBlock};
use super::show;
use crate::content::Place;
use crate::content::block::{Block, Body, Parent};
use crate::content::ids::Marker;

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
    let all = call.state.content.live_children(block).map(|child| child.id);
    let all: Vec<Uuid> = all.filter(|child| call.view().sees(*child)).collect();
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
    if !parent.body.holds_children() || matches!(parent.body, Body::SyncedBlock { from: Some(_) }) {
        return Err(Failure::validation("Block does not support children."));
    }
    call.may_edit(id, None)?;
    call.needs_depth(id, None)?;
    let (siblings, above) = (parent.children.clone(), parent.body.clone());
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["children", "after", "position"])?;
    let place = place(call, &at, &siblings)?;
    let new = read::blocks(&at.get("children"), NESTING_MAX)?;
    fit::fit(call, &at.get("children"), &above, &new)?;
    let parent = if is_page { Parent::Page(id) } else { Parent::Block(id) };
    let made = hang(call, parent, new, place);
    call.state.content.touch(id, call.stamp());
    let answered = if place == Place::End { made } else { and_all_after(call, id, made) };
    let (answered, next) = Slice { start: None, size: LIST_MAX }.cut(&answered)?;
    Ok(show::list("block", shown(call, &answered), next))
}

/// The new blocks and all that follow them, which is what Notion answers unless they come last.
/// Source: recorded answers of September 2025 and June 2026.
fn and_all_after(call: &Call<'_>, id: Uuid, made: Vec<Uuid>) -> Vec<Uuid> {
    let Some(block) = call.state.content.blocks.get(&id) else { return made };
    let siblings = call.state.content.live_children(block).map(|child| child.id);
    let from_first = siblings.skip_while(|child| Some(child) != made.first());
    from_first.filter(|child| call.view().sees(*child)).collect()
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
    call.may_edit(id, in_trash)?;
    let new = read::update(&at, &block.body)?;
    if let Some(new) = &new {
        fit::change(call, block, new)?;
    }
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
    call.block(id)?;
    call.may_edit(id, None)?;
    let stamp = call.stamp();
    call.state.content.touch(id, stamp);
    if let Some(block) = call.state.content.blocks.get_mut(&id) {
        block.in_trash = true;
    }
    Ok(call.view().block(call.block(id)?))
}
