//! Queries of a view: run by its saved filter and sorts, then paged through. Quick filters are switches of the app's
//! filter bar and have no say here (a guess: the guide names filter and sorts only).

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::call::{Answer, Call, Slice};
use super::super::check::At;
use super::super::failure::Failure;
use super::super::{query, show};
use super::{find, needs_version};
use crate::view_queries::ViewQuery;

/// `POST views/{view_id}/queries`
pub(crate) fn create(call: &mut Call<'_>, view: &str) -> Answer {
    needs_version(call)?;
    call.needs_read()?;
    let view = find(call, call.path_id("view_id", view)?)?.clone();
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    if at.is_defined() {
        at.only(&["page_size"])?;
    }
    let slice = Slice::read(&at)?;
    let source = view.data_source.ok_or_else(|| {
        // How it is refused is a guess.
        Failure::validation("A dashboard view has no rows of its own. Query the views of its widgets.")
    })?;
    let source = call.data_source(source)?;
    let (filter, sorts) = (At::root("filter", view.filter.as_ref()), At::root("sorts", view.sorts.as_ref()));
    // A view whose column has gone since is refused in the filter's own words (a guess).
    let mut rows = query::rows(call, source, &filter, &sorts, false)?;
    let is_cut = rows.len() > query::ROWS_MAX;
    rows.truncate(query::ROWS_MAX);
    let (id, now) = (call.state.ids.uuid(), call.now());
    let (first, next) = slice.cut(&rows)?;
    let total = rows.len();
    let expires_at = ViewQuery::end(now);
    let query = ViewQuery { id, bot: call.caller.bot_id, view: view.id, expires_at, rows, is_cut };
    call.state.view_queries.keep(query, now);
    let mut body = json!({
        "object": "view_query",
        "id": id,
        "view_id": view.id,
        "expires_at": show::exact(expires_at),
        "total_count": total,
        "results": pages(&first),
        "next_cursor": next,
        "has_more": next.is_some(),
    });
    if is_cut {
        body["request_status"] = query::incomplete();
    }
    Ok(body)
}

fn pages(ids: &[Uuid]) -> Vec<Value> {
    ids.iter().map(|id| json!({"object": "page", "id": id})).collect()
}

/// The view and the query that a path names.
fn named(call: &Call<'_>, view: &str, id: &str) -> Result<(Uuid, Uuid), Failure> {
    let (view, id) = (call.path_id("view_id", view)?, call.path_id("query_id", id)?);
    Ok((find(call, view)?.id, id))
}

/// `GET views/{view_id}/queries/{query_id}`. (How Notion words the absence of a query is a guess.)
pub(crate) fn results(call: &Call<'_>, view: &str, id: &str) -> Answer {
    needs_version(call)?;
    call.needs_read()?;
    let (view, id) = named(call, view, id)?;
    let found = call.state.view_queries.find(id, call.caller.bot_id, view, call.now());
    let found = found.ok_or_else(|| Failure::not_found("view query", id, call.caller))?;
    let (ids, next) = call.slice_of_query()?.cut(&found.rows)?;
    let mut list = show::list("page", pages(&ids), next);
    if found.is_cut {
        list["request_status"] = query::incomplete();
    }
    Ok(list)
}

/// `DELETE views/{view_id}/queries/{query_id}`: also of one that is over, or never was. Source: Notion, "Delete a view
/// query" (read 2026-11-22).
pub(crate) fn delete(call: &mut Call<'_>, view: &str, id: &str) -> Answer {
    needs_version(call)?;
    call.needs_read()?;
    let (view, id) = named(call, view, id)?;
    let bot = call.caller.bot_id;
    call.state.view_queries.forget(id, bot, view);
    Ok(json!({"object": "view_query", "id": id, "deleted": true}))
}
