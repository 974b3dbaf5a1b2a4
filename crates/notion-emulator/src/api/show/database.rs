//! Databases and data sources as JSON: a container with its tables, or, for older versions, both in one.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{View, digits, exact, minute, partial_user};
use crate::content::database::DataSource;

impl View<'_> {
    /// A database. Older versions see its one data source's columns in it.
    pub(crate) fn database(&self, id: Uuid) -> Option<Value> {
        let (block, database) = (self.content.blocks.get(&id)?, self.content.databases.get(&id)?);
        let in_trash = block.in_trash || self.content.ancestor_in_trash(id);
        let live = self.content.live_data_sources(id);
        let listed = if live.is_empty() { &database.data_sources } else { &live };
        let linked = self.content.linked_data_sources(id);
        let reached = linked.iter().filter(|id| self.reaches(**id));
        let sources: Vec<&DataSource> =
            listed.iter().chain(reached).filter_map(|id| self.content.data_sources.get(id)).collect();
        let mut body = Map::new();
        body.insert("object".into(), "database".into());
        body.insert("id".into(), id.to_string().into());
        if !self.caller.capabilities.read_content {
            return Some(body.into());
        }
        let cover = database.cover.as_ref().map_or(Value::Null, |cover| self.file(cover));
        let url = format!("https://app.notion.com/p/{}", digits(id));
        let title = self.rich_text(self.content.title_runs(id));
        if !self.version.has_data_sources() {
            // Source of the keys' order and of the whole minutes: recorded answers of 2022 to May 2024.
            body.insert("cover".into(), cover);
            body.insert("icon".into(), self.icon(database.icon.as_ref()));
            body.insert("created_time".into(), minute(block.created.at).into());
            body.insert("created_by".into(), partial_user(block.created.by));
            body.insert("last_edited_by".into(), partial_user(block.edited.by));
            body.insert("last_edited_time".into(), minute(block.edited.at).into());
            body.insert("title".into(), title);
            body.insert("description".into(), self.rich_text(&database.description));
            body.insert("is_inline".into(), database.is_inline.into());
            if let Some(source) = sources.first() {
                body.insert("properties".into(), self.schema(source));
            }
            body.insert("parent".into(), self.parent(block.parent));
            body.insert("url".into(), url.into());
            body.insert("public_url".into(), Value::Null);
            self.archived(&mut body, in_trash);
            body.insert("in_trash".into(), in_trash.into());
            body.insert("is_locked".into(), database.is_locked.into());
            return Some(body.into());
        }
        body.insert("title".into(), title);
        body.insert("description".into(), self.rich_text(&database.description));
        body.insert("parent".into(), self.parent(block.parent));
        body.insert("is_inline".into(), database.is_inline.into());
        body.insert("in_trash".into(), in_trash.into());
        body.insert("is_locked".into(), database.is_locked.into());
        body.insert("created_time".into(), exact(block.created.at).into());
        body.insert("last_edited_time".into(), exact(block.edited.at).into());
        let name = |source: &DataSource| match self.plain(&source.title) {
            name if name.is_empty() => "New database".to_owned(),
            name => name,
        };
        let source = |source: &&DataSource| json!({"id": source.id, "name": name(source)});
        body.insert("data_sources".into(), sources.iter().map(source).collect());
        body.insert("icon".into(), self.icon(database.icon.as_ref()));
        body.insert("cover".into(), cover);
        body.insert("url".into(), url.into());
        body.insert("public_url".into(), Value::Null);
        self.archived(&mut body, in_trash);
        Some(body.into())
    }

    /// A data source.
    pub(crate) fn data_source(&self, source: &DataSource) -> Value {
        let database = self.content.blocks.get(&source.database);
        let in_trash = source.in_trash || self.content.ancestor_in_trash(source.id);
        let mut body = Map::new();
        body.insert("object".into(), "data_source".into());
        body.insert("id".into(), source.id.to_string().into());
        if !self.caller.capabilities.read_content {
            body.insert("properties".into(), self.schema(source));
            return body.into();
        }
        let above = self.content.databases.get(&source.database);
        let cover = above.filter(|above| above.data_sources.first() == Some(&source.id));
        let cover = cover.and_then(|above| above.cover.as_ref());
        body.insert("cover".into(), cover.map_or(Value::Null, |cover| self.file(cover)));
        body.insert("icon".into(), self.icon(source.icon.as_ref()));
        body.insert("created_time".into(), minute(source.created.at).into());
        body.insert("created_by".into(), partial_user(source.created.by));
        body.insert("last_edited_by".into(), partial_user(source.edited.by));
        body.insert("last_edited_time".into(), minute(source.edited.at).into());
        body.insert("title".into(), self.rich_text(&source.title));
        body.insert("description".into(), self.rich_text(&source.description));
        body.insert("is_inline".into(), above.is_some_and(|database| database.is_inline).into());
        body.insert("properties".into(), self.schema(source));
        body.insert("parent".into(), json!({"type": "database_id", "database_id": source.database}));
        body.insert(
            "database_parent".into(),
            database.map_or(Value::Null, |block| self.parent(block.parent)),
        );
        body.insert("url".into(), format!("https://app.notion.com/p/{}", digits(source.database)).into());
        body.insert("public_url".into(), Value::Null);
        body.insert("in_trash".into(), in_trash.into());
        self.archived(&mut body, in_trash);
        body.into()
    }
}
