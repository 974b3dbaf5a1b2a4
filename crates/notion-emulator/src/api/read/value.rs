//! What a row is to hold in a column, from JSON. A select grows a choice that it does not have yet, as at Notion; a status
//! does not.

use serde_json::Value;

use super::super::check::At;
use super::super::failure::Failure;
use super::file::named;
use super::rich_text::rich_text;
use super::{LIST_MAX, date};
use crate::clock::Ids;
use crate::content::property::{CHOICE_COLORS, Choice, Kind, Property, Stored};

/// Longest e-mail address and phone number, in UTF-16 units. Source: Notion, "Request limits" (autumn 2026).
const LINE_MAX: usize = 200;

/// Reads a value for `property`; `None` empties the cell.
pub(crate) fn value(at: &At<'_>, property: &mut Property, ids: &mut Ids) -> Result<Option<Stored>, Failure> {
    let kind = property.kind.name();
    // A title may come as the bare list of its runs.
    if matches!(property.kind, Kind::Title) && at.raw().is_some_and(Value::is_array) {
        return Ok(Some(Stored::Text(rich_text(at)?)));
    }
    if at.is_null() {
        return Ok(None);
    }
    let object = at.object()?;
    if !object.contains_key(kind) {
        return Err(Failure::validation(format!("{} is expected to be {kind}.", property.name)));
    }
    let inner = at.get(kind);
    if inner.is_null() && !matches!(property.kind, Kind::Title | Kind::RichText | Kind::Checkbox) {
        return Ok(None);
    }
    read(&inner, property, ids).map(Some)
}

fn read(at: &At<'_>, property: &mut Property, ids: &mut Ids) -> Result<Stored, Failure> {
    let name = property.name.clone();
    Ok(match &mut property.kind {
        Kind::Title | Kind::RichText => Stored::Text(rich_text(at)?),
        Kind::Number { .. } => Stored::Number(at.number()?),
        Kind::Select(choices) => Stored::Choice(choice(at, choices, Some(ids), &name)?),
        Kind::Status { choices, .. } => Stored::Choice(choice(at, choices, None, &name)?),
        Kind::MultiSelect(choices) => {
            let mut chosen = Vec::new();
            for item in at.items(LIST_MAX)? {
                let id = choice(&item, choices, Some(ids), &name)?;
                if !chosen.contains(&id) {
                    chosen.push(id);
                }
            }
            Stored::Choices(chosen)
        }
        Kind::Date => Stored::Date(date(at)?),
        Kind::People => Stored::People(references(at)?),
        Kind::Relation(_) => Stored::Relation(references(at)?),
        Kind::Files => Stored::Files(at.items(LIST_MAX)?.iter().map(named).collect::<Result<_, _>>()?),
        Kind::Checkbox => Stored::Checkbox(at.boolean()?),
        Kind::Url => Stored::Line(at.text(super::URL_MAX)?),
        Kind::Email | Kind::PhoneNumber => Stored::Line(at.text(LINE_MAX)?),
        Kind::Verification => return Err(Failure::not_implemented_part("verification")),
        Kind::Place => return Err(Failure::not_implemented_part("places")),
        Kind::CreatedTime
        | Kind::CreatedBy
        | Kind::LastEditedTime
        | Kind::LastEditedBy
        | Kind::UniqueId { .. }
        | Kind::Rollup(_)
        | Kind::Button
        | Kind::Location
        | Kind::LastVisitedTime => {
            return Err(Failure::validation(format!("{name} is a computed property: it cannot be set.")));
        }
    })
}

fn references(at: &At<'_>) -> Result<Vec<uuid::Uuid>, Failure> {
    let ids: Result<Vec<_>, _> = at.items(LIST_MAX)?.iter().map(|item| item.get("id").uuid()).collect();
    Ok(ids?)
}

/// A choice by id or name; a new name makes a new choice where `ids` are given to make it with.
fn choice(
    at: &At<'_>,
    choices: &mut Vec<Choice>,
    ids: Option<&mut Ids>,
    property: &str,
) -> Result<String, Failure> {
    if let Some(id) = at.get("id").optional(At::string)? {
        let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
        let known = choices.iter().find(|choice| choice.id == id);
        return known
            .map(|choice| choice.id.clone())
            .ok_or_else(|| Failure::validation(format!("{property} has no option with this id.")));
    }
    let wanted = at.get("name").filled_text(100)?;
    if let Some(known) = choices.iter().find(|choice| choice.name == wanted) {
        return Ok(known.id.clone());
    }
    let Some(ids) = ids else {
        let shown = serde_json::Value::String(wanted).to_string();
        return Err(Failure::validation(format!("Status option {shown} does not exist.")));
    };
    if wanted.contains(',') {
        return Err(at.get("name").should("a name without commas").into());
    }
    let color = at.get("color").optional(|at| at.one_of(&CHOICE_COLORS))?;
    let made = Choice {
        id: ids.uuid().to_string(),
        name: wanted,
        color: color.unwrap_or(CHOICE_COLORS[choices.len() % CHOICE_COLORS.len()]),
        description: None,
    };
    choices.push(made.clone());
    Ok(made.id)
}
