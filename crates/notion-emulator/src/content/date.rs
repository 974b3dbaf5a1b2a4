//! Dates as people enter them: a day or a moment, perhaps with an end, perhaps in a time zone.
//! They are kept as text in Notion's form, because a day without a time has no instant.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use serde::{Deserialize, Serialize};

use crate::clock::whole_minute;

/// A date or a range of dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DateValue {
    pub(crate) start: String,
    pub(crate) end: Option<String>,
    /// Only markdown tells it: the JSON of the API takes it and answers `null`. Source: recorded answers of June 2026.
    pub(crate) time_zone: Option<String>,
}

/// A day, or a moment in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Day(Date),
    Instant(Timestamp),
}

impl Moment {
    /// Reads `2026-11-22` or an ISO 8601 time; a time without an offset is taken in `zone`. Years before the first have no
    /// form in Notion's dates that reads back; that it refuses them is a guess.
    pub(crate) fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        Self::of_any_year(text, zone).filter(|moment| moment.day().year() >= 1)
    }

    fn of_any_year(text: &str, zone: &TimeZone) -> Option<Self> {
        if text.len() == 10 {
            return text.parse::<Date>().ok().map(Self::Day);
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self::Instant(at));
        }
        let local: jiff::civil::DateTime = text.parse().ok()?;
        local.to_zoned_datetime(zone.clone()).ok().map(|at| Self::Instant(at.timestamp()))
    }

    /// The day it falls on, in UTC.
    pub(crate) fn day(self) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Instant(at) => at.to_zoned_datetime(TimeZone::UTC).date(),
        }
    }

    /// Its first instant, in UTC: what sorting goes by. The calendar's last day begins after the last instant.
    pub(crate) fn instant(self) -> Timestamp {
        match self {
            Self::Day(day) => {
                day.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::MAX, |at| at.timestamp())
            }
            Self::Instant(at) => at,
        }
    }
}

/// The form in which Notion gives a date back: days as they are, times with milliseconds and offset. It keeps minutes, and
/// what is finer is cut off. Source: recorded answers of June 2026.
pub(crate) fn normal(text: &str, zone: &TimeZone) -> Option<String> {
    match Moment::parse(text, zone)? {
        Moment::Day(day) => Some(day.to_string()),
        Moment::Instant(at) => {
            let at = whole_minute(at);
            Some(with_offset(&at.to_zoned_datetime(offset_of(text).unwrap_or_else(|| zone.clone()))))
        }
    }
}

/// `2026-11-22T09:30:00.000+00:00`.
pub(crate) fn with_offset(at: &ZonedDateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
}

/// The offset written in the text itself, if any.
fn offset_of(text: &str) -> Option<TimeZone> {
    if text.ends_with('Z') {
        return Some(TimeZone::UTC);
    }
    let at = text.rfind(['+', '-']).filter(|at| *at > 10)?;
    let (sign, rest) = text[at..].split_at(1);
    let (hours, minutes) = rest.split_once(':').unwrap_or_else(|| rest.split_at(rest.len().min(2)));
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().unwrap_or(0) * 60;
    let offset = jiff::tz::Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()?;
    Some(TimeZone::fixed(offset))
}

impl DateValue {
    /// The zone that its times without an offset are in.
    pub(crate) fn zone(&self) -> TimeZone {
        self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }

    /// When it starts.
    pub(crate) fn start(&self) -> Option<Moment> {
        Moment::parse(&self.start, &self.zone())
    }
}
