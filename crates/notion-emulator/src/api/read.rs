//! From a request's JSON to content: each file reads one kind of thing and refuses what Notion refuses.

pub(crate) mod block;
pub(crate) mod file;
pub(crate) mod rich_text;
pub(crate) mod schema;
pub(crate) mod value;
pub(crate) mod view;

use super::check::{At, Invalid};
use crate::content::date::{DateValue, normal};

/// Longest list of blocks or of rich text, in elements. Source: Notion, "Request limits" (autumn 2026).
pub(crate) const LIST_MAX: usize = 100;

/// Longest URL, in UTF-16 units. Source: as above.
pub(crate) const URL_MAX: usize = 2_000;

/// Reads `{start, end, time_zone}`.
pub(crate) fn date(at: &At<'_>) -> Result<DateValue, Invalid> {
    at.only(&["start", "end", "time_zone"])?;
    let time_zone = at.get("time_zone").optional_nullable(|at| at.text(100))?.flatten();
    let zone = match &time_zone {
        None => jiff::tz::TimeZone::UTC,
        Some(name) => {
            jiff::tz::TimeZone::get(name).map_err(|_| at.get("time_zone").should("a valid time zone"))?
        }
    };
    let read =
        |at: &At<'_>| normal(at.string()?, &zone).ok_or_else(|| at.should("a valid ISO 8601 date string"));
    let start = read(&at.get("start"))?;
    let end = at.get("end").optional_nullable(read)?.flatten();
    Ok(DateValue { start, end, time_zone })
}
