//! Sorting rows: by columns and by the two timestamps, empty cells last.

use std::cmp::Ordering;

use super::super::check::At;
use super::super::failure::Failure;
use super::{Cell, Row, column};
use crate::content::property::{Kind, Property};

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
    at.items(100)?.iter().map(|at| one(at, columns)).collect()
}

fn one<'p>(at: &At<'_>, columns: &'p [Property]) -> Result<Sort<'p>, Failure> {
    at.only(&["property", "timestamp", "direction"])?;
    let direction = at.get("direction").one_of(&["ascending", "descending"])?;
    let by = if at.get("timestamp").is_defined() {
        match at.get("timestamp").one_of(&["created_time", "last_edited_time"])? {
            "created_time" => By::CreatedTime,
            _ => By::LastEditedTime,
        }
    } else {
        let key = at.get("property").string()?;
        let unknown = || Failure::validation(format!("Could not find sort property with name or id: {key}"));
        By::Column(column(columns, key).map_err(|_| unknown())?)
    };
    Ok(Sort { by, descending: direction == "descending" })
}

/// Which of two rows comes first; rows that no key tells apart stay in the order of making.
pub(super) fn compare(sorts: &[Sort<'_>], a: &Row<'_>, b: &Row<'_>) -> Ordering {
    sorts.iter().map(|sort| sort.compare(a, b)).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

impl Sort<'_> {
    fn compare(&self, a: &Row<'_>, b: &Row<'_>) -> Ordering {
        let directed = |ordering: Ordering| if self.descending { ordering.reverse() } else { ordering };
        match self.by {
            By::CreatedTime => directed(a.block.created.at.cmp(&b.block.created.at)),
            By::LastEditedTime => directed(a.block.edited.at.cmp(&b.block.edited.at)),
            By::Column(property) => {
                let (left, right) = (Key::of(a, property), Key::of(b, property));
                match (left, right) {
                    (Some(left), Some(right)) => directed(left.compare(&right)),
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (None, None) => Ordering::Equal,
                }
            }
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
    fn of(row: &Row<'_>, property: &Property) -> Option<Self> {
        Some(match row.cell(property) {
            Cell::Empty => return None,
            Cell::Text(text) => Self::Text(text.to_lowercase()),
            Cell::Number(number) => Self::Number(number),
            Cell::Checkbox(checked) => Self::Number(f64::from(u8::from(checked))),
            Cell::Date(date) => Self::Time(date.start()?.instant()),
            Cell::At(at) => Self::Time(at),
            Cell::Files => Self::Text(String::new()),
            Cell::Ids(ids) => match property.kind {
                Kind::Select(_) | Kind::Status { .. } | Kind::MultiSelect(_) => {
                    let choices = property.kind.choices();
                    let place = |id: &String| choices.iter().position(|choice| choice.id == *id);
                    Self::Places(ids.iter().filter_map(place).collect())
                }
                _ => Self::Text(ids.iter().map(|id| row.person(id)).collect::<Vec<_>>().join(", ")),
            },
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Places(a), Self::Places(b)) => a.cmp(b),
            // One column gives one sort of key.
            _ => Ordering::Equal,
        }
    }
}
