//! Columns from JSON: a new schema, and changes to one that is there. What reaches beyond the one table (the other side
//! of a relation, what a rollup points at) is noted here and settled by `api/schema.rs`.

mod choices;

use uuid::Uuid;

use super::super::check::{At, Invalid};
use super::super::failure::Failure;
use crate::clock::Ids;
use crate::content::property::{
    Choice, Formula, Kind, NUMBER_FORMATS, Property, ROLLUP_FUNCTIONS, Relation, Rollup, TITLE,
};
use crate::formula::Type;
use choices::{choices, status};
pub(crate) use choices::{status_groups, without_comma};

/// Longest name of a property, in UTF-16 units: a guess.
const NAME_MAX: usize = 200;

/// Longest description of a property or a choice, in UTF-16 units: a guess.
const DESCRIPTION_MAX: usize = 280;

/// Longest prefix of numbers, in UTF-16 units: a guess.
const PREFIX_MAX: usize = 20;

/// The kinds of column. Source: `@notionhq/client` 5.26.0, `PropertyConfigurationRequest`.
const KINDS: [&str; 26] = [
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
    "rollup",
    "formula",
    "created_time",
    "created_by",
    "last_edited_time",
    "last_edited_by",
    "unique_id",
    "button",
    "verification",
    "place",
    "location",
    "last_visited_time",
];

/// What a request makes of a schema.
pub(crate) struct Plan {
    pub(crate) columns: Vec<Property>,
    /// The relations that are to show on both sides.
    pub(crate) two_way: Vec<TwoWay>,
    /// The ids of the rollups whose `relation` and `target` are still as the request names them, by name or id.
    pub(crate) rollups: Vec<String>,
}

/// A relation that is to show on both sides.
pub(crate) struct TwoWay {
    /// The id of the column on this side.
    pub(crate) column: String,
    /// The name on the other side.
    pub(crate) name: Option<String>,
}

/// Finds the data source that a relation means; older versions name its database.
pub(crate) type Find<'f> = &'f dyn Fn(&At<'_>) -> Result<Uuid, Failure>;

/// A schema being read.
struct Reader<'r> {
    plan: Plan,
    find: Find<'r>,
    ids: &'r mut Ids,
}

/// The columns of a new data source; without any, the title alone.
pub(crate) fn new(at: &At<'_>, find: Find<'_>, ids: &mut Ids) -> Result<Plan, Failure> {
    let plan = Plan { columns: Vec::new(), two_way: Vec::new(), rollups: Vec::new() };
    let mut reader = Reader { plan, find, ids };
    if at.is_defined() {
        for (name, at) in at.entries()? {
            reader.add(name, &at)?;
        }
    } else {
        reader.plan.columns.push(title("Name"));
    }
    reader.finish()
}

/// Changes a schema as an update asks: new columns, new names, new kinds, and `null` for those to go.
pub(crate) fn update(
    at: &At<'_>,
    before: &[Property],
    find: Find<'_>,
    ids: &mut Ids,
) -> Result<Plan, Failure> {
    let plan = Plan { columns: before.to_vec(), two_way: Vec::new(), rollups: Vec::new() };
    let mut reader = Reader { plan, find, ids };
    for (key, at) in at.entries()? {
        // Keys mean the names from before the request, so that two columns can swap theirs.
        let known = find_column(before, key).map(|column| column.id.as_str());
        let columns = &mut reader.plan.columns;
        let place = known.and_then(|id| columns.iter().position(|column| column.id == id));
        match place {
            None if at.is_null() => {}
            None => reader.add(key, &at)?,
            Some(place) if at.is_null() => {
                if matches!(columns[place].kind, Kind::Title) {
                    return Err(Failure::validation("Cannot delete the title property."));
                }
                columns.remove(place);
            }
            Some(place) => reader.change(place, &at)?,
        }
    }
    reader.finish()
}

fn title(name: &str) -> Property {
    Property { id: TITLE.to_owned(), name: name.to_owned(), description: None, kind: Kind::Title }
}

