//! What a row is to hold in a column, from JSON. A select grows a choice that it does not have yet, as at Notion; a status
//! does not.

pub(crate) mod shape;

use jiff::Timestamp;
use serde_json::{Number, Value};
use uuid::Uuid;

use super::super::check::{At, Invalid};
use super::super::failure::Failure;
use super::file::named;
use super::rich_text::rich_text;
use super::schema::without_comma;
use super::{LIST_MAX, date};
use crate::clock::Ids;
use crate::content::date::DateValue;
use crate::content::property::{
    CHOICE_COLORS, CHOICE_NAME_MAX, Choice, Kind, Place, Property, Stored, Verified,
};

/// Who writes, and when; with ids for what is made on the way.
pub(crate) struct Writer<'w> {
    pub(crate) ids: &'w mut Ids,
    pub(crate) by: Uuid,
    pub(crate) now: Timestamp,
}

/// Longest e-mail address and phone number, in UTF-16 units. Source: Notion, "Request limits" (autumn 2026).
const LINE_MAX: usize = 200;

/// Reads a value for `property`; `None` empties the cell.
pub(crate) fn value(
    at: &At<'_>,
    property: &mut Property,
    writer: &mut Writer<'_>,
) -> Result<Option<Stored>, Failure> {
    if at.is_null() {
        return Ok(None);
    }
    let inner = if shape::is_bare(at) { at.clone() } else { at.get(property.kind.name()) };
    if inner.is_null() && !matches!(property.kind, Kind::Title | Kind::RichText | Kind::Checkbox) {
        return Ok(None);
    }
    read(&inner, property, writer)
}

/// Whether a value is of the column's kind.
pub(crate) fn suits(at: &At<'_>, kind: &Kind) -> bool {
    if at.is_null() {
        return true;
    }
    if !shape::is_bare(at) {
        return at.get(kind.name()).is_defined();
    }
    let Some(value) = at.raw() else { return false };
    let has = |key: &str| value.get(key).is_some();
    match kind {
        Kind::Title
        | Kind::RichText
        | Kind::MultiSelect(_)
        | Kind::People
        | Kind::Relation(_)
        | Kind::Files => value.is_array(),
        Kind::Number { .. } => value.is_number(),
        Kind::Checkbox => value.is_boolean(),
        Kind::Url | Kind::Email | Kind::PhoneNumber => value.is_string(),
        Kind::Select(_) | Kind::Status { .. } => has("id") || (has("name") && !has("lat")),
        Kind::Date => has("start"),
        Kind::Place => has("lat"),
        Kind::Verification => has("state"),
        _ => false,
    }
}

/// What a date and its zone say against each other. Source: refusals that users quote (2024 to 2026): they name the column
/// by its id.
pub(crate) fn zone_fault(at: &At<'_>, property: &Property) -> Option<String> {
    let date = if shape::is_bare(at) { at.clone() } else { at.get("date") };
    date.get("time_zone").raw()?.as_str()?;
    let times = ["start", "end"].map(|key| date.get(key).raw().and_then(Value::as_str));
    let mut times = times.into_iter().flatten();
    let why = times.find_map(|time| match time.split_once(['T', 't', ' ']) {
        None => Some("must contain date and time"),
        Some((_, clock)) => {
            let offset = clock.find(['+', '-']).map(|at| &clock[at..]);
            let is_zero = |offset: &str| offset.chars().all(|c| matches!(c, '+' | '-' | ':' | '0'));
            offset
                .is_some_and(|offset| !is_zero(offset))
                .then_some("can't have non-zero time offsets from UTC")
        }
    })?;
    let id = &property.id;
    Some(format!("{id} has an invalid date. If time zone is explicitly provided, start and end {why}."))
}

fn read(at: &At<'_>, property: &mut Property, writer: &mut Writer<'_>) -> Result<Option<Stored>, Failure> {
    let (name, id) = (&property.name, &property.id);
    Ok(Some(match &mut property.kind {
        Kind::Title | Kind::RichText => Stored::Text(rich_text(at)?),
        Kind::Number { .. } => Stored::Number(whole(at.number()?)),
        Kind::Select(choices) => Stored::Choice(choice(at, choices, writer.ids, id)?),
        Kind::Status { choices, .. } => Stored::Choice(known_choice(at, choices, id)?),
        Kind::MultiSelect(choices) => {
            let mut chosen = Vec::new();
            for item in at.items(LIST_MAX)? {
                let id = choice(&item, choices, writer.ids, id)?;
                if !chosen.contains(&id) {
                    chosen.push(id);
                }
            }
            Stored::Choices(chosen)
        }
        Kind::Date => Stored::Date(date(at)?),
        Kind::People => Stored::People(references(at)?),
        Kind::Relation(_) => Stored::Relation(references(at)?),
        Kind::Files => Stored::Files(at.each(LIST_MAX, named)?),
        Kind::Checkbox => Stored::Checkbox(at.boolean()?),
        Kind::Url => Stored::Line(at.populated_text(super::URL_MAX)?),
        Kind::Email | Kind::PhoneNumber => Stored::Line(at.populated_text(LINE_MAX)?),
        Kind::Verification => return verification(at, writer),
        Kind::Place => Stored::Place(place(at)?),
        _ => {
            return Err(Failure::validation(format!("{name} is a computed property: it cannot be set.")));
        }
    }))
}

