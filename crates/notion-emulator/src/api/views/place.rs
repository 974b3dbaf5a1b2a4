//! Where a new view goes: among the tabs of a database, on a dashboard, or in a linked database of its own.

use uuid::Uuid;

use super::super::call::Call;
use super::super::check::At;
use super::super::failure::Failure;
use super::find;
use crate::content::Place;
use crate::content::block::{Block, Body, Parent};
use crate::content::database::Database;
use crate::content::ids::Marker;
use crate::content::view::{SavedView, WidgetRow};

/// How many widgets a row of a dashboard holds. Source: Notion, "Working with views" (read 2026-11-22).
const WIDGETS_MAX: usize = 4;

/// A place that is there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Home {
    Tab {
        database: Uuid,
        place: Place,
    },
    Widget {
        dashboard: Uuid,
        database: Uuid,
        row: WidgetRow,
    },
    /// A database to be made on this page.
    Linked {
        page: Uuid,
        place: Place,
    },
}

impl Home {
    /// Reads the one place that the body names.
    pub(super) fn read(call: &Call<'_>, at: &At<'_>, kind: &str) -> Result<Self, Failure> {
        let named = ["database_id", "view_id", "create_database"].map(|key| at.get(key).is_defined());
        let (position, placement) = (at.get("position"), at.get("placement"));
        match named {
            // That `position` and `placement` are for one place each is documented, the words are a guess.
            [false, ..] if position.is_defined() => Err(position.should("not present").into()),
            [_, false, _] if placement.is_defined() => Err(placement.should("not present").into()),
            [true, false, false] => tab(call, at),
            [false, true, false] => widget(call, at, kind),
            [false, false, true] => linked(call, &at.get("create_database")),
            // Source: users' reports of spring 2026.
            _ => Err(Failure::validation(
                "Exactly one of database_id, view_id, or create_database must be provided.",
            )),
        }
    }

    /// Puts the view there; `view` has its database's id from [`Self::database`].
    pub(super) fn put(self, call: &mut Call<'_>, view: SavedView) {
        match self {
            Self::Tab { place, .. } => call.state.content.insert_tab(view, place),
            Self::Widget { row, .. } => {
                let ids = [call.state.ids.uuid(), call.state.ids.uuid()];
                call.state.content.insert_widget(view, ids, row);
            }
            Self::Linked { page, place } => {
                let block = Block {
                    id: view.database,
                    workspace: call.caller.workspace_id,
                    parent: Parent::Page(page),
                    created: view.created,
                    edited: view.created,
                    in_trash: false,
                    children: Vec::new(),
                    body: Body::ChildDatabase,
                };
                let content = &mut call.state.content;
                // It has no title and no data source of its own (a guess).
                content.databases.insert(view.database, Database::default());
                content.insert(block, place);
                content.touch(page, view.created);
                content.insert_tab(view, Place::End);
            }
        }
    }

    /// The database that the view shows in.
    pub(super) fn database(self, call: &mut Call<'_>) -> Uuid {
        match self {
            Self::Tab { database, .. } | Self::Widget { database, .. } => database,
            Self::Linked { .. } => call.new_id(Marker::Plain),
        }
    }

    /// The dashboard that it is on.
    pub(super) fn dashboard(self) -> Option<Uuid> {
        match self {
            Self::Widget { dashboard, .. } => Some(dashboard),
            _ => None,
        }
    }
}

fn tab(call: &Call<'_>, at: &At<'_>) -> Result<Home, Failure> {
    let database = call.database(at.get("database_id").uuid()?)?;
    call.may_edit(database, None)?;
    let position = at.get("position");
    if !position.is_defined() {
        return Ok(Home::Tab { database, place: Place::End });
    }
    let place = match position.get("type").one_of(&["start", "end", "after_view"])? {
        "start" => Place::Start,
        "end" => Place::End,
        _ => {
            let id = position.get("view_id").uuid()?;
            let tabs = call.state.content.databases.get(&database).map_or(&[][..], |found| &found.views);
            if !tabs.contains(&id) {
                return Err(Failure::not_found("view", id, call.caller));
            }
            Place::After(id)
        }
    };
    Ok(Home::Tab { database, place })
}

/// What is refused here is documented; the words are a guess.
fn widget(call: &Call<'_>, at: &At<'_>, kind: &str) -> Result<Home, Failure> {
    let on = find(call, at.get("view_id").uuid()?)?;
    call.may_edit(on.database, None)?;
    if on.kind != "dashboard" {
        return Err(Failure::validation("view_id must be the ID of a dashboard view."));
    }
    if kind == "dashboard" {
        return Err(Failure::validation("A dashboard cannot be a widget of another dashboard."));
    }
    let placement = at.get("placement");
    let index = |last: usize| -> Result<usize, Failure> {
        let index = placement.get("row_index").integer(0, last as u64)?;
        Ok(usize::try_from(index).unwrap_or(last))
    };
    let rows = &on.rows;
    let which = if placement.is_defined() {
        placement.get("type").one_of(&["new_row", "existing_row"])?
    } else {
        "new_row"
    };
    let row = match which {
        "existing_row" => {
            let last = rows.len().checked_sub(1);
            let last = last.ok_or_else(|| Failure::validation("The dashboard has no rows yet."))?;
            let at = index(last)?;
            if rows.get(at).is_some_and(|row| row.widgets.len() >= WIDGETS_MAX) {
                return Err(Failure::validation(format!(
                    "A dashboard row holds at most {WIDGETS_MAX} widgets."
                )));
            }
            WidgetRow::Existing(at)
        }
        _ if placement.get("row_index").is_defined() => WidgetRow::New(index(rows.len())?),
        _ => WidgetRow::New(rows.len()),
    };
    Ok(Home::Widget { dashboard: on.id, database: on.database, row })
}

fn linked(call: &Call<'_>, at: &At<'_>) -> Result<Home, Failure> {
    at.only(&["parent", "position"])?;
    let parent = at.get("parent");
    parent.get("type").one_of(&["page_id"])?;
    let page = call.page(parent.get("page_id").uuid()?)?;
    call.may_edit(page, None)?;
    call.needs_depth(page, None)?;
    let block = call.block(page)?;
    let position = at.get("position");
    let mut place = Place::End;
    if position.is_defined() {
        position.get("type").one_of(&["after_block"])?;
        let after = position.get("block_id").uuid()?;
        if !block.children.contains(&after) {
            return Err(Failure::not_found("block", after, call.caller));
        }
        place = Place::After(after);
    }
    Ok(Home::Linked { page, place })
}
