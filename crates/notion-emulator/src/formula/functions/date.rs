//! Dates: the time of the call, parts of a date, reckoning, ranges and writing. Parts are taken from the start of a range.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::dates::{DateRange, Point, Unit};
use super::super::evaluate::Scene;
use super::super::format_date::format_date;
use super::super::numbers::{float, whole};
use super::super::value::Value;
use super::{Function, Gives, Takes, argument, plain, seeing};
use crate::clock::whole_minute;

const DATE: &[Takes] = &[Takes::Date];
const MOVED: &[Takes] = &[Takes::Date, Takes::Number, Takes::Unit];
const ONE: (usize, usize) = (1, 1);

pub(super) static FUNCTIONS: &[Function] = &[
    seeing("now", (0, 0), DATE, Gives::Date, |_, scene| Ok(single(now(scene)))),
    seeing("today", (0, 0), DATE, Gives::Date, |_, scene| Ok(single(Point::day(now(scene).at.date())))),
    plain("minute", ONE, DATE, Gives::Number, |all| part(all, |point| point.at.minute().into())),
    plain("hour", ONE, DATE, Gives::Number, |all| part(all, |point| point.at.hour().into())),
    // Monday is 1, Sunday 7.
    plain("day", ONE, DATE, Gives::Number, |all| {
        part(all, |point| point.at.weekday().to_monday_one_offset().into())
    }),
    plain("date", ONE, DATE, Gives::Number, |all| part(all, |point| point.at.day().into())),
    plain("week", ONE, DATE, Gives::Number, |all| {
        part(all, |point| point.at.date().iso_week_date().week().into())
    }),
    plain("month", ONE, DATE, Gives::Number, |all| part(all, |point| point.at.month().into())),
    plain("year", ONE, DATE, Gives::Number, |all| part(all, |point| point.at.year().into())),
    plain("dateAdd", (3, 3), MOVED, Gives::Date, |all| moved(all, 1)),
    plain("dateSubtract", (3, 3), MOVED, Gives::Date, |all| moved(all, -1)),
    plain("dateBetween", (3, 3), &[Takes::Date, Takes::Date, Takes::Unit], Gives::Number, between),
    plain("dateRange", (2, 2), DATE, Gives::Date, |all| match (start(all, 0), start(all, 1)) {
        (Some(start), Some(end)) => Value::Date(DateRange { start, end: Some(end) }),
        _ => Value::Empty,
    }),
    plain("dateStart", ONE, DATE, Gives::Date, |all| start(all, 0).map_or(Value::Empty, single)),
    plain("dateEnd", ONE, DATE, Gives::Date, |all| {
        // A date without an end ends when it starts.
        match argument(all, 0) {
            Value::Date(date) => single(date.end.unwrap_or(date.start)),
            _ => Value::Empty,
        }
    }),
    plain("timestamp", ONE, DATE, Gives::Number, |all| {
        let at = start(all, 0).map(|point| float(point.milliseconds()));
        at.map_or(Value::Empty, Value::Number)
    }),
    plain("fromTimestamp", ONE, &[Takes::Number], Gives::Date, |all| {
        let at = argument(all, 0).number().and_then(|number| Timestamp::from_millisecond(whole(number)).ok());
        at.map_or(Value::Empty, |at| single(Point::moment(at)))
    }),
    plain("formatDate", (2, 3), &[Takes::Date, Takes::Any], Gives::Text, write),
    plain("parseDate", ONE, &[Takes::Any], Gives::Date, |all| {
        Point::parse(&argument(all, 0).text()).map_or(Value::Empty, single)
    }),
];

/// The call's time, down to the minute: Notion's examples have no seconds in `timestamp(now())`.
fn now(scene: &Scene<'_>) -> Point {
    Point::moment(whole_minute(scene.run.now))
}

fn single(point: Point) -> Value {
    Value::Date(DateRange::single(point))
}

fn start(all: &[Value], at: usize) -> Option<Point> {
    match argument(all, at) {
        Value::Date(date) => Some(date.start),
        _ => None,
    }
}

fn part(all: &[Value], of: impl Fn(Point) -> i32) -> Value {
    start(all, 0).map_or(Value::Empty, |point| Value::Number(of(point).into()))
}

/// The date so many units later, or earlier; parts of a unit do not count.
fn moved(all: &[Value], sign: i64) -> Value {
    let count = argument(all, 1).number().map(whole);
    let unit = Unit::named(&argument(all, 2).text());
    let (Value::Date(date), Some(count), Some(unit)) = (argument(all, 0), count, unit) else {
        return Value::Empty;
    };
    date.map(|point| point.plus(sign * count, unit)).map_or(Value::Empty, Value::Date)
}

fn between(all: &[Value]) -> Value {
    let unit = Unit::named(&argument(all, 2).text());
    let (Some(a), Some(b), Some(unit)) = (start(all, 0), start(all, 1), unit) else {
        return Value::Empty;
    };
    a.since(b, unit).map_or(Value::Empty, |count| Value::Number(float(count)))
}

/// A third argument names a time zone.
fn write(all: &[Value]) -> Value {
    let Some(point) = start(all, 0) else { return Value::Text(String::new()) };
    let zone = all.get(2).and_then(|zone| TimeZone::get(&zone.text()).ok());
    let zoned = zone.filter(|_| point.timed).zip(point.instant());
    let at = zoned.map_or(point.at, |(zone, at)| at.to_zoned_datetime(zone).datetime());
    Value::Text(format_date(at, &argument(all, 1).text()))
}
