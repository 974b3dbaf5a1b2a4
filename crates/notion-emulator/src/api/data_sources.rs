//! Data sources: the tables in a database.

use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::read::file::icon;
use super::read::rich_text::rich_text;
use super::read::schema;
use crate::content::database::DataSource;
use crate::content::ids::Marker;

/// `POST data_sources`: one more table in a database.
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    call.needs_insert()?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["parent", "properties", "title", "icon"])?;
    let database = call.database(at.get("parent").get("database_id").uuid()?)?;
    let properties = at.get("properties");
    properties.object()?;
    let (id, stamp) = (call.new_id(Marker::DataSource), call.stamp());
    let made = DataSource {
        id,
        database,
        workspace: call.caller.workspace_id,
        created: stamp,
        edited: stamp,
        title: at.get("title").optional(rich_text)?.unwrap_or_default(),
        description: Vec::new(),
        icon: at.get("icon").optional_nullable(icon)?.flatten(),
        in_trash: false,
        properties: schema::new(&properties, &mut call.state.ids)?,
        rows: Vec::new(),
        last_unique_id: 0,
    };
    let content = &mut call.state.content;
    content.data_sources.insert(id, made);
    if let Some(database) = content.databases.get_mut(&database) {
        database.data_sources.push(id);
    }
    content.touch(database, stamp);
    shown(call, id)
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
    if at.get("parent").is_defined() {
        return Err(Failure::not_implemented_part("moving a data source"));
    }
    let in_trash = call.trash_flag(&at)?;
    let title = at.get("title").optional(rich_text)?;
    let description = at.get("description").optional(rich_text)?;
    let icon = at.get("icon").optional_nullable(icon)?;
    let properties = at.get("properties");
    if properties.is_defined() {
        reshape(call, id, &properties)?;
    }
    let stamp = call.stamp();
    if let Some(source) = call.state.content.data_sources.get_mut(&id) {
        source.title = title.unwrap_or_else(|| std::mem::take(&mut source.title));
        source.description = description.unwrap_or_else(|| std::mem::take(&mut source.description));
        source.icon = icon.unwrap_or_else(|| source.icon.take());
        source.in_trash = in_trash.unwrap_or(source.in_trash);
        source.edited = stamp;
    }
    shown(call, id)
}

/// Changes the columns; what rows held in a column that went, or that holds something else now, goes too.
pub(crate) fn reshape(call: &mut Call<'_>, id: Uuid, at: &At<'_>) -> Result<(), Failure> {
    let Some(source) = call.state.content.data_sources.get(&id) else { return Ok(()) };
    let (before, rows) = (source.properties.clone(), source.rows.clone());
    let mut columns = before.clone();
    schema::update(at, &mut columns, &mut call.state.ids)?;
    for column in &columns {
        if let crate::content::property::Kind::Relation(to) = &column.kind {
            call.data_source(to.data_source)?;
        }
    }
    let same = |id: &str| {
        let kind = |columns: &[crate::content::property::Property]| {
            columns.iter().find(|column| column.id == id).map(|column| column.kind.name())
        };
        kind(&before) == kind(&columns)
    };
    let gone: Vec<String> = before.iter().map(|column| column.id.clone()).filter(|id| !same(id)).collect();
    for row in rows {
        if let Some(page) = call.state.content.pages.get_mut(&row) {
            page.values.retain(|id, _| !gone.contains(id));
        }
    }
    if let Some(source) = call.state.content.data_sources.get_mut(&id) {
        source.properties = columns;
    }
    Ok(())
}

/// `POST data_sources/{data_source_id}/query`
pub(crate) fn query(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let id = call.data_source(call.path_id("data_source_id", id)?)?;
    super::query::run(call, id)
}
