//! Databases: the containers, and for older versions the one table in them.

use serde_json::Value;
use uuid::Uuid;

use super::blocks::addresses::check_texts;
use super::call::{Answer, Call};
use super::check::{At, Faults, Invalid};
use super::failure::Failure;
use super::read::file::{cover, icon};
use super::read::rich_text::rich_text;
use super::{schema, show};
use crate::content::Place;
use crate::content::block::{Block, Body, Parent};
use crate::content::database::Database;
use crate::content::ids::Marker;
use crate::content::view::SavedView;

/// `POST databases`
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    call.needs_insert()?;
    call.needs_room()?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    let new = call.version.has_data_sources();
    let table = if new { "initial_data_source" } else { "properties" };
    at.object()?;
    let mut faults = Faults::default();
    let hangs_from = faults.some(named_parent(&at.get("parent")));
    let database = Database {
        title: faults.note(at.get("title").optional(rich_text)).unwrap_or_default(),
        description: faults.note(at.get("description").optional(rich_text)).unwrap_or_default(),
        icon: faults.note(at.get("icon").optional_nullable(icon)).flatten(),
        cover: faults.note(at.get("cover").optional_nullable(cover)).flatten(),
        is_inline: faults.note(at.get("is_inline").optional(At::boolean)).unwrap_or(false),
        is_locked: false,
        data_sources: Vec::new(),
        views: Vec::new(),
    };
    // Since there are data sources, columns stand in one; those that stand where they were are passed over in silence.
    // Source: users' reports, 2025 and 2026.
    let known = ["parent", "title", "description", "is_inline", "icon", "cover", "properties", table];
    faults.note(at.only(&known));
    faults.end()?;
    check_texts([database.title.as_slice(), database.description.as_slice()])?;
    let parent = parent(call, hangs_from)?;
    if let Parent::Page(page) = parent {
        call.needs_depth(page, None)?;
    }
    let source = at.get(table);
    let properties = if new { source.get("properties") } else { source.clone() };
    if source.is_defined() && new {
        source.only(&["properties"])?;
    }
    if !new {
        properties.object()?;
    }
    let plan = schema::new(call, &properties)?;
    let (id, stamp) = (call.new_id(Marker::Plain), call.stamp());
    let block = Block {
        id,
        workspace: call.caller.workspace_id,
        parent,
        created: stamp,
        edited: stamp,
        in_trash: false,
        children: Vec::new(),
        body: Body::ChildDatabase,
    };
    let (title, icon, description) =
        (database.title.clone(), database.icon.clone(), database.description.clone());
    let content = &mut call.state.content;
    content.databases.insert(id, database);
    content.insert(block, Place::End);
    content.note_maker(call.caller.bot_id, id, parent);
    let source = super::data_sources::add(call, id, title, icon, plan);
    if let Some(source) = call.state.content.namesake(id) {
        source.description = description;
    }
    // Its id has none of the usual marks. Source: recorded answers of July 2026.
    let view = call.state.ids.uuid();
    call.state.content.insert_tab(SavedView::new(view, id, source, "table", stamp), Place::End);
    shown(call, id)
}

/// What a request says that a database is to hang from.
fn named_parent(at: &At<'_>) -> Result<(&'static str, Option<Uuid>), Invalid> {
    at.alternative(&["page_id", "workspace"], |kind, at| {
        Ok((kind, if kind == "workspace" { at.boolean().map(|_| None)? } else { Some(at.uuid()?) }))
    })
}

/// What a database is to hang from.
fn parent(call: &Call<'_>, named: Option<(&'static str, Option<Uuid>)>) -> Result<Parent, Failure> {
    let Some((_, Some(page))) = named else {
        if call.caller.owner.is_some() {
            return Ok(Parent::Workspace);
        }
        // The wording is a guess, after that for pages.
        return Err(Failure::validation(
            "Internal integrations aren't owned by a single user, so creating workspace-level private databases is not \
             supported.",
        ));
    };
    let page = call.page(page)?;
    if call.state.content.lives(page) { Ok(Parent::Page(page)) } else { Err(Failure::in_trash()) }
}

fn shown(call: &Call<'_>, id: Uuid) -> Answer {
    call.view().database(id).ok_or_else(Failure::invalid_request_url)
}

