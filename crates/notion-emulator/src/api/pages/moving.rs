//! `POST pages/{page_id}/move`: a page, with all below it, gets another parent.
//! Source: Notion, "Move a page" (read 2026-11-27). What becomes of a row's properties is not documented: here a page
//! keeps its title, and between tables what has a column of the same name and type there.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::call::{Answer, Call};
use super::super::check::At;
use super::super::failure::Failure;
use super::number;
use crate::clock::Ids;
use crate::content::Content;
use crate::content::block::Parent;
use crate::content::convert::convert;
use crate::content::property::{Kind, Property, Stored, TITLE};

/// `POST pages/{page_id}/move`
pub(crate) fn relocate(call: &mut Call<'_>, id: &str) -> Answer {
    // The reference asks for permission to edit pages; whether inserting is needed too is unknown.
    call.needs_update()?;
    let id = call.page(call.path_id("page_id", id)?)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["parent"])?;
    let parent = target(call, &at.get("parent"))?;
    call.may_edit(id, None)?;
    let above = match parent {
        Parent::Page(above) | Parent::DataSource(above) => above,
        Parent::Block(_) | Parent::Workspace => return Err(Failure::invalid_request_url()),
    };
    call.may_edit(above, None)?;
    // The words are a guess.
    if call.state.content.upwards(above).any(|ancestor| ancestor == id) {
        return Err(Failure::validation("A page cannot be moved into itself or a page below it."));
    }
    call.needs_depth(above, Some(id))?;
    carry(call, id, parent);
    call.state.content.touch(id, call.stamp());
    call.view().page(id, &[]).ok_or_else(Failure::invalid_request_url)
}

/// Where the page is to go. A database with one data source may stand for it, as a page.
fn target(call: &Call<'_>, at: &At<'_>) -> Result<Parent, Failure> {
    let kind = at.variant(&["page_id", "data_source_id"])?;
    at.only(&["type", kind])?;
    let id = at.get(kind).uuid()?;
    if kind == "data_source_id" {
        return Ok(Parent::DataSource(call.data_source(id)?));
    }
    if call.state.content.databases.contains_key(&id) {
        return Ok(Parent::DataSource(call.only_data_source(call.database(id)?)?));
    }
    Ok(Parent::Page(call.page(id)?))
}

/// Moves the page with the values that it can keep.
fn carry(call: &mut Call<'_>, id: Uuid, parent: Parent) {
    let content = &call.state.content;
    let (Some(block), Some(before)) = (content.blocks.get(&id), content.pages.get(&id).cloned()) else {
        return;
    };
    if block.parent == parent {
        return;
    }
    let old = content.columns(block).to_vec();
    let mut new = content.columns_below(parent).to_vec();
    let values = kept(content, &before.values, &old, &mut new, &mut call.state.ids);

    // First out of the old table, so that the other sides of its relations let go; then into the new one.
    let content = &mut call.state.content;
    if let Some(page) = content.pages.get_mut(&id) {
        page.values.retain(|column, _| column == TITLE);
        page.private_to = None;
    }
    content.keep_in_step(id, Some(&before));
    content.rehang(id, parent);
    if let Some(page) = content.pages.get_mut(&id) {
        page.values.extend(values);
    }
    if let Parent::DataSource(source) = parent
        && let (Some(source), Some(page)) =
            (content.data_sources.get_mut(&source), content.pages.get_mut(&id))
    {
        source.properties = new;
        number(source, page);
    }
    content.keep_in_step(id, None);
}

/// The values that the new columns can hold, by their ids; choices are known by name, and made if need be.
fn kept(
    content: &Content,
    values: &HashMap<String, Stored>,
    old: &[Property],
    new: &mut [Property],
    ids: &mut Ids,
) -> HashMap<String, Stored> {
    let mut kept = HashMap::new();
    for from in old {
        let to = new.iter_mut().find(|to| to.name == from.name && to.kind.name() == from.kind.name());
        let (Some(value), Some(to)) = (values.get(&from.id), to) else { continue };
        let value = match (value, &to.kind) {
            (Stored::UniqueId(_), _) => None,
            (Stored::Choice(_) | Stored::Choices(_), _) => {
                convert(content, value, &from.kind, &mut to.kind, ids)
            }
            (Stored::Relation(_), Kind::Relation(relation)) => {
                let same =
                    matches!(&from.kind, Kind::Relation(had) if had.data_source == relation.data_source);
                same.then(|| value.clone())
            }
            _ => Some(value.clone()),
        };
        kept.extend(value.map(|value| (to.id.clone(), value)));
    }
    kept
}
