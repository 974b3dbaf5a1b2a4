//! Databases: the containers, and for older versions the one table in them.

use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::read::file::{cover, icon};
use super::read::rich_text::rich_text;
use super::read::schema;
use crate::content::Place;
use crate::content::block::{Block, Body, Parent};
use crate::content::database::{DataSource, Database};
use crate::content::ids::Marker;

/// `POST databases`
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    call.needs_insert()?;
    call.needs_room()?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    let new = call.version.has_data_sources();
    let table = if new { "initial_data_source" } else { "properties" };
    at.only(&["parent", "title", "description", "is_inline", "icon", "cover", table])?;
    let parent = at.get("parent");
    let kind = parent.variant(&["page_id", "workspace"])?;
    if kind == "workspace" {
        return Err(Failure::not_implemented_part("databases at the top level"));
    }
    let parent = call.page(parent.get("page_id").uuid()?)?;
    let database = Database {
        title: at.get("title").optional(rich_text)?.unwrap_or_default(),
        description: at.get("description").optional(rich_text)?.unwrap_or_default(),
        icon: at.get("icon").optional_nullable(icon)?.flatten(),
        cover: at.get("cover").optional_nullable(cover)?.flatten(),
        is_inline: at.get("is_inline").optional(At::boolean)?.unwrap_or(false),
        is_locked: false,
        data_sources: Vec::new(),
    };
    let source = at.get("initial_data_source");
    let properties = if new { source.get("properties") } else { at.get("properties") };
    let columns = schema::new(&properties, &mut call.state.ids)?;
    let title = if source.is_defined() { source.get("title").optional(rich_text)? } else { None };
    let source_icon =
        if source.is_defined() { source.get("icon").optional_nullable(icon)?.flatten() } else { None };
    let title = title.unwrap_or_else(|| database.title.clone());

    let (id, stamp, workspace) = (call.new_id(Marker::Plain), call.stamp(), call.caller.workspace_id);
    let source_id = call.new_id(Marker::DataSource);
    let block = Block {
        id,
        workspace,
        parent: Parent::Page(parent),
        created: stamp,
        edited: stamp,
        in_trash: false,
        children: Vec::new(),
        body: Body::ChildDatabase,
    };
    let made = DataSource {
        id: source_id,
        database: id,
        workspace,
        created: stamp,
        edited: stamp,
        title,
        description: Vec::new(),
        icon: source_icon,
        in_trash: false,
        properties: columns,
        rows: Vec::new(),
        last_unique_id: 0,
    };
    let content = &mut call.state.content;
    content.databases.insert(id, Database { data_sources: vec![source_id], ..database });
    content.data_sources.insert(source_id, made);
    content.insert(block, Place::End);
    shown(call, id)
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

/// `PATCH databases/{database_id}`
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_update()?;
    let id = call.database(call.path_id("database_id", id)?)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    let mut known = vec![
        "parent",
        "title",
        "description",
        "is_inline",
        "icon",
        "cover",
        "in_trash",
        "archived",
        "is_locked",
    ];
    if !call.version.has_data_sources() {
        known.push("properties");
    }
    at.only(&known)?;
    if at.get("parent").is_defined() {
        return Err(Failure::not_implemented_part("moving a database"));
    }
    let in_trash = call.trash_flag(&at)?;
    let mut database = call.state.content.databases.get(&id).cloned().unwrap_or_default();
    if let Some(title) = at.get("title").optional(rich_text)? {
        database.title = title;
    }
    if let Some(description) = at.get("description").optional(rich_text)? {
        database.description = description;
    }
    if let Some(icon) = at.get("icon").optional_nullable(icon)? {
        database.icon = icon;
    }
    if let Some(cover) = at.get("cover").optional_nullable(cover)? {
        database.cover = cover;
    }
    database.is_inline = at.get("is_inline").optional(At::boolean)?.unwrap_or(database.is_inline);
    database.is_locked = at.get("is_locked").optional(At::boolean)?.unwrap_or(database.is_locked);
    let properties = at.get("properties");
    if properties.is_defined() {
        let source = call.only_data_source(id)?;
        super::data_sources::reshape(call, source, &properties)?;
    }
    let stamp = call.stamp();
    let content = &mut call.state.content;
    content.databases.insert(id, database);
    if let Some(block) = content.blocks.get_mut(&id) {
        block.in_trash = in_trash.unwrap_or(block.in_trash);
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
