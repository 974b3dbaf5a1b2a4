//! Views as JSON. Columns are named in them by their ids as they are, not percent-encoded as elsewhere, and in the
//! configuration also by their names. Source: users' reports of spring 2026 (answers with configured columns are not
//! among the recorded ones).

use serde_json::{Map, Value, json};

use super::{View, digits, exact, partial_user};
use crate::content::property::Property;
use crate::content::view::{DashboardRow, SavedView};

/// How many columns the grid of a dashboard has. Source: Notion, "Working with views" (read 2026-11-22).
const GRID: usize = 12;

/// Settings that group by a column.
const GROUPINGS: [&str; 4] = ["group_by", "sub_group_by", "x_axis", "stack_by"];

/// Settings that name one column, with the key that tells its name.
const NAMED: [(&str, &str); 3] = [
    ("date_property_id", "date_property_name"),
    ("end_date_property_id", "end_date_property_name"),
    ("map_by", "map_by_property_name"),
];

impl View<'_> {
    /// A view, as far as the integration sees content.
    pub(crate) fn saved_view(&self, view: &SavedView) -> Value {
        if !self.caller.capabilities.read_content {
            return partial(view);
        }
        let url = format!("https://app.notion.com/p/{}?v={}", digits(view.database), digits(view.id));
        let quick_filters = (!view.quick_filters.is_empty()).then_some(&view.quick_filters);
        let mut body = json!({
            "object": "view",
            "id": view.id,
            "parent": {"type": "database_id", "database_id": view.database},
            "data_source_id": view.data_source,
            "name": view.name,
            "type": view.kind,
            "created_time": exact(view.created.at),
            "created_by": partial_user(view.created.by),
            "last_edited_time": exact(view.edited.at),
            "last_edited_by": partial_user(view.edited.by),
            "url": url,
            "filter": view.filter,
            "sorts": view.sorts,
            "quick_filters": quick_filters,
            "configuration": self.configuration(view),
        });
        if let Some(dashboard) = view.dashboard {
            body["dashboard_view_id"] = dashboard.to_string().into();
        }
        body
    }

    fn configuration(&self, view: &SavedView) -> Value {
        if view.kind == "dashboard" {
            let rows: Vec<Value> = (0..).zip(&view.rows).map(|(at, row)| dashboard_row(at, row)).collect();
            return json!({"type": "dashboard", "rows": rows});
        }
        let Some(settings) = &view.configuration else { return Value::Null };
        let source = view.data_source.and_then(|id| self.content.data_sources.get(&id));
        let columns = source.map(|source| self.shown(&source.properties));
        named(settings, &columns.unwrap_or_default())
    }
}

/// A view by its place and layout only: as a deleted one answers, or one to whom content is hidden.
pub(crate) fn partial(view: &SavedView) -> Value {
    json!({
        "object": "view",
        "id": view.id,
        "parent": {"type": "database_id", "database_id": view.database},
        "type": view.kind,
    })
}

/// The widgets of a row share its width evenly.
fn dashboard_row(at: usize, row: &DashboardRow) -> Value {
    let width = GRID / row.widgets.len().max(1);
    let widget = |widget: &crate::content::view::Widget| json!({"id": widget.id, "view_id": widget.view, "width": width, "row_index": at});
    json!({"id": row.id, "widgets": row.widgets.iter().map(widget).collect::<Vec<_>>()})
}

/// Settings with the names of the columns that they are about.
fn named(settings: &Map<String, Value>, columns: &[Property]) -> Value {
    let mut body = Map::new();
    for (key, value) in settings {
        let value = match value {
            Value::Array(list) if key.ends_with("properties") => {
                list.iter().map(|of| with_name(of, columns)).collect()
            }
            _ if GROUPINGS.contains(&key.as_str()) => with_name(value, columns),
            _ => value.clone(),
        };
        let name = NAMED.iter().find(|(id, _)| id == key).map(|(_, name)| *name);
        let column = value.as_str().and_then(|id| name_of(id, columns)).map(Value::from);
        body.insert(key.clone(), value);
        if let (Some(name), Some(column)) = (name, column) {
            body.insert(name.into(), column);
        }
    }
    body.into()
}

/// Adds `property_name` behind `property_id`; nothing if the column is gone.
fn with_name(of: &Value, columns: &[Property]) -> Value {
    let mut body = Map::new();
    for (key, value) in of.as_object().into_iter().flatten() {
        body.insert(key.clone(), value.clone());
        if let Some(name) =
            value.as_str().filter(|_| key == "property_id").and_then(|id| name_of(id, columns))
        {
            body.insert("property_name".into(), name.into());
        }
    }
    body.into()
}

fn name_of<'p>(id: &str, columns: &'p [Property]) -> Option<&'p str> {
    columns.iter().find(|column| column.id == id).map(|column| column.name.as_str())
}
