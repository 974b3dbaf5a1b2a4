//! Search by title, over everything that the token reaches: as it is, or as the index
//! knows it when a switch lets that lag.

mod words;

use std::cmp::Reverse;

use serde_json::Value;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::show;
use crate::index::{Findable, Hit};
use words::Words;

/// What a search is for.
struct Wanted {
    words: Words,
    pages: bool,
    tables: bool,
    /// Only what is in the trash, or only what is not; `None` if the request does not say.
    in_trash: Option<bool>,
    order: Order,
}

/// How results are ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    NewestFirst,
    OldestFirst,
    /// The whole title, its beginning, a part of it; how Notion weighs is unknown.
    Relevance,
}

/// `POST search`
pub(crate) fn search(call: &mut Call<'_>) -> Answer {
    call.needs_read()?;
    let wanted = read(call)?;
    let slice = call.slice_of_body()?;
    let found = call.state.indexed(call.caller.bot_id).unwrap_or_else(|| findable(call));
    let fitting = found.into_iter().filter(|(_, hit)| wanted.fits(hit));
    let mut hits: Vec<(Uuid, Hit)> = fitting.collect();
    // Ids break ties, so that pages of results neither skip nor repeat.
    match wanted.order {
        Order::OldestFirst => hits.sort_by_key(|(id, hit)| (hit.edited_at, *id)),
        Order::NewestFirst => hits.sort_by_key(|(id, hit)| (Reverse(hit.edited_at), *id)),
        Order::Relevance => {
            hits.sort_by_key(|(id, hit)| (wanted.words.distance(&hit.title), Reverse(hit.edited_at), *id));
        }
    }
    let all: Vec<Uuid> = hits.into_iter().map(|(id, _)| id).collect();
    let (ids, next) = slice.cut(&all)?;
    let results: Vec<Value> = ids.into_iter().filter_map(|id| shown(call, id)).collect();
    let kind = if call.version.has_data_sources() { "page_or_data_source" } else { "page_or_database" };
    Ok(show::list(kind, results, next))
}

fn read(call: &Call<'_>) -> Result<Wanted, Failure> {
    let at = call.at_body();
    if at.is_defined() {
        at.only(&["query", "filter", "sort", "start_cursor", "page_size"])?;
    }
    let text = at.get("query").optional(|at| at.text(2_000))?.unwrap_or_default();
    let table = if call.version.has_data_sources() { "data_source" } else { "database" };
    let mut wanted = Wanted {
        words: Words::new(&text),
        pages: true,
        tables: true,
        in_trash: None,
        order: order(&at.get("sort"))?,
    };
    let filter = at.get("filter");
    if filter.is_defined() {
        filter.only(&["property", "value", "in_trash"])?;
        wanted.in_trash = filter.get("in_trash").optional(At::boolean)?;
        // The kind of object may be left out only where the trash is asked for.
        if wanted.in_trash.is_none()
            || filter.get("property").is_defined()
            || filter.get("value").is_defined()
        {
            filter.get("property").one_of(&["object"])?;
            let value = filter.get("value").one_of(&["page", table])?;
            (wanted.pages, wanted.tables) = (value == "page", value != "page");
        }
    }
    Ok(wanted)
}

/// Source of the keys: `SearchBodyParameters` in the types of `@notionhq/client` 5.26.0; of both refusals: a user's report
/// of October 2026, whose words say that the direction may be left out.
fn order(at: &At<'_>) -> Result<Order, Failure> {
    if !at.is_defined() {
        return Ok(Order::NewestFirst);
    }
    at.only(&["timestamp", "property", "direction"])?;
    if at.get("property").is_defined() {
        at.only(&["property"])?;
        at.get("property").one_of(&["relevance"])?;
        return Ok(Order::Relevance);
    }
    let timestamp = at.get("timestamp");
    if timestamp.is_defined() && timestamp.one_of(&["last_edited_time"]).is_err() {
        return Err(Failure::validation(
            "body.sort.timestamp should be \"last_edited_time\" when sorting by timestamp.",
        ));
    }
    timestamp.one_of(&["last_edited_time"])?;
    let direction = at.get("direction").optional(|at| at.one_of(&["ascending", "descending"]))?;
    Ok(if direction == Some("ascending") { Order::OldestFirst } else { Order::NewestFirst })
}

impl Wanted {
    fn fits(&self, hit: &Hit) -> bool {
        let kind = if hit.is_table { self.tables } else { self.pages };
        let trash = match self.in_trash {
            Some(in_trash) => hit.in_trash == in_trash,
            // A data source thrown away by itself was found in recorded answers of June 2026; pages and what is in a
            // database that was thrown away were not.
            None => !hit.in_trash || hit.is_alone_in_trash,
        };
        kind && trash && self.words.fit(&hit.title)
    }
}

/// Everything that search can find for this token.
pub(crate) fn findable(call: &Call<'_>) -> Findable {
    let content = &call.state.content;
    let pages = content.pages.keys().filter(|id| !content.is_template(**id));
    let pages = pages.filter_map(|id| content.blocks.get(id)).map(|block| {
        let hit = Hit {
            title: call.view().title(block.id),
            edited_at: block.edited.at,
            in_trash: block.in_trash || content.ancestor_in_trash(block.id),
            is_table: false,
            is_alone_in_trash: false,
        };
        (block.id, hit)
    });
    let tables = content.data_sources.values().map(|source| {
        let hit = Hit {
            title: call.view().plain(&source.title),
            edited_at: source.edited.at,
            in_trash: source.in_trash || content.ancestor_in_trash(source.id),
            is_table: true,
            is_alone_in_trash: source.in_trash && !content.ancestor_in_trash(source.id),
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
