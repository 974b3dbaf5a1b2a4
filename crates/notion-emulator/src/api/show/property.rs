//! What rows hold in their columns, as JSON.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{View, minute, number};
use crate::cells::Row;
use crate::cells::formula::{Computed, compute};
use crate::cells::rollup::{Rolled, roll_up};
use crate::content::block::Block;
use crate::content::date::DateValue;
use crate::content::file::NamedFile;
use crate::content::page::Page;
use crate::content::property::{Choice, Kind, Place, Property, Rollup, Stored};

/// Property ids are shown percent-encoded, but for what an address may hold anyway.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A property's id as the API shows it.
pub(crate) fn encoded(id: &str) -> String {
    utf8_percent_encode(id, KEPT).to_string()
}

/// Related rows and people beyond this many are left out of a page, and out of what its rollups come to; the property
/// endpoint has them all. Source: Notion, "Retrieve a page" (read 2026-11-22).
const REFERENCES_MAX: usize = 25;

fn choice(choice: &Choice) -> Value {
    json!({"id": encoded(&choice.id), "name": choice.name, "color": choice.color})
}

fn chosen(property: &Property, id: &str) -> Option<Value> {
    property.kind.choices().iter().find(|choice| choice.id == id).map(choice)
}

/// A date, as dates are shown everywhere: the times have their offset, and the zone is told by nobody.
pub(crate) fn date(date: &DateValue) -> Value {
    json!({"start": date.start, "end": date.end, "time_zone": null})
}

impl<'a> View<'a> {
    /// A page as a row.
    pub(crate) fn row(&self, block: &'a Block, page: &'a Page) -> Row<'a> {
        Row { world: self.world(), block, page }
    }

    /// What a row holds in a column, with the column's id and type. There is no word for the value of some kinds.
    pub(crate) fn value(&self, property: &Property, row: &Row<'a>) -> Option<Value> {
        // Source: no response type of `@notionhq/client` 5.26.0 has these; that they are left out is a guess.
        if matches!(property.kind, Kind::Location | Kind::LastVisitedTime) {
            return None;
        }
        let kind = property.kind.name();
        let mut body = Map::new();
        body.insert("id".into(), encoded(&property.id).into());
        body.insert("type".into(), kind.into());
        body.insert(kind.into(), self.inner(property, row));
        if let Kind::Relation(relation) = &property.kind {
            let more = row.related(&property.id, relation).len() > REFERENCES_MAX;
            body.insert("has_more".into(), more.into());
        }
        Some(body.into())
    }

    /// What is under the type's key.
    pub(crate) fn inner(&self, property: &Property, row: &Row<'a>) -> Value {
        match &property.kind {
            Kind::CreatedTime => minute(row.block.created.at).into(),
            Kind::LastEditedTime => minute(row.block.edited.at).into(),
            Kind::CreatedBy => self.author(row.block.created.by),
            Kind::LastEditedBy => self.author(row.block.edited.by),
            Kind::Relation(relation) => {
                let ids = row.related(&property.id, relation);
                ids.iter().take(REFERENCES_MAX).map(|id| json!({"id": id})).collect()
            }
            Kind::Rollup(rollup) => self.rollup(row, rollup, REFERENCES_MAX),
            Kind::Formula(_) if self.computed_unsupported => computed(Computed::Unsupported),
            Kind::Formula(formula) => computed(compute(row, formula)),
            Kind::Verification => self.verification(property, row),
            kind => match row.page.values.get(&property.id) {
                Some(stored) => self.stored(property, stored),
                None => empty(kind),
            },
        }
    }

    fn stored(&self, property: &Property, stored: &Stored) -> Value {
        match stored {
            // All of it, however many mentions it has. Source: recorded answers of June 2026.
            Stored::Text(text) => self.rich_text(text),
            Stored::Number(number) => number.clone().into(),
            Stored::Choice(id) => chosen(property, id).unwrap_or(Value::Null),
            Stored::Choices(ids) => ids.iter().filter_map(|id| chosen(property, id)).collect(),
            Stored::Date(value) => date(value),
            Stored::People(ids) => {
                ids.iter().take(REFERENCES_MAX).map(|id| self.user_or_group(*id)).collect()
            }
            Stored::Files(files) => files.iter().map(|file| self.named_file(file)).collect(),
            Stored::Checkbox(checked) => (*checked).into(),
            Stored::Line(line) => line.as_str().into(),
            Stored::UniqueId(number) => match &property.kind {
                Kind::UniqueId { prefix } => json!({"prefix": prefix, "number": number}),
                kind => empty(kind),
            },
            Stored::Place(value) => place(value),
            // These depend on more than what is stored.
            Stored::Relation(_) | Stored::Verification(_) => empty(&property.kind),
        }
    }

    fn named_file(&self, file: &NamedFile) -> Value {
        let mut body = Map::new();
        body.insert("name".into(), self.file_name(&file.name, &file.source).into());
        if let Value::Object(source) = self.file(&file.source) {
            body.extend(source);
        }
        body.into()
    }

    fn verification(&self, property: &Property, row: &Row<'_>) -> Value {
        let Some(Stored::Verification(verified)) = row.page.values.get(&property.id) else {
            return json!({"state": "unverified", "verified_by": null, "date": null});
        };
        json!({
            "state": row.verification(&property.id),
            "verified_by": self.user(verified.by),
            "date": verified.date.as_ref().map(date),
        })
    }

    /// What a rollup comes to over at most `most` related rows.
    pub(crate) fn rollup(&self, row: &Row<'a>, rollup: &Rollup, most: usize) -> Value {
        let rolled = if self.computed_unsupported { Rolled::Unsupported } else { roll_up(row, rollup, most) };
        let (kind, value) = match rolled {
            Rolled::Number(result) => ("number", result.map_or(Value::Null, number)),
            Rolled::Date(result) => ("date", result.as_ref().map_or(Value::Null, date)),
            Rolled::Cells(rows, target) => {
                let kind = target.kind.name();
                let shown = |row: &Row<'a>| json!({"type": kind, kind: self.inner(target, row)});
                ("array", rows.iter().map(shown).collect())
            }
            Rolled::Unsupported => ("unsupported", json!({})),
        };
        json!({"type": kind, kind: value, "function": rollup.function})
    }
}

/// What a formula comes to, under the name of its type.
fn computed(computed: Computed) -> Value {
    let (kind, value) = match computed {
        Computed::Text(text) => ("string", text.into()),
        Computed::Number(result) => ("number", result.map_or(Value::Null, number)),
        Computed::Boolean(boolean) => ("boolean", boolean.into()),
        Computed::Date(result) => ("date", result.as_ref().map_or(Value::Null, date)),
        Computed::Unsupported => ("unsupported", json!({})),
    };
    json!({"type": kind, kind: value})
}

fn place(place: &Place) -> Value {
    json!({
        "lat": place.lat,
        "lon": place.lon,
        "name": place.name,
        "address": place.address,
        "aws_place_id": place.aws_place_id,
        "google_place_id": place.google_place_id,
    })
}

/// What a row holds in a column that nobody filled in.
fn empty(kind: &Kind) -> Value {
    match kind {
        Kind::Title | Kind::RichText | Kind::MultiSelect(_) | Kind::People | Kind::Files => json!([]),
        Kind::Checkbox => false.into(),
        Kind::Button => json!({}),
        Kind::UniqueId { prefix } => json!({"prefix": prefix, "number": null}),
        _ => Value::Null,
    }
}
