//! Rollups: what related rows hold in one of their columns, summed up by one of Notion's functions.
//! Source: Notion, "Page property values", rollup (read 2026-11-27); what each function makes of empty cells is a guess.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Cell, Row};
use crate::content::date::{DateValue, Moment, with_offset};
use crate::content::property::{Kind, Property, Rollup};
use crate::formula::middle;

/// What a rollup comes to.
pub(crate) enum Rolled<'a> {
    Number(Option<f64>),
    Date(Option<DateValue>),
    /// The rows whose cells in this column are shown as they are.
    Cells(Vec<Row<'a>>, &'a Property),
    /// Notion's API does not tell the result of this function.
    Unsupported,
}

/// The related rows and the column of theirs that is summed up; `None` if the relation or the column is gone.
pub(crate) fn source<'a>(row: &Row<'a>, rollup: &Rollup) -> Option<(Vec<Row<'a>>, &'a Property)> {
    let world = row.world.further()?;
    let relation = row.columns().iter().find(|column| column.id == rollup.relation)?;
    let Kind::Relation(to) = &relation.kind else { return None };
    let target = target(row.world.content, to.data_source, rollup)?;
    let rows = row.related(&relation.id, to).into_iter().filter_map(|id| world.row(id)).collect();
    Some((rows, target))
}

/// The column that a rollup sums up.
pub(crate) fn target<'a>(
    content: &'a crate::content::Content,
    data_source: uuid::Uuid,
    rollup: &Rollup,
) -> Option<&'a Property> {
    let columns = &content.data_sources.get(&data_source)?.properties;
    columns.iter().find(|column| column.id == rollup.target)
}

/// Works a rollup out over at most `most` related rows.
pub(crate) fn roll_up<'a>(row: &Row<'a>, rollup: &Rollup, most: usize) -> Rolled<'a> {
    let Some((mut rows, target)) = source(row, rollup) else { return Rolled::Unsupported };
    rows.truncate(most);
    let function = rollup.function;
    if matches!(function, "show_original" | "show_unique") {
        if function == "show_unique" {
            keep_first_of_each(&mut rows, target);
        }
        return Rolled::Cells(rows, target);
    }
    let cells: Vec<Cell> = rows.iter().map(|row| row.cell(target)).collect();
    match function {
        "earliest_date" | "latest_date" | "date_range" => Rolled::Date(dates(function, &cells)),
        // Which group is counted cannot be said in the API, so nor can the result be: a guess.
        "count_per_group" | "percent_per_group" => Rolled::Unsupported,
        _ => Rolled::Number(number(function, &cells)),
    }
}

/// What a rollup amounts to for filters and sorts.
pub(super) fn cell(row: &Row<'_>, rollup: &Rollup) -> Cell {
    match roll_up(row, rollup, usize::MAX) {
        Rolled::Number(Some(number)) => Cell::Number(number),
        Rolled::Date(Some(date)) => Cell::Date(date),
        Rolled::Cells(rows, target) if !rows.is_empty() => {
            Cell::List(rows.iter().map(|row| row.cell(target)).collect())
        }
        _ => Cell::Empty,
    }
}

fn keep_first_of_each(rows: &mut Vec<Row<'_>>, target: &Property) {
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(identity(&row.cell(target))));
}

/// Cells with the same text are the same cell. (Floating point has no hash.)
fn identity(cell: &Cell) -> String {
    format!("{cell:?}")
}

/// The single values in cells: each choice, person or row of a cell counts by itself.
fn values(cells: &[Cell]) -> Vec<Cell> {
    let each = |cell: &Cell| match cell {
        Cell::Empty => Vec::new(),
        Cell::Ids(ids) => ids.iter().map(|id| Cell::Ids(vec![id.clone()])).collect(),
        Cell::List(cells) => cells.iter().filter(|cell| **cell != Cell::Empty).cloned().collect(),
        other => vec![other.clone()],
    };
    cells.iter().flat_map(each).collect()
}

#[expect(clippy::cast_precision_loss, reason = "nobody relates 2^52 rows")]
fn number(function: &str, cells: &[Cell]) -> Option<f64> {
    let all = cells.len() as f64;
    let count = |wanted: &dyn Fn(&Cell) -> bool| cells.iter().filter(|cell| wanted(cell)).count() as f64;
    // A share of nothing is no number.
    let share = |part: f64| (all > 0.0).then(|| part / all);
    let empty = count(&|cell| matches!(cell, Cell::Empty | Cell::Verification("none")));
    let checked = count(&|cell| *cell == Cell::Checkbox(true));
    match function {
        "count" => Some(all),
        "count_values" => Some(values(cells).len() as f64),
        "unique" => Some(unique(cells) as f64),
        "empty" => Some(empty),
        "not_empty" => Some(all - empty),
        "percent_empty" => share(empty),
        "percent_not_empty" => share(all - empty),
        "checked" => Some(checked),
        "unchecked" => Some(count(&|cell| *cell == Cell::Checkbox(false))),
        "percent_checked" => share(checked),
        "percent_unchecked" => share(all - checked),
        _ => of_numbers(function, cells),
    }
}

fn unique(cells: &[Cell]) -> usize {
    values(cells).iter().map(identity).collect::<HashSet<_>>().len()
}

#[expect(clippy::cast_precision_loss, reason = "nobody relates 2^52 rows")]
fn of_numbers(function: &str, cells: &[Cell]) -> Option<f64> {
    let values = values(cells);
    let numbers = values.iter().filter_map(|cell| match cell {
        Cell::Number(number) => Some(*number),
        _ => None,
    });
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    let (first, last) = (numbers.first().copied(), numbers.last().copied());
    match function {
        "sum" => Some(sum),
        "average" => first.map(|_| sum / numbers.len() as f64),
        "median" => middle(&numbers),
        "min" => first,
        "max" => last,
        "range" => first.zip(last).map(|(first, last)| last - first),
        _ => None,
    }
}

/// A date's text with the instant that it stands for.
type Point = (Timestamp, String);

fn dates(function: &str, cells: &[Cell]) -> Option<DateValue> {
    let points: Vec<(Point, Point)> = values(cells).iter().filter_map(span).collect();
    let by_time = |a: &&Point, b: &&Point| a.0.cmp(&b.0);
    let (_, earliest) = points.iter().map(|(start, _)| start).min_by(by_time)?.clone();
    let (_, latest) = points.iter().map(|(_, end)| end).max_by(by_time)?.clone();
    let date = |start, end| Some(DateValue { start, end, time_zone: None });
    match function {
        "earliest_date" => date(earliest, None),
        "latest_date" => date(latest, None),
        _ => date(earliest, Some(latest)),
    }
}

/// When a date starts and when it ends.
fn span(cell: &Cell) -> Option<(Point, Point)> {
    match cell {
        Cell::At(at) => {
            let text = with_offset(&at.to_zoned_datetime(jiff::tz::TimeZone::UTC));
            Some(((*at, text.clone()), (*at, text)))
        }
        Cell::Date(date) => {
            let start = (date.start()?.instant(), date.start.clone());
            let end = date
                .end
                .clone()
                .and_then(|end| Moment::parse(&end, &date.zone()).map(|moment| (moment.instant(), end)));
            Some((start.clone(), end.unwrap_or(start)))
        }
        _ => None,
    }
}
