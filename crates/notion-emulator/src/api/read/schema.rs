//! Columns from JSON: a new schema, and changes to one that is there.

use super::super::check::{At, Invalid};
use super::super::failure::Failure;
use crate::clock::Ids;
use crate::content::property::{
    CHOICE_COLORS, Choice, Group, Kind, NUMBER_FORMATS, Property, Relation, TITLE,
};

/// How many choices a request may bring for one column. Source: Notion, "Request limits" (autumn 2026).
const CHOICES_MAX: usize = 100;

/// The kinds of column that can be made here.
const KINDS: [&str; 19] = [
    "title",
    "rich_text",
    "number",
    "select",
    "multi_select",
    "status",
    "date",
    "people",
    "files",
    "checkbox",
    "url",
    "email",
    "phone_number",
    "relation",
    "created_time",
    "created_by",
    "last_edited_time",
    "last_edited_by",
    "unique_id",
];
/// Kinds that Notion has and the emulator does not.
const NOT_HERE: [&str; 7] =
    ["formula", "rollup", "button", "verification", "place", "location", "last_visited_time"];

/// The columns of a new data source; without any, the title alone.
pub(crate) fn new(at: &At<'_>, ids: &mut Ids) -> Result<Vec<Property>, Failure> {
    let mut columns = Vec::new();
    if at.is_defined() {
        for (name, at) in at.entries()? {
            columns.push(column(name, &at, ids)?);
        }
    } else {
        columns.push(title("Name"));
    }
    match columns.iter().filter(|column| matches!(column.kind, Kind::Title)).count() {
        1 => Ok(columns),
        0 => Err(Failure::validation("Title is not provided")),
        _ => Err(Failure::validation("There can be only one title property.")),
    }
}

fn title(name: &str) -> Property {
    Property { id: TITLE.to_owned(), name: name.to_owned(), description: None, kind: Kind::Title }
}

fn column(name: &str, at: &At<'_>, ids: &mut Ids) -> Result<Property, Failure> {
    let kind = kind(at, None, ids)?;
    let id = if matches!(kind, Kind::Title) { TITLE.to_owned() } else { short_id(ids) };
    let description = at.get("description").optional_nullable(|at| at.text(280))?.flatten();
    Ok(Property { id, name: name.to_owned(), description, kind })
}

