//! Filters: which rows are meant. Source: Notion, "Filter data source entries" (read 2026-11-22). Text is compared without
//! regard to case where it is searched in, and exactly where equality is asked.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::super::check::{At, Invalid};
use super::super::failure::Failure;
use super::{Cell, Row, column};
use crate::content::date::Moment;
use crate::content::property::{Kind, Property};

/// How deep `and` and `or` may be nested. Source: as above.
const NESTING_MAX: usize = 2;

/// A condition on rows.
pub(super) enum Filter<'p> {
    And(Vec<Filter<'p>>),
    Or(Vec<Filter<'p>>),
    Column(&'p Property, Test),
    CreatedTime(Test),
    LastEditedTime(Test),
}

/// A condition on one cell.
pub(super) enum Test {
    IsEmpty,
    IsNotEmpty,
    Text(TextTest, String),
    Number(Order, f64),
    Checkbox(bool),
    /// Holds this id (of a choice, a person, a row), or does not.
    Holds(String, bool),
    Date(Order, Moment),
    /// From this many days before today to this many after; whole weeks, months and years are worked out in time.
    Span(Span),
    /// Nothing can meet it: the choice that it names does not exist.
    Never,
    /// Everything meets it, for the same reason.
    Always,
}

#[derive(Clone, Copy)]
pub(super) enum TextTest {
    Equals,
    DoesNotEqual,
    Contains,
    DoesNotContain,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Copy)]
pub(super) enum Order {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// The spans of time that a filter can name.
#[derive(Clone, Copy)]
pub(super) enum Span {
    PastWeek,
    PastMonth,
    PastYear,
    ThisWeek,
    NextWeek,
    NextMonth,
    NextYear,
}

const SPANS: [(&str, Span); 7] = [
    ("past_week", Span::PastWeek),
    ("past_month", Span::PastMonth),
    ("past_year", Span::PastYear),
    ("this_week", Span::ThisWeek),
    ("next_week", Span::NextWeek),
    ("next_month", Span::NextMonth),
    ("next_year", Span::NextYear),
];

const TEXT_TESTS: [(&str, TextTest); 6] = [
    ("equals", TextTest::Equals),
    ("does_not_equal", TextTest::DoesNotEqual),
    ("contains", TextTest::Contains),
    ("does_not_contain", TextTest::DoesNotContain),
    ("starts_with", TextTest::StartsWith),
    ("ends_with", TextTest::EndsWith),
];

const NUMBER_TESTS: [(&str, Order); 6] = [
    ("equals", Order::Equal),
    ("does_not_equal", Order::NotEqual),
    ("greater_than", Order::Greater),
    ("less_than", Order::Less),
    ("greater_than_or_equal_to", Order::GreaterOrEqual),
    ("less_than_or_equal_to", Order::LessOrEqual),
];

const DATE_TESTS: [(&str, Order); 5] = [
    ("equals", Order::Equal),
    ("before", Order::Less),
    ("after", Order::Greater),
    ("on_or_before", Order::LessOrEqual),
    ("on_or_after", Order::GreaterOrEqual),
];

impl<'p> Filter<'p> {
    /// Reads a filter; `depth` counts the `and`s and `or`s around it.
    pub(super) fn read(at: &At<'_>, columns: &'p [Property], depth: usize) -> Result<Self, Failure> {
        for (key, both) in [("and", true), ("or", false)] {
            let list = at.get(key);
            if list.is_defined() {
                if depth >= NESTING_MAX {
                    return Err(list.should("not present: filters nest two levels deep at most").into());
                }
                let parts = list
                    .items(100)?
                    .iter()
                    .map(|at| Self::read(at, columns, depth + 1))
                    .collect::<Result<_, _>>()?;
                return Ok(if both { Self::And(parts) } else { Self::Or(parts) });
            }
        }
        if at.get("timestamp").is_defined() {
            let which = at.get("timestamp").one_of(&["created_time", "last_edited_time"])?;
            let test = date_test(&at.get(which))?;
            return Ok(if which == "created_time" {
                Self::CreatedTime(test)
            } else {
                Self::LastEditedTime(test)
            });
        }
        let property = column(columns, at.get("property").string()?)?;
        Ok(Self::Column(property, test(at, property)?))
    }

    /// Whether a row meets it.
    pub(super) fn accepts(&self, row: &Row<'_>, today: Date) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.accepts(row, today)),
            Self::Or(parts) => parts.iter().any(|part| part.accepts(row, today)),
            Self::Column(property, test) => test.accepts(&row.cell(property), today),
            Self::CreatedTime(test) => test.accepts(&Cell::At(row.block.created.at), today),
            Self::LastEditedTime(test) => test.accepts(&Cell::At(row.block.edited.at), today),
        }
    }
}

/// The condition for a column, under the key that names the column's kind.
fn test(at: &At<'_>, property: &Property) -> Result<Test, Failure> {
    let kind = property.kind.name();
    // Text-like columns also take `rich_text`, as older clients send it.
    let text_like =
        matches!(property.kind, Kind::Title | Kind::RichText | Kind::Url | Kind::Email | Kind::PhoneNumber);
    let key = if at.get(kind).is_defined() || !(text_like && at.get("rich_text").is_defined()) {
        kind
    } else {
        "rich_text"
    };
    let inner = at.get(key);
    if !inner.is_defined() {
        let object = at.object()?;
        let given = object.keys().find(|key| !matches!(key.as_str(), "property" | "type"));
        return Err(match given {
            Some(given) => {
                Failure::validation(format!("database property {kind} does not match filter {given}"))
            }
            None => inner.should("defined").into(),
        });
    }
    if let Some(test) = emptiness(&inner)? {
        return Ok(test);
    }
    Ok(match &property.kind {
        Kind::Title | Kind::RichText | Kind::Url | Kind::Email | Kind::PhoneNumber => {
            let (place, test) = operator(&inner, &TEXT_TESTS)?;
            Test::Text(test, place.text(2_000)?)
        }
        Kind::Number { .. } | Kind::UniqueId { .. } => {
            let (place, order) = operator(&inner, &NUMBER_TESTS)?;
            Test::Number(order, place.number()?.as_f64().unwrap_or(f64::NAN))
        }
        Kind::Checkbox => {
            let (place, equals) = operator(&inner, &[("equals", true), ("does_not_equal", false)])?;
            Test::Checkbox(place.boolean()? == equals)
        }
        Kind::Select(_) | Kind::Status { .. } => {
            let (place, equals) = operator(&inner, &[("equals", true), ("does_not_equal", false)])?;
            choice(property, place.string()?, equals)
        }
        Kind::MultiSelect(_) => {
            let (place, holds) = operator(&inner, &[("contains", true), ("does_not_contain", false)])?;
            choice(property, place.string()?, holds)
        }
        Kind::People | Kind::CreatedBy | Kind::LastEditedBy | Kind::Relation(_) => {
            let (place, holds) = operator(&inner, &[("contains", true), ("does_not_contain", false)])?;
            Test::Holds(place.uuid()?.to_string(), holds)
        }
        Kind::Date | Kind::CreatedTime | Kind::LastEditedTime => date_test(&inner)?,
        Kind::Files => {
            return Err(inner
                .variant(&["is_empty", "is_not_empty"])
                .map_or_else(Failure::from, |_| Failure::invalid_json()));
        }
    })
}

fn emptiness(at: &At<'_>) -> Result<Option<Test>, Invalid> {
    for (key, test) in [("is_empty", Test::IsEmpty), ("is_not_empty", Test::IsNotEmpty)] {
        let place = at.get(key);
        if place.is_defined() {
            if place.boolean()? {
                return Ok(Some(test));
            }
            return Err(place.should("`true`"));
        }
    }
    Ok(None)
}

/// The one operator that is there, of those that may be.
fn operator<'a, T: Copy>(at: &At<'a>, known: &[(&'static str, T)]) -> Result<(At<'a>, T), Invalid> {
    let names: Vec<&'static str> = known.iter().map(|(name, _)| *name).collect();
    let name = at.variant(&names)?;
    let found = known.iter().find(|(known, _)| *known == name).map(|(_, test)| *test);
    found.map(|test| (at.get(name), test)).ok_or_else(|| at.should("an operator"))
}

/// A choice by name. One that does not exist is held by no row.
fn choice(property: &Property, name: &str, holds: bool) -> Test {
    match property.kind.choices().iter().find(|choice| choice.name == name) {
        Some(choice) => Test::Holds(choice.id.clone(), holds),
        None if holds => Test::Never,
        None => Test::Always,
    }
}

fn date_test(at: &At<'_>) -> Result<Test, Failure> {
    if let Some(test) = emptiness(at)? {
        return Ok(test);
    }
    for (name, span) in SPANS {
        if at.get(name).is_defined() {
            at.get(name).object()?;
            return Ok(Test::Span(span));
        }
    }
    let (place, order) = operator(at, &DATE_TESTS)?;
    let moment = Moment::parse(place.string()?, &TimeZone::UTC);
    Ok(Test::Date(order, moment.ok_or_else(|| place.should("a valid ISO 8601 date string"))?))
}

impl Test {
    fn accepts(&self, cell: &Cell, today: Date) -> bool {
        match (self, cell) {
            (Self::Never, _) => false,
            (Self::Always, _) => true,
            (Self::IsEmpty, cell) => matches!(cell, Cell::Empty),
            (Self::IsNotEmpty, cell) => !matches!(cell, Cell::Empty),
            (Self::Text(test, wanted), Cell::Text(text)) => test.accepts(text, wanted),
            (Self::Text(TextTest::DoesNotEqual | TextTest::DoesNotContain, _), Cell::Empty) => true,
            (Self::Number(order, wanted), Cell::Number(number)) => order.accepts(number.partial_cmp(wanted)),
            (Self::Number(Order::NotEqual, _), Cell::Empty) => true,
            (Self::Checkbox(wanted), Cell::Checkbox(checked)) => checked == wanted,
            (Self::Holds(id, holds), Cell::Ids(ids)) => ids.contains(id) == *holds,
            (Self::Holds(_, holds), Cell::Empty) => !holds,
            (Self::Date(order, wanted), Cell::Date(date)) => {
                date.start().is_some_and(|start| compare_dates(*order, start, *wanted))
            }
            (Self::Date(order, wanted), Cell::At(at)) => compare_dates(*order, Moment::Instant(*at), *wanted),
            (Self::Span(span), Cell::Date(date)) => {
                date.start().is_some_and(|start| span.holds(start.day(), today))
            }
            (Self::Span(span), Cell::At(at)) => span.holds(Moment::Instant(*at).day(), today),
            _ => false,
        }
    }
}

/// Where one side is a whole day, days are compared.
fn compare_dates(order: Order, a: Moment, b: Moment) -> bool {
    let ordering = match (a, b) {
        (Moment::Instant(a), Moment::Instant(b)) => a.cmp(&b),
        _ => a.day().cmp(&b.day()),
    };
    order.accepts(Some(ordering))
}

impl TextTest {
    fn accepts(self, text: &str, wanted: &str) -> bool {
        let (low, low_wanted) = (text.to_lowercase(), wanted.to_lowercase());
        match self {
            Self::Equals => text == wanted,
            Self::DoesNotEqual => text != wanted,
            Self::Contains => low.contains(&low_wanted),
            Self::DoesNotContain => !low.contains(&low_wanted),
            Self::StartsWith => low.starts_with(&low_wanted),
            Self::EndsWith => low.ends_with(&low_wanted),
        }
    }
}

impl Order {
    fn accepts(self, ordering: Option<std::cmp::Ordering>) -> bool {
        let Some(ordering) = ordering else { return false };
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::Greater => ordering.is_gt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Span {
    fn holds(self, day: Date, today: Date) -> bool {
        let (first, last) = match self {
            Self::PastWeek => (today - 7.days(), today),
            Self::PastMonth => (today - 1.month(), today),
            Self::PastYear => (today - 1.year(), today),
            Self::ThisWeek => {
                let sunday = today - i64::from(today.weekday().since(Weekday::Sunday)).days();
                (sunday, sunday + 6.days())
            }
            Self::NextWeek => (today, today + 7.days()),
            Self::NextMonth => (today, today + 1.month()),
            Self::NextYear => (today, today + 1.year()),
        };
        (first..=last).contains(&day)
    }
}
