//! Search by title, over everything that the token reaches: as it is, or as the index
//! knows it when a switch lets that lag.

use std::cmp::Reverse;

use serde_json::Value;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::show;
use crate::index::{Findable, Hit};

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
    let found = call.state.indexed(call.caller.bot_id).unwrap_or_else(|| findable(call));
    let fitting = found.into_iter().filter(|(_, hit)| wanted.fits(hit));
    let mut hits: Vec<(jiff::Timestamp, Uuid)> = fitting.map(|(id, hit)| (hit.edited_at, id)).collect();
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

impl Wanted {
    fn fits(&self, hit: &Hit) -> bool {
        let kind = if hit.is_table { self.tables } else { self.pages };
        kind && hit.in_trash == self.trash && hit.title.to_lowercase().contains(&self.text)
    }
}

/// Everything that search can find for this token.
pub(crate) fn findable(call: &Call<'_>) -> Findable {
    let content = &call.state.content;
    let pages = content.pages.keys().filter(|id| !content.is_template(**id));
    let pages = pages.filter_map(|id| content.blocks.get(id)).map(|block| {
        let hit = Hit {
            title: content.title(block.id),
            edited_at: block.edited.at,
            in_trash: block.in_trash || content.ancestor_in_trash(block.id),
            is_table: false,
        };
        (block.id, hit)
    });
    let tables = content.data_sources.values().map(|source| {
        let hit = Hit {
            title: call.view().plain(&source.title),
            edited_at: source.edited.at,
            in_trash: source.in_trash || content.ancestor_in_trash(source.id),
            is_table: true,
        };
        (source.id, hit)
    });
    pages.chain(tables).filter(|(id, _)| call.reaches(*id)).collect()
}

fn shown(call: &Call<'_>, id: Uuid) -> Option<Value> {
    let view = call.view();
    match call.state.content.data_sources.get(&id) {
        Some(source) if call.version.has_data_sources() => Some(view.data_source(source)),
        Some(source) => view.database(source.database),
        None => view.page(id, &[]),
    }
}
