//! Sorting rows: by columns and by the two timestamps, empty cells last.

use std::cmp::Ordering;

use super::super::check::At;
use super::super::failure::Failure;
use super::column;
use crate::cells::{Cell, Row};
use crate::content::property::{Kind, Property};

/// How many keys one query may sort by: a guess, for Notion names no number.
const SORTS_MAX: usize = 100;

/// One key to sort by.
pub(super) struct Sort<'p> {
    by: By<'p>,
    descending: bool,
}

enum By<'p> {
    Column(&'p Property),
    CreatedTime,
    LastEditedTime,
}

/// Reads the list of sorts.
pub(super) fn read<'p>(at: &At<'_>, columns: &'p [Property]) -> Result<Vec<Sort<'p>>, Failure> {
    if !at.is_defined() {
        return Ok(Vec::new());
    }
    at.items(SORTS_MAX)?.iter().map(|at| one(at, columns)).collect()
}

fn one<'p>(at: &At<'_>, columns: &'p [Property]) -> Result<Sort<'p>, Failure> {
    let by = match at.variant(&["property", "timestamp"])? {
        "timestamp" => {
            at.only(&["timestamp", "direction"])?;
            match at.get("timestamp").one_of(&["created_time", "last_edited_time"])? {
                "created_time" => By::CreatedTime,
                _ => By::LastEditedTime,
            }
        }
        _ => {
            at.only(&["property", "direction"])?;
            let key = at.get("property").string()?;
            let unknown =
                || Failure::validation(format!("Could not find sort property with name or id: {key}"));
            By::Column(column(columns, key).map_err(|_| unknown())?)
        }
    };
    let direction = at.get("direction").one_of(&["ascending", "descending"])?;
    Ok(Sort { by, descending: direction == "descending" })
}

/// Puts rows in order; rows that no key tells apart stay as they came. Every key is worked out once a row.
pub(super) fn sort<'a>(sorts: &[Sort<'_>], rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
    if sorts.is_empty() {
        return rows;
    }
    let keys = |row: &Row<'_>| sorts.iter().map(|sort| sort.key(row)).collect::<Vec<_>>();
    let mut keyed: Vec<(Vec<Option<Key>>, Row<'a>)> = rows.into_iter().map(|row| (keys(&row), row)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let by_each =
            sorts.iter().zip(a.iter().zip(b)).map(|(sort, (a, b))| sort.compare(a.as_ref(), b.as_ref()));
        by_each.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    });
    keyed.into_iter().map(|(_, row)| row).collect()
}

impl Sort<'_> {
    fn key(&self, row: &Row<'_>) -> Option<Key> {
        match self.by {
            By::CreatedTime => Some(Key::Time(row.block.created.at)),
            By::LastEditedTime => Some(Key::Time(row.block.edited.at)),
            By::Column(property) => Key::of(row, property, row.cell(property)),
        }
    }

    fn compare(&self, a: Option<&Key>, b: Option<&Key>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => b.compare(a),
            (Some(a), Some(b)) => a.compare(b),
            // Empty cells come last, whichever way is up.
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

/// What a cell is sorted by.
enum Key {
    Text(String),
    Number(f64),
    Time(jiff::Timestamp),
    /// The places of choices among all choices.
    Places(Vec<usize>),
}

impl Key {
    fn of(row: &Row<'_>, property: &Property, cell: Cell) -> Option<Self> {
        Some(match cell {
            Cell::Empty => return None,
            Cell::Text(text) => Self::Text(text.to_lowercase()),
            Cell::Number(number) => Self::Number(number),
            Cell::Checkbox(checked) => Self::Number(f64::from(u8::from(checked))),
            Cell::Date(date) => Self::Time(date.start()?.instant()),
            Cell::At(at) => Self::Time(at),
            Cell::Files(_) => Self::Text(String::new()),
            Cell::Verification(state) => Self::Text(state.to_owned()),
            // A rollup that shows several cells goes by the first: a guess.
            Cell::List(cells) => return Self::of(row, property, cells.into_iter().next()?),
            Cell::Ids(ids) => match property.kind {
                Kind::Select(_) | Kind::Status { .. } | Kind::MultiSelect(_) => {
                    let choices = property.kind.choices();
                    let place = |id: &String| choices.iter().position(|choice| choice.id == *id);
                    Self::Places(ids.iter().filter_map(place).collect())
                }
                _ => Self::Text(ids.iter().map(|id| row.name(id)).collect::<Vec<_>>().join(", ")),
            },
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Places(a), Self::Places(b)) => a.cmp(b),
            // One column gives one sort of key, but for rollups over rollups of several kinds.
            _ => Ordering::Equal,
        }
    }
}