/// `GET databases/{database_id}`
pub(crate) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let id = call.database(call.path_id("database_id", id)?)?;
    if !call.version.has_data_sources() {
        call.only_data_source(id)?;
    }
    shown(call, id)
}

/// `GET databases`, for versions that know no data sources: all that the token reaches, those edited last first. Databases
/// that these versions cannot show are left out. Source: Notion, "List databases", deprecated (read 2026-11-27).
pub(crate) fn list(call: &Call<'_>) -> Answer {
    if call.version.has_data_sources() {
        return Err(Failure::invalid_request_url());
    }
    call.needs_read()?;
    let content = &call.state.content;
    let shown = |id: &&Uuid| content.lives(**id) && call.only_data_source(**id).is_ok() && call.reaches(**id);
    let mut ids: Vec<Uuid> = content.databases.keys().filter(shown).copied().collect();
    ids.sort_by_key(|id| (std::cmp::Reverse(content.blocks.get(id).map(|block| block.edited.at)), *id));
    let (ids, next) = call.slice_of_query()?.cut(&ids)?;
    let view = call.view();
    let results: Vec<Value> = ids.into_iter().filter_map(|id| view.database(id)).collect();
    Ok(show::list("database", results, next))
}

/// `PATCH databases/{database_id}`
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_update()?;
    let id = call.database(call.path_id("database_id", id)?)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    let known =
        ["parent", "title", "description", "is_inline", "icon", "cover", "in_trash", "archived", "is_locked"];
    // That columns are passed over here too, where they stood before there were data sources, is a guess.
    at.only(&known.into_iter().chain(["properties"]).collect::<Vec<_>>())?;
    let in_trash = call.trash_flag(&at)?;
    call.may_edit(id, in_trash)?;
    let parent = at.get("parent");
    let parent =
        if parent.is_defined() { Some(self::parent(call, Some(named_parent(&parent)?))?) } else { None };
    if let Some(Parent::Page(to)) = parent {
        if call.state.content.upwards(to).any(|above| above == id) {
            // The wording is a guess.
            return Err(Failure::validation("A database cannot be moved into itself."));
        }
        call.needs_depth(to, Some(id))?;
    }
    let mut database = call.state.content.databases.get(&id).cloned().unwrap_or_default();
    let title = at.get("title").optional(rich_text)?;
    let description = at.get("description").optional(rich_text)?;
    let icon = at.get("icon").optional_nullable(icon)?;
    database.title = title.clone().unwrap_or(database.title);
    database.description = description.clone().unwrap_or(database.description);
    database.icon = icon.clone().unwrap_or(database.icon);
    if let Some(cover) = at.get("cover").optional_nullable(cover)? {
        database.cover = cover;
    }
    database.is_inline = at.get("is_inline").optional(At::boolean)?.unwrap_or(database.is_inline);
    database.is_locked = at.get("is_locked").optional(At::boolean)?.unwrap_or(database.is_locked);
    if !call.version.has_data_sources() {
        let source = call.only_data_source(id)?;
        let properties = at.get("properties");
        if properties.is_defined() {
            schema::update(call, source, &properties)?;
        }
    }
    let stamp = call.stamp();
    let content = &mut call.state.content;
    content.databases.insert(id, database);
    if let Some(source) = content.namesake(id) {
        source.title = title.unwrap_or_else(|| std::mem::take(&mut source.title));
        source.description = description.unwrap_or_else(|| std::mem::take(&mut source.description));
        source.icon = icon.unwrap_or_else(|| source.icon.take());
    }
    if let Some(parent) = parent {
        content.rehang(id, parent);
        content.note_maker(call.caller.bot_id, id, parent);
    }
    if let (Some(in_trash), Some(block)) = (in_trash, content.blocks.get_mut(&id)) {
        block.in_trash = in_trash;
    }
    content.touch(id, stamp);
    shown(call, id)
}

/// `POST databases/{database_id}/query`, for versions that know no data sources.
pub(crate) fn query(call: &mut Call<'_>, id: &str) -> Answer {
    if call.version.has_data_sources() {
        return Err(Failure::invalid_request_url());
    }
    call.needs_read()?;
    let id = call.database(call.path_id("database_id", id)?)?;
    let source = call.only_data_source(id)?;
    super::query::run(call, source)
}
