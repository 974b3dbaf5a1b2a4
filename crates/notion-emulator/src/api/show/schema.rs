//! Columns of a schema as JSON.

use serde_json::{Map, Value, json};

use super::View;
use super::property::encoded;
use crate::content::database::DataSource;
use crate::content::property::{Choice, Group, Kind, Property, Relation, Rollup, in_order};
use crate::formula::at_home;

impl View<'_> {
    /// All columns of a data source, by name.
    pub(crate) fn schema(&self, source: &DataSource) -> Value {
        let column = |property: &Property| (property.name.clone(), self.column(property, source));
        let shown = in_order(&source.properties)
            .into_iter()
            .filter(|property| self.shows(property, &source.properties));
        shown.map(column).collect::<Map<_, _>>().into()
    }

    /// One column of a data source.
    fn column(&self, property: &Property, source: &DataSource) -> Value {
        let kind = property.kind.name();
        let config = match &property.kind {
            Kind::Number { format } => json!({"format": format}),
            Kind::Select(choices) | Kind::MultiSelect(choices) => json!({"options": options(choices)}),
            Kind::Status { choices, groups } => {
                json!({"options": options(choices), "groups": groups.iter().map(group).collect::<Vec<_>>()})
            }
            Kind::Relation(relation) => self.relation(relation),
            Kind::Rollup(rollup) => self.rollup_config(rollup, &source.properties),
            Kind::Formula(formula) => json!({"expression": at_home(&formula.expression, source.id)}),
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

    fn relation(&self, relation: &Relation) -> Value {
        let there = self.content.data_sources.get(&relation.data_source);
        let mut body = Map::new();
        body.insert("database_id".into(), there.map(|source| source.database.to_string()).into());
        if self.version.has_data_sources() {
            body.insert("data_source_id".into(), relation.data_source.to_string().into());
        }
        let (kind, config) = match &relation.synced {
            None => ("single_property", json!({})),
            Some(id) => {
                let column =
                    there.and_then(|source| source.properties.iter().find(|column| column.id == *id));
                let name = column.map(|column| column.name.as_str());
                ("dual_property", json!({"synced_property_name": name, "synced_property_id": encoded(id)}))
            }
        };
        body.insert("type".into(), kind.into());
        body.insert(kind.into(), config);
        body.into()
    }

    fn rollup_config(&self, rollup: &Rollup, columns: &[Property]) -> Value {
        let relation = columns.iter().find(|column| column.id == rollup.relation);
        let there = relation.and_then(|column| match &column.kind {
            Kind::Relation(to) => self.content.data_sources.get(&to.data_source),
            _ => None,
        });
        let target =
            there.and_then(|source| source.properties.iter().find(|column| column.id == rollup.target));
        // What is gone has no name any more: an empty one is a guess.
        let name = |column: Option<&Property>| column.map_or_else(String::new, |column| column.name.clone());
        json!({
            "rollup_property_name": name(target),
            "relation_property_name": name(relation),
            // These two are not encoded. Source: recorded answers of June 2026.
            "rollup_property_id": rollup.target,
            "relation_property_id": rollup.relation,
            "function": rollup.function,
        })
    }
}

fn group(group: &Group) -> Value {
    let ids: Vec<String> = group.choices.iter().map(|id| encoded(id)).collect();
    json!({"id": group.id, "name": group.name, "color": group.color, "option_ids": ids})
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