/// `12.0` as `12`, as anything written in JavaScript gives it back.
fn whole(number: Number) -> Number {
    match number.as_f64().map(super::super::show::number) {
        Some(Value::Number(number)) => number,
        _ => number,
    }
}

/// `{state, date}`; who writes vouches for it. Without a date it counts from now on, for good: a guess.
fn verification(at: &At<'_>, writer: &Writer<'_>) -> Result<Option<Stored>, Failure> {
    if at.get("state").one_of(&["verified", "unverified"])? == "unverified" {
        at.only(&["state"])?;
        return Ok(None);
    }
    at.only(&["state", "date"])?;
    let given = at.get("date").optional(date)?;
    let start = super::super::show::minute(writer.now);
    let date = given.unwrap_or(DateValue { start, end: None, time_zone: None });
    Ok(Some(Stored::Verification(Verified { date: Some(date), by: writer.by })))
}

/// Longest text of a place, in UTF-16 units: a guess, after that for text.
const PLACE_TEXT_MAX: usize = 2_000;

fn place(at: &At<'_>) -> Result<Place, Invalid> {
    at.only(&["lat", "lon", "name", "address", "aws_place_id", "google_place_id"])?;
    let text = |key: &str| -> Result<Option<String>, Invalid> {
        Ok(at.get(key).optional_nullable(|at| at.text(PLACE_TEXT_MAX))?.flatten())
    };
    Ok(Place {
        lat: degrees(&at.get("lat"), 90.0)?,
        lon: degrees(&at.get("lon"), 180.0)?,
        name: text("name")?,
        address: text("address")?,
        aws_place_id: text("aws_place_id")?,
        google_place_id: text("google_place_id")?,
    })
}

fn degrees(at: &At<'_>, most: f64) -> Result<Number, Invalid> {
    let number = at.number()?;
    let fits = number.as_f64().is_some_and(|degrees| degrees.abs() <= most);
    if fits { Ok(number) } else { Err(at.should(&format!("between `-{most}` and `{most}`"))) }
}

/// Ids, each once.
fn references(at: &At<'_>) -> Result<Vec<Uuid>, Invalid> {
    let mut all = Vec::new();
    for item in at.items(LIST_MAX)? {
        let id = item.get("id").uuid()?;
        if !all.contains(&id) {
            all.push(id);
        }
    }
    Ok(all)
}

/// A choice by id or name; a new name makes a new choice. A colour that comes with a known one is passed over.
fn choice(at: &At<'_>, choices: &mut Vec<Choice>, ids: &mut Ids, property: &str) -> Result<String, Failure> {
    if let Some(id) = choice_by_id(at, choices, property)? {
        return Ok(id);
    }
    let wanted = at.get("name").filled_text(CHOICE_NAME_MAX)?;
    if let Some(known) = choices.iter().find(|choice| choice.name == wanted) {
        return Ok(known.id.clone());
    }
    without_comma(&wanted)?;
    let color = at.get("color").optional(|at| at.one_of(&CHOICE_COLORS))?;
    let made = Choice {
        id: ids.uuid().to_string(),
        name: wanted,
        color: color.unwrap_or(CHOICE_COLORS[choices.len() % CHOICE_COLORS.len()]),
        description: None,
    };
    let id = made.id.clone();
    choices.push(made);
    Ok(id)
}

/// A choice by id or name that must be there.
fn known_choice(at: &At<'_>, choices: &[Choice], property: &str) -> Result<String, Failure> {
    if let Some(id) = choice_by_id(at, choices, property)? {
        return Ok(id);
    }
    let wanted = at.get("name").filled_text(CHOICE_NAME_MAX)?;
    let known = choices.iter().find(|choice| choice.name == wanted);
    known.map(|choice| choice.id.clone()).ok_or_else(|| {
        // Source: refusals that users quote in public issue trackers.
        let shown = Value::String(wanted);
        Failure::validation(format!("Invalid status option. Status option {shown} does not exist."))
    })
}

fn choice_by_id(at: &At<'_>, choices: &[Choice], property: &str) -> Result<Option<String>, Failure> {
    at.only(&["id", "name", "color", "description"])?;
    let Some(id) = at.get("id").optional(At::string)? else { return Ok(None) };
    let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
    match choices.iter().find(|choice| choice.id == id) {
        Some(choice) => Ok(Some(choice.id.clone())),
        // Source: refusals that users quote in public issue trackers.
        None => {
            let shown = Value::String(id.into_owned());
            Err(Failure::validation(format!("{property} is an invalid select option {shown}.")))
        }
    }
}
