//! Dates in formulas: days and moments, alone or as a range, in UTC; and how one reckons with them.

use jiff::civil::{Date, DateTime, DateTimeDifference};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit as JiffUnit};

use super::format_date::format_date;

/// A day, or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    /// In UTC; for a day its midnight.
    pub(crate) at: DateTime,
    /// Whether it has a time of day.
    pub(crate) timed: bool,
}

/// A date, or a range of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateRange {
    pub(crate) start: Point,
    pub(crate) end: Option<Point>,
}

/// What time is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Years,
    Quarters,
    Months,
    Weeks,
    Days,
    Hours,
    Minutes,
    /// Not in the documents; users report that it works, and so does the next.
    Seconds,
    Milliseconds,
}

impl Unit {
    /// The unit that is called so, in the plural as documented or in the singular as people write it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "years" | "year" => Self::Years,
            "quarters" | "quarter" => Self::Quarters,
            "months" | "month" => Self::Months,
            "weeks" | "week" => Self::Weeks,
            "days" | "day" => Self::Days,
            "hours" | "hour" => Self::Hours,
            "minutes" | "minute" => Self::Minutes,
            "seconds" | "second" => Self::Seconds,
            "milliseconds" | "millisecond" => Self::Milliseconds,
            _ => return None,
        })
    }

    fn span(self, count: i64) -> Option<Span> {
        let span = Span::new();
        match self {
            Self::Years => span.try_years(count),
            Self::Quarters => span.try_months(count.checked_mul(3)?),
            Self::Months => span.try_months(count),
            Self::Weeks => span.try_weeks(count),
            Self::Days => span.try_days(count),
            Self::Hours => span.try_hours(count),
            Self::Minutes => span.try_minutes(count),
            Self::Seconds => span.try_seconds(count),
            Self::Milliseconds => span.try_milliseconds(count),
        }
        .ok()
    }

    /// Whether adding it makes a moment of a day.
    fn is_time(self) -> bool {
        matches!(self, Self::Hours | Self::Minutes | Self::Seconds | Self::Milliseconds)
    }
}

impl Point {
    pub(crate) fn day(date: Date) -> Self {
        Self { at: date.at(0, 0, 0, 0), timed: false }
    }

    pub(crate) fn moment(at: Timestamp) -> Self {
        Self { at: at.to_zoned_datetime(TimeZone::UTC).datetime(), timed: true }
    }

    /// Reads `2026-11-27` or an ISO 8601 time.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() <= 10 {
            return text.parse().ok().map(Self::day);
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self::moment(at));
        }
        // Notion's documents have `2022-01-01T00:00Z`: jiff reads it above; without an offset it is UTC.
        text.parse().ok().map(|at| Self { at, timed: true })
    }

    /// Its instant; a day counts from midnight. The last and the first day of the calendar have none.
    pub(super) fn instant(self) -> Option<Timestamp> {
        self.at.to_zoned_datetime(TimeZone::UTC).ok().map(|at| at.timestamp())
    }

    /// Milliseconds since 1970.
    pub(super) fn milliseconds(self) -> i64 {
        const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        i64::try_from(self.at.duration_since(EPOCH).as_millis()).expect("20,000 years are 2^50 milliseconds")
    }

    /// So much later, or earlier for less than nothing; `None` beyond the calendar.
    pub(super) fn plus(self, count: i64, unit: Unit) -> Option<Self> {
        let at = self.at.checked_add(unit.span(count)?).ok()?;
        Some(Self { at, timed: self.timed || unit.is_time() })
    }

    /// How many whole units lie between `other` and this; below zero if this is earlier.
    pub(super) fn since(self, other: Self, unit: Unit) -> Option<i64> {
        let milliseconds = || self.milliseconds() - other.milliseconds();
        let in_months = |months: i64| {
            let difference = DateTimeDifference::new(other.at).largest(JiffUnit::Month);
            let span = self.at.since(difference).ok()?;
            Some(i64::from(span.get_months()) / months)
        };
        match unit {
            Unit::Years => in_months(12),
            Unit::Quarters => in_months(3),
            Unit::Months => in_months(1),
            Unit::Weeks => Some(milliseconds() / 604_800_000),
            Unit::Days => Some(milliseconds() / 86_400_000),
            Unit::Hours => Some(milliseconds() / 3_600_000),
            Unit::Minutes => Some(milliseconds() / 60_000),
            Unit::Seconds => Some(milliseconds() / 1_000),
            Unit::Milliseconds => Some(milliseconds()),
        }
    }

    /// As the API writes it.
    pub(crate) fn iso(self) -> String {
        if self.timed {
            self.at.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()
        } else {
            self.at.date().to_string()
        }
    }
}

impl DateRange {
    pub(crate) fn single(start: Point) -> Self {
        Self { start, end: None }
    }

    /// Both ends, changed the same way.
    pub(super) fn map(self, change: impl Fn(Point) -> Option<Point>) -> Option<Self> {
        let end = match self.end {
            Some(end) => Some(change(end)?),
            None => None,
        };
        Some(Self { start: change(self.start)?, end })
    }

    /// `August 30, 2023`, `August 30, 2023 17:55`, and ranges with an arrow. Source: the examples of "Formula syntax &
    /// functions".
    pub(super) fn text(self) -> String {
        let point = |point: Point| {
            format_date(point.at, if point.timed { "MMMM D, YYYY HH:mm" } else { "MMMM D, YYYY" })
        };
        match self.end {
            None => point(self.start),
            Some(end) => format!("{} → {}", point(self.start), point(end)),
        }
    }
}
