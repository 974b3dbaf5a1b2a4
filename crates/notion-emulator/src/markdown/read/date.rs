//! Dates in the text: `<mention-date start="2026-11-22" startTime="09:30" timeZone="Europe/Berlin"/>`.

use jiff::tz::TimeZone;

use crate::content::date::{DateValue, normal};
use crate::markdown::tag::Tag;

/// The date that a mention names; `None` if it is none.
pub(super) fn mention(tag: &Tag<'_>) -> Option<DateValue> {
    let time_zone = tag.get("timeZone").map(str::to_owned);
    let zone = match &time_zone {
        Some(name) => TimeZone::get(name).ok()?,
        None => TimeZone::UTC,
    };
    let moment = |day: &str, time: Option<&str>| match time {
        Some(time) => normal(&format!("{day}T{time}"), &zone),
        None => normal(day, &zone),
    };
    let start = moment(tag.get("start")?, tag.get("startTime"))?;
    let end = match tag.get("end") {
        Some(day) => Some(moment(day, tag.get("endTime"))?),
        None => None,
    };
    Some(DateValue { start, end, time_zone })
}
