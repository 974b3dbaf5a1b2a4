//! Querying a data source: filter, sort, slice. What a first page found is kept for the pages after it (`queries`).

mod filter;
mod sort;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Answer, Call, Slice};
use super::check::At;
use super::failure::Failure;
use super::read::schema::find_column;
use super::show::{self, View};
use crate::cells::Row;
use crate::cells::rollup::target;
use crate::content::Content;
use crate::content::block::Parent;
use crate::content::property::{Kind, Property};
use crate::queries::{Cursor, Found};
use filter::Filter;

/// How many rows one query gives, over all its pages. Source: Notion, "Request limits" (autumn 2026).
pub(super) const ROWS_MAX: usize = 10_000;

/// What a filter is read against.
struct Scope<'a> {
    content: &'a Content,
    columns: &'a [Property],
    /// Whom `me` means: the authorizing person, or the bot of an internal integration (a guess).
    me: Uuid,
    now: Timestamp,
}

impl<'a> Scope<'a> {
    /// `columns` are those of the table that are shown to the caller: what is hidden answers no filter either.
    fn of(call: &'a Call<'_>, columns: &'a [Property]) -> Self {
        let me = call.caller.owner.unwrap_or(call.caller.bot_id);
        Self { content: &call.state.content, columns, me, now: call.now() }
    }

    /// The column that a rollup sums up.
    fn target_of(&self, property: &Property) -> Option<&'a Property> {
        let Kind::Rollup(rollup) = &property.kind else { return None };
        let relation = self.columns.iter().find(|column| column.id == rollup.relation)?;
        let Kind::Relation(to) = &relation.kind else { return None };
        target(self.content, to.data_source, rollup)
    }
}

/// Refuses a filter or sorts that do not fit the table.
pub(super) fn check(call: &Call<'_>, source: Uuid, filter: &At<'_>, sorts: &At<'_>) -> Result<(), Failure> {
    let Some(table) = call.state.content.data_sources.get(&source) else { return Ok(()) };
    let columns = call.view().shown(&table.properties);
    let scope = Scope::of(call, &columns);
    if filter.is_defined() {
        Filter::read(filter, &scope)?;
    }
    sort::read(sorts, scope.columns).map(drop)
}

/// The rows of a table that meet a filter, in order: those in the trash, or those that are not. Rows that no sort tells
/// apart, and so all without one, come newest first. Source: recorded answers of May 2024 and June 2026.
pub(super) fn rows(
    call: &Call<'_>,
    source: Uuid,
    filter: &At<'_>,
    sorts: &At<'_>,
    trash: bool,
) -> Result<Vec<Uuid>, Failure> {
    let content = &call.state.content;
    let Some(table) = content.data_sources.get(&source) else { return Ok(Vec::new()) };
    let columns = call.view().shown(&table.properties);
    let scope = Scope::of(call, &columns);
    let filter = if filter.is_defined() { Some(Filter::read(filter, &scope)?) } else { None };
    let sorts = sort::read(sorts, scope.columns)?;
    let there = fate(call.view(), source, trash);
    if filter.is_none() && sorts.is_empty() {
        return Ok(table.rows.iter().rev().copied().filter(|id| there(*id)).collect());
    }
    let world = call.view().world();
    let wanted = |row: &Row<'_>| filter.as_ref().is_none_or(|filter| filter.accepts(row));
    let met = table.rows.iter().rev().filter(|id| there(**id)).filter_map(|id| world.row(*id)).filter(wanted);
    Ok(sort::sort(&sorts, met.collect()).iter().map(|row| row.block.id).collect())
}

/// Tells whether a page is a row of this table with this fate: in the trash, or not; and not kept from the caller. What
/// is above the row is looked at once, not for each row.
fn fate(view: View<'_>, source: Uuid, trash: bool) -> impl Fn(Uuid) -> bool {
    let content = view.content;
    let table_in_trash = content.data_sources.get(&source).is_some_and(|table| table.in_trash)
        || content.ancestor_in_trash(source);
    move |id| {
        let block = content.blocks.get(&id).filter(|block| block.parent == Parent::DataSource(source));
        block.is_some_and(|block| (block.in_trash || table_in_trash) == trash) && view.sees(id)
    }
}

