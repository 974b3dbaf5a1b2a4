//! A condition on one cell: how it is read, for each shape of cell, and when a cell meets it. Text is compared without
//! regard to case where it is searched in, and exactly where equality is asked.

use std::cmp::Ordering;

use super::super::super::check::{At, Invalid};
use super::super::super::failure::Failure;
use super::super::Scope;
use super::dates::{DateTest, date_test};
use crate::cells::Cell;
use crate::content::property::Property;

/// How the cells of a column can be asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Shape {
    Text,
    Number,
    Checkbox,
    /// One choice.
    Choice,
    Choices,
    People,
    Relation,
    Date,
    Verification,
    /// Only whether there is something.
    Existence,
}

/// A condition on one cell.
pub(in super::super) enum Test {
    IsEmpty,
    IsNotEmpty,
    Text(TextTest, String),
    Number(Order, f64),
    Checkbox(bool),
    /// Holds one of these ids (of choices, people, rows), or none of them.
    Holds(Vec<String>, bool),
    Date(DateTest),
    Verification(&'static str, bool),
}

#[derive(Clone, Copy)]
pub(in super::super) enum TextTest {
    Equals,
    DoesNotEqual,
    Contains,
    DoesNotContain,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Copy)]
pub(in super::super) enum Order {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

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

const EQUALITY: [(&str, bool); 2] = [("equals", true), ("does_not_equal", false)];
const HOLDING: [(&str, bool); 2] = [("contains", true), ("does_not_contain", false)];

/// Longest text to compare with, in UTF-16 units. Source: Notion, "Request limits" (autumn 2026).
const TEXT_MAX: usize = 2_000;

/// How many names one condition may list: a guess.
const NAMES_MAX: usize = 100;

impl Test {
    /// Reads a condition for cells of this shape; `property` is where choices are looked up by name.
    pub(super) fn read(
        at: &At<'_>,
        shape: Shape,
        property: Option<&Property>,
        scope: &Scope<'_>,
    ) -> Result<Self, Failure> {
        if let Some(test) = emptiness(at, shape)? {
            return Ok(test);
        }
        Ok(match shape {
            Shape::Text => {
                let (place, test) = operator(at, &TEXT_TESTS)?;
                Self::Text(test, place.text(TEXT_MAX)?)
            }
            Shape::Number => {
                let (place, order) = operator(at, &NUMBER_TESTS)?;
                Self::Number(order, place.number()?.as_f64().unwrap_or(f64::NAN))
            }
            Shape::Checkbox => {
                let (place, equals) = operator(at, &EQUALITY)?;
                Self::Checkbox(place.boolean()? == equals)
            }
            Shape::Choice => {
                let (place, equals) = operator(at, &EQUALITY)?;
                Self::Holds(choices(&place, property)?, equals)
            }
            Shape::Choices => {
                let (place, holds) = operator(at, &HOLDING)?;
                Self::Holds(choices(&place, property)?, holds)
            }
            Shape::People => {
                let (place, holds) = operator(at, &HOLDING)?;
                let me = place.raw().and_then(serde_json::Value::as_str) == Some("me");
                let id = if me { scope.me } else { place.uuid()? };
                Self::Holds(vec![id.to_string()], holds)
            }
            Shape::Relation => {
                let (place, holds) = operator(at, &HOLDING)?;
                Self::Holds(vec![place.uuid()?.to_string()], holds)
            }
            Shape::Date => Self::Date(date_test(at, scope.now)?),
            Shape::Verification => {
                let (place, equals) = operator(at, &[("status", true), ("does_not_equal", false)])?;
                Self::Verification(place.one_of(&["verified", "expired", "none"])?, equals)
            }
            Shape::Existence => return Err(existence(at)),
        })
    }

    /// Whether a cell meets it.
    pub(super) fn accepts(&self, cell: &Cell) -> bool {
        match (self, cell) {
            (Self::IsEmpty, cell) => matches!(cell, Cell::Empty),
            (Self::IsNotEmpty, cell) => !matches!(cell, Cell::Empty),
            (Self::Text(test, wanted), Cell::Text(text)) => test.accepts(text, wanted),
            (Self::Text(TextTest::DoesNotEqual | TextTest::DoesNotContain, _), Cell::Empty)
            | (Self::Number(Order::NotEqual, _), Cell::Empty) => true,
            (Self::Number(order, wanted), Cell::Number(number)) => order.accepts(number.partial_cmp(wanted)),
            (Self::Checkbox(wanted), Cell::Checkbox(checked)) => checked == wanted,
            (Self::Holds(wanted, holds), Cell::Ids(ids)) => {
                wanted.iter().any(|id| ids.contains(id)) == *holds
            }
            (Self::Holds(_, holds), Cell::Empty) => !holds,
            (Self::Date(test), cell) => test.accepts(cell),
            (Self::Verification(wanted, equals), Cell::Verification(state)) => (wanted == state) == *equals,
            _ => false,
        }
    }
}

fn emptiness(at: &At<'_>, shape: Shape) -> Result<Option<Test>, Invalid> {
    if matches!(shape, Shape::Checkbox | Shape::Verification) {
        return Ok(None);
    }
    for (key, test) in [("is_empty", Test::IsEmpty), ("is_not_empty", Test::IsNotEmpty)] {
        let place = at.get(key);
        if place.is_defined() {
            at.only(&[key])?;
            return if place.boolean()? { Ok(Some(test)) } else { Err(place.should("`true`")) };
        }
    }
    Ok(None)
}

/// Neither of the two questions that can be asked was asked.
fn existence(at: &At<'_>) -> Failure {
    match at.only(&["is_empty", "is_not_empty"]) {
        Err(invalid) => invalid.into(),
        Ok(()) => Invalid::any(["is_empty", "is_not_empty"].map(|key| at.get(key).should("defined"))).into(),
    }
}

/// The one operator that is there, of those that may be.
pub(super) fn operator<'a, T: Copy>(
    at: &At<'a>,
    known: &[(&'static str, T)],
) -> Result<(At<'a>, T), Invalid> {
    let names: Vec<&'static str> = known.iter().map(|(name, _)| *name).collect();
    let name = at.variant(&names)?;
    at.only(&[name])?;
    let found = known.iter().find(|(known, _)| *known == name).map(|(_, test)| *test);
    found.map(|test| (at.get(name), test)).ok_or_else(|| at.should("an operator"))
}

/// The ids of the choices that are named, by one name or a list of them. Source: a refusal that users quote, of one that does
/// not exist.
fn choices(at: &At<'_>, property: Option<&Property>) -> Result<Vec<String>, Failure> {
    let names: Vec<&str> = if at.raw().is_some_and(serde_json::Value::is_array) {
        at.items(NAMES_MAX)?.iter().map(At::string).collect::<Result<_, _>>()?
    } else {
        vec![at.string()?]
    };
    let Some(property) = property else { return Ok(Vec::new()) };
    let known = property.kind.choices();
    let id = |name: &&str| match known.iter().find(|choice| choice.name == *name) {
        Some(choice) => Ok(choice.id.clone()),
        None => {
            let quoted: Vec<String> = known.iter().map(|choice| format!("\"{}\"", choice.name)).collect();
            let (kind, column, all) = (property.kind.name(), &property.name, quoted.join(", "));
            Err(Failure::validation(format!(
                "{kind} option \"{name}\" not found for property \"{column}\". Available options: {all}."
            )))
        }
    };
    names.iter().map(id).collect()
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
    pub(super) fn accepts(self, ordering: Option<Ordering>) -> bool {
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
