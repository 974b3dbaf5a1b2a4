//! One property of a page at a time: a value, or, for what can be long, a list that is paged through. Rollups are paged
//! by the rows that they sum up. Source: Notion, "Retrieve a page property item" and "Property item object" (read
//! 2026-11-27), and recorded answers of July 2026.

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Answer, Call};
use super::failure::Failure;
use super::show::property::encoded;
use super::show::{View, list};
use crate::cells::Row;
use crate::cells::rollup::source;
use crate::content::property::{Kind, Property, Rollup, Stored};

/// `GET pages/{page_id}/properties/{property_id}`
pub(crate) fn retrieve(call: &Call<'_>, id: &str, property: &str) -> Answer {
    call.needs_read()?;
    let id = call.page(call.path_id("page_id", id)?)?;
    let view = call.view();
    let row = view.world().row(id).ok_or_else(Failure::invalid_request_url)?;
    let wanted = percent_encoding::percent_decode_str(property).decode_utf8_lossy();
    let columns = || row.columns().iter().filter(|column| view.shows(column, row.columns()));
    let by_id = columns().find(|column| column.id == wanted || column.id == property);
    let column = by_id.or_else(|| columns().find(|column| column.name == wanted));
    let column =
        column.ok_or_else(|| Failure::validation(format!("Could not find property with ID: {property}")))?;
    let Some(items) = items(view, column, &row) else {
        if view.value(column, &row).is_none() {
            let what = format!("values of {} properties", column.kind.name());
            return Err(Failure::not_implemented_part(&what));
        }
        let inner = view.inner(column, &row);
        return Ok(item(column, inner));
    };
    // Items have no ids of their own, so their places stand in for them in cursors.
    let places: Vec<Uuid> = (1..=items.len() as u128).map(Uuid::from_u128).collect();
    let (chosen, next) = call.slice_of_query()?.cut(&places)?;
    let first = chosen.first().map_or(0, |place| usize::try_from(place.as_u128() - 1).unwrap_or(0));
    let results = items.into_iter().skip(first).take(chosen.len()).collect();
    let id_shown = encoded(&column.id);
    let next_url = next.as_ref().map(|cursor| next_url(call, id, &id_shown, cursor));
    let kind = column.kind.name();
    let config = match &column.kind {
        Kind::Rollup(rollup) => rolled_up(view, &row, rollup, next.is_some()),
        _ => json!({}),
    };
    let mut body = list("property_item", results, next);
    body["property_item"] = json!({"id": id_shown, "next_url": next_url, "type": kind, kind: config});
    Ok(body)
}

/// Where the items that follow are. Source: a recorded answer of September 2025: the page's id without dashes, and the
/// size that was asked for behind the cursor.
fn next_url(call: &Call<'_>, page: Uuid, column: &str, cursor: &str) -> String {
    let size = call.parameter("page_size").map(|size| format!("&page_size={size}")).unwrap_or_default();
    let page = page.simple();
    format!("{}/v1/pages/{page}/properties/{column}?start_cursor={cursor}{size}", call.origin)
}

/// One item of a property.
fn item(property: &Property, inner: Value) -> Value {
    let kind = property.kind.name();
    json!({"object": "property_item", "type": kind, "id": encoded(&property.id), kind: inner})
}

/// All items of a property whose items are listed; `None` for the kinds that are one value.
fn items<'a>(view: View<'a>, property: &Property, row: &Row<'a>) -> Option<Vec<Value>> {
    let stored = row.page.values.get(&property.id);
    let inner: Vec<Value> = match &property.kind {
        Kind::Title | Kind::RichText => match stored {
            Some(Stored::Text(text)) => view.rich_text(text).as_array().cloned().unwrap_or_default(),
            _ => Vec::new(),
        },
        Kind::People => match stored {
            Some(Stored::People(ids)) => ids.iter().map(|id| view.user_or_group(*id)).collect(),
            _ => Vec::new(),
        },
        Kind::Relation(relation) => {
            row.related(&property.id, relation).iter().map(|id| json!({"id": id})).collect()
        }
        Kind::Rollup(rollup) => return Some(of_rollup(view, row, rollup)),
        _ => return None,
    };
    Some(inner.into_iter().map(|inner| item(property, inner)).collect())
}

/// Functions whose results the endpoint does not work out: it lists what they would be worked out from.
/// Source: Notion, "Retrieve a page property item" (read 2026-11-27).
const LISTED: [&str; 5] = ["show_unique", "unique", "median", "count_per_group", "percent_per_group"];

/// The items of a rollup: what related rows hold, flattened; or, where they are summed up, the rows.
fn of_rollup<'a>(view: View<'a>, row: &Row<'a>, rollup: &Rollup) -> Vec<Value> {
    let Some((rows, target)) = source(row, rollup) else { return Vec::new() };
    if rollup.function != "show_original" && !LISTED.contains(&rollup.function) {
        let relation = row.columns().iter().find(|column| column.id == rollup.relation);
        let Some(relation) = relation else { return Vec::new() };
        return rows.iter().map(|row| item(relation, json!({"id": row.block.id}))).collect();
    }
    let of_row = |row: &Row<'a>| {
        items(view, target, row).unwrap_or_else(|| vec![item(target, view.inner(target, row))])
    };
    rows.iter().flat_map(of_row).collect()
}

/// What a rollup comes to: known on the last page, when all rows have been looked at.
fn rolled_up<'a>(view: View<'a>, row: &Row<'a>, rollup: &Rollup, more: bool) -> Value {
    let function = rollup.function;
    if function == "show_original" {
        return json!({"type": "array", "array": [], "function": function});
    }
    if LISTED.contains(&function) {
        return json!({"type": "unsupported", "unsupported": {}, "function": function});
    }
    if more {
        return json!({"type": "incomplete", "incomplete": {}, "function": function});
    }
    view.rollup(row, rollup, usize::MAX)
}
