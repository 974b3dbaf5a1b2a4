//! What cells amount to: what a row holds in a column, looked up, worked out or rolled up, in a form that filters,
//! sorts, rollups and formulas compare. How it is shown is the renderer's business.

pub(crate) mod formula;
pub(crate) mod rollup;
pub(crate) mod types;

use jiff::Timestamp;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::api::View;
use crate::content::block::{Block, Parent};
use crate::content::date::{DateValue, Moment};
use crate::content::page::Page;
use crate::content::property::{Kind, Property, Relation, Stored, Verified};
use crate::content::{Content, Reader as _};
use crate::formula::Run;

/// What working out a cell needs.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) content: &'a Content,
    pub(crate) accounts: &'a Accounts,
    pub(crate) now: Timestamp,
    /// Who looks: what is kept from them counts for nothing.
    pub(crate) view: View<'a>,
    /// How many tables further on a cell may look; at 0 what lies further is empty.
    pub(crate) reach: u8,
    /// The formula that is being worked out, if any: what it leads to spends from the same budget.
    run: Option<&'a Run>,
}

/// How many tables a cell may look through. Notion gives up at ten; fewer keep one answer's work small.
const REACH_MAX: u8 = 4;

impl<'a> World<'a> {
    pub(crate) fn new(view: View<'a>) -> Self {
        let View { content, accounts, now, .. } = view;
        Self { content, accounts, now, view, reach: REACH_MAX, run: None }
    }

    /// A page as a row, if it is there.
    pub(crate) fn row(self, id: Uuid) -> Option<Row<'a>> {
        let (block, page) = (self.content.blocks.get(&id)?, self.content.pages.get(&id)?);
        Some(Row { world: self, block, page })
    }

    /// The same world, one table further on.
    fn further(self) -> Option<Self> {
        Some(Self { reach: self.reach.checked_sub(1)?, ..self })
    }
}

/// A page with its values.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) world: World<'a>,
    pub(crate) block: &'a Block,
    pub(crate) page: &'a Page,
}

/// What a cell amounts to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Number(f64),
    Checkbox(bool),
    /// The ids of choices, people or rows.
    Ids(Vec<String>),
    Date(DateValue),
    At(Timestamp),
    /// This many files.
    Files(usize),
    /// `verified`, `expired` or `none`.
    Verification(&'static str),
    /// Of a rollup that shows what it found, one cell for each row.
    List(Vec<Cell>),
}

impl<'a> Row<'a> {
    /// The columns that this row has.
    pub(crate) fn columns(&self) -> &'a [Property] {
        self.world.content.columns(self.block)
    }

    /// What the row holds in a column.
    pub(crate) fn cell(&self, property: &Property) -> Cell {
        match &property.kind {
            Kind::CreatedTime => return Cell::At(self.block.created.at),
            Kind::LastEditedTime => return Cell::At(self.block.edited.at),
            Kind::CreatedBy => return Cell::Ids(vec![self.block.created.by.to_string()]),
            Kind::LastEditedBy => return Cell::Ids(vec![self.block.edited.by.to_string()]),
            Kind::Relation(relation) => return ids(&self.related(&property.id, relation)),
            Kind::Rollup(rollup) => return rollup::cell(self, rollup),
            Kind::Formula(formula) => return formula::cell(self, formula),
            Kind::Verification => return Cell::Verification(self.verification(&property.id)),
            _ => {}
        }
        match self.page.values.get(&property.id) {
            None if matches!(property.kind, Kind::Checkbox) => Cell::Checkbox(false),
            None => Cell::Empty,
            Some(stored) => self.stored(stored),
        }
    }

    fn stored(&self, stored: &Stored) -> Cell {
        match stored {
            Stored::Text(runs) => text(self.world.view.plain(runs)),
            Stored::Line(line) => text(line.clone()),
            Stored::Number(number) => number.as_f64().map_or(Cell::Empty, Cell::Number),
            #[expect(clippy::cast_precision_loss, reason = "nobody makes 2^52 rows")]
            Stored::UniqueId(number) => Cell::Number(*number as f64),
            Stored::Checkbox(checked) => Cell::Checkbox(*checked),
            Stored::Choice(id) => Cell::Ids(vec![id.clone()]),
            Stored::Choices(ids) if ids.is_empty() => Cell::Empty,
            Stored::Choices(ids) => Cell::Ids(ids.clone()),
            Stored::People(people) => ids(people),
            Stored::Relation(rows) => ids(rows),
            Stored::Date(date) => Cell::Date(date.clone()),
            Stored::Files(files) if files.is_empty() => Cell::Empty,
            Stored::Files(files) => Cell::Files(files.len()),
            Stored::Place(place) => text(place.name.clone().or(place.address.clone()).unwrap_or_default()),
            Stored::Verification(_) => Cell::Verification("verified"),
        }
    }

    /// The rows that a relation leads to, as far as whoever looks sees them, and that are not in the trash: they come back
    /// when they are restored.
    pub(crate) fn related(&self, id: &str, relation: &Relation) -> Vec<Uuid> {
        let Some(Stored::Relation(ids)) = self.page.values.get(id) else { return Vec::new() };
        let view = &self.world.view;
        if !view.reaches(relation.data_source) {
            return Vec::new();
        }
        let content = self.world.content;
        let place = Parent::DataSource(relation.data_source);
        let there = |id: &&Uuid| {
            content.blocks.get(id).is_some_and(|block| block.parent == place)
                && content.lives(**id)
                && view.sees(**id)
        };
        ids.iter().filter(there).copied().collect()
    }

    /// `verified`, `expired` or `none`.
    pub(crate) fn verification(&self, id: &str) -> &'static str {
        match self.page.values.get(id) {
            Some(Stored::Verification(verified)) if verified.has_expired(self.world.now) => "expired",
            Some(Stored::Verification(_)) => "verified",
            _ => "none",
        }
    }

    /// The name of a person or the title of a row, for sorting.
    pub(crate) fn name(&self, id: &str) -> String {
        let Ok(id) = id.parse() else { return String::new() };
        let view = &self.world.view;
        view.name(id).unwrap_or_else(|| view.title(id)).to_lowercase()
    }
}

fn text(text: String) -> Cell {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
}

fn ids(uuids: &[Uuid]) -> Cell {
    if uuids.is_empty() { Cell::Empty } else { Cell::Ids(uuids.iter().map(Uuid::to_string).collect()) }
}

impl Verified {
    /// Whether its last day is over.
    fn has_expired(&self, now: Timestamp) -> bool {
        let end = self.date.as_ref().and_then(|date| Moment::parse(date.end.as_deref()?, &date.zone()));
        match end {
            None => false,
            Some(Moment::Instant(end)) => end < now,
            Some(Moment::Day(end)) => end < Moment::Instant(now).day(),
        }
    }
}
