//! What a request sets of a view: name, filter, sorts, quick filters, configuration. Filters and sorts are those of
//! queries, checked by them; columns are kept by id, so that a rename does not lose them.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::call::Call;
use super::super::check::At;
use super::super::failure::Failure;
use super::super::query;
use super::super::read::schema::find_column;
use super::super::read::view::configuration;
use crate::content::property::Property;
use crate::content::view::SavedView;

/// The longest name, in UTF-16 units; no limit is documented, this is the one of texts.
const NAME_MAX: usize = 2_000;

/// Reads what the body sets into `view`. With `clears`, as in updates, `null` clears what is there.
pub(super) fn apply(
    call: &mut Call<'_>,
    at: &At<'_>,
    view: &mut SavedView,
    clears: bool,
) -> Result<(), Failure> {
    let name = at.get("name");
    if name.is_defined() || !clears {
        view.name = name.text(NAME_MAX)?;
    }
    let given = ["filter", "sorts", "quick_filters"].map(|key| at.get(key)).into_iter();
    match view.data_source {
        Some(source) => query_settings(call, at, source, view, clears)?,
        // A dashboard shows rows of no data source, so there is nothing to filter or sort (a guess).
        None => {
            if let Some(at) = given.into_iter().find(At::is_defined) {
                return Err(at.should("not present").into());
            }
        }
    }
    let settings = at.get("configuration");
    if settings.is_defined() {
        let state = &mut *call.state;
        let source = view.data_source.and_then(|id| state.content.data_sources.get(&id));
        let columns = source.map_or(&[][..], |source| &source.properties);
        let read = configuration(&settings, view.kind, columns, &mut state.ids)?;
        let kept = view.configuration.get_or_insert_default();
        kept.extend(read);
        kept.retain(|_, value| !value.is_null());
    }
    Ok(())
}

/// What decides which rows show.
fn query_settings(
    call: &Call<'_>,
    at: &At<'_>,
    source: Uuid,
    view: &mut SavedView,
    clears: bool,
) -> Result<(), Failure> {
    let nothing = At::root("body", None);
    let columns = call.state.content.data_sources.get(&source).map_or(&[][..], |source| &source.properties);
    let (filter, sorts, quick) = (at.get("filter"), at.get("sorts"), at.get("quick_filters"));
    if clears && filter.is_null() {
        view.filter = None;
    } else if filter.is_defined() {
        filter.object()?;
        query::check(call, source, &filter, &nothing)?;
        view.filter = filter.raw().map(|filter| with_ids(filter, columns));
    }
    if clears && sorts.is_null() {
        view.sorts = None;
    } else if sorts.is_defined() {
        query::check(call, source, &nothing, &sorts)?;
        if clears {
            only_by_columns(&sorts)?;
        }
        let list = sorts.raw().and_then(Value::as_array).filter(|list| !list.is_empty());
        view.sorts = list.map(|list| list.iter().map(|sort| with_ids(sort, columns)).collect());
    }
    if clears && quick.is_null() {
        view.quick_filters.clear();
    } else if quick.is_defined() {
        quick_filters(call, source, &quick, &mut view.quick_filters, clears)?;
    }
    Ok(())
}

/// An update sorts by columns only. Source: `@notionhq/client` 5.26.0 (`UpdateViewRequest`). The list has been checked.
fn only_by_columns(sorts: &At<'_>) -> Result<(), Failure> {
    for sort in sorts.items(usize::MAX)? {
        sort.get("property").string()?;
    }
    Ok(())
}

/// Adds conditions by column, and takes away what is `null`. Source: Notion, "Working with views" (read 2026-11-22).
fn quick_filters(
    call: &Call<'_>,
    source: Uuid,
    at: &At<'_>,
    kept: &mut Map<String, Value>,
    clears: bool,
) -> Result<(), Failure> {
    let columns = call.state.content.data_sources.get(&source).map_or(&[][..], |source| &source.properties);
    for (key, at) in at.entries()? {
        let column = find_column(columns, key)
            .ok_or_else(|| Failure::validation(format!("Could not find property with name or id: {key}")))?;
        if clears && at.is_null() {
            kept.shift_remove(&column.id);
            continue;
        }
        let condition = at.object()?;
        if !condition.is_empty() {
            let mut filter = Map::from_iter([("property".to_owned(), Value::from(column.id.as_str()))]);
            filter.extend(condition.clone());
            let filter = Value::Object(filter);
            let at = At::root(&format!("body.quick_filters.{key}"), Some(&filter));
            query::check(call, source, &at, &At::root("body", None))?;
        }
        kept.insert(column.id.clone(), Value::Object(condition.clone()));
    }
    Ok(())
}

/// A filter or sort with its columns by id; it has been checked, so it nests no deeper than filters may.
/// Source: users' reports of spring 2026, for sorts; that filters and quick filters are shown so too is a guess.
fn with_ids(of: &Value, columns: &[Property]) -> Value {
    let Value::Object(object) = of else { return of.clone() };
    let part = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("and" | "or", Value::Array(parts)) => parts.iter().map(|part| with_ids(part, columns)).collect(),
            ("property", Value::String(name)) => {
                find_column(columns, name).map_or_else(|| value.clone(), |column| column.id.as_str().into())
            }
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    object.iter().map(part).collect::<Map<_, _>>().into()
}
