//! Pages and rows as JSON, with the properties that were asked for.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{View, digits, minute, partial_user};
use crate::content::block::Block;
use crate::content::page::Page;
use crate::content::property::{Property, in_order};

impl<'a> View<'a> {
    /// A page with the properties that `only` names, or all.
    pub(crate) fn page(&self, id: Uuid, only: &[String]) -> Option<Value> {
        let (block, page) = (self.content.blocks.get(&id)?, self.content.pages.get(&id)?);
        let in_trash = block.in_trash || self.content.ancestor_in_trash(id);
        let mut body = Map::new();
        body.insert("object".into(), "page".into());
        body.insert("id".into(), id.to_string().into());
        if !self.caller.capabilities.read_content {
            return Some(body.into());
        }
        body.insert("created_time".into(), minute(block.created.at).into());
        body.insert("last_edited_time".into(), minute(block.edited.at).into());
        body.insert("created_by".into(), partial_user(block.created.by));
        body.insert("last_edited_by".into(), partial_user(block.edited.by));
        body.insert("cover".into(), page.cover.as_ref().map_or(Value::Null, |cover| self.file(cover)));
        body.insert("icon".into(), self.icon(page.icon.as_ref()));
        body.insert("parent".into(), self.parent(block.parent));
        body.insert("in_trash".into(), in_trash.into());
        body.insert("is_archived".into(), page.is_archived.into());
        body.insert("is_locked".into(), page.is_locked.into());
        body.insert("properties".into(), self.properties(block, page, only));
        body.insert("url".into(), self.address(id).into());
        body.insert("public_url".into(), Value::Null);
        self.archived(&mut body, in_trash);
        Some(body.into())
    }

    fn properties(&self, block: &'a Block, page: &'a Page, only: &[String]) -> Value {
        let shown = |property: &Property| only.is_empty() || only.contains(&property.id);
        let columns = self.content.columns(block);
        let row = self.row(block, page);
        let value = |property: &Property| Some((property.name.clone(), self.value(property, &row)?));
        let shown = |property: &&Property| shown(property) && self.shows(property, columns);
        in_order(columns).into_iter().filter(shown).filter_map(value).collect::<Map<_, _>>().into()
    }

    /// The address of a page in Notion's app: its title with dashes, and its id.
    pub(crate) fn address(&self, id: Uuid) -> String {
        let title: String =
            self.title(id).chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let words: Vec<&str> = title.split('-').filter(|word| !word.is_empty()).collect();
        let slug: String = words.join("-").chars().take(80).collect();
        let ascii = slug.is_ascii() && !slug.is_empty();
        let name = if ascii { format!("{slug}-{}", digits(id)) } else { digits(id) };
        format!("https://app.notion.com/p/{name}")
    }
}
