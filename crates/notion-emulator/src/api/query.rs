//! Querying a data source: filter, sort, slice.

mod filter;
mod sort;

use serde_json::Value;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::show;
use crate::accounts::Accounts;
use crate::content::Content;
use crate::content::block::Block;
use crate::content::date::{DateValue, Moment};
use crate::content::page::Page;
use crate::content::property::{Kind, Property, Stored};

/// The rows of `source` that the body asks for.
pub(crate) fn run(call: &mut Call<'_>, source: Uuid) -> Answer {
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    let mut trash = false;
    if at.is_defined() {
        at.only(&[
            "filter",
            "sorts",
            "start_cursor",
            "page_size",
            "in_trash",
            "archived",
            "result_type",
            "filter_properties",
        ])?;
        trash = call.trash_flag(&at)?.unwrap_or(false);
        at.get("result_type").optional(|at| at.one_of(&["page", "data_source"]))?;
    }
    let content = &call.state.content;
    let Some(table) = content.data_sources.get(&source) else { return Err(Failure::invalid_request_url()) };
    let today = super::show::minute(call.now());
    let today = Moment::parse(&today, &jiff::tz::TimeZone::UTC).map_or(jiff::civil::Date::MIN, Moment::day);
    let filter = at.get("filter");
    let filter =
        if filter.is_defined() { Some(filter::Filter::read(&filter, &table.properties, 0)?) } else { None };
    let sorts = sort::read(&at.get("sorts"), &table.properties)?;
    let mut rows: Vec<Row<'_>> = table
        .rows
        .iter()
        .filter_map(|id| Row::of(content, &call.state.accounts, *id))
        .filter(|row| (row.block.in_trash || content.ancestor_in_trash(row.block.id)) == trash)
        .filter(|row| filter.as_ref().is_none_or(|filter| filter.accepts(row, today)))
        .collect();
    rows.sort_by(|a, b| sort::compare(&sorts, a, b));
    let all: Vec<Uuid> = rows.iter().map(|row| row.block.id).collect();
    let slice = super::call::Slice::read(&at)?;
    let (ids, next) = slice.cut(&all)?;
    let only = call.filter_properties();
    let results: Vec<Value> = ids.into_iter().filter_map(|id| call.view().page(id, &only)).collect();
    let kind = if call.version.has_data_sources() { "page_or_data_source" } else { "page_or_database" };
    Ok(show::list(kind, results, next))
}

/// A row, as filters and sorts look at it.
struct Row<'a> {
    content: &'a Content,
    accounts: &'a Accounts,
    block: &'a Block,
    page: &'a Page,
}

/// What a cell amounts to.
enum Cell {
    Empty,
    Text(String),
    Number(f64),
    Checkbox(bool),
    /// The ids of choices, people or rows.
    Ids(Vec<String>),
    Date(DateValue),
    At(jiff::Timestamp),
    Files,
}

impl<'a> Row<'a> {
    fn of(content: &'a Content, accounts: &'a Accounts, id: Uuid) -> Option<Self> {
        Some(Self { content, accounts, block: content.blocks.get(&id)?, page: content.pages.get(&id)? })
    }

    fn cell(&self, property: &Property) -> Cell {
        match &property.kind {
            Kind::CreatedTime => return Cell::At(self.block.created.at),
            Kind::LastEditedTime => return Cell::At(self.block.edited.at),
            Kind::CreatedBy => return Cell::Ids(vec![self.block.created.by.to_string()]),
            Kind::LastEditedBy => return Cell::Ids(vec![self.block.edited.by.to_string()]),
            _ => {}
        }
        let text = |uuids: &[Uuid]| Cell::Ids(uuids.iter().map(Uuid::to_string).collect());
        match self.page.values.get(&property.id) {
            None if matches!(property.kind, Kind::Checkbox) => Cell::Checkbox(false),
            None => Cell::Empty,
            Some(Stored::Text(runs)) => {
                let text = crate::content::plain_text(self.content, runs);
                if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
            }
            Some(Stored::Line(line)) if line.is_empty() => Cell::Empty,
            Some(Stored::Line(line)) => Cell::Text(line.clone()),
            Some(Stored::Number(number)) => number.as_f64().map_or(Cell::Empty, Cell::Number),
            #[expect(clippy::cast_precision_loss, reason = "nobody makes 2^52 rows")]
            Some(Stored::UniqueId(number)) => Cell::Number(*number as f64),
            Some(Stored::Checkbox(checked)) => Cell::Checkbox(*checked),
            Some(Stored::Choice(id)) => Cell::Ids(vec![id.clone()]),
            Some(Stored::Choices(ids)) if ids.is_empty() => Cell::Empty,
            Some(Stored::Choices(ids)) => Cell::Ids(ids.clone()),
            Some(Stored::People(ids) | Stored::Relation(ids)) if ids.is_empty() => Cell::Empty,
            Some(Stored::People(ids) | Stored::Relation(ids)) => text(ids),
            Some(Stored::Date(date)) => Cell::Date(date.clone()),
            Some(Stored::Files(files)) if files.is_empty() => Cell::Empty,
            Some(Stored::Files(_)) => Cell::Files,
        }
    }

    /// The name of a person, for sorting.
    fn person(&self, id: &str) -> String {
        let person = id.parse().ok().and_then(|id| self.accounts.person(id));
        person.map_or_else(String::new, |person| person.name.clone())
    }
}

/// A column by name, or by id in any spelling.
fn column<'p>(columns: &'p [Property], key: &str) -> Result<&'p Property, Failure> {
    let id = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    let found = columns
        .iter()
        .find(|column| column.name == key)
        .or_else(|| columns.iter().find(|column| column.id == id));
    found.ok_or_else(|| Failure::validation(format!("Could not find property with name or id: {key}")))
}