/// A column by name, or by id in any spelling.
pub(crate) fn find_column<'p>(columns: &'p [Property], key: &str) -> Option<&'p Property> {
    let id = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    let by_name = columns.iter().find(|column| column.name == key);
    by_name.or_else(|| columns.iter().find(|column| column.id == id))
}

/// Four characters, some of which an address must escape: clients that forget to do so find out here.
pub(crate) fn short_id(ids: &mut Ids) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:;<=>?@[]^_`{|}~";
    let bytes = ids.uuid().into_bytes();
    bytes.iter().take(4).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

impl Reader<'_> {
    fn add(&mut self, name: &str, at: &At<'_>) -> Result<(), Failure> {
        if name.is_empty() || name.encode_utf16().count() > NAME_MAX {
            // The wording is a guess.
            return Err(Failure::validation(format!(
                "Property names have 1 to {NAME_MAX} characters, instead was {:?}.",
                name.chars().take(NAME_MAX).collect::<String>()
            )));
        }
        let is_title = at.get("title").is_defined();
        let id = if is_title { TITLE.to_owned() } else { short_id(self.ids) };
        let kind = self.kind(at, &id, None)?;
        let description = at.get("description").optional_nullable(|at| at.text(DESCRIPTION_MAX))?.flatten();
        self.plan.columns.push(Property { id, name: name.to_owned(), description, kind });
        Ok(())
    }

    fn change(&mut self, place: usize, at: &At<'_>) -> Result<(), Failure> {
        let name = at.get("name").optional(|at| at.filled_text(NAME_MAX))?;
        let description = at.get("description").optional_nullable(|at| at.text(DESCRIPTION_MAX))?;
        let old = self.plan.columns[place].clone();
        if KINDS.iter().any(|kind| at.get(kind).is_defined()) {
            let kind = self.kind(at, &old.id, Some(&old.kind))?;
            if matches!(kind, Kind::Title) != matches!(old.kind, Kind::Title) {
                return Err(Failure::validation("The title property cannot change its type."));
            }
            self.plan.columns[place].kind = kind;
        } else {
            at.only(&["name", "description", "type"])?;
        }
        let column = &mut self.plan.columns[place];
        column.name = name.unwrap_or(old.name);
        column.description = description.unwrap_or(old.description);
        Ok(())
    }

    /// The rules that hold for a schema as a whole. The wordings but the first are guesses.
    fn finish(self) -> Result<Plan, Failure> {
        let columns = &self.plan.columns;
        match columns.iter().filter(|column| matches!(column.kind, Kind::Title)).count() {
            1 => {}
            0 => return Err(Failure::validation("Title is not provided")),
            _ => return Err(Failure::validation("There can be only one title property.")),
        }
        if columns.iter().filter(|column| matches!(column.kind, Kind::UniqueId { .. })).count() > 1 {
            return Err(Failure::validation("There can be only one unique_id property."));
        }
        for (place, column) in columns.iter().enumerate() {
            if columns[..place].iter().any(|other| other.name == column.name) {
                return Err(Failure::validation(format!(
                    "A property with the name \"{}\" already exists.",
                    column.name
                )));
            }
        }
        Ok(self.plan)
    }

    /// The kind that a column's JSON names, with its settings.
    fn kind(&mut self, at: &At<'_>, id: &str, old: Option<&Kind>) -> Result<Kind, Failure> {
        let kind = at.variant(&KINDS)?;
        at.only(&["type", "id", "name", "description", kind])?;
        at.get("type").optional(|at| at.one_of(&[kind]))?;
        let config = at.get(kind);
        config.object()?;
        Ok(match kind {
            "number" => {
                config.only(&["format"])?;
                let format = config.get("format").optional(|at| at.one_of(&NUMBER_FORMATS))?;
                let before = match old {
                    Some(Kind::Number { format }) => format,
                    _ => "number",
                };
                Kind::Number { format: format.unwrap_or(before) }
            }
            "select" => Kind::Select(self.choices(&config, old)?),
            "multi_select" => Kind::MultiSelect(self.choices(&config, old)?),
            "status" => status(&config, old, self.ids)?,
            "relation" => self.relation(&config, id, old)?,
            "rollup" => self.rollup(&config, id)?,
            "formula" => formula(&config)?,
            "unique_id" => {
                config.only(&["prefix"])?;
                let prefix = config.get("prefix").optional_nullable(|at| at.text(PREFIX_MAX))?;
                let before = match old {
                    Some(Kind::UniqueId { prefix }) => prefix.clone(),
                    _ => None,
                };
                Kind::UniqueId { prefix: prefix.unwrap_or(before).filter(|prefix| !prefix.is_empty()) }
            }
            plain => {
                config.only(&[])?;
                without_settings(plain)
            }
        })
    }

    fn choices(&mut self, config: &At<'_>, old: Option<&Kind>) -> Result<Vec<Choice>, Failure> {
        choices(config, old.map_or(&[][..], Kind::choices), self.ids)
    }

    fn relation(&mut self, config: &At<'_>, id: &str, old: Option<&Kind>) -> Result<Kind, Failure> {
        let data_source = (self.find)(config)?;
        let way = config.variant(&["single_property", "dual_property"])?;
        config.only(&["type", "data_source_id", "database_id", way])?;
        config.get("type").optional(|at| at.one_of(&[way]))?;
        let inner = config.get(way);
        if way == "single_property" {
            inner.only(&[])?;
            return Ok(Kind::Relation(Relation { data_source, synced: None }));
        }
        inner.only(&["synced_property_id", "synced_property_name"])?;
        inner.get("synced_property_id").optional(At::string)?;
        let name = inner.get("synced_property_name").optional(|at| at.filled_text(NAME_MAX))?;
        self.plan.two_way.push(TwoWay { column: id.to_owned(), name });
        let synced = match old {
            Some(Kind::Relation(old)) if old.data_source == data_source => old.synced.clone(),
            _ => None,
        };
        Ok(Kind::Relation(Relation { data_source, synced }))
    }

    fn rollup(&mut self, config: &At<'_>, id: &str) -> Result<Kind, Failure> {
        let known = [
            "function",
            "relation_property_name",
            "relation_property_id",
            "rollup_property_name",
            "rollup_property_id",
        ];
        config.only(&known)?;
        let function = config.get("function").one_of(&ROLLUP_FUNCTIONS)?;
        let relation = config.variant(&["relation_property_name", "relation_property_id"])?;
        let target = config.variant(&["rollup_property_name", "rollup_property_id"])?;
        let text = |key| -> Result<String, Invalid> { Ok(config.get(key).string()?.to_owned()) };
        self.plan.rollups.push(id.to_owned());
        Ok(Kind::Rollup(Rollup { relation: text(relation)?, target: text(target)?, function }))
    }
}

/// The kinds without settings.
fn without_settings(kind: &str) -> Kind {
    match kind {
        "title" => Kind::Title,
        "date" => Kind::Date,
        "people" => Kind::People,
        "files" => Kind::Files,
        "checkbox" => Kind::Checkbox,
        "url" => Kind::Url,
        "email" => Kind::Email,
        "phone_number" => Kind::PhoneNumber,
        "created_time" => Kind::CreatedTime,
        "created_by" => Kind::CreatedBy,
        "last_edited_time" => Kind::LastEditedTime,
        "last_edited_by" => Kind::LastEditedBy,
        "button" => Kind::Button,
        "verification" => Kind::Verification,
        "place" => Kind::Place,
        "location" => Kind::Location,
        "last_visited_time" => Kind::LastVisitedTime,
        _ => Kind::RichText,
    }
}

/// A formula as written; what it means is settled with all columns at hand. Users report that other keys are let pass.
fn formula(config: &At<'_>) -> Result<Kind, Invalid> {
    let expression = config.get("expression").optional(At::string)?.unwrap_or_default().to_owned();
    Ok(Kind::Formula(Formula { expression, gives: Type::Mixed, filterable: false }))
}
