//! The configuration of a view from JSON, by the tables of `layouts`. Columns may be named by id or by name; what is kept
//! names them by id.

mod layouts;

use serde_json::{Map, Value};

use super::super::check::{At, Invalid};
use super::super::failure::Failure;
use crate::clock::Ids;
use crate::content::property::Property;
use crate::content::view::VIEW_KINDS;
use layouts::{Field, GROUPINGS, Grouping, Need, SUB_GROUPINGS, Shape};

/// The longest list of settings: as many columns as a data source may have. Source: Notion, "Working with databases"
/// (read 2026-11-22).
const LIST_MAX: usize = 500;

/// The longest text of a setting, in UTF-16 units. Source: Notion, "Request limits" (autumn 2026), rich text.
const TEXT_MAX: usize = 2_000;

/// Reads what a request sets of a view of this kind. Settings that it clears are there as `null`.
pub(crate) fn configuration(
    at: &At<'_>,
    kind: &str,
    columns: &[Property],
    ids: &mut Ids,
) -> Result<Map<String, Value>, Failure> {
    at.object()?;
    let given = at.get("type").one_of(&VIEW_KINDS)?;
    if given != kind {
        // Source: users' reports of spring 2026.
        let message = format!("Configuration type \"{given}\" does not match view type \"{kind}\"");
        return Err(Failure::validation(message));
    }
    let Some(fields) = layouts::fields(given) else {
        // That it cannot be set is documented, how it is refused is a guess.
        return Err(Failure::validation(
            "The configuration of a dashboard is read-only. Add and delete its widgets.",
        ));
    };
    let mut read = Map::from_iter([("type".to_owned(), given.into())]);
    read.extend(Reader { columns, ids }.fields(at, fields, &["type"])?);
    Ok(read)
}

/// What reading needs to know.
struct Reader<'a> {
    columns: &'a [Property],
    ids: &'a mut Ids,
}

