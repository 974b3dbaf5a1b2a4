//! Views: how a database shows the rows of a data source. A view is a tab of one database, or a widget on a dashboard,
//! which is a tab itself. Its data source may be another database's: that is what a linked database is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::block::Stamp;
use super::words::{Word, known_word};
use super::{Content, Place};

/// The layouts that a view can have. Source: Notion, "View" (read 2026-11-22).
pub(crate) const VIEW_KINDS: [&str; 10] =
    ["table", "board", "list", "calendar", "timeline", "gallery", "form", "chart", "map", "dashboard"];

/// The name of the view that a new database has. Source: Notion, "Working with views" (read 2026-11-22).
pub(crate) const DEFAULT_NAME: &str = "Default view";

/// A view. Columns are named in it by their ids, however the request named them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedView {
    pub(crate) id: Uuid,
    /// Where it shows.
    pub(crate) database: Uuid,
    /// Whose rows it shows; a dashboard has none of its own.
    pub(crate) data_source: Option<Uuid>,
    /// The dashboard that it is a widget of.
    pub(crate) dashboard: Option<Uuid>,
    pub(crate) name: String,
    /// One of [`VIEW_KINDS`].
    #[serde(deserialize_with = "known_word")]
    pub(crate) kind: Word,
    pub(crate) created: Stamp,
    pub(crate) edited: Stamp,
    /// As a query takes it.
    pub(crate) filter: Option<Value>,
    /// As a query takes them, at least one.
    pub(crate) sorts: Option<Value>,
    /// By column: a filter's condition without its column, or nothing yet.
    pub(crate) quick_filters: Map<String, Value>,
    /// What its layout is set to, by the names that the API has for it.
    pub(crate) configuration: Option<Map<String, Value>>,
    /// Of dashboards only.
    pub(crate) rows: Vec<DashboardRow>,
}

/// A row of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DashboardRow {
    pub(crate) id: Uuid,
    pub(crate) widgets: Vec<Widget>,
}

/// A place on a dashboard where a view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Widget {
    pub(crate) id: Uuid,
    pub(crate) view: Uuid,
}

impl SavedView {
    /// A view over `data_source` as it is before anything is set.
    pub(crate) fn new(id: Uuid, database: Uuid, data_source: Uuid, kind: Word, stamp: Stamp) -> Self {
        let data_source = (kind != "dashboard").then_some(data_source);
        Self {
            id,
            database,
            data_source,
            dashboard: None,
            name: DEFAULT_NAME.to_owned(),
            kind,
            created: stamp,
            edited: stamp,
            filter: None,
            sorts: None,
            quick_filters: Map::new(),
            configuration: blank(kind),
            rows: Vec::new(),
        }
    }
}

/// What a layout is set to when nobody said. Source: recorded answers of July 2026, which show `{"type": "table"}`.
/// Layouts that cannot be without a setting, such as what a board groups by, have none of them: a guess.
fn blank(kind: Word) -> Option<Map<String, Value>> {
    let needs_more = matches!(kind, "board" | "calendar" | "timeline" | "chart" | "dashboard");
    (!needs_more).then(|| Map::from_iter([("type".to_owned(), kind.into())]))
}

impl Content {
    /// Puts a new view among its database's tabs.
    pub(crate) fn insert_tab(&mut self, view: SavedView, place: Place) {
        if let Some(database) = self.databases.get_mut(&view.database) {
            let at = place.index(&database.views);
            database.views.insert(at, view.id);
        }
        self.views.insert(view.id, view);
    }

    /// Puts a new view on its dashboard: in `row`, or in a new one before it.
    pub(crate) fn insert_widget(&mut self, view: SavedView, ids: [Uuid; 2], row: WidgetRow) {
        let [widget, new_row] = ids;
        let widget = Widget { id: widget, view: view.id };
        if let Some(dashboard) = view.dashboard.and_then(|id| self.views.get_mut(&id)) {
            match row {
                WidgetRow::New(at) => {
                    let at = at.min(dashboard.rows.len());
                    dashboard.rows.insert(at, DashboardRow { id: new_row, widgets: vec![widget] });
                }
                WidgetRow::Existing(at) => {
                    if let Some(row) = dashboard.rows.get_mut(at) {
                        row.widgets.push(widget);
                    }
                }
            }
        }
        self.views.insert(view.id, view);
    }

    /// Takes a view away, and with a dashboard its widgets.
    pub(crate) fn remove_view(&mut self, id: Uuid) {
        let Some(view) = self.views.remove(&id) else { return };
        if let Some(database) = self.databases.get_mut(&view.database) {
            database.views.retain(|tab| *tab != id);
        }
        if let Some(dashboard) = view.dashboard.and_then(|id| self.views.get_mut(&id)) {
            for row in &mut dashboard.rows {
                row.widgets.retain(|widget| widget.view != id);
            }
            dashboard.rows.retain(|row| !row.widgets.is_empty());
        }
        for widget in view.rows.iter().flat_map(|row| &row.widgets) {
            self.views.remove(&widget.view);
        }
    }
}

/// Where on a dashboard a widget goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WidgetRow {
    /// A new row, before the one at this index.
    New(usize),
    /// At the end of the row at this index.
    Existing(usize),
}
