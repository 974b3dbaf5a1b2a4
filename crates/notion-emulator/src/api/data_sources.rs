//! Data sources: the tables in a database.

use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::read::file::icon;
use super::read::rich_text::rich_text;
use super::read::schema::Plan;
use super::schema;
use crate::content::Place;
use crate::content::database::DataSource;
use crate::content::file::Icon;
use crate::content::ids::Marker;
use crate::content::rich_text::RichText;
use crate::content::view::SavedView;

/// `POST data_sources`: one more table in a database.
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    call.needs_insert()?;
    call.needs_room()?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["parent", "properties", "title", "icon"])?;
    let database = parent(call, &at.get("parent"))?;
    let properties = at.get("properties");
    properties.object()?;
    let title = at.get("title").optional(rich_text)?.unwrap_or_default();
    let icon = at.get("icon").optional_nullable(icon)?.flatten();
    let plan = schema::new(call, &properties)?;
    let id = add(call, database, title, icon, plan);
    let stamp = call.stamp();
    call.state.content.touch(database, stamp);
    shown(call, id)
}

/// The database that a data source is to be in.
fn parent(call: &Call<'_>, at: &At<'_>) -> Result<Uuid, Failure> {
    at.only(&["type", "database_id"])?;
    at.get("type").optional(|at| at.one_of(&["database_id"]))?;
    let database = call.database(at.get("database_id").uuid()?)?;
    if call.state.content.lives(database) { Ok(database) } else { Err(Failure::in_trash()) }
}

/// The database that a data source is to move to.
fn new_home(call: &Call<'_>, id: Uuid, at: &At<'_>) -> Result<Uuid, Failure> {
    let to = parent(call, at)?;
    if call.state.content.upwards(to).any(|above| above == id) {
        // The wording is a guess.
        return Err(Failure::validation("A data source cannot be moved into a database below it."));
    }
    call.needs_depth(to, Some(id))?;
    Ok(to)
}

/// Puts a new table into a database.
pub(crate) fn add(
    call: &mut Call<'_>,
    database: Uuid,
    title: Vec<RichText>,
    icon: Option<Icon>,
    plan: Plan,
) -> Uuid {
    let (id, stamp) = (call.new_id(Marker::DataSource), call.stamp());
    let made = DataSource {
        id,
        database,
        workspace: call.caller.workspace_id,
        created: stamp,
        edited: stamp,
        title,
        description: Vec::new(),
        icon,
        in_trash: false,
        properties: Vec::new(),
        rows: Vec::new(),
        last_unique_id: 0,
    };
    let content = &mut call.state.content;
    content.data_sources.insert(id, made);
    if let Some(database) = content.databases.get_mut(&database) {
        database.data_sources.push(id);
    }
    schema::settle(call, id, &[], plan);
    id
}

fn shown(call: &Call<'_>, id: Uuid) -> Answer {
    let source = call.state.content.data_sources.get(&id);
    source.map(|source| call.view().data_source(source)).ok_or_else(Failure::invalid_request_url)
}

/// `GET data_sources/{data_source_id}`
pub(crate) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let id = call.data_source(call.path_id("data_source_id", id)?)?;
    shown(call, id)
}

/// `PATCH data_sources/{data_source_id}`
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_update()?;
    let id = call.data_source(call.path_id("data_source_id", id)?)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["title", "description", "icon", "properties", "in_trash", "archived", "parent"])?;
    let in_trash = call.trash_flag(&at)?;
    call.may_edit(id, in_trash)?;
    let to = at.get("parent");
    let to = if to.is_defined() { Some(new_home(call, id, &to)?) } else { None };
    let title = at.get("title").optional(rich_text)?;
    let description = at.get("description").optional(rich_text)?;
    let icon = at.get("icon").optional_nullable(icon)?;
    let properties = at.get("properties");
    if properties.is_defined() {
        schema::update(call, id, &properties)?;
    }
    if let Some(to) = to {
        move_to(call, id, to);
    }
    let stamp = call.stamp();
    let content = &mut call.state.content;
    if let Some(source) = content.data_sources.get_mut(&id) {
        source.title = title.unwrap_or_else(|| std::mem::take(&mut source.title));
        source.description = description.unwrap_or_else(|| std::mem::take(&mut source.description));
        source.icon = icon.unwrap_or_else(|| source.icon.take());
        source.in_trash = in_trash.unwrap_or(source.in_trash);
        source.edited = stamp;
    }
    name_database(call, id);
    shown(call, id)
}

/// What the first data source of a database is called, the database is called too.
/// Source: recorded answers of June 2026.
fn name_database(call: &mut Call<'_>, id: Uuid) {
    let content = &mut call.state.content;
    let Some(source) = content.data_sources.get(&id) else { return };
    let Some(database) = content.databases.get_mut(&source.database) else { return };
    if database.data_sources.first() == Some(&id) {
        database.title.clone_from(&source.title);
        database.description.clone_from(&source.description);
        database.icon.clone_from(&source.icon);
    }
}

/// Moves a data source to another database, which gets a table view of it; the views that it has elsewhere stay there.
/// Source: Notion, "Update a data source" (read 2026-11-27).
fn move_to(call: &mut Call<'_>, id: Uuid, to: Uuid) {
    if call.state.content.data_sources.get(&id).is_some_and(|source| source.database == to) {
        return;
    }
    let (view, stamp) = (call.state.ids.uuid(), call.stamp());
    let content = &mut call.state.content;
    content.move_data_source(id, to);
    content.insert_tab(SavedView::new(view, to, id, "table", stamp), Place::End);
}

/// `POST data_sources/{data_source_id}/query`
pub(crate) fn query(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let id = call.data_source(call.path_id("data_source_id", id)?)?;
    super::query::run(call, id)
}