impl Reader<'_> {
    /// An object with these keys, and with `known` ones that are read elsewhere.
    fn fields(
        &mut self,
        at: &At<'_>,
        fields: &[Field],
        known: &[&str],
    ) -> Result<Map<String, Value>, Invalid> {
        let keys: Vec<&str> = known.iter().copied().chain(fields.iter().map(|field| field.key)).collect();
        at.only(&keys)?;
        let mut read = Map::new();
        for field in fields {
            let place = at.get(field.key);
            let value = match field.need {
                Need::Required => Some(self.value(&place, &field.shape)?),
                Need::Optional => place.optional(|at| self.value(at, &field.shape))?,
                Need::Nullable => place
                    .optional_nullable(|at| self.value(at, &field.shape))?
                    .map(|value| value.unwrap_or(Value::Null)),
            };
            if let Some(value) = value {
                read.insert(field.key.to_owned(), value);
            }
        }
        Ok(read)
    }

    fn value(&mut self, at: &At<'_>, shape: &Shape) -> Result<Value, Invalid> {
        Ok(match shape {
            Shape::Word(words) => at.one_of(words)?.into(),
            Shape::Boolean => at.boolean()?.into(),
            Shape::Integer(min, max) => at.integer(*min, *max)?.into(),
            Shape::Number => at.number()?.into(),
            Shape::Text => at.text(TEXT_MAX)?.into(),
            Shape::Column(kinds) => self.column(at, kinds)?.id.as_str().into(),
            Shape::Object(fields) => self.fields(at, fields, &[])?.into(),
            Shape::Objects(fields) => {
                let items = at.items(LIST_MAX)?;
                let items = items.iter().map(|at| self.fields(at, fields, &[]).map(Value::from));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Shape::Lines(fields) => {
                let items = at.items(LIST_MAX)?;
                Value::Array(items.iter().map(|at| self.line(at, fields)).collect::<Result<_, _>>()?)
            }
            Shape::Grouping => self.grouping(at)?,
            Shape::SubGrouping => self.variant(at, SUB_GROUPINGS)?.0.into(),
            Shape::Aggregation(fields) => self.aggregation(at, fields)?,
        })
    }

    /// A column by its id or name; the id comes first. Source: Notion, "Working with views" (read 2026-11-22). That a
    /// column of another kind is refused is a guess, as are the words.
    fn column(&self, at: &At<'_>, kinds: &[&str]) -> Result<&Property, Invalid> {
        let key = at.string()?;
        let decoded = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
        let by_id = self.columns.iter().find(|column| column.id == key || column.id == decoded);
        let found = by_id.or_else(|| self.columns.iter().find(|column| column.name == key));
        let found = found.ok_or_else(|| at.should("the id or name of a property of the data source"))?;
        if kinds.is_empty() || kinds.contains(&found.kind.name()) {
            return Ok(found);
        }
        Err(at.should(&format!("a property of type `{}`", kinds.join("` or `"))))
    }

    /// An object whose `type` says what else is in it.
    fn variant<'g>(
        &mut self,
        at: &At<'_>,
        groupings: &'g [Grouping],
    ) -> Result<(Map<String, Value>, &'g Grouping), Invalid> {
        at.object()?;
        let kinds: Vec<&'static str> = groupings.iter().map(|grouping| grouping.kind).collect();
        let kind = at.get("type").one_of(&kinds)?;
        let grouping =
            groupings.iter().find(|grouping| grouping.kind == kind).ok_or_else(|| at.should("defined"))?;
        let mut read = Map::from_iter([("type".to_owned(), kind.into())]);
        read.extend(self.fields(at, grouping.fields, &["type"])?);
        Ok((read, grouping))
    }

    /// What groups by a column must fit the column's kind.
    fn grouping(&mut self, at: &At<'_>) -> Result<Value, Invalid> {
        let (read, grouping) = self.variant(at, GROUPINGS)?;
        self.column(&at.get("property_id"), &[grouping.column])?;
        Ok(read.into())
    }

    /// Everything but counting is about a column. Source: as for columns.
    fn aggregation(&mut self, at: &At<'_>, fields: &[Field]) -> Result<Value, Invalid> {
        let read = self.fields(at, fields, &[])?;
        if read.get("aggregator").is_some_and(|what| what != "count") && !read.contains_key("property_id") {
            return Err(at.get("property_id").should("defined"));
        }
        Ok(read.into())
    }

    /// A line across a chart has an id, a fresh one if none is given. Source: as for columns.
    fn line(&mut self, at: &At<'_>, fields: &[Field]) -> Result<Value, Invalid> {
        let mut line = Map::from_iter([("id".to_owned(), Value::Null)]);
        line.extend(self.fields(at, fields, &[])?);
        if line["id"].is_null() {
            line["id"] = self.ids.uuid().to_string().into();
        }
        Ok(line.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::content::property::Kind;

    fn columns() -> Vec<Property> {
        let column = |id: &str, name: &str, kind| Property {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
            kind,
        };
        vec![column("title", "Name", Kind::Title), column("d=y", "Day", Kind::Date)]
    }

    fn read(kind: &str, body: &Value) -> Result<Map<String, Value>, String> {
        let at = At::root("body.configuration", Some(body));
        let read = configuration(&at, kind, &columns(), &mut Ids::series(1));
        read.map_err(|failure| failure.into_reply().body["message"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_column_is_kept_by_id_however_it_was_named() {
        for key in ["d=y", "d%3Dy", "Day"] {
            let body = json!({"type": "calendar", "date_property_id": key, "view_range": null});
            let read = read("calendar", &body).expect("it reads");
            assert_eq!(
                Value::from(read),
                json!({"type": "calendar", "date_property_id": "d=y", "view_range": null})
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let cases = [
            (
                "table",
                json!({"type": "gallery"}),
                "Configuration type \"gallery\" does not match view type \"table\"",
            ),
            ("board", json!({"type": "board"}), "body.configuration.group_by should be defined"),
            (
                "calendar",
                json!({"type": "calendar", "date_property_id": "Name"}),
                "should be a property of type `date`",
            ),
            (
                "list",
                json!({"type": "list", "properties": [{"property_id": "nope"}]}),
                "properties[0].property_id should be the id or name",
            ),
            (
                "list",
                json!({"type": "list", "cover": null}),
                "body.configuration.cover should be not present",
            ),
            ("dashboard", json!({"type": "dashboard", "rows": []}), "read-only"),
            (
                "chart",
                json!({"type": "chart", "chart_type": "number", "value": {"aggregator": "sum"}}),
                "value.property_id should be defined",
            ),
            (
                "table",
                json!({"type": "table", "group_by": {"type": "date", "property_id": "Day", "sort": {"type": "manual"}}}),
                "group_by.group_by should be defined",
            ),
            (
                "table",
                json!({"type": "table", "group_by": {"type": "checkbox", "property_id": "Day", "sort": {"type": "manual"}}}),
                "should be a property of type `checkbox`",
            ),
        ];
        for (kind, body, words) in cases {
            let message = read(kind, &body).expect_err("a refusal");
            assert!(message.contains(words), "{body}: {message}");
        }
    }

    #[test]
    fn a_line_across_a_chart_gets_an_id() {
        let line = json!({"value": 3, "label": "Goal", "color": "red", "dash_style": "dash"});
        let body = json!({"type": "chart", "chart_type": "bar", "reference_lines": [line]});
        let read = read("chart", &body).expect("it reads");
        assert!(read["reference_lines"][0]["id"].is_string(), "{read:?}");
    }
}
