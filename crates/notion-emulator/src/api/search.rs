//! Search by title, over everything that the token reaches. The index has no lag.

use std::cmp::Reverse;

use serde_json::Value;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::show;

/// What a search is for.
struct Wanted {
    text: String,
    pages: bool,
    tables: bool,
    trash: bool,
    oldest_first: bool,
}

/// `POST search`
pub(crate) fn search(call: &mut Call<'_>) -> Answer {
    call.needs_read()?;
    let wanted = read(call)?;
    let slice = call.slice_of_body()?;
    let mut hits: Vec<(jiff::Timestamp, Uuid)> = Vec::new();
    let content = &call.state.content;
    if wanted.pages {
        hits.extend(
            content
                .pages
                .keys()
                .filter_map(|id| content.blocks.get(id))
                .map(|block| (block.edited.at, block.id)),
        );
    }
    if wanted.tables {
        hits.extend(content.data_sources.values().map(|source| (source.edited.at, source.id)));
    }
    hits.retain(|(_, id)| fits(call, *id, &wanted));
    // Ids break ties, so that pages of results neither skip nor repeat.
    if wanted.oldest_first {
        hits.sort_by_key(|(at, id)| (*at, *id));
    } else {
        hits.sort_by_key(|(at, id)| (Reverse(*at), *id));
    }
    let all: Vec<Uuid> = hits.into_iter().map(|(_, id)| id).collect();
    let (ids, next) = slice.cut(&all)?;
    let results: Vec<Value> = ids.into_iter().filter_map(|id| shown(call, id)).collect();
    let kind = if call.version.has_data_sources() { "page_or_data_source" } else { "page_or_database" };
    Ok(show::list(kind, results, next))
}

fn read(call: &Call<'_>) -> Result<Wanted, super::failure::Failure> {
    let at = call.at_body();
    if at.is_defined() {
        at.only(&["query", "filter", "sort", "start_cursor", "page_size"])?;
    }
    let text = at.get("query").optional(|at| at.text(2_000))?.unwrap_or_default();
    let table = if call.version.has_data_sources() { "data_source" } else { "database" };
    let filter = at.get("filter");
    let (mut pages, mut tables, mut trash) = (true, true, false);
    if filter.is_defined() {
        filter.only(&["property", "value", "in_trash"])?;
        filter.get("property").optional(|at| at.one_of(&["object"]))?;
        if let Some(value) = filter.get("value").optional(|at| at.one_of(&["page", table]))? {
            (pages, tables) = (value == "page", value != "page");
        }
        trash = filter.get("in_trash").optional(super::check::At::boolean)?.unwrap_or(false);
    }
    let sort = at.get("sort");
    let mut oldest_first = false;
    if sort.is_defined() {
        sort.only(&["timestamp", "property", "direction"])?;
        sort.get("timestamp").optional(|at| at.one_of(&["last_edited_time"]))?;
        let direction = sort.get("direction").optional(|at| at.one_of(&["ascending", "descending"]))?;
        oldest_first = direction == Some("ascending");
    }
    Ok(Wanted { text: text.to_lowercase(), pages, tables, trash, oldest_first })
}

fn fits(call: &Call<'_>, id: Uuid, wanted: &Wanted) -> bool {
    let content = &call.state.content;
    let (title, own_trash) = match content.data_sources.get(&id) {
        Some(source) => (call.view().plain(&source.title), source.in_trash),
        None => (content.title(id), content.blocks.get(&id).is_some_and(|block| block.in_trash)),
    };
    let in_trash = own_trash || content.ancestor_in_trash(id);
    in_trash == wanted.trash && title.to_lowercase().contains(&wanted.text) && call.reaches(id)
}

fn shown(call: &Call<'_>, id: Uuid) -> Option<Value> {
    let view = call.view();
    match call.state.content.data_sources.get(&id) {
        Some(source) if call.version.has_data_sources() => Some(view.data_source(source)),
        Some(source) => view.database(source.database),
        None => view.page(id, &[]),
    }
}