/// Four characters, some of which an address must escape: clients that forget to do so find out here.
fn short_id(ids: &mut Ids) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:;<=>?@[]^_`{|}~";
    let bytes = ids.uuid().into_bytes();
    bytes.iter().take(4).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// Changes a schema as an update asks: new columns, new names, new kinds, and `null` for those to go.
pub(crate) fn update(at: &At<'_>, columns: &mut Vec<Property>, ids: &mut Ids) -> Result<(), Failure> {
    for (key, at) in at.entries()? {
        let id = percent_encoding::percent_decode_str(key).decode_utf8_lossy().into_owned();
        let place = columns.iter().position(|column| column.name == key || column.id == id);
        match place {
            None if at.is_null() => {}
            None => columns.push(column(key, &at, ids)?),
            Some(place) if at.is_null() => {
                if matches!(columns[place].kind, Kind::Title) {
                    return Err(Failure::validation("Cannot delete the title property."));
                }
                columns.remove(place);
            }
            Some(place) => change(&at, &mut columns[place], ids)?,
        }
    }
    Ok(())
}

fn change(at: &At<'_>, column: &mut Property, ids: &mut Ids) -> Result<(), Failure> {
    if let Some(name) = at.get("name").optional(|at| at.filled_text(200))? {
        column.name = name;
    }
    if let Some(description) = at.get("description").optional_nullable(|at| at.text(280))? {
        column.description = description;
    }
    let says_kind = KINDS.iter().chain(&NOT_HERE).any(|kind| at.get(kind).is_defined());
    if says_kind {
        let new = kind(at, Some(&column.kind), ids)?;
        if matches!(new, Kind::Title) != matches!(column.kind, Kind::Title) {
            return Err(Failure::validation("The title property cannot change its type."));
        }
        column.kind = new;
    }
    Ok(())
}

/// The kind that a column's JSON names, with its settings.
fn kind(at: &At<'_>, old: Option<&Kind>, ids: &mut Ids) -> Result<Kind, Failure> {
    if let Some(kind) = NOT_HERE.iter().find(|kind| at.get(kind).is_defined()) {
        return Err(Failure::not_implemented_part(&format!("{kind} properties")));
    }
    let kind = at.variant(&KINDS)?;
    let config = at.get(kind);
    config.object()?;
    let old = old.map_or(&[][..], Kind::choices);
    Ok(match kind {
        "title" => Kind::Title,
        "rich_text" => Kind::RichText,
        "number" => {
            let format = config.get("format").optional(|at| at.one_of(&NUMBER_FORMATS))?;
            Kind::Number { format: format.unwrap_or("number") }
        }
        "select" => Kind::Select(choices(&config, old, ids)?),
        "multi_select" => Kind::MultiSelect(choices(&config, old, ids)?),
        "status" => status(choices(&config, old, ids)?, ids),
        "date" => Kind::Date,
        "people" => Kind::People,
        "files" => Kind::Files,
        "checkbox" => Kind::Checkbox,
        "url" => Kind::Url,
        "email" => Kind::Email,
        "phone_number" => Kind::PhoneNumber,
        "relation" => relation(&config)?,
        "created_time" => Kind::CreatedTime,
        "created_by" => Kind::CreatedBy,
        "last_edited_time" => Kind::LastEditedTime,
        "last_edited_by" => Kind::LastEditedBy,
        _ => {
            let prefix = config.get("prefix").optional_nullable(|at| at.text(20))?;
            Kind::UniqueId { prefix: prefix.flatten() }
        }
    })
}

fn relation(config: &At<'_>) -> Result<Kind, Failure> {
    if config.get("dual_property").is_defined() {
        return Err(Failure::not_implemented_part("two-way relations"));
    }
    Ok(Kind::Relation(Relation { data_source: config.get("data_source_id").uuid()?, synced: None }))
}

/// The choices that a request lists; known names keep their ids, and those it leaves out stay.
fn choices(config: &At<'_>, old: &[Choice], ids: &mut Ids) -> Result<Vec<Choice>, Invalid> {
    let mut all = old.to_vec();
    for at in config.get("options").optional(|at| at.items(CHOICES_MAX))?.unwrap_or_default() {
        let name = at.get("name").filled_text(100)?;
        let color = at.get("color").optional(|at| at.one_of(&CHOICE_COLORS))?;
        let description = at.get("description").optional_nullable(|at| at.text(280))?.flatten();
        match all.iter_mut().find(|known| known.name == name) {
            Some(known) => known.color = color.unwrap_or(known.color),
            None => {
                all.push(Choice {
                    id: ids.uuid().to_string(),
                    name,
                    color: color.unwrap_or("default"),
                    description,
                });
            }
        }
    }
    Ok(all)
}

/// A status column. Without choices it gets the usual three.
fn status(mut choices: Vec<Choice>, ids: &mut Ids) -> Kind {
    if choices.is_empty() {
        for (name, color) in [("Not started", "default"), ("In progress", "blue"), ("Done", "green")] {
            let id = ids.uuid().to_string();
            choices.push(Choice { id, name: name.to_owned(), color, description: None });
        }
    }
    let groups = status_groups(&choices, ids);
    Kind::Status { choices, groups }
}

/// The three groups: the first choice is to do, the last complete, those between are in progress.
pub(crate) fn status_groups(choices: &[Choice], ids: &mut Ids) -> Vec<Group> {
    let all: Vec<String> = choices.iter().map(|choice| choice.id.clone()).collect();
    let (first, rest) = all.split_at(1.min(all.len()));
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
