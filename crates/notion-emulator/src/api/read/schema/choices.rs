//! The choices of select, multi-select and status columns, and the groups of the last.
//! Source: Notion, "Update data source properties" (read 2026-11-27): choices that an update leaves out are removed.

use super::super::super::check::At;
use super::super::super::failure::Failure;
use super::DESCRIPTION_MAX;
use crate::clock::Ids;
use crate::content::property::{CHOICE_COLORS, CHOICE_NAME_MAX, Choice, Group, Kind};
use crate::content::words::Word;

/// How many choices a request may bring for one column. Source: Notion, "Request limits" (autumn 2026).
const CHOICES_MAX: usize = 100;

/// Refuses a name that would not survive a comma-separated list.
/// Source: refusals that users quote in public issue trackers.
pub(crate) fn without_comma(name: &str) -> Result<(), Failure> {
    if name.contains(',') {
        return Err(Failure::validation(format!("Invalid select option, commas not allowed: {name}")));
    }
    Ok(())
}

/// The choices of a select or multi-select column that a request lists.
pub(super) fn choices(config: &At<'_>, old: &[Choice], ids: &mut Ids) -> Result<Vec<Choice>, Failure> {
    config.only(&["options"])?;
    listed(config, old, ids)
}

/// The choices in the list: known ones, by id or name, keep their ids; without a list all stay.
fn listed(config: &At<'_>, old: &[Choice], ids: &mut Ids) -> Result<Vec<Choice>, Failure> {
    let Some(list) = config.get("options").optional(|at| at.items(CHOICES_MAX))? else {
        return Ok(old.to_vec());
    };
    let mut all: Vec<Choice> = Vec::new();
    for at in list {
        let choice = choice(&at, old, ids)?;
        if all.iter().any(|known| known.name == choice.name) {
            // The wording is a guess.
            return Err(at.get("name").should("unique among the options").into());
        }
        all.push(choice);
    }
    Ok(all)
}

fn choice(at: &At<'_>, old: &[Choice], ids: &mut Ids) -> Result<Choice, Failure> {
    at.only(&["id", "name", "color", "description"])?;
    let id = at.get("id").optional(At::string)?;
    let id = id.map(|id| percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned());
    let name = at.get("name");
    let name = if id.is_none() {
        Some(name.filled_text(CHOICE_NAME_MAX)?)
    } else {
        name.optional(|at| at.filled_text(CHOICE_NAME_MAX))?
    };
    if let Some(name) = &name {
        without_comma(name)?;
    }
    let color = at.get("color").optional(|at| at.one_of(&CHOICE_COLORS))?;
    let description = at.get("description").optional_nullable(|at| at.text(DESCRIPTION_MAX))?;
    let known =
        old.iter().find(|known| id.as_ref().map_or(Some(&known.name) == name.as_ref(), |id| known.id == *id));
    let Some(known) = known else {
        let Some(name) = name else {
            // An id that is not there says nothing of what to make: the wording is a guess.
            return Err(at.get("name").should("defined").into());
        };
        let color = color.unwrap_or("default");
        let id = ids.uuid().to_string();
        return Ok(Choice { id, name, color, description: description.flatten() });
    };
    keeps_color(known, color, id.is_some())?;
    Ok(Choice {
        name: name.unwrap_or_else(|| known.name.clone()),
        description: description.unwrap_or_else(|| known.description.clone()),
        ..known.clone()
    })
}

/// The colour of a choice is for people to change. Source: refusals that users quote in public issue trackers.
fn keeps_color(known: &Choice, color: Option<Word>, by_id: bool) -> Result<(), Failure> {
    if color.is_some_and(|color| color != known.color) {
        let which = if by_id { format!("id: {}", known.id) } else { format!("name: {}", known.name) };
        return Err(Failure::validation(format!("Cannot update color of select with {which}.")));
    }
    Ok(())
}

/// A status column. Without choices it gets the usual three, each in a group of its own; choices that a request brings are
/// to do.
///
/// Groups and new names are for people: a request may bring them, is answered 200, and nothing of them is kept.
/// Source: a public report of June 2026 that tried each of them with 2026-03-11.
pub(super) fn status(config: &At<'_>, old: Option<&Kind>, ids: &mut Ids) -> Result<Kind, Failure> {
    config.only(&["options", "groups"])?;
    let before = old.map(Kind::choices).unwrap_or_default();
    let mut choices = listed(config, before, ids)?;
    if let Some(Kind::Status { choices: before, groups }) = old {
        for choice in &mut choices {
            if let Some(known) = before.iter().find(|known| known.id == choice.id) {
                choice.name.clone_from(&known.name);
            }
        }
        if choices.is_empty() {
            return Err(Failure::validation("A status property needs at least one option."));
        }
        return Ok(Kind::Status { groups: regrouped(groups, &choices), choices });
    }
    let usual = choices.is_empty();
    if usual {
        for (name, color) in [("Not started", "default"), ("In progress", "blue"), ("Done", "green")] {
            let id = ids.uuid().to_string();
            choices.push(Choice { id, name: name.to_owned(), color, description: None });
        }
    }
    let groups = status_groups(&choices, usual, ids);
    Ok(Kind::Status { choices, groups })
}

/// The groups, without the choices that went, and with the new ones in the first.
fn regrouped(groups: &[Group], choices: &[Choice]) -> Vec<Group> {
    let mut groups = groups.to_vec();
    for group in &mut groups {
        group.choices.retain(|id| choices.iter().any(|choice| choice.id == *id));
    }
    let new = choices.iter().filter(|choice| !groups.iter().any(|group| group.choices.contains(&choice.id)));
    let new: Vec<String> = new.map(|choice| choice.id.clone()).collect();
    if let Some(first) = groups.first_mut() {
        first.choices.extend(new);
    }
    groups
}

/// The three groups. What a request brings is all to do, until people sort it in the app: then, of the `sorted` ones, the
/// first is to do, the last complete, and those between are in progress. Source: recorded answers of June 2026.
pub(crate) fn status_groups(choices: &[Choice], sorted: bool, ids: &mut Ids) -> Vec<Group> {
    let all: Vec<String> = choices.iter().map(|choice| choice.id.clone()).collect();
    let (first, rest) = all.split_at(if sorted { 1.min(all.len()) } else { all.len() });
    let (middle, last) = rest.split_at(rest.len().saturating_sub(1));
    let mut group = |name: &str, color, choices: &[String]| Group {
        id: ids.uuid().to_string(),
        name: name.to_owned(),
        color,
        choices: choices.to_vec(),
    };
    vec![
        group("To-do", "gray", first),
        group("In progress", "blue", middle),
        group("Complete", "green", last),
    ]
}
