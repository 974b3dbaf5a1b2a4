//! Columns and what rows hold in them, as JSON.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{View, minute};
use crate::content::block::Block;
use crate::content::page::Page;
use crate::content::property::{Choice, Kind, Property, Stored};

/// Property ids are shown percent-encoded, but for what an address may hold anyway.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A property's id as the API shows it.
pub(crate) fn encoded(id: &str) -> String {
    utf8_percent_encode(id, KEPT).to_string()
}

/// References beyond this many are left out of a page; the property endpoint has them all.
/// Source: Notion, "Retrieve a page" (read 2026-11-22).
const REFERENCES_MAX: usize = 25;

fn choice(choice: &Choice) -> Value {
    json!({"id": encoded(&choice.id), "name": choice.name, "color": choice.color})
}

fn chosen(property: &Property, id: &str) -> Option<Value> {
    property.kind.choices().iter().find(|choice| choice.id == id).map(choice)
}

impl View<'_> {
    /// What a row holds in a column, with the column's id and type.
    pub(crate) fn value(&self, property: &Property, block: &Block, page: &Page) -> Value {
        let kind = property.kind.name();
        let mut body = Map::new();
        body.insert("id".into(), encoded(&property.id).into());
        body.insert("type".into(), kind.into());
        body.insert(kind.into(), self.inner(property, block, page));
        if matches!(property.kind, Kind::Relation(_)) {
            let stored = page.values.get(&property.id);
            let more = matches!(stored, Some(Stored::Relation(ids)) if ids.len() > REFERENCES_MAX);
            body.insert("has_more".into(), more.into());
        }
        body.into()
    }

    /// What is under the type's key.
    pub(crate) fn inner(&self, property: &Property, block: &Block, page: &Page) -> Value {
        match &property.kind {
            Kind::CreatedTime => return minute(block.created.at).into(),
            Kind::LastEditedTime => return minute(block.edited.at).into(),
            Kind::CreatedBy => return self.user(block.created.by),
            Kind::LastEditedBy => return self.user(block.edited.by),
            _ => {}
        }
        match (&property.kind, page.values.get(&property.id)) {
            (_, Some(Stored::Text(text))) => self.rich_text(&text[..text.len().min(REFERENCES_MAX)]),
            (_, Some(Stored::Number(number))) => number.clone().into(),
            (_, Some(Stored::Choice(id))) => chosen(property, id).unwrap_or(Value::Null),
            (_, Some(Stored::Choices(ids))) => ids.iter().filter_map(|id| chosen(property, id)).collect(),
            (_, Some(Stored::Date(date))) => {
                json!({"start": date.start, "end": date.end, "time_zone": date.time_zone})
            }
            (_, Some(Stored::People(ids))) => {
                ids.iter().take(REFERENCES_MAX).map(|id| self.user(*id)).collect()
            }
            (_, Some(Stored::Files(files))) => {
                let file = |file: &crate::content::file::NamedFile| {
                    let mut body = Map::new();
                    body.insert("name".into(), file.name.as_str().into());
                    if let Value::Object(source) = self.file(&file.source) {
                        body.extend(source);
                    }
                    Value::Object(body)
                };
                files.iter().map(file).collect()
            }
            (_, Some(Stored::Checkbox(checked))) => (*checked).into(),
            (_, Some(Stored::Line(line))) => line.as_str().into(),
            (_, Some(Stored::Relation(ids))) => {
                ids.iter().take(REFERENCES_MAX).map(|id| json!({"id": id})).collect()
            }
            (Kind::UniqueId { prefix }, Some(Stored::UniqueId(number))) => {
                json!({"prefix": prefix, "number": number})
            }
            (kind, _) => empty(kind),
        }
    }

    /// A column of a schema.
    pub(crate) fn column(&self, property: &Property) -> Value {
        let kind = property.kind.name();
        let config = match &property.kind {
            Kind::Number { format } => json!({"format": format}),
            Kind::Select(choices) | Kind::MultiSelect(choices) => json!({"options": options(choices)}),
            Kind::Status { choices, groups } => {
                let group = |group: &crate::content::property::Group| {
                    let ids: Vec<String> = group.choices.iter().map(|id| encoded(id)).collect();
                    json!({"id": group.id, "name": group.name, "color": group.color, "option_ids": ids})
                };
                json!({"options": options(choices), "groups": groups.iter().map(group).collect::<Vec<_>>()})
            }
            Kind::Relation(data_source) => self.relation(*data_source),
            Kind::UniqueId { prefix } => json!({"prefix": prefix}),
            _ => json!({}),
        };
        json!({
            "id": encoded(&property.id),
            "name": property.name,
            "description": property.description,
            "type": kind,
            kind: config,
        })
    }

    fn relation(&self, data_source: uuid::Uuid) -> Value {
        let database = self.content.data_sources.get(&data_source).map(|source| source.database);
        if self.version.has_data_sources() {
            json!({
                "database_id": database,
                "data_source_id": data_source,
                "type": "single_property",
                "single_property": {},
            })
        } else {
            json!({"database_id": database, "type": "single_property", "single_property": {}})
        }
    }
}

fn options(choices: &[Choice]) -> Vec<Value> {
    let option = |choice: &Choice| {
        json!({
            "id": encoded(&choice.id),
            "name": choice.name,
            "color": choice.color,
            "description": choice.description,
        })
    };
    choices.iter().map(option).collect()
}

/// What a row holds in a column that nobody filled in.
fn empty(kind: &Kind) -> Value {
    match kind {
        Kind::Title
        | Kind::RichText
        | Kind::MultiSelect(_)
        | Kind::People
        | Kind::Files
        | Kind::Relation(_) => {
            json!([])
        }
        Kind::Checkbox => false.into(),
        _ => Value::Null,
    }
}