/// The rows of `source` that the body asks for.
pub(super) fn run(call: &mut Call<'_>, source: Uuid) -> Answer {
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    only_filter_properties(call)?;
    let mut trash = false;
    let mut result_type = None;
    if at.is_defined() {
        let known = ["filter", "sorts", "start_cursor", "page_size", "in_trash", "archived", "result_type"];
        at.only(&known)?;
        trash = call.trash_flag(&at)?.unwrap_or(false);
        result_type = at.get("result_type").optional(|at| at.one_of(&["page", "data_source"]))?;
    }
    if let Some(table) = call.state.content.data_sources.get(&source) {
        call.check_filter_properties(&table.properties)?;
    }
    let size = Slice::size(&at)?;
    let start = match at.get("start_cursor").optional_nullable(At::string)?.flatten() {
        Some(text) => Some(cursor(text)?),
        None => None,
    };
    let (filter, sorts) = (at.get("filter"), at.get("sorts"));
    let Some(cursor) = start else {
        let mut rows = candidates(call, source, &filter, &sorts, trash)?;
        if result_type == Some("data_source") {
            // Only wikis have tables among their rows, and the emulator has no wikis.
            rows.clear();
        }
        let is_cut = rows.len() > ROWS_MAX;
        rows.truncate(ROWS_MAX);
        let found = Found { bot: call.caller.bot_id, source, trash, rows, is_cut };
        let (shown, next) = cut(call.view(), &found, 0, size);
        let next = next.map(|row| {
            let query = call.state.ids.uuid();
            call.state.queries.keep(query, found);
            Cursor { query, row }
        });
        return Ok(answer(call, &shown, next, is_cut && next.is_none()));
    };
    check(call, source, &filter, &sorts)?;
    let going_on = call.state.queries.find(cursor);
    let mine = |found: &Found| (found.bot, found.source) == (call.caller.bot_id, source);
    let (found, place) =
        going_on.filter(|(found, _)| mine(found)).ok_or_else(|| Failure::cursor(&cursor.to_string()))?;
    let (shown, next) = cut(call.view(), found, place, size);
    let next = next.map(|row| Cursor { row, ..cursor });
    Ok(answer(call, &shown, next, found.is_cut && next.is_none()))
}

/// Where to go on. Anything else, whatever it looks like, is a cursor that no query gave.
/// Source: a user's report of October 2026.
fn cursor(text: &str) -> Result<Cursor, Failure> {
    Cursor::read(text).ok_or_else(|| Failure::cursor(text))
}

/// The rows that may be shown. Of a whole table that is all: which of them are in the trash is looked at page by page, not
/// for ten thousand rows at once.
fn candidates(
    call: &Call<'_>,
    source: Uuid,
    filter: &At<'_>,
    sorts: &At<'_>,
    trash: bool,
) -> Result<Vec<Uuid>, Failure> {
    let asked_for_all = !filter.is_defined() && !sorts.is_defined();
    match call.state.content.data_sources.get(&source) {
        Some(table) if asked_for_all && table.rows.len() <= ROWS_MAX => {
            Ok(table.rows.iter().rev().copied().collect())
        }
        _ => rows(call, source, filter, sorts, trash),
    }
}

/// Everything else stands in the body. Source: refusals that users quote in public issue trackers.
fn only_filter_properties(call: &Call<'_>) -> Result<(), Failure> {
    let known = ["filter_properties", "filter_properties[]"];
    match call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, value)) => {
            let asked = json!({name: value});
            Err(At::root("query", Some(&asked)).get(name).should("not present").of("query"))
        }
    }
}

/// The rows of one page, and the row that the next one begins with. Rows whose fate changed since are passed over.
fn cut(view: View<'_>, found: &Found, place: usize, size: usize) -> (Vec<Uuid>, Option<Uuid>) {
    let there = fate(view, found.source, found.trash);
    let mut left = found.rows.iter().copied().skip(place).filter(|row| there(*row));
    let shown = left.by_ref().take(size).collect();
    (shown, left.next())
}

/// One page of rows.
fn answer(call: &Call<'_>, rows: &[Uuid], next: Option<Cursor>, is_cut: bool) -> Value {
    let (only, view) = (call.filter_properties(), call.view());
    let results = rows.iter().filter_map(|id| view.page(*id, &only)).collect();
    let kind = if call.version.has_data_sources() { "page_or_data_source" } else { "page_or_database" };
    let mut list = show::list(kind, results, next.map(|cursor| cursor.to_string()));
    if is_cut {
        list["request_status"] = incomplete();
    }
    list
}

/// What an answer says of rows beyond the last that one query gives.
pub(super) fn incomplete() -> Value {
    json!({"type": "incomplete", "incomplete_reason": "query_result_limit_reached"})
}

/// A column by name, or by id in any spelling.
fn column<'p>(columns: &'p [Property], key: &str) -> Result<&'p Property, Failure> {
    let found = find_column(columns, key);
    found.ok_or_else(|| Failure::validation(format!("Could not find property with name or id: {key}")))
}
