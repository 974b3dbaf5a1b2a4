//! Conditions on dates: against a day or a moment, against a day relative to today, or within a span around today.
//! Days are those of UTC. Source: Notion, "Filter data source entries", date (read 2026-11-27).

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::super::super::check::At;
use super::super::super::failure::Failure;
use super::test::{Order, operator};
use crate::cells::Cell;
use crate::clock::whole_minute;
use crate::content::date::Moment;

/// A condition on a date.
pub(in super::super) enum DateTest {
    Compare(Order, Moment),
    /// From the first of these days to the last.
    Within(Date, Date),
}

const ORDERS: [(&str, Order); 5] = [
    ("equals", Order::Equal),
    ("before", Order::Less),
    ("after", Order::Greater),
    ("on_or_before", Order::LessOrEqual),
    ("on_or_after", Order::GreaterOrEqual),
];

const SPANS: [&str; 7] =
    ["this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year"];

/// Reads a condition; what is relative is so to `now`.
pub(super) fn date_test(at: &At<'_>, now: Timestamp) -> Result<DateTest, Failure> {
    let today = Moment::Instant(now).day();
    for name in SPANS {
        let place = at.get(name);
        if place.is_defined() {
            at.only(&[name])?;
            place.only(&[])?;
            let (first, last) = span(name, today);
            return Ok(DateTest::Within(first, last));
        }
    }
    let (place, order) = operator(at, &ORDERS)?;
    let text = place.string()?;
    let moment = relative(text, today).map(Moment::Day).or_else(|| Moment::parse(text, &TimeZone::UTC));
    Ok(DateTest::Compare(order, moment.ok_or_else(|| place.should("a valid ISO 8601 date string"))?))
}

/// A day by its name.
fn relative(name: &str, today: Date) -> Option<Date> {
    Some(match name {
        "today" => today,
        "tomorrow" => today.saturating_add(1.day()),
        "yesterday" => today.saturating_sub(1.day()),
        "one_week_ago" => today.saturating_sub(1.week()),
        "one_week_from_now" => today.saturating_add(1.week()),
        "one_month_ago" => today.saturating_sub(1.month()),
        "one_month_from_now" => today.saturating_add(1.month()),
        _ => return None,
    })
}

/// The first and the last day of a span by its name. Weeks begin on Sunday: a guess.
fn span(name: &str, today: Date) -> (Date, Date) {
    match name {
        "past_week" => (today.saturating_sub(1.week()), today),
        "past_month" => (today.saturating_sub(1.month()), today),
        "past_year" => (today.saturating_sub(1.year()), today),
        "next_week" => (today, today.saturating_add(1.week())),
        "next_month" => (today, today.saturating_add(1.month())),
        "next_year" => (today, today.saturating_add(1.year())),
        _ => {
            let sunday = today.saturating_sub(i64::from(today.weekday().since(Weekday::Sunday)).days());
            (sunday, sunday.saturating_add(6.days()))
        }
    }
}

impl DateTest {
    /// Whether a cell meets it: a range does by its start.
    pub(super) fn accepts(&self, cell: &Cell) -> bool {
        let start = match cell {
            Cell::Date(date) => date.start(),
            Cell::At(at) => Some(Moment::Instant(*at)),
            _ => None,
        };
        let Some(start) = start else { return false };
        match self {
            Self::Compare(order, wanted) => order.accepts(Some(compare(start, *wanted))),
            Self::Within(first, last) => (*first..=*last).contains(&start.day()),
        }
    }
}

/// Where one side is a whole day, days are compared, else minutes: a condition with seconds finds the row that was written with
/// them. Source: recorded queries of June 2026.
fn compare(a: Moment, b: Moment) -> std::cmp::Ordering {
    match (a, b) {
        (Moment::Instant(a), Moment::Instant(b)) => whole_minute(a).cmp(&whole_minute(b)),
        _ => a.day().cmp(&b.day()),
    }
}
