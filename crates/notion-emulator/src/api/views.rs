//! Views: the tabs of a database and the widgets of its dashboards. A token reaches a view with its database. Source:
//! Notion, "Working with views" and the reference pages of the endpoints (read 2026-11-22).

mod place;
pub(super) mod queries;
mod settings;

use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::{At, uuid_of};
use super::failure::Failure;
use super::show;
use crate::content::ids::Marker;
use crate::content::view::{SavedView, VIEW_KINDS};
use place::Home;

/// Versions that know no data sources know no views: for them it is as if there were no such address (a guess; the
/// guide says only that views need 2025-09-03 or later).
pub(super) fn needs_version(call: &Call<'_>) -> Result<(), Failure> {
    if call.version.has_data_sources() { Ok(()) } else { Err(Failure::invalid_request_url()) }
}

/// A view within reach. (How Notion words its absence is a guess.)
pub(super) fn find<'a>(call: &'a Call<'_>, id: Uuid) -> Result<&'a SavedView, Failure> {
    let found = call.state.content.views.get(&id);
    call.within("view", id, found.map(|view| view.database))?;
    found.ok_or_else(|| Failure::not_found("view", id, call.caller))
}

/// The view that the path names, to be changed: not in a database in the trash.
fn find_to_change<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a SavedView, Failure> {
    let view = find(call, call.path_id("view_id", id)?)?;
    call.may_edit(view.database, None)?;
    Ok(view)
}

fn shown(call: &Call<'_>, id: Uuid) -> Answer {
    let view = call.state.content.views.get(&id);
    view.map(|view| call.view().saved_view(view)).ok_or_else(Failure::invalid_request_url)
}

/// `GET views?database_id=&data_source_id=`
pub(crate) fn list(call: &mut Call<'_>) -> Answer {
    needs_version(call)?;
    call.needs_read()?;
    let database = asked(call, "database_id")?.map(|id| call.database(id)).transpose()?;
    let source = asked(call, "data_source_id")?.map(|id| call.data_source(id)).transpose()?;
    let views = &call.state.content.views;
    let all: Vec<Uuid> = match (database, source) {
        // The widgets of a dashboard are none of the database's tabs (a guess).
        (Some(database), _) => {
            let tabs = call.state.content.databases.get(&database).map_or(&[][..], |found| &found.views);
            let over = |id: &&Uuid| {
                source.is_none() || views.get(*id).is_some_and(|view| view.data_source == source)
            };
            tabs.iter().filter(over).copied().collect()
        }
        (None, Some(_)) => {
            let over = |view: &&SavedView| view.data_source == source && call.reaches(view.database);
            let mut found: Vec<&SavedView> = views.values().filter(over).collect();
            found.sort_by_key(|view| (view.created.at, view.id));
            found.iter().map(|view| view.id).collect()
        }
        (None, None) => {
            let message = "At least one of database_id or data_source_id must be provided.";
            return Err(Failure::validation(message));
        }
    };
    let (ids, next) = call.slice_of_query()?.cut(&all)?;
    let results = ids.iter().map(|id| serde_json::json!({"object": "view", "id": id})).collect();
    Ok(show::list("view", results, next))
}

/// An id among the query's parameters.
fn asked(call: &Call<'_>, name: &str) -> Result<Option<Uuid>, Failure> {
    let Some(text) = call.parameter(name) else { return Ok(None) };
    uuid_of(text).map(Some).ok_or_else(|| {
        Failure::validation(format!(
            "query failed validation: query.{name} should be a valid uuid or `undefined`, instead was `\"{text}\"`."
        ))
    })
}

/// `GET views/{view_id}`
pub(crate) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    needs_version(call)?;
    call.needs_read()?;
    let id = find(call, call.path_id("view_id", id)?)?.id;
    shown(call, id)
}

/// `POST views`. Both capabilities are needed, as its reference page says; the guide's table has them as alternatives.
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    needs_version(call)?;
    call.needs_insert()?;
    call.needs_update()?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&[
        "data_source_id",
        "name",
        "type",
        "database_id",
        "view_id",
        "filter",
        "sorts",
        "quick_filters",
        "create_database",
        "configuration",
        "position",
        "placement",
    ])?;
    let kind = at.get("type").one_of(&VIEW_KINDS)?;
    let source = at.get("data_source_id").uuid()?;
    let home = Home::read(call, &at, kind)?;
    // To show rows one needs to see them, not to edit them.
    if !call.state.content.data_sources.contains_key(&source) || !call.reaches(source) {
        return Err(Failure::not_found("data_source", source, call.caller));
    }
    if matches!(home, Home::Linked { .. }) {
        call.needs_room()?;
    }
    let (database, id, stamp) = (home.database(call), call.new_id(Marker::View), call.stamp());
    let mut view = SavedView::new(id, database, source, kind, stamp);
    view.dashboard = home.dashboard();
    settings::apply(call, &at, &mut view, false)?;
    home.put(call, view);
    shown(call, id)
}

/// `PATCH views/{view_id}`. Its type stays as it is: naming another changes nothing. Source: users' reports of spring
/// 2026.
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    needs_version(call)?;
    call.needs_update()?;
    let mut view = find_to_change(call, id)?.clone();
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["name", "filter", "sorts", "quick_filters", "configuration", "type"])?;
    settings::apply(call, &at, &mut view, true)?;
    view.edited = call.stamp();
    let id = view.id;
    call.state.content.views.insert(id, view);
    shown(call, id)
}

/// `DELETE views/{view_id}`: for good.
pub(crate) fn delete(call: &mut Call<'_>, id: &str) -> Answer {
    needs_version(call)?;
    call.needs_update()?;
    let view = find_to_change(call, id)?;
    let tabs = call.state.content.databases.get(&view.database).map_or(&[][..], |database| &database.views);
    if tabs == [view.id] {
        // That it is refused is documented, how is a guess.
        return Err(Failure::validation(
            "Cannot delete the last view of a database. Move the database to the trash instead.",
        ));
    }
    let (id, last) = (view.id, show::view::partial(view));
    call.state.content.remove_view(id);
    Ok(last)
}
